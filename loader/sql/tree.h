/*
 * An SQL expression: read by a parser of our own (parse.c), its names looked up and its types
 * checked (check.c), written down for SQLite (write.c). SQLite never sees the caller's
 * text: only what this grammar has can reach it, and mistakes are reported with their place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_TREE_H
#define FL_SQL_TREE_H

#include "loader/cell/cell.h"
#include "loader/table/table.h"

/* What a value may be; a set, as CASE may give several. Empty: NULL. */
enum {
    FL_SQL_BOOL = 1,
    FL_SQL_INT = 2,
    FL_SQL_REAL = 4,
    FL_SQL_TEXT = 8,
    FL_SQL_BYTES = 16,
    FL_SQL_DATE = 32,
    FL_SQL_STAMP = 64,
    FL_SQL_TIME = 128,
    FL_SQL_OTHER = 256, /* lists and their like: there or NULL */
    FL_SQL_NUMBER = FL_SQL_INT | FL_SQL_REAL,
    FL_SQL_WHEN = FL_SQL_DATE | FL_SQL_STAMP | FL_SQL_TIME,
    FL_SQL_TYPES = 511,
    /* What SQLite has no number for, so that it is a blob there (value.h). */
    FL_SQL_NAN = 512,
    FL_SQL_BIG = 1024, /* 2^63 and more */
    FL_SQL_ODD = FL_SQL_NAN | FL_SQL_BIG,
};

enum fl_sql_kind {
    FL_NODE_NULL,
    FL_NODE_BOOL,
    FL_NODE_INT, /* `integer`; with FL_SQL_BIG its bits are a uint64_t's */
    FL_NODE_REAL,
    FL_NODE_TEXT,
    FL_NODE_COLUMN, /* `integer`: which of fl_sql's columns */
    FL_NODE_NEGATE,
    FL_NODE_NOT,
    FL_NODE_AND,
    FL_NODE_OR,
    FL_NODE_ARITHMETIC, /* `word`: "+" ... */
    FL_NODE_CONCAT,
    FL_NODE_COMPARE,  /* `word`: "=" ... */
    FL_NODE_DISTINCT, /* IS DISTINCT FROM */
    FL_NODE_IS,       /* `word`: "NULL", "TRUE" or "FALSE" */
    FL_NODE_IN,
    FL_NODE_BETWEEN,
    FL_NODE_LIKE,
    FL_NODE_CASE, /* operand if `operand`, pairs, else if `otherwise` */
    FL_NODE_CAST, /* `integer`: the FL_SQL_ type */
    FL_NODE_CALL,
};

struct fl_node {
    enum fl_sql_kind kind;
    unsigned types;
    size_t at; /* where in the text */
    int depth;
    bool negated;
    bool fold; /* ILIKE */
    bool operand, otherwise;
    bool as_stamp;  /* a date among timestamps: midnight */
    bool as_count;  /* a column of dates or times as its counts of units (time_count.c) */
    bool is_moment; /* a literal date or time, which is `integer` seconds and these: */
    uint32_t nanoseconds;
    const char *word;
    const struct fl_sql_function *function;
    int64_t integer;
    double real;
    char *text; /* owned */
    size_t length;
    size_t count;
    struct fl_node *first, *last, *next; /* children; the next sibling */
    struct fl_node *made_before;         /* all nodes, to free them */
};

/* A function that expressions may call. */
struct fl_sql_function {
    const char *name;
    const char *written; /* its name for SQLite */
    unsigned most, least;
    unsigned takes;  /* types of the first argument; the others: see `rest` */
    unsigned rest;   /* 0: as the first */
    unsigned result; /* 0: what the arguments are */
};

/* A column that the expression uses: a path of struct fields, and its arrays in one batch. */
struct fl_sql_column {
    const struct fl_type *type;
    int *path;
    size_t depth;
    unsigned types;
    int64_t least, most; /* of dates and times: counts beyond these are infinite */
    /* For the batch that is read: */
    const struct ArrowArray **arrays; /* the structs, outermost first, and the leaf */
    int64_t *rows;                    /* what to add to a row's number in each */
    bool structs_null;                /* some of the structs have nulls */
    /* Plain numbers and counts of 4 or 8 bytes are read from here: the batch's first, and the
       leaf's validity (may be NULL) with the first row's bit. */
    const uint8_t *plain;
    const uint8_t *validity;
    int64_t bit;
};

struct fl_sql {
    const struct forkloader_table *table;
    struct forkloader_error *error;
    int code; /* the first error, or 0 */
    const char *text;
    size_t length;
    struct fl_type type; /* of the table */
    struct fl_sql_column *columns;
    size_t column_count, column_room;
    struct fl_node *made_last;
    struct fl_node *root;
    double *reals; /* what the text calls ?1, ?2 ... */
    size_t real_count, real_room;
    char *written;
    size_t written_length, written_room;
    bool is_declaring; /* the table, to SQLite */
};

/* NULL: an error was reported. */
struct fl_node *fl_sql_parse(struct fl_sql *sql);
struct fl_node *fl_sql_node(struct fl_sql *sql, enum fl_sql_kind kind, size_t at);
void fl_sql_adopt(struct fl_node *parent, struct fl_node *child);

/* The column of a name ("a.b" in pieces), for FL_NODE_COLUMN. */
bool fl_sql_find_column(struct fl_sql *sql, struct fl_node *node, char *const *pieces,
                        size_t count);
/* "valid fields are a, b, st.a" */
void fl_sql_list_fields(const struct fl_sql *sql, char *text, size_t room);

/* Sets the node's types from its children's. */
bool fl_sql_check(struct fl_sql *sql, struct fl_node *node);
bool fl_sql_check_condition(struct fl_sql *sql, const struct fl_node *node, const char *what);
const struct fl_sql_function *fl_sql_find_function(const char *name, size_t length);

/* A text literal as a date, timestamp or time as cells write them; false: it is not one. A literal
   of a date alone is a timestamp at midnight. *has_clock may be NULL. */
bool fl_sql_read_time(struct fl_node *node, unsigned type);
bool fl_sql_has_clock(const struct fl_node *node);

/* Has dates and times compared as counts of units instead of text where all children of a
   comparison have one unit. */
void fl_sql_count_times(const struct fl_sql *sql, struct fl_node *comparison);

/* Into `written` and `reals` (statement.h). */
bool fl_sql_write(struct fl_sql *sql, const struct fl_node *node);

#endif
