/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - a growing byte string, always followed by a NUL that is not counted.
 * Promises: the first failure sticks (buf.error, a negative errno); later calls do nothing, so a
 *           caller checks once at the end.
 * Threads: a buf belongs to one thread at a time.
 * Ownership: buf_done frees (secrets: buf_wipe first); buf_take hands the bytes to the caller.
 */
#ifndef DUPLOFS_BASE_BUF_H
#define DUPLOFS_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while nothing was added */
	size_t len; /* bytes, without the NUL */
	size_t capacity;
	int error;
};

#define BUF_INIT                                                                                   \
	(struct buf)                                                                               \
	{                                                                                          \
		NULL, 0, 0, 0                                                                      \
	}

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* One word of a line: blanks, controls and backslashes in octal, as in /proc/mounts. */
void buf_put_word(struct buf *buf, const char *word);

/* Makes room for more bytes in total; the content stays. */
void buf_reserve(struct buf *buf, size_t more);

/* The content as a C string, "" when empty. Borrowed until the next call on buf. */
const char *buf_string(const struct buf *buf);

/* Empties buf and keeps its memory; the sticking error is forgotten. */
void buf_reset(struct buf *buf);

/* Cuts the content to len bytes; no effect when it is shorter. */
void buf_truncate(struct buf *buf, size_t len);

/* Hands over the string (never NULL unless buf.error; free it) and leaves buf empty. */
char *buf_take(struct buf *buf, size_t *ret_len);

/* Overwrites the memory, for values that must not stay behind. */
void buf_wipe(struct buf *buf);
void buf_done(struct buf *buf);

#define _cleanup_buf_ __attribute__((cleanup(buf_done)))

#endif
