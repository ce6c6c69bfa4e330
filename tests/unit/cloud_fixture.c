/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_fixture.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/thread.h"
#include "cloud/local/address.h"

#define CONNECTIONS_MAX 512

struct server {
	char name[32];
	int listener;
	pthread_t thread;
	struct lock lock;
	struct cond changed;
	bool stopping;
	int said, requests;
	struct connection {
		struct server *server;
		enum { CONNECTION_NONE, CONNECTION_OPEN, CONNECTION_ENDED } state;
		int fd;
		pthread_t thread; /* to be joined unless CONNECTION_NONE */
	} connections[CONNECTIONS_MAX];
};

static bool process_mentions(const char *pid, const char *text)
{
	_cleanup_buf_ struct buf arguments = BUF_INIT;
	char path[300];

	(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	return file_read(path, 65536, &arguments, NULL) == 0 && arguments.len > 0 &&
	       memmem(arguments.data, arguments.len, text, strlen(text)) != NULL;
}

int fixture_processes(const char *text)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (proc && (entry = readdir(proc)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			count += process_mentions(entry->d_name, text);
	if (proc)
		(void)closedir(proc);
	return count;
}

const char *at(int host)
{
	static __thread char ring[8][ADDRESS_MAX];
	static __thread unsigned int next;
	char *text = ring[next++ % 8];
	unsigned int pid = (unsigned int)getpid();

	(void)snprintf(text, ADDRESS_MAX, "127.%u.%u.%u", 100 + pid / 256 % 100, pid % 256,
		(unsigned int)host & 255);
	return text;
}

void fixture_init(struct fixture *fixture)
{
	*fixture = (struct fixture){.directory = "/tmp/duplofs-cloud.XXXXXX"};
	if (!mkdtemp(fixture->directory))
		abort();
	(void)snprintf(fixture->state_dir, sizeof(fixture->state_dir), "%s/state",
		fixture->directory);
	(void)snprintf(fixture->runtime_dir, sizeof(fixture->runtime_dir), "%s/run",
		fixture->directory);
	(void)snprintf(fixture->lb_range, sizeof(fixture->lb_range), "%s/24", at(0));
	(void)snprintf(fixture->dns_listen, sizeof(fixture->dns_listen), "%s:53", at(1));
	fixture->options = (struct cloud_local_options){.state_dir = fixture->state_dir,
		.runtime_dir = fixture->runtime_dir,
		.lb_range = fixture->lb_range,
		.dns_listen = fixture->dns_listen,
		.domain = "duplo.test"};
}

void fixture_done(struct fixture *fixture)
{
	(void)file_remove_tree(fixture->directory, NULL);
}

void fixture_pause(void)
{
	(void)poll(NULL, 0, 2);
}

bool fixture_runs(pid_t pid, const char *text)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	return process_mentions(number, text);
}

int fixture_reloads(const struct fixture *fixture)
{
	_cleanup_buf_ struct buf log = BUF_INIT;
	const char *at;
	char path[128];
	int count = 0;

	(void)snprintf(path, sizeof(path), "%s/haproxy.log", fixture->runtime_dir);
	if (file_read(path, 16 << 20, &log, NULL) < 0)
		return -1;
	for (at = buf_string(&log); (at = strstr(at, "Reloading HAProxy")) != NULL; at++)
		count++;
	return count;
}

static int socket_bound(const char *address, int port)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1, r;

	(void)inet_pton(AF_INET, address, &where.sin_addr);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&where, sizeof(where)) == 0 && listen(fd, 512) == 0)
		return fd;
	r = -errno;
	(void)close(fd);
	return r;
}

int listener_open(const char *address, int port)
{
	return socket_bound(address, port);
}

int listener_port(int fd)
{
	struct sockaddr_in where = {0};
	socklen_t len = sizeof(where);

	return getsockname(fd, (struct sockaddr *)&where, &len) < 0 ? -errno
								    : ntohs(where.sin_port);
}

/* Reads one message's head and, by its Content-Length, body. Returns the head's length or <= 0. */
static ssize_t read_message(int fd, struct buf *message, size_t *ret_body)
{
	char chunk[8192];
	const char *end = NULL, *length;
	size_t body = 0;

	for (;;) {
		ssize_t got;

		end = message->len ? memmem(message->data, message->len, "\r\n\r\n", 4) : NULL;
		if (end) {
			length = strcasestr(message->data, "\ncontent-length:");
			body = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
			if (message->len >= (size_t)(end + 4 - message->data) + body)
				break;
		}
		got = recv(fd, chunk, sizeof(chunk), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		buf_add(message, chunk, (size_t)got);
	}
	*ret_body = body;
	return end + 4 - message->data;
}

static int send_text(int fd, const char *text, size_t len)
{
	return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -EPIPE;
}

static void serve_hold(struct server *server, int fd)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	char byte;
	int said;

	if (send_text(fd, head, sizeof(head) - 1) < 0)
		return;
	lock_acquire(&server->lock);
	said = server->said - 1;
	for (;;) {
		while (!server->stopping && said == server->said)
			(void)cond_wait_until(&server->changed, &server->lock,
				clock_now_ns() + 20 * NS_PER_MILLISECOND);
		lock_release(&server->lock);
		if (recv(fd, &byte, 1, MSG_DONTWAIT) == 0 ||
			send_text(fd, "5\r\nword\n\r\n", 10) < 0)
			return;
		lock_acquire(&server->lock);
		if (server->stopping)
			break;
		said = server->said;
	}
	lock_release(&server->lock);
}

