/* See advice.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/advice.h"

#include "policy/site.h"

#include <string.h>

struct fp_slice fp_runtime_value(const struct fp_runtime *runtime, enum fp_word word, size_t nth)
{
    const struct fp_identity *identity = &runtime->identity;
    if (!identity->known)
        return (struct fp_slice){"", 0};
    return fp_known_value(identity->source, identity->known, word, nth);
}

struct fp_slice fp_runtime_entry_name(const struct fp_runtime *runtime)
{
    if (runtime->identity.known)
        return fp_known_name(runtime->identity.source, runtime->identity.known);
    if (*runtime->facts.package)
        return fp_slice_of(runtime->facts.package);
    return fp_slice_of(*runtime->facts.file ? runtime->facts.file : runtime->facts.dso);
}

struct fp_slice fp_runtime_advice(const struct fp_runtime *runtime, size_t nth)
{
    size_t remedies = 0;
    while (fp_runtime_value(runtime, FP_WORD_REMEDY, remedies).length)
        remedies++;
    return nth < remedies ? fp_runtime_value(runtime, FP_WORD_REMEDY, nth)
                          : fp_runtime_value(runtime, FP_WORD_ADVICE, nth - remedies);
}

static bool through(const struct fp_site *site, const char *part)
{
    return strstr(site->called, part) || strstr(site->library, part) ||
           strstr(site->innermost, part) || strstr(site->dso, part);
}

const char *fp_advice_start(const struct fp_site *site, enum fp_origin origin)
{
    static const struct {
        const char *through, *advice;
    } STARTS[] = {
#define FP_START(through, advice, source) {through, advice},
#include "policy/starts.def"
    };
#define FP_START_NATIVE(advice) static const char NATIVE[] = advice;
#include "policy/starts.def"
    size_t nth = 0;
    if (origin == FP_ORIGIN_NATIVE)
        return NATIVE;
    while (!through(site, STARTS[nth].through)) /* the last one fits all */
        nth++;
    return STARTS[nth].advice;
}

struct fp_slice fp_advice_remedy(const struct fp_runtime *runtime)
{
    static const char OWN_THREAD[] = "os.register_at_fork(after_in_child=start), where start() "
                                     "makes the thread and its queue or loop anew";
    static const char PACKAGE[] = "create the object that starts the thread in the child, too";
    struct fp_slice remedy = fp_runtime_value(runtime, FP_WORD_REMEDY, 0);
    if (remedy.length || runtime->identity.known || !*runtime->facts.file)
        return remedy;
    return fp_slice_of(fp_code_of(runtime->facts.file) == FP_CODE_USER ? OWN_THREAD : PACKAGE);
}

struct fp_slice fp_advice_fork(const struct fp_snapshot *snapshot, const bool *meant)
{
    struct fp_slice first = {"", 0};
    for (size_t i = 0; i < snapshot->count; i++) {
        struct fp_slice remedy = fp_advice_remedy(&snapshot->runtimes[i]);
        if (meant[i] && !remedy.length)
            return fp_slice_of(fp_advice_start(&snapshot->site, snapshot->origin));
        if (meant[i] && !first.length)
            first = remedy;
    }
    return first;
}

static bool is_same(struct fp_slice one, struct fp_slice other)
{
    return one.length == other.length && memcmp(one.text, other.text, one.length) == 0;
}

/* Whether an earlier runtime of those meant says the same: two of one library often do. */
static bool is_repeated(const struct fp_snapshot *snapshot, const bool *meant, size_t at,
                        struct fp_slice value, enum fp_word word)
{
    for (size_t i = 0; i < at; i++) {
        struct fp_slice earlier;
        for (size_t nth = 0; meant[i]; nth++) {
            earlier = fp_runtime_value(&snapshot->runtimes[i], word, nth);
            if (!earlier.length)
                break;
            if (is_same(earlier, value))
                return true;
        }
    }
    return false;
}

void fp_advice_values(struct fp_text *text, const struct fp_snapshot *snapshot, const bool *meant,
                      enum fp_word word, struct fp_slice said, const char *before,
                      const char *after)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        struct fp_slice value;
        for (size_t nth = 0; meant[i]; nth++) {
            value = fp_runtime_value(&snapshot->runtimes[i], word, nth);
            if (!value.length)
                break;
            if (is_same(value, said) || is_repeated(snapshot, meant, i, value, word))
                continue;
            fp_text_format(text, "%s", before);
            fp_text_quote(text, value, 300);
            fp_text_format(text, "%s", after);
        }
    }
}

/* Whether the entry for another runtime serves for this one: `lancedb` for all of lancedb's. */
static bool is_covered(const struct fp_snapshot *snapshot, const bool *meant, size_t at)
{
    struct fp_slice own = fp_runtime_entry_name(&snapshot->runtimes[at]);
    for (size_t i = 0; i < snapshot->count; i++) {
        struct fp_slice other = fp_runtime_entry_name(&snapshot->runtimes[i]);
        bool same = is_same(other, own);
        if (meant[i] && i != at &&
            (same ? i < at : fp_slice_is(other, snapshot->runtimes[at].facts.package)))
            return true;
    }
    return false;
}

void fp_advice_off_entries(struct fp_text *text, const struct fp_snapshot *snapshot,
                           const bool *meant)
{
    const char *comma = "";
    fp_text_format(text, "add ");
    for (size_t i = 0; i < snapshot->count; i++) {
        struct fp_slice name = fp_runtime_entry_name(&snapshot->runtimes[i]);
        if (!meant[i] || is_covered(snapshot, meant, i))
            continue;
        fp_text_format(text, "%soff:", comma);
        fp_text_quote(text, name, 200);
        comma = ",";
    }
    fp_text_format(text, " to FORKPOLICY, where the child never uses it");
}
