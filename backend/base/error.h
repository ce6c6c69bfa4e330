/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error - what went wrong, in words for a person, with an errno for programs.
 * Promises: fixed size, never allocates, never fails; a NULL reterr is allowed everywhere.
 * Threads: an error belongs to its caller's stack; no shared state.
 * Ownership: plain value, nothing to free.
 */
#ifndef DUPLOFS_BASE_ERROR_H
#define DUPLOFS_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct error {
	int code; /* negative errno, 0 when nothing went wrong */
	char text[508];
};

#define ERROR_INIT                                                                                 \
	(struct error)                                                                             \
	{                                                                                          \
		0                                                                                  \
	}

/* Records code (a negative errno) and the sentence, and returns code. Cuts what is too long. */
int error_set(struct error *reterr, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " before the sentence that reterr holds, and returns reterr's code (or -EIO when
 * reterr is NULL or empty). */
int error_prefix(struct error *reterr, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Records errnum (positive) as "sentence: strerror" and returns -errnum. */
int error_errno(struct error *reterr, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* error_set for out of memory: -ENOMEM. */
int error_oom(struct error *reterr);

/* Do two sentences say the same? What AWS and others number requests by, " (request 4711)" at the
 * end, is another one each time. */
bool error_says_same(const char *one, const char *other);
/* Length of a sentence without that. */
size_t error_gist(const char *text);

void error_clear(struct error *reterr);

#endif
