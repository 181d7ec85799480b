// SPDX-License-Identifier: MIT
/*
 * The life of the hostile SMMUv2, its power and clock, its points in time, its interrupt lines and its
 * findings. See smmuv2.h; the caller sees to locking.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/smmuv2/priv.h"

void smmu2_find_(struct smmu2 *s, enum smmu2_finding what, const char *fmt, ...)
{
	char text[sizeof(s->first_finding)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!s->findings[SMMU2_FINDINGS]++)
		memcpy(s->first_finding, text, sizeof(text));
	s->findings[what]++;
}

bool smmu2_chance_(struct smmu2 *s, unsigned int n)
{
	return hwrng_chance(&s->rng, n);
}

bool smmu2_there_(const struct smmu2 *s)
{
	return s->power && s->clock && !s->mischief[SMMU2_GONE];
}

unsigned int smmu2_nr_banks_(const struct smmu2 *s)
{
	return (unsigned int)bits2(s->config.idr1, 7, 0);
}

/* With stream indexing there is a SMMU_S2CRn for each stream id. */
unsigned int smmu2_nr_smrs_(const struct smmu2 *s)
{
	if (s->config.idr0 & SMMU2_IDR0_SMS)
		return (unsigned int)bits2(s->config.idr0, 7, 0);
	return 1u << bits2(s->config.idr0, 12, 9);
}

unsigned int smmu2_oas_(const struct smmu2 *s)
{
	unsigned int n = size2_bits(bits2(s->config.idr2, 7, 4));

	return n ? n : 32;
}

bool smmu2_fetch_(struct smmu2 *s, uint64_t pa, void *out, size_t bytes)
{
	s->stats.fetches++;
	if (!hwram_read(s->ram, s->config.idr0 & SMMU2_IDR0_CTTW, pa, out, bytes))
		return false;
	if (!hwram_used(s->ram, pa, bytes))
		smmu2_find_(s, SMMU2_FREED, "an entry of a table is fetched from 0x%llx, which was given back",
			    (unsigned long long)pa);
	return true;
}

void smmu2_config_usual(struct smmu2_config *out_config)
{
	*out_config = (struct smmu2_config){
		.seed = 1,
		.idr0 = SMMU2_IDR0_SMRS(32) | SMMU2_IDR0_SIDB(15) | SMMU2_IDR0_CTTW |
			SMMU2_IDR0_IRPT(1) | SMMU2_IDR0_ATOSNS | SMMU2_IDR0_SMS | SMMU2_IDR0_NTS |
			SMMU2_IDR0_S2TS | SMMU2_IDR0_S1TS,
		.idr1 = SMMU2_IDR1(8, 0, 4, 0),
		.idr2 = SMMU2_IDR2(SMMU2_48, SMMU2_48, 5) | SMMU2_IDR2_4K | SMMU2_IDR2_64K |
			SMMU2_IDR2_VMID16,
		.version = 2,
		.unrest = 64,
	};
}

uint64_t smmu2_bytes(const struct smmu2_config *config)
{
	uint64_t page = bit2(config->idr1, 31) ? 0x10000 : 0x1000;

	return (page << (bits2(config->idr1, 30, 28) + 1)) * 2;
}

struct smmu2 *smmu2_create(struct hwram *ram, const struct smmu2_config *config)
{
	struct smmu2 *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ram = ram;
	s->config = *config;
	s->power = s->clock = true;
	smmu2_identify(s, config);
	hwrng_init(&s->rng, config->seed);
	smmu2_reset_(s);
	return s;
}

struct smmu2 *smmu2_destroy(struct smmu2 *s)
{
	free(s);
	return NULL;
}

/* ---- interrupts ---- */

static uint64_t levels(const struct smmu2 *s)
{
	uint64_t up = 0;

	if (!s->power || s->mischief[SMMU2_GONE] || s->mischief[SMMU2_IRQ_LOST])
		return 0;
	if ((s->gfsr && s->scr0 & SCR0_GCFGFIE) || s->mischief[SMMU2_IRQ_SPURIOUS])
		up |= 1ull << SMMU2_LINE_GLOBAL;
	for (unsigned int i = 0; i < smmu2_nr_banks_(s) && i < SMMU2_BANKS; i++) {
		const struct s2_bank *bank = &s->banks[i];
		unsigned int line = s->config.version == 1 ? (unsigned int)bits2(bank->cbar, 31, 24) : i;

		if ((bank->fsr && bank->sctlr & SCTLR_CFIE) || s->mischief[SMMU2_IRQ_SPURIOUS])
			up |= 1ull << SMMU2_LINE_CONTEXT(line % SMMU2_BANKS);
	}
	return up;
}

void smmu2_lines_(struct smmu2 *s)
{
	s->lines = levels(s);
}

uint64_t smmu2_lines(const struct smmu2 *s)
{
	return s->lines;
}

/* ---- power, clock, time ---- */

void smmu2_power(struct smmu2 *s, bool on)
{
	s->power = on;
	smmu2_reset_(s);
	smmu2_lines_(s);
}

void smmu2_clock(struct smmu2 *s, bool on)
{
	s->clock = on;
}

void smmu2_misbehave(struct smmu2 *s, enum smmu2_mischief what, unsigned int n)
{
	s->mischief[what] = n;
	smmu2_lines_(s);
}

