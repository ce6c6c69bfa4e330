/* SPDX-License-Identifier: Apache-2.0 */
#include "model/observability.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "model/json_syntax.h"

#define PLACE           "<TenantName>"
#define NAME_MAX_BYTES  64
#define TITLE_MAX_BYTES 64
#define URL_MAX_BYTES   2048

static int check_name(const char *name, struct error *reterr)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (name[0] == '\0' || name[0] == '.' || name[0] == '-' || name[len] != '\0' ||
		len > NAME_MAX_BYTES)
		return error_set(reterr, -EINVAL,
			"Dashboards: \"%.80s\" is no file name: at most %d letters, digits, \".\", "
			"\"_\" and \"-\"",
			name, NAME_MAX_BYTES);
	if (strcmp(name, OBSERVABILITY_LINKS) == 0)
		return error_set(reterr, -EINVAL, "Dashboards: %s is there already; see Links",
			name);
	return 0;
}

static int check_dashboards(json_t *dashboards, struct error *reterr)
{
	const char *name;
	json_t *template;
	int r = 0;

	if (!json_is_object(dashboards))
		return error_set(reterr, -EINVAL, "Dashboards: an object of templates is needed");
	json_object_foreach(dashboards, name, template)
	{
		if (r == 0)
			r = check_name(name, reterr);
		if (r == 0 && !json_is_string(template) && !json_is_object(template) &&
			!json_is_array(template))
			r = error_set(reterr, -EINVAL,
				"Dashboards.%.80s: a document or a text is needed", name);
	}
	return r;
}

static int check_link(const char *title, const char *url, struct error *reterr)
{
	size_t rest = url ? strcspn(url, " \t\r\n\x7f") : 0;

	for (const char *at = title; *at; at++)
		if (iscntrl((unsigned char)*at))
			return error_set(reterr, -EINVAL, "Links: a title is one line of text");
	if (title[0] == '\0' || strlen(title) > TITLE_MAX_BYTES)
		return error_set(reterr, -EINVAL, "Links: a title has 1 to %d bytes",
			TITLE_MAX_BYTES);
	if (!url || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) ||
		url[rest] != '\0' || rest > URL_MAX_BYTES)
		return error_set(reterr, -EINVAL,
			"Links.%.80s: a URL is needed, such as https://example.com/" PLACE, title);
	return 0;
}

static int check_links(json_t *links, struct error *reterr)
{
	const char *title;
	json_t *url;
	int r = 0;

	if (!json_is_object(links))
		return error_set(reterr, -EINVAL, "Links: an object of URLs is needed");
	json_object_foreach(links, title, url)
	{
		if (r == 0)
			r = check_link(title, json_string_value(url), reterr);
	}
	return r;
}

static int check_document(json_t *document, struct error *reterr)
{
	static const char *const fields[] = {"Dashboards", "Links", NULL};
	const char *field, *near;
	json_t *value;
	int r = 0;

	if (!json_is_object(document))
		return error_set(reterr, -EINVAL,
			"an object is needed: {\"Dashboards\": ..., "
			"\"Links\": ...}");
	json_object_foreach(document, field, value)
	{
		if (r < 0)
			break;
		near = text_nearest(field, fields);
		if (strcmp(field, fields[0]) == 0)
			r = check_dashboards(value, reterr);
		else if (strcmp(field, fields[1]) == 0)
			r = check_links(value, reterr);
		else
			r = error_set(reterr, -EINVAL, "unknown field \"%.80s\"%s%s%s", field,
				near ? ", did you mean \"" : ": Dashboards or Links",
				near ? near : "", near ? "\"?" : "");
	}
	return r;
}

int observability_parse(const char *text, size_t len, json_t **ret, struct error *reterr)
{
	_cleanup_json_ json_t *document = NULL;
	int r = json_document_parse(text, len, &document, reterr);

	if (r == 0)
		r = check_document(document, reterr);
	if (r == 0)
		*ret = json_incref(document);
	return r;
}

void observability_fill(const char *template, const char *tenant, struct buf *out)
{
	const char *at;

	while ((at = strstr(template, PLACE)) != NULL) {
		buf_add(out, template, (size_t)(at - template));
		buf_puts(out, tenant);
		template = at + strlen(PLACE);
	}
	buf_puts(out, template);
}
