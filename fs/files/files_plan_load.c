/* SPDX-License-Identifier: Apache-2.0 */
/* The instances of a service as the planner of another spec sees them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/files/files_plan.h"
#include "model/instance.h"

struct loading {
	struct plan_view *view;
	/* Neighbours mostly share a template: one answer is remembered. */
	int64_t asked;
	bool same;
};

/* Whether containers of an earlier template are what next wants. */
static bool is_same_template(const struct plan_view *view, int64_t template_generation)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	const struct object *service = &view->ref->object;
	struct history_entry entry;

	if (store_history(view->fs->store, service->id, template_generation, &entry, &text) < 0 ||
		service_spec_parse(buf_string(&text), text.len, service->name, &spec, NULL) < 0)
		return false;
	return service_spec_same_template(spec, view->next);
}

static int add_replica(void *arg, const struct object *object)
{
	struct loading *loading = arg;
	struct plan_view *view = loading->view;
	struct instance_status status = {0};
	struct instance_spec spec = {0};

	if (!object->spec || instance_spec_parse(object->spec, &spec) < 0)
		return 0;
	if (object->status)
		(void)instance_status_parse(object->status, &status);
	if (view->count == view->room) {
		size_t room = view->room ? 2 * view->room : 16;
		struct replica *grown = reallocarray(view->replicas, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		view->replicas = grown;
		view->room = room;
	}
	if (loading->asked != spec.template_generation) {
		loading->asked = spec.template_generation;
		loading->same = is_same_template(view, spec.template_generation);
	}
	view->replicas[view->count++] = (struct replica){
		.ordinal = spec.ordinal,
		.run = spec.run,
		.join = spec.join,
		.current = loading->same && spec.restart == view->ref->object.restart,
		.ready = spec.run && status.phase == INSTANCE_HEALTHY &&
			 status.template_generation == spec.template_generation &&
			 status.restart == spec.restart,
		.empty = status.phase == INSTANCE_STOPPED,
	};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct replica *left = a, *right = b;

	return (left->ordinal > right->ordinal) - (left->ordinal < right->ordinal);
}

int plan_load(struct plan_view *view)
{
	struct loading loading = {.view = view};
	int r = store_list(view->fs->store, view->ref->object.id, KIND_INSTANCE, 0, true,
		add_replica, &loading);

	if (r >= 0 && view->count > 1)
		qsort(view->replicas, view->count, sizeof(*view->replicas), compare);
	return r < 0 ? r : 0;
}
