// SPDX-License-Identifier: MIT
/*
 * A small board for tests of whole bring-ups: five devices, three drivers, as a
 * device tree that is made at run time.
 *
 *	clk     "t,clk"
 *	iommu   "t,iommu"   needs clk
 *	nic     "t,master"  needs clk, behind iommu
 *	gpu     "t,master"  behind iommu
 *	panel   "t,master"  needs gpu
 *
 * The devices go on the bus "test" of a world, in any order.
 */
#ifndef WEIR_TESTS_BOARD_H
#define WEIR_TESTS_BOARD_H

#include "world.h"

enum { BOARD_CLK, BOARD_IOMMU, BOARD_NIC, BOARD_GPU, BOARD_PANEL, BOARD_DEVICES };
enum { BOARD_CLK_DRIVER, BOARD_IOMMU_DRIVER, BOARD_MASTER_DRIVER, BOARD_DRIVERS };

extern const char *const board_names[BOARD_DEVICES];

struct board {
	_Alignas(8) unsigned char blob[4096];
	size_t blob_bytes;
	struct world_driver *drivers[BOARD_DRIVERS];
};

/* Writes the tree. It must stay as long as the machine. */
void board_init(struct board *b);
/* Gives the tree to the machine and makes the drivers. Return: 0; WEIR_ENOMEM. */
int board_try_load(struct board *b, struct world *w);
/* Adds one of the devices. Return: 0, or what the library returned. */
int board_try_device(struct world *w, unsigned int which);

/*
 * What became of the machine, as text: each device with verdict, driver and group
 * (its companions), each link with flags and state.
 */
void board_outcome(struct world *w, char *buf, size_t bytes);

#endif
