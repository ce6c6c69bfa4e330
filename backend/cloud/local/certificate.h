/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate - a certificate authority of our own and the wildcard certificates that it issues.
 * Promises: an authority that exists is kept; files are replaced atomically; keys are 0600.
 *           A name outside the domain gets none, unless the administrator's certificate covers it.
 * Threads: certificates_for and certificates_prune from one thread at a time.
 * Ownership: files live in state_dir/certs: ca.pem, ca.key, and wildcard.<base>.pem made on demand.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_CERTIFICATE_H
#define DUPLOFS_CLOUD_LOCAL_CERTIFICATE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct certificates;

struct certificate_use {
	char path[PATH_MAX]; /* PEM: certificate, its chain, key */
	char serial[64]; /* changes when the file's content does */
};

/* own: path of the administrator's certificate, chain and key in one PEM file, or NULL. Makes the
 * authority when there is none. */
int certificates_new(struct certificates **ret, const char *state_dir, const char *domain,
	const char *own, struct error *reterr);
void certificates_free(struct certificates *certificates);

/* The certificate for a normalized dns name, issued or renewed when needed. -ENOENT: no one covers
 * the name. */
int certificates_for(struct certificates *certificates, const char *dns,
	struct certificate_use *ret, struct error *reterr);

/* Removes the files of issued certificates for which used says no. */
void certificates_prune(struct certificates *certificates,
	bool (*used)(void *arg, const char *path), void *arg);

#endif
