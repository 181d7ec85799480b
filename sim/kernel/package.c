// SPDX-License-Identifier: MIT
/*
 * Unpacking of packages through libarchive; see package.h. A .deb is an ar archive
 * whose data.tar.* holds the files (deb(5)); rpm is a filter of libarchive's; an .apk
 * and a tarball are tar archives, packed or not. What is unpacked of boot images stands in
 * package_image.c.
 */
#include "package.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootimage.h"
#include "package_priv.h"
#include "unpack.h"
#include "weir/err.h"

#define HEAD_BYTES ((size_t)1 << 20)

/* ---- which kind ---- */

static size_t read_head(const char *path, uint8_t *head, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		n = read(fd, head, bytes);
	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool is_tar(const uint8_t *head, size_t n)
{
	return n >= 263 && !memcmp(head + 257, "ustar", 5);
}

/* The whole of a file is read only where its first bytes are those of a device tree. */
static bool is_image(const char *path, const uint8_t *head, size_t n)
{
	struct weir_bootimage *image = NULL;
	bool is;

	if (weir_bootimage_named(path))
		return true;
	if (n >= 8 && (!memcmp(head, "ANDROID!", 8) || !memcmp(head, "VNDRBOOT", 8)))
		return true;
	if (n < 4 || memcmp(head, "\xd0\x0d\xfe\xed", 4))
		return false;
	/* a FIT in which nothing can be chosen is one too, and says so when it is used */
	is = weir_bootimage_open(path, NULL, &image) || image;
	weir_bootimage_destroy(image);
	return is;
}

const char *weir_package_kind(const char *path)
{
	uint8_t *head = malloc(HEAD_BYTES), inner[512];
	const char *kind = NULL;
	size_t n;

	if (!head)
		return NULL;
	n = read_head(path, head, HEAD_BYTES);
	if (n >= 8 && !memcmp(head, "!<arch>\n", 8))
		kind = "deb";
	else if (n >= 4 && !memcmp(head, "\xed\xab\xee\xdb", 4))
		kind = "rpm";
	else if (n >= 4 && !memcmp(head, "ADB", 3) && memchr(".dc", head[3], 3))
		kind = "apk3";
	else if (is_image(path, head, n))
		kind = "image";
	else if (is_tar(head, n) || is_tar(inner, weir_unpack_head(head, n, inner, sizeof(inner))))
		kind = "tar";
	free(head);
	return kind;
}

/* ---- what is of use ---- */

/* Without "./" and "/" in front; NULL when it would lead elsewhere. */
static const char *clean_path(const char *path)
{
	const char *at;

	while (*path == '/' || starts(path, "./"))
		path += *path == '/' ? 1 : 2;
	for (at = path; *at; at += strcspn(at, "/"), at += *at == '/')
		if (starts(at, "..") && (at[2] == '/' || !at[2]))
			return NULL;
	/* of split packages, one may have it in /usr and another not */
	if (starts(path, "usr/lib/modules/"))
		path += 4;
	return *path && strlen(path) < 1024 ? path : NULL;
}

bool weir_package_useful_(const char *path)
{
	const char *name = strrchr(path, '/'), *modules = strstr(path, "lib/modules/");

	name = name ? name + 1 : path;
	if (modules && (modules == path || modules[-1] == '/'))
		return strstr(name, ".ko") || starts(name, "modules.") || starts(name, "vmlinuz") ||
		       starts(name, "config") || starts(name, "Image");
	return starts(path, "boot/") && (starts(name, "vmlinuz") || starts(name, "config") ||
					 starts(name, "Image") || starts(name, "vmlinux") ||
					 starts(name, "zImage"));
}

/* ---- writing ---- */

static int make_dirs(char *path, size_t from)
{
	for (char *p = path + from; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST) {
			*p = '/';
			return WEIR_EIO;
		}
		*p = '/';
	}
	return 0;
}

