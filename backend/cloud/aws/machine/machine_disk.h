/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_disk - root disks of hosts: how large they are, and how one gets larger.
 * Promises: many are asked for in one call; a disk never shrinks.
 * Threads: any; the table is locked for moments only.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_DISK_H
#define DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_DISK_H

#include "cloud/aws/machine/machine_table.h"
#include "cloud/cloud.h"

/* How large their disks are, into the rows; one that AWS does not show, or whose disks it does not
 * let be looked at, stays as it is. */
int machine_disks_ask(const struct account *account, struct machine_row **rows, size_t count,
	struct error *reterr);

/* Brings the disk of a machine that runs to what is wanted, in row and table, and says in ret what
 * was done, and what keeps it from being so. Not having it larger is no failure of the machine. */
int machine_disk_settle(struct machine_table *table, const struct account *account,
	struct machine_row *row, const struct machine *wanted, struct machine_state *ret,
	struct error *reterr);

#endif
