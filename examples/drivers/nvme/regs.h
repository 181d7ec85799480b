// SPDX-License-Identifier: MIT
/*
 * Registers, commands and structures of NVM Express (NVMe Base Specification 1.4,
 * section 3.1 registers, 4.2 submission entries, 4.6 completion entries, 5 admin commands,
 * 6 read and write). All little-endian.
 */
#ifndef WEIR_NVME_REGS_H
#define WEIR_NVME_REGS_H

#include <stdint.h>

#define NVME_CLASS "pci:class:010802"

/* ---- registers, 3.1 ---- */

#define NVME_CAP 0x00u
#define   NVME_CAP_MQES(cap)   ((uint32_t)((cap) & 0xffff) + 1)          /* entries of a queue */
#define   NVME_CAP_TO_NS(cap)  (((cap) >> 24 & 0xff) * UINT64_C(500000000))
#define   NVME_CAP_DSTRD(cap)  ((unsigned int)((cap) >> 32 & 0xf))
#define   NVME_CAP_CSS_NVM     (UINT64_C(1) << 37)
#define   NVME_CAP_MPSMIN(cap) ((unsigned int)((cap) >> 48 & 0xf))       /* 2^(12 + n) bytes */
#define NVME_VS   0x08u
#define NVME_CC   0x14u
#define   NVME_CC_EN     0x1u
#define   NVME_CC_IOSQES (6u << 16) /* 64 bytes */
#define   NVME_CC_IOCQES (4u << 20) /* 16 bytes */
#define   NVME_CC_SHN_NORMAL (1u << 14)
#define NVME_CSTS 0x1cu
#define   NVME_CSTS_RDY  0x1u
#define   NVME_CSTS_CFS  0x2u
#define   NVME_CSTS_SHST(csts) ((csts) >> 2 & 3u)
#define   NVME_SHST_COMPLETE 2u
#define NVME_AQA  0x24u
#define NVME_ASQ  0x28u
#define NVME_ACQ  0x30u
#define NVME_DOORBELLS 0x1000u

/* ---- commands ---- */

struct nvme_command {
	uint8_t opcode;
	uint8_t flags; /* 0: not fused, PRPs */
	uint16_t id;
	uint32_t nsid;
	uint32_t cdw2, cdw3;
	uint64_t metadata;
	uint64_t prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "a submission entry has 64 bytes");

struct nvme_completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head;
	uint16_t sq_id;
	uint16_t id;
	uint16_t status; /* bit 0: phase */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "a completion entry has 16 bytes");

/* Status without phase, 4.6.1: code, type, and above them bits that say no more than that. */
#define NVME_STATUS(status) ((unsigned int)(status) >> 1 & 0x7ffu)

/* Admin commands, 5. */
#define NVME_DELETE_SQ 0x00u
#define NVME_CREATE_SQ 0x01u
#define NVME_DELETE_CQ 0x04u
#define NVME_CREATE_CQ 0x05u
#define NVME_IDENTIFY  0x06u
#define   NVME_CNS_NAMESPACE  0u
#define   NVME_CNS_CONTROLLER 1u
#define   NVME_CNS_ACTIVE     2u /* list of namespaces */
#define NVME_CONTIGUOUS 1u

/* Commands of the NVM set, 6. */
#define NVME_WRITE 0x01u
#define NVME_READ  0x02u

/* ---- what Identify gives, 5.15.2 ---- */

#define NVME_ID_BYTES  4096u
#define NVME_ID_MDTS   77u  /* 2^n smallest pages; 0: any */
#define NVME_NS_NSZE   0u   /* 8 bytes: blocks */
#define NVME_NS_FLBAS  26u  /* bits 3:0: the format in use */
#define NVME_NS_LBAF   128u /* 4 bytes each */
#define   NVME_LBAF_MS(f)    ((f) & 0xffffu)     /* bytes of metadata */
#define   NVME_LBAF_LBADS(f) ((f) >> 16 & 0xffu) /* 2^n bytes of data */

#endif
