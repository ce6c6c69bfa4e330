/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/text.h"
#include "base/thread.h"
#include "cloud/local/dns_query.h"
#include "cloud/local/dnsmasq.h"

#define CALL_TIMEOUT_NS   (15 * NS_PER_SECOND)
#define ANSWER_TIMEOUT_NS (3 * NS_PER_SECOND)
#define RETRY_PERIOD_NS   (2 * NS_PER_SECOND)
#define STEADY_NS         (10 * NS_PER_SECOND)
#define CRASH_PAUSE_NS    (100 * NS_PER_MILLISECOND)
#define NAMES_MAX_BYTES   (64UL * 1024 * 1024)

struct dns_entry {
	char name[DNS_NAME_MAX];
	char address[ADDRESS_MAX];
	bool ensured; /* asked for since the start: survives settle */
};

struct dns {
	int wake_fd;
	pthread_t thread;

	struct lock lock;
	struct cond answered;
	struct dns_entry *entries; /* by name */
	size_t count, capacity;
	uint64_t wanted; /* grows with every change of entries */
	uint64_t served; /* the change that dnsmasq answers from */
	uint64_t tried; /* the change that the error below is about */
	uint64_t attempts; /* of the manager, good or bad */
	char probe[DNS_NAME_MAX]; /* a name that changed last */
	struct error error; /* of the last attempt */
	bool stopping;
	pid_t pid; /* 0: does not run */
	cloud_health_fn changed; /* is told when health may be another; NULL: nobody */
	void *changed_arg;

	/* the manager's */
	struct dnsmasq dnsmasq;
	int64_t started_ns, due_ns;
	int crashes;
};

static void dns_wake(struct dns *dns)
{
	uint64_t one = 1;

	(void)!write(dns->wake_fd, &one, sizeof(one));
}

