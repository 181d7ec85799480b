// SPDX-License-Identifier: MIT
/* What the files of stories share. */
#ifndef WEIR_TESTS_EXYNOS_STORIES_H
#define WEIR_TESTS_EXYNOS_STORIES_H

#include "facts.h"

/* scenarios.c: a master may have gone with its parent. */
void eb_master_unbind(struct eb_board *b, unsigned int i);
void eb_master_bind(struct eb_board *b, unsigned int i);

/* late.c */
#define EB_SUPPLIER_VARIANTS 8
void eb_story_suppliers(struct eb_board *b, unsigned int variant);
/* What has no driver in that variant. Return: a path; NULL, "": nothing. */
const char *eb_without_driver(const struct eb_facts *f, unsigned int variant);
/* Whoever is behind an IOMMU waits, in the end for @what, or for what is of its @kind. */
void eb_expect_waits(struct eb_board *b, unsigned int sysmmu, const struct weir_fwnode *what, bool kind);

#endif
