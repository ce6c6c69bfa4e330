/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/docker_subnet.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define BASE (UINT32_C(10) << 24 | UINT32_C(208) << 16)
#define BITS 22

void docker_subnet_of(const char *name, unsigned try, char *subnet, size_t size)
{
	uint32_t turn = (uint32_t)((text_hash(name, strlen(name)) + try) % DOCKER_SUBNETS);
	uint32_t address = BASE + (turn << (32 - BITS));

	(void)snprintf(subnet, size, "%u.%u.%u.0/%d", address >> 24, address >> 16 & 0xff,
		address >> 8 & 0xff, BITS);
}

static bool subnet_parse(const char *subnet, uint32_t *ret_address, uint32_t *ret_mask)
{
	unsigned a, b, c, d, bits;

	if (sscanf(subnet, "%3u.%3u.%3u.%3u/%2u", &a, &b, &c, &d, &bits) != 5 || bits < 1 ||
		bits > 32)
		return false;
	*ret_address = (uint32_t)(a << 24 | b << 16 | c << 8 | d);
	*ret_mask = UINT32_MAX << (32 - bits);
	return true;
}

bool docker_subnet_is_free(const char *subnet, const char *routes)
{
	uint32_t address, mask, to, to_mask, common;
	unsigned destination, destination_mask;

	if (!subnet_parse(subnet, &address, &mask))
		return false;
	for (; *routes; routes += strcspn(routes, "\n"), routes += *routes == '\n') {
		if (sscanf(routes, "%*s %8x %*x %*x %*d %*d %*d %8x", &destination,
			    &destination_mask) != 2)
			continue;
		to = ntohl(destination);
		to_mask = ntohl(destination_mask);
		common = mask & to_mask;
		/* The default route leads everywhere. */
		if (to_mask != 0 && (to & common) == (address & common))
			return false;
	}
	return true;
}
