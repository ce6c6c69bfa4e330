/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cloud - which machines there are, and what surrounds them: load balancers, names, certificates.
 *         Families: local, simulated (and aws). What runs on a machine is engine/'s matter.
 * Promises: calls state what is wanted in full and are idempotent; each has a deadline and returns
 *           a negative errno with a sentence for the tenant.
 * Threads: all calls from any thread at once; they may block for seconds (not for file handlers).
 * Ownership: strings in arguments are borrowed for the call; ret_ values are the caller's.
 */
#ifndef DUPLOFS_CLOUD_CLOUD_H
#define DUPLOFS_CLOUD_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum target_state {
	TARGET_READY, /* takes new connections */
	TARGET_DRAIN, /* keeps the ones it has */
};

/* One instance behind a load balancer. */
struct target {
	char name[64]; /* unique in its balancer and stable: "<ordinal>-<instance id>" */
	char address[64]; /* of the host */
	int port; /* host port */
	enum target_state state;
};

/* Something that is paid for, in the words of the price table (billing/prices.h). */
struct charge {
	char sku[64]; /* "ec2/m5.large" */
	char region[32]; /* "" none */
	int64_t quantity; /* how often: GiB of "ebs/gp3-gib"; 0 counts as 1 */
};

#define CHARGES_MAX 4

/* A load balancer as wanted. */
struct balancer {
	int64_t service; /* object id: the balancer's identity */
	int64_t tenant_id;
	const char *tenant; /* names, for tags and external names */
	const char *name;
	int64_t slot; /* small number unique to this balancer and stable: picks its address */
	int port; /* listener */
	const char *dns; /* "": none. With a certificate that covers it, TLS on 443 too */
	const char *health_path; /* NULL: "/"; for a cloud whose balancers look themselves */
	int64_t drain_s; /* so long what leaves may finish */
	const struct target *targets;
	size_t target_count;
};

/* A load balancer as it is. */
struct balancer_state {
	char address[256]; /* IP address (local) or name (aws) */
	char zone[64]; /* of a name: the zone of the cloud's that it is in; "" */
	bool dual_stack; /* the name has IPv6 addresses, too */
	bool tls; /* 443 answers with a certificate for dns */
	char warning[256]; /* "", or why 443 does not although a certificate covers dns */
};

/* A container that may open connections to another in another network. */
struct permit {
	char from[64], to[64]; /* addresses; what is behind the end of each is zero */
	int port;
};

/* A machine as wanted. */
struct machine {
	int64_t host; /* object id: the machine's identity */
	const char *tenant; /* names, for tags and external names */
	int64_t tenant_id;
	const char *name;
	/* Of this making of it, up to MACHINE_TOKEN_MAX letters, digits, "-": the same token never
	 * gives two machines, and never another one after the first has ended. */
	const char *token;
	int64_t age_ns; /* of the token */
	const char *os, *region; /* NULL: as the policy says */
	const char *known; /* the id of the one that was made with the token; "": not known */
	int64_t cpu_milli, memory_mib; /* at least; 0: as the policy says */
	int64_t disk_gib; /* of its root disk; 0: as the policy says, else as its image has */
	bool spot;
	bool leaving; /* the host is being removed: none is made for it any more */
	bool silent; /* it was there, and its engine does not answer any more */
	/* Of one that is there already and that the administrator attached; NULL: make one. */
	const char *engine, *address;
};

/* A machine as it is. */
struct machine_state {
	bool there; /* its engine may be asked */
	char engine[256]; /* URL of its container engine */
	char address[64]; /* IP address where ports that it publishes are reached */
	bool shares_files; /* containers there may be given directories of this machine */
	int64_t cpu_milli, memory_mib; /* 0: its engine knows */
	char id[32]; /* by which the cloud knows it; "": it is none of the cloud's */
	int64_t disk_gib; /* of its root disk; 0: not known */
	char words[256]; /* while it is not there: what is being waited for; else what it is */
	char warning[256]; /* of one that serves all the same; "" */
	char done[160]; /* what was put right at it just now, for events; "" */
	/* What it is that is paid from now on, there or not yet: itself, then its disk. None: a
	 * machine that the cloud does not pay for. */
	struct charge charges[CHARGES_MAX];
	size_t charge_count;
	bool spot; /* it may be taken back */
	bool ended; /* it is gone, or soon will be: ask with another token */
	bool leftover; /* an earlier one of this host is still alive */
};

#define MACHINE_TOKEN_MAX 56

/* Something about the machine of a host has changed: ask for it. From any thread. */
typedef void (*cloud_machine_fn)(void *arg, int64_t host);

struct cloud_health {
	bool balancer_up, dns_up;
	char balancer
		[256]; /* a sentence: version and pid, or what is wrong and which package helps */
	char dns[256];
};

/* What health says has changed. From any thread, with locks of the cloud held: only wakes. */
typedef void (*cloud_health_fn)(void *arg);

struct cloud;
struct estate;

