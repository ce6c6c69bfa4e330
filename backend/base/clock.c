/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

static int64_t clock_read_ns(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

struct timespec clock_timespec(int64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / NS_PER_SECOND),
		.tv_nsec = (long)(ns % NS_PER_SECOND),
	};

	return ts;
}

int64_t clock_of_timespec(const struct timespec *when)
{
	return when->tv_sec * NS_PER_SECOND + when->tv_nsec;
}

void clock_format_utc(int64_t wall_ns, char *text, size_t size)
{
	time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
	struct tm utc;

	if (size == 0)
		return;
	text[0] = '\0';
	if (gmtime_r(&seconds, &utc))
		(void)strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
