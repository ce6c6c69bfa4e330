/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cloud/aws/machine_run.h"
#include "cloud/aws/user_data.h"

#define LOOK_EVERY_NS (4 * NS_PER_SECOND) /* while one of them is on its way */
#define FOREVER_NS    INT64_MAX
#define SHOWN_NS      (60 * NS_PER_SECOND) /* by then AWS shows what it was asked for */

/* A host's machines as last heard of. */
struct machines {
	struct machine_row rows[MACHINES_OF_HOST];
	size_t count;
	const struct machine_row *wanted; /* the one of the token; NULL: none */
};

static bool is_moving(const struct machine_row *row)
{
	return row->phase == MACHINE_PENDING || row->phase == MACHINE_ENDING;
}

/* Of those with the token the oldest that lives; else any of them. */
static void choose(struct machines *machines, const char *token)
{
	machines->wanted = NULL;
	for (size_t i = 0; i < machines->count; i++) {
		const struct machine_row *row = &machines->rows[i];

		if (strcmp(row->token, token) != 0)
			continue;
		if (!machines->wanted ||
			(machine_is_alive(row) && !machine_is_alive(machines->wanted)))
			machines->wanted = row;
	}
}

/* What is known; with a look at AWS first when nothing is, when something is on its way, or when
 * what is known is in doubt. */
static int recall(struct machine_table *table, struct account *account, int64_t host,
	const char *token, bool doubt, struct machines *ret, struct error *reterr)
{
	bool moving = doubt;
	int r = machine_table_look(table, account, FOREVER_NS, reterr);

	if (r < 0)
		return r;
	ret->count = machine_table_of(table, host, ret->rows);
	for (size_t i = 0; i < ret->count; i++)
		moving = moving || is_moving(&ret->rows[i]);
	if (moving)
		r = machine_table_look(table, account, LOOK_EVERY_NS, reterr);
	if (moving && r == 0)
		ret->count = machine_table_of(table, host, ret->rows);
	choose(ret, token);
	return r;
}

static int terminate(struct machine_table *table, struct account *account,
	const struct machine_row *row, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_TERMINATE_INSTANCES);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	struct machine_row ended = *row;
	int r;

	aws_request_set(&request, "InstanceId.1", row->id);
	/* Not found does not mean that it has ended: the next look tells. */
	r = account_call(account, &request, &answer, FAULT_MISSING, reterr);
	if (r < 0)
		return r;
	ended.phase = MACHINE_ENDING;
	ended.told_ns = clock_now_ns();
	return machine_table_put(table, &ended) < 0 ? error_oom(reterr) : 0;
}

/* Those of former tokens, doubles, and the stopped. One that AWS takes back may serve to its end.
 */
static int clear_others(struct machine_table *table, struct account *account,
	const struct machines *machines, bool *ret_left, struct error *reterr)
{
	int r = 0;

	*ret_left = false;
	for (size_t i = 0; i < machines->count && r == 0; i++) {
		const struct machine_row *row = &machines->rows[i];
		bool serves = row->phase == MACHINE_RUNNING && row->recalled;

		if (!machine_is_alive(row))
			continue;
		if (row == machines->wanted && row->phase != MACHINE_STOPPED)
			continue;
		if (serves)
			*ret_left = true;
		else
			r = terminate(table, account, row, reterr);
	}
	return r;
}

static void describe(const struct machine_row *row, struct account *account,
	struct machine_state *ret)
{
	char name[MACHINE_ENGINE_NAME_SIZE];

	ret->charge_count = machine_is_alive(row) ? 1 : 0;
	ret->charges[0] = (struct charge){.quantity = 1};
	(void)snprintf(ret->charges[0].sku, sizeof(ret->charges[0].sku), "ec2/%s", row->type);
	(void)text_copy(ret->charges[0].region, sizeof(ret->charges[0].region),
		policy_text(account->policy, "region"));
	ret->ended = !machine_is_alive(row) || row->phase == MACHINE_STOPPED || row->recalled;
	if (row->recalled && machine_is_alive(row))
		(void)snprintf(ret->words, sizeof(ret->words), "AWS takes back %s", row->id);
	else if (ret->ended)
		(void)snprintf(ret->words, sizeof(ret->words), "%s has ended", row->id);
	if (ret->ended)
		return;
	ret->there = row->phase == MACHINE_RUNNING && row->address[0];
	(void)snprintf(ret->words, sizeof(ret->words), "%s, a %s, %s", row->id, row->type,
		ret->there ? "runs" : "starts");
	if (!ret->there)
		return;
	machine_engine_name(row->token, name);
	(void)text_copy(ret->address, sizeof(ret->address), row->address);
	(void)snprintf(ret->engine, sizeof(ret->engine), "tls://%s@%s:%d", name, row->address,
		USER_DATA_ENGINE);
}

