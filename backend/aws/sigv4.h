/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4 - AWS Signature Version 4 in the Authorization header.
 * Promises: pure: the same request, keys and time give the same text. Knows no HTTP library.
 * Threads: no state.
 * Ownership: everything given is borrowed for the call; results are appended to the caller's buf.
 */
#ifndef DUPLOFS_AWS_SIGV4_H
#define DUPLOFS_AWS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"

#define SIGV4_DATE_SIZE 17 /* "20150830T123600Z" and a NUL */
#define SIGV4_HASH_SIZE 65 /* hexadecimal SHA-256 and a NUL */

struct sigv4_header {
	const char *name, *value;
};

/* A request as it goes over the wire. */
struct sigv4_request {
	const char *method;
	const char *path; /* escaped; begins with "/" */
	const char *query; /* escaped, in any order, without "?"; "" for none */
	const struct sigv4_header *headers; /* all that are to be signed: host, x-amz-date, ... */
	size_t header_count;
	const char *payload_hash; /* sigv4_hash of the body */
};

struct sigv4_scope {
	const char *access_key, *secret_key;
	const char *region, *service;
	time_t time;
	/* S3: the path is signed as it is. Others escape it once more... */
	bool path_as_is;
	/* ...and take out empty, "." and ".." segments first, unless this says not to. */
	bool keep_segments;
};

/* "20150830T123600Z": the value of x-amz-date. */
void sigv4_date(time_t time, char ret[SIGV4_DATE_SIZE]);

/* Lower-case hexadecimal SHA-256. -EIO: the cryptographic library failed. */
int sigv4_hash(const void *data, size_t len, char ret[SIGV4_HASH_SIZE]);

/* The three steps of the specification. */
int sigv4_canonical(const struct sigv4_request *request, const struct sigv4_scope *scope,
	struct buf *ret);
int sigv4_string_to_sign(const char *canonical, const struct sigv4_scope *scope, struct buf *ret);
int sigv4_signature(const char *string_to_sign, const struct sigv4_scope *scope,
	char ret[SIGV4_HASH_SIZE]);

/* All of them: appends the value of the Authorization header. */
int sigv4_authorization(const struct sigv4_request *request, const struct sigv4_scope *scope,
	struct buf *ret, struct error *reterr);

#endif
