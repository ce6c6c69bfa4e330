/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images - pulls what containers need, each image once at a time and host, whoever asks.
 * Promises: asking never blocks; who asked while a pull ran is woken when it ended. A pull that
 *           failed is not tried again before its backoff is over.
 * Threads: any; the pull itself runs on the slow queue.
 * Ownership: names are copied.
 */
#ifndef DUPLOFS_RECONCILE_INSTANCE_IMAGES_H
#define DUPLOFS_RECONCILE_INSTANCE_IMAGES_H

#include <stdint.h>

#include "reconcile/context.h"

int images_new(struct images **ret, struct error *reterr);
void images_free(struct images *images);

/*
 * The host's engine said that it lacks image. 0: it was pulled since, try again. -EINPROGRESS: a
 * pull runs; instance is woken when it ends, and service when there is progress to tell. Else the
 * pull's error, and *ret_retry_ns (monotonic) says when the next one may begin.
 */
int images_want(struct host *host, const char *image, int64_t instance, int64_t service,
	int64_t *ret_retry_ns, struct error *reterr);

/* The container was made: a next "no such image" means that it was removed. */
void images_used(struct host *host, const char *image);

/* The host is given up: nothing of it is kept. A pull that runs is forgotten at its end. */
void images_forget(struct host *host);

/* "pulling nginx:1: 45 %" while a pull runs on some host, else "". */
void images_progress(struct reconciler *r, const char *image, char *text, size_t size);

/* Work of the slow queue. */
int64_t images_pull(struct reconciler *r, int64_t number);

#endif
