/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/name.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "fs/edit/scratch.h"

#define NEAR_MAX 32

/* The file of the directory that was probably meant. Names with a dot are left out: spec2.json is
 * as likely somebody's draft. */
static const char *misspelt(const struct row *directory, const char *name)
{
	const char *names[NEAR_MAX + 1];
	const struct row *row;
	size_t count = 0;

	for (row = row_first(directory); row && count < NEAR_MAX; row = row_next(row))
		if (!strchr(row_name(row), '.'))
			names[count++] = row_name(row);
	names[count] = NULL;
	return strchr(name, '.') ? NULL : text_nearest(name, names);
}

static enum name_class refuse(struct error *reterr, int code, const char *sentence)
{
	(void)error_set(reterr, code, "%s", sentence);
	return NAME_REFUSED;
}

static enum name_class classify_value(const struct ref *directory, const char *name,
	struct error *reterr)
{
	if (scratch_is_temporary(name))
		return NAME_SCRATCH;
	return kind_check_name(directory->row->child_kind, name, reterr) < 0 ? NAME_REFUSED
									     : NAME_VALUE;
}

enum name_class name_classify(const struct ref *directory, const char *name, struct error *reterr)
{
	const struct row *row = directory->row;
	const struct row *child = row_variable(row);
	const char *meant;

	if (row_find(row, name))
		return NAME_FILE;
	if (row->flags & ROW_DERIVED)
		return NAME_SCRATCH;
	if (!(row->flags & ROW_SCRATCHY))
		return refuse(reterr, -EPERM, "no files can be made here");
	if (child && child->flags & ROW_VALUE)
		return classify_value(directory, name, reterr);
	if (scratch_is_temporary(name))
		return NAME_SCRATCH;
	if (child)
		return refuse(reterr, -EINVAL, "only directories are made here, with mkdir");
	meant = misspelt(row, name);
	if (!meant)
		return NAME_SCRATCH;
	(void)error_set(reterr, -EINVAL, "there is no \"%s\" here, did you mean \"%s\"?", name,
		meant);
	return NAME_REFUSED;
}
