/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_table - the load balancers of the local cloud: what is wanted, and what HAProxy has.
 * Promises: entries are found by service id; a want is a whole copy, valid by itself.
 * Threads: fields under "lock" belong to balancers->lock, the others to the manager thread alone.
 * Ownership: the table owns its entries; an entry owns its wants, texts and servers.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_BALANCER_TABLE_H
#define DUPLOFS_CLOUD_LOCAL_BALANCER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cloud/cloud.h"
#include "cloud/local/address.h"
#include "cloud/local/haproxy_config.h"

/* A struct balancer that was checked and copied. */
struct balancer_want {
	char address[ADDRESS_MAX];
	int port;
	char dns[256]; /* lower case, "" for none */
	size_t target_count;
	struct target targets[];
};

struct balancer_entry {
	int64_t service;

	/* under lock */
	struct balancer_want *pending; /* newest, until the manager takes it */
	bool remove_pending;
	bool dead; /* gone: freed when the last waiter has left */
	bool ensured; /* asked for since the start: survives settle */
	int waiters; /* calls that sleep until answered reaches their ticket */
	uint64_t asked; /* tickets handed out */
	uint64_t answered; /* tickets that the result below answers */
	struct error result;
	bool tls;
	struct error result_warning;

	/* the manager's */
	uint64_t serving; /* tickets that this round will answer */
	bool touched; /* asked for in this round */
	bool retry; /* wanted, but could not be done: tried again by itself */
	bool unwanted;
	struct balancer_want *want; /* NULL for one that was found running */
	char *listener; /* text in HAProxy's configuration, or NULL */
	bool proposed; /* listener_next shall replace listener (NULL: remove it) */
	char *listener_next;
	struct error error; /* of this round */
	struct error warning; /* why there is no TLS although there should be */
	struct server *servers; /* in the running HAProxy */
	size_t server_count;
};

struct balancer_table {
	struct balancer_entry **entries; /* by service */
	size_t count;
	size_t capacity;
};

/* Checks and copies wanted. -EINVAL with a sentence, -ENOSPC when the range has no such slot. */
int balancer_want_new(struct balancer_want **ret, const struct balancer *wanted,
	const struct address_range *range, struct error *reterr);

struct balancer_entry *balancer_table_find(const struct balancer_table *table, int64_t service);

/* Finds or makes the entry; NULL when out of memory. */
struct balancer_entry *balancer_table_add(struct balancer_table *table, int64_t service);
void balancer_table_remove(struct balancer_table *table, struct balancer_entry *entry);
void balancer_table_done(struct balancer_table *table);

struct server *balancer_entry_server(struct balancer_entry *entry, const char *name);

/* Adds a copy of server; -ENOMEM. */
int balancer_entry_add_server(struct balancer_entry *entry, const struct server *server);
void balancer_entry_remove_server(struct balancer_entry *entry, struct server *server);

/* Makes the servers what a configuration rendered now would hold: wanted targets that are ready. */
int balancer_entry_reset_servers(struct balancer_entry *entry);

#endif
