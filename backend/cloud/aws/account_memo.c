/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/account_memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"

#define MEMO_SIZE 128
#define KNOWN_NS  (60 * NS_PER_SECOND)

struct entry {
	char space[64], name[192], id[MEMO_ID_SIZE];
	int64_t until_ns;
};

struct account_memo {
	struct lock lock;
	struct entry entries[MEMO_SIZE];
};

struct account_memo *account_memo_new(void)
{
	struct account_memo *memo = calloc(1, sizeof(*memo));

	if (memo)
		lock_init(&memo->lock, LOCK_LEAF);
	return memo;
}

void account_memo_free(struct account_memo *memo)
{
	if (memo)
		lock_done(&memo->lock);
	free(memo);
}

/* One name may be known in several spaces. */
static struct entry *place_of(struct account_memo *memo, const char *space, const char *name)
{
	uint64_t hash = text_hash(name, strlen(name)) * 31 + text_hash(space, strlen(space));

	return &memo->entries[hash % MEMO_SIZE];
}

static bool is_of(const struct entry *entry, const char *space, const char *name)
{
	return strcmp(entry->name, name) == 0 && strcmp(entry->space, space) == 0;
}

bool account_memo_get(struct account_memo *memo, const char *space, const char *name,
	char ret[MEMO_ID_SIZE])
{
	const struct entry *entry;

	LOCKED(&memo->lock);
	entry = place_of(memo, space, name);
	if (!is_of(entry, space, name) || clock_now_ns() >= entry->until_ns)
		return false;
	(void)text_copy(ret, MEMO_ID_SIZE, entry->id);
	return true;
}

void account_memo_put(struct account_memo *memo, const char *space, const char *name,
	const char *id)
{
	struct entry *entry;

	LOCKED(&memo->lock);
	entry = place_of(memo, space, name);
	entry->until_ns = text_copy(entry->space, sizeof(entry->space), space) &&
					  text_copy(entry->name, sizeof(entry->name), name) &&
					  text_copy(entry->id, sizeof(entry->id), id)
				  ? clock_now_ns() + KNOWN_NS
				  : 0;
}

void account_memo_drop(struct account_memo *memo, const char *space, const char *name)
{
	struct entry *entry;

	LOCKED(&memo->lock);
	entry = place_of(memo, space, name);
	if (is_of(entry, space, name))
		entry->until_ns = 0;
}
