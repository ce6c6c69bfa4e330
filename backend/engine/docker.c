/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/docker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define PING_MS 5000

static int docker_ping(struct engine *engine, char *version, size_t size, struct error *reterr)
{
	struct docker_call call = {.method = "GET", .path = "/version", .timeout_ms = PING_MS};
	_cleanup_json_ json_t *answer = NULL;
	int r;

	r = docker_call(docker_of(engine), &call, &answer, reterr);
	if (r < 0)
		return r;
	(void)snprintf(version, size, "docker %s", json_get_string(answer, "Version", "(unknown)"));
	return 0;
}

static int docker_capacity(struct engine *engine, struct engine_capacity *ret, struct error *reterr)
{
	struct docker_call call = {.method = "GET", .path = "/info"};
	_cleanup_json_ json_t *answer = NULL;
	int r;

	r = docker_call(docker_of(engine), &call, &answer, reterr);
	if (r < 0)
		return r;
	ret->cpu_milli = json_integer_value(json_object_get(answer, "NCPU")) * 1000;
	ret->memory_mib = json_integer_value(json_object_get(answer, "MemTotal")) / (1024 * 1024);
	return 0;
}

static void docker_interrupt(struct engine *engine)
{
	net_cancel_set(docker_of(engine)->cancel);
}

static void docker_free(struct engine *engine)
{
	struct docker *docker = docker_of(engine);

	docker_watch_free(docker->watch);
	net_loop_free(docker->loop);
	net_free(docker->net);
	net_cancel_free(docker->cancel);
	cond_done(&docker->network_cond);
	lock_done(&docker->lock);
	free(docker->socket_path);
	free(docker->base);
	free(docker->connect_to);
	free(docker->ca_file);
	free(docker->cert_file);
	free(docker->platform);
	free(docker);
}

static const struct engine_ops docker_ops = {
	.ping = docker_ping,
	.capacity = docker_capacity,
	.image_find = docker_image_find,
	.image_pull = docker_image_pull,
	.image_make = docker_image_make,
	.network_ensure = docker_network_ensure,
	.network_remove = docker_network_remove,
	.network_list = docker_network_list,
	.volume_list = docker_volume_list,
	.volume_remove = docker_volume_remove,
	.create = docker_create,
	.start = docker_start,
	.stop = docker_stop,
	.kill = docker_kill,
	.remove = docker_remove,
	.inspect = docker_inspect,
	.usage = docker_usage,
	.exec = docker_exec,
	.top = docker_top,
	.put = docker_put,
	.names = docker_names,
	.list = docker_list,
	.watch = docker_watch,
	.log_follow = docker_log_follow,
	.log_stop = docker_log_stop,
	.interrupt = docker_interrupt,
	.free = docker_free,
};

/* "name@address:port" */
static int docker_locate_tls(struct docker *docker, const char *place, const struct engine_tls *tls,
	struct error *reterr)
{
	const char *at = strchr(place, '@'), *port = at ? strchr(at, ':') : NULL;

	if (!port || at == place || strpbrk(place, "/?# "))
		return error_set(reterr, -EINVAL,
			"\"%s\" is no address of an engine: tls://name@address:port", place);
	docker->base = text_format("https://%.*s%s", (int)(at - place), place, port);
	docker->connect_to = strdup(at + 1);
	docker->ca_file = strdup(tls->ca_file);
	docker->cert_file = strdup(tls->cert_file);
	return docker->base && docker->connect_to && docker->ca_file && docker->cert_file
		       ? 0
		       : error_oom(reterr);
}

/* Sets where the engine is from its url. */
static int docker_locate(struct docker *docker, const char *url, const struct engine_tls *tls,
	struct error *reterr)
{
	if (strncmp(url, "unix://", 7) == 0 && url[7] == '/') {
		docker->socket_path = strdup(url + 7);
		docker->base = strdup("http://docker");
		return docker->socket_path && docker->base ? 0 : error_oom(reterr);
	}
	if (strncmp(url, "tcp://", 6) == 0 && url[6] != '\0' && !strpbrk(url + 6, "/?#@ ")) {
		docker->base = text_format("http://%s", url + 6);
		return docker->base ? 0 : error_oom(reterr);
	}
	if (strncmp(url, "tls://", 6) == 0 && tls)
		return docker_locate_tls(docker, url + 6, tls, reterr);
	return error_set(reterr, -EINVAL,
		"\"%s\" is no address of a container engine: give unix:///path or tcp://host:port",
		url);
}

int engine_docker_new(struct engine **ret, const char *url, const char *platform,
	struct error *reterr)
{
	return engine_docker_new_tls(ret, url, NULL, platform, reterr);
}

int engine_docker_new_tls(struct engine **ret, const char *url, const struct engine_tls *tls,
	const char *platform, struct error *reterr)
{
	struct docker *docker = calloc(1, sizeof(*docker));
	int r;

	if (!docker)
		return error_oom(reterr);
	docker->engine.ops = &docker_ops;
	lock_init(&docker->lock, LOCK_ENGINE);
	cond_init(&docker->network_cond);
	docker->platform = strdup(platform);
	r = docker->platform ? docker_locate(docker, url, tls, reterr) : error_oom(reterr);
	if (r == 0)
		r = net_new(&docker->net, reterr);
	if (r == 0)
		r = net_loop_new(&docker->loop, reterr);
	if (r == 0)
		r = net_cancel_new(&docker->cancel, reterr);
	if (r < 0) {
		docker_free(&docker->engine);
		return r;
	}
	*ret = &docker->engine;
	return 0;
}
