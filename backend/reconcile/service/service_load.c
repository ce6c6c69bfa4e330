/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "reconcile/host/fleet.h"
#include "reconcile/service/service_work.h"

void service_work_done(struct service_work *work)
{
	object_done(&work->service);
	service_spec_free(work->spec);
	free(work->members);
	free(work->replicas);
}

bool member_ready(const struct member *member)
{
	return member->spec.run && member->status.phase == INSTANCE_HEALTHY &&
	       member->status.template_generation == member->spec.template_generation &&
	       member->status.restart == member->spec.restart;
}

bool member_has_container(const struct member *member)
{
	return member->status.container[0] != '\0' && member->status.phase != INSTANCE_CRASHED &&
	       member->status.phase != INSTANCE_STOPPED;
}

static int load_member(void *arg, const struct object *object)
{
	struct service_work *work = arg;
	struct member *member;

	if (work->count == work->room) {
		size_t room = work->room ? work->room * 2 : 8;
		struct member *members = realloc(work->members, room * sizeof(*members));

		if (!members)
			return -ENOMEM;
		work->members = members;
		work->room = room;
	}
	member = &work->members[work->count];
	*member = (struct member){.id = object->id};
	if (instance_spec_parse(object->spec, &member->spec) < 0)
		return -EBADMSG;
	if (instance_status_parse(object->status, &member->status) < 0)
		member->status = (struct instance_status){.phase = INSTANCE_PENDING};
	work->count++;
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;

	return (left->spec.ordinal > right->spec.ordinal) -
	       (left->spec.ordinal < right->spec.ordinal);
}

/* Whether a template of the past means the same as the wanted one: after a rollback it does, and
 * what still runs of it need not be replaced. */
static bool template_same(const struct service_work *work, int64_t template_generation)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	struct history_entry entry;

	if (template_generation == work->service.template_generation)
		return true;
	if (store_history(work->r->options.store, work->service.id, template_generation, &entry,
		    &text) < 0)
		return false;
	if (service_spec_parse(buf_string(&text), text.len, work->service.name, &spec, NULL) < 0)
		return false;
	return service_spec_same_template(spec, work->spec);
}

static void mark_templates(struct service_work *work)
{
	int64_t asked = work->service.template_generation;
	bool same = true;

	/* Neighbours mostly share a template: one answer is remembered. */
	for (size_t i = 0; i < work->count; i++) {
		struct member *member = &work->members[i];

		if (member->spec.template_generation != asked) {
			asked = member->spec.template_generation;
			same = template_same(work, asked);
		}
		member->same_template = same;
	}
}

static void say_away(struct service_work *work, const struct host *host)
{
	if (work->away)
		return;
	work->away = true;
	LOCKED(&work->r->lock);
	if (host->id == HOST_LOCAL_ID)
		(void)snprintf(work->away_words, sizeof(work->away_words),
			"waiting for the container engine (Docker)%s%.300s",
			host->error.text[0] ? ": " : "", host->error.text);
	else
		(void)snprintf(work->away_words, sizeof(work->away_words),
			"host %.64s does not answer", host->name);
}

/* What its host makes of a member. */
static void mark_host(struct service_work *work, struct member *member)
{
	_cleanup_host_ struct host *host = fleet_take(work->r->fleet, member->spec.host_id);
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct host_facts facts;

	if (!host) { /* it is on its way, unless its object has gone */
		member->away = true;
		member->lost = member->gone = store_peek(work->r->options.store,
						      member->spec.host_id, &object) == -ENOENT;
		return;
	}
	host_facts(host, &facts);
	member->leaving = facts.leaving;
	member->away = !host->up;
	member->lost = host_is_lost(host);
	member->gone = member->lost && facts.removed;
	if (member->away)
		say_away(work, host);
}

static void mark_hosts(struct service_work *work)
{
	const struct host *local = fleet_local(work->r->fleet);

	for (size_t i = 0; i < work->count; i++)
		mark_host(work, &work->members[i]);
	if (work->count == 0 && !local->up && !atomic_load(&work->r->local_closed))
		say_away(work, local);
}

int service_load(struct service_work *work, struct reconciler *r, int64_t id, struct error *reterr)
{
	struct store *store = r->options.store;
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	int result;

	*work = (struct service_work){.r = r, .next_ns = QUEUE_DONE};
	result = store_get(store, id, &work->service);
	if (result < 0)
		return result;
	if (store_peek(store, work->service.tenant, &tenant) == 0)
		(void)text_copy(work->tenant, sizeof(work->tenant), tenant.name);
	if (service_status_parse(work->service.status, &work->status) < 0)
		work->status = (struct service_status){.phase = SERVICE_NEW};
	if (work->service.deleting || !work->service.spec)
		return 0;
	result = service_spec_parse(work->service.spec, strlen(work->service.spec),
		work->service.name, &work->spec, reterr);
	if (result < 0)
		return result;
	result = store_list(store, id, KIND_INSTANCE, 0, true, load_member, work);
	if (result < 0)
		return error_set(reterr, result, "the instances of %s cannot be read",
			work->service.name);
	if (work->count > 1)
		qsort(work->members, work->count, sizeof(*work->members), compare_members);
	mark_templates(work);
	mark_hosts(work);
	return 0;
}
