/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/tar.h"
#include "base/text.h"
#include "engine/docker.h"
#include "engine/docker_line.h"
#include "engine/docker_parse.h"
#include "engine/docker_pull.h"

#define REPORT_NS (NS_PER_SECOND / 4)

struct download {
	struct docker_pull pull;
	struct line_reader reader;
	engine_pull_fn progress;
	void *arg;
	int64_t reported_ns;
};

static int image_reference(const char *image, char name[512], char tag[256], struct error *reterr)
{
	if (docker_parse_reference(image, name, 512, tag, 256) < 0)
		return error_set(reterr, -EINVAL, "\"%s\" is not a valid image name", image);
	return 0;
}

int docker_image_find(struct engine *engine, const char *image, char ret_id[ENGINE_ID_MAX],
	struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT;
	char name[512], tag[256], subject[300];
	int r;

	r = image_reference(image, name, tag, reterr);
	if (r < 0)
		return r;
	(void)snprintf(subject, sizeof(subject), "image %s", image);
	buf_puts(&path, "/images/");
	net_escape(&path, image);
	buf_puts(&path, "/json");
	r = docker_get(docker_of(engine), &path, subject, &answer, reterr);
	if (r < 0)
		return r;
	if (!text_copy(ret_id, ENGINE_ID_MAX, json_get_string(answer, "Id", "")))
		return error_set(reterr, -EPROTO, "image %s has an odd id", image);
	return 0;
}

static void download_report(struct download *download)
{
	int64_t done_bytes, total_bytes, now_ns = clock_now_ns();

	if (!download->progress || now_ns - download->reported_ns < REPORT_NS)
		return;
	download->reported_ns = now_ns;
	docker_pull_sum(&download->pull, &done_bytes, &total_bytes);
	download->progress(download->arg, download->pull.phase, done_bytes, total_bytes);
}

static int download_line(void *arg, const char *line, size_t len)
{
	struct download *download = arg;

	return docker_pull_line(&download->pull, line, len);
}

static int download_data(void *arg, const char *data, size_t len)
{
	struct download *download = arg;
	int r;

	r = line_reader_feed(&download->reader, data, len, download_line, download);
	if (r == 0)
		download_report(download);
	return r;
}

/* Pulls and imports alike answer with lines, and with their failures in them. */
static int download_run(struct docker *docker, struct docker_call *call, struct download *download,
	struct error *reterr)
{
	int r = docker_stream(docker, call, download_data, download, reterr);

	if (r == 0)
		r = line_reader_finish(&download->reader, download_line, download);
	if (r == 0 && download->pull.failure[0])
		r = docker_failure(500, download->pull.failure, call->subject, reterr);
	line_reader_done(&download->reader);
	docker_pull_done(&download->pull);
	return r;
}

int docker_image_pull(struct engine *engine, const char *image, engine_pull_fn progress, void *arg,
	struct error *reterr)
{
	struct download download = {.progress = progress, .arg = arg};
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct docker_call call = {.method = "POST"};
	char name[512], tag[256], subject[300];
	int r;

	r = image_reference(image, name, tag, reterr);
	if (r < 0)
		return r;
	(void)snprintf(subject, sizeof(subject), "image %s", image);
	buf_puts(&path, "/images/create?fromImage=");
	net_escape(&path, name);
	buf_puts(&path, "&tag=");
	net_escape(&path, tag);
	if (path.error)
		return error_oom(reterr);
	call.path = path.data;
	call.subject = subject;
	return download_run(docker_of(engine), &call, &download, reterr);
}

int docker_image_make(struct engine *engine, const char *image, const char *program,
	const void *data, size_t len, struct error *reterr)
{
	struct download download = {.progress = NULL};
	_cleanup_buf_ struct buf path = BUF_INIT, tar = BUF_INIT;
	struct docker_call call = {.method = "POST", .tar = &tar, .subject = "image"};
	char name[512], tag[256];
	int r;

	r = image_reference(image, name, tag, reterr);
	if (r < 0)
		return r;
	tar_file(&tar, program, 0555, 0, data, len);
	tar_end(&tar);
	buf_puts(&path, "/images/create?fromSrc=-&repo=");
	net_escape(&path, name);
	buf_puts(&path, "&tag=");
	net_escape(&path, tag);
	if (path.error || tar.error)
		return error_oom(reterr);
	call.path = path.data;
	return download_run(docker_of(engine), &call, &download, reterr);
}
