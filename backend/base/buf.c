/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_put_word(struct buf *buf, const char *word)
{
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c <= ' ' || c >= 0x7f || c == '\\')
			buf_printf(buf, "\\%03o", c);
		else
			buf_putc(buf, *word);
	}
}

void buf_reserve(struct buf *buf, size_t more)
{
	size_t need, capacity;
	char *data;

	if (buf->error)
		return;
	if (more >= SIZE_MAX / 2 - buf->len) {
		buf->error = -ENOMEM;
		return;
	}
	need = buf->len + more + 1;
	if (need <= buf->capacity)
		return;
	capacity = buf->capacity ? buf->capacity : 64;
	while (capacity < need)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (!data) {
		buf->error = -ENOMEM;
		return;
	}
	buf->data = data;
	buf->capacity = capacity;
	buf->data[buf->len] = '\0';
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	buf_reserve(buf, len);
	if (buf->error)
		return;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_puts(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_vprintf(struct buf *buf, const char *format, va_list ap)
{
	va_list again;
	int need;

	va_copy(again, ap);
	need = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (need < 0) {
		buf->error = buf->error ? buf->error : -EINVAL;
		return;
	}
	buf_reserve(buf, (size_t)need);
	if (buf->error)
		return;
	(void)vsnprintf(buf->data + buf->len, (size_t)need + 1, format, ap);
	buf->len += (size_t)need;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(buf, format, ap);
	va_end(ap);
}

const char *buf_string(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

void buf_reset(struct buf *buf)
{
	buf->error = 0;
	buf_truncate(buf, 0);
}

void buf_truncate(struct buf *buf, size_t len)
{
	if (!buf->data || len >= buf->len)
		return;
	buf->len = len;
	buf->data[len] = '\0';
}

char *buf_take(struct buf *buf, size_t *ret_len)
{
	char *data;

	buf_reserve(buf, 0);
	if (buf->error)
		return NULL;
	data = buf->data;
	if (ret_len)
		*ret_len = buf->len;
	*buf = BUF_INIT;
	return data;
}

void buf_wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->capacity);
	buf->len = 0;
}

void buf_done(struct buf *buf)
{
	if (!buf)
		return;
	free(buf->data);
	*buf = BUF_INIT;
}
