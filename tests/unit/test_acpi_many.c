// SPDX-License-Identifier: MIT
/*
 * Tables of as many entries as they can have: each is found, by what it says, and none is looked at for
 * each of the others.
 */
#include <stdlib.h>
#include <string.h>

#include "cm.h"
#include "testhost.h"
#include "weir/firmware.h"
#include "weir/weir.h"

#define SEGMENTS 65536u
#define ITSS 40000u
#define VIOMMUS 1000u

struct buffer {
	uint8_t *at;
	uint32_t bytes, room;
};

static void put(struct buffer *b, unsigned int width, uint64_t value)
{
	if (b->bytes + width > b->room) {
		b->room = b->room ? 2 * b->room : 65536;
		b->at = realloc(b->at, b->room);
		assert_non_null(b->at);
	}
	for (unsigned int i = 0; i < width; i++)
		b->at[b->bytes++] = (uint8_t)(value >> 8 * i);
}

static void begin(struct buffer *b, const char *signature, uint8_t revision)
{
	memset(b, 0, sizeof(*b));
	for (unsigned int i = 0; i < 4; i++)
		put(b, 1, (uint8_t)signature[i]);
	put(b, 4, 0);
	put(b, 1, revision);
	while (b->bytes < 36)
		put(b, 1, 0);
}

static void end(struct buffer *b)
{
	uint8_t sum = 0;

	b->at[9] = 0;
	for (unsigned int i = 0; i < 4; i++)
		b->at[4 + i] = (uint8_t)(b->bytes >> 8 * i);
	for (uint32_t i = 0; i < b->bytes; i++)
		sum = (uint8_t)(sum + b->at[i]);
	b->at[9] = (uint8_t)-sum;
}

/* A segment each, with bus 0 alone; the last one has its other buses, too. */
static void make_mcfg(struct buffer *b)
{
	begin(b, "MCFG", 1);
	put(b, 8, 0);
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		put(b, 8, UINT64_C(0x100000000) + ((uint64_t)i << 20));
		put(b, 2, i);
		put(b, 2, 0);
		put(b, 4, 0);
	}
	for (uint32_t bus = 1; bus < 256; bus++) {
		put(b, 8, UINT64_C(0x2000000000));
		put(b, 2, SEGMENTS - 1);
		put(b, 2, bus << 8 | bus);
		put(b, 4, 0);
	}
	end(b);
}

static uint32_t node_head(struct buffer *b, uint8_t type, uint16_t bytes, uint32_t nr_maps)
{
	uint32_t at = b->bytes;

	put(b, 1, type);
	put(b, 2, bytes);
	put(b, 1, 1);
	put(b, 4, 0);
	put(b, 4, nr_maps);
	put(b, 4, nr_maps ? 36 : 0);
	return at;
}

/* ITS groups of one ITS each; a root complex for each segment, whose ids go to one of them. */
static void make_iort(struct buffer *b)
{
	static uint32_t its[ITSS];

	begin(b, "IORT", 5);
	put(b, 4, ITSS + SEGMENTS);
	put(b, 4, 48);
	put(b, 4, 0);
	for (uint32_t i = 0; i < ITSS; i++) {
		its[i] = node_head(b, 0, 24, 0);
		put(b, 4, 1);
		put(b, 4, i);
	}
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		node_head(b, 2, 56, 1);
		put(b, 8, 1); /* coherent */
		put(b, 4, 0);
		put(b, 4, SEGMENTS - 1 - i);
		put(b, 4, 64);
		put(b, 4, 0); /* all ids from 0 on, */
		put(b, 4, 0xffff);
		put(b, 4, i); /* from this one on */
		put(b, 4, its[i % ITSS]);
		put(b, 4, 0);
	}
	end(b);
}

static void make_madt(struct buffer *b)
{
	begin(b, "APIC", 4);
	put(b, 8, 0);
	for (uint32_t i = ITSS; i--;) {
		put(b, 2, 20 << 8 | 15);
		put(b, 2, 0);
		put(b, 4, i);
		put(b, 8, UINT64_C(0x800000000) + ((uint64_t)i << 17));
		put(b, 4, 0);
	}
	end(b);
}

/* Functions of the last segments, each the IOMMU of one of the first. */
static void make_viot(struct buffer *b)
{
	uint32_t at[VIOMMUS];

	begin(b, "VIOT", 1);
	put(b, 2, 2 * VIOMMUS);
	put(b, 2, 48);
	put(b, 8, 0);
	for (uint32_t i = 0; i < VIOMMUS; i++) {
		at[i] = b->bytes;
		put(b, 2, 3);
		put(b, 2, 16);
		put(b, 2, SEGMENTS - 1 - i);
		put(b, 2, 0x10);
		put(b, 8, 0);
	}
	for (uint32_t i = 0; i < VIOMMUS; i++) {
		put(b, 2, 1);
		put(b, 2, 24);
		put(b, 4, 0x10000 * i);
		put(b, 2, i);
		put(b, 2, i);
		put(b, 2, 0);
		put(b, 2, 0xff);
		put(b, 2, at[i]);
		put(b, 6, 0);
	}
	end(b);
}

/* ---- the machine ---- */

struct bed {
	struct buffer tables[4];
	struct testhost *host;
	struct weir_machine *m;
};

