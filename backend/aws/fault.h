/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault - why AWS refused: the code that programs tell apart, and the sentence that a person can
 *         act on.
 * Promises: any body gives a fault, also HTML, half a document, or none at all.
 * Threads: no state.
 * Ownership: plain values.
 */
#ifndef DUPLOFS_AWS_FAULT_H
#define DUPLOFS_AWS_FAULT_H

#include <stddef.h>

#include "aws/answer.h"
#include "aws/service.h"
#include "base/error.h"
#include "net/net.h"

enum fault_kind {
	FAULT_OTHER,
	FAULT_THROTTLED, /* not executed: slower */
	FAULT_TRANSIENT, /* maybe executed: again */
	FAULT_MISSING, /* no such thing */
	FAULT_EXISTS,
	FAULT_IN_USE, /* something depends on it, or it is changing */
	FAULT_EXPIRED, /* the credentials are */
	FAULT_SKEWED, /* our clock is */
	FAULT_CREDENTIALS, /* wrong ones */
	FAULT_DENIED,
	FAULT_QUOTA,
	FAULT_NO_ROOM, /* AWS itself is full: others may ask it, too */
	FAULT_INVALID,
	FAULT_NOT_READY, /* refers to what is not everywhere known yet */
};

struct fault {
	enum fault_kind kind;
	int status; /* HTTP */
	char code[96]; /* as the service says it, without namespace; "" when it said none */
	char message[400];
	char request_id[80];
};

/* Reads the fault out of an answer whose status is not 2xx. */
void fault_read(const struct net_response *response, struct fault *ret);

/* The kind of a code; FAULT_OTHER for one that the table does not know. */
enum fault_kind fault_kind_of(int status, const char *code, const char *message);

/* Negative errno for callers. */
int fault_errno(const struct fault *fault);

/* "EC2 CreateSecurityGroup: what it says, what to do (code, request id)"; returns fault_errno. */
int fault_explain(const struct fault *fault, const struct aws_action *action, struct error *reterr);

#endif
