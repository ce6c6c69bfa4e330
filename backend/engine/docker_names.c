/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a container knows beside those of its network: a section of the file that the engine
 * shows it as /etc/hosts. Written in place: a container looks at the file, not at its name. */
#include "engine/docker_names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/docker.h"

#define BEGIN     "# of other tenants, by duplofs\n"
#define END       "# end of other tenants\n"
#define HOSTS_MAX ((size_t)1 << 20)

void docker_names_merge(const char *text, const char *lines, struct buf *out)
{
	const char *begin = strstr(text, BEGIN), *end = begin ? strstr(begin, END) : NULL;
	size_t before = begin ? (size_t)(begin - text) : strlen(text);

	buf_add(out, text, before);
	if (lines[0]) {
		if (before > 0 && text[before - 1] != '\n')
			buf_putc(out, '\n');
		buf_puts(out, BEGIN);
		buf_puts(out, lines);
		buf_puts(out, END);
	}
	if (end)
		buf_puts(out, end + strlen(END));
	else if (begin) /* somebody took its end away: only what is ours goes */
		buf_puts(out, begin + strlen(BEGIN));
}

/* In one call from the first byte that differs, so that nobody who reads meanwhile finds half a
 * name: what becomes shorter is filled with empty lines first. */
static int rewrite(int fd, const struct buf *old, struct buf *new)
{
	size_t same = 0, len = new->len;
	ssize_t n;

	while (same < old->len && same < len && old->data[same] == new->data[same])
		same++;
	while (new->len < old->len && !new->error)
		buf_putc(new, '\n');
	if (new->error)
		return -ENOMEM;
	n = pwrite(fd, new->data + same, new->len - same, (off_t)same);
	if (n < 0)
		return -errno;
	if ((size_t)n < new->len - same)
		return -ENOSPC;
	if (len < new->len && ftruncate(fd, (off_t)len) < 0)
		return -errno;
	return 0;
}

int docker_names_put(const char *path, const char *lines, struct error *reterr)
{
	_cleanup_buf_ struct buf old = BUF_INIT, new = BUF_INIT;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	r = file_read(path, HOSTS_MAX, &old, reterr);
	if (r < 0)
		return r;
	docker_names_merge(buf_string(&old), lines, &new);
	if (new.error)
		return error_oom(reterr);
	if (new.len == old.len && (new.len == 0 || memcmp(new.data, old.data, new.len) == 0))
		return 0;
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(reterr, errno, "the names of a container cannot be written");
	if (!S_ISREG(st.st_mode))
		return error_set(reterr, -EINVAL, "the names of a container are no file");
	r = rewrite(fd, &old, &new);
	return r < 0 ? error_errno(reterr, -r, "the names of a container cannot be written") : 0;
}

/* True for ".../<id>/hosts": where every engine keeps it. */
static bool is_of(const char *path, const char *id)
{
	size_t len = strlen(path), id_len = strlen(id), rest = id_len + strlen("/hosts");

	return path[0] == '/' && id_len > 0 && len > rest && path[len - rest - 1] == '/' &&
	       strncmp(path + len - rest, id, id_len) == 0 &&
	       strcmp(path + len - rest + id_len, "/hosts") == 0;
}

int docker_names(struct engine *engine, const char *id, const char *lines, struct error *reterr)
{
	struct docker *docker = docker_of(engine);
	_cleanup_json_ json_t *answer = NULL;
	const json_t *state;
	const char *path;
	int r;

	if (!docker->socket_path)
		return error_set(reterr, -EOPNOTSUPP, "the files of this engine are elsewhere");
	r = docker_look(docker, id, &answer, reterr);
	if (r < 0)
		return r;
	state = json_object_get(answer, "State");
	path = json_get_string(answer, "HostsPath", "");
	if (!docker_is_ours(docker, json_object_get(json_object_get(answer, "Config"), "Labels")))
		return error_set(reterr, -EPERM, "container %s is not of this platform", id);
	if (!json_get_bool(state, "Running", false))
		return error_set(reterr, -EBUSY, "container %s does not run", id);
	if (!is_of(path, json_get_string(answer, "Id", "")) || access(path, F_OK) < 0)
		return error_set(reterr, -EOPNOTSUPP, "the files of this engine are elsewhere");
	return docker_names_put(path, lines, reterr);
}
