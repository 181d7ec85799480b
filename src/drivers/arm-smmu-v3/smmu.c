// SPDX-License-Identifier: MIT
/*
 * The life of an SMMUv3 (3.11, 6.3.9): queues first, then the stream table, then enabled; and
 * the way back. From weir_smmu_v3_enforce() on, and after the end, nothing passes that is not
 * attached: what an SMMU that is off lets pass is set by GBPA (6.3.14), and one whose GBPA cannot
 * abort is not switched off any more.
 */
#include "drivers/arm-smmu-v3/priv.h"

#define PAGE 4096u
#define DEFAULT_TIMEOUT_NS 5000000000u
#define WAIT_COUNT_MIN 1000u       /* whatever the clock says */
#define WAIT_COUNT (1u << 22)      /* without a clock, or with one that stands still */
#define CR1_TABLES FIELD_MASK(11, 6)

/* ---- the host; out of line, for there are many ---- */

uint32_t weir_smmu_read_(const struct weir_smmu_v3 *smmu, uint32_t at)
{
	return (uint32_t)smmu->ops->mmio_read(smmu->host, smmu->regs + at, 4);
}

void weir_smmu_write_(const struct weir_smmu_v3 *smmu, uint32_t at, uint64_t value)
{
	smmu->ops->mmio_write(smmu->host, smmu->regs + at, 4, (uint32_t)value);
}

uint64_t weir_smmu_read64_(const struct weir_smmu_v3 *smmu, uint32_t at)
{
	return smmu->ops->mmio_read(smmu->host, smmu->regs + at, 8);
}

void weir_smmu_write64_(const struct weir_smmu_v3 *smmu, uint32_t at, uint64_t value)
{
	smmu->ops->mmio_write(smmu->host, smmu->regs + at, 8, value);
}

unsigned long weir_smmu_lock_(const struct weir_spin *spin)
{
	return weir_spin_lock(spin);
}

void weir_smmu_unlock_(const struct weir_spin *spin, unsigned long before)
{
	weir_spin_unlock(spin, before);
}

void weir_smmu_publish_(const struct weir_smmu_v3 *smmu, uint64_t pa, size_t bytes)
{
	if (!smmu->has.coherent)
		smmu->ops->cache_sync(smmu->host, pa, bytes, WEIR_CACHE_CLEAN);
	else if (smmu->ops->dma_barrier)
		smmu->ops->dma_barrier(smmu->host);
}

void weir_smmu_wait_begin_(const struct weir_smmu_v3 *smmu, struct smmu_wait *out_wait)
{
	*out_wait = (struct smmu_wait){ 0 };
	if (smmu->ops->time_ns)
		out_wait->since_ns = out_wait->last_ns = smmu->ops->time_ns(smmu->host);
}

bool weir_smmu_wait_over_(const struct weir_smmu_v3 *smmu, struct smmu_wait *wait)
{
	uint64_t ns = smmu->config.timeout_ns ? smmu->config.timeout_ns : DEFAULT_TIMEOUT_NS;

	uint64_t now = smmu->ops->time_ns ? smmu->ops->time_ns(smmu->host) : 0;

	wait->count++;
	wait->still = now == wait->last_ns ? wait->still + 1 : 0;
	wait->last_ns = now;
	return wait->still >= WAIT_COUNT || (wait->count >= WAIT_COUNT_MIN && now - wait->since_ns > ns);
}

int weir_smmu_pages_get_(struct weir_smmu_v3 *smmu, size_t bytes, size_t align_bytes,
			 struct smmu_pages *out_pages)
{
	struct smmu_pages pages = { .bytes = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1) };
	int err;

	if (align_bytes < PAGE)
		align_bytes = PAGE;
	err = smmu->ops->pages_alloc(smmu->host, pages.bytes, align_bytes, &pages.va, &pages.pa);
	if (!err)
		*out_pages = pages;
	return err;
}

