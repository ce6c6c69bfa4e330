/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cloud/aws/machine/machine_disk.h"
#include "cloud/aws/machine/machine_run.h"
#include "cloud/aws/machine/user_data.h"

#define LOOK_EVERY_NS (4 * NS_PER_SECOND) /* while one of them is on its way */
#define FOREVER_NS    INT64_MAX
#define WITHOUT_TAGS  "its machine's tags were taken away, and cannot be put back: "
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
 * what is known is in doubt (the engine of one that was there does not answer). */
static int recall(struct machine_table *table, struct account *account, const struct machine *of,
	struct machines *ret, struct error *reterr)
{
	bool moving = of->silent;
	int r = machine_table_look(table, account, FOREVER_NS, reterr);

	if (r == 0)
		r = machine_table_claim(table, account, of->host, of->token, of->known, reterr);
	if (r < 0)
		return r;
	ret->count = machine_table_of(table, of->host, ret->rows);
	for (size_t i = 0; i < ret->count; i++)
		moving = moving || is_moving(&ret->rows[i]);
	if (moving)
		r = machine_table_look(table, account, LOOK_EVERY_NS, reterr);
	if (moving && r == 0)
		ret->count = machine_table_of(table, of->host, ret->rows);
	choose(ret, of->token);
	return r;
}

/* One that lost its tags, and that is known by its id. Once after each look that showed it. */
static int retag_one(struct machine_table *table, struct account *account, struct machine_row *row,
	const struct machine *of, struct error *reterr)
{
	struct error error = ERROR_INIT;
	int r;

	if (row->refused && row->refused_ns >= row->told_ns)
		return error_set(reterr, -EACCES, "%s", row->refusal);
	r = machine_retag(account, row, of, &error);
	row->refused = row->stripped = r < 0;
	row->refused_ns = clock_now_ns();
	(void)snprintf(row->refusal, sizeof(row->refusal), "%.150s", error.text);
	if (machine_table_put(table, row) < 0)
		return error_oom(reterr);
	return r < 0 ? error_set(reterr, r, "%s", row->refusal) : 0;
}

static int retag(struct machine_table *table, struct account *account, struct machines *machines,
	const struct machine *of, struct error *reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < machines->count; i++)
		if (machines->rows[i].stripped && machine_is_alive(&machines->rows[i]))
			r = retag_one(table, account, &machines->rows[i], of, reterr);
	return r;
}

static bool is_stripped(const struct machines *machines)
{
	for (size_t i = 0; i < machines->count; i++)
		if (machines->rows[i].stripped && machine_is_alive(&machines->rows[i]))
			return true;
	return false;
}

/* A machine whose tags cannot be put back serves all the same. */
static int settle_tags(struct machine_table *table, struct account *account,
	struct machines *machines, const struct machine *wanted, struct machine_state *ret,
	struct error *reterr)
{
	struct error error = ERROR_INIT;
	int r;

	if (!is_stripped(machines))
		return 0;
	r = retag(table, account, machines, wanted, &error);
	if (r == -ECANCELED || r == -ENOMEM)
		return error_set(reterr, r, "%s", error.text);
	if (r < 0)
		(void)snprintf(ret->warning, sizeof(ret->warning), WITHOUT_TAGS "%.150s",
			error.text);
	else
		(void)snprintf(ret->done, sizeof(ret->done),
			"somebody took tags of its machine away at AWS: they are put back");
	return 0;
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
		if (row->stripped) /* only what the tag claims, too, is taken away */
			continue;
		if (serves)
			*ret_left = true;
		else
			r = terminate(table, account, row, reterr);
	}
	return r;
}

static void add_charge(const struct account *account, const char *sku, int64_t quantity,
	struct machine_state *ret)
{
	struct charge *charge = &ret->charges[ret->charge_count++];

	*charge = (struct charge){.quantity = quantity};
	(void)text_copy(charge->sku, sizeof(charge->sku), sku);
	(void)text_copy(charge->region, sizeof(charge->region),
		policy_text(account->policy, "region"));
}

static void describe(const struct machine_row *row, struct account *account,
	struct machine_state *ret)
{
	char name[MACHINE_ENGINE_NAME_SIZE];

	char sku[64];

