// SPDX-License-Identifier: MIT
/*
 * Streams: stream match registers (SMR), each with what its stream does (S2CR); with stream indexing
 * there is an S2CR for each id. No id is ever matched twice: that would be a conflict fault, or worse.
 *
 * What firmware has set up before goes on as it is, with the context banks it uses. When its
 * stream is attached its S2CR is written: one write, so no access is lost, and none
 * sees anything but the old or the new. Where ids and masks differ the SMR follows; an access of ids that
 * only firmware's had is aborted from then on.
 */
#include "drivers/arm-smmu/priv.h"

#define FAULT S2CR_TYPE_AS(TYPE_FAULT)

static bool extended(const struct weir_smmu_v2 *smmu)
{
	return smmu->cr0 & CR0_EXIDENABLE;
}

static bool overlap(uint32_t a, uint32_t b)
{
	return !((a ^ b) & ~(a >> 16 | b >> 16) & 0xffff);
}

/* ---- registers ---- */

static void write_smr(const struct weir_smmu_v2 *smmu, uint32_t n, uint32_t stream)
{
	if (smmu->has.matching)
		weir_smmu2_write_(smmu, REG_SMR(n), extended(smmu) ? stream : stream | SMR_VALID);
}

static void write_s2cr(struct weir_smmu_v2 *smmu, uint32_t n, uint32_t s2cr)
{
	smmu->entries[n].s2cr = s2cr;
	weir_smmu2_write_(smmu, REG_S2CR(n), s2cr | (extended(smmu) ? S2CR_EXIDVALID : 0));
}

/* Matches nothing, and faults. */
static void clear(struct weir_smmu_v2 *smmu, uint32_t n)
{
	weir_smmu2_write_(smmu, REG_S2CR(n), FAULT);
	if (smmu->has.matching)
		weir_smmu2_write_(smmu, REG_SMR(n), 0);
	smmu->entries[n] = (struct smmu2_entry){ .s2cr = FAULT };
}

/* ---- what there is ---- */

static bool is_valid(const struct weir_smmu_v2 *smmu, uint32_t smr, uint32_t s2cr)
{
	uint32_t bank = S2CR_CBNDX(s2cr);

	if (smmu->has.matching)
		return extended(smmu) ? s2cr & S2CR_EXIDVALID : smr & SMR_VALID;
	/* with indexing there is something for each id: also for those that nobody thought of */
	if (S2CR_TYPE(s2cr) != TYPE_TRANSLATE)
		return S2CR_TYPE(s2cr) == TYPE_BYPASS;
	return bank < smmu->has.nr_banks &&
	       weir_smmu2_read_(smmu, weir_smmu2_cb_(smmu, bank, CB_SCTLR)) & SCTLR_M;
}

static void keep(struct weir_smmu_v2 *smmu, uint32_t n, uint32_t smr, uint32_t s2cr)
{
	smmu->entries[n] = (struct smmu2_entry){
		.use = USE_KEPT,
		.stream = !smmu->has.matching ? n : extended(smmu) ? smr : smr & ~SMR_VALID,
		.s2cr = s2cr & ~S2CR_EXIDVALID,
	};
}

/* Which bits registers have, by one that matches nothing; whether bypass can be had. */
static void probe(struct weir_smmu_v2 *smmu, uint32_t n)
{
	struct smmu2_features *has = &smmu->has;
	uint32_t ids = has->id_mask;

	weir_smmu2_write_(smmu, REG_S2CR(n), S2CR_TYPE_AS(TYPE_BYPASS));
	smmu->no_bypass = S2CR_TYPE(weir_smmu2_read_(smmu, REG_S2CR(n))) != TYPE_BYPASS;
	weir_smmu2_write_(smmu, REG_S2CR(n), FAULT);
	weir_smmu2_write_(smmu, REG_SMR(n), ids);
	has->id_mask = weir_smmu2_read_(smmu, REG_SMR(n)) & ids;
	weir_smmu2_write_(smmu, REG_SMR(n), ids << 16);
	has->mask_mask = weir_smmu2_read_(smmu, REG_SMR(n)) >> 16 & ids;
	weir_smmu2_write_(smmu, REG_SMR(n), 0);
}

/* Whether an earlier instance left a kept stream so: it is no longer than until enforce(). */
static bool is_left(const struct weir_smmu_v2 *smmu, uint32_t s2cr)
{
	return S2CR_TYPE(s2cr) == TYPE_TRANSLATE && S2CR_CBNDX(s2cr) < smmu->has.nr_banks &&
	       weir_smmu2_is_marked_(smmu, S2CR_CBNDX(s2cr));
}

