/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/instance/images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "reconcile/host/fleet.h"

#define NEWS_EVERY_NS NS_PER_SECOND

enum image_state { IMAGE_WANTED, IMAGE_PULLING, IMAGE_PULLED, IMAGE_FAILED };

struct image {
	struct image *next;
	int64_t number;
	struct host *host; /* ours */
	char *name;
	enum image_state state;
	bool orphan; /* its host was given up while it was being pulled */
	struct error error;
	int failures; /* in a row */
	int64_t retry_ns;
	int64_t news_ns; /* progress was last told */
	char phase[64];
	int64_t done, total; /* bytes */
	struct idmap instances; /* to be woken at the end; values are only marks */
	struct idmap services; /* to be woken at news */
};

struct images {
	struct lock lock;
	struct image *list; /* short: those of which the engine said that it lacks them */
	int64_t last_number;
};

struct pull {
	struct reconciler *r;
	struct image *image;
};

int images_new(struct images **ret, struct error *reterr)
{
	struct images *images = calloc(1, sizeof(*images));

	if (!images)
		return error_oom(reterr);
	lock_init(&images->lock, LOCK_RECONCILE);
	*ret = images;
	return 0;
}

static void image_free(struct image *image)
{
	idmap_done(&image->instances);
	idmap_done(&image->services);
	host_unref(image->host);
	free(image->name);
	free(image);
}

void images_free(struct images *images)
{
	if (!images)
		return;
	while (images->list) {
		struct image *image = images->list;

		images->list = image->next;
		image_free(image);
	}
	lock_done(&images->lock);
	free(images);
}

static struct image *image_find(struct images *images, const struct host *host, const char *name)
{
	struct image *image = images->list;

	while (image && (image->host != host || strcmp(image->name, name) != 0))
		image = image->next;
	return image;
}

static struct image *image_number(struct images *images, int64_t number)
{
	struct image *image = images->list;

	while (image && image->number != number)
		image = image->next;
	return image;
}

static struct image *image_make(struct images *images, struct host *host, const char *name)
{
	struct image *image = image_find(images, host, name);

	if (image)
		return image;
	image = calloc(1, sizeof(*image));
	if (!image)
		return NULL;
	image->name = strdup(name);
	if (!image->name) {
		free(image);
		return NULL;
	}
	image->host = host_ref(host);
	image->number = ++images->last_number;
	image->next = images->list;
	images->list = image;
	return image;
}

/* Kept as the number itself in the place of a pointer: no allocation of its own. */
static void waiter_add(struct idmap *map, int64_t id)
{
	(void)idmap_put(map, id, (void *)(uintptr_t)id); /* lost: the retry comes all the same */
}

int images_want(struct host *host, const char *name, int64_t instance, int64_t service,
	int64_t *ret_retry_ns, struct error *reterr)
{
	struct reconciler *r = host->r;
	struct image *image;

	LOCKED(&r->images->lock);
	image = image_make(r->images, host, name);
	if (!image)
		return error_oom(reterr);
	if (image->state == IMAGE_PULLED)
		return 0;
	if (image->state == IMAGE_FAILED && clock_now_ns() < image->retry_ns) {
		*ret_retry_ns = image->retry_ns;
		return error_set(reterr, image->error.code, "%s", image->error.text);
	}
	waiter_add(&image->instances, instance);
	waiter_add(&image->services, service);
	if (image->state != IMAGE_PULLING) {
		image->state = IMAGE_PULLING;
		image->phase[0] = '\0';
		image->done = image->total = 0;
		queue_wake(r->slow, key_of(SLOW_KEY_PULL, image->number));
	}
	return -EINPROGRESS;
}

/* Takes it out of the list: its host is given back with nothing locked. */
static struct image *image_take(struct images *images, const struct host *host, const char *name)
{
	struct image **place;

