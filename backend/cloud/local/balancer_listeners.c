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

#define TLS_PORT	 443
#define RELEASE_TIMEOUT_MS 1000
#define ATTEMPTS_MAX	 8
#define RETRY_FIRST_NS	 (100 * NS_PER_MILLISECOND)
#define RETRY_LAST_NS	 (2 * NS_PER_SECOND)
#define STEADY_NS	 (10 * NS_PER_SECOND)
#define CRASH_PAUSE_NS	 (100 * NS_PER_MILLISECOND)
#define CONFIG_MAX_BYTES (256UL * 1024 * 1024)

/* The text that the entry is about to have. */
static const char *listener_effective(const struct balancer_entry *entry)
{
	return entry->proposed ? entry->listener_next : entry->listener;
}

static void listener_propose(struct balancer_entry *entry, char *text)
{
	free(entry->listener_next);
	entry->listener_next = text;
	entry->proposed = true;
}

static void listener_withdraw(struct balancer_entry *entry)
{
	free(entry->listener_next);
	entry->listener_next = NULL;
	entry->proposed = false;
}

static void listener_fail(struct balancer_entry *entry, const struct error *error)
{
	entry->error = *error;
	entry->retry = true;
}

/* Another balancer of ours that has or wants the same address and port, or NULL. */
static const struct balancer_entry *listener_rival(const struct balancers *b,
	const struct balancer_entry *entry, int port)
{
	size_t i;

	for (i = 0; i < b->work_count; i++) {
		const struct balancer_entry *other = b->work[i];

		if (other == entry || other->unwanted)
			continue;
		if (haproxy_config_binds(listener_effective(other), entry->want->address, port))
			return other;
	}
	return NULL;
}

/* Can the entry listen on port of its address? What it listens on already: yes. */
static int listener_probe(struct balancers *b, const struct balancer_entry *entry, int port,
	struct error *reterr)
{
	const struct balancer_entry *rival = listener_rival(b, entry, port);

	if (rival)
		return error_set(reterr, -EADDRINUSE,
			"port %d of %s is taken by another load balancer (object %lld)", port,
			entry->want->address, (long long)rival->service);
	if (b->haproxy.process.pid && haproxy_config_binds(entry->listener, entry->want->address, port))
		return 0;
	return port_probe(entry->want->address, port, SOCK_STREAM, b->haproxy.config, reterr);
}

/* The certificate to listen with on 443, or none; trouble with it fails the ensure and leaves the
 * plain port in service. */
static bool listener_certificate(struct balancers *b, struct balancer_entry *entry,
	struct certificate_use *use)
{
	struct error error = ERROR_INIT;
	int r;

	if (!b->certificates || entry->want->dns[0] == '\0')
		return false;
	r = certificates_for(b->certificates, entry->want->dns, use, &error);
	if (r == -ENOENT)
		return false;
	if (r == 0)
		r = listener_probe(b, entry, TLS_PORT, &error);
	if (r < 0)
		listener_fail(entry, &error);
	return r == 0;
}

/* Works out the text that a wanted entry should have and proposes it when it is another one. */
static void listener_work_out(struct balancers *b, struct balancer_entry *entry)
{
	const struct balancer_want *want = entry->want;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct certificate_use use;
	struct error error = ERROR_INIT;
	bool tls = listener_certificate(b, entry, &use);
	struct listener listener = {.service = entry->service, .address = want->address,
		.port = want->port, .plain = !(tls && want->port == TLS_PORT),
		.certificate = tls ? use.path : NULL, .serial = use.serial};

	if (listener.plain && listener_probe(b, entry, want->port, &error) < 0) {
		listener_fail(entry, &error);
		return;
	}
	haproxy_config_listener(&text, &listener);
	if (text.error) {
		(void)error_oom(&error);
		listener_fail(entry, &error);
		return;
	}
	if (!entry->listener || strcmp(entry->listener, text.data) != 0)
		listener_propose(entry, buf_take(&text, NULL));
}

static void listener_touch(struct balancers *b, struct balancer_entry *entry)
{
	listener_withdraw(entry);
	entry->retry = false;
	error_clear(&entry->error);
	if (entry->unwanted) {
		if (entry->listener)
			listener_propose(entry, NULL);
	} else if (entry->want) {
		listener_work_out(b, entry);
	}
}

