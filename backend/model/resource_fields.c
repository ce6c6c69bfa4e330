/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of each type of resource, and what they are when they are not given. */
#include <errno.h>
#include <string.h>

#include "model/check.h"
#include "model/parser.h"
#include "model/resource.h"

#define AT(member) offsetof(struct resource_spec, member)

/* clang-format off */
#define COMMON_FIELDS                                                                              \
	{.name = "Name", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(name),              \
		.otherwise = "the directory's name",                                               \
		.help = "Must equal the directory's name when given; case does not matter."},      \
	{.name = "Type", .type = FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_FIXED,                \
		.offset = AT(type), .help = "What it is."}
#define SNAPSHOT_FIELD                                                                             \
	{.name = "FinalSnapshot", .type = FIELD_BOOL, .offset = AT(final_snapshot),                \
		.otherwise = "true", .help = "Keep a snapshot when it is removed."}

static const struct field rds_fields[] = {
	COMMON_FIELDS,
	{.name = "Engine", .type = FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_FIXED,
		.offset = AT(engine), .check = check_database_engine,
		.help = "mysql, mariadb or postgres."},
	{.name = "EngineVersion", .type = FIELD_TEXT, .flags = FIELD_NONE,
		.offset = AT(engine_version), .check = check_version, .otherwise = "the cloud's",
		.help = "Version of the engine, such as 16.3; a newer one upgrades it."},
	{.name = "InstanceClass", .type = FIELD_TEXT, .flags = FIELD_NONE,
		.offset = AT(instance_class), .check = check_instance_class,
		.otherwise = "db.t3.micro", .help = "Size of the machine."},
	{.name = "SizeGiB", .type = FIELD_INT, .offset = AT(size_gib), .min = 20, .max = 65536,
		.otherwise = "20", .help = "Size of the disk; it can only grow."},
	{.name = "MultiAZ", .type = FIELD_BOOL, .offset = AT(multi_az), .otherwise = "false",
		.help = "A second one stands by in another zone."},
	{.name = "BackupRetentionDays", .type = FIELD_INT, .offset = AT(backup_days), .min = 0,
		.max = 35, .otherwise = "7", .help = "How long daily backups are kept; 0: none."},
	{.name = "Database", .type = FIELD_TEXT, .flags = FIELD_NONE | FIELD_FIXED,
		.offset = AT(database), .check = check_identifier, .otherwise = "app",
		.help = "Name of the database that is made in it."},
	{.name = "Username", .type = FIELD_TEXT, .flags = FIELD_NONE | FIELD_FIXED,
		.offset = AT(username), .check = check_identifier, .otherwise = "duplo",
		.help = "Who may do everything in it; the password is made."},
	SNAPSHOT_FIELD,
	{.name = NULL},
};

static const struct field s3_fields[] = {
	COMMON_FIELDS,
	{.name = "Versioning", .type = FIELD_BOOL, .offset = AT(versioning), .otherwise = "false",
		.help = "Keeps what is overwritten or removed."},
	{.name = "EmptyOnRemoval", .type = FIELD_BOOL, .offset = AT(empty_on_removal),
		.otherwise = "false",
		.help = "Removing it removes the objects in it; else it stays until it is empty."},
	{.name = NULL},
};

