/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/docker_pull.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

#define LAYERS_MAX 1024 /* an image has at most 127 */

static struct pull_layer *pull_layer_of(struct docker_pull *pull, const char *id)
{
	struct pull_layer *grown;
	size_t capacity;

	for (size_t i = 0; i < pull->count; i++) {
		if (strcmp(pull->layers[i].id, id) == 0)
			return &pull->layers[i];
	}
	if (pull->count == pull->capacity) {
		capacity = pull->capacity ? pull->capacity * 2 : 16;
		grown = realloc(pull->layers, capacity * sizeof(*grown));
		if (!grown)
			return NULL;
		pull->layers = grown;
		pull->capacity = capacity;
	}
	grown = &pull->layers[pull->count++];
	*grown = (struct pull_layer){0};
	(void)text_copy(grown->id, sizeof(grown->id), id);
	return grown;
}

static int pull_progress(struct docker_pull *pull, const json_t *line, const char *status)
{
	const json_t *detail = json_object_get(line, "progressDetail");
	const char *id = json_get_string(line, "id", "");
	int64_t done_bytes = json_get_int(detail, "current", -1);
	int64_t total_bytes = json_get_int(detail, "total", -1);
	struct pull_layer *layer;

	if (strcmp(status, "Downloading") != 0 && strcmp(status, "Download complete") != 0)
		return 0;
	if (strlen(id) >= sizeof(layer->id) || pull->count >= LAYERS_MAX)
		return 0;
	layer = pull_layer_of(pull, id);
	if (!layer)
		return -ENOMEM;
	if (strcmp(status, "Download complete") == 0) {
		layer->done_bytes = layer->total_bytes;
		return 0;
	}
	if (total_bytes >= 0)
		layer->total_bytes = total_bytes;
	if (done_bytes >= 0)
		layer->done_bytes = done_bytes;
	return 0;
}

int docker_pull_line(struct docker_pull *pull, const char *line, size_t len)
{
	_cleanup_json_ json_t *object = NULL;
	const char *failure, *status;

	object = json_loadb(line, len, 0, NULL);
	if (!json_is_object(object))
		return 0;
	failure = json_get_string(json_object_get(object, "errorDetail"), "message",
		json_get_string(object, "error", NULL));
	if (failure) {
		(void)text_copy(pull->failure, sizeof(pull->failure), failure);
		text_trim_utf8(pull->failure);
		return 0;
	}
	status = json_get_string(object, "status", NULL);
	if (!status || !json_object_get(object, "id"))
		return 0;
	(void)text_copy(pull->phase, sizeof(pull->phase), status);
	return pull_progress(pull, object, status);
}

void docker_pull_sum(const struct docker_pull *pull, int64_t *ret_done, int64_t *ret_total)
{
	int64_t done_bytes = 0, total_bytes = 0;

	for (size_t i = 0; i < pull->count; i++) {
		if (__builtin_add_overflow(done_bytes, pull->layers[i].done_bytes, &done_bytes) ||
			__builtin_add_overflow(total_bytes, pull->layers[i].total_bytes,
				&total_bytes))
			break;
	}
	*ret_done = done_bytes;
	*ret_total = total_bytes;
}

void docker_pull_done(struct docker_pull *pull)
{
	free(pull->layers);
	*pull = (struct docker_pull){0};
}
