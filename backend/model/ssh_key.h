/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ssh_key - Ed25519 key pairs in the forms that OpenSSH reads (RFC 8709; PROTOCOL.key of OpenSSH).
 * Promises: a private key has no passphrase; its public one can be had from it.
 * Threads: no state.
 * Ownership: appends to the caller's buf; wipe what holds a private key.
 */
#ifndef DUPLOFS_MODEL_SSH_KEY_H
#define DUPLOFS_MODEL_SSH_KEY_H

#include "base/buf.h"
#include "base/error.h"

/* A new private key, from "-----BEGIN OPENSSH PRIVATE KEY-----" on. comment: at most 200 bytes.
 */
int ssh_key_make(const char *comment, struct buf *out, struct error *reterr);

/* Its public one, as authorized_keys has it: "ssh-ed25519 AAAA... comment\n". -EBADMSG: not such a
 * key. */
int ssh_key_public(const char *private_key, struct buf *out, struct error *reterr);

#endif
