// SPDX-License-Identifier: MIT
/*
 * What is wanted: --for, --root, --console and --display become devices. Controllers
 * are known by the generic names of their nodes (Devicetree Specification 0.4, 2.2.2,
 * and the bindings of mmc, usb, ufs).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "plan.h"

bool plan_is_named(const struct weir_fwnode *node, const char *words)
{
	const char *name = weir_fwnode_name(node);
	size_t n = strcspn(name, "@"), len;

	for (; *words; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (len == n && !strncmp(words, name, n))
			return true;
	}
	return false;
}

static bool says(const struct weir_fwnode *node, const char *property, const char *text)
{
	const void *value;
	size_t bytes;

	return !weir_fwnode_property(node, property, &value, &bytes) &&
	       bytes == strlen(text) + 1 && !memcmp(value, text, bytes);
}

/* ---- kinds of controllers ---- */

struct kind {
	const char *word;          /* what --root calls it */
	const char *plural;
	enum plan_what what;
	bool (*is)(const struct weir_fwnode *node);
};

static bool is_mmc(const struct weir_fwnode *node)
{
	const struct weir_fwnode *child;

	if (!plan_is_named(node, "mmc sdhci sdmmc dwmmc emmc sdhost mshc") ||
	    !plan_has(node, "reg"))
		return false;
	for (child = weir_fwnode_first_child(node); child; child = weir_fwnode_next_sibling(child))
		if (plan_is_named(child, "wifi bluetooth brcmf wlan wlcore"))
			return false; /* a radio sits there */
	return true;
}

static bool is_usb(const struct weir_fwnode *node)
{
	const struct weir_fwnode *child;

	if (!plan_is_named(node, "usb usb3 dwc3 ehci ohci xhci") ||
	    says(node, "dr_mode", "peripheral") || !plan_has(node, "reg"))
		return false;
	/* the glue around a core; not a port with a hub */
	for (child = weir_fwnode_first_child(node); child; child = weir_fwnode_next_sibling(child))
		if (plan_is_named(child, "usb dwc3 xhci") && weir_fwnode_available(child))
			return false;
	return !weir_fwnode_parent(node) || strncmp(weir_fwnode_name(weir_fwnode_parent(node)),
						    "i2c", 3);
}

static bool is_sata(const struct weir_fwnode *node)
{
	return plan_is_named(node, "sata ahci");
}

static bool is_ufs(const struct weir_fwnode *node)
{
	return plan_is_named(node, "ufs ufshc ufshci");
}

static bool is_pci(const struct weir_fwnode *node)
{
	const struct weir_fwnode *up = weir_fwnode_parent(node);

	return says(node, "device_type", "pci") && !(up && says(up, "device_type", "pci"));
}

static bool is_net(const struct weir_fwnode *node)
{
	return plan_is_named(node, "ethernet");
}

static bool is_virtio(const struct weir_fwnode *node)
{
	return plan_is_named(node, "virtio_mmio virtio");
}

static bool is_apple_nvme(const struct weir_fwnode *node)
{
	return plan_is_named(node, "nvme");
}

