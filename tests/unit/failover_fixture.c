/* SPDX-License-Identifier: Apache-2.0 */
#define FUSE_USE_VERSION 314
#include "failover_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs/kernel/session.h"

#define NODE_BELL   2 /* a read blocks until somebody writes to it */
#define NODE_POISON 3 /* a write kills the worker while fixture->crash > 0 */
#define NODE_FIRST  10

static struct fixture *fixture;

/* Reads of the bell whose reply is put off. */
struct parked {
	struct parked *next;
	fuse_req_t request;
	bool interrupted; /* before it was parked */
};
static pthread_mutex_t parked_lock = PTHREAD_MUTEX_INITIALIZER;
static struct parked *parked;

struct fixture *fixture_open(const char *dir)
{
	char path[PATH_MAX];
	void *memory = MAP_FAILED;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/fixture", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && ftruncate(fd, sizeof(*fixture)) == 0)
		memory = mmap(NULL, sizeof(*fixture), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	fixture = memory == MAP_FAILED ? NULL : memory;
	return fixture;
}

/* "f0" to "f1023"; -1: no such name. */
static int fixture_index(const char *name)
{
	char *end;
	long index;

	if (name[0] != 'f' || name[1] < '0' || name[1] > '9')
		return -1;
	index = strtol(name + 1, &end, 10);
	return *end || index >= FIXTURE_NAMES ? -1 : (int)index;
}

static bool fixture_exists(int index)
{
	return atomic_load(&fixture->files[index].made) & 1;
}

static bool fixture_stat(fuse_ino_t node, struct stat *st)
{
	*st = (struct stat){.st_ino = node, .st_nlink = 1, .st_mode = S_IFREG | 0644};
	if (node == FUSE_ROOT_ID) {
		st->st_mode = S_IFDIR | 0755;
		return true;
	}
	if (node == NODE_BELL || node == NODE_POISON)
		return true;
	if (node < NODE_FIRST || node >= NODE_FIRST + FIXTURE_NAMES)
		return false;
	st->st_size = atomic_load(&fixture->files[node - NODE_FIRST].length);
	return fixture_exists((int)(node - NODE_FIRST));
}

static void fixture_reply_entry(fuse_req_t request, fuse_ino_t node)
{
	struct fuse_entry_param entry = {.ino = node};

	if (fixture_stat(node, &entry.attr))
		(void)fuse_reply_entry(request, &entry);
	else
		(void)fuse_reply_err(request, ENOENT);
}

static void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	int index = fixture_index(name);

	(void)parent;
	if (strcmp(name, "bell") == 0)
		fixture_reply_entry(request, NODE_BELL);
	else if (strcmp(name, "poison") == 0)
		fixture_reply_entry(request, NODE_POISON);
	else if (index < 0)
		(void)fuse_reply_err(request, ENOENT);
	else
		fixture_reply_entry(request, NODE_FIRST + (fuse_ino_t)index);
}

static void op_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
	struct stat st;

	(void)info;
	if (fixture_stat(node, &st))
		(void)fuse_reply_attr(request, &st, 0);
	else
		(void)fuse_reply_err(request, ENOENT);
}

/* Makes it likely to be killed when it is done, but nobody was told. */
static void fixture_linger(void)
{
	if (fixture->linger)
		(void)poll(NULL, 0, (int)fixture->linger);
}

static void op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *info)
{
	struct fuse_entry_param entry = {0};
	int index = fixture_index(name);
	uint64_t mine = session_token() << 1 | 1, found;
	struct fixture_file *file;

	(void)parent, (void)mode;
	if (index < 0) {
		(void)fuse_reply_err(request, EINVAL);
		return;
	}
	file = &fixture->files[index];
	found = atomic_load(&file->made);
	if (found == mine) {
		atomic_fetch_add(&fixture->resent, 1);
	} else {
		atomic_store(&file->length, 0);
		if ((found & 1) || !atomic_compare_exchange_strong(&file->made, &found, mine)) {
			(void)fuse_reply_err(request, EEXIST);
			return;
		}
	}
	fixture_linger();
	entry.ino = NODE_FIRST + (fuse_ino_t)index;
	(void)fixture_stat(entry.ino, &entry.attr);
	info->direct_io = 1;
	(void)fuse_reply_create(request, &entry, info);
}

static void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	int index = fixture_index(name);
	uint64_t mine = session_token() << 1, found;

	(void)parent;
	if (index < 0) {
		(void)fuse_reply_err(request, EPERM);
		return;
	}
	found = atomic_load(&fixture->files[index].made);
	if (found == mine)
		atomic_fetch_add(&fixture->resent, 1);
	else if (!(found & 1) ||
		 !atomic_compare_exchange_strong(&fixture->files[index].made, &found, mine)) {
		(void)fuse_reply_err(request, ENOENT);
		return;
	}
	fixture_linger();
	(void)fuse_reply_err(request, 0);
}