int weir_smmu_lasting_get_(struct weir_smmu_v3 *smmu, size_t bytes, size_t align_bytes,
			   struct smmu_pages *out_pages)
{
	struct smmu_pages pages = { .bytes = bytes, .lasting = true };
	int err;

	if (!smmu->config.keeping)
		return weir_smmu_pages_get_(smmu, bytes, align_bytes, out_pages);
	err = smmu->config.table_alloc(smmu->config.arg, bytes, align_bytes, &pages.va, &pages.pa);
	if (!err)
		*out_pages = pages;
	return err;
}

void weir_smmu_pages_put_(struct weir_smmu_v3 *smmu, struct smmu_pages *pages)
{
	if (pages->va && !smmu->stuck && pages->lasting)
		smmu->config.table_free(smmu->config.arg, pages->va, pages->pa, pages->bytes);
	else if (pages->va && !smmu->stuck)
		smmu->ops->pages_free(smmu->host, pages->va, pages->pa, pages->bytes);
	pages->va = NULL;
}

void *weir_smmu_alloc_(const struct weir_smmu_v3 *smmu, size_t bytes)
{
	return smmu->ops->alloc(smmu->host, bytes);
}

void weir_smmu_free_(const struct weir_smmu_v3 *smmu, void *mem, size_t bytes)
{
	if (mem)
		smmu->ops->free(smmu->host, mem, bytes);
}

static int make_lock(struct weir_smmu_v3 *smmu, struct weir_spin *out_spin)
{
	const struct weir_host_ops *ops = smmu->ops;
	struct weir_lock *lock = ops->spin_create ? ops->spin_create(smmu->host, WEIR_LOCK_DEVICE)
						  : ops->lock_create(smmu->host, WEIR_LOCK_DEVICE);

	if (!lock)
		return WEIR_ENOMEM;
	*out_spin = (struct weir_spin){ .ops = ops, .host = smmu->host, .lock = lock };
	return 0;
}

static void free_lock(struct weir_spin *spin)
{
	if (!spin->ops)
		return;
	if (spin->ops->spin_destroy)
		spin->ops->spin_destroy(spin->host, spin->lock);
	else
		spin->ops->lock_destroy(spin->host, spin->lock);
}

/* ---- control ---- */

/* Each change of CR0 is confirmed, 6.3.9. */
static int set_cr0(struct weir_smmu_v3 *smmu, uint64_t value)
{
	struct smmu_wait wait;

	smmu->cr0 = (uint32_t)value;
	weir_smmu_write_(smmu, REG_CR0, value);
	weir_smmu_wait_begin_(smmu, &wait);
	while (weir_smmu_read_(smmu, REG_CR0ACK) != value)
		if (weir_smmu_wait_over_(smmu, &wait))
			return weir_smmu_log_(smmu, WEIR_LOG_ERR, WEIR_ETIMEDOUT,
					      "it does not confirm its control register", value);
	return 0;
}

/* Waits for GBPA.Update to be 0. */
static bool gbpa_ready(struct weir_smmu_v3 *smmu, uint32_t *out_value)
{
	struct smmu_wait wait;

	weir_smmu_wait_begin_(smmu, &wait);
	do
		*out_value = weir_smmu_read_(smmu, REG_GBPA);
	while (*out_value & GBPA_UPDATE && !weir_smmu_wait_over_(smmu, &wait));
	return !(*out_value & GBPA_UPDATE) || !weir_smmu_die_(smmu, "it does not take GBPA", *out_value);
}

/* What reaches it while it is off is aborted. Where that cannot be had, it does not stay set. */
static bool set_gbpa(struct weir_smmu_v3 *smmu)
{
	uint32_t value;

	if (!gbpa_ready(smmu, &value))
		return false;
	if (!(value & GBPA_ABORT)) {
		weir_smmu_write_(smmu, REG_GBPA, value | GBPA_ABORT | GBPA_UPDATE);
		if (!gbpa_ready(smmu, &value))
			return false;
	}
	return value & GBPA_ABORT;
}

static bool is_live(const struct weir_smmu_v3 *smmu)
{
	return smmu->cr0 & CR0_SMMUEN;
}

