/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/copier.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static void read_begin(pid_t pid, const char *file, char *text, size_t size)
{
	_cleanup_fclose_ FILE *stream = NULL;
	char path[40];
	size_t len = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	stream = fopen(path, "re");
	if (stream)
		len = fread(text, 1, size - 1, stream);
	text[len] = '\0';
}

/* "busybox cp ..." is cp. */
static void take_applet(pid_t pid, char *name, size_t size)
{
	char words[64];
	size_t first;

	if (strcmp(name, "busybox") != 0)
		return;
	(void)memset(words, 0, sizeof(words));
	read_begin(pid, "cmdline", words, sizeof(words) - 1);
	first = strlen(words) + 1;
	(void)text_copy(name, size, first < sizeof(words) ? words + first : "");
}

static bool runs_one_of(pid_t pid, const char *const *names)
{
	char name[20];

	read_begin(pid, "comm", name, sizeof(name));
	name[strcspn(name, "\n")] = '\0';
	take_applet(pid, name, sizeof(name));
	return text_is_one_of(name, names);
}

bool copier_wants_empty(pid_t pid)
{
	/* cp creates with O_EXCL, tar removes what it finds, git leaves it alone. */
	static const char *const names[] = {"cp", "git", "tar", "bsdtar", "cpio", NULL};

	return runs_one_of(pid, names);
}

bool copier_reads_all(pid_t pid)
{
	static const char *const names[] = {"cp", "tar", "bsdtar", "cpio", "pax", "rsync", "scp",
		"sftp-server", "git", "zip", "7z", "restic", "borg", "rclone", "diff", "grep", "rg",
		NULL};

	return runs_one_of(pid, names);
}

bool copier_replaces(pid_t pid)
{
	static const char *const names[] = {
		"tar", "bsdtar", "cpio", "unzip", "install", "mv", "cp", "git", "patch", NULL};

	return runs_one_of(pid, names);
}

bool copier_brings_spec(fuse_req_t req, const struct ref *ref)
{
	/* One process of rsync makes directories, another one files. */
	static const char *const names[] = {"rsync", NULL};
	pid_t pid = fuse_req_ctx(req)->pid;
	uint64_t service;

	if (!ref->row->field || ref->object.generation > 0)
		return false;
	service = ref_parent(ref);
	return veil_look(op_fs(req)->veils, service, pid) == VEIL_MINE || runs_one_of(pid, names);
}
