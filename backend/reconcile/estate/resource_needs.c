/* SPDX-License-Identifier: Apache-2.0 */
/* What a resource uses of its tenant: other resources, and values of its config. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/strings.h"
#include "reconcile/estate/resource_work.h"

void resource_needs_done(struct resource_needs *needs)
{
	strings_free(needs->environment);
}

/* ---- other resources ---- */

static bool is_type(const struct object *object, const char *type)
{
	_cleanup_resource_spec_ struct resource_spec *spec = NULL;

	return object->spec &&
	       resource_spec_parse(object->spec, strlen(object->spec), object->name, &spec, NULL) ==
		       0 &&
	       strcmp(spec->type, type) == 0;
}

/* An output of another resource, which field names. -ENOENT: there is no such resource. */
static int find_output(struct resource_work *work, const char *field, const char *name,
	const char *type, const char *output, char *ret, size_t size, struct error *reterr)
{
	struct store *store = work->r->options.store;
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf value = BUF_INIT;
	int r = store_find(store, work->tenant.id, KIND_RESOURCE, name, &object);

	if (r < 0)
		return error_set(reterr, r, "%s: there is no resource \"%s\"", field, name);
	if (object.spec && !is_type(&object, type))
		return error_set(reterr, -EINVAL, "%s: \"%s\" is no resource of type %s", field,
			name, type);
	r = resource_output_read(store, object.id, output, &value);
	if (r == -ENOENT)
		return error_set(reterr, -EAGAIN, "%s: resource \"%s\" is not ready yet", field,
			name);
	if (r < 0)
		return error_set(reterr, r, "%s: what resource \"%s\" brought cannot be read",
			field, name);
	(void)text_copy(ret, size, buf_string(&value));
	return 0;
}

/* It may be a bucket that is no resource: that is the cloud's to say. */
static int find_bucket(struct resource_work *work, struct error *reterr)
{
	struct resource_needs *needs = &work->needs;
	int r;

	if (!work->spec->code_bucket)
		return 0;
	r = find_output(work, "CodeBucket", work->spec->code_bucket, "s3", "name",
		needs->code_bucket, sizeof(needs->code_bucket), reterr);
	if (r == -ENOENT)
		error_clear(reterr);
	return r == -ENOENT ? 0 : r;
}

static int find_queue(struct resource_work *work, struct error *reterr)
{
	struct resource_needs *needs = &work->needs;
	int r;

	if (!work->spec->queue)
		return 0;
	r = find_output(work, "Queue", work->spec->queue, "sqs", "arn", needs->queue_arn,
		sizeof(needs->queue_arn), reterr);
	if (r == -ENOENT && reterr)
		reterr->code = -EINVAL;
	return r == -ENOENT ? -EINVAL : r;
}

/* ---- environment ---- */

static size_t count_texts(char *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

/* A value that a shell wrote ends a line, a variable does not. */
static int read_config(struct resource_work *work, const char *key, char **ret,
	struct error *reterr)
{
	struct store *store = work->r->options.store;
	_cleanup_object_ struct object config = OBJECT_INIT;
	_cleanup_buf_ struct buf value = BUF_INIT;
	int r = store_peek_name(store, work->tenant.id, KIND_CONFIG, key, &config);

	if (r == 0)
		r = store_value(store, config.id, &value, reterr);
	if (r == -ENOENT)
		return error_set(reterr, -EINVAL, "Config: the tenant has no config/%s", key);
	if (r < 0)
		return r;
	if (value.len > 0 && value.data[value.len - 1] == '\n')
		buf_truncate(&value, value.len - 1);
	if (strlen(buf_string(&value)) != value.len || !text_is_utf8(value.data, value.len))
		return error_set(reterr, -EINVAL,
			"Config: config/%s is no text, as a variable must be", key);
	*ret = text_format("%s=%s", key, buf_string(&value));
	return *ret ? 0 : error_oom(reterr);
}

static int make_environment(struct resource_work *work, struct error *reterr)
{
	const struct resource_spec *spec = work->spec;
	size_t own = count_texts(spec->environment), further = count_texts(spec->config);
	char **list = calloc(own + further + 1, sizeof(*list));
	int r = 0;

	if (!list)
		return error_oom(reterr);
	work->needs.environment = list;
	for (size_t i = 0; i < own; i++) {
		list[i] = strdup(spec->environment[i]);
		if (!list[i])
			return error_oom(reterr);
	}
	for (size_t i = 0; r == 0 && i < further; i++)
		r = read_config(work, spec->config[i], &list[own + i], reterr);
	return r;
}

int resource_find_needs(struct resource_work *work, struct error *reterr)
{
	int r = find_bucket(work, reterr);

	if (r == 0)
		r = find_queue(work, reterr);
	if (r == 0)
		r = make_environment(work, reterr);
	work->wanted.environment = work->needs.environment;
	return r;
}

/* ---- who has them ---- */

static int wake_one(void *arg, const struct object *object)
{
	_cleanup_resource_spec_ struct resource_spec *spec = NULL;
	struct reconciler *r = arg;

	if (object->spec &&
		resource_spec_parse(object->spec, strlen(object->spec), object->name, &spec,
			NULL) == 0 &&
		spec->config)
		wake_resource(r, object->id);
	return 0;
}

int64_t resource_wake_configured(struct reconciler *r, int64_t tenant)
{
	int result = store_list(r->options.store, tenant, KIND_RESOURCE, 0, true, wake_one, r);

	return result < 0 ? QUEUE_RETRY : QUEUE_DONE;
}
