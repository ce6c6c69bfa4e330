/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/credentials.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define REFRESH_BEFORE_S 300
#define FAILURE_PAUSE_S  5

static void wipe(char **text)
{
	if (*text)
		OPENSSL_cleanse(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void credentials_done(struct credentials *credentials)
{
	wipe(&credentials->access_key);
	wipe(&credentials->secret_key);
	wipe(&credentials->token);
}

int64_t credentials_time(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	/* Some services add fractions of a second. */
	return end && (*end == 'Z' || *end == '.') ? (int64_t)timegm(&tm) : 0;
}

int credentials_set(struct credentials *ret, const char *access_key, const char *secret_key,
	const char *token, const char *expires)
{
	credentials_done(ret);
	ret->access_key = strdup(access_key);
	ret->secret_key = strdup(secret_key);
	ret->token = strdup(token ? token : "");
	ret->expires_s = expires ? credentials_time(expires) : 0;
	if (ret->access_key && ret->secret_key && ret->token)
		return 0;
	credentials_done(ret);
	return -ENOMEM;
}

int credentials_copy(struct credentials *ret, const struct credentials *credentials)
{
	int r = credentials_set(ret, credentials->access_key, credentials->secret_key,
		credentials->token, NULL);

	ret->expires_s = credentials->expires_s;
	return r;
}

int credentials_from_environment(struct aws_client *client, struct credentials *ret,
	struct error *reterr)
{
	const char *access_key = getenv("AWS_ACCESS_KEY_ID");
	const char *secret_key = getenv("AWS_SECRET_ACCESS_KEY");
	const char *token = getenv("AWS_SESSION_TOKEN");

	(void)client;
	if (!access_key || !*access_key)
		return -ENOENT;
	if (!secret_key || !*secret_key)
		return error_set(reterr, -ENOKEY,
			"AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not");
	return credentials_set(ret, access_key, secret_key, token, NULL);
}

static int chain_load(struct aws_client *client, struct credentials *ret, struct error *reterr)
{
	static int (*const sources[])(struct aws_client *, struct credentials *, struct error *) = {
		credentials_from_environment,
		credentials_from_files,
		credentials_from_instance,
	};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		/* A profile that was asked for by name goes before the keys in the environment. */
		if (i == 0 && getenv("AWS_PROFILE"))
			continue;
		r = sources[i](client, ret, reterr);
		if (r != -ENOENT)
			return r == -ENOMEM ? error_oom(reterr) : r;
	}
	return error_set(reterr, -ENOKEY,
		"no credentials for AWS: give the platform AWS_ACCESS_KEY_ID and "
		"AWS_SECRET_ACCESS_KEY, a profile in ~/.aws/credentials (AWS_PROFILE), or run it "
		"on "
		"an instance with a role");
}

void credential_cache_init(struct credential_cache *cache)
{
	*cache = (struct credential_cache){0};
	lock_init(&cache->lock, LOCK_LEAF);
	cond_init(&cache->loaded);
}

void credential_cache_done(struct credential_cache *cache)
{
	credentials_done(&cache->current);
	cond_done(&cache->loaded);
	lock_done(&cache->lock);
}

static int64_t now_s(void)
{
	return clock_wall_ns() / NS_PER_SECOND;
}

static bool cache_holds(const struct credential_cache *cache, int64_t now)
{
	return cache->current.access_key &&
	       (!cache->current.expires_s || now < cache->current.expires_s);
}

static bool cache_is_fresh(const struct credential_cache *cache, int64_t now)
{
	return cache_holds(cache, now) && (!cache->refresh_s || now < cache->refresh_s);
}

/* Five minutes before they expire; of short-lived ones, half of their life. */
static int64_t refresh_time(const struct credentials *credentials, int64_t now)
{
	int64_t left = credentials->expires_s - now;

	if (!credentials->expires_s)
		return 0;
	return now + (left > 2 * REFRESH_BEFORE_S ? left - REFRESH_BEFORE_S : left / 2);
}

/* Called with the lock, which is released meanwhile. */
static void cache_load(struct credential_cache *cache, struct aws_client *client)
{
	_cleanup_credentials_ struct credentials found = CREDENTIALS_INIT;
	struct error error = ERROR_INIT;
	int64_t now;
	int r;

	cache->loading = true;
	lock_release(&cache->lock);
	r = chain_load(client, &found, &error);
	lock_acquire(&cache->lock);
	now = now_s();
	cache->loading = false;
	if (r == 0) {
		credentials_done(&cache->current);
		cache->current = found;
		found = CREDENTIALS_INIT;
		cache->refresh_s = refresh_time(&cache->current, now);
		error_clear(&cache->failure);
	} else {
		log_debug("credentials: %s", error.text);
		cache->failed_s = now + FAILURE_PAUSE_S;
		cache->failure = error;
		cache->failure.code = r;
	}
	cond_broadcast(&cache->loaded);
}

int credential_cache_get(struct credential_cache *cache, struct aws_client *client,
	struct credentials *ret, struct error *reterr)
{
	bool looked = false;
	int64_t now;

	LOCKED(&cache->lock);
	for (;;) {
		now = now_s();
		if (cache_is_fresh(cache, now) ||
			((looked || cache->loading) && cache_holds(cache, now)))
			break;
		if (cache->failure.code && now < cache->failed_s)
			break;
		if (!cache->loading && looked)
			return error_set(reterr, -ENOKEY,
				"the keys that the platform is given have expired already: is the "
				"clock of this machine right?");
		if (cache->loading) {
			cond_wait(&cache->loaded, &cache->lock);
		} else {
			looked = true;
			cache_load(cache, client);
		}
	}
	if (cache_holds(cache, now))
		return credentials_copy(ret, &cache->current) < 0 ? error_oom(reterr) : 0;
	return error_set(reterr, cache->failure.code, "%s", cache->failure.text);
}

void credential_cache_expire(struct credential_cache *cache, const char *access_key)
{
	LOCKED(&cache->lock);
	/* Another thread may have replaced them already. */
	if (!cache->current.access_key || strcmp(cache->current.access_key, access_key) != 0)
		return;
	credentials_done(&cache->current);
}
