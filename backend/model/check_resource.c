/* SPDX-License-Identifier: Apache-2.0 */
/* What single values of a resource's spec must look like. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "model/check.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

static bool is_one_of(const char *value, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(value, *words) == 0)
			return true;
	return false;
}

/* One to max characters of the set. */
static bool is_made_of(const char *value, const char *set, size_t max)
{
	size_t len = strlen(value);

	return len > 0 && len <= max && strspn(value, set) == len;
}

int check_database_engine(const char *value, struct error *reterr)
{
	static const char *const engines[] = {"mysql", "mariadb", "postgres", NULL};

	if (is_one_of(value, engines))
		return 0;
	return error_set(reterr, -EINVAL, "\"%.80s\" is none of mysql, mariadb, postgres", value);
}

int check_cache_engine(const char *value, struct error *reterr)
{
	static const char *const engines[] = {"redis", "memcached", NULL};

	if (is_one_of(value, engines))
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

	if (is_one_of(value, types))
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

int check_object_key(const char *value, struct error *reterr)
{
	if (is_made_of(value, LETTERS DIGITS "!_.*'()/=-", 1024))
		return 0;
	return error_set(reterr, -EINVAL,
		"\"%.80s\" is no name of an object: letters, digits and ! - _ . * ' ( ) = /",
		value);
}
