// SPDX-License-Identifier: MIT
/*
 * The System MMU driver as a module, on a small board of hostile models: a display behind one System
 * MMU, a codec behind two, whose clocks a driver provides and whose power another one switches. What a
 * System MMU has to do with devices: order, power, clocks, failures of one of several, hot removal,
 * a display that firmware left running.
 */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "hw/sysmmu.h"
#include "testhost.h"
#include "weir/exynos_sysmmu.h"
#include "weir/weir.h"

#define NR 3u                    /* System MMUs: display, codec's left, codec's right */
#define BASE(i) (0x11e20000ull + (i) * 0x10000ull)
#define LINE(i) (40u + (i))
#define FRAME 0x2000u

struct board {
	struct hwhost *h;
	struct testhost *t;
	struct sysmmu *s[NR];
	struct hwdisplay *display;
	struct hwcodec *codec;
	struct hwmulti *rogue;       /* the codec's ports, when it does as it likes */
	struct weir_machine *m;
	struct weir_module *module;
	unsigned int clocks[NR];     /* how often each is enabled */
	int clock_err;               /* what the next enable of the last one returns */
	bool powered;
	bool firmware;               /* left the display running */
	uint64_t left_pa;            /* what it shows then */
	uint64_t fb_pa, fb_iova, in_pa, in_iova, out_pa, out_iova;
	_Alignas(8) unsigned char blob[8192];
};

static struct board *board;

/* ---- drivers of the board ---- */

static int clock_enable(void *provider, const uint32_t *cells, unsigned int n)
{
	struct board *b = provider;

	assert_int_equal(n, 1);
	if (cells[0] == NR - 1 && b->clock_err)
		return b->clock_err;
	if (!b->clocks[cells[0]]++)
		sysmmu_clock(b->s[cells[0]], true);
	return 0;
}

static void clock_disable(void *provider, const uint32_t *cells, unsigned int n)
{
	struct board *b = provider;

	(void)n;
	assert_true(b->clocks[cells[0]] > 0);
	if (!--b->clocks[cells[0]])
		sysmmu_clock(b->s[cells[0]], false);
}

static const struct weir_clock_ops clock_ops = {
	.abi = WEIR_ABI(struct weir_clock_ops), .enable = clock_enable, .disable = clock_disable,
};

static int clock_probe(struct weir_device *dev)
{
	return weir_clocks_publish(dev, &clock_ops, board);
}

/* The codec's domain: registers of what is in it are lost with it. */
static int domain_power(struct weir_device *dev, bool on)
{
	(void)dev;
	for (unsigned int i = 1; i < NR; i++)
		sysmmu_power(board->s[i], on);
	board->powered = on;
	return 0;
}

static int domain_suspend(struct weir_device *dev)
{
	return domain_power(dev, false);
}

static int domain_resume(struct weir_device *dev)
{
	return domain_power(dev, true);
}

static int domain_probe(struct weir_device *dev)
{
	weir_pm_runtime_enable(dev);
	return 0;
}

static int display_probe(struct weir_device *dev)
{
	struct board *b = board;
	int err = weir_dma_map_phys(dev, b->fb_pa, FRAME, WEIR_DMA_TO_DEVICE, &b->fb_iova);

	if (!err)
		hwdisplay_show(b->display, b->fb_iova, FRAME, 3);
	return err;
}

static void display_remove(struct weir_device *dev)
{
	hwdisplay_stop(board->display);
	weir_dma_unmap(dev, board->fb_iova, FRAME, WEIR_DMA_TO_DEVICE);
}

static int display_suspend(struct weir_device *dev)
{
	(void)dev;
	hwdisplay_stop(board->display);
	return 0;
}

static int display_resume(struct weir_device *dev)
{
	(void)dev;
	hwdisplay_show(board->display, board->fb_iova, FRAME, 3);
	return 0;
}

static void display_shutdown(struct weir_device *dev)
{
	(void)display_suspend(dev);
}

static int codec_map(struct weir_device *dev)
{
	struct board *b = board;
	int err = weir_dma_map_phys(dev, b->in_pa, FRAME, WEIR_DMA_TO_DEVICE, &b->in_iova);

	if (err)
		return err;
	err = weir_dma_map_phys(dev, b->out_pa, FRAME, WEIR_DMA_FROM_DEVICE, &b->out_iova);
	if (err)
		weir_dma_unmap(dev, b->in_iova, FRAME, WEIR_DMA_TO_DEVICE);
	return err;
}

