/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/dns_query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define HEADER_BYTES      12
#define RCODE_NO_ERROR    0
#define RCODE_NO_SUCH     3
#define TYPE_A            1
#define CLASS_IN          1
#define DATAGRAM_MAX      512
#define QUESTION_OVERHEAD 6 /* first length byte, root label, type, class */

/* Writes the question; returns its length, or 0 when the name does not fit. */
static size_t query_build(unsigned char *packet, const char *name, uint16_t id)
{
	size_t at = HEADER_BYTES;

	if (strlen(name) + HEADER_BYTES + QUESTION_OVERHEAD > DATAGRAM_MAX)
		return 0;
	memset(packet, 0, HEADER_BYTES);
	packet[0] = (unsigned char)(id >> 8);
	packet[1] = (unsigned char)id;
	packet[2] = 1; /* recursion desired */
	packet[5] = 1; /* one question */
	while (*name) {
		size_t len = strcspn(name, ".");

		if (len == 0 || len > 63)
			return 0;
		packet[at++] = (unsigned char)len;
		memcpy(packet + at, name, len);
		at += len;
		name += len + (name[len] == '.');
	}
	memcpy(packet + at, "\0\0\1\0\1", 5);
	return at + 5;
}

/* The offset behind a name, compressed or not; 0 when the packet ends before. */
static size_t query_skip_name(const unsigned char *packet, size_t len, size_t at)
{
	while (at < len) {
		if ((packet[at] & 0xc0) == 0xc0)
			return at + 2 <= len ? at + 2 : 0;
		if (packet[at] == 0)
			return at + 1;
		at += 1U + packet[at];
	}
	return 0;
}

static unsigned int query_u16(const unsigned char *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

/* Finds the first A record among the answers. question_len: header and question. */
static int query_parse(const unsigned char *packet, size_t len, size_t question_len,
	char ret[ADDRESS_MAX])
{
	unsigned int rcode = packet[3] & 15U, answers = query_u16(packet + 6);
	size_t at = question_len;

	if (rcode == RCODE_NO_SUCH)
		return -ENOENT;
	if (rcode != RCODE_NO_ERROR)
		return -EPROTO;
	for (; answers > 0; answers--) {
		size_t data_len;

		at = query_skip_name(packet, len, at);
		if (at == 0 || at + 10 > len)
			return -EPROTO;
		data_len = query_u16(packet + at + 8);
		if (at + 10 + data_len > len)
			return -EPROTO;
		if (query_u16(packet + at) == TYPE_A && query_u16(packet + at + 2) == CLASS_IN &&
			data_len == 4) {
			(void)inet_ntop(AF_INET, packet + at + 10, ret, ADDRESS_MAX);
			return 0;
		}
		at += 10 + data_len;
	}
	return -ENOENT;
}

static int query_exchange(int fd, const unsigned char *question, size_t question_len,
	int timeout_ms, char ret[ADDRESS_MAX])
{
	int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MILLISECOND;
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	unsigned char answer[DATAGRAM_MAX];

	if (send(fd, question, question_len, 0) < 0)
		return -errno;
	for (;;) {
		int64_t left_ms = (deadline_ns - clock_now_ns()) / NS_PER_MILLISECOND;
		ssize_t got;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(&ready, 1, (int)left_ms) <= 0)
			continue;
		got = recv(fd, answer, sizeof(answer), 0);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got < (ssize_t)question_len || memcmp(answer, question, 2) != 0 ||
			(answer[2] & 0x80) == 0)
			continue;
		if (memcmp(answer + HEADER_BYTES, question + HEADER_BYTES,
			    question_len - HEADER_BYTES) != 0)
			continue;
		return query_parse(answer, (size_t)got, question_len, ret);
	}
}

int dns_query(const char *server, int port, const char *name, int timeout_ms, char ret[ADDRESS_MAX])
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	unsigned char question[DATAGRAM_MAX];
	size_t len;
	uint16_t id;

	if (fd < 0)
		return -errno;
	if (text_random(&id, sizeof(id)) < 0 || inet_pton(AF_INET, server, &where.sin_addr) != 1)
		return -EINVAL;
	len = query_build(question, name, id);
	if (len == 0)
		return -EINVAL;
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) < 0)
		return -errno;
	return query_exchange(fd, question, len, timeout_ms, ret);
}
