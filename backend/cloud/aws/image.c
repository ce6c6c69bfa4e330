/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/image.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"

#define OS_DEFAULT "debian-12"

/* All x86-64. Sources: wiki.debian.org/Cloud/AmazonEC2Image, documentation.ubuntu.com/aws,
 * docs.aws.amazon.com/linux/al2023. */
static const struct {
	const char *os, *parameter;
} shipped[] = {
	{"debian-12", "/aws/service/debian/release/12/latest/amd64"},
	{"debian-11", "/aws/service/debian/release/11/latest/amd64"},
	{"ubuntu-24.04", "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/"
			 "ebs-gp3/ami-id"},
	{"ubuntu-22.04", "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/"
			 "ebs-gp2/ami-id"},
	{"amazon-linux-2023",
		"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
	{"amazon-linux-2", "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"},
};

const char *aws_image_place(const struct policy *policy, const char *os)
{
	size_t len = strlen(os);
	const char *row;

	for (size_t i = 0; (row = policy_item(policy, "images", i)); i++)
		if (strncmp(row, os, len) == 0 && row[len] == '=')
			return row + len + 1;
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++)
		if (strcmp(shipped[i].os, os) == 0)
			return shipped[i].parameter;
	return NULL;
}

static int refuse(const struct policy *policy, const char *os, struct error *reterr)
{
	_cleanup_buf_ struct buf known = BUF_INIT;
	const char *row;

	for (size_t i = 0; (row = policy_item(policy, "images", i)); i++)
		buf_printf(&known, "%.*s, ", (int)strcspn(row, "="), row);
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++)
		buf_printf(&known, "%s%s", i > 0 ? ", " : "", shipped[i].os);
	return error_set(reterr, -EINVAL,
		"OS: no image is known of \"%.60s\"; of these one is: %s; the administrator can "
		"add "
		"others to images in policy/infrastructure.json",
		os, buf_string(&known));
}

static int ask(struct account *account, const char *parameter, char ret[IMAGE_ID_MAX],
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SSM_GET_PARAMETER);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const char *id;
	int r;

	aws_request_set(&request, "Name", parameter);
	r = account_call(account, &request, &answer, FAULT_OTHER, reterr);
	if (r < 0)
		return r;
	id = answer_text(answer.root, "Parameter/Value");
	if (strncmp(id, "ami-", 4) != 0 || !text_copy(ret, IMAGE_ID_MAX, id))
		return error_set(reterr, -EINVAL, "%s in SSM does not name an image: \"%.40s\"",
			parameter, id);
	return 0;
}

int aws_image_find(struct account *account, const char *os, char ret[IMAGE_ID_MAX],
	struct error *reterr)
{
	const char *place;

	if (!os)
		os = policy_text(account->policy, "host_os");
	if (!*os)
		os = OS_DEFAULT;
	place = aws_image_place(account->policy, os);
	if (!place)
		return refuse(account->policy, os, reterr);
	if (*place == '/')
		return ask(account, place, ret, reterr);
	if (!text_copy(ret, IMAGE_ID_MAX, place))
		return error_set(reterr, -EINVAL, "images: \"%.80s\" is no image", place);
	return 0;
}