/* The place where name is, or where it belongs. */
static size_t dns_position(const struct dns *dns, const char *name)
{
	size_t low = 0, high = dns->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(dns->entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct dns_entry *dns_find(struct dns *dns, const char *name)
{
	size_t at = dns_position(dns, name);

	return at < dns->count && strcmp(dns->entries[at].name, name) == 0 ? &dns->entries[at]
									   : NULL;
}

static struct dns_entry *dns_add(struct dns *dns, const char *name)
{
	size_t at = dns_position(dns, name);

	if (dns->count == dns->capacity) {
		size_t capacity = dns->capacity ? 2 * dns->capacity : 16;
		struct dns_entry *entries =
			reallocarray(dns->entries, capacity, sizeof(struct dns_entry));

		if (!entries)
			return NULL;
		dns->entries = entries;
		dns->capacity = capacity;
	}
	memmove(dns->entries + at + 1, dns->entries + at,
		(dns->count - at) * sizeof(struct dns_entry));
	dns->count++;
	dns->entries[at] = (struct dns_entry){0};
	(void)text_copy(dns->entries[at].name, DNS_NAME_MAX, name);
	return &dns->entries[at];
}

static void dns_delete(struct dns *dns, struct dns_entry *entry)
{
	size_t at = (size_t)(entry - dns->entries);

	dns->count--;
	memmove(entry, entry + 1, (dns->count - at) * sizeof(struct dns_entry));
}

static void dns_changed(struct dns *dns, const char *name)
{
	dns->wanted++;
	(void)text_copy(dns->probe, sizeof(dns->probe), name);
}

/* --- the manager thread ---------------------------------------------------------------------- */

/* What one attempt works on: the file's text, and one name whose answer shows that it is read. */
struct dns_snapshot {
	uint64_t wanted;
	bool dirty;
	struct buf text;
	char probe[DNS_NAME_MAX];
	char address[ADDRESS_MAX]; /* "": the name must not exist */
};

static void dns_take_snapshot(struct dns *dns, struct dns_snapshot *snapshot)
{
	LOCKED(&dns->lock);
	const struct dns_entry *entry;
	size_t i;

	snapshot->wanted = dns->wanted;
	snapshot->dirty = dns->wanted != dns->served;
	(void)text_copy(snapshot->probe, sizeof(snapshot->probe), dns->probe);
	entry = dns_find(dns, dns->probe);
	(void)text_copy(snapshot->address, sizeof(snapshot->address), entry ? entry->address : "");
	for (i = 0; i < dns->count; i++)
		buf_printf(&snapshot->text, "%s %s\n", dns->entries[i].address,
			dns->entries[i].name);
}

/* Waits until dnsmasq answers from the file that was just written. */
static int dns_await(struct dns *dns, const struct dns_snapshot *snapshot, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + ANSWER_TIMEOUT_NS;
	char address[ADDRESS_MAX];

	if (snapshot->probe[0] == '\0')
		return 0;
	while (clock_now_ns() < deadline_ns) {
		int r = dns_query(dns->dnsmasq.address, dns->dnsmasq.port, snapshot->probe, 200,
			address);

		/* A name outside the domain is not denied but refused. */
		if (snapshot->address[0] == '\0'
				? r == -ENOENT || r == -EPROTO
				: r == 0 && strcmp(address, snapshot->address) == 0)
			return 0;
		if (process_ended(&dns->dnsmasq.process, 1))
			return error_set(reterr, -EIO, "dnsmasq has ended unexpectedly");
	}
	return error_set(reterr, -ETIMEDOUT, "dnsmasq does not answer for %s as it should",
		snapshot->probe);
}

static int dns_attempt(struct dns *dns, const struct dns_snapshot *snapshot, struct error *reterr)
{
	struct dnsmasq *dnsmasq = &dns->dnsmasq;
	int r = snapshot->text.error;

	if (r < 0)
		return error_oom(reterr);
	r = dnsmasq_write_names(dnsmasq, &snapshot->text, reterr);
	if (r < 0)
		return r;
	if (dnsmasq->process.pid == 0 || !dnsmasq_reload(dnsmasq)) {
		process_stop(&dnsmasq->process, 0);
		r = dnsmasq_start(dnsmasq, reterr);
		if (r < 0)
			return r;
		dns->started_ns = clock_now_ns();
	}
	return dns_await(dns, snapshot, reterr);
}

/* dnsmasq ended without being asked: start it again, the later the more often it happens. */
static void dns_mourn(struct dns *dns)
{
	int64_t now_ns = clock_now_ns();

	if (now_ns - dns->started_ns > STEADY_NS)
		dns->crashes = 0;
	dns->due_ns = now_ns;
	if (dns->crashes > 0)
		dns->due_ns += CRASH_PAUSE_NS << (dns->crashes < 6 ? dns->crashes : 6);
	dns->crashes++;
}

/* Ends a round. news: what the file says, or how it went, is another. */
static void dns_answer(struct dns *dns, bool news)
{
	LOCKED(&dns->lock);
	bool changed = news || dns->pid != dns->dnsmasq.process.pid;

	dns->pid = dns->dnsmasq.process.pid;
	cond_broadcast(&dns->answered);
	if (changed && dns->changed)
		dns->changed(dns->changed_arg);
}

static void dns_round(struct dns *dns)
{
	struct dns_snapshot snapshot = {.text = BUF_INIT};
	struct error error = ERROR_INIT;
	bool news = false;

	if (dns->dnsmasq.process.pid && process_ended(&dns->dnsmasq.process, 0))
		dns_mourn(dns);
	dns_take_snapshot(dns, &snapshot);
	if (snapshot.dirty || (dns->dnsmasq.process.pid == 0 && clock_now_ns() >= dns->due_ns)) {
		int r = dns_attempt(dns, &snapshot, &error);
		LOCKED(&dns->lock);

		news = true;
		dns->due_ns = clock_now_ns() + RETRY_PERIOD_NS;
		dns->tried = snapshot.wanted;
		dns->attempts++;
		dns->error = error;
		if (r == 0)
			dns->served = snapshot.wanted;
	}
	buf_done(&snapshot.text);
	dns_answer(dns, news);
}

static bool dns_sleep(struct dns *dns)
{
	struct pollfd ready[2] = {{.fd = dns->wake_fd, .events = POLLIN},
		{.fd = dns->dnsmasq.process.pidfd, .events = POLLIN}};
	int64_t left_ms = -1;
	uint64_t count;
	bool unserved;

	lock_acquire(&dns->lock);
	unserved = dns->served != dns->wanted;
	lock_release(&dns->lock);
	if (dns->dnsmasq.process.pid == 0 || unserved) {
		left_ms = (dns->due_ns - clock_now_ns()) / NS_PER_MILLISECOND + 1;
		left_ms = left_ms < 0 ? 0 : left_ms;
	}
	(void)poll(ready, 2, (int)left_ms);
	if (ready[0].revents)
		(void)!read(dns->wake_fd, &count, sizeof(count));
	LOCKED(&dns->lock);
	return !dns->stopping;
}

static void *dns_run(void *arg)
{
	struct dns *dns = arg;

	do
		dns_round(dns);
	while (dns_sleep(dns));
	return NULL;
}

/* --- calls ----------------------------------------------------------------------------------- */

/* Names that an earlier process left: they go on being answered until settle. */
static int dns_adopt(struct dns *dns)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char address[ADDRESS_MAX], name[DNS_NAME_MAX], checked[DNS_NAME_MAX];
	const char *line;

	(void)file_read(dns->dnsmasq.names, NAMES_MAX_BYTES, &text, NULL);
	for (line = buf_string(&text); *line; line += strcspn(line, "\n"), line += *line == '\n') {
		struct dns_entry *entry;

		if (sscanf(line, "%15s %255s", address, name) != 2 ||
			!address_is_numeric(address) ||
			dns_name_normalize(name, checked, NULL) < 0 || dns_find(dns, checked))
			continue;
		entry = dns_add(dns, checked);
		if (!entry)
			return -ENOMEM;
		(void)text_copy(entry->address, sizeof(entry->address), address);
		(void)text_copy(dns->probe, sizeof(dns->probe), checked);
	}
	/* The file may be newer than what dnsmasq has read: it has to read again. */
	dns->wanted = 1;
	if (dnsmasq_adopt(&dns->dnsmasq) == 0)
		dns->started_ns = clock_now_ns();
	return 0;
}

static void dns_destroy(struct dns *dns)
{
	dnsmasq_leave(&dns->dnsmasq);
	if (dns->wake_fd >= 0)
		(void)close(dns->wake_fd);
	cond_done(&dns->answered);
	lock_done(&dns->lock);
	free(dns->entries);
	free(dns);
}

int dns_new(struct dns **ret, const struct cloud_local_options *options, struct error *reterr)
{
	struct dns *dns = calloc(1, sizeof(*dns));
	int r;

	if (!dns)
		return error_oom(reterr);
	lock_init(&dns->lock, LOCK_CLOUD);
	cond_init(&dns->answered);
	dns->dnsmasq.process = PROCESS_NONE;
	dns->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = dns->wake_fd < 0 ? error_errno(reterr, errno, "cannot make an event counter")
			     : dnsmasq_init(&dns->dnsmasq, options, reterr);
	if (r == 0 && dns_adopt(dns) < 0)
		r = error_oom(reterr);
	if (r == 0)
		r = thread_start(&dns->thread, "dns", dns_run, dns, reterr);
	if (r < 0)
		dns_destroy(dns);
	else
		*ret = dns;
	return r;
}

/* Waits, with the lock held, until dnsmasq answers from change ticket or an attempt failed. */
static int dns_wait(struct dns *dns, uint64_t ticket, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + CALL_TIMEOUT_NS;
	uint64_t attempts = dns->attempts;
	bool in_time = true;

	if (dns->served >= ticket && dns->pid)
		return 0;
	dns_wake(dns);
	while (in_time && dns->served < ticket &&
		(dns->attempts == attempts || dns->tried < ticket))
		in_time = cond_wait_until(&dns->answered, &dns->lock, deadline_ns);
	if (dns->served >= ticket)
		return 0;
	if (dns->attempts != attempts && dns->error.code)
		return error_set(reterr, dns->error.code, "%s", dns->error.text);
	return error_set(reterr, -ETIMEDOUT, "the name server was not changed in time");
}

int dns_ensure(struct dns *dns, const char *name, const char *address, struct error *reterr)
{
	char checked[DNS_NAME_MAX];
	struct in_addr ignored;
	int r = dns_name_normalize(name, checked, reterr);

	if (r < 0)
		return r;
	if (inet_pton(AF_INET, address, &ignored) != 1)
		return error_set(reterr, -EINVAL, "\"%s\" is not an IPv4 address", address);
	LOCKED(&dns->lock);
	struct dns_entry *entry = dns_find(dns, checked);

	if (!entry)
		entry = dns_add(dns, checked);
	if (!entry)
		return error_oom(reterr);
	entry->ensured = true;
	if (strcmp(entry->address, address) != 0) {
		(void)text_copy(entry->address, sizeof(entry->address), address);
		dns_changed(dns, checked);
	}
	return dns_wait(dns, dns->wanted, reterr);
}

int dns_remove(struct dns *dns, const char *name, struct error *reterr)
{
	char checked[DNS_NAME_MAX];
	struct dns_entry *entry;
	int r = dns_name_normalize(name, checked, reterr);

	if (r < 0)
		return r;
	LOCKED(&dns->lock);
	entry = dns_find(dns, checked);
	if (entry) {
		dns_delete(dns, entry);
		dns_changed(dns, checked);
	}
	/* Who does not run does not answer: gone is gone. */
	r = dns_wait(dns, dns->wanted, reterr);
	return dns->pid == 0 ? 0 : r;
}

int dns_settle(struct dns *dns, struct error *reterr)
{
	LOCKED(&dns->lock);
	size_t i;
	int r;

	for (i = dns->count; i-- > 0;) {
		if (dns->entries[i].ensured)
			continue;
		dns_changed(dns, dns->entries[i].name);
		dns_delete(dns, &dns->entries[i]);
	}
	r = dns_wait(dns, dns->wanted, reterr);
	return dns->pid == 0 ? 0 : r;
}

void dns_health(struct dns *dns, bool *ret_up, char *text, size_t size)
{
	LOCKED(&dns->lock);

	*ret_up = dns->pid != 0 && dns->error.code == 0;
	if (dns->error.code)
		(void)text_copy(text, size, dns->error.text);
	else if (dns->pid)
		(void)snprintf(text, size, "dnsmasq, process %d, answers on %s:%d, %zu name%s",
			(int)dns->pid, dns->dnsmasq.address, dns->dnsmasq.port, dns->count,
			dns->count == 1 ? "" : "s");
	else
		(void)text_copy(text, size, "dnsmasq is being started");
}

void dns_health_watch(struct dns *dns, cloud_health_fn fn, void *arg)
{
	LOCKED(&dns->lock);

	dns->changed = fn;
	dns->changed_arg = arg;
}

void dns_free(struct dns *dns, bool keep)
{
	if (!dns)
		return;
	lock_acquire(&dns->lock);
	dns->stopping = true;
	lock_release(&dns->lock);
	dns_wake(dns);
	thread_join(dns->thread);
	if (!keep)
		dnsmasq_stop(&dns->dnsmasq);
	dns_destroy(dns);
}
