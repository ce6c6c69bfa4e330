/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/common.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define COLUMN 12

void common_raise_mtime(struct content *content, int64_t mtime_ns)
{
	if (mtime_ns > content->mtime_ns)
		content->mtime_ns = mtime_ns;
}

void common_line(struct content *content, const char *name, const char *format, ...)
{
	size_t before = content->text.len, start;
	va_list ap;

	buf_printf(&content->text, "%-*s", COLUMN, name);
	start = content->text.len;
	va_start(ap, format);
	buf_vprintf(&content->text, format, ap);
	va_end(ap);
	if (content->text.len == start)
		buf_truncate(&content->text, before);
	else
		buf_putc(&content->text, '\n');
}

/* When the last event happened: each line begins with its time. */
static int64_t last_event_ns(const struct buf *text)
{
	const char *at = buf_string(text) + text->len;
	struct tm tm = {0};

	while (at > text->data && at[-1] == '\n')
		at--;
	while (at > text->data && at[-1] != '\n')
		at--;
	return strptime(at, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) * NS_PER_SECOND : 0;
}

int common_render_events(struct fs *fs, const struct ref *ref, struct content *content)
{
	int r = store_events(fs->store, ref->object.id, &content->text);

	if (r == 0 && content->text.len > 0 && !content->text.error)
		common_raise_mtime(content, last_event_ns(&content->text));
	return r;
}

int common_render_last_error(struct fs *fs, const struct ref *ref, struct content *content)
{
	const struct object *object = &ref->object;
	const char *text = object->last_error;

	(void)fs;
	content->mtime_ns = object->error_ns ? object->error_ns : object->created_ns;
	/* `wait` has said EIO: the reason is looked for here. */
	if ((!text || !text[0]) && object->failed && object->observed >= object->generation) {
		text = object->reason;
		common_raise_mtime(content, object->status_ns);
	}
	if (text && text[0])
		buf_printf(&content->text, "%s\n", text);
	return 0;
}

int common_render_protect(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)fs;
	buf_puts(&content->text, ref->object.protect ? "on\n" : "off\n");
	return 0;
}

int common_check_protect(const struct draft *draft, struct error *reterr)
{
	if (strcmp(draft->data, "on") != 0 && strcmp(draft->data, "off") != 0)
		return error_set(reterr, -EINVAL, "protect is \"on\" or \"off\"");
	return 0;
}

bool common_begins_word(const char *const *words, const char *text)
{
	for (; *words; words++)
		if (strncmp(*words, text, strlen(text)) == 0)
			return true;
	return false;
}

bool common_begins_protect(const struct row *row, const char *text)
{
	static const char *const words[] = {"on", "off", NULL};

	(void)row;
	return common_begins_word(words, text);
}

int common_apply_protect(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	bool on = strcmp(draft->data, "on") == 0;

	(void)reterr;
	return draft->ref->object.protect == on ? 0
						: txn_set_protect(txn, draft->ref->object.id, on);
}

int common_render_spec(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)fs;
	if (ref->object.spec)
		buf_puts(&content->text, ref->object.spec);
	return 0;
}

int common_apply_spec(struct txn *txn, const struct draft *draft, common_text_fn set_text,
	struct error *reterr)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = txn_get(txn, draft->ref->object.id, &object);

	if (r < 0)
		return r;
	buf_add(&text, draft->data, draft->len);
	if (draft->len == 0 || draft->data[draft->len - 1] != '\n')
		buf_putc(&text, '\n');
	return text.error ? error_oom(reterr) : set_text(txn, draft, &object, &text, reterr);
}

int common_keep_text(struct txn *txn, const struct object *object, const struct buf *text)
{
	if (strlen(object->spec) == text->len && memcmp(object->spec, text->data, text->len) == 0)
		return 0;
	return txn_set_spec_text(txn, object->id, text->data, text->len);
}

void common_phase(struct content *content, const char *phase, int64_t since_ns)
{
	char since[32] = "";

	if (since_ns)
		clock_format_utc(since_ns, since, sizeof(since));
	common_line(content, "phase", "%s%s%s", phase, since_ns ? " since " : "", since);
}

void common_generation(struct content *content, const struct object *object)
{
	common_line(content, "generation", "%lld, settled %lld%s", (long long)object->generation,
		(long long)object->observed, object->failed ? " (failed)" : "");
}

struct listing {
	struct fs *fs;
	int64_t tenant;
	struct common_list *list;
	common_list_fn fn;
};

static int list_object(void *arg, const struct object *object)
{
	_cleanup_object_ struct object whole = OBJECT_INIT;
	struct listing *listing = arg;
	int r;

	if (object->tenant != listing->tenant)
		return 0;
	r = store_get(listing->fs->store, object->id, &whole);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	common_raise_mtime(listing->list->content, whole.status_ns);
	return listing->fn(listing->list, &whole);
}

int common_render_list(struct fs *fs, const struct ref *tenant, enum kind kind,
	struct common_list *list, common_list_fn fn)
{
	struct listing listing = {fs, tenant->object.id, list, fn};

	/* Those that were removed are no children any more. */
	return store_list_all(fs->store, kind, 0, false, list_object, &listing);
}

int common_render_status_json(struct fs *fs, const struct ref *ref, struct content *content)
{
	const struct object *object = &ref->object;
	_cleanup_json_ json_t *known = NULL;
	_cleanup_json_ json_t *status = NULL;

	(void)fs;
	known = json_pack("{s:s, s:I, s:I, s:b, s:s}", "Name", object->name, "Generation",
		(json_int_t)object->generation, "Observed", (json_int_t)object->observed, "Failed",
		object->failed, "Reason", object->reason ? object->reason : "");
	status = object->status ? json_loads(object->status, 0, NULL) : NULL;
	if (!known || (json_is_object(status) && json_object_update(known, status) < 0))
		return -ENOMEM;
	json_print(known, JSON_INDENT(2), &content->text);
	buf_putc(&content->text, '\n');
	return 0;
}
