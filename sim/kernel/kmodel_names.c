// SPDX-License-Identifier: MIT
/* Finding a modelled driver by name: a sorted array, made once. */
#include <stdlib.h>
#include <string.h>

#include "kernel/kmodel_priv.h"

static int by_name_then_place(const void *a, const void *b)
{
	const struct kdriver *x = *(struct kdriver *const *)a, *y = *(struct kdriver *const *)b;
	int c = strcmp(x->spec->name, y->spec->name);

	return c ? c : (x > y) - (x < y);
}

int kmodel_index_names(struct weir_kmodel *k)
{
	k->by_name = malloc((k->nr_drivers + 1) * sizeof(struct kdriver *));
	if (!k->by_name)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < k->nr_drivers; i++)
		k->by_name[i] = &k->drivers[i];
	qsort(k->by_name, k->nr_drivers, sizeof(struct kdriver *), by_name_then_place);
	return 0;
}

/* The first of that name in the list. */
struct kdriver *kmodel_find(const struct weir_kmodel *k, const char *name)
{
	size_t lo = 0, hi = k->nr_drivers;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(k->by_name[mid]->spec->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == k->nr_drivers || strcmp(k->by_name[lo]->spec->name, name))
		return NULL;
	return k->by_name[lo];
}
