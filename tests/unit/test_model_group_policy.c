/* SPDX-License-Identifier: Apache-2.0 */
/* What a group's policy lets a service become, case by case. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "model/group_policy.h"

struct policy_case {
	const char *policy; /* NULL: no group */
	int64_t replicas, cpu_milli, memory_mib; /* used, with `before` */
	const char *before, *after; /* members; "" for an image alone; before NULL: no spec */
	int code;
	const char *sentence; /* a part of it */
};

#define REPLICAS(n) "\"Replicas\":" #n
#define PATHS       "{\"AllowedHostPaths\":[\"/srv/a\"]}"
#define IMAGES      "{\"AllowedImages\":[\"web\",\"reg.example:5000/team/\"]}"
#define VOLUME(v)   "\"Volumes\":[\"" v "\"]"

static const struct policy_case cases[] = {
	/* No limits. */
	{NULL, 0, 0, 0, NULL, REPLICAS(1000), 0, ""},
	{"{}", 0, 0, 0, NULL, REPLICAS(1000), 0, ""},
	/* Replicas of all services of all tenants of the group. */
	{"{\"MaxReplicas\":10}", 7, 0, 0, NULL, REPLICAS(3), 0, ""},
	{"{\"MaxReplicas\":10}", 8, 0, 0, NULL, REPLICAS(3), -EDQUOT,
		"MaxReplicas of group \"team\" is 10: its tenants use 8, and with this 11"},
	{"{\"MaxReplicas\":\"10\"}", 10, 0, 0, REPLICAS(3), REPLICAS(3), 0, ""},
	{"{\"MaxReplicas\":10}", 10, 0, 0, REPLICAS(3), REPLICAS(4), -EDQUOT, "with this 11"},
	{"{\"MaxReplicas\":0}", 0, 0, 0, NULL, REPLICAS(0), 0, ""},
	{"{\"MaxReplicas\":0}", 0, 0, 0, NULL, REPLICAS(1), -EDQUOT, "MaxReplicas"},
	/* Above a limit that became tighter: less and other things are fine, more is not. */
	{"{\"MaxReplicas\":5}", 20, 0, 0, REPLICAS(8), REPLICAS(7), 0, ""},
	{"{\"MaxReplicas\":5}", 20, 0, 0, REPLICAS(8), REPLICAS(8) ",\"CPU\":2", 0, ""},
	{"{\"MaxReplicas\":5}", 20, 0, 0, REPLICAS(8), REPLICAS(9), -EDQUOT, "use 20"},
	/* CPU and memory: replicas times each. */
	{"{\"MaxCPU\":\"2.5\"}", 2, 1000, 0, NULL, REPLICAS(3) ",\"CPU\":0.5", 0, ""},
	{"{\"MaxCPU\":2.5}", 2, 1000, 0, NULL, REPLICAS(4) ",\"CPU\":0.5", -EDQUOT,
		"MaxCPU of group \"team\" is 2.5: its tenants use 1, and with this 3"},
	{"{\"MaxCPU\":2}", 0, 0, 0, NULL, REPLICAS(1), -EDQUOT, "CPU is needed"},
	{"{\"MaxCPU\":2}", 0, 0, 0, NULL, REPLICAS(0), 0, ""},
	{"{\"MaxCPU\":2}", 3, 0, 0, REPLICAS(3), REPLICAS(2), 0, ""},
	{"{\"MaxCPU\":2}", 3, 0, 0, REPLICAS(3), REPLICAS(4), -EDQUOT, "CPU is needed"},
	{"{\"MaxCPU\":2}", 1, 500, 0, REPLICAS(1) ",\"CPU\":0.5", REPLICAS(1), -EDQUOT,
		"CPU is needed"},
	{"{\"MaxMemoryMiB\":1000}", 1, 0, 600, NULL, "\"MemoryMiB\":400", 0, ""},
	{"{\"MaxMemoryMiB\":1000}", 1, 0, 601, NULL, "\"MemoryMiB\":400", -EDQUOT, "MaxMemoryMiB"},
	/* Paths of the host: that very path, and only where a policy says so. */
	{NULL, 0, 0, 0, NULL, VOLUME("/srv/a:/d"), -EPERM, "the tenant is in none"},
	{"{}", 0, 0, 0, NULL, VOLUME("/srv/a:/d"), -EPERM, "AllowedHostPaths of group \"team\""},
	{PATHS, 0, 0, 0, NULL, VOLUME("/srv/a:/d:ro"), 0, ""},
	{PATHS, 0, 0, 0, NULL, VOLUME("/srv/a/b:/d"), -EPERM, "/srv/a/b is a path"},
	{PATHS, 0, 0, 0, NULL, VOLUME("/srv/ab:/d"), -EPERM, "/srv/ab"},
	{PATHS, 0, 0, 0, NULL, VOLUME("/srv:/d"), -EPERM, "/srv"},
	{PATHS, 0, 0, 0, NULL, VOLUME("data:/d"), 0, ""},
	{"{}", 1, 0, 0, VOLUME("/srv/a:/d"), VOLUME("/srv/a:/d") ",\"DrainSeconds\":1", 0, ""},
	{"{}", 1, 0, 0, VOLUME("/srv/a:/d:ro"), VOLUME("/srv/a:/d"), -EPERM, "/srv/a"},
	{"{}", 1, 0, 0, VOLUME("/srv/a:/d"), VOLUME("/srv/a:/d") "," REPLICAS(2), -EPERM, ""},
	/* Images, by whole parts of the reference. */
	{IMAGES, 0, 0, 0, NULL, "", 0, ""},
	{IMAGES, 0, 0, 0, NULL, "\"DockerImage\":\"web\"", 0, ""},
	{IMAGES, 0, 0, 0, NULL, "\"DockerImage\":\"web/x:2\"", 0, ""},
	{IMAGES, 0, 0, 0, NULL, "\"DockerImage\":\"webevil:1\"", -EPERM, "AllowedImages"},
	{IMAGES, 0, 0, 0, NULL, "\"DockerImage\":\"reg.example:5000/team/x:1\"", 0, ""},
	{IMAGES, 0, 0, 0, NULL, "\"DockerImage\":\"reg.example:5000/teams/x\"", -EPERM, ""},
	{"{\"AllowedImages\":[]}", 0, 0, 0, NULL, "", -EPERM, "\"web:1\""},
	{"{\"AllowedImages\":[]}", 1, 0, 0, "", "\"DrainSeconds\":1", 0, ""},
	{"{\"AllowedImages\":[]}", 1, 0, 0, "", REPLICAS(2), -EPERM, ""},
};

