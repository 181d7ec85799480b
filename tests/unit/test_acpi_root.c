// SPDX-License-Identifier: MIT
/* Finding ACPI tables: by the root pointer, through lists, among others; and arguments. */
#include "acpibed.h"

static void put(struct world *w, uint32_t at, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++)
		w->memory[at + i] = (uint8_t)(value >> 8 * i);
}

static void sum(struct world *w, uint32_t from, uint32_t bytes, uint32_t at)
{
	uint8_t total = 0;

	w->memory[at] = 0;
	for (uint32_t i = 0; i < bytes; i++)
		total = (uint8_t)(total + w->memory[from + i]);
	w->memory[at] = (uint8_t)-total;
}

static void sum_rsdp(struct world *w)
{
	sum(w, RSDP_AT, 20, RSDP_AT + 8);
	sum(w, RSDP_AT, 36, RSDP_AT + 32);
}

static void make_memory(struct world *w, bool extended)
{
	struct acpitable list;

	acpitable_begin(&list, extended ? "XSDT" : "RSDT", 1);
	acpitable_put(&list, extended ? 8 : 4, w->base + VIOT_AT);
	acpitable_put(&list, extended ? 8 : 4, 0);
	acpitable_put(&list, extended ? 8 : 4, w->base + MCFG_AT);
	acpitable_end(&list);
	memcpy(w->memory + LIST_AT, list.data, list.bytes);
	memcpy(w->memory + MCFG_AT, w->mcfg.data, w->mcfg.bytes);
	memcpy(w->memory + VIOT_AT, w->viot.data, w->viot.bytes);
	memcpy(w->memory + RSDP_AT, "RSD PTR ", 8);
	put(w, RSDP_AT + 15, 1, extended ? 2 : 0);
	put(w, RSDP_AT + 16, 4, extended ? 0 : w->base + LIST_AT);
	put(w, RSDP_AT + 20, 4, 36);
	put(w, RSDP_AT + 24, 8, extended ? w->base + LIST_AT : 0);
	sum_rsdp(w);
}

static int load_memory(struct world *w)
{
	const struct weir_acpi acpi = { .rsdp_pa = w->base + RSDP_AT };

	return weir_firmware_load_acpi(w->m, &acpi);
}

static void test_acpi_xsdt(void **state)
{
	struct world *w = *state;

	make_memory(w, true);
	assert_int_equal(load_memory(w), 0);
	node(w, "/pci0000:00/0000:01:02.3");
}

/* Revision 0, and the list with addresses of 32 bits. */
static void test_acpi_rsdt(void **state)
{
	struct world *w = *state;

	w->base = LOW_PA;
	make_memory(w, false);
	assert_int_equal(load_memory(w), 0);
	node(w, "/pci0002:20");
	close_machine(w);

	/* with revision 2 too, where there is no XSDT */
	open_machine(w);
	put(w, RSDP_AT + 15, 1, 2);
	sum_rsdp(w);
	assert_int_equal(load_memory(w), 0);
	node(w, "/pci0002:20");
}

struct bad {
	uint32_t at;
	unsigned int width;
	uint64_t value;
	const char *what;
	bool keep_sums;
};

static void test_acpi_bad_lists(void **state)
{
	static const struct bad all[] = {
		{ RSDP_AT, 1, 'r', "RSDP: signature at offset 0", false },
		{ RSDP_AT + 8, 1, 0x77, "RSDP: checksum at offset 8", true },
		{ RSDP_AT + 32, 1, 0x77, "RSDP: extended checksum at offset 32", true },
		{ RSDP_AT + 20, 4, 35, "RSDP: length at offset 20", false },
		{ RSDP_AT + 20, 4, 0xfffffff0, "RSDP: length at offset 20", true },
		{ RSDP_AT + 24, 8, 0x1000, "RSDP: address at offset 24", false },
		{ RSDP_AT + 24, 8, UINT64_MAX - 8, "RSDP: address at offset 24", false },
		{ RSDP_AT + 24, 8, MEMORY_PA + MCFG_AT, "MCFG: signature at offset 0", false },
		{ LIST_AT + 9, 1, 0, "XSDT: checksum at offset 9", true },
		{ LIST_AT + 4, 4, 35, "XSDT: length at offset 4", true },
		{ LIST_AT + 4, 4, MEMORY_BYTES, "XSDT: length at offset 4", true },
		{ MCFG_AT + 4, 4, 8, "MCFG: length at offset 4", true },
		{ MCFG_AT + 4, 4, 0xffffffff, "MCFG: length at offset 4", true },
		{ MCFG_AT + 20, 1, 1, "MCFG: checksum at offset 9", true },
		{ VIOT_AT + 50, 1, 1, "VIOT: checksum at offset 9", true },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		make_memory(w, true);
		put(w, all[i].at, all[i].width, all[i].value);
		if (!all[i].keep_sums)
			sum_rsdp(w);
		assert_int_equal(load_memory(w), WEIR_EBADMSG);
		if (!strstr(weir_firmware_error(w->m), all[i].what))
			fail_msg("\"%s\" does not say %s", weir_firmware_error(w->m), all[i].what);
		assert_null(weir_fwnode_root(w->m));
	}
	/* An address in the list that is not in memory. */
	make_memory(w, true);
	put(w, LIST_AT + 36, 8, 8);
	sum(w, LIST_AT, 36 + 24, LIST_AT + 9);
	assert_int_equal(load_memory(w), WEIR_EBADMSG);
	assert_non_null(strstr(weir_firmware_error(w->m), "XSDT: address at offset 36"));
	make_memory(w, true);
	assert_int_equal(load_memory(w), 0);
}

