// SPDX-License-Identifier: MIT
/*
 * A capture of the Linux below a root directory: devices, their drivers, groups and links as
 * /sys shows them, what is deferred, modules, command line, device tree or ACPI tables.
 * What cannot be read (debugfs without root) is left out. weir-capture.sh does the same.
 */
#include "capture.h"
#include "pci/dump.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MAX_DEPTH 64

struct collect {
	struct capture *c;
	const char *root;
	bool keep_private;
	int err;
};

/* A path of two parts. False: it is longer than any can be. */
static bool join(char *out, const char *dir, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX;
}

/* ---- small files ---- */

/* Return: the size read; negative: it cannot be read, or is larger than @max. */
static long slurp(const char *path, char *buf, size_t max)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;
	ssize_t r = 0;

	if (fd < 0)
		return -1;
	while (n < max && (r = read(fd, buf + n, max - n)) > 0)
		n += (size_t)r;
	close(fd);
	return r < 0 || n == max ? -1 : (long)n;
}

/* One line of a small file. False: there is none. */
static bool line_of(const char *dir, const char *name, char *buf, size_t bytes)
{
	char path[PATH_MAX];
	long n;

	n = join(path, dir, name) ? slurp(path, buf, bytes) : -1;
	if (n < 0)
		return false;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

/* What a link leads to, its last part only. */
static bool link_name(const char *dir, const char *name, char *buf, size_t bytes)
{
	char path[PATH_MAX], to[PATH_MAX];
	const char *slash;
	ssize_t n;

	n = join(path, dir, name) ? readlink(path, to, sizeof(to) - 1) : -1;
	if (n < 0)
		return false;
	to[n] = '\0';
	slash = strrchr(to, '/');
	slash = slash ? slash + 1 : to;
	if (strlen(slash) >= bytes)
		return false;
	strcpy(buf, slash);
	return true;
}

/* The part of a real path behind @mark, as in ".../sys/devices" + "/platform/soc". */
static bool real_below(const char *path, const char *mark, char *buf, size_t bytes)
{
	char real[PATH_MAX];
	const char *at;

	if (!realpath(path, real))
		return false;
	at = strstr(real, mark);
	if (!at)
		return false;
	snprintf(buf, bytes, "%s", at + strlen(mark));
	return true;
}

static void add_file(struct collect *k, const char *path, const char *name)
{
	char full[PATH_MAX], *buf;
	size_t max = 16u << 20;
	long n;

	snprintf(full, sizeof(full), "%s%s", k->root, path);
	buf = k->err ? NULL : malloc(max);
	n = buf ? slurp(full, buf, max) : -1;
	if (n >= 0)
		k->err = capture_add(k->c, name, buf, (size_t)n);
	free(buf);
}

/* ---- devices ---- */

static void put_device(FILE *f, const char *dir, const char *bus)
{
	char path[PATH_MAX], driver[256] = "-", group[64] = "-", waiting[16] = "-";
	char node[PATH_MAX] = "-", of[PATH_MAX];

	if (!real_below(dir, "/sys/devices/", path, sizeof(path)))
		return;
	link_name(dir, "driver", driver, sizeof(driver));
	link_name(dir, "iommu_group", group, sizeof(group));
	line_of(dir, "waiting_for_supplier", waiting, sizeof(waiting));
	if (join(of, dir, "of_node") && real_below(of, "/firmware/devicetree/base", node, sizeof(node)) && !*node)
		snprintf(node, sizeof(node), "/");
	fprintf(f, "%s\t%s\t%s\t%s\t%s\t%s\n", path, bus, driver, group, node, waiting);
}

static void each_in(struct collect *k, const char *dir, FILE *f,
		    void (*fn)(struct collect *k, const char *dir, const char *name, FILE *f))
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			fn(k, dir, e->d_name, f);
	closedir(d);
}

static void on_device(struct collect *k, const char *dir, const char *name, FILE *f)
{
	char path[PATH_MAX], bus[256];
	const char *end = strstr(dir, "/devices"), *at = end;

	(void)k;
	while (at > dir && at[-1] != '/')
		at--;
	snprintf(bus, sizeof(bus), "%.*s", (int)(end - at), at); /* a name of /sys: never cut */
	if (join(path, dir, name))
		put_device(f, path, bus);
}

static void on_bus(struct collect *k, const char *dir, const char *name, FILE *f)
{
	char path[PATH_MAX], devices[PATH_MAX];

	if (join(path, dir, name) && join(devices, path, "devices"))
		each_in(k, devices, f, on_device);
}

static void on_link(struct collect *k, const char *dir, const char *name, FILE *f)
{
	char path[PATH_MAX], con[PATH_MAX], sup[PATH_MAX], to[PATH_MAX];
	char status[64] = "-", weak[16] = "-";

	(void)k;
	if (!join(path, dir, name) || !join(to, path, "consumer") ||
	    !real_below(to, "/sys/devices/", con, sizeof(con)) || !join(to, path, "supplier") ||
	    !real_below(to, "/sys/devices/", sup, sizeof(sup)))
		return;
	line_of(path, "status", status, sizeof(status));
	line_of(path, "sync_state_only", weak, sizeof(weak));
	fprintf(f, "%s\t%s\t%s\t%s\n", con, sup, status, weak);
}

