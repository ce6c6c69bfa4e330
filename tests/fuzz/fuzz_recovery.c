/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store whose files were damaged while it was down: it opens, or says in a sentence why it does
 * not; whatever is done with it then never crashes. What was acknowledged and lies before the first
 * damaged byte of the write-ahead log is there, each commit whole or not at all; a secret is read
 * as it was written or not at all; a damaged master key changes nothing, and with the right one
 * back everything is there.
 *
 * An input is a byte (1: try first to open for reading only) and a list of commands of six bytes:
 * what, where (three bytes), two arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "kernel.h"
#include "store/store.h"
#include "store/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMITS 12
#define SECRET  "correct horse battery staple"

enum { DATABASE, LOG, KEY, FILES };
static const char *const names[FILES] = {"duplofs.db", "duplofs.db-wal", "master.key"};

/* As a crash leaves them. */
static struct buf image[FILES];
static size_t acknowledged[COMMITS + 1]; /* bytes of log after so many commits */
static int64_t service, secret;
static char dir[64];

struct damage {
	bool any[FILES];
	bool rows; /* by SQL */
	size_t log_from; /* first byte of the log that is not as it was */
};

/* ---- the image ---- */

static int base(struct txn *txn, void *arg, struct error *reterr)
{
	int64_t tenant;
	int r = txn_create(txn, PLATFORM_ID, KIND_TENANT, "demo", &tenant, reterr);

	(void)arg;
	if (r == 0)
		r = txn_create(txn, tenant, KIND_SERVICE, "web", &service, reterr);
	if (r == 0)
		r = txn_create(txn, tenant, KIND_SECRET, "PASSWORD", &secret, reterr);
	if (r == 0)
		r = txn_set_value(txn, secret, SECRET, strlen(SECRET), reterr);
	return r;
}

/* Three rows of three tables that belong together. */
static int commit(struct txn *txn, void *arg, struct error *reterr)
{
	int number = *(const int *)arg;
	char spec[64], status[64], name[16];
	int64_t made;
	int r;

	(void)snprintf(spec, sizeof(spec), "{\"DockerImage\":\"a/b:%d\"}\n", number);
	(void)snprintf(status, sizeof(status), "{\"Message\":\"%d\"}", number);
	(void)snprintf(name, sizeof(name), "%d", number);
	r = txn_set_spec(txn, service, spec, strlen(spec), true, "", reterr);
	if (r == 0)
		r = txn_set_status(txn, service, status);
	if (r == 0)
		r = txn_create(txn, service, KIND_INSTANCE, name, &made, reterr);
	if (r == 0)
		r = txn_event(txn, service, "info", "commit %d", number);
	return r;
}

static void file_path(int file, char path[128])
{
	(void)snprintf(path, 128, "%s/%s", dir, names[file]);
}

static void update(struct store *store, store_update_fn fn, void *arg)
{
	struct error error = ERROR_INIT;

	if (store_update(store, STORE_DURABLE, NULL, fn, arg, &error) < 0)
		kernel_die("%s", error.text);
}

static int open_store(struct store **ret, bool read_only, struct error *reterr)
{
	struct store_options options = {.dir = dir, .read_only = read_only};

	return store_open(ret, &options, reterr);
}

static void finish(void)
{
	(void)file_remove_tree(dir, NULL);
	for (int i = 0; i < FILES; i++)
		buf_done(&image[i]);
}

static void take_image(void)
{
	struct error error = ERROR_INIT;
	struct store *store;
	char path[128];
	struct stat st;

	(void)text_copy(dir, sizeof(dir), "/dev/shm/duplofs-fuzz.XXXXXX");
	MUST(mkdtemp(dir));
	(void)atexit(finish);
	MUST(open_store(&store, false, &error) == 0);
	update(store, base, NULL);
	store_close(store);
	MUST(open_store(&store, false, &error) == 0);
	for (int i = 1; i <= COMMITS; i++) {
		update(store, commit, &i);
		file_path(LOG, path);
		MUST(stat(path, &st) == 0);
		acknowledged[i] = (size_t)st.st_size;
	}
	for (int i = 0; i < FILES; i++) {
		file_path(i, path);
		MUST(file_read(path, 16 << 20, &image[i], NULL) == 0);
	}
	store_close(store);
}

static void put_image(int file)
{
	_cleanup_close_ int fd = -1;
	char path[128];

	file_path(file, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && file_write_all(fd, image[file].data, image[file].len) == 0);
}

static void put_images(void)
{
	MUST(file_remove_tree(dir, NULL) == 0 && mkdir(dir, 0700) == 0);
	for (int i = 0; i < FILES; i++)
		put_image(i);
}

/* ---- damage ---- */

static void note(struct damage *damage, int file, size_t from)
{
	damage->any[file] = true;
	if (file == LOG && from < damage->log_from)
		damage->log_from = from;
}

