/* SPDX-License-Identifier: Apache-2.0 */
/* What watchers are told: which files a change touches, who watches, and the process that tells. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fs/kernel/crier.h"
#include "fs/kernel/watchers.h"
#include "fs/tree/depend.h"
#include "fs/tree/node.h"
#include "fs/tree/rows.h"
#include "fs/tree/touched.h"

#define DEADLINE_MS 20000

enum { TENANT = 7, SERVICE = 8, INSTANCE = 9, SECRET = 10 };

static const struct row *row_at(uint8_t directory, const char *name)
{
	const struct row *row = row_find(row_get(directory), name);

	assert_non_null(row);
	return row;
}

static struct change change_of(int64_t id, enum kind kind, unsigned flags)
{
	return (struct change){.id = id,
		.parent = kind == KIND_TENANT     ? PLATFORM_ID
			  : kind == KIND_INSTANCE ? SERVICE
						  : TENANT,
		.tenant = TENANT,
		.kind = kind,
		.flags = flags};
}

static void test_depend(void **state)
{
	struct change status = change_of(SERVICE, KIND_SERVICE, CHANGE_STATUS);
	struct change instance = change_of(INSTANCE, KIND_INSTANCE, CHANGE_STATUS);
	struct change made = change_of(INSTANCE, KIND_INSTANCE, CHANGE_CREATED);

	(void)state;
	assert_int_equal(depend_file(row_at(ROW_SERVICE, "status"), &status), SERVICE);
	assert_int_equal(depend_file(row_at(ROW_SERVICE, "replicas"), &status), 0);
	assert_int_equal(depend_file(row_at(ROW_SERVICE, "wait"), &status), SERVICE);
	assert_int_equal(depend_file(row_at(ROW_SERVICE, "status"), &instance), SERVICE);
	assert_int_equal(depend_file(row_at(ROW_SERVICE, "events"), &instance), 0);
	assert_int_equal(depend_file(row_at(ROW_TENANT, "status"), &status), TENANT);
	assert_int_equal(depend_file(row_at(ROW_TENANT, "protect"), &status), 0);
	assert_int_equal(depend_listing(row_get(ROW_INSTANCES), &made), SERVICE);
	assert_int_equal(depend_listing(row_get(ROW_INSTANCES), &instance), 0);
	assert_int_equal(depend_listing(row_get(ROW_SERVICES), &made), 0);
}

static bool has(const struct nodes *nodes, uint64_t node)
{
	size_t i;

	for (i = 0; i < nodes->count; i++)
		if (nodes->all[i] == node)
			return true;
	return false;
}

static void test_touched_below(void **state)
{
	static struct touched touched;
	_cleanup_nodes_ struct nodes nodes = {0};
	struct change status = change_of(SERVICE, KIND_SERVICE, CHANGE_STATUS);
	struct change made = change_of(INSTANCE, KIND_INSTANCE, CHANGE_CREATED);
	struct change secret = change_of(SECRET, KIND_SECRET, CHANGE_SPEC);
	uint64_t service = node_make(row_get(ROW_SERVICE), SERVICE, 0);

	(void)state;
	touched_clear(&touched);
	assert_true(touched_is_empty(&touched));
	touched_add(&touched, &status);
	touched_add(&touched, &made);
	touched_add(&touched, &secret);
	assert_int_equal(touched.count, 3);
	assert_int_equal(touched_below(&touched, service, &nodes), 0);
	assert_true(has(&nodes, node_make(row_at(ROW_SERVICE, "status"), SERVICE, 0)));
	assert_true(has(&nodes, node_make(row_get(ROW_INSTANCES), SERVICE, 0)));
	assert_false(has(&nodes, node_make(row_at(ROW_SERVICE, "replicas"), SERVICE, 0)));
	assert_false(has(&nodes, node_make(row_at(ROW_SERVICE, "wait"), SERVICE, 0)));
	/* The kernel tells itself of what users make and remove. */
	assert_false(has(&nodes, service));

	nodes.count = 0;
	assert_int_equal(touched_below(&touched, node_make(row_get(ROW_SECRETS), TENANT, 0),
				 &nodes),
		0);
	assert_int_equal(nodes.count, 1);
	assert_int_equal(nodes.all[0], node_make(row_get(ROW_SECRET), SECRET, 0));

	nodes.count = 0;
	assert_int_equal(touched_below(&touched, node_make(row_get(ROW_SERVICE), SERVICE + 100, 0),
				 &nodes),
		0);
	assert_int_equal(nodes.count, 0);
	assert_int_equal(touched_below(&touched, node_make_scratch(SERVICE), &nodes), 0);
	assert_int_equal(nodes.count, 0);
}

