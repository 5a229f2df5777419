/* Tests of policy/site.c. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/site.h"

static const struct {
    const char *file;
    enum fp_code code;
} CASES[] = {
    {"/usr/lib/python3.11/threading.py", FP_CODE_STANDARD},
    {"/root/.pyenv/versions/3.11.7/lib/python3.11/multiprocessing/popen_fork.py", FP_CODE_STANDARD},
    {"/opt/conda/lib/python3.13t/os.py", FP_CODE_STANDARD},
    {"<frozen os>", FP_CODE_STANDARD},
    {"<frozen importlib._bootstrap>", FP_CODE_STANDARD},
    {"/venv/lib/python3.11/site-packages/torch/utils/data/dataloader.py", FP_CODE_PACKAGE},
    {"/usr/lib/python3/dist-packages/numpy/core.py", FP_CODE_PACKAGE},
    {"/home/user/train.py", FP_CODE_USER},
    {"train.py", FP_CODE_USER},
    {"<string>", FP_CODE_USER},
    {"<stdin>", FP_CODE_USER},
    {"", FP_CODE_USER},
    /* A folder that only begins like Python's is not Python's. */
    {"/srv/lib/pythonic/train.py", FP_CODE_USER},
    {"/srv/lib/python/train.py", FP_CODE_USER},
    {"/srv/lib/python3.py", FP_CODE_USER},
};

Test(site, code_is_told_by_its_file)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        cr_expect_eq(fp_code_of(CASES[i].file), CASES[i].code, "%s", CASES[i].file);
}

Test(site, a_package_begins_below_the_last_folder_of_packages)
{
    cr_expect_str_eq(fp_path_in_packages("/v/lib/python3.11/site-packages/a/b.so"), "a/b.so");
    cr_expect_str_eq(fp_path_in_packages("/usr/lib/python3/dist-packages/a.py"), "a.py");
    cr_expect_str_eq(fp_path_in_packages("/x/site-packages/v/dist-packages/a.py"), "a.py");
    cr_expect_str_eq(fp_path_in_packages("/x/dist-packages/v/site-packages/a.py"), "a.py");
    cr_expect_null(fp_path_in_packages("/home/me/my-site-packages/a.py"));
}
