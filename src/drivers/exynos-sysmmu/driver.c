// SPDX-License-Identifier: MIT
/*
 * The driver that binds to Exynos System MMUs of device trees, and the IOMMU instance that it
 * publishes as the last step of its probe. A master that is behind several has one domain, which
 * all of them walk.
 *
 * Clocks run while the System MMU is awake. It sleeps with its masters from when all of them have
 * had their chance: until then one may be running that firmware left on. Its power domain is a
 * supplier, which sleeps after it and wakes before it.
 */
#include "drivers/exynos-sysmmu/priv.h"
#include "drivers/glue.h"
#include "weir/firmware.h"
#include "weir/pm.h"

/* Lives from probe to remove; the device's data. */
struct bound {
	struct weir_device *dev;
	struct weir_sysmmu *sysmmu;
	bool clocked;
	bool kept;    /* its master goes on without us, and needs them */
};

/* ---- the instance ---- */

static struct weir_sysmmu *sysmmu_of(void *instance)
{
	return ((const struct bound *)instance)->sysmmu;
}

/* There is one master, so there is nothing to tell (#iommu-cells is 0). */
static int op_translate_ids(void *instance, struct weir_device *dev, const uint32_t *cells,
			    unsigned int n, uint32_t *out_stream)
{
	(void)instance;
	(void)dev;
	(void)cells;
	if (n)
		return WEIR_EINVAL;
	*out_stream = 0;
	return 0;
}

static void op_limits(void *instance, struct weir_domain_limits *out_limits)
{
	weir_sysmmu_limits_get(sysmmu_of(instance), out_limits);
}

static void op_tables(void *instance, struct weir_table_config *out_config)
{
	weir_sysmmu_tables_get(sysmmu_of(instance), out_config);
}

static int op_walks(void *instance, const struct weir_tables *tables)
{
	return weir_sysmmu_walks(sysmmu_of(instance), tables);
}

static int op_part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	const struct weir_tables *tables = weir_domain_tables(domain);
	struct weir_sysmmu_domain *part;
	int err = tables ? weir_sysmmu_domain_create(sysmmu_of(instance), tables, &part)
			 : WEIR_EOPNOTSUPP;

	if (!err)
		*out_part = part;
	return err;
}

static void op_part_destroy(void *instance, void *part)
{
	(void)instance;
	weir_sysmmu_domain_destroy(part);
}

static int op_attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct weir_sysmmu *sysmmu = sysmmu_of(instance);

	(void)stream;
	if (type == WEIR_DOMAIN_IDENTITY)
		return weir_sysmmu_attach_identity(sysmmu);
	if (type != WEIR_DOMAIN_BLOCKED && !part)
		return WEIR_EOPNOTSUPP;
	return weir_sysmmu_attach(sysmmu, type == WEIR_DOMAIN_BLOCKED ? NULL : part);
}

/*
 * A master that runs without us may be adopted when the others of its System MMUs are there, too. This one
 * is blocked when it has another driver, or when sync_state says that nobody comes.
 */
static int op_enforce(void *instance)
{
	const struct bound *b = instance;

	return weir_iommu_runs_already(b->dev) ? 0 : weir_sysmmu_enforce(b->sysmmu);
}

static int op_keep(void *instance, uint32_t stream, void *part)
{
	struct bound *b = instance;
	int err = weir_sysmmu_keep(b->sysmmu, part);

	(void)stream;
	if (!err)
		b->kept = true;
	return err;
}

static int op_invalidate(void *instance, void *part, const struct weir_invalidation *what)
{
	(void)instance;
	return weir_sysmmu_invalidate(part, what);
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
};

/* ---- the driver ---- */

static int describe(struct bound *b, struct weir_sysmmu_config *out_config)
{
	const struct weir_fwnode *node = weir_device_fwnode(b->dev);

	*out_config = (struct weir_sysmmu_config){
		.name = weir_device_name(b->dev),
		.keep = true,
		.fault = weir_glue_fault_,
		.table_alloc = weir_glue_table_alloc_,
		.table_free = weir_glue_table_free_,
		.arg = b->dev,
	};
	if (weir_firmware_registers(node, 0, &out_config->base_pa, &out_config->bytes))
		return weir_dev_fail(b->dev, WEIR_ENODEV, "it has no registers");
	out_config->has_line = !weir_firmware_line(node, 0, &out_config->line);
	return 0;
}

