// SPDX-License-Identifier: MIT
/*
 * The guest's RAM, shared with QEMU, as pages for devices: first fit over one byte a
 * page. Its mutex guards which pages are taken.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "priv.h"

#define PAGE 4096u

int pages_init(struct pages *p, int fd, size_t bytes, uint64_t pa, uint64_t skip)
{
	void *va = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (va == MAP_FAILED)
		return WEIR_ENOMEM;
	p->taken = calloc(bytes / PAGE, 1);
	if (!p->taken) {
		munmap(va, bytes);
		return WEIR_ENOMEM;
	}
	pthread_mutex_init(&p->mutex, NULL);
	p->va = va;
	p->pa = pa;
	p->bytes = bytes;
	p->first = p->skip = (size_t)(skip / PAGE);
	p->end = bytes / PAGE;
	return 0;
}

void pages_fini(struct pages *p)
{
	if (!p->va)
		return;
	pthread_mutex_destroy(&p->mutex);
	free(p->taken);
	munmap(p->va, p->bytes);
	p->va = NULL;
}

/* How many pages from @at on, at most @n, are free. */
static size_t run_at(const struct pages *p, size_t at, size_t n)
{
	size_t i = 0;

	while (i < n && !p->taken[at + i])
		i++;
	return i;
}

int pages_take(struct pages *p, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	size_t n = bytes / PAGE, step = align_bytes / PAGE, base = (size_t)(p->pa / PAGE), at;
	int err = WEIR_ENOMEM;

	if (!n || bytes % PAGE || !step || (align_bytes & (align_bytes - 1)))
		return WEIR_EINVAL;
	pthread_mutex_lock(&p->mutex);
	at = ((base + p->first + step - 1) & ~(step - 1)) - base;
	for (; at < p->end && n <= p->end - at; at += step) {
		if (run_at(p, at, n) < n)
			continue;
		memset(p->taken + at, 1, n);
		p->out_bytes += bytes;
		memset(p->va + at * PAGE, 0, bytes);
		*out_va = p->va + at * PAGE;
		*out_pa = p->pa + at * PAGE;
		err = 0;
		break;
	}
	pthread_mutex_unlock(&p->mutex);
	return err;
}

void pages_give(struct pages *p, uint64_t pa, size_t bytes)
{
	pthread_mutex_lock(&p->mutex);
	memset(p->taken + (pa - p->pa) / PAGE, 0, bytes / PAGE);
	p->out_bytes -= bytes;
	pthread_mutex_unlock(&p->mutex);
}

void weir_qtest_pages_within(struct weir_qtest *qtest, size_t at, size_t bytes)
{
	struct pages *p = &qtest->pages;

	pthread_mutex_lock(&p->mutex);
	p->first = at / PAGE > p->skip ? at / PAGE : p->skip;
	p->end = p->bytes / PAGE;
	if (at <= p->bytes && bytes < p->bytes - at)
		p->end = (at + bytes) / PAGE;
	pthread_mutex_unlock(&p->mutex);
}
