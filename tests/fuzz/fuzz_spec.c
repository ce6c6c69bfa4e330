/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the spec of a service or a host: parsing never crashes, a refusal has a sentence,
 * and what is accepted survives an edit of each of its views with the value that the view shows.
 */
#include <stdint.h>
#include <string.h>

#include "model/host.h"
#include "model/kind.h"
#include "model/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the view's own value back into the text: it must mean the same afterwards. */
static int edit_view(const char *text, size_t len, const struct service_spec *spec,
	const struct field *field)
{
	_cleanup_service_spec_ struct service_spec *edited = NULL;
	_cleanup_buf_ struct buf value = BUF_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error error = ERROR_INIT;

	if (spec_view(&service_type, spec, field->name, &value) < 0 || value.error)
		return -1;
	if (spec_view_check(&service_type, field->name, buf_string(&value), &error) < 0)
		return -1;
	if (spec_text_set(&service_type, text, len, field->name, buf_string(&value), &out, &error) <
		0)
		return -1;
	if (service_spec_parse(buf_string(&out), out.len, "web", &edited, &error) < 0)
		return -1;
	return service_spec_equal(spec, edited) ? 0 : -1;
}

static void host(const char *text, size_t size)
{
	_cleanup_host_spec_ struct host_spec *spec = NULL, *again = NULL;
	struct error error = ERROR_INIT;

	if (host_spec_parse(text, size, "h1", &spec, &error) < 0) {
		if (error.code == 0 || error.text[0] == '\0')
			__builtin_trap();
		return;
	}
	if (host_spec_parse(text, size, "h1", &again, &error) < 0 ||
		!spec_equal(&host_type, spec, again, 0) || !host_spec_same_engine(spec, again))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	struct error error = ERROR_INIT;
	const char *text = (const char *)data;

	host(text, size);
	if (service_spec_parse(text, size, "web", &spec, &error) < 0) {
		if (error.code == 0 || error.text[0] == '\0')
			__builtin_trap();
		return 0;
	}
	for (const struct field *field = service_fields; field->name; field++)
		if (field->view && edit_view(text, size, spec, field) < 0)
			__builtin_trap();
	return 0;
}
