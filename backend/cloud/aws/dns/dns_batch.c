/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/dns/dns_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "cloud/aws/dns/dns_page.h"
#include "cloud/aws/dns/dns_records.h"
#include "cloud/dns_name.h"

#define BATCH_NAMES                                                                                \
	64 /* of at most four changes, each of which may count twice: 1,000 are allowed */
#define EVERY_NS NS_PER_SECOND
#define ASKED_NS (60 * NS_PER_SECOND) /* nobody asks about it any more */

enum phase {
	PHASE_FREE,
	PHASE_WAITS,
	PHASE_GOES, /* with the request that is under way */
	PHASE_DONE,
	PHASE_ALONE,
};

struct entry {
	enum phase phase;
	char name[DNS_NAME_MAX + 16], zone[64];
	uint64_t wanted;
	int64_t asked_ns; /* monotonic */
	struct buf changes;
};

struct dns_batch {
	struct lock lock; /* LOCK_LEAF: what follows */
	struct cond arrived;
	bool under_way;
	int64_t next_ns; /* monotonic: when the next request may go */
	struct entry entries[BATCH_NAMES];
};

struct dns_batch *dns_batch_new(void)
{
	struct dns_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	lock_init(&batch->lock, LOCK_LEAF);
	cond_init(&batch->arrived);
	return batch;
}

static void empty(struct entry *entry)
{
	buf_done(&entry->changes);
	*entry = (struct entry){.phase = PHASE_FREE};
}

void dns_batch_free(struct dns_batch *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < BATCH_NAMES; i++)
		empty(&batch->entries[i]);
	cond_done(&batch->arrived);
	lock_done(&batch->lock);
	free(batch);
}

static struct entry *entry_of(struct dns_batch *batch, const char *name)
{
	for (size_t i = 0; i < BATCH_NAMES; i++)
		if (batch->entries[i].phase != PHASE_FREE &&
			strcmp(batch->entries[i].name, name) == 0)
			return &batch->entries[i];
	return NULL;
}

enum dns_batch_state dns_batch_look(struct dns_batch *batch, const char *name, uint64_t wanted)
{
	struct entry *entry;
	enum phase phase;

	LOCKED(&batch->lock);
	entry = entry_of(batch, name);
	if (!entry)
		return DNS_BATCH_NONE;
	entry->asked_ns = clock_now_ns();
	phase = entry->phase;
	if (phase == PHASE_GOES || (phase == PHASE_WAITS && entry->wanted == wanted))
		return DNS_BATCH_WAITS;
	if (entry->wanted != wanted)
		phase = PHASE_FREE;
	empty(entry);
	switch (phase) {
	case PHASE_DONE:
		return DNS_BATCH_DONE;
	case PHASE_ALONE:
		return DNS_BATCH_ALONE;
	default:
		return DNS_BATCH_NONE;
	}
}

/* NULL: all are taken. */
static struct entry *free_entry(struct dns_batch *batch)
{
	int64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < BATCH_NAMES; i++) {
		struct entry *entry = &batch->entries[i];

		if (entry->phase != PHASE_GOES && now_ns - entry->asked_ns >= ASKED_NS)
			empty(entry);
		if (entry->phase == PHASE_FREE)
			return entry;
	}
	return NULL;
}

bool dns_batch_add(const struct account *account, const char *name, uint64_t wanted,
	const struct buf *changes)
{
	struct dns_batch *batch = account->names;
	struct entry *entry;

	LOCKED(&batch->lock);
	entry = free_entry(batch);
	if (!entry)
		return false;
	*entry = (struct entry){.phase = PHASE_WAITS, .wanted = wanted, .asked_ns = clock_now_ns()};
	buf_add(&entry->changes, changes->data, changes->len);
	if (!entry->changes.error && text_copy(entry->name, sizeof(entry->name), name) &&
		text_copy(entry->zone, sizeof(entry->zone),
			policy_text(account->policy, "hosted_zone_id")))
		return true;
	empty(entry);
	return false;
}

/* ---- sending ---- */

/* What one request is made of. */
struct request {
	struct entry *entries[BATCH_NAMES];
	size_t count;
	bool mine; /* the caller's is among them */
	struct buf changes;
};

/* Those that somebody still asks about. False: it is not time, or there are none. */
static bool take(struct dns_batch *batch, const char *zone, const char *name, struct request *ret)
{
	int64_t now_ns = clock_now_ns();

	LOCKED(&batch->lock);
	if (batch->under_way || now_ns < batch->next_ns)
		return false;
	for (size_t i = 0; i < BATCH_NAMES; i++) {
		struct entry *entry = &batch->entries[i];

		if (entry->phase != PHASE_WAITS || strcmp(entry->zone, zone) != 0 ||
			now_ns - entry->asked_ns >= ASKED_NS)
			continue;
		entry->phase = PHASE_GOES;
		buf_add(&ret->changes, entry->changes.data, entry->changes.len);
		ret->entries[ret->count++] = entry;
		ret->mine = ret->mine || strcmp(entry->name, name) == 0;
	}
	batch->under_way = ret->count > 0;
	return batch->under_way;
}

/* Route 53 makes all changes of a request or none. */
static enum phase phase_after(int r, const struct fault *fault, size_t count)
{
	if (r == 0)
		return PHASE_DONE;
	if (fault->kind != FAULT_INVALID && fault->kind != FAULT_EXISTS &&
		fault->kind != FAULT_MISSING)
		return PHASE_WAITS;
	return count > 1 ? PHASE_ALONE : PHASE_FREE;
}

/* own is told of its end at once. */
static void arrive(struct dns_batch *batch, const struct request *request, enum phase phase,
	const char *own)
{
	LOCKED(&batch->lock);
	for (size_t i = 0; i < request->count; i++) {
		struct entry *entry = request->entries[i];

		entry->phase = phase;
		if (phase == PHASE_FREE || (phase == PHASE_DONE && strcmp(entry->name, own) == 0))
			empty(entry);
	}
	batch->under_way = false;
	batch->next_ns = clock_now_ns() + EVERY_NS;
	cond_broadcast(&batch->arrived);
}

static int not_yet(struct error *reterr)
{
	return error_set(reterr, -EINPROGRESS,
		"its DNS name is about to be made, together with others");
}

int dns_batch_send(const struct account *account, const char *name, struct error *reterr)
{
	struct dns_batch *batch = account->names;
	struct request request = {.changes = BUF_INIT};
	struct fault fault = {.kind = FAULT_OTHER};
	enum phase phase;
	int r;

	if (!take(batch, policy_text(account->policy, "hosted_zone_id"), name, &request))
		return not_yet(reterr);
	r = request.changes.error ? error_oom(reterr)
				  : dns_change_send(&request.changes, account, &fault, reterr);
	/* Pages from before do not show them. What goes is nobody's but this thread's. */
	for (size_t i = 0; i < request.count; i++)
		dns_pages_touch(account->pages, request.entries[i]->name);
	phase = phase_after(r, &fault, request.count);
	arrive(batch, &request, phase, name);
	buf_done(&request.changes);
	return request.mine && phase != PHASE_ALONE ? r : not_yet(reterr);
}

void dns_batch_cancel(struct dns_batch *batch, const char *name)
{
	struct entry *entry;

	LOCKED(&batch->lock);
	while ((entry = entry_of(batch, name)) && entry->phase == PHASE_GOES)
		cond_wait(&batch->arrived, &batch->lock);
	if (entry)
		empty(entry);
}
