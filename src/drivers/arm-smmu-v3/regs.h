// SPDX-License-Identifier: MIT
/*
 * Numbers of the SMMUv3 (Arm IHI 0070, issue F.b; sections in brackets). Registers and
 * structures are little-endian.
 */
#ifndef WEIR_ARM_SMMU_V3_REGS_H
#define WEIR_ARM_SMMU_V3_REGS_H

/* A field of bits @hi to @lo. */
#define FIELD_MASK(hi, lo)   ((UINT64_MAX >> (63 - (hi))) & (UINT64_MAX << (lo)))
#define FIELD_GET(x, hi, lo) (((uint64_t)(x) & FIELD_MASK(hi, lo)) >> (lo))
#define FIELD(x, hi, lo)     (((uint64_t)(x) << (lo)) & FIELD_MASK(hi, lo))
#define BIT64(n)             (UINT64_C(1) << (n))

/* ---- registers (6.2, 6.3): page 0, and page 1 of the queues that the SMMU writes ---- */

#define REGS_BYTES        0x20000u
#define REG_PAGE1         0x10000u

#define REG_IDR0          0x000u /* 6.3.1 */
#define   IDR0_S2P        BIT64(0)
#define   IDR0_S1P        BIT64(1)
#define   IDR0_TTF(x)     FIELD_GET(x, 3, 2)
#define     TTF_AARCH64   2u     /* or 3: AArch32 as well */
#define   IDR0_COHACC     BIT64(4)
#define   IDR0_BTM        BIT64(5)
#define   IDR0_ASID16     BIT64(12)
#define   IDR0_MSI        BIT64(13)
#define   IDR0_VMID16     BIT64(18)
#define   IDR0_CD2L       BIT64(19)
#define   IDR0_TTENDIAN(x) FIELD_GET(x, 22, 21)
#define     TTENDIAN_RESERVED 1u
#define     TTENDIAN_BIG  3u
#define   IDR0_STALL_MODEL(x) FIELD_GET(x, 25, 24)
#define     STALL_THERE   0u
#define     STALL_FORCED  2u
#define   IDR0_TERM_MODEL BIT64(26)
#define   IDR0_ST_LEVEL(x) FIELD_GET(x, 28, 27)
#define     ST_LEVEL_2    1u
#define REG_IDR1          0x004u /* 6.3.2 */
#define   IDR1_SIDSIZE(x) FIELD_GET(x, 5, 0)
#define   IDR1_SSIDSIZE(x) FIELD_GET(x, 10, 6)
#define   IDR1_EVENTQS(x) FIELD_GET(x, 20, 16)
#define   IDR1_CMDQS(x)   FIELD_GET(x, 25, 21)
#define   IDR1_ATTR_TYPES_OVR BIT64(27)
#define   IDR1_QUEUES_PRESET BIT64(29)
#define   IDR1_TABLES_PRESET BIT64(30)
#define REG_IDR3          0x00cu /* 6.3.4 */
#define   IDR3_RIL        BIT64(10)
#define   IDR3_BBML(x)    FIELD_GET(x, 12, 11)
#define REG_IDR5          0x014u /* 6.3.6 */
#define   IDR5_OAS(x)     FIELD_GET(x, 2, 0)
#define   IDR5_GRAN4K     BIT64(4)
#define   IDR5_GRAN16K    BIT64(5)
#define   IDR5_GRAN64K    BIT64(6)
#define   IDR5_DS         BIT64(7)
#define   IDR5_D128(x)    FIELD_GET(x, 8, 8)
#define   IDR5_VAX(x)     FIELD_GET(x, 11, 10)
#define REG_AIDR          0x01cu /* 6.3.8 */
#define REG_CR0           0x020u /* 6.3.9 */
#define   CR0_SMMUEN      BIT64(0)
#define   CR0_PRIQEN      BIT64(1)
#define   CR0_EVENTQEN    BIT64(2)
#define   CR0_CMDQEN      BIT64(3)
#define REG_CR0ACK        0x024u /* 6.3.10 */
#define REG_CR1           0x028u /* 6.3.11: tables' SH, OC, IC, then queues' */
#define REG_CR2           0x02cu /* 6.3.12 */
#define   CR2_RECINVSID   BIT64(1)
#define   CR2_PTM         BIT64(2)
#define REG_GBPA          0x044u /* 6.3.14 */
#define   GBPA_ABORT      BIT64(20)
#define   GBPA_UPDATE     BIT64(31)
#define REG_IRQ_CTRL      0x050u /* 6.3.16 */
#define   IRQ_CTRL_GERROR BIT64(0)
#define   IRQ_CTRL_EVENTQ BIT64(2)
#define REG_IRQ_CTRLACK   0x054u
#define REG_GERROR        0x060u /* 6.3.18 */
#define   GERROR_CMDQ     BIT64(0)
#define   GERROR_EVENTQ_ABT BIT64(2)
#define   GERROR_MSI_CMDQ BIT64(4)
#define   GERROR_MSI_EVENTQ BIT64(5)
#define   GERROR_MSI_GERROR BIT64(7)
#define   GERROR_SFM      BIT64(8)
#define REG_GERRORN       0x064u /* 6.3.19 */
#define REG_GERROR_IRQ_CFG0 0x068u /* 6.3.20: 64 bits; CFG1, CFG2 follow */
#define REG_STRTAB_BASE   0x080u /* 6.3.23 */
#define   STRTAB_ADDR     FIELD_MASK(51, 6)
#define   STRTAB_RA       BIT64(62)
#define REG_STRTAB_BASE_CFG 0x088u /* 6.3.24 */
#define   STRTAB_LOG2SIZE(x) FIELD_GET(x, 5, 0)
#define   STRTAB_SPLIT(x) FIELD_GET(x, 10, 6)
#define   STRTAB_FMT(x)   FIELD_GET(x, 17, 16)
#define     FMT_LINEAR    0u
#define     FMT_2LEVEL    1u
#define   STRTAB_CFG(fmt, split, lg2) (FIELD(fmt, 17, 16) | FIELD(split, 10, 6) | FIELD(lg2, 5, 0))
#define REG_CMDQ_BASE     0x090u /* 6.3.25 */
#define REG_CMDQ_PROD     0x098u
#define REG_CMDQ_CONS     0x09cu /* 6.3.27 */
#define   CMDQ_ERR(x)     FIELD_GET(x, 30, 24)
#define     CERROR_NONE   0u
#define     CERROR_ILL    1u
#define     CERROR_ABT    2u
#define     CERROR_ATC    3u
#define REG_EVENTQ_BASE   0x0a0u /* 6.3.28 */
#define REG_EVENTQ_PROD   (REG_PAGE1 + 0x0a8u) /* 6.3.29 */
#define REG_EVENTQ_CONS   (REG_PAGE1 + 0x0acu)
#define   EVENTQ_OVERFLOW BIT64(31)
#define REG_EVENTQ_IRQ_CFG0 0x0b0u /* 6.3.31 */
#define   IRQ_CFG_ADDR    FIELD_MASK(51, 2)

