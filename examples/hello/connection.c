/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "hello.h"

#define IDLE_MAX_MS  75000
#define FRESH_MAX_MS 1000

struct connection {
	int fd, stop_fd;
	bool fresh; /* nothing was asked yet */
	size_t len; /* bytes in request, which may hold the start of the next one */
	char request[8 * 1024];
	struct page page;
};

static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool stopping(const struct connection *connection)
{
	struct pollfd stop = {.fd = connection->stop_fd, .events = POLLIN};

	return poll(&stop, 1, 0) > 0;
}

/* Waits for more of the request; false when the client has gone, is idle for too long, or the
 * program is to end and nothing has been asked. */
static bool receive(struct connection *connection)
{
	struct pollfd fds[] = {
		{.fd = connection->fd, .events = POLLIN},
		{.fd = connection->len == 0 ? connection->stop_fd : -1, .events = POLLIN},
	};
	size_t room = sizeof(connection->request) - 1 - connection->len;
	ssize_t len;

	if (room == 0 || poll(fds, 2, IDLE_MAX_MS) <= 0)
		return false;
	if (fds[0].revents == 0 && (!connection->fresh || poll(fds, 1, FRESH_MAX_MS) <= 0))
		return false;
	len = recv(connection->fd, connection->request + connection->len, room, 0);
	if (len <= 0)
		return false;
	connection->len += (size_t)len;
	connection->request[connection->len] = '\0';
	return true;
}

static bool header_says(const char *head, const char *header, const char *word)
{
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, header, strlen(header)) == 0) {
			line += strlen(header);
			line += strspn(line, ": ");
			return strncasecmp(line, word, strlen(word)) == 0;
		}
	}
	return false;
}

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "200 OK";
	case 404:
		return "404 Not Found";
	case 405:
		return "405 Method Not Allowed";
	default:
		return "503 Service Unavailable";
	}
}

/* Answers the request whose head is in the buffer; false when the connection ends with it. */
static bool answer(struct connection *connection)
{
	char method[16], path[1024], head[256];
	int minor = 0, status = 405;
	bool keep, body;
	int len;

	if (sscanf(connection->request, "%15s %1023s HTTP/1.%d", method, path, &minor) != 3)
		return false;
	connection->page.len = 0;
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		status = page_answer(&connection->page, path);
	body = strcmp(method, "HEAD") != 0;
	keep = status != 405 && !stopping(connection) &&
	       (minor >= 1 ? !header_says(connection->request, "connection", "close")
			   : header_says(connection->request, "connection", "keep-alive"));
	len = snprintf(head, sizeof(head),
		"HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		"X-Version: %s\r\nX-Replica: %s\r\nConnection: %s\r\n\r\n",
		status_text(status), connection->page.len, options.version, options.replica,
		keep ? "keep-alive" : "close");
	if (len >= (int)sizeof(head) || !send_all(connection->fd, head, (size_t)len))
		return false;
	return (!body || send_all(connection->fd, connection->page.data, connection->page.len)) &&
	       keep;
}

/* Moves what was sent behind the answered request to the front. */
static void consume(struct connection *connection, const char *end)
{
	size_t used = (size_t)(end - connection->request);

	connection->len -= used;
	memmove(connection->request, end, connection->len + 1);
}

void connection_serve(int fd, int stop_fd)
{
	struct connection *connection = malloc(sizeof(*connection));
	char *end;

	if (!connection)
		return;
	connection->fd = fd;
	connection->stop_fd = stop_fd;
	connection->fresh = true;
	connection->len = 0;
	connection->request[0] = '\0';
	for (;;) {
		bool keep;

		while ((end = strstr(connection->request, "\r\n\r\n")) == NULL)
			if (!receive(connection))
				goto out;
		*end = '\0';
		connection->fresh = false;
		keep = answer(connection);
		consume(connection, end + 4);
		if (!keep)
			break;
	}
	(void)shutdown(fd, SHUT_WR);
out:
	free(connection);
}
