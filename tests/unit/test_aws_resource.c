/* SPDX-License-Identifier: Apache-2.0 */
/* What of AWS's resources is pure: their names, and the policy that allows their use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "cloud/aws/resource/permission.h"
#include "cloud/aws/resource/resource.h"

#define LONG "a23456789-a23456789-a23456789-a23456789-a23456789-a23456789-abc"

static void name_of(const char *type, bool fifo, const char *tenant, const char *name, int64_t id,
	char ret[EXTERNAL_SIZE])
{
	const struct estate_owner owner = {.platform = "0123456789ab", .tenant = tenant, .id = 2};
	char word[16];
	bool group = strcmp(type, "group") == 0;
	const struct resource_spec spec = {.type = word, .fifo = fifo, .auth = group};

	(void)strncpy(word, group ? "elasticache" : type, sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	aws_resource_ops.external_name(&owner, &spec, name, id, ret);
}

static size_t most(const char *type)
{
	if (strcmp(type, "group") == 0)
		return 40;
	return strcmp(type, "elasticache") == 0 ? 50 : 63;
}

static void test_names(void **state)
{
	static const struct {
		const char *type;
		bool fifo;
		const char *tenant, *name;
		int64_t id;
		const char *external; /* NULL: only the rules count */
	} rows[] = {
		{"s3", false, "demo", "assets", 7, "duplofs-0123456789ab-demo-assets-7"},
		{"sqs", true, "demo", "jobs", 7, "duplofs-0123456789ab-demo-jobs-7.fifo"},
		/* No two "-" in a row, which databases refuse. */
		{"rds", false, "a--b", "c---d", 7, "duplofs-0123456789ab-a-b-c-d-7"},
		/* At most 63 bytes, 50 of a cache, 40 of a group; the number is always whole. */
		{"rds", false, LONG, LONG, 268435455, NULL},
		{"sqs", true, LONG, LONG, 268435455, NULL},
		{"elasticache", false, "a23456789", LONG, 268435455, NULL},
		{"group", false, "a23456789", LONG, 268435455, NULL},
	};
	char name[EXTERNAL_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		name_of(rows[i].type, rows[i].fifo, rows[i].tenant, rows[i].name, rows[i].id, name);
		assert_true(strlen(name) <= most(rows[i].type));
		assert_null(strstr(name, "--"));
		assert_int_equal(strncmp(name, "duplofs-0123456789ab-", 21), 0);
		assert_non_null(strstr(name, rows[i].id == 7 ? "-7" : "-268435455"));
		if (rows[i].external)
			assert_string_equal(name, rows[i].external);
	}
}

static void test_permission_names_just_what_is_there(void **state)
{
	static const char *const read[] = {"s3:GetObject", "s3:ListBucket", NULL};
	static const char *const send[] = {"sqs:SendMessage", NULL};
	static const char *const inside[] = {"", "/*", NULL}, *const itself[] = {"", NULL};
	_cleanup_buf_ struct buf document = BUF_INIT, none = BUF_INIT;

	(void)state;
	assert_int_equal(permission_add(&document, "arn:aws:s3:::b", read, inside), 0);
	assert_int_equal(permission_add(&document, "arn:aws:sqs:r:1:q", send, itself), 0);
	assert_int_equal(permission_end(&document), 0);
	assert_string_equal(buf_string(&document),
		"{\"Version\":\"2012-10-17\",\"Statement\":["
		"{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:ListBucket\"],"
		"\"Resource\":[\"arn:aws:s3:::b\",\"arn:aws:s3:::b/*\"]},"
		"{\"Effect\":\"Allow\",\"Action\":[\"sqs:SendMessage\"],"
		"\"Resource\":[\"arn:aws:sqs:r:1:q\"]}]}");
	assert_int_equal(permission_end(&none), 0);
	assert_string_equal(buf_string(&none), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_permission_names_just_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
