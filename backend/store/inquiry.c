/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inquiry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

/*
 * ID.ask      the inquiry and its text
 * ID.begun    somebody is about to do it
 * ID.answer   the answer, whole
 * INSTANCE.TYPE.last   a link to the name of the last one
 */
#define ASKED    "ask"
#define BEGUN    "begun"
#define ANSWERED "answer"

int64_t inquiry_id(uint64_t bits)
{
	/* https://xoshiro.di.unimi.it/splitmix64.c */
	bits += UINT64_C(0x9e3779b97f4a7c15);
	bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
	bits = (bits ^ bits >> 31) >> 1;
	return bits > 1 ? (int64_t)bits : 2;
}

static void inquiry_path(char *path, const char *dir, int64_t id, const char *part)
{
	(void)snprintf(path, PATH_MAX, "%s/%016" PRIx64 ".%s", dir, (uint64_t)id, part);
}

static void last_path(char *path, const char *dir, int64_t instance, enum inquiry_type type)
{
	(void)snprintf(path, PATH_MAX, "%s/%" PRId64 ".%d.last", dir, instance, (int)type);
}

/* A name "ID.part"; 0: another one. */
static int64_t name_id(const char *name, const char *part)
{
	char *end;
	int64_t id = strtoll(name, &end, 16);

	return end - name == 16 && *end == '.' && strcmp(end + 1, part) == 0 ? id : 0;
}

static bool is_there(const char *dir, int64_t id, const char *part)
{
	char path[PATH_MAX];

	inquiry_path(path, dir, id, part);
	return access(path, F_OK) == 0;
}

int inquiry_open(const char *dir, int64_t id, struct inquiry *ret, struct buf *text)
{
	_cleanup_buf_ struct buf file = BUF_INIT;
	char path[PATH_MAX];

	inquiry_path(path, dir, id, ASKED);
	buf_reserve(&file, sizeof(*ret) + INQUIRY_TEXT_MAX);
	if (file_read(path, sizeof(*ret) + INQUIRY_TEXT_MAX, &file, NULL) < 0)
		return -ENOENT;
	if (file.len < sizeof(*ret))
		return -ENOENT;
	memcpy(ret, file.data, sizeof(*ret));
	if (text)
		buf_add(text, file.data + sizeof(*ret), file.len - sizeof(*ret));
	buf_wipe(&file);
	return text ? text->error : 0;
}

/* ---- how many there are ---- */

struct census {
	int64_t tenant;
	int waiting; /* of the tenant */
	int answered;
	int64_t oldest; /* answered one */
	int64_t oldest_ns;
};

static void count_answer(const char *dir, int64_t id, struct census *census)
{
	int64_t mtime_ns = 0;

	if (inquiry_answered(dir, id, NULL, &mtime_ns) != 1)
		return;
	census->answered++;
	if (census->oldest == 0 || mtime_ns < census->oldest_ns) {
		census->oldest = id;
		census->oldest_ns = mtime_ns;
	}
}

static void take_census(const char *dir, struct census *census)
{
	DIR *listing = opendir(dir);
	const struct dirent *entry;
	struct inquiry inquiry;

	while (listing && (entry = readdir(listing))) {
		int64_t id = name_id(entry->d_name, ASKED);

		if (id == 0)
			continue;
		if (is_there(dir, id, ANSWERED))
			count_answer(dir, id, census);
		else if (inquiry_open(dir, id, &inquiry, NULL) == 0 &&
			 inquiry.tenant == census->tenant)
			census->waiting++;
	}
	if (listing)
		(void)closedir(listing);
}

int inquiry_waiting(const char *dir, int64_t tenant)
{
	struct census census = {.tenant = tenant};

	take_census(dir, &census);
	return census.waiting;
}

static void forget(const char *dir, int64_t id)
{
	static const char *const parts[] = {ANSWERED, BEGUN, ASKED};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		inquiry_path(path, dir, id, parts[i]);
		(void)unlink(path);
	}
}

/* ---- asking ---- */

