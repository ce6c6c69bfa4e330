/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a look at one object costs among a thousand services and among a million, and what a million
 * costs in memory. usage: store_read DIR
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "store/store.h"

#define PER_TENANT 100
#define LOOKS      20000

struct bench {
	char dir[256];
	struct store *store;
	int64_t first_tenant, tenants;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	exit(1);
}

/* A tenant with its services, each with a spec and a status. */
static int make_tenant(struct txn *txn, void *arg, struct error *reterr)
{
	static const char spec[] = "{\"DockerImage\":\"example/web:1\",\"Replicas\":\"3\","
				   "\"ExternalLBPort\":\"80\",\"DNS\":\"\"}\n";
	struct bench *bench = arg;
	int64_t tenant = 0, service = 0;
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "t%" PRId64, bench->tenants++);
	r = txn_create(txn, PLATFORM_ID, KIND_TENANT, name, &tenant, reterr);
	if (r == 0 && bench->first_tenant == 0)
		bench->first_tenant = tenant;
	for (int i = 0; i < PER_TENANT && r == 0; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		r = txn_create(txn, tenant, KIND_SERVICE, name, &service, reterr);
		if (r == 0)
			r = txn_set_spec(txn, service, spec, sizeof(spec) - 1, true, "", reterr);
		if (r == 0)
			r = txn_set_status(txn, service,
				"{\"Phase\":\"running\",\"Replicas\":3,\"Healthy\":3}");
		if (r == 0)
			r = txn_set_observed(txn, service, 1, 0, NULL);
	}
	return r;
}

static void bench_open(struct bench *bench)
{
	struct store_options options = {.dir = bench->dir};
	struct error error = ERROR_INIT;

	if (store_open(&bench->store, &options, &error) < 0)
		die(error.text);
}

static void bench_fill(struct bench *bench, int64_t services)
{
	struct error error = ERROR_INIT;

	for (int64_t i = 0; i < services / PER_TENANT; i++)
		if (store_update(bench->store, STORE_RELAXED, NULL, make_tenant, bench, &error) < 0)
			die(error.text);
}

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Ids are given in the order of creation: a tenant, then its services. */
static int64_t any_tenant(const struct bench *bench)
{
	return bench->first_tenant +
	       (int64_t)(next_random() % (uint64_t)bench->tenants) * (PER_TENANT + 1);
}

static int compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

struct figures {
	double peek_us[2], name_us[2], get_us[2]; /* median, p99 */
	double first_ms; /* opening, to the first answer */
	int64_t memory_kib;
};

enum look { LOOK_PEEK, LOOK_NAME, LOOK_GET };

static int look(struct bench *bench, enum look which, int64_t tenant, int64_t number)
{
	struct object object = OBJECT_INIT;
	char name[16];
	int r;

	(void)snprintf(name, sizeof(name), "s%" PRId64, number);
	if (which == LOOK_NAME)
		r = store_peek_name(bench->store, tenant, KIND_SERVICE, name, &object);
	else if (which == LOOK_PEEK)
		r = store_peek(bench->store, tenant + 1 + number, &object);
	else
		r = store_get(bench->store, tenant + 1 + number, &object);
	if (r == 0 && strcmp(object.name, name) != 0)
		die("found another one");
	object_done(&object);
	return r;
}

static void measure(struct bench *bench, enum look which, double ret[2])
{
	static int64_t times[LOOKS];

	for (int i = 0; i < LOOKS; i++) {
		int64_t tenant = any_tenant(bench);
		int64_t number = (int64_t)(next_random() % PER_TENANT);
		int64_t start_ns = clock_now_ns();

		if (look(bench, which, tenant, number) < 0)
			die("lookup failed");
		times[i] = clock_now_ns() - start_ns;
	}
	qsort(times, LOOKS, sizeof(*times), compare);
	ret[0] = (double)times[LOOKS / 2] / 1000;
	ret[1] = (double)times[LOOKS * 99 / 100] / 1000;
}

static int64_t memory_kib(void)
{
	_cleanup_buf_ struct buf status = BUF_INIT;
	const char *line;

	if (file_read("/proc/self/status", 65536, &status, NULL) < 0)
		return 0;
	line = strstr(buf_string(&status), "VmRSS:");
	return line ? strtoll(line + 6, NULL, 10) : 0;
}

static void bench_run(struct bench *bench, int64_t services, struct figures *figures)
{
	int64_t start_ns;

	bench_fill(bench, services - bench->tenants * PER_TENANT);
	store_close(bench->store);
	start_ns = clock_now_ns();
	bench_open(bench);
	if (look(bench, LOOK_NAME, any_tenant(bench), 7) < 0)
		die("lookup failed");
	figures->first_ms = (double)(clock_now_ns() - start_ns) / 1e6;
	measure(bench, LOOK_PEEK, figures->peek_us);
	measure(bench, LOOK_NAME, figures->name_us);
	measure(bench, LOOK_GET, figures->get_us);
	figures->memory_kib = memory_kib();
}

static void print_row(const char *what, double few, double many)
{
	(void)printf("| %s | %.1f | %.1f | %.2f |\n", what, few, many, many / few);
}

int main(int argc, char **argv)
{
	int64_t many = argc == 3 ? strtoll(argv[2], NULL, 10) : 1000000;
	struct figures few_figures, many_figures;
	struct bench bench = {.store = NULL};
	char path[300];
	struct stat st;

	if (argc < 2)
		die("usage: store_read DIR [SERVICES]");
	(void)snprintf(bench.dir, sizeof(bench.dir), "%s/read", argv[1]);
	(void)file_remove_tree(bench.dir, NULL);
	bench_open(&bench);
	bench_run(&bench, 1000, &few_figures);
	bench_run(&bench, many, &many_figures);
	(void)printf("| | 1000 services | %" PRId64 " | ratio |\n| --- | --- | --- | --- |\n",
		many);
	print_row("a look by id, median µs", few_figures.peek_us[0], many_figures.peek_us[0]);
	print_row("a look by id, p99 µs", few_figures.peek_us[1], many_figures.peek_us[1]);
	print_row("a look by name, median µs", few_figures.name_us[0], many_figures.name_us[0]);
	print_row("spec and status, median µs", few_figures.get_us[0], many_figures.get_us[0]);
	print_row("spec and status, p99 µs", few_figures.get_us[1], many_figures.get_us[1]);
	print_row("open and first answer, ms", few_figures.first_ms, many_figures.first_ms);
	print_row("resident memory, KiB", (double)few_figures.memory_kib,
		(double)many_figures.memory_kib);
	(void)snprintf(path, sizeof(path), "%s/duplofs.db", bench.dir);
	if (stat(path, &st) == 0)
		(void)printf("\n%" PRId64 " bytes of database a service.\n",
			(int64_t)st.st_size / many);
	store_close(bench.store);
	(void)file_remove_tree(bench.dir, NULL);
	return 0;
}
