// SPDX-License-Identifier: MIT
/*
 * A phone's board on the hostile SMMUv2: its boot loader shows a picture through the SMMU and says nothing
 * of it in the device tree; another stream of firmware's is nobody's; the SMMU has a clock; firmware turns
 * bypass into fault. What the core makes of it: order, hand-over, faults by name, descriptions that are wrong.
 */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "hw/smmuv2.h"
#include "testhost.h"
#include "treebed.h"
#include "weir/arm_smmu.h"
#include "weir/dma.h"
#include "weir/weir.h"

#define BASE 0x15000000u
#define LINE 65u
#define RAM (8ull << 20)
#define SPLASH_AT (4ull << 20)  /* in RAM, behind what is given out */
#define FRAME_AT (5ull << 20)
#define USB_AT (6ull << 20)
#define BYTES 4096u
#define DISPLAY 0x800u          /* with a mask of 2, as firmware has it */
#define USB 0x540u
#define NOBODY 0x20u

struct board {
	struct hwhost *hw;
	struct testhost *host;
	struct smmu2 *model;
	struct smmu2_config config;
	struct weir_machine *m;
	struct weir_module *module;
	struct weir_device *smmu, *display;
	struct hwdisplay *screen;
	struct smmu2_way way;
	struct weir_match matches[3][2];
	struct weir_driver_ops ops[3];
	struct weir_driver drivers[3];
	uint64_t frame, usb;         /* IOVAs; 0: not mapped */
	uint32_t global_interrupts;  /* as the tree says; 0: it does not */
	uint32_t usb_id;
	uint32_t match_mask;           /* 0: specifiers have one each */
	bool clocked;
	_Alignas(8) unsigned char blob[4096];
};

/* ---- the tree ---- */

static void make_smmu(struct board *b)
{
	static const char compatible[] = "qcom,t-smmu-500\0qcom,smmu-500\0arm,mmu-500";

	tree_begin(b->blob, "iommu@15000000", NULL);
	assert_int_equal(fdt_property(b->blob, "compatible", compatible, sizeof(compatible)), 0);
	tree_cells(b->blob, "reg", (const uint32_t[]){ BASE, (uint32_t)smmu2_bytes(&b->config) }, 2);
	tree_cell(b->blob, "#iommu-cells", b->match_mask ? 1 : 2);
	if (b->match_mask)
		tree_cell(b->blob, "stream-match-mask", b->match_mask);
	if (b->global_interrupts)
		tree_cell(b->blob, "#global-interrupts", b->global_interrupts);
	tree_cells(b->blob, "interrupts", (const uint32_t[]){ LINE, LINE + 1, LINE + 2, LINE + 3 }, 4);
	tree_cell(b->blob, "interrupt-parent", 2);
	tree_cells(b->blob, "clocks", (const uint32_t[]){ 3, 0 }, 2);
	tree_cell(b->blob, "phandle", 1);
	tree_cells(b->blob, "dma-coherent", NULL, 0);
	tree_end(b->blob);
}

static void master(struct board *b, const char *name, const char *compatible, uint32_t id, uint32_t mask)
{
	tree_begin(b->blob, name, compatible);
	tree_cells(b->blob, "iommus", (const uint32_t[]){ 1, id, mask }, b->match_mask ? 2 : 3);
	tree_cells(b->blob, "dma-coherent", NULL, 0);
	tree_end(b->blob);
}

