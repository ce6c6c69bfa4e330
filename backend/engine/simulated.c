/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine that only remembers: for a first look without Docker, and for trials of scale. Each
 * call takes its latency and then does what the real one would; images named simulated/...
 * misbehave.
 */
#include "engine/simulated.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "base/thread.h"

/* Nothing runs, so nothing is said. */
struct engine_log {
	char unused;
};

int sim_begin(struct simulated *sim, struct error *reterr)
{
	int64_t until_ns = clock_now_ns() + sim->latency_ms * NS_PER_MILLISECOND;

	while (!sim->interrupt && sim->latency_ms > 0 &&
		cond_wait_until(&sim->interrupted, &sim->lock, until_ns))
		;
	return sim->interrupt ? error_set(reterr, -ECANCELED, "cancelled") : 0;
}

static int sim_ping(struct engine *engine, char *version, size_t size, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);

	LOCKED(&sim->lock);
	if (sim_begin(sim, reterr) < 0)
		return -ECANCELED;
	(void)snprintf(version, size, "simulated (nothing really runs)");
	return 0;
}

static int sim_create(struct engine *engine, const struct container_spec *spec,
	char ret_id[ENGINE_ID_MAX], struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container = NULL;
	int r;

	LOCKED(&sim->lock);
	if (sim_begin(sim, reterr) < 0)
		return -ECANCELED;
	if (sim_behaviour_of(spec->image) == SIM_MISSING)
		return error_set(reterr, -ENOENT, "image %s: is not on the host", spec->image);
	r = sim_table_add(&sim->table, spec, &container);
	if (r == -EEXIST &&
		(container->instance != sim_spec_number(spec, LABEL_INSTANCE) ||
			container->generation != sim_spec_number(spec, LABEL_GENERATION)))
		return error_set(reterr, -EEXIST,
			"the container name %s is taken by another instance or generation",
			spec->name);
	if (r < 0 && r != -EEXIST)
		return error_oom(reterr);
	sim_container_id(container->serial, ret_id);
	return 0;
}

/* Begins a call about container id; NULL when it does not exist, or *r < 0. */
static struct sim_container *sim_begin_container(struct simulated *sim, const char *id, int *r,
	struct error *reterr)
{
	*r = sim_begin(sim, reterr);
	return *r < 0 ? NULL : sim_table_find(&sim->table, id);
}

static int sim_start(struct engine *engine, const char *id, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container;
	int r;

	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (!container)
		return r < 0 ? r : error_set(reterr, -ENOENT, "container %s does not exist", id);
	if (container->phase == CONTAINER_RUNNING)
		return 0;
	if (sim_table_take_port(&sim->table, container) < 0)
		return error_set(reterr, -EADDRINUSE, "host port %d is in use by another container",
			container->host_port);
	container->phase = CONTAINER_RUNNING;
	container->started_wall_ns = clock_wall_ns();
	container->finished_wall_ns = 0;
	container->exit_code = 0;
	sim_tell(sim, container, ENGINE_CONTAINER_STARTED);
	if (container->behaviour == SIM_EXITS)
		sim_die(sim, container, 1);
	else if (container->behaviour == SIM_CRASHES)
		sim_plan_death(sim, container);
	return 0;
}

static int sim_stop(struct engine *engine, const char *id, int grace_s, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container;
	int r;

	(void)grace_s;
	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (container)
		sim_die(sim, container, 143);
	return r;
}

static int sim_kill(struct engine *engine, const char *id, const char *signal, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container;
	int r;

	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (container && strstr(signal, "KILL"))
		sim_die(sim, container, 137);
	else if (container && strstr(signal, "TERM"))
		sim_die(sim, container, 143);
	return r;
}

static int sim_remove(struct engine *engine, const char *id, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container;
	int r;

	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (!container)
		return r;
	sim_die(sim, container, 137);
	sim_tell(sim, container, ENGINE_CONTAINER_REMOVED);
	sim_table_remove(&sim->table, container);
	return 0;
}

static int sim_inspect(struct engine *engine, const char *id, struct container_state *ret,
	struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container;
	int r;

	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (r < 0)
		return r;
	if (container)
		sim_container_state(container, ret);
	else
		*ret = (struct container_state){.phase = CONTAINER_ABSENT};
	return 0;
}

/* One hundredth of a core and 16 MiB, so that sums and charts have something to show. */
static int sim_usage(struct engine *engine, const char *id, struct container_usage *ret,
	struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container;
	int r;

	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (r < 0)
		return r;
	if (!container || container->phase != CONTAINER_RUNNING)
		return error_set(reterr, -ENOENT, "container %s does not run", id);
	*ret = (struct container_usage){
		.cpu_ns = (clock_wall_ns() - container->started_wall_ns) / 100,
		.memory_bytes = INT64_C(16) << 20,
		.processes = 1,
	};
	return 0;
}

