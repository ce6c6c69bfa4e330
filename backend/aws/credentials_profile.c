/* SPDX-License-Identifier: Apache-2.0 */
/* The shared files: ~/.aws/credentials and ~/.aws/config, and the roles that they name. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/answer.h"
#include "aws/client.h"
#include "aws/credentials.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define FILE_MAX     (1024 * 1024)
#define VALUE_MAX    4096
#define ROLES_MAX    5 /* profiles that lead to each other */
#define ROLE_SECONDS "3600"
#define ROLE_SESSION "duplofs"

const char *profile_name(void)
{
	const char *name = getenv("AWS_PROFILE");

	return name && *name ? name : "default";
}

static bool file_path(const char *variable, const char *otherwise, char *ret, size_t size)
{
	const char *path = getenv(variable), *home = getenv("HOME");

	if (path && *path)
		return text_copy(ret, size, path);
	return home && snprintf(ret, size, "%s/.aws/%s", home, otherwise) < (int)size;
}

static char *strip(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* "[profile name]" or "[name]": is it the one? */
static bool is_section(char *line, const char *section)
{
	char *end = strchr(line, ']');

	if (!end)
		return false;
	*end = '\0';
	line = strip(line + 1);
	if (strncmp(line, "profile ", 8) == 0)
		line = strip(line + 8);
	return strcmp(line, section) == 0;
}

/* A value of one section; blank lines, comments and nested settings (indented) are passed over. */
static bool ini_get(char *text, const char *section, const char *key, char *value, size_t size)
{
	bool inside = false;
	char *line, *equals;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '[') {
			inside = is_section(line, section);
			continue;
		}
		if (!inside || strchr("#; \t\r", *line))
			continue;
		equals = strchr(line, '=');
		if (!equals)
			continue;
		*equals = '\0';
		if (strcmp(strip(line), key) == 0)
			return text_copy(value, size, strip(equals + 1));
	}
	return false;
}

bool profile_get(const char *profile, const char *key, char *value, size_t size)
{
	static const char *const files[][2] = {
		{"AWS_SHARED_CREDENTIALS_FILE", "credentials"}, {"AWS_CONFIG_FILE", "config"}};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		bool found = false;

		if (!file_path(files[i][0], files[i][1], path, sizeof(path)) ||
			file_read(path, FILE_MAX, &text, NULL) < 0)
			continue;
		if (text.len > 0)
			found = ini_get(text.data, profile, key, value, size);
		buf_wipe(&text);
		if (found)
			return true;
	}
	return false;
}

static int assume_role(struct aws_client *client, const struct credentials *base,
	const char *profile, const char *role, struct credentials *ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(STS_ASSUME_ROLE);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *found;
	char value[VALUE_MAX];
	int r;

	aws_request_set(&request, "RoleArn", role);
	aws_request_set(&request, "RoleSessionName",
		profile_get(profile, "role_session_name", value, sizeof(value)) ? value
										: ROLE_SESSION);
	aws_request_set(&request, "DurationSeconds",
		profile_get(profile, "duration_seconds", value, sizeof(value)) ? value
									       : ROLE_SECONDS);
	if (profile_get(profile, "external_id", value, sizeof(value)))
		aws_request_set(&request, "ExternalId", value);
	r = aws_client_call_as(client, base, &request, &answer, NULL, reterr);
	if (r < 0)
		return error_prefix(reterr, "role %s of profile \"%s\"", role, profile);
	found = answer_find(answer.root, "Credentials");
	if (!*answer_text(found, "AccessKeyId") || !*answer_text(found, "SecretAccessKey"))
		return error_set(reterr, -EBADMSG, "AWS STS gives no keys for role %s", role);
	return credentials_set(ret, answer_text(found, "AccessKeyId"),
		answer_text(found, "SecretAccessKey"), answer_text(found, "SessionToken"),
		answer_text(found, "Expiration"));
}

static int profile_load(struct aws_client *client, const char *profile, int depth,
	struct credentials *ret, struct error *reterr);

/* The keys with which a profile's role is assumed. */
static int profile_load_base(struct aws_client *client, const char *profile, int depth,
	struct credentials *ret, struct error *reterr)
{
	char name[VALUE_MAX];

	if (profile_get(profile, "source_profile", name, sizeof(name)))
		return profile_load(client, name, depth + 1, ret, reterr);
	if (!profile_get(profile, "credential_source", name, sizeof(name)))
		return error_set(reterr, -ENOKEY,
			"profile \"%s\" has a role_arn, but neither source_profile nor "
			"credential_source",
			profile);
	if (strcmp(name, "Environment") == 0)
		return credentials_from_environment(client, ret, reterr);
	if (strcmp(name, "Ec2InstanceMetadata") == 0)
		return credentials_from_instance(client, ret, reterr);
	return error_set(reterr, -ENOKEY,
		"profile \"%s\": credential_source \"%s\" is not known here", profile, name);
}

static int profile_load(struct aws_client *client, const char *profile, int depth,
	struct credentials *ret, struct error *reterr)
{
	_cleanup_credentials_ struct credentials base = CREDENTIALS_INIT;
	char role[VALUE_MAX], key[VALUE_MAX], secret[VALUE_MAX], token[VALUE_MAX] = "";
	int r;

	if (depth == ROLES_MAX)
		return error_set(reterr, -ELOOP, "profile \"%s\" leads back to itself", profile);
	/* A profile may name itself as the source: then its own keys are meant. */
	if ((depth == 0 || !profile_get(profile, "aws_access_key_id", key, sizeof(key))) &&
		profile_get(profile, "role_arn", role, sizeof(role))) {
		r = profile_load_base(client, profile, depth, &base, reterr);
		if (r < 0)
			return r == -ENOENT
				       ? error_set(reterr, -ENOKEY,
						 "profile \"%s\": no keys for its role", profile)
				       : r;
		return assume_role(client, &base, profile, role, ret, reterr);
	}
	if (!profile_get(profile, "aws_access_key_id", key, sizeof(key)) ||
		!profile_get(profile, "aws_secret_access_key", secret, sizeof(secret)))
		return -ENOENT;
	(void)profile_get(profile, "aws_session_token", token, sizeof(token));
	r = credentials_set(ret, key, secret, token, NULL);
	explicit_bzero(secret, sizeof(secret));
	return r;
}

int credentials_from_files(struct aws_client *client, struct credentials *ret, struct error *reterr)
{
	int r = profile_load(client, profile_name(), 0, ret, reterr);

	if (r == -ENOENT && getenv("AWS_PROFILE"))
		return error_set(reterr, -ENOKEY,
			"profile \"%s\" (AWS_PROFILE) has no keys in ~/.aws/credentials or "
			"~/.aws/config",
			profile_name());
	return r;
}
