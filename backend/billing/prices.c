/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/prices.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "billing/money.h"
#include "model/json_syntax.h"
#include "store/store.h"

#define SKU_SIZE      64
#define REGION_SIZE   32
#define CURRENCY_SIZE 8

struct price {
	char sku[SKU_SIZE], region[REGION_SIZE];
	int64_t nano;
	int64_t from_ns; /* 0: always */
	bool shipped; /* counts only where the administrator's rows say nothing */
};

struct prices {
	char currency[CURRENCY_SIZE];
	int64_t identity;
	size_t count;
	struct price rows[]; /* by sku */
};

static int compare(const void *a, const void *b)
{
	const struct price *left = a, *right = b;

	return strcmp(left->sku, right->sku);
}

static size_t shipped_count(void)
{
	size_t count = 0;

	while (prices_shipped[count].sku)
		count++;
	return count;
}

/* In another currency those say nothing, but for what costs nothing. */
static void add_shipped(struct prices *prices)
{
	bool same = strcmp(prices->currency, PRICES_CURRENCY) == 0;

	for (const struct price_row *row = prices_shipped; row->sku; row++) {
		struct price *price = &prices->rows[prices->count];

		*price = (struct price){.shipped = true};
		(void)text_copy(price->sku, SKU_SIZE, row->sku);
		(void)text_copy(price->region, REGION_SIZE, row->region);
		(void)money_parse(row->price, &price->nano);
		if (same || price->nano == 0)
			prices->count++;
	}
}

/* A text, or a number as it was written. */
static int read_price(const json_t *value, int64_t *ret_nano)
{
	char text[32];
	int r;

	if (json_is_string(value))
		return money_parse(json_string_value(value), ret_nano);
	if (!json_is_number(value))
		return -EINVAL;
	(void)snprintf(text, sizeof(text), "%.9f", json_number_value(value));
	r = money_parse(text, ret_nano);
	return r == 0 && *ret_nano == 0 && json_number_value(value) > 0 ? -EINVAL : r;
}

/* A member that is a text, or is not there (then NULL). */
static int read_text(const json_t *object, const char *name, const char *where, const char **ret,
	struct error *reterr)
{
	const json_t *value = json_object_get(object, name);

	*ret = json_string_value(value);
	if (value && !*ret)
		return error_set(reterr, -EINVAL, "%s%s: a text in quotes is expected", where,
			name);
	return 0;
}

/* Names go into tables, whose columns are separated, and into labels. */
static bool is_name(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "._:/+-")] == '\0';
}

static int check_members(const json_t *object, const char *const *known, const char *where,
	struct error *reterr)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (known[i])
			continue;
		if (text_nearest(key, known))
			return error_set(reterr, -EINVAL,
				"%sunknown field \"%s\", did you mean \"%s\"?", where, key,
				text_nearest(key, known));
		return error_set(reterr, -EINVAL, "%sunknown field \"%s\"", where, key);
	}
	return 0;
}

static int parse_row(const json_t *row, size_t number, struct price *price, struct error *reterr)
{
	static const char *const known[] = {"Sku", "Region", "Price", "From", "Help", NULL};
	const char *sku = NULL, *region = NULL, *from = NULL;
	char where[64];
	int r;

	(void)snprintf(where, sizeof(where), "Prices, row %zu: ", number);
	*price = (struct price){0};
	if (!json_is_object(row))
		return error_set(reterr, -EINVAL, "%snot an object", where);
	r = check_members(row, known, where, reterr);
	if (r == 0)
		r = read_text(row, "Sku", where, &sku, reterr);
	if (r == 0)
		r = read_text(row, "Region", where, &region, reterr);
	if (r == 0)
		r = read_text(row, "From", where, &from, reterr);
	if (r < 0)
		return r;
	if (!sku || !sku[0] || !is_name(sku) || !text_copy(price->sku, SKU_SIZE, sku))
		return error_set(reterr, -EINVAL,
			"%sSku: 1 to %d letters, digits and characters of \"._:/+-\"", where,
			SKU_SIZE - 1);
	if (region && (!is_name(region) || !text_copy(price->region, REGION_SIZE, region)))
		return error_set(reterr, -EINVAL,
			"%sRegion: at most %d letters, digits and characters of \"._:/+-\"", where,
			REGION_SIZE - 1);
	if (read_price(json_object_get(row, "Price"), &price->nano) < 0 ||
		price->nano > MONEY_HOUR_MAX)
		return error_set(reterr, -EINVAL,
			"%sPrice: an amount an hour such as \"0.096\", not negative, with up to 9 "
			"decimal places",
			where);
	if (from && calendar_time_parse(from, &price->from_ns) < 0)
		return error_set(reterr, -EINVAL,
			"%sFrom: a day such as \"2026-12-01\" or a time such as "
			"\"2026-12-01T00:00:00Z\" (UTC)",
			where);
	return 0;
}

/* Two rows for the same thing from the same time on contradict each other. */
static int check_twice(const struct prices *prices, struct error *reterr)
{
	for (size_t i = 1; i < prices->count; i++)
		for (size_t j = i; j-- > 0;) {
			const struct price *a = &prices->rows[j], *b = &prices->rows[i];

			if (strcmp(a->sku, b->sku) != 0)
				break;
			if (strcmp(a->region, b->region) == 0 && a->from_ns == b->from_ns)
				return error_set(reterr, -EINVAL,
					"Prices: \"%s\" has two rows for the same Region and From",
					a->sku);
		}
	return 0;
}

