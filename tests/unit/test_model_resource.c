/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/kind.h"
#include "model/resource.h"

static struct resource_spec *parse(const char *text)
{
	struct resource_spec *spec = NULL;
	struct error error = ERROR_INIT;

	if (resource_spec_parse(text, strlen(text), "db", &spec, &error) < 0)
		fail_msg("%s: %s", text, error.text);
	return spec;
}

static void test_each_type_has_defaults(void **state)
{
	_cleanup_resource_spec_ struct resource_spec *rds =
		parse("{\"Type\":\"rds\",\"Engine\":\"mysql\",\"Name\":\"DB\"}");
	_cleanup_resource_spec_ struct resource_spec *cache = parse("{\"Type\":\"elasticache\"}");
	_cleanup_resource_spec_ struct resource_spec *table = parse("{\"Type\":\"dynamodb\"}");
	_cleanup_resource_spec_ struct resource_spec *queue = parse("{\"Type\":\"sqs\"}");
	_cleanup_resource_spec_ struct resource_spec *domain = parse("{\"Type\":\"swf\"}");

	(void)state;
	assert_string_equal(rds->instance_class, "db.t3.micro");
	assert_string_equal(rds->username, "duplo");
	assert_string_equal(rds->database, "app");
	assert_int_equal(rds->size_gib, 20);
	assert_int_equal(rds->backup_days, 7);
	assert_true(rds->final_snapshot && !rds->multi_az && !rds->engine_version);
	assert_string_equal(cache->engine, "redis");
	assert_int_equal(cache->nodes, 1);
	assert_string_equal(table->hash_key, "id");
	assert_null(table->range_key);
	assert_true(table->final_snapshot);
	assert_int_equal(queue->message_retention_s, 345600);
	assert_int_equal(domain->history_days, 30);
}

static void test_what_is_given_counts(void **state)
{
	_cleanup_resource_spec_ struct resource_spec *rds =
		parse("{\"Type\":\"rds\",\"Engine\":\"postgres\",\"EngineVersion\":\"16.3\","
		      "\"InstanceClass\":\"db.m6g.large\",\"SizeGiB\":\"100\",\"MultiAZ\":true,"
		      "\"BackupRetentionDays\":0,\"Database\":\"shop\",\"Username\":\"admin_1\","
		      "\"FinalSnapshot\":\"false\"}");
	_cleanup_resource_spec_ struct resource_spec *function =
		parse("{\"Type\":\"lambda\",\"Runtime\":\"python3.12\",\"Handler\":\"main."
		      "handler\","
		      "\"CodeBucket\":\"code\",\"CodeKey\":\"v1/main.zip\",\"Environment\":"
		      "{\"AA\":\"b\"},\"Config\":[\"GREETING\"],\"Queue\":\"jobs\"}");

	(void)state;
	assert_string_equal(rds->engine_version, "16.3");
	assert_string_equal(rds->instance_class, "db.m6g.large");
	assert_string_equal(rds->username, "admin_1");
	assert_int_equal(rds->size_gib, 100);
	assert_true(rds->multi_az && !rds->final_snapshot);
	assert_string_equal(function->code_key, "v1/main.zip");
	assert_string_equal(function->environment[0], "AA=b");
	assert_string_equal(function->config[0], "GREETING");
	assert_string_equal(function->queue, "jobs");
	assert_int_equal(function->batch_size, 10);
}

struct refusal {
	const char *text, *words;
};

static void assert_refused(const struct refusal *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct resource_spec *spec = NULL;
		struct error error = ERROR_INIT;

		assert_int_equal(resource_spec_parse(rows[i].text, strlen(rows[i].text), "db",
					 &spec, &error),
			-EINVAL);
		assert_null(spec);
		assert_string_equal(error.text, rows[i].words);
	}
}

