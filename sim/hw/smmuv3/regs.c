// SPDX-License-Identifier: MIT
/*
 * Registers (IHI 0070, 6.2 and 6.3): what may be written when, and what follows in the
 * SMMU's own time. A write that the register does not take now is a finding and is dropped.
 */
#include <string.h>

#include "hw/smmuv3/priv.h"

void smmu3_regs_reset_(struct smmu3 *s)
{
	s->cr0 = s->cr0ack = s->cr1 = s->cr2 = 0;
	s->gbpa = s->gbpa_next = s->config.gbpa & ~GBPA_UPDATE;
	s->irq_ctrl = s->irq_ctrlack = s->gerror = s->gerrorn = 0;
	/* The rest is unknown after reset. */
	s->strtab_base = s->cmdq_base = s->eventq_base = 0;
	s->strtab_cfg = s->cmdq_prod = s->cmdq_cons = s->eventq_prod = s->eventq_cons = 0;
	memset(s->msi_cfg0, 0, sizeof(s->msi_cfg0));
	memset(s->msi_cfg1, 0, sizeof(s->msi_cfg1));
	memset(s->msi_cfg2, 0, sizeof(s->msi_cfg2));
	memset(s->fetches, 0, sizeof(s->fetches));
	s->nr_pending = s->nr_events = s->sync_wait = 0;
	/* Caches need not be empty after reset (3.11). */
	s->cfg_unknown = s->tlb_unknown = true;
}

/* Enables and disables are in force when they are acknowledged. */
static void settle_cr0(struct smmu3 *s)
{
	uint32_t change = s->cr0 ^ s->cr0ack;

	for (unsigned int i = 0; i < 9; i++)
		if (bit(change, i) && smmu3_chance_(s, 128))
			s->cr0ack ^= 1u << i;
	/* Nothing is fetched for what is off (6.3.9.6). */
	if (!(s->cr0ack & CR0_SMMUEN))
		memset(s->fetches, 0, sizeof(s->fetches));
}

void smmu3_regs_settle_(struct smmu3 *s)
{
	if (!s->mischief[SMMU3_ACK_STUCK]) {
		settle_cr0(s);
		if (smmu3_chance_(s, 128))
			s->irq_ctrlack = s->irq_ctrl;
	}
	if ((s->gbpa & GBPA_UPDATE) && !s->mischief[SMMU3_GBPA_STUCK] && smmu3_chance_(s, 128))
		s->gbpa = s->gbpa_next & ~GBPA_UPDATE;
	if (s->mischief[SMMU3_GERROR_STORM] && s->gerror == s->gerrorn) {
		s->mischief[SMMU3_GERROR_STORM]--;
		smmu3_gerror_(s, GERR_EVENTQ_ABT);
	}
	if (s->mischief[SMMU3_GERROR_SFM])
		smmu3_gerror_(s, GERR_SFM);
}

/* ---- 32-bit reads ---- */

static uint32_t read_cmdq_cons(const struct smmu3 *s)
{
	return s->mischief[SMMU3_CMDQ_WILD] ? 0x000fffff : s->cmdq_cons;
}

static uint32_t read_eventq_prod(const struct smmu3 *s)
{
	return s->mischief[SMMU3_EVENTQ_WILD] ? 0x000fffff : s->eventq_prod;
}

static uint64_t *wide(struct smmu3 *s, uint64_t offset)
{
	switch (offset & ~4ull) {
	case REG_STRTAB_BASE: return &s->strtab_base;
	case REG_CMDQ_BASE: return &s->cmdq_base;
	case REG_EVENTQ_BASE: return &s->eventq_base;
	case REG_GERROR_IRQ_CFG0: return &s->msi_cfg0[0];
	case REG_EVENTQ_IRQ_CFG0: return &s->msi_cfg0[1];
	default: return NULL;
	}
}

static uint32_t read32(struct smmu3 *s, uint64_t offset)
{
	const uint64_t *reg = wide(s, offset);

	if (reg)
		return (uint32_t)(offset & 4 ? *reg >> 32 : *reg);
	if (offset <= REG_IDR5)
		return s->config.idr[offset / 4];
	switch (offset) {
	case REG_CR0: return s->cr0;
	case REG_CR0ACK: return s->cr0ack;
	case REG_CR1: return s->cr1;
	case REG_CR2: return s->cr2;
	case REG_GBPA: return s->gbpa;
	case REG_IRQ_CTRL: return s->irq_ctrl;
	case REG_IRQ_CTRLACK: return s->irq_ctrlack;
	case REG_GERROR: return s->gerror;
	case REG_GERRORN: return s->gerrorn;
	case REG_GERROR_IRQ_CFG1: return s->msi_cfg1[0];
	case REG_GERROR_IRQ_CFG2: return s->msi_cfg2[0];
	case REG_EVENTQ_IRQ_CFG1: return s->msi_cfg1[1];
	case REG_EVENTQ_IRQ_CFG2: return s->msi_cfg2[1];
	case REG_STRTAB_BASE_CFG: return s->strtab_cfg;
	case REG_CMDQ_PROD: return s->cmdq_prod;
	case REG_CMDQ_CONS: return read_cmdq_cons(s);
	case REG_EVENTQ_PROD: return read_eventq_prod(s);
	case REG_EVENTQ_CONS: return s->eventq_cons;
	default: return 0;
	}
}

