/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

int shared_map(const char *path, size_t size, void **ret, struct error *reterr)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *memory;

	if (fd < 0)
		return error_errno(reterr, errno, "cannot open %s", path);
	/* All of it now: later there may be no room, and a fault would end us. */
	if (ftruncate(fd, (off_t)size) < 0 || posix_fallocate(fd, 0, (off_t)size) != 0)
		return error_set(reterr, -ENOSPC, "no room for %s", path);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return error_errno(reterr, errno, "cannot map %s", path);
	*ret = memory;
	return 0;
}

void shared_unmap(void *memory, size_t size)
{
	if (memory)
		(void)munmap(memory, size);
}
