// SPDX-License-Identifier: MIT
/*
 * Numbers of configuration space: PCI Local Bus Specification 3.0, chapter 6; PCI-to-PCI
 * Bridge Architecture Specification 1.2, chapter 3; PCI Express Base Specification
 * 5.0, chapter 7.
 */
#ifndef WEIR_PCI_REGS_H
#define WEIR_PCI_REGS_H

#define PCI_VENDOR       0x00u
#define PCI_DEVICE       0x02u
#define PCI_COMMAND      0x04u
#define   PCI_COMMAND_IO       0x0001u
#define   PCI_COMMAND_MEM      0x0002u
#define   PCI_COMMAND_MASTER   0x0004u
#define   PCI_COMMAND_INTX_OFF 0x0400u
#define PCI_STATUS       0x06u
#define   PCI_STATUS_CAPS      0x0010u
#define PCI_REVISION     0x08u /* and the class code above it */
#define PCI_HEADER       0x0eu
#define   PCI_HEADER_MULTI     0x80u
#define PCI_BAR          0x10u
#define   PCI_BAR_IO           0x1u
#define   PCI_BAR_TYPE         0x6u
#define   PCI_BAR_TYPE_64      0x4u
#define   PCI_BAR_PREFETCH     0x8u
#define PCI_SUBSYSTEM    0x2cu
#define PCI_CAPS         0x34u

/* Bridges (header type 1). */
#define PCI_PRIMARY      0x18u
#define PCI_SECONDARY    0x19u
#define PCI_SUBORDINATE  0x1au
#define PCI_IO_BASE      0x1cu
#define PCI_IO_LIMIT     0x1du
#define   PCI_IO_TYPE          0x0fu
#define   PCI_IO_TYPE_32       0x01u
#define PCI_MEM_BASE     0x20u
#define PCI_MEM_LIMIT    0x22u
#define PCI_PREF_BASE    0x24u
#define PCI_PREF_LIMIT   0x26u
#define   PCI_PREF_TYPE        0x0fu
#define   PCI_PREF_TYPE_64     0x01u
#define PCI_PREF_BASE_HI 0x28u
#define PCI_PREF_LIMIT_HI 0x2cu
#define PCI_IO_HI        0x30u /* base, limit */

/* Capabilities. */
#define PCI_CAP_MSI      0x05u
#define PCI_CAP_EXP      0x10u
#define PCI_CAP_MSIX     0x11u

#define PCI_MSI_FLAGS    2u
#define   PCI_MSI_ENABLE       0x0001u
#define   PCI_MSI_MULTI        0x0070u
#define   PCI_MSI_64           0x0080u
#define PCI_MSI_ADDRESS  4u

#define PCI_MSIX_FLAGS   2u
#define   PCI_MSIX_SIZE        0x07ffu
#define   PCI_MSIX_MASK_ALL    0x4000u
#define   PCI_MSIX_ENABLE      0x8000u
#define PCI_MSIX_TABLE   4u
#define PCI_MSIX_ENTRY_BYTES 16u

#define PCI_EXP_FLAGS    2u
#define   PCI_EXP_SLOT         0x0100u
#define PCI_EXP_DEVCAP   4u
#define   PCI_EXP_DEVCAP_FLR   0x10000000u
#define PCI_EXP_DEVCTL   8u
#define   PCI_EXP_DEVCTL_FLR   0x8000u
#define PCI_EXP_DEVSTA   10u
#define   PCI_EXP_DEVSTA_PENDING 0x20u
#define PCI_EXP_LNKCAP   12u
#define   PCI_EXP_LNKCAP_ACTIVE 0x00100000u /* link activity is reported */
#define PCI_EXP_LNKSTA   18u
#define   PCI_EXP_LNKSTA_ACTIVE 0x2000u
#define PCI_EXP_SLTCAP   20u
#define   PCI_EXP_SLTCAP_POWER 0x02u
#define   PCI_EXP_SLTCAP_HOTPLUG 0x40u
#define PCI_EXP_SLTCTL   24u
#define   PCI_EXP_SLTCTL_INDICATOR 0x0300u
#define   PCI_EXP_SLTCTL_INDICATOR_ON 0x0100u
#define   PCI_EXP_SLTCTL_INDICATOR_OFF 0x0300u
#define   PCI_EXP_SLTCTL_POWER_OFF 0x0400u
#define PCI_EXP_SLTSTA   26u
#define   PCI_EXP_SLTSTA_EVENTS 0x011fu
#define   PCI_EXP_SLTSTA_PRESENT 0x0040u

/* Extended capabilities. */
#define PCI_EXT_ACS      0x000du
#define PCI_ACS_CAP      4u
#define PCI_ACS_CTRL     6u
#define   PCI_ACS_SV           0x01u
#define   PCI_ACS_RR           0x04u
#define   PCI_ACS_CR           0x08u
#define   PCI_ACS_UF           0x10u
#define   PCI_ACS_WANTED (PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

#endif
