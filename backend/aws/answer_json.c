/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/answer.h"
#include "base/json.h"

static int add(struct answer *answer, struct answer_node *parent, const char *name,
	const json_t *value, int depth);

static int add_members(struct answer *answer, struct answer_node *node, const json_t *value,
	int depth)
{
	const char *key;
	json_t *member;
	size_t index;
	int r;

	if (json_is_array(value)) {
		json_array_foreach(value, index, member)
		{
			r = add(answer, node, "item", member, depth);
			if (r < 0)
				return r;
		}
		return 0;
	}
	json_object_foreach((json_t *)value, key, member)
	{
		r = add(answer, node, key, member, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_text(struct answer *answer, struct answer_node *node, const json_t *value)
{
	char number[48] = "";
	const char *text = number;

	switch (json_typeof(value)) {
	case JSON_STRING:
		text = json_string_value(value);
		break;
	case JSON_INTEGER:
		(void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
		break;
	case JSON_REAL:
		(void)snprintf(number, sizeof(number), "%.17g", json_real_value(value));
		break;
	default:
		text = json_is_true(value) ? "true" : json_is_false(value) ? "false" : "";
		break;
	}
	node->text = answer_keep(answer, text, strlen(text));
	return node->text ? 0 : -ENOMEM;
}

static int add(struct answer *answer, struct answer_node *parent, const char *name,
	const json_t *value, int depth)
{
	struct answer_node *node;

	if (depth == ANSWER_DEPTH_MAX)
		return -EFBIG;
	node = answer_add(answer, parent, name, strlen(name));
	if (!node)
		return answer->nodes < ANSWER_NODES_MAX ? -ENOMEM : -EFBIG;
	if (json_is_object(value) || json_is_array(value))
		return add_members(answer, node, value, depth + 1);
	return add_text(answer, node, value);
}

int answer_parse_json(struct answer *answer, const char *text, size_t len, struct error *reterr)
{
	_cleanup_json_ json_t *value = NULL;
	json_error_t trouble;
	int r;

	answer_done(answer);
	value = json_parse(text, len, JSON_DECODE_ANY, &trouble);
	if (!value && !trouble.text[0])
		return error_oom(reterr);
	if (!value)
		return error_set(reterr, -EBADMSG,
			"the answer is no whole JSON document (line %d: %s)", trouble.line,
			trouble.text);
	r = add(answer, NULL, "", value, 0);
	if (r < 0)
		answer_done(answer);
	return r == -EFBIG ? error_set(reterr, r, "the answer has too many members")
	       : r < 0     ? error_oom(reterr)
			   : 0;
}
