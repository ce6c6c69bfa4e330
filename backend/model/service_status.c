/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service_status.h"

#include "model/record.h"

static const char *const service_phases[] = {
	[SERVICE_NEW] = "new",
	[SERVICE_DEPLOYING] = "deploying",
	[SERVICE_RUNNING] = "running",
	[SERVICE_DEGRADED] = "degraded",
	[SERVICE_FAILED] = "failed",
	[SERVICE_PAUSED] = "paused",
	[SERVICE_ROLLING_BACK] = "rolling back",
	[SERVICE_DELETING] = "deleting",
	NULL,
};

#define STATUS(member)                                                                             \
	offsetof(struct service_status, member), sizeof(((struct service_status *)0)->member)
static const struct record_member service_status_members[] = {
	{"Phase", RECORD_WORD, STATUS(phase), service_phases},
	{"Replicas", RECORD_INT, STATUS(replicas), NULL},
	{"Total", RECORD_INT, STATUS(total), NULL},
	{"Updated", RECORD_INT, STATUS(updated), NULL},
	{"Healthy", RECORD_INT, STATUS(healthy), NULL},
	{"Generation", RECORD_INT, STATUS(generation), NULL},
	{"StepNs", RECORD_INT, STATUS(step_ns), NULL},
	{"TemplateGeneration", RECORD_INT, STATUS(template_generation), NULL},
	{"GoodGeneration", RECORD_INT, STATUS(good_generation), NULL},
	{"GoodTemplate", RECORD_INT, STATUS(good_template), NULL},
	{"Domains", RECORD_INT, STATUS(domains), NULL},
	{"Domain", RECORD_INT, STATUS(domain), NULL},
	{"Paused", RECORD_BOOL, STATUS(paused), NULL},
	{"Restart", RECORD_INT, STATUS(restart), NULL},
	{"LBSlot", RECORD_INT, STATUS(lb_slot), NULL},
	{"LBAddress", RECORD_TEXT, STATUS(lb_address), NULL},
	{"LBPort", RECORD_INT, STATUS(lb_port), NULL},
	{"TLS", RECORD_BOOL, STATUS(tls), NULL},
	{"DNS", RECORD_TEXT, STATUS(dns), NULL},
	{"DockerImage", RECORD_TEXT, STATUS(image), NULL},
	{"Message", RECORD_TEXT, STATUS(message), NULL},
	{NULL, RECORD_INT, 0, 0, NULL},
};

const char *service_phase_name(enum service_phase phase)
{
	return service_phases[phase];
}

void service_status_print(const struct service_status *status, struct buf *out)
{
	record_print(service_status_members, status, out);
}

int service_status_parse(const char *json, struct service_status *ret)
{
	return record_parse(service_status_members, json, ret, sizeof(*ret));
}
