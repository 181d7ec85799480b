// SPDX-License-Identifier: MIT
/*
 * The driver that binds to SMMUv3 devices of device trees and of ACPI's IORT, and the IOMMU
 * instance that it publishes as the last step of its probe.
 */
#include "drivers/arm-smmu-v3/priv.h"
#include "drivers/glue.h"
#include "weir/firmware.h"

/* Lives from probe to remove; the device's data. */
struct bound {
	struct weir_device *dev;
	struct weir_smmu_v3 *smmu;
};

/* ---- the instance ---- */

static struct weir_smmu_v3 *smmu_of(void *instance)
{
	return ((const struct bound *)instance)->smmu;
}

static int op_translate_ids(void *instance, struct weir_device *dev, const uint32_t *cells,
			    unsigned int n, uint32_t *out_stream)
{
	(void)dev;
	if (n != 1 || cells[0] > weir_smmu_v3_stream_max(smmu_of(instance)))
		return WEIR_EINVAL;
	*out_stream = cells[0];
	return 0;
}

static void op_limits(void *instance, struct weir_domain_limits *out_limits)
{
	weir_smmu_v3_limits_get(smmu_of(instance), out_limits);
}

static void op_tables(void *instance, struct weir_table_config *out_config)
{
	weir_smmu_v3_tables_get(smmu_of(instance), out_config);
}

static int op_walks(void *instance, const struct weir_tables *tables)
{
	return weir_smmu_v3_walks(smmu_of(instance), tables);
}

static int op_tables_stage2(void *instance, struct weir_table_config *out_config)
{
	return weir_smmu_v3_stage2_get(smmu_of(instance), out_config);
}

static int op_part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	bool external = weir_domain_type_get(domain) == WEIR_DOMAIN_EXTERNAL;
	const struct weir_tables *tables = weir_domain_tables(domain);
	struct weir_smmu_v3_domain *part;
	int err = tables ? weir_smmu_v3_domain_create(smmu_of(instance), tables,
						      external ? WEIR_SMMU_V3_OWN_ID : 0, &part)
			 : WEIR_EOPNOTSUPP;

	if (!err)
		*out_part = part;
	return err;
}

static int op_part_nest(void *instance, void *parent, const struct weir_nested *nested,
			void **out_part)
{
	struct weir_smmu_v3_domain *part;
	int err = nested->kind == WEIR_NESTED_SMMU_V3
			  ? weir_smmu_v3_nest(parent, &nested->smmu_v3, &part)
			  : weir_smmu_log_(smmu_of(instance), WEIR_LOG_ERR, WEIR_EOPNOTSUPP,
					   "stage 1 of a guest is another IOMMU's", nested->kind);

	if (!err)
		*out_part = part;
	return err;
}

static int op_invalidate_nested(void *instance, void *part,
				const struct weir_nested_invalidation *what)
{
	(void)instance;
	return weir_smmu_v3_invalidate_nested(part, what);
}

static void op_part_destroy(void *instance, void *part)
{
	(void)instance;
	weir_smmu_v3_domain_destroy(part);
}

static int op_attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct weir_smmu_v3 *smmu = smmu_of(instance);

	if (type == WEIR_DOMAIN_IDENTITY)
		return weir_smmu_v3_attach_identity(smmu, stream);
	if (type != WEIR_DOMAIN_BLOCKED && !part)
		return WEIR_EOPNOTSUPP;
	return weir_smmu_v3_attach(smmu, stream, type == WEIR_DOMAIN_BLOCKED ? NULL : part);
}

static int op_keep(void *instance, uint32_t stream, void *part)
{
	return weir_smmu_v3_keep(smmu_of(instance), stream, part);
}

static int op_enforce(void *instance)
{
	return weir_smmu_v3_enforce(smmu_of(instance));
}

static int op_invalidate(void *instance, void *part, const struct weir_invalidation *what)
{
	(void)instance;
	return weir_smmu_v3_invalidate(part, what);
}

