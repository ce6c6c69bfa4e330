/* SPDX-License-Identifier: Apache-2.0 */
/* The instance profile by which a tenant's machines get its role; both have the same name. */
#include <errno.h>
#include <string.h>

#include "cloud/aws/account.h"
#include "cloud/aws/survey.h"

static int get(struct account *account, const char *name, struct answer *answer,
	const struct answer_node **ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_GET_INSTANCE_PROFILE);
	int r;

	answer_done(answer);
	aws_request_set(&request, "InstanceProfileName", name);
	r = account_call(account, &request, answer, FAULT_MISSING, reterr);
	*ret = r == 0 ? answer_find(answer->root, "InstanceProfile") : NULL;
	return r;
}

static bool is_ours(const struct answer_node *profile, const struct estate_owner *owner)
{
	return account_owns(answer_find(profile, "Tags/member"), "Key", "Value", owner);
}

/* *ret_made false: it was there already. */
static int create(struct account *account, const struct estate_owner *owner, const char *name,
	bool *ret_made, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_CREATE_INSTANCE_PROFILE);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&request, "InstanceProfileName", name);
	aws_request_set(&request, "Path", ACCOUNT_PATH);
	account_tag(&request, "Tags.member", owner, name);
	r = account_call(account, &request, &answer, FAULT_EXISTS, reterr);
	*ret_made = r == 0 && answer_find(answer.root, "InstanceProfile");
	return r;
}

static int change_role(struct account *account, enum aws_action_id action, const char *name,
	const char *role, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(action);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "InstanceProfileName", name);
	aws_request_set(&request, "RoleName", role);
	/* A role that it has already, and that a look at it did not show yet, is told by the next
	 * sweep. */
	return account_call(account, &request, &answer,
		action == IAM_ADD_ROLE_TO_INSTANCE_PROFILE ? FAULT_EXISTS : FAULT_MISSING, reterr);
}

/* It has room for one role. profile NULL: it was just made. */
static int settle_role(struct account *account, const struct answer_node *profile, const char *name,
	struct error *reterr)
{
	const char *role = answer_text(profile, "Roles/member/RoleName");
	int r = 0;

	if (strcmp(role, name) == 0)
		return 0;
	if (*role)
		r = change_role(account, IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE, name, role, reterr);
	if (r == 0)
		r = change_role(account, IAM_ADD_ROLE_TO_INSTANCE_PROFILE, name, name, reterr);
	return r;
}

static int ensure(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *profile = NULL;
	bool made = false;
	int r = owner->fresh ? 0 : get(account, name, &answer, &profile, reterr);

	if (r == 0 && !profile) {
		r = create(account, owner, name, &made, reterr);
		if (r == 0 && !made)
			r = get(account, name, &answer, &profile, reterr);
	}
	if (r < 0)
		return r;
	if (!profile && !made)
		return error_set(reterr, -EAGAIN,
			"AWS does not show the new instance profile yet: it is tried again");
	if (profile && !is_ours(profile, owner))
		return account_foreign("instance profile", name, reterr);
	return settle_role(account, profile, name, reterr);
}

static int remove_profile(struct account *account, const struct estate_owner *owner,
	const char *name, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_DELETE_INSTANCE_PROFILE);
	_cleanup_answer_ struct answer answer = ANSWER_INIT, ignored = ANSWER_INIT;
	const struct answer_node *profile;
	const char *role;
	int r = get(account, name, &answer, &profile, reterr);

	if (r < 0 || !profile)
		return r;
	if (!is_ours(profile, owner))
		return account_foreign("instance profile", name, reterr);
	role = answer_text(profile, "Roles/member/RoleName");
	if (*role)
		r = change_role(account, IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE, name, role, reterr);
	aws_request_set(&request, "InstanceProfileName", name);
	return r < 0 ? r : account_call(account, &request, &ignored, FAULT_MISSING, reterr);
}

/* AWS does not tell the tags of profiles in a list. */
static int look_at(const struct survey *survey, const struct answer_node *profile)
{
	const struct answer_node *tags = answer_find(profile, "Tags/member");
	const char *name = answer_text(profile, "InstanceProfileName");
	const char *role = answer_text(profile, "Roles/member/RoleName");
	const struct sighting sighting = {
		.type = aws_instance_profile.type,
		.name = name,
		.tags_told = tags != NULL,
		.tags = tags,
		.key = "Key",
		.value = "Value",
		.fit = strcmp(role, name) == 0 ? ESTATE_AS_WANTED : ESTATE_DIFFERS,
	};

	return survey_tell(survey, &sighting);
}

static int survey_profiles(const struct survey *survey, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_LIST_INSTANCE_PROFILES);

	aws_request_set(&request, "PathPrefix", ACCOUNT_PATH);
	aws_request_set(&request, "MaxItems", SURVEY_PAGE);
	return survey_list(survey, &request, "InstanceProfiles/member", look_at, reterr);
}

const struct aws_thing aws_instance_profile = {
	"instance-profile", ensure, remove_profile, survey_profiles};
