/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/view_set.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "model/resource.h"
#include "reconcile/view/view_files.h"
#include "reconcile/view/view_list.h"
#include "reconcile/view/view_old.h"
#include "reconcile/view/view_readers.h"

#define CURRENT "..data"

#define VIEW_PARTS (VIEW_RESOURCES + 1)

static const char *const part_names[VIEW_PARTS] = {
	[VIEW_SECRETS] = "secrets",
	[VIEW_CONFIG] = "config",
	[VIEW_RESOURCES] = "resources",
};

/* Where a container finds what is in the set: each leads through ..data. */
static const char *const shown[] = {"secrets", "config", "resources", "self.json"};

struct set {
	struct store *store;
	struct view_readers *readers;
	int64_t service;
	const char *view;
	char draft[VIEW_PATH_MAX + 16]; /* beside the view, out of containers' sight */
	char name[64]; /* "..<values>-<self>": says what is in it */
	char before[64]; /* the set that is shown, "" when there is none */
	int from[VIEW_PARTS], to[VIEW_PARTS]; /* directories: of that set, of the draft */
	struct view_list list;
	struct buf self;
};

/* ---- what belongs into it ---- */

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	uint64_t both[2] = {hash, text_hash(data, len)};

	return text_hash(both, sizeof(both));
}

/* A value's time only grows, so two sets of one name hold the same. */
static void name_set(struct set *set)
{
	uint64_t values = 0;

	for (size_t i = 0; i < set->list.count; i++) {
		const struct view_entry *entry = &set->list.entries[i];
		int64_t facts[] = {
			(int64_t)entry->part, entry->object, entry->mtime_ns, entry->size};

		values = mix(values, entry->name, strlen(entry->name));
		values = mix(values, facts, sizeof(facts));
	}
	(void)snprintf(set->name, sizeof(set->name), "..%016" PRIx64 "-%016" PRIx64, values,
		text_hash(buf_string(&set->self), set->self.len));
}

static bool same_values(const struct set *set)
{
	return strncmp(set->before, set->name, strcspn(set->name, "-")) == 0;
}

static bool same_self(const struct set *set)
{
	const char *before = strchr(set->before, '-');

	return before && strcmp(before, strchr(set->name, '-')) == 0;
}

static int load(struct set *set, struct error *reterr)
{
	int r = 0;

	for (int part = VIEW_SECRETS; r == 0 && part <= VIEW_RESOURCES; part++)
		r = view_list_load(&set->list, set->store, set->service, (enum view_part)part,
			reterr);
	if (r < 0)
		return r;
	r = view_self(set->store, set->service, &set->self);
	if (r < 0)
		return error_set(reterr, r, "self.json of a view cannot be made");
	name_set(set);
	return 0;
}

/* ---- making it ---- */

/* The file of the set that is shown, when that is what the entry says. */
static bool take_old(const struct set *set, const struct view_entry *entry)
{
	int from = set->from[entry->part];
	struct stat st;

	return from >= 0 && fstatat(from, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_size == entry->size && clock_of_timespec(&st.st_mtim) == entry->mtime_ns &&
	       linkat(from, entry->name, set->to[entry->part], entry->name, 0) == 0;
}

static int write_entry(struct set *set, const char *path, const struct view_entry *entry,
	struct error *reterr)
{
	struct buf content = BUF_INIT;
	int r = view_read(set->store, set->service, entry, &content, reterr);

	if (r == 0 && content.error)
		r = error_oom(reterr);
	if (r == 0)
		r = view_files_write(path, &content, entry->mtime_ns, reterr);
	buf_wipe(&content);
	buf_done(&content);
	return r;
}

static int make_entry(struct set *set, struct view_entry *entry, struct error *reterr)
{
	const char *slash = strchr(entry->name, '/');
	char path[VIEW_PATH_MAX + 192];

	if (slash) { /* an output of a resource: a directory of its own above it */
		(void)snprintf(path, sizeof(path), "%s/%s/%.*s", set->draft,
			part_names[entry->part], (int)(slash - entry->name), entry->name);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return error_errno(reterr, errno, "a view cannot be made");
	}
	if (take_old(set, entry))
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s/%s", set->draft, part_names[entry->part],
		entry->name);
	entry->fresh = true;
	return write_entry(set, path, entry, reterr);
}

static int open_directory(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Most entries are links from a directory to its successor: no path is walked for each. */
static int open_parts(struct set *set, struct error *reterr)
{
	char path[VIEW_PATH_MAX + 80];
	int r = 0;

	for (size_t i = 0; r == 0 && i < VIEW_PARTS; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", set->view, set->before,
			part_names[i]);
		set->from[i] = set->before[0] ? open_directory(path) : -1;
		(void)snprintf(path, sizeof(path), "%s/%s", set->draft, part_names[i]);
		r = file_mkdirs(path, 0755, reterr);
		set->to[i] = r == 0 ? open_directory(path) : -1;
		if (r == 0 && set->to[i] < 0)
			r = error_errno(reterr, errno, "a view cannot be made");
	}
	return r;
}

static void close_parts(struct set *set)
{
	for (size_t i = 0; i < VIEW_PARTS; i++) {
		if (set->from[i] >= 0)
			(void)close(set->from[i]);
		if (set->to[i] >= 0)
			(void)close(set->to[i]);
		set->from[i] = set->to[i] = -1;
	}
}

