/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/balancer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/thread.h"
#include "cloud/local/balancer_manager.h"

#define CALL_TIMEOUT_NS (30 * NS_PER_SECOND)

static void balancers_wake(struct balancers *b)
{
	uint64_t one = 1;

	(void)!write(b->wake_fd, &one, sizeof(one));
}

/* --- the manager thread ---------------------------------------------------------------------- */

/* Takes what callers want since the last round; false when there is no memory for a list of it. */
static bool manager_collect(struct balancers *b)
{
	LOCKED(&b->lock);
	bool settle = b->settle_asked != b->settle_answered;
	struct balancer_entry **work;
	size_t i;

	work = reallocarray(b->work, b->table.count + 1, sizeof(struct balancer_entry *));
	if (!work)
		return false;
	b->work = work;
	b->work_count = b->table.count;
	for (i = 0; i < b->table.count; i++) {
		struct balancer_entry *entry = b->table.entries[i];

		b->work[i] = entry;
		entry->serving = entry->asked;
		entry->touched = entry->pending || entry->remove_pending;
		if (entry->pending) {
			free(entry->want);
			entry->want = entry->pending;
			entry->pending = NULL;
			entry->unwanted = false;
		} else if (entry->remove_pending || (settle && !entry->ensured)) {
			entry->touched = true;
			entry->unwanted = true;
		}
		entry->remove_pending = false;
	}
	return true;
}

static void manager_answer_entry(struct balancers *b, struct balancer_entry *entry)
{
	bool idle = b->haproxy.process.pid == 0 && b->trouble.code != 0;

	if (entry->answered == entry->serving && !entry->touched)
		return;
	entry->answered = entry->serving;
	entry->result = entry->error;
	entry->result_warning = entry->warning;
	if (!entry->unwanted && idle && entry->result.code == 0)
		entry->result = b->trouble;
	entry->tls = entry->listener && strstr(entry->listener, ":443 ssl ");
	/* A removal is done when HAProxy does not listen any more. */
	if (entry->unwanted && entry->listener && entry->result.code == 0)
		(void)error_set(&entry->result, -EAGAIN, "HAProxy still listens for it");
}

static void manager_describe(struct balancers *b)
{
	char path[PATH_MAX], before[sizeof(b->health)];
	struct error error = ERROR_INIT;
	size_t i, count = 0;

	(void)text_copy(before, sizeof(before), b->health);

	for (i = 0; i < b->table.count; i++)
		count += b->table.entries[i]->listener != NULL;
	b->up = true;
	b->running = b->haproxy.process.pid != 0;
	if (b->haproxy.process.pid) {
		(void)snprintf(b->health, sizeof(b->health),
			"HAProxy %s, process %d, %zu load balancer%s", b->haproxy.version,
			(int)b->haproxy.process.pid, count, count == 1 ? "" : "s");
	} else if (b->trouble.code) {
		b->up = false;
		(void)text_copy(b->health, sizeof(b->health), b->trouble.text);
	} else if (haproxy_find(&b->haproxy, path, &error) < 0) {
		b->up = false;
		(void)text_copy(b->health, sizeof(b->health), error.text);
	} else {
		(void)text_copy(b->health, sizeof(b->health),
			"HAProxy starts with the first load balancer");
	}
	if (b->changed && strcmp(before, b->health) != 0)
		b->changed(b->changed_arg);
}

static void manager_answer(struct balancers *b, uint64_t settled)
{
	LOCKED(&b->lock);
	size_t i, kept = 0;

	for (i = 0; i < b->work_count; i++) {
		struct balancer_entry *entry = b->work[i];

		manager_answer_entry(b, entry);
		entry->dead = entry->unwanted && !entry->listener && !entry->pending;
		if (entry->dead && entry->waiters == 0)
			balancer_table_remove(&b->table, entry);
		else
			b->work[kept++] = entry;
	}
	b->work_count = kept;
	b->settle_answered = settled;
	manager_describe(b);
	cond_broadcast(&b->answered);
}

static bool certificate_used(void *arg, const char *path)
{
	struct balancers *b = arg;
	size_t i;

	for (i = 0; i < b->work_count; i++)
		if (b->work[i]->listener && strstr(b->work[i]->listener, path))
			return true;
	return false;
}

