// SPDX-License-Identifier: MIT
/*
 * A board that is described by a constant: firmware for machines that have none, and for programs that
 * know what they run on. What it says is linked and used as what a device tree says, and takes
 * neither libfdt nor tables.
 *
 *	static const uint32_t lines[] = { 74, 77 };
 *	static const struct weir_board_stream streams[] = { { 0, 0x28 } };
 *	static const struct weir_board_node nodes[] = {
 *		{ .name = "smmu", .key = "arm,smmu-v3", .regs_pa = 0x9050000, .regs_bytes = 0x20000,
 *		  .lines = lines, .nr_lines = 2, .coherent = true },
 *		{ .name = "nic", .key = "acme,nic", .streams = streams, .nr_streams = 1, .coherent = true },
 *	};
 *	static const struct weir_board board = { nodes, 2 };
 */
#ifndef WEIR_BOARD_H
#define WEIR_BOARD_H

#include "weir/firmware.h"

#ifdef __cplusplus
extern "C" {
#endif

/* That a device is behind an IOMMU, and its id there. */
struct weir_board_stream {
	uint32_t iommu; /* index of its node, which comes before the device's */
	uint32_t id;
};

/* What drivers ask firmware for by name (weir_fwnode_property()), such as "interrupt-names". */
struct weir_board_property {
	const char *name;
	const void *value;
	size_t bytes;
};

struct weir_board_node {
	const char *name;      /* also of the device; no two have the same */
	const char *key;       /* what drivers match; NULL: it is no device */
	uint64_t regs_pa, regs_bytes;  /* its registers; no bytes: it has none */
	const uint32_t *lines; /* its interrupts, for the host's irq_request */
	uint32_t nr_lines;
	const struct weir_board_stream *streams;
	uint32_t nr_streams;
	const uint32_t *needs; /* its other suppliers: indexes of nodes that come before it */
	uint32_t nr_needs;
	const struct weir_board_property *properties;
	uint32_t nr_properties;
	bool coherent;         /* it sees the CPU's caches */
};

struct weir_board {
	const struct weir_board_node *nodes; /* what is needed comes first: so there is no cycle */
	uint32_t nr_nodes;
};

/**
 * weir_firmware_load_board - have a constant be the machine's firmware.
 * weir_firmware_populate() makes devices of its nodes then, on the bus "platform".
 * @board: kept by pointer, with all that it leads to, as long as the machine.
 *
 * Context: thread. Return: 0; WEIR_EINVAL for a node without name, or one that needs a node that does
 * not come before it (which in weir_firmware_error()); WEIR_EEXIST when firmware was loaded;
 * WEIR_ENOMEM.
 */
int weir_firmware_load_board(struct weir_machine *m, const struct weir_board *board);

#ifdef __cplusplus
}
#endif
#endif
