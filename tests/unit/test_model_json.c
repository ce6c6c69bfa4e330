/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of JSON: against tables, against jansson, and where things stand in a text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "model/json_syntax.h"
#include "model/json_text.h"

/* A document with every form that the grammar has. */
static const char whole[] =
	"\t{ \"a\" : [ ] , \"b\":{},\"c\": [1,-0.5,0,10e2,2E-7,1.25e+3],\r\n"
	"\"d\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\": [true,false,null],"
	"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\": {\"e\":[[{}],\"\"]}}\n";

static int check(const char *text, size_t len, struct error *error)
{
	/* In memory of just that size, so that a sanitizer sees each byte read beyond it. */
	_cleanup_free_ char *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, text, len);
	*error = ERROR_INIT;
	return json_syntax_check(exact, len, error);
}

static void expect(const char *text, int code, const char *sentence)
{
	struct error error;
	int r = check(text, strlen(text), &error);

	if (r != code || (code < 0 && strcmp(error.text, sentence) != 0))
		fail_msg("%s: %d, \"%s\" instead of \"%s\"", text, r, error.text, sentence);
}

static void faults_name_the_place_and_what_was_expected(void **state)
{
	(void)state;
	/* The line that a well-known blog prints. */
	expect("{\"Name\":\"Website\",\"DockerImage\":\"nginx:latest\",\"Replicas\":\"3\","
	       "\"ExternalLBPort\":\"80\" \"DNS\":\"\"}",
		-EINVAL, "line 1, column 85: a comma or } is expected, not a text");
	expect("{\"a\":1,\n}", -EINVAL,
		"line 2, column 1: a name in double quotes is expected, not }");
	expect("{\"\xc3\xa9\":1,}", -EINVAL,
		"line 1, column 8: a name in double quotes is expected, not }");
	expect("{'a':1}", -EINVAL,
		"line 1, column 2: a name in double quotes or } is expected, not ': texts stand in "
		"double quotes");
	expect("{\"a\" 1}", -EINVAL, "line 1, column 6: a colon is expected, not 1");
	expect("{\"a\":1}}", -EINVAL, "line 1, column 8: something follows the document's end");
	expect("[1 2]", -EINVAL, "line 1, column 4: a comma or ] is expected, not 2");
	expect("[1}", -EINVAL, "line 1, column 3: a comma or ] is expected, not }");
	expect("[1,]", -EINVAL, "line 1, column 4: a value is expected, not ]");
	expect("{\n// x\n}", -EINVAL,
		"line 2, column 1: a name in double quotes or } is expected: JSON has no comments");
	expect("{\"a\":\n", -ENODATA,
		"line 2, column 1: the document ends too early: a value is expected");
	expect("{\"a\":nil}", -EINVAL, "line 1, column 7: true, false or null is expected, not i");
	expect("{\"a\":01}", -EINVAL, "line 1, column 7: a number does not begin with 0");
	expect("{\"a\":1.}", -EINVAL, "line 1, column 8: a digit is expected, not }");
	expect("{\"a\":.5}", -EINVAL, "line 1, column 6: a value is expected, not .");
	expect("{\"a\":\"b\nc\"}", -EINVAL,
		"line 1, column 8: the text that begins in this line lacks its closing \" (a line "
		"break within is written \\n)");
	expect("{\"a\":\"\\x\"}", -EINVAL,
		"line 1, column 8: one of \" \\ / b f n r t u behind the \\ is expected, not x");
	expect("{\"a\":\"\\u0000\"}", 0, "");
	expect("\"\\udc00\"", -EINVAL,
		"line 1, column 8: a second half of a surrogate pair without its first");
	expect("\"\\ud800\\u0041\"", -EINVAL,
		"line 1, column 14: a first half of a surrogate pair without its second");
	expect("\"\\ud800x\"", -EINVAL,
		"line 1, column 8: the second half of a surrogate pair is expected, not x");
	expect("\"\xff\"", -EINVAL, "line 1, column 2: the text is not UTF-8");
	expect("\"\xc0\xaf\"", -EINVAL, "line 1, column 2: the text is not UTF-8");
	expect("\xef\xbb\xbf{}", -EINVAL, "line 1, column 1: a value is expected, not byte 0xef");
	expect("", -ENODATA, "line 1, column 1: the document is empty");
	expect(" \n\t", -ENODATA, "line 1, column 1: the document is empty");
}

static void every_beginning_of_a_document_may_still_become_one(void **state)
{
	size_t last = (size_t)(strrchr(whole, '}') - whole);
	struct error error;

	(void)state;
	for (size_t len = 0; len <= last; len++)
		if (check(whole, len, &error) != -ENODATA)
			fail_msg("%zu bytes: %d, %s", len, error.code, error.text);
	for (size_t len = last + 1; len < sizeof(whole); len++)
		assert_int_equal(check(whole, len, &error), 0);
}

