/* SPDX-License-Identifier: Apache-2.0 */
/* What streams out of the Docker engine, in any pieces: lines, the progress of a pull, frames. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/docker_frame.h"
#include "engine/docker_line.h"
#include "engine/docker_pull.h"

static int join_line(void *arg, const char *line, size_t len)
{
	struct buf *joined = arg;

	assert_int_equal(line[len], '\0');
	if (len == 4 && memcmp(line, "stop", 4) == 0)
		return -EDOM;
	buf_printf(joined, "<%s>", line);
	return 0;
}

static void lines_come_whole_in_any_pieces(void **state)
{
	static const char text[] = "one\r\ntwo\n\n\r\nthree";

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		struct line_reader reader = {0};
		struct buf joined = BUF_INIT;

		for (size_t i = 0; i < sizeof(text) - 1; i += step) {
			size_t left = sizeof(text) - 1 - i;

			assert_int_equal(line_reader_feed(&reader, text + i,
						 left < step ? left : step, join_line, &joined),
				0);
		}
		assert_string_equal(buf_string(&joined), "<one><two>");
		assert_int_equal(line_reader_finish(&reader, join_line, &joined), 0);
		assert_string_equal(buf_string(&joined), "<one><two><three>");
		assert_int_equal(line_reader_finish(&reader, join_line, &joined), 0);
		buf_done(&joined);
		line_reader_done(&reader);
	}
}

static void endless_lines_are_refused(void **state)
{
	struct line_reader reader = {0};
	struct buf joined = BUF_INIT;
	char *piece = calloc(1, 65536);
	int r = 0;

	(void)state;
	assert_int_equal(line_reader_feed(&reader, "a\nstop\nb\n", 9, join_line, &joined), -EDOM);
	assert_string_equal(buf_string(&joined), "<a>");
	line_reader_done(&reader);
	memset(piece, 'x', 65536);
	for (int i = 0; i < 17 && r == 0; i++)
		r = line_reader_feed(&reader, piece, 65536, join_line, &joined);
	assert_int_equal(r, -EFBIG);
	free(piece);
	buf_done(&joined);
	line_reader_done(&reader);
}

static void pull(struct docker_pull *pull, const char *line)
{
	assert_int_equal(docker_pull_line(pull, line, strlen(line)), 0);
}

static void a_pull_adds_up(void **state)
{
	struct docker_pull progress = {0};
	int64_t done_bytes, total_bytes;

	(void)state;
	pull(&progress, "{\"status\":\"Pulling from library/nginx\",\"id\":\"latest\"}");
	pull(&progress, "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"a\"}");
	docker_pull_sum(&progress, &done_bytes, &total_bytes);
	assert_int_equal(total_bytes, 0);
	pull(&progress, "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,"
			"\"total\":100},\"id\":\"a\"}");
	pull(&progress, "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":50,"
			"\"total\":300},\"id\":\"b\"}");
	docker_pull_sum(&progress, &done_bytes, &total_bytes);
	assert_int_equal(done_bytes, 60);
	assert_int_equal(total_bytes, 400);
	assert_string_equal(progress.phase, "Downloading");
	pull(&progress, "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"a\"}");
	docker_pull_sum(&progress, &done_bytes, &total_bytes);
	assert_int_equal(done_bytes, 150);
	pull(&progress, "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":1,"
			"\"total\":100},\"id\":\"a\"}");
	docker_pull_sum(&progress, &done_bytes, &total_bytes);
	assert_int_equal(done_bytes, 150);
	assert_string_equal(progress.phase, "Extracting");
	assert_string_equal(progress.failure, "");
	docker_pull_done(&progress);
}

static void an_error_in_a_pull_is_kept(void **state)
{
	static const char *const odd[] = {"", "{", "[]", "null", "{\"status\":3}",
		"{\"status\":\"Downloading\",\"progressDetail\":[],\"id\":3}",
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":-5,\"total\":\"x\"},"
		"\"id\":\"a\"}",
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9223372036854775807,"
		"\"total\":9223372036854775807},\"id\":\"b\"}",
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9223372036854775807,"
		"\"total\":9223372036854775807},\"id\":\"c\"}",
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1},"
		"\"id\":\"far too long to be the id of a layer\"}"};
	struct docker_pull progress = {0};
	int64_t done_bytes, total_bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		pull(&progress, odd[i]);
	docker_pull_sum(&progress, &done_bytes, &total_bytes);
	assert_string_equal(progress.failure, "");
	pull(&progress, "{\"errorDetail\":{\"message\":\"manifest unknown\"},\"error\":\"other\"}");
	assert_string_equal(progress.failure, "manifest unknown");
	pull(&progress, "{\"error\":\"no space left on device\"}");
	assert_string_equal(progress.failure, "no space left on device");
	docker_pull_done(&progress);
	/* A stream that names ever new layers may not fill the memory. */
	for (int i = 0; i < 5000; i++) {
		char line[128];

		(void)snprintf(line, sizeof(line),
			"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1},\"id\":\"%"
			"d\"}",
			i);
		pull(&progress, line);
	}
	assert_true(progress.count <= 1024);
	docker_pull_done(&progress);
}

