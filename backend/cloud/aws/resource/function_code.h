/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_code - the zip files that functions have their code from: which object, in which state
 *                 each function was given it, and what S3 has there now.
 * Promises: a survey asks S3 once for each object, however many functions have their code from it.
 * Threads: all calls from any thread at once; only those with an account or a call block.
 * Ownership: what is put is copied.
 */
#ifndef DUPLOFS_CLOUD_AWS_RESOURCE_FUNCTION_CODE_H
#define DUPLOFS_CLOUD_AWS_RESOURCE_FUNCTION_CODE_H

#include "cloud/aws/resource/resource.h"

#define CODE_ETAG_SIZE 128

struct function_codes;

struct function_codes *function_codes_new(void); /* NULL: no memory */
void function_codes_free(struct function_codes *codes);

/* The function of this id was given what the bucket has under the key, in this state. Without
 * memory a change of it is noticed an hour later. */
void function_codes_put(struct function_codes *codes, int64_t function, const char *bucket,
	const char *key, const char *etag);
void function_codes_drop(struct function_codes *codes, int64_t function);

/* The state in which S3 has it, without the quotation marks; "": it is not there, or may not be
 * looked at, which is for Lambda to say. */
int function_code_look(const struct account *account, const char *bucket, const char *key,
	char ret[CODE_ETAG_SIZE], struct error *reterr);

/* What a survey sees of it. Pure. */
uint64_t function_code_fact(const char *bucket, const char *key, const char *etag);
/* Tells of all objects that functions have their code from. */
int function_codes_survey(const struct survey *survey, struct error *reterr);

#endif
