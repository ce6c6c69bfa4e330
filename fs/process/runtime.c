/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "fs/process/mount.h"

#define RUNTIME_ROOT "/run/duplofs"
#define RUNTIME_TYPE "tmpfs"

void runtime_path(char *path, const char *state)
{
	char id[17];

	(void)snprintf(id, sizeof(id), "%016llx",
		(unsigned long long)text_hash(state, strlen(state)));
	(void)snprintf(path, PATH_MAX, "%s/%.12s", RUNTIME_ROOT, id);
}

static int runtime_mount(const char *path, struct error *reterr)
{
	static const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	/* noswap: Linux 6.4. Secrets are in here. */
	if (mount("duplofs", path, RUNTIME_TYPE, flags, "mode=0700,noswap") == 0 ||
		mount("duplofs", path, RUNTIME_TYPE, flags, "mode=0700") == 0)
		return 0;
	return error_errno(reterr, errno, "cannot mount a tmpfs at %s", path);
}

int runtime_open(const char *path, struct error *reterr)
{
	static const char *const parts[] = {"edits", "scratch", "view", "cloud"};
	char part[PATH_MAX];
	size_t i;
	int r = file_mkdirs(RUNTIME_ROOT, 0755, reterr);

	if (r == 0)
		r = file_mkdirs(path, 0700, reterr);
	if (r == 0 && !mount_is(path, RUNTIME_TYPE, NULL, 0))
		r = runtime_mount(path, reterr);
	for (i = 0; i < ARRAY_SIZE(parts) && r == 0; i++) {
		if (snprintf(part, sizeof(part), "%s/%s", path, parts[i]) >= (int)sizeof(part))
			return error_set(reterr, -ENAMETOOLONG, "path too long: %s", path);
		r = file_mkdirs(part, 0700, reterr);
	}
	return r;
}

/* A bind mount of something below the root: a container's. Copies of the mount itself, in mount
 * namespaces of services, show its root. */
static int runtime_is_shown(void *arg, const struct mount_entry *entry)
{
	return strcmp(entry->device, arg) == 0 && strcmp(entry->root, "/") != 0;
}

static bool runtime_is_used(char *device)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	char path[300];
	bool used = false;

	if (!dir)
		return true;
	while (!used && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/mountinfo", entry->d_name);
		/* A process that has just ended cannot be read: it shows nothing any more. */
		used = mount_each(path, runtime_is_shown, device, NULL) == 1;
	}
	(void)closedir(dir);
	return used;
}

void runtime_close(const char *path)
{
	char device[32];

	if (!mount_is(path, RUNTIME_TYPE, device, sizeof(device)))
		return;
	if (runtime_is_used(device)) {
		log_info("%s stays: containers look at it", path);
		return;
	}
	if (umount2(path, UMOUNT_NOFOLLOW) < 0 && umount2(path, MNT_DETACH) < 0)
		log_warning("cannot umount %s: %s", path, strerror(errno));
	(void)rmdir(path);
	(void)rmdir(RUNTIME_ROOT);
}
