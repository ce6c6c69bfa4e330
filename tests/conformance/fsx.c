/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on a mount, each checked against a model in memory of what is promised:
 * scratch files behave as files do anywhere; a value or a spec changes as a whole, when its writer
 * closes or syncs it, or by a rename, and not at all when it is refused.
 * usage: fsx SERVICE-DIRECTORY OPERATIONS [SEED]     of a service that is there
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAMES          5
#define HANDLES        8
#define FILES          (NAMES + HANDLES)
#define SIZE_MAX_FILE  (192 * 1024)
#define SIZE_MAX_VALUE (60 * 1024)
#define PIECE_MAX      5000

struct content {
	char data[SIZE_MAX_FILE];
	size_t size;
};

struct file {
	struct content content;
	int users; /* names and handles */
};

static struct file files[FILES];
static int names[NAMES]; /* -1: no file has it */
static struct handle {
	int fd, file; /* fd -1: closed */
} handles[HANDLES];
static struct content value, draft, spec;
static int draft_fd = -1; /* of the value */
static bool draft_dirty;
static int replicas = 1;
static char piece[SIZE_MAX_FILE];
static unsigned long operation, seed;
static uint64_t state;

static void __attribute__((format(printf, 1, 2), noreturn)) fail(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	(void)printf("# seed %lu, operation %lu: ", seed, operation);
	(void)vprintf(format, args);
	(void)printf(" (errno: %s)\n", strerror(error));
	va_end(args);
	exit(1);
}

#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail(__VA_ARGS__);                                                         \
	} while (0)

/* xorshift64* (Vigna 2016). */
static size_t below(size_t end)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (size_t)((state * UINT64_C(2685821657736338717)) >> 33) % end;
}

static size_t fill_piece(size_t room)
{
	size_t len = 1 + below(room < PIECE_MAX ? room : PIECE_MAX);

	for (size_t i = 0; i < len; i++)
		piece[i] = (char)(' ' + below(95));
	return len;
}

static void put(struct content *content, size_t offset, const char *data, size_t len)
{
	if (offset > content->size)
		memset(content->data + content->size, 0, offset - content->size);
	memcpy(content->data + offset, data, len);
	if (offset + len > content->size)
		content->size = offset + len;
}

static void cut(struct content *content, size_t size)
{
	if (size > content->size)
		memset(content->data + content->size, 0, size - content->size);
	content->size = size;
}

static void copy(struct content *to, const struct content *from)
{
	memcpy(to->data, from->data, from->size);
	to->size = from->size;
}

static void check_part(int fd, const struct content *content, size_t offset, size_t len)
{
	size_t there = offset < content->size ? content->size - offset : 0;
	size_t want = len < there ? len : there;
	ssize_t got = pread(fd, piece, len, (off_t)offset);

	CHECK(got == (ssize_t)want, "%zd bytes from %zu instead of %zu", got, offset, want);
	CHECK(memcmp(piece, content->data + offset, want) == 0, "other bytes from %zu", offset);
}

/* What a new reader sees, in pieces and by its size. */
static void check_path(const char *path, const struct content *content)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t step = 1 + below(PIECE_MAX);
	struct stat st;

	CHECK(fd >= 0, "cannot open %s", path);
	for (size_t at = 0; at <= content->size; at += step)
		check_part(fd, content, at, step);
	CHECK(fstat(fd, &st) == 0 && st.st_size == (off_t)content->size, "%s: size %lld, not %zu",
		path, (long long)st.st_size, content->size);
	CHECK(close(fd) == 0, "cannot close %s", path);
}

/* ---- scratch files ---- */

static const char *scratch_path(int name)
{
	static char paths[2][64];
	static int turn;

	turn = !turn;
	(void)snprintf(paths[turn], sizeof(paths[turn]), "../.git/fsx/file%d", name);
	return paths[turn];
}

static void drop(int file)
{
	if (file >= 0)
		files[file].users--;
}

static int new_file(void)
{
	for (int i = 0; i < FILES; i++)
		if (files[i].users == 0) {
			files[i].content.size = 0;
			return i;
		}
	fail("the model has no place left");
}

static void open_scratch(struct handle *handle)
{
	int name = (int)below(NAMES);
	bool there = names[name] >= 0, empty = below(4) == 0, create = below(3) > 0;
	int flags = O_RDWR | O_CLOEXEC | (empty ? O_TRUNC : 0) | (create ? O_CREAT : 0);
	int fd = open(scratch_path(name), flags, 0644);

	if (!there && !create) {
		CHECK(fd < 0 && errno == ENOENT, "opened what is not there");
		return;
	}
	CHECK(fd >= 0, "cannot open %s", scratch_path(name));
	if (!there) {
		names[name] = new_file();
		files[names[name]].users++;
	} else if (empty) {
		files[names[name]].content.size = 0;
	}
	*handle = (struct handle){fd, names[name]};
	files[names[name]].users++;
}

