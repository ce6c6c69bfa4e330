/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/haproxy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cloud/local/haproxy_config.h"
#include "cloud/local/haproxy_socket.h"

#define READY_TIMEOUT_MS 15000
#define ASK_TIMEOUT_MS   2000
#define CHECK_TIMEOUT_MS 15000
#define STOP_GRACE_MS    3000
#define LOG_MAX_BYTES    (1024 * 1024)
#define ORPHANS_MAX      256

/* The rest of a socket's path is for a name, a revision and the ".PID.bak" that HAProxy appends to
 * it for a moment. */
#define RUNTIME_DIR_MAX 64

int haproxy_init(struct haproxy *haproxy, const char *runtime_dir, const char *tools,
	struct error *reterr)
{
	int r = haproxy_config_check_path(runtime_dir, reterr);

	*haproxy = (struct haproxy){.process = PROCESS_NONE, .output = BUF_INIT};
	if (r < 0)
		return r;
	if (strlen(runtime_dir) > RUNTIME_DIR_MAX)
		return error_set(reterr, -ENAMETOOLONG,
			"the runtime directory %s has more than %d characters: too many for a "
			"socket",
			runtime_dir, RUNTIME_DIR_MAX);
	(void)snprintf(haproxy->socket_base, 108, "%s/haproxy", runtime_dir);
	(void)snprintf(haproxy->master, 108, "%s/haproxy-master.sock", runtime_dir);
	(void)snprintf(haproxy->config, PATH_MAX, "%s/haproxy.cfg", runtime_dir);
	(void)snprintf(haproxy->candidate, PATH_MAX, "%s/haproxy.cfg.check", runtime_dir);
	(void)snprintf(haproxy->pid_file, PATH_MAX, "%s/haproxy.pid", runtime_dir);
	(void)snprintf(haproxy->log, PATH_MAX, "%s/haproxy.log", runtime_dir);
	(void)snprintf(haproxy->tools, PATH_MAX, "%s", tools ? tools : "");
	return 0;
}

void haproxy_socket_name(const struct haproxy *haproxy, const char *revision, char ret[108])
{
	(void)snprintf(ret, 108, "%.80s-%.24s", haproxy->socket_base, revision);
}

void haproxy_done(struct haproxy *haproxy)
{
	haproxy_leave(haproxy);
	buf_done(&haproxy->output);
}

int haproxy_find(const struct haproxy *haproxy, char path[PATH_MAX], struct error *reterr)
{
	if (haproxy->tools[0] == '\0') {
		if (child_find("haproxy", path, PATH_MAX) == 0)
			return 0;
	} else if (snprintf(path, PATH_MAX, "%s/haproxy", haproxy->tools) < PATH_MAX &&
		   access(path, X_OK) == 0) {
		return 0;
	}
	return error_set(reterr, -ENOPKG,
		"there is no haproxy program: load balancers need the Debian package haproxy "
		"(apt-get install haproxy)");
}

/* HAProxy's first complaint, without "[ALERT]    (PID) : "; those that sum up do not count. */
static const char *haproxy_complaint(const struct haproxy *haproxy, char *line, size_t size)
{
	const char *at;

	(void)snprintf(line, size, "it said nothing");
	for (at = buf_string(&haproxy->output); *at; at += strcspn(at, "\n"), at += *at == '\n') {
		const char *colon;

		(void)snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
		colon = strstr(line, " : ");
		if (strncmp(line, "[ALERT]", 7) == 0 && colon && !strstr(line, "rror(s) found") &&
			!strstr(line, "Fatal errors"))
			return colon + 3;
	}
	return line;
}

int haproxy_check(struct haproxy *haproxy, const struct buf *text, struct error *reterr)
{
	char program[PATH_MAX], line[300];
	const char *argv[] = {program, "-c", "-f", haproxy->candidate, NULL};
	int r = haproxy_find(haproxy, program, reterr);

	if (r < 0)
		return r;
	r = file_write_atomic(haproxy->candidate, buf_string(text), text->len, 0600, 0, reterr);
	if (r < 0)
		return r;
	buf_reset(&haproxy->output);
	r = child_run(argv, CHECK_TIMEOUT_MS, &haproxy->output, reterr);
	if (r > 0)
		r = error_set(reterr, -EINVAL, "HAProxy refuses the configuration: %s",
			haproxy_complaint(haproxy, line, sizeof(line)));
	if (r == 0)
		(void)unlink(haproxy->candidate);
	return r;
}

void haproxy_trim_log(const struct haproxy *haproxy)
{
	struct stat st;

	if (stat(haproxy->log, &st) == 0 && st.st_size > LOG_MAX_BYTES)
		(void)!truncate(haproxy->log, 0);
}

static off_t haproxy_log_end(const struct haproxy *haproxy)
{
	struct stat st;

	haproxy_trim_log(haproxy);
	return stat(haproxy->log, &st) < 0 ? 0 : st.st_size;
}

