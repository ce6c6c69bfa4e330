/* SPDX-License-Identifier: Apache-2.0 */
/* Machines, shared out hour by hour among the instances that were on them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "billing/bill_lines.h"

#define HOURS_MAX (BILL_DAYS_MAX * 24)

/* What was measured, by subject; of each in the order of hours. */
struct measures {
	const struct usage_measure **all;
	size_t *firsts; /* by subject, and the end */
};

static int compare_hours(const void *a, const void *b)
{
	const struct usage_measure *left = *(const struct usage_measure *const *)a;
	const struct usage_measure *right = *(const struct usage_measure *const *)b;

	if (left->hour_ns != right->hour_ns)
		return left->hour_ns > right->hour_ns ? 1 : -1;
	return (left > right) - (left < right);
}

/* They are, but where the clock was set back. */
static void order(const struct usage_measure **all, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare_hours(&all[i - 1], &all[i]) > 0) {
			qsort(all, count, sizeof(all[0]), compare_hours);
			return;
		}
}

static int measures_init(struct measures *measures, const struct usage_set *set)
{
	size_t subjects = set->subject_count;

	measures->all = calloc(set->measure_count + 1, sizeof(*measures->all));
	measures->firsts = calloc(subjects + 2, sizeof(*measures->firsts));
	if (!measures->all || !measures->firsts)
		return -ENOMEM;
	/* Counted one further on, so that filling them in moves each to its place. */
	for (size_t i = 0; i < set->measure_count; i++)
		measures->firsts[set->measures[i].subject + 2]++;
	for (size_t i = 2; i < subjects + 2; i++)
		measures->firsts[i] += measures->firsts[i - 1];
	for (size_t i = 0; i < set->measure_count; i++)
		measures->all[measures->firsts[set->measures[i].subject + 1]++] = &set->measures[i];
	for (size_t i = 0; i < subjects; i++)
		order(&measures->all[measures->firsts[i]],
			measures->firsts[i + 1] - measures->firsts[i]);
	return 0;
}

static void measures_done(struct measures *measures)
{
	free(measures->all);
	free(measures->firsts);
}
#define _cleanup_measures_ __attribute__((cleanup(measures_done)))

