/* SPDX-License-Identifier: Apache-2.0 */
#include "model/host.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "model/check.h"
#include "model/parser.h"
#include "model/record.h"

#define AT(member) offsetof(struct host_spec, member)

/* clang-format off */
const struct field host_fields[] = {
	{.name = "Name", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(name),
		.otherwise = "the directory's name",
		.help = "Must equal the directory's name when given; case does not matter."},
	{.name = "OS", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(os),
		.check = check_host, .otherwise = "the policy's",
		.help = "Operating system, such as debian-12."},
	{.name = "CPU", .type = FIELD_DECIMAL, .offset = AT(cpu_milli), .min = 0, .max = 1024000,
		.otherwise = "what the machine has",
		.help = "Cores that instances may reserve."},
	{.name = "MemoryGiB", .type = FIELD_DECIMAL, .offset = AT(memory_gib_milli), .min = 0,
		.max = 32768000, .otherwise = "what the machine has",
		.help = "Memory that instances may reserve."},
	{.name = "DiskGiB", .type = FIELD_INT, .offset = AT(disk_gib), .min = 1,
		.max = HOST_DISK_MAX_GIB, .otherwise = "the policy's, else as large as its image",
		.help = "Root disk, which may grow and never shrinks."},
	{.name = "Region", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(region),
		.check = check_host, .otherwise = "the policy's",
		.help = "Where it shall be, such as us-west-2."},
	{.name = "Spot", .type = FIELD_BOOL, .offset = AT(spot), .otherwise = "false",
		.help = "A cheaper machine that may be taken away at short notice."},
	{.name = "Tags", .type = FIELD_LIST, .flags = FIELD_NONE, .offset = AT(tags), .max = 64,
		.check = check_host, .otherwise = "none",
		.help = "Words by which a service's Hosts may prefer it."},
	{.name = "Schedulable", .type = FIELD_BOOL, .offset = AT(schedulable),
		.otherwise = "true", .help = "Takes new instances; false leaves those it has."},
	{.name = "Drain", .type = FIELD_BOOL, .offset = AT(drain), .otherwise = "false",
		.help = "Gives its instances to other hosts, and takes no new ones."},
	{.name = "Engine", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(engine),
		.check = check_engine, .otherwise = "a machine of the cloud's",
		.help = "A container engine that is there already, unix:///path, "
			"tcp://host:port, or tls://name@host:port, with the name in its "
			"certificate; the administrator alone sets it."},
	{.name = "Address", .type = FIELD_TEXT, .flags = FIELD_NONE, .offset = AT(address),
		.check = check_address, .otherwise = "as Engine says, else 127.0.0.1",
		.help = "IP address at which ports of such a host are reached; the administrator "
			"alone sets it."},
	{.name = NULL},
};
/* clang-format on */

static int defaults(void *base)
{
	struct host_spec *spec = base;

	spec->schedulable = true;
	return 0;
}

static int settle(const struct parser *parser, const json_t *object, const char *name, void *base)
{
	struct host_spec *spec = base;
	struct parser at = *parser;

	(void)object;
	at.field = "Address";
	if (spec->address && !spec->engine)
		return parser_refuse(&at, -EINVAL, "an address without an Engine means nothing");
	at.field = "DiskGiB";
	if (spec->disk_gib && spec->engine)
		return parser_refuse(&at, -EINVAL,
			"the machine of an Engine has the disk that it has: leave it out");
	return parser_check_name(parser, spec->name, name);
}

const struct spec_type host_type = {
	.title = "Host",
	.fields = host_fields,
	.size = sizeof(struct host_spec),
	.defaults = defaults,
	.settle = settle,
};

int host_spec_parse(const char *text, size_t len, const char *name, struct host_spec **ret,
	struct error *reterr)
{
	void *spec;
	int r = spec_parse(&host_type, text, len, name, &spec, reterr);

	if (r == 0)
		*ret = spec;
	return r;
}

void host_spec_free(struct host_spec *spec)
{
	spec_free(&host_type, spec);
}

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

bool host_spec_same_engine(const struct host_spec *a, const struct host_spec *b)
{
	return same(a ? a->engine : NULL, b ? b->engine : NULL) &&
	       same(a ? a->address : NULL, b ? b->address : NULL);
}

int host_spec_check_disk(const struct host_spec *before, const struct host_spec *after,
	int64_t disk_gib, struct error *reterr)
{
	if (after->disk_gib == 0 || after->disk_gib >= disk_gib ||
		(before && before->disk_gib == after->disk_gib))
		return 0;
	return error_set(reterr, -EINVAL,
		"DiskGiB: a disk can only grow, and this one has %" PRId64
		" GiB already: for a smaller one make another host, then remove this one",
		disk_gib);
}

static const char *const host_phases[] = {
	[HOST_NEW] = "new",
	[HOST_WAITING] = "waiting",
	[HOST_READY] = "ready",
	[HOST_AWAY] = "away",
	[HOST_DRAINING] = "draining",
	[HOST_DRAINED] = "drained",
	[HOST_FAILED] = "failed",
	NULL,
};

#define STATUS(member)                                                                             \
	offsetof(struct host_status, member), sizeof(((struct host_status *)0)->member)
static const struct record_member host_status_members[] = {
	{"Phase", RECORD_WORD, STATUS(phase), host_phases},
	{"Address", RECORD_TEXT, STATUS(address), NULL},
	{"Engine", RECORD_TEXT, STATUS(engine), NULL},
	{"Machine", RECORD_TEXT, STATUS(machine), NULL},
	{"CPUMilli", RECORD_INT, STATUS(cpu_milli), NULL},
	{"MemoryMiB", RECORD_INT, STATUS(memory_mib), NULL},
	{"CPUMilliReserved", RECORD_INT, STATUS(cpu_milli_reserved), NULL},
	{"MemoryMiBReserved", RECORD_INT, STATUS(memory_mib_reserved), NULL},
	{"DiskGiB", RECORD_INT, STATUS(disk_gib), NULL},
	{"Instances", RECORD_INT, STATUS(instances), NULL},
	{"SinceNs", RECORD_INT, STATUS(since_ns), NULL},
	{"Tries", RECORD_INT, STATUS(tries), NULL},
	{"TriedNs", RECORD_INT, STATUS(tried_ns), NULL},
	{"Message", RECORD_TEXT, STATUS(message), NULL},
	{"Warning", RECORD_TEXT, STATUS(warning), NULL},
	{NULL, RECORD_INT, 0, 0, NULL},
};

const char *host_phase_name(enum host_phase phase)
{
	return host_phases[phase];
}

void host_status_print(const struct host_status *status, struct buf *out)
{
	record_print(host_status_members, status, out);
}

int host_status_parse(const char *json, struct host_status *ret)
{
	return record_parse(host_status_members, json, ret, sizeof(*ret));
}
