/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/mirror.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "reconcile/host/fleet.h"
#include "reconcile/view/mirror_agent.h"
#include "reconcile/view/mirror_tree.h"
#include "reconcile/view/view.h"
#include "reconcile/view/view_files.h"
#include "reconcile/view/view_work.h"

#define WORKERS 4 /* hosts at once */

/* One view on one host. */
struct copy {
	int64_t service;
	int64_t wanted, sent; /* changes of the view: that there were, and that it has */
	int64_t failures; /* of bringing it; a waiter counts */
	struct error error; /* of the last one */
	bool known; /* tree is what is there (the worker's, as the tree) */
	struct mirror_tree tree;
};

/* What is on one host. */
struct mirror {
	int64_t host;
	int64_t epoch; /* of the host when its agent was last greeted (the worker's) */
	struct idmap copies; /* by service */
};

struct mirrors {
	struct reconciler *r;
	struct queue *queue; /* keys: hosts */
	struct lock lock; /* guards the tables and what is not the workers' */
	struct cond done; /* a copy was brought, or was not */
	struct idmap hosts;
};

bool mirror_is_for(const struct host *host)
{
	return !host->r->options.simulated && !host->shares_files &&
	       strncmp(host->url, "tls://", 6) == 0;
}

bool mirror_directory(const struct host *host, char *path, size_t size)
{
	if (host->r->options.simulated)
		return false;
	if (host->shares_files)
		(void)snprintf(path, size, "%s", host->r->options.view_dir);
	else
		mirror_agent_directory(host->r, path, size);
	return host->shares_files || mirror_is_for(host);
}

/* ---- tables; all under the lock ---- */

static void copy_free(struct copy *copy)
{
	if (copy)
		mirror_tree_done(&copy->tree);
	free(copy);
}

static void mirror_free(struct mirror *mirror)
{
	size_t position = 0;
	struct copy *copy;

	if (!mirror)
		return;
	while ((copy = idmap_next(&mirror->copies, &position)))
		copy_free(copy);
	idmap_done(&mirror->copies);
	free(mirror);
}

static struct mirror *mirror_of(struct mirrors *mirrors, int64_t host)
{
	struct mirror *mirror = idmap_get(&mirrors->hosts, host);

	if (mirror)
		return mirror;
	mirror = calloc(1, sizeof(*mirror));
	if (mirror && idmap_put(&mirrors->hosts, host, mirror) < 0) {
		free(mirror);
		return NULL;
	}
	if (mirror)
		mirror->host = host;
	return mirror;
}

static struct copy *copy_find(struct mirrors *mirrors, int64_t host, int64_t service)
{
	struct mirror *mirror = idmap_get(&mirrors->hosts, host);

	return mirror ? idmap_get(&mirror->copies, service) : NULL;
}

static struct copy *copy_of(struct mirrors *mirrors, int64_t host, int64_t service)
{
	struct mirror *mirror = mirror_of(mirrors, host);
	struct copy *copy = copy_find(mirrors, host, service);

	if (copy || !mirror)
		return copy;
	copy = calloc(1, sizeof(*copy));
	if (copy && idmap_put(&mirror->copies, service, copy) < 0) {
		free(copy);
		return NULL;
	}
	if (copy) {
		copy->service = service;
		copy->wanted = 1;
	}
	return copy;
}

/* ---- bringing; on the queue's threads, one at a time for a host ---- */

struct shipment {
	struct host *host;
	char service[24];
};

static int ship(void *arg, const struct buf *tar, struct error *reterr)
{
	const struct shipment *shipment = arg;
	const char *const apply[] = {"apply", shipment->service, NULL};
	int r = mirror_agent_put(shipment->host, tar, reterr);

	return r < 0 ? r : mirror_agent_run(shipment->host, apply, reterr);
}

