/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - the command line: one table of rows from which parsing, checks and help derive.
 * Promises: what a program like mount(8) passes along is taken; what nobody knows is refused with
 *           the nearest known name.
 * Threads: none shared; a struct options is a plain value.
 * Ownership: everything is inside the struct.
 */
#ifndef DUPLOFS_FS_PROCESS_OPTIONS_H
#define DUPLOFS_FS_PROCESS_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum options_action {
	OPTIONS_MOUNT,
	OPTIONS_CHECK,
	OPTIONS_UPGRADE,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	/* How the program starts itself; not for people. A successor renews the worker. */
	OPTIONS_HOLDER,
	OPTIONS_SUPERVISOR,
	OPTIONS_SUCCESSOR,
	OPTIONS_WORKER,
	OPTIONS_TRIAL, /* says whether it could be a successor */
};

/* What the processes of a mount hand each other; -1 when absent. */
struct options_fds {
	int fuse, handoff, lock;
	int peer; /* supervisor, worker: pidfd of the other */
	int report; /* worker: pipe to say that it is ready, or why not */
	int alive; /* supervisor, worker: open while one of them lives */
	int watch; /* the other end of that, for the holder */
};

#define OPTIONS_FDS_NONE ((struct options_fds){-1, -1, -1, -1, -1, -1, -1})

struct options {
	enum options_action action;
	char mountpoint[PATH_MAX];
	char source[256]; /* first column of /proc/mounts */
	char state[PATH_MAX];
	char cloud[16];
	char docker[512];
	char lb_range[64];
	char dns_listen[64];
	char domain[254];
	int64_t host_grace_s;
	int64_t sweep_s; /* cloud=aws */
	int64_t latency_ms; /* cloud=simulated */
	bool foreground, debug, read_only, no_exec;
	struct options_fds fds;
};

/* Defaults, then the arguments. -EINVAL with a sentence that names the nearest known word. */
int options_parse(struct options *ret, int argc, char *const *argv, struct error *reterr);

/* The table as lines for --help. */
void options_help(struct buf *out);

/* The -o list that parses back to the same values. */
void options_print(const struct options *options, struct buf *out);

#endif