static void test_refusals(void **state)
{
	static const struct refusal rows[] = {
		{"{}", "line 1, column 1: Type: it is needed: one of rds, s3, elasticache, "
		       "dynamodb, "
		       "sqs, lambda, swf"},
		{"{\"Type\":\"rdss\"}",
			"line 1, column 2: Type: there is no type \"rdss\", did you mean \"rds\"?"},
		{"{\"Type\":\"mainframe\"}",
			"line 1, column 2: Type: there is no type \"mainframe\", only rds, s3, "
			"elasticache, dynamodb, sqs, lambda, swf"},
		{"{\"Type\":7}", "line 1, column 2: Type: a text is needed, not a number"},
		{"[]", "line 1, column 1: an object is needed, not a list"},
		{"{\"Type\":\"rds\"}", "line 1, column 1: Engine is needed"},
		{"{\"Type\":\"rds\",\"Engine\":\"oracle\"}",
			"line 1, column 15: Engine: \"oracle\" is none of mysql, mariadb, "
			"postgres"},
		/* A type has its own fields, and no others'. */
		{"{\"Type\":\"s3\",\"SizeGiB\":20}",
			"line 1, column 14: unknown field \"SizeGiB\""},
		{"{\"Type\":\"sqs\",\"DelaySecond\":20}",
			"line 1, column 15: unknown field \"DelaySecond\", did you mean "
			"\"DelaySeconds\"?"},
		{"{\"Type\":\"sqs\",\"DelaySeconds\":901}",
			"line 1, column 15: DelaySeconds: 901 is above 900"},
		{"{\"Type\":\"rds\",\"Engine\":\"mysql\",\"Username\":\"1a\"}",
			"line 1, column 32: Username: \"1a\" is not a letter and up to 31 letters, "
			"digits or \"_\""},
		{"{\"Type\":\"elasticache\",\"Nodes\":2}", "line 1, column 23: Nodes: these are "
							   "for memcached: redis has Replicas"},
		{"{\"Type\":\"elasticache\",\"Engine\":\"memcached\",\"Replicas\":1}",
			"line 1, column 44: Replicas: memcached has none: give it Nodes"},
		{"{\"Type\":\"elasticache\",\"Engine\":\"memcached\",\"Auth\":true}",
			"line 1, column 44: Auth: memcached has none"},
		{"{\"Type\":\"elasticache\",\"Replicas\":6}",
			"line 1, column 23: Replicas: 6 is above 5"},
		{"{\"Type\":\"dynamodb\",\"ReadCapacity\":5}",
			"line 1, column 20: ReadCapacity: ReadCapacity and WriteCapacity are both "
			"0 "
			"or both more"},
		{"{\"Type\":\"dynamodb\",\"RangeKey\":\"id\"}",
			"line 1, column 20: RangeKey: it is HashKey already"},
		{"{\"Type\":\"s3\",\"Name\":\"x\"}",
			"line 1, column 14: Name: \"x\" is not the name of the directory, which is "
			"\"db\""},
	};

	(void)state;
	assert_refused(rows, ARRAY_SIZE(rows));
}

static void test_refusals_of_functions(void **state)
{
	static const struct refusal rows[] = {
		{"{\"Type\":\"lambda\",\"DockerImage\":\"a:1\",\"Handler\":\"a\"}",
			"line 1, column 18: DockerImage: an image has its code: without Runtime, "
			"Handler, "
			"CodeBucket and CodeKey"},
		{"{\"Type\":\"lambda\",\"Handler\":\"a\"}",
			"line 1, column 2: Type: a function needs a DockerImage, or Runtime, "
			"Handler, CodeBucket and CodeKey"},
		{"{\"Type\":\"lambda\",\"DockerImage\":\"a\",\"Secrets\":[\"KEY\"]}",
			"line 1, column 36: Secrets: AWS shows the environment of a function in "
			"clear to all who may look at the function: let its code fetch \"KEY\" "
			"where its role may read it, or make it a service, which reads secrets as "
			"files"},
		{"{\"Type\":\"lambda\",\"DockerImage\":\"a\",\"Config\":[\"A-B\"]}",
			"line 1, column 36: Config: \"A-B\" is no name of a variable that a "
			"function may have: a letter, then letters, digits or \"_\""},
		{"{\"Type\":\"lambda\",\"DockerImage\":\"a\",\"Environment\":{\"AWS_REGION\":"
		 "\"x\"}}",
			"line 1, column 51: Environment.AWS_REGION: \"AWS_REGION\" is set by AWS "
			"itself"},
		{"{\"Type\":\"lambda\",\"DockerImage\":\"a\",\"Environment\":{\"AB\":\"x\"},"
		 "\"Config\":[\"AB\"]}",
			"line 1, column 61: Config: AB is in Environment already"},
		{"{\"Type\":\"lambda\",\"DockerImage\":\"a\",\"BatchSize\":11}",
			"line 1, column 36: BatchSize: 11 is above 10"},
		{"{\"Type\":\"lambda\",\"Runtime\":\"a\",\"CodeBucket\":\"-x\"}",
			"line 1, column 32: CodeBucket: \"-x\" is no name of a resource or a "
			"bucket"},
	};

	(void)state;
	assert_refused(rows, ARRAY_SIZE(rows));
}

