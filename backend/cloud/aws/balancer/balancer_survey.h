/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_survey - what lists show of services' load balancers, however many there are.
 * Promises: as survey.h. Of listeners those are asked for that were made, twenty in a call. AWS
 *           tells of targets only a group at a time: each survey asks for some, in turn.
 * Threads: one survey at a time.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_SURVEY_H
#define DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_SURVEY_H

#include "cloud/aws/survey.h"

/* Of load balancers, target groups, listeners and targets. */
int balancer_survey(const struct survey *survey, struct error *reterr);

/* Of a security group that has a service's tags, as DescribeSecurityGroups tells it. */
int balancer_survey_group(const struct survey *survey, const struct answer_node *group);

#endif
