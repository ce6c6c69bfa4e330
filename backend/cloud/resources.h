/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resources - what a cloud makes for a tenant's services to use: databases, buckets, queues.
 * Promises: ensure looks before it makes, and states what is wanted in full; remove takes away only
 *           what carries our tags. Both come back soon: -EAGAIN asks to be called again later, with
 *           what is being waited for in words. What cannot be had is another error.
 * Threads: all calls from any thread at once, one at a time for a resource; they may block for
 *          seconds.
 * Ownership: arguments are borrowed for the call; outputs are the caller's to wipe.
 */
#ifndef DUPLOFS_CLOUD_RESOURCES_H
#define DUPLOFS_CLOUD_RESOURCES_H

#include "cloud/estate.h"
#include "model/resource.h"

#define OUTPUTS_MAX     8
#define OUTPUT_SIZE     1024 /* bytes of a value, with the NUL */
#define EXTERNAL_SIZE   64 /* bytes of a name in the cloud, with the NUL */
#define PASSWORD_LENGTH 32

/* What ensure says of one that a look misses, while it may be mistaken (-EAGAIN), begins so. */
#define RESOURCE_MISSED "AWS does not show it just now"

/* A resource as wanted. */
struct resource {
	int64_t id; /* never used again for another one */
	const char *name;
	const char *external; /* as external_name said */
	const struct resource_spec *spec;
	const char *password; /* "" for a type that has none */
	bool made; /* it was there, with our tags: what is there of its name now lost them */
	bool fresh; /* it was never asked for, the journal says: none looks before it makes */
	/* It was there, and what it held, or its protection, forbids to make another one. */
	bool irreplaceable;
	/* It was missed by every look since so long; 0: by none. A single one may be mistaken. */
	int64_t missed_ns;
	const char *code_bucket; /* of that resource in the cloud; "": it is no resource */
	const char *queue_arn; /* of the resource; "": it has none */
	char *const *environment; /* "KEY=value", those from config included; NULL: none */
};

struct output {
	const char *name; /* one of the type's */
	char value[OUTPUT_SIZE];
};

struct outputs {
	struct output all[OUTPUTS_MAX];
	size_t count;
	const char *done; /* what was put right just now, for events; NULL: nothing */
};

/* What a tenant's role may use: all that it has. */
struct permitted {
	const char *type;
	const char *arn;
};

struct resource_ops {
	/* The name that it has in the cloud: the same for the same resource, and nobody else's.
	 * Pure. */
	void (*external_name)(const struct estate_owner *owner, const struct resource_spec *spec,
		const char *name, int64_t id, char ret[EXTERNAL_SIZE]);

	/* 0: it is as wanted, and ret says how to use it. -EEXIST: its name is taken by what is not
	 * ours. -ESTALE: it is gone, and irreplaceable: it was missed for long. */
	int (*ensure)(struct estate *estate, const struct estate_owner *owner,
		const struct resource *wanted, struct outputs *ret, struct error *reterr);
	/* 0: it is gone. -EBUSY: it may not go yet, the sentence says what helps. -EEXIST: it is
	 * not ours, and left alone. */
	int (*remove)(struct estate *estate, const struct estate_owner *owner,
		const struct resource *wanted, struct error *reterr);
	/* From now on the tenant's role may use these, and no other ones. */
	int (*permit)(struct estate *estate, const struct estate_owner *owner,
		const struct permitted *permitted, size_t count, struct error *reterr);
};

#endif
