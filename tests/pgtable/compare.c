// SPDX-License-Identifier: MIT
/*
 * The library's tables and Linux's, of the same calls, bit by bit: random sequences of maps and unmaps, and
 * after each call the memory of both is compared entry by entry. Addresses of tables differ, of course;
 * what else may is in expected() and same(), and in docs/tables.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "linux.h"
#include "weir/err.h"
#include "weir/table.h"

#define SLOTS 12u
#define VALID 1u
#define ARENA ((size_t)64 << 20)

struct shape {
	enum weir_table_format format;
	unsigned int granule_lg2, iova_bits, pa_bits;
};

static const struct shape shapes[] = {
	{ WEIR_TABLE_ARM_S1, 12, 32, 40 }, { WEIR_TABLE_ARM_S1, 12, 39, 48 },
	{ WEIR_TABLE_ARM_S1, 12, 42, 48 }, { WEIR_TABLE_ARM_S1, 12, 48, 48 },
	{ WEIR_TABLE_ARM_S1, 14, 36, 40 }, { WEIR_TABLE_ARM_S1, 14, 42, 48 },
	{ WEIR_TABLE_ARM_S1, 14, 48, 48 }, { WEIR_TABLE_ARM_S1, 16, 32, 40 },
	{ WEIR_TABLE_ARM_S1, 16, 42, 48 }, { WEIR_TABLE_ARM_S1, 16, 48, 48 },
	{ WEIR_TABLE_ARM_S1, 16, 52, 52 }, { WEIR_TABLE_ARM_S2, 12, 32, 40 },
	{ WEIR_TABLE_ARM_S2, 12, 39, 40 }, { WEIR_TABLE_ARM_S2, 12, 40, 40 },
	{ WEIR_TABLE_ARM_S2, 12, 42, 48 }, { WEIR_TABLE_ARM_S2, 12, 48, 48 },
	{ WEIR_TABLE_ARM_S2, 14, 40, 48 }, { WEIR_TABLE_ARM_S2, 14, 48, 48 },
	{ WEIR_TABLE_ARM_S2, 16, 42, 48 }, { WEIR_TABLE_ARM_S2, 16, 48, 48 },
	{ WEIR_TABLE_ARM_S2, 16, 52, 52 }, { WEIR_TABLE_ARM_SHORT, 12, 32, 32 },
};
#define NR_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

struct mapping {
	uint64_t iova, pa, bytes;
};

struct pair {
	const struct shape *shape;
	struct weir_table *ours;
	struct linux_table *theirs;
	struct weir_tables told;
	unsigned int levels; /* theirs */
	struct mapping mappings[SLOTS];
	uint64_t state, page, block;
	uint32_t prrr, nmrr;   /* theirs */
	unsigned long entries; /* compared that were valid */
};

/* ---- a host whose physical addresses are virtual ones ---- */

static void *host_alloc(void *host, size_t bytes)
{
	(void)host;
	return calloc(1, bytes);
}

static void host_free(void *host, void *mem, size_t bytes)
{
	(void)host;
	(void)bytes;
	free(mem);
}

static struct weir_lock *host_lock_create(void *host, unsigned int rank)
{
	static int one;

	(void)host;
	(void)rank;
	return (struct weir_lock *)&one;
}

static void host_lock(void *host, struct weir_lock *lock)
{
	(void)host;
	(void)lock;
}

static void host_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

/* Pages below 2 GiB, where tables of 32 bits are allowed; those of a sequence go together. */
static struct {
	unsigned char *first;
	size_t used;
} arena;

static int host_pages_alloc(void *host, size_t bytes, size_t align, void **out_va, uint64_t *out_pa)
{
	uintptr_t at = ((uintptr_t)arena.first + arena.used + align - 1) & -align;

	(void)host;
	if (at + bytes > (uintptr_t)arena.first + ARENA)
		return WEIR_ENOMEM;
	arena.used = at + bytes - (uintptr_t)arena.first;
	*out_va = memset((void *)at, 0, bytes);
	*out_pa = at;
	return 0;
}

/* Who still goes there finds no table. */
static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	(void)host;
	(void)pa;
	memset(va, 0xee, bytes);
}

static const struct weir_host_ops host_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = host_alloc,
	.free = host_free,
	.lock_create = host_lock_create,
	.lock_destroy = host_lock,
	.lock = host_lock,
	.unlock = host_lock,
	.assert_failed = host_assert_failed,
	.pages_alloc = host_pages_alloc,
	.pages_free = host_pages_free,
};

