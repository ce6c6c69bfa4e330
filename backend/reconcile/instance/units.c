/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/instance/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "base/lock.h"
#include "base/text.h"

struct units {
	struct lock lock;
	struct idmap map;
};

int units_new(struct units **ret, struct error *reterr)
{
	struct units *units = calloc(1, sizeof(*units));

	if (!units)
		return error_oom(reterr);
	lock_init(&units->lock, LOCK_LEAF);
	*ret = units;
	return 0;
}

void units_free(struct units *units)
{
	size_t position = 0;
	struct unit *unit;

	if (!units)
		return;
	while ((unit = idmap_next(&units->map, &position)))
		free(unit);
	idmap_done(&units->map);
	lock_done(&units->lock);
	free(units);
}

void units_load(struct units *units, int64_t instance, struct unit *ret)
{
	const struct unit *unit;

	LOCKED(&units->lock);
	unit = idmap_get(&units->map, instance);
	if (unit)
		*ret = *unit;
	else
		*ret = (struct unit){.instance = instance, .in_traffic = true};
	ret->epoch = 0;
}

/* The unit of an instance, made when it is missing; NULL when memory is short. Lock held. */
static struct unit *units_make(struct units *units, int64_t instance)
{
	struct unit *unit = idmap_get(&units->map, instance);

	if (unit)
		return unit;
	unit = malloc(sizeof(*unit));
	if (!unit)
		return NULL;
	*unit = (struct unit){.instance = instance, .in_traffic = true};
	if (idmap_put(&units->map, instance, unit) < 0) {
		free(unit);
		return NULL;
	}
	return unit;
}

int units_save(struct units *units, const struct unit *saved)
{
	struct unit *unit;

	LOCKED(&units->lock);
	unit = units_make(units, saved->instance);
	if (!unit)
		return -ENOMEM;
	unit->host = saved->host;
	unit->looked = saved->looked;
	unit->probed = saved->probed;
	unit->logged = saved->logged;
	unit->crashes = saved->crashes;
	unit->healthy_ns = saved->healthy_ns;
	unit->drain_until_ns = saved->drain_until_ns;
	unit->replace_ns = saved->replace_ns;
	unit->again_ns = saved->again_ns;
	unit->again_name = saved->again_name;
	(void)text_copy(unit->name, sizeof(unit->name), saved->name);
	(void)text_copy(unit->container, sizeof(unit->container), saved->container);
	return 0;
}

void units_drop(struct units *units, int64_t instance)
{
	LOCKED(&units->lock);
	free(idmap_remove(&units->map, instance));
}

void units_set_alive(struct units *units, int64_t instance, bool alive)
{
	struct unit *unit;

	LOCKED(&units->lock);
	unit = units_make(units, instance);
	if (unit)
		unit->alive = alive;
}

void units_set_died(struct units *units, int64_t instance, const char *container)
{
	struct unit *unit;

	LOCKED(&units->lock);
	unit = idmap_get(&units->map, instance);
	if (unit && (!unit->container[0] || strcmp(unit->container, container) == 0))
		unit->alive = false;
}

void units_set_health(struct units *units, int64_t instance, enum unit_health health,
	const char *words)
{
	struct unit *unit;

	LOCKED(&units->lock);
	unit = units_make(units, instance);
	if (!unit)
		return;
	unit->health = health;
	(void)text_copy(unit->words, sizeof(unit->words), words);
}

void units_set_stop(struct units *units, int64_t instance, enum unit_stop stop)
{
	struct unit *unit;

	LOCKED(&units->lock);
	unit = units_make(units, instance);
	if (unit)
		unit->stop = stop;
}

bool units_set_traffic(struct units *units, int64_t instance, bool in_traffic)
{
	struct unit *unit;
	bool news;

	LOCKED(&units->lock);
	unit = units_make(units, instance);
	if (!unit)
		return false;
	news = unit->in_traffic != in_traffic;
	unit->in_traffic = in_traffic;
	return news;
}
