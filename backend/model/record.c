/* SPDX-License-Identifier: Apache-2.0 */
#include "model/record.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "model/json_syntax.h"

/* What others say (a container's last words, a cut sentence) may not be UTF-8. */
static json_t *record_text(const char *text)
{
	_cleanup_free_ char *mended = NULL;

	if (text_is_utf8(text, strlen(text)))
		return json_string(text);
	mended = strdup(text);
	if (!mended)
		return NULL;
	text_mend(mended);
	return json_string(mended);
}

static json_t *record_member_value(const struct record_member *member, const char *at)
{
	switch (member->type) {
	case RECORD_INT:
		return json_integer(*(const int64_t *)(const void *)at);
	case RECORD_BOOL:
		return json_boolean(*(const bool *)(const void *)at);
	case RECORD_TEXT:
		return record_text(at);
	case RECORD_WORD:
		return json_string(member->words[*(const unsigned *)(const void *)at]);
	}
	return NULL;
}

void record_print(const struct record_member *members, const void *record, struct buf *out)
{
	_cleanup_json_ json_t *object = json_object();
	const struct record_member *member;

	for (member = members; member->name; member++) {
		const char *at = (const char *)record + member->offset;

		if (json_object_set_new(object, member->name, record_member_value(member, at)) < 0)
			out->error = out->error ? out->error : -ENOMEM;
	}
	json_print(object, JSON_COMPACT, out);
}

static void record_member_set(const struct record_member *member, const json_t *value, char *at)
{
	const char *text = json_string_value(value);
	unsigned i;

	switch (member->type) {
	case RECORD_INT:
		*(int64_t *)(void *)at = json_integer_value(value);
		break;
	case RECORD_BOOL:
		*(bool *)(void *)at = json_is_true(value);
		break;
	case RECORD_TEXT:
		(void)text_copy(at, member->size, text ? text : "");
		break;
	case RECORD_WORD:
		for (i = 0; text && member->words[i]; i++)
			if (strcmp(member->words[i], text) == 0)
				*(unsigned *)(void *)at = i;
		break;
	}
}

int record_parse(const struct record_member *members, const char *json, void *record, size_t size)
{
	_cleanup_json_ json_t *object = json ? json_parse(json, strlen(json), 0, NULL) : NULL;
	const struct record_member *member;

	memset(record, 0, size);
	if (!json)
		return 0;
	if (!object && json_syntax_check(json, strlen(json), NULL) == 0)
		return -ENOMEM;
	if (!json_is_object(object))
		return -EINVAL;
	for (member = members; member->name; member++)
		record_member_set(member, json_object_get(object, member->name),
			(char *)record + member->offset);
	return 0;
}
