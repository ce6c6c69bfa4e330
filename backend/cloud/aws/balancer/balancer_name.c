/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer/balancer_name.h"

#include <stdio.h>
#include <string.h>

#define BASE       36
#define DIGITS_MAX 11 /* beside "duplofs-", 12 characters of the platform, and "-" */

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* Ids count up from 1: 36^11 of them are never reached; what would be cut is no name of ours. */
void balancer_name(const char *platform, int64_t service, char ret[BALANCER_NAME_SIZE])
{
	char text[DIGITS_MAX + 1];
	size_t at = sizeof(text) - 1;

	text[at] = '\0';
	do {
		text[--at] = digits[service % BASE];
		service /= BASE;
	} while (service > 0 && at > 0);
	(void)snprintf(ret, BALANCER_NAME_SIZE, "duplofs-%.12s-%s", platform, text + at);
}

bool balancer_name_parse(const char *name, const char *platform, int64_t *ret_service)
{
	char again[BALANCER_NAME_SIZE];
	const char *text = strrchr(name, '-');
	int64_t service = 0;

	if (!text || strlen(text + 1) > DIGITS_MAX)
		return false;
	for (text++; *text; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit)
			return false;
		service = service * BASE + (digit - digits);
	}
	balancer_name(platform, service, again);
	if (strcmp(again, name) != 0)
		return false;
	*ret_service = service;
	return true;
}
