/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept beside objects: history, events, journal, allocated numbers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_fixture.h"

struct records {
	struct store_fixture fixture;
	int64_t tenant, web, api;
};

static int setup(void **state)
{
	struct records *records = calloc(1, sizeof(*records));

	store_fixture_init(&records->fixture);
	records->tenant = fixture_create(&records->fixture, PLATFORM_ID, KIND_TENANT, "demo");
	records->web = fixture_create(&records->fixture, records->tenant, KIND_SERVICE, "web");
	records->api = fixture_create(&records->fixture, records->tenant, KIND_SERVICE, "api");
	*state = records;
	return 0;
}

static int teardown(void **state)
{
	store_fixture_done(&((struct records *)*state)->fixture);
	free(*state);
	return 0;
}

static int update(struct records *records, const struct caller *caller, store_update_fn fn,
	void *arg)
{
	return store_update(records->fixture.store, STORE_RELAXED, caller, fn, arg, NULL);
}

/* ---- history ---- */

static int set_spec(struct txn *txn, void *arg, struct error *reterr)
{
	const struct records *records = arg;
	static int count;
	char text[32];
	int len = snprintf(text, sizeof(text), "{\"n\":%d}\n", ++count);

	return txn_set_spec(txn, records->web, text, (size_t)len, true, "", reterr);
}

struct told {
	int64_t last, count, stop_at;
};

static int tell(void *arg, const struct history_entry *entry)
{
	struct told *told = arg;

	assert_int_equal(entry->generation, told->last + 1);
	assert_int_equal(entry->uid, 1000 + entry->generation % 2);
	assert_true(entry->wall_ns > 0);
	told->last = entry->generation;
	return ++told->count == told->stop_at;
}

static void test_history_names_who_and_when(void **state)
{
	struct records *records = *state;
	struct told all = {.stop_at = 0}, some = {.last = 10, .stop_at = 3};

	for (int i = 1; i <= 130; i++) {
		struct caller caller = {.uid = (uid_t)(1000 + i % 2), .gid = 7};

		assert_int_equal(update(records, &caller, set_spec, records), 0);
	}
	assert_int_equal(store_history_list(records->fixture.store, records->web, 0, tell, &all),
		0);
	assert_int_equal(all.count, 130);
	assert_int_equal(store_history_list(records->fixture.store, records->web, 10, tell, &some),
		0);
	assert_int_equal(some.count, 3);
	assert_int_equal(store_history_list(records->fixture.store, records->api, 0, tell, &all),
		0);
	assert_int_equal(all.count, 130);
}

/* ---- events ---- */

struct saying {
	int64_t object;
	const char *text;
	int from, to;
};

static int say(struct txn *txn, void *arg, struct error *reterr)
{
	const struct saying *saying = arg;
	int r = 0;

	(void)reterr;
	for (int i = saying->from; i <= saying->to && r == 0; i++)
		r = txn_event(txn, saying->object, i % 2 ? "info" : "warning", "%s %d",
			saying->text, i);
	return r;
}

static size_t count_lines(const struct buf *text)
{
	size_t count = 0;

	for (size_t i = 0; i < text->len; i++)
		count += text->data[i] == '\n';
	return count;
}

static void read_events(struct records *records, int64_t id, struct buf *out)
{
	buf_reset(out);
	assert_int_equal(store_events(records->fixture.store, id, out), 0);
}

static void test_events_are_capped_and_in_order(void **state)
{
	struct records *records = *state;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct saying much = {records->web, "number", 1, 700};
	struct saying late = {records->api, "late", 1, 1};
	char *first;

	assert_int_equal(update(records, NULL, say, &late), 0);
	assert_int_equal(update(records, NULL, say, &much), 0);
	read_events(records, records->web, &out);
	assert_int_equal(count_lines(&out), 500);
	assert_non_null(strstr(out.data, " warning demo/web: number 700\n"));
	assert_null(strstr(out.data, " number 200\n"));
	first = strstr(out.data, "number 201\n");
	assert_non_null(first);
	assert_true(first < strstr(out.data, "number 202\n"));
	/* "2026-11-23T02:30:00Z warning demo/web: text" */
	assert_int_equal(out.data[10], 'T');
	assert_int_equal(out.data[19], 'Z');
	assert_int_equal(out.data[20], ' ');
	/* One service's many events leave another's alone. */
	read_events(records, records->api, &out);
	assert_int_equal(count_lines(&out), 1);
	read_events(records, records->tenant, &out);
	assert_int_equal(count_lines(&out), 500);
}

