/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine/machine_disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cloud/aws/machine/machine.h"

#define GROW_EVERY_NS (60 * NS_PER_SECOND) /* while AWS does not enlarge it */

/* ---- how large they are ---- */

struct disks {
	struct machine_row **rows;
	size_t count;
};

static int take_page(void *arg, const struct answer_node *root)
{
	const struct answer_node *volume = answer_find(root, "volumeSet/item");
	const struct disks *disks = arg;

	for (; volume; volume = answer_next(volume))
		for (size_t i = 0; i < disks->count; i++) {
			struct machine_row *row = disks->rows[i];

			if (strcmp(row->volume, answer_text(volume, "volumeId")) != 0)
				continue;
			(void)text_parse_int(answer_text(volume, "size"), 1, INT64_MAX,
				&row->disk_gib);
			row->disk_told_ns = clock_now_ns();
		}
	return 0;
}

int machine_disks_ask(const struct account *account, struct machine_row **rows, size_t count,
	struct error *reterr)
{
	struct error error = ERROR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i += MACHINES_OF_CALL) {
		_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_VOLUMES);
		struct disks disks = {
			rows + i, count - i < MACHINES_OF_CALL ? count - i : MACHINES_OF_CALL};
		struct fault fault;

		/* Of a filter one that is not there is no fault. */
		aws_request_set(&request, "Filter.1.Name", "volume-id");
		for (size_t j = 0; j < disks.count; j++)
			aws_request_setf(&request, disks.rows[j]->volume, "Filter.1.Value.%zu",
				j + 1);
		r = aws_client_pages(account->client, &request, take_page, &disks, &fault, &error);
	}
	if (r < 0 && r != -EACCES && reterr)
		*reterr = error;
	return r == -EACCES ? 0 : r;
}

/* ---- how one gets larger ---- */

static void warn_of_size(const struct machine_row *row, const struct machine *wanted,
	struct machine_state *ret)
{
	char text[sizeof(ret->warning)];

	(void)snprintf(text, sizeof(text),
		"its disk has %" PRId64 " GiB, more than the %" PRId64
		" asked for, and no disk shrinks: write \"DiskGiB\":%" PRId64
		", or add another host, then remove this one",
		row->disk_gib, wanted->disk_gib, row->disk_gib);
	machine_warn(ret, text);
}

static int enlarge(const struct account *account, const struct machine_row *row, int64_t gib,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_MODIFY_VOLUME);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "VolumeId", row->volume);
	aws_request_set_number(&request, "Size", gib);
	return aws_client_call(account->client, &request, &answer, NULL, reterr);
}

static void note_result(struct machine_row *row, int64_t gib, int result, const struct error *error,
	struct machine_state *ret)
{
	row->disk_told_ns = clock_now_ns();
	row->grow_gib = result < 0 ? gib : 0;
	if (result < 0) {
		(void)snprintf(row->grow_words, sizeof(row->grow_words),
			"its disk stays at %" PRId64 " of %" PRId64 " GiB for now: %.120s",
			row->disk_gib, gib, error->text);
		machine_warn(ret, row->grow_words);
		return;
	}
	(void)snprintf(ret->done, sizeof(ret->done),
		"its disk is enlarged from %" PRId64 " to %" PRId64 " GiB", row->disk_gib, gib);
	row->disk_gib = gib;
}

/* Asked for again only after a while: AWS takes one change of a disk in some hours. */
static int grow(struct machine_table *table, const struct account *account, struct machine_row *row,
	int64_t gib, struct machine_state *ret, struct error *reterr)
{
	struct error error = ERROR_INIT;
	int r;

	if (row->grow_gib == gib && clock_now_ns() - row->disk_told_ns < GROW_EVERY_NS) {
		machine_warn(ret, row->grow_words);
		return 0;
	}
	r = enlarge(account, row, gib, &error);
	if (r == -ECANCELED || r == -ENOMEM)
		return error_set(reterr, r, "%s", error.text);
	note_result(row, gib, r, &error, ret);
	return machine_table_put(table, row) < 0 ? error_oom(reterr) : 0;
}

int machine_disk_settle(struct machine_table *table, const struct account *account,
	struct machine_row *row, const struct machine *wanted, struct machine_state *ret,
	struct error *reterr)
{
	int64_t gib = wanted->disk_gib;

	if (gib == 0 || row->disk_gib == 0 || gib == row->disk_gib ||
		row->phase != MACHINE_RUNNING || wanted->leaving)
		return 0;
	if (gib > row->disk_gib)
		return grow(table, account, row, gib, ret, reterr);
	warn_of_size(row, wanted, ret);
	return 0;
}
