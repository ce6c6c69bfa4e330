/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/process/options.h"

static struct options options;
static struct error error;

/* Parses the words, NULL-terminated. */
static int parse(const char *const *words)
{
	char *argv[32] = {(char *)(uintptr_t) "duplofs"};
	int argc = 1;

	while (words[argc - 1]) {
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
		argc++;
	}
	error_clear(&error);
	memset(&options, 0xaa, sizeof(options));
	return options_parse(&options, argc, argv, &error);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void refuses(int r, const char *sentence)
{
	assert_true(r < 0);
	if (!strstr(error.text, sentence))
		fail_msg("\"%s\" is not in: %s", sentence, error.text);
}

static void test_defaults(void **arg)
{
	(void)arg;
	(void)unsetenv("DOCKER_HOST");
	assert_int_equal(PARSE("/duplo"), 0);
	assert_int_equal(options.action, OPTIONS_MOUNT);
	assert_string_equal(options.mountpoint, "/duplo");
	assert_string_equal(options.source, "duplofs");
	assert_string_equal(options.state, "/var/lib/duplofs");
	assert_string_equal(options.cloud, "local");
	assert_string_equal(options.docker, "unix:///var/run/docker.sock");
	assert_string_equal(options.lb_range, "127.88.0.0/16");
	assert_string_equal(options.dns_listen, "127.88.0.1:53");
	assert_string_equal(options.domain, "duplo.test");
	assert_int_equal(options.latency_ms, 0);
	assert_int_equal(options.host_grace_s, 30);
	assert_false(options.foreground || options.debug || options.read_only || options.no_exec);
	assert_int_equal(options.fds.fuse, -1);
}

static void test_docker_host(void **arg)
{
	(void)arg;
	assert_int_equal(setenv("DOCKER_HOST", "tcp://127.0.0.1:2375", 1), 0);
	assert_int_equal(PARSE("/duplo"), 0);
	assert_string_equal(options.docker, "tcp://127.0.0.1:2375");
	assert_int_equal(PARSE("-odocker=unix:///x.sock", "/duplo"), 0);
	assert_string_equal(options.docker, "unix:///x.sock");
	assert_int_equal(setenv("DOCKER_HOST", "nonsense", 1), 0);
	refuses(PARSE("/duplo"), "DOCKER_HOST");
	assert_int_equal(setenv("DOCKER_HOST", "", 1), 0);
	assert_int_equal(PARSE("/duplo"), 0);
	assert_string_equal(options.docker, "unix:///var/run/docker.sock");
	assert_int_equal(unsetenv("DOCKER_HOST"), 0);
}

static void test_actions(void **arg)
{
	(void)arg;
	assert_int_equal(PARSE("--help"), 0);
	assert_int_equal(options.action, OPTIONS_HELP);
	assert_int_equal(PARSE("-h"), 0);
	assert_int_equal(options.action, OPTIONS_HELP);
	assert_int_equal(PARSE("--version", "/duplo"), 0);
	assert_int_equal(options.action, OPTIONS_VERSION);
	assert_int_equal(PARSE("check"), 0);
	assert_int_equal(options.action, OPTIONS_CHECK);
	assert_int_equal(PARSE("-o", "dns_listen=127.0.0.9:5353", "check"), 0);
	assert_int_equal(options.action, OPTIONS_CHECK);
	/* A directory of that name is reachable by a path. */
	assert_int_equal(PARSE("check", "/duplo"), -EINVAL);
	assert_int_equal(PARSE("./check"), 0);
	assert_int_equal(options.action, OPTIONS_MOUNT);
}

/* As mount.fuse3 calls it for mount(8) and fstab. */
static void test_called_by_mount(void **arg)
{
	(void)arg;
	assert_int_equal(PARSE("none", "/duplo", "-o",
				 "rw,noexec,nosuid,nodev,dev,suid,noauto,nofail,_netdev,user,"
				 "x-systemd.automount,x-mount.mkdir=0755,comment=a,relatime,"
				 "fsname=mine,subtype=duplofs,allow_other,default_permissions,"
				 "defaults,state=/s,cloud=simulated"),
		0);
	assert_int_equal(options.action, OPTIONS_MOUNT);
	assert_string_equal(options.mountpoint, "/duplo");
	assert_string_equal(options.source, "none");
	assert_string_equal(options.state, "/s");
	assert_true(options.no_exec);
	assert_false(options.read_only);
	assert_int_equal(PARSE("", "/duplo", "-o", "ro"), 0);
	assert_string_equal(options.source, "duplofs");
	assert_true(options.read_only);
	assert_int_equal(PARSE("/duplo", "-o", "ro,rw,noexec,exec"), 0);
	assert_false(options.read_only || options.no_exec);
	refuses(PARSE("/duplo", "-o", "remount,ro"), "umount it first");
}

static void test_forms(void **arg)
{
	(void)arg;
	assert_int_equal(PARSE("-fostate=/a", "-o", "cloud=simulated", "-o", "latency_ms=20",
				 "/duplo"),
		0);
	assert_true(options.foreground);
	assert_false(options.debug);
	assert_string_equal(options.state, "/a");
	assert_int_equal(options.latency_ms, 20);
	assert_int_equal(PARSE("-d", "/duplo"), 0);
	assert_true(options.foreground && options.debug);
	assert_int_equal(PARSE("--", "-odd"), 0);
	assert_string_equal(options.mountpoint, "-odd");
	assert_int_equal(PARSE("-o", ",,state=/a\\,b\\\\c,,", "/duplo"), 0);
	assert_string_equal(options.state, "/a,b\\c");
	/* The last word counts. */
	assert_int_equal(PARSE("-ostate=/a,state=/b", "/duplo"), 0);
	assert_string_equal(options.state, "/b");
}

static void test_refusals(void **arg)
{
	char long_path[5000];

	(void)arg;
	(void)memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	refuses(PARSE("-f"), "MOUNTPOINT");
	refuses(PARSE("/a", "/b", "/c"), "\"/c\"");
	refuses(PARSE(long_path), "too long");
	refuses(PARSE("-o"), "-o needs");
	refuses(PARSE("-x", "/duplo"), "\"-x\"");
	refuses(PARSE("--verson", "/duplo"), "did you mean \"--version\"");
	refuses(PARSE("--qqqqqqqqqqqq", "/duplo"), "--help lists");
	refuses(PARSE("-ostat=/x", "/duplo"), "did you mean \"state\"");
	refuses(PARSE("-onodve", "/duplo"), "did you mean \"nodev\"");
	refuses(PARSE("-ozzzzzzzzzzzzzz=1", "/duplo"), "\"zzzzzzzzzzzzzz\"");
	refuses(PARSE("-ostate", "/duplo"), "state=DIR");
	refuses(PARSE("-ostate=", "/duplo"), "needs a directory");
	refuses(PARSE("-ocloud=lokal", "/duplo"), "did you mean \"local\"");
	refuses(PARSE("-ocloud=nowhere", "/duplo"), "nowhere");
	refuses(PARSE("-olatency_ms=-1", "/duplo"), "0 to 60000");
	refuses(PARSE("-olatency_ms=5s", "/duplo"), "0 to 60000");
	refuses(PARSE("-ohost_grace=0", "/duplo"), "1 to 86400");
	refuses(PARSE("-odocker=127.0.0.1:2375", "/duplo"), "unix:///");
	refuses(PARSE("-odocker=unix://", "/duplo"), "unix:///");
}

static void test_networks(void **arg)
{
	static const char *const wrong[] = {"lb_range=127.88.0.0", "lb_range=127.88.0.0/33",
		"lb_range=127.88.0.0/0", "lb_range=300.1.1.1/16", "lb_range=/16", "lb_range=::1/64",
		"lb_range=127.88.0.0/16/8", "dns_listen=127.0.0.1", "dns_listen=127.0.0.1:0",
		"dns_listen=127.0.0.1:65536", "dns_listen=:53", "dns_listen=localhost:53",
		"domain=", "domain=.", "domain=a..b", "domain=a.b.", "domain=Upper.test",
		"domain=a_b.test", "domain=-a.test"};
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (PARSE("-o", wrong[i], "/duplo") == 0)
			fail_msg("%s was taken", wrong[i]);
	assert_int_equal(PARSE("-olb_range=10.0.0.0/8,dns_listen=0.0.0.0:5353,domain=a", "/d"), 0);
	assert_int_equal(PARSE("-olb_range=10.0.0.0/29,domain=a-1.b2.example", "/d"), 0);
}

/* What a supervisor tells a worker must mean the same there. */
static void test_print_parses_back(void **arg)
{
	_cleanup_buf_ struct buf list = BUF_INIT;
	struct options before;

	(void)arg;
	assert_int_equal(PARSE("-o",
				 "state=/with\\,comma and "
				 "space\\\\,cloud=simulated,latency_ms=7,host_grace=5,"
				 "docker=tcp://h:1,lb_range=127.9.0.0/24,dns_listen=127.9.0.1:54,"
				 "domain=x.test,ro,noexec",
				 "src", "/m"),
		0);
	before = options;
	options_print(&options, &list);
	assert_int_equal(PARSE("--as=worker", "--fds=3,4,5,-1,7,8,9", "-o", buf_string(&list), "--",
				 "src", "/m"),
		0);
	assert_int_equal(options.action, OPTIONS_WORKER);
	assert_int_equal(options.fds.fuse, 3);
	assert_int_equal(options.fds.handoff, 4);
	assert_int_equal(options.fds.lock, 5);
	assert_int_equal(options.fds.peer, -1);
	assert_int_equal(options.fds.report, 7);
	assert_int_equal(options.fds.alive, 8);
	assert_int_equal(options.fds.watch, 9);
	before.action = options.action;
	before.fds = options.fds;
	assert_string_equal(options.state, "/with,comma and space\\");
	assert_memory_equal(options.mountpoint, before.mountpoint, strlen("/m") + 1);
	assert_string_equal(options.source, before.source);
	assert_string_equal(options.docker, before.docker);
	assert_string_equal(options.lb_range, before.lb_range);
	assert_string_equal(options.dns_listen, before.dns_listen);
	assert_string_equal(options.domain, before.domain);
	assert_int_equal(options.latency_ms, 7);
	assert_int_equal(options.host_grace_s, 5);
	assert_true(options.read_only && options.no_exec);
	refuses(PARSE("--as=worker", "--fds=1,2", "/m"), "not for people");
	refuses(PARSE("--as=worker", "--fds=a,b,c,d,e,f,g", "/m"), "not for people");
}

static void test_help_names_every_option(void **arg)
{
	static const char *const names[] = {"state=", "cloud=", "docker=", "lb_range=",
		"dns_listen=", "domain=", "host_grace=", "latency_ms="};
	_cleanup_buf_ struct buf help = BUF_INIT;
	size_t i;

	(void)arg;
	options_help(&help);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(strstr(buf_string(&help), names[i]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_docker_host),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_called_by_mount),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_print_parses_back),
		cmocka_unit_test(test_help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
