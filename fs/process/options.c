/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define OPTIONS_LATENCY_MAX_MS 60000
#define OPTIONS_SECONDS_MAX    86400

typedef int (*options_check_fn)(const char *value, struct error *reterr);

/* One option of the -o list. */
struct options_row {
	const char *name, *value_name, *initial, *help;
	size_t offset, size;
	options_check_fn check;
};

static int check_state(const char *value, struct error *reterr)
{
	if (value[0] == '\0')
		return error_set(reterr, -EINVAL, "state= needs a directory");
	return 0;
}

static int check_cloud(const char *value, struct error *reterr)
{
	static const char *const clouds[] = {"local", "simulated", "aws", NULL};
	const char *near = text_nearest(value, clouds);

	for (size_t i = 0; clouds[i]; i++)
		if (strcmp(value, clouds[i]) == 0)
			return 0;
	return error_set(reterr, -EINVAL, "unknown cloud \"%s\"%s%s%s", value,
		near ? ", did you mean \"" : ": local, aws or simulated", near ? near : "",
		near ? "\"?" : "");
}

static int check_docker(const char *value, struct error *reterr)
{
	static const char *const schemes[] = {"unix:///", "tcp://"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncmp(value, schemes[i], strlen(schemes[i])) == 0 &&
			value[strlen(schemes[i])])
			return 0;
	return error_set(reterr, -EINVAL,
		"docker=%s is not a URL like unix:///var/run/docker.sock "
		"or tcp://127.0.0.1:2375",
		value);
}

static int check_lb_range(const char *value, struct error *reterr)
{
	char address[64];
	struct in_addr parsed;
	int64_t bits;
	char *slash;

	if (text_copy(address, sizeof(address), value) && (slash = strchr(address, '/')) != NULL) {
		*slash = '\0';
		if (inet_pton(AF_INET, address, &parsed) == 1 &&
			text_parse_int(slash + 1, 8, 29, &bits) == 0)
			return 0;
	}
	return error_set(reterr, -EINVAL,
		"lb_range=%s is not an IPv4 range like 127.88.0.0/16 "
		"(prefix length 8 to 29)",
		value);
}

static int check_dns_listen(const char *value, struct error *reterr)
{
	char address[64];
	struct in_addr parsed;
	int64_t port;
	char *colon;

	if (text_copy(address, sizeof(address), value) && (colon = strchr(address, ':')) != NULL) {
		*colon = '\0';
		if (inet_pton(AF_INET, address, &parsed) == 1 &&
			text_parse_int(colon + 1, 1, 65535, &port) == 0)
			return 0;
	}
	return error_set(reterr, -EINVAL,
		"dns_listen=%s is not an address and port like "
		"127.88.0.1:53",
		value);
}

static int check_domain(const char *value, struct error *reterr)
{
	char labels[254];
	char *rest = labels, *label;

	if (!text_copy(labels, sizeof(labels), value))
		return error_set(reterr, -EINVAL, "domain= is longer than a DNS name may be");
	while ((label = strsep(&rest, ".")) != NULL)
		if (!text_is_label(label))
			return error_set(reterr, -EINVAL,
				"domain=%s is not a DNS name like "
				"duplo.test",
				value);
	return 0;
}

static int check_latency(const char *value, struct error *reterr)
{
	int64_t ms;

	if (text_parse_int(value, 0, OPTIONS_LATENCY_MAX_MS, &ms) == 0)
		return 0;
	return error_set(reterr, -EINVAL, "latency_ms=%s is not a number from 0 to %d", value,
		OPTIONS_LATENCY_MAX_MS);
}

static int check_seconds(const char *name, const char *value, struct error *reterr)
{
	int64_t s;

	if (text_parse_int(value, 1, OPTIONS_SECONDS_MAX, &s) == 0)
		return 0;
	return error_set(reterr, -EINVAL, "%s=%s is not a number of seconds from 1 to %d", name,
		value, OPTIONS_SECONDS_MAX);
}

static int check_host_grace(const char *value, struct error *reterr)
{
	return check_seconds("host_grace", value, reterr);
}

static int check_sweep(const char *value, struct error *reterr)
{
	return check_seconds("sweep", value, reterr);
}

