// SPDX-License-Identifier: MIT
/*
 * The model's own definitions from the SMMUv2 architecture (Arm IHI 0062, issue D.c), shared with no
 * driver. The specification describes each register under its name, in the chapters on the global
 * address space (spaces 0 and 1) and on the translation context bank address space; fields have its
 * names here. A field is the bits it has in its register: bits2(w, hi, lo).
 */
#ifndef WEIR_SIM_HW_SMMUV2_SPEC_H
#define WEIR_SIM_HW_SMMUV2_SPEC_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t bits2(uint64_t word, unsigned int hi, unsigned int lo)
{
	return (word >> lo) & (~0ull >> (63 - (hi - lo)));
}

static inline bool bit2(uint64_t word, unsigned int at)
{
	return (word >> at) & 1;
}

/* Only the bits hi..lo of a word, in place. */
static inline uint64_t field2(uint64_t word, unsigned int hi, unsigned int lo)
{
	return bits2(word, hi, lo) << lo;
}

/* Global register space 0: the first page. */
enum {
	GR0_sCR0 = 0x00, GR0_sACR = 0x10,
	GR0_IDR0 = 0x20, GR0_IDR1 = 0x24, GR0_IDR2 = 0x28, GR0_IDR7 = 0x3c,
	GR0_GFAR = 0x40, GR0_GFSR = 0x48, GR0_GFSRRESTORE = 0x4c,
	GR0_GFSYNR0 = 0x50, GR0_GFSYNR1 = 0x54, GR0_GFSYNR2 = 0x58,
	GR0_STLBIALL = 0x60, GR0_TLBIVMID = 0x64, GR0_TLBIALLNSNH = 0x68, GR0_TLBIALLH = 0x6c,
	GR0_sTLBGSYNC = 0x70, GR0_sTLBGSTATUS = 0x74,
	GR0_SMR = 0x800, GR0_S2CR = 0xc00,
};
/* Global register space 1: the second page. */
enum { GR1_CBAR = 0x000, GR1_CBFRSYNRA = 0x400, GR1_CBA2R = 0x800 };

/* SMMU_sCR0: CLIENTPD, GCFGFIE, USFCFG; EXIDENABLE, VMID16EN where the features are there. */
#define SCR0_CLIENTPD   (1u << 0)
#define SCR0_GFIE       (1u << 2)
#define SCR0_EXIDENABLE (1u << 3)
#define SCR0_GCFGFIE    (1u << 5)
#define SCR0_USFCFG     (1u << 10)
#define SCR0_VMID16EN   (1u << 31)
/* SMMU_sACR of the MMU-500: DDI 0517, 3.5.1 */
#define SACR_CACHE_LOCK (1u << 26)

/* SMMU_sGFSR: bits are cleared by writing 1. */
#define GFSR_ICF   (1u << 0)  /* invalid context: S2CR.TYPE is fault */
#define GFSR_USF   (1u << 1)  /* unidentified stream */
#define GFSR_SMCF  (1u << 2)  /* stream match conflict */
#define GFSR_UCBF  (1u << 3)  /* unimplemented context bank */
#define GFSR_MULTI (1u << 31)
#define GFSR_ALL   0x800001ffu
/* SMMU_sGFSYNR0: WNR, PNU; SMMU_sGFSYNR1: StreamID */
#define GFSYNR0_WNR (1u << 1)
#define GFSYNR0_PNU (1u << 2)

/* SMMU_S2CRn.TYPE, and EXIDVALID */
enum { S2CR_TRANSLATE, S2CR_BYPASS, S2CR_FAULT };
#define S2CR_EXIDVALID_AT 10u

/* SMMU_CBARn.TYPE */
enum { CBAR_S2, CBAR_S1_S2BYPASS, CBAR_S1_S2FAULT, CBAR_S1_S2 };

/* A context bank. */
enum {
	CB_SCTLR = 0x00, CB_ACTLR = 0x04, CB_RESUME = 0x08, CB_TCR2 = 0x10,
	CB_TTBR0 = 0x20, CB_TTBR1 = 0x28, CB_TCR = 0x30, CB_CONTEXTIDR = 0x34,
	CB_MAIR0 = 0x38, CB_MAIR1 = 0x3c, CB_FSR = 0x58, CB_FSRRESTORE = 0x5c, CB_FAR = 0x60,
	CB_FSYNR0 = 0x68, CB_FSYNR1 = 0x6c, CB_IPAFAR = 0x70,
	CB_TLBIVA = 0x600, CB_TLBIVAA = 0x608, CB_TLBIASID = 0x610, CB_TLBIALL = 0x618,
	CB_TLBIVAL = 0x620, CB_TLBIVAAL = 0x628, CB_TLBIIPAS2 = 0x630, CB_TLBIIPAS2L = 0x638,
	CB_TLBSYNC = 0x7f0, CB_TLBSTATUS = 0x7f4,
};
/* SMMU_CBn_SCTLR */
#define SCTLR_M     (1u << 0)
#define SCTLR_TRE   (1u << 1)
#define SCTLR_AFE   (1u << 2)
#define SCTLR_E     (1u << 4)
#define SCTLR_CFIE  (1u << 6)
#define SCTLR_CFCFG (1u << 7) /* faults stall */
#define SCTLR_HUPCF (1u << 8) /* others go on meanwhile */
/* SMMU_CBn_FSR: bits are cleared by writing 1, but SS by SMMU_CBn_RESUME. */
#define FSR_TF    (1u << 1)
#define FSR_AFF   (1u << 2)
#define FSR_PF    (1u << 3)
#define FSR_EF    (1u << 4)
#define FSR_SS    (1u << 30)
#define FSR_MULTI (1u << 31)
#define FSR_ALL   0x800001feu
/* SMMU_CBn_FSYNR0: level, direction, privilege, in a walk, and of nested translation the bank of stage 1 */
#define FSYNR0_WNR  (1u << 4)
#define FSYNR0_PNU  (1u << 5)
#define FSYNR0_PTWF (1u << 10)
/* SMMU_CBn_ACTLR of the MMU-500: DDI 0517, 3.7.1 */
#define ACTLR_CPRE (1u << 1)

/* Sizes of IDR2.IAS, IDR2.OAS and TCR2.PASize; 0: reserved. */
static inline unsigned int size2_bits(uint64_t code)
{
	static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48 };

	return code < sizeof(sizes) ? sizes[code] : 0;
}

#endif
