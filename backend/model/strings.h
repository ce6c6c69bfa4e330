/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strings - NULL-terminated lists of strings.
 * Promises: NULL is the list that was not given.
 * Threads: plain values.
 * Ownership: strings_free frees the list and what is in it.
 */
#ifndef DUPLOFS_MODEL_STRINGS_H
#define DUPLOFS_MODEL_STRINGS_H

#include <stdlib.h>

static inline void strings_free(char **list)
{
	char **at;

	for (at = list; at && *at; at++)
		free(*at);
	free(list);
}

#endif
