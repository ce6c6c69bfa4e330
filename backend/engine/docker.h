/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker - what the files of the Docker engine share: the handle, one API call, its errors.
 * Promises: docker_call returns 0 only for an answer that counts as success; everything else
 *           becomes an errno and a sentence that a tenant understands.
 * Threads: any at once.
 * Ownership: ret_json is the caller's (may be NULL in an answer without JSON).
 */
#ifndef DUPLOFS_ENGINE_DOCKER_H
#define DUPLOFS_ENGINE_DOCKER_H

#include "base/json.h"
#include "base/lock.h"
#include "engine/engine.h"
#include "net/stream.h"

#define DOCKER_QUICK_MS     30000 /* looking and small changes */
#define DOCKER_START_MS     120000 /* creating and starting on a loaded host */
#define DOCKER_PULL_IDLE_MS 60000

struct docker_watch;

struct docker {
	struct engine engine; /* first: an engine is a docker */
	char *socket_path; /* NULL for TCP */
	char *base; /* "http://docker", "http://host:port" or "https://name:port" */
	char *connect_to; /* "address:port" of that name; NULL: as base says */
	char *ca_file, *cert_file; /* of TLS; NULL: none */
	char *platform;
	struct net *net;
	struct net_cancel *cancel;
	struct net_loop *loop;
	struct docker_watch *watch;
	struct lock lock;
	struct cond network_cond;
	bool network_busy; /* somebody is creating a network */
	char version[16]; /* of the API, "" until asked for */
};

static inline struct docker *docker_of(struct engine *engine)
{
	return (struct docker *)engine;
}

struct docker_call {
	const char *method;
	const char *path; /* after the version, escaped: "/containers/json?all=1" */
	json_t *body; /* borrowed; NULL: none */
	const struct buf *tar; /* likewise, in the place of body */
	int64_t timeout_ms; /* 0: DOCKER_QUICK_MS, of a stream none */
	int also_fine; /* a status beside 2xx that counts as success, 0: none */
	const char *subject; /* for sentences: "image nginx", "container web-1"; NULL: none */
	int ret_status;
};

/* -ENOTCONN: the engine does not answer. For others see docker_failure. */
int docker_call(struct docker *docker, struct docker_call *call, json_t **ret_json,
	struct error *reterr);

/* A GET of path, which may have failed to be built; subject as in struct docker_call. */
int docker_get(struct docker *docker, const struct buf *path, const char *subject,
	json_t **ret_json, struct error *reterr);

/* docker_call for an answer that streams in, with no limit but the time without progress. */
int docker_stream(struct docker *docker, struct docker_call *call, net_data_fn data, void *arg,
	struct error *reterr);

/* A request to the engine, with no limits yet; borrows from docker. */
void docker_request(const struct docker *docker, const char *method, const char *url,
	struct net_request *request);

/* Version to put before a path ("v1.41"); asks the engine once. */
int docker_version(struct docker *docker, char version[16], struct error *reterr);

/* Asks anew at the next call: another engine may have taken this one's place. */
void docker_version_forget(struct docker *docker);

/* Turns what net said into -ENOTCONN and advice when the engine is away. */
int docker_unreachable(const struct docker *docker, int code, struct error *reterr);

/* Turns an answer of status with the engine's message into an errno and a sentence
 * about subject. */
int docker_failure(int status, const char *message, const char *subject, struct error *reterr);

/* {"label":["duplo.platform=<platform>"]} as a URL's value; with name added when not NULL. */
void docker_filter(struct buf *url, const char *platform, const char *name);

/* True when labels (an object) say that it is this platform's. */
bool docker_is_ours(const struct docker *docker, const json_t *labels);

json_t *docker_labels(const struct label *labels, size_t count);

/* The whole inspection of a container; -ENOENT. */
int docker_look(struct docker *docker, const char *id, json_t **ret, struct error *reterr);

/* The rows of engine_docker_ops, each in the file of its noun. */
int docker_image_find(struct engine *engine, const char *image, char ret_id[ENGINE_ID_MAX],
	struct error *reterr);
int docker_image_pull(struct engine *engine, const char *image, engine_pull_fn progress, void *arg,
	struct error *reterr);
int docker_image_make(struct engine *engine, const char *image, const char *program,
	const void *data, size_t len, struct error *reterr);
int docker_network_ensure(struct engine *engine, const char *name, const struct label *labels,
	size_t label_count, struct error *reterr);
int docker_network_remove(struct engine *engine, const char *name, struct error *reterr);
int docker_network_list(struct engine *engine, engine_name_fn fn, void *arg, struct error *reterr);
int docker_volume_ensure(struct docker *docker, const char *name, const struct label *labels,
	size_t label_count, struct error *reterr);
int docker_volume_remove(struct engine *engine, const char *name, struct error *reterr);
int docker_volume_list(struct engine *engine, engine_name_fn fn, void *arg, struct error *reterr);
int docker_create(struct engine *engine, const struct container_spec *spec,
	char ret_id[ENGINE_ID_MAX], struct error *reterr);
int docker_start(struct engine *engine, const char *id, struct error *reterr);
int docker_stop(struct engine *engine, const char *id, int grace_s, struct error *reterr);
int docker_kill(struct engine *engine, const char *id, const char *signal, struct error *reterr);
int docker_remove(struct engine *engine, const char *id, struct error *reterr);
int docker_inspect(struct engine *engine, const char *id, struct container_state *ret,
	struct error *reterr);
int docker_usage(struct engine *engine, const char *id, struct container_usage *ret,
	struct error *reterr);
int docker_top(struct engine *engine, const char *id, struct buf *out, struct error *reterr);
int docker_exec(struct engine *engine, const char *id, const struct container_command *command,
	struct buf *output, int *ret_status, struct error *reterr);
int docker_names(struct engine *engine, const char *id, const char *lines, struct error *reterr);
int docker_put(struct engine *engine, const char *id, const char *directory, const struct buf *tar,
	struct error *reterr);
int docker_list(struct engine *engine, engine_list_fn fn, void *arg, struct error *reterr);
int docker_watch(struct engine *engine, engine_event_fn fn, void *arg, struct error *reterr);
void docker_watch_free(struct docker_watch *watch);
int docker_log_follow(struct engine *engine, const char *id, int64_t since_wall_ns,
	engine_log_fn fn, engine_log_end_fn end, void *arg, struct engine_log **ret,
	struct error *reterr);
void docker_log_stop(struct engine *engine, struct engine_log *log);

#endif
