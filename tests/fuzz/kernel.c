/* SPDX-License-Identifier: Apache-2.0 */
#define FUSE_USE_VERSION 314
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/thread.h"
#include "fs/fs.h"
#include "fs/kernel/session.h"

#define REPLY_SIZE   (256 * 1024)
#define SOCKET_BYTES (4 * 1024 * 1024)
#define PATIENCE_MS  60000
#define RESENT       (UINT64_C(1) << 63)
#define CALLER_UID   1000
#define NOBODY       0x3ffffe /* no process has this number */

struct kernel {
	char dir[64];
	char *state, *runtime, *logs;
	int fds[2]; /* ours and the worker's */
	struct session_init request, reply;
	struct store *store;
	struct fs *fs;
	struct session *session;
	pthread_t thread;
	uint64_t unique;
	bool twice;
	size_t got; /* bytes of the last reply */
	char buffer[REPLY_SIZE];
};

void kernel_die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	abort();
}

/* ---- the worker ---- */

static void *serve(void *arg)
{
	struct kernel *kernel = arg;
	struct error error = ERROR_INIT;
	int r = session_run(kernel->session, NULL, NULL, &error);

	if (r != -EINTR)
		kernel_die("the worker has ended: %s", error.text);
	return NULL;
}

static void worker_start(struct kernel *kernel)
{
	struct store_options store = {.dir = kernel->state};
	struct fs_options fs = {
		.runtime_dir = kernel->runtime,
		.logs_dir = kernel->logs,
		.state_dir = kernel->state,
		.inquiry_dir = kernel->runtime,
		.cloud = "simulated",
		.mount = "fuzz",
	};
	struct session_options session = {
		.fuse_fd = kernel->fds[1],
		.request = &kernel->request,
		.reply = &kernel->reply,
		.operations = &fs_operations,
		.operations_size = fs_operations_size,
	};
	struct error error = ERROR_INIT;
	int r = store_open(&kernel->store, &store, &error);

	if (r == 0)
		r = store_tokens_open(kernel->store, "fuzz", &error);
	fs.store = kernel->store;
	if (r == 0)
		r = fs_new(&kernel->fs, &fs, &error);
	session.userdata = kernel->fs;
	if (r == 0)
		r = session_new(&kernel->session, &session, &error);
	if (r == 0)
		r = fs_attach(kernel->fs, session_fuse(kernel->session), &error);
	if (r == 0)
		r = thread_start(&kernel->thread, "worker", serve, kernel, &error);
	if (r < 0)
		kernel_die("%s", error.text);
}

/* Notices, for which there is no cache here. */
static void drain(struct kernel *kernel)
{
	while (recv(kernel->fds[0], kernel->buffer, sizeof(kernel->buffer), MSG_DONTWAIT) > 0)
		;
}

static void worker_stop(struct kernel *kernel)
{
	drain(kernel);
	session_stop(kernel->session);
	thread_join(kernel->thread);
	fs_free(kernel->fs);
	session_free(kernel->session);
	store_close(kernel->store);
}

void kernel_restart(struct kernel *kernel)
{
	worker_stop(kernel);
	worker_start(kernel);
}

/* ---- the beginning and the end ---- */

static void greet(struct kernel *kernel)
{
	struct {
		struct fuse_in_header header;
		struct fuse_init_in body;
	} message = {
		.header = {.len = sizeof(message), .opcode = FUSE_INIT, .unique = 1},
		.body = {.major = 7, .minor = 40, .max_readahead = 131072, .flags = 0x73fffffb},
	};
	struct error error = ERROR_INIT;

	MUST(send(kernel->fds[0], &message, sizeof(message), 0) == sizeof(message));
	if (session_greet(kernel->fds[1], &fs_operations, fs_operations_size, &kernel->request,
		    &kernel->reply, &error) < 0)
		kernel_die("%s", error.text);
	drain(kernel);
}

/* A question and its answer never run side by side: on one processor neither waits for the other to
 * wake up. */
static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	(void)sched_setaffinity(0, sizeof(here), &here);
}

