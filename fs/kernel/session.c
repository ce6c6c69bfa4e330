/* SPDX-License-Identifier: Apache-2.0 */
#define FUSE_USE_VERSION 314
#include "fs/kernel/session.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/kernel/crew.h"
#include "fs/kernel/inflight.h"

/* Protocol 7.40 (linux/fuse.h of 6.9); older headers lack them. */
#define SESSION_HAS_RESEND    (UINT32_C(1) << 7) /* in flags2 */
#define SESSION_NOTIFY_RESEND 7
#define SESSION_RESENT        (UINT64_C(1) << 63) /* in unique */

/* A spec is at most 1 MiB and most are far smaller; each serving thread locks one buffer. */
#define SESSION_MAX_WRITE   (256 * 1024)
#define SESSION_BUFFER_SIZE (SESSION_MAX_WRITE + 4096)

#define SESSION_GRACE_MS 5000

struct session {
	struct fuse_session *fuse;
	struct session_options options;
	struct crew *crew;
	int fd; /* ours, and libfuse's */
};

/* Where the reply to a replayed FUSE_INIT goes instead of to the kernel. */
struct session_capture {
	struct session_init *reply;
	void (*init)(void *userdata, struct fuse_conn_info *connection);
};

static __thread struct session_capture *session_capture;
static __thread uint64_t session_current;
static __thread bool session_again;

uint64_t session_token(void)
{
	return session_current;
}

bool session_resent(void)
{
	return session_again;
}

void session_configure(struct fuse_conn_info *connection)
{
	/* Contents change behind the kernel's back: a new mtime or size drops its pages. */
	unsigned wanted = FUSE_CAP_AUTO_INVAL_DATA;

	/* Truncation comes with open: one draft begins empty, not an open and a setattr. */
	wanted |= FUSE_CAP_ATOMIC_O_TRUNC;
	/* Lookups and listings of one directory run side by side. */
	wanted |= FUSE_CAP_PARALLEL_DIROPS;
	/* `ls -l` costs one request a directory, a plain listing stays cheap; where the operations
	 * can. */
	wanted |= connection->want & (FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
	/* Read-ahead of one file in several requests; order does not matter to reads. */
	wanted |= FUSE_CAP_ASYNC_READ;
	/* Links are invalidated as everything else. */
	wanted |= FUSE_CAP_CACHE_SYMLINKS;
	/* Lets a name be looked up anew without detaching what is mounted on it. */
	wanted |= FUSE_CAP_EXPIRE_ONLY;
	/*
	 * Not wanted: ASYNC_DIO (the pieces of a large write would come in any order),
	 * WRITEBACK_CACHE (what close commits must have arrived), POSIX_LOCKS and FLOCK (the
	 * kernel's own are enough and survive a worker), EXPORT_SUPPORT (no NFS), SPLICE_*
	 * (requests are small, and a pipe would die with the worker), POSIX_ACL, DONT_MASK (umask
	 * is the kernel's matter).
	 */
	connection->want = wanted & connection->capable;
	connection->max_write = SESSION_MAX_WRITE;
	connection->max_background = 64;
	connection->congestion_threshold = 48;
	connection->time_gran = 1;
}

static void session_on_init(void *userdata, struct fuse_conn_info *connection)
{
	session_configure(connection);
	if (session_capture && session_capture->init)
		session_capture->init(userdata, connection);
}

/* Adds what libfuse does not know: without HAS_RESEND the kernel refuses to send again. */
static void session_capture_reply(const struct iovec *iov, int count)
{
	struct session_init *reply = session_capture->reply;
	struct fuse_init_out *answer;
	int i;

	reply->size = 0;
	for (i = 0; i < count && reply->size + iov[i].iov_len <= sizeof(reply->data); i++) {
		memcpy(reply->data + reply->size, iov[i].iov_base, iov[i].iov_len);
		reply->size += iov[i].iov_len;
	}
	if (reply->size < sizeof(struct fuse_out_header) + sizeof(*answer))
		return;
	answer = (void *)(reply->data + sizeof(struct fuse_out_header));
	answer->flags |= FUSE_INIT_EXT;
	answer->flags2 |= SESSION_HAS_RESEND;
}

static ssize_t session_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	ssize_t total = 0;
	int i;

	(void)userdata;
	/* Not by writev(), which is a point of cancellation: see crew.c. */
	if (!session_capture)
		return syscall(SYS_writev, fd, iov, count);
	session_capture_reply(iov, count);
	for (i = 0; i < count; i++)
		total += (ssize_t)iov[i].iov_len;
	return total;
}

