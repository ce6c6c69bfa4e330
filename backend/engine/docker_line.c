/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/docker_line.h"

#include <errno.h>
#include <string.h>

int line_reader_finish(struct line_reader *reader, line_fn fn, void *arg)
{
	int r = 0;

	if (reader->rest.error)
		return reader->rest.error;
	if (reader->rest.len > 0 && reader->rest.data[reader->rest.len - 1] == '\r')
		buf_truncate(&reader->rest, reader->rest.len - 1);
	if (reader->rest.len > 0)
		r = fn(arg, reader->rest.data, reader->rest.len);
	buf_reset(&reader->rest);
	return r;
}

int line_reader_feed(struct line_reader *reader, const char *data, size_t len, line_fn fn,
	void *arg)
{
	const char *end;
	size_t piece;
	int r;

	while (len > 0) {
		end = memchr(data, '\n', len);
		piece = end ? (size_t)(end - data) : len;
		if (piece > LINE_MAX_BYTES - reader->rest.len)
			return -EFBIG;
		buf_add(&reader->rest, data, piece);
		if (!end)
			return reader->rest.error;
		r = line_reader_finish(reader, fn, arg);
		if (r < 0)
			return r;
		data += piece + 1;
		len -= piece + 1;
	}
	return 0;
}

void line_reader_done(struct line_reader *reader)
{
	buf_done(&reader->rest);
}
