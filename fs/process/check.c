/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "fs/process/mount.h"

#define CHECK_PING_MS 3000

enum check_result {
	CHECK_GOOD,
	CHECK_NOTE, /* works, but less well */
	CHECK_BAD,
};

/* text: what was found, or what is wrong and what helps. */
typedef enum check_result (*check_fn)(const struct options *options, struct error *text);

struct check_row {
	const char *name;
	check_fn fn;
	const char *package; /* brings it; NULL: none does */
	bool local; /* for cloud=local only */
};

static enum check_result check_program(const char *program, enum check_result otherwise,
	const char *loss, struct error *text)
{
	char path[PATH_MAX];

	if (child_find(program, path, sizeof(path)) < 0) {
		(void)error_set(text, -ENOENT, "not found; %s", loss);
		return otherwise;
	}
	(void)error_set(text, 0, "%s", path);
	return CHECK_GOOD;
}

static enum check_result check_haproxy(const struct options *options, struct error *text)
{
	(void)options;
	return check_program("haproxy", CHECK_BAD, "services get no load balancer", text);
}

static enum check_result check_dnsmasq(const struct options *options, struct error *text)
{
	(void)options;
	return check_program("dnsmasq", CHECK_BAD, "DNS names are not answered", text);
}

static enum check_result check_iptables(const struct options *options, struct error *text)
{
	(void)options;
	return check_program("iptables", CHECK_NOTE, "no tenant can grant another anything", text);
}

static enum check_result check_mount_helper(const struct options *options, struct error *text)
{
	(void)options;
	return check_program("mount.fuse3", CHECK_NOTE, "mount(8) and fstab need it", text);
}

static enum check_result check_fuse(const struct options *options, struct error *text)
{
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	(void)options;
	if (fd < 0 && errno == EACCES) {
		(void)error_set(text, 0, "/dev/fuse, for root only");
		return CHECK_GOOD;
	}
	if (fd < 0) {
		(void)error_errno(text, errno, "/dev/fuse cannot be opened; try modprobe fuse");
		return CHECK_BAD;
	}
	(void)error_set(text, 0, "/dev/fuse");
	return CHECK_GOOD;
}

static enum check_result check_kernel(const struct options *options, struct error *text)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	(void)options;
	(void)uname(&name);
	if (sscanf(name.release, "%u.%u", &major, &minor) != 2)
		major = 0;
	(void)error_set(text, 0, "Linux %s", name.release);
	if (major > 6 || (major == 6 && minor >= 9))
		return CHECK_GOOD;
	if (major < 5 || (major == 5 && minor < 4)) {
		(void)error_set(text, 0, "Linux %s; 5.4 or newer is needed", name.release);
		return CHECK_BAD;
	}
	(void)error_set(text, 0,
		"Linux %s; before 6.9, calls under way while a worker is killed do not return",
		name.release);
	return CHECK_NOTE;
}

static bool check_has_swap(void)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *line;

	if (file_read("/proc/swaps", 65536, &text, NULL) < 0)
		return false;
	line = strchr(buf_string(&text), '\n');
	return line && line[1] != '\0';
}

static enum check_result check_noswap(const struct options *options, struct error *text)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	(void)options;
	(void)uname(&name);
	if (sscanf(name.release, "%u.%u", &major, &minor) != 2)
		major = 0;
	if (major > 6 || (major == 6 && minor >= 4)) {
		(void)error_set(text, 0, "what containers see is never swapped out");
		return CHECK_GOOD;
	}
	if (!check_has_swap()) {
		(void)error_set(text, 0, "this machine does not swap");
		return CHECK_GOOD;
	}
	(void)error_set(text, 0,
		"Linux before 6.4 may swap secrets out; swapoff -a, or encrypt the swap space");
	return CHECK_NOTE;
}

static int check_bind(int type, const struct sockaddr_in *address)
{
	_cleanup_close_ int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
}

static int check_is_duplofs(void *arg, const struct mount_entry *entry)
{
	(void)arg;
	return strcmp(entry->type, "fuse.duplofs") == 0;
}

static enum check_result check_bound(int r, const char *what, struct error *text)
{
	(void)error_set(text, 0, "%s", what);
	switch (r) {
	case 0:
		return CHECK_GOOD;
	case -EACCES:
	case -EPERM:
		(void)error_set(text, 0, "%s, not tried: only root may", what);
		return CHECK_GOOD;
	case -EADDRINUSE:
		if (mount_each("/proc/self/mountinfo", check_is_duplofs, NULL, NULL) == 1) {
			(void)error_set(text, 0,
				"%s, in use by a mounted platform or another program", what);
			return CHECK_GOOD;
		}
		(void)error_set(text, 0,
			"%s is in use by another program; choose another one with -o", what);
		return CHECK_BAD;
	case -EADDRNOTAVAIL:
		(void)error_set(text, 0, "%s is no address of this machine", what);
		return CHECK_BAD;
	default:
		(void)error_errno(text, -r, "%s", what);
		return CHECK_BAD;
	}
}