static void manager_round(struct balancers *b)
{
	bool garbage = clock_now_ns() >= b->garbage_due_ns;
	uint64_t settled;
	int again;

	lock_acquire(&b->lock);
	settled = b->settle_asked;
	lock_release(&b->lock);
	if (!manager_collect(b))
		return;
	if (settled != 0)
		b->settled = true;
	for (again = 0; again < 2; again++) {
		balancer_listeners_apply(b);
		balancer_servers_apply(b, garbage);
		if (!b->stale)
			break;
	}
	if (b->prune && b->settled && b->certificates) {
		b->prune = false;
		certificates_prune(b->certificates, certificate_used, b);
	}
	manager_answer(b, settled);
}

/* Milliseconds until something is due by itself; -1: never. */
static int manager_timeout_ms(const struct balancers *b)
{
	int64_t due_ns = b->retry_due_ns, left_ms;

	if (b->garbage_due_ns < due_ns)
		due_ns = b->garbage_due_ns;
	if (b->renew_due_ns < due_ns)
		due_ns = b->renew_due_ns;
	if (b->haproxy.process.pid == 0 && b->trouble.code && b->start_due_ns < due_ns)
		due_ns = b->start_due_ns;
	left_ms = (due_ns - clock_now_ns()) / NS_PER_MILLISECOND + 1;
	return left_ms < 0 ? 0 : left_ms > 3600000 ? 3600000 : (int)left_ms;
}

static bool manager_stopping(struct balancers *b)
{
	LOCKED(&b->lock);

	return b->stopping;
}

static void *manager_run(void *arg)
{
	struct balancers *b = arg;
	uint64_t count;

	while (!manager_stopping(b)) {
		struct pollfd ready[2] = {{.fd = b->wake_fd, .events = POLLIN}};

		manager_round(b);
		/* Callers have their answer: the file may follow. */
		balancer_listeners_save(b);
		ready[1].fd = b->haproxy.process.pidfd;
		ready[1].events = POLLIN;
		(void)poll(ready, 2, manager_timeout_ms(b));
		if (ready[0].revents)
			(void)!read(b->wake_fd, &count, sizeof(count));
	}
	return NULL;
}

/* --- calls ----------------------------------------------------------------------------------- */

static int balancers_init(struct balancers *b, const struct cloud_local_options *options,
	struct error *reterr)
{
	uint32_t random = 0;
	int r = address_range_parse(options->lb_range, &b->range, reterr);

	if (r == 0)
		r = haproxy_init(&b->haproxy, options->runtime_dir, options->tools, reterr);
	if (r == 0)
		r = text_random(&random, sizeof(random));
	if (r < 0)
		return r;
	(void)snprintf(b->revision_base, sizeof(b->revision_base), "%08x", random);
	b->retry_due_ns = b->garbage_due_ns = CLOCK_FOREVER;
	b->renew_due_ns = clock_now_ns() + 3600 * NS_PER_SECOND;
	b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->wake_fd < 0)
		return error_errno(reterr, errno, "cannot make an event counter");
	if (balancer_adopt(b) < 0)
		return error_oom(reterr);
	return manager_collect(b) ? 0 : error_oom(reterr);
}

static void balancers_destroy(struct balancers *b)
{
	haproxy_done(&b->haproxy);
	balancer_table_done(&b->table);
	free(b->work);
	if (b->wake_fd >= 0)
		(void)close(b->wake_fd);
	cond_done(&b->answered);
	lock_done(&b->lock);
	free(b);
}

int balancers_new(struct balancers **ret, const struct cloud_local_options *options,
	struct certificates *certificates, struct error *reterr)
{
	struct balancers *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return error_oom(reterr);
	lock_init(&b->lock, LOCK_CLOUD);
	cond_init(&b->answered);
	b->wake_fd = -1;
	b->haproxy.process = PROCESS_NONE;
	b->certificates = certificates;
	r = balancers_init(b, options, reterr);
	/* The file may be older than the last change of servers. */
	if (r == 0 && b->haproxy.process.pid && !b->stale && balancer_servers_read(b, NULL) < 0)
		b->stale = true;
	if (r == 0)
		r = thread_start(&b->thread, "balancer", manager_run, b, reterr);
	if (r < 0)
		balancers_destroy(b);
	else
		*ret = b;
	return r;
}

