// SPDX-License-Identifier: MIT
/*
 * Modules that no node asks for: drivers of what another driver makes (cells of a
 * multi-function device, auxiliary devices, the USB host inside a dual-role core), of
 * what a bus finds by itself (PCI, cards, disks), and IOMMUs that are PCI functions.
 */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static const struct weir_modindex *index_of(const struct plan *p)
{
	return p->r.kernel ? p->r.kernel->index : NULL;
}

/* All modules that a modalias loads and that are not built in. */
static int add_alias(struct plan *p, const char *modalias, enum plan_kind kind, uint32_t need,
		     const char *why)
{
	const struct weir_modindex *index = index_of(p);
	uint32_t hits[4];
	size_t n = index ? weir_modindex_lookup(index, modalias, hits, 4) : 0;
	int err = 0;

	for (size_t i = 0; i < n && i < 4 && !err; i++)
		if (!index->modules[hits[i]].builtin)
			err = plan_add_module(p, index->modules[hits[i]].name, kind, need, NULL,
					      why);
	return err;
}

static int add_name(struct plan *p, const char *name, const char *why)
{
	const struct weir_modindex *index = index_of(p);
	uint32_t at = index ? weir_modindex_module(index, name) : WEIR_MODULE_NONE;

	if (at == WEIR_MODULE_NONE || index->modules[at].builtin)
		return 0;
	return plan_add_module(p, name, PLAN_CLASS, PLAN_NONE, NULL, why);
}

/* ---- cells of multi-function devices, auxiliary devices ---- */

/* Where in the kernel's tree the provider of a property's kind lives. */
static const char *directory_of(const char *property)
{
	static const struct {
		const char *property, *directory;
	} places[] = {
		{ "clocks", "/clk/" }, { "resets", "/reset/" }, { "nvmem-cells", "/nvmem/" },
		{ "io-channels", "/iio/" }, { "pwms", "/pwm/" }, { "power-domains", "/pmdomain/" },
		{ "phys", "/phy/" },
	};

	for (size_t i = 0; property && i < sizeof(places) / sizeof(places[0]); i++)
		if (!strcmp(places[i].property, property))
			return places[i].directory;
	if (property && strstr(property, "-supply"))
		return "/regulator/";
	if (property && strstr(property, "pinctrl-"))
		return "/pinctrl/";
	return property && strstr(property, "gpio") ? "/gpio/" : NULL;
}

/* Whether @text begins like @stem, whose x stand for any character: rk8xx and rk808. */
static bool begins_like(const char *text, const char *stem, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!text[i] || (text[i] != stem[i] && stem[i] != 'x'))
			return false;
	return len > 2;
}

static bool is_cell_of(const char *cell, const struct plan_need *need, const char *path)
{
	const char *base = strrchr(path, '/'), *s;

	base = base ? base + 1 : path;
	if (begins_like(cell, base, strcspn(base, "-_.")))
		return true;
	for (unsigned int i = 0; (s = weir_fwnode_compatible(need->node, i)); i++) {
		const char *comma = strchr(s, ',');

		s = comma ? comma + 1 : s;
		if (begins_like(cell, s, strcspn(s, "-_")))
			return true;
	}
	return false;
}

/*
 * The properties by which others use this device decide: a PMIC's regulators are one
 * cell of it. Its driver is known by the name of the platform device that the core
 * makes, which begins as the core is called.
 */
