/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello - a small web program for demonstrations and tests; its parts share this header.
 * Promises: answers many connections at once; on SIGTERM it finishes what was asked, then ends.
 * Threads: one a connection, and the main one that accepts.
 * Ownership: a connection belongs to its thread; options are constant once the first thread runs.
 */
#ifndef DUPLOFS_EXAMPLES_HELLO_H
#define DUPLOFS_EXAMPLES_HELLO_H

#include <stdbool.h>
#include <stddef.h>

enum fault {
	FAULT_NONE,
	FAULT_EXIT, /* ends at once with status 3 */
	FAULT_CRASH, /* ends with status 4 some seconds after its start */
	FAULT_DEAF, /* runs, and listens nowhere */
	FAULT_SICK, /* /healthz says 503 for ever */
	FAULT_STUBBORN, /* ignores SIGTERM */
};

struct options {
	int port;
	const char *version;
	const char *replica; /* DUPLO_ORDINAL, "?" when it has none */
	const char *hostname;
	const char *view_dir; /* "/duplo" */
	enum fault fault;
};

extern struct options options;

/* A text that stops growing at its end. */
struct page {
	size_t len;
	char data[64 * 1024];
};

void page_printf(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the answer for path into page and returns the HTTP status. May block (/slow). */
int page_answer(struct page *page, const char *path);

/* Serves fd until the client or a stop ends it. stop_fd gets readable when the program is to end.
 */
void connection_serve(int fd, int stop_fd);

#endif