static int codec_unmap(struct weir_device *dev)
{
	int err = weir_dma_unmap(dev, board->in_iova, FRAME, WEIR_DMA_TO_DEVICE);
	int err2 = weir_dma_unmap(dev, board->out_iova, FRAME, WEIR_DMA_FROM_DEVICE);

	return err ? err : err2;
}

static int codec_probe(struct weir_device *dev)
{
	weir_pm_runtime_enable(dev);
	return codec_map(dev);
}

static void codec_remove(struct weir_device *dev)
{
	(void)codec_unmap(dev);
}

#define OPS(...) { .abi = WEIR_ABI(struct weir_driver_ops), __VA_ARGS__ }
static const struct weir_driver_ops ops_clock = OPS(.probe = clock_probe),
	ops_domain = OPS(.probe = domain_probe, .runtime_suspend = domain_suspend,
			 .runtime_resume = domain_resume),
	ops_display = OPS(.probe = display_probe, .remove = display_remove,
			  .suspend = display_suspend, .resume = display_resume,
			  .shutdown = display_shutdown),
	ops_codec = OPS(.probe = codec_probe, .remove = codec_remove), ops_gic = OPS();
static const struct weir_match match_clock[] = { { .key = "t,clock" }, { 0 } },
	match_domain[] = { { .key = "t,domain" }, { 0 } },
	match_display[] = { { .key = "t,display" }, { 0 } },
	match_codec[] = { { .key = "t,codec" }, { 0 } }, match_gic[] = { { .key = "t,gic" }, { 0 } };
static const struct weir_driver drivers[] = {
	{ .name = "gic", .bus = "platform", .match = match_gic, .ops = &ops_gic },
	{ .name = "clock", .bus = "platform", .match = match_clock, .ops = &ops_clock },
	{ .name = "domain", .bus = "platform", .match = match_domain, .ops = &ops_domain },
	{ .name = "display", .bus = "platform", .match = match_display, .ops = &ops_display },
	{ .name = "codec", .bus = "platform", .match = match_codec, .ops = &ops_codec },
};
enum { GIC, CLOCK, DOMAIN, DISPLAY, CODEC, MODULE, NR_PARTS };

/* ---- its tree ---- */

static void cells(const char *name, unsigned int n, const uint32_t *v)
{
	fdt32_t be[8];

	for (unsigned int i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_property(board->blob, name, be, (int)n * 4), 0);
}

#define CELLS(name, ...) \
	cells(name, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, (const uint32_t[]){ __VA_ARGS__ })

static void begin(const char *name, const char *compatible)
{
	assert_int_equal(fdt_begin_node(board->blob, name), 0);
	if (compatible)
		assert_int_equal(fdt_property_string(board->blob, "compatible", compatible), 0);
}

static void end(void)
{
	assert_int_equal(fdt_end_node(board->blob), 0);
}

static void provider(const char *name, const char *compatible, uint32_t phandle, const char *count,
		     uint32_t n)
{
	begin(name, compatible);
	CELLS("phandle", phandle);
	CELLS(count, n);
	end();
}

