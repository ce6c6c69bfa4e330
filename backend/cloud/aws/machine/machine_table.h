/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_table - what was last heard of this platform's EC2 instances, by host: one batch look
 *                 tells of all of them.
 * Promises: an instance that was just made stays known until AWS shows it, or should have.
 * Threads: any; a look waits for the network with nothing locked.
 * Ownership: the table copies.
 */
#ifndef DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_TABLE_H
#define DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_TABLE_H

#include <stdint.h>

#include "base/idmap.h"
#include "base/turn.h"
#include "cloud/aws/account.h"
#include "model/machine_type.h"

#define TAG_HOST    "duplo.host" /* its name */
#define TAG_HOST_ID "duplo.host-id"
#define TAG_TOKEN   "duplo.token" /* of the making: see cloud.h */

#define MACHINE_TOKEN_SIZE 80
#define MACHINES_OF_HOST   4
#define MACHINES_OF_CALL   200 /* values of a filter, at most */

enum machine_phase {
	MACHINE_PENDING,
	MACHINE_RUNNING,
	MACHINE_STOPPED, /* or on its way there */
	MACHINE_ENDING, /* being terminated */
	MACHINE_ENDED,
};

/* One instance. */
struct machine_row {
	int64_t host;
	char id[32];
	char token[MACHINE_TOKEN_SIZE];
	char type[MACHINE_TYPE_NAME];
	char address[64]; /* private; "" none yet */
	char launched[32]; /* as AWS writes it: later ones sort behind */
	enum machine_phase phase;
	char volume[32]; /* its root disk; "" not told yet */
	int64_t disk_gib; /* of that; 0: not known */
	int64_t disk_told_ns; /* monotonic: when AWS told that, or was asked to change it */
	int64_t grow_gib; /* so large it was to be made, and is not yet; 0 */
	char grow_words[200]; /* why not */
	bool spot;
	bool listed; /* a look has shown it */
	bool stripped; /* its tags are not those that it was made with: it is known by its id */
	bool refused; /* and AWS did not let them be put back */
	int64_t refused_ns; /* when */
	char refusal[160]; /* why */
	bool recalled; /* AWS has said that it takes it back within two minutes */
	int64_t told_ns; /* monotonic: when AWS last told of it */
};

struct machine_list {
	size_t count;
	struct machine_row rows[MACHINES_OF_HOST];
};

/* Something about a host's machines is another than before. */
typedef void (*machine_table_fn)(void *arg, int64_t host);

struct machine_table {
	struct turn turn; /* of who looks */
	struct lock lock; /* LOCK_CLOUD */
	struct idmap hosts; /* to struct machine_list */
	int64_t looked_ns; /* monotonic; 0: never */
	int64_t failed_ns; /* the last look did, for this reason; 0: it did not */
	struct error failure;
	machine_table_fn changed;
	void *arg;
};

void machine_table_init(struct machine_table *table);
void machine_table_done(struct machine_table *table);
/* Who hears of changes; called with nothing locked. */
void machine_table_watch(struct machine_table *table, machine_table_fn fn, void *arg);

/* Asks AWS for all, unless the last answer is younger than age_ns, or a look has just failed:
 * then that stands, for all hosts that ask. */
int machine_table_look(struct machine_table *table, const struct account *account, int64_t age_ns,
	struct error *reterr);
/* Forgets when it last looked: something may have happened there. */
void machine_table_doubt(struct machine_table *table);

/* Copies of the host's machines, the oldest first; their number. */
size_t machine_table_of(struct machine_table *table, int64_t host,
	struct machine_row ret[MACHINES_OF_HOST]);
/* All that are not on their way out; the caller frees them. NULL: no memory. */
struct machine_row *machine_table_alive(struct machine_table *table, size_t *ret_count);
/* What a call that made or changed one told of it. -ENOMEM. */
int machine_table_put(struct machine_table *table, const struct machine_row *row);
/* AWS takes the instance of this id back. False: it is none of ours. */
bool machine_table_recall(struct machine_table *table, const char *id);

/* The one of this id, by which it was made for that host under that token, is known as such: by
 * what was heard of it, else AWS is asked for it. It may be gone: 0, too. */
int machine_table_claim(struct machine_table *table, const struct account *account, int64_t host,
	const char *token, const char *id, struct error *reterr);

/* Of maps from hosts to lists; the caller has locked what needs it. -ENOMEM. */
int machine_lists_put(struct idmap *map, const struct machine_row *row);
struct machine_row *machine_list_find(struct machine_list *list, const char *id);
void machine_lists_done(struct idmap *map);

/* Neither gone nor on its way out. Pure. */
bool machine_is_alive(const struct machine_row *row);
/* A row out of an item of instancesSet. Pure. */
void machine_row_read(const struct answer_node *item, struct machine_row *ret);

#endif
