/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of a host: what is asked of the cloud, under a token that the journal has. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "reconcile/estate/tenant_estate.h"
#include "reconcile/host/host_work.h"
#include "store/group.h"

/* Only such a cloud makes machines of its own, which have to be given back. */
bool host_machine_makes(const struct reconciler *r)
{
	return r->options.cloud->ops->machine_watch != NULL;
}

static void machine_changed(void *arg, int64_t host)
{
	struct reconciler *r = arg;

	queue_wake(r->hosts, key_of(KIND_HOST, host));
}

int host_machine_watch(struct reconciler *r, struct error *reterr)
{
	struct cloud *cloud = r->options.cloud;

	if (!host_machine_makes(r))
		return 0;
	atomic_store(&r->local_closed, true); /* unless the policy opens it */
	return cloud->ops->machine_watch(cloud, machine_changed, r, reterr);
}

/* ---- tokens ---- */

struct token {
	struct intent last; /* the newest; owner 0: none */
	struct intent known; /* the machine that was made with it; owner 0: none yet */
};

static int take_token(void *arg, const struct intent *intent)
{
	struct token *token = arg;

	if (strcmp(intent->type, INTENT_MACHINE) == 0 && intent->id > token->last.id)
		token->last = *intent;
	if (strcmp(intent->type, INTENT_MACHINE_ID) == 0 && intent->id > token->known.id)
		token->known = *intent;
	return 0;
}

static int find_token(struct host_work *work, struct token *ret, struct error *reterr)
{
	int r;

	*ret = (struct token){.last = {0}, .known = {0}};
	r = store_intents(work->r->options.store, work->object.id, take_token, ret);
	return r < 0 ? error_set(reterr, r, "the journal cannot be read") : 0;
}

struct renewal {
	const struct reconciler *r;
	int64_t host;
	const char *old, *token; /* old "": there was none */
	const char *known; /* by the old one; "" */
	const char *words; /* why */
};

static int close_token(struct txn *txn, const struct renewal *renewal)
{
	int r = intent_close(txn, renewal->r, renewal->host, INTENT_MACHINE, renewal->old);

	return r < 0 || !*renewal->known
		       ? r
		       : txn_intent_done(txn, renewal->host, INTENT_MACHINE_ID, renewal->known);
}

static int note_token(struct txn *txn, void *arg, struct error *reterr)
{
	const struct renewal *renewal = arg;
	int r = 0;

	(void)reterr;
	if (*renewal->old) {
		r = close_token(txn, renewal);
		if (r == 0)
			r = txn_event(txn, renewal->host, "warning",
				"%s: another machine takes its place", renewal->words);
	}
	return r < 0 ? r : txn_intent_add(txn, renewal->host, INTENT_MACHINE, renewal->token);
}

/* A token that was never used before. It is durable before it is. */
static int renew_token(struct host_work *work, struct token *token, const char *words,
	struct error *reterr)
{
	struct intent *last = &token->last;
	char name[MACHINE_TOKEN_MAX + 1];
	struct renewal renewal = {
		work->r, work->object.id, last->name, name, token->known.name, words};
	int r;

	(void)snprintf(name, sizeof(name), "%.16s-%" PRId64 "-%" PRIx64, work->r->platform,
		work->object.id, (uint64_t)(clock_wall_ns() / NS_PER_MILLISECOND));
	r = store_update(work->r->options.store, STORE_DURABLE, NULL, note_token, &renewal, reterr);
	return r < 0 ? r : find_token(work, token, reterr);
}

static int64_t token_age_ns(const struct token *token)
{
	int64_t age_ns = clock_wall_ns() - token->last.created_ns;

	return token->last.owner == 0 ? CLOCK_FOREVER : age_ns < 0 ? 0 : age_ns;
}

/* What the cloud made, by the name that it gave it itself: the one that nobody can take away. */
struct made {
	const struct host_work *work;
	const struct token *token;
	const struct machine_state *state;
};

static int note_made(struct txn *txn, void *arg, struct error *reterr)
{
	const struct made *made = arg;
	const char *id = made->state->id, *known = made->token->known.name;
	int64_t host = made->work->object.id;
	bool other = *id && strcmp(id, known) != 0;
	int r = 0;

	(void)reterr;
	if (other && *known)
		r = txn_intent_done(txn, host, INTENT_MACHINE_ID, known);
	if (r == 0 && other)
		r = txn_intent_add(txn, host, INTENT_MACHINE_ID, id);
	if (r == 0 && made->state->done[0])
		r = txn_event(txn, host, "warning", "%s", made->state->done);
	return r;
}

