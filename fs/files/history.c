/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/history.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"

int history_find(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret)
{
	struct history_entry entry;
	int64_t generation;
	int r;

	if (name[0] == '0' || text_parse_int(name, 1, NODE_KEY_MAX, &generation) < 0)
		return -ENOENT;
	r = store_history(fs->store, ref->object.id, generation, &entry, NULL);
	if (r < 0)
		return r;
	*ret = (struct entry){.name = name, .object = ref->object.id, .sub = generation};
	return 0;
}

struct history_walk {
	entry_fn fn;
	void *arg;
	int64_t object;
};

static int list_one(void *arg, const struct history_entry *history)
{
	const struct history_walk *walk = arg;
	_cleanup_free_ char *name = text_format("%lld", (long long)history->generation);
	struct entry entry = {.name = name, .object = walk->object, .sub = history->generation};

	return name ? walk->fn(walk->arg, &entry) : -ENOMEM;
}

int history_list(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn, void *arg)
{
	struct history_walk walk = {fn, arg, ref->object.id};

	return store_history_list(fs->store, ref->object.id, after, list_one, &walk);
}

int history_render(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct history_entry entry;
	int r = store_history(fs->store, ref->object.id, ref->sub, &entry, &content->text);

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	content->mtime_ns = entry.wall_ns;
	return 0;
}

int history_measure(struct fs *fs, const struct ref *ref, int64_t *ret_size, int64_t *ret_mtime_ns)
{
	struct history_entry entry;
	int r = store_history(fs->store, ref->object.id, ref->sub, &entry, NULL);

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	*ret_size = (int64_t)entry.size;
	*ret_mtime_ns = entry.wall_ns;
	return 0;
}

/* Who wrote it. */
int history_owner(struct fs *fs, const struct ref *ref, struct stat *st)
{
	struct history_entry entry;
	int r = store_history(fs->store, ref->object.id, ref->sub, &entry, NULL);

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	if (st->st_uid == entry.uid && st->st_gid == entry.gid)
		return 0;
	st->st_uid = entry.uid;
	st->st_gid = entry.gid;
	/* The tenant may be neither: who may enter the directories above may read it. */
	st->st_mode |= 0444;
	return 0;
}
