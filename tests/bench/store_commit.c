/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable single-value updates through the store, beside SQLite alone doing the same to the same
 * rows on the same disk. By turns, a tenth of a second each: what else the machine does hits both
 * alike. usage: store_commit DIR
 */
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/store.h"

#define WRITERS    16
#define ROUNDS     30
#define RUN_NS     (NS_PER_SECOND / 10)
#define LATENCIES  2000
#define SPEC_BYTES 200

struct bench {
	char dir[256];
	struct store *store;
	int64_t services[WRITERS];
	int64_t until_ns;
};

struct writer {
	struct bench *bench;
	pthread_t thread;
	int number;
	int64_t count;
	char spec[SPEC_BYTES + 1];
};

static void die(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	exit(1);
}

static int make_services(struct txn *txn, void *arg, struct error *reterr)
{
	struct bench *bench = arg;
	int64_t tenant = 0;
	char name[16];
	int r;

	r = txn_create(txn, PLATFORM_ID, KIND_TENANT, "bench", &tenant, reterr);
	for (int i = 0; i < WRITERS && r == 0; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		r = txn_create(txn, tenant, KIND_SERVICE, name, &bench->services[i], reterr);
	}
	return r;
}

static void bench_open(struct bench *bench, const char *parent, const char *name)
{
	struct store_options options = {.dir = bench->dir};
	struct error error = ERROR_INIT;

	(void)snprintf(bench->dir, sizeof(bench->dir), "%s/%s", parent, name);
	(void)file_remove_tree(bench->dir, NULL);
	if (store_open(&bench->store, &options, &error) < 0 ||
		store_tokens_open(bench->store, "bench", &error) < 0 ||
		store_update(bench->store, STORE_DURABLE, NULL, make_services, bench, &error) < 0)
		die(error.text);
}

static void bench_close(struct bench *bench)
{
	store_close(bench->store);
	bench->store = NULL;
	(void)file_remove_tree(bench->dir, NULL);
}

/* ---- through the store ---- */

static int write_one(struct txn *txn, void *arg, struct error *reterr)
{
	struct writer *writer = arg;

	return txn_set_spec(txn, writer->bench->services[writer->number], writer->spec, SPEC_BYTES,
		false, "", reterr);
}

static void writer_next(struct writer *writer)
{
	struct caller caller = {
		.token = (uint64_t)writer->number << 40 | (uint64_t)(writer->count + 1)};

	(void)snprintf(writer->spec, sizeof(writer->spec), "{\"Replicas\":%-*" PRId64 "}",
		SPEC_BYTES - 14, writer->count);
	if (store_update(writer->bench->store, STORE_DURABLE, &caller, write_one, writer, NULL) < 0)
		die("store_update failed");
	writer->count++;
}

static void *write_on(void *arg)
{
	struct writer *writer = arg;

	while (clock_now_ns() < writer->bench->until_ns)
		writer_next(writer);
	return NULL;
}

/* Updates a second. */
static double run_store(struct bench *bench, int writers)
{
	struct writer list[WRITERS];
	int64_t start_ns = clock_now_ns(), count = 0;

	bench->until_ns = start_ns + RUN_NS;
	for (int i = 0; i < writers; i++) {
		list[i] = (struct writer){.bench = bench, .number = i};
		if (pthread_create(&list[i].thread, NULL, write_on, &list[i]) != 0)
			die("no thread");
	}
	for (int i = 0; i < writers; i++) {
		(void)pthread_join(list[i].thread, NULL);
		count += list[i].count;
	}
	return (double)count * 1e9 / (double)(clock_now_ns() - start_ns);
}

/* ---- SQLite alone: one thread, the same changes of rows, so many to a transaction ---- */

enum { BEGIN, OBJECT, TEXT, HISTORY, TOKEN, COMMIT, STATEMENTS };

struct bare {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	int64_t count;
};

