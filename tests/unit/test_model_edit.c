/* SPDX-License-Identifier: Apache-2.0 */
/* Changing one value inside the text of a spec, against a table and against random texts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "model/service.h"

#define ROUNDS 4000

static void set_text(const char *text, const char *field, const char *value, const char *wanted)
{
	struct buf out = BUF_INIT;
	struct error error = ERROR_INIT;

	if (spec_text_set(&service_type, text, strlen(text), field, value, &out, &error) < 0)
		fail_msg("%s: %s", text, error.text);
	assert_string_equal(buf_string(&out), wanted);
	buf_done(&out);
}

static void one_value_changes_and_nothing_else(void **state)
{
	(void)state;
	set_text("{\"DockerImage\":\"a\",\"Replicas\":\"3\"}\n", "Replicas", "5",
		"{\"DockerImage\":\"a\",\"Replicas\":\"5\"}\n");
	set_text("{ \"Replicas\" :  3 , \"DockerImage\":\"a\"}", "Replicas", "10",
		"{ \"Replicas\" :  10 , \"DockerImage\":\"a\"}");
	set_text("{\"Environment\":{\"Replicas\":\"9\"},\"Replicas\":1}", "Replicas", "2",
		"{\"Environment\":{\"Replicas\":\"9\"},\"Replicas\":2}");
	set_text("{\"Command\":[\"}\",\"\\\"Replicas\\\":\"],\"Replicas\":1}", "Replicas", "2",
		"{\"Command\":[\"}\",\"\\\"Replicas\\\":\"],\"Replicas\":2}");
	set_text("{\"Repl\\u0069cas\":1}", "Replicas", "2", "{\"Repl\\u0069cas\":2}");
	set_text("{\"Replicas\":1.0e0}", "Replicas", "007", "{\"Replicas\":7}");
	set_text("{\"Replicas\":\"1\"}", "Replicas", "007", "{\"Replicas\":\"007\"}");
	set_text("{\"DNS\":\"x.y\"}", "DNS", "", "{\"DNS\":\"\"}");
}

static void a_missing_member_is_added_in_the_style_of_the_others(void **state)
{
	(void)state;
	set_text("{}", "DockerImage", "a", "{\"DockerImage\":\"a\"}");
	set_text(" { } \n", "Replicas", "2", " {\"Replicas\":2 } \n");
	set_text("{\n  \"DockerImage\": \"a\"\n}\n", "DNS", "x.y",
		"{\n  \"DockerImage\": \"a\",\n  \"DNS\": \"x.y\"\n}\n");
	set_text("{\"DockerImage\" : \"a\", \"CPU\" :1}", "Replicas", "2",
		"{\"DockerImage\" : \"a\", \"CPU\" :1, \"Replicas\" : 2}");
	set_text("{\r\n\t\"DockerImage\":\"a\",\r\n\t\"Command\":[\"}\"]\r\n}", "Replicas", "2",
		"{\r\n\t\"DockerImage\":\"a\",\r\n\t\"Command\":[\"}\"],\r\n\t\"Replicas\":2\r\n}");
	set_text("{\"DockerImage\":\"a\"\n, \"UpdateDomains\":\"3\"}", "Replicas", "2",
		"{\"DockerImage\":\"a\"\n, \"UpdateDomains\":\"3\", \"Replicas\":\"2\"}");
	/* Nothing to clear: no change. */
	set_text("{\"DockerImage\":\"a\"}", "DNS", "", "{\"DockerImage\":\"a\"}");
}

