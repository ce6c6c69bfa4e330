/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/files_plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "billing/quote.h"
#include "fs/files/common.h"
#include "fs/files/files_service.h"
#include "model/service_diff.h"
#include "model/service_status.h"

#define LABEL 12 /* columns */

static void put(struct buf *out, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct buf *out, const char *label, const char *format, ...)
{
	va_list ap;

	buf_printf(out, "%-*s", LABEL, label);
	va_start(ap, format);
	buf_vprintf(out, format, ap);
	va_end(ap);
	buf_putc(out, '\n');
}

/* ---- instances ---- */

/* The numbers of a list that ascends from first on: "3", "0-2". Returns how many. */
static size_t put_run(const int64_t *ordinals, size_t count, struct buf *out)
{
	size_t run = 1;

	while (run < count && ordinals[run] == ordinals[run - 1] + 1)
		run++;
	buf_printf(out, "%" PRId64, ordinals[0]);
	if (run > 1)
		buf_printf(out, "-%" PRId64, ordinals[run - 1]);
	return run;
}

static void put_ordinals(const int64_t *ordinals, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i += put_run(ordinals + i, count - i, out))
		if (i > 0)
			buf_puts(out, ", ");
}

static bool is_together(const struct plan_step *a, const struct plan_step *b)
{
	return a->action == b->action && a->domain == b->domain && a->round == b->round;
}

static void put_domain(const struct plan_view *view, const struct plan_step *step, struct buf *out)
{
	if (step->action != STEP_REPLACE)
		return;
	if (step->domain < 0)
		buf_puts(out, "  at once: not serving");
	else if (step->domain >= view->change.domains)
		buf_puts(out, "  last: more than the spec wants");
	else
		buf_printf(out, "  update domain %" PRId64 " of %" PRId64, step->domain + 1,
			view->change.domains);
}

/* A line for what is done together, in the order in which it is done. */
static int put_steps(const struct plan_view *view, struct buf *out)
{
	static const char *const labels[] = {"create", "replace", "remove"};
	const struct plan_change *change = &view->change;
	_cleanup_free_ int64_t *ordinals = calloc(change->count + 1, sizeof(*ordinals));
	size_t i, n;

	if (!ordinals)
		return -ENOMEM;
	for (i = 0; i < change->count; i += n) {
		const struct plan_step *step = &change->steps[i];

		for (n = 0; i + n < change->count && is_together(step, &step[n]); n++)
			ordinals[n] = step[n].ordinal;
		buf_printf(out, "%-*s", LABEL, labels[step->action]);
		put_ordinals(ordinals, n, out);
		put_domain(view, step, out);
		buf_putc(out, '\n');
	}
	if (change->kept_count > 0) {
		buf_printf(out, "%-*s", LABEL, "keep");
		put_ordinals(change->kept, change->kept_count, out);
		buf_putc(out, '\n');
	}
	return out->error;
}

static bool has_step(const struct plan_view *view, enum step_action action)
{
	for (size_t i = 0; i < view->change.count; i++)
		if (view->change.steps[i].action == action)
			return true;
	return false;
}

/* ---- the lines, in order: each writes nothing where there is nothing to say ---- */

static int put_pull(const struct plan_view *view, struct buf *out)
{
	if (has_step(view, STEP_CREATE) || has_step(view, STEP_REPLACE))
		put(out, "pull", "%s, where it is not there yet", view->next->image);
	return 0;
}

static bool has_volume(char *const *volumes, const char *volume)
{
	size_t len = strcspn(volume, ":");

	for (; volumes && *volumes; volumes++)
		if (strncmp(*volumes, volume, len) == 0 && (*volumes)[len] == ':')
			return true;
	return false;
}

