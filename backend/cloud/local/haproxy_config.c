/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/haproxy_config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define MARK_REVISION "# revision "
#define MARK_BALANCER "# balancer "

/*
 * A request that did not reach a server, or that a server closed without a word, goes to another
 * when doing it twice is harmless. roundrobin rather than leastconn: a server that refuses has no
 * connections, and leastconn would choose it again and again.
 * idle-close-on-response: a reload must not close a connection under a request on its way.
 */
static const char defaults_text[] = "defaults\n"
				    "\tmode http\n"
				    "\tbalance roundrobin\n"
				    "\ttimeout connect 3s\n"
				    "\ttimeout client 10m\n"
				    "\ttimeout server 10m\n"
				    "\ttimeout tunnel 24h\n"
				    "\ttimeout http-request 30s\n"
				    "\ttimeout http-keep-alive 60s\n"
				    "\ttimeout queue 30s\n"
				    "\ttimeout client-fin 30s\n"
				    "\ttimeout server-fin 30s\n"
				    "\toption forwardfor\n"
				    "\toption redispatch 1\n"
				    "\toption idle-close-on-response\n"
				    "\tretries 6\n"
				    "\tretry-on conn-failure empty-response\n"
				    "\thttp-reuse safe\n"
				    "\tdefault-server pool-max-conn 64 pool-purge-delay 1s\n";

/* HAProxy leaves root behind for its own user, or for nobody. */
static void config_user(struct buf *text)
{
	struct passwd *result = NULL, entry;
	char space[1024];

	if (getpwnam_r("haproxy", &entry, space, sizeof(space), &result) == 0 && result) {
		buf_printf(text, "\tuid %u\n\tgid %u\n", entry.pw_uid, entry.pw_gid);
		return;
	}
	buf_puts(text, "\tuid 65534\n\tgid 65534\n");
}

void haproxy_config_head(struct buf *text, const char *revision, const char *socket_path,
	bool drop_privileges)
{
	buf_printf(text, MARK_REVISION "%s\n", revision);
	buf_printf(text, "global\n\tsetenv DUPLOFS_REVISION %s\n", revision);
	buf_printf(text, "\tstats socket '%s' mode 600 level admin expose-fd listeners\n",
		socket_path);
	/* Its own client, which nothing uses, would read all of the system's authorities at each
	 * start, check and reload: two thirds of the time that one takes. */
	buf_puts(text, "\thttpclient.ssl.verify none\n"
		       "\tstats timeout 10s\n"
		       "\tfd-hard-limit 65536\n"
		       "\thard-stop-after 12h\n"
		       "\tmworker-max-reloads 100\n"
		       "\tssl-default-bind-options ssl-min-ver TLSv1.2\n");
	if (drop_privileges)
		config_user(text);
	buf_puts(text, defaults_text);
}

void haproxy_config_listener(struct buf *text, const struct listener *listener)
{
	int64_t service = listener->service;

	buf_printf(text, MARK_BALANCER "%" PRId64 "\nfrontend f%" PRId64 "\n", service, service);
	if (listener->plain)
		buf_printf(text, "\tbind %s:%d\n", listener->address, listener->port);
	if (listener->certificate)
		buf_printf(text, "\tbind %s:443 ssl crt '%s' alpn h2,http/1.1 # %s\n",
			listener->address, listener->certificate, listener->serial);
	buf_printf(text,
		"\thttp-request set-header X-Forwarded-Proto https if { ssl_fc }\n"
		"\thttp-request set-header X-Forwarded-Proto http unless { ssl_fc }\n"
		"\thttp-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE TRACE "
		"}\n"
		"\tdefault_backend b%" PRId64 "\n",
		service);
}

static void config_address(struct buf *text, const struct server *server)
{
	bool ipv6 = strchr(server->address, ':') != NULL;

	buf_printf(text, ipv6 ? "[%s]:%d" : "%s:%d", server->address, server->port);
}

