// SPDX-License-Identifier: MIT
/* Freestanding, and all that it takes of Weir. */
#include "one_driver.h"

#include "weir/arm_smmu_v3.h"
#include "weir/board.h"

/* ---- the board ---- */

enum { CLOCK, SMMU, NIC, CODEC, NR_NODES };

static const uint32_t smmu_lines[] = { 74, 77 };
static const struct weir_board_property smmu_properties[] = {
	{ "interrupt-names", "eventq\0gerror", sizeof("eventq\0gerror") },
};
static const struct weir_board_stream nic_streams[] = { { SMMU, ONE_DRIVER_NIC } };
static const struct weir_board_stream codec_streams[] = { { SMMU, ONE_DRIVER_CODEC } };
static const uint32_t clocked[] = { CLOCK };

static const struct weir_board_node nodes[NR_NODES] = {
	[CLOCK] = { .name = "clock", .key = "acme,clock" },
	[SMMU] = {
		.name = "smmu", .key = "arm,smmu-v3", .coherent = true,
		.regs_pa = ONE_DRIVER_SMMU, .regs_bytes = 0x20000,
		.lines = smmu_lines, .nr_lines = 2,
		.properties = smmu_properties, .nr_properties = 1,
		.needs = clocked, .nr_needs = 1,
	},
	[NIC] = {
		.name = "nic", .key = "acme,nic", .coherent = true,
		.streams = nic_streams, .nr_streams = 1, .needs = clocked, .nr_needs = 1,
	},
	[CODEC] = {
		.name = "codec", .key = "acme,codec", .coherent = true,
		.streams = codec_streams, .nr_streams = 1, .needs = clocked, .nr_needs = 1,
	},
};
static const struct weir_board board = { nodes, NR_NODES };

/* ---- the program's drivers ---- */

static struct one_driver *of(struct weir_device *dev)
{
	return weir_device_driver(dev)->context;
}

static int clock_probe(struct weir_device *dev)
{
	of(dev)->clock_runs = true;
	return 0;
}

static void clock_remove(struct weir_device *dev)
{
	of(dev)->clock_runs = false;
}

/* Of a machine without DMA calls. */
static int idle_probe(struct weir_device *dev)
{
	struct one_driver *s = of(dev);

	s->clock_users += s->clock_runs;
	s->nic = dev;
	return 0;
}

static int nic_probe(struct weir_device *dev)
{
	int err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));

	return err ? err : idle_probe(dev);
}

static void nic_remove(struct weir_device *dev)
{
	of(dev)->nic = NULL;
}

static int codec_probe(struct weir_device *dev)
{
	struct one_driver *s = of(dev);
	struct weir_group *group;
	int err = weir_group_of(dev, &group);

	if (!err)
		err = weir_domain_create(s->m, WEIR_DOMAIN_UNMANAGED, &s->domain);
	if (err)
		return err;
	err = weir_domain_prepare(s->domain, group);
	if (!err)
		err = weir_domain_reserve(s->domain, ONE_DRIVER_IOVA, ONE_DRIVER_BYTES);
	if (!err)
		err = weir_group_attach(group, s->domain);
	if (err) {
		weir_domain_unprepare(s->domain);
		s->domain = weir_domain_unref(s->domain);
		return err;
	}
	s->clock_users += s->clock_runs;
	s->codec = dev;
	return 0;
}

/* Its group is blocked when it is gone; what was mapped goes with the domain. */
static void codec_remove(struct weir_device *dev)
{
	struct one_driver *s = of(dev);

	s->codec = NULL;
	weir_domain_unprepare(s->domain);
	s->domain = weir_domain_unref(s->domain);
}

#define OPS(name, gone) \
	static const struct weir_driver_ops name##_ops = { \
		.abi = WEIR_ABI(struct weir_driver_ops), .probe = name##_probe, .remove = gone, \
	}
#define MATCH(name) \
	static const struct weir_match name##_match[] = { { "acme," #name, NULL }, { NULL, NULL } }
OPS(clock, clock_remove);
OPS(nic, nic_remove);
OPS(idle, nic_remove);
OPS(codec, codec_remove);
MATCH(clock);
MATCH(nic);
MATCH(codec);

#define ENTRY(driver, calls, s) \
	{ .name = #driver, .bus = "platform", .match = driver##_match, .ops = calls, .context = s }

/* ---- up and down ---- */

/* In the worst order: what is needed comes last. */
static int bring_up(struct one_driver *s, const struct weir_driver_ops *nic)
{
	const struct weir_driver drivers[] = {
		ENTRY(codec, &codec_ops, s), ENTRY(nic, nic, s), ENTRY(clock, &clock_ops, s),
	};
	int err = weir_firmware_load_board(s->m, &board);

	if (!err)
		err = weir_firmware_populate(s->m);
	for (unsigned int i = 0; i < 3 && !err; i++) {
		s->drivers[i] = drivers[i];
		err = weir_driver_register(s->m, &s->drivers[i]);
	}
	if (!err)
		err = weir_driver_register(s->m, weir_module_arm_smmu_v3_small.drivers[0]);
	if (!err)
		err = weir_settle(s->m);
	if (err)
		return err;
	return s->nic && s->codec && s->clock_users == 2 ? 0 : WEIR_ENODEV;
}

static int start(struct one_driver *s, const struct weir_host_ops *ops, void *host,
		 const struct weir_parts *parts, const struct weir_driver_ops *nic)
{
	int err;

	*s = (struct one_driver){ 0 };
	err = weir_machine_create_parts(ops, host, parts, &s->m);
	if (err)
		return err;
	err = bring_up(s, nic);
	if (err)
		one_driver_stop(s);
	return err;
}

int one_driver_start(struct one_driver *s, const struct weir_host_ops *ops, void *host)
{
	static const struct weir_parts parts = {
		.abi = WEIR_ABI(struct weir_parts), .iommu = &weir_part_iommu, .dma = &weir_part_dma,
	};

	return start(s, ops, host, &parts, &nic_ops);
}

int one_driver_start_domains(struct one_driver *s, const struct weir_host_ops *ops, void *host)
{
	static const struct weir_parts parts = {
		.abi = WEIR_ABI(struct weir_parts), .iommu = &weir_part_iommu,
	};

	return start(s, ops, host, &parts, &idle_ops);
}

void one_driver_stop(struct one_driver *s)
{
	weir_machine_destroy(s->m);
	s->m = NULL;
}