static void test_half_a_document_waits_for_more(void **state)
{
	static const char *const halves[] = {"", "{", "{\"Type\":\"s3\"", "{\"Type\":"};
	struct resource_spec *spec;
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++)
		assert_int_equal(resource_spec_parse(halves[i], strlen(halves[i]), "db", &spec,
					 &error),
			-ENODATA);
}

static void test_changes(void **state)
{
	static const struct {
		const char *before, *after, *words; /* NULL: it may */
	} rows[] = {
		{"{\"Type\":\"rds\",\"Engine\":\"mysql\"}",
			"{\"Type\":\"rds\",\"Engine\":\"mysql\",\"SizeGiB\":40,\"MultiAZ\":true,"
			"\"InstanceClass\":\"db.m6g.large\",\"EngineVersion\":\"8.4\"}",
			NULL},
		/* What is said now was so before. */
		{"{\"Type\":\"rds\",\"Engine\":\"mysql\"}",
			"{\"Type\":\"rds\",\"Engine\":\"mysql\",\"Username\":\"duplo\"}", NULL},
		{"{\"Type\":\"rds\",\"Engine\":\"mysql\"}",
			"{\"Type\":\"rds\",\"Engine\":\"postgres\"}",
			"Engine: it cannot be changed once the resource is there: make another "
			"one"},
		{"{\"Type\":\"rds\",\"Engine\":\"mysql\",\"SizeGiB\":40}",
			"{\"Type\":\"rds\",\"Engine\":\"mysql\"}",
			"SizeGiB: it can only grow, and is 40 already"},
		{"{\"Type\":\"sqs\"}", "{\"Type\":\"sqs\",\"DelaySeconds\":1}", NULL},
		{"{\"Type\":\"sqs\"}", "{\"Type\":\"sqs\",\"Fifo\":true}",
			"Fifo: it cannot be changed once the resource is there: make another one"},
		{"{\"Type\":\"elasticache\",\"Auth\":true,\"Replicas\":2}",
			"{\"Type\":\"elasticache\",\"Auth\":true}", NULL},
		{"{\"Type\":\"elasticache\"}", "{\"Type\":\"elasticache\",\"Replicas\":1}",
			"Replicas: a cache without replicas and Auth stays one machine, and one "
			"with them a group: make another one"},
		{"{\"Type\":\"elasticache\",\"Replicas\":1}",
			"{\"Type\":\"elasticache\",\"Replicas\":1,\"Auth\":true}",
			"Auth: it cannot be changed once the resource is there: make another one"},
		{"{\"Type\":\"lambda\",\"DockerImage\":\"a\"}",
			"{\"Type\":\"lambda\",\"DockerImage\":\"b\"}", NULL},
		{"{\"Type\":\"lambda\",\"DockerImage\":\"a\"}",
			"{\"Type\":\"lambda\",\"Runtime\":\"a\",\"Handler\":\"b\","
			"\"CodeBucket\":\"c\",\"CodeKey\":\"d\"}",
			"DockerImage: a function of code stays one, as does one of an image: make "
			"another one"},
		{"{\"Type\":\"sqs\"}", "{\"Type\":\"s3\"}",
			"Type: it is sqs and stays so: make another resource for s3"},
		{"{\"Type\":\"dynamodb\"}", "{\"Type\":\"dynamodb\",\"RangeKey\":\"at\"}",
			"RangeKey: it cannot be changed once the resource is there: make another "
			"one"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_resource_spec_ struct resource_spec *before = parse(rows[i].before);
		_cleanup_resource_spec_ struct resource_spec *after = parse(rows[i].after);
		struct error error = ERROR_INIT;
		int r = resource_spec_check_change(before, after, &error);

		assert_int_equal(r, rows[i].words ? -EINVAL : 0);
		assert_string_equal(error.text, rows[i].words ? rows[i].words : "");
	}
}

static void test_equal(void **state)
{
	_cleanup_resource_spec_ struct resource_spec *a = parse("{\"Type\":\"sqs\"}");
	_cleanup_resource_spec_ struct resource_spec *b =
		parse("{\"DelaySeconds\":\"0\", \"Type\":\"sqs\",\"Name\":\"db\"}");
	_cleanup_resource_spec_ struct resource_spec *c =
		parse("{\"Type\":\"sqs\",\"DelaySeconds\":1}");
	_cleanup_resource_spec_ struct resource_spec *d = parse("{\"Type\":\"s3\"}");

	(void)state;
	assert_true(resource_spec_equal(a, b));
	assert_false(resource_spec_equal(a, c));
	assert_false(resource_spec_equal(a, d));
}

static void test_every_type_is_sound(void **state)
{
	(void)state;
	for (const struct resource_type *type = resource_types; type->name; type++) {
		assert_ptr_equal(resource_type_find(type->name), type);
		assert_string_equal(type->spec->title, type->name);
		/* Status keeps it whole, and every output may be a file. */
		assert_true(strlen(type->name) < sizeof(((struct resource_status *)0)->type));
		for (const char *const *output = type->outputs; *output; output++)
			assert_int_equal(kind_check_name(KIND_OUTPUT, *output, NULL), 0);
	}
	assert_null(resource_type_find(""));
}

static void test_status_comes_back(void **state)
{
	struct resource_status status = {.phase = RESOURCE_REMOVING,
		.type = "s3",
		.external = "duplofs-0123456789ab-t-r-7",
		.since_ns = 12,
		.message = "a \"word\""};
	struct resource_status back;
	_cleanup_buf_ struct buf json = BUF_INIT;

	(void)state;
	resource_status_print(&status, &json);
	assert_int_equal(resource_status_parse(buf_string(&json), &back), 0);
	assert_int_equal(back.phase, RESOURCE_REMOVING);
	assert_string_equal(back.external, status.external);
	assert_string_equal(back.message, status.message);
}

static void test_schema_has_each_type(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_json_ json_t *schema = NULL;
	json_t *types;

	(void)state;
	resource_schema_print(&text);
	schema = json_loads(buf_string(&text), 0, NULL);
	types = json_object_get(schema, "oneOf");
	assert_int_equal(json_array_size(types), 7);
	for (size_t i = 0; i < json_array_size(types); i++) {
		json_t *one = json_array_get(types, i);

		assert_string_equal(json_get_string(json_object_get(json_object_get(one,
									    "properties"),
							    "Type"),
					    "const", ""),
			resource_types[i].name);
		assert_true(json_is_false(json_object_get(one, "additionalProperties")));
	}
}

static void what_a_function_names(void **state)
{
	_cleanup_resource_spec_ struct resource_spec *function =
		parse("{\"Type\":\"lambda\",\"Runtime\":\"python3.12\",\"Handler\":\"a.b\","
		      "\"CodeBucket\":\"code\",\"CodeKey\":\"k\",\"Queue\":\"jobs\"}");

	(void)state;
	assert_string_equal(resource_spec_names(function, "sqs", "jobs"), "Queue");
	assert_string_equal(resource_spec_names(function, "s3", "code"), "CodeBucket");
	assert_null(resource_spec_names(function, "s3", "jobs"));
	assert_null(resource_spec_names(function, "sqs", "other"));
	assert_null(resource_spec_names(function, "lambda", "jobs"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_type_has_defaults),
		cmocka_unit_test(test_what_is_given_counts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_refusals_of_functions),
		cmocka_unit_test(test_half_a_document_waits_for_more),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_every_type_is_sound),
		cmocka_unit_test(test_status_comes_back),
		cmocka_unit_test(test_schema_has_each_type),
		cmocka_unit_test(what_a_function_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
