/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/instance/inquiries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "reconcile/host/fleet.h"
#include "reconcile/instance/instance_work.h"
#include "store/inquiry.h"

#define WORKERS     8
#define COMMAND_MS  60000
#define INTERVAL_NS (250 * NS_PER_MILLISECOND) /* over which the share of a processor is measured */
#define WORDS_MAX   256

/* The first of two looks at what a container uses. */
struct sample {
	struct container_usage usage;
	int64_t at_ns; /* monotonic */
};

struct inquiries {
	struct queue *queue;
	struct lock lock; /* LOCK_LEAF: samples */
	struct idmap samples; /* by inquiry */
};

struct answering {
	struct reconciler *r;
	const char *dir;
	struct inquiry inquiry;
	struct buf text; /* what was asked */
	struct buf answer;
	struct instance_work work;
};

/* A moment after a start nobody has looked yet: it is where it was. */
static const char *container_of(const struct answering *answering)
{
	const struct instance_work *work = &answering->work;

	return work->unit.container[0] ? work->unit.container : work->status.container;
}

/* ---- commands ---- */

/* {"/bin/sh", "-c", text}, or the words of a JSON array. Borrowed from text or *ret_json. */
static int command_words(const char *text, const char **words, json_t **ret_json)
{
	json_t *word;
	size_t i;

	if (text[0] != '[') {
		words[0] = "/bin/sh";
		words[1] = "-c";
		words[2] = text;
		words[3] = NULL;
		return 0;
	}
	*ret_json = json_loads(text, 0, NULL);
	if (!json_is_array(*ret_json) || json_array_size(*ret_json) >= WORDS_MAX)
		return -EINVAL;
	json_array_foreach(*ret_json, i, word)
	{
		if (!json_is_string(word))
			return -EINVAL;
		words[i] = json_string_value(word);
	}
	words[i] = NULL;
	return i > 0 ? 0 : -EINVAL;
}

static void say_status(struct buf *answer, int result, int status, const struct error *error)
{
	if (answer->len > 0 && answer->data[answer->len - 1] != '\n')
		buf_putc(answer, '\n');
	if (result < 0)
		buf_printf(answer, "no exit status: %s\n", error->text);
	else
		buf_printf(answer, "exit %d\n", status);
}

struct told {
	int64_t instance;
	char how[32];
	const char *ordinal;
	int64_t service;
};

static int tell(struct txn *txn, void *arg, struct error *reterr)
{
	const struct told *told = arg;

	(void)reterr;
	return txn_event(txn, told->service, "info", "instance %s: a command was run in it: %s",
		told->ordinal, told->how);
}

static void tell_command(struct answering *answering, int result, int status)
{
	struct told told = {.instance = answering->inquiry.instance,
		.service = answering->work.service.id,
		.ordinal = answering->work.object.name};

	if (result < 0)
		(void)text_copy(told.how, sizeof(told.how), "no exit status");
	else
		(void)snprintf(told.how, sizeof(told.how), "exit %d", status);
	(void)store_update(answering->r->options.store, STORE_RELAXED, NULL, tell, &told, NULL);
}

static int64_t run_command(struct answering *answering)
{
	struct engine *engine = answering->work.host->engine;
	_cleanup_json_ json_t *json = NULL;
	struct error error = ERROR_INIT;
	const char *words[WORDS_MAX + 1];
	struct container_command command = {
		.argv = words, .timeout_ms = COMMAND_MS, .max_bytes = INQUIRY_ANSWER_MAX};
	int status = 0, result = -EINTR;

	if (command_words(buf_string(&answering->text), words, &json) < 0)
		result = error_set(&error, -EINVAL, "the words of the command are unreadable");
	else if (inquiry_begin(answering->dir, answering->inquiry.id))
		result = engine->ops->exec(engine, container_of(answering), &command,
			&answering->answer, &status, &error);
	else
		(void)error_set(&error, -EINTR,
			"the platform was started anew while the command ran; its output is lost");
	/* We are about to end: the next one says the above. */
	if (result == -ECANCELED)
		return QUEUE_RETRY;
	/* More than fits: what fits is shown. */
	answering->answer.error = 0;
	say_status(&answering->answer, result, status, &error);
	tell_command(answering, result, status);
	return QUEUE_DONE;
}

/* ---- what it uses ---- */

static struct sample *take_sample(struct inquiries *inquiries, int64_t id)
{
	LOCKED(&inquiries->lock);
	return idmap_remove(&inquiries->samples, id);
}

static bool keep_sample(struct inquiries *inquiries, int64_t id,
	const struct container_usage *usage)
{
	struct sample *sample = malloc(sizeof(*sample));
	bool kept;

	if (!sample)
		return false;
	*sample = (struct sample){*usage, clock_now_ns()};
	lock_acquire(&inquiries->lock);
	kept = idmap_put(&inquiries->samples, id, sample) == 0;
	lock_release(&inquiries->lock);
	if (!kept)
		free(sample);
	return kept;
}

static void print_usage(struct buf *out, const struct container_usage *now,
	const struct container_usage *before, int64_t interval_ns)
{
	double share = (double)(now->cpu_ns - before->cpu_ns) / (double)interval_ns;
	char time[32];

	clock_format_utc(clock_wall_ns(), time, sizeof(time));
	buf_printf(out, "sampled             %s\n", time);
	buf_printf(out, "cpu_percent         %.1f\n", share > 0 ? 100 * share : 0.0);
	buf_printf(out, "cpu_seconds         %.3f\n", (double)now->cpu_ns / NS_PER_SECOND);
	buf_printf(out, "memory_bytes        %lld\n", (long long)now->memory_bytes);
	buf_printf(out, "memory_limit_bytes  %lld\n", (long long)now->memory_limit_bytes);
	buf_printf(out, "received_bytes      %lld\n", (long long)now->received_bytes);
	buf_printf(out, "sent_bytes          %lld\n", (long long)now->sent_bytes);
	buf_printf(out, "processes           %lld\n", (long long)now->processes);
}