#define QUEUE_ADDR        FIELD_MASK(51, 5)
#define QUEUE_RWA         BIT64(62) /* allocation hint */
#define QUEUE_LG2_MAX     19u       /* 6.3.2: of either queue */

/* Of memory that the SMMU reads: cacheability (6.3.11 and 5.2), shareability. */
#define MEM_NC            0u
#define MEM_WB            1u
#define SH_OSH            2u
#define SH_ISH            3u
#define MEMATTR_DEVICE    1u        /* 6.3.22: Device-nGnRE, of messages */

/* ---- level 1 stream table descriptor (5.1) ---- */

#define L1STD_SPAN(x)     FIELD_GET(x, 4, 0)
#define L1STD_L2PTR       FIELD_MASK(51, 6)
#define L1STD_BYTES       8u

/* ---- stream table entry (5.2), 8 words of 64 bits ---- */

#define STE_WORDS         8u
#define STE_BYTES         64u
#define STE0_V            BIT64(0)
#define STE0_CONFIG(x)    FIELD(x, 3, 1)
#define STE0_CONFIG_GET(x) FIELD_GET(x, 3, 1)
#define   CONFIG_ABORT    0u
#define   CONFIG_BYPASS   4u
#define   CONFIG_S1       5u
#define   CONFIG_S2       6u
#define   CONFIG_NESTED   7u
#define STE0_S1FMT        FIELD_MASK(5, 4)
#define STE0_S1FMT_GET(x) FIELD_GET(x, 5, 4)
#define   S1FMT_LINEAR    0u
#define   S1FMT_RESERVED  3u
#define STE0_S1PTR        FIELD_MASK(51, 6)
#define STE0_S1CDMAX      FIELD_MASK(63, 59)
#define STE0_S1CDMAX_GET(x) FIELD_GET(x, 63, 59)
#define STE1_S1DSS(x)     FIELD_GET(x, 1, 0)
#define   S1DSS_RESERVED  3u
#define STE1_S1           FIELD_MASK(7, 0)  /* S1DSS, S1CIR, S1COR, S1CSH */
#define STE1_S1CIR(x)     FIELD(x, 3, 2)
#define STE1_S1COR(x)     FIELD(x, 5, 4)
#define STE1_S1CSH(x)     FIELD(x, 7, 6)
#define STE1_S1STALLD     BIT64(27)
#define STE1_SHCFG(x)     FIELD(x, 45, 44)
#define   SHCFG_INCOMING  1u
#define STE2_S2VMID(x)    FIELD(x, 15, 0)
#define STE2_S2VMID_GET(x) FIELD_GET(x, 15, 0)
#define STE2_S2T0SZ(x)    FIELD(x, 37, 32)
#define STE2_S2SL0(x)     FIELD(x, 39, 38)
#define STE2_S2IR0(x)     FIELD(x, 41, 40)
#define STE2_S2OR0(x)     FIELD(x, 43, 42)
#define STE2_S2SH0(x)     FIELD(x, 45, 44)
#define STE2_S2TG(x)      FIELD(x, 47, 46)
#define STE2_S2PS(x)      FIELD(x, 50, 48)
#define STE2_S2AA64       BIT64(51)
#define STE2_S2R          BIT64(58)
#define STE3_S2DS         BIT64(3)
#define STE3_S2TTB        FIELD_MASK(51, 4)