static int copy_data(struct weir_unpacking *u, struct archive *a, int fd)
{
	char buf[65536];
	ssize_t n;

	while ((n = archive_read_data(a, buf, sizeof(buf))) > 0) {
		u->bytes += n;
		if (u->bytes > WEIR_PACKAGE_MAX_BYTES)
			return weir_errtext_set(u->et, WEIR_E2BIG, "%s: more than %lld bytes unpacked", u->path,
						WEIR_PACKAGE_MAX_BYTES);
		if (write(fd, buf, (size_t)n) != n)
			return weir_errtext_set(u->et, WEIR_EIO, "%s: %s", u->dir, strerror(errno));
	}
	return n < 0 ? weir_errtext_set(u->et, WEIR_EBADMSG, "%s: %s", u->path, archive_error_string(a)) : 0;
}

/* Return: 0 and a file to write to; or an error. */
static int create_file(struct weir_unpacking *u, const char *path, int *out_fd)
{
	char to[PATH_MAX];
	int n = snprintf(to, sizeof(to), "%s/%s", u->dir, path), fd;

	if (n < 0 || (size_t)n >= sizeof(to))
		return weir_errtext_set(u->et, WEIR_EBADMSG, "%s: a name too long in it", u->path);
	if (++u->files > WEIR_PACKAGE_MAX_FILES)
		return weir_errtext_set(u->et, WEIR_E2BIG, "%s: more than %u files", u->path,
					WEIR_PACKAGE_MAX_FILES);
	fd = make_dirs(to, strlen(u->dir) + 1) ? -1
		: open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return weir_errtext_set(u->et, WEIR_EIO, "%s: %s", to, strerror(errno));
	u->has_modules |= strstr(path, ".ko") != NULL;
	*out_fd = fd;
	return 0;
}

static int take_file(struct weir_unpacking *u, struct archive *a, const char *path)
{
	int fd = -1, err = create_file(u, path, &fd);

	if (err)
		return err;
	err = copy_data(u, a, fd);
	close(fd);
	return err;
}

int weir_package_put_(struct weir_unpacking *u, const char *path, const uint8_t *data, size_t size)
{
	int fd = -1, err = create_file(u, path, &fd);
	size_t done = 0;
	ssize_t n = 0;

	if (err)
		return err;
	u->bytes += (long long)size;
	if (u->bytes > WEIR_PACKAGE_MAX_BYTES)
		err = weir_errtext_set(u->et, WEIR_E2BIG, "%s: more than %lld bytes unpacked", u->path,
				       WEIR_PACKAGE_MAX_BYTES);
	while (!err && done < size && (n = write(fd, data + done, size - done)) > 0)
		done += (size_t)n;
	if (!err && done < size)
		err = weir_errtext_set(u->et, WEIR_EIO, "%s: %s", u->dir, strerror(errno));
	close(fd);
	return err;
}

static int take_entries(struct weir_unpacking *u, struct archive *a)
{
	struct archive_entry *entry;
	int got, err = 0;

	while (!err && (got = archive_read_next_header(a, &entry)) != ARCHIVE_EOF) {
		const char *path;
		long long size;

		if (got < ARCHIVE_WARN)
			return weir_errtext_set(u->et, WEIR_EBADMSG, "%s: %s (at byte %lld of it unpacked)",
						u->path, archive_error_string(a),
						(long long)archive_read_header_position(a));
		size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
		if (size > WEIR_PACKAGE_MAX_BYTES || (u->passed += size) > WEIR_PACKAGE_MAX_BYTES)
			return weir_errtext_set(u->et, WEIR_E2BIG, "%s: files of more than %lld bytes in it", u->path,
						WEIR_PACKAGE_MAX_BYTES);
		path = archive_entry_pathname(entry);
		path = path ? clean_path(path) : NULL;
		if (path && archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry) &&
		    weir_package_useful_(path))
			err = take_file(u, a, path);
	}
	return err;
}

