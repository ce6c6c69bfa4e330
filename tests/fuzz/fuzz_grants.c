/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the grants of a service: checking never crashes, a refusal has a sentence, and what
 * is accepted grants just what its lines say.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/grants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error error = ERROR_INIT;
	struct grant grant;
	const char *at;

	buf_add(&text, data, size);
	if (grants_check(buf_string(&text), size, &error) < 0) {
		if (error.code == 0 || error.text[0] == '\0')
			__builtin_trap();
		return 0;
	}
	for (at = buf_string(&text); grants_next(&at, &grant);) {
		const char *service = grant.service[0] ? grant.service : "any";

		if (!text_is_label(grant.tenant) || !text_is_label(service) ||
			!grants_allow(buf_string(&text), grant.tenant, service))
			__builtin_trap();
	}
	/* All of it was read: a NUL would have hidden the rest. */
	if ((size_t)(at - buf_string(&text)) != size)
		__builtin_trap();
	return 0;
}
