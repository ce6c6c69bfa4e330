/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "store/store_private.h"

#define DATABASE_NAME "duplofs.db"
#define ROOM_BYTES    (16 * 1024) /* what a commit takes besides its data */

static int store_sync_dir(const char *dir, struct error *reterr)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(reterr, errno, "cannot open %s", dir);
	return fsync(fd) < 0 ? error_errno(reterr, errno, "cannot write %s", dir) : 0;
}

/* SQLite would make the file with the umask's mode; its log and index take after the database. */
static int store_make_file(const struct store *store, const char *dir, struct error *reterr)
{
	_cleanup_close_ int fd = -1;
	int r;

	r = file_mkdirs(dir, 0700, reterr);
	if (r < 0)
		return r;
	fd = open(store->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(reterr, errno, "cannot make the database %s", store->path);
	return store_sync_dir(dir, reterr);
}

static int store_check_file(const struct store *store, struct error *reterr)
{
	struct stat st;

	if (lstat(store->path, &st) < 0)
		return error_errno(reterr, errno, "cannot open the database %s", store->path);
	if (!S_ISREG(st.st_mode))
		return error_set(reterr, -EINVAL, "%s is not a regular file", store->path);
	if (st.st_mode & 077)
		return error_set(reterr, -EPERM,
			"others may open the database: chmod 0600 %s and start again", store->path);
	return 0;
}

/* SQLite takes a log beside an empty file for a leftover and removes it: what was acknowledged may
 * be in it alone. */
static int store_check_log(const struct store *store, struct error *reterr)
{
	char log[PATH_MAX + 8];
	struct stat st;

	if (stat(store->path, &st) == 0 && st.st_size > 0)
		return 0;
	(void)snprintf(log, sizeof(log), "%s-wal", store->path);
	if (stat(log, &st) < 0 || st.st_size == 0)
		return 0;
	return error_set(reterr, -EIO,
		"the database %s is missing or empty, but its log is there: restore both from the "
		"same copy, or move %s away to begin anew",
		store->path, log);
}

static int store_set_log(struct connection *writer, struct error *reterr)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		connection_query(writer, "PRAGMA journal_mode = WAL", "");
	const char *mode;
	int r = connection_step(writer, statement);

	if (r < 0)
		return connection_error(writer, reterr);
	mode = r > 0 ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (!mode || strcmp(mode, "wal") != 0)
		return error_set(reterr, -EOPNOTSUPP,
			"the file system cannot hold a write-ahead log (no shared memory maps)");
	return 0;
}

static int store_open_writer(struct store *store, struct connection **ret, struct error *reterr)
{
	struct connection *writer = NULL;
	int r;

	r = connection_open(&writer, store->path, CONNECTION_WRITE, reterr);
	if (r < 0)
		return r;
	r = store_set_log(writer, reterr);
	if (r == 0)
		r = schema_upgrade(writer, reterr);
	if (r < 0) {
		connection_close(writer);
		if (reterr)
			reterr->code = r;
		return error_prefix(reterr, "cannot use the database %s", store->path);
	}
	*ret = writer;
	return 0;
}

/* The log can only be read where its index can be written; without a log the file says it all. */
static enum connection_mode store_read_mode(const struct store *store)
{
	char log[PATH_MAX + 8];
	struct stat st;

	(void)snprintf(log, sizeof(log), "%s-wal", store->path);
	if (access(store->path, W_OK) < 0 && (stat(log, &st) < 0 || st.st_size == 0))
		return CONNECTION_FROZEN;
	return CONNECTION_READ;
}

static int store_identify(struct store *store, const char *dir, struct error *reterr)
{
	struct connection *reader = reader_take(store, reterr);
	int r = 0;

	if (!reader)
		return error_prefix(reterr, "cannot read %s", store->path);
	if (!store->commit.writer)
		r = schema_check(reader, reterr);
	if (r == 0 && schema_get(reader, "platform", store->platform, PLATFORM_NAME_SIZE) < 0)
		r = connection_error(reader, reterr);
	if (r == 0)
		r = keys_open(&store->keys, dir, reader, store->commit.writer, reterr);
	reader_give(store, reader);
	return r;
}