static int sim_exec(struct engine *engine, const char *id, const struct container_command *command,
	struct buf *output, int *ret_status, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container;
	int r;

	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (r < 0)
		return r;
	if (!container)
		return error_set(reterr, -ENOENT, "container %s does not exist", id);
	if (container->phase != CONTAINER_RUNNING)
		return error_set(reterr, -EBUSY, "container %s does not run", id);
	for (size_t i = 0; command->argv[i]; i++)
		buf_printf(output, "%s%s", i > 0 ? " " : "simulated: ", command->argv[i]);
	buf_putc(output, '\n');
	*ret_status = 0;
	return output->error ? error_oom(reterr) : 0;
}

static int sim_top(struct engine *engine, const char *id, struct buf *out, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	const struct sim_container *container;
	int r;

	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (r < 0)
		return r;
	if (!container || container->phase != CONTAINER_RUNNING)
		return error_set(reterr, -EBUSY, "container %s does not run", id);
	buf_puts(out, "PID          COMMAND\n1            simulated\n");
	return out->error ? error_oom(reterr) : 0;
}

static int sim_healthy(struct engine *engine, const char *id, bool *ret, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_container *container;
	int r;

	LOCKED(&sim->lock);
	container = sim_begin_container(sim, id, &r, reterr);
	if (r < 0)
		return r;
	*ret = container && container->phase == CONTAINER_RUNNING &&
	       container->behaviour != SIM_UNHEALTHY;
	return 0;
}

/* Goes on by slot, for the callback runs without the lock. */
static int sim_list(struct engine *engine, engine_list_fn fn, void *arg, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct container_state state;
	int r;

	lock_acquire(&sim->lock);
	r = sim_begin(sim, reterr);
	for (size_t i = 0; r == 0 && i < sim->table.capacity; i++) {
		if (!sim->table.slots[i])
			continue;
		sim_container_state(sim->table.slots[i], &state);
		lock_release(&sim->lock);
		r = fn(arg, &state);
		lock_acquire(&sim->lock);
	}
	lock_release(&sim->lock);
	return r;
}

/* The follow stays open and silent. */
static int sim_log_follow(struct engine *engine, const char *id, int64_t since_wall_ns,
	engine_log_fn fn, engine_log_end_fn end, void *arg, struct engine_log **ret,
	struct error *reterr)
{
	struct engine_log *log = calloc(1, sizeof(*log));

	(void)engine;
	(void)id;
	(void)since_wall_ns;
	(void)fn;
	(void)end;
	(void)arg;
	if (!log)
		return error_oom(reterr);
	*ret = log;
	return 0;
}

static void sim_log_stop(struct engine *engine, struct engine_log *log)
{
	(void)engine;
	free(log);
}

static void sim_interrupt(struct engine *engine)
{
	struct simulated *sim = sim_of(engine);

	LOCKED(&sim->lock);
	sim->interrupt = true;
	cond_broadcast(&sim->interrupted);
}

static void sim_free(struct engine *engine)
{
	struct simulated *sim = sim_of(engine);
	struct sim_network *network;

	lock_acquire(&sim->lock);
	sim->quit = true;
	cond_signal(&sim->changed);
	lock_release(&sim->lock);
	if (sim->watched)
		thread_join(sim->thread);
	sim_events_done(sim);
	while ((network = sim->networks) != NULL) {
		sim->networks = network->next;
		free(network);
	}
	sim_table_done(&sim->table);
	cond_done(&sim->changed);
	cond_done(&sim->interrupted);
	lock_done(&sim->lock);
	free(sim);
}

static const struct engine_ops sim_ops = {
	.ping = sim_ping,
	.image_find = sim_image_find,
	.image_pull = sim_image_pull,
	.network_ensure = sim_network_ensure,
	.network_remove = sim_network_remove,
	.network_list = sim_network_list,
	.volume_list = sim_volume_list,
	.volume_remove = sim_volume_remove,
	.create = sim_create,
	.start = sim_start,
	.stop = sim_stop,
	.kill = sim_kill,
	.remove = sim_remove,
	.inspect = sim_inspect,
	.usage = sim_usage,
	.exec = sim_exec,
	.top = sim_top,
	.healthy = sim_healthy,
	.list = sim_list,
	.watch = sim_watch,
	.log_follow = sim_log_follow,
	.log_stop = sim_log_stop,
	.interrupt = sim_interrupt,
	.free = sim_free,
};

int engine_simulated_new(struct engine **ret, const char *platform, int64_t latency_ms,
	struct error *reterr)
{
	struct simulated *sim = calloc(1, sizeof(*sim));

	/* There is one platform in this memory: it needs no label. */
	(void)platform;
	if (!sim)
		return error_oom(reterr);
	sim->engine.ops = &sim_ops;
	sim->latency_ms = latency_ms;
	lock_init(&sim->lock, LOCK_ENGINE);
	cond_init(&sim->changed);
	cond_init(&sim->interrupted);
	sim_events_init(sim);
	*ret = &sim->engine;
	return 0;
}
