/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>
#include <stddef.h>

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg,
	struct error *reterr)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(ret, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return error_errno(reterr, r, "cannot start thread %s", name);
	(void)pthread_setname_np(*ret, name);
	return 0;
}

void thread_join(pthread_t thread)
{
	(void)pthread_join(thread, NULL);
}
