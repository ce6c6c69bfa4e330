/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/balancer/balancer_facts.h"

#define PORT_SIZE 8

size_t balancer_listeners(int port, bool tls, struct listener_wish ret[BALANCER_LISTENERS])
{
	size_t count = 0;

	if (!tls || port != BALANCER_TLS_PORT)
		ret[count++] = (struct listener_wish){port, false};
	if (tls)
		ret[count++] = (struct listener_wish){BALANCER_TLS_PORT, true};
	return count;
}

static const struct answer_node *find(const struct answer *answer, int port)
{
	const struct answer_node *listener = answer_find(answer->root, "Listeners/member");
	char text[PORT_SIZE];

	(void)snprintf(text, sizeof(text), "%d", port);
	while (listener && strcmp(answer_text(listener, "Port"), text) != 0)
		listener = answer_next(listener);
	return listener;
}

static const char *certificate_of(const struct balancer_work *work)
{
	return policy_text(work->account->policy, "certificate_arn");
}

static bool is_as_wanted(const struct balancer_work *work, const struct answer_node *listener,
	bool tls)
{
	const struct answer_node *action = answer_find(listener, "DefaultActions/member");

	return strcmp(answer_text(listener, "Protocol"), tls ? "HTTPS" : "HTTP") == 0 &&
	       strcmp(answer_text(action, "Type"), "forward") == 0 &&
	       strcmp(answer_text(action, "TargetGroupArn"), work->target_group_arn) == 0 &&
	       (!tls || strcmp(answer_text(listener, "Certificates/member/CertificateArn"),
				certificate_of(work)) == 0);
}

static void set_listener(const struct balancer_work *work, struct aws_request *request, bool tls)
{
	aws_request_set(request, "Protocol", tls ? "HTTPS" : "HTTP");
	aws_request_set(request, "DefaultActions.member.1.Type", "forward");
	aws_request_set(request, "DefaultActions.member.1.TargetGroupArn", work->target_group_arn);
	if (tls) {
		aws_request_set(request, "Certificates.member.1.CertificateArn",
			certificate_of(work));
		aws_request_set(request, "SslPolicy", BALANCER_SSL_POLICY);
	}
}

static int create(struct balancer_work *work, const struct listener_wish *wish, char ret[ARN_SIZE],
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_CREATE_LISTENER);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	char port[PORT_SIZE];
	int r;

	(void)snprintf(port, sizeof(port), "%d", wish->port);
	aws_request_set(&request, "LoadBalancerArn", work->balancer_arn);
	aws_request_set(&request, "Port", port);
	set_listener(work, &request, wish->tls);
	r = account_call(work->account, &request, &answer, FAULT_EXISTS, reterr);
	if (r == 0)
		(void)text_copy(ret, ARN_SIZE,
			answer_text(answer.root, "Listeners/member/ListenerArn"));
	if (r == 0 && !*ret)
		return error_set(reterr, -EAGAIN,
			"a listener on port %d appeared meanwhile: it is looked at again",
			wish->port);
	return r;
}

static int modify(struct balancer_work *work, const struct answer_node *listener, bool tls,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_MODIFY_LISTENER);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "ListenerArn", answer_text(listener, "ListenerArn"));
	set_listener(work, &request, tls);
	return account_call(work->account, &request, &answer, FAULT_OTHER, reterr);
}

static int delete_listener(struct account *account, const struct answer_node *listener,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_DELETE_LISTENER);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "ListenerArn", answer_text(listener, "ListenerArn"));
	return account_call(account, &request, &answer, FAULT_MISSING, reterr);
}

static int delete_others(struct balancer_work *work, const struct answer *answer,
	const struct listener_wish *wishes, size_t count, struct error *reterr)
{
	const struct answer_node *listener = answer_find(answer->root, "Listeners/member");
	int r = 0;

	for (; listener && r == 0; listener = answer_next(listener)) {
		bool wanted = false;

		for (size_t i = 0; i < count; i++)
			wanted = wanted || find(answer, wishes[i].port) == listener;
		if (!wanted)
			r = delete_listener(work->account, listener, reterr);
	}
	return r;
}

/* What a survey asks for it by; one whose ARN is made in another way is not asked for. */
static void note(struct balancer_work *work, const char *arn, const struct listener_wish *wish,
	size_t number)
{
	char prefix[ARN_SIZE];
	char *tail = work->settled.listeners[number];

	balancer_listener_prefix(work->balancer_arn, prefix);
	if (strncmp(arn, prefix, strlen(prefix)) != 0 ||
		!text_copy(tail, SETTLED_TAIL, arn + strlen(prefix)))
		*tail = '\0';
	else
		settled_add(&work->settled, balancer_fact_listener(work, arn, wish));
}

static int settle_one(struct balancer_work *work, const struct answer_node *listener,
	const struct listener_wish *wish, size_t number, struct error *reterr)
{
	char arn[ARN_SIZE] = "";
	int r = 0;

	(void)text_copy(arn, sizeof(arn), answer_text(listener, "ListenerArn"));
	if (!listener)
		r = create(work, wish, arn, reterr);
	else if (!is_as_wanted(work, listener, wish->tls))
		r = modify(work, listener, wish->tls, reterr);
	note(work, arn, wish, number);
	return r;
}

int balancer_settle_listeners(struct balancer_work *work, bool made, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_DESCRIBE_LISTENERS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	struct listener_wish wishes[BALANCER_LISTENERS];
	size_t count = balancer_listeners(work->wanted->port, work->tls, wishes);
	int r = 0;

	if (!made) {
		aws_request_set(&request, "LoadBalancerArn", work->balancer_arn);
		r = account_call(work->account, &request, &answer, FAULT_OTHER, reterr);
	}
	for (size_t i = 0; i < count && r == 0; i++)
		r = settle_one(work, find(&answer, wishes[i].port), &wishes[i], i, reterr);
	return r < 0 ? r : delete_others(work, &answer, wishes, count, reterr);
}
