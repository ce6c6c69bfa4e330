/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the local cloud: addresses, names, configuration; the simulated cloud. */
#include <errno.h>
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

#include "base/cleanup.h"
#include "base/clock.h"
#include "cloud/cloud.h"
#include "cloud/local/address.h"
#include "cloud/dns_name.h"
#include "cloud/local/haproxy_config.h"
#include "cloud/local/port.h"
#include "cloud_fixture.h"

static struct error error;

static void test_addresses_of_slots(void **state)
{
	struct address_range range;
	char text[ADDRESS_MAX] = "untouched";

	(void)state;
	assert_fine(address_range_parse("127.88.0.0/16", &range, &error));
	assert_fine(address_of_slot(&range, 0, text, &error));
	assert_string_equal(text, "127.88.0.2");
	assert_fine(address_of_slot(&range, 253, text, &error));
	assert_string_equal(text, "127.88.0.255");
	assert_fine(address_of_slot(&range, 254, text, &error));
	assert_string_equal(text, "127.88.1.0");
	assert_fine(address_of_slot(&range, 65532, text, &error));
	assert_string_equal(text, "127.88.255.254");
	assert_int_equal(address_of_slot(&range, 65533, text, &error), -ENOSPC);
	assert_int_equal(address_of_slot(&range, -1, text, &error), -ENOSPC);
	assert_int_equal(address_of_slot(&range, INT64_MAX, text, &error), -ENOSPC);
	assert_string_equal(text, "127.88.255.254");
	assert_fine(address_range_parse("10.0.0.4/30", &range, &error));
	assert_fine(address_of_slot(&range, 0, text, &error));
	assert_string_equal(text, "10.0.0.6");
	assert_int_equal(address_of_slot(&range, 1, text, &error), -ENOSPC);
	assert_fine(address_range_parse("255.0.0.0/8", &range, &error));
	assert_fine(address_of_slot(&range, (1 << 24) - 4, text, &error));
	assert_string_equal(text, "255.255.255.254");
}

