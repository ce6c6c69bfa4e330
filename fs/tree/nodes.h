/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodes - a list of node numbers.
 * Promises: nodes_tidy leaves them ascending, each once.
 * Threads: a value of its owner's.
 * Ownership: nodes_done frees the list.
 */
#ifndef DUPLOFS_FS_TREE_NODES_H
#define DUPLOFS_FS_TREE_NODES_H

#include <stddef.h>
#include <stdint.h>

struct nodes {
	uint64_t *all;
	size_t count, capacity;
};

int nodes_add(struct nodes *nodes, uint64_t node); /* -ENOMEM */
void nodes_tidy(struct nodes *nodes);
void nodes_done(struct nodes *nodes);
#define _cleanup_nodes_ __attribute__((cleanup(nodes_done)))

#endif
