/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "reconcile/instance/container.h"
#include "reconcile/instance/images.h"
#include "reconcile/instance/instance_work.h"
#include "reconcile/instance/logs.h"
#include "reconcile/view/gate.h"
#include "reconcile/view/mirror.h"
#include "reconcile/view/names.h"
#include "reconcile/view/view.h"
#include "reconcile/view/view_files.h"

/* The engine lacks the image. 0: try again at once. */
static int64_t fetch_image(struct instance_work *work)
{
	const char *image = work->template->image;
	struct instance_news news = {.severity = "info"};
	struct error error = ERROR_INIT;
	int64_t retry_ns = 0;
	int r = images_want(work->host, image, work->object.id, work->service.id, &retry_ns,
		&error);

	if (r == 0)
		return 0;
	if (r != -EINPROGRESS) {
		(void)instance_fail(work, &error);
		return retry_ns ? retry_ns : QUEUE_RETRY;
	}
	(void)snprintf(news.event, sizeof(news.event), "pulling %s", image);
	if (work->status.phase == INSTANCE_PULLING)
		return QUEUE_DONE;
	instance_phase_set(work, INSTANCE_PULLING, news.event);
	return instance_commit(work, &news, NULL) < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

static int create(struct instance_work *work, const char *network, struct error *reterr)
{
	_cleanup_container_plan_ struct container_plan plan = {.environment = NULL};
	struct engine *engine = work->host->engine;
	char view_dir[VIEW_PATH_MAX];
	const struct container_source source = {
		.platform = work->r->platform,
		.tenant = work->tenant,
		.service = work->service.name,
		.tenant_id = work->object.tenant,
		.service_id = work->service.id,
		.instance_id = work->object.id,
		.instance = &work->spec,
		.spec = work->template,
		.network = network,
		.view_dir =
			mirror_directory(work->host, view_dir, sizeof(view_dir)) ? view_dir : NULL,
		.host_address = work->host->address,
	};
	int r = container_plan_make(&plan, &source, reterr);

	if (r == 0)
		r = engine->ops->create(engine, &plan.spec, work->unit.container, reterr);
	return r;
}

/* What has to stand before the first container of the tenant, and of the service. */
static int prepare(struct instance_work *work, char *network, size_t size, struct error *reterr)
{
	int r = instance_template(work, reterr);

	if (r < 0)
		return r;
	tenant_network_name(work->r, work->tenant, work->object.tenant, network, size);
	r = tenant_network_ensure(work->host, work->object.tenant, network, reterr);
	if (r == 0)
		r = view_ensure(work->r, work->service.id, reterr);
	if (r == 0)
		r = mirror_ensure(work->host, work->service.id, reterr);
	return r;
}

int64_t instance_make(struct instance_work *work)
{
	const struct instance_news news = {.intent_add = true};
	struct error error = ERROR_INIT;
	int64_t may_start_ns = instance_may_start_ns(work);
	char network[160];
	int r;

	if (may_start_ns > clock_now_ns())
		return may_start_ns;
	r = prepare(work, network, sizeof(network), &error);
	/* While it fails again and again, what people read stays the reason. */
	if (r == 0 && work->status.phase != INSTANCE_FAILED &&
		work->status.phase != INSTANCE_PULLING)
		instance_phase_set(work, INSTANCE_CREATING, work->status.reason);
	if (r == 0)
		r = instance_commit(work, work->journal_count ? NULL : &news, &error);
	if (r == 0)
		r = create(work, network, &error);
	if (r == -ENOENT) {
		int64_t next_ns = fetch_image(work);

		if (next_ns != 0)
			return next_ns;
		error_clear(&error);
		r = create(work, network, &error);
		if (r == -ENOENT)
			images_used(work->host, work->template->image);
	} else if (r == 0) {
		images_used(work->host, work->template->image);
	}
	if (r < 0) {
		work->unit.container[0] = '\0';
		return instance_fail(work, &error);
	}
	(void)text_copy(work->unit.name, sizeof(work->unit.name), work->name);
	work->unit.probed = 0;
	work->unit.logged = false;
	return instance_start(work, work->status.restarts ? work->status.reason : "");
}

/* Its host port belongs to somebody else by now: another one, with a new container. */
static int64_t change_port(struct instance_work *work)
{
	struct engine *engine = work->host->engine;
	struct instance_news news = {.severity = "info", .port_taken = work->spec.host_port};
	struct error error = ERROR_INIT;
	int r = engine->ops->remove(engine, work->unit.container, &error);

	(void)snprintf(news.event, sizeof(news.event),
		"host port %" PRId64 " is taken by another program, another one is used",
		work->spec.host_port);
	if (r == 0) {
		work->unit.container[0] = work->unit.name[0] = '\0';
		r = instance_commit(work, &news, &error);
	}
	return r < 0 ? instance_fail(work, &error) : clock_now_ns();
}

/* Not even started. What may pass is tried again with the same container: removing it while an
 * engine shuts down can leave it half removed. */
static int64_t cannot_start(struct instance_work *work, int result, const struct error *error)
{
	struct engine *engine = work->host->engine;

	if (result == -EADDRINUSE && work->spec.host_port > 0)
		return change_port(work);
	if (result == -ENOENT) { /* its network has gone, or it has */
		gate_forget(work->host->networks, work->object.tenant);
		if (engine->ops->remove(engine, work->unit.container, NULL) == 0)
			work->unit.container[0] = work->unit.name[0] = '\0';
	}
	units_set_alive(work->r->units, work->unit.instance, false);
	work->unit.alive = false;
	return instance_fail(work, error);
}

static void take_running(struct instance_work *work, const struct container_state *state,
	const char *words)
{
	struct instance_status *status = &work->status;

	/* Counted per rollout: a new version starts with a clean slate, as a restart does. */
	if (!words[0] && (status->template_generation != work->spec.template_generation ||
				 status->restart != work->spec.restart))
		status->restarts = 0;
	status->template_generation = work->spec.template_generation;
	status->restart = work->spec.restart;
	status->port = work->template->container_port;
	instance_address_set(work, state);
	status->exit_code = 0;
	(void)text_copy(status->container, sizeof(status->container), state->id);
	instance_phase_set(work, INSTANCE_STARTING, words);
}

int64_t instance_start(struct instance_work *work, const char *words)
{
	struct engine *engine = work->host->engine;
	struct container_state state = {.phase = CONTAINER_ABSENT};
	struct unit *unit = &work->unit;
	struct error error = ERROR_INIT;
	char said[400];
	int r = instance_template(work, &error);

	(void)text_copy(said, sizeof(said), words);
	/* One that was made before may come up first after the memory behind its view was lost. */
	if (r == 0)
		r = view_ensure(work->r, work->service.id, &error);
	if (r == 0)
		r = mirror_ensure(work->host, work->service.id, &error);
	if (r < 0)
		return instance_fail(work, &error);
	/* Before the start: news of its death may come before start returns. */
	unit->looked = unit->epoch;
	if (units_save(work->r->units, unit) < 0)
		return QUEUE_RETRY;
	units_set_health(work->r->units, unit->instance, HEALTH_UNKNOWN, "");
	units_set_alive(work->r->units, unit->instance, true);
	r = engine->ops->start(engine, unit->container, &error);
	if (r < 0)
		return cannot_start(work, r, &error);
	r = engine->ops->inspect(engine, unit->container, &state, &error);
	if (r < 0)
		return instance_fail(work, &error);
	unit->alive = state.phase == CONTAINER_RUNNING;
	unit->health = HEALTH_UNKNOWN;
	unit->probed = 0;
	unit->logged = false;
	units_set_traffic(work->r->units, unit->instance, false);
	take_running(work, &state, said);
	if (!unit->alive) {
		units_set_alive(work->r->units, unit->instance, false);
		logs_follow(work->host, unit->instance, unit->container);
		unit->logged = true;
		return instance_revive(work); /* it looks at why, and counts */
	}
	if (!work->r->options.simulated && instance_commit(work, NULL, &error) < 0)
		return QUEUE_RETRY;
	names_wake(work->r, unit->instance);
	return instance_watch(work);
}
