// SPDX-License-Identifier: MIT
/*
 * A small module index for tests: its texts, a directory of each test's own to
 * put them in (setup, teardown), and what must be found in it.
 */
#ifndef WEIR_TESTS_KDIR_H
#define WEIR_TESTS_KDIR_H

#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "kernel/modindex.h"

static const char dep_text[] =
	"kernel/drivers/a/acme-bus.ko.xz:\n"
	"kernel/drivers/a/acme-core.ko.xz: kernel/drivers/a/acme-bus.ko.xz\n"
	"kernel/drivers/a/acme-nic.ko: kernel/drivers/a/acme-core.ko.xz kernel/drivers/a/acme-bus.ko.xz\n"
	"kernel/drivers/b/beta.ko.zst:\n"
	"kernel/drivers/b/dma.ko:\n";

static const char alias_text[] =
	"# Aliases extracted from modules themselves.\n"
	"alias of:N*T*Cacme,nicC* acme_nic\n"
	"alias of:N*T*Cacme,nic acme_nic\n"
	"alias of:N*T*Cacme,nic-v2C* acme_nic\n"
	"alias of:N*T*Cacme,nic-v2 acme_nic\n"
	"alias of:N*T*Cacme,bus acme_bus\n"
	"alias of:N*Tspecial*Cbeta,Cee beta\n"
	"alias of:N*T*Cacme,nic beta\n"
	"alias of:N*T*Cacme,core acme_core\n"
	"alias of:N*T*Clate,one unranked\n"
	"alias pci:v00008086d00001533sv*sd*bc*sc*i* igb\n"
	"alias pci:v00008086d*sv*sd*bc02sc00i* generic\n"
	"alias amba:d???41330 dma\n"
	"alias acpi*:PNP0501:* serial\n"
	"alias usb:v1234p* gadget\n"
	"alias i2c:tmp102 tmp102\n"
	"alias broken line with too many words\n"
	"alias\n";

static const char order_text[] =
	"kernel/drivers/b/dma.ko\n"
	"kernel/drivers/a/acme-core.ko\n"
	"kernel/drivers/a/acme-nic.ko\n"
	"kernel/drivers/b/beta.ko\n"
	"kernel/drivers/a/acme-bus.ko\n";

static const char softdep_text[] =
	"softdep acme-nic pre: beta crypto-crc32c post: dma\n"
	"softdep other nothing\n"
	"softdep\n";

static const char builtin_text[] = "kernel/fs/ext4/ext4-core.ko\nkernel/drivers/clk/clk.ko\n";

static const char modinfo_text[] =
	"ext4_core.license=GPL\0"
	"ext4_core.softdep=pre: crc32c\0"
	"clk.alias=of:N*T*Cacme,clkC*\0"
	"nonsense\0"
	"clk.firmware=acme/clk.bin";

struct tree {
	char dir[64];
};

static inline void put(const char *dir, const char *name, const void *data, size_t size)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static inline void put_gz(const char *dir, const char *name, const void *data, size_t size)
{
	char path[256];
	gzFile f;

	snprintf(path, sizeof(path), "%s/%s.gz", dir, name);
	f = gzopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(gzwrite(f, data, (unsigned int)size), (int)size);
	assert_int_equal(gzclose(f), Z_OK);
}

static inline void make_dir(const char *base, const char *name, char *out)
{
	char cmd[300];

	snprintf(out, 200, "%s/%s", base, name);
	snprintf(cmd, sizeof(cmd), "mkdir -p '%s'", out);
	assert_int_equal(system(cmd), 0);
}

static inline void put_index(const char *dir, void (*how)(const char *, const char *, const void *, size_t))
{
	how(dir, "modules.dep", dep_text, sizeof(dep_text) - 1);
	how(dir, "modules.alias", alias_text, sizeof(alias_text) - 1);
	how(dir, "modules.order", order_text, sizeof(order_text) - 1);
	how(dir, "modules.softdep", softdep_text, sizeof(softdep_text) - 1);
	how(dir, "modules.builtin", builtin_text, sizeof(builtin_text) - 1);
	how(dir, "modules.builtin.modinfo", modinfo_text, sizeof(modinfo_text));
}

static inline int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	strcpy(t->dir, "/tmp/weir-test-XXXXXX");
	if (!mkdtemp(t->dir))
		return -1;
	setenv("XDG_CACHE_HOME", t->dir, 1);
	*state = t;
	return 0;
}

static inline int teardown(void **state)
{
	struct tree *t = *state;
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -r '%s'", t->dir);
	free(t);
	return system(cmd);
}

static inline struct weir_modindex *open_index(const char *dir)
{
	struct weir_errtext et = { "" };
	struct weir_modindex *index = NULL;

	if (weir_modindex_open(dir, &et, &index))
		fail_msg("%s", et.text);
	return index;
}

static inline const char *module_name(const struct weir_modindex *index, uint32_t id)
{
	assert_true(id < index->module_count);
	return index->modules[id].name;
}

static inline void check_index(const struct weir_modindex *index)
{
	const struct weir_index_module *m;
	uint32_t at;

	at = weir_modindex_compat(index, "acme,nic");
	assert_string_equal(module_name(index, index->of_aliases[at].module), "acme_nic");
	at = index->of_aliases[at].next_of_compat;
	assert_string_equal(module_name(index, index->of_aliases[at].module), "beta");
	assert_int_equal(index->of_aliases[at].next_of_compat, WEIR_MODULE_NONE);
	assert_int_equal(weir_modindex_compat(index, "acme,nicC*"), WEIR_MODULE_NONE);
	assert_int_equal(weir_modindex_compat(index, "acme,ni"), WEIR_MODULE_NONE);
	assert_int_equal(weir_modindex_compat(index, ""), WEIR_MODULE_NONE);

	m = &index->modules[weir_modindex_module(index, "acme-nic")];
	assert_string_equal(m->path, "kernel/drivers/a/acme-nic.ko");
	assert_int_equal(m->order, 2);
	assert_int_equal(m->dep_count, 2);
	assert_string_equal(module_name(index, m->deps[0]), "acme_core");
	assert_string_equal(module_name(index, m->deps[1]), "acme_bus");
	assert_int_equal(m->soft_pre_count, 2);
	assert_string_equal(m->soft_pre[1], "crypto_crc32c");
	assert_int_equal(m->soft_post_count, 1);
	at = m->first_of;
	assert_string_equal(weir_modindex_compat_name(index, index->of_aliases[at].compat), "acme,nic");
	at = index->of_aliases[at].next_of_module;
	assert_string_equal(weir_modindex_compat_name(index, index->of_aliases[at].compat), "acme,nic-v2");
	assert_int_equal(index->of_aliases[at].next_of_module, WEIR_MODULE_NONE);

	assert_true(index->modules[weir_modindex_module(index, "ext4-core")].builtin);
	assert_false(m->builtin);
	assert_int_equal(index->builtin_info_count, 4);
	assert_string_equal(index->builtin_info[3].key, "firmware");
	assert_string_equal(index->builtin_info[3].value, "acme/clk.bin");
	at = weir_modindex_compat(index, "acme,clk");
	assert_true(index->modules[index->of_aliases[at].module].builtin);
	assert_int_equal(weir_modindex_module(index, "no-such"), WEIR_MODULE_NONE);
}

#endif
