/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_pull - what the progress lines of a pull add up to. Pure.
 * Promises: any line is safe; an error inside the stream is kept, for the stream's status is 200.
 * Threads: a pull belongs to one thread.
 * Ownership: docker_pull_done frees.
 */
#ifndef DUPLOFS_ENGINE_DOCKER_PULL_H
#define DUPLOFS_ENGINE_DOCKER_PULL_H

#include <stddef.h>
#include <stdint.h>

struct pull_layer {
	char id[20];
	int64_t done_bytes;
	int64_t total_bytes;
};

struct docker_pull {
	struct pull_layer *layers;
	size_t count, capacity;
	char phase[64]; /* "Downloading", "Extracting" */
	char failure[400]; /* the engine's words, "" while all is well */
};

/* Takes one line. -ENOMEM, else 0: also for what is not understood. */
int docker_pull_line(struct docker_pull *pull, const char *line, size_t len);

/* Bytes over all layers that are known by now. */
void docker_pull_sum(const struct docker_pull *pull, int64_t *ret_done, int64_t *ret_total);

void docker_pull_done(struct docker_pull *pull);

#endif
