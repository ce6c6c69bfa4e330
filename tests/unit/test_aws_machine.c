/* SPDX-License-Identifier: Apache-2.0 */
/* Pure parts of hosts on AWS: which type, which image, what a machine runs at its first boot, what
 * an event is about; and SSH keys, judged by ssh-keygen. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/file.h"
#include "cloud/aws/machine/image.h"
#include "cloud/aws/machine/machine_run.h"
#include "cloud/aws/machine/machine_watch.h"
#include "cloud/aws/machine/user_data.h"
#include "model/ssh_key.h"

#define WHOLE                                                                                      \
	"\"region\":\"us-west-2\",\"vpc_id\":\"vpc-1\",\"private_subnet_ids\":[\"subnet-1\"],"     \
	"\"public_subnet_ids\":[\"subnet-2\",\"subnet-3\"]"

static struct error error;

static struct policy *policy_of(const char *more)
{
	struct policy *policy = NULL;
	char text[1024];

	(void)snprintf(text, sizeof(text), "{" WHOLE "%s}", more);
	assert_int_equal(policy_parse(text, strlen(text), &policy, &error), 0);
	return policy;
}

static void types(const struct policy *policy, int64_t cpu_milli, int64_t memory_mib,
	const char *wanted)
{
	const struct machine machine = {.cpu_milli = cpu_milli, .memory_mib = memory_mib};
	struct machine_type found[MACHINE_TRIES];
	char names[200] = "";
	size_t count = 0;

	error_clear(&error);
	(void)machine_types_for(policy, &machine, found, &count, &error);
	for (size_t i = 0; i < count; i++) {
		(void)strcat(names, i > 0 ? " " : "");
		(void)strcat(names, found[i].name);
	}
	assert_string_equal(names, wanted);
}

static void the_cheapest_that_fits_comes_first(void **state)
{
	_cleanup_policy_ struct policy *policy = policy_of("");

	(void)state;
	types(policy, 0, 0, "t3.micro t3.small t3.medium"); /* less does not run Docker */
	types(policy, 2000, 4096, "t3.medium t3.large c5.large");
	types(policy, 2000, 8192, "t3.large m5.large r5.large");
	types(policy, 2500, 1024, "t3.xlarge c5.xlarge m5.xlarge");
	types(policy, 32000, 131072, "m5.8xlarge");
	types(policy, 33000, 1024, "");
	assert_string_equal(error.text, "no type of machine has CPU 33.000 and MemoryGiB 1.00: the "
					"largest, m5.8xlarge, has "
					"CPU 32 and MemoryGiB 128");
}

static void the_administrator_replaces_the_table(void **state)
{
	_cleanup_policy_ struct policy *policy =
		policy_of(",\"machine_types\":[\"b.big:8:32:0.3\",\"a.small:1:2:0.01\",\"c.same:8:"
			  "64:0.3\"]");

	(void)state;
	types(policy, 1000, 2048, "a.small c.same b.big");
	types(policy, 2000, 2048, "c.same b.big");
}

static void wrong_types_are_refused(void **state)
{
	static const char *const wrong[] = {"m5.large", "m5.large:2:8", "m5.large:2:8:x", ":2:8:1",
		"m5.large:0:8:1", "m5.large:2:8:1:", "m5.large:-2:8:1", "m5.large:2:8:1:2"};
	struct machine_type type;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(machine_type_parse(wrong[i], &type, &error), -EINVAL);
	assert_int_equal(machine_type_parse("m5.large:2:0.5:0.096", &type, &error), 0);
	assert_int_equal(type.memory_mib, 512);
	assert_int_equal(type.price_nano, 96000000);
}

static void images_come_from_the_policy_first(void **state)
{
	_cleanup_policy_ struct policy *policy =
		policy_of(",\"images\":[\"debian-12=ami-0a\",\"ours=/our/image\"]");

	(void)state;
	assert_string_equal(aws_image_place(policy, "debian-12"), "ami-0a");
	assert_string_equal(aws_image_place(policy, "ours"), "/our/image");
	assert_string_equal(aws_image_place(policy, "debian-11"),
		"/aws/service/debian/release/11/latest/amd64");
	assert_null(aws_image_place(policy, "debian-1"));
	assert_null(aws_image_place(policy, "plan9"));
}

