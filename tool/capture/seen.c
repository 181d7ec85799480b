// SPDX-License-Identifier: MIT
/*
 * What a capture says: devices with their drivers, groups and links. Text of lines with
 * tabs between fields; a line that is not so is passed over.
 */
#include "capture.h"

#include <stdlib.h>
#include <string.h>

/* Cuts a line into fields. Return: whether there are @n of them. */
static bool fields(char *line, char **out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = strsep(&line, "\t");
		if (!out[i])
			return false;
	}
	return true;
}

static size_t lines_in(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static const char *or_null(const char *field)
{
	return strcmp(field, "-") ? field : NULL;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct seen_device *)a)->path, ((const struct seen_device *)b)->path);
}

static void read_devices(struct seen *s, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		struct seen_device *dev = &s->devices[s->n];
		const char *slash;
		char *f[6];

		if (!fields(line, f, 6) || !*f[0])
			continue;
		slash = strrchr(f[0], '/');
		*dev = (struct seen_device){
			.path = f[0], .name = slash ? slash + 1 : f[0], .bus = f[1],
			.driver = or_null(f[2]), .node = or_null(f[4]),
			.group = or_null(f[3]) ? atoi(f[3]) : -1,
			.waiting = or_null(f[5]) ? atoi(f[5]) : -1,
		};
		s->n++;
	}
	if (s->n)
		qsort(s->devices, s->n, sizeof(*s->devices), by_path);
}

long seen_find(const struct seen *s, const char *path)
{
	const struct seen_device key = { .path = path };
	const struct seen_device *found =
		s->n ? bsearch(&key, s->devices, s->n, sizeof(key), by_path) : NULL;

	return found ? (long)(found - s->devices) : -1;
}

static int by_consumer(const void *a, const void *b)
{
	const struct seen_link *x = a, *y = b;

	if (x->consumer != y->consumer)
		return x->consumer < y->consumer ? -1 : 1;
	return x->supplier < y->supplier ? -1 : x->supplier > y->supplier;
}

static void sort_links(struct seen *s)
{
	size_t at = 0;

	if (s->nr_links)
		qsort(s->links, s->nr_links, sizeof(*s->links), by_consumer);
	for (size_t i = 0; i < s->n; i++) {
		while (at < s->nr_links && s->links[at].consumer < i)
			at++;
		s->devices[i].first_link = at;
	}
}

int seen_add_link(struct seen *s, size_t consumer, size_t supplier, const char *property)
{
	if (s->nr_links == s->room) {
		size_t room = s->room * 2 + 16;
		struct seen_link *more = realloc(s->links, room * sizeof(*more));

		if (!more)
			return WEIR_ENOMEM;
		s->links = more;
		s->room = room;
	}
	s->links[s->nr_links++] = (struct seen_link){
		.consumer = consumer, .supplier = supplier, .status = "", .property = property,
	};
	sort_links(s);
	return 0;
}

static void read_links(struct seen *s, char *text)
{
	char *line, *f[4];

	while ((line = strsep(&text, "\n"))) {
		long con, sup;

		if (!fields(line, f, 4))
			continue;
		con = seen_find(s, f[0]);
		sup = seen_find(s, f[1]);
		if (con >= 0 && sup >= 0)
			s->links[s->nr_links++] = (struct seen_link){
				.consumer = (size_t)con, .supplier = (size_t)sup, .status = f[2],
				.weak = *f[3] == '1',
			};
	}
	sort_links(s);
}

/* "NAME[ \t]REASON": Linux 6.12 prints a tab before the reason, and no reason at times. */
static void read_deferred(struct seen *s, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		size_t n = strcspn(line, " \t");
		char *why = line + n + strspn(line + n, " \t");

		if (!n)
			continue;
		line[n] = '\0';
		text_clean(why, strlen(why), "");
		for (size_t i = 0; i < s->n; i++)
			if (!strcmp(s->devices[i].name, line) && !s->devices[i].driver)
				s->devices[i].deferred = why;
	}
}

/* The device of a node, or of the nearest one above it; negative: none. */
static long at_or_above(const struct seen *s, const char *path, size_t n)
{
	while (n > 1) {
		for (size_t i = 0; i < s->n; i++)
			if (s->devices[i].node && strlen(s->devices[i].node) == n &&
			    !memcmp(s->devices[i].node, path, n))
				return (long)i;
		while (n && path[n - 1] != '/')
			n--;
		n -= n > 0;
	}
	return -1;
}

static long find_left(const struct seen *s, size_t dev)
{
	static const char wait[] = "wait for supplier /";
	const char *reason = s->devices[dev].deferred, *path = reason ? strstr(reason, wait) : NULL;
	long above;
	size_t n;

	if (!path || s->devices[dev].driver)
		return -1;
	path += sizeof(wait) - 2;
	n = strcspn(path, " ");
	above = at_or_above(s, path, n);
	if (above < 0 || !s->devices[above].driver || strlen(s->devices[above].node) == n ||
	    (size_t)above == dev)
		return -1;
	return above;
}

