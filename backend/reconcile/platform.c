/* SPDX-License-Identifier: Apache-2.0 */
/* Status of the platform as a whole, as JSON of the root object. */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "reconcile/context.h"

#define HEALTH_EVERY_NS (5 * NS_PER_SECOND) /* cloud's programs; asking them costs no I/O */

static const char engine_advice[] =
	"is Docker installed and running? apt-get install docker.io, then start dockerd";

static json_t *engine_status(struct reconciler *r)
{
	struct error error;
	char version[64];
	bool up;

	lock_acquire(&r->lock);
	up = r->engine_up;
	error = r->engine_error;
	(void)text_copy(version, sizeof(version), r->engine_version);
	lock_release(&r->lock);
	return json_pack("{s:b, s:s, s:s, s:s}", "up", (int)up, "version", version, "message",
		up ? "" : error.text[0] ? error.text : "the container engine does not answer yet",
		"advice", up ? "" : engine_advice);
}

static json_t *part_status(bool up, const char *message)
{
	return json_pack("{s:b, s:s}", "up", (int)up, "message", message);
}

static json_t *platform_status(struct reconciler *r)
{
	struct cloud_health health = {0};
	const char *note = "";

	if (r->options.simulated)
		note = "simulated: nothing of this is real";
	r->options.cloud->ops->health(r->options.cloud, &health);
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "cloud",
		r->options.cloud_name, "note", note, "platform", r->platform, "engine",
		engine_status(r), "balancer", part_status(health.balancer_up, health.balancer),
		"dns", part_status(health.dns_up, health.dns), "tenants",
		(json_int_t)atomic_load(&r->tenants), "services",
		(json_int_t)atomic_load(&r->services), "instances",
		(json_int_t)atomic_load(&r->instances), "since_ns", (json_int_t)r->since_ns);
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
	int result;

	if (!status)
		return QUEUE_RETRY;
	json_print(status, JSON_COMPACT, &text);
	result = text.error ? text.error : store_get(r->options.store, PLATFORM_ID, &platform);
	if (result == 0 && (!platform.status || strcmp(platform.status, text.data) != 0))
		result = store_update(r->options.store, STORE_RELAXED, NULL, set_status, text.data,
			NULL);
	if (result < 0)
		return QUEUE_RETRY;
	return r->options.simulated ? QUEUE_DONE : clock_now_ns() + HEALTH_EVERY_NS;
}
