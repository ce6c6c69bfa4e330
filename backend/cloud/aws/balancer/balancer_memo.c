/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer/balancer_memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define KNOWN_NS   (60 * NS_PER_SECOND)
#define TARGETS_NS (2 * NS_PER_SECOND)

struct balancer_memo_entry {
	int64_t service;
	int64_t until_ns; /* known is good; 0: there is none */
	struct balancer_known known;
	uint64_t name_hash; /* 0: not known */
	int64_t name_until_ns;
	int64_t asked_ns; /* for targets, or being asked since; 0: never */
	struct seen_targets seen;
};

void balancer_memo_init(struct balancer_memo *memo)
{
	*memo = (struct balancer_memo){.entries = {NULL}};
	lock_init(&memo->lock, LOCK_LEAF);
}

static void empty(struct balancer_memo_entry *entry)
{
	seen_targets_done(&entry->seen);
	*entry = (struct balancer_memo_entry){.service = 0};
}

void balancer_memo_done(struct balancer_memo *memo)
{
	for (size_t i = 0; i < BALANCER_MEMO_SIZE; i++) {
		if (memo->entries[i])
			empty(memo->entries[i]);
		free(memo->entries[i]);
	}
	lock_done(&memo->lock);
}

/* The service's entry; make: takes the place of another's. NULL: none, or no memory. */
static struct balancer_memo_entry *entry_of(struct balancer_memo *memo, int64_t service, bool make)
{
	struct balancer_memo_entry **place = &memo->entries[service % BALANCER_MEMO_SIZE];

	if (*place && (*place)->service == service)
		return *place;
	if (!make)
		return NULL;
	if (!*place)
		*place = calloc(1, sizeof(**place));
	else
		empty(*place);
	if (*place)
		(*place)->service = service;
	return *place;
}

bool balancer_memo_get(struct balancer_memo *memo, int64_t service, uint64_t hash,
	struct balancer_known *ret)
{
	const struct balancer_memo_entry *entry;

	LOCKED(&memo->lock);
	entry = entry_of(memo, service, false);
	if (!entry || clock_now_ns() >= entry->until_ns || entry->known.hash != hash)
		return false;
	*ret = entry->known;
	return true;
}

void balancer_memo_put(struct balancer_memo *memo, int64_t service,
	const struct balancer_known *known)
{
	struct balancer_memo_entry *entry;

	LOCKED(&memo->lock);
	entry = entry_of(memo, service, true);
	if (!entry)
		return;
	/* What is remembered does not get older by being used. */
	if (entry->until_ns == 0 || entry->known.hash != known->hash ||
		clock_now_ns() >= entry->until_ns)
		entry->until_ns = clock_now_ns() + KNOWN_NS;
	entry->known = *known;
}

void balancer_memo_drop(struct balancer_memo *memo, int64_t service)
{
	struct balancer_memo_entry *entry;

	LOCKED(&memo->lock);
	entry = entry_of(memo, service, false);
	if (entry)
		empty(entry);
}

bool balancer_memo_has_name(struct balancer_memo *memo, int64_t service, uint64_t hash)
{
	const struct balancer_memo_entry *entry;

	LOCKED(&memo->lock);
	entry = entry_of(memo, service, false);
	return entry && entry->name_hash == hash && clock_now_ns() < entry->name_until_ns;
}

void balancer_memo_put_name(struct balancer_memo *memo, int64_t service, uint64_t hash)
{
	struct balancer_memo_entry *entry;

	LOCKED(&memo->lock);
	entry = entry_of(memo, service, hash != 0);
	if (!entry)
		return;
	entry->name_hash = hash;
	entry->name_until_ns = hash ? clock_now_ns() + KNOWN_NS : 0;
}

bool balancer_memo_get_targets(struct balancer_memo *memo, int64_t service,
	struct seen_targets *ret)
{
	const struct balancer_memo_entry *entry;
	struct seen_target *copy;
	size_t count;

	LOCKED(&memo->lock);
	entry = entry_of(memo, service, false);
	if (!entry || !entry->seen.targets || clock_now_ns() >= entry->until_ns)
		return false;
	count = entry->seen.count;
	copy = calloc(count + 1, sizeof(*copy));
	if (!copy)
		return false;
	(void)memcpy(copy, entry->seen.targets, count * sizeof(*copy));
	*ret = (struct seen_targets){copy, count, entry->seen.asked_ns};
	return true;
}

void balancer_memo_put_targets(struct balancer_memo *memo, int64_t service,
	struct seen_targets *seen)
{
	struct balancer_memo_entry *entry;
	struct seen_targets old = {.targets = NULL};

	lock_acquire(&memo->lock);
	entry = entry_of(memo, service, true);
	if (entry) {
		old = entry->seen;
		entry->seen = *seen;
		entry->asked_ns = clock_now_ns();
		*seen = (struct seen_targets){.targets = NULL};
	}
	lock_release(&memo->lock);
	seen_targets_done(&old);
}

enum memo_advice balancer_memo_target(struct balancer_memo *memo, int64_t service,
	const struct target *target, enum seen_state *ret, char ret_target_group[ARN_SIZE])
{
	struct balancer_memo_entry *entry;
	int64_t now_ns = clock_now_ns();

	*ret_target_group = '\0';
	LOCKED(&memo->lock);
	entry = entry_of(memo, service, true);
	if (!entry)
		return MEMO_ASK;
	if (entry->asked_ns == 0 || now_ns - entry->asked_ns >= TARGETS_NS) {
		entry->asked_ns = now_ns;
		(void)text_copy(ret_target_group, ARN_SIZE, entry->known.target_group);
		return MEMO_ASK;
	}
	/* Asked for by somebody just now, and not known yet: it may have some. */
	*ret = entry->seen.targets ? seen_targets_state(&entry->seen, target) : SEEN_LEAVING;
	return MEMO_KNOWN;
}
