/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/account.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void account_tag(struct aws_request *request, const char *prefix, const struct estate_owner *owner,
	const char *name)
{
	char id[24];
	const char *const tags[][2] = {
		{TAG_PLATFORM, owner->platform},
		{TAG_TENANT, owner->tenant},
		{TAG_ID, id},
		{"Name", name},
	};

	(void)snprintf(id, sizeof(id), "%" PRId64, owner->id);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		aws_request_setf(request, tags[i][0], "%s.%zu.Key", prefix, i + 1);
		aws_request_setf(request, tags[i][1], "%s.%zu.Value", prefix, i + 1);
	}
}

bool account_owns(const struct answer_node *first, const char *key, const char *value,
	const struct estate_owner *owner)
{
	bool platform = false, tenant = false;
	char id[24];

	(void)snprintf(id, sizeof(id), "%" PRId64, owner->id);
	for (; first; first = answer_next(first)) {
		const char *name = answer_text(first, key), *text = answer_text(first, value);

		if (strcmp(name, TAG_PLATFORM) == 0)
			platform = strcmp(text, owner->platform) == 0;
		else if (strcmp(name, TAG_ID) == 0)
			tenant = strcmp(text, id) == 0;
	}
	return platform && tenant;
}

int account_foreign(const char *type, const char *name, struct error *reterr)
{
	return error_set(reterr, -EEXIST,
		"there is a %s \"%s\" in the AWS account that does not carry this platform's tags: "
		"it is left alone",
		type, name);
}

int account_call(struct account *account, const struct aws_request *request, struct answer *answer,
	enum fault_kind fine, struct error *reterr)
{
	struct fault fault;
	int r = aws_client_call(account->client, request, answer, &fault, reterr);

	if (r < 0 && fault.kind == fine && fine != FAULT_OTHER) {
		error_clear(reterr);
		return 0;
	}
	/* What is still used, or not yet known everywhere, needs time. */
	if (r == -EBUSY && reterr)
		reterr->code = -EAGAIN;
	return r == -EBUSY ? -EAGAIN : r;
}
