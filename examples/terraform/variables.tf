# SPDX-License-Identifier: Apache-2.0

variable "name" {
  description = "Begins the names of everything in the base"
  default     = "duplofs"
}

variable "region" {
  default = "us-west-2"
}

variable "domain" {
  description = "Zone that services' names are in, as duplo.example.com"
  type        = string
}

variable "vpc_cidr" {
  description = "A /16"
  default     = "10.40.0.0/16"
}

variable "db_family" {
  default = "mysql8.0"
}

variable "cache_family" {
  default = "redis7"
}
