/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant's month costs, computed from the ledger when it is read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "fs/files/common.h"
#include "fs/files/files_billing.h"

#define STEP_NS (10 * NS_PER_SECOND) /* so long a figure stays as it is */

/* Months as numbers: twice the months since the year 0, and which of the two forms. */
#define MONTH_SUB(year, month, old) ((((year)*12 + (month)-1) * 2) + (old))
#define SUFFIX                      ".csv"
#define SUFFIX_OLD                  ".focus-1.1.csv"

int64_t billing_now_ns(struct fs *fs)
{
	int64_t now = store_usage_now(fs->store);

	return now - now % STEP_NS;
}

uint64_t billing_mix(uint64_t stamp, int64_t value)
{
	return (stamp ^ (uint64_t)value) * UINT64_C(0x9e3779b97f4a7c15);
}

/* What a bill is made of: the time, the prices, the payer's ledger, and that of what all share. */
static int stamp_of(struct fs *fs, int64_t payer, const char *name, uint64_t *ret)
{
	struct object prices = OBJECT_INIT;
	int64_t own = 0, shared = 0;
	int r = store_peek_name(fs->store, PLATFORM_ID, KIND_POLICY, PRICES_POLICY, &prices);

	if (r == 0 || r == -ENOENT)
		r = store_usage_moved(fs->store, payer, &own);
	if (r == 0)
		r = store_usage_moved(fs->store, PLATFORM_ID, &shared);
	*ret = billing_mix(billing_mix(billing_mix(billing_mix(text_hash(name, strlen(name)),
							   billing_now_ns(fs)),
					       prices.generation),
				   own),
		shared);
	return r;
}

static int stamp_tenant(struct fs *fs, const struct ref *ref, uint64_t *ret)
{
	return stamp_of(fs, ref->object.id, "", ret);
}

static int stamp_service(struct fs *fs, const struct ref *ref, uint64_t *ret)
{
	return stamp_of(fs, ref->object.tenant, ref->object.name, ret);
}

struct made {
	struct report report;
	struct bill *bill;
	struct budget budget;
	char tenant[OBJECT_NAME_MAX + 1];
};

static void made_done(struct made *made)
{
	bill_free(made->bill);
}
#define _cleanup_made_ __attribute__((cleanup(made_done)))

/* The payer's report of the month, or of the current one (NULL). */
static int make(struct fs *fs, int64_t payer, const struct calendar_month *month, struct made *made,
	struct content *content)
{
	struct calendar_month current = calendar_month_of(billing_now_ns(fs));
	_cleanup_prices_ struct prices *prices = NULL;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = prices_load(fs->store, &prices, NULL);

	if (r == 0)
		r = store_peek(fs->store, payer, &object);
	if (r == 0)
		r = store_budget(fs->store, payer, &made->budget);
	if (r == 0)
		r = bill_make(fs->store, prices, payer, month ? month : &current,
			billing_now_ns(fs), &made->bill);
	if (r < 0)
		return r == -EINVAL ? -EIO : r;
	(void)snprintf(made->tenant, sizeof(made->tenant), "%s",
		payer == PLATFORM_ID ? "platform" : object.name);
	made->report = (struct report){
		.tenant = made->tenant,
		.budget_nano = made->budget.nano,
		.bill = made->bill,
	};
	common_raise_mtime(content, made->bill->until_ns);
	return 0;
}

typedef int (*print_fn)(const struct report *report, struct buf *out);

/* This month of the tenant's, in one of its forms. */
static int render(struct fs *fs, const struct ref *ref, struct content *content, print_fn print)
{
	_cleanup_made_ struct made made = {0};
	int r = make(fs, ref->object.id, NULL, &made, content);

	return r < 0 ? r : print(&made.report, &content->text);
}

static int render_summary(struct fs *fs, const struct ref *ref, struct content *content)
{
	return render(fs, ref, content, report_summary);
}

