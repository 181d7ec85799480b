// SPDX-License-Identifier: MIT
/*
 * Numbers of the SMMU, versions 1 and 2 (Arm IHI 0062, issue D.c; registers are described there by
 * their names). Registers are little-endian, of 32 bits but where it is said.
 */
#ifndef WEIR_ARM_SMMU_REGS_H
#define WEIR_ARM_SMMU_REGS_H

/* A field of bits @hi to @lo. */
#define FIELD_MASK(hi, lo)   ((UINT64_MAX >> (63 - (hi))) & (UINT64_MAX << (lo)))
#define FIELD_GET(x, hi, lo) ((uint32_t)(((uint64_t)(x) & FIELD_MASK(hi, lo)) >> (lo)))
#define FIELD(x, hi, lo)     ((uint32_t)(((uint64_t)(x) << (lo)) & FIELD_MASK(hi, lo)))
#define BIT(n)               (UINT32_C(1) << (n))

/* ---- global register space 0, the first page ---- */

#define REG_CR0              0x000u /* sCR0 */
#define   CR0_CLIENTPD       BIT(0) /* everything passes */
#define   CR0_GFRE           BIT(1)
#define   CR0_GFIE           BIT(2)
#define   CR0_EXIDENABLE     BIT(3)
#define   CR0_GCFGFRE        BIT(4)
#define   CR0_GCFGFIE        BIT(5)
#define   CR0_USFCFG         BIT(10) /* streams that nothing matches fault */
#define   CR0_VMIDPNE        BIT(11)
#define   CR0_PTM            BIT(12)
#define   CR0_VMID16EN       BIT(31)
#define REG_ACR              0x010u /* sACR; of the MMU-500: DDI 0517, 3.5.1 */
#define   ACR_CACHE_LOCK     BIT(26)
#define REG_IDR0             0x020u
#define   IDR0_NUMSMRG(x)    FIELD_GET(x, 7, 0)
#define   IDR0_EXIDS         BIT(8)
#define   IDR0_NUMSIDB(x)    FIELD_GET(x, 12, 9)
#define   IDR0_CTTW          BIT(14)
#define   IDR0_NUMIRPT(x)    FIELD_GET(x, 23, 16)
#define   IDR0_PTFS(x)       FIELD_GET(x, 25, 24)
#define     PTFS_BOTH        0u     /* short and long descriptors of AArch32 */
#define     PTFS_LONG        1u
#define     PTFS_NONE        2u
#define   IDR0_SMS           BIT(27)
#define   IDR0_NTS           BIT(28)
#define   IDR0_S2TS          BIT(29)
#define   IDR0_S1TS          BIT(30)
#define REG_IDR1             0x024u
#define   IDR1_NUMCB(x)      FIELD_GET(x, 7, 0)
#define   IDR1_NUMS2CB(x)    FIELD_GET(x, 23, 16)
#define   IDR1_NUMPAGENDXB(x) FIELD_GET(x, 30, 28)
#define   IDR1_PAGESIZE      BIT(31) /* of registers: 64 KiB, not 4 */
#define REG_IDR2             0x028u
#define   IDR2_IAS(x)        FIELD_GET(x, 3, 0)
#define   IDR2_OAS(x)        FIELD_GET(x, 7, 4)
#define   IDR2_UBS(x)        FIELD_GET(x, 11, 8)
#define   IDR2_4K            BIT(12)
#define   IDR2_16K           BIT(13)
#define   IDR2_64K           BIT(14)
#define   IDR2_VMID16S       BIT(15)
#define REG_GFAR             0x040u /* 64 bits */
#define REG_GFSR             0x048u
#define   GFSR_ICF           BIT(0)
#define   GFSR_USF           BIT(1)
#define   GFSR_SMCF          BIT(2)
#define   GFSR_UCBF          BIT(3)
#define   GFSR_UCIF          BIT(4)
#define   GFSR_CAF           BIT(5)
#define   GFSR_EF            BIT(6)
#define   GFSR_PF            BIT(7)
#define   GFSR_UUT           BIT(8)
#define   GFSR_FAULTS        0x1ffu
#define REG_GFSYNR0          0x050u
#define   GFSYNR0_WNR        BIT(1)
#define   GFSYNR0_IND        BIT(3)
#define REG_GFSYNR1          0x054u
#define   GFSYNR1_STREAM(x)  FIELD_GET(x, 15, 0)
#define REG_TLBIVMID         0x064u
#define REG_TLBIALLNSNH      0x068u
#define REG_TLBIALLH         0x06cu
#define REG_TLBGSYNC         0x070u
#define REG_TLBGSTATUS       0x074u
#define   TLBSTATUS_ACTIVE   BIT(0) /* GSACTIVE, SACTIVE */
#define REG_SMR(n)           (0x800u + 4u * (n))
#define   SMR_VALID          BIT(31)
#define REG_S2CR(n)          (0xc00u + 4u * (n))
#define   S2CR_CBNDX(x)      FIELD_GET(x, 7, 0)
#define   S2CR_EXIDVALID     BIT(10)
#define   S2CR_TYPE(x)       FIELD_GET(x, 17, 16)
#define   S2CR_TYPE_AS(type) FIELD(type, 17, 16)
#define     TYPE_TRANSLATE   0u
#define     TYPE_BYPASS      1u
#define     TYPE_FAULT       2u
#define SMRS_MAX             128u
#define BANKS_MAX            128u

