// SPDX-License-Identifier: MIT
/*
 * "virt,iommu=virtio,dev=e1000e,..." as arguments for QEMU. Devices get their places on
 * the bus in the order in which they are named, the IOMMU the first. Disks are files in
 * memory, which end with the process.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shell_qemu.h"

#define DISK_BYTES ((off_t)16 << 20)

__attribute__((format(printf, 2, 3)))
static int add(struct qemu_machine *q, const char *fmt, ...)
{
	va_list args;
	int n;

	if (q->nr_args == MAX_QEMU_ARGS)
		return complain("more than %d arguments for QEMU", MAX_QEMU_ARGS);
	va_start(args, fmt);
	n = vasprintf(&q->args[q->nr_args], fmt, args);
	va_end(args);
	if (n < 0) {
		q->args[q->nr_args] = NULL;
		return complain("out of memory");
	}
	q->nr_args++;
	return 0;
}

/* ---- models ---- */

static const struct {
	const char *name, *driver;
	enum { PLAIN, NET, DISK, PORT } kind;
} models[] = {
	{ "e1000e", "e1000e", NET },
	{ "virtio-blk", "virtio-blk-pci,iommu_platform=on,disable-legacy=on", DISK },
	{ "nvme", "nvme,serial=weir", DISK },
	{ "edu", "edu,dma_mask=0xffffffffffffffff", PLAIN },
	{ "port", "pcie-root-port", PORT },
};

#define N_MODELS (sizeof(models) / sizeof(models[0]))

/* Those that need nothing beside them can be plugged. */
const char *const shell_models[] = { "edu", "e1000e", NULL };

const char *qemu_model(const char *model)
{
	for (size_t i = 0; i < N_MODELS; i++)
		if (!strcmp(models[i].name, model))
			return models[i].driver;
	return NULL;
}

static int add_net(struct qemu_machine *q, const char *driver)
{
	unsigned int n = q->nr_nets++;
	int err = add(q, "-netdev");

	if (!err)
		err = add(q, "user,id=net%u", n);
	if (!err && q->pcap)
		err = add(q, "-object");
	if (!err && q->pcap && n)
		err = add(q, "filter-dump,id=dump%u,netdev=net%u,file=%s.%u", n, n, q->pcap, n);
	else if (!err && q->pcap)
		err = add(q, "filter-dump,id=dump%u,netdev=net%u,file=%s", n, n, q->pcap);
	if (!err)
		err = add(q, "-device");
	return err ? err : add(q, "%s,netdev=net%u", driver, n);
}

/* QEMU opens the file by the name that it has in our process. */
static int add_disk(struct qemu_machine *q, const char *driver)
{
	unsigned int n = q->nr_disks;
	int fd, err;

	if (n == MAX_DISKS)
		return complain("more than %d disks", MAX_DISKS);
	fd = memfd_create("weir-disk", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, DISK_BYTES)) {
		if (fd >= 0)
			close(fd);
		return complain("no memory for a disk");
	}
	q->disks[q->nr_disks++] = fd;
	err = add(q, "-blockdev");
	if (!err)
		err = add(q, "driver=file,node-name=disk%u,filename=/proc/%ld/fd/%d,locking=off",
			  n, (long)getpid(), fd);
	if (!err)
		err = add(q, "-device");
	return err ? err : add(q, "%s,drive=disk%u", driver, n);
}

static int add_port(struct qemu_machine *q, const char *driver)
{
	unsigned int n = q->nr_ports++;
	int err = add(q, "-device");

	return err ? err : add(q, "%s,id=port%u,chassis=%u", driver, n, n + 1);
}

static int add_model(struct qemu_machine *q, const char *name)
{
	size_t i;
	int err;

	for (i = 0; i < N_MODELS && strcmp(models[i].name, name); i++)
		;
	if (i == N_MODELS)
		return complain("qemu: dev=%s: not one of e1000e, virtio-blk, nvme, edu, port", name);
	if (models[i].kind == NET)
		return add_net(q, models[i].driver);
	if (models[i].kind == DISK)
		return add_disk(q, models[i].driver);
	if (models[i].kind == PORT)
		return add_port(q, models[i].driver);
	err = add(q, "-device");
	return err ? err : add(q, "%s", models[i].driver);
}

