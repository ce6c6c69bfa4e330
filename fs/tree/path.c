/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/path.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX 4 /* objects above each other: tenant, service, instance */

/* Names of the object and of those above it, the highest first. */
struct names {
	struct object objects[DEPTH_MAX];
	size_t first;
};

static void names_done(struct names *names)
{
	size_t i;

	for (i = names->first; i < DEPTH_MAX; i++)
		object_done(&names->objects[i]);
}
#define _cleanup_names_ __attribute__((cleanup(names_done)))

static int collect(struct fs *fs, int64_t id, struct names *names)
{
	struct object object = OBJECT_INIT;
	int r;

	while (id != PLATFORM_ID && id != 0) {
		if (names->first == 0)
			return -ENOENT;
		r = store_peek(fs->store, id, &object);
		if (r < 0)
			return r;
		if (object.deleting) {
			object_done(&object);
			return -ENOENT;
		}
		names->objects[--names->first] = object;
		id = object.parent;
	}
	return 0;
}

int path_of(struct fs *fs, const struct row *row, int64_t object, struct buf *out)
{
	_cleanup_names_ struct names names = {.first = DEPTH_MAX};
	const char *at = row->path, *open;
	size_t next;
	int r = collect(fs, object, &names);

	if (r < 0)
		return r;
	if (at[0] == '\0')
		buf_putc(out, '.');
	for (next = names.first; (open = strchr(at, '{')); next++) {
		const char *close = strchr(open, '}');

		if (!close || next == DEPTH_MAX)
			return -ENOENT;
		buf_add(out, at, (size_t)(open - at));
		buf_puts(out, names.objects[next].name);
		at = close + 1;
	}
	buf_puts(out, at);
	return out->error;
}
