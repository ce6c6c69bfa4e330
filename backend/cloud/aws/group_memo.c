/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/group_memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "cloud/aws/group.h"

#define MEMO_SIZE 128
#define KNOWN_NS  (60 * NS_PER_SECOND)

struct entry {
	char vpc[64], name[GROUP_NAME_SIZE], id[GROUP_ID_SIZE];
	int64_t until_ns;
};

struct group_memo {
	struct lock lock;
	struct entry entries[MEMO_SIZE];
};

struct group_memo *group_memo_new(void)
{
	struct group_memo *memo = calloc(1, sizeof(*memo));

	if (memo)
		lock_init(&memo->lock, LOCK_LEAF);
	return memo;
}

void group_memo_free(struct group_memo *memo)
{
	if (memo)
		lock_done(&memo->lock);
	free(memo);
}

static struct entry *place_of(struct group_memo *memo, const char *name)
{
	return &memo->entries[text_hash(name, strlen(name)) % MEMO_SIZE];
}

static bool is_of(const struct entry *entry, const char *vpc, const char *name)
{
	return strcmp(entry->name, name) == 0 && strcmp(entry->vpc, vpc) == 0;
}

bool group_memo_get(struct group_memo *memo, const char *vpc, const char *name, char *ret)
{
	const struct entry *entry;

	LOCKED(&memo->lock);
	entry = place_of(memo, name);
	if (!is_of(entry, vpc, name) || clock_now_ns() >= entry->until_ns)
		return false;
	(void)text_copy(ret, GROUP_ID_SIZE, entry->id);
	return true;
}

void group_memo_put(struct group_memo *memo, const char *vpc, const char *name, const char *id)
{
	struct entry *entry;

	LOCKED(&memo->lock);
	entry = place_of(memo, name);
	entry->until_ns = text_copy(entry->vpc, sizeof(entry->vpc), vpc) &&
					  text_copy(entry->name, sizeof(entry->name), name) &&
					  text_copy(entry->id, sizeof(entry->id), id)
				  ? clock_now_ns() + KNOWN_NS
				  : 0;
}

void group_memo_drop(struct group_memo *memo, const char *vpc, const char *name)
{
	struct entry *entry;

	LOCKED(&memo->lock);
	entry = place_of(memo, name);
	if (is_of(entry, vpc, name))
		entry->until_ns = 0;
}
