/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void error_put(struct error *reterr, int code, const char *format, va_list ap)
{
	reterr->code = code;
	(void)vsnprintf(reterr->text, sizeof(reterr->text), format, ap);
	text_trim_utf8(reterr->text);
}

int error_set(struct error *reterr, int code, const char *format, ...)
{
	va_list ap;

	if (!reterr)
		return code;
	va_start(ap, format);
	error_put(reterr, code, format, ap);
	va_end(ap);
	return code;
}

int error_prefix(struct error *reterr, const char *format, ...)
{
	char old[sizeof(reterr->text)];
	size_t used;
	va_list ap;
	int code;

	if (!reterr)
		return -EIO;
	code = reterr->code ? reterr->code : -EIO;
	memcpy(old, reterr->text, sizeof(old));
	va_start(ap, format);
	error_put(reterr, code, format, ap);
	va_end(ap);
	used = strlen(reterr->text);
	(void)snprintf(reterr->text + used, sizeof(reterr->text) - used, ": %s", old);
	return code;
}

int error_errno(struct error *reterr, int errnum, const char *format, ...)
{
	char reason[128];
	size_t used;
	va_list ap;

	if (!reterr)
		return -errnum;
	va_start(ap, format);
	error_put(reterr, -errnum, format, ap);
	va_end(ap);
	used = strlen(reterr->text);
	(void)snprintf(reterr->text + used, sizeof(reterr->text) - used, ": %s",
		strerror_r(errnum, reason, sizeof(reason)));
	return -errnum;
}

int error_oom(struct error *reterr)
{
	return error_set(reterr, -ENOMEM, "out of memory");
}

void error_clear(struct error *reterr)
{
	if (!reterr)
		return;
	reterr->code = 0;
	reterr->text[0] = '\0';
}

size_t error_gist(const char *text)
{
	const char *end = strstr(text, " (request ");

	return end ? (size_t)(end - text) : strlen(text);
}

bool error_says_same(const char *one, const char *other)
{
	size_t len = error_gist(one);

	return len == error_gist(other) && strncmp(one, other, len) == 0;
}
