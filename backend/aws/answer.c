/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/answer.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Of the blocks of one answer each is twice as large as the last: those of long lists are large
 * enough for malloc to map, and to give back, as a whole (see worker_guard_memory). */
#define BLOCK_SIZE     16384
#define BLOCK_SIZE_MAX (1024 * 1024)

struct answer_block {
	struct answer_block *next;
	size_t used, size;
	char data[];
};

static void *answer_room(struct answer *answer, size_t len)
{
	struct answer_block *block = answer->blocks;
	size_t align = alignof(max_align_t), size;

	len = (len + align - 1) / align * align;
	if (!block || block->size - block->used < len) {
		size = block ? block->size * 2 : BLOCK_SIZE;
		size = size < BLOCK_SIZE_MAX ? size : BLOCK_SIZE_MAX;
		size = size > len ? size : len;
		block = malloc(sizeof(*block) + size);
		if (!block)
			return NULL;
		*block = (struct answer_block){answer->blocks, 0, size};
		answer->blocks = block;
	}
	block->used += len;
	return block->data + block->used - len;
}

char *answer_keep(struct answer *answer, const char *text, size_t len)
{
	char *copy = answer_room(answer, len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

struct answer_node *answer_add(struct answer *answer, struct answer_node *parent, const char *name,
	size_t name_len)
{
	struct answer_node *node;
	char *copy;

	if (answer->nodes >= ANSWER_NODES_MAX)
		return NULL;
	node = answer_room(answer, sizeof(*node));
	copy = node ? answer_keep(answer, name, name_len) : NULL;
	if (!copy)
		return NULL;
	*node = (struct answer_node){.name = copy, .text = ""};
	answer->nodes++;
	if (!parent)
		answer->root = node;
	else if (parent->last)
		parent->last->next = node;
	else
		parent->child = node;
	if (parent)
		parent->last = node;
	return node;
}

void answer_done(struct answer *answer)
{
	struct answer_block *block;

	while ((block = answer->blocks) != NULL) {
		answer->blocks = block->next;
		free(block);
	}
	*answer = ANSWER_INIT;
}

static const struct answer_node *named(const struct answer_node *node, const char *name, size_t len)
{
	while (node && (strncmp(node->name, name, len) != 0 || node->name[len] != '\0'))
		node = node->next;
	return node;
}

const struct answer_node *answer_find(const struct answer_node *node, const char *path)
{
	size_t len;

	for (; node && *path; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		node = named(node->child, path, len);
	}
	return node;
}

const struct answer_node *answer_next(const struct answer_node *node)
{
	return node ? named(node->next, node->name, strlen(node->name)) : NULL;
}

const char *answer_text(const struct answer_node *node, const char *path)
{
	const struct answer_node *found = answer_find(node, path);

	return found ? found->text : "";
}
