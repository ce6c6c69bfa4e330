/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: with its change or not at all, in lines that nobody can forge, bounded. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store_fixture.h"

struct world {
	struct store_fixture fixture;
	int64_t demo;
	int result; /* of the update's function */
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	store_fixture_init(&world->fixture);
	world->demo = fixture_create(&world->fixture, PLATFORM_ID, KIND_TENANT, "demo");
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	store_fixture_done(&((struct world *)*state)->fixture);
	free(*state);
	return 0;
}

static int protect(struct txn *txn, void *arg, struct error *reterr)
{
	const struct world *world = arg;
	int r = txn_set_protect(txn, world->demo, true);

	(void)reterr;
	return r < 0 ? r : world->result;
}

static int refuse(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return txn_audit_refusal(txn, arg, -EDQUOT);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static char *read_audit(struct world *world)
{
	struct buf text = BUF_INIT;
	int64_t size, wall_ns;

	assert_int_equal(store_audit(world->fixture.store, &text), 0);
	assert_int_equal(store_audit_stat(world->fixture.store, &size, &wall_ns), 0);
	assert_int_equal(size, text.len);
	assert_int_equal(wall_ns > 0, text.len > 0);
	return buf_take(&text, NULL);
}

static void expect(struct world *world, const char *ending)
{
	char *text = read_audit(world);
	char *line = text;

	for (char *at = strchr(line, '\n'); at && at[1]; at = strchr(line, '\n'))
		line = at + 1;
	if (!strstr(line, ending) || strcmp(strstr(line, ending) + strlen(ending), "\n") != 0)
		fail_msg("%s does not end in %s", line, ending);
	/* "2026-11-26T12:00:00.123456Z" */
	assert_int_equal(strcspn(line, " "), 27);
	assert_int_equal(line[26], 'Z');
	free(text);
}

static void expect_lines(struct world *world, size_t count)
{
	char *text = read_audit(world);

	assert_int_equal(count_lines(text), count);
	free(text);
}

static struct audit audit_of(struct world *world)
{
	return (struct audit){.path = "demo/protect", .program = "sh", .object = world->demo};
}

static int run(struct world *world, const struct audit *audit, uid_t uid, uint64_t token)
{
	struct caller caller = {.uid = uid,
		.gid = 6,
		.pid = 7,
		.token = token,
		.operation = "write",
		.audit = audit};

	return store_update(world->fixture.store, STORE_DURABLE, &caller, protect, world, NULL);
}

static void test_a_line_comes_with_its_change(void **state)
{
	struct world *world = *state;
	struct audit audit = audit_of(world);
	struct error error = ERROR_INIT;

	assert_int_equal(store_tokens_open(world->fixture.store, "mount", &error), 0);
	world->result = -EINVAL;
	assert_int_equal(run(world, &audit, 5, 0), -EINVAL);
	assert_int_equal(run(world, NULL, 5, 0), -EINVAL);
	expect_lines(world, 0);
	world->result = 0;
	assert_int_equal(run(world, &audit, 5, 77), 0);
	expect(world, "uid=5 gid=6 pid=7 program=sh operation=write path=demo/protect "
		      "generation=- outcome=accepted");
	/* Once. */
	store_fixture_reopen(&world->fixture);
	assert_int_equal(store_tokens_open(world->fixture.store, "mount", &error), 0);
	assert_int_equal(run(world, &audit, 5, 77), 0);
	expect_lines(world, 1);
	assert_int_equal(run(world, &audit, 5, 78), 0);
	expect(world, "outcome=unchanged");
	assert_int_equal(run(world, NULL, 5, 0), 0);
	expect_lines(world, 2);
}

static void test_what_was_refused(void **state)
{
	struct world *world = *state;
	struct audit audit = audit_of(world);
	struct caller caller = {.uid = 9, .operation = "mkdir", .audit = &audit};

	audit.detail = "owner=5:6";
	assert_int_equal(store_update(world->fixture.store, STORE_RELAXED, NULL, refuse, &caller,
				 NULL),
		0);
	expect(world, "uid=9 gid=0 pid=0 program=sh operation=mkdir path=demo/protect "
		      "generation=- owner=5:6 outcome=EDQUOT");
}

/* Programs may call themselves anything, and names that are refused hold anything. */
static void test_lines_cannot_be_forged(void **state)
{
	struct world *world = *state;
	struct audit audit = audit_of(world);

	audit.program = "a\n2026 uid=0";
	audit.path = "x \\y\xc3\xa4\x7f";
	assert_int_equal(run(world, &audit, 5, 0), 0);
	expect(world, "program=a\\0122026\\040uid=0 operation=write "
		      "path=x\\040\\134y\\303\\244\\177 generation=- outcome=accepted");
	audit.program = "";
	assert_int_equal(run(world, &audit, 5, 0), 0);
	expect(world, "program=? operation=write path=x\\040\\134y\\303\\244\\177 generation=- "
		      "outcome=unchanged");
	expect_lines(world, 2);
}

struct reads {
	int64_t service, secret;
	struct audit_reader reader;
	int count;
};

static int read_secret(struct txn *txn, void *arg, struct error *reterr)
{
	const struct reads *reads = arg;
	int r = 0;

	(void)reterr;
	for (int i = 0; r == 0 && i < reads->count; i++)
		r = txn_audit_read(txn, reads->service, reads->secret, &reads->reader);
	return r;
}

static struct reads reads_of(struct world *world, int64_t tenant)
{
	return (struct reads){
		.service = fixture_create(&world->fixture, tenant, KIND_SERVICE, "web"),
		.secret = fixture_create(&world->fixture, tenant, KIND_SECRET, "KEY"),
		.reader = {.uid = 8, .gid = 9, .pid = 10, .program = "my app"},
		.count = 1,
	};
}

static void test_who_read_a_secret(void **state)
{
	struct world *world = *state;
	struct store *store = world->fixture.store;
	struct reads reads = reads_of(world, world->demo);
	struct reads noisy =
		reads_of(world, fixture_create(&world->fixture, PLATFORM_ID, KIND_TENANT, "noisy"));
	char *text;

	assert_int_equal(store_update(store, STORE_RELAXED, NULL, read_secret, &reads, NULL), 0);
	expect(world,
		"Z uid=8 gid=9 pid=10 program=my\\040app operation=read path=demo/secrets/KEY "
		"generation=0 service=web outcome=accepted");
	reads.reader = (struct audit_reader){.uid = -1, .gid = -1, .pid = 10};
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, read_secret, &reads, NULL), 0);
	expect(world, "Z uid=- gid=- pid=10 program=- operation=read path=demo/secrets/KEY "
		      "generation=0 service=web outcome=accepted");
	noisy.count = 6000;
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, read_secret, &noisy, NULL), 0);
	text = read_audit(world);
	assert_int_equal(count_lines(text), 5002); /* a tenant pushes out its own alone */
	free(text);
	reads.secret = 999999; /* gone by now */
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, read_secret, &reads, NULL), 0);
	expect_lines(world, 5002);
}

static int make_noise(struct txn *txn, void *arg, struct error *reterr)
{
	const struct caller *caller = arg;
	int r = 0;

	(void)reterr;
	for (int i = 0; i < 6000 && r == 0; i++)
		r = txn_audit_refusal(txn, caller, -EINVAL);
	return r;
}

static void test_noise_pushes_out_nobody_else(void **state)
{
	struct world *world = *state;
	struct audit audit = audit_of(world);
	struct caller noisy = {.uid = 1000, .operation = "write", .audit = &audit};
	char *text;

	assert_int_equal(run(world, &audit, 5, 0), 0);
	assert_int_equal(store_update(world->fixture.store, STORE_RELAXED, NULL, make_noise, &noisy,
				 NULL),
		0);
	text = read_audit(world);
	assert_int_equal(count_lines(text), 5001);
	assert_non_null(strstr(text, " uid=5 "));
	free(text);
	assert_int_equal(run(world, &audit, 5, 0), 0);
	expect(world, "outcome=unchanged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_line_comes_with_its_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_was_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_cannot_be_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_read_a_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise_pushes_out_nobody_else, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