static int set_last(const char *dir, const struct inquiry *inquiry)
{
	char path[PATH_MAX], temporary[PATH_MAX + 32], name[20];

	last_path(path, dir, inquiry->instance, inquiry->type);
	(void)snprintf(name, sizeof(name), "%016" PRIx64, (uint64_t)inquiry->id);
	(void)snprintf(temporary, sizeof(temporary), "%s.%s", path, name);
	(void)unlink(temporary);
	if (symlink(name, temporary) < 0 || rename(temporary, path) < 0)
		return -errno;
	return 0;
}

int64_t inquiry_last(const char *dir, int64_t instance, enum inquiry_type type)
{
	char path[PATH_MAX], name[20];
	ssize_t len;

	last_path(path, dir, instance, type);
	len = readlink(path, name, sizeof(name) - 1);
	if (len <= 0)
		return 0;
	name[len] = '\0';
	return strtoll(name, NULL, 16);
}

/* Whole or not at all: who answers never sees a half one. */
static int put_inquiry(const char *dir, const struct inquiry *inquiry, const char *text, size_t len)
{
	char path[PATH_MAX];
	struct buf file = BUF_INIT;
	int r;

	inquiry_path(path, dir, inquiry->id, ASKED);
	buf_reserve(&file, sizeof(*inquiry) + len);
	buf_add(&file, inquiry, sizeof(*inquiry));
	buf_add(&file, text, len);
	r = file.error ? file.error : file_write_atomic(path, file.data, file.len, 0600, 0, NULL);
	buf_wipe(&file);
	buf_done(&file);
	return r;
}

int inquiry_ask(const char *dir, const struct inquiry *inquiry, const char *text, size_t len,
	struct error *reterr)
{
	struct census census = {.tenant = inquiry->tenant};
	int r;

	if (is_there(dir, inquiry->id, ASKED))
		return 0;
	if (len > INQUIRY_TEXT_MAX)
		return error_set(reterr, -EFBIG, "a command has at most %d bytes",
			INQUIRY_TEXT_MAX);
	take_census(dir, &census);
	if (census.waiting >= INQUIRY_OPEN_MAX)
		return error_set(reterr, -EBUSY, "%d commands of this tenant are running already",
			census.waiting);
	if (census.answered >= INQUIRY_KEPT_MAX)
		forget(dir, census.oldest);
	r = put_inquiry(dir, inquiry, text, len);
	if (r == 0)
		r = set_last(dir, inquiry);
	return r < 0 ? error_errno(reterr, -r, "the question cannot be put") : 0;
}

int inquiry_answered(const char *dir, int64_t id, int64_t *ret_size, int64_t *ret_mtime_ns)
{
	char path[PATH_MAX];
	struct stat st;

	inquiry_path(path, dir, id, ANSWERED);
	if (stat(path, &st) < 0)
		return is_there(dir, id, ASKED) ? 0 : -ENOENT;
	if (ret_size)
		*ret_size = st.st_size;
	if (ret_mtime_ns)
		*ret_mtime_ns = st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
	return 1;
}

int inquiry_read(const char *dir, int64_t id, size_t offset, size_t len, struct buf *out)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	inquiry_path(path, dir, id, ANSWERED);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : file_read_at(fd, offset, len, out);
}

/* ---- answering ---- */

int inquiry_each_waiting(const char *dir, void (*fn)(void *arg, int64_t id), void *arg)
{
	DIR *listing = opendir(dir);
	const struct dirent *entry;

	if (!listing)
		return -errno;
	while ((entry = readdir(listing))) {
		int64_t id = name_id(entry->d_name, ASKED);

		if (id && !is_there(dir, id, ANSWERED))
			fn(arg, id);
	}
	(void)closedir(listing);
	return 0;
}

bool inquiry_begin(const char *dir, int64_t id)
{
	char path[PATH_MAX];
	int fd;

	inquiry_path(path, dir, id, BEGUN);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

int inquiry_answer(const char *dir, int64_t id, const struct buf *text)
{
	char path[PATH_MAX];

	inquiry_path(path, dir, id, ANSWERED);
	return file_write_atomic(path, text->data ? text->data : "", text->len, 0600, 0, NULL);
}
