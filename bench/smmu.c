// SPDX-License-Identifier: MIT
/*
 * What the SMMUv3's driver costs besides time, on the hostile model, which executes nothing before
 * CMD_SYNC: commands, syncs and barriers of a mapping and an unmapping, strict and lazy, and reads
 * and writes of registers, of which each write is a barrier too; and memory, of an instance, of a
 * device, of a domain. Nothing here depends on the machine it runs on.
 *
 * page4k: one page; sg16: a list of 16 pages that are no neighbours, unmapped at once; run2m: 512 pages, whose
 * table goes with them. Lazy, what a flush costs is divided by the unmappings that it is for.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "hw/host.h"
#include "weir/arm_smmu_v3.h"
#include "weir/dma.h"
#include "weir/weir.h"

#define BASE 0x2b400000u
#define MASTERS 4u
#define PAGE UINT64_C(4096)
#define RAM_BYTES (UINT64_C(64) << 20)
#define RUN (UINT64_C(2) << 20)
#define OPS 1024u
#define LIST 16u
#define LISTS 256u /* with a flush among them, where there are any */

struct smmu_bench {
	struct hwhost *hw;
	struct smmu3 *model;
	struct weir_host_ops ops;
	struct weir_machine *m;
	struct weir_module *module;
	struct weir_match matches[MASTERS][2];
	struct weir_driver drivers[MASTERS];
	char names[MASTERS][8];
	struct weir_device *dev; /* the last that was bound */
	uint64_t instance, device, domain;
	_Alignas(8) unsigned char blob[4096];
};

/* What the library has of the host: the calls get the host's context, so this is beside it. */
static const struct weir_host_ops *plain;
static uint64_t bytes_now;
static unsigned long reads, writes;

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "bench: smmu: %s: %s\n", what, weir_strerror(err));
	exit(1);
}

static void *counted_alloc(void *host, size_t bytes)
{
	bytes_now += bytes;
	return plain->alloc(host, bytes);
}

static void counted_free(void *host, void *mem, size_t bytes)
{
	bytes_now -= mem ? bytes : 0;
	plain->free(host, mem, bytes);
}

static int counted_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			       uint64_t *out_pa)
{
	int err = plain->pages_alloc(host, bytes, align_bytes, out_va, out_pa);

	bytes_now += err ? 0 : bytes;
	return err;
}

static void counted_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	bytes_now -= bytes;
	plain->pages_free(host, va, pa, bytes);
}

static uint64_t counted_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	reads++;
	return plain->mmio_read(host, at, width);
}

static void counted_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	writes++;
	plain->mmio_write(host, at, width, value);
}

/* ---- a machine with an SMMU and masters ---- */

static void cells(struct smmu_bench *b, const char *name, uint32_t first, uint32_t second,
		  unsigned int n)
{
	fdt32_t be[2] = { cpu_to_fdt32(first), cpu_to_fdt32(second) };

	check(fdt_property(b->blob, name, be, (int)n * 4), name);
}

static void make_tree(struct smmu_bench *b)
{
	check(fdt_create(b->blob, sizeof(b->blob)), "tree");
	check(fdt_finish_reservemap(b->blob), "tree");
	check(fdt_begin_node(b->blob, ""), "tree");
	cells(b, "#address-cells", 1, 0, 1);
	cells(b, "#size-cells", 1, 0, 1);
	check(fdt_begin_node(b->blob, "iommu@2b400000"), "tree");
	check(fdt_property_string(b->blob, "compatible", "arm,smmu-v3"), "tree");
	cells(b, "reg", BASE, SMMU3_BYTES, 2);
	cells(b, "#iommu-cells", 1, 0, 1);
	cells(b, "phandle", 1, 0, 1);
	cells(b, "dma-coherent", 0, 0, 0);
	check(fdt_end_node(b->blob), "tree");
	for (unsigned int i = 0; i < MASTERS; i++) {
		check(fdt_begin_node(b->blob, b->names[i]), "tree");
		check(fdt_property_string(b->blob, "compatible", b->names[i]), "tree");
		cells(b, "iommus", 1, i, 2);
		cells(b, "dma-coherent", 0, 0, 0);
		check(fdt_end_node(b->blob), "tree");
	}
	check(fdt_end_node(b->blob), "tree");
	check(fdt_finish(b->blob), "tree");
}

static int probe(struct weir_device *dev)
{
	struct smmu_bench *b = weir_device_driver(dev)->context;

	b->dev = dev;
	return weir_dma_mask_set(dev, UINT64_MAX);
}

static const struct weir_driver_ops master_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = probe,
};

