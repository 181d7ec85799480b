// SPDX-License-Identifier: MIT
/*
 * Runs a fuzzer's function over files, without a fuzzer: the kept inputs are
 * ordinary tests. usage: replay_NAME FILE-OR-DIRECTORY...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int number;

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t bytes;
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0) {
		perror(path);
		return -1;
	}
	rewind(file);
	data = malloc((size_t)size + 1);
	bytes = data ? fread(data, 1, (size_t)size, file) : 0;
	fclose(file);
	if (!data || bytes != (size_t)size) {
		fprintf(stderr, "%s: cannot read\n", path);
		free(data);
		return -1;
	}
	/* Named first, so that a crash can be attributed. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, bytes);
	printf("ok %d - %s\n", ++number, path);
	free(data);
	return 0;
}

static int replay(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int n, i, err = 0;

	if (stat(path, &st)) {
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path);
	n = scandir(path, &entries, NULL, alphasort);
	for (i = 0; i < n; i++) {
		char *name;

		if (entries[i]->d_name[0] != '.') {
			if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
				abort();
			if (replay(name))
				err = -1;
			free(name);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n < 0 ? -1 : err;
}

int main(int argc, char **argv)
{
	int i, status = 0;

	for (i = 1; i < argc; i++)
		if (replay(argv[i]))
			status = 1;
	printf("1..%d\n", number);
	return number ? status : 1;
}