/* Waits for the answer to ticket. Called and returns with the lock held. */
static int balancers_wait(struct balancers *b, struct balancer_entry *entry, uint64_t ticket,
	struct balancer_state *ret, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + CALL_TIMEOUT_NS;
	bool in_time = true;
	int r;

	entry->waiters++;
	while (entry->answered < ticket && in_time)
		in_time = cond_wait_until(&b->answered, &b->lock, deadline_ns);
	entry->waiters--;
	if (entry->answered < ticket)
		r = error_set(reterr, -ETIMEDOUT, "HAProxy was not changed within %d seconds",
			(int)(CALL_TIMEOUT_NS / NS_PER_SECOND));
	else
		r = entry->result.code
			    ? error_set(reterr, entry->result.code, "%s", entry->result.text)
			    : 0;
	if (ret) {
		ret->tls = entry->tls;
		(void)text_copy(ret->warning, sizeof(ret->warning), entry->result_warning.text);
	}
	if (entry->dead && entry->waiters == 0)
		balancers_wake(b);
	return r;
}

int balancers_ensure(struct balancers *b, const struct balancer *wanted, struct balancer_state *ret,
	struct error *reterr)
{
	struct balancer_state state = {0};
	struct balancer_entry *entry;
	struct balancer_want *want;
	uint64_t ticket;
	int r = balancer_want_new(&want, wanted, &b->range, reterr);

	if (r < 0)
		return r;
	(void)text_copy(state.address, sizeof(state.address), want->address);
	lock_acquire(&b->lock);
	entry = balancer_table_add(&b->table, wanted->service);
	if (!entry) {
		lock_release(&b->lock);
		free(want);
		return error_oom(reterr);
	}
	free(entry->pending);
	entry->pending = want;
	entry->remove_pending = false;
	entry->dead = false;
	entry->ensured = true;
	ticket = ++entry->asked;
	balancers_wake(b);
	r = balancers_wait(b, entry, ticket, &state, reterr);
	lock_release(&b->lock);
	if (r == 0)
		*ret = state;
	return r;
}

int balancers_remove(struct balancers *b, int64_t service, struct error *reterr)
{
	struct balancer_entry *entry;
	int r = 0;

	lock_acquire(&b->lock);
	entry = balancer_table_find(&b->table, service);
	if (entry) {
		free(entry->pending);
		entry->pending = NULL;
		entry->remove_pending = true;
		balancers_wake(b);
		r = balancers_wait(b, entry, ++entry->asked, NULL, reterr);
	}
	lock_release(&b->lock);
	return r;
}

int balancers_settle(struct balancers *b, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + CALL_TIMEOUT_NS;
	bool in_time = true;
	LOCKED(&b->lock);
	uint64_t ticket = ++b->settle_asked;

	balancers_wake(b);
	while (b->settle_answered < ticket && in_time)
		in_time = cond_wait_until(&b->answered, &b->lock, deadline_ns);
	if (b->settle_answered < ticket)
		return error_set(reterr, -ETIMEDOUT, "HAProxy was not changed in time");
	return 0;
}

void balancers_health(struct balancers *b, bool *ret_up, char *text, size_t size)
{
	LOCKED(&b->lock);

	*ret_up = b->up;
	(void)text_copy(text, size, b->health);
}

void balancers_health_watch(struct balancers *b, cloud_health_fn fn, void *arg)
{
	LOCKED(&b->lock);

	b->changed = fn;
	b->changed_arg = arg;
}

void balancers_free(struct balancers *b, bool keep)
{
	if (!b)
		return;
	lock_acquire(&b->lock);
	b->stopping = true;
	lock_release(&b->lock);
	balancers_wake(b);
	thread_join(b->thread);
	if (!keep && manager_collect(b))
		balancer_listeners_stop(b);
	balancers_destroy(b);
}
