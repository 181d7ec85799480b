// SPDX-License-Identifier: MIT
/* What a device tree has for the stories, found by trying it out. */
#ifndef WEIR_TESTS_EXYNOS_FACTS_H
#define WEIR_TESTS_EXYNOS_FACTS_H

#include "board.h"

/* What a tree has. */
struct eb_facts {
	const struct eb_kind *kind;
	char reject[EB_PATH];       /* the first IOMMU of the first master; "": there is none */
	char supplier[2][EB_PATH];  /* a clock's provider, a power domain, of an IOMMU; "": likewise */
	char without[EB_MASTERS][EB_PATH];
	char early[EB_EARLY][EB_PATH];
	unsigned int nr_without, nr_early, masters, others, iommus;
};

/* Brings the board up as often as it takes; what has to be left out is printed, with the reason. */
void eb_facts_of(const void *dtb, size_t bytes, const struct eb_kind *kind, struct eb_facts *out_facts);

#endif
