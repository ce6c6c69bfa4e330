/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/certificate.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cloud/dns_name.h"
#include "cloud/x509.h"

#define AUTHORITY_DAYS 3650
#define LEAF_DAYS      397 /* the most that browsers accept */
#define RENEW_DAYS     30
#define LEAF_PREFIX    "wildcard."

struct certificates {
	char directory[PATH_MAX - 300];
	char domain[DNS_NAME_MAX];
	char own[PATH_MAX];
	X509 *authority;
	EVP_PKEY *authority_key; /* NULL: cannot issue; trouble says why */
	struct error trouble;
};

static int authority_make(struct certificates *c, const char *path, const char *key_path,
	struct error *reterr)
{
	char name[64];
	int r;

	(void)snprintf(name, sizeof(name), "duplofs authority for %.40s", c->domain);
	r = certificate_make_authority(name, AUTHORITY_DAYS, &c->authority, &c->authority_key,
		reterr);
	/* The key goes first: a certificate without its key would be kept for ever. */
	if (r == 0)
		r = certificate_save(key_path, NULL, c->authority_key, 0600, reterr);
	if (r == 0)
		r = certificate_save(path, c->authority, NULL, 0644, reterr);
	return r;
}

/* Loads the authority; an unusable one is left alone and only disables TLS. */
static void authority_load(struct certificates *c, const char *path, const char *key_path)
{
	int r = certificate_load(path, &c->authority, &c->trouble);

	if (r == 0)
		r = certificate_load_key(key_path, &c->authority_key, &c->trouble);
	if (r == 0 && X509_check_private_key(c->authority, c->authority_key) != 1)
		r = error_set(&c->trouble, -EBADMSG, "%s is not the key of %s", key_path, path);
	if (r == 0 && certificate_days_left(c->authority) < 0)
		r = error_set(&c->trouble, -EKEYEXPIRED, "the certificate authority %s has expired",
			path);
	if (r == 0)
		return;
	c->trouble.code = -ENOKEY;
	EVP_PKEY_free(c->authority_key);
	c->authority_key = NULL;
}

int certificates_new(struct certificates **ret, const char *state_dir, const char *domain,
	const char *own, struct error *reterr)
{
	struct certificates *c = calloc(1, sizeof(*c));
	char path[PATH_MAX], key_path[PATH_MAX];
	int r = 0;

	if (!c)
		return error_oom(reterr);
	if (snprintf(c->directory, sizeof(c->directory), "%s/certs", state_dir) >=
		(int)sizeof(c->directory))
		r = error_set(reterr, -ENAMETOOLONG, "path too long: %s", state_dir);
	if (r == 0)
		r = dns_name_normalize(domain, c->domain, reterr);
	if (r == 0)
		r = file_mkdirs(c->directory, 0755, reterr);
	if (r < 0) {
		certificates_free(c);
		return r;
	}
	(void)snprintf(c->own, sizeof(c->own), "%s", own ? own : "");
	(void)snprintf(path, sizeof(path), "%s/ca.pem", c->directory);
	(void)snprintf(key_path, sizeof(key_path), "%s/ca.key", c->directory);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		r = authority_make(c, path, key_path, reterr);
	else
		authority_load(c, path, key_path);
	if (r < 0)
		certificates_free(c);
	else
		*ret = c;
	return r;
}

void certificates_free(struct certificates *c)
{
	if (!c)
		return;
	X509_free(c->authority);
	EVP_PKEY_free(c->authority_key);
	free(c);
}

static int certificate_describe(const char *path, X509 *certificate, struct certificate_use *ret)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	char *text = number ? BN_bn2hex(number) : NULL;

	BN_free(number);
	if (!text)
		return -ENOMEM;
	(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	(void)snprintf(ret->serial, sizeof(ret->serial), "%.63s", text);
	OPENSSL_free(text);
	return 0;
}

/* -ENOENT when the administrator's certificate is not there, is over or does not cover dns. */
static int certificate_own(const struct certificates *c, const char *dns,
	struct certificate_use *ret)
{
	_cleanup_x509_ X509 *certificate = NULL;

	if (c->own[0] == '\0' || certificate_load(c->own, &certificate, NULL) < 0)
		return -ENOENT;
	if (certificate_days_left(certificate) < 0)
		return -ENOENT;
	if (X509_check_host(certificate, dns, 0, 0, NULL) != 1)
		return -ENOENT;
	return certificate_describe(c->own, certificate, ret);
}

/* True when the file holds a certificate for base by our authority that is good for a while. */
static bool certificate_usable(const struct certificates *c, const char *path, const char *base,
	struct certificate_use *ret)
{
	_cleanup_x509_ X509 *certificate = NULL;
	_cleanup_key_ EVP_PKEY *key = NULL;

	if (certificate_load(path, &certificate, NULL) < 0 ||
		certificate_load_key(path, &key, NULL) < 0)
		return false;
	return X509_check_private_key(certificate, key) == 1 &&
	       certificate_days_left(certificate) >= RENEW_DAYS &&
	       X509_verify(certificate, X509_get0_pubkey(c->authority)) == 1 &&
	       X509_check_host(certificate, base, 0, 0, NULL) == 1 &&
	       certificate_describe(path, certificate, ret) == 0;
}

static int certificate_issue(const struct certificates *c, const char *path, const char *base,
	struct certificate_use *ret, struct error *reterr)
{
	_cleanup_x509_ X509 *certificate = NULL;
	_cleanup_key_ EVP_PKEY *key = NULL;
	int days = certificate_days_left(c->authority), r;

	r = certificate_make_wildcard(base, days < LEAF_DAYS ? days : LEAF_DAYS, c->authority,
		c->authority_key, &certificate, &key, reterr);
	if (r == 0)
		r = certificate_save(path, certificate, key, 0600, reterr);
	if (r == 0 && certificate_describe(path, certificate, ret) < 0)
		r = error_oom(reterr);
	return r;
}

int certificates_for(struct certificates *c, const char *dns, struct certificate_use *ret,
	struct error *reterr)
{
	const char *base = strcmp(dns, c->domain) == 0 ? dns : dns_name_parent(dns);
	char path[PATH_MAX];
	int r = certificate_own(c, dns, ret);

	if (r != -ENOENT)
		return r;
	if (!dns_name_within(dns, c->domain))
		return error_set(reterr, -ENOENT,
			"%s is not within %s: no certificate covers it, so it is served without "
			"TLS",
			dns, c->domain);
	if (!c->authority_key)
		return error_set(reterr, c->trouble.code, "%s", c->trouble.text);
	(void)snprintf(path, sizeof(path), "%s/" LEAF_PREFIX "%s.pem", c->directory, base);
	if (certificate_usable(c, path, base, ret))
		return 0;
	return certificate_issue(c, path, base, ret, reterr);
}

void certificates_prune(struct certificates *c, bool (*used)(void *arg, const char *path),
	void *arg)
{
	DIR *directory = opendir(c->directory);
	char path[PATH_MAX];
	struct dirent *entry;

	if (!directory)
		return;
	while ((entry = readdir(directory)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (strncmp(entry->d_name, LEAF_PREFIX, strlen(LEAF_PREFIX)) != 0 || len < 5 ||
			strcmp(entry->d_name + len - 4, ".pem") != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", c->directory, entry->d_name);
		if (!used(arg, path))
			(void)unlink(path);
	}
	(void)closedir(directory);
}
