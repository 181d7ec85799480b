// SPDX-License-Identifier: MIT
/*
 * What a Linux kernel's log says of devices: a serial console, dmesg, journalctl, or
 * the text of /sys/kernel/debug/devices_deferred, whatever stands around the lines
 * (time stamps, log levels, syslog's heads, colours, carriage returns) and wherever it
 * ends. What is not understood is passed over: there is no bad log. Owned by the
 * caller; const once made.
 */
#ifndef WEIR_SIM_KERNEL_BOOTLOG_H
#define WEIR_SIM_KERNEL_BOOTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "strtable.h"

#define WEIR_BOOTLOG_NEVER (-1.0)

enum weir_bootlog_state {
	WEIR_BOOTLOG_SEEN,	/* named, nothing more */
	WEIR_BOOTLOG_DEFERRED,
	WEIR_BOOTLOG_BOUND,
	WEIR_BOOTLOG_REFUSED,	/* its driver says that there is no such thing */
	WEIR_BOOTLOG_FAILED,
};

struct weir_bootlog_device {
	const char *name;
	enum weir_bootlog_state state;	/* the last that the log says */
	const char *reason;		/* why it waits, or NULL */
	const char *driver;		/* or NULL */
	int error;			/* of a probe that failed, positive */
	double at;			/* when it got there, in seconds; or WEIR_BOOTLOG_NEVER */
	double deferred_at;		/* when it was first deferred, likewise */
	double last;			/* when the log last said how it is, likewise */
	int group;			/* of IOMMUs, as last said; -1: none */
	int64_t probe_us;		/* the longest probe that was measured; -1: none was */
	unsigned int probes;		/* results of probes in the log */
};

struct weir_bootlog_pair {
	const char *a, *b;
};

struct weir_bootlog_pairs {
	struct weir_bootlog_pair *items;
	size_t n, room;
};

/* What a log says of IOMMUs. bootlog_iommu.c */
enum weir_bootlog_note_kind {
	WEIR_NOTE_LATE,		/* a master came to its IOMMU only when its driver was bound */
	WEIR_NOTE_NO_GROUP,	/* a master was not taken: id is the group */
	WEIR_NOTE_GIVEN_UP,	/* a device goes on without a supplier, after the timeout */
	WEIR_NOTE_NO_DIRECT,	/* an IOMMU, or a master: firmware's direct mapping was not made */
	WEIR_NOTE_NEEDS_DIRECT,	/* a master is not given away, for firmware's direct mapping */
	WEIR_NOTE_NO_DMA,	/* a master's DMA goes around its IOMMU */
	WEIR_NOTE_UNKNOWN_ID,	/* an IOMMU met an id that it was told of by nobody */
	WEIR_NOTE_FAULT,	/* an IOMMU met an access of an id that it does not allow */
};

struct weir_bootlog_note {
	enum weir_bootlog_note_kind kind;
	const char *device;
	uint64_t id;			/* group, or stream id */
	uint64_t address;		/* of the first fault */
	bool has_address;
	int error;			/* positive; 0: none is told */
	unsigned int times;
};

struct weir_bootlog {
	struct weir_bootlog_device *devices;
	size_t device_count, device_room;
	struct weir_bootlog_pairs sync_state;	/* supplier, the consumer that it waits for */
	struct weir_bootlog_pairs cycles;	/* paths of two nodes */
	struct weir_bootlog_pairs firmware;	/* device, file that was not found */
	const char *version, *cmdline, *model;	/* NULL: the log does not say */
	struct weir_bootlog_note *notes;	/* each once, in order */
	size_t note_count, note_room;
	const char *domain_type;		/* "Translated", "Passthrough"; NULL: the log does not say */
	const char *gave_up;			/* the line that says that there is no root; NULL */
	double gave_up_at, end, init_at;
	double timeout_at;	/* when deferred_probe_timeout was over */
	double extended_to;	/* when it was to be over, as last said (dynamic debug) */
	size_t lines, timed;
	/* private */
	unsigned int event_at;			/* which word of an event's record comes next; 0: none */
	uint64_t event_id;
	struct weir_strtable names;
	struct weir_arena arena;
};

/**
 * weir_bootlog_read - understand a log.
 * @text: borrowed for the call; may hold anything.
 * Owner: *@out_log is the caller's, weir_bootlog_destroy(). Return: 0; WEIR_ENOMEM.
 */
int weir_bootlog_read(const char *text, size_t size, struct weir_bootlog **out_log);

/** Frees it; NULL is fine. */
void weir_bootlog_destroy(struct weir_bootlog *log);

/** Return: what the log says of a device, or NULL. */
const struct weir_bootlog_device *weir_bootlog_device(const struct weir_bootlog *log, const char *name);

/**
 * weir_bootlog_slack - how long before the end of deferred_probe_timeout a device was bound
 * that had to wait. @out_seconds: negative when it was after it.
 * Return: whether both times are in the log.
 */
bool weir_bootlog_slack(const struct weir_bootlog *log, const struct weir_bootlog_device *d,
			double *out_seconds);

/* bootlog_line.c: takes a line's head off, in place. @out_time: or WEIR_BOOTLOG_NEVER. */
char *weir_bootlog_line_(char *line, double *out_time);
/*
 * bootlog_iommu.c: @text is what follows "DRIVER DEVICE: ", or the whole message. Return: false
 * without memory.
 */
bool weir_bootlog_iommu_(struct weir_bootlog *log, const char *device, size_t n, const char *text);
bool weir_bootlog_iommu_general_(struct weir_bootlog *log, const char *text);

#endif
