// SPDX-License-Identifier: MIT
/*
 * A host bridge: its life. Adding walks and assigns everything before the first device
 * is there, so that a driver finds its function complete; then devices are made,
 * parents first. A host bridge belongs to who added it.
 */
#include "pci/priv.h"

static int check(const struct weir_pci_host *host, const struct weir_pci_config_ops *ops)
{
	if (host->first_bus > host->last_bus || host->nr_windows > WEIR_PCI_MAX_WINDOWS)
		return WEIR_EINVAL;
	for (unsigned int i = 0; i < host->nr_windows; i++) {
		const struct weir_pci_window *w = &host->windows[i];

		if (w->space >= WEIR_PCI_SPACES || !w->bytes || w->pci + (w->bytes - 1) < w->pci)
			return WEIR_EINVAL;
	}
	if (!ops)
		return host->ecam_bytes ? 0 : WEIR_EINVAL;
	return ops->abi.version != WEIR_ABI_VERSION || ops->abi.size < sizeof(*ops) ? WEIR_EINVAL
										    : 0;
}

/* Buses that the configuration space is too small for do not exist. */
static void trim_buses(struct weir_pci_host *host)
{
	uint64_t buses = host->ecam_bytes >> 20;

	if (buses && buses <= (uint64_t)(host->last_bus - host->first_bus))
		host->last_bus = (uint8_t)(host->first_bus + buses - 1);
}

/* Room for a card, or a switch with some ports. */
static const struct weir_pci_reserve usual_reserve = {
	.set = true,
	.buses = 7,
	.bytes = { [WEIR_PCI_IO] = 4u << 10, [WEIR_PCI_MEM] = 8u << 20, [WEIR_PCI_HIGH] = 256u << 20 },
};

static void settle_reserve(struct weir_pci_reserve *reserve)
{
	if (!reserve->set)
		*reserve = usual_reserve;
	if (reserve->buses > 255)
		reserve->buses = 255; /* all that there are */
}

static int walk(struct weir_pci *pci)
{
	int err = weir_pci_scan_(pci, NULL);

	if (err)
		return err;
	weir_pci_assign_(pci);
	err = weir_pci_map_(pci);
	if (!err)
		err = weir_pci_groups_(pci);
	return err ? err : weir_pci_devices_add_(pci);
}

int weir_pci_add(struct weir_device *parent, const struct weir_pci_host *host,
		 const struct weir_pci_config_ops *ops, void *ctx, uint32_t flags,
		 struct weir_pci **out_pci)
{
	struct weir_machine *m = weir_device_machine(parent);
	struct weir_pci *pci;
	int err = check(host, ops);

	if (err)
		return err;
	weir_lock_(m);
	pci = weir_alloc_(m, sizeof(*pci));
	weir_unlock_(m);
	if (!pci)
		return WEIR_ENOMEM;
	weir_list_init(&pci->fns);
	pci->m = m;
	pci->parent = weir_device_ref(parent);
	pci->host = *host;
	settle_reserve(&pci->host.reserve);
	pci->flags = flags | host->flags;
	pci->ops = ops ? ops : &weir_pci_ecam_ops_;
	pci->ctx = ops ? ctx : pci;
	err = weir_pci_bus_(m, &pci->bus);
	if (!err && !ops) {
		trim_buses(&pci->host);
		err = weir_mmio_map(m, host->ecam_pa, host->ecam_bytes, &pci->ecam);
	}
	if (!err)
		err = walk(pci);
	if (err < 0) {
		weir_pci_del(pci);
		return err;
	}
	*out_pci = pci;
	return 0;
}

void weir_pci_del(struct weir_pci *pci)
{
	struct weir_machine *m;
	struct fn *f;

	if (!pci)
		return;
	m = pci->m;
	/* The last first, children with their parents. */
	while (!weir_list_empty(&pci->fns)) {
		f = weir_container_of(pci->fns.prev, struct fn, sibling);
		weir_pci_fn_delete_(f);
	}
	weir_mmio_unmap(&pci->ecam);
	weir_device_unref(pci->parent);
	weir_lock_(m);
	weir_free_(m, pci, sizeof(*pci));
	weir_unlock_(m);
}

int weir_pci_find(struct weir_pci *pci, uint16_t rid, struct weir_device **out_dev)
{
	struct fn *f;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		if (f->rid == rid && f->dev) {
			*out_dev = f->dev;
			return 0;
		}
	}
	return WEIR_ENOENT;
}
