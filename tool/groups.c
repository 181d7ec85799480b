// SPDX-License-Identifier: MIT
/*
 * `weir groups`: which devices are one IOMMU group, and why, from what firmware says of
 * their ids. Of a capture also what the running Linux made of it.
 */
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "capture.h"
#include "groups.h"

static const struct verb_help help = {
	.verb = VERB_GROUPS,
	.usage = "groups [BOARD.dtb|TABLES|CAPTURE|LSPCI.txt] [options]",
	.what = "Says which devices share an IOMMU group and why: which ids they put on their DMA,\n"
		"at which IOMMU. Groups are known from firmware alone, whatever drivers do. Of a\n"
		"capture (weir capture), or without a board of the Linux that runs, the groups\n"
		"that Linux made are told beside them.\n"
		"Of PCI functions, from their configuration space (of the Linux that runs, as root;\n"
		"of a capture; or what `sudo lspci -xxxx` printed): which bridge lacks which ACS bit,\n"
		"what only is switched off, and below which port a card would be alone.\n",
	.example = "weir groups lspci.txt",
	.status = "0 it was told, 2 bad usage or input.",
};

struct member {
	struct weir_device *dev;
	const char *key; /* of its group */
};

struct groups {
	struct run run;
	struct member *members; /* by key, in order of devices */
	size_t n;
};

static int by_key(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : x->dev < y->dev ? -1 : 1;
}

static int collect(struct groups *g)
{
	struct weir_device *dev;
	size_t n = 0;

	for (dev = weir_device_first(g->run.m); dev; dev = weir_device_next(dev))
		n++;
	g->members = calloc(n + 1, sizeof(*g->members));
	if (!g->members)
		return WEIR_ENOMEM;
	for (dev = weir_device_first(g->run.m); dev; dev = weir_device_next(dev))
		if (weir_device_group_key(dev))
			g->members[g->n++] = (struct member){ dev, weir_device_group_key(dev) };
	if (g->n)
		qsort(g->members, g->n, sizeof(*g->members), by_key);
	return 0;
}

static struct weir_fwnode *node_of(const struct weir_device *dev)
{
	return (struct weir_fwnode *)(uintptr_t)weir_device_fwnode(dev);
}

/* The ids of a device, as firmware writes them. */
static void ids_words(const struct weir_device *dev, char *buf, size_t bytes)
{
	struct weir_fwspec spec;
	size_t used = 0;
	char path[256];

	*buf = '\0';
	for (unsigned int i = 0; node_of(dev) && !weir_firmware_spec(node_of(dev), i, &spec); i++) {
		used += (size_t)snprintf(buf + used, bytes - used, "%s%s", i ? ", " : "",
					 path_words(spec.target, path, sizeof(path)));
		for (uint32_t c = 0; used < bytes && c < spec.nr_cells; c++)
			used += (size_t)snprintf(buf + used, bytes - used, " 0x%x", spec.cells[c]);
		if (used >= bytes)
			return;
	}
}

static bool same_words(const struct weir_fwspec *x, const struct weir_fwspec *y)
{
	return x->target == y->target && x->nr_cells == y->nr_cells &&
	       !memcmp(x->cells, y->cells, x->nr_cells * sizeof(*x->cells));
}

/* Why a device is with the first one of its group. */
static const char *why_together(const struct weir_device *a, const struct weir_device *b)
{
	struct weir_fwspec x, y;
	bool same_iommu = false;

	for (unsigned int i = 0; !weir_firmware_spec(node_of(a), i, &x); i++) {
		for (unsigned int j = 0; !weir_firmware_spec(node_of(b), j, &y); j++) {
			if (same_words(&x, &y))
				return x.nr_cells ? "the same id"
						  : "this IOMMU tells no masters apart";
			same_iommu = same_iommu || x.target == y.target;
		}
	}
	return same_iommu ? "ids that a mask makes one" : "by another device of the group";
}

static size_t size_of(const struct groups *g, size_t from)
{
	size_t n = 1;

	while (from + n < g->n && !strcmp(g->members[from + n].key, g->members[from].key))
		n++;
	return n;
}

static void print_group(const struct groups *g, size_t from, size_t n, unsigned int number)
{
	const struct member *first = &g->members[from];
	char ids[600];

	printf("%sgroup %u%s  %s\n", style_bold(g->run.o), number, style_off(g->run.o), first->key);
	for (size_t i = from; i < from + n; i++) {
		struct weir_device *dev = g->members[i].dev;

		ids_words(dev, ids, sizeof(ids));
		printf("  %s: %s%s%s\n", weir_device_name(dev), ids, i > from ? "; " : "",
		       i > from ? why_together(first->dev, dev) : "");
	}
	if (n == 1)
		printf("    alone: nobody else has its ids\n");
}

static void print_text(const struct groups *g, bool pci_told)
{
	unsigned int number = 0, shared = 0;

	for (size_t i = 0, n; i < g->n; i += n) {
		n = size_of(g, i);
		shared += n > 1;
		print_group(g, i, n, number++);
	}
	if (g->n)
		printf("%zu devices in %u groups, %u of them shared\n", g->n, number, shared);
	else
		printf("no device %shas a group: %s\n", pci_told ? "besides PCI's " : "", groups_any_iommu(g->run.m) ?
		       "the tree has IOMMUs, and no device that is enabled names one (iommus)" :
		       "the tree has no IOMMU (no node with #iommu-cells)");
	groups_pci_print(g->run.m);
}

