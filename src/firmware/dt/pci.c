// SPDX-License-Identifier: MIT
/*
 * What a device tree says of PCI (PCI Bus Binding to Open Firmware 2.1; the bindings
 * host-generic-pci and pci-iommu, pci-msi): host bridges, functions, and how
 * requester ids are mapped. Read on demand; nothing is kept.
 */
#include "core/text.h"
#include "firmware/dt/dt.h"
#include "weir/pci.h"

static int bad(struct weir_dt_node *node, const char *what)
{
	struct weir_machine *m = node->fw.m;
	char path[100];

	weir_lock_(m);
	weir_format_(m->firmware_error, sizeof(m->firmware_error), "%s: %s",
		     weir_dt_path_(node, path, sizeof(path)), what);
	weir_logf_(m, WEIR_LOG_ERR, "%s", m->firmware_error);
	weir_unlock_(m);
	return WEIR_EINVAL;
}

static uint64_t be64(const uint8_t *p)
{
	return (uint64_t)weir_be32_(p) << 32 | weir_be32_(p + 4);
}

/* ---- host bridges ---- */

/* The first entry of reg is the configuration space. */
static int read_ecam(struct weir_dt_node *node, struct weir_pci_host *host)
{
	const struct weir_dt *dt = node->fw.m->dt;
	uint64_t end;

	if (!weir_dt_region_(dt, node, &host->ecam_pa, &end) || end < host->ecam_pa ||
	    end - host->ecam_pa == UINT64_MAX)
		return bad(node, "reg is no configuration space");
	host->ecam_bytes = end - host->ecam_pa + 1;
	return 0;
}

static int read_buses(struct weir_dt_node *node, struct weir_pci_host *host)
{
	const struct weir_dt *dt = node->fw.m->dt;
	const struct weir_dt_prop *range = weir_dt_prop_(dt, node, "bus-range");
	uint32_t first = 0, last = 255;

	if (range && range->bytes != 8)
		return bad(node, "bus-range is not two cells");
	if (range) {
		first = weir_be32_(range->value);
		last = weir_be32_(range->value + 4);
	}
	if (first > last || last > 255)
		return bad(node, "bus-range is no range of buses");
	host->first_bus = (uint8_t)first;
	host->last_bus = (uint8_t)last;
	return 0;
}

/* ---- segments ---- */

static bool is_pci(const struct weir_dt *dt, const struct weir_dt_node *node)
{
	const struct weir_dt_prop *type = node ? weir_dt_prop_(dt, node, "device_type") : NULL;

	return type && type->bytes == 4 && weir_streq_((const char *)type->value, "pci");
}

/* The next host bridge that is there, of whatever kind; @node NULL: the first. */
static struct weir_dt_node *next_host(struct weir_machine *m, struct weir_dt_node *node)
{
	struct weir_fwnode *fw = node ? weir_fwnode_next(&node->fw) : weir_fwnode_root(m);

	for (; fw; fw = weir_fwnode_next(fw)) {
		node = weir_dt_node_(fw);
		if (is_pci(m->dt, node) && !is_pci(m->dt, weir_dt_parent_(node)) &&
		    weir_fwnode_available(fw))
			return node;
	}
	return NULL;
}

static bool is_given(struct weir_machine *m, uint32_t segment)
{
	uint32_t theirs;

	for (struct weir_dt_node *at = next_host(m, NULL); at; at = next_host(m, at))
		if (weir_dt_u32_(m->dt, at, "linux,pci-domain", &theirs) && theirs == segment)
			return true;
	return false;
}

/* Whether a host bridge before it in the tree has that segment, and one of its buses. */
static bool is_taken(struct weir_dt_node *node, const struct weir_pci_host *host, uint32_t segment)
{
	struct weir_machine *m = node->fw.m;
	struct weir_dt_node *at;

	for (at = next_host(m, NULL); at && at != node; at = next_host(m, at)) {
		const struct weir_dt_prop *range = weir_dt_prop_(m->dt, at, "bus-range");
		bool ok = range && range->bytes == 8;
		uint32_t first = ok ? weir_be32_(range->value) : 0, theirs;
		uint32_t last = ok ? weir_be32_(range->value + 4) : 255;

		if (weir_dt_u32_(m->dt, at, "linux,pci-domain", &theirs) && theirs == segment &&
		    first <= host->last_bus && host->first_bus <= last)
			return true;
	}
	return false;
}

/*
 * Bridges that are not given one take, in the order of the tree, those that are given to nobody:
 * the same each time, whichever driver comes first.
 */
static int read_segment(struct weir_dt_node *node, struct weir_pci_host *host)
{
	struct weir_machine *m = node->fw.m;
	uint32_t segment = 0, theirs;
	struct weir_dt_node *at;

	if (weir_dt_u32_(m->dt, node, "linux,pci-domain", &segment)) {
		if (segment > UINT16_MAX)
			return bad(node, "linux,pci-domain is no number of a segment");
		if (is_taken(node, host, segment))
			return bad(node, "another host bridge has that linux,pci-domain and some of its buses");
		host->segment = (uint16_t)segment;
		return 0;
	}
	for (at = next_host(m, NULL);; at = next_host(m, at)) {
		if (at && at != node && weir_dt_u32_(m->dt, at, "linux,pci-domain", &theirs))
			continue;
		while (is_given(m, segment))
			segment++;
		if (!at || at == node)
			break;
		segment++; /* that one's */
	}
	if (segment > UINT16_MAX)
		return bad(node, "no segment is left for it");
	host->segment = (uint16_t)segment;
	return 0;
}

/* ---- windows ---- */

