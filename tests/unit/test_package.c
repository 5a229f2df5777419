/* Tests of common/package.c, on folders made here. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/package.h"

static char root[] = "/tmp/forkpolicy-package-XXXXXX";

static void make_folders(void)
{
    cr_assert(mkdtemp(root));
    cr_assert_eq(chdir(root), 0);
    cr_assert_eq(
        system("mkdir -p lib/site-packages lib/dist-packages && cd lib/site-packages &&"
               "mkdir polars-2.1.0.dist-info grpcio-1.85.1.dist-info"
               "  scikit_learn-1.9.1.dist-info My.Package-1.0rc1.dist-info"
               "  Old-0.5-py3.11.egg-info PyYAML-6.0.3.dist-info no_version.dist-info &&"
               "echo 'grpc/_cython/cygrpc.so,sha256=x,1' > grpcio-1.85.1.dist-info/RECORD &&"
               "echo 'yaml.so,sha256=x,1' > PyYAML-6.0.3.dist-info/RECORD"),
        0);
}

static void remove_folders(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(package, .init = make_folders, .fini = remove_folders);

static const char *find(const char *path)
{
    static char found[2 * FP_PACKAGE_SIZE + 2];
    char whole[512];
    struct fp_package package;
    snprintf(whole, sizeof whole, "%s/lib/%s", root, path);
    if (!fp_package_find(whole, &package))
        return *package.name || *package.version ? "half filled" : "none";
    snprintf(found, sizeof found, "%s %s", package.name, package.version);
    return found;
}

Test(package, the_folder_tells_the_distribution)
{
    cr_expect_str_eq(find("site-packages/polars/polars.abi3.so"), "polars 2.1.0");
    cr_expect_str_eq(find("site-packages/scikit_learn.libs/libgomp.so"), "scikit_learn 1.9.1");
    cr_expect_str_eq(find("site-packages/my_package/x/y.so"), "My.Package 1.0rc1");
    cr_expect_str_eq(find("site-packages/old/x.py"), "Old 0.5");
}

Test(package, a_part_of_a_name_is_not_the_name)
{
    cr_expect_str_eq(find("site-packages/polar/x.so"), "none");
    cr_expect_str_eq(find("site-packages/polars_extra/x.so"), "none");
}

Test(package, where_names_differ_the_records_tell)
{
    cr_expect_str_eq(find("site-packages/grpc/_cython/cygrpc.so"), "grpcio 1.85.1");
    cr_expect_str_eq(find("site-packages/grpc/_cython/cygrpc.so.1"), "none");
    cr_expect_str_eq(find("site-packages/yaml.so"), "PyYAML 6.0.3");
}

Test(package, a_folder_of_any_name_that_pip_installed_into)
{
    cr_assert_eq(system("mkdir -p lib/deps/my/inner && mkdir lib/deps/my-3.1.dist-info"), 0);
    cr_expect_str_eq(find("deps/my/inner/engine.abi3.so"), "my 3.1");
    cr_expect_str_eq(find("deps/my/inner/loop.py"), "my 3.1");
    cr_expect_str_eq(find("deps/my.libs/libgomp-1.so"), "my 3.1");
    cr_expect_str_eq(find("deps/mine/loop.py"), "none");
    cr_expect_str_eq(find("deps/my/libsystem.so.1"), "none", "not Python's");
}

Test(package, what_is_not_installed_has_none)
{
    cr_expect_str_eq(find("libc.so.6"), "none");
    cr_expect_str_eq(find("dist-packages/polars/x.so"), "none");
    cr_expect_str_eq(find("site-packages/unknown/x.so"), "none");
    cr_expect_str_eq(find("site-packages/no_version/x.so"), "none");
}

static bool starts(const char *file, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, file);
    FILE *stream = fopen(path, "w");
    cr_assert(stream);
    fputs(text, stream);
    fclose(stream);
    return fp_package_starts(path);
}

Test(package, a_command_of_a_package_is_a_short_script_in_bin)
{
    static const char SCRIPT[] = "#!/v/bin/python\nimport sys\nfrom gunicorn.app.wsgiapp import run\n"
                                 "if __name__ == '__main__':\n    sys.exit(run())\n";
    static char own[900];
    cr_assert_eq(system("mkdir -p bin mybin"), 0);
    memset(own, '#', sizeof own - 1);
    memcpy(own, SCRIPT, sizeof SCRIPT - 1);
    cr_expect(starts("bin/gunicorn", SCRIPT));
    cr_expect(!starts("bin/train.py", SCRIPT));
    cr_expect(!starts("mybin/gunicorn", SCRIPT));
    cr_expect(!starts("gunicorn", SCRIPT));
    cr_expect(!starts("bin/train", "import torch\ntorch.train()\n"));
    cr_expect(!starts("bin/longer", own));
    cr_expect(!fp_package_starts("bin/none") && !fp_package_starts("<string>") &&
              !fp_package_starts("") && !fp_package_starts("/bin/none"));
}
