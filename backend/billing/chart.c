/* SPDX-License-Identifier: Apache-2.0 */
/* An SVG drawing: a bar a day, stacked by what costs most; only shapes, texts and a style. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "billing/report.h"

#define WIDTH  860
#define HEIGHT 400
#define LEFT   78
#define RIGHT  836
#define TOP    96
#define BOTTOM 336
#define SERIES 6 /* the last is all others */

#define LEGEND_CHARS 12 /* of a name, of a width that fits */

static const char style[] =
	"<style>\n"
	"svg{--bg:#fff;--ink:#1d2733;--soft:#66707c;--grid:#e3e7ec;--c0:#2f6fde;--c1:#e0863c;"
	"--c2:#2f9e76;--c3:#a05bc4;--c4:#d0496a;--c5:#98a3af;--warn:#c62f2f;"
	"font:13px system-ui,'DejaVu Sans',sans-serif}\n"
	"@media (prefers-color-scheme:dark){svg{--bg:#14181d;--ink:#e8ecf1;--soft:#98a3af;"
	"--grid:#2a313a;--c0:#6aa0ff;--c1:#f2a763;--c2:#5cc79f;--c3:#c38be4;--c4:#f07c98;"
	"--c5:#5d6874;--warn:#ff7b72}}\n"
	".bg{fill:var(--bg)}.ink{fill:var(--ink)}.soft{fill:var(--soft)}"
	".grid{stroke:var(--grid)}.budget{stroke:var(--warn);stroke-dasharray:6 4}"
	".next{fill:var(--soft);opacity:.16}\n"
	".big{font-size:20px;font-weight:600}.small{font-size:11px}\n"
	".s0{fill:var(--c0)}.s1{fill:var(--c1)}.s2{fill:var(--c2)}.s3{fill:var(--c3)}"
	".s4{fill:var(--c4)}.s5{fill:var(--c5)}\n"
	"</style>\n";

struct series {
	const char *name;
	int64_t nano;
	int64_t daily[BILL_DAYS_MAX];
};

struct chart {
	const struct report *report;
	const struct bill *bill;
	struct series series[SERIES];
	size_t count;
	struct forecast forecast;
	int64_t top_nano; /* of the scale */
	int64_t step_nano; /* between two lines of the grid */
	int64_t coming_nano; /* a day, if all that runs goes on */
	int places;
};

static void add_line(struct series *series, const struct bill_line *line)
{
	series->nano += line->nano;
	for (int day = 0; day < BILL_DAYS_MAX; day++)
		series->daily[day] += line->daily[day];
}

/* The groups that cost most have a series of their own, in the order of what they cost. */
static void insert(struct chart *chart, const struct series *group)
{
	size_t at = 0;

	if (group->nano <= 0)
		return;
	while (at < chart->count && chart->series[at].nano >= group->nano)
		at++;
	if (at >= SERIES - 1)
		return;
	if (chart->count < SERIES - 1)
		chart->count++;
	for (size_t i = chart->count - 1; i > at; i--)
		chart->series[i] = chart->series[i - 1];
	chart->series[at] = *group;
}

/* What the others leave of each day. */
static void add_others(struct chart *chart)
{
	struct series *others = &chart->series[chart->count];

	*others = (struct series){.name = "others"};
	for (int day = 0; day < BILL_DAYS_MAX; day++) {
		int64_t rest = chart->bill->daily[day];

		for (size_t i = 0; i < chart->count; i++)
			rest -= chart->series[i].daily[day];
		others->daily[day] = rest > 0 ? rest : 0;
		others->nano += others->daily[day];
	}
	if (others->nano > 0)
		chart->count++;
}

static void gather(struct chart *chart)
{
	const struct bill *bill = chart->bill;

	for (size_t i = 0; i < bill->count;) {
		struct series group = {.name = report_group(&bill->lines[i])};

		for (; i < bill->count && strcmp(report_group(&bill->lines[i]), group.name) == 0;
			i++)
			add_line(&group, &bill->lines[i]);
		insert(chart, &group);
	}
	add_others(chart);
}

/* A scale that ends in 1, 2 or 5 and has at most five lines. */
static void scale(struct chart *chart)
{
	int64_t most = chart->coming_nano, step = 1;
	int factor = 0;

	for (int day = 0; day < chart->bill->month.days; day++)
		if (chart->bill->daily[day] > most)
			most = chart->bill->daily[day];
	if (chart->report->budget_nano / chart->bill->month.days > most)
		most = chart->report->budget_nano / chart->bill->month.days;
	while (step * 5 < most) {
		step = factor % 3 == 1 ? step / 2 * 5 : step * 2;
		factor++;
	}
	chart->step_nano = step;
	chart->top_nano = most > 0 ? (most + step - 1) / step * step : step;
	for (chart->places = 0; chart->places < 9 && step < MONEY_ONE; chart->places++)
		step *= 10;
}

static int64_t height(const struct chart *chart, int64_t nano)
{
	if (nano <= 0)
		return 0;
	return (int64_t)(weight_of((BOTTOM - TOP) * 100) * weight_of(nano) /
			 weight_of(chart->top_nano));
}

/* Hundredths of a pixel. */
static void coordinate(struct buf *out, const char *name, int64_t hundredths)
{
	buf_printf(out, " %s=\"%" PRId64 ".%02" PRId64 "\"", name, hundredths / 100,
		hundredths % 100);
}

