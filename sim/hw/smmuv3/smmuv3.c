// SPDX-License-Identifier: MIT
/*
 * The life of the hostile SMMUv3, its power, its points in time and its findings.
 * See smmuv3.h; the caller sees to locking.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/smmuv3/priv.h"

void smmu3_find_(struct smmu3 *s, enum smmu3_finding what, const char *fmt, ...)
{
	char text[sizeof(s->first_finding)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!s->findings[SMMU3_FINDINGS]++)
		memcpy(s->first_finding, text, sizeof(text));
	s->findings[what]++;
}

bool smmu3_chance_(struct smmu3 *s, unsigned int n)
{
	return hwrng_chance(&s->rng, n);
}

bool smmu3_coherent_(const struct smmu3 *s)
{
	return s->config.idr[0] & SMMU3_IDR0_COHACC;
}

unsigned int smmu3_oas_(const struct smmu3 *s)
{
	unsigned int n = oas_bits(s->config.idr[5] & 7);

	return n ? n : 32;
}

bool smmu3_fetch_(struct smmu3 *s, uint64_t pa, const char *what, uint64_t *out_word)
{
	s->stats.fetches++;
	if (!hwram_read(s->ram, smmu3_coherent_(s), pa, out_word, 8))
		return false;
	if (!hwram_used(s->ram, pa, 8))
		smmu3_find_(s, SMMU3_FREED, "%s is fetched from 0x%llx, which was given back", what,
			    (unsigned long long)pa);
	return true;
}

void smmu3_config_usual(struct smmu3_config *out_config)
{
	*out_config = (struct smmu3_config){
		.seed = 1,
		.idr = {
			SMMU3_IDR0_S2P | SMMU3_IDR0_S1P | SMMU3_IDR0_TTF64 | SMMU3_IDR0_COHACC |
				SMMU3_IDR0_ASID16 | SMMU3_IDR0_VMID16 | SMMU3_IDR0_CD2L |
				SMMU3_IDR0_LE | SMMU3_IDR0_NO_STALL | SMMU3_IDR0_TERM |
				SMMU3_IDR0_ST2L,
			SMMU3_IDR1(16, 0, 7, 8), 0, SMMU3_IDR3_RIL, 0,
			SMMU3_OAS_48 | SMMU3_IDR5_4K | SMMU3_IDR5_16K | SMMU3_IDR5_64K,
		},
		.unrest = 64,
	};
}

struct smmu3 *smmu3_create(struct hwram *ram, const struct smmu3_config *config)
{
	struct smmu3 *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ram = ram;
	s->config = *config;
	s->power = true;
	hwrng_init(&s->rng, config->seed);
	smmu3_regs_reset_(s);
	return s;
}

struct smmu3 *smmu3_destroy(struct smmu3 *s)
{
	free(s);
	return NULL;
}

void smmu3_wire(struct smmu3 *s, void (*irq)(void *arg, enum smmu3_line line),
		void (*msi)(void *arg, uint64_t pa, uint32_t data), void *arg)
{
	s->irq = irq;
	s->msi = msi;
	s->wire_arg = arg;
}

void smmu3_power(struct smmu3 *s, bool on)
{
	s->power = on;
	smmu3_regs_reset_(s);
}

void smmu3_misbehave(struct smmu3 *s, enum smmu3_mischief what, unsigned int n)
{
	s->mischief[what] = n;
}

void smmu3_memory_goes(struct smmu3 *s, uint64_t pa, uint64_t bytes)
{
	struct {
		const char *name;
		uint64_t base, bytes;
		bool live;
	} used[] = {
		{ "the command queue", field(s->cmdq_base, 51, 5), 16ull << bits(s->cmdq_base, 4, 0),
		  (s->cr0 | s->cr0ack) & CR0_CMDQEN },
		{ "the event queue", field(s->eventq_base, 51, 5),
		  32ull << bits(s->eventq_base, 4, 0), (s->cr0 | s->cr0ack) & CR0_EVENTQEN },
		{ "the stream table", field(s->strtab_base, 51, 6), 64,
		  (s->cr0 | s->cr0ack) & CR0_SMMUEN },
	};

	if (!s->power)
		return;
	for (unsigned int i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (used[i].live && used[i].base < pa + bytes &&
		    pa < used[i].base + used[i].bytes)
			smmu3_find_(s, SMMU3_FREED, "%s is given back while it is enabled",
				    used[i].name);
	smmu3_cfg_goes_(s, pa, bytes);
	smmu3_tlb_goes_(s, pa, bytes);
}

void smmu3_point(struct smmu3 *s)
{
	if (!s->power || s->in_point)
		return;
	s->in_point = true;
	smmu3_regs_settle_(s);
	smmu3_commands_(s);
	if (smmu3_chance_(s, s->config.unrest))
		smmu3_complete_(s, false);
	smmu3_prefetch_(s);
	if (smmu3_chance_(s, s->config.unrest))
		smmu3_speculate_(s);
	if (smmu3_chance_(s, s->config.unrest / 4))
		smmu3_tlb_evict_(s);
	if (smmu3_chance_(s, s->config.unrest / 4))
		smmu3_cfg_evict_(s);
	smmu3_rogues_(s);
	smmu3_events_write_(s);
	s->in_point = false;
}

void smmu3_master(struct smmu3 *s, uint32_t sid, uint8_t who)
{
	for (unsigned int i = 0; i < s->nr_masters; i++)
		if (s->masters[i].sid == sid) {
			s->masters[i].who = who;
			return;
		}
	if (s->nr_masters < SMMU3_MASTERS) {
		s->masters[s->nr_masters].sid = sid;
		s->masters[s->nr_masters++].who = who;
	}
}

unsigned int smmu3_rogue(struct smmu3 *s, uint32_t sid, uint64_t iova, unsigned int flags)
{
	for (unsigned int i = 0; i < SMMU3_ROGUES; i++)
		if (!s->rogues[i].on) {
			s->rogues[i] = (struct rogue){ true, sid, iova, flags };
			return i;
		}
	return SMMU3_ROGUES;
}

void smmu3_rogues_stop(struct smmu3 *s)
{
	memset(s->rogues, 0, sizeof(s->rogues));
}

void smmu3_rogue_stop(struct smmu3 *s, unsigned int rogue)
{
	if (rogue < SMMU3_ROGUES)
		s->rogues[rogue].on = false;
}

void smmu3_rogue_aim(struct smmu3 *s, unsigned int rogue, uint64_t iova)
{
	if (rogue < SMMU3_ROGUES)
		s->rogues[rogue].iova = iova;
}

uint32_t smmu3_attributes(const struct smmu3 *s)
{
	return s->attributes;
}

unsigned int smmu3_findings(const struct smmu3 *s, enum smmu3_finding what)
{
	return s->findings[what];
}

const char *smmu3_first_finding(const struct smmu3 *s)
{
	return s->first_finding;
}

unsigned int smmu3_findings_take(struct smmu3 *s)
{
	unsigned int n = s->findings[SMMU3_FINDINGS];

	memset(s->findings, 0, sizeof(s->findings));
	s->first_finding[0] = '\0';
	return n;
}

const struct smmu3_stats *smmu3_stats_get(const struct smmu3 *s)
{
	return &s->stats;
}
