/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

#define DRIP_MS 20

struct client {
	struct peer *peer;
	int fd;
};

/* Waits; false when the client went away or the peer is to stop. */
static bool client_wait(struct client *client, int wait_ms, bool until_release)
{
	struct pollfd fds[] = {
		{.fd = client->peer->stop_fd, .events = POLLIN},
		{.fd = client->fd, .events = POLLRDHUP},
		{.fd = until_release ? client->peer->release_fd : -1, .events = POLLIN},
	};

	(void)poll(fds, 3, wait_ms);
	return !fds[0].revents && !fds[1].revents;
}

static bool client_send(struct client *client, const char *data, size_t len)
{
	ssize_t n;

	for (; len > 0; data += n, len -= (size_t)n) {
		n = send(client->fd, data, len, MSG_NOSIGNAL);
		if (n < 0)
			return false;
	}
	return true;
}

static bool client_puts(struct client *client, const char *text)
{
	return client_send(client, text, strlen(text));
}

static bool client_answer(struct client *client, int status, const char *data, size_t len)
{
	char head[160];

	(void)snprintf(head, sizeof(head),
		"HTTP/1.1 %d Word\r\nContent-Length: %zu\r\nX-Test: one\r\nx-test:  two \r\n\r\n",
		status, len);
	return client_puts(client, head) && client_send(client, data, len);
}

static bool client_bytes(struct client *client, size_t len)
{
	char *data = malloc(len + 1);
	bool sent;

	memset(data, 'x', len);
	sent = client_answer(client, 200, data, len);
	free(data);
	return sent;
}

static void client_drip(struct client *client, const char *start, const char *piece)
{
	bool open = client_puts(client, start);

	while (open && client_wait(client, DRIP_MS, false))
		open = client_puts(client, piece);
}

static void client_flood(struct client *client)
{
	bool open = client_puts(client, "HTTP/1.1 200 OK\r\n");

	while (open)
		open = client_puts(client, "X-More: and more and more and more and more\r\n");
}

static void client_interim(struct client *client)
{
	while (client_puts(client, "HTTP/1.1 103 Early Hints\r\nX: and more and more\r\n\r\n"))
		;
}

