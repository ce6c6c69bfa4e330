/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_fixture - what the tests with a real Docker Engine share: where it is, and a tiny image.
 * Promises: the image is made from the host's static busybox and carries a name of this process.
 * Threads: one.
 * Ownership: who makes an image removes it.
 */
#ifndef DUPLOFS_TESTS_DOCKER_FIXTURE_H
#define DUPLOFS_TESTS_DOCKER_FIXTURE_H

#include "base/error.h"

/* $DOCKER_HOST, else the usual socket. */
const char *fixture_docker_url(void);

/* Makes image (name:tag) with busybox as /bin/sh and friends; its program is `sleep 600`. */
int fixture_image_make(const char *url, const char *image, struct error *reterr);
int fixture_image_remove(const char *url, const char *image, struct error *reterr);

/* Pushes image ("127.0.0.1:5000/web:1") to the registry that its name begins with. */
int fixture_image_push(const char *url, const char *image, struct error *reterr);

/* One API call with a path after the version; 0 when the answer was 2xx. */
int fixture_call(const char *url, const char *method, const char *path, const char *json,
	struct error *reterr);

#endif