struct kernel *kernel_new(void)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	const int bytes = SOCKET_BYTES;

	MUST(kernel);
	stay_here();
	(void)text_copy(kernel->dir, sizeof(kernel->dir), "/dev/shm/duplofs-fuzz.XXXXXX");
	MUST(mkdtemp(kernel->dir));
	kernel->state = text_format("%s/state", kernel->dir);
	kernel->runtime = text_format("%s/run", kernel->dir);
	kernel->logs = text_format("%s/logs", kernel->dir);
	MUST(kernel->state && kernel->runtime && kernel->logs);
	MUST(file_mkdirs(kernel->runtime, 0700, NULL) == 0);
	MUST(file_mkdirs(kernel->logs, 0700, NULL) == 0);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, kernel->fds) == 0);
	for (int i = 0; i < 2; i++)
		(void)setsockopt(kernel->fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	kernel->unique = 2;
	greet(kernel);
	worker_start(kernel);
	return kernel;
}

void kernel_free(struct kernel *kernel)
{
	if (!kernel)
		return;
	worker_stop(kernel);
	(void)close(kernel->fds[0]);
	(void)close(kernel->fds[1]);
	(void)file_remove_tree(kernel->dir, NULL);
	free(kernel->state);
	free(kernel->runtime);
	free(kernel->logs);
	free(kernel);
}

struct store *kernel_store(struct kernel *kernel)
{
	return kernel->store;
}

struct fs *kernel_fs(struct kernel *kernel)
{
	return kernel->fs;
}

void kernel_ask_twice(struct kernel *kernel, bool twice)
{
	kernel->twice = twice;
}

/* ---- one request ---- */

static void receive(struct kernel *kernel, uint64_t unique)
{
	const struct fuse_out_header *header = (const void *)kernel->buffer;
	ssize_t got;

	do {
		struct pollfd ready = {.fd = kernel->fds[0], .events = POLLIN};
		int r;

		/* libFuzzer's clock is a signal. */
		while ((r = poll(&ready, 1, PATIENCE_MS)) < 0 && errno == EINTR)
			;
		if (r != 1)
			kernel_die("no reply within %d s", PATIENCE_MS / 1000);
		got = recv(kernel->fds[0], kernel->buffer, sizeof(kernel->buffer), 0);
		MUST(got >= (ssize_t)sizeof(*header) && header->len == (size_t)got);
	} while (header->unique == 0);
	MUST(header->unique == unique);
	MUST(header->error <= 0 && header->error > -512);
	kernel->got = (size_t)got - sizeof(*header);
}

static void send_request(struct kernel *kernel, const struct fuse_in_header *header,
	struct iovec *body, int count)
{
	struct iovec all[5] = {{.iov_base = (void *)(uintptr_t)header, .iov_len = sizeof(*header)}};

	for (int i = 0; i < count; i++)
		all[i + 1] = body[i];
	MUST(writev(kernel->fds[0], all, count + 1) == (ssize_t)header->len);
}

static bool removes(uint32_t opcode)
{
	return opcode == FUSE_UNLINK || opcode == FUSE_RENAME2;
}

static bool changes(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME2:
		return true;
	default:
		return false;
	}
}

/* Body of the reply, or the errno: 0 with *ret_len bytes at the result of reply(). */
static int call(struct kernel *kernel, uint32_t opcode, uint64_t node, struct iovec *body,
	int count)
{
	struct fuse_in_header header = {
		.len = sizeof(header),
		.opcode = opcode,
		.unique = kernel->unique,
		.nodeid = node,
		.uid = CALLER_UID,
		.gid = CALLER_UID,
		/* What a process has removed it does not see for a while: it is another. */
		.pid = removes(opcode) ? NOBODY : (uint32_t)getpid(),
	};

	for (int i = 0; i < count; i++)
		header.len += (uint32_t)body[i].iov_len;
	kernel->unique += 2;
	send_request(kernel, &header, body, count);
	receive(kernel, header.unique);
	if (kernel->twice && changes(opcode)) {
		kernel_restart(kernel);
		header.unique |= RESENT;
		send_request(kernel, &header, body, count);
		receive(kernel, header.unique);
	}
	return ((const struct fuse_out_header *)(const void *)kernel->buffer)->error;
}

static const void *reply(const struct kernel *kernel)
{
	return kernel->buffer + sizeof(struct fuse_out_header);
}

static struct iovec part(const void *data, size_t len)
{
	return (struct iovec){(void *)(uintptr_t)data, len};
}

