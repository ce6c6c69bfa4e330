/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_subnet - address ranges for tenants' networks, when the engine's own pools (about 30
 *                 networks) are used up: 10.208.0.0/12 in 1024 ranges of 1022 hosts. Pure.
 * Promises: each try of one name gives another range; after DOCKER_SUBNETS all were given.
 * Threads: no state.
 * Ownership: plain values.
 */
#ifndef DUPLOFS_ENGINE_DOCKER_SUBNET_H
#define DUPLOFS_ENGINE_DOCKER_SUBNET_H

#include <stdbool.h>
#include <stddef.h>

#define DOCKER_SUBNETS 1024

/* The range of network name at the given try: "10.208.4.0/22". */
void docker_subnet_of(const char *name, unsigned try, char *subnet, size_t size);

/* True when no route of the host leads into subnet; routes as in /proc/net/route (proc_net(5)). */
bool docker_subnet_is_free(const char *subnet, const char *routes);

#endif
