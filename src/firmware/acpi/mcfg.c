// SPDX-License-Identifier: MIT
/*
 * MCFG: where the configuration space of PCI segments is, and the host bridges that are
 * made of it. MADT: where the ITSs are that IORT names by number.
 *
 * PCI Firmware Specification 3.2, 4.1.2; ACPI 6.6, 5.2.12 and 5.2.12.18.
 */
#include "core/text.h"
#include "firmware/acpi/acpi.h"

#define MCFG_FIRST 44u
#define MCFG_ENTRY_BYTES 16u
#define MADT_FIRST 44u
#define MADT_ITS 15u
#define MADT_ITS_BYTES 20u
#define ITS_BYTES 0x20000u /* two frames of 64 KiB (GIC, IHI 0069H, 12.10) */

/* ---- MCFG ---- */

static bool overlap(const struct mcfg_entry *x, const struct mcfg_entry *y)
{
	return x->segment == y->segment && x->first_bus <= y->last_bus &&
	       y->first_bus <= x->last_bus;
}

/* @segments: each one's first entry, by index + 1; there are at most 256 of one. */
static int read_entry(struct weir_acpi_tree *a, uint32_t at, struct weir_map *segments)
{
	const struct table *t = &a->table_mcfg;
	struct mcfg_entry e = {
		.base = acpi_le64_(t, at), .segment = acpi_le16_(t, at + 8),
		.first_bus = t->at[at + 10], .last_bus = t->at[at + 11], .next = NOWHERE,
	};
	uint32_t first;
	int err;

	if (e.first_bus > e.last_bus)
		return weir_acpi_bad_(a, t, at + 11, "end bus number", "is below the start");
	if (!e.base || e.base & 0xfffff || e.base > UINT64_MAX - (256u << 20))
		return weir_acpi_bad_(a, t, at, "base address", "is no configuration space");
	first = (uint32_t)(uintptr_t)weir_map_get_(segments, t->at + at + 8, 2);
	for (uint32_t i = first - 1; i != NOWHERE; i = a->mcfg[i].next)
		if (overlap(&a->mcfg[i], &e))
			return weir_acpi_bad_(a, t, at + 10, "start bus number",
					      "is in an earlier entry too");
	err = weir_grow_(a->m, (void **)&a->mcfg, &a->max_mcfg, a->nr_mcfg, sizeof(*a->mcfg));
	if (!err && !first)
		err = weir_map_add_(a->m, segments, t->at + at + 8, 2,
				    (void *)(uintptr_t)(a->nr_mcfg + 1));
	if (err)
		return err;
	if (first) {
		e.next = a->mcfg[first - 1].next;
		a->mcfg[first - 1].next = a->nr_mcfg;
	}
	a->mcfg[a->nr_mcfg++] = e;
	return 0;
}

int weir_acpi_mcfg_(struct weir_acpi_tree *a)
{
	const struct table *t = &a->table_mcfg;
	struct weir_map segments = { 0 };
	int err = 0;

	if (!t->bytes)
		return 0;
	if (t->bytes < MCFG_FIRST || (t->bytes - MCFG_FIRST) % MCFG_ENTRY_BYTES)
		return weir_acpi_bad_(a, t, 4, "length", "is not a whole number of entries");
	for (uint32_t at = MCFG_FIRST; at < t->bytes && !err; at += MCFG_ENTRY_BYTES)
		err = read_entry(a, at, &segments);
	weir_map_fini_(a->m, &segments);
	return err;
}

/* ---- host bridges ---- */

static int make_host(struct weir_acpi_tree *a, const struct weir_pci_host *host)
{
	struct acpi_node *node, *first;
	char name[16];
	int err;

	weir_format_(name, sizeof(name), "pci%04x:%02x", host->segment, host->first_bus);
	err = weir_acpi_node_create_(a, NULL, ACPI_HOST, name, &node);
	if (err)
		return err;
	node->keys[0] = "acpi:PNP0A08";
	node->host = weir_alloc_(a->m, sizeof(*node->host));
	if (!node->host)
		return WEIR_ENOMEM;
	*node->host = *host;
	first = weir_map_get_(&a->hosts, &host->segment, sizeof(host->segment));
	if (!first)
		return weir_map_add_(a->m, &a->hosts, &node->host->segment,
				     sizeof(node->host->segment), node);
	node->next_host = first->next_host;
	first->next_host = node;
	return 0;
}

/* Buses without a description of windows: set up, and the same for the CPU and on the bus. */
static int make_plain_host(struct weir_acpi_tree *a, const struct mcfg_entry *e)
{
	const struct weir_pci_host host = {
		.segment = e->segment, .first_bus = e->first_bus, .last_bus = e->last_bus,
		.ecam_pa = e->base + ((uint64_t)e->first_bus << 20),
		.ecam_bytes = (uint64_t)(e->last_bus - e->first_bus + 1) << 20,
		.flags = WEIR_PCI_KEEP,
		.nr_windows = 2,
		.windows = {
			{ .space = WEIR_PCI_MEM, .bytes = UINT64_C(1) << 32 },
			{ .space = WEIR_PCI_HIGH, .pci = UINT64_C(1) << 32,
			  .cpu = UINT64_C(1) << 32, .bytes = UINT64_MAX - UINT32_MAX },
		},
	};

	return make_host(a, &host);
}

