/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any names and any node numbers as what the kernel asks for: whatever is found is the same by its
 * name, by its number and in its directory's listing; a size that was told is the size that is
 * read; nothing crashes. The tree itself stands still.
 *
 * An input is a list of commands, a byte each, with their arguments behind it:
 *   0 NAME NUL          the child NAME becomes the current node
 *   1 PATH NUL          the same from the root
 *   2 EIGHT BYTES       that number becomes the current node
 *   3 ROW OBJECT SUB    the number of that row, object and sub key does
 *   4                   list the current directory and compare
 *   5 OFFSET            read the current file, a part of it from there
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "fs/tree/context.h"
#include "kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SPEC  "{\"DockerImage\":\"example/web:1\",\"ExternalLBPort\":80,\"DNS\":\"web.test\"}\n"
#define PLAIN "{\"DockerImage\":\"example/web:1\"}\n"

static struct kernel *kernel;

/* ---- the tree ---- */

struct making {
	const char *name;
	enum kind kind;
	int64_t parent;
	int64_t id; /* set */
};

static int make(struct txn *txn, void *arg, struct error *reterr)
{
	struct making *making = arg;
	int r = txn_create(txn, making->parent, making->kind, making->name, &making->id, reterr);
	bool web = strcmp(making->name, "web") == 0;
	const char *spec = web ? SPEC : PLAIN;

	if (r == 0 && making->kind == KIND_SERVICE)
		r = txn_set_spec(txn, making->id, spec, strlen(spec), true, web ? "web.test" : "",
			reterr);
	if (r == 0 && making->kind == KIND_SERVICE)
		r = txn_event(txn, making->id, "info", "made");
	if (r == 0 && making->kind == KIND_INSTANCE)
		r = txn_set_plan(txn, making->id, "{\"Ordinal\":0,\"Host\":\"local\"}");
	if (r == 0 && making->kind == KIND_INSTANCE)
		r = txn_set_status(txn, making->id, "{\"Phase\":\"healthy\",\"Address\":\"::1\"}");
	if (r == 0 && (making->kind == KIND_SECRET || making->kind == KIND_CONFIG))
		r = txn_set_value(txn, making->id, making->name, strlen(making->name), reterr);
	return r;
}

static int64_t add(int64_t parent, enum kind kind, const char *name)
{
	struct making making = {.name = name, .kind = kind, .parent = parent};
	struct error error = ERROR_INIT;

	if (store_update(kernel_store(kernel), STORE_RELAXED, NULL, make, &making, &error) < 0)
		kernel_die("%s", error.text);
	return making.id;
}

static void add_scratch(uint64_t directory, const char *name)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	MUST(kernel_create(kernel, directory, name, O_WRONLY, &entry, &open) == 0);
	MUST(kernel_write(kernel, entry.nodeid, open.fh, 0, "scratch", 7) == 0);
	MUST(kernel_release(kernel, entry.nodeid, open.fh) == 0);
}

static void finish(void)
{
	kernel_free(kernel);
}

static void plant(void)
{
	struct fuse_entry_out git;
	int64_t tenant, service;

	kernel = kernel_new();
	(void)atexit(finish);
	tenant = add(PLATFORM_ID, KIND_TENANT, "demo");
	service = add(tenant, KIND_SERVICE, "web");
	(void)add(tenant, KIND_SERVICE, "api");
	(void)add(service, KIND_INSTANCE, "0");
	(void)add(service, KIND_INSTANCE, "1");
	(void)add(tenant, KIND_SECRET, "PASSWORD");
	(void)add(tenant, KIND_CONFIG, "LEVEL");
	(void)add(service, KIND_CONFIG, "LEVEL");
	(void)add(PLATFORM_ID, KIND_TENANT, "other");
	add_scratch(node_make(row_get(ROW_SERVICE), service, 0), "spec.json~");
	MUST(kernel_mkdir(kernel, node_make(row_get(ROW_SERVICES), tenant, 0), ".git", &git) == 0);
	add_scratch(git.nodeid, "HEAD");
}

/* ---- what must hold of a node ---- */

/* Found by its number as by its name: the same. */
static void check_entry(const struct fuse_entry_out *entry)
{
	struct fuse_attr attr;
	int r = kernel_getattr(kernel, entry->nodeid, &attr);

	MUST(entry->nodeid != 0 && entry->attr.ino == entry->nodeid);
	MUST_R(r == 0 && attr.ino == entry->nodeid);
	MUST(attr.mode == entry->attr.mode && attr.uid == entry->attr.uid);
	MUST(S_ISDIR(attr.mode) || S_ISREG(attr.mode));
}

static bool is_directory(uint64_t node)
{
	struct fuse_attr attr;

	return kernel_getattr(kernel, node, &attr) == 0 && S_ISDIR(attr.mode);
}

