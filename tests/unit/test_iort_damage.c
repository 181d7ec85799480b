// SPDX-License-Identifier: MIT
/* IORT: what damage does. Each error says table, field and offset; nothing is left of a load that failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpitable.h"
#include "cm.h"
#include "testhost.h"
#include "weir/pci.h"
#include "weir/weir.h"

struct world {
	struct testhost *host;
	struct weir_machine *m;
	struct acpitable iort;
	struct iort_places at;
};

static const struct weir_pci_host hosts[] = {
	{ .segment = 0, .last_bus = 255, .ecam_pa = 0x40000000, .ecam_bytes = 0x10000000 },
	{ .segment = 1, .last_bus = 15, .ecam_pa = 0x60000000, .ecam_bytes = 0x1000000 },
};

static int load_bytes(struct world *w, const void *data, size_t bytes)
{
	const struct weir_acpi_table table = { data, bytes };
	const struct weir_acpi acpi = { .tables = &table, .nr_tables = 1, .hosts = hosts,
					.nr_hosts = 2 };

	return weir_firmware_load_acpi(w->m, &acpi);
}

static int load(struct world *w, const struct acpitable *iort)
{
	return load_bytes(w, iort->data, iort->bytes);
}

static void open_machine(struct world *w)
{
	w->host = testhost_create(NULL, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(w->host), w->host, &w->m), 0);
}

static void close_machine(struct world *w)
{
	weir_machine_destroy(w->m);
	testhost_destroy(w->host);
}

static int setup(void **state)
{
	static struct world w;

	iort_make(&w.iort, &w.at);
	open_machine(&w);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	close_machine(*state);
	return 0;
}

struct damage {
	uint32_t offset;
	unsigned int width;
	uint64_t value;
	const char *what; /* of the error */
	uint32_t told;    /* offset that is told */
};

static void assert_damaged(struct world *w, const struct damage *d)
{
	struct acpitable t = w->iort;
	char at[24];

	acpitable_set(&t, d->offset, d->width, d->value);
	acpitable_sum(&t);
	snprintf(at, sizeof(at), "(0x%x)", d->told);
	if (load(w, &t) != WEIR_EBADMSG)
		fail_msg("%s: was not found", d->what);
	if (!strstr(weir_firmware_error(w->m), "IORT") ||
	    !strstr(weir_firmware_error(w->m), d->what) || !strstr(weir_firmware_error(w->m), at))
		fail_msg("\"%s\" does not say %s %s", weir_firmware_error(w->m), d->what, at);
	assert_null(weir_fwnode_root(w->m));
}