static const struct kind kinds[] = {
	{ "mmc", "SD and eMMC controllers", PLAN_MMC, is_mmc },
	{ "ufs", "UFS controllers", PLAN_UFS, is_ufs },
	{ "sata", "SATA controllers", PLAN_SATA, is_sata },
	{ "usb", "USB controllers", PLAN_USB, is_usb },
	{ "nvme", "NVMe controllers", PLAN_NVME_PLATFORM, is_apple_nvme },
	{ "nvme", "PCI host bridges", PLAN_NVME, is_pci },
	{ "pci-sata", "PCI host bridges", PLAN_PCI_SATA, is_pci },
	{ "pci-usb", "PCI host bridges", PLAN_PCI_USB, is_pci },
	{ "virtio", "PCI host bridges", PLAN_PCI_VIRTIO, is_pci },
	{ "virtio-mmio", "virtio devices", PLAN_VIRTIO, is_virtio },
	{ "nfs", "network controllers", PLAN_NET, is_net },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

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

/* Every controller of a kind that is there: in tree order. */
static int add_kind(struct plan *p, const struct kind *kind)
{
	struct weir_fwnode *node;
	int err = 0;

	for (node = weir_fwnode_root(p->r.m); node && !err; node = weir_fwnode_next(node))
		if (kind->is(node) && weir_fwnode_available(node) &&
		    weir_fwnode_compatible(node, 0) &&
		    !(weir_fwnode_parent(node) && !weir_fwnode_available(weir_fwnode_parent(node))))
			err = plan_add_goal(p, node, kind->what);
	return err;
}

static int bad(char *out_what, size_t bytes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(char *out_what, size_t bytes, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out_what, bytes, fmt, args);
	va_end(args);
	return EXIT_USAGE;
}

/* The candidates of a root that can be on any of them. */
static int ask(struct plan *p, const char *spec, char *out_what, size_t bytes)
{
	size_t used = (size_t)snprintf(out_what, bytes, "%s: '%s' does not say on which "
				       "controller; it can be --root", p->r.board, spec);
	char path[256];

	for (size_t i = 0; i < p->nr_goals && used < bytes; i++) {
		const struct kind *kind = kinds;

		while (kind->what != p->goals[i].what)
			kind++;
		path_words(p->goals[i].node, path, sizeof(path));
		used += (size_t)snprintf(out_what + used, bytes - used, "%s %s:%s",
					 i ? " or" : "", kind->word, path);
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
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].is(node) && kinds[i].what != PLAN_NVME)
			return plan_add_goal(p, node, kinds[i].is == is_pci ? PLAN_NVME
									   : kinds[i].what);
	if (is_pci(node))
		return plan_add_goal(p, node, PLAN_NVME);
	return plan_add_goal(p, node, PLAN_ANY);
}

static int by_kind(struct plan *p, const char *spec, size_t len, char *out_what, size_t bytes)
{
	const struct kind *last = NULL;
	int err = 0;

	for (size_t i = 0; i < N_KINDS && !err; i++) {
		if (strlen(kinds[i].word) != len || strncmp(kinds[i].word, spec, len))
			continue;
		last = &kinds[i];
		err = add_kind(p, last);
	}
	if (err)
		return bad(out_what, bytes, "out of memory");
	return p->nr_goals ? 0 : bad(out_what, bytes, "%s: no %s", p->r.board, last->plural);
}

static bool is_kind(const char *spec, size_t len)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (strlen(kinds[i].word) == len && !strncmp(kinds[i].word, spec, len))
			return true;
	return false;
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
	for (size_t i = 0; i < N_KINDS; i++)
		if (!strncmp(kinds[i].word, spec, (size_t)(colon - spec)) && kinds[i].is(node))
			return plan_add_goal(p, node, kinds[i].what);
	return bad(out_what, bytes, "%s: %s is none of the %.*s controllers", p->r.board, colon + 1,
		   (int)(colon - spec), spec);
}

/* "mmcblk0p2": by its alias, or the only one there is. */
static int by_mmc_number(struct plan *p, const char *spec, char *out_what, size_t bytes)
{
	char name[24];
	struct weir_fwnode *node;

	snprintf(name, sizeof(name), "mmc%u", (unsigned int)strtoul(spec + 6, NULL, 10));
	node = alias(p, name);
	if (node)
		return plan_add_goal(p, node, PLAN_MMC);
	if (by_kind(p, "mmc", 3, out_what, bytes))
		return EXIT_USAGE;
	return p->nr_goals == 1 ? 0 : ask(p, spec, out_what, bytes);
}

