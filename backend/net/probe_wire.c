/* SPDX-License-Identifier: Apache-2.0 */
#include "net/probe_wire.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

#define STATUS_BYTES        12 /* of "HTTP/1.1 200" */
#define SWITCHING_PROTOCOLS 101
#define PLACE_MAX           (INET6_ADDRSTRLEN + 16)

/* "172.18.0.5:80", "[fd00::5]:80" */
static void target_place(const struct probe_target *target, char place[PLACE_MAX])
{
	char address[INET6_ADDRSTRLEN] = "";

	if (target->address.any.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &target->address.v4.sin_addr, address, sizeof(address));
		(void)snprintf(place, PLACE_MAX, "%s:%d", address,
			ntohs(target->address.v4.sin_port));
		return;
	}
	(void)inet_ntop(AF_INET6, &target->address.v6.sin6_addr, address, sizeof(address));
	(void)snprintf(place, PLACE_MAX, "[%s]:%d", address, ntohs(target->address.v6.sin6_port));
}

static int target_address(struct probe_target *target, const struct probe *probe,
	struct error *reterr)
{
	uint16_t port = htons((uint16_t)probe->port);

	if (probe->port < 1 || probe->port > 65535)
		return error_set(reterr, -EINVAL, "%d is no port", probe->port);
	if (inet_pton(AF_INET, probe->address, &target->address.v4.sin_addr) == 1) {
		target->address.v4.sin_family = AF_INET;
		target->address.v4.sin_port = port;
		return 0;
	}
	if (inet_pton(AF_INET6, probe->address, &target->address.v6.sin6_addr) == 1) {
		target->address.v6.sin6_family = AF_INET6;
		target->address.v6.sin6_port = port;
		return 0;
	}
	return error_set(reterr, -EINVAL, "\"%s\" is no IP address", probe->address);
}

static int target_request(struct probe_target *target, const struct probe *probe,
	struct error *reterr)
{
	char place[PLACE_MAX];

	if (probe->path[0] != '/' || strlen(probe->path) > PROBE_PATH_MAX)
		return error_set(reterr, -EINVAL,
			"a health path begins with / and has at most %d bytes", PROBE_PATH_MAX);
	for (const char *c = probe->path; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 127)
			return error_set(reterr, -EINVAL,
				"a health path has no blanks or control characters");
	}
	target_place(target, place);
	target->path = strdup(probe->path);
	target->request = text_format("GET %s HTTP/1.1\r\n"
				      "Host: %s\r\n"
				      "User-Agent: duplofs/" DUPLOFS_VERSION "\r\n"
				      "Accept: */*\r\n"
				      "Connection: close\r\n\r\n",
		probe->path, place);
	if (!target->path || !target->request)
		return error_oom(reterr);
	target->request_len = strlen(target->request);
	return 0;
}

int probe_target_init(struct probe_target *target, const struct probe *probe, struct error *reterr)
{
	int r;

	*target = (struct probe_target){.asked = probe->asked};
	r = target_address(target, probe, reterr);
	if (r == 0 && probe->path && !probe->asked)
		r = target_request(target, probe, reterr);
	if (r < 0)
		probe_target_done(target);
	return r;
}

void probe_target_done(struct probe_target *target)
{
	free(target->path);
	free(target->request);
	*target = (struct probe_target){0};
}

bool probe_target_equal(const struct probe_target *a, const struct probe_target *b)
{
	return a->asked == b->asked && memcmp(&a->address, &b->address, sizeof(a->address)) == 0 &&
	       (a->path && b->path ? strcmp(a->path, b->path) == 0 : !a->path && !b->path);
}

static bool outcome_set(struct probe_outcome *ret, enum probe_outcome_kind kind, int code)
{
	*ret = (struct probe_outcome){kind, code};
	return true;
}

/* Whose fault is it? A host without sockets or ports left says nothing about the container. */
static bool outcome_errno(struct probe_outcome *ret, int errnum)
{
	switch (errnum) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
	case EAGAIN:
		return outcome_set(ret, OUTCOME_LOCAL, errnum);
	default:
		return outcome_set(ret, OUTCOME_ERRNO, errnum);
	}
}

