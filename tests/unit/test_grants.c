/* SPDX-License-Identifier: Apache-2.0 */
/* What one tenant lets another see and reach: the text, the store, the view, the rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/thread.h"
#include "cloud/local/firewall.h"
#include "model/grants.h"
#include "store/view.h"
#include "tests/unit/store_fixture.h"

/* ---- the text ---- */

static int check_text(const char *text, struct error *error)
{
	*error = ERROR_INIT;
	return grants_check(text, strlen(text), error);
}

static void texts_are_checked(void **state)
{
	static const char *const good[] = {"", "\n", "shop\n", "shop/web\n", "# all\n\n shop # x\n",
		"shop\r\nshop/web\n", "a/b", NULL};
	static const char *const bad[] = {"Shop\n", "a/b/c\n", "/web\n", "shop/\n", "-a\n",
		"shop web\n", "../x\n", "shop\n\nsh op\nx\n", NULL};
	struct error error;
	char longer[200];

	(void)state;
	for (size_t i = 0; good[i]; i++)
		assert_int_equal(check_text(good[i], &error), 0);
	for (size_t i = 0; bad[i]; i++)
		assert_int_equal(check_text(bad[i], &error), -EINVAL);
	assert_int_equal(check_text(bad[7], &error), -EINVAL);
	assert_non_null(strstr(error.text, "line 3"));
	assert_int_equal(check_text("shop\nshop/", &error), -ENODATA); /* it may go on */
	assert_int_equal(check_text("shop\nshop-", &error), -ENODATA);
	assert_int_equal(check_text("shop\nsh op", &error), -EINVAL); /* whatever follows */
	assert_int_equal(check_text("shop\nShop", &error), -EINVAL);
	assert_int_equal(grants_check("sh\0op\n", 6, &error), -EINVAL);
	(void)memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	longer[sizeof(longer) - 2] = '\n';
	assert_int_equal(check_text(longer, &error), -EINVAL);
}

static void texts_say_who(void **state)
{
	const char *text = "# ours\nshop/web\n\n  bank  \n";
	struct grant grant;

	(void)state;
	assert_true(grants_allow(text, "shop", "web"));
	assert_false(grants_allow(text, "shop", "api"));
	assert_false(grants_allow(text, "sho", "web"));
	assert_true(grants_allow(text, "bank", "anything"));
	assert_false(grants_allow("", "bank", "anything"));
	assert_true(grants_split("shop/web", &grant));
	assert_string_equal(grant.tenant, "shop");
	assert_string_equal(grant.service, "web");
	assert_false(grants_split("web", &grant));
	assert_false(grants_split("shop/Web", &grant));
}

/* ---- the store, and what is seen ---- */

struct stage {
	struct store_fixture fixture;
	int64_t shop, web, bank, vault;
};

static int setup(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	struct store_fixture *fixture = &stage->fixture;

	store_fixture_init(fixture);
	stage->shop = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "shop");
	stage->web = fixture_create(fixture, stage->shop, KIND_SERVICE, "web");
	stage->bank = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "bank");
	stage->vault = fixture_create(fixture, stage->bank, KIND_SERVICE, "vault");
	fixture_set_spec(fixture, stage->web,
		"{\"DockerImage\":\"w:1\",\"Neighbors\":[\"bank/vault\",\"bank/none\"]}\n", "");
	*state = stage;
	return 0;
}

static int teardown(void **state)
{
	store_fixture_done(&((struct stage *)*state)->fixture);
	free(*state);
	return 0;
}

struct granting {
	int64_t service;
	const char *text;
};

static int set_grants(struct txn *txn, void *arg, struct error *reterr)
{
	const struct granting *granting = arg;

	(void)reterr;
	return txn_set_grants(txn, granting->service, granting->text, strlen(granting->text));
}

static void grant(struct stage *stage, const char *text)
{
	struct granting granting = {stage->vault, text};

	assert_int_equal(store_update(stage->fixture.store, STORE_DURABLE, NULL, set_grants,
				 &granting, NULL),
		0);
}

static int note_name(void *arg, const struct view_entry *entry)
{
	buf_printf(arg, "%s ", entry->name);
	return 0;
}

static void expect_seen(struct stage *stage, const char *names)
{
	_cleanup_buf_ struct buf seen = BUF_INIT;
	struct view_entry entry;
	int r;

	assert_int_equal(view_list(stage->fixture.store, stage->web, VIEW_NEIGHBORS, note_name,
				 &seen),
		0);
	assert_string_equal(buf_string(&seen), names);
	r = view_find(stage->fixture.store, stage->web, VIEW_NEIGHBORS, "vault.bank", &entry);
	assert_int_equal(r, names[0] ? 0 : -ENOENT);
}

static int count_one(void *arg, int64_t service)
{
	(void)service;
	++*(int *)arg;
	return 0;
}

