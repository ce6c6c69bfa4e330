/* SPDX-License-Identifier: Apache-2.0 */
/*
 * haproxy - the HAProxy program as a supervised process: start, reload, adopt, talk to it, stop.
 * Promises: start and reload return when the worker that runs the wanted revision answers, or with
 *           what HAProxy said; a reload that fails leaves the old worker in service.
 * Threads: a struct haproxy belongs to one thread; haproxy_ask_all may be called by any.
 * Ownership: paths are fixed by haproxy_init; the process outlives us after haproxy_leave.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_HAPROXY_H
#define DUPLOFS_CLOUD_LOCAL_HAPROXY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "cloud/local/process.h"

struct haproxy {
	char config[PATH_MAX]; /* what runs, or what is about to */
	char candidate[PATH_MAX];
	char socket_base[108];
	char socket[108]; /* of the worker that runs now */
	char master[108];
	char pid_file[PATH_MAX]; /* of the master */
	char log[PATH_MAX];
	char tools[PATH_MAX]; /* "": PATH */
	struct process process;
	char version[32]; /* "" before the first contact */
	struct buf output; /* what the last check, start or reload said */
};

int haproxy_init(struct haproxy *haproxy, const char *runtime_dir, const char *tools,
	struct error *reterr);
void haproxy_done(struct haproxy *haproxy);

/* The socket that the configuration of revision must open. Each revision has its own: a reload
 * hands listening sockets on, and one with the same name would be answered by both workers. */
void haproxy_socket_name(const struct haproxy *haproxy, const char *revision, char ret[108]);

/* -ENOPKG with the name of the package when the program is missing. */
int haproxy_find(const struct haproxy *haproxy, char path[PATH_MAX], struct error *reterr);

/* haproxy -c on text. -EINVAL when HAProxy refuses it. */
int haproxy_check(struct haproxy *haproxy, const struct buf *text, struct error *reterr);

/* Both run the file haproxy->config, which must define revision. */
int haproxy_start(struct haproxy *haproxy, const char *revision, struct error *reterr);
int haproxy_reload(struct haproxy *haproxy, const char *revision, struct error *reterr);

/* Takes over a master process that runs haproxy->config. -ESRCH: there is none; -ESTALE: it is
 * taken over, but its worker runs another revision: only after a reload it can be talked to. */
int haproxy_adopt(struct haproxy *haproxy, const char *revision);

/* HAProxy tells of every change of a server; a log that has grown too long starts anew. */
void haproxy_trim_log(const struct haproxy *haproxy);

/* Stops it, and its workers, and removes the sockets. */
void haproxy_stop(struct haproxy *haproxy);
void haproxy_leave(struct haproxy *haproxy);

/* Sends commands (no newline; ';' between them) to the current worker. */
int haproxy_ask(const struct haproxy *haproxy, const char *commands, struct buf *answer,
	struct error *reterr);

/* Sends commands to the current and to every leaving worker, answers one after the other. Returns
 * how many were asked; -ECONNREFUSED while the master reloads, which may cut an answer short. */
int haproxy_ask_all(const struct haproxy *haproxy, const char *commands, struct buf *answer,
	struct error *reterr);

#endif
