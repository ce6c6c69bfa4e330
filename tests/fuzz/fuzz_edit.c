/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any order of opens, writes, cuts, renames, syncs, closes and deaths of the worker over a spec, a
 * view on it, two values and four scratch files, beside a model that knows what each must hold:
 * scratch files are plain files; a value is what was last accepted, whole; a spec always parses, is
 * what its view says, and does not change by what was refused.
 *
 * An input is a list of commands of four bytes: what, on which file or handle, and two arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "edit_model.h"
#include "fs/tree/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS 64

static uint64_t services; /* directory */

/* ---- handles ---- */

static struct handle *free_handle(void)
{
	for (int i = 0; i < HANDLES; i++)
		if (!state.handles[i].open)
			return &state.handles[i];
	return NULL;
}

static void begin(struct handle *handle, int file, int flags, uint64_t node, uint64_t fh)
{
	*handle =
		(struct handle){.open = true, .file = file, .flags = flags, .node = node, .fh = fh};
	if (is_scratch(file)) {
		handle->inode = state.names[file];
		handle->inode->users++;
	}
}

static void make(struct handle *handle, int file, int flags)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	MUST(kernel_create(kernel, directory_of(file), places[file].name, flags, &entry, &open) ==
		0);
	if (is_scratch(file)) {
		state.names[file] = calloc(1, sizeof(struct inode));
		MUST(state.names[file]);
		state.names[file]->users = 1;
	} else {
		state.there[file] = true;
		bytes_cut(&state.values[file], 0);
	}
	begin(handle, file, flags, entry.nodeid, open.fh);
	handle->loaded = !is_scratch(file);
}

static void do_open(int file, uint8_t how)
{
	static const int modes[] = {
		O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_WRONLY | O_APPEND, O_RDWR | O_TRUNC};
	int flags = modes[how % 5];
	struct handle *handle = free_handle();
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	bool there =
		is_scratch(file) ? state.names[file] != NULL : !is_value(file) || state.there[file];

	if (!handle)
		return;
	if (is_value(file) && !state.known[file]) {
		if (kernel_lookup(kernel, directory_of(file), places[file].name, &entry) < 0)
			return;
		there = true;
	}
	if (!there) {
		make(handle, file, flags);
		return;
	}
	MUST(kernel_lookup(kernel, directory_of(file), places[file].name, &entry) == 0);
	MUST(kernel_open(kernel, entry.nodeid, flags, &open) == 0);
	begin(handle, file, flags, entry.nodeid, open.fh);
	if (flags & O_TRUNC && is_scratch(file))
		bytes_cut(&handle->inode->text, 0);
	else if (flags & O_TRUNC)
		handle->loaded = true;
}

/* The first change of a draft begins with what is in force. */
static void load(struct handle *handle)
{
	if (!handle->loaded)
		bytes_copy(&handle->draft, &state.values[handle->file]);
	handle->loaded = true;
}

static const char *const words[] = {
	"{\"DockerImage\":\"a/b:1\"}\n",
	"{\"DockerImage\":\"a/b:2\",\"Replicas\":\"7\"}\n",
	"{\"Name\":\"Web\",\"DockerImage\":\"a/b:1\",\"Replicas\":0}",
	"{\"DockerImage\":\"a/b:1\",\"Replica\":3}\n",
	"{",
	"}\n",
	"5\n",
	"12",
	"many\n",
	"\n",
	"\"Replicas\":\"3\"",
	" ",
};

static void do_write(struct handle *handle, uint8_t where, uint8_t what)
{
	char data[256];
	uint64_t offset = where < 250 ? where : (uint64_t)(where - 249) * 16000;
	const char *word = words[what % ARRAY_SIZE(words)];
	size_t len = strlen(word);
	int r;

	memcpy(data, word, len);
	if (what >= 128) {
		len = what;
		memset(data, what, len);
	}
	if (handle->flags & O_APPEND && handle->inode)
		offset = handle->inode->text.len;
	if (!is_scratch(handle->file) && !handle->wild)
		load(handle);
	if (handle->flags & O_APPEND && !handle->inode)
		offset = handle->draft.len;
	r = kernel_write(kernel, handle->node, handle->fh, offset, data, (uint32_t)len);
	if (handle->inode) {
		MUST_R(r == 0);
		bytes_put(&handle->inode->text, offset, data, len);
	} else if (r == 0) {
		handle->dirty = true;
		if (!handle->wild)
			bytes_put(&handle->draft, offset, data, len);
	} else {
		MUST_R(r == -EINVAL || r == -EFBIG || r == -EBUSY);
		MUST_R(!is_value(handle->file) || handle->wild || r == -EFBIG);
		handle->wild = true;
	}
	if (handle->file == SPEC || handle->file == REPLICAS)
		settle_spec(-1);
}

static void do_cut(struct handle *handle, uint8_t size)
{
	int r = kernel_truncate(kernel, handle->node, handle->fh, size);

	MUST_R(r == 0);
	if (handle->inode) {
		bytes_cut(&handle->inode->text, size);
		return;
	}
	if (size > 0 && !handle->wild)
		load(handle);
	/* To nothing is the beginning of a write, not a write. */
	if (size > 0 && size != handle->draft.len)
		handle->dirty = true;
	handle->loaded = true;
	bytes_cut(&handle->draft, size);
}

