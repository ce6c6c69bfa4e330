/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cloud/local/balancer_manager.h"

#define CONNECTIONS_TIMEOUT_NS (3 * NS_PER_SECOND)
#define RELOAD_PAUSE_MS        3

static bool balancers_running(struct balancers *b)
{
	LOCKED(&b->lock);

	return b->running;
}

/* Adds up the sessions of one server over the answers of all workers; -ECONNREFUSED when there are
 * fewer answers than workers. */
static int count_sessions(const char *answer, int workers, const char *backend, const char *target,
	int64_t *ret)
{
	const char *line;
	int64_t total = 0;

	/* Comma separated, as management.txt 9.1 has it: pxname,svname,qcur,qmax,scur,... */
	for (line = answer; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		char proxy[64], server[64];
		long current;

		workers -= strncmp(line, "# pxname", 8) == 0 ||
			   strncmp(line, "No such proxy", 13) == 0;
		if (sscanf(line, "%63[^,],%63[^,],%*[^,],%*[^,],%ld,", proxy, server, &current) ==
				3 &&
			strcmp(proxy, backend) == 0 && strcmp(server, target) == 0)
			total += current;
	}
	if (workers > 0)
		return -ECONNREFUSED;
	*ret = total;
	return 0;
}

int balancers_connections(struct balancers *b, int64_t service, const char *target, int64_t *ret,
	struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + CONNECTIONS_TIMEOUT_NS, total = 0;
	char command[96], backend[32];
	int r;

	(void)snprintf(backend, sizeof(backend), "b%" PRId64, service);
	(void)snprintf(command, sizeof(command), "show stat %s 4 -1", backend);
	for (;;) {
		_cleanup_buf_ struct buf answer = BUF_INIT;

		/* No HAProxy, no connections. */
		if (!balancers_running(b)) {
			r = 0;
			break;
		}
		r = haproxy_ask_all(&b->haproxy, command, &answer, reterr);
		if (r >= 0)
			r = count_sessions(buf_string(&answer), r, backend, target, &total);
		if (r != -ECONNREFUSED || clock_now_ns() > deadline_ns)
			break;
		/* While it reloads, the master does not listen for some milliseconds. */
		(void)poll(NULL, 0, RELOAD_PAUSE_MS);
	}
	if (r == 0)
		*ret = total;
	else
		(void)error_set(reterr, r, "HAProxy does not tell its connections");
	return r;
}
