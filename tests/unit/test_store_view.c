/* SPDX-License-Identifier: Apache-2.0 */
/* What the containers of a service see, and what they must not. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/instance.h"
#include "store/view.h"
#include "store_fixture.h"

struct view {
	struct store_fixture fixture;
	int64_t tenant, web, api, foreign;
};

static void make_value(struct view *view, int64_t parent, enum kind kind, const char *name,
	const char *text)
{
	int64_t id = fixture_create(&view->fixture, parent, kind, name);

	fixture_set_value(&view->fixture, id, text, strlen(text));
}

static int setup(void **state)
{
	struct view *view = calloc(1, sizeof(*view));
	struct store_fixture *fixture = &view->fixture;
	int64_t other;

	store_fixture_init(fixture);
	view->tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	view->web = fixture_create(fixture, view->tenant, KIND_SERVICE, "web");
	view->api = fixture_create(fixture, view->tenant, KIND_SERVICE, "api");
	other = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "other");
	view->foreign = fixture_create(fixture, other, KIND_SERVICE, "foreign");
	make_value(view, view->tenant, KIND_SECRET, "KEY", "demo-key");
	make_value(view, view->tenant, KIND_SECRET, "PASSWORD", "demo-password");
	make_value(view, view->tenant, KIND_CONFIG, "MODE", "tenant");
	make_value(view, view->tenant, KIND_CONFIG, "LEVEL", "tenant");
	make_value(view, view->web, KIND_CONFIG, "MODE", "web");
	make_value(view, view->api, KIND_CONFIG, "ONLY_API", "api");
	make_value(view, other, KIND_SECRET, "KEY", "other-key");
	make_value(view, other, KIND_SECRET, "FOREIGN", "other");
	fixture_set_spec(fixture, view->web, "{\"DockerImage\":\"w:1\",\"ExternalLBPort\":80}\n",
		"");
	*state = view;
	return 0;
}

static int teardown(void **state)
{
	store_fixture_done(&((struct view *)*state)->fixture);
	free(*state);
	return 0;
}

static int add_name(void *arg, const struct view_entry *entry)
{
	char *names = arg;
	size_t len = strlen(names);

	(void)snprintf(names + len, 256 - len, "%s ", entry->name);
	return 0;
}

static void check_list(struct view *view, int64_t service, enum view_part part, const char *names)
{
	char found[256] = "";

	assert_int_equal(view_list(view->fixture.store, service, part, add_name, found), 0);
	assert_string_equal(found, names);
}

static void check_content(struct view *view, int64_t service, enum view_part part, const char *name,
	const char *text)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct view_entry entry;

	assert_int_equal(view_find(view->fixture.store, service, part, name, &entry), 0);
	assert_string_equal(entry.name, name);
	assert_int_equal(view_read(view->fixture.store, service, &entry, &out, NULL), 0);
	assert_string_equal(buf_string(&out), text);
	if (entry.size >= 0)
		assert_int_equal(entry.size, out.len);
	buf_wipe(&out);
}

static void check_hidden(struct view *view, int64_t service, enum view_part part, const char *name)
{
	struct view_entry entry;

	assert_int_equal(view_find(view->fixture.store, service, part, name, &entry), -ENOENT);
}

static void test_values_of_the_own_tenant(void **state)
{
	struct view *view = *state;

	check_list(view, view->web, VIEW_SECRETS, "KEY PASSWORD ");
	check_content(view, view->web, VIEW_SECRETS, "KEY", "demo-key");
	check_content(view, view->foreign, VIEW_SECRETS, "KEY", "other-key");
	check_hidden(view, view->web, VIEW_SECRETS, "FOREIGN");
	check_hidden(view, view->web, VIEW_SECRETS, "MODE");
}

static void test_config_of_the_service_goes_first(void **state)
{
	struct view *view = *state;

	check_list(view, view->web, VIEW_CONFIG, "MODE LEVEL ");
	check_content(view, view->web, VIEW_CONFIG, "MODE", "web");
	check_content(view, view->web, VIEW_CONFIG, "LEVEL", "tenant");
	check_content(view, view->api, VIEW_CONFIG, "MODE", "tenant");
	/* One that is being made hides nothing until it is written. */
	(void)fixture_create(&view->fixture, view->web, KIND_CONFIG, "LEVEL");
	check_list(view, view->web, VIEW_CONFIG, "MODE LEVEL ");
	check_content(view, view->web, VIEW_CONFIG, "LEVEL", "tenant");
	check_hidden(view, view->web, VIEW_CONFIG, "ONLY_API");
}

