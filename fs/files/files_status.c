/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/files_status.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "fs/files/common.h"
#include "fs/files/files_service.h"
#include "model/instance.h"
#include "model/service_status.h"

#define LISTED_MAX 1000

static void get_status(const struct ref *ref, struct service_status *status)
{
	*status = (struct service_status){0};
	if (ref->object.status)
		(void)service_status_parse(ref->object.status, status);
}

/* ---- instances ---- */

struct table {
	struct content *content;
	int64_t domains; /* 0: no column for the update domain */
	int64_t replicas, rank;
};

static int add_instance(void *arg, const struct object *object)
{
	struct table *table = arg;
	struct instance_spec spec = {0};
	struct instance_status status = {0};
	char since[32] = "-";
	struct buf *text = &table->content->text;

	if (object->spec)
		(void)instance_spec_parse(object->spec, &spec);
	if (object->status)
		(void)instance_status_parse(object->status, &status);
	common_raise_mtime(table->content, object->status_ns);
	if (status.since_ns)
		clock_format_utc(status.since_ns, since, sizeof(since));
	/* As the planner divides them; what a surge has made stands behind the last domain. */
	if (table->domains && table->rank < table->replicas)
		buf_printf(text, "%-8lld",
			(long long)(table->rank * table->domains / table->replicas + 1));
	else if (table->domains)
		buf_printf(text, "%-8s", "surge");
	table->rank++;
	buf_printf(text, "%-9s %-10s %-10lld %-8lld %-20s", object->name,
		instance_phase_name(status.phase), (long long)status.template_generation,
		(long long)status.restarts, since);
	if (!table->domains)
		buf_printf(text, " %s:%lld%s", spec.host, (long long)spec.host_port,
			status.restarts > 0 ? "" : "");
	buf_printf(text, "%s%s\n", status.reason[0] ? "  " : "", status.reason);
	return 0;
}

static int add_instances(struct fs *fs, const struct ref *ref, int64_t domains, int64_t replicas,
	struct content *content)
{
	struct table table = {.content = content, .domains = domains, .replicas = replicas};
	size_t before = content->text.len, start;
	int r;

	buf_printf(&content->text, "\n%s%-9s %-10s %-10s %-8s %-20s%s\n", domains ? "DOMAIN  " : "",
		"INSTANCE", "STATE", "GENERATION", "RESTARTS", "SINCE", domains ? "" : " HOST");
	start = content->text.len;
	r = store_list(fs->store, ref->object.id, KIND_INSTANCE, 0, true, add_instance, &table);
	if (content->text.len == start)
		buf_truncate(&content->text, before);
	return r < 0 ? r : 0;
}

/* ---- url ---- */

static void add_url(struct buf *text, const char *scheme, const char *host, int64_t port)
{
	bool usual = port == (strcmp(scheme, "https") == 0 ? 443 : 80);

	buf_printf(text, "%s://%s", scheme, host);
	if (!usual)
		buf_printf(text, ":%lld", (long long)port);
	buf_puts(text, "/\n");
}

static void add_urls(const struct service_status *status, struct buf *text)
{
	if (status->lb_port == 0 || !status->lb_address[0])
		return;
	if (status->dns[0] && status->tls)
		add_url(text, "https", status->dns, 443);
	if (status->dns[0])
		add_url(text, "http", status->dns, status->lb_port);
	add_url(text, "http", status->lb_address, status->lb_port);
}

int status_render_url(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct service_status status;

	(void)fs;
	get_status(ref, &status);
	add_urls(&status, &content->text);
	return 0;
}

/* ---- status ---- */

int status_render(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_buf_ struct buf urls = BUF_INIT;
	struct service_status status;
	const struct object *object = &ref->object;
	char *line, *next;

	get_status(ref, &status);
	add_urls(&status, &urls);
	common_line(content, "service", "%s", object->name);
	common_line(content, "phase", "%s%s", service_phase_name(status.phase),
		object->observed < object->generation && status.phase == SERVICE_RUNNING
			? ", not yet as wanted"
			: "");
	common_line(content, "replicas", "%lld/%lld healthy", (long long)status.healthy,
		(long long)status.replicas);
	common_line(content, "image", "%s", status.image);
	common_generation(content, object);
	for (line = urls.data; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		common_line(content, "url", "%s", line);
	}
	common_line(content, "cloud", "%s", strcmp(fs->cloud, "simulated") == 0 ? fs->cloud : "");
	common_line(content, "message", "%s", status.message);
	if (object->reason && strcmp(object->reason, status.message) != 0)
		common_line(content, "reason", "%s", object->reason);
	return add_instances(fs, ref, 0, 0, content);
}

/* ---- rollout ---- */

