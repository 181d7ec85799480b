// SPDX-License-Identifier: MIT
/*
 * `weir lint`: what its rules share. A rule looks at a run and adds findings; their texts
 * belong to the list.
 */
#ifndef WEIR_TOOL_LINT_H
#define WEIR_TOOL_LINT_H

#include "weir.h"

enum lint_severity { LINT_NOTE, LINT_WARNING, LINT_ERROR };

/* Rules in the order of their descriptions; docs/lint.md has each. */
enum lint_rule_id {
	LINT_DANGLING_PHANDLE,
	LINT_MISSING_CELLS,
	LINT_WRONG_CELLS,
	LINT_PROPERTY_SIZE,
	LINT_UNKNOWN_STATUS,
	LINT_DANGLING_PATH,
	LINT_SUPPLIER_DISABLED,
	LINT_SUPPLIER_NEVER_COMES,
	LINT_CYCLE,
	LINT_IOMMU_DISABLED,
	LINT_IOMMU_MAP_EMPTY,
	LINT_IOMMU_MAP_OVERLAP,
	LINT_IOMMU_MAP_DAMAGED,
	LINT_DUPLICATE_STREAM,
	LINT_NO_IOMMU_UNLIKE_SIBLINGS,
	LINT_NO_DRIVER,
	LINT_IOMMU_MODULE,
	LINT_BROKEN_TREE,
	LINT_RULES,
};

struct lint_rule {
	const char *id;
	enum lint_severity severity;
	const char *title;  /* what it finds, in a few words */
	const char *effect; /* what happens at boot, unless a finding says it better */
	const char *fix;    /* likewise */
};

struct lint_finding {
	enum lint_rule_id rule;
	enum lint_severity severity;
	char *path;     /* of the node */
	char *property; /* NULL: none in particular */
	char *what, *effect, *fix;
	size_t seq;     /* of its finding */
};

struct lint {
	struct run *r;
	const struct opts *o;
	struct lint_finding *items;
	size_t n, room;
	bool failed;    /* out of memory */
};

/* lint_rules.c */
const struct lint_rule *lint_rule(enum lint_rule_id id);
/* Whether --without names the rule. */
bool lint_is_off(const struct opts *o, enum lint_rule_id id);
/* Return: 0, or EXIT_USAGE after a message, when --without names what is no rule. */
int lint_rules_check(const struct opts *o);
const char *lint_severity_name(enum lint_severity severity);

/* What a rule says beside the node and what is wrong there. */
struct lint_words {
	const char *property;
	char *effect, *fix; /* allocated, now the list's; NULL: the rule's */
	bool note;          /* a note, whatever the rule's severity */
};
/* Text in memory of its own; NULL without memory. */
char *lint_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* @what: allocated, now the list's. @words: NULL: nothing more. */
void lint_add(struct lint *l, enum lint_rule_id rule, const struct weir_fwnode *node, char *what,
	      const struct lint_words *words);
void lint_free(struct lint *l);
/* How a property refers to a node: by its label, or by its path. */
char *lint_reference(const struct run *r, const struct weir_fwnode *node);
/* The node's path, in a buffer for one message. */
struct lint_path {
	char text[512];
};
const char *lint_path(const struct weir_fwnode *node, struct lint_path *buf);
/* The @i-th cell of a value. */
uint32_t lint_cell(const void *value, size_t i);

/* The rules, by what they look at. */
void lint_tree(struct lint *l);
void lint_iommus(struct lint *l);
void lint_boot(struct lint *l, const struct causes *c);

/* lint_out.c: documents of all boards. The caller owns what is returned. */
json_t *lint_json(const struct lint *lints, size_t n);
json_t *lint_sarif(const struct lint *lints, size_t n);

#endif