static void use_scratch(struct handle *handle)
{
	struct content *content = &files[handle->file].content;
	size_t offset = below(SIZE_MAX_FILE - PIECE_MAX), len;
	struct stat st;

	if (below(3) > 0 && content->size > 0)
		offset = below(content->size);
	switch (below(8)) {
	case 0:
	case 1:
		len = fill_piece(SIZE_MAX_FILE - offset);
		CHECK(pwrite(handle->fd, piece, len, (off_t)offset) == (ssize_t)len,
			"cannot write %zu at %zu", len, offset);
		put(content, offset, piece, len);
		break;
	case 2:
	case 3:
		check_part(handle->fd, content, offset, 1 + below(3 * PIECE_MAX));
		break;
	case 4:
		CHECK(ftruncate(handle->fd, (off_t)offset) == 0, "cannot cut to %zu", offset);
		cut(content, offset);
		break;
	case 5:
		CHECK(fsync(handle->fd) == 0, "cannot sync");
		break;
	case 6:
		CHECK(fstat(handle->fd, &st) == 0 && st.st_size == (off_t)content->size,
			"size %lld, not %zu", (long long)st.st_size, content->size);
		break;
	default:
		CHECK(close(handle->fd) == 0, "cannot close");
		drop(handle->file);
		handle->fd = -1;
	}
}

static void rename_scratch(void)
{
	int from = (int)below(NAMES), to = (int)below(NAMES);
	int r = rename(scratch_path(from), scratch_path(to));

	if (names[from] < 0) {
		CHECK(r < 0 && errno == ENOENT, "renamed what is not there");
		return;
	}
	CHECK(r == 0, "cannot rename");
	if (from == to)
		return;
	drop(names[to]);
	names[to] = names[from];
	names[from] = -1;
}

static void unlink_scratch(void)
{
	int name = (int)below(NAMES);
	int r = unlink(scratch_path(name));

	CHECK(names[name] < 0 ? r < 0 && errno == ENOENT : r == 0, "unlink");
	drop(names[name]);
	names[name] = -1;
}

static void do_scratch(void)
{
	struct handle *handle = &handles[below(HANDLES)];
	int name = (int)below(NAMES);

	switch (below(12)) {
	case 0:
		rename_scratch();
		break;
	case 1:
		unlink_scratch();
		break;
	case 2:
		if (names[name] >= 0)
			check_path(scratch_path(name), &files[names[name]].content);
		break;
	default:
		if (handle->fd < 0)
			open_scratch(handle);
		else
			use_scratch(handle);
	}
}

/* ---- a value of any bytes, with a writer who takes its time ---- */

#define VALUE "config/FSX"

static void begin_value(void)
{
	bool empty = below(2);

	draft_fd = open(VALUE, O_RDWR | O_CREAT | O_CLOEXEC | (empty ? O_TRUNC : 0), 0640);
	CHECK(draft_fd >= 0, "cannot open the value");
	copy(&draft, &value);
	if (empty)
		draft.size = 0;
	draft_dirty = false;
}

static void write_value(void)
{
	size_t offset = below(2) ? draft.size : below(draft.size + 100), len;

	if (offset >= SIZE_MAX_VALUE - PIECE_MAX)
		offset = below(1000);
	len = fill_piece(PIECE_MAX);
	CHECK(pwrite(draft_fd, piece, len, (off_t)offset) == (ssize_t)len,
		"cannot write the value");
	put(&draft, offset, piece, len);
	draft_dirty = true;
}

static void do_value(void)
{
	if (draft_fd < 0) {
		begin_value();
		return;
	}
	switch (below(7)) {
	case 0:
		/* Whether nothing is a value is another question. */
		if (!draft_dirty)
			write_value();
		CHECK((below(2) ? fsync(draft_fd) : 0) == 0, "cannot sync the value");
		CHECK(close(draft_fd) == 0, "cannot close the value");
		copy(&value, &draft);
		draft_fd = -1;
		break;
	case 1:
		write_value();
		CHECK(fsync(draft_fd) == 0, "cannot sync the value");
		copy(&value, &draft);
		break;
	case 2:
		check_part(draft_fd, &draft, below(draft.size + 1), 1 + below(PIECE_MAX));
		break;
	case 3:
		cut(&draft, below(draft.size + 1));
		CHECK(ftruncate(draft_fd, (off_t)draft.size) == 0, "cannot cut the value");
		write_value();
		break;
	case 4:
	case 5:
		write_value();
		break;
	default:
		/* Whatever is in the draft, everybody else sees what is in force. */
		if (value.size > 0)
			check_path(VALUE, &value);
	}
}

