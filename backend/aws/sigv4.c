/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/sigv4.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "aws/canonical.h"

#define HASH_BYTES 32
#define ALGORITHM  "AWS4-HMAC-SHA256"

static void hex(const unsigned char bytes[HASH_BYTES], char ret[SIGV4_HASH_SIZE])
{
	for (size_t i = 0; i < HASH_BYTES; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

void sigv4_date(time_t time, char ret[SIGV4_DATE_SIZE])
{
	struct tm tm;

	if (!gmtime_r(&time, &tm) || strftime(ret, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm) == 0)
		ret[0] = '\0';
}

int sigv4_hash(const void *data, size_t len, char ret[SIGV4_HASH_SIZE])
{
	unsigned char digest[HASH_BYTES];

	if (EVP_Digest(data ? data : "", len, digest, NULL, EVP_sha256(), NULL) != 1)
		return -EIO;
	hex(digest, ret);
	return 0;
}

int sigv4_canonical(const struct sigv4_request *request, const struct sigv4_scope *scope,
	struct buf *ret)
{
	buf_printf(ret, "%s\n", request->method);
	canonical_path(request->path, scope->path_as_is, scope->keep_segments, ret);
	buf_putc(ret, '\n');
	canonical_query(request->query, ret);
	buf_putc(ret, '\n');
	canonical_headers(request->headers, request->header_count, ret);
	buf_putc(ret, '\n');
	canonical_names(request->headers, request->header_count, ret);
	buf_printf(ret, "\n%s", request->payload_hash);
	return ret->error;
}

/* "20150830/us-east-1/service/aws4_request" */
static void scope_print(const struct sigv4_scope *scope, struct buf *ret)
{
	char date[SIGV4_DATE_SIZE];

	sigv4_date(scope->time, date);
	buf_printf(ret, "%.8s/%s/%s/aws4_request", date, scope->region, scope->service);
}

int sigv4_string_to_sign(const char *canonical, const struct sigv4_scope *scope, struct buf *ret)
{
	char date[SIGV4_DATE_SIZE], hash[SIGV4_HASH_SIZE];
	int r = sigv4_hash(canonical, strlen(canonical), hash);

	if (r < 0)
		return r;
	sigv4_date(scope->time, date);
	buf_printf(ret, ALGORITHM "\n%s\n", date);
	scope_print(scope, ret);
	buf_printf(ret, "\n%s", hash);
	return ret->error;
}

static bool mac(unsigned char key[HASH_BYTES], const char *text, size_t len)
{
	unsigned char digest[HASH_BYTES];
	unsigned int size = sizeof(digest);

	if (!HMAC(EVP_sha256(), key, HASH_BYTES, (const unsigned char *)text, len, digest, &size))
		return false;
	memcpy(key, digest, HASH_BYTES);
	return true;
}

/* The first key has a length of its own. */
static bool mac_date(const char *secret, const char *date, unsigned char ret[HASH_BYTES])
{
	_cleanup_buf_ struct buf key = BUF_INIT;
	unsigned int size = HASH_BYTES;
	bool done;

	buf_printf(&key, "AWS4%s", secret);
	done = !key.error && HMAC(EVP_sha256(), key.data, (int)key.len, (const unsigned char *)date,
				     8, ret, &size);
	buf_wipe(&key);
	return done;
}

int sigv4_signature(const char *string_to_sign, const struct sigv4_scope *scope,
	char ret[SIGV4_HASH_SIZE])
{
	unsigned char key[HASH_BYTES];
	char date[SIGV4_DATE_SIZE];
	bool done;

	sigv4_date(scope->time, date);
	done = mac_date(scope->secret_key, date, key) &&
	       mac(key, scope->region, strlen(scope->region)) &&
	       mac(key, scope->service, strlen(scope->service)) &&
	       mac(key, "aws4_request", strlen("aws4_request")) &&
	       mac(key, string_to_sign, strlen(string_to_sign));
	if (done)
		hex(key, ret);
	OPENSSL_cleanse(key, sizeof(key));
	return done ? 0 : -EIO;
}

int sigv4_authorization(const struct sigv4_request *request, const struct sigv4_scope *scope,
	struct buf *ret, struct error *reterr)
{
	_cleanup_buf_ struct buf canonical = BUF_INIT, text = BUF_INIT;
	char signature[SIGV4_HASH_SIZE];
	int r;

	r = sigv4_canonical(request, scope, &canonical);
	if (r == 0)
		r = sigv4_string_to_sign(buf_string(&canonical), scope, &text);
	if (r == 0)
		r = sigv4_signature(buf_string(&text), scope, signature);
	if (r < 0)
		return error_set(reterr, r, "the request to AWS cannot be signed: %s",
			strerror(-r));
	buf_printf(ret, ALGORITHM " Credential=%s/", scope->access_key);
	scope_print(scope, ret);
	buf_puts(ret, ", SignedHeaders=");
	canonical_names(request->headers, request->header_count, ret);
	buf_printf(ret, ", Signature=%s", signature);
	return ret->error ? error_oom(reterr) : 0;
}