static void do_read(struct handle *handle, uint8_t offset)
{
	_cleanup_buf_ struct buf got = BUF_INIT;
	const struct bytes *wanted = handle->inode ? &handle->inode->text : &handle->draft;

	if ((handle->flags & O_ACCMODE) != O_RDWR)
		return;
	MUST(kernel_read(kernel, handle->node, handle->fh, offset, 100000, &got) == 0);
	if (!handle->inode && (!handle->loaded || handle->wild || !is_value(handle->file)))
		return;
	MUST(got.len == (offset < wanted->len ? wanted->len - offset : 0));
	MUST(got.len == 0 || memcmp(got.data, wanted->data + offset, got.len) == 0);
}

/* What was decided about a draft. */
static void decided(struct handle *handle, int r)
{
	int file = handle->file;

	MUST_R(r == 0 || r == -EINVAL || r == -EFBIG || r == -EBUSY || r == -ESTALE);
	if (handle->inode) {
		MUST_R(r == 0);
	} else if (!is_value(file)) {
		settle_spec(r);
	} else if (handle->wild || r < 0) {
		state.known[file] = state.known[file] && !handle->wild && r != -ESTALE;
	} else if (handle->dirty) {
		bytes_copy(&state.values[file], &handle->draft);
	}
	if (r == 0)
		handle->dirty = false;
}

static void do_flush(struct handle *handle)
{
	decided(handle, kernel_flush(kernel, handle->node, handle->fh));
}

static void do_sync(struct handle *handle)
{
	decided(handle, kernel_fsync(kernel, handle->node, handle->fh));
}

static void do_release(struct handle *handle)
{
	MUST(kernel_release(kernel, handle->node, handle->fh) == 0);
	if (handle->wild && is_value(handle->file))
		state.known[handle->file] = false;
	else if (handle->dirty && is_value(handle->file))
		bytes_copy(&state.values[handle->file], &handle->draft);
	if (handle->file == SPEC || handle->file == REPLICAS)
		settle_spec(0);
	inode_drop(handle->inode);
	bytes_free(&handle->draft);
	*handle = (struct handle){0};
}

/* ---- names ---- */

/* Whoever has the value open writes into nothing from now on. */
static void value_gone(int file)
{
	state.there[file] = false;
	for (int i = 0; i < HANDLES; i++)
		if (state.handles[i].open && state.handles[i].file == file)
			state.handles[i].wild = true;
}

static bool has_handles(int file)
{
	for (int i = 0; i < HANDLES; i++)
		if (state.handles[i].open && state.handles[i].file == file)
			return true;
	return false;
}

static void do_unlink(int file)
{
	int r;

	/* A value that goes while it is open is another value when it comes back: not modelled. */
	if (is_value(file) && (has_handles(file) || (state.twice && !state.there[file])))
		return;
	if (state.twice && is_scratch(file) && !state.names[file])
		return;
	r = kernel_unlink(kernel, directory_of(file), places[file].name);
	if (is_scratch(file)) {
		MUST_R(r == (state.names[file] ? 0 : -ENOENT));
		inode_drop(state.names[file]);
		state.names[file] = NULL;
	} else if (is_value(file)) {
		MUST_R(!state.known[file] || r == (state.there[file] ? 0 : -ENOENT));
		value_gone(file);
		state.known[file] = true;
	} else {
		MUST_R(r == 0);
		settle_spec(-1);
	}
}

/* What is behind a name, to be renamed: NULL: nothing. */
static const struct bytes *source(int file, struct bytes *spec, struct buf *text)
{
	if (is_scratch(file))
		return state.names[file] ? &state.names[file]->text : NULL;
	if (is_value(file))
		return state.there[file] ? &state.values[file] : NULL;
	read_file(file, text);
	*spec = (struct bytes){text->data, text->len};
	return spec;
}

static void moved_away(int from)
{
	if (is_value(from)) {
		value_gone(from);
		return;
	}
	inode_drop(state.names[from]);
	state.names[from] = NULL;
}

/* What is not a scratch file stays where it was, and a copy goes. */
static void moved_to_scratch(int from, int to, const struct bytes *text)
{
	struct inode *inode = state.names[from];

	if (!is_scratch(from)) {
		inode = calloc(1, sizeof(*inode));
		MUST(inode);
		inode->users = 1;
		bytes_copy(&inode->text, text);
	}
	inode_drop(state.names[to]);
	state.names[to] = inode;
	if (is_scratch(from))
		state.names[from] = NULL;
}

static void moved(int from, int to, const struct bytes *text)
{
	if (is_scratch(to)) {
		moved_to_scratch(from, to, text);
		return;
	}
	if (is_value(to)) {
		bytes_copy(&state.values[to], text);
		state.there[to] = true;
	}
	moved_away(from);
}

