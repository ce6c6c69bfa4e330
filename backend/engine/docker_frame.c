/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/docker_frame.h"

#include <errno.h>
#include <string.h>

#include "engine/docker_parse.h"

#define HEADER_BYTES 8

/* Length of the frame that begins at data, header included; 0: not known yet. */
static int frame_length(const char *data, size_t len, size_t *ret)
{
	const unsigned char *header = (const unsigned char *)data;
	size_t payload;

	*ret = 0;
	if (len < HEADER_BYTES)
		return 0;
	if (header[0] > 3 || header[1] || header[2] || header[3])
		return -EPROTO;
	payload = (size_t)header[4] << 24 | (size_t)header[5] << 16 | (size_t)header[6] << 8 |
		  (size_t)header[7];
	if (payload > FRAME_MAX_BYTES)
		return -EFBIG;
	*ret = HEADER_BYTES + payload;
	return 0;
}

static void frame_give(const char *data, size_t len, bool plain, frame_fn fn, void *arg)
{
	int64_t wall_ns = 0;
	size_t used = 0;

	data += HEADER_BYTES;
	len -= HEADER_BYTES;
	if (!plain)
		used = docker_parse_time(data, len, &wall_ns);
	if (used > 0 && used < len && data[used] == ' ')
		used++;
	if (len > used)
		fn(arg, wall_ns, data + used, len - used);
}

/* Hands over the complete frames of data; *ret_used: how many bytes they were. */
static int frames_give(const struct frame_reader *reader, const char *data, size_t len,
	size_t *ret_used, frame_fn fn, void *arg)
{
	size_t used = 0, frame;
	int r;

	*ret_used = 0;
	for (;;) {
		r = frame_length(data + used, len - used, &frame);
		if (r < 0)
			return r;
		if (frame == 0 || frame > len - used)
			break;
		frame_give(data + used, frame, reader->plain, fn, arg);
		used += frame;
	}
	*ret_used = used;
	return 0;
}

int frame_reader_feed(struct frame_reader *reader, const char *data, size_t len, frame_fn fn,
	void *arg)
{
	size_t used, rest_len;
	int r;

	if (reader->rest.len > 0) {
		buf_add(&reader->rest, data, len);
		if (reader->rest.error)
			return reader->rest.error;
		data = reader->rest.data;
		len = reader->rest.len;
	}
	r = frames_give(reader, data, len, &used, fn, arg);
	if (r < 0)
		return r;
	rest_len = len - used;
	if (data != reader->rest.data) {
		buf_add(&reader->rest, data + used, rest_len);
		return reader->rest.error;
	}
	memmove(reader->rest.data, data + used, rest_len);
	buf_truncate(&reader->rest, rest_len);
	return 0;
}

void frame_reader_done(struct frame_reader *reader)
{
	buf_done(&reader->rest);
}
