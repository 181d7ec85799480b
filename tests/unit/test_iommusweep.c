// SPDX-License-Identifier: MIT
/*
 * The IOMMU stack with every call failing once: stories of groups, special regions, doorbells,
 * IOMMUs that are plugged, lose their power, reject ids or come late. See iommuscript.h.
 */
#include "iommuscript.h"

#define NONE IM_STREAMS
#define ALL(masters_) .masters = masters_, .nr_masters = sizeof(masters_) / sizeof(masters_[0])

/* m0 and m1 share a stream at a; m2 has three streams; m3 a group of its own. */
static const struct im_master several[] = {
	{ .at_a = 1, .at_b = NONE }, { .at_a = 1, .at_b = 4 },
	{ .at_a = 2, .at_b = 2, .also_a = 3 }, { .at_a = NONE, .at_b = 5 },
};
static const struct im_master one[] = { { .at_a = 1, .at_b = NONE } };
static const struct im_master two[] = { { .at_a = 1, .at_b = 1 }, { .at_a = 2, .at_b = NONE } };
/* m0 was left running by firmware, m1 has a hole. */
static const struct im_master special[] = {
	{ .at_a = 1, .at_b = NONE, .also_a = 3, .direct_pa = 0x9000000 },
	{ .at_a = 2, .at_b = 2, .hole_iova = 0xa000000 },
};

/* m0 was left running behind both, and m1 was not. */
static const struct im_master left[] = {
	{ .at_a = 1, .at_b = 2, .also_a = 3, .direct_pa = 0x9000000 }, { .at_a = 2, .at_b = NONE },
};

#define START "tree;iommus;clients;+a;+b;"
#define LATE_RULES(rule) .rules = { WEIR_IOMMU_OPTIONAL, rule }, .dma = true, .may_be_direct = true

static const struct im_script groups[] = {
	{ .name = "masters join and leave",
	  .steps = START "+m0;+m1;+m2;+m3;up;map m0;-m1;+m1;up;-m0;+m0;up;unmap m0;-m0;-m1;+m1;+m0;up",
	  ALL(several) },
	{ .name = "several streams",
	  .steps = START "+m2;up;map m2;attach m2;map m2;-m2;+m2;up;map m2;"
	  "unbind m2;bind m2;up",
	  ALL(several) },
	{ .name = "claim and release",
	  .steps = START "+m0;+m1;up;unbind m0;unbind m1;claim m0;attach m0;map m0;release m1;bind m0;"
	  "bind m1;up;unbind m1;unbind m0;claim m1;-m0;release m1;bind m1;+m0;up", ALL(several) },
	{ .name = "driver modules go and come",
	  .steps = START "+m0;+m1;+m2;+m3;up;-iommus;settle;iommus;up;-clients;clients;up", ALL(several) },
	{ .name = "power",
	  .steps = START "+m0;+m1;+m2;up;map m2;off a;unmap m2;map m0;attach m2;off b;on a;"
	  "map m2;on b;off a;-m2;on a;+m2;up", ALL(several) },
};

static const struct im_script regions[] = {
	{ .name = "direct regions and holes",
	  .steps = START "+m0;+m1;up;attach m0;-m0;+m0;up;unbind m0;bind m0;up",
	  ALL(special) },
	{ .name = "left running by firmware, and taken over",
	  .steps = "tree;iommus;+m0;+m1;+a;+b;settle;clients;up", ALL(special) },
	{ .name = "left running by firmware, and nobody comes",
	  .steps = "tree;iommus;+m0;+m1;+a;+b;settle;consumers a;-iommus;settle;iommus;settle;clients;up",
	  ALL(special) },
	{ .name = "left running behind two, one of which comes late",
	  .steps = "tree;iommus;+m0;+m1;+a;settle;+b;settle;clients;up", ALL(left), .dma = true },
	{ .name = "left running behind two that go and come",
	  .steps = "tree;iommus;+m0;+b;settle;+a;settle;-b;settle;+b;-a;settle;+m1;+a;settle;"
	  "-iommus;settle;iommus;settle;clients;up", ALL(left), .dma = true },
	{ .name = "doorbells",
	  .steps = "doorbell;" START "+m0;+m1;up;msi m0;attach m0;map m0;-m1;+m1;up",
	  ALL(several) },
	{ .name = "doorbells that come late",
	  .steps = START "+m2;up;msi m2;attach m2;msi m2;-iommus;iommus;up;msi m2",
	  ALL(several) },
};