/* ---- global register space 1, the second page ---- */

#define REG1_CBAR(n)         (0x000u + 4u * (n))
#define   CBAR_VMID(x)       FIELD_GET(x, 7, 0)
#define   CBAR_VMID_AS(x)    FIELD(x, 7, 0)
#define   CBAR_S2_CBNDX(x)   FIELD_GET(x, 15, 8)  /* stage 1 with stage 2 */
#define   CBAR_S2_CBNDX_AS(x) FIELD(x, 15, 8)
#define   CBAR_BPSHCFG_NSH   FIELD(3, 9, 8)
#define   CBAR_MEMATTR_WB    FIELD(0xf, 15, 12)
#define   CBAR_TYPE(x)       FIELD_GET(x, 17, 16)
#define   CBAR_TYPE_AS(x)    FIELD(x, 17, 16)
#define     CBAR_S2          0u
#define     CBAR_S1          1u     /* stage 2 lets pass */
#define     CBAR_S1_S2       3u
#define   CBAR_IRPTNDX(x)    FIELD(x, 31, 24)     /* version 1 */
#define REG1_CBFRSYNRA(n)    (0x400u + 4u * (n))
#define   CBFRSYNRA_STREAM(x) FIELD_GET(x, 15, 0)
#define REG1_CBA2R(n)        (0x800u + 4u * (n))
#define   CBA2R_VA64         BIT(0)
#define   CBA2R_VMID16(x)    FIELD_GET(x, 31, 16)
#define   CBA2R_VMID16_AS(x) FIELD(x, 31, 16)

/* ---- a context bank ---- */