bool probe_attempt_begin(struct probe_attempt *attempt, const struct probe_target *target,
	struct probe_outcome *ret)
{
	const struct sockaddr *address = &target->address.any;
	socklen_t len = address->sa_family == AF_INET ? sizeof(target->address.v4)
						      : sizeof(target->address.v6);

	*attempt = (struct probe_attempt){.fd = -1};
	attempt->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (attempt->fd < 0)
		return outcome_errno(ret, errno);
	if (connect(attempt->fd, address, len) < 0 && errno != EINPROGRESS)
		return outcome_errno(ret, errno);
	return false;
}

static bool attempt_connected(struct probe_attempt *attempt, uint32_t events,
	struct probe_outcome *ret)
{
	socklen_t len = sizeof(int);
	int errnum = 0;

	if (events & (EPOLLERR | EPOLLHUP)) {
		(void)getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
		if (errnum != 0)
			return outcome_errno(ret, errnum);
	}
	attempt->connected = (events & EPOLLOUT) != 0;
	return false;
}

static bool attempt_send(struct probe_attempt *attempt, const struct probe_target *target,
	struct probe_outcome *ret)
{
	ssize_t n;

	while (attempt->sent_bytes < target->request_len) {
		n = send(attempt->fd, target->request + attempt->sent_bytes,
			target->request_len - attempt->sent_bytes, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? false : outcome_set(ret, OUTCOME_ERRNO, errno);
		attempt->sent_bytes += (uint32_t)n;
	}
	return false;
}

/* What the first line says, once its STATUS_BYTES are there (RFC 9112, section 4). */
static bool attempt_verdict(const struct probe_attempt *attempt, struct probe_outcome *ret)
{
	const char *head = attempt->head;

	if (memcmp(head, "HTTP/1.", 7) != 0 || head[8] != ' ' || !isdigit((unsigned char)head[9]) ||
		!isdigit((unsigned char)head[10]) || !isdigit((unsigned char)head[11]) ||
		(attempt->head_bytes > STATUS_BYTES && !isspace((unsigned char)head[STATUS_BYTES])))
		return outcome_set(ret, OUTCOME_NOT_HTTP, 0);
	return outcome_set(ret, OUTCOME_STATUS,
		(head[9] - '0') * 100 + (head[10] - '0') * 10 + (head[11] - '0'));
}

/* At the end of headers. Interim answers precede the one that counts (RFC 9110, section 15.2). */
static bool attempt_headers(struct probe_attempt *attempt, struct probe_outcome *ret)
{
	if (attempt->head_bytes < STATUS_BYTES)
		return outcome_set(ret, OUTCOME_NOT_HTTP, 0);
	(void)attempt_verdict(attempt, ret);
	if (ret->kind != OUTCOME_STATUS || ret->code >= 200 || ret->code < 100 ||
		ret->code == SWITCHING_PROTOCOLS)
		return true;
	attempt->head_bytes = attempt->newlines = 0;
	return false;
}

/* True when the headers are complete, or cannot become so. */
static bool attempt_take(struct probe_attempt *attempt, const char *data, size_t len,
	struct probe_outcome *ret)
{
	for (size_t i = 0; i < len; i++, attempt->received_bytes++) {
		if (attempt->head_bytes < sizeof(attempt->head)) {
			attempt->head[attempt->head_bytes++] = data[i];
			if (attempt->head_bytes == sizeof(attempt->head) &&
				attempt_verdict(attempt, ret) && ret->kind == OUTCOME_NOT_HTTP)
				return true;
		}
		if (data[i] == '\n')
			attempt->newlines++;
		else if (data[i] != '\r')
			attempt->newlines = 0;
		if (attempt->newlines == 2 && attempt_headers(attempt, ret))
			return true;
	}
	if (attempt->received_bytes > PROBE_ANSWER_MAX)
		return outcome_set(ret, OUTCOME_ENDLESS, 0);
	return false;
}

static bool attempt_receive(struct probe_attempt *attempt, uint32_t events,
	struct probe_outcome *ret)
{
	char data[4096];
	ssize_t n;

