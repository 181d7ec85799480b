// SPDX-License-Identifier: MIT
/*
 * A machine with modelled IOMMUs, for tests of the IOMMU stack. Two IOMMUs, "a" and "b", and
 * masters from a device tree that the test lists. The models answer what a device's access
 * would reach, count what they are told, fail the call that a test chooses, and check what
 * they can: nothing is mapped twice, nothing is asked of them without power, nobody is
 * behind a part that goes.
 */
#ifndef WEIR_TESTS_IOMMUWORLD_H
#define WEIR_TESTS_IOMMUWORLD_H

#include "weir/dma.h"
#include "world.h"

#define IM_STREAMS 8u
#define IM_MAPS 64u
#define IM_MASTERS 4u
#define IM_DMA_BYTES 0x1800u
#define IM_DMA_STEP 0x10000u
#define IM_NOTHING UINT64_MAX /* what an access reaches that is refused */

struct im_part {
	struct { uint64_t iova, pa, bytes; uint32_t prot; } maps[IM_MAPS];
	unsigned int n;
};

struct im_stream {
	bool known;                 /* it was put behind something, and not forgotten */
	enum weir_domain_type type;
	struct im_part *part;
	bool failed;                /* the last attach of it failed */
};

struct im_model {
	struct weir_device *dev;
	struct im_stream streams[IM_STREAMS];
	struct im_part *all[2 * IM_STREAMS]; /* its parts */
	struct weir_region regions[4]; /* of every stream; those with first == last == 0 are none */
	bool fail_blocks;           /* an attach that fails leaves its stream blocked */
	bool endless;               /* it tells of regions for ever */
	bool off;                   /* has no power */
	unsigned int parts, attaches, maps, unmaps, syncs, forgotten;
	bool identity_seen;         /* a stream was ever let through untranslated */
	bool enforced;
	uint64_t watch_iova;        /* != 0: on each attach of type DMA it must be mapped */
	bool watch_missed;
};

/* A master: its name is "m" and its number; streams at a and b; IM_STREAMS: none there. */
struct im_master {
	uint32_t at_a, at_b;
	uint32_t also_a;               /* another one at a; 0: none */
	uint64_t direct_pa, hole_iova; /* 0: none; a page each, in reserved-memory */
};

struct iommu_world {
	struct world w;
	struct im_model models[2];
	unsigned int fail_in;       /* counts calls of the models that can fail; 1: this one */
	bool stay_broken;           /* from that call on, every one */
	bool failed;                /* one did */
	struct im_master masters[IM_MASTERS];
	unsigned int nr_masters;
	bool reject;                /* the models take no ids */
	/* Called before a stream is put behind something, with the locks of the library; may be NULL. */
	void (*on_attach)(const struct im_model *model, uint32_t stream, enum weir_domain_type type);
	/*
	 * What drivers of masters map in their probe, each IM_DMA_STEP further on, and unmap when
	 * they go; 0: nothing. Then they check, too, that they are translated by then, or may do
	 * without. The state is odd from before it is mapped until after it is unmapped.
	 */
	uint64_t dma_pa, dma_iova[IM_MASTERS];
	_Atomic unsigned int dma_state[IM_MASTERS];
	bool dma_lost[IM_MASTERS]; /* odd for ever: an unmap failed */
	_Alignas(8) unsigned char blob[4096];
};

/* Everything up, every master bound to a driver; @masters: up to 4. */
void im_open(struct iommu_world *iw, const struct im_master *masters, unsigned int n);
/* The same in steps: the tree and the machine; then the IOMMUs and masters. */
void im_open_tree(struct iommu_world *iw, const struct im_master *masters, unsigned int n);
void im_add(struct iommu_world *iw, const char *name);
void im_close(struct iommu_world *iw);
/*
 * For hosts whose calls fail: im_open() that returns what failed, and WEIR_EDEFER when a
 * master is not bound in the end; and what takes all of it down, the host excepted.
 */
int im_try_open(struct iommu_world *iw, struct testhost *host, const struct im_master *masters,
		unsigned int n);
/* The first step alone: a machine, and drivers that are not registered; the IOMMUs' is the first. */
int im_try_machine(struct iommu_world *iw, struct testhost *host, const struct im_master *masters,
		   unsigned int n);
/* The same on the POSIX host with so many threads for probes, and the tree. */
void im_open_threads(struct iommu_world *iw, const struct im_master *masters, unsigned int n,
		     unsigned int threads);
int im_try_add(struct iommu_world *iw, const char *name);
void im_end(struct iommu_world *iw);
/* What the access of a stream would reach. */
uint64_t im_reach(const struct iommu_world *iw, unsigned int model, uint32_t stream, uint64_t iova);
/* Whether any stream can reach the page of @pa, in whatever way. */
bool im_any_reaches(const struct iommu_world *iw, uint64_t pa);
struct weir_group *im_group(struct iommu_world *iw, const char *master);
/* The power of an IOMMU as its driver would switch it. */
void im_power_off(struct iommu_world *iw, unsigned int model);
int im_power_on(struct iommu_world *iw, unsigned int model);

#endif
