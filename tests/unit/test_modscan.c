// SPDX-License-Identifier: MIT
/*
 * Match tables in module files: object files made here, for both word sizes.
 */
#include "cm.h"

#include "kdir.h"
#include "kernel/le.h"
#include "kernel/modscan.h"
#include "weir/err.h"

enum { S_NONE, S_RODATA, S_DATA, S_REL_DATA, S_TEXT, S_REL_TEXT, S_SYMBOLS, S_COUNT };

/* Where the tables are in .rodata, in records. */
enum { AT_LISTED, AT_UNLISTED = 2, AT_OF_CODE = 5, AT_ENDLESS = 7, RECORDS = 8 };

struct object {
	uint8_t data[8192];
	size_t size;
	bool wide;
	size_t offset[S_COUNT], bytes[S_COUNT];
};

static size_t record_bytes(const struct object *o)
{
	return o->wide ? 200 : 196;
}

static void begin(struct object *o, int section)
{
	o->size = (o->size + 7) & ~(size_t)7;
	o->offset[section] = o->size;
}

static void end(struct object *o, int section, size_t bytes)
{
	o->size += bytes;
	o->bytes[section] = bytes;
	assert_true(o->size < sizeof(o->data));
}

static void put_tables(struct object *o)
{
	static const char *const compats[RECORDS] = {
		"acme,nic", "", "acme,phy", "acme,mux", "", "acme,code", "", "acme,endless",
	};

	begin(o, S_RODATA);
	for (size_t i = 0; i < RECORDS; i++)
		strcpy((char *)o->data + o->size + i * record_bytes(o) + 64, compats[i]);
	end(o, S_RODATA, RECORDS * record_bytes(o));
}

static void put_word(const struct object *o, uint8_t *at, uint64_t v)
{
	if (o->wide)
		weir_put_le64(at, v);
	else
		weir_put_le32(at, (uint32_t)v);
}

/* One relocation of the section before: its word @i is the address of record @record. */
static void put_relocation(struct object *o, int section, unsigned int i, unsigned int record)
{
	uint64_t addend = record * record_bytes(o);
	uint8_t *p = o->data + o->size + i * (o->wide ? 24u : 8u);

	put_word(o, p, i * 8u);
	if (!o->wide) {
		weir_put_le32(p + 4, 1u << 8 | 2);
		weir_put_le32(o->data + o->offset[section] + i * 8u, (uint32_t)addend);
		return;
	}
	weir_put_le64(p + 8, (uint64_t)1 << 32 | 257);
	weir_put_le64(p + 16, addend);
}

static void put_symbols(struct object *o)
{
	begin(o, S_SYMBOLS);
	/* the second one is .rodata itself */
	o->data[o->size + (o->wide ? 24 + 6 : 16 + 14)] = S_RODATA;
	end(o, S_SYMBOLS, o->wide ? 48 : 32);
}

static void put_section(struct object *o, int i, uint32_t type, uint32_t flags, uint32_t link,
			uint32_t info)
{
	uint8_t *p = o->data + o->size + (size_t)i * (o->wide ? 64 : 40);

	weir_put_le32(p + 4, type);
	weir_put_le32(p + 8, flags);
	put_word(o, p + (o->wide ? 24 : 16), o->offset[i]);
	put_word(o, p + (o->wide ? 32 : 20), o->bytes[i]);
	weir_put_le32(p + (o->wide ? 40 : 24), link);
	weir_put_le32(p + (o->wide ? 44 : 28), info);
}

static void put_headers(struct object *o)
{
	const uint32_t rel = o->wide ? 4 : 9;
	uint8_t *at;

	begin(o, S_NONE);
	put_section(o, S_RODATA, 1, 2, 0, 0);
	put_section(o, S_DATA, 1, 3, 0, 0);
	put_section(o, S_REL_DATA, rel, 0, S_SYMBOLS, S_DATA);
	put_section(o, S_TEXT, 1, 6, 0, 0);
	put_section(o, S_REL_TEXT, rel, 0, S_SYMBOLS, S_TEXT);
	put_section(o, S_SYMBOLS, 2, 0, 0, 0);
	at = o->data;
	memcpy(at, "\177ELF", 4);
	at[4] = o->wide ? 2 : 1;
	at[5] = 1;
	at[16] = 1;
	put_word(o, at + (o->wide ? 40 : 32), o->offset[S_NONE]);
	at[o->wide ? 58 : 46] = o->wide ? 64 : 40;
	at[o->wide ? 60 : 48] = S_COUNT;
	o->size += S_COUNT * (o->wide ? 64u : 40u);
}

static void make_object(struct object *o, bool wide)
{
	memset(o, 0, sizeof(*o));
	o->wide = wide;
	o->size = 64;
	put_tables(o);
	begin(o, S_DATA);
	end(o, S_DATA, 64);
	begin(o, S_REL_DATA);
	put_relocation(o, S_DATA, 0, AT_LISTED);
	put_relocation(o, S_DATA, 1, AT_UNLISTED);
	put_relocation(o, S_DATA, 2, AT_ENDLESS);
	end(o, S_REL_DATA, wide ? 72 : 24);
	begin(o, S_TEXT);
	end(o, S_TEXT, 64);
	begin(o, S_REL_TEXT);
	put_relocation(o, S_TEXT, 0, AT_OF_CODE);
	end(o, S_REL_TEXT, wide ? 24 : 8);
	put_symbols(o);
	put_headers(o);
}

/* ---- what is found ---- */

