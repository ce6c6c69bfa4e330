/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - what single values of a spec must look like: image references, DNS names, volumes, ...
 * Promises: pure; 0, or a negative errno with what is wrong, without the field's name.
 * Threads: any.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_MODEL_CHECK_H
#define DUPLOFS_MODEL_CHECK_H

#include <stdbool.h>

#include "base/error.h"

/* [host[:port]/]path[:tag][@digest] as github.com/distribution/reference defines it. */
int check_image(const char *value, struct error *reterr);
/* Empty, or labels of letters, digits and "-", 253 bytes at most (RFC 1123). */
int check_dns(const char *value, struct error *reterr);
/* Whether more could make a right one of it. */
bool check_image_begins(const char *value);
bool check_dns_begins(const char *value);
/* "name:/path[:ro]", or "/path of the host:/path[:ro]". */
int check_volume(const char *value, struct error *reterr);
/* Absolute and plain; none of those that would give power over the host. */
int check_host_path(const char *value, struct error *reterr);
/* Beginning of an image reference. */
int check_image_prefix(const char *value, struct error *reterr);
/* "KEY=value". */
int check_environment(const char *value, struct error *reterr);
/* Name of a secret. */
int check_key(const char *value, struct error *reterr);
/* "service" or "tenant/service". */
int check_neighbor(const char *value, struct error *reterr);
/* Name or tag of a host. */
int check_host(const char *value, struct error *reterr);
/* Where a container engine is: unix:///path, tcp://host:port, or tls://name@host:port. */
/* "us-west-2". */
int check_region(const char *value, struct error *reterr);
int check_engine(const char *value, struct error *reterr);
/* An IPv4 address. */
int check_address(const char *value, struct error *reterr);
/* Absolute path of a health check's URL. */
int check_url_path(const char *value, struct error *reterr);
/* Engine of a database: mysql, mariadb, postgres. */
int check_database_engine(const char *value, struct error *reterr);
/* Engine of a cache: redis, memcached. */
int check_cache_engine(const char *value, struct error *reterr);
/* Version of an engine, or name of a runtime: letters, digits, dots. */
int check_version(const char *value, struct error *reterr);
/* Size of a managed machine, "db.t3.micro". */
int check_instance_class(const char *value, struct error *reterr);
/* Name of a database or its user: a letter, then letters, digits and "_". */
int check_identifier(const char *value, struct error *reterr);
/* Attribute of a table's items, and its type: S, N, B. */
int check_attribute(const char *value, struct error *reterr);
int check_attribute_type(const char *value, struct error *reterr);
/* What is called of a function's code: "main.handler". */
int check_handler(const char *value, struct error *reterr);
/* Name of another resource. */
int check_label(const char *value, struct error *reterr);
/* Name of a bucket, or of a resource. */
int check_bucket(const char *value, struct error *reterr);
/* A variable that a function of AWS may have: "KEY" or "KEY=value". */
int check_function_variable(const char *value, struct error *reterr);
/* Refuses every secret of a function. */
int check_no_secret(const char *value, struct error *reterr);
/* Name of an object in a bucket. */
int check_object_key(const char *value, struct error *reterr);
/* Name of a signal without SIG: HUP, USR1, ... */
int check_signal(const char *value, struct error *reterr);

#endif
