// SPDX-License-Identifier: MIT
/* Freestanding, and all that it takes of Weir. */
#include "core_smmu.h"

#include "weir/board.h"

/* ---- the board ---- */

enum { CLOCK, SMMU, NIC, DISK, NR_NODES };

static const uint32_t smmu_lines[] = { 74, 76 }; /* events, global errors */
static const struct weir_board_stream nic_streams[] = { { SMMU, CORE_SMMU_NIC } };
static const struct weir_board_stream disk_streams[] = {
	{ SMMU, CORE_SMMU_DISK }, { SMMU, CORE_SMMU_DISK_ADMIN },
};
static const uint32_t clocked[] = { CLOCK };

static const struct weir_board_node nodes[NR_NODES] = {
	[CLOCK] = { .name = "clock", .key = "acme,clock" },
	[SMMU] = {
		.name = "smmu", .key = "acme,smmu", .coherent = true,
		.regs_pa = CORE_SMMU, .regs_bytes = 0x20000, .lines = smmu_lines, .nr_lines = 2,
		.needs = clocked, .nr_needs = 1,
	},
	[NIC] = { .name = "nic", .key = "acme,nic", .streams = nic_streams, .nr_streams = 1 },
	[DISK] = {
		.name = "disk", .key = "acme,disk", .streams = disk_streams, .nr_streams = 2,
		.needs = clocked, .nr_needs = 1,
	},
};
static const struct weir_board board = { nodes, NR_NODES };

static struct core_smmu *of(struct weir_device *dev)
{
	return weir_device_driver(dev)->context;
}

/* ---- the SMMU ---- */

/* Its stream table blocks everything while its driver is away: that memory is the machine's. */
static int table_alloc(void *dev, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	return weir_machine_pages_keep(weir_device_machine(dev), bytes, align_bytes, out_va, out_pa);
}

static void table_free(void *dev, void *va, uint64_t pa, size_t bytes)
{
	(void)va;
	(void)bytes;
	weir_machine_pages_drop(weir_device_machine(dev), pa);
}

static int smmu_probe(struct weir_device *dev)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	struct weir_smmu_v3_config config = {
		.name = weir_device_name(dev), .nr_lines = 2, .coherency = WEIR_SMMU_V3_COHERENT,
		.table_alloc = table_alloc, .table_free = table_free, .arg = dev,
	};
	struct core_smmu *s = of(dev);
	struct weir_smmu_v3 *smmu;
	uint64_t bytes;
	int err = weir_firmware_registers(node, 0, &config.base_pa, &bytes);

	for (unsigned int i = 0; i < 2 && !err; i++)
		err = weir_firmware_line(node, i, &config.lines[i]);
	if (!err)
		err = weir_smmu_v3_create(s->ops, s->host, &config, &smmu);
	if (err)
		return err;
	weir_device_set_data(dev, smmu);
	s->up[CORE_SMMU_DRIVER] = true;
	return 0;
}

/* All masters are unbound, and the gate is closed for them. */
static void smmu_remove(struct weir_device *dev)
{
	of(dev)->up[CORE_SMMU_DRIVER] = false;
	weir_smmu_v3_destroy(weir_device_data(dev));
}

/* What it knew is gone with its power; masters are asleep then, and what is not attached is blocked. */
static int smmu_suspend(struct weir_device *dev)
{
	weir_smmu_v3_suspend(weir_device_data(dev));
	return 0;
}

static int attach(const struct core_master *master, bool on);

static int smmu_resume(struct weir_device *dev)
{
	struct weir_smmu_v3 *smmu = weir_device_data(dev);
	const struct core_smmu *s = of(dev);
	int err = weir_smmu_v3_resume(smmu);

	for (unsigned int i = 0; i < CORE_SMMU_MASTERS && !err; i++)
		if (s->masters[i].dev)
			err = attach(&s->masters[i], true);
	if (err)
		weir_smmu_v3_suspend(smmu);
	return err;
}

/* ---- masters ---- */

static int attach(const struct core_master *master, bool on)
{
	struct weir_fwspec spec;
	int err = 0;

	for (unsigned int i = 0; !err; i++) {
		if (weir_firmware_spec(weir_device_fwnode(master->dev), i, &spec))
			break;
		err = weir_smmu_v3_attach(master->smmu, spec.cells[0], on ? master->domain : NULL);
	}
	return err;
}

static void gate_close(void *arg, struct weir_device *dev)
{
	struct core_smmu *s = arg;

	for (unsigned int i = 0; i < CORE_SMMU_MASTERS; i++) {
		struct core_master *master = &s->masters[i];

		if (master->dev != dev)
			continue;
		(void)attach(master, false); /* what does not confirm it is in quarantine, and blocks */
		weir_smmu_v3_domain_destroy(master->domain);
		weir_table_destroy(master->table);
		*master = (struct core_master){ 0 };
	}
}

