/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - what is asked of AWS, and how that looks on the wire.
 * Promises: every value is escaped as its codec wants it, whatever bytes it has. The first failure
 *           sticks and is told by aws_wire_make.
 * Threads: a request belongs to one thread at a time.
 * Ownership: names and values are copied; json is taken over; _done frees.
 */
#ifndef DUPLOFS_AWS_REQUEST_H
#define DUPLOFS_AWS_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "aws/service.h"
#include "base/buf.h"

struct aws_request {
	const struct aws_action *action;
	const char *region; /* borrowed; NULL: the client's */
	struct buf fields; /* name NUL value NUL ... */
	json_t *json; /* CODEC_JSON, CODEC_REST_JSON: members that are no plain texts */
	struct buf body; /* CODEC_REST_XML */
};

struct aws_request aws_request_of(enum aws_action_id action);
void aws_request_done(struct aws_request *request);
#define _cleanup_request_ __attribute__((cleanup(aws_request_done)))

/* One field: of the form, of the JSON object, of the path, else of the query. Wipes nothing: no
 * secrets go this way but those of the caller's own fields. */
void aws_request_set(struct aws_request *request, const char *name, const char *value);
void aws_request_set_number(struct aws_request *request, const char *name, int64_t number);
void aws_request_set_truth(struct aws_request *request, const char *name, bool truth);
/* The same with a name to print: aws_request_setf(&r, value, "Filter.%d.Name", 1). */
void aws_request_setf(struct aws_request *request, const char *value, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
/* The value of a field that was set, or NULL. */
const char *aws_request_get(const struct aws_request *request, const char *name);

/* Appends text as it may stand in XML, for body. */
void aws_xml_escape(struct buf *out, const char *text);

/* The parts of an HTTP request. */
struct aws_wire {
	const char *method;
	struct buf path, query, body;
};

/* page: token of the next page, or NULL. */
int aws_wire_make(struct aws_wire *ret, const struct aws_request *request, const char *page,
	struct error *reterr);
void aws_wire_done(struct aws_wire *wire);
#define _cleanup_wire_ __attribute__((cleanup(aws_wire_done)))

#endif
