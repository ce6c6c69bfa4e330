/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cloud/local/balancer_manager.h"
#include "cloud/local/port.h"

#define RELEASE_TIMEOUT_MS 1000
#define ATTEMPTS_MAX       8
#define RETRY_FIRST_NS     (100 * NS_PER_MILLISECOND)
#define RETRY_LAST_NS      (5 * NS_PER_SECOND)
#define STEADY_NS          (10 * NS_PER_SECOND)
#define CRASH_PAUSE_NS     (100 * NS_PER_MILLISECOND)

/* Renders the configuration with the servers that are ready. */
static int listeners_render(struct balancers *b, const char *revision, struct buf *text)
{
	char socket_path[108];
	size_t i;

	haproxy_socket_name(&b->haproxy, revision, socket_path);
	haproxy_config_head(text, revision, socket_path, geteuid() == 0);
	for (i = 0; i < b->work_count; i++) {
		struct balancer_entry *entry = b->work[i];
		const char *listener = balancer_listener_next(entry);

		if (!listener)
			continue;
		buf_puts(text, listener);
		haproxy_config_backend(text, entry->service, entry->servers, entry->server_count);
	}
	return text->error;
}

/* Before a reload: the servers as wanted, which is what the new worker will have. */
static int listeners_reset_servers(struct balancers *b)
{
	size_t i;

	for (i = 0; i < b->work_count; i++)
		if (balancer_entry_reset_servers(b->work[i]) < 0)
			return -ENOMEM;
	return 0;
}

static bool listeners_any(const struct balancers *b)
{
	size_t i;

	for (i = 0; i < b->work_count; i++)
		if (balancer_listener_next(b->work[i]))
			return true;
	return false;
}

static bool listeners_proposed(const struct balancers *b)
{
	size_t i;

	for (i = 0; i < b->work_count; i++)
		if (b->work[i]->proposed)
			return true;
	return false;
}

static bool listeners_bind(const struct balancers *b, const char *address, int port)
{
	size_t i;

	for (i = 0; i < b->work_count; i++)
		if (haproxy_config_binds(balancer_listener_next(b->work[i]), address, port))
			return true;
	return false;
}

/* A reload returns when the new worker is there. Gone is a listener when the old one lets it go. */
static void listeners_await_release(const struct balancers *b)
{
	char address[ADDRESS_MAX];
	size_t i;
	int port;

	for (i = 0; i < b->work_count; i++) {
		const char *at = b->work[i]->proposed ? b->work[i]->listener : NULL;

		while (haproxy_config_next_bind(&at, address, &port))
			if (!listeners_bind(b, address, port))
				(void)port_await_release(address, port, RELEASE_TIMEOUT_MS);
	}
}

/* The proposals are what HAProxy runs now. */
static void listeners_accept(struct balancers *b)
{
	size_t i;

	for (i = 0; i < b->work_count; i++) {
		struct balancer_entry *entry = b->work[i];

		if (!entry->proposed)
			continue;
		free(entry->listener);
		entry->listener = TAKE(entry->listener_next);
		entry->proposed = false;
		b->prune = true;
	}
}

/* An entry that cannot be had: back to what HAProxy ran before, or out. */
static void listener_drop(struct balancers *b, struct balancer_entry *entry,
	const struct error *error)
{
	if (entry->proposed) {
		balancer_listener_withdraw(entry);
	} else {
		free(entry->listener);
		entry->listener = NULL;
	}
	if (b->haproxy.process.pid == 0) {
		free(entry->listener);
		entry->listener = NULL;
	}
	if (entry->unwanted)
		error_clear(&entry->error);
	else
		balancer_listener_fail(entry, error);
}

/* An entry that HAProxy refuses: perhaps it can be had without TLS. */
static void listener_reject(struct balancers *b, struct balancer_entry *entry,
	const struct error *error)
{
	if (entry->unwanted || !balancer_listener_do_without_tls(entry, error))
		listener_drop(b, entry, error);
}

/* Takes out the entries that HAProxy complained about; all proposals when it named none. */
static void listeners_reject(struct balancers *b, const char *config, const struct error *error)
{
	const char *at = buf_string(&b->haproxy.output);
	bool named = false;
	int64_t service;
	size_t i;

	while ((service = haproxy_message_service(&at, config)) >= 0)
		for (i = 0; i < b->work_count; i++)
			if (b->work[i]->service == service && balancer_listener_next(b->work[i])) {
				listener_reject(b, b->work[i], error);
				named = true;
			}
	for (i = 0; !named && i < b->work_count; i++)
		if (b->work[i]->proposed)
			listener_reject(b, b->work[i], error);
}