static const struct mcfg_entry *entry_of(const struct weir_acpi_tree *a,
					 const struct weir_pci_host *host)
{
	for (uint32_t i = 0; i < a->nr_mcfg; i++) {
		const struct mcfg_entry *e = &a->mcfg[i];

		if (e->segment == host->segment && e->first_bus <= host->first_bus &&
		    host->last_bus <= e->last_bus)
			return e;
	}
	return NULL;
}

static int refuse(struct weir_acpi_tree *a, const struct weir_pci_host *host, const char *what)
{
	weir_format_(a->m->firmware_error, sizeof(a->m->firmware_error),
		     "the host bridge of segment %u, buses %u to %u, %s", host->segment,
		     host->first_bus, host->last_bus, what);
	return WEIR_EINVAL;
}

/* A host bridge that the embedder describes; configuration space is MCFG's unless it says. */
static int make_given_host(struct weir_acpi_tree *a, const struct weir_pci_host *given)
{
	struct weir_pci_host host = *given;
	const struct mcfg_entry *e = entry_of(a, &host);

	if (host.first_bus > host.last_bus || host.nr_windows > WEIR_PCI_MAX_WINDOWS)
		return refuse(a, &host, "makes no sense");
	for (uint16_t bus = host.first_bus; bus <= host.last_bus; bus++)
		if (weir_acpi_host_of_(a, host.segment, (uint16_t)(bus << 8)))
			return refuse(a, &host, "shares buses with another");
	if (!host.ecam_bytes) {
		if (!e)
			return refuse(a, &host, "has no configuration space in MCFG");
		host.ecam_pa = e->base + ((uint64_t)host.first_bus << 20);
		host.ecam_bytes = (uint64_t)(host.last_bus - host.first_bus + 1) << 20;
	}
	return make_host(a, &host);
}

int weir_acpi_hosts_(struct weir_acpi_tree *a, const struct weir_acpi *acpi)
{
	int err = 0;

	for (unsigned int i = 0; acpi->hosts && i < acpi->nr_hosts && !err; i++)
		err = make_given_host(a, &acpi->hosts[i]);
	for (uint32_t i = 0; !acpi->hosts && i < a->nr_mcfg && !err; i++)
		err = make_plain_host(a, &a->mcfg[i]);
	return err;
}

/* ---- MADT ---- */

/*
 * IORT keeps of an ITS group its only ITS's number as its id; a larger one has no address.
 * @where: number -> where it is in the table.
 */
static void place_its(struct weir_acpi_tree *a, const struct weir_map *where)
{
	const struct table *t = &a->table_madt;

	for (struct acpi_node *node = a->first; node; node = node->next) {
		uint8_t key[4] = { (uint8_t)node->id, (uint8_t)(node->id >> 8),
				   (uint8_t)(node->id >> 16), (uint8_t)(node->id >> 24) };
		const uint8_t *its = NULL;

		if (node->kind == ACPI_ITS_GROUP && node->id != UINT32_MAX)
			its = weir_map_get_(where, key, sizeof(key));
		if (!its)
			continue;
		node->pa = acpi_le64_(t, (uint32_t)(its - t->at) + 8);
		node->bytes = ITS_BYTES;
	}
}

static int read_its(struct weir_acpi_tree *a, struct weir_map *where)
{
	const struct table *t = &a->table_madt;
	int err = 0;

	if (t->bytes < MADT_FIRST)
		return weir_acpi_bad_(a, t, 4, "length", "is less than the table's head");
	for (uint32_t at = MADT_FIRST, bytes; at < t->bytes && !err; at += bytes) {
		bytes = t->bytes - at < 2 ? 0 : t->at[at + 1];
		if (bytes < 2 || bytes > t->bytes - at)
			return weir_acpi_bad_(a, t, at, "structure", "does not fit the table");
		if (t->at[at] != MADT_ITS)
			continue;
		if (bytes < MADT_ITS_BYTES)
			return weir_acpi_bad_(a, t, at + 1, "length", "is less than an ITS has");
		if (acpi_le64_(t, at + 8) > UINT64_MAX - ITS_BYTES)
			return weir_acpi_bad_(a, t, at + 8, "base address",
					      "is not that of an ITS");
		err = weir_map_add_(a->m, where, t->at + at + 4, 4, (void *)(uintptr_t)(t->at + at));
		err = err == WEIR_EEXIST ? 0 : err; /* the first counts */
	}
	return err;
}

int weir_acpi_madt_(struct weir_acpi_tree *a)
{
	struct weir_map where = { 0 };
	int err = a->table_madt.bytes ? read_its(a, &where) : 0;

	if (!err)
		place_its(a, &where);
	weir_map_fini_(a->m, &where);
	return err;
}