static const struct field elasticache_fields[] = {
	COMMON_FIELDS,
	{.name = "Engine", .type = FIELD_TEXT, .flags = FIELD_NONE | FIELD_FIXED,
		.offset = AT(engine), .check = check_cache_engine, .otherwise = "redis",
		.help = "redis or memcached."},
	{.name = "EngineVersion", .type = FIELD_TEXT, .flags = FIELD_NONE,
		.offset = AT(engine_version), .check = check_version, .otherwise = "the cloud's",
		.help = "Version of the engine, such as 7.1; a newer one upgrades it."},
	{.name = "InstanceClass", .type = FIELD_TEXT, .flags = FIELD_NONE,
		.offset = AT(instance_class), .check = check_instance_class,
		.otherwise = "cache.t3.micro", .help = "Size of the machine."},
	{.name = "Nodes", .type = FIELD_INT, .offset = AT(nodes), .min = 1, .max = 40,
		.otherwise = "1",
		.help = "Number of machines of memcached; those of redis are Replicas."},
	{.name = "Replicas", .type = FIELD_INT, .offset = AT(replicas), .min = 0, .max = 5,
		.otherwise = "0",
		.help = "Copies of redis, of which one takes over when the first fails."},
	{.name = "Auth", .type = FIELD_BOOL, .flags = FIELD_FIXED, .offset = AT(auth),
		.otherwise = "false",
		.help = "redis asks for a password, which is made, and speaks TLS alone."},
	SNAPSHOT_FIELD,
	{.name = NULL},
};

static const struct field dynamodb_fields[] = {
	COMMON_FIELDS,
	{.name = "HashKey", .type = FIELD_TEXT, .flags = FIELD_NONE | FIELD_FIXED,
		.offset = AT(hash_key), .check = check_attribute, .otherwise = "id",
		.help = "Attribute that items are found by."},
	{.name = "HashKeyType", .type = FIELD_TEXT, .flags = FIELD_NONE | FIELD_FIXED,
		.offset = AT(hash_key_type), .check = check_attribute_type, .otherwise = "S",
		.help = "S (text), N (number) or B (bytes)."},
	{.name = "RangeKey", .type = FIELD_TEXT, .flags = FIELD_NONE | FIELD_FIXED,
		.offset = AT(range_key), .check = check_attribute, .otherwise = "none",
		.help = "Attribute that items of one HashKey are sorted by."},
	{.name = "RangeKeyType", .type = FIELD_TEXT, .flags = FIELD_NONE | FIELD_FIXED,
		.offset = AT(range_key_type), .check = check_attribute_type, .otherwise = "S",
		.help = "S, N or B."},
	{.name = "ReadCapacity", .type = FIELD_INT, .offset = AT(read_units), .min = 0,
		.max = 40000, .otherwise = "0",
		.help = "Reads a second; 0, as WriteCapacity: as many as come, paid one by one."},
	{.name = "WriteCapacity", .type = FIELD_INT, .offset = AT(write_units), .min = 0,
		.max = 40000, .otherwise = "0", .help = "Writes a second."},
	SNAPSHOT_FIELD,
	{.name = NULL},
};

static const struct field sqs_fields[] = {
	COMMON_FIELDS,
	{.name = "Fifo", .type = FIELD_BOOL, .flags = FIELD_FIXED, .offset = AT(fifo),
		.otherwise = "false", .help = "In order, each message once."},
	{.name = "VisibilityTimeoutSeconds", .type = FIELD_INT, .offset = AT(visibility_s),
		.min = 0, .max = 43200, .otherwise = "30",
		.help = "How long a received message is hidden from others."},
	{.name = "RetentionSeconds", .type = FIELD_INT, .offset = AT(message_retention_s),
		.min = 60, .max = 1209600, .otherwise = "345600",
		.help = "How long a message is kept."},
	{.name = "DelaySeconds", .type = FIELD_INT, .offset = AT(delay_s), .min = 0, .max = 900,
		.otherwise = "0", .help = "How long a new message is held back."},
	{.name = NULL},
};