#define NUMBER(field) offsetof(struct options, field), 0
#define TEXT(field)   offsetof(struct options, field), sizeof(((struct options *)0)->field)

static const struct options_row rows[] = {
	{"state", "DIR", "/var/lib/duplofs", "database, master key, certificates", TEXT(state),
		check_state},
	{"cloud", "local|aws|simulated", "local", "what runs the services", TEXT(cloud),
		check_cloud},
	{"docker", "URL", NULL, "default $DOCKER_HOST, else unix:///var/run/docker.sock",
		TEXT(docker), check_docker},
	{"lb_range", "CIDR", "127.88.0.0/16", "addresses of load balancers", TEXT(lb_range),
		check_lb_range},
	{"dns_listen", "ADDR:PORT", "127.88.0.1:53", "where DNS names are answered",
		TEXT(dns_listen), check_dns_listen},
	{"domain", "NAME", "duplo.test", "domain of the wildcard certificate", TEXT(domain),
		check_domain},
	{"host_grace", "SECONDS", "30", "time until a host that is away is given up",
		NUMBER(host_grace_s), check_host_grace},
	{"sweep", "SECONDS", "300", "how often the account is looked over with cloud=aws",
		NUMBER(sweep_s), check_sweep},
	{"latency_ms", "MS", "0", "how long everything takes with cloud=simulated",
		NUMBER(latency_ms), check_latency},
};

/* What mount(8), fstab and people's habits add. Taken, and of no effect unless options_word says
 * so. */
static const char *const generic[] = {"rw", "ro", "dev", "nodev", "suid", "nosuid", "exec",
	"noexec", "auto", "noauto", "user", "nouser", "users", "owner", "group", "_netdev",
	"nofail", "defaults", "allow_other", "default_permissions", "atime", "noatime", "relatime",
	"norelatime", "strictatime", "nostrictatime", "diratime", "nodiratime", "lazytime",
	"nolazytime", "async", "sync", "dirsync", "mand", "nomand", "iversion", "noiversion",
	"silent", "loud", "remount"};

static const char *const generic_values[] = {"fsname", "subtype", "x-", "comment"};

static char *row_text(const struct options_row *row, struct options *options)
{
	return (char *)options + row->offset;
}

static int64_t *row_number(const struct options_row *row, struct options *options)
{
	return (int64_t *)(void *)((char *)options + row->offset);
}

static int options_set(struct options *options, const struct options_row *row, const char *value,
	struct error *reterr)
{
	int r = row->check(value, reterr);

	if (r < 0)
		return r;
	if (row->size == 0)
		return text_parse_int(value, 0, INT64_MAX, row_number(row, options));
	if (!text_copy(row_text(row, options), row->size, value))
		return error_set(reterr, -EINVAL, "%s= takes at most %zu bytes", row->name,
			row->size - 1);
	return 0;
}

static int options_unknown(const char *word, struct error *reterr)
{
	const char *known[ARRAY_SIZE(rows) + ARRAY_SIZE(generic) + 1] = {NULL};
	size_t i, count = 0;
	const char *near;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		known[count++] = rows[i].name;
	for (i = 0; i < ARRAY_SIZE(generic); i++)
		known[count++] = generic[i];
	near = text_nearest(word, known);
	if (near)
		return error_set(reterr, -EINVAL, "unknown option \"%s\", did you mean \"%s\"?",
			word, near);
	return error_set(reterr, -EINVAL, "unknown option \"%s\"; duplofs --help lists them", word);
}

/* An option without a value. */
static int options_word(struct options *options, const char *word, struct error *reterr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(word, rows[i].name) == 0)
			return error_set(reterr, -EINVAL, "%s needs a value: %s=%s", word, word,
				rows[i].value_name);
	for (i = 0; i < ARRAY_SIZE(generic); i++)
		if (strcmp(word, generic[i]) == 0)
			break;
	if (strncmp(word, "x-", 2) != 0 && i == ARRAY_SIZE(generic))
		return options_unknown(word, reterr);
	if (strcmp(word, "remount") == 0)
		return error_set(reterr, -EINVAL,
			"options of a mounted file system cannot be changed: "
			"umount it first");
	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0)
		options->read_only = word[1] == 'o';
	else if (strcmp(word, "noexec") == 0 || strcmp(word, "exec") == 0)
		options->no_exec = word[0] == 'n';
	return 0;
}

