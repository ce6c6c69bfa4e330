/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/transfer.h"

struct net_cancel {
	atomic_bool set;
	int fd; /* readable once set, and never read: it wakes every waiter */
};

int net_cancel_new(struct net_cancel **ret, struct error *reterr)
{
	struct net_cancel *cancel = calloc(1, sizeof(*cancel));
	int saved;

	if (!cancel)
		return error_oom(reterr);
	cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (cancel->fd < 0) {
		saved = errno;
		free(cancel);
		return error_errno(reterr, saved, "eventfd");
	}
	*ret = cancel;
	return 0;
}

void net_cancel_set(struct net_cancel *cancel)
{
	if (!atomic_exchange(&cancel->set, true))
		(void)eventfd_write(cancel->fd, 1);
}

bool net_cancel_is_set(const struct net_cancel *cancel)
{
	return atomic_load(&cancel->set);
}

bool net_cancel_wait(const struct net_cancel *cancel, int wait_ms)
{
	struct pollfd readable = {.fd = cancel->fd, .events = POLLIN};

	(void)poll(&readable, 1, wait_ms);
	return net_cancel_is_set(cancel);
}

int net_cancel_fd(const struct net_cancel *cancel)
{
	return cancel ? cancel->fd : -1;
}

void net_cancel_free(struct net_cancel *cancel)
{
	if (!cancel)
		return;
	(void)close(cancel->fd);
	free(cancel);
}
