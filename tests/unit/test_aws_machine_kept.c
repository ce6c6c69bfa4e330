/* SPDX-License-Identifier: Apache-2.0 */
/* A host's machine as it is kept: its root disk, which may grow and never shrinks, and what is
 * known of it by its id, whatever became of its tags. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "machine_fixture.h"

#define MACHINE(tags)                                                                              \
	"<item><instanceId>i-1</instanceId><instanceState><name>running</name></instanceState>"    \
	"<instanceType>t3.micro</instanceType><privateIpAddress>10.0.0.1</privateIpAddress>"       \
	"<rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>"         \
	"/dev/xvda</deviceName><ebs><volumeId>vol-1</volumeId></ebs></item></blockDeviceMapping>"  \
	"<tagSet>" tags "</tagSet></item>"
#define LIST(item)                                                                                 \
	"<r><reservationSet><item><instancesSet>" item "</instancesSet></item></reservationSet></" \
	"r>"
#define OURS     TAG("duplo.platform", "p") TAG("duplo.host-id", "3") TAG("duplo.token", "p-3-1")
#define SHOWN    LIST(MACHINE(OURS))
#define STRIPPED LIST(MACHINE(""))
#define VOLUME(gib)                                                                                \
	"<r><volumeSet><item><volumeId>vol-1</volumeId><size>" gib "</size></item></volumeSet></"  \
	"r>"
#define MADE "<r><instancesSet>" MACHINE(OURS) "</instancesSet></r>"
#define FINE "<r><return>true</return></r>"
#define DENIED                                                                                     \
	"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You may not. "        \
	"Encoded authorization failure message: abc123</Message></Error></Errors>"                 \
	"<RequestID>77-88</RequestID></Response>"
#define TOO_OFTEN                                                                                  \
	"<Response><Errors><Error><Code>VolumeModificationRateExceeded</Code><Message>m</Message>" \
	"</Error></Errors></Response>"

/* One that was listed, with a disk of 20 GiB. */
static void know(struct machine_state *ret)
{
	const struct aws_peer_answer answers[] = {{.body = SHOWN}, {.body = VOLUME("20")}};

	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), ret), 0);
}

static bool was_asked(size_t number, const char *text)
{
	return strstr(buf_string(&fixture.peer.requests[number]), text) != NULL;
}

static void its_disk_is_asked_for(void **state)
{
	const struct aws_peer_answer answers[] = {
		{.body = NONE}, {.body = IMAGE}, {.body = GROUP}, {.body = MADE}};
	struct machine_state machine;

	(void)state;
	fixture.wanted.disk_gib = 20;
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
	assert_true(was_asked(3, "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda"));
	assert_true(was_asked(3, "BlockDeviceMapping.1.Ebs.VolumeSize=20"));
	assert_true(was_asked(3, "BlockDeviceMapping.1.Ebs.VolumeType=gp3"));
	assert_true(was_asked(3, "BlockDeviceMapping.1.Ebs.Encrypted=true"));
	assert_true(was_asked(3, "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true"));
	assert_int_equal(machine.disk_gib, 20);
	assert_string_equal(machine.id, "i-1");
	assert_int_equal(machine.charge_count, 2);
	assert_string_equal(machine.charges[0].sku, "ec2/t3.micro");
	assert_string_equal(machine.charges[1].sku, "ebs/gp3-gib");
	assert_int_equal(machine.charges[1].quantity, 20);
}

static void without_a_size_it_is_as_large_as_its_image(void **state)
{
	const struct aws_peer_answer answers[] = {
		{.body = NONE}, {.body = IMAGE}, {.body = GROUP}, {.body = MADE}};
	struct machine_state machine;

	(void)state;
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
	assert_true(was_asked(3, "BlockDeviceMapping.1.Ebs.VolumeSize=8"));
	assert_int_equal(machine.disk_gib, 8);
}

