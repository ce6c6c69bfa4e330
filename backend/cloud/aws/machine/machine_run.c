/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine/machine_run.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cloud/aws/machine/image.h"
#include "cloud/aws/machine/user_data.h"
#include "cloud/aws/tenant/group.h"

/* All that RunInstances is told but type and subnet. */
struct run {
	struct account *account;
	const struct machine *wanted;
	struct estate_owner owner;
	char name[ESTATE_NAME_SIZE]; /* of the tenant's group, profile and key */
	char image[IMAGE_ID_MAX];
	char group[GROUP_ID_SIZE];
	struct image_root root;
	int64_t disk_gib; /* 0: as the image has it */
	char *user_data; /* base64 */
	bool spot;
};

static void run_done(struct run *run)
{
	if (run->user_data)
		OPENSSL_cleanse(run->user_data, strlen(run->user_data));
	free(run->user_data);
}

void machine_engine_name(const char *token, char ret[MACHINE_ENGINE_NAME_SIZE])
{
	(void)snprintf(ret, MACHINE_ENGINE_NAME_SIZE, "%.60s.engine.duplofs", token);
}

/* ---- the type ---- */

static int refuse_size(const struct machine *wanted, const struct machine_type *types, size_t count,
	struct error *reterr)
{
	const struct machine_type *largest = &types[0];

	for (size_t i = 1; i < count; i++)
		if (types[i].cpu_milli * types[i].memory_mib >
			largest->cpu_milli * largest->memory_mib)
			largest = &types[i];
	return error_set(reterr, -EINVAL,
		"no type of machine has CPU %" PRId64 ".%03" PRId64 " and MemoryGiB %" PRId64
		".%02" PRId64 ": the largest, %s, has CPU %" PRId64 " and MemoryGiB %" PRId64,
		wanted->cpu_milli / 1000, wanted->cpu_milli % 1000, wanted->memory_mib / 1024,
		wanted->memory_mib % 1024 * 100 / 1024, largest->name, largest->cpu_milli / 1000,
		largest->memory_mib / 1024);
}

int machine_types_for(const struct policy *policy, const struct machine *wanted,
	struct machine_type ret[MACHINE_TRIES], size_t *ret_count, struct error *reterr)
{
	struct machine_type types[MACHINE_TYPES_MAX];
	size_t count = machine_types_known(policy, types);

	*ret_count = machine_type_choose(types, count, wanted->cpu_milli, wanted->memory_mib, ret,
		MACHINE_TRIES);
	return *ret_count > 0 ? 0 : refuse_size(wanted, types, count, reterr);
}

/* ---- what it is made of ---- */

static char *to_base64(const struct buf *data)
{
	char *text = malloc((data->len + 2) / 3 * 4 + 1);

	if (text)
		(void)EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)data->data,
			(int)data->len);
	return text;
}

static int make_user_data(struct run *run, const struct engine_keys *keys, struct error *reterr)
{
	_cleanup_buf_ struct buf authority = BUF_INIT, certificate = BUF_INIT, key = BUF_INIT,
				 script = BUF_INIT;
	struct user_data data = {.platform = run->account->platform,
		.tenant = run->wanted->tenant,
		.host = run->wanted->name};
	char name[MACHINE_ENGINE_NAME_SIZE];
	int r = engine_keys_authority(keys, &authority, reterr);

	machine_engine_name(run->wanted->token, name);
	if (r == 0)
		r = engine_keys_issue(keys, name, &certificate, &key, reterr);
	data.authority = buf_string(&authority);
	data.certificate = buf_string(&certificate);
	data.key = buf_string(&key);
	if (r == 0)
		r = user_data_print(&data, &script, reterr);
	if (r == 0)
		run->user_data = to_base64(&script);
	if (r == 0 && !run->user_data)
		r = error_oom(reterr);
	buf_wipe(&key);
	buf_wipe(&script);
	return r;
}

/* ---- RunInstances ---- */

static void set_tags(struct aws_request *request, const char *prefix,
	const struct estate_owner *owner, const struct machine *wanted)
{
	char name[ESTATE_NAME_SIZE], id[24];

	account_name(owner, name);
	account_tag(request, prefix, owner, name);
	(void)snprintf(id, sizeof(id), "%" PRId64, wanted->host);
	aws_request_setf(request, TAG_HOST, "%s.5.Key", prefix);
	aws_request_setf(request, wanted->name, "%s.5.Value", prefix);
	aws_request_setf(request, TAG_HOST_ID, "%s.6.Key", prefix);
	aws_request_setf(request, id, "%s.6.Value", prefix);
	aws_request_setf(request, TAG_TOKEN, "%s.7.Key", prefix);
	aws_request_setf(request, wanted->token, "%s.7.Value", prefix);
}

