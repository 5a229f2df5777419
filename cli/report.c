/*
 * `forkpolicy report`: logs in, one report out. See cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/report.h"
#include "cli/base/say.h"
#include "cli/cli.h"
#include "cli/report/formats.h"
#include "cli/report/keep.h"
#include "cli/report/output.h"

#include <string.h>

enum { EXIT_HANG = 1 };

enum format {
#define FP_REPORT_FORMAT(name, option, help) FORMAT_##name,
#include "cli/report.def"
    FORMAT_COUNT
};

static const char *const FORMATS[] = {
#define FP_REPORT_FORMAT(name, option, help) option,
#include "cli/report.def"
};

struct options {
    enum format format;
    bool has_format;
#define FP_REPORT_OPTION(field, option, letter, argument, help) const char *field;
#include "cli/report.def"
};

static const struct {
    const char *name, *letter;
    size_t field;
} OPTIONS[] = {
#define FP_REPORT_OPTION(field, option, letter, argument, help) \
    {option, letter, offsetof(struct options, field)},
#include "cli/report.def"
};

enum { OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };

struct reading {
    struct fp_tally tally;
    struct fp_kept kept;
    bool keeps;
    json_t *before; /* the records of --before, or NULL */
};

void fp_report_help(void)
{
    printf("\noptions of report, which says what the logs of a job hold:\n");
#define FP_REPORT_FORMAT(name, option, help) printf("  %-24s %s\n", option, help);
#define FP_REPORT_OPTION(field, option, letter, argument, help) \
    printf("  %s, %-10s %-9s %s\n", letter, option, argument, help);
#include "cli/report.def"
    printf("exit status of report: 0; 1 a log shows a hang that was proven, whatever became of\n"
           "the child; 2 usage, or a log or the output failed (the other logs are reported)\n");
}

/* "--name VALUE", "--name=VALUE" or "-n VALUE"; the number of arguments taken, 0 = none of them. */
static int take_option(struct options *options, int count, char **arguments)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char **field = (const char **)(void *)((char *)options + OPTIONS[i].field);
        size_t length = strlen(OPTIONS[i].name);
        bool named = strncmp(arguments[0], OPTIONS[i].name, length) == 0;
        if (named && arguments[0][length] == '=') {
            *field = arguments[0] + length + 1;
            return **field ? 1 : 0;
        }
        if ((named && !arguments[0][length]) || strcmp(arguments[0], OPTIONS[i].letter) == 0) {
            *field = count > 1 && *arguments[1] ? arguments[1] : NULL;
            return *field ? 2 : 0;
        }
    }
    return 0;
}

static bool take_format(struct options *options, const char *argument)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(argument, FORMATS[i]) != 0)
            continue;
        if (options->has_format && options->format != (enum format)i) {
            fp_cli_say("report: %s and %s: one format at a time", FORMATS[options->format],
                       FORMATS[i]);
            return false;
        }
        options->format = (enum format)i;
        options->has_format = true;
        return true;
    }
    fp_cli_say("report: unknown option, or one without its argument: %s", argument);
    return false;
}

/* The logs are left in front of `arguments`; their number, or -1, and said. Options may stand
   behind them. */
static int parse(struct options *options, int count, char **arguments)
{
    int logs = 0;
    bool options_end = false;
    for (int at = 0; at < count;) {
        char *argument = arguments[at];
        int taken = 0;
        if (options_end || argument[0] != '-' || !argument[1]) {
            arguments[logs++] = argument;
            taken = 1;
        } else if (strcmp(argument, "--") == 0) {
            options_end = true;
            taken = 1;
        } else {
            taken = take_option(options, count - at, arguments + at);
        }
        if (!taken && !take_format(options, argument))
            return -1;
        at += taken ? taken : 1;
    }
    if (!logs)
        fp_cli_say("report: which log? (forkpolicy report [OPTION...] LOG...; - is stdin)");
    return logs ? logs : -1;
}

static void visit(const struct fp_log_record *record, void *context)
{
    struct reading *reading = context;
    fp_tally_add(&reading->tally, record);
    if (reading->keeps)
        fp_keep(&reading->kept, record);
}

static void visit_before(const struct fp_log_record *record, void *context)
{
    fp_keep((struct fp_kept *)context, record);
}

/* False, and said, where the log of --before is none. */
static bool read_before(const struct options *options, struct reading *reading)
{
    static struct fp_kept kept;
    struct fp_log_count count = {0};
    if (!options->before)
        return true;
    if (options->format != FORMAT_html) {
        fp_cli_say("report: --before goes with --html");
        return false;
    }
    if (!fp_log_read(options->before, visit_before, &kept, &count))
        return false;
    if (!count.records && count.bad) {
        fp_cli_say("report: --before: not a log: none of the lines is a record");
        return false;
    }
    reading->before = fp_kept_sorted(&kept);
    return true;
}

/* The formats that draw the records themselves. */
static bool draw(FILE *stream, enum format format, struct reading *reading)
{
    json_t *records = fp_kept_sorted(&reading->kept);
    unsigned long omitted = reading->kept.omitted;
    bool good = format == FORMAT_html ? fp_report_html(stream, records, omitted, reading->before)
                                      : fp_report_perfetto(stream, records, omitted);
    json_decref(records);
    return good;
}

static bool write_report(FILE *stream, enum format format, struct reading *reading, size_t logs)
{
    switch (format) {
    case FORMAT_policy:
        return fp_report_policy(stream, &reading->tally, logs);
    case FORMAT_unused:
        return fp_report_unused(stream, &reading->tally, logs);
    case FORMAT_github:
        return fp_report_github(stream, &reading->tally, logs);
    case FORMAT_gitlab:
        return fp_report_gitlab(stream, &reading->tally, logs);
    case FORMAT_junit:
        return fp_report_junit(stream, &reading->tally, logs);
    case FORMAT_perfetto:
    case FORMAT_html:
        return draw(stream, format, reading);
    case FORMAT_text:
    case FORMAT_COUNT:
        break;
    }
    return fp_report_text(stream, &reading->tally, logs);
}

int fp_cli_report(int count, char **arguments)
{
    static struct reading reading;
    struct options options = {0};
    struct fp_log_count total = {0};
    struct fp_output output;
    size_t read = 0;
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            fp_report_help();
            return 0;
        }
    int logs = parse(&options, count, arguments);
    if (logs < 0 || !read_before(&options, &reading) || !fp_output_open(&output, options.output))
        return FP_EXIT_USAGE;
    reading.keeps = options.format == FORMAT_html || options.format == FORMAT_perfetto;
    for (int i = 0; i < logs; i++)
        read += fp_log_read(arguments[i], visit, &reading, &total);
    fp_tally_sort(&reading.tally);
    /* Of what was not read, or is no log, nothing can be concluded. */
    bool any = read && (total.records || !total.bad);
    if (read && !any)
        fp_cli_say("report: not a log: none of the lines is a record");
    bool written = !any || write_report(output.stream, options.format, &reading, read);
    bool good = fp_output_close(&output, written) && any && read == (size_t)logs;
    bool hung = reading.tally.hangs[FP_GRADE_PROVEN] > 0;
    fp_tally_free(&reading.tally);
    json_decref(reading.before);
    return !good ? FP_EXIT_USAGE : hung ? EXIT_HANG : 0;
}
