/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a libfuse server can do: one file of constant content, all of it cached by the
 * kernel for ever, no flush at close. What a request costs here, it costs anywhere.
 * usage: minimal MOUNTPOINT     serves MOUNTPOINT/file until it is unmounted
 */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>

#define NODE_FILE 2
#define FOREVER_S 1e9

static char content[400];

static int look(fuse_ino_t node, struct stat *st)
{
	*st = (struct stat){.st_ino = node, .st_nlink = 1};
	st->st_mode = node == NODE_FILE ? S_IFREG | 0644 : S_IFDIR | 0755;
	st->st_size = node == NODE_FILE ? sizeof(content) : 0;
	return node == NODE_FILE || node == FUSE_ROOT_ID ? 0 : ENOENT;
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {
		.ino = NODE_FILE, .attr_timeout = FOREVER_S, .entry_timeout = FOREVER_S};

	(void)parent;
	if (strcmp(name, "file") != 0) {
		(void)fuse_reply_err(req, ENOENT);
		return;
	}
	(void)look(NODE_FILE, &entry.attr);
	(void)fuse_reply_entry(req, &entry);
}

static void on_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	struct stat st;
	int error = look(node, &st);

	(void)file;
	if (error)
		(void)fuse_reply_err(req, error);
	else
		(void)fuse_reply_attr(req, &st, FOREVER_S);
}

static void on_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	(void)node;
	file->keep_cache = 1;
	file->noflush = 1;
	(void)fuse_reply_open(req, file);
}

static void on_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	size_t left = offset < (off_t)sizeof(content) ? sizeof(content) - (size_t)offset : 0;

	(void)node;
	(void)file;
	(void)fuse_reply_buf(req, content + offset, size < left ? size : left);
}

int main(int argc, char **argv)
{
	static const struct fuse_lowlevel_ops operations = {
		.lookup = on_lookup, .getattr = on_getattr, .open = on_open, .read = on_read};
	char *arguments[] = {argv[0], NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
	struct fuse_session *session;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: minimal MOUNTPOINT\n");
		return 1;
	}
	memset(content, 'x', sizeof(content));
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (!session || fuse_session_mount(session, argv[1]) != 0)
		return 1;
	(void)fuse_session_loop(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return 0;
}