static void set_tags_of(struct aws_request *request, const struct run *run, int number,
	const char *type)
{
	char prefix[32];

	aws_request_setf(request, type, "TagSpecification.%d.ResourceType", number);
	(void)snprintf(prefix, sizeof(prefix), "TagSpecification.%d.Tag", number);
	set_tags(request, prefix, &run->owner, run->wanted);
}

/* Encrypted, and gone with its machine. */
static void set_disk(struct aws_request *request, const struct run *run)
{
	if (!run->root.device[0])
		return;
	aws_request_set(request, "BlockDeviceMapping.1.DeviceName", run->root.device);
	aws_request_set(request, "BlockDeviceMapping.1.Ebs.VolumeType", "gp3");
	aws_request_set(request, "BlockDeviceMapping.1.Ebs.Encrypted", "true");
	aws_request_set(request, "BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true");
	aws_request_set_number(request, "BlockDeviceMapping.1.Ebs.VolumeSize", run->disk_gib);
}

static void set_spot(struct aws_request *request)
{
	aws_request_set(request, "InstanceMarketOptions.MarketType", "spot");
	aws_request_set(request, "InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time");
	aws_request_set(request, "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior",
		"terminate");
}

/* Another type or subnet is another request, which wants another token. */
static void set_request(struct aws_request *request, const struct run *run, const char *type,
	const char *subnet, size_t try)
{
	char token[65];

	(void)snprintf(token, sizeof(token), "%.56s-%zu", run->wanted->token, try);
	aws_request_set(request, "ClientToken", token);
	aws_request_set(request, "MinCount", "1");
	aws_request_set(request, "MaxCount", "1");
	aws_request_set(request, "ImageId", run->image);
	aws_request_set(request, "InstanceType", type);
	aws_request_set(request, "SubnetId", subnet);
	aws_request_set(request, "SecurityGroupId.1", run->group);
	aws_request_set(request, "IamInstanceProfile.Name", run->name);
	aws_request_set(request, "KeyName", run->name);
	aws_request_set(request, "InstanceInitiatedShutdownBehavior", "terminate");
	/* Containers are one hop further away; they get the tenant's role, as they should. */
	aws_request_set(request, "MetadataOptions.HttpTokens", "required");
	aws_request_set(request, "MetadataOptions.HttpPutResponseHopLimit", "2");
	aws_request_set(request, "UserData", run->user_data);
	if (run->spot)
		set_spot(request);
	set_disk(request, run);
	set_tags_of(request, run, 1, "instance");
	set_tags_of(request, run, 2, "volume");
}

static bool is_lack(const struct fault *fault)
{
	return fault->kind == FAULT_NO_ROOM || strcmp(fault->code, "Unsupported") == 0;
}

/* What AWS has made already is a matter of time. */
static int judge(const struct run *run, const struct aws_request *request,
	const struct fault *fault, int r, struct error *reterr)
{
	if (strcmp(fault->code, "IdempotentParameterMismatch") == 0)
		return error_set(reterr, -EALREADY,
			"AWS was asked for it before and does not show it yet");
	return account_judge(run->account, request, fault, r, reterr);
}

/* 1: there is no capacity for this type in this subnet. */
static int run_one(const struct run *run, const char *type, const char *subnet, size_t try,
	struct machine_row *ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_RUN_INSTANCES);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *item;
	struct fault fault = {0};
	int r;

	set_request(&request, run, type, subnet, try);
	r = aws_client_call(run->account->client, &request, &answer, &fault, reterr);
	if (r < 0)
		return is_lack(&fault) ? 1 : judge(run, &request, &fault, r, reterr);
	item = answer_find(answer.root, "instancesSet/item");
	machine_row_read(item, ret);
	/* Its tags may come later than it. */
	ret->host = run->wanted->host;
	(void)text_copy(ret->token, sizeof(ret->token), run->wanted->token);
	ret->disk_gib = run->disk_gib;
	ret->disk_told_ns = clock_now_ns();
	return item ? 0
		    : error_set(reterr, -EBADMSG, "AWS's answer to RunInstances names no instance");
}

