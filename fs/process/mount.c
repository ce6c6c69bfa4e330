/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

#define MOUNT_TYPE "fuse.duplofs"

/* Spaces and the like are written as \040 (proc(5)). */
static void mount_unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /root /place rw,noatime shared:1 - ext3 /dev/sda rw"; false: not such a line. */
static bool mount_parse(char *line, struct mount_entry *ret)
{
	char *rest = line, *fields[5], *type;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strsep(&rest, " ");
		if (!fields[i] || !rest)
			return false;
	}
	type = strstr(rest, " - ");
	if (!type)
		return false;
	type += 3;
	type[strcspn(type, " ")] = '\0';
	mount_unescape(fields[3]);
	mount_unescape(fields[4]);
	*ret = (struct mount_entry){fields[2], fields[3], fields[4], type};
	return true;
}

int mount_each(const char *mountinfo, int (*fn)(void *arg, const struct mount_entry *entry),
	void *arg, struct error *reterr)
{
	_cleanup_fclose_ FILE *file = fopen(mountinfo, "re");
	_cleanup_free_ char *line = NULL;
	struct mount_entry entry;
	size_t size = 0;
	int r = 0;

	if (!file)
		return error_errno(reterr, errno, "cannot read %s", mountinfo);
	while (r == 0 && getline(&line, &size, file) > 0)
		if (mount_parse(line, &entry))
			r = fn(arg, &entry);
	return r;
}

struct mount_question {
	const char *place, *type;
	char *device;
	size_t device_size;
	bool yes;
};

static int mount_answer(void *arg, const struct mount_entry *entry)
{
	struct mount_question *question = arg;

	/* Later lines lie over earlier ones. */
	if (strcmp(entry->place, question->place) != 0)
		return 0;
	question->yes = strcmp(entry->type, question->type) == 0;
	if (question->device)
		(void)text_copy(question->device, question->device_size, entry->device);
	return 0;
}

bool mount_is(const char *place, const char *type, char *ret_device, size_t device_size)
{
	struct mount_question question = {place, type, ret_device, device_size, false};

	return mount_each("/proc/self/mountinfo", mount_answer, &question, NULL) == 0 &&
	       question.yes;
}

/* The place as /proc/self/mountinfo would show it, without asking a file system that may be
 * dead. */
static int mount_absolute(char *place, struct error *reterr)
{
	char resolved[PATH_MAX], parent[PATH_MAX], *slash;
	size_t len = strlen(place);

	while (len > 1 && place[len - 1] == '/')
		place[--len] = '\0';
	slash = strrchr(place, '/');
	if (!slash || strcmp(slash + 1, "..") == 0 || strcmp(slash + 1, ".") == 0 ||
		slash[1] == '\0') {
		(void)text_copy(parent, sizeof(parent), slash ? place : ".");
		if (!realpath(parent, resolved))
			return error_errno(reterr, errno, "cannot find %s", parent);
		if (slash)
			return text_copy(place, PATH_MAX, resolved) ? 0 : -ENAMETOOLONG;
	} else {
		*slash = '\0';
		if (!realpath(slash == place ? "/" : place, resolved)) {
			*slash = '/';
			return error_errno(reterr, errno, "cannot find %s", place);
		}
		*slash = '/';
	}
	(void)text_copy(parent, sizeof(parent), slash ? slash + 1 : place);
	if (snprintf(place, PATH_MAX, "%s/%s", strcmp(resolved, "/") == 0 ? "" : resolved,
		    parent) >= PATH_MAX)
		return error_set(reterr, -ENAMETOOLONG, "the mount point's path is too long");
	return 0;
}

static bool mount_is_empty(const char *place)
{
	DIR *dir = opendir(place);
	const struct dirent *entry;
	bool empty = true;

	if (!dir)
		return false;
	while (empty && (entry = readdir(dir)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	(void)closedir(dir);
	return empty;
}

/* A duplofs whose three processes were killed at once leaves a mount that nobody answers. What
 * stat(2) would say the kernel may know without asking. */
static int mount_remove_dead(const char *place, struct error *reterr)
{
	struct statvfs st;

	while (mount_is(place, MOUNT_TYPE, NULL, 0)) {
		if (statvfs(place, &st) == 0 || (errno != ENOTCONN && errno != ECONNABORTED))
			return error_set(reterr, -EBUSY,
				"%s is already a duplofs mount; umount %s first", place, place);
		log_warning("taking away a dead mount at %s", place);
		if (umount2(place, MNT_DETACH) < 0)
			return error_errno(reterr, errno, "cannot take away the dead mount at %s",
				place);
	}
	return 0;
}

int mount_prepare(char *place, struct error *reterr)
{
	char resolved[PATH_MAX];
	struct stat st;
	int r = mount_absolute(place, reterr);

	if (r < 0)
		return r;
	r = mount_remove_dead(place, reterr);
	if (r < 0)
		return r;
	if (!realpath(place, resolved)) {
		if (errno == ENOENT)
			return error_set(reterr, -ENOENT,
				"mount point %s does not exist; mkdir %s first", place, place);
		return error_errno(reterr, errno, "mount point %s", place);
	}
	(void)text_copy(place, PATH_MAX, resolved);
	r = mount_remove_dead(place, reterr);
	if (r < 0)
		return r;
	if (stat(place, &st) < 0)
		return error_errno(reterr, errno, "mount point %s", place);
	if (!S_ISDIR(st.st_mode))
		return error_set(reterr, -ENOTDIR, "mount point %s is not a directory", place);
	if (!mount_is_empty(place))
		return error_set(reterr, -ENOTEMPTY, "mount point %s is not empty", place);
	return 0;
}

int mount_fuse(int *ret_fd, const struct mount_options *options, struct error *reterr)
{
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	unsigned long flags = MS_NOSUID | MS_NODEV;
	char data[128];

	if (fd < 0)
		return error_errno(reterr, errno,
			"cannot open /dev/fuse (is the module fuse loaded?)");
	flags |= options->read_only ? MS_RDONLY : 0;
	flags |= options->no_exec ? MS_NOEXEC : 0;
	(void)snprintf(data, sizeof(data),
		"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fd);
	if (mount(options->source, options->place, MOUNT_TYPE, flags, data) < 0)
		return error_errno(reterr, errno, "cannot mount at %s", options->place);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

bool mount_has_ended(int fuse_fd)
{
	struct pollfd connection = {.fd = fuse_fd};

	return poll(&connection, 1, 0) > 0 && (connection.revents & POLLERR);
}

int mount_remove(const char *place, bool lazy, struct error *reterr)
{
	if (umount2(place, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOENT)
		return 0;
	if (errno == EBUSY)
		return error_set(reterr, -EBUSY, "%s is in use", place);
	return error_errno(reterr, errno, "cannot umount %s", place);
}
