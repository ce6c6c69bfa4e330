/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net - HTTP requests over TCP, TLS and unix sockets, with a deadline, a size cap and a cancel
 *       flag.
 * Promises: a call returns by its limits or soon after a cancel; redirects are not followed;
 *           kept-alive connections are reused, and one that died while idle is replaced without a
 *           word.
 * Threads: any at once; net_free only when no call runs. A net_cancel may be set from any thread.
 * Ownership: what a request points to is borrowed for the call; a response is the caller's.
 */
#ifndef DUPLOFS_NET_NET_H
#define DUPLOFS_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define NET_BODY_MAX    ((size_t)16 << 20) /* of an answer, when the request names no cap */
#define NET_HEADERS_MAX ((size_t)64 << 10)

struct net;
struct net_cancel;

/* A piece of the answer; a negative errno ends the transfer with that error. */
typedef int (*net_data_fn)(void *arg, const char *data, size_t len);

struct net_request {
	const char *method;
	const char *url; /* http:// or https://, already escaped: net_escape */
	const char *socket_path; /* unix socket to connect to; NULL: the URL's host */
	const char *connect_to; /* "address:port" to connect to instead; the URL's host still
				 * names who has to answer; NULL: the URL's */
	const char *ca_file; /* NULL: the system's */
	const char *cert_file; /* our own certificate and its key as PEM; NULL: none */
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	const void *body;
	size_t body_len;
	int64_t timeout_ms; /* from start to end; 0: none */
	int64_t open_timeout_ms; /* until the answer's headers are there; 0: none */
	int64_t idle_timeout_ms; /* without a byte in either direction; 0: none */
	size_t max_bytes; /* of the answer; 0: NET_BODY_MAX, with data: none. Above: -EFBIG */
	/* Kept-alive connections may close just as a request is sent; it is then sent again, on a
	 * new connection, when no byte of an answer came. Set this where a second sending could
	 * harm. */
	bool fresh;
	bool direct; /* never through a proxy that the environment names */
	struct net_cancel *cancel;
	net_data_fn data; /* gets a 2xx answer instead of response.body; calling thread */
	void *arg;
};

struct net_response {
	int status;
	struct buf body; /* of other answers than 2xx at most 64 KiB where data is set */
	struct buf headers; /* as received; net_header finds one */
};

#define NET_RESPONSE_INIT                                                                          \
	(struct net_response)                                                                      \
	{                                                                                          \
		0                                                                                  \
	}

int net_new(struct net **ret, struct error *reterr);
void net_free(struct net *net);

/*
 * Makes one request. 0 when an answer came, whatever its status; else -ECONNREFUSED, -ENOENT (no
 * such socket), -EHOSTUNREACH (name or route), -ETIMEDOUT, -ECONNRESET, -EFBIG, -ECANCELED, -EPROTO
 * (not HTTP, or TLS failed), -ENOMEM, -EINVAL, or what the data callback returned.
 */
int net_call(struct net *net, const struct net_request *request, struct net_response *response,
	struct error *reterr);

/* Writes the value of the last header called name (any case) into value; false when there
 * is none. */
bool net_header(const struct net_response *response, const char *name, char *value, size_t size);

void net_response_done(struct net_response *response);
#define _cleanup_response_ __attribute__((cleanup(net_response_done)))

/* Cancels every call that carries it, now and later. */
int net_cancel_new(struct net_cancel **ret, struct error *reterr);
void net_cancel_set(struct net_cancel *cancel);
/* Waits for wait_ms at most; true when it is set. */
bool net_cancel_wait(const struct net_cancel *cancel, int wait_ms);
bool net_cancel_is_set(const struct net_cancel *cancel);
void net_cancel_free(struct net_cancel *cancel);

/* Appends text with every byte but A-Z a-z 0-9 - . _ ~ as %XX (RFC 3986, section 2.3). */
void net_escape(struct buf *buf, const char *text);

#endif
