/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt - one request of AWS, sent once: endpoint, headers, signature, what came back.
 * Promises: the answer is whole, or the attempt has failed.
 * Threads: any at once; the context is shared and guards itself.
 * Ownership: everything in struct attempt is the caller's.
 */
#ifndef DUPLOFS_AWS_ATTEMPT_H
#define DUPLOFS_AWS_ATTEMPT_H

#include <stdatomic.h>
#include <stdint.h>

#include "aws/answer.h"
#include "aws/credentials.h"
#include "aws/fault.h"
#include "aws/request.h"
#include "aws/retry.h"
#include "net/net.h"

struct attempt_context {
	struct net *net;
	struct net_cancel *cancel;
	atomic_llong skew_s; /* what AWS's clock shows more than ours */
	atomic_llong sent;
};

struct attempt {
	const struct credentials *credentials;
	const struct aws_request *request;
	const char *region;
	const char *page; /* NULL: the first */
	struct answer *answer;
	struct fault *fault;
};

struct attempt_result {
	bool again; /* sending it once more can help, and does no harm */
	int64_t after_ms; /* pause that the server asks for; 0: none */
};

int attempt_make(struct attempt_context *context, const struct attempt *attempt,
	struct attempt_result *ret, struct error *reterr);

#endif
