/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cloud_fixture - what tests of the local cloud share: directories, web servers, a web client.
 * Promises: everything is on loopback addresses of the process's own, so that tests run at once.
 * Threads: a server runs threads of its own; the client calls are for any thread.
 * Ownership: server_stop ends and frees a server; fixture_done removes the directories.
 */
#ifndef DUPLOFS_TESTS_UNIT_CLOUD_FIXTURE_H
#define DUPLOFS_TESTS_UNIT_CLOUD_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "cloud/cloud.h"

#define PATIENCE_NS (20 * NS_PER_SECOND)

/* Waits until condition holds; fails the test when it does not in time. */
#define await(condition)                                                                           \
	do {                                                                                       \
		int64_t await_deadline_ns = clock_now_ns() + PATIENCE_NS;                          \
		while (!(condition)) {                                                             \
			if (clock_now_ns() > await_deadline_ns)                                    \
				fail_msg("waited in vain for: %s", #condition);                    \
			fixture_pause();                                                           \
		}                                                                                  \
	} while (0)

#define assert_fine(call)                                                                          \
	do {                                                                                       \
		error_clear(&error);                                                               \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, error.text);                                     \
	} while (0)

struct fixture {
	char directory[64];
	char state_dir[80];
	char runtime_dir[80];
	char lb_range[32];
	char dns_listen[32];
	struct cloud_local_options options; /* ready for cloud_local_new */
};

/* An address of this process alone: 127.x.y.host. Good for the next seven calls of the thread. */
const char *at(int host);

/* The range is at(0)/24 and the name server listens on at(1), port 53. */
void fixture_init(struct fixture *fixture);
void fixture_done(struct fixture *fixture);
void fixture_pause(void);

/* Processes, zombies excepted, that have text in one of their arguments. */
int fixture_processes(const char *text);
bool fixture_runs(pid_t pid, const char *text);

/* How often HAProxy says that it has reloaded. */
int fixture_reloads(const struct fixture *fixture);

/* A web server that answers with its name. Paths: /hold answers the head and one line, and then a
 * line for each server_say; /headers answers what it was sent; /slow takes 300 ms; POST is answered
 * with the number of bytes of the body; /vanish closes without an answer. */
struct server;
struct server *server_start(const char *address, int port, const char *name);
void server_say(struct server *server);
int server_requests(struct server *server);
void server_stop(struct server *server);

/* A TCP listener that never accepts; -errno. */
int listener_open(const char *address, int port);
int listener_port(int fd);

/* GET http://address:port path. Returns the status code, or -errno; body may be NULL. */
int client_get(const char *address, int port, const char *path, struct buf *body);
int client_connect(const char *address, int port);
/* The same on a connection of the caller's, which stays open. */
int client_request(int fd, const char *method, const char *path, struct buf *body);

#endif
