/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cloud/aws/account_memo.h"

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

static int ask_parameter(struct account *account, const char *parameter, char ret[IMAGE_ID_MAX],
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

struct newest {
	char id[IMAGE_ID_MAX];
	char made[40]; /* as AWS writes it: later ones sort behind */
};

static int take_page(void *arg, const struct answer_node *root)
{
	const struct answer_node *image = answer_find(root, "imagesSet/item");
	struct newest *newest = arg;

	for (; image; image = answer_next(image)) {
		const char *made = answer_text(image, "creationDate");
		const char *architecture = answer_text(image, "architecture");

		if (*architecture && strcmp(architecture, "x86_64") != 0)
			continue;
		if (newest->id[0] && strcmp(made, newest->made) <= 0)
			continue;
		(void)text_copy(newest->id, sizeof(newest->id), answer_text(image, "imageId"));
		(void)text_copy(newest->made, sizeof(newest->made), made);
	}
	return 0;
}

/* The newest of an owner's with such a name: "136693071363/debian-12-amd64-*". */
static int ask_pattern(struct account *account, const char *pattern, char ret[IMAGE_ID_MAX],
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_IMAGES);
	size_t owner_len = strcspn(pattern, "/");
	struct newest newest = {.id = ""};
	struct fault fault;
	char owner[64];
	int r;

	(void)snprintf(owner, sizeof(owner), "%.*s", (int)owner_len, pattern);
	aws_request_set(&request, "Owner.1", owner);
	aws_request_set(&request, "Filter.1.Name", "name");
	aws_request_set(&request, "Filter.1.Value.1", pattern + owner_len + 1);
	aws_request_set(&request, "Filter.2.Name", "state");
	aws_request_set(&request, "Filter.2.Value.1", "available");
	r = aws_client_pages(account->client, &request, take_page, &newest, &fault, reterr);
	if (r < 0)
		return r;
	if (!newest.id[0])
		return error_set(reterr, -EINVAL,
			"images: %s has no x86_64 image that is called %s: the administrator "
			"corrects it",
			owner, pattern + owner_len + 1);
	(void)text_copy(ret, IMAGE_ID_MAX, newest.id);
	return 0;
}

/* Many hosts start from one image. */
static int ask(struct account *account, const char *place, char ret[IMAGE_ID_MAX],
	struct error *reterr)
{
	int r;

	if (account_memo_get(account->memo, "image", place, ret))
		return 0;
	r = *place == '/' ? ask_parameter(account, place, ret, reterr)
			  : ask_pattern(account, place, ret, reterr);
	if (r == 0)
		account_memo_put(account->memo, "image", place, ret);
	return r;
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
	if (strchr(place, '/'))
		return ask(account, place, ret, reterr);
	if (!text_copy(ret, IMAGE_ID_MAX, place))
		return error_set(reterr, -EINVAL, "images: \"%.80s\" is no image", place);
	return 0;
}

/* ---- its disk ---- */

static bool read_root(const struct answer_node *image, struct image_root *ret)
{
	const char *root = answer_text(image, "rootDeviceName");
	const struct answer_node *disk = answer_find(image, "blockDeviceMapping/item");

	while (disk && strcmp(answer_text(disk, "deviceName"), root) != 0)
		disk = answer_next(disk);
	return disk && *root && text_copy(ret->device, sizeof(ret->device), root) &&
	       text_parse_int(answer_text(disk, "ebs/volumeSize"), 1, INT64_MAX, &ret->gib) == 0;
}

/* As the memo has it: "8 /dev/xvda". */
static bool recall_root(struct account *account, const char *image, struct image_root *ret)
{
	char text[MEMO_ID_SIZE], *device;

	if (!account_memo_get(account->memo, "root", image, text))
		return false;
	device = strchr(text, ' ');
	if (!device)
		return false;
	*device++ = '\0';
	return text_copy(ret->device, sizeof(ret->device), device) &&
	       text_parse_int(text, 1, INT64_MAX, &ret->gib) == 0;
}

int aws_image_root(struct account *account, const char *image, struct image_root *ret,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_IMAGES);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	char text[MEMO_ID_SIZE];
	int r;

	if (recall_root(account, image, ret))
		return 0;
	aws_request_set(&request, "ImageId.1", image);
	r = account_call(account, &request, &answer, FAULT_MISSING, reterr);
	if (r < 0)
		return r;
	if (!read_root(answer_find(answer.root, "imagesSet/item"), ret))
		return error_set(reterr, -ENOENT,
			"no image %s with a disk of its own is known in this region", image);
	(void)snprintf(text, sizeof(text), "%" PRId64 " %s", ret->gib, ret->device);
	account_memo_put(account->memo, "root", image, text);
	return 0;
}
