// SPDX-License-Identifier: MIT
/* PCI functions and what joins them, in words; see view.h. */
#include <stdarg.h>
#include <string.h>

#include "view.h"

static void add(char *buf, size_t bytes, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void add(char *buf, size_t bytes, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list args;

	va_start(args, fmt);
	if (used < bytes)
		vsnprintf(buf + used, bytes - used, fmt, args);
	va_end(args);
}

const char *pci_cause_name(enum weir_pci_cause cause)
{
	static const char *const names[WEIR_PCI_CAUSES] = {
		[WEIR_PCI_CAUSE_ALIAS] = "alias", [WEIR_PCI_CAUSE_ID] = "id", [WEIR_PCI_CAUSE_SLOT] = "slot",
		[WEIR_PCI_CAUSE_SWITCH] = "switch", [WEIR_PCI_CAUSE_PORT] = "port",
		[WEIR_PCI_CAUSE_PATH] = "path",
	};

	return names[cause];
}

/* By class code (PCI Code and ID Assignment Specification 1.11, 1). */
static const char *class_words(uint32_t code)
{
	static const char *const bases[] = {
		[0x01] = "storage", [0x02] = "network", [0x03] = "display", [0x04] = "multimedia",
		[0x05] = "memory", [0x06] = "bridge", [0x07] = "communication", [0x08] = "system",
		[0x09] = "input", [0x0b] = "processor", [0x0c] = "serial bus", [0x0d] = "wireless",
		[0x0f] = "satellite", [0x10] = "encryption", [0x11] = "signal processing",
		[0x12] = "accelerator",
	};
	uint32_t base = code >> 16;

	if (code >> 8 == 0x0600)
		return "host bridge";
	if (code >> 8 == 0x0601)
		return "ISA bridge";
	if (code >> 8 == 0x0108)
		return "NVMe";
	if (code >> 8 == 0x0c03)
		return "USB";
	if (code >> 8 == 0x0403)
		return "audio";
	return base < sizeof(bases) / sizeof(bases[0]) && bases[base] ? bases[base] : "other";
}

void pci_fn_words(const struct pciview_fn *fn, char *buf, size_t bytes)
{
	*buf = '\0';
	if (fn->raw->is_virtual)
		add(buf, bytes, "%s (virtual function", fn->name);
	else if (!fn->dev)
		add(buf, bytes, "%s (not known", fn->name);
	else if (fn->info.secondary || fn->info.kind == WEIR_PCI_ROOT_PORT || fn->info.kind == WEIR_PCI_DOWNSTREAM)
		add(buf, bytes, "%s (%s", fn->name, weir_pci_kind_name(fn->info.kind));
	else
		add(buf, bytes, "%s (%s", fn->name, class_words(fn->info.class_code));
	add(buf, bytes, "%s%s)", fn->driver && !fn->info.secondary ? ", driver " : "",
	    fn->driver && !fn->info.secondary ? fn->driver : "");
	text_clean(buf, strlen(buf), "");
}

/* "Request Redirect, Completion Redirect" */
static void bits_words(uint16_t bits, char *buf, size_t bytes)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {
		{ WEIR_PCI_ACS_SV, "Source Validation" }, { WEIR_PCI_ACS_RR, "Request Redirect" },
		{ WEIR_PCI_ACS_CR, "Completion Redirect" }, { WEIR_PCI_ACS_UF, "Upstream Forwarding" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bits & names[i].bit)
			add(buf, bytes, "%s%s", *buf ? ", " : "", names[i].name);
}

void pci_acs_words(const struct weir_pci_isolation *is, char *buf, size_t bytes)
{
	uint16_t cannot = is->missing & (uint16_t)~is->can, off = is->missing & is->can;
	char bits[100] = "";

	*buf = '\0';
	if (!is->missing)
		return;
	if (!is->acs) {
		add(buf, bytes, "has no ACS");
		return;
	}
	if (!cannot && off == is->can) {
		add(buf, bytes, "has ACS, and all of it is switched off");
		return;
	}
	if (cannot) {
		bits_words(cannot, bits, sizeof(bits));
		add(buf, bytes, "has ACS without %s", bits);
	}
	if (off) {
		*bits = '\0';
		bits_words(off, bits, sizeof(bits));
		add(buf, bytes, "%s %s switched off", cannot ? ", and" : "has ACS with", bits);
	}
}

void pci_cause_words(const struct pciview_fn *fn, const struct weir_pci_isolation *is, enum weir_pci_cause cause,
		     char *buf, size_t bytes)
{
	static const char *const effects[WEIR_PCI_CAUSES] = {
		[WEIR_PCI_CAUSE_ALIAS] = ("puts its own requester id in place of those below it: no IOMMU can tell "
					  "them apart, whatever ACS there is"),
		[WEIR_PCI_CAUSE_ID] = "has an id at its IOMMU that others of the group have, too",
		[WEIR_PCI_CAUSE_SLOT] = "functions of one device reach each other",
		[WEIR_PCI_CAUSE_SWITCH] = "all below its switch reach each other",
		[WEIR_PCI_CAUSE_PORT] = "all below it is one group with it",
		[WEIR_PCI_CAUSE_PATH] = "all below it is one group with it",
	};
	bool by_id = cause == WEIR_PCI_CAUSE_ALIAS || cause == WEIR_PCI_CAUSE_ID;
	char acs[200];

	*buf = '\0';
	pci_acs_words(is, acs, sizeof(acs));
	add(buf, bytes, "%s %s %s%s%s", weir_pci_kind_name(fn->info.kind), fn->name, by_id ? "" : acs,
	    by_id ? "" : ": ", effects[cause]);
}

void pci_switch_words(const struct pciview_fn *fn, char *buf, size_t bytes)
{
	/* bits 6 to 0 of the control register (Documentation/admin-guide/kernel-parameters.txt, pci=config_acs) */
	uint16_t off = fn->by_linux.missing & fn->by_linux.can;
	char bits[8] = "xxxxxxx";

	*buf = '\0';
	if (!off || fn->by_linux.missing & (uint16_t)~fn->by_linux.can)
		return;
	for (unsigned int i = 0; i < 7; i++)
		if (off >> i & 1)
			bits[6 - i] = '1';
	snprintf(buf, bytes, "%s@%s", bits, fn->name);
}

/* ---- where Linux has it otherwise ---- */

void pci_finer_words(const struct pciview *v, size_t first, char *buf, size_t bytes)
{
	bool off = false;

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, PCISET_LINUX, i))
		off = off || (v->fns[i].by_linux.causes && v->fns[i].by_linux.missing & v->fns[i].by_linux.can);
	if (*v->override)
		snprintf(buf, bytes, "%s on the command line has them apart, and not the hardware: they may reach "
			 "each other all the same", v->override);
	else if (off)
		snprintf(buf, bytes, "ACS was on when these groups were made, and was switched off later");
	else
		snprintf(buf, bytes, "a quirk of this kernel, it seems: it knows these devices to isolate though they "
			 "do not say so");
}

void pci_coarser_words(const struct pciview *v, size_t first, char *buf, size_t bytes)
{
	if (pciview_spans(v, PCISET_SEEN, first, PCISET_WEIR) == 1)
		snprintf(buf, bytes, "they can reach each other, or have the same id at their IOMMU (see below)");
	else
		snprintf(buf, bytes, "either ACS was off when these groups were made and was switched on later, or "
			 "their IOMMU does not tell them apart, or the kernel knows that one uses the requester id of "
			 "another");
}

void pci_silent_words(const struct pciview *v, char *buf, size_t bytes)
{
	*buf = '\0';
	for (size_t i = 0, told = 0; i < v->n; i++) {
		const struct pciview_fn *fn = &v->fns[i];

		if (fn->dev || (fn->raw->is_virtual && fn->set[PCISET_LINUX] != PCISET_NONE))
			continue;
		if (told++ == 6) {
			add(buf, bytes, " ...");
			return;
		}
		add(buf, bytes, "%s%s", told > 1 ? " " : "", fn->name);
	}
}