static void bare_open(struct bare *bare, const char *dir)
{
	static const char *const sql[] = {
		"BEGIN IMMEDIATE",
		"UPDATE object SET generation = generation + 1, spec_ns = ?2 WHERE id = ?1",
		"INSERT INTO text VALUES (?1 * 8 + 1, ?2)"
		" ON CONFLICT (id) DO UPDATE SET text = excluded.text",
		"INSERT INTO history VALUES (?1, ?2, 0, 0, 0, 0, 0, ?3)",
		"INSERT OR REPLACE INTO token VALUES (?1, ?2, ?2)",
		"COMMIT",
	};
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/duplofs.db", dir);
	if (sqlite3_open(path, &bare->db) != SQLITE_OK ||
		sqlite3_exec(bare->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL) != SQLITE_OK)
		die("cannot open the bare database");
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v2(bare->db, sql[i], -1, &bare->statements[i], NULL) !=
			SQLITE_OK)
			die(sqlite3_errmsg(bare->db));
	bare->count = 1000000;
}

static void bare_step(struct bare *bare, int which)
{
	if (sqlite3_step(bare->statements[which]) != SQLITE_DONE)
		die(sqlite3_errmsg(bare->db));
	(void)sqlite3_reset(bare->statements[which]);
}

static void bare_write(struct bare *bare, int64_t service)
{
	sqlite3_stmt **statements = bare->statements;
	char spec[SPEC_BYTES + 1];

	bare->count++;
	(void)snprintf(spec, sizeof(spec), "{\"Replicas\":%-*" PRId64 "}", SPEC_BYTES - 14,
		bare->count);
	(void)sqlite3_bind_int64(statements[OBJECT], 1, service);
	(void)sqlite3_bind_int64(statements[OBJECT], 2, bare->count);
	bare_step(bare, OBJECT);
	(void)sqlite3_bind_int64(statements[TEXT], 1, service);
	(void)sqlite3_bind_text(statements[TEXT], 2, spec, SPEC_BYTES, SQLITE_STATIC);
	bare_step(bare, TEXT);
	(void)sqlite3_bind_int64(statements[HISTORY], 1, service);
	(void)sqlite3_bind_int64(statements[HISTORY], 2, bare->count);
	(void)sqlite3_bind_text(statements[HISTORY], 3, spec, SPEC_BYTES, SQLITE_STATIC);
	bare_step(bare, HISTORY);
	(void)sqlite3_bind_int64(statements[TOKEN], 1, bare->count % 16384);
	(void)sqlite3_bind_int64(statements[TOKEN], 2, bare->count);
	bare_step(bare, TOKEN);
}

static void bare_group(struct bare *bare, const struct bench *bench, int group)
{
	bare_step(bare, BEGIN);
	for (int i = 0; i < group; i++)
		bare_write(bare, bench->services[i]);
	bare_step(bare, COMMIT);
}

static double run_bare(struct bare *bare, const struct bench *bench, int group)
{
	int64_t start_ns = clock_now_ns(), count = 0;

	for (; clock_now_ns() < start_ns + RUN_NS; count += group)
		bare_group(bare, bench, group);
	return (double)count * 1e9 / (double)(clock_now_ns() - start_ns);
}

/* ---- one writer's latency ---- */

static int compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static double percentile_us(int64_t *times, int percent)
{
	qsort(times, LATENCIES, sizeof(*times), compare);
	return (double)times[LATENCIES * percent / 100] / 1000;
}