static enum check_result check_dns_listen(const struct options *options, struct error *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64];
	int64_t port = 0;
	char *colon;
	int r;

	(void)text_copy(host, sizeof(host), options->dns_listen);
	colon = strchr(host, ':');
	if (colon) {
		*colon = '\0';
		(void)text_parse_int(colon + 1, 1, 65535, &port);
	}
	(void)inet_pton(AF_INET, host, &address.sin_addr);
	address.sin_port = htons((uint16_t)port);
	r = check_bind(SOCK_DGRAM, &address);
	if (r == 0)
		r = check_bind(SOCK_STREAM, &address);
	return check_bound(r, options->dns_listen, text);
}

static enum check_result check_lb_range(const struct options *options, struct error *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64];
	char *slash;

	(void)text_copy(host, sizeof(host), options->lb_range);
	slash = strchr(host, '/');
	if (slash)
		*slash = '\0';
	(void)inet_pton(AF_INET, host, &address.sin_addr);
	/* The first address behind the network's own. */
	address.sin_addr.s_addr = htonl(ntohl(address.sin_addr.s_addr) + 1);
	return check_bound(check_bind(SOCK_STREAM, &address), options->lb_range, text);
}

static int check_connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int taken;

	if (fd < 0 || !text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	taken = fd;
	fd = -1;
	return taken;
}

static int check_connect_tcp(const char *place)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char host[512];
	char *colon;
	int fd, r = -ECONNREFUSED;

	(void)text_copy(host, sizeof(host), place);
	colon = strrchr(host, ':');
	if (colon)
		*colon = '\0';
	if (getaddrinfo(host, colon ? colon + 1 : "2375", &hints, &found) != 0)
		return -EHOSTUNREACH;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		socklen_t size = sizeof(r);

		(void)connect(fd, found->ai_addr, found->ai_addrlen);
		r = poll(&ready, 1, CHECK_PING_MS) > 0 ? 0 : ETIMEDOUT;
		if (r == 0)
			(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &r, &size);
		if (r == 0)
			r = fd;
		else
			(void)close(fd), r = -r;
	}
	freeaddrinfo(found);
	return r;
}

/* One question in HTTP; true when the answer is what an engine would say. */
static bool check_ping(int fd)
{
	static const char question[] = "GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n";
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char answer[1024];
	ssize_t got;

	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0 ||
		poll(&ready, 1, CHECK_PING_MS) <= 0)
		return false;
	got = recv(fd, answer, sizeof(answer) - 1, 0);
	answer[got > 0 ? got : 0] = '\0';
	return strncmp(answer, "HTTP/1.", 7) == 0 && strstr(answer, " 200 ");
}

static enum check_result check_docker(const struct options *options, struct error *text)
{
	const char *url = options->docker;
	_cleanup_close_ int fd = -1;
	int r = strncmp(url, "unix://", 7) == 0 ? check_connect_unix(url + 7)
						: check_connect_tcp(strstr(url, "//") + 2);

	if (r >= 0) {
		fd = r;
		if (check_ping(fd)) {
			(void)error_set(text, 0, "%s answers", url);
			return CHECK_GOOD;
		}
		(void)error_set(text, 0, "%s does not answer as a Docker Engine", url);
		return CHECK_BAD;
	}
	if (r == -EACCES && geteuid() != 0) {
		(void)error_set(text, 0, "%s, not tried: only root may", url);
		return CHECK_GOOD;
	}
	(void)error_errno(text, -r, "no engine at %s; install or start dockerd", url);
	return CHECK_BAD;
}

static const struct check_row check_rows[] = {
	{"kernel", check_kernel, NULL, false},
	{"fuse", check_fuse, "fuse3", false},
	{"tmpfs noswap", check_noswap, NULL, false},
	{"mount.fuse3", check_mount_helper, "fuse3", false},
	{"docker", check_docker, "docker.io", true},
	{"haproxy", check_haproxy, "haproxy", true},
	{"dnsmasq", check_dnsmasq, "dnsmasq-base", true},
	{"iptables", check_iptables, "iptables", true},
	{"lb_range", check_lb_range, NULL, true},
	{"dns_listen", check_dns_listen, NULL, true},
};

bool check(const struct options *options, FILE *out)
{
	static const char *const words[] = {"ok", "note", "MISSING"};
	_cleanup_buf_ struct buf packages = BUF_INIT;
	bool local = strcmp(options->cloud, "local") == 0, good = true;
	struct error text;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(check_rows); i++) {
		const struct check_row *row = &check_rows[i];
		enum check_result result;

		if (row->local && !local)
			continue;
		text = ERROR_INIT;
		result = row->fn(options, &text);
		good = good && result != CHECK_BAD;
		(void)fprintf(out, "%-8s %-13s %s", words[result], row->name, text.text);
		if (result != CHECK_GOOD && row->package) {
			(void)fprintf(out, " (Debian package %s)", row->package);
			buf_printf(&packages, " %s", row->package);
		}
		(void)fputc('\n', out);
	}
	if (packages.len > 0)
		(void)fprintf(out, "\napt-get install%s\n", buf_string(&packages));
	return good;
}
