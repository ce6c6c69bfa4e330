/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/view_mend.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "reconcile/host/fleet.h"
#include "reconcile/service/on_change.h"
#include "reconcile/view/view.h"
#include "reconcile/view/view_files.h"
#include "reconcile/view/view_work.h"

/* When the view was made: its links are made once. */
static int64_t made_ns(const struct reconciler *r, int64_t service)
{
	char path[VIEW_PATH_MAX + 16];
	struct stat st;

	view_path(r, service, path, VIEW_PATH_MAX);
	(void)snprintf(path + strlen(path), 16, "/self.json");
	if (lstat(path, &st) < 0)
		return 0;
	return st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
}

/* True for the first who asks for the service. */
static bool mark(struct reconciler *r, int64_t service)
{
	LOCKED(&r->view_lock);
	if (idmap_get(&r->views_lost, service))
		return false;
	return idmap_put(&r->views_lost, service, r) == 0; /* only a mark */
}

int view_mend(struct instance_work *work, int64_t started_wall_ns, struct error *reterr)
{
	struct reconciler *r = work->r;
	int64_t service = work->service.id;
	int result;

	if (r->options.simulated || work->host->id != HOST_LOCAL_ID || work->service.deleting)
		return 0;
	result = view_ensure(r, service, reterr);
	if (result < 0 || started_wall_ns == 0 || started_wall_ns >= made_ns(r, service))
		return result;
	/* Its turn in a restart that goes on is still to come. */
	if (work->spec.restart < work->service.restart || !mark(r, service))
		return 0;
	return on_change_restart(r, service, "warning",
		"what its containers see at /duplo was lost", reterr);
}