static void half_a_character_is_told_from_nonsense(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(check("\"\xe0\xa0", 3, &error), -ENODATA);
	assert_int_equal(check("\"\xe0\x80", 3, &error), -EINVAL);
	assert_int_equal(check("\"\xed\x9f", 3, &error), -ENODATA);
	assert_int_equal(check("\"\xed\xa0", 3, &error), -EINVAL);
	assert_int_equal(check("\"\xf0", 2, &error), -ENODATA);
	assert_int_equal(check("\"\xf4\x90", 3, &error), -EINVAL);
	assert_int_equal(check("\"\xf5", 2, &error), -EINVAL);
	assert_int_equal(check("\"\x80", 2, &error), -EINVAL);
	assert_int_equal(check("\"\xc1", 2, &error), -EINVAL);
}

/* What another parser says: 1 well-formed, 0 not; -1: refused for what is no grammar. */
static int jansson_says(const char *text, size_t len)
{
	json_error_t error;
	json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (value) {
		json_decref(value);
		return 1;
	}
	switch (json_error_code(&error)) {
	case json_error_numeric_overflow:
	case json_error_null_byte_in_key:
		return -1;
	default:
		return 0;
	}
}

static void every_changed_byte_is_judged_as_by_jansson(void **state)
{
	char text[sizeof(whole)];
	struct error error;

	(void)state;
	for (size_t at = 0; at < sizeof(whole) - 1; at++) {
		for (int byte = 0; byte < 256; byte++) {
			int other, r;

			memcpy(text, whole, sizeof(text));
			text[at] = (char)byte;
			r = json_syntax_check(text, sizeof(whole) - 1, &error);
			other = jansson_says(text, sizeof(whole) - 1);
			if (other >= 0 && (r == 0) != other)
				fail_msg("byte 0x%02x at %zu: %s", byte, at, error.text);
		}
	}
}

static void every_dropped_stretch_is_judged_as_by_jansson(void **state)
{
	char text[sizeof(whole)];
	struct error error;

	(void)state;
	for (size_t at = 0; at < sizeof(whole) - 1; at++) {
		for (size_t end = at + 1; end < sizeof(whole); end++) {
			size_t len = sizeof(whole) - 1 - (end - at);
			int other, r;

			memcpy(text, whole, at);
			memcpy(text + at, whole + end, sizeof(whole) - 1 - end);
			r = json_syntax_check(text, len, &error);
			other = jansson_says(text, len);
			if (other >= 0 && (r == 0) != other)
				fail_msg("without %zu to %zu: %s", at, end, error.text);
		}
	}
}

static void depth_has_a_bound(void **state)
{
	char text[4 * JSON_DEPTH_MAX];
	struct error error;

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_int_equal(check(text, 2 * JSON_DEPTH_MAX, &error), 0);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	assert_int_equal(check(text, JSON_DEPTH_MAX + 1, &error), -EINVAL);
	assert_non_null(strstr(error.text, "nested too deeply"));
}

static void members_are_found_where_they_stand(void **state)
{
	static const char text[] = "{\n \"a\" : {\"b\":\"}\\\"\"},\"\\u0062\":[1,{\"b\":2}] }";
	struct json_span object = json_text_object(text, strlen(text));
	struct json_member member, none;
	int line, column;

	(void)state;
	assert_int_equal(object.end, strlen(text));
	assert_true(json_text_find(text, object, "b", &member));
	assert_memory_equal(text + member.key, "\"\\u0062\"", 8);
	assert_memory_equal(text + member.value, "[1,{\"b\":2}]", 11);
	assert_int_equal(member.value_end - member.value, 11);
	assert_true(json_text_find(text, object, "a", &member));
	json_text_position(text, member.key, &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 2);
	assert_true(json_text_find(text, (struct json_span){member.value, member.value_end}, "b",
		&member));
	assert_memory_equal(text + member.value, "\"}\\\"\"", 5);
	assert_false(json_text_find(text, object, "c", &none));
	assert_false(json_text_find(text, object, "", &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_name_the_place_and_what_was_expected),
		cmocka_unit_test(every_beginning_of_a_document_may_still_become_one),
		cmocka_unit_test(half_a_character_is_told_from_nonsense),
		cmocka_unit_test(every_changed_byte_is_judged_as_by_jansson),
		cmocka_unit_test(every_dropped_stretch_is_judged_as_by_jansson),
		cmocka_unit_test(depth_has_a_bound),
		cmocka_unit_test(members_are_found_where_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
