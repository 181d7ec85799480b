// SPDX-License-Identifier: MIT
/*
 * Domains: what the masters of a group see when they do DMA. Groups: the masters
 * that cannot be told apart or kept from each other, and so share a domain.
 *
 * Attaching replaces: a translation under way sees the old domain, the new one, or
 * is aborted; never memory untranslated. A group that cannot be attached as a whole
 * gets its old domain back, or is blocked.
 */
#ifndef WEIR_DOMAIN_H
#define WEIR_DOMAIN_H

#include "weir/device.h"
#include "weir/table.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_domain;
struct weir_group;

enum weir_domain_type {
	WEIR_DOMAIN_BLOCKED,   /* nothing passes; the machine's own, one for all */
	WEIR_DOMAIN_IDENTITY,  /* everything passes untranslated; the machine's own */
	WEIR_DOMAIN_DMA,       /* IOVAs come from the library's allocator */
	WEIR_DOMAIN_UNMANAGED, /* IOVAs come from the caller */
	WEIR_DOMAIN_EXTERNAL,  /* the caller's tables: only read, never written */
	WEIR_DOMAIN_NESTED,    /* stage 1 is a guest's, behind it stage 2 of another domain */
};

/* Why a part of the address space is special for a stream. */
enum weir_region_kind {
	WEIR_REGION_RESERVED, /* must not be handed out: it does not reach memory as other addresses do */
	WEIR_REGION_DIRECT,   /* in use since firmware: stays mapped to itself */
	WEIR_REGION_MSI,      /* where message-signalled interrupts go; the instance lets them through */
};
struct weir_region {
	enum weir_region_kind kind;
	uint64_t first, last; /* IOVAs */
	uint32_t prot;        /* of a direct one: WEIR_MAP_* */
};

/* What an IOMMU refused. */
enum weir_fault_reason {
	WEIR_FAULT_UNKNOWN,
	WEIR_FAULT_BLOCKED,    /* the stream is behind no domain, or behind the blocked one */
	WEIR_FAULT_UNMAPPED,
	WEIR_FAULT_PERMISSION,
	WEIR_FAULT_EXTERNAL,   /* the walk of the tables, or the access behind it, failed */
	WEIR_FAULT_STREAM,     /* no such stream: nobody knows who that was */
};
#define WEIR_FAULT_READ      0x1u
#define WEIR_FAULT_WRITE     0x2u
#define WEIR_FAULT_EXECUTE   0x4u
#define WEIR_FAULT_NO_IOVA   0x8u  /* the hardware does not tell the address */
#define WEIR_FAULT_NO_STREAM 0x10u /* ... or the stream */
#define WEIR_FAULT_STAGE2    0x20u /* stage 2 refused: ipa is what it was asked for */
#define WEIR_FAULT_WALK      0x40u /* ... to read what stage 1 needs: its tables, or where they are */
struct weir_fault {
	enum weir_fault_reason reason;
	uint32_t flags; /* WEIR_FAULT_* */
	uint32_t stream;
	uint64_t iova;
	uint64_t ipa;    /* with WEIR_FAULT_STAGE2; 0 where the hardware does not tell */
	uint64_t record; /* the hardware's own code, for the log */
	/*
	 * No access was refused: the instance tells this of itself, a constant text. There is
	 * no stream and no IOVA then.
	 */
	const char *what;
};

/* Limits of a domain: those of all its instances together. Bytes and addresses. */
struct weir_domain_limits {
	uint64_t page_bytes; /* smallest page */
	uint64_t iova_min, iova_max;
};

/**
 * weir_domain_create - make a domain, or refer to the machine's own of that type.
 * Context: thread. Owner: the caller holds a reference.
 * Return: 0; WEIR_EINVAL for a type without a meaning of its own; WEIR_EOPNOTSUPP in a machine without
 * weir_part_iommu (parts.h), here and in the next three; WEIR_ENOMEM.
 */
int weir_domain_create(struct weir_machine *m, enum weir_domain_type type,
		       struct weir_domain **out_domain);
/**
 * weir_domain_create_external - a domain of tables that the caller keeps.
 *
 * The library shows them to instances and never writes them. They must stay readable, with
 * what instances may have cached told by weir_domain_invalidate(), until the domain is
 * attached nowhere any more. The id is the caller's to choose: it must differ from those
 * of other external domains at the same instance.
 * Context: thread. Owner: the caller holds a reference; @external is copied.
 * Return: 0; WEIR_EINVAL for a root that is not aligned to 64 bytes, or sizes that no table
 * has; WEIR_ENOMEM.
 */
