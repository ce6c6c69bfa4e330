/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A platform's tenants and services, straight into its store: as if users had made them and the
 * platform had settled them. And what looking at them through a mount costs.
 * usage: scale fill STATE-DIRECTORY TENANTS SERVICES   tenants t0..., services s0... in each
 *        scale fill-one STATE-DIRECTORY SERVICES       all in one tenant, "wide"
 *        scale look MOUNT TENANTS SERVICES MOUNT TENANTS SERVICES
 *                        median and p99 of stat and of reading in both, µs, a line each
 *        scale list DIRECTORY                          entries, ms to the first and to all
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/store.h"

#define SPREAD  10 /* tenants that are looked at */
#define LOOKS   1000
#define AT_ONCE 1000 /* services in a transaction */

struct fill {
	const char *tenant;
	int64_t from, to, id; /* services of the tenant */
};

static void die(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	exit(1);
}

static int64_t number(const char *text)
{
	int64_t value = 0;

	if (text_parse_int(text, 1, INT64_C(100000000), &value) < 0)
		die("not a number");
	return value;
}

static int fill(struct txn *txn, void *arg, struct error *reterr)
{
	static const char spec[] = "{\"DockerImage\":\"example/web:1\",\"Replicas\":\"0\"}\n";
	struct fill *fill = arg;
	int64_t service = 0;
	char name[32];
	int r = 0;

	if (fill->from == 0)
		r = txn_create(txn, PLATFORM_ID, KIND_TENANT, fill->tenant, &fill->id, reterr);
	for (int64_t i = fill->from; i < fill->to && r == 0; i++) {
		(void)snprintf(name, sizeof(name), "s%" PRId64, i);
		r = txn_create(txn, fill->id, KIND_SERVICE, name, &service, reterr);
		if (r == 0)
			r = txn_set_spec(txn, service, spec, sizeof(spec) - 1, true, "", reterr);
		if (r == 0)
			r = txn_set_status(txn, service, "{\"Phase\":\"running\"}");
		if (r == 0)
			r = txn_set_observed(txn, service, 1, 0, NULL);
	}
	return r;
}

static void fill_tenant(struct store *store, const char *tenant, int64_t services)
{
	struct fill work = {.tenant = tenant};
	struct error error = ERROR_INIT;

	for (; work.from < services; work.from = work.to) {
		work.to = work.from + AT_ONCE < services ? work.from + AT_ONCE : services;
		if (store_update(store, STORE_RELAXED, NULL, fill, &work, &error) < 0)
			die(error.text);
	}
}

static struct store *open_store(const char *dir)
{
	struct store_options options = {.dir = dir};
	struct error error = ERROR_INIT;
	struct store *store = NULL;

	if (store_open(&store, &options, &error) < 0)
		die(error.text);
	return store;
}

static void fill_all(const char *dir, int64_t tenants, int64_t services)
{
	struct store *store = open_store(dir);
	char name[32];

	for (int64_t i = 0; i < tenants; i++) {
		(void)snprintf(name, sizeof(name), "t%" PRId64, i);
		fill_tenant(store, name, services / tenants);
	}
	store_close(store);
}

/* ---- looking ---- */

static int compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void look_at(const char *path, bool content)
{
	char data[4096];
	struct stat st;
	int fd;

	if (!content && stat(path, &st) < 0)
		die(path);
	if (!content)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, data, sizeof(data)) <= 0 || close(fd) < 0)
		die(path);
}

struct place {
	const char *mount;
	int64_t tenants, services;
	int64_t times[LOOKS];
};

static void look_once(struct place *place, int64_t i, bool content)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/t%" PRId64 "/services/s%" PRId64 "/status",
		place->mount, i % SPREAD * (place->tenants / SPREAD), i / SPREAD);
	place->times[i] = clock_now_ns();
	look_at(path, content);
	place->times[i] = clock_now_ns() - place->times[i];
}

static void print_look(struct place *place, int64_t count)
{
	qsort(place->times, (size_t)count, sizeof(*place->times), compare);
	(void)printf("%.1f %.1f\n", (double)place->times[count / 2] / 1000,
		(double)place->times[count * 99 / 100] / 1000);
}

/*
 * All services of ten tenants from one end to the other, each once: as many names are looked up for
 * the first time, and as few are known, among many as among few. By turns, so that what else the
 * machine does hits both alike.
 */
static void look(struct place places[2], bool content)
{
	int64_t all = SPREAD * (places[0].services / places[0].tenants);
	int64_t count = all < LOOKS ? all : LOOKS;

	for (int64_t i = 0; i < count; i++) {
		look_once(&places[0], i, content);
		look_once(&places[1], i, content);
	}
	print_look(&places[0], count);
	print_look(&places[1], count);
}

static void look_all(char **arguments)
{
	static struct place places[2];

	for (int i = 0; i < 2; i++) {
		places[i].mount = arguments[i * 3];
		places[i].tenants = number(arguments[i * 3 + 1]);
		places[i].services = number(arguments[i * 3 + 2]);
	}
	look(places, false);
	look(places, true);
}

static void list(const char *path)
{
	int64_t begun_ns = clock_now_ns(), first_ns = 0, count = 0;
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory)
		die(path);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == 's' && count++ == 0)
			first_ns = clock_now_ns() - begun_ns;
	}
	(void)closedir(directory);
	(void)printf("%" PRId64 " %.1f %.1f\n", count, (double)first_ns / 1e6,
		(double)(clock_now_ns() - begun_ns) / 1e6);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (argc == 5 && strcmp(what, "fill") == 0) {
		fill_all(argv[2], number(argv[3]), number(argv[4]));
	} else if (argc == 4 && strcmp(what, "fill-one") == 0) {
		struct store *store = open_store(argv[2]);

		fill_tenant(store, "wide", number(argv[3]));
		store_close(store);
	} else if (argc == 8 && strcmp(what, "look") == 0) {
		look_all(argv + 2);
	} else if (argc == 3 && strcmp(what, "list") == 0) {
		list(argv[2]);
	} else {
		die("usage: scale fill|fill-one|look|list ...");
	}
	return 0;
}