static void join_frame(void *arg, int64_t wall_ns, const char *data, size_t len)
{
	struct buf *joined = arg;

	buf_printf(joined, "%lld:", (long long)(wall_ns / NS_PER_SECOND));
	buf_add(joined, data, len);
}

static void add_frame(struct buf *stream, int number, const char *payload)
{
	size_t len = strlen(payload);
	const char header[8] = {(char)number, 0, 0, 0, (char)(len >> 24), (char)(len >> 16),
		(char)(len >> 8), (char)len};

	buf_add(stream, header, sizeof(header));
	buf_add(stream, payload, len);
}

static void frames_come_whole_in_any_pieces(void **state)
{
	struct buf stream = BUF_INIT;

	(void)state;
	add_frame(&stream, 1, "2026-11-23T02:30:00.5Z one\n");
	add_frame(&stream, 2, "2026-11-23T02:30:01Z two two\n");
	add_frame(&stream, 1, "");
	add_frame(&stream, 1, "2026-11-23T02:30:02Z ");
	add_frame(&stream, 1, "no time\n");
	add_frame(&stream, 1, "2026-11-23T02:30:03Z \n");
	for (size_t step = 1; step <= stream.len; step++) {
		struct frame_reader reader = {0};
		struct buf joined = BUF_INIT;

		for (size_t i = 0; i < stream.len; i += step) {
			size_t left = stream.len - i;

			assert_int_equal(frame_reader_feed(&reader, stream.data + i,
						 left < step ? left : step, join_frame, &joined),
				0);
		}
		assert_string_equal(buf_string(&joined),
			"1795401000:one\n1795401001:two two\n0:no time\n1795401003:\n");
		frame_reader_done(&reader);
		buf_done(&joined);
	}
	buf_done(&stream);
}

static void broken_frames_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		int expected;
	} rows[] = {
		{"\1\0\0\0\0\0\0", 0},
		{"\4\0\0\0\0\0\0\1", -EPROTO},
		{"\1\1\0\0\0\0\0\1", -EPROTO},
		{"\1\0\0\1\0\0\0\1", -EPROTO},
		{"HTTP/1.1", -EPROTO},
		{"\1\0\0\0\xff\xff\xff\xff", -EFBIG},
		{"\1\0\0\0\0\x10\0\1", -EFBIG},
		{"\1\0\0\0\0\x10\0\0", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_reader reader = {0};
		struct buf joined = BUF_INIT;

		assert_int_equal(frame_reader_feed(&reader, rows[i].bytes, i == 0 ? 7 : 8,
					 join_frame, &joined),
			rows[i].expected);
		assert_int_equal(joined.len, 0);
		frame_reader_done(&reader);
		buf_done(&joined);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_whole_in_any_pieces),
		cmocka_unit_test(endless_lines_are_refused),
		cmocka_unit_test(a_pull_adds_up),
		cmocka_unit_test(an_error_in_a_pull_is_kept),
		cmocka_unit_test(frames_come_whole_in_any_pieces),
		cmocka_unit_test(broken_frames_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