bool smmu2_alive(const struct smmu2 *s)
{
	return smmu2_there_(s) && !s->mischief[SMMU2_DEAD];
}

void smmu2_identify(struct smmu2 *s, const struct smmu2_config *config)
{
	s->idr[0] = config->idr0;
	s->idr[1] = config->idr1;
	s->idr[2] = config->idr2;
}

void smmu2_memory_goes(struct smmu2 *s, uint64_t pa, uint64_t bytes)
{
	if (!s->power || s->mischief[SMMU2_GONE])
		return;
	smmu2_tlb_goes_(s, pa, bytes);
	for (unsigned int i = 0; i < smmu2_nr_banks_(s) && i < SMMU2_BANKS; i++) {
		uint64_t base = field2(s->banks[i].ttbr0, 47, 12);

		for (unsigned int n = 0; n < smmu2_nr_smrs_(s) && s->banks[i].sctlr & SCTLR_M; n++)
			if (base >= pa && base - pa < bytes && bit2(s->smr[n], 31) &&
			    bits2(s->s2cr[n], 17, 16) == S2CR_TRANSLATE &&
			    bits2(s->s2cr[n], 7, 0) == i && !(s->scr0 & SCR0_CLIENTPD))
				smmu2_find_(s, SMMU2_FREED, "the first table of bank %u is given back "
					    "while stream 0x%x goes there", i,
					    (unsigned int)bits2(s->smr[n], 14, 0));
	}
}

void smmu2_point(struct smmu2 *s)
{
	if (!smmu2_there_(s) || s->in_point)
		return;
	s->in_point = true;
	smmu2_settle_(s);
	if (smmu2_chance_(s, s->config.unrest))
		smmu2_speculate_(s);
	if (smmu2_chance_(s, s->config.unrest / 4))
		smmu2_tlb_evict_(s);
	smmu2_rogues_(s);
	smmu2_lines_(s);
	s->in_point = false;
}

/* ---- masters and reports ---- */

void smmu2_master(struct smmu2 *s, uint32_t sid, uint8_t who)
{
	for (unsigned int i = 0; i < s->nr_masters; i++)
		if (s->masters[i].sid == sid) {
			s->masters[i].who = who;
			return;
		}
	if (s->nr_masters < SMMU2_MASTERS) {
		s->masters[s->nr_masters].sid = sid;
		s->masters[s->nr_masters++].who = who;
	}
}

unsigned int smmu2_rogue(struct smmu2 *s, uint32_t sid, uint64_t iova, unsigned int flags)
{
	for (unsigned int i = 0; i < SMMU2_ROGUES; i++)
		if (!s->rogues[i].on) {
			s->rogues[i].on = true;
			s->rogues[i].access = (struct s2_access){ .sid = sid, .iova = iova, .flags = flags };
			return i;
		}
	return SMMU2_ROGUES;
}

void smmu2_rogue_stop(struct smmu2 *s, unsigned int rogue)
{
	if (rogue < SMMU2_ROGUES)
		s->rogues[rogue].on = false;
}

void smmu2_rogue_aim(struct smmu2 *s, unsigned int rogue, uint64_t iova)
{
	if (rogue < SMMU2_ROGUES)
		s->rogues[rogue].access.iova = iova;
}

void smmu2_still(struct smmu2 *s)
{
	hwrng_still(&s->rng);
	s->config.unrest = 0;
}

static uint64_t mixed(uint64_t hash, const void *at, size_t bytes)
{
	const unsigned char *p = at;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull;
	return hash;
}

/* Of context banks and stream matches those that were ever set: the others are as they were. */
uint64_t smmu2_state(const struct smmu2 *s)
{
	const uint64_t words[] = {
		s->power, s->clock, s->lines, s->scr0, s->sacr, s->gfsr, s->gfsynr0, s->gfsynr1, s->gfar,
		s->gsync, s->gsync_wait, s->nr_pending, s->findings[SMMU2_FINDINGS],
	};
	static const struct s2_bank zero;
	uint64_t hash = mixed(0xcbf29ce484222325ull, words, sizeof(words));

	for (size_t i = 0; i < SMMU2_SMRS; i++)
		if (s->smr[i] || s->s2cr[i])
			hash = mixed(hash, (uint64_t[]){ i, s->smr[i], s->s2cr[i] }, 24);
	for (size_t i = 0; i < SMMU2_BANKS; i++)
		if (memcmp(&s->banks[i], &zero, sizeof(zero)))
			hash = mixed(mixed(hash, &i, sizeof(i)), &s->banks[i], sizeof(zero));
	return hash;
}

unsigned int smmu2_findings(const struct smmu2 *s, enum smmu2_finding what)
{
	return s->findings[what];
}

const char *smmu2_first_finding(const struct smmu2 *s)
{
	return s->first_finding;
}

unsigned int smmu2_findings_take(struct smmu2 *s)
{
	unsigned int n = s->findings[SMMU2_FINDINGS];

	memset(s->findings, 0, sizeof(s->findings));
	s->first_finding[0] = '\0';
	return n;
}

const struct smmu2_stats *smmu2_stats_get(const struct smmu2 *s)
{
	return &s->stats;
}
