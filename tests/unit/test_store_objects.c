/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: made, found, listed, changed, deleted, purged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_fixture.h"

struct tried {
	int64_t parent, id;
	enum kind kind;
	const char *text, *dns;
};

static int try_create(struct txn *txn, void *arg, struct error *reterr)
{
	struct tried *tried = arg;

	return txn_create(txn, tried->parent, tried->kind, tried->text, &tried->id, reterr);
}

static int try_delete(struct txn *txn, void *arg, struct error *reterr)
{
	return txn_delete(txn, ((struct tried *)arg)->id, reterr);
}

static int try_purge(struct txn *txn, void *arg, struct error *reterr)
{
	return txn_purge(txn, ((struct tried *)arg)->id, reterr);
}

static int try_spec(struct txn *txn, void *arg, struct error *reterr)
{
	struct tried *tried = arg;

	return txn_set_spec(txn, tried->id, tried->text, strlen(tried->text), false,
		tried->dns ? tried->dns : "", reterr);
}

static int try_respell(struct txn *txn, void *arg, struct error *reterr)
{
	struct tried *tried = arg;

	(void)reterr;
	return txn_set_spec_text(txn, tried->id, tried->text, strlen(tried->text));
}

static int try_last_error(struct txn *txn, void *arg, struct error *reterr)
{
	struct tried *tried = arg;

	(void)reterr;
	return txn_set_last_error(txn, tried->id, tried->text);
}

static int try_protect(struct txn *txn, void *arg, struct error *reterr)
{
	struct tried *tried = arg;

	(void)reterr;
	return txn_set_protect(txn, tried->id, tried->text != NULL);
}

static int update(struct store_fixture *fixture, store_update_fn fn, struct tried *tried)
{
	struct error error = ERROR_INIT;
	int r = store_update(fixture->store, STORE_RELAXED, NULL, fn, tried, &error);

	if (r < 0 && error.code) {
		assert_int_equal(error.code, r);
		assert_true(strlen(error.text) > 10);
	}
	return r;
}

static void test_new_store_has_a_platform(void **state)
{
	struct store_fixture *fixture = *state;
	_cleanup_object_ struct object object = OBJECT_INIT;
	char name[32];

	assert_int_equal(strlen(store_platform(fixture->store)), 12);
	assert_int_equal(strspn(store_platform(fixture->store), "0123456789abcdef"), 12);
	(void)snprintf(name, sizeof(name), "%s", store_platform(fixture->store));
	store_fixture_reopen(fixture);
	assert_string_equal(store_platform(fixture->store), name);
	assert_int_equal(store_get(fixture->store, PLATFORM_ID, &object), 0);
	assert_int_equal(object.kind, KIND_PLATFORM);
	assert_int_equal(object.mode, 0755);
}

static void test_created_object_is_found(void **state)
{
	struct store_fixture *fixture = *state;
	struct caller caller = {.uid = 1234, .gid = 567};
	struct tried tried = {.parent = PLATFORM_ID, .kind = KIND_TENANT, .text = "demo"};
	_cleanup_object_ struct object object = OBJECT_INIT;
	int64_t tenant, service;

	assert_int_equal(store_update(fixture->store, STORE_DURABLE, &caller, try_create, &tried,
				 NULL),
		0);
	tenant = tried.id;
	service = fixture_create(fixture, tenant, KIND_SERVICE, "web");
	assert_int_equal(store_find(fixture->store, tenant, KIND_SERVICE, "web", &object), 0);
	assert_int_equal(object.id, service);
	assert_int_equal(object.parent, tenant);
	assert_int_equal(object.tenant, tenant);
	assert_int_equal(object.uid, 1234);
	assert_int_equal(object.gid, 567);
	assert_int_equal(object.mode, 0750);
	assert_int_equal(object.generation, 0);
	assert_null(object.spec);
	assert_int_equal(store_peek_name(fixture->store, tenant, KIND_HOST, "web", &object),
		-ENOENT);
	assert_int_equal(store_get(fixture->store, service + 1, &object), -ENOENT);
}

