/*
 * Records of a hang, and of what has to do with it, as tests have them: made in a buffer whose end
 * must stay as it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_HANG_RECORD_H
#define FP_TESTS_HANG_RECORD_H

#include "policy/hang_event.h"
#include "policy/policy_text.h"
#include "policy/reset_event.h"
#include "tests/unit/support/hang_fixture.h"

enum { NATIVE = 32, PYTHON = 24, LONG = 5000 };

extern const struct fp_event_header HEADER;
extern const struct fp_judgement RESET;
extern struct fp_text record_text; /* of the record that was made last, in `buffer` */
extern struct fp_policy_file record_table;
extern char path[LONG + 1];

#define HEAD "\"time\":1700000000.001234,\"pid\":7,\"ppid\":6,\"host\":\"node1\",\"rank\":null"
#define LOST_MEMBERS                                                                               \
    "\"threads\":4,\"name\":\"one\",\"package\":\"one\",\"version\":\"1.2\",\"dso\":\"/p/one.so\"" \
    ",\"kind\":\"tokio\",\"class\":\"lost\",\"action\":\"fail\",\"asked\":\"fail\""                \
    ",\"names\":\"worker-0, worker-1\",\"started\":\"/app/train.py:3\",\"handlers\":[\"child\"]"
#define ADVICE ",\"advice\":[\"say \\\"a\\\"\",\"b\"],\"source\":\"s#1\""
#define FORK                                                                                     \
    ",\"fork\":{\"seconds\":61.005,\"call\":\"fork\",\"origin\":\"python\",\"parent\":6,\"lost_" \
    "threads\":5,\"site\":"                                                                      \
    "{\"dso\":\"/lib/libpython.so\",\"function\":\"main\""                                       \
    ",\"user\":{\"file\":\"/app/train.py\",\"line\":10}"                                         \
    ",\"called\":{\"file\":\"/p/torch/dataloader.py\",\"line\":12}"                              \
    ",\"library\":{\"file\":\"/p/torch/dataloader.py\",\"line\":11}"                             \
    ",\"innermost\":{\"file\":\"/lib/python3.11/os.py\",\"line\":13}}}"

/* Of hang_fixture.h's hang one with other names, and a runtime with advice. */
void record_setup(void);

/* Before fp_event_..., and behind it: one line of valid JSON within its bytes. */
void begin_record(void);
void check_record(void);

void record(void);
void record_use(const struct fp_judgement *judgement);
void record_reset(const char *function, const char *wrong);

/* What a name from outside may hold, `length` bytes of it in `path`, which is returned. */
enum { KINDS = 6 };

const char *fill_path(int kind, size_t length);

/* Deep stacks of `path`; lines and offsets are numbered, so that it shows which of them were kept.
 */
void fill_stacks(size_t python_count, size_t native_count);

/* How many frames are in the record: all of them from `first` on, in order. */
size_t frames_kept(const char *key, const char *number, unsigned first);

#endif
