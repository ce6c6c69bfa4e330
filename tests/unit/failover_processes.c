/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "failover_clients.h"
#include "failover_processes.h"

const char *const process_roles[ROLES] = {"holder", "supervisor", "worker"};
static const char *state;

void processes_of(const char *state_dir)
{
	state = state_dir;
}

pid_t process_pid(const char *name)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/%s.pid", state, name);
	if (file_read(path, 32, &text, NULL) < 0)
		return 0;
	return (pid_t)strtol(buf_string(&text), NULL, 10);
}

bool process_is_alive(pid_t pid)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (pid <= 0 || file_read(path, 8192, &text, NULL) < 0)
		return false;
	return !strstr(buf_string(&text), "State:\tZ");
}

void process_wait_dead(pid_t pid)
{
	int64_t deadline_ns = clock_now_ns() + DEADLINE_NS;

	while (process_is_alive(pid)) {
		assert_true(clock_now_ns() < deadline_ns);
		pause_ms(1);
	}
}

pid_t process_wait_other(const char *name, pid_t old)
{
	int64_t deadline_ns = clock_now_ns() + DEADLINE_NS;
	pid_t now;

	while ((now = process_pid(name)) == old || !process_is_alive(now)) {
		assert_true(clock_now_ns() < deadline_ns);
		pause_ms(1);
	}
	return now;
}

void process_kill(unsigned victims, pid_t before[ROLES])
{
	int role;

	for (role = 0; role < ROLES; role++) {
		before[role] = process_pid(process_roles[role]);
		if (victims & 1U << role)
			assert_int_equal(kill(before[role], SIGSTOP), 0);
	}
	for (role = 0; role < ROLES; role++)
		if (victims & 1U << role)
			assert_int_equal(kill(before[role], SIGKILL), 0);
	for (role = 0; role < ROLES; role++)
		if (victims & 1U << role)
			process_wait_dead(before[role]);
}

pid_t process_replace(const char *name, int number)
{
	pid_t old = process_pid(name);

	assert_int_equal(kill(old, number), 0);
	return process_wait_other(name, old);
}