static int remember(struct host_work *work, const struct token *token,
	const struct machine_state *state)
{
	struct made made = {work, token, state};

	if (!state->done[0] && (!state->id[0] || strcmp(state->id, token->known.name) == 0))
		return 0;
	return store_update(work->r->options.store, STORE_DURABLE, NULL, note_made, &made,
		&work->trouble);
}

/* ---- asking ---- */

static struct machine machine_of(const struct host_work *work, const struct token *token)
{
	return (struct machine){
		.host = work->object.id,
		.tenant = work->tenant,
		.tenant_id = work->object.tenant,
		.name = work->object.name,
		.token = token->last.name,
		.age_ns = token_age_ns(token),
		.known = token->known.name,
	};
}

/* Asked for, or what the policy of the tenant's group says. */
static bool is_spot(const struct host_work *work)
{
	_cleanup_group_policy_ struct group_policy *policy = NULL;
	_cleanup_group_state_ struct group_state state = {.group = 0};

	if (work->spec->spot || !work->made)
		return work->spec->spot;
	if (store_group(work->r->options.store, work->object.tenant, &state) < 0 || !state.policy ||
		group_policy_parse(state.policy, strlen(state.policy), state.name, &policy, NULL) <
			0)
		return false;
	return policy->spot;
}

static int ask(struct host_work *work, const struct token *token, struct machine_state *state)
{
	struct cloud *cloud = work->r->options.cloud;
	const struct host_spec *spec = work->spec;
	const struct host *host = work->host;
	struct machine machine = machine_of(work, token);
	int r;

	machine.os = spec->os;
	machine.region = spec->region;
	machine.cpu_milli = spec->cpu_milli;
	machine.memory_mib = host_spec_memory_mib(spec);
	machine.disk_gib = spec->disk_gib;
	machine.spot = is_spot(work);
	machine.leaving = work->object.deleting;
	machine.silent = host && host->engine && !host->up && host->was_up;
	machine.engine = spec->engine;
	machine.address = spec->address;
	r = cloud->ops->machine_ensure(cloud, &machine, state, &work->trouble);
	return r < 0 ? r : remember(work, token, state);
}

/* What has ended gets a successor at once. */
static int ask_made(struct host_work *work, struct machine_state *state)
{
	struct token token;
	int r = find_token(work, &token, &work->trouble);

	work->made = true;
	/* None was asked for, and none will be. */
	if (r == 0 && token.last.owner == 0 && work->object.deleting)
		return 0;
	if (r == 0 && token.last.owner == 0)
		r = tenant_estate_await(work->r, work->object.tenant, &work->trouble);
	if (r == 0 && token.last.owner == 0)
		r = renew_token(work, &token, "", &work->trouble);
	if (r == 0)
		r = ask(work, &token, state);
	if (r < 0 || !state->ended || work->object.deleting)
		return r;
	r = renew_token(work, &token, state->words, &work->trouble);
	if (r < 0)
		return r;
	*state = (struct machine_state){.there = false};
	return ask(work, &token, state);
}

int host_machine_ask(struct host_work *work, struct machine_state *state)
{
	const struct token none = {.last = {0}, .known = {0}};
	int r;

	*state = (struct machine_state){.there = false};
	if (!work->r->options.cloud->ops->machine_ensure)
		return error_set(&work->trouble, -EOPNOTSUPP, "this cloud has no machines");
	if (!host_machine_makes(work->r) || work->spec->engine)
		return ask(work, &none, state);
	r = ask_made(work, state);
	if (r != -EAGAIN)
		return r;
	/* A matter of time: said as what is waited for. */
	(void)text_copy(state->words, sizeof(state->words), work->trouble.text);
	error_clear(&work->trouble);
	work->again = true;
	return 0;
}

static int forget_token(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return close_token(txn, arg);
}

int host_machine_remove(struct host_work *work, struct error *reterr)
{
	struct cloud *cloud = work->r->options.cloud;
	struct token token;
	int r = find_token(work, &token, reterr);
	struct renewal last = {
		work->r, work->object.id, token.last.name, NULL, token.known.name, NULL};
	const struct machine machine = machine_of(work, &token);

	if (r < 0 || !cloud->ops->machine_remove)
		return r;
	/* None was ever asked for. */
	if (host_machine_makes(work->r) && token.last.owner == 0)
		return 0;
	r = cloud->ops->machine_remove(cloud, &machine, reterr);
	if (r < 0 || token.last.owner == 0)
		return r;
	return store_update(work->r->options.store, STORE_DURABLE, NULL, forget_token, &last,
		reterr);
}