/* One attempt to have HAProxy run the proposals: check, write, start or reload. */
static int listeners_attempt(struct balancers *b, struct buf *text, struct error *reterr)
{
	struct haproxy *haproxy = &b->haproxy;
	bool running = !process_ended(&haproxy->process, 0);
	char revision[48];
	int r;

	(void)snprintf(revision, sizeof(revision), "%s-%u", b->revision_base, ++b->revision_count);
	buf_reset(text);
	r = listeners_render(b, revision, text);
	if (r < 0)
		return error_oom(reterr);
	if (running)
		r = haproxy_check(haproxy, text, reterr);
	if (r == 0)
		r = file_write_atomic(haproxy->config, text->data, text->len, 0600, 0, reterr);
	if (r == 0) {
		b->unsaved = true; /* until it is known that this text runs */
		r = running ? haproxy_reload(haproxy, revision, reterr)
			    : haproxy_start(haproxy, revision, reterr);
	}
	if (r == 0) {
		(void)snprintf(b->revision, sizeof(b->revision), "%s", revision);
		b->unsaved = false;
		if (!running)
			b->started_ns = clock_now_ns();
	}
	return r;
}

/* Can all that the entry's text binds be had? 443 is given up before the rest. */
static void listener_probe_text(struct balancers *b, struct balancer_entry *entry)
{
	const char *at = entry->listener;
	char address[ADDRESS_MAX];
	int port;

	while (haproxy_config_next_bind(&at, address, &port)) {
		struct error error = ERROR_INIT;

		if (port_probe(address, port, SOCK_STREAM, b->haproxy.config, &error) == 0)
			continue;
		if (port != BALANCER_TLS_PORT || !balancer_listener_do_without_tls(entry, &error)) {
			listener_drop(b, entry, &error);
			return;
		}
	}
}

/* Before a start from nothing: a port that was taken meanwhile must not keep the others out. */
static void listeners_probe_all(struct balancers *b)
{
	size_t i;

	for (i = 0; i < b->work_count; i++)
		if (b->work[i]->listener && !b->work[i]->proposed)
			listener_probe_text(b, b->work[i]);
}

/* HAProxy does not run what it should: what is known of its servers is not true any more. */
static void listeners_give_up(struct balancers *b, const struct error *error)
{
	size_t i;

	if (b->haproxy.process.pid == 0) {
		if (error->code)
			b->trouble = *error;
		for (i = 0; i < b->work_count; i++)
			if (b->work[i]->unwanted)
				listener_reject(b, b->work[i], error);
		return;
	}
	for (i = 0; error->code && i < b->work_count; i++)
		if (b->work[i]->proposed)
			listener_drop(b, b->work[i], error);
		else if (b->stale && b->work[i]->touched && b->work[i]->error.code == 0)
			balancer_listener_fail(b->work[i], error);
	if (balancer_servers_read(b, NULL) < 0)
		b->stale = true;
}

/* Attempts with fewer and fewer entries until HAProxy runs. */
static void listeners_run(struct balancers *b)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error error = ERROR_INIT;
	int attempt, r = -EAGAIN;

	if (b->haproxy.process.pid == 0)
		listeners_probe_all(b);
	if (listeners_reset_servers(b) < 0)
		return;
	for (attempt = 0; r < 0 && attempt < ATTEMPTS_MAX; attempt++) {
		bool running = b->haproxy.process.pid != 0;

		if (!listeners_any(b) || (running && !b->stale && !listeners_proposed(b)))
			break;
		error_clear(&error);
		r = listeners_attempt(b, &text, &error);
		if (r == 0 || r == -ENOPKG)
			break;
		log_debug("load balancers: %s: %s", error.text, buf_string(&b->haproxy.output));
		if (running && b->haproxy.process.pid && !listeners_proposed(b))
			break;
		listeners_reject(b, buf_string(&text), &error);
	}
	if (r == 0) {
		listeners_await_release(b);
		listeners_accept(b);
		b->stale = false;
		error_clear(&b->trouble);
	} else {
		listeners_give_up(b, &error);
	}
}

