/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/kernel/watchers.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

#define DEVICE_MINOR_BITS 20 /* of the kernel's own device numbers */

bool watchers_parse(const char *line, uint64_t *ret_node, dev_t *ret_device)
{
	unsigned long long node;
	unsigned device;

	if (sscanf(line, "inotify wd:%*x ino:%llx sdev:%x", &node, &device) != 2)
		return false;
	*ret_node = node;
	*ret_device =
		makedev(device >> DEVICE_MINOR_BITS, device & ((1u << DEVICE_MINOR_BITS) - 1));
	return true;
}

static int read_watches(struct nodes *nodes, dev_t device, int process_fd, const char *number)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32], line[512];
	uint64_t node;
	dev_t found;
	int fd, r = 0;

	(void)snprintf(path, sizeof(path), "fdinfo/%.16s", number);
	fd = openat(process_fd, path, O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file && fd >= 0)
		(void)close(fd);
	while (r == 0 && file && fgets(line, sizeof(line), file))
		if (watchers_parse(line, &node, &found) && found == device)
			r = nodes_add(nodes, node);
	return r;
}

/* The open files of one process; it may end meanwhile. */
static int look_at_process(struct nodes *nodes, dev_t device, int process_fd)
{
	int fd = openat(process_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char target[32];
	int r = 0;

	if (!listing && fd >= 0)
		(void)close(fd);
	while (r == 0 && listing && (entry = readdir(listing))) {
		static const char inotify[] = "anon_inode:inotify";
		ssize_t len = entry->d_name[0] == '.' ? 0
						      : readlinkat(dirfd(listing), entry->d_name,
								target, sizeof(target));

		if (len == sizeof(inotify) - 1 && memcmp(target, inotify, (size_t)len) == 0)
			r = read_watches(nodes, device, process_fd, entry->d_name);
	}
	if (listing)
		(void)closedir(listing);
	return r;
}

int watchers_look(struct nodes *nodes, dev_t device)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	if (!processes)
		return -errno;
	nodes->count = 0;
	while (r == 0 && (entry = readdir(processes))) {
		_cleanup_close_ int fd = -1;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		fd = openat(dirfd(processes), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			r = look_at_process(nodes, device, fd);
	}
	(void)closedir(processes);
	nodes_tidy(nodes);
	return r;
}
