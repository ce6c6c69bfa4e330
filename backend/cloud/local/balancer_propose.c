/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "cloud/local/balancer_manager.h"
#include "cloud/local/port.h"

const char *balancer_listener_next(const struct balancer_entry *entry)
{
	return entry->proposed ? entry->listener_next : entry->listener;
}

void balancer_listener_propose(struct balancer_entry *entry, char *text)
{
	free(entry->listener_next);
	entry->listener_next = text;
	entry->proposed = true;
}

void balancer_listener_withdraw(struct balancer_entry *entry)
{
	free(entry->listener_next);
	entry->listener_next = NULL;
	entry->proposed = false;
}

void balancer_listener_fail(struct balancer_entry *entry, const struct error *error)
{
	entry->error = *error;
	entry->retry = true;
}

/* Another balancer of ours that has or wants the same address and port, or NULL. */
static const struct balancer_entry *listener_rival(const struct balancers *b,
	const struct balancer_entry *entry, int port)
{
	size_t i;

	for (i = 0; i < b->work_count; i++) {
		const struct balancer_entry *other = b->work[i];

		if (other == entry || other->unwanted)
			continue;
		if (haproxy_config_binds(balancer_listener_next(other), entry->want->address, port))
			return other;
	}
	return NULL;
}

int balancer_listener_probe(struct balancers *b, const struct balancer_entry *entry, int port,
	struct error *reterr)
{
	const struct balancer_entry *rival = listener_rival(b, entry, port);

	if (rival)
		return error_set(reterr, -EADDRINUSE,
			"port %d of %s is taken by another load balancer (object %lld)", port,
			entry->want->address, (long long)rival->service);
	if (b->haproxy.process.pid &&
		haproxy_config_binds(entry->listener, entry->want->address, port))
		return 0;
	return port_probe(entry->want->address, port, SOCK_STREAM, b->haproxy.config, reterr);
}

/* The certificate to listen with on 443, or none: trouble with it leaves the plain port alone. */
static bool listener_certificate(struct balancers *b, struct balancer_entry *entry,
	struct certificate_use *use)
{
	struct error error = ERROR_INIT;
	int r;

	if (!b->certificates || entry->want->dns[0] == '\0')
		return false;
	r = certificates_for(b->certificates, entry->want->dns, use, &error);
	if (r == -ENOENT)
		return false;
	if (r == 0)
		r = balancer_listener_probe(b, entry, BALANCER_TLS_PORT, &error);
	if (r < 0) {
		entry->warning = error;
		entry->retry = true;
	}
	return r == 0;
}

bool balancer_listener_do_without_tls(struct balancer_entry *entry, const struct error *error)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct listener listener = {.service = entry->service, .plain = true};

	if (!entry->want || entry->want->port == BALANCER_TLS_PORT ||
		!haproxy_config_binds(balancer_listener_next(entry), entry->want->address,
			BALANCER_TLS_PORT))
		return false;
	listener.address = entry->want->address;
	listener.port = entry->want->port;
	haproxy_config_listener(&text, &listener);
	if (text.error)
		return false;
	entry->warning = *error;
	if (entry->listener && strcmp(entry->listener, text.data) == 0)
		balancer_listener_withdraw(entry);
	else
		balancer_listener_propose(entry, buf_take(&text, NULL));
	return true;
}

/* Works out the text that a wanted entry should have and proposes it when it is another one. */
static void listener_work_out(struct balancers *b, struct balancer_entry *entry)
{
	const struct balancer_want *want = entry->want;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct certificate_use use;
	struct error error = ERROR_INIT;
	bool tls = listener_certificate(b, entry, &use);
	struct listener listener = {.service = entry->service,
		.address = want->address,
		.port = want->port,
		.plain = !(tls && want->port == BALANCER_TLS_PORT),
		.certificate = tls ? use.path : NULL,
		.serial = use.serial};

	if (listener.plain && balancer_listener_probe(b, entry, want->port, &error) < 0) {
		balancer_listener_fail(entry, &error);
		return;
	}
	haproxy_config_listener(&text, &listener);
	if (text.error) {
		(void)error_oom(&error);
		balancer_listener_fail(entry, &error);
		return;
	}
	if (!entry->listener || strcmp(entry->listener, text.data) != 0)
		balancer_listener_propose(entry, buf_take(&text, NULL));
}

void balancer_listener_touch(struct balancers *b, struct balancer_entry *entry)
{
	balancer_listener_withdraw(entry);
	entry->retry = false;
	error_clear(&entry->error);
	error_clear(&entry->warning);
	if (entry->unwanted) {
		if (entry->listener)
			balancer_listener_propose(entry, NULL);
	} else if (entry->want) {
		listener_work_out(b, entry);
	}
}
