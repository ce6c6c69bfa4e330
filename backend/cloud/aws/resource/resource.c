/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/resource/resource.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cloud/aws/resource/permission.h"
#include "cloud/aws/settled.h"
#include "cloud/aws/shared.h"

#define CACHE_GROUP_NAME_MAX 40 /* ElastiCache's; all others allow what a bucket may have */
#define CACHE_NAME_MAX       50
#define NAME_MAX_LEN         63
#define MISSED_NS            (10 * NS_PER_SECOND)

static const struct aws_resource *const rows[] = {
	&aws_bucket,
	&aws_queue,
	&aws_table,
	&aws_database,
	&aws_cache,
	&aws_cache_group,
	&aws_function,
	&aws_domain,
};

const struct aws_resource *resource_row(size_t index)
{
	return index < ARRAY_SIZE(rows) ? rows[index] : NULL;
}

static const struct aws_resource *row_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i]->type, type) == 0)
			return rows[i];
	return NULL;
}

static const struct aws_resource *row_for(const struct resource_spec *spec)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i]->type, spec->type) == 0 &&
			(!rows[i]->makes || rows[i]->makes(spec)))
			return rows[i];
	return NULL;
}

/* ---- names ---- */

static size_t longest_name(const struct resource_spec *spec)
{
	if (strcmp(spec->type, aws_cache.type) != 0)
		return NAME_MAX_LEN;
	return resource_is_cache_group(spec) ? CACHE_GROUP_NAME_MAX : CACHE_NAME_MAX;
}

/* Appends "tenant-name", at most room bytes, without two "-" in a row or one at the end, which
 * databases may not have. */
static void add_words(char *ret, size_t room, const char *tenant, const char *name)
{
	char words[2 * NAME_MAX_LEN + 2], *end = ret + strlen(ret), *last = end + room;

	(void)snprintf(words, sizeof(words), "%.63s-%.63s", tenant, name);
	for (const char *at = words; *at && end < last; at++)
		if (*at != '-' || end[-1] != '-')
			*end++ = *at;
	while (end[-1] == '-')
		end--;
	*end = '\0';
}

/* "duplofs-<platform>-<tenant>-<name>-<id>": the platform's own number and the resource's make it
 * unique in the world, as names of buckets must be. */
static void external_name(const struct estate_owner *owner, const struct resource_spec *spec,
	const char *name, int64_t id, char ret[EXTERNAL_SIZE])
{
	size_t limit = longest_name(spec);
	char tail[32];

	(void)snprintf(tail, sizeof(tail), "-%" PRId64 "%s", id, spec->fifo ? ".fifo" : "");
	(void)snprintf(ret, EXTERNAL_SIZE, "duplofs-%.12s-", owner->platform);
	add_words(ret, limit - strlen(ret) - strlen(tail), owner->tenant, name);
	(void)snprintf(ret + strlen(ret), EXTERNAL_SIZE - strlen(ret), "%s", tail);
}

/* ---- what all types need ---- */

int resource_do(struct resource_call *call, const struct aws_request *request, enum fault_kind fine,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	return account_call(call->account, request, &answer, fine, reterr);
}

void resource_output(struct resource_call *call, const char *name, const char *value)
{
	struct outputs *outputs = call->outputs;

	if (!*value || outputs->count == OUTPUTS_MAX)
		return;
	outputs->all[outputs->count].name = name;
	(void)text_copy(outputs->all[outputs->count++].value, OUTPUT_SIZE, value);
}

const char *resource_region(const struct resource_call *call)
{
	return call->account->policy ? policy_text(call->account->policy, "region") : "";
}

void resource_tell_usual(struct resource_call *call)
{
	resource_output(call, "region", resource_region(call));
	resource_output(call, "name", call->wanted->external);
	resource_output(call, "arn", call->arn);
}

int resource_look_tags(struct resource_call *call, const struct aws_request *request,
	const char *path, const char *key, const char *value, struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r = account_call(call->account, request, &answer, FAULT_MISSING, reterr);

	if (r < 0)
		return r;
	if (answer.root) {
		call->ours = account_owns(answer_find(answer.root, path), key, value, call->owner);
		return 0;
	}
	call->ours = true;
	if (call->state != THING_LEAVING)
		call->state = THING_MAKING;
	(void)text_copy(call->word, sizeof(call->word), "its tags are not known yet");
	return 0;
}

