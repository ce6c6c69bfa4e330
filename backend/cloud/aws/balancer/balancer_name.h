/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_name - what load balancers, target groups and their security groups are called.
 * Promises: a service always has the same name and no two have the same; 32 characters, which is
 *           all that ELBv2 allows. Tags tell people whose it is.
 * Threads: pure.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_NAME_H
#define DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_NAME_H

#include <stdbool.h>
#include <stdint.h>

#define BALANCER_NAME_SIZE 33

/* "duplofs-<platform>-<id of the service in base 36>". */
void balancer_name(const char *platform, int64_t service, char ret[BALANCER_NAME_SIZE]);

/* The service of a name; false: it is none of this platform's. */
bool balancer_name_parse(const char *name, const char *platform, int64_t *ret_service);

#endif