static int refuse_lack(const struct run *run, const struct machine_type *types, size_t count,
	struct error *reterr)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", types[i].name);
	return error_set(reterr, -EBUSY,
		"AWS has no room for a %smachine just now, whichever of %s in whichever of the "
		"policy's subnets: it is tried again%s",
		run->spot ? "spot " : "", buf_string(&names),
		run->spot ? "; without Spot there may be one" : "");
}

/* Hosts begin in different subnets, so that they are spread over zones. */
static int run_any(const struct run *run, struct machine_row *ret, struct error *reterr)
{
	const struct policy *policy = run->account->policy;
	struct machine_type types[MACHINE_TRIES];
	size_t count, subnets = 0, try = 0;
	int r = machine_types_for(policy, run->wanted, types, &count, reterr);

	if (r < 0)
		return r;
	while (policy_item(policy, "private_subnet_ids", subnets))
		subnets++;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < subnets; j++) {
			size_t at = ((size_t)run->wanted->host + j) % subnets;

			r = run_one(run, types[i].name,
				policy_item(policy, "private_subnet_ids", at), try++, ret, reterr);
			if (r <= 0)
				return r;
		}
	}
	return refuse_lack(run, types, count, reterr);
}

static int check_region(const struct run *run, struct error *reterr)
{
	const char *region = policy_text(run->account->policy, "region");

	if (!run->wanted->region || strcmp(run->wanted->region, region) == 0)
		return 0;
	return error_set(reterr, -EINVAL,
		"Region: there are networks in %s alone, not in %.40s: leave Region out", region,
		run->wanted->region);
}

static struct estate_owner owner_of(const struct account *account, const struct machine *wanted)
{
	return (struct estate_owner){
		.platform = account->platform, .tenant = wanted->tenant, .id = wanted->tenant_id};
}

static void begin(struct run *run, struct account *account, const struct machine *wanted)
{
	*run = (struct run){.account = account, .wanted = wanted};
	run->owner = owner_of(account, wanted);
	run->spot =
		wanted->spot || strcmp(policy_text(account->policy, "host_market"), "spot") == 0;
	account_name(&run->owner, run->name);
}

/* An image that is not shown here AWS may know all the same: then its disk is as it has it. */
static int find_disk(struct run *run, struct error *reterr)
{
	const struct machine *wanted = run->wanted;
	struct error error = ERROR_INIT;
	int64_t gib = wanted->disk_gib ? wanted->disk_gib : policy_disk_gib(run->account->policy);
	int r = aws_image_root(run->account, run->image, &run->root, &error);

	if (r == -ENOENT && gib == 0)
		return 0;
	if (r < 0)
		return error_set(reterr, r == -ENOENT ? -EINVAL : r, "%s", error.text);
	run->disk_gib = gib ? gib : run->root.gib;
	if (run->disk_gib >= run->root.gib)
		return 0;
	return error_set(reterr, -EINVAL,
		"%s: the image %s needs %" PRId64 " GiB at least, and not %" PRId64,
		wanted->disk_gib ? "DiskGiB" : "host_disk_gib", run->image, run->root.gib, gib);
}

int machine_run(struct account *account, const struct engine_keys *keys,
	const struct machine *wanted, struct machine_row *ret, struct error *reterr)
{
	struct run run;
	int r;

	begin(&run, account, wanted);
	r = check_region(&run, reterr);
	if (r == 0)
		r = aws_image_find(account, wanted->os, run.image, reterr);
	if (r == 0)
		r = find_disk(&run, reterr);
	if (r == 0)
		r = group_find(account, &run.owner, run.name, run.group, reterr);
	if (r == 0)
		r = make_user_data(&run, keys, reterr);
	if (r == 0)
		r = run_any(&run, ret, reterr);
	if (r < 0)
		group_doubt(account, run.name);
	run_done(&run);
	return r;
}

int machine_retag(const struct account *account, const struct machine_row *row,
	const struct machine *wanted, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_CREATE_TAGS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct estate_owner owner = owner_of(account, wanted);
	struct machine made = *wanted;

	made.token = row->token;
	aws_request_set(&request, "ResourceId.1", row->id);
	if (row->volume[0])
		aws_request_set(&request, "ResourceId.2", row->volume);
	set_tags(&request, "Tag", &owner, &made);
	return aws_client_call(account->client, &request, &answer, NULL, reterr);
}