/* Nothing to listen on: no HAProxy either. */
static void listeners_stop(struct balancers *b)
{
	haproxy_stop(&b->haproxy);
	(void)unlink(b->haproxy.config);
	listeners_await_release(b);
	listeners_accept(b);
	b->stale = false;
	b->unsaved = false;
	error_clear(&b->trouble);
}

/* HAProxy is gone without being asked: start it again, the later the more often it happens. */
static void listeners_mourn(struct balancers *b)
{
	int64_t now_ns = clock_now_ns(), pause_ns = 0;

	if (now_ns - b->started_ns > STEADY_NS)
		b->crashes = 0;
	if (b->crashes > 0)
		pause_ns = CRASH_PAUSE_NS << (b->crashes < 6 ? b->crashes : 6);
	b->crashes++;
	b->stale = true;
	b->start_due_ns = now_ns + pause_ns;
	(void)error_set(&b->trouble, -EIO, "HAProxy has ended unexpectedly and is started again");
}

static void listeners_touch_all(struct balancers *b)
{
	int64_t now_ns = clock_now_ns();
	bool retry = now_ns >= b->retry_due_ns, renew = now_ns >= b->renew_due_ns;
	size_t i;

	if (renew)
		b->renew_due_ns = now_ns + 3600 * NS_PER_SECOND;
	for (i = 0; i < b->work_count; i++) {
		struct balancer_entry *entry = b->work[i];

		if (entry->touched || (retry && entry->retry) ||
			(renew && entry->want && entry->want->dns[0] != '\0'))
			balancer_listener_touch(b, entry);
	}
}

/* Is there an entry that someone waits for, or that is due again? */
static bool listeners_asked(const struct balancers *b)
{
	size_t i;

	for (i = 0; i < b->work_count; i++)
		if (b->work[i]->touched || b->work[i]->retry)
			return true;
	return false;
}

/* When to try again what failed: the later the more often. Other work does not put it off. */
static void listeners_plan_retry(struct balancers *b, bool retried)
{
	size_t i = 0;

	while (i < b->work_count && !b->work[i]->retry)
		i++;
	if (i == b->work_count) {
		b->retry_due_ns = CLOCK_FOREVER;
		b->retry_pause_ns = RETRY_FIRST_NS;
		return;
	}
	if (retried && b->retry_pause_ns < RETRY_LAST_NS)
		b->retry_pause_ns *= 2;
	if (retried || b->retry_due_ns == CLOCK_FOREVER)
		b->retry_due_ns = clock_now_ns() + b->retry_pause_ns;
}

void balancer_listeners_apply(struct balancers *b)
{
	bool retried = clock_now_ns() >= b->retry_due_ns;

	if (b->haproxy.process.pid && process_ended(&b->haproxy.process, 0))
		listeners_mourn(b);
	listeners_touch_all(b);
	if (!listeners_any(b)) {
		if (b->haproxy.process.pid || listeners_proposed(b) || b->stale)
			listeners_stop(b);
		error_clear(&b->trouble);
	} else if (b->haproxy.process.pid == 0 || b->stale || listeners_proposed(b)) {
		if (b->haproxy.process.pid || listeners_asked(b) ||
			clock_now_ns() >= b->start_due_ns)
			listeners_run(b);
		if (b->haproxy.process.pid == 0 && b->start_due_ns <= clock_now_ns())
			b->start_due_ns = clock_now_ns() + RETRY_LAST_NS;
	}
	listeners_plan_retry(b, retried);
}

void balancer_listeners_stop(struct balancers *b)
{
	size_t i;

	b->work_count = 0;
	for (i = 0; i < b->table.count; i++) {
		b->work[b->work_count++] = b->table.entries[i];
		balancer_listener_propose(b->table.entries[i], NULL);
	}
	listeners_stop(b);
	(void)unlink(b->haproxy.log);
}

void balancer_listeners_save(struct balancers *b)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error error = ERROR_INIT;

	if (!b->unsaved || b->haproxy.process.pid == 0)
		return;
	b->unsaved = false;
	haproxy_trim_log(&b->haproxy);
	if (listeners_render(b, b->revision, &text) < 0 ||
		file_write_atomic(b->haproxy.config, text.data, text.len, 0600, 0, &error) < 0)
		log_debug("load balancers: cannot save the configuration: %s", error.text);
}
