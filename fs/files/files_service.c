/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "fs/files/common.h"
#include "fs/files/files_service.h"
#include "fs/files/files_status.h"
#include "fs/files/quota.h"
#include "model/service.h"

/* A service whose spec was never written still has a valid text for its views to write into. */
#define NO_SPEC "{}"

static int parse(const struct object *object, struct service_spec **ret)
{
	return service_spec_parse(object->spec, strlen(object->spec), object->name, ret, NULL);
}

static int render_view(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	int r;

	(void)fs;
	if (!ref->object.spec)
		return 0;
	r = parse(&ref->object, &spec);
	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	r = spec_view(&service_type, spec, ref->row->field, &content->text);
	buf_putc(&content->text, '\n');
	return r;
}

/* Another service that has the name already, as far as can be seen before the commit; who asks may
 * know it when it is one of the same tenant. */
static int check_dns(const struct draft *draft, const struct service_spec *spec,
	struct error *reterr)
{
	const struct object *own = &draft->ref->object;
	_cleanup_object_ struct object other = OBJECT_INIT;
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	struct store *store = draft->fs->store;
	int64_t owner;

	if (!spec->dns[0] || store_find_dns(store, spec->dns, &owner) < 0 || owner == own->id)
		return 0;
	if (store_peek(store, owner, &other) == 0 && other.tenant == own->tenant &&
		store_peek(store, own->tenant, &tenant) == 0)
		return error_set(reterr, -EBUSY, "DNS: %s belongs to %s/%s", spec->dns, tenant.name,
			other.name);
	return error_set(reterr, -EBUSY, "DNS: %s belongs to a service of another tenant",
		spec->dns);
}

/* What others have already: the name, and what the group has left. */
static int check_rivals(const struct draft *draft, const struct service_spec *spec,
	struct error *reterr)
{
	_cleanup_service_spec_ struct service_spec *before = NULL;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = check_dns(draft, spec, reterr);

	if (r == 0)
		r = store_get(draft->fs->store, draft->ref->object.id, &object);
	if (r == 0 && object.spec)
		(void)parse(&object, &before);
	return r < 0 ? r : quota_check_service(draft->fs, &object, before, spec, reterr);
}

int service_check_text(const struct draft *draft, struct error *reterr)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	int r = service_spec_parse(draft->data, draft->len, draft->ref->object.name, &spec, reterr);

	return r < 0 ? r : check_rivals(draft, spec, reterr);
}

/* The text of the spec with the field set to what was written. */
static int edit_text(const struct object *object, const struct draft *draft, struct buf *text,
	struct error *reterr)
{
	const char *old = object->spec ? object->spec : NO_SPEC;
	int r = spec_text_set(&service_type, old, strlen(old), draft->ref->row->field, draft->data,
		text, reterr);

	if (r == 0 && text->error)
		r = error_oom(reterr);
	return r;
}

/* A view of nothing that is set to nothing: rm -r and copies of empty services do that. */
static bool is_nothing(const struct object *object, const struct draft *draft)
{
	return !object->spec && draft->len == 0;
}

static int check_view(const struct draft *draft, struct error *reterr)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct object object = OBJECT_INIT;
	int r = store_get(draft->fs->store, draft->ref->object.id, &object);

	if (r < 0 || is_nothing(&object, draft)) {
		object_done(&object);
		return r;
	}
	r = spec_view_check(&service_type, draft->ref->row->field, draft->data, reterr);
	if (r == 0)
		r = edit_text(&object, draft, &text, reterr);
	if (r == 0)
		r = service_spec_parse(buf_string(&text), text.len, object.name, &spec, reterr);
	if (r == 0)
		r = check_rivals(draft, spec, reterr);
	object_done(&object);
	/* The text is ours: what it lacks, no further write of this line will bring. */
	return r == -ENODATA ? -EINVAL : r;
}

static bool view_begins(const struct row *row, const char *text)
{
	return spec_view_begins(&service_type, row->field, text);
}

/* Stores text (ended by a newline): a new generation only when it means something else. */
static int set_text(struct txn *txn, struct fs *fs, const struct object *object,
	const struct buf *text, struct error *reterr)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_service_spec_ struct service_spec *old = NULL;
	int r = service_spec_parse(text->data, text->len, object->name, &spec, reterr);

	if (r < 0)
		return r == -ENODATA ? -EINVAL : r;
	if (object->spec && parse(object, &old) == 0 && service_spec_equal(old, spec))
		return common_keep_text(txn, object, text);
	r = quota_apply_service(txn, fs, object, old, spec, reterr);
	if (r < 0)
		return r;
	return txn_set_spec(txn, object->id, text->data, text->len,
		!old || !service_spec_same_template(old, spec), spec->dns, reterr);
}

