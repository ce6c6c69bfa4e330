/* SPDX-License-Identifier: Apache-2.0 */
/* What a resource brings to services: outputs in the store, a password, permissions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "reconcile/estate/joint.h"
#include "reconcile/estate/resource_work.h"

/* ---- outputs ---- */

static int set_output(struct txn *txn, int64_t resource, const char *name, const char *value,
	struct error *reterr)
{
	struct object output = OBJECT_INIT;
	struct buf line = BUF_INIT;
	int r = txn_find(txn, resource, KIND_OUTPUT, name, &output);
	int64_t id = output.id;

	object_done(&output);
	if (r == -ENOENT)
		r = txn_create(txn, resource, KIND_OUTPUT, name, &id, reterr);
	buf_reserve(&line, strlen(value) + 2);
	buf_printf(&line, "%s\n", value);
	if (r == 0)
		r = line.error ? error_oom(reterr)
			       : txn_set_value(txn, id, line.data, line.len, reterr);
	buf_wipe(&line);
	buf_done(&line);
	return r;
}

static int set_outputs(struct txn *txn, void *arg, struct error *reterr)
{
	const struct resource_work *work = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < work->outputs.count; i++)
		r = set_output(txn, work->object.id, work->outputs.all[i].name,
			work->outputs.all[i].value, reterr);
	return r < 0 ? r : txn_intent_add(txn, work->object.id, INTENT_MADE, work->external);
}

int resource_output_read(struct store *store, int64_t resource, const char *name, struct buf *out)
{
	struct object output = OBJECT_INIT;
	int r = store_peek_name(store, resource, KIND_OUTPUT, name, &output);

	if (r == 0 && output.generation == 0)
		r = -ENOENT;
	if (r == 0)
		r = store_value(store, output.id, out, NULL);
	if (r == 0 && out->len > 0)
		buf_truncate(out, out->len - 1);
	return r;
}

static bool is_stored(struct resource_work *work)
{
	for (size_t i = 0; i < work->outputs.count; i++) {
		_cleanup_buf_ struct buf there = BUF_INIT;
		const struct output *output = &work->outputs.all[i];
		bool same = resource_output_read(work->r->options.store, work->object.id,
				    output->name, &there) == 0 &&
			    strcmp(buf_string(&there), output->value) == 0;

		buf_wipe(&there);
		if (!same)
			return false;
	}
	return true;
}

int resource_store_outputs(struct resource_work *work, struct error *reterr)
{
	if (is_stored(work))
		return 0;
	return store_update(work->r->options.store, STORE_DURABLE, NULL, set_outputs, work, reterr);
}

/* One that was given up was missed for long. */
static int64_t missed_ns(const struct resource_work *work)
{
	const struct resource_status *before = &work->before;

	if (before->phase == RESOURCE_FAILED)
		return CLOCK_FOREVER;
	if (before->phase != RESOURCE_MAKING ||
		strncmp(before->message, RESOURCE_MISSED, strlen(RESOURCE_MISSED)) != 0)
		return 0;
	return clock_wall_ns() - before->since_ns;
}

/* What it is called is told once it is there. */
int resource_find_past(struct resource_work *work, struct error *reterr)
{
	_cleanup_buf_ struct buf name = BUF_INIT;
	int r = resource_output_read(work->r->options.store, work->object.id, "name", &name);

	work->wanted.made = r == 0;
	work->wanted.irreplaceable =
		r == 0 &&
		(work->object.protect || resource_type_find(work->spec->type)->holds_data);
	work->wanted.missed_ns = missed_ns(work);
	return r < 0 && r != -ENOENT ? error_set(reterr, r, "its outputs cannot be read") : 0;
}

/* ---- password ---- */

/* Letters and digits, which every engine takes and no program has to escape. 64 of 256 values a
 * character: none is likelier than another. */
static int make_password(char ret[PASSWORD_LENGTH + 1])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
	unsigned char random[PASSWORD_LENGTH];
	int r = text_random(random, sizeof(random));

	for (size_t i = 0; i < sizeof(random); i++)
		ret[i] = letters[random[i] % 64];
	ret[PASSWORD_LENGTH] = '\0';
	explicit_bzero(random, sizeof(random));
	return r;
}

static int store_password(struct txn *txn, void *arg, struct error *reterr)
{
	const struct resource_work *work = arg;

	return set_output(txn, work->object.id, "password", work->password, reterr);
}

int resource_password(struct resource_work *work, struct error *reterr)
{
	struct store *store = work->r->options.store;
	struct buf there = BUF_INIT;
	int r;

	if (!resource_has_password(work->spec))
		return 0;
	r = resource_output_read(store, work->object.id, "password", &there);
	if (r == 0)
		(void)text_copy(work->password, sizeof(work->password), buf_string(&there));
	buf_wipe(&there);
	buf_done(&there);
	if (r != -ENOENT)
		return r < 0 ? error_set(reterr, r, "the stored password cannot be read") : 0;
	r = make_password(work->password);
	if (r < 0)
		return error_set(reterr, r, "no password can be made");
	return store_update(store, STORE_DURABLE, NULL, store_password, work, reterr);
}

/* ---- permissions ---- */

struct grants {
	struct store *store;
	struct permitted *all;
	size_t count, room;
};

static void grants_done(struct grants *grants)
{
	for (size_t i = 0; i < grants->count; i++) {
		free((char *)(uintptr_t)grants->all[i].arn);
		free((char *)(uintptr_t)grants->all[i].type);
	}
	free(grants->all);
}

static int grants_add(struct grants *grants, const char *type, const char *arn)
{
	struct permitted *grown, one;

	if (grants->count == grants->room) {
		size_t room = grants->room ? 2 * grants->room : 8;

		grown = reallocarray(grants->all, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		grants->all = grown;
		grants->room = room;
	}
	one = (struct permitted){strdup(type), strdup(arn)};
	grants->all[grants->count++] = one;
	return one.type && one.arn ? 0 : -ENOMEM;
}

static int collect(void *arg, const struct object *object)
{
	_cleanup_resource_spec_ struct resource_spec *spec = NULL;
	_cleanup_buf_ struct buf arn = BUF_INIT;
	struct grants *grants = arg;
	int r;

	if (!object->spec || resource_spec_parse(object->spec, strlen(object->spec), object->name,
				     &spec, NULL) < 0)
		return 0;
	r = resource_output_read(grants->store, object->id, "arn", &arn);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return grants_add(grants, spec->type, buf_string(&arn));
}

static int grants_load(struct grants *grants, int64_t tenant, struct error *reterr)
{
	int r = store_list(grants->store, tenant, KIND_RESOURCE, 0, true, collect, grants);

	return r < 0 ? error_set(reterr, r, "the tenant's resources cannot be listed") : 0;
}

static int permit(void *arg, struct error *reterr)
{
	const struct resource_work *work = arg;
	struct estate *estate = work->r->options.estate;
	struct grants grants = {.store = work->r->options.store};
	int r = grants_load(&grants, work->tenant.id, reterr);

	if (r == 0)
		r = estate->resources->permit(estate, &work->owner, grants.all, grants.count,
			reterr);
	grants_done(&grants);
	return r;
}

/* Resources that get ready together are written together. */
int resource_permit(struct resource_work *work, struct error *reterr)
{
	return joint_do(work->r->permissions, work->tenant.id, permit, work, reterr);
}
