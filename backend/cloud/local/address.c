/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int address_range_parse(const char *cidr, struct address_range *ret, struct error *reterr)
{
	const char *slash = cidr ? strchr(cidr, '/') : NULL;
	struct in_addr address;
	char text[ADDRESS_MAX];
	int64_t bits;
	uint32_t mask;

	if (!slash || (size_t)(slash - cidr) >= sizeof(text))
		goto malformed;
	memcpy(text, cidr, (size_t)(slash - cidr));
	text[slash - cidr] = '\0';
	if (inet_pton(AF_INET, text, &address) != 1)
		goto malformed;
	if (text_parse_int(slash + 1, 8, 30, &bits) < 0)
		goto malformed;
	mask = UINT32_MAX << (32 - bits);
	if (ntohl(address.s_addr) & ~mask)
		return error_set(reterr, -EINVAL,
			"\"%s\" is not a range: the bits after the first %d must be zero", cidr,
			(int)bits);
	ret->first = ntohl(address.s_addr);
	ret->last = ret->first | ~mask;
	return 0;
malformed:
	return error_set(reterr, -EINVAL,
		"\"%s\" is not an IPv4 range like 127.88.0.0/16 (prefix 8 to 30)",
		cidr ? cidr : "");
}

int address_of_slot(const struct address_range *range, int64_t slot, char ret[ADDRESS_MAX],
	struct error *reterr)
{
	int64_t room = (int64_t)range->last - range->first - 2;
	struct in_addr address;

	if (slot < 0 || slot >= room)
		return error_set(reterr, -ENOSPC,
			"the address range has room for %lld load balancers; slot %lld is not one "
			"of them",
			(long long)room, (long long)slot);
	address.s_addr = htonl((uint32_t)(range->first + 2 + slot));
	(void)inet_ntop(AF_INET, &address, ret, ADDRESS_MAX);
	return 0;
}

int address_listen_parse(const char *text, char ret_address[ADDRESS_MAX], int *ret_port,
	struct error *reterr)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	char address[ADDRESS_MAX];
	struct in_addr ignored;
	int64_t port;

	if (!colon || (size_t)(colon - text) >= sizeof(address))
		goto malformed;
	memcpy(address, text, (size_t)(colon - text));
	address[colon - text] = '\0';
	if (inet_pton(AF_INET, address, &ignored) != 1)
		goto malformed;
	if (text_parse_int(colon + 1, 1, 65535, &port) < 0)
		goto malformed;
	memcpy(ret_address, address, sizeof(address));
	*ret_port = (int)port;
	return 0;
malformed:
	return error_set(reterr, -EINVAL, "\"%s\" is not an address like 127.88.0.1:53",
		text ? text : "");
}

bool address_is_numeric(const char *text)
{
	struct in6_addr ignored;

	return inet_pton(AF_INET, text, &ignored) == 1 || inet_pton(AF_INET6, text, &ignored) == 1;
}
