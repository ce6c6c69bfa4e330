/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container engine may answer: the first byte says which reader gets the rest, the second in
 * pieces of which size. No input may crash, hang or grow the memory without bound.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/docker_frame.h"
#include "engine/docker_line.h"
#include "engine/docker_parse.h"
#include "engine/docker_pull.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t taken_bytes;

static void take_frame(void *arg, int64_t wall_ns, const char *data, size_t len)
{
	(void)arg;
	(void)wall_ns;
	taken_bytes += len + (size_t)data[len - 1] * 0;
}

static int take_line(void *arg, const char *line, size_t len)
{
	struct engine_event event;

	taken_bytes += docker_parse_event(line, len, &event);
	return docker_pull_line(arg, line, len);
}

static void in_pieces(const char *text, size_t len, size_t piece, int lines)
{
	struct frame_reader frames = {0};
	struct line_reader reader = {0};
	struct docker_pull pull = {0};
	int64_t done_bytes, total_bytes;
	int r = 0;

	for (size_t at = 0; r == 0 && at < len; at += piece) {
		size_t left = len - at < piece ? len - at : piece;

		r = lines ? line_reader_feed(&reader, text + at, left, take_line, &pull)
			  : frame_reader_feed(&frames, text + at, left, take_frame, NULL);
	}
	if (r == 0)
		(void)line_reader_finish(&reader, take_line, &pull);
	docker_pull_sum(&pull, &done_bytes, &total_bytes);
	docker_pull_done(&pull);
	line_reader_done(&reader);
	frame_reader_done(&frames);
}

static void as_answer(const char *text, size_t len)
{
	_cleanup_json_ json_t *answer = json_loadb(text, len, 0, NULL);
	struct container_usage usage;
	struct container_state state;

	docker_parse_inspect(answer, &state);
	docker_parse_listed(answer, &state);
	docker_parse_usage(answer, &usage);
}

static void as_reference(const char *text, size_t len)
{
	char name[64], tag[64], *copy = malloc(len + 1);

	if (!copy)
		return;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (docker_parse_reference(copy, name, sizeof(name), tag, sizeof(tag)) == 0)
		taken_bytes += strlen(name) + strlen(tag);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text;
	size_t len, piece;
	int64_t ns;

	if (size < 2)
		return 0;
	text = (const char *)data + 2;
	len = size - 2;
	piece = (size_t)data[1] + 1;
	switch (data[0] % 5) {
	case 0:
		in_pieces(text, len, piece, 0);
		break;
	case 1:
		in_pieces(text, len, piece, 1);
		break;
	case 2:
		as_answer(text, len);
		break;
	case 3:
		as_reference(text, len);
		break;
	default:
		taken_bytes += docker_parse_time(text, len, &ns);
		break;
	}
	return 0;
}
