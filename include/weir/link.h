// SPDX-License-Identifier: MIT
/*
 * Device links: "the consumer needs the supplier". A managed link holds back the
 * consumer's probe until the supplier is bound, and the supplier's removal until
 * the consumer is gone; all links order suspend, resume and shutdown.
 */
#ifndef WEIR_LINK_H
#define WEIR_LINK_H

#include "weir/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_link;

/*
 * Given by the caller of weir_link_add. Without one of the next three, the link lasts
 * until weir_link_del.
 */
#define WEIR_LINK_STATELESS           0x001u /* only orders power; not managed; counted */
#define WEIR_LINK_AUTOREMOVE_CONSUMER 0x002u /* goes when the consumer is unbound */
#define WEIR_LINK_AUTOREMOVE_SUPPLIER 0x004u /* goes when the supplier is unbound */
#define WEIR_LINK_PM_RUNTIME          0x008u /* runtime PM keeps the supplier powered for the consumer */
#define WEIR_LINK_AUTOPROBE           0x010u /* a bind of the supplier queues the consumer */
#define WEIR_LINK_SYNC_STATE_ONLY     0x020u /* delays the supplier's sync_state, blocks nothing */
#define WEIR_LINK_ORDER               0x040u /* waits until the supplier is bound, failed or has no driver */
#define WEIR_LINK_OPTIONAL            0x080u /* let go when the supplier can never come */
/* Markers, set by the library; visible, also accepted from firmware code. */
#define WEIR_LINK_MANAGED             0x100u
#define WEIR_LINK_INFERRED            0x200u /* made from firmware, may be relaxed */
#define WEIR_LINK_CYCLE               0x400u /* part of a dependency cycle */

enum weir_link_state {
	WEIR_LINK_NONE,            /* stateless */
	WEIR_LINK_DORMANT,         /* supplier not bound */
	WEIR_LINK_AVAILABLE,       /* supplier bound, consumer not */
	WEIR_LINK_CONSUMER_PROBE,  /* supplier bound, consumer probing */
	WEIR_LINK_ACTIVE,          /* both bound */
	WEIR_LINK_SUPPLIER_UNBIND, /* supplier going away */
};

/**
 * weir_link_add - say that @consumer needs @supplier.
 * @flags: WEIR_LINK_*.
 * @out_link: the link, new or found; may be NULL.
 *
 * There is one link per pair: asking again merges the flags, never shortens its
 * life. Context: thread, also in a probe of the consumer.
 * Owner: the machine; weir_link_del() drops a persistent or stateless one.
 * Return: 0; WEIR_EINVAL for flags that exclude each other, or when both are the
 * same device, or for a sync-state-only link of a bound consumer; WEIR_ENODEV
 * when one is not added or going away; WEIR_ELOOP when the supplier needs the
 * consumer already; WEIR_EOVERFLOW for the 32,768th stateless one of a pair; WEIR_ENOMEM.
 */
int weir_link_add(struct weir_device *consumer, struct weir_device *supplier,
		  uint32_t flags, struct weir_link **out_link);

/** weir_link_del - undo one weir_link_add of a stateless link, or drop a persistent one. */
void weir_link_del(struct weir_link *link);

/** weir_link_find - the link of a pair. Return: 0; WEIR_ENOENT. */
int weir_link_find(struct weir_device *consumer, struct weir_device *supplier,
		   struct weir_link **out_link);

uint32_t weir_link_flags(const struct weir_link *link);
enum weir_link_state weir_link_state_get(const struct weir_link *link);
struct weir_device *weir_link_consumer(const struct weir_link *link);
struct weir_device *weir_link_supplier(const struct weir_link *link);
/** weir_link_property - the firmware property it comes from, such as "clocks"; NULL for explicit links. */
const char *weir_link_property(const struct weir_link *link);

/** weir_link_first / weir_link_next - the suppliers of a device, oldest link first; NULL at the end. */
struct weir_link *weir_link_first(const struct weir_device *consumer);
struct weir_link *weir_link_next(const struct weir_link *link);
/** weir_link_first_consumer / weir_link_next_consumer - the consumers of a device, likewise. */
struct weir_link *weir_link_first_consumer(const struct weir_device *supplier);
struct weir_link *weir_link_next_consumer(const struct weir_link *link);

#ifdef __cplusplus
}
#endif
#endif