/* Renders the configuration with the servers that are ready. */
static int listeners_render(struct balancers *b, const char *revision, struct buf *text)
{
	char socket_path[108];
	size_t i;

	haproxy_socket_name(&b->haproxy, revision, socket_path);
	haproxy_config_head(text, revision, socket_path, geteuid() == 0);
	for (i = 0; i < b->work_count; i++) {
		struct balancer_entry *entry = b->work[i];
		const char *listener = listener_effective(entry);

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
		if (listener_effective(b->work[i]))
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
		if (haproxy_config_binds(listener_effective(b->work[i]), address, port))
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

/* An entry that HAProxy will not run: back to what it ran before, or out. */
static void listener_reject(struct balancers *b, struct balancer_entry *entry,
	const struct error *error)
{
	if (entry->proposed) {
		listener_withdraw(entry);
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
		listener_fail(entry, error);
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
			if (b->work[i]->service == service && listener_effective(b->work[i])) {
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

/* Before a start from nothing: a port that was taken meanwhile must not keep the others out. */
static void listeners_probe_all(struct balancers *b)
{
	size_t i;

	for (i = 0; i < b->work_count; i++) {
		struct balancer_entry *entry = b->work[i];
		struct error error = ERROR_INIT;

		if (!entry->want || !entry->listener || entry->proposed || entry->unwanted)
			continue;
		if (listener_probe(b, entry, entry->want->port, &error) == 0 &&
			(!haproxy_config_binds(entry->listener, entry->want->address, TLS_PORT) ||
				listener_probe(b, entry, TLS_PORT, &error) == 0))
			continue;
		listener_reject(b, entry, &error);
	}
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
	for (i = 0; b->stale && error->code && i < b->work_count; i++)
		if (b->work[i]->touched && b->work[i]->error.code == 0)
			listener_fail(b->work[i], error);
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
			listener_touch(b, entry);
	}
}

void balancer_listeners_apply(struct balancers *b)
{
	bool touched = false;
	size_t i;

	if (b->haproxy.process.pid && process_ended(&b->haproxy.process, 0))
		listeners_mourn(b);
	listeners_touch_all(b);
	if (!listeners_any(b)) {
		if (b->haproxy.process.pid || listeners_proposed(b) || b->stale)
			listeners_stop(b);
	} else if (b->haproxy.process.pid == 0 || b->stale || listeners_proposed(b)) {
		for (i = 0; i < b->work_count; i++)
			touched |= b->work[i]->touched || b->work[i]->retry;
		if (touched || clock_now_ns() >= b->start_due_ns)
			listeners_run(b);
		if (b->haproxy.process.pid == 0 && b->start_due_ns <= clock_now_ns())
			b->start_due_ns = clock_now_ns() + RETRY_LAST_NS;
	}
	b->retry_due_ns = CLOCK_FOREVER;
	for (i = 0; i < b->work_count && b->retry_due_ns == CLOCK_FOREVER; i++)
		if (b->work[i]->retry)
			b->retry_due_ns = clock_now_ns() + b->retry_pause_ns;
	b->retry_pause_ns = b->retry_due_ns == CLOCK_FOREVER ? RETRY_FIRST_NS
			    : b->retry_pause_ns < RETRY_LAST_NS ? 2 * b->retry_pause_ns
								: b->retry_pause_ns;
}

void balancer_listeners_stop(struct balancers *b)
{
	size_t i;

	b->work_count = 0;
	for (i = 0; i < b->table.count; i++) {
		b->work[b->work_count++] = b->table.entries[i];
		listener_propose(b->table.entries[i], NULL);
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
	if (listeners_render(b, b->revision, &text) < 0 ||
		file_write_atomic(b->haproxy.config, text.data, text.len, 0600, 0, &error) < 0)
		log_debug("load balancers: cannot save the configuration: %s", error.text);
}

struct adoption {
	struct balancers *b;
	const char *text;
	size_t head_len;
};

static void adopt_revision(void *arg, const char *revision, size_t head_len)
{
	struct adoption *adoption = arg;

	(void)snprintf(adoption->b->revision, sizeof(adoption->b->revision), "%.40s", revision);
	adoption->head_len = head_len;
}

static int adopt_listener(void *arg, int64_t service, const char *text, size_t len)
{
	struct adoption *adoption = arg;
	struct balancer_entry *entry = balancer_table_add(&adoption->b->table, service);

	if (!entry || entry->listener)
		return entry ? -EBADMSG : -ENOMEM;
	entry->listener = strndup(text, len);
	return entry->listener ? 0 : -ENOMEM;
}

static int adopt_server(void *arg, int64_t service, const struct server *server)
{
	struct adoption *adoption = arg;
	struct balancer_entry *entry = balancer_table_find(&adoption->b->table, service);

	return entry ? balancer_entry_add_server(entry, server) : -EBADMSG;
}

/* True when the file begins as we would begin it today: another version of us may have written it. */
static bool adopt_same_head(const struct adoption *adoption)
{
	_cleanup_buf_ struct buf head = BUF_INIT;
	char socket_path[108];

	haproxy_socket_name(&adoption->b->haproxy, adoption->b->revision, socket_path);
	haproxy_config_head(&head, adoption->b->revision, socket_path, geteuid() == 0);
	return !head.error && head.len == adoption->head_len &&
	       memcmp(head.data, adoption->text, head.len) == 0;
}

int balancer_listeners_adopt(struct balancers *b)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct adoption adoption = {.b = b};
	const struct haproxy_config_reader reader = {.arg = &adoption, .revision = adopt_revision,
		.listener = adopt_listener, .server = adopt_server};
	int r;

	if (file_read(b->haproxy.config, CONFIG_MAX_BYTES, &text, NULL) == 0) {
		adoption.text = buf_string(&text);
		r = haproxy_config_parse(adoption.text, &reader);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			balancer_table_done(&b->table);
	}
	b->stale = b->table.count > 0;
	/* A HAProxy that runs something else is stopped here: then ports are free for what is wanted. */
	if (haproxy_adopt(&b->haproxy, b->table.count > 0 ? b->revision : "") == 0)
		b->stale = !adopt_same_head(&adoption);
	return 0;
}
