// SPDX-License-Identifier: MIT
/*
 * In which order a function's registers are written: base address registers are sized
 * with the decoders off and put back, messages are written while nothing is sent by them
 * (PCI Local Bus Specification 3.0, 6.2.5.1, 6.8.1 and 6.8.3). One function, 01.0, which
 * watches each write as it comes.
 */
#include <stdlib.h>
#include <string.h>

#include "pciworld.h"

#define ENTRIES 4u
#define TABLE_AT 0x800u
#define STALE 0xdead0000u

struct regs {
	struct pci p;
	struct weir_host_ops ops;
	int fn;
	unsigned int msi, msix;   /* offsets of capabilities; 0: none */
	uint32_t table[ENTRIES][4];
	uint64_t table_pa;
	bool mapped;
	unsigned int sized, decoded; /* ones written to BARs; that with a decoder on */
	unsigned int live;        /* writes to a message that could be sent then */
	unsigned int loose;       /* MSI-X switched on with entries that nobody has written */
	unsigned int other;       /* writes to what must not be written */
};

static uint32_t get(const struct regs *r, unsigned int offset, unsigned int width)
{
	return pcimodel_get(&r->p.model, r->fn, offset, width);
}

static bool entry_is_masked(const struct regs *r, unsigned int i)
{
	return (r->table[i][3] & 1) || (get(r, r->msix + 2, 2) & 0xc000) != 0x8000;
}

/* ---- watching ---- */

static uint32_t regs_read(void *ctx, uint16_t rid, unsigned int offset, unsigned int width)
{
	struct regs *r = ctx;

	return pcimodel_ops.read(&r->p.model, rid, offset, width);
}

static void regs_write(void *ctx, uint16_t rid, unsigned int offset, unsigned int width,
		       uint32_t value)
{
	struct regs *r = ctx;
	bool is_bar = offset >= 0x10 && offset < 0x28 && width == 4;
	bool is_flags = width == 2 && ((r->msi && offset == r->msi + 2) ||
				       (r->msix && offset == r->msix + 2));
	bool is_message = r->msi && offset >= r->msi + 4 && offset < r->msi + 14;

	if (is_bar && value == UINT32_MAX) {
		r->sized++;
		r->decoded += (get(r, 4, 2) & 3) != 0;
	}
	r->live += is_message && (get(r, r->msi + 2, 2) & 1);
	r->other += !is_bar && !is_flags && !is_message && !(offset == 4 && width == 2);
	pcimodel_ops.write(&r->p.model, rid, offset, width, value);
	if (r->msix && offset == r->msix + 2)
		for (unsigned int i = 0; i < ENTRIES; i++)
			r->loose += !entry_is_masked(r, i) && r->table[i][0] == STALE;
}

static const struct weir_pci_config_ops regs_ops = {
	.abi = WEIR_ABI(struct weir_pci_config_ops),
	.read = regs_read,
	.write = regs_write,
};

static int regs_map(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at)
{
	struct regs *r = host;

	assert_true(pa == r->table_pa && bytes == sizeof(r->table) && !r->mapped);
	r->mapped = true;
	*out_at = 0x1000;
	return 0;
}

static void regs_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	struct regs *r = host;

	(void)at;
	(void)bytes;
	r->mapped = false;
}

static uint64_t regs_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	const struct regs *r = host;

	assert_int_equal(width, 4);
	return r->table[(at - 0x1000) / 16][at / 4 % 4];
}

static void regs_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct regs *r = host;
	unsigned int i = (unsigned int)(at - 0x1000) / 16, word = at / 4 % 4;

	assert_int_equal(width, 4);
	r->live += word < 3 && !entry_is_masked(r, i);
	r->table[i][word] = (uint32_t)value;
}

/* ---- life ---- */

static int regs_open(void **state)
{
	struct regs *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	r->ops = testhost_plain_ops;
	r->ops.mmio_map = regs_map;
	r->ops.mmio_unmap = regs_unmap;
	r->ops.mmio_read = regs_mmio_read;
	r->ops.mmio_write = regs_mmio_write;
	assert_int_equal(world_try_open(&r->p.w, testhost_create(&r->ops, r), NULL), 0);
	r->p.bridge = world_device(&r->p.w, "host", NULL, "host");
	r->p.host = (struct weir_pci_host){
		.last_bus = 255, .nr_windows = 1,
		.windows = { { WEIR_PCI_MEM, 0x10000000, 0x10000000, 0x20000000 } },
	};
	pcimodel_init(&r->p.model);
	r->fn = pcimodel_fn(&r->p.model, PCIMODEL_ROOT, 1, 0);
	*state = r;
	return 0;
}

