# SPDX-License-Identifier: Apache-2.0
# Names that .platform/policy/infrastructure.json takes; a test compares them.

output "region" {
  value = var.region
}

output "vpc_id" {
  value = aws_vpc.base.id
}

output "private_subnet_ids" {
  value = aws_subnet.private[*].id
}

output "public_subnet_ids" {
  value = aws_subnet.public[*].id
}

output "admin_security_group_ids" {
  value = [aws_security_group.admin.id]
}

output "hosted_zone_id" {
  value = aws_route53_zone.base.zone_id
}

output "domain" {
  value = var.domain
}

output "certificate_arn" {
  value = aws_acm_certificate_validation.wildcard.certificate_arn
}

output "db_subnet_group" {
  value = aws_db_subnet_group.base.name
}

output "db_parameter_group" {
  value = aws_db_parameter_group.base.name
}

output "cache_subnet_group" {
  value = aws_elasticache_subnet_group.base.name
}

output "cache_parameter_group" {
  value = aws_elasticache_parameter_group.base.name
}

output "host_events_queue_url" {
  value = aws_sqs_queue.hosts.url
}
