/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant looks at: its metrics, dashboards for the tools that draw them, and links. */
#include <errno.h>
#include <string.h>

#include "base/metric.h"
#include "base/text.h"
#include "fs/files/common.h"
#include "fs/files/files_status.h"
#include "fs/files/grafana.h"
#include "fs/files/policy_object.h"
#include "model/observability.h"
#include "model/service_status.h"

#define GRAFANA "grafana.json"

/* ---- the administrator's templates ---- */

/* NULL: there is none. */
static int load_policy(struct fs *fs, struct content *content, json_t **ret)
{
	_cleanup_object_ struct object policy = OBJECT_INIT;
	int r = store_find(fs->store, PLATFORM_ID, KIND_POLICY, OBSERVABILITY_POLICY, &policy);

	*ret = NULL;
	if (content)
		common_raise_mtime(content, policy.spec ? policy.spec_ns : fs->started_ns);
	if (r < 0 || !policy.spec)
		return r == -ENOENT ? 0 : r;
	return observability_parse(policy.spec, strlen(policy.spec), ret, NULL);
}

static int render_policy(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	return policy_object_render(fs, OBSERVABILITY_POLICY, content);
}

static int check_policy(const struct draft *draft, struct error *reterr)
{
	_cleanup_json_ json_t *document = NULL;

	return observability_parse(draft->data, draft->len, &document, reterr);
}

static int apply_policy(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	int r = check_policy(draft, reterr);

	if (r < 0)
		return r == -ENODATA ? -EINVAL : r;
	return policy_object_apply(txn, OBSERVABILITY_POLICY, draft, reterr);
}

/* ---- dashboards, by the hash of their names: the one that ships, unless the policy has one of its
 *      name, and those of the policy ---- */

static int64_t dashboard_sub(const char *name)
{
	return (int64_t)(text_hash(name, strlen(name)) % NODE_KEY_MAX) + 1;
}

static bool dashboard_is_there(const json_t *policy, const char *name)
{
	return strcmp(name, GRAFANA) == 0 ||
	       json_object_get(json_object_get(policy, "Dashboards"), name) != NULL;
}

static int find_dashboard(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret)
{
	_cleanup_json_ json_t *policy = NULL;
	int r = load_policy(fs, NULL, &policy);

	if (r < 0)
		return r;
	if (!dashboard_is_there(policy, name))
		return -ENOENT;
	*ret = (struct entry){.name = name, .object = ref->object.id, .sub = dashboard_sub(name)};
	return 0;
}

static int list_dashboards(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn,
	void *arg)
{
	_cleanup_json_ json_t *policy = NULL;
	struct entry entry = {.object = ref->object.id};
	json_t *template;
	int r = load_policy(fs, NULL, &policy);

	entry.name = GRAFANA;
	entry.sub = dashboard_sub(GRAFANA);
	entry.place = 1;
	if (r == 0 && after < entry.place)
		r = fn(arg, &entry);
	json_object_foreach(json_object_get(policy, "Dashboards"), entry.name, template)
	{
		if (strcmp(entry.name, GRAFANA) == 0)
			continue;
		entry.sub = dashboard_sub(entry.name);
		entry.place++;
		if (r == 0 && after < entry.place)
			r = fn(arg, &entry);
	}
	return r;
}

static int fill(const json_t *template, const char *tenant, struct buf *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (json_is_string(template)) {
		observability_fill(json_string_value(template), tenant, out);
		return out->error;
	}
	json_print(template, JSON_INDENT(2), &text);
	buf_putc(&text, '\n');
	observability_fill(buf_string(&text), tenant, out);
	return text.error ? text.error : out->error;
}

static int render_dashboard(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_json_ json_t *policy = NULL, *shipped = NULL;
	const char *name;
	json_t *template;
	int r = load_policy(fs, content, &policy);

	if (r < 0)
		return r;
	json_object_foreach(json_object_get(policy, "Dashboards"), name, template)
	{
		if (dashboard_sub(name) == ref->sub)
			return fill(template, ref->object.name, &content->text);
	}
	if (ref->sub != dashboard_sub(GRAFANA))
		return -ESTALE;
	shipped = grafana_dashboard();
	return shipped ? fill(shipped, ref->object.name, &content->text) : -ENOMEM;
}

/* ---- links ---- */