/* ---- comparing ---- */

static bool is_short(const struct shape *shape)
{
	return shape->format == WEIR_TABLE_ARM_SHORT;
}

static const uint64_t *table_at(const struct pair *p, uint64_t descriptor)
{
	uint64_t pa = descriptor & 0xfffffffff000 & -p->page;

	if (p->shape->granule_lg2 == 16)
		pa |= (descriptor & 0xf000) << 36;
	return (const uint64_t *)(uintptr_t)pa;
}

static bool is_table(uint64_t descriptor, unsigned int height)
{
	return height && (descriptor & 3) == 3;
}

/* A table that leads to nothing is as good as none: the two give them up at other times. */
static bool is_empty(const struct pair *p, const uint64_t *table, uint64_t n, unsigned int height)
{
	for (uint64_t i = 0; table && i < n; i++) {
		if (is_table(table[i], height) &&
		    is_empty(p, table_at(p, table[i]), p->page / 8, height - 1))
			continue;
		if (table[i] & VALID)
			return false;
	}
	return true;
}

/* What Linux's entry of a page is in ours. Not executable, stage 2: XN is 0b10, Linux has 0b11. */
static uint64_t expected(const struct pair *p, uint64_t theirs)
{
	if (p->shape->format == WEIR_TABLE_ARM_S2 && (theirs >> 53 & 3) == 3)
		theirs &= ~(UINT64_C(1) << 53);
	return theirs;
}

static bool same(struct pair *p, const uint64_t *ours, const uint64_t *theirs, uint64_t n,
		 unsigned int height, uint64_t base)
{
	unsigned int lg2 = p->shape->granule_lg2 + height * (p->shape->granule_lg2 - 3);

	for (uint64_t i = 0; i < n; i++) {
		bool down = is_table(ours[i], height), theirs_down = is_table(theirs[i], height);
		const uint64_t *a = down ? table_at(p, ours[i]) : NULL;
		const uint64_t *b = theirs_down ? table_at(p, theirs[i]) : NULL;

		if (down && is_empty(p, a, p->page / 8, height - 1))
			down = false, a = NULL;
		if (theirs_down && is_empty(p, b, p->page / 8, height - 1))
			theirs_down = false, b = NULL;
		if (down && theirs_down) {
			/* of a descriptor that leads on nothing but its address may differ */
			if ((ours[i] ^ theirs[i]) & ~UINT64_C(0xfffffffff000)) {
				fprintf(stderr, "tables 0x%llx, 0x%llx\n", (unsigned long long)ours[i],
					(unsigned long long)theirs[i]);
				return false;
			}
			if (!same(p, a, b, p->page / 8, height - 1, base + (i << lg2)))
				return false;
			continue;
		}
		if (!down && !theirs_down && (is_table(ours[i], height) || !(ours[i] & VALID)) &&
		    (is_table(theirs[i], height) || !(theirs[i] & VALID)))
			continue;
		if (down || theirs_down || ours[i] != expected(p, theirs[i])) {
			fprintf(stderr, "at 0x%llx, height %u: ours 0x%llx, Linux's 0x%llx\n",
				(unsigned long long)(base + (i << lg2)), height,
				(unsigned long long)ours[i], (unsigned long long)theirs[i]);
			return false;
		}
		p->entries++;
	}
	return true;
}

/* ---- the same for entries of 32 bits, which differ in nothing: hints are pages of Linux's too ---- */

static const uint32_t *short_table_at(uint32_t descriptor)
{
	const uint32_t *table = (const uint32_t *)(uintptr_t)(descriptor & 0xfffffc00);

	for (unsigned int i = 0; (descriptor & 3) == 1 && i < 256; i++)
		if (table[i])
			return table;
	return NULL;
}

static bool same_short(struct pair *p, const uint32_t *ours, const uint32_t *theirs, unsigned int n,
		       uint64_t base)
{
	for (unsigned int i = 0; i < n; i++) {
		const uint32_t *a = n > 256 ? short_table_at(ours[i]) : NULL;
		const uint32_t *b = n > 256 ? short_table_at(theirs[i]) : NULL;
		uint64_t at = base + i * (UINT64_C(1) << (n > 256 ? 20 : 12));

		if (a && b) {
			if ((ours[i] ^ theirs[i]) & 0x3ff || !same_short(p, a, b, 256, at))
				return false;
			continue;
		}
		if (n > 256 && !a && !b && (ours[i] & 3) < 2 && (theirs[i] & 3) < 2)
			continue;
		if (a || b || ours[i] != theirs[i]) {
			fprintf(stderr, "at 0x%llx of %u: ours 0x%x, Linux's 0x%x\n",
				(unsigned long long)at, n, ours[i], theirs[i]);
			return false;
		}
		p->entries += !!ours[i];
	}
	return true;
}

