// SPDX-License-Identifier: MIT
/*
 * Of configuration space what grouping needs and nothing else: vendor, device, class, type of header,
 * bus numbers of bridges, the type of port, whether it has a slot, and ACS. Serial numbers, product
 * data (VPD), addresses, messages and all other capabilities are not copied. weir-capture.sh
 * does the same. See dump.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "dump.h"

/* PCI Local Bus Specification 3.0, 6.1 and 6.7; PCI Express Base Specification 5.0, 7.5.3, 7.6.3 and 7.7.8. */
enum {
	AT_IDS = 0x00, AT_STATUS = 0x06, AT_CLASS = 0x08, AT_HEADER = 0x0e, AT_BUSES = 0x18, AT_CAPS = 0x34,
	HAS_CAPS = 0x10, CAP_EXPRESS = 0x10, CAP_MAX = 48,
	AT_EXTENDED = 0x100, EXT_ACS = 0x0d, EXT_MAX = 960,
};

static unsigned int half(const uint8_t *at)
{
	return at[0] | (unsigned int)at[1] << 8;
}

static void put_half(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

/* The capability of PCI Express; 0: there is none. */
static unsigned int find_express(const uint8_t *space, size_t bytes)
{
	unsigned int at = space[AT_STATUS] & HAS_CAPS ? space[AT_CAPS] & ~3u : 0;

	for (unsigned int n = 0; n < CAP_MAX && at >= PCI_HEADER_BYTES && at + 4 <= bytes; n++) {
		if (space[at] == CAP_EXPRESS)
			return at;
		at = space[at + 1] & ~3u;
	}
	return 0;
}

static unsigned int find_acs(const uint8_t *space, size_t bytes)
{
	unsigned int at = AT_EXTENDED;

	if (at + 4 <= bytes && half(space + at) == 0xffff && half(space + at + 2) == 0xffff)
		return 0;
	for (unsigned int n = 0; n < EXT_MAX && at >= AT_EXTENDED && at + 4 <= bytes; n++) {
		if (half(space + at) == EXT_ACS)
			return at;
		at = half(space + at + 2) >> 4 & ~3u;
	}
	return 0;
}

void pcidump_pack(const uint8_t *space, size_t bytes, uint8_t *out_space)
{
	unsigned int express, acs;

	memset(out_space, 0, PCI_SPACE_BYTES);
	if (bytes < PCI_HEADER_BYTES)
		return;
	memcpy(out_space + AT_IDS, space + AT_IDS, 4);
	memcpy(out_space + AT_CLASS, space + AT_CLASS, 4);
	out_space[AT_HEADER] = space[AT_HEADER];
	if ((space[AT_HEADER] & 0x7f) == 1)
		memcpy(out_space + AT_BUSES, space + AT_BUSES, 3);
	express = find_express(space, bytes < PCI_BASIC_BYTES ? bytes : PCI_BASIC_BYTES);
	if (bytes == PCI_HEADER_BYTES) /* whether there is more is what the reader wants to know then */
		out_space[AT_STATUS] = space[AT_STATUS] & HAS_CAPS;
	if (!express)
		return;
	out_space[AT_STATUS] = HAS_CAPS;
	out_space[AT_CAPS] = (uint8_t)express;
	out_space[express] = CAP_EXPRESS;
	memcpy(out_space + express + 2, space + express + 2, 2);
	if (express + 20 < PCI_BASIC_BYTES)
		out_space[express + 20] = space[express + 20] & 0x42; /* power controller, hot-plug */
	acs = find_acs(space, bytes);
	if (!acs)
		return;
	if (acs != AT_EXTENDED) { /* an empty entry leads to it (7.9.28: id 0) */
		put_half(out_space + AT_EXTENDED, 0);
		put_half(out_space + AT_EXTENDED + 2, acs << 4 | 1);
	}
	put_half(out_space + acs, EXT_ACS);
	put_half(out_space + acs + 2, 1);
	if (acs + 8 <= PCI_SPACE_BYTES)
		memcpy(out_space + acs + 4, space + acs + 4, 4);
}

void pcidump_put(FILE *f, const uint8_t *space, size_t extent)
{
	static const uint8_t zeros[16];

	for (size_t at = 0; at + 16 <= extent; at += 16) {
		if (at && at + 16 < extent && !memcmp(space + at, zeros, 16))
			continue;
		fprintf(f, "%02zx:", at);
		for (size_t i = 0; i < 16; i++)
			fprintf(f, " %02x", space[at + i]);
		fputc('\n', f);
	}
}

/* ---- /sys ---- */

/*
 * What can be read of a function. Root reads all; all is told as 4 KiB, what a function has not
 * being zero, so that it is not taken for what could not be read.
 */
static size_t read_space(const char *path, uint8_t *space)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t bytes = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return 0;
	while (bytes < PCI_SPACE_BYTES && (n = read(fd, space + bytes, PCI_SPACE_BYTES - bytes)) > 0)
		bytes += (size_t)n;
	if (bytes >= PCI_BASIC_BYTES && !fstat(fd, &st) && (size_t)st.st_size == bytes) {
		memset(space + bytes, 0, PCI_SPACE_BYTES - bytes);
		bytes = PCI_SPACE_BYTES;
	}
	close(fd);
	return bytes < PCI_HEADER_BYTES ? 0 : bytes < PCI_SPACE_BYTES ? PCI_HEADER_BYTES : bytes;
}

