/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event stream: connects, reconnects with backoff, and notices when the engine goes away. A
 * pulse (GET /_ping) beside it finds the engine that keeps its connections and answers no more.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "engine/docker.h"
#include "engine/docker_line.h"
#include "engine/docker_parse.h"

#define RETRY_FIRST_MS  100
#define RETRY_MAX_MS    2000
#define OPEN_MS         5000
#define PULSE_MS        5000
#define PULSE_ANSWER_MS 10000

/* All but the first three is touched by the loop's thread alone, once the streams run. */
struct docker_watch {
	struct docker *docker;
	engine_event_fn fn;
	void *arg;
	struct net_stream *events, *pulse;
	struct line_reader reader;
	bool up, down_told;
	int64_t retry_ms;
};

static void watch_tell(struct docker_watch *watch, enum engine_event_type type,
	const struct error *error)
{
	struct engine_event event = {.type = type};

	if (error)
		event.error = *error;
	watch->fn(watch->arg, &event);
}

static int watch_url(const struct docker_watch *watch, struct buf *url)
{
	const struct docker *docker = watch->docker;
	_cleanup_json_ json_t *filter = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t now_ns = clock_wall_ns();

	filter = json_pack("{s:[s], s:[s++], s:[s,s,s]}", "type", "container", "label",
		LABEL_PLATFORM, "=", docker->platform, "event", "start", "die", "destroy");
	if (!filter)
		return -ENOMEM;
	json_print(filter, JSON_COMPACT, &text);
	buf_printf(url, "%s/events?", docker->base);
	/* The engine answers a moment before it subscribes us: have it repeat that moment's events.
	 * Only on this machine, where its clock is ours. */
	if (docker->socket_path)
		buf_printf(url, "since=%lld.%09lld&", (long long)(now_ns / NS_PER_SECOND),
			(long long)(now_ns % NS_PER_SECOND));
	buf_puts(url, "filters=");
	net_escape(url, buf_string(&text));
	return text.error ? text.error : url->error;
}

static void watch_open(void *arg)
{
	struct docker_watch *watch = arg;

	watch->up = true;
	watch->down_told = false;
	watch->retry_ms = RETRY_FIRST_MS;
	watch_tell(watch, ENGINE_UP, NULL);
}

static int watch_line(void *arg, const char *line, size_t len)
{
	struct docker_watch *watch = arg;
	struct engine_event event;

	if (docker_parse_event(line, len, &event))
		watch->fn(watch->arg, &event);
	return 0;
}

static int watch_data(void *arg, const char *data, size_t len)
{
	struct docker_watch *watch = arg;

	return line_reader_feed(&watch->reader, data, len, watch_line, watch);
}

static void watch_why(const struct docker_watch *watch, const struct net_end *end,
	struct error *why)
{
	*why = *end->error;
	if (end->status >= 300)
		(void)docker_failure(end->status, end->body, "event stream", why);
	else if (why->code == 0)
		(void)error_set(why, -ENOTCONN, "the container engine is stopping");
	else if (why->code == -ECANCELED)
		(void)docker_unreachable(watch->docker, -ETIMEDOUT, why);
	else
		(void)docker_unreachable(watch->docker, why->code, why);
}

static void watch_end(void *arg, const struct net_end *end)
{
	struct docker_watch *watch = arg;
	_cleanup_buf_ struct buf url = BUF_INIT;
	struct error why = ERROR_INIT;
	uint16_t jitter = 0;
	int64_t delay_ms;

	line_reader_done(&watch->reader);
	watch->up = false;
	docker_version_forget(watch->docker);
	if (!watch->down_told) {
		watch->down_told = true;
		watch_why(watch, end, &why);
		watch_tell(watch, ENGINE_DOWN, &why);
	}
	(void)text_random(&jitter, sizeof(jitter));
	/* Without memory for a new URL the old one serves: it repeats more events. */
	(void)watch_url(watch, &url);
	delay_ms = watch->retry_ms + jitter * watch->retry_ms / UINT16_MAX / 4;
	if (!net_stream_again(watch->events, url.error ? NULL : url.data, delay_ms))
		(void)net_stream_again(watch->events, NULL, delay_ms);
	watch->retry_ms = watch->retry_ms * 2 < RETRY_MAX_MS ? watch->retry_ms * 2 : RETRY_MAX_MS;
}

static int pulse_data(void *arg, const char *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	return 0;
}

static void pulse_end(void *arg, const struct net_end *end)
{
	struct docker_watch *watch = arg;

	if (end->error->code < 0 && watch->up)
		net_stream_break(watch->events);
	(void)net_stream_again(watch->pulse, NULL, PULSE_MS);
}

static int watch_start_events(struct docker_watch *watch, struct error *reterr)
{
	const struct net_handler handler = {watch_open, watch_data, watch_end, watch};
	struct net_request request;
	_cleanup_buf_ struct buf url = BUF_INIT;

	if (watch_url(watch, &url) < 0)
		return error_oom(reterr);
	docker_request(watch->docker, "GET", url.data, &request);
	request.open_timeout_ms = OPEN_MS;
	return net_stream_start(watch->docker->loop, &request, &handler, &watch->events, reterr);
}

static int watch_start_pulse(struct docker_watch *watch, struct error *reterr)
{
	const struct net_handler handler = {NULL, pulse_data, pulse_end, watch};
	struct net_request request;
	_cleanup_buf_ struct buf url = BUF_INIT;

	buf_printf(&url, "%s/_ping", watch->docker->base);
	if (url.error)
		return error_oom(reterr);
	docker_request(watch->docker, "GET", url.data, &request);
	request.timeout_ms = PULSE_ANSWER_MS;
	return net_stream_start(watch->docker->loop, &request, &handler, &watch->pulse, reterr);
}

int docker_watch(struct engine *engine, engine_event_fn fn, void *arg, struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	struct docker_watch *watch;
	int r;

	if (docker->watch)
		return error_set(reterr, -EALREADY, "the engine is being watched already");
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return error_oom(reterr);
	*watch = (struct docker_watch){
		.docker = docker, .fn = fn, .arg = arg, .retry_ms = RETRY_FIRST_MS};
	r = watch_start_events(watch, reterr);
	if (r == 0)
		r = watch_start_pulse(watch, reterr);
	if (r < 0) {
		docker_watch_free(watch);
		return r;
	}
	docker->watch = watch;
	return 0;
}

void docker_watch_free(struct docker_watch *watch)
{
	if (!watch)
		return;
	net_stream_stop(watch->pulse);
	net_stream_stop(watch->events);
	line_reader_done(&watch->reader);
	free(watch);
}
