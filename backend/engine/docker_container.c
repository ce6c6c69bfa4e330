/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engine/docker.h"
#include "engine/docker_parse.h"

#define KILL_GRACE_MS 60000
#define REMOVAL_MS    60000

/* "/containers/<id><rest>", with id escaped. */
static void container_path(struct buf *path, const char *id, const char *rest)
{
	buf_puts(path, "/containers/");
	net_escape(path, id);
	buf_puts(path, rest);
}

static int container_call(struct docker *docker, const char *method, const struct buf *path,
	int64_t timeout_ms, int also_fine, struct error *reterr)
{
	struct docker_call call = {
		.method = method,
		.path = buf_string(path),
		.timeout_ms = timeout_ms,
		.also_fine = also_fine,
		.subject = "container",
	};

	if (path->error)
		return error_oom(reterr);
	return docker_call(docker, &call, NULL, reterr);
}

int docker_look(struct docker *docker, const char *id, json_t **ret, struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	container_path(&path, id, "/json");
	return docker_get(docker, &path, "container", ret, reterr);
}

static const char *spec_label(const struct container_spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->label_count; i++) {
		if (strcmp(spec->labels[i].key, key) == 0)
			return spec->labels[i].value;
	}
	return "";
}

/* The name is taken: by what an earlier, interrupted call made, or by somebody else? */
static int container_adopt(struct docker *docker, const struct container_spec *spec,
	char ret_id[ENGINE_ID_MAX], struct error *reterr)
{
	static const char *const keys[] = {LABEL_INSTANCE, LABEL_GENERATION};
	_cleanup_json_ json_t *answer = NULL;
	const json_t *labels;
	int r;

	r = docker_look(docker, spec->name, &answer, reterr);
	if (r < 0)
		return r;
	labels = json_object_get(json_object_get(answer, "Config"), "Labels");
	if (!docker_is_ours(docker, labels))
		return error_set(reterr, -EEXIST,
			"the container name %s is taken by a container of somebody else",
			spec->name);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(json_get_string(labels, keys[i], ""), spec_label(spec, keys[i])) != 0)
			return error_set(reterr, -EEXIST,
				"the container name %s is taken by another instance or generation",
				spec->name);
	}
	(void)text_copy(ret_id, ENGINE_ID_MAX, json_get_string(answer, "Id", ""));
	error_clear(reterr);
	return 0;
}

/* Volumes that a create would make by itself would lack our labels. */
static int container_volumes(struct docker *docker, const struct container_spec *spec,
	struct error *reterr)
{
	const struct label labels[] = {
		{LABEL_PLATFORM, docker->platform},
		{LABEL_TENANT, spec_label(spec, LABEL_TENANT)},
	};
	const char *const *volume = spec->volumes;
	char name[256];
	size_t len;
	int r;

