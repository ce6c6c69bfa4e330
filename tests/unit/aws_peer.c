/* SPDX-License-Identifier: Apache-2.0 */
#include "aws_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes that the request has in all, 0 while its head is not there. */
static size_t request_size(const struct buf *request)
{
	const char *text = buf_string(request), *end = strstr(text, "\r\n\r\n"), *line;
	size_t length = 0;

	if (!end)
		return 0;
	for (line = text; line < end; line = strstr(line, "\r\n") + 2)
		if (strncasecmp(line, "content-length:", 15) == 0)
			length = (size_t)strtoul(line + 15, NULL, 10);
	return (size_t)(end - text) + 4 + length;
}

static void read_request(int fd, struct buf *request)
{
	char data[4096];
	ssize_t n;

	while (request_size(request) == 0 || request->len < request_size(request)) {
		n = recv(fd, data, sizeof(data), 0);
		if (n <= 0)
			return;
		buf_add(request, data, (size_t)n);
	}
}

static void send_answer(int fd, const struct aws_peer_answer *answer)
{
	struct buf text = BUF_INIT;
	size_t len = answer->body ? strlen(answer->body) : 0;

	buf_printf(&text, "HTTP/1.1 %d Word\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
		answer->status ? answer->status : 200, len, answer->headers ? answer->headers : "");
	buf_add(&text, answer->body ? answer->body : "", answer->fate == PEER_CUT ? len / 2 : len);
	(void)send(fd, text.data, text.len, MSG_NOSIGNAL);
	buf_done(&text);
}

static void serve(struct aws_peer *peer, int fd)
{
	struct aws_peer_answer answer = {.status = 500};
	struct linger linger = {.l_onoff = 1};
	size_t number = peer->request_count;

	if (number == AWS_PEER_MAX)
		return;
	read_request(fd, &peer->requests[number]);
	(void)pthread_mutex_lock(&peer->lock);
	if (number < peer->answer_count)
		answer = peer->answers[number];
	(void)pthread_mutex_unlock(&peer->lock);
	peer->request_count++;
	if (answer.fate == PEER_RESET)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	else
		send_answer(fd, &answer);
}

static void *run(void *arg)
{
	struct aws_peer *peer = arg;
	int fd;

	while ((fd = accept(peer->fd, NULL, NULL)) >= 0) {
		serve(peer, fd);
		(void)close(fd);
	}
	return NULL;
}

int aws_peer_start(struct aws_peer *peer)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	*peer = (struct aws_peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (bind(peer->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(peer->fd, 16) < 0 ||
		getsockname(peer->fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	peer->port = ntohs(address.sin_port);
	(void)snprintf(peer->url, sizeof(peer->url), "http://127.0.0.1:%d", peer->port);
	return -pthread_create(&peer->thread, NULL, run, peer);
}

void aws_peer_tell(struct aws_peer *peer, const struct aws_peer_answer *answers, size_t count)
{
	for (size_t i = 0; i < AWS_PEER_MAX; i++)
		buf_done(&peer->requests[i]);
	(void)pthread_mutex_lock(&peer->lock);
	if (count > 0)
		memcpy(peer->answers, answers, count * sizeof(*answers));
	peer->answer_count = count;
	(void)pthread_mutex_unlock(&peer->lock);
	peer->request_count = 0;
}

void aws_peer_stop(struct aws_peer *peer)
{
	(void)shutdown(peer->fd, SHUT_RDWR);
	(void)pthread_join(peer->thread, NULL);
	(void)close(peer->fd);
	aws_peer_tell(peer, NULL, 0);
}
