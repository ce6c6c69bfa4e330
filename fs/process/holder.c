/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "fs/kernel/session.h"
#include "fs/process/handoff.h"
#include "fs/process/mount.h"
#include "fs/process/runtime.h"
#include "fs/process/signals.h"
#include "fs/process/spawn.h"
#include "fs/process/statedir.h"

/* Supervisors that end at once follow each other ever later. */
#define HOLDER_RESTART_MIN_MS 20
#define HOLDER_RESTART_MAX_MS 1000

#define HOLDER_OOM_FILE  "/proc/self/oom_score_adj"
#define HOLDER_OOM_NEVER "-1000" /* proc(5) */

struct holder {
	const struct options *options;
	struct options_fds fds; /* fuse, handoff, lock, watch */
	struct handoff *handoff;
	char runtime[PATH_MAX];
	int claim; /* of the runtime directory; -1: not ours to take away */
	char oom_score[16]; /* what we were given; what we start gets it, too */
	int signals;
	int64_t start_ns; /* of the last supervisor */
	int64_t restart_ns; /* CLOCK_FOREVER: one lives */
	int64_t delay_ms;
	enum holder_word unsaid; /* to the next supervisor */
	bool over;
	void (*answering)(void *arg);
	void *arg;
	struct error error; /* why it never answered */
};

