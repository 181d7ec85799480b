// SPDX-License-Identifier: MIT
/*
 * Registers and descriptors of the Intel 82574L (82574 GbE Controller Family Datasheet:
 * section 10 registers, section 7 legacy descriptors). All little-endian.
 */
#ifndef WEIR_E1000E_REGS_H
#define WEIR_E1000E_REGS_H

#include <stdint.h>

#define E1000E_VENDOR_DEVICE "pci:8086:10d3"
#define E1000E_REGISTERS_BYTES 0x6000u /* those used here */

#define E1000E_CTRL   0x0000u
#define   E1000E_CTRL_FD             (1u << 0)
#define   E1000E_CTRL_MASTER_DISABLE (1u << 2)
#define   E1000E_CTRL_ASDE           (1u << 5)
#define   E1000E_CTRL_SLU            (1u << 6)
#define   E1000E_CTRL_RST            (1u << 26)
#define E1000E_STATUS 0x0008u
#define   E1000E_STATUS_LU     (1u << 1)
#define   E1000E_STATUS_MASTER (1u << 19)
#define E1000E_ICR    0x00c0u
#define E1000E_IMC    0x00d8u
#define E1000E_RCTL   0x0100u
#define   E1000E_RCTL_EN    (1u << 1)
#define   E1000E_RCTL_BAM   (1u << 15)
#define   E1000E_RCTL_SECRC (1u << 26) /* without the frame's checksum; buffers of 2048 bytes */
#define E1000E_TCTL   0x0400u
#define   E1000E_TCTL_EN  (1u << 1)
#define   E1000E_TCTL_PSP (1u << 3)
#define   E1000E_TCTL_CT  (0x0fu << 4)
#define   E1000E_TCTL_COLD (0x3fu << 12)
#define E1000E_TIPG   0x0410u
#define   E1000E_TIPG_COPPER (8u | 8u << 10 | 6u << 20)
#define E1000E_RDBAL  0x2800u
#define E1000E_TDBAL  0x3800u
/* From each of the two: */
#define   E1000E_BASE_HIGH 0x04u
#define   E1000E_LENGTH    0x08u /* bytes, a multiple of 128 */
#define   E1000E_HEAD      0x10u
#define   E1000E_TAIL      0x18u
#define   E1000E_CONTROL   0x28u
#define     E1000E_CONTROL_THRESHOLDS (1u << 16 | 1u << 24) /* in descriptors; each is written back */
#define     E1000E_TXDCTL_SET         (1u << 22)
#define E1000E_RFCTL  0x5008u
#define   E1000E_RFCTL_EXSTEN (1u << 15) /* not legacy descriptors */
#define E1000E_MTA    0x5200u
#define   E1000E_MTA_WORDS 128u
#define E1000E_RAL0   0x5400u
#define E1000E_RAH0   0x5404u
#define   E1000E_RAH_VALID (1u << 31)

struct e1000e_rx_desc {
	uint64_t address;
	uint16_t bytes;
	uint16_t checksum;
	uint8_t status;
	uint8_t errors;
	uint16_t special;
};
_Static_assert(sizeof(struct e1000e_rx_desc) == 16, "a descriptor has 16 bytes");

struct e1000e_tx_desc {
	uint64_t address;
	uint16_t bytes;
	uint8_t checksum_offset;
	uint8_t command;
	uint8_t status;
	uint8_t checksum_start;
	uint16_t special;
};
_Static_assert(sizeof(struct e1000e_tx_desc) == 16, "a descriptor has 16 bytes");

#define E1000E_DONE 0x01u /* status of both */
#define E1000E_RX_EOP 0x02u
#define E1000E_TX_EOP 0x01u /* command */
#define E1000E_TX_FCS 0x02u
#define E1000E_TX_REPORT 0x08u

#endif