static bool compare_short(struct pair *p)
{
	return p->prrr == WEIR_TABLE_ARM_PRRR && p->nmrr == WEIR_TABLE_ARM_NMRR &&
	       same_short(p, (const uint32_t *)(uintptr_t)p->told.root_pa,
			  linux_root_short(p->theirs), 4096, 0);
}

static bool compare(struct pair *p)
{
	unsigned int stride = p->shape->granule_lg2 - 3, levels;
	const uint64_t *ours = (const uint64_t *)(uintptr_t)p->told.root_pa;
	const uint64_t *theirs;
	unsigned int top = p->told.levels - 1;
	uint64_t n;

	if (is_short(p->shape))
		return compare_short(p);
	theirs = linux_root(p->theirs, &levels);
	n = UINT64_C(1) << (p->shape->iova_bits - p->shape->granule_lg2 - top * stride);
	if (levels == p->told.levels)
		return same(p, ours, theirs, n, top, 0);
	/* ours saves a level by tables side by side: each is one of Linux's second level */
	if (levels != p->told.levels + 1)
		return false;
	for (uint64_t i = 0; i < n >> stride; i++) {
		static const uint64_t nothing[8192];
		const uint64_t *second = is_table(theirs[i], top + 1) ? table_at(p, theirs[i])
								      : nothing;

		if (!same(p, ours + (i << stride), second, UINT64_C(1) << stride, top,
			  i << (p->shape->granule_lg2 + (top + 1) * stride)))
			return false;
	}
	return true;
}

/* ---- drawing calls ---- */

static uint64_t draw(struct pair *p, uint64_t below)
{
	p->state = p->state * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
	return (p->state >> 33) % below;
}

static bool is_free(const struct pair *p, uint64_t iova, uint64_t bytes)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		const struct mapping *m = &p->mappings[i];

		if (m->bytes && iova < m->iova + m->bytes && m->iova < iova + bytes)
			return false;
	}
	return true;
}

/* Both tables without those that map nothing, so that larger pages find room in both. */
static void tidy(struct pair *p)
{
	struct weir_table_gather gather = { 0 };

	weir_table_trim(p->ours, 0, UINT64_C(1) << p->shape->iova_bits, &gather);
	weir_table_release(p->ours, &gather);
}

static void draw_mapping(struct pair *p, struct mapping *m)
{
	uint64_t top = UINT64_C(1) << p->shape->iova_bits, high = UINT64_C(1) << p->shape->pa_bits;
	uint64_t window = draw(p, 3), pa;

	m->bytes = (1 + draw(p, 40)) * p->page;
	m->iova = draw(p, 3 * p->block / p->page) * p->page;
	if (!draw(p, 3)) {
		m->bytes = (1 + draw(p, 2)) * p->block;
		m->iova &= -p->block;
	}
	if (window && m->iova + m->bytes <= 4 * p->block)
		m->iova += window == 1 ? top - 4 * p->block : top / 2 - 2 * p->block;
	m->iova = (m->iova + m->bytes > top ? top - m->bytes : m->iova) & -p->page;
	pa = draw(p, UINT32_MAX) * 0x1003f000 % (high - m->bytes);
	m->pa = draw(p, 2) ? pa & -p->page
			   : ((pa & -p->block) + (m->iova & (p->block - 1))) % (high - m->bytes);
	if (high - m->pa < m->bytes)
		m->pa = 0;
}

static bool map(struct pair *p, struct mapping *m)
{
	uint32_t prot = 1 + (uint32_t)draw(p, 31);
	unsigned int theirs;
	struct mapping drawn;

	draw_mapping(p, &drawn);
	if (!(prot & 3) || !is_free(p, drawn.iova, drawn.bytes))
		return true;
	theirs = (prot & WEIR_MAP_READ ? LINUX_READ : 0) | (prot & WEIR_MAP_WRITE ? LINUX_WRITE : 0) |
		 (prot & WEIR_MAP_NOEXEC ? LINUX_NOEXEC : 0) |
		 (prot & WEIR_MAP_CACHED ? LINUX_CACHE : 0) |
		 (prot & WEIR_MAP_DEVICE ? LINUX_MMIO : 0);
	tidy(p);
	*m = drawn;
	return !weir_table_map(p->ours, m->iova, m->pa, m->bytes, prot) &&
	       !linux_map(p->theirs, m->iova, m->pa, m->bytes, theirs);
}

