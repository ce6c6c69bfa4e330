/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "fs/process/mount.h"

#define RUNTIME_ROOT     "/run/duplofs"
#define RUNTIME_TYPE     "tmpfs"
#define RUNTIME_MARK     "mark"
#define RUNTIME_END_MS   30000
#define RUNTIME_RETRY_MS 5

void runtime_path(char *path, const char *state)
{
	char id[17];

	(void)snprintf(id, sizeof(id), "%016llx",
		(unsigned long long)text_hash(state, strlen(state)));
	(void)snprintf(path, PATH_MAX, "%s/%.12s", RUNTIME_ROOT, id);
}

/* ---- one platform at a time ---- */

static void claim_path(char *claim, const char *path)
{
	(void)snprintf(claim, PATH_MAX, "%.*s.lock", PATH_MAX - 8, path);
}

/* 0, -EAGAIN while another has it; *ret_pid: who that is. */
static int claim_try(const char *claim, int *ret_fd, pid_t *ret_pid, struct error *reterr)
{
	struct flock record = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
	_cleanup_close_ int fd = -1;
	struct stat mine, there;
	int r = file_mkdirs(RUNTIME_ROOT, 0755, reterr);

	if (r < 0)
		return r;
	fd = open(claim, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* ENOENT: who ended just now took the directory away. */
	if (fd < 0 && errno != ENOENT)
		return error_errno(reterr, errno, "cannot open %s", claim);
	if (fd < 0)
		return -EAGAIN;
	if (fcntl(fd, F_SETLK, &record) < 0) {
		if (fcntl(fd, F_GETLK, &record) == 0 && record.l_type != F_UNLCK)
			*ret_pid = record.l_pid;
		return -EAGAIN;
	}
	if (fstat(fd, &mine) < 0 || stat(claim, &there) < 0 || mine.st_ino != there.st_ino)
		return -EAGAIN;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int runtime_claim(const char *path, int *ret_fd, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + RUNTIME_END_MS * NS_PER_MILLISECOND;
	char claim[PATH_MAX];
	pid_t pid = 0;
	int r;

	claim_path(claim, path);
	while ((r = claim_try(claim, ret_fd, &pid, reterr)) == -EAGAIN) {
		if (clock_now_ns() >= deadline_ns)
			return error_set(reterr, -EBUSY,
				"a platform whose state directory was taken away still runs "
				"(process %d): umount it first",
				(int)pid);
		(void)poll(NULL, 0, RUNTIME_RETRY_MS);
	}
	return r;
}

void runtime_unclaim(const char *path)
{
	char claim[PATH_MAX];

	claim_path(claim, path);
	(void)unlink(claim);
	(void)rmdir(RUNTIME_ROOT);
}

/* ---- the directory ---- */

static bool runtime_has_mark(const char *path, const char *mark)
{
	_cleanup_buf_ struct buf found = BUF_INIT;
	char file[PATH_MAX];

	(void)snprintf(file, sizeof(file), "%.*s/" RUNTIME_MARK, PATH_MAX - 8, path);
	return file_read(file, 64, &found, NULL) == 0 && strcmp(buf_string(&found), mark) == 0;
}

static int runtime_set_mark(const char *path, const char *mark, struct error *reterr)
{
	char file[PATH_MAX];

	(void)snprintf(file, sizeof(file), "%.*s/" RUNTIME_MARK, PATH_MAX - 8, path);
	return file_write_atomic(file, mark, strlen(mark), 0600, 0, reterr);
}

/* Whoever still looks at it keeps it. */
static int runtime_leave(const char *path, struct error *reterr)
{
	log_info("%s is of another state directory: a new one is made", path);
	while (mount_is(path, RUNTIME_TYPE, NULL, 0))
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return error_errno(reterr, errno, "cannot umount %s", path);
	return 0;
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

int runtime_open(const char *path, const char *mark, struct error *reterr)
{
	static const char *const parts[] = {"edits", "scratch", "view", "cloud"};
	char part[PATH_MAX];
	size_t i;
	int r = file_mkdirs(path, 0700, reterr);

	if (r == 0 && mount_is(path, RUNTIME_TYPE, NULL, 0) && !runtime_has_mark(path, mark))
		r = runtime_leave(path, reterr);
	if (r == 0 && !mount_is(path, RUNTIME_TYPE, NULL, 0)) {
		r = runtime_mount(path, reterr);
		if (r == 0)
			r = runtime_set_mark(path, mark, reterr);
	}
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
}