static void test_events_show_above(void **state)
{
	struct records *records = *state;
	int64_t instance = fixture_create(&records->fixture, records->web, KIND_INSTANCE, "0");
	int64_t other = fixture_create(&records->fixture, PLATFORM_ID, KIND_TENANT, "other");
	struct saying of_instance = {instance, "two\nlines\tand \x1b[31mcolour", 1, 1};
	struct saying of_tenant = {other, "hello", 2, 2}, of_platform = {PLATFORM_ID, "all", 3, 3};
	struct object before = OBJECT_INIT, after = OBJECT_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;

	assert_int_equal(store_peek(records->fixture.store, records->tenant, &before), 0);
	assert_int_equal(update(records, NULL, say, &of_instance), 0);
	assert_int_equal(update(records, NULL, say, &of_tenant), 0);
	assert_int_equal(update(records, NULL, say, &of_platform), 0);
	assert_int_equal(store_peek(records->fixture.store, records->tenant, &after), 0);
	assert_true(after.events_ns > before.events_ns);
	read_events(records, records->web, &out);
	assert_non_null(strstr(out.data, "info demo/web: two lines and  [31mcolour 1\n"));
	read_events(records, records->tenant, &out);
	assert_int_equal(count_lines(&out), 1);
	read_events(records, other, &out);
	assert_non_null(strstr(out.data, "warning other: hello 2\n"));
	read_events(records, PLATFORM_ID, &out);
	assert_int_equal(count_lines(&out), 3);
	assert_non_null(strstr(out.data, "info platform: all 3\n"));
	fixture_delete(&records->fixture, other);
	fixture_purge(&records->fixture, other);
	read_events(records, PLATFORM_ID, &out);
	assert_int_equal(count_lines(&out), 2);
	assert_int_equal(store_events(records->fixture.store, other, &out), -ENOENT);
}

/* ---- journal ---- */

struct entry {
	int64_t owner;
	const char *type, *name;
};

static int intend(struct txn *txn, void *arg, struct error *reterr)
{
	const struct entry *entry = arg;

	(void)reterr;
	return txn_intent_add(txn, entry->owner, entry->type, entry->name);
}

static int finish(struct txn *txn, void *arg, struct error *reterr)
{
	const struct entry *entry = arg;

	(void)reterr;
	return txn_intent_done(txn, entry->owner, entry->type, entry->name);
}

static int try_purge(struct txn *txn, void *arg, struct error *reterr)
{
	return txn_purge(txn, *(int64_t *)arg, reterr);
}

static int count_intent(void *arg, const struct intent *intent)
{
	struct told *told = arg;

	assert_true(intent->id > told->last);
	assert_true(intent->created_ns > 0);
	told->last = intent->id;
	return ++told->count == told->stop_at;
}

static int64_t count_intents(struct records *records, int64_t owner)
{
	struct told told = {.stop_at = 0};

	assert_int_equal(store_intents(records->fixture.store, owner, count_intent, &told), 0);
	return told.count;
}

