/* SPDX-License-Identifier: Apache-2.0 */
/* Kills, replaces and stops the processes of a small file system while programs use it. Started
 * with arguments this program is that file system. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "failover_clients.h"
#include "failover_fixture.h"
#include "failover_processes.h"
#include "fs/process/launch.h"
#include "fs/process/mount.h"
#include "fs/process/options.h"
#include "fs/process/supervisor.h"
#include "fs/process/upgrade.h"
#include "fs/process/worker.h"

/* ---- the program under test ---- */

static int service_open(const struct worker_context *context, void **ret, void **ret_userdata,
	struct error *reterr)
{
	char refuse[PATH_MAX + 8];
	struct fixture *shared = fixture_open(context->options->state);

	(void)snprintf(refuse, sizeof(refuse), "%s/refuse", context->options->state);
	if (!shared || access(refuse, F_OK) == 0)
		return error_set(reterr, -EIO, "the fixture does not want to");
	atomic_fetch_add(&shared->workers, 1);
	*ret = *ret_userdata = shared;
	return 0;
}

static void service_close(void *arg)
{
	struct fixture *shared = arg;

	atomic_fetch_add(&shared->stopped, 1);
}

static const struct worker_service service = {
	.operations = &fixture_operations,
	.open = service_open,
	.close = service_close,
};

static int service_probe(const char *directory, struct error *reterr)
{
	(void)directory;
	(void)reterr;
	return 0;
}

static int program(int argc, char **argv)
{
	static struct options options;
	struct worker_service mine = service;
	struct holder_service holder = {&fixture_operations, fixture_operations_size};
	struct error error = ERROR_INIT;
	int r = options_parse(&options, argc, argv, &error);

	mine.operations_size = fixture_operations_size;
	if (r == 0 && options.action == OPTIONS_WORKER)
		return worker_run(&options, &mine);
	if (r == 0 && options.action == OPTIONS_TRIAL)
		return upgrade_try(&options, service_probe);
	if (r == 0 && options.action == OPTIONS_MOUNT)
		return launch(&options, &holder);
	if (r == 0)
		r = options.action == OPTIONS_HOLDER ? holder_adopt(&options, &error)
						     : supervisor_run(&options, &error);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", error.text);
	return r < 0;
}

/* ---- helpers ---- */

static char base[64], state[128], mnt[128];
static struct fixture *fixture;

static int run(const char *const *extra, struct buf *output)
{
	char self[PATH_MAX] = {0}, list[256];
	const char *argv[8] = {self, "-o", list};
	int count = 3;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	(void)snprintf(list, sizeof(list), "state=%s,cloud=simulated", state);
	while (extra && *extra)
		argv[count++] = *extra++;
	argv[count++] = mnt;
	return child_run(argv, 30000, output, NULL);
}

/* What a sanitizer has to say about a process in the background goes into a file. */
static void catch_reports(const char *variable)
{
	char options[512];
	const char *given = getenv(variable);

	(void)snprintf(options, sizeof(options), "%s:log_path=%s/report", given ? given : "", base);
	assert_int_equal(setenv(variable, options, 1), 0);
}

static void check_reports(void)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[512];
	const struct dirent *entry;
	DIR *dir = opendir(base);

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "report", 6) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", base, entry->d_name);
		(void)file_read(path, 100000, &text, NULL);
		fail_msg("%s", buf_string(&text));
	}
	(void)closedir(dir);
}

static int start(void **arg)
{
	_cleanup_buf_ struct buf output = BUF_INIT;

	(void)arg;
	(void)snprintf(base, sizeof(base), "/tmp/duplofs-failover.XXXXXX");
	assert_non_null(mkdtemp(base));
	catch_reports("ASAN_OPTIONS");
	catch_reports("TSAN_OPTIONS");
	(void)snprintf(state, sizeof(state), "%s/state", base);
	(void)snprintf(mnt, sizeof(mnt), "%s/mnt", base);
	processes_of(state);
	assert_int_equal(mkdir(state, 0700), 0);
	assert_int_equal(mkdir(mnt, 0755), 0);
	fixture = fixture_open(state);
	assert_non_null(fixture);
	if (run(NULL, &output) != 0)
		fail_msg("%s", buf_string(&output));
	return 0;
}

