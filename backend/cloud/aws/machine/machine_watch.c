/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine/machine_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"

#define SWEEP_NS     (60 * NS_PER_SECOND)
#define NEWS_NS      (2 * NS_PER_SECOND) /* looks because of notices are so far apart */
#define QUEUE_WAIT_S 20 /* the longest that SQS holds a question */

struct machine_watch {
	struct aws_shared *shared;
	struct machine_table *table;
	bool told; /* that the queue cannot be read */
	pthread_t thread;
};

/* Format: docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html and
 * monitoring-instance-state-changes.html. */
void machine_notice_read(const char *text, struct machine_notice *ret)
{
	_cleanup_answer_ struct answer event = ANSWER_INIT;
	const char *type;

	*ret = (struct machine_notice){.recalled = false};
	if (answer_parse_json(&event, text, strlen(text), NULL) < 0)
		return;
	type = answer_text(event.root, "detail-type");
	ret->recalled = strcmp(type, "EC2 Spot Instance Interruption Warning") == 0;
	if (ret->recalled || strcmp(type, "EC2 Instance State-change Notification") == 0)
		(void)text_copy(ret->instance, sizeof(ret->instance),
			answer_text(event.root, "detail/instance-id"));
}

static int forget_message(struct account *account, const char *queue, const char *receipt)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SQS_DELETE_MESSAGE);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "QueueUrl", queue);
	aws_request_set(&request, "ReceiptHandle", receipt);
	return account_call(account, &request, &answer, FAULT_MISSING, NULL);
}

static void take_messages(struct machine_watch *watch, struct account *account, const char *queue,
	const struct answer_node *message)
{
	bool news = false;

	for (; message; message = answer_next(message)) {
		struct machine_notice notice;

		machine_notice_read(answer_text(message, "Body"), &notice);
		if (notice.instance[0] && notice.recalled)
			(void)machine_table_recall(watch->table, notice.instance);
		else if (notice.instance[0])
			news = true;
		(void)forget_message(account, queue, answer_text(message, "ReceiptHandle"));
	}
	if (news)
		(void)machine_table_look(watch->table, account, NEWS_NS, NULL);
}

/* Waits for what the queue has to say. */
static int ask_queue(struct machine_watch *watch, struct account *account, const char *queue,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SQS_RECEIVE_MESSAGE);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	request.json =
		json_pack("{s:i, s:i}", "MaxNumberOfMessages", 10, "WaitTimeSeconds", QUEUE_WAIT_S);
	if (!request.json)
		return error_oom(reterr);
	aws_request_set(&request, "QueueUrl", queue);
	r = account_call(account, &request, &answer, FAULT_OTHER, reterr);
	if (r == 0)
		take_messages(watch, account, queue, answer_find(answer.root, "Messages/item"));
	return r;
}

/* True when there is a queue, and it has answered. */
static bool listen(struct machine_watch *watch, struct account *account)
{
	const char *queue =
		account->policy ? policy_text(account->policy, "host_events_queue_url") : "";
	struct error error = ERROR_INIT;
	int r;

	if (!*queue) {
		aws_shared_set_deaf(watch->shared, &error);
		return false;
	}
	r = ask_queue(watch, account, queue, &error);
	if (r < 0 && r != -ECANCELED && !watch->told)
		log_warning("events of hosts: %s", error.text);
	watch->told = r < 0;
	aws_shared_set_deaf(watch->shared, &error);
	return r == 0;
}

static void *watch_main(void *arg)
{
	struct machine_watch *watch = arg;
	int64_t due_ns;

	/* A look is not repeated sooner, however often this turns. */
	do {
		_cleanup_account_ struct account account = ACCOUNT_INIT;

		due_ns = clock_now_ns();
		if (account_open_bare(&account, watch->shared, NULL) == 0 && account.policy)
			(void)machine_table_look(watch->table, &account, SWEEP_NS, NULL);
		if (!listen(watch, &account))
			due_ns += SWEEP_NS;
	} while (aws_shared_wait(watch->shared, due_ns));
	return NULL;
}

int machine_watch_new(struct machine_watch **ret, struct aws_shared *shared,
	struct machine_table *table, struct error *reterr)
{
	struct machine_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return error_oom(reterr);
	watch->shared = shared;
	watch->table = table;
	r = thread_start(&watch->thread, "machines", watch_main, watch, reterr);
	if (r < 0)
		free(watch);
	else
		*ret = watch;
	return r;
}

void machine_watch_free(struct machine_watch *watch)
{
	if (!watch)
		return;
	thread_join(watch->thread);
	free(watch);
}
