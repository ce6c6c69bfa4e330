/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/money.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/cleanup.h"
#include "base/text.h"

#define PLACES       9
#define ON_STACK     64
#define PRODUCT_BITS 126

int money_parse(const char *text, int64_t *ret_nano)
{
	return text_parse_nano(text, MONEY_MAX, ret_nano);
}

/* Digits beyond the ninth place round the last one kept. */
static int parse_long(const char *text, int64_t *ret_nano)
{
	char kept[64];
	const char *point = strchr(text, '.');
	size_t len = strlen(text), keep = point ? (size_t)(point - text) + 1 + PLACES : len;
	bool up = keep < len && text[keep] >= '5';
	int r;

	if (len >= sizeof(kept) || strspn(text, "0123456789.") != len)
		return -EINVAL;
	(void)snprintf(kept, sizeof(kept), "%.*s", (int)(keep < len ? keep : len), text);
	r = money_parse(kept, ret_nano);
	*ret_nano += r == 0 && up;
	return r;
}

int money_parse_amount(const char *text, int64_t *ret_nano)
{
	bool negative = *text == '-';
	char plain[64];
	int64_t nano = 0;
	int r;

	text += negative;
	if (strpbrk(text, "eE")) {
		char *end;
		double value = strtod(text, &end);

		if (*end || !isdigit((unsigned char)*text) || value > 1e9)
			return -EINVAL;
		(void)snprintf(plain, sizeof(plain), "%.12f", value);
		text = plain;
	}
	r = parse_long(text, &nano);
	if (r == 0)
		*ret_nano = negative ? -nano : nano;
	return r;
}

/* At least so many digits. By hand: a month has tens of thousands of amounts. */
static void print_digits(struct buf *out, uint64_t value, int least)
{
	char text[24];
	size_t at = sizeof(text);

	for (; value > 0 || least > 0; value /= 10, least--)
		text[--at] = (char)('0' + value % 10);
	buf_add(out, text + at, sizeof(text) - at);
}

void money_print(struct buf *out, int64_t nano, int places)
{
	uint64_t value = nano < 0 ? -(uint64_t)nano : (uint64_t)nano;
	uint64_t unit = 1, one = 1;

	for (int i = places; i < PLACES; i++)
		unit *= 10;
	for (int i = 0; i < places; i++)
		one *= 10;
	value = (value + unit / 2) / unit;
	if (nano < 0 && value > 0)
		buf_putc(out, '-');
	print_digits(out, value / one, 1);
	if (places > 0) {
		buf_putc(out, '.');
		print_digits(out, value % one, places);
	}
}

void money_print_exact(struct buf *out, int64_t nano, int places)
{
	int64_t unit = 1;

	for (int i = places; i < PLACES; i++)
		unit *= 10;
	for (; nano % unit != 0; unit /= 10)
		places++;
	money_print(out, nano, places);
}

int64_t money_times(int64_t nano, int64_t quantity)
{
	weight product = weight_of(nano) * weight_of(quantity > 0 ? quantity : 1);

	return product < weight_of(MONEY_HOUR_MAX) ? (int64_t)product : MONEY_HOUR_MAX;
}

int64_t money_cost(int64_t nano_per_hour, int64_t start_ns, int64_t end_ns)
{
	weight rate = weight_of(nano_per_hour);

	if (end_ns <= start_ns)
		return 0;
	return (int64_t)(rate * weight_of(end_ns) / CALENDAR_HOUR_NS -
			 rate * weight_of(start_ns) / CALENDAR_HOUR_NS);
}

static int bits(weight value)
{
	int count = 0;

	for (; value > 0; value >>= 1)
		count++;
	return count;
}

struct part {
	weight remainder;
	size_t index;
};

/* Whether a comes before b: the largest remainder first; of equal ones the first. */
static bool comes_before(const struct part *a, const struct part *b)
{
	return a->remainder != b->remainder ? a->remainder > b->remainder : a->index < b->index;
}

static void swap(struct part *a, struct part *b)
{
	struct part kept = *a;

	*a = *b;
	*b = kept;
}

/* Brings the first so many (fewer than count) of an order to the front, themselves in none
 * (Hoare's selection: the pivot is the middle one). */
static void select_first(struct part *parts, size_t count, size_t first)
{
	size_t low = 0, high = count;

	while (high - low > 1) {
		size_t split = low;

		swap(&parts[low + (high - low) / 2], &parts[high - 1]);
		for (size_t i = low; i < high - 1; i++)
			if (comes_before(&parts[i], &parts[high - 1]))
				swap(&parts[i], &parts[split++]);
		swap(&parts[split], &parts[high - 1]);
		if (split == first)
			return;
		if (split < first)
			low = split + 1;
		else
			high = split;
	}
}

static void share(int64_t total, const weight *weights, size_t count, int64_t *shares,
	struct part *parts)
{
	weight largest = 0, sum = 0;
	int64_t rest = total;
	int shift;

	for (size_t i = 0; i < count; i++)
		largest = weights[i] > largest ? weights[i] : largest;
	/* Neither the sum nor a product may overflow. */
	shift = bits(largest) + bits(count) + bits(weight_of(total)) - PRODUCT_BITS;
	shift = shift > 0 ? shift : 0;
	for (size_t i = 0; i < count; i++)
		sum += weights[i] >> shift;
	for (size_t i = 0; i < count; i++) {
		weight product = weight_of(total) * (weights[i] >> shift);
		weight whole = sum ? product / sum : 0;

		shares[i] = (int64_t)whole;
		parts[i] = (struct part){product - whole * sum, i};
		rest -= shares[i];
	}
	if (sum == 0) {
		shares[count - 1] = total;
		return;
	}
	/* What is left is less than a unit each. */
	select_first(parts, count, (size_t)rest);
	for (size_t i = 0; i < count && rest > 0; i++, rest--)
		shares[parts[i].index]++;
}

int money_share(int64_t total, const weight *weights, size_t count, int64_t *ret_shares)
{
	struct part parts[ON_STACK];
	_cleanup_free_ struct part *more = NULL;

	if (count == 0)
		return 0;
	if (count <= ON_STACK) {
		share(total, weights, count, ret_shares, parts);
		return 0;
	}
	more = calloc(count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	share(total, weights, count, ret_shares, more);
	return 0;
}
