// SPDX-License-Identifier: MIT
/*
 * Compares what is read from a kernel with recorded answers.
 *
 * usage: kernel-inputs KERNEL-DIR list BUILTIN.TXT
 *        kernel-inputs KERNEL-DIR drivers DTB-DIR ANSWER-DIR
 *
 * list: the built-in drivers of the image, as text. drivers: for each ANSWER.json
 * (plain or .xz), the driver list for ANSWER.dtb. Prints the first difference of
 * each that differs, then "WHAT: EQUAL of COMPARED equal". Exit status 0 only if
 * all are equal and there was something to compare, 2 for bad input.
 */
#include <dirent.h>
#include <jansson.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/kfile.h"
#include "kernel/strtable.h"
#include "weir/firmware.h"

static int die(const char *what)
{
	fprintf(stderr, "kernel-inputs: %s\n", what);
	return 2;
}

/* Where two texts first differ, line by line; true when they are the same. */
static bool same_text(const char *name, const char *want, const char *got)
{
	int line = 1;

	while (*want || *got) {
		size_t w = strcspn(want, "\n"), g = strcspn(got, "\n");

		if (w != g || memcmp(want, got, w)) {
			printf("%s: line %d\n  recorded: %.*s\n  here:     %.*s\n", name, line,
			       (int)w, want, (int)g, got);
			return false;
		}
		want += w + (want[w] == '\n');
		got += g + (got[g] == '\n');
		line++;
	}
	return true;
}

static int compare_list(const struct weir_kernel *kernel, const char *path)
{
	struct weir_errtext et = { "" };
	struct weir_bytes want;
	char *got = NULL;
	size_t size = 0;
	FILE *f;
	bool same;

	if (!kernel->image)
		return die("no kernel image in the directory");
	if (weir_bytes_read(path, &et, &want))
		return die(et.text);
	f = open_memstream(&got, &size);
	if (!f || weir_image_write_list(f, kernel->image) || fclose(f))
		return die("no memory");
	same = same_text(path, (const char *)want.data, got);
	printf("image list: %d of 1 equal\n", same);
	weir_bytes_fini(&want);
	free(got);
	return !same;
}

/* The compatible strings of a tree, each once, in order of first appearance. */
static int tree_compats(const struct weir_bytes *dtb, struct weir_strtable *table)
{
	int node, len;
	uint32_t id;

	if (weir_dt_check(dtb->data, dtb->size))
		return -1;
	for (node = fdt_next_node(dtb->data, -1, NULL); node >= 0; node = fdt_next_node(dtb->data, node, NULL)) {
		const char *p = fdt_getprop(dtb->data, node, "compatible", &len), *end = p ? p + len : p;

		while (p && p < end) {
			size_t n = strnlen(p, (size_t)(end - p));

			if (n < (size_t)(end - p) && n && weir_strtable_add(table, p, n, &id))
				return -1;
			p += n + 1;
		}
	}
	return 0;
}

static char *list_text(const struct weir_kernel *kernel, const struct weir_bytes *dtb)
{
	struct weir_strtable table = { 0 };
	struct weir_driver_list *list = NULL;
	const char **compats = NULL;
	char *text = NULL;
	size_t size = 0, i;
	FILE *f;

	if (tree_compats(dtb, &table))
		goto out;
	compats = calloc(table.count + 1, sizeof(*compats));
	for (i = 0; compats && i < table.count; i++)
		compats[i] = table.entries[i].s;
	if (!compats || weir_kernel_driver_list(kernel, compats, table.count, &list))
		goto out;
	f = open_memstream(&text, &size);
	if (f) {
		weir_driver_list_write(f, list);
		fclose(f);
	}
out:
	weir_driver_list_destroy(list);
	weir_strtable_fini(&table);
	free(compats);
	return text;
}

/* The member "drivers" of an answer, a line each. */
static char *recorded_text(const struct weir_bytes *answer)
{
	json_t *root = json_loadb((const char *)answer->data, answer->size, 0, NULL), *line;
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = root ? open_memstream(&text, &size) : NULL;

	if (f) {
		json_array_foreach(json_object_get(root, "drivers"), i, line)
			fprintf(f, "%s\n", json_string_value(line));
		fclose(f);
	}
	json_decref(root);
	return text;
}

/* 1 equal, 0 different, negative when one cannot be read. */
static int compare_board(const struct weir_kernel *kernel, const char *dtbs, const char *answers,
			 const char *board)
{
	struct weir_bytes dtb = { 0 }, answer = { 0 };
	struct weir_errtext et = { "" };
	char name[300], *want = NULL, *got = NULL;
	int same = -1;

	snprintf(name, sizeof(name), "%s.json", board);
	if (weir_kfile_read(answers, name, &et, &answer))
		goto out;
	snprintf(name, sizeof(name), "%s.dtb", board);
	if (weir_kfile_read(dtbs, name, &et, &dtb))
		goto out;
	want = recorded_text(&answer);
	got = list_text(kernel, &dtb);
	if (want && got)
		same = same_text(board, want, got);
out:
	if (same < 0)
		fprintf(stderr, "kernel-inputs: %s: %s\n", board, et.text[0] ? et.text : "cannot be compared");
	weir_bytes_fini(&dtb);
	weir_bytes_fini(&answer);
	free(want);
	free(got);
	return same;
}

static int compare_drivers(const struct weir_kernel *kernel, const char *dtbs, const char *answers)
{
	struct dirent **entries;
	int n = scandir(answers, &entries, NULL, alphasort), i, equal = 0, compared = 0;

	if (n < 0)
		return die("cannot read the directory of answers");
	for (i = 0; i < n; i++) {
		char *end = strstr(entries[i]->d_name, ".json");
		int same;

		if (end) {
			*end = 0;
			same = compare_board(kernel, dtbs, answers, entries[i]->d_name);
			compared++;
			equal += same > 0;
		}
		free(entries[i]);
	}
	free(entries);
	printf("driver lists: %d of %d equal\n", equal, compared);
	return !compared || equal != compared;
}

int main(int argc, char **argv)
{
	struct weir_errtext et = { "" };
	struct weir_kernel *kernel;
	int status = 2;

	if (argc < 4)
		return die("usage: kernel-inputs DIR list FILE | kernel-inputs DIR drivers DTB-DIR ANSWER-DIR");
	if (weir_kernel_open(argv[1], NULL, &et, &kernel))
		return die(et.text);
	if (!strcmp(argv[2], "list"))
		status = compare_list(kernel, argv[3]);
	else if (!strcmp(argv[2], "drivers") && argc == 5)
		status = compare_drivers(kernel, argv[3], argv[4]);
	weir_kernel_destroy(kernel);
	return status;
}
