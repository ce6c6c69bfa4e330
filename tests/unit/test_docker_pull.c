/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling from a real registry of the test's own, and from one that misbehaves. */
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
#include "docker_fixture.h"
#include "engine/engine.h"
#include "http_peer.h"
#include "net/net.h"

#define PATIENCE_NS (60 * NS_PER_SECOND)

static char directory[] = "/tmp/duplofs-test-registry.XXXXXX";
static char image[80];
static int port;
static pid_t registry;
static struct engine *engine;
static struct net *net;
static struct error error;

#define assert_fine(call)                                                                          \
	do {                                                                                       \
		error_clear(&error);                                                               \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, error.text);                                     \
	} while (0)

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

/* One request to the registry; its status, or a negative errno. */
static int ask(const char *method, const char *path, struct net_response *response)
{
	static const char *const headers[] = {
		"Accept: application/vnd.docker.distribution.manifest.v2+json", NULL};
	struct net_request request = {.method = method, .headers = headers, .timeout_ms = 10000};
	char url[256];
	int r;

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
	request.url = url;
	r = net_call(net, &request, response, &error);
	return r < 0 ? r : response->status;
}

static int start_registry(void)
{
	static char path[256], config_path[128];
	const char *argv[] = {path, "serve", config_path, NULL};
	struct net_response response = NET_RESPONSE_INIT;
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	char config[512], log_path[128];
	int log_fd, r;

	r = child_find("docker-registry", path, sizeof(path));
	if (r < 0)
		return error_set(&error, r, "docker-registry is not installed");
	port = free_port();
	(void)snprintf(config, sizeof(config),
		"version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
		"storage: {filesystem: {rootdirectory: %s/data}}\n"
		"http: {addr: \"127.0.0.1:%d\"}\n",
		directory, port);
	(void)snprintf(config_path, sizeof(config_path), "%s/config.yml", directory);
	r = file_write_atomic(config_path, config, strlen(config), 0600, 0, &error);
	(void)snprintf(log_path, sizeof(log_path), "%s/log", directory);
	log_fd = open(log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (r == 0 && log_fd < 0)
		r = error_errno(&error, errno, "%s", log_path);
	if (r == 0)
		r = child_start(argv, log_fd, &registry, &error);
	(void)close(log_fd);
	while (r == 0 && ask("GET", "/v2/", &response) != 200)
		r = clock_now_ns() < deadline_ns ? 0 : -ETIMEDOUT;
	net_response_done(&response);
	return r;
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory) || net_new(&net, &error) < 0 ||
		engine_docker_new(&engine, fixture_docker_url(), "pull", &error) < 0 ||
		start_registry() < 0) {
		print_error("%s\n", error.text);
		return -1;
	}
	(void)snprintf(image, sizeof(image), "127.0.0.1:%d/duplofs-test/web:1", port);
	if (fixture_image_make(fixture_docker_url(), image, &error) < 0 ||
		fixture_image_push(fixture_docker_url(), image, &error) < 0) {
		print_error("%s\n", error.text);
		return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)fixture_image_remove(fixture_docker_url(), image, NULL);
	engine_free(engine);
	net_free(net);
	if (registry > 0)
		child_stop(registry, 10000);
	return file_remove_tree(directory, NULL);
}

struct progress {
	int calls;
	int64_t done_bytes, total_bytes;
};

static void on_progress(void *arg, const char *phase, int64_t done_bytes, int64_t total_bytes)
{
	struct progress *progress = arg;

	(void)phase;
	progress->calls++;
	assert_true(done_bytes >= progress->done_bytes);
	progress->done_bytes = done_bytes;
	progress->total_bytes = total_bytes;
}

static void an_image_is_pulled(void **state)
{
	struct progress progress = {0};
	char before[ENGINE_ID_MAX], id[ENGINE_ID_MAX];

	(void)state;
	assert_fine(engine->ops->image_find(engine, image, before, &error));
	assert_fine(fixture_image_remove(fixture_docker_url(), image, &error));
	assert_int_equal(engine->ops->image_find(engine, image, id, &error), -ENOENT);
	assert_fine(engine->ops->image_pull(engine, image, on_progress, &progress, &error));
	assert_true(progress.calls > 0);
	assert_fine(engine->ops->image_find(engine, image, id, &error));
	assert_string_equal(id, before);
	assert_fine(engine->ops->image_pull(engine, image, NULL, NULL, &error));
}

static void an_image_is_pulled_by_digest(void **state)
{
	struct net_response response = NET_RESPONSE_INIT;
	char digest[128], exact[256], id[ENGINE_ID_MAX];

	(void)state;
	assert_int_equal(ask("HEAD", "/v2/duplofs-test/web/manifests/1", &response), 200);
	assert_true(net_header(&response, "docker-content-digest", digest, sizeof(digest)));
	net_response_done(&response);
	(void)snprintf(exact, sizeof(exact), "127.0.0.1:%d/duplofs-test/web@%s", port, digest);
	assert_fine(engine->ops->image_pull(engine, exact, NULL, NULL, &error));
	assert_fine(engine->ops->image_find(engine, exact, id, &error));
	(void)fixture_image_remove(fixture_docker_url(), exact, NULL);
}

static void what_the_registry_lacks_is_told(void **state)
{
	char missing[128];

	(void)state;
	(void)snprintf(missing, sizeof(missing), "127.0.0.1:%d/duplofs-test/web:none", port);
	assert_int_equal(engine->ops->image_pull(engine, missing, NULL, NULL, &error), -ENOENT);
	assert_non_null(strstr(error.text, missing));
	(void)snprintf(missing, sizeof(missing), "127.0.0.1:%d/duplofs-test/none:1", port);
	assert_int_equal(engine->ops->image_pull(engine, missing, NULL, NULL, &error), -ENOENT);
	/* Without a tag it is "latest", which is not there either, and not all tags. */
	(void)snprintf(missing, sizeof(missing), "127.0.0.1:%d/duplofs-test/web", port);
	assert_int_equal(engine->ops->image_pull(engine, missing, NULL, NULL, &error), -ENOENT);
}

static void what_is_no_registry_is_told(void **state)
{
	char there[128];
	struct peer peer;

	(void)state;
	assert_int_equal(peer_start(&peer, NULL), 0);
	(void)snprintf(there, sizeof(there), "127.0.0.1:%d/web:1", peer.port);
	assert_true(engine->ops->image_pull(engine, there, NULL, NULL, &error) < 0);
	assert_non_null(strstr(error.text, there));
	peer_stop(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_pulled),
		cmocka_unit_test(an_image_is_pulled_by_digest),
		cmocka_unit_test(what_the_registry_lacks_is_told),
		cmocka_unit_test(what_is_no_registry_is_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
