// SPDX-License-Identifier: MIT
/*
 * The client of the 82574L: its state, and what its files offer one another.
 *
 * Frames are received into pages that stay mapped, and sent from pages that are mapped
 * for one frame each. What the device wrote is copied before it is looked at: it may
 * write again at any time.
 */
#ifndef WEIR_E1000E_H
#define WEIR_E1000E_H

#include "common.h"

#include "e1000e/regs.h"

#define E1000E_RING 16u
#define E1000E_BUFFER_BYTES 2048u
#define E1000E_FRAME_BYTES  1514u /* without its checksum */
#define E1000E_PAYLOAD_BYTES 1472u

struct e1000e_client {
	struct client c;
	struct weir_mmio mmio;
	struct e1000e_rx_desc *rx;
	struct e1000e_tx_desc *tx;
	uint64_t rx_iova, tx_iova;
	struct client_buffer rx_pages, tx_pages;
	uint32_t tx_bytes[E1000E_RING]; /* mapped; 0: free */
	uint32_t rx_next;               /* the device fills it next */
	uint32_t tx_next, tx_done;      /* the next to fill; the oldest not yet sent */
	uint8_t mac[6];
	/* net.c: the one neighbour that is known, and the echo that is waited for */
	uint32_t neighbour;             /* its IPv4 address; 0: none */
	uint8_t neighbour_mac[6];
	uint16_t echo_number;
	uint8_t frame[E1000E_BUFFER_BYTES];    /* received */
	uint8_t outgoing[E1000E_FRAME_BYTES];
};

extern const struct weir_driver weir_e1000e_driver;
extern const struct weir_client_ops weir_e1000e_ops;

/* ---- ring.c ---- */

int e1000e_rings_init(struct e1000e_client *nic);
void e1000e_rings_fini(struct e1000e_client *nic);
/* Tells the device where they are, and lets it receive. */
void e1000e_rings_start(struct e1000e_client *nic);
/* Sends nic->outgoing. Return: 0; WEIR_EIO in quarantine, also when the ring stays full; as the DMA calls. */
int e1000e_send(struct e1000e_client *nic, uint32_t bytes);
/* The next frame, into nic->frame. Return: 0; WEIR_EAGAIN when there is none; WEIR_EIO. */
int e1000e_receive(struct e1000e_client *nic, uint32_t *out_bytes);
/* Until all that was sent is gone. Return: 0; WEIR_EIO in quarantine, or put there. */
int e1000e_flush(struct e1000e_client *nic);
/*
 * Nothing came in time: who is to blame? Return: WEIR_ETIMEDOUT, the network; WEIR_EIO, the
 * device, which is in quarantine then.
 */
int e1000e_late(struct e1000e_client *nic);

/* ---- net.c ---- */

/* Finds the hardware address of a neighbour. Return: 0; WEIR_ETIMEDOUT; as e1000e_send(). */
int e1000e_resolve(struct e1000e_client *nic, uint32_t address);
/* Sends an echo request with @bytes of data. Return: as e1000e_send(). */
int e1000e_echo_send(struct e1000e_client *nic, uint32_t bytes);
/* Sends one and waits for its answer. Return: 0; WEIR_ETIMEDOUT; WEIR_EBADMSG; as e1000e_send(). */
int e1000e_echo(struct e1000e_client *nic, uint32_t bytes, uint64_t *out_ns);

#endif
