/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/instance/health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "net/prober.h"
#include "reconcile/instance/instance_work.h"

#define OUTPUT_MAX_BYTES ((size_t)64 << 10) /* of a command; it is there to tell a status */
#define WORDS_MAX        180

/* On the prober's thread. */
static void health_news(void *arg, int64_t key, enum probe_health health, const char *why)
{
	struct reconciler *r = arg;

	units_set_health(r->units, key, health == PROBE_HEALTHY ? HEALTH_GOOD : HEALTH_BAD,
		health == PROBE_HEALTHY ? "" : why);
	wake_instance(r, key);
}

/* On the prober's thread. */
static void health_due(void *arg, int64_t key)
{
	struct reconciler *r = arg;

	/* The sweep's key would tell nobody: a wake-up that is lost is asked for again. */
	queue_wake(r->probes, key);
}

int health_start(struct reconciler *r, struct error *reterr)
{
	return prober_new(&r->prober, health_news, health_due, r, reterr);
}

void health_stop(struct reconciler *r)
{
	prober_free(r->prober);
	r->prober = NULL;
}

int health_watch(struct reconciler *r, int64_t instance, const char *address, int64_t host_port,
	const struct service_spec *spec, bool was_good, struct error *reterr)
{
	const struct health_spec *health = &spec->health;
	int64_t port = health->port ? health->port : spec->container_port;
	const struct probe probe = {
		.asked = health->command != NULL,
		.address = address,
		/* Of another machine only what it publishes can be reached. */
		.port = (int)(host_port ? host_port : port),
		.path = health->path,
		.interval_ms = health->interval_s * 1000,
		.timeout_ms = health->timeout_s * 1000,
		.healthy_threshold = (int)health->healthy_threshold,
		/* The first failure ends traffic; the threshold is for its replacement. */
		.unhealthy_threshold = 1,
		.start_period_ms = was_good ? 0 : health->start_period_s * 1000,
	};

	return prober_set(r->prober, instance, &probe, reterr);
}

void health_drop(struct reconciler *r, int64_t instance)
{
	if (r->prober)
		prober_drop(r->prober, instance);
}

void health_words(struct reconciler *r, int64_t instance, char *words, size_t size)
{
	enum probe_health health;

	words[0] = '\0';
	if (r->prober)
		(void)prober_look(r->prober, instance, &health, words, size);
}

/* "the command /bin/check ended with status 3: no database" */
static void describe_answer(const struct health_spec *health, int status, const char *output,
	char *words, size_t size)
{
	char line[WORDS_MAX];

	(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(output, "\r\n"), output);
	text_trim_utf8(line);
	text_mend(line);
	(void)snprintf(words, size, "the command %.80s ended with status %d%s%s",
		health->command[0], status, line[0] ? ": " : "", line);
}

/* Whose fault is it? An engine that does not answer says nothing about the container. */
static enum probe_answer run_command(struct instance_work *work, char *words, size_t size)
{
	struct engine *engine = work->host->engine;
	const struct health_spec *health = &work->template->health;
	const struct container_command command = {
		.argv = (const char *const *)health->command,
		.timeout_ms = health->timeout_s * 1000,
		.max_bytes = OUTPUT_MAX_BYTES,
	};
	_cleanup_buf_ struct buf output = BUF_INIT;
	struct error error = ERROR_INIT;
	int status = 0;
	int r = engine->ops->exec(engine, work->unit.container, &command, &output, &status, &error);

	switch (r) {
	case 0:
		describe_answer(health, status, buf_string(&output), words, size);
		return status == 0 ? PROBE_GOOD : PROBE_BAD;
	case -ETIMEDOUT:
		(void)snprintf(words, size, "the command %.80s did not end within %lld s",
			health->command[0], (long long)health->timeout_s);
		return PROBE_BAD;
	case -EFBIG:
	case -EBUSY:
	case -ENOEXEC:
	case -EINVAL:
		(void)snprintf(words, size, "the command %.80s: %.200s", health->command[0],
			error.text);
		return PROBE_BAD;
	default:
		(void)text_copy(words, size, error.text);
		return PROBE_UNKNOWN;
	}
}

int64_t health_ask(struct reconciler *r, int64_t instance)
{
	enum probe_answer answer = PROBE_UNKNOWN;
	struct error error = ERROR_INIT;
	struct instance_work work;
	char words[400];
	uint32_t turn;
	int result;

	if (instance == QUEUE_SWEEP || !prober_take(r->prober, instance, &turn))
		return QUEUE_DONE;
	result = instance_load(&work, r, instance, &error);
	if (result == 0)
		result = instance_template(&work, &error);
	(void)text_copy(words, sizeof(words), error.text);
	if (result == 0 && work.host && work.template->health.command && work.unit.container[0])
		answer = run_command(&work, words, sizeof(words));
	prober_answer(r->prober, instance, turn, answer, words);
	instance_work_done(&work);
	return QUEUE_DONE;
}