#define CB_SCTLR             0x000u
#define   SCTLR_M            BIT(0)
#define   SCTLR_TRE          BIT(1)
#define   SCTLR_AFE          BIT(2)
#define   SCTLR_E            BIT(4) /* tables are big-endian */
#define   SCTLR_CFRE         BIT(5)
#define   SCTLR_CFIE         BIT(6)
#define   SCTLR_ASIDPNE      BIT(12)
#define CB_ACTLR             0x004u /* of the MMU-500: DDI 0517, 3.7.1 */
#define   ACTLR_CPRE         BIT(1)
#define CB_RESUME            0x008u
#define   RESUME_TERMINATE   BIT(0)
#define CB_TCR2              0x010u
#define   TCR2_PASIZE(x)     FIELD(x, 2, 0)
#define   TCR2_PASIZE_GET(x) FIELD_GET(x, 2, 0)
#define     TCR2_PASIZE_48   5u
#define   TCR2_GUEST         0x38070u /* AS, TBI0, TBI1, SEP */
#define   TCR2_AS            BIT(4) /* ASIDs of 16 bits */
#define   TCR2_SEP_UPSTREAM  FIELD(7, 17, 15)
#define CB_TTBR0             0x020u /* 64 bits */
#define   TTBR_ASID(x)       ((uint64_t)(x) << 48)
/* Of short descriptors (DDI 0406, B4.1.154): IRGN and RGN write-back write-allocate, inner shareable */
#define   TTBR_SHORT_WBWA_ISH 0x6au
#define CB_TTBR1             0x028u
#define CB_TCR               0x030u
#define   TCR_T0SZ(x)        FIELD(x, 5, 0)
#define   TCR_SL0(x)         FIELD(x, 7, 6)      /* stage 2 */
#define   TCR_IRGN0_WBWA     FIELD(1, 9, 8)
#define   TCR_ORGN0_WBWA     FIELD(1, 11, 10)
#define   TCR_SH0(x)         FIELD(x, 13, 12)
#define     SH_OUTER         2u
#define     SH_INNER         3u
#define   TCR_TG0(x)         FIELD(x, 15, 14)
#define   TCR_S2_PASIZE(x)   FIELD(x, 18, 16)
#define   TCR_T0SZ_GET(x)    FIELD_GET(x, 5, 0)
#define   TCR_T1SZ_GET(x)    FIELD_GET(x, 21, 16)
#define   TCR_TG0_GET(x)     FIELD_GET(x, 15, 14)
#define   TCR_TG1_GET(x)     FIELD_GET(x, 31, 30)
#define   TCR_EPD0           BIT(7)
#define   TCR_EPD1           BIT(23)
#define   TCR_EAE            BIT(31)             /* AArch32: long descriptors */
#define   TCR_A32_T0SZ1(x)   FIELD(x, 2, 0)      /* stage 1 */
#define   TCR_A32_T0SZ2(x)   FIELD(x, 4, 0)      /* stage 2: four bits, and their sign again */
#define   TCR_PD1            BIT(5)              /* short descriptors */
#define CB_CONTEXTIDR        0x034u
#define CB_MAIR0             0x038u
#define CB_MAIR1             0x03cu
#define CB_FSR               0x058u
#define   FSR_TF             BIT(1)
#define   FSR_AFF            BIT(2)
#define   FSR_PF             BIT(3)
#define   FSR_EF             BIT(4)
#define   FSR_TLBMCF         BIT(5)
#define   FSR_TLBLKF         BIT(6)
#define   FSR_ASF            BIT(7)
#define   FSR_UUT            BIT(8)
#define   FSR_SS             BIT(30)
#define   FSR_MULTI          BIT(31)
#define   FSR_FAULTS         0x1feu
#define CB_FAR               0x060u /* 64 bits */
#define CB_FSYNR0            0x068u
#define   FSYNR0_WNR         BIT(4)
#define   FSYNR0_IND         BIT(6)
#define   FSYNR0_PTWF        BIT(10) /* of stage 2: stage 1's walk wanted it */
#define CB_IPAFAR            0x070u /* 64 bits */
#define CB_TLBIVA            0x600u /* 64 bits with CBA2R.VA64 */
#define CB_TLBIVAA           0x608u
#define CB_TLBIASID          0x610u
#define CB_TLBIALL           0x618u
#define CB_TLBIVAL           0x620u
#define CB_TLBIVAAL          0x628u
#define CB_TLBIIPAS2         0x630u
#define CB_TLBIIPAS2L        0x638u
#define CB_TLBSYNC           0x7f0u
#define CB_TLBSTATUS         0x7f4u

#endif
