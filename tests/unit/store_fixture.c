/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

struct call {
	int64_t parent, id;
	enum kind kind;
	const char *text, *dns;
	size_t len;
};

static void fixture_open(struct store_fixture *fixture)
{
	struct store_options options = {.dir = fixture->dir};
	struct error error = ERROR_INIT;

	if (store_open(&fixture->store, &options, &error) < 0)
		fail_msg("%s", error.text);
}

void store_fixture_init(struct store_fixture *fixture)
{
	(void)snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/duplofs-store.XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	fixture_open(fixture);
}

void store_fixture_reopen(struct store_fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = NULL;
	fixture_open(fixture);
}

void store_fixture_done(struct store_fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = NULL;
	(void)file_remove_tree(fixture->dir, NULL);
}

int store_fixture_setup(void **state)
{
	struct store_fixture *fixture = calloc(1, sizeof(*fixture));

	store_fixture_init(fixture);
	*state = fixture;
	return 0;
}

int store_fixture_teardown(void **state)
{
	store_fixture_done(*state);
	free(*state);
	return 0;
}

static void fixture_update(struct store_fixture *fixture, store_update_fn fn, struct call *call)
{
	struct error error = ERROR_INIT;

	if (store_update(fixture->store, STORE_RELAXED, NULL, fn, call, &error) < 0)
		fail_msg("%s", error.text);
}

static int call_create(struct txn *txn, void *arg, struct error *reterr)
{
	struct call *call = arg;

	return txn_create(txn, call->parent, call->kind, call->text, &call->id, reterr);
}

int64_t fixture_create(struct store_fixture *fixture, int64_t parent, enum kind kind,
	const char *name)
{
	struct call call = {.parent = parent, .kind = kind, .text = name};

	fixture_update(fixture, call_create, &call);
	return call.id;
}

static int call_set_spec(struct txn *txn, void *arg, struct error *reterr)
{
	struct call *call = arg;

	return txn_set_spec(txn, call->id, call->text, strlen(call->text), true, call->dns, reterr);
}

void fixture_set_spec(struct store_fixture *fixture, int64_t id, const char *text, const char *dns)
{
	struct call call = {.id = id, .text = text, .dns = dns};

	fixture_update(fixture, call_set_spec, &call);
}

static int call_set_value(struct txn *txn, void *arg, struct error *reterr)
{
	struct call *call = arg;

	return txn_set_value(txn, call->id, call->text, call->len, reterr);
}

void fixture_set_value(struct store_fixture *fixture, int64_t id, const void *data, size_t len)
{
	struct call call = {.id = id, .text = data, .len = len};

	fixture_update(fixture, call_set_value, &call);
}

static int call_delete(struct txn *txn, void *arg, struct error *reterr)
{
	struct call *call = arg;

	return txn_delete(txn, call->id, reterr);
}

void fixture_delete(struct store_fixture *fixture, int64_t id)
{
	struct call call = {.id = id};

	fixture_update(fixture, call_delete, &call);
}

static int call_purge(struct txn *txn, void *arg, struct error *reterr)
{
	struct call *call = arg;

	return txn_purge(txn, call->id, reterr);
}

void fixture_purge(struct store_fixture *fixture, int64_t id)
{
	struct call call = {.id = id};

	fixture_update(fixture, call_purge, &call);
}

void fixture_read_file(const struct store_fixture *fixture, const char *name, struct buf *out)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
	if (access(path, F_OK) == 0)
		assert_int_equal(file_read(path, (size_t)1 << 30, out, NULL), 0);
}
