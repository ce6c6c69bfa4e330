/* SPDX-License-Identifier: Apache-2.0 */
#define FUSE_USE_VERSION 314
#include "fs/kernel/notifier.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "fs/kernel/herald.h"

#define FLUSH_NS (2 * NS_PER_SECOND)

#define NOTIFIER_BUCKETS 1024 /* a power of two */

/* Protocol 7.44: every name is looked up anew. Older kernels answer EINVAL. */
#define NOTIFIER_INC_EPOCH 8

enum notice_kind {
	NOTICE_INODE,
	NOTICE_ENTRY,
	NOTICE_CALL,
};

struct notice {
	struct notice *next; /* in the queue */
	struct notice *chained; /* in the bucket; not for NOTICE_CALL */
	enum notice_kind kind;
	uint64_t node;
	uint64_t hash;
	void (*fn)(void *arg);
	void *arg;
	char name[]; /* NOTICE_ENTRY */
};

struct notifier {
	struct fuse_session *session;
	struct herald *herald; /* NULL: notices never wait, so we send them ourselves */
	pthread_t thread;
	struct lock lock;
	struct cond waiting;
	struct notice *first, **last;
	struct notice *buckets[NOTIFIER_BUCKETS];
	bool epochs; /* the kernel can expire all names at once, without a lock */
	bool expire; /* it should */
	bool stopping;
};

static bool notice_equal(const struct notice *a, const struct notice *b)
{
	return a->hash == b->hash && a->kind == b->kind && a->node == b->node &&
	       strcmp(a->name, b->name) == 0;
}

/* Locked; puts the notice at the end of the queue, or frees it when its equal waits already. */
static void notifier_queue(struct notifier *notifier, struct notice *notice)
{
	struct notice **bucket, *at;

	if (notice->kind != NOTICE_CALL) {
		bucket = &notifier->buckets[notice->hash % NOTIFIER_BUCKETS];
		for (at = *bucket; at; at = at->chained)
			if (notice_equal(at, notice)) {
				free(notice);
				return;
			}
		notice->chained = *bucket;
		*bucket = notice;
	}
	*notifier->last = notice;
	notifier->last = &notice->next;
	cond_signal(&notifier->waiting);
}

/* Locked; NULL when nothing waits. */
static struct notice *notifier_take(struct notifier *notifier)
{
	struct notice *notice = notifier->first;
	struct notice **at;

	if (!notice)
		return NULL;
	notifier->first = notice->next;
	if (!notifier->first)
		notifier->last = &notifier->first;
	if (notice->kind == NOTICE_CALL)
		return notice;
	at = &notifier->buckets[notice->hash % NOTIFIER_BUCKETS];
	while (*at != notice)
		at = &(*at)->chained;
	*at = notice->chained;
	return notice;
}

static struct notice *notice_new(enum notice_kind kind, uint64_t node, const char *name)
{
	size_t len = strlen(name);
	struct notice *notice = calloc(1, sizeof(*notice) + len + 1);

	if (!notice)
		return NULL;
	notice->kind = kind;
	notice->node = node;
	memcpy(notice->name, name, len + 1);
	notice->hash = text_hash(name, len) ^ (node * UINT64_C(0x9e3779b97f4a7c15)) ^ kind;
	return notice;
}

static void notifier_tell(struct notifier *notifier, enum notice_kind kind, uint64_t node,
	const char *name)
{
	struct notice *notice = notice_new(kind, node, name);

	LOCKED(&notifier->lock);
	if (notice) {
		notifier_queue(notifier, notice);
		return;
	}
	notifier->expire = true;
	cond_signal(&notifier->waiting);
}

void notifier_inode(struct notifier *notifier, uint64_t node)
{
	notifier_tell(notifier, NOTICE_INODE, node, "");
}

void notifier_entry(struct notifier *notifier, uint64_t directory, const char *name)
{
	if (!notifier->epochs) {
		notifier_tell(notifier, NOTICE_ENTRY, directory, name);
		return;
	}
	notifier_tell(notifier, NOTICE_INODE, directory, "");
	LOCKED(&notifier->lock);
	notifier->expire = true;
	cond_signal(&notifier->waiting);
}

void notifier_call(struct notifier *notifier, void (*fn)(void *arg), void *arg)
{
	struct notice *notice = notice_new(NOTICE_CALL, 0, "");

	if (!notice) {
		/* Early is better than never: somebody waits for this reply. */
		fn(arg);
		return;
	}
	notice->fn = fn;
	notice->arg = arg;
	LOCKED(&notifier->lock);
	notifier_queue(notifier, notice);
}

/* Outlives whichever of the two ends first. */
struct flush {
	struct lock lock;
	struct cond arrived;
	bool over, left;
};

static void flush_free(struct flush *flush)
{
	cond_done(&flush->arrived);
	lock_done(&flush->lock);
	free(flush);
}

static void flush_arrived(void *arg)
{
	struct flush *flush = arg;
	bool left;

	lock_acquire(&flush->lock);
	flush->over = true;
	left = flush->left;
	cond_signal(&flush->arrived);
	lock_release(&flush->lock);
	if (left)
		flush_free(flush);
}

