/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "net/multi.h"
#include "net/transfer.h"

enum stream_state {
	STREAM_WAITING, /* for due_ns */
	STREAM_RUNNING,
	STREAM_ENDED,
};

struct net_stream {
	struct net_loop *loop;
	struct net_stream *previous, *next; /* of the loop; the thread's alone */
	struct net_stream *next_news;
	bool in_news; /* loop->lock */
	bool stop_wanted, stopped; /* loop->lock */
	atomic_bool break_wanted;
	bool linked; /* the thread's alone, as all below */
	enum stream_state state;
	int64_t due_ns;
	struct net_request request; /* strings are its own */
	struct net_handler handler;
	struct transfer transfer;
};

struct net_loop {
	struct lock lock;
	struct cond stopped;
	struct net_stream *news; /* what other threads want looked at */
	bool quit;
	struct multi multi;
	pthread_t thread;
	struct net_stream *streams;
	int64_t check_ns; /* when to look at limits and due times again */
};

static void stream_free(struct net_stream *stream)
{
	transfer_done(&stream->transfer);
	net_request_done(&stream->request);
	free(stream);
}

/* Puts stream before the thread's eyes. */
static void loop_tell(struct net_loop *loop, struct net_stream *stream)
{
	if (!stream->in_news) {
		stream->in_news = true;
		stream->next_news = loop->news;
		loop->news = stream;
	}
	multi_wake(&loop->multi);
}

static void stream_opened(void *arg, int status)
{
	struct net_stream *stream = arg;

	if (status >= 200 && status < 300 && stream->handler.open)
		stream->handler.open(stream->handler.arg);
}

static void stream_end(struct net_stream *stream, const struct error *error)
{
	const struct net_end end = {
		.status = stream->transfer.status,
		.body = buf_string(&stream->transfer.body),
		.error = error,
	};

	stream->state = STREAM_ENDED;
	atomic_store(&stream->break_wanted, false);
	stream->handler.end(stream->handler.arg, &end);
	stream->loop->check_ns = 0;
}

static void stream_begin(struct net_stream *stream)
{
	struct error error = ERROR_INIT;

	atomic_store(&stream->break_wanted, false);
	if (transfer_prepare(&stream->transfer, &stream->request, &error) < 0) {
		stream_end(stream, &error);
		return;
	}
	stream->transfer.opened = stream_opened;
	stream->transfer.opened_arg = stream;
	(void)curl_easy_setopt(stream->transfer.easy, CURLOPT_PRIVATE, stream);
	if (curl_multi_add_handle(stream->loop->multi.curl, stream->transfer.easy) != CURLM_OK) {
		(void)error_oom(&error);
		stream_end(stream, &error);
		return;
	}
	stream->state = STREAM_RUNNING;
}

static void stream_unlink(struct net_stream *stream)
{
	struct net_loop *loop = stream->loop;

	if (!stream->linked)
		return;
	if (stream->state == STREAM_RUNNING)
		(void)curl_multi_remove_handle(loop->multi.curl, stream->transfer.easy);
	if (stream->previous)
		stream->previous->next = stream->next;
	else
		loop->streams = stream->next;
	if (stream->next)
		stream->next->previous = stream->previous;
	stream->linked = false;
}

static void stream_link(struct net_stream *stream)
{
	struct net_loop *loop = stream->loop;

	if (stream->linked)
		return;
	stream->previous = NULL;
	stream->next = loop->streams;
	if (stream->next)
		stream->next->previous = stream;
	loop->streams = stream;
	stream->linked = true;
}

/* Takes up what other threads told; false when it is time to end. */
static bool loop_hear(struct net_loop *loop)
{
	struct net_stream *stream;

	LOCKED(&loop->lock);
	while ((stream = loop->news) != NULL) {
		loop->news = stream->next_news;
		stream->in_news = false;
		loop->check_ns = 0;
		if (!stream->stop_wanted) {
			stream_link(stream);
			continue;
		}
		stream_unlink(stream);
		stream->stopped = true;
		cond_broadcast(&loop->stopped);
	}
	return !loop->quit;
}

