/* SPDX-License-Identifier: Apache-2.0 */
/*
 * puppet - a container engine and a cloud whose world the test holds in its hands: containers that
 *          can be made to die, images that cannot be pulled, an engine that goes away, calls that
 *          fail at random. The world outlives the engine and cloud objects made upon it.
 * Promises: keeps the contract of engine.h and cloud.h; what a test breaks, it breaks on purpose.
 * Threads: any.
 * Ownership: puppet_free after every engine and cloud made upon it.
 */
#ifndef DUPLOFS_TESTS_PUPPET_H
#define DUPLOFS_TESTS_PUPPET_H

#include "cloud/cloud.h"
#include "engine/engine.h"

struct puppet;

struct puppet *puppet_new(void);
void puppet_free(struct puppet *puppet);

struct engine *puppet_engine(struct puppet *puppet);
struct cloud *puppet_cloud(struct puppet *puppet);

/* Images whose name contains this cannot be pulled; those with absent have to be pulled first. */
void puppet_break_image(struct puppet *puppet, const char *part);
/* Containers of images whose name contains this exit at once with code 3. */
void puppet_crash_image(struct puppet *puppet, const char *part);
/* So many of a thousand calls fail. */
void puppet_fail_calls(struct puppet *puppet, int per_mille);
/* Calls to start a container wait, or go on. */
void puppet_hold_starts(struct puppet *puppet, bool hold);
int puppet_held(struct puppet *puppet);
/* A port of the host that somebody else has. 0: none. */
void puppet_take_port(struct puppet *puppet, int port);
/* The engine goes away, or comes back. */
void puppet_set_up(struct puppet *puppet, bool up);
/* One running container dies, whose name contains this. False: there is none. */
bool puppet_kill(struct puppet *puppet, const char *part, int exit_code);

/* Counts. */
int puppet_containers(struct puppet *puppet, const char *part, bool running_only);
int puppet_networks(struct puppet *puppet);
int puppet_balancers(struct puppet *puppet);
int puppet_names(struct puppet *puppet);
int puppet_targets(struct puppet *puppet, enum target_state state);
/* Fewest targets in state ready since the last call, over all balancers. */
int puppet_fewest_ready(struct puppet *puppet);
int puppet_creates(struct puppet *puppet);
/* Signals sent so far; the last one's name goes into name. */
int puppet_signals(struct puppet *puppet, char *name, size_t size);

#endif
