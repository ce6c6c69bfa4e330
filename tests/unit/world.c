/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cloud/cloud.h"
#include "engine/engine.h"
#include "model/service.h"

static void on_change(void *arg, const struct change *changes, size_t count)
{
	struct world *world = arg;

	(void)changes;
	LOCKED(&world->lock);
	world->changes += (int64_t)count;
	cond_broadcast(&world->changed);
}

void world_open(struct world *world)
{
	const struct store_options options = {.dir = world->dir};
	struct error error = ERROR_INIT;

	assert_int_equal(store_open(&world->store, &options, &error), 0);
	assert_int_equal(store_watch(world->store, on_change, world), 0);
}

void world_begin(struct world *world)
{
	*world = (struct world){.dir = "/tmp/duplofs-test-reconcile.XXXXXX"};
	lock_init(&world->lock, LOCK_LEAF);
	cond_init(&world->changed);
	assert_non_null(mkdtemp(world->dir));
	(void)snprintf(world->view_dir, sizeof(world->view_dir), "%s/view", world->dir);
	(void)snprintf(world->logs_dir, sizeof(world->logs_dir), "%s/logs", world->dir);
	world_open(world);
}

void world_start(struct world *world, struct engine *engine, struct cloud *cloud, bool simulated)
{
	struct error error = ERROR_INIT;

	world->engine = engine;
	world->cloud = cloud;
	world->options = (struct reconciler_options){
		.store = world->store,
		.engine = engine,
		.cloud = cloud,
		.estate = world->estate,
		.sweep_s = 3600,
		.cloud_name = simulated ? "simulated" : "local",
		.view_dir = world->view_dir,
		.logs_dir = world->logs_dir,
		.host_address = "127.0.0.1",
		.port_low = world->port_low ? world->port_low : 21000,
		.port_high = world->port_high ? world->port_high : 21999,
		.engine_new = world->engine_new,
		.engine_arg = world->engine_arg,
		.host_grace_s = world->host_grace_s ? world->host_grace_s : 30,
		.simulated = simulated,
	};
	assert_int_equal(reconciler_start(&world->reconciler, &world->options, &error), 0);
}

void world_stop(struct world *world)
{
	if (world->reconciler)
		reconciler_stop(world->reconciler);
	engine_free(world->engine);
	cloud_free(world->cloud, false);
	store_close(world->store);
	reconciler_free(world->reconciler);
	world->reconciler = NULL;
	world->engine = NULL;
	world->cloud = NULL;
	world->store = NULL;
}

void world_end(struct world *world)
{
	world_stop(world);
	assert_int_equal(file_remove_tree(world->dir, NULL), 0);
	cond_done(&world->changed);
	lock_done(&world->lock);
}

struct making {
	int64_t parent, id;
	enum kind kind;
	const char *name, *text;
	bool on, restart;
};

static int make(struct txn *txn, void *arg, struct error *reterr)
{
	struct making *making = arg;

	return txn_create(txn, making->parent, making->kind, making->name, &making->id, reterr);
}

int64_t world_tenant(struct world *world, const char *name)
{
	struct making making = {.parent = PLATFORM_ID, .kind = KIND_TENANT, .name = name};

	assert_int_equal(store_update(world->store, STORE_DURABLE, NULL, make, &making, NULL), 0);
	return making.id;
}

int64_t world_service(struct world *world, int64_t tenant, const char *name)
{
	struct making making = {.parent = tenant, .kind = KIND_SERVICE, .name = name};

	assert_int_equal(store_update(world->store, STORE_DURABLE, NULL, make, &making, NULL), 0);
	return making.id;
}

static int set_host(struct txn *txn, void *arg, struct error *reterr)
{
	struct making *making = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = txn_find(txn, making->parent, making->kind, making->name, &object);

	making->id = object.id;
	if (r == -ENOENT)
		r = make(txn, arg, reterr);
	if (r == 0)
		r = txn_set_spec(txn, making->id, making->text, strlen(making->text), true, "",
			reterr);
	return r;
}

int64_t world_host(struct world *world, int64_t tenant, const char *name, const char *text)
{
	struct making making = {.parent = tenant, .kind = KIND_HOST, .name = name, .text = text};
	struct error error = ERROR_INIT;

	if (store_update(world->store, STORE_DURABLE, NULL, set_host, &making, &error) < 0)
		fail_msg("host refused: %s", error.text);
	return making.id;
}

static int set_spec(struct txn *txn, void *arg, struct error *reterr)
{
	const struct making *making = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_service_spec_ struct service_spec *spec = NULL, *before = NULL;
	bool changed = true;
	int r = txn_get(txn, making->id, &object);

	if (r == 0)
		r = service_spec_parse(making->text, strlen(making->text), making->name, &spec,
			reterr);
	if (r == 0 && object.spec &&
		service_spec_parse(object.spec, strlen(object.spec), making->name, &before, NULL) ==
			0)
		changed = !service_spec_same_template(before, spec);
	if (r == 0)
		r = txn_set_spec(txn, making->id, making->text, strlen(making->text), changed,
			spec->dns, reterr);
	return r;
}

