// SPDX-License-Identifier: MIT
/*
 * As much of a network as a ping needs: Ethernet, ARP (RFC 826), IPv4 (RFC 791) and the
 * echo of ICMP (RFC 792). A frame that is not understood is dropped.
 */
#include "e1000e/e1000e.h"

#define OWN_ADDRESS 0x0a00020fu /* 10.0.2.15 */
#define ARP_NS  UINT64_C(1000000000)
#define ECHO_NS UINT64_C(2000000000)
#define ARP_TRIES 3

#define ETHER_BYTES 14u
#define   ETHER_IPV4 0x0800u
#define   ETHER_ARP  0x0806u
#define ARP_BYTES 28u
#define   ARP_REQUEST 1u
#define   ARP_REPLY   2u
#define IP_BYTES 20u
#define ICMP_BYTES 8u
#define   ICMP_ECHO_REPLY 0u
#define   ICMP_ECHO       8u
#define MIN_FRAME 60u
#define ECHO_ID 0x7765u

_Static_assert(ETHER_BYTES + IP_BYTES + ICMP_BYTES + E1000E_PAYLOAD_BYTES == E1000E_FRAME_BYTES,
	       "the longest echo fills a frame");

/* Numbers of the network have their high byte first. */
static void put(uint8_t *at, unsigned int bytes, uint32_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static uint32_t get(const uint8_t *at, unsigned int bytes)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static void copy(uint8_t *to, const uint8_t *from, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		to[i] = from[i];
}

/* RFC 1071 */
static uint16_t sum_of(const uint8_t *at, uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i + 1 < bytes; i += 2)
		sum += get(at + i, 2);
	if (bytes % 2)
		sum += (uint32_t)at[bytes - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* What the echo numbered @number carries. */
static uint8_t pattern(uint16_t number, uint32_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 17 + number * 7u + 5);
}

/* ---- frames that go out ---- */

static void put_ether(struct e1000e_client *nic, const uint8_t *to, uint32_t type)
{
	copy(nic->outgoing, to, 6);
	copy(nic->outgoing + 6, nic->mac, 6);
	put(nic->outgoing + 12, 2, type);
}

static int send_arp(struct e1000e_client *nic, uint32_t op, const uint8_t *to_mac, uint32_t to)
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t nobody[6] = { 0 };
	uint8_t *arp = nic->outgoing + ETHER_BYTES;

	put_ether(nic, to_mac ? to_mac : everybody, ETHER_ARP);
	put(arp, 2, 1); /* Ethernet */
	put(arp + 2, 2, ETHER_IPV4);
	arp[4] = 6;
	arp[5] = 4;
	put(arp + 6, 2, op);
	copy(arp + 8, nic->mac, 6);
	put(arp + 14, 4, OWN_ADDRESS);
	copy(arp + 18, to_mac ? to_mac : nobody, 6);
	put(arp + 24, 4, to);
	for (uint32_t i = ETHER_BYTES + ARP_BYTES; i < MIN_FRAME; i++)
		nic->outgoing[i] = 0;
	return e1000e_send(nic, MIN_FRAME);
}

int e1000e_echo_send(struct e1000e_client *nic, uint32_t bytes)
{
	uint8_t *ip = nic->outgoing + ETHER_BYTES, *icmp = ip + IP_BYTES;
	uint32_t frame = ETHER_BYTES + IP_BYTES + ICMP_BYTES + bytes;

	put_ether(nic, nic->neighbour_mac, ETHER_IPV4);
	put(ip, 2, 0x4500);
	put(ip + 2, 2, IP_BYTES + ICMP_BYTES + bytes);
	put(ip + 4, 2, ++nic->echo_number);
	put(ip + 6, 2, 0);
	put(ip + 8, 2, 64u << 8 | 1); /* time to live, ICMP */
	put(ip + 10, 2, 0);
	put(ip + 12, 4, OWN_ADDRESS);
	put(ip + 16, 4, nic->neighbour);
	put(ip + 10, 2, sum_of(ip, IP_BYTES));
	put(icmp, 4, ICMP_ECHO << 24);
	put(icmp + 4, 2, ECHO_ID);
	put(icmp + 6, 2, nic->echo_number);
	for (uint32_t i = 0; i < bytes; i++)
		icmp[ICMP_BYTES + i] = pattern(nic->echo_number, i);
	put(icmp + 2, 2, sum_of(icmp, ICMP_BYTES + bytes));
	for (; frame < MIN_FRAME; frame++)
		nic->outgoing[frame] = 0;
	return e1000e_send(nic, frame);
}

