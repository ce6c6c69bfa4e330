/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/replace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/edit/record.h"
#include "fs/edit/scratch.h"

struct value {
	char name[OBJECT_NAME_MAX + 1];
	struct buf data;
};

/* The staged directory, read. */
struct values {
	struct fs *fs;
	const struct ref *to;
	struct value *values; /* by name, once read */
	size_t count, room, bytes;
	struct error *error;
};

static void values_done(struct values *staged)
{
	for (size_t i = 0; i < staged->count; i++) {
		buf_wipe(&staged->values[i].data);
		buf_done(&staged->values[i].data);
	}
	free(staged->values);
}
#define _cleanup_values_ __attribute__((cleanup(values_done)))

bool replace_is_values(const struct row *row)
{
	const struct row *child = row_is_dir(row) ? row_variable(row) : NULL;

	return child && child->flags & ROW_VALUE;
}

/* ---- reading what was staged ---- */

static struct value *values_add(struct values *staged, const char *name)
{
	struct value *value;

	if (staged->count == staged->room) {
		size_t room = staged->room ? 2 * staged->room : 16;
		struct value *grown = reallocarray(staged->values, room, sizeof(*grown));

		if (!grown)
			return NULL;
		staged->values = grown;
		staged->room = room;
	}
	value = &staged->values[staged->count++];
	*value = (struct value){.data = BUF_INIT};
	(void)memcpy(value->name, name, strlen(name) + 1); /* its length was checked */
	return value;
}

static int values_check(struct values *staged, const char *name, const struct stat *st)
{
	int r = kind_check_name(staged->to->row->child_kind, name, staged->error);

	if (r < 0)
		return error_prefix(staged->error, "\"%.80s\"", name);
	if (S_ISDIR(st->st_mode))
		return error_set(staged->error, -EISDIR,
			"\"%s\" is a directory: there are only values here", name);
	if (st->st_size > VALUE_SIZE_MAX)
		return error_set(staged->error, -EFBIG, "%s: a value has at most %d bytes", name,
			VALUE_SIZE_MAX);
	staged->bytes += (size_t)st->st_size;
	if (staged->bytes > REPLACE_BYTES_MAX)
		return error_set(staged->error, -EFBIG, "at most %d bytes can be changed at once",
			REPLACE_BYTES_MAX);
	return 0;
}

static int values_take(void *arg, const char *name, const struct stat *st)
{
	struct values *staged = arg;
	struct value *value;
	int r;

	if (scratch_is_temporary(name))
		return 0;
	r = values_check(staged, name, st);
	if (r < 0)
		return r;
	value = values_add(staged, name);
	if (!value)
		return error_oom(staged->error);
	if (st->st_size == 0)
		return 0;
	r = scratch_read(staged->fs->scratch, st->st_ino, 0, (size_t)st->st_size, &value->data);
	return r < 0 ? r : value->data.error;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct value *)a)->name, ((const struct value *)b)->name);
}

static int values_read(struct values *staged, uint64_t node)
{
	int r = scratch_list(staged->fs->scratch, node, 0, values_take, staged);

	if (r == 0 && staged->count > 1)
		qsort(staged->values, staged->count, sizeof(*staged->values), compare);
	return r;
}

/* ---- writing it ---- */

struct leaving {
	struct txn *txn;
	const struct values *staged;
	struct error *error;
};

static int leave(void *arg, const struct object *object)
{
	const struct leaving *leaving = arg;
	const struct values *staged = leaving->staged;
	struct value wanted;

	(void)memcpy(wanted.name, object->name, sizeof(wanted.name));
	if (staged->count > 0 &&
		bsearch(&wanted, staged->values, staged->count, sizeof(wanted), compare))
		return 0;
	return txn_delete(leaving->txn, object->id, leaving->error);
}

static int put(struct txn *txn, const struct ref *to, const struct value *value,
	struct error *reterr)
{
	struct object object = OBJECT_INIT;
	int r = txn_find(txn, to->object.id, to->row->child_kind, value->name, &object);
	int64_t id = object.id;

	object_done(&object);
	if (r == -ENOENT)
		r = txn_create(txn, to->object.id, to->row->child_kind, value->name, &id, reterr);
	if (r < 0)
		return r;
	return txn_set_value(txn, id, buf_string(&value->data), value->data.len, reterr);
}

static int replace(struct txn *txn, void *arg, struct error *reterr)
{
	const struct values *staged = arg;
	const struct ref *to = staged->to;
	struct leaving leaving = {txn, staged, reterr};
	int r = txn_list(txn, to->object.id, to->row->child_kind, false, leave, &leaving);

	for (size_t i = 0; r == 0 && i < staged->count; i++)
		r = put(txn, to, &staged->values[i], reterr);
	return r < 0 ? r : txn_set_last_error(txn, to->object.id, NULL);
}

int replace_values(struct fs *fs, uint64_t node, const struct ref *to, const struct caller *caller,
	struct error *reterr)
{
	_cleanup_values_ struct values staged = {.fs = fs, .to = to, .error = reterr};
	_cleanup_record_ struct record record = RECORD_INIT;
	int r;

	if (!replace_is_values(to->row))
		return error_set(reterr, -EPERM,
			"no directory can be put in the place of this one");
	r = values_read(&staged, node);
	if (r < 0)
		return r;
	record_fill(&record, fs, caller, to, NULL);
	return store_update(fs->store, STORE_DURABLE, &record.caller, replace, &staged, reterr);
}

struct clearing {
	struct fs *fs;
	uint64_t node;
};

static int clear(void *arg, const char *name, const struct stat *st)
{
	const struct clearing *clearing = arg;

	(void)st;
	(void)scratch_unlink(clearing->fs->scratch, clearing->node, name);
	return 0;
}

void replace_clear(struct fs *fs, uint64_t node)
{
	struct clearing clearing = {fs, node};

	(void)scratch_list(fs->scratch, node, 0, clear, &clearing);
}
