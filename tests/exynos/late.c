// SPDX-License-Identifier: MIT
/*
 * Clocks and power domains that an IOMMU needs, and that come late, fail, have no driver in this kernel,
 * or do not wake again: whoever is behind it waits, and the root cause that is told is that one.
 */
#include "stories.h"

enum trouble {
	NO_DRIVER,      /* in this kernel, for it and all of its kind */
	LATE,
	BROKEN,         /* a clock that does not start, a power domain whose probe fails; then repaired */
	NO_WAKE,        /* it was there, slept, and does not wake; then it does */
};

static const struct {
	enum trouble trouble;
	bool domain;    /* a power domain's; otherwise a clock's */
} variants[EB_SUPPLIER_VARIANTS] = {
	{ NO_DRIVER, false }, { LATE, false }, { BROKEN, false }, { NO_WAKE, false },
	{ NO_DRIVER, true }, { LATE, true }, { BROKEN, true }, { NO_WAKE, true },
};

static struct weir_fwnode *supplier_of(const struct eb_sysmmu *s, bool domain)
{
	return domain ? s->domain : s->nr_clocks ? s->clocks[0].provider : NULL;
}

unsigned int eb_with_supplier(const struct eb_board *b, bool domain)
{
	for (unsigned int i = 0; i < b->nr_masters; i++)
		for (unsigned int j = 0; j < b->masters[i].nr_sysmmus; j++) {
			unsigned int at = b->masters[i].sysmmus[j];
			const struct weir_fwnode *node = supplier_of(&b->sysmmus[at], domain);
			struct weir_device *dev = node ? eb_device(node) : NULL;

			if (dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND)
				return at;
		}
	return EB_SYSMMUS;
}

const char *eb_without_driver(const struct eb_facts *f, unsigned int variant)
{
	return variants[variant].trouble == NO_DRIVER ? f->supplier[variants[variant].domain] : NULL;
}

static bool alike(const struct weir_fwnode *a, const struct weir_fwnode *b)
{
	const char *text;

	for (unsigned int i = 0; a && (text = weir_fwnode_compatible(b, i)); i++)
		if (eb_is(a, text))
			return true;
	return false;
}

void eb_expect_waits(struct eb_board *b, unsigned int sysmmu, const struct weir_fwnode *what, bool kind)
{
	for (unsigned int i = 0; i < b->nr_masters; i++)
		for (unsigned int j = 0; j < b->masters[i].nr_sysmmus; j++) {
			struct weir_device *dev = eb_device(b->masters[i].node);
			const struct weir_fwnode *root;
			struct weir_why why;

			if (b->masters[i].sysmmus[j] != sysmmu || !dev)
				continue;
			if (b->masters[i].running)
				eb_wrong(b, "%s runs", b->masters[i].path);
			weir_device_root_cause(dev, &why);
			root = why.device ? weir_device_fwnode(why.device) : why.node;
			if (root != what && why.node != what && !(kind && alike(root, what)))
				eb_wrong(b, "%s waits for %s, not for what is missing",
					 b->masters[i].path, weir_device_name(why.device));
		}
}

static void load_all(struct eb_board *b)
{
	(void)(eb_load_display(b) || eb_load_codec(b) || eb_load_iommu(b));
}

/* Who was tried before it was repaired, and others that have the same one. */
static void try_again(struct eb_board *b)
{
	for (unsigned int i = 0; i < b->nr_sysmmus; i++)
		if (eb_device(b->sysmmus[i].node))
			(void)weir_driver_bind(eb_device(b->sysmmus[i].node));
	eb_settle(b);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		eb_master_bind(b, i);
	eb_settle(b);
}

static void no_driver(struct eb_board *b, const char *path)
{
	struct weir_fwnode *node;
	unsigned int at;

	if (weir_fwnode_find(b->m, path, &node))
		return;
	for (at = 0; at < b->nr_sysmmus; at++)
		if (b->sysmmus[at].nr_masters &&
		    (supplier_of(&b->sysmmus[at], false) == node ||
		     supplier_of(&b->sysmmus[at], true) == node))
			break;
	load_all(b);
	weir_catalogue_complete(b->m);
	eb_run(b);
	eb_expect_waits(b, at, node, true);
	eb_wait_long(b);
	eb_expect_waits(b, at, node, true);
}

/* It is not there yet, or does not work yet. */
static void later(struct eb_board *b, unsigned int at, bool domain, bool broken)
{
	struct eb_sysmmu *s = &b->sysmmus[at];
	struct weir_fwnode *node = supplier_of(s, domain);
	struct weir_device *dev = eb_device(node);
	bool clock = broken && !domain;

	if (clock)
		s->fail_clocks = WEIR_EIO;
	else if (weir_driver_unbind(dev))
		eb_wrong(b, "%s cannot be unbound", weir_device_name(dev));
	if (broken && domain) {
		b->broken = node;
		(void)weir_driver_bind(dev);
	}
	load_all(b);
	eb_run(b);
	eb_expect_waits(b, at, clock ? s->node : node, false);
	eb_wait_long(b);
	eb_expect_waits(b, at, clock ? s->node : node, false);
	eb_check(b);
	s->fail_clocks = 0;
	b->broken = NULL;
	if (!clock && eb_ok(b) && weir_driver_bind(dev))
		eb_wrong(b, "%s cannot be bound again", weir_device_name(dev));
	eb_settle(b);
	if (clock)
		try_again(b);
	eb_all_run(b);
}

static void no_wake(struct eb_board *b, unsigned int at, bool domain)
{
	struct eb_sysmmu *s = &b->sysmmus[at];

	load_all(b);
	eb_all_run(b);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		eb_master_unbind(b, i);
	eb_none_runs(b);
	if (domain ? !s->asleep : s->clocks[0].enabled)
		return; /* somebody else needs it, too, or the driver leaves it on */
	if (domain)
		b->broken = s->domain;
	else
		s->fail_clocks = WEIR_EIO;
	for (unsigned int i = 0; i < b->nr_masters; i++)
		eb_master_bind(b, i);
	eb_settle(b);
	eb_run(b);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		for (unsigned int j = 0; j < b->masters[i].nr_sysmmus; j++)
			if (b->masters[i].sysmmus[j] == at && b->masters[i].running)
				eb_wrong(b, "%s runs, and its IOMMU does not wake", b->masters[i].path);
	eb_check(b);
	b->broken = NULL;
	s->fail_clocks = 0;
	try_again(b);
	eb_all_run(b);
}

void eb_story_suppliers(struct eb_board *b, unsigned int variant)
{
	bool domain = variants[variant].domain;
	unsigned int at = eb_with_supplier(b, domain);

	if (variants[variant].trouble == NO_DRIVER) {
		if (b->options.no_driver && *b->options.no_driver)
			no_driver(b, b->options.no_driver);
		return;
	}
	if (at == EB_SYSMMUS)
		return; /* the family's trees name none */
	if (variants[variant].trouble == NO_WAKE)
		no_wake(b, at, domain);
	else
		later(b, at, domain, variants[variant].trouble == BROKEN);
}
