/* SPDX-License-Identifier: Apache-2.0 */
/* Pure parts of load balancers and names on AWS: what things are called, and what differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cloud/aws/balancer/balancer_work.h"
#include "cloud/aws/balancer/certificate.h"
#include "cloud/aws/dns/dns.h"
#include "cloud/aws/dns/dns_page.h"
#include "cloud/aws/dns/dns_records.h"
#include "cloud/aws/tenant/group_rules.h"

#define PLATFORM "0123456789ab"

static void test_names_are_short_and_unique(void **state)
{
	static const int64_t services[] = {1, 35, 36, 1295, 1296, 123456789, 131621703842267135};
	char name[BALANCER_NAME_SIZE], before[BALANCER_NAME_SIZE] = "";
	int64_t service;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		balancer_name(PLATFORM, services[i], name);
		assert_true(strlen(name) <= 32);
		assert_string_not_equal(name, before);
		(void)text_copy(before, sizeof(before), name);
		assert_true(balancer_name_parse(name, PLATFORM, &service));
		assert_int_equal(service, services[i]);
	}
	balancer_name(PLATFORM, 36, name);
	assert_string_equal(name, "duplofs-0123456789ab-10");
}

static void test_names_of_others_are_none(void **state)
{
	static const char *const names[] = {"", "duplofs-", "duplofs-0123456789ab-",
		"duplofs-0123456789ab", "duplofs-ba9876543210-10", "duplofs-0123456789ab-010",
		"duplofs-0123456789ab-1_", "duplofs-0123456789ab-zzzzzzzzzzzz", "x",
		"duplofs-0123456789ab-demo-5"};
	int64_t service;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_false(balancer_name_parse(names[i], PLATFORM, &service));
}

static void test_listeners(void **state)
{
	struct listener_wish wishes[BALANCER_LISTENERS];

	(void)state;
	assert_int_equal(balancer_listeners(80, false, wishes), 1);
	assert_true(wishes[0].port == 80 && !wishes[0].tls);
	assert_int_equal(balancer_listeners(80, true, wishes), 2);
	assert_true(wishes[0].port == 80 && !wishes[0].tls);
	assert_true(wishes[1].port == 443 && wishes[1].tls);
	assert_int_equal(balancer_listeners(443, true, wishes), 1);
	assert_true(wishes[0].port == 443 && wishes[0].tls);
	assert_int_equal(balancer_listeners(443, false, wishes), 1);
	assert_true(wishes[0].port == 443 && !wishes[0].tls);
}

static const char health[] =
	"<DescribeTargetHealthResult><TargetHealthDescriptions>"
	"<member><Target><Id>10.0.0.1</Id><Port>20000</Port></Target>"
	"<TargetHealth><State>healthy</State></TargetHealth></member>"
	"<member><Target><Id>10.0.0.1</Id><Port>20001</Port></Target>"
	"<TargetHealth><State>draining</State><Reason>Target.DeregistrationInProgress</Reason>"
	"</TargetHealth></member>"
	"<member><Target><Id>10.0.0.2</Id><Port>20000</Port></Target>"
	"<TargetHealth><State>initial</State><Reason>Elb.InitialHealthChecking</Reason>"
	"</TargetHealth></member>"
	"<member><Target><Id>10.0.0.3</Id><Port>20000</Port></Target>"
	"<TargetHealth><State>unhealthy</State><Description>Health checks failed</Description>"
	"</TargetHealth></member>"
	"<member><Target><Id>10.0.0.4</Id><Port>20000</Port></Target>"
	"<TargetHealth><State>unused</State><Reason>Target.NotInUse</Reason></TargetHealth></"
	"member>"
	"<member><Target><Id>10.0.0.5</Id><Port>20000</Port></Target>"
	"<TargetHealth><State>unused</State><Reason>Target.NotRegistered</Reason></TargetHealth>"
	"</member></TargetHealthDescriptions></DescribeTargetHealthResult>";

static struct target target_at(const char *address, int port, enum target_state state)
{
	struct target target = {.port = port, .state = state};

	(void)text_copy(target.address, sizeof(target.address), address);
	return target;
}

static void test_targets_that_differ(void **state)
{
	static const struct {
		const char *address;
		int port;
		enum seen_state seen;
		bool enters, leaves; /* when it is ready; when nothing is wanted */
	} rows[] = {
		{"10.0.0.1", 20000, SEEN_IN, false, true},
		{"10.0.0.1", 20001, SEEN_LEAVING, true, false},
		{"10.0.0.1", 20002, SEEN_OUT, true, false},
		{"10.0.0.2", 20000, SEEN_COMING, false, true},
		{"10.0.0.3", 20000, SEEN_COMING, false, true},
		{"10.0.0.4", 20000, SEEN_COMING, false, true},
		{"10.0.0.5", 20000, SEEN_OUT, true, false},
		{"10.0.0.9", 20000, SEEN_OUT, true, false},
	};
	_cleanup_seen_targets_ struct seen_targets seen = {.targets = NULL};
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct balancer nothing = {.service = 1};

	(void)state;
	assert_int_equal(answer_parse_xml(&answer, health, strlen(health), NULL), 0);
	assert_int_equal(seen_targets_parse(answer.root, &seen), 0);
	assert_int_equal(seen.count, 6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct target ready = target_at(rows[i].address, rows[i].port, TARGET_READY);
		struct target drained = target_at(rows[i].address, rows[i].port, TARGET_DRAIN);
		const struct balancer keeps = {.targets = &ready, .target_count = 1};
		const struct balancer drains = {.targets = &drained, .target_count = 1};

		assert_int_equal(seen_targets_state(&seen, &ready), rows[i].seen);
		assert_int_equal(target_must_enter(&ready, &seen), rows[i].enters);
		assert_false(target_must_enter(&drained, &seen));
		for (size_t j = 0; j < seen.count; j++) {
			const struct seen_target *one = &seen.targets[j];

			if (one->port != rows[i].port || strcmp(one->address, rows[i].address) != 0)
				continue;
			assert_false(target_must_leave(one, &keeps));
			assert_int_equal(target_must_leave(one, &drains), rows[i].leaves);
			assert_int_equal(target_must_leave(one, &nothing), rows[i].leaves);
		}
	}
	assert_string_equal(seen.targets[3].words, "unhealthy Health checks failed");
}