/* Tables of no interest may be damaged, and the second of a kind does not count. */
static void test_acpi_others(void **state)
{
	struct world *w = *state;
	struct acpitable other, second;
	struct weir_acpi_table tables[4] = { { other.data, 40 }, { w->mcfg.data, w->mcfg.bytes },
					     { second.data, 0 }, { w->viot.data, w->viot.bytes } };
	const struct weir_acpi acpi = { .tables = tables, .nr_tables = 4 };

	acpitable_begin(&other, "SSDT", 1);
	acpitable_put(&other, 4, 0);
	acpitable_end(&other);
	other.data[9]++;
	acpitable_begin(&second, "MCFG", 1);
	acpitable_end(&second);
	tables[2].bytes = second.bytes;
	assert_int_equal(weir_firmware_load_acpi(w->m, &acpi), 0);
	node(w, "/pci0002:20");
}

/* Nor is one that a list has looked at further than its name: here it has a length that cannot be. */
static void test_acpi_others_in_list(void **state)
{
	static const uint32_t lengths[] = { 0, 35, MEMORY_BYTES, UINT32_MAX };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_memory(w, true);
		put(w, VIOT_AT, 4, 0x314d454f); /* "OEM1" */
		put(w, VIOT_AT + 4, 4, lengths[i]);
		if (load_memory(w))
			fail_msg("%s", weir_firmware_error(w->m));
		node(w, "/pci0002:20");
		close_machine(w);
		open_machine(w);
	}
}

static void test_acpi_arguments(void **state)
{
	struct world *w = *state;
	const struct weir_acpi nothing = { 0 }, pointer = { .rsdp_pa = MEMORY_PA };
	const struct weir_acpi_table cut = { w->mcfg.data, 35 };
	const struct weir_acpi short_one = { .tables = &cut, .nr_tables = 1 };
	struct weir_fwnode *found;

	assert_int_equal(weir_firmware_load_acpi(w->m, &nothing), WEIR_EINVAL);
	assert_int_equal(weir_firmware_load_acpi(w->m, &short_one), WEIR_EBADMSG);
	assert_string_equal(weir_firmware_error(w->m),
			    "damaged ACPI table ????: header at offset 35 (0x23) is cut off");
	assert_int_equal(weir_firmware_populate(w->m), WEIR_ENOENT);
	assert_int_equal(weir_fwnode_find(w->m, "/", &found), WEIR_ENOENT);
	close_machine(w);

	/* a host without memory by address */
	w->host = testhost_create(NULL, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(w->host), w->host, &w->m), 0);
	assert_int_equal(weir_firmware_load_acpi(w->m, &pointer), WEIR_EOPNOTSUPP);
	must_load(w);
	assert_int_equal(load(w, NULL, 0), WEIR_EEXIST);
	assert_int_equal(weir_fwnode_find(w->m, "/", &found), 0);
	assert_ptr_equal(found, weir_fwnode_root(w->m));
	assert_int_equal(weir_fwnode_find(w->m, "//pci0002:20/", &found), 0);
	assert_int_equal(weir_fwnode_find(w->m, "/pci0002", &found), WEIR_ENOENT);
	assert_int_equal(weir_fwnode_find(w->m, "pci0002:20", &found), WEIR_ENOENT);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_acpi_xsdt),
		TEST(test_acpi_rsdt),
		TEST(test_acpi_bad_lists),
		TEST(test_acpi_others),
		TEST(test_acpi_others_in_list),
		TEST(test_acpi_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
