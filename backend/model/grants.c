/* SPDX-License-Identifier: Apache-2.0 */
#include "model/grants.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What a line says, without blanks and comment. */
static size_t line_trim(const char **line, size_t len)
{
	const char *comment = memchr(*line, '#', len);

	if (comment)
		len = (size_t)(comment - *line);
	while (len > 0 && is_blank((*line)[len - 1]))
		len--;
	while (len > 0 && is_blank(**line)) {
		(*line)++;
		len--;
	}
	return len;
}

static bool line_parse(const char *line, size_t len, struct grant *ret)
{
	char name[2 * sizeof(ret->tenant)];

	if (len >= sizeof(name) || memchr(line, '\0', len))
		return false;
	(void)memcpy(name, line, len);
	name[len] = '\0';
	if (strchr(name, '/'))
		return grants_split(name, ret);
	ret->service[0] = '\0';
	return text_is_label(name) && text_copy(ret->tenant, sizeof(ret->tenant), name);
}

/* Whether more could make a grant of a line that has no end yet. */
static bool line_begins(const char *line, size_t len)
{
	struct grant grant;
	char more[2 * sizeof(grant.tenant) + 1];

	if (len + 2 > sizeof(more))
		return false;
	(void)memcpy(more, line, len);
	(void)memcpy(more + len, "a", 2);
	return line_parse(more, len + 1, &grant);
}

int grants_check(const char *text, size_t len, struct error *reterr)
{
	struct grant grant;
	int number = 1;

	for (size_t at = 0; at < len; number++) {
		const char *line = text + at;
		const char *end = memchr(line, '\n', len - at);
		size_t rest = end ? (size_t)(end - line) : len - at;
		size_t trimmed = line_trim(&line, rest);

		if (memchr(text + at, '\0', rest))
			return error_set(reterr, -EINVAL, "line %d has a NUL byte", number);
		if (trimmed > 0 && !line_parse(line, trimmed, &grant))
			return error_set(reterr,
				!end && line_begins(line, trimmed) ? -ENODATA : -EINVAL,
				"line %d: \"%.*s\" is neither tenant nor tenant/service", number,
				trimmed < 80 ? (int)trimmed : 80, line);
		at += rest + 1;
	}
	return 0;
}

bool grants_next(const char **at, struct grant *ret)
{
	while (**at) {
		const char *line = *at;
		size_t len = strcspn(line, "\n");

		*at += len + (line[len] == '\n');
		len = line_trim(&line, len);
		if (len > 0 && line_parse(line, len, ret))
			return true;
	}
	return false;
}

bool grants_allow(const char *text, const char *tenant, const char *service)
{
	struct grant grant;

	while (grants_next(&text, &grant))
		if (strcmp(grant.tenant, tenant) == 0 &&
			(!grant.service[0] || strcmp(grant.service, service) == 0))
			return true;
	return false;
}

bool grants_split(const char *name, struct grant *ret)
{
	const char *slash = strchr(name, '/');

	if (!slash || (size_t)(slash - name) >= sizeof(ret->tenant))
		return false;
	(void)memcpy(ret->tenant, name, (size_t)(slash - name));
	ret->tenant[slash - name] = '\0';
	return text_copy(ret->service, sizeof(ret->service), slash + 1) &&
	       text_is_label(ret->tenant) && text_is_label(ret->service);
}
