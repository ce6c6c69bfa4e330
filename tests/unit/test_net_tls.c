/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPS: a certificate counts when the given authority signed it for that very place, and else not.
 *  */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "net/net.h"

#define PATIENCE_NS (30 * NS_PER_SECOND)

static char directory[] = "/tmp/duplofs-test-tls.XXXXXX";
static char openssl[256], key[64], certificate[64], other[64];
static int port;
static pid_t server;
static struct net *net;
static struct error error;

static int make_certificate(const char *name, const char *path)
{
	char place[64];
	const char *const argv[] = {openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes",
		"-days", "2", "-subj", "/CN=test", "-addext", place, "-keyout", key, "-out", path,
		NULL};

	(void)snprintf(place, sizeof(place), "subjectAltName=%s", name);
	return child_run(argv, 60000, NULL, &error);
}

static int free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -1;
	(void)close(fd);
	return ntohs(address.sin_port);
}

static int set_up(void **state)
{
	char accept[64];
	const char *const argv[] = {openssl, "s_server", "-accept", accept, "-cert", certificate,
		"-key", key, "-www", "-quiet", NULL};
	int fd;

	(void)state;
	if (!mkdtemp(directory) || net_new(&net, &error) < 0)
		return -1;
	(void)snprintf(key, sizeof(key), "%s/key", directory);
	(void)snprintf(certificate, sizeof(certificate), "%s/cert", directory);
	(void)snprintf(other, sizeof(other), "%s/other", directory);
	if (child_find("openssl", openssl, sizeof(openssl)) < 0 ||
		make_certificate("IP:127.0.0.1", other) != 0 ||
		make_certificate("IP:127.0.0.1", certificate) != 0) {
		print_error("no certificates: %s\n", error.text);
		return -1;
	}
	port = free_port();
	(void)snprintf(accept, sizeof(accept), "127.0.0.1:%d", port);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (child_start(argv, fd, &server, &error) < 0)
		return -1;
	return close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	net_free(net);
	if (server > 0)
		child_stop(server, 5000);
	return file_remove_tree(directory, NULL);
}

static int get(const char *host, const char *ca_file)
{
	struct net_response response = NET_RESPONSE_INIT;
	struct net_request request = {.method = "GET", .timeout_ms = 10000, .ca_file = ca_file};
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	char url[64];
	int r;

	(void)snprintf(url, sizeof(url), "https://%s:%d/", host, port);
	request.url = url;
	request.direct = true;
	/* The server may be about to start. */
	do
		r = net_call(net, &request, &response, &error);
	while (r == -ECONNREFUSED && clock_now_ns() < deadline_ns);
	if (r == 0)
		r = response.status;
	net_response_done(&response);
	return r;
}

static void the_right_certificate_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(get("127.0.0.1", certificate), 200);
	assert_int_equal(get("127.0.0.1", certificate), 200);
}

static void any_other_is_refused(void **state)
{
	(void)state;
	assert_int_equal(get("127.0.0.1", other), -EPROTO);
	assert_int_equal(get("127.0.0.1", NULL), -EPROTO);
	assert_non_null(strstr(error.text, "certificate"));
	assert_int_equal(get("127.0.0.1", "/nonexistent"), -EPROTO);
	/* Signed well, for another place. */
	assert_int_equal(get("localhost", certificate), -EPROTO);
	/* After an accepted one its connection may not serve those who trust another authority. */
	assert_int_equal(get("127.0.0.1", certificate), 200);
	assert_int_equal(get("127.0.0.1", other), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_certificate_is_accepted),
		cmocka_unit_test(any_other_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