static void open_machine(struct smmu_bench *b, bool lazy, bool ril)
{
	struct smmu3_config config;
	struct weir_dma_options options;
	uint64_t before;

	smmu3_config_usual(&config);
	config.unrest = 0;
	if (!ril)
		config.idr[3] &= ~SMMU3_IDR3_RIL;
	for (unsigned int i = 0; i < MASTERS; i++)
		snprintf(b->names[i], sizeof(b->names[i]), "m%u", i);
	make_tree(b);
	b->hw = hwhost_create(RAM_BYTES, 1);
	b->hw->restless = 0;
	b->model = hwhost_smmu(b->hw, BASE, &config, 74);
	plain = hwhost_ops(b->hw);
	b->ops = *plain;
	b->ops.alloc = b->ops.alloc_atomic = counted_alloc;
	b->ops.free = counted_free;
	b->ops.pages_alloc = counted_pages_alloc;
	b->ops.pages_free = counted_pages_free;
	b->ops.mmio_read = counted_mmio_read;
	b->ops.mmio_write = counted_mmio_write;
	check(weir_machine_create(&b->ops, b->hw, &b->m), "machine");
	check(weir_firmware_load_dt(b->m, b->blob, sizeof(b->blob)), "device tree");
	check(weir_firmware_buses(b->m), "buses");
	weir_dma_options_get(b->m, &options);
	options.lazy = lazy;
	check(weir_dma_options_set(b->m, &options), "options");
	before = bytes_now;
	check(weir_firmware_populate(b->m), "devices");
	b->device = (bytes_now - before) / (MASTERS + 1);
	before = bytes_now;
	check(weir_module_load(b->m, &weir_module_arm_smmu_v3, &b->module), "module");
	check(weir_settle(b->m), "settle");
	b->instance = bytes_now - before;
	for (unsigned int i = 0; i < MASTERS; i++) {
		b->matches[i][0].key = b->names[i];
		b->drivers[i] = (struct weir_driver){ .name = b->names[i], .bus = "platform",
						      .match = b->matches[i], .ops = &master_ops,
						      .context = b };
		before = bytes_now;
		check(weir_driver_register(b->m, &b->drivers[i]), "driver");
		check(weir_settle(b->m), "settle");
		b->domain = bytes_now - before;
	}
	if (!b->dev || !weir_dma_is_translated(b->dev))
		check(WEIR_ENODEV, "master");
}

static void close_machine(struct smmu_bench *b)
{
	check(weir_module_unload(b->module, WEIR_MODULE_FORCE), "unload");
	weir_machine_destroy(b->m);
	if (smmu3_findings(b->model, SMMU3_FINDINGS)) {
		fprintf(stderr, "bench: smmu: %s\n", smmu3_first_finding(b->model));
		exit(1);
	}
	hwhost_destroy(b->hw);
}

/* ---- what an unmapping sends ---- */

struct cost {
	unsigned long commands, syncs, barriers, reads, writes;
};

static struct cost cost_now(struct smmu_bench *b)
{
	const struct smmu3_stats *stats = smmu3_stats_get(b->model);

	return (struct cost){ stats->commands, stats->syncs, b->hw->barriers, reads, writes };
}