static int load(struct bed *bed)
{
	struct weir_acpi_table tables[4];
	const struct weir_acpi acpi = { .tables = tables, .nr_tables = 4 };

	for (unsigned int i = 0; i < 4; i++)
		tables[i] = (struct weir_acpi_table){ bed->tables[i].at, bed->tables[i].bytes };
	bed->host = testhost_create(NULL, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(bed->host), bed->host, &bed->m), 0);
	return weir_firmware_load_acpi(bed->m, &acpi);
}

static void unload(struct bed *bed)
{
	weir_machine_destroy(bed->m);
	testhost_destroy(bed->host);
	for (unsigned int i = 0; i < 4; i++)
		free(bed->tables[i].at);
}

static struct weir_fwnode *node(struct bed *bed, const char *path)
{
	struct weir_fwnode *found;

	if (weir_fwnode_find(bed->m, path, &found))
		fail_msg("no node %s", path);
	return found;
}

static void make(struct bed *bed)
{
	make_mcfg(&bed->tables[0]);
	make_iort(&bed->tables[1]);
	make_madt(&bed->tables[2]);
	make_viot(&bed->tables[3]);
}

static void test_acpi_many_are_found(void **state)
{
	static const struct { const char *bridge; uint32_t segment; } at[] = {
		{ "/pci0000:00", 0 }, { "/pci1234:00", 0x1234 }, { "/pciffff:00", 0xffff },
		{ "/pciffff:ff", 0xffff },
	};
	struct bed bed;

	(void)state;
	make(&bed);
	assert_int_equal(load(&bed), 0);
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		uint32_t k = SEGMENTS - 1 - at[i].segment, id;
		uint64_t pa, bytes;
		struct weir_fwnode *its;

		assert_int_equal(weir_firmware_map_id(node(&bed, at[i].bridge), WEIR_FWMAP_MSI, 0x77,
						      &its, &id), 0);
		assert_int_equal(id, k + 0x77);
		assert_int_equal(weir_firmware_registers(its, 0, &pa, &bytes), 0);
		assert_int_equal(pa, UINT64_C(0x800000000) + ((uint64_t)(k % ITSS) << 17));
	}
	for (uint32_t i = 0; i < VIOMMUS; i += VIOMMUS - 1) {
		const char *bridge = i ? "/pci03e7:00" : "/pci0000:00";
		struct weir_fwnode *iommu;
		uint32_t id;

		assert_int_equal(weir_firmware_map_id(node(&bed, bridge), WEIR_FWMAP_IOMMU, 0x88, &iommu,
						      &id), 0);
		assert_ptr_equal(iommu, node(&bed, i ? "/pcifc18:00/fc18:00:02.0"
						     : "/pciffff:00/ffff:00:02.0"));
		assert_int_equal(id, 0x10000 * i + 0x88);
	}
	unload(&bed);
}

/* Two entries of one segment share a bus, with all others in between. */
static void test_acpi_many_overlap(void **state)
{
	struct bed bed;

	(void)state;
	make(&bed);
	bed.tables[0].bytes -= 255 * 16;
	for (unsigned int i = 0; i < 2; i++) {
		put(&bed.tables[0], 8, UINT64_C(0x3000000000));
		put(&bed.tables[0], 2, 7);
		put(&bed.tables[0], 2, i ? 0x2010 : 0x3020); /* buses 0x20 to 0x30, then 0x10 to 0x20 */
		put(&bed.tables[0], 4, 0);
	}
	end(&bed.tables[0]);
	assert_int_equal(load(&bed), WEIR_EBADMSG);
	assert_non_null(strstr(weir_firmware_error(bed.m), "is in an earlier entry too"));
	unload(&bed);
}

/* Ids of one node that go to more IOMMUs than any machine has: refused, by name. */
static void test_acpi_many_targets(void **state)
{
	for (uint32_t n = 1024; n <= 1025; n++) {
		struct buffer *b;
		struct bed bed;

		(void)state;
		make(&bed);
		b = &bed.tables[1];
		free(b->at);
		begin(b, "IORT", 5);
		put(b, 4, n + 1);
		put(b, 4, 48);
		put(b, 4, 0);
		for (uint32_t i = 0; i < n; i++) {
			node_head(b, 0, 24, 0);
			put(b, 4, 1);
			put(b, 4, i);
		}
		node_head(b, 2, (uint16_t)(36 + 2 * n * 20), 2 * n);
		put(b, 8, 1);
		put(b, 4, 0);
		put(b, 4, 0);
		put(b, 4, 64);
		for (uint32_t i = 0; i < 2 * n; i++) { /* each twice */
			put(b, 4, 16 * i);
			put(b, 4, 15);
			put(b, 4, 16 * i);
			put(b, 4, 48 + 24 * (i / 2));
			put(b, 4, 0);
		}
		end(b);
		assert_int_equal(load(&bed), n > 1024 ? WEIR_EBADMSG : 0);
		if (n > 1024)
			assert_non_null(strstr(weir_firmware_error(bed.m), "1024 is the most"));
		unload(&bed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acpi_many_are_found),
		cmocka_unit_test(test_acpi_many_overlap),
		cmocka_unit_test(test_acpi_many_targets),
	};

	return cmocka_run_group_tests_name("acpi_many", tests, NULL, NULL);
}