static const char *printed(const struct user_data *data, struct buf *out)
{
	assert_int_equal(user_data_print(data, out, &error), 0);
	return buf_string(out);
}

static void the_script_is_one_that_a_shell_takes(void **state)
{
	const struct user_data data = {"p", "demo", "h1", "CA\n", "CERT\n", "KEY\n"};
	_cleanup_buf_ struct buf script = BUF_INIT;
	const char *const argv[] = {"/bin/sh", "-n", "/tmp/duplofs-test-script", NULL};
	const char *text = printed(&data, &script);

	(void)state;
	assert_int_equal(strncmp(text, "#!/bin/sh\n", 10), 0);
	assert_non_null(strstr(text, "cat >$dir/engine.key <<'END'\nKEY\nEND\n"));
	assert_non_null(strstr(text, "--tlsverify"));
	assert_int_equal(file_write_atomic(argv[2], text, script.len, 0600, 0, &error), 0);
	assert_int_equal(child_run(argv, 10000, NULL, &error), 0);
	(void)unlink(argv[2]);
}

static void a_script_that_is_too_long_is_refused(void **state)
{
	static char pem[USER_DATA_MAX];
	const struct user_data data = {"p", "demo", "h1", pem, "CERT\n", "KEY\n"};
	_cleanup_buf_ struct buf script = BUF_INIT;

	(void)state;
	memset(pem, 'x', sizeof(pem) - 1);
	assert_int_equal(user_data_print(&data, &script, &error), -E2BIG);
}

static void notice(const char *text, const char *instance, bool recalled)
{
	struct machine_notice found;

	machine_notice_read(text, &found);
	assert_string_equal(found.instance, instance);
	assert_int_equal(found.recalled, recalled);
}

static void events_are_read(void **state)
{
	(void)state;
	notice("{\"detail-type\":\"EC2 Spot Instance Interruption Warning\",\"detail\":"
	       "{\"instance-id\":\"i-1\",\"instance-action\":\"terminate\"}}",
		"i-1", true);
	notice("{\"detail-type\":\"EC2 Instance State-change Notification\",\"detail\":"
	       "{\"instance-id\":\"i-2\",\"state\":\"stopped\"}}",
		"i-2", false);
	notice("{\"detail-type\":\"AWS API Call via CloudTrail\",\"detail\":{}}", "", false);
	notice("half {", "", false);
	notice("", "", false);
}

static void openssh_takes_our_keys(void **state)
{
	static const char path[] = "/tmp/duplofs-test-key";
	const char *const argv[] = {"/usr/bin/ssh-keygen", "-y", "-f", path, NULL};
	_cleanup_buf_ struct buf key = BUF_INIT, public = BUF_INIT, said = BUF_INIT;

	(void)state;
	assert_int_equal(ssh_key_make("demo@duplofs", &key, &error), 0);
	assert_int_equal(ssh_key_public(buf_string(&key), &public, &error), 0);
	assert_int_equal(file_write_atomic(path, key.data, key.len, 0600, 0, &error), 0);
	assert_int_equal(child_run(argv, 10000, &said, &error), 0);
	(void)unlink(path);
	assert_string_equal(buf_string(&said), buf_string(&public));
	assert_int_equal(ssh_key_public("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", &public,
				 &error),
		-EBADMSG);
	assert_int_equal(ssh_key_public("", &public, &error), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cheapest_that_fits_comes_first),
		cmocka_unit_test(the_administrator_replaces_the_table),
		cmocka_unit_test(wrong_types_are_refused),
		cmocka_unit_test(images_come_from_the_policy_first),
		cmocka_unit_test(the_script_is_one_that_a_shell_takes),
		cmocka_unit_test(a_script_that_is_too_long_is_refused),
		cmocka_unit_test(events_are_read),
		cmocka_unit_test(openssh_takes_our_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