static void check_renamed(int from, int to, const struct bytes *what, int r)
{
	if (is_scratch(to))
		MUST_R(r == 0);
	else if (from == SPEC || from == REPLICAS)
		MUST_R(r == -EPERM);
	else if (is_value(to))
		MUST_R(r == (what->len > VALUE_SIZE_MAX ? -EFBIG : 0));
	else
		MUST_R(r == 0 || r == -EINVAL || r == -EFBIG);
}

static void do_rename(int from, int to, bool replace)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const struct bytes *what;
	struct bytes spec;
	bool target;
	int r;

	if (from == to || (is_value(from) && (!state.known[from] || has_handles(from))) ||
		(is_value(to) && (!state.known[to] || has_handles(to))))
		return;
	what = source(from, &spec, &text);
	/* Asked for twice, there is no telling whether it was there before. */
	if (!what && state.twice)
		return;
	target = is_scratch(to) ? state.names[to] != NULL : !is_value(to) || state.there[to];
	r = kernel_rename(kernel, directory_of(from), places[from].name, directory_of(to),
		places[to].name, replace ? 0 : 1 /* RENAME_NOREPLACE */);
	if (!what)
		MUST_R(r == -ENOENT);
	else if (!replace && target)
		/* Asked for twice, a copy of the same content is taken for the first one's. */
		MUST_R(r == -EEXIST || (r == 0 && state.twice && !is_scratch(from)));
	else
		check_renamed(from, to, what, r);
	if (r == 0 && (replace || !target))
		moved(from, to, what);
	settle_spec(to == SPEC || to == REPLICAS ? r : -1);
}

/* ---- one input ---- */

static void command(const uint8_t *bytes)
{
	int file = bytes[1] % FILES;
	struct handle *handle = &state.handles[bytes[1] % HANDLES];

	switch (bytes[0] % 12) {
	case 0:
	case 1:
		do_open(file, bytes[2]);
		return;
	case 2:
		do_unlink(file);
		return;
	case 3:
		do_rename(file, bytes[2] % FILES, bytes[3] % 4 != 0);
		return;
	case 4:
		kernel_restart(kernel);
		return;
	default:
		break;
	}
	if (!handle->open)
		return;
	switch (bytes[0] % 12) {
	case 5:
		do_cut(handle, bytes[2]);
		break;
	case 6:
		do_read(handle, bytes[2]);
		break;
	case 7:
		do_flush(handle);
		break;
	case 8:
		do_sync(handle);
		break;
	case 9:
		do_flush(handle);
		do_release(handle);
		break;
	default:
		do_write(handle, bytes[2], bytes[3]);
		break;
	}
}

static void begin_state(bool twice)
{
	struct fuse_entry_out entry;

	state = (struct state){.twice = twice, .known = {[VALUE_A] = true, [VALUE_B] = true}};
	MUST(kernel_mkdir(kernel, services, "web", &entry) == 0);
	state.directories[0] = entry.nodeid;
	state.service = node_object(entry.nodeid);
	MUST(kernel_lookup(kernel, entry.nodeid, "config", &entry) == 0);
	state.directories[1] = entry.nodeid;
	kernel_ask_twice(kernel, twice);
}

static int purge(struct txn *txn, void *arg, struct error *reterr)
{
	return txn_purge(txn, *(const int64_t *)arg, reterr);
}

static int purge_object(void *arg, const struct object *object)
{
	int64_t id = object->id;

	(void)arg;
	return store_update(kernel_store(kernel), STORE_RELAXED, NULL, purge, &id, NULL);
}

/* Nothing of this input is left for the next. */
static void end_state(void)
{
	struct store *store;

	kernel_ask_twice(kernel, false);
	for (int i = 0; i < HANDLES; i++)
		if (state.handles[i].open)
			do_release(&state.handles[i]);
	for (int i = 0; i < FILES; i++)
		check_file(i);
	for (int i = SCRATCH; i < FILES; i++) {
		(void)kernel_unlink(kernel, directory_of(i), places[i].name);
		inode_drop(state.names[i]);
	}
	MUST(kernel_rmdir(kernel, services, "web") == 0);
	store = kernel_store(kernel);
	MUST(store_list_all(store, KIND_CONFIG, state.service, false, purge_object, NULL) == 0);
	MUST(purge_object(NULL, &(struct object){.id = state.service}) == 0);
	for (int i = 0; i < FILES; i++)
		bytes_free(&state.values[i]);
	buf_done(&state.spec);
}

static void finish(void)
{
	kernel_free(kernel);
}

static void start(void)
{
	struct fuse_entry_out entry;

	kernel = kernel_new();
	(void)atexit(finish);
	MUST(kernel_mkdir(kernel, FUSE_ROOT_ID, "fuzz", &entry) == 0);
	MUST(kernel_lookup(kernel, entry.nodeid, "services", &entry) == 0);
	services = entry.nodeid;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 5)
		return 0;
	if (!kernel)
		start();
	begin_state(data[0] & 1);
	for (size_t i = 0; i < COMMANDS && 1 + 4 * (i + 1) <= size; i++) {
		const uint8_t *bytes = data + 1 + 4 * i;

		command(bytes);
		check_file(bytes[1] % FILES);
	}
	end_state();
	return 0;
}
