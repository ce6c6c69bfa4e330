/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnsmasq - the dnsmasq program as a supervised process that answers from one file of names.
 * Promises: answers on one address only, asks no other server, writes nothing, runs as nobody.
 * Threads: a struct dnsmasq belongs to one thread.
 * Ownership: paths are fixed by dnsmasq_init; the process outlives us after dnsmasq_leave.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_DNSMASQ_H
#define DUPLOFS_CLOUD_LOCAL_DNSMASQ_H

#include <limits.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "cloud/cloud.h"
#include "cloud/local/address.h"
#include "cloud/dns_name.h"
#include "cloud/local/process.h"

struct dnsmasq {
	char config[PATH_MAX];
	char pid_file[PATH_MAX];
	char log[PATH_MAX];
	char names_dir[PATH_MAX]; /* readable by dnsmasq's user */
	char names[PATH_MAX + 8]; /* one "address name" a line */
	char tools[PATH_MAX];
	char address[ADDRESS_MAX];
	int port;
	char domain[DNS_NAME_MAX];
	struct process process;
};

int dnsmasq_init(struct dnsmasq *dnsmasq, const struct cloud_local_options *options,
	struct error *reterr);

/* Starts it, after the names were written. -ENOPKG: no such program; -EADDRINUSE: port taken. */
int dnsmasq_start(struct dnsmasq *dnsmasq, struct error *reterr);

/* Takes over a running dnsmasq with the same configuration; -ESRCH when there is none. */
int dnsmasq_adopt(struct dnsmasq *dnsmasq);

int dnsmasq_write_names(const struct dnsmasq *dnsmasq, const struct buf *text,
	struct error *reterr);

/* Makes it read the names again; when that has happened is for the caller to see (dns_query). */
bool dnsmasq_reload(const struct dnsmasq *dnsmasq);

/* Stops it and removes its files. */
void dnsmasq_stop(struct dnsmasq *dnsmasq);
void dnsmasq_leave(struct dnsmasq *dnsmasq);

#endif