static int add_cells(struct plan *p, uint32_t at, const char *property)
{
	const struct weir_modindex *index = index_of(p);
	const struct plan_need *need = &p->needs[at];
	const char *path = plan_driver_path(p, need->spec), *where = directory_of(property);
	const char *driver = need->spec->name;
	bool mfd = !*path || strstr(path, "drivers/mfd/"); /* no module is called as bool options are */
	char why[700];
	int err = 0;

	if (!where || strstr(path, where))
		return 0;
	for (size_t i = 0; i < index->alias_count && !err; i++) {
		const struct weir_alias *a = &index->aliases[i];
		const struct weir_index_module *m = &index->modules[a->module];
		const char *name = strchr(a->pattern, ':');
		bool fits = false;

		if (!name || m->builtin || !m->path || !strstr(m->path, where))
			continue;
		if (a->bus == WEIR_ALIAS_PLATFORM)
			fits = mfd && is_cell_of(name + 1, need, path);
		else if (!strncmp(a->pattern, "auxiliary:", 10))
			fits = !strncmp(name + 1, driver, strlen(driver)) &&
			       name[1 + strlen(driver)] == '.';
		if (!fits)
			continue;
		snprintf(why, sizeof(why), "part of ");
		plan_why(p, at, why + strlen(why), sizeof(why) - strlen(why));
		err = plan_add_module(p, m->name, PLAN_HELPER, at, NULL, why);
	}
	return err;
}

/* "pci1af4,1057": a PCI function that firmware names (IEEE 1275 PCI binding, 2.1). */
static int add_pci_function(struct plan *p, uint32_t at, const char *why)
{
	unsigned int vendor = 0, device = 0, i = 0;
	int err, end = 0;
	char modalias[96];
	const char *s;

	while ((s = weir_fwnode_compatible(p->needs[at].node, i++)))
		if (sscanf(s, "pci%4x,%4x%n", &vendor, &device, &end) == 2 && !s[end])
			break;
	if (!s)
		return 0;
	snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08Xsv%08Xsd%08Xbc00sc00i00", vendor, device,
		 vendor, device);
	err = add_alias(p, modalias, PLAN_HELPER, at, why);
	/* virtio over PCI: the kind is in the device number (Virtio 1.2, 4.1.2.1) */
	if (!err && vendor == 0x1af4 && device >= 0x1040) {
		snprintf(modalias, sizeof(modalias), "virtio:d%08Xv%08X", device - 0x1040, vendor);
		err = add_alias(p, modalias, PLAN_HELPER, at, why);
	}
	return err;
}

/* Whether a property of one node holds the phandle of another. */
static bool names(const struct weir_fwnode *user, const char *property,
		  const struct weir_fwnode *supplier)
{
	const uint8_t *value, *handle;
	size_t bytes, n;

	if (weir_fwnode_property(user, property, (const void **)&value, &bytes) ||
	    weir_fwnode_property(supplier, "phandle", (const void **)&handle, &n) || n != 4)
		return false;
	for (; bytes >= 4; bytes -= 4, value += 4)
		if (!memcmp(value, handle, 4))
			return true;
	return false;
}

/* One link stands for all properties by which a node names another. */
static int add_cells_of_user(struct plan *p, uint32_t at, const struct plan_need *user,
			     const char *property)
{
	static const char *const others[] = { "clocks", "resets", "power-domains", "phys", "pwms" };
	int err = add_cells(p, at, property);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && !err; i++)
		if (property && strcmp(others[i], property) &&
		    names(user->node, others[i], p->needs[at].node))
			err = add_cells(p, at, others[i]);
	return err;
}

int plan_add_helpers(struct plan *p, uint32_t at)
{
	const struct plan_need *need = &p->needs[at];
	char why[600];
	int err;

	if (!index_of(p))
		return 0;
	plan_why(p, at, why, sizeof(why));
	if (!need->spec)
		return add_pci_function(p, at, why);
	err = 0;
	for (uint32_t i = 0; i < p->nr_needs && !err; i++)
		for (size_t k = 0; k < p->needs[i].nr_suppliers && !err; k++)
			if (p->needs[i].suppliers[k] == at)
				err = add_cells_of_user(p, at, &p->needs[i],
							p->needs[i].properties[k]);
	return err;
}

/* ---- what buses find ---- */

