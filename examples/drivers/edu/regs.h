// SPDX-License-Identifier: MIT
/* QEMU's device for education, as its documentation describes it (docs/specs/edu). */
#ifndef WEIR_EDU_REGS_H
#define WEIR_EDU_REGS_H

#define EDU_VENDOR_DEVICE "pci:1234:11e8"

/* Up to here registers have 32 bits. */
#define EDU_IDENTITY 0x00u
#define   EDU_IDENTITY_MASK  0xffu
#define   EDU_IDENTITY_VALUE 0xedu
#define EDU_LIVENESS 0x04u /* reads as the inverse of what was written */
#define EDU_IRQ_STATUS 0x24u
#define EDU_IRQ_RAISE  0x60u
#define EDU_IRQ_ACK    0x64u
/* From here on 64. */
#define EDU_DMA_FROM  0x80u
#define EDU_DMA_TO    0x88u
#define EDU_DMA_BYTES 0x90u
#define EDU_DMA_COMMAND 0x98u
#define   EDU_DMA_START       0x1u /* reads as 1 until the transfer is done */
#define   EDU_DMA_FROM_DEVICE 0x2u
#define   EDU_DMA_IRQ         0x4u /* raises EDU_IRQ_DMA when it is done */
#define EDU_IRQ_DMA   0x100u

/* Its memory, as its DMA addresses it. */
#define EDU_BUFFER    0x40000u
#define EDU_REGISTERS_BYTES 0xa0u

/* A transfer of all 4096 bytes of the memory ends QEMU 7.2. */
#define EDU_MAX_BYTES 4095u

#endif
