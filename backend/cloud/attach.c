/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/attach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

#define LOOPBACK "127.0.0.1"

/* Where ports of an engine are reached: as was said, else where it answers itself. */
static int find_address(const struct machine *wanted, struct machine_state *ret,
	struct error *reterr)
{
	const char *host = strncmp(wanted->engine, "tcp://", 6) == 0 ? wanted->engine + 6 : NULL;
	struct in_addr address;

	if (strncmp(wanted->engine, "tls://", 6) == 0) /* name@host:port */
		host = strchr(wanted->engine, '@') + 1;
	if (wanted->address)
		(void)text_copy(ret->address, sizeof(ret->address), wanted->address);
	else if (host)
		(void)text_copy(ret->address, sizeof(ret->address), host);
	else
		(void)text_copy(ret->address, sizeof(ret->address), LOOPBACK);
	ret->address[strcspn(ret->address, ":/")] = '\0';
	if (inet_pton(AF_INET, ret->address, &address) == 1)
		return 0;
	return error_set(reterr, -EINVAL,
		"Engine %s has no IPv4 address: say in Address where its ports are reached",
		wanted->engine);
}

int machine_attach(const struct machine *wanted, struct machine_state *ret, struct error *reterr)
{
	struct machine_state state = {
		.there = true, .cpu_milli = wanted->cpu_milli, .memory_mib = wanted->memory_mib};
	int r;

	if (!wanted->engine)
		return error_set(reterr, -EOPNOTSUPP,
			"this cloud makes no machines: ask the administrator to set Engine to "
			"a "
			"container engine that is there");
	r = find_address(wanted, &state, reterr);
	if (r < 0)
		return r;
	(void)text_copy(state.engine, sizeof(state.engine), wanted->engine);
	/* A socket is of this machine; so is what answers at its loopback. */
	state.shares_files = strncmp(wanted->engine, "unix://", 7) == 0 ||
			     strncmp(wanted->engine, "tcp://127.", 10) == 0;
	*ret = state;
	return 0;
}
