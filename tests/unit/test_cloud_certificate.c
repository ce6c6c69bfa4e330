/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate authority and what it issues, checked with OpenSSL's own chain verification. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "cloud/local/certificate.h"
#include "cloud/x509.h"
#include "cloud_fixture.h"

static struct fixture fixture;
static struct certificates *certificates;
static struct error error;

static const char *path_of(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/certs/%s", fixture.state_dir, name);
	return path;
}

static int make(const char *own)
{
	certificates_free(certificates);
	certificates = NULL;
	return certificates_new(&certificates, fixture.state_dir, "duplo.test", own, &error);
}

/* Verifies the certificate in path for a host name, as a TLS client does; an X509_V_ code. */
static int verify(const char *path, const char *host)
{
	_cleanup_x509_ X509 *leaf = NULL, *authority = NULL;
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *parameters;
	int result;

	assert_fine(certificate_load(path, &leaf, &error));
	assert_fine(certificate_load(path_of("ca.pem"), &authority, &error));
	assert_int_equal(X509_STORE_add_cert(store, authority), 1);
	assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
	parameters = X509_STORE_CTX_get0_param(context);
	(void)X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
	(void)X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
	(void)X509_VERIFY_PARAM_set1_host(parameters, host, 0);
	(void)X509_verify_cert(context);
	result = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return result;
}

static int mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

static void test_the_authority_is_made_once(void **state)
{
	_cleanup_buf_ struct buf first = BUF_INIT, second = BUF_INIT;
	_cleanup_x509_ X509 *authority = NULL;

	(void)state;
	assert_fine(make(NULL));
	assert_int_equal(mode_of(path_of("ca.pem")), 0644);
	assert_int_equal(mode_of(path_of("ca.key")), 0600);
	assert_fine(file_read(path_of("ca.pem"), 65536, &first, &error));
	assert_fine(make(NULL));
	assert_fine(file_read(path_of("ca.pem"), 65536, &second, &error));
	assert_string_equal(first.data, second.data);
	assert_fine(certificate_load(path_of("ca.pem"), &authority, &error));
	assert_int_equal(X509_check_ca(authority), 1);
	assert_in_range(certificate_days_left(authority), 3649, 3650);
}

static void test_names_in_the_domain_are_covered(void **state)
{
	struct certificate_use use, again;

	(void)state;
	assert_fine(certificates_for(certificates, "a.duplo.test", &use, &error));
	assert_string_equal(use.path, path_of("wildcard.duplo.test.pem"));
	assert_int_equal(mode_of(use.path), 0600);
	assert_int_equal(verify(use.path, "a.duplo.test"), X509_V_OK);
	assert_int_equal(verify(use.path, "duplo.test"), X509_V_OK);
	assert_int_equal(verify(use.path, "a.b.duplo.test"), X509_V_ERR_HOSTNAME_MISMATCH);
	/* The same for its neighbours: no new one. */
	assert_fine(certificates_for(certificates, "b.duplo.test", &again, &error));
	assert_string_equal(use.serial, again.serial);
	assert_fine(certificates_for(certificates, "duplo.test", &again, &error));
	assert_string_equal(use.serial, again.serial);
	assert_fine(make(NULL));
	assert_fine(certificates_for(certificates, "b.duplo.test", &again, &error));
	assert_string_equal(use.serial, again.serial);
	/* One more label: one more certificate. */
	assert_fine(certificates_for(certificates, "website.demo.duplo.test", &again, &error));
	assert_string_equal(again.path, path_of("wildcard.demo.duplo.test.pem"));
	assert_int_equal(verify(again.path, "website.demo.duplo.test"), X509_V_OK);
	assert_string_not_equal(use.serial, again.serial);
}

static void test_names_outside_are_not(void **state)
{
	struct certificate_use use;

	(void)state;
	assert_int_equal(certificates_for(certificates, "www.example.org", &use, &error), -ENOENT);
	assert_int_equal(certificates_for(certificates, "aduplo.test", &use, &error), -ENOENT);
	assert_int_equal(certificates_for(certificates, "test", &use, &error), -ENOENT);
}

static void test_a_certificate_is_renewed_in_time(void **state)
{
	_cleanup_x509_ X509 *authority = NULL, *old = NULL, *renewed = NULL;
	_cleanup_key_ EVP_PKEY *authority_key = NULL, *key = NULL;
	struct certificate_use use;
	const char *path = path_of("wildcard.old.duplo.test.pem");
	int days;

	(void)state;
	assert_fine(certificate_load(path_of("ca.pem"), &authority, &error));
	assert_fine(certificate_load_key(path_of("ca.key"), &authority_key, &error));
	for (days = 29; days <= 31; days += 2) {
		char serial[64];

		assert_fine(certificate_make_wildcard("old.duplo.test", days, authority,
			authority_key, &old, &key, &error));
		path = path_of("wildcard.old.duplo.test.pem");
		assert_fine(certificate_save(path, old, key, 0600, &error));
		assert_fine(certificates_for(certificates, "a.old.duplo.test", &use, &error));
		(void)snprintf(serial, sizeof(serial), "%s", use.serial);
		assert_fine(certificate_load(use.path, &renewed, &error));
		assert_in_range(certificate_days_left(renewed), days == 29 ? 396 : 30,
			days == 29 ? 397 : 31);
		assert_int_equal(verify(use.path, "a.old.duplo.test"), X509_V_OK);
		X509_free(old);
		X509_free(renewed);
		EVP_PKEY_free(key);
		old = renewed = NULL;
		key = NULL;
	}
}

