/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind - the kinds of objects that the store holds, and the names that each may have.
 * Promises: the numbers are stored on disk and never change their meaning.
 * Threads: constant tables, any thread.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_MODEL_KIND_H
#define DUPLOFS_MODEL_KIND_H

#include "base/error.h"

enum kind {
	KIND_PLATFORM = 1, /* the root; one, object id 1 */
	KIND_TENANT = 2,
	KIND_SERVICE = 3,
	KIND_INSTANCE = 4, /* child of a service, named by its ordinal */
	KIND_SECRET = 5, /* child of a tenant */
	KIND_CONFIG = 6, /* child of a tenant or of a service */
	KIND_HOST = 7,
	KIND_RESOURCE = 8,
	KIND_GROUP = 9,
	KIND_POLICY = 10, /* child of the platform: a document of the administrator's */
	KIND_OUTPUT = 11, /* child of a resource: what services need to use it, sealed */
};

#define OBJECT_NAME_MAX 128 /* bytes, without the NUL */
#define PLATFORM_ID     1

#define SPEC_SIZE_MAX  (1024 * 1024) /* bytes of a spec */
#define VALUE_SIZE_MAX (64 * 1024) /* bytes of a secret or a config value */
#define LINE_SIZE_MAX  4096 /* bytes of a single-value file */

/* The word for a kind ("service"), for messages. */
const char *kind_name(enum kind kind);

/* Checks the name of a new object: -EINVAL or -ENAMETOOLONG with the sentence, else 0. */
int kind_check_name(enum kind kind, const char *name, struct error *reterr);

#endif