static void draw_grid(const struct chart *chart, struct buf *out)
{
	for (int64_t nano = 0; nano <= chart->top_nano; nano += chart->step_nano) {
		int64_t y = BOTTOM * 100 - height(chart, nano);

		buf_printf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\"", LEFT, RIGHT);
		coordinate(out, "y1", y);
		coordinate(out, "y2", y);
		buf_printf(out, "/><text class=\"soft small\" text-anchor=\"end\" x=\"%d\"",
			LEFT - 8);
		coordinate(out, "y", y + 400);
		buf_putc(out, '>');
		money_print(out, nano, chart->places);
		buf_puts(out, "</text>\n");
	}
}

static void draw_box(struct buf *out, const char *class, int64_t x, int64_t y, int64_t width,
	int64_t tall)
{
	if (tall <= 0)
		return;
	buf_printf(out, "<rect class=\"%s\"", class);
	coordinate(out, "x", x);
	coordinate(out, "y", y);
	coordinate(out, "width", width);
	coordinate(out, "height", tall);
}

/* A day that is not over, if all that runs goes on. */
static void draw_coming(const struct chart *chart, int day, int64_t x, int64_t width,
	struct buf *out)
{
	const struct bill *bill = chart->bill;
	int64_t tall = height(chart, chart->coming_nano);

	if (tall <= 0 || bill->month.start_ns + (day + 1) * CALENDAR_DAY_NS <= bill->until_ns)
		return;
	draw_box(out, "next", x, BOTTOM * 100 - tall, width, tall);
	buf_puts(out, "/>\n");
}

static void draw_day(const struct chart *chart, int day, struct buf *out)
{
	const struct bill *bill = chart->bill;
	int64_t slot = (RIGHT - LEFT) * 100 / bill->month.days;
	int64_t x = LEFT * 100 + day * slot + slot / 8, width = slot * 3 / 4;
	int64_t y = BOTTOM * 100;
	char class[4] = "s0";

	draw_coming(chart, day, x, width, out);
	for (size_t i = 0; i < chart->count; i++) {
		int64_t tall = height(chart, chart->series[i].daily[day]);

		if (tall <= 0)
			continue;
		y -= tall;
		class[1] = (char)('0' + i);
		draw_box(out, class, x, y, width, tall);
		buf_printf(out, "><title>%04d-%02d-%02d %s: ", bill->month.year, bill->month.month,
			day + 1, chart->series[i].name);
		money_print(out, chart->series[i].daily[day], 4);
		buf_printf(out, " %s</title></rect>\n", bill->currency);
	}
	if (day % 2 == 0) {
		buf_puts(out, "<text class=\"soft small\" text-anchor=\"middle\"");
		coordinate(out, "x", x + width / 2);
		buf_printf(out, " y=\"%d\">%d</text>\n", BOTTOM + 16, day + 1);
	}
}

static void draw_budget(const struct chart *chart, struct buf *out)
{
	int64_t daily = chart->report->budget_nano / chart->bill->month.days;
	int64_t y = BOTTOM * 100 - height(chart, daily);

	if (daily <= 0)
		return;
	buf_printf(out, "<line class=\"budget\" x1=\"%d\" x2=\"%d\"", LEFT, RIGHT);
	coordinate(out, "y1", y);
	coordinate(out, "y2", y);
	buf_puts(out, "/>\n");
}

static void draw_head(const struct chart *chart, struct buf *out)
{
	const struct bill *bill = chart->bill;

	buf_printf(out, "<text class=\"ink big\" x=\"24\" y=\"38\">%s: ", chart->report->tenant);
	money_print(out, bill->nano, 2);
	buf_printf(out, " %s in %04d-%02d</text>\n<text class=\"soft\" x=\"24\" y=\"60\">",
		bill->currency, bill->month.year, bill->month.month);
	if (bill->until_ns < bill->month.end_ns) {
		buf_puts(out, "if all that runs goes on (grey): ");
		money_print(out, chart->forecast.committed, 2);
		buf_puts(out, "; ");
	}
	if (chart->report->budget_nano > 0) {
		buf_puts(out, "budget: ");
		money_print(out, chart->report->budget_nano, 2);
		buf_puts(out, " (dashed: a day's part of it); ");
	}
	buf_printf(out, "a day's cost by %s, %s</text>\n",
		bill->count > 0 && bill->lines[0].kind == BILL_TENANT ? "tenant" : "service",
		bill->actual_days ? "as billed where known, else estimated" : "estimated");
}

static void draw_legend(const struct chart *chart, struct buf *out)
{
	int64_t x = LEFT;

	for (size_t i = 0; i < chart->count; i++) {
		const char *name = chart->series[i].name;

		buf_printf(out,
			"<rect class=\"s%zu\" x=\"%" PRId64 "\" y=\"%d\" width=\"11\" "
			"height=\"11\" rx=\"2\"/><text class=\"ink\" x=\"%" PRId64
			"\" y=\"%d\">%.*s%s</text>\n",
			i, x, HEIGHT - 28, x + 16, HEIGHT - 18, LEGEND_CHARS, name,
			strlen(name) > LEGEND_CHARS ? "\xe2\x80\xa6" : "");
		x += (RIGHT - LEFT) / SERIES;
	}
}

int report_chart(const struct report *report, struct buf *out)
{
	struct chart chart = {.report = report, .bill = report->bill};

	forecast_make(report->bill, &chart.forecast);
	if (report->bill->until_ns < report->bill->month.end_ns)
		chart.coming_nano = report->bill->burn_nano * 24;
	gather(&chart);
	scale(&chart);
	buf_printf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" role=\"img\">\n<title>Cost of %s</title>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT, report->tenant);
	buf_puts(out, style);
	buf_puts(out, "<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
	draw_head(&chart, out);
	draw_grid(&chart, out);
	for (int day = 0; day < report->bill->month.days; day++)
		draw_day(&chart, day, out);
	draw_budget(&chart, out);
	draw_legend(&chart, out);
	buf_puts(out, "</svg>\n");
	return out->error;
}
