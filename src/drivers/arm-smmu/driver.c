// SPDX-License-Identifier: MIT
/*
 * The driver that binds to SMMUs of versions 1 and 2 in device trees (Devicetree bindings,
 * iommu/arm,smmu.yaml) and in ACPI's IORT (Arm, DEN0049E.f), and the IOMMU instance that it publishes as
 * the last step of its probe. Its clocks run while it is awake; its power domain is a supplier, which
 * sleeps after it and wakes before it.
 */
#include "drivers/arm-smmu/priv.h"
#include "drivers/glue.h"
#include "weir/firmware.h"

#define LINES_MAX (2u * BANKS_MAX)
#define BY_ACPI 0x80000000u /* beside WEIR_SMMU_V2_*: what a match says */

/* Lives from probe to remove; the device's data. */
struct bound {
	struct weir_device *dev;
	struct weir_smmu_v2 *smmu;
	bool clocked;
	bool kept;                  /* some master goes on without us, and needs them */
	uint32_t match_mask;        /* of specifiers of one cell */
	uint32_t lines[LINES_MAX];
};

/* ---- the instance ---- */

static struct weir_smmu_v2 *smmu_of(void *instance)
{
	return ((const struct bound *)instance)->smmu;
}

/* One cell is an id, the second one a mask of bits that do not matter. */
static int op_translate_ids(void *instance, struct weir_device *dev, const uint32_t *cells,
			    unsigned int n, uint32_t *out_stream)
{
	const struct bound *b = instance;
	uint32_t mask = n == 2 ? cells[1] : b->match_mask, stream;

	(void)dev;
	if (n < 1 || n > 2 || cells[0] > 0xffff || mask > 0xffff)
		return WEIR_EINVAL;
	stream = WEIR_SMMU_V2_STREAM(cells[0] & ~mask, mask);
	if (weir_smmu_v2_stream_check(b->smmu, stream))
		return WEIR_EINVAL;
	*out_stream = stream;
	return 0;
}

static void op_limits(void *instance, struct weir_domain_limits *out_limits)
{
	weir_smmu_v2_limits_get(smmu_of(instance), out_limits);
}

static void op_tables(void *instance, struct weir_table_config *out_config)
{
	weir_smmu_v2_tables_get(smmu_of(instance), out_config);
}

static int op_walks(void *instance, const struct weir_tables *tables)
{
	return weir_smmu_v2_walks(smmu_of(instance), tables);
}

static int op_tables_stage2(void *instance, struct weir_table_config *out_config)
{
	return weir_smmu_v2_stage2_get(smmu_of(instance), out_config);
}

static int op_part_nest(void *instance, void *parent, const struct weir_nested *nested,
			void **out_part)
{
	struct weir_smmu_v2_domain *part;
	int err = nested->kind == WEIR_NESTED_SMMU_V2
			  ? weir_smmu_v2_nest(parent, &nested->smmu_v2, &part)
			  : weir_smmu2_log_(smmu_of(instance), WEIR_LOG_ERR, WEIR_EOPNOTSUPP,
					    "stage 1 of a guest is another IOMMU's", nested->kind);

	if (!err)
		*out_part = part;
	return err;
}

static int op_invalidate_nested(void *instance, void *part,
				const struct weir_nested_invalidation *what)
{
	(void)instance;
	return weir_smmu_v2_invalidate_nested(part, what);
}

static int op_part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	bool external = weir_domain_type_get(domain) == WEIR_DOMAIN_EXTERNAL;
	const struct weir_tables *tables = weir_domain_tables(domain);
	struct weir_smmu_v2_domain *part;
	int err = tables ? weir_smmu_v2_domain_create(smmu_of(instance), tables,
						      external ? WEIR_SMMU_V2_OWN_ID : 0, &part)
			 : WEIR_EOPNOTSUPP;

	if (!err)
		*out_part = part;
	return err;
}

static void op_part_destroy(void *instance, void *part)
{
	(void)instance;
	weir_smmu_v2_domain_destroy(part);
}

static int op_attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct weir_smmu_v2 *smmu = smmu_of(instance);

	if (type == WEIR_DOMAIN_IDENTITY)
		return weir_smmu_v2_attach_identity(smmu, stream);
	if (type != WEIR_DOMAIN_BLOCKED && !part)
		return WEIR_EOPNOTSUPP;
	return weir_smmu_v2_attach(smmu, stream, type == WEIR_DOMAIN_BLOCKED ? NULL : part);
}

static int op_keep(void *instance, uint32_t stream, void *part)
{
	struct bound *b = instance;
	int err = weir_smmu_v2_keep(b->smmu, stream, part);

	if (!err)
		b->kept = true;
	return err;
}

static void op_forget(void *instance, uint32_t stream)
{
	weir_smmu_v2_forget(smmu_of(instance), stream);
}