	(void)snprintf(sku, sizeof(sku), "ec2/%s", row->type);
	ret->charge_count = 0;
	if (machine_is_alive(row))
		add_charge(account, sku, 1, ret);
	if (machine_is_alive(row) && row->disk_gib > 0)
		add_charge(account, "ebs/gp3-gib", row->disk_gib, ret);
	ret->disk_gib = row->disk_gib;
	ret->spot = row->spot;
	(void)text_copy(ret->id, sizeof(ret->id), row->id);
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

void machine_warn(struct machine_state *state, const char *text)
{
	size_t len = strlen(state->warning);

	(void)snprintf(state->warning + len, sizeof(state->warning) - len, "%s%s",
		len > 0 ? "; " : "", text);
}

/* A machine does not grow: its host has what it has, and the person is told what helps. */
static void limit(const struct machine_row *row, const struct account *account,
	const struct machine *wanted, struct machine_state *ret)
{
	struct machine_type types[MACHINE_TYPES_MAX];
	size_t count = machine_types_known(account->policy, types), i = 0;
	char text[sizeof(ret->warning)];

	while (i < count && strcmp(types[i].name, row->type) != 0)
		i++;
	if (i == count || (types[i].cpu_milli >= wanted->cpu_milli &&
				  types[i].memory_mib >= wanted->memory_mib))
		return;
	if (ret->cpu_milli > types[i].cpu_milli)
		ret->cpu_milli = types[i].cpu_milli;
	if (ret->memory_mib > types[i].memory_mib)
		ret->memory_mib = types[i].memory_mib;
	(void)snprintf(text, sizeof(text),
		"its machine, a %s, has CPU %" PRId64 " and MemoryGiB %" PRId64
		", less than asked for, and stays: add a host of the new size, then remove this "
		"one",
		types[i].name, types[i].cpu_milli / 1000, types[i].memory_mib / 1024);
	machine_warn(ret, text);
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
	int r = recall(table, account, wanted, &machines, reterr);

	if (r == 0)
		r = settle_tags(table, account, &machines, wanted, &state, reterr);
	if (r == 0)
		r = clear_others(table, account, &machines, &state.leftover, reterr);
	if (r == 0 && machines.wanted) {
		struct machine_row row = *machines.wanted;

		r = machine_disk_settle(table, account, &row, wanted, &state, reterr);
		describe(&row, account, &state);
		limit(&row, account, wanted, &state);
	} else if (r == 0 && wanted->leaving)
		state.ended = true;
	else if (r == 0)
		r = make(table, account, keys, wanted, &state, reterr);
	if (r == 0)
		*ret = state;
	return r;
}

/* What AWS does not let be marked as ours stays: a person has to look at it. */
static int refuse_untagged(const struct machines *machines, const struct error *why,
	struct error *reterr)
{
	size_t i = 0;

	while (!machines->rows[i].refused)
		i++;
	return error_set(reterr, -EEXIST,
		"its machine %s runs on and is paid: its tags were taken away, and cannot be put "
		"back: allow that, or terminate it by hand (%.90s)",
		machines->rows[i].id, why->text);
}

int aws_machine_remove(struct machine_table *table, struct account *account,
	const struct machine *last, struct error *reterr)
{
	struct error error = ERROR_INIT;
	struct machines machines;
	bool moving = false;
	int r;

	r = recall(table, account, last, &machines, reterr);
	if (r == 0 && machines.count == 0 && last->age_ns < SHOWN_NS)
		r = machine_table_look(table, account, LOOK_EVERY_NS, reterr);
	if (r == 0 && is_stripped(&machines) && retag(table, account, &machines, last, &error) < 0)
		r = is_stripped(&machines) ? refuse_untagged(&machines, &error, reterr)
					   : error_set(reterr, error.code, "%s", error.text);
	for (size_t i = 0; i < machines.count && r == 0; i++) {
		if (machine_is_alive(&machines.rows[i]))
			r = terminate(table, account, &machines.rows[i], reterr);
		moving = moving || machines.rows[i].phase != MACHINE_ENDED;
	}
	if (r < 0)
		return r;
	if (moving)
		return error_set(reterr, -EAGAIN, "its machine is being terminated");
	if (machines.count == 0 && last->age_ns < SHOWN_NS)
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
			.tags = rows[i].refused ? ESTATE_TAGS_OTHER : ESTATE_TAGS_OURS,
			.fit = ESTATE_AS_WANTED,
		};

		r = survey->hearer->found(survey->hearer->arg, &found);
	}
	return r;
}