static void loop_finish(struct net_loop *loop)
{
	struct net_stream *stream;
	struct error error;
	CURLMsg *message;
	CURLcode code;
	int left;

	while ((message = curl_multi_info_read(loop->multi.curl, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		code = message->data.result;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&stream);
		(void)curl_multi_remove_handle(loop->multi.curl, stream->transfer.easy);
		error = ERROR_INIT;
		(void)transfer_result(&stream->transfer, code, &error);
		stream_end(stream, &error);
	}
}

/* Returns for how long stream needs no look. */
static int stream_check(struct net_stream *stream, int64_t now_ns)
{
	struct error error = ERROR_INIT;
	int64_t left_ms;
	int wait_ms = INT32_MAX;
	bool over;

	if (stream->state == STREAM_WAITING) {
		left_ms = (stream->due_ns - now_ns + NS_PER_MILLISECOND - 1) / NS_PER_MILLISECOND;
		if (left_ms > 0)
			return left_ms < INT32_MAX ? (int)left_ms : INT32_MAX;
		stream_begin(stream);
	}
	if (stream->state != STREAM_RUNNING)
		return stream->state == STREAM_WAITING ? 0 : INT32_MAX;
	over = transfer_check(&stream->transfer, &wait_ms, &error) < 0;
	if (!over && atomic_load(&stream->break_wanted))
		over = error_set(&error, -ECANCELED, "cancelled") < 0;
	if (!over)
		return wait_ms;
	(void)curl_multi_remove_handle(stream->loop->multi.curl, stream->transfer.easy);
	stream_end(stream, &error);
	return 0;
}

/* Looks at limits and due times when the next one can have come; returns how long to sleep. */
static int loop_check(struct net_loop *loop)
{
	struct net_stream *stream, *next;
	int64_t now_ns = clock_now_ns();
	int wait_ms = 60000, stream_ms;

	if (now_ns >= loop->check_ns) {
		loop->check_ns = CLOCK_FOREVER;
		for (stream = loop->streams; stream; stream = next) {
			next = stream->next;
			stream_ms = stream_check(stream, now_ns);
			if (stream_ms < wait_ms)
				wait_ms = stream_ms;
		}
		loop->check_ns = loop->check_ns == 0 ? 0 : now_ns + wait_ms * NS_PER_MILLISECOND;
	}
	wait_ms = (int)((loop->check_ns - now_ns + NS_PER_MILLISECOND - 1) / NS_PER_MILLISECOND);
	return wait_ms < 0 ? 0 : wait_ms;
}

static void *loop_run(void *arg)
{
	struct net_loop *loop = arg;

	while (loop_hear(loop)) {
		multi_run(&loop->multi, loop_check(loop));
		loop_finish(loop);
	}
	return NULL;
}

static void loop_release(struct net_loop *loop)
{
	multi_done(&loop->multi);
	cond_done(&loop->stopped);
	lock_done(&loop->lock);
	free(loop);
}

int net_loop_new(struct net_loop **ret, struct error *reterr)
{
	struct net_loop *loop;
	int r;

	r = transfer_global_init(reterr);
	if (r < 0)
		return r;
	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return error_oom(reterr);
	r = multi_init(&loop->multi, reterr);
	if (r < 0) {
		free(loop);
		return r;
	}
	lock_init(&loop->lock, LOCK_NET);
	cond_init(&loop->stopped);
	r = thread_start(&loop->thread, "net-streams", loop_run, loop, reterr);
	if (r < 0) {
		loop_release(loop);
		return r;
	}
	*ret = loop;
	return 0;
}

void net_loop_free(struct net_loop *loop)
{
	if (!loop)
		return;
	lock_acquire(&loop->lock);
	loop->quit = true;
	lock_release(&loop->lock);
	multi_wake(&loop->multi);
	thread_join(loop->thread);
	loop_release(loop);
}

int net_stream_start(struct net_loop *loop, const struct net_request *request,
	const struct net_handler *handler, struct net_stream **ret, struct error *reterr)
{
	struct net_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return error_oom(reterr);
	stream->loop = loop;
	stream->handler = *handler;
	stream->state = STREAM_WAITING;
	if (net_request_copy(&stream->request, request) < 0 ||
		transfer_init(&stream->transfer, NULL) < 0) {
		stream_free(stream);
		return error_oom(reterr);
	}
	stream->request.data = handler->data;
	stream->request.arg = handler->arg;
	*ret = stream;
	LOCKED(&loop->lock);
	loop_tell(loop, stream);
	return 0;
}

bool net_stream_again(struct net_stream *stream, const char *url, int64_t delay_ms)
{
	char *copy = url ? strdup(url) : NULL;

	if (url && !copy)
		return false;
	if (copy) {
		free((char *)stream->request.url);
		stream->request.url = copy;
	}
	stream->due_ns = clock_now_ns() + delay_ms * NS_PER_MILLISECOND;
	stream->state = STREAM_WAITING;
	return true;
}

void net_stream_break(struct net_stream *stream)
{
	struct net_loop *loop = stream->loop;

	atomic_store(&stream->break_wanted, true);
	LOCKED(&loop->lock);
	loop_tell(loop, stream);
}

void net_stream_stop(struct net_stream *stream)
{
	struct net_loop *loop;

	if (!stream)
		return;
	loop = stream->loop;
	lock_acquire(&loop->lock);
	stream->stop_wanted = true;
	loop_tell(loop, stream);
	while (!stream->stopped)
		cond_wait(&loop->stopped, &loop->lock);
	lock_release(&loop->lock);
	stream_free(stream);
}