static bool client_stream(struct client *client, long count)
{
	bool open = client_puts(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");

	for (long i = 0; open && i < count; i++)
		open = client_puts(client, "5\r\ntick\n\r\n");
	return open && client_wait(client, -1, true) && client_puts(client, "0\r\n\r\n");
}

static void client_reset(struct client *client)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

/* False when the connection is to be closed. */
static bool client_misbehave(struct client *client, const char *path)
{
	if (strcmp(path, "/hang") == 0)
		(void)client_wait(client, -1, false);
	else if (strcmp(path, "/drip") == 0)
		client_drip(client, "HTTP/1.1 200 OK\r\nX-Drip: ", "d");
	else if (strcmp(path, "/trickle") == 0)
		client_drip(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			"5\r\ntick\n\r\n");
	else if (strcmp(path, "/headers") == 0)
		client_flood(client);
	else if (strcmp(path, "/garbage") == 0)
		(void)client_puts(client, "SSH-2.0-OpenSSH_9.2p1 Debian\r\n");
	else if (strcmp(path, "/curt") == 0)
		(void)client_puts(client, "HTTP/1.1 200 OK\r\n");
	else if (strcmp(path, "/long-status") == 0)
		(void)client_puts(client, "HTTP/1.1 2000 OK\r\n\r\n");
	else if (strcmp(path, "/early") == 0)
		(void)client_puts(client,
			"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue"
			"\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
	else if (strcmp(path, "/early-and-no-more") == 0)
		(void)client_puts(client, "HTTP/1.1 100 Continue\r\n\r\n");
	else if (strcmp(path, "/interim") == 0)
		client_interim(client);
	else if (strcmp(path, "/half") == 0)
		(void)client_puts(client, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	else if (strcmp(path, "/reset") == 0)
		client_reset(client);
	else if (strcmp(path, "/stale") == 0)
		(void)client_answer(client, 200, "ok", 2);
	else
		return client_answer(client, 404, "no such path", 12);
	return false;
}

static bool client_serve(struct client *client, const char *method, const char *path,
	const struct buf *body)
{
	struct buf echo = BUF_INIT;
	long number = 0;
	bool open;

	if (strcmp(path, "/ok") == 0)
		return client_answer(client, 200, "ok", 2);
	if (sscanf(path, "/status/%ld", &number) == 1)
		return client_answer(client, (int)number, "no", 2);
	if (sscanf(path, "/bytes/%ld", &number) == 1)
		return client_bytes(client, (size_t)number);
	if (sscanf(path, "/stream/%ld", &number) == 1)
		return client_stream(client, number);
	if (strcmp(path, "/echo") != 0)
		return client_misbehave(client, path);
	buf_printf(&echo, "%s %s ", method, path);
	buf_add(&echo, buf_string(body), body->len);
	open = client_answer(client, 200, echo.data, echo.len);
	buf_done(&echo);
	return open;
}

/* As recv, but 0 as soon as the peer is to stop. */
static ssize_t client_receive(struct client *client, char *data, size_t size)
{
	struct pollfd fds[] = {
		{.fd = client->peer->stop_fd, .events = POLLIN},
		{.fd = client->fd, .events = POLLIN},
	};

	(void)poll(fds, 2, -1);
	return fds[0].revents ? 0 : recv(client->fd, data, size, 0);
}

/* Receives until the request's head is complete; returns its length or 0. */
static size_t client_head(struct client *client, struct buf *input)
{
	char data[4096], *end;
	ssize_t n;

	while (!(end = input->len > 0 ? strstr(input->data, "\r\n\r\n") : NULL)) {
		n = client_receive(client, data, sizeof(data));
		if (n <= 0)
			return 0;
		buf_add(input, data, (size_t)n);
	}
	return (size_t)(end - input->data) + 4;
}

static bool client_request(struct client *client)
{
	struct buf input = BUF_INIT, body = BUF_INIT;
	char method[16] = "", path[256] = "", data[4096];
	const char *length;
	size_t head, wanted = 0;
	bool open = false;
	ssize_t n = 1;

	head = client_head(client, &input);
	if (head > 0 && sscanf(input.data, "%15s %255s", method, path) == 2) {
		length = strcasestr(input.data, "\r\nContent-Length:");
		if (length)
			wanted = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
		buf_add(&body, input.data + head, input.len - head);
		while (body.len < wanted && n > 0) {
			n = client_receive(client, data, sizeof(data));
			if (n > 0)
				buf_add(&body, data, (size_t)n);
		}
		atomic_fetch_add(&client->peer->requests, 1);
		open = client_serve(client, method, path, &body);
	}
	buf_done(&input);
	buf_done(&body);
	return open;
}

static void *client_run(void *arg)
{
	struct client *client = arg;
	struct peer *peer = client->peer;

	while (client_request(client))
		;
	(void)close(client->fd);
	free(client);
	atomic_fetch_sub(&peer->open, 1);
	return NULL;
}

static void *peer_run(void *arg)
{
	struct peer *peer = arg;
	struct pollfd fds[] = {
		{.fd = peer->stop_fd, .events = POLLIN},
		{.fd = peer->listen_fd, .events = POLLIN},
	};
	struct client *client;
	pthread_t thread;
	int fd;

	while (poll(fds, 2, -1) >= 0 && !fds[0].revents) {
		fd = accept(peer->listen_fd, NULL, NULL);
		if (fd < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		client = malloc(sizeof(*client));
		*client = (struct client){peer, fd};
		atomic_fetch_add(&peer->connections, 1);
		atomic_fetch_add(&peer->open, 1);
		(void)pthread_create(&thread, NULL, client_run, client);
		(void)pthread_detach(thread);
	}
	return NULL;
}

static int peer_listen(struct peer *peer, const char *socket_path)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(v4);

	peer->listen_fd = socket(socket_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_path) {
		(void)snprintf(local.sun_path, sizeof(local.sun_path), "%s", socket_path);
		if (bind(peer->listen_fd, (struct sockaddr *)&local, sizeof(local)) < 0)
			return -errno;
	} else if (bind(peer->listen_fd, (struct sockaddr *)&v4, sizeof(v4)) < 0) {
		return -errno;
	}
	if (listen(peer->listen_fd, 1024) < 0)
		return -errno;
	if (!socket_path && getsockname(peer->listen_fd, (struct sockaddr *)&v4, &len) == 0)
		peer->port = ntohs(v4.sin_port);
	(void)snprintf(peer->url, sizeof(peer->url), "http://127.0.0.1:%d", peer->port);
	return 0;
}

int peer_start(struct peer *peer, const char *socket_path)
{
	int r;

	*peer = (struct peer){
		.stop_fd = eventfd(0, EFD_CLOEXEC), .release_fd = eventfd(0, EFD_CLOEXEC)};
	r = peer_listen(peer, socket_path);
	return r < 0 ? r : -pthread_create(&peer->thread, NULL, peer_run, peer);
}

void peer_release(struct peer *peer)
{
	(void)eventfd_write(peer->release_fd, 1);
}

void peer_stop(struct peer *peer)
{
	struct timespec moment = {.tv_nsec = 1000000};

	(void)eventfd_write(peer->stop_fd, 1);
	(void)pthread_join(peer->thread, NULL);
	(void)close(peer->listen_fd);
	while (atomic_load(&peer->open) > 0)
		(void)nanosleep(&moment, NULL);
	(void)close(peer->stop_fd);
	(void)close(peer->release_fd);
}