static int make(struct set *set, struct error *reterr)
{
	char path[VIEW_PATH_MAX + 32], old[VIEW_PATH_MAX + 80];
	int r = file_remove_tree(set->draft, reterr);

	if (r == 0)
		r = open_parts(set, reterr);
	for (size_t i = 0; r == 0 && i < set->list.count; i++)
		r = make_entry(set, &set->list.entries[i], reterr);
	close_parts(set);
	(void)snprintf(path, sizeof(path), "%s/self.json", set->draft);
	(void)snprintf(old, sizeof(old), "%s/%s/self.json", set->view, set->before);
	if (r < 0 || (same_self(set) && link(old, path) == 0))
		return r;
	return view_files_write(path, &set->self, clock_wall_ns(), reterr);
}

/* ---- showing it ---- */

/* A link at name, in one step; what an earlier version of this program left there goes. */
static int put_link(const char *view, const char *name, const char *target, struct error *reterr)
{
	char path[VIEW_PATH_MAX + 32], draft[VIEW_PATH_MAX + 16], there[64];
	ssize_t len;

	(void)snprintf(path, sizeof(path), "%s/%s", view, name);
	(void)snprintf(draft, sizeof(draft), "%s.link", view);
	len = readlink(path, there, sizeof(there) - 1);
	if (len > 0 && (size_t)len == strlen(target) && memcmp(there, target, (size_t)len) == 0)
		return 0;
	if (len < 0 && errno == EINVAL && file_remove_tree(path, reterr) < 0)
		return -EIO;
	(void)unlink(draft);
	if (symlink(target, draft) == 0 && rename(draft, path) == 0)
		return 0;
	return error_errno(reterr, errno, "a view cannot be switched");
}

static int show(struct set *set, struct error *reterr)
{
	char path[VIEW_PATH_MAX + 80], target[32];
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", set->view, set->name);
	/* One of that name that was shown before is complete, and has the same in it. */
	if (rename(set->draft, path) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		return error_errno(reterr, errno, "a view cannot be completed");
	r = put_link(set->view, CURRENT, set->name, reterr);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(shown); i++) {
		(void)snprintf(target, sizeof(target), CURRENT "/%s", shown[i]);
		r = put_link(set->view, shown[i], target, reterr);
	}
	return r;
}

/* ---- telling of it ---- */

static bool is_secret(const struct view_entry *entry)
{
	const char *slash = strchr(entry->name, '/');

	return entry->part == VIEW_SECRETS ||
	       (entry->part == VIEW_RESOURCES && slash && resource_output_is_secret(slash + 1));
}

static int tell_given(struct txn *txn, void *arg, struct error *reterr)
{
	const struct set *set = arg;
	int r = 0;

	(void)reterr;
	for (size_t i = 0; i < set->list.count && r == 0; i++) {
		const struct view_entry *entry = &set->list.entries[i];

		if (entry->fresh && is_secret(entry))
			r = txn_audit_given(txn, set->service, entry->object);
	}
	return r;
}

static void find_shown(struct set *set)
{
	char path[VIEW_PATH_MAX + 16];
	ssize_t len;

	(void)snprintf(path, sizeof(path), "%s/" CURRENT, set->view);
	len = readlink(path, set->before, sizeof(set->before) - 1);
	set->before[len > 0 ? len : 0] = '\0';
}

/* Before anybody can see it: the first who reads is told of, too. */
static void watch_secrets(const struct set *set, bool draft)
{
	char path[VIEW_PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s%s/%s", draft ? set->draft : set->view,
		draft ? "" : "/" CURRENT, part_names[VIEW_SECRETS]);
	view_readers_watch(set->readers, set->service, path);
}

static int switch_set(struct set *set, struct view_set_news *ret, struct error *reterr)
{
	int r;

	find_shown(set);
	r = store_freeze(set->store, reterr);
	if (r < 0)
		return r;
	r = load(set, reterr);
	ret->switched = r == 0 && strcmp(set->before, set->name) != 0;
	if (ret->switched)
		r = make(set, reterr);
	store_thaw(set->store);
	if (r == 0)
		watch_secrets(set, ret->switched);
	/* Told before it is done: what cannot be told is not given. */
	if (r == 0 && ret->switched)
		r = store_update(set->store, STORE_RELAXED, NULL, tell_given, set, reterr);
	/* Marked first: whoever dies in between leaves no set that seems to have gone long ago. */
	if (r == 0 && ret->switched && set->before[0])
		view_old_mark(set->view, set->before);
	if (r == 0 && ret->switched)
		r = show(set, reterr);
	if (ret->switched)
		(void)file_remove_tree(set->draft, NULL);
	ret->switched = ret->switched && r == 0;
	ret->values = ret->switched && set->before[0] && !same_values(set);
	ret->due_ns = view_old_sweep(set->view, r == 0 ? set->name : set->before, set->list.count);
	return r;
}

int view_set_sync(struct store *store, struct view_readers *readers, int64_t service,
	const char *path, struct view_set_news *ret, struct error *reterr)
{
	struct set set = {.store = store,
		.readers = readers,
		.service = service,
		.view = path,
		.from = {-1, -1, -1},
		.to = {-1, -1, -1}};
	int r;

	*ret = (struct view_set_news){.due_ns = CLOCK_FOREVER};
	(void)snprintf(set.draft, sizeof(set.draft), "%s.draft", path);
	r = switch_set(&set, ret, reterr);
	view_list_done(&set.list);
	buf_done(&set.self);
	return r;
}