static int64_t look_at_usage(struct answering *answering)
{
	struct inquiries *inquiries = answering->r->inquiries;
	struct engine *engine = answering->work.host->engine;
	struct error error = ERROR_INIT;
	struct container_usage usage;
	struct sample *before;
	int result;

	result = engine->ops->usage(engine, container_of(answering), &usage, &error);
	if (result == -ECANCELED)
		return QUEUE_RETRY;
	before = take_sample(inquiries, answering->inquiry.id);
	if (result == 0 && !before && keep_sample(inquiries, answering->inquiry.id, &usage))
		return clock_now_ns() + INTERVAL_NS;
	if (result < 0)
		buf_printf(&answering->answer, "unknown: %s\n", error.text);
	else if (before)
		print_usage(&answering->answer, &usage, &before->usage,
			clock_now_ns() - before->at_ns);
	free(before);
	return QUEUE_DONE;
}

static int64_t look_at_processes(struct answering *answering)
{
	struct engine *engine = answering->work.host->engine;
	struct error error = ERROR_INIT;
	int result = -EOPNOTSUPP;

	if (engine->ops->top)
		result = engine->ops->top(engine, container_of(answering), &answering->answer,
			&error);
	if (result == -ECANCELED)
		return QUEUE_RETRY;
	if (result < 0)
		buf_printf(&answering->answer, "unknown: %s\n",
			error.text[0] ? error.text : "the engine does not tell");
	return QUEUE_DONE;
}

/* ---- answers ---- */

static int note(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return txn_tell(txn, *(const int64_t *)arg, CHANGE_ANSWERED);
}

static int64_t answer(struct answering *answering)
{
	int result =
		instance_load(&answering->work, answering->r, answering->inquiry.instance, NULL);

	if (result < 0 && result != -ENOENT)
		return QUEUE_RETRY;
	if (result < 0 || !answering->work.host || !container_of(answering)[0]) {
		buf_puts(&answering->answer,
			answering->inquiry.type == INQUIRY_COMMAND
				? "no exit status: no container of this instance runs\n"
				: "unknown: no container of this instance runs\n");
		return QUEUE_DONE;
	}
	switch (answering->inquiry.type) {
	case INQUIRY_COMMAND:
		return run_command(answering);
	case INQUIRY_USAGE:
		return look_at_usage(answering);
	case INQUIRY_PROCESSES:
		return look_at_processes(answering);
	case INQUIRY_NONE:
		break;
	}
	return QUEUE_DONE;
}

static void wake_one(void *arg, int64_t id)
{
	struct inquiries *inquiries = arg;

	queue_wake(inquiries->queue, id);
}

static int64_t inquiry_work(void *arg, int64_t key)
{
	struct reconciler *r = arg;
	struct answering answering = {.r = r, .dir = r->options.inquiry_dir, .work = {.r = r}};
	int64_t next_ns = QUEUE_DONE;

	if (key == QUEUE_SWEEP) {
		(void)inquiry_each_waiting(answering.dir, wake_one, r->inquiries);
		return QUEUE_DONE;
	}
	if (inquiry_answered(answering.dir, key, NULL, NULL) == 0 &&
		inquiry_open(answering.dir, key, &answering.inquiry, &answering.text) == 0) {
		next_ns = answer(&answering);
		if (next_ns == QUEUE_DONE &&
			inquiry_answer(answering.dir, key, &answering.answer) < 0)
			next_ns = QUEUE_RETRY;
		if (next_ns == QUEUE_DONE)
			(void)store_update(r->options.store, STORE_RELAXED, NULL, note,
				&answering.inquiry.instance, NULL);
	}
	instance_work_done(&answering.work);
	buf_wipe(&answering.text);
	buf_done(&answering.text);
	buf_wipe(&answering.answer);
	buf_done(&answering.answer);
	return next_ns;
}

void inquiries_wake(struct reconciler *r)
{
	if (r->inquiries)
		queue_wake(r->inquiries->queue, QUEUE_SWEEP);
}

int inquiries_start(struct reconciler *r, struct error *reterr)
{
	struct inquiries *inquiries;
	int result;

	if (!r->options.inquiry_dir)
		return 0;
	inquiries = calloc(1, sizeof(*inquiries));
	if (!inquiries)
		return error_oom(reterr);
	lock_init(&inquiries->lock, LOCK_LEAF);
	r->inquiries = inquiries;
	result = file_mkdirs(r->options.inquiry_dir, 0700, reterr);
	return result < 0 ? result
			  : queue_new(&inquiries->queue, "ask", WORKERS, inquiry_work, r, reterr);
}

void inquiries_stop(struct reconciler *r)
{
	/* A command may take long; everything else has ended. */
	if (!r->inquiries || !r->inquiries->queue)
		return;
	fleet_interrupt(r->fleet);
	queue_stop(r->inquiries->queue);
}

void inquiries_free(struct reconciler *r)
{
	struct inquiries *inquiries = r->inquiries;
	size_t position = 0;
	struct sample *sample;

	if (!inquiries)
		return;
	queue_free(inquiries->queue);
	while ((sample = idmap_next(&inquiries->samples, &position)))
		free(sample);
	idmap_done(&inquiries->samples);
	lock_done(&inquiries->lock);
	free(inquiries);
	r->inquiries = NULL;
}
