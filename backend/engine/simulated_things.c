/* SPDX-License-Identifier: Apache-2.0 */
/* Images, networks and volumes of the simulated engine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/simulated.h"

#define PULL_STEPS 4

static int sim_missing(const char *image, struct error *reterr)
{
	return error_set(reterr, -ENOENT,
		"image %s: does not exist in its registry, or needs a login", image);
}

int sim_image_find(struct engine *engine, const char *image, char ret_id[ENGINE_ID_MAX],
	struct error *reterr)
{
	struct simulated *sim = sim_of(engine);

	LOCKED(&sim->lock);
	if (sim_begin(sim, reterr) < 0)
		return -ECANCELED;
	if (sim_behaviour_of(image) == SIM_MISSING)
		return error_set(reterr, -ENOENT, "image %s: is not on the host", image);
	(void)snprintf(ret_id, ENGINE_ID_MAX, "sha256:%064llx",
		(unsigned long long)text_hash(image, strlen(image)));
	return 0;
}

int sim_image_pull(struct engine *engine, const char *image, engine_pull_fn progress, void *arg,
	struct error *reterr)
{
	struct simulated *sim = sim_of(engine);

	for (int step = 1; step <= PULL_STEPS; step++) {
		lock_acquire(&sim->lock);
		int r = sim_begin(sim, reterr);
		lock_release(&sim->lock);
		if (r < 0)
			return r;
		if (sim_behaviour_of(image) == SIM_MISSING)
			return sim_missing(image, reterr);
		if (progress)
			progress(arg, "Downloading", step * 1000000, PULL_STEPS * 1000000);
	}
	return 0;
}

static struct sim_network **sim_network_at(struct simulated *sim, const char *name)
{
	struct sim_network **at = &sim->networks;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

int sim_network_ensure(struct engine *engine, const char *name, const struct label *labels,
	size_t label_count, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_network **at;
	size_t size = strlen(name) + 1;

	(void)labels;
	(void)label_count;
	LOCKED(&sim->lock);
	if (sim_begin(sim, reterr) < 0)
		return -ECANCELED;
	at = sim_network_at(sim, name);
	if (*at)
		return 0;
	*at = calloc(1, sizeof(**at) + size);
	if (!*at)
		return error_oom(reterr);
	memcpy((*at)->name, name, size);
	return 0;
}

int sim_network_remove(struct engine *engine, const char *name, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	struct sim_network **at, *network;

	LOCKED(&sim->lock);
	if (sim_begin(sim, reterr) < 0)
		return -ECANCELED;
	at = sim_network_at(sim, name);
	network = *at;
	if (network) {
		*at = network->next;
		free(network);
	}
	return 0;
}

/* The names as they are now, each followed by a NUL: the callback runs without the lock. */
static void sim_network_names(struct simulated *sim, struct buf *names)
{
	for (const struct sim_network *n = sim->networks; n; n = n->next)
		buf_add(names, n->name, strlen(n->name) + 1);
}

int sim_network_list(struct engine *engine, engine_name_fn fn, void *arg, struct error *reterr)
{
	struct simulated *sim = sim_of(engine);
	_cleanup_buf_ struct buf names = BUF_INIT;
	int r;

	lock_acquire(&sim->lock);
	r = sim_begin(sim, reterr);
	sim_network_names(sim, &names);
	lock_release(&sim->lock);
	if (names.error)
		return error_oom(reterr);
	for (size_t at = 0; r == 0 && at < names.len; at += strlen(names.data + at) + 1)
		r = fn(arg, names.data + at);
	return r;
}

int sim_volume_list(struct engine *engine, engine_name_fn fn, void *arg, struct error *reterr)
{
	(void)engine;
	(void)fn;
	(void)arg;
	(void)reterr;
	return 0;
}

int sim_volume_remove(struct engine *engine, const char *name, struct error *reterr)
{
	(void)engine;
	(void)name;
	(void)reterr;
	return 0;
}
