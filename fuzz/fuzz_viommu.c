// SPDX-License-Identifier: MIT
/*
 * The fuzzer of virtio-iommu: configuration, answers, properties of endpoints and fault
 * reports come from the input. Every call returns in bounded time, what it says fits, and
 * nothing is left in the end.
 */
#include "virtiodev.h"

#include "weir/virtio_iommu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define DOMAINS 3u

struct book {
	struct virtiodev d;
	struct weir_viommu *vi;
	struct weir_viommu_domain *domains[DOMAINS];
	unsigned long faults;
};

static void on_fault(void *arg, const struct weir_fault *fault)
{
	struct book *b = arg;

	VIRTIODEV_CHECK(fault->reason <= WEIR_FAULT_UNMAPPED);
	VIRTIODEV_CHECK(!(fault->flags & ~(WEIR_FAULT_READ | WEIR_FAULT_WRITE | WEIR_FAULT_NO_IOVA)));
	b->faults++;
}

static void regions(struct book *b)
{
	uint32_t endpoint = virtiodev_byte(&b->d) % 4;
	struct weir_region region;

	for (unsigned int i = 0; i < 4096 && !weir_viommu_region(b->vi, endpoint, i, &region); i++)
		VIRTIODEV_CHECK(region.first <= region.last && region.kind <= WEIR_REGION_MSI);
}

static void map_some(struct book *b)
{
	struct weir_viommu_domain *domain = b->domains[virtiodev_byte(&b->d) % DOMAINS];
	uint64_t iova = virtiodev_number(&b->d, 3) << 10;

	if (!domain)
		return;
	for (unsigned int n = virtiodev_byte(&b->d) % 32; n; n--, iova += 0x2000)
		weir_viommu_map(domain, iova, iova / 2, 4096ull << (n % 3), WEIR_MAP_READ);
}

static void unmap_some(struct book *b)
{
	struct weir_viommu_domain *domain = b->domains[virtiodev_byte(&b->d) % DOMAINS];
	uint64_t iova = virtiodev_number(&b->d, 3) << 10;

	if (!domain)
		return;
	for (unsigned int n = virtiodev_byte(&b->d) % 32; n; n--, iova += 0x2000)
		weir_viommu_unmap(domain, iova, 4096ull << (n % 3));
}

static void come_and_go(struct book *b)
{
	unsigned int i = virtiodev_byte(&b->d) % DOMAINS;

	if (b->domains[i])
		b->domains[i] = weir_viommu_domain_destroy(b->domains[i]);
	else
		weir_viommu_domain_create(b->vi, &b->domains[i]);
}

static void step(struct book *b)
{
	unsigned int what = virtiodev_byte(&b->d), endpoint = what >> 4 & 3;

	switch (what % 12) {
	case 0: regions(b); break;
	case 1: come_and_go(b); break;
	case 2: case 3: map_some(b); break;
	case 4: unmap_some(b); break;
	case 5: weir_viommu_attach(b->vi, endpoint, b->domains[(what >> 6) % DOMAINS]); break;
	case 6: weir_viommu_attach_identity(b->vi, endpoint); break;
	case 7: weir_viommu_forget(b->vi, endpoint); break;
	case 8: weir_viommu_poll(b->vi); break;
	case 9:
		if (b->domains[endpoint % DOMAINS])
			weir_viommu_sync_map(b->domains[endpoint % DOMAINS]);
		break;
	case 10:
		if (b->domains[endpoint % DOMAINS])
			weir_viommu_sync(b->domains[endpoint % DOMAINS]);
		break;
	default:
		weir_viommu_suspend(b->vi);
		weir_viommu_resume(b->vi);
		break;
	}
}

static void run(struct book *b)
{
	for (unsigned int n = 0; b->d.bytes && n < 500; n++) {
		uint64_t before = b->d.clock;

		step(b);
		VIRTIODEV_CHECK(b->d.clock - before < 2000000000);
	}
	for (unsigned int i = 0; i < DOMAINS; i++)
		weir_viommu_domain_destroy(b->domains[i]);
	weir_viommu_destroy(b->vi);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct weir_viommu_options options = { .timeout_ns = 1000000, .fault = on_fault };
	struct weir_machine *m;
	struct weir_virtio *v;
	struct book b = { 0 };

	options.arg = &b;
	virtiodev_init(&b.d, 23, data, bytes);
	options.keep_bypass = virtiodev_byte(&b.d) & 1;
	/* Sizes of what PROBE answers are small, so that the input is enough for it. */
	for (unsigned int i = 0; i < 37; i++)
		b.d.config[i] = i == 33 ? virtiodev_byte(&b.d) & 1 : i == 34 || i == 35 ? 0 : virtiodev_byte(&b.d);
	VIRTIODEV_CHECK(!weir_machine_create(&b.d.ops, &b.d, &m));
	VIRTIODEV_CHECK(!weir_virtio_open_mmio(m, "fuzz", VIRTIODEV_PA, VIRTIODEV_BYTES,
					       WEIR_VIRTIO_NO_LINE, &v));
	if (!weir_viommu_create(v, &options, &b.vi))
		run(&b);
	weir_virtio_close(v);
	weir_machine_destroy(m);
	virtiodev_fini(&b.d, false);
	return 0;
}
