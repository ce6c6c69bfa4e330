/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user_data - the script that a machine runs at its first boot: installs Docker, and has it answer
 *             whoever shows a certificate of the platform's authority, and nobody else.
 * Promises: pure; a POSIX shell script that may run twice, at most USER_DATA_MAX bytes.
 * Threads: no state.
 * Ownership: appends to the caller's buf, which then holds a private key: wipe it.
 */
#ifndef DUPLOFS_CLOUD_AWS_MACHINE_USER_DATA_H
#define DUPLOFS_CLOUD_AWS_MACHINE_USER_DATA_H

#include "base/buf.h"
#include "base/error.h"

#define USER_DATA_MAX    16384 /* EC2's limit, before base64 */
#define USER_DATA_ENGINE 2376 /* port of the engine, Docker's own for TLS */

struct user_data {
	const char *platform, *tenant, *host; /* names */
	const char *authority, *certificate, *key; /* PEM */
};

int user_data_print(const struct user_data *data, struct buf *out, struct error *reterr);

#endif
