// SPDX-License-Identifier: MIT
/* What IOMMU drivers of devices have in common: see glue.h. */
#include "drivers/glue.h"

#include "weir/clock.h"
#include "weir/firmware.h"
#include "weir/iommu.h"

void weir_glue_fault_(void *dev, const struct weir_fault *fault)
{
	weir_iommu_fault(dev, fault);
}

int weir_glue_table_alloc_(void *dev, size_t bytes, size_t align_bytes, void **out_va,
			   uint64_t *out_pa)
{
	return weir_machine_pages_keep(weir_device_machine(dev), bytes, align_bytes, out_va, out_pa);
}

void weir_glue_table_free_(void *dev, void *va, uint64_t pa, size_t bytes)
{
	(void)va;
	(void)bytes;
	weir_machine_pages_drop(weir_device_machine(dev), pa);
}

int weir_glue_table_find_(void *dev, uint64_t pa, void **out_va, size_t *out_bytes)
{
	return weir_machine_pages_find(weir_device_machine(dev), pa, out_va, out_bytes);
}

int weir_glue_clocks_on_(struct weir_device *dev, bool *on)
{
	int err = *on ? 0 : weir_clocks_enable(dev);

	if (!err)
		*on = true;
	return err;
}

void weir_glue_clocks_off_(struct weir_device *dev, bool *on, bool leave)
{
	if (*on && leave)
		weir_clocks_leave(dev);
	else if (*on)
		weir_clocks_disable(dev);
	*on = false;
}

int weir_glue_module_init_(struct weir_machine *m, struct weir_module *module)
{
	(void)module;
	return weir_firmware_buses(m);
}
