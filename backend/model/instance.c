/* SPDX-License-Identifier: Apache-2.0 */
#include "model/instance.h"

#include "model/record.h"

static const char *const instance_phases[] = {
	[INSTANCE_PENDING] = "pending",
	[INSTANCE_PULLING] = "pulling",
	[INSTANCE_CREATING] = "creating",
	[INSTANCE_STARTING] = "starting",
	[INSTANCE_HEALTHY] = "healthy",
	[INSTANCE_UNHEALTHY] = "unhealthy",
	[INSTANCE_CRASHED] = "crashed",
	[INSTANCE_FAILED] = "failed",
	[INSTANCE_DRAINING] = "draining",
	[INSTANCE_STOPPING] = "stopping",
	[INSTANCE_STOPPED] = "stopped",
	NULL,
};

#define SPEC(member)                                                                               \
	offsetof(struct instance_spec, member), sizeof(((struct instance_spec *)0)->member)
static const struct record_member instance_spec_members[] = {
	{"Ordinal", RECORD_INT, SPEC(ordinal), NULL},
	{"TemplateGeneration", RECORD_INT, SPEC(template_generation), NULL},
	{"Host", RECORD_TEXT, SPEC(host), NULL},
	{"HostId", RECORD_INT, SPEC(host_id), NULL},
	{"HostPort", RECORD_INT, SPEC(host_port), NULL},
	{"CPUMilli", RECORD_INT, SPEC(cpu_milli), NULL},
	{"MemoryMiB", RECORD_INT, SPEC(memory_mib), NULL},
	{"Run", RECORD_BOOL, SPEC(run), NULL},
	{"Join", RECORD_BOOL, SPEC(join), NULL},
	{"Restart", RECORD_INT, SPEC(restart), NULL},
	{NULL, RECORD_INT, 0, 0, NULL},
};

#define STATUS(member)                                                                             \
	offsetof(struct instance_status, member), sizeof(((struct instance_status *)0)->member)
static const struct record_member instance_status_members[] = {
	{"Phase", RECORD_WORD, STATUS(phase), instance_phases},
	{"TemplateGeneration", RECORD_INT, STATUS(template_generation), NULL},
	{"Restart", RECORD_INT, STATUS(restart), NULL},
	{"Container", RECORD_TEXT, STATUS(container), NULL},
	{"Address", RECORD_TEXT, STATUS(address), NULL},
	{"Port", RECORD_INT, STATUS(port), NULL},
	{"Restarts", RECORD_INT, STATUS(restarts), NULL},
	{"SinceNs", RECORD_INT, STATUS(since_ns), NULL},
	{"RetryNs", RECORD_INT, STATUS(retry_ns), NULL},
	{"ExitCode", RECORD_INT, STATUS(exit_code), NULL},
	{"Reason", RECORD_TEXT, STATUS(reason), NULL},
	{NULL, RECORD_INT, 0, 0, NULL},
};

const char *instance_phase_name(enum instance_phase phase)
{
	return instance_phases[phase];
}

void instance_spec_print(const struct instance_spec *spec, struct buf *out)
{
	record_print(instance_spec_members, spec, out);
}

int instance_spec_parse(const char *json, struct instance_spec *ret)
{
	return record_parse(instance_spec_members, json, ret, sizeof(*ret));
}

void instance_status_print(const struct instance_status *status, struct buf *out)
{
	record_print(instance_status_members, status, out);
}

int instance_status_parse(const char *json, struct instance_status *ret)
{
	return record_parse(instance_status_members, json, ret, sizeof(*ret));
}
