/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_fixture - an account before a peer that stands in for AWS, to ask for a host's machine.
 * Promises: one fixture a process; each ensure begins with what the peer was told last.
 * Threads: the test's own.
 * Ownership: machine_tear_down frees all of it.
 */
#ifndef DUPLOFS_TESTS_UNIT_MACHINE_FIXTURE_H
#define DUPLOFS_TESTS_UNIT_MACHINE_FIXTURE_H

#include "aws/client.h"
#include "aws_peer.h"
#include "cloud/aws/machine/machine.h"

#define NONE      "<r><reservationSet/></r>"
#define TAG(k, v) "<item><key>" k "</key><value>" v "</value></item>"
#define GROUP                                                                                      \
	"<r><securityGroupInfo><item><groupId>sg-1</groupId>"                                      \
	"<groupName>duplofs-p-demo-2</groupName><tagSet>" TAG("duplo.platform", "p")               \
		TAG("duplo.tenant-id", "2") "</tagSet></item></securityGroupInfo></r>"
#define IMAGE                                                                                      \
	"<r><imagesSet><item><imageId>ami-0a</imageId><rootDeviceName>/dev/xvda</rootDeviceName>"  \
	"<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>8"           \
	"</volumeSize></ebs></item></blockDeviceMapping></item></imagesSet></r>"

extern struct machine_fixture {
	struct aws_peer peer;
	struct aws_client *client;
	struct account account;
	struct engine_keys *keys;
	struct machine_table table;
	struct machine wanted; /* host 3, h1 of tenant demo, under the token p-3-1 */
	char dir[32];
	struct error error;
} fixture;

/* For cmocka; the second pair, of each test, is a table that knows nothing. */
int machine_set_up(void **state);
int machine_tear_down(void **state);
int machine_begin(void **state);
int machine_end(void **state);

/* Asks for what is wanted, the peer having these answers. */
int machine_ensure(const struct aws_peer_answer *answers, size_t count, struct machine_state *ret);
/* Asks for its end. */
int machine_remove(const struct aws_peer_answer *answers, size_t count);

#endif