int weir_domain_create_external(struct weir_machine *m, const struct weir_tables *external,
				struct weir_domain **out_domain);
/**
 * weir_domain_tables - the tables that instances walk for a domain: an external domain's, or those the
 * library keeps. NULL: it has none.
 *
 * A domain gets tables with the first instance that walks some (weir_iommu_ops.tables), and keeps
 * them as long as it lives; what was mapped before moves there. Other instances of it share
 * them, or are refused. Context: any.
 */
const struct weir_tables *weir_domain_tables(const struct weir_domain *domain);
/**
 * weir_domain_invalidate - the caller changed its tables: when this returns no instance uses
 * what they said before of [iova, iova + bytes). Context: any.
 * Return: 0; WEIR_EINVAL for no bytes, past the end of the address space, or for a domain
 * that is not external; WEIR_EIO when an instance did not confirm: what was mapped there
 * must not be used for anything else, and no further master can be attached there.
 */
int weir_domain_invalidate(struct weir_domain *domain, uint64_t iova, uint64_t bytes);

/* ---- nested translation: stage 1 of a guest, behind it stage 2 of another domain ---- */

/* What a guest told the SMMUv3 that it sees: words of its stream table entry (Arm IHI 0070, 5.2). */
struct weir_nested_smmu_v3 {
	/*
	 * Words 0 and 1: V and Config (stage 1), S1Fmt, S1ContextPtr, S1CDMax, S1DSS, S1CIR, S1COR,
	 * S1CSH, S1STALLD. Other bits are 0: what they would say is the host's.
	 */
	uint64_t ste[2];
};
/* What a guest wrote to a context bank of the SMMU of version 1 or 2 that it sees (Arm IHI 0062). */
struct weir_nested_smmu_v2 {
	uint64_t ttbr0, ttbr1;
	uint32_t sctlr; /* its M, TRE, AFE and ASIDPNE are taken, the rest is the host's */
	uint32_t tcr, tcr2, mair0, mair1, contextidr;
	bool va64;      /* CBA2R.VA64 */
};
enum weir_nested_kind {
	WEIR_NESTED_SMMU_V3,
	WEIR_NESTED_SMMU_V2,
};
/* Stage 1. All addresses in it are the guest's physical ones: stage 2 translates them, too. */
struct weir_nested {
	enum weir_nested_kind kind;
	union {
		struct weir_nested_smmu_v3 smmu_v3;
		struct weir_nested_smmu_v2 smmu_v2;
	};
};
/**
 * weir_domain_create_stage2 - an unmanaged domain whose IOVAs are the physical addresses of a guest:
 * its tables are of stage 2, so that nested domains can be put on it. Only instances that have
 * that take it. Context: thread. Owner: the caller holds a reference. Return: 0; WEIR_ENOMEM.
 */
int weir_domain_create_stage2(struct weir_machine *m, struct weir_domain **out_domain);
/**
 * weir_domain_create_nested - a domain of a guest's own tables, which the guest keeps in its memory.
 * @parent: stage 2: of weir_domain_create_stage2(), or an external one with such tables.
 * @nested: copied. Another description is another domain: attach that instead.
 *
 * All nested domains of one parent are one guest's: they share its ASIDs. What changes in the
 * parent is dropped for them, too. Nothing the guest does reaches beyond what the parent maps.
 * Faults of stage 2 are told to the parent's handler, if it has one; others to this domain's.
 * Context: thread. Owner: the caller holds a reference; it refers to @parent.
 * Return: 0; WEIR_EINVAL when @parent is no stage 2, or there is no such kind; WEIR_ENOMEM.
 * Whether hardware can and the description makes sense is found out when it is attached: then
 * WEIR_EOPNOTSUPP or WEIR_EINVAL, and the log says which field.
 */
int weir_domain_create_nested(struct weir_domain *parent, const struct weir_nested *nested,
			      struct weir_domain **out_domain);

enum weir_nested_scope {
	WEIR_NESTED_ALL,     /* all translations of stage 1, of every nested domain of the parent */
	WEIR_NESTED_ASID,    /* those of an ASID */
	WEIR_NESTED_RANGE,   /* those of a range of addresses, of an ASID */
	WEIR_NESTED_ADDRESS, /* ... of every ASID */
	WEIR_NESTED_CONFIG,  /* what stage 1 is told by memory of the guest (SMMUv3: context descriptors) */
};
struct weir_nested_invalidation {
	enum weir_nested_scope scope;
	uint32_t asid;
	uint64_t iova, bytes;
	uint32_t granule_lg2; /* of the guest's tables: 12, 14, 16; 0: not known */
	bool leaf;            /* no entries that lead to tables changed */
};
/**
 * weir_domain_invalidate_nested - the guest changed what it keeps, and asks its IOMMU to forget:
 * when this returns no instance uses what was there before.
 * Context: thread. Return: 0; WEIR_EINVAL for a domain that is not nested, or no such range;
 * WEIR_EIO when an instance did not confirm: no further master can be attached there.
 */