static void put_byte(struct damage *damage, int file, size_t at, uint8_t byte)
{
	_cleanup_close_ int fd = -1;
	char path[128];

	at %= image[file].len;
	if ((uint8_t)image[file].data[at] == byte)
		return;
	file_path(file, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && pwrite(fd, &byte, 1, (off_t)at) == 1)
		note(damage, file, at);
}

static void put_zeros(struct damage *damage, int file, size_t at)
{
	static const char zeros[512];
	_cleanup_close_ int fd = -1;
	char path[128];

	at = at % image[file].len / sizeof(zeros) * sizeof(zeros);
	file_path(file, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && pwrite(fd, zeros, sizeof(zeros), (off_t)at) > 0)
		note(damage, file, at);
}

/* Or longer than it was. */
static void cut(struct damage *damage, int file, size_t at)
{
	char path[128];

	at %= image[file].len + 4096;
	file_path(file, path);
	if (truncate(path, (off_t)at) == 0)
		note(damage, file, at);
}

static void drop(struct damage *damage, int file)
{
	char path[128];

	file_path(file, path);
	if (unlink(path) == 0)
		note(damage, file, 0);
}

/* A column of a row becomes what the schema does not keep from it. */
static void put_value(struct damage *damage, size_t which, uint8_t row, uint8_t what)
{
	static const char *const columns[][2] = {{"object", "kind"}, {"object", "parent"},
		{"object", "tenant"}, {"object", "name"}, {"object", "generation"},
		{"object", "observed"}, {"object", "deleting"}, {"object", "spec_ns"},
		{"object", "value_size"}, {"object", "id"}, {"text", "text"}, {"text", "id"},
		{"owner", "uid"}, {"owner", "mode"}, {"owner", "tenant"}, {"value", "generation"},
		{"value", "key_version"}, {"value", "bytes"}, {"value", "object"},
		{"tenant_key", "version"}, {"tenant_key", "master_version"},
		{"tenant_key", "sealed"}, {"history", "generation"}, {"history", "text"},
		{"event", "severity"}, {"event", "text"}, {"event", "wall_ns"},
		{"setting", "value"}, {"setting", "name"}, {"schema_step", "step"},
		{"token", "token"}};
	static const char *const values[] = {"0", "-1", "3", "9", "268435456", "255",
		"9223372036854775807", "-9223372036854775808", "''", "'x'", "x'00ff00'",
		"zeroblob(100000)", "1.5", "'1 00'", "NULL"};
	const char *table = columns[which % ARRAY_SIZE(columns)][0];
	const char *column = columns[which % ARRAY_SIZE(columns)][1];
	_cleanup_free_ char *sql = NULL;
	char path[128];
	sqlite3 *db = NULL;

	sql = text_format("UPDATE OR REPLACE %s SET %s = %s WHERE %s IN"
			  " (SELECT %s FROM %s LIMIT 1 OFFSET %d)",
		table, column, values[what % ARRAY_SIZE(values)], column, column, table, row % 24);
	file_path(DATABASE, path);
	MUST(sql);
	if (sqlite3_open(path, &db) == SQLITE_OK)
		(void)sqlite3_exec(db, sql, NULL, NULL, NULL);
	(void)sqlite3_close(db);
	damage->rows = true;
}

static void inflict(struct damage *damage, const uint8_t *bytes)
{
	size_t at = (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
	int file = bytes[4] % 8 < 4 ? DATABASE : bytes[4] % 8 < 7 ? LOG : KEY;

	switch (bytes[0] % 8) {
	case 0:
	case 1:
	case 2:
		put_byte(damage, file, at, bytes[5]);
		break;
	case 3:
		put_zeros(damage, file, at);
		break;
	case 4:
		cut(damage, file, at);
		break;
	case 5:
		if (bytes[5] % 8 == 0)
			drop(damage, file);
		break;
	default:
		put_value(damage, at, bytes[4], bytes[5]);
		break;
	}
}

/* ---- using what has opened ---- */

static int take_entry(void *arg, const struct view_entry *entry)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	(void)view_read(arg, service, entry, &text, NULL);
	return 0;
}

static int take_history(void *arg, const struct history_entry *entry)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	(void)store_history(arg, service, entry->generation, NULL, &text);
	return 0;
}

static int take_intent(void *arg, const struct intent *intent)
{
	(void)arg;
	return intent->owner < 0;
}

static int take_object(void *arg, const struct object *object)
{
	_cleanup_object_ struct object again = OBJECT_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;

	MUST(strlen(object->name) <= OBJECT_NAME_MAX);
	(void)kind_name(object->kind);
	(void)store_find(arg, object->parent, object->kind, object->name, &again);
	(void)store_value(arg, object->id, &text, NULL);
	(void)store_events(arg, object->id, &text);
	return 0;
}

