/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine - one container engine on one host: Docker, or a simulated one.
 * Promises: every call has a deadline and returns a negative errno with a sentence for the tenant;
 *           every call is idempotent (creating what exists, removing what is gone: success).
 * Threads: all calls from any thread at once; they may block for seconds (never from a file
 *          handler).
 * Ownership: strings in arguments are borrowed for the call; ret_ values are the caller's.
 */
#ifndef DUPLOFS_ENGINE_ENGINE_H
#define DUPLOFS_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Labels on everything that we make; what lacks our LABEL_PLATFORM is never touched. */
#define LABEL_PLATFORM   "duplo.platform"
#define LABEL_TENANT     "duplo.tenant"
#define LABEL_SERVICE    "duplo.service"
#define LABEL_INSTANCE   "duplo.instance" /* object id of the instance */
#define LABEL_ORDINAL    "duplo.ordinal"
#define LABEL_GENERATION "duplo.generation" /* template generation of the service */
#define LABEL_AGENT      "duplo.agent" /* what is no instance's: version of the agent */

#define ENGINE_ID_MAX 80

struct label {
	const char *key;
	const char *value;
};

/* What a container should be. NULL and 0 mean: the engine's or the image's default. */
struct container_spec {
	const char *name;
	const char *hostname;
	const char *image;
	const char *const *command; /* NULL-terminated, or NULL: the image's */
	const char *const *environment; /* "KEY=value", NULL-terminated */
	const char *const *volumes; /* "name-or-path:/path[:ro]", as the engine's Binds */
	const struct label *labels;
	size_t label_count;
	const char *network; /* name of the tenant's network */
	const char *const *aliases; /* names in that network, NULL-terminated */
	const char *host_address; /* where the port is published, e.g. 127.0.0.1 */
	int host_port; /* 0: not published */
	int container_port;
	int64_t cpu_milli; /* 1000: one core; 0: no limit */
	int64_t memory_mib; /* 0: no limit */
	bool secluded; /* no network, no capabilities, nothing to write but its volumes */
};

enum container_phase {
	CONTAINER_ABSENT,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_EXITED, /* also dead and removing */
};

struct container_state {
	enum container_phase phase;
	char id[ENGINE_ID_MAX];
	char name[256];
	char address[64]; /* in the tenant's network; "" while not running */
	int exit_code;
	bool out_of_memory;
	char reason[256]; /* the engine's own words when it could not start, else "" */
	int64_t started_wall_ns;
	int64_t finished_wall_ns;
	int64_t instance; /* from LABEL_INSTANCE, 0 when it has none */
	int64_t generation; /* from LABEL_GENERATION */
	char tenant[64]; /* from LABEL_TENANT */
	char service[64]; /* from LABEL_SERVICE */
};

/* What a container has used since its start, and uses now. */
struct container_usage {
	int64_t cpu_ns;
	int64_t memory_bytes; /* without what the kernel may drop at any time */
	int64_t memory_limit_bytes; /* the host's memory when it has none */
	int64_t received_bytes, sent_bytes;
	int64_t processes;
};

/* What an engine's machine has. */
struct engine_capacity {
	int64_t cpu_milli;
	int64_t memory_mib;
};

/* A command to run inside a container, without a terminal and without input. */
struct container_command {
	const char *const *argv; /* NULL-terminated */
	const char *user; /* NULL: the container's */
	int64_t timeout_ms; /* after it the command is killed, where it runs on this machine */
	size_t max_bytes; /* of output and errors together; -EFBIG above */
};

enum engine_event_type {
	ENGINE_UP, /* the event stream is (again) connected: look at everything anew */
	ENGINE_DOWN, /* the engine does not answer; reason in error */
	ENGINE_CONTAINER_STARTED,
	ENGINE_CONTAINER_DIED,
	ENGINE_CONTAINER_REMOVED,
};

