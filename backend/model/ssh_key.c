/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ssh_key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define MAGIC       "openssh-key-v1" /* and its NUL */
#define TYPE        "ssh-ed25519"
#define BEGIN       "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END         "-----END OPENSSH PRIVATE KEY-----\n"
#define HALF        32 /* bytes of a seed, and of a public key */
#define BLOCK       8 /* private parts are padded to */
#define COLUMNS     70
#define COMMENT_MAX 200
#define BINARY_MAX  1024

static void add_number(struct buf *out, size_t value)
{
	unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
		(unsigned char)(value >> 8), (unsigned char)value};

	buf_add(out, bytes, sizeof(bytes));
}

static void add_string(struct buf *out, const void *data, size_t len)
{
	add_number(out, len);
	buf_add(out, data, len);
}

static void add_text(struct buf *out, const char *text)
{
	add_string(out, text, strlen(text));
}

static void add_public(struct buf *out, const unsigned char *public)
{
	add_text(out, TYPE);
	add_string(out, public, HALF);
}

static void add_private(struct buf *out, const unsigned char *seed, const unsigned char *public,
	uint32_t check, const char *comment)
{
	add_number(out, check);
	add_number(out, check);
	add_public(out, public);
	add_number(out, HALF + HALF);
	buf_add(out, seed, HALF);
	buf_add(out, public, HALF);
	add_text(out, comment);
	for (char pad = 1; out->len % BLOCK != 0; pad++)
		buf_putc(out, pad);
}

static void add_base64(struct buf *out, const struct buf *binary, size_t columns)
{
	char text[BINARY_MAX / 3 * 4 + 8];
	int len = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)binary->data,
		(int)binary->len);

	for (size_t at = 0; at < (size_t)len; at += columns) {
		size_t left = (size_t)len - at;

		buf_add(out, text + at, left < columns ? left : columns);
		if (columns == COLUMNS)
			buf_putc(out, '\n');
	}
	explicit_bzero(text, sizeof(text));
}

static bool make_halves(unsigned char *seed, unsigned char *public)
{
	size_t seed_len = HALF, public_len = HALF;
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	bool done = key && EVP_PKEY_get_raw_private_key(key, seed, &seed_len) == 1 &&
		    EVP_PKEY_get_raw_public_key(key, public, &public_len) == 1;

	EVP_PKEY_free(key);
	return done;
}

int ssh_key_make(const char *comment, struct buf *out, struct error *reterr)
{
	unsigned char seed[HALF], public[HALF];
	struct buf blob = BUF_INIT, secret = BUF_INIT, whole = BUF_INIT;
	uint32_t check;
	int r = 0;

	if (strlen(comment) > COMMENT_MAX)
		return error_set(reterr, -EINVAL, "a key's comment has at most %d bytes",
			COMMENT_MAX);
	if (!make_halves(seed, public) || text_random(&check, sizeof(check)) < 0)
		return error_set(reterr, -EIO, "no SSH key can be made");
	add_public(&blob, public);
	add_private(&secret, seed, public, check, comment);
	buf_add(&whole, MAGIC, sizeof(MAGIC));
	add_text(&whole, "none");
	add_text(&whole, "none");
	add_text(&whole, "");
	add_number(&whole, 1);
	add_string(&whole, blob.data, blob.len);
	add_string(&whole, secret.data, secret.len);
	if (blob.error || secret.error || whole.error)
		r = error_oom(reterr);
	if (r == 0) {
		buf_puts(out, BEGIN);
		add_base64(out, &whole, COLUMNS);
		buf_puts(out, END);
		r = out->error ? error_oom(reterr) : 0;
	}
	explicit_bzero(seed, sizeof(seed));
	buf_wipe(&secret);
	buf_wipe(&whole);
	buf_done(&secret);
	buf_done(&whole);
	buf_done(&blob);
	return r;
}

/* ---- reading ---- */

struct reader {
	const unsigned char *at;
	size_t left;
};

static bool take_number(struct reader *reader, size_t *ret)
{
	if (reader->left < 4)
		return false;
	*ret = (size_t)reader->at[0] << 24 | (size_t)reader->at[1] << 16 |
	       (size_t)reader->at[2] << 8 | reader->at[3];
	reader->at += 4;
	reader->left -= 4;
	return true;
}

static bool take_string(struct reader *reader, struct reader *ret)
{
	size_t len;

	if (!take_number(reader, &len) || len > reader->left)
		return false;
	*ret = (struct reader){reader->at, len};
	reader->at += len;
	reader->left -= len;
	return true;
}

/* The bytes between the two lines. 0: not such a key. */
static size_t decode(const char *text, unsigned char *ret)
{
	char plain[BINARY_MAX / 3 * 4 + 8];
	size_t len = 0;
	int decoded;

	if (strncmp(text, BEGIN, strlen(BEGIN)) != 0)
		return 0;
	for (text += strlen(BEGIN); *text && *text != '-' && len < sizeof(plain) - 4; text++)
		if (*text != '\n')
			plain[len++] = *text;
	decoded = *text == '-' ? EVP_DecodeBlock(ret, (unsigned char *)plain, (int)len) : -1;
	explicit_bzero(plain, sizeof(plain));
	return decoded > 0 ? (size_t)decoded : 0;
}

static bool find_parts(struct reader whole, struct reader *blob, struct reader *comment)
{
	struct reader part, secret;
	size_t number;

	if (whole.left < sizeof(MAGIC) || memcmp(whole.at, MAGIC, sizeof(MAGIC)) != 0)
		return false;
	whole.at += sizeof(MAGIC);
	whole.left -= sizeof(MAGIC);
	for (int i = 0; i < 3; i++)
		if (!take_string(&whole, &part))
			return false;
	return take_number(&whole, &number) && number == 1 && take_string(&whole, blob) &&
	       take_string(&whole, &secret) && take_number(&secret, &number) &&
	       take_number(&secret, &number) && take_string(&secret, &part) &&
	       take_string(&secret, &part) && take_string(&secret, &part) &&
	       take_string(&secret, comment);
}

int ssh_key_public(const char *private_key, struct buf *out, struct error *reterr)
{
	unsigned char binary[BINARY_MAX + 8];
	_cleanup_buf_ struct buf blob = BUF_INIT;
	struct reader public, comment;
	bool found =
		find_parts((struct reader){binary, decode(private_key, binary)}, &public, &comment);

	if (found) {
		buf_add(&blob, public.at, public.left);
		buf_puts(out, TYPE " ");
		add_base64(out, &blob, SIZE_MAX);
		buf_printf(out, " %.*s\n", (int)comment.left, (const char *)comment.at);
	}
	explicit_bzero(binary, sizeof(binary));
	if (!found)
		return error_set(reterr, -EBADMSG, "that is no private key of ours");
	return blob.error || out->error ? error_oom(reterr) : 0;
}