bool holder_say(int fd, enum holder_word word, const char *text)
{
	char message[HOLDER_WORD_MAX] = {(char)word};
	int len = snprintf(message + 1, sizeof(message) - 1, "%s", text ? text : "");

	return send(fd, message, 1 + (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

int holder_hear(int fd, char *text)
{
	char message[HOLDER_WORD_MAX];
	ssize_t got = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : HOLDER_NOTHING;
	message[got] = '\0';
	(void)snprintf(text, HOLDER_WORD_MAX, "%s", got > 0 ? message + 1 : "");
	return got > 0 ? message[0] : HOLDER_NOTHING;
}

/* ---- one holder at a time ---- */

/* The kernel takes a record lock back when its owner dies, and tells who that is. */
static struct flock holder_record(void)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}

static int holder_claim(const struct holder *holder, struct error *reterr)
{
	struct flock record = holder_record();

	if (fcntl(holder->fds.handoff, F_SETLK, &record) == 0)
		return 0;
	return error_set(reterr, -EBUSY, "another process holds the mount");
}

static pid_t holder_owner(int handoff_fd)
{
	struct flock record = holder_record();

	return fcntl(handoff_fd, F_GETLK, &record) == 0 && record.l_type != F_UNLCK ? record.l_pid
										    : 0;
}

int holder_find(int handoff_fd, pid_t *ret_pid)
{
	pid_t pid = holder_owner(handoff_fd);
	int fd = pid > 0 ? pidfd_open(pid, 0) : -1;

	/* It may have died, and its number may be another's, before we had it open. */
	if (fd >= 0 && holder_owner(handoff_fd) == pid) {
		*ret_pid = pid;
		return fd;
	}
	if (fd >= 0)
		(void)close(fd);
	return -ESRCH;
}

/* ---- what it starts ---- */

/* Where that is refused (no CAP_SYS_RESOURCE) we are as likely a victim as others. */
static void holder_set_oom_score(const char *score)
{
	_cleanup_close_ int fd = open(HOLDER_OOM_FILE, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && score[0])
		(void)!write(fd, score, strlen(score));
}

static void holder_protect(struct holder *holder)
{
	_cleanup_buf_ struct buf score = BUF_INIT;

	if (file_read(HOLDER_OOM_FILE, sizeof(holder->oom_score) - 1, &score, NULL) == 0)
		(void)snprintf(holder->oom_score, sizeof(holder->oom_score), "%s",
			buf_string(&score));
	holder_set_oom_score(HOLDER_OOM_NEVER);
}

static int holder_spawn(struct holder *holder, struct error *reterr)
{
	struct options_fds fds = holder->fds;
	int pair[2], pidfd, r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(reterr, errno, "cannot prepare a supervisor");
	fds.watch = pair[0];
	fds.alive = pair[1];
	holder_set_oom_score(holder->oom_score);
	r = spawn_self(holder->options, OPTIONS_SUPERVISOR, &fds, &pid, &pidfd, reterr);
	holder_set_oom_score(HOLDER_OOM_NEVER);
	(void)close(pair[1]);
	if (r < 0) {
		(void)close(pair[0]);
		return r;
	}
	(void)close(pidfd);
	holder->fds.watch = pair[0];
	return 0;
}

static void holder_schedule(struct holder *holder)
{
	int64_t now_ns = clock_now_ns();

	if (now_ns - holder->start_ns > HOLDER_RESTART_MAX_MS * NS_PER_MILLISECOND)
		holder->delay_ms = 0;
	holder->restart_ns = now_ns + holder->delay_ms * NS_PER_MILLISECOND;
	holder->delay_ms = holder->delay_ms ? 2 * holder->delay_ms : HOLDER_RESTART_MIN_MS;
	if (holder->delay_ms > HOLDER_RESTART_MAX_MS)
		holder->delay_ms = HOLDER_RESTART_MAX_MS;
}

static void holder_start(struct holder *holder)
{
	struct error error = ERROR_INIT;
	int r = holder_spawn(holder, &error);

	holder->start_ns = clock_now_ns();
	holder->restart_ns = CLOCK_FOREVER;
	if (r < 0 && !atomic_load(&holder->handoff->settled)) {
		holder->error = error;
		holder->over = true;
	} else if (r < 0) {
		log_error("%s", error.text);
		holder_schedule(holder);
	} else if (holder->unsaid) {
		(void)holder_say(holder->fds.watch, holder->unsaid, NULL);
		holder->unsaid = HOLDER_NOTHING;
	}
}

/* Neither a supervisor nor a worker lives: in order, or because both were killed. */
static void holder_is_alone(struct holder *holder)
{
	(void)close(holder->fds.watch);
	holder->fds.watch = -1;
	if (atomic_load(&holder->handoff->ending) || mount_has_ended(holder->fds.fuse)) {
		holder->over = true;
	} else if (!atomic_load(&holder->handoff->settled)) {
		(void)error_set(&holder->error, -EIO, "the supervisor ended at once");
		holder->over = true;
	} else {
		log_warning("supervisor and worker have died: both are started anew");
		holder_schedule(holder);
	}
}

/* ---- what it hears ---- */

static void holder_renew(struct holder *holder)
{
	struct error error = ERROR_INIT;

	holder_set_oom_score(holder->oom_score);
	(void)spawn_exec(holder->options, OPTIONS_HOLDER, &holder->fds, &error);
	holder_set_oom_score(HOLDER_OOM_NEVER);
	log_error("the holder goes on with the old program: %s", error.text);
}

static void holder_take_word(struct holder *holder)
{
	char text[HOLDER_WORD_MAX];
	int word = holder_hear(holder->fds.watch, text);

	switch (word) {
	case HOLDER_NOTHING:
		holder_is_alone(holder);
		break;
	case HOLDER_ANSWERING:
		if (holder->answering)
			holder->answering(holder->arg);
		holder->answering = NULL;
		break;
	case HOLDER_FAILED:
		(void)error_set(&holder->error, -EIO, "%s", text);
		break;
	case HOLDER_RENEW:
		holder_renew(holder);
		break;
	default:
		break;
	}
}

static void holder_pass_on(struct holder *holder, enum holder_word word)
{
	if (holder->fds.watch < 0 || !holder_say(holder->fds.watch, word, NULL))
		holder->unsaid = word;
}

static void holder_take_signal(struct holder *holder)
{
	struct signalfd_siginfo info;

	if (read(holder->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR2)
		holder_pass_on(holder, HOLDER_UPGRADE);
	else if (info.ssi_signo != SIGHUP || holder->options->foreground)
		holder_pass_on(holder, HOLDER_STOP);
}

static int holder_timeout_ms(const struct holder *holder)
{
	int64_t left_ns = holder->restart_ns - clock_now_ns();

	if (holder->restart_ns == CLOCK_FOREVER)
		return -1;
	return left_ns <= 0 ? 0 : (int)(left_ns / NS_PER_MILLISECOND + 1);
}

static int holder_loop(struct holder *holder, struct error *reterr)
{
	while (!holder->over) {
		struct pollfd ready[] = {
			{.fd = holder->signals, .events = POLLIN},
			{.fd = holder->fds.watch, .events = POLLIN},
		};

		if (poll(ready, ARRAY_SIZE(ready), holder_timeout_ms(holder)) < 0)
			continue;
		if (ready[0].revents)
			holder_take_signal(holder);
		if (ready[1].revents)
			holder_take_word(holder);
		if (clock_now_ns() >= holder->restart_ns)
			holder_start(holder);
	}
	return holder->error.code ? error_set(reterr, holder->error.code, "%s", holder->error.text)
				  : 0;
}

/* ---- begin and end ---- */

static int holder_init(struct holder *holder, const struct options *options, struct error *reterr)
{
	*holder = (struct holder){
		.options = options,
		.fds = OPTIONS_FDS_NONE,
		.claim = -1,
		.restart_ns = CLOCK_FOREVER,
	};
	(void)prctl(PR_SET_NAME, "duplofs-holder");
	/* Nobody asks how a supervisor of ours has ended. */
	(void)signal(SIGCHLD, SIG_IGN);
	runtime_path(holder->runtime, options->state);
	holder_protect(holder);
	holder->signals = signals_open(reterr);
	return holder->signals < 0 ? holder->signals : 0;
}

static int holder_open(struct holder *holder, const struct holder_service *service,
	struct error *reterr)
{
	const struct options *options = holder->options;
	struct mount_options mount = {
		.source = options->source,
		.place = options->mountpoint,
		.read_only = options->read_only,
		.no_exec = options->no_exec,
	};
	char mark[64];
	int r = handoff_new(&holder->fds.handoff, &holder->handoff, reterr);

	if (r == 0)
		r = holder_claim(holder, reterr);
	if (r == 0)
		r = runtime_claim(holder->runtime, &holder->claim, reterr);
	if (r == 0)
		r = statedir_mark(options->state, mark, sizeof(mark), reterr);
	if (r == 0)
		r = runtime_open(holder->runtime, mark, reterr);
	if (r == 0)
		r = mount_fuse(&holder->fds.fuse, &mount, reterr);
	if (r < 0)
		return r;
	return session_greet(holder->fds.fuse, service->operations, service->operations_size,
		&holder->handoff->request, &holder->handoff->reply, reterr);
}

static void holder_close(const struct holder *holder)
{
	/* Once unmounted, the place may be somebody else's already. */
	if (holder->fds.fuse >= 0 && !mount_has_ended(holder->fds.fuse) &&
		!atomic_load(&holder->handoff->stopping))
		(void)mount_remove(holder->options->mountpoint, true, NULL);
	if (holder->claim >= 0) {
		runtime_close(holder->runtime);
		statedir_remove_pids(holder->options->state);
		runtime_unclaim(holder->runtime);
	}
	log_info("%s has ended", holder->options->mountpoint);
}

int holder_mount(const struct options *options, const struct holder_service *service, int lock_fd,
	void (*answering)(void *arg), void *arg, struct error *reterr)
{
	struct holder holder;
	int r = holder_init(&holder, options, reterr);

	if (r < 0)
		return r;
	holder.fds.lock = lock_fd;
	holder.answering = answering;
	holder.arg = arg;
	r = holder_open(&holder, service, reterr);
	if (r == 0) {
		holder_start(&holder);
		r = holder_loop(&holder, reterr);
	}
	holder_close(&holder);
	return r;
}

int holder_adopt(const struct options *options, struct error *reterr)
{
	struct error error = ERROR_INIT;
	struct holder holder;
	int r;

	spawn_seal(&options->fds);
	r = holder_init(&holder, options, reterr);
	if (r < 0)
		return r;
	holder.fds = options->fds;
	r = handoff_open(&holder.handoff, options->fds.handoff, reterr);
	if (r == 0)
		r = holder_claim(&holder, reterr);
	if (r < 0)
		return r;
	/* The one before has given it up by its end, or by becoming us. */
	if (runtime_claim(holder.runtime, &holder.claim, &error) < 0)
		log_warning("%s", error.text);
	r = holder_loop(&holder, reterr);
	holder_close(&holder);
	return r;
}