/* The last one of that hour; NULL: there is none. */
static const struct usage_measure *measures_find(const struct measures *measures, size_t subject,
	int64_t hour_ns)
{
	size_t first = measures->firsts[subject], low = first, high = measures->firsts[subject + 1];

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (measures->all[middle]->hour_ns <= hour_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low > first && measures->all[low - 1]->hour_ns == hour_ns ? measures->all[low - 1]
									 : NULL;
}

/* A time in which neither size nor price of the machine changed. */
struct piece {
	int64_t start_ns, end_ns, rate;
	weight parts; /* of the whole machine */
};

struct machine {
	struct bill_work *work;
	const struct usage_subject *subject; /* the first that it was */
	const char *name;
	bool shared;
	struct piece *pieces; /* by start */
	size_t piece_count, piece_capacity;
	size_t *lines; /* of the bill, by column */
	size_t column_count;
	weight *cells; /* HOURS_MAX rows of columns */
	weight whole[HOURS_MAX];
	int64_t cost[HOURS_MAX];
	struct bill_use all[BILL_DAYS_MAX]; /* the whole machine, by day */
	const struct usage_subject *now; /* what it is, while pieces are added */
	const struct measures *measures;
};

static size_t hour_of(const struct bill_work *work, int64_t at_ns)
{
	int64_t hour = (at_ns - work->month.start_ns) / CALENDAR_HOUR_NS;

	return hour < HOURS_MAX ? (size_t)hour : HOURS_MAX - 1;
}

static int64_t hour_end(int64_t at_ns)
{
	return at_ns - at_ns % CALENDAR_HOUR_NS + CALENDAR_HOUR_NS;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void add_use(struct bill_use *use, int64_t cpu_milli, int64_t memory_mib, int64_t start_ns,
	int64_t end_ns)
{
	int64_t ms = bill_ms(start_ns, end_ns);

	use->paid_ms += ms;
	use->cpu_milli_s += cpu_milli * ms / 1000;
	use->memory_mib_s += memory_mib * ms / 1000;
}

/* ---- the machine itself ---- */

static int add_piece(void *arg, int64_t rate, int64_t start_ns, int64_t end_ns)
{
	struct machine *machine = arg;
	struct bill_work *work = machine->work;

	if (machine->piece_count == machine->piece_capacity) {
		size_t more = machine->piece_capacity ? 2 * machine->piece_capacity : 8;
		struct piece *grown = reallocarray(machine->pieces, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		machine->pieces = grown;
		machine->piece_capacity = more;
	}
	machine->pieces[machine->piece_count++] = (struct piece){start_ns, end_ns, rate,
		bill_parts(machine->now->cpu_milli, machine->now->memory_mib)};
	if (!machine->shared && end_ns == work->until_ns)
		work->bill->burn_nano += rate;
	while (start_ns < end_ns) {
		int64_t stop_ns = min64(hour_end(start_ns), end_ns);
		size_t hour = hour_of(work, start_ns);

		machine->whole[hour] += weight_of(rate) * weight_of(stop_ns - start_ns);
		machine->cost[hour] += money_cost(rate, start_ns, stop_ns);
		add_use(&machine->all[hour / 24], machine->now->cpu_milli, machine->now->memory_mib,
			start_ns, stop_ns);
		start_ns = stop_ns;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct piece *left = a, *right = b;

	return (left->start_ns > right->start_ns) - (left->start_ns < right->start_ns);
}

static int machine_load(struct machine *machine, const struct usage_set *set)
{
	int r = 0;

	for (size_t i = 0; i < set->interval_count && r == 0; i++) {
		const struct usage_interval *interval = &set->intervals[i];
		const struct usage_subject *subject = &set->subjects[interval->subject];

		if (subject->kind != USAGE_HOST || strcmp(subject->name, machine->name) != 0)
			continue;
		if (!machine->subject)
			machine->subject = subject;
		machine->now = subject;
		r = bill_priced(machine->work, subject, interval->start_ns, interval->end_ns,
			add_piece, machine);
	}
	if (machine->piece_count > 1)
		qsort(machine->pieces, machine->piece_count, sizeof(machine->pieces[0]), compare);
	return r;
}

/* ---- its instances ---- */

/* The column of the subject's service on this machine; -ENOENT: it is elsewhere. */
static int column_find(struct machine *machine, const struct usage_subject *subject, size_t *ret)
{
	struct bill_line key = {.kind = BILL_INSTANCE};
	size_t line;
	int r;

	if (subject->kind != USAGE_INSTANCE || strcmp(subject->host, machine->name) != 0)
		return -ENOENT;
	(void)text_copy(key.service, sizeof(key.service), subject->service);
	(void)text_copy(key.name, sizeof(key.name), machine->name);
	(void)text_copy(key.sku, sizeof(key.sku), machine->subject->sku);
	(void)text_copy(key.region, sizeof(key.region), machine->subject->region);
	r = bill_lines_find(&machine->work->lines, &key, &line);
	if (r < 0)
		return r;
	machine->work->lines.all[line].shared = machine->shared;
	for (*ret = 0; *ret < machine->column_count; (*ret)++)
		if (machine->lines[*ret] == line)
			return 0;
	machine->lines[machine->column_count++] = line;
	return 0;
}

/* Column + 1 of each subject, 0: not on this machine. */
static int columns_make(struct machine *machine, size_t *columns)
{
	const struct usage_set *own = machine->work->own;

	machine->lines = calloc(own->subject_count + 1, sizeof(*machine->lines));
	if (!machine->lines)
		return -ENOMEM;
	for (size_t i = 0; i < own->subject_count; i++) {
		size_t column;
		int r = column_find(machine, &own->subjects[i], &column);

		if (r < 0 && r != -ENOENT)
			return r;
		columns[i] = r < 0 ? 0 : column + 1;
	}
	machine->cells = calloc(HOURS_MAX * (machine->column_count + 1), sizeof(weight));
	return machine->cells ? 0 : -ENOMEM;
}

static void add_hour(struct machine *machine, const struct usage_interval *interval, size_t column,
	int64_t start_ns, int64_t end_ns)
{
	struct bill_work *work = machine->work;
	const struct usage_subject *subject = &work->own->subjects[interval->subject];
	struct bill_line *line = &work->lines.all[machine->lines[column]];
	size_t hour = hour_of(work, start_ns);
	const struct usage_measure *used = measures_find(machine->measures, interval->subject,
		work->month.start_ns + (int64_t)hour * CALENDAR_HOUR_NS);
	int64_t cpu_milli = max64(subject->cpu_milli, used ? used->cpu_milli : 0);
	int64_t memory_mib = max64(subject->memory_mib, used ? used->memory_mib : 0);

	add_use(&line->use[hour / 24], cpu_milli, memory_mib, start_ns, end_ns);
	for (size_t i = 0; i < machine->piece_count; i++) {
		const struct piece *piece = &machine->pieces[i];
		int64_t from_ns = max64(start_ns, piece->start_ns);
		int64_t to_ns = min64(end_ns, piece->end_ns);
		weight share;

		if (piece->start_ns >= end_ns)
			break;
		if (from_ns >= to_ns || piece->parts == 0)
			continue;
		share = weight_of(piece->rate) * bill_parts(cpu_milli, memory_mib);
		machine->cells[hour * machine->column_count + column] +=
			share * weight_of(to_ns - from_ns) / piece->parts;
		if (machine->shared && to_ns == work->until_ns) {
			work->bill->burn_nano += (int64_t)(share / piece->parts);
			work->bill->shared_burn_nano += (int64_t)(share / piece->parts);
		}
	}
}

static void add_instances(struct machine *machine, const size_t *columns)
{
	const struct usage_set *own = machine->work->own;

	for (size_t i = 0; i < own->interval_count; i++) {
		const struct usage_interval *interval = &own->intervals[i];
		int64_t start_ns = interval->start_ns;

		if (columns[interval->subject] == 0)
			continue;
		while (start_ns < interval->end_ns) {
			int64_t stop_ns = min64(hour_end(start_ns), interval->end_ns);

			add_hour(machine, interval, columns[interval->subject] - 1, start_ns,
				stop_ns);
			start_ns = stop_ns;
		}
	}
}

/* ---- who pays what of an hour ---- */

/* The tenant's own machine: all of it is paid, what nobody has as the idle line. */
static int share_own(struct machine *machine, size_t hour, size_t idle, weight *weights,
	int64_t *shares)
{
	struct bill_work *work = machine->work;
	int64_t at_ns = work->month.start_ns + (int64_t)hour * CALENDAR_HOUR_NS;
	size_t count = machine->column_count;
	weight had = 0;
	int r;

	for (size_t i = 0; i < count; i++) {
		weights[i] = machine->cells[hour * count + i];
		had += weights[i];
	}
	weights[count] = had < machine->whole[hour] ? machine->whole[hour] - had : 0;
	r = money_share(machine->cost[hour], weights, count + 1, shares);
	for (size_t i = 0; r == 0 && i < count; i++)
		bill_lines_add(&work->lines, machine->lines[i], at_ns, shares[i]);
	if (r == 0)
		bill_lines_add(&work->lines, idle, at_ns, shares[count]);
	return r;
}

/* A shared one: what was reserved or used. */
static void share_shared(struct machine *machine, size_t hour)
{
	struct bill_work *work = machine->work;
	int64_t at_ns = work->month.start_ns + (int64_t)hour * CALENDAR_HOUR_NS;

	for (size_t i = 0; i < machine->column_count; i++)
		bill_lines_add(&work->lines, machine->lines[i], at_ns,
			(int64_t)(machine->cells[hour * machine->column_count + i] /
				  CALENDAR_HOUR_NS));
}

static int idle_line(struct machine *machine, size_t *ret)
{
	struct bill_line key = {.kind = BILL_IDLE};

	(void)text_copy(key.name, sizeof(key.name), machine->name);
	(void)text_copy(key.sku, sizeof(key.sku), machine->subject->sku);
	(void)text_copy(key.region, sizeof(key.region), machine->subject->region);
	return bill_lines_find(&machine->work->lines, &key, ret);
}

/* What the days of its lines were of: of its time as large a part as of its cost. */
static void describe(struct machine *machine, size_t line, const struct bill_use *left)
{
	struct bill_line *it = &machine->work->lines.all[line];

	for (int day = 0; day < BILL_DAYS_MAX; day++) {
		const struct bill_use *all = &machine->all[day];
		struct bill_use *use = &it->use[day];

		if (left)
			*use = left[day];
		use->machine_nano = all->machine_nano;
		use->paid_ms = 0;
		if (all->machine_nano > 0)
			use->paid_ms =
				(int64_t)(weight_of(it->daily[day]) * weight_of(all->paid_ms) /
					  weight_of(all->machine_nano));
	}
}

/* As describe, of all of them and, of a machine that is not shared, of what is left idle. */
static void machine_describe(struct machine *machine, size_t idle)
{
	struct bill_use left[BILL_DAYS_MAX];

	for (size_t hour = 0; hour < HOURS_MAX; hour++)
		machine->all[hour / 24].machine_nano += machine->cost[hour];
	(void)memcpy(left, machine->all, sizeof(left));
	for (size_t i = 0; i < machine->column_count; i++) {
		const struct bill_use *use = machine->work->lines.all[machine->lines[i]].use;

		for (int day = 0; day < BILL_DAYS_MAX; day++) {
			left[day].cpu_milli_s =
				max64(left[day].cpu_milli_s - use[day].cpu_milli_s, 0);
			left[day].memory_mib_s =
				max64(left[day].memory_mib_s - use[day].memory_mib_s, 0);
		}
		describe(machine, machine->lines[i], NULL);
	}
	if (!machine->shared)
		describe(machine, idle, left);
}

static int machine_share(struct machine *machine)
{
	_cleanup_free_ weight *weights = calloc(machine->column_count + 1, sizeof(*weights));
	_cleanup_free_ int64_t *shares = calloc(machine->column_count + 1, sizeof(*shares));
	size_t idle = 0;
	int r = weights && shares ? 0 : -ENOMEM;

	if (r == 0 && !machine->shared)
		r = idle_line(machine, &idle);
	for (size_t hour = 0; hour < HOURS_MAX && r == 0; hour++) {
		if (machine->whole[hour] == 0)
			continue;
		if (machine->shared)
			share_shared(machine, hour);
		else
			r = share_own(machine, hour, idle, weights, shares);
	}
	if (r == 0)
		machine_describe(machine, idle);
	return r;
}

static int bill_machine(struct bill_work *work, const struct usage_set *set, const char *name,
	const struct measures *measures)
{
	_cleanup_free_ size_t *columns = calloc(work->own->subject_count + 1, sizeof(*columns));
	struct machine *machine = calloc(1, sizeof(*machine));
	int r = columns && machine ? 0 : -ENOMEM;

	if (r == 0) {
		machine->work = work;
		machine->name = name;
		machine->shared = set != work->own;
		machine->measures = measures;
		r = machine_load(machine, set);
	}
	if (r == 0 && machine->piece_count > 0) {
		r = columns_make(machine, columns);
		if (r == 0) {
			add_instances(machine, columns);
			r = machine_share(machine);
		}
	}
	if (machine) {
		free(machine->pieces);
		free(machine->lines);
		free(machine->cells);
	}
	free(machine);
	return r;
}

/* Each machine of set once, by name. */
static int bill_set(struct bill_work *work, const struct usage_set *set,
	const struct measures *measures)
{
	int r = 0;

	for (size_t i = 0; i < set->subject_count && r == 0; i++) {
		size_t j = 0;

		if (set->subjects[i].kind != USAGE_HOST)
			continue;
		while (j < i && (set->subjects[j].kind != USAGE_HOST ||
					strcmp(set->subjects[j].name, set->subjects[i].name) != 0))
			j++;
		if (j == i)
			r = bill_machine(work, set, set->subjects[i].name, measures);
	}
	return r;
}

int bill_machines(struct bill_work *work)
{
	_cleanup_measures_ struct measures measures = {0};
	int r = measures_init(&measures, work->own);

	if (r == 0)
		r = bill_set(work, work->own, &measures);
	if (r == 0 && work->shared)
		r = bill_set(work, work->shared, &measures);
	return r;
}