static const struct im_script plugs[] = {
	{ .name = "IOMMUs are unplugged and plugged",
	  .steps = START "+m0;+m1;+m2;+m3;up;-a;settle;+a;up;-b;-a;settle;"
	  "+b;settle;+a;up", ALL(several), .dma = true },
	{ .name = "ids rejected",
	  .steps = START "reject;+m0;+m1;settle;accept;again;up;unbind m0;reject;-m1;+m1;"
	  "again;accept;again;up", ALL(two) },
	{ .name = "ids rejected, direct",
	  .steps = START "reject;+m0;+m1;settle;accept;unbind m0;settle", ALL(two),
	  LATE_RULES(WEIR_IOMMU_REFUSE) },
	{ .name = "mandatory, and it comes",
	  .steps = "tree;clients;+m0;+m1;+a;+b;settle;seal;settle;iommus;up;-a;"
	  "settle;+a;up", ALL(two), .dma = true },
};

#define LATE "tree;clients;+m0;+a;seal;settle;iommus;settle;"
static const struct im_script lates[] = {
	{ .name = "late and refused",
	  .steps = LATE "unbind m0;settle;bind m0;settle;-iommus;settle;iommus;settle",
	  ALL(one), LATE_RULES(WEIR_IOMMU_REFUSE) },
	{ .name = "late, bound again",
	  .steps = LATE "-iommus;settle;iommus;settle;-m0;+m0;settle", ALL(one),
	  LATE_RULES(WEIR_IOMMU_REBIND) },
	{ .name = "late, adopted",
	  .steps = LATE "unbind m0;settle;bind m0;settle;-iommus;settle;iommus;settle",
	  ALL(one), LATE_RULES(WEIR_IOMMU_ADOPT) },
	{ .name = "late, adopted with mappings",
	  .steps = "doorbell;" LATE
	  "unbind m0;settle;bind m0;settle;-iommus;settle;iommus;settle", ALL(one),
	  LATE_RULES(WEIR_IOMMU_ADOPT_MAPPED) },
	{ .name = "late, with another one of its group",
	  .steps = "tree;clients;+m0;+a;seal;settle;iommus;+b;settle;+m1;settle;unbind m0;settle;again",
	  ALL(several), LATE_RULES(WEIR_IOMMU_ADOPT) },
	{ .name = "late, with another one of its group, and mappings",
	  .steps = "tree;clients;+m0;+a;seal;settle;iommus;+b;settle;+m1;settle;unbind m0;settle;again",
	  ALL(several), LATE_RULES(WEIR_IOMMU_ADOPT_MAPPED) },
	{ .name = "two come late",
	  .steps = "tree;clients;+m0;+m1;+a;+b;seal;settle;iommus;settle;-a;settle;+a;settle",
	  ALL(two), LATE_RULES(WEIR_IOMMU_ADOPT_MAPPED) },
	{ .name = "two come late, bound again",
	  .steps = "tree;clients;+m0;+m1;+a;+b;seal;settle;iommus;settle;-a;settle;+a;settle", ALL(two),
	  LATE_RULES(WEIR_IOMMU_REBIND) },
};

static void sweep_all(const struct im_script *scripts, size_t n, struct im_sweep *out_sum)
{
	*out_sum = (struct im_sweep){ 0 };
	for (size_t i = 0; i < n; i++)
		im_script_sweep(&scripts[i], out_sum);
	print_message("%lu calls of the host failed, %lu of instances\n", out_sum->host_calls,
		      out_sum->instance_calls);
}

#define SWEEP(scripts, sum) sweep_all(scripts, sizeof(scripts) / sizeof(scripts[0]), sum)

static void test_iommusweep_groups(void **state)
{
	struct im_sweep sum;

	(void)state;
	SWEEP(groups, &sum);
	assert_true(sum.host_calls > 400 && sum.instance_calls > 100);
}

static void test_iommusweep_regions(void **state)
{
	struct im_sweep sum;

	(void)state;
	SWEEP(regions, &sum);
	assert_true(sum.host_calls > 300 && sum.instance_calls > 100);
}

static void test_iommusweep_plugs(void **state)
{
	struct im_sweep sum;

	(void)state;
	SWEEP(plugs, &sum);
	assert_true(sum.host_calls > 300 && sum.instance_calls > 100);
}

static void test_iommusweep_lates(void **state)
{
	struct im_sweep sum;

	(void)state;
	SWEEP(lates, &sum);
	assert_true(sum.host_calls > 300 && sum.instance_calls > 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iommusweep_groups),
		cmocka_unit_test(test_iommusweep_regions),
		cmocka_unit_test(test_iommusweep_plugs),
		cmocka_unit_test(test_iommusweep_lates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