static int op_sync(void *instance, void *part)
{
	(void)instance;
	return weir_smmu_v3_sync(part);
}

/* A driver's context: what its instances offer. */
struct flavour {
	struct weir_iommu_ops ops;
	const struct weir_smmu_v3_keeping *keeping;
	const struct weir_table_kind *ds_kind;
};

#define USUAL_OPS \
	.abi = WEIR_ABI(struct weir_iommu_ops), \
	.translate_ids = op_translate_ids, \
	.limits = op_limits, \
	.part_create = op_part_create, \
	.part_destroy = op_part_destroy, \
	.tables = op_tables, \
	.walks = op_walks, \
	.invalidate = op_invalidate, \
	.attach = op_attach, \
	.enforce = op_enforce, \
	.sync = op_sync, \
	.tables_stage2 = op_tables_stage2

static const struct flavour whole = {
	.ops = {
		USUAL_OPS,
		.keep = op_keep,
		.part_nest = op_part_nest,
		.invalidate_nested = op_invalidate_nested,
	},
	.keeping = &weir_smmu_v3_keeping,
	.ds_kind = &weir_table_arm64_ds,
};
static const struct flavour small = { .ops = { USUAL_OPS } };

/* ---- what firmware says ---- */

/* IORT's order of interrupts: events, page requests, sync, global errors (docs/firmware-acpi.md). */
static const char acpi_names[] = "eventq\0priq\0cmdq-sync\0gerror";

/* Where @name is in a list of strings (Devicetree bindings, iommu/arm,smmu-v3.yaml). */
static int index_of(const char *list, size_t bytes, const char *name)
{
	int index = 0;

	for (size_t at = 0; at < bytes; index++) {
		size_t n = 0;

		while (at + n < bytes && list[at + n] && list[at + n] == name[n])
			n++;
		if (at + n < bytes && !list[at + n] && !name[n])
			return index;
		while (at < bytes && list[at])
			at++;
		at++;
	}
	return WEIR_ENOENT;
}

static bool get_line(const struct weir_fwnode *node, const char *names, size_t bytes,
		     const char *name, uint32_t *out_line)
{
	int index = index_of(names, bytes, name);

	return index >= 0 && !weir_firmware_line(node, (unsigned int)index, out_line);
}

/* Both lines, or one that stands for both, or none. */
static void get_lines(const struct weir_fwnode *node, bool acpi, struct weir_smmu_v3_config *config)
{
	const char *names = acpi_names;
	size_t bytes = sizeof(acpi_names);
	const void *value;

	if (!acpi) {
		if (weir_fwnode_property(node, "interrupt-names", &value, &bytes))
			return;
		names = value;
	}
	if (get_line(node, names, bytes, "combined", &config->lines[0]))
		config->nr_lines = 1;
	else if (get_line(node, names, bytes, "eventq", &config->lines[0]) &&
		 get_line(node, names, bytes, "gerror", &config->lines[1]))
		config->nr_lines = 2;
}

/* A device tree that does not say so means that it is not. */
static enum weir_smmu_v3_coherency coherency_of(const struct weir_fwnode *node, bool acpi)
{
	int coherent = weir_firmware_dma_coherent(node);

	if (coherent < 0 && acpi)
		return WEIR_SMMU_V3_COHERENCY_PROBED;
	return coherent > 0 ? WEIR_SMMU_V3_COHERENT : WEIR_SMMU_V3_NONCOHERENT;
}

/* ---- the driver ---- */

static const struct flavour *flavour_of(struct weir_device *dev)
{
	return weir_device_driver(dev)->context;
}

