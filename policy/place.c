/* See place.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/place.h"

#include "policy/glob.h"

#include <string.h>

const char *fp_place_parse(struct fp_slice text, struct fp_place_glob *place, size_t *offset)
{
    const char *colon = fp_glob_find(text, ':');
    struct fp_slice file = {text.text, colon ? (size_t)(colon - text.text) : text.length};
    *offset = 0;
    *place = (struct fp_place_glob){.file = fp_slice_trim(file)};
    if (!place->file.length)
        return "'@' without a file behind it";
    const char *wrong = fp_glob_check(place->file, offset);
    *offset += (size_t)(place->file.text - text.text);
    if (wrong || !colon)
        return wrong;
    struct fp_slice within = {colon + 1, text.length - file.length - 1};
    const char *second = fp_glob_find(within, ':');
    place->within = fp_slice_trim(within);
    *offset = (size_t)((second ? second : colon + 1) - text.text);
    if (second)
        return "a second ':' in a place (write [:] for one in a file's name)";
    if (!place->within.length)
        return "':' without a line or function behind it";
    wrong = fp_glob_check(place->within, offset);
    *offset += (size_t)(place->within.text - text.text);
    return wrong;
}

/* The whole path, or its end from a folder's name on. */
static bool file_matches(struct fp_slice glob, struct fp_slice path)
{
    for (;;) {
        const char *slash = path.length ? memchr(path.text, '/', path.length) : NULL;
        if (fp_glob_match(glob, path))
            return true;
        if (!slash)
            return false;
        path.length -= (size_t)(slash + 1 - path.text);
        path.text = slash + 1;
    }
}

/* `line` is "file:line". */
static bool line_matches(const struct fp_place_glob *place, const char *line, const char *function)
{
    const char *colon = strrchr(line, ':');
    struct fp_slice file = {line, colon ? (size_t)(colon - line) : strlen(line)};
    if (!*line || !file_matches(place->file, file))
        return false;
    return !place->within.length ||
           fp_glob_match(place->within, fp_slice_of(colon ? colon + 1 : "")) ||
           fp_glob_match(place->within, fp_slice_of(function));
}

bool fp_place_matches(const struct fp_place_glob *place, const struct fp_site *site)
{
    if (!*site->innermost && !*site->user)
        return file_matches(place->file, fp_slice_of(site->dso)) &&
               (!place->within.length || fp_slice_is(place->within, "*"));
    return line_matches(place, site->user, site->function) ||
           line_matches(place, site->library, "") || line_matches(place, site->called, "") ||
           line_matches(place, site->innermost, "");
}