static int put_volumes(const struct plan_view *view, struct buf *out)
{
	char *const *before = view->now ? view->now->volumes : NULL;
	char *const *at;

	for (at = view->next->volumes; at && *at; at++)
		if (!has_volume(before, *at))
			put(out, "volume", "%.*s%s", (int)strcspn(*at, ":"), *at,
				**at == '/' ? ": a path of the host" : ": made unless it is there");
	for (at = before; at && *at; at++)
		if (!has_volume(view->next->volumes, *at))
			put(out, "volume", "%.*s: not mounted any more, its data stays",
				(int)strcspn(*at, ":"), *at);
	return 0;
}

static int put_serving(const struct plan_view *view, struct buf *out)
{
	const struct service_spec *next = view->next;

	if (!has_step(view, STEP_REPLACE) && !has_step(view, STEP_REMOVE))
		return 0;
	put(out, "serving", "never fewer than %" PRId64, view->change.serving_least);
	put(out, "drain", "up to %" PRId64 " s each, before it is stopped", next->drain_s);
	if (has_step(view, STEP_REPLACE) && next->max_surge > 0)
		put(out, "surge", "up to %" PRId64 " more on the way", next->max_surge);
	return 0;
}

static int put_hold(const struct plan_view *view, struct buf *out)
{
	const struct object *service = &view->ref->object;
	struct service_status status = {0};

	if (!has_step(view, STEP_REPLACE))
		return 0;
	if (service->paused)
		put(out, "paused", "nothing is replaced before `resume` is written to rollout");
	if (service->status)
		(void)service_status_parse(service->status, &status);
	if (!view->next->auto_rollback)
		put(out, "on failure", "stops and stays as it is then");
	else if (status.good_generation > 0)
		put(out, "on failure", "goes back to generation %" PRId64, status.good_generation);
	return 0;
}

static int put_balancer(const struct plan_view *view, struct buf *out)
{
	int64_t before = view->now ? view->now->lb_port : 0, after = view->next->lb_port;

	if (before == 0 && after == 0)
		put(out, "balancer", "none: the service is internal");
	else if (before == after)
		put(out, "balancer", "stays, port %" PRId64, after);
	else if (before == 0)
		put(out, "balancer", "create, port %" PRId64, after);
	else if (after == 0)
		put(out, "balancer", "remove, port %" PRId64, before);
	else
		put(out, "balancer", "move from port %" PRId64 " to %" PRId64, before, after);
	return 0;
}

static int put_dns(const struct plan_view *view, struct buf *out)
{
	const char *before = view->now ? view->now->dns : "", *after = view->next->dns;

	if (strcmp(before, after) == 0) {
		if (*after)
			put(out, "dns", "stays, %s", after);
		return 0;
	}
	if (*after)
		put(out, "dns", "create %s", after);
	if (*before)
		put(out, "dns", "remove %s%s", before, *after ? ", when the new name stands" : "");
	return 0;
}

static int put_health(const struct plan_view *view, struct buf *out)
{
	const struct health_spec *health = &view->next->health;
	int64_t port = health->port ? health->port : view->next->container_port;
	char probe[64] = "TCP connect";

	if (health->path)
		(void)snprintf(probe, sizeof(probe), "GET %.40s%s", health->path,
			strlen(health->path) > 40 ? "..." : "");
	put(out, "health", "%s on port %" PRId64 " every %" PRId64 " s, healthy after %" PRId64,
		probe, port, health->interval_s, health->healthy_threshold);
	return 0;
}

/* By the price table, for what is reserved: what is used beyond that is measured when it runs. */
static int put_cost(const struct plan_view *view, struct buf *out)
{
	_cleanup_quote_ struct quote quote = {0};
	_cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
	const char *cloud = view->fs->cloud;
	int own = store_has_host(view->fs->store, view->ref->object.tenant);
	int r = own < 0 ? own : quote_begin(&quote, view->fs->store, NULL);
	int64_t now = 0, then;

	if (r < 0)
		return r;
	if (view->now)
		now = quote_service(&quote, cloud, view->now, !own) * QUOTE_MONTH_HOURS;
	then = quote_service(&quote, cloud, view->next, !own) * QUOTE_MONTH_HOURS;
	money_print(&before, now, 2);
	if (then >= now)
		buf_putc(&after, '+');
	money_print(&after, then - now, 2);
	put(out, "cost", "%s %s a month, on top of %s%s", buf_string(&after),
		prices_currency(quote.prices), buf_string(&before),
		own ? "; the tenant's hosts are paid as a whole" : "");
	return 0;
}

