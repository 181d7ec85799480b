// SPDX-License-Identifier: MIT
/* Everything. */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include "weir/board.h"
#include "weir/bus.h"
#include "weir/catalogue.h"
#include "weir/clock.h"
#include "weir/device.h"
#include "weir/dma.h"
#include "weir/domain.h"
#include "weir/driver.h"
#include "weir/err.h"
#include "weir/firmware.h"
#include "weir/host.h"
#include "weir/iommu.h"
#include "weir/link.h"
#include "weir/machine.h"
#include "weir/mmio.h"
#include "weir/module.h"
#include "weir/order.h"
#include "weir/parts.h"
#include "weir/pci.h"
#include "weir/pm.h"
#include "weir/policy.h"
#include "weir/pool.h"
#include "weir/spin.h"
#include "weir/table.h"
#include "weir/trace.h"
#include "weir/verdict.h"
#include "weir/virtio.h"

#endif
