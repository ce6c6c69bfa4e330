/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_x509 - X.509 itself: make keys, an authority, leaf certificates; PEM files.
 * Promises: P-256 and SHA-256; what it makes passes a strict chain check (RFC 5280).
 * Threads: any, at once.
 * Ownership: EVP_PKEY and X509 results are the caller's.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_CERTIFICATE_X509_H
#define DUPLOFS_CLOUD_LOCAL_CERTIFICATE_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

static inline void cleanup_x509(X509 **certificate)
{
	X509_free(*certificate);
}

static inline void cleanup_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

#define _cleanup_x509_ __attribute__((cleanup(cleanup_x509)))
#define _cleanup_key_  __attribute__((cleanup(cleanup_key)))

/* Makes an authority valid for days; name goes into its subject. */
int certificate_make_authority(const char *name, int days, X509 **ret, EVP_PKEY **ret_key,
	struct error *reterr);

/* Makes a server certificate for *.base and base, signed by the authority, valid for days. */
int certificate_make_wildcard(const char *base, int days, X509 *authority, EVP_PKEY *authority_key,
	X509 **ret, EVP_PKEY **ret_key, struct error *reterr);

/* -ENOENT: no such file; -EBADMSG: not PEM, or without certificate. */
int certificate_load(const char *path, X509 **ret, struct error *reterr);
int certificate_load_key(const char *path, EVP_PKEY **ret, struct error *reterr);

/* Writes the parts that are not NULL into one file, atomically and durably. */
int certificate_save(const char *path, X509 *certificate, EVP_PKEY *key, mode_t mode,
	struct error *reterr);

/* Days until the end; negative when it is over. */
int certificate_days_left(const X509 *certificate);

#endif