static int op_enforce(void *instance)
{
	return weir_smmu_v2_enforce(smmu_of(instance));
}

static int op_invalidate(void *instance, void *part, const struct weir_invalidation *what)
{
	(void)instance;
	return weir_smmu_v2_invalidate(part, what);
}

static int op_sync(void *instance, void *part)
{
	(void)instance;
	return weir_smmu_v2_sync(part);
}

static const struct weir_iommu_ops instance_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
	.translate_ids = op_translate_ids,
	.limits = op_limits,
	.part_create = op_part_create,
	.part_destroy = op_part_destroy,
	.tables = op_tables,
	.walks = op_walks,
	.invalidate = op_invalidate,
	.attach = op_attach,
	.enforce = op_enforce,
	.keep = op_keep,
	.forget = op_forget,
	.sync = op_sync,
	.tables_stage2 = op_tables_stage2,
	.part_nest = op_part_nest,
	.invalidate_nested = op_invalidate_nested,
};

/* ---- what firmware says ---- */

static bool get_u32(const struct weir_fwnode *node, const char *name, uint32_t *out_value)
{
	const uint8_t *at;
	const void *value;
	size_t bytes;

	if (weir_fwnode_property(node, name, &value, &bytes) || bytes < 4)
		return false;
	at = value;
	*out_value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	return true;
}

/* The first #global-interrupts are of global faults, the others of contexts, in order. */
static int get_lines(struct bound *b, struct weir_smmu_v2_config *config)
{
	const struct weir_fwnode *node = weir_device_fwnode(b->dev);
	uint32_t n = 0, global = 0;

	while (n < LINES_MAX && !weir_firmware_line(node, n, &b->lines[n]))
		n++;
	if (n && !get_u32(node, "#global-interrupts", &global))
		return weir_dev_fail(b->dev, WEIR_EINVAL,
				     "its #global-interrupts are missing: which interrupt is which");
	if (global > n)
		return weir_dev_fail(b->dev, WEIR_EINVAL,
				     "its #global-interrupts are more than there are interrupts");
	config->lines = b->lines;
	config->nr_lines = n;
	config->nr_global_lines = global;
	return 0;
}

/* IORT's first is the global one, the others are of contexts; 0 is one that is not wired. */
static void get_acpi_lines(struct bound *b, struct weir_smmu_v2_config *config)
{
	const struct weir_fwnode *node = weir_device_fwnode(b->dev);
	uint32_t n = 0;
	int err = 0;

	for (uint32_t i = 0; n < LINES_MAX && err != WEIR_ENOENT; i++) {
		err = weir_firmware_line(node, i, &b->lines[n]);
		if (err)
			continue;
		if (!i)
			config->nr_global_lines = 1;
		n++;
	}
	config->lines = b->lines;
	config->nr_lines = n;
}

/* ---- the driver ---- */

static const struct weir_driver driver;

static int describe(struct bound *b, struct weir_smmu_v2_config *out_config)
{
	const struct weir_fwnode *node = weir_device_fwnode(b->dev);
	const struct weir_match *match = weir_driver_match_entry(b->dev, &driver);
	const uint32_t *flags = match ? match->data : NULL;

	/* Firmware that does not say that it is coherent means that it is not. */
	*out_config = (struct weir_smmu_v2_config){
		.name = weir_device_name(b->dev),
		.flags = flags ? *flags & ~BY_ACPI : 0,
		.coherency = weir_firmware_dma_coherent(node) > 0 ? WEIR_SMMU_V2_COHERENT
								  : WEIR_SMMU_V2_NONCOHERENT,
		.keep = true,
		.fault = weir_glue_fault_,
		.arg = b->dev,
	};
	if (weir_firmware_registers(node, 0, &out_config->base_pa, &out_config->bytes))
		return weir_dev_fail(b->dev, WEIR_ENODEV, "it has no registers");
	(void)get_u32(node, "stream-match-mask", &b->match_mask);
	if (flags && *flags & BY_ACPI) {
		get_acpi_lines(b, out_config);
		return 0;
	}
	return get_lines(b, out_config);
}

static int smmu_probe(struct weir_device *dev)
{
	struct weir_smmu_v2_config config;
	const struct weir_host_ops *ops;
	struct bound *b;
	void *mem, *host;
	int err = weir_devm_alloc(dev, sizeof(*b), &mem);

	if (err)
		return err;
	b = mem;
	b->dev = dev;
	err = describe(b, &config);
	if (err)
		return err;
	err = weir_glue_clocks_on_(b->dev, &b->clocked);
	if (err)
		return weir_dev_fail(dev, err, "it has no clock");
	b->kept = weir_iommu_runs_already(dev); /* if this fails */
	ops = weir_machine_host(weir_device_machine(dev), &host);
	err = weir_smmu_v2_create(ops, host, &config, &b->smmu);
	if (err)
		goto err_clocks;
	weir_device_set_data(dev, b);
	err = weir_iommu_register(dev, &instance_ops, b);
	if (!err) {
		b->kept = false;
		return 0;
	}
	weir_dev_fail(dev, err, "it cannot be published as an IOMMU");
	b->smmu = weir_smmu_v2_destroy(b->smmu);
err_clocks:
	weir_glue_clocks_off_(b->dev, &b->clocked, b->kept);
	return err;
}

