/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/survey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *survey_tag(const struct sighting *sighting, const char *key)
{
	const struct answer_node *node = sighting->tags;

	while (node && strcmp(answer_text(node, sighting->key), key) != 0)
		node = answer_next(node);
	return node ? answer_text(node, sighting->value) : "";
}

/* The tenant's id is the last part of a name of ours. */
static bool take_name(const char *platform, const char *name, int64_t *ret_tenant)
{
	char prefix[64];
	const char *id = strrchr(name, '-');

	(void)snprintf(prefix, sizeof(prefix), ACCOUNT_NAME_PREFIX, platform);
	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return false;
	if (id)
		(void)text_parse_int(id + 1, 1, INT64_MAX, ret_tenant);
	return true;
}

int survey_tell(const struct survey *survey, const struct sighting *sighting)
{
	const char *platform = survey->account->platform;
	struct estate_found found = {
		.type = sighting->type,
		.name = sighting->name,
		.level = ESTATE_OF_TENANT,
		.journal = sighting->name,
		.tenant_name = survey_tag(sighting, TAG_TENANT),
		.tags = ESTATE_TAGS_UNTOLD,
		.fit = sighting->fit,
	};
	bool named = take_name(platform, sighting->name, &found.owner);

	if (sighting->tags_told)
		found.tags = strcmp(survey_tag(sighting, TAG_PLATFORM), platform) == 0
				     ? ESTATE_TAGS_OURS
				     : ESTATE_TAGS_OTHER;
	if (found.tags == ESTATE_TAGS_OURS)
		(void)text_parse_int(survey_tag(sighting, TAG_ID), 1, INT64_MAX, &found.owner);
	else if (!named)
		return 0;
	return survey->hearer->found(survey->hearer->arg, &found);
}

int survey_fact(const struct survey *survey, uint64_t fact)
{
	return key_map_put(&survey->seen->facts, (int64_t)fact, 1);
}

/* Asking for something else would come to the same. */
static bool is_general(int r)
{
	return r == -ECANCELED || r == -EAGAIN || r == -ENOMEM || r == -ENOKEY ||
	       r == -EKEYREJECTED || r == -EKEYEXPIRED || r == -ETIME;
}

int survey_tried(const struct survey *survey, const char *type, int r, const struct error *error,
	struct error *reterr)
{
	struct survey_seen *seen = survey->seen;

	if (r == 0)
		return 0;
	if (is_general(r) || seen->unseen_count == SURVEY_UNSEEN) {
		if (reterr)
			*reterr = *error;
		return r;
	}
	seen->unseen[seen->unseen_count++] = type;
	return survey->hearer->unseen(survey->hearer->arg, type, error);
}

bool survey_is_unseen(const struct survey_seen *seen, const char *type)
{
	for (size_t i = 0; i < seen->unseen_count; i++)
		if (strcmp(seen->unseen[i], type) == 0)
			return true;
	return false;
}

struct listing {
	const struct survey *survey;
	const char *path;
	survey_node_fn fn;
};

static int look_at_page(void *arg, const struct answer_node *root)
{
	const struct listing *listing = arg;
	const struct answer_node *node = answer_find(root, listing->path);
	int r = 0;

	for (; node && r == 0; node = answer_next(node))
		r = listing->fn(listing->survey, node);
	return r;
}

int survey_list(const struct survey *survey, const struct aws_request *request, const char *path,
	survey_node_fn fn, struct error *reterr)
{
	struct listing listing = {survey, path, fn};

	return aws_client_pages(survey->account->client, request, look_at_page, &listing, NULL,
		reterr);
}
