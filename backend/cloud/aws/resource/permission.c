/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/resource/permission.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cloud/aws/account_memo.h"

#define HEAD "{\"Version\":\"2012-10-17\",\"Statement\":["

/* ARNs, actions and endings are made of plain characters: nothing needs escaping. */
static void add_list(struct buf *document, const char *head, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		buf_printf(document, "%s\"%s%s\"", i > 0 ? "," : "", head, words[i]);
}

int permission_add(struct buf *document, const char *arn, const char *const *actions,
	const char *const *endings)
{
	buf_puts(document, document->len > 0 ? "," : HEAD);
	buf_puts(document, "{\"Effect\":\"Allow\",\"Action\":[");
	add_list(document, "", actions);
	buf_puts(document, "],\"Resource\":[");
	add_list(document, arn, endings);
	buf_puts(document, "]}");
	return document->error;
}

int permission_deny(struct buf *document, const char *const *actions, const char *key,
	const char *arn)
{
	buf_puts(document, document->len > 0 ? "," : HEAD);
	buf_puts(document, "{\"Effect\":\"Deny\",\"Action\":[");
	add_list(document, "", actions);
	buf_printf(document,
		"],\"Resource\":[\"*\"],\"Condition\":{\"ArnEquals\":{\"%s\":\"%s\"}}}", key, arn);
	return document->error;
}

int permission_end(struct buf *document)
{
	if (document->len > 0)
		buf_puts(document, "]}");
	return document->error;
}

/* IAM gives documents percent-encoded (RFC 3986). */
static void decode(const char *text, struct buf *ret)
{
	for (; *text; text++) {
		if (text[0] == '%' && isxdigit((unsigned char)text[1]) &&
			isxdigit((unsigned char)text[2])) {
			char digits[] = {text[1], text[2], '\0'};

			buf_putc(ret, (char)strtol(digits, NULL, 16));
			text += 2;
		} else {
			buf_putc(ret, *text);
		}
	}
}

/* The document that the role has; "" for none. */
static int get(struct account *account, const char *role, const char *name, struct buf *ret,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_GET_ROLE_POLICY);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&request, "RoleName", role);
	aws_request_set(&request, "PolicyName", name);
	r = account_call(account, &request, &answer, FAULT_MISSING, reterr);
	if (r == 0)
		decode(answer_text(answer.root, "PolicyDocument"), ret);
	return r < 0 ? r : ret->error;
}

static int change(struct account *account, const char *role, const char *name, const char *document,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request =
		aws_request_of(*document ? IAM_PUT_ROLE_POLICY : IAM_DELETE_ROLE_POLICY);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "RoleName", role);
	aws_request_set(&request, "PolicyName", name);
	if (*document)
		aws_request_set(&request, "PolicyDocument", document);
	return account_call(account, &request, &answer, *document ? FAULT_OTHER : FAULT_MISSING,
		reterr);
}

static int settle(struct account *account, const char *role, const char *name, const char *document,
	bool known, struct error *reterr)
{
	_cleanup_buf_ struct buf there = BUF_INIT;
	int r = known ? 0 : get(account, role, name, &there, reterr);

	if (r < 0 || (!known && strcmp(buf_string(&there), document) == 0))
		return r;
	return change(account, role, name, document, reterr);
}

int permission_put(struct account *account, const char *role, const char *name,
	const char *document, struct error *reterr)
{
	char hash[MEMO_ID_SIZE], before[MEMO_ID_SIZE];
	bool known = account_memo_get(account->memo, name, role, before);
	int r;

	(void)snprintf(hash, sizeof(hash), "%016" PRIx64, text_hash(document, strlen(document)));
	if (known && strcmp(before, hash) == 0)
		return 0;
	r = settle(account, role, name, document, known, reterr);
	if (r == 0)
		account_memo_put(account->memo, name, role, hash);
	else
		account_memo_drop(account->memo, name, role);
	return r;
}

void permission_doubt(const struct account *account, const char *role)
{
	account_memo_drop(account->memo, PERMISSION_RESOURCES, role);
	account_memo_drop(account->memo, PERMISSION_FUNCTION, role);
}
