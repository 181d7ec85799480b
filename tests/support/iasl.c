// SPDX-License-Identifier: MIT
/* See iasl.h. A decode has lines "[030h 0048   1]    Field name : VALUE", in order of offsets. */
#include "iasl.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cm.h"
#include "firmware/acpi/acpi.h"

extern char **environ;

static bool run(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	return status == 0;
}

bool iasl_is_there(void)
{
	char *const argv[] = { "iasl", "-v", NULL };

	return run(argv);
}

/* ---- the text ---- */

struct field {
	unsigned int offset;
	char name[48];
	unsigned long long value;
};

/* The next line with an offset and a number, or a decoded flag (its offset is 0). */
static bool next_field(FILE *file, struct field *out)
{
	char line[256], *colon, *end;

	while (fgets(line, sizeof(line), file)) {
		const char *name = line;
		size_t n;

		colon = strstr(line, " : ");
		if (!colon)
			continue;
		out->offset = 0;
		if (line[0] == '[') {
			out->offset = (unsigned int)strtoul(line + 1, NULL, 16);
			name = strchr(line, ']') + 1;
		}
		while (*name == ' ')
			name++;
		for (n = (size_t)(colon - name); n && name[n - 1] == ' '; n--)
			;
		if (n >= sizeof(out->name))
			continue;
		memcpy(out->name, name, n);
		out->name[n] = '\0';
		out->value = strtoull(colon + 3, &end, 16);
		if (end != colon + 3)
			return true;
	}
	return false;
}

static FILE *decode(const void *table, size_t bytes, char dir[64])
{
	char in[96], out[96];
	char *const argv[] = { "iasl", "-d", in, NULL };
	FILE *file;

	strcpy(dir, "/tmp/weir-iasl-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(in, sizeof(in), "%s/t.dat", dir);
	snprintf(out, sizeof(out), "%s/t.dsl", dir);
	file = fopen(in, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(table, 1, bytes, file), bytes);
	fclose(file);
	run(argv); /* fails on types of nodes that it does not know, and still writes the others */
	file = fopen(out, "r");
	unlink(in);
	unlink(out);
	rmdir(dir);
	assert_non_null(file);
	return file;
}

/* ---- comparing ---- */

static void same(const struct field *f, unsigned long long ours)
{
	if (f->value != ours)
		fail_msg("iasl: %s at 0x%x is 0x%llx, here it is 0x%llx", f->name, f->offset,
			 f->value, ours);
}

/* A field of a mapping: four lines and a flag. Return: whether it was one. */
static bool compare_map(const struct weir_acpi_tree *a, const struct iort_map *map,
			const struct field *f)
{
	if (!strcmp(f->name, "Input base")) {
		same(f, map->first);
	} else if (!strcmp(f->name, "ID Count")) {
		if (!map->single)
			same(f, map->more);
	} else if (!strcmp(f->name, "Output Base")) {
		same(f, map->output);
	} else if (!strcmp(f->name, "Output Reference")) {
		same(f, map->target == NOWHERE ? 0 : a->iort[map->target].offset);
	} else if (!strcmp(f->name, "Single Mapping")) {
		same(f, map->single);
	} else {
		return false;
	}
	return true;
}

static bool compare_node(const struct iort_node *n, const struct field *f)
{
	const struct acpi_node *node = n->node;

	if (!strcmp(f->name, "Length"))
		same(f, n->bytes);
	else if (!strcmp(f->name, "Revision"))
		same(f, n->revision);
	else if (!strcmp(f->name, "Mapping Count"))
		same(f, n->nr_maps);
	else if (!strcmp(f->name, "PCI Segment Number"))
		same(f, n->segment);
	else if (!strcmp(f->name, "Memory Size Limit"))
		same(f, n->address_bits);
	else if (!strcmp(f->name, "Cache Coherency"))
		same(f, (unsigned long long)n->coherent);
	else if (!strcmp(f->name, "Base Address") && node)
		same(f, node->pa);
	else if (!strcmp(f->name, "Span") && node)
		same(f, node->bytes);
	else if (!strcmp(f->name, "Event GSIV"))
		same(f, node->gsivs[0]);
	else if (!strcmp(f->name, "PRI GSIV"))
		same(f, node->gsivs[1]);
	else if (!strcmp(f->name, "Sync GSIV"))
		same(f, node->gsivs[2]);
	else if (!strcmp(f->name, "GERR GSIV"))
		same(f, node->gsivs[3]);
	else
		return false;
	return true;
}

void iasl_compare_iort(const struct weir_machine *m, const void *table, size_t bytes,
		       struct iasl_count *out_count)
{
	const struct weir_acpi_tree *a = m->acpi;
	struct iasl_count c = { 0 };
	const struct iort_node *n = NULL;
	uint32_t map = 0;
	struct field f;
	char dir[64];
	FILE *file = decode(table, bytes, dir);

	while (next_field(file, &f)) {
		if (!strcmp(f.name, "Node Count"))
			same(&f, a->nr_iort);
		if (!strcmp(f.name, "Type") && f.offset) {
			assert_true(c.nodes < a->nr_iort);
			/* all mappings of the node before were there, where its type is known */
			assert_true(!n || map == n->first_map + n->nr_maps ||
				    (n->type > IORT_PMCG && map == n->first_map));
			n = &a->iort[c.nodes++];
			assert_int_equal(f.offset, n->offset);
			same(&f, n->type);
			map = n->first_map;
			continue;
		}
		if (!n)
			continue;
		if (map < n->first_map + n->nr_maps && compare_map(a, &a->maps[map], &f)) {
			c.fields++;
			if (!strcmp(f.name, "Single Mapping")) {
				map++;
				c.maps++;
			}
		} else if (compare_node(n, &f)) {
			c.fields++;
		}
	}
	fclose(file);
	*out_count = c;
}

void iasl_compare_mcfg(const struct weir_machine *m, const void *table, size_t bytes,
		       struct iasl_count *out_count)
{
	const struct weir_acpi_tree *a = m->acpi;
	struct iasl_count c = { 0 };
	struct field f;
	char dir[64];
	FILE *file = decode(table, bytes, dir);

	while (next_field(file, &f)) {
		const struct mcfg_entry *e = &a->mcfg[c.nodes];
		bool is_last = !strcmp(f.name, "End Bus Number");

		if (c.nodes == a->nr_mcfg)
			break;
		if (!strcmp(f.name, "Base Address"))
			same(&f, e->base);
		else if (!strcmp(f.name, "Segment Group Number"))
			same(&f, e->segment);
		else if (!strcmp(f.name, "Start Bus Number"))
			same(&f, e->first_bus);
		else if (is_last)
			same(&f, e->last_bus);
		else
			continue;
		c.fields++;
		c.nodes += is_last;
	}
	fclose(file);
	assert_int_equal(c.nodes, a->nr_mcfg);
	*out_count = c;
}