json_t *resource_tags(const struct resource_call *call)
{
	json_t *object = json_object();
	struct account_tag tags[ACCOUNT_TAGS];
	char id[ACCOUNT_ID_SIZE];

	account_tags(call->owner, call->wanted->external, id, tags);
	for (size_t i = 0; i < ACCOUNT_TAGS; i++)
		if (json_object_set_new(object, tags[i].key, json_string(tags[i].value)) < 0) {
			json_decref(object);
			return NULL;
		}
	return object;
}

static void set_state(struct resource_call *call, const char *word, const struct state_word *states)
{
	while (states->word && strcmp(states->word, word) != 0)
		states++;
	call->state = states->state;
	(void)text_copy(call->word, sizeof(call->word), word);
}

int resource_find(struct resource_call *call, const struct aws_request *request,
	const struct thing_place *place, struct error *reterr)
{
	int r = account_call(call->account, request, &call->answer, FAULT_MISSING, reterr);

	call->thing = r == 0 ? answer_find(call->answer.root, place->path) : NULL;
	if (!call->thing)
		return r;
	set_state(call, answer_text(call->thing, place->state), place->states);
	(void)text_copy(call->arn, sizeof(call->arn), answer_text(call->thing, place->arn));
	return 0;
}

int resource_group(struct resource_call *call, char ret[GROUP_ID_SIZE], struct error *reterr)
{
	char name[ESTATE_NAME_SIZE];

	account_name(call->owner, name);
	return group_find(call->account, call->owner, name, ret, reterr);
}

/* ---- what is done when ---- */

static int look(struct resource_call *call, const struct aws_resource *row, struct error *reterr)
{
	answer_done(&call->answer);
	call->thing = NULL;
	call->state = THING_MISSING;
	call->ours = call->bare = false;
	call->word[0] = call->arn[0] = '\0';
	return row->look(call, reterr);
}

/* An empty one in its place would hide what is lost. AWS may deny for a moment what it has, too:
 * that is no reason to give it up. */
static int refuse_to_replace(const struct resource_call *call, struct error *reterr)
{
	if (call->wanted->missed_ns < MISSED_NS)
		return error_set(reterr, -EAGAIN,
			RESOURCE_MISSED ", %s \"%s\": it is looked for again",
			call->wanted->spec->type, call->wanted->external);
	return error_set(reterr, -ESTALE,
		"it is gone: somebody removed %s \"%s\" at AWS. It is not made anew, empty; "
		"restore "
		"it there from a backup, with this name and its tags, and it serves again, or give "
		"it up: echo off > protect, rmdir, and make another",
		call->wanted->spec->type, call->wanted->external);
}

static int find_or_make(struct resource_call *call, const struct aws_resource *row,
	struct error *reterr)
{
	int r = call->wanted->fresh ? 0 : look(call, row, reterr);

	if (r < 0 || call->state != THING_MISSING)
		return r;
	if (call->wanted->irreplaceable)
		return refuse_to_replace(call, reterr);
	r = row->create(call, reterr);
	return r < 0 ? r : look(call, row, reterr);
}

/* What was ours, has the name that only this platform gives, and says nobody's name now, has lost
 * its tags. */
static int reclaim(struct resource_call *call, const struct aws_resource *row, struct error *reterr)
{
	int r;

	if (call->state == THING_MISSING || call->ours || !call->bare || !call->wanted->made ||
		!row->retag)
		return 0;
	r = row->retag(call, reterr);
	if (r < 0) {
		(void)error_prefix(reterr, "its tags were taken away, and cannot be put back");
		return r;
	}
	call->ours = true;
	if (call->outputs)
		call->outputs->done = "somebody took its tags away at AWS: they are put back";
	return 0;
}

static int judge(const struct resource_call *call, struct error *reterr)
{
	const struct resource *wanted = call->wanted;
	const char *type = wanted->spec->type;

	if (call->state == THING_MISSING)
		return error_set(reterr, -EAGAIN, "AWS does not show the new %s \"%s\" yet", type,
			wanted->external);
	if (!call->ours)
		return account_foreign(type, wanted->external, reterr);
	switch (call->state) {
	case THING_MAKING:
		return error_set(reterr, -EAGAIN, "AWS is at work on it%s%s",
			call->word[0] ? ": " : "", call->word);
	case THING_LEAVING:
		return error_set(reterr, -EAGAIN, "it was removed at AWS and is on its way out%s",
			wanted->irreplaceable ? "" : "; it is made anew then");
	case THING_FAILED:
		return error_set(reterr, -EIO, "AWS says of %s \"%s\": %s", type, wanted->external,
			call->word);
	default:
		return 0;
	}
}