static void test_touched_overflow(void **state)
{
	static struct touched touched, others;
	_cleanup_nodes_ struct nodes nodes = {0};
	uint64_t status;
	int64_t id;

	(void)state;
	touched_clear(&touched);
	touched_clear(&others);
	for (id = 1000; id < 1000 + 2 * TOUCHED_SLOTS; id++) {
		struct change change = change_of(id, KIND_SERVICE, CHANGE_STATUS);

		touched_add(&touched, &change);
		touched_add(&touched, &change);
	}
	assert_true(touched.all);
	status = node_make(row_at(ROW_SERVICE, "status"), SERVICE, 0);
	touched_merge(&others, &touched);
	assert_int_equal(touched_below(&others, status, &nodes), 0);
	assert_int_equal(nodes.count, 1);
	assert_int_equal(nodes.all[0], status);
	touched_clear(&others);
	assert_true(touched_is_empty(&others));
}

static void test_nodes_tidy(void **state)
{
	static const uint64_t given[] = {5, 3, 5, 1, 3};
	_cleanup_nodes_ struct nodes nodes = {0};
	size_t i;

	(void)state;
	nodes_tidy(&nodes);
	assert_int_equal(nodes.count, 0);
	for (i = 0; i < ARRAY_SIZE(given); i++)
		assert_int_equal(nodes_add(&nodes, given[i]), 0);
	nodes_tidy(&nodes);
	assert_int_equal(nodes.count, 3);
	assert_int_equal(nodes.all[0], 1);
	assert_int_equal(nodes.all[2], 5);
}

static void test_watchers_parse(void **state)
{
	uint64_t node;
	dev_t device;

	(void)state;
	assert_true(watchers_parse("inotify wd:1a ino:3200000030000000 sdev:5f mask:fff "
				   "ignored_mask:0 fhandle-bytes:c",
		&node, &device));
	assert_int_equal(node, UINT64_C(0x3200000030000000));
	assert_int_equal(device, makedev(0, 0x5f));
	assert_true(watchers_parse("inotify wd:1 ino:2 sdev:fe00001 mask:fc6", &node, &device));
	assert_int_equal(device, makedev(254, 1));
	assert_false(watchers_parse("pos:\t0", &node, &device));
	assert_false(watchers_parse("inotify wd:x", &node, &device));
}

/* ---- with files of this machine's own ---- */

struct place {
	char dir[32];
	char file[40];
	struct stat dir_st, file_st;
	int inotify;
};

