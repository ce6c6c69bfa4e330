/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_keys - the authority by which the platform and the engines of its hosts know each other:
 *               TLS with a certificate on either side.
 * Promises: an authority that exists is kept; keys are 0600. It signs nothing else: whoever has a
 *           client's certificate of it has all power over every host.
 * Threads: issuing from any; the rest from one at a time.
 * Ownership: files live in a directory of their own: see cloud.h.
 */
#ifndef DUPLOFS_CLOUD_AWS_MACHINE_ENGINE_KEYS_H
#define DUPLOFS_CLOUD_AWS_MACHINE_ENGINE_KEYS_H

#include "base/buf.h"
#include "base/error.h"

struct engine_keys;

/* Makes what is missing in dir, and renews what has less than a month. */
int engine_keys_new(struct engine_keys **ret, const char *dir, const char *platform,
	struct error *reterr);
void engine_keys_free(struct engine_keys *keys);

/* A certificate and its key for the engine of this name, as PEM; wipe the key. */
int engine_keys_issue(const struct engine_keys *keys, const char *name, struct buf *ret_certificate,
	struct buf *ret_key, struct error *reterr);
/* The authority's certificate, as PEM. Appends. */
int engine_keys_authority(const struct engine_keys *keys, struct buf *out, struct error *reterr);

#endif
