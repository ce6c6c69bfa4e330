/* SPDX-License-Identifier: Apache-2.0 */
/* How often the kernel asks: over a real mount, the operations counted on their way in. */
#define FUSE_USE_VERSION 314
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "base/thread.h"
#include "fs/fs.h"
#include "fs/kernel/session.h"
#include "fs/process/mount.h"
#include "store/store.h"

#define SPEC "{\"DockerImage\":\"example/web:1\"}\n"

struct bench {
	char dir[64];
	char mount[128], path[256];
	int fuse_fd;
	struct store *store;
	struct fs *fs;
	struct session *session;
	struct session_init request, reply;
	pthread_t thread;
};

static struct fuse_lowlevel_ops counted;
static atomic_int asked; /* all that a program waits for */

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	atomic_fetch_add(&asked, 1);
	fs_operations.lookup(req, parent, name);
}

static void on_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	atomic_fetch_add(&asked, 1);
	fs_operations.getattr(req, node, file);
}

static void on_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	atomic_fetch_add(&asked, 1);
	fs_operations.open(req, node, file);
}

static void on_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	atomic_fetch_add(&asked, 1);
	fs_operations.read(req, node, size, offset, file);
}

static void on_flush(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	atomic_fetch_add(&asked, 1);
	fs_operations.flush(req, node, file);
}

static void *serve(void *arg)
{
	struct bench *bench = arg;

	(void)session_run(bench->session, NULL, NULL, NULL);
	return NULL;
}

static int make(struct txn *txn, void *arg, struct error *reterr)
{
	int64_t tenant = 0, service = 0;
	int r = txn_create(txn, PLATFORM_ID, KIND_TENANT, "demo", &tenant, reterr);

	(void)arg;
	if (r == 0)
		r = txn_create(txn, tenant, KIND_SERVICE, "web", &service, reterr);
	if (r == 0)
		r = txn_set_spec(txn, service, SPEC, strlen(SPEC), true, "", reterr);
	return r;
}

static int open_mount(struct bench *bench, struct error *reterr)
{
	struct mount_options mount = {.source = "duplofs-test", .place = bench->mount};
	struct session_options session = {.request = &bench->request,
		.reply = &bench->reply,
		.operations = &counted,
		.operations_size = sizeof(counted),
		.userdata = bench->fs};
	int r = mount_fuse(&bench->fuse_fd, &mount, reterr);

	session.fuse_fd = bench->fuse_fd;
	if (r == 0)
		r = session_greet(bench->fuse_fd, &counted, sizeof(counted), &bench->request,
			&bench->reply, reterr);
	if (r == 0)
		r = session_new(&bench->session, &session, reterr);
	if (r == 0)
		r = fs_attach(bench->fs, session_fuse(bench->session), reterr);
	return r == 0 ? thread_start(&bench->thread, "serve", serve, bench, reterr) : r;
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct store_options store = {.dir = bench->dir};
	struct fs_options fs = {.runtime_dir = bench->dir,
		.logs_dir = bench->dir,
		.state_dir = bench->dir,
		.inquiry_dir = bench->dir,
		.cloud = "simulated",
		.mount = "test"};
	struct error error = ERROR_INIT;
	int r;

	(void)text_copy(bench->dir, sizeof(bench->dir), "/dev/shm/test-requests.XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	(void)snprintf(bench->mount, sizeof(bench->mount), "%s/mount", bench->dir);
	(void)snprintf(bench->path, sizeof(bench->path), "%s/demo/services/web/spec.json",
		bench->mount);
	assert_int_equal(mkdir(bench->mount, 0700), 0);
	counted = fs_operations;
	counted.lookup = on_lookup;
	counted.getattr = on_getattr;
	counted.open = on_open;
	counted.read = on_read;
	counted.flush = on_flush;
	r = store_open(&bench->store, &store, &error);
	fs.store = bench->store;
	if (r == 0)
		r = store_update(bench->store, STORE_RELAXED, NULL, make, NULL, &error);
	if (r == 0)
		r = fs_new(&bench->fs, &fs, &error);
	if (r == 0)
		r = open_mount(bench, &error);
	if (r < 0)
		fail_msg("%s", error.text);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	(void)mount_remove(bench->mount, false, NULL);
	thread_join(bench->thread);
	fs_free(bench->fs);
	session_free(bench->session);
	store_close(bench->store);
	(void)close(bench->fuse_fd);
	(void)file_remove_tree(bench->dir, NULL);
	free(bench);
	return 0;
}

static void read_file(const struct bench *bench)
{
	char data[4096];
	int fd = open(bench->path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, data, sizeof(data)), strlen(SPEC));
	assert_memory_equal(data, SPEC, strlen(SPEC));
	assert_int_equal(close(fd), 0);
}

/* What has just been made may change again: until that is unlikely, each reader has a copy. */
static void wait_until_unchanged(const struct bench *bench)
{
	int64_t deadline_ns = clock_now_ns() + 20 * NS_PER_SECOND;

	do {
		assert_true(clock_now_ns() < deadline_ns);
		(void)poll(NULL, 0, 50);
		atomic_store(&asked, 0);
		read_file(bench);
	} while (atomic_load(&asked) != 1);
}

static void test_an_unchanged_file_costs_one_round_trip(void **state)
{
	struct bench *bench = *state;

	wait_until_unchanged(bench);
	for (int i = 0; i < 100; i++) {
		atomic_store(&asked, 0);
		read_file(bench);
		assert_int_equal(atomic_load(&asked), 1);
	}
}

static void test_what_is_cached_costs_none(void **state)
{
	struct bench *bench = *state;
	char data[4096];
	struct stat st;
	int fd;

	wait_until_unchanged(bench);
	fd = open(bench->path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(stat(bench->path, &st), 0);
	assert_int_equal(pread(fd, data, sizeof(data), 0), strlen(SPEC));
	atomic_store(&asked, 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(stat(bench->path, &st), 0);
		assert_int_equal(st.st_size, strlen(SPEC));
		assert_int_equal(pread(fd, data, sizeof(data), 0), strlen(SPEC));
	}
	assert_int_equal(atomic_load(&asked), 0);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_unchanged_file_costs_one_round_trip),
		cmocka_unit_test(test_what_is_cached_costs_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