/* Address spaces and flags are in the first cell, phys.hi (2.2.1.1). */
static bool space_of(uint32_t hi, enum weir_pci_space *out_space)
{
	static const enum weir_pci_space spaces[] = {
		WEIR_PCI_IO, WEIR_PCI_IO, WEIR_PCI_MEM, WEIR_PCI_HIGH,
	};

	*out_space = spaces[hi >> 24 & 3];
	return (hi >> 24 & 3) != 0;
}

static int read_windows(struct weir_dt_node *node, struct weir_pci_host *host)
{
	const struct weir_dt *dt = node->fw.m->dt;
	const struct weir_dt_prop *ranges = weir_dt_prop_(dt, node, "ranges");
	const struct weir_dt_node *above = weir_dt_parent_(node);
	uint32_t na, ns, cells, entry;

	if (!ranges)
		return bad(node, "no ranges");
	if (!weir_dt_bus_cells_(dt, node, &na, &ns) || na != 3 || ns != 2)
		return bad(node, "a PCI bus has 3 address cells and 2 size cells");
	if (!above || !weir_dt_bus_cells_(dt, above, &cells, &ns))
		return bad(node, "the bus above has no addresses");
	entry = (3 + cells + 2) * 4;
	if (ranges->bytes % entry)
		return bad(node, "ranges is not a whole number of entries");
	for (uint32_t at = 0; at < ranges->bytes; at += entry) {
		const uint8_t *p = ranges->value + at;
		struct weir_pci_window w = {
			.pci = be64(p + 4), .bytes = be64(p + (3 + (size_t)cells) * 4),
		};

		if (!space_of(weir_be32_(p), &w.space) || !w.bytes)
			continue;
		if (host->nr_windows == WEIR_PCI_MAX_WINDOWS)
			return bad(node, "more ranges than a host bridge has");
		if (w.pci + (w.bytes - 1) < w.pci)
			return bad(node, "a range goes past the end of the bus");
		if (!weir_dt_cpu_address_(dt, node, weir_be32_(p), w.pci, &w.cpu))
			w.cpu = WEIR_PCI_NO_CPU_ADDRESS;
		host->windows[host->nr_windows++] = w;
	}
	return 0;
}

int weir_dt_pci_host_(struct weir_fwnode *fw, struct weir_pci_host *out_host)
{
	struct weir_dt_node *node = weir_dt_node_(fw);
	struct weir_pci_host host = { 0 };
	int err;

	if (!weir_dt_is_compatible_(node, "pci-host-ecam-generic"))
		return WEIR_ENODEV;
	err = read_ecam(node, &host);
	if (!err)
		err = read_buses(node, &host);
	if (!err)
		err = read_segment(node, &host);
	if (!err)
		err = read_windows(node, &host);
	if (!err)
		*out_host = host;
	return err;
}

/* The first cell of a function's reg has the function in bits 8 to 15. */
struct weir_fwnode *weir_dt_pci_child_(struct weir_fwnode *fw, uint8_t devfn)
{
	const struct weir_dt *dt = fw->m->dt;

	for (struct weir_fwnode *child = fw->first_child; child; child = child->next_sibling) {
		uint32_t hi;

		if (weir_dt_u32_(dt, weir_dt_node_(child), "reg", &hi) &&
		    (hi >> 8 & 0xff) == devfn)
			return child;
	}
	return NULL;
}

/* ---- maps of requester ids ---- */

/*
 * Entries of <first-id target first-output length>, after masking the id with @mask.
 * An entry of length 0 maps nothing.
 */
static int look_up(const struct weir_dt *dt, const struct weir_dt_prop *map, uint32_t id,
		   struct weir_fwnode **out_target, uint32_t *out_id)
{
	if (!map->bytes || map->bytes % 16)
		return WEIR_EINVAL;
	for (uint32_t at = 0; at < map->bytes; at += 16) {
		const uint8_t *entry = map->value + at;
		uint32_t first = weir_be32_(entry), length = weir_be32_(entry + 12);
		uint32_t there = weir_be32_(entry + 8);
		struct weir_dt_node *target;

		if (id < first || id - first >= length)
			continue;
		target = weir_dt_by_phandle_(dt, weir_be32_(entry + 4));
		if (!target || id - first > UINT32_MAX - there)
			return WEIR_EINVAL;
		*out_target = &target->fw;
		*out_id = id - first + there;
		return 0;
	}
	return WEIR_ENOENT;
}

int weir_dt_map_id_(struct weir_fwnode *fw, enum weir_fwmap what, uint32_t id,
		    struct weir_fwnode **out_target, uint32_t *out_id)
{
	const struct weir_dt *dt = fw->m->dt;
	struct weir_dt_node *node = weir_dt_node_(fw);
	bool iommu = what == WEIR_FWMAP_IOMMU;
	const struct weir_dt_prop *map =
		weir_dt_prop_(dt, node, iommu ? "iommu-map" : "msi-map"), *parent;
	uint32_t mask;
	int err = iommu ? weir_dt_masters_host_(dt, node, out_target) : WEIR_EOPNOTSUPP;

	if (!err)
		*out_id = id;
	if (err != WEIR_EOPNOTSUPP)
		return err;
	if (map) {
		if (weir_dt_u32_(dt, node, iommu ? "iommu-map-mask" : "msi-map-mask", &mask))
			id &= mask;
		return look_up(dt, map, id, out_target, out_id);
	}
	/* Without a map all go to the MSI controller of the bridge, as they are. */
	parent = iommu ? NULL : weir_dt_prop_(dt, node, "msi-parent");
	if (!parent || parent->bytes < 4)
		return WEIR_ENOENT;
	node = weir_dt_by_phandle_(dt, weir_be32_(parent->value));
	if (!node)
		return WEIR_EINVAL;
	*out_target = &node->fw;
	*out_id = id;
	return 0;
}
