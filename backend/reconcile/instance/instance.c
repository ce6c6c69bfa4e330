/* SPDX-License-Identifier: Apache-2.0 */
/* The host's reconciler of one instance: makes the container match what is asked of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "reconcile/instance/health.h"
#include "reconcile/instance/instance_work.h"
#include "reconcile/instance/logs.h"
#include "reconcile/view/names.h"
#include "reconcile/view/view_mend.h"

static bool is_wanted_container(const struct instance_work *work)
{
	return strcmp(work->unit.name, work->name) == 0;
}

/* Takes over what the engine says of one container that the journal knows. */
static void take_state(struct instance_work *work, const char *name,
	const struct container_state *state)
{
	struct unit *unit = &work->unit;

	if (state->phase == CONTAINER_ABSENT || state->instance != work->object.id)
		return;
	/* With two there, the one that is not wanted goes first. */
	if (unit->container[0] && strcmp(name, work->name) == 0)
		return;
	(void)text_copy(unit->name, sizeof(unit->name), name);
	(void)text_copy(unit->container, sizeof(unit->container), state->id);
	unit->alive = state->phase == CONTAINER_RUNNING;
	work->started_wall_ns = state->started_wall_ns;
	if (unit->alive && state->address[0] && is_wanted_container(work))
		instance_address_set(work, state);
}

int instance_look(struct instance_work *work, struct error *reterr)
{
	struct engine *engine = work->host->engine;
	struct unit *unit = &work->unit;
	int r = 0;

	unit->name[0] = unit->container[0] = '\0';
	unit->alive = false;
	for (size_t i = 0; r == 0 && work->object.status && i < work->journal_count; i++) {
		struct container_state state = {.phase = CONTAINER_ABSENT};

		r = engine->ops->inspect(engine, work->journal[i], &state, reterr);
		if (r == 0)
			take_state(work, work->journal[i], &state);
	}
	if (r == 0 && unit->alive && is_wanted_container(work))
		r = view_mend(work, work->started_wall_ns, reterr);
	if (r < 0)
		return r;
	unit->looked = unit->epoch;
	unit->probed = 0;
	unit->logged = false; /* what follows is told anew: addresses may differ */
	if (!unit->container[0]) {
		work->status.container[0] = work->status.address[0] = '\0';
		work->status.template_generation = 0;
	}
	units_set_alive(work->r->units, unit->instance, unit->alive);
	return 0;
}

int64_t instance_fail(struct instance_work *work, const struct error *error)
{
	bool news = work->status.phase != INSTANCE_FAILED ||
		    strcmp(work->status.reason, error->text) != 0;
	struct instance_news event = {.severity = "error"};

	log_debug("instance %" PRId64 ": %s", work->object.id, error->text);
	if (!work->host->up) /* its state says why, and its coming back wakes us */
		return QUEUE_RETRY;
	(void)snprintf(event.event, sizeof(event.event), "%s", error->text);
	instance_phase_set(work, INSTANCE_FAILED, error->text);
	(void)instance_commit(work, news ? &event : NULL, NULL);
	return QUEUE_RETRY;
}

void instance_back_off(struct instance_work *work)
{
	struct unit *unit = &work->unit;
	uint64_t random = 0;

	if (unit->healthy_ns && clock_now_ns() - unit->healthy_ns > 30 * NS_PER_SECOND)
		unit->crashes = 0;
	unit->healthy_ns = 0;
	unit->crashes++;
	(void)text_random(&random, sizeof(random));
	/* The first time at once: most programs that die once run on well. */
	unit->again_ns = clock_now_ns();
	if (unit->crashes > 1)
		unit->again_ns += queue_backoff_ns(unit->crashes, random);
	unit->again_name = text_hash(work->name, strlen(work->name));
}

int64_t instance_may_start_ns(const struct instance_work *work)
{
	return work->unit.again_name == text_hash(work->name, strlen(work->name))
		       ? work->unit.again_ns
		       : 0;
}