/* ---- archives ---- */

static struct archive *reader(void)
{
	struct archive *a = archive_read_new();

	if (a && (archive_read_support_filter_all(a) < ARCHIVE_WARN ||
		  archive_read_support_format_tar(a) < ARCHIVE_WARN ||
		  archive_read_support_format_cpio(a) < ARCHIVE_WARN ||
		  archive_read_support_format_ar(a) < ARCHIVE_WARN)) {
		archive_read_free(a);
		a = NULL;
	}
	return a;
}

/* The bytes of a member of an archive, as the input of another. */
struct nested {
	struct archive *outer;
	char buf[65536];
};

static la_ssize_t nested_read(struct archive *a, void *context, const void **out_buf)
{
	struct nested *n = context;

	(void)a;
	*out_buf = n->buf;
	return archive_read_data(n->outer, n->buf, sizeof(n->buf));
}

static int take_member(struct weir_unpacking *u, struct archive *outer)
{
	struct nested *n = calloc(1, sizeof(*n));
	struct archive *a = reader();
	int err = WEIR_ENOMEM;

	if (n && a) {
		n->outer = outer;
		err = archive_read_open(a, n, NULL, nested_read, NULL) == ARCHIVE_OK ? take_entries(u, a)
			: weir_errtext_set(u->et, WEIR_EBADMSG, "%s: %s", u->path, archive_error_string(a));
	}
	archive_read_free(a);
	free(n);
	return err;
}

static int take_deb(struct weir_unpacking *u, struct archive *a)
{
	struct archive_entry *entry;
	int got;

	while ((got = archive_read_next_header(a, &entry)) != ARCHIVE_EOF) {
		if (got < ARCHIVE_WARN)
			break;
		if (archive_entry_pathname(entry) && starts(archive_entry_pathname(entry), "data.tar"))
			return take_member(u, a);
	}
	return weir_errtext_set(u->et, WEIR_EBADMSG, "%s: %s", u->path,
				got == ARCHIVE_EOF ? "no data.tar in it" : archive_error_string(a));
}

static int unpack_archive(struct weir_unpacking *u, const char *kind)
{
	struct archive *a = reader();
	int err;

	if (!a)
		return weir_errtext_set(u->et, WEIR_ENOMEM, "%s: no memory", u->path);
	if (archive_read_open_filename(a, u->path, 65536) != ARCHIVE_OK)
		err = weir_errtext_set(u->et, WEIR_EBADMSG, "%s: %s", u->path, archive_error_string(a));
	else
		err = strcmp(kind, "deb") ? take_entries(u, a) : take_deb(u, a);
	archive_read_free(a);
	return err;
}

static int unpack_one(struct weir_unpacking *u)
{
	const char *kind = weir_package_kind(u->path);
	unsigned int had = u->files;
	int err;

	if (!kind)
		return weir_errtext_set(u->et, WEIR_EBADMSG, "%s: no package", u->path);
	if (!strcmp(kind, "apk3"))
		return weir_errtext_set(u->et, WEIR_ENOEXEC, "%s: an Alpine package of format 3 (ADB), which is "
					"not read: unpack it ('apk extract --destination DIR FILE') and give --kernel DIR",
					u->path);
	err = strcmp(kind, "image") ? unpack_archive(u, kind) : weir_package_image_(u);
	if (!err && u->files == had)
		err = weir_errtext_set(u->et, WEIR_ENOENT, "%s: no kernel image and no modules in it", u->path);
	return err;
}

static bool is_stale(const char *name)
{
	static const char *const made[] = { "modules.alias", "modules.dep", "modules.softdep",
					    "modules.symbols", "modules.devname", NULL };

	for (size_t i = 0; made[i]; i++)
		if (starts(name, made[i]) && (!name[strlen(made[i])] || name[strlen(made[i])] == '.'))
			return true;
	return false;
}

