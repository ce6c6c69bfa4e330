/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "fs/files/common.h"
#include "fs/files/files_host.h"
#include "fs/files/files_resource.h"
#include "model/service_status.h"
#include "model/ssh_key.h"
#include "store/view.h"

#define LISTED_MAX 1000 /* services that `status` lists one by one */

struct summary {
	struct content *content;
	json_t *services; /* NULL: for people */
	int64_t total, settled, failed;
	int64_t healthy, replicas;
};

static int add_service(void *arg, const struct object *service)
{
	struct summary *summary = arg;
	struct service_status status = {0};

	if (service->status)
		(void)service_status_parse(service->status, &status);
	summary->total++;
	summary->settled += service->observed >= service->generation;
	summary->failed += service->failed;
	summary->healthy += status.healthy;
	summary->replicas += status.replicas;
	common_raise_mtime(summary->content, service->status_ns);
	common_raise_mtime(summary->content, service->spec_ns);
	if (summary->total > LISTED_MAX)
		return 0;
	if (summary->services)
		return json_array_append_new(summary->services,
			       json_pack("{s:s, s:s, s:I, s:I}", "Name", service->name, "Phase",
				       service_phase_name(status.phase), "Replicas",
				       (json_int_t)status.replicas, "Healthy",
				       (json_int_t)status.healthy)) < 0
			       ? -ENOMEM
			       : 0;
	buf_printf(&summary->content->text, "%-24s %-12s %lld/%lld healthy%s%s\n", service->name,
		service_phase_name(status.phase), (long long)status.healthy,
		(long long)status.replicas, status.message[0] ? "  " : "", status.message);
	return 0;
}

static int render_status(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_content_ struct content lines = CONTENT_INIT;
	_cleanup_json_ json_t *status = NULL;
	struct summary summary = {.content = &lines};
	int r = store_list(fs->store, ref->object.id, KIND_SERVICE, 0, true, add_service, &summary);

	if (r < 0)
		return r;
	common_line(content, "tenant", "%s", ref->object.name);
	status = ref->object.status ? json_loads(ref->object.status, 0, NULL) : NULL;
	common_line(content, "cloud", "%s", json_get_string(status, "Cloud", ""));
	common_line(content, "services", "%lld, %lld settled, %lld failed",
		(long long)summary.total, (long long)summary.settled, (long long)summary.failed);
	common_line(content, "replicas", "%lld/%lld healthy", (long long)summary.healthy,
		(long long)summary.replicas);
	if (summary.total > 0)
		buf_putc(&content->text, '\n');
	buf_add(&content->text, buf_string(&lines.text), lines.text.len);
	if (summary.total > LISTED_MAX)
		buf_printf(&content->text, "and %lld more\n",
			(long long)summary.total - LISTED_MAX);
	r = host_render_list(fs, ref, content, NULL);
	if (r == 0)
		r = resource_render_list(fs, ref, content, NULL);
	if (r < 0)
		return r;
	common_raise_mtime(content, lines.mtime_ns);
	common_raise_mtime(content, ref->object.children_ns);
	return lines.text.error;
}

static int render_status_json(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_json_ json_t *services = json_array();
	_cleanup_json_ json_t *hosts = json_array();
	_cleanup_json_ json_t *resources = json_array();
	_cleanup_json_ json_t *status = NULL;
	struct summary summary = {.content = content, .services = services};
	int r;

	if (!services || !hosts || !resources)
		return -ENOMEM;
	r = store_list(fs->store, ref->object.id, KIND_SERVICE, 0, true, add_service, &summary);
	if (r == 0)
		r = host_render_list(fs, ref, content, hosts);
	if (r == 0)
		r = resource_render_list(fs, ref, content, resources);
	if (r < 0)
		return r;
	status = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:O, s:O, s:O}", "Name",
		ref->object.name, "Total", (json_int_t)summary.total, "Settled",
		(json_int_t)summary.settled, "Failed", (json_int_t)summary.failed, "Healthy",
		(json_int_t)summary.healthy, "Replicas", (json_int_t)summary.replicas, "Services",
		services, "Hosts", hosts, "Resources", resources);
	if (!status)
		return -ENOMEM;
	json_print(status, JSON_INDENT(2), &content->text);
	buf_putc(&content->text, '\n');
	common_raise_mtime(content, ref->object.children_ns);
	return 0;
}

