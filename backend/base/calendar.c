/* SPDX-License-Identifier: Apache-2.0 */
#include "base/calendar.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define YEAR_MIN 1970
#define YEAR_MAX 2200

/* Days since 1970-01-01 (the algorithm of H. Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms": years that begin in March, eras of 400 years). */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = y / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int *year, int *month)
{
	int64_t z = days + 719468;
	int64_t era = z / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;

	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static struct calendar_month month_make(int year, int month)
{
	int64_t first = days_from_civil(year, month, 1);
	int64_t next =
		month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1);

	return (struct calendar_month){
		.year = year,
		.month = month,
		.start_ns = first * CALENDAR_DAY_NS,
		.end_ns = next * CALENDAR_DAY_NS,
		.days = (int)(next - first),
	};
}

struct calendar_month calendar_month_of(int64_t ns)
{
	int year, month;

	civil_from_days((ns > 0 ? ns : 0) / CALENDAR_DAY_NS, &year, &month);
	return month_make(year, month);
}

/* count digits at *at, which moves behind them. */
static bool digits(const char **at, int count, int min, int max, int *ret)
{
	int value = 0;

	for (int i = 0; i < count; i++, (*at)++) {
		if (!isdigit((unsigned char)**at))
			return false;
		value = value * 10 + (**at - '0');
	}
	*ret = value;
	return value >= min && value <= max;
}

static bool literal(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

int calendar_month_parse(const char *text, struct calendar_month *ret)
{
	int year, month;

	if (!digits(&text, 4, YEAR_MIN, YEAR_MAX, &year) || !literal(&text, '-') ||
		!digits(&text, 2, 1, 12, &month) || *text)
		return -EINVAL;
	*ret = month_make(year, month);
	return 0;
}

int calendar_time_parse(const char *text, int64_t *ret_ns)
{
	int year, month, day, hour = 0, minute = 0, second = 0;

	if (!digits(&text, 4, YEAR_MIN, YEAR_MAX, &year) || !literal(&text, '-') ||
		!digits(&text, 2, 1, 12, &month) || !literal(&text, '-') ||
		!digits(&text, 2, 1, 31, &day) || day > month_make(year, month).days)
		return -EINVAL;
	if (*text &&
		(!literal(&text, 'T') || !digits(&text, 2, 0, 23, &hour) || !literal(&text, ':') ||
			!digits(&text, 2, 0, 59, &minute) || !literal(&text, ':') ||
			!digits(&text, 2, 0, 59, &second) || !literal(&text, 'Z') || *text))
		return -EINVAL;
	*ret_ns = (days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) *
		  INT64_C(1000000000);
	return 0;
}