static void it_is_not_smaller_than_its_image(void **state)
{
	const struct aws_peer_answer answers[] = {{.body = NONE}, {.body = IMAGE}};
	struct machine_state machine;

	(void)state;
	fixture.wanted.disk_gib = 7;
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), -EINVAL);
	assert_string_equal(fixture.error.text,
		"DiskGiB: the image ami-0a needs 8 GiB at least, and not 7");
}

static void a_disk_grows(void **state)
{
	const struct aws_peer_answer answers[] = {{.body = FINE}};
	struct machine_state machine;

	(void)state;
	fixture.wanted.disk_gib = 20;
	know(&machine);
	assert_int_equal(machine.disk_gib, 20);
	assert_string_equal(machine.done, "");
	fixture.wanted.disk_gib = 30;
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
	assert_true(was_asked(0, "Action=ModifyVolume"));
	assert_true(was_asked(0, "VolumeId=vol-1"));
	assert_true(was_asked(0, "Size=30"));
	assert_string_equal(machine.done, "its disk is enlarged from 20 to 30 GiB");
	assert_int_equal(machine.disk_gib, 30);
	assert_int_equal(machine.charges[1].quantity, 30);
	assert_int_equal(machine_ensure(NULL, 0, &machine), 0);
	assert_int_equal(fixture.peer.request_count, 0);
	assert_int_equal(machine.charges[1].quantity, 30);
}

static void a_disk_that_cannot_grow_now_is_said(void **state)
{
	const struct aws_peer_answer answers[] = {{.status = 400, .body = TOO_OFTEN}};
	struct machine_state machine;

	(void)state;
	know(&machine);
	fixture.wanted.disk_gib = 30;
	for (int i = 0; i < 2; i++) { /* asked for once only */
		assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
		assert_int_equal(fixture.peer.request_count, i == 0 ? 1 : 0);
		assert_true(machine.there);
		assert_non_null(strstr(machine.warning,
			"its disk stays at 20 of 30 GiB for now: "));
		assert_non_null(strstr(machine.warning, "VolumeModificationRateExceeded"));
	}
}

static void a_spot_machine_is_one_whoever_wanted_it(void **state)
{
	const struct aws_peer_answer answers[] = {
		{.body = LIST("<item><instanceId>i-1</instanceId><instanceLifecycle>spot"
			      "</instanceLifecycle><instanceState><name>running</name>"
			      "</instanceState><tagSet>" OURS "</tagSet></item>")}};
	struct machine_state machine;

	(void)state;
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
	assert_true(machine.spot);
}

static void no_disk_shrinks(void **state)
{
	struct machine_state machine;

	(void)state;
	know(&machine);
	fixture.wanted.disk_gib = 10;
	assert_int_equal(machine_ensure(NULL, 0, &machine), 0);
	assert_int_equal(fixture.peer.request_count, 0);
	assert_string_equal(machine.warning,
		"its disk has 20 GiB, more than the 10 asked for, and no disk shrinks: write "
		"\"DiskGiB\":20, or add another host, then remove this one");
}

/* After a start: the list by tags does not show it, its id is in the journal. */
static void one_without_tags_is_known_by_its_id(void **state)
{
	const struct aws_peer_answer answers[] = {
		{.body = NONE}, {.body = STRIPPED}, {.body = VOLUME("20")}, {.body = FINE}};
	struct machine_state machine;

	(void)state;
	fixture.wanted.known = "i-1";
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
	assert_int_equal(fixture.peer.request_count, 4);
	assert_true(was_asked(1, "Filter.1.Name=instance-id&Filter.1.Value.1=i-1"));
	assert_true(was_asked(3, "Action=CreateTags"));
	assert_true(was_asked(3, "ResourceId.1=i-1&ResourceId.2=vol-1"));
	assert_true(was_asked(3, "duplo.token&"));
	assert_true(machine.there);
	assert_string_equal(machine.id, "i-1");
	assert_string_equal(machine.done,
		"somebody took tags of its machine away at AWS: they are put back");
}

