/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "reconcile/instance/health.h"
#include "reconcile/instance/instance_work.h"
#include "reconcile/instance/logs.h"

#define DRAIN_POLL_MIN_NS (10 * NS_PER_MILLISECOND)
#define DRAIN_POLL_MAX_NS (200 * NS_PER_MILLISECOND)
#define DRAIN_INTERNAL_NS                                                                          \
	NS_PER_SECOND /* for readers of neighbors/, whose connections none counts */
#define TAIL_LINES 5

/* True while requests are under way that the drain time still allows. What the balancer does not
 * tell is taken for one. */
static bool still_connected(struct instance_work *work)
{
	struct cloud *cloud = work->r->options.cloud;
	struct error error = ERROR_INIT;
	int64_t connections = 0;
	struct target target;

	instance_target(work->r, work->object.id, &work->spec, &work->status, &target);
	return cloud->ops->target_connections(cloud, work->service.id, &target, &connections,
		       &error) < 0 ||
	       connections > 0;
}

/* Most requests end soon, some last: asked ever less. */
static int64_t drain_poll_ns(int64_t past_ns)
{
	int64_t pause_ns = past_ns / 2;

	if (pause_ns < DRAIN_POLL_MIN_NS)
		return DRAIN_POLL_MIN_NS;
	return pause_ns < DRAIN_POLL_MAX_NS ? pause_ns : DRAIN_POLL_MAX_NS;
}

/* 0 when it is drained, else when to look again. */
static int64_t drain(struct instance_work *work)
{
	struct unit *unit = &work->unit;
	int64_t now_ns = clock_now_ns(), drain_ns = 10 * NS_PER_SECOND, begun_ns;

	if (instance_template(work, NULL) == 0)
		drain_ns = work->template->drain_s * NS_PER_SECOND;
	if (work->status.phase != INSTANCE_DRAINING) {
		instance_phase_set(work, INSTANCE_DRAINING, work->status.reason);
		unit->drain_until_ns = now_ns + drain_ns;
		if (instance_commit(work, NULL, NULL) < 0)
			return QUEUE_RETRY;
	}
	if (unit->drain_until_ns == 0) /* was draining before a restart of ours */
		unit->drain_until_ns = now_ns + drain_ns;
	if (now_ns >= unit->drain_until_ns)
		return 0;
	/* The service's word wakes us. It may have come before we were asked to leave. */
	if (unit->in_traffic)
		return unit->drain_until_ns;
	begun_ns = unit->drain_until_ns - drain_ns;
	if (work->spec.host_port == 0) {
		int64_t quiet_ns = begun_ns + DRAIN_INTERNAL_NS;

		return now_ns < quiet_ns ? quiet_ns : 0;
	}
	return still_connected(work) ? now_ns + drain_poll_ns(now_ns - begun_ns) : 0;
}

static bool needs_draining(const struct instance_work *work)
{
	return work->unit.alive && !work->object.deleting && !work->service.deleting &&
	       !work->r->options.simulated &&
	       (work->status.phase == INSTANCE_HEALTHY || work->status.phase == INSTANCE_DRAINING);
}

/* No container is left: what that means depends on what is asked. */
static int64_t left(struct instance_work *work, const char *why)
{
	struct instance_news news = {.intents_done = true};
	struct unit *unit = &work->unit;
	int64_t id = work->object.id;

	units_set_stop(work->r->units, id, STOP_NONE);
	unit->stop = STOP_NONE;
	unit->name[0] = unit->container[0] = '\0';
	unit->drain_until_ns = 0;
	unit->probed = 0;
	unit->alive = unit->logged = false;
	units_set_alive(work->r->units, id, false);
	work->status.container[0] = work->status.address[0] = '\0';
	work->status.template_generation = 0;
	if (work->wanted) {
		instance_phase_set(work, INSTANCE_CREATING, why);
		if (instance_commit(work, &news, NULL) < 0)
			return QUEUE_RETRY;
		return instance_make(work);
	}
	instance_phase_set(work, INSTANCE_STOPPED, "");
	news.purge = work->object.deleting || work->service.deleting;
	if (instance_commit(work, &news, NULL) < 0)
		return QUEUE_RETRY;
	/* Purged: comes once more to find nothing and to forget everything. */
	return news.purge ? clock_now_ns() : QUEUE_DONE;
}

