/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "fs/announce.h"
#include "fs/tree/context.h"
#include "fs/edit/cut.h"
#include "fs/edit/edit.h"
#include "fs/edit/hot.h"
#include "fs/feed.h"
#include "fs/kernel/notifier.h"
#include "fs/ops/poll.h"
#include "fs/edit/removed.h"
#include "fs/edit/scratch.h"
#include "fs/tree/snapshot.h"
#include "fs/edit/sweeper.h"
#include "fs/edit/veil.h"
#include "fs/ops/waiter.h"

static const struct snapshot_limits snapshot_limits = {4096, 16 * 1024 * 1024};

static int copy_options(struct fs *fs, const struct fs_options *options, struct error *reterr)
{
	fs->store = options->store;
	fs->runtime_dir = strdup(options->runtime_dir);
	fs->logs_dir = strdup(options->logs_dir);
	fs->state_dir = strdup(options->state_dir);
	fs->inquiry_dir = strdup(options->inquiry_dir);
	fs->mount_hash = options->mount ? text_hash(options->mount, strlen(options->mount)) : 0;
	fs->cloud = strdup(options->cloud);
	fs->started_ns = clock_wall_ns();
	return fs->state_dir && fs->runtime_dir && fs->logs_dir && fs->inquiry_dir && fs->cloud
		       ? 0
		       : error_oom(reterr);
}

static int open_parts(struct fs *fs, const struct fs_options *options, struct error *reterr)
{
	_cleanup_free_ char *edits = text_format("%s/edits", fs->runtime_dir);
	_cleanup_free_ char *scratch = text_format("%s/scratch", fs->runtime_dir);
	_cleanup_free_ char *snapshots = text_format("%s/snapshots", fs->runtime_dir);
	_cleanup_free_ char *polls = text_format("%s/polls", fs->runtime_dir);
	_cleanup_free_ char *veils = text_format("%s/veils", fs->runtime_dir);
	_cleanup_free_ char *cuts = text_format("%s/cuts", fs->runtime_dir);
	_cleanup_free_ char *hot = text_format("%s/hot", fs->runtime_dir);
	int r;

	if (!edits || !scratch || !polls || !veils || !cuts || !snapshots || !hot)
		return error_oom(reterr);
	r = snapshots_new(&fs->snapshots, &snapshot_limits, snapshots, reterr);
	if (r == 0)
		r = file_mkdirs(fs->inquiry_dir, 0700, reterr);
	if (r == 0)
		r = hot_open(hot, reterr);
	if (r == 0)
		r = edits_new(&fs->edits, edits, options->mount ? options->mount : "mount", reterr);
	if (r == 0)
		r = scratch_new(&fs->scratch, scratch, reterr);
	if (r == 0)
		r = polls_new(&fs->polls, polls, reterr);
	if (r == 0)
		r = veils_new(&fs->veils, veils, reterr);
	if (r == 0)
		r = cuts_new(&fs->cuts, cuts, reterr);
	if (r == 0)
		r = waiters_new(&fs->waiters, fs, reterr);
	if (r == 0)
		r = removed_new(&fs->removed, reterr);
	if (r == 0)
		r = sweeper_new(&fs->sweeper, fs->scratch, fs->removed, reterr);
	if (r == 0 && options->mountpoint)
		r = announcer_new(&fs->announcer, fs, options->mountpoint, reterr);
	return r;
}

int fs_new(struct fs **ret, const struct fs_options *options, struct error *reterr)
{
	struct fs *fs;
	int r = rows_compile(reterr);

	if (r < 0)
		return r;
	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return error_oom(reterr);
	r = copy_options(fs, options, reterr);
	if (r == 0)
		r = open_parts(fs, options, reterr);
	if (r < 0) {
		fs_free(fs);
		return r;
	}
	*ret = fs;
	return 0;
}

static void renew(void *arg, uint64_t node)
{
	notifier_inode(arg, node);
}

int fs_attach(struct fs *fs, struct fuse_session *session, struct error *reterr)
{
	int r = notifier_new(&fs->notifier, session, reterr);

	if (r < 0)
		return r;
	/* What changed while nobody told the kernel. */
	snapshots_inherited(fs->snapshots, renew, fs->notifier);
	notifier_flush(fs->notifier);
	snapshots_renewed(fs->snapshots);
	polls_attach(fs->polls, session);
	r = store_watch(fs->store, feed_take, fs);
	return r < 0 ? error_set(reterr, r, "cannot follow the store's changes") : 0;
}

void fs_free(struct fs *fs)
{
	if (!fs)
		return;
	announcer_free(fs->announcer);
	sweeper_free(fs->sweeper);
	waiters_free(fs->waiters);
	notifier_free(fs->notifier);
	removed_free(fs->removed);
	cuts_free(fs->cuts);
	veils_free(fs->veils);
	polls_free(fs->polls);
	scratch_free(fs->scratch);
	edits_free(fs->edits);
	snapshots_free(fs->snapshots);
	free(fs->cloud);
	free(fs->state_dir);
	free(fs->logs_dir);
	free(fs->inquiry_dir);
	free(fs->runtime_dir);
	free(fs);
}