struct cloud_ops {
	/* Makes the balancer exist as wanted and returns when traffic follows. -EADDRINUSE: port
	 * is taken there; the sentence says by whom when that can be known. */
	int (*balancer_ensure)(struct cloud *cloud, const struct balancer *wanted,
		struct balancer_state *ret, struct error *reterr);
	/* Gone: 0. Unused certificates and addresses go with it. */
	int (*balancer_remove)(struct cloud *cloud, int64_t service, struct error *reterr);
	/* Open connections of one target, for draining; 0 when it is unknown. A cloud that counts
	 * none says 1 while there may be some. */
	int (*target_connections)(struct cloud *cloud, int64_t service, const struct target *target,
		int64_t *ret, struct error *reterr);

	/* Makes the machine exist as wanted, or goes on with that; to be asked again until it is
	 * there. -EOPNOTSUPP: this cloud cannot have it. */
	int (*machine_ensure)(struct cloud *cloud, const struct machine *wanted,
		struct machine_state *ret, struct error *reterr);
	/* All that were made for the host, whatever their token. Gone: 0. -EAGAIN: on its way out,
	 * ask again. -EEXIST: it does not carry our tags, cannot get them, and is left alone. Of
	 * last: the host, the token that was last asked with, its age, and what is known by it. */
	int (*machine_remove)(struct cloud *cloud, const struct machine *last,
		struct error *reterr);
	/* Tells of what happens to machines without being asked; once, before all other calls.
	 * NULL: nothing does. */
	int (*machine_watch)(struct cloud *cloud, cloud_machine_fn fn, void *arg,
		struct error *reterr);

	/* What a balancer of this cloud is paid as, in the region of all that it has. NULL: by
	 * nothing but the machine. Asks nobody. */
	void (*balancer_charge)(struct cloud *cloud, struct charge *ret);

	/* The name leads to the service's balancer. -EEXIST: it is somebody else's. -EINPROGRESS:
	 * in a second, most likely. */
	int (*dns_ensure)(struct cloud *cloud, int64_t service, const char *name,
		const struct balancer_state *balancer, struct error *reterr);
	int (*dns_remove)(struct cloud *cloud, int64_t service, const char *name,
		struct error *reterr);

	/* States all permits between networks; what is not among them is refused from now on, on
	 * open connections too. Without any nothing is left of them. One call at a time. They hold
	 * until the machine's next start, whatever becomes of this process. NULL: there are no
	 * networks. */
	int (*permit)(struct cloud *cloud, const struct permit *permits, size_t count,
		struct error *reterr);

	/* After a start: balancers and names for which no ensure was called until now go.
	 * Asked again until it returns 0. */
	int (*settle)(struct cloud *cloud, struct error *reterr);

	/* Never blocks on a network. */
	void (*health)(struct cloud *cloud, struct cloud_health *ret);
	/* Tells of every change of it from now on; once. NULL: it does not change by itself. */
	void (*health_watch)(struct cloud *cloud, cloud_health_fn fn, void *arg);

	/* keep: leave the children running for the next worker to adopt; else stop them. */
	void (*free)(struct cloud *cloud, bool keep);
};

struct cloud {
	const struct cloud_ops *ops;
};

struct cloud_local_options {
	const char *state_dir; /* certificates live in certs/ below; made at first start */
	const char *runtime_dir; /* sockets, pid files, generated configuration */
	const char *lb_range; /* "127.88.0.0/16" */
	const char *dns_listen; /* "127.88.0.1:53" */
	const char *domain; /* "duplo.test" */
	const char *platform; /* its name, for what is made outside */
	const char
		*tools; /* NULL, or a directory to look for haproxy and dnsmasq instead of PATH */
	const char
		*certificate; /* NULL, or the administrator's own: certificate, chain, key as PEM */
};

/* HAProxy and dnsmasq as supervised children; works without either and says so in health. */
int cloud_local_new(struct cloud **ret, const struct cloud_local_options *options,
	struct error *reterr);

struct cloud_aws_options {
	const char *platform; /* its name: in names and tags of all that it makes */
	int port_low, port_high; /* of hosts, given to instances: what load balancers reach */
	const char *engine_keys_dir; /* certificates of hosts' engines; made at first start */
};

/* Files in engine_keys_dir by which the engine of a machine is spoken to. */
#define CLOUD_ENGINE_CA     "ca.pem"
#define CLOUD_ENGINE_CLIENT "client.pem" /* certificate and key */

/* An AWS account, and with it the estate of each tenant there: both speak through one client by one
 * policy (estate's set_policy). The estate is freed before the cloud. */
int cloud_aws_new(struct cloud **ret, struct estate **ret_estate,
	const struct cloud_aws_options *options, struct error *reterr);

/* Accepts everything at latency_ms. */
int cloud_simulated_new(struct cloud **ret, int64_t latency_ms, struct error *reterr);

static inline void cloud_free(struct cloud *cloud, bool keep)
{
	if (cloud)
		cloud->ops->free(cloud, keep);
}

#endif