/* ---- 32-bit writes ---- */

/* What must not be changed while something is enabled, or about to be. */
static bool locked(struct smmu3 *s, uint64_t offset, uint32_t enable, bool irq)
{
	bool on = irq ? (s->irq_ctrl | s->irq_ctrlack) & enable : (s->cr0 | s->cr0ack) & enable;

	if (on)
		smmu3_find_(s, SMMU3_BAD_REGISTER, "register 0x%llx is written while its use is enabled",
			    (unsigned long long)offset);
	return on;
}

static void write_cr0(struct smmu3 *s, uint32_t value)
{
	uint32_t change = value ^ s->cr0;

	if (value & ~CR0_KNOWN)
		smmu3_find_(s, SMMU3_BAD_REGISTER, "CR0 is written with reserved bits: 0x%x", value);
	/* 6.3.9: a field must not change again before the last change is acknowledged. */
	if (change & (s->cr0 ^ s->cr0ack) && !s->mischief[SMMU3_ACK_STUCK])
		smmu3_find_(s, SMMU3_BAD_REGISTER, "CR0 changes twice without CR0ACK: 0x%x", value);
	if ((change & value & CR0_SMMUEN) && (s->gbpa & GBPA_UPDATE))
		smmu3_find_(s, SMMU3_BAD_REGISTER, "SMMUEN is set while GBPA is updated");
	s->cr0 = value & CR0_KNOWN;
}

/* 6.3.11: the attributes of queues, and of tables, are read-only while those are in use. */
static void write_cr1(struct smmu3 *s, uint32_t value)
{
	uint32_t change = value ^ s->cr1;

	if ((field(change, 5, 0) && locked(s, REG_CR1, CR0_CMDQEN | CR0_EVENTQEN, false)) ||
	    (field(change, 11, 6) && locked(s, REG_CR1, CR0_SMMUEN, false)))
		return;
	s->cr1 = value;
}

static void write_gbpa(struct smmu3 *s, uint32_t value)
{
	/* 6.3.14: written with UPDATE set, while it reads as 0. */
	if (!(value & GBPA_UPDATE) || (s->gbpa & GBPA_UPDATE)) {
		smmu3_find_(s, SMMU3_BAD_REGISTER, "GBPA is written %s",
			    value & GBPA_UPDATE ? "during an update" : "without UPDATE");
		return;
	}
	s->gbpa_next = s->config.no_abort ? value & ~GBPA_ABORT : value;
	s->gbpa |= GBPA_UPDATE;
}

static void write_gerrorn(struct smmu3 *s, uint32_t value)
{
	uint32_t active = s->gerror ^ s->gerrorn;

	/* 6.3.19: a bit whose error is not active must not change. */
	if ((value ^ s->gerrorn) & ~active)
		smmu3_find_(s, SMMU3_BAD_REGISTER, "GERRORN acknowledges what is no error: 0x%x", value);
	s->gerrorn = value & GERR_KNOWN;
}

static void write_queue_index(struct smmu3 *s, uint64_t offset, uint32_t value)
{
	bool eventq = offset >= 0x10000;
	unsigned int lg2 = (unsigned int)bits(eventq ? s->eventq_base : s->cmdq_base, 4, 0);
	uint32_t mask = (2u << lg2) - 1, flag = offset == REG_EVENTQ_CONS ||
		offset == REG_EVENTQ_PROD ? 1u << 31 : 0;

	if (value & ~(mask | flag))
		smmu3_find_(s, SMMU3_BAD_REGISTER, "index 0x%x at 0x%llx is outside of its queue",
			    value, (unsigned long long)offset);
	value &= mask | flag;
	switch (offset) {
	case REG_CMDQ_PROD:
		if (s->cr0ack & CR0_CMDQEN && ((value - s->cmdq_cons) & mask) > 1u << lg2)
			smmu3_find_(s, SMMU3_BAD_COMMAND, "the command queue is overrun");
		s->cmdq_prod = value;
		break;
	case REG_CMDQ_CONS:
		if (!locked(s, offset, CR0_CMDQEN, false))
			s->cmdq_cons = value;
		break;
	case REG_EVENTQ_PROD:
		if (!locked(s, offset, CR0_EVENTQEN, false))
			s->eventq_prod = value;
		break;
	default:
		if ((s->cr0ack & CR0_EVENTQEN) &&
		    ((s->eventq_prod - value) & mask) > 1u << lg2)
			smmu3_find_(s, SMMU3_BAD_REGISTER, "EVENTQ_CONS passes EVENTQ_PROD");
		s->eventq_cons = value;
	}
}