int64_t world_spec(struct world *world, int64_t service, const char *name, const char *text)
{
	struct making making = {.id = service, .name = name, .text = text};
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct error error = ERROR_INIT;

	if (store_update(world->store, STORE_DURABLE, NULL, set_spec, &making, &error) < 0)
		fail_msg("spec refused: %s", error.text);
	assert_int_equal(store_peek(world->store, service, &object), 0);
	return object.generation;
}

static int set_value(struct txn *txn, void *arg, struct error *reterr)
{
	struct making *making = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = txn_find(txn, making->parent, making->kind, making->name, &object);

	making->id = object.id;
	if (r == -ENOENT)
		r = make(txn, arg, reterr);
	if (r == 0)
		r = txn_set_value(txn, making->id, making->text, strlen(making->text), reterr);
	return r;
}

int64_t world_value(struct world *world, int64_t parent, bool secret, const char *name,
	const char *value)
{
	struct making making = {.parent = parent,
		.kind = secret ? KIND_SECRET : KIND_CONFIG,
		.name = name,
		.text = value};

	assert_int_equal(store_update(world->store, STORE_DURABLE, NULL, set_value, &making, NULL),
		0);
	return making.id;
}

static int delete (struct txn *txn, void *arg, struct error *reterr)
{
	return txn_delete(txn, *(int64_t *)arg, reterr);
}

void world_delete(struct world *world, int64_t id)
{
	struct error error = ERROR_INIT;

	if (store_update(world->store, STORE_DURABLE, NULL, delete, &id, &error) < 0)
		fail_msg("cannot delete: %s", error.text);
}

static int rollout(struct txn *txn, void *arg, struct error *reterr)
{
	const struct making *making = arg;

	(void)reterr;
	return making->restart ? txn_add_restart(txn, making->id)
			       : txn_set_paused(txn, making->id, making->on);
}

void world_rollout(struct world *world, int64_t service, bool restart, bool paused)
{
	struct making making = {.id = service, .restart = restart, .on = paused};

	assert_int_equal(store_update(world->store, STORE_DURABLE, NULL, rollout, &making, NULL),
		0);
}

bool world_wait(struct world *world, int seconds, world_condition condition, void *arg)
{
	int64_t deadline_ns = clock_now_ns() + seconds * NS_PER_SECOND;

	while (!condition(world, arg)) {
		int64_t look_ns = clock_now_ns() + 20 * NS_PER_MILLISECOND;

		if (clock_now_ns() > deadline_ns)
			return false;
		LOCKED(&world->lock);
		(void)cond_wait_until(&world->changed, &world->lock, look_ns);
	}
	return true;
}

static bool is_settled(struct world *world, void *arg)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct service_status status;

	if (store_get(world->store, *(int64_t *)arg, &object) < 0)
		return false;
	return object.observed == object.generation && !object.failed &&
	       service_status_parse(object.status, &status) == 0 &&
	       status.phase == SERVICE_RUNNING && status.restart == object.restart &&
	       status.generation == object.generation;
}

bool world_settled(struct world *world, int64_t service, int seconds)
{
	_cleanup_object_ struct object object = OBJECT_INIT;

	if (world_wait(world, seconds, is_settled, &service))
		return true;
	if (store_get(world->store, service, &object) == 0)
		print_message("not settled: generation %lld, observed %lld, failed %d (%s), %s\n",
			(long long)object.generation, (long long)object.observed, object.failed,
			object.reason ? object.reason : "", object.status);
	return false;
}

struct failing {
	int64_t service, generation;
};

static bool has_failed(struct world *world, void *arg)
{
	const struct failing *failing = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;

	return store_get(world->store, failing->service, &object) == 0 &&
	       object.observed == failing->generation && object.failed;
}

bool world_failed(struct world *world, int64_t service, int64_t generation, int seconds)
{
	struct failing failing = {service, generation};

	return world_wait(world, seconds, has_failed, &failing);
}

static bool is_gone(struct world *world, void *arg)
{
	_cleanup_object_ struct object object = OBJECT_INIT;

	return store_peek(world->store, *(int64_t *)arg, &object) == -ENOENT;
}

bool world_gone(struct world *world, int64_t id, int seconds)
{
	return world_wait(world, seconds, is_gone, &id);
}

void world_status(struct world *world, int64_t service, struct service_status *ret)
{
	_cleanup_object_ struct object object = OBJECT_INIT;

	assert_int_equal(store_get(world->store, service, &object), 0);
	assert_int_equal(service_status_parse(object.status, ret), 0);
}

bool world_told(struct world *world, int64_t id, const char *text)
{
	_cleanup_buf_ struct buf events = BUF_INIT;

	assert_int_equal(store_events(world->store, id, &events), 0);
	return strstr(buf_string(&events), text) != NULL;
}
