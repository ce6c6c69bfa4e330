/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/thread.h"

static char directory[] = "/tmp/duplofs-test-base.XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return file_remove_tree(directory, NULL);
}

static const char *below(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void files_are_replaced_as_a_whole(void **state)
{
	struct buf buf = BUF_INIT;
	struct error error = ERROR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(file_mkdirs(below("a/b/c"), 0700, &error), 0);
	assert_int_equal(file_mkdirs(below("a/b/c"), 0700, &error), 0);
	assert_int_equal(file_write_atomic(below("a/b/f"), "one", 3, 0640, 1, &error), 0);
	assert_int_equal(file_write_atomic(below("a/b/f"), "three", 5, 0600, 0, &error), 0);
	assert_int_equal(stat(below("a/b/f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_read(below("a/b/f"), 100, &buf, &error), 0);
	assert_string_equal(buf_string(&buf), "three");
	assert_int_equal(file_read(below("a/b/f"), 4, &buf, &error), -EFBIG);
	assert_int_equal(file_read(below("none"), 4, &buf, &error), -ENOENT);
	assert_non_null(strstr(error.text, "none"));
	assert_int_equal(file_write_atomic(below("none/f"), "x", 1, 0600, 0, &error), -ENOENT);
	assert_int_equal(file_write_atomic(below("a/b"), "x", 1, 0600, 0, &error), -EISDIR);
	assert_int_equal(access(below("a/b.tmp"), F_OK), -1);
	assert_int_equal(file_remove_tree(below("a"), &error), 0);
	assert_int_equal(file_remove_tree(below("a"), &error), 0);
	assert_int_equal(access(below("a"), F_OK), -1);
	buf_done(&buf);
}

static void programs_run_without_a_shell(void **state)
{
	const char *const echo[] = {"/bin/echo", "$HOME; `id`", NULL};
	const char *const fails[] = {"/bin/false", NULL};
	const char *const missing[] = {"/nonexistent/program", NULL};
	const char *const hangs[] = {"/bin/sleep", "1000", NULL};
	struct buf output = BUF_INIT;
	struct error error = ERROR_INIT;
	int64_t before = clock_now_ns();
	char path[256];

	(void)state;
	assert_int_equal(child_run(echo, 5000, &output, &error), 0);
	assert_string_equal(buf_string(&output), "$HOME; `id`\n");
	assert_int_equal(child_run(fails, 5000, NULL, &error), 1);
	assert_int_equal(child_run(missing, 5000, NULL, &error), -ENOENT);
	assert_int_equal(child_run(hangs, 50, NULL, &error), -ETIMEDOUT);
	assert_true(clock_now_ns() - before < 10 * NS_PER_SECOND);
	assert_int_equal(child_find("sh", path, sizeof(path)), 0);
	assert_int_equal(child_find("no-such-program", path, sizeof(path)), -ENOENT);
	buf_done(&output);
}

static void a_stubborn_child_is_killed(void **state)
{
	const char *const stubborn[] = {
		"/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done", NULL};
	struct error error = ERROR_INIT;
	pid_t pid;

	(void)state;
	assert_int_equal(child_start(stubborn, -1, &pid, &error), 0);
	child_stop(pid, 100);
	assert_int_equal(kill(pid, 0), -1);
	child_stop(-1, 100);
}

struct meeting {
	struct lock lock;
	struct cond cond;
	int arrived;
};

static void *arrive(void *arg)
{
	struct meeting *meeting = arg;
	sigset_t blocked;

	(void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	lock_acquire(&meeting->lock);
	meeting->arrived = sigismember(&blocked, SIGTERM) == 1 ? 1 : -1;
	cond_broadcast(&meeting->cond);
	lock_release(&meeting->lock);
	return NULL;
}

static void threads_meet_with_signals_blocked(void **state)
{
	struct meeting meeting = {.arrived = 0};
	int64_t deadline_ns = clock_now_ns() + 10 * NS_PER_SECOND;
	pthread_t thread;

	(void)state;
	lock_init(&meeting.lock, LOCK_LEAF);
	cond_init(&meeting.cond);
	{
		LOCKED(&meeting.lock);
		assert_false(cond_wait_until(&meeting.cond, &meeting.lock, clock_now_ns()));
	}
	assert_int_equal(thread_start(&thread, "arrive", arrive, &meeting, NULL), 0);
	lock_acquire(&meeting.lock);
	while (!meeting.arrived && cond_wait_until(&meeting.cond, &meeting.lock, deadline_ns))
		continue;
	assert_int_equal(meeting.arrived, 1);
	lock_release(&meeting.lock);
	thread_join(thread);
	cond_done(&meeting.cond);
	lock_done(&meeting.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_replaced_as_a_whole),
		cmocka_unit_test(programs_run_without_a_shell),
		cmocka_unit_test(a_stubborn_child_is_killed),
		cmocka_unit_test(threads_meet_with_signals_blocked),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
