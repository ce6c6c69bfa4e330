/* SPDX-License-Identifier: Apache-2.0 */
#include "model/policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "model/host.h"
#include "model/machine_type.h"

#define VALUE_MAX 2048

const struct policy_field policy_fields[] = {
	{"region", POLICY_TEXT, 1, "", false, "Region of AWS that everything is made in."},
	{"vpc_id", POLICY_TEXT, 1, "vpc-", true, "Network of hosts and security groups."},
	{"private_subnet_ids", POLICY_LIST, 1, "subnet-", true, "Subnets of hosts and resources."},
	{"public_subnet_ids", POLICY_LIST, 2, "subnet-", true,
		"Subnets of load balancers, in two zones at least."},
	{"admin_security_group_ids", POLICY_LIST, 0, "sg-", true,
		"Groups from which every port of every tenant may be reached."},
	{"ingress_cidrs", POLICY_LIST, 0, "", false,
		"Addresses that may reach tenants' host ports besides, as 10.0.0.0/8."},
	{"load_balancer_cidrs", POLICY_LIST, 0, "", false,
		"Addresses that may reach load balancers; all when there are none."},
	{"machine_types", POLICY_LIST, 0, "", false,
		"Types that hosts may have instead of those that ship, as m5.large:2:8:0.096: "
		"name, "
		"CPUs, GiB, price of an hour."},
	{"images", POLICY_LIST, 0, "", true,
		"Images of operating systems, as debian-12=ami-0abc, "
		"debian-12=/aws/service/...: a parameter of SSM that names one, or "
		"debian-12=136693071363/debian-12-amd64-*: the newest of such a name of an "
		"account's."},
	{"host_os", POLICY_TEXT, 0, "", false,
		"Operating system of hosts that name none: debian-12."},
	{"host_market", POLICY_TEXT, 0, "", false, "\"spot\": every host is a spot instance."},
	{"host_disk_gib", POLICY_TEXT, 0, "", false,
		"Root disk of hosts that say no DiskGiB; as large as its image when it is not "
		"there."},
	{"host_events_queue_url", POLICY_TEXT, 0, "http", true,
		"Queue of SQS to which EventBridge sends what EC2 tells of instances."},
	{"local_services", POLICY_TEXT, 0, "yes", false,
		"\"yes\": services of tenants without hosts run on the platform's own machine; "
		"else "
		"they wait for a host."},
	{"hosted_zone_id", POLICY_TEXT, 0, "Z", true,
		"Zone of Route 53 that services' names are in."},
	{"domain", POLICY_TEXT, 0, "", false, "Name of that zone."},
	{"certificate_arn", POLICY_TEXT, 0, "arn:", true,
		"Wildcard certificate of load balancers."},
	{"permissions_boundary_arn", POLICY_TEXT, 0, "arn:", true,
		"Boundary of what tenants' roles may ever do."},
	{"tenant_policy_arns", POLICY_LIST, 0, "arn:", true,
		"Policies that every tenant's role gets."},
	{"code_buckets", POLICY_LIST, 0, "", false,
		"Buckets beside tenants' own that functions may have their code from."},
	{"db_subnet_group", POLICY_TEXT, 0, "", true, "Subnet group of databases."},
	{"db_parameter_group", POLICY_TEXT, 0, "", true, "Parameter group of databases."},
	{"cache_subnet_group", POLICY_TEXT, 0, "", true, "Subnet group of caches."},
	{"cache_parameter_group", POLICY_TEXT, 0, "", true, "Parameter group of caches."},
	{NULL, POLICY_TEXT, 0, NULL, false, NULL},
};

struct policy {
	json_t *values; /* name -> text or list of texts, checked */
};

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	json_decref(policy->values);
	free(policy);
}

static const struct policy_field *field_of(const char *name)
{
	for (const struct policy_field *field = policy_fields; field->name; field++)
		if (strcmp(field->name, name) == 0)
			return field;
	return NULL;
}