static void test_name_is_taken_once(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	struct tried again = {.parent = PLATFORM_ID, .kind = KIND_TENANT, .text = "demo"};
	struct tried orphan = {.parent = 999, .kind = KIND_SERVICE, .text = "web"};
	int64_t other;

	assert_int_equal(update(fixture, try_create, &again), -EEXIST);
	assert_int_equal(update(fixture, try_create, &orphan), -ENOENT);
	fixture_delete(fixture, tenant);
	other = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	assert_true(other > tenant);
	fixture_purge(fixture, tenant);
	fixture_delete(fixture, other);
	fixture_purge(fixture, other);
	assert_true(fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo") > other);
}

static void test_spec_grows_generation_and_history(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	int64_t id = fixture_create(fixture, tenant, KIND_SERVICE, "web");
	struct tried wrong = {.id = id, .text = "no such image"};
	struct tried second = {.id = id, .text = "{\"two\":2}\n"};
	struct tried respelt = {.id = id, .text = "{ \"two\": 2 }\n"};
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf old = BUF_INIT;
	struct history_entry entry;

	fixture_set_spec(fixture, id, "{\"one\":1}\n", "");
	assert_int_equal(update(fixture, try_last_error, &wrong), 0);
	assert_int_equal(store_get(fixture->store, id, &object), 0);
	assert_string_equal(object.last_error, "no such image");
	object_done(&object);
	assert_int_equal(update(fixture, try_spec, &second), 0);
	assert_int_equal(update(fixture, try_respell, &respelt), 0);
	assert_int_equal(store_get(fixture->store, id, &object), 0);
	assert_int_equal(object.generation, 2);
	assert_int_equal(object.template_generation, 1);
	assert_string_equal(object.spec, "{ \"two\": 2 }\n");
	assert_null(object.last_error);
	assert_int_equal(store_history(fixture->store, id, 1, &entry, &old), 0);
	assert_string_equal(buf_string(&old), "{\"one\":1}\n");
	assert_int_equal(entry.size, 10);
	assert_int_equal(store_history(fixture->store, id, 3, &entry, NULL), -ENOENT);
}

static void test_dns_name_has_one_owner(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	int64_t one = fixture_create(fixture, tenant, KIND_SERVICE, "one");
	int64_t two = fixture_create(fixture, tenant, KIND_SERVICE, "two");
	struct tried tried = {.id = two, .text = "{}", .dns = "a.example"};
	_cleanup_object_ struct object object = OBJECT_INIT;
	int64_t found = 0;

	fixture_set_spec(fixture, one, "{}", "a.example");
	assert_int_equal(update(fixture, try_spec, &tried), -EBUSY);
	assert_int_equal(store_peek(fixture->store, two, &object), 0);
	assert_int_equal(object.generation, 0);
	assert_int_equal(store_find_dns(fixture->store, "a.example", &found), 0);
	assert_int_equal(found, one);
	assert_int_equal(store_find_dns(fixture->store, "", &found), -ENOENT);
	fixture_delete(fixture, one);
	assert_int_equal(update(fixture, try_spec, &tried), 0);
	assert_int_equal(store_find_dns(fixture->store, "a.example", &found), 0);
	assert_int_equal(found, two);
}

static void test_delete_is_refused_where_it_must(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	int64_t service = fixture_create(fixture, tenant, KIND_SERVICE, "web");
	int64_t instance = fixture_create(fixture, service, KIND_INSTANCE, "0");
	int64_t config = fixture_create(fixture, service, KIND_CONFIG, "MODE");
	struct tried tried = {.id = tenant}, protect = {.id = service, .text = "on"};
	_cleanup_object_ struct object object = OBJECT_INIT;

	assert_int_equal(update(fixture, try_delete, &tried), -ENOTEMPTY);
	assert_int_equal(update(fixture, try_protect, &protect), 0);
	tried.id = service;
	assert_int_equal(update(fixture, try_delete, &tried), -EBUSY);
	protect.text = NULL;
	assert_int_equal(update(fixture, try_protect, &protect), 0);
	assert_int_equal(update(fixture, try_delete, &tried), 0);
	assert_int_equal(update(fixture, try_delete, &tried), -ENOENT);
	assert_int_equal(update(fixture, try_spec, &(struct tried){.id = service, .text = "{}"}),
		-ENOENT);
	assert_int_equal(store_peek(fixture->store, instance, &object), 0);
	assert_true(object.deleting);
	assert_int_equal(store_peek(fixture->store, config, &object), 0);
	assert_true(object.deleting);
	assert_int_equal(update(fixture, try_purge, &tried), -EBUSY);
	fixture_delete(fixture, tenant);
	assert_int_equal(update(fixture, try_purge, &(struct tried){.id = tenant}), -EBUSY);
	fixture_purge(fixture, instance);
	fixture_purge(fixture, config);
	fixture_purge(fixture, service);
	fixture_purge(fixture, tenant);
	assert_int_equal(store_peek(fixture->store, tenant, &object), -ENOENT);
	tried.id = PLATFORM_ID;
	assert_int_equal(update(fixture, try_delete, &tried), -EBUSY);
	assert_int_equal(update(fixture, try_purge, &tried), -EBUSY);
}

struct walk {
	struct store_fixture *fixture;
	int64_t last, count, stop_at;
	int depth;
};

/* Calls the store again from within a walk, in the same query. */
static int walk_on(void *arg, const struct object *object)
{
	struct walk *walk = arg, inner = {.fixture = walk->fixture, .depth = walk->depth + 1};
	struct object found = OBJECT_INIT;

	assert_true(object->id > walk->last);
	walk->last = object->id;
	walk->count++;
	assert_int_equal(store_peek_name(walk->fixture->store, object->parent, object->kind,
				 object->name, &found),
		0);
	assert_int_equal(found.id, object->id);
	if (walk->depth == 0 && walk->count == 5) {
		assert_int_equal(store_list(walk->fixture->store, object->parent, object->kind, 0,
					 true, walk_on, &inner),
			0);
		assert_int_equal(inner.count, 150);
	}
	if (walk->count == 70 && walk->depth == 0)
		fixture_delete(walk->fixture, object->id + 79);
	return walk->count == walk->stop_at;
}

static void test_list_allows_calls_from_within(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	struct walk walk = {.fixture = fixture}, some = {.fixture = fixture, .stop_at = 3};
	int64_t count = 0;
	char name[16];

	for (int i = 0; i < 150; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		fixture_create(fixture, tenant, KIND_SERVICE, name);
	}
	assert_int_equal(store_list(fixture->store, tenant, KIND_SERVICE, 0, true, walk_on, &walk),
		0);
	assert_int_equal(walk.count, 149);
	assert_int_equal(store_count(fixture->store, tenant, KIND_SERVICE, &count), 0);
	assert_int_equal(count, 149);
	some.last = tenant + 10;
	some.depth = 1;
	assert_int_equal(store_list(fixture->store, tenant, KIND_SERVICE, tenant + 10, false,
				 walk_on, &some),
		0);
	assert_int_equal(some.count, 3);
}

struct told {
	struct change changes[8];
	size_t count, calls;
};

static void hear(void *arg, const struct change *changes, size_t count)
{
	struct told *told = arg;

	told->calls++;
	for (size_t i = 0; i < count && told->count < 8; i++)
		told->changes[told->count++] = changes[i];
}

static int change_much(struct txn *txn, void *arg, struct error *reterr)
{
	int64_t *tenant = arg;
	int64_t id = 0;
	int r;

	r = txn_create(txn, *tenant, KIND_SERVICE, "web", &id, reterr);
	if (r == 0)
		r = txn_set_spec(txn, id, "{}", 2, true, "", reterr);
	if (r == 0)
		r = txn_set_status(txn, id, "{\"a\":1}");
	if (r == 0)
		r = txn_event(txn, id, "info", "made");
	return r;
}

static int fail_after_change(struct txn *txn, void *arg, struct error *reterr)
{
	int64_t *tenant = arg;
	int64_t id = 0;

	if (txn_create(txn, *tenant, KIND_SERVICE, "other", &id, reterr) < 0)
		return -ECHILD;
	return error_set(reterr, -ECANCELED, "changed my mind about it");
}

static void test_feed_tells_each_object_once(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct told told = {.count = 0};
	struct error error = ERROR_INIT;

	assert_int_equal(store_watch(fixture->store, hear, &told), 0);
	assert_int_equal(store_update(fixture->store, STORE_RELAXED, NULL, fail_after_change,
				 &tenant, &error),
		-ECANCELED);
	assert_string_equal(error.text, "changed my mind about it");
	assert_int_equal(told.calls, 0);
	assert_int_equal(store_update(fixture->store, STORE_RELAXED, NULL, change_much, &tenant,
				 NULL),
		0);
	assert_int_equal(told.calls, 1);
	assert_int_equal(told.count, 3);
	assert_string_equal(told.changes[0].name, "web");
	assert_int_equal(told.changes[0].flags,
		CHANGE_CREATED | CHANGE_SPEC | CHANGE_STATUS | CHANGE_EVENTS);
	assert_int_equal(told.changes[1].id, tenant);
	assert_int_equal(told.changes[1].flags, CHANGE_EVENTS);
	assert_int_equal(told.changes[2].id, PLATFORM_ID);
	assert_int_equal(store_peek_name(fixture->store, tenant, KIND_SERVICE, "other", &object),
		-ENOENT);
}

static int count_one(void *arg, const struct object *object)
{
	(void)object;
	(*(int *)arg)++;
	return 0;
}

static void test_watcher_counts_each_object_once(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	struct told told = {.count = 0};
	struct error error = ERROR_INIT;
	int count = 0;

	(void)fixture_create(fixture, tenant, KIND_SERVICE, "before");
	assert_int_equal(store_watch_frozen(fixture->store, hear, &told, &error), 0);
	(void)fixture_create(fixture, tenant, KIND_SERVICE, "after");
	assert_int_equal(store_list_all(fixture->store, KIND_SERVICE, 0, false, count_one, &count),
		0);
	store_thaw(fixture->store);
	assert_int_equal(count, 1);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.changes[0].name, "after");
	count = 0;
	assert_int_equal(store_list_all(fixture->store, KIND_SERVICE, 0, false, count_one, &count),
		0);
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new_store_has_a_platform, store_fixture_setup,
			store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_created_object_is_found, store_fixture_setup,
			store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_name_is_taken_once, store_fixture_setup,
			store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_spec_grows_generation_and_history,
			store_fixture_setup, store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_dns_name_has_one_owner, store_fixture_setup,
			store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_delete_is_refused_where_it_must,
			store_fixture_setup, store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_list_allows_calls_from_within,
			store_fixture_setup, store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_feed_tells_each_object_once,
			store_fixture_setup, store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_watcher_counts_each_object_once,
			store_fixture_setup, store_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
