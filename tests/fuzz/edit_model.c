/* SPDX-License-Identifier: Apache-2.0 */
#include "edit_model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "model/service.h"
#include "model/spec.h"

struct kernel *kernel;
struct state state;

const struct place places[FILES] = {
	{"spec.json", false},
	{"replicas", false},
	{"A", true},
	{"B", true},
	{"a.tmp", false},
	{"b.tmp", false},
	{"draft", false},
	{"c.tmp", true},
};

/* ---- bytes ---- */

void bytes_cut(struct bytes *bytes, size_t len)
{
	bytes->data = realloc(bytes->data, len + 1);
	MUST(bytes->data);
	if (len > bytes->len)
		memset(bytes->data + bytes->len, 0, len - bytes->len);
	bytes->len = len;
}

void bytes_put(struct bytes *bytes, size_t offset, const char *data, size_t len)
{
	if (offset + len > bytes->len)
		bytes_cut(bytes, offset + len);
	memcpy(bytes->data + offset, data, len);
}

void bytes_copy(struct bytes *to, const struct bytes *from)
{
	bytes_cut(to, from->len);
	if (from->len > 0)
		memcpy(to->data, from->data, from->len);
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){NULL, 0};
}

void inode_drop(struct inode *inode)
{
	if (!inode || --inode->users > 0)
		return;
	bytes_free(&inode->text);
	free(inode);
}

/* ---- what must hold ---- */

uint64_t directory_of(int file)
{
	return state.directories[places[file].config];
}

bool is_scratch(int file)
{
	return file >= SCRATCH;
}

bool is_value(int file)
{
	return file == VALUE_A || file == VALUE_B;
}

void read_file(int file, struct buf *out)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_attr attr;

	MUST(kernel_lookup(kernel, directory_of(file), places[file].name, &entry) == 0);
	MUST(kernel_open(kernel, entry.nodeid, O_RDONLY, &open) == 0);
	MUST(kernel_getattr(kernel, entry.nodeid, &attr) == 0);
	MUST(kernel_read(kernel, entry.nodeid, open.fh, 0, 200000, out) == 0);
	MUST(kernel_release(kernel, entry.nodeid, open.fh) == 0);
	MUST(attr.size == out->len);
}

static void check_bytes(int file, const struct bytes *wanted)
{
	_cleanup_buf_ struct buf got = BUF_INIT;

	read_file(file, &got);
	if (got.len != wanted->len)
		kernel_die("%s has %zu bytes instead of %zu", places[file].name, got.len,
			wanted->len);
	MUST(got.len == 0 || memcmp(got.data, wanted->data, got.len) == 0);
}

static void check_spec(void)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT, view = BUF_INIT, replicas = BUF_INIT;

	read_file(SPEC, &text);
	read_file(REPLICAS, &replicas);
	if (text.len > 0) {
		MUST(service_spec_parse(text.data, text.len, "web", &spec, NULL) == 0);
		MUST(spec_view(&service_type, spec, "Replicas", &view) == 0);
		buf_putc(&view, '\n');
		MUST(strcmp(buf_string(&view), buf_string(&replicas)) == 0);
	}
}

void check_file(int file)
{
	struct fuse_entry_out entry;

	if (file == SPEC || file == REPLICAS) {
		check_spec();
	} else if (is_scratch(file) ? state.names[file] != NULL : state.there[file]) {
		if (is_scratch(file))
			check_bytes(file, &state.names[file]->text);
		else if (state.known[file])
			check_bytes(file, &state.values[file]);
	} else if (is_scratch(file) || state.known[file]) {
		MUST(kernel_lookup(kernel, directory_of(file), places[file].name, &entry) ==
			-ENOENT);
	}
}

void settle_spec(int r)
{
	_cleanup_buf_ struct buf now = BUF_INIT;

	read_file(SPEC, &now);
	if (r < 0)
		MUST(strcmp(buf_string(&now), buf_string(&state.spec)) == 0);
	buf_truncate(&state.spec, 0);
	buf_add(&state.spec, buf_string(&now), now.len);
}