/* Kernel names of disks: which kinds of controllers can have them. */
static int by_disk(struct plan *p, const char *spec, char *out_what, size_t bytes)
{
	static const struct {
		const char *prefix, *kinds;
	} disks[] = {
		{ "sd", "ufs sata usb pci-sata" }, { "nvme", "nvme" },
		{ "vd", "virtio virtio-mmio" },
	};
	int err = 0;

	for (size_t d = 0; d < 3; d++) {
		if (strncmp(spec, disks[d].prefix, strlen(disks[d].prefix)))
			continue;
		for (size_t i = 0; i < N_KINDS && !err; i++) {
			const char *at = strstr(disks[d].kinds, kinds[i].word);
			size_t n = strlen(kinds[i].word);

			if (at && (at == disks[d].kinds || at[-1] == ' ') &&
			    (!at[n] || at[n] == ' '))
				err = add_kind(p, &kinds[i]);
		}
	}
	if (err)
		return bad(out_what, bytes, "out of memory");
	if (!p->nr_goals)
		return bad(out_what, bytes, "%s: nothing here could have a disk '%s'", p->r.board,
			   spec);
	return p->nr_goals == 1 ? 0 : ask(p, spec, out_what, bytes);
}

static bool is_disk(const char *spec)
{
	if (!strncmp(spec, "nvme", 4))
		return isdigit((unsigned char)spec[4]);
	return (!strncmp(spec, "sd", 2) || !strncmp(spec, "vd", 2)) && strlen(spec) < 8 &&
	       islower((unsigned char)spec[2]) && strcspn(spec + 2, "@/") == strlen(spec + 2) &&
	       (!spec[3] || isdigit((unsigned char)spec[3]) || islower((unsigned char)spec[3]));
}

/* "PARTUUID=...": only the disk itself says where it is. */
static int by_label(struct plan *p, const char *spec, char *out_what, size_t bytes)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].what != PLAN_NET && kinds[i].what != PLAN_PCI_SATA &&
		    kinds[i].what != PLAN_PCI_USB && kinds[i].what != PLAN_PCI_VIRTIO &&
		    add_kind(p, &kinds[i]))
			return bad(out_what, bytes, "out of memory");
	return ask(p, spec, out_what, bytes);
}

static int find_root(struct plan *p, const char *spec, char *out_what, size_t bytes)
{
	const char *colon = strchr(spec, ':'), *equals = strchr(spec, '=');
	struct weir_fwnode *node;

	snprintf(p->target, sizeof(p->target), "root on %s", spec);
	if (!strncmp(spec, "/dev/", 5)) {
		spec += 5;
		if (!strncmp(spec, "disk/by-", 8))
			return by_label(p, spec, out_what, bytes);
	}
	if (equals && isupper((unsigned char)*spec))
		return by_label(p, spec, out_what, bytes);
	node = alias(p, spec);
	if (node)
		return add_node(p, node);
	if (is_kind(spec, strlen(spec)))
		return by_kind(p, spec, strlen(spec), out_what, bytes);
	if (colon && is_kind(spec, (size_t)(colon - spec)))
		return by_kind_and_device(p, spec, colon, out_what, bytes);
	if (!strncmp(spec, "mmcblk", 6) && isdigit((unsigned char)spec[6]))
		return by_mmc_number(p, spec, out_what, bytes);
	if (is_disk(spec))
		return by_disk(p, spec, out_what, bytes);
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
		return bad(out_what, bytes, "%s: /chosen has no stdout-path; name the device with "
			   "--for", p->r.board);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(value, ":"), (const char *)value);
	if (*name == '/' ? weir_fwnode_find(p->r.m, name, &node) != 0 : !(node = alias(p, name)))
		return bad(out_what, bytes, "%s: stdout-path names %s, which is not there",
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
		return err ? bad(out_what, bytes, "%s: no panel and no display connector",
				 p->r.board) : 0;
	}
	if (find_node(p, o->target, &node, out_what))
		return EXIT_USAGE;
	snprintf(p->target, sizeof(p->target), "%s", weir_fwnode_name(node));
	return plan_add_goal(p, node, PLAN_ANY);
}
