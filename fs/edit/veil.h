/* SPDX-License-Identifier: Apache-2.0 */
/*
 * veil - names that a process has unlinked or renamed away on its way to write them anew: install,
 *        mv, tar and git unlink and then create with O_EXCL, vim renames first. And all names in a
 *        directory that cp -r or tar has just made: they take for granted that it is empty.
 * Promises: only that process, and only until it creates the name or some seconds pass, finds the
 *           name absent; everybody else sees the object as it is.
 * Threads: any.
 * Ownership: values only.
 */
#ifndef DUPLOFS_FS_EDIT_VEIL_H
#define DUPLOFS_FS_EDIT_VEIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct veils;

/* path: where they are kept for the next worker. */
int veils_new(struct veils **ret, const char *path, struct error *reterr);
void veils_free(struct veils *veils);

void veil_draw(struct veils *veils, uint64_t node, pid_t process);

/* The process has made the name below a veiled directory: it finds it from now on. */
void veil_show(struct veils *veils, uint64_t node, pid_t process);

enum veil { VEIL_NONE, VEIL_OTHERS, VEIL_MINE, VEIL_SHOWN };

/* Whether node is veiled, and for the process of this thread, which prolongs it. */
enum veil veil_look(struct veils *veils, uint64_t node, pid_t thread);
void veil_lift(struct veils *veils, uint64_t node);

#endif
