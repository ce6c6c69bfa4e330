/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view - what the containers of a service see at /duplo, computed from the store.
 * Promises: the same for the file tree's runtime/ and for the directory that containers get:
 *           secrets/<KEY>, config/<KEY> (the service's over the tenant's),
 *           resources/<resource>/<output>, neighbors/<service> or, of another tenant that grants
 *           it, neighbors/<service>.<tenant>, neighbors.json, hosts, self.json; nothing else of
 *           any other service or tenant.
 * Threads: any; reads only.
 * Ownership: contents are appended to the caller's buf; secrets are plain: wipe them.
 */
#ifndef DUPLOFS_STORE_VIEW_H
#define DUPLOFS_STORE_VIEW_H

#include "store/store.h"

enum view_part { VIEW_SECRETS, VIEW_CONFIG, VIEW_RESOURCES, VIEW_NEIGHBORS };

struct view_entry {
	enum view_part part;
	int64_t object; /* the secret, config value, output or peer service behind it */
	char name[OBJECT_NAME_MAX + 1]; /* of a resource's output: "<resource>/<output>" */
	int64_t mtime_ns;
	int64_t size; /* bytes; neighbors: -1, read to know */
	bool fresh; /* for who has the entry: its content was written just now */
};

typedef int (*view_entry_fn)(void *arg, const struct view_entry *entry);

/* Entries of one part for one service, its Secrets and Neighbors lists applied, in no order. */
int view_list(struct store *store, int64_t service, enum view_part part, view_entry_fn fn,
	void *arg);
int view_find(struct store *store, int64_t service, enum view_part part, const char *name,
	struct view_entry *ret); /* -ENOENT */

/* Content of one entry. */
int view_read(struct store *store, int64_t service, const struct view_entry *entry, struct buf *out,
	struct error *reterr);

/* Healthy "address:port" lines of a service, by ordinal. */
int view_neighbors(struct store *store, int64_t service, struct buf *out);

/* Whether a service's neighbors are just all of its tenant's, as those of most are: what is shown
 * of them is the same for all such services. */
int view_sees_tenant(struct store *store, int64_t service, bool *ret);

/* All neighbors of a service in one walk: json and hosts as below, and fn for each with its lines
 * (any of them may be NULL). */
typedef int (*view_lines_fn)(void *arg, const struct view_entry *entry, const struct buf *lines);
int view_roster(struct store *store, int64_t service, struct buf *json, struct buf *hosts,
	view_lines_fn fn, void *arg);

/* All neighbors of a service at once: {"<neighbor>": ["address:port", ...], ...} */
int view_neighbors_json(struct store *store, int64_t service, struct buf *out);
/* The same as lines of an /etc/hosts: "address <service> <service>.<tenant>". */
int view_hosts(struct store *store, int64_t service, struct buf *out);

/* self.json: tenant, service, generation, image, ports, dns. */
int view_self(struct store *store, int64_t service, struct buf *out);

#endif