static void compare_latency(struct bench *bench, struct bare *bare, const struct bench *other)
{
	static int64_t ours[LATENCIES], theirs[LATENCIES];
	struct writer writer = {.bench = bench};

	for (int i = 0; i < LATENCIES; i++) {
		int64_t start_ns = clock_now_ns();

		writer_next(&writer);
		ours[i] = clock_now_ns() - start_ns;
		start_ns = clock_now_ns();
		bare_group(bare, other, 1);
		theirs[i] = clock_now_ns() - start_ns;
	}
	(void)printf("| one writer, median latency | %.0f µs | %.0f µs | %.2f |\n",
		percentile_us(ours, 50), percentile_us(theirs, 50),
		percentile_us(ours, 50) / percentile_us(theirs, 50));
	(void)printf("| one writer, p99 latency | %.0f µs | %.0f µs | %.2f |\n",
		percentile_us(ours, 99), percentile_us(theirs, 99),
		percentile_us(ours, 99) / percentile_us(theirs, 99));
}

static int compare_rates(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static double median(double *rates)
{
	qsort(rates, ROUNDS, sizeof(*rates), compare_rates);
	return rates[ROUNDS / 2];
}

/* Processor time of all threads until now. */
static double processor_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

enum { STORE_MANY, BARE_MANY, STORE_ONE, BARE_ONE, KINDS };

/* What one turn has found: updates a second, and processor time of each. */
struct turn {
	double rate, processor_us;
};

static struct turn run_turn(int kind, struct bench *bench, struct bare *bare,
	const struct bench *other)
{
	int writers = kind == STORE_MANY || kind == BARE_MANY ? WRITERS : 1;
	bool alone = kind == BARE_MANY || kind == BARE_ONE;
	double before_us = processor_us(), seconds;
	int64_t start_ns = clock_now_ns();
	struct turn turn;

	turn.rate = alone ? run_bare(bare, other, writers) : run_store(bench, writers);
	seconds = (double)(clock_now_ns() - start_ns) / 1e9;
	turn.processor_us = (processor_us() - before_us) / (turn.rate * seconds);
	return turn;
}

static void compare_rate(struct bench *bench, struct bare *bare, const struct bench *other)
{
	static double rates[KINDS][ROUNDS], times_us[KINDS][ROUNDS];
	double medians[KINDS], medians_us[KINDS];

	for (int round = 0; round < ROUNDS; round++)
		for (int kind = 0; kind < KINDS; kind++) {
			struct turn turn = run_turn(kind, bench, bare, other);

			rates[kind][round] = turn.rate;
			times_us[kind][round] = turn.processor_us;
		}
	for (int kind = 0; kind < KINDS; kind++) {
		medians[kind] = median(rates[kind]);
		medians_us[kind] = median(times_us[kind]);
	}
	(void)printf("| durable updates, median of %d turns | store | SQLite alone | ratio |\n"
		     "| --- | --- | --- | --- |\n",
		ROUNDS);
	(void)printf("| %d writers, a second | %.0f | %.0f (groups of %d) | %.2f |\n", WRITERS,
		medians[STORE_MANY], medians[BARE_MANY], WRITERS,
		medians[STORE_MANY] / medians[BARE_MANY]);
	(void)printf("| %d writers, processor time an update | %.1f µs | %.1f µs | %.2f |\n",
		WRITERS, medians_us[STORE_MANY], medians_us[BARE_MANY],
		medians_us[STORE_MANY] / medians_us[BARE_MANY]);
	(void)printf("| 1 writer, a second | %.0f | %.0f | %.2f |\n", medians[STORE_ONE],
		medians[BARE_ONE], medians[STORE_ONE] / medians[BARE_ONE]);
}

int main(int argc, char **argv)
{
	struct bench bench = {.store = NULL}, other = {.store = NULL};
	struct bare bare;

	if (argc != 2)
		die("usage: store_commit DIR");
	bench_open(&bench, argv[1], "store");
	bench_open(&other, argv[1], "bare");
	store_close(other.store);
	other.store = NULL;
	bare_open(&bare, other.dir);
	compare_rate(&bench, &bare, &other);
	compare_latency(&bench, &bare, &other);
	for (int i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(bare.statements[i]);
	(void)sqlite3_close(bare.db);
	bench_close(&other);
	bench_close(&bench);
	return 0;
}