static int refuse_name(const char *name, struct error *reterr)
{
	const char *names[ARRAY_SIZE(policy_fields)], *nearest;
	size_t count = 0;

	for (; policy_fields[count].name; count++)
		names[count] = policy_fields[count].name;
	names[count] = NULL;
	nearest = text_nearest(name, names);
	return error_set(reterr, -EINVAL, "unknown name \"%.64s\"%s%s%s", name,
		nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* terraform says {"sensitive": false, "type": "string", "value": ...}. */
static const json_t *unwrap(const json_t *value)
{
	return json_is_object(value) ? json_object_get(value, "value") : value;
}

/* Printable ASCII without blanks: it goes into requests, names and sentences. */
static bool is_plain(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= VALUE_MAX;
}

static int check_value(const struct policy_field *field, const json_t *value, struct error *reterr)
{
	const char *text = json_string_value(value);

	if (!text)
		return error_set(reterr, -EINVAL, "%s: %s wanted", field->name,
			field->type == POLICY_LIST ? "a list of texts" : "one text");
	if (!is_plain(text))
		return error_set(reterr, -EINVAL,
			"%s: \"%.64s\" is no value that AWS gives: plain characters, no blanks",
			field->name, text);
	if (strncmp(text, field->form, strlen(field->form)) != 0)
		return error_set(reterr, -EINVAL, "%s: \"%.64s\" does not begin with \"%s\"",
			field->name, text, field->form);
	return 0;
}

static int take_list(json_t *values, const struct policy_field *field, const json_t *list,
	struct error *reterr)
{
	const json_t *value;
	size_t index;
	int r;

	if (!json_is_array(list))
		return error_set(reterr, -EINVAL, "%s: a list of texts wanted", field->name);
	json_array_foreach(list, index, value)
	{
		r = check_value(field, value, reterr);
		if (r < 0)
			return r;
	}
	return json_object_set(values, field->name, (json_t *)list) < 0 ? error_oom(reterr) : 0;
}

/* A number is as good as its text. */
static int take_number(json_t *values, const struct policy_field *field, const json_t *value,
	struct error *reterr)
{
	_cleanup_json_ json_t *text =
		json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	int r = text ? check_value(field, text, reterr) : error_oom(reterr);

	if (r < 0)
		return r;
	return json_object_set(values, field->name, text) < 0 ? error_oom(reterr) : 0;
}

static int take(json_t *values, const char *name, const json_t *given, struct error *reterr)
{
	const struct policy_field *field = field_of(name);
	const json_t *value = unwrap(given);
	int r;

	if (!field)
		return refuse_name(name, reterr);
	if (json_is_null(value))
		return 0;
	if (field->type == POLICY_LIST)
		return take_list(values, field, value, reterr);
	if (json_is_integer(value))
		return take_number(values, field, value, reterr);
	r = check_value(field, value, reterr);
	if (r < 0)
		return r;
	return json_object_set(values, name, (json_t *)value) < 0 ? error_oom(reterr) : 0;
}

static size_t count_of(const json_t *values, const struct policy_field *field)
{
	const json_t *value = json_object_get(values, field->name);

	return json_is_array(value) ? json_array_size(value) : value != NULL;
}

/* Names everything that is missing in one sentence. */
static int check_whole(const json_t *values, struct error *reterr)
{
	_cleanup_buf_ struct buf missing = BUF_INIT;

	for (const struct policy_field *field = policy_fields; field->name; field++) {
		size_t count = count_of(values, field);

		if (count >= field->least)
			continue;
		buf_puts(&missing, missing.len > 0 ? "; " : "");
		if (field->least > 1)
			buf_printf(&missing, "%s has %zu of at least %zu", field->name, count,
				field->least);
		else
			buf_printf(&missing, "%s is missing", field->name);
	}
	if (missing.error)
		return error_oom(reterr);
	return missing.len > 0 ? error_set(reterr, -EINVAL, "%s", missing.data) : 0;
}

/* "debian-12=ami-0abc", "debian-12=/a/parameter", or "debian-12=owner/name*". */
static bool names_image(const char *text)
{
	const char *image = strchr(text, '=');
	const char *slash = image ? strchr(image, '/') : NULL;

	return image && image > text &&
	       (strncmp(image, "=ami-", strlen("=ami-")) == 0 || (slash && slash[1]));
}

static int check_disk(const struct policy *policy, struct error *reterr)
{
	const char *text = policy_text(policy, "host_disk_gib");
	int64_t gib;

	if (!*text || text_parse_int(text, 1, HOST_DISK_MAX_GIB, &gib) == 0)
		return 0;
	return error_set(reterr, -EINVAL, "host_disk_gib: \"%.40s\": a number from 1 to %d wanted",
		text, HOST_DISK_MAX_GIB);
}

int64_t policy_disk_gib(const struct policy *policy)
{
	int64_t gib = 0;

	if (policy)
		(void)text_parse_int(policy_text(policy, "host_disk_gib"), 1, HOST_DISK_MAX_GIB,
			&gib);
	return gib;
}

static int check_hosts(const struct policy *policy, struct error *reterr)
{
	const char *text, *market = policy_text(policy, "host_market");
	struct machine_type type;
	int r = 0;

	for (size_t i = 0; r == 0 && (text = policy_item(policy, "machine_types", i)); i++)
		r = machine_type_parse(text, &type, reterr);
	for (size_t i = 0; r == 0 && (text = policy_item(policy, "images", i)); i++)
		if (!names_image(text))
			r = error_set(reterr, -EINVAL,
				"images: \"%.80s\": an operating system and its image wanted, such "
				"as "
				"debian-12=ami-0abc",
				text);
	if (r == 0)
		r = check_disk(policy, reterr);
	if (r == 0 && *market && strcmp(market, "spot") != 0 && strcmp(market, "on-demand") != 0)
		r = error_set(reterr, -EINVAL, "host_market: \"%.40s\": spot or on-demand wanted",
			market);
	return r;
}

static bool is_cut(const char *text, const json_error_t *trouble)
{
	enum json_error_code code = json_error_code(trouble);

	return *text && code == json_error_premature_end_of_input;
}

int policy_parse(const char *text, size_t len, struct policy **ret, struct error *reterr)
{
	_cleanup_json_ json_t *given = NULL;
	struct policy *policy;
	json_error_t trouble;
	const char *name;
	json_t *value;
	int r = 0;

	given = json_parse(text, len, JSON_REJECT_DUPLICATES, &trouble);
	if (!given && !trouble.text[0])
		return error_oom(reterr);
	if (!given)
		return error_set(reterr, is_cut(text, &trouble) ? -ENODATA : -EINVAL,
			"line %d, column %d: %s", trouble.line, trouble.column, trouble.text);
	if (!json_is_object(given))
		return error_set(reterr, -EINVAL, "a JSON object wanted: {\"vpc_id\": ...}");
	policy = calloc(1, sizeof(*policy));
	if (policy)
		policy->values = json_object();
	if (!policy || !policy->values) {
		policy_free(policy);
		return error_oom(reterr);
	}
	json_object_foreach(given, name, value)
	{
		r = r < 0 ? r : take(policy->values, name, value, reterr);
	}
	if (r == 0)
		r = check_whole(policy->values, reterr);
	if (r == 0)
		r = check_hosts(policy, reterr);
	if (r < 0)
		policy_free(policy);
	else
		*ret = policy;
	return r;
}

const char *policy_text(const struct policy *policy, const char *name)
{
	return json_get_string(policy->values, name, "");
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; len > 0 && (at = strstr(at, word)); at++)
		if ((at == text || !is_word(at[-1])) && !is_word(at[len]))
			return true;
	return false;
}

static bool names(const char *value, const char *text, const char **ret_value)
{
	const char *image = strchr(value, '=');

	*ret_value = image ? image + 1 : value;
	return has_word(text, *ret_value);
}

const char *policy_find(const struct policy *policy, const char *text, const char **ret_value)
{
	const char *value;

	for (const struct policy_field *field = policy_fields; field->name; field++) {
		if (!field->names)
			continue;
		if (field->type == POLICY_TEXT &&
			names(policy_text(policy, field->name), text, ret_value))
			return field->name;
		for (size_t i = 0; (value = policy_item(policy, field->name, i)); i++)
			if (names(value, text, ret_value))
				return field->name;
	}
	return NULL;
}

const char *policy_item(const struct policy *policy, const char *name, size_t index)
{
	return json_string_value(json_array_get(json_object_get(policy->values, name), index));
}