/* A machine does not grow: its host has what it has, and the person is told what helps. */
static void limit(const struct machine_row *row, const struct account *account,
	const struct machine *wanted, struct machine_state *ret)
{
	struct machine_type types[MACHINE_TYPES_MAX];
	size_t count = machine_types_known(account->policy, types), i = 0;

	while (i < count && strcmp(types[i].name, row->type) != 0)
		i++;
	if (i == count || (types[i].cpu_milli >= wanted->cpu_milli &&
				  types[i].memory_mib >= wanted->memory_mib))
		return;
	if (ret->cpu_milli > types[i].cpu_milli)
		ret->cpu_milli = types[i].cpu_milli;
	if (ret->memory_mib > types[i].memory_mib)
		ret->memory_mib = types[i].memory_mib;
	(void)snprintf(ret->warning, sizeof(ret->warning),
		"its machine, a %s, has CPU %" PRId64 " and MemoryGiB %" PRId64
		", less than asked for, and stays: add a host of the new size, then remove this "
		"one",
		types[i].name, types[i].cpu_milli / 1000, types[i].memory_mib / 1024);
}

/* A token is used once, whatever has become of its machine. */
static int judge_used(const struct machine *wanted, struct machine_state *ret, struct error *reterr)
{
	if (wanted->age_ns < SHOWN_NS) {
		if (reterr)
			reterr->code = -EAGAIN;
		return -EAGAIN;
	}
	error_clear(reterr);
	ret->ended = true;
	(void)snprintf(ret->words, sizeof(ret->words),
		"a machine was made before that AWS does not show any more");
	return 0;
}

static int make(struct machine_table *table, struct account *account,
	const struct engine_keys *keys, const struct machine *wanted, struct machine_state *ret,
	struct error *reterr)
{
	struct machine_row row;
	int r = machine_run(account, keys, wanted, &row, reterr);

	if (r < 0) {
		/* It may have been made all the same. */
		machine_table_doubt(table);
		return r == -EALREADY ? judge_used(wanted, ret, reterr) : r;
	}
	/* Whether there are two of them, after a lost answer, the next look tells. */
	if (machine_is_alive(&row))
		row.phase = MACHINE_PENDING;
	if (machine_table_put(table, &row) < 0)
		return error_oom(reterr);
	describe(&row, account, ret);
	return 0;
}

int aws_machine_ensure(struct machine_table *table, struct account *account,
	const struct engine_keys *keys, const struct machine *wanted, struct machine_state *ret,
	struct error *reterr)
{
	struct machine_state state = {
		.cpu_milli = wanted->cpu_milli, .memory_mib = wanted->memory_mib};
	struct machines machines;
	int r = recall(table, account, wanted->host, wanted->token, wanted->silent, &machines,
		reterr);

	if (r == 0)
		r = clear_others(table, account, &machines, &state.leftover, reterr);
	if (r == 0 && machines.wanted) {
		describe(machines.wanted, account, &state);
		limit(machines.wanted, account, wanted, &state);
	} else if (r == 0 && wanted->leaving)
		state.ended = true;
	else if (r == 0)
		r = make(table, account, keys, wanted, &state, reterr);
	if (r == 0)
		*ret = state;
	return r;
}

int aws_machine_remove(struct machine_table *table, struct account *account, int64_t host,
	int64_t age_ns, struct error *reterr)
{
	struct machines machines;
	bool moving = false;
	int r;

	r = recall(table, account, host, "", false, &machines, reterr);
	if (r == 0 && machines.count == 0 && age_ns < SHOWN_NS)
		r = machine_table_look(table, account, LOOK_EVERY_NS, reterr);
	for (size_t i = 0; i < machines.count && r == 0; i++) {
		if (machine_is_alive(&machines.rows[i]))
			r = terminate(table, account, &machines.rows[i], reterr);
		moving = moving || machines.rows[i].phase != MACHINE_ENDED;
	}
	if (r < 0)
		return r;
	if (moving)
		return error_set(reterr, -EAGAIN, "its machine is being terminated");
	if (machines.count == 0 && age_ns < SHOWN_NS)
		return error_set(reterr, -EAGAIN, "its machine may not be shown by AWS yet");
	return 0;
}

int machine_survey(struct machine_table *table, const struct survey *survey, struct error *reterr)
{
	_cleanup_free_ struct machine_row *rows = NULL;
	size_t count = 0;
	int r = machine_table_look(table, survey->account, 0, reterr);

	if (r < 0)
		return r;
	rows = machine_table_alive(table, &count);
	if (!rows)
		return error_oom(reterr);
	for (size_t i = 0; i < count && r == 0; i++) {
		const struct estate_found found = {
			.type = "instance",
			.name = rows[i].id,
			.level = ESTATE_OF_HOST,
			.owner = rows[i].host,
			.journal = rows[i].token,
			.tenant_name = "",
			.tags = ESTATE_TAGS_OURS,
			.fit = ESTATE_AS_WANTED,
		};

		r = survey->hearer->found(survey->hearer->arg, &found);
	}
	return r;
}
