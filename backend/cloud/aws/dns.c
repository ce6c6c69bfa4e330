/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/dns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/text.h"
#include "cloud/aws/balancer_name.h"
#include "cloud/aws/dns_records.h"
#include "cloud/dns_name.h"

#define MARK_SIZE 80

void dns_mark_print(const char *platform, int64_t service, char *ret, size_t size)
{
	(void)snprintf(ret, size, "\"duplofs/%s/%" PRId64 "\"", platform, service);
}

bool dns_mark_parse(const char *mark, const char *platform, int64_t *ret_service)
{
	const char *slash = strrchr(mark, '/');
	char again[MARK_SIZE], digits[24];
	int64_t service;

	(void)snprintf(digits, sizeof(digits), "%.*s", slash ? (int)strcspn(slash + 1, "\"") : 0,
		slash ? slash + 1 : "");
	if (text_parse_int(digits, 0, INT64_MAX, &service) < 0)
		return false;
	dns_mark_print(platform, service, again, sizeof(again));
	if (strcmp(again, mark) != 0)
		return false;
	*ret_service = service;
	return true;
}

/* Whose is what stands under the name? */
enum owner {
	OWNER_NONE, /* nothing stands there */
	OWNER_SERVICE,
	OWNER_OTHER, /* another service's of this platform: *ret_other */
	OWNER_FOREIGN,
};

static enum owner owner_of(const struct account *account, int64_t service,
	const struct dns_records *records, int64_t *ret_other)
{
	if (!records->mark)
		return records->any ? OWNER_FOREIGN : OWNER_NONE;
	if (!dns_mark_parse(dns_record_value(records->mark), account->platform, ret_other))
		return OWNER_FOREIGN;
	return *ret_other == service ? OWNER_SERVICE : OWNER_OTHER;
}

static int check_name(const struct policy *policy, const char *name, struct error *reterr)
{
	const char *domain = policy_text(policy, "domain");

	if (!*policy_text(policy, "hosted_zone_id"))
		return error_set(reterr, -EINVAL,
			"DNS name %s: the policy has no hosted_zone_id to make it in", name);
	if (*domain && !dns_name_within(name, domain))
		return error_set(reterr, -EINVAL,
			"DNS name %s is not within the policy's domain %s", name, domain);
	if (strlen(DNS_MARK_PREFIX) + strlen(name) > 253)
		return error_set(reterr, -EINVAL,
			"DNS name %s is too long for the record beside it", name);
	return 0;
}

static int refuse(const char *name, enum owner owner, int64_t other, struct error *reterr)
{
	if (owner == OWNER_OTHER)
		return error_set(reterr, -EEXIST,
			"DNS name %s belongs to another service of this platform (object %" PRId64
			"): it is tried again",
			name, other);
	return error_set(reterr, -EEXIST,
		"DNS name %s is in the zone already, and this platform did not make it: it is left "
		"alone",
		name);
}

/* What a policy names and AWS does not have is no missing service. */
static int explain(const struct account *account, int r, struct error *reterr)
{
	if (r != -ENOENT)
		return r;
	(void)error_prefix(reterr, "the policy's hosted_zone_id %s",
		policy_text(account->policy, "hosted_zone_id"));
	if (reterr)
		reterr->code = -EINVAL;
	return -EINVAL;
}

static bool is_as_wanted(const struct dns_records *records, const struct balancer_state *balancer)
{
	return dns_record_leads_to(records->a, balancer) &&
	       (balancer->dual_stack ? dns_record_leads_to(records->aaaa, balancer)
				     : records->aaaa == NULL);
}

int aws_dns_ensure(struct account *account, int64_t service, const char *name,
	const struct balancer_state *balancer, struct error *reterr)
{
	_cleanup_dns_records_ struct dns_records records = DNS_RECORDS_INIT;
	_cleanup_request_ struct aws_request change = aws_request_of(R53_CHANGE_RECORDS);
	char mark[MARK_SIZE];
	const char *action;
	enum owner owner;
	int64_t other = 0;
	int r = check_name(account->policy, name, reterr);

	if (r == 0)
		r = dns_records_find(&records, account, name, reterr);
	if (r < 0)
		return explain(account, r, reterr);
	owner = owner_of(account, service, &records, &other);
	if (owner == OWNER_OTHER || owner == OWNER_FOREIGN)
		return refuse(name, owner, other, reterr);
	if (owner == OWNER_SERVICE && is_as_wanted(&records, balancer))
		return 0;
	/* CREATE fails when somebody was quicker. */
	action = owner == OWNER_NONE ? "CREATE" : "UPSERT";
	dns_mark_print(account->platform, service, mark, sizeof(mark));
	dns_change_begin(&change);
	dns_change_mark(&change, action, name, mark);
	dns_change_alias(&change, action, name, "A", balancer);
	if (balancer->dual_stack)
		dns_change_alias(&change, action, name, "AAAA", balancer);
	else if (records.aaaa)
		dns_change_delete(&change, records.aaaa);
	return explain(account, dns_change_send(&change, account, reterr), reterr);
}

/* Leads it to the service's balancer, past or present? Somebody may have led it elsewhere. */
static bool is_of(const struct account *account, const struct answer_node *record, int64_t service)
{
	char name[BALANCER_NAME_SIZE];
	const char *target = answer_text(record, "AliasTarget/DNSName");

	balancer_name(account->platform, service, name);
	return record && strcasestr(target, name) != NULL;
}

int aws_dns_remove(struct account *account, int64_t service, const char *name, struct error *reterr)
{
	_cleanup_dns_records_ struct dns_records records = DNS_RECORDS_INIT;
	_cleanup_request_ struct aws_request change = aws_request_of(R53_CHANGE_RECORDS);
	int64_t other;
	int r;

	if (!account->policy)
		return error_set(reterr, -EAGAIN,
			"DNS name %s: there is no policy that says in which zone it is", name);
	if (!*policy_text(account->policy, "hosted_zone_id"))
		return 0;
	r = dns_records_find(&records, account, name, reterr);
	if (r == -ENOENT) {
		error_clear(reterr);
		return 0; /* its zone is gone */
	}
	if (r < 0 || owner_of(account, service, &records, &other) != OWNER_SERVICE)
		return r;
	dns_change_begin(&change);
	dns_change_delete(&change, records.mark);
	if (is_of(account, records.a, service))
		dns_change_delete(&change, records.a);
	if (is_of(account, records.aaaa, service))
		dns_change_delete(&change, records.aaaa);
	return dns_change_send(&change, account, reterr);
}

struct search {
	struct aws_balancers *balancers;
	struct account *account;
};

static int remove_if_lost(void *arg, const char *name, const char *mark, struct error *reterr)
{
	const struct search *search = arg;
	int64_t service;
	int r;

	if (!dns_mark_parse(mark, search->account->platform, &service) ||
		aws_balancers_stated(search->balancers, service))
		return 0;
	r = aws_dns_remove(search->account, service, name, reterr);
	if (r == 0)
		log_info("AWS: DNS name %s had lost its service and was removed", name);
	return r;
}

int aws_dns_remove_lost(struct aws_balancers *b, struct account *account, struct error *reterr)
{
	struct search search = {b, account};

	if (!*policy_text(account->policy, "hosted_zone_id"))
		return 0;
	return dns_marks_each(account, remove_if_lost, &search, reterr);
}
