/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bill - what one payer's month costs so far, line by line and day by day, from the usage ledger
 *        and the price table.
 * Promises: exact integers; a machine that is one tenant's is shared out among its instances and an
 *           idle line by the larger of reserved and used, CPU to memory 9:1, each hour for itself,
 *           and the parts add up to what it costs. Of a machine that several share a tenant pays
 *           what its instances reserve or use; the rest is the platform's idle line.
 * Threads: any; a bill is only read once it is made.
 * Ownership: bill_free frees.
 * Source of the method: AWS split cost allocation data (weights 9:1, larger of reserved and used)
 * and the OpenCost specification (idle as a line of its own).
 */
#ifndef DUPLOFS_BILLING_BILL_H
#define DUPLOFS_BILLING_BILL_H

#include "base/calendar.h"
#include "billing/money.h"
#include "billing/prices.h"
#include "store/usage.h"

#define BILL_DAYS_MAX 31

/* What a machine is shared out by: nine times a CPU's weight for a GiB's, in thousandths of a CPU
 * and 1024ths of a GiB. */
static inline weight bill_parts(int64_t cpu_milli, int64_t memory_mib)
{
	return weight_of(9 * 1024 * cpu_milli + 1000 * memory_mib);
}

enum bill_kind {
	BILL_INSTANCE, /* a service's share of machines */
	BILL_BALANCER,
	BILL_RESOURCE,
	BILL_IDLE, /* what nobody has of a machine */
	BILL_USE, /* what a provider's service has billed beside what the ledger knows of it */
	BILL_TENANT, /* all that a tenant pays, on a bill of all of them */
};

/* What one day of a line was of. */
struct bill_use {
	int64_t paid_ms; /* how long the sku was had, times its quantity; of a machine, the part */
	/* BILL_INSTANCE, BILL_IDLE: what counted, in thousandths of a CPU and MiB, by seconds. */
	int64_t cpu_milli_s, memory_mib_s;
	int64_t machine_nano; /* of these two: what all of the machine was estimated at */
};

struct bill_line {
	enum bill_kind kind;
	char service[64]; /* "" none */
	char name[128]; /* of the machine, the resource; "" of a balancer */
	char sku[64], region[32]; /* of what is paid */
	bool shared; /* of a machine that several share */
	int64_t nano; /* all days together */
	int64_t daily[BILL_DAYS_MAX];
	uint32_t actual_days; /* bit by day: as the provider billed it, not estimated */
	struct bill_use use[BILL_DAYS_MAX];
};

struct bill {
	struct calendar_month month;
	int64_t until_ns; /* counted up to here */
	char currency[8];
	struct bill_line *lines; /* by service, then kind, then name */
	size_t count;
	int64_t nano;
	int64_t daily[BILL_DAYS_MAX];
	uint32_t actual_days; /* of any line */
	int64_t shared_burn_nano; /* of it, for machines that several share */
	int64_t burn_nano; /* an hour of what runs at the end of the window */
	char unpriced[128]; /* a sku without a price; "" none */
	bool unpriced_more; /* there are others */
	int64_t unpriced_ns; /* how long such things ran */
};

/* "actual", "estimated", or "part actual": what of a line, or of a bill, the provider has billed on
 * these days. */
const char *bill_basis(const struct bill_line *line);

/* What the provider calls the service behind a sku: "ec2/m5.large" is of "Amazon Elastic Compute
 * Cloud - Compute". NULL: it is no provider's. */
const char *bill_service_of(const char *sku);
/* What kind of service that is, in the words of FOCUS. */
const char *bill_category_of(const struct bill_line *line);

/*
 * The payer's bill for the month up to now_ns (by the ledger's clock; in a later month: all of it).
 * payer PLATFORM_ID: the machines that several share, as a whole (see total.h). -ENOMEM, -EIO.
 */
int bill_make(struct store *store, const struct prices *prices, int64_t payer,
	const struct calendar_month *month, int64_t now_ns, struct bill **ret);
/* The same of what was from from_ns on, the beginning of a day. */
int bill_make_from(struct store *store, const struct prices *prices, int64_t payer,
	const struct calendar_month *month, int64_t from_ns, int64_t now_ns, struct bill **ret);
void bill_free(struct bill *bill);

/* A bill without lines, and its sums once it has them. */
struct bill *bill_new(const struct prices *prices, const struct calendar_month *month,
	int64_t now_ns);
void bill_add_up(struct bill *bill);
void bill_note_unpriced(struct bill *bill, const char *sku);

static inline void cleanup_bill(struct bill **bill)
{
	bill_free(*bill);
}
#define _cleanup_bill_ __attribute__((cleanup(cleanup_bill)))

#endif
