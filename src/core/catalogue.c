// SPDX-License-Identifier: MIT
/*
 * The catalogue: which drivers can ever arrive. For each match key, and for each
 * driver name, it holds one word for each bus that was named with it: the best of
 * what the entries say. So a device is looked up in O(its keys), whatever the
 * number of entries.
 *
 * Made with the first entry, freed with the machine, guarded by the machine lock.
 * That it is complete, or sealed, is kept in the machine: saying so cannot fail.
 */
#include "core/core.h"
#include "core/text.h"

/* A string that several words share. */
struct name {
	struct name *next;
	size_t bytes; /* of this struct with the text */
	char text[];
};

/* What the entries of one bus say of a key. Reserved, and says nothing, while name is NULL. */
struct word {
	struct word *next;
	const char *bus;  /* NULL: any */
	const char *name; /* of the driver or module */
	uint8_t state;    /* enum weir_catalogue_state */
};

struct topic {
	struct word *words; /* few: one for each bus */
	char text[];
};

struct weir_catalogue {
	struct weir_map keys;  /* match key -> struct topic */
	struct weir_map names; /* driver name -> struct topic */
	struct name *strings;
};

static size_t topic_bytes(const char *text)
{
	return sizeof(struct topic) + weir_strlen_(text) + 1;
}

static int make_topic(struct weir_machine *m, struct weir_map *map, const char *text,
		      struct topic **out_topic)
{
	size_t len = weir_strlen_(text);
	struct topic *topic = weir_map_get_(map, text, len);
	int err;

	if (!topic) {
		topic = weir_alloc_(m, topic_bytes(text));
		if (!topic)
			return WEIR_ENOMEM;
		weir_memcpy_(topic->text, text, len + 1);
		err = weir_map_add_(m, map, topic->text, len, topic);
		if (err) {
			weir_free_(m, topic, topic_bytes(text));
			return err;
		}
	}
	*out_topic = topic;
	return 0;
}

static bool same_bus(const char *a, const char *b)
{
	return a && b ? weir_streq_(a, b) : a == b;
}

/* Finds or makes the word of @text for @bus, saying nothing yet. */
static int make_word(struct weir_machine *m, struct weir_map *map, const char *text,
		     const char *bus, struct word **out_word)
{
	struct topic *topic;
	struct word *word;
	int err = make_topic(m, map, text, &topic);

	if (err)
		return err;
	for (word = topic->words; word; word = word->next)
		if (same_bus(word->bus, bus))
			break;
	if (!word) {
		word = weir_alloc_(m, sizeof(*word));
		if (!word)
			return WEIR_ENOMEM;
		word->bus = bus;
		word->next = topic->words;
		topic->words = word;
	}
	*out_word = word;
	return 0;
}

/* Makes the string, or finds it: entries come in runs of one bus and one name. */
static const char *keep_string(struct weir_machine *m, const char *text)
{
	struct name *name = m->catalogue->strings;
	size_t bytes = sizeof(*name) + weir_strlen_(text) + 1;

	for (unsigned int i = 0; name && i < 4; i++, name = name->next)
		if (weir_streq_(name->text, text))
			return name->text;
	name = weir_alloc_(m, bytes);
	if (!name)
		return NULL;
	name->bytes = bytes;
	weir_memcpy_(name->text, text, bytes - sizeof(*name));
	name->next = m->catalogue->strings;
	m->catalogue->strings = name;
	return name->text;
}

/* Of two entries for a key the better one speaks; of two equal ones the first. */
static void say(struct word *word, const char *name, enum weir_catalogue_state state)
{
	if (word->name && word->state <= (uint8_t)state)
		return;
	word->name = name;
	word->state = (uint8_t)state;
}

/* Finds or makes the words of an entry; says them too when @aloud, which cannot fail then. */
static int each_word(struct weir_machine *m, const struct weir_catalogue_entry *entry,
		     const char *name, const char *bus, bool aloud)
{
	struct weir_catalogue *cat = m->catalogue;
	const char *const *key;
	struct word *word;
	int err;

	err = make_word(m, &cat->names, name, bus, &word);
	if (!err && aloud)
		say(word, name, entry->state);
	for (key = entry->keys; !err && key && *key; key++) {
		err = make_word(m, &cat->keys, *key, bus, &word);
		if (!err && aloud)
			say(word, name, entry->state);
	}
	return err;
}

/* ---- asking ---- */

