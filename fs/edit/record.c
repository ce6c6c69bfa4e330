/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/record.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/tree/path.h"

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

static void find_path(struct record *record, struct fs *fs, const struct ref *ref, const char *name)
{
	if (ref->row->number != ROW_ROOT || !name)
		(void)path_of(fs, ref->row, ref->object.id, &record->path);
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