static int ensure(struct resource_call *call, const struct aws_resource *row, struct error *reterr)
{
	int r;

	settled_drop(call->account->settled, call->wanted->id, SETTLED_RESOURCE);
	r = find_or_make(call, row, reterr);
	if (r == 0)
		r = reclaim(call, row, reterr);
	if (r == 0)
		r = judge(call, reterr);
	if (r == 0 && row->adjust)
		r = account_young(row->adjust(call, reterr), reterr);
	if (r < 0)
		return r;
	row->tell(call);
	resource_settle(call, row);
	return 0;
}

static int aws_ensure(struct estate *estate, const struct estate_owner *owner,
	const struct resource *wanted, struct outputs *ret, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	struct resource_call call = {
		.account = &account, .owner = owner, .wanted = wanted, .outputs = ret};
	const struct aws_resource *row = row_for(wanted->spec);
	int r = account_open(&account, aws_estate_shared(estate), reterr);

	ret->count = 0;
	ret->done = NULL;
	if (r < 0)
		return r;
	r = row ? ensure(&call, row, reterr)
		: error_set(reterr, -EOPNOTSUPP, "resources of type %s are not made yet",
			  wanted->spec->type);
	answer_done(&call.answer);
	return r;
}

static int leave(struct resource_call *call, const struct aws_resource *row, struct error *reterr)
{
	int r = look(call, row, reterr);

	if (r == 0)
		r = reclaim(call, row, reterr);
	if (r == 0 && call->state != THING_MISSING && !call->ours)
		return account_foreign(call->wanted->spec->type, call->wanted->external, reterr);
	if (r == 0 && (call->state == THING_READY || call->state == THING_FAILED)) {
		r = row->remove(call, reterr);
		if (r == 0)
			r = look(call, row, reterr);
	}
	if (r < 0)
		return r;
	if (call->state == THING_MISSING)
		return row->clear ? row->clear(call, reterr) : 0;
	return error_set(reterr, -EAGAIN, "AWS is at work on it%s%s", call->word[0] ? ": " : "",
		call->word);
}

static int aws_remove(struct estate *estate, const struct estate_owner *owner,
	const struct resource *wanted, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	struct resource_call call = {.account = &account, .owner = owner, .wanted = wanted};
	const struct aws_resource *row = row_for(wanted->spec);
	int r = account_open_bare(&account, aws_estate_shared(estate), reterr);

	if (r < 0 || !row)
		return r;
	settled_drop(account.settled, wanted->id, SETTLED_RESOURCE);
	r = leave(&call, row, reterr);
	answer_done(&call.answer);
	return r;
}

static int permit_tenant(struct account *account, const struct estate_owner *owner,
	const char *document, struct error *reterr)
{
	char role[ESTATE_NAME_SIZE];
	int r;

	account_name(owner, role);
	r = permission_put(account, role, PERMISSION_RESOURCES, document, reterr);
	return r == -ENOENT ? error_set(reterr, -EAGAIN, "the tenant's role is not there yet") : r;
}

/* Functions have roles of their own, called as they are. One that is lost is made anew at the next
 * look at its function. */
static int permit_function(struct account *account, const char *arn, const char *document,
	struct error *reterr)
{
	const char *name = strrchr(arn, ':');
	int r = permission_put(account, name ? name + 1 : arn, PERMISSION_RESOURCES, document,
		reterr);

	if (r == -ENOENT)
		error_clear(reterr);
	return r == -ENOENT ? 0 : r;
}

static int write_document(struct buf *document, const struct permitted *permitted, size_t count,
	struct error *reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct aws_resource *row = row_of(permitted[i].type);

		if (row && row->actions)
			r = permission_add(document, permitted[i].arn, row->actions, row->endings);
	}
	if (r == 0)
		r = permission_end(document);
	return r < 0 ? error_oom(reterr) : 0;
}

static int aws_permit(struct estate *estate, const struct estate_owner *owner,
	const struct permitted *permitted, size_t count, struct error *reterr)
{
	_cleanup_buf_ struct buf document = BUF_INIT;
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	int r = account_open_bare(&account, aws_estate_shared(estate), reterr);

	if (r == 0)
		r = write_document(&document, permitted, count, reterr);
	if (r == 0)
		r = permit_tenant(&account, owner, buf_string(&document), reterr);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (strcmp(permitted[i].type, aws_function.type) == 0)
			r = permit_function(&account, permitted[i].arn, buf_string(&document),
				reterr);
	return r;
}

const struct resource_ops aws_resource_ops = {
	.external_name = external_name,
	.ensure = aws_ensure,
	.remove = aws_remove,
	.permit = aws_permit,
};
