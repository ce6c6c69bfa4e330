/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What looking at files costs, by turns on a tmpfs, on the platform and on the least of servers.
 * usage: files TMPFS-FILE OUR-FILE MINIMAL-FILE
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ROUNDS   15
#define ROUND_NS (60 * NS_PER_MILLISECOND)

enum place { TMPFS, OURS, MINIMAL, PLACES };

static const char *names[PLACES]; /* in their directories: no path is walked */
static int directories[PLACES], fds[PLACES];
static char data[4096];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void do_stat(enum place place)
{
	struct stat st;

	if (fstatat(directories[place], names[place], &st, 0) < 0)
		die(names[place]);
}

static void do_pread(enum place place)
{
	if (pread(fds[place], data, sizeof(data), 0) <= 0)
		die(names[place]);
}

static void do_open(enum place place)
{
	int fd = openat(directories[place], names[place], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, data, sizeof(data)) <= 0 || close(fd) < 0)
		die(names[place]);
}

/* Whatever the kernel knows, the server is asked. */
static void do_ask(enum place place)
{
	struct statx st;

	if (statx(directories[place], names[place], AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st) <
		0)
		die(names[place]);
}

/* Nanoseconds of one. */
static double measure(void (*act)(enum place place), enum place place)
{
	int64_t begun_ns = clock_now_ns(), now_ns, count = 0;

	do {
		for (int i = 0; i < 50; i++)
			act(place);
		count += 50;
		now_ns = clock_now_ns();
	} while (now_ns - begun_ns < ROUND_NS);
	return (double)(now_ns - begun_ns) / (double)count;
}

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* The median over rounds by turns of ours and theirs, and of their quotients. */
static void report(const char *what, void (*act)(enum place place), enum place other,
	const char *name, const char *wanted, bool speed)
{
	double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];

	(void)measure(act, OURS);
	(void)measure(act, other);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = measure(act, OURS);
		theirs[i] = measure(act, other);
		ratio[i] = speed ? theirs[i] / ours[i] : ours[i] / theirs[i];
	}
	qsort(ours, ROUNDS, sizeof(double), compare);
	qsort(theirs, ROUNDS, sizeof(double), compare);
	qsort(ratio, ROUNDS, sizeof(double), compare);
	printf("| %s | %.2f µs | %.2f µs (%s) | %.2f | %s |\n", what, ours[ROUNDS / 2] / 1000,
		theirs[ROUNDS / 2] / 1000, name, ratio[ROUNDS / 2], wanted);
}

int main(int argc, char **argv)
{
	if (argc != 1 + PLACES) {
		(void)fprintf(stderr, "usage: files TMPFS-FILE OUR-FILE MINIMAL-FILE\n");
		return 1;
	}
	for (int i = 0; i < PLACES; i++) {
		char *slash = strrchr(argv[1 + i], '/');

		if (!slash)
			die(argv[1 + i]);
		*slash = '\0';
		names[i] = slash + 1;
		directories[i] = open(argv[1 + i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		fds[i] = openat(directories[i], names[i], O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			die(names[i]);
	}
	printf("| | duplofs | beside it | ratio | wanted |\n| --- | --- | --- | --- | --- |\n");
	report("cached stat", do_stat, TMPFS, "tmpfs", "speed at least 0.8", true);
	report("pread of an open file", do_pread, TMPFS, "tmpfs", "speed at least 0.9", true);
	report("open, read, close", do_open, MINIMAL, "least server", "speed at least 0.9", true);
	report("getattr that is asked for", do_ask, MINIMAL, "least server", "time at most 1.25",
		false);
	return 0;
}
