/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/dns/dns_records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cloud/aws/dns/dns_page.h"
#include "cloud/dns_name.h"

#define RECORDS   "ResourceRecordSets/ResourceRecordSet"
#define MARK_TTL  "300"
#define PAGES_MAX 1000

void dns_records_done(struct dns_records *records)
{
	dns_page_give(records->page);
	answer_done(&records->rest);
}

/* Names in a zone end in a dot. */
static bool is_name(const char *one, const char *other)
{
	size_t len = strlen(one), other_len = strlen(other);

	len -= len > 0 && one[len - 1] == '.';
	other_len -= other_len > 0 && other[other_len - 1] == '.';
	return len == other_len && strncasecmp(one, other, len) == 0;
}

/* Where a list begins; "": at the zone's first record. */
struct start {
	char name[DNS_NAME_MAX + 16], type[16], identifier[136];
};

static int list(const struct account *account, const struct start *start, struct answer *answer,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(R53_LIST_RECORDS);

	answer_done(answer);
	aws_request_set(&request, "Id", policy_text(account->policy, "hosted_zone_id"));
	if (*start->name)
		aws_request_set(&request, "name", start->name);
	if (*start->type)
		aws_request_set(&request, "type", start->type);
	if (*start->identifier)
		aws_request_set(&request, "identifier", start->identifier);
	return account_call(account, &request, answer, FAULT_OTHER, reterr);
}

static void take(struct dns_records *ret, const struct answer *answer, const char *name,
	const char *mark)
{
	const struct answer_node *record = answer_find(answer->root, RECORDS);

	for (; record; record = answer_next(record)) {
		const char *type = answer_text(record, "Type");
		bool here = is_name(answer_text(record, "Name"), name);

		ret->any = ret->any || here;
		if (here && strcmp(type, "A") == 0)
			ret->a = record;
		else if (here && strcmp(type, "AAAA") == 0)
			ret->aaaa = record;
		else if (is_name(answer_text(record, "Name"), mark) && strcmp(type, "TXT") == 0)
			ret->mark = record;
	}
}

int dns_records_find(struct dns_records *ret, struct account *account, const char *name, bool young,
	struct error *reterr)
{
	struct start beside = {.type = "TXT"};
	int r;

	(void)snprintf(beside.name, sizeof(beside.name), DNS_MARK_PREFIX "%s", name);
	r = dns_page_take(&ret->page, account, name, beside.name, young, reterr);
	if (r < 0)
		return r;
	take(ret, dns_page_answer(ret->page), name, beside.name);
	/* It stands behind the name, most often next to it. */
	if (ret->mark || dns_page_reaches(ret->page, beside.name))
		return 0;
	r = list(account, &beside, &ret->rest, reterr);
	if (r == 0)
		take(ret, &ret->rest, name, beside.name);
	return r;
}

const char *dns_record_value(const struct answer_node *record)
{
	return answer_text(record, "ResourceRecords/ResourceRecord/Value");
}

bool dns_record_leads_to(const struct answer_node *record, const struct balancer_state *balancer)
{
	return record && is_name(answer_text(record, "AliasTarget/DNSName"), balancer->address) &&
	       strcmp(answer_text(record, "AliasTarget/HostedZoneId"), balancer->zone) == 0;
}

int dns_records_each(const struct account *account,
	int (*fn)(void *arg, const struct answer_node *record), void *arg, struct error *reterr)
{
	struct start start = {.name = ""};
	int r;

	for (int pages = 0; pages < PAGES_MAX; pages++) {
		_cleanup_answer_ struct answer answer = ANSWER_INIT;
		const struct answer_node *record;

		r = list(account, &start, &answer, reterr);
		record = answer_find(answer.root, RECORDS);
		for (; record && r == 0; record = answer_next(record))
			r = fn(arg, record);
		if (r != 0 || strcmp(answer_text(answer.root, "IsTruncated"), "true") != 0)
			return r;
		(void)text_copy(start.name, sizeof(start.name),
			answer_text(answer.root, "NextRecordName"));
		(void)text_copy(start.type, sizeof(start.type),
			answer_text(answer.root, "NextRecordType"));
		(void)text_copy(start.identifier, sizeof(start.identifier),
			answer_text(answer.root, "NextRecordIdentifier"));
	}
	return error_set(reterr, -ELOOP, "AWS ListResourceRecordSets: its pages do not end");
}