static void smmu_remove(struct weir_device *dev)
{
	struct bound *b = weir_device_data(dev);

	weir_iommu_unregister(dev);
	b->kept = b->kept || weir_smmu_v2_kept(b->smmu); /* streams that nobody took go on */
	b->smmu = weir_smmu_v2_destroy(b->smmu);
	weir_glue_clocks_off_(b->dev, &b->clocked, b->kept);
}

/* Whoever needs it has had the chance: what firmware left running and nobody took is blocked. */
static void smmu_sync_state(struct weir_device *dev)
{
	weir_iommu_consumers_up(dev);
	weir_smmu_v2_release(smmu_of(weir_device_data(dev)));
}

/* What it knew is gone with its power: the core attaches anew when it is back. */
static int smmu_suspend(struct weir_device *dev)
{
	struct bound *b = weir_device_data(dev);
	int err = weir_iommu_power(dev, false);

	if (err)
		return err;
	weir_smmu_v2_suspend(b->smmu);
	weir_glue_clocks_off_(b->dev, &b->clocked, b->kept);
	return 0;
}

/* Half awake it would go on with what the books call off: then it sleeps again. */
static int smmu_resume(struct weir_device *dev)
{
	struct bound *b = weir_device_data(dev);
	int err = weir_glue_clocks_on_(b->dev, &b->clocked);

	if (err)
		return err;
	err = weir_smmu_v2_resume(b->smmu);
	if (err)
		goto err_clocks;
	err = weir_iommu_power(dev, true);
	if (!err)
		return 0;
	weir_smmu_v2_suspend(b->smmu);
err_clocks:
	weir_glue_clocks_off_(b->dev, &b->clocked, b->kept);
	return err;
}

/* Its clock stays: whoever comes next finds it as it is, letting nothing pass. */
static void smmu_shutdown(struct weir_device *dev)
{
	if (!weir_iommu_power(dev, false))
		weir_smmu_v2_suspend(smmu_of(weir_device_data(dev)));
}

unsigned int weir_arm_smmu_poll(struct weir_device *dev)
{
	const struct bound *b = weir_device_data(dev);

	return b ? weir_smmu_v2_poll(b->smmu) : 0;
}

static const struct weir_driver_ops driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = smmu_probe,
	.remove = smmu_remove,
	.sync_state = smmu_sync_state,
	.suspend = smmu_suspend,
	.resume = smmu_resume,
	.shutdown = smmu_shutdown,
};

static const uint32_t version1 = WEIR_SMMU_V2_ARCH_1, mmu500 = WEIR_SMMU_V2_MMU500;
static const uint32_t acpi_version1 = BY_ACPI | WEIR_SMMU_V2_ARCH_1, acpi_version2 = BY_ACPI;
static const uint32_t acpi_mmu500 = BY_ACPI | WEIR_SMMU_V2_MMU500;

/* Boards' own names come with one of these behind them. */
static const struct weir_match match[] = {
	{ .key = "arm,smmu-v1", .data = &version1 },
	{ .key = "arm,smmu-v2" },
	{ .key = "arm,mmu-400", .data = &version1 },
	{ .key = "arm,mmu-401", .data = &version1 },
	{ .key = "arm,mmu-500", .data = &mmu500 },
	{ .key = "qcom,smmu-v2" },
	{ .key = "qcom,smmu-500", .data = &mmu500 },
	{ .key = "acpi:arm-smmu-v1", .data = &acpi_version1 },
	{ .key = "acpi:arm-smmu-v2", .data = &acpi_version2 },
	{ .key = "acpi:arm-mmu-400", .data = &acpi_version1 },
	{ .key = "acpi:arm-mmu-401", .data = &acpi_version1 },
	{ .key = "acpi:arm-mmu-500", .data = &acpi_mmu500 },
	{ 0 },
};

static const struct weir_driver driver = {
	.name = "arm-smmu",
	.bus = "platform",
	.match = match,
	.ops = &driver_ops,
};
static const struct weir_driver *const drivers[] = { &driver, NULL };

const struct weir_module_entry weir_module_arm_smmu = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "arm-smmu",
	.drivers = drivers,
	.init = weir_glue_module_init_,
};