/* Everything must have gone by itself after the umount. */
static int stop(void **arg)
{
	pid_t pids[ROLES];
	int i;

	(void)arg;
	for (i = 0; i < ROLES; i++)
		pids[i] = process_pid(process_roles[i]);
	(void)umount2(mnt, 0);
	for (i = 0; i < ROLES; i++)
		process_wait_dead(pids[i]);
	for (i = 0; i < ROLES; i++)
		assert_int_equal(process_pid(process_roles[i]), 0);
	(void)munmap(fixture, sizeof(*fixture));
	check_reports();
	assert_int_equal(file_remove_tree(base, NULL), 0);
	return 0;
}

/* ---- tests ---- */

static void test_worker_killed(void **arg)
{
	int i;

	(void)arg;
	clients_start(mnt);
	for (i = 0; i < 120; i++) {
		(void)process_replace("worker", SIGKILL);
		clients_progress();
	}
	clients_stop(fixture, "120 kills of the worker");
	assert_true(fixture->workers >= 121);
}

static void test_worker_killed_before_it_is_ready(void **arg)
{
	int64_t deadline_ns = clock_now_ns() + 6 * DEADLINE_NS;
	int i;

	(void)arg;
	fixture->linger = 2;
	clients_start(mnt);
	for (i = 0; i < 100; i++) {
		(void)process_replace("worker", SIGKILL);
		pause_ms(i % 12);
	}
	clients_progress();
	/* Until it was hit between a change and its reply: without exactly-once that call would
	 * fail. */
	for (i = 0; fixture->resent == 0; i++) {
		assert_true(clock_now_ns() < deadline_ns);
		(void)process_replace("worker", SIGKILL);
		clients_progress();
		pause_ms(i % 4);
	}
	clients_stop(fixture, "100 kills of the worker, 0 to 11 ms after each start");
}

static void test_supervisor_killed(void **arg)
{
	int i;

	(void)arg;
	clients_start(mnt);
	for (i = 0; i < 100; i++) {
		(void)process_replace("supervisor", SIGKILL);
		clients_progress();
		if (i % 2) {
			(void)process_replace("worker", SIGKILL);
			clients_progress();
		}
	}
	clients_stop(fixture, "100 kills of the supervisor, 50 of the worker");
}

/* Any two, and the holder: who is left starts the others anew. */
static void test_all_but_one_killed(void **arg)
{
	static const unsigned victims[] = {
		SUPERVISOR | WORKER, HOLDER, HOLDER | WORKER, HOLDER | SUPERVISOR};
	size_t i;

	(void)arg;
	clients_start(mnt);
	for (i = 0; i < 30 * ARRAY_SIZE(victims); i++) {
		pid_t before[ROLES];
		int role;

		process_kill(victims[i % ARRAY_SIZE(victims)], before);
		for (role = 0; role < ROLES; role++)
			if (victims[i % ARRAY_SIZE(victims)] & 1U << role)
				(void)process_wait_other(process_roles[role], before[role]);
		clients_progress();
	}
	clients_stop(fixture, "30 times each: all but one of the processes killed at once");
}

static void test_handover_and_upgrade(void **arg)
{
	pid_t supervisor = process_pid("supervisor");
	int i;

	(void)arg;
	clients_start(mnt);
	for (i = 0; i < 40; i++) {
		pid_t worker = process_pid("worker");

		if (i % 2)
			assert_int_equal(kill(worker, SIGTERM), 0);
		else
			assert_int_equal(kill(supervisor, SIGUSR2), 0);
		(void)process_wait_other("worker", worker);
		clients_progress();
		assert_int_equal(process_pid("supervisor"), supervisor);
	}
	clients_stop(fixture, "40 handovers in order");
	assert_int_equal(fixture->stopped, 40);
}

