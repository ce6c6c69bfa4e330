/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - the two clocks: one that only grows, for deadlines; one that people read, for records.
 * Promises: never fails. Deadlines are monotonic nanoseconds; CLOCK_FOREVER never comes.
 * Threads: any.
 * Ownership: values only.
 */
#ifndef DUPLOFS_BASE_CLOCK_H
#define DUPLOFS_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND      INT64_C(1000000000)
#define NS_PER_MILLISECOND INT64_C(1000000)
#define CLOCK_FOREVER      INT64_MAX

/* CLOCK_MONOTONIC in nanoseconds: for deadlines and durations. */
int64_t clock_now_ns(void);

/* CLOCK_REALTIME in nanoseconds since 1970: for what people read and for file times. */
int64_t clock_wall_ns(void);

struct timespec clock_timespec(int64_t ns);
int64_t clock_of_timespec(const struct timespec *when);

/* Writes "2026-11-23T02:30:00Z" for wall_ns into text (size at least 21). */
void clock_format_utc(int64_t wall_ns, char *text, size_t size);

#endif