static void test_iort_damage_fields(void **state)
{
	struct world *w = *state;
	const struct iort_places p = w->at;
	const struct damage all[] = {
		{ 4, 4, 0xffff, "length", 4 },
		{ 36, 4, 0xffffffff, "number of nodes", 36 },
		{ 36, 4, 11, "node", w->iort.bytes },
		{ 40, 4, 0, "offset of nodes", 40 },
		{ 40, 4, 0xfffffff0, "offset of nodes", 40 },
		{ p.its + 1, 2, 0, "node length", p.its + 1 },
		{ p.its + 1, 2, 0xffff, "node length", p.its + 1 },
		{ p.its + 16, 4, 0x40000001, "number of ITSs", p.its + 16 },
		{ p.its + 8, 4, 1, "offset of id mappings", p.its + 12 },
		{ p.rc0 + 8, 4, 3, "number of id mappings", p.rc0 + 8 },
		{ p.rc0 + 8, 4, 0x0ccccccd, "number of id mappings", p.rc0 + 8 },
		{ p.rc0 + 12, 4, 0, "offset of id mappings", p.rc0 + 12 },
		{ p.rc0 + 12, 4, 0xffffffec, "offset of id mappings", p.rc0 + 12 },
		{ p.rc0 + 28, 4, 0x10000, "PCI segment", p.rc0 + 28 },
		{ p.rc0_maps + 24, 4, 0xfffffe00, "number of ids", p.rc0_maps + 24 },
		{ p.rc0_maps + 8, 4, 0xfffffe00, "output base", p.rc0_maps + 8 },
		{ p.rc0_maps + 12, 4, p.smmu_v3 + 4, "output reference", p.rc0_maps + 12 },
		{ p.rc0_maps + 12, 4, 0xfffffff0, "output reference", p.rc0_maps + 12 },
		/* circles: to itself, to another root complex, from an SMMU to an SMMU */
		{ p.rc0_maps + 12, 4, p.rc0, "output reference", p.rc0_maps + 12 },
		{ p.rc0_maps + 12, 4, p.rc1, "output reference", p.rc0_maps + 12 },
		{ p.smmu_v3_maps + 12, 4, p.smmu, "output reference", p.smmu_v3_maps + 12 },
		{ p.smmu_v3_maps + 32, 4, p.smmu_v3, "output reference", p.smmu_v3_maps + 32 },
		{ p.smmu_v3_maps + 32, 4, p.rc0, "output reference", p.smmu_v3_maps + 32 },
		{ p.smmu_v3 + 16, 8, 0, "base address", p.smmu_v3 + 16 },
		{ p.smmu_v3 + 16, 8, UINT64_MAX - 0xffff, "base address", p.smmu_v3 + 16 },
		{ p.smmu_v3 + 64, 4, 2, "device id mapping index", p.smmu_v3 + 64 },
		{ p.smmu + 24, 8, 0, "span", p.smmu + 24 },
		{ p.smmu + 24, 8, UINT64_MAX, "span", p.smmu + 24 },
		{ p.smmu + 40, 4, 0xfff0, "offset of global interrupts", p.smmu + 40 },
		{ p.smmu + 44, 4, 0x20000001, "number of context interrupts", p.smmu + 44 },
		{ p.smmu + 48, 4, 0xffffffff, "number of context interrupts", p.smmu + 44 },
		{ p.named + 30, 1, 7, "name of the object", p.named + 29 },
		{ p.named + 30, 1, '/', "name of the object", p.named + 29 },
		{ p.rmr + 20, 4, 0x10000000, "number of memory ranges", p.rmr + 20 },
		{ p.rmr + 24, 4, 4, "number of memory ranges", p.rmr + 20 },
		{ p.rmr_ranges + 8, 8, 0, "length of a memory range", p.rmr_ranges + 8 },
		{ p.rmr_ranges + 8, 8, UINT64_MAX, "length of a memory range",
		  p.rmr_ranges + 8 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_damaged(w, &all[i]);
	/* What failed left nothing behind: the same machine takes a good table. */
	assert_int_equal(load(w, &w->iort), 0);
	assert_int_equal(load(w, &w->iort), WEIR_EEXIST);
}

/* Everything that can be asked, of whatever was loaded. */
static void ask_everything(struct weir_machine *m)
{
	struct weir_fwnode *n, *target;
	struct weir_pci_host host;
	struct weir_fwregion region;
	struct weir_fwspec spec;
	uint64_t pa, bytes;
	uint32_t out;

	for (n = weir_fwnode_root(m); n; n = weir_fwnode_next(n)) {
		for (uint32_t id = 0; id < 0x20000; id += id < 0x20 ? 1 : 0xff) {
			(void)weir_firmware_map_id(n, WEIR_FWMAP_IOMMU, id, &target, &out);
			(void)weir_firmware_map_id(n, WEIR_FWMAP_MSI, id, &target, &out);
		}
		for (unsigned int i = 0; !weir_firmware_spec(n, i, &spec); i++)
			assert_non_null(spec.target);
		for (unsigned int i = 0; !weir_firmware_stream_region(n, 0x1010, i, &region); i++)
			assert_true(region.first <= region.last);
		for (unsigned int i = 0; weir_firmware_line(n, i, &out) != WEIR_ENOENT; i++)
			;
		(void)weir_firmware_pci_host(n, &host);
		(void)weir_firmware_registers(n, 0, &pa, &bytes);
	}
	assert_int_equal(weir_firmware_populate(m), 0);
}

static void try(struct world *w, const void *data, size_t bytes)
{
	int err;

	open_machine(w);
	err = load_bytes(w, data, bytes);
	if (err) {
		assert_int_equal(err, WEIR_EBADMSG);
		assert_true(weir_firmware_error(w->m)[0]);
	} else {
		ask_everything(w->m);
	}
	close_machine(w);
}

/* Cut off anywhere, with the length as it was, and with one that fits. */
static void test_iort_damage_truncated(void **state)
{
	struct world *w = *state;

	close_machine(w);
	for (uint32_t n = 0; n < w->iort.bytes; n++) {
		struct acpitable t = w->iort;
		uint8_t *exact = malloc(n ? n : 1);

		assert_non_null(exact);
		memcpy(exact, t.data, n);
		try(w, exact, n);
		if (n >= 36) {
			t.bytes = n;
			acpitable_end(&t);
			memcpy(exact, t.data, n);
			try(w, exact, n);
		}
		free(exact);
	}
	open_machine(w);
}

/* Each byte with other values, the sum put right; and with the sum wrong. */
static void test_iort_damage_bytes(void **state)
{
	static const uint8_t values[] = { 0, 1, 4, 0x7f, 0x80, 0xff };
	struct world *w = *state;

	close_machine(w);
	for (uint32_t at = 10; at < w->iort.bytes; at++) {
		for (size_t i = 0; i < sizeof(values); i++) {
			struct acpitable t = w->iort;

			t.data[at] = values[i];
			acpitable_sum(&t);
			try(w, t.data, t.bytes);
		}
	}
	open_machine(w);
	for (uint32_t at = 8; at < w->iort.bytes; at++) {
		struct acpitable t = w->iort;

		t.data[at] ^= 0x10;
		assert_int_equal(load(w, &t), WEIR_EBADMSG);
		assert_non_null(strstr(weir_firmware_error(w->m), "checksum"));
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_iort_damage_fields),
		TEST(test_iort_damage_truncated),
		TEST(test_iort_damage_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