	LOCKED(&images->lock);
	for (place = &images->list; *place; place = &(*place)->next) {
		struct image *image = *place;

		if (image->host != host || strcmp(image->name, name) != 0 ||
			image->state == IMAGE_PULLING)
			continue;
		*place = image->next;
		return image;
	}
	return NULL;
}

void images_used(struct host *host, const char *name)
{
	struct image *image = image_take(host->r->images, host, name);

	if (image)
		image_free(image);
}

/* One of the host, out of the list; NULL: none is left but those that are being pulled. */
static struct image *image_take_any(struct images *images, const struct host *host)
{
	struct image **place;

	LOCKED(&images->lock);
	for (place = &images->list; *place; place = &(*place)->next) {
		struct image *image = *place;

		if (image->host != host)
			continue;
		image->orphan = image->state == IMAGE_PULLING;
		if (image->orphan)
			continue;
		*place = image->next;
		return image;
	}
	return NULL;
}

void images_forget(struct host *host)
{
	_cleanup_host_ struct host *kept = host_ref(host);
	struct image *image;

	while ((image = image_take_any(kept->r->images, kept)))
		image_free(image);
}

void images_progress(struct reconciler *r, const char *name, char *text, size_t size)
{
	const struct image *image;

	text[0] = '\0';
	LOCKED(&r->images->lock);
	image = r->images->list;
	while (image && (image->state != IMAGE_PULLING || strcmp(image->name, name) != 0))
		image = image->next;
	if (!image)
		return;
	if (image->total > 0)
		(void)snprintf(text, size, "pulling %s: %d %%", name,
			(int)(image->done * 100 / image->total));
	else
		(void)snprintf(text, size, "pulling %s", name);
}

static void pull_progress(void *arg, const char *phase, int64_t done, int64_t total)
{
	struct pull *pull = arg;
	struct image *image = pull->image;
	size_t position = 0;
	void *id;

	LOCKED(&pull->r->images->lock);
	(void)text_copy(image->phase, sizeof(image->phase), phase);
	image->done = done;
	image->total = total;
	if (clock_now_ns() < image->news_ns + NEWS_EVERY_NS)
		return;
	image->news_ns = clock_now_ns();
	while ((id = idmap_next(&image->services, &position)))
		wake_service(pull->r, (int64_t)(uintptr_t)id);
}

/* True when nobody needs the image any more. */
static bool pull_ended(struct reconciler *r, struct image *image, int result,
	const struct error *error)
{
	size_t position = 0;
	uint64_t random = 0;
	void *id;

	(void)text_random(&random, sizeof(random));
	LOCKED(&r->images->lock);
	if (result == 0) {
		image->state = IMAGE_PULLED;
		image->failures = 0;
	} else {
		image->state = IMAGE_FAILED;
		image->error = *error;
		image->failures++;
		/* At least a second: registries count requests. */
		image->retry_ns = clock_now_ns() + NS_PER_SECOND +
				  queue_backoff_ns(image->failures + 3, random);
	}
	while ((id = idmap_next(&image->instances, &position)))
		wake_instance(r, (int64_t)(uintptr_t)id);
	idmap_done(&image->instances);
	idmap_done(&image->services);
	return image->orphan;
}

int64_t images_pull(struct reconciler *r, int64_t number)
{
	struct error error = ERROR_INIT;
	_cleanup_host_ struct host *host = NULL;
	struct pull pull = {.r = r};
	struct engine *engine;
	int result;

	lock_acquire(&r->images->lock);
	pull.image = image_number(r->images, number);
	lock_release(&r->images->lock);
	if (!pull.image)
		return QUEUE_DONE;
	/* While it is IMAGE_PULLING nobody else frees it or changes its name. */
	host = host_ref(pull.image->host);
	engine = host->engine;
	result = engine->ops->image_pull(engine, pull.image->name, pull_progress, &pull, &error);
	if (pull_ended(r, pull.image, result, &error))
		images_forget(host);
	return QUEUE_DONE;
}
