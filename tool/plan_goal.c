// SPDX-License-Identifier: MIT
/*
 * What is wanted: --for, --root, --console and --display become devices. Controllers
 * and names of disks are those of rootname.h.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "plan.h"
#include "rootname.h"

/* What comes with a controller, by what it is the controller of. */
static const enum plan_what whats[ROOT_HOSTS] = {
	[ROOT_MMC] = PLAN_MMC, [ROOT_UFS] = PLAN_UFS, [ROOT_SATA] = PLAN_SATA, [ROOT_USB] = PLAN_USB,
	[ROOT_NVME] = PLAN_NVME_PLATFORM, [ROOT_PCI_NVME] = PLAN_NVME, [ROOT_PCI_SATA] = PLAN_PCI_SATA,
	[ROOT_PCI_USB] = PLAN_PCI_USB, [ROOT_PCI_VIRTIO] = PLAN_PCI_VIRTIO, [ROOT_VIRTIO] = PLAN_VIRTIO,
	[ROOT_FLASH] = PLAN_ANY, [ROOT_NET] = PLAN_NET,
};

int plan_add_goal(struct plan *p, struct weir_fwnode *node, enum plan_what what)
{
	struct plan_goal *goal;

	for (size_t i = 0; i < p->nr_goals; i++)
		if (p->goals[i].node == node)
			return 0;
	goal = plan_grow(&p->goals, &p->nr_goals, sizeof(*goal));
	if (!goal)
		return WEIR_ENOMEM;
	*goal = (struct plan_goal){ node, what };
	return 0;
}

/* Every controller of kinds that is there: kind by kind, in tree order. */
static int add_hosts(struct plan *p, unsigned int hosts)
{
	struct weir_fwnode *node;
	int err = 0;

	for (unsigned int host = 0; host < ROOT_HOSTS; host++)
		for (node = weir_fwnode_root(p->r.m); hosts >> host & 1 && node && !err;
		     node = weir_fwnode_next(node))
			if (root_host_is(node, host))
				err = plan_add_goal(p, node, whats[host]);
	return err;
}

/* The candidates of a root that can be on any of them. */
static int ask(struct plan *p, const char *spec, char *out_what, size_t bytes)
{
	size_t used = (size_t)snprintf(out_what, bytes, "%s: '%s' does not say on which "
				       "controller; it can be --root", p->r.board, spec);
	char path[256];

	for (size_t i = 0; i < p->nr_goals && used < bytes; i++) {
		unsigned int host = 0;

		while (whats[host] != p->goals[i].what)
			host++;
		path_words(p->goals[i].node, path, sizeof(path));
		used += (size_t)snprintf(out_what + used, bytes - used, "%s %s:%s",
					 i ? " or" : "", root_kind(host)->word, path);
	}
	return EXIT_USAGE;
}

/* ---- aliases ---- */

static struct weir_fwnode *alias(const struct plan *p, const char *name)
{
	struct weir_fwnode *aliases, *node;
	const void *path;
	size_t bytes;

	if (weir_fwnode_find(p->r.m, "/aliases", &aliases) ||
	    weir_fwnode_property(aliases, name, &path, &bytes) || !bytes ||
	    ((const char *)path)[bytes - 1] || weir_fwnode_find(p->r.m, path, &node))
		return NULL;
	return node;
}

/* ---- roots ---- */

/* A node that somebody named: what it is decides what comes with it. */
static int add_node(struct plan *p, struct weir_fwnode *node)
{
	for (unsigned int host = 0; host < ROOT_HOSTS; host++)
		if (root_kind(host)->is(node))
			return plan_add_goal(p, node, whats[host]);
	return plan_add_goal(p, node, PLAN_ANY);
}

/* The kinds that a word names. */
static unsigned int hosts_of(const char *word, size_t len)
{
	unsigned int hosts = 0;

	for (unsigned int host = 0; host < ROOT_HOSTS; host++)
		if (strlen(root_kind(host)->word) == len && !strncmp(root_kind(host)->word, word, len))
			hosts |= 1u << host;
	return hosts;
}

static int by_kind(struct plan *p, const char *spec, size_t len, char *out_what, size_t bytes)
{
	unsigned int hosts = hosts_of(spec, len), last = ROOT_HOSTS - 1;

	if (add_hosts(p, hosts))
		return complain_in(out_what, bytes, "out of memory");
	while (!(hosts >> last & 1))
		last--;
	return p->nr_goals ? 0 : complain_in(out_what, bytes, "%s: no %s", p->r.board, root_kind(last)->plural);
}

/* By any of its names; who cannot be found was told of then, and @out_what is empty. */
static int find_node(struct plan *p, const char *name, struct weir_fwnode **out_node,
		     char *out_what)
{
	struct weir_fwnode *node = NULL;
	struct weir_device *dev;

	*out_what = '\0';
	if (find_device(&p->r, name, &dev, &node) || !node)
		return EXIT_USAGE;
	*out_node = node;
	return 0;
}

