// SPDX-License-Identifier: MIT
/*
 * Unpacking of packages through libarchive; see package.h. A .deb is an ar archive
 * whose data.tar.* holds the files (deb(5)); rpm is a filter of libarchive's; an .apk
 * and a tarball are tar archives, packed or not.
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

#include "unpack.h"
#include "weir/err.h"

#define HEAD_BYTES ((size_t)1 << 20)

struct unpacking {
	const char *path, *dir;
	struct weir_errtext *et;
	long long bytes;
	unsigned int files;
};

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

static bool is_tar(const uint8_t *head, size_t n)
{
	return n >= 263 && !memcmp(head + 257, "ustar", 5);
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
	else if (is_tar(head, n) || is_tar(inner, weir_unpack_head(head, n, inner, sizeof(inner))))
		kind = "tar";
	free(head);
	return kind;
}

/* ---- what is of use ---- */

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* Without "./" and "/" in front; NULL when it would lead elsewhere. */
static const char *clean_path(const char *path)
{
	const char *at;

	while (*path == '/' || starts(path, "./"))
		path += *path == '/' ? 1 : 2;
	for (at = path; *at; at += strcspn(at, "/"), at += *at == '/')
		if (starts(at, "..") && (at[2] == '/' || !at[2]))
			return NULL;
	return *path && strlen(path) < 1024 ? path : NULL;
}

static bool is_useful(const char *path)
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

static int copy_data(struct unpacking *u, struct archive *a, int fd)
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

static int take_file(struct unpacking *u, struct archive *a, const char *path)
{
	char to[PATH_MAX];
	int n = snprintf(to, sizeof(to), "%s/%s", u->dir, path), fd, err;

	if (n < 0 || (size_t)n >= sizeof(to))
		return 0;
	if (++u->files > WEIR_PACKAGE_MAX_FILES)
		return weir_errtext_set(u->et, WEIR_E2BIG, "%s: more than %u files", u->path,
					WEIR_PACKAGE_MAX_FILES);
	err = make_dirs(to, strlen(u->dir) + 1);
	fd = err ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return weir_errtext_set(u->et, WEIR_EIO, "%s: %s", to, strerror(errno));
	err = copy_data(u, a, fd);
	close(fd);
	return err;
}

static int take_entries(struct unpacking *u, struct archive *a)
{
	struct archive_entry *entry;
	int got, err = 0;

	while (!err && (got = archive_read_next_header(a, &entry)) != ARCHIVE_EOF) {
		const char *path;

		if (got < ARCHIVE_WARN)
			return weir_errtext_set(u->et, WEIR_EBADMSG, "%s: %s (at byte %lld of it unpacked)",
						u->path, archive_error_string(a),
						(long long)archive_read_header_position(a));
		path = archive_entry_pathname(entry);
		path = path ? clean_path(path) : NULL;
		if (path && archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry) &&
		    is_useful(path))
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

static int take_member(struct unpacking *u, struct archive *outer)
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

static int take_deb(struct unpacking *u, struct archive *a)
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

static int unpack_into(struct unpacking *u, const char *kind)
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
	if (!err && !u->files)
		err = weir_errtext_set(u->et, WEIR_ENOENT, "%s: no kernel image and no modules in it", u->path);
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

/* Named by what identifies the file. Return: whether there is a place to keep it. */
static bool kept_name(const char *path, char *out, size_t room)
{
	const char *off = getenv("WEIR_NO_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	bool own = xdg && xdg[0] == '/';
	char real[PATH_MAX], base[PATH_MAX];
	uint64_t h = 0xcbf29ce484222325u;
	struct stat st;
	int n;

	if ((off && *off && strcmp(off, "0")) || (!own && (!home || home[0] != '/')) ||
	    !realpath(path, real) || stat(real, &st))
		return false;
	for (const char *p = real; *p; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3u;
	n = snprintf(base, sizeof(base), "%s%s/weir", own ? xdg : home, own ? "" : "/.cache");
	if (n < 0 || (size_t)n >= sizeof(base) - 1)
		return false;
	n = snprintf(out, room, "%s/package-%016llx-%llx-%llx-%lx", base, (unsigned long long)h,
		     (unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec,
		     (unsigned long)st.st_mtim.tv_nsec);
	strcat(base, "/");
	return n > 0 && (size_t)n < room && !make_dirs(base, 1) && !access(base, W_OK);
}

int weir_package_unpack(const char *path, struct weir_errtext *et, char *out_dir, bool *out_temporary)
{
	const char *kind = weir_package_kind(path), *tmp = getenv("TMPDIR");
	char kept[PATH_MAX - 16], dir[PATH_MAX];
	bool keep = kept_name(path, kept, sizeof(kept));
	struct unpacking u = { .path = path, .dir = dir, .et = et };
	struct stat st;
	int err;

	if (!kind)
		return weir_errtext_set(et, WEIR_EBADMSG, "%s: no package", path);
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
	err = unpack_into(&u, kind);
	if (err) {
		weir_package_remove(dir);
		return err;
	}
	/* another process may have been first: then ours is not kept */
	*out_temporary = !keep || rename(dir, kept) != 0;
	strcpy(out_dir, *out_temporary ? dir : kept);
	return 0;
}
