// SPDX-License-Identifier: MIT
#include "clients.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seed.h"

void clients_bind(struct clients *cl)
{
	assert_int_equal(weir_driver_register(cl->b.m, cl->drv), 0);
	assert_int_equal(weir_settle(cl->b.m), 0);
	cl->ops = weir_client_of(cl->dev);
	assert_non_null(cl->ops);
	assert_true(weir_pci_is_master(cl->dev));
	assert_int_equal(weir_dma_is_translated(cl->dev), cl->behind_iommu);
}

void clients_unbind(struct clients *cl)
{
	struct weir_dma_stats stats;

	assert_int_equal(weir_driver_unregister(cl->b.m, cl->drv), 0);
	assert_false(weir_pci_is_master(cl->dev));
	weir_dma_stats_get(cl->dev, &stats);
	assert_int_equal(stats.mappings, 0);
	assert_null(weir_client_of(cl->dev));
}

/* Memory of this process as a file for QEMU, which nobody has to remove. */
static int memory_file(const char *name, size_t bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static unsigned int make_args(struct clients *cl, const struct clients_what *what)
{
	unsigned int n = 0;

	if (cl->behind_iommu)
		n = bench_iommu_args("03.0", cl->iommu_text, cl->args, n);
	if (what->disk_bytes) {
		cl->disk_fd = memory_file("disk", what->disk_bytes);
		snprintf(cl->text[0], sizeof(cl->text[0]), "driver=file,node-name=disk0,locking=off,"
			 "filename=/proc/%d/fd/%d", (int)getpid(), cl->disk_fd);
		cl->args[n++] = "-blockdev";
		cl->args[n++] = cl->text[0];
	}
	if (what->network) {
		cl->capture_fd = memory_file("capture", 0);
		snprintf(cl->text[1], sizeof(cl->text[1]),
			 "filter-dump,id=dump0,netdev=net0,file=/proc/%d/fd/%d", (int)getpid(),
			 cl->capture_fd);
		cl->args[n++] = "-netdev";
		cl->args[n++] = "user,id=net0,restrict=on";
		cl->args[n++] = "-object";
		cl->args[n++] = cl->text[1];
	}
	for (const char *const *arg = what->args; *arg; arg++)
		cl->args[n++] = *arg;
	return n;
}

void clients_open(struct clients *cl, const struct clients_what *what, const char *arch, bool iommu)
{
	memset(cl, 0, sizeof(*cl));
	cl->disk_fd = cl->capture_fd = -1;
	cl->drv = what->drv;
	cl->behind_iommu = iommu;
	assert_in_range(make_args(cl, what), 0, CLIENTS_MAX_ARGS - 1);
	/* Other IOMMUs than virtio-iommu are of one machine; what is direct was tested with that. */
	if (bench_iommu()->machine && (!iommu || strcmp(arch, "aarch64")))
		skip();
	if (iommu)
		bench_open_behind(&cl->b, arch, cl->args, &cl->iommu);
	else
		bench_open(&cl->b, arch, NULL, cl->args);
	cl->dev = bench_pci(&cl->b, what->vendor, what->device);
	assert_false(weir_pci_is_master(cl->dev));
	clients_bind(cl);
}

void clients_close(struct clients *cl)
{
	clients_unbind(cl);
	if (cl->iommu)
		assert_int_equal(weir_module_unload(cl->iommu, WEIR_MODULE_FORCE), 0);
	bench_close(&cl->b);
	if (cl->disk_fd >= 0)
		close(cl->disk_fd);
	if (cl->capture_fd >= 0)
		close(cl->capture_fd);
}

void clients_pass(struct clients *cl, const char *test)
{
	char report[WEIR_CLIENT_REPORT_BYTES];
	int err = cl->ops->dma_test(cl->dev, test, report, sizeof(report));

	printf("# %s, %s\n", report, cl->behind_iommu ? "translated" : "direct");
	if (err)
		fail_msg("%s: %s", test, weir_strerror(err));
}

void clients_refuse(struct clients *cl, const char *test, int err, const char *words)
{
	char report[WEIR_CLIENT_REPORT_BYTES];

	assert_int_equal(cl->ops->dma_test(cl->dev, test, report, sizeof(report)), err);
	printf("# %s\n", report);
	assert_non_null(strstr(report, weir_device_name(cl->dev)));
	assert_non_null(strstr(report, words));
}

static void check_unbound(struct clients *cl)
{
	struct weir_dma_stats stats;

	assert_false(weir_pci_is_master(cl->dev));
	weir_dma_stats_get(cl->dev, &stats);
	assert_int_equal(stats.mappings, 0);
}

unsigned long clients_sweep(struct clients *cl)
{
	unsigned long n = 0;
	bool hit = true;

	clients_unbind(cl);
	while (hit) {
		struct testhost_counts before, after;

		testhost_counts_get(cl->b.host, &before);
		testhost_fail_at(cl->b.host, ++n);
		if (!weir_driver_register(cl->b.m, cl->drv)) {
			(void)weir_settle(cl->b.m);
			hit = testhost_fault_hit(cl->b.host);
			testhost_fail_at(cl->b.host, 0);
			if (!weir_device_driver(cl->dev))
				check_unbound(cl);
			assert_int_equal(weir_driver_unregister(cl->b.m, cl->drv), 0);
		}
		testhost_fail_at(cl->b.host, 0);
		check_unbound(cl);
		testhost_check(cl->b.host);
		testhost_counts_get(cl->b.host, &after);
		if (n > 4) /* what a machine makes once and keeps is there by then */
			assert_in_range(after.blocks, 0, before.blocks);
		assert_in_range(n, 1, 10000);
	}
	clients_bind(cl);
	printf("# %lu calls failed\n", n - 1);
	return n - 1;
}

void clients_sweep_test(struct clients *cl, const char *test, unsigned int points)
{
	struct testhost_counts before, after;
	struct weir_dma_stats first, last;
	char report[WEIR_CLIENT_REPORT_BYTES];
	uint64_t seed = seed_take();
	unsigned long calls;

	clients_pass(cl, test);
	testhost_counts_get(cl->b.host, &before);
	clients_pass(cl, test);
	testhost_counts_get(cl->b.host, &after);
	calls = after.calls - before.calls;
	if (!calls && bench_iommu()->machine) /* an IOMMU with tables need not ask for anything */
		return;
	assert_true(calls > 0);
	weir_dma_stats_get(cl->dev, &first);
	for (unsigned int i = 0; i < points; i++) {
		unsigned long n = calls < points ? i % calls + 1 : seed_next(&seed) % calls + 1;
		int err;

		testhost_fail_at(cl->b.host, n);
		err = cl->ops->dma_test(cl->dev, test, report, sizeof(report));
		if (testhost_fault_hit(cl->b.host) && err != WEIR_ENOMEM && err != 0)
			fail_msg("call %lu: %s: %s", n, report, weir_strerror(err));
		testhost_fail_at(cl->b.host, 0);
		weir_dma_stats_get(cl->dev, &last);
		assert_int_equal(last.mappings, first.mappings);
		testhost_check(cl->b.host);
		assert_int_equal(cl->ops->dma_test(cl->dev, test, report, sizeof(report)), 0);
	}
	printf("# %lu of %lu calls failed\n", calls < points ? calls : points, calls);
}

void clients_reload(struct clients *cl, unsigned int rounds, const char *rest)
{
	struct testhost_counts first = { 0 }, now;
	char report[WEIR_CLIENT_REPORT_BYTES];

	for (unsigned int i = 0; i < rounds; i++) {
		if (rest)
			assert_int_equal(cl->ops->dma_test(cl->dev, rest, report, sizeof(report)), 0);
		clients_unbind(cl);
		testhost_check(cl->b.host);
		testhost_counts_get(cl->b.host, &now);
		if (i < 2)
			first = now;
		assert_int_equal(now.blocks, first.blocks);
		clients_bind(cl);
	}
}

#define PCI_COMMAND        4u
#define PCI_COMMAND_MEMORY 2u

void clients_gone(struct clients *cl)
{
	const struct weir_host_ops *ops = weir_qtest_ops(cl->b.qtest);
	uint64_t began = ops->time_ns(cl->b.qtest);
	struct weir_client_stats stats;
	uint32_t command;

	clients_pass(cl, "quick");
	command = weir_pci_read(cl->dev, PCI_COMMAND, 2);
	weir_pci_write(cl->dev, PCI_COMMAND, 2, command & ~PCI_COMMAND_MEMORY);
	clients_refuse(cl, "quick", WEIR_EIO, "in quarantine");
	cl->ops->stats(cl->dev, &stats);
	assert_non_null(stats.fault);
	clients_unbind(cl);
	assert_true(ops->time_ns(cl->b.qtest) - began < UINT64_C(12000000000));
	clients_bind(cl);
	clients_pass(cl, "quick");
}

/* ---- addresses ---- */

void clients_iova(struct clients *cl, uint64_t iova, uint64_t pa)
{
	struct weir_domain *domain;
	struct weir_group *group;
	uint64_t reached, ram_pa;
	size_t ram_bytes;

	if (!cl->behind_iommu) {
		assert_int_equal(iova, pa);
		return;
	}
	weir_qtest_ram(cl->b.qtest, &ram_pa, &ram_bytes);
	if (iova - ram_pa < ram_bytes)
		fail_msg("0x%llx is an address of RAM", (unsigned long long)iova);
	assert_int_equal(weir_group_of(cl->dev, &group), 0);
	domain = weir_group_domain(group);
	assert_int_equal(weir_domain_type_get(domain), WEIR_DOMAIN_DMA);
	assert_int_equal(weir_domain_translate(domain, iova, &reached), 0);
	assert_int_equal(reached, pa);
}

uint64_t clients_pa(struct clients *cl, const void *va)
{
	const struct weir_host_ops *ops = weir_qtest_ops(cl->b.qtest);
	uint64_t pa;

	assert_int_equal(ops->va_to_pa(cl->b.qtest, va, 1, &pa), 0);
	return pa;
}

void clients_buffer(struct clients *cl, const struct client_buffer *b)
{
	unsigned int neighbours = 0;

	assert_int_equal(b->nr_mapped, b->nr_pages);
	for (uint32_t i = 0; i < b->nr_pages; i++) {
		clients_iova(cl, b->pages[i].iova, b->pages[i].pa);
		neighbours += i && b->pages[i].iova == b->pages[i - 1].iova + CLIENT_PAGE;
	}
	assert_in_range(neighbours, 0, b->nr_pages / 8);
}

/* ---- disks ---- */

#define DISK_PAGES 256u
#define DISK_AT    3u

static void compare_page(struct clients *cl, const struct client_page *page, uint32_t at)
{
	uint8_t there[CLIENT_PAGE];

	assert_int_equal(pread(cl->disk_fd, there, sizeof(there), (off_t)at * CLIENT_PAGE),
			 sizeof(there));
	assert_memory_equal(there, page->va, sizeof(there));
}

static void fill_file(struct clients *cl, uint32_t pages)
{
	uint64_t words[CLIENT_PAGE / 8], seed = 5;

	for (uint32_t i = 0; i < pages; i++) {
		for (size_t j = 0; j < CLIENT_PAGE / 8; j++)
			words[j] = client_random(&seed);
		assert_int_equal(pwrite(cl->disk_fd, words, sizeof(words), (off_t)i * CLIENT_PAGE),
				 sizeof(words));
	}
}

void clients_disk(struct clients *cl, struct client *c,
		  int (*transfer)(struct client *c, const struct client_buffer *b, uint32_t first,
				  uint32_t nr, uint64_t at, bool write))
{
	struct client_buffer b;

	assert_int_equal(client_buffer_init(&b, c, DISK_PAGES, 77), 0);
	client_buffer_fill(&b, 88);
	assert_int_equal(client_buffer_map(&b, WEIR_DMA_BIDIRECTIONAL), 0);
	clients_buffer(cl, &b);
	assert_int_equal(transfer(c, &b, 0, DISK_PAGES, DISK_AT, true), 0);
	for (uint32_t i = 0; i < DISK_PAGES; i++)
		compare_page(cl, &b.pages[i], DISK_AT + i);
	fill_file(cl, DISK_PAGES - 20);
	assert_int_equal(transfer(c, &b, 7, DISK_PAGES - 20, 0, false), 0);
	for (uint32_t i = 0; i < DISK_PAGES - 20; i++)
		compare_page(cl, &b.pages[7 + i], i);
	assert_true(client_buffer_intact(&b));
	assert_int_equal(transfer(c, &b, 0, 1, UINT32_MAX, true), WEIR_ERANGE);
	client_buffer_fini(&b);
}

/* ---- whole tests ---- */

void clients_check_reload(const struct clients_what *what)
{
	struct clients cl;

	clients_open(&cl, what, "aarch64", true);
	clients_reload(&cl, 20, "start");
	clients_pass(&cl, "quick");
	clients_close(&cl);
}

void clients_check_gone(const struct clients_what *what)
{
	struct clients cl;

	clients_open(&cl, what, "aarch64", true);
	clients_gone(&cl);
	clients_close(&cl);
}

void clients_check_sweep(const struct clients_what *what, const char *test)
{
	struct clients cl;

	clients_open(&cl, what, "aarch64", true);
	assert_true(clients_sweep(&cl) > 5);
	if (test)
		clients_sweep_test(&cl, test, 40);
	clients_pass(&cl, "quick");
	clients_close(&cl);
}
