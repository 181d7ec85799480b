// SPDX-License-Identifier: MIT
/*
 * A virtio device in memory, behind registers in either layout, and a host to reach it
 * with: for what no device at hand does, and for devices that lie. Written from Virtio
 * 1.2 (sections 2.7, 4.1, 4.2); its numbers are its own.
 *
 * Time is the model's: each look at the clock takes a microsecond, so that nothing has
 * to be waited for really. Physical addresses are not virtual ones, and what the device
 * reaches of memory is only what was given out as pages.
 */
#ifndef WEIR_TESTS_VIRTIOMODEL_H
#define WEIR_TESTS_VIRTIOMODEL_H

#include "cm.h"
#include "pcimodel.h"
#include "testhost.h"
#include "weir/virtio.h"
#include "weir/weir.h"

#define VMODEL_QUEUES 3u
#define VMODEL_BLOCKS 16u
#define VMODEL_CONFIG 64u
#define VMODEL_MMIO 0x0a000000u

enum vmodel_mode {
	VMODEL_HONEST,
	VMODEL_REVERSED,        /* returns what it has in the reverse order, which it may */
	VMODEL_LATE,            /* returns it when its status was read five times, likewise */
	VMODEL_LAST_HONEST = VMODEL_LATE,
	VMODEL_SILENT,          /* returns nothing */
	VMODEL_USED_JUMPS,      /* says it returned a hundred more than it has */
	VMODEL_USED_BACK,       /* says it returned less than before */
	VMODEL_ID_TOO_LARGE,    /* returns a descriptor beyond the queue */
	VMODEL_ID_TWICE,        /* returns the first request again and again */
	VMODEL_ID_INSIDE,       /* returns the second descriptor of a request */
	VMODEL_TOO_LONG,        /* says it wrote more than there was */
	VMODEL_SCRIBBLES,       /* overwrites all descriptors when it has returned what it had */
	VMODEL_GONE,            /* answers nothing any more once it was notified */
	VMODEL_NEEDS_RESET,     /* says so once it was notified */
	VMODEL_RESET_STUCK,     /* its reset does not end */
	VMODEL_FEATURES_REFUSED, /* does not take any choice of features */
	VMODEL_QUEUE_STUCK,     /* does not let queues be enabled */
	VMODEL_NO_START,        /* does not start */
	VMODEL_RESTLESS,        /* its configuration changes all the time */
	VMODEL_MODES,
};

struct vmodel;

/* One request as the device sees it. */
struct vmodel_request {
	unsigned int queue;
	uint8_t in[512];
	uint32_t in_bytes;
	uint8_t out[1024];
	uint32_t out_bytes;   /* room */
	uint32_t written;     /* set by the device */
};

struct vmodel_queue {
	uint16_t max, size, taken, used;
	uint64_t desc, driver, device;
	bool on;
	uint16_t vector;
};

struct vmodel {
	struct weir_host_ops ops;       /* of a host to reach it with; the context is the model */
	struct testhost *host;
	struct weir_machine *m;
	struct weir_bus *platform;
	bool pci;
	struct pcimodel space;
	int fn;                         /* of the device in it */
	struct weir_device *bridge;
	struct weir_pci *buses;
	void (*after)(struct vmodel *model); /* the device did what was in a queue; may be NULL */
	enum vmodel_mode mode;
	uint32_t type;
	uint64_t offered, accepted;
	uint8_t status;
	uint32_t select_device, select_driver, select_queue;
	uint8_t config[VMODEL_CONFIG];
	uint32_t generation;
	uint16_t config_vector;
	struct vmodel_queue queues[VMODEL_QUEUES];
	unsigned int late;              /* reads of the status until what it has is returned */
	unsigned int notified, interrupts, refused_dma, resets;
	/* What the device does: fills out and written. Return: false to keep the request. */
	bool (*serve)(struct vmodel *model, struct vmodel_request *request);
	/* Before a reset takes effect; may be NULL. */
	void (*on_reset)(struct vmodel *model);
	/* memory */
	struct { uint8_t *va; uint64_t pa; size_t bytes; } blocks[VMODEL_BLOCKS];
	uint64_t next_pa;
	_Alignas(64) uint8_t own[4096]; /* for the test's requests */
	/* interrupts: called at once */
	void (*irq)(void *arg);
	void (*msi)(void *arg, unsigned int i);
	void *irq_arg;
	uint32_t isr;
	uint64_t clock;
	bool still;           /* the clock does not go on */
	char log[2048];
};

/*
 * Makes a device that turns every byte around (out = ~in); change it before it is opened.
 * @pci: behind a PCI function, else at VMODEL_MMIO.
 */
void vmodel_init(struct vmodel *model, bool pci);
/* A machine that reaches it, on a checking host of its own. */
void vmodel_open(struct vmodel *model);
/* Everything must be gone then. */
void vmodel_close(struct vmodel *model);
/* The same on a given host, whose calls may fail; vmodel_down() also after a failure. */
int vmodel_up(struct vmodel *model, struct testhost *host);
void vmodel_down(struct vmodel *model);
/* The function's device, of a model behind PCI. */
struct weir_device *vmodel_device(struct vmodel *model);
/* Opens it, whichever way it is reached. */
int vmodel_virtio(struct vmodel *model, struct weir_virtio **out_virtio);

/* The device takes a waiting buffer of a queue and fills it. Return: false when there is none. */
bool vmodel_push(struct vmodel *model, unsigned int queue, const void *data, uint32_t bytes);
/* A page that the device reaches and that is there as long as the model. */
uint8_t *vmodel_own(struct vmodel *model, uint64_t *out_pa);
/* Memory at an address, or NULL where there is none. */
uint8_t *vmodel_memory(struct vmodel *model, uint64_t pa, uint64_t bytes);

#endif
