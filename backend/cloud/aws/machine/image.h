/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - from the name of an operating system to the image that a machine starts from.
 * Promises: the policy's table comes first: an id, an owner's newest image of such a name, or a
 *           parameter of SSM; else the parameter in which who makes the system publishes its
 *           newest image. Asked once a minute at most.
 * Threads: any.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_MACHINE_IMAGE_H
#define DUPLOFS_CLOUD_AWS_MACHINE_IMAGE_H

#include "cloud/aws/account.h"

#define IMAGE_ID_MAX 64 /* what account_memo keeps */

/* os NULL: the policy's, else Debian 12. -EINVAL with the names that are known. */
int aws_image_find(struct account *account, const char *os, char ret[IMAGE_ID_MAX],
	struct error *reterr);

/* The policy's or the shipped word for it: an id, a parameter's name with a slash before it,
 * or an owner and a pattern of names with a slash between. Pure.
 * NULL: unknown. */
const char *aws_image_place(const struct policy *policy, const char *os);

/* The disk that a machine starts from. */
struct image_root {
	char device[32]; /* as the image names it */
	int64_t gib; /* that it needs at least */
};

/* -ENOENT: no such image is known here. */
int aws_image_root(struct account *account, const char *image, struct image_root *ret,
	struct error *reterr);

#endif