int64_t instance_leave(struct instance_work *work, const char *why)
{
	struct unit *unit = &work->unit;
	char words[400];
	int64_t next_ns;

	(void)text_copy(words, sizeof(words), why);
	if (unit->stop == STOP_ASKED) { /* its end wakes us */
		queue_wake(work->r->slow, key_of(SLOW_KEY_STOP, work->object.id));
		return QUEUE_DONE;
	}
	if (unit->stop == STOP_DONE || !unit->container[0])
		return left(work, words);
	health_drop(work->r, work->object.id);
	unit->probed = 0;
	if (needs_draining(work)) {
		next_ns = drain(work);
		if (next_ns != 0)
			return next_ns;
	}
	instance_phase_set(work, INSTANCE_STOPPING, words);
	if (instance_commit(work, NULL, NULL) < 0 || units_save(work->r->units, unit) < 0)
		return QUEUE_RETRY;
	unit->stop = STOP_ASKED;
	units_set_stop(work->r->units, work->object.id, STOP_ASKED);
	queue_wake(work->r->slow, key_of(SLOW_KEY_STOP, work->object.id));
	return QUEUE_DONE;
}

int64_t instance_stop(struct reconciler *r, int64_t id)
{
	_cleanup_host_ struct host *host = NULL;
	struct error error = ERROR_INIT;
	struct unit unit;
	int result = 0;

	units_load(r->units, id, &unit);
	if (unit.stop != STOP_ASKED)
		return QUEUE_DONE;
	host = fleet_take(r->fleet, unit.host);
	if (!host || !host->up)
		return QUEUE_DONE; /* its coming up wakes the instance, which asks again */
	if (unit.container[0]) {
		struct engine *engine = host->engine;

		result = engine->ops->stop(engine, unit.container, STOP_GRACE_S, &error);
		if (result == 0)
			result = engine->ops->remove(engine, unit.container, &error);
	}
	if (result < 0)
		return QUEUE_RETRY;
	units_set_stop(r->units, id, STOP_DONE);
	wake_instance(r, id);
	return QUEUE_DONE;
}

void instance_add_output(struct reconciler *r, int64_t id, bool dead, char *words, size_t size)
{
	_cleanup_buf_ struct buf tail = BUF_INIT;
	size_t length = strlen(words);

	logs_tail(r, id, TAIL_LINES, dead, &tail);
	if (tail.len > 0)
		(void)snprintf(words + length, size - length, "; last output: %s",
			buf_string(&tail));
}

/* "exited with code 3; last output: ..." */
static void describe_death(struct instance_work *work, const struct container_state *state,
	char *words, size_t size)
{
	if (state->out_of_memory)
		(void)snprintf(words, size, "killed: out of memory (limit %" PRId64 " MiB)",
			work->template ? work->template->memory_mib : 0);
	else if (state->reason[0])
		(void)snprintf(words, size, "exited with code %d: %s", state->exit_code,
			state->reason);
	else if (state->exit_code > 128 && state->exit_code < 128 + 65)
		(void)snprintf(words, size, "exited with code %d (signal %d)", state->exit_code,
			state->exit_code - 128);
	else
		(void)snprintf(words, size, "exited with code %d", state->exit_code);
	instance_add_output(work->r, work->object.id, true, words, size);
}

static int64_t mourn(struct instance_work *work, const struct container_state *state)
{
	struct instance_news news = {.severity = "warning"};
	struct error error = ERROR_INIT;

	if (!work->unit.logged)
		logs_follow(work->host, work->object.id, work->unit.container);
	work->unit.logged = false;
	health_drop(work->r, work->object.id);
	work->unit.probed = 0;
	(void)instance_template(work, NULL);
	describe_death(work, state, news.event, sizeof(news.event));
	instance_back_off(work);
	work->status.restarts++;
	work->status.exit_code = state->exit_code;
	work->status.template_generation = work->spec.template_generation;
	instance_phase_set(work, INSTANCE_CRASHED, news.event);
	if (work->unit.again_ns > clock_now_ns())
		work->status.retry_ns = clock_wall_ns() + work->unit.again_ns - clock_now_ns();
	return instance_commit(work, &news, &error) < 0 ? QUEUE_RETRY : 0;
}

/* A container that is there and does not run. */
int64_t instance_revive(struct instance_work *work)
{
	struct engine *engine = work->host->engine;
	struct container_state state = {.phase = CONTAINER_ABSENT};
	struct error error = ERROR_INIT;
	int64_t next_ns = 0;
	int r = engine->ops->inspect(engine, work->unit.container, &state, &error);

	if (r < 0)
		return instance_fail(work, &error);
	if (state.phase == CONTAINER_RUNNING) { /* somebody else was quicker */
		work->unit.alive = true;
		units_set_alive(work->r->units, work->unit.instance, true);
		return instance_watch(work);
	}
	if (state.phase == CONTAINER_ABSENT) {
		work->status.restarts++;
		instance_back_off(work);
		return left(work, "its container was removed from outside");
	}
	if (state.phase == CONTAINER_EXITED && work->status.phase != INSTANCE_CRASHED)
		next_ns = mourn(work, &state);
	if (next_ns == 0 && instance_may_start_ns(work) > clock_now_ns())
		next_ns = instance_may_start_ns(work);
	if (next_ns != 0)
		return next_ns;
	return instance_start(work, work->status.reason);
}
