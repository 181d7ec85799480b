// SPDX-License-Identifier: MIT
/*
 * Data in shuffled pages. The host gives them in one piece; which page of it is which
 * page of the buffer is drawn, and so is the order in which they are mapped: a device
 * that takes addresses for consecutive gets other data than it should.
 */
#include "common.h"

#include "weir/spin.h"

#define NR_GUARDS  2u
#define GUARD_BYTE 0xa5u

/* splitmix64 (Steele, Lea and Flood, 2014) */
uint64_t client_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t nr_all(const struct client_buffer *b)
{
	return b->nr_pages + NR_GUARDS;
}

/* Draws an order of @n (Fisher and Yates). */
static void draw(uint32_t *order, uint32_t n, uint64_t *seed)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(client_random(seed) % (i + 1)), was = order[i];

		order[i] = order[j];
		order[j] = was;
	}
}

static void place(struct client_buffer *b, uint64_t seed)
{
	draw(b->order, nr_all(b), &seed);
	for (uint32_t i = 0; i < nr_all(b); i++) {
		uint64_t at = (uint64_t)b->order[i] * CLIENT_PAGE;

		b->pages[i] = (struct client_page){ .va = b->va + at, .pa = b->pa + at };
	}
	for (uint32_t i = b->nr_pages; i < nr_all(b); i++)
		for (uint32_t j = 0; j < CLIENT_PAGE; j++)
			b->pages[i].va[j] = GUARD_BYTE;
	draw(b->order, b->nr_pages, &seed);
}

int client_buffer_init(struct client_buffer *b, struct client *c, uint32_t nr_pages, uint64_t seed)
{
	struct weir_machine *m = weir_device_machine(c->dev);
	void *va;
	int err;

	if (!c->ops->pages_alloc)
		return WEIR_EOPNOTSUPP;
	*b = (struct client_buffer){ .c = c, .nr_pages = nr_pages };
	b->pages = weir_atomic_alloc(m, nr_all(b) * sizeof(*b->pages));
	if (!b->pages)
		return WEIR_ENOMEM;
	err = WEIR_ENOMEM;
	b->order = weir_atomic_alloc(m, nr_all(b) * sizeof(*b->order));
	if (!b->order)
		goto err_pages;
	err = c->ops->pages_alloc(c->host, (size_t)nr_all(b) * CLIENT_PAGE, CLIENT_PAGE, &va, &b->pa);
	if (err)
		goto err_order;
	b->va = va;
	place(b, seed);
	return 0;

err_order:
	weir_atomic_free(m, b->order, nr_all(b) * sizeof(*b->order));
err_pages:
	weir_atomic_free(m, b->pages, nr_all(b) * sizeof(*b->pages));
	*b = (struct client_buffer){ 0 };
	return err;
}

void client_buffer_fini(struct client_buffer *b)
{
	struct weir_machine *m;

	if (!b->c)
		return;
	m = weir_device_machine(b->c->dev);
	(void)client_buffer_unmap(b);
	if (!b->lost)
		b->c->ops->pages_free(b->c->host, b->va, b->pa, (size_t)nr_all(b) * CLIENT_PAGE);
	weir_atomic_free(m, b->order, nr_all(b) * sizeof(*b->order));
	weir_atomic_free(m, b->pages, nr_all(b) * sizeof(*b->pages));
	*b = (struct client_buffer){ 0 };
}

int client_buffer_map(struct client_buffer *b, uint32_t how)
{
	int err = 0;

	b->how = how;
	for (b->nr_mapped = 0; b->nr_mapped < b->nr_pages && !err;) {
		struct client_page *page = &b->pages[b->order[b->nr_mapped]];

		err = weir_dma_map_phys(b->c->dev, page->pa, CLIENT_PAGE, how, &page->iova);
		if (!err)
			b->nr_mapped++;
	}
	if (err)
		(void)client_buffer_unmap(b);
	return err;
}

int client_buffer_unmap(struct client_buffer *b)
{
	int result = 0;

	while (b->nr_mapped > 0) {
		struct client_page *page = &b->pages[b->order[--b->nr_mapped]];
		int err = weir_dma_unmap(b->c->dev, page->iova, CLIENT_PAGE, b->how);

		if (err == WEIR_EIO)
			b->lost = true;
		if (!result)
			result = err;
	}
	return result;
}

void client_buffer_fill(struct client_buffer *b, uint64_t seed)
{
	for (uint32_t i = 0; i < b->nr_pages; i++) {
		uint64_t *words = (uint64_t *)(void *)b->pages[i].va;

		for (uint32_t j = 0; j < CLIENT_PAGE / 8; j++)
			words[j] = client_random(&seed);
	}
}

/* FNV-1a of 64 bits: the place of each byte counts. */
uint64_t client_buffer_sum(const struct client_buffer *b, uint64_t bytes)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (uint64_t i = 0; i < bytes; i++)
		sum = (sum ^ b->pages[i / CLIENT_PAGE].va[i % CLIENT_PAGE]) *
		      UINT64_C(0x100000001b3);
	return sum;
}

bool client_buffer_intact(const struct client_buffer *b)
{
	for (uint32_t i = b->nr_pages; i < nr_all(b); i++)
		for (uint32_t j = 0; j < CLIENT_PAGE; j++)
			if (b->pages[i].va[j] != GUARD_BYTE)
				return false;
	return true;
}
