/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of views: what is brought, as archives, to the program that runs on other machines, here
 * in a root directory of its own, leaves there what is in the view; tar is the machine's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/tar.h"
#include "engine/agent.h"
#include "reconcile/view/mirror_tree.h"

#define SERVICE 7

struct bench {
	char dir[64]; /* view/ is what is copied, root/view/7/ the copy */
	struct mirror_tree there;
	bool known;
	int batches; /* that were sent */
	int fail_at; /* of them this one is not applied; 0: none */
};

static void say(const struct bench *bench, char *path, size_t size, const char *name)
{
	(void)snprintf(path, size, "%s/%s", bench->dir, name);
}

static void bench_begin(struct bench *bench)
{
	char path[128];
	size_t len;
	const void *program = agent_program(&len);

	*bench = (struct bench){.dir = "/tmp/duplofs-mirror.XXXXXX"};
	assert_non_null(mkdtemp(bench->dir));
	say(bench, path, sizeof(path), "view");
	assert_int_equal(mkdir(path, 0755), 0);
	say(bench, path, sizeof(path), "root/view");
	assert_int_equal(file_mkdirs(path, 0755, NULL), 0);
	say(bench, path, sizeof(path), "root/agent");
	assert_int_equal(file_write_atomic(path, program, len, 0755, 0, NULL), 0);
}

static void bench_end(struct bench *bench)
{
	mirror_tree_done(&bench->there);
	assert_int_equal(file_remove_tree(bench->dir, NULL), 0);
}

static int run(const char *root, const char *const *argv)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (root && (chroot(root) < 0 || chdir("/") < 0))
			_exit(126);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int agent(const struct bench *bench, const char *form, const char *argument)
{
	const char *const argv[] = {"/agent", form, argument, NULL};
	char root[128];

	say(bench, root, sizeof(root), "root");
	return run(root, argv);
}

static int apply(void *arg, const struct buf *tar, struct error *reterr)
{
	struct bench *bench = arg;
	char archive[128], target[128];
	const char *const unpack[] = {"tar", "-xf", archive, "-C", target, NULL};

	say(bench, archive, sizeof(archive), "batch.tar");
	say(bench, target, sizeof(target), "root/view");
	assert_int_equal(file_write_atomic(archive, tar->data, tar->len, 0600, 0, NULL), 0);
	assert_int_equal(run(NULL, unpack), 0);
	if (++bench->batches == bench->fail_at)
		return error_set(reterr, -EIO, "the host has died");
	return agent(bench, "apply", "7") == 0 ? 0 : error_set(reterr, -EIO, "the agent failed");
}

static int bring(struct bench *bench)
{
	struct mirror_tree wanted = {NULL, 0, 0};
	struct error error = ERROR_INIT;
	char view[128];
	int r;

	say(bench, view, sizeof(view), "view");
	assert_int_equal(mirror_tree_scan(&wanted, view, &error), 0);
	bench->batches = 0;
	r = mirror_tree_bring(bench->known ? &bench->there : NULL, &wanted, view, SERVICE, apply,
		bench, &error);
	mirror_tree_done(&bench->there);
	bench->known = r == 0;
	if (r == 0)
		bench->there = wanted;
	else
		mirror_tree_done(&wanted);
	return r;
}

static void assert_same(const struct bench *bench)
{
	char view[128], copy[128];
	const char *const diff[] = {"diff", "-r", "--no-dereference", view, copy, NULL};

	say(bench, view, sizeof(view), "view");
	say(bench, copy, sizeof(copy), "root/view/7");
	assert_int_equal(run(NULL, diff), 0);
}

static void put(const struct bench *bench, const char *name, const char *text)
{
	char path[256], draft[128];

	say(bench, draft, sizeof(draft), "draft");
	(void)snprintf(path, sizeof(path), "%s/view/%s", bench->dir, name);
	assert_int_equal(file_write_atomic(draft, text, strlen(text), 0444, 0, NULL), 0);
	assert_int_equal(rename(draft, path), 0);
}

static void put_directory(const struct bench *bench, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/view/%s", bench->dir, name);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static void put_link(const struct bench *bench, const char *name, const char *target)
{
	char path[256], draft[128];

	say(bench, draft, sizeof(draft), "draft");
	(void)snprintf(path, sizeof(path), "%s/view/%s", bench->dir, name);
	assert_int_equal(symlink(target, draft), 0);
	assert_int_equal(rename(draft, path), 0);
}

static void remove_one(const struct bench *bench, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/view/%s", bench->dir, name);
	assert_int_equal(file_remove_tree(path, NULL), 0);
}

/* A set as view_set makes it: what has not changed is the same file as in the one before. */
static void put_set(const struct bench *bench, int number, int before)
{
	char name[64], old[256], path[256], text[16];

	(void)snprintf(name, sizeof(name), "..%d", number);
	put_directory(bench, name);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "..%d/KEY_%d", number, i);
		(void)snprintf(text, sizeof(text), "%d %d\n", i, number);
		(void)snprintf(path, sizeof(path), "%s/view/%s", bench->dir, name);
		(void)snprintf(old, sizeof(old), "%s/view/..%d/KEY_%d", bench->dir, before, i);
		if (before == 0 || i == number % 20)
			put(bench, name, text);
		else
			assert_int_equal(link(old, path), 0);
	}
	(void)snprintf(name, sizeof(name), "..%d", number);
	put_link(bench, "..data", name);
}