static void look_around(struct store *store)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t number;

	for (int kind = KIND_PLATFORM; kind <= KIND_GROUP; kind++)
		(void)store_list_all(store, (enum kind)kind, 0, true, take_object, store);
	(void)store_list(store, service, KIND_INSTANCE, 0, true, take_object, store);
	(void)store_count(store, service, KIND_INSTANCE, &number);
	(void)store_find_dns(store, "x", &number);
	(void)store_events(store, PLATFORM_ID, &text);
	(void)store_history_list(store, service, 0, take_history, store);
	(void)store_intents(store, 0, take_intent, NULL);
	(void)view_self(store, service, &text);
	(void)view_neighbors(store, service, &text);
	for (int part = VIEW_SECRETS; part <= VIEW_NEIGHBORS; part++)
		(void)view_list(store, service, (enum view_part)part, take_entry, store);
}

static int change(struct txn *txn, void *arg, struct error *reterr)
{
	int64_t made = 0, port = 0;
	int r = txn_create(txn, service, KIND_CONFIG, "AFTER", &made, reterr);

	(void)arg;
	if (r == 0)
		r = txn_set_value(txn, made, "after", 5, reterr);
	if (r == 0)
		r = txn_allocate(txn, "port", 1, 9, 0, made, &port);
	if (r == 0)
		r = txn_intent_add(txn, made, "container", "x");
	if (r == 0)
		r = txn_event(txn, made, "info", "after");
	return r;
}

static int remove_all(struct txn *txn, void *arg, struct error *reterr)
{
	int64_t id = *(const int64_t *)arg;
	int r = txn_delete(txn, id, reterr);

	return r < 0 ? r : txn_purge(txn, id, reterr);
}

/* The secret as it was written, or an error; true: it was read. */
static bool check_secret(struct store *store)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct object object = OBJECT_INIT;
	int r = store_peek(store, secret, &object);
	bool is_secret = r == 0 && object.kind == KIND_SECRET && object.generation > 0;

	object_done(&object);
	r = store_value(store, secret, &text, NULL);
	if (r == 0 && is_secret && text.len > 0)
		MUST(strcmp(buf_string(&text), SECRET) == 0);
	return r == 0 && text.len > 0;
}

/* Which commit the rows of the service speak of: all of the same. */
static int commit_seen(struct store *store)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf events = BUF_INIT;
	int64_t instances = 0;
	int spec = 0, status = 0;
	char last[32];

	MUST(store_get(store, service, &object) == 0);
	MUST(store_count(store, service, KIND_INSTANCE, &instances) == 0);
	MUST(store_events(store, service, &events) == 0);
	if (object.spec)
		MUST(sscanf(object.spec, "{\"DockerImage\":\"a/b:%d", &spec) == 1);
	if (object.status)
		MUST(sscanf(object.status, "{\"Message\":\"%d", &status) == 1);
	MUST(spec == status && spec == instances && spec == object.generation);
	(void)snprintf(last, sizeof(last), "commit %d\n", spec);
	MUST(spec == 0 || strstr(buf_string(&events), last));
	return spec;
}

static void check_commits(struct store *store, const struct damage *damage)
{
	int there = 0, seen = commit_seen(store);

	while (there < COMMITS && acknowledged[there + 1] <= damage->log_from)
		there++;
	if (seen < there)
		kernel_die("%d of %d intact commits are there", seen, there);
	MUST(check_secret(store));
}

/* ---- one input ---- */

static bool only(const struct damage *damage, int file)
{
	for (int i = 0; i < FILES; i++)
		if (i != file && damage->any[i])
			return false;
	return !damage->rows;
}

static void use(struct store *store, const struct damage *damage)
{
	struct error error = ERROR_INIT;
	int r;

	if (only(damage, LOG) || only(damage, KEY))
		check_commits(store, damage);
	(void)check_secret(store);
	look_around(store);
	r = store_update(store, STORE_DURABLE, NULL, change, NULL, &error);
	MUST(r <= 0);
	if (r < 0 && only(damage, LOG))
		kernel_die("a damaged log keeps it from being written: %s", error.text);
	(void)store_update(store, STORE_DURABLE, NULL, remove_all, &secret, NULL);
	look_around(store);
	store_close(store);
}

static void try(const struct damage *damage, bool read_only)
{
	struct error error = ERROR_INIT;
	struct store *store = NULL;
	int r = open_store(&store, read_only, &error);

	MUST(r <= 0);
	if (r < 0)
		MUST(error.text[0] && error.code == r);
	if (r < 0 && only(damage, LOG) && !read_only)
		kernel_die("a damaged log keeps it from opening: %s", error.text);
	if (r == 0 && read_only) {
		look_around(store);
		store_close(store);
	} else if (r == 0) {
		use(store, damage);
	} else if (only(damage, KEY)) {
		put_image(KEY);
		MUST(open_store(&store, false, &error) == 0);
		check_commits(store, damage);
		store_close(store);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct damage damage = {.log_from = SIZE_MAX};

	if (image[DATABASE].len == 0)
		take_image();
	put_images();
	for (size_t at = 1; at + 6 <= size && at < 1 + 6 * 16; at += 6)
		inflict(&damage, data + at);
	if (size > 0 && data[0] & 1)
		try(&damage, true);
	try(&damage, false);
	return 0;
}
