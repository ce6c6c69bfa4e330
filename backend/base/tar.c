/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 512

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
	char type, linkname[100], magic[6], version[2], uname[32], gname[32];
	char devmajor[8], devminor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static void sum(struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned total = 0;

	memset(header->checksum, ' ', sizeof(header->checksum));
	for (size_t i = 0; i < sizeof(*header); i++)
		total += bytes[i];
	(void)snprintf(header->checksum, sizeof(header->checksum), "%06o", total);
}

static void add(struct buf *tar, const char *name, char type, unsigned mode, int64_t mtime_s,
	size_t len)
{
	struct header header;

	if (strlen(name) > TAR_NAME_MAX) {
		tar->error = tar->error ? tar->error : -ENAMETOOLONG;
		return;
	}
	memset(&header, 0, sizeof(header));
	memcpy(header.name, name, strlen(name));
	(void)snprintf(header.mode, sizeof(header.mode), "%07o", mode & 07777);
	(void)snprintf(header.uid, sizeof(header.uid), "%07o", 0);
	(void)snprintf(header.gid, sizeof(header.gid), "%07o", 0);
	(void)snprintf(header.size, sizeof(header.size), "%011llo",
		(unsigned long long)len & 077777777777ULL);
	(void)snprintf(header.mtime, sizeof(header.mtime), "%011llo",
		(unsigned long long)(mtime_s > 0 ? mtime_s : 0) & 077777777777ULL);
	header.type = type;
	memcpy(header.magic, "ustar", 6);
	memcpy(header.version, "00", 2);
	sum(&header);
	buf_add(tar, &header, sizeof(header));
}

void tar_directory(struct buf *tar, const char *name, unsigned mode)
{
	add(tar, name, '5', mode, 0, 0);
}

void tar_file(struct buf *tar, const char *name, unsigned mode, int64_t mtime_s, const void *data,
	size_t len)
{
	static const char zeros[BLOCK];

	add(tar, name, '0', mode, mtime_s, len);
	if (len == 0)
		return;
	buf_add(tar, data, len);
	if (len % BLOCK)
		buf_add(tar, zeros, BLOCK - len % BLOCK);
}

void tar_end(struct buf *tar)
{
	static const char zeros[2 * BLOCK];

	buf_add(tar, zeros, sizeof(zeros));
}
