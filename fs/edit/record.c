/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/record.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define DEPTH_MAX 8 /* objects from a tenant down */

void record_done(struct record *record)
{
	buf_done(&record->path);
}

/* The program, and the process of a thread that asks. */
static void look_at_process(struct record *record)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32], line[128];
	int process;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)record->caller.pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "Name:\t", 6) == 0)
			(void)text_copy(record->program, sizeof(record->program), line + 6);
		if (sscanf(line, "Tgid: %d", &process) == 1) {
			record->caller.pid = process;
			break;
		}
	}
}

/* A part of a row's path is a name, or stands for the next object from the tenant down. */
static void put_path(const char *path, char names[][OBJECT_NAME_MAX + 1], size_t depth,
	struct buf *out)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (*path == '{' && depth > 0)
			buf_puts(out, names[--depth]);
		else
			buf_add(out, path, len);
		path += len;
		if (*path)
			buf_putc(out, *path++);
	}
}

static void find_path(struct record *record, struct fs *fs, const struct ref *ref, const char *name)
{
	char names[DEPTH_MAX][OBJECT_NAME_MAX + 1];
	struct object object = ref->object;
	size_t depth = 0;

	while (object.id != PLATFORM_ID && depth < DEPTH_MAX) {
		(void)text_copy(names[depth], sizeof(names[depth]), object.name);
		depth++;
		if (store_peek(fs->store, object.parent, &object) < 0)
			break;
	}
	put_path(ref->row->path, names, depth, &record->path);
	if (!name)
		return;
	if (record->path.len > 0)
		buf_putc(&record->path, '/');
	buf_puts(&record->path, name);
}

void record_fill(struct record *record, struct fs *fs, const struct caller *caller,
	const struct ref *ref, const char *name)
{
	*record = RECORD_INIT;
	if (!caller)
		return;
	record->caller = *caller;
	look_at_process(record);
	find_path(record, fs, ref, name);
	record->audit = (struct audit){
		.path = buf_string(&record->path),
		.program = record->program,
		.object = name ? 0 : ref->object.id,
	};
	record->caller.audit = &record->audit;
}