static void write_wide_half(struct smmu3 *s, uint64_t offset, uint32_t value)
{
	uint64_t *reg = wide(s, offset);
	bool irq = reg == &s->msi_cfg0[0] || reg == &s->msi_cfg0[1];
	uint32_t enable = reg == &s->strtab_base ? CR0_SMMUEN : reg == &s->cmdq_base ? CR0_CMDQEN :
		reg == &s->eventq_base ? CR0_EVENTQEN :
		reg == &s->msi_cfg0[0] ? IRQ_GERROR : IRQ_EVENTQ;

	if (locked(s, offset, enable, irq))
		return;
	*reg = offset & 4 ? (*reg & 0xffffffffull) | (uint64_t)value << 32
			  : (*reg & ~0xffffffffull) | value;
	/* IDR1.CMDQS, EVENTQS */
	if ((reg == &s->cmdq_base && bits(*reg, 4, 0) > bits(s->config.idr[1], 25, 21)) ||
	    (reg == &s->eventq_base && bits(*reg, 4, 0) > bits(s->config.idr[1], 20, 16)))
		smmu3_find_(s, SMMU3_BAD_REGISTER, "0x%llx asks for a larger queue than there is: 2^%llu",
			    (unsigned long long)offset, (unsigned long long)bits(*reg, 4, 0));
}

static void write_msi(struct smmu3 *s, uint64_t offset, uint32_t value)
{
	unsigned int which = offset >= REG_EVENTQ_IRQ_CFG0;
	uint64_t cfg1 = which ? REG_EVENTQ_IRQ_CFG1 : REG_GERROR_IRQ_CFG1;

	if (locked(s, offset, which ? IRQ_EVENTQ : IRQ_GERROR, true))
		return;
	if (offset == cfg1)
		s->msi_cfg1[which] = value;
	else
		s->msi_cfg2[which] = value;
}

static void write32(struct smmu3 *s, uint64_t offset, uint32_t value)
{
	if (wide(s, offset)) {
		write_wide_half(s, offset, value);
		return;
	}
	switch (offset) {
	case REG_CR0: write_cr0(s, value); break;
	case REG_CR1:
		write_cr1(s, value);
		break;
	case REG_CR2:
		if (!locked(s, offset, CR0_SMMUEN, false))
			s->cr2 = value;
		break;
	case REG_GBPA: write_gbpa(s, value); break;
	case REG_IRQ_CTRL: s->irq_ctrl = value & 7; break;
	case REG_GERRORN: write_gerrorn(s, value); break;
	case REG_STRTAB_BASE_CFG:
		if (!locked(s, offset, CR0_SMMUEN, false))
			s->strtab_cfg = value;
		break;
	case REG_GERROR_IRQ_CFG1: case REG_GERROR_IRQ_CFG2:
	case REG_EVENTQ_IRQ_CFG1: case REG_EVENTQ_IRQ_CFG2: write_msi(s, offset, value); break;
	case REG_CMDQ_PROD: case REG_CMDQ_CONS:
	case REG_EVENTQ_PROD: case REG_EVENTQ_CONS: write_queue_index(s, offset, value); break;
	case REG_PRIQ_BASE: case REG_PRIQ_BASE + 4: case REG_PRIQ_PROD: case REG_PRIQ_CONS:
	case REG_PRIQ_IRQ_CFG0: case REG_PRIQ_IRQ_CFG0 + 4: case REG_PRIQ_IRQ_CFG1:
	case REG_PRIQ_IRQ_CFG2: break; /* no PRI: RES0 */
	default:
		smmu3_find_(s, SMMU3_BAD_REGISTER, "0x%x is written to 0x%llx, where no register is",
			    value, (unsigned long long)offset);
	}
}

/* ---- accesses ---- */

/* Whether an access is one that registers take (6.1). */
static bool proper(struct smmu3 *s, uint64_t offset, unsigned int width)
{
	if (!s->power) {
		smmu3_find_(s, SMMU3_OFF, "register 0x%llx is accessed without power",
			    (unsigned long long)offset);
		return false;
	}
	if (s->mischief[SMMU3_DEAD])
		return false;
	if (offset % width || offset + width > SMMU3_BYTES ||
	    (width != 4 && (width != 8 || !wide(s, offset)))) {
		smmu3_find_(s, SMMU3_BAD_REGISTER, "%u byte(s) at 0x%llx are accessed", width,
			    (unsigned long long)offset);
		return false;
	}
	return true;
}

uint64_t smmu3_mmio_read(struct smmu3 *s, uint64_t offset, unsigned int width)
{
	uint64_t value;

	s->stats.reads++;
	if (!proper(s, offset, width))
		return width == 8 ? ~0ull : (1ull << 8 * width) - 1;
	smmu3_point(s);
	value = read32(s, offset);
	if (width == 8)
		value |= (uint64_t)read32(s, offset + 4) << 32;
	return value;
}

void smmu3_mmio_write(struct smmu3 *s, uint64_t offset, unsigned int width, uint64_t value)
{
	s->stats.writes++;
	if (!proper(s, offset, width))
		return;
	smmu3_point(s);
	write32(s, offset, (uint32_t)value);
	if (width == 8)
		write32(s, offset + 4, (uint32_t)(value >> 32));
	smmu3_point(s);
}
