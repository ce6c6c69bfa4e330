/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/scratch_table.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/edit/scratch.h"

static struct scratch_user *find_user(struct scratch_table *table, uid_t uid)
{
	struct scratch_user *user = table->users;

	while (user && user->uid != uid)
		user = user->next;
	if (user)
		return user;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->next = table->users;
	table->users = user;
	return user;
}

int scratch_table_charge(struct scratch_table *table, uid_t uid, int64_t files, int64_t bytes)
{
	struct scratch_user *user = find_user(table, uid);

	if (!user)
		return -ENOMEM;
	if ((files > 0 && user->files + files > SCRATCH_COUNT_MAX) ||
		(bytes > 0 && user->bytes + bytes > SCRATCH_USER_MAX))
		return -EDQUOT;
	user->files += files;
	user->bytes += bytes;
	return 0;
}

static struct scratch_open **slot(struct scratch_table *table, uint64_t inode)
{
	struct scratch_open **at = &table->opens[inode % SCRATCH_BUCKETS];

	while (*at && (*at)->inode != inode)
		at = &(*at)->next;
	return at;
}

static struct scratch_open *add(struct scratch_table *table, uint64_t inode)
{
	struct scratch_open **at = slot(table, inode);

	if (!*at && (*at = calloc(1, sizeof(**at))))
		(*at)->inode = inode;
	return *at;
}

int scratch_table_open(struct scratch_table *table, uint64_t inode)
{
	struct scratch_open *entry = add(table, inode);

	if (!entry)
		return -ENOMEM;
	entry->count++;
	return 0;
}

void scratch_table_inherit(struct scratch_table *table, uint64_t inode)
{
	struct scratch_open *entry = add(table, inode);

	if (entry)
		entry->inherited = true;
}

bool scratch_table_close(struct scratch_table *table, uint64_t inode)
{
	struct scratch_open **at = slot(table, inode);
	struct scratch_open *entry = *at;

	if (!entry)
		return true;
	if (entry->count > 0)
		entry->count--;
	if (entry->count > 0 || entry->inherited)
		return false;
	*at = entry->next;
	free(entry);
	return true;
}

static const struct scratch_open *look(const struct scratch_table *table, uint64_t inode)
{
	const struct scratch_open *entry = table->opens[inode % SCRATCH_BUCKETS];

	while (entry && entry->inode != inode)
		entry = entry->next;
	return entry;
}

bool scratch_table_is_open(const struct scratch_table *table, uint64_t inode)
{
	const struct scratch_open *entry = look(table, inode);

	return entry && entry->count > 0;
}

bool scratch_table_is_inherited(const struct scratch_table *table, uint64_t inode)
{
	const struct scratch_open *entry = look(table, inode);

	return entry && entry->inherited;
}

void scratch_table_forget(struct scratch_table *table, uint64_t inode)
{
	struct scratch_open **at = slot(table, inode);
	struct scratch_open *entry = *at;

	if (!entry)
		return;
	*at = entry->next;
	free(entry);
}

void scratch_table_done(struct scratch_table *table)
{
	size_t i;

	while (table->users) {
		struct scratch_user *user = table->users;

		table->users = user->next;
		free(user);
	}
	for (i = 0; i < SCRATCH_BUCKETS; i++)
		while (table->opens[i]) {
			struct scratch_open *entry = table->opens[i];

			table->opens[i] = entry->next;
			free(entry);
		}
}
