/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_parse - pure readers of what the Docker Engine API answers. No I/O; for tests and fuzzers
 *                too.
 * Promises: any input is safe; what is missing or of the wrong type reads as empty or 0.
 * Threads: no state.
 * Ownership: results are plain values.
 */
#ifndef DUPLOFS_ENGINE_DOCKER_PARSE_H
#define DUPLOFS_ENGINE_DOCKER_PARSE_H

#include "base/json.h"
#include "engine/engine.h"

/* "2026-11-23T02:30:00.123456789Z" (or +01:00) as nanoseconds since 1970. Returns how many bytes
 * were read, 0 when text is no time; the engine's "never" (year 1) gives 0 in *ret. */
size_t docker_parse_time(const char *text, size_t len, int64_t *ret);

/* An answer of /containers/{id}/json. */
void docker_parse_inspect(const json_t *answer, struct container_state *ret);

/* One element of /containers/json. */
void docker_parse_listed(const json_t *element, struct container_state *ret);

/* An answer of /containers/{id}/stats. */
void docker_parse_usage(const json_t *answer, struct container_usage *ret);

/* One line of /events; false for what is no event that we know. */
bool docker_parse_event(const char *line, size_t len, struct engine_event *ret);

/* Splits an image reference into what /images/create wants: a name and a tag or digest ("latest"
 * when it names none: without a tag the engine would download all). -EINVAL for what is no
 * reference. */
int docker_parse_reference(const char *image, char *name, size_t name_size, char *tag,
	size_t tag_size);

/* The body of /containers/create; NULL for text that is not UTF-8, or out of memory. */
json_t *docker_format_create(const struct container_spec *spec);

#endif