/* The container is there and runs under another id than the status knows, or none yet. */
static int adopt(struct instance_work *work, struct error *reterr)
{
	struct unit *unit = &work->unit;
	int r;

	if (strcmp(work->status.container, unit->container) == 0 &&
		work->status.template_generation == work->spec.template_generation &&
		work->status.restart == work->spec.restart)
		return 0;
	r = instance_template(work, reterr);
	if (r < 0)
		return r;
	(void)text_copy(work->status.container, sizeof(work->status.container), unit->container);
	work->status.template_generation = work->spec.template_generation;
	work->status.restart = work->spec.restart;
	if (work->host->id == HOST_LOCAL_ID)
		work->status.port = work->template->container_port;
	instance_phase_set(work, INSTANCE_STARTING, "");
	return 0;
}

static int64_t become_healthy(struct instance_work *work)
{
	struct instance_news news = {.severity = "info", .event = "healthy"};
	bool was = work->status.phase == INSTANCE_HEALTHY;

	if (!work->unit.healthy_ns)
		work->unit.healthy_ns = clock_now_ns();
	work->unit.replace_ns = 0;
	instance_phase_set(work, INSTANCE_HEALTHY, "");
	return instance_commit(work, was ? NULL : &news, NULL) < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

/* The probe says no: out of traffic now, and a new container if it goes on saying so. */
static int64_t become_unhealthy(struct instance_work *work)
{
	const struct health_spec *health;
	struct instance_news news = {.severity = "warning"};
	struct unit *unit = &work->unit;
	char words[sizeof(work->status.reason)];

	if (instance_template(work, NULL) < 0)
		return QUEUE_RETRY;
	health = &work->template->health;
	if (work->status.phase != INSTANCE_UNHEALTHY || unit->replace_ns == 0)
		unit->replace_ns = clock_now_ns() + (health->unhealthy_threshold - 1) *
							    health->interval_s * NS_PER_SECOND;
	(void)snprintf(news.event, sizeof(news.event), "not healthy: %s", unit->words);
	if (work->status.phase != INSTANCE_UNHEALTHY) {
		instance_phase_set(work, INSTANCE_UNHEALTHY, unit->words);
		if (instance_commit(work, &news, NULL) < 0)
			return QUEUE_RETRY;
	}
	if (clock_now_ns() < unit->replace_ns)
		return unit->replace_ns;
	unit->replace_ns = 0;
	work->status.restarts++;
	instance_back_off(work);
	(void)text_copy(words, sizeof(words), unit->words);
	instance_add_output(work->r, unit->instance, false, words, sizeof(words));
	(void)snprintf(news.event, sizeof(news.event), "stays unhealthy, is replaced: %s", words);
	(void)instance_commit(work, &news, NULL);
	return instance_leave(work, words);
}

/* What is simulated has no address that a probe could reach: the engine's word counts. */
static int64_t take_engine_word(struct instance_work *work)
{
	struct engine *engine = work->host->engine;
	struct unit *unit = &work->unit;
	struct error error = ERROR_INIT;
	bool well = true;
	int r = 0;

	if (engine->ops->healthy)
		r = engine->ops->healthy(engine, unit->container, &well, &error);
	if (r < 0)
		return instance_fail(work, &error);
	if (well)
		return become_healthy(work);
	(void)text_copy(unit->words, sizeof(unit->words), "its simulated image is never well");
	return become_unhealthy(work);
}

int64_t instance_watch(struct instance_work *work)
{
	struct error error = ERROR_INIT;
	struct unit *unit = &work->unit;
	int r = adopt(work, &error);

	if (r == 0 && work->r->options.simulated)
		return take_engine_word(work);
	if (r == 0 && unit->probed != work->service.generation) {
		r = instance_template(work, &error);
		if (r == 0)
			r = health_watch(work->r, unit->instance, work->status.address,
				work->host->id == HOST_LOCAL_ID ? 0 : work->status.port,
				work->template, work->status.phase == INSTANCE_HEALTHY, &error);
		unit->probed = r == 0 ? work->service.generation : 0;
	}
	if (r == 0 && !unit->logged) {
		logs_follow(work->host, unit->instance, unit->container);
		unit->logged = true;
	}
	if (r < 0)
		return instance_fail(work, &error);
	if (unit->health == HEALTH_GOOD)
		return become_healthy(work);
	if (unit->health == HEALTH_BAD)
		return become_unhealthy(work);
	return instance_commit(work, NULL, NULL) < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

void instance_address_set(struct instance_work *work, const struct container_state *state)
{
	struct instance_status *status = &work->status;

	if (work->host->id == HOST_LOCAL_ID) {
		(void)text_copy(status->address, sizeof(status->address), state->address);
		return;
	}
	(void)text_copy(status->address, sizeof(status->address), work->host->address);
	status->port = work->spec.host_port;
}

/* True when nobody will ever know what became of its container. */
static bool is_given_up(const struct instance_work *work)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct host_facts facts;

	if (!work->host)
		return store_peek(work->r->options.store, work->spec.host_id, &object) == -ENOENT;
	host_facts(work->host, &facts);
	return facts.removed && host_is_lost(work->host);
}

int64_t instance_alone(struct instance_work *work)
{
	struct instance_news news = {.severity = "warning"};

	if (!work->wanted && work->spec.host_id != HOST_LOCAL_ID && is_given_up(work)) {
		health_drop(work->r, work->object.id);
		work->unit.stop = STOP_DONE;
		return instance_leave(work, "");
	}
	/* This machine's containers go on while their engine is restarted; of another one nothing
	 * is known, unless it was not asked yet. Its coming up wakes everything. */
	if (!work->host || work->host->id == HOST_LOCAL_ID ||
		work->status.phase != INSTANCE_HEALTHY ||
		!(work->host->down || host_is_lost(work->host)))
		return QUEUE_DONE;
	(void)snprintf(news.event, sizeof(news.event), "its host %s does not answer",
		work->host->name);
	instance_phase_set(work, INSTANCE_UNHEALTHY, news.event);
	return instance_commit(work, &news, NULL) < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

static int64_t instance_step(struct instance_work *work)
{
	struct error error = ERROR_INIT;

	if (work->unit.looked != work->unit.epoch && instance_look(work, &error) < 0)
		return work->wanted ? instance_fail(work, &error) : QUEUE_RETRY;
	if (!work->wanted || (work->unit.container[0] && !is_wanted_container(work)))
		return instance_leave(work, "");
	if (work->unit.stop != STOP_NONE)
		return instance_leave(work, work->status.reason);
	if (!work->unit.container[0])
		return instance_make(work);
	if (!work->unit.alive)
		return instance_revive(work);
	return instance_watch(work);
}

int64_t instance_reconcile(struct reconciler *r, int64_t id)
{
	struct error error = ERROR_INIT;
	struct instance_work work;
	int64_t next_ns;
	int result;

	result = instance_load(&work, r, id, &error);
	if (result == -ENOENT) {
		health_drop(r, id);
		logs_drop(r, id);
		names_drop(r, id);
		units_drop(r->units, id);
		next_ns = QUEUE_DONE;
	} else if (result == 0 && (!work.host || !work.host->up)) {
		next_ns = instance_alone(&work);
		if (units_save(r->units, &work.unit) < 0)
			next_ns = QUEUE_RETRY;
	} else if (result < 0) {
		log_debug("instance %" PRId64 ": %s", id, error.text);
		next_ns = QUEUE_RETRY;
	} else {
		next_ns = instance_step(&work);
		/* Simulated ones by the thousand are not worth remembering. */
		if (r->options.simulated && next_ns == QUEUE_DONE && work.unit.stop == STOP_NONE)
			units_drop(r->units, id);
		else if (units_save(r->units, &work.unit) < 0)
			next_ns = QUEUE_RETRY;
	}
	if (work.object.deleting)
		wake_host(r, work.spec.host_id);
	instance_work_done(&work);
	return next_ns;
}
