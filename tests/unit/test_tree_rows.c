/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/tree/context.h"
#include "fs/tree/node.h"
#include "fs/tree/rows.h"

static int compile(void **state)
{
	struct error error = ERROR_INIT;

	(void)state;
	if (rows_compile(&error) < 0)
		fail_msg("%s", error.text);
	return 0;
}

/* ---- each row by itself ---- */

static void check_row(void *arg, const struct row *row)
{
	const struct row *parent = row_parent(row);
	size_t *count = arg;

	(*count)++;
	assert_ptr_equal(row_get(row->number), row);
	if (row->number == ROW_ROOT)
		return;
	assert_non_null(parent);
	assert_true(row_is_dir(parent));
	if (row_name(row))
		assert_ptr_equal(row_find(parent, row_name(row)), row);
	else
		assert_ptr_equal(row_variable(parent), row);
	/* At most what INTERFACE grants: others nothing below a tenant, secrets for the owner
	 * alone. */
	if (row->kind != KIND_PLATFORM)
		assert_int_equal(row->mode & 0027, 0);
	if (row->flags & ROW_SECRETIVE || strstr(row->path, "secrets"))
		assert_int_equal(row->mode & 0077, 0);
	if (row->flags & ROW_PRIVATE)
		assert_int_equal(row->mode & 0077, 0);
	assert_int_equal(row_is_writable(row), !row_is_dir(row) && row->mode & 0200);
	/* A directory of objects knows their kind and may give them in an order of its own, one of
	 * something else lists it itself. */
	if (row_variable(row))
		assert_true(row->child_kind ? !row->find : row->list && row->find);
	else
		assert_false(row->child_kind || row->list || row->find);
	/* What changes without its object changing may not stay in the kernel. */
	if (!row_is_dir(row) && !(row->flags & (ROW_VOLATILE | ROW_DIRECT)) && row->render &&
		row->kind != KIND_PLATFORM &&
		strcmp(row->path, "{tenant}/services/{service}/history/{generation}") != 0)
		assert_int_not_equal(row->depends, 0);
}

static void test_every_row_is_sound(void **state)
{
	size_t count = 0;

	(void)state;
	rows_each(check_row, &count);
	assert_true(count > 50);
}

static void test_numbers_mean_the_same_for_ever(void **state)
{
	static const struct {
		uint8_t number;
		const char *path;
	} known[] = {
		{1, ""},
		{20, "{tenant}"},
		{21, "{tenant}/services"},
		{150, "{tenant}/hosts"},
		{151, "{tenant}/hosts/{host}"},
		{152, "{tenant}/hosts/{host}/spec.json"},
		{23, "{tenant}/secrets/{secret}"},
		{50, "{tenant}/services/{service}"},
		{51, "{tenant}/services/{service}/spec.json"},
		{55, "{tenant}/services/{service}/instances/{instance}"},
		{60, "{tenant}/services/{service}/replicas"},
		{67, "{tenant}/services/{service}/wait"},
		{90, "{tenant}/services/{service}/neighbors"},
		{100, "{tenant}/services/{service}/history/{generation}"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_non_null(row_get(known[i].number));
		assert_string_equal(row_get(known[i].number)->path, known[i].path);
	}
	assert_null(row_get(0));
	assert_null(row_get(ROW_SCRATCH));
}

/* ---- nodes ---- */

static void check_node(void *arg, const struct row *row)
{
	uint64_t node = node_make(row, NODE_KEY_MAX, 12345);

	(void)arg;
	assert_int_equal(node_row(node), row->number);
	if (row->number == ROW_ROOT) {
		assert_int_equal(node, NODE_ROOT);
		assert_int_equal(node_object(node), PLATFORM_ID);
		return;
	}
	assert_int_equal(node_object(node), NODE_KEY_MAX);
	assert_int_equal(node_sub(node), 12345);
	assert_int_not_equal(node, NODE_ROOT);
}

static void test_nodes_come_back(void **state)
{
	(void)state;
	rows_each(check_node, NULL);
	assert_int_equal(node_row(node_make_scratch(UINT64_MAX)), ROW_SCRATCH);
	assert_int_equal(node_scratch(node_make_scratch(0x123456789abcULL)), 0x123456789abcULL);
	/* Numbers that nobody gave out. */
	assert_int_equal(node_row(0), 0);
	assert_int_equal(node_row((uint64_t)ROW_ROOT << NODE_ROW_SHIFT | 7), 0);
	assert_null(row_get(node_row(2)));
}

/* ---- attributes ---- */

static struct stat stat_of(const char *path, enum kind kind, mode_t tenant_mode)
{
	struct ref ref = {
		.object = {.id = 7, .kind = kind, .uid = 10, .gid = 20, .mode = tenant_mode}};
	struct stat st;
	unsigned i;

	for (i = 1; i < 255; i++)
		if (row_get((uint8_t)i) && strcmp(row_get((uint8_t)i)->path, path) == 0)
			ref.row = row_get((uint8_t)i);
	assert_non_null(ref.row);
	ref_stat(&ref, 3, 1500000000000000001, &st);
	return st;
}

static void test_owner_and_mode_are_inherited(void **state)
{
	const char *spec = "{tenant}/services/{service}/spec.json";
	const char *secret = "{tenant}/secrets/{secret}";
	struct stat st = stat_of(spec, KIND_SERVICE, 0750);

	(void)state;
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_uid, 10);
	assert_int_equal(st.st_gid, 20);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(st.st_mtim.tv_nsec, 1);
	assert_int_equal(stat_of(spec, KIND_SERVICE, 0700).st_mode, S_IFREG | 0600);
	/* A group that may not enter the tenant's directory reads nothing in it. */
	assert_int_equal(stat_of(spec, KIND_SERVICE, 0740).st_mode, S_IFREG | 0600);
	assert_int_equal(stat_of(secret, KIND_SECRET, 0750).st_mode, S_IFREG | 0600);
	assert_int_equal(stat_of("{tenant}", KIND_TENANT, 0777).st_mode, S_IFDIR | 0750);
	assert_int_equal(stat_of("{tenant}/secrets", KIND_TENANT, 0750).st_mode, S_IFDIR | 0700);
	st = stat_of(".platform/status", KIND_PLATFORM, 0777);
	assert_int_equal(st.st_mode, S_IFREG | 0400);
	assert_int_equal(st.st_uid, 0);
}

static void test_directories_above(void **state)
{
	struct ref ref = {
		.row = row_get(60), .object = {.id = 9, .kind = KIND_SERVICE, .parent = 5}};

	(void)state;
	assert_int_equal(ref_parent(&ref), node_make(row_get(ROW_SERVICE), 9, 0));
	ref.row = row_get(ROW_SERVICE);
	assert_int_equal(ref_parent(&ref), node_make(row_get(ROW_SERVICES), 5, 0));
	ref = (struct ref){.row = row_get(ROW_SERVICES),
		.object = {.id = 5, .kind = KIND_TENANT, .parent = 1}};
	assert_int_equal(ref_parent(&ref), node_make(row_get(ROW_TENANT), 5, 0));
	ref.row = row_get(ROW_TENANT);
	assert_int_equal(ref_parent(&ref), NODE_ROOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_sound),
		cmocka_unit_test(test_numbers_mean_the_same_for_ever),
		cmocka_unit_test(test_nodes_come_back),
		cmocka_unit_test(test_owner_and_mode_are_inherited),
		cmocka_unit_test(test_directories_above),
	};

	return cmocka_run_group_tests(tests, compile, NULL);
}
