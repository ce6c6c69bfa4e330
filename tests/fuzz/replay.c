/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds every file of a fuzzer's corpus to it once and reports in TAP: what a fuzzer once found
 * stays tested. The corpus of build/.../fuzz_NAME is tests/fuzz/corpus/NAME/, or the directory
 * given.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

#define INPUT_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay(const char *directory, const char *name)
{
	_cleanup_buf_ struct buf input = BUF_INIT;
	struct error error = ERROR_INIT;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -1;
	if (file_read(path, INPUT_MAX, &input, &error) < 0) {
		(void)printf("# %s\n", error.text);
		return -1;
	}
	return LLVMFuzzerTestOneInput((const uint8_t *)buf_string(&input), input.len);
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *program = slash ? slash + 1 : argv[0];
	char directory[PATH_MAX];
	struct dirent **entries;
	int count, failed = 0;

	(void)snprintf(directory, sizeof(directory), "tests/fuzz/corpus/%s",
		strncmp(program, "fuzz_", 5) == 0 ? program + 5 : program);
	if (argc > 1)
		(void)snprintf(directory, sizeof(directory), "%s", argv[1]);
	count = scandir(directory, &entries, visible, alphasort);
	if (count < 0) {
		(void)printf("1..1\nnot ok 1 - corpus in %s\n", directory);
		return 1;
	}
	(void)printf("1..%d\n", count + 1);
	for (int i = 0; i < count; i++) {
		int r = replay(directory, entries[i]->d_name);

		failed += r != 0;
		(void)printf("%sok %d - %s\n", r ? "not " : "", i + 1, entries[i]->d_name);
		(void)fflush(stdout);
		free(entries[i]);
	}
	free(entries);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	(void)printf("ok %d - nothing at all\n", count + 1);
	return failed > 0;
}