int seen_open(struct seen *s, const struct capture *c)
{
	static const char *const names[] = { "devices", "links", "deferred", "kernel" };
	char *texts[4], *at;
	size_t bytes = 0;

	*s = (struct seen){ .c = c };
	if (!capture_find(c, "devices"))
		return WEIR_EBADMSG;
	for (size_t i = 0; i < 4; i++) {
		const struct capture_entry *e = capture_find(c, names[i]);

		bytes += (e ? e->bytes : 0) + 1;
	}
	at = s->text = calloc(1, bytes);
	if (!at)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < 4; i++) {
		const struct capture_entry *e = capture_find(c, names[i]);

		texts[i] = at;
		if (e)
			memcpy(at, e->data, strnlen(e->data, e->bytes));
		text_clean(texts[i], strlen(texts[i]), "\t\n");
		at += (e ? e->bytes : 0) + 1;
	}
	s->devices = calloc(lines_in(texts[0]), sizeof(*s->devices));
	s->room = lines_in(texts[1]);
	s->links = calloc(s->room, sizeof(*s->links));
	if (!s->devices || !s->links) {
		seen_close(s);
		return WEIR_ENOMEM;
	}
	read_devices(s, texts[0]);
	read_links(s, texts[1]);
	read_deferred(s, texts[2]);
	for (size_t i = 0; i < s->n; i++)
		s->devices[i].left = find_left(s, i);
	texts[3][strcspn(texts[3], "\n")] = '\0';
	text_clean(texts[3], strlen(texts[3]), "");
	s->kernel = *texts[3] ? texts[3] : NULL;
	return 0;
}

void seen_close(struct seen *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->devices[i].lacks);
	free(s->text);
	free(s->devices);
	free(s->links);
	*s = (struct seen){ 0 };
}

const struct seen_link *seen_held(const struct seen *s, size_t dev)
{
	for (size_t i = s->devices[dev].first_link;
	     i < s->nr_links && s->links[i].consumer == dev; i++)
		if (!s->links[i].weak && !s->devices[s->links[i].supplier].driver)
			return &s->links[i];
	return NULL;
}

bool seen_waits(const struct seen *s, size_t dev)
{
	const struct seen_device *d = &s->devices[dev];

	return !d->driver && (d->deferred || d->waiting > 0 || seen_held(s, dev));
}

long seen_left(const struct seen *s, size_t dev)
{
	return s->devices[dev].left;
}

size_t seen_root(const struct seen *s, size_t dev)
{
	const struct seen_link *held;

	/* as many steps as there are devices: then it is a circle */
	for (size_t n = 0; n < s->n && (held = seen_held(s, dev)); n++)
		dev = held->supplier;
	return seen_left(s, dev) >= 0 ? (size_t)seen_left(s, dev) : dev;
}

/* ---- words ---- */

/* "waits for its IOMMU (iommu-map): smmu", as boot says it. */
static void waits_words(const struct seen *s, size_t dev, char *buf, size_t bytes)
{
	const struct seen_device *d = &s->devices[dev];
	const struct seen_link *held = seen_held(s, dev);
	const char *root = s->devices[seen_root(s, dev)].name;
	bool tells = d->deferred && *d->deferred;

	if (s->devices[seen_root(s, dev)].driver)
		snprintf(buf, bytes, "waits for a node below %s, which is bound%s%s: Linux did not "
			 "hand the wait on", root,
			 tells ? "; the kernel says: " : "", tells ? d->deferred : "");
	else if (held && held->property && s->devices[held->supplier].name == root)
		snprintf(buf, bytes, "waits for %s (%s): %s, which has no driver", need_words(held->property),
			 held->property, root);
	else if (held && held->property)
		snprintf(buf, bytes, "waits for %s (%s): %s, which waits for %s, which has no driver",
			 need_words(held->property), held->property,
			 s->devices[held->supplier].name, root);
	else
		snprintf(buf, bytes, "waits for %s, which has no driver%s%s", root,
			 tells ? "; the kernel says: " : "", tells ? d->deferred : "");
}

void seen_words(const struct seen *s, size_t dev, char *buf, size_t bytes)
{
	const struct seen_device *d = &s->devices[dev];

	if (d->driver)
		snprintf(buf, bytes, "up, driver %s", d->driver);
	else if (seen_root(s, dev) != dev)
		waits_words(s, dev, buf, bytes);
	else if (d->lacks)
		snprintf(buf, bytes, "waits for %s (%s): %s, which is no device", need_words(d->lacks_by),
			 d->lacks_by, d->lacks);
	else if (d->deferred && *d->deferred)
		snprintf(buf, bytes, "deferred; the kernel says: %s", d->deferred);
	else if (d->deferred)
		snprintf(buf, bytes, "deferred; the kernel gives no reason");
	else if (d->waiting > 0)
		snprintf(buf, bytes, "waits for a supplier that is no device yet");
	else
		snprintf(buf, bytes, "no driver is bound");
}
