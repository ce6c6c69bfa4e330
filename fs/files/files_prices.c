/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's prices: an object of their own, made by the first write. */
#include <errno.h>
#include <string.h>

#include "billing/prices.h"
#include "fs/files/common.h"
#include "fs/files/policy_object.h"

static int render_prices(struct fs *fs, const struct ref *ref, struct content *content)
{
	int r = policy_object_render(fs, PRICES_POLICY, content);

	(void)ref;
	if (r == 0 && content->text.len == 0)
		prices_print_shipped(&content->text);
	return r;
}

static int check_prices(const struct draft *draft, struct error *reterr)
{
	_cleanup_prices_ struct prices *prices = NULL;

	return prices_parse(draft->data, draft->len, &prices, reterr);
}

static int apply_prices(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_prices_ struct prices *prices = NULL;
	int r = prices_parse(draft->data, draft->len, &prices, reterr);

	if (r < 0)
		return r == -ENODATA ? -EINVAL : r;
	return policy_object_apply(txn, PRICES_POLICY, draft, reterr);
}

#define PLATFORM .kind = KIND_PLATFORM

const struct row rows_prices[] = {
	{.number = 191,
		.path = ".platform/policy/prices.json",
		PLATFORM,
		.mode = 0600,
		.flags = ROW_PRIVATE | ROW_VOLATILE | ROW_DOCUMENT,
		.limit = SPEC_SIZE_MAX,
		.render = render_prices,
		.check = check_prices,
		.apply = apply_prices,
		.help = "What an hour of each thing costs: your rows stand over those that ship."},
	{0},
};
