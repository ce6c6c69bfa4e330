/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/dns/dns_page.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/turn.h"
#include "cloud/dns_name.h"

#define PAGE_NS     (3 * NS_PER_SECOND)
#define TOUCHED_MAX 64
#define NAME_SIZE   (DNS_NAME_MAX + 16)

struct dns_page {
	int refs; /* guarded by the pages' lock */
	struct dns_pages *pages;
	char zone[64], from[NAME_SIZE], end[NAME_SIZE]; /* end "": there is nothing behind it */
	int64_t asked_ns;
	struct answer answer;
};

struct dns_pages {
	struct turn turn;
	struct lock lock; /* LOCK_LEAF: what follows */
	struct dns_page *last; /* NULL: none */
	char touched[TOUCHED_MAX][NAME_SIZE]; /* since it was asked for */
	size_t touched_count;
	uint64_t serial; /* another page, or more touched than are remembered: another number */
};

struct dns_pages *dns_pages_new(void)
{
	struct dns_pages *pages = calloc(1, sizeof(*pages));

	if (!pages)
		return NULL;
	turn_init(&pages->turn);
	lock_init(&pages->lock, LOCK_LEAF);
	return pages;
}

static void unref(struct dns_page *page)
{
	if (!page || --page->refs > 0)
		return;
	answer_done(&page->answer);
	free(page);
}

void dns_pages_free(struct dns_pages *pages)
{
	if (!pages)
		return;
	unref(pages->last);
	lock_done(&pages->lock);
	turn_done(&pages->turn);
	free(pages);
}

void dns_page_give(struct dns_page *page)
{
	struct dns_pages *pages = page ? page->pages : NULL;

	if (!pages)
		return;
	LOCKED(&pages->lock);
	unref(page);
}

const struct answer *dns_page_answer(const struct dns_page *page)
{
	return &page->answer;
}

/* The names' labels from the last one on, each with a dot behind it. */
static void reverse(const char *name, char ret[NAME_SIZE])
{
	size_t len = strnlen(name, NAME_SIZE - 2), filled = 0;

	len -= len > 0 && name[len - 1] == '.';
	while (len > 0) {
		size_t start = len;

		while (start > 0 && name[start - 1] != '.')
			start--;
		for (size_t i = start; i < len; i++)
			ret[filled++] = (char)tolower((unsigned char)name[i]);
		ret[filled++] = '.';
		len = start > 0 ? start - 1 : 0;
	}
	ret[filled] = '\0';
}

int dns_page_order(const char *one, const char *other)
{
	char reversed[2][NAME_SIZE];

	reverse(one, reversed[0]);
	reverse(other, reversed[1]);
	return strcmp(reversed[0], reversed[1]);
}

bool dns_page_reaches(const struct dns_page *page, const char *to)
{
	return !*page->end || dns_page_order(to, page->end) < 0;
}

static bool is_touched(const struct dns_pages *pages, const char *name)
{
	for (size_t i = 0; i < pages->touched_count; i++)
		if (strcmp(pages->touched[i], name) == 0)
			return true;
	return false;
}

void dns_pages_touch(struct dns_pages *pages, const char *name)
{
	LOCKED(&pages->lock);
	if (pages->touched_count < TOUCHED_MAX &&
		text_copy(pages->touched[pages->touched_count], NAME_SIZE, name)) {
		pages->touched_count++;
		return;
	}
	unref(pages->last);
	pages->last = NULL;
	pages->touched_count = 0;
	pages->serial++;
}

static struct dns_page *recall(struct dns_pages *pages, const char *zone, const char *from,
	const char *to)
{
	struct dns_page *page;

	LOCKED(&pages->lock);
	page = pages->last;
	if (!page || clock_now_ns() - page->asked_ns >= PAGE_NS || strcmp(page->zone, zone) != 0 ||
		dns_page_order(page->from, from) > 0 || !dns_page_reaches(page, to) ||
		is_touched(pages, from))
		return NULL;
	page->refs++;
	return page;
}

/* What is changed while it is being asked for may or may not be on it. */
static void publish(struct dns_pages *pages, struct dns_page *page, uint64_t serial,
	size_t touched_before)
{
	size_t since;

	LOCKED(&pages->lock);
	if (pages->serial != serial)
		return;
	pages->serial++;
	since = pages->touched_count - touched_before;
	memmove(pages->touched, pages->touched + touched_before, since * sizeof(pages->touched[0]));
	pages->touched_count = since;
	unref(pages->last);
	pages->last = page;
	page->refs++;
}

static int ask(struct dns_page **ret, struct account *account, const char *from,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(R53_LIST_RECORDS);
	struct dns_pages *pages = account->pages;
	struct dns_page *page = calloc(1, sizeof(*page));
	size_t touched_before;
	uint64_t serial;
	int r;

	if (!page)
		return error_oom(reterr);
	*page = (struct dns_page){.refs = 1, .pages = pages, .answer = ANSWER_INIT};
	(void)text_copy(page->zone, sizeof(page->zone),
		policy_text(account->policy, "hosted_zone_id"));
	(void)text_copy(page->from, sizeof(page->from), from);
	lock_acquire(&pages->lock);
	touched_before = pages->touched_count;
	serial = pages->serial;
	lock_release(&pages->lock);
	page->asked_ns = clock_now_ns();
	aws_request_set(&request, "Id", page->zone);
	aws_request_set(&request, "name", from);
	r = account_call(account, &request, &page->answer, FAULT_OTHER, reterr);
	if (r < 0) {
		unref(page);
		return r;
	}
	if (strcmp(answer_text(page->answer.root, "IsTruncated"), "true") == 0)
		(void)text_copy(page->end, sizeof(page->end),
			answer_text(page->answer.root, "NextRecordName"));
	publish(pages, page, serial, touched_before);
	*ret = page;
	return 0;
}

int dns_page_take(struct dns_page **ret, struct account *account, const char *from, const char *to,
	bool young, struct error *reterr)
{
	const char *zone = policy_text(account->policy, "hosted_zone_id");
	struct dns_pages *pages = account->pages;
	bool mine;
	int r = 0;

	if (young)
		return ask(ret, account, from, reterr);
	*ret = recall(pages, zone, from, to);
	if (*ret)
		return 0;
	mine = turn_take(&pages->turn);
	if (!mine)
		*ret = recall(pages, zone, from, to);
	if (!*ret)
		r = ask(ret, account, from, reterr);
	if (mine)
		turn_give(&pages->turn);
	return r;
}
