/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/dns_name.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int dns_name_refuse(const char *name, struct error *reterr)
{
	return error_set(reterr, -EINVAL,
		"\"%.100s\" is not a host name: labels of letters, digits and '-', at most 63 each "
		"and "
		"253 in all, with dots between them",
		name);
}

int dns_name_normalize(const char *name, char ret[DNS_NAME_MAX], struct error *reterr)
{
	size_t len = strlen(name), i, label = 0;
	char lower[DNS_NAME_MAX];

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len > 253)
		return dns_name_refuse(name, reterr);
	for (i = 0; i < len; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == '.') {
			if (label == 0 || lower[i - 1] == '-')
				return dns_name_refuse(name, reterr);
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			   (c == '-' && label > 0)) {
			if (++label > 63)
				return dns_name_refuse(name, reterr);
		} else {
			return dns_name_refuse(name, reterr);
		}
		lower[i] = c;
	}
	if (label == 0 || lower[len - 1] == '-')
		return dns_name_refuse(name, reterr);
	lower[len] = '\0';
	/* A last label of digits alone would be taken for the end of an address. */
	if (strspn(lower + len - label, "0123456789") == label)
		return dns_name_refuse(name, reterr);
	memcpy(ret, lower, len + 1);
	return 0;
}

bool dns_name_within(const char *name, const char *domain)
{
	size_t name_len = strlen(name), domain_len = strlen(domain);

	if (domain_len == 0 || name_len < domain_len)
		return false;
	if (strcmp(name + name_len - domain_len, domain) != 0)
		return false;
	return name_len == domain_len || name[name_len - domain_len - 1] == '.';
}

const char *dns_name_parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : "";
}