static void test_certificates_cover_names(void **state)
{
	static const char names[] = "example.com\n*.apps.example.com\nWWW.example.org\n";

	(void)state;
	assert_true(certificate_names_cover(names, "example.com"));
	assert_true(certificate_names_cover(names, "web.apps.example.com"));
	assert_true(certificate_names_cover(names, "www.example.org"));
	assert_false(certificate_names_cover(names, "a.web.apps.example.com"));
	assert_false(certificate_names_cover(names, "apps.example.com"));
	assert_false(certificate_names_cover(names, "web.example.com"));
	assert_false(certificate_names_cover(names, "com"));
	assert_false(certificate_names_cover("*.\n", "com"));
	assert_false(certificate_names_cover("", "example.com"));
}

static void test_networks_hold_addresses(void **state)
{
	const struct network network = {
		.ranges = {"10.40.0.0/16", "192.168.7.128/25"}, .range_count = 2};
	const struct network all = {.ranges = {"0.0.0.0/0"}, .range_count = 1};

	(void)state;
	assert_true(network_holds(&network, "10.40.255.255"));
	assert_true(network_holds(&network, "192.168.7.128"));
	assert_false(network_holds(&network, "192.168.7.127"));
	assert_false(network_holds(&network, "10.41.0.0"));
	assert_false(network_holds(&network, "127.0.0.1"));
	assert_false(network_holds(&network, ""));
	assert_true(network_holds(&all, "127.0.0.1"));
}

static const char group[] =
	"<item><groupId>sg-1</groupId><ipPermissions>"
	"<item><ipProtocol>-1</ipProtocol><fromPort>-1</fromPort><toPort>-1</toPort>"
	"<groups><item><userId>1</userId><groupId>sg-1</groupId></item></groups>"
	"<ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>"
	"<item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>23</toPort>"
	"<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>"
	"<prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item>"
	"</ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol>"
	"<ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress>"
	"</item>";

static void test_rules_of_groups(void **state)
{
	static const struct group_rule there[] = {
		{false, "-1", "", "", PEER_GROUP, "sg-1"},
		{false, "-1", "", "", PEER_RANGE, "10.0.0.0/8"},
		{false, "tcp", "22", "23", PEER_RANGE6, "::/0"},
		{false, "tcp", "22", "23", PEER_LIST, "pl-1"},
		{true, "-1", "", "", PEER_RANGE, "0.0.0.0/0"},
	};
	static const struct group_rule others[] = {
		{true, "-1", "", "", PEER_GROUP, "sg-1"},
		{false, "-1", "", "", PEER_RANGE, "0.0.0.0/0"},
		{false, "tcp", "22", "24", PEER_RANGE6, "::/0"},
		{false, "udp", "22", "23", PEER_LIST, "pl-1"},
	};
	_cleanup_group_rules_ struct group_rules rules = GROUP_RULES_INIT;
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	(void)state;
	assert_int_equal(answer_parse_xml(&answer, group, strlen(group), NULL), 0);
	group_rules_read(&rules, answer.root);
	assert_int_equal(rules.count, ARRAY_SIZE(there));
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		assert_true(group_rules_have(&rules, &there[i]));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(group_rules_have(&rules, &others[i]));
	assert_int_equal(group_rules_range("fd00::/8"), PEER_RANGE6);
	assert_int_equal(group_rules_range("10.0.0.0/8"), PEER_RANGE);
}

