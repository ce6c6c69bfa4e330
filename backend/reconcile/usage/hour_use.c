/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/usage/hour_use.h"

#include <string.h>

#include "base/text.h"

void hour_use_look(struct hour_use *use, const char *container, int64_t hour, int64_t at_ns,
	int64_t cpu_ns, int64_t memory_mib)
{
	bool same = strcmp(use->container, container) == 0 && cpu_ns >= use->cpu_ns;

	if (use->hour != hour) {
		use->hour = hour;
		use->used_ns = use->elapsed_ns = use->memory_mib = use->looks = 0;
		use->told = false;
	}
	if (same) {
		use->used_ns += cpu_ns - use->cpu_ns;
		use->elapsed_ns += at_ns - use->at_ns;
	}
	use->at_ns = at_ns;
	use->cpu_ns = cpu_ns;
	use->memory_mib += memory_mib;
	use->looks++;
	(void)text_copy(use->container, sizeof(use->container), container);
}

int64_t hour_use_cpu_milli(const struct hour_use *use)
{
	int64_t elapsed_us = use->elapsed_ns / 1000;

	return elapsed_us > 0 ? use->used_ns / elapsed_us : 0;
}

int64_t hour_use_memory_mib(const struct hour_use *use)
{
	return use->looks > 0 ? (use->memory_mib + use->looks - 1) / use->looks : 0;
}