static int bring(struct host *host, struct copy *copy, struct error *reterr)
{
	_cleanup_mirror_tree_ struct mirror_tree wanted = {NULL, 0, 0};
	struct shipment shipment = {.host = host};
	struct mirror_tree before;
	char path[VIEW_PATH_MAX];
	int r;

	view_path(host->r, copy->service, path, sizeof(path));
	(void)snprintf(shipment.service, sizeof(shipment.service), "%" PRId64, copy->service);
	r = view_ensure(host->r, copy->service, reterr);
	if (r == 0)
		r = mirror_tree_scan(&wanted, path, reterr);
	if (r == 0)
		r = mirror_tree_bring(copy->known ? &copy->tree : NULL, &wanted, path,
			copy->service, ship, &shipment, reterr);
	before = copy->tree;
	copy->tree = r == 0 ? wanted : (struct mirror_tree){NULL, 0, 0};
	wanted = r == 0 ? before : wanted;
	copy->known = r == 0;
	if (r < 0)
		mirror_tree_done(&before);
	return r;
}

static int drop(struct host *host, const struct copy *copy, struct error *reterr)
{
	char service[24];
	const char *const arguments[] = {"drop", service, NULL};

	(void)snprintf(service, sizeof(service), "%" PRId64, copy->service);
	return mirror_agent_run(host, arguments, reterr);
}

/* The next that has to be brought; its number of changes in *ret_wanted. */
static struct copy *next_copy(struct mirrors *mirrors, struct mirror *mirror, int64_t *ret_wanted)
{
	size_t position = 0;
	struct copy *copy;

	LOCKED(&mirrors->lock);
	while ((copy = idmap_next(&mirror->copies, &position))) {
		if (copy->sent >= copy->wanted)
			continue;
		*ret_wanted = copy->wanted;
		return copy;
	}
	return NULL;
}

/* Who waits for it is told; under the lock. */
static void copy_fail(struct copy *copy, const struct error *error)
{
	copy->failures++;
	copy->error = *error;
}

static void settle_copy(struct mirrors *mirrors, struct copy *copy, int64_t wanted, int result,
	const struct error *error)
{
	LOCKED(&mirrors->lock);
	if (result == 0) {
		copy->sent = wanted;
	} else if (result != -EAGAIN) {
		copy_fail(copy, error);
	}
	cond_broadcast(&mirrors->done);
}

static void settle_dropped(struct mirrors *mirrors, struct mirror *mirror, struct copy *copy)
{
	lock_acquire(&mirrors->lock);
	(void)idmap_remove(&mirror->copies, copy->service);
	lock_release(&mirrors->lock);
	copy_free(copy);
}

/* An instance of the service has a place there. What cannot be known counts as yes. */
static bool is_needed(const struct reconciler *r, int64_t host, int64_t service)
{
	_cleanup_free_ int64_t *instances = NULL;
	struct object object = OBJECT_INIT;
	size_t count = 0;

	if (fleet_instances(r->fleet, host, &instances, &count) < 0)
		return true;
	for (size_t i = 0; i < count; i++)
		if (store_peek(r->options.store, instances[i], &object) == 0 &&
			object.parent == service)
			return true;
	return false;
}

static int update_copy(struct mirrors *mirrors, struct mirror *mirror, struct host *host,
	struct copy *copy, int64_t wanted)
{
	struct error error = ERROR_INIT;
	int r;

	if (!is_needed(mirrors->r, host->id, copy->service)) {
		r = drop(host, copy, &error);
		if (r == 0) {
			settle_dropped(mirrors, mirror, copy);
			return 0;
		}
	} else {
		r = bring(host, copy, &error);
	}
	settle_copy(mirrors, copy, wanted, r, &error);
	if (r < 0)
		log_debug("view of service %" PRId64 " on host %s: %s", copy->service, host->name,
			error.text);
	return r;
}

/* ---- greeting a host: its agent, and what may lie there ---- */

