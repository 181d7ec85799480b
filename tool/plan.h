// SPDX-License-Identifier: MIT
/*
 * `weir plan`: which modules an initramfs needs. A plan is made in steps, a file each:
 * what is wanted (plan_goal.c, plan_display.c), what that needs (plan_need.c), which
 * modules that means (plan_module.c), whether they are enough and none too many
 * (plan_check.c), and what is said (plan_out.c, plan_boards.c).
 */
#ifndef WEIR_TOOL_PLAN_H
#define WEIR_TOOL_PLAN_H

#include "weir.h"

#define PLAN_NONE UINT32_MAX
#define PLAN_MAX_CLASS 4

/* What a goal is: it decides which modules come with it without a node. */
enum plan_what {
	PLAN_ANY,
	PLAN_MMC,
	PLAN_USB,
	PLAN_SATA,
	PLAN_UFS,
	PLAN_NVME,        /* behind a PCI host bridge */
	PLAN_PCI_SATA,
	PLAN_PCI_USB,
	PLAN_VIRTIO,      /* a platform device */
	PLAN_PCI_VIRTIO,
	PLAN_NET,
	PLAN_CONSOLE,
	PLAN_DISPLAY,
	PLAN_NVME_PLATFORM,
};

/* A device that must be up. */
struct plan_goal {
	struct weir_fwnode *node; /* of the run's machine */
	enum plan_what what;
};

/* A node whose device must be up, for a goal. */
struct plan_need {
	struct weir_fwnode *node;   /* of the graph's machine; it has a device or could */
	uint32_t user;              /* the need that this one serves, PLAN_NONE: a goal */
	const char *property;       /* of the user; NULL: it is the user's bus */
	bool soft;                  /* the kernel does not wait for it, drivers do */
	bool console;
	enum plan_what what;        /* of a goal */
	uint32_t *suppliers;        /* needs that must be there before */
	const char **properties;    /* by which it needs each */
	size_t nr_suppliers;
	const struct weir_driver_spec *spec; /* its driver, NULL: none known */
	bool ordered;
};

/* That one node needs another. */
struct plan_edge {
	const struct weir_fwnode *user, *supplier;
};

enum plan_kind {
	PLAN_DEVICE,      /* driver of a node */
	PLAN_HELPER,      /* driver of what another driver makes without a node */
	PLAN_CLASS,       /* for what is found by asking the bus */
	PLAN_DEP,         /* modules.dep */
	PLAN_SOFT,        /* modules.softdep */
	PLAN_ALSO,        /* asked for */
};

struct plan_module {
	const char *name;
	const char *path;           /* of its file, as in modules.dep; NULL: none */
	uint32_t index;             /* in the module index, PLAN_NONE: not there */
	enum plan_kind kind;
	uint32_t need;              /* DEVICE, HELPER */
	const char *of;             /* DEP, SOFT: the module that needs it */
	char *why;
	bool waits;                 /* without it no goal: seen in a run */
	char **firmware;
	size_t nr_firmware;
};

/* A module of a device of this board that is better left out. */
struct plan_left {
	const char *name;
	char *why;
};

struct plan {
	struct run r;               /* with every module, as udev loads them */
	struct weir_posix *posix;
	struct weir_machine *graph; /* the tree alone: who names whom */
	struct weir_kmodel *marks;  /* what early code does to it */
	FILE *quiet;
	const struct opts *o;
	struct plan_goal *goals;
	size_t nr_goals;
	struct weir_fwnode **unseen; /* of the run: devices that a display driver makes itself */
	size_t nr_unseen;
	struct plan_need *needs;
	size_t nr_needs;
	struct plan_edge *banned;   /* of no consequence */
	size_t nr_banned;
	const struct weir_fwnode **walked; /* whose links were followed */
	size_t nr_walked;
	struct plan_module *modules;
	size_t nr_modules;
	struct plan_left *left;
	size_t nr_left;
	char **notes;
	size_t nr_notes;
	char *firmware_names[64];   /* "firmware-name" of planned devices */
	size_t nr_firmware_names;
	char **given_up;            /* paths of what the kernel waits for in vain */
	size_t nr_given_up;
	bool reached;               /* with these modules alone, every goal is up */
	unsigned int runs;
	unsigned int nesting;       /* of modules that need others first */
	char target[200];           /* what is wanted, in words */
};

/* plan.c. Return: 0; an exit status, with one line in @out_what, none if that was said. */
int plan_make(struct plan *p, const struct opts *o, const char *board,
	      const struct kernel_side *shared, char *out_what, size_t bytes);
void plan_free(struct plan *p);
__attribute__((format(printf, 2, 3)))
int plan_note(struct plan *p, const char *fmt, ...);
/* Grows an array by one, zeroed. Return: the new element; NULL without memory. */
void *plan_grow(void *array_pointer, size_t *n, size_t bytes);

/* plan_goal.c. Return: as plan_make(). */
int plan_find_goals(struct plan *p, char *out_what, size_t bytes);
int plan_add_goal(struct plan *p, struct weir_fwnode *node, enum plan_what what);

/* plan_display.c. Return: 0; WEIR_ENOENT: there is none; WEIR_ENOMEM. */
int plan_find_display(struct plan *p);

/* plan_need.c. Return: 0; WEIR_ENOMEM. */
int plan_find_needs(struct plan *p);
void plan_forget_needs(struct plan *p);
/*
 * Whether a need that the kernel does not wait for is none: it leads through the inputs
 * of a clock controller, or through a node that nothing drives. It is then not followed
 * again. Return: 1; 0; WEIR_ENOMEM.
 */
int plan_ban(struct plan *p, uint32_t need);
/* A device that the run says is missing: also needed. Return: 0; WEIR_EEXIST; WEIR_ENOMEM. */
int plan_add_missing(struct plan *p, const char *path, const char *user, const char *property);
bool plan_has(const struct weir_fwnode *node, const char *property);
void plan_why(const struct plan *p, uint32_t need, char *buf, size_t bytes);
const char *plan_role(const char *property);

/* plan_module.c. Return: 0; WEIR_ENOMEM. */
int plan_find_modules(struct plan *p);
int plan_find_firmware(struct plan *p);
const char *plan_driver_path(const struct plan *p, const struct weir_driver_spec *spec);

/* plan_class.c: modules without a node. Return: 0; WEIR_ENOMEM. */
int plan_add_helpers(struct plan *p, uint32_t need);
int plan_add_classes(struct plan *p);
int plan_add_module(struct plan *p, const char *name, enum plan_kind kind, uint32_t need,
		    const char *of, const char *why);

/* plan_check.c. Return: 0; WEIR_ENOMEM. */
int plan_check(struct plan *p);

/* plan_out.c */
void plan_print(const struct plan *p);
int plan_print_format(const struct opts *o, const struct plan_module *modules, size_t n,
		      const char *title);
bool plan_is_format(const char *name);
json_t *plan_json(struct plan *p);

/* plan_boards.c. Return: an exit status. */
int plan_boards(const struct opts *o);

#endif