	for (;;) {
		n = recv(attempt->fd, data, sizeof(data), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? false : outcome_set(ret, OUTCOME_ERRNO, errno);
		if (n == 0)
			return attempt->head_bytes >= STATUS_BYTES
				       ? attempt_verdict(attempt, ret)
				       : outcome_set(ret, OUTCOME_CLOSED, 0);
		if (attempt_take(attempt, data, (size_t)n, ret))
			return true;
		/* Less than asked for: there is no more, and the next edge tells when there is. But
		 * the end may have come with the same edge. */
		if ((size_t)n < sizeof(data) && !(events & (EPOLLRDHUP | EPOLLHUP)))
			return false;
	}
}

bool probe_attempt_step(struct probe_attempt *attempt, const struct probe_target *target,
	uint32_t events, struct probe_outcome *ret)
{
	if (!attempt->connected && attempt_connected(attempt, events, ret))
		return true;
	if (!attempt->connected)
		return false;
	if (!target->request)
		return outcome_set(ret, OUTCOME_CONNECTED, 0);
	if (attempt->sent_bytes < target->request_len && attempt_send(attempt, target, ret))
		return true;
	return (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0 &&
	       attempt_receive(attempt, events, ret);
}

void probe_attempt_close(struct probe_attempt *attempt, const struct probe_target *target)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (attempt->fd < 0)
		return;
	/* Thousands of probes a second would else leave as many ports in TIME_WAIT. */
	if (!target->request)
		(void)setsockopt(attempt->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(attempt->fd);
	attempt->fd = -1;
}

bool probe_outcome_is_success(const struct probe_outcome *outcome)
{
	return outcome->kind == OUTCOME_CONNECTED || outcome->kind == OUTCOME_TOLD_GOOD ||
	       (outcome->kind == OUTCOME_STATUS && outcome->code >= 200 && outcome->code <= 399);
}

static void errno_words(int errnum, const char *place, char *words, size_t size)
{
	char reason[128];

	switch (errnum) {
	case ECONNREFUSED:
		(void)snprintf(words, size, "connection refused on %s", place);
		return;
	case ECONNRESET:
	case EPIPE:
		(void)snprintf(words, size, "%s broke off the connection", place);
		return;
	default:
		(void)snprintf(words, size, "%s: %s", place,
			strerror_r(errnum, reason, sizeof(reason)));
	}
}

void probe_outcome_words(const struct probe_outcome *outcome, const struct probe_target *target,
	char *words, size_t size)
{
	const char *path = target->path ? target->path : "";
	char place[PLACE_MAX];

	target_place(target, place);
	switch (outcome->kind) {
	case OUTCOME_NONE:
		(void)snprintf(words, size, "not asked yet");
		return;
	case OUTCOME_CONNECTED:
		(void)snprintf(words, size, "%s takes connections", place);
		return;
	case OUTCOME_STATUS:
		(void)snprintf(words, size, "GET %s answered %d", path, outcome->code);
		return;
	case OUTCOME_ERRNO:
		errno_words(outcome->code, place, words, size);
		return;
	case OUTCOME_TIMEOUT:
		(void)snprintf(words, size, "no answer from %s%s within %d ms", place, path,
			outcome->code);
		return;
	case OUTCOME_CLOSED:
		(void)snprintf(words, size, "%s closed the connection without an answer", place);
		return;
	case OUTCOME_NOT_HTTP:
		(void)snprintf(words, size, "what answers on %s does not speak HTTP", place);
		return;
	case OUTCOME_ENDLESS:
		(void)snprintf(words, size, "GET %s answered with headers without end", path);
		return;
	case OUTCOME_TOLD_GOOD:
		(void)snprintf(words, size, "all is well");
		return;
	case OUTCOME_TOLD_BAD:
		(void)snprintf(words, size, "not well");
		return;
	case OUTCOME_LOCAL:
		(void)snprintf(words, size, "this host cannot probe %s now: %s", place,
			strerrordesc_np(outcome->code));
		return;
	}
}