/* The best word of @text for @bus, against the @best found before. */
static const struct word *better(const struct weir_map *map, const char *text, const char *bus,
				 const struct word *best)
{
	const struct topic *topic = weir_map_get_(map, text, weir_strlen_(text));
	const struct word *word;

	for (word = topic ? topic->words : NULL; word; word = word->next) {
		if (!word->name || (word->bus && !weir_streq_(word->bus, bus)))
			continue;
		if (!best || word->state < best->state)
			best = word;
	}
	return best;
}

static int find(struct weir_device *dev, const char **out_name)
{
	const struct weir_catalogue *cat = dev->m->catalogue;
	const struct weir_bus *bus = dev->bus;
	const struct word *best = NULL;
	const char *text;

	for (unsigned int i = 0; (text = weir_match_key_(dev, i)); i++)
		best = better(&cat->keys, text, bus->name, best);
	if (bus->ops->match_name)
		best = better(&cat->names, dev->name, bus->name, best);
	if (!best)
		return WEIR_ENOENT;
	if (out_name)
		*out_name = best->name;
	return best->state;
}

/* ---- the end ---- */

static void free_topics(struct weir_machine *m, struct weir_map *map)
{
	for (size_t i = 0; map->entries && i <= map->size_mask; i++) {
		struct topic *topic = map->entries[i].value;

		while (topic && topic->words) {
			struct word *word = topic->words;

			topic->words = word->next;
			weir_free_(m, word, sizeof(*word));
		}
		if (topic)
			weir_free_(m, topic, topic_bytes(topic->text));
	}
	weir_map_fini_(m, map);
}

static void free_all(struct weir_machine *m)
{
	struct weir_catalogue *cat = m->catalogue;

	free_topics(m, &cat->keys);
	free_topics(m, &cat->names);
	while (cat->strings) {
		struct name *name = cat->strings;

		cat->strings = name->next;
		weir_free_(m, name, name->bytes);
	}
	weir_free_(m, cat, sizeof(*cat));
	m->catalogue = NULL;
}

/* ---- saying ---- */

static int add(struct weir_machine *m, const struct weir_catalogue_entry *entry)
{
	const char *name, *bus = NULL;
	int err;

	if (!m->catalogue)
		m->catalogue = weir_alloc_(m, sizeof(*m->catalogue));
	if (!m->catalogue)
		return WEIR_ENOMEM;
	m->catalogue_find = find;
	m->catalogue_free = free_all;
	name = keep_string(m, entry->name);
	if (entry->bus)
		bus = keep_string(m, entry->bus);
	if (!name || (entry->bus && !bus))
		return WEIR_ENOMEM;
	/* room for all of them first: a failed call says nothing */
	err = each_word(m, entry, name, bus, false);
	return err ? err : each_word(m, entry, name, bus, true);
}

int weir_catalogue_add(struct weir_machine *m, const struct weir_catalogue_entry *entry)
{
	int err;

	weir_lock_(m);
	err = add(m, entry);
	/* before it is complete nothing was final, so nothing can have become wrong */
	if (!err && weir_catalogue_complete_(m) && m->policy->catalogue_changed)
		m->policy->catalogue_changed(m, false);
	weir_unlock_(m);
	return err;
}

void weir_catalogue_complete(struct weir_machine *m)
{
	weir_lock_(m);
	if (!m->catalogue_complete) {
		m->catalogue_complete = true;
		if (m->policy->catalogue_changed)
			m->policy->catalogue_changed(m, false);
	}
	weir_unlock_(m);
}

void weir_catalogue_seal(struct weir_machine *m)
{
	struct weir_event e = { .type = WEIR_EVENT_NO_MORE_DRIVERS };
	uint32_t outer;

	weir_lock_(m);
	if (!m->catalogue_sealed) {
		m->catalogue_sealed = true;
		outer = m->cause;
		m->cause = weir_event_(m, &e);
		if (m->policy->catalogue_changed)
			m->policy->catalogue_changed(m, true);
		m->cause = outer;
	}
	weir_unlock_(m);
}

/* ---- for the others ---- */

int weir_catalogue_find_(struct weir_device *dev, const char **out_name)
{
	return dev->m->catalogue_find ? dev->m->catalogue_find(dev, out_name) : WEIR_ENOENT;
}

bool weir_catalogue_complete_(struct weir_machine *m)
{
	return m->catalogue_complete || m->catalogue_sealed;
}

bool weir_catalogue_sealed_(struct weir_machine *m)
{
	return m->catalogue_sealed;
}
