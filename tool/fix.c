// SPDX-License-Identifier: MIT
/*
 * How one knows what a root cause says, and what would help. A missing driver's
 * setting is looked for by name in the kernel's configuration: the symbol that is
 * off and shares most words with the compatible string.
 */
#include <ctype.h>
#include <string.h>

#include "weir.h"

/* ---- the basis ---- */

/* What makes devices of all nodes below it, whatever the driver. */
static bool is_bus(const struct weir_fwnode *node)
{
	static const char *const plain[] = { "simple-bus", "simple-mfd", "simple-pm-bus" };
	static const char *const names[] = { "i2c", "spi", "spmi", "soundwire", "slim", "mdio" };
	const char *s;

	for (unsigned int i = 0; (s = weir_fwnode_compatible(node, i)); i++)
		for (size_t j = 0; j < sizeof(plain) / sizeof(*plain); j++)
			if (!strcmp(s, plain[j]))
				return true;
	for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
		if (!strncmp(weir_fwnode_name(node), names[j], strlen(names[j])))
			return true;
	return false;
}

/* The model assumes that a driver makes devices of the nodes below its own. */
static bool made_by_driver(const struct weir_device *dev)
{
	const struct weir_device *parent = weir_device_parent(dev);
	const struct weir_fwnode *node = parent ? weir_device_fwnode(parent) : NULL;

	return node && weir_device_status_get(parent) == WEIR_DEVICE_BOUND && !is_bus(node);
}

static const char *no_driver_basis(const struct run *r)
{
	if (r->o->drivers)
		return "the given driver list";
	if (!r->kernel)
		return "assumption: no kernel was given";
	if (!r->kernel->image)
		return "module index alone; the kernel image is missing";
	if (!r->kernel->index)
		return "image scan alone";
	return r->side.scan && weir_modscan_files(r->side.scan) ?
		       "image scan, module index and files" : "image scan and module index";
}

void cause_basis(const struct run *r, const struct cause *c, char *buf, size_t bytes)
{
	if (r->modules && (c->kind == CAUSE_NO_DRIVER || c->kind == CAUSE_NOT_LOADED)) {
		snprintf(buf, bytes, "the modules in %s", r->modules);
		return;
	}
	switch (c->kind) {
	case CAUSE_NO_DRIVER:
		snprintf(buf, bytes, "%s%s", no_driver_basis(r),
			 made_by_driver(c->root.device) && !r->o->drivers ?
				 "; assumed: its parent's driver makes it a device" : "");
		break;
	case CAUSE_NOT_LOADED:
		snprintf(buf, bytes, "%s", r->o->drivers ? "the given driver list" : "module index");
		break;
	case CAUSE_NODE:
	case CAUSE_CIRCLE:
		snprintf(buf, bytes, "firmware");
		break;
	default:
		snprintf(buf, bytes, "what the driver did");
		break;
	}
}

/* ---- a setting by name ---- */

#define MAX_WORDS 8
#define WORD_BYTES 32

struct words {
	char text[MAX_WORDS][WORD_BYTES]; /* upper case */
	size_t n;
};

/* The words behind the vendor's name: letters and digits, in capitals. */
static void split(const char *compatible, struct words *out)
{
	const char *at = strchr(compatible, ',');
	size_t n = 0;

	out->n = 0;
	for (at = at ? at + 1 : compatible;; at++) {
		if (isalnum((unsigned char)*at) && n + 1 < WORD_BYTES) {
			out->text[out->n][n++] = (char)toupper((unsigned char)*at);
			continue;
		}
		out->text[out->n][n] = '\0';
		out->n += n > 0;
		n = 0;
		if (!*at || out->n == MAX_WORDS)
			return;
	}
}

/* "IPQ8074" is also found as "8074": from the first digit on, when that is long. */
static const char *number_in(const char *word)
{
	const char *digits = word + strcspn(word, "0123456789");

	return strlen(digits) >= 4 ? digits : NULL;
}

/* Whether all words of a symbol's rest are among those of the compatible string. */
static bool all_known(const struct words *w, const char *rest)
{
	while (*rest) {
		size_t n = strcspn(rest, "_");
		bool known = !n;

		for (size_t i = 0; i < w->n && !known; i++)
			known = strlen(w->text[i]) == n && !strncmp(w->text[i], rest, n);
		if (!known)
			return false;
		rest += n;
		rest += *rest == '_';
	}
	return true;
}

/* What a word of a symbol says of the device: one of these has to be in its name or compatible string. */
static const struct {
	const char *word, *signs;
} classes[] = {
	{ "INTERCONNECT", "interconnect noc bus" }, { "PINCTRL", "pinctrl gpio pin" }, { "PHY", "phy" },
	{ "SCSI", "ufs scsi sata" }, { "UFS", "ufs" }, { "USB", "usb" }, { "SND", "sound codec audio i2s spdif sai" },
	{ "DRM", "display hdmi dsi dp gpu mipi bridge panel lcd edp lvds dpi vop pvi" },
	{ "SPI", "spi" }, { "I2C", "i2c" }, { "MMC", "mmc sd" }, { "PWM", "pwm" }, { "RTC", "rtc" },
	{ "VIDEO", "video codec camera csi isp vpu jpeg venc vdec dewarp image dwe" },
};

static bool has_sign(const char *text, const char *signs)
{
	char sign[24];

	for (; *signs; signs += strcspn(signs, " "), signs += *signs == ' ') {
		snprintf(sign, sizeof(sign), "%.*s", (int)strcspn(signs, " "), signs);
		if (strcasestr(text, sign))
			return true;
	}
	return false;
}

