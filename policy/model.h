/*
 * The nouns. A fork is told in three values, each made from the one before:
 *
 *     snapshot   what was alive when the process forked          (shim/fork/look.c)
 *     verdict    what the policy says about it                   (decide.c)
 *     event      the words for people and the record for tools   (message.c, event.c)
 *
 * Everything in policy/ is pure: no files, threads, globals, malloc or libc state. Pointers are
 * borrowed from the caller and live as long as the policy they came from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_MODEL_H
#define FP_POLICY_MODEL_H

#include "policy/text.h"

#include <stdint.h>
#include <sys/types.h>

enum fp_action {
#define FP_ACTION(NAME, name, available, help) FP_ACTION_##NAME,
#include "policy/actions.def"
#undef FP_ACTION
    FP_ACTION_COUNT
};

enum fp_class {
#define FP_CLASS(NAME, name, help, message) FP_CLASS_##NAME,
#include "policy/classes.def"
#undef FP_CLASS
    FP_CLASS_COUNT
};

const char *fp_action_name(enum fp_action action);
const char *fp_class_name(enum fp_class class);

/* What becomes of a runtime of that class: "hangs when the child uses it". */
const char *fp_class_message(enum fp_class class);

/* "name" -> action; false where there is no such action. */
bool fp_action_parse(struct fp_slice name, enum fp_action *action);
bool fp_class_parse(struct fp_slice name, enum fp_class *class);

/* What is known of one runtime before the table is asked. Strings are never NULL; "" = not known.
 */
struct fp_facts {
    const char *dso;     /* real path of the library whose code the threads run; "" = none seen */
    const char *file;    /* for Python threads: the file that started them, "" for native ones */
    const char *thread;  /* for threads that no wrapper saw: their name, else "" */
    const char *package; /* distribution name as installed */
    const char *version;
};

struct fp_known;
struct fp_policy_text;

/* Why a fork may lose a runtime, by an allow line or by the program's own word. */
struct fp_allowed {
    struct fp_slice reason; /* length 0: it is not allowed */
    const char *path;       /* of the policy file; "": the program says so (forkpolicy.h) */
    unsigned line;
};

/* What policy and table say of a runtime whatever the fork: found once, kept by the shim. */
struct fp_identity {
    const struct fp_policy_text *source; /* where `known` stands; NULL = not in any table */
    const struct fp_known *known;
    enum fp_action asked;
    bool by_pattern; /* asked for by name, so it holds as written whatever the class */
    struct fp_allowed allowed;
};

/* One runtime alive at a fork. */
struct fp_runtime {
    struct fp_facts facts;
    struct fp_identity identity;
    unsigned threads;    /* that the child would be without */
    bool spare;          /* its threads are those that no child misses */
    bool registered;     /* it goes through forks by itself (forkpolicy.h) */
    unsigned handlers;   /* FP_HANDLER_ bits: which atfork handlers its library registered */
    const char *started; /* "file:line" of the Python code that started the first thread */
    const char *names;   /* names of its threads, ", " between; filled when there is a reader */
};

enum { FP_HANDLER_PREPARE = 1, FP_HANDLER_PARENT = 2, FP_HANDLER_CHILD = 4 };

/* Where a fork was asked for. Python lines are "file:line", "" where there is none. */
struct fp_site {
    const char *user;      /* the first line outside the standard library and installed packages */
    const char *library;   /* the first line in an installed package */
    const char *called;    /* the line that the user's line called */
    const char *innermost; /* the line that called fork */
    const char *function;  /* of the user line */
    const char *dso;       /* the library or program that called fork */
    const char *allowed;   /* what the program allows there: allow lines, without their first word */
};

/* The line to name: the user's, else a library's; "" where no Python code called. */
static inline const char *fp_site_line(const struct fp_site *site)
{
    return *site->user ? site->user : *site->library ? site->library : site->innermost;
}

enum fp_origin {
    FP_ORIGIN_PYTHON, /* os.fork and what is built on it: Python code goes on in the child */
    FP_ORIGIN_NATIVE_IN_PYTHON, /* C code of a Python process; most often it forks to exec */
    FP_ORIGIN_NATIVE,           /* a process without Python */
};

enum { FP_RUNTIMES_MAX = 48 };

struct fp_snapshot {
    const char *call; /* "fork", "forkpty", "clone" ... */
    enum fp_origin origin;
    pid_t pid;
    const char *program; /* as a user would write it: "python3 train.py" */
    struct fp_site site;
    unsigned threads;      /* the kernel's count, the forking thread included */
    unsigned unattributed; /* of these, how many no wrapper saw starting */
    bool main_lost; /* another thread forks: the main thread, which is no runtime's, is lost */
    size_t count, omitted; /* runtimes kept below; those for which there was no room */
    struct fp_runtime runtimes[FP_RUNTIMES_MAX];
    const char *const *environment; /* as environ */
};

enum fp_speech {
    FP_SPEECH_SILENT, /* in the record only */
    FP_SPEECH_TELL,   /* one message per fork site and runtime */
    FP_SPEECH_REFUSE, /* and the fork does not happen */
};

struct fp_judgement {
    enum fp_class class;
    enum fp_action
        action; /* what happens; differs from identity.asked where that is not available */
    enum fp_speech speech;
};

struct fp_verdict {
    bool refuse, tell;
    struct fp_judgement runtimes[FP_RUNTIMES_MAX]; /* in the snapshot's order */
};

#endif
