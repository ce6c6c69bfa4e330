/* SPDX-License-Identifier: Apache-2.0 */
/*
 * haproxy_config - the text of HAProxy's configuration, written and read back; runtime commands.
 * Promises: no tenant's text is ever in it: names are object ids, addresses are numbers, paths are
 *           quoted. What was written can be read back with haproxy_config_parse.
 * Threads: pure functions.
 * Ownership: text goes into the caller's buf; parsed strings are borrowed for the callback.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_HAPROXY_CONFIG_H
#define DUPLOFS_CLOUD_LOCAL_HAPROXY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "cloud/local/address.h"

enum server_state {
	SERVER_READY,
	SERVER_DRAIN, /* keeps its connections, gets no new ones */
	SERVER_GONE, /* in maintenance until its last connection ends, then deleted */
};

/* A server of a backend as the running HAProxy has it. */
struct server {
	char name[64];
	char address[64];
	int port;
	enum server_state state;
};

struct listener {
	int64_t service;
	const char *address;
	int port;
	bool plain; /* listen on port */
	const char *certificate; /* path of a PEM file: listen on 443 with TLS; or NULL */
	const char *serial; /* of the certificate, so that a new one is a new text */
};

/* Appends everything before the first balancer. revision: [a-z0-9-], of the listeners. */
void haproxy_config_head(struct buf *text, const char *revision, const char *socket_path,
	bool drop_privileges);

/* Appends "# balancer ID" and the frontend. */
void haproxy_config_listener(struct buf *text, const struct listener *listener);

/* Appends the backend and its servers that are SERVER_READY. */
void haproxy_config_backend(struct buf *text, int64_t service, const struct server *servers,
	size_t count);

/* True when a listener's text binds address:port. */
bool haproxy_config_binds(const char *listener, const char *address, int port);

/* The next address and port that a listener's text binds, from *at on; false: no more. */
bool haproxy_config_next_bind(const char **at, char ret_address[ADDRESS_MAX], int *ret_port);

/* A path as one word of the configuration. -EINVAL when it cannot be quoted. */
int haproxy_config_check_path(const char *path, struct error *reterr);

struct haproxy_config_reader {
	void *arg;
	void (*revision)(void *arg, const char *revision, size_t head_len);
	int (*listener)(void *arg, int64_t service, const char *text, size_t len);
	int (*server)(void *arg, int64_t service, const struct server *server);
};

/* Reads back what was written above; -EBADMSG for anything else. A callback's error ends it. */
int haproxy_config_parse(const char *text, const struct haproxy_config_reader *reader);

/* Runtime commands, each followed by ';'. */
void haproxy_command_add(struct buf *line, int64_t service, const struct server *server);
void haproxy_command_address(struct buf *line, int64_t service, const struct server *server);
void haproxy_command_state(struct buf *line, int64_t service, const struct server *server);
void haproxy_command_delete(struct buf *line, int64_t service, const struct server *server);

/* Reads "show servers state": one call a server. */
int haproxy_servers_parse(const char *answer,
	int (*fn)(void *arg, int64_t service, const struct server *server), void *arg);

/* The next service that HAProxy complains about in *at, which moves on; -1 when there is none.
 * config is the text that it complains about: messages may name a line instead. */
int64_t haproxy_message_service(const char **at, const char *config);

#endif
