/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/dnsmasq.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cloud/local/dns_query.h"
#include "cloud/local/port.h"

#define START_TIMEOUT_MS 5000
#define ORPHANS_MAX      8
#define STOP_GRACE_MS    2000

/*
 * dnsmasq gives root up before it reads the names, and the runtime directory is root's alone: the
 * names, which are no secret, get a directory that its user can enter.
 */
static void dnsmasq_names_paths(struct dnsmasq *d, const char *runtime_dir)
{
	if (geteuid() == 0)
		(void)snprintf(d->names_dir, sizeof(d->names_dir), "/run/duplofs-names-%016" PRIx64,
			text_hash(runtime_dir, strlen(runtime_dir)));
	else
		(void)snprintf(d->names_dir, sizeof(d->names_dir), "%s/names", runtime_dir);
	(void)snprintf(d->names, sizeof(d->names), "%s/hosts", d->names_dir);
}

int dnsmasq_init(struct dnsmasq *d, const struct cloud_local_options *options, struct error *reterr)
{
	int r = address_listen_parse(options->dns_listen, d->address, &d->port, reterr);

	d->process = PROCESS_NONE;
	if (r == 0)
		r = dns_name_normalize(options->domain, d->domain, reterr);
	if (r < 0)
		return r;
	(void)snprintf(d->config, PATH_MAX, "%s/dnsmasq.conf", options->runtime_dir);
	(void)snprintf(d->pid_file, PATH_MAX, "%s/dnsmasq.pid", options->runtime_dir);
	(void)snprintf(d->log, PATH_MAX, "%s/dnsmasq.log", options->runtime_dir);
	(void)snprintf(d->tools, PATH_MAX, "%s", options->tools ? options->tools : "");
	dnsmasq_names_paths(d, options->runtime_dir);
	return 0;
}

static void dnsmasq_render(const struct dnsmasq *d, struct buf *text)
{
	buf_printf(text,
		"port=%d\n"
		"listen-address=%s\n"
		"bind-interfaces\n"
		"no-resolv\n"
		"no-poll\n"
		"no-hosts\n"
		"cache-size=0\n"
		"local-ttl=0\n"
		"local=/%s/\n"
		"addn-hosts=%s\n"
		"pid-file=%s\n"
		"log-facility=-\n",
		d->port, d->address, d->domain, d->names, d->pid_file);
	if (geteuid() == 0)
		buf_puts(text, "user=nobody\n");
}

static int dnsmasq_find(const struct dnsmasq *d, char path[PATH_MAX], struct error *reterr)
{
	if (d->tools[0] == '\0') {
		if (child_find("dnsmasq", path, PATH_MAX) == 0)
			return 0;
	} else if (snprintf(path, PATH_MAX, "%s/dnsmasq", d->tools) < PATH_MAX &&
		   access(path, X_OK) == 0) {
		return 0;
	}
	return error_set(reterr, -ENOPKG,
		"there is no dnsmasq program: DNS names need the Debian package dnsmasq-base "
		"(apt-get install dnsmasq-base)");
}

static int dnsmasq_say(const struct dnsmasq *d, struct error *reterr)
{
	_cleanup_buf_ struct buf log = BUF_INIT;
	const char *at;

	(void)file_read(d->log, 65536, &log, NULL);
	at = strstr(buf_string(&log), "dnsmasq: ");
	at = at ? at + strlen("dnsmasq: ") : "it said nothing";
	return error_set(reterr, -EIO, "dnsmasq does not start: %.*s", (int)strcspn(at, "\n"), at);
}

/* Started is when it answers anything at all. */
static int dnsmasq_await(struct dnsmasq *d, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + START_TIMEOUT_MS * NS_PER_MILLISECOND;
	char address[ADDRESS_MAX];

	while (clock_now_ns() < deadline_ns) {
		int r = dns_query(d->address, d->port, d->domain, 100, address);

		if (r == 0 || r == -ENOENT)
			return 0;
		if (process_ended(&d->process, 2))
			return dnsmasq_say(d, reterr);
	}
	process_stop(&d->process, STOP_GRACE_MS);
	return dnsmasq_say(d, reterr);
}

int dnsmasq_start(struct dnsmasq *d, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_close_ int log = -1;
	char program[PATH_MAX], option[PATH_MAX + 16];
	const char *argv[] = {program, "--keep-in-foreground", option, NULL};
	int r = dnsmasq_find(d, program, reterr);

	(void)snprintf(option, sizeof(option), "--conf-file=%s", d->config);
	if (r == 0)
		r = port_probe(d->address, d->port, SOCK_DGRAM, NULL, reterr);
	if (r == 0)
		r = port_probe(d->address, d->port, SOCK_STREAM, NULL, reterr);
	if (r < 0)
		return r;
	dnsmasq_render(d, &text);
	if (text.error)
		return error_oom(reterr);
	r = file_write_atomic(d->config, text.data, text.len, 0600, 0, reterr);
	if (r < 0)
		return r;
	log = open(d->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return error_errno(reterr, errno, "cannot open %s", d->log);
	r = process_start(&d->process, argv, log, reterr);
	return r < 0 ? r : dnsmasq_await(d, reterr);
}

/* Ours by its arguments, and nothing tells any more what it answers: its port is needed. */
static void stop_orphans(struct dnsmasq *d, const char *option)
{
	pid_t pids[ORPHANS_MAX];
	size_t count = process_find(option, pids, ORPHANS_MAX);

	for (size_t i = 0; i < count; i++)
		if (process_adopt(&d->process, pids[i], option) == 0)
			process_stop(&d->process, STOP_GRACE_MS);
}

int dnsmasq_adopt(struct dnsmasq *d)
{
	_cleanup_buf_ struct buf pid = BUF_INIT, wanted = BUF_INIT, text = BUF_INIT;
	char option[PATH_MAX + 16];

	(void)snprintf(option, sizeof(option), "--conf-file=%s", d->config);
	if (file_read(d->pid_file, 32, &pid, NULL) < 0 ||
		process_adopt(&d->process, (pid_t)strtol(buf_string(&pid), NULL, 10), option) < 0) {
		stop_orphans(d, option);
		return -ESRCH;
	}
	dnsmasq_render(d, &wanted);
	if (file_read(d->config, 65536, &text, NULL) == 0 && !wanted.error &&
		strcmp(buf_string(&wanted), buf_string(&text)) == 0)
		return 0;
	process_stop(&d->process, STOP_GRACE_MS);
	return -ESRCH;
}

int dnsmasq_write_names(const struct dnsmasq *d, const struct buf *text, struct error *reterr)
{
	struct stat st;

	/* Below /run, where only root makes names: what is there and is not root's is no directory
	 * of ours. */
	if (mkdir(d->names_dir, 0755) < 0 && errno != EEXIST)
		return error_errno(reterr, errno, "cannot make directory %s", d->names_dir);
	if (lstat(d->names_dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return error_set(reterr, -EPERM, "%s is not a directory of ours", d->names_dir);
	return file_write_atomic(d->names, buf_string(text), text->len, 0644, 0, reterr);
}

bool dnsmasq_reload(const struct dnsmasq *d)
{
	return process_signal(&d->process, SIGHUP);
}

void dnsmasq_stop(struct dnsmasq *d)
{
	process_stop(&d->process, STOP_GRACE_MS);
	(void)unlink(d->config);
	(void)unlink(d->pid_file);
	(void)unlink(d->log);
	(void)unlink(d->names);
	(void)rmdir(d->names_dir);
}

void dnsmasq_leave(struct dnsmasq *d)
{
	process_leave(&d->process);
}