static bool unmap(struct pair *p, struct mapping *m)
{
	struct weir_table_gather gather = { .unlink = draw(p, 2) };
	uint64_t at = m->iova + draw(p, m->bytes), pa;
	struct mapping part = *m;

	if (weir_table_translate(p->ours, at, &pa) || pa != m->pa + (at - m->iova) ||
	    linux_translate(p->theirs, at) != pa)
		return false;
	/* the end of it, where it has no larger pages */
	if (m->bytes < p->block && draw(p, 2)) {
		part.bytes = (1 + draw(p, m->bytes / p->page)) * p->page;
		part.iova = m->iova + m->bytes - part.bytes;
		/* the 16 entries of a large page go together */
		if (is_short(p->shape) && !((m->iova ^ m->pa) & 0xffff))
			part.iova &= ~UINT64_C(0xffff);
		if (part.iova < m->iova)
			part.iova = m->iova;
		part.bytes = m->iova + m->bytes - part.iova;
	}
	m->bytes -= part.bytes;
	if (weir_table_unmap(p->ours, part.iova, part.bytes, &gather) ||
	    gather.unmapped_bytes != part.bytes)
		return false;
	weir_table_release(p->ours, &gather);
	return !linux_unmap(p->theirs, part.iova, part.bytes);
}

static unsigned long sequence(const struct shape *shape, uint64_t seed, bool *out_ok)
{
	struct pair p = { .shape = shape, .state = seed, .page = UINT64_C(1) << shape->granule_lg2 };
	struct weir_table_config config = {
		.format = shape->format,
		.kind = is_short(shape) ? &weir_table_short : &weir_table_arm64,
		.granule_lg2 = shape->granule_lg2,
		.iova_bits = shape->iova_bits, .pa_bits = shape->pa_bits, .coherent = true,
	};
	bool ok = true;

	p.block = is_short(shape) ? UINT64_C(1) << (draw(&p, 2) ? 20 : 24)
				  : p.page << (shape->granule_lg2 - 3);
	if (is_short(shape))
		p.theirs = linux_create_short(&p.prrr, &p.nmrr);
	else
		p.theirs = linux_create(shape->format == WEIR_TABLE_ARM_S2, shape->granule_lg2,
					shape->iova_bits, shape->pa_bits);
	/* Linux sets no hints, but as 16 entries */
	config.page_sizes = linux_sizes(p.theirs);
	config.unlink_shared = draw(&p, 2);
	if (weir_table_create(&host_ops, NULL, &config, &p.ours))
		abort();
	weir_table_describe(p.ours, &p.told);
	for (unsigned int i = 0; ok && i < 30; i++) {
		struct mapping *m = &p.mappings[draw(&p, SLOTS)];

		ok = m->bytes ? unmap(&p, m) : map(&p, m);
		if (!ok)
			fprintf(stderr, "a call failed\n");
		ok = ok && compare(&p);
	}
	for (unsigned int i = 0; ok && i < SLOTS; i++)
		while (ok && p.mappings[i].bytes)
			ok = unmap(&p, &p.mappings[i]);
	ok = ok && compare(&p);
	weir_table_destroy(p.ours);
	linux_destroy(p.theirs);
	arena.used = 0;
	*out_ok = ok;
	return p.entries;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 150;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	unsigned int failed = 0;

	arena.first = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (arena.first == MAP_FAILED)
		abort();
	printf("# seed %llu, %lu sequences of each\n", (unsigned long long)seed, rounds);
	for (size_t s = 0; s < NR_SHAPES; s++) {
		unsigned long long entries = 0;
		unsigned long i = 0;
		bool ok = true;

		for (; ok && i < rounds; i++)
			entries += sequence(&shapes[s], seed * 1000003 + s * 100003 + i, &ok);
		printf("%s - %s, pages of %u KiB, %u bits to %u: %lu sequences, %llu entries\n",
		       ok && entries ? "ok" : "not ok",
		       is_short(&shapes[s]) ? "short" : shapes[s].format == WEIR_TABLE_ARM_S2 ? "stage 2"
											    : "stage 1",
		       1u << (shapes[s].granule_lg2 - 10), shapes[s].iova_bits, shapes[s].pa_bits, i,
		       entries);
		failed += !ok || !entries;
	}
	printf("1..%zu\n", NR_SHAPES);
	return failed ? 1 : 0;
}
