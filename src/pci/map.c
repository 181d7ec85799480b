// SPDX-License-Identifier: MIT
/*
 * From requester ids to IOMMUs and MSI controllers, whatever the kind of firmware: it
 * answers for one id at a time, here the answers become what the function has. Done
 * once, when a function is found; constant from then on.
 */
#include "pci/priv.h"

/* Whether a node is that of the function, or below it. */
static bool is_below(const struct weir_fwnode *node, const struct fn *f)
{
	for (; node && f->fwnode; node = weir_fwnode_parent(node))
		if (node == f->fwnode)
			return true;
	return false;
}

static bool is_known(const struct fn *f, const struct weir_pci_id *id)
{
	for (uint32_t i = 0; i < f->nr_ids; i++)
		if (f->ids[i].is.target == id->target && f->ids[i].is.id == id->id)
			return true;
	return false;
}

static int add_id(struct fn *f, const struct weir_pci_id *id)
{
	struct weir_machine *m = f->pci->m;
	int err;

	weir_lock_(m);
	err = weir_grow_(m, (void **)&f->ids, &f->max_ids, f->nr_ids, sizeof(*f->ids));
	weir_unlock_(m);
	if (!err)
		f->ids[f->nr_ids++] = (struct fn_id){ .is = *id, .fn = f };
	return err;
}

/* Never taken for "mapped nowhere": who asks is told of the damage. */
static int damaged(struct fn *f, const char *what, uint16_t rid)
{
	struct weir_machine *m = f->pci->m;
	char name[NAME_BYTES];

	weir_lock_(m);
	weir_logf_(m, WEIR_LOG_ERR, "pci %s: firmware's map of requester ids to %s is damaged at 0x%x",
		   weir_pci_name_(f, name), what, rid);
	weir_unlock_(m);
	return WEIR_EINVAL;
}

static int map_iommus(struct fn *f, struct weir_fwnode *host)
{
	struct weir_pci_id id;

	for (unsigned int i = 0; !weir_pci_alias_(f, i, &id.rid); i++) {
		int err = weir_firmware_map_id(host, WEIR_FWMAP_IOMMU, id.rid, &id.target, &id.id);

		if (err == WEIR_EINVAL)
			f->ids_err = damaged(f, "IOMMUs", id.rid);
		if (err || is_below(id.target, f) || is_known(f, &id))
			continue;
		err = add_id(f, &id);
		if (err)
			return err;
	}
	return 0;
}

static int map(struct fn *f)
{
	struct weir_fwnode *host = f->pci->parent->fwnode;
	struct weir_pci_id id = { .rid = f->rid };

	if (!host)
		return 0;
	f->msi_id_err = weir_firmware_map_id(host, WEIR_FWMAP_MSI, id.rid, &id.target, &id.id);
	if (!f->msi_id_err)
		f->msi_id = id;
	else if (f->msi_id_err == WEIR_EINVAL)
		damaged(f, "MSI controllers", f->rid);
	return map_iommus(f, host);
}

int weir_pci_map_(struct weir_pci *pci)
{
	struct fn *f;
	int err = 0;

	for (f = weir_pci_next_(pci, NULL); f && !err; f = weir_pci_next_(pci, f))
		err = f->fresh ? map(f) : 0;
	return err;
}

int weir_pci_iommu_id(const struct weir_device *dev, unsigned int index,
		      struct weir_pci_id *out_id)
{
	const struct fn *f = weir_pci_fn_(dev);

	if (!f)
		return WEIR_ENOENT;
	if (f->ids_err)
		return f->ids_err;
	if (index >= f->nr_ids)
		return WEIR_ENOENT;
	*out_id = f->ids[index].is;
	return 0;
}

int weir_pci_msi_id(const struct weir_device *dev, struct weir_pci_id *out_id)
{
	const struct fn *f = weir_pci_fn_(dev);

	if (!f || !f->msi_id.target)
		return f && f->msi_id_err ? f->msi_id_err : WEIR_ENOENT;
	*out_id = f->msi_id;
	return 0;
}
