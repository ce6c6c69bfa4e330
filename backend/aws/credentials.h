/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials - the keys that requests are signed with, and where they come from: the
 *               environment, the shared files (with roles to assume), the instance's metadata
 *               service.
 * Promises: keys that expire are replaced before they do; while that fails, those that still
 *           hold are used. One thread looks for keys, others wait for it or use the old; a
 *           failed search is not repeated for some seconds.
 * Threads: the cache from any thread at once; it may block on the network for seconds.
 * Ownership: _done wipes and frees; the cache borrows its net.
 */
#ifndef DUPLOFS_AWS_CREDENTIALS_H
#define DUPLOFS_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/lock.h"

struct aws_client;

struct credentials {
	char *access_key, *secret_key;
	char *token; /* "" for none */
	int64_t expires_s; /* since 1970; 0: never */
};

#define CREDENTIALS_INIT                                                                           \
	(struct credentials)                                                                       \
	{                                                                                          \
		0                                                                                  \
	}
void credentials_done(struct credentials *credentials);
#define _cleanup_credentials_ __attribute__((cleanup(credentials_done)))

/* Takes copies; -ENOMEM. expires: "2026-11-26T12:00:00Z" or NULL. */
int credentials_set(struct credentials *ret, const char *access_key, const char *secret_key,
	const char *token, const char *expires);
int credentials_copy(struct credentials *ret, const struct credentials *credentials);

/* Seconds since 1970 of "2026-11-26T12:00:00Z"; 0 for what is no such time. */
int64_t credentials_time(const char *text);

struct credential_cache {
	struct lock lock;
	struct cond loaded;
	struct credentials current;
	bool loading;
	int64_t refresh_s; /* when to look for new ones */
	int64_t failed_s; /* no new search before */
	struct error failure;
};

void credential_cache_init(struct credential_cache *cache);
void credential_cache_done(struct credential_cache *cache);

/* -ENOKEY: there are none; the sentence says where they were looked for. */
int credential_cache_get(struct credential_cache *cache, struct aws_client *client,
	struct credentials *ret, struct error *reterr);
/* AWS says that they have expired: look for new ones at the next get. */
void credential_cache_expire(struct credential_cache *cache, const char *access_key);

/* The sources, in their order; each gives -ENOENT when it has none. */
int credentials_from_environment(struct aws_client *client, struct credentials *ret,
	struct error *reterr);
int credentials_from_files(struct aws_client *client, struct credentials *ret,
	struct error *reterr);
int credentials_from_instance(struct aws_client *client, struct credentials *ret,
	struct error *reterr);

/* A value of the profile in use (AWS_PROFILE, else "default") out of the shared files. */
bool profile_get(const char *profile, const char *key, char *value, size_t size);
const char *profile_name(void);

/* The region that the instance is in; -ENOENT when this is no instance. */
int instance_region(struct aws_client *client, char *ret, size_t size, struct error *reterr);

#endif