/* A child that reads the bell; it has opened it when this returns. */
static pid_t wait_for_bell(void)
{
	char path[PATH_MAX + 8], text[16] = {0};
	int opened[2], fd;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/bell", mnt);
	assert_int_equal(pipe(opened), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fd = open(path, O_RDONLY);
		(void)file_write_all(opened[1], "x", 1);
		_exit(read(fd, text, sizeof(text)) == 5 && strcmp(text, "rung\n") == 0 ? 0 : 1);
	}
	assert_int_equal(read(opened[0], text, 1), 1);
	(void)close(opened[0]);
	(void)close(opened[1]);
	return pid;
}

static void test_blocked_reads_survive(void **arg)
{
	char path[PATH_MAX + 8];
	pid_t waiting[8], interrupted;
	int i, fd, status;

	(void)arg;
	for (i = 0; i < 8; i++)
		waiting[i] = wait_for_bell();
	interrupted = wait_for_bell();
	for (i = 0; i < 10; i++) {
		(void)process_replace("worker", i % 3 ? SIGKILL : SIGTERM);
		(void)process_replace("supervisor", SIGKILL);
	}
	assert_int_equal(waitpid(interrupted, &status, WNOHANG), 0);
	assert_int_equal(kill(interrupted, SIGTERM), 0);
	assert_int_equal(waitpid(interrupted, &status, 0), interrupted);
	assert_true(WIFSIGNALED(status));
	(void)snprintf(path, sizeof(path), "%s/bell", mnt);
	fd = open(path, O_WRONLY);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(close(fd), 0);
	for (i = 0; i < 8; i++) {
		assert_int_equal(waitpid(waiting[i], &status, 0), waiting[i]);
		assert_int_equal(status, 0);
	}
}

/* A request that crashes every worker is refused, instead of crashing the next one for ever. */
static void test_poison_is_refused(void **arg)
{
	char path[PATH_MAX + 8];
	uint64_t workers = fixture->workers;
	int fd;

	(void)arg;
	clients_start(mnt);
	clients_progress();
	fixture->crash = 1000;
	(void)snprintf(path, sizeof(path), "%s/poison", mnt);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(close(fd), 0);
	assert_int_equal(fixture->crash, 998);
	assert_int_equal(fixture->workers, workers + 2);
	/* Others may have been at work in both crashes, too: no word on those. */
	clients_end();
}

static void test_term_ends_it(void **arg)
{
	uint64_t i;

	(void)arg;
	for (i = 0; i < 2; i++) {
		pid_t holder = process_pid("holder");

		assert_int_equal(kill(i ? holder : process_pid("supervisor"), SIGTERM), 0);
		process_wait_dead(holder);
		assert_false(mount_is(mnt, "fuse.duplofs", NULL, 0));
		assert_int_equal(fixture->stopped, i + 1);
		assert_int_equal(run(NULL, NULL), 0);
	}
}

static void test_term_while_in_use(void **arg)
{
	pid_t supervisor = process_pid("supervisor"), holder = process_pid("holder");
	char path[PATH_MAX + 8], text[8];
	int64_t deadline_ns = clock_now_ns() + DEADLINE_NS;
	pid_t before[ROLES];
	int fd;

	(void)arg;
	(void)snprintf(path, sizeof(path), "%s/f1", mnt);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "used", 4), 4);
	/* To all that would end by it, as a service manager sends it. */
	assert_int_equal(kill(holder, SIGTERM), 0);
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	while (mount_is(mnt, "fuse.duplofs", NULL, 0)) {
		assert_true(clock_now_ns() < deadline_ns);
		pause_ms(1);
	}
	/* Out of the tree, but served on to who has it open; even by other processes. */
	(void)process_replace("worker", SIGKILL);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 4);
	assert_true(process_is_alive(supervisor));
	process_kill(SUPERVISOR | WORKER, before);
	(void)process_wait_other("worker", before[2]);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 4);
	assert_int_equal(close(fd), 0);
	process_wait_dead(holder);
	assert_int_equal(fixture->stopped, 1);
	assert_int_equal(run(NULL, NULL), 0);
}