/* A copy for each service that has an instance there, whether that has a container or not. */
static int add_copies(struct mirrors *mirrors, int64_t host)
{
	struct object object = OBJECT_INIT;
	_cleanup_free_ int64_t *instances = NULL;
	size_t count = 0;
	int r = fleet_instances(mirrors->r->fleet, host, &instances, &count);

	for (size_t i = 0; i < count && r == 0; i++) {
		if (store_peek(mirrors->r->options.store, instances[i], &object) < 0)
			continue;
		lock_acquire(&mirrors->lock);
		r = copy_of(mirrors, host, object.parent) ? 0 : -ENOMEM;
		lock_release(&mirrors->lock);
	}
	return r;
}

/* "keep" and the services that have copies, which nothing is known of from here on; the strings lie
 * behind the pointers. NULL: no memory. */
static const char **forget_copies(struct mirrors *mirrors, struct mirror *mirror)
{
	const size_t each = sizeof(char *) + 24;
	size_t position = 0, n = 1;
	const char **arguments;
	struct copy *copy;
	char *text;

	LOCKED(&mirrors->lock);
	arguments = calloc(mirror->copies.count + 2, each);
	if (!arguments)
		return NULL;
	text = (char *)(arguments + mirror->copies.count + 2);
	arguments[0] = "keep";
	while ((copy = idmap_next(&mirror->copies, &position))) {
		copy->known = false;
		copy->wanted++;
		(void)snprintf(text, 24, "%" PRId64, copy->service);
		arguments[n++] = text;
		text += 24;
	}
	return arguments;
}

static int greet(struct mirrors *mirrors, struct mirror *mirror, struct host *host,
	struct error *reterr)
{
	_cleanup_free_ const char **arguments = NULL;
	int64_t epoch = host->epoch;
	int r = mirror_agent_ensure(host, reterr);

	if (r < 0)
		return r;
	if (add_copies(mirrors, host->id) == 0)
		arguments = forget_copies(mirrors, mirror);
	if (!arguments)
		return error_oom(reterr);
	r = mirror_agent_run(host, arguments, reterr);
	if (r == 0)
		mirror->epoch = epoch;
	return r;
}

/* Who waits for what cannot be brought is told. */
static void fail_all(struct mirrors *mirrors, struct mirror *mirror, const struct error *error)
{
	size_t position = 0;
	struct copy *copy;

	LOCKED(&mirrors->lock);
	while ((copy = idmap_next(&mirror->copies, &position))) {
		if (copy->sent < copy->wanted)
			copy_fail(copy, error);
	}
	cond_broadcast(&mirrors->done);
}

/* What it had is gone, and soon it is. */
static bool is_leaving(struct host *host)
{
	struct host_facts facts;
	struct tally tally;

	host_facts(host, &facts);
	fleet_tally(host->r->fleet, host->id, &tally);
	return facts.removed && tally.instances == 0;
}