static json_t *json_of(const struct groups *g, bool tree, const char *board)
{
	json_t *groups = json_array();

	for (size_t i = 0, n; i < g->n; i += n) {
		json_t *devices = json_array();

		n = size_of(g, i);
		for (size_t j = i; j < i + n; j++) {
			char ids[600], path[1024];

			ids_words(g->members[j].dev, ids, sizeof(ids));
			json_array_append_new(devices, json_pack(
				"{s:s, s:s, s:s, s:s?}", "path",
				path_words(node_of(g->members[j].dev), path, sizeof(path)), "name",
				weir_device_name(g->members[j].dev), "ids", ids, "why",
				j > i ? why_together(g->members[i].dev, g->members[j].dev) : NULL));
		}
		json_array_append_new(groups, json_pack("{s:s, s:o}", "key", g->members[i].key,
							"devices", devices));
	}
	return json_pack("{s:i, s:o, s:s, s:o, s:o}", "version", 1, "board", json_text(board), "model",
			 tree ? board_model(&g->run) : "", "groups", groups, "hosts",
			 tree ? groups_pci_json(g->run.m) : json_array());
}

/* ---- a running Linux ---- */

/* Of the machine itself, or of a capture. */
struct side {
	bool is;
	struct capture c;
	struct seen s;
	struct groups_seen groups;
	struct groups_why why;
};

static void side_close(struct side *side)
{
	groups_seen_close(&side->groups);
	groups_why_close(&side->why);
	if (side->is) {
		seen_close(&side->s);
		capture_free(&side->c);
	}
	side->is = false;
}

/* Return: 0, also when the board is no capture; or an exit status after a message. */
static int side_open(struct side *side, struct opts *o)
{
	const char *what = o->nr_args ? o->args[0] : o->sysroot ? o->sysroot : "this machine";
	struct weir_bytes head = { 0 };
	int err = 0;

	if (o->nr_args) {
		/* what cannot be read, the run says */
		bool is = !weir_bytes_read(what, NULL, &head) && capture_is(head.data, head.size);

		weir_bytes_fini(&head);
		if (!is)
			return 0;
	}
	err = o->nr_args ? capture_read(&side->c, what)
			 : capture_collect(&side->c, o->sysroot ? o->sysroot : "", false);
	if (err)
		return err;
	err = seen_open(&side->s, &side->c);
	if (err) {
		capture_free(&side->c);
		return complain("%s: %s", what, err == WEIR_ENOMEM ? "out of memory" : "no list of devices in it");
	}
	side->is = true;
	if (groups_seen_open(&side->groups, &side->s))
		return complain("out of memory");
	return 0;
}

/* What an lspci printed, and nothing else. */
static bool is_dump_alone(const struct opts *o)
{
	return o->lspci && !o->sysroot && (!o->nr_args || o->args[0] == o->lspci);
}

/* A machine with ACPI has no tree: then there is only what Linux made. */
static int tell(struct groups *g, struct opts *o, struct side *side)
{
	bool tree = side->is ? capture_dtb(&side->c, &o->tree) != WEIR_ENOENT : !is_dump_alone(o);
	const char *board = o->nr_args ? o->args[0] : is_dump_alone(o) ? o->lspci :
			    o->sysroot ? o->sysroot : "this machine";
	char what[600];
	int err;

	if (tree && run_open(&g->run, o, board, NULL, what, sizeof(what)))
		return complain("%s", what);
	g->run.o = o;
	if (tree && collect(g))
		return complain("out of memory");
	err = groups_why_open(&side->why, o, board, tree ? &g->run.dtb : NULL, NULL, side->is ? &side->s : NULL);
	if (err)
		return err;
	if (o->json) {
		json_t *doc = json_of(g, tree, board);

		json_object_set_new(doc, "seen", side->is ? groups_seen_json(&side->groups) : json_null());
		json_object_set_new(doc, "pci", groups_why_json(&side->why));
		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
		return 0;
	}
	if (tree)
		print_text(g, side->why.is);
	groups_why_print(&side->why);
	if (side->is)
		groups_seen_print(&side->groups, side->why.is);
	return 0;
}

static int tell_acpi(struct opts *o, struct side *side)
{
	bool pci_told = false;
	int status = acpi_groups(o, o->args[0], side->is ? &side->s : NULL, &pci_told);

	if (!status && side->is && !o->json)
		groups_seen_print(&side->groups, pci_told);
	return status;
}

int cmd_groups(int argc, char **argv)
{
	struct groups g = { 0 };
	struct side side = { 0 };
	struct opts o;
	int status = opts_parse(&o, argc, argv, &help);

	if (status || o.help)
		return status;
	if (o.nr_args > 1 || (o.nr_args && o.sysroot))
		return complain("groups: one board at most; see weir groups --help");
	o.profile = PROFILE_WEIR; /* there groups are a matter of firmware alone */
	if (o.nr_args && !o.acpi && pcidump_is_file(o.args[0])) {
		if (o.lspci)
			return complain("groups: %s and --lspci: one dump at most", o.args[0]);
		o.lspci = o.args[0];
	}
	if (is_dump_alone(&o))
		status = 0;
	else if (!o.acpi || acpi_is_capture(o.args[0]) == 1)
		status = side_open(&side, &o);
	if (!status && o.acpi)
		status = tell_acpi(&o, &side);
	else if (!status)
		status = tell(&g, &o, &side);
	free(g.members);
	run_close(&g.run);
	side_close(&side);
	weir_bytes_fini(&o.tree);
	return status;
}