static struct iovec text_part(const char *name)
{
	return part(name, strlen(name) + 1);
}

static int call_entry(struct kernel *kernel, uint32_t opcode, uint64_t node, struct iovec *body,
	int count, struct fuse_entry_out *ret)
{
	int r = call(kernel, opcode, node, body, count);

	if (r < 0)
		return r;
	MUST(kernel->got == sizeof(*ret));
	memcpy(ret, reply(kernel), sizeof(*ret));
	return 0;
}

int kernel_lookup(struct kernel *kernel, uint64_t directory, const char *name,
	struct fuse_entry_out *ret)
{
	struct iovec body = text_part(name);
	int r = call_entry(kernel, FUSE_LOOKUP, directory, &body, 1, ret);

	/* A name that is known not to be there. */
	return r == 0 && ret->nodeid == 0 ? -ENOENT : r;
}

static int call_attr(struct kernel *kernel, uint32_t opcode, uint64_t node, struct iovec *body,
	struct fuse_attr *ret)
{
	int r = call(kernel, opcode, node, body, 1);

	if (r < 0)
		return r;
	MUST(kernel->got == sizeof(struct fuse_attr_out));
	if (ret)
		*ret = ((const struct fuse_attr_out *)reply(kernel))->attr;
	return 0;
}

int kernel_getattr(struct kernel *kernel, uint64_t node, struct fuse_attr *ret)
{
	struct fuse_getattr_in in = {0};
	struct iovec body = part(&in, sizeof(in));

	return call_attr(kernel, FUSE_GETATTR, node, &body, ret);
}

int kernel_truncate(struct kernel *kernel, uint64_t node, uint64_t handle, uint64_t size)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .fh = handle, .size = size};
	struct iovec body = part(&in, sizeof(in));

	if (handle)
		in.valid |= FATTR_FH;
	return call_attr(kernel, FUSE_SETATTR, node, &body, NULL);
}

int kernel_chmod(struct kernel *kernel, uint64_t node, unsigned mode)
{
	struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = mode};
	struct iovec body = part(&in, sizeof(in));

	return call_attr(kernel, FUSE_SETATTR, node, &body, NULL);
}

int kernel_open(struct kernel *kernel, uint64_t node, int flags, struct fuse_open_out *ret)
{
	struct fuse_open_in in = {.flags = (uint32_t)flags};
	struct iovec body = part(&in, sizeof(in));
	int r = call(kernel, FUSE_OPEN, node, &body, 1);

	if (r < 0)
		return r;
	MUST(kernel->got == sizeof(*ret));
	memcpy(ret, reply(kernel), sizeof(*ret));
	return 0;
}

int kernel_create(struct kernel *kernel, uint64_t directory, const char *name, int flags,
	struct fuse_entry_out *ret, struct fuse_open_out *ret_open)
{
	struct fuse_create_in in = {.flags = (uint32_t)flags | O_CREAT, .mode = S_IFREG | 0600};
	struct iovec body[] = {part(&in, sizeof(in)), text_part(name)};
	int r = call(kernel, FUSE_CREATE, directory, body, 2);

	if (r < 0)
		return r;
	MUST(kernel->got == sizeof(*ret) + sizeof(*ret_open));
	memcpy(ret, reply(kernel), sizeof(*ret));
	memcpy(ret_open, (const char *)reply(kernel) + sizeof(*ret), sizeof(*ret_open));
	return 0;
}

int kernel_read(struct kernel *kernel, uint64_t node, uint64_t handle, uint64_t offset,
	uint32_t size, struct buf *out)
{
	struct fuse_read_in in = {
		.fh = handle, .offset = offset, .size = size, .flags = O_NONBLOCK};
	struct iovec body = part(&in, sizeof(in));
	int r = call(kernel, FUSE_READ, node, &body, 1);

	if (r < 0)
		return r;
	MUST(kernel->got <= size);
	buf_add(out, reply(kernel), kernel->got);
	return out->error;
}

int kernel_write(struct kernel *kernel, uint64_t node, uint64_t handle, uint64_t offset,
	const void *data, uint32_t size)
{
	struct fuse_write_in in = {.fh = handle, .offset = offset, .size = size};
	struct iovec body[] = {part(&in, sizeof(in)), part(data, size)};
	int r = call(kernel, FUSE_WRITE, node, body, 2);

	if (r == 0)
		MUST(((const struct fuse_write_out *)reply(kernel))->size == size);
	return r;
}

