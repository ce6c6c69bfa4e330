/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calendar - months, days and hours of UTC as nanoseconds since 1970.
 * Promises: the proleptic Gregorian calendar, leap years included; no locale, no time zone, no
 *           static state. Times before 1970 are no times.
 * Threads: any.
 * Ownership: values only.
 */
#ifndef DUPLOFS_BASE_CALENDAR_H
#define DUPLOFS_BASE_CALENDAR_H

#include <stdint.h>

#define CALENDAR_HOUR_NS (INT64_C(3600) * 1000000000)
#define CALENDAR_DAY_NS  (24 * CALENDAR_HOUR_NS)

struct calendar_month {
	int year, month; /* month from 1 */
	int64_t start_ns, end_ns; /* [start, end) */
	int days;
};

/* The month around a time. */
struct calendar_month calendar_month_of(int64_t ns);

/* "2026-11"; -EINVAL for anything else, years from 1970 to 2200. */
int calendar_month_parse(const char *text, struct calendar_month *ret);

/* "2026-11-26" or "2026-11-26T10:20:30Z"; -EINVAL. */
int calendar_time_parse(const char *text, int64_t *ret_ns);

#endif
