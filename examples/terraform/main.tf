# SPDX-License-Identifier: Apache-2.0
# The base that the administrator makes once, and every tenant stands on:
#   terraform apply
#   terraform output -json > /duplo/.platform/policy/infrastructure.json

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = var.region
}

data "aws_availability_zones" "available" {
  state = "available"
}

locals {
  zones = slice(data.aws_availability_zones.available.names, 0, 2)
  tags  = { "duplo.base" = var.name }
}

resource "aws_vpc" "base" {
  cidr_block           = var.vpc_cidr
  enable_dns_hostnames = true
  tags                 = merge(local.tags, { Name = var.name })
}

resource "aws_internet_gateway" "base" {
  vpc_id = aws_vpc.base.id
  tags   = local.tags
}

# Load balancers, one subnet in each zone.
resource "aws_subnet" "public" {
  count             = length(local.zones)
  vpc_id            = aws_vpc.base.id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.vpc_cidr, 8, count.index)
  tags              = merge(local.tags, { Name = "${var.name}-public-${count.index}" })
}

# Hosts, databases, caches: they reach out through the NAT gateway, and nobody reaches in.
resource "aws_subnet" "private" {
  count             = length(local.zones)
  vpc_id            = aws_vpc.base.id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.vpc_cidr, 4, count.index + 1)
  tags              = merge(local.tags, { Name = "${var.name}-private-${count.index}" })
}

resource "aws_eip" "nat" {
  domain     = "vpc"
  tags       = local.tags
  depends_on = [aws_internet_gateway.base]
}

resource "aws_nat_gateway" "base" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public[0].id
  tags          = local.tags
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.base.id
  tags   = local.tags
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.base.id
  }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.base.id
  tags   = local.tags
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.base.id
  }
}

resource "aws_route_table_association" "public" {
  count          = length(aws_subnet.public)
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  count          = length(aws_subnet.private)
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

# The administrators' way in, and the platform's own machine.
resource "aws_security_group" "admin" {
  name        = "${var.name}-admin"
  description = "Administrators and the platform"
  vpc_id      = aws_vpc.base.id
  tags        = local.tags
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_db_subnet_group" "base" {
  name       = "${var.name}-db"
  subnet_ids = aws_subnet.private[*].id
  tags       = local.tags
}

resource "aws_db_parameter_group" "base" {
  name   = "${var.name}-db"
  family = var.db_family
  tags   = local.tags
}

resource "aws_elasticache_subnet_group" "base" {
  name       = "${var.name}-cache"
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_elasticache_parameter_group" "base" {
  name   = "${var.name}-cache"
  family = var.cache_family
}

resource "aws_route53_zone" "base" {
  name = var.domain
  tags = local.tags
}

resource "aws_acm_certificate" "wildcard" {
  domain_name               = "*.${var.domain}"
  subject_alternative_names = [var.domain]
  validation_method         = "DNS"
  tags                      = local.tags
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = {
    for option in aws_acm_certificate.wildcard.domain_validation_options :
    option.resource_record_name => option...
  }
  zone_id         = aws_route53_zone.base.zone_id
  name            = each.key
  type            = each.value[0].resource_record_type
  ttl             = 300
  records         = [each.value[0].resource_record_value]
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "wildcard" {
  certificate_arn         = aws_acm_certificate.wildcard.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}

# What EC2 tells of instances, so that the platform hears of it at once.
resource "aws_sqs_queue" "hosts" {
  name                      = "${var.name}-hosts"
  message_retention_seconds = 300
  tags                      = local.tags
}

resource "aws_cloudwatch_event_rule" "hosts" {
  name = "${var.name}-hosts"
  event_pattern = jsonencode({
    source = ["aws.ec2"]
    detail-type = [
      "EC2 Spot Instance Interruption Warning",
      "EC2 Instance State-change Notification",
    ]
  })
  tags = local.tags
}

resource "aws_cloudwatch_event_target" "hosts" {
  rule = aws_cloudwatch_event_rule.hosts.name
  arn  = aws_sqs_queue.hosts.arn
}

resource "aws_sqs_queue_policy" "hosts" {
  queue_url = aws_sqs_queue.hosts.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.hosts.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.hosts.arn } }
    }]
  })
}
