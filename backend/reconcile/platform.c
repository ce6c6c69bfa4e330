/* SPDX-License-Identifier: Apache-2.0 */
/* Status of the platform as a whole, as JSON of the root object. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "reconcile/context.h"
#include "store/usage.h"
#include "reconcile/host/fleet.h"
#include "reconcile/estate/tenant_estate.h"
#include "store/rotate.h"

#define HEALTH_EVERY_NS (5 * NS_PER_SECOND) /* cloud's programs; asking them costs no I/O */

static const char engine_advice[] = "is Docker installed (apt-get install docker.io) and running?";

/* A sentence: the version, or what is wrong and what helps. */
static bool engine_words(struct reconciler *r, char *words, size_t size)
{
	const struct host *host = fleet_local(r->fleet);

	LOCKED(&r->lock);
	if (host->up)
		(void)snprintf(words, size, "%s", host->version[0] ? host->version : "up");
	else
		(void)snprintf(words, size, "%s; %s",
			host->error.text[0] ? host->error.text
					    : "the container engine has not answered yet",
			engine_advice);
	return host->up;
}

static json_t *platform_status(struct reconciler *r)
{
	struct cloud_health health = {0};
	char swept[sizeof(r->swept)];
	char engine[sizeof(struct error) + sizeof(engine_advice) + 4];
	bool engine_up = engine_words(r, engine, sizeof(engine));

	r->options.cloud->ops->health(r->options.cloud, &health);
	lock_acquire(&r->lock);
	(void)text_copy(swept, sizeof(swept), r->swept);
	lock_release(&r->lock);
	text_mend(swept);
	return json_pack("{s:s, s:b, s:s, s:b, s:s, s:b, s:s, s:s, s:I, s:I}", "Engine", engine,
		"EngineUp", (int)engine_up, "Balancer", health.balancer, "BalancerUp",
		(int)health.balancer_up, "DNS", health.dns, "DNSUp", (int)health.dns_up, "Sweep",
		swept, "Note", r->options.simulated ? "simulated: nothing of this is real" : "",
		"Services", (json_int_t)atomic_load(&r->services), "Instances",
		(json_int_t)atomic_load(&r->instances));
}

static int set_status(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return txn_set_status(txn, PLATFORM_ID, arg);
}

int64_t platform_reconcile(struct reconciler *r)
{
	_cleanup_object_ struct object platform = OBJECT_INIT;
	_cleanup_json_ json_t *status = platform_status(r);
	_cleanup_buf_ struct buf text = BUF_INIT;
	long long policies = atomic_load(&r->policies_written);
	int result;

	if (!status)
		return QUEUE_RETRY;
	json_print(status, JSON_COMPACT, &text);
	result = text.error ? text.error : store_get(r->options.store, PLATFORM_ID, &platform);
	if (result == 0) {
		tenant_estate_policy(r, &platform);
		atomic_store(&r->policies_taken, policies);
	}
	if (result == 0 && (!platform.status || strcmp(platform.status, text.data) != 0))
		result = store_update(r->options.store, STORE_RELAXED, NULL, set_status, text.data,
			NULL);
	if (result == 0)
		result = store_usage_check_clock(r->options.store, NULL);
	if (result < 0)
		return QUEUE_RETRY;
	return r->options.simulated ? QUEUE_DONE : clock_now_ns() + HEALTH_EVERY_NS;
}

/* ---- keys ---- */

/* A little at a time: others write in between, and a stop is not kept waiting. */
int64_t platform_rotate(struct reconciler *r)
{
	struct error error = ERROR_INIT;
	bool more = false;

	if (store_rotate_step(r->options.store, &more, &error) == 0)
		return more ? clock_now_ns() : QUEUE_DONE;
	log_warning("keys cannot be rotated just now: %s", error.text);
	return QUEUE_RETRY;
}
