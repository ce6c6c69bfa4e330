/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "net/net.h"

#define NAME_MAX_LEN 160

struct aws_request aws_request_of(enum aws_action_id action)
{
	return (struct aws_request){.action = aws_action(action)};
}

void aws_request_done(struct aws_request *request)
{
	buf_wipe(&request->fields);
	buf_done(&request->fields);
	buf_done(&request->body);
	json_decref(request->json);
	request->json = NULL;
}

void aws_request_set(struct aws_request *request, const char *name, const char *value)
{
	buf_add(&request->fields, name, strlen(name) + 1);
	buf_add(&request->fields, value, strlen(value) + 1);
}

void aws_request_set_number(struct aws_request *request, const char *name, int64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, number);
	aws_request_set(request, name, text);
}

void aws_request_set_truth(struct aws_request *request, const char *name, bool truth)
{
	aws_request_set(request, name, truth ? "true" : "false");
}

void aws_request_setf(struct aws_request *request, const char *value, const char *name, ...)
{
	char text[NAME_MAX_LEN];
	va_list ap;

	va_start(ap, name);
	(void)vsnprintf(text, sizeof(text), name, ap);
	va_end(ap);
	aws_request_set(request, text, value);
}

/* The field after at (NULL: the first); NULL: no more. The value follows the name's NUL. */
static const char *next_field(const struct aws_request *request, const char *at)
{
	const char *end = request->fields.data + request->fields.len;

	if (!request->fields.data)
		return NULL;
	if (!at)
		at = request->fields.data;
	else
		for (int i = 0; i < 2; i++)
			at += strlen(at) + 1;
	return at < end ? at : NULL;
}

static const char *field_value(const char *field)
{
	return field + strlen(field) + 1;
}

const char *aws_request_get(const struct aws_request *request, const char *name)
{
	for (const char *field = NULL; (field = next_field(request, field)) != NULL;)
		if (strcmp(field, name) == 0)
			return field_value(field);
	return NULL;
}

void aws_xml_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("&<>\"'", *text))
			buf_printf(out, "&#%d;", *text);
		else
			buf_putc(out, *text);
	}
}

/* As HTML forms do: a space is "+". */
static void escape_form(struct buf *buf, const char *text)
{
	size_t run;

	while (*text) {
		_cleanup_buf_ struct buf part = BUF_INIT;

		run = strcspn(text, " ");
		buf_add(&part, text, run);
		net_escape(buf, buf_string(&part));
		if (part.error)
			buf->error = part.error;
		buf_wipe(&part);
		text += run;
		if (*text)
			buf_putc(buf, '+');
		text += *text != '\0';
	}
}

static void add_form_field(struct buf *body, const char *name, const char *value)
{
	buf_puts(body, body->len > 0 ? "&" : "");
	escape_form(body, name);
	buf_putc(body, '=');
	escape_form(body, value);
}

static void make_form(struct aws_wire *wire, const struct aws_request *request, const char *page)
{
	const struct aws_action *action = request->action;

	add_form_field(&wire->body, "Action", action->name);
	add_form_field(&wire->body, "Version", action->service->version);
	for (const char *field = NULL; (field = next_field(request, field)) != NULL;)
		add_form_field(&wire->body, field, field_value(field));
	if (page)
		add_form_field(&wire->body, action->page_in, page);
}

static int make_json(struct aws_wire *wire, const struct aws_request *request, const char *page)
{
	_cleanup_json_ json_t *object =
		request->json ? json_deep_copy(request->json) : json_object();
	int r = object ? 0 : -1;

	if (request->action->service->codec == CODEC_JSON)
		for (const char *field = NULL;
			r == 0 && (field = next_field(request, field)) != NULL;)
			r = json_object_set_new(object, field, json_string(field_value(field)));
	if (r == 0 && page)
		r = json_object_set_new(object, request->action->page_in, json_string(page));
	if (r < 0)
		return -ENOMEM;
	json_print(object, JSON_COMPACT, &wire->body);
	return wire->body.error;
}

