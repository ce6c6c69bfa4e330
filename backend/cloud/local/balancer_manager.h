/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_manager - what the parts of the balancer module share: state, steps of a round.
 * Promises: all I/O happens on the manager thread, without the lock.
 * Threads: the fields say whose they are.
 * Ownership: inside of backend/cloud/local/balancer*.c only.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_BALANCER_MANAGER_H
#define DUPLOFS_CLOUD_LOCAL_BALANCER_MANAGER_H

#include <pthread.h>

#include "base/lock.h"
#include "cloud/local/balancer.h"
#include "cloud/local/balancer_table.h"
#include "cloud/local/haproxy.h"

#define BALANCER_TLS_PORT 443

struct balancers {
	struct address_range range;
	int wake_fd; /* eventfd: something below changed */
	pthread_t thread;

	struct lock lock;
	struct cond answered;
	struct balancer_table table; /* only the manager removes entries */
	bool stopping;
	uint64_t settle_asked, settle_answered;
	bool running; /* HAProxy does */
	bool up;
	char health[256];
	cloud_health_fn changed; /* is told when health is another; NULL: nobody */
	void *changed_arg;

	/* the manager's */
	struct certificates *certificates;
	struct haproxy haproxy;
	struct balancer_entry **work; /* all entries as this round began */
	size_t work_count;
	char revision_base[24];
	unsigned int revision_count;
	char revision[48]; /* that runs */
	bool stale; /* HAProxy has to be started, or reloaded whatever the entries say */
	bool unsaved; /* servers differ from the configuration file */
	bool settled;
	bool prune; /* a certificate may have become unused */
	struct error trouble; /* why HAProxy does not run, code 0: it does or need not */
	int64_t started_ns;
	int64_t start_due_ns;
	int crashes;
	int64_t retry_due_ns; /* entries with retry */
	int64_t retry_pause_ns; /* grows while they fail */
	int64_t garbage_due_ns; /* servers that are SERVER_GONE */
	int64_t renew_due_ns; /* certificates */
};

/* balancer_listeners: works out the listeners of touched entries and brings HAProxy to run them. */
void balancer_listeners_apply(struct balancers *b);
/* Writes the configuration file as HAProxy runs now. */
void balancer_listeners_save(struct balancers *b);
/* Stops HAProxy; no listener of ours is left. For the end, when the manager's thread is gone. */
void balancer_listeners_stop(struct balancers *b);

/* balancer_adopt: finds what an earlier process left: its configuration and, maybe, its HAProxy. */
int balancer_adopt(struct balancers *b);

/* balancer_propose: what one entry's listener should become. */

/* The text that the entry has once its proposal is accepted, or NULL. */
const char *balancer_listener_next(const struct balancer_entry *entry);
/* Proposes text (taken over; NULL: no listener). */
void balancer_listener_propose(struct balancer_entry *entry, char *text);
void balancer_listener_withdraw(struct balancer_entry *entry);
/* The entry cannot have what it wants: error answers it, and it is tried again. */
void balancer_listener_fail(struct balancer_entry *entry, const struct error *error);
/* Can the entry listen on port of its address? What it listens on already: yes. */
int balancer_listener_probe(struct balancers *b, const struct balancer_entry *entry, int port,
	struct error *reterr);
/* A listener that was refused with TLS is proposed without; false: nothing to leave out. */
bool balancer_listener_do_without_tls(struct balancer_entry *entry, const struct error *error);
/* Works out the proposal of an entry that was asked for or is due again. */
void balancer_listener_touch(struct balancers *b, struct balancer_entry *entry);

/* balancer_servers: brings the servers of the running HAProxy to what entries want. */
void balancer_servers_apply(struct balancers *b, bool collect_garbage);
/* Asks the running HAProxy for all its servers. */
int balancer_servers_read(struct balancers *b, struct error *reterr);

#endif
