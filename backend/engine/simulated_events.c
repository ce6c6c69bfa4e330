/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated engine tells, on a thread of its own as the real one does. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "engine/simulated.h"

#define CRASH_NS     NS_PER_SECOND
#define CRASH_STATUS 139

void sim_events_init(struct simulated *sim)
{
	sim->events.last = &sim->events.first;
	sim->deaths.last = &sim->deaths.first;
}

static struct sim_news *queue_take(struct sim_queue *queue)
{
	struct sim_news *news = queue->first;

	if (!news)
		return NULL;
	queue->first = news->next;
	if (!queue->first)
		queue->last = &queue->first;
	return news;
}

void sim_events_done(struct simulated *sim)
{
	struct sim_news *news;

	while ((news = queue_take(&sim->events)) != NULL)
		free(news);
	while ((news = queue_take(&sim->deaths)) != NULL)
		free(news);
}

/* Out of memory an event is lost, as a real engine may lose one: the next look finds out. */
static void queue_put(struct simulated *sim, struct sim_queue *queue, const struct sim_news *news)
{
	struct sim_news *copy;

	if (!sim->watched)
		return;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return;
	*copy = *news;
	copy->next = NULL;
	*queue->last = copy;
	queue->last = &copy->next;
	cond_signal(&sim->changed);
}

void sim_tell(struct simulated *sim, const struct sim_container *container,
	enum engine_event_type type)
{
	const struct sim_news news = {
		.type = type,
		.serial = container->serial,
		.instance = container->instance,
		.exit_code = type == ENGINE_CONTAINER_DIED ? container->exit_code : 0,
	};

	queue_put(sim, &sim->events, &news);
}

void sim_plan_death(struct simulated *sim, const struct sim_container *container)
{
	const struct sim_news news = {
		.due_ns = clock_now_ns() + CRASH_NS,
		.serial = container->serial,
		.started_wall_ns = container->started_wall_ns,
	};

	queue_put(sim, &sim->deaths, &news);
}

void sim_die(struct simulated *sim, struct sim_container *container, int exit_code)
{
	if (container->phase != CONTAINER_RUNNING)
		return;
	container->phase = CONTAINER_EXITED;
	container->exit_code = exit_code;
	container->finished_wall_ns = clock_wall_ns();
	sim_table_give_port(&sim->table, container);
	sim_tell(sim, container, ENGINE_CONTAINER_DIED);
}

static void news_happen(struct simulated *sim, const struct sim_news *news)
{
	struct sim_container *container = sim_table_by_serial(&sim->table, news->serial);

	if (container && container->started_wall_ns == news->started_wall_ns)
		sim_die(sim, container, CRASH_STATUS);
}

static void news_tell(struct simulated *sim, const struct sim_news *news)
{
	struct engine_event event = {
		.type = news->type, .instance = news->instance, .exit_code = news->exit_code};

	if (news->serial != 0)
		sim_container_id(news->serial, event.container);
	lock_release(&sim->lock);
	sim->fn(sim->arg, &event);
	lock_acquire(&sim->lock);
}

/* What is to be done next, or NULL with the time until which nothing is. */
static struct sim_news *news_next(struct simulated *sim, int64_t *ret_until_ns)
{
	const struct sim_news *death = sim->deaths.first;

	*ret_until_ns = death ? death->due_ns : CLOCK_FOREVER;
	return *ret_until_ns <= clock_now_ns() ? queue_take(&sim->deaths)
					       : queue_take(&sim->events);
}

static void *events_run(void *arg)
{
	struct simulated *sim = arg;
	struct sim_news *news;
	int64_t until_ns;

	lock_acquire(&sim->lock);
	while (!sim->quit) {
		news = news_next(sim, &until_ns);
		if (!news)
			(void)cond_wait_until(&sim->changed, &sim->lock, until_ns);
		else if (news->due_ns != 0)
			news_happen(sim, news);
		else
			news_tell(sim, news);
		free(news);
	}
	lock_release(&sim->lock);
	return NULL;
}

int sim_watch(struct engine *engine, engine_event_fn fn, void *arg, struct error *reterr)
{
	struct simulated *sim = (struct simulated *)engine;
	const struct sim_news up = {.type = ENGINE_UP};
	int r;

	LOCKED(&sim->lock);
	if (sim->watched)
		return error_set(reterr, -EALREADY, "the engine is being watched already");
	sim->fn = fn;
	sim->arg = arg;
	r = thread_start(&sim->thread, "sim-events", events_run, sim, reterr);
	if (r < 0)
		return r;
	sim->watched = true;
	queue_put(sim, &sim->events, &up);
	return 0;
}
