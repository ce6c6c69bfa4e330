/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509 - X.509 itself: make keys, an authority, leaf certificates; PEM files.
 * Promises: P-256 and SHA-256; what it makes passes a strict chain check (RFC 5280).
 * Threads: any, at once.
 * Ownership: EVP_PKEY and X509 results are the caller's.
 */
#ifndef DUPLOFS_CLOUD_X509_H
#define DUPLOFS_CLOUD_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
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

/* What a certificate is for. */
struct certificate_leaf {
	const char *common; /* common name: what is over 64 bytes is cut off */
	const char *names; /* other names, as OpenSSL writes them: "DNS:a,DNS:*.b"; NULL: none */
	const char *usage; /* "serverAuth", "clientAuth" */
	int days; /* that it is valid for */
};

/* Makes a key, and a certificate for it that the authority signs. */
int certificate_make_leaf(const struct certificate_leaf *leaf, X509 *authority,
	EVP_PKEY *authority_key, X509 **ret, EVP_PKEY **ret_key, struct error *reterr);

/* The same for a server at *.base and base. */
int certificate_make_wildcard(const char *base, int days, X509 *authority, EVP_PKEY *authority_key,
	X509 **ret, EVP_PKEY **ret_key, struct error *reterr);

/* -ENOENT: no such file; -EBADMSG: not PEM, or without certificate. */
int certificate_load(const char *path, X509 **ret, struct error *reterr);
int certificate_load_key(const char *path, EVP_PKEY **ret, struct error *reterr);

/* Appends the parts that are not NULL as PEM; wipe what holds a key. */
int certificate_print(X509 *certificate, EVP_PKEY *key, struct buf *out, struct error *reterr);

/* Writes the parts that are not NULL into one file, atomically and durably. */
int certificate_save(const char *path, X509 *certificate, EVP_PKEY *key, mode_t mode,
	struct error *reterr);

/* Days until the end; negative when it is over. */
int certificate_days_left(const X509 *certificate);

#endif