/* Further lines go here. */
static int (*const lines[])(const struct plan_view *view, struct buf *out) = {
	put_pull,
	put_volumes,
	put_steps,
	put_serving,
	put_hold,
	put_balancer,
	put_dns,
	put_health,
	put_cost,
};

/* ---- the file ---- */

static int put_difference(void *arg, const struct service_difference *difference)
{
	struct buf *out = arg;

	buf_printf(out, "%-24s %s -> %s%s\n", difference->field, difference->before,
		difference->after, difference->template ? "  (replaces containers)" : "");
	return out->error;
}

static void put_head(const struct plan_view *view, const struct staged *staged, struct buf *out)
{
	int64_t generation = view->ref->object.generation;
	char when[32];

	clock_format_utc(staged->wall_ns, when, sizeof(when));
	put(out, "service", "%s", view->ref->object.name);
	put(out, "spec.next", "staged %s by uid %u, beside generation %" PRId64, when,
		(unsigned)staged->uid, staged->base);
	if (staged->base != generation)
		put(out, "stale",
			"generation %" PRId64
			" was accepted since: what it changed is undone unless spec.next has it",
			generation);
	put(out, "becomes", "generation %" PRId64, generation + 1);
}

/* What stands in its way now, which need not when it is applied. */
static void put_refusal(const struct plan_view *view, const struct buf *text, struct buf *out)
{
	struct draft draft = {
		.fs = view->fs, .ref = view->ref, .data = text->data, .len = text->len};
	struct error error = ERROR_INIT;

	if (service_check_text(&draft, &error) < 0)
		put(out, "refused", "%s", error.text);
}

static int put_plan(struct plan_view *view, const struct staged *staged, const struct buf *text,
	struct buf *out)
{
	const struct service_spec *next = view->next;
	struct replica_wish wish = {
		.replicas = next->replicas,
		.domains = next->update_domains,
		.surge = next->max_surge,
	};
	int r = plan_load(view);

	if (r == 0)
		r = plan_change(view->replicas, view->count, &wish, &view->change);
	if (r < 0)
		return r;
	put_head(view, staged, out);
	put_refusal(view, text, out);
	buf_puts(out, "\nCHANGES\n");
	r = service_spec_diff(view->now, next, put_difference, out);
	buf_puts(out, "\nACTIONS\n");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lines); i++)
		r = lines[i](view, out);
	return r;
}

int plan_render(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_service_spec_ struct service_spec *now = NULL, *next = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct plan_view view = {.fs = fs, .ref = ref};
	const struct object *service = &ref->object;
	struct staged staged = {0};
	int r = store_staged(fs->store, service->id, &staged, &text);

	common_raise_mtime(content, staged.wall_ns);
	common_raise_mtime(content, service->status_ns);
	common_raise_mtime(content, service->spec_ns);
	if (r == -ENOENT || (r == 0 && staged.size == 0)) {
		buf_puts(&content->text, "nothing to do: no spec.next is written\n");
		return 0;
	}
	if (r == 0)
		r = service_spec_parse(text.data, text.len, service->name, &next, NULL);
	if (r == 0 && service->spec)
		r = service_spec_parse(service->spec, strlen(service->spec), service->name, &now,
			NULL);
	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	if (now && service_spec_equal(now, next)) {
		buf_puts(&content->text, "nothing to do: spec.next means what spec.json means\n");
		return 0;
	}
	view.now = now;
	view.next = next;
	r = put_plan(&view, &staged, &text, &content->text);
	plan_change_done(&view.change);
	free(view.replicas);
	return r;
}