static void cost_report(struct smmu_bench *b, const struct cost *before, uint32_t ops, const char *mode,
			const char *name, const char *call)
{
	struct cost now = cost_now(b);
	const struct {
		const char *what;
		unsigned long n;
	} all[] = {
		{ "commands", now.commands - before->commands },
		{ "syncs", now.syncs - before->syncs },
		{ "barriers", now.barriers - before->barriers },
		{ "reads", now.reads - before->reads },
		{ "writes", now.writes - before->writes },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		bench_value(all[i].what, (double)all[i].n / ops, "smmu.%s.%s.%s.%s", mode, name, call,
			    all[i].what);
}

/* Memory of the model, of which as many bytes as wanted are from the @i-th on, no neighbour of the next. */
static uint64_t memory(struct smmu_bench *b, uint32_t i)
{
	return b->hw->ram->base + (RAM_BYTES / 2) + i * 3 % 2048 * PAGE;
}

static void pieces(struct smmu_bench *b, const char *mode, const char *name, uint64_t bytes,
		      uint32_t ops)
{
	static uint64_t iova[OPS];
	struct cost before;

	before = cost_now(b);
	/* large pages do not fit, as memory is a page off */
	for (uint32_t i = 0; i < ops; i++)
		check(weir_dma_map_phys(b->dev, bytes > PAGE ? memory(b, 0) + PAGE : memory(b, i), bytes,
					WEIR_DMA_FROM_DEVICE, &iova[i]), "map");
	cost_report(b, &before, ops, mode, name, "map");
	before = cost_now(b);
	for (uint32_t i = 0; i < ops; i++)
		check(weir_dma_unmap(b->dev, iova[i], bytes, WEIR_DMA_FROM_DEVICE), "unmap");
	cost_report(b, &before, ops, mode, name, "unmap");
}

static void lists(struct smmu_bench *b, const char *mode)
{
	static struct weir_dma_segment segments[LISTS][LIST];
	static uint32_t nr[LISTS];
	struct weir_dma_range list[LIST];
	struct cost before;
	uint32_t ops = LISTS;

	before = cost_now(b);
	for (uint32_t i = 0; i < ops; i++) {
		for (uint32_t k = 0; k < LIST; k++)
			list[k] = (struct weir_dma_range){ memory(b, i * LIST + k), PAGE };
		check(weir_dma_map_sg(b->dev, list, LIST, WEIR_DMA_FROM_DEVICE, LIST, segments[i],
				      &nr[i]), "map a list");
	}
	cost_report(b, &before, ops, mode, "sg16", "map");
	before = cost_now(b);
	for (uint32_t i = 0; i < ops; i++)
		check(weir_dma_unmap_sg(b->dev, segments[i], nr[i], WEIR_DMA_FROM_DEVICE), "unmap a list");
	cost_report(b, &before, ops, mode, "sg16", "unmap");
}

static void costs(bool lazy, bool ril)
{
	struct smmu_bench b = { 0 };
	char mode[32];

	snprintf(mode, sizeof(mode), "%s%s", lazy ? "lazy" : "strict", ril ? "" : "_noril");
	open_machine(&b, lazy, ril);
	pieces(&b, mode, "page4k", PAGE, OPS);
	lists(&b, mode);
	pieces(&b, mode, "run2m", RUN, LISTS);
	close_machine(&b);
}

/* ---- memory ---- */

static void one_table(const char *name, const struct weir_table_config *config)
{
	struct hwhost *hw = hwhost_create(RAM_BYTES, 1);
	struct weir_table *table;
	uint64_t first;

	check(weir_table_create(hwhost_ops(hw), hw, config, &table), name);
	bench_value("bytes", (double)weir_table_memory(table), "ram.table.%s.empty", name);
	first = (UINT64_C(1) << config->iova_bits) - (UINT64_C(64) << 20);
	check(weir_table_map(table, first + RUN - PAGE, 0, PAGE, WEIR_MAP_READ), name);
	bench_value("bytes", (double)weir_table_memory(table), "ram.table.%s.one_page", name);
	check(weir_table_map(table, first + RUN, PAGE, (UINT64_C(64) << 20) - RUN, WEIR_MAP_READ), name);
	bench_value("bytes", (double)weir_table_memory(table), "ram.table.%s.pages_of_64m", name);
	weir_table_destroy(table);
	hwhost_destroy(hw);
}

static void tables(void)
{
	one_table("lpae_s1_48", &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S1, .kind = &weir_table_arm64, .granule_lg2 = 12,
		.iova_bits = 48, .pa_bits = 48, .coherent = true });
	one_table("lpae_s1_32", &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S1, .kind = &weir_table_arm64, .granule_lg2 = 12,
		.iova_bits = 32, .pa_bits = 40, .coherent = true });
	one_table("short", &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_SHORT, .kind = &weir_table_short, .granule_lg2 = 12,
		.iova_bits = 32, .pa_bits = 32, .coherent = true });
}

static void ram(void)
{
	struct smmu_bench b = { 0 };
	uint64_t iova, before;

	open_machine(&b, false, true);
	bench_value("bytes", (double)b.device, "ram.device");
	bench_value("bytes", (double)b.instance, "ram.smmuv3.instance");
	bench_value("bytes", (double)b.domain, "ram.smmuv3.domain");
	before = bytes_now;
	check(weir_dma_map_phys(b.dev, memory(&b, 0), PAGE, WEIR_DMA_FROM_DEVICE, &iova), "map");
	bench_value("bytes", (double)(bytes_now - before), "ram.smmuv3.domain.first_page");
	check(weir_dma_unmap(b.dev, iova, PAGE, WEIR_DMA_FROM_DEVICE), "unmap");
	close_machine(&b);
	tables();
}

void bench_smmu(void)
{
	if (bench_wanted("ram"))
		ram();
	for (unsigned int i = 0; i < 4 && bench_wanted("smmu"); i++)
		costs(i & 1, !(i & 2));
}