/* A later list that does not show it is asked about it by its id. */
static void one_that_loses_its_tags_is_not_lost(void **state)
{
	const struct aws_peer_answer looks[] = {
		{.body = NONE}, {.body = STRIPPED}, {.body = VOLUME("20")}};
	const struct aws_peer_answer answers[] = {{.body = FINE}};
	struct machine_row rows[MACHINES_OF_HOST];
	struct machine_state machine;

	(void)state;
	know(&machine);
	aws_peer_tell(&fixture.peer, looks, ARRAY_SIZE(looks));
	assert_int_equal(machine_table_look(&fixture.table, &fixture.account, 0, &fixture.error),
		0);
	assert_int_equal(machine_table_of(&fixture.table, 3, rows), 1);
	assert_true(rows[0].stripped);
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
	assert_true(was_asked(0, "Action=CreateTags"));
	assert_int_equal(machine_table_of(&fixture.table, 3, rows), 1);
	assert_false(rows[0].stripped);
}

/* One whose token alone is gone would look like one of a former token. */
static void one_without_its_token_is_not_terminated(void **state)
{
	const struct aws_peer_answer answers[] = {
		{.body = LIST(MACHINE(TAG("duplo.platform", "p") TAG("duplo.host-id", "3")))},
		{.body = VOLUME("20")}, {.body = FINE}};
	struct machine_state machine;

	(void)state;
	fixture.wanted.known = "i-1";
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
	assert_int_equal(fixture.peer.request_count, 3);
	assert_true(was_asked(2, "Action=CreateTags"));
	assert_true(machine.there);
}

/* It serves, and is not terminated before the tag says, too, that it is ours. */
static void what_cannot_be_tagged_is_told_and_left(void **state)
{
	const struct aws_peer_answer answers[] = {{.body = NONE}, {.body = STRIPPED},
		{.body = VOLUME("20")}, {.status = 403, .body = DENIED}};
	const struct aws_peer_answer allowed[] = {
		{.body = NONE}, {.body = STRIPPED}, {.body = FINE}, {.body = FINE}};
	struct machine_state machine;

	(void)state;
	fixture.wanted.known = "i-1";
	assert_int_equal(machine_ensure(answers, ARRAY_SIZE(answers), &machine), 0);
	assert_true(machine.there);
	assert_non_null(strstr(machine.warning,
		"its machine's tags were taken away, and cannot be put back: AWS ec2 CreateTags: "
		"UnauthorizedOperation: You may not."));
	assert_null(strstr(machine.warning, "abc123"));
	assert_int_equal(machine_ensure(NULL, 0, &machine), 0);
	assert_int_equal(fixture.peer.request_count, 0); /* asked once a look */
	assert_int_equal(machine_remove(NULL, 0), -EEXIST);
	assert_int_equal(fixture.peer.request_count, 0);
	assert_int_equal(strncmp(fixture.error.text, "its machine i-1 runs on and is paid", 35), 0);

	machine_table_doubt(&fixture.table);
	assert_int_equal(machine_remove(allowed, ARRAY_SIZE(allowed)), -EAGAIN);
	assert_int_equal(fixture.peer.request_count, 4);
	assert_true(was_asked(2, "Action=CreateTags"));
	assert_true(was_asked(3, "Action=TerminateInstances"));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, machine_begin, machine_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(its_disk_is_asked_for),
		EACH(without_a_size_it_is_as_large_as_its_image),
		EACH(it_is_not_smaller_than_its_image),
		EACH(a_disk_grows),
		EACH(a_disk_that_cannot_grow_now_is_said),
		EACH(a_spot_machine_is_one_whoever_wanted_it),
		EACH(no_disk_shrinks),
		EACH(one_without_tags_is_known_by_its_id),
		EACH(one_that_loses_its_tags_is_not_lost),
		EACH(one_without_its_token_is_not_terminated),
		EACH(what_cannot_be_tagged_is_told_and_left),
	};

	return cmocka_run_group_tests(tests, machine_set_up, machine_tear_down);
}
