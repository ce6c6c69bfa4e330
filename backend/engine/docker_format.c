/* SPDX-License-Identifier: Apache-2.0 */
/* What a container is to be, as the Docker Engine API wants to be told. Pure. */
#include <stdio.h>

#include "engine/docker.h"
#include "engine/docker_parse.h"

/* A container's output is kept by the engine twice this, at most. */
#define LOG_FILE_SIZE "10m"
#define LOG_FILES     "2"

static json_t *strings(const char *const *list)
{
	json_t *array = json_array();

	for (; array && list && *list; list++) {
		if (json_array_append_new(array, json_string(*list)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* {"80/tcp": value} */
static json_t *by_port(int port, json_t *value)
{
	char key[32];

	(void)snprintf(key, sizeof(key), "%d/tcp", port);
	return json_pack("{s:o}", key, value);
}

static json_t *host_config(const struct container_spec *spec)
{
	json_t *config;

	config = json_pack("{s:s, s:o, s:b, s:b, s:[s], s:{s:s}, s:{s:s, s:{s:s, s:s}}}", /**/
		"NetworkMode", spec->network ? spec->network : "default", /**/
		"Binds", strings(spec->volumes), /**/
		"Privileged", 0, /**/
		"Init", 1, /**/
		"SecurityOpt", "no-new-privileges", /**/
		"RestartPolicy", "Name", "no", /**/
		"LogConfig", "Type", "json-file", "Config", /**/
		"max-size", LOG_FILE_SIZE, "max-file", LOG_FILES);
	if (!config)
		return NULL;
	if (spec->secluded)
		(void)json_object_update_new(config,
			json_pack("{s:b, s:[s]}", "ReadonlyRootfs", 1, "CapDrop", "ALL"));
	if (spec->cpu_milli > 0)
		(void)json_object_set_new(config, "NanoCpus",
			json_integer(spec->cpu_milli * 1000000));
	if (spec->memory_mib > 0)
		(void)json_object_set_new(config, "Memory",
			json_integer(spec->memory_mib * 1024 * 1024));
	return config;
}

static int publish(json_t *body, json_t *config, const struct container_spec *spec)
{
	json_t *binding;
	char port[16];

	if (spec->container_port <= 0)
		return 0;
	if (json_object_set_new(body, "ExposedPorts",
		    by_port(spec->container_port, json_object())) < 0)
		return -1;
	if (spec->host_port <= 0)
		return 0;
	(void)snprintf(port, sizeof(port), "%d", spec->host_port);
	binding = json_pack("[{s:s, s:s}]", "HostIp",
		spec->host_address ? spec->host_address : "127.0.0.1", "HostPort", port);
	return json_object_set_new(config, "PortBindings", by_port(spec->container_port, binding));
}

static int optional(json_t *body, const struct container_spec *spec)
{
	int r = 0;

	if (spec->hostname)
		r |= json_object_set_new(body, "Hostname", json_string(spec->hostname));
	if (spec->command)
		r |= json_object_set_new(body, "Cmd", strings(spec->command));
	if (spec->environment)
		r |= json_object_set_new(body, "Env", strings(spec->environment));
	if (spec->network && spec->aliases)
		r |= json_object_set_new(body, "NetworkingConfig",
			json_pack("{s:{s:{s:o}}}", "EndpointsConfig", spec->network, "Aliases",
				strings(spec->aliases)));
	return r;
}

json_t *docker_format_create(const struct container_spec *spec)
{
	_cleanup_json_ json_t *body = NULL;
	json_t *config;

	body = json_pack("{s:s, s:o, s:o}", "Image", spec->image, "Labels",
		docker_labels(spec->labels, spec->label_count), "HostConfig", host_config(spec));
	if (!body)
		return NULL;
	config = json_object_get(body, "HostConfig");
	if (publish(body, config, spec) < 0 || optional(body, spec) != 0)
		return NULL;
	return json_incref(body);
}
