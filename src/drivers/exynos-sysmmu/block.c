// SPDX-License-Identifier: MIT
/*
 * What is done to a System MMU while its master is held back: other tables, flushes. A block
 * is asked for and confirmed; what its master began before is done then. Lock held in all of it.
 *
 * From the moment that a block is not confirmed nothing is known of what it caches and walks: it is
 * in quarantine, and is never let on again.
 */
#include "drivers/exynos-sysmmu/priv.h"

#define DEFAULT_TIMEOUT_NS 100000000u
#define READS_MIN 1000u        /* whatever the clock says */
#define READS (1u << 20)       /* without a clock, or with one that stands still */
#define READS_OFF 100u
#define ENTRIES_MAX 64u        /* flushed one by one */

static bool wait_blocked(const struct weir_sysmmu *s)
{
	uint64_t ns = s->config.timeout_ns ? s->config.timeout_ns : DEFAULT_TIMEOUT_NS;
	uint64_t since = s->ops->time_ns ? s->ops->time_ns(s->host) : 0, last = since;
	uint32_t still = 0;

	for (uint32_t n = 1; !(weir_sysmmu_read_(s, REG_STATUS) & STATUS_BLOCKED); n++) {
		uint64_t now = s->ops->time_ns ? s->ops->time_ns(s->host) : 0;

		still = now == last ? still + 1 : 0;
		last = now;
		if (still >= READS || (n >= READS_MIN && now - since > ns))
			return false;
	}
	return true;
}

/*
 * Nothing public says whether a block is confirmed when it was off. So it is only waited for a
 * little: what passes untranslated was begun before.
 */
static void block_bypassed(const struct weir_sysmmu *s)
{
	weir_sysmmu_write_(s, REG_CTRL, CTRL_BLOCK);
	for (unsigned int n = 0; n < READS_OFF; n++)
		if (weir_sysmmu_read_(s, REG_STATUS) & STATUS_BLOCKED)
			return;
}

int weir_sysmmu_block_(struct weir_sysmmu *s)
{
	uint32_t ctrl;

	if (atomic_load(&s->unit.dead))
		return WEIR_EIO;
	ctrl = weir_sysmmu_read_(s, REG_CTRL);
	if (ctrl == UINT32_MAX)
		return weir_sysmmu_die_(s, "its registers do not answer", ctrl);
	if (!(ctrl & 1)) {
		block_bypassed(s);
		return 0;
	}
	weir_sysmmu_write_(s, REG_CTRL, CTRL_BLOCK);
	if (wait_blocked(s))
		return 0;
	return weir_sysmmu_die_(s, "it does not block its master", weir_sysmmu_read_(s, REG_STATUS));
}

/* After a flood it stays as it is until the timer runs out. */
void weir_sysmmu_unblock_(struct weir_sysmmu *s)
{
	if (!s->resting)
		weir_sysmmu_write_(s, REG_CTRL, CTRL_ON);
}

static void set_base(struct weir_sysmmu *s, uint64_t root_pa)
{
	const struct sysmmu_variant *v = s->variant;

	weir_sysmmu_write_(s, REG_CFG, weir_sysmmu_cfg_(s));
	weir_sysmmu_write_(s, v->base, (uint32_t)(v->wide ? root_pa >> 12 : root_pa));
	weir_sysmmu_write_(s, v->flush_all, FLUSH_GO);
	if (v->vm)
		weir_sysmmu_write_(s, REG_CTRL_VM, weir_sysmmu_read_(s, REG_CTRL_VM) |
						   CTRL_VM_ENABLE | CTRL_VM_STALL);
}

int weir_sysmmu_switch_(struct weir_sysmmu *s, uint64_t root_pa)
{
	int err = weir_sysmmu_block_(s);

	if (err)
		return err;
	set_base(s, root_pa);
	s->root_pa = root_pa;
	s->burst = 0;
	s->resting = false;
	weir_sysmmu_unblock_(s);
	return 0;
}

int weir_sysmmu_bypass_(struct weir_sysmmu *s)
{
	int err = weir_sysmmu_block_(s);

	if (err)
		return err;
	weir_sysmmu_write_(s, REG_CTRL, CTRL_OFF);
	return 0;
}

/* ---- flushes ---- */

/*
 * One flush reaches a page by any of its addresses; in version 2 only what is in the set of that
 * address, where a larger page can be in any that one of its small pages would be in ("iommu/exynos:
 * Change tlb invalidation": 64 sets).
 */
static bool flush_entries(struct weir_sysmmu *s, const struct weir_invalidation *what)
{
	uint64_t step = what->page_bytes && !what->tables && s->version >> 8 != 2 ? what->page_bytes
										   : PAGE;
	uint64_t first = what->iova & ~(step - 1), last = what->iova + (what->bytes - 1);

	if ((last - first) / step >= ENTRIES_MAX)
		return false;
	for (uint64_t at = first; at <= last; at += step)
		weir_sysmmu_write_(s, s->variant->flush_entry, (uint32_t)at | FLUSH_GO);
	return true;
}

void weir_sysmmu_flush_(struct weir_sysmmu *s, const struct weir_invalidation *what)
{
	const struct sysmmu_variant *v = s->variant;
	uint64_t last = what->iova + (what->bytes - 1);

	if (!what->bytes || last < what->iova || last > UINT32_MAX ||
	    (!v->flush_range && !flush_entries(s, what))) {
		weir_sysmmu_write_(s, v->flush_all, FLUSH_GO);
	} else if (v->flush_range) {
		weir_sysmmu_write_(s, v->flush_start, (uint32_t)what->iova & ~(PAGE - 1));
		weir_sysmmu_write_(s, v->flush_end, (uint32_t)last & ~(PAGE - 1));
		weir_sysmmu_write_(s, v->flush_range, FLUSH_GO);
	}
}