static void add_text(struct collect *k, const char *name, const char *dir,
		     void (*fn)(struct collect *k, const char *dir, const char *name, FILE *f))
{
	char path[PATH_MAX], *text = NULL;
	size_t bytes = 0;
	FILE *f = k->err ? NULL : open_memstream(&text, &bytes);

	if (!f) {
		k->err = k->err ? k->err : WEIR_ENOMEM;
		return;
	}
	snprintf(path, sizeof(path), "%s%s", k->root, dir);
	each_in(k, path, f, fn);
	if (fclose(f))
		k->err = WEIR_ENOMEM;
	if (!k->err)
		k->err = capture_add(k->c, name, text, bytes);
	free(text);
}

/* ---- firmware ---- */

static void add_tree(struct collect *k, const char *dir, const char *name, unsigned int depth)
{
	DIR *d = depth < MAX_DEPTH ? opendir(dir) : NULL;
	struct dirent *e;

	if (!d)
		return;
	while (!k->err && (e = readdir(d))) {
		char path[PATH_MAX], as[PATH_MAX], *buf;
		struct stat st;
		long n;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!join(path, dir, e->d_name) || !join(as, name, e->d_name) || lstat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode)) {
			add_tree(k, path, as, depth + 1);
			continue;
		}
		if (!S_ISREG(st.st_mode) || (!k->keep_private && capture_is_private(e->d_name)))
			continue;
		buf = malloc(1u << 20);
		n = buf ? slurp(path, buf, 1u << 20) : -1;
		if (n >= 0)
			k->err = capture_add(k->c, as, buf, (size_t)n);
		free(buf);
	}
	closedir(d);
}

/* The blob, where the kernel lets it be read; else the tree as files. */
static void add_dt(struct collect *k)
{
	size_t max = 4u << 20;
	char path[PATH_MAX], *buf = malloc(max);
	long n;

	snprintf(path, sizeof(path), "%s/sys/firmware/fdt", k->root);
	n = buf ? slurp(path, buf, max) : -1;
	if (n > 0 && (k->keep_private || !capture_blank(buf, (size_t)n))) {
		if (!k->err)
			k->err = capture_add(k->c, "fdt", buf, (size_t)n);
	} else if (!k->err) {
		snprintf(path, sizeof(path), "%s/sys/firmware/devicetree/base", k->root);
		add_tree(k, path, "dt", 0);
	}
	free(buf);
}

static void add_acpi(struct collect *k)
{
	/* what says how devices are connected; others can hold keys and serial numbers */
	static const char *const tables[] = { "MCFG", "IORT", "VIOT", "DMAR", "IVRS", "APIC", "RIMT" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char path[64], name[32];

		snprintf(path, sizeof(path), "/sys/firmware/acpi/tables/%s", tables[i]);
		snprintf(name, sizeof(name), "acpi/%s", tables[i]);
		add_file(k, path, name);
	}
}

/* ---- the rest ---- */

static void add_cmdline(struct collect *k)
{
	char path[PATH_MAX], buf[16384], *text;
	long n;

	snprintf(path, sizeof(path), "%s/proc/cmdline", k->root);
	n = k->err ? -1 : slurp(path, buf, sizeof(buf) - 1);
	if (n < 0)
		return;
	buf[n] = '\0';
	text = k->keep_private ? strdup(buf) : capture_cmdline(buf);
	k->err = text ? capture_add(k->c, "cmdline", text, strlen(text)) : WEIR_ENOMEM;
	free(text);
}

/* Where /proc does not say it, the kernel itself does. */
static void add_release(struct collect *k)
{
	struct utsname name;
	size_t before = k->c->n;

	add_file(k, "/proc/sys/kernel/osrelease", "kernel");
	if (!k->err && k->c->n == before && !*k->root && !uname(&name))
		k->err = capture_add(k->c, "kernel", name.release, strlen(name.release));
}

int capture_collect(struct capture *c, const char *root, bool keep_private)
{
	struct collect k = { .c = c, .root = root, .keep_private = keep_private };

	*c = (struct capture){ 0 };
	k.err = capture_add(c, "version", "1\n", 2);
	add_text(&k, "devices", "/sys/bus", on_bus);
	add_text(&k, "links", "/sys/class/devlink", on_link);
	add_file(&k, "/sys/kernel/debug/devices_deferred", "deferred");
	add_file(&k, "/proc/modules", "modules");
	add_release(&k);
	add_file(&k, "/proc/config.gz", "config.gz");
	add_cmdline(&k);
	add_dt(&k);
	add_acpi(&k);
	k.err = k.err ? k.err : pcidump_collect(c, root);
	k.err = k.err ? k.err : capture_log(c, root);
	if (k.err) {
		capture_free(c);
		return complain("%s/sys: %s", root, weir_strerror(k.err));
	}
	capture_sort(c);
	if (!capture_find(c, "devices")->bytes) {
		capture_free(c);
		return complain("%s/sys/bus has no devices: no Linux runs there, or /sys is not "
				"mounted", root);
	}
	return 0;
}
