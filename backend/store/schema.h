/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - the tables, as numbered steps that each database goes through once.
 * Promises: schema_upgrade is all or nothing; a database of a newer program is refused untouched.
 * Threads: at open only, before any other use.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_STORE_SCHEMA_H
#define DUPLOFS_STORE_SCHEMA_H

#include "store/connection.h"

#define PLATFORM_NAME_SIZE 13 /* 12 hex digits and the NUL */

/* Brings the database to this program's schema; an empty one gets it whole. */
int schema_upgrade(struct connection *connection, struct error *reterr);

/* Refuses a database that schema_upgrade would have to change (it cannot be written). */
int schema_check(struct connection *connection, struct error *reterr);

/* Refuses only what schema_upgrade would: a database of a newer program. */
int schema_probe(struct connection *connection, struct error *reterr);

/* Values that belong to the database as a whole. -ENOENT. */
int schema_get(struct connection *connection, const char *name, char *value, size_t size);
int schema_set(struct connection *connection, const char *name, const char *value);

#endif
