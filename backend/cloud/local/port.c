/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/port.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cloud/local/process.h"

#define TCP_STATE_LISTEN      0x0a
#define UDP_STATE_UNCONNECTED 0x07
#define OWNER_TIMEOUT_MS      300

/* One line of /proc/net/{tcp,udp}{,6}: true when it listens where we want to. */
static bool port_line_matches(const char *line, bool ipv6, uint32_t address, int port, int type,
	unsigned long *ret_inode)
{
	char local[33];
	unsigned int local_port, state;
	unsigned long inode;
	uint32_t theirs;

	if (sscanf(line, " %*d: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*d %*d %lu",
		    local, &local_port, &state, &inode) != 4)
		return false;
	if ((int)local_port != port || inode == 0)
		return false;
	if (state != (type == SOCK_STREAM ? TCP_STATE_LISTEN : UDP_STATE_UNCONNECTED))
		return false;
	if (ipv6 && strspn(local, "0") != 32 && strncmp(local, "0000000000000000FFFF0000", 24) != 0)
		return false;
	/* The kernel prints each 32-bit word of an address as a number of this machine. */
	theirs = (uint32_t)strtoul(local + (ipv6 ? 24 : 0), NULL, 16);
	if (theirs != 0 && theirs != address)
		return false;
	*ret_inode = inode;
	return true;
}

static int port_find_inode(const char *file, bool ipv6, const char *address, int port, int type,
	unsigned long *ret_inode)
{
	_cleanup_fclose_ FILE *lines = fopen(file, "re");
	struct in_addr wanted;
	char line[512];

	if (!lines || inet_pton(AF_INET, address, &wanted) != 1)
		return -ENOENT;
	while (fgets(line, sizeof(line), lines))
		if (port_line_matches(line, ipv6, wanted.s_addr, port, type, ret_inode))
			return 0;
	return -ENOENT;
}

static bool port_process_holds(const char *pid, const char *link)
{
	char path[300], target[64];
	struct dirent *entry;
	bool found = false;
	ssize_t len;
	DIR *fds;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	if (!fds)
		return false;
	while (!found && (entry = readdir(fds)) != NULL) {
		len = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		found = strcmp(target, link) == 0;
	}
	(void)closedir(fds);
	return found;
}

int port_owner(const char *address, int port, int type, pid_t *ret_pid, char ret_name[32])
{
	const char *protocol = type == SOCK_STREAM ? "tcp" : "udp";
	char file[32], link[64];
	struct dirent *entry;
	unsigned long inode;
	int r = -ENOENT;
	DIR *proc;

	(void)snprintf(file, sizeof(file), "/proc/net/%s", protocol);
	if (port_find_inode(file, false, address, port, type, &inode) < 0) {
		(void)snprintf(file, sizeof(file), "/proc/net/%s6", protocol);
		if (port_find_inode(file, true, address, port, type, &inode) < 0)
			return -ENOENT;
	}
	(void)snprintf(link, sizeof(link), "socket:[%lu]", inode);
	proc = opendir("/proc");
	if (!proc)
		return -ENOENT;
	while (r < 0 && (entry = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (!port_process_holds(entry->d_name, link))
			continue;
		*ret_pid = (pid_t)strtol(entry->d_name, NULL, 10);
		process_name(*ret_pid, ret_name, 32);
		r = 0;
	}
	(void)closedir(proc);
	return r;
}

static int port_try(const char *address, int port, int type)
{
	_cleanup_close_ int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int yes = 1;

	if (fd < 0)
		return -errno;
	if (inet_pton(AF_INET, address, &where.sin_addr) != 1)
		return -EINVAL;
	/* Connections in TIME_WAIT do not matter; for UDP the option would hide a conflict. */
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0)
		return -errno;
	if (type == SOCK_STREAM && listen(fd, 1) < 0)
		return -errno;
	return 0;
}

bool port_await_release(const char *address, int port, int timeout_ms)
{
	int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MILLISECOND;

	while (port_try(address, port, SOCK_STREAM) == -EADDRINUSE) {
		if (clock_now_ns() > deadline_ns)
			return false;
		(void)poll(NULL, 0, 1);
	}
	return true;
}

/* What holds the port. A process that is just ending is not found, or without its arguments, but
 * holds its ports a moment longer: that moment is waited for. */
static int port_probe_owner(const char *address, int port, int type, pid_t *ret_pid,
	char ret_name[32])
{
	int64_t deadline_ns = clock_now_ns() + OWNER_TIMEOUT_MS * NS_PER_MILLISECOND;
	int r;

	for (;;) {
		*ret_pid = 0;
		r = port_try(address, port, type);
		if (r != -EADDRINUSE)
			return r;
		if (port_owner(address, port, type, ret_pid, ret_name) == 0 &&
			process_runs_with(*ret_pid, NULL))
			return r;
		if (clock_now_ns() > deadline_ns)
			return r;
		(void)poll(NULL, 0, 5);
	}
}

int port_probe(const char *address, int port, int type, const char *ours, struct error *reterr)
{
	char name[32] = "";
	pid_t pid;
	int r = port_probe_owner(address, port, type, &pid, name);

	if (r == 0)
		return 0;
	if (r != -EADDRINUSE)
		return error_errno(reterr, -r, "cannot listen on port %d of %s", port, address);
	if (pid == 0)
		return error_set(reterr, r, "port %d of %s is taken by another program", port,
			address);
	if (ours && process_runs_with(pid, ours))
		return 0;
	return error_set(reterr, r, "port %d of %s is taken by %s (process %d)", port, address,
		name, (int)pid);
}
