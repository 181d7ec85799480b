// SPDX-License-Identifier: MIT
/*
 * Translation tables against a shadow: a list of what each page of some windows should reach. Calls are
 * drawn at random; what each returns is foretold by the shadow and by a walk, and what walks find
 * afterwards is the shadow. WEIR_SEED=N draws others; the seed is printed.
 */
#include "tablebed.h"

#define WINDOWS 3u
#define STEPS 150u

struct window {
	uint64_t iova, pages;
	uint64_t *pa; /* 1 more than what a page reaches; 0: it faults */
};

struct world {
	struct bed bed;
	struct window windows[WINDOWS];
	uint64_t block, state;
	uint32_t bbm_level;
	struct weir_table_gather gather;
};

static uint64_t draw(struct world *w, uint64_t below)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
	return (w->state >> 33) % below;
}

static void open_world(struct world *w, const struct shape *shape, uint64_t seed)
{
	uint64_t top = UINT64_C(1) << shape->iova_bits;

	memset(w, 0, sizeof(*w));
	w->state = seed;
	w->bbm_level = is_short(shape) ? 0 : (uint32_t)draw(w, 3);
	bed_open_as(&w->bed, shape, draw(w, 2), w->bbm_level, 0, draw(w, 2));
	w->block = w->bed.block;
	if (shape->sizes & M(16) && !(shape->sizes & M(2)) && draw(w, 2))
		w->block = M(16);
	w->windows[0] = (struct window){ 0, 2 * w->block / w->bed.page, NULL };
	w->windows[1] = (struct window){ top / 2 - w->block, 2 * w->block / w->bed.page, NULL };
	w->windows[2] = (struct window){ top - w->block, w->block / w->bed.page, NULL };
	for (unsigned int i = 0; i < WINDOWS; i++)
		w->windows[i].pa = calloc(w->windows[i].pages, sizeof(uint64_t));
}

static void close_world(struct world *w)
{
	for (unsigned int i = 0; i < WINDOWS; i++)
		free(w->windows[i].pa);
	bed_close(&w->bed);
}

/* Some pages of a window: few, many, or aligned as large pages are. */
static void draw_range(struct world *w, struct window *window, uint64_t *out_first, uint64_t *out_n)
{
	uint64_t first = draw(w, window->pages), n = 1 + draw(w, 4);

	switch (draw(w, 5)) {
	case 0:
		n = 1 + draw(w, window->pages);
		break;
	case 1:
		first &= ~UINT64_C(127);
		n = 128 << draw(w, 3);
		break;
	case 2:
		first -= first % (w->block / w->bed.page);
		n = w->block / w->bed.page;
		break;
	case 3:
		n = 16 + draw(w, 200);
		break;
	default:
		break;
	}
	*out_first = first;
	*out_n = n > window->pages - first ? window->pages - first : n;
}

/* Memory that is aligned as the address is, more or less. */
static uint64_t draw_pa(struct world *w, uint64_t iova, uint64_t bytes)
{
	uint64_t most = (UINT64_C(1) << w->bed.shape->pa_bits) - bytes, pa;

	pa = draw(w, UINT32_MAX) * w->bed.page * 8191 % (most / 2);
	switch (draw(w, 3)) {
	case 0:
		return pa & ~(w->bed.page - 1);
	case 1:
		return (pa & ~(w->block - 1)) | (iova & (w->block - 1));
	default:
		return ((pa & ~(w->bed.page - 1)) & ~(w->bed.page * 128 - 1)) |
		       (iova & (w->bed.page * 128 - 1));
	}
}

static void check_page(struct world *w, struct window *window, uint64_t i)
{
	uint64_t iova = window->iova + i * w->bed.page + draw(w, w->bed.page);

	if (window->pa[i])
		bed_reaches(&w->bed, iova, window->pa[i] - 1 + iova % w->bed.page, 0);
	else
		bed_faults(&w->bed, iova);
}

/* All of it by weir_table_next(), which must find nothing else. */
static void check_all(struct world *w)
{
	struct weir_table_mapping mapping;
	uint64_t from = 0;

	for (unsigned int k = 0; k < WINDOWS; k++) {
		struct window *window = &w->windows[k];

		for (uint64_t i = 0; i < window->pages;) {
			uint64_t iova = window->iova + i * w->bed.page;

			if (!window->pa[i]) {
				i++;
				continue;
			}
			assert_int_equal(weir_table_next(w->bed.table, from, &mapping), 0);
			assert_int_equal(mapping.iova, iova);
			assert_int_equal(mapping.pa, window->pa[i] - 1);
			assert_int_equal(mapping.prot, bed_prot(w->bed.shape, RWC));
			for (uint64_t n = mapping.bytes / w->bed.page; n--; i++)
				assert_int_equal(window->pa[i], mapping.pa + 1 + (window->iova +
						 i * w->bed.page - mapping.iova));
			from = mapping.iova + mapping.bytes;
		}
	}
	assert_int_equal(weir_table_next(w->bed.table, from, &mapping), WEIR_ENOENT);
}

