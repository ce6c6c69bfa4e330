/* SPDX-License-Identifier: Apache-2.0 */
/* The tenants' networks, and the named volumes beside them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "engine/docker.h"
#include "engine/docker_subnet.h"

#define ROUTES_MAX ((size_t)4 << 20)

/* What the engine lists under kind ("/networks", "/volumes"); borrowed: the array
 * in *ret_answer. */
static int things_list(struct docker *docker, const char *kind, const char *name,
	json_t **ret_answer, const json_t **ret_things, struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	json_t *answer = NULL;
	int r;

	buf_puts(&path, kind);
	buf_puts(&path, "?filters=");
	docker_filter(&path, docker->platform, name);
	r = docker_get(docker, &path, NULL, &answer, reterr);
	if (r < 0)
		return r;
	*ret_answer = answer;
	*ret_things = json_is_array(answer) ? answer : json_object_get(answer, "Volumes");
	return 0;
}

static int things_each(struct engine *engine, const char *kind, engine_name_fn fn, void *arg,
	struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	const json_t *things;
	json_t *thing;
	const char *name;
	size_t i;
	int r;

	r = things_list(docker_of(engine), kind, NULL, &answer, &things, reterr);
	if (r < 0)
		return r;
	json_array_foreach((json_t *)things, i, thing)
	{
		name = json_get_string(thing, "Name", NULL);
		r = name ? fn(arg, name) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* One thing by its exact name; -ENOENT. */
static int thing_look(struct docker *docker, const char *kind, const char *name, json_t **ret,
	struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	buf_printf(&path, "%s/", kind);
	net_escape(&path, name);
	return docker_get(docker, &path, NULL, ret, reterr);
}

static int thing_is_ours(struct docker *docker, const char *kind, const char *name,
	struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	int r;

	r = thing_look(docker, kind, name, &answer, reterr);
	if (r < 0)
		return r;
	if (docker_is_ours(docker, json_object_get(answer, "Labels")))
		return 0;
	return error_set(reterr, -EPERM, "%s %s is not of this platform and is left alone",
		strcmp(kind, "/networks") == 0 ? "network" : "volume", name);
}

static int thing_remove(struct engine *engine, const char *kind, const char *name,
	struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct docker_call call = {.method = "DELETE", .subject = name};
	int r;

	r = thing_is_ours(docker, kind, name, reterr);
	if (r == 0) {
		buf_printf(&path, "%s/", kind);
		net_escape(&path, name);
		if (path.error)
			return error_oom(reterr);
		call.path = path.data;
		r = docker_call(docker, &call, NULL, reterr);
		/* The engine calls a network that still has members "forbidden". */
		if (call.ret_status == 403 && r < 0)
			r = error_set(reterr, -EBUSY, "network %s still has containers in it",
				name);
	}
	if (r != -ENOENT)
		return r;
	error_clear(reterr);
	return 0;
}

/* Asks a list and not for the network itself: that would bring all its members along. */
static int network_exists(struct docker *docker, const char *name, bool *ret, struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	const json_t *networks;
	json_t *network;
	size_t i;
	int r;

	r = things_list(docker, "/networks", name, &answer, &networks, reterr);
	if (r < 0)
		return r;
	*ret = false;
	json_array_foreach((json_t *)networks, i, network)
	{
		if (strcmp(json_get_string(network, "Name", ""), name) == 0)
			*ret = true;
	}
	return 0;
}

/* subnet: NULL lets the engine choose. */
static int network_create(struct docker *docker, const char *name, const struct label *labels,
	size_t label_count, const char *subnet, struct error *reterr)
{
	struct docker_call call = {.method = "POST", .path = "/networks/create"};
	_cleanup_json_ json_t *body = NULL;
	char subject[200];
	int r;

	body = json_pack("{s:s, s:s, s:b, s:o}", "Name", name, "Driver", "bridge", "CheckDuplicate",
		1, "Labels", docker_labels(labels, label_count));
	if (!body)
		return error_set(reterr, -EINVAL, "network %s: a label is not UTF-8", name);
	if (subnet)
		(void)json_object_set_new(body, "IPAM",
			json_pack("{s:[{s:s}]}", "Config", "Subnet", subnet));
	(void)snprintf(subject, sizeof(subject), "network %s", name);
	call.body = body;
	call.subject = subject;
	call.timeout_ms = DOCKER_START_MS;
	r = docker_call(docker, &call, NULL, reterr);
	if (call.ret_status != 409)
		return r;
	r = thing_is_ours(docker, "/networks", name, reterr);
	if (r == 0)
		error_clear(reterr);
	return r == -EPERM
		       ? error_set(reterr, -EEXIST,
				 "the network name %s is taken by a network of somebody else", name)
		       : r;
}

/* With an address range of our choosing, that neither the engine nor the host uses. */
static int network_create_apart(struct docker *docker, const char *name, const struct label *labels,
	size_t label_count, struct error *reterr)
{
	_cleanup_buf_ struct buf routes = BUF_INIT;
	char subnet[32];
	int r = -EADDRNOTAVAIL;

	/* The routes of a remote host are not to be seen; there the engine's word is enough. */
	if (docker->socket_path)
		(void)file_read("/proc/net/route", ROUTES_MAX, &routes, NULL);
	for (unsigned try = 0; r == -EADDRNOTAVAIL && try < DOCKER_SUBNETS; try++) {
		docker_subnet_of(name, try, subnet, sizeof(subnet));
		if (docker_subnet_is_free(subnet, buf_string(&routes)))
			r = network_create(docker, name, labels, label_count, subnet, reterr);
	}
	if (r == 0)
		error_clear(reterr);
	return r;
}

/* The engine lets two simultaneous calls make two networks of one name: so one at a time. */
static void network_begin(struct docker *docker)
{
	LOCKED(&docker->lock);
	while (docker->network_busy)
		cond_wait(&docker->network_cond, &docker->lock);
	docker->network_busy = true;
}

static void network_end(struct docker *docker)
{
	LOCKED(&docker->lock);
	docker->network_busy = false;
	cond_signal(&docker->network_cond);
}

int docker_network_ensure(struct engine *engine, const char *name, const struct label *labels,
	size_t label_count, struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	bool exists = false;
	int r;

	r = network_exists(docker, name, &exists, reterr);
	if (r < 0 || exists)
		return r;
	network_begin(docker);
	r = network_exists(docker, name, &exists, reterr);
	if (r == 0 && !exists)
		r = network_create(docker, name, labels, label_count, NULL, reterr);
	if (r == -ENOSR)
		r = network_create_apart(docker, name, labels, label_count, reterr);
	network_end(docker);
	return r;
}

int docker_network_remove(struct engine *engine, const char *name, struct error *reterr)
{
	return thing_remove(engine, "/networks", name, reterr);
}

int docker_network_list(struct engine *engine, engine_name_fn fn, void *arg, struct error *reterr)
{
	return things_each(engine, "/networks", fn, arg, reterr);
}

int docker_volume_ensure(struct docker *docker, const char *name, const struct label *labels,
	size_t label_count, struct error *reterr)
{
	struct docker_call call = {.method = "POST", .path = "/volumes/create", .subject = name};
	_cleanup_json_ json_t *body = NULL, *answer = NULL;
	int r;

	body = json_pack("{s:s, s:o}", "Name", name, "Labels", docker_labels(labels, label_count));
	if (!body)
		return error_set(reterr, -EINVAL, "volume: its name is not UTF-8");
	call.body = body;
	/* Creating what exists gives it back as it is, with its own labels. */
	r = docker_call(docker, &call, &answer, reterr);
	if (r < 0)
		return r;
	if (!docker_is_ours(docker, json_object_get(answer, "Labels")))
		return error_set(reterr, -EEXIST,
			"the volume name %s is taken by a volume of somebody else", name);
	return 0;
}

int docker_volume_remove(struct engine *engine, const char *name, struct error *reterr)
{
	return thing_remove(engine, "/volumes", name, reterr);
}

int docker_volume_list(struct engine *engine, engine_name_fn fn, void *arg, struct error *reterr)
{
	return things_each(engine, "/volumes", fn, arg, reterr);
}
