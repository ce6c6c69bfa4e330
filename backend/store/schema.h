/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - the tables, as numbered steps that bring any older database up to date.
 * Promises: a step runs once, in a transaction of its own; a newer database is refused.
 * Threads: the opening thread only.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_STORE_SCHEMA_H
#define DUPLOFS_STORE_SCHEMA_H

#include "base/error.h"
#include "store/connection.h"

int schema_upgrade(struct connection *connection, struct error *reterr);

#endif