static void test_damaged_files_are_replaced(void **state)
{
	struct certificate_use use;

	(void)state;
	assert_fine(certificates_for(certificates, "a.duplo.test", &use, &error));
	assert_fine(file_write_atomic(use.path, "garbage", 7, 0600, 0, &error));
	assert_fine(certificates_for(certificates, "a.duplo.test", &use, &error));
	assert_int_equal(verify(use.path, "a.duplo.test"), X509_V_OK);
	/* A certificate by another authority is none of ours. */
	{
		_cleanup_x509_ X509 *other = NULL, *leaf = NULL;
		_cleanup_key_ EVP_PKEY *other_key = NULL, *key = NULL;

		assert_fine(certificate_make_authority("other", 9, &other, &other_key, &error));
		assert_fine(certificate_make_wildcard("duplo.test", 300, other, other_key, &leaf,
			&key, &error));
		assert_fine(certificate_save(use.path, leaf, key, 0600, &error));
	}
	assert_int_not_equal(verify(use.path, "a.duplo.test"), X509_V_OK);
	assert_fine(certificates_for(certificates, "a.duplo.test", &use, &error));
	assert_int_equal(verify(use.path, "a.duplo.test"), X509_V_OK);
}

static void test_an_own_certificate_wins_where_it_covers(void **state)
{
	_cleanup_x509_ X509 *authority = NULL, *leaf = NULL;
	_cleanup_key_ EVP_PKEY *authority_key = NULL, *key = NULL;
	struct certificate_use use;
	char own[128];

	(void)state;
	(void)snprintf(own, sizeof(own), "%s/own.pem", fixture.directory);
	assert_fine(certificate_make_authority("other", 9, &authority, &authority_key, &error));
	assert_fine(certificate_make_wildcard("example.org", 9, authority, authority_key, &leaf,
		&key, &error));
	assert_fine(certificate_save(own, leaf, key, 0600, &error));
	assert_fine(make(own));
	assert_fine(certificates_for(certificates, "www.example.org", &use, &error));
	assert_string_equal(use.path, own);
	assert_int_equal(certificates_for(certificates, "a.www.example.org", &use, &error),
		-ENOENT);
	assert_fine(certificates_for(certificates, "a.duplo.test", &use, &error));
	assert_string_not_equal(use.path, own);
	assert_int_equal(unlink(own), 0);
	assert_int_equal(certificates_for(certificates, "www.example.org", &use, &error), -ENOENT);
	assert_fine(make(NULL));
}

static bool keep_one(void *arg, const char *path)
{
	return strcmp(path, arg) == 0;
}

static void test_unused_ones_go(void **state)
{
	struct certificate_use kept, gone;

	(void)state;
	assert_fine(certificates_for(certificates, "a.x.duplo.test", &kept, &error));
	assert_fine(certificates_for(certificates, "a.y.duplo.test", &gone, &error));
	certificates_prune(certificates, keep_one, kept.path);
	assert_int_equal(access(kept.path, F_OK), 0);
	assert_int_equal(access(gone.path, F_OK), -1);
	assert_int_equal(access(path_of("ca.pem"), F_OK), 0);
	assert_int_equal(access(path_of("ca.key"), F_OK), 0);
}

/* An authority without its key is kept, for people trust it; it issues nothing. */
static void test_an_authority_without_key_is_kept(void **state)
{
	_cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
	struct certificate_use use;

	(void)state;
	assert_fine(file_read(path_of("ca.pem"), 65536, &before, &error));
	assert_int_equal(unlink(path_of("ca.key")), 0);
	assert_fine(make(NULL));
	error_clear(&error);
	assert_int_equal(certificates_for(certificates, "a.duplo.test", &use, &error), -ENOKEY);
	assert_non_null(strstr(error.text, "ca.key"));
	assert_fine(file_read(path_of("ca.pem"), 65536, &after, &error));
	assert_string_equal(before.data, after.data);
	/* The key of another one does not help. */
	{
		_cleanup_x509_ X509 *other = NULL;
		_cleanup_key_ EVP_PKEY *other_key = NULL;

		assert_fine(certificate_make_authority("other", 9, &other, &other_key, &error));
		assert_fine(certificate_save(path_of("ca.key"), NULL, other_key, 0600, &error));
	}
	assert_fine(make(NULL));
	assert_int_equal(certificates_for(certificates, "a.duplo.test", &use, &error), -ENOKEY);
	/* A key without a certificate is what a crash at the first start leaves: made anew. */
	assert_int_equal(unlink(path_of("ca.pem")), 0);
	assert_fine(make(NULL));
	assert_fine(certificates_for(certificates, "a.duplo.test", &use, &error));
	assert_int_equal(verify(use.path, "a.duplo.test"), X509_V_OK);
}

static int setup(void **state)
{
	(void)state;
	fixture_init(&fixture);
	return make(NULL);
}

static int teardown(void **state)
{
	(void)state;
	certificates_free(certificates);
	fixture_done(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_authority_is_made_once),
		cmocka_unit_test(test_names_in_the_domain_are_covered),
		cmocka_unit_test(test_names_outside_are_not),
		cmocka_unit_test(test_a_certificate_is_renewed_in_time),
		cmocka_unit_test(test_damaged_files_are_replaced),
		cmocka_unit_test(test_an_own_certificate_wins_where_it_covers),
		cmocka_unit_test(test_unused_ones_go),
		cmocka_unit_test(test_an_authority_without_key_is_kept),
	};

	return cmocka_run_group_tests_name("cloud_certificate", tests, setup, teardown);
}