static void check_object(bool wide)
{
	static const char want[] = "acme,nic\0acme,phy\0acme,mux";
	struct object o;
	size_t bytes = 0;
	char *text = NULL;

	make_object(&o, wide);
	assert_int_equal(weir_modscan_elf_(o.data, o.size, &text, &bytes), 0);
	assert_int_equal(bytes, sizeof(want));
	assert_memory_equal(text, want, sizeof(want));
	free(text);
}

static void test_modscan_tables_of_drivers(void **state)
{
	(void)state;
	check_object(true);
	check_object(false);
}

static void test_modscan_no_object(void **state)
{
	struct object o;
	size_t bytes = 7;
	char *text = NULL;

	(void)state;
	make_object(&o, true);
	assert_int_equal(weir_modscan_elf_(o.data, 63, &text, &bytes), WEIR_ENOEXEC);
	o.data[16] = 2; /* a program */
	assert_int_equal(weir_modscan_elf_(o.data, o.size, &text, &bytes), WEIR_ENOEXEC);
	o.data[16] = 1;
	o.data[5] = 2; /* big-endian */
	assert_int_equal(weir_modscan_elf_(o.data, o.size, &text, &bytes), WEIR_ENOEXEC);
	assert_int_equal(weir_modscan_elf_((const uint8_t *)"#!/bin/sh\n", 10, &text, &bytes),
			 WEIR_ENOEXEC);
	assert_null(text);
	assert_int_equal(bytes, 7);
}

/* Cut anywhere, or with any byte wrong, it is read or refused. */
static void test_modscan_damaged(void **state)
{
	static const uint8_t wrong[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct object o;

	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		make_object(&o, wide);
		for (size_t n = 0; n < o.size; n++) {
			uint8_t *copy = malloc(n + !n); /* a byte too far is seen by the sanitizer */
			size_t bytes = 0;
			char *text = NULL;

			assert_non_null(copy);
			memcpy(copy, o.data, n);
			if (!weir_modscan_elf_(copy, n, &text, &bytes))
				free(text);
			free(copy);
		}
		for (size_t at = 0; at < o.size * sizeof(wrong); at++) {
			uint8_t kept = o.data[at / sizeof(wrong)];
			size_t bytes = 0;
			char *text = NULL;

			o.data[at / sizeof(wrong)] = wrong[at % sizeof(wrong)];
			if (!weir_modscan_elf_(o.data, o.size, &text, &bytes))
				free(text);
			o.data[at / sizeof(wrong)] = kept;
		}
	}
}

/* ---- lists ---- */

static struct weir_driver_list *list_for(const struct weir_modindex *index,
					 const char *const *compats, size_t n)
{
	struct weir_driver_list *list;

	assert_int_equal(weir_driver_list_build(NULL, index, compats, n, &list), 0);
	return list;
}

static void expect_list(const struct weir_driver_list *list, const char *want)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(weir_driver_list_write(f, list), 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

static void put_module(const char *dir)
{
	struct object o;
	char sub[200];

	make_object(&o, true);
	make_dir(dir, "kernel/drivers/a", sub);
	put(sub, "acme-nic.ko", o.data, o.size);
}

static void extend_and_expect(const struct weir_modindex *index, int added, const char *want)
{
	static const char *const compats[] = { "acme,phy", "acme,nic", "acme,code" };
	struct weir_driver_list *list = list_for(index, compats, 3);
	struct weir_modscan *scan;

	assert_int_equal(weir_modscan_create(index, &scan), 0);
	assert_int_equal(weir_modscan_extend(scan, compats, 3, list), added);
	expect_list(list, want);
	assert_int_equal(weir_modscan_extend(scan, compats, 3, list), 0);
	weir_modscan_destroy(scan);
	weir_driver_list_destroy(list);
}

/* Once from the file and once from the cache; then the file is another one. */
static void test_modscan_extends_lists(void **state)
{
	const char *want = "acme_nic@m:beta acme,nic ~acme,phy\nbeta@m acme,nic\n";
	struct tree *t = *state;
	struct weir_modindex *index;
	char sub[200];

	put_index(t->dir, put);
	index = open_index(t->dir);
	extend_and_expect(index, 0, "acme_nic@m:beta acme,nic\nbeta@m acme,nic\n");
	put_module(t->dir);
	extend_and_expect(index, 1, want);
	extend_and_expect(index, 1, want);
	make_dir(t->dir, "kernel/drivers/a", sub);
	put(sub, "acme-nic.ko", "no module any more", 18);
	extend_and_expect(index, 0, "acme_nic@m:beta acme,nic\nbeta@m acme,nic\n");
	weir_modindex_destroy(index);
}

/* The mark of the text format goes there and back. */
static void test_modscan_mark_in_text(void **state)
{
	static const char text[] = "nic@m acme,nic ~acme,phy\n";
	struct weir_driver_list *list;
	struct weir_errtext et = { "" };

	(void)state;
	assert_int_equal(weir_driver_list_parse("text", text, sizeof(text) - 1, &et, &list), 0);
	assert_false(list->drivers[0].compats[0].unlisted);
	assert_true(list->drivers[0].compats[1].unlisted);
	assert_string_equal(list->drivers[0].compats[1].name, "acme,phy");
	expect_list(list, text);
	weir_driver_list_destroy(list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modscan_tables_of_drivers),
		cmocka_unit_test(test_modscan_no_object),
		cmocka_unit_test(test_modscan_damaged),
		cmocka_unit_test_setup_teardown(test_modscan_extends_lists, setup, teardown),
		cmocka_unit_test(test_modscan_mark_in_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
