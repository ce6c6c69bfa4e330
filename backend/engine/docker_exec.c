/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into a container that runs: what it uses, and commands run inside. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/docker.h"
#include "engine/docker_frame.h"
#include "engine/docker_parse.h"

#define CGROUP_MAX_BYTES 65536

struct command_output {
	struct frame_reader reader;
	struct buf *text;
	size_t left;
};

int docker_usage(struct engine *engine, const char *id, struct container_usage *ret,
	struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r;

	buf_puts(&path, "/containers/");
	net_escape(&path, id);
	/* One-shot: else the engine takes a second measurement a second later. */
	buf_puts(&path, "/stats?stream=0&one-shot=1");
	r = docker_get(docker_of(engine), &path, "container", &answer, reterr);
	if (r < 0)
		return r;
	/* A container that does not run has an answer too, without a time. */
	if (json_get_int(json_object_get(answer, "pids_stats"), "current", 0) == 0)
		return error_set(reterr, -ENOENT, "container %s does not run", id);
	docker_parse_usage(answer, ret);
	return 0;
}

/* The columns are ps's of the engine's machine; the last may hold blanks. */
static void top_row(const json_t *cells, struct buf *out)
{
	size_t i, last = json_array_size(cells) - 1;
	json_t *cell;

	json_array_foreach(cells, i, cell)
	{
		const char *text = json_string_value(cell);

		buf_printf(out, i < last ? "%-12s " : "%s\n", text ? text : "");
	}
}

int docker_top(struct engine *engine, const char *id, struct buf *out, struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT;
	json_t *row;
	size_t i;
	int r;

	buf_puts(&path, "/containers/");
	net_escape(&path, id);
	buf_puts(&path, "/top?ps_args=-eo%20pid,ppid,user,pcpu,rss,etime,args");
	r = docker_get(docker_of(engine), &path, "container", &answer, reterr);
	if (r < 0)
		return r;
	top_row(json_object_get(answer, "Titles"), out);
	json_array_foreach(json_object_get(answer, "Processes"), i, row) top_row(row, out);
	return out->error ? error_oom(reterr) : 0;
}

static json_t *exec_body(const struct container_command *command)
{
	_cleanup_json_ json_t *argv = json_array();
	json_t *body;

	for (size_t i = 0; argv && command->argv[i]; i++) {
		if (json_array_append_new(argv, json_string(command->argv[i])) < 0)
			return NULL;
	}
	body = json_pack("{s:b, s:b, s:O}", "AttachStdout", 1, "AttachStderr", 1, "Cmd", argv);
	if (body && command->user)
		(void)json_object_set_new(body, "User", json_string(command->user));
	return body;
}

/* Makes the command known; its id goes into path as "/exec/<id>". */
static int exec_create(struct docker *docker, const char *id,
	const struct container_command *command, struct buf *path, struct error *reterr)
{
	_cleanup_json_ json_t *body = exec_body(command), *answer = NULL;
	_cleanup_buf_ struct buf create = BUF_INIT;
	struct docker_call call = {.method = "POST", .subject = "container", .body = body};
	int r;

	if (!body)
		return error_set(reterr, -EINVAL, "the command is not UTF-8");
	buf_puts(&create, "/containers/");
	net_escape(&create, id);
	buf_puts(&create, "/exec");
	if (create.error)
		return error_oom(reterr);
	call.path = create.data;
	r = docker_call(docker, &call, &answer, reterr);
	if (r < 0)
		return r;
	buf_puts(path, "/exec/");
	net_escape(path, json_get_string(answer, "Id", ""));
	return path->error ? error_oom(reterr) : 0;
}

static void command_frame(void *arg, int64_t wall_ns, const char *data, size_t len)
{
	struct command_output *output = arg;

	(void)wall_ns;
	if (len > output->left) {
		output->text->error = -EFBIG;
		return;
	}
	output->left -= len;
	buf_add(output->text, data, len);
}

static int command_data(void *arg, const char *data, size_t len)
{
	struct command_output *output = arg;
	int r;

	r = frame_reader_feed(&output->reader, data, len, command_frame, output);
	return r < 0 ? r : output->text->error;
}