int service_apply_text(struct txn *txn, struct fs *fs, int64_t id, const char *data, size_t len,
	struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct object object = OBJECT_INIT;
	int r = txn_get(txn, id, &object);

	if (r < 0)
		return r;
	buf_add(&text, data, len);
	if (len == 0 || data[len - 1] != '\n')
		buf_putc(&text, '\n');
	r = text.error ? error_oom(reterr) : set_text(txn, fs, &object, &text, reterr);
	object_done(&object);
	return r;
}

static int apply_spec(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	return service_apply_text(txn, draft->fs, draft->ref->object.id, draft->data, draft->len,
		reterr);
}

/* What was written is what the spec says, or means by saying nothing: its text stays as it is. */
static bool is_said(const struct object *object, const struct draft *draft)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_buf_ struct buf shown = BUF_INIT;

	return object->spec && parse(object, &spec) == 0 &&
	       spec_view(&service_type, spec, draft->ref->row->field, &shown) == 0 &&
	       strcmp(buf_string(&shown), draft->data) == 0;
}

static int apply_view(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct object object = OBJECT_INIT;
	int r = txn_get(txn, draft->ref->object.id, &object);

	if (r < 0 || is_nothing(&object, draft) || is_said(&object, draft)) {
		object_done(&object);
		return r;
	}
	r = edit_text(&object, draft, &text, reterr);
	if (r == 0 && (text.len == 0 || text.data[text.len - 1] != '\n'))
		buf_putc(&text, '\n');
	if (r == 0)
		r = text.error ? error_oom(reterr)
			       : set_text(txn, draft->fs, &object, &text, reterr);
	object_done(&object);
	return r;
}

#define SERVICE .kind = KIND_SERVICE
#define BASE    "{tenant}/services/{service}"
#define VIEW                                                                                       \
	.mode = 0640, .depends = CHANGE_SPEC, .limit = LINE_SIZE_MAX, .render = render_view,       \
	.check = check_view, .begins = view_begins, .apply = apply_view

const struct row rows_service[] = {
	{.number = ROW_SERVICE,
		.path = BASE,
		SERVICE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_OBJECT | ROW_SCRATCHY,
		.help = "A service."},
	{.number = ROW_SERVICE_SPEC,
		.path = BASE "/spec.json",
		SERVICE,
		COMMON_SPEC,
		.check = service_check_text,
		.apply = apply_spec,
		.help = "What is wanted; the only truth. Fields: .platform/schema/service.json."},
	{.number = 60,
		.path = BASE "/replicas",
		SERVICE,
		VIEW,
		.flags = ROW_TEXTS | ROW_LINE,
		.field = "Replicas",
		.help = "Wanted number of containers, 0 to 1000."},
	{.number = 61,
		.path = BASE "/image",
		SERVICE,
		VIEW,
		.flags = ROW_TEXTS | ROW_LINE,
		.field = "DockerImage",
		.help = "Image reference, tag or digest."},
	{.number = 62,
		.path = BASE "/dns",
		SERVICE,
		VIEW,
		.flags = ROW_TEXTS | ROW_LINE | ROW_UNLINK_CLEARS,
		.field = "DNS",
		.help = "Name that points to the load balancer."},
	{.number = 63, .path = BASE "/status", SERVICE, COMMON_STATUS, .render = status_render},
	{.number = 64, .path = BASE "/status.json", SERVICE, COMMON_STATUS_JSON},
	{.number = 65, .path = BASE "/events", SERVICE, COMMON_EVENTS_OF_OBJECT},
	{.number = 66, .path = BASE "/last_error", SERVICE, COMMON_LAST_ERROR},
	{.number = 67, .path = BASE "/wait", SERVICE, COMMON_WAIT},
	{.number = 68, .path = BASE "/protect", SERVICE, COMMON_PROTECT},
	{.number = 69,
		.path = BASE "/url",
		SERVICE,
		.mode = 0440,
		.flags = ROW_TEXTS,
		.depends = CHANGE_STATUS,
		.render = status_render_url,
		.help = "How to reach it from outside, one a line."},
	{.number = ROW_SERVICE_ROLLOUT,
		.path = BASE "/rollout",
		SERVICE,
		.mode = 0640,
		.flags = ROW_TEXTS | ROW_DOCUMENT | ROW_POLLED,
		.depends = CHANGE_STATUS | CHANGE_SPEC,
		.limit = LINE_SIZE_MAX,
		.render = status_render_rollout,
		.check = rollout_check,
		.apply = rollout_apply,
		.help = "Update domains; takes `pause`, `resume`, `rollback`, `restart`."},
	{0},
};