static uint64_t child(uint64_t directory, const char *name)
{
	struct fuse_entry_out entry;
	int r = kernel_lookup(kernel, directory, name, &entry);

	if (r == 0)
		check_entry(&entry);
	else if (r != -ENOENT && r != -ESTALE && r != -ENAMETOOLONG)
		kernel_die("\"%s\" in %#llx: %s", name, (unsigned long long)directory,
			strerror(-r));
	return r == 0 ? entry.nodeid : 0;
}

struct compared {
	uint64_t directory;
	size_t count;
};

static int compare(void *arg, const char *name, uint64_t node, const struct fuse_entry_out *entry)
{
	struct compared *compared = arg;
	bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;

	compared->count++;
	MUST(compared->count < 1000);
	if (entry)
		MUST(dots ? entry->nodeid == 0 : entry->nodeid == node);
	if (dots)
		return 0;
	MUST(node == child(compared->directory, name));
	return 0;
}

static void list(uint64_t node)
{
	struct compared plain = {node, 0}, plus = {node, 0};
	int r;

	if (!is_directory(node))
		return;
	r = kernel_readdir(kernel, node, false, compare, &plain);
	MUST_R(r == 0 && plain.count >= 2);
	r = kernel_readdir(kernel, node, true, compare, &plus);
	MUST_R(r == 0 && plus.count == plain.count);
}

/* What says its size by itself, or waits. */
static bool is_exact(uint64_t node)
{
	const struct row *row = row_get(node_row(node));

	return !row || !(row->flags & (ROW_DIRECT | ROW_WAITS | ROW_VOLATILE));
}

static void read_node(uint64_t node, uint64_t offset)
{
	_cleanup_buf_ struct buf all = BUF_INIT, piece = BUF_INIT;
	struct fuse_open_out open;
	struct fuse_attr attr;
	int r;

	if (kernel_getattr(kernel, node, &attr) < 0 || !S_ISREG(attr.mode))
		return;
	r = kernel_open(kernel, node, O_RDONLY, &open);
	MUST_R(r == 0 || r == -ESTALE);
	if (r < 0)
		return;
	r = kernel_read(kernel, node, open.fh, 0, 65536, &all);
	MUST_R(r == 0 || r == -EAGAIN || r == -EIO || r == -ENOENT || r == -ESTALE);
	if (r == 0 && is_exact(node)) {
		MUST(all.len == attr.size);
		MUST(kernel_read(kernel, node, open.fh, offset, 7, &piece) == 0);
		MUST(piece.len == (offset >= all.len             ? 0
					  : all.len - offset < 7 ? all.len - offset
								 : 7));
		MUST(piece.len == 0 || memcmp(piece.data, all.data + offset, piece.len) == 0);
	}
	MUST(kernel_release(kernel, node, open.fh) == 0);
}

/* ---- the commands ---- */

struct input {
	const uint8_t *at, *end;
};

static uint64_t take_number(struct input *input, int bytes)
{
	uint64_t number = 0;

	for (int i = 0; i < bytes && input->at < input->end; i++)
		number = number << 8 | *input->at++;
	return number;
}

/* Up to the NUL, made a name that the kernel would send. */
static void take_text(struct input *input, char *text, size_t size, bool path)
{
	size_t len = 0;

	for (; input->at < input->end && *input->at; input->at++)
		if (len + 1 < size && (path || *input->at != '/'))
			text[len++] = (char)*input->at;
	text[len] = '\0';
	input->at += input->at < input->end;
}

static bool is_name(const char *name)
{
	return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static uint64_t walk(struct input *input)
{
	char path[1024], *name, *rest = path;
	uint64_t node = FUSE_ROOT_ID;

	take_text(input, path, sizeof(path), true);
	while (node && (name = strsep(&rest, "/")))
		if (is_name(name))
			node = child(node, name);
	return node;
}

static uint64_t step(struct input *input, uint8_t command, uint64_t node)
{
	char name[300];
	const struct row *row;
	int64_t object;

	switch (command % 6) {
	case 0:
		take_text(input, name, sizeof(name), false);
		return is_name(name) ? child(node, name) : node;
	case 1:
		return walk(input);
	case 2:
		return take_number(input, 8);
	case 3:
		row = row_get((uint8_t)take_number(input, 1));
		object = (int64_t)take_number(input, 1);
		if (row)
			node = node_make(row, object, (int64_t)take_number(input, 1));
		return node;
	case 4:
		list(node);
		return node;
	default:
		read_node(node, take_number(input, 2));
		return node;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	uint64_t node = FUSE_ROOT_ID;

	if (!kernel)
		plant();
	for (int i = 0; i < 64 && input.at < input.end; i++) {
		uint8_t command = *input.at++;

		node = step(&input, command, node ? node : FUSE_ROOT_ID);
	}
	return 0;
}
