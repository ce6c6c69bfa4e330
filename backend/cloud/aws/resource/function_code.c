/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/resource/function_code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/idmap.h"
#include "base/lock.h"
#include "base/text.h"
#include "cloud/aws/settled.h"

struct function_code {
	char *bucket, *key, *etag;
};

struct function_codes {
	struct lock lock; /* LOCK_LEAF */
	struct idmap all; /* by function */
};

static void code_free(struct function_code *code)
{
	if (!code)
		return;
	free(code->bucket);
	free(code->key);
	free(code->etag);
	free(code);
}

static struct function_code *code_new(const char *bucket, const char *key, const char *etag)
{
	struct function_code *code = calloc(1, sizeof(*code));

	if (!code)
		return NULL;
	code->bucket = strdup(bucket);
	code->key = strdup(key);
	code->etag = strdup(etag);
	if (code->bucket && code->key && code->etag)
		return code;
	code_free(code);
	return NULL;
}

struct function_codes *function_codes_new(void)
{
	struct function_codes *codes = calloc(1, sizeof(*codes));

	if (codes)
		lock_init(&codes->lock, LOCK_LEAF);
	return codes;
}

void function_codes_free(struct function_codes *codes)
{
	size_t position = 0;
	void *code;

	if (!codes)
		return;
	while ((code = idmap_next(&codes->all, &position)))
		code_free(code);
	idmap_done(&codes->all);
	lock_done(&codes->lock);
	free(codes);
}

void function_codes_put(struct function_codes *codes, int64_t function, const char *bucket,
	const char *key, const char *etag)
{
	struct function_code *code = code_new(bucket, key, etag);

	LOCKED(&codes->lock);
	code_free(idmap_remove(&codes->all, function));
	if (code && idmap_put(&codes->all, function, code) < 0)
		code_free(code);
}

void function_codes_drop(struct function_codes *codes, int64_t function)
{
	LOCKED(&codes->lock);
	code_free(idmap_remove(&codes->all, function));
}

/* ---- what S3 has ---- */

int function_code_look(const struct account *account, const char *bucket, const char *key,
	char ret[CODE_ETAG_SIZE], struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(S3_HEAD_OBJECT);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	struct error error = ERROR_INIT;
	const char *etag;
	int r;

	aws_request_set(&request, "Bucket", bucket);
	aws_request_set(&request, "Key", key);
	r = account_call(account, &request, &answer, FAULT_MISSING, &error);
	*ret = '\0';
	if (r == -EACCES)
		return 0;
	if (r < 0)
		return error_set(reterr, r, "%s", error.text);
	etag = answer_text(answer.root, "ETag");
	if (*etag == '"')
		etag++;
	(void)text_copy(ret, CODE_ETAG_SIZE, etag);
	ret[strcspn(ret, "\"")] = '\0';
	return 0;
}

uint64_t function_code_fact(const char *bucket, const char *key, const char *etag)
{
	return settled_fact("code", bucket, key, etag, NULL);
}

/* ---- a survey ---- */

static int compare(const void *a, const void *b)
{
	const struct function_code *left = *(void *const *)a, *right = *(void *const *)b;
	int order = strcmp(left->bucket, right->bucket);

	if (order == 0)
		order = strcmp(left->key, right->key);
	return order ? order : strcmp(left->etag, right->etag);
}

static bool is_same_object(const struct function_code *a, const struct function_code *b)
{
	return strcmp(a->bucket, b->bucket) == 0 && strcmp(a->key, b->key) == 0;
}

/* Copies of all, those of one object beside each other. NULL: no memory. */
static struct function_code **copy_all(struct function_codes *codes, size_t *ret_count)
{
	struct function_code **list;
	const struct function_code *code;
	size_t position = 0;

	LOCKED(&codes->lock);
	*ret_count = 0;
	list = calloc(codes->all.count + 1, sizeof(struct function_code *));
	while (list && (code = idmap_next(&codes->all, &position))) {
		list[*ret_count] = code_new(code->bucket, code->key, code->etag);
		*ret_count += list[*ret_count] != NULL;
	}
	if (list)
		qsort(list, *ret_count, sizeof(struct function_code *), compare);
	return list;
}

/* Of one that cannot be looked at everything is as it was. */
static int tell(const struct survey *survey, struct function_code *const *list, size_t count,
	const char *etag)
{
	int r = 0;

	if (*etag)
		return survey_fact(survey, function_code_fact(list[0]->bucket, list[0]->key, etag));
	for (size_t i = 0; r == 0 && i < count; i++)
		r = survey_fact(survey,
			function_code_fact(list[i]->bucket, list[i]->key, list[i]->etag));
	return r;
}

int function_codes_survey(const struct survey *survey, struct error *reterr)
{
	size_t count, same;
	struct function_code **list = copy_all(survey->account->codes, &count);
	int r = list ? 0 : error_oom(reterr);

	for (size_t i = 0; r == 0 && i < count; i += same) {
		char etag[CODE_ETAG_SIZE];

		for (same = 1; i + same < count && is_same_object(list[i], list[i + same]);)
			same++;
		r = function_code_look(survey->account, list[i]->bucket, list[i]->key, etag,
			reterr);
		if (r == 0)
			r = tell(survey, list + i, same, etag);
	}
	for (size_t i = 0; list && i < count; i++)
		code_free(list[i]);
	free(list);
	return r;
}