static void haproxy_log_since(struct haproxy *haproxy, off_t since)
{
	_cleanup_close_ int fd = open(haproxy->log, O_RDONLY | O_CLOEXEC);
	char chunk[4096];
	ssize_t got;

	buf_reset(&haproxy->output);
	while (fd >= 0 && haproxy->output.len < 65536 &&
		(got = pread(fd, chunk, sizeof(chunk), since)) > 0) {
		buf_add(&haproxy->output, chunk, (size_t)got);
		since += got;
	}
}

/* Asks the worker which revision it runs; false when it does not answer or runs another one. */
static bool haproxy_runs(struct haproxy *haproxy, const char *revision)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;
	char wanted[96], path[108];
	const char *at;

	haproxy_socket_name(haproxy, revision, path);
	if (haproxy_socket_call(path, "show env DUPLOFS_REVISION;show info", ASK_TIMEOUT_MS,
		    &answer, NULL) < 0)
		return false;
	(void)snprintf(wanted, sizeof(wanted), "DUPLOFS_REVISION=%s\n", revision);
	if (!strstr(buf_string(&answer), wanted))
		return false;
	at = strstr(buf_string(&answer), "\nVersion: ");
	if (at)
		(void)snprintf(haproxy->version, sizeof(haproxy->version), "%.*s",
			(int)strcspn(at + strlen("\nVersion: "), "-\n"),
			at + strlen("\nVersion: "));
	if (strcmp(path, haproxy->socket) != 0 && haproxy->socket[0])
		(void)unlink(haproxy->socket);
	memcpy(haproxy->socket, path, sizeof(path));
	return true;
}

/* How many reloads have failed since the last good one; -1 while the master does not answer. */
static long haproxy_failed_reloads(const struct haproxy *haproxy)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;
	const char *at;

	if (haproxy_socket_call(haproxy->master, "show proc", ASK_TIMEOUT_MS, &answer, NULL) < 0)
		return -1;
	at = strstr(buf_string(&answer), "[failed: ");
	return at ? strtol(at + strlen("[failed: "), NULL, 10) : 0;
}

/* Waits until revision is in service; -EIO with HAProxy's words when it will not come. failed: how
 * many reloads had failed before this one, -1: it is a start. */
static int haproxy_await(struct haproxy *haproxy, const char *revision, off_t log_start,
	long failed, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + READY_TIMEOUT_MS * NS_PER_MILLISECOND;
	char line[300];
	bool late;

	for (;;) {
		if (haproxy_runs(haproxy, revision))
			return 0;
		if (failed >= 0 && haproxy_failed_reloads(haproxy) > failed)
			break;
		late = clock_now_ns() > deadline_ns;
		if (late || process_ended(&haproxy->process, 3))
			break;
	}
	haproxy_log_since(haproxy, log_start);
	return error_set(reterr, -EIO, "HAProxy does not %s: %s", failed >= 0 ? "reload" : "start",
		haproxy_complaint(haproxy, line, sizeof(line)));
}

/* Workers whose master was killed go on by themselves: they finish what they have and end, or end
 * at once (signal_number SIGUSR1 or SIGKILL). Whatever runs our private file is ours. */
static void haproxy_retire_orphans(const struct haproxy *haproxy, int signal_number)
{
	pid_t pids[ORPHANS_MAX];
	size_t count = process_find(haproxy->config, pids, ORPHANS_MAX), i;

	for (i = 0; i < count; i++) {
		struct process orphan = PROCESS_NONE;

		if (pids[i] == haproxy->process.pid ||
			(haproxy->process.pid > 0 &&
				process_parent(pids[i]) == haproxy->process.pid))
			continue;
		if (process_adopt(&orphan, pids[i], haproxy->config) < 0)
			continue;
		(void)process_signal(&orphan, signal_number);
		if (signal_number == SIGKILL)
			(void)process_ended(&orphan, STOP_GRACE_MS);
		process_leave(&orphan);
	}
}

