// SPDX-License-Identifier: MIT
/*
 * A board of which every order is run (board.h, race/whole.h). The program's own memory, models and all, is
 * at the same place in each run; of what is in it, that is part of a state by which drivers go on: registers,
 * clocks, power, interrupts, memory that hardware was given, what masters' drivers do. What hardware
 * caches, and how far the DMA of a master has come, is not.
 *
 * One heap, for the program, which is linked with its own malloc(); as runs are, one thread's at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "core/core.h"
#include "race/state.h"
#include "race/whole.h"

#define HEAP_BYTES (32u << 20)
#define HEAD 16u         /* what a block begins with: its size */
#define REGION_PAGES 16u /* for what one probe is given */

/* ---- the program's own memory ---- */

static struct {
	unsigned char *memory;
	size_t end;
	bool open;
} heap;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *mem, size_t bytes);
void __real_free(void *mem);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *mem, size_t bytes);
void __wrap_free(void *mem);

static bool is_ours(const void *mem)
{
	return heap.memory && (uintptr_t)mem - (uintptr_t)heap.memory < HEAP_BYTES;
}

void *__wrap_malloc(size_t bytes)
{
	unsigned char *at = heap.memory + heap.end;

	if (!heap.open)
		return __real_malloc(bytes);
	if (bytes > HEAP_BYTES - heap.end - 2 * HEAD)
		return NULL;
	heap.end += (bytes + HEAD - 1) / HEAD * HEAD + HEAD;
	memcpy(at, &bytes, sizeof(bytes));
	return at + HEAD;
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return heap.open ? __wrap_malloc(n * bytes) : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *mem, size_t bytes)
{
	size_t had;
	void *more;

	if (!heap.open || (mem && !is_ours(mem)))
		return __real_realloc(mem, bytes);
	more = __wrap_malloc(bytes);
	if (!more || !mem)
		return more;
	memcpy(&had, (unsigned char *)mem - HEAD, sizeof(had));
	return memcpy(more, mem, had < bytes ? had : bytes);
}

void __wrap_free(void *mem)
{
	if (!is_ours(mem))
		__real_free(mem);
}

void eb_whole_begin(struct race_whole *w)
{
	if (!heap.memory)
		heap.memory = __real_calloc(1, HEAP_BYTES);
	if (!heap.memory)
		abort();
	memset(heap.memory, 0, heap.end);
	heap.end = 0;
	heap.open = true;
	race_whole_begin(w);
}

void eb_whole_end(void)
{
	heap.open = false;
}

/* ---- the host ---- */

/* What a probe of an IOMMU is given is in the same place, whichever of them comes first. */
static int pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	struct hwhost *h = host;
	struct race_models *r = h->threads;

	h->ram->from = (size_t)(eb_watch_probing() + 1) * REGION_PAGES;
	return r->hw.pages_alloc(h, bytes, align_bytes, out_va, out_pa);
}

static int irq_request(void *host, uint32_t line, void (*fn)(void *arg), void *arg, struct weir_irq **out_irq)
{
	struct hwhost *h = host;
	struct race_models *r = h->threads;

	h->irqs_from = (unsigned int)(eb_watch_probing() + 1);
	return r->hw.irq_request(h, line, fn, arg, out_irq);
}

void eb_whole_host(struct eb_board *b)
{
	race_models_whole(&b->turns, b->options.host_threads);
	b->h->ops.pages_alloc = pages_alloc;
	b->h->ops.irq_request = irq_request;
}

/* Events are told by their numbers and nothing goes by them, so all have the same. */
static void one_number(void *context, const struct weir_event *event)
{
	struct eb_board *b = context;

	(void)event;
	b->m->next_event = 1;
}

void eb_whole_machine(struct eb_board *b, struct race_whole *w, struct eb_watch *watch)
{
	b->events = (struct weir_trace){ .fn = one_number, .context = b };
	weir_trace_attach(b->m, &b->events);
	b->turns.alone = eb_watch_is_alone;
	b->turns.alone_arg = watch;
	if (!race_whole_without(w, &b->m->stats, sizeof(b->m->stats)))
		abort();
}

/* ---- where all is ---- */

static uint64_t of_memory(uint64_t hash, const struct hwram *ram)
{
	for (size_t i = 0; i < ram->used_end; i++) {
		const struct hwram_page *p = &ram->pages[i];

		if (!p->used)
			continue;
		hash = race_mix(hash, (uint64_t)i << 16 | (uint64_t)p->reads << 8 | p->writes);
		if (p->reads || p->writes)
			continue; /* a master's buffer */
		hash = race_hash(hash, ram->cpu + i * HWRAM_PAGE, HWRAM_PAGE);
		if (memcmp(ram->cpu + i * HWRAM_PAGE, ram->memory + i * HWRAM_PAGE, HWRAM_PAGE))
			hash = race_hash(hash, ram->memory + i * HWRAM_PAGE, HWRAM_PAGE);
	}
	return hash;
}

static uint64_t of_iommus(uint64_t hash, const struct eb_board *b)
{
	for (unsigned int i = 0; i < b->nr_sysmmus; i++) {
		const struct eb_sysmmu *s = &b->sysmmus[i];

		hash = race_mix(hash, b->kind->state(s->model));
		for (unsigned int j = 0; j < s->nr_clocks; j++)
			hash = race_mix(hash, (uint64_t)s->clocks[j].enabled << 1 | s->clocks[j].left_on);
	}
	return hash;
}

static uint64_t of_masters(uint64_t hash, const struct eb_board *b)
{
	for (unsigned int i = 0; i < b->nr_masters; i++) {
		hash = race_mix(hash, b->masters[i].iova << 1 | b->masters[i].running);
		hash = race_mix(hash, (uintptr_t)b->masters[i].va);
	}
	return hash;
}

static uint64_t of_irqs(uint64_t hash, const struct hwhost *h)
{
	for (unsigned int i = 0; i < h->irqs_end; i++)
		hash = race_mix(hash, (uint64_t)h->irqs[i].line << 2 | (uint64_t)h->irqs[i].used << 1 |
				      h->irqs[i].pending);
	return hash;
}

uint64_t eb_whole_state(const struct eb_board *b, const struct race_whole *w, const struct eb_watch *watch)
{
	uint64_t hash = race_whole_state(w, b->options.turns);

	hash = race_mix(hash, eb_watch_state(watch));
	hash = race_mix(hash, (uintptr_t)b->module);
	hash = of_masters(of_iommus(hash, b), b);
	return of_memory(of_irqs(hash, b->h), b->h->ram);
}
