/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer/certificate.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "cloud/dns_name.h"

#define KNOWN_NS (600 * NS_PER_SECOND)

void certificate_cache_init(struct certificate_cache *cache)
{
	*cache = (struct certificate_cache){.names = BUF_INIT};
	lock_init(&cache->lock, LOCK_LEAF);
	turn_init(&cache->turn);
}

void certificate_cache_done(struct certificate_cache *cache)
{
	buf_done(&cache->names);
	turn_done(&cache->turn);
	lock_done(&cache->lock);
}

bool certificate_names_cover(const char *names, const char *dns)
{
	const char *parent = dns_name_parent(dns);

	while (*names) {
		size_t len = strcspn(names, "\n");
		bool wild = strncmp(names, "*.", 2) == 0;
		const char *name = wild ? names + 2 : names, *asked = wild ? parent : dns;
		size_t name_len = len - (wild ? 2 : 0);

		if (name_len > 0 && strlen(asked) == name_len &&
			strncasecmp(name, asked, name_len) == 0)
			return true;
		names += len + (names[len] == '\n');
	}
	return false;
}

/* IAM's own certificates cannot be looked into as ACM's can: they are for the policy's domain. */
static void guess_names(const struct policy *policy, struct buf *ret)
{
	const char *domain = policy_text(policy, "domain");

	if (*domain)
		buf_printf(ret, "%s\n*.%s\n", domain, domain);
}

static int ask_names(struct account *account, const char *arn, struct buf *ret,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ACM_DESCRIBE_CERTIFICATE);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *certificate, *name;
	const char *status;
	int r;

	aws_request_set(&request, "CertificateArn", arn);
	r = account_call(account, &request, &answer, FAULT_OTHER, reterr);
	if (r == -ENOENT)
		return error_prefix(reterr, "the policy's certificate %s", arn);
	if (r < 0)
		return r;
	certificate = answer_find(answer.root, "Certificate");
	status = answer_text(certificate, "Status");
	if (strcmp(status, "ISSUED") != 0)
		return error_set(reterr, -EINVAL, "the policy's certificate %s is %s, not ISSUED",
			arn, *status ? status : "not there");
	buf_printf(ret, "%s\n", answer_text(certificate, "DomainName"));
	name = answer_find(certificate, "SubjectAlternativeNames/item");
	for (; name; name = answer_next(name))
		buf_printf(ret, "%s\n", name->text);
	return ret->error ? error_oom(reterr) : 0;
}

static bool known(struct certificate_cache *cache, const char *arn, const char *dns, bool *ret)
{
	LOCKED(&cache->lock);
	if (strcmp(cache->arn, arn) != 0 || clock_now_ns() >= cache->until_ns)
		return false;
	*ret = certificate_names_cover(buf_string(&cache->names), dns);
	return true;
}

static int ask(struct certificate_cache *cache, struct account *account, const char *arn,
	const char *dns, bool *ret, struct error *reterr)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	struct buf old;
	int r = 0;

	if (strstr(arn, ":server-certificate/"))
		guess_names(account->policy, &names);
	else
		r = ask_names(account, arn, &names, reterr);
	if (r < 0)
		return r;
	*ret = certificate_names_cover(buf_string(&names), dns);
	LOCKED(&cache->lock);
	old = cache->names;
	cache->names = names;
	names = old;
	cache->until_ns =
		text_copy(cache->arn, sizeof(cache->arn), arn) ? clock_now_ns() + KNOWN_NS : 0;
	return 0;
}

int certificate_covers(struct certificate_cache *cache, struct account *account, const char *dns,
	bool *ret, struct error *reterr)
{
	const char *arn = policy_text(account->policy, "certificate_arn");
	bool mine;
	int r = 0;

	*ret = false;
	if (!*arn || !*dns || known(cache, arn, dns, ret))
		return 0;
	mine = turn_take(&cache->turn);
	if (mine || !known(cache, arn, dns, ret))
		r = ask(cache, account, arn, dns, ret, reterr);
	if (mine)
		turn_give(&cache->turn);
	return r;
}
