/* SPDX-License-Identifier: Apache-2.0 */
/* What all tenants cost together: a bill on which each of them is a line. */
#include <errno.h>
#include <string.h>

#include "billing/total.h"
#include "fs/files/common.h"
#include "fs/files/files_billing.h"
#include "store/usage_day.h"

struct all {
	struct prices *prices;
	struct totals totals;
	struct calendar_month month;
	int64_t now_ns;
};

static void all_done(struct all *all)
{
	prices_free(all->prices);
	totals_done(&all->totals);
}
#define _cleanup_all_ __attribute__((cleanup(all_done)))

static int stamp_all(struct fs *fs, const struct ref *ref, uint64_t *ret)
{
	struct object prices = OBJECT_INIT;
	int64_t moved = 0;
	int r = store_peek_name(fs->store, PLATFORM_ID, KIND_POLICY, PRICES_POLICY, &prices);

	(void)ref;
	if (r == 0 || r == -ENOENT)
		r = store_usage_moved_all(fs->store, &moved);
	*ret = billing_mix(billing_mix(billing_mix(0, billing_now_ns(fs)), prices.generation),
		moved);
	return r;
}

/* month NULL: the current one. */
static int all_make(struct fs *fs, const struct calendar_month *month, struct all *all,
	struct content *content)
{
	int r = prices_load(fs->store, &all->prices, NULL);

	all->now_ns = billing_now_ns(fs);
	all->month = month ? *month : calendar_month_of(all->now_ns);
	if (r == 0)
		r = totals_make(fs->store, all->prices, &all->month, all->now_ns, &all->totals);
	common_raise_mtime(content, all->now_ns);
	return r == -EINVAL ? -EIO : r;
}

typedef int (*print_fn)(const struct report *report, struct buf *out);

static int render(struct fs *fs, const struct calendar_month *month, struct content *content,
	print_fn print)
{
	_cleanup_all_ struct all all = {0};
	_cleanup_bill_ struct bill *bill = NULL;
	struct report report = {.tenant = "(all)"};
	int r = all_make(fs, month, &all, content);

	if (r == 0)
		r = totals_bill(&all.totals, all.prices, &all.month, all.now_ns, &bill);
	if (r < 0)
		return r;
	report.bill = bill;
	return print(&report, &content->text);
}

static int render_summary(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	return render(fs, NULL, content, report_summary);
}

static int render_json(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	return render(fs, NULL, content, report_json);
}

static int render_by_day(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	return render(fs, NULL, content, report_by_day);
}

static int render_chart(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	return render(fs, NULL, content, report_chart);
}

static int render_prometheus(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	return render(fs, NULL, content, report_prometheus);
}

static int print_focus_1_1(const struct report *report, struct buf *out)
{
	return report_focus(report, FOCUS_1_1, out);
}

static int print_focus_1_4(const struct report *report, struct buf *out)
{
	return report_focus(report, FOCUS_1_4, out);
}

static int render_month(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct calendar_month month;
	int r = billing_month_of(ref, &month);

	return r < 0 ? r
		     : render(fs, &month, content,
			       ref->sub % 2 ? print_focus_1_1 : print_focus_1_4);
}

static void put_payer(struct fs *fs, const struct total *total, struct buf *out)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	bool gone = store_peek(fs->store, total->payer, &object) < 0 || object.deleting;

	money_print(out, total->nano, 4);
	if (total->payer == PLATFORM_ID)
		buf_puts(out, "\t(unallocated)\t-\n");
	else
		buf_printf(out, "\t%s\t%s\n", total->name, gone ? "deleted" : "-");
}

static int render_by_tenant(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_all_ struct all all = {0};
	int64_t sum = 0;
	int r = all_make(fs, NULL, &all, content);

	(void)ref;
	if (r < 0)
		return r;
	buf_printf(&content->text, "#%s\ttenant\tstate\n", prices_currency(all.prices));
	for (size_t i = 0; i < all.totals.count; i++) {
		put_payer(fs, &all.totals.all[i], &content->text);
		sum += all.totals.all[i].nano;
	}
	money_print(&content->text, sum, 4);
	buf_puts(&content->text, "\t(total)\t-\n");
	return 0;
}

#define BASE     ".platform/billing"
#define PLATFORM .kind = KIND_PLATFORM
#define FIGURES  .mode = 0400, .flags = ROW_PRIVATE | ROW_VOLATILE, .stamp = stamp_all

const struct row rows_billing_all[] = {
	{.number = 203,
		.path = BASE,
		PLATFORM,
		.mode = 0700,
		.flags = ROW_DIR | ROW_PRIVATE | ROW_VOLATILE | ROW_DERIVED,
		.find = billing_find_month,
		.list = billing_list_months,
		.help = "What all tenants cost, up to the last ten seconds."},
	{.number = 204,
		.path = BASE "/by-tenant",
		PLATFORM,
		FIGURES,
		.render = render_by_tenant,
		.help = "This month by tenant, those included that are gone, and what nobody has."},
	{.number = 205,
		.path = BASE "/summary",
		PLATFORM,
		FIGURES,
		.render = render_summary,
		.help = "This month, for people."},
	{.number = 206,
		.path = BASE "/month-to-date.json",
		PLATFORM,
		FIGURES,
		.render = render_json,
		.help = "This month, for programs."},
	{.number = 207,
		.path = BASE "/by-day",
		PLATFORM,
		FIGURES,
		.render = render_by_day,
		.help = "This month by day (UTC), tab-separated."},
	{.number = 208,
		.path = BASE "/cost.svg",
		PLATFORM,
		FIGURES,
		.render = render_chart,
		.help = "This month as a chart."},
	{.number = 209,
		.path = BASE "/cost.prom",
		PLATFORM,
		FIGURES,
		.render = render_prometheus,
		.help = "This month as Prometheus text."},
	{.number = 240,
		.path = BASE "/{month}",
		PLATFORM,
		FIGURES,
		.render = render_month,
		.help = "A month (YYYY-MM.csv) in FOCUS 1.4 columns, a row a tenant and day; "
			".focus-1.1.csv: in those of 1.1."},
	{0},
};