/* Is the field part of the path's template? */
static bool in_path(const char *path, const char *name)
{
	const char *at = path;
	size_t len = strlen(name);

	while ((at = strchr(at, '{')) != NULL)
		if (strncmp(++at, name, len) == 0 &&
			(at[len] == '}' || (at[len] == '+' && at[len + 1] == '}')))
			return true;
	return false;
}

static int escape_parts(struct buf *out, const char *value)
{
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy, *part;

	if (!copy)
		return -ENOMEM;
	while ((part = strsep(&rest, "/")) != NULL) {
		net_escape(out, part);
		if (rest)
			buf_putc(out, '/');
	}
	return 0;
}

/* Puts the value of the field in braces at at; *ret_len: of the name with what is about it. */
static int put_field(const struct aws_request *request, const char *at, struct buf *out,
	size_t *ret_len)
{
	char name[NAME_MAX_LEN];
	size_t len = strcspn(at, "}+");
	const char *value;

	(void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
	value = aws_request_get(request, name);
	if (!value || !*value)
		return -EINVAL;
	*ret_len = len + (at[len] == '+' ? 2 : 1);
	if (at[len] == '+')
		return escape_parts(out, value);
	net_escape(out, value);
	return 0;
}

/* "/{Bucket}?tagging" -> path and query. -EINVAL: a field of the path is missing or empty. */
static int make_path(struct aws_wire *wire, const struct aws_request *request)
{
	const char *at = request->action->path ? request->action->path : "/";
	struct buf *out = &wire->path;
	size_t len;
	int r;

	for (; *at; at++) {
		if (*at == '?') {
			out = &wire->query;
		} else if (*at == '{') {
			r = put_field(request, at + 1, out, &len);
			if (r < 0)
				return r;
			at += len;
		} else {
			buf_putc(out, *at);
		}
	}
	if (wire->query.len > 0 && !strchr(buf_string(&wire->query), '='))
		buf_putc(&wire->query, '=');
	return 0;
}

static void add_query(struct buf *query, const char *name, const char *value)
{
	buf_puts(query, query->len > 0 ? "&" : "");
	net_escape(query, name);
	buf_putc(query, '=');
	net_escape(query, value);
}

static int make_rest(struct aws_wire *wire, const struct aws_request *request, const char *page)
{
	const struct aws_action *action = request->action;
	int r;

	for (const char *field = NULL; (field = next_field(request, field)) != NULL;)
		if (!in_path(action->path, field))
			add_query(&wire->query, field, field_value(field));
	if (page)
		add_query(&wire->query, action->page_in, page);
	if (action->service->codec == CODEC_REST_JSON && request->json) {
		r = make_json(wire, request, NULL);
		if (r < 0)
			return r;
	}
	buf_add(&wire->body, buf_string(&request->body), request->body.len);
	return request->body.error;
}

int aws_wire_make(struct aws_wire *ret, const struct aws_request *request, const char *page,
	struct error *reterr)
{
	const struct aws_action *action = request->action;
	int r = request->fields.error;

	*ret = (struct aws_wire){.method = action->method ? action->method : "POST"};
	if (r == 0)
		r = make_path(ret, request);
	if (r == -EINVAL)
		return error_set(reterr, r, "AWS %s: a part of its path is missing", action->name);
	if (r == 0) {
		switch (action->service->codec) {
		case CODEC_EC2:
		case CODEC_QUERY:
			make_form(ret, request, page);
			break;
		case CODEC_JSON:
			r = make_json(ret, request, page);
			break;
		case CODEC_REST_XML:
		case CODEC_REST_JSON:
			r = make_rest(ret, request, page);
			break;
		}
	}
	if (r < 0 || ret->path.error || ret->query.error || ret->body.error)
		return error_oom(reterr);
	return 0;
}

void aws_wire_done(struct aws_wire *wire)
{
	buf_done(&wire->path);
	buf_done(&wire->query);
	buf_wipe(&wire->body);
	buf_done(&wire->body);
}