static int options_pair(struct options *options, const char *name, const char *value,
	struct error *reterr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(name, rows[i].name) == 0)
			return options_set(options, &rows[i], value, reterr);
	if (strcmp(name, "fsname") == 0) {
		(void)text_copy(options->source, sizeof(options->source), value);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(generic_values); i++)
		if (strncmp(name, generic_values[i], strlen(generic_values[i])) == 0)
			return 0;
	return options_unknown(name, reterr);
}

/* Cuts the next item off a comma list in place; "\," is a comma inside a value. */
static char *options_next(char **rest)
{
	char *item = *rest, *from, *to;

	if (!item)
		return NULL;
	for (from = to = item; *from && *from != ','; from++) {
		if (*from == '\\' && (from[1] == ',' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return item;
}

static int options_list(struct options *options, const char *list, struct error *reterr)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy, *item, *value;
	int r = 0;

	if (!copy)
		return error_oom(reterr);
	while (r == 0 && (item = options_next(&rest)) != NULL) {
		if (*item == '\0')
			continue;
		value = strchr(item, '=');
		if (value) {
			*value++ = '\0';
			r = options_pair(options, item, value, reterr);
		} else {
			r = options_word(options, item, reterr);
		}
	}
	return r;
}

/* "--fds=fuse,handoff,lock,peer,report,alive,watch" */
static int options_fds(struct options *options, const char *list, struct error *reterr)
{
	int *const fds[] = {&options->fds.fuse, &options->fds.handoff, &options->fds.lock,
		&options->fds.peer, &options->fds.report, &options->fds.alive, &options->fds.watch};
	char copy[128];
	char *rest = copy, *item;
	size_t i = 0;
	int64_t fd;

	(void)text_copy(copy, sizeof(copy), list);
	while ((item = strsep(&rest, ",")) != NULL && i < ARRAY_SIZE(fds)) {
		if (text_parse_int(item, -1, INT_MAX, &fd) < 0)
			return error_set(reterr, -EINVAL, "--fds is not for people");
		*fds[i++] = (int)fd;
	}
	return i == ARRAY_SIZE(fds) ? 0 : error_set(reterr, -EINVAL, "--fds is not for people");
}

static int options_long(struct options *options, const char *argument, struct error *reterr)
{
	static const char *const known[] = {"--help", "--version", NULL};
	const char *near;

	if (strcmp(argument, "--help") == 0)
		options->action = OPTIONS_HELP;
	else if (strcmp(argument, "--version") == 0)
		options->action = OPTIONS_VERSION;
	else if (strcmp(argument, "--as=holder") == 0)
		options->action = OPTIONS_HOLDER;
	else if (strcmp(argument, "--as=supervisor") == 0)
		options->action = OPTIONS_SUPERVISOR;
	else if (strcmp(argument, "--as=successor") == 0)
		options->action = OPTIONS_SUCCESSOR;
	else if (strcmp(argument, "--as=worker") == 0)
		options->action = OPTIONS_WORKER;
	else if (strcmp(argument, "--as=trial") == 0)
		options->action = OPTIONS_TRIAL;
	else if (strncmp(argument, "--fds=", 6) == 0)
		return options_fds(options, argument + 6, reterr);
	else if ((near = text_nearest(argument, known)) != NULL)
		return error_set(reterr, -EINVAL, "unknown option \"%s\", did you mean \"%s\"?",
			argument, near);
	else
		return error_set(reterr, -EINVAL,
			"unknown option \"%s\"; duplofs --help lists them", argument);
	return 0;
}

/* Letters after one dash; the value of -o is the rest of the argument or the next one. */
static int options_short(struct options *options, int argc, char *const *argv, int *index,
	struct error *reterr)
{
	const char *letter;

	for (letter = argv[*index] + 1; *letter; letter++) {
		switch (*letter) {
		case 'f':
			options->foreground = true;
			break;
		case 'd':
			options->foreground = options->debug = true;
			break;
		case 'h':
			options->action = OPTIONS_HELP;
			break;
		case 'V':
			options->action = OPTIONS_VERSION;
			break;
		case 'o':
			if (letter[1] != '\0')
				return options_list(options, letter + 1, reterr);
			if (*index + 1 >= argc)
				return error_set(reterr, -EINVAL,
					"-o needs a list like "
					"state=DIR,cloud=local");
			return options_list(options, argv[++*index], reterr);
		default:
			return error_set(reterr, -EINVAL,
				"unknown option \"-%c\"; duplofs --help "
				"lists them",
				*letter);
		}
	}
	return 0;
}

static int options_defaults(struct options *options, struct error *reterr)
{
	const char *docker = getenv("DOCKER_HOST");
	size_t i;
	int r;

	*options = (struct options){.fds = OPTIONS_FDS_NONE, .source = "duplofs"};
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].initial)
			continue;
		r = options_set(options, &rows[i], rows[i].initial, reterr);
		if (r < 0)
			return r;
	}
	if (!docker || !*docker)
		docker = "unix:///var/run/docker.sock";
	if (!text_copy(options->docker, sizeof(options->docker), docker) ||
		check_docker(docker, reterr) < 0)
		return error_prefix(reterr, "DOCKER_HOST");
	return 0;
}

