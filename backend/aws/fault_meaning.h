/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_meaning - what a code means of one action that it does not mean of others. Most rows are of
 *                 requests that refer to something of another service which was made seconds ago,
 *                 and which each service refuses in its own words as long as it does not know it.
 * Promises: constant time. What an administrator wrote and got wrong may be refused in the same
 *           words: who knows the policy looks whether AWS names it (account_judge).
 * Threads: no state.
 * Ownership: plain values.
 */
#ifndef DUPLOFS_AWS_FAULT_MEANING_H
#define DUPLOFS_AWS_FAULT_MEANING_H

#include "aws/fault.h"

/* The kind that the fault is of when this action meets it: fault->kind unless a row says else. */
enum fault_kind fault_meaning(const struct fault *fault, const struct aws_action *action);

#endif
