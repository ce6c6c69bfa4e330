/* SPDX-License-Identifier: Apache-2.0 */
#include "store/master.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define MASTER_FILE_MAX 4096
#define MASTER_COMMENT                                                                             \
	"# duplofs master key: secrets in the database beside it cannot be read without it.\n"     \
	"# Keep a copy in a safe place, apart from copies of the database.\n"

static int master_print(struct buf *out, const struct master_key *keys, size_t count)
{
	buf_reserve(out, MASTER_FILE_MAX); /* so that no piece is left behind where it grew from */
	buf_puts(out, MASTER_COMMENT);
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "%lld ", (long long)keys[i].version);
		for (size_t j = 0; j < sizeof(keys[i].key); j++)
			buf_printf(out, "%02x", keys[i].key[j]);
		buf_putc(out, '\n');
	}
	return out->error;
}

static int master_write_file(const char *path, const struct buf *text)
{
	_cleanup_close_ int fd = -1;
	int r;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = file_write_all(fd, text->data, text->len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int master_sync_dir(const char *path)
{
	_cleanup_close_ int fd = -1;
	char dir[PATH_MAX];
	char *slash;

	(void)text_copy(dir, sizeof(dir), path);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Under another name first: a file of the true name is always whole. */
static int master_place(const char *path, const struct master_key *keys, size_t count, bool replace)
{
	char temporary[PATH_MAX];
	struct buf text = BUF_INIT;
	int r;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	(void)unlink(temporary);
	r = master_print(&text, keys, count);
	if (r == 0)
		r = master_write_file(temporary, &text);
	if (r == 0 && (replace ? rename(temporary, path) : link(temporary, path)) < 0)
		r = -errno;
	(void)unlink(temporary);
	if (r == 0)
		r = master_sync_dir(path);
	buf_wipe(&text);
	buf_done(&text);
	return r;
}

int master_make(const char *path, struct error *reterr)
{
	struct master_key key = {.version = 1};
	int r = text_random(key.key, sizeof(key.key));

	if (r == 0)
		r = master_place(path, &key, 1, false);
	explicit_bzero(&key, sizeof(key));
	return r < 0 ? error_errno(reterr, -r, "cannot make the master key %s", path) : 0;
}

int master_write(const char *path, const struct master_key *keys, size_t count,
	struct error *reterr)
{
	int r = master_place(path, keys, count, true);

	return r < 0 ? error_errno(reterr, -r, "cannot write the master key %s", path) : 0;
}

static int master_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "version hex"; line ends at a NUL. */
static int master_parse_line(char *line, struct master_key *ret)
{
	char *hex = strchr(line, ' ');

	if (!hex || strlen(hex + 1) != 2 * (size_t)SEAL_KEY_SIZE)
		return -EINVAL;
	*hex++ = '\0';
	if (text_parse_int(line, 1, INT32_MAX, &ret->version) < 0)
		return -EINVAL;
	for (size_t i = 0; i < SEAL_KEY_SIZE; i++) {
		int high = master_hex_digit(hex[2 * i]), low = master_hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret->key[i] = (unsigned char)(high * 16 + low);
	}
	return 0;
}

static void master_insert(struct master_key *keys, size_t count, const struct master_key *key)
{
	size_t i = count;

	for (; i > 0 && keys[i - 1].version < key->version; i--)
		keys[i] = keys[i - 1];
	keys[i] = *key;
}

static int master_parse(char *text, struct master_key *keys, size_t *ret_count)
{
	size_t count = 0;
	char *line, *rest;
	int r = 0;

	for (line = strtok_r(text, "\n", &rest); line && r == 0;
		line = strtok_r(NULL, "\n", &rest)) {
		struct master_key key;

		if (line[0] == '#')
			continue;
		r = count < MASTER_KEYS_MAX ? master_parse_line(line, &key) : -E2BIG;
		if (r == 0)
			master_insert(keys, count++, &key);
		explicit_bzero(&key, sizeof(key));
	}
	if (r == 0 && count == 0)
		r = -EINVAL;
	if (r == 0)
		*ret_count = count;
	return r;
}

static int master_check(int fd, const char *path, struct error *reterr)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(reterr, errno, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(reterr, -EINVAL, "the master key %s is not a regular file", path);
	if (st.st_mode & 077)
		return error_set(reterr, -EPERM,
			"others may read the master key: chmod 0600 %s and start again", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(reterr, -EPERM, "the master key %s belongs to another user", path);
	return 0;
}

int master_read(const char *path, struct master_key *keys, size_t *ret_count, struct error *reterr)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[MASTER_FILE_MAX];
	ssize_t got;
	int r;

	if (fd < 0)
		return error_errno(reterr, errno, "cannot open the master key %s", path);
	r = master_check(fd, path, reterr);
	if (r < 0)
		return r;
	got = read(fd, text, sizeof(text) - 1);
	if (got < 0)
		return error_errno(reterr, errno, "cannot read the master key %s", path);
	text[got] = '\0';
	r = strlen(text) == (size_t)got ? master_parse(text, keys, ret_count) : -EINVAL;
	explicit_bzero(text, sizeof(text));
	if (r < 0)
		return error_set(reterr, -EINVAL,
			"the master key %s is damaged: restore it from your copy", path);
	return 0;
}
