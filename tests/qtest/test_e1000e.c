// SPDX-License-Identifier: MIT
/*
 * The client of the 82574L on QEMU's model, which is on a network of QEMU's own. That
 * frames went out and came back is told by a capture that QEMU makes, not by the client.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients.h"
#include "e1000e/e1000e.h"

static const char *const args[] = { "-device", "e1000e,netdev=net0,addr=05.0", NULL };

static const struct clients_what what = {
	.drv = &weir_e1000e_driver, .vendor = 0x8086, .device = 0x10d3, .args = args,
	.network = true,
};

/* ---- the capture (libpcap's file format, in the byte order of who writes it) ---- */

#define FILE_HEADER   24
#define RECORD_HEADER 16
#define FRAME_PROTOCOL 23
#define FRAME_ICMP     34

struct seen {
	unsigned int frames, requests, replies, arps;
};

static void count_frame(struct seen *seen, const uint8_t *frame, uint32_t bytes)
{
	seen->frames++;
	if (bytes >= 14 && frame[12] == 0x08 && frame[13] == 0x06)
		seen->arps++;
	if (bytes <= FRAME_ICMP || frame[12] != 0x08 || frame[13] != 0x00 ||
	    frame[FRAME_PROTOCOL] != 1)
		return;
	seen->requests += frame[FRAME_ICMP] == 8;
	seen->replies += frame[FRAME_ICMP] == 0;
}

static void read_capture(struct clients *cl, struct seen *out_seen)
{
	off_t at = FILE_HEADER;
	uint32_t header[4];

	memset(out_seen, 0, sizeof(*out_seen));
	assert_int_equal(pread(cl->capture_fd, header, 4, 0), 4);
	assert_int_equal(header[0], 0xa1b2c3d4);
	while (pread(cl->capture_fd, header, RECORD_HEADER, at) == RECORD_HEADER) {
		uint8_t frame[2048];

		assert_in_range(header[2], 1, sizeof(frame));
		assert_int_equal(pread(cl->capture_fd, frame, header[2], at + RECORD_HEADER),
				 header[2]);
		count_frame(out_seen, frame, header[2]);
		at += RECORD_HEADER + (off_t)header[2];
	}
}

/* ---- pings ---- */

static void ping(struct clients *cl, unsigned int n)
{
	struct weir_client_ping ping = { 0 };
	struct seen before, after;

	read_capture(cl, &before);
	assert_int_equal(cl->ops->ping(cl->dev, WEIR_CLIENT_GATEWAY, n, &ping), 0);
	printf("# %u sent, %u received, round trip %llu/%llu/%llu us\n", ping.sent, ping.received,
	       (unsigned long long)ping.min_ns / 1000,
	       (unsigned long long)(ping.sum_ns / ping.received) / 1000,
	       (unsigned long long)ping.max_ns / 1000);
	assert_int_equal(ping.sent, n);
	assert_int_equal(ping.received, n);
	read_capture(cl, &after);
	assert_int_equal(after.requests - before.requests, n);
	assert_int_equal(after.replies - before.replies, n);
}

/* All that the device has addresses of. */
static void check_addresses(struct clients *cl)
{
	struct e1000e_client *nic = weir_device_data(cl->dev);

	assert_int_equal(weir_mmio_read32(&nic->mmio, E1000E_RDBAL), (uint32_t)nic->rx_iova);
	assert_int_equal(weir_mmio_read32(&nic->mmio, E1000E_TDBAL), (uint32_t)nic->tx_iova);
	clients_iova(cl, nic->rx_iova, clients_pa(cl, nic->rx));
	clients_iova(cl, nic->tx_iova, clients_pa(cl, nic->tx));
	clients_buffer(cl, &nic->rx_pages);
}

static void all_tests(const char *arch, bool iommu)
{
	struct seen seen;
	struct clients cl;

	clients_open(&cl, &what, arch, iommu);
	read_capture(&cl, &seen);
	assert_int_equal(seen.frames, 0);
	check_addresses(&cl);
	ping(&cl, 20);
	clients_pass(&cl, "quick");
	clients_pass(&cl, "long");
	clients_refuse(&cl, "nonsense", WEIR_ENOENT, "nonsense");
	read_capture(&cl, &seen);
	assert_int_equal(seen.requests, 20 + 14 + 280);
	assert_int_equal(seen.replies, 20 + 14 + 280);
	assert_true(seen.arps >= 2);
	clients_close(&cl);
}

