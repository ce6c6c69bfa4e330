/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/removed.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "store/store.h"

#define REMOVED_MAX 32 /* the oldest make room */
#define REMOVED_NS  (10 * NS_PER_SECOND)

struct removal {
	int64_t parent;
	enum kind kind;
	char name[OBJECT_NAME_MAX + 1];
	uid_t uid;
	int64_t until_ns; /* 0: none */
	struct buf text;
};

struct removed {
	struct lock lock;
	struct removal all[REMOVED_MAX];
};

int removed_new(struct removed **ret, struct error *reterr)
{
	struct removed *removed = calloc(1, sizeof(*removed));

	if (!removed)
		return error_oom(reterr);
	lock_init(&removed->lock, LOCK_LEAF);
	*ret = removed;
	return 0;
}

static void forget(struct removal *removal)
{
	buf_wipe(&removal->text);
	buf_done(&removal->text);
	*removal = (struct removal){.text = BUF_INIT};
}

void removed_free(struct removed *removed)
{
	if (!removed)
		return;
	for (size_t i = 0; i < REMOVED_MAX; i++)
		forget(&removed->all[i]);
	lock_done(&removed->lock);
	free(removed);
}

static bool is_of(const struct removal *removal, const struct object *object)
{
	return removal->until_ns != 0 && removal->parent == object->parent &&
	       removal->kind == object->kind && strcmp(removal->name, object->name) == 0;
}

void removed_keep(struct removed *removed, const struct object *object, uid_t uid, struct buf *text)
{
	struct removal *place = removed->all;

	LOCKED(&removed->lock);
	for (struct removal *at = removed->all; at < removed->all + REMOVED_MAX; at++) {
		if (is_of(at, object)) {
			place = at;
			break;
		}
		if (at->until_ns < place->until_ns)
			place = at;
	}
	forget(place);
	place->parent = object->parent;
	place->kind = object->kind;
	memcpy(place->name, object->name, sizeof(place->name));
	place->uid = uid;
	place->until_ns = clock_now_ns() + REMOVED_NS;
	place->text = *text;
	*text = BUF_INIT;
}

bool removed_take(struct removed *removed, const struct object *object, uid_t uid,
	struct buf *ret_text)
{
	int64_t now_ns = clock_now_ns();

	LOCKED(&removed->lock);
	for (struct removal *at = removed->all; at < removed->all + REMOVED_MAX; at++) {
		if (!is_of(at, object) || at->uid != uid || at->until_ns <= now_ns)
			continue;
		*ret_text = at->text;
		at->text = BUF_INIT;
		forget(at);
		return true;
	}
	return false;
}

int64_t removed_sweep(struct removed *removed)
{
	int64_t now_ns = clock_now_ns(), next_ns = CLOCK_FOREVER;

	LOCKED(&removed->lock);
	for (struct removal *at = removed->all; at < removed->all + REMOVED_MAX; at++) {
		if (at->until_ns == 0)
			continue;
		if (at->until_ns <= now_ns)
			forget(at);
		else if (at->until_ns < next_ns)
			next_ns = at->until_ns;
	}
	return next_ns;
}
