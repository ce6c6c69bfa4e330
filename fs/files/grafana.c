/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/grafana.h"

#include "base/cleanup.h"
#include "base/text.h"

#define SCHEMA_VERSION 36 /* of Grafana 9; later ones take it and raise it */
#define OF_TENANT      "{tenant=\"<TenantName>\"}"

struct panel {
	const char *title, *type;
	const char *query, *legend;
	const char *second, *second_legend; /* NULL: none */
	int x, y, width, height; /* the grid is 24 wide */
};

static const struct panel panels[] = {
	{"Healthy replicas", "stat", "sum(duplofs_service_healthy" OF_TENANT ")", "healthy",
		"sum(duplofs_service_replicas" OF_TENANT ")", "wanted", 0, 0, 6, 4},
	{"Services that failed", "stat", "sum(duplofs_service_failed" OF_TENANT ")", "failed", NULL,
		NULL, 6, 0, 6, 4},
	{"Cost of the month", "stat", "sum(duplofs_cost_month" OF_TENANT ")", "so far",
		"max(duplofs_budget_month" OF_TENANT ")", "budget", 12, 0, 6, 4},
	{"Cost of an hour", "stat", "max(duplofs_cost_hour" OF_TENANT ")", "now", NULL, NULL, 18, 0,
		6, 4},
	{"Healthy replicas by service", "timeseries", "duplofs_service_healthy" OF_TENANT,
		"{{service}}", NULL, NULL, 0, 4, 12, 9},
	{"Cost of the month by service", "timeseries",
		"sum by (service) (duplofs_cost_month" OF_TENANT ")", "{{service}}", NULL, NULL, 12,
		4, 12, 9},
};

static json_t *target(const char *name, const char *query, const char *legend)
{
	return query ? json_pack("{s:s, s:s, s:s}", "refId", name, "expr", query, "legendFormat",
			       legend)
		     : NULL;
}

static json_t *panel_document(const struct panel *panel, int id)
{
	_cleanup_json_ json_t *targets = json_array();
	_cleanup_json_ json_t *second = target("B", panel->second, panel->second_legend);

	if (!targets ||
		json_array_append_new(targets, target("A", panel->query, panel->legend)) < 0 ||
		(panel->second && json_array_append(targets, second) < 0))
		return NULL;
	return json_pack("{s:i, s:s, s:s, s:{s:s, s:s}, s:{s:i, s:i, s:i, s:i}, s:O}", "id", id,
		"title", panel->title, "type", panel->type, "datasource", "type", "prometheus",
		"uid", "${datasource}", "gridPos", "x", panel->x, "y", panel->y, "w", panel->width,
		"h", panel->height, "targets", targets);
}

json_t *grafana_dashboard(void)
{
	_cleanup_json_ json_t *documents = json_array();

	for (size_t i = 0; documents && i < ARRAY_SIZE(panels); i++)
		if (json_array_append_new(documents, panel_document(&panels[i], (int)i + 1)) < 0)
			return NULL;
	/* A variable lets who imports it choose the Prometheus that has the metrics. */
	return json_pack("{s:s, s:[s], s:s, s:i, s:{s:s, s:s}, s:s, s:{s:[{s:s, s:s, s:s, s:s}]}, "
			 "s:O}",
		"title", "<TenantName>", "tags", "duplofs", "timezone", "browser", "schemaVersion",
		SCHEMA_VERSION, "time", "from", "now-24h", "to", "now", "refresh", "1m",
		"templating", "list", "name", "datasource", "label", "Prometheus", "type",
		"datasource", "query", "prometheus", "panels", documents);
}