static void op_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
	info->direct_io = 1;
	/* A plain number: it means the same to the next worker. */
	info->fh = node == NODE_BELL ? atomic_load(&fixture->bell) : 0;
	if (node >= NODE_FIRST && (info->flags & O_TRUNC))
		atomic_store(&fixture->files[node - NODE_FIRST].length, 0);
	(void)fuse_reply_open(request, info);
}

/* Called with the request's lock held: a reply is allowed only when it was parked before. */
static void op_interrupt(fuse_req_t request, void *data)
{
	struct parked **at, *mine = data;
	bool found;

	(void)pthread_mutex_lock(&parked_lock);
	for (at = &parked; *at && *at != mine; at = &(*at)->next)
		;
	found = *at != NULL;
	if (found)
		*at = mine->next;
	else
		mine->interrupted = true;
	(void)pthread_mutex_unlock(&parked_lock);
	if (!found)
		return;
	(void)fuse_reply_err(request, EINTR);
	free(mine);
}

static void op_read_bell(fuse_req_t request, uint64_t seen, off_t offset)
{
	struct parked *mine = calloc(1, sizeof(*mine));
	bool rung, interrupted;

	if (!mine || offset > 0) {
		free(mine);
		(void)fuse_reply_buf(request, NULL, 0);
		return;
	}
	mine->request = request;
	fuse_req_interrupt_func(request, op_interrupt, mine);
	(void)pthread_mutex_lock(&parked_lock);
	rung = atomic_load(&fixture->bell) != seen;
	interrupted = mine->interrupted;
	if (!rung && !interrupted) {
		mine->next = parked;
		parked = mine;
	}
	(void)pthread_mutex_unlock(&parked_lock);
	if (!rung && !interrupted)
		return;
	fuse_req_interrupt_func(request, NULL, NULL);
	free(mine);
	if (rung)
		(void)fuse_reply_buf(request, "rung\n", 5);
	else
		(void)fuse_reply_err(request, EINTR);
}

static void ring(void)
{
	struct parked *list, *next;

	(void)pthread_mutex_lock(&parked_lock);
	atomic_fetch_add(&fixture->bell, 1);
	list = parked;
	parked = NULL;
	(void)pthread_mutex_unlock(&parked_lock);
	for (; list; list = next) {
		next = list->next;
		fuse_req_interrupt_func(list->request, NULL, NULL);
		(void)fuse_reply_buf(list->request, "rung\n", 5);
		free(list);
	}
}

static void op_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	const struct fixture_file *file;
	size_t length;

	if (node == NODE_BELL) {
		op_read_bell(request, info->fh, offset);
		return;
	}
	if (node < NODE_FIRST) {
		(void)fuse_reply_buf(request, NULL, 0);
		return;
	}
	file = &fixture->files[node - NODE_FIRST];
	length = atomic_load(&file->length);
	if ((size_t)offset >= length)
		size = 0;
	else if (size > length - (size_t)offset)
		size = length - (size_t)offset;
	(void)fuse_reply_buf(request, file->data + offset, size);
}

static void op_write(fuse_req_t request, fuse_ino_t node, const char *data, size_t size,
	off_t offset, struct fuse_file_info *info)
{
	struct fixture_file *file;

	(void)info;
	if (node == NODE_BELL) {
		ring();
	} else if (node == NODE_POISON) {
		if (atomic_load(&fixture->crash) > 0) {
			atomic_fetch_sub(&fixture->crash, 1);
			(void)signal(SIGSEGV, SIG_DFL);
			(void)kill(getpid(), SIGSEGV);
			for (;;)
				(void)pause();
		}
	} else if ((size_t)offset + size > FIXTURE_SIZE) {
		(void)fuse_reply_err(request, EFBIG);
		return;
	} else {
		file = &fixture->files[node - NODE_FIRST];
		memcpy(file->data + offset, data, size);
		atomic_store(&file->length, (uint32_t)((size_t)offset + size));
	}
	(void)fuse_reply_write(request, size);
}

static void op_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	char *buffer = malloc(size), name[16];
	size_t used = 0, added;
	int i;

	(void)node, (void)info;
	if (!buffer) {
		(void)fuse_reply_err(request, ENOMEM);
		return;
	}
	for (i = (int)offset; i < FIXTURE_NAMES; i++) {
		struct stat st = {.st_ino = NODE_FIRST + (ino_t)i, .st_mode = S_IFREG};

		if (!fixture_exists(i))
			continue;
		(void)snprintf(name, sizeof(name), "f%d", i);
		added = fuse_add_direntry(request, buffer + used, size - used, name, &st, i + 1);
		if (added > size - used)
			break;
		used += added;
	}
	(void)fuse_reply_buf(request, buffer, used);
	free(buffer);
}

const struct fuse_lowlevel_ops fixture_operations = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.create = op_create,
	.unlink = op_unlink,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.readdir = op_readdir,
};
const size_t fixture_operations_size = sizeof(fixture_operations);
