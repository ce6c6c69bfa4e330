/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/text.h"

#define SEAL_NONCE_SIZE 12
#define SEAL_TAG_SIZE   16

static void cleanup_cipher(EVP_CIPHER_CTX **cipher)
{
	EVP_CIPHER_CTX_free(*cipher);
}

int seal(const unsigned char key[SEAL_KEY_SIZE], const void *context, size_t context_len,
	const void *data, size_t len, struct buf *out)
{
	__attribute__((cleanup(cleanup_cipher))) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	unsigned char nonce[SEAL_NONCE_SIZE], tag[SEAL_TAG_SIZE];
	int put = 0, r = text_random(nonce, sizeof(nonce));
	unsigned char *at;

	if (r < 0)
		return r;
	if (!data)
		data = ""; /* NULL would mean more context */
	buf_add(out, nonce, sizeof(nonce));
	buf_reserve(out, len + SEAL_TAG_SIZE);
	if (!cipher || out->error)
		return -ENOMEM;
	at = (unsigned char *)out->data + out->len;
	if (EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
		EVP_EncryptUpdate(cipher, NULL, &put, context, (int)context_len) != 1 ||
		EVP_EncryptUpdate(cipher, at, &put, data, (int)len) != 1 ||
		EVP_EncryptFinal_ex(cipher, at + put, &put) != 1 ||
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_SIZE, tag) != 1)
		return -EIO;
	out->len += len;
	buf_add(out, tag, sizeof(tag));
	return out->error;
}

int unseal(const unsigned char key[SEAL_KEY_SIZE], const void *context, size_t context_len,
	const void *sealed, size_t len, struct buf *out)
{
	__attribute__((cleanup(cleanup_cipher))) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	const unsigned char *nonce = sealed;
	unsigned char tag[SEAL_TAG_SIZE], *at;
	size_t plain;
	int put = 0;

	if (!sealed || len < SEAL_NONCE_SIZE + SEAL_TAG_SIZE)
		return -EBADMSG;
	plain = len - SEAL_NONCE_SIZE - SEAL_TAG_SIZE;
	memcpy(tag, nonce + SEAL_NONCE_SIZE + plain, sizeof(tag));
	buf_reserve(out, plain);
	if (!cipher || out->error)
		return -ENOMEM;
	at = (unsigned char *)out->data + out->len;
	if (EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
		EVP_DecryptUpdate(cipher, NULL, &put, context, (int)context_len) != 1 ||
		EVP_DecryptUpdate(cipher, at, &put, nonce + SEAL_NONCE_SIZE, (int)plain) != 1 ||
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_SIZE, tag) != 1 ||
		EVP_DecryptFinal_ex(cipher, at + put, &put) != 1) {
		explicit_bzero(at, plain);
		return -EBADMSG;
	}
	out->len += plain;
	out->data[out->len] = '\0';
	return 0;
}