	for (; volume && *volume; volume++) {
		len = strcspn(*volume, ":");
		if ((*volume)[0] == '/')
			continue;
		if (len == 0 || len >= sizeof(name) || (*volume)[len] == '\0')
			return error_set(reterr, -EINVAL, "\"%s\" is not name:/path[:ro]", *volume);
		memcpy(name, *volume, len);
		name[len] = '\0';
		r = docker_volume_ensure(docker, name, labels, 2, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Create's answer of 404 means the image alone: say which. */
static void container_subject(const struct container_spec *spec, char *subject, size_t size)
{
	(void)snprintf(subject, size, "image %s", spec->image ? spec->image : "");
}

int docker_create(struct engine *engine, const struct container_spec *spec,
	char ret_id[ENGINE_ID_MAX], struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	_cleanup_json_ json_t *body = NULL, *answer = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct docker_call call = {.method = "POST", .timeout_ms = DOCKER_START_MS};
	char subject[300];
	int r;

	r = container_volumes(docker, spec, reterr);
	if (r < 0)
		return r;
	body = docker_format_create(spec);
	if (!body)
		return error_set(reterr, -EINVAL,
			"container %s: a value in its spec is missing or not UTF-8", spec->name);
	container_subject(spec, subject, sizeof(subject));
	buf_puts(&path, "/containers/create?name=");
	net_escape(&path, spec->name);
	if (path.error)
		return error_oom(reterr);
	call.path = path.data;
	call.body = body;
	call.subject = subject;
	r = docker_call(docker, &call, &answer, reterr);
	if (call.ret_status == 409)
		return container_adopt(docker, spec, ret_id, reterr);
	if (r < 0)
		return r;
	if (!text_copy(ret_id, ENGINE_ID_MAX, json_get_string(answer, "Id", "")) || !ret_id[0])
		return error_set(reterr, -EPROTO, "the container engine gave no id");
	return 0;
}

int docker_start(struct engine *engine, const char *id, struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	container_path(&path, id, "/start");
	return container_call(docker_of(engine), "POST", &path, DOCKER_START_MS, 304, reterr);
}

/* Gone is what the caller wanted. */
static int container_gone_is_fine(int r, struct error *reterr)
{
	if (r != -ENOENT)
		return r;
	error_clear(reterr);
	return 0;
}

int docker_stop(struct engine *engine, const char *id, int grace_s, struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r;

	container_path(&path, id, "/stop?t=");
	buf_printf(&path, "%d", grace_s);
	r = container_call(docker_of(engine), "POST", &path,
		(int64_t)grace_s * 1000 + KILL_GRACE_MS, 304, reterr);
	return container_gone_is_fine(r, reterr);
}

int docker_kill(struct engine *engine, const char *id, const char *signal, struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r;

	container_path(&path, id, "/kill?signal=");
	net_escape(&path, signal);
	/* 409: it does not run, so there is nothing to tell it. */
	r = container_call(docker_of(engine), "POST", &path, 0, 409, reterr);
	return container_gone_is_fine(r, reterr);
}

/* Somebody's removal is under way: wait until it is done. */
static int container_await_removal(struct docker *docker, const char *id, struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	container_path(&path, id, "/wait?condition=removed");
	return container_call(docker, "POST", &path, REMOVAL_MS, 0, reterr);
}

int docker_remove(struct engine *engine, const char *id, struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r;

	r = docker_look(docker, id, &answer, reterr);
	if (r < 0)
		return container_gone_is_fine(r, reterr);
	if (!docker_is_ours(docker, json_object_get(json_object_get(answer, "Config"), "Labels")))
		return error_set(reterr, -EPERM,
			"container %s is not of this platform and is left alone", id);
	container_path(&path, id, "?v=1&force=1");
	r = container_call(docker, "DELETE", &path, DOCKER_START_MS, 0, reterr);
	if (r == -EINPROGRESS)
		r = container_await_removal(docker, id, reterr);
	return container_gone_is_fine(r, reterr);
}

int docker_inspect(struct engine *engine, const char *id, struct container_state *ret,
	struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	int r;

	r = docker_look(docker_of(engine), id, &answer, reterr);
	if (r == -ENOENT) {
		*ret = (struct container_state){.phase = CONTAINER_ABSENT};
		return container_gone_is_fine(r, reterr);
	}
	if (r == 0)
		docker_parse_inspect(answer, ret);
	return r;
}

int docker_put(struct engine *engine, const char *id, const char *directory, const struct buf *tar,
	struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct docker_call call = {
		.method = "PUT", .timeout_ms = DOCKER_START_MS, .tar = tar, .subject = "container"};

	container_path(&path, id, "/archive?path=");
	net_escape(&path, directory);
	if (path.error || tar->error)
		return error_oom(reterr);
	call.path = path.data;
	return docker_call(docker_of(engine), &call, NULL, reterr);
}

int docker_list(struct engine *engine, engine_list_fn fn, void *arg, struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct docker_call call = {.method = "GET", .timeout_ms = DOCKER_START_MS};
	struct container_state state;
	json_t *element;
	size_t i;
	int r;

	buf_puts(&path, "/containers/json?all=1&filters=");
	docker_filter(&path, docker->platform, NULL);
	if (path.error)
		return error_oom(reterr);
	call.path = path.data;
	r = docker_call(docker, &call, &answer, reterr);
	if (r < 0)
		return r;
	json_array_foreach(answer, i, element)
	{
		if (json_object_get(json_object_get(element, "Labels"), LABEL_AGENT))
			continue;
		docker_parse_listed(element, &state);
		r = fn(arg, &state);
		if (r < 0)
			return r;
	}
	return 0;
}