static void make_tree(struct board *b)
{
	assert_int_equal(fdt_create(b->blob, sizeof(b->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(b->blob), 0);
	tree_begin(b->blob, "", NULL);
	tree_cell(b->blob, "#address-cells", 1);
	tree_cell(b->blob, "#size-cells", 1);
	tree_begin(b->blob, "interrupt-controller", "t,intc");
	tree_cell(b->blob, "#interrupt-cells", 1);
	tree_cells(b->blob, "interrupt-controller", NULL, 0);
	tree_cell(b->blob, "phandle", 2);
	tree_end(b->blob);
	tree_begin(b->blob, "clock", "t,clock");
	tree_cell(b->blob, "#clock-cells", 1);
	tree_cell(b->blob, "phandle", 3);
	tree_end(b->blob);
	make_smmu(b);
	master(b, "display", "t,display", DISPLAY, 0x2);
	master(b, "usb", "t,usb", b->usb_id, 0);
	tree_end(b->blob);
	assert_int_equal(fdt_finish(b->blob), 0);
}

/* ---- drivers ---- */

static struct board *board_of(struct weir_device *dev)
{
	return weir_device_driver(dev)->context;
}

static uint64_t at(const struct board *b, uint64_t offset)
{
	return b->hw->ram->base + offset;
}

static int clock_probe(struct weir_device *dev)
{
	struct board *b = board_of(dev);

	b->clocked = true;
	smmu2_clock(b->model, true);
	return 0;
}

/* It takes the screen over: stops what is shown, and shows its own. */
static int display_probe(struct weir_device *dev)
{
	struct board *b = board_of(dev);
	int err;

	hwdisplay_stop(b->screen);
	err = weir_dma_map_phys(dev, at(b, FRAME_AT), BYTES, WEIR_DMA_TO_DEVICE, &b->frame);
	if (!err)
		hwdisplay_show(b->screen, b->frame, BYTES, 9);
	return err;
}

static void display_remove(struct weir_device *dev)
{
	struct board *b = board_of(dev);

	hwdisplay_stop(b->screen);
	assert_int_equal(weir_dma_unmap(dev, b->frame, BYTES, WEIR_DMA_TO_DEVICE), 0);
	b->frame = 0;
}

static int usb_probe(struct weir_device *dev)
{
	struct board *b = board_of(dev);

	return weir_dma_map_phys(dev, at(b, USB_AT), BYTES, WEIR_DMA_BIDIRECTIONAL, &b->usb);
}

static void usb_remove(struct weir_device *dev)
{
	struct board *b = board_of(dev);

	assert_int_equal(weir_dma_unmap(dev, b->usb, BYTES, WEIR_DMA_BIDIRECTIONAL), 0);
	b->usb = 0;
}

static const struct {
	const char *name, *key;
	int (*probe)(struct weir_device *dev);
	void (*remove)(struct weir_device *dev);
} drivers[] = {
	{ "clock", "t,clock", clock_probe, NULL },
	{ "display", "t,display", display_probe, display_remove },
	{ "usb", "t,usb", usb_probe, usb_remove },
};
enum { CLOCK_DRIVER, DISPLAY_DRIVER, USB_DRIVER };

static void come(struct board *b, unsigned int i)
{
	b->matches[i][0].key = drivers[i].key;
	b->ops[i] = (struct weir_driver_ops){
		.abi = WEIR_ABI(struct weir_driver_ops),
		.probe = drivers[i].probe, .remove = drivers[i].remove,
	};
	b->drivers[i] = (struct weir_driver){ .name = drivers[i].name, .bus = "platform",
					      .match = b->matches[i], .ops = &b->ops[i], .context = b };
	assert_int_equal(weir_driver_register(b->m, &b->drivers[i]), 0);
	assert_int_equal(weir_settle(b->m), 0);
	hwhost_points(b->hw, 50);
}

/* ---- the board ---- */

static void on_point(void *arg)
{
	hwdisplay_point(((struct board *)arg)->screen);
}

/* Bank 0 translates nothing: that is firmware's bypass. */
static void firmware(struct board *b)
{
	struct hwdisplay_config shows = { .burst_bytes = 256 };

	smmu2_mmio_write(b->model, 0x1000, 4, 1u << 16);
	smmu2_mmio_write(b->model, 0xc08, 4, 0);
	smmu2_mmio_write(b->model, 0x808, 4, 1u << 31 | 0x2u << 16 | DISPLAY);
	smmu2_mmio_write(b->model, 0xc0c, 4, 0);
	smmu2_mmio_write(b->model, 0x80c, 4, 1u << 31 | NOBODY);
	smmu2_mmio_write(b->model, 0x68, 4, 0);
	smmu2_mmio_write(b->model, 0x70, 4, 0);
	while (smmu2_mmio_read(b->model, 0x74, 4))
		;
	smmu2_mmio_write(b->model, 0, 4, 1u << 10);
	shows.port = smmu2_port(b->model, DISPLAY, &b->way);
	b->screen = hwdisplay_create(&shows);
	hwdisplay_show(b->screen, at(b, SPLASH_AT), BYTES, 7);
	b->hw->on_point = on_point;
	b->hw->on_point_arg = b;
}

static void fill(struct board *b, uint64_t offset, uint64_t seed, uint8_t who)
{
	uint8_t picture[BYTES];

	hwpattern_fill(picture, BYTES, seed, 0);
	assert_true(hwram_write(b->hw->ram, true, at(b, offset), picture, BYTES));
	hwram_allow(b->hw->ram, at(b, offset), BYTES, who, who);
}

static void board_init(struct board *b, uint64_t seed)
{
	memset(b, 0, sizeof(*b));
	smmu2_config_usual(&b->config);
	b->config.seed = seed;
	b->config.mmu500 = b->config.bypass_faults = true;
	b->global_interrupts = 1;
	b->usb_id = USB;
}

static void board_open(struct board *b)
{
	struct weir_fwnode *node;
	struct weir_bus *bus;

	b->hw = hwhost_create(RAM, b->config.seed);
	b->hw->around_irq = testhost_interrupt;
	b->model = smmu2_attach(b->hw, BASE, &b->config, LINE, false);
	b->host = testhost_create(hwhost_ops(b->hw), b->hw);
	smmu2_master(b->model, DISPLAY, 1);
	smmu2_master(b->model, USB, 2);
	smmu2_master(b->model, NOBODY, 4);
	fill(b, SPLASH_AT, 7, 5);
	fill(b, FRAME_AT, 9, 1);
	fill(b, USB_AT, 1, 2);
	firmware(b);
	make_tree(b);
	assert_int_equal(weir_machine_create(testhost_ops(b->host), b->host, &b->m), 0);
	assert_int_equal(weir_firmware_load_dt(b->m, b->blob, sizeof(b->blob)), 0);
	assert_int_equal(weir_fwnode_find(b->m, "/interrupt-controller", &node), 0);
	weir_fwnode_set_initialized(node, true, true);
	assert_int_equal(weir_firmware_populate(b->m), 0);
	assert_int_equal(weir_bus_find(b->m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "15000000.iommu", &b->smmu), 0);
	assert_int_equal(weir_device_find(bus, "display", &b->display), 0);
}

static void load(struct board *b)
{
	assert_int_equal(weir_module_load(b->m, &weir_module_arm_smmu, &b->module), 0);
	assert_int_equal(weir_settle(b->m), 0);
	hwhost_points(b->hw, 50);
}

static bool is_up(const struct board *b)
{
	return weir_device_status_get(b->smmu) == WEIR_DEVICE_BOUND;
}

static void board_close(struct board *b)
{
	hwdisplay_stop(b->screen);
	hwhost_points(b->hw, 20);
	b->hw->on_point = NULL;
	weir_machine_destroy(b->m);
	testhost_check(b->host);
	if (smmu2_findings(b->model, SMMU2_FINDINGS))
		fail_msg("%s", smmu2_first_finding(b->model));
	b->host = testhost_destroy(b->host);
	b->hw = hwhost_destroy(b->hw);
	hwdisplay_destroy(b->screen);
}

static bool reaches(struct board *b, uint32_t sid, uint64_t iova)
{
	uint64_t pa;

	return smmu2_translate(b->model, sid, iova, SMMU2_READ, &pa) == SMMU2_LANDED;
}

/* ---- tests ---- */

/*
 * The clock comes late, and until then nothing touches the SMMU. The picture is there throughout; its driver
 * takes over; when all are up, what is nobody's is blocked.
 */
static void test_smmuv2_board_hands_over(void **state)
{
	const struct hwdisplay_stats *shown;
	unsigned long lost;
	struct board b;

	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		board_init(&b, seed);
		board_open(&b);
		shown = hwdisplay_stats_get(b.screen);
		come(&b, USB_DRIVER);
		load(&b);
		assert_false(is_up(&b));
		come(&b, CLOCK_DRIVER);
		assert_true(b.clocked && is_up(&b));
		assert_true(reaches(&b, USB, b.usb) && !reaches(&b, USB, b.usb + BYTES));
		assert_true(reaches(&b, NOBODY, at(&b, SPLASH_AT)));
		hwhost_points(b.hw, 100);
		assert_true(hwdisplay_runs(b.screen) && shown->frames > 3);
		assert_true(!shown->lost && !shown->wrong);
		/* its group is behind a domain before it is probed: nothing told what the picture needs */
		come(&b, DISPLAY_DRIVER);
		assert_int_equal(weir_device_status_get(b.display), WEIR_DEVICE_BOUND);
		lost = shown->lost;
		hwhost_points(b.hw, 100);
		assert_int_equal(shown->lost, lost);
		assert_int_equal(shown->wrong, 0);
		assert_false(reaches(&b, NOBODY, at(&b, SPLASH_AT)));
		assert_false(reaches(&b, DISPLAY, at(&b, SPLASH_AT)));
		assert_true(reaches(&b, DISPLAY + 2, b.frame));
		/* in use: not unloaded; by force: nothing passes any more */
		assert_int_equal(weir_module_unload(b.module, 0), WEIR_EBUSY);
		assert_int_equal(weir_module_unload(b.module, WEIR_MODULE_FORCE), 0);
		assert_false(reaches(&b, DISPLAY, at(&b, FRAME_AT)) || reaches(&b, USB, at(&b, USB_AT)));
		load(&b);
		assert_true(b.frame && reaches(&b, DISPLAY, b.frame));
		board_close(&b);
	}
}

/* A stopped clock is no way out: registers are not touched when the clock was not there. */
static void test_smmuv2_board_no_clock(void **state)
{
	struct board b;

	(void)state;
	board_init(&b, 3);
	board_open(&b);
	hwdisplay_stop(b.screen);
	smmu2_clock(b.model, false);
	load(&b);
	hwhost_points(b.hw, 50);
	assert_false(is_up(&b));
	assert_int_equal(smmu2_findings(b.model, SMMU2_OFF), 0);
	come(&b, CLOCK_DRIVER);
	assert_true(is_up(&b));
	board_close(&b);
}

/* What is refused is told with the device's name. */
static void test_smmuv2_board_faults(void **state)
{
	const char *log;
	struct board b;

	(void)state;
	board_init(&b, 4);
	board_open(&b);
	load(&b);
	come(&b, CLOCK_DRIVER);
	come(&b, USB_DRIVER);
	hwhost_log_take(b.hw);
	assert_false(reaches(&b, USB, b.usb + BYTES));
	hwhost_points(b.hw, 5);
	assert_int_equal(weir_settle(b.m), 0);
	log = hwhost_log_take(b.hw);
	if (!strstr(log, "usb") || !strstr(log, "stream 0x540"))
		fail_msg("no name in \"%s\"", log);
	assert_false(reaches(&b, 0x77, at(&b, USB_AT)));
	hwhost_points(b.hw, 5);
	assert_int_equal(weir_settle(b.m), 0);
	log = hwhost_log_take(b.hw);
	if (!strstr(log, "stream 0x77"))
		fail_msg("no stream in \"%s\"", log);
	board_close(&b);
}

static void not_mine(void *arg)
{
	(void)arg;
}

/* Some boards give one line to two devices: the second one's faults are looked for. */
static void test_smmuv2_board_shared_line(void **state)
{
	struct weir_irq *irq;
	const char *log;
	struct board b;

	(void)state;
	board_init(&b, 7);
	board_open(&b);
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(hwhost_ops(b.hw)->irq_request(b.hw, LINE + i, not_mine, NULL, &irq), 0);
	load(&b);
	come(&b, CLOCK_DRIVER);
	come(&b, USB_DRIVER);
	assert_true(is_up(&b));
	assert_non_null(strstr(hwhost_log_take(b.hw), "an interrupt is another device's"));
	for (unsigned int i = 0; i < 2; i++) {
		hwhost_points(b.hw, 3000); /* the timer has looked before */
		assert_false(reaches(&b, USB, b.usb + BYTES));
		hwhost_points(b.hw, 3000);
		assert_int_equal(weir_settle(b.m), 0);
		log = hwhost_log_take(b.hw);
		if (!strstr(log, "usb") || !strstr(log, "stream 0x540"))
			fail_msg("no name in \"%s\"", log);
	}
	board_close(&b);
}

/* Ids whose bits the SMMU's own node says do not matter. */
static void test_smmuv2_board_match_mask(void **state)
{
	struct board b;

	(void)state;
	board_init(&b, 9);
	b.match_mask = 0x6;
	board_open(&b);
	load(&b);
	come(&b, CLOCK_DRIVER);
	come(&b, USB_DRIVER);
	for (uint32_t bits = 0; bits < 8; bits += 2)
		assert_true(reaches(&b, USB | bits, b.usb));
	assert_false(reaches(&b, USB | 1, b.usb) || reaches(&b, USB | 8, b.usb));
	board_close(&b);
}

/* The tree says too little, or too much: the SMMU is not bound, and the log says why. */
static void test_smmuv2_board_wrong_tree(void **state)
{
	static const struct {
		uint32_t global;
		const char *words;
	} trees[] = {
		{ 0, "#global-interrupts are missing" },
		{ 5, "#global-interrupts are more than there are interrupts" },
	};
	struct board b;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		board_init(&b, 5);
		b.global_interrupts = trees[i].global;
		board_open(&b);
		come(&b, CLOCK_DRIVER);
		load(&b);
		assert_false(is_up(&b));
		assert_non_null(strstr(hwhost_log_take(b.hw), trees[i].words));
		board_close(&b);
	}
	/* an id that no stream can have: its device is not bound, others are */
	board_init(&b, 6);
	b.usb_id = 0x18000;
	board_open(&b);
	come(&b, CLOCK_DRIVER);
	load(&b);
	come(&b, USB_DRIVER);
	come(&b, DISPLAY_DRIVER);
	assert_true(!b.usb && b.frame);
	board_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv2_board_hands_over),
		cmocka_unit_test(test_smmuv2_board_no_clock),
		cmocka_unit_test(test_smmuv2_board_faults),
		cmocka_unit_test(test_smmuv2_board_shared_line),
		cmocka_unit_test(test_smmuv2_board_match_mask),
		cmocka_unit_test(test_smmuv2_board_wrong_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
