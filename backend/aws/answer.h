/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer - what AWS answered, as a tree of named texts, whether it came as XML or as JSON.
 * Promises: never trusts its input: depth and number of nodes are capped, document types refused; a
 *           document that ends early is -EBADMSG. Namespaces and blanks between elements are gone.
 * Threads: an answer belongs to one thread at a time.
 * Ownership: answer_done frees the tree; nodes and texts are borrowed until then.
 */
#ifndef DUPLOFS_AWS_ANSWER_H
#define DUPLOFS_AWS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct answer_node {
	const char *name; /* XML: of the element; JSON: of the member, "item" in an array */
	const char *text; /* never NULL; "" for a node with children */
	struct answer_node *child, *next, *last; /* last: of the children */
};

struct answer_block;

struct answer {
	struct answer_node *root; /* NULL: no body */
	struct answer_block *blocks; /* what holds the tree */
	size_t nodes;
};

#define ANSWER_INIT                                                                                \
	(struct answer)                                                                            \
	{                                                                                          \
		NULL, NULL, 0                                                                      \
	}

/* -EBADMSG: not such a document, or only half of one; -EFBIG; -ENOMEM. */
int answer_parse_xml(struct answer *answer, const char *text, size_t len, struct error *reterr);
int answer_parse_json(struct answer *answer, const char *text, size_t len, struct error *reterr);

void answer_done(struct answer *answer);
#define _cleanup_answer_ __attribute__((cleanup(answer_done)))

/* The first node at "a/b/c" below node; NULL: none. node may be NULL. */
const struct answer_node *answer_find(const struct answer_node *node, const char *path);
/* The next one of the same name beside it. */
const struct answer_node *answer_next(const struct answer_node *node);
/* Its text; "" when there is none. */
const char *answer_text(const struct answer_node *node, const char *path);

/* For the parsers. NULL: no memory, or too many nodes. */
struct answer_node *answer_add(struct answer *answer, struct answer_node *parent, const char *name,
	size_t name_len);
char *answer_keep(struct answer *answer, const char *text, size_t len);

#define ANSWER_DEPTH_MAX 64
#define ANSWER_NODES_MAX 500000

#endif