/* How memory is read: tables' attributes are above those of queues, and stay while it is on, 6.3.11. */
static void set_cr1(struct weir_smmu_v3 *smmu)
{
	uint64_t one = smmu->has.coherent ? FIELD(SH_ISH, 5, 4) | FIELD(MEM_WB, 3, 2) | MEM_WB
					  : FIELD(SH_OSH, 5, 4);
	uint64_t old = weir_smmu_read_(smmu, REG_CR1);
	uint64_t want = (is_live(smmu) ? old & CR1_TABLES : one << 6) | one;

	if (old != want)
		weir_smmu_write_(smmu, REG_CR1, want);
}

/* ---- the way up ---- */

static int get_table(struct weir_smmu_v3 *smmu)
{
	const struct smmu_table *table = &smmu->table;

	if (!table->pages.va) {
		int err = is_live(smmu) && !smmu->gbpa ? weir_smmu_adopt_(smmu) : 1;

		/* without, it is interrupted */
		if (err < 0 && err != WEIR_ENOMEM && smmu->config.seamless)
			smmu->gbpa = set_gbpa(smmu);
		return err > 0 || smmu->gbpa ? weir_smmu_table_make_(smmu) : err;
	}
	if (!is_live(smmu) || smmu->gbpa ||
	    (weir_smmu_read64_(smmu, REG_STRTAB_BASE) & STRTAB_ADDR) == table->pages.pa)
		return 0;
	return weir_smmu_log_(smmu, WEIR_LOG_ERR, WEIR_EIO, "it has another stream table than before",
			      table->pages.pa);
}

static int start_queues(struct weir_smmu_v3 *smmu)
{
	unsigned long before;
	int err;

	weir_smmu_write_(smmu, REG_GERRORN, weir_smmu_read_(smmu, REG_GERROR));
	weir_smmu_write64_(smmu, REG_CMDQ_BASE,
		     QUEUE_RWA | (smmu->cmdq.pa & QUEUE_ADDR) | smmu->has.cmdq_lg2);
	weir_smmu_write_(smmu, REG_CMDQ_PROD, 0);
	weir_smmu_write_(smmu, REG_CMDQ_CONS, 0);
	err = set_cr0(smmu, smmu->cr0 | CR0_CMDQEN);
	if (err)
		return err;
	before = weir_smmu_lock_(&smmu->lock);
	weir_smmu_queue_reset_(smmu);
	smmu->commands = true;
	weir_smmu_unlock_(&smmu->lock, before);
	err = weir_smmu_flush_all_(smmu);
	if (err)
		return err;
	weir_smmu_events_start_(smmu);
	return set_cr0(smmu, smmu->cr0 | CR0_EVENTQEN);
}

/* Up to where streams can be attached; what passes is not changed. */
static int start(struct weir_smmu_v3 *smmu)
{
	int err;

	smmu->cr0 = weir_smmu_read_(smmu, REG_CR0);
	err = weir_smmu_irqs_on_(smmu, false);
	if (!err)
		err = set_cr0(smmu, smmu->cr0 & ~(uint64_t)(CR0_CMDQEN | CR0_EVENTQEN | CR0_PRIQEN));
	if (err)
		return err;
	/* It has no effect while the SMMU is on: then whether it is there can be tried. */
	smmu->gbpa = is_live(smmu) && !smmu->config.seamless && set_gbpa(smmu);
	err = get_table(smmu);
	if (err)
		return err;
	smmu->off = false;
	set_cr1(smmu);
	err = start_queues(smmu);
	if (err)
		return err;
	weir_smmu_level2_free_(smmu); /* of a time when it was stuck: none of now is attached yet */
	return weir_smmu_irqs_on_(smmu, true);
}