static int render_json(struct fs *fs, const struct ref *ref, struct content *content)
{
	return render(fs, ref, content, report_json);
}

static int render_by_service(struct fs *fs, const struct ref *ref, struct content *content)
{
	return render(fs, ref, content, report_by_service);
}

static int render_by_day(struct fs *fs, const struct ref *ref, struct content *content)
{
	return render(fs, ref, content, report_by_day);
}

static int render_forecast(struct fs *fs, const struct ref *ref, struct content *content)
{
	return render(fs, ref, content, report_forecast);
}

static int render_chart(struct fs *fs, const struct ref *ref, struct content *content)
{
	return render(fs, ref, content, report_chart);
}

static int render_prometheus(struct fs *fs, const struct ref *ref, struct content *content)
{
	return render(fs, ref, content, report_prometheus);
}

static int render_service(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_made_ struct made made = {0};
	int r = make(fs, ref->object.tenant, NULL, &made, content);

	if (r == 0)
		report_service(&made.report, ref->object.name, &content->text);
	return r;
}

/* ---- months ---- */

int billing_find_month(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret)
{
	struct calendar_month month, current = calendar_month_of(billing_now_ns(fs));
	char text[8] = "";
	bool old = strlen(name) > 7 && strcmp(name + 7, SUFFIX_OLD) == 0;
	int64_t first_ns;

	if (strlen(name) <= 7 || (!old && strcmp(name + 7, SUFFIX) != 0))
		return -ENOENT;
	memcpy(text, name, 7);
	if (calendar_month_parse(text, &month) < 0 || month.start_ns > current.start_ns)
		return -ENOENT;
	if (month.start_ns < current.start_ns &&
		(store_usage_first(fs->store, ref->object.id, &first_ns) < 0 ||
			first_ns >= month.end_ns))
		return -ENOENT;
	*ret = (struct entry){.name = name,
		.object = ref->object.id,
		.sub = MONTH_SUB(month.year, month.month, old)};
	return 0;
}

/* The months that the ledger knows, up to this one. */
int billing_list_months(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn, void *arg)
{
	struct calendar_month current = calendar_month_of(billing_now_ns(fs)), month = current;
	int64_t first_ns;
	int r = 0;

	if (store_usage_first(fs->store, ref->object.id, &first_ns) == 0 &&
		first_ns < current.start_ns)
		month = calendar_month_of(first_ns);
	for (; r == 0 && month.start_ns <= current.start_ns;
		month = calendar_month_of(month.end_ns)) {
		for (int old = 0; old <= 1 && r == 0; old++) {
			char name[32];
			struct entry entry = {.name = name,
				.object = ref->object.id,
				.sub = MONTH_SUB(month.year, month.month, old)};

			(void)snprintf(name, sizeof(name), "%04d-%02d%s", month.year, month.month,
				old ? SUFFIX_OLD : SUFFIX);
			if (entry.sub > after)
				r = fn(arg, &entry);
		}
	}
	return r;
}

int billing_month_of(const struct ref *ref, struct calendar_month *ret)
{
	int number = (int)(ref->sub / 2);
	char text[32];

	(void)snprintf(text, sizeof(text), "%04d-%02d", number / 12, number % 12 + 1);
	return calendar_month_parse(text, ret);
}

static int render_month(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct calendar_month month;
	_cleanup_made_ struct made made = {0};
	int r = billing_month_of(ref, &month);

	if (r == 0)
		r = make(fs, ref->object.id, &month, &made, content);
	return r < 0 ? r
		     : report_focus(&made.report, ref->sub % 2 ? FOCUS_1_1 : FOCUS_1_4,
			       &content->text);
}

/* ---- budget ---- */

static int render_budget(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct budget budget;
	int r = store_budget(fs->store, ref->object.id, &budget);

	if (r == 0 && budget.nano > 0) {
		money_print_exact(&content->text, budget.nano, 2);
		buf_putc(&content->text, '\n');
	}
	common_raise_mtime(content, budget.changed_ns);
	return r;
}

