// SPDX-License-Identifier: MIT
/*
 * Finding tables: given one by one, or by the root pointer (RSDP) and the list of
 * tables that it points to (ACPI 6.6, 5.2.5 to 5.2.8). What is looked at is checked
 * first: that it is there, its length, its sum. Tables of no interest are left alone.
 */
#include "core/text.h"
#include "firmware/acpi/acpi.h"

#define RSDP_BYTES 20u     /* of revision 0 */
#define RSDP_ALL_BYTES 36u /* from revision 2 on */

int weir_acpi_bad_(struct weir_acpi_tree *a, const struct table *t, uint32_t offset,
		   const char *field, const char *what)
{
	struct weir_machine *m = a->m;

	weir_format_(m->firmware_error, sizeof(m->firmware_error),
		     "damaged ACPI table %s: %s at offset %u (0x%x) %s", t->name, field, offset,
		     offset, what);
	return WEIR_EBADMSG;
}

static bool adds_up(const uint8_t *at, uint32_t bytes)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + at[i]);
	return sum == 0;
}

/* A name is printed: only what can be. */
static void name_table(struct table *t)
{
	for (int i = 0; i < 4; i++)
		t->name[i] = t->at[i] > ' ' && t->at[i] < 0x7f ? (char)t->at[i] : '?';
	t->name[4] = '\0';
}

static bool is_named(const struct table *t, const char *name)
{
	return weir_memeq_(t->at, name, 4);
}

/* ---- one table ---- */

/* Where a table that is read goes; NULL: it is not. */
static struct table *place_of(struct weir_acpi_tree *a, const struct table *t)
{
	if (is_named(t, "MCFG"))
		return &a->table_mcfg;
	if (is_named(t, "IORT"))
		return &a->table_iort;
	if (is_named(t, "VIOT"))
		return &a->table_viot;
	if (is_named(t, "APIC"))
		return &a->table_madt;
	return NULL;
}

/* @t is there as far as it says; of two tables of a kind the first counts. */
static int take(struct weir_acpi_tree *a, const struct table *t)
{
	struct table *place = place_of(a, t);

	if (!place || place->bytes)
		return 0;
	if (!adds_up(t->at, t->bytes))
		return weir_acpi_bad_(a, t, 9, "checksum", "is wrong");
	*place = *t;
	return 0;
}

static int take_given(struct weir_acpi_tree *a, const struct weir_acpi_table *given)
{
	struct table t = { .at = given->data, .name = "????" };

	if (given->bytes < TABLE_HEADER_BYTES)
		return weir_acpi_bad_(a, &t, (uint32_t)given->bytes, "header", "is cut off");
	name_table(&t);
	t.bytes = acpi_le32_(&t, 4);
	if (t.bytes < TABLE_HEADER_BYTES || t.bytes > given->bytes)
		return weir_acpi_bad_(a, &t, 4, "length", "is not that of the table");
	return take(a, &t);
}

/* ---- by addresses ---- */

static const uint8_t *reach(struct weir_acpi_tree *a, uint64_t pa, uint32_t bytes)
{
	struct weir_machine *m = a->m;

	if (pa + (bytes - 1) < pa)
		return NULL;
	return m->ops->pa_to_va(m->host, pa, bytes);
}

/* The header of the table that a field at @offset of @from points to. */
static int reach_header(struct weir_acpi_tree *a, const struct table *from, uint32_t offset,
			uint64_t pa, struct table *out_table)
{
	struct table t = { .at = reach(a, pa, TABLE_HEADER_BYTES) };

	if (!t.at)
		return weir_acpi_bad_(a, from, offset, "address", "is not in memory");
	name_table(&t);
	*out_table = t;
	return 0;
}

/* All of it. */
static int reach_rest(struct weir_acpi_tree *a, uint64_t pa, struct table *t)
{
	t->bytes = acpi_le32_(t, 4);
	if (t->bytes < TABLE_HEADER_BYTES)
		return weir_acpi_bad_(a, t, 4, "length", "is less than a header");
	t->at = reach(a, pa, t->bytes);
	return t->at ? 0 : weir_acpi_bad_(a, t, 4, "length", "goes beyond memory");
}

