/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine's messages mean. The API has few statuses and many causes: only the text tells a
 * taken port from a full disk. The words are those of Docker 20.10 to 28 and their registries.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "engine/docker.h"

#define WORDS_MAX 300 /* of the engine's own */

struct meaning {
	const char *words; /* in the message */
	int code;
	const char *sentence; /* what stands after the subject */
};

static const struct meaning meanings[] = {
	{"no space left on device", -ENOSPC, "the host's disk is full"},
	{"non-overlapping IPv4 address pool", -ENOSR,
		"the engine has no address range left for another network (see "
		"default-address-pools in /etc/docker/daemon.json)"},
	{"Pool overlaps with other one", -EADDRNOTAVAIL, "the address range is taken"},
	{"port is already allocated", -EADDRINUSE, "the host port is in use by another container"},
	{"address already in use", -EADDRINUSE, "the host port is in use by another program"},
	{"cannot assign requested address", -EADDRNOTAVAIL,
		"the host does not have the address to publish the port on"},
	{"executable file not found", -ENOEXEC, "the image does not contain the program to run"},
	{"exec format error", -ENOEXEC, "the image is made for another kind of processor"},
	{"No command specified", -ENOEXEC,
		"the image does not say which program to run: give Command in the spec"},
	{"no command specified", -ENOEXEC,
		"the image does not say which program to run: give Command in the spec"},
	{"pull access denied", -ENOENT, "does not exist in its registry, or needs a login"},
	{"repository does not exist", -ENOENT, "does not exist in its registry"},
	{"manifest unknown", -ENOENT, "its registry has no such tag"},
	{"No such image", -ENOENT, "is not on the host"},
	{"no such image", -ENOENT, "is not on the host"},
	{"No such container", -ENOENT, "does not exist (any more)"},
	{"no basic auth credentials", -EACCES, "its registry wants a login"},
	{"unauthorized", -EACCES, "its registry wants a login"},
	{"toomanyrequests", -EAGAIN, "its registry refuses for now: too many downloads"},
	{"no such host", -EHOSTUNREACH, "the name of its registry is not known"},
	{"connection refused", -EHOSTUNREACH, "its registry does not answer"},
	{"i/o timeout", -EHOSTUNREACH, "its registry does not answer in time"},
	{"Client.Timeout exceeded", -EHOSTUNREACH, "its registry does not answer in time"},
	{"network is unreachable", -EHOSTUNREACH, "its registry cannot be reached from this host"},
	{"invalid reference format", -EINVAL, "is not a valid image name"},
	{"is already in use by container", -EEXIST, "the name is taken by another container"},
	{"removal of container", -EINPROGRESS, "is being removed"},
	{"cannot allocate memory", -ENOMEM, "the host has too little memory"},
	{"Minimum memory limit", -EINVAL, "needs more memory than the limit allows"},
	{"Range of CPUs", -EINVAL, "asks for more CPU than the host has"},
};

static const struct meaning *failure_find(const char *message)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (strstr(message, meanings[i].words))
			return &meanings[i];
	}
	return NULL;
}

static int failure_errno(int status)
{
	switch (status) {
	case 400:
		return -EINVAL;
	case 401:
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 409:
		return -EBUSY;
	case 501:
		return -EOPNOTSUPP;
	case 503:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

int docker_failure(int status, const char *message, const char *subject, struct error *reterr)
{
	const struct meaning *meaning = failure_find(message);
	size_t len = strcspn(message, "\r\n");
	char words[WORDS_MAX + 1];

	if (len > WORDS_MAX)
		len = WORDS_MAX;
	memcpy(words, message, len);
	words[len] = '\0';
	text_trim_utf8(words);
	text_mend(words);
	if (meaning)
		return error_set(reterr, meaning->code, "%s%s%s (%s)", subject ? subject : "",
			subject ? ": " : "", meaning->sentence, words);
	return error_set(reterr, failure_errno(status), "%s%s%s", subject ? subject : "",
		subject ? ": " : "", words);
}