static int parse_rows(const json_t *rows, struct prices *prices, struct error *reterr)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		int r = parse_row(json_array_get(rows, i), i + 1, &prices->rows[prices->count],
			reterr);

		if (r < 0)
			return r;
		prices->count++;
	}
	if (prices->count > 1)
		qsort(prices->rows, prices->count, sizeof(prices->rows[0]), compare);
	return check_twice(prices, reterr);
}

static int parse_currency(const json_t *document, struct prices *prices, struct error *reterr)
{
	const char *currency = NULL;
	int r = read_text(document, "Currency", "", &currency, reterr);

	if (r < 0 || !currency)
		return r;
	if (strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		return error_set(reterr, -EINVAL,
			"Currency: three capital letters (ISO 4217), such as \"USD\"");
	(void)text_copy(prices->currency, CURRENCY_SIZE, currency);
	return 0;
}

static int parse_document(const json_t *document, struct prices **ret, struct error *reterr)
{
	static const char *const known[] = {"Currency", "Updated", "Prices", NULL};
	const json_t *rows = json_object_get(document, "Prices");
	_cleanup_prices_ struct prices *prices =
		calloc(1, sizeof(*prices) + (json_array_size(rows) + shipped_count()) *
						    sizeof(prices->rows[0]));
	int r;

	if (!prices)
		return error_oom(reterr);
	(void)text_copy(prices->currency, CURRENCY_SIZE, PRICES_CURRENCY);
	if (document && !json_is_object(document))
		return error_set(reterr, -EINVAL, "prices are an object with a list \"Prices\"");
	if (rows && !json_is_array(rows))
		return error_set(reterr, -EINVAL, "Prices: a list of rows");
	r = document ? check_members(document, known, "", reterr) : 0;
	if (r == 0 && document)
		r = parse_currency(document, prices, reterr);
	if (r == 0)
		r = parse_rows(rows, prices, reterr);
	if (r < 0)
		return r;
	add_shipped(prices);
	qsort(prices->rows, prices->count, sizeof(prices->rows[0]), compare);
	*ret = TAKE(prices);
	return 0;
}

int prices_parse(const char *text, size_t len, struct prices **ret, struct error *reterr)
{
	_cleanup_json_ json_t *document = NULL;
	int r = text ? json_document_parse(text, len, &document, reterr) : 0;

	return r < 0 ? r : parse_document(document, ret, reterr);
}

int prices_load(struct store *store, struct prices **ret, struct error *reterr)
{
	_cleanup_object_ struct object policy = OBJECT_INIT;
	int r = store_find(store, PLATFORM_ID, KIND_POLICY, PRICES_POLICY, &policy);

	if (r < 0 && r != -ENOENT)
		return error_set(reterr, r, "the prices cannot be read");
	r = prices_parse(policy.spec, policy.spec ? strlen(policy.spec) : 0, ret, reterr);
	if (r == 0)
		(*ret)->identity = (int64_t)text_hash(PRICES_UPDATED, strlen(PRICES_UPDATED)) ^
				   policy.generation;
	return r;
}

int64_t prices_identity(const struct prices *prices)
{
	return prices->identity;
}

void prices_free(struct prices *prices)
{
	free(prices);
}

const char *prices_currency(const struct prices *prices)
{
	return prices->currency;
}

/* How well a row speaks for what is asked; the larger, the better; 0: not at all. */
static int rank(const struct price *price, const char *region, int64_t at_ns)
{
	if (price->from_ns > at_ns || (price->region[0] && strcmp(price->region, region) != 0))
		return 0;
	return 1 + (price->region[0] ? 1 : 0) + (price->shipped ? 0 : 2);
}

bool prices_find(const struct prices *prices, const char *sku, const char *region, int64_t at_ns,
	int64_t *ret_nano, int64_t *ret_until_ns)
{
	const struct price *best = NULL;
	size_t low = 0, high = prices->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(prices->rows[middle].sku, sku) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_until_ns = INT64_MAX;
	for (; low < prices->count && strcmp(prices->rows[low].sku, sku) == 0; low++) {
		const struct price *price = &prices->rows[low];
		int mine = rank(price, region, at_ns), its = best ? rank(best, region, at_ns) : 0;

		if (price->from_ns > at_ns && price->from_ns < *ret_until_ns)
			*ret_until_ns = price->from_ns;
		if (mine > its || (mine > 0 && mine == its && price->from_ns > best->from_ns))
			best = price;
	}
	if (!best)
		return false;
	*ret_nano = best->nano;
	return true;
}

void prices_print_shipped(struct buf *out)
{
	buf_puts(out, "{\n  \"Currency\": \"USD\",\n  \"Updated\": \"" PRICES_UPDATED
		      "\",\n  \"Prices\": [\n");
	for (const struct price_row *row = prices_shipped; row->sku; row++)
		buf_printf(out,
			"    {\"Sku\": \"%s\", \"Region\": \"%s\", \"Price\": \"%s\", \"Help\": "
			"\"%s\"}%s\n",
			row->sku, row->region, row->price, row->help, row[1].sku ? "," : "");
	buf_puts(out, "  ]\n}\n");
}
