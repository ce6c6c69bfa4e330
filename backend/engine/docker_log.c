/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/docker.h"
#include "engine/docker_frame.h"

/*
 * The engine may end a follow before the last words of a container that dies on a busy host. So
 * what a follow that ended well may have left out is asked for once more, without following.
 */
struct engine_log {
	struct net_stream *stream;
	struct frame_reader reader;
	engine_log_fn fn;
	engine_log_end_fn end;
	void *arg;
	char *base; /* "http://docker/containers/<id>/logs?..." without follow and since */
	int64_t last_ns; /* time of the last frame, */
	size_t last_count; /* and how many in a row had it: the parts of a long line share theirs */
	size_t skip; /* so many frames of that time come again */
	bool rest; /* the request for what was left out runs */
};

static void log_frame(void *arg, int64_t wall_ns, const char *data, size_t len)
{
	struct engine_log *log = arg;

	if (log->skip > 0 && wall_ns == log->last_ns) {
		log->skip--;
		return;
	}
	log->skip = 0;
	log->last_count = wall_ns == log->last_ns ? log->last_count + 1 : 1;
	log->last_ns = wall_ns;
	log->fn(log->arg, wall_ns, data, len);
}

static int log_data(void *arg, const char *data, size_t len)
{
	struct engine_log *log = arg;

	return frame_reader_feed(&log->reader, data, len, log_frame, log);
}

static void log_url(const struct engine_log *log, bool follow, int64_t since_wall_ns,
	struct buf *url)
{
	buf_printf(url, "%s&follow=%d&since=%lld.%09lld", log->base, follow,
		(long long)(since_wall_ns / NS_PER_SECOND),
		(long long)(since_wall_ns % NS_PER_SECOND));
}

static bool log_ask_rest(struct engine_log *log)
{
	_cleanup_buf_ struct buf url = BUF_INIT;

	frame_reader_done(&log->reader);
	log_url(log, false, log->last_ns, &url);
	log->rest = true;
	log->skip = log->last_count;
	return !url.error && net_stream_again(log->stream, url.data, 0);
}

static void log_end(void *arg, const struct net_end *end)
{
	struct engine_log *log = arg;

	if (!log->rest && end->status == 200 && end->error->code == 0 && log_ask_rest(log))
		return;
	log->end(log->arg);
}

static void log_free(struct engine_log *log)
{
	if (!log)
		return;
	frame_reader_done(&log->reader);
	free(log->base);
	free(log);
}

static struct engine_log *log_new(const struct docker *docker, const char *id)
{
	_cleanup_buf_ struct buf base = BUF_INIT;
	struct engine_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	/* Without a version: asking for it would block, and this path is as old as 1.12. */
	buf_printf(&base, "%s/containers/", docker->base);
	net_escape(&base, id);
	buf_puts(&base, "/logs?stdout=1&stderr=1&timestamps=1");
	log->base = buf_take(&base, NULL);
	if (log->base)
		return log;
	log_free(log);
	return NULL;
}

int docker_log_follow(struct engine *engine, const char *id, int64_t since_wall_ns,
	engine_log_fn fn, engine_log_end_fn end, void *arg, struct engine_log **ret,
	struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	_cleanup_buf_ struct buf url = BUF_INIT;
	struct net_request request;
	struct net_handler handler = {.data = log_data, .end = log_end};
	struct engine_log *log = log_new(docker, id);
	int r;

	if (!log)
		return error_oom(reterr);
	log->fn = fn;
	log->end = end;
	log->arg = arg;
	log->last_ns = since_wall_ns;
	log_url(log, true, since_wall_ns, &url);
	docker_request(docker, "GET", buf_string(&url), &request);
	request.open_timeout_ms = DOCKER_QUICK_MS;
	handler.arg = log;
	r = url.error ? error_oom(reterr)
		      : net_stream_start(docker->loop, &request, &handler, &log->stream, reterr);
	if (r < 0) {
		log_free(log);
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
	log_free(log);
}
