/* SPDX-License-Identifier: Apache-2.0 */
#include "net/prober.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/key_map.h"
#include "base/lock.h"
#include "base/text.h"
#include "base/thread.h"
#include "net/due_heap.h"
#include "net/probe_state.h"
#include "net/probe_wire.h"

#define EVENTS_MAX     256
#define WAKE           UINT64_MAX
#define LOCAL_RETRY_MS 200
#define TICK_NS        (10 * NS_PER_MILLISECOND)
#define FLIGHT_MIN     64
#define FLIGHT_MAX     8192
#define ASK_PAUSE_NS   (200 * NS_PER_MILLISECOND) /* at least, while one starts */
#define ASK_LOST_NS    (60 * NS_PER_SECOND) /* beside its timeout: then it is asked anew */
#define SAID_MAX       400

struct entry {
	int64_t key;
	uint32_t use; /* grows when the slot is freed: an event of an earlier use is stale */
	bool used;
	struct probe_target target;
	struct probe_rules rules;
	struct probe_state state;
	struct probe_attempt attempt;
	struct probe_outcome outcome; /* of the last probe */
	char *said; /* by who asked for us, or NULL */
	uint32_t turn; /* of asking: no two are alike */
	bool out; /* somebody is asking */
	bool answered; /* and has answered: outcome and said are new */
	int64_t begun_ns;
};

struct prober {
	struct lock lock; /* guards all below, except where said */
	struct cond told;
	prober_fn fn; /* never changes, as ask, arg, thread and the descriptors */
	prober_ask_fn ask;
	void *arg;
	pthread_t thread;
	int epoll_fd, wake_fd;
	bool quit;
	bool telling; /* the callback runs, for telling_key */
	int64_t telling_key;
	int64_t sleeps_until_ns;
	struct entry *entries;
	uint32_t *free_slots;
	size_t free_count, capacity;
	struct key_map slots;
	struct due_heap waiting; /* for their next probe */
	struct due_heap flying; /* by when they time out */
	size_t flying_max;
	uint32_t turn;
	uint64_t random;
};

/* xorshift64* (Vigna 2016): spreads due times, nothing more. */
static int64_t prober_random(struct prober *prober, int64_t range)
{
	prober->random ^= prober->random >> 12;
	prober->random ^= prober->random << 25;
	prober->random ^= prober->random >> 27;
	return range <= 0 ? 0
			  : (int64_t)((prober->random * UINT64_C(2685821657736338717) >> 1) %
				      (uint64_t)range);
}

static void entry_words(const struct entry *entry, char *why, size_t size)
{
	if (entry->said && entry->target.asked)
		(void)text_copy(why, size, entry->said);
	else
		probe_outcome_words(&entry->outcome, &entry->target, why, size);
}

/* The callback may drop, set or free slots: after it the caller looks at everything anew. */
static void prober_tell(struct prober *prober, const struct entry *entry)
{
	enum probe_health health = entry->state.health;
	int64_t key = entry->key;
	char why[PROBE_PATH_MAX + 128];

	entry_words(entry, why, sizeof(why));
	prober->telling = true;
	prober->telling_key = key;
	lock_release(&prober->lock);
	prober->fn(prober->arg, key, health, why);
	lock_acquire(&prober->lock);
	prober->telling = false;
	cond_broadcast(&prober->told);
}

/* When to ask again. Those that started together are spread over the interval once healthy; those
 * that fall into one tick share a wake-up, which halves what they cost. */
static int64_t prober_next_ns(struct prober *prober, struct entry *entry, bool changed)
{
	int64_t delay_ns = probe_state_delay_ms(&entry->state, &entry->rules) * NS_PER_MILLISECOND;

	/* Asking costs more than a socket: never one right after the other. */
	if (entry->target.asked && entry->state.health == PROBE_STARTING)
		return clock_now_ns() + (delay_ns > ASK_PAUSE_NS ? delay_ns : ASK_PAUSE_NS);
	if (entry->state.health == PROBE_STARTING)
		return entry->begun_ns + delay_ns;
	if (changed)
		delay_ns = delay_ns / 5 + prober_random(prober, delay_ns / 5 * 4);
	else
		delay_ns += prober_random(prober, delay_ns / 10) - delay_ns / 20;
	if (delay_ns < 20 * TICK_NS)
		return entry->begun_ns + delay_ns;
	return (entry->begun_ns + delay_ns) / TICK_NS * TICK_NS;
}

