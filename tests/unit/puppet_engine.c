/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "tests/unit/puppet_world.h"

struct puppet_engine {
	struct engine engine;
	struct puppet *puppet;
};

static struct puppet *of(struct engine *engine)
{
	return ((struct puppet_engine *)engine)->puppet;
}

/* Every call passes here, with the lock held: down, or failing by chance. */
static int pass(struct puppet *puppet, struct error *reterr)
{
	if (!puppet->up)
		return error_set(reterr, -ECONNREFUSED, "the engine is away");
	puppet->seed = puppet->seed * 1103515245u + 12345u;
	if ((int)((puppet->seed >> 16) % 1000) < puppet->per_mille)
		return error_set(reterr, -EIO, "the engine has a bad day");
	return 0;
}

void puppet_tell(struct puppet *puppet, enum engine_event_type type, const struct box *box)
{
	struct engine_event event = {.type = type};
	engine_event_fn fn;
	void *arg;

	lock_acquire(&puppet->lock);
	fn = puppet->fn;
	arg = puppet->arg;
	if (box) {
		(void)text_copy(event.container, sizeof(event.container), box->state.id);
		event.instance = box->state.instance;
		event.exit_code = box->state.exit_code;
	}
	lock_release(&puppet->lock);
	if (type == ENGINE_DOWN)
		(void)error_set(&event.error, -ECONNREFUSED, "the engine is away");
	if (fn)
		fn(arg, &event);
}

static struct box *find(struct puppet *puppet, const char *id)
{
	for (size_t i = 0; i < MANY; i++) {
		struct box *box = &puppet->boxes[i];

		if (box->used &&
			(strcmp(box->state.id, id) == 0 || strcmp(box->state.name, id) == 0))
			return box;
	}
	return NULL;
}

static int engine_ping(struct engine *engine, char *version, size_t size, struct error *reterr)
{
	LOCKED(&of(engine)->lock);
	(void)text_copy(version, size, "puppet 1");
	return pass(of(engine), reterr);
}

static int engine_image_find(struct engine *engine, const char *image, char ret_id[ENGINE_ID_MAX],
	struct error *reterr)
{
	(void)engine;
	(void)text_copy(ret_id, ENGINE_ID_MAX, image);
	(void)reterr;
	return 0;
}

static bool is_pulled(struct puppet *puppet, const char *image)
{
	for (size_t i = 0; i < MANY; i++) {
		if (strcmp(puppet->pulled[i], image) == 0)
			return true;
	}
	return false;
}

static int engine_image_pull(struct engine *engine, const char *image, engine_pull_fn progress,
	void *arg, struct error *reterr)
{
	struct puppet *puppet = of(engine);
	int r;

	progress(arg, "Downloading", 1, 2);
	LOCKED(&puppet->lock);
	r = pass(puppet, reterr);
	if (r < 0)
		return r;
	if (puppet->broken[0] && strstr(image, puppet->broken))
		return error_set(reterr, -ENOENT, "no image %s is known to the registry", image);
	for (size_t i = 0; i < MANY; i++) {
		if (puppet->pulled[i][0])
			continue;
		(void)text_copy(puppet->pulled[i], sizeof(puppet->pulled[i]), image);
		return 0;
	}
	return -ENOSPC;
}

static int engine_network_ensure(struct engine *engine, const char *name,
	const struct label *labels, size_t label_count, struct error *reterr)
{
	struct puppet *puppet = of(engine);
	size_t place = MANY;
	int r;

	(void)labels;
	(void)label_count;
	LOCKED(&puppet->lock);
	r = pass(puppet, reterr);
	for (size_t i = 0; r == 0 && i < MANY; i++) {
		if (strcmp(puppet->networks[i], name) == 0)
			return 0;
		if (!puppet->networks[i][0])
			place = i;
	}
	if (r == 0)
		(void)text_copy(puppet->networks[place], sizeof(puppet->networks[place]), name);
	return r;
}

static int engine_network_remove(struct engine *engine, const char *name, struct error *reterr)
{
	struct puppet *puppet = of(engine);
	int r;

	LOCKED(&puppet->lock);
	r = pass(puppet, reterr);
	for (size_t i = 0; r == 0 && i < MANY; i++) {
		if (strcmp(puppet->networks[i], name) == 0)
			puppet->networks[i][0] = '\0';
	}
	return r;
}

