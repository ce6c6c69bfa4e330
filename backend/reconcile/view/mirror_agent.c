/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/mirror_agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "engine/agent.h"
#include "reconcile/host/fleet.h"

#define NAME_BYTES 160 /* of struct intent */
#define PROGRAM    "agent"
#define TIMEOUT_MS 30000
#define OUTPUT_MAX 4096
#define MEMORY_MIB 64

/* The same program has the same version; another one is another image and another container. */
static void say_version(char *text, size_t size)
{
	size_t len;
	const void *program = agent_program(&len);

	(void)snprintf(text, size, "%08x", (unsigned)text_hash(program, len));
}

static void agent_name(const struct reconciler *r, char *name, size_t size)
{
	char version[16];

	say_version(version, sizeof(version));
	(void)snprintf(name, size, "duplo-agent-%s-%s", r->platform, version);
}

void mirror_agent_directory(const struct reconciler *r, char *path, size_t size)
{
	(void)snprintf(path, size, "/run/duplofs-%s", r->platform);
}

struct entry {
	int64_t owner;
	char name[NAME_BYTES];
};

static int entry_add(struct txn *txn, void *arg, struct error *reterr)
{
	const struct entry *entry = arg;

	(void)reterr;
	return txn_intent_add(txn, entry->owner, INTENT_AGENT, entry->name);
}

static int entry_remove(struct txn *txn, void *arg, struct error *reterr)
{
	const struct entry *entry = arg;

	(void)reterr;
	return txn_intent_done(txn, entry->owner, INTENT_AGENT, entry->name);
}

static int find_other(void *arg, const struct intent *intent)
{
	struct entry *entry = arg;

	if (strcmp(intent->type, INTENT_AGENT) != 0 || strcmp(intent->name, entry->name) == 0)
		return 0;
	(void)text_copy(entry->name, sizeof(entry->name), intent->name);
	return 1;
}

/* All agents but the one called name, of which there may be none. */
static int remove_others(struct host *host, const char *name, struct error *reterr)
{
	struct store *store = host->r->options.store;
	struct entry entry = {.owner = host->id};
	int r;

	for (;;) {
		(void)text_copy(entry.name, sizeof(entry.name), name);
		r = store_intents(store, host->id, find_other, &entry);
		if (r < 0 || strcmp(entry.name, name) == 0)
			return r < 0 ? error_set(reterr, r, "the journal cannot be read") : 0;
		(void)host->engine->ops->stop(host->engine, entry.name, STOP_GRACE_S, NULL);
		r = host->engine->ops->remove(host->engine, entry.name, reterr);
		if (r == 0)
			r = store_update(store, STORE_RELAXED, NULL, entry_remove, &entry, reterr);
		if (r < 0)
			return r;
	}
}

static int make(struct host *host, const char *name, struct error *reterr)
{
	struct engine *engine = host->engine;
	struct reconciler *r = host->r;
	const char *const command[] = {"/" PROGRAM, NULL};
	char directory[128], volume[160], version[16], image[48], id[ENGINE_ID_MAX];
	const char *const volumes[] = {volume, NULL};
	const struct label labels[] = {{LABEL_PLATFORM, r->platform}, {LABEL_AGENT, version}};
	const struct container_spec spec = {
		.name = name,
		.image = image,
		.command = command,
		.volumes = volumes,
		.labels = labels,
		.label_count = ARRAY_SIZE(labels),
		.network = "none",
		.memory_mib = MEMORY_MIB,
		.secluded = true,
	};
	size_t len;
	const void *program = agent_program(&len);
	int result;

	say_version(version, sizeof(version));
	mirror_agent_directory(r, directory, sizeof(directory));
	(void)snprintf(volume, sizeof(volume), "%s:/view", directory);
	(void)snprintf(image, sizeof(image), "duplofs-agent:%s", version);
	result = engine->ops->create(engine, &spec, id, reterr);
	if (result != -ENOENT)
		return result;
	error_clear(reterr);
	result = engine->ops->image_make(engine, image, PROGRAM, program, len, reterr);
	return result < 0 ? result : engine->ops->create(engine, &spec, id, reterr);
}

int mirror_agent_ensure(struct host *host, struct error *reterr)
{
	struct engine *engine = host->engine;
	struct entry entry = {.owner = host->id};
	int r;

	agent_name(host->r, entry.name, sizeof(entry.name));
	r = engine->ops->start(engine, entry.name, reterr);
	if (r == -ENOENT) {
		error_clear(reterr);
		r = store_update(host->r->options.store, STORE_DURABLE, NULL, entry_add, &entry,
			reterr);
		if (r == 0)
			r = make(host, entry.name, reterr);
		if (r == 0)
			r = engine->ops->start(engine, entry.name, reterr);
	}
	return r < 0 ? r : remove_others(host, entry.name, reterr);
}

int mirror_agent_put(struct host *host, const struct buf *tar, struct error *reterr)
{
	char name[NAME_BYTES];

	agent_name(host->r, name, sizeof(name));
	return host->engine->ops->put(host->engine, name, "/view", tar, reterr);
}

int mirror_agent_run(struct host *host, const char *const *arguments, struct error *reterr)
{
	_cleanup_buf_ struct buf output = BUF_INIT;
	struct container_command command = {.timeout_ms = TIMEOUT_MS, .max_bytes = OUTPUT_MAX};
	_cleanup_free_ const char **argv = NULL;
	char name[NAME_BYTES];
	size_t count = 0;
	int r, status = 0;

	while (arguments[count])
		count++;
	argv = calloc(count + 2, sizeof(*argv));
	if (!argv)
		return error_oom(reterr);
	argv[0] = "/" PROGRAM;
	memcpy(argv + 1, arguments, count * sizeof(*argv));
	command.argv = argv;
	agent_name(host->r, name, sizeof(name));
	r = host->engine->ops->exec(host->engine, name, &command, &output, &status, reterr);
	if (r < 0 || status == 0)
		return r;
	return error_set(reterr, -EIO, "the agent on host %s failed: %.200s", host->name,
		buf_string(&output));
}

int mirror_agent_leave(struct host *host, struct error *reterr)
{
	static const char *const clear[] = {"clear", NULL};
	struct engine *engine = host->engine;
	char name[NAME_BYTES];
	int r;

	/* Values must not stay behind. */
	agent_name(host->r, name, sizeof(name));
	r = engine->ops->start(engine, name, reterr);
	if (r == 0)
		r = mirror_agent_run(host, clear, reterr);
	if (r < 0 && r != -ENOENT)
		return r;
	error_clear(reterr);
	return remove_others(host, "", reterr);
}