/* With a table of our own, from off; on the way GBPA aborts, where it can. */
static int enable(struct weir_smmu_v3 *smmu)
{
	const struct smmu_table *table = &smmu->table;
	int err = 0;

	smmu->gbpa = (!smmu->config.seamless || is_live(smmu)) && set_gbpa(smmu);
	if (smmu->unit.dead)
		return WEIR_EIO;
	if (is_live(smmu)) {
		err = set_cr0(smmu, 0);
		if (!err)
			set_cr1(smmu);
		if (!err)
			err = start_queues(smmu);
		if (err)
			return err;
	}
	weir_smmu_write_(smmu, REG_CR2, CR2_RECINVSID | CR2_PTM);
	weir_smmu_write64_(smmu, REG_STRTAB_BASE, STRTAB_RA | (table->pages.pa & STRTAB_ADDR));
	weir_smmu_write_(smmu, REG_STRTAB_BASE_CFG, STRTAB_CFG(table->fmt, table->split, table->lg2));
	err = weir_smmu_flush_all_(smmu);
	return err ? err : set_cr0(smmu, smmu->cr0 | CR0_SMMUEN);
}

int weir_smmu_v3_enforce(struct weir_smmu_v3 *smmu)
{
	bool in_place = is_live(smmu) && !smmu->gbpa; /* then the table is in use already */
	int err = smmu->unit.dead ? WEIR_EIO : 0;

	if (smmu->enforced || err)
		return err;
	err = in_place ? weir_smmu_block_(smmu, SMMU_BLOCK_OTHERS, NULL) : enable(smmu);
	smmu->enforced = !err;
	if (err)
		return WEIR_EIO;
	smmu->config.seamless = false; /* what is not attached has had its time */
	smmu->leaves = false;
	if (smmu->config.keeping)
		smmu->config.keeping->free(smmu);
	return 0;
}

/* ---- the way down ---- */

/*
 * Nothing passes any more, but what is left on purpose. Off, where it aborts then: and nothing that
 * was begun before is being read any more. What was found, and has to go on, goes on when it was not
 * all taken over. Return: 0; WEIR_EIO, WEIR_ETIMEDOUT when the hardware does not confirm it.
 */
static int block(struct weir_smmu_v3 *smmu)
{
	bool as_found = smmu->table.foreign && !smmu->enforced && smmu->config.seamless;
	int err = weir_smmu_block_(smmu, as_found ? SMMU_BLOCK_OURS : SMMU_BLOCK_ALL, &smmu->leaves);

	if (!smmu->enforced || smmu->leaves)
		return err;
	if (!smmu->gbpa)
		smmu->gbpa = set_gbpa(smmu);
	if (!smmu->gbpa)
		return err;
	if (set_cr0(smmu, smmu->cr0 & ~CR0_SMMUEN))
		return WEIR_ETIMEDOUT;
	return err ? err : weir_smmu_flush_all_(smmu);
}

/* What was never in our hands is left as it is. What is not confirmed keeps its memory. */
static void stop(struct weir_smmu_v3 *smmu)
{
	bool ours = smmu->enforced || smmu->table.foreign;
	unsigned long before;

	(void)weir_smmu_irqs_on_(smmu, false);
	smmu->stuck = ours && block(smmu);
	weir_smmu_events_stop_(smmu);
	before = weir_smmu_lock_(&smmu->lock);
	smmu->commands = false;
	weir_smmu_unlock_(&smmu->lock, before);
	if (set_cr0(smmu, smmu->cr0 & CR0_SMMUEN))
		smmu->stuck = true;
	if (smmu->stuck)
		weir_smmu_log_(smmu, WEIR_LOG_ERR, 0, "it may go on using its memory, which stays with it",
			       smmu->cr0);
	else
		weir_smmu_level2_free_(smmu);
	if (smmu->leaves)
		weir_smmu_log_(smmu, WEIR_LOG_INFO, 0, "it goes on for what firmware left running",
			       smmu->table.pages.pa);
	smmu->off = true;
}

void weir_smmu_v3_suspend(struct weir_smmu_v3 *smmu)
{
	if (!smmu->off)
		stop(smmu);
}

