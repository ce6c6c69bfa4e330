/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's SSH key, as EC2 puts it into its machines: made by the platform, so that AWS never has
 * the private half. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cloud/aws/account.h"
#include "cloud/aws/survey.h"

static int describe(struct account *account, const char *name, struct answer *answer,
	const struct answer_node **ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_KEY_PAIRS);
	int r;

	answer_done(answer);
	aws_request_set(&request, "KeyName.1", name);
	aws_request_set(&request, "IncludePublicKey", "true");
	r = account_call(account, &request, answer, FAULT_MISSING, reterr);
	*ret = r == 0 ? answer_find(answer->root, "keySet/item") : NULL;
	return r;
}

/* EC2 always says which tags there are. Where nothing at all is said of them (ministack), the name
 * counts, which has this platform's random id and the tenant's number. */
static bool is_ours(const struct answer_node *key, const struct estate_owner *owner)
{
	return !answer_find(key, "tagSet") ||
	       account_owns(answer_find(key, "tagSet/item"), "key", "value", owner);
}

/* *ret_made false: one of that name was there already. */
static int import(struct account *account, const struct estate_owner *owner, const char *name,
	bool *ret_made, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_IMPORT_KEY_PAIR);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	size_t len = strcspn(owner->public_key, "\n");
	_cleanup_free_ char *material = malloc((len + 2) / 3 * 4 + 1);
	int r;

	if (!material)
		return error_oom(reterr);
	(void)EVP_EncodeBlock((unsigned char *)material, (const unsigned char *)owner->public_key,
		(int)len);
	aws_request_set(&request, "KeyName", name);
	aws_request_set(&request, "PublicKeyMaterial", material);
	aws_request_set(&request, "TagSpecification.1.ResourceType", "key-pair");
	account_tag(&request, "TagSpecification.1.Tag", owner, name);
	r = account_call(account, &request, &answer, FAULT_EXISTS, reterr);
	*ret_made = r == 0 && answer_find(answer.root, "keyName");
	return r;
}

static int delete_key(struct account *account, const char *name, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DELETE_KEY_PAIR);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "KeyName", name);
	return account_call(account, &request, &answer, FAULT_MISSING, reterr);
}

/* Type and key; the comment does not matter. AWS may not tell. */
static bool is_other(const struct answer_node *key, const struct estate_owner *owner)
{
	const char *told = answer_text(key, "publicKey");
	const char *end = strchr(owner->public_key, ' ');

	if (!*told || !end)
		return false;
	end += 1 + strcspn(end + 1, " \n");
	return strncmp(told, owner->public_key, (size_t)(end - owner->public_key)) != 0;
}

/* The one that is there is the owner's, or made way for it. */
static int look_and_import(struct account *account, const struct estate_owner *owner,
	const char *name, struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *key;
	bool ignored;
	int r = describe(account, name, &answer, &key, reterr);

	if (r == 0 && key && !is_ours(key, owner))
		return account_foreign("key pair", name, reterr);
	if (r == 0 && key && is_other(key, owner)) {
		r = delete_key(account, name, reterr);
		key = NULL;
	}
	return r < 0 || key ? r : import(account, owner, name, &ignored, reterr);
}

static int ensure(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	bool made = false;
	int r = owner->fresh ? import(account, owner, name, &made, reterr) : 0;

	return r < 0 || made ? r : look_and_import(account, owner, name, reterr);
}

static int remove_key(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *key;
	int r = describe(account, name, &answer, &key, reterr);

	if (r < 0 || !key)
		return r;
	return is_ours(key, owner) ? delete_key(account, name, reterr)
				   : account_foreign("key pair", name, reterr);
}

/* Whether it is the right one only its owner's key tells. */
static int tell(const struct survey *survey, const struct answer_node *key)
{
	const struct sighting sighting = {
		.type = aws_key_pair.type,
		.name = answer_text(key, "keyName"),
		.tags_told = answer_find(key, "tagSet") != NULL,
		.tags = answer_find(key, "tagSet/item"),
		.key = "key",
		.value = "value",
		.fit = ESTATE_AS_WANTED,
	};

	return survey_tell(survey, &sighting);
}

static int survey_keys(const struct survey *survey, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_KEY_PAIRS);
	char name[64];

	(void)snprintf(name, sizeof(name), ACCOUNT_NAME_PREFIX "*", survey->account->platform);
	aws_request_set(&request, "Filter.1.Name", "key-name");
	aws_request_set(&request, "Filter.1.Value.1", name);
	return survey_list(survey, &request, "keySet/item", tell, reterr);
}

const struct aws_thing aws_key_pair = {"key-pair", ensure, remove_key, survey_keys};
