/* SPDX-License-Identifier: Apache-2.0 */
#include "model/machine_type.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/policy.h"

#define MIB_PER_GIB      1024
#define MEMORY_LEAST_MIB 1024 /* less does not run Docker and a container */
#define CPU_MAX          1024
#define MEMORY_GIB_MAX   32768
#define PRICE_NANO_MAX   (INT64_C(1000000) * 1000000000)
#define NANO_PER_MILLI   1000000

#define ROW(type, cpus, mib, price) {type, cpus, mib, price},

static const struct {
	const char *name;
	int64_t cpus, mib;
	const char *price;
} shipped[] = {MACHINE_TYPES(ROW)};

bool machine_type_shipped(size_t index, struct machine_type *ret)
{
	if (index >= ARRAY_SIZE(shipped))
		return false;
	*ret = (struct machine_type){
		.cpu_milli = shipped[index].cpus * 1000, .memory_mib = shipped[index].mib};
	(void)text_copy(ret->name, sizeof(ret->name), shipped[index].name);
	return text_parse_nano(shipped[index].price, PRICE_NANO_MAX, &ret->price_nano) == 0;
}

size_t machine_types_known(const struct policy *policy, struct machine_type ret[MACHINE_TYPES_MAX])
{
	const char *text;
	size_t count = 0;

	for (size_t i = 0; policy && count < MACHINE_TYPES_MAX &&
			   (text = policy_item(policy, "machine_types", i));
		i++)
		count += machine_type_parse(text, &ret[count], NULL) == 0;
	if (count > 0)
		return count;
	while (count < MACHINE_TYPES_MAX && machine_type_shipped(count, &ret[count]))
		count++;
	return count;
}

/* Takes the text before the next colon, or the rest. False: there is none, or it is too long. */
static bool take_part(const char **text, char *part, size_t size)
{
	size_t len = strcspn(*text, ":");

	if (len == 0 || len >= size)
		return false;
	memcpy(part, *text, len);
	part[len] = '\0';
	*text += len;
	if (**text == ':')
		return *++*text != '\0';
	return true;
}

static bool parse_parts(const char *text, struct machine_type *ret)
{
	char part[MACHINE_TYPE_NAME];
	int64_t cpu_nano, memory_nano;

	if (!take_part(&text, ret->name, sizeof(ret->name)) ||
		!take_part(&text, part, sizeof(part)) ||
		text_parse_nano(part, CPU_MAX * INT64_C(1000000000), &cpu_nano) < 0 ||
		!take_part(&text, part, sizeof(part)) ||
		text_parse_nano(part, MEMORY_GIB_MAX * INT64_C(1000000000), &memory_nano) < 0)
		return false;
	ret->cpu_milli = cpu_nano / NANO_PER_MILLI;
	ret->memory_mib = memory_nano / NANO_PER_MILLI * MIB_PER_GIB / 1000;
	return ret->cpu_milli > 0 && ret->memory_mib > 0 && take_part(&text, part, sizeof(part)) &&
	       !*text && text_parse_nano(part, PRICE_NANO_MAX, &ret->price_nano) == 0;
}

int machine_type_parse(const char *text, struct machine_type *ret, struct error *reterr)
{
	struct machine_type type = {0};

	if (!parse_parts(text, &type))
		return error_set(reterr, -EINVAL,
			"\"%.80s\" is no type of machine: name, CPUs, GiB and price of an hour, "
			"such as m5.large:2:8:0.096",
			text);
	*ret = type;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct machine_type *left = a, *right = b;

	if (left->price_nano != right->price_nano)
		return left->price_nano < right->price_nano ? -1 : 1;
	if (left->memory_mib != right->memory_mib)
		return left->memory_mib > right->memory_mib ? -1 : 1;
	return strcmp(left->name, right->name);
}

size_t machine_type_choose(const struct machine_type *types, size_t count, int64_t cpu_milli,
	int64_t memory_mib, struct machine_type *ret, size_t max)
{
	size_t chosen = 0;

	if (memory_mib < MEMORY_LEAST_MIB)
		memory_mib = MEMORY_LEAST_MIB;
	for (size_t i = 0; i < count; i++) {
		if (types[i].cpu_milli < cpu_milli || types[i].memory_mib < memory_mib)
			continue;
		if (chosen == max && compare(&types[i], &ret[max - 1]) >= 0)
			continue;
		if (chosen < max)
			chosen++;
		ret[chosen - 1] = types[i];
		qsort(ret, chosen, sizeof(*ret), compare);
	}
	return chosen;
}
