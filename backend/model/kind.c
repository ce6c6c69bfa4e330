/* SPDX-License-Identifier: Apache-2.0 */
#include "model/kind.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"

const char *kind_name(enum kind kind)
{
	static const char *const names[] = {
		[KIND_PLATFORM] = "platform",
		[KIND_TENANT] = "tenant",
		[KIND_SERVICE] = "service",
		[KIND_INSTANCE] = "instance",
		[KIND_SECRET] = "secret",
		[KIND_CONFIG] = "config value",
		[KIND_HOST] = "host",
		[KIND_RESOURCE] = "resource",
		[KIND_GROUP] = "group",
		[KIND_POLICY] = "policy",
		[KIND_OUTPUT] = "output",
	};

	return kind >= KIND_PLATFORM && kind <= KIND_OUTPUT ? names[kind] : "object";
}

/* [A-Za-z_][A-Za-z0-9_.-]{0,127} */
static bool kind_is_key(const char *name)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char rest[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";

	return name[0] && strchr(first, name[0]) && name[strspn(name, rest)] == '\0';
}

static int kind_check_ordinal(const char *name, struct error *reterr)
{
	int64_t ordinal;

	if (text_parse_int(name, 0, 1000000, &ordinal) < 0)
		return error_set(reterr, -EINVAL, "\"%s\" is no ordinal", name);
	return 0;
}

int kind_check_name(enum kind kind, const char *name, struct error *reterr)
{
	bool key = kind == KIND_SECRET || kind == KIND_CONFIG;
	size_t max = key ? 128 : 63;

	if (kind == KIND_INSTANCE)
		return kind_check_ordinal(name, reterr);
	if (strlen(name) > max)
		return error_set(reterr, -ENAMETOOLONG,
			"the name of a %s has at most %zu characters", kind_name(kind), max);
	if (kind == KIND_HOST && strcmp(name, "local") == 0)
		return error_set(reterr, -EINVAL,
			"\"local\" is the platform's own machine, which needs no directory");
	if (key && !kind_is_key(name))
		return error_set(reterr, -EINVAL,
			"the name of a %s is letters, digits, \"_\", \".\" and \"-\", "
			"and begins with a letter or \"_\"",
			kind_name(kind));
	if (!key && !text_is_label(name))
		return error_set(reterr, -EINVAL,
			"the name of a %s is lower-case letters, digits and \"-\", "
			"begins with a letter and does not end in \"-\"",
			kind_name(kind));
	return 0;
}
