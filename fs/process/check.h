/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - what this machine lacks for running a platform, and which Debian package brings it.
 * Promises: changes nothing and works without root.
 * Threads: none.
 * Ownership: nothing is kept.
 */
#ifndef DUPLOFS_FS_PROCESS_CHECK_H
#define DUPLOFS_FS_PROCESS_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "fs/process/options.h"

/* Prints a line for each thing that a platform with these options needs; true: nothing is
 * missing. */
bool check(const struct options *options, FILE *out);

#endif