/* KIND:DEVICE, such as nvme:pcie@fe150000. */
static int by_kind_and_device(struct plan *p, const char *spec, const char *colon, char *out_what,
			      size_t bytes)
{
	struct weir_fwnode *node = NULL;

	if (find_node(p, colon + 1, &node, out_what))
		return EXIT_USAGE;
	for (unsigned int host = 0; host < ROOT_HOSTS; host++)
		if (hosts_of(spec, (size_t)(colon - spec)) >> host & 1 && root_kind(host)->is(node))
			return plan_add_goal(p, node, whats[host]);
	return complain_in(out_what, bytes, "%s: %s is none of the %.*s controllers", p->r.board, colon + 1,
			   (int)(colon - spec), spec);
}

/* A name of a disk: by the alias of its number, or the only controller that can have it. */
static int by_disk(struct plan *p, const char *spec, const struct root_disk *disk, const char *rest,
		   char *out_what, size_t bytes)
{
	struct weir_fwnode *node = NULL;
	unsigned int host = 0;
	char name[40];

	while (!(disk->hosts >> host & 1))
		host++;
	if (disk->alias && isdigit((unsigned char)*rest)) {
		snprintf(name, sizeof(name), "%s%u", disk->alias, (unsigned int)strtoul(rest, NULL, 10));
		node = alias(p, name);
	}
	if (node)
		return plan_add_goal(p, node, whats[host]);
	if (add_hosts(p, disk->hosts))
		return complain_in(out_what, bytes, "out of memory");
	if (!p->nr_goals)
		return complain_in(out_what, bytes, "%s: nothing here could have a disk '%s': no %s", p->r.board,
				   spec, disk->plural);
	return p->nr_goals == 1 ? 0 : ask(p, spec, out_what, bytes);
}

/* "PARTUUID=...": only the disk itself says where it is. */
static int by_label(struct plan *p, const char *spec, char *out_what, size_t bytes)
{
	if (add_hosts(p, root_tag_hosts()))
		return complain_in(out_what, bytes, "out of memory");
	return ask(p, spec, out_what, bytes);
}

static int find_root(struct plan *p, const char *spec, char *out_what, size_t bytes)
{
	const char *colon = strchr(spec, ':'), *rest;
	const struct root_disk *disk = root_disk(spec, &rest);
	struct weir_fwnode *node;

	snprintf(p->target, sizeof(p->target), "root on %s", spec);
	if (root_is_tag(spec))
		return by_label(p, spec, out_what, bytes);
	spec += strncmp(spec, "/dev/", 5) ? 0 : 5;
	node = alias(p, spec);
	if (node)
		return add_node(p, node);
	if (root_is_word(spec, strlen(spec)))
		return by_kind(p, spec, strlen(spec), out_what, bytes);
	if (colon && root_is_word(spec, (size_t)(colon - spec)))
		return by_kind_and_device(p, spec, colon, out_what, bytes);
	if (disk)
		return by_disk(p, spec, disk, rest, out_what, bytes);
	return find_node(p, spec, &node, out_what) ? EXIT_USAGE : add_node(p, node);
}

/* ---- the others ---- */

/* "serial0:115200n8", or a path (Devicetree Specification 0.4, 3.6). */
static int find_console(struct plan *p, char *out_what, size_t bytes)
{
	struct weir_fwnode *chosen, *node = NULL;
	const void *value;
	char name[256];
	size_t n;

	if (weir_fwnode_find(p->r.m, "/chosen", &chosen) ||
	    weir_fwnode_property(chosen, "stdout-path", &value, &n) || !n ||
	    ((const char *)value)[n - 1])
		return complain_in(out_what, bytes, "%s: /chosen has no stdout-path; name the device with "
				   "--for", p->r.board);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(value, ":"), (const char *)value);
	if (*name == '/' ? weir_fwnode_find(p->r.m, name, &node) != 0 : !(node = alias(p, name)))
		return complain_in(out_what, bytes, "%s: stdout-path names %s, which is not there",
				   p->r.board, name);
	snprintf(p->target, sizeof(p->target), "console on %s", weir_fwnode_name(node));
	return plan_add_goal(p, node, PLAN_CONSOLE);
}

int plan_find_goals(struct plan *p, char *out_what, size_t bytes)
{
	const struct opts *o = p->o;
	struct weir_fwnode *node = NULL;
	int err = 0;

	if (o->root)
		return find_root(p, o->root, out_what, bytes);
	if (o->console)
		return find_console(p, out_what, bytes);
	if (o->display) {
		snprintf(p->target, sizeof(p->target), "display");
		err = plan_find_display(p);
		return err ? complain_in(out_what, bytes, "%s: no panel and no display connector",
					 p->r.board) : 0;
	}
	if (find_node(p, o->target, &node, out_what))
		return EXIT_USAGE;
	snprintf(p->target, sizeof(p->target), "%s", weir_fwnode_name(node));
	return plan_add_goal(p, node, PLAN_ANY);
}