static void what_cannot_be_set_is_refused(void **state)
{
	struct error error = ERROR_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(spec_text_set(&service_type, "{}", 2, "Command", "a", &out, &error),
		-EINVAL);
	assert_int_equal(spec_text_set(&service_type, "{}", 2, "Nonsense", "a", &out, &error),
		-EINVAL);
	assert_int_equal(spec_text_set(&service_type, "", 0, "Replicas", "1", &out, &error),
		-EINVAL);
	assert_non_null(strstr(error.text, "no spec"));
	assert_int_equal(spec_text_set(&service_type, "[]", 2, "Replicas", "1", &out, &error),
		-EINVAL);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void views_are_checked_before_the_spec(void **state)
{
	static const struct {
		const char *field, *text;
		bool may;
	} begun[] = {{"Replicas", "", true}, {"Replicas", "1", true}, {"Replicas", "1000", true},
		{"Replicas", "007", true}, {"Replicas", "-", true}, {"Replicas", "1001", false},
		{"Replicas", "-1", false}, {"Replicas", "five", false}, {"Replicas", "5 ", false},
		{"Replicas", "5x", false}, {"Replicas", "+", false},
		{"Replicas", "99999999999999999999", false}, {"UpdateDomains", "0", true},
		{"DockerImage", "a:", true}, {"DockerImage", "a b", false}, {"DNS", "a.", true},
		{"DNS", "a..", false}, {"Command", "x y", true}, {NULL, NULL, false}};
	struct error error = ERROR_INIT;

	(void)state;
	assert_int_equal(spec_view_check(&service_type, "Replicas", "5", &error), 0);
	assert_int_equal(spec_view_check(&service_type, "Replicas", "5000", &error), -EINVAL);
	assert_string_equal(error.text, "line 1, column 1: Replicas: 5000 is above 1000");
	assert_int_equal(spec_view_check(&service_type, "Replicas", "-1", &error), -EINVAL);
	assert_non_null(strstr(error.text, "-1 is below 0"));
	assert_int_equal(spec_view_check(&service_type, "Replicas", "99999999999999999999", &error),
		-EINVAL);
	assert_non_null(strstr(error.text, "above 1000"));
	assert_int_equal(spec_view_check(&service_type, "Replicas", "five", &error), -EINVAL);
	assert_int_equal(spec_view_check(&service_type, "Replicas", "", &error), -EINVAL);
	assert_int_equal(spec_view_check(&service_type, "Replicas", "5 ", &error), -EINVAL);
	assert_int_equal(spec_view_check(&service_type, "DockerImage", "", &error), -EINVAL);
	assert_int_equal(spec_view_check(&service_type, "DockerImage", "a:b", &error), 0);
	assert_int_equal(spec_view_check(&service_type, "DNS", "", &error), 0);
	assert_int_equal(spec_view_check(&service_type, "DNS", "a b", &error), -EINVAL);
	assert_int_equal(spec_view_check(&service_type, "DNS", "\xff", &error), -EINVAL);
	assert_int_equal(spec_view_check(&service_type, "Nonsense", "1", &error), -EINVAL);
	for (size_t i = 0; begun[i].text; i++)
		if (spec_view_begins(&service_type, begun[i].field, begun[i].text) != begun[i].may)
			fail_msg("%s: \"%s\"", begun[i].field, begun[i].text);
}

/* ---- random texts ---- */

static unsigned seed = 1;

static unsigned pick(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static void put_space(struct buf *out)
{
	static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "\r\n  ", "   "};

	buf_puts(out, spaces[pick(8)]);
}

/* A name in quotes; now and then with one letter escaped. */
static void put_name(const char *name, struct buf *out)
{
	unsigned escaped = pick(5) ? 1000 : pick((unsigned)strlen(name));

	buf_putc(out, '"');
	for (unsigned i = 0; name[i]; i++) {
		if (i == escaped)
			buf_printf(out, "\\u%04x", (unsigned char)name[i]);
		else
			buf_putc(out, name[i]);
	}
	buf_putc(out, '"');
}

struct member {
	const char *name;
	const char *values[4];
};

static const struct member members[] = {
	{"DockerImage", {"\"a\"", "\"b:\\u0063\"", "\"x\\/y\"",
				"\"h.com:1/a@sha256:"
				"0123456789abcdef0123456789abcdef"
				"0123456789abcdef0123456789abcdef\""}},
	{"Replicas", {"3", "\"4\"", "5.0", "1e1"}},
	{"DNS", {"\"\"", "\"a.b\"", "\"\\u0061\"", "\"A.B\""}},
	{"Command", {"[\"}\",\"{\"]", "[\"\\\"Replicas\\\": 9\"]", "[ ]", "[\"\\\\\",\"]\"]"}},
	{"Environment", {"{\"Replicas\":\"9\",\"DNS\":1}", "{ }", "{\"A\":\"\xc3\xa9\\n\"}",
				"{\"DockerImage\":true}"}},
	{"HealthCheck", {"\"/\"", "{\"Path\":\"/\\u00e9\"}", "{\"Port\" :\n 80}", "\"/}{\""}},
	{"Hosts", {"{\"Spot\":true}", "[\"a\"]", "\"\"", "{\"Prefer\":[\"b\"]}"}},
	{"UpdateDomains", {"1", "\"2\"", "3", "\"4\""}},
	{"AutoRollback", {"true", "\"false\"", "false", "\"TRUE\""}},
	{"Name", {"\"web\"", "\"WEB\"", "\"\"", "\"W\\u0065b\""}},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static void put_member(const char *name, const char *value, bool *first, struct buf *out)
{
	if (!*first)
		buf_putc(out, ',');
	*first = false;
	put_space(out);
	put_name(name, out);
	put_space(out);
	buf_putc(out, ':');
	put_space(out);
	buf_puts(out, value);
	put_space(out);
}

/* A valid spec; what stands at field's value, "" when it is missing. */
static const char *put_spec(const char *field, struct buf *out)
{
	size_t start = pick(MEMBERS);
	const char *there = "";
	bool first = true;

	put_space(out);
	buf_putc(out, '{');
	put_member("ExternalLBPort", pick(2) ? "80" : "\"80\"", &first, out);
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *member = &members[(start + i * 3) % MEMBERS];
		const char *value = member->values[pick(4)];

		if (pick(2) && strcmp(member->name, "DockerImage") != 0)
			continue;
		if (strcmp(member->name, field) == 0)
			there = value;
		put_member(member->name, value, &first, out);
	}
	buf_putc(out, '}');
	put_space(out);
	return there;
}

static struct service_spec *parse(const struct buf *text)
{
	struct service_spec *spec = NULL;
	struct error error = ERROR_INIT;

	if (service_spec_parse(buf_string(text), text->len, "web", &spec, &error) < 0)
		fail_msg("%s\n%s", buf_string(text), error.text);
	return spec;
}

/* Bytes that both begin with and bytes that both end with cover all but the value. */
static void assert_only_value_changed(const struct buf *before, const struct buf *after,
	const char *there)
{
	size_t same = 0, tail = 0, least = before->len < after->len ? before->len : after->len;

	while (same < least && before->data[same] == after->data[same])
		same++;
	while (tail < least - same &&
		before->data[before->len - 1 - tail] == after->data[after->len - 1 - tail])
		tail++;
	if (same + tail + strlen(there) < before->len)
		fail_msg("%s\nbecame\n%s", before->data, after->data);
}

static void assert_value(const struct buf *text, const char *field, const char *value)
{
	_cleanup_service_spec_ struct service_spec *spec = parse(text);
	_cleanup_buf_ struct buf view = BUF_INIT;

	assert_int_equal(spec_view(&service_type, spec, field, &view), 0);
	if (strcmp(buf_string(&view), value) != 0)
		fail_msg("%s is %s, not %s, in\n%s", field, buf_string(&view), value, text->data);
}

static json_t *without(const struct buf *text, const char *field)
{
	json_t *object = json_loadb(text->data, text->len, 0, NULL);

	assert_non_null(object);
	(void)json_object_del(object, field);
	return object;
}

static void random_texts_keep_all_but_the_value(void **state)
{
	static const char *const fields[][4] = {{"Replicas", "0", "7", "1000"},
		{"DockerImage", "nginx:1.2", "a/b", "localhost:5000/c"}, {"DNS", "", "x.y.z", "q"}};

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT, again = BUF_INIT;
		const char *const *field = fields[pick(3)];
		const char *value = field[1 + pick(3)];
		const char *there = put_spec(field[0], &before);
		_cleanup_json_ json_t *left = NULL, *right = NULL;
		struct error error = ERROR_INIT;

		service_spec_free(parse(&before));
		assert_int_equal(spec_text_set(&service_type, before.data, before.len, field[0],
					 value, &after, &error),
			0);
		assert_value(&after, field[0], value);
		assert_only_value_changed(&before, &after, there);
		if (there[0] && strcmp(field[0], "Replicas") == 0) {
			char form[16];

			(void)snprintf(form, sizeof(form), there[0] == '"' ? "\"%s\"" : "%s",
				value);
			assert_non_null(strstr(after.data, form));
		}
		left = without(&before, field[0]);
		right = without(&after, field[0]);
		assert_true(json_equal(left, right));
		assert_int_equal(spec_text_set(&service_type, after.data, after.len, field[0],
					 value, &again, &error),
			0);
		assert_string_equal(again.data, after.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_value_changes_and_nothing_else),
		cmocka_unit_test(a_missing_member_is_added_in_the_style_of_the_others),
		cmocka_unit_test(what_cannot_be_set_is_refused),
		cmocka_unit_test(views_are_checked_before_the_spec),
		cmocka_unit_test(random_texts_keep_all_but_the_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