/* "../0000:03:00.0": the physical function of a virtual one. */
static bool physical_of(const char *dir, const char *name, uint32_t segment, char buf[PCI_NAME_BYTES])
{
	char path[4096], to[4096];
	uint32_t other;
	uint16_t rid;
	ssize_t n;
	size_t len;

	if (snprintf(path, sizeof(path), "%s/%s/physfn", dir, name) >= (int)sizeof(path))
		return false;
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return false;
	to[n] = '\0';
	if (!strrchr(to, '/') || !pci_name_parse(strrchr(to, '/') + 1, &other, &rid, &len) || other != segment)
		return false;
	pci_name(segment, rid, buf);
	return true;
}

/* Return: whether anything of it could be read. */
static bool put_function(FILE *f, const char *dir, const char *name)
{
	uint8_t space[PCI_SPACE_BYTES], packed[PCI_SPACE_BYTES];
	char path[4096], of[PCI_NAME_BYTES];
	uint32_t segment;
	uint16_t rid;
	size_t n;

	if (!pci_name_parse(name, &segment, &rid, &n) || name[n] ||
	    snprintf(path, sizeof(path), "%s/%s/config", dir, name) >= (int)sizeof(path) || access(path, F_OK))
		return false;
	n = read_space(path, space);
	if (physical_of(dir, name, segment, of))
		fprintf(f, "%s virtual function of %s\n", name, of);
	else
		fprintf(f, "%s function\n", name);
	if (!n)
		return false;
	pcidump_pack(space, n, packed);
	pcidump_put(f, packed, n);
	return true;
}

int pcidump_collect(struct capture *c, const char *root)
{
	struct dirent **list;
	char dir[4096], *text = NULL;
	size_t bytes = 0;
	bool any = false;
	int n, err = 0;
	FILE *f;

	if (snprintf(dir, sizeof(dir), "%s/sys/bus/pci/devices", root) >= (int)sizeof(dir))
		return 0;
	n = scandir(dir, &list, NULL, alphasort);
	if (n < 0)
		return 0; /* there is no PCI */
	f = open_memstream(&text, &bytes);
	for (int i = 0; i < n; i++) {
		if (f && put_function(f, dir, list[i]->d_name))
			any = true;
		free(list[i]);
	}
	free(list);
	if (!f || fclose(f))
		err = WEIR_ENOMEM;
	if (!err && any)
		err = capture_add(c, "pci", text, bytes);
	free(text);
	return err;
}