static const struct field lambda_fields[] = {
	COMMON_FIELDS,
	{.name = "Runtime", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(runtime),
		.check = check_version, .otherwise = "none: a DockerImage",
		.help = "What runs the code, such as python3.12."},
	{.name = "Handler", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(handler),
		.check = check_handler, .otherwise = "none: a DockerImage",
		.help = "What is called, such as main.handler."},
	{.name = "CodeBucket", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(code_bucket),
		.check = check_bucket, .otherwise = "none: a DockerImage",
		.help = "The tenant's resource of type s3 that has the code, or a bucket of the "
			"policy's code_buckets."},
	{.name = "CodeKey", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(code_key),
		.check = check_object_key, .otherwise = "none: a DockerImage",
		.help = "Name of the zip file in it; another name brings new code."},
	{.name = "DockerImage", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(image),
		.check = check_image, .otherwise = "none",
		.help = "Container image of ECR, instead of Runtime, Handler and code."},
	{.name = "MemoryMiB", .type = FIELD_INT, .offset = AT(memory_mib), .min = 128,
		.max = 10240, .otherwise = "128", .help = "Memory of one call; CPU goes with it."},
	{.name = "TimeoutSeconds", .type = FIELD_INT, .offset = AT(timeout_s), .min = 1,
		.max = 900, .otherwise = "3", .help = "Longest time of one call."},
	{.name = "Environment", .type = FIELD_MAP, .flags = FIELD_NONE, .offset = AT(environment),
		.max = 256, .check = check_function_variable, .otherwise = "none",
		.help = "Environment variables; no secrets, they are shown by AWS."},
	{.name = "Config", .type = FIELD_LIST, .flags = FIELD_NONE, .offset = AT(config),
		.max = 256, .check = check_function_variable, .otherwise = "none",
		.help = "Names of config/ that become environment variables, too."},
	{.name = "Secrets", .type = FIELD_LIST, .flags = FIELD_NONE, .offset = AT(secrets),
		.max = 256, .check = check_no_secret, .otherwise = "none",
		.help = "Refused: AWS shows the environment of a function in clear."},
	{.name = "Queue", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(queue),
		.check = check_label, .otherwise = "none",
		.help = "The tenant's resource of type sqs whose messages call it."},
	{.name = "BatchSize", .type = FIELD_INT, .offset = AT(batch_size), .min = 1, .max = 10,
		.otherwise = "10", .help = "Messages of Queue that one call gets at most."},
	{.name = NULL},
};

static const struct field swf_fields[] = {
	COMMON_FIELDS,
	{.name = "HistoryDays", .type = FIELD_INT, .flags = FIELD_FIXED,
		.offset = AT(history_days), .min = 0, .max = 90, .otherwise = "30",
		.help = "How long the history of workflows that have ended is kept."},
	{.name = NULL},
};
/* clang-format on */

/* ---- what is not given ---- */

static int fill(char **slot, const char *text)
{
	*slot = strdup(text);
	return *slot ? 0 : -ENOMEM;
}

static int rds_defaults(void *base)
{
	struct resource_spec *spec = base;

	spec->size_gib = 20;
	spec->backup_days = 7;
	spec->final_snapshot = true;
	return fill(&spec->instance_class, "db.t3.micro") < 0 || fill(&spec->database, "app") < 0 ||
			       fill(&spec->username, "duplo") < 0
		       ? -ENOMEM
		       : 0;
}

static int elasticache_defaults(void *base)
{
	struct resource_spec *spec = base;

	spec->nodes = 1;
	spec->final_snapshot = true;
	return fill(&spec->engine, "redis") < 0 || fill(&spec->instance_class, "cache.t3.micro") < 0
		       ? -ENOMEM
		       : 0;
}

static int dynamodb_defaults(void *base)
{
	struct resource_spec *spec = base;

	spec->final_snapshot = true;
	return fill(&spec->hash_key, "id") < 0 || fill(&spec->hash_key_type, "S") < 0 ||
			       fill(&spec->range_key_type, "S") < 0
		       ? -ENOMEM
		       : 0;
}

static int sqs_defaults(void *base)
{
	struct resource_spec *spec = base;

	spec->visibility_s = 30;
	spec->message_retention_s = 345600;
	return 0;
}

