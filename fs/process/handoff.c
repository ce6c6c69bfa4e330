/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/handoff.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define HANDOFF_MAGIC   "duplofs"
#define HANDOFF_VERSION 1

static int handoff_map(struct handoff **ret, int fd, struct error *reterr)
{
	void *memory =
		mmap(NULL, sizeof(struct handoff), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return error_errno(reterr, errno, "cannot map the handoff");
	*ret = memory;
	return 0;
}

int handoff_new(int *ret_fd, struct handoff **ret, struct error *reterr)
{
	_cleanup_close_ int fd = memfd_create("duplofs-handoff", MFD_CLOEXEC);
	struct handoff *handoff = NULL;
	uint64_t name[2];
	int r;

	if (fd < 0 || ftruncate(fd, sizeof(*handoff)) < 0)
		return error_errno(reterr, errno, "cannot make the handoff");
	r = handoff_map(&handoff, fd, reterr);
	if (r < 0)
		return r;
	r = text_random(name, sizeof(name));
	if (r < 0) {
		(void)munmap(handoff, sizeof(*handoff));
		return error_errno(reterr, -r, "cannot get random bytes");
	}
	memcpy(handoff->magic, HANDOFF_MAGIC, sizeof(handoff->magic));
	handoff->version = HANDOFF_VERSION;
	(void)snprintf(handoff->mount, sizeof(handoff->mount), "%016llx%016llx",
		(unsigned long long)name[0], (unsigned long long)name[1]);
	*ret = handoff;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int handoff_open(struct handoff **ret, int fd, struct error *reterr)
{
	struct handoff *handoff = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return error_errno(reterr, errno, "no handoff");
	if ((size_t)st.st_size < sizeof(*handoff))
		return error_set(reterr, -EPROTO, "the handoff is of an older version");
	r = handoff_map(&handoff, fd, reterr);
	if (r < 0)
		return r;
	if (memcmp(handoff->magic, HANDOFF_MAGIC, sizeof(handoff->magic)) != 0 ||
		handoff->version != HANDOFF_VERSION) {
		(void)munmap(handoff, sizeof(*handoff));
		return error_set(reterr, -EPROTO, "the handoff is of another version");
	}
	*ret = handoff;
	return 0;
}