static int exec_start(struct docker *docker, const char *path,
	const struct container_command *command, struct buf *text, struct error *reterr)
{
	struct command_output output = {
		.reader.plain = true, .text = text, .left = command->max_bytes};
	_cleanup_json_ json_t *body = json_pack("{s:b, s:b}", "Detach", 0, "Tty", 0);
	_cleanup_buf_ struct buf start = BUF_INIT;
	struct docker_call call = {.method = "POST", .subject = "command", .body = body};
	int r;

	buf_printf(&start, "%s/start", path);
	if (start.error || !body)
		return error_oom(reterr);
	call.path = start.data;
	call.timeout_ms = command->timeout_ms;
	r = docker_stream(docker, &call, command_data, &output, reterr);
	frame_reader_done(&output.reader);
	if (r == -ETIMEDOUT)
		return error_set(reterr, r, "the command did not end within %lld ms",
			(long long)command->timeout_ms);
	if (r == -EFBIG)
		return error_set(reterr, r, "the command wrote more than %zu bytes",
			command->max_bytes);
	return r;
}

/* How a command is. */
struct exec_state {
	bool running;
	int status; /* once it has ended */
	pid_t pid; /* on the engine's machine */
	char container[ENGINE_ID_MAX];
};

static int exec_look(struct docker *docker, const char *path, struct exec_state *ret,
	struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_buf_ struct buf look = BUF_INIT;
	int r;

	buf_printf(&look, "%s/json", path);
	r = docker_get(docker, &look, "command", &answer, reterr);
	if (r < 0)
		return r;
	ret->running = json_get_bool(answer, "Running", false);
	ret->status = (int)json_get_int(answer, "ExitCode", 0);
	ret->pid = (pid_t)json_get_int(answer, "Pid", 0);
	(void)text_copy(ret->container, sizeof(ret->container),
		json_get_string(answer, "ContainerID", ""));
	return 0;
}

/* True when the process of this machine belongs to the container. */
static bool exec_is_here(const struct exec_state *state)
{
	_cleanup_buf_ struct buf groups = BUF_INIT;
	char file[40];

	(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)state->pid);
	return strlen(state->container) == 64 &&
	       file_read(file, CGROUP_MAX_BYTES, &groups, NULL) == 0 &&
	       strstr(buf_string(&groups), state->container);
}

/* The engine has no call that ends a command. It leads a session of its own: what it has started
 * goes with it. Held by a descriptor first, its number cannot become somebody else's. */
static void exec_kill(const struct exec_state *state)
{
	_cleanup_close_ int fd = state->pid > 1 ? pidfd_open(state->pid, 0) : -1;

	if (fd < 0 || !exec_is_here(state))
		return;
	if (getpgid(state->pid) == state->pid && pidfd_send_signal(fd, SIGSTOP, NULL, 0) == 0)
		(void)kill(-state->pid, SIGKILL);
	(void)pidfd_send_signal(fd, SIGKILL, NULL, 0);
}

/* It takes too long or says too much; result: what the caller is told, but that the engine does not
 * answer either. */
static int exec_end(struct docker *docker, const char *path, int result, struct error *reterr)
{
	struct exec_state state;
	int r = exec_look(docker, path, &state, NULL);

	if (r == -ETIMEDOUT || r == -ENOTCONN)
		return error_set(reterr, -ENOTCONN, "the container engine does not answer");
	if (r == 0 && state.running)
		exec_kill(&state);
	return result;
}

/* How it ended. It may have closed its output before; the engine has no call that waits for it. */
static int exec_status(struct docker *docker, const char *path, int64_t deadline_ns, int *ret,
	struct error *reterr)
{
	struct exec_state state;
	int r;

	for (int wait_ms = 1;; wait_ms = wait_ms < 200 ? wait_ms * 2 : wait_ms) {
		r = exec_look(docker, path, &state, reterr);
		if (r < 0)
			return r == -ETIMEDOUT ? -ENOTCONN : r;
		*ret = state.status;
		if (!state.running)
			return 0;
		if (clock_now_ns() >= deadline_ns) {
			exec_kill(&state);
			return error_set(reterr, -ETIMEDOUT,
				"the command has closed its output and goes on");
		}
		(void)net_cancel_wait(docker->cancel, wait_ms);
	}
}

int docker_exec(struct engine *engine, const char *id, const struct container_command *command,
	struct buf *output, int *ret_status, struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	int64_t deadline_ns = clock_now_ns() + command->timeout_ms * NS_PER_MILLISECOND;
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r;

	r = exec_create(docker, id, command, &path, reterr);
	if (r < 0)
		return r == -ETIMEDOUT ? -ENOTCONN : r;
	r = exec_start(docker, path.data, command, output, reterr);
	if (r == -ETIMEDOUT || r == -EFBIG)
		r = exec_end(docker, path.data, r, reterr);
	return r < 0 ? r : exec_status(docker, path.data, deadline_ns, ret_status, reterr);
}