static ssize_t session_read(int fd, void *data, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, data, size);
}

/* A libfuse session over fd (taken over) to which request was fed; its answer is in *ret_reply. */
static int session_make(struct fuse_session **ret, int fd, const struct session_options *options,
	bool call_init, struct session_init *ret_reply, struct error *reterr)
{
	static const struct fuse_custom_io io = {.writev = session_writev, .read = session_read};
	struct session_init request = *options->request;
	struct fuse_buf message = {.mem = request.data, .size = request.size};
	struct fuse_lowlevel_ops operations = {0};
	struct session_capture capture = {.reply = ret_reply};
	char *arguments[] = {(char[]){"duplofs"}, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
	struct fuse_session *fuse;
	int r;

	memcpy(&operations, options->operations,
		options->operations_size < sizeof(operations) ? options->operations_size
							      : sizeof(operations));
	capture.init = call_init ? operations.init : NULL;
	operations.init = session_on_init;
	/* The end of a session is not the end of the file system. */
	operations.destroy = NULL;
	fuse = fuse_session_new(&args, &operations, sizeof(operations), options->userdata);
	fuse_opt_free_args(&args);
	r = fuse ? fuse_session_custom_io(fuse, &io, fd) : -ENOMEM;
	if (r != 0) {
		if (fuse)
			fuse_session_destroy(fuse);
		(void)close(fd);
		return error_set(reterr, -EIO, "libfuse refused to make a session");
	}
	*ret_reply = (struct session_init){0};
	session_capture = &capture;
	fuse_session_process_buf(fuse, &message);
	session_capture = NULL;
	*ret = fuse;
	return 0;
}

static int session_check_reply(const struct session_init *reply, struct error *reterr)
{
	const struct fuse_out_header *header = (const void *)reply->data;

	if (reply->size < sizeof(*header) + sizeof(struct fuse_init_out))
		return error_set(reterr, -EPROTO,
			"this kernel's FUSE is too old: Linux 5.4 or "
			"newer is needed");
	if (header->error < 0)
		return error_errno(reterr, -header->error, "cannot agree with the kernel on FUSE");
	return 0;
}

int session_greet(int fuse_fd, const struct fuse_lowlevel_ops *operations, size_t operations_size,
	struct session_init *ret_request, struct session_init *ret_reply, struct error *reterr)
{
	struct session_options options = {
		.operations = operations,
		.operations_size = operations_size,
		.request = ret_request,
	};
	unsigned char message[FUSE_MIN_READ_BUFFER];
	struct fuse_session *fuse;
	ssize_t got;
	int fd, r;

	do
		got = read(fuse_fd, message, sizeof(message));
	while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0)
		return error_errno(reterr, errno, "cannot read from /dev/fuse");
	if ((size_t)got > sizeof(ret_request->data) ||
		((struct fuse_in_header *)(void *)message)->opcode != FUSE_INIT)
		return error_set(reterr, -EPROTO, "the kernel did not begin with FUSE_INIT");
	memcpy(ret_request->data, message, (size_t)got);
	ret_request->size = (size_t)got;
	fd = fcntl(fuse_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return error_errno(reterr, errno, "cannot duplicate a file descriptor");
	r = session_make(&fuse, fd, &options, false, ret_reply, reterr);
	if (r < 0)
		return r;
	fuse_session_destroy(fuse);
	r = session_check_reply(ret_reply, reterr);
	if (r == 0 && write(fuse_fd, ret_reply->data, ret_reply->size) < 0)
		r = error_errno(reterr, errno, "cannot answer FUSE_INIT");
	return r;
}

struct fuse_session *session_fuse(struct session *session)
{
	return session->fuse;
}

static enum crew_pace session_pace(const void *request)
{
	const struct fuse_in_header *header = request;
	const struct fuse_release_in *release = (const void *)(header + 1);

	switch (header->opcode) {
	/* What the operations answer from memory where they can. */
	case FUSE_GETATTR:
	case FUSE_OPEN:
		return CREW_INSTANT;
	/* What only looks. */
	case FUSE_LOOKUP:
	case FUSE_READ:
	case FUSE_STATFS:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_OPENDIR:
	case FUSE_POLL:
		return CREW_QUICK;
	/* What the kernel sends in the background. */
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_RELEASEDIR:
		return CREW_ASIDE;
	case FUSE_RELEASE:
		/* Of who wrote: a last decision may be due. */
		return (release->flags & O_ACCMODE) == O_RDONLY ? CREW_ASIDE : CREW_SLOW;
	default:
		return CREW_SLOW;
	}
}

void session_linger(void)
{
	crew_linger();
}

static void session_refuse(struct session *session, uint64_t unique)
{
	struct fuse_out_header header = {.len = sizeof(header), .error = -EIO, .unique = unique};

	if (write(session->fd, &header, sizeof(header)) < 0)
		log_debug("cannot refuse a request: %s", strerror(errno));
}

/* Read by nobody but who comes after this process: that the compiler keeps the order is enough. */
static void session_note(struct inflight *inflight, int thread, uint64_t token)
{
	if (!inflight)
		return;
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&inflight->serving[thread], token, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

static void session_serve(void *arg, int thread, void *data, size_t size)
{
	struct session *session = arg;
	struct inflight *inflight = session->options.inflight;
	const struct fuse_in_header *header = data;
	struct fuse_buf message = {.mem = data, .size = size};
	uint64_t unique = header->unique, token = unique & ~SESSION_RESENT;

	if (inflight && (unique & SESSION_RESENT) && inflight_is_poison(inflight, token)) {
		log_error("a request (operation %u) was at work in two crashes: refused",
			header->opcode);
		session_refuse(session, unique);
		return;
	}
	session_note(inflight, thread, token);
	session_current = token;
	session_again = unique & SESSION_RESENT;
	fuse_session_process_buf(session->fuse, &message);
	/* What was written may be a secret. */
	explicit_bzero(data, size);
	session_current = 0;
	session_note(inflight, thread, 0);
}

static int session_open(struct session *session, struct error *reterr)
{
	const struct session_options *options = &session->options;
	struct crew_options crew = {
		.buffer_size = SESSION_BUFFER_SIZE,
		.serve = session_serve,
		.pace = session_pace,
		.arg = session,
	};
	struct session_init reply;
	int r;

	/* Never a clone of the connection: closing one fails the requests that were read from
	 * it. */
	session->fd = fcntl(options->fuse_fd, F_DUPFD_CLOEXEC, 3);
	if (session->fd < 0)
		return error_errno(reterr, errno, "cannot duplicate a file descriptor");
	r = session_make(&session->fuse, session->fd, options, true, &reply, reterr);
	if (r == 0)
		r = session_check_reply(&reply, reterr);
	if (r < 0)
		return r;
	if (reply.size != options->reply->size ||
		memcmp(reply.data, options->reply->data, reply.size) != 0)
		log_debug("this version would have asked the kernel for other features");
	crew.fd = session->fd;
	return crew_new(&session->crew, &crew, reterr);
}

int session_new(struct session **ret, const struct session_options *options, struct error *reterr)
{
	struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return error_oom(reterr);
	session->options = *options;
	r = session_open(session, reterr);
	if (r < 0) {
		session_free(session);
		return r;
	}
	*ret = session;
	return 0;
}

/* What a dead worker had read comes back, marked, at the head of the queue. Must precede the first
 * read: what this worker has read would come again too. */
static void session_resend(struct session *session)
{
	struct fuse_out_header notice = {.len = sizeof(notice), .error = SESSION_NOTIFY_RESEND};

	if (write(session->fd, &notice, sizeof(notice)) < 0)
		log_debug("the kernel cannot send requests again: %s", strerror(errno));
}

/* Requests whose reply was put off belong to the next worker: replies go nowhere from now on. */
static void session_mute(struct session *session)
{
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (nowhere < 0)
		return;
	(void)dup3(nowhere, session->fd, O_CLOEXEC);
	(void)close(nowhere);
}

int session_run(struct session *session, void (*ready)(void *arg), void *arg, struct error *reterr)
{
	int result, r;

	session_resend(session);
	r = crew_start(session->crew, reterr);
	if (r == 0 && ready)
		ready(arg);
	result = r < 0 ? r : crew_wait(session->crew);
	r = crew_finish(session->crew, SESSION_GRACE_MS);
	if (r < 0)
		return error_set(reterr, r, "a request did not end within %d s",
			SESSION_GRACE_MS / 1000);
	if (result == 0)
		return 0;
	session_mute(session);
	if (result == -EINTR)
		return error_set(reterr, result, "stopped");
	return error_errno(reterr, -result, "cannot serve");
}

void session_stop(struct session *session)
{
	crew_stop(session->crew);
}

void session_free(struct session *session)
{
	if (!session)
		return;
	crew_free(session->crew);
	if (session->fuse)
		fuse_session_destroy(session->fuse);
	free(session);
}
