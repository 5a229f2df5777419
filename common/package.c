/* See package.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/package.h"

#include "common/files.h"
#include "policy/site.h"
#include "policy/text.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct search {
    struct fp_package *package;
    struct fp_slice top;  /* the first part of the path below site-packages, without endings */
    const char *relative; /* the path below site-packages */
    int folder;           /* site-packages itself */
    bool in_records, found;
};

static char fold(char c)
{
    return c == '-' || c == '.' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same_name(struct fp_slice a, struct fp_slice b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (fold(a.text[i]) != fold(b.text[i]))
            return false;
    return true;
}

/* "NAME-VERSION.dist-info" and "NAME-VERSION[-pyX.Y].egg-info" into their parts. */
static bool split_info_name(const char *entry, struct fp_slice *name, struct fp_slice *version)
{
    const char *end = strstr(entry, ".dist-info");
    if (!end)
        end = strstr(entry, ".egg-info");
    const char *dash = end ? memchr(entry, '-', (size_t)(end - entry)) : NULL;
    if (!dash)
        return false;
    *name = (struct fp_slice){entry, (size_t)(dash - entry)};
    *version = (struct fp_slice){dash + 1, (size_t)(end - dash - 1)};
    const char *python = memchr(version->text, '-', version->length);
    if (python)
        version->length = (size_t)(python - version->text);
    return name->length && version->length;
}

/* A line of RECORD begins with the path and a comma. */
static bool record_lists(const struct search *search, const char *entry)
{
    char path[512], line[1024];
    struct fp_text record = FP_TEXT(path), wanted = FP_TEXT(line);
    fp_text_format(&record, "%s/RECORD", entry);
    fp_text_format(&wanted, "%s,", search->relative);
    return !record.cut && !wanted.cut &&
           fp_file_contains(search->folder, path, line, wanted.length);
}

static bool visit(const char *entry, void *context)
{
    struct search *search = context;
    struct fp_slice name, version;
    if (!split_info_name(entry, &name, &version))
        return true;
    if (!(search->in_records ? record_lists(search, entry) : same_name(name, search->top)))
        return true;
    struct fp_text out = {.data = search->package->name, .size = FP_PACKAGE_SIZE};
    fp_text_append(&out, name.text, name.length);
    out = (struct fp_text){.data = search->package->version, .size = FP_PACKAGE_SIZE};
    fp_text_append(&out, version.text, version.length);
    search->found = true;
    return false;
}

static struct fp_slice top_of(const char *relative)
{
    struct fp_slice top = {relative, strcspn(relative, "/")};
    if (relative[top.length] != '/')
        top.length = strcspn(relative, "."); /* a module of one file: name.cpython-311-...so */
    else if (top.length > 5 && memcmp(relative + top.length - 5, ".libs", 5) == 0)
        top.length -= 5; /* auditwheel's folder of bundled libraries */
    return top;
}

/* In the folder that ends where `relative`, a part of the path, begins. */
static bool find_below(const char *path, const char *relative, struct fp_package *package)
{
    char folder[1024];
    struct fp_text name = FP_TEXT(folder);
    fp_text_append(&name, path, (size_t)(relative - path));
    if (name.cut)
        return false;
    struct search search = {.package = package, .top = top_of(relative), .relative = relative};
    for (int in_records = 0; in_records < 2 && !search.found; in_records++) {
        search.in_records = in_records;
        search.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (search.folder < 0)
            return false;
        fp_folder_each(search.folder, visit, &search);
        close(search.folder);
    }
    return search.found;
}

/* Python's code, or what a wheel brings along; a library of the system is none. */
static bool is_of_python(const char *path)
{
    size_t length = strlen(path);
    return strstr(path, ".abi3.so") || strstr(path, ".cpython-") || strstr(path, ".libs/") ||
           (length > 3 && strcmp(path + length - 3, ".py") == 0);
}

/* `pip install --target` has no folder of a known name: the nearest that knows of the file. */
static bool find_above(const char *path, struct fp_package *package)
{
    enum { LEVELS = 5 };
    const char *relative = path + strlen(path);
    for (int level = 0; level < LEVELS && is_of_python(path); level++) {
        const char *end = relative > path ? relative - 1 : path; /* the slash before it */
        do
            end--;
        while (end > path && *end != '/');
        if (end <= path)
            return false;
        relative = end + 1;
        if (find_below(path, relative, package))
            return true;
    }
    return false;
}

bool fp_package_find(const char *path, struct fp_package *package)
{
    package->name[0] = package->version[0] = '\0';
    const char *relative = fp_path_in_packages(path);
    return relative ? find_below(path, relative, package) : find_above(path, package);
}

bool fp_package_starts(const char *path)
{
    enum { LONGEST = 600 };
    static const char BIN[] = "/bin/";
    char script[LONGEST + 1];
    const char *name = strrchr(path, '/');
    size_t length = name ? (size_t)(name - path) + 1 : 0;
    if (length < sizeof BIN || strchr(name, '.') ||
        memcmp(path + length - (sizeof BIN - 1), BIN, sizeof BIN - 1) != 0)
        return false;
    ssize_t size = fp_file_read(path, script, sizeof script);
    return size > 0 && size < LONGEST && strstr(script, "sys.exit(");
}