int weir_domain_invalidate_nested(struct weir_domain *domain,
				  const struct weir_nested_invalidation *what);

/** weir_domain_ref - one reference more. Context: any. Return: @domain. */
struct weir_domain *weir_domain_ref(struct weir_domain *domain);
/**
 * weir_domain_unref - drop a reference; NULL is fine. The last one frees the domain with
 * its mappings; a group holds one. Context: thread. Return: NULL.
 */
struct weir_domain *weir_domain_unref(struct weir_domain *domain);
/** weir_domain_type_get - the type it was made with. Context: any. */
enum weir_domain_type weir_domain_type_get(const struct weir_domain *domain);
/**
 * weir_domain_limits_get - the limits as they are now; they narrow when an instance joins, and a map
 * at that very time may yet go by the old ones. Context: any.
 */
void weir_domain_limits_get(const struct weir_domain *domain, struct weir_domain_limits *out_limits);

/**
 * weir_domain_map - let [iova, iova + bytes) reach [pa, pa + bytes).
 * @prot: WEIR_MAP_*; at least one of READ and WRITE.
 *
 * All of it, at all instances of the domain, or nothing. In a domain with tables it takes no lock
 * and calls no instance, so any number of threads may map ranges that are disjoint. Context: any.
 * Return: 0; WEIR_EINVAL when an address or @bytes is no multiple of the page size,
 * @bytes is 0, or the domain has no mappings of its own; WEIR_ERANGE outside the
 * limits or past the end of the address space; WEIR_EEXIST when a part is mapped;
 * WEIR_EIO when an instance failed (what it had done was undone); WEIR_ENOMEM.
 */
int weir_domain_map(struct weir_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
		    uint32_t prot);

/**
 * weir_domain_unmap - take mappings away; when this returns no instance uses them.
 *
 * The range must consist of whole mappings, as they were made; in a domain with tables, of whole
 * pages. Holes are allowed. Nobody maps or unmaps in the range meanwhile.
 * Context: any. Return: 0; WEIR_EINVAL when the range cuts a mapping in two
 * (nothing changed); WEIR_EBUSY when it cuts a page that is larger, which an instance cannot
 * stand while it is in use; WEIR_EIO when an instance did not confirm: neither the memory nor
 * the addresses must be used for anything else, books go on listing the mapping, and no
 * further master can be attached to the domain at that instance; WEIR_ENOMEM when there
 * is none to split a page with.
 */
int weir_domain_unmap(struct weir_domain *domain, uint64_t iova, uint64_t bytes);

/**
 * weir_domain_translate - what an IOVA reaches. Identity domains translate to itself.
 * Context: any. Return: 0; WEIR_ENOENT when it is not mapped.
 */
int weir_domain_translate(struct weir_domain *domain, uint64_t iova, uint64_t *out_pa);

/**
 * weir_domain_prepare - make what a domain needs at the instances of a group, and keep it when
 * nothing is attached: attaching the group is then no matter of memory. With the first instance
 * that walks tables the domain gets its tables. Direct regions that attaching would map are mapped.
 * Context: thread. Return: as weir_group_attach(); what was made is kept even so.
 */
int weir_domain_prepare(struct weir_domain *domain, struct weir_group *group);
/**
 * weir_domain_unprepare - keep it no longer than it is attached. For each domain that was
 * prepared, before its last reference is dropped; an instance that goes does it, too. Context: thread.
 */
void weir_domain_unprepare(struct weir_domain *domain);
/**
 * weir_domain_reserve - make the tables of [iova, iova + bytes) for good: maps and unmaps there,
 * and attaching groups that the domain is prepared for, make no call of the host that allocates.
 * Pages there are of the smallest size. Context: thread.
 * Return: 0; WEIR_EOPNOTSUPP for a domain without tables (prepare it first); WEIR_EINVAL for a range that
 * is empty or no whole pages; WEIR_ERANGE; WEIR_EEXIST when a larger page is mapped there;
 * WEIR_ENOMEM: what was made stays.
 */