static int regs_close(void **state)
{
	struct regs *r = *state;

	weir_pci_del(r->p.pci);
	world_close(&r->p.w);
	free(r);
	return 0;
}

static struct weir_device *add(struct regs *r, uint32_t flags)
{
	assert_int_equal(weir_pci_add(r->p.bridge, &r->p.host, &regs_ops, r, flags, &r->p.pci), 0);
	return pci_at(&r->p, 0, 1, 0);
}

/* ---- base address registers ---- */

/* Registers as firmware leaves them: memory, ports, 64 bits; all decoded, and DMA on. */
static void set_up(struct regs *r, uint16_t command)
{
	struct pcimodel *m = &r->p.model;

	pcimodel_set(m, r->fn, 0x10, 4, 0x10003000, 0xfffff000);
	pcimodel_set(m, r->fn, 0x14, 4, 0x00003041, 0xffffffe0);
	pcimodel_set(m, r->fn, 0x18, 4, 0x1230000c, 0xfff00000);
	pcimodel_set(m, r->fn, 0x1c, 4, 0x00000090, 0xffffffff);
	pcimodel_set(m, r->fn, 0x04, 2, command, 0x0407);
}

static void assert_as_set_up(const struct regs *r, uint16_t command)
{
	assert_int_equal(get(r, 0x10, 4), 0x10003000);
	assert_int_equal(get(r, 0x14, 4), 0x00003041);
	assert_int_equal(get(r, 0x18, 4), 0x1230000c);
	assert_int_equal(get(r, 0x1c, 4), 0x00000090);
	assert_int_equal(get(r, 0x04, 2), command);
	assert_int_equal(r->other, 0);
}

/* Each decoder by itself too: what is off stays off. */
static void test_pciregs_kept_bars_are_put_back(void **state)
{
	struct regs *r = *state;

	for (uint16_t command = 0; command < 8; command++) {
		struct weir_device *dev;

		set_up(r, command);
		r->sized = 0;
		dev = add(r, WEIR_PCI_KEEP);
		assert_no_fault(dev);
		assert_int_equal(r->sized, 6);
		assert_int_equal(r->decoded, 0);
		assert_int_equal(pci_bar(dev, 0).bytes, 0x1000);
		assert_int_equal(pci_bar(dev, 1).bytes, 0x20);
		assert_int_equal(pci_bar(dev, 2).bytes, 0x100000);
		assert_true(pci_bar(dev, 2).pci == 0x9012300000);
		assert_as_set_up(r, command);
		pci_del(&r->p);
	}
}

/* A machine that is only looked at: what a register's size is nobody knows. */
static void test_pciregs_read_only_bars(void **state)
{
	struct regs *r = *state;
	struct weir_pci_bar bar;
	struct weir_device *dev;

	set_up(r, 7);
	dev = add(r, WEIR_PCI_KEEP | WEIR_PCI_READ_ONLY);
	assert_no_fault(dev);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(weir_pci_bar_get(dev, i, &bar), WEIR_ENOENT);
	assert_int_equal(r->sized, 0);
	assert_as_set_up(r, 7);
}

/* Firmware's decoders are off before the first is sized, and stay so until a driver is there. */
static void test_pciregs_new_bars(void **state)
{
	struct regs *r = *state;
	struct weir_device *dev;

	set_up(r, 7);
	dev = add(r, 0);
	assert_int_equal(r->decoded, 0);
	assert_int_equal(get(r, 0x04, 2), 0x0400);
	assert_true(pci_bar(dev, 0).pci == get(r, 0x10, 4));
	/* There is no window for ports: the register is what it was. */
	assert_int_equal(get(r, 0x14, 4), 0x00003041);
	assert_int_equal(r->other, 0);
}

/* Windows through which something may go on all the time are not tried out. */
static void test_pciregs_kept_windows(void **state)
{
	struct regs *r = *state;
	int bridge;

	r->p.model.n = 0;
	bridge = pcimodel_bridge(&r->p.model, PCIMODEL_ROOT, 1, 0);
	pcimodel_set(&r->p.model, bridge, 0x18, 4, 0x00010100, 0x00ffffff);
	pcimodel_set(&r->p.model, bridge, 0x20, 4, 0x10101000, 0xfff0fff0);
	pcimodel_set(&r->p.model, bridge, 0x04, 2, 7, 0x0407);
	add(r, WEIR_PCI_KEEP);
	assert_int_equal(get(r, 0x20, 4), 0x10101000);
	assert_int_equal(get(r, 0x04, 2), 7);
	assert_int_equal(r->other, 0);
}

/* ---- messages ---- */