void haproxy_config_backend(struct buf *text, int64_t service, const struct server *servers,
	size_t count)
{
	size_t i;

	buf_printf(text, "backend b%" PRId64 "\n", service);
	for (i = 0; i < count; i++) {
		if (servers[i].state != SERVER_READY)
			continue;
		buf_printf(text, "\tserver %s ", servers[i].name);
		config_address(text, &servers[i]);
		buf_putc(text, '\n');
	}
}

bool haproxy_config_binds(const char *listener, const char *address, int port)
{
	char bind[64];
	const char *at;
	size_t len;

	len = (size_t)snprintf(bind, sizeof(bind), "\tbind %s:%d", address, port);
	at = listener ? strstr(listener, bind) : NULL;
	while (at && at[len] != '\n' && at[len] != ' ')
		at = strstr(at + len, bind);
	return at != NULL;
}

bool haproxy_config_next_bind(const char **at, char ret_address[ADDRESS_MAX], int *ret_port)
{
	const char *bind = *at ? strstr(*at, "\tbind ") : NULL;

	if (!bind || sscanf(bind, "\tbind %15[0-9.]:%d", ret_address, ret_port) != 2)
		return false;
	*at = bind + 1;
	return true;
}

int haproxy_config_check_path(const char *path, struct error *reterr)
{
	const char *at;

	for (at = path; *at; at++)
		if (*at == '\'' || *at == ',' || (unsigned char)*at < ' ')
			return error_set(reterr, -EINVAL,
				"the directory \"%s\" has a character that HAProxy cannot take",
				path);
	return *path == '/' ? 0
			    : error_set(reterr, -EINVAL, "\"%s\" is not an absolute path", path);
}

/* Reads "\tserver NAME ADDRESS:PORT". */
static int config_parse_server(const char *line, size_t len, struct server *ret)
{
	char text[256], *colon, *address;
	int64_t port;

	if (len >= sizeof(text))
		return -EBADMSG;
	memcpy(text, line, len);
	text[len] = '\0';
	address = strchr(text, ' ');
	colon = strrchr(text, ':');
	if (!address || !colon || colon < address || text_parse_int(colon + 1, 1, 65535, &port) < 0)
		return -EBADMSG;
	*address++ = '\0';
	*colon = '\0';
	if (*address == '[' && colon[-1] == ']') {
		address++;
		colon[-1] = '\0';
	}
	if (!address_is_numeric(address) || !text_copy(ret->name, sizeof(ret->name), text))
		return -EBADMSG;
	(void)text_copy(ret->address, sizeof(ret->address), address);
	ret->port = (int)port;
	ret->state = SERVER_READY;
	return 0;
}

/* Reads the "server" lines of one backend; returns where the next balancer starts, or NULL. */
static const char *config_parse_backend(const char *at, int64_t service,
	const struct haproxy_config_reader *reader, int *ret)
{
	static const char word[] = "\tserver ";
	struct server server;
	size_t len;

	*ret = 0;
	for (; *at && *ret == 0; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		if (strncmp(at, word, sizeof(word) - 1) != 0)
			break;
		*ret = config_parse_server(at + sizeof(word) - 1, len - (sizeof(word) - 1),
			&server);
		if (*ret == 0)
			*ret = reader->server(reader->arg, service, &server);
	}
	return at;
}

int haproxy_config_parse(const char *text, const struct haproxy_config_reader *reader)
{
	const char *at = strstr(text, MARK_BALANCER), *backend;
	char revision[64], mark[48];
	int64_t service;
	int r = 0;

	if (strncmp(text, MARK_REVISION, strlen(MARK_REVISION)) != 0)
		return -EBADMSG;
	(void)snprintf(revision, sizeof(revision), "%.*s",
		(int)strcspn(text + strlen(MARK_REVISION), "\n"), text + strlen(MARK_REVISION));
	reader->revision(reader->arg, revision, at ? (size_t)(at - text) : strlen(text));
	while (r == 0 && at && *at) {
		if (sscanf(at, MARK_BALANCER "%" SCNd64 "\n", &service) != 1)
			return -EBADMSG;
		(void)snprintf(mark, sizeof(mark), "\nbackend b%" PRId64 "\n", service);
		backend = strstr(at, mark);
		if (!backend)
			return -EBADMSG;
		r = reader->listener(reader->arg, service, at, (size_t)(backend + 1 - at));
		if (r == 0)
			at = config_parse_backend(backend + strlen(mark), service, reader, &r);
	}
	return r;
}