/* Answers one request; false when the connection is to be closed. */
static bool serve_request(struct server *server, int fd, const struct buf *request, size_t body)
{
	_cleanup_buf_ struct buf answer = BUF_INIT, content = BUF_INIT;
	const char *path = strchr(request->data, ' ');

	lock_acquire(&server->lock);
	server->requests++;
	lock_release(&server->lock);
	path = path ? path + 1 : "";
	if (strncmp(path, "/vanish ", 8) == 0)
		return false;
	if (strncmp(path, "/hold ", 6) == 0) {
		serve_hold(server, fd);
		return false;
	}
	if (strncmp(path, "/slow ", 6) == 0)
		(void)poll(NULL, 0, 300);
	if (strncmp(path, "/headers ", 9) == 0)
		buf_puts(&content, request->data);
	else if (strncmp(request->data, "POST ", 5) == 0)
		buf_printf(&content, "%zu", body);
	else
		buf_puts(&content, server->name);
	buf_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", content.len,
		buf_string(&content));
	return send_text(fd, answer.data, answer.len) == 0;
}

static void *serve_connection(void *arg)
{
	struct connection *connection = arg;
	struct server *server = connection->server;
	bool more = true;

	while (more) {
		_cleanup_buf_ struct buf request = BUF_INIT;
		size_t body;

		more = read_message(connection->fd, &request, &body) > 0 &&
		       serve_request(server, connection->fd, &request, body);
	}
	lock_acquire(&server->lock);
	connection->state = CONNECTION_ENDED;
	(void)close(connection->fd);
	lock_release(&server->lock);
	return NULL;
}

/* A place for one more connection; one that has ended is joined. */
static struct connection *server_place(struct server *server)
{
	int i;

	for (i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];
		bool ended;

		lock_acquire(&server->lock);
		ended = connection->state == CONNECTION_ENDED;
		lock_release(&server->lock);
		if (ended)
			thread_join(connection->thread);
		else if (connection->server)
			continue;
		return connection;
	}
	return NULL;
}

static void *server_run(void *arg)
{
	struct server *server = arg;
	int fd, yes = 1;

	while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = server_place(server);

		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		if (!connection)
			abort();
		lock_acquire(&server->lock);
		connection->server = server;
		connection->state = CONNECTION_OPEN;
		connection->fd = fd;
		lock_release(&server->lock);
		if (thread_start(&connection->thread, "connection", serve_connection, connection,
			    NULL) < 0)
			abort();
	}
	return NULL;
}

struct server *server_start(const char *address, int port, const char *name)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		abort();
	(void)snprintf(server->name, sizeof(server->name), "%s", name);
	lock_init(&server->lock, LOCK_LEAF);
	cond_init(&server->changed);
	server->listener = socket_bound(address, port);
	if (server->listener < 0 ||
		thread_start(&server->thread, "server", server_run, server, NULL) < 0)
		abort();
	return server;
}

void server_say(struct server *server)
{
	LOCKED(&server->lock);

	server->said++;
	cond_broadcast(&server->changed);
}

int server_requests(struct server *server)
{
	LOCKED(&server->lock);

	return server->requests;
}

void server_stop(struct server *server)
{
	int i;

	(void)shutdown(server->listener, SHUT_RDWR);
	thread_join(server->thread);
	(void)close(server->listener);
	lock_acquire(&server->lock);
	server->stopping = true;
	cond_broadcast(&server->changed);
	for (i = 0; i < CONNECTIONS_MAX; i++)
		if (server->connections[i].state == CONNECTION_OPEN)
			(void)shutdown(server->connections[i].fd, SHUT_RDWR);
	lock_release(&server->lock);
	for (i = 0; i < CONNECTIONS_MAX; i++)
		if (server->connections[i].server)
			thread_join(server->connections[i].thread);
	cond_done(&server->changed);
	lock_done(&server->lock);
	free(server);
}

int client_connect(const char *address, int port)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct timeval limit = {.tv_sec = 15};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1, r;

	(void)inet_pton(AF_INET, address, &where.sin_addr);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) == 0)
		return fd;
	r = -errno;
	(void)close(fd);
	return r;
}

int client_request(int fd, const char *method, const char *path, struct buf *body)
{
	_cleanup_buf_ struct buf message = BUF_INIT;
	char request[256];
	size_t body_len;
	ssize_t head;
	int len = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: test\r\n%s\r\n%s",
		method, path, strcmp(method, "POST") == 0 ? "Content-Length: 4\r\n" : "",
		strcmp(method, "POST") == 0 ? "data" : "");

	if (send_text(fd, request, (size_t)len) < 0)
		return -EPIPE;
	head = read_message(fd, &message, &body_len);
	if (head <= 0)
		return head < 0 ? (int)head : -ECONNRESET;
	if (body)
		buf_add(body, message.data + head, body_len);
	return (int)strtol(message.data + strlen("HTTP/1.1 "), NULL, 10);
}

int client_get(const char *address, int port, const char *path, struct buf *body)
{
	_cleanup_close_ int fd = client_connect(address, port);

	return fd < 0 ? fd : client_request(fd, "GET", path, body);
}
