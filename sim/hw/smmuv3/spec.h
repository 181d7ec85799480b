// SPDX-License-Identifier: MIT
/*
 * The model's own definitions from the SMMUv3 architecture (Arm IHI 0070; sections given),
 * shared with no driver. A field is named by the bits it has in its 64-bit word: bits(w, hi, lo).
 */
#ifndef WEIR_SIM_HW_SMMUV3_SPEC_H
#define WEIR_SIM_HW_SMMUV3_SPEC_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t bits(uint64_t word, unsigned int hi, unsigned int lo)
{
	return (word >> lo) & (~0ull >> (63 - (hi - lo)));
}

static inline bool bit(uint64_t word, unsigned int at)
{
	return (word >> at) & 1;
}

/* Only the bits hi..lo of a word, in place. */
static inline uint64_t field(uint64_t word, unsigned int hi, unsigned int lo)
{
	return bits(word, hi, lo) << lo;
}

/* Registers, 6.2. */
enum {
	REG_IDR0 = 0x00, REG_IDR5 = 0x14, REG_IIDR = 0x18, REG_AIDR = 0x1c,
	REG_CR0 = 0x20, REG_CR0ACK = 0x24, REG_CR1 = 0x28, REG_CR2 = 0x2c,
	REG_STATUSR = 0x40, REG_GBPA = 0x44, REG_AGBPA = 0x48,
	REG_IRQ_CTRL = 0x50, REG_IRQ_CTRLACK = 0x54, REG_GERROR = 0x60, REG_GERRORN = 0x64,
	REG_GERROR_IRQ_CFG0 = 0x68, REG_GERROR_IRQ_CFG1 = 0x70, REG_GERROR_IRQ_CFG2 = 0x74,
	REG_STRTAB_BASE = 0x80, REG_STRTAB_BASE_CFG = 0x88,
	REG_CMDQ_BASE = 0x90, REG_CMDQ_PROD = 0x98, REG_CMDQ_CONS = 0x9c,
	REG_EVENTQ_BASE = 0xa0,
	REG_EVENTQ_IRQ_CFG0 = 0xb0, REG_EVENTQ_IRQ_CFG1 = 0xb8, REG_EVENTQ_IRQ_CFG2 = 0xbc,
	REG_PRIQ_BASE = 0xc0,
	REG_PRIQ_IRQ_CFG0 = 0xd0, REG_PRIQ_IRQ_CFG1 = 0xd8, REG_PRIQ_IRQ_CFG2 = 0xdc,
	REG_EVENTQ_PROD = 0x100a8, REG_EVENTQ_CONS = 0x100ac,
	REG_PRIQ_PROD = 0x100c8, REG_PRIQ_CONS = 0x100cc,
};

/* CR0, 6.3.9 */
#define CR0_SMMUEN   0x1u
#define CR0_PRIQEN   0x2u
#define CR0_EVENTQEN 0x4u
#define CR0_CMDQEN   0x8u
#define CR0_KNOWN    0x1dfu
/* CR2, 6.3.12 */
#define CR2_RECINVSID 0x2u
/* GBPA, 6.3.14 */
#define GBPA_ABORT   (1u << 20)
#define GBPA_UPDATE  (1u << 31)
/* IRQ_CTRL, 6.3.16 */
#define IRQ_GERROR   0x1u
#define IRQ_EVENTQ   0x4u
/* GERROR, 6.3.18 */
#define GERR_CMDQ    0x1u
#define GERR_EVENTQ_ABT 0x4u
#define GERR_MSI_CMDQ_ABT 0x10u
#define GERR_SFM     0x100u
#define GERR_KNOWN   0x1fdu
/* CMDQ_CONS.ERR, 7.1 */
enum { CERROR_NONE, CERROR_ILL, CERROR_ABT };

/* Commands, 4.1.1 */
enum {
	CMD_PREFETCH_CONFIG = 0x01, CMD_PREFETCH_ADDR = 0x02,
	CMD_CFGI_STE = 0x03, CMD_CFGI_STE_RANGE = 0x04, CMD_CFGI_CD = 0x05, CMD_CFGI_CD_ALL = 0x06,
	CMD_CFGI_VMS_PIDM = 0x07,
	CMD_TLBI_NH_ALL = 0x10, CMD_TLBI_NH_ASID = 0x11, CMD_TLBI_NH_VA = 0x12,
	CMD_TLBI_NH_VAA = 0x13,
	CMD_TLBI_EL2_ALL = 0x20, CMD_TLBI_EL2_ASID = 0x21, CMD_TLBI_EL2_VA = 0x22,
	CMD_TLBI_EL2_VAA = 0x23,
	CMD_TLBI_S12_VMALL = 0x28, CMD_TLBI_S2_IPA = 0x2a, CMD_TLBI_NSNH_ALL = 0x30,
	CMD_ATC_INV = 0x40, CMD_PRI_RESP = 0x41, CMD_RESUME = 0x44, CMD_STALL_TERM = 0x45,
	CMD_SYNC = 0x46,
};

/* Events, 7.3 */
enum {
	EVT_F_UUT = 0x01, EVT_C_BAD_STREAMID = 0x02, EVT_F_STE_FETCH = 0x03, EVT_C_BAD_STE = 0x04,
	EVT_F_STREAM_DISABLED = 0x06, EVT_C_BAD_SUBSTREAMID = 0x08, EVT_F_CD_FETCH = 0x09,
	EVT_C_BAD_CD = 0x0a, EVT_F_WALK_EABT = 0x0b,
	EVT_F_TRANSLATION = 0x10, EVT_F_ADDR_SIZE = 0x11, EVT_F_ACCESS = 0x12,
	EVT_F_PERMISSION = 0x13, EVT_F_TLB_CONFLICT = 0x20, EVT_F_CFG_CONFLICT = 0x21,
};
/* What was being accessed when a translation failed, 7.3: CLASS */
enum { CLASS_CD, CLASS_TTD, CLASS_IN };

/* STE.Config, 5.2 */
enum { STE_BYPASS = 4, STE_S1 = 5, STE_S2 = 6, STE_NESTED = 7 };
/* STE.STRW, 5.2: the regime when stage 1 translates */
enum { STRW_EL1 = 0, STRW_EL2 = 2 };

/* Bits of an address that an OAS or IPS encoding stands for, 6.3.6; 0: reserved. */
static inline unsigned int oas_bits(unsigned int encoding)
{
	static const uint8_t sizes[8] = { 32, 36, 40, 42, 44, 48, 52, 0 };

	return sizes[encoding & 7];
}

#endif