int weir_domain_reserve(struct weir_domain *domain, uint64_t iova, uint64_t bytes);
/**
 * weir_domain_trim - give back tables that map nothing, but for those that were reserved. An unmap
 * gives back those of which it had all; the rest stays, as who maps takes no lock, until the
 * domain goes or this is called. Nobody maps or unmaps in the domain meanwhile. Context: any.
 * Return: 0, also for a domain without tables; WEIR_EIO when an instance did not say that it forgot
 * them: they stay.
 */
int weir_domain_trim(struct weir_domain *domain);

/* A mapping as it was made. */
struct weir_domain_mapping {
	uint64_t iova, pa, bytes;
	uint32_t prot; /* WEIR_MAP_* */
};
/**
 * weir_domain_mapping_get - the mapping that has an IOVA, or the next one behind it. In a domain
 * with tables: what is mapped from there on in one piece.
 * Context: any. Return: 0; WEIR_ENOENT when there is none.
 */
int weir_domain_mapping_get(struct weir_domain *domain, uint64_t iova,
			    struct weir_domain_mapping *out_mapping);

/*
 * Told of what an IOMMU refused to streams behind a domain. True: it is taken care of, and
 * not logged. Context: any, also interrupt; no lock of the library is held.
 */
typedef bool weir_domain_fault_fn(void *context, struct weir_domain *domain,
				  const struct weir_fault *fault);
/**
 * weir_domain_fault_handler_set - who is asked first; NULL: nobody. When it returns, a handler
 * that was there before is not running any more. Context: thread, not from a handler.
 */
void weir_domain_fault_handler_set(struct weir_domain *domain, weir_domain_fault_fn *handler,
				   void *context);

/* ---- groups ---- */

/**
 * weir_group_of - the group of a device, while it is behind its IOMMUs.
 * Context: any. Owner: the library; it is there as long as a device of it is behind its IOMMUs, so
 * who holds on to it sees to it that one is.
 * Return: 0; WEIR_ENOENT.
 */
int weir_group_of(const struct weir_device *dev, struct weir_group **out_group);
/** weir_group_number - a label, not an identity. Context: any. Return: 0 or more. */
int weir_group_number(const struct weir_group *group);
/**
 * weir_group_domain - the domain the group is attached to now. Context: any. Owner: the group's, until it
 * is attached to another one.
 */
struct weir_domain *weir_group_domain(const struct weir_group *group);

/**
 * weir_group_region - the @index-th special region of what a group's masters see, sorted by first
 * address. Holes and doorbells are no place for mappings; direct regions (doorbells that
 * have to be mapped are among them, with WEIR_MAP_DEVICE) are mapped in domains for drivers
 * before the group is attached, doorbells also in unmanaged ones, and must stay so.
 * Context: thread. Return: 0; WEIR_ENOENT after the last.
 */
int weir_group_region(struct weir_group *group, unsigned int index,
		      struct weir_region *out_region);

/**
 * weir_group_attach - put all masters of a group behind a domain instead of the one
 * they have. Nobody is asked whose group it is: while it is claimed only the claimer calls this, and
 * otherwise the drivers of its devices, or who set the machine up.
 * Context: thread, no probe of its masters running. Owner: the group takes a reference.
 * Return: 0; WEIR_EINVAL when an instance does not suit the domain; WEIR_EOPNOTSUPP when one takes
 * no tables of that format, or wants to be told of mappings where others walk tables (the log
 * names it and says why); WEIR_EEXIST
 * when the domain has something else mapped where the group needs a direct region (the log
 * says which); WEIR_EIO when an instance failed: the group has its old domain again, or is blocked
 * when that failed too (weir_group_domain() tells); WEIR_ENOMEM.
 */
int weir_group_attach(struct weir_group *group, struct weir_domain *domain);

/**
 * weir_group_claim - take a group for user space or a guest: its devices are not
 * probed by drivers, and it starts blocked. What would join it later is kept out.
 * @owner: any address that identifies the claimer; it is only compared.
 * Context: thread.
 * Return: 0; WEIR_EINVAL without owner; WEIR_EBUSY when a device of it is bound or
 * somebody has it; WEIR_EIO when an instance failed; WEIR_ENOMEM.
 */
int weir_group_claim(struct weir_group *group, const void *owner);
/**
 * weir_group_release - give it back: blocked, and free for drivers. Context: thread.
 * Return: 0; WEIR_EPERM when @owner does not have it; WEIR_EIO; WEIR_ENOMEM.
 */
int weir_group_release(struct weir_group *group, const void *owner);

#ifdef __cplusplus
}
#endif
#endif