int status_render_rollout(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct service_status status;
	int64_t domains;

	get_status(ref, &status);
	domains = status.domains > 0 ? status.domains : 1;
	common_line(content, "phase", "%s%s", service_phase_name(status.phase),
		ref->object.paused ? ", paused" : "");
	common_line(content, "generation", "%lld, last good %lld",
		(long long)status.template_generation, (long long)status.good_template);
	common_line(content, "updated", "%lld/%lld (%lld %%)", (long long)status.updated,
		(long long)status.replicas,
		(long long)(status.replicas > 0 ? 100 * status.updated / status.replicas : 100));
	common_line(content, "domain", "%lld/%lld", (long long)status.domain, (long long)domains);
	common_line(content, "waits for", "%s", status.message);
	return add_instances(fs, ref, domains, status.replicas, content);
}

static const char *const commands[] = {"pause", "resume", "rollback", "restart", NULL};

/* The command that was written, or NULL. */
static const char *find_command(const struct draft *draft)
{
	size_t len = draft->len, i;

	while (len > 0 && strchr(" \t\r\n", draft->data[len - 1]))
		len--;
	for (i = 0; commands[i]; i++)
		if (strlen(commands[i]) == len && memcmp(commands[i], draft->data, len) == 0)
			return commands[i];
	return NULL;
}

/* The table itself, which copies bring back: no command. */
static bool is_table(const struct draft *draft)
{
	static const char begin[] = "phase ";

	return strncmp(draft->data, begin, sizeof(begin) - 1) == 0;
}

/* More could make a command, or the table, of it. */
static bool is_begun(const struct draft *draft)
{
	static const char *const table[] = {"phase ", NULL};

	return common_begins_word(commands, draft->data) || common_begins_word(table, draft->data);
}

static int refuse_command(const struct draft *draft, struct error *reterr)
{
	char word[65] = "";
	const char *near;

	(void)text_copy(word, sizeof(word), draft->data);
	word[strcspn(word, "\r\n")] = '\0';
	near = text_nearest(word, commands);
	return error_set(reterr, is_begun(draft) ? -ENODATA : -EINVAL,
		"\"%s\" is none of pause, resume, rollback, restart%s%s%s", word,
		near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* The generation that `rollback` goes back to: the last good one, or the one before it. */
static int find_good(struct fs *fs, const struct object *object, int64_t *ret)
{
	struct service_status status = {0};
	struct history_entry entry;
	int64_t generation;

	if (object->status)
		(void)service_status_parse(object->status, &status);
	generation = status.good_generation;
	if (generation == 0 || generation >= object->generation)
		generation = object->generation - 1;
	for (; generation > 0; generation--)
		if (store_history(fs->store, object->id, generation, &entry, NULL) == 0) {
			*ret = generation;
			return 0;
		}
	return -ENOENT;
}

int rollout_check(const struct draft *draft, struct error *reterr)
{
	const char *command = find_command(draft);
	struct object object = OBJECT_INIT;
	int64_t generation;
	int r;

	if (is_table(draft))
		return 0;
	if (!command)
		return refuse_command(draft, reterr);
	r = store_get(draft->fs->store, draft->ref->object.id, &object);
	if (r == 0 && object.generation == 0)
		r = error_set(reterr, -EINVAL, "nothing is deployed yet: write spec.json first");
	if (r == 0 && strcmp(command, "rollback") == 0 &&
		find_good(draft->fs, &object, &generation) < 0)
		r = error_set(reterr, -EINVAL, "there is no earlier generation to go back to");
	object_done(&object);
	return r;
}

static int roll_back(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct history_entry entry;
	struct object object = OBJECT_INIT;
	int64_t generation = 0, id = draft->ref->object.id;
	int r = txn_get(txn, id, &object);

	if (r == 0)
		r = find_good(draft->fs, &object, &generation);
	if (r == 0)
		r = store_history(draft->fs->store, id, generation, &entry, &text);
	object_done(&object);
	if (r < 0)
		return error_set(reterr, -EINVAL, "there is no earlier generation to go back to");
	r = service_apply_text(txn, draft->fs, id, buf_string(&text), text.len, reterr);
	/* Paused, it would not go anywhere. */
	return r < 0 ? r : txn_set_paused(txn, id, false);
}

int rollout_apply(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	const char *command = find_command(draft);
	int64_t id = draft->ref->object.id;

	if (!command)
		return 0;
	if (strcmp(command, "rollback") == 0)
		return roll_back(txn, draft, reterr);
	if (strcmp(command, "restart") == 0)
		return txn_add_restart(txn, id);
	return txn_set_paused(txn, id, strcmp(command, "pause") == 0);
}
