/* SPDX-License-Identifier: Apache-2.0 */
/* The platform itself, as Prometheus text (exposition format 0.0.4). */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/metric.h"
#include "base/text.h"
#include "fs/files/common.h"

static void gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
	metric_describe(out, name, "gauge", help);
	buf_printf(out, "%s %lld\n", name, (long long)value);
}

static void seconds(struct buf *out, const char *name, int64_t ns)
{
	buf_printf(out, "%s %lld.%09lld\n", name, (long long)(ns / NS_PER_SECOND),
		(long long)(ns % NS_PER_SECOND));
}

/* ---- this process, under the names that client libraries have for it ---- */

static int64_t cpu_ns(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return 0;
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SECOND +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static int64_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int64_t count = 0;

	if (!dir)
		return 0;
	for (const struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

static void put_process(struct fs *fs, struct buf *out)
{
	_cleanup_buf_ struct buf statm = BUF_INIT;
	struct rlimit files = {0};
	long long pages = 0, resident = 0;

	if (file_read("/proc/self/statm", 4096, &statm, NULL) == 0 &&
		sscanf(buf_string(&statm), "%lld %lld", &pages, &resident) != 2)
		pages = resident = 0;
	(void)getrlimit(RLIMIT_NOFILE, &files);
	metric_describe(out, "process_cpu_seconds_total", "counter",
		"Processor time of the worker.");
	seconds(out, "process_cpu_seconds_total", cpu_ns());
	metric_describe(out, "process_start_time_seconds", "gauge", "When the worker has started.");
	seconds(out, "process_start_time_seconds", fs->started_ns);
	gauge(out, "process_resident_memory_bytes", "Memory that the worker has.",
		resident * sysconf(_SC_PAGESIZE));
	gauge(out, "process_virtual_memory_bytes", "Address space of the worker.",
		pages * sysconf(_SC_PAGESIZE));
	gauge(out, "process_open_fds", "Open files of the worker.", count_entries("/proc/self/fd"));
	gauge(out, "process_max_fds", "How many it may have.", (int64_t)files.rlim_cur);
	gauge(out, "process_threads", "Threads of the worker.", count_entries("/proc/self/task"));
}

/* ---- what it keeps ---- */

static void put_file(struct fs *fs, const char *name, struct buf *out)
{
	_cleanup_free_ char *path = text_format("%s/%s", fs->state_dir, name);
	struct stat st;

	if (path && stat(path, &st) == 0)
		buf_printf(out, "duplofs_store_bytes{file=\"%s\"} %lld\n", name,
			(long long)st.st_size);
}

static void put_storage(struct fs *fs, struct buf *out)
{
	struct statvfs disk, memory;

	metric_describe(out, "duplofs_store_bytes", "gauge", "Size of the database and its log.");
	put_file(fs, "duplofs.db", out);
	put_file(fs, "duplofs.db-wal", out);
	if (statvfs(fs->state_dir, &disk) == 0)
		gauge(out, "duplofs_store_free_bytes", "Room on the disk of the state directory.",
			(int64_t)(disk.f_bavail * disk.f_frsize));
	if (statvfs(fs->runtime_dir, &memory) == 0)
		gauge(out, "duplofs_memory_bytes",
			"Drafts, scratch files and what containers see, in memory.",
			(int64_t)((memory.f_blocks - memory.f_bfree) * memory.f_frsize));
}

/* ---- what it does ---- */

static void put_parts(const json_t *status, struct buf *out)
{
	static const struct {
		const char *name, *member;
	} parts[] = {{"engine", "EngineUp"}, {"balancer", "BalancerUp"}, {"dns", "DNSUp"}};

	metric_describe(out, "duplofs_up", "gauge",
		"Whether a part works: container engine, load balancer, name server.");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const json_t *up = json_object_get(status, parts[i].member);

		if (up)
			buf_printf(out, "duplofs_up{part=\"%s\"} %d\n", parts[i].name,
				json_is_true(up));
	}
}

static int64_t member(const json_t *status, const char *name)
{
	return (int64_t)json_integer_value(json_object_get(status, name));
}

static int render_metrics(struct fs *fs, const struct ref *ref, struct content *content)
{
	const char *text = ref->object.status;
	_cleanup_json_ json_t *status = text ? json_loads(text, 0, NULL) : NULL;
	struct buf *out = &content->text;
	int64_t tenants = 0;
	int r = store_count(fs->store, PLATFORM_ID, KIND_TENANT, &tenants);

	if (r < 0)
		return r;
	metric_describe(out, "duplofs_info", "gauge", "What runs; always 1.");
	buf_printf(out, "duplofs_info{version=\"%s\",platform=\"%s\",cloud=\"%s\"} 1\n",
		DUPLOFS_VERSION, store_platform(fs->store), fs->cloud);
	gauge(out, "duplofs_tenants", "Tenants that there are.", tenants);
	gauge(out, "duplofs_services", "Services that there are.", member(status, "Services"));
	gauge(out, "duplofs_instances", "Replicas that there are.", member(status, "Instances"));
	put_parts(status, out);
	put_storage(fs, out);
	put_process(fs, out);
	common_raise_mtime(content, clock_wall_ns());
	return out->error;
}

const struct row rows_metrics[] = {
	{.number = 241,
		.path = ".platform/metrics",
		.kind = KIND_PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE | ROW_TEXTS | ROW_VOLATILE,
		.depends = CHANGE_STATUS,
		.render = render_metrics,
		.help = "The platform itself as Prometheus text."},
	{0},
};
