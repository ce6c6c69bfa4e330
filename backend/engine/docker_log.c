/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "engine/docker.h"
#include "engine/docker_frame.h"

struct engine_log {
	struct net_stream *stream;
	struct frame_reader reader;
	engine_log_fn fn;
	engine_log_end_fn end;
	void *arg;
};

static void log_frame(void *arg, int64_t wall_ns, const char *data, size_t len)
{
	struct engine_log *log = arg;

	log->fn(log->arg, wall_ns, data, len);
}

static int log_data(void *arg, const char *data, size_t len)
{
	struct engine_log *log = arg;

	return frame_reader_feed(&log->reader, data, len, log_frame, log);
}

static void log_end(void *arg, const struct net_end *end)
{
	struct engine_log *log = arg;

	(void)end;
	log->end(log->arg);
}

int docker_log_follow(struct engine *engine, const char *id, int64_t since_wall_ns,
	engine_log_fn fn, engine_log_end_fn end, void *arg, struct engine_log **ret,
	struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	_cleanup_buf_ struct buf url = BUF_INIT;
	struct net_request request = {
		.method = "GET", .socket_path = docker->socket_path, .direct = true};
	struct net_handler handler = {.data = log_data, .end = log_end};
	struct engine_log *log;
	int r;

	/* Without a version: asking for it would block, and this path has not changed
	 * since 1.12. */
	buf_printf(&url, "%s/containers/", docker->base);
	net_escape(&url, id);
	buf_printf(&url, "/logs?follow=1&stdout=1&stderr=1&timestamps=1&since=%lld.%09lld",
		(long long)(since_wall_ns / NS_PER_SECOND),
		(long long)(since_wall_ns % NS_PER_SECOND));
	if (url.error)
		return error_oom(reterr);
	log = calloc(1, sizeof(*log));
	if (!log)
		return error_oom(reterr);
	log->fn = fn;
	log->end = end;
	log->arg = arg;
	request.url = url.data;
	request.open_timeout_ms = DOCKER_QUICK_MS;
	handler.arg = log;
	r = net_stream_start(docker->loop, &request, &handler, &log->stream, reterr);
	if (r < 0) {
		free(log);
		return r;
	}
	*ret = log;
	return 0;
}

void docker_log_stop(struct engine *engine, struct engine_log *log)
{
	(void)engine;
	if (!log)
		return;
	net_stream_stop(log->stream);
	frame_reader_done(&log->reader);
	free(log);
}