static struct service_spec *parse(const char *members)
{
	struct service_spec *spec = NULL;
	struct buf text = BUF_INIT;

	if (!members)
		return NULL;
	buf_printf(&text, "{%s%s%s}",
		strstr(members, "DockerImage") ? "" : "\"DockerImage\":\"web:1\"",
		*members && !strstr(members, "DockerImage") ? "," : "", members);
	assert_int_equal(service_spec_parse(text.data, text.len, "web", &spec, NULL), 0);
	buf_done(&text);
	return spec;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct policy_case *c = &cases[i];
		_cleanup_service_spec_ struct service_spec *before = parse(c->before);
		_cleanup_service_spec_ struct service_spec *after = parse(c->after);
		_cleanup_group_policy_ struct group_policy *policy = NULL;
		struct reserve used = {c->replicas, c->cpu_milli, c->memory_mib};
		struct error error = ERROR_INIT;
		int r;

		if (c->policy)
			assert_int_equal(group_policy_parse(c->policy, strlen(c->policy), "team",
						 &policy, &error),
				0);
		r = group_policy_check_service(policy, c->policy ? "team" : "", &used, before,
			after, &error);
		if (r != c->code || !strstr(error.text, c->sentence))
			fail_msg("%s with %s: %d %s", c->policy ? c->policy : "no group", c->after,
				r, error.text);
	}
}