int weir_smmu_v3_resume(struct weir_smmu_v3 *smmu)
{
	int err;

	if (!smmu->off)
		return smmu->unit.dead ? WEIR_EIO : 0;
	smmu->unit.dead = false;
	smmu->stuck = false;
	smmu->enforced = false;
	err = start(smmu);
	if (!err)
		err = weir_smmu_v3_enforce(smmu);
	if (err && !smmu->off)
		stop(smmu);
	return err;
}

/* ---- creation and destruction ---- */

static int check_host(const struct weir_smmu_v3 *smmu)
{
	const struct weir_host_ops *ops = smmu->ops;

	if (!ops->pages_alloc || !ops->mmio_map)
		return weir_smmu_log_(smmu, WEIR_LOG_ERR, WEIR_EOPNOTSUPP,
				      "the host has no pages, or no registers", smmu->config.base_pa);
	return 0;
}

static int init(struct weir_smmu_v3 *smmu)
{
	int err = check_host(smmu);

	if (!err)
		err = make_lock(smmu, &smmu->lock);
	if (!err)
		err = make_lock(smmu, &smmu->event_lock);
	if (!err)
		err = smmu->ops->mmio_map(smmu->host, smmu->config.base_pa, REGS_BYTES, &smmu->regs);
	if (err)
		return err;
	smmu->mapped = true;
	err = weir_smmu_features_(smmu);
	if (!err)
		err = weir_smmu_pages_get_(smmu, (size_t)CMD_BYTES << smmu->has.cmdq_lg2,
					   (size_t)CMD_BYTES << smmu->has.cmdq_lg2, &smmu->cmdq);
	if (!err)
		err = weir_smmu_pages_get_(smmu, (size_t)EVENT_BYTES << smmu->has.eventq_lg2,
					   (size_t)EVENT_BYTES << smmu->has.eventq_lg2, &smmu->eventq);
	if (!err)
		err = weir_smmu_wakers_(smmu);
	if (!err)
		err = start(smmu);
	if (!err && !smmu->config.keep)
		err = weir_smmu_v3_enforce(smmu);
	if (!err && !smmu->irqs[0])
		weir_smmu_timer_set_(smmu);
	return err;
}

int weir_smmu_v3_create(const struct weir_host_ops *ops, void *host,
			const struct weir_smmu_v3_config *config, struct weir_smmu_v3 **out_smmu)
{
	struct weir_smmu_v3 *smmu = ops->alloc(host, sizeof(*smmu));
	int err;

	if (!smmu)
		return WEIR_ENOMEM;
	smmu->ops = ops;
	smmu->host = host;
	smmu->config = *config;
	smmu->unit = (struct weir_unit){
		.ops = ops, .host = host, .name = config->name, .base_pa = config->base_pa,
		.fault = config->fault, .arg = config->arg,
	};
	smmu->off = true;
	weir_list_init(&smmu->stes);
	weir_list_init(&smmu->cds);
	weir_list_init(&smmu->domains);
	err = init(smmu);
	if (err) {
		weir_unit_stillborn_(&smmu->unit, err);
		weir_smmu_v3_destroy(smmu);
		return err;
	}
	*out_smmu = smmu;
	return 0;
}

struct weir_smmu_v3 *weir_smmu_v3_destroy(struct weir_smmu_v3 *smmu)
{
	if (!smmu)
		return NULL;
	weir_smmu_v3_suspend(smmu);
	weir_smmu_wakers_free_(smmu);
	if (smmu->config.keeping)
		smmu->config.keeping->free(smmu);
	weir_smmu_cds_free_(smmu);
	weir_smmu_table_free_(smmu, smmu->leaves || (smmu->enforced && is_live(smmu)));
	weir_smmu_pages_put_(smmu, &smmu->eventq);
	weir_smmu_pages_put_(smmu, &smmu->cmdq);
	if (smmu->mapped)
		smmu->ops->mmio_unmap(smmu->host, smmu->regs, REGS_BYTES);
	free_lock(&smmu->event_lock);
	free_lock(&smmu->lock);
	weir_smmu_free_(smmu, smmu, sizeof(*smmu));
	return NULL;
}