/* ---- a spec and a view on one of its fields ---- */

static void make_spec(struct content *made, bool good)
{
	int wanted = 1 + (int)below(9), len;

	len = snprintf(made->data, sizeof(made->data),
		"{\"DockerImage\":\"example/"
		"web:1\",\"Replicas\":%d,%s\"Environment\":{\"PAD\":\"%.*s\"}}\n",
		wanted, good ? "" : "\"Replica\":1,", (int)below(2000),
		(char *)memset(piece, 'a' + (int)below(26), 2000));
	made->size = (size_t)len;
	if (good)
		replicas = wanted;
}

/* All at once or in pieces; 0 or the errno of the call that refused. */
static int write_all(const char *path, const struct content *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640), error = 0;
	size_t step = below(2) ? content->size : 1 + below(500);

	CHECK(fd >= 0, "cannot open %s", path);
	for (size_t at = 0; at < content->size && error == 0; at += step) {
		size_t left = content->size - at, len = step < left ? step : left;

		if (write(fd, content->data + at, len) != (ssize_t)len)
			error = errno;
	}
	if (close(fd) < 0 && error == 0)
		error = errno;
	return error;
}

static void check_replicas(void)
{
	static struct content wanted;

	wanted.size = (size_t)snprintf(wanted.data, sizeof(wanted.data), "%d\n", replicas);
	check_path("replicas", &wanted);
}

static void do_spec(void)
{
	static struct content made;
	bool good = below(3) > 0, renames = below(2);
	int error;

	make_spec(&made, good);
	error = write_all(renames ? "spec.json.tmp" : "spec.json", &made);
	if (renames) {
		CHECK(error == 0, "a scratch file is refused: %s", strerror(error));
		error = rename("spec.json.tmp", "spec.json") < 0 ? errno : 0;
		if (error)
			CHECK(unlink("spec.json.tmp") == 0, "what was refused is gone");
	}
	CHECK(error == (good ? 0 : EINVAL), "a %s spec: %s", good ? "good" : "bad",
		strerror(error));
	if (good)
		copy(&spec, &made);
	check_path("spec.json", &spec);
	check_replicas();
}

static void do_replicas(void)
{
	static struct content made;
	bool good = below(3) > 0;
	int wanted = 1 + (int)below(9), error, fd;
	ssize_t got;

	made.size = (size_t)snprintf(made.data, sizeof(made.data), good ? "%d\n" : "%dx\n", wanted);
	error = write_all("replicas", &made);
	CHECK(error == (good ? 0 : EINVAL), "%s: %s", made.data, strerror(error));
	if (good)
		replicas = wanted;
	check_replicas();
	/* What the view wrote is in the spec, in a form of the platform's own. */
	fd = open("spec.json", O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, spec.data, sizeof(spec.data));
	CHECK(got > 0 && close(fd) == 0, "cannot read the spec");
	spec.size = (size_t)got;
}

/* ---- */

static void step(void)
{
	size_t what = below(40);

	if (what < 24)
		do_scratch();
	else if (what < 36)
		do_value();
	else if (what < 38)
		do_spec();
	else
		do_replicas();
}

static void finish(void)
{
	for (int i = 0; i < HANDLES; i++)
		if (handles[i].fd >= 0)
			(void)close(handles[i].fd);
	for (int i = 0; i < NAMES; i++)
		if (names[i] >= 0) {
			check_path(scratch_path(i), &files[names[i]].content);
			CHECK(unlink(scratch_path(i)) == 0, "cannot remove %s", scratch_path(i));
		}
	CHECK(rmdir("../.git/fsx") == 0 && rmdir("../.git") == 0, "something is left");
	if (draft_fd >= 0)
		(void)close(draft_fd);
	CHECK(unlink(VALUE) == 0, "cannot remove the value");
}

int main(int argc, char **argv)
{
	unsigned long operations = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (operations == 0) {
		(void)fprintf(stderr, "usage: fsx SERVICE-DIRECTORY OPERATIONS [SEED]\n");
		return 1;
	}
	seed = argc > 3 ? strtoul(argv[3], NULL, 10)
			: (unsigned long)time(NULL) ^ (unsigned long)getpid();
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	(void)printf("# fsx: seed %lu, %lu operations\n", seed, operations);
	CHECK(chdir(argv[1]) == 0, "%s", argv[1]);
	CHECK(mkdir("../.git", 0755) == 0 && mkdir("../.git/fsx", 0755) == 0,
		"cannot make a directory for scratch files");
	for (int i = 0; i < NAMES; i++)
		names[i] = -1;
	for (int i = 0; i < HANDLES; i++)
		handles[i].fd = -1;
	do_replicas();
	begin_value();
	for (operation = 1; operation <= operations; operation++)
		step();
	finish();
	return 0;
}