/* ---- frames that come in ---- */

/* Learns who a neighbour is, and tells it who we are. Return: as e1000e_send(). */
static int take_arp(struct e1000e_client *nic, uint32_t bytes)
{
	const uint8_t *arp = nic->frame + ETHER_BYTES;

	if (bytes < ETHER_BYTES + ARP_BYTES || get(arp, 4) != (1u << 16 | ETHER_IPV4) ||
	    get(arp + 24, 4) != OWN_ADDRESS)
		return 0;
	if (get(arp + 6, 2) == ARP_REQUEST)
		return send_arp(nic, ARP_REPLY, arp + 8, get(arp + 14, 4));
	if (get(arp + 14, 4) == nic->neighbour)
		copy(nic->neighbour_mac, arp + 8, 6);
	return 0;
}

/* Return: 1 when it is the answer to the last echo of @expected bytes; WEIR_EBADMSG; 0. */
static int take_ip(struct e1000e_client *nic, uint32_t bytes, uint32_t expected)
{
	const uint8_t *ip = nic->frame + ETHER_BYTES, *icmp = ip + IP_BYTES;
	uint32_t have;

	if (bytes < ETHER_BYTES + IP_BYTES + ICMP_BYTES || ip[0] != 0x45 || ip[9] != 1 ||
	    get(ip + 12, 4) != nic->neighbour || get(ip + 16, 4) != OWN_ADDRESS)
		return 0;
	have = get(ip + 2, 2);
	if (have < IP_BYTES + ICMP_BYTES || have > bytes - ETHER_BYTES ||
	    icmp[0] != ICMP_ECHO_REPLY || get(icmp + 4, 2) != ECHO_ID ||
	    get(icmp + 6, 2) != nic->echo_number)
		return 0;
	have -= IP_BYTES;
	if (sum_of(ip, IP_BYTES) || sum_of(icmp, have) || have != ICMP_BYTES + expected)
		return WEIR_EBADMSG;
	for (uint32_t i = 0; i < expected; i++)
		if (icmp[ICMP_BYTES + i] != pattern(nic->echo_number, i))
			return WEIR_EBADMSG;
	return 1;
}

/* One frame. Return: 0 when there was none, or it was another; else as take_ip() and take_arp(). */
static int take_frame(struct e1000e_client *nic, uint32_t expected)
{
	uint32_t bytes, type;
	int err = e1000e_receive(nic, &bytes);

	if (err)
		return err == WEIR_EAGAIN ? 0 : err;
	if (bytes < ETHER_BYTES)
		return 0;
	type = get(nic->frame + 12, 2);
	if (type == ETHER_ARP)
		return take_arp(nic, bytes);
	return type == ETHER_IPV4 ? take_ip(nic, bytes, expected) : 0;
}

/* ---- conversations ---- */

static bool is_resolved(const struct e1000e_client *nic)
{
	return get(nic->neighbour_mac, 4) || get(nic->neighbour_mac + 4, 2);
}

int e1000e_resolve(struct e1000e_client *nic, uint32_t address)
{
	struct client_wait wait;
	int err = 0;

	if (nic->neighbour != address) {
		nic->neighbour = address;
		for (unsigned int i = 0; i < 6; i++)
			nic->neighbour_mac[i] = 0;
	}
	for (int tries = 0; tries < ARP_TRIES && !is_resolved(nic) && !err; tries++) {
		err = send_arp(nic, ARP_REQUEST, NULL, address);
		client_wait_begin(&wait, &nic->c, ARP_NS);
		while (!err && !is_resolved(nic) && client_wait_more(&wait))
			err = take_frame(nic, 0);
	}
	if (err)
		return err;
	return is_resolved(nic) ? 0 : e1000e_late(nic);
}

int e1000e_echo(struct e1000e_client *nic, uint32_t bytes, uint64_t *out_ns)
{
	uint64_t began = client_now(&nic->c);
	struct client_wait wait;
	int result = e1000e_echo_send(nic, bytes);

	if (result)
		return result;
	client_wait_begin(&wait, &nic->c, ECHO_NS);
	do {
		result = take_frame(nic, bytes);
	} while (!result && client_wait_more(&wait));
	if (result <= 0)
		return result ? result : e1000e_late(nic);
	*out_ns = client_now(&nic->c) - began;
	return e1000e_flush(nic);
}
