// SPDX-License-Identifier: MIT
/*
 * What a kernel's log says of IOMMUs: groups, masters that came before or around theirs, ids that
 * nobody has, faults. Messages of Linux's IOMMU core and of the drivers arm-smmu and
 * arm-smmu-v3, by a few words of each (6.12; "late IOMMU probe" is 6.15's, the one-line
 * event 6.14's).
 */
#include <stdlib.h>
#include <string.h>

#include "bootlog.h"

#define MAX_NOTES 1024 /* different ones: more than anybody reads */

/* The number behind some words, in base 16 behind "0x". Return: whether they are there. */
static bool number_after(const char *text, const char *words, uint64_t *out)
{
	const char *at = strstr(text, words);
	char *end;

	if (!at)
		return false;
	at += strlen(words);
	*out = strtoull(at, &end, 0);
	return end != at;
}

/* @note: but for the device. Return: whether there was memory. */
static bool add(struct weir_bootlog *log, const char *device, size_t n, const struct weir_bootlog_note *note)
{
	struct weir_bootlog_note *more, *same = NULL;
	const char *name;

	for (size_t i = 0; i < log->note_count && !same; i++) {
		struct weir_bootlog_note *old = &log->notes[i];

		if (old->kind == note->kind && old->id == note->id && strlen(old->device) == n &&
		    !memcmp(old->device, device, n))
			same = old;
	}
	if (same) {
		same->times++;
		return true;
	}
	if (log->note_count == MAX_NOTES)
		return true;
	name = weir_arena_strndup(&log->arena, device, n);
	more = weir_array_grow(log->notes, log->note_count, &log->note_room, sizeof(*more));
	if (!name || !more)
		return false;
	log->notes = more;
	more = &log->notes[log->note_count++];
	*more = *note;
	more->device = name;
	more->times = 1;
	return true;
}

/* ---- faults ---- */

/* "event: F_TRANSLATION client: NAME sid: 0x8 ssid: 0x0 iova: 0x1000 ipa: 0x0" */
static bool event_line(const char *text, struct weir_bootlog_note *note)
{
	note->kind = WEIR_NOTE_FAULT;
	note->has_address = number_after(text, " iova: ", &note->address);
	return number_after(text, " sid: ", &note->id);
}

/* "event 0x10 received:", then the words of the record, the first with the stream id in its upper half. */
static bool event_record(struct weir_bootlog *log, const char *text, struct weir_bootlog_note *note)
{
	uint64_t word;
	char *end;

	if (!strncmp(text, "event 0x", 8)) {
		log->event_at = 1;
		return false;
	}
	text += strspn(text, "\t ");
	if (!log->event_at || strncmp(text, "0x", 2))
		return false;
	word = strtoull(text, &end, 16);
	if (end - text != 18) {
		log->event_at = 0;
		return false;
	}
	if (log->event_at == 1)
		log->event_id = word >> 32;
	if (log->event_at++ != 3) /* the third is the address */
		return false;
	log->event_at = 0;
	*note = (struct weir_bootlog_note){ .kind = WEIR_NOTE_FAULT, .id = log->event_id,
					    .has_address = true, .address = word };
	return true;
}

static bool fault(struct weir_bootlog *log, const char *text, struct weir_bootlog_note *note)
{
	if (number_after(text, "Blocked unknown Stream ID ", &note->id)) {
		note->kind = WEIR_NOTE_UNKNOWN_ID;
		return true;
	}
	if (!strncmp(text, "Unhandled context fault: ", 25)) {
		note->kind = WEIR_NOTE_FAULT;
		note->has_address = number_after(text, " iova=", &note->address);
		return number_after(text, " cbfrsynra=", &note->id);
	}
	if (!strncmp(text, "event: ", 7) && strstr(text, " client: "))
		return event_line(text, note);
	return event_record(log, text, note);
}

/* ---- masters ---- */

static bool master(const char *text, struct weir_bootlog_note *note)
{
	static const struct {
		const char *words;
		enum weir_bootlog_note_kind kind;
	} kinds[] = {
		{ "late IOMMU probe at driver bind", WEIR_NOTE_LATE },
		{ "deferred probe timeout, ignoring dependency", WEIR_NOTE_GIVEN_UP },
		{ "ignoring dependency for device, assuming no driver", WEIR_NOTE_GIVEN_UP },
		{ "IOMMU driver was not able to establish FW requested direct mapping", WEIR_NOTE_NO_DIRECT },
		{ "Firmware has requested this device have a 1:1 IOMMU mapping", WEIR_NOTE_NEEDS_DIRECT },
	};
	const char *group = "Failed to add to iommu group ";
	size_t n = strlen(group);
	char *end;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(text, kinds[i].words, strlen(kinds[i].words))) {
			note->kind = kinds[i].kind;
			return true;
		}
	if (strncmp(text, group, n))
		return false;
	note->kind = WEIR_NOTE_NO_GROUP;
	note->id = strtoul(text + n, &end, 10);
	note->error = *end == ':' ? (int)labs(strtol(end + 1, NULL, 10)) : 0;
	return true;
}

bool weir_bootlog_iommu_(struct weir_bootlog *log, const char *device, size_t n, const char *text)
{
	struct weir_bootlog_note note = { .kind = WEIR_NOTE_LATE };

	if (!n || n > 200 || (!master(text, &note) && !fault(log, text, &note)))
		return true;
	return add(log, device, n, &note);
}

bool weir_bootlog_iommu_general_(struct weir_bootlog *log, const char *text)
{
	static const char type[] = "iommu: Default domain type: ";
	static const char kept[] = "Failed to set up IOMMU for device ";
	const char *at = strstr(text, kept);
	struct weir_bootlog_note note = { .kind = WEIR_NOTE_NO_DMA };

	if (!strncmp(text, type, sizeof(type) - 1)) {
		log->domain_type = weir_arena_strndup(&log->arena, text + sizeof(type) - 1,
						      strcspn(text + sizeof(type) - 1, " "));
		return log->domain_type != NULL;
	}
	at = at ? at + sizeof(kept) - 1 : NULL;
	return !at || !strcspn(at, ";") || add(log, at, strcspn(at, ";"), &note);
}