static void test_counts(void **state)
{
	static const char text[] = "{\"MaxServices\":2,\"MaxHosts\":0}";
	_cleanup_group_policy_ struct group_policy *policy = NULL;
	struct error error = ERROR_INIT;

	(void)state;
	assert_int_equal(group_policy_parse(text, strlen(text), "team", &policy, &error), 0);
	assert_int_equal(group_policy_check_count(policy, "team", KIND_SERVICE, 1, &error), 0);
	assert_int_equal(group_policy_check_count(policy, "team", KIND_SERVICE, 2, &error),
		-EDQUOT);
	assert_string_equal(error.text, "MaxServices of group \"team\" is 2: its tenants have 2");
	assert_int_equal(group_policy_check_count(policy, "team", KIND_HOST, 0, &error), -EDQUOT);
	assert_int_equal(group_policy_check_count(policy, "team", KIND_RESOURCE, 1000, &error), 0);
	assert_int_equal(group_policy_check_count(policy, "team", KIND_SECRET, 1000, &error), 0);
	assert_int_equal(group_policy_check_count(NULL, "", KIND_SERVICE, 1000, &error), 0);
}

static void test_words(void **state)
{
	static const char text[] =
		"{\"AllowedRegions\":[\"us-west-2\"],\"AllowedResourceTypes\":[]}";
	_cleanup_group_policy_ struct group_policy *policy = NULL;
	struct error error = ERROR_INIT;

	(void)state;
	assert_int_equal(group_policy_parse(text, strlen(text), "team", &policy, &error), 0);
	assert_int_equal(group_policy_check_region(policy, "team", NULL, "us-west-2", &error), 0);
	assert_int_equal(group_policy_check_region(policy, "team", NULL, NULL, &error), 0);
	assert_int_equal(group_policy_check_region(policy, "team", "eu-west-1", "eu-west-1",
				 &error),
		0);
	assert_int_equal(group_policy_check_region(policy, "team", "us-west-2", "eu-west-1",
				 &error),
		-EPERM);
	assert_string_equal(error.text,
		"Region: AllowedRegions of group \"team\" has no \"eu-west-1\"");
	assert_int_equal(group_policy_check_type(policy, "team", NULL, "rds", &error), -EPERM);
	assert_int_equal(group_policy_check_type(NULL, "", NULL, "rds", &error), 0);
}

struct refused_policy {
	const char *text;
	int code;
	const char *sentence;
};

static void test_policies_are_checked(void **state)
{
	static const struct refused_policy policies[] = {
		{"{", -ENODATA, ""},
		{"[]", -EINVAL, "an object is needed"},
		{"{\"MaxReplica\":1}", -EINVAL, "did you mean \"MaxReplicas\""},
		{"{\"MaxReplicas\":-1}", -EINVAL, "MaxReplicas"},
		{"{\"MaxCPU\":\"many\"}", -EINVAL, "MaxCPU"},
		{"{\"AllowedHostPaths\":[\"srv\"]}", -EINVAL, "no plain absolute path"},
		{"{\"AllowedHostPaths\":[\"/srv/../etc\"]}", -EINVAL, "AllowedHostPaths"},
		{"{\"AllowedHostPaths\":[\"/var/run/docker.sock\"]}", -EPERM,
			"power over the host"},
		{"{\"AllowedHostPaths\":[\"/\"]}", -EPERM, "power over the host"},
		{"{\"AllowedImages\":[\"a b\"]}", -EINVAL, "AllowedImages"},
		{"{\"AllowedRegions\":[\"US West\"]}", -EINVAL, "no region"},
		{"{\"AllowedResourceTypes\":[\"rsd\"]}", -EINVAL, "did you mean \"rds\""},
		{"{\"MaxMonthlyCost\":-1}", -EINVAL, "MaxMonthlyCost"},
		{"{\"EnforceBudgets\":\"maybe\"}", -EINVAL, "EnforceBudgets"},
		{"{\"Spot\":\"perhaps\"}", -EINVAL, "Spot"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct error error = ERROR_INIT;
		struct group_policy *policy = NULL;
		int r = group_policy_parse(policies[i].text, strlen(policies[i].text), "team",
			&policy, &error);

		group_policy_free(policy);
		if (r != policies[i].code || !strstr(error.text, policies[i].sentence))
			fail_msg("%s: %d %s", policies[i].text, r, error.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_policies_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