static int sysmmu_probe(struct weir_device *dev)
{
	struct weir_sysmmu_config config;
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
	err = weir_sysmmu_create(ops, host, &config, &b->sysmmu);
	if (err)
		goto err_clocks;
	weir_device_set_data(dev, b);
	err = weir_iommu_register(dev, &instance_ops, b);
	if (!err) {
		b->kept = false;
		return 0;
	}
	weir_dev_fail(dev, err, "it cannot be published as an IOMMU");
	b->sysmmu = weir_sysmmu_destroy(b->sysmmu);
err_clocks:
	weir_glue_clocks_off_(b->dev, &b->clocked, b->kept);
	return err;
}

static void sysmmu_remove(struct weir_device *dev)
{
	struct bound *b = weir_device_data(dev);

	weir_iommu_unregister(dev);
	/* as it was found: its master runs without us */
	b->kept = b->kept || (b->sysmmu->mode == SYSMMU_FOUND && weir_iommu_runs_already(dev));
	b->sysmmu = weir_sysmmu_destroy(b->sysmmu);
	weir_glue_clocks_off_(b->dev, &b->clocked, b->kept);
}

/* What firmware left running is blocked now, or has a driver: from here on it may sleep. */
static void sysmmu_sync_state(struct weir_device *dev)
{
	const struct bound *b = weir_device_data(dev);

	weir_iommu_consumers_up(dev);
	(void)weir_sysmmu_enforce(b->sysmmu); /* it tells of itself when it does not block */
	weir_pm_runtime_enable(dev);
}

/* The core attaches anew when it is back. */
static int sysmmu_suspend(struct weir_device *dev)
{
	struct bound *b = weir_device_data(dev);
	int err = weir_iommu_power(dev, false);

	if (err)
		return err;
	weir_sysmmu_suspend(b->sysmmu);
	weir_glue_clocks_off_(b->dev, &b->clocked, b->kept);
	return 0;
}

/* Half awake it would go on with what the books call off: then it sleeps again. */
static int sysmmu_resume(struct weir_device *dev)
{
	struct bound *b = weir_device_data(dev);
	int err = weir_glue_clocks_on_(b->dev, &b->clocked);

	if (err)
		return err;
	err = weir_sysmmu_resume(b->sysmmu);
	if (!err)
		err = weir_iommu_power(dev, true);
	if (!err)
		return 0;
	weir_sysmmu_suspend(b->sysmmu);
	weir_glue_clocks_off_(b->dev, &b->clocked, b->kept);
	return err;
}

/* Its clock stays: whoever comes next finds it as it is, holding its master back. */
static void sysmmu_shutdown(struct weir_device *dev)
{
	if (!weir_iommu_power(dev, false))
		weir_sysmmu_suspend(sysmmu_of(weir_device_data(dev)));
}

unsigned int weir_exynos_sysmmu_poll(struct weir_device *dev)
{
	const struct bound *b = weir_device_data(dev);

	return b ? weir_sysmmu_poll(b->sysmmu) : 0;
}

static const struct weir_driver_ops driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = sysmmu_probe,
	.remove = sysmmu_remove,
	.sync_state = sysmmu_sync_state,
	.suspend = sysmmu_suspend,
	.resume = sysmmu_resume,
	.shutdown = sysmmu_shutdown,
	.runtime_suspend = sysmmu_suspend,
	.runtime_resume = sysmmu_resume,
};

static const struct weir_match match[] = {
	{ .key = "samsung,exynos-sysmmu" },
	{ 0 },
};

static const struct weir_driver driver = {
	.name = "exynos-sysmmu",
	.bus = "platform",
	.match = match,
	.ops = &driver_ops,
};
static const struct weir_driver *const drivers[] = { &driver, NULL };

const struct weir_module_entry weir_module_exynos_sysmmu = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "exynos-sysmmu",
	.drivers = drivers,
	.init = weir_glue_module_init_,
};