static void test_journal_holds_until_done(void **state)
{
	struct records *records = *state;
	struct entry one = {records->web, "container", "demo-web-0-1"};
	struct entry two = {records->web, "network", "demo-web-0-1"};
	char name[200];

	assert_int_equal(update(records, NULL, intend, &one), 0);
	assert_int_equal(update(records, NULL, intend, &one), 0);
	assert_int_equal(update(records, NULL, intend, &two), 0);
	for (int i = 0; i < 70; i++) {
		struct entry many = {records->api, "container", name};

		(void)snprintf(name, sizeof(name), "api-%d", i);
		assert_int_equal(update(records, NULL, intend, &many), 0);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(update(records, NULL, intend,
				 &(struct entry){records->web, "network", name}),
		-ENAMETOOLONG);
	store_fixture_reopen(&records->fixture);
	assert_int_equal(count_intents(records, records->web), 2);
	assert_int_equal(count_intents(records, 0), 72);
	fixture_delete(&records->fixture, records->web);
	assert_int_equal(update(records, NULL, try_purge, &records->web), -EBUSY);
	assert_int_equal(update(records, NULL, finish, &one), 0);
	assert_int_equal(update(records, NULL, try_purge, &records->web), -EBUSY);
	assert_int_equal(update(records, NULL, finish, &two), 0);
	assert_int_equal(update(records, NULL, finish, &two), 0);
	assert_int_equal(update(records, NULL, try_purge, &records->web), 0);
	assert_int_equal(count_intents(records, 0), 70);
}

/* ---- allocations ---- */

struct demand {
	const char *pool;
	int64_t low, high, not_this, owner, number;
};

static int demand(struct txn *txn, void *arg, struct error *reterr)
{
	struct demand *d = arg;

	(void)reterr;
	return txn_allocate(txn, d->pool, d->low, d->high, d->not_this, d->owner, &d->number);
}

static int release(struct txn *txn, void *arg, struct error *reterr)
{
	const struct demand *d = arg;

	(void)reterr;
	return txn_release(txn, d->pool, d->owner);
}

static int64_t allocate(struct records *records, int64_t owner, int64_t not_this)
{
	struct demand d = {"ports", 100, 104, not_this, owner, 0};
	int r = update(records, NULL, demand, &d);

	return r < 0 ? r : d.number;
}

static void test_numbers_belong_to_one(void **state)
{
	struct records *records = *state;
	struct demand first = {.pool = "ports", .owner = 12};

	for (int owner = 11; owner <= 15; owner++)
		assert_int_equal(allocate(records, owner, 0), 89 + owner);
	assert_int_equal(allocate(records, 16, 0), -ENOSPC);
	assert_int_equal(allocate(records, 13, 0), 102);
	assert_int_equal(update(records, NULL, release, &first), 0);
	store_fixture_reopen(&records->fixture);
	assert_int_equal(allocate(records, 13, 0), 102);
	/* 101 is free, and said to be taken outside. */
	assert_int_equal(allocate(records, 16, 101), -ENOSPC);
	assert_int_equal(allocate(records, 16, 0), 101);
	/* 104 is given up; nothing else is free. */
	assert_int_equal(allocate(records, 15, 104), -ENOSPC);
	assert_int_equal(allocate(records, 15, 0), 104);
}

static void test_numbers_go_round(void **state)
{
	struct records *records = *state;
	struct demand d = {.pool = "ports", .owner = 1};
	struct demand other = {"others", 100, 104, 0, 1, 0};

	/* One that was just released is given again last. */
	for (int i = 0; i < 12; i++) {
		assert_int_equal(allocate(records, 1, 0), 100 + i % 5);
		assert_int_equal(update(records, NULL, release, &d), 0);
	}
	assert_int_equal(allocate(records, 1, 0), 102);
	assert_int_equal(allocate(records, 1, 102), 103);
	assert_int_equal(allocate(records, 1, 103), 104);
	assert_int_equal(allocate(records, 1, 104), 100);
	assert_int_equal(update(records, NULL, demand, &other), 0);
	assert_int_equal(other.number, 100);
}

static void test_purge_frees_numbers(void **state)
{
	struct records *records = *state;
	int64_t instance = fixture_create(&records->fixture, records->web, KIND_INSTANCE, "0");

	for (int owner = 1001; owner <= 1004; owner++)
		assert_true(allocate(records, owner, 0) >= 100);
	assert_int_equal(allocate(records, instance, 0), 104);
	assert_int_equal(allocate(records, 1005, 0), -ENOSPC);
	fixture_purge(&records->fixture, instance);
	assert_int_equal(allocate(records, 1005, 0), 104);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_history_names_who_and_when, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_are_capped_and_in_order, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_events_show_above, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_holds_until_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers_belong_to_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers_go_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_purge_frees_numbers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
