/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/x509.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#define SECONDS_PER_DAY 86400L
#define CLOCK_SKEW_S    3600L

static int x509_fail(struct error *reterr, const char *what)
{
	char reason[200] = "unknown reason";
	unsigned long code = ERR_get_error();

	if (code)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	return error_set(reterr, -EIO, "cannot %s: %s", what, reason);
}

static bool x509_extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	bool done;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (!extension)
		return false;
	done = X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

/* A serial number of 127 random bits, as RFC 5280 4.1.2.2 wants it: positive, 20 bytes at most. */
static bool x509_set_serial(X509 *certificate)
{
	unsigned char bytes[16];
	BIGNUM *number;
	bool done;

	if (text_random(bytes, sizeof(bytes)) < 0)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return done;
}

static bool x509_fill(X509 *certificate, const char *name, int days, EVP_PKEY *key)
{
	X509_NAME *subject = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) && x509_set_serial(certificate) &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), days * SECONDS_PER_DAY) &&
	       X509_set_pubkey(certificate, key) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
		       -1, -1, 0);
}

static bool x509_authority(X509 *certificate, const char *name, int days, EVP_PKEY *key)
{
	return x509_fill(certificate, name, days, key) &&
	       X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) &&
	       x509_extend(certificate, certificate, NID_basic_constraints,
		       "critical,CA:TRUE,pathlen:0") &&
	       x509_extend(certificate, certificate, NID_key_usage,
		       "critical,keyCertSign,cRLSign") &&
	       x509_extend(certificate, certificate, NID_subject_key_identifier, "hash") &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

int certificate_make_authority(const char *name, int days, X509 **ret, EVP_PKEY **ret_key,
	struct error *reterr)
{
	_cleanup_key_ EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_x509_ X509 *certificate = X509_new();

	if (!key || !certificate || !x509_authority(certificate, name, days, key))
		return x509_fail(reterr, "make the certificate authority");
	*ret = certificate;
	*ret_key = key;
	certificate = NULL;
	key = NULL;
	return 0;
}

static bool x509_leaf(X509 *certificate, const struct certificate_leaf *leaf, X509 *authority,
	EVP_PKEY *authority_key, EVP_PKEY *key)
{
	char common[64];

	/* A common name has at most 64 characters; a host name is checked by the other names. */
	(void)snprintf(common, sizeof(common), "%s", leaf->common);
	return x509_fill(certificate, common, leaf->days, key) &&
	       X509_set_issuer_name(certificate, X509_get_subject_name(authority)) &&
	       x509_extend(certificate, authority, NID_basic_constraints, "critical,CA:FALSE") &&
	       x509_extend(certificate, authority, NID_key_usage, "critical,digitalSignature") &&
	       x509_extend(certificate, authority, NID_ext_key_usage, leaf->usage) &&
	       (!leaf->names ||
		       x509_extend(certificate, authority, NID_subject_alt_name, leaf->names)) &&
	       x509_extend(certificate, authority, NID_subject_key_identifier, "hash") &&
	       x509_extend(certificate, authority, NID_authority_key_identifier, "keyid:always") &&
	       X509_sign(certificate, authority_key, EVP_sha256()) > 0;
}

int certificate_make_leaf(const struct certificate_leaf *leaf, X509 *authority,
	EVP_PKEY *authority_key, X509 **ret, EVP_PKEY **ret_key, struct error *reterr)
{
	_cleanup_key_ EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_x509_ X509 *certificate = X509_new();

	if (!key || !certificate || !x509_leaf(certificate, leaf, authority, authority_key, key))
		return x509_fail(reterr, "issue a certificate");
	*ret = certificate;
	*ret_key = key;
	certificate = NULL;
	key = NULL;
	return 0;
}

int certificate_make_wildcard(const char *base, int days, X509 *authority, EVP_PKEY *authority_key,
	X509 **ret, EVP_PKEY **ret_key, struct error *reterr)
{
	char names[600];
	const struct certificate_leaf leaf = {base, names, "serverAuth", days};

	(void)snprintf(names, sizeof(names), "DNS:*.%s,DNS:%s", base, base);
	return certificate_make_leaf(&leaf, authority, authority_key, ret, ret_key, reterr);
}

static BIO *x509_open(const char *path, struct buf *text, struct error *reterr)
{
	BIO *bio;

	if (access(path, F_OK) < 0) {
		(void)error_errno(reterr, errno, "cannot open %s", path);
		return NULL;
	}
	if (file_read(path, 1024 * 1024, text, reterr) < 0)
		return NULL;
	bio = BIO_new_mem_buf(buf_string(text), (int)text->len);
	if (!bio)
		(void)error_oom(reterr);
	return bio;
}

int certificate_load(const char *path, X509 **ret, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error error = ERROR_INIT;
	BIO *bio = x509_open(path, &text, &error);
	X509 *certificate;

	if (!bio)
		return error_set(reterr, error.code, "%s", error.text);
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (!certificate)
		return error_set(reterr, -EBADMSG, "%s holds no certificate", path);
	*ret = certificate;
	return 0;
}

/* Never asks a terminal for a passphrase. */
static int x509_no_passphrase(char *passphrase, int size, int writing, void *arg)
{
	(void)passphrase;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int certificate_load_key(const char *path, EVP_PKEY **ret, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error error = ERROR_INIT;
	BIO *bio = x509_open(path, &text, &error);
	EVP_PKEY *key;

	if (!bio)
		return error_set(reterr, error.code, "%s", error.text);
	key = PEM_read_bio_PrivateKey(bio, NULL, x509_no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	buf_wipe(&text);
	if (!key)
		return error_set(reterr, -EBADMSG, "%s holds no private key without passphrase",
			path);
	*ret = key;
	return 0;
}

int certificate_print(X509 *certificate, EVP_PKEY *key, struct buf *out, struct error *reterr)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	bool done = bio != NULL;
	long len;

	if (done && certificate)
		done = PEM_write_bio_X509(bio, certificate) == 1;
	if (done && key)
		done = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
	if (!done) {
		BIO_free(bio);
		return x509_fail(reterr, "write a certificate");
	}
	len = BIO_get_mem_data(bio, &data);
	buf_add(out, data, (size_t)len);
	OPENSSL_cleanse(data, (size_t)len);
	BIO_free(bio);
	return out->error ? error_oom(reterr) : 0;
}

int certificate_save(const char *path, X509 *certificate, EVP_PKEY *key, mode_t mode,
	struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = certificate_print(certificate, key, &text, reterr);

	if (r == 0)
		r = file_write_atomic(path, text.data, text.len, mode, 1, reterr);
	buf_wipe(&text);
	return r;
}

int certificate_days_left(const X509 *certificate)
{
	int days = -1, seconds;

	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
		return -1;
	return seconds < 0 && days == 0 ? -1 : days;
}
