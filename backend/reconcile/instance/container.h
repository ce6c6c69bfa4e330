/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container - what the container of an instance should be, from its service's spec.
 * Promises: the same input gives the same container; names are unique to platform, instance,
 *           template and restart. No I/O.
 * Threads: any; plain values.
 * Ownership: container_plan_done frees; the spec inside points into the plan and its sources.
 */
#ifndef DUPLOFS_RECONCILE_INSTANCE_CONTAINER_H
#define DUPLOFS_RECONCILE_INSTANCE_CONTAINER_H

#include "engine/engine.h"
#include "model/instance.h"
#include "model/service.h"

struct container_source {
	const char *platform;
	const char *tenant, *service; /* names */
	int64_t tenant_id, service_id, instance_id;
	const struct instance_spec *instance;
	const struct service_spec *spec; /* of the instance's template generation */
	const char *network;
	const char *view_dir; /* NULL: no view */
	const char *host_address;
};

struct container_plan {
	struct container_spec spec;
	char name[160], hostname[64], alias[140];
	char generation[24], instance[24], ordinal[24];
	struct label labels[6];
	const char *aliases[3];
	char **environment; /* owned, as volumes */
	char **volumes;
};

/* "<tenant>-<service>-<ordinal>-<template generation>-<6 hex digits>" */
void container_name(const char *platform, const char *tenant, const char *service,
	int64_t instance_id, const struct instance_spec *instance, char *name, size_t size);

/* The engine's name of a tenant's volume: "duplo-<platform>-<tenant id>-<name>". */
void container_volume_name(const char *platform, int64_t tenant_id, const char *volume, size_t len,
	char *name, size_t size);

int container_plan_make(struct container_plan *plan, const struct container_source *source,
	struct error *reterr);
void container_plan_done(struct container_plan *plan);
#define _cleanup_container_plan_ __attribute__((cleanup(container_plan_done)))

#endif
