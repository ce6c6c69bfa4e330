/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and streams against a server that misbehaves in every way we could think of. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "http_peer.h"
#include "net/stream.h"

#define PATIENCE_NS (30 * NS_PER_SECOND)

static struct net *net;
static struct net_loop *loop;
static struct peer peer;
static struct error error;

static int set_up(void **state)
{
	(void)state;
	return net_new(&net, &error) | net_loop_new(&loop, &error) | peer_start(&peer, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	net_loop_free(loop);
	net_free(net);
	peer_stop(&peer);
	return 0;
}

static const char *at(const char *path)
{
	static _Thread_local char urls[4][256];
	static _Thread_local unsigned turn;
	char *url = urls[turn++ % 4];

	(void)snprintf(url, sizeof(urls[0]), "%s%s", peer.url, path);
	return url;
}

static int get(const char *path, struct net_response *response)
{
	struct net_request request = {.method = "GET", .url = at(path), .timeout_ms = 20000};

	return net_call(net, &request, response, &error);
}

static void an_answer_comes_whole(void **state)
{
	struct net_response response = NET_RESPONSE_INIT;
	char value[32];

	(void)state;
	assert_int_equal(get("/ok", &response), 0);
	assert_int_equal(response.status, 200);
	assert_string_equal(buf_string(&response.body), "ok");
	assert_true(net_header(&response, "X-TEST", value, sizeof(value)));
	assert_string_equal(value, "two");
	assert_true(net_header(&response, "Content-Length", value, 2));
	assert_string_equal(value, "2");
	assert_false(net_header(&response, "X-Tes", value, sizeof(value)));
	assert_int_equal(get("/status/503", &response), 0);
	assert_int_equal(response.status, 503);
	assert_string_equal(buf_string(&response.body), "no");
	net_response_done(&response);
}

static void method_and_body_arrive(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH"};
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {.url = at("/echo"), .timeout_ms = 20000};
	char *large = malloc(3000001);
	char expected[64];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		request.method = methods[i];
		request.body = "a\0b";
		request.body_len = 3;
		assert_int_equal(net_call(net, &request, &response, &error), 0);
		(void)snprintf(expected, sizeof(expected), "%s /echo a", methods[i]);
		assert_int_equal(response.body.len, strlen(expected) + 2);
		assert_memory_equal(response.body.data, expected, strlen(expected) + 1);
	}
	request.method = "POST";
	request.body = NULL;
	request.body_len = 0;
	assert_int_equal(net_call(net, &request, &response, &error), 0);
	assert_string_equal(buf_string(&response.body), "POST /echo ");
	memset(large, 'y', 3000000);
	request.body = large;
	request.body_len = 3000000;
	assert_int_equal(net_call(net, &request, &response, &error), 0);
	assert_int_equal(response.body.len, 3000000 + strlen("POST /echo "));
	free(large);
	net_response_done(&response);
}

static void connections_are_kept(void **state)
{
	struct net_response response = NET_RESPONSE_INIT;
	int before = atomic_load(&peer.connections);

	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(get("/ok", &response), 0);
	assert_in_range(atomic_load(&peer.connections) - before, 0, 1);
	net_response_done(&response);
}

static void a_stale_connection_is_replaced(void **state)
{
	struct net_response response = NET_RESPONSE_INIT;

	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(get("/stale", &response), 0);
	net_response_done(&response);
}

static void a_fresh_request_takes_no_old_connection(void **state)
{
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {
		.method = "GET", .url = at("/ok"), .timeout_ms = 20000, .fresh = true};
	int before = atomic_load(&peer.connections);

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(net_call(net, &request, &response, &error), 0);
	assert_int_equal(atomic_load(&peer.connections) - before, 5);
	net_response_done(&response);
}

static void limits_hold(void **state)
{
	static const struct {
		const char *path;
		int64_t timeout_ms, open_ms, idle_ms;
		size_t max_bytes;
		int expected;
	} rows[] = {
		{"/hang", 100, 0, 0, 0, -ETIMEDOUT},
		{"/hang", 0, 100, 0, 0, -ETIMEDOUT},
		{"/hang", 0, 0, 100, 0, -ETIMEDOUT},
		{"/drip", 300, 0, 0, 0, -ETIMEDOUT},
		{"/drip", 0, 300, 200, 0, -ETIMEDOUT},
		{"/trickle", 300, 0, 200, 0, -ETIMEDOUT},
		{"/trickle", 20000, 0, 0, 20, -EFBIG},
		{"/bytes/1001", 20000, 0, 0, 1000, -EFBIG},
		{"/bytes/17000000", 20000, 0, 0, 0, -EFBIG},
		{"/headers", 20000, 0, 0, 0, -EFBIG},
		{"/garbage", 20000, 0, 0, 0, -EPROTO},
		{"/half", 20000, 0, 0, 0, -ECONNRESET},
		{"/reset", 20000, 0, 0, 0, -ECONNRESET},
	};
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {.method = "GET"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request.url = at(rows[i].path);
		request.timeout_ms = rows[i].timeout_ms;
		request.open_timeout_ms = rows[i].open_ms;
		request.idle_timeout_ms = rows[i].idle_ms;
		request.max_bytes = rows[i].max_bytes;
		error_clear(&error);
		if (net_call(net, &request, &response, &error) != rows[i].expected)
			fail_msg("row %zu, %s: %d %s", i, rows[i].path, error.code, error.text);
		assert_int_equal(error.code, rows[i].expected);
		assert_int_equal(response.status, 0);
	}
	request.url = at("/bytes/1000");
	request.timeout_ms = 20000;
	request.max_bytes = 1000;
	assert_int_equal(net_call(net, &request, &response, &error), 0);
	assert_int_equal(response.body.len, 1000);
	net_response_done(&response);
}