static void a_grant_shows_what_is_asked_for(void **state)
{
	struct stage *stage = *state;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t changed_ns = 0, again_ns = 0;
	int count = 0;

	expect_seen(stage, "");
	grant(stage, "shop/api\n");
	expect_seen(stage, "");
	grant(stage, "shop\n");
	expect_seen(stage, "vault.bank ");
	store_fixture_reopen(&stage->fixture);
	expect_seen(stage, "vault.bank ");
	assert_int_equal(store_grants(stage->fixture.store, stage->vault, &text, &changed_ns), 0);
	assert_string_equal(buf_string(&text), "shop\n");
	grant(stage, "shop\n"); /* the same again */
	assert_int_equal(store_grants(stage->fixture.store, stage->vault, &text, &again_ns), 0);
	assert_true(again_ns == changed_ns && changed_ns > 0);
	assert_int_equal(store_grants_list(stage->fixture.store, count_one, &count), 0);
	assert_int_equal(count, 1);
	grant(stage, "");
	expect_seen(stage, "");
	grant(stage, "shop/web\n");
	fixture_delete(&stage->fixture, stage->vault);
	expect_seen(stage, "");
	fixture_purge(&stage->fixture, stage->vault);
	count = 0;
	assert_int_equal(store_grants_list(stage->fixture.store, count_one, &count), 0);
	assert_int_equal(count, 0);
}

/* ---- one state of the store ---- */

struct writer {
	struct stage *stage;
	int64_t ids[4];
	atomic_bool stop;
};

static int set_all(struct txn *txn, void *arg, struct error *reterr)
{
	struct writer *writer = arg;
	static int round;
	char text[16];
	int r = 0;

	(void)snprintf(text, sizeof(text), "%d", ++round);
	for (size_t i = 0; r == 0 && i < 4; i++)
		r = txn_set_value(txn, writer->ids[i], text, strlen(text), reterr);
	return r;
}

static void *write_on(void *arg)
{
	struct writer *writer = arg;

	while (!atomic_load(&writer->stop))
		(void)store_update(writer->stage->fixture.store, STORE_RELAXED, NULL, set_all,
			writer, NULL);
	return NULL;
}

/* True when the four values were written by one update. */
static bool look(struct writer *writer)
{
	struct store *store = writer->stage->fixture.store;
	char first[16] = "";
	bool same = true;

	for (size_t i = 0; i < 4; i++) {
		_cleanup_buf_ struct buf value = BUF_INIT;

		assert_int_equal(store_value(store, writer->ids[i], &value, NULL), 0);
		if (i == 0)
			(void)snprintf(first, sizeof(first), "%s", buf_string(&value));
		same = same && strcmp(first, buf_string(&value)) == 0;
	}
	return same;
}

static void frozen_reads_are_one_state(void **state)
{
	struct stage *stage = *state;
	struct writer writer = {.stage = stage};
	int mixed = 0, frozen_mixed = 0;
	pthread_t thread;

	for (int i = 0; i < 4; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "KEY%d", i);
		writer.ids[i] = fixture_create(&stage->fixture, stage->shop, KIND_SECRET, name);
		fixture_set_value(&stage->fixture, writer.ids[i], "0", 1);
	}
	assert_int_equal(thread_start(&thread, "writer", write_on, &writer, NULL), 0);
	for (int i = 0; i < 20000 && mixed < 3; i++)
		mixed += !look(&writer);
	for (int i = 0; i < 500; i++) {
		assert_int_equal(store_freeze(stage->fixture.store, NULL), 0);
		frozen_mixed += !look(&writer);
		store_thaw(stage->fixture.store);
	}
	atomic_store(&writer.stop, true);
	thread_join(thread);
	assert_true(mixed > 0); /* what freezing is for */
	assert_int_equal(frozen_mixed, 0);
}

/* ---- the firewall ---- */

static void rules_are_exact(void **state)
{
	const struct permit good = {"10.0.0.2", "10.0.1.3", 8080};
	const struct permit bad[] = {{"10.0.0.2 -j ACCEPT", "10.0.1.3", 80}, {"", "10.0.1.3", 80},
		{"10.0.0.2", "10.0.1.0/24", 80}, {"10.0.0.2", "10.0.1.3", 0},
		{"10.0.0.2", "10.0.1.3", 65536}};
	_cleanup_buf_ struct buf rules = BUF_INIT;

	(void)state;
	assert_int_equal(firewall_format("DUPLO-x", &good, 1, &rules, NULL), 0);
	assert_string_equal(buf_string(&rules),
		"*filter\n:DUPLO-x - [0:0]\n"
		"-A DUPLO-x -s 10.0.0.2/32 -d 10.0.1.3/32 -p tcp -m tcp --dport 8080 -j ACCEPT\n"
		"-A DUPLO-x -s 10.0.1.3/32 -d 10.0.0.2/32 -p tcp -m tcp --sport 8080 -m conntrack"
		" --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT\n"
		"COMMIT\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(firewall_format("DUPLO-x", &bad[i], 1, &rules, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_checked),
		cmocka_unit_test(texts_say_who),
		cmocka_unit_test_setup_teardown(a_grant_shows_what_is_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(frozen_reads_are_one_state, setup, teardown),
		cmocka_unit_test(rules_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
