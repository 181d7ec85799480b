// SPDX-License-Identifier: MIT
/*
 * Where configuration space of PCI functions comes from: a dump that --lspci names, one that lies in a
 * directory of tables, or the piece "pci" of a capture or of the Linux that runs. See groups.h.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "groups.h"

/* The one dump in a directory. Return: 0, also when there is none; or an exit status after a message. */
static int look_in(const char *dir, char *out_path, size_t bytes)
{
	struct dirent **list;
	char path[4096];
	int n = scandir(dir, &list, NULL, alphasort), status = 0;

	*out_path = '\0';
	for (int i = 0; i < n; i++) {
		struct stat st;

		if (!status && list[i]->d_name[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name) < (int)sizeof(path) &&
		    !stat(path, &st) && S_ISREG(st.st_mode) && pcidump_is_file(path)) {
			if (*out_path)
				status = complain("%s: has %s and %s; say which by --lspci", dir, out_path, path);
			else
				snprintf(out_path, bytes, "%s", path);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return status;
}

static bool has_functions(const struct seen *seen)
{
	for (size_t i = 0; seen && i < seen->n; i++)
		if (!strcmp(seen->devices[i].bus, "pci"))
			return true;
	return false;
}

static int read_piece(struct groups_why *why, const struct opts *o, const char *board, const struct seen *seen)
{
	const struct capture_entry *piece = seen ? capture_find(seen->c, "pci") : NULL;
	char what[300];
	int err;

	if (!piece && has_functions(seen))
		why->lacks = o->nr_args ? "the capture has no configuration space: an older weir made it"
					: "/sys has no configuration space";
	if (!piece)
		return 0;
	err = pcidump_parse(piece->data, piece->bytes, &why->dump, what, sizeof(what));
	if (err)
		return complain("%s: pci: %s", board, err == WEIR_ENOMEM ? "out of memory" : what);
	why->lacks = pcidump_lacks(&why->dump, o->nr_args ? "capture" : "live");
	return 0;
}

static int read_dump(struct groups_why *why, const char *path)
{
	int err = pcidump_read(path, &why->dump);
	const char *lacks = err ? NULL : pcidump_lacks(&why->dump, "lspci");

	return lacks ? complain("%s: %s", path, lacks) : err;
}

int groups_why_open(struct groups_why *why, const struct opts *o, const char *board, const struct weir_bytes *dtb,
		    const struct acpi_tables *tables, const struct seen *seen)
{
	const struct capture_entry *cmdline = seen ? capture_find(seen->c, "cmdline") : NULL;
	struct pciview_input in = {
		.dump = &why->dump, .dtb = dtb, .tables = tables, .seen = seen, .what = board, .opts = o,
		.cmdline = cmdline ? cmdline->data : NULL,
	};
	char found[4096] = "";
	int err = 0;

	*why = (struct groups_why){ .is = false };
	if (tables && !seen && !o->lspci)
		err = look_in(board, found, sizeof(found));
	if (!err && (o->lspci || *found))
		err = read_dump(why, o->lspci ? o->lspci : found);
	else if (!err)
		err = read_piece(why, o, board, seen);
	if (!err && why->dump.n && !why->lacks) {
		in.source = o->lspci || *found ? "lspci" : o->nr_args ? "capture" : "live";
		err = pciview_open(&why->view, &in);
		why->is = !err;
	}
	if (err)
		pcidump_free(&why->dump);
	return err;
}

void groups_why_close(struct groups_why *why)
{
	if (why->is)
		pciview_close(&why->view);
	pcidump_free(&why->dump);
	why->is = false;
}

void groups_why_print(const struct groups_why *why)
{
	if (why->is)
		pciview_print(&why->view);
	else if (why->lacks)
		printf("note: why PCI functions share a group is in their configuration space, which is not known: "
		       "%s\n", why->lacks);
}

json_t *groups_why_json(const struct groups_why *why)
{
	return why->is ? pciview_json(&why->view) : json_null();
}