static void keep_bank(struct weir_smmu_v2 *smmu, uint32_t n)
{
	uint32_t cbar, vmid16;

	if (n >= smmu->has.nr_banks || smmu->banks[n].kept)
		return;
	cbar = weir_smmu2_read_(smmu, weir_smmu2_gr1_(smmu, REG1_CBAR(n)));
	vmid16 = smmu->cr0 & CR0_VMID16EN
			 ? CBA2R_VMID16(weir_smmu2_read_(smmu, weir_smmu2_gr1_(smmu, REG1_CBA2R(n))))
			 : CBAR_VMID(cbar);
	smmu->banks[n].used = smmu->banks[n].kept = true;
	smmu->banks[n].vmid = vmid16;
	smmu->banks[n].sctlr = weir_smmu2_read_(smmu, weir_smmu2_cb_(smmu, n, CB_SCTLR));
	if (CBAR_TYPE(cbar) == CBAR_S1_S2)
		keep_bank(smmu, CBAR_S2_CBNDX(cbar));
}

/* Context banks that firmware's streams use stay theirs, as long as those go on. */
static void keep_banks(struct weir_smmu_v2 *smmu)
{
	unsigned long before = weir_spin_lock(&smmu->lock);

	for (uint32_t i = 0; i < smmu->has.nr_banks; i++)
		if (smmu->banks[i].kept)
			smmu->banks[i] = (struct smmu2_bank){ 0 };
	for (uint32_t i = 0; i < smmu->has.nr_streams; i++)
		if (smmu->entries[i].use == USE_KEPT &&
		    S2CR_TYPE(smmu->entries[i].s2cr) == TYPE_TRANSLATE)
			keep_bank(smmu, S2CR_CBNDX(smmu->entries[i].s2cr));
	weir_spin_unlock(&smmu->lock, before);
}

/* Whether a bank is a domain's: what firmware's stream does there would be ours. */
static bool is_ours(const struct weir_smmu_v2 *smmu, uint32_t s2cr)
{
	uint32_t bank = S2CR_CBNDX(s2cr);

	return S2CR_TYPE(s2cr) == TYPE_TRANSLATE && bank < smmu->has.nr_banks &&
	       smmu->banks[bank].used && !smmu->banks[bank].kept;
}

void weir_smmu2_scan_(struct weir_smmu_v2 *smmu, bool live)
{
	struct smmu2_features *has = &smmu->has;
	int free = -1;

	if (has->exids && !extended(smmu))
		has->id_bits = 15;
	has->id_mask = (UINT32_C(1) << has->id_bits) - 1;
	has->mask_mask = has->id_mask;
	for (uint32_t n = 0; n < has->nr_streams; n++) {
		uint32_t smr = has->matching && live ? weir_smmu2_read_(smmu, REG_SMR(n)) : 0;
		uint32_t s2cr = live ? weir_smmu2_read_(smmu, REG_S2CR(n)) : FAULT;

		if (live && is_valid(smmu, smr, s2cr) && !is_ours(smmu, s2cr)) {
			keep(smmu, n, smr, s2cr);
			continue;
		}
		clear(smmu, n);
		free = (int)n;
	}
	if (free >= 0 && has->matching)
		probe(smmu, (uint32_t)free);
	keep_banks(smmu);
	weir_smmu2_choose_vmid_(smmu);
	if (weir_smmu_v2_kept(smmu))
		weir_smmu2_log_(smmu, WEIR_LOG_INFO, 0,
				"it runs already: streams that firmware has set up go on",
				weir_smmu_v2_kept(smmu));
}

unsigned int weir_smmu_v2_kept(const struct weir_smmu_v2 *smmu)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < smmu->has.nr_streams; i++)
		n += smmu->entries[i].use == USE_KEPT && S2CR_TYPE(smmu->entries[i].s2cr) != TYPE_FAULT;
	return n;
}

uint32_t weir_smmu2_stream_of_(const struct weir_smmu_v2 *smmu, uint32_t id)
{
	for (uint32_t n = 0; n < smmu->has.nr_streams; n++)
		if (smmu->entries[n].use == USE_OURS && overlap(smmu->entries[n].stream, id))
			return smmu->entries[n].stream;
	return id;
}

/* ---- blocking ---- */