void notifier_flush(struct notifier *notifier)
{
	int64_t deadline_ns = clock_now_ns() + FLUSH_NS;
	struct flush *flush = calloc(1, sizeof(*flush));
	bool over;

	if (!flush)
		return;
	lock_init(&flush->lock, LOCK_LEAF);
	cond_init(&flush->arrived);
	notifier_call(notifier, flush_arrived, flush);
	lock_acquire(&flush->lock);
	while (!flush->over && cond_wait_until(&flush->arrived, &flush->lock, deadline_ns))
		;
	over = flush->over;
	flush->left = !over;
	lock_release(&flush->lock);
	if (over)
		flush_free(flush);
}

static bool notifier_write(struct notifier *notifier, const void *message, size_t size)
{
	if (notifier->herald) {
		herald_send(notifier->herald, message, size);
		return true;
	}
	return write(fuse_session_fd(notifier->session), message, size) >= 0;
}

/* Attributes only, see notifier.h. ENOENT: the kernel holds nothing of it. */
static void notifier_send_inode(struct notifier *notifier, uint64_t node)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_inode_out body;
	} message = {
		.header = {.len = sizeof(message), .error = FUSE_NOTIFY_INVAL_INODE},
		.body = {.ino = node, .off = -1},
	};

	if (!notifier_write(notifier, &message, sizeof(message)) && errno != ENOENT)
		log_debug("cannot invalidate: %s", strerror(errno));
}

/* Expiry, unlike invalidation, leaves what is mounted on the name in place. */
static void notifier_send_name(struct notifier *notifier, uint64_t directory, const char *name)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_entry_out body;
		char name[NAME_MAX + 1];
	} message = {
		.header = {.error = FUSE_NOTIFY_INVAL_ENTRY},
		.body = {.parent = directory, .flags = FUSE_EXPIRE_ONLY},
	};
	size_t len = strlen(name);

	if (len >= sizeof(message.name))
		return;
	memcpy(message.name, name, len + 1);
	message.body.namelen = (uint32_t)len;
	message.header.len = (uint32_t)(offsetof(__typeof__(message), name) + len + 1);
	if (!notifier_write(notifier, &message, message.header.len) && errno != ENOENT)
		log_debug("cannot expire a name: %s", strerror(errno));
}

static bool notifier_send_epoch(struct notifier *notifier)
{
	struct fuse_out_header header = {.len = sizeof(header), .error = NOTIFIER_INC_EPOCH};

	return notifier_write(notifier, &header, sizeof(header));
}

static void notifier_send(struct notifier *notifier, const struct notice *notice)
{
	switch (notice->kind) {
	case NOTICE_INODE:
		notifier_send_inode(notifier, notice->node);
		break;
	case NOTICE_ENTRY:
		/* A name that the kernel does not know leaves the cached listing as it is: drop
		 * that too. */
		notifier_send_inode(notifier, notice->node);
		notifier_send_name(notifier, notice->node, notice->name);
		break;
	case NOTICE_CALL:
		if (notifier->herald)
			herald_sync(notifier->herald);
		notice->fn(notice->arg);
		break;
	}
}

/* Sees to it that what was said has arrived, before a rest. */
static void notifier_sync(struct notifier *notifier)
{
	if (!notifier->herald)
		return;
	lock_release(&notifier->lock);
	herald_sync(notifier->herald);
	lock_acquire(&notifier->lock);
}

static void *notifier_run(void *arg)
{
	struct notifier *notifier = arg;
	bool expire, synced = true;
	struct notice *notice;

	lock_acquire(&notifier->lock);
	for (;;) {
		notice = notifier_take(notifier);
		expire = notifier->expire;
		notifier->expire = false;
		if (!notice && !expire) {
			if (notifier->stopping)
				break;
			if (synced)
				cond_wait(&notifier->waiting, &notifier->lock);
			else
				notifier_sync(notifier);
			synced = true;
			continue;
		}
		synced = false;
		lock_release(&notifier->lock);
		if (expire)
			(void)notifier_send_epoch(notifier);
		if (notice)
			notifier_send(notifier, notice);
		free(notice);
		lock_acquire(&notifier->lock);
	}
	lock_release(&notifier->lock);
	return NULL;
}

static int notifier_start(struct notifier *notifier, struct error *reterr)
{
	int r = 0;

	/* Names may have changed while nobody told the kernel. */
	notifier->epochs = notifier_send_epoch(notifier);
	if (!notifier->epochs)
		r = herald_new(&notifier->herald, fuse_session_fd(notifier->session), reterr);
	return r < 0 ? r
		     : thread_start(&notifier->thread, "notify", notifier_run, notifier, reterr);
}

static void notifier_done(struct notifier *notifier)
{
	herald_free(notifier->herald);
	cond_done(&notifier->waiting);
	lock_done(&notifier->lock);
	free(notifier);
}

int notifier_new(struct notifier **ret, struct fuse_session *session, struct error *reterr)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	int r;

	if (!notifier)
		return error_oom(reterr);
	notifier->session = session;
	notifier->last = &notifier->first;
	lock_init(&notifier->lock, LOCK_NOTIFIER);
	cond_init(&notifier->waiting);
	r = notifier_start(notifier, reterr);
	if (r < 0) {
		notifier_done(notifier);
		return r;
	}
	*ret = notifier;
	return 0;
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	/* A notice may wait for a request that nobody serves any more. */
	if (notifier->herald)
		herald_abandon(notifier->herald);
	lock_acquire(&notifier->lock);
	notifier->stopping = true;
	cond_signal(&notifier->waiting);
	lock_release(&notifier->lock);
	thread_join(notifier->thread);
	notifier_done(notifier);
}