/* ---- changes ---- */

static void element(struct buf *body, const char *name, const char *text)
{
	buf_printf(body, "<%s>", name);
	aws_xml_escape(body, text);
	buf_printf(body, "</%s>", name);
}

static void change_begin(struct buf *body, const char *action, const char *name, const char *type)
{
	buf_puts(body, "<Change>");
	element(body, "Action", action);
	buf_puts(body, "<ResourceRecordSet>");
	element(body, "Name", name);
	element(body, "Type", type);
}

static void change_end(struct buf *body)
{
	buf_puts(body, "</ResourceRecordSet></Change>");
}

static void add_alias(struct buf *body, const char *zone, const char *name, const char *evaluate)
{
	buf_puts(body, "<AliasTarget>");
	element(body, "HostedZoneId", zone);
	element(body, "DNSName", name);
	element(body, "EvaluateTargetHealth", evaluate);
	buf_puts(body, "</AliasTarget>");
}

void dns_change_alias(struct buf *changes, const char *action, const char *name, const char *type,
	const struct balancer_state *balancer)
{
	change_begin(changes, action, name, type);
	add_alias(changes, balancer->zone, balancer->address, "false");
	change_end(changes);
}

void dns_change_mark(struct buf *changes, const char *action, const char *name, const char *mark)
{
	char beside[sizeof(DNS_MARK_PREFIX) + DNS_NAME_MAX];

	(void)snprintf(beside, sizeof(beside), DNS_MARK_PREFIX "%s", name);
	change_begin(changes, action, beside, "TXT");
	element(changes, "TTL", MARK_TTL);
	buf_puts(changes, "<ResourceRecords><ResourceRecord>");
	element(changes, "Value", mark);
	buf_puts(changes, "</ResourceRecord></ResourceRecords>");
	change_end(changes);
}

void dns_change_delete(struct buf *changes, const struct answer_node *record)
{
	const struct answer_node *alias = answer_find(record, "AliasTarget");
	const struct answer_node *value = answer_find(record, "ResourceRecords/ResourceRecord");

	change_begin(changes, "DELETE", answer_text(record, "Name"), answer_text(record, "Type"));
	if (alias) {
		add_alias(changes, answer_text(alias, "HostedZoneId"),
			answer_text(alias, "DNSName"), answer_text(alias, "EvaluateTargetHealth"));
	} else {
		element(changes, "TTL", answer_text(record, "TTL"));
		buf_puts(changes, "<ResourceRecords>");
		for (; value; value = answer_next(value)) {
			buf_puts(changes, "<ResourceRecord>");
			element(changes, "Value", answer_text(value, "Value"));
			buf_puts(changes, "</ResourceRecord>");
		}
		buf_puts(changes, "</ResourceRecords>");
	}
	change_end(changes);
}

int dns_change_send(const struct buf *changes, const struct account *account, struct fault *fault,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(R53_CHANGE_RECORDS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	struct fault ignored;
	int r;

	buf_puts(&request.body,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		"<ChangeResourceRecordSetsRequest "
		"xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>");
	buf_add(&request.body, changes->data, changes->len);
	buf_puts(&request.body, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
	aws_request_set(&request, "Id", policy_text(account->policy, "hosted_zone_id"));
	r = aws_client_call(account->client, &request, &answer, fault ? fault : &ignored, reterr);
	if (r == -EBUSY && reterr)
		reterr->code = -EAGAIN;
	return r == -EBUSY ? -EAGAIN : r;
}