void haproxy_command_add(struct buf *line, int64_t service, const struct server *server)
{
	buf_printf(line, "add server b%" PRId64 "/%s ", service, server->name);
	config_address(line, server);
	buf_printf(line, " pool-max-conn 64 pool-purge-delay 1s;enable server b%" PRId64 "/%s;",
		service, server->name);
}

void haproxy_command_address(struct buf *line, int64_t service, const struct server *server)
{
	buf_printf(line, "set server b%" PRId64 "/%s addr %s port %d;", service, server->name,
		server->address, server->port);
}

void haproxy_command_state(struct buf *line, int64_t service, const struct server *server)
{
	static const char *const words[] = {
		[SERVER_READY] = "ready", [SERVER_DRAIN] = "drain", [SERVER_GONE] = "maint"};

	buf_printf(line, "set server b%" PRId64 "/%s state %s;", service, server->name,
		words[server->state]);
}

void haproxy_command_delete(struct buf *line, int64_t service, const struct server *server)
{
	buf_printf(line, "del server b%" PRId64 "/%s;", service, server->name);
}

/* Fields as management.txt of HAProxy 2.6 names them, from version 1 of the dump. */
static bool servers_parse_line(const char *line, int64_t *ret_service, struct server *ret)
{
	unsigned int admin;

	if (sscanf(line,
		    "%*d b%" SCNd64 " %*d %63s %63s %*d %u "
		    "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
		    ret_service, ret->name, ret->address, &admin, &ret->port) != 5)
		return false;
	/* 1, 2 and 4 are kinds of maintenance, 8 and 16 of drain. */
	ret->state = admin & 7 ? SERVER_GONE : admin & 24 ? SERVER_DRAIN : SERVER_READY;
	return true;
}

int haproxy_servers_parse(const char *answer,
	int (*fn)(void *arg, int64_t service, const struct server *server), void *arg)
{
	const char *line;
	int64_t service;
	int r = 0;

	for (line = answer; r == 0 && *line; line += strcspn(line, "\n"), line += *line == '\n') {
		struct server server = {0};

		if (isdigit((unsigned char)*line) && servers_parse_line(line, &service, &server))
			r = fn(arg, service, &server);
	}
	return r;
}

/* The balancer that the given line (from 1) of config belongs to, or -1. */
static int64_t config_line_service(const char *config, long line)
{
	int64_t service = -1;

	for (; *config && line > 0; line--) {
		(void)sscanf(config, MARK_BALANCER "%" SCNd64, &service);
		config += strcspn(config, "\n");
		config += *config == '\n';
	}
	return service;
}

static int64_t message_line_service(const char *line, size_t len, const char *config)
{
	static const char *const words[] = {"frontend f", "backend b", "proxy f", "proxy b",
		"proxy 'f", "proxy 'b", "frontend 'f", "backend 'b"};
	const char *at;
	size_t i;

	for (at = line; at < line + len; at++) {
		if (*at == ':' && isdigit((unsigned char)at[1]) &&
			at[1 + strspn(at + 1, "0123456789")] == ']')
			return config_line_service(config, strtol(at + 1, NULL, 10));
		for (i = 0; i < ARRAY_SIZE(words); i++) {
			size_t word = strlen(words[i]);

			if (strncasecmp(at, words[i], word) == 0 &&
				isdigit((unsigned char)at[word]))
				return strtoll(at + word, NULL, 10);
		}
	}
	return -1;
}

int64_t haproxy_message_service(const char **at, const char *config)
{
	int64_t service = -1;

	while (**at && service < 0) {
		size_t len = strcspn(*at, "\n");

		if (strncmp(*at, "[ALERT]", 7) == 0)
			service = message_line_service(*at, len, config);
		*at += len + ((*at)[len] == '\n');
	}
	return service;
}
