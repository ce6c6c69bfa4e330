/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line is "Field value", what follows any bytes as the spec. The grammar is judged as by
 * another parser; a text that stops early is told from a wrong one; and where the edit of a valid
 * spec is accepted, its view shows the value and all other members are as they were.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "model/json_syntax.h"
#include "model/kind.h"
#include "model/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void check_grammar(const char *text, size_t len)
{
	struct error ours = ERROR_INIT;
	json_error_t theirs;
	_cleanup_json_ json_t *value =
		json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &theirs);
	int r = json_syntax_check(text, len, &ours);

	must(r == 0 ||
		(r == ours.code && ours.text[0] && text_is_utf8(ours.text, strlen(ours.text))));
	/* jansson takes a raw NUL behind a number for a blank, and nests deeper. */
	if (memchr(text, '\0', len) || strstr(ours.text, "too deeply"))
		return;
	if (value)
		must(r == 0);
	else if (json_error_code(&theirs) != json_error_numeric_overflow &&
		 json_error_code(&theirs) != json_error_null_byte_in_key)
		must(r < 0);
	/* What may still become a document is the beginning of each longer one. */
	if (r == 0 && len > 0)
		for (size_t cut = len - (len < 40 ? len : 40); cut < len; cut++)
			must(json_syntax_check(text, cut, NULL) != -EINVAL);
}

static json_t *without(const char *text, size_t len, const char *field)
{
	json_t *object = json_loadb(text, len, JSON_ALLOW_NUL, NULL);

	(void)json_object_del(object, field);
	return object;
}

static void check_edit(const char *text, size_t len, const char *field, const char *value)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_service_spec_ struct service_spec *edited = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_buf_ struct buf view = BUF_INIT;
	_cleanup_json_ json_t *before = NULL, *after = NULL;

	if (service_spec_parse(text, len, "web", &spec, NULL) < 0 ||
		spec_view_check(&service_type, field, value, NULL) < 0)
		return;
	must(spec_text_set(&service_type, text, len, field, value, &out, NULL) == 0);
	before = without(text, len, field);
	after = without(buf_string(&out), out.len, field);
	must(before && json_equal(before, after));
	if (service_spec_parse(buf_string(&out), out.len, "web", &edited, NULL) < 0)
		return;
	must(spec_view(&service_type, edited, field, &view) == 0);
	if (strcmp(field, "Replicas") == 0)
		must(strtoll(buf_string(&view), NULL, 10) == strtoll(value, NULL, 10));
	else
		must(strcasecmp(buf_string(&view), value) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const fields[] = {"Replicas", "DockerImage", "DNS"};
	const char *newline = size ? memchr(data, '\n', size) : NULL;
	size_t head = newline ? (size_t)(newline - (const char *)data) : 0;
	_cleanup_free_ char *line = strndup((const char *)data, head);
	const char *text = (const char *)data + head + (newline != NULL);
	size_t len = size - head - (newline != NULL);

	must(line != NULL);
	check_grammar(text, len);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t name = strlen(fields[i]);

		if (strncmp(line, fields[i], name) == 0 && line[name] == ' ')
			check_edit(text, len, fields[i], line + name + 1);
	}
	return 0;
}
