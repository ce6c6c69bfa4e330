/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine/engine_keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cloud/cloud.h"
#include "cloud/x509.h"

#define AUTHORITY_DAYS 7300
#define ENGINE_DAYS    3650 /* longer than a machine lives: it gets no other one */
#define CLIENT_DAYS    397
#define RENEW_DAYS     30

struct engine_keys {
	X509 *authority;
	EVP_PKEY *key;
};

static int join(char path[PATH_MAX], const char *dir, const char *name, struct error *reterr)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return error_set(reterr, -ENAMETOOLONG, "path too long: %s", dir);
	return 0;
}

static int make_authority(struct engine_keys *keys, const char *path, const char *key_path,
	const char *platform, struct error *reterr)
{
	char name[64];
	int r;

	(void)snprintf(name, sizeof(name), "duplofs engines of %.40s", platform);
	r = certificate_make_authority(name, AUTHORITY_DAYS, &keys->authority, &keys->key, reterr);
	/* The key goes first: a certificate without its key would be kept for ever. */
	if (r == 0)
		r = certificate_save(key_path, NULL, keys->key, 0600, reterr);
	return r < 0 ? r : certificate_save(path, keys->authority, NULL, 0644, reterr);
}

static int open_authority(struct engine_keys *keys, const char *dir, const char *platform,
	struct error *reterr)
{
	char path[PATH_MAX], key_path[PATH_MAX];
	int r = join(path, dir, CLOUD_ENGINE_CA, reterr);

	if (r == 0)
		r = join(key_path, dir, "ca.key", reterr);
	if (r < 0)
		return r;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return make_authority(keys, path, key_path, platform, reterr);
	r = certificate_load(path, &keys->authority, reterr);
	if (r == 0)
		r = certificate_load_key(key_path, &keys->key, reterr);
	if (r == 0 && X509_check_private_key(keys->authority, keys->key) != 1)
		r = error_set(reterr, -EBADMSG, "%s is not the key of %s", key_path, path);
	return r;
}

static bool client_is_good(const struct engine_keys *keys, const char *path)
{
	_cleanup_x509_ X509 *certificate = NULL;
	_cleanup_key_ EVP_PKEY *key = NULL;

	return certificate_load(path, &certificate, NULL) == 0 &&
	       certificate_load_key(path, &key, NULL) == 0 &&
	       X509_check_private_key(certificate, key) == 1 &&
	       certificate_days_left(certificate) >= RENEW_DAYS &&
	       X509_verify(certificate, X509_get0_pubkey(keys->authority)) == 1;
}

static int make_client(const struct engine_keys *keys, const char *dir, const char *platform,
	struct error *reterr)
{
	const struct certificate_leaf leaf = {platform, NULL, "clientAuth", CLIENT_DAYS};
	_cleanup_x509_ X509 *certificate = NULL;
	_cleanup_key_ EVP_PKEY *key = NULL;
	char path[PATH_MAX];
	int r = join(path, dir, CLOUD_ENGINE_CLIENT, reterr);

	if (r < 0 || client_is_good(keys, path))
		return r;
	r = certificate_make_leaf(&leaf, keys->authority, keys->key, &certificate, &key, reterr);
	return r < 0 ? r : certificate_save(path, certificate, key, 0600, reterr);
}

int engine_keys_new(struct engine_keys **ret, const char *dir, const char *platform,
	struct error *reterr)
{
	struct engine_keys *keys = calloc(1, sizeof(*keys));
	int r;

	if (!keys)
		return error_oom(reterr);
	r = file_mkdirs(dir, 0700, reterr);
	if (r == 0)
		r = open_authority(keys, dir, platform, reterr);
	if (r == 0)
		r = make_client(keys, dir, platform, reterr);
	if (r < 0)
		engine_keys_free(keys);
	else
		*ret = keys;
	return r;
}

void engine_keys_free(struct engine_keys *keys)
{
	if (!keys)
		return;
	X509_free(keys->authority);
	EVP_PKEY_free(keys->key);
	free(keys);
}

int engine_keys_issue(const struct engine_keys *keys, const char *name, struct buf *ret_certificate,
	struct buf *ret_key, struct error *reterr)
{
	char names[300];
	const struct certificate_leaf leaf = {name, names, "serverAuth", ENGINE_DAYS};
	_cleanup_x509_ X509 *certificate = NULL;
	_cleanup_key_ EVP_PKEY *key = NULL;
	int r;

	(void)snprintf(names, sizeof(names), "DNS:%s", name);
	r = certificate_make_leaf(&leaf, keys->authority, keys->key, &certificate, &key, reterr);
	if (r == 0)
		r = certificate_print(certificate, NULL, ret_certificate, reterr);
	return r < 0 ? r : certificate_print(NULL, key, ret_key, reterr);
}

int engine_keys_authority(const struct engine_keys *keys, struct buf *out, struct error *reterr)
{
	return certificate_print(keys->authority, NULL, out, reterr);
}
