/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"

#include <ctype.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/kind.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX    DIGITS "abcdef"

static bool is_all(const char *text, size_t len, const char *set)
{
	return len > 0 && strspn(text, set) >= len;
}

/* [a-z0-9]+ joined by ".", "_", "__" or any number of "-". */
static bool is_path_component(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t word = 0, joint = 0;

		while (i + word < len && strchr(LOWER DIGITS, text[i + word]))
			word++;
		if (word == 0)
			return false;
		i += word;
		if (i == len)
			return true;
		while (i + joint < len && text[i + joint] == text[i])
			joint++;
		if (!strchr("._-", text[i]) || (text[i] == '.' && joint > 1) ||
			(text[i] == '_' && joint > 2))
			return false;
		i += joint;
	}
	return false;
}

/* host[:port] in front of the first "/": told from a path by a dot, a colon or "localhost". */
static bool is_registry(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t host = colon ? (size_t)(colon - text) : len;

	if (!colon && !memchr(text, '.', len) && !(len == 9 && memcmp(text, "localhost", 9) == 0))
		return false;
	for (size_t at = 0; at <= host;) {
		size_t label = strcspn(text + at, "./:");

		if (!is_all(text + at, label, LOWER UPPER DIGITS "-") || text[at] == '-' ||
			text[at + label - 1] == '-')
			return false;
		at += label + 1;
	}
	return !colon || is_all(colon + 1, len - host - 1, DIGITS);
}

static const struct {
	const char *prefix;
	size_t digits;
} digests[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};

static bool is_digest(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		size_t len = strlen(digests[i].prefix);

		if (strncmp(text, digests[i].prefix, len) == 0)
			return strlen(text + len) == digests[i].digits &&
			       is_all(text + len, digests[i].digits, HEX);
	}
	return false;
}

static bool is_digest_begun(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		size_t prefix = strlen(digests[i].prefix);

		if (strncmp(text, digests[i].prefix, len < prefix ? len : prefix) == 0)
			return len <= prefix || (len - prefix <= digests[i].digits &&
							strspn(text + prefix, HEX) == len - prefix);
	}
	return false;
}

static bool is_repository(const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);

	if (slash && is_registry(text, (size_t)(slash - text))) {
		len -= (size_t)(slash - text) + 1;
		text = slash + 1;
	}
	while ((slash = memchr(text, '/', len)) != NULL) {
		if (!is_path_component(text, (size_t)(slash - text)))
			return false;
		len -= (size_t)(slash - text) + 1;
		text = slash + 1;
	}
	return is_path_component(text, len);
}

int check_image(const char *value, struct error *reterr)
{
	const char *at = strchr(value, '@');
	size_t len = at ? (size_t)(at - value) : strlen(value);
	const char *slash = memrchr(value, '/', len);
	const char *name = slash ? slash + 1 : value;
	const char *colon = memchr(name, ':', len - (size_t)(name - value));
	size_t tag = colon ? len - (size_t)(colon - value) - 1 : 0;

	if (len == 0)
		return error_set(reterr, -EINVAL, "an image is needed, such as nginx:latest");
	if (strlen(value) > 255)
		return error_set(reterr, -EINVAL, "an image reference has at most 255 characters");
	if (at && !is_digest(at + 1))
		return error_set(reterr, -EINVAL,
			"\"%s\" is no digest, such as sha256: and 64 hexadecimal digits", at + 1);
	if (colon && (tag > 128 || !is_all(colon + 1, tag, LOWER UPPER DIGITS "_.-") ||
			     strchr(".-", colon[1])))
		return error_set(reterr, -EINVAL, "\"%.*s\" is no tag", (int)tag, colon + 1);
	if (!is_repository(value, colon ? (size_t)(colon - value) : len))
		return error_set(reterr, -EINVAL,
			"\"%s\" is no image reference (lower-case name, such as nginx:latest)",
			value);
	return 0;
}

/* Whether value is right with one of the endings (NULL-terminated) behind it. */
static bool begins_with(const char *value, int (*check)(const char *, struct error *),
	const char *const *endings)
{
	char whole[1024];

	for (; *endings; endings++) {
		int len = snprintf(whole, sizeof(whole), "%s%s", value, *endings);

		if (len >= 0 && (size_t)len < sizeof(whole) && check(whole, NULL) == 0)
			return true;
	}
	return false;
}

bool check_image_begins(const char *value)
{
	/* It may stand in a name or a tag, behind a registry or its port, or in a registry. */
	static const char *const endings[] = {"", "a", "/a", "1/a", "a.a/a", NULL};
	const char *at = strchr(value, '@');
	char digest[160], name[256];

	if (!at)
		return begins_with(value, check_image, endings);
	if (!text_copy(digest, sizeof(digest), at + 1) || (size_t)(at - value) >= sizeof(name))
		return false;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(at - value), value);
	if (check_image(name, NULL) < 0)
		return false;
	return is_digest_begun(digest);
}