static int lambda_defaults(void *base)
{
	struct resource_spec *spec = base;

	spec->memory_mib = 128;
	spec->timeout_s = 3;
	spec->batch_size = 10;
	return 0;
}

static int swf_defaults(void *base)
{
	struct resource_spec *spec = base;

	spec->history_days = 30;
	return 0;
}

/* ---- what follows from several fields ---- */

static int refuse(const struct parser *parser, const char *field, const char *sentence)
{
	struct parser at = *parser;

	at.field = field;
	return parser_refuse(&at, -EINVAL, "%s", sentence);
}

static int settle(const struct parser *parser, const json_t *object, const char *name, void *base)
{
	const struct resource_spec *spec = base;

	(void)object;
	return parser_check_name(parser, spec->name, name);
}

static int elasticache_settle(const struct parser *parser, const json_t *object, const char *name,
	void *base)
{
	const struct resource_spec *spec = base;

	if (spec->nodes > 1 && strcmp(spec->engine, "redis") == 0)
		return refuse(parser, "Nodes", "these are for memcached: redis has Replicas");
	if (spec->replicas > 0 && strcmp(spec->engine, "redis") != 0)
		return refuse(parser, "Replicas", "memcached has none: give it Nodes");
	if (spec->auth && strcmp(spec->engine, "redis") != 0)
		return refuse(parser, "Auth", "memcached has none");
	return settle(parser, object, name, base);
}

static int dynamodb_settle(const struct parser *parser, const json_t *object, const char *name,
	void *base)
{
	const struct resource_spec *spec = base;

	if ((spec->read_units > 0) != (spec->write_units > 0))
		return refuse(parser, spec->read_units > 0 ? "ReadCapacity" : "WriteCapacity",
			"ReadCapacity and WriteCapacity are both 0 or both more");
	if (spec->range_key && strcmp(spec->range_key, spec->hash_key) == 0)
		return refuse(parser, "RangeKey", "it is HashKey already");
	return settle(parser, object, name, base);
}

/* A variable that both Environment and Config give; NULL: none. */
static const char *find_twice(const struct resource_spec *spec)
{
	for (char **key = spec->config; key && *key; key++)
		for (char **pair = spec->environment; pair && *pair; pair++)
			if (strncmp(*pair, *key, strlen(*key)) == 0 && (*pair)[strlen(*key)] == '=')
				return *key;
	return NULL;
}

static int lambda_settle(const struct parser *parser, const json_t *object, const char *name,
	void *base)
{
	const struct resource_spec *spec = base;
	struct parser at = *parser;
	int given = (spec->runtime != NULL) + (spec->handler != NULL) +
		    (spec->code_bucket != NULL) + (spec->code_key != NULL);

	if (spec->image && given > 0)
		return refuse(parser, "DockerImage",
			"an image has its code: without Runtime, Handler, CodeBucket and CodeKey");
	if (!spec->image && given < 4)
		return refuse(parser, "Type",
			"a function needs a DockerImage, or Runtime, Handler, CodeBucket and "
			"CodeKey");
	at.field = "Config";
	if (find_twice(spec))
		return parser_refuse(&at, -EINVAL, "%s is in Environment already",
			find_twice(spec));
	return settle(parser, object, name, base);
}

#define TYPE(of, starts, ends)                                                                     \
	const struct spec_type resource_##of = {                                                   \
		.title = #of,                                                                      \
		.fields = of##_fields,                                                             \
		.size = sizeof(struct resource_spec),                                              \
		.defaults = (starts),                                                              \
		.settle = (ends),                                                                  \
	}

TYPE(rds, rds_defaults, settle);
TYPE(s3, NULL, settle);
TYPE(elasticache, elasticache_defaults, elasticache_settle);
TYPE(dynamodb, dynamodb_defaults, dynamodb_settle);
TYPE(sqs, sqs_defaults, settle);
TYPE(lambda, lambda_defaults, lambda_settle);
TYPE(swf, swf_defaults, settle);