void weir_smmu2_block_(struct weir_smmu_v2 *smmu, enum smmu2_use use)
{
	unsigned long before = weir_spin_lock(&smmu->lock);

	for (uint32_t n = 0; n < smmu->has.nr_streams; n++) {
		if (smmu->entries[n].use != use)
			continue;
		write_s2cr(smmu, n, FAULT);
		/* what matches nothing may pass until it is enforced: it goes on matching, then */
		if (smmu->enforced)
			clear(smmu, n);
		else
			smmu->entries[n].use = USE_KEPT;
	}
	weir_spin_unlock(&smmu->lock, before);
}

void weir_smmu2_tidy_(struct weir_smmu_v2 *smmu)
{
	unsigned long before = weir_spin_lock(&smmu->lock);

	for (uint32_t n = 0; n < smmu->has.nr_streams; n++)
		if (smmu->entries[n].use == USE_KEPT &&
		    (S2CR_TYPE(smmu->entries[n].s2cr) == TYPE_FAULT ||
		     is_left(smmu, smmu->entries[n].s2cr)))
			clear(smmu, n);
	weir_spin_unlock(&smmu->lock, before);
	keep_banks(smmu);
}

void weir_smmu_v2_release(struct weir_smmu_v2 *smmu)
{
	if (smmu->off || !weir_smmu_v2_kept(smmu))
		return;
	weir_smmu2_log_(smmu, WEIR_LOG_INFO, 0, "streams of firmware's that nobody took are blocked",
			weir_smmu_v2_kept(smmu));
	weir_smmu2_block_(smmu, USE_KEPT);
	keep_banks(smmu);
	(void)weir_smmu2_flush_all_(smmu);
}

/* ---- attaching ---- */

/* The register that the stream gets. Lock held. Return: its number; WEIR_EEXIST; WEIR_ENOSPC. */
static int choose(struct weir_smmu_v2 *smmu, uint32_t stream)
{
	int free = -1, kept = -1;

	if (!smmu->has.matching)
		return (int)(stream & 0xffff);
	for (uint32_t n = 0; n < smmu->has.nr_streams; n++) {
		const struct smmu2_entry *e = &smmu->entries[n];

		if (e->use == USE_NONE) {
			free = free < 0 ? (int)n : free;
			continue;
		}
		if (!overlap(e->stream, stream))
			continue;
		if (e->use == USE_OURS && e->stream != stream)
			return WEIR_EEXIST;
		if (e->use == USE_OURS || e->stream == stream || kept < 0)
			kept = (int)n;
		if (e->use == USE_OURS)
			break;
	}
	return kept >= 0 ? kept : free >= 0 ? free : WEIR_ENOSPC;
}

/* Firmware's others that share ids with it. */
static void drop_others(struct weir_smmu_v2 *smmu, uint32_t stream, uint32_t but)
{
	for (uint32_t n = 0; n < smmu->has.nr_streams && smmu->has.matching; n++)
		if (n != but && smmu->entries[n].use == USE_KEPT &&
		    overlap(smmu->entries[n].stream, stream))
			clear(smmu, n);
}

/* Whether it was taken; the write has arrived then. */
static int verify(struct weir_smmu_v2 *smmu, uint32_t n)
{
	uint32_t want = smmu->entries[n].s2cr, got = weir_smmu2_read_(smmu, REG_S2CR(n));

	if (got == UINT32_MAX)
		return weir_smmu2_die_(smmu, "its registers do not answer", REG_S2CR(n));
	if (S2CR_TYPE(got) == S2CR_TYPE(want) &&
	    (S2CR_TYPE(want) != TYPE_TRANSLATE || S2CR_CBNDX(got) == S2CR_CBNDX(want)))
		return 0;
	return weir_smmu2_log_(smmu, WEIR_LOG_ERR, WEIR_EIO, "it does not take what a stream is to do",
			       got);
}

/* Lock held. */
static void set(struct weir_smmu_v2 *smmu, uint32_t n, uint32_t stream, uint32_t s2cr)
{
	struct smmu2_entry *e = &smmu->entries[n];
	bool was_kept = e->use == USE_KEPT, fresh = e->use == USE_NONE;
	uint32_t was = e->stream;

	e->use = USE_OURS;
	e->stream = stream;
	if (was_kept)
		drop_others(smmu, stream, n);
	if (fresh && extended(smmu))
		write_smr(smmu, n, stream); /* its valid bit is in S2CR */
	write_s2cr(smmu, n, s2cr);
	if (!extended(smmu) ? fresh || was != stream : was_kept && was != stream)
		write_smr(smmu, n, stream);
}

