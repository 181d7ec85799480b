// SPDX-License-Identifier: MIT
/* QEMU's ACPI tables, as the library and as iasl decode them. */
#include <string.h>

#include "bench.h"
#include "core/core.h"
#include "iasl.h"

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static const uint8_t *at_pa(struct bench *b, uint64_t pa, size_t bytes)
{
	void *va;

	assert_int_equal(weir_qtest_va(b->qtest, pa, bytes, &va), 0);
	return va;
}

/* By QEMU's XSDT, or RSDT where there is none. NULL: no such table. */
static const uint8_t *find_table(struct bench *b, uint64_t rsdp_pa, const char *name,
				 uint32_t *out_bytes)
{
	const uint8_t *rsdp = at_pa(b, rsdp_pa, 36), *list;
	bool extended = rsdp[15] >= 2;
	uint32_t bytes;

	list = at_pa(b, le32(rsdp + (extended ? 24 : 16)), 36);
	bytes = le32(list + 4);
	for (uint32_t i = 36; i < bytes; i += extended ? 8 : 4) {
		const uint8_t *t = at_pa(b, le32(list + i), 36);

		if (memcmp(t, name, 4) != 0)
			continue;
		*out_bytes = le32(t + 4);
		return t;
	}
	return NULL;
}

static void decode_again(struct bench *b, uint64_t rsdp_pa, struct iasl_count *total)
{
	struct iasl_count count = { 0 };
	const uint8_t *table;
	uint32_t bytes;

	table = find_table(b, rsdp_pa, "IORT", &bytes);
	if (table)
		iasl_compare_iort(b->m, table, bytes, &count);
	total->nodes += count.nodes;
	total->maps += count.maps;
	total->fields += count.fields;
	table = find_table(b, rsdp_pa, "MCFG", &bytes);
	assert_non_null(table);
	iasl_compare_mcfg(b->m, table, bytes, &count);
	total->fields += count.fields;
}

static void load(struct bench *b, uint64_t *out_rsdp_pa)
{
	struct weir_acpi acpi = { .nr_hosts = 0 };

	b->host = testhost_create(weir_qtest_ops(b->qtest), b->qtest);
	assert_int_equal(weir_machine_create(testhost_ops(b->host), b->host, &b->m), 0);
	assert_int_equal(weir_qtest_acpi(b->qtest, &acpi.rsdp_pa), 0);
	if (weir_firmware_load_acpi(b->m, &acpi))
		fail_msg("%s", weir_firmware_error(b->m));
	*out_rsdp_pa = acpi.rsdp_pa;
}

static void test_iasl_on_qemu(void **state)
{
	static const char *const one[] = { "-device", "e1000e", NULL };
	static const char *const behind[] = {
		"-device", "virtio-iommu-pci,addr=01.0", "-device", "pxb-pcie,bus=pcie.0,bus_nr=64", NULL,
	};
	static const char *const bypassed[] = {
		"-device", "pxb-pcie,bus=pcie.0,bus_nr=16,bypass_iommu=on", "-device",
		"pxb-pcie,bus=pcie.0,bus_nr=64",
		NULL,
	};
	static const struct {
		const char *arch, *machine;
		const char *const *args;
	} all[] = {
		{ "aarch64", "virt,gic-version=3", one },
		{ "aarch64", "virt,gic-version=2", one },
		{ "aarch64", "virt,iommu=smmuv3,gic-version=3", one },
		{ "aarch64", "virt,iommu=smmuv3,gic-version=3", bypassed },
		{ "aarch64", "virt,gic-version=3", behind },
		{ "x86_64", "q35", one },
	};
	struct iasl_count total = { 0 };

	(void)state;
	if (!iasl_is_there()) {
		print_message("# no iasl (Debian: acpica-tools)\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint64_t rsdp_pa;
		struct bench b;

		bench_start(&b, all[i].arch, all[i].machine, all[i].args);
		if (!strcmp(all[i].arch, "x86_64")) { /* MCH: configuration space on */
			weir_qtest_out(b.qtest, 0xcf8, 4, 0x80000060);
			weir_qtest_out(b.qtest, 0xcfc, 4, 0xb0000001);
		}
		load(&b, &rsdp_pa);
		decode_again(&b, rsdp_pa, &total);
		bench_close(&b);
	}
	print_message("# %u nodes, %u mappings, %u fields as iasl has them\n", total.nodes,
		      total.maps, total.fields);
	assert_true(total.nodes >= 11 && total.maps >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iasl_on_qemu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