static void make_tree(struct board *b)
{
	assert_int_equal(fdt_create(b->blob, sizeof(b->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(b->blob), 0);
	begin("", NULL);
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
	CELLS("interrupt-parent", 1);
	begin("gic", "t,gic");
	CELLS("phandle", 1);
	assert_int_equal(fdt_property(b->blob, "interrupt-controller", NULL, 0), 0);
	CELLS("#interrupt-cells", 3);
	end();
	provider("clock", "t,clock", 2, "#clock-cells", 1);
	provider("domain", "t,domain", 3, "#power-domain-cells", 0);
	begin("reserved-memory", NULL);
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
	assert_int_equal(fdt_property(b->blob, "ranges", NULL, 0), 0);
	begin("fb", NULL);
	CELLS("phandle", 4);
	CELLS("reg", (uint32_t)b->left_pa, FRAME);
	CELLS("iommu-addresses", 5, (uint32_t)b->left_pa, FRAME);
	end();
	end();
	begin("display", "t,display");
	CELLS("phandle", 5);
	CELLS("iommus", 16);
	if (b->firmware)
		CELLS("memory-region", 4);
	end();
	begin("codec", "t,codec");
	CELLS("iommus", 17, 18);
	CELLS("power-domains", 3);
	end();
	for (unsigned int i = 0; i < NR; i++) {
		char name[32];

		snprintf(name, sizeof(name), "sysmmu@%llx", BASE(i));
		begin(name, "samsung,exynos-sysmmu");
		CELLS("phandle", 16 + i);
		CELLS("reg", (uint32_t)BASE(i), 0x1000);
		CELLS("interrupts", 0, LINE(i), 4);
		CELLS("clocks", 2, i);
		if (i)
			CELLS("power-domains", 3);
		CELLS("#iommu-cells", 0);
		end();
	}
	end();
	assert_int_equal(fdt_finish(b->blob), 0);
}

/* ---- a board ---- */

static uint64_t buffer(struct board *b, uint64_t seed)
{
	const struct weir_host_ops *ops = testhost_ops(b->t);
	uint64_t pa;
	void *va;

	assert_int_equal(ops->pages_alloc(b->t, FRAME, 4096, &va, &pa), 0);
	hwpattern_fill(va, FRAME, seed, 0);
	ops->cache_sync(b->t, pa, FRAME, WEIR_CACHE_CLEAN);
	hwram_allow(b->h->ram, pa, FRAME, 0xff, 0xff);
	return pa;
}

static void buffer_free(struct board *b, uint64_t pa)
{
	hwram_allow(b->h->ram, pa, FRAME, 0, 0);
	testhost_ops(b->t)->pages_free(b->t, hwram_va(b->h->ram, pa, FRAME), pa, FRAME);
}

/* Hardware alone; @versions: of the System MMUs. */
static void power_on(struct board *b, const unsigned int versions[NR], bool firmware)
{
	static const struct sysmmu_config config = { .minor = 1, .unrest = 64, .fault_aborts = true };
	struct hwport ports[2];

	memset(b, 0, sizeof(*b));
	board = b;
	b->firmware = firmware;
	b->h = hwhost_create(4 << 20, 1);
	b->t = testhost_create(hwhost_ops(b->h), b->h);
	b->h->around_irq = testhost_interrupt;
	for (unsigned int i = 0; i < NR; i++) {
		struct sysmmu_config c = config;

		c.seed = i + 1;
		c.major = versions[i];
		c.who = (uint8_t)(1 << i);
		b->s[i] = hwhost_sysmmu(b->h, BASE(i), &c, LINE(i));
		sysmmu_clock(b->s[i], false);
	}
	b->powered = true;
	b->display = hwdisplay_create(&(struct hwdisplay_config){
		.port = sysmmu_port(b->s[0]), .burst_bytes = 64, .slack = 64 });
	ports[0] = sysmmu_port(b->s[1]);
	ports[1] = sysmmu_port(b->s[2]);
	b->codec = hwcodec_create(&ports[0], &ports[1]);
	b->rogue = hwmulti_create(ports, 2, 1);
	hwhost_display(b->h, b->display);
	hwhost_codec(b->h, b->codec);
	hwhost_multi(b->h, b->rogue);
	b->fb_pa = buffer(b, 3);
	b->in_pa = buffer(b, 5);
	b->out_pa = buffer(b, 0);
	b->left_pa = buffer(b, 9);
	if (firmware) {
		sysmmu_clock(b->s[0], true); /* nobody counts that */
		hwdisplay_show(b->display, b->left_pa, FRAME, 9);
	}
	make_tree(b);
}

static int machine(struct board *b)
{
	int err = weir_machine_create(testhost_ops(b->t), b->t, &b->m);

	if (!err)
		err = weir_firmware_load_dt(b->m, b->blob, sizeof(b->blob));
	return err ? err : weir_firmware_populate(b->m);
}

static int load(struct board *b, unsigned int part)
{
	int err = part == MODULE ? weir_module_load(b->m, &weir_module_exynos_sysmmu, &b->module)
				 : weir_driver_register(b->m, &drivers[part]);

	return err ? err : weir_settle(b->m);
}

static void up(struct board *b, const unsigned int versions[NR])
{
	power_on(b, versions, false);
	assert_int_equal(machine(b), 0);
	for (unsigned int i = 0; i < NR_PARTS; i++)
		assert_int_equal(load(b, i), 0);
}

static void no_findings(struct board *b)
{
	for (unsigned int i = 0; i < NR; i++)
		if (sysmmu_findings(b->s[i], SYSMMU_FINDINGS))
			fail_msg("%u: %s", i, sysmmu_first_finding(b->s[i]));
}

static void down(struct board *b)
{
	if (b->m)
		weir_machine_destroy(b->m);
	hwdisplay_stop(b->display);
	buffer_free(b, b->fb_pa);
	buffer_free(b, b->in_pa);
	buffer_free(b, b->out_pa);
	buffer_free(b, b->left_pa);
	no_findings(b);
	/* that of a display which firmware left on, and which nobody took, stays on */
	for (unsigned int i = 0; i < NR; i++)
		assert_true(b->clocks[i] <= (b->firmware && !i));
	testhost_destroy(b->t);
	hwhost_destroy(b->h);
	hwdisplay_destroy(b->display);
	hwcodec_destroy(b->codec);
	hwmulti_destroy(b->rogue);
}

static struct weir_device *find(struct board *b, const char *name)
{
	struct weir_device *dev;

	for (dev = weir_device_first(b->m); dev; dev = weir_device_next(dev))
		if (!strcmp(weir_device_name(dev), name))
			return dev;
	fail_msg("no device %s", name);
	return NULL;
}

static bool bound(struct board *b, const char *name)
{
	return weir_device_status_get(find(b, name)) == WEIR_DEVICE_BOUND;
}

/* The codec does a job, from its left System MMU to its right one. */
static bool job(struct board *b)
{
	unsigned long done = hwcodec_stats_get(b->codec)->done;

	assert_true(hwcodec_start(b->codec, &(struct hwcodec_job){
		.in = b->in_iova, .out = b->out_iova, .bytes = FRAME, .seed = 5 }));
	hwhost_points(b->h, 2000);
	hwcodec_stop(b->codec);
	if (hwcodec_stats_get(b->codec)->done == done)
		return false;
	testhost_ops(b->t)->cache_sync(b->t, b->out_pa, FRAME, WEIR_CACHE_INVALIDATE);
	return hwpattern_is(hwram_va(b->h->ram, b->out_pa, FRAME), FRAME, 6, 0);
}

/* The display shows frames, and loses none. */
static void shows(struct board *b)
{
	const struct hwdisplay_stats *stats = hwdisplay_stats_get(b->display);
	unsigned long frames = stats->frames;

	hwhost_points(b->h, 600);
	assert_true(stats->frames >= frames + 3);
	assert_int_equal(stats->lost, 0);
	assert_int_equal(stats->wrong, 0);
}

static const unsigned int ones[NR] = { 1, 1, 1 }, mixed[NR] = { 5, 3, 2 };

/* ---- order ---- */

/* In whatever order drivers come, the module among them: everything is translated, or does not run. */
static void test_sysmmu_driver_orders(void **state)
{
	struct board b;

	(void)state;
	for (unsigned int first = 0; first < NR_PARTS; first++)
		for (unsigned int back = 0; back < 2; back++) {
			power_on(&b, first & 1 ? mixed : ones, false);
			assert_int_equal(machine(&b), 0);
			for (unsigned int i = 0; i < NR_PARTS; i++) {
				unsigned int part = (first + (back ? NR_PARTS - i : i)) % NR_PARTS;

				assert_int_equal(load(&b, part), 0);
			}
			assert_true(bound(&b, "display") && bound(&b, "codec"));
			shows(&b);
			assert_int_equal(weir_pm_runtime_get(find(&b, "codec")), 0);
			assert_true(job(&b));
			for (unsigned int i = 0; i < NR; i++)
				assert_int_equal(sysmmu_stats_get(b.s[i])->bypassed, 0);
			down(&b);
		}
}

/* ---- several System MMUs ---- */

/* What is unmapped neither of them uses any more. */
static void test_sysmmu_driver_unmap(void **state)
{
	struct weir_device *codec;
	struct board b;

	(void)state;
	up(&b, ones);
	codec = find(&b, "codec");
	assert_int_equal(weir_pm_runtime_get(codec), 0);
	for (unsigned int i = 0; i < 8; i++) {
		for (unsigned int port = 0; port < 2; port++)
			assert_true(hwmulti_add(b.rogue, &(struct hwmulti_target){
				.port = port, .iova = b.out_iova, .bytes = FRAME, .write = true }));
		hwhost_points(b.h, 30);
		assert_int_equal(codec_unmap(codec), 0);
		hwram_allow(b.h->ram, b.in_pa, FRAME, 0, 0);
		hwram_allow(b.h->ram, b.out_pa, FRAME, 0, 0);
		hwhost_points(b.h, 100);
		hwmulti_stop(b.rogue);
		hwram_allow(b.h->ram, b.in_pa, FRAME, 0xff, 0xff);
		hwram_allow(b.h->ram, b.out_pa, FRAME, 0xff, 0xff);
		assert_int_equal(codec_map(codec), 0);
	}
	for (unsigned int port = 0; port < 2; port++) {
		assert_true(hwmulti_stats_get(b.rogue, port)->landed > 0);
		assert_true(hwmulti_stats_get(b.rogue, port)->aborted > 0);
	}
	hwhost_points(b.h, 2000);
	assert_true(job(&b));
	down(&b);
}

/* One of two does not block: what was unmapped is not known to be unused, and that is said. */
static void test_sysmmu_driver_one_stuck(void **state)
{
	struct weir_device *codec;
	struct board b;

	(void)state;
	up(&b, ones);
	codec = find(&b, "codec");
	assert_int_equal(weir_pm_runtime_get(codec), 0);
	sysmmu_misbehave(b.s[2], SYSMMU_BLOCK_STUCK, 1);
	assert_int_equal(codec_unmap(codec), WEIR_EIO);
	weir_iommu_faults_report(b.m);
	assert_non_null(strstr(hwhost_log_take(b.h), "it does not block its master"));
	shows(&b); /* others go on */
	sysmmu_power(b.s[2], false); /* only that ends it */
	down(&b);
}

/* One of two cannot be had: the codec is not probed, and does no DMA through the other one. */
static void test_sysmmu_driver_one_missing(void **state)
{
	static const unsigned int versions[NR] = { 1, 1, 9 };
	struct board b;
	uint64_t word = 0;

	(void)state;
	up(&b, versions);
	assert_true(bound(&b, "display"));
	assert_false(bound(&b, "codec"));
	assert_non_null(strstr(hwhost_log_take(b.h), "its version is not known"));
	if (b.clocks[1])
		assert_int_equal(sysmmu_dma(b.s[1], b.in_pa, &word, 8, false), HWACCESS_ABORTED);
	shows(&b);
	down(&b);
}

/* One that firmware left translating does not block, or is dead: it is not published, and works later. */
static void test_sysmmu_driver_probe_fails(void **state)
{
	static const char *const said[] = { "it does not block its master", "no System MMU answers" };
	struct board b;

	(void)state;
	for (unsigned int dead = 0; dead < 2; dead++) {
		power_on(&b, ones, false);
		sysmmu_boot_loader(b.s[0], b.left_pa & ~UINT64_C(0x3fff));
		sysmmu_misbehave(b.s[0], dead ? SYSMMU_DEAD : SYSMMU_BLOCK_STUCK, 1);
		assert_int_equal(machine(&b), 0);
		for (unsigned int i = 0; i < NR_PARTS; i++)
			assert_int_equal(load(&b, i), 0);
		assert_false(bound(&b, "11e20000.sysmmu") || bound(&b, "display"));
		assert_true(bound(&b, "codec"));
		assert_int_equal(b.clocks[0], 0);
		assert_non_null(strstr(hwhost_log_take(b.h), said[dead]));
		sysmmu_misbehave(b.s[0], SYSMMU_DEAD, 0);
		sysmmu_power(b.s[0], false);
		sysmmu_power(b.s[0], true);
		assert_int_equal(weir_driver_bind(find(&b, "11e20000.sysmmu")), 0);
		assert_int_equal(weir_settle(b.m), 0);
		assert_true(bound(&b, "display"));
		shows(&b);
		down(&b);
	}
}

/* ---- clocks and power ---- */

static void test_sysmmu_driver_clock_fails(void **state)
{
	struct board b;

	(void)state;
	power_on(&b, ones, false);
	b.clock_err = WEIR_EIO;
	assert_int_equal(machine(&b), 0);
	for (unsigned int i = 0; i < NR_PARTS; i++)
		assert_int_equal(load(&b, i), 0);
	assert_true(bound(&b, "display"));
	assert_false(bound(&b, "codec"));
	assert_non_null(strstr(hwhost_log_take(b.h), "its clock 0 cannot be had"));
	assert_int_equal(sysmmu_stats_get(b.s[2])->accesses, 0);
	/* it works after all */
	b.clock_err = 0;
	assert_int_equal(weir_driver_bind(find(&b, "11e40000.sysmmu")), 0);
	assert_int_equal(weir_settle(b.m), 0);
	assert_true(bound(&b, "codec"));
	down(&b);
}

/* They sleep with their master, and what was changed meanwhile is in force when they wake. */
static void test_sysmmu_driver_sleeps(void **state)
{
	struct weir_device *codec;
	struct board b;

	(void)state;
	up(&b, ones);
	codec = find(&b, "codec");
	for (unsigned int i = 0; i < 3; i++) {
		assert_false(weir_pm_runtime_active(codec));
		assert_false(b.powered);
		assert_int_equal(b.clocks[0], 1);
		assert_int_equal(b.clocks[1] + b.clocks[2], 0);
		hwhost_points(b.h, 3000); /* timers touch nothing */
		if (i == 1) {
			assert_int_equal(codec_unmap(codec), 0);
			assert_int_equal(codec_map(codec), 0);
		}
		assert_int_equal(weir_pm_runtime_get(codec), 0);
		assert_true(b.powered);
		assert_true(job(&b));
		weir_pm_runtime_put(codec);
	}
	shows(&b);
	down(&b);
}

/* One of the codec's does not wake: nobody does, no clock is left on; it wakes when that works again. */
static void test_sysmmu_driver_does_not_wake(void **state)
{
	struct weir_device *codec;
	struct board b;

	(void)state;
	up(&b, ones);
	codec = find(&b, "codec");
	for (unsigned int how = 0; how < 3; how++) {
		b.clock_err = how == 0 ? WEIR_EIO : 0;
		sysmmu_misbehave(b.s[2], SYSMMU_DEAD, how == 1);
		sysmmu_misbehave(b.s[2], SYSMMU_BLOCK_STUCK, how == 2 ? 2 : 0);
		assert_true(weir_pm_runtime_get(codec) < 0);
		hwhost_points(b.h, 3000);
		assert_int_equal(b.clocks[1] + b.clocks[2], 0);
		b.clock_err = 0;
		sysmmu_misbehave(b.s[2], SYSMMU_DEAD, 0);
		assert_int_equal(weir_pm_runtime_get(codec), 0);
		assert_true(job(&b));
		weir_pm_runtime_put(codec);
		assert_int_equal(b.clocks[1] + b.clocks[2], 0);
	}
	down(&b);
}

static void test_sysmmu_driver_suspend(void **state)
{
	struct board b;

	(void)state;
	up(&b, mixed);
	for (unsigned int i = 0; i < 3; i++) {
		shows(&b);
		assert_int_equal(weir_pm_suspend(b.m), 0);
		assert_int_equal(b.clocks[0], 0);
		for (unsigned int k = 0; k < NR; k++) {
			sysmmu_power(b.s[k], false);
			sysmmu_power(b.s[k], true);
		}
		hwhost_points(b.h, 3000);
		assert_int_equal(weir_pm_resume(b.m), 0);
	}
	shows(&b);
	weir_pm_shutdown(b.m);
	hwhost_points(b.h, 100);
	down(&b);
}

/* ---- going, and coming back ---- */

static void test_sysmmu_driver_unload(void **state)
{
	struct board b;

	(void)state;
	up(&b, ones);
	for (unsigned int i = 0; i < 3; i++) {
		shows(&b);
		assert_int_equal(weir_module_unload(b.module, 0), WEIR_EBUSY);
		shows(&b);
		assert_int_equal(weir_module_unload(b.module, WEIR_MODULE_FORCE), 0);
		assert_false(bound(&b, "display") || bound(&b, "codec"));
		assert_false(hwdisplay_runs(b.display));
		assert_int_equal(load(&b, MODULE), 0);
		assert_true(bound(&b, "display") && bound(&b, "codec"));
	}
	down(&b);
}

/* Pulled out, with its hardware: the codec goes with one of its two. */
static void test_sysmmu_driver_hot_removed(void **state)
{
	struct board b;

	(void)state;
	up(&b, ones);
	assert_int_equal(weir_pm_runtime_get(find(&b, "codec")), 0);
	sysmmu_misbehave(b.s[2], SYSMMU_DEAD, 1);
	weir_device_del(find(&b, "11e40000.sysmmu"));
	assert_int_equal(weir_settle(b.m), 0);
	assert_false(bound(&b, "codec"));
	assert_true(bound(&b, "display"));
	shows(&b);
	down(&b);
}

/* ---- firmware's display ---- */

/* It goes on through the coming and going of the IOMMU's driver, until a driver takes it. */
static void test_sysmmu_driver_display_left_on(void **state)
{
	struct board b;

	(void)state;
	for (unsigned int late = 0; late < 2; late++) {
		power_on(&b, late ? mixed : ones, true);
		assert_int_equal(machine(&b), 0);
		shows(&b);
		for (unsigned int i = 0; i < NR_PARTS; i++)
			if (i != DISPLAY) {
				assert_int_equal(load(&b, i), 0);
				shows(&b);
			}
		/* untranslated it was before; what is not its frame buffer it does not reach now */
		assert_false(sysmmu_translate(b.s[0], b.in_pa, false, &(uint64_t){ 0 }));
		for (unsigned int i = 0; i < 2 * late; i++) {
			assert_int_equal(weir_module_unload(b.module, WEIR_MODULE_FORCE), 0);
			shows(&b);
			assert_int_equal(load(&b, MODULE), 0);
			shows(&b);
		}
		assert_int_equal(load(&b, DISPLAY), 0);
		assert_true(bound(&b, "display"));
		shows(&b);
		down(&b);
	}
}

/* ---- every call of the host fails ---- */

static void test_sysmmu_driver_every_call_fails(void **state)
{
	unsigned int n;
	struct board b;
	bool hit = true;

	(void)state;
	for (n = 1; hit; n++) {
		int err;

		power_on(&b, ones, n & 1); /* the display may be on already */
		testhost_fail_at(b.t, n);
		err = machine(&b);
		for (unsigned int i = 0; i < NR_PARTS && !err; i++)
			err = load(&b, i);
		hit = testhost_fault_hit(b.t);
		if (!hit)
			assert_true(!err && bound(&b, "display") && bound(&b, "codec"));
		hwhost_points(b.h, 200);
		/* what firmware left on goes on, or it is said that there is no memory for that */
		if (hwdisplay_stats_get(b.display)->lost)
			assert_true(b.firmware && strstr(hwhost_log_take(b.h), "it cannot be kept so"));
		if (b.firmware) { /* what may be left on has no power when its tables go */
			hwdisplay_stop(b.display);
			if (b.module)
				(void)weir_module_unload(b.module, WEIR_MODULE_FORCE);
			sysmmu_power(b.s[0], false);
		}
		down(&b);
	}
	assert_true(n > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sysmmu_driver_orders),
		cmocka_unit_test(test_sysmmu_driver_unmap),
		cmocka_unit_test(test_sysmmu_driver_one_stuck),
		cmocka_unit_test(test_sysmmu_driver_one_missing),
		cmocka_unit_test(test_sysmmu_driver_probe_fails),
		cmocka_unit_test(test_sysmmu_driver_clock_fails),
		cmocka_unit_test(test_sysmmu_driver_sleeps),
		cmocka_unit_test(test_sysmmu_driver_does_not_wake),
		cmocka_unit_test(test_sysmmu_driver_suspend),
		cmocka_unit_test(test_sysmmu_driver_unload),
		cmocka_unit_test(test_sysmmu_driver_hot_removed),
		cmocka_unit_test(test_sysmmu_driver_display_left_on),
		cmocka_unit_test(test_sysmmu_driver_every_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
