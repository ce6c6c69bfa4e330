/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal - authenticated encryption of small values: AES-256-GCM (NIST SP 800-38D) through OpenSSL.
 * Promises: what is opened is what was sealed, for the same context; anything else is -EBADMSG.
 * Threads: any.
 * Ownership: results are appended to the caller's buf; opened values are plain: wipe them.
 */
#ifndef DUPLOFS_STORE_SEAL_H
#define DUPLOFS_STORE_SEAL_H

#include <stddef.h>

#include "base/buf.h"

#define SEAL_KEY_SIZE 32

/* Appends nonce (12, random), ciphertext (len), tag (16). context binds the value to its place. */
int seal(const unsigned char key[SEAL_KEY_SIZE], const void *context, size_t context_len,
	const void *data, size_t len, struct buf *out);
int unseal(const unsigned char key[SEAL_KEY_SIZE], const void *context, size_t context_len,
	const void *sealed, size_t len, struct buf *out);

#endif
