/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/firewall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"

#define USER_CHAIN "DOCKER-USER" /* Docker leaves what is in it to others, and passes it first */
#define COMMAND_MS 15000
#define LOCK_WAIT  "10" /* seconds: other programs change tables, too */

struct firewall {
	char chain[29]; /* names of chains are no longer */
	char rules[PATH_MAX]; /* file that iptables-restore reads */
};

int firewall_new(struct firewall **ret, const struct cloud_local_options *options,
	struct error *reterr)
{
	struct firewall *firewall = calloc(1, sizeof(*firewall));

	if (!firewall)
		return error_oom(reterr);
	(void)snprintf(firewall->chain, sizeof(firewall->chain), "DUPLO-%.20s",
		options->platform ? options->platform : "local");
	(void)snprintf(firewall->rules, sizeof(firewall->rules), "%s/permits.rules",
		options->runtime_dir);
	*ret = firewall;
	return 0;
}

void firewall_free(struct firewall *firewall)
{
	free(firewall);
}

static bool is_address(const char *text)
{
	struct in_addr address;

	return inet_pton(AF_INET, text, &address) == 1;
}

int firewall_format(const char *chain, const struct permit *permits, size_t count, struct buf *out,
	struct error *reterr)
{
	buf_printf(out, "*filter\n:%s - [0:0]\n", chain);
	for (size_t i = 0; i < count; i++) {
		const struct permit *permit = &permits[i];

		if (!is_address(permit->from) || !is_address(permit->to) || permit->port < 1 ||
			permit->port > 65535)
			return error_set(reterr, -EINVAL, "%.60s or %.60s is no address",
				permit->from, permit->to);
		buf_printf(out, "-A %s -s %s/32 -d %s/32 -p tcp -m tcp --dport %d -j ACCEPT\n",
			chain, permit->from, permit->to, permit->port);
		/* Answers, and nothing that the other side begins. */
		buf_printf(out,
			"-A %s -s %s/32 -d %s/32 -p tcp -m tcp --sport %d -m conntrack"
			" --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT\n",
			chain, permit->to, permit->from, permit->port);
	}
	buf_puts(out, "COMMIT\n");
	return out->error ? error_oom(reterr) : 0;
}

/* Exit status of a program of the package iptables, or a negative errno. */
static int command(const char *program, const char *const *arguments, struct error *reterr)
{
	_cleanup_buf_ struct buf output = BUF_INIT;
	const char *argv[12] = {NULL};
	char path[PATH_MAX];
	size_t n = 1;
	int r = child_find(program, path, sizeof(path));

	if (r < 0)
		return error_set(reterr, -ENOENT,
			"%s is not there: install the package iptables to let tenants reach "
			"each other",
			program);
	argv[0] = path;
	while (*arguments && n + 1 < sizeof(argv) / sizeof(argv[0]))
		argv[n++] = *arguments++;
	r = child_run(argv, COMMAND_MS, &output, reterr);
	if (r > 0)
		(void)error_set(reterr, -EIO, "%s: %.200s", program, buf_string(&output));
	return r;
}

#define RUN(program, reterr, ...)                                                                  \
	command((program), (const char *const[]){"-w", LOCK_WAIT, __VA_ARGS__, NULL}, (reterr))

static int failed(int status)
{
	return status > 0 ? -EIO : status;
}

/* The rule that leads to our chain comes first. */
static int hook(struct firewall *firewall, struct error *reterr)
{
	int r = RUN("iptables", NULL, "-C", USER_CHAIN, "-j", firewall->chain);

	if (r > 0)
		r = RUN("iptables", reterr, "-I", USER_CHAIN, "1", "-j", firewall->chain);
	return failed(r);
}

static int put(struct firewall *firewall, const struct permit *permits, size_t count,
	struct error *reterr)
{
	_cleanup_buf_ struct buf rules = BUF_INIT;
	int r = firewall_format(firewall->chain, permits, count, &rules, reterr);

	if (r == 0)
		r = file_write_atomic(firewall->rules, rules.data, rules.len, 0600, 0, reterr);
	if (r == 0)
		r = failed(RUN("iptables-restore", reterr, "--noflush", firewall->rules));
	return r < 0 ? r : hook(firewall, reterr);
}

static int take_away(struct firewall *firewall, struct error *reterr)
{
	int r = RUN("iptables", NULL, "-S", firewall->chain);

	/* There is no such chain, or no program that could have made it. */
	if (r > 0 || r == -ENOENT)
		return 0;
	while (r == 0)
		r = RUN("iptables", NULL, "-D", USER_CHAIN, "-j", firewall->chain);
	(void)RUN("iptables", NULL, "-F", firewall->chain);
	return failed(RUN("iptables", reterr, "-X", firewall->chain));
}

int firewall_permit(struct firewall *firewall, const struct permit *permits, size_t count,
	struct error *reterr)
{
	return count > 0 ? put(firewall, permits, count, reterr) : take_away(firewall, reterr);
}