static void map(struct world *w, struct window *window)
{
	struct weir_table_piece pieces[8];
	uint64_t first, n, pa[8], each;
	unsigned int nr = 1;
	bool used = false;
	int err;

	draw_range(w, window, &first, &n);
	for (uint64_t i = first; i < first + n; i++)
		used |= !!window->pa[i];
	if (!draw(w, 4))
		nr = (unsigned int)(n < 8 ? n : 8);
	each = n / nr;
	for (unsigned int p = 0; p < nr; p++) {
		uint64_t iova = window->iova + (first + p * each) * w->bed.page;

		pieces[p].bytes = (p + 1 < nr ? each : n - p * each) * w->bed.page;
		pieces[p].pa = pa[p] = draw_pa(w, iova, pieces[p].bytes);
	}
	if (nr == 1)
		err = weir_table_map(w->bed.table, window->iova + first * w->bed.page, pa[0],
				     n * w->bed.page, RWC);
	else
		err = weir_table_map_pieces(w->bed.table, window->iova + first * w->bed.page, pieces,
					    nr, RWC);
	assert_int_equal(err, used ? WEIR_EEXIST : 0);
	for (uint64_t i = first; !used && i < first + n; i++) {
		uint64_t p = (i - first) / each < nr ? (i - first) / each : nr - 1;

		window->pa[i] = pa[p] + (i - first - p * each) * w->bed.page + 1;
	}
	check_page(w, window, first);
	check_page(w, window, first + n - 1);
	check_page(w, window, first + n / 2);
}

/* What an unmap that begins or ends at a page has to expect of the page there. */
static int foretell(struct world *w, struct window *window, uint64_t i)
{
	uint64_t iova = window->iova + i * w->bed.page, run = w->bed.page;
	struct armwalk walk;
	bool block;

	if (i == window->pages)
		return 0;
	walk = bed_walk(&w->bed, iova);
	block = walk.page_bytes > w->bed.page;
	if (walk.contiguous) {
		run = w->bed.shape->granule_lg2 == 14 ? block ? 32 : 128
		      : w->bed.shape->granule_lg2 == 12 ? 16 : 32;
		run *= walk.page_bytes;
		if (iova % run)
			return w->bbm_level < 2 ? WEIR_EBUSY : 0;
	}
	if (!block || !(iova % walk.page_bytes))
		return 0;
	return w->bbm_level == 0 ? WEIR_EBUSY : w->bbm_level == 1 && !walk.nt ? WEIR_EAGAIN : 0;
}

static void unmap(struct world *w, struct window *window)
{
	uint64_t first, n, mapped = 0, unmapped = w->gather.unmapped_bytes;
	int first_err, last_err, err;

	draw_range(w, window, &first, &n);
	for (uint64_t i = first; i < first + n; i++)
		mapped += !!window->pa[i];
	w->gather.unlink = draw(w, 2);
	first_err = foretell(w, window, first);
	last_err = foretell(w, window, first + n);
	err = weir_table_unmap(w->bed.table, window->iova + first * w->bed.page, n * w->bed.page,
			       &w->gather);
	if (first_err == WEIR_EBUSY || last_err == WEIR_EBUSY)
		assert_int_equal(err, WEIR_EBUSY);
	else if (first_err || last_err)
		assert_int_equal(err, WEIR_EAGAIN);
	else
		assert_int_equal(err, 0);
	mapped = err ? 0 : mapped * w->bed.page;
	assert_int_equal(w->gather.unmapped_bytes - unmapped, mapped);
	for (uint64_t i = first; !err && i < first + n; i++) {
		uint64_t iova = window->iova + i * w->bed.page;

		if (window->pa[i])
			assert_true(iova - w->gather.what.iova < w->gather.what.bytes);
		window->pa[i] = 0;
	}
	check_page(w, window, first);
	check_page(w, window, first + n - 1);
	if (first)
		check_page(w, window, first - 1);
	if (first + n < window->pages)
		check_page(w, window, first + n);
}

static void step(struct world *w)
{
	struct window *window = &w->windows[draw(w, WINDOWS)];

	switch (draw(w, 10)) {
	case 0:
		weir_table_release(w->bed.table, &w->gather);
		break;
	case 1:
		weir_table_trim(w->bed.table, window->iova, window->pages * w->bed.page,
				&w->gather);
		break;
	case 2:
	case 3:
	case 4:
		unmap(w, window);
		break;
	default:
		map(w, window);
	}
	for (unsigned int i = 0; i < 4; i++)
		check_page(w, window, draw(w, window->pages));
}

static void test_table_is_its_shadow(void **state)
{
	const char *given = getenv("WEIR_SEED"), *rounds = getenv("WEIR_ROUNDS");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
	unsigned long n = rounds ? strtoul(rounds, NULL, 0) : 3;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (unsigned long i = 0; i < n * NR_SHAPES; i++) {
		struct world w;

		open_world(&w, &shapes[i % NR_SHAPES], seed * 1000003 + i);
		for (unsigned int k = 0; k < STEPS; k++) {
			step(&w);
			if (k % 30 == 29)
				check_all(&w);
		}
		close_world(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_its_shadow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