/* ---- context descriptor (5.4), 8 words of 64 bits ---- */

#define CD_BYTES          64u
#define CD0_T0SZ(x)       FIELD(x, 5, 0)
#define CD0_TG0(x)        FIELD(x, 7, 6)
#define CD0_IR0(x)        FIELD(x, 9, 8)
#define CD0_OR0(x)        FIELD(x, 11, 10)
#define CD0_SH0(x)        FIELD(x, 13, 12)
#define CD0_EPD1          BIT64(30)
#define CD0_V             BIT64(31)
#define CD0_IPS(x)        FIELD(x, 34, 32)
#define CD0_AFFD          BIT64(35)
#define CD0_AA64          BIT64(41)
#define CD0_R             BIT64(45)
#define CD0_A             BIT64(46)
#define CD0_ASET          BIT64(47)
#define CD0_ASID(x)       FIELD(x, 63, 48)
#define CD0_ASID_GET(x)   FIELD_GET(x, 63, 48)
#define CD1_TTB0          FIELD_MASK(51, 4)
#define CD2_DS            BIT64(58)

/* TG0 of a CD and S2TG of an STE. */
#define TG_4K             0u
#define TG_64K            1u
#define TG_16K            2u

/* ---- commands (4.1 to 4.7), 2 words of 64 bits ---- */

#define CMD_BYTES         16u
#define CMD_OPCODE(x)     FIELD_GET(x, 7, 0)
#define CMD_CFGI_STE      0x03u /* 4.3.1 */
#define CMD_CFGI_ALL      0x04u /* 4.3.3: CFGI_STE_RANGE of everything */
#define CMD_CFGI_CD_ALL   0x06u /* 4.3.5 */
#define CMD_TLBI_NH_ALL   0x10u /* 4.4.2 */
#define CMD_TLBI_NH_ASID  0x11u
#define CMD_TLBI_NH_VA    0x12u
#define CMD_TLBI_NH_VAA   0x13u
#define CMD_TLBI_S12_VMALL 0x28u /* 4.4.4 */
#define CMD_TLBI_S2_IPA   0x2au
#define CMD_TLBI_NSNH_ALL 0x30u /* 4.4.5 */
#define CMD_SYNC          0x46u /* 4.7.3 */
#define CMD0_STREAM(x)    FIELD(x, 63, 32)
#define CMD0_ASID(x)      FIELD(x, 63, 48)
#define CMD0_VMID(x)      FIELD(x, 47, 32)
#define CMD0_NUM(x)       FIELD(x, 16, 12)
#define CMD0_SCALE(x)     FIELD(x, 25, 20)
#define   RANGE_PAGES_MAX 32u   /* NUM is one less */
#define CMD1_LEAF         BIT64(0)
#define CMD1_RANGE(x)     FIELD(x, 4, 0)
#define   RANGE_ALL       31u
#define CMD1_TTL(x)       FIELD(x, 9, 8)
#define CMD1_TG(x)        FIELD(x, 11, 10)
#define   CMD_TG_4K       1u
#define   CMD_TG_16K      2u
#define   CMD_TG_64K      3u
#define CMD1_ADDRESS      FIELD_MASK(63, 12)

/* ---- event records (7.3), 4 words of 64 bits ---- */

#define EVENT_WORDS       4u
#define EVENT_BYTES       32u
#define EVENT_TYPE(x)     FIELD_GET(x, 7, 0)
#define   F_UUT           0x01u
#define   C_BAD_STREAMID  0x02u
#define   F_STE_FETCH     0x03u
#define   C_BAD_STE       0x04u
#define   F_BAD_ATS_TREQ  0x05u
#define   F_STREAM_DISABLED 0x06u
#define   F_TRANSL_FORBIDDEN 0x07u
#define   C_BAD_SUBSTREAMID 0x08u
#define   F_CD_FETCH      0x09u
#define   C_BAD_CD        0x0au
#define   F_WALK_EABT     0x0bu
#define   F_TRANSLATION   0x10u
#define   F_ADDR_SIZE     0x11u
#define   F_ACCESS        0x12u
#define   F_PERMISSION    0x13u
#define   F_TLB_CONFLICT  0x20u
#define   F_CFG_CONFLICT  0x21u
#define   E_PAGE_REQUEST  0x24u
#define   F_VMS_FETCH     0x25u
#define EVENT0_STREAM(x)  FIELD_GET(x, 63, 32)
#define EVENT1_STALL      BIT64(31)
#define EVENT1_IND        BIT64(34)
#define EVENT1_RNW        BIT64(35)
#define EVENT1_S2         BIT64(39)
#define EVENT1_CLASS(x)   FIELD_GET(x, 41, 40)
#define   CLASS_IN        2u      /* or 0, 1: to read a CD, an entry of a table */
#define EVENT3_IPA(x)     ((x) & FIELD_MASK(51, 12))

#endif
