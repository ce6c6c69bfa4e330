/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observability - what the administrator gives every tenant to look at: templates of dashboards
 *                 and links.
 * Promises: what is accepted can be filled in for any tenant.
 * Threads: any.
 * Ownership: the caller frees the document.
 */
#ifndef DUPLOFS_MODEL_OBSERVABILITY_H
#define DUPLOFS_MODEL_OBSERVABILITY_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#define OBSERVABILITY_POLICY "observability" /* name of the policy object */
#define OBSERVABILITY_LINKS  "links.txt" /* no dashboard has this name */

/* {"Dashboards": {file name: template, a document or a text}, "Links": {title: URL}}, none of them
 * needed. -ENODATA: not complete yet; -EINVAL with the sentence. */
int observability_parse(const char *text, size_t len, json_t **ret, struct error *reterr);

/* Appends template with the tenant's name, a DNS label, in the place of each <TenantName>. */
void observability_fill(const char *template, const char *tenant, struct buf *out);

#endif
