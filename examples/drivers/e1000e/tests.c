// SPDX-License-Identifier: MIT
/* What the client of the 82574L can be asked to do. */
#include "e1000e/e1000e.h"

#define PING_BYTES 56u

/* Echoes of all kinds of sizes. */
static int run_sizes(struct e1000e_client *nic, unsigned int rounds)
{
	static const uint32_t sizes[] = {
		0, 1, 2, 17, 18, 19, 56, 100, 511, 512, 1000, 1024, 1471, E1000E_PAYLOAD_BYTES,
	};
	uint64_t ns;
	int err = e1000e_resolve(nic, WEIR_CLIENT_GATEWAY);

	for (unsigned int n = 0; n < rounds && !err; n++)
		for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !err; i++)
			err = e1000e_echo(nic, sizes[i], &ns);
	return err;
}

/* As many requests as the ring has room for; nobody waits for the answers. */
static int run_start(struct e1000e_client *nic)
{
	int err = e1000e_resolve(nic, WEIR_CLIENT_GATEWAY);

	for (unsigned int i = 0; i < E1000E_RING - 1 && !err; i++)
		err = e1000e_echo_send(nic, E1000E_PAYLOAD_BYTES);
	return err;
}

static int e1000e_dma_test(struct weir_device *dev, const char *test, char *report, size_t bytes)
{
	struct e1000e_client *nic = weir_device_data(dev);
	struct weir_client_stats before = nic->c.stats;
	uint64_t began = client_now(&nic->c);
	int err;

	if (client_text_equal(test, "quick"))
		err = run_sizes(nic, 1);
	else if (client_text_equal(test, "long"))
		err = run_sizes(nic, 20);
	else if (client_text_equal(test, "start"))
		err = run_start(nic);
	else
		err = WEIR_ENOENT;
	if (!err && !client_buffer_intact(&nic->rx_pages))
		err = WEIR_EBADMSG;
	client_report(&nic->c, test, err, &before, began, report, bytes);
	return err;
}

static int e1000e_ping(struct weir_device *dev, uint32_t address, unsigned int n,
		       struct weir_client_ping *out_ping)
{
	struct e1000e_client *nic = weir_device_data(dev);
	struct weir_client_ping ping = { 0 };
	int result = 0, err = e1000e_resolve(nic, address);

	if (err && err != WEIR_ETIMEDOUT)
		return err;
	while (!err && ping.sent < n) {
		uint64_t ns = 0;

		result = e1000e_echo(nic, PING_BYTES, &ns);
		if (result && result != WEIR_ETIMEDOUT && result != WEIR_EBADMSG)
			return result;
		ping.sent++;
		if (result) {
			err = result;
			break;
		}
		ping.min_ns = !ping.received || ns < ping.min_ns ? ns : ping.min_ns;
		ping.max_ns = ns > ping.max_ns ? ns : ping.max_ns;
		ping.sum_ns += ns;
		ping.received++;
	}
	*out_ping = ping;
	return err;
}

static void e1000e_stats(struct weir_device *dev, struct weir_client_stats *out_stats)
{
	const struct e1000e_client *nic = weir_device_data(dev);

	*out_stats = nic->c.stats;
}

static const struct weir_client_test e1000e_tests[] = {
	{ "quick", "echoes of 0 to 1472 bytes by the gateway of QEMU's user network" },
	{ "long", "the same twenty times" },
	{ "start", "fifteen requests whose answers nobody waits for" },
	{ NULL, NULL },
};

const struct weir_client_ops weir_e1000e_ops = {
	.abi = WEIR_ABI(struct weir_client_ops),
	.name = "e1000e",
	.tests = e1000e_tests,
	.dma_test = e1000e_dma_test,
	.ping = e1000e_ping,
	.stats = e1000e_stats,
};
