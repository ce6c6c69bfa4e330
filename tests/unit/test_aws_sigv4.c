/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's published vectors of header signing; tests/aws/setup.sh fetches them. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "aws/sigv4.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"

#define VECTORS     "build/test-aws/vectors"
#define VECTORS_MIN 38
#define HEADERS_MAX 16

struct vector {
	const char *name;
	struct buf request; /* cut into lines in place */
	const char *method, *path, *query, *body;
	struct sigv4_header headers[HEADERS_MAX];
	size_t header_count;
	char date[SIGV4_DATE_SIZE], hash[SIGV4_HASH_SIZE];
	json_t *context;
	struct sigv4_scope scope;
};

static int vector_file(const char *name, const char *file, struct buf *ret)
{
	char path[512];
	int r;

	(void)snprintf(path, sizeof(path), VECTORS "/%s/%s", name, file);
	r = file_read(path, 1 << 20, ret, NULL);
	return r == 0 && ret->len == 0 ? -1 : r;
}

static void add_header(struct vector *vector, const char *name, const char *value)
{
	assert_true(vector->header_count < HEADERS_MAX);
	vector->headers[vector->header_count++] = (struct sigv4_header){name, value};
}

/* A line that begins with a blank goes on with the header before it. */
static void read_headers(struct vector *vector, char *at)
{
	char *colon, *line = at, *end = NULL;

	while (line && *line != '\0') {
		end = strchr(line, '\n');
		while (end && (end[1] == ' ' || end[1] == '\t'))
			end = strchr(end + 1, '\n');
		if (end)
			*end++ = '\0';
		if (*line == '\0')
			break;
		colon = strchr(line, ':');
		assert_non_null(colon);
		*colon = '\0';
		add_header(vector, line, colon + 1);
		line = end;
	}
	vector->body = line && *line == '\0' && end ? end : "";
}

static void read_request(struct vector *vector)
{
	char *line = vector->request.data, *end = strchr(line, '\n'), *version;

	if (end)
		*end++ = '\0';
	vector->method = strsep(&line, " ");
	version = strrchr(line, ' '); /* paths of vectors have spaces */
	assert_non_null(version);
	*version = '\0';
	vector->path = strsep(&line, "?");
	vector->query = line ? line : "";
	read_headers(vector, end);
}

static bool option(const struct vector *vector, const char *name)
{
	return json_is_true(json_object_get(vector->context, name));
}

static void prepare(struct vector *vector)
{
	const json_t *keys = json_object_get(vector->context, "credentials");
	const char *token = json_get_string(keys, "token", NULL);

	vector->scope = (struct sigv4_scope){
		.access_key = json_get_string(keys, "access_key_id", ""),
		.secret_key = json_get_string(keys, "secret_access_key", ""),
		.region = json_get_string(vector->context, "region", ""),
		.service = json_get_string(vector->context, "service", ""),
		.time = 1440938160, /* 2015-08-30T12:36:00Z, in all of them */
		.keep_segments = !option(vector, "normalize"),
	};
	assert_string_equal(json_get_string(vector->context, "timestamp", ""),
		"2015-08-30T12:36:00Z");
	sigv4_date(vector->scope.time, vector->date);
	assert_int_equal(sigv4_hash(vector->body, strlen(vector->body), vector->hash), 0);
	add_header(vector, "X-Amz-Date", vector->date);
	if (token && !option(vector, "omit_session_token"))
		add_header(vector, "X-Amz-Security-Token", token);
	if (option(vector, "sign_body"))
		add_header(vector, "x-amz-content-sha256", vector->hash);
}

static void expect(const struct vector *vector, const char *file, const char *text)
{
	_cleanup_buf_ struct buf wanted = BUF_INIT;

	assert_int_equal(vector_file(vector->name, file, &wanted), 0);
	if (strcmp(text, buf_string(&wanted)) != 0)
		fail_msg("%s/%s: wanted\n%s\ngot\n%s", vector->name, file, buf_string(&wanted),
			text);
}

/* The whole header as it stands in the signed request. */
static void expect_authorization(const struct vector *vector, const char *value)
{
	_cleanup_buf_ struct buf wanted = BUF_INIT, line = BUF_INIT;

	assert_int_equal(vector_file(vector->name, "header-signed-request.txt", &wanted), 0);
	buf_printf(&line, "Authorization:%s\n", value);
	if (!strstr(buf_string(&wanted), buf_string(&line)))
		fail_msg("%s: no %s in\n%s", vector->name, line.data, wanted.data);
}

static void check(struct vector *vector)
{
	_cleanup_buf_ struct buf canonical = BUF_INIT, text = BUF_INIT, authorization = BUF_INIT;
	struct sigv4_request request = {
		.method = vector->method,
		.path = vector->path,
		.query = vector->query,
		.headers = vector->headers,
		.header_count = vector->header_count,
		.payload_hash = vector->hash,
	};
	char signature[SIGV4_HASH_SIZE];

	assert_int_equal(sigv4_canonical(&request, &vector->scope, &canonical), 0);
	expect(vector, "header-canonical-request.txt", buf_string(&canonical));
	assert_int_equal(sigv4_string_to_sign(buf_string(&canonical), &vector->scope, &text), 0);
	expect(vector, "header-string-to-sign.txt", buf_string(&text));
	assert_int_equal(sigv4_signature(buf_string(&text), &vector->scope, signature), 0);
	expect(vector, "header-signature.txt", signature);
	assert_int_equal(sigv4_authorization(&request, &vector->scope, &authorization, NULL), 0);
	expect_authorization(vector, buf_string(&authorization));
}

/* False for a directory without what is expected: Debian's package has two of them. */
static bool run(const char *name)
{
	_cleanup_buf_ struct buf context = BUF_INIT, signature = BUF_INIT;
	struct vector vector = {.name = name};
	bool there = vector_file(name, "header-signature.txt", &signature) == 0 &&
		     vector_file(name, "request.txt", &vector.request) == 0 &&
		     vector_file(name, "context.json", &context) == 0;

	if (there) {
		vector.context = json_loads(buf_string(&context), 0, NULL);
		assert_non_null(vector.context);
		read_request(&vector);
		prepare(&vector);
		check(&vector);
	}
	json_decref(vector.context);
	buf_done(&vector.request);
	return there;
}

static void passes_the_published_vectors(void **state)
{
	DIR *directory = opendir(VECTORS);
	struct dirent *entry;
	int count = 0;

	(void)state;
	if (!directory)
		fail_msg("no vectors in " VECTORS ": run tests/aws/setup.sh build/test-aws");
	while ((entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.')
			count += run(entry->d_name);
	(void)closedir(directory);
	print_message("# %d vectors\n", count);
	assert_true(count >= VECTORS_MIN);
}

static void leaves_the_paths_of_s3_alone(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct sigv4_request request = {.method = "GET",
		.path = "/bucket//a%20b/../c",
		.query = "tagging",
		.payload_hash = "hash"};
	struct sigv4_scope scope = {.path_as_is = true};

	(void)state;
	assert_int_equal(sigv4_canonical(&request, &scope, &text), 0);
	assert_string_equal(text.data, "GET\n/bucket//a%20b/../c\ntagging=\n\n\nhash");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_the_published_vectors),
		cmocka_unit_test(leaves_the_paths_of_s3_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
