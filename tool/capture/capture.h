// SPDX-License-Identifier: MIT
/*
 * A capture: what a running Linux shows of its devices, as named pieces of text and data.
 * Taken from /sys and /proc, by this program or by weir-capture.sh, or read from an
 * archive that one of these made. docs/capture.md has the pieces.
 */
#ifndef WEIR_TOOL_CAPTURE_H
#define WEIR_TOOL_CAPTURE_H

#include "weir.h"

struct capture_entry {
	char *name;    /* "devices", "dt/soc/serial@1000/compatible" */
	char *data;    /* ends in a NUL that does not count */
	size_t bytes;
};

struct capture {
	struct capture_entry *entries; /* by name once sorted */
	size_t n, room, bytes;
};

/* An archive may hold that much, and no more is taken. */
#define CAPTURE_MAX_BYTES (128u << 20)
#define CAPTURE_MAX_ENTRIES 400000u

/* entries.c. @data is copied. Return: 0; WEIR_ENOMEM; WEIR_E2BIG past the limits. */
int capture_add(struct capture *c, const char *name, const void *data, size_t bytes);
void capture_sort(struct capture *c);
/* NULL: there is none. */
const struct capture_entry *capture_find(const struct capture *c, const char *name);
void capture_free(struct capture *c);

/*
 * collect.c: of the Linux below @root ("" for the one that runs). @keep_private: serial
 * numbers and the like too. Return: 0, or an exit status after a message.
 */
int capture_collect(struct capture *c, const char *root, bool keep_private);

/* kernellog.c: lines of the kernel's log about probes, as "log". Return: as capture_add(). */
int capture_log(struct capture *c, const char *root);

/* archive.c. Return: 0, or an exit status after a message. */
int capture_read(struct capture *c, const char *path);
/* The same of an archive in memory; @name: for messages. */
int capture_read_bytes(struct capture *c, const char *name, const void *data, size_t bytes);
int capture_write(const struct capture *c, const char *path);
/* Whether a file begins as an archive does that capture_read() may take. */
bool capture_is(const void *data, size_t bytes);

/* dtb.c: the device tree as a blob. Return: 0; WEIR_ENOENT; WEIR_EBADMSG; WEIR_ENOMEM. */
int capture_dtb(const struct capture *c, struct weir_bytes *out_dtb);
/* Takes private properties out of a blob, in place. Return: 0; WEIR_EBADMSG: it is none. */
int capture_blank(void *blob, size_t bytes);
/* Whether a property tells who this machine is, and not what. */
bool capture_is_private(const char *property);
/* The command line without words that do. Return: NULL without memory. */
char *capture_cmdline(const char *text);

/* A device as it was seen. Strings are borrowed from the capture. */
struct seen_device {
	const char *path;     /* below /sys/devices */
	const char *name, *bus;
	const char *driver;   /* NULL: none */
	const char *node;     /* path in the device tree; NULL: none */
	const char *deferred; /* why, in the kernel's words; "" when it gives none; NULL: it is not */
	int group;            /* negative: none */
	int waiting;          /* waiting_for_supplier; negative: not told */
	size_t first_link;    /* in links */
	char *lacks;          /* path of the node it waits for, of which no device is seen; NULL: none */
	const char *lacks_by; /* what names that */
	long left;            /* seen_left() */
};

struct seen_link {
	size_t consumer, supplier; /* in devices */
	const char *status;
	bool weak;                 /* sync_state_only: does not hold back */
	const char *property;      /* that firmware gives it by, and Linux has no link; NULL: it has one */
};

struct seen {
	const struct capture *c;
	char *text;                /* what strings are borrowed from */
	struct seen_device *devices; /* by path */
	size_t n;
	struct seen_link *links;   /* by consumer */
	size_t nr_links, room;
	const char *kernel;        /* uname -r; NULL */
};

/* seen.c. Return: 0; WEIR_ENOMEM; WEIR_EBADMSG: "devices" is missing or damaged. */
int seen_open(struct seen *s, const struct capture *c);
void seen_close(struct seen *s);
/*
 * Whose child node a device waits for, though it is bound: Linux did not hand the wait on. Negative: nobody's.
 */
long seen_left(const struct seen *s, size_t dev);
/* The device that a chain of suppliers without driver ends at, from @dev on; @dev itself. */
size_t seen_root(const struct seen *s, size_t dev);
/* The link that holds it back; NULL: none is known. */
const struct seen_link *seen_held(const struct seen *s, size_t dev);
/* By path below /sys/devices; negative: there is none. */
long seen_find(const struct seen *s, const char *path);
/* One that Linux does not show. Return: 0; WEIR_ENOMEM. */
int seen_add_link(struct seen *s, size_t consumer, size_t supplier, const char *property);
/* Why a device has no driver, as far as it can be seen. */
void seen_words(const struct seen *s, size_t dev, char *buf, size_t bytes);
/* A device that waits: deferred, or held by links. */
bool seen_waits(const struct seen *s, size_t dev);

#endif
