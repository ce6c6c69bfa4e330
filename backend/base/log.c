/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static struct {
	const char *program;
	enum log_level level;
	bool to_syslog;
} log_state = {.program = "duplofs", .level = LOG_LEVEL_INFO};

void log_open(const char *program, enum log_level level, bool to_syslog)
{
	log_state.program = program;
	log_state.level = level;
	log_state.to_syslog = to_syslog;
	if (to_syslog)
		openlog(program, LOG_PID, LOG_DAEMON);
}

static int log_priority(enum log_level level)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

	return priorities[level];
}

void log_write(enum log_level level, const char *format, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	int saved = errno;
	char line[1024];
	size_t length;
	va_list ap;
	int used;

	if (level > log_state.level)
		return;
	va_start(ap, format);
	if (log_state.to_syslog) {
		vsyslog(log_priority(level), format, ap);
	} else {
		used = snprintf(line, sizeof(line), "%s: %s: ", log_state.program, names[level]);
		(void)vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, ap);
		length = strlen(line);
		line[length] = '\n';
		/* One write, so that lines of several threads and processes stay whole. */
		if (write(STDERR_FILENO, line, length + 1) < 0)
			errno = saved;
	}
	va_end(ap);
	errno = saved;
}
