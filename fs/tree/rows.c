/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/rows.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"

struct link {
	const struct row *row;
	const char *name; /* NULL: varies */
	uint8_t parent; /* 0: none */
	uint8_t first, last; /* children, 0: none */
	uint8_t next; /* sibling */
	uint8_t variable; /* the child whose name varies */
};

static const struct row *const tables[] = {
	rows_platform,
	rows_policy,
	rows_metrics,
	rows_tenant,
	rows_service,
	rows_instance,
	rows_logs,
	rows_host,
	rows_resource,
	rows_value,
	rows_view,
	rows_prices,
	rows_dashboards,
	rows_billing,
	rows_billing_all,
	rows_next,
	rows_group,
};

static struct link links[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct error compile_error;

void rows_each(void (*fn)(void *arg, const struct row *row), void *arg)
{
	size_t i;
	const struct row *row;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (row = tables[i]; row->path; row++)
			fn(arg, row);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static uint8_t find_path(const char *path, size_t len)
{
	size_t i;

	for (i = 1; i < ARRAY_SIZE(links); i++) {
		const struct row *row = links[i].row;

		if (row && strncmp(row->path, path, len) == 0 && row->path[len] == '\0')
			return (uint8_t)i;
	}
	return 0;
}

static void check_handlers(const struct row *row, struct error *reterr)
{
	bool dir = row_is_dir(row);

	if (dir && (row->render || row->apply || !(row->mode & 0100)))
		(void)error_set(reterr, -EINVAL, "%s: not made like a directory", row->path);
	else if (!dir && !row->render && !row->read && !row->asks && !(row->flags & ROW_WAITS))
		(void)error_set(reterr, -EINVAL, "%s: nothing renders it", row->path);
	else if (!dir && (row->mode & 0111))
		(void)error_set(reterr, -EINVAL, "%s: a file that can be executed", row->path);
	else if (!dir && !row->apply != !(row->mode & 0200))
		(void)error_set(reterr, -EINVAL, "%s: mode and handlers disagree", row->path);
	else if (row->apply && row->limit == 0)
		(void)error_set(reterr, -EINVAL, "%s: writable without a limit", row->path);
	else if ((row->flags & (ROW_DOCUMENT | ROW_LINE)) && !row->check)
		(void)error_set(reterr, -EINVAL, "%s: nothing checks it", row->path);
	else if (!row->help)
		(void)error_set(reterr, -EINVAL, "%s: no help", row->path);
}

static void add_row(void *arg, const struct row *row)
{
	struct error *reterr = arg;
	struct link *link = &links[row->number];

	if (reterr->code)
		return;
	if (row->number == 0 || row->number == ROW_SCRATCH || link->row) {
		(void)error_set(reterr, -EINVAL, "%s: its number is taken", row->path);
		return;
	}
	if (find_path(row->path, strlen(row->path))) {
		(void)error_set(reterr, -EINVAL, "%s: there twice", row->path);
		return;
	}
	link->row = row;
	link->name = last_part(row->path);
	if (link->name[0] == '{')
		link->name = NULL;
	check_handlers(row, reterr);
}

static void join_row(void *arg, const struct row *row)
{
	struct error *reterr = arg;
	const char *slash = strrchr(row->path, '/');
	uint8_t parent = ROW_ROOT;
	struct link *above;

	if (reterr->code || row->number == ROW_ROOT)
		return;
	if (slash)
		parent = find_path(row->path, (size_t)(slash - row->path));
	above = &links[parent];
	if (parent == 0 || !row_is_dir(above->row)) {
		(void)error_set(reterr, -EINVAL, "%s: no directory above it", row->path);
		return;
	}
	links[row->number].parent = parent;
	if (!links[row->number].name) {
		if (above->variable)
			(void)error_set(reterr, -EINVAL, "%s: two names that vary", row->path);
		above->variable = row->number;
		return;
	}
	if (above->last)
		links[above->last].next = row->number;
	else
		above->first = row->number;
	above->last = row->number;
}

static void compile(void)
{
	rows_each(add_row, &compile_error);
	if (!compile_error.code && !links[ROW_ROOT].row)
		(void)error_set(&compile_error, -EINVAL, "no row for the root");
	rows_each(join_row, &compile_error);
}

int rows_compile(struct error *reterr)
{
	(void)pthread_once(&once, compile);
	if (compile_error.code && reterr)
		*reterr = compile_error;
	return compile_error.code;
}

const struct row *row_get(uint8_t number)
{
	return links[number].row;
}

const struct row *row_parent(const struct row *row)
{
	return links[links[row->number].parent].row;
}

const char *row_name(const struct row *row)
{
	return links[row->number].name;
}

const struct row *row_first(const struct row *row)
{
	return links[links[row->number].first].row;
}

const struct row *row_next(const struct row *row)
{
	return links[links[row->number].next].row;
}

const struct row *row_find(const struct row *row, const char *name)
{
	const struct row *child;

	for (child = row_first(row); child; child = row_next(child))
		if (strcmp(row_name(child), name) == 0)
			return child;
	return NULL;
}

const struct row *row_variable(const struct row *row)
{
	return links[links[row->number].variable].row;
}

bool row_is_dir(const struct row *row)
{
	return row->flags & ROW_DIR;
}

bool row_is_writable(const struct row *row)
{
	return row->apply != NULL;
}
