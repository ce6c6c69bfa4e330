/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cloud/local/balancer_manager.h"

#define CONFIG_MAX_BYTES (256UL * 1024 * 1024)

struct adoption {
	struct balancers *b;
	const char *text;
	size_t head_len;
};

static void adopt_revision(void *arg, const char *revision, size_t head_len)
{
	struct adoption *adoption = arg;

	(void)snprintf(adoption->b->revision, sizeof(adoption->b->revision), "%.40s", revision);
	adoption->head_len = head_len;
}

static int adopt_listener(void *arg, int64_t service, const char *text, size_t len)
{
	struct adoption *adoption = arg;
	struct balancer_entry *entry = balancer_table_add(&adoption->b->table, service);

	if (!entry || entry->listener)
		return entry ? -EBADMSG : -ENOMEM;
	entry->listener = strndup(text, len);
	return entry->listener ? 0 : -ENOMEM;
}

static int adopt_server(void *arg, int64_t service, const struct server *server)
{
	struct adoption *adoption = arg;
	struct balancer_entry *entry = balancer_table_find(&adoption->b->table, service);

	return entry ? balancer_entry_add_server(entry, server) : -EBADMSG;
}

/* True when the file begins as we begin it: another version of us may have written it. */
static bool adopt_same_head(const struct adoption *adoption)
{
	_cleanup_buf_ struct buf head = BUF_INIT;
	char socket_path[108];

	haproxy_socket_name(&adoption->b->haproxy, adoption->b->revision, socket_path);
	haproxy_config_head(&head, adoption->b->revision, socket_path, geteuid() == 0);
	return !head.error && head.len == adoption->head_len &&
	       memcmp(head.data, adoption->text, head.len) == 0;
}

int balancer_adopt(struct balancers *b)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct adoption adoption = {.b = b};
	const struct haproxy_config_reader reader = {.arg = &adoption,
		.revision = adopt_revision,
		.listener = adopt_listener,
		.server = adopt_server};
	int r;

	if (file_read(b->haproxy.config, CONFIG_MAX_BYTES, &text, NULL) == 0) {
		adoption.text = buf_string(&text);
		r = haproxy_config_parse(adoption.text, &reader);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			balancer_table_done(&b->table);
	}
	r = haproxy_adopt(&b->haproxy, b->revision);
	b->stale = r == -ESTALE || (b->table.count > 0 && (r < 0 || !adopt_same_head(&adoption)));
	return 0;
}
