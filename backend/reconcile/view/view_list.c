/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/view_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int view_list_add(void *arg, const struct view_entry *entry)
{
	struct view_list *list = arg;

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct view_entry *entries = reallocarray(list->entries, room, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		list->entries = entries;
		list->room = room;
	}
	list->entries[list->count++] = *entry;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct view_entry *left = a, *right = b;

	if (left->part != right->part)
		return left->part < right->part ? -1 : 1;
	return strcmp(left->name, right->name);
}

void view_list_sort(struct view_list *list)
{
	if (list->count > 1)
		qsort(list->entries, list->count, sizeof(*list->entries), compare);
}

int view_list_load(struct view_list *list, struct store *store, int64_t service,
	enum view_part part, struct error *reterr)
{
	int r = view_list(store, service, part, view_list_add, list);

	if (r < 0)
		return error_set(reterr, r, "what a view shows cannot be listed");
	view_list_sort(list);
	return 0;
}

const struct view_entry *view_list_find(const struct view_list *list, enum view_part part,
	const char *name)
{
	struct view_entry wanted = {.part = part};

	if (list->count == 0 || !text_copy(wanted.name, sizeof(wanted.name), name))
		return NULL;
	return bsearch(&wanted, list->entries, list->count, sizeof(wanted), compare);
}

void view_list_done(struct view_list *list)
{
	free(list->entries);
	*list = VIEW_LIST_INIT;
}