static int render_neighbor(struct fs *fs, const struct ref *ref, struct content *content)
{
	return view_neighbors(fs->store, ref->object.id, &content->text);
}

static int render_key(struct fs *fs, const struct ref *ref, struct content *content)
{
	return store_value(fs->store, ref->object.id, &content->text, NULL);
}

static int render_public_key(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct buf key = BUF_INIT;
	int r = store_value(fs->store, ref->object.id, &key, NULL);

	if (r == 0 && key.len > 0)
		r = ssh_key_public(buf_string(&key), &content->text, NULL);
	buf_wipe(&key);
	buf_done(&key);
	return r;
}

#define TENANT .kind = KIND_TENANT

const struct row rows_tenant[] = {
	{.number = ROW_TENANT,
		.path = "{tenant}",
		TENANT,
		.mode = 0750,
		.flags = ROW_DIR | ROW_OBJECT | ROW_SCRATCHY,
		.help = "A tenant. Its owner and mode hold for all that is below."},
	{.number = 10,
		.path = "{tenant}/status",
		TENANT,
		.mode = 0440,
		.flags = ROW_VOLATILE | ROW_POLLED | ROW_TEXTS,
		.depends = CHANGE_STATUS,
		.render = render_status,
		.help = "The tenant's services, hosts and resources, for people."},
	{.number = 11,
		.path = "{tenant}/status.json",
		TENANT,
		.mode = 0440,
		.flags = ROW_VOLATILE | ROW_POLLED,
		.depends = CHANGE_STATUS,
		.render = render_status_json,
		.help = "The tenant's services, hosts and resources, for programs."},
	{.number = 12,
		.path = "{tenant}/events",
		TENANT,
		COMMON_EVENTS,
		.mode = 0440,
		.flags = ROW_VOLATILE | ROW_POLLED,
		.depends = CHANGE_EVENTS},
	{.number = 13, .path = "{tenant}/last_error", TENANT, COMMON_LAST_ERROR},
	{.number = 14, .path = "{tenant}/wait", TENANT, COMMON_WAIT},
	{.number = 15, .path = "{tenant}/protect", TENANT, COMMON_PROTECT},
	{.number = ROW_SERVICES,
		.path = "{tenant}/services",
		TENANT,
		.mode = 0750,
		.flags = ROW_DIR | ROW_SCRATCHY,
		.child_kind = KIND_SERVICE,
		.help = "One directory a service: mkdir makes one, rmdir undeploys it."},
	{.number = ROW_NEIGHBORS,
		.path = "{tenant}/neighbors",
		TENANT,
		.mode = 0750,
		.flags = ROW_DIR | ROW_VOLATILE | ROW_DERIVED,
		.child_kind = KIND_SERVICE,
		.help = "Where the tenant's services answer."},
	{.number = 27,
		.path = "{tenant}/neighbors/{service}",
		.kind = KIND_SERVICE,
		.mode = 0440,
		.flags = ROW_VOLATILE,
		.depends = CHANGE_STATUS,
		.render = render_neighbor,
		.help = "Healthy instances of the service, one `address:port` a line."},
	{.number = 175,
		.path = "{tenant}/keys",
		TENANT,
		.mode = 0700,
		.flags = ROW_DIR | ROW_DERIVED,
		.help = "The tenant's SSH key pair, which its machines in the cloud let in."},
	{.number = 176,
		.path = "{tenant}/keys/ssh",
		TENANT,
		.mode = 0400,
		.flags = ROW_SECRETIVE,
		.depends = CHANGE_STATUS,
		.render = render_key,
		.help = "Its private half, as OpenSSH reads it."},
	{.number = 177,
		.path = "{tenant}/keys/ssh.pub",
		TENANT,
		.mode = 0440,
		.depends = CHANGE_STATUS,
		.render = render_public_key,
		.help = "Its public half."},
	{0},
};