/* Called by mount(8) there is a source before the mount point. */
static int options_places(struct options *options, char *const *places, int count,
	struct error *reterr)
{
	if (options->action == OPTIONS_HELP || options->action == OPTIONS_VERSION)
		return 0;
	if (count > 0 && strcmp(places[0], "check") == 0) {
		options->action = OPTIONS_CHECK;
		return count == 1
			       ? 0
			       : error_set(reterr, -EINVAL,
					 "too many arguments: \"%s\"; check looks at this machine",
					 places[1]);
	}
	if (options->action == OPTIONS_MOUNT && count > 0 && strcmp(places[0], "upgrade") == 0) {
		options->action = OPTIONS_UPGRADE;
		if (count == 1)
			return error_set(reterr, -EINVAL,
				"which platform? duplofs upgrade MOUNTPOINT");
	}
	if (count == 0)
		return error_set(reterr, -EINVAL, "where to mount? duplofs [options] MOUNTPOINT");
	if (count > 2)
		return error_set(reterr, -EINVAL, "too many arguments: \"%s\"", places[2]);
	if (count == 2 && *places[0])
		(void)text_copy(options->source, sizeof(options->source), places[0]);
	if (!text_copy(options->mountpoint, sizeof(options->mountpoint), places[count - 1]))
		return error_set(reterr, -ENAMETOOLONG, "the mount point's path is too long");
	return 0;
}

int options_parse(struct options *ret, int argc, char *const *argv, struct error *reterr)
{
	struct options options;
	char *places[3] = {NULL};
	bool only_places = false;
	int i, count = 0;
	int r = options_defaults(&options, reterr);

	for (i = 1; i < argc && r == 0; i++) {
		if (only_places || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (count < 3)
				places[count++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			only_places = true;
		} else if (argv[i][1] == '-') {
			r = options_long(&options, argv[i], reterr);
		} else {
			r = options_short(&options, argc, argv, &i, reterr);
		}
	}
	if (r == 0)
		r = options_places(&options, places, count, reterr);
	if (r == 0)
		*ret = options;
	return r;
}

void options_help(struct buf *out)
{
	char left[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)snprintf(left, sizeof(left), "%s=%s", rows[i].name, rows[i].value_name);
		buf_printf(out, "  -o %-28s %s", left, rows[i].help);
		if (rows[i].initial)
			buf_printf(out, " (%s)", rows[i].initial);
		buf_putc(out, '\n');
	}
}

static void options_print_value(struct buf *out, const char *value)
{
	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
}

void options_print(const struct options *options, struct buf *out)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_printf(out, "%s%s=", i ? "," : "", rows[i].name);
		if (rows[i].size == 0)
			buf_printf(out, "%lld",
				(long long)*(const int64_t *)(const void *)((const char *)options +
									    rows[i].offset));
		else
			options_print_value(out, (const char *)options + rows[i].offset);
	}
	buf_puts(out, options->read_only ? ",ro" : "");
	buf_puts(out, options->no_exec ? ",noexec" : "");
}
