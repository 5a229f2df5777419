/*
 * The phrases that reports are made of: one label a line, runtimes, threads and paths as a user
 * calls them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_PHRASES_H
#define FP_POLICY_PHRASES_H

#include "policy/model.h"

/* What a line below the first begins with; labels are padded to eight. */
#define FP_LABEL(padded) "forkpolicy:   " padded

void fp_add_label(struct fp_text *text, const char *label);

/* A line with the nth piece of advice, from 0 on; `label` stands before the first one. */
void fp_add_advice(struct fp_text *text, const char *label, struct fp_slice advice, size_t nth);

/* "deltalake 0.18.2", "libgomp (torch 2.13.0)", "libfoo.so.1" */
void fp_add_runtime_name(struct fp_text *text, const struct fp_runtime *runtime);

/* Installed code by its path in its package: "torch/utils/data/dataloader.py:1176". */
void fp_add_path(struct fp_text *text, const char *path);

/* "4 tokio threads (tokio-runtime-w)" */
void fp_add_threads(struct fp_text *text, const struct fp_runtime *runtime);

/* The user's line, and the one of a library that it went through; nothing where there is none. */
void fp_add_lines(struct fp_text *text, const struct fp_site *site);

const char *fp_plural(unsigned count);

/* A block that did not fit ends with its last whole line: every line keeps its "forkpolicy:". */
void fp_end_at_line(struct fp_text *text);

#endif