struct engine_event {
	enum engine_event_type type;
	char container[ENGINE_ID_MAX];
	int64_t instance; /* from LABEL_INSTANCE */
	int exit_code; /* ENGINE_CONTAINER_DIED */
	struct error error;
};

/* Called on a thread of the engine; must not block and must not call the engine. */
typedef void (*engine_event_fn)(void *arg, const struct engine_event *event);

/* Called from the pulling thread a few times a second; done and total in bytes (total may grow). */
typedef void (*engine_pull_fn)(void *arg, const char *phase, int64_t done, int64_t total);

/* Called per container of our platform; return a negative errno to stop. */
typedef int (*engine_list_fn)(void *arg, const struct container_state *state);

/* Called per name; return a negative errno to stop. */
typedef int (*engine_name_fn)(void *arg, const char *name);

/* A piece of a container's output, in order; wall_ns of the first byte, for resuming. Called on a
 * thread of the engine; may write to local files, must not block for long. */
typedef void (*engine_log_fn)(void *arg, int64_t wall_ns, const char *data, size_t len);
/* The follow has ended (container stopped, or engine gone); no call after this one. */
typedef void (*engine_log_end_fn)(void *arg);

struct engine;
struct engine_log;

struct engine_ops {
	/* Does the engine answer? Writes its name and version ("docker 20.10.24") into version. */
	int (*ping)(struct engine *engine, char *version, size_t size, struct error *reterr);

	/* NULL: it has no bounds. */
	int (*capacity)(struct engine *engine, struct engine_capacity *ret, struct error *reterr);

	/* -ENOENT: not on the host. Writes the image's id (digest) into ret_id. */
	int (*image_find)(struct engine *engine, const char *image, char ret_id[ENGINE_ID_MAX],
		struct error *reterr);
	/* Downloads the image; no overall deadline, but none without progress for 60 s. */
	int (*image_pull)(struct engine *engine, const char *image, engine_pull_fn progress,
		void *arg, struct error *reterr);

	/* Makes an image with one program in it, as /<program>. One of that name is replaced. NULL:
	 * the engine has no images. */
	int (*image_make)(struct engine *engine, const char *image, const char *program,
		const void *data, size_t len, struct error *reterr);

	int (*network_ensure)(struct engine *engine, const char *name, const struct label *labels,
		size_t label_count, struct error *reterr);
	int (*network_remove)(struct engine *engine, const char *name, struct error *reterr);