static int describe(struct bound *b, struct weir_smmu_v3_config *out_config)
{
	const struct weir_fwnode *node = weir_device_fwnode(b->dev);
	const struct weir_match *match = weir_driver_match_entry(b->dev, weir_device_driver(b->dev));
	bool acpi = match && match->data;
	uint64_t bytes;

	*out_config = (struct weir_smmu_v3_config){
		.name = weir_device_name(b->dev),
		.msi = true,
		.coherency = coherency_of(node, acpi),
		.keep = true,
		.seamless = weir_iommu_runs_already(b->dev),
		.fault = weir_glue_fault_,
		.table_alloc = weir_glue_table_alloc_,
		.table_free = weir_glue_table_free_,
		.keeping = flavour_of(b->dev)->keeping,
		.ds_kind = flavour_of(b->dev)->ds_kind,
		.table_find = weir_glue_table_find_,
		.arg = b->dev,
	};
	if (weir_firmware_registers(node, 0, &out_config->base_pa, &bytes) || bytes < REGS_BYTES)
		return weir_dev_fail(b->dev, WEIR_ENODEV, "it has no registers");
	get_lines(node, acpi, out_config);
	return 0;
}

static int smmu_probe(struct weir_device *dev)
{
	struct weir_smmu_v3_config config;
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
	ops = weir_machine_host(weir_device_machine(dev), &host);
	err = weir_smmu_v3_create(ops, host, &config, &b->smmu);
	if (err)
		return err;
	weir_device_set_data(dev, b);
	err = weir_iommu_register(dev, &flavour_of(dev)->ops, b);
	if (!err)
		return 0;
	weir_dev_fail(dev, err, "it cannot be published as an IOMMU");
	b->smmu = weir_smmu_v3_destroy(b->smmu);
	return err;
}

static void smmu_remove(struct weir_device *dev)
{
	struct bound *b = weir_device_data(dev);

	weir_iommu_unregister(dev);
	b->smmu = weir_smmu_v3_destroy(b->smmu);
}

/* What it knew is gone with its power: the core attaches anew when it is back. */
static int smmu_suspend(struct weir_device *dev)
{
	int err = weir_iommu_power(dev, false);

	if (err)
		return err;
	weir_smmu_v3_suspend(smmu_of(weir_device_data(dev)));
	return 0;
}

/* Half awake it would go on with what the books call off: then it sleeps again. */
static int smmu_resume(struct weir_device *dev)
{
	struct weir_smmu_v3 *smmu = smmu_of(weir_device_data(dev));
	int err = weir_smmu_v3_resume(smmu);

	if (err)
		return err;
	err = weir_iommu_power(dev, true);
	if (err)
		weir_smmu_v3_suspend(smmu);
	return err;
}

static void smmu_shutdown(struct weir_device *dev)
{
	(void)smmu_suspend(dev);
}

unsigned int weir_arm_smmu_v3_poll(struct weir_device *dev)
{
	const struct bound *b = weir_device_data(dev);

	return b ? weir_smmu_v3_poll(b->smmu) : 0;
}

static const struct weir_driver_ops driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = smmu_probe,
	.remove = smmu_remove,
	.sync_state = weir_iommu_consumers_up,
	.suspend = smmu_suspend,
	.resume = smmu_resume,
	.shutdown = smmu_shutdown,
};

/* The data tells that it is ACPI's. */
static const struct weir_match match[] = {
	{ .key = "arm,smmu-v3" },
	{ .key = "acpi:arm-smmu-v3", .data = acpi_names },
	{ 0 },
};

#define DRIVER(flavour) \
	{ .name = "arm-smmu-v3", .bus = "platform", .match = match, .ops = &driver_ops, .context = (void *)&flavour }
static const struct weir_driver whole_driver = DRIVER(whole), small_driver = DRIVER(small);
static const struct weir_driver *const whole_drivers[] = { &whole_driver, NULL };
static const struct weir_driver *const small_drivers[] = { &small_driver, NULL };

#define MODULE(list) \
	{ .abi = WEIR_ABI(struct weir_module_entry), .name = "arm-smmu-v3", .drivers = list, \
	  .init = weir_glue_module_init_ }
const struct weir_module_entry weir_module_arm_smmu_v3 = MODULE(whole_drivers);
const struct weir_module_entry weir_module_arm_smmu_v3_small = MODULE(small_drivers);