static int fill(struct core_smmu *s, struct core_master *master, uint32_t stream)
{
	struct weir_table_config config;
	struct weir_tables tables;
	int err = 0;

	if (s->config->stage == WEIR_TABLE_ARM_S2)
		err = weir_smmu_v3_stage2_get(master->smmu, &config);
	else
		weir_smmu_v3_tables_get(master->smmu, &config);
	if (!err)
		err = weir_table_create(s->ops, s->host, &config, &master->table);
	for (unsigned int i = 0; i < s->config->nr_windows && !err; i++) {
		const struct core_window *w = &s->config->windows[i];

		if (w->stream == stream)
			err = weir_table_map(master->table, w->iova, w->pa, w->bytes, w->prot);
	}
	if (err)
		return err;
	weir_table_describe(master->table, &tables);
	return weir_smmu_v3_domain_create(master->smmu, &tables, 0, &master->domain);
}

/* Its links had it wait for the SMMU. */
static int gate_open(void *arg, struct weir_device *dev)
{
	struct core_smmu *s = arg;
	struct core_master *master = s->masters;
	struct weir_fwspec spec;
	int err;

	if (weir_firmware_spec(weir_device_fwnode(dev), 0, &spec))
		return 0; /* it is behind none */
	while (master->dev)
		master++;
	master->dev = dev;
	master->smmu = weir_device_data(weir_fwnode_device(spec.target));
	err = fill(s, master, spec.cells[0]);
	if (!err)
		err = attach(master, true);
	if (err)
		gate_close(s, dev);
	return err;
}

static const struct weir_gate gate = {
	.abi = WEIR_ABI(struct weir_gate), .open = gate_open, .close = gate_close,
};

/* ---- the other drivers ---- */

static int clock_probe(struct weir_device *dev)
{
	of(dev)->up[CORE_CLOCK_DRIVER] = true;
	return 0;
}

static void clock_remove(struct weir_device *dev)
{
	of(dev)->up[CORE_CLOCK_DRIVER] = false;
}

static int nic_probe(struct weir_device *dev)
{
	struct core_smmu *s = of(dev);

	s->up[CORE_NIC_DRIVER] = true;
	return s->config->use(s->config->arg, CORE_SMMU_NIC);
}

static void nic_remove(struct weir_device *dev)
{
	of(dev)->up[CORE_NIC_DRIVER] = false;
}

static int disk_probe(struct weir_device *dev)
{
	struct core_smmu *s = of(dev);

	s->up[CORE_DISK_DRIVER] = true;
	return s->config->use(s->config->arg, CORE_SMMU_DISK);
}

static void disk_remove(struct weir_device *dev)
{
	of(dev)->up[CORE_DISK_DRIVER] = false;
}

#define DRIVER(name, ...) \
	static const struct weir_driver_ops name##_ops = { \
		.abi = WEIR_ABI(struct weir_driver_ops), \
		.probe = name##_probe, .remove = name##_remove, __VA_ARGS__ \
	}; \
	static const struct weir_match name##_match[] = { { "acme," #name, NULL }, { NULL, NULL } }
DRIVER(clock, .suspend = NULL);
DRIVER(smmu, .suspend = smmu_suspend, .resume = smmu_resume);
DRIVER(nic, .suspend = NULL);
DRIVER(disk, .suspend = NULL);

/* On no thread of the host: the gate, and the SMMU's hardware layer, are called one at a time. */
#define ENTRY(driver) \
	{ .name = #driver, .bus = "platform", .match = driver##_match, .ops = &driver##_ops, \
	  .flags = WEIR_DRIVER_SYNC }

/* ---- up and down ---- */

int core_smmu_start(struct core_smmu *s, const struct weir_host_ops *ops, void *host,
		    const struct core_config *config)
{
	const struct weir_parts parts = {
		.abi = WEIR_ABI(struct weir_parts), .gate = &gate, .gate_arg = s,
	};
	int err;

	*s = (struct core_smmu){
		.ops = ops, .host = host, .config = config,
		.drivers = { ENTRY(clock), ENTRY(smmu), ENTRY(nic), ENTRY(disk) },
	};
	for (unsigned int i = 0; i < CORE_DRIVERS; i++)
		s->drivers[i].context = s;
	err = weir_machine_create_parts(ops, host, &parts, &s->m);
	if (err)
		return err;
	err = weir_firmware_load_board(s->m, &board);
	if (!err)
		err = weir_firmware_populate(s->m);
	if (err)
		core_smmu_stop(s);
	return err;
}

int core_smmu_load(struct core_smmu *s, enum core_driver which)
{
	int err = weir_driver_register(s->m, &s->drivers[which]);

	return err ? err : weir_settle(s->m);
}

int core_smmu_unload(struct core_smmu *s, enum core_driver which)
{
	int err = weir_driver_unregister(s->m, &s->drivers[which]);

	return err ? err : weir_settle(s->m);
}

void core_smmu_stop(struct core_smmu *s)
{
	weir_machine_destroy(s->m);
	s->m = NULL;
}
