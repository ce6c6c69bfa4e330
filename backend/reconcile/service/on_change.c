/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/service/on_change.h"

#include <errno.h>
#include <string.h>

#include "model/service.h"
#include "reconcile/instance/instance_work.h"

struct restart {
	int64_t service;
	const char *severity, *why;
};

static int restart(struct txn *txn, void *arg, struct error *reterr)
{
	const struct restart *restart = arg;
	int r = txn_add_restart(txn, restart->service);

	(void)reterr;
	return r < 0 ? r
		     : txn_event(txn, restart->service, restart->severity,
			       "%s: restarting by domains", restart->why);
}

int on_change_restart(struct reconciler *r, int64_t service, const char *severity, const char *why,
	struct error *reterr)
{
	struct restart wanted = {service, severity, why};

	return store_update(r->options.store, STORE_DURABLE, NULL, restart, &wanted, reterr);
}

static int tell_signal(struct txn *txn, void *arg, struct error *reterr)
{
	const struct object *service = arg;

	(void)reterr;
	return txn_event(txn, service->id, "info", "configuration changed: signalling containers");
}

static int wake_signal(void *arg, const struct object *instance)
{
	struct reconciler *r = arg;

	queue_wake(r->slow, key_of(SLOW_KEY_SIGNAL, instance->id));
	return 0;
}

int on_change(struct reconciler *r, int64_t service, struct error *reterr)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct store *store = r->options.store;
	int result = store_get(store, service, &object);

	if (result < 0 || object.deleting || !object.spec)
		return result == -ENOENT ? 0 : result;
	result = service_spec_parse(object.spec, strlen(object.spec), object.name, &spec, reterr);
	if (result < 0 || spec->on_change == ON_CHANGE_NONE)
		return result;
	if (spec->on_change == ON_CHANGE_RESTART)
		return on_change_restart(r, service, "info", "configuration changed", reterr);
	result = store_list(store, service, KIND_INSTANCE, 0, false, wake_signal, r);
	if (result < 0)
		return result;
	return store_update(store, STORE_RELAXED, NULL, tell_signal, &object, reterr);
}

int64_t on_change_signal(struct reconciler *r, int64_t instance)
{
	struct instance_work work;
	int64_t next_ns = QUEUE_DONE;
	int result = instance_load(&work, r, instance, NULL);

	if (result == 0)
		result = instance_template(&work, NULL);
	/* One that does not run yet, or leaves, reads the new values anyway. */
	if (result == 0 && work.host && work.unit.container[0] && work.unit.alive &&
		work.unit.stop == STOP_NONE && work.template->on_change_signal)
		result = work.host->engine->ops->kill(work.host->engine, work.unit.container,
			work.template->on_change_signal, NULL);
	if (result < 0 && result != -ENOENT)
		next_ns = QUEUE_RETRY;
	instance_work_done(&work);
	return next_ns;
}
