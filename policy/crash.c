/* See crash.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/crash.h"

#include "policy/advice.h"
#include "policy/phrases.h"
#include "policy/record.h"

#include <signal.h>

static const struct {
    int number;
    const char *name;
} SIGNALS[] = {
#define FP_CRASH(signal) {signal, #signal},
#include "policy/crashes.def"
#undef FP_CRASH
};

enum { SIGNAL_COUNT = sizeof SIGNALS / sizeof *SIGNALS, RUNTIMES_ROOM = 1800 };

const char *fp_crash_signal(int number)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (SIGNALS[i].number == number)
            return SIGNALS[i].name;
    return NULL;
}

int fp_crash_parse(struct fp_slice name)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (fp_slice_is(name, SIGNALS[i].name))
            return SIGNALS[i].number;
    return 0;
}

static const char *name_of(const struct fp_crash *crash)
{
    const char *name = fp_crash_signal(crash->signal);
    return name ? name : "a signal";
}

void fp_add_crash_loss(struct fp_text *text, const struct fp_crash *crash)
{
    unsigned lost = crash->fork.lost_threads;
    fp_text_format(text, "the fork lost %u of %u threads", lost, lost + 1);
    for (size_t i = 0; i < crash->count; i++) {
        unsigned of_it = crash->runtimes[i].threads;
        if (crash->count == 1 && of_it >= lost)
            fp_text_format(text, of_it == 1 ? ", one of " : ", all of ");
        else
            fp_text_format(text, i ? ", %u of " : ", %u of them of ", of_it);
        fp_add_runtime_name(text, &crash->runtimes[i]);
    }
}

static void add_fork(struct fp_text *text, const struct fp_fork_origin *fork)
{
    if (*fp_site_line(fork->site)) {
        fp_text_format(text, ", at ");
        fp_add_lines(text, fork->site);
    } else if (*fork->site->dso) {
        fp_text_format(text, ", in %s() called from ", *fork->call ? fork->call : "fork");
        fp_text_quote(text, fp_slice_of(fork->site->dso), 300);
    }
}

struct fp_slice fp_crash_advice(const struct fp_crash *crash, size_t nth)
{
    const struct fp_runtime *lost = crash->count ? &crash->runtimes[0] : NULL;
    size_t starts = !lost || !fp_advice_remedy(lost).length;
    if (nth < starts)
        return fp_slice_of(fp_advice_start(crash->fork.site, crash->fork.origin));
    return lost ? fp_runtime_advice(lost, nth - starts) : (struct fp_slice){"", 0};
}

void fp_message_crash(struct fp_text *text, const struct fp_crash *crash)
{
    struct fp_slice advice;
    fp_text_reset(text);
    fp_text_format(text, "forkpolicy: pid %d (", (int)crash->pid);
    fp_text_quote(text, fp_slice_of(crash->program), 120);
    fp_text_format(text, "), a forked child, crashed (%s): ", name_of(crash));
    fp_add_crash_loss(text, crash);
    add_fork(text, &crash->fork);
    for (size_t nth = 0; nth < 2 && (advice = fp_crash_advice(crash, nth)).length; nth++) {
        fp_text_format(text, nth ? "; or " : "; if that is why: ");
        fp_text_quote(text, advice, 300);
    }
    fp_text_format(text, "\n");
    fp_end_at_line(text);
}

void fp_event_crash(struct fp_text *text, const struct fp_event_header *header,
                    const struct fp_crash *crash)
{
    fp_record_header(text, header);
    fp_text_format(text, ",\"child\":%d,\"signal\":\"%s\",\"runtimes\":[", (int)crash->pid,
                   name_of(crash));
    for (size_t i = 0; i < crash->count; i++) {
        fp_text_format(text, i ? "," : "");
        fp_record_runtime_within(text, &crash->runtimes[i], &crash->judgements[i],
                                 RUNTIMES_ROOM / crash->count);
    }
    fp_text_format(text, "]");
    fp_record_fork(text, &crash->fork);
    fp_record_end(text);
}
