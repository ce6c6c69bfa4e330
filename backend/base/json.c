/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

const char *json_get_string(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : otherwise;
}

int64_t json_get_int(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool json_get_bool(const json_t *object, const char *key, bool otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static _Thread_local bool json_out_of_memory;

static void *json_allocate(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		json_out_of_memory = true;
	return memory;
}

/* Before anybody has made a value. */
__attribute__((constructor)) static void json_watch_memory(void)
{
	json_set_alloc_funcs(json_allocate, free);
}

json_t *json_parse(const char *text, size_t len, size_t flags, json_error_t *error)
{
	json_error_t ignored;
	json_t *value;

	if (!error)
		error = &ignored;
	*error = (json_error_t){0};
	json_out_of_memory = false;
	value = json_loadb(text, len, flags, error);
	if (!json_out_of_memory)
		return value;
	json_decref(value);
	*error = (json_error_t){0};
	return NULL;
}

const json_t *json_get_path(const json_t *object, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, object);
	while (object && (key = va_arg(ap, const char *)) != NULL)
		object = json_object_get(object, key);
	va_end(ap);
	return object;
}

static int json_print_chunk(const char *chunk, size_t len, void *arg)
{
	struct buf *buf = arg;

	buf_add(buf, chunk, len);
	return buf->error ? -1 : 0;
}

void json_print(const json_t *value, size_t flags, struct buf *buf)
{
	if (json_dump_callback(value, json_print_chunk, buf, flags | JSON_ENCODE_ANY) < 0 &&
		!buf->error)
		buf->error = -ENOMEM;
}
