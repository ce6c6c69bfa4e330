/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - answers that last: one thread serves any number of long-lived HTTP responses.
 * Promises: per exchange: open at most once, data while it lasts, end exactly once; nothing is
 *           called for a stream after net_stream_stop returned.
 * Threads: start, stop and break from any thread (stop: not from a callback); callbacks run on the
 *          loop's thread, one at a time, and must not block.
 * Ownership: the loop copies the request; who starts a stream stops it, also after its end.
 */
#ifndef DUPLOFS_NET_STREAM_H
#define DUPLOFS_NET_STREAM_H

#include "net/net.h"

struct net_loop;
struct net_stream;

struct net_end {
	int status; /* 0: no answer came */
	const char *body; /* of a refusal (not 2xx), NUL-terminated; else "" */
	const struct error *error; /* code 0: the peer finished its answer */
};

struct net_handler {
	void (*open)(void *arg); /* a 2xx answer begins; may be NULL */
	net_data_fn data;
	void (*end)(void *arg, const struct net_end *end);
	void *arg;
};

int net_loop_new(struct net_loop **ret, struct error *reterr);

/* Every stream must have been stopped. */
void net_loop_free(struct net_loop *loop);

/* request's data and arg are not used; its limits are, and its cancel flag is not. */
int net_stream_start(struct net_loop *loop, const struct net_request *request,
	const struct net_handler *handler, struct net_stream **ret, struct error *reterr);

/* From within the end callback alone: makes the request anew after delay_ms, with another url when
 * it is not NULL. Out of memory: false, and it stays ended. */
bool net_stream_again(struct net_stream *stream, const char *url, int64_t delay_ms);

/* Ends the exchange that runs, with -ECANCELED for its end callback. */
void net_stream_break(struct net_stream *stream);

/* Blocks until no callback runs, and frees. NULL is allowed. */
void net_stream_stop(struct net_stream *stream);

#endif