static int64_t label_number(const struct container_spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->label_count; i++) {
		if (strcmp(spec->labels[i].key, key) == 0)
			return strtoll(spec->labels[i].value, NULL, 10);
	}
	return 0;
}

static int engine_create(struct engine *engine, const struct container_spec *spec,
	char ret_id[ENGINE_ID_MAX], struct error *reterr)
{
	struct puppet *puppet = of(engine);
	struct box *box;
	int r;

	LOCKED(&puppet->lock);
	r = pass(puppet, reterr);
	if (r < 0)
		return r;
	if (!is_pulled(puppet, spec->image) &&
		(strstr(spec->image, "absent") ||
			(puppet->broken[0] && strstr(spec->image, puppet->broken))))
		return error_set(reterr, -ENOENT, "no such image: %s", spec->image);
	box = find(puppet, spec->name);
	if (box && box->state.instance != label_number(spec, LABEL_INSTANCE))
		return error_set(reterr, -EEXIST, "the name %s is taken", spec->name);
	for (size_t i = 0; !box && i < MANY; i++) {
		if (puppet->boxes[i].used)
			continue;
		box = &puppet->boxes[i];
		*box = (struct box){.used = true, .host_port = spec->host_port};
		box->state.phase = CONTAINER_CREATED;
		box->state.instance = label_number(spec, LABEL_INSTANCE);
		box->state.generation = label_number(spec, LABEL_GENERATION);
		(void)text_copy(box->state.name, sizeof(box->state.name), spec->name);
		(void)snprintf(box->state.id, sizeof(box->state.id), "box%lld",
			(long long)++puppet->last_id);
		box->crashes = puppet->crashing[0] && strstr(spec->image, puppet->crashing);
		puppet->created++;
	}
	if (!box)
		return -ENOSPC;
	(void)text_copy(ret_id, ENGINE_ID_MAX, box->state.id);
	return 0;
}

static int engine_start(struct engine *engine, const char *id, struct error *reterr)
{
	struct puppet *puppet = of(engine);
	struct box *box;
	bool died = false;
	int r;

	lock_acquire(&puppet->lock);
	puppet->held++;
	while (puppet->hold)
		cond_wait(&puppet->released, &puppet->lock);
	puppet->held--;
	r = pass(puppet, reterr);
	box = r == 0 ? find(puppet, id) : NULL;
	if (r == 0 && !box)
		r = error_set(reterr, -ENOENT, "no such container");
	if (r == 0 && box->host_port && box->host_port == puppet->taken_port)
		r = error_set(reterr, -EADDRINUSE, "port %d is taken", box->host_port);
	for (size_t i = 0; r == 0 && i < MANY; i++) {
		const struct box *other = &puppet->boxes[i];

		if (other != box && other->used && other->state.phase == CONTAINER_RUNNING &&
			box->host_port && other->host_port == box->host_port)
			r = error_set(reterr, -EADDRINUSE, "port %d is taken", box->host_port);
	}
	if (r == 0) {
		box->state.phase = CONTAINER_RUNNING;
		box->state.started_wall_ns = clock_wall_ns();
		(void)snprintf(box->state.address, sizeof(box->state.address), "127.0.0.1");
		if (box->crashes) {
			box->state.phase = CONTAINER_EXITED;
			box->state.exit_code = 3;
			died = true;
		}
	}
	lock_release(&puppet->lock);
	if (died)
		puppet_tell(puppet, ENGINE_CONTAINER_DIED, box);
	return r;
}

static int engine_stop(struct engine *engine, const char *id, int grace_s, struct error *reterr)
{
	struct puppet *puppet = of(engine);
	struct box *box;
	bool died = false;
	int r;

	(void)grace_s;
	lock_acquire(&puppet->lock);
	r = pass(puppet, reterr);
	box = r == 0 ? find(puppet, id) : NULL;
	if (box && box->state.phase == CONTAINER_RUNNING) {
		box->state.phase = CONTAINER_EXITED;
		box->state.exit_code = 143;
		died = true;
	}
	lock_release(&puppet->lock);
	if (died)
		puppet_tell(puppet, ENGINE_CONTAINER_DIED, box);
	return r;
}

static int engine_kill(struct engine *engine, const char *id, const char *signal,
	struct error *reterr)
{
	int r;