static void prober_finish(struct prober *prober, uint32_t slot, const struct probe_outcome *outcome)
{
	struct entry *entry = &prober->entries[slot];
	int64_t now_ns = clock_now_ns();
	bool changed;

	due_heap_remove(&prober->flying, slot);
	probe_attempt_close(&entry->attempt, &entry->target);
	entry->outcome = *outcome;
	if (outcome->kind == OUTCOME_LOCAL) {
		due_heap_put(&prober->waiting, slot, now_ns + LOCAL_RETRY_MS * NS_PER_MILLISECOND);
		return;
	}
	changed = probe_state_answer(&entry->state, &entry->rules,
		probe_outcome_is_success(outcome), now_ns);
	due_heap_put(&prober->waiting, slot, prober_next_ns(prober, entry, changed));
	if (changed)
		prober_tell(prober, entry);
}

/* Another thread takes it and answers. */
static void prober_ask(struct prober *prober, uint32_t slot, int64_t now_ns)
{
	struct entry *entry = &prober->entries[slot];
	int64_t key = entry->key;

	entry->turn = ++prober->turn;
	entry->out = true;
	entry->answered = false;
	due_heap_put(&prober->flying, slot,
		now_ns + entry->rules.timeout_ms * NS_PER_MILLISECOND + ASK_LOST_NS);
	prober->telling = true;
	prober->telling_key = key;
	lock_release(&prober->lock);
	prober->ask(prober->arg, key);
	lock_acquire(&prober->lock);
	prober->telling = false;
	cond_broadcast(&prober->told);
}

static void prober_begin(struct prober *prober, uint32_t slot, int64_t now_ns)
{
	struct entry *entry = &prober->entries[slot];
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	struct probe_outcome outcome;

	due_heap_remove(&prober->waiting, slot);
	entry->begun_ns = now_ns;
	if (entry->target.asked) {
		prober_ask(prober, slot, now_ns);
		return;
	}
	if (probe_attempt_begin(&entry->attempt, &entry->target, &outcome)) {
		prober_finish(prober, slot, &outcome);
		return;
	}
	event.data.u64 = (uint64_t)entry->use << 32 | slot;
	if (epoll_ctl(prober->epoll_fd, EPOLL_CTL_ADD, entry->attempt.fd, &event) < 0) {
		outcome = (struct probe_outcome){OUTCOME_LOCAL, errno};
		prober_finish(prober, slot, &outcome);
		return;
	}
	due_heap_put(&prober->flying, slot, now_ns + entry->rules.timeout_ms * NS_PER_MILLISECOND);
}

static void prober_step(struct prober *prober, const struct epoll_event *event)
{
	uint32_t slot = (uint32_t)event->data.u64;
	struct probe_outcome outcome;
	struct entry *entry;
	eventfd_t count;

	if (event->data.u64 == WAKE) {
		(void)eventfd_read(prober->wake_fd, &count);
		return;
	}
	entry = &prober->entries[slot];
	if (!entry->used || entry->use != (uint32_t)(event->data.u64 >> 32) ||
		entry->attempt.fd < 0)
		return;
	if (probe_attempt_step(&entry->attempt, &entry->target, event->events, &outcome))
		prober_finish(prober, slot, &outcome);
}

static void prober_expire(struct prober *prober, int64_t now_ns)
{
	const struct due *due;

	while ((due = due_heap_first(&prober->flying)) != NULL && due->at_ns <= now_ns) {
		struct entry *entry = &prober->entries[due->slot];
		struct probe_outcome outcome = {OUTCOME_TIMEOUT, (int)entry->rules.timeout_ms};

		if (entry->out) /* answered, or nobody has: then it says nothing */
			outcome = entry->answered ? entry->outcome
						  : (struct probe_outcome){OUTCOME_LOCAL, EAGAIN};
		entry->out = false;
		prober_finish(prober, due->slot, &outcome);
	}
}

static void prober_begin_due(struct prober *prober, int64_t now_ns)
{
	const struct due *due;

	while (prober->flying.count < prober->flying_max &&
		(due = due_heap_first(&prober->waiting)) != NULL && due->at_ns <= now_ns)
		prober_begin(prober, due->slot, now_ns);
}

static int64_t prober_next_due_ns(const struct prober *prober)
{
	const struct due *due = due_heap_first(&prober->flying);
	int64_t next_ns = due ? due->at_ns : CLOCK_FOREVER;

	due = due_heap_first(&prober->waiting);
	if (due && prober->flying.count < prober->flying_max && due->at_ns < next_ns)
		next_ns = due->at_ns;
	return next_ns;
}

static int prober_sleep_ms(int64_t until_ns)
{
	int64_t left_ns = until_ns - clock_now_ns();

	if (until_ns == CLOCK_FOREVER)
		return -1;
	if (left_ns <= 0)
		return 0;
	return left_ns > 60 * NS_PER_SECOND
		       ? 60000
		       : (int)((left_ns + NS_PER_MILLISECOND - 1) / NS_PER_MILLISECOND);
}

