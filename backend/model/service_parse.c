/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/check.h"
#include "model/parser.h"
#include "model/spec.h"

#define MEMORY_LEAST_MIB 6 /* what the container engine takes as a limit at least */

static int on_change_parse(const struct parser *parser, const json_t *value, void *base)
{
	struct service_spec *spec = base;
	const char *text = json_string_value(value);
	struct error why = ERROR_INIT;

	if (text && strcmp(text, "none") == 0)
		return 0;
	if (text && strcmp(text, "restart") == 0) {
		spec->on_change = ON_CHANGE_RESTART;
		return 0;
	}
	if (!text || strncmp(text, "signal:", 7) != 0)
		return parser_refuse(parser, -EINVAL,
			"none, restart or signal:NAME (such as signal:HUP) is needed");
	if (check_signal(text + 7, &why) < 0)
		return parser_refuse(parser, -EINVAL, "%s", why.text);
	spec->on_change = ON_CHANGE_SIGNAL;
	spec->on_change_signal = strdup(text + 7);
	return spec->on_change_signal ? 0 : error_oom(parser->reterr);
}

static bool on_change_equal(const void *a, const void *b)
{
	const struct service_spec *left = a, *right = b;

	if (left->on_change != right->on_change)
		return false;
	return left->on_change != ON_CHANGE_SIGNAL ||
	       strcmp(left->on_change_signal, right->on_change_signal) == 0;
}

static void on_change_free(void *base)
{
	struct service_spec *spec = base;

	free(spec->on_change_signal);
}

const struct field_custom service_on_change = {
	.parse = on_change_parse,
	.equal = on_change_equal,
	.free = on_change_free,
	.pattern = "^(none|restart|signal:[A-Z0-9+-]+)$",
};

static int defaults(void *base)
{
	struct service_spec *spec = base;

	spec->dns = strdup("");
	spec->replicas = 1;
	spec->update_domains = 3;
	spec->auto_rollback = true;
	spec->drain_s = 10;
	spec->health = (struct health_spec){
		.interval_s = 5,
		.timeout_s = 2,
		.healthy_threshold = 2,
		.unhealthy_threshold = 3,
		.start_period_s = 30,
	};
	return spec->dns ? 0 : -ENOMEM;
}

/* Two volumes at one place in the container. */
static int check_volumes(const struct parser *parser, char *const *volumes)
{
	for (char *const *a = volumes; a && *a; a++) {
		const char *path = strchr(*a, ':');
		size_t len = strcspn(path + 1, ":") + 1;

		while (path[len - 1] == '/')
			len--;
		for (char *const *b = volumes; b < a; b++) {
			const char *rest = strchr(*b, ':');

			if (strncmp(path, rest, len) != 0)
				continue;
			rest += len;
			rest += strspn(rest, "/");
			if (*rest == '\0' || *rest == ':')
				return parser_refuse(parser, -EINVAL, "two volumes are at %.*s",
					(int)len - 1, path + 1);
		}
	}
	return 0;
}

/* One way to ask is enough. */
static int check_health(const struct parser *parser, const struct health_spec *health)
{
	struct parser at = *parser;

	at.field = "HealthCheck";
	if (health->command && !health->command[0][0])
		return parser_refuse(&at, -EINVAL, "Command begins with the name of a program");
	if (health->command && health->path)
		return parser_refuse(&at, -EINVAL, "either Path or Command, not both");
	if (health->command && health->port)
		return parser_refuse(&at, -EINVAL, "a Command needs no Port");
	return 0;
}

/* What follows from several fields at once, and defaults that depend on others. */
static int settle(const struct parser *parser, const json_t *object, const char *name, void *base)
{
	struct service_spec *spec = base;
	struct parser at = *parser;
	int r;

	(void)object;
	r = parser_check_name(parser, spec->name, name);
	if (r < 0)
		return r;
	at.field = "MemoryMiB";
	if (spec->memory_mib > 0 && spec->memory_mib < MEMORY_LEAST_MIB)
		return parser_refuse(&at, -EINVAL, "%lld is below %d", (long long)spec->memory_mib,
			MEMORY_LEAST_MIB);
	at.field = "DNS";
	if (spec->dns[0] && !spec->lb_port)
		return parser_refuse(&at, -EINVAL,
			"a name points to a load balancer, which needs an ExternalLBPort");
	at.field = "Volumes";
	r = check_volumes(&at, spec->volumes);
	if (r == 0)
		r = check_health(parser, &spec->health);
	if (r < 0)
		return r;
	if (!spec->container_port)
		spec->container_port = spec->lb_port ? spec->lb_port : 80;
	for (char *c = spec->dns; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

const struct spec_type service_type = {
	.title = "Service",
	.fields = service_fields,
	.size = sizeof(struct service_spec),
	.defaults = defaults,
	.settle = settle,
};

int service_spec_parse(const char *text, size_t len, const char *name, struct service_spec **ret,
	struct error *reterr)
{
	void *spec;
	int r = spec_parse(&service_type, text, len, name, &spec, reterr);

	if (r == 0)
		*ret = spec;
	return r;
}

void service_spec_free(struct service_spec *spec)
{
	spec_free(&service_type, spec);
}

bool service_spec_equal(const struct service_spec *a, const struct service_spec *b)
{
	return spec_equal(&service_type, a, b, 0);
}

bool service_spec_same_template(const struct service_spec *a, const struct service_spec *b)
{
	/* With a balancer, whatever its port, a container is published at a port of its host. */
	return (a->lb_port > 0) == (b->lb_port > 0) &&
	       spec_equal(&service_type, a, b, FIELD_TEMPLATE);
}