static int remove_stale(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	if (type == FTW_F && is_stale(path + where->base))
		remove(path);
	return 0;
}

static int unpack_all(struct weir_unpacking *u, const char *const *paths, size_t n)
{
	unsigned int with_modules = 0;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		u->path = paths[i];
		u->has_modules = false;
		err = unpack_one(u);
		with_modules += u->has_modules;
	}
	/* an index made for the modules of one of them knows nothing of the others' */
	if (!err && with_modules > 1)
		nftw(u->dir, remove_stale, 16, FTW_PHYS);
	return err;
}

/* ---- the place ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	remove(path);
	return 0;
}

void weir_package_remove(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static uint64_t hash(uint64_t h, const void *data, size_t bytes)
{
	for (const uint8_t *p = data; bytes--; p++)
		h = (h ^ *p) * 0x100000001b3u;
	return h;
}

/* Named by what identifies the files. Return: whether there is a place to keep it. */
static bool kept_name(const char *const *paths, size_t count, char *out, size_t room)
{
	const char *off = getenv("WEIR_NO_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	bool own = xdg && xdg[0] == '/';
	char real[PATH_MAX], base[PATH_MAX];
	uint64_t h = 0xcbf29ce484222325u;
	long long bytes = 0;
	int n;

	if ((off && *off && strcmp(off, "0")) || (!own && (!home || home[0] != '/')))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *choice = weir_bootimage_named(paths[i]);
		struct stat st;

		snprintf(base, sizeof(base), "%.*s", choice ? (int)(choice - paths[i] - 1) : PATH_MAX - 1,
			 paths[i]);
		if (!realpath(base, real) || stat(real, &st))
			return false;
		h = hash(h, real, strlen(real) + 1);
		h = hash(h, &st.st_size, sizeof(st.st_size));
		h = hash(h, &st.st_mtim.tv_sec, sizeof(st.st_mtim.tv_sec));
		h = hash(h, &st.st_mtim.tv_nsec, sizeof(st.st_mtim.tv_nsec));
		h = choice ? hash(h, choice, strlen(choice) + 1) : h;
		bytes += st.st_size;
	}
	n = snprintf(base, sizeof(base), "%s%s/weir", own ? xdg : home, own ? "" : "/.cache");
	if (n < 0 || (size_t)n >= sizeof(base) - 1)
		return false;
	n = snprintf(out, room, "%s/package-%016llx-%llx", base, (unsigned long long)h,
		     (unsigned long long)bytes);
	strcat(base, "/");
	return n > 0 && (size_t)n < room && !make_dirs(base, 1) && !access(base, W_OK);
}

int weir_package_unpack(const char *const *paths, size_t count, struct weir_errtext *et, char *out_dir,
			bool *out_temporary)
{
	const char *tmp = getenv("TMPDIR");
	char kept[PATH_MAX - 16], dir[PATH_MAX];
	bool keep = kept_name(paths, count, kept, sizeof(kept));
	struct weir_unpacking u = { .path = paths[0], .dir = dir, .et = et };
	struct stat st;
	int err;

	if (keep && !stat(kept, &st) && S_ISDIR(st.st_mode) && strlen(kept) < 4096) {
		strcpy(out_dir, kept);
		*out_temporary = false;
		return 0;
	}
	if (keep)
		snprintf(dir, sizeof(dir), "%s.XXXXXX", kept);
	else
		snprintf(dir, sizeof(dir), "%.1000s/weir-package-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return weir_errtext_set(et, WEIR_EIO, "%s: %s", dir, strerror(errno));
	err = unpack_all(&u, paths, count);
	if (err) {
		weir_package_remove(dir);
		return err;
	}
	/* another process may have been first: then ours is not kept */
	*out_temporary = !keep || rename(dir, kept) != 0;
	strcpy(out_dir, *out_temporary ? dir : kept);
	return 0;
}