static int add_usb(struct plan *p, bool storage)
{
	int err = 0;

	for (uint32_t i = 0; i < p->nr_needs && !err; i++) {
		const struct plan_need *need = &p->needs[i];
		const char *path = need->spec ? plan_driver_path(p, need->spec) : "";

		if (need->what != PLAN_USB)
			continue;
		/* cores for both roles make a device of their own for the host */
		if (strstr(path, "/dwc3/") || strstr(path, "/cdns3/"))
			err = add_alias(p, "platform:xhci-hcd", PLAN_HELPER, i,
					"USB host inside the dual-role controller");
	}
	if (!err && storage)
		err = add_name(p, "usb_storage", "USB disks");
	if (!err && storage)
		err = add_name(p, "uas", "USB disks that take commands in parallel");
	return err;
}

static int add_class(struct plan *p, enum plan_what what)
{
	static const char *const pci = "pci:v0000FFFFd0000FFFFsv0000FFFFsd0000FFFF";
	char alias[96];
	int err = 0;

	switch (what) {
	case PLAN_MMC:
		return add_alias(p, "mmc:block", PLAN_CLASS, PLAN_NONE, "disks on MMC cards");
	case PLAN_UFS:
	case PLAN_SATA:
		return add_name(p, "sd_mod", "SCSI and SATA disks");
	case PLAN_USB:
		err = add_usb(p, true);
		return err ? err : add_name(p, "sd_mod", "SCSI and SATA disks");
	/* the class codes are those of the PCI Code and ID Assignment Specification */
	case PLAN_NVME:
		snprintf(alias, sizeof(alias), "%sbc01sc08i02", pci);
		return add_alias(p, alias, PLAN_CLASS, PLAN_NONE,
				 "NVMe disks, found on PCI by their class");
	case PLAN_PCI_SATA:
		snprintf(alias, sizeof(alias), "%sbc01sc06i01", pci);
		err = add_alias(p, alias, PLAN_CLASS, PLAN_NONE,
				"AHCI controllers, found on PCI by their class");
		return err ? err : add_name(p, "sd_mod", "SCSI and SATA disks");
	case PLAN_PCI_USB:
		snprintf(alias, sizeof(alias), "%sbc0Csc03i30", pci);
		err = add_alias(p, alias, PLAN_CLASS, PLAN_NONE,
				"xHCI controllers, found on PCI by their class");
		err = err ? err : add_usb(p, true);
		return err ? err : add_name(p, "sd_mod", "SCSI and SATA disks");
	case PLAN_PCI_VIRTIO:
		err = add_alias(p, "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00",
				PLAN_CLASS, PLAN_NONE, "virtio devices on PCI");
		/* fall through */
	case PLAN_VIRTIO:
		return err ? err : add_alias(p, "virtio:d00000002v00001AF4", PLAN_CLASS, PLAN_NONE,
					     "virtio disks");
	default:
		return 0;
	}
}

/* A panel on the AUX bus of a DisplayPort host: that driver makes a device of it. */
static int add_unseen(struct plan *p, const struct weir_fwnode *node)
{
	char modalias[200], why[200];
	const char *s;
	int err = 0;

	snprintf(why, sizeof(why), "%s: the driver of its host makes a device of it",
		 weir_fwnode_name(node));
	for (unsigned int i = 0; (s = weir_fwnode_compatible(node, i)) && !err; i++) {
		snprintf(modalias, sizeof(modalias), "of:N%.*sT(null)C%s",
			 (int)strcspn(weir_fwnode_name(node), "@"), weir_fwnode_name(node), s);
		err = add_alias(p, modalias, PLAN_CLASS, PLAN_NONE, why);
	}
	return err;
}

int plan_add_classes(struct plan *p)
{
	int err = 0;

	for (size_t i = 0; i < p->nr_unseen && !err; i++)
		err = add_unseen(p, p->unseen[i]);

	for (size_t i = 0; i < p->nr_goals && !err; i++) {
		bool told = false;

		for (size_t k = 0; k < i; k++)
			told = told || p->goals[k].what == p->goals[i].what;
		if (!told)
			err = add_class(p, p->goals[i].what);
	}
	return err;
}