static struct store *store_new(const char *dir, struct error *reterr)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store) {
		(void)error_oom(reterr);
		return NULL;
	}
	if (snprintf(store->path, sizeof(store->path), "%s/" DATABASE_NAME, dir) >=
		(int)sizeof(store->path)) {
		(void)error_set(reterr, -ENAMETOOLONG, "path too long: %s", dir);
		free(store);
		return NULL;
	}
	return store;
}

/* Only what says "cannot be written" lets the store open for reading alone. */
static int store_open_any_writer(struct store *store, const struct store_options *options,
	struct connection **ret, struct error *frozen, struct error *reterr)
{
	int r;

	if (options->read_only) {
		(void)error_set(frozen, -EROFS, "the store was opened for reading only");
		return 0;
	}
	if (access(store->path, W_OK) < 0) {
		(void)error_set(frozen, -EROFS, "cannot write the database %s: %s", store->path,
			errno == EROFS ? "its file system is read-only" : "no permission");
		return 0;
	}
	r = store_open_writer(store, ret, frozen);
	if (r == -EROFS)
		return 0;
	return r < 0 ? error_set(reterr, r, "%s", frozen->text) : 0;
}

/* SQLite counts each byte that it allocates under one lock, for a figure that nobody asks for. */
static void store_tune_library(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int store_open(struct store **ret, const struct store_options *options, struct error *reterr)
{
	struct store *store = store_new(options->dir, reterr);
	static pthread_once_t tuned = PTHREAD_ONCE_INIT;
	struct connection *writer = NULL;
	struct error frozen = ERROR_INIT;
	int r;

	if (!store)
		return reterr ? reterr->code : -ENOMEM;
	(void)pthread_once(&tuned, store_tune_library);
	r = store_check_log(store, reterr);
	if (r == 0 && access(store->path, F_OK) < 0 && !options->read_only)
		r = store_make_file(store, options->dir, reterr);
	if (r == 0)
		r = store_check_file(store, reterr);
	if (r == 0)
		r = store_open_any_writer(store, options, &writer, &frozen, reterr);
	if (r < 0) {
		free(store);
		return r;
	}
	commit_init(&store->commit, writer, writer ? NULL : &frozen);
	feed_init(&store->feed);
	readers_init(&store->readers, store->path,
		writer ? CONNECTION_READ : store_read_mode(store));
	keys_init(&store->keys);
	usage_clock_init(&store->usage_clock);
	r = store_identify(store, options->dir, reterr);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

int store_check_room(const struct store *store, size_t len)
{
	struct statvfs st;

	/* A file system that tells of no blocks has its own ideas of room. */
	if (statvfs(store->path, &st) < 0 || st.f_blocks == 0)
		return 0;
	if (st.f_flag & ST_RDONLY)
		return -EROFS;
	return st.f_bfree < (len + ROOM_BYTES) / st.f_frsize + 1 ? -EROFS : 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	readers_done(&store->readers);
	commit_done(&store->commit);
	feed_done(&store->feed);
	tokens_done(&store->tokens);
	keys_done(&store->keys);
	free(store);
}

int store_probe(const char *dir, struct error *reterr)
{
	struct connection *connection = NULL;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/" DATABASE_NAME, dir) >= (int)sizeof(path))
		return error_set(reterr, -ENAMETOOLONG, "path too long: %s", dir);
	if (access(path, F_OK) < 0)
		return errno == ENOENT ? 0 : error_errno(reterr, errno, "cannot open %s", path);
	r = connection_open(&connection, path, CONNECTION_READ, reterr);
	if (r < 0)
		return r;
	r = schema_probe(connection, reterr);
	connection_close(connection);
	return r;
}

const char *store_platform(const struct store *store)
{
	return store->platform;
}
