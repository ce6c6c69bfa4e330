/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey - what all surveys share: a list of things, page by page, and whose each of them is.
 * Promises: memory for one page at a time, and a few bytes a thing.
 * Threads: a survey belongs to one call.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_SURVEY_H
#define DUPLOFS_CLOUD_AWS_SURVEY_H

#include "base/key_map.h"
#include "cloud/aws/account.h"

#define SURVEY_PAGE   "200" /* things a page: bounds what one answer takes */
#define SURVEY_UNSEEN 16

/* What was seen so far. */
struct survey_seen {
	struct key_map facts; /* see settled.h */
	const char *unseen[SURVEY_UNSEEN]; /* types that could not be listed */
	size_t unseen_count;
	bool network_asked; /* for, once */
};

struct survey {
	const struct account *account;
	const struct estate_hearer *hearer;
	struct survey_seen *seen;
};

/* One thing of a tenant's in a list. */
struct sighting {
	const char *type, *name;
	bool tags_told;
	const struct answer_node *tags; /* the first of them */
	const char *key, *value; /* what a tag's children are called */
	enum estate_fit fit;
};

/* Value of one of its tags; "". */
const char *survey_tag(const struct sighting *sighting, const char *key);

/* Tells of it; what has neither our tags nor a name of ours is passed over. */
int survey_tell(const struct survey *survey, const struct sighting *sighting);

/* Notes a fact that a list shows. */
int survey_fact(const struct survey *survey, uint64_t fact);

/* What became of listing things of a type: trouble that is this type's alone is told and noted, and
 * 0; what is no type's own is the result. */
int survey_tried(const struct survey *survey, const char *type, int r, const struct error *error,
	struct error *reterr);
bool survey_is_unseen(const struct survey_seen *seen, const char *type);

/* Looks at each node at path in all pages. */
typedef int (*survey_node_fn)(const struct survey *survey, const struct answer_node *node);
int survey_list(const struct survey *survey, const struct aws_request *request, const char *path,
	survey_node_fn fn, struct error *reterr);

#endif