static void test_e1000e_direct(void **state)
{
	(void)state;
	all_tests("aarch64", false);
	all_tests("x86_64", false);
	all_tests("riscv64", false);
}

static void test_e1000e_translated(void **state)
{
	(void)state;
	all_tests("aarch64", true);
}

/* Nobody has that address. */
static void test_e1000e_ping_nobody(void **state)
{
	struct weir_client_ping result = { 0 };
	struct clients cl;

	(void)state;
	clients_open(&cl, &what, "aarch64", false);
	assert_int_equal(cl.ops->ping(cl.dev, 0x0a0002c8, 1, &result), WEIR_ETIMEDOUT);
	assert_int_equal(result.received, 0);
	ping(&cl, 1);
	clients_close(&cl);
}

/* ---- devices that lie ---- */

static void check_lie(const struct e1000e_rx_desc *forged, const char *words)
{
	struct weir_client_stats stats;
	struct e1000e_client *nic;
	struct clients cl;

	clients_open(&cl, &what, "aarch64", false);
	ping(&cl, 1);
	assert_int_equal(weir_pci_master(cl.dev, false), 0);
	nic = weir_device_data(cl.dev);
	nic->rx[nic->rx_next].bytes = forged->bytes;
	nic->rx[nic->rx_next].status = forged->status;
	clients_refuse(&cl, "quick", WEIR_EIO, words);
	cl.ops->stats(cl.dev, &stats);
	assert_non_null(stats.fault);
	assert_false(weir_pci_is_master(cl.dev));
	clients_refuse(&cl, "quick", WEIR_EIO, words);
	clients_unbind(&cl);
	clients_bind(&cl);
	ping(&cl, 1);
	clients_close(&cl);
}

static void test_e1000e_lies_are_caught(void **state)
{
	const struct e1000e_rx_desc lengthy = { .bytes = 2049, .status = 3 };
	const struct e1000e_rx_desc endless = { .bytes = 100, .status = 1 };

	(void)state;
	check_lie(&lengthy, "a frame longer than its buffer (0x801)");
	check_lie(&endless, "a frame in pieces");
}

/* A device that does no DMA any more sends nothing: the client gives up on it. */
static void test_e1000e_stuck(void **state)
{
	struct clients cl;

	(void)state;
	clients_open(&cl, &what, "aarch64", false);
	ping(&cl, 1);
	assert_int_equal(weir_pci_master(cl.dev, false), 0);
	clients_refuse(&cl, "start", 0, "start");
	clients_refuse(&cl, "start", WEIR_EIO, "a frame is not sent");
	clients_unbind(&cl);
	clients_bind(&cl);
	ping(&cl, 1);
	clients_close(&cl);
}

/* ---- coming and going ---- */

static void test_e1000e_reload(void **state)
{
	struct clients cl;

	(void)state;
	clients_open(&cl, &what, "aarch64", true);
	clients_reload(&cl, 20, "start");
	ping(&cl, 3);
	clients_close(&cl);
}

static void test_e1000e_gone(void **state)
{
	(void)state;
	clients_check_gone(&what);
}

static void test_e1000e_sweep(void **state)
{
	struct clients cl;

	(void)state;
	clients_open(&cl, &what, "aarch64", true);
	assert_true(clients_sweep(&cl) > 5);
	clients_sweep_test(&cl, "quick", 20);
	ping(&cl, 3);
	clients_close(&cl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_e1000e_direct),
		cmocka_unit_test(test_e1000e_translated),
		cmocka_unit_test(test_e1000e_ping_nobody),
		cmocka_unit_test(test_e1000e_lies_are_caught),
		cmocka_unit_test(test_e1000e_stuck),
		cmocka_unit_test(test_e1000e_reload),
		cmocka_unit_test(test_e1000e_gone),
		cmocka_unit_test(test_e1000e_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
