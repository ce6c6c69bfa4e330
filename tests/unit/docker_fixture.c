/* SPDX-License-Identifier: Apache-2.0 */
#include "docker_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/file.h"
#include "net/net.h"

/* A header of the tar format (POSIX.1-1988, ustar). */
struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

const char *fixture_docker_url(void)
{
	const char *url = getenv("DOCKER_HOST");

	return url && url[0] ? url : "unix:///var/run/docker.sock";
}

static void tar_add(struct buf *tar, const char *name, char type, const char *link,
	const struct buf *content)
{
	static const char zeros[512];
	struct tar_header header = {.type = type, .magic = "ustar", .version = {'0', '0'}};
	size_t len = content ? content->len : 0;
	unsigned sum = 0;

	(void)snprintf(header.name, sizeof(header.name), "%s", name);
	(void)snprintf(header.link, sizeof(header.link), "%s", link);
	(void)snprintf(header.mode, sizeof(header.mode), "%07o", 0755);
	(void)snprintf(header.uid, sizeof(header.uid), "%07o", 0);
	(void)snprintf(header.gid, sizeof(header.gid), "%07o", 0);
	(void)snprintf(header.size, sizeof(header.size), "%011zo", len);
	(void)snprintf(header.mtime, sizeof(header.mtime), "%011o", 0);
	memset(header.checksum, ' ', sizeof(header.checksum));
	for (size_t i = 0; i < sizeof(header); i++)
		sum += ((const unsigned char *)&header)[i];
	(void)snprintf(header.checksum, sizeof(header.checksum), "%06o", sum);
	buf_add(tar, &header, sizeof(header));
	if (content)
		buf_add(tar, content->data, len);
	buf_add(tar, zeros, (512 - len % 512) % 512);
}

static int tar_of_busybox(struct buf *tar, struct error *reterr)
{
	static const char *const programs[] = {
		"sh", "sleep", "echo", "cat", "httpd", "seq", "true"};
	static const char zeros[1024];
	_cleanup_buf_ struct buf busybox = BUF_INIT;
	char path[256], name[64];
	int r;

	r = child_find("busybox", path, sizeof(path));
	if (r == 0)
		r = file_read(path, (size_t)16 << 20, &busybox, reterr);
	if (r < 0)
		return r;
	tar_add(tar, "bin/", '5', "", NULL);
	tar_add(tar, "bin/busybox", '0', "", &busybox);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		(void)snprintf(name, sizeof(name), "bin/%s", programs[i]);
		tar_add(tar, name, '2', "busybox", NULL);
	}
	buf_add(tar, zeros, sizeof(zeros));
	return tar->error;
}

static int fixture_send(const char *url, struct net_request *request, const char *path,
	struct error *reterr)
{
	_cleanup_response_ struct net_response response = NET_RESPONSE_INIT;
	_cleanup_buf_ struct buf full = BUF_INIT;
	struct net *net = NULL;
	int r;

	if (strncmp(url, "unix://", 7) == 0) {
		request->socket_path = url + 7;
		buf_printf(&full, "http://docker%s", path);
	} else {
		buf_printf(&full, "http://%s%s", url + strlen("tcp://"), path);
	}
	request->url = buf_string(&full);
	request->timeout_ms = 60000;
	r = net_new(&net, reterr);
	if (r == 0)
		r = net_call(net, request, &response, reterr);
	if (r == 0 && (response.status < 200 || response.status > 299))
		r = error_set(reterr, -EIO, "%s answered %d %s", path, response.status,
			buf_string(&response.body));
	if (r == 0 && strstr(buf_string(&response.body), "errorDetail"))
		r = error_set(reterr, -EIO, "%s", buf_string(&response.body));
	net_free(net);
	return r;
}

int fixture_call(const char *url, const char *method, const char *path, const char *json,
	struct error *reterr)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	struct net_request request = {
		.method = method, .headers = json ? headers : NULL, .body = json};

	request.body_len = json ? strlen(json) : 0;
	return fixture_send(url, &request, path, reterr);
}

int fixture_image_make(const char *url, const char *image, struct error *reterr)
{
	static const char *const headers[] = {"Content-Type: application/x-tar", NULL};
	_cleanup_buf_ struct buf tar = BUF_INIT, path = BUF_INIT;
	struct net_request request = {.method = "POST", .headers = headers};
	int r;

	r = tar_of_busybox(&tar, reterr);
	if (r < 0)
		return r;
	request.body = tar.data;
	request.body_len = tar.len;
	buf_puts(&path, "/images/create?fromSrc=-&repo=");
	net_escape(&path, image);
	buf_puts(&path, "&changes=");
	net_escape(&path, "CMD [\"sleep\",\"600\"]");
	return fixture_send(url, &request, buf_string(&path), reterr);
}

int fixture_image_remove(const char *url, const char *image, struct error *reterr)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	buf_printf(&path, "/images/%s?force=1", image);
	return fixture_call(url, "DELETE", buf_string(&path), NULL, reterr);
}

int fixture_image_push(const char *url, const char *image, struct error *reterr)
{
	static const char *const headers[] = {"X-Registry-Auth: e30=", NULL};
	const char *tag = strrchr(image, ':');
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct net_request request = {.method = "POST", .headers = headers};

	buf_printf(&path, "/images/%.*s/push?tag=%s", (int)(tag - image), image, tag + 1);
	return fixture_send(url, &request, buf_string(&path), reterr);
}
