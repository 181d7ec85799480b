// SPDX-License-Identifier: MIT
/*
 * What a log says of IOMMUs, beside what the tree and the kernel say: which device it is about,
 * what the message means, what is most likely behind it, and what to do.
 */
#include <stdlib.h>
#include <string.h>

#include "explainlog.h"
#include "weir.h"

/* What a note is about. */
struct about {
	struct weir_device *master;    /* NULL: not on the tree */
	struct weir_fwnode *node;      /* of the master, or of its host bridge */
	struct weir_fwnode *iommu;     /* that it is behind; NULL: none */
	unsigned int iommus;           /* behind so many */
	bool pci;
};

struct words {
	char what[600], why[900], fix[500];
};

/* ---- who ---- */

static bool pci_rid(const char *name, uint32_t *out_domain, uint32_t *out_rid)
{
	unsigned int domain, bus, dev, fn;
	int end = 0;

	if (sscanf(name, "%4x:%2x:%2x.%1u%n", &domain, &bus, &dev, &fn, &end) != 4 || name[end] ||
	    dev > 31 || fn > 7)
		return false;
	*out_domain = domain;
	*out_rid = bus << 8 | dev << 3 | fn;
	return true;
}

static uint32_t cell_of(const struct weir_fwnode *node, const char *property, uint32_t otherwise)
{
	const unsigned char *value;
	size_t bytes;

	if (weir_fwnode_property(node, property, (const void **)&value, &bytes) || bytes < 4)
		return otherwise;
	return (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | (uint32_t)value[2] << 8 | value[3];
}

/* The host bridge of a function: that of its domain, or the only one that maps its id. */
static void find_host(const struct run *r, uint32_t domain, uint32_t rid, struct about *a)
{
	struct weir_fwnode *node, *target;
	uint32_t id;

	for (node = weir_fwnode_root(r->m); node; node = weir_fwnode_next(node)) {
		if (!weir_fwnode_available(node) || weir_firmware_map_id(node, WEIR_FWMAP_IOMMU, rid, &target, &id))
			continue;
		if (cell_of(node, "linux,pci-domain", domain) != domain)
			continue;
		a->node = node;
		a->iommu = target;
		a->iommus++;
	}
	if (a->iommus > 1) /* it could be behind any of them */
		a->node = a->iommu = NULL;
	a->iommus = a->iommu != NULL;
}

static struct about about(const struct run *r, const char *name)
{
	struct about a = { NULL, NULL, NULL, 0, false };
	struct weir_fwspec spec;
	uint32_t domain, rid;

	if (!r)
		return a;
	a.pci = pci_rid(name, &domain, &rid);
	if (a.pci) {
		find_host(r, domain, rid, &a);
		return a;
	}
	a.master = log_device(r, name);
	a.node = a.master ? weir_device_fwnode(a.master) : NULL;
	for (unsigned int i = 0; a.node && !weir_firmware_spec(a.node, i, &spec); i++) {
		if (spec.target != a.iommu)
			a.iommus++;
		a.iommu = spec.target;
	}
	return a;
}

static bool has_id(const struct weir_fwspec *spec, uint64_t id)
{
	uint64_t mask = spec->nr_cells > 1 ? spec->cells[1] : 0;

	return spec->nr_cells && !((id ^ spec->cells[0]) & ~mask & 0xffffffff);
}

/* The requester that a host bridge maps to an id of an IOMMU. Return: whether one is. */
static bool find_requester(struct weir_fwnode *host, const struct weir_fwnode *iommu, uint64_t id,
			   uint32_t *out_rid)
{
	struct weir_fwnode *target;
	const void *map;
	uint32_t mapped;

	if (weir_fwnode_property(host, "iommu-map", &map, NULL))
		return false;
	for (uint32_t rid = 0; rid < 0x10000; rid++)
		if (!weir_firmware_map_id(host, WEIR_FWMAP_IOMMU, rid, &target, &mapped) &&
		    target == iommu && mapped == id) {
			*out_rid = rid;
			return true;
		}
	return false;
}

/* Whom the tree gives an id of an IOMMU to. Return: the node of the device or of its host bridge, or NULL. */
static struct weir_fwnode *id_words(const struct run *r, const struct weir_fwnode *iommu, uint64_t id,
				    char *buf, size_t bytes)
{
	struct weir_fwnode *node;
	struct weir_fwspec spec;
	char path[256];
	uint32_t rid;

	for (node = weir_fwnode_root(r->m); node; node = weir_fwnode_next(node)) {
		path_words(node, path, sizeof(path));
		for (unsigned int i = 0; !weir_firmware_spec(node, i, &spec); i++)
			if (spec.target == iommu && has_id(&spec, id)) {
				snprintf(buf, bytes, "%s", path);
				return node;
			}
		if (!find_requester(node, iommu, id, &rid))
			continue;
		snprintf(buf, bytes, "PCI function %02x:%02x.%x below %s", rid >> 8, rid >> 3 & 31, rid & 7, path);
		return node;
	}
	return NULL;
}

static const struct weir_driver_spec *driver_of(const struct run *r, const struct weir_fwnode *node)
{
	for (size_t i = 0; node && i < r->list->driver_count; i++)
		if (weir_kmodel_takes(&r->list->drivers[i], node, false))
			return &r->list->drivers[i];
	return NULL;
}

/* ---- why an IOMMU was not there in time ---- */

static size_t logged_reason(const struct run *r, const struct weir_bootlog *log, struct weir_fwnode *iommu,
			    char *buf, size_t bytes)
{
	const struct weir_bootlog_device *d = log_of_device(r, log, weir_fwnode_device(iommu));

	if (d && d->state == WEIR_BOOTLOG_FAILED)
		return (size_t)snprintf(buf, bytes, "; by this log its probe failed (error %d)", d->error);
	if (d && (d->state == WEIR_BOOTLOG_DEFERRED || d->deferred_at >= 0))
		return (size_t)snprintf(buf, bytes, "; by this log it was deferred%s%s", d->reason ? ": " : "",
					d->reason ? d->reason : "");
	return 0;
}

static void late_why(const struct run *r, const struct weir_bootlog *log, const struct about *a, struct words *w)
{
	const struct weir_driver_spec *spec = driver_of(r, a->iommu);
	struct weir_device *dev = weir_fwnode_device(a->iommu);
	struct cause c = { 0 };
	char path[256], what[500];
	size_t used;

	used = (size_t)snprintf(w->why, sizeof(w->why), "its IOMMU is %s", path_words(a->iommu, path, sizeof(path)));
	if (a->iommus > 1)
		used += (size_t)snprintf(w->why + used, sizeof(w->why) - used,
					 ", the last of %u: one can be registered and another not yet", a->iommus);
	if (!weir_fwnode_available(a->iommu)) {
		snprintf(w->why + used, sizeof(w->why) - used, ", which is disabled");
		snprintf(w->fix, sizeof(w->fix), "enable it, or take it out of the device's node");
		return;
	}
	if (dev && weir_device_status_get(dev) != WEIR_DEVICE_BOUND) {
		weir_device_root_cause(dev, &c.root);
		c.kind = cause_kind_of(&c.root);
		cause_what(r, &c, what, sizeof(what));
		used += (size_t)snprintf(w->why + used, sizeof(w->why) - used,
					 ", which does not come up by the prediction either: %s", what);
		cause_fix(r, &c, w->fix, sizeof(w->fix));
	} else if (spec && spec->when == WEIR_WHEN_MODULE) {
		used += (size_t)snprintf(w->why + used, sizeof(w->why) - used,
					 ", whose driver %s is a module, loaded after or beside "
					 "the device's", spec->name);
		snprintf(w->fix, sizeof(w->fix),
			 "load %s first: put it into the initramfs (weir plan --for %s)%s", spec->name,
			 a->master ? weir_device_name(a->master) : path_words(a->node, path, sizeof(path)),
			 r->o->linux_args.fw_devlink_strict ? "" : ", or boot with fw_devlink.strict=1");
	} else {
		used += (size_t)snprintf(w->why + used, sizeof(w->why) - used, ", whose driver %s is %s",
					 spec ? spec->name : "(unknown)",
					 r->assumed ? "assumed (give --kernel)" : "built in: it was "
						 "probed late, or at the same time");
		snprintf(w->fix, sizeof(w->fix), "%s", r->o->linux_args.fw_devlink_strict ?
			 "see what its IOMMU waited for (initcall_debug)" :
			 "boot with fw_devlink.strict=1, which lets the device wait for it; see "
			 "what it waited for (initcall_debug)");
	}
	used += used < sizeof(w->why) ? logged_reason(r, log, a->iommu, w->why + used, sizeof(w->why) - used) : 0;
	if (!r->o->linux_args.fw_devlink_strict && used < sizeof(w->why))
		snprintf(w->why + used, sizeof(w->why) - used,
			 "; without fw_devlink.strict=1 no link keeps the device back until then");
}

/* ---- kinds ---- */

static void tell_late(const struct run *r, const struct weir_bootlog *log, const struct weir_bootlog_note *n,
		      const struct about *a, struct words *w)
{
	size_t used;

	snprintf(w->what, sizeof(w->what), "%s came late: to its IOMMU, and into a group, only when its "
		 "driver was bound (Linux 6.15 and later warn of it)", n->device);
	if (a->iommu) {
		late_why(r, log, a, w);
	} else if (r) {
		snprintf(w->why, sizeof(w->why), a->pci ? "which IOMMU it is behind cannot be told: no host "
			 "bridge of the tree maps its id, or several do" : a->master ?
			 "the tree names no IOMMU for it" : "it is not on this tree");
		snprintf(w->fix, sizeof(w->fix), "is this the tree that the boot loader handed over? "
			 "Its driver may also have set up DMA a second time");
	}
	used = strlen(w->fix);
	if (a->pci || pci_rid(n->device, &(uint32_t){ 0 }, &(uint32_t){ 0 }))
		snprintf(w->fix + used, sizeof(w->fix) - used, "%sACS of the bridges can take effect "
			 "or not with the time of this, and groups change with it: compare weir "
			 "groups on the board, or two captures by weir diff",
			 used ? "; " : "");
	else if (a->iommu && a->iommus > 1)
		snprintf(w->fix + used, sizeof(w->fix) - used, "; weir race --for %s has the orders that do it",
			 n->device);
}

/* The power domain of a device, whose driver it did not get; "" when the tree names none. */
static void domain_why(const struct run *r, const struct weir_bootlog *log, const struct about *a,
		       struct words *w)
{
	const struct weir_bootlog_device *d;
	const struct weir_driver_spec *spec;
	struct weir_fwspec domain;
	char path[256];

	if (!a->master || weir_firmware_reference(a->node, "power-domains", "#power-domain-cells", 0, &domain))
		return;
	spec = driver_of(r, domain.target);
	d = log_of_device(r, log, weir_fwnode_device(domain.target));
	snprintf(w->why, sizeof(w->why), "its power domain is %s's, whose driver %s", path_words(domain.target, path,
		 sizeof(path)), spec ? "" : "this kernel does not have");
	if (spec)
		snprintf(w->why + strlen(w->why), sizeof(w->why) - strlen(w->why), "%s %s", spec->name,
			 d && d->state == WEIR_BOOTLOG_BOUND ?
			 "is bound in this log: it may not offer that domain, which its firmware can decide" :
			 spec->when == WEIR_WHEN_MODULE ? "is a module" :
			 "is built in: see whether its probe failed or was late in this log");
}

static void tell_given_up(const struct run *r, const struct weir_bootlog *log, const struct weir_bootlog_note *n,
			  const struct about *a, struct words *w)
{
	const struct weir_bootlog_device *d = weir_bootlog_device(log, n->device);
	bool failed = d && d->state == WEIR_BOOTLOG_FAILED;

	snprintf(w->what, sizeof(w->what), "%s was not kept waiting any longer when "
		 "deferred_probe_timeout was over%s",
		 n->device, failed ? "; its probe failed then for good: a power domain that has not come does that" :
		 a->iommu ? ": it goes on without its IOMMU, untranslated, or without a power domain" :
			    ": an IOMMU or a power domain had not come");
	if (a->iommu && !failed)
		late_why(r, log, a, w);
	else if (a->node)
		domain_why(r, log, a, w);
	if (!*w->fix)
		snprintf(w->fix, sizeof(w->fix), "let the supplier's driver come earlier, or boot with a longer "
			 "deferred_probe_timeout");
}

static void tell_group(const struct weir_bootlog_note *n, struct words *w)
{
	const char *why = n->error == 16 ? "EBUSY: its group is in use by a domain that it cannot join now" :
			  n->error == 22 ? "EINVAL: the group's domain does not fit it (ids, address bits, PASIDs)" :
			  n->error == 2  ? "ENOENT: the IOMMU has no place for its ids" :
			  n->error == 28 ? "ENOSPC: the IOMMU has no context or entry left" :
			  n->error == 1  ? "EPERM: firmware reserves memory for it that must stay mapped" : "";

	snprintf(w->what, sizeof(w->what), "%s was not taken into IOMMU group %llu (error %d)", n->device,
		 (unsigned long long)n->id, n->error);
	snprintf(w->why, sizeof(w->why), "%s", why);
	snprintf(w->fix, sizeof(w->fix), "look at the lines of the IOMMU's driver before it; weir "
		 "groups says who shares that group and why");
}

static void tell_id(const struct run *r, const struct weir_bootlog *log, const struct weir_bootlog_note *n,
		    const struct about *a, struct words *w)
{
	const struct weir_bootlog_device *d = NULL;
	char who[300] = "", address[40] = "";
	struct weir_fwnode *known = a->node ? id_words(r, a->node, n->id, who, sizeof(who)) : NULL;

	if (n->has_address)
		snprintf(address, sizeof(address), " at 0x%llx", (unsigned long long)n->address);
	snprintf(w->what, sizeof(w->what), n->kind == WEIR_NOTE_FAULT ?
		 "%s stopped an access of id 0x%llx%s that its domain does not allow" :
		 "%s blocked id 0x%llx%s, which nobody was attached for", n->device,
		 (unsigned long long)n->id, address);
	if (known && weir_fwnode_device(known))
		d = log_of_device(r, log, weir_fwnode_device(known));
	if (known && n->kind == WEIR_NOTE_FAULT) {
		snprintf(w->why, sizeof(w->why), "the tree gives that id to %s: its driver uses memory "
			 "that it has not mapped, or has unmapped; or its boot loader left it "
			 "running", who);
		snprintf(w->fix, sizeof(w->fix), "look at that driver; a display that the boot loader "
			 "left on needs its memory in /reserved-memory with iommu-addresses");
	} else if (known) {
		snprintf(w->why, sizeof(w->why), "the tree gives it to %s%s", who,
			 d && d->state == WEIR_BOOTLOG_DEFERRED ? ", which is deferred in this log: it "
				 "does DMA before its driver is bound, as the boot loader left it" :
			 ": it does DMA before its driver is bound, as the boot loader left it, or without IOMMU");
		snprintf(w->fix, sizeof(w->fix), "let the boot loader stop it, or give it a driver: "
			 "weir explain says what that waits for");
	} else if (a->node) {
		snprintf(w->why, sizeof(w->why), "no node of the tree has that id at %s",
			 path_words(a->node, who, sizeof(who)));
		snprintf(w->fix, sizeof(w->fix), "find the master that has it and put the id into its iommus (or "
			 "iommu-map); weir groups BOARD.dtb lists the ids");
	}
}

static void tell_direct(const struct weir_bootlog_note *n, const struct about *a, struct words *w)
{
	if (n->kind == WEIR_NOTE_NEEDS_DIRECT) {
		snprintf(w->what, sizeof(w->what), "%s keeps a 1:1 mapping that firmware asked for, "
			 "and cannot be given to a guest or to user space", n->device);
		snprintf(w->why, sizeof(w->why), "iommu-addresses of the tree, RMRR, IVMD or RMR of ACPI name it");
		snprintf(w->fix, sizeof(w->fix), "only firmware can take that back");
		return;
	}
	snprintf(w->what, sizeof(w->what), "%s: memory that firmware wants mapped 1:1 was not mapped", n->device);
	snprintf(w->why, sizeof(w->why), a->iommus ? "" : "a master behind this IOMMU has memory with "
		 "iommu-addresses (or RMRR, IVMD, RMR): while its driver is not bound its DMA, "
		 "such as a boot loader's picture, faults");
	snprintf(w->fix, sizeof(w->fix), "look for an earlier error of the IOMMU's driver, and at that "
		 "memory's address and size (whole pages)");
}

static void tell(const struct run *r, const struct weir_bootlog *log,
	 const struct weir_bootlog_note *n, struct words *w)
{
	struct about a = about(r, n->device);

	*w = (struct words){ "", "", "" };
	switch (n->kind) {
	case WEIR_NOTE_LATE:
		tell_late(r, log, n, &a, w);
		break;
	case WEIR_NOTE_GIVEN_UP:
		tell_given_up(r, log, n, &a, w);
		break;
	case WEIR_NOTE_NO_GROUP:
		tell_group(n, w);
		break;
	case WEIR_NOTE_NO_DMA:
		snprintf(w->what, sizeof(w->what), "%s: its DMA goes around its IOMMU, which could not "
			 "be set up for it",
			 n->device);
		snprintf(w->fix, sizeof(w->fix), "compare its dma-ranges with what the IOMMU can reach");
		break;
	case WEIR_NOTE_NO_DIRECT:
	case WEIR_NOTE_NEEDS_DIRECT:
		tell_direct(n, &a, w);
		break;
	default:
		tell_id(r, log, n, &a, w);
	}
}

/* ---- groups ---- */

void log_groups(const struct run *r, const struct weir_bootlog *log, struct log_groups *out)
{
	*out = (struct log_groups){ 0 };
	for (size_t i = 0; i < log->device_count; i++) {
		const struct weir_bootlog_device *d = &log->devices[i];
		struct about a;

		out->devices += d->group >= 0;
		if (d->group >= 0 || d->state != WEIR_BOOTLOG_BOUND || !r)
			continue;
		a = about(r, d->name);
		if (!a.iommu)
			continue;
		if (out->nr_without < sizeof(out->without) / sizeof(out->without[0]))
			out->without[out->nr_without] = d->name;
		out->nr_without++;
	}
	if (!out->devices) /* a log that has no such lines at all says nothing */
		out->nr_without = 0;
}

/* ---- out ---- */

void log_iommus_print(const struct run *r, const struct weir_bootlog *log)
{
	struct log_groups g;
	struct words w;

	log_groups(r, log, &g);
	for (size_t i = 0; i < log->note_count; i++) {
		const struct weir_bootlog_note *n = &log->notes[i];

		tell(r, log, n, &w);
		printf("IOMMU: %s", w.what);
		if (n->times > 1)
			printf(" (%u times)", n->times);
		putchar('\n');
		if (*w.why)
			printf("  why: %s\n", w.why);
		if (*w.fix)
			printf("  fix: %s\n", w.fix);
	}
	if (g.devices)
		printf("%zu device%s added to IOMMU groups%s%s\n", g.devices, g.devices == 1 ? " was" : "s were",
		       log->domain_type ? "; the default domain is " : "", log->domain_type ? log->domain_type : "");
	for (size_t i = 0; i < g.nr_without && i < sizeof(g.without) / sizeof(g.without[0]); i++)
		printf("%s%s", i ? " " : "bound, by the tree behind an IOMMU, and in no group by this "
			 "log: ", g.without[i]);
	if (g.nr_without)
		puts("");
}

json_t *log_iommus_json(const struct run *r, const struct weir_bootlog *log)
{
	static const char *const kinds[] = {
		"late", "no-group", "given-up", "no-direct-mapping", "needs-direct-mapping", "no-dma", "unknown-id",
		"fault",
	};
	json_t *array = json_array();
	struct words w;

	for (size_t i = 0; i < log->note_count; i++) {
		const struct weir_bootlog_note *n = &log->notes[i];

		tell(r, log, n, &w);
		json_array_append_new(array, json_pack(
			"{s:s, s:o, s:i, s:o, s:o, s:o, s:o}", "kind", kinds[n->kind], "device", json_text(n->device), "times",
			(int)n->times, "id", n->kind == WEIR_NOTE_NO_GROUP || n->kind >= WEIR_NOTE_UNKNOWN_ID ?
			json_integer((json_int_t)n->id) : json_null(), "what", json_text(w.what),
			"why", *w.why ? json_text(w.why) : json_null(), "fix", *w.fix ?
				 json_text(w.fix) : json_null()));
	}
	return array;
}
