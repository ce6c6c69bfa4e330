/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - calls of AWS: signed, paged, retried.
 * Promises: a call ends within its attempts' deadlines, or soon after aws_client_stop. What may
 *           have been executed and has no token of ours is not sent twice. No endless loop:
 *           pages that repeat end with -ELOOP. Credentials never reach a log or a sentence.
 * Threads: all calls from any thread at once; they block for seconds.
 * Ownership: the client owns its connections and its cache of credentials.
 */
#ifndef DUPLOFS_AWS_CLIENT_H
#define DUPLOFS_AWS_CLIENT_H

#include <stdint.h>

#include "aws/answer.h"
#include "aws/credentials.h"
#include "aws/fault.h"
#include "aws/request.h"
#include "base/error.h"
#include "net/net.h"

struct aws_client;

int aws_client_new(struct aws_client **ret, struct error *reterr);
/* Calls under way return -ECANCELED, and so do all later ones. */
void aws_client_stop(struct aws_client *client);
void aws_client_free(struct aws_client *client);

/* The region of requests that name none. NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's, the
 * instance's, in that order, as the SDKs do. */
int aws_client_set_region(struct aws_client *client, const char *region, struct error *reterr);

/*
 * 0 with the answer; ret_fault (NULL: not wanted) says why AWS refused, with FAULT_OTHER and
 * status 0 when no answer came. The errors are fault_errno's; -EBADMSG: half an answer; -ENOKEY: no
 * credentials; or net_call's.
 */
int aws_client_call(struct aws_client *client, const struct aws_request *request,
	struct answer *answer, struct fault *ret_fault, struct error *reterr);

/* With keys of the caller's, for roles. */
int aws_client_call_as(struct aws_client *client, const struct credentials *credentials,
	const struct aws_request *request, struct answer *answer, struct fault *ret_fault,
	struct error *reterr);

/* All pages in turn; fn returns 0 to go on, 1 to stop, or a negative errno. */
typedef int (*aws_page_fn)(void *arg, const struct answer_node *root);
int aws_client_pages(struct aws_client *client, const struct aws_request *request, aws_page_fn fn,
	void *arg, struct fault *ret_fault, struct error *reterr);

/* Requests sent since the start, retries included. */
int64_t aws_client_sent(const struct aws_client *client);

/* For the sources of credentials. */
struct net *aws_client_net(struct aws_client *client);
struct net_cancel *aws_client_cancel(struct aws_client *client);

#endif
