/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_frame - takes apart the stream of a container's output: frames of an 8-byte header
 *                (stream, three zeros, length big-endian; Docker Engine API, ContainerAttach) and a
 *                payload that begins with its time. Pure.
 * Promises: any bytes in any pieces are safe; what is no frame is -EPROTO, above FRAME_MAX_BYTES
 *           -EFBIG.
 * Threads: a reader belongs to one thread at a time.
 * Ownership: frame_reader_done frees; data is borrowed for the callback.
 */
#ifndef DUPLOFS_ENGINE_DOCKER_FRAME_H
#define DUPLOFS_ENGINE_DOCKER_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define FRAME_MAX_BYTES ((size_t)1 << 20)

struct frame_reader {
	bool plain; /* payloads begin with no time: all of it is data */
	struct buf rest; /* of a frame that is not complete */
};

/* wall_ns: 0 when the payload begins with no time. */
typedef void (*frame_fn)(void *arg, int64_t wall_ns, const char *data, size_t len);

int frame_reader_feed(struct frame_reader *reader, const char *data, size_t len, frame_fn fn,
	void *arg);
void frame_reader_done(struct frame_reader *reader);

#endif
