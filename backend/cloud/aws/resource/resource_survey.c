/* SPDX-License-Identifier: Apache-2.0 */
/* What lists show of tenants' resources: one list a type, however many there are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/resource/function_code.h"
#include "cloud/aws/resource/resource.h"
#include "cloud/aws/settled.h"

#define FIFO ".fifo" /* end of the name of such a queue, behind the id */

static uint64_t fact_of(const struct aws_resource *row, const char *name,
	const struct answer_node *thing)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	for (const char *const *setting = row->list.settings; setting && *setting; setting++)
		buf_printf(&text, "%s ", answer_text(thing, *setting));
	return settled_fact("resource", row->type, name, buf_string(&text), NULL);
}

void resource_settle(const struct resource_call *call, const struct aws_resource *row)
{
	struct settled_entry entry = {.type = row->type};

	if (!row->list.path)
		return;
	settled_add(&entry, fact_of(row, call->wanted->external, call->thing));
	if (call->fact)
		settled_add(&entry, call->fact);
	settled_put(call->account->settled, call->wanted->id, SETTLED_RESOURCE, &entry);
}

/* The resource's id is the last part of a name of ours. */
static int64_t id_of(const char *platform, const char *name)
{
	char prefix[64], text[EXTERNAL_SIZE];
	int64_t id = 0;
	size_t len;

	(void)snprintf(prefix, sizeof(prefix), ACCOUNT_NAME_PREFIX, platform);
	if (strncmp(name, prefix, strlen(prefix)) != 0 || !text_copy(text, sizeof(text), name))
		return 0;
	len = strlen(text);
	if (len > strlen(FIFO) && strcmp(text + len - strlen(FIFO), FIFO) == 0)
		text[len - strlen(FIFO)] = '\0';
	return text_parse_int(strrchr(text, '-') + 1, 1, INT64_MAX, &id) < 0 ? 0 : id;
}

static const char *name_of(const struct aws_resource *row, const struct answer_node *thing)
{
	const char *slash;

	if (*row->list.name)
		return answer_text(thing, row->list.name);
	slash = strrchr(thing->text, '/');
	return slash ? slash + 1 : thing->text;
}

static bool is_leaving(const struct aws_resource *row, const struct answer_node *thing)
{
	const char *state = row->list.state ? answer_text(thing, row->list.state) : "";

	return strcmp(state, "deleting") == 0 || strcmp(state, "deleted") == 0;
}

struct listing {
	const struct survey *survey;
	const struct aws_resource *row;
};

static int take(const struct listing *listing, const struct answer_node *thing)
{
	const struct survey *survey = listing->survey;
	const struct aws_resource *row = listing->row;
	const char *name = name_of(row, thing);
	const struct estate_found found = {
		.type = row->type,
		.name = name,
		.level = ESTATE_OF_RESOURCE,
		.owner = id_of(survey->account->platform, name),
		.journal = name,
		.tenant_name = "",
		.tags = ESTATE_TAGS_UNTOLD,
		.fit = ESTATE_AS_WANTED,
	};
	int r;

	if (found.owner == 0 || is_leaving(row, thing) ||
		(row->list.part_of && *answer_text(thing, row->list.part_of)))
		return 0;
	r = survey_fact(survey, fact_of(row, name, thing));
	return r < 0 ? r : survey->hearer->found(survey->hearer->arg, &found);
}

static int take_page(void *arg, const struct answer_node *root)
{
	const struct listing *listing = arg;
	const struct answer_node *thing = answer_find(root, listing->row->list.path);
	int r = 0;

	for (; thing && r == 0; thing = answer_next(thing))
		r = take(listing, thing);
	return r;
}

static int list(const struct survey *survey, const struct aws_resource *row, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(row->list.action);
	struct listing listing = {survey, row};

	if (row->list.ask)
		row->list.ask(survey, &request);
	return aws_client_pages(survey->account->client, &request, take_page, &listing, NULL,
		reterr);
}

/* Without them nothing can be said of functions. */
static int survey_codes(const struct survey *survey, struct error *reterr)
{
	struct error error = ERROR_INIT;
	int r = function_codes_survey(survey, &error);

	return survey_tried(survey, aws_function.type, r, &error, reterr);
}

int resources_survey(const struct survey *survey, struct error *reterr)
{
	const struct aws_resource *row;
	int r = 0;

	for (size_t i = 0; r == 0 && (row = resource_row(i)) != NULL; i++) {
		struct error error = ERROR_INIT;

		if (row->list.path)
			r = survey_tried(survey, row->type, list(survey, row, &error), &error,
				reterr);
	}
	return r < 0 ? r : survey_codes(survey, reterr);
}
