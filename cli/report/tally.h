/*
 * What logs say in sum: fork sites, and the runtimes at each. Takes the memory of what is distinct
 * in them, not of their length, and even that is bounded; what there is no room for is counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_TALLY_H
#define FP_CLI_REPORT_TALLY_H

#include "cli/base/arena.h"
#include "cli/record/log.h"
#include "cli/report/set.h"
#include "policy/hang_event.h"

#include <uthash.h>

/* What a runtime at a fork site came to, worst first. */
enum fp_finding {
    FP_FINDING_PROVEN, /* a child can never go on */
    FP_FINDING_STRONG,
    FP_FINDING_CRASHED, /* a child that lost it */
    FP_FINDING_SUSPECTED,
    FP_FINDING_REFUSED,
    FP_FINDING_USED, /* called in a child that lost it */
    FP_FINDING_LOST, /* hangs where it is used; nobody was seen to */
    FP_FINDING_REST,
    FP_FINDING_COUNT
};

enum { FP_TALLY_ROWS_MAX = 10000, FP_TALLY_WAITS_MAX = 5, FP_TALLY_ADVICE_MAX = 8 };

/* One line that waited. */
struct fp_tally_wait {
    uint64_t key;
    const char *place; /* "" where no Python code waited */
    const char *call, *code;
    unsigned long count;
};

/* A runtime at a fork site. */
struct fp_tally_row {
    UT_hash_handle hh;
    uint64_t key;
    const struct fp_tally_site *site;
    bool is_known;     /* false: a hang of which nobody knows what it waits for */
    const char *label; /* "libgomp (torch 2.13.0)" */
    const char *name, *package, *version, *dso, *file, *kind, *started, *names;
    const char *entry; /* what a policy calls it */
    enum fp_class class;
    enum fp_action action;
    enum fp_finding finding;
    unsigned threads; /* most at once */
    unsigned long forks, refused, children, uses, hangs[FP_GRADE_PROVEN + 1],
        outcomes[FP_OUTCOME_COUNT];
    const char *call; /* the first use's */
    unsigned long crashes;
    const char *signal; /* the first crash's */
    struct fp_tally_wait waits[FP_TALLY_WAITS_MAX];
    size_t wait_count;
    unsigned long waits_omitted;
    const char *advice[FP_TALLY_ADVICE_MAX];
    size_t advice_count;
    const char *fix; /* of its hangs, where another way to start the process does not help; or "" */
    const char *source;
    const char *message; /* the shim's, of the worst that happened; "" where there is none */
    enum fp_finding message_of;
};

/* A place that forks. */
struct fp_tally_site {
    UT_hash_handle hh;
    uint64_t key;
    const char *label; /* "/home/me/train.py:19 in main, through multiprocessing/process.py:121" */
    const char *file;  /* "" where no Python code forked */
    unsigned long line;
    const char *dso;
    const char *advice; /* another way to start the process */
    unsigned long forks, refused, processes;
    struct fp_tally_row *rows;
    enum fp_finding finding; /* the worst of its rows */
};

enum { FP_TIMING_SAMPLES = 512 };

/* Something that is done at forks and takes its time. */
struct fp_tally_timing {
    UT_hash_handle hh;
    uint64_t key;
    const char *label, *what;
    unsigned long count, errors, longest;
    const char *error; /* the first */
    unsigned long samples[FP_TIMING_SAMPLES];
    unsigned long stride; /* one in so many is kept */
    size_t sample_count;
};

/* An `error` record's message. */
struct fp_tally_error {
    UT_hash_handle hh;
    uint64_t key;
    const char *message;
    unsigned long count;
};

/* What a process is called by its `start` record. */
struct fp_tally_program {
    UT_hash_handle hh;
    uint64_t key;
    const char *name;
};

/* A policy file that a job had, by its `start` record. */
struct fp_tally_file {
    UT_hash_handle hh;
    uint64_t key;
    const char *path;
};

enum { FP_TALLY_POLICIES_MAX = 8 };

struct fp_tally {
    struct fp_cli_arena arena;
    struct fp_tally_program *programs;
    struct fp_tally_file *policy_files;
    struct fp_set allows; /* hashes of their lines that a fork used */
    struct fp_tally_site *sites;
    struct fp_tally_timing *resets, *carries, *handlers;
    struct fp_tally_error *errors;
    size_t row_count;
    unsigned long rows_omitted, errors_omitted;
    struct fp_set processes, hosts, ranks, site_processes;
    unsigned long records, forks, refused, uses, crashes, hangs[FP_GRADE_PROVEN + 1];
    unsigned long severed, shared, unquiet, quiet, longest_quiesce; /* sever's and quiesce's */
    const char *busy_thread;
    const char *policies[FP_TALLY_POLICIES_MAX]; /* each FORKPOLICY of a job once */
    size_t policy_count;
    double first, last; /* when */
};

void fp_tally_add(struct fp_tally *tally, const struct fp_log_record *record);

/* Sorts, worst first: call before it is read. */
void fp_tally_sort(struct fp_tally *tally);
void fp_tally_free(struct fp_tally *tally);

/* What to do about a row, the best first; NULL behind the last one. */
const char *fp_tally_advice(const struct fp_tally_row *row, size_t nth);

/* About right where there were more than FP_TIMING_SAMPLES. */
unsigned long fp_timing_median(struct fp_tally_timing *timing);

/* timing.c: one more time that `label` was done. */
void fp_timing_add(struct fp_cli_arena *arena, struct fp_tally_timing **table, const char *label,
                   const char *what, const struct fp_log_record *record);

#endif