int kernel_flush(struct kernel *kernel, uint64_t node, uint64_t handle)
{
	struct fuse_flush_in in = {.fh = handle};
	struct iovec body = part(&in, sizeof(in));

	return call(kernel, FUSE_FLUSH, node, &body, 1);
}

int kernel_fsync(struct kernel *kernel, uint64_t node, uint64_t handle)
{
	struct fuse_fsync_in in = {.fh = handle};
	struct iovec body = part(&in, sizeof(in));

	return call(kernel, FUSE_FSYNC, node, &body, 1);
}

int kernel_release(struct kernel *kernel, uint64_t node, uint64_t handle)
{
	struct fuse_release_in in = {.fh = handle};
	struct iovec body = part(&in, sizeof(in));

	return call(kernel, FUSE_RELEASE, node, &body, 1);
}

int kernel_mkdir(struct kernel *kernel, uint64_t directory, const char *name,
	struct fuse_entry_out *ret)
{
	struct fuse_mkdir_in in = {.mode = 0755};
	struct iovec body[] = {part(&in, sizeof(in)), text_part(name)};

	return call_entry(kernel, FUSE_MKDIR, directory, body, 2, ret);
}

int kernel_unlink(struct kernel *kernel, uint64_t directory, const char *name)
{
	struct iovec body = text_part(name);

	return call(kernel, FUSE_UNLINK, directory, &body, 1);
}

int kernel_rmdir(struct kernel *kernel, uint64_t directory, const char *name)
{
	struct iovec body = text_part(name);

	return call(kernel, FUSE_RMDIR, directory, &body, 1);
}

int kernel_rename(struct kernel *kernel, uint64_t directory, const char *name,
	uint64_t new_directory, const char *new_name, uint32_t flags)
{
	struct fuse_rename2_in in = {.newdir = new_directory, .flags = flags};
	struct iovec body[] = {part(&in, sizeof(in)), text_part(name), text_part(new_name)};

	return call(kernel, FUSE_RENAME2, directory, body, 3);
}

int kernel_statfs(struct kernel *kernel, uint64_t node)
{
	return call(kernel, FUSE_STATFS, node, NULL, 0);
}

/* ---- listings ---- */

/* One entry at data; returns its size, 0 when there is no whole one. */
static size_t take_entry(const char *data, size_t left, bool plus, kernel_entry_fn fn, void *arg,
	uint64_t *offset, int *stop)
{
	size_t before = plus ? sizeof(struct fuse_entry_out) : 0;
	const struct fuse_dirent *entry = (const void *)(data + before);
	char name[256];
	size_t size;

	if (left < before + FUSE_NAME_OFFSET)
		return 0;
	size = FUSE_DIRENT_ALIGN(before + FUSE_NAME_OFFSET + entry->namelen);
	MUST(size <= left && entry->namelen > 0 && entry->namelen < sizeof(name));
	memcpy(name, entry->name, entry->namelen);
	name[entry->namelen] = '\0';
	MUST(!strchr(name, '/') && strlen(name) == entry->namelen);
	*offset = entry->off;
	*stop = fn(arg, name, entry->ino, plus ? (const void *)data : NULL);
	return size;
}

int kernel_readdir(struct kernel *kernel, uint64_t node, bool plus, kernel_entry_fn fn, void *arg)
{
	struct fuse_read_in in = {.size = 4096};
	struct iovec body = part(&in, sizeof(in));
	_cleanup_free_ char *page = malloc(REPLY_SIZE);
	int stop = 0;

	MUST(page);
	while (!stop) {
		int r = call(kernel, plus ? FUSE_READDIRPLUS : FUSE_READDIR, node, &body, 1);
		size_t len = kernel->got, used = 0, size;
		uint64_t before = in.offset;

		if (r < 0)
			return r;
		if (len == 0)
			return 0;
		/* fn may ask for more: what was got is kept apart. */
		memcpy(page, reply(kernel), len);
		while (!stop && used < len &&
			(size = take_entry(page + used, len - used, plus, fn, arg, &in.offset,
				 &stop)) > 0)
			used += size;
		MUST(stop || in.offset != before);
	}
	return 0;
}