static int64_t mirror_work(void *arg, int64_t key)
{
	struct mirrors *mirrors = arg;
	_cleanup_host_ struct host *host = key > 0 ? fleet_take(mirrors->r->fleet, key) : NULL;
	struct error error = ERROR_INIT;
	struct mirror *mirror;
	struct copy *copy;
	int64_t wanted;
	int r = 0;

	lock_acquire(&mirrors->lock);
	mirror = key > 0 ? mirror_of(mirrors, key) : NULL;
	if (mirror && !host) /* removed */
		mirror_free(idmap_remove(&mirrors->hosts, key));
	cond_broadcast(&mirrors->done);
	lock_release(&mirrors->lock);
	if (!mirror || !host || !host->engine || !mirror_is_for(host))
		return QUEUE_DONE;
	if (is_leaving(host))
		return mirror_agent_leave(host, &error) < 0 ? QUEUE_RETRY : QUEUE_DONE;
	if (!host->up)
		r = error_set(&error, -ENOTCONN, "host %s does not answer", host->name);
	else if (mirror->epoch != host->epoch)
		r = greet(mirrors, mirror, host, &error);
	if (r < 0) {
		fail_all(mirrors, mirror, &error);
		return host->up ? QUEUE_RETRY : QUEUE_DONE; /* it is told when it comes up */
	}
	while (r == 0 && (copy = next_copy(mirrors, mirror, &wanted)))
		r = update_copy(mirrors, mirror, host, copy, wanted);
	if (r < 0 && r != -EAGAIN)
		mirror->epoch = 0; /* the agent may have gone */
	return r < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

/* ---- what others call ---- */

int mirrors_new(struct mirrors **ret, struct reconciler *r, struct error *reterr)
{
	struct mirrors *mirrors = calloc(1, sizeof(*mirrors));
	int result;

	if (!mirrors)
		return error_oom(reterr);
	mirrors->r = r;
	lock_init(&mirrors->lock, LOCK_RECONCILE);
	cond_init(&mirrors->done);
	result = queue_new(&mirrors->queue, "mirror", WORKERS, mirror_work, mirrors, reterr);
	if (result < 0) {
		mirrors_free(mirrors);
		return result;
	}
	*ret = mirrors;
	return 0;
}

void mirrors_stop(struct mirrors *mirrors)
{
	if (mirrors && mirrors->queue)
		queue_stop(mirrors->queue);
}

void mirrors_free(struct mirrors *mirrors)
{
	size_t position = 0;
	struct mirror *mirror;

	if (!mirrors)
		return;
	queue_free(mirrors->queue);
	while ((mirror = idmap_next(&mirrors->hosts, &position)))
		mirror_free(mirror);
	idmap_done(&mirrors->hosts);
	cond_done(&mirrors->done);
	lock_done(&mirrors->lock);
	free(mirrors);
}

int mirror_ensure(struct host *host, int64_t service, struct error *reterr)
{
	struct mirrors *mirrors = host->r->mirrors;
	int64_t wanted, failures;
	struct copy *copy;

	if (!mirror_is_for(host))
		return 0;
	LOCKED(&mirrors->lock);
	copy = copy_of(mirrors, host->id, service);
	if (!copy)
		return error_oom(reterr);
	wanted = copy->wanted;
	failures = copy->failures;
	if (copy->sent < wanted)
		queue_wake(mirrors->queue, host->id);
	while (copy && copy->sent < wanted && copy->failures == failures) {
		cond_wait(&mirrors->done, &mirrors->lock);
		/* It goes with its service, or with the host. */
		copy = copy_find(mirrors, host->id, service);
	}
	if (!copy)
		return error_set(reterr, -ESTALE, "the service or its host is gone");
	if (copy->sent >= wanted)
		return 0;
	*reterr = copy->error;
	return copy->error.code;
}

void mirror_wake(struct reconciler *r, int64_t service)
{
	struct mirrors *mirrors = r->mirrors;
	size_t position = 0;
	struct mirror *mirror;
	struct copy *copy;

	LOCKED(&mirrors->lock);
	while ((mirror = idmap_next(&mirrors->hosts, &position))) {
		copy = idmap_get(&mirror->copies, service);
		if (!copy)
			continue;
		copy->wanted++;
		queue_wake(mirrors->queue, mirror->host);
	}
}

void mirror_came(struct host *host)
{
	struct mirrors *mirrors = host->r->mirrors;
	size_t position = 0;
	struct mirror *mirror;
	struct copy *copy;

	if (!mirror_is_for(host))
		return;
	LOCKED(&mirrors->lock);
	mirror = idmap_get(&mirrors->hosts, host->id);
	while (mirror && (copy = idmap_next(&mirror->copies, &position)))
		copy->wanted++;
	queue_wake(mirrors->queue, host->id);
}

int mirror_leave(struct host *host)
{
	queue_wake(host->r->mirrors->queue, host->id);
	return -EAGAIN;
}

void mirror_forget(struct reconciler *r, int64_t host)
{
	queue_wake(r->mirrors->queue, host);
}