static void *prober_run(void *arg)
{
	struct epoll_event events[EVENTS_MAX];
	struct prober *prober = arg;
	int count;

	lock_acquire(&prober->lock);
	while (!prober->quit) {
		prober_expire(prober, clock_now_ns());
		prober_begin_due(prober, clock_now_ns());
		prober->sleeps_until_ns = prober_next_due_ns(prober);
		lock_release(&prober->lock);
		count = epoll_wait(prober->epoll_fd, events, EVENTS_MAX,
			prober_sleep_ms(prober->sleeps_until_ns));
		lock_acquire(&prober->lock);
		prober->sleeps_until_ns = 0;
		for (int i = 0; i < count; i++)
			prober_step(prober, &events[i]);
	}
	lock_release(&prober->lock);
	return NULL;
}

static size_t prober_flying_max(void)
{
	struct rlimit limit;
	rlim_t quarter;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return FLIGHT_MIN;
	quarter = limit.rlim_cur / 4;
	return quarter < FLIGHT_MIN ? FLIGHT_MIN : quarter > FLIGHT_MAX ? FLIGHT_MAX : quarter;
}

static int prober_open(struct prober *prober, struct error *reterr)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE};

	prober->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	prober->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (prober->epoll_fd < 0 || prober->wake_fd < 0 ||
		epoll_ctl(prober->epoll_fd, EPOLL_CTL_ADD, prober->wake_fd, &event) < 0)
		return error_errno(reterr, errno, "the health prober has no descriptors");
	return thread_start(&prober->thread, "prober", prober_run, prober, reterr);
}

static void prober_release(struct prober *prober)
{
	for (size_t i = 0; i < prober->capacity; i++) {
		probe_attempt_close(&prober->entries[i].attempt, &prober->entries[i].target);
		probe_target_done(&prober->entries[i].target);
		free(prober->entries[i].said);
	}
	if (prober->epoll_fd >= 0)
		(void)close(prober->epoll_fd);
	if (prober->wake_fd >= 0)
		(void)close(prober->wake_fd);
	free(prober->entries);
	free(prober->free_slots);
	key_map_done(&prober->slots);
	due_heap_done(&prober->waiting);
	due_heap_done(&prober->flying);
	cond_done(&prober->told);
	lock_done(&prober->lock);
	free(prober);
}

int prober_new(struct prober **ret, prober_fn fn, prober_ask_fn ask, void *arg,
	struct error *reterr)
{
	struct prober *prober = calloc(1, sizeof(*prober));
	int r;

	if (!prober)
		return error_oom(reterr);
	lock_init(&prober->lock, LOCK_PROBER);
	cond_init(&prober->told);
	prober->fn = fn;
	prober->ask = ask;
	prober->arg = arg;
	prober->flying_max = prober_flying_max();
	(void)text_random(&prober->random, sizeof(prober->random));
	prober->random |= 1;
	r = prober_open(prober, reterr);
	if (r < 0) {
		prober_release(prober);
		return r;
	}
	*ret = prober;
	return 0;
}

void prober_free(struct prober *prober)
{
	if (!prober)
		return;
	lock_acquire(&prober->lock);
	prober->quit = true;
	lock_release(&prober->lock);
	(void)eventfd_write(prober->wake_fd, 1);
	thread_join(prober->thread);
	prober_release(prober);
}