	/* -ENOENT: no such image; -EEXIST: the name is taken by a container that is not the same
	 * instance and generation of this platform (one that is counts as made). */
	int (*create)(struct engine *engine, const struct container_spec *spec,
		char ret_id[ENGINE_ID_MAX], struct error *reterr);
	/* -EADDRINUSE: the host port is taken; -ENOENT: no such container. Already running: 0. */
	int (*start)(struct engine *engine, const char *id, struct error *reterr);
	/* SIGTERM, SIGKILL after grace_s. Already stopped or gone: 0. */
	int (*stop)(struct engine *engine, const char *id, int grace_s, struct error *reterr);
	int (*kill)(struct engine *engine, const char *id, const char *signal,
		struct error *reterr);
	/* Removes it with its anonymous volumes, killing it when it still runs. Gone: 0. */
	int (*remove)(struct engine *engine, const char *id, struct error *reterr);
	/* Gone: 0 with CONTAINER_ABSENT. */
	int (*inspect)(struct engine *engine, const char *id, struct container_state *ret,
		struct error *reterr);
	/* -ENOENT: no such container, or it does not run. */
	int (*usage)(struct engine *engine, const char *id, struct container_usage *ret,
		struct error *reterr);
	/* Appends a table of the container's processes, a line each, with a title. NULL: the
	 * engine cannot tell. -ENOENT: no such container; -EBUSY: it does not run. */
	int (*top)(struct engine *engine, const char *id, struct buf *out, struct error *reterr);
	/* Appends what the command writes to output; *ret_status: its exit status. -ENOENT: no such
	 * container; -EBUSY: it does not run; -ETIMEDOUT: the command does not end (an engine that
	 * does not answer: -ENOTCONN). A program that is not in the image:
	 * status 126 or 127, as from a shell. */
	int (*exec)(struct engine *engine, const char *id, const struct container_command *command,
		struct buf *output, int *ret_status, struct error *reterr);
	/* Unpacks an archive (see base/tar.h) below a directory of the container, running or not.
	 * NULL: the engine has no files. -ENOENT: no such container. */
	int (*put)(struct engine *engine, const char *id, const char *directory,
		const struct buf *tar, struct error *reterr);
	/* States which names a running container knows beside those of its network, until it ends:
	 * a line of "address<TAB>name" each. NULL: the engine has no names. -ENOENT: no such
	 * container; -EBUSY: it does not run; -EOPNOTSUPP: they cannot be told to it. */
	int (*names)(struct engine *engine, const char *id, const char *lines,
		struct error *reterr);
	/* NULL: probe the container's address. Else the engine's own word whether it is well (what
	 * is simulated has no address that answers); gone: 0 with false. */
	int (*healthy)(struct engine *engine, const char *id, bool *ret, struct error *reterr);
	/* All containers with our platform label, running or not (address may be empty), but those
	 * with LABEL_AGENT. */
	int (*list)(struct engine *engine, engine_list_fn fn, void *arg, struct error *reterr);
	/* Names of networks with our platform label, one callback each. */
	int (*network_list)(struct engine *engine, engine_name_fn fn, void *arg,
		struct error *reterr);
	/* The same for named volumes (create makes them, with the container's platform
	 * and tenant). */
	int (*volume_list)(struct engine *engine, engine_name_fn fn, void *arg,
		struct error *reterr);
	/* Removes a named volume; -EBUSY while in use; gone: 0. */
	int (*volume_remove)(struct engine *engine, const char *name, struct error *reterr);

	/* Starts the event stream (once per engine); it reconnects by itself with backoff. */
	int (*watch)(struct engine *engine, engine_event_fn fn, void *arg, struct error *reterr);

	/* Follows a container's output from since_wall_ns (0: all). log_stop blocks until no
	 * callback runs any more; it is needed after the end too, and frees *log. */
	int (*log_follow)(struct engine *engine, const char *id, int64_t since_wall_ns,
		engine_log_fn fn, engine_log_end_fn end, void *arg, struct engine_log **ret,
		struct error *reterr);
	void (*log_stop)(struct engine *engine, struct engine_log *log);

	/* Makes calls that run, and all later ones, return -ECANCELED at once: for stopping. */
	void (*interrupt)(struct engine *engine);
	/* Ends the streams and joins the threads; no call may run. Containers go on. */
	void (*free)(struct engine *engine);
};

struct engine {
	const struct engine_ops *ops;
};

/* url: unix:///path or tcp://127.0.0.1:port. platform: value of LABEL_PLATFORM. Does
 * not connect. */
int engine_docker_new(struct engine **ret, const char *url, const char *platform,
	struct error *reterr);

/* Who answers must have a certificate of this authority; we show one of our own. */
struct engine_tls {
	const char *ca_file;
	const char *cert_file; /* certificate and key */
};

/* The same, and tls://name@address:port: connects to the address, where a certificate for the name
 * is wanted. The files are read when a connection is made. */
int engine_docker_new_tls(struct engine **ret, const char *url, const struct engine_tls *tls,
	const char *platform, struct error *reterr);

/* Accepts everything; each call takes about latency_ms. Containers live in this process's memory.
 * Images that misbehave (any tag): simulated/missing is in no registry, simulated/exits dies at
 * once, simulated/crashes a second after each start, simulated/unhealthy runs and is never well. */
int engine_simulated_new(struct engine **ret, const char *platform, int64_t latency_ms,
	struct error *reterr);

static inline void engine_free(struct engine *engine)
{
	if (engine)
		engine->ops->free(engine);
}

#endif