/* ---- the words ---- */

static int set_ram(struct qemu_machine *q, const char *value)
{
	char *end;
	unsigned long mib = strtoul(value, &end, 10);

	if (end == value || *end || mib < 64 || mib > 4096)
		return complain("qemu: ram=%s: a number of MiB from 64 to 4096 is needed", value);
	q->options.ram_bytes = (size_t)mib << 20;
	return 0;
}

static int set_iommu(struct qemu_machine *q, const char *value)
{
	int err;

	if (!strcmp(value, "none"))
		return 0;
	if (!strcmp(value, "smmuv3")) {
		q->options.machine = "virt,iommu=smmuv3";
		return 0;
	}
	if (strcmp(value, "virtio"))
		return complain("qemu: iommu=%s: not one of virtio, smmuv3, none", value);
	err = add(q, "-device");
	return err ? err : add(q, "virtio-iommu-pci");
}

static int set_arch(struct qemu_machine *q, const char *value)
{
	if (strcmp(value, "aarch64") && strcmp(value, "riscv64"))
		return complain("qemu: arch=%s: not one of aarch64, riscv64", value);
	q->options.arch = value;
	return 0;
}

/* QEMU takes a comma for the end of a value, unless there are two. */
static int set_pcap(struct qemu_machine *q, const char *value)
{
	char *to = malloc(2 * strlen(value) + 1);

	if (!to)
		return complain("out of memory");
	free(q->pcap);
	q->pcap = to;
	for (; *value; value++) {
		if (*value == ',')
			*to++ = ',';
		*to++ = *value;
	}
	*to = '\0';
	return 0;
}

static int take_word(struct qemu_machine *q, const char *word, bool second)
{
	static const struct {
		const char *key;
		int (*set)(struct qemu_machine *q, const char *value);
		bool second; /* after all others have been read */
	} keys[] = {
		{ "ram", set_ram, false }, { "arch", set_arch, false },
		{ "iommu", set_iommu, false }, { "pcap", set_pcap, false }, { "dev", add_model, true },
	};
	const char *value = strchr(word, '=');
	size_t n = value ? (size_t)(value - word) : 0;

	if (value && n == 3 && !strncmp(word, "arg", n))
		return second ? add(q, "%s", value + 1) : 0;
	for (size_t i = 0; value && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i].key) == n && !strncmp(word, keys[i].key, n))
			return keys[i].second == second ? keys[i].set(q, value + 1) : 0;
	return complain("qemu: '%s' is not one of iommu=, dev=, ram=, arch=, pcap=, arg=", word);
}

/* Ends the word at @at; ",," stands for a comma in it. Return: where the next one begins. */
static char *end_word(char *at)
{
	char *to = at;

	for (; *at && (*at != ',' || at[1] == ','); at++) {
		if (*at == ',')
			at++;
		*to++ = *at;
	}
	at += *at == ',';
	*to = '\0';
	return at;
}

int qemu_machine_parse(const char *text, struct qemu_machine *out_machine)
{
	struct qemu_machine *q = out_machine;
	char *words[MAX_QEMU_ARGS], *at;
	size_t n = 0;
	int err = 0;

	*q = (struct qemu_machine){ .options = { .arch = "aarch64" }, .text = strdup(text) };
	if (!q->text)
		return complain("out of memory");
	for (at = q->text; *at && n < MAX_QEMU_ARGS; n++) {
		words[n] = at;
		at = end_word(at);
	}
	if (!n || strcmp(words[0], "virt"))
		err = complain("qemu:%s: the machine is not one of virt", text);
	else if (*at)
		err = complain("qemu: more than %d words", MAX_QEMU_ARGS);
	for (int second = 0; second < 2; second++)
		for (size_t i = 1; i < n && !err; i++)
			err = take_word(q, words[i], second);
	q->options.args = (const char *const *)q->args;
	return err;
}

void qemu_machine_fini(struct qemu_machine *q)
{
	for (size_t i = 0; i < q->nr_args; i++)
		free(q->args[i]);
	for (unsigned int i = 0; i < q->nr_disks; i++)
		close(q->disks[i]);
	free(q->pcap);
	free(q->text);
}