int haproxy_start(struct haproxy *haproxy, const char *revision, struct error *reterr)
{
	char program[PATH_MAX], socket_option[160], pid[16];
	const char *argv[] = {program, "-W", "-S", socket_option, "-f", haproxy->config, NULL};
	off_t log_start = haproxy_log_end(haproxy);
	_cleanup_close_ int log = -1;
	int r = haproxy_find(haproxy, program, reterr);

	if (r < 0)
		return r;
	log = open(haproxy->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return error_errno(reterr, errno, "cannot open %s", haproxy->log);
	(void)snprintf(socket_option, sizeof(socket_option), "%s,level,admin,mode,600",
		haproxy->master);
	r = process_start(&haproxy->process, argv, log, reterr);
	if (r < 0)
		return r;
	(void)snprintf(pid, sizeof(pid), "%d\n", (int)haproxy->process.pid);
	(void)file_write_atomic(haproxy->pid_file, pid, strlen(pid), 0600, 0, NULL);
	r = haproxy_await(haproxy, revision, log_start, -1, reterr);
	if (r < 0)
		process_stop(&haproxy->process, STOP_GRACE_MS);
	else
		haproxy_retire_orphans(haproxy, SIGUSR1);
	return r;
}

int haproxy_reload(struct haproxy *haproxy, const char *revision, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + READY_TIMEOUT_MS * NS_PER_MILLISECOND;
	off_t log_start = haproxy_log_end(haproxy);
	long failed;
	int r;

	/* From the last reload on, the new worker may be up before the master listens again. */
	while ((failed = haproxy_failed_reloads(haproxy)) < 0)
		if (clock_now_ns() > deadline_ns || process_ended(&haproxy->process, 3))
			return error_set(reterr, -EIO, "HAProxy's master does not answer");
	r = haproxy_socket_call(haproxy->master, "reload", ASK_TIMEOUT_MS, NULL, reterr);
	if (r < 0)
		return r;
	return haproxy_await(haproxy, revision, log_start, failed, reterr);
}

/* The master's pid: from its file, or from who listens on its socket. */
static int haproxy_find_master(struct haproxy *haproxy)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	pid_t pid;

	if (file_read(haproxy->pid_file, 32, &text, NULL) == 0) {
		pid = (pid_t)strtol(buf_string(&text), NULL, 10);
		if (process_adopt(&haproxy->process, pid, haproxy->config) == 0)
			return 0;
	}
	pid = haproxy_socket_peer(haproxy->master);
	return pid > 0 ? process_adopt(&haproxy->process, pid, haproxy->config) : -ESRCH;
}

int haproxy_adopt(struct haproxy *haproxy, const char *revision)
{
	if (haproxy_find_master(haproxy) < 0)
		return -ESRCH;
	return haproxy_runs(haproxy, revision) ? 0 : -ESTALE;
}

/* Sockets of workers that were killed stay behind: all of them begin alike. */
static void haproxy_remove_sockets(const struct haproxy *haproxy)
{
	const char *name = strrchr(haproxy->socket_base, '/') + 1;
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	(void)snprintf(path, sizeof(path), "%.*s", (int)(name - haproxy->socket_base),
		haproxy->socket_base);
	directory = opendir(path);
	while (directory && (entry = readdir(directory)) != NULL)
		if (strncmp(entry->d_name, name, strlen(name)) == 0 &&
			entry->d_name[strlen(name)] == '-')
			(void)unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		(void)closedir(directory);
}

void haproxy_stop(struct haproxy *haproxy)
{
	process_stop(&haproxy->process, STOP_GRACE_MS);
	haproxy_retire_orphans(haproxy, SIGKILL);
	haproxy_remove_sockets(haproxy);
	haproxy->socket[0] = '\0';
	(void)unlink(haproxy->pid_file);
	(void)unlink(haproxy->candidate);
}

void haproxy_leave(struct haproxy *haproxy)
{
	process_leave(&haproxy->process);
}

int haproxy_ask(const struct haproxy *haproxy, const char *commands, struct buf *answer,
	struct error *reterr)
{
	return haproxy_socket_call(haproxy->socket, commands, ASK_TIMEOUT_MS, answer, reterr);
}

/* Puts "@!PID " before every command for one worker. */
static void haproxy_address(struct buf *line, long pid, const char *commands)
{
	const char *at = commands;

	while (*at) {
		size_t len = strcspn(at, ";");

		buf_printf(line, "%s@!%ld %.*s", line->len ? ";" : "", pid, (int)len, at);
		at += len + (at[len] == ';');
	}
}

int haproxy_ask_all(const struct haproxy *haproxy, const char *commands, struct buf *answer,
	struct error *reterr)
{
	_cleanup_buf_ struct buf processes = BUF_INIT, line = BUF_INIT;
	const char *at;
	int workers = 0;
	int r = haproxy_socket_call(haproxy->master, "show proc", ASK_TIMEOUT_MS, &processes,
		reterr);

	if (r < 0)
		return r;
	for (at = buf_string(&processes); *at; at += strcspn(at, "\n"), at += *at == '\n') {
		char type[16];
		long pid;

		if (sscanf(at, "%ld %15s", &pid, type) != 2 || strcmp(type, "worker") != 0)
			continue;
		haproxy_address(&line, pid, commands);
		workers++;
	}
	if (line.error)
		return error_oom(reterr);
	if (workers == 0)
		return error_set(reterr, -ECONNREFUSED, "HAProxy's master is just reloading");
	r = haproxy_socket_call(haproxy->master, line.data, ASK_TIMEOUT_MS, answer, reterr);
	return r < 0 ? r : workers;
}
