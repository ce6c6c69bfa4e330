/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_peer - stands in for AWS in a test: gives the answers that it was told, in turn, and keeps
 *            what it was asked.
 * Promises: listens on a free port of 127.0.0.1; one request a connection; after the last
 *           answer, 500.
 * Threads: one of its own; read the requests when the calls are over.
 * Ownership: answers are borrowed; aws_peer_stop frees the requests.
 */
#ifndef DUPLOFS_TESTS_AWS_PEER_H
#define DUPLOFS_TESTS_AWS_PEER_H

#include <stdatomic.h>
#include <pthread.h>

#include "base/buf.h"

#define AWS_PEER_MAX 32

enum aws_peer_fate {
	PEER_ANSWER,
	PEER_RESET, /* after the whole request was read */
	PEER_CUT, /* half of the body, then the end */
};

struct aws_peer_answer {
	int status; /* 0: 200 */
	const char *body; /* NULL: none */
	const char *headers; /* "Name: value\r\n", or NULL */
	enum aws_peer_fate fate;
};

struct aws_peer {
	struct aws_peer_answer answers[AWS_PEER_MAX];
	size_t answer_count;
	pthread_mutex_t lock; /* of the answers; all zero is a mutex */
	struct buf requests[AWS_PEER_MAX]; /* as received */
	atomic_size_t request_count; /* those before it are complete */
	char url[64];
	int fd, port;
	pthread_t thread;
};

int aws_peer_start(struct aws_peer *peer);
/* Forgets requests and answers; the next answers are these. */
void aws_peer_tell(struct aws_peer *peer, const struct aws_peer_answer *answers, size_t count);
void aws_peer_stop(struct aws_peer *peer);

#endif
