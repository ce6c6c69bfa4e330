/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/account.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void account_name(const struct estate_owner *owner, char ret[ESTATE_NAME_SIZE])
{
	(void)snprintf(ret, ESTATE_NAME_SIZE, ACCOUNT_NAME_PREFIX "%.30s-%" PRId64, owner->platform,
		owner->tenant, owner->id);
}

static void set_tag(struct aws_request *request, const char *prefix, size_t number, const char *key,
	const char *value)
{
	aws_request_setf(request, key, "%s.%zu.Key", prefix, number);
	aws_request_setf(request, value, "%s.%zu.Value", prefix, number);
}

static void print_id(int64_t id, char ret[ACCOUNT_ID_SIZE])
{
	(void)snprintf(ret, ACCOUNT_ID_SIZE, "%" PRId64, id);
}

void account_tags(const struct estate_owner *owner, const char *name, char id[ACCOUNT_ID_SIZE],
	struct account_tag ret[ACCOUNT_TAGS])
{
	print_id(owner->id, id);
	ret[0] = (struct account_tag){TAG_PLATFORM, owner->platform};
	ret[1] = (struct account_tag){TAG_TENANT, owner->tenant};
	ret[2] = (struct account_tag){TAG_ID, id};
	ret[3] = (struct account_tag){"Name", name};
}

void account_tag(struct aws_request *request, const char *prefix, const struct estate_owner *owner,
	const char *name)
{
	struct account_tag tags[ACCOUNT_TAGS];
	char id[ACCOUNT_ID_SIZE];

	account_tags(owner, name, id, tags);
	for (size_t i = 0; i < ACCOUNT_TAGS; i++)
		set_tag(request, prefix, i + 1, tags[i].key, tags[i].value);
}

void account_tag_service(struct aws_request *request, const char *prefix, const char *service,
	int64_t id)
{
	char text[ACCOUNT_ID_SIZE];

	print_id(id, text);
	set_tag(request, prefix, 5, TAG_SERVICE, service);
	set_tag(request, prefix, 6, TAG_SERVICE_ID, text);
}

/* Has it both tags with these values? */
static bool has_tags(const struct answer_node *first, const char *key, const char *value,
	const char *platform, const char *id_tag, int64_t id)
{
	bool of_platform = false, of_owner = id == 0;
	char text[ACCOUNT_ID_SIZE];

	print_id(id, text);
	for (; first; first = answer_next(first)) {
		const char *name = answer_text(first, key), *said = answer_text(first, value);

		if (strcmp(name, TAG_PLATFORM) == 0)
			of_platform = strcmp(said, platform) == 0;
		else if (id != 0 && strcmp(name, id_tag) == 0)
			of_owner = strcmp(said, text) == 0;
	}
	return of_platform && of_owner;
}

bool account_owns(const struct answer_node *first, const char *key, const char *value,
	const struct estate_owner *owner)
{
	return has_tags(first, key, value, owner->platform, TAG_ID, owner->id);
}

bool account_owns_service(const struct account *account, const struct answer_node *first,
	const char *key, const char *value, int64_t id)
{
	return has_tags(first, key, value, account->platform, TAG_SERVICE_ID, id);
}

bool account_owns_map(const struct answer_node *tags, const struct estate_owner *owner)
{
	char id[ACCOUNT_ID_SIZE];

	print_id(owner->id, id);
	return strcmp(answer_text(tags, TAG_PLATFORM), owner->platform) == 0 &&
	       (owner->id == 0 || strcmp(answer_text(tags, TAG_ID), id) == 0);
}

bool account_is_bare(const struct answer_node *tags)
{
	return !*answer_text(tags, TAG_PLATFORM) && !*answer_text(tags, TAG_ID);
}

int account_foreign(const char *type, const char *name, struct error *reterr)
{
	return error_set(reterr, -EEXIST,
		"there is a %s \"%s\" in the AWS account that does not carry this platform's tags: "
		"it is left alone",
		type, name);
}

int account_call(const struct account *account, const struct aws_request *request,
	struct answer *answer, enum fault_kind fine, struct error *reterr)
{
	struct fault fault;
	int r = aws_client_call(account->client, request, answer, &fault, reterr);

	if (r < 0 && fault.kind == fine && fine != FAULT_OTHER) {
		error_clear(reterr);
		return 0;
	}
	return account_judge(account, request, &fault, r, reterr);
}

/* What the administrator wrote is refused in the same words as what is not there yet: AWS names it.
 */
static bool is_policys(const struct fault *fault)
{
	return fault->kind == FAULT_MISSING || fault->kind == FAULT_INVALID ||
	       fault->kind == FAULT_NOT_READY;
}

int account_judge(const struct account *account, const struct aws_request *request,
	const struct fault *fault, int r, struct error *reterr)
{
	const char *field = NULL, *value;

	if (r < 0 && account->policy && is_policys(fault))
		field = policy_find(account->policy, fault->message, &value);
	if (field)
		return error_set(reterr, -EINVAL,
			"the policy's %s %.120s: AWS refuses it, and the administrator corrects "
			".platform/policy/infrastructure.json: %s: %.160s (%s %s)",
			field, value, fault->code, fault->message, request->action->service->name,
			request->action->name);
	/* What is still used, or not yet known everywhere, needs time. */
	if (r == -EBUSY && reterr)
		reterr->code = -EAGAIN;
	return r == -EBUSY ? -EAGAIN : r;
}

int account_young(int result, struct error *reterr)
{
	if (result != -ENOENT)
		return result;
	(void)error_prefix(reterr,
		"AWS does not know everywhere yet what was just made, it is tried again");
	if (reterr)
		reterr->code = -EAGAIN;
	return -EAGAIN;
}