static void test_bad_ranges(void **state)
{
	static const char *const bad[] = {"", "127.88.0.0", "127.88.0.0/", "127.88.0.0/7",
		"127.88.0.0/31", "127.88.0.0/16x", "127.88.0.1/16", "127.88.0/16", "::1/64",
		"127.88.0.0.0.0.0.0.0.0/16", "/16", "a/16", "127.88.0.0/ 16"};
	struct address_range range = {1, 2};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (address_range_parse(bad[i], &range, &error) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(address_range_parse(NULL, &range, &error), -EINVAL);
	assert_int_equal(range.first, 1);
}

static void test_listen_addresses(void **state)
{
	static const char *const bad[] = {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
		"127.0.0.1:65536", ":53", "localhost:53", "127.0.0.1:53 "};
	char address[ADDRESS_MAX];
	int port;
	size_t i;

	(void)state;
	assert_fine(address_listen_parse("127.88.0.1:53", address, &port, &error));
	assert_string_equal(address, "127.88.0.1");
	assert_int_equal(port, 53);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (address_listen_parse(bad[i], address, &port, &error) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
}

static void test_names(void **state)
{
	char label[64], name[320], out[DNS_NAME_MAX];

	(void)state;
	assert_fine(dns_name_normalize("WWW.Example.ORG.", out, &error));
	assert_string_equal(out, "www.example.org");
	assert_fine(dns_name_normalize("1-2.3a", out, &error));
	memset(label, 'a', 63);
	label[63] = '\0';
	(void)snprintf(name, sizeof(name), "%s.%s.%s.%.61s", label, label, label, label);
	assert_fine(dns_name_normalize(name, out, &error));
	assert_int_equal(strlen(out), 253);
	(void)snprintf(name, sizeof(name), "%s.%s.%s.%.62s", label, label, label, label);
	assert_int_equal(dns_name_normalize(name, out, &error), -EINVAL);
	assert_true(dns_name_within("a.duplo.test", "duplo.test"));
	assert_true(dns_name_within("duplo.test", "duplo.test"));
	assert_false(dns_name_within("aduplo.test", "duplo.test"));
	assert_false(dns_name_within("test", "duplo.test"));
	assert_false(dns_name_within("duplo.test", ""));
	assert_string_equal(dns_name_parent("a.b.c"), "b.c");
	assert_string_equal(dns_name_parent("a"), "");
}

static void add_balancer(struct buf *text, int64_t service, const char *address, int port,
	const char *certificate, const struct server *servers, size_t count)
{
	struct listener listener = {.service = service,
		.address = address,
		.port = port,
		.plain = true,
		.certificate = certificate,
		.serial = "0AF1"};

	haproxy_config_listener(text, &listener);
	haproxy_config_backend(text, service, servers, count);
}

static const struct server some_servers[] = {
	{"0-7", "127.0.0.1", 20000, SERVER_READY},
	{"1-8", "fd00::1", 20001, SERVER_READY},
	{"2-9", "127.0.0.1", 20002, SERVER_DRAIN},
	{"3-10", "127.0.0.1", 20003, SERVER_GONE},
};

static void test_golden_balancer(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	(void)state;
	add_balancer(&text, 17, "127.88.0.5", 80, "/state/certs/wildcard.duplo.test.pem",
		some_servers, 4);
	assert_string_equal(buf_string(&text),
		"# balancer 17\n"
		"frontend f17\n"
		"\tbind 127.88.0.5:80\n"
		"\tbind 127.88.0.5:443 ssl crt '/state/certs/wildcard.duplo.test.pem' alpn "
		"h2,http/1.1 "
		"# 0AF1\n"
		"\thttp-request set-header X-Forwarded-Proto https if { ssl_fc }\n"
		"\thttp-request set-header X-Forwarded-Proto http unless { ssl_fc }\n"
		"\thttp-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE TRACE "
		"}\n"
		"\tdefault_backend b17\n"
		"backend b17\n"
		"\tserver 0-7 127.0.0.1:20000\n"
		"\tserver 1-8 [fd00::1]:20001\n");
}

static void test_golden_head(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	(void)state;
	haproxy_config_head(&text, "ab12-3", "/run/x/haproxy-ab12-3", true);
	assert_non_null(strstr(text.data, "# revision ab12-3\nglobal\n"));
	assert_non_null(strstr(text.data, "\tsetenv DUPLOFS_REVISION ab12-3\n"));
	assert_non_null(strstr(text.data,
		"\tstats socket '/run/x/haproxy-ab12-3' mode 600 level admin "
		"expose-fd listeners\n"));
	assert_non_null(strstr(text.data, "\n\tuid "));
	assert_null(strstr(text.data, "\n\tuid 0\n"));
	assert_non_null(strstr(text.data, "\n\toption redispatch 1\n"));
	assert_non_null(strstr(text.data, "\n\tretry-on conn-failure empty-response\n"));
	buf_reset(&text);
	haproxy_config_head(&text, "ab12-3", "/run/x/haproxy-ab12-3", false);
	assert_null(strstr(text.data, "\n\tuid "));
}

static void read_revision(void *arg, const char *revision, size_t head_len)
{
	assert_string_equal(revision, "r-1");
	assert_true(head_len > 0);
	buf_printf(arg, "r%zu;", head_len > 0 ? (size_t)1 : 0);
}

static int read_listener(void *arg, int64_t service, const char *text, size_t len)
{
	(void)text;
	buf_printf(arg, "l%lld,%d;", (long long)service, len > 50);
	return 0;
}

static int read_server(void *arg, int64_t service, const struct server *server)
{
	buf_printf(arg, "s%lld,%s,%s,%d;", (long long)service, server->name, server->address,
		server->port);
	return server->port == 666 ? -ECANCELED : 0;
}

static int parse(const char *text, struct buf *seen)
{
	const struct haproxy_config_reader reader = {.arg = seen,
		.revision = read_revision,
		.listener = read_listener,
		.server = read_server};

	buf_reset(seen);
	return haproxy_config_parse(text, &reader);
}

static void test_what_is_written_is_read_back(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT, seen = BUF_INIT;

	(void)state;
	haproxy_config_head(&text, "r-1", "/run/s", false);
	assert_fine(parse(text.data, &seen));
	assert_string_equal(seen.data, "r1;");
	add_balancer(&text, 17, "127.88.0.5", 80, NULL, some_servers, 4);
	add_balancer(&text, 18, "127.88.0.6", 80, "/c", NULL, 0);
	add_balancer(&text, 190000000000, "127.88.0.7", 80, NULL, some_servers, 1);
	assert_fine(parse(text.data, &seen));
	assert_string_equal(seen.data,
		"r1;l17,1;s17,0-7,127.0.0.1,20000;s17,1-8,fd00::1,20001;l18,1;"
		"l190000000000,1;s190000000000,0-7,127.0.0.1,20000;");
}

static void test_damaged_files_are_refused(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT, seen = BUF_INIT;
	size_t len;

	(void)state;
	assert_int_equal(parse("", &seen), -EBADMSG);
	assert_int_equal(parse("global\n", &seen), -EBADMSG);
	haproxy_config_head(&text, "r-1", "/run/s", false);
	add_balancer(&text, 17, "127.88.0.5", 80, NULL, some_servers, 4);
	/* Cut anywhere: refused or read in part, never out of bounds. */
	for (len = text.len; len > 0; len--) {
		_cleanup_free_ char *cut = strndup(text.data, len);

		assert_non_null(cut);
		if (strncmp(cut, "# revision r-1\n", 15) == 0)
			(void)parse(cut, &seen);
	}
	buf_puts(&text, "\tserver x 127.0.0.1:99999\n");
	assert_int_equal(parse(text.data, &seen), -EBADMSG);
}

static void test_binds_are_found(void **state)
{
	static const char text[] = "# balancer 1\nfrontend f1\n\tbind 127.0.0.2:80\n"
				   "\tbind 127.0.0.2:443 ssl crt '/x'\n\tdefault_backend b1\n";
	const char *at = text;
	char address[ADDRESS_MAX];
	int port;

	(void)state;
	assert_true(haproxy_config_binds(text, "127.0.0.2", 80));
	assert_true(haproxy_config_binds(text, "127.0.0.2", 443));
	assert_false(haproxy_config_binds(text, "127.0.0.2", 8));
	assert_false(haproxy_config_binds(text, "127.0.0.2", 44));
	assert_false(haproxy_config_binds(text, "127.0.0.1", 80));
	assert_false(haproxy_config_binds(NULL, "127.0.0.1", 80));
	assert_true(haproxy_config_next_bind(&at, address, &port));
	assert_int_equal(port, 80);
	assert_true(haproxy_config_next_bind(&at, address, &port));
	assert_int_equal(port, 443);
	assert_string_equal(address, "127.0.0.2");
	assert_false(haproxy_config_next_bind(&at, address, &port));
	at = NULL;
	assert_false(haproxy_config_next_bind(&at, address, &port));
}

static void test_paths_are_quotable(void **state)
{
	(void)state;
	assert_fine(haproxy_config_check_path("/run/with space/#and\"$", &error));
	assert_int_equal(haproxy_config_check_path("/run/it's", &error), -EINVAL);
	assert_int_equal(haproxy_config_check_path("/run/a\nb", &error), -EINVAL);
	assert_int_equal(haproxy_config_check_path("/run/a,level", &error), -EINVAL);
	assert_int_equal(haproxy_config_check_path("run", &error), -EINVAL);
	assert_int_equal(haproxy_config_check_path("", &error), -EINVAL);
}

static void test_commands(void **state)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	(void)state;
	haproxy_command_add(&line, 5, &some_servers[0]);
	haproxy_command_address(&line, 5, &some_servers[1]);
	haproxy_command_state(&line, 5, &some_servers[2]);
	haproxy_command_state(&line, 5, &some_servers[3]);
	haproxy_command_delete(&line, 5, &some_servers[3]);
	assert_string_equal(line.data,
		"add server b5/0-7 127.0.0.1:20000 pool-max-conn 64 pool-purge-delay 1s;"
		"enable server b5/0-7;"
		"set server b5/1-8 addr fd00::1 port 20001;"
		"set server b5/2-9 state drain;"
		"set server b5/3-10 state maint;"
		"del server b5/3-10;");
}

static int collect(void *arg, int64_t service, const struct server *server)
{
	buf_printf(arg, "%lld/%s %s:%d %d;", (long long)service, server->name, server->address,
		server->port, (int)server->state);
	return 0;
}

static void test_server_states_are_read(void **state)
{
	/* As HAProxy 2.6.12 prints it. */
	static const char answer[] =
		"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state ...\n"
		"9 b3 1 0-1 127.0.0.1 2 0 1 1 0 1 0 0 0 0 0 0 - 9000 - 0 0 - - 0\n"
		"9 b3 2 1-2 127.0.0.1 0 1 1 1 0 1 0 0 8 0 0 0 - 9001 - 0 0 - - 0\n"
		"9 b3 3 5-9 fd00::2 2 8 1 1 0 1 0 0 0 0 0 0 - 9005 - 0 0 - - 0\n"
		"9 MASTER 3 cur-1 - 2 8 1 1 0 1 0 0 0 0 0 0 - 9005 - 0 0 - - 0\n\n"
		"No such backend.\n";
	_cleanup_buf_ struct buf seen = BUF_INIT;

	(void)state;
	assert_int_equal(haproxy_servers_parse(answer, collect, &seen), 0);
	assert_string_equal(seen.data, "3/0-1 127.0.0.1:9000 0;3/1-2 127.0.0.1:9001 2;"
				       "3/5-9 fd00::2:9005 1;");
}

static void test_complaints_name_the_balancer(void **state)
{
	static const char config[] =
		"# revision 1\nglobal\n# balancer 7\nfrontend f7\n\tbind a\n"
		"backend b7\n# balancer 8\nfrontend f8\n\tbind b\nbackend b8\n";
	static const char output[] =
		"[NOTICE]   (1) : haproxy version is 2.6.12, Proxy f99 started\n"
		"[ALERT]    (1) : Starting frontend f12: cannot bind socket (Address already in "
		"use) "
		"[127.0.0.2:80]\n"
		"[ALERT]    (1) : config : parsing [/x/haproxy.cfg.check:9] : 'bind b' : unable\n"
		"[ALERT]    (1) : config : Proxy 'f7': no SSL certificate\n"
		"[ALERT]    (1) : config : Fatal errors found in configuration.\n";
	const char *at = output;

	(void)state;
	assert_int_equal(haproxy_message_service(&at, config), 12);
	assert_int_equal(haproxy_message_service(&at, config), 8);
	assert_int_equal(haproxy_message_service(&at, config), 7);
	assert_int_equal(haproxy_message_service(&at, config), -1);
	at = "";
	assert_int_equal(haproxy_message_service(&at, config), -1);
}

static void test_port_owners(void **state)
{
	int fd = listener_open(at(1), 18991);
	char name[32];
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	assert_fine(port_owner(at(1), 18991, SOCK_STREAM, &pid, name));
	assert_int_equal(pid, getpid());
	assert_string_equal(name, "test_cloud_text");
	assert_int_equal(port_owner(at(2), 18991, SOCK_STREAM, &pid, name), -ENOENT);
	assert_int_equal(port_owner(at(1), 18991, SOCK_DGRAM, &pid, name), -ENOENT);
	assert_int_equal(port_probe(at(1), 18991, SOCK_STREAM, NULL, &error), -EADDRINUSE);
	assert_fine(port_probe(at(2), 18991, SOCK_STREAM, NULL, &error));
	assert_fine(port_probe(at(1), 18991, SOCK_DGRAM, NULL, &error));
	assert_int_equal(port_probe("192.0.2.1", 18991, SOCK_STREAM, NULL, &error), -EADDRNOTAVAIL);
	(void)close(fd);
	assert_fine(port_probe(at(1), 18991, SOCK_STREAM, NULL, &error));
}

static void test_the_simulated_cloud(void **state)
{
	struct balancer wanted = {.service = 1, .slot = 300, .port = 80, .dns = "a.duplo.test"};
	const struct target target = {.name = "0-1"};
	struct cloud_health health;
	struct balancer_state is;
	int64_t count = 9, start_ns;
	struct cloud *cloud;

	(void)state;
	assert_int_equal(cloud_simulated_new(&cloud, -1, &error), -EINVAL);
	assert_fine(cloud_simulated_new(&cloud, 20, &error));
	start_ns = clock_now_ns();
	assert_fine(cloud->ops->balancer_ensure(cloud, &wanted, &is, &error));
	assert_true(clock_now_ns() - start_ns >= 20 * NS_PER_MILLISECOND);
	assert_string_equal(is.address, "100.64.1.46");
	assert_true(is.tls);
	assert_fine(cloud->ops->target_connections(cloud, 1, &target, &count, &error));
	assert_int_equal(count, 0);
	assert_fine(cloud->ops->dns_ensure(cloud, 1, "a.duplo.test", &is, &error));
	assert_fine(cloud->ops->dns_remove(cloud, 1, "a.duplo.test", &error));
	assert_fine(cloud->ops->settle(cloud, &error));
	assert_fine(cloud->ops->balancer_remove(cloud, 1, &error));
	cloud->ops->health(cloud, &health);
	assert_true(health.balancer_up && health.dns_up);
	assert_non_null(strstr(health.balancer, "simulated"));
	wanted.slot = -1;
	assert_int_equal(cloud->ops->balancer_ensure(cloud, &wanted, &is, &error), -ENOSPC);
	cloud_free(cloud, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_of_slots),
		cmocka_unit_test(test_bad_ranges),
		cmocka_unit_test(test_listen_addresses),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_golden_balancer),
		cmocka_unit_test(test_golden_head),
		cmocka_unit_test(test_what_is_written_is_read_back),
		cmocka_unit_test(test_damaged_files_are_refused),
		cmocka_unit_test(test_binds_are_found),
		cmocka_unit_test(test_paths_are_quotable),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_server_states_are_read),
		cmocka_unit_test(test_complaints_name_the_balancer),
		cmocka_unit_test(test_port_owners),
		cmocka_unit_test(test_the_simulated_cloud),
	};

	return cmocka_run_group_tests_name("cloud_text", tests, NULL, NULL);
}
