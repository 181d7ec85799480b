// SPDX-License-Identifier: MIT
/*
 * Registers of the hostile System MMU, by version; the block handshake; faults. See spec.h.
 */
#include "hw/sysmmu/priv.h"

#define ACK_POINTS 6u /* at most, until a block is acknowledged */

struct place {
	uint16_t offset;
	uint8_t reg;
};

/* Versions 1 to 3 [P]. */
static const struct place v1[] = {
	{ 0x0c, REG_FLUSH_ALL }, { 0x10, REG_FLUSH_ENTRY }, { 0x14, REG_BASE },
	{ 0x18, REG_INT_STATUS }, { 0x1c, REG_INT_CLEAR }, { 0x24, REG_PAGE_FAULT },
	{ 0x28, REG_AW_FAULT }, { 0x2c, REG_AR_FAULT }, { 0x30, REG_DEFAULT_SLAVE }, { 0, 0 },
};
/* Version 5 [5]. */
static const struct place v5[] = {
	{ 0x0c, REG_BASE }, { 0x10, REG_FLUSH_ALL }, { 0x14, REG_FLUSH_ENTRY },
	{ 0x18, REG_FLUSH_RANGE }, { 0x20, REG_FLUSH_START }, { 0x24, REG_FLUSH_END },
	{ 0x60, REG_INT_STATUS }, { 0x64, REG_INT_CLEAR }, { 0x70, REG_AR_FAULT },
	{ 0x80, REG_AW_FAULT }, { 0, 0 },
};
/* Version 7 without VM registers, and with [7]. */
static const struct place v7[] = {
	{ 0x0c, REG_BASE }, { 0x10, REG_FLUSH_ALL }, { 0x14, REG_FLUSH_ENTRY },
	{ 0x18, REG_FLUSH_RANGE }, { 0x20, REG_FLUSH_START }, { 0x24, REG_FLUSH_END },
	{ 0x60, REG_INT_STATUS }, { 0x64, REG_INT_CLEAR }, { 0x70, REG_PAGE_FAULT },
	{ 0x78, REG_FAULT_INFO }, { 0x870, REG_CAPA0 }, { 0x874, REG_CAPA1 }, { 0, 0 },
};
static const struct place v7_vm[] = {
	{ 0x800c, REG_BASE }, { 0x8010, REG_FLUSH_ALL }, { 0x8014, REG_FLUSH_ENTRY },
	{ 0x8018, REG_FLUSH_RANGE }, { 0x8020, REG_FLUSH_START }, { 0x8024, REG_FLUSH_END },
	{ 0x60, REG_INT_STATUS }, { 0x64, REG_INT_CLEAR }, { 0x1000, REG_PAGE_FAULT },
	{ 0x1004, REG_FAULT_INFO }, { 0x870, REG_CAPA0 }, { 0x874, REG_CAPA1 },
	{ 0x8000, REG_CTRL_VM }, { 0, 0 },
};

static enum reg reg_at(const struct sysmmu *s, uint64_t offset)
{
	const struct place *at = s->config.major < 5 ? v1 : s->config.major < 7 ? v5 :
				 s->config.vm ? v7_vm : v7;

	switch (offset) {
	case R_CTRL: return REG_CTRL;
	case R_CFG: return REG_CFG;
	case R_STATUS: return REG_STATUS;
	case R_VERSION: return REG_VERSION;
	}
	for (; at->reg; at++)
		if (at->offset == offset)
			return (enum reg)at->reg;
	return REG_NONE;
}

/* Bits of INT_STATUS: reads and writes [P, 5, 7]. */
static unsigned int bit_of(const struct sysmmu *s, enum fault fault, bool write)
{
	static const uint8_t one[FAULTS][2] = {
		[FAULT_PAGE] = { 0, 0 }, [FAULT_ACCESS] = { 5, 7 }, [FAULT_BUS] = { 3, 3 },
		[FAULT_MULTIHIT] = { 1, 2 },
	};
	static const uint8_t five[FAULTS] = {
		[FAULT_PAGE] = 1, [FAULT_ACCESS] = 3, [FAULT_BUS] = 0, [FAULT_MULTIHIT] = 2,
	};
	static const uint8_t seven[FAULTS] = {
		[FAULT_PAGE] = 1, [FAULT_ACCESS] = 2, [FAULT_BUS] = 0, /* nothing public of others */
	};

	if (s->config.major < 5)
		return one[fault][write];
	return s->config.major < 7 ? five[fault] + (write ? 16u : 0) : seven[fault];
}

/* ---- state ---- */

void sysmmu_reset_(struct sysmmu *s)
{
	s->ctrl = s->cfg = s->base = s->status = s->ctrl_vm = 0;
	s->flush_start = s->flush_end = s->fault_info = 0;
	s->blocked = s->stuck = s->held = s->flushed = s->translating = s->twice = false;
}

