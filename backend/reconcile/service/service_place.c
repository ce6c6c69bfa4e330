/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/service/service_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "reconcile/host/fleet.h"

/* True when the word stands on a line of its own. */
static bool has_line(const char *lines, const char *word)
{
	size_t len = strlen(word);
	const char *at = lines;

	while (at && (at = strstr(at, word))) {
		if ((at == lines || at[-1] == '\n') && at[len] == '\n')
			return true;
		at += len;
	}
	return false;
}

/* Names and tags speak louder than the wish for a cheap machine. */
static int preference(const struct service_spec *spec, const struct host *host)
{
	int preferred = spec->spot && host->facts.spot;

	for (char *const *word = spec->hosts; word && *word; word++) {
		if (strcmp(*word, host->name) == 0 || has_line(host->facts.tags, *word))
			return preferred + 2;
	}
	return preferred;
}

/* What is asked of this machine may wait until its engine is there, unless something is reserved:
 * of a machine whose size is not known nothing is. */
static bool is_ready(const struct service_spec *spec, const struct host *host)
{
	if (host->id != HOST_LOCAL_ID)
		return host->up && host->facts.known;
	return host->facts.known || (spec->cpu_milli == 0 && spec->memory_mib == 0);
}

static void add_host(void *arg, const struct host *host, const struct tally *tally)
{
	struct placing *placing = arg;
	struct placement_host *place;

	if (placing->count == placing->room) {
		size_t room = placing->room ? placing->room * 2 : 4;
		struct placement_host *hosts =
			realloc(placing->hosts, room * sizeof(*placing->hosts));

		if (!hosts) {
			placing->result = -ENOMEM;
			return;
		}
		placing->hosts = hosts;
		placing->room = room;
	}
	place = &placing->hosts[placing->count++];
	*place = (struct placement_host){
		.id = host->id,
		.up = is_ready(placing->work->spec, host),
		.closed = !host->facts.schedulable || host->facts.leaving,
		.preferred = preference(placing->work->spec, host),
		.cpu_milli = host->facts.cpu_milli,
		.memory_mib = host->facts.memory_mib,
		.cpu_milli_reserved = tally->cpu_milli,
		.memory_mib_reserved = tally->memory_mib,
	};
	(void)text_copy(place->name, sizeof(place->name), host->name);
}

int placing_begin(struct placing *placing, const struct service_work *work, struct error *reterr)
{
	*placing = (struct placing){.work = work};
	fleet_each(work->r->fleet, work->service.tenant, add_host, placing);
	if (placing->result == 0 && work->plan.create > 0) {
		placing->placed = calloc((size_t)work->plan.create, sizeof(*placing->placed));
		if (!placing->placed)
			placing->result = -ENOMEM;
	}
	return placing->result < 0 ? error_oom(reterr) : 0;
}

void placing_done(struct placing *placing)
{
	free(placing->hosts);
	free(placing->placed);
	*placing = (struct placing){0};
}

void placing_undo(struct placing *placing)
{
	for (size_t i = 0; i < placing->placed_count; i++)
		fleet_release(placing->work->r->fleet, placing->placed[i].instance);
	placing_done(placing);
}

static struct placement_host *find(struct placing *placing, int64_t id)
{
	for (size_t i = 0; i < placing->count; i++) {
		if (placing->hosts[i].id == id)
			return &placing->hosts[i];
	}
	return NULL;
}

static int64_t domain_of(const struct placing *placing, int64_t ordinal)
{
	const struct service_spec *spec = placing->work->spec;
	int64_t domains =
		spec->update_domains < spec->replicas ? spec->update_domains : spec->replicas;

	if (spec->replicas == 0 || ordinal >= spec->replicas)
		return domains;
	return ordinal * domains / spec->replicas;
}

static void count_one(struct placing *placing, int64_t host_id, int64_t ordinal, int64_t domain)
{
	struct placement_host *host = find(placing, host_id);

	if (!host)
		return;
	host->same_service++;
	host->same_domain += domain_of(placing, ordinal) == domain;
}

/* Those that stay, and those that this placing has added. */
static void count_members(struct placing *placing, int64_t ordinal)
{
	const struct service_work *work = placing->work;
	int64_t domain = domain_of(placing, ordinal);

	for (size_t i = 0; i < placing->count; i++)
		placing->hosts[i].same_service = placing->hosts[i].same_domain = 0;
	for (size_t i = 0; i < work->count; i++) {
		const struct member *member = &work->members[i];

		if (member->spec.run && !member->leaving && !member->lost)
			count_one(placing, member->spec.host_id, member->spec.ordinal, domain);
	}
	for (size_t i = 0; i < placing->placed_count; i++)
		count_one(placing, placing->placed[i].host, placing->placed[i].ordinal, domain);
}

int placing_find(struct placing *placing, int64_t ordinal, struct instance_spec *spec,
	struct error *reterr)
{
	const struct service_spec *wanted = placing->work->spec;
	const struct placement_wish wish = {wanted->cpu_milli, wanted->memory_mib};
	size_t index;
	int r;

	if (placing->count == 0)
		return error_set(reterr, -ENOSPC,
			"tenant \"%s\" has no host that is there yet: mkdir %s/hosts/a and write "
			"its "
			"spec.json, or the administrator allows local_services",
			placing->work->tenant, placing->work->tenant);
	count_members(placing, ordinal);
	r = plan_placement(placing->hosts, placing->count, &wish, &index, reterr);
	if (r < 0)
		return r;
	plan_placement_take(&placing->hosts[index], &wish);
	spec->host_id = placing->hosts[index].id;
	spec->cpu_milli = wish.cpu_milli;
	spec->memory_mib = wish.memory_mib;
	(void)text_copy(spec->host, sizeof(spec->host), placing->hosts[index].name);
	return 0;
}

int placing_note(struct placing *placing, int64_t instance, const struct instance_spec *spec)
{
	const struct claim claim = {.host = spec->host_id,
		.cpu_milli = spec->cpu_milli,
		.memory_mib = spec->memory_mib};
	int r = fleet_claim(placing->work->r->fleet, instance, &claim);

	if (r < 0)
		return r;
	placing->placed[placing->placed_count++] =
		(struct placed){instance, spec->ordinal, spec->host_id};
	return 0;
}

int placing_mark_grown(struct service_work *work, struct error *reterr)
{
	struct placing placing = {.hosts = NULL};
	int r = 0;

	for (size_t i = 0; r == 0 && i < work->count; i++) {
		struct member *member = &work->members[i];
		const struct placement_wish more = {
			work->spec->cpu_milli - member->spec.cpu_milli,
			work->spec->memory_mib - member->spec.memory_mib,
		};
		struct placement_host *host;

		if (!member->spec.run || member->same_template ||
			(more.cpu_milli <= 0 && more.memory_mib <= 0))
			continue;
		if (!placing.work)
			r = placing_begin(&placing, work, reterr);
		host = r == 0 ? find(&placing, member->spec.host_id) : NULL;
		if (host && plan_placement_fits(host, &more))
			plan_placement_take(host, &more);
		else if (host)
			member->leaving = true;
	}
	placing_done(&placing);
	return r;
}
