/* SPDX-License-Identifier: Apache-2.0 */
/* List prices of us-east-1, where no other region is said; see PRICES_UPDATED. */
#include "billing/prices.h"
#include "model/machine_type.h"

#define EC2(type, cpus, mib, price) {"ec2/" type, "", price, "EC2 on demand, Linux"},
#define RDS(class, price)                                                                          \
	{                                                                                          \
		"rds/db." class, "", price, "RDS single-AZ instance"                               \
	}
#define CACHE(type, price)                                                                         \
	{                                                                                          \
		"elasticache/cache." type, "", price, "ElastiCache node"                           \
	}

const struct price_row prices_shipped[] = {
	{SKU_MACHINE, "", "0.10", "A machine of one's own, all of it"},
	{SKU_BALANCER, "", "0", "A listener of the platform's own HAProxy"},
	MACHINE_TYPES(EC2){
		SKU_DISK, "", "0.000109589", "EBS gp3, a GiB: 0.08 a month of 730 hours"},
	{"elb/application", "", "0.0225", "Application load balancer, without LCUs"},
	{"elb/network", "", "0.0225", "Network load balancer, without LCUs"},
	{"elb/classic", "", "0.025", "Classic load balancer"},
	{"vpc/nat-gateway", "", "0.045", "NAT gateway, without traffic"},
	RDS("t3.micro", "0.017"),
	RDS("t3.small", "0.034"),
	RDS("t3.medium", "0.068"),
	RDS("t3.large", "0.136"),
	RDS("m5.large", "0.171"),
	RDS("m5.xlarge", "0.342"),
	{"rds/gp2-gib", "", "0.000157534", "RDS storage, a GiB: 0.115 a month of 730 hours"},
	CACHE("t3.micro", "0.017"),
	CACHE("t3.small", "0.034"),
	CACHE("t3.medium", "0.068"),
	CACHE("m5.large", "0.156"),
	/* Paid by use: an hour of owning one costs nothing. */
	{"s3/bucket", "", "0", "S3: paid by use"},
	{"dynamodb/on-demand", "", "0", "DynamoDB on demand: paid by use"},
	{"dynamodb/read-unit", "", "0.00013", "DynamoDB: a read unit that is provisioned"},
	{"dynamodb/write-unit", "", "0.00065", "DynamoDB: a write unit that is provisioned"},
	{"sqs/queue", "", "0", "SQS: paid by use"},
	{"lambda/function", "", "0", "Lambda: paid by use"},
	{"swf/domain", "", "0", "SWF: paid by use"},
	{0},
};
