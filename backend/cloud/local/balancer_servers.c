/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/local/balancer_manager.h"

/* HAProxy reads a line of commands into one buffer of 16 KiB, of which it keeps some back. */
#define LINE_MAX_BYTES    8000
#define GARBAGE_PERIOD_NS (1000 * NS_PER_MILLISECOND)

static const struct target *want_find(const struct balancer_want *want, const char *name)
{
	size_t i;

	for (i = 0; want && i < want->target_count; i++)
		if (strcmp(want->targets[i].name, name) == 0)
			return &want->targets[i];
	return NULL;
}

static void servers_command_target(struct buf *line, struct balancer_entry *entry,
	const struct target *target)
{
	const struct server *has = balancer_entry_server(entry, target->name);
	struct server server = {.port = target->port};

	server.state = target->state == TARGET_READY ? SERVER_READY : SERVER_DRAIN;
	(void)text_copy(server.name, sizeof(server.name), target->name);
	(void)text_copy(server.address, sizeof(server.address), target->address);
	if (!has) {
		if (server.state == SERVER_READY)
			haproxy_command_add(line, entry->service, &server);
		return;
	}
	if (strcmp(has->address, server.address) != 0 || has->port != server.port)
		haproxy_command_address(line, entry->service, &server);
	if (has->state == SERVER_GONE && server.state == SERVER_DRAIN)
		return;
	if (has->state != server.state)
		haproxy_command_state(line, entry->service, &server);
}

/* The commands that bring the entry's servers to its targets: what comes before what goes. */
static void servers_command(struct buf *line, struct balancer_entry *entry)
{
	int pass;
	size_t i;

	for (pass = TARGET_READY; pass <= TARGET_DRAIN; pass++)
		for (i = 0; i < entry->want->target_count; i++)
			if ((int)entry->want->targets[i].state == pass)
				servers_command_target(line, entry, &entry->want->targets[i]);
	for (i = 0; i < entry->server_count; i++) {
		struct server server = entry->servers[i];

		if (want_find(entry->want, server.name))
			continue;
		if (server.state != SERVER_GONE) {
			server.state = SERVER_GONE;
			haproxy_command_state(line, entry->service, &server);
		}
		haproxy_command_delete(line, entry->service, &server);
	}
}

static bool servers_has_garbage(const struct balancer_entry *entry)
{
	size_t i;

	for (i = 0; i < entry->server_count; i++)
		if (entry->servers[i].state == SERVER_GONE &&
			!want_find(entry->want, entry->servers[i].name))
			return true;
	return false;
}

static int servers_take(void *arg, int64_t service, const struct server *server)
{
	struct balancers *b = arg;
	size_t low = 0, high = b->work_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->work[middle]->service == service)
			return balancer_entry_add_server(b->work[middle], server);
		if (b->work[middle]->service < service)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/* True when new connections go exactly where they should. */
static bool servers_agree(struct balancer_entry *entry)
{
	size_t i;

	for (i = 0; i < entry->want->target_count; i++) {
		const struct target *target = &entry->want->targets[i];
		const struct server *server = balancer_entry_server(entry, target->name);
		bool ready = server && server->state == SERVER_READY;

		if (ready != (target->state == TARGET_READY))
			return false;
		if (ready && (server->port != target->port ||
				     strcmp(server->address, target->address) != 0))
			return false;
	}
	for (i = 0; i < entry->server_count; i++)
		if (entry->servers[i].state == SERVER_READY &&
			!want_find(entry->want, entry->servers[i].name))
			return false;
	return true;
}

/* Sends any number of commands, as many in one line as HAProxy takes. */
static int servers_send(struct balancers *b, const struct buf *commands, struct buf *answer,
	struct error *reterr)
{
	const char *at = buf_string(commands), *end = at + commands->len;
	int r = commands->error;

	while (r == 0 && at < end) {
		_cleanup_buf_ struct buf line = BUF_INIT;
		size_t len = (size_t)(end - at);

		if (len > LINE_MAX_BYTES)
			for (len = LINE_MAX_BYTES; at[len - 1] != ';'; len--)
				;
		buf_add(&line, at, len - 1); /* without the last ';' */
		at += len;
		r = line.error ? line.error : haproxy_ask(&b->haproxy, line.data, answer, reterr);
	}
	return r;
}

/* Runs the commands and reads back what HAProxy then has; -EBADMSG when that is not as wanted. */
static int servers_exchange(struct balancers *b, struct buf *commands, const bool *changed)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;
	struct error error = ERROR_INIT;
	size_t i;
	int r;

	for (i = 0; i < b->work_count; i++)
		if (changed[i])
			buf_printf(commands, "show servers state b%" PRId64 ";",
				b->work[i]->service);
	r = servers_send(b, commands, &answer, &error);
	if (r < 0) {
		log_debug("load balancers: %s", error.text);
		return r;
	}
	for (i = 0; i < b->work_count; i++)
		if (changed[i])
			b->work[i]->server_count = 0;
	r = haproxy_servers_parse(buf_string(&answer), servers_take, b);
	for (i = 0; r == 0 && i < b->work_count; i++)
		if (changed[i] && !servers_agree(b->work[i]))
			r = -EBADMSG;
	if (r < 0)
		log_debug("load balancers: HAProxy answered: %.600s", buf_string(&answer));
	return r;
}

static bool servers_due(const struct balancer_entry *entry, bool collect_garbage)
{
	if (!entry->want || !entry->listener || entry->proposed || entry->unwanted)
		return false;
	return entry->touched || (collect_garbage && servers_has_garbage(entry));
}

void balancer_servers_apply(struct balancers *b, bool collect_garbage)
{
	_cleanup_free_ bool *changed = NULL;
	_cleanup_buf_ struct buf commands = BUF_INIT;
	size_t i;

	if (collect_garbage)
		b->garbage_due_ns = CLOCK_FOREVER;
	if (b->haproxy.process.pid == 0 || b->work_count == 0)
		return;
	changed = calloc(b->work_count, sizeof(*changed));
	for (i = 0; changed && i < b->work_count; i++) {
		size_t before = commands.len;

		if (servers_due(b->work[i], collect_garbage))
			servers_command(&commands, b->work[i]);
		changed[i] = commands.len > before;
	}
	if (commands.len > 0)
		b->unsaved = true;
	/* Whatever goes wrong: a reload brings HAProxy to the truth. */
	if (!changed || (commands.len > 0 && servers_exchange(b, &commands, changed) < 0))
		b->stale = true;
	for (i = 0; i < b->work_count && b->garbage_due_ns == CLOCK_FOREVER; i++)
		if (servers_has_garbage(b->work[i]))
			b->garbage_due_ns = clock_now_ns() + GARBAGE_PERIOD_NS;
}

int balancer_servers_read(struct balancers *b, struct error *reterr)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;
	size_t i;
	int r = haproxy_ask(&b->haproxy, "show servers state", &answer, reterr);

	if (r < 0)
		return r;
	for (i = 0; i < b->work_count; i++)
		b->work[i]->server_count = 0;
	return haproxy_servers_parse(buf_string(&answer), servers_take, b);
}
