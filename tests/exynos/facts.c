// SPDX-License-Identifier: MIT
/* See facts.h. */
#include "facts.h"

#include <string.h>

static void look(struct eb_board *b, struct eb_facts *out_facts)
{
	snprintf(out_facts->reject, EB_PATH, "%s",
		 b->nr_masters ? b->sysmmus[b->masters[0].sysmmus[0]].path : "");
	for (unsigned int domain = 0; domain < 2; domain++) {
		unsigned int at = eb_with_supplier(b, domain);
		const struct eb_sysmmu *s = &b->sysmmus[at];

		*out_facts->supplier[domain] = '\0';
		if (at < EB_SYSMMUS)
			weir_fwnode_path(domain ? s->domain : s->clocks[0].provider,
					 out_facts->supplier[domain], EB_PATH);
	}
	out_facts->masters = b->nr_masters;
	out_facts->others = b->nr_others;
	out_facts->iommus = b->nr_sysmmus;
}

/*
 * Suppliers that no device stands for and masters wait for in the end: what early code or a driver of
 * something else sets up, such as a clock below a node without a bus. Return: whether there were more.
 */
static bool find_early(struct eb_board *b, struct eb_facts *f)
{
	unsigned int before = f->nr_early;

	for (unsigned int i = 0; i < b->nr_masters && f->nr_early < EB_EARLY; i++) {
		struct weir_device *dev = eb_device(b->masters[i].node);
		char path[EB_PATH];
		struct weir_why why;
		bool known = false;

		if (!dev || b->masters[i].running)
			continue;
		weir_device_root_cause(dev, &why);
		if (why.verdict != WEIR_VERDICT_WAITS_NODE || !why.node)
			continue;
		weir_fwnode_path(why.node, path, sizeof(path));
		for (unsigned int k = 0; k < f->nr_early; k++)
			known = known || !strcmp(path, f->early[k]);
		if (!known)
			memcpy(f->early[f->nr_early++], path, EB_PATH);
	}
	return f->nr_early > before;
}

/* Who does not come up for reasons of its own, such as a bus that has no model. */
static void find_without(struct eb_board *b, struct eb_facts *f)
{
	for (unsigned int i = 0; i < b->nr_masters; i++) {
		struct weir_device *dev = eb_device(b->masters[i].node);
		struct weir_why why;

		if (b->masters[i].running)
			continue;
		if (dev)
			weir_device_root_cause(dev, &why);
		printf("#   without %s: %s %s\n", b->masters[i].path,
		       dev ? weir_device_name(why.device) : "no device of a bus",
		       dev ? weir_verdict_name(why.verdict) : "");
		memcpy(f->without[f->nr_without++], b->masters[i].path, EB_PATH);
	}
}

/* Once with everything loaded. Return: whether it has to be done again. */
static bool try_out(const void *dtb, size_t bytes, struct eb_facts *f)
{
	struct eb_options options = { .seed = 1, .kind = f->kind, .early = f->early,
		.nr_early = f->nr_early, .without = f->without, .nr_without = f->nr_without };
	unsigned int without = f->nr_without;
	bool again = false;
	struct eb_board b;

	if (!eb_open(&b, dtb, bytes, &options)) {
		look(&b, f);
		if (f->kind != &eb_kind_sysmmu &&
		    !eb_load_iommu(&b) && !eb_load_display(&b) && !eb_load_codec(&b)) {
			again = find_early(&b, f);
			if (!again)
				find_without(&b, f);
		}
	}
	if (eb_close(&b))
		printf("# %s\n", b.wrong);
	return again || f->nr_without > without;
}

void eb_facts_of(const void *dtb, size_t bytes, const struct eb_kind *kind, struct eb_facts *out_facts)
{
	memset(out_facts, 0, sizeof(*out_facts));
	out_facts->kind = kind;
	while (try_out(dtb, bytes, out_facts))
		;
}