/* Addresses of 8 bytes in an XSDT, of 4 in an RSDT; 0: nothing there. */
static int read_list(struct weir_acpi_tree *a, const struct table *list, uint32_t width)
{
	uint32_t end = list->bytes - (list->bytes - TABLE_HEADER_BYTES) % width;

	for (uint32_t at = TABLE_HEADER_BYTES; at < end; at += width) {
		uint64_t pa = width == 8 ? acpi_le64_(list, at) : acpi_le32_(list, at);
		struct table t;
		int err;

		if (!pa)
			continue;
		err = reach_header(a, list, at, pa, &t);
		if (!err && !place_of(a, &t))
			continue;
		if (!err)
			err = reach_rest(a, pa, &t);
		if (!err)
			err = take(a, &t);
		if (err)
			return err;
	}
	return 0;
}

static int check_rsdp(struct weir_acpi_tree *a, uint64_t pa, struct table *rsdp)
{
	uint32_t bytes;

	rsdp->at = reach(a, pa, RSDP_BYTES);
	if (!rsdp->at)
		return weir_acpi_bad_(a, rsdp, 0, "it", "is not in memory");
	if (!weir_memeq_(rsdp->at, "RSD PTR ", 8))
		return weir_acpi_bad_(a, rsdp, 0, "signature", "is not \"RSD PTR \"");
	if (!adds_up(rsdp->at, RSDP_BYTES))
		return weir_acpi_bad_(a, rsdp, 8, "checksum", "is wrong");
	rsdp->bytes = RSDP_BYTES;
	if (rsdp->at[15] < 2)
		return 0;
	rsdp->at = reach(a, pa, RSDP_ALL_BYTES);
	bytes = rsdp->at ? acpi_le32_(rsdp, 20) : 0;
	if (bytes >= RSDP_ALL_BYTES)
		rsdp->at = reach(a, pa, bytes);
	if (!rsdp->at || bytes < RSDP_ALL_BYTES)
		return weir_acpi_bad_(a, rsdp, 20, "length", "is not its own");
	if (!adds_up(rsdp->at, bytes))
		return weir_acpi_bad_(a, rsdp, 32, "extended checksum", "is wrong");
	rsdp->bytes = bytes;
	return 0;
}

static int find_all(struct weir_acpi_tree *a, uint64_t rsdp_pa)
{
	struct table rsdp = { .name = "RSDP" }, list;
	uint32_t width = 8, offset = 24;
	uint64_t pa = 0;
	int err;

	if (!a->m->ops->pa_to_va)
		return WEIR_EOPNOTSUPP;
	err = check_rsdp(a, rsdp_pa, &rsdp);
	if (err)
		return err;
	if (rsdp.bytes >= RSDP_ALL_BYTES)
		pa = acpi_le64_(&rsdp, offset);
	if (!pa) {
		width = 4;
		offset = 16;
		pa = acpi_le32_(&rsdp, offset);
	}
	err = reach_header(a, &rsdp, offset, pa, &list);
	if (!err)
		err = reach_rest(a, pa, &list);
	if (err)
		return err;
	if (!is_named(&list, width == 8 ? "XSDT" : "RSDT"))
		return weir_acpi_bad_(a, &list, 0, "signature", "is not that of a list of tables");
	if (!adds_up(list.at, list.bytes))
		return weir_acpi_bad_(a, &list, 9, "checksum", "is wrong");
	return read_list(a, &list, width);
}

int weir_acpi_tables_(struct weir_acpi_tree *a, const struct weir_acpi *acpi)
{
	int err = 0;

	if (!acpi->tables)
		return find_all(a, acpi->rsdp_pa);
	for (unsigned int i = 0; i < acpi->nr_tables && !err; i++)
		err = take_given(a, &acpi->tables[i]);
	return err;
}