static void test_marks_beside_names(void **state)
{
	char mark[80];
	int64_t service = 0;

	(void)state;
	dns_mark_print(PLATFORM, 42, mark, sizeof(mark));
	assert_string_equal(mark, "\"duplofs/0123456789ab/42\"");
	assert_true(dns_mark_parse(mark, PLATFORM, &service));
	assert_int_equal(service, 42);
	assert_false(dns_mark_parse(mark, "ba9876543210", &service));
	assert_false(dns_mark_parse("\"v=spf1 -all\"", PLATFORM, &service));
	assert_false(dns_mark_parse("\"duplofs/0123456789ab/\"", PLATFORM, &service));
	assert_false(dns_mark_parse("\"duplofs/0123456789ab/4x\"", PLATFORM, &service));
	assert_false(dns_mark_parse("\"duplofs/0123456789ab/042\"", PLATFORM, &service));
	assert_false(dns_mark_parse("", PLATFORM, &service));
}

static const char alias[] =
	"<ResourceRecordSet><Name>web.example.com.</Name><Type>A</Type><AliasTarget>"
	"<HostedZoneId>Z1</HostedZoneId><DNSName>lb-1.us-west-2.elb.amazonaws.com.</DNSName>"
	"<EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>";

static void test_names_lead_to_balancers(void **state)
{
	struct balancer_state balancer = {
		.address = "LB-1.us-west-2.elb.amazonaws.com", .zone = "Z1"};
	_cleanup_buf_ struct buf changes = BUF_INIT;
	_cleanup_answer_ struct answer answer = ANSWER_INIT, sent = ANSWER_INIT;

	(void)state;
	assert_int_equal(answer_parse_xml(&answer, alias, strlen(alias), NULL), 0);
	assert_true(dns_record_leads_to(answer.root, &balancer));
	(void)text_copy(balancer.zone, sizeof(balancer.zone), "Z2");
	assert_false(dns_record_leads_to(answer.root, &balancer));
	assert_false(dns_record_leads_to(NULL, &balancer));
	/* What is deleted is written as it was found; odd bytes stay text. */
	buf_puts(&changes, "<Changes>");
	dns_change_delete(&changes, answer.root);
	dns_change_mark(&changes, "CREATE", "a.b", "\"<&>'\"");
	buf_puts(&changes, "</Changes>");
	assert_int_equal(answer_parse_xml(&sent, changes.data, changes.len, NULL), 0);
	assert_string_equal(answer_text(sent.root, "Change/ResourceRecordSet/"
						   "AliasTarget/DNSName"),
		"lb-1.us-west-2.elb.amazonaws.com.");
	assert_string_equal(answer_text(answer_next(answer_find(sent.root, "Change")),
				    "ResourceRecordSet/ResourceRecords/ResourceRecord/Value"),
		"\"<&>'\"");
}

/* docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html: the dot at the
 * end of each label counts. */
static void test_names_are_ordered_as_route_53_does(void **state)
{
	static const char *const names[] = {"example.com", "a-b.example.com", "a.example.com.",
		"_duplofs.a.example.com", "www.a.example.com", "AB.example.com", "b.example.com",
		"examples.com", "example.org"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			int order = dns_page_order(names[i], names[j]);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	assert_int_equal(dns_page_order("A.example.com.", "a.example.com"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_short_and_unique),
		cmocka_unit_test(test_names_of_others_are_none),
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_targets_that_differ),
		cmocka_unit_test(test_certificates_cover_names),
		cmocka_unit_test(test_networks_hold_addresses),
		cmocka_unit_test(test_rules_of_groups),
		cmocka_unit_test(test_marks_beside_names),
		cmocka_unit_test(test_names_are_ordered_as_route_53_does),
		cmocka_unit_test(test_names_lead_to_balancers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
