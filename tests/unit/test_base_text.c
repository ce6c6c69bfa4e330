/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

static void numbers_are_range_checked(void **state)
{
	int64_t value = 7;

	(void)state;
	assert_int_equal(text_parse_int("0", 0, 1000, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(text_parse_int("1000", 0, 1000, &value), 0);
	assert_int_equal(text_parse_int("-3", -5, 5, &value), 0);
	assert_int_equal(value, -3);
	assert_int_equal(text_parse_int("1001", 0, 1000, &value), -ERANGE);
	assert_int_equal(text_parse_int("99999999999999999999", 0, 1000, &value), -ERANGE);
	assert_int_equal(text_parse_int("", 0, 1000, &value), -EINVAL);
	assert_int_equal(text_parse_int(" 3", 0, 1000, &value), -EINVAL);
	assert_int_equal(text_parse_int("3 ", 0, 1000, &value), -EINVAL);
	assert_int_equal(text_parse_int("+3", 0, 1000, &value), -EINVAL);
	assert_int_equal(text_parse_int("0x3", 0, 1000, &value), -EINVAL);
	assert_int_equal(value, -3);
}

static void labels_are_dns_labels(void **state)
{
	static const char *const good[] = {"a", "web", "web-1", "a0", "x--y"};
	static const char *const bad[] = {
		"", "-a", "a-", "0a", "Web", "a_b", "a.b", "a b", "\xc3\xa9", "a\n", "..", "."};
	char name[66];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_is_label(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_label(bad[i]));
	memset(name, 'a', sizeof(name));
	name[63] = '\0';
	assert_true(text_is_label(name));
	name[63] = 'a';
	name[64] = '\0';
	assert_false(text_is_label(name));
}

static void utf8_is_checked_to_the_letter(void **state)
{
	(void)state;
	assert_true(text_is_utf8("", 0));
	assert_true(text_is_utf8("z\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xb3", 10));
	assert_false(text_is_utf8("a\0b", 3));
	assert_false(text_is_utf8("\xc0\xaf", 2)); /* overlong */
	assert_false(text_is_utf8("\xed\xa0\x80", 3)); /* surrogate */
	assert_false(text_is_utf8("\xf4\x90\x80\x80", 4)); /* above U+10FFFF */
	assert_false(text_is_utf8("\xe2\x82", 2)); /* cut */
	assert_false(text_is_utf8("\x80", 1));
}

static void a_text_may_go_on_in_a_character(void **state)
{
	static const char *const whole[] = {"z\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xb3",
		"\xe0\xa0\x80\xed\x9f\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"};
	static const char *const never[] = {"\x80", "\xc0\xaf", "\xed\xa0", "\xf4\x90", "\xf0\x80",
		"\xe0\x9f", "\xff", "a\xc3z", "\xe2\x82z", "\xe2\x82\xac\xf5"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		for (size_t len = 0; len <= strlen(whole[i]); len++)
			assert_true(text_begins_utf8(whole[i], len));
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_false(text_begins_utf8(never[i], strlen(never[i])));
	assert_false(text_begins_utf8("a\0b", 3));
}

static void the_nearest_word_is_found(void **state)
{
	static const char *const words[] = {"Replicas", "DockerImage", "DNS", "Name", NULL};

	(void)state;
	assert_string_equal(text_nearest("Replica", words), "Replicas");
	assert_string_equal(text_nearest("replicsa", words), "Replicas");
	assert_string_equal(text_nearest("dockerimage", words), "DockerImage");
	assert_string_equal(text_nearest("dsn", words), "DNS");
	assert_null(text_nearest("Colour", words));
	assert_null(text_nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				 "aaaa",
		words));
}

static void hashes_match_the_published_vectors(void **state)
{
	(void)state;
	assert_true(text_hash("", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(text_hash("a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(text_hash("foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void copies_say_when_they_cut(void **state)
{
	char small[4];

	(void)state;
	assert_true(text_copy(small, sizeof(small), "abc"));
	assert_false(text_copy(small, sizeof(small), "abcd"));
	assert_string_equal(small, "abc");
}

static void a_buf_keeps_its_first_error(void **state)
{
	struct buf buf = BUF_INIT;
	size_t len;
	char *text;

	(void)state;
	assert_string_equal(buf_string(&buf), "");
	buf_puts(&buf, "a");
	buf_printf(&buf, "%d-%s", 42, "x");
	buf_putc(&buf, '\n');
	assert_string_equal(buf_string(&buf), "a42-x\n");
	buf_truncate(&buf, 3);
	buf_truncate(&buf, 30);
	assert_int_equal(buf.len, 3);
	buf_reserve(&buf, SIZE_MAX / 2);
	assert_int_equal(buf.error, -ENOMEM);
	buf_puts(&buf, "more");
	assert_int_equal(buf.len, 3);
	assert_null(buf_take(&buf, &len));
	buf_reset(&buf);
	buf_puts(&buf, "again");
	text = buf_take(&buf, &len);
	assert_string_equal(text, "again");
	assert_int_equal(len, 5);
	assert_null(buf.data);
	free(text);
	buf_done(&buf);
	buf_done(NULL);
}

static void errors_carry_code_and_sentence(void **state)
{
	struct error error = ERROR_INIT;
	char big[2000];

	(void)state;
	assert_int_equal(error_set(&error, -EINVAL, "line %d", 3), -EINVAL);
	assert_string_equal(error.text, "line 3");
	assert_int_equal(error_prefix(&error, "spec of %s", "web"), -EINVAL);
	assert_string_equal(error.text, "spec of web: line 3");
	assert_int_equal(error_errno(&error, ENOENT, "cannot open %s", "x"), -ENOENT);
	assert_string_equal(error.text, "cannot open x: No such file or directory");
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(error_set(&error, -EIO, "%s", big), -EIO);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
	assert_int_equal(error_prefix(&error, "%s", big), -EIO);
	assert_int_equal(error_set(NULL, -EIO, "nobody listens"), -EIO);
	assert_int_equal(error_prefix(NULL, "nobody listens"), -EIO);
	error_clear(&error);
	error_clear(NULL);
	assert_int_equal(error.code, 0);
}

static void times_are_written_in_utc(void **state)
{
	char text[21];

	(void)state;
	clock_format_utc(INT64_C(1709164800) * NS_PER_SECOND, text, sizeof(text));
	assert_string_equal(text, "2024-02-29T00:00:00Z");
	assert_true(clock_now_ns() <= clock_now_ns());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_range_checked),
		cmocka_unit_test(labels_are_dns_labels),
		cmocka_unit_test(utf8_is_checked_to_the_letter),
		cmocka_unit_test(a_text_may_go_on_in_a_character),
		cmocka_unit_test(the_nearest_word_is_found),
		cmocka_unit_test(hashes_match_the_published_vectors),
		cmocka_unit_test(copies_say_when_they_cut),
		cmocka_unit_test(a_buf_keeps_its_first_error),
		cmocka_unit_test(errors_carry_code_and_sentence),
		cmocka_unit_test(times_are_written_in_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