	(void)id;
	LOCKED(&of(engine)->lock);
	r = pass(of(engine), reterr);
	if (r == 0)
		(void)text_copy(of(engine)->signal, sizeof(of(engine)->signal), signal);
	of(engine)->signals += r == 0;
	return r;
}

static int engine_remove(struct engine *engine, const char *id, struct error *reterr)
{
	struct puppet *puppet = of(engine);
	struct box *box;
	int r;

	LOCKED(&puppet->lock);
	r = pass(puppet, reterr);
	box = r == 0 ? find(puppet, id) : NULL;
	if (box)
		box->used = false;
	return r;
}

static int engine_inspect(struct engine *engine, const char *id, struct container_state *ret,
	struct error *reterr)
{
	struct puppet *puppet = of(engine);
	const struct box *box;
	int r;

	LOCKED(&puppet->lock);
	r = pass(puppet, reterr);
	if (r < 0)
		return r;
	box = find(puppet, id);
	*ret = box ? box->state : (struct container_state){.phase = CONTAINER_ABSENT};
	return 0;
}

static int engine_list(struct engine *engine, engine_list_fn fn, void *arg, struct error *reterr)
{
	struct puppet *puppet = of(engine);
	int r;

	lock_acquire(&puppet->lock);
	r = pass(puppet, reterr);
	lock_release(&puppet->lock);
	for (size_t i = 0; r == 0 && i < MANY; i++) {
		struct box box;

		lock_acquire(&puppet->lock);
		box = puppet->boxes[i];
		lock_release(&puppet->lock);
		if (box.used)
			r = fn(arg, &box.state);
	}
	return r;
}

static int engine_network_list(struct engine *engine, int (*fn)(void *arg, const char *name),
	void *arg, struct error *reterr)
{
	(void)engine;
	(void)fn;
	(void)arg;
	(void)reterr;
	return 0;
}

static int engine_volume_remove(struct engine *engine, const char *name, struct error *reterr)
{
	(void)name;
	LOCKED(&of(engine)->lock);
	return pass(of(engine), reterr);
}

static int engine_watch(struct engine *engine, engine_event_fn fn, void *arg, struct error *reterr)
{
	struct puppet *puppet = of(engine);
	bool up;

	(void)reterr;
	lock_acquire(&puppet->lock);
	puppet->fn = fn;
	puppet->arg = arg;
	up = puppet->up;
	lock_release(&puppet->lock);
	puppet_tell(puppet, up ? ENGINE_UP : ENGINE_DOWN, NULL);
	return 0;
}

struct engine_log {
	engine_log_end_fn end;
};

static int engine_log_follow(struct engine *engine, const char *id, int64_t since_wall_ns,
	engine_log_fn fn, engine_log_end_fn end, void *arg, struct engine_log **ret,
	struct error *reterr)
{
	static const char words[] = "starting\ncannot open the database\n";
	struct puppet *puppet = of(engine);
	const struct box *box;
	int64_t said_ns;

	(void)reterr;
	lock_acquire(&puppet->lock);
	box = find(puppet, id);
	said_ns = box ? box->state.started_wall_ns : 0;
	lock_release(&puppet->lock);
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	if (said_ns >= since_wall_ns && said_ns > 0)
		fn(arg, said_ns, words, strlen(words));
	end(arg);
	return 0;
}

static void engine_log_stop(struct engine *engine, struct engine_log *log)
{
	(void)engine;
	free(log);
}

static void engine_release(struct engine *engine)
{
	lock_acquire(&of(engine)->lock);
	of(engine)->fn = NULL;
	lock_release(&of(engine)->lock);
	free(engine);
}

static const struct engine_ops engine_ops = {
	.ping = engine_ping,
	.image_find = engine_image_find,
	.image_pull = engine_image_pull,
	.network_ensure = engine_network_ensure,
	.network_remove = engine_network_remove,
	.create = engine_create,
	.start = engine_start,
	.stop = engine_stop,
	.kill = engine_kill,
	.remove = engine_remove,
	.inspect = engine_inspect,
	.list = engine_list,
	.network_list = engine_network_list,
	.volume_remove = engine_volume_remove,
	.watch = engine_watch,
	.log_follow = engine_log_follow,
	.log_stop = engine_log_stop,
	.free = engine_release,
};

struct engine *puppet_engine(struct puppet *puppet)
{
	struct puppet_engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->engine.ops = &engine_ops;
	engine->puppet = puppet;
	return &engine->engine;
}
