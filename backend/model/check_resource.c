/* SPDX-License-Identifier: Apache-2.0 */
/* What single values of a resource's spec must look like. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "model/check.h"

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER
#define DIGITS  "0123456789"

#define VARIABLE_MAX 128 /* characters of a variable's name */

/* One to max characters of the set. */
static bool is_made_of(const char *value, const char *set, size_t max)
{
	size_t len = strlen(value);

	return len > 0 && len <= max && strspn(value, set) == len;
}

int check_database_engine(const char *value, struct error *reterr)
{
	static const char *const engines[] = {"mysql", "mariadb", "postgres", NULL};

	if (text_is_one_of(value, engines))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is none of mysql, mariadb, postgres", value);
}

int check_cache_engine(const char *value, struct error *reterr)
{
	static const char *const engines[] = {"redis", "memcached", NULL};

	if (text_is_one_of(value, engines))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is neither redis nor memcached", value);
}

int check_version(const char *value, struct error *reterr)
{
	if (is_made_of(value, LETTERS DIGITS "._-", 64))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is no version: letters, digits and dots",
		value);
}

int check_instance_class(const char *value, struct error *reterr)
{
	if (is_made_of(value, LETTERS DIGITS ".-", 64) && strchr(value, '.'))
		return 0;
	return error_set(reterr, -EINVAL,
		"\"%.80s\" is no size of a managed machine, such as db.t3.micro or "
		"cache.t3.micro",
		value);
}

int check_identifier(const char *value, struct error *reterr)
{
	if (is_made_of(value, LETTERS DIGITS "_", 32) && strchr(LETTERS, value[0]))
		return 0;
	return error_set(reterr, -EINVAL,
		"\"%.80s\" is not a letter and up to 31 letters, digits or \"_\"", value);
}

int check_attribute(const char *value, struct error *reterr)
{
	if (is_made_of(value, LETTERS DIGITS "_.-", 255))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is no name of an attribute", value);
}

int check_attribute_type(const char *value, struct error *reterr)
{
	static const char *const types[] = {"S", "N", "B", NULL};

	if (text_is_one_of(value, types))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is none of S, N, B", value);
}

int check_handler(const char *value, struct error *reterr)
{
	if (is_made_of(value, LETTERS DIGITS "_.:/$-", 128))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is nothing to call, such as main.handler",
		value);
}

int check_label(const char *value, struct error *reterr)
{
	if (text_is_label(value))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is no name of a resource", value);
}

int check_bucket(const char *value, struct error *reterr)
{
	size_t len = strlen(value);

	if (text_is_label(value) ||
		(len >= 3 && is_made_of(value, LOWER DIGITS ".-", 63) && !strchr(".-", value[0]) &&
			!strchr(".-", value[len - 1])))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is no name of a resource or a bucket", value);
}

/* Source: "Using Lambda environment variables" in AWS's documentation. */
int check_function_variable(const char *value, struct error *reterr)
{
	static const char *const reserved[] = {"AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_EXECUTION_ENV", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
		"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
		"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API",
		"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", NULL};
	char name[VARIABLE_MAX + 1];
	size_t len = strcspn(value, "=");

	(void)text_copy(name, sizeof(name), value);
	name[len < sizeof(name) ? len : sizeof(name) - 1] = '\0';
	if (len > VARIABLE_MAX || len < 2 || !is_made_of(name, LETTERS DIGITS "_", VARIABLE_MAX) ||
		!strchr(LETTERS, name[0]))
		return error_set(reterr, -EINVAL,
			"\"%.80s\" is no name of a variable that a function may have: a letter, "
			"then "
			"letters, digits or \"_\"",
			name);
	if (text_is_one_of(name, reserved))
		return error_set(reterr, -EINVAL, "\"%s\" is set by AWS itself", name);
	return 0;
}

int check_no_secret(const char *value, struct error *reterr)
{
	return error_set(reterr, -EINVAL,
		"AWS shows the environment of a function in clear to all who may look at the "
		"function: let its code fetch \"%.80s\" where its role may read it, or make it a "
		"service, which reads secrets as files",
		value);
}

int check_object_key(const char *value, struct error *reterr)
{
	if (is_made_of(value, LETTERS DIGITS "!_.*'()/=-", 1024))
		return 0;
	return error_set(reterr, -EINVAL,
		"\"%.80s\" is no name of an object: letters, digits and ! - _ . * ' ( ) = /",
		value);
}
