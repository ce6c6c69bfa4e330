/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "fs/process/mount.h"

#define STATEDIR_LOCK     "lock"
#define STATEDIR_ANSWER   "upgrade"
#define STATEDIR_MARK     "mark"
#define STATEDIR_END_MS   30000
#define STATEDIR_RETRY_MS 5

static int statedir_path(char *path, const char *state, const char *name, struct error *reterr)
{
	if (snprintf(path, PATH_MAX, "%s/%s", state, name) >= PATH_MAX)
		return error_set(reterr, -ENAMETOOLONG, "the state directory's path is too long");
	return 0;
}

int statedir_open(char *state, struct error *reterr)
{
	char resolved[PATH_MAX];
	int r = file_mkdirs(state, 0700, reterr);

	if (r < 0)
		return r;
	if (!realpath(state, resolved))
		return error_errno(reterr, errno, "cannot find state directory %s", state);
	(void)text_copy(state, PATH_MAX, resolved);
	return 0;
}

pid_t statedir_read_pid(const char *state, const char *name)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[PATH_MAX];
	int64_t pid;

	if (statedir_path(path, state, name, NULL) < 0 || file_read(path, 32, &text, NULL) < 0)
		return 0;
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		buf_truncate(&text, text.len - 1);
	return text_parse_int(buf_string(&text), 1, INT_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

/* Somebody has the lock. When its file system is gone already it will soon be gone itself. */
static int statedir_wait(const char *state, int fd, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + STATEDIR_END_MS * NS_PER_MILLISECOND;
	pid_t pid = statedir_read_pid(state, STATEDIR_SUPERVISOR);
	char place[PATH_MAX];
	ssize_t len = pread(fd, place, sizeof(place) - 1, 0);

	place[len > 0 ? len : 0] = '\0';
	if (mount_is(place, "fuse.duplofs", NULL, 0))
		return error_set(reterr, -EBUSY,
			"state directory %s is in use by the platform at %s "
			"(process %d); give another one with -o state=DIR",
			state, place, (int)pid);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (clock_now_ns() >= deadline_ns)
			return error_set(reterr, -EBUSY,
				"state directory %s is still in use by process %d", state,
				(int)pid);
		(void)poll(NULL, 0, STATEDIR_RETRY_MS);
	}
	return 0;
}

int statedir_lock(const char *state, const char *mountpoint, int *ret_fd, struct error *reterr)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;
	size_t len = strlen(mountpoint);
	int r = statedir_path(path, state, STATEDIR_LOCK, reterr);

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(reterr, errno, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = statedir_wait(state, fd, reterr);
		if (r < 0)
			return r;
	}
	/* For the sentence above. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, mountpoint, len, 0) != (ssize_t)len)
		return error_errno(reterr, errno, "cannot write %s", path);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int statedir_mark(const char *state, char *mark, size_t size, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[PATH_MAX];
	uint64_t name[2];
	int r = statedir_path(path, state, STATEDIR_MARK, reterr);

	if (r < 0)
		return r;
	if (file_read(path, size - 1, &text, NULL) == 0 && text.len > 0) {
		(void)text_copy(mark, size, buf_string(&text));
		return 0;
	}
	r = text_random(name, sizeof(name));
	if (r < 0)
		return error_errno(reterr, -r, "cannot get random bytes");
	(void)snprintf(mark, size, "%016llx%016llx", (unsigned long long)name[0],
		(unsigned long long)name[1]);
	return file_write_atomic(path, mark, strlen(mark), 0600, 1, reterr);
}

void statedir_write_pid(const char *state, const char *name, pid_t pid)
{
	char path[PATH_MAX], text[16];
	struct error error = ERROR_INIT;
	int len = snprintf(text, sizeof(text), "%d\n", (int)pid);

	if (statedir_path(path, state, name, &error) < 0 ||
		file_write_atomic(path, text, (size_t)len, 0644, 0, &error) < 0)
		log_warning("%s", error.text);
}

void statedir_remove_pids(const char *state)
{
	static const char *const names[] = {STATEDIR_WORKER, STATEDIR_SUPERVISOR, STATEDIR_HOLDER};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (statedir_path(path, state, names[i], NULL) == 0)
			(void)unlink(path);
}

void statedir_write_answer(const char *state, const char *text)
{
	char path[PATH_MAX];
	struct error error = ERROR_INIT;

	if (statedir_path(path, state, STATEDIR_ANSWER, &error) < 0 ||
		file_write_atomic(path, text, strlen(text), 0600, 0, &error) < 0)
		log_warning("%s", error.text);
}

int statedir_read_answer(const char *state, struct buf *out)
{
	char path[PATH_MAX];
	int r = statedir_path(path, state, STATEDIR_ANSWER, NULL);

	if (r == 0)
		r = access(path, F_OK) < 0 ? -errno : 0;
	return r < 0 ? r : file_read(path, 4096, out, NULL);
}

void statedir_forget_answer(const char *state)
{
	char path[PATH_MAX];

	if (statedir_path(path, state, STATEDIR_ANSWER, NULL) == 0)
		(void)unlink(path);
}