void sysmmu_line_(struct sysmmu *s)
{
	bool up = s->status && s->ctrl & 4;

	if (!up && !(s->ctrl & 4 && sysmmu_mischief_(s, SYSMMU_SPURIOUS)))
		return;
	if (s->mischief[SYSMMU_IRQ_LOST] || !s->irq)
		return;
	s->stats.interrupts++;
	s->irq(s->irq_arg);
}

/* A block that was asked for takes effect. */
void sysmmu_settle_(struct sysmmu *s)
{
	if (s->ctrl != CTRL_BLOCK || s->blocked || s->stuck)
		return;
	if (s->ack_in)
		s->ack_in--;
	else
		s->blocked = true;
}

enum hwaccess sysmmu_fault_(struct sysmmu *s, enum fault fault, uint32_t iova, uint64_t pa, bool write)
{
	unsigned int bit = bit_of(s, fault, write);

	if (sysmmu_mischief_(s, SYSMMU_ODD_FAULT))
		bit = 31;
	s->stats.faults++;
	s->status |= 1u << bit;
	s->last_fault = 1u << bit;
	if (s->config.major < 5 && fault == FAULT_BUS)
		s->fault_at[3] = (uint32_t)pa;
	else if (s->config.major >= 7 || (s->config.major < 5 && fault == FAULT_PAGE))
		s->fault_at[0] = iova;
	else
		s->fault_at[write ? 1 : 2] = iova;
	s->fault_info = write ? FAULT_INFO_WRITE : 0;
	/* Everything of its master waits; with VM registers only where that was chosen. */
	s->held = !s->config.vm || s->ctrl_vm & CTRL_VM_STALL;
	sysmmu_line_(s);
	return s->config.fault_aborts || !s->held ? HWACCESS_ABORTED : HWACCESS_STALLED;
}

/* ---- writes ---- */

static void enable(struct sysmmu *s)
{
	if (!s->flushed)
		sysmmu_find_(s, SYSMMU_UNINITIALISED, "enabled, and not flushed since power came");
	if (sysmmu_root_(s) & (L1_BYTES - 1))
		sysmmu_find_(s, SYSMMU_BAD_TABLE, "the first table 0x%llx is not aligned",
			     (unsigned long long)sysmmu_root_(s));
	if (s->config.vm && !(s->ctrl_vm & CTRL_VM_ENABLE))
		sysmmu_find_(s, SYSMMU_BAD_REGISTER, "enabled, and its VM is not");
	s->blocked = s->stuck = false;
	s->translating = true;
	if (!s->status)
		s->held = false;
}

static void write_ctrl(struct sysmmu *s, uint32_t value)
{
	if (value != CTRL_OFF && value != CTRL_ON && value != CTRL_BLOCK)
		sysmmu_find_(s, SYSMMU_BAD_REGISTER, "0x%x is written to CTRL", value);
	if (value == CTRL_BLOCK && s->ctrl != CTRL_BLOCK) {
		s->stats.blocks++;
		s->stuck = sysmmu_mischief_(s, SYSMMU_BLOCK_STUCK);
		s->ack_in = s->mischief[SYSMMU_BLOCK_LATE] +
			    (s->config.unrest ? hwrng_below(&s->rng, ACK_POINTS) : 0);
	}
	s->ctrl = value;
	if (value == CTRL_ON)
		enable(s);
	if (value == CTRL_OFF)
		s->blocked = s->held = s->stuck = s->translating = false;
}

/* What must not change while accesses go on. */
static void quiet(struct sysmmu *s, const char *what)
{
	if (sysmmu_on_(s) && !s->blocked && !s->held)
		sysmmu_find_(s, SYSMMU_BAD_REGISTER, "%s changes while accesses go on", what);
}

static void clear(struct sysmmu *s, uint32_t bits)
{
	s->status &= ~bits;
	if (bits & s->last_fault && sysmmu_mischief_(s, SYSMMU_STORM)) {
		s->stats.faults++;
		s->status |= s->last_fault;
		s->held = true;
	}
}

static void write_flush(struct sysmmu *s, enum reg reg, uint32_t value)
{
	uint32_t page = value >> SMALL_LG2;

	if (!(value & 1)) {
		sysmmu_find_(s, SYSMMU_BAD_REGISTER, "0x%x is written to flush", value);
	} else if (reg == REG_FLUSH_ALL) {
		s->stats.flushes_all++;
		s->flushed = true;
		s->twice = false;
		sysmmu_drop_(s, 0, UINT32_MAX >> SMALL_LG2, false);
	} else if (reg == REG_FLUSH_ENTRY) {
		s->stats.flushes_entry++;
		sysmmu_drop_(s, page, page, s->config.major == 2);
	} else {
		s->stats.flushes_range++;
		if (s->flush_end < s->flush_start)
			sysmmu_find_(s, SYSMMU_BAD_REGISTER, "0x%x to 0x%x is flushed",
				     s->flush_start, s->flush_end);
		sysmmu_drop_(s, s->flush_start >> SMALL_LG2, s->flush_end >> SMALL_LG2, false);
	}
}

