// SPDX-License-Identifier: MIT
/*
 * PCI host bridges of a tree, and where the requester ids of functions go: whether these will have
 * an IOMMU and a group, before there is any function. See groups.h.
 */
#include "groups.h"

#include "rootname.h"

#define LAST_ID 0xffffu

/* Ids in a row that go to one IOMMU, or nowhere. */
struct range {
	uint32_t first, last;
	struct weir_fwnode *iommu; /* NULL: nowhere */
};

/* The range that begins with an id. */
static struct range range_from(struct weir_fwnode *host, uint32_t id)
{
	struct range r = { .first = id, .last = id };
	struct weir_fwnode *next;
	uint32_t out;

	if (weir_firmware_map_id(host, WEIR_FWMAP_IOMMU, id, &r.iommu, &out))
		r.iommu = NULL;
	while (r.last < LAST_ID) {
		if (weir_firmware_map_id(host, WEIR_FWMAP_IOMMU, r.last + 1, &next, &out))
			next = NULL;
		if (next != r.iommu)
			break;
		r.last++;
	}
	return r;
}

static bool is_host(const struct weir_fwnode *node)
{
	return root_host_is(node, ROOT_PCI_NVME);
}

static void print_host(struct weir_fwnode *host)
{
	struct range r = range_from(host, 0);
	char path[256], iommu[256];

	printf("PCI host %s: ", path_words(host, path, sizeof(path)));
	if (!r.iommu && r.last == LAST_ID) {
		printf("no iommu-map: functions there have no IOMMU and no group\n");
		return;
	}
	for (uint32_t id = 0;; id = r.last + 1) {
		r = range_from(host, id);
		printf("%srequester ids 0x%x-0x%x: %s", id ? "; " : "", r.first, r.last,
		       r.iommu ? path_words(r.iommu, iommu, sizeof(iommu)) : "no IOMMU, no group");
		if (r.iommu && !weir_fwnode_available(r.iommu))
			printf(" (disabled: no group)");
		if (r.last == LAST_ID)
			break;
	}
	putchar('\n');
}

void groups_pci_print(struct weir_machine *m)
{
	for (struct weir_fwnode *node = weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		if (is_host(node))
			print_host(node);
}

json_t *groups_pci_json(struct weir_machine *m)
{
	json_t *hosts = json_array();
	char path[1024];

	for (struct weir_fwnode *node = weir_fwnode_root(m); node; node = weir_fwnode_next(node)) {
		json_t *ranges;

		if (!is_host(node))
			continue;
		ranges = json_array();
		for (struct range r = { .last = UINT32_MAX }; r.last != LAST_ID;) {
			r = range_from(node, r.last + 1);
			json_array_append_new(ranges, json_pack(
				"{s:i, s:i, s:s?}", "first", (int)r.first, "last", (int)r.last, "iommu",
				r.iommu ? path_words(r.iommu, path, sizeof(path)) : NULL));
		}
		json_array_append_new(hosts, json_pack("{s:s, s:o}", "path", path_words(node, path, sizeof(path)),
						       "ranges", ranges));
	}
	return hosts;
}

bool groups_any_iommu(struct weir_machine *m)
{
	const void *value;

	for (struct weir_fwnode *node = weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		if (!weir_fwnode_property(node, "#iommu-cells", &value, NULL))
			return true;
	return false;
}
