/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer - one HTTP exchange on a libcurl easy handle: what calls and streams share.
 * Promises: limits are checked by transfer_check, errors come out as errno and sentence.
 * Threads: a transfer belongs to one thread at a time.
 * Ownership: the transfer owns handle, header list and buffers; the request stays the caller's and
 *            must live until the transfer is over.
 */
#ifndef DUPLOFS_NET_TRANSFER_H
#define DUPLOFS_NET_TRANSFER_H

#include <curl/curl.h>

#include "net/net.h"

struct transfer {
	CURL *easy;
	const struct net_request *request;
	struct curl_slist *headers;
	struct curl_slist *place; /* what connect_to says, as curl wants it */
	struct buf body;
	struct buf answer_headers;
	int status; /* 0 until the status line of the final answer came */
	int callback_error; /* why a callback refused, a negative errno */
	size_t received_bytes;
	curl_off_t moved_bytes; /* both ways, when progress was last seen */
	int64_t started_ns;
	int64_t progress_ns;
	void (*opened)(void *arg, int status); /* the answer's headers are complete; may be NULL */
	void *opened_arg;
	char detail[CURL_ERROR_SIZE];
	char peer[200]; /* whom it is with, in words: what an URL asks for helps nobody */
};

/* Starts libcurl once for the process. */
int transfer_global_init(struct error *reterr);

int transfer_init(struct transfer *transfer, struct error *reterr);
void transfer_done(struct transfer *transfer);

/* Forgets the last exchange and sets up the next; connections stay. */
int transfer_prepare(struct transfer *transfer, const struct net_request *request,
	struct error *reterr);

/* 0, or the reason to stop now (-ETIMEDOUT, -ECANCELED); *ret_wait_ms: until the next check. */
int transfer_check(struct transfer *transfer, int *ret_wait_ms, struct error *reterr);

/* What a finished exchange comes to. */
int transfer_result(const struct transfer *transfer, CURLcode code, struct error *reterr);

/* Copies a request with its strings, headers and body, but not its cancel flag. On -ENOMEM the
 * target is to be done all the same. */
int net_request_copy(struct net_request *target, const struct net_request *request);
void net_request_done(struct net_request *request);

/* The cancel flag's descriptor for poll(2), readable once set; -1 for NULL. */
int net_cancel_fd(const struct net_cancel *cancel);

#endif
