// SPDX-License-Identifier: MIT
/*
 * The cache of cache.h. An entry file: "WEIRCACH", sizes of key and payload
 * (64-bit little-endian), a checksum over both, the key, the payload. The key
 * is kind, path, size, time and inode of the source; the file is named by a
 * hash of kind and path alone, so that a changed source replaces its entry.
 */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "le.h"

#define MAGIC "WEIRCACH"
#define HEAD_BYTES 32

struct entry {
	char dir[PATH_MAX];
	char file[PATH_MAX + 32];
	char key[PATH_MAX + 256];
};

static uint64_t hash_more(uint64_t h, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint8_t tail[8] = { 0 };

	for (; size >= 8; p += 8, size -= 8) {
		h = (h ^ weir_get_le64(p)) * 0x9fb21c651e98df25ull;
		h ^= h >> 35;
	}
	memcpy(tail, p, size);
	h = (h ^ weir_get_le64(tail) ^ (uint64_t)size << 56) * 0x9fb21c651e98df25ull;
	return h ^ h >> 28;
}

static bool fits(int n, size_t room)
{
	return n > 0 && (size_t)n < room;
}

static bool entry_init(struct entry *e, const char *kind, const char *path)
{
	const char *off = getenv("WEIR_NO_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char real[PATH_MAX];
	struct stat st;
	uint64_t name;
	int n;

	if ((off && *off && strcmp(off, "0")) || !realpath(path, real) || stat(real, &st))
		return false;
	if (xdg && xdg[0] == '/')
		n = snprintf(e->dir, sizeof(e->dir), "%s/weir", xdg);
	else if (home && home[0] == '/')
		n = snprintf(e->dir, sizeof(e->dir), "%s/.cache/weir", home);
	else
		return false;
	if (!fits(n, sizeof(e->dir)))
		return false;
	name = hash_more(hash_more(1, kind, strlen(kind)), real, strlen(real));
	n = snprintf(e->file, sizeof(e->file), "%s/%016llx", e->dir, (unsigned long long)name);
	if (!fits(n, sizeof(e->file)))
		return false;
	n = snprintf(e->key, sizeof(e->key), "%s\n%s\n%lld %lld.%09ld %llu", kind, real, (long long)st.st_size,
		     (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
	return fits(n, sizeof(e->key));
}

static uint64_t checksum(const char *key, const void *data, size_t size)
{
	return hash_more(hash_more(2, key, strlen(key)), data, size);
}

bool weir_cache_get(const char *kind, const char *path, struct weir_bytes *out_bytes)
{
	struct weir_bytes all;
	struct entry e;
	uint64_t key_bytes;

	if (!entry_init(&e, kind, path) || weir_bytes_read(e.file, NULL, &all))
		return false;
	key_bytes = strlen(e.key);
	if (all.size < HEAD_BYTES + key_bytes || memcmp(all.data, MAGIC, 8) ||
	    weir_get_le64(all.data + 8) != key_bytes ||
	    weir_get_le64(all.data + 16) != all.size - HEAD_BYTES - key_bytes ||
	    memcmp(all.data + HEAD_BYTES, e.key, key_bytes) ||
	    weir_get_le64(all.data + 24) != checksum(e.key, all.data + HEAD_BYTES + key_bytes,
						     all.size - HEAD_BYTES - key_bytes)) {
		weir_bytes_fini(&all);
		return false;
	}
	all.size -= HEAD_BYTES + key_bytes;
	memmove(all.data, all.data + HEAD_BYTES + key_bytes, all.size + 1);
	*out_bytes = all;
	return true;
}

static bool write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

/* The directory and the one above it; what cannot be made shows when the file is opened. */
static void make_dirs(char *dir)
{
	char *slash = strrchr(dir, '/');

	if (slash && slash != dir) {
		*slash = 0;
		mkdir(dir, 0700);
		*slash = '/';
	}
	mkdir(dir, 0700);
}

void weir_cache_put(const char *kind, const char *path, const void *data, size_t size)
{
	char temp[PATH_MAX + 64];
	uint8_t head[HEAD_BYTES];
	struct entry e;
	bool ok;
	int fd;

	if (!entry_init(&e, kind, path))
		return;
	make_dirs(e.dir);
	if (!fits(snprintf(temp, sizeof(temp), "%s.XXXXXX", e.file), sizeof(temp)))
		return;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return;
	memcpy(head, MAGIC, 8);
	weir_put_le64(head + 8, strlen(e.key));
	weir_put_le64(head + 16, size);
	weir_put_le64(head + 24, checksum(e.key, data, size));
	ok = write_all(fd, head, HEAD_BYTES) && write_all(fd, e.key, strlen(e.key)) &&
	     write_all(fd, data, size);
	ok = !close(fd) && ok;
	if (!ok || rename(temp, e.file))
		unlink(temp);
}