static int prober_grow(struct prober *prober)
{
	size_t capacity = prober->capacity ? prober->capacity * 2 : 64;
	struct entry *entries;
	uint32_t *free_slots;

	if (due_heap_reserve(&prober->waiting, capacity) < 0 ||
		due_heap_reserve(&prober->flying, capacity) < 0)
		return -ENOMEM;
	entries = realloc(prober->entries, capacity * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	prober->entries = entries;
	free_slots = realloc(prober->free_slots, capacity * sizeof(*free_slots));
	if (!free_slots)
		return -ENOMEM;
	prober->free_slots = free_slots;
	for (size_t i = capacity; i-- > prober->capacity;) {
		entries[i] = (struct entry){.attempt.fd = -1};
		free_slots[prober->free_count++] = (uint32_t)i;
	}
	prober->capacity = capacity;
	return 0;
}

static void entry_rules(struct entry *entry, const struct probe *probe)
{
	entry->rules = (struct probe_rules){
		.interval_ms = probe->interval_ms,
		.timeout_ms = probe->timeout_ms > 0 ? probe->timeout_ms : 1,
		.start_period_ms = probe->start_period_ms,
		.healthy_threshold = probe->healthy_threshold,
		.unhealthy_threshold = probe->unhealthy_threshold,
	};
}

/* The slot of key, a new one when there is none. */
static int prober_slot(struct prober *prober, int64_t key, uint32_t *ret, bool *ret_is_new)
{
	*ret_is_new = !key_map_get(&prober->slots, key, ret);
	if (!*ret_is_new)
		return 0;
	if (prober->free_count == 0 && prober_grow(prober) < 0)
		return -ENOMEM;
	*ret = prober->free_slots[prober->free_count - 1];
	if (key_map_put(&prober->slots, key, *ret) < 0)
		return -ENOMEM;
	prober->free_count--;
	prober->entries[*ret].key = key;
	prober->entries[*ret].used = true;
	return 0;
}

static void prober_start(struct prober *prober, uint32_t slot)
{
	struct entry *entry = &prober->entries[slot];
	int64_t now_ns = clock_now_ns();

	due_heap_remove(&prober->flying, slot);
	probe_attempt_close(&entry->attempt, &entry->target);
	entry->use++;
	entry->out = false;
	free(entry->said);
	entry->said = NULL;
	entry->outcome = (struct probe_outcome){OUTCOME_NONE, 0};
	probe_state_init(&entry->state, now_ns);
	due_heap_put(&prober->waiting, slot, now_ns);
	if (prober->sleeps_until_ns > now_ns)
		(void)eventfd_write(prober->wake_fd, 1);
}

int prober_set(struct prober *prober, int64_t key, const struct probe *probe, struct error *reterr)
{
	struct probe_target target;
	struct entry *entry;
	uint32_t slot;
	bool is_new;
	int r;

	if (probe->asked && !prober->ask)
		return error_set(reterr, -EINVAL, "nobody can ask for this probe");
	r = probe_target_init(&target, probe, reterr);
	if (r < 0)
		return r;
	LOCKED(&prober->lock);
	if (prober_slot(prober, key, &slot, &is_new) < 0) {
		probe_target_done(&target);
		return error_oom(reterr);
	}
	entry = &prober->entries[slot];
	entry_rules(entry, probe);
	if (!is_new && probe_target_equal(&entry->target, &target)) {
		probe_target_done(&target);
		return 0;
	}
	prober_start(prober, slot);
	probe_target_done(&entry->target);
	entry->target = target;
	return 0;
}

static void prober_forget(struct prober *prober, uint32_t slot)
{
	struct entry *entry = &prober->entries[slot];

	due_heap_remove(&prober->waiting, slot);
	due_heap_remove(&prober->flying, slot);
	probe_attempt_close(&entry->attempt, &entry->target);
	probe_target_done(&entry->target);
	free(entry->said);
	entry->said = NULL;
	entry->used = entry->out = false;
	entry->use++;
	key_map_remove(&prober->slots, entry->key);
	prober->free_slots[prober->free_count++] = slot;
}

void prober_drop(struct prober *prober, int64_t key)
{
	bool inside = pthread_equal(pthread_self(), prober->thread);
	uint32_t slot;

	LOCKED(&prober->lock);
	if (key_map_get(&prober->slots, key, &slot))
		prober_forget(prober, slot);
	while (!inside && prober->telling && prober->telling_key == key)
		cond_wait(&prober->told, &prober->lock);
}

bool prober_look(struct prober *prober, int64_t key, enum probe_health *ret, char *why, size_t size)
{
	const struct entry *entry;
	uint32_t slot;

	LOCKED(&prober->lock);
	if (!key_map_get(&prober->slots, key, &slot))
		return false;
	entry = &prober->entries[slot];
	*ret = entry->state.health;
	entry_words(entry, why, size);
	return true;
}

bool prober_take(struct prober *prober, int64_t key, uint32_t *ret_turn)
{
	const struct entry *entry;
	uint32_t slot;

	LOCKED(&prober->lock);
	if (!key_map_get(&prober->slots, key, &slot))
		return false;
	entry = &prober->entries[slot];
	*ret_turn = entry->turn;
	return entry->out && !entry->answered;
}

/* The callback belongs to the prober's thread: it finds the answer as if it were overdue. */
void prober_answer(struct prober *prober, int64_t key, uint32_t turn, enum probe_answer answer,
	const char *words)
{
	static const enum probe_outcome_kind kinds[] = {[PROBE_GOOD] = OUTCOME_TOLD_GOOD,
		[PROBE_BAD] = OUTCOME_TOLD_BAD,
		[PROBE_UNKNOWN] = OUTCOME_LOCAL};
	struct entry *entry;
	uint32_t slot;

	LOCKED(&prober->lock);
	if (!key_map_get(&prober->slots, key, &slot))
		return;
	entry = &prober->entries[slot];
	if (!entry->out || entry->answered || entry->turn != turn)
		return;
	entry->answered = true;
	entry->outcome = (struct probe_outcome){kinds[answer], EAGAIN};
	free(entry->said);
	entry->said = strndup(words, SAID_MAX);
	due_heap_put(&prober->flying, slot, clock_now_ns());
	if (prober->sleeps_until_ns > 0)
		(void)eventfd_write(prober->wake_fd, 1);
}
