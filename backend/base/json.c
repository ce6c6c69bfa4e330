/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <stdarg.h>

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