static int add_links(void *arg, const struct object *service)
{
	struct content *content = arg;
	_cleanup_content_ struct content urls = CONTENT_INIT;
	struct ref ref = {.object = *service};
	char *rest, *line;

	(void)status_render_url(NULL, &ref, &urls);
	common_raise_mtime(content, service->status_ns);
	rest = urls.text.data;
	while (rest && *rest && (line = strsep(&rest, "\n")) != NULL)
		buf_printf(&content->text, "%-24s %s\n", service->name, line);
	return urls.text.error;
}

static int render_links(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_json_ json_t *policy = NULL;
	const char *title;
	json_t *url;
	int r = load_policy(fs, content, &policy);

	json_object_foreach(json_object_get(policy, "Links"), title, url)
	{
		buf_printf(&content->text, "%-24s ", title);
		observability_fill(json_string_value(url), ref->object.name, &content->text);
		buf_putc(&content->text, '\n');
	}
	common_raise_mtime(content, ref->object.children_ns);
	return r < 0 ? r
		     : store_list(fs->store, ref->object.id, KIND_SERVICE, 0, true, add_links,
			       content);
}

/* ---- metrics ---- */

enum { REPLICAS, HEALTHY, SETTLED, FAILED, METRICS };

static const struct {
	const char *name, *help;
} metrics[METRICS] = {
	[REPLICAS] = {"duplofs_service_replicas", "Replicas that are wanted."},
	[HEALTHY] = {"duplofs_service_healthy", "Replicas that are healthy."},
	[SETTLED] = {"duplofs_service_settled", "Whether the wanted generation has settled."},
	[FAILED] = {"duplofs_service_failed", "Whether it has failed."},
};

struct samples {
	const char *tenant;
	struct content *content;
	struct buf of[METRICS];
};

static int add_samples(void *arg, const struct object *service)
{
	struct samples *samples = arg;
	struct service_status status = {0};
	int64_t values[METRICS];

	if (service->status)
		(void)service_status_parse(service->status, &status);
	values[REPLICAS] = status.replicas;
	values[HEALTHY] = status.healthy;
	values[SETTLED] = service->observed >= service->generation;
	values[FAILED] = service->failed;
	for (int i = 0; i < METRICS; i++)
		buf_printf(&samples->of[i], "%s{tenant=\"%s\",service=\"%s\"} %lld\n",
			metrics[i].name, samples->tenant, service->name, (long long)values[i]);
	common_raise_mtime(samples->content, service->status_ns);
	return 0;
}

static int render_metrics(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct samples samples = {.tenant = ref->object.name, .content = content};
	int r = store_list(fs->store, ref->object.id, KIND_SERVICE, 0, true, add_samples, &samples);

	for (int i = 0; i < METRICS; i++) {
		metric_describe(&content->text, metrics[i].name, "gauge", metrics[i].help);
		buf_add(&content->text, buf_string(&samples.of[i]), samples.of[i].len);
		if (r == 0)
			r = samples.of[i].error;
		buf_done(&samples.of[i]);
	}
	common_raise_mtime(content, ref->object.children_ns);
	return r;
}

#define TENANT .kind = KIND_TENANT

const struct row rows_dashboards[] = {
	{.number = 244,
		.path = "{tenant}/metrics",
		TENANT,
		.mode = 0440,
		.flags = ROW_VOLATILE,
		.depends = CHANGE_STATUS,
		.render = render_metrics,
		.help = "The tenant's services as Prometheus text."},
	{.number = 245,
		.path = "{tenant}/dashboards",
		TENANT,
		.mode = 0750,
		.flags = ROW_DIR | ROW_DERIVED | ROW_VOLATILE,
		.find = find_dashboard,
		.list = list_dashboards,
		.help = "One file a dashboard, ready for its tool."},
	{.number = 246,
		.path = "{tenant}/dashboards/{dashboard}",
		TENANT,
		.mode = 0440,
		.flags = ROW_VOLATILE,
		.render = render_dashboard,
		.help = "A dashboard of the tenant's own, from the administrator's template."},
	{.number = 247,
		.path = "{tenant}/dashboards/links.txt",
		TENANT,
		.mode = 0440,
		.flags = ROW_VOLATILE,
		.render = render_links,
		.help = "Where else to look: what the administrator names, and the services' "
			"URLs."},
	{.number = 248,
		.path = ".platform/policy/observability.json",
		.kind = KIND_PLATFORM,
		.mode = 0600,
		.flags = ROW_PRIVATE | ROW_VOLATILE | ROW_DOCUMENT,
		.limit = SPEC_SIZE_MAX,
		.render = render_policy,
		.check = check_policy,
		.apply = apply_policy,
		.help = "Templates of dashboards, and links, for every tenant: <TenantName> "
			"becomes its name."},
	{0},
};
