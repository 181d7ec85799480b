// SPDX-License-Identifier: MIT
/*
 * The tree of functions of a host bridge: made by walking buses, changed by plugging.
 * A function lives until it is out of the tree and nobody refers to its device.
 */
#include "core/text.h"
#include "pci/priv.h"

struct weir_list *weir_pci_children_(struct weir_pci *pci, struct fn *bridge)
{
	return bridge ? &bridge->children : &pci->fns;
}

/* Down, else on, else up and on; NULL when it comes back to @top. */
static struct fn *next(const struct fn *top, struct fn *f, struct weir_list *root)
{
	if (!weir_list_empty(&f->children))
		return weir_container_of(f->children.next, struct fn, sibling);
	for (; f && f != top; f = f->parent) {
		struct weir_list *head = f->parent ? &f->parent->children : root;

		if (f->sibling.next != head)
			return weir_container_of(f->sibling.next, struct fn, sibling);
	}
	return NULL;
}

struct fn *weir_pci_next_(const struct weir_pci *pci, struct fn *f)
{
	struct weir_list *root = (struct weir_list *)(uintptr_t)&pci->fns;

	return f ? next(NULL, f, root) : weir_list_first(root, struct fn, sibling);
}

struct fn *weir_pci_next_below_(const struct fn *top, struct fn *f)
{
	return next(top, f, &f->pci->fns);
}

static struct fn *last_of(struct weir_list *head, struct fn *f)
{
	while (!weir_list_empty(head)) {
		f = weir_container_of(head->prev, struct fn, sibling);
		head = &f->children;
	}
	return f;
}

struct fn *weir_pci_previous_(struct weir_pci *pci, struct fn *f)
{
	if (!f)
		return last_of(&pci->fns, NULL);
	if (f->sibling.prev == weir_pci_children_(pci, f->parent))
		return f->parent;
	f = weir_container_of(f->sibling.prev, struct fn, sibling);
	return last_of(&f->children, f);
}

int weir_pci_fn_create_(struct weir_pci *pci, struct fn *parent, uint16_t rid, struct fn **out_fn)
{
	struct fn *f;

	weir_lock_(pci->m);
	f = weir_alloc_(pci->m, sizeof(*f));
	weir_unlock_(pci->m);
	if (!f)
		return WEIR_ENOMEM;
	f->pci = pci;
	f->parent = parent;
	f->rid = rid;
	f->in_tree = true;
	f->fresh = true;
	f->plugged = pci->walked;
	f->multifunction = WEIR_PCI_RID_FUNCTION(rid) != 0;
	weir_list_init(&f->children);
	weir_list_add_tail(weir_pci_children_(pci, parent), &f->sibling);
	*out_fn = f;
	return 0;
}

/* Machine lock held. */
static void free_fn(struct weir_machine *m, struct fn *f)
{
	for (unsigned int i = 0; i < WEIR_PCI_RULES; i++) {
		weir_strfree_(m, f->groups[i].key);
		weir_strfree_(m, f->groups[i].why);
	}
	weir_free_(m, f->ids, f->max_ids * sizeof(*f->ids));
	weir_free_(m, f, sizeof(*f));
}

void weir_pci_device_release_(struct weir_device *dev)
{
	struct fn *f = dev->bus_data;

	f->dev = NULL;
	if (!f->in_tree)
		free_fn(dev->m, f);
}

void weir_pci_fn_drop_(struct fn *f)
{
	struct weir_machine *m = f->pci->m;

	weir_lock_(m);
	weir_list_del(&f->sibling);
	f->in_tree = false;
	if (f->dev)
		weir_device_unref_(f->dev);
	else
		free_fn(m, f);
	weir_unlock_(m);
}

const char *weir_pci_name_(const struct fn *f, char buf[NAME_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	unsigned int segment = f->pci->host.segment, bus = f->rid >> 8;
	unsigned int device = WEIR_PCI_RID_DEVICE(f->rid);
	char *at = buf;

	for (int shift = 12; shift >= 0; shift -= 4)
		*at++ = hex[segment >> shift & 15];
	*at++ = ':';
	*at++ = hex[bus >> 4];
	*at++ = hex[bus & 15];
	*at++ = ':';
	*at++ = hex[device >> 4];
	*at++ = hex[device & 15];
	*at++ = '.';
	*at++ = hex[WEIR_PCI_RID_FUNCTION(f->rid)];
	*at = '\0';
	return buf;
}

void weir_pci_fail_(struct fn *f, const char *fmt, ...)
{
	struct weir_machine *m = f->pci->m;
	char name[NAME_BYTES];
	va_list args;

	if (f->fault[0])
		return;
	va_start(args, fmt);
	weir_vformat_(f->fault, sizeof(f->fault), fmt, args);
	va_end(args);
	weir_lock_(m);
	weir_logf_(m, WEIR_LOG_ERR, "pci %s: %s", weir_pci_name_(f, name), f->fault);
	weir_unlock_(m);
}