static void test_lists_limit_what_is_seen(void **state)
{
	struct view *view = *state;

	fixture_set_spec(&view->fixture, view->web,
		"{\"DockerImage\":\"w:1\",\"Secrets\":[\"PASSWORD\",\"GONE\"],"
		"\"Neighbors\":[\"api\",\"other/foreign\"]}\n",
		"");
	check_list(view, view->web, VIEW_SECRETS, "PASSWORD ");
	check_hidden(view, view->web, VIEW_SECRETS, "KEY");
	check_hidden(view, view->web, VIEW_SECRETS, "GONE");
	check_list(view, view->web, VIEW_NEIGHBORS, "api ");
	check_hidden(view, view->web, VIEW_NEIGHBORS, "foreign");
	check_hidden(view, view->web, VIEW_NEIGHBORS, "other/foreign");
	fixture_set_spec(&view->fixture, view->web, "{\"DockerImage\":\"w:1\",\"Secrets\":[]}\n",
		"");
	check_list(view, view->web, VIEW_SECRETS, "");
	check_list(view, view->web, VIEW_NEIGHBORS, "web api ");
}

static void test_deleted_values_vanish(void **state)
{
	struct view *view = *state;
	struct view_entry entry;
	_cleanup_buf_ struct buf out = BUF_INIT;

	assert_int_equal(view_find(view->fixture.store, view->web, VIEW_SECRETS, "KEY", &entry), 0);
	fixture_delete(&view->fixture, entry.object);
	check_list(view, view->web, VIEW_SECRETS, "PASSWORD ");
	assert_int_equal(view_read(view->fixture.store, view->web, &entry, &out, NULL), -ENOENT);
	assert_int_equal(view_find(view->fixture.store, view->web, VIEW_CONFIG, "MODE", &entry), 0);
	fixture_delete(&view->fixture, entry.object);
	check_content(view, view->web, VIEW_CONFIG, "MODE", "tenant");
}

struct replica {
	int64_t service;
	struct instance_spec spec;
	struct instance_status status;
};

static int add_replica(struct txn *txn, void *arg, struct error *reterr)
{
	struct replica *replica = arg;
	_cleanup_buf_ struct buf spec = BUF_INIT, status = BUF_INIT;
	char name[16];
	int64_t id;
	int r;

	(void)snprintf(name, sizeof(name), "%d", (int)replica->spec.ordinal);
	instance_spec_print(&replica->spec, &spec);
	instance_status_print(&replica->status, &status);
	r = txn_create(txn, replica->service, KIND_INSTANCE, name, &id, reterr);
	if (r == 0)
		r = txn_set_plan(txn, id, buf_string(&spec));
	if (r == 0)
		r = txn_set_status(txn, id, buf_string(&status));
	return r;
}

static void make_replica(struct view *view, int64_t ordinal, enum instance_phase phase, bool join)
{
	struct replica replica = {.service = view->api};

	replica.spec.ordinal = ordinal;
	replica.spec.run = true;
	replica.spec.join = join;
	replica.status.phase = phase;
	replica.status.port = 8080;
	(void)snprintf(replica.status.address, sizeof(replica.status.address), "10.0.0.%d",
		(int)ordinal);
	assert_int_equal(store_update(view->fixture.store, STORE_RELAXED, NULL, add_replica,
				 &replica, NULL),
		0);
}

static void test_neighbors_are_healthy_and_joined(void **state)
{
	struct view *view = *state;

	check_content(view, view->web, VIEW_NEIGHBORS, "api", "");
	make_replica(view, 10, INSTANCE_HEALTHY, true);
	make_replica(view, 2, INSTANCE_HEALTHY, true);
	make_replica(view, 3, INSTANCE_STARTING, true);
	make_replica(view, 4, INSTANCE_HEALTHY, false);
	make_replica(view, 5, INSTANCE_UNHEALTHY, true);
	check_content(view, view->web, VIEW_NEIGHBORS, "api", "10.0.0.2:8080\n10.0.0.10:8080\n");
}

static void test_self_says_who_it_is(void **state)
{
	struct view *view = *state;
	_cleanup_buf_ struct buf out = BUF_INIT;
	json_t *self;

	assert_int_equal(view_self(view->fixture.store, view->web, &out), 0);
	assert_int_equal(out.data[out.len - 1], '\n');
	self = json_loads(buf_string(&out), 0, NULL);
	assert_non_null(self);
	assert_string_equal(json_string_value(json_object_get(self, "Service")), "web");
	assert_string_equal(json_string_value(json_object_get(self, "Tenant")), "demo");
	assert_string_equal(json_string_value(json_object_get(self, "DockerImage")), "w:1");
	assert_int_equal(json_integer_value(json_object_get(self, "Generation")), 1);
	assert_int_equal(json_integer_value(json_object_get(self, "ExternalLBPort")), 80);
	json_decref(self);
	buf_reset(&out);
	assert_int_equal(view_self(view->fixture.store, 999, &out), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values_of_the_own_tenant, setup, teardown),
		cmocka_unit_test_setup_teardown(test_config_of_the_service_goes_first, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_lists_limit_what_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deleted_values_vanish, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighbors_are_healthy_and_joined, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_self_says_who_it_is, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