static int parse_budget(const struct draft *draft, int64_t *ret, struct error *reterr)
{
	*ret = 0;
	if (draft->len == 0 || money_parse(draft->data, ret) == 0)
		return 0;
	return error_set(reterr, -EINVAL,
		"a budget is what a month may cost, such as 250 or 99.50; nothing for none");
}

static int check_budget(const struct draft *draft, struct error *reterr)
{
	int64_t nano;

	return parse_budget(draft, &nano, reterr);
}

static bool budget_begins(const struct row *row, const char *text)
{
	char more[LINE_SIZE_MAX + 2];
	int64_t nano;

	(void)row;
	(void)snprintf(more, sizeof(more), "%s0", text);
	return money_parse(text, &nano) == 0 || money_parse(more, &nano) == 0;
}

static int apply_budget(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	int64_t nano;
	int r = parse_budget(draft, &nano, reterr);

	return r < 0 ? r : txn_set_budget(txn, draft->ref->object.id, nano);
}

#define TENANT  .kind = KIND_TENANT
#define BASE    "{tenant}/billing"
#define FIGURES .mode = 0440, .flags = ROW_VOLATILE, .stamp = stamp_tenant

const struct row rows_billing[] = {
	{.number = 192,
		.path = BASE,
		TENANT,
		.mode = 0750,
		.flags = ROW_DIR | ROW_VOLATILE | ROW_DERIVED,
		.find = billing_find_month,
		.list = billing_list_months,
		.help = "What the tenant's services cost, estimated, up to the last ten seconds."},
	{.number = 193,
		.path = BASE "/summary",
		TENANT,
		FIGURES,
		.render = render_summary,
		.help = "This month, for people."},
	{.number = 194,
		.path = BASE "/month-to-date.json",
		TENANT,
		FIGURES,
		.render = render_json,
		.help = "This month, for programs."},
	{.number = 195,
		.path = BASE "/by-service",
		TENANT,
		FIGURES,
		.render = render_by_service,
		.help = "This month by service, tab-separated; idle is a line of its own."},
	{.number = 196,
		.path = BASE "/by-day",
		TENANT,
		FIGURES,
		.render = render_by_day,
		.help = "This month by day (UTC), tab-separated."},
	{.number = 197,
		.path = BASE "/forecast",
		TENANT,
		FIGURES,
		.render = render_forecast,
		.help = "Where the month is going, and by which method that is said."},
	{.number = 198,
		.path = BASE "/cost.svg",
		TENANT,
		FIGURES,
		.render = render_chart,
		.help = "This month as a chart."},
	{.number = 199,
		.path = BASE "/cost.prom",
		TENANT,
		FIGURES,
		.render = render_prometheus,
		.help = "This month as Prometheus text."},
	{.number = 200,
		.path = BASE "/budget",
		TENANT,
		.mode = 0640,
		.flags = ROW_LINE | ROW_UNLINK_CLEARS,
		.depends = CHANGE_FLAGS,
		.limit = LINE_SIZE_MAX,
		.render = render_budget,
		.check = check_budget,
		.begins = budget_begins,
		.apply = apply_budget,
		.help = "What a month may cost; 80 % and 100 % of it make an event."},
	{.number = 201,
		.path = BASE "/{month}",
		TENANT,
		FIGURES,
		.render = render_month,
		.help = "A month (YYYY-MM.csv) in FOCUS 1.4 columns; .focus-1.1.csv: in those of "
			"1.1."},
	{.number = 202,
		.path = "{tenant}/services/{service}/billing",
		.kind = KIND_SERVICE,
		.mode = 0440,
		.flags = ROW_VOLATILE,
		.stamp = stamp_service,
		.render = render_service,
		.help = "This service's share of the month."},
	{0},
};