/*
 * Return: the register; WEIR_EEXIST; WEIR_ENOSPC. What has none is blocked when it is enforced, and
 * needs none for that: WEIR_ENOENT.
 */
static int settle(struct weir_smmu_v2 *smmu, uint32_t stream, uint32_t s2cr, bool *out_was_kept)
{
	unsigned long before = weir_spin_lock(&smmu->lock);
	int n = choose(smmu, stream);
	bool none = n == WEIR_ENOSPC || (n >= 0 && smmu->entries[n].use == USE_NONE);

	if (none && s2cr == FAULT && smmu->enforced)
		n = WEIR_ENOENT;
	*out_was_kept = n >= 0 && smmu->entries[n].use == USE_KEPT;
	if (n >= 0)
		set(smmu, (uint32_t)n, stream, s2cr);
	weir_spin_unlock(&smmu->lock, before);
	if (n == WEIR_EEXIST)
		weir_smmu2_log_(smmu, WEIR_LOG_ERR, n, "a stream has ids that are another one's", stream);
	if (n == WEIR_ENOSPC)
		weir_smmu2_log_(smmu, WEIR_LOG_ERR, n, "no stream match register is left for a stream",
				stream);
	return n;
}

static int attach(struct weir_smmu_v2 *smmu, uint32_t stream, uint32_t s2cr)
{
	int n = weir_smmu_v2_stream_check(smmu, stream), err;
	unsigned long before;
	bool was_kept;

	if (n)
		return n;
	if (smmu->unit.dead || smmu->off)
		return WEIR_EIO;
	n = settle(smmu, stream, s2cr, &was_kept);
	if (n < 0)
		return n == WEIR_ENOENT ? 0 : n;
	err = verify(smmu, (uint32_t)n);
	if (!err)
		err = weir_smmu2_global_sync_(smmu);
	if (err) {
		before = weir_spin_lock(&smmu->lock);
		set(smmu, (uint32_t)n, stream, FAULT);
		weir_spin_unlock(&smmu->lock, before);
		return WEIR_EIO;
	}
	if (!was_kept)
		return 0;
	keep_banks(smmu);
	return weir_smmu2_flush_all_(smmu); /* before their banks are somebody else's */
}

int weir_smmu_v2_attach(struct weir_smmu_v2 *smmu, uint32_t stream,
			struct weir_smmu_v2_domain *domain)
{
	return attach(smmu, stream, domain ? S2CR_TYPE_AS(TYPE_TRANSLATE) | domain->bank : FAULT);
}

int weir_smmu_v2_attach_identity(struct weir_smmu_v2 *smmu, uint32_t stream)
{
	return attach(smmu, stream,
		      smmu->identity_bank >= 0
			      ? S2CR_TYPE_AS(TYPE_TRANSLATE) | (uint32_t)smmu->identity_bank
			      : S2CR_TYPE_AS(TYPE_BYPASS));
}

int weir_smmu_v2_keep(struct weir_smmu_v2 *smmu, uint32_t stream,
		      struct weir_smmu_v2_domain *domain)
{
	unsigned long before;
	int err = WEIR_ENOENT;

	if (smmu->unit.dead || smmu->off)
		return WEIR_EIO;
	if (domain->stage2 || domain->parent)
		return WEIR_EOPNOTSUPP;
	weir_smmu2_mark_(smmu, domain->bank, true);
	before = weir_spin_lock(&smmu->lock);
	for (uint32_t n = 0; n < smmu->has.nr_streams; n++)
		if (smmu->entries[n].use == USE_OURS && smmu->entries[n].stream == stream) {
			smmu->entries[n].use = USE_KEPT;
			smmu->banks[domain->bank].kept = true;
			smmu->banks[domain->bank].vmid = smmu->s1_vmid;
			err = 0;
		}
	weir_spin_unlock(&smmu->lock, before);
	return err;
}

void weir_smmu_v2_forget(struct weir_smmu_v2 *smmu, uint32_t stream)
{
	unsigned long before;

	if (smmu->off)
		return;
	before = weir_spin_lock(&smmu->lock);
	for (uint32_t n = 0; n < smmu->has.nr_streams; n++)
		if (smmu->entries[n].use == USE_OURS && smmu->entries[n].stream == stream &&
		    smmu->enforced)
			clear(smmu, n);
	weir_spin_unlock(&smmu->lock, before);
}
