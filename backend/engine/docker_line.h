/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_line - cuts a stream that comes in pieces into lines (the engine's JSON streams).
 * Promises: each complete line is handed over once, without its end; empty ones are left out; a
 *           line above LINE_MAX_BYTES is -EFBIG.
 * Threads: a reader belongs to one thread at a time.
 * Ownership: line_reader_done frees; a line is borrowed for the callback.
 */
#ifndef DUPLOFS_ENGINE_DOCKER_LINE_H
#define DUPLOFS_ENGINE_DOCKER_LINE_H

#include "base/buf.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)

struct line_reader {
	struct buf rest; /* the beginning of a line whose end has not come */
};

/* NUL-terminated; a negative errno stops. */
typedef int (*line_fn)(void *arg, const char *line, size_t len);

int line_reader_feed(struct line_reader *reader, const char *data, size_t len, line_fn fn,
	void *arg);

/* Hands over a last line without an end. */
int line_reader_finish(struct line_reader *reader, line_fn fn, void *arg);
void line_reader_done(struct line_reader *reader);

#endif