static void bad_places_are_told(void **state)
{
	static const char *const broken[] = {"X: a\r\nY: b", NULL};
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {.method = "GET", .timeout_ms = 20000};
	struct peer gone;
	char url[80];

	(void)state;
	assert_int_equal(peer_start(&gone, NULL), 0);
	peer_stop(&gone);
	(void)snprintf(url, sizeof(url), "%s/ok", gone.url);
	request.url = url;
	assert_int_equal(net_call(net, &request, &response, &error), -ECONNREFUSED);
	request.socket_path = "/nonexistent/socket";
	request.url = "http://unix/ok";
	assert_int_equal(net_call(net, &request, &response, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nonexistent/socket"));
	request.socket_path = NULL;
	request.url = "http://name.invalid/ok";
	assert_int_equal(net_call(net, &request, &response, &error), -EHOSTUNREACH);
	request.url = "file:///etc/passwd";
	assert_int_equal(net_call(net, &request, &response, &error), -EINVAL);
	request.url = at("/ok");
	request.headers = broken;
	assert_int_equal(net_call(net, &request, &response, &error), -EINVAL);
}

static void a_proxy_is_passed_by_when_told(void **state)
{
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {.method = "GET", .url = at("/ok"), .timeout_ms = 20000};
	struct peer gone;

	(void)state;
	assert_int_equal(peer_start(&gone, NULL), 0);
	peer_stop(&gone);
	assert_int_equal(setenv("http_proxy", gone.url, 1), 0);
	request.fresh = true;
	assert_int_equal(net_call(net, &request, &response, &error), -ECONNREFUSED);
	request.direct = true;
	assert_int_equal(net_call(net, &request, &response, &error), 0);
	assert_int_equal(unsetenv("http_proxy"), 0);
	net_response_done(&response);
}

static void unix_sockets_work(void **state)
{
	char path[] = "/tmp/duplofs-test-net.XXXXXX", socket_path[64];
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {
		.method = "GET", .url = "http://unix/ok", .timeout_ms = 20000};
	struct peer local;

	(void)state;
	assert_non_null(mkdtemp(path));
	(void)snprintf(socket_path, sizeof(socket_path), "%s/s", path);
	assert_int_equal(peer_start(&local, socket_path), 0);
	request.socket_path = socket_path;
	for (int i = 0; i < 3; i++)
		assert_int_equal(net_call(net, &request, &response, &error), 0);
	assert_int_equal(atomic_load(&local.connections), 1);
	net_response_done(&response);
	peer_stop(&local);
	assert_int_equal(unlink(socket_path) | rmdir(path), 0);
}

struct taken {
	size_t bytes, limit;
	int refusal;
};

static int take(void *arg, const char *data, size_t len)
{
	struct taken *taken = arg;

	(void)data;
	taken->bytes += len;
	return taken->bytes > taken->limit ? taken->refusal : 0;
}

static void data_can_be_taken_as_it_comes(void **state)
{
	struct taken taken = {.limit = SIZE_MAX};
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {.method = "GET",
		.url = at("/bytes/20000000"),
		.timeout_ms = 20000,
		.data = take,
		.arg = &taken};

	(void)state;
	assert_int_equal(net_call(net, &request, &response, &error), 0);
	assert_int_equal(taken.bytes, 20000000);
	assert_int_equal(response.body.len, 0);
	taken = (struct taken){.limit = 1000, .refusal = -EDOM};
	assert_int_equal(net_call(net, &request, &response, &error), -EDOM);
	taken = (struct taken){.limit = SIZE_MAX};
	request.url = at("/status/404");
	assert_int_equal(net_call(net, &request, &response, &error), 0);
	assert_int_equal(response.status, 404);
	assert_string_equal(buf_string(&response.body), "no");
	assert_int_equal(taken.bytes, 0);
	net_response_done(&response);
}

struct cancelled_call {
	struct net_cancel *cancel;
	int r;
};

static void *call_hanging(void *arg)
{
	struct cancelled_call *call = arg;
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {.method = "GET", .url = at("/hang"), .cancel = call->cancel};

	call->r = net_call(net, &request, &response, NULL);
	return NULL;
}

static void a_cancel_ends_calls_at_once(void **state)
{
	struct cancelled_call calls[8] = {0};
	pthread_t threads[8];
	struct net_cancel *cancel = NULL;
	int before = atomic_load(&peer.requests);
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;

	(void)state;
	assert_int_equal(net_cancel_new(&cancel, &error), 0);
	for (int i = 0; i < 8; i++) {
		calls[i].cancel = cancel;
		assert_int_equal(thread_start(&threads[i], "call", call_hanging, &calls[i], &error),
			0);
	}
	while (atomic_load(&peer.requests) < before + 8)
		assert_true(clock_now_ns() < deadline_ns);
	net_cancel_set(cancel);
	for (int i = 0; i < 8; i++) {
		thread_join(threads[i]);
		assert_int_equal(calls[i].r, -ECANCELED);
	}
	call_hanging(&calls[0]);
	assert_int_equal(calls[0].r, -ECANCELED);
	net_cancel_free(cancel);
	net_cancel_free(NULL);
}

static void *call_often(void *arg)
{
	struct net_response response = NET_RESPONSE_INIT;
	int *failures = arg;

	for (int i = 0; i < 200; i++) {
		struct net_request request = {
			.method = "GET", .url = peer.url, .timeout_ms = 20000};
		char url[96];

		(void)snprintf(url, sizeof(url), "%s/bytes/%d", peer.url, i);
		request.url = url;
		if (net_call(net, &request, &response, NULL) < 0 || response.body.len != (size_t)i)
			(*failures)++;
	}
	net_response_done(&response);
	return NULL;
}

static void many_threads_may_call(void **state)
{
	int failures[12] = {0};
	pthread_t threads[12];

	(void)state;
	for (int i = 0; i < 12; i++)
		assert_int_equal(thread_start(&threads[i], "call", call_often, &failures[i],
					 &error),
			0);
	for (int i = 0; i < 12; i++) {
		thread_join(threads[i]);
		assert_int_equal(failures[i], 0);
	}
}

static void text_is_escaped(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	net_escape(&buf, "a-z.A_Z~09 /?#&=%\xc3\xa9\n");
	assert_string_equal(buf_string(&buf), "a-z.A_Z~09%20%2F%3F%23%26%3D%25%C3%A9%0A");
	buf_done(&buf);
}

/* A stream's callbacks, recorded. */
struct watcher {
	struct lock lock;
	struct cond changed;
	struct net_stream *stream;
	struct buf text;
	int opens, ends, again;
	int status, code;
	char body[32];
};

static void watcher_open(void *arg)
{
	struct watcher *watcher = arg;

	LOCKED(&watcher->lock);
	watcher->opens++;
	cond_broadcast(&watcher->changed);
}

static int watcher_data(void *arg, const char *data, size_t len)
{
	struct watcher *watcher = arg;

	LOCKED(&watcher->lock);
	buf_add(&watcher->text, data, len);
	cond_broadcast(&watcher->changed);
	return 0;
}

static void watcher_end(void *arg, const struct net_end *end)
{
	struct watcher *watcher = arg;

	LOCKED(&watcher->lock);
	watcher->ends++;
	watcher->status = end->status;
	watcher->code = end->error->code;
	(void)snprintf(watcher->body, sizeof(watcher->body), "%s", end->body);
	if (watcher->again-- > 0)
		assert_true(net_stream_again(watcher->stream, at("/status/418"), 10));
	cond_broadcast(&watcher->changed);
}

static void watcher_start(struct watcher *watcher, const struct net_request *request)
{
	const struct net_handler handler = {watcher_open, watcher_data, watcher_end, watcher};

	lock_init(&watcher->lock, LOCK_LEAF);
	cond_init(&watcher->changed);
	error_clear(&error);
	assert_int_equal(net_stream_start(loop, request, &handler, &watcher->stream, &error), 0);
}

static void watcher_await(struct watcher *watcher, size_t bytes, int ends)
{
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;

	LOCKED(&watcher->lock);
	while (watcher->text.len < bytes || watcher->ends < ends)
		assert_true(cond_wait_until(&watcher->changed, &watcher->lock, deadline_ns));
}

static void watcher_done(struct watcher *watcher)
{
	buf_done(&watcher->text);
	cond_done(&watcher->changed);
	lock_done(&watcher->lock);
}

static void a_stream_lasts_until_its_end(void **state)
{
	struct net_request request = {.method = "GET", .url = at("/stream/3")};
	struct watcher watcher = {0};

	(void)state;
	watcher_start(&watcher, &request);
	watcher_await(&watcher, 15, 0);
	assert_string_equal(buf_string(&watcher.text), "tick\ntick\ntick\n");
	assert_int_equal(watcher.opens, 1);
	assert_int_equal(watcher.ends, 0);
	peer_release(&peer);
	watcher_await(&watcher, 15, 1);
	assert_int_equal(watcher.status, 200);
	assert_int_equal(watcher.code, 0);
	net_stream_stop(watcher.stream);
	watcher_done(&watcher);
}

static void stream_failures_are_told(void **state)
{
	static const struct {
		const char *path;
		int64_t open_ms, idle_ms;
		int status, code, opens;
	} rows[] = {
		{"/hang", 100, 0, 0, -ETIMEDOUT, 0},
		{"/drip", 100, 0, 0, -ETIMEDOUT, 0},
		{"/half", 0, 0, 200, -ECONNRESET, 1},
		{"/reset", 0, 0, 0, -ECONNRESET, 0},
		{"/garbage", 0, 0, 0, -EPROTO, 0},
		{"/status/500", 0, 0, 500, 0, 0},
		{"/hang", 0, 100, 0, -ETIMEDOUT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_request request = {.method = "GET",
			.url = at(rows[i].path),
			.open_timeout_ms = rows[i].open_ms,
			.idle_timeout_ms = rows[i].idle_ms};
		struct watcher watcher = {0};

		watcher_start(&watcher, &request);
		watcher_await(&watcher, 0, 1);
		net_stream_stop(watcher.stream);
		assert_int_equal(watcher.status, rows[i].status);
		assert_int_equal(watcher.code, rows[i].code);
		assert_int_equal(watcher.opens, rows[i].opens);
		assert_int_equal(watcher.ends, 1);
		assert_string_equal(watcher.body, rows[i].status == 500 ? "no" : "");
		watcher_done(&watcher);
	}
}

static void a_stream_can_begin_again(void **state)
{
	struct net_request request = {.method = "GET", .url = at("/ok")};
	struct watcher watcher = {.again = 2};

	(void)state;
	watcher_start(&watcher, &request);
	watcher_await(&watcher, 2, 3);
	net_stream_stop(watcher.stream);
	assert_int_equal(watcher.opens, 1);
	assert_int_equal(watcher.ends, 3);
	assert_int_equal(watcher.status, 418);
	watcher_done(&watcher);
}

static void a_stream_can_be_broken(void **state)
{
	struct net_request request = {.method = "GET", .url = at("/trickle")};
	struct watcher watcher = {0};

	(void)state;
	watcher_start(&watcher, &request);
	watcher_await(&watcher, 10, 0);
	net_stream_break(watcher.stream);
	watcher_await(&watcher, 0, 1);
	assert_int_equal(watcher.code, -ECANCELED);
	net_stream_stop(watcher.stream);
	watcher_done(&watcher);
}

/* Stopped streams write here no more: ASan and TSan tell when one does. */
static void many_streams_stop_in_the_middle(void **state)
{
	enum { COUNT = 100 };
	struct net_request request = {.method = "GET", .url = at("/trickle")};
	struct watcher *watchers = calloc(COUNT, sizeof(*watchers));

	(void)state;
	for (int i = 0; i < COUNT; i++)
		watcher_start(&watchers[i], &request);
	for (int i = 0; i < COUNT; i += 2) {
		net_stream_stop(watchers[i].stream);
		watcher_done(&watchers[i]);
	}
	for (int i = 1; i < COUNT; i += 2) {
		watcher_await(&watchers[i], 10, 0);
		net_stream_stop(watchers[i].stream);
		assert_int_equal(watchers[i].ends, 0);
		watcher_done(&watchers[i]);
	}
	free(watchers);
	net_stream_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_whole),
		cmocka_unit_test(method_and_body_arrive),
		cmocka_unit_test(connections_are_kept),
		cmocka_unit_test(a_stale_connection_is_replaced),
		cmocka_unit_test(a_fresh_request_takes_no_old_connection),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(bad_places_are_told),
		cmocka_unit_test(a_proxy_is_passed_by_when_told),
		cmocka_unit_test(unix_sockets_work),
		cmocka_unit_test(data_can_be_taken_as_it_comes),
		cmocka_unit_test(a_cancel_ends_calls_at_once),
		cmocka_unit_test(many_threads_may_call),
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(a_stream_lasts_until_its_end),
		cmocka_unit_test(stream_failures_are_told),
		cmocka_unit_test(a_stream_can_begin_again),
		cmocka_unit_test(a_stream_can_be_broken),
		cmocka_unit_test(many_streams_stop_in_the_middle),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