static ino_t copy_inode(const struct bench *bench, const char *name)
{
	struct stat st;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/root/view/7/%s", bench->dir, name);
	assert_int_equal(lstat(path, &st), 0);
	return st.st_ino;
}

static void a_view_and_its_changes_are_copied(void **state)
{
	struct bench bench;
	ino_t inode;

	(void)state;
	bench_begin(&bench);
	put_set(&bench, 1, 0);
	put_link(&bench, "secrets", "..data/secrets");
	put_directory(&bench, "neighbors");
	put(&bench, "neighbors/web", "10.0.0.1:80\n");
	put(&bench, "hosts", "");
	assert_int_equal(bring(&bench), 0);
	assert_same(&bench);
	assert_int_equal(bring(&bench), 0);
	assert_int_equal(bench.batches, 0); /* nothing has changed */

	inode = copy_inode(&bench, "..1/KEY_5");
	put_set(&bench, 2, 1);
	put(&bench, "neighbors/db", "10.0.0.2:5432\n");
	put(&bench, "neighbors/web", "10.0.0.3:80\n");
	assert_int_equal(bring(&bench), 0);
	assert_same(&bench);
	assert_int_equal(copy_inode(&bench, "..2/KEY_5"), inode); /* not sent again */

	remove_one(&bench, "..1");
	remove_one(&bench, "neighbors/db");
	remove_one(&bench, "hosts");
	put_directory(&bench, "hosts"); /* and now it is of another kind */
	assert_int_equal(bring(&bench), 0);
	assert_same(&bench);
	bench_end(&bench);
}

static void what_is_not_known_is_made_the_same(void **state)
{
	struct bench bench;

	(void)state;
	bench_begin(&bench);
	put_set(&bench, 1, 0);
	put(&bench, "hosts", "1\n");
	assert_int_equal(bring(&bench), 0);
	put_set(&bench, 2, 1);
	remove_one(&bench, "..1");
	remove_one(&bench, "hosts");
	bench.known = false; /* as after a start */
	assert_int_equal(bring(&bench), 0);
	assert_same(&bench);
	bench_end(&bench);
}

/* Large values take several batches; whichever of them is lost, the next try makes it whole, and
 * the set that is shown is complete all the while. */
static void a_host_may_die_at_any_batch(void **state)
{
	struct bench bench;
	char *text = malloc(1 << 20), name[64];

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 1 << 20);
	text[(1 << 20) - 1] = '\0';
	bench_begin(&bench);
	put_set(&bench, 1, 0);
	assert_int_equal(bring(&bench), 0);
	for (int round = 2; round <= 5; round++) {
		put_set(&bench, round, round - 1);
		for (int i = 0; i < 10; i++) {
			(void)snprintf(name, sizeof(name), "..%d/LARGE_%d", round, i);
			put(&bench, name, text);
		}
		bench.fail_at = round - 2;
		if (bench.fail_at > 0) {
			assert_int_equal(bring(&bench), -EIO);
			(void)copy_inode(&bench, "..data/KEY_0"); /* leads somewhere */
			bench.fail_at = 0;
		}
		assert_int_equal(bring(&bench), 0);
		assert_same(&bench);
		assert_true(bench.batches >= 3);
		(void)snprintf(name, sizeof(name), "..%d", round - 1);
		remove_one(&bench, name);
	}
	free(text);
	bench_end(&bench);
}

static void views_that_nobody_has_go(void **state)
{
	struct bench bench;
	char path[128];

	(void)state;
	bench_begin(&bench);
	put(&bench, "hosts", "1\n");
	assert_int_equal(bring(&bench), 0);
	say(&bench, path, sizeof(path), "root/view/8/neighbors");
	assert_int_equal(file_mkdirs(path, 0755, NULL), 0);
	assert_int_equal(agent(&bench, "keep", "7"), 0);
	assert_same(&bench);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(agent(&bench, "drop", "7"), 0);
	say(&bench, path, sizeof(path), "root/view/7");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(agent(&bench, "drop", "7"), 0);
	assert_int_equal(agent(&bench, "apply", "9"), 1);
	bench_end(&bench);
}

/* A link that leads nowhere is a view that switches: it is looked at again. */
static void a_view_that_switches_is_not_copied(void **state)
{
	struct mirror_tree tree = {NULL, 0, 0};
	struct bench bench;
	char view[128];

	(void)state;
	bench_begin(&bench);
	put_link(&bench, "..data", "..5");
	say(&bench, view, sizeof(view), "view");
	assert_int_equal(mirror_tree_scan(&tree, view, NULL), -EAGAIN);
	mirror_tree_done(&tree);
	bench_end(&bench);
}

static void a_name_has_its_bounds(void **state)
{
	char name[TAR_NAME_MAX + 2];
	_cleanup_buf_ struct buf tar = BUF_INIT;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[TAR_NAME_MAX] = '\0';
	tar_file(&tar, name, 0444, 0, "x", 1);
	assert_int_equal(tar.error, 0);
	assert_int_equal(tar.len, 1024);
	name[TAR_NAME_MAX] = 'n';
	name[TAR_NAME_MAX + 1] = '\0';
	tar_directory(&tar, name, 0755);
	assert_int_equal(tar.error, -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_view_and_its_changes_are_copied),
		cmocka_unit_test(what_is_not_known_is_made_the_same),
		cmocka_unit_test(a_host_may_die_at_any_batch),
		cmocka_unit_test(views_that_nobody_has_go),
		cmocka_unit_test(a_view_that_switches_is_not_copied),
		cmocka_unit_test(a_name_has_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
