/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey - what all surveys share: a list of things, page by page, and whose each of them is.
 * Promises: memory for one page at a time.
 * Threads: a survey belongs to one call.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_SURVEY_H
#define DUPLOFS_CLOUD_AWS_SURVEY_H

#include "cloud/aws/account.h"

#define SURVEY_PAGE "200" /* things a page: bounds what one answer takes */

struct survey {
	const struct account *account;
	estate_found_fn fn;
	void *arg;
};

/* One thing of a list. */
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

/* Looks at each node at path in all pages. */
typedef int (*survey_node_fn)(const struct survey *survey, const struct answer_node *node);
int survey_list(const struct survey *survey, const struct aws_request *request, const char *path,
	survey_node_fn fn, struct error *reterr);

#endif