/* Which bits there are is the version's affair [O]. */
static void write_cfg(struct sysmmu *s, uint32_t value)
{
	unsigned int version = s->config.major << 8 | s->config.minor;
	uint32_t bits = CFG_EAP | CFG_QOS;

	if (version <= 0x302)
		bits |= CFG_LRU;
	if (version == 0x302)
		bits |= CFG_SYSSEL;
	if (version >= 0x302)
		bits |= CFG_FLPD;
	if (version > 0x302)
		bits |= CFG_ACGEN;
	if (value & ~bits)
		sysmmu_find_(s, SYSMMU_BAD_REGISTER, "CFG is 0x%x, of which that version has 0x%x", value,
			     value & bits);
	quiet(s, "CFG");
	s->cfg = value;
}

static void write_reg(struct sysmmu *s, enum reg reg, uint32_t value)
{
	switch (reg) {
	case REG_CTRL: write_ctrl(s, value); break;
	case REG_CFG: write_cfg(s, value); break;
	case REG_BASE: quiet(s, "the base"); s->base = value; break;
	case REG_FLUSH_ALL: case REG_FLUSH_ENTRY: case REG_FLUSH_RANGE:
		write_flush(s, reg, value);
		break;
	case REG_FLUSH_START: s->flush_start = value; break;
	case REG_FLUSH_END: s->flush_end = value; break;
	case REG_INT_CLEAR: clear(s, value); break;
	case REG_CTRL_VM: s->ctrl_vm = value; break;
	default:
		sysmmu_find_(s, SYSMMU_BAD_REGISTER, "0x%x is written to a register that is read", value);
	}
}

/* ---- reads ---- */

static uint32_t version(const struct sysmmu *s)
{
	return s->config.no_version ? NO_VERSION : s->config.major << 28 | s->config.minor << 21;
}

static uint32_t read_reg(const struct sysmmu *s, enum reg reg)
{
	switch (reg) {
	case REG_CTRL: return s->ctrl;
	case REG_CFG: return s->cfg;
	case REG_STATUS: return s->blocked || s->held ? STATUS_BLOCKED : 0;
	case REG_VERSION: return version(s);
	case REG_BASE: return s->base;
	case REG_INT_STATUS: return s->status;
	case REG_PAGE_FAULT: return s->fault_at[0];
	case REG_AW_FAULT: return s->fault_at[1];
	case REG_AR_FAULT: return s->fault_at[2];
	case REG_DEFAULT_SLAVE: return s->fault_at[3];
	case REG_FAULT_INFO: return s->fault_info;
	case REG_CAPA0: return s->config.vm ? CAPA0_CAPA1 : 0;
	case REG_CAPA1: return s->config.vm ? CAPA1_VM : 0;
	case REG_CTRL_VM: return s->ctrl_vm;
	default: return 0;
	}
}

/* ---- accesses ---- */

/* REG_NONE: it goes nowhere. */
static enum reg begin(struct sysmmu *s, uint64_t offset, unsigned int width, bool write)
{
	enum reg reg = reg_at(s, offset);

	s->stats.accesses++;
	if (!s->power || !s->clock) {
		sysmmu_find_(s, SYSMMU_OFF, "0x%llx is %s without %s", (unsigned long long)offset,
			     write ? "written" : "read", s->power ? "clock" : "power");
		return REG_NONE;
	}
	sysmmu_point(s);
	if (s->mischief[SYSMMU_DEAD])
		return REG_NONE;
	if (width != 4 || reg == REG_NONE)
		sysmmu_find_(s, SYSMMU_BAD_REGISTER, "0x%llx is %s, %u bytes",
			     (unsigned long long)offset, write ? "written" : "read", width);
	return width == 4 ? reg : REG_NONE;
}

uint64_t sysmmu_mmio_read(struct sysmmu *s, uint64_t offset, unsigned int width)
{
	enum reg reg = begin(s, offset, width, false);

	return reg == REG_NONE ? UINT64_MAX >> (64 - 8 * width) : read_reg(s, reg);
}

void sysmmu_mmio_write(struct sysmmu *s, uint64_t offset, unsigned int width, uint64_t value)
{
	enum reg reg = begin(s, offset, width, true);

	if (reg != REG_NONE)
		write_reg(s, reg, (uint32_t)value);
}