static void test_pciregs_msi_is_off_while_written(void **state)
{
	static const struct weir_msi first = { .pa = 0xfee01000, .data = 0x31 };
	static const struct weir_msi second = { .pa = 0xfee02000, .data = 0x32 };
	static const struct weir_msi bad = { .pa = 0x1fee02000, .data = 0x33 };
	struct regs *r = *state;
	struct weir_device *dev;

	r->msi = pcimodel_cap(&r->p.model, r->fn, 5, 10);
	pcimodel_set(&r->p.model, r->fn, r->msi + 2, 2, 1, 0x71); /* firmware left it on */
	pcimodel_set(&r->p.model, r->fn, r->msi + 4, 4, STALE, 0xfffffffc);
	pcimodel_set(&r->p.model, r->fn, r->msi + 8, 2, 0x77, 0xffff);
	dev = add(r, WEIR_PCI_KEEP);
	assert_int_equal(weir_pci_msi_enable(dev, 1, &first), 0);
	assert_int_equal(r->live, 0);
	assert_int_equal(get(r, r->msi + 2, 2), 1);
	assert_int_equal(get(r, r->msi + 4, 4), first.pa);
	assert_int_equal(weir_pci_msi_enable(dev, 1, &second), WEIR_EBUSY);
	assert_int_equal(get(r, r->msi + 4, 4), first.pa);
	assert_int_equal(weir_pci_msi_set(dev, 0, &second), 0);
	assert_int_equal(get(r, r->msi + 4, 4), second.pa);
	assert_int_equal(get(r, r->msi + 8, 2), second.data);
	assert_int_equal(weir_pci_msi_set(dev, 0, &bad), WEIR_EINVAL);
	assert_int_equal(get(r, r->msi + 2, 2), 1); /* the old message is still sent */
	assert_int_equal(get(r, r->msi + 4, 4), second.pa);
	weir_pci_msi_disable(dev);
	assert_int_equal(get(r, r->msi + 2, 2), 0);
	assert_int_equal(r->live + r->other, 0);
}

static void assert_entry(const struct regs *r, unsigned int i, const struct weir_msi *message)
{
	assert_int_equal(r->table[i][0], (uint32_t)message->pa);
	assert_int_equal(r->table[i][1], (uint32_t)(message->pa >> 32));
	assert_int_equal(r->table[i][2], message->data);
	assert_false(entry_is_masked(r, i));
}

/* With entries that firmware, or who was there before, has left on and unmasked. */
static void test_pciregs_msix_is_masked_while_written(void **state)
{
	static const struct weir_msi two[2] = { { .pa = 0x1fee01000, .data = 0x31 },
						{ .pa = 0x2fee02000, .data = 0x32 } };
	static const struct weir_msi other = { .pa = 0x3fee03000, .data = 0x33 };
	struct regs *r = *state;
	struct weir_device *dev;

	for (unsigned int i = 0; i < ENTRIES; i++)
		r->table[i][0] = STALE;
	r->msix = pcimodel_cap(&r->p.model, r->fn, 0x11, 12);
	pcimodel_bar(&r->p.model, r->fn, 0, 0x1000, 0);
	pcimodel_set(&r->p.model, r->fn, r->msix + 2, 2, ENTRIES - 1, 0xc000);
	pcimodel_set(&r->p.model, r->fn, r->msix + 4, 4, TABLE_AT, 0);
	dev = add(r, 0);
	r->table_pa = pci_bar(dev, 0).cpu + TABLE_AT;
	assert_int_equal(weir_pci_msi_enable(dev, ENTRIES + 1, two), WEIR_EINVAL);
	assert_int_equal(weir_pci_msi_enable(dev, 2, two), 0);
	assert_int_equal(get(r, r->msix + 2, 2), 0x8000 | (ENTRIES - 1));
	assert_entry(r, 0, &two[0]);
	assert_entry(r, 1, &two[1]);
	assert_true(entry_is_masked(r, 2) && entry_is_masked(r, 3));
	assert_int_equal(weir_pci_msi_enable(dev, 2, two), WEIR_EBUSY);
	assert_int_equal(weir_pci_msi_set(dev, 1, &other), 0);
	assert_int_equal(weir_pci_msi_set(dev, 2, &other), WEIR_EINVAL);
	assert_entry(r, 0, &two[0]);
	assert_entry(r, 1, &other);
	weir_pci_msi_disable(dev);
	assert_int_equal(get(r, r->msix + 2, 2), ENTRIES - 1);
	assert_false(r->mapped);
	assert_int_equal(r->live + r->loose + r->other, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, regs_open, regs_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pciregs_kept_bars_are_put_back),
		TEST(test_pciregs_read_only_bars),
		TEST(test_pciregs_new_bars),
		TEST(test_pciregs_kept_windows),
		TEST(test_pciregs_msi_is_off_while_written),
		TEST(test_pciregs_msix_is_masked_while_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