static bool is_one_of(const struct words *w, const char *word, size_t n)
{
	for (size_t i = 0; i < w->n; i++)
		if (strlen(w->text[i]) == n && !strncmp(w->text[i], word, n))
			return true;
	return false;
}

/*
 * A symbol of the same chip may be that of another part: GCC is no pin controller. "..CC" are
 * clock controllers, each of its own name.
 */
static bool fits(const struct words *w, const struct weir_fwnode *node, const char *compatible,
		 const char *symbol)
{
	for (const char *at = symbol; *at; at += strcspn(at, "_"), at += *at == '_') {
		size_t n = strcspn(at, "_");

		if (n > 2 && !strncmp(at + n - 2, "CC", 2) && !is_one_of(w, at, n))
			return false;
		for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
			if (strlen(classes[i].word) == n && !strncmp(classes[i].word, at, n) &&
			    !has_sign(weir_fwnode_name(node), classes[i].signs) &&
			    !has_sign(compatible, classes[i].signs))
				return false;
	}
	return true;
}

/*
 * How many words a symbol has; none at all without a chip's name among them, or when
 * it names a part of that chip that the compatible string does not.
 */
static unsigned int score(const struct words *w, const char *symbol)
{
	unsigned int hits = 0;
	bool named = false;

	for (size_t i = 0; i < w->n; i++) {
		const char *number = number_in(w->text[i]), *at = strstr(symbol, w->text[i]);
		size_t n = strlen(w->text[i]);

		if (!at && number) {
			at = strstr(symbol, number);
			n = strlen(number);
		}
		hits += at != NULL;
		if (!at || strlen(w->text[i]) < 4 || !strpbrk(w->text[i], "0123456789"))
			continue;
		if (!all_known(w, at + n))
			return 0;
		named = true;
	}
	return named ? hits : 0;
}

struct guess {
	char symbol[96];
	unsigned int score;
};

static void guess_from(const struct weir_bytes *config, const struct words *w,
		       const struct weir_fwnode *node, const char *compatible, struct guess *best)
{
	static const char head[] = "# CONFIG_", tail[] = " is not set";
	const char *at = (const char *)config->data;

	while (at && (at = strstr(at, head))) {
		const char *start = at + 2, *end = strchr(start, ' ');
		char symbol[96];
		unsigned int points;

		at += sizeof(head) - 1;
		if (!end || strncmp(end, tail, sizeof(tail) - 1) ||
		    (size_t)(end - start) >= sizeof(symbol))
			continue;
		memcpy(symbol, start, (size_t)(end - start));
		symbol[end - start] = '\0';
		points = score(w, symbol + strlen("CONFIG_"));
		if (points && !fits(w, node, compatible, symbol + strlen("CONFIG_")))
			continue;
		if (points < best->score || !points ||
		    (points == best->score && strlen(symbol) >= strlen(best->symbol)))
			continue;
		best->score = points;
		memcpy(best->symbol, symbol, sizeof(symbol));
	}
}

/* The best guess over all compatible strings of a node. False when there is none. */
static bool guess_setting(const struct run *r, const struct weir_fwnode *node, struct guess *out)
{
	const char *compatible;
	struct words w;

	*out = (struct guess){ .score = 0 };
	if (!r->kernel || !r->kernel->config.size || !node)
		return false;
	for (unsigned int i = 0; (compatible = weir_fwnode_compatible(node, i)); i++) {
		split(compatible, &w);
		guess_from(&r->kernel->config, &w, node, compatible, out);
	}
	return out->score;
}

/* ---- the fix ---- */

static void fix_node(const struct cause *c, char *buf, size_t bytes)
{
	const struct weir_fwnode *node = c->root.node;
	const char *property = c->root.property ? c->root.property : "what names it";
	char path[256];

	path_words(node, path, sizeof(path));
	if (!weir_fwnode_available(node))
		snprintf(buf, bytes, "enable %s, or take it out of %s", path, property);
	else if (!weir_fwnode_compatible(node, 0))
		snprintf(buf, bytes, "give %s a compatible%s, or drop %s", path,
			 strstr(property, "-supply") ? " (regulator-fixed?)" : "", property);
	else
		snprintf(buf, bytes, "put %s where a bus makes devices, or drop %s", path, property);
}

static void fix_driver(const struct run *r, const struct cause *c, char *buf, size_t bytes)
{
	const struct weir_fwnode *node = weir_device_fwnode(c->root.device);
	const char *compatible = node ? weir_fwnode_compatible(node, 0) : NULL;
	struct guess guess;

	if (r->modules)
		snprintf(buf, bytes, "put a module for it there");
	else if (guess_setting(r, node, &guess))
		snprintf(buf, bytes, "%s is not set: by its name, that is it", guess.symbol);
	else
		snprintf(buf, bytes, "%s a driver of \"%s\"%s", r->kernel ? "build" : "add",
			 compatible ? compatible : "?", r->kernel ? " (a module will do)" : "");
}

void cause_fix(const struct run *r, const struct cause *c, char *buf, size_t bytes)
{
	switch (c->kind) {
	case CAUSE_NO_DRIVER:
		fix_driver(r, c, buf, bytes);
		break;
	case CAUSE_NOT_LOADED:
		if (c->root.verdict == WEIR_VERDICT_DENIED)
			snprintf(buf, bytes, "do not deny %s", c->root.driver);
		else
			snprintf(buf, bytes, "load %s%s", c->root.driver ? c->root.driver : "its module",
				 r->modules ? "" : ", or put it into the initramfs");
		break;
	case CAUSE_NODE:
		fix_node(c, buf, bytes);
		break;
	case CAUSE_CIRCLE:
		snprintf(buf, bytes, "say with post-init-providers which one can start first");
		break;
	default:
		snprintf(buf, bytes, "look at what the driver reports");
		break;
	}
}
