/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource - the resources that AWS makes for tenants: a row a type says how one is looked at,
 *            made, changed and removed; what is done when is the same for all.
 * Promises: each step may be the last before a crash, and may be done again.
 * Threads: a call belongs to one thread.
 * Ownership: a call borrows all but its answer.
 */
#ifndef DUPLOFS_CLOUD_AWS_RESOURCE_RESOURCE_H
#define DUPLOFS_CLOUD_AWS_RESOURCE_RESOURCE_H

#include "cloud/aws/account.h"
#include "cloud/aws/survey.h"
#include "cloud/aws/tenant/group.h"
#include "cloud/resources.h"

enum thing_state {
	THING_MISSING,
	THING_MAKING, /* or changing */
	THING_READY,
	THING_LEAVING,
	THING_FAILED,
};

struct resource_call {
	struct account *account;
	const struct estate_owner *owner;
	const struct resource *wanted;

	/* What look has found. */
	enum thing_state state;
	bool ours;
	bool bare; /* it has no tag that says whose it is */
	char word[64]; /* what AWS calls its state */
	char arn[256];
	struct answer answer; /* it described */
	const struct answer_node *thing; /* in the answer; may be NULL */

	struct outputs *outputs;
	uint64_t fact; /* one more that a survey must see; 0: none */
};

/* How all things of a type are listed. */
struct resource_list {
	enum aws_action_id action;
	const char *path; /* to a thing in the answer; NULL: they cannot be listed */
	const char *name; /* below it; "": its own text, of an URL the last part */
	const char
		*part_of; /* below it: the thing of a list of its own that it belongs to; or NULL */
	const char *state; /* below it; what is on its way out does not count; NULL: not told */
	/* What adjust would change, as far as a list tells it; NULL: it does not. */
	const char *const *settings;
	void (*ask)(const struct survey *survey, struct aws_request *request); /* NULL: for all */
};

/* One type: a row. */
struct aws_resource {
	const char *type;
	/* Of several rows of a type: is it this one that makes what is wanted? NULL: it is the only
	 * one. */
	bool (*makes)(const struct resource_spec *spec);
	int (*look)(struct resource_call *call, struct error *reterr);
	/* It is there already: 0. */
	int (*create)(struct resource_call *call, struct error *reterr);
	/* Of one that is ready: brings what can be changed to what is wanted. -EAGAIN: it takes
	 * time. NULL: nothing can. */
	int (*adjust)(struct resource_call *call, struct error *reterr);
	/* Puts its tags on one that has none. NULL: one without them is left alone. */
	int (*retag)(struct resource_call *call, struct error *reterr);
	/* Says how it is used. */
	void (*tell)(struct resource_call *call);
	/* Asks for its end: 0, and it is looked at until it is missing. */
	int (*remove)(struct resource_call *call, struct error *reterr);
	/* When it is gone: takes away what was made beside it. NULL: nothing was. */
	int (*clear)(struct resource_call *call, struct error *reterr);
	struct resource_list list;
	/* What a role that may use it may do, on its ARN with each of these endings. NULL: it is no
	 * matter of roles. */
	const char *const *actions;
	const char *const *endings;
};

#define WORDS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

extern const struct resource_ops aws_resource_ops;
extern const struct aws_resource aws_bucket, aws_queue, aws_table, aws_database, aws_cache,
	aws_cache_group, aws_function, aws_domain;

/* Tells of all that there are (see survey.h). */
int resources_survey(const struct survey *survey, struct error *reterr);
/* What was ensured, as a survey finds it. */
void resource_settle(const struct resource_call *call, const struct aws_resource *row);
const struct aws_resource *resource_row(size_t index); /* NULL behind the last */

/* A call of AWS whose answer is not needed; 0 also for a fault of this kind. */
int resource_do(struct resource_call *call, const struct aws_request *request, enum fault_kind fine,
	struct error *reterr);

/* One more output. */
void resource_output(struct resource_call *call, const char *name, const char *value);
/* Whose the thing is: asks for its tags, which are at path in the answer, key and value in their
 * children. As long as AWS does not know them, which it may of a new thing, it is being made. */
int resource_look_tags(struct resource_call *call, const struct aws_request *request,
	const char *path, const char *key, const char *value, struct error *reterr);

/* What the thing is tagged with, as members of an object; NULL: no memory. */
json_t *resource_tags(const struct resource_call *call);

/* What AWS calls a state; the last row, without a word, is for all others. */
struct state_word {
	const char *word;
	enum thing_state state;
};

/* Where AWS's answer has the thing, and in that its state and its ARN. */
struct thing_place {
	const char *path, *state, *arn;
	const struct state_word *states;
};
/* Asks for it, and sets thing (NULL: there is none), state, word and arn. */
int resource_find(struct resource_call *call, const struct aws_request *request,
	const struct thing_place *place, struct error *reterr);

/* The tenant's security group. -EAGAIN: it is not there yet. */
int resource_group(struct resource_call *call, char ret[GROUP_ID_SIZE], struct error *reterr);

/* region, name and arn, which most types have. */
void resource_tell_usual(struct resource_call *call);

/* The policy's region; "" without a policy. */
const char *resource_region(const struct resource_call *call);

#endif