static int start(void **state)
{
	static struct place place;
	FILE *file;

	(void)snprintf(place.dir, sizeof(place.dir), "/dev/shm/duplofs-XXXXXX");
	assert_non_null(mkdtemp(place.dir));
	(void)snprintf(place.file, sizeof(place.file), "%s/f", place.dir);
	file = fopen(place.file, "we");
	assert_non_null(file);
	assert_true(fputs("content", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(stat(place.dir, &place.dir_st), 0);
	assert_int_equal(stat(place.file, &place.file_st), 0);
	place.inotify = inotify_init1(IN_CLOEXEC);
	assert_true(place.inotify >= 0);
	*state = &place;
	return 0;
}

static int stop(void **state)
{
	struct place *place = *state;

	(void)close(place->inotify);
	return file_remove_tree(place->dir, NULL);
}

static void test_watchers_look(void **state)
{
	struct place *place = *state;
	_cleanup_nodes_ struct nodes nodes = {0};

	assert_int_equal(watchers_look(&nodes, place->file_st.st_dev), 0);
	assert_false(has(&nodes, place->file_st.st_ino));
	assert_true(inotify_add_watch(place->inotify, place->file, IN_MODIFY) >= 0);
	assert_int_equal(watchers_look(&nodes, place->file_st.st_dev), 0);
	assert_true(has(&nodes, place->file_st.st_ino));
	assert_false(has(&nodes, place->dir_st.st_ino));
	assert_int_equal(watchers_look(&nodes, makedev(4000, 1)), 0);
	assert_int_equal(nodes.count, 0);
}

/* The next event's mask; 0: none within the time. */
static uint32_t next_event(struct place *place, int wait_ms)
{
	struct pollfd ready = {.fd = place->inotify, .events = POLLIN};
	union {
		struct inotify_event event;
		char bytes[4096];
	} data;

	if (poll(&ready, 1, wait_ms) <= 0)
		return 0;
	assert_true(read(place->inotify, &data, sizeof(data)) > 0);
	return data.event.mask;
}

/* The mount that holds the directory: of a tmpfs, whose root has another path. */
static void test_crier(void **state)
{
	struct place *place = *state;
	struct crier *crier = NULL;
	struct stat st;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/f", strrchr(place->dir, '/') + 1);
	assert_int_equal(crier_new(&crier, "/dev/shm", place->file_st.st_dev, NULL), 0);
	assert_true(inotify_add_watch(place->inotify, place->file, IN_MODIFY) >= 0);
	assert_int_equal(crier_call(crier, path, false), 0);
	assert_int_equal(next_event(place, DEADLINE_MS), IN_MODIFY);
	/* Here it really is cut; duplofs would leave it as it is. */
	assert_int_equal(stat(place->file, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_true(inotify_add_watch(place->inotify, place->dir, IN_ATTRIB) >= 0);
	assert_int_equal(crier_call(crier, strrchr(place->dir, '/') + 1, true), 0);
	assert_int_equal(next_event(place, DEADLINE_MS) & IN_ATTRIB, IN_ATTRIB);
	crier_free(crier);
}

/* Another file system at that place, as after an umount, is left alone. */
static void test_crier_elsewhere(void **state)
{
	struct place *place = *state;
	struct crier *wrong = NULL, *right = NULL;
	struct stat st;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/f", strrchr(place->dir, '/') + 1);
	assert_int_equal(crier_new(&wrong, "/dev/shm", makedev(4000, 1), NULL), 0);
	assert_int_equal(crier_new(&right, "/dev/shm", place->file_st.st_dev, NULL), 0);
	assert_int_equal(crier_call(wrong, path, false), 0);
	assert_int_equal(crier_call(wrong, "../../etc/hostname", false), 0);
	crier_free(wrong);
	assert_true(inotify_add_watch(place->inotify, place->dir, IN_ATTRIB) >= 0);
	assert_int_equal(crier_call(right, strrchr(place->dir, '/') + 1, true), 0);
	assert_int_equal(next_event(place, DEADLINE_MS) & IN_ATTRIB, IN_ATTRIB);
	assert_int_equal(stat(place->file, &st), 0);
	assert_int_equal(st.st_size, strlen("content"));
	crier_free(right);
}

/* Killed, it says so, and nobody waits for it. */
static void test_crier_killed(void **state)
{
	struct place *place = *state;
	struct crier *crier = NULL;
	char children[64], path[64];
	FILE *file;
	int tries, r = 0;

	/* Those of the tests before end by themselves. */
	while (wait(NULL) > 0)
		;
	assert_int_equal(crier_new(&crier, "/dev/shm", place->file_st.st_dev, NULL), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(children, sizeof(children), file));
	(void)fclose(file);
	assert_int_equal(kill((pid_t)strtol(children, NULL, 10), SIGKILL), 0);
	for (tries = 0; r != -EPIPE && tries < DEADLINE_MS; tries++) {
		r = crier_call(crier, "f", false);
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(r, -EPIPE);
	crier_free(crier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depend),
		cmocka_unit_test(test_touched_below),
		cmocka_unit_test(test_touched_overflow),
		cmocka_unit_test(test_nodes_tidy),
		cmocka_unit_test(test_watchers_parse),
		cmocka_unit_test_setup_teardown(test_watchers_look, start, stop),
		cmocka_unit_test_setup_teardown(test_crier, start, stop),
		cmocka_unit_test_setup_teardown(test_crier_elsewhere, start, stop),
		cmocka_unit_test_setup_teardown(test_crier_killed, start, stop),
	};

	if (rows_compile(NULL) < 0)
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
