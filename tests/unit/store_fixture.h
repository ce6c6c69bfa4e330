/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_fixture - a store in a directory of its own, and updates in one line.
 * Promises: fails the running test with the store's sentence when something cannot be made.
 * Threads: the test's own.
 * Ownership: fixture_done closes the store and removes the directory.
 */
#ifndef DUPLOFS_TESTS_STORE_FIXTURE_H
#define DUPLOFS_TESTS_STORE_FIXTURE_H

#include "store/store.h"

struct store_fixture {
	char dir[128];
	struct store *store;
};

void store_fixture_init(struct store_fixture *fixture);
void store_fixture_reopen(struct store_fixture *fixture);
void store_fixture_done(struct store_fixture *fixture);

/* For cmocka: *state is a fixture of the test's own. */
int store_fixture_setup(void **state);
int store_fixture_teardown(void **state);

/* Each in an update of its own that must succeed. */
int64_t fixture_create(struct store_fixture *fixture, int64_t parent, enum kind kind,
	const char *name);
void fixture_set_spec(struct store_fixture *fixture, int64_t id, const char *text, const char *dns);
void fixture_set_value(struct store_fixture *fixture, int64_t id, const void *data, size_t len);
void fixture_delete(struct store_fixture *fixture, int64_t id);
void fixture_purge(struct store_fixture *fixture, int64_t id);

/* Content of a file of the store's directory, "" when it is not there. */
void fixture_read_file(const struct store_fixture *fixture, const char *name, struct buf *out);

#endif