int check_dns(const char *value, struct error *reterr)
{
	const char *label = value;
	size_t len;

	if (!*value)
		return 0;
	if (strlen(value) > 253)
		return error_set(reterr, -EINVAL, "a DNS name has at most 253 characters");
	for (;;) {
		len = strcspn(label, ".");
		if (!is_all(label, len, LOWER UPPER DIGITS "-") || len > 63 || label[0] == '-' ||
			label[len - 1] == '-')
			return error_set(reterr, -EINVAL,
				"\"%.80s\" is no DNS name: labels of letters, digits and \"-\" "
				"joined by dots",
				value);
		if (!label[len])
			return 0;
		label += len + 1;
	}
}

bool check_dns_begins(const char *value)
{
	static const char *const endings[] = {"", "a", NULL};

	return begins_with(value, check_dns, endings);
}

/* Places in a container that a volume must not cover. */
static bool is_reserved_path(const char *path)
{
	static const char *const reserved[] = {"/duplo", "/proc", "/sys", "/dev"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		size_t len = strlen(reserved[i]);

		if (strncmp(path, reserved[i], len) == 0 && (!path[len] || path[len] == '/'))
			return true;
	}
	return path[1] == '\0';
}

/* Absolute, each component a name: no "", ".", "..", no control characters; "/" may end it. */
static bool is_plain_path(const char *path)
{
	const char *at = path;

	if (*at != '/')
		return false;
	for (; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	for (at = path; *at == '/' && at[1];) {
		size_t len = strcspn(++at, "/");

		if (len == 0 || (len <= 2 && strspn(at, ".") >= len))
			return false;
		at += len;
	}
	return true;
}

/* What a container that has it could be more than a container with: the engine's socket, and what
 * the kernel shows of the whole machine. */
static bool is_powerful_path(const char *path)
{
	static const char *const powerful[] = {"/", "/boot", "/dev", "/etc", "/lib", "/proc",
		"/root", "/run", "/sys", "/usr", "/var", "/var/lib", "/var/lib/docker", "/var/run",
		"/run/docker.sock", "/var/run/docker.sock"};
	static const char *const below[] = {"/dev/", "/proc/", "/sys/", "/var/lib/docker/"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(powerful); i++)
		if (strcmp(path, powerful[i]) == 0)
			return true;
	for (i = 0; i < ARRAY_SIZE(below); i++)
		if (strncmp(path, below[i], strlen(below[i])) == 0)
			return true;
	return false;
}

int check_host_path(const char *value, struct error *reterr)
{
	size_t len = strlen(value);

	if (len > 1000 || !is_plain_path(value) || strchr(value, ':') ||
		(len > 1 && value[len - 1] == '/'))
		return error_set(reterr, -EINVAL, "\"%.80s\" is no plain absolute path", value);
	if (is_powerful_path(value))
		return error_set(reterr, -EPERM,
			"%.80s is a path that no policy allows: it would give power over the host",
			value);
	return 0;
}

int check_image_prefix(const char *value, struct error *reterr)
{
	if (!is_all(value, strlen(value), LOWER UPPER DIGITS "_.-:@/") || strlen(value) > 255)
		return error_set(reterr, -EINVAL, "\"%.80s\" is no beginning of an image reference",
			value);
	return 0;
}

/* A name, or a path of the host that the policy is asked about later. */
static int check_volume_source(const char *value, size_t len, struct error *reterr)
{
	char source[1024];

	if (value[0] == '.')
		return error_set(reterr, -EPERM, "\"%.80s\": a path of the host is absolute",
			value);
	if (value[0] == '/') {
		(void)snprintf(source, sizeof(source), "%.*s", (int)(len < 1023 ? len : 1023),
			value);
		return check_host_path(source, reterr);
	}
	if (!is_all(value, len, LOWER UPPER DIGITS "_.-") || len > 63 || strchr("_.-", value[0]))
		return error_set(reterr, -EINVAL, "\"%.*s\" is no name of a volume",
			len < 80 ? (int)len : 80, value);
	return 0;
}

int check_volume(const char *value, struct error *reterr)
{
	const char *colon = strchr(value, ':');
	const char *path = colon ? colon + 1 : "";
	const char *mode = strchr(path, ':');
	char clean[1024];
	int r;

	if (!colon || path[0] != '/')
		return error_set(reterr, -EINVAL, "\"%.80s\" is not name:/path or name:/path:ro",
			value);
	r = check_volume_source(value, (size_t)(colon - value), reterr);
	if (r < 0)
		return r;
	if (mode && strcmp(mode, ":ro") != 0 && strcmp(mode, ":rw") != 0)
		return error_set(reterr, -EINVAL, "\"%.80s\" is neither ro nor rw", mode + 1);
	if (!text_copy(clean, sizeof(clean), path))
		return error_set(reterr, -EINVAL, "the path of a volume is too long");
	clean[strcspn(clean, ":")] = '\0';
	if (!is_plain_path(clean) || is_reserved_path(clean))
		return error_set(reterr, -EINVAL, "%.80s is no place for a volume", clean);
	return 0;
}

int check_environment(const char *value, struct error *reterr)
{
	size_t len = strcspn(value, "=");

	if (!is_all(value, len, LOWER UPPER DIGITS "_.-") || isdigit((unsigned char)value[0]))
		return error_set(reterr, -EINVAL, "\"%.*s\" is no name of a variable",
			len < 80 ? (int)len : 80, value);
	return 0;
}

int check_key(const char *value, struct error *reterr)
{
	return kind_check_name(KIND_SECRET, value, reterr);
}

int check_neighbor(const char *value, struct error *reterr)
{
	const char *slash = strchr(value, '/');
	char tenant[64] = "a";

	if (slash && (size_t)(slash - value) < sizeof(tenant)) {
		memcpy(tenant, value, (size_t)(slash - value));
		tenant[slash - value] = '\0';
	}
	if (!text_is_label(tenant) || !text_is_label(slash ? slash + 1 : value))
		return error_set(reterr, -EINVAL, "\"%.80s\" is neither service nor tenant/service",
			value);
	return 0;
}

int check_host(const char *value, struct error *reterr)
{
	if (!is_all(value, strlen(value), LOWER UPPER DIGITS "_.-:=/") || strlen(value) > 128)
		return error_set(reterr, -EINVAL, "\"%.80s\" is no name or tag of a host", value);
	return 0;
}

int check_region(const char *value, struct error *reterr)
{
	if (!value[0] || !is_all(value, strlen(value), LOWER DIGITS "-") || strlen(value) > 31)
		return error_set(reterr, -EINVAL,
			"\"%.80s\" is no region: one is written as us-west-2", value);
	return 0;
}

/* "host:port" of tcp://, "name@address:port" of tls://; the port may lack. */
static bool is_engine_place(const char *place, bool named)
{
	const char *at = strchr(place, '@');

	if (!is_all(place, strlen(place), LOWER UPPER DIGITS "_.-:@"))
		return false;
	if (!named)
		return place[0] && !at;
	return at && at != place && at[1] && at[1] != ':' && strchr(at, ':') &&
	       !strchr(at + 1, '@') && !memchr(place, ':', (size_t)(at - place));
}

int check_engine(const char *value, struct error *reterr)
{
	const char *rest = strstr(value, "://");
	bool good = false;

	if (rest && strlen(value) <= 200) {
		rest += strlen("://");
		if (strncmp(value, "unix://", 7) == 0)
			good = rest[0] == '/' &&
			       is_all(rest, strlen(rest), LOWER UPPER DIGITS "_.-:/");
		else if (strncmp(value, "tcp://", 6) == 0 || strncmp(value, "tls://", 6) == 0)
			good = is_engine_place(rest, value[1] == 'l');
	}
	if (!good)
		return error_set(reterr, -EINVAL,
			"\"%.80s\" is no container engine: unix:///path, tcp://host:port or "
			"tls://name@host:port",
			value);
	return 0;
}

int check_address(const char *value, struct error *reterr)
{
	struct in_addr address;

	if (inet_pton(AF_INET, value, &address) != 1)
		return error_set(reterr, -EINVAL, "\"%.80s\" is no IPv4 address", value);
	return 0;
}

int check_url_path(const char *value, struct error *reterr)
{
	const char *at;

	if (value[0] != '/')
		return error_set(reterr, -EINVAL, "\"%.80s\" does not begin with \"/\"", value);
	if (strlen(value) > 1024)
		return error_set(reterr, -EINVAL, "a path has at most 1024 characters");
	for (at = value; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '#')
			return error_set(reterr, -EINVAL,
				"a path has no spaces, control characters or \"#\"");
	return 0;
}

int check_signal(const char *value, struct error *reterr)
{
	/* Those of Linux by which the Docker Engine knows them, too. */
	static const char *const signals[] = {"HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "IOT",
		"BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
		"CHLD", "CLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
		"VTALRM", "PROF", "WINCH", "IO", "POLL", "PWR", "SYS", "RTMIN", "RTMAX", NULL};
	const char *name = strncmp(value, "SIG", 3) == 0 ? value + 3 : value;
	const char *near;
	int64_t number;

	if (text_is_one_of(name, signals))
		return 0;
	if (strncmp(name, "RTMIN+", 6) == 0 && text_parse_int(name + 6, 1, 15, &number) == 0)
		return 0;
	if (strncmp(name, "RTMAX-", 6) == 0 && text_parse_int(name + 6, 1, 14, &number) == 0)
		return 0;
	near = text_nearest(name, signals);
	return error_set(reterr, -EINVAL, "\"%.80s\" is no signal, such as HUP%s%s%s", value,
		near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}
