/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/upgrade.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "fs/process/handoff.h"
#include "fs/process/mount.h"
#include "fs/process/statedir.h"

#define UPGRADE_WAIT_MS  90000
#define UPGRADE_RETRY_MS 20

/* The state directory of the platform that is mounted there, as it says itself. */
static int find_state(const char *place, char *state, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_json_ json_t *status = NULL;
	char path[PATH_MAX + 32], resolved[PATH_MAX];
	const char *found;

	if (geteuid() != 0)
		return error_set(reterr, -EPERM, "only root can upgrade a platform");
	if (!realpath(place, resolved))
		return error_errno(reterr, errno, "mount point %s", place);
	if (!mount_is(resolved, "fuse.duplofs", NULL, 0))
		return error_set(reterr, -EINVAL, "no platform is mounted at %s", resolved);
	(void)snprintf(path, sizeof(path), "%s/.platform/status.json", resolved);
	if (file_read(path, 1 << 20, &text, reterr) < 0)
		return reterr->code;
	status = json_loads(buf_string(&text), 0, NULL);
	found = json_get_string(status, "State", "");
	if (!found[0] || !text_copy(state, PATH_MAX, found))
		return error_set(reterr, -EPROTO,
			"the platform at %s does not tell its state directory", resolved);
	return 0;
}

int upgrade_ask(const struct options *options, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + UPGRADE_WAIT_MS * NS_PER_MILLISECOND;
	_cleanup_buf_ struct buf answer = BUF_INIT;
	char state[PATH_MAX];
	pid_t supervisor;
	int r = find_state(options->mountpoint, state, reterr);

	if (r < 0)
		return r;
	supervisor = statedir_read_pid(state, STATEDIR_SUPERVISOR);
	statedir_forget_answer(state);
	if (supervisor <= 0 || kill(supervisor, SIGUSR2) < 0)
		return error_set(reterr, -ESRCH, "the platform has no supervisor just now");
	while (statedir_read_answer(state, &answer) < 0) {
		if (clock_now_ns() >= deadline_ns)
			return error_set(reterr, -ETIMEDOUT,
				"process %d has not answered within %d s: look into its log",
				(int)supervisor, UPGRADE_WAIT_MS / 1000);
		(void)poll(NULL, 0, UPGRADE_RETRY_MS);
	}
	if (strcmp(buf_string(&answer), UPGRADE_FINE) == 0)
		return 0;
	return error_set(reterr, -EINVAL, "not upgraded: %s", buf_string(&answer));
}

int upgrade_try(const struct options *options,
	int (*probe)(const char *state, struct error *reterr))
{
	struct error error = ERROR_INIT;
	struct handoff *handoff;
	const char *words = UPGRADE_FINE;
	int r = handoff_open(&handoff, options->fds.handoff, &error);

	if (r == 0)
		r = probe(options->state, &error);
	if (r < 0)
		words = error.text;
	return file_write_all(options->fds.report, words, strlen(words)) < 0 ? EXIT_FAILURE
									     : EXIT_SUCCESS;
}