/* A second TERM does not wait for the users. */
static void test_term_twice(void **arg)
{
	pid_t supervisor = process_pid("supervisor"), holder = process_pid("holder");
	pid_t worker = process_pid("worker");
	char path[PATH_MAX + 8], text[8];
	int fd;

	(void)arg;
	(void)snprintf(path, sizeof(path), "%s/f1", mnt);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	while (mount_is(mnt, "fuse.duplofs", NULL, 0))
		pause_ms(1);
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	process_wait_dead(holder);
	/* As long as one of them lives the connection does. */
	process_wait_dead(supervisor);
	process_wait_dead(worker);
	assert_int_equal(pread(fd, text, sizeof(text), 0), -1);
	/* The latter while the kernel still takes the connection down. */
	assert_true(errno == ENOTCONN || errno == ECONNABORTED);
	(void)close(fd);
	assert_int_equal(run(NULL, NULL), 0);
}

/* umount and mount at once: the second waits for the first to have ended. */
static void test_again_and_again(void **arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 10; i++) {
		_cleanup_buf_ struct buf output = BUF_INIT;

		assert_int_equal(umount2(mnt, 0), 0);
		if (run(NULL, &output) != 0)
			fail_msg("%s", buf_string(&output));
	}
	assert_int_equal(fixture->stopped, 10);
}

/* All at once: nobody is left to help. The next start clears the mount away. */
static void test_dead_mount_is_taken_away(void **arg)
{
	pid_t before[ROLES];
	struct stat st;

	(void)arg;
	process_kill(HOLDER | SUPERVISOR | WORKER, before);
	assert_int_equal(stat(mnt, &st), -1);
	/* The second one while the connection is being torn down. */
	assert_true(errno == ENOTCONN || errno == ECONNABORTED);
	assert_int_equal(run(NULL, NULL), 0);
	assert_int_equal(stat(mnt, &st), 0);
}

static void expect_refusal(const char *sentence)
{
	_cleanup_buf_ struct buf output = BUF_INIT;

	assert_int_equal(run(NULL, &output), 1);
	if (!strstr(buf_string(&output), sentence))
		fail_msg("\"%s\" is not in: %s", sentence, buf_string(&output));
	/* One sentence on one line. */
	assert_ptr_equal(strchr(buf_string(&output), '\n'), output.data + output.len - 1);
}

static void test_refusals(void **arg)
{
	char own_mnt[sizeof(mnt)], own_state[sizeof(state)], path[PATH_MAX];
	int fd;

	(void)arg;
	memcpy(own_mnt, mnt, sizeof(mnt));
	memcpy(own_state, state, sizeof(state));
	expect_refusal("is already a duplofs mount");
	(void)snprintf(mnt, sizeof(mnt), "%s/none", base);
	expect_refusal("does not exist");
	(void)snprintf(mnt, sizeof(mnt), "%s/other", base);
	assert_int_equal(mkdir(mnt, 0755), 0);
	expect_refusal("is in use by the platform at");
	(void)snprintf(state, sizeof(state), "%s/state2", base);
	(void)snprintf(path, sizeof(path), "%s/thing", mnt);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	(void)close(fd);
	expect_refusal("is not empty");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(state, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/refuse", state);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	(void)close(fd);
	expect_refusal("the fixture does not want to");
	assert_false(mount_is(mnt, "fuse.duplofs", NULL, 0));
	assert_int_equal(process_pid("supervisor"), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(run(NULL, NULL), 0);
	assert_int_equal(umount2(mnt, 0), 0);
	process_wait_dead(process_pid("supervisor"));
	memcpy(mnt, own_mnt, sizeof(mnt));
	memcpy(state, own_state, sizeof(state));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_worker_killed),
		TEST(test_worker_killed_before_it_is_ready),
		TEST(test_supervisor_killed),
		TEST(test_all_but_one_killed),
		TEST(test_handover_and_upgrade),
		TEST(test_blocked_reads_survive),
		TEST(test_poison_is_refused),
		TEST(test_term_ends_it),
		TEST(test_term_while_in_use),
		TEST(test_term_twice),
		TEST(test_again_and_again),
		TEST(test_dead_mount_is_taken_away),
		TEST(test_refusals),
	};

	if (argc > 1)
		return program(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
