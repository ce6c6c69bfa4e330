/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - one line a message, to stderr in the foreground and to syslog in the background.
 * Promises: never fails, never allocates, keeps errno. Library code logs at debug only: a function
 *           either logs or returns its error, never both.
 * Threads: any; log_open before the first thread starts.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_BASE_LOG_H
#define DUPLOFS_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* program is kept (borrowed for the life of the process). */
void log_open(const char *program, enum log_level level, bool to_syslog);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
