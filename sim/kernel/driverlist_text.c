// SPDX-License-Identifier: MIT
/*
 * The text form of driver lists, see driverlist.h for the format. Writing reads
 * a const list; parsing makes a new one. A wrong line is named by file and line.
 */
#include "driverlist.h"

#include <stdlib.h>
#include <string.h>

#include "kfile.h"
#include "weir/err.h"

struct parser {
	struct weir_driver_list *list;
	struct weir_errtext *et;
	const char *file;
	unsigned int line;
};

static int wrong(const struct parser *p, const char *what, const char *word)
{
	return weir_errtext_set(p->et, WEIR_EINVAL, "%s:%u: %s '%.100s'", p->file, p->line, what, word);
}

static int no_memory(const struct parser *p)
{
	return weir_errtext_set(p->et, WEIR_ENOMEM, "%s:%u: no memory", p->file, p->line);
}

/* The rest of the line as an array of strings. */
static int take_words(struct parser *p, char *rest, const char *const **out_words, size_t *out_count)
{
	size_t count = 0, most = strlen(rest) / 2 + 1;
	const char **words = weir_arena_alloc(&p->list->arena, most * sizeof(*words));
	char *word;

	if (!words)
		return no_memory(p);
	while ((word = weir_text_word(&rest)))
		words[count++] = word;
	*out_words = words;
	*out_count = count;
	return 0;
}

static int parse_special(struct parser *p, const char *word, char *rest)
{
	static const struct {
		const char *word;
		enum weir_early_kind kind;
	} kinds[] = {
		{ "!irq", WEIR_EARLY_IRQ }, { "!early", WEIR_EARLY_CLOCK }, { "!init", WEIR_EARLY_INIT },
	};
	struct weir_early_spec *e;
	struct weir_fault_spec *f;
	char *end = NULL;
	long times = 0;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(word, kinds[i].word))
			continue;
		e = weir_driver_list_new_early_(p->list);
		if (!e)
			return no_memory(p);
		e->kind = kinds[i].kind;
		return take_words(p, rest, &e->compats, &e->compat_count);
	}
	if (!strncmp(word, "!defer", 6) && word[6] >= '0' && word[6] <= '9')
		times = strtol(word + 6, &end, 10);
	if (strcmp(word, "!fail") && (!end || *end || times < 1 || times > 1000000))
		return wrong(p, "neither !irq, !early, !init, !fail nor !deferN:", word);
	f = weir_driver_list_new_fault_(p->list);
	if (!f)
		return no_memory(p);
	f->defer_times = (int)times;
	return take_words(p, rest, &f->paths, &f->path_count);
}

/* WHEN[:DEP,DEP...] */
static int parse_when(struct parser *p, char *when, struct weir_driver_spec *d)
{
	char *deps = strchr(when, ':'), *c;

	if (deps)
		*deps++ = 0;
	if (!strcmp(when, "m")) {
		d->when = WEIR_WHEN_MODULE;
	} else if (!strcmp(when, "x")) {
		d->when = WEIR_WHEN_EXTERNAL;
	} else if (when[0] >= '0' && when[0] <= '7' && (!when[1] || !strcmp(when + 1, "s"))) {
		d->level = (uint8_t)(2 * (when[0] - '0') + (when[1] == 's'));
	} else {
		return wrong(p, "no initcall level, m or x:", when);
	}
	if (!deps)
		return 0;
	for (c = deps; *c; c++)
		if (*c == ',')
			*c = ' ';
	return take_words(p, deps, &d->deps, &d->dep_count);
}

static int parse_driver(struct parser *p, char *word, char *rest)
{
	struct weir_driver_spec *d = weir_driver_list_new_driver_(p->list);
	char *when = strchr(word, '@');
	const char *const *words;
	struct weir_compat *compats;
	size_t i, count;
	int err;

	if (!d)
		return no_memory(p);
	d->basis = WEIR_BASIS_GIVEN;
	d->name = word;
	d->level = 12;
	if (when)
		*when++ = 0;
	if (!*word)
		return wrong(p, "a driver without a name, before", when ? when : "");
	err = when ? parse_when(p, when, d) : 0;
	if (!err)
		err = take_words(p, rest, &words, &count);
	if (err)
		return err;
	compats = weir_arena_alloc(&p->list->arena, (count + 1) * sizeof(*compats));
	if (!compats)
		return no_memory(p);
	for (i = 0; i < count; i++) {
		compats[i].first_only = words[i][0] == '^';
		compats[i].unlisted = words[i][0] == '~';
		compats[i].name = words[i] + (compats[i].first_only || compats[i].unlisted);
		if (!compats[i].name[0])
			return wrong(p, "an empty compatible in the line of driver", word);
	}
	d->compats = compats;
	d->compat_count = count;
	return 0;
}

int weir_driver_list_parse(const char *name, const char *text, size_t size,
			   struct weir_errtext *et, struct weir_driver_list **out_list)
{
	struct parser p = { .et = et, .file = name };
	char *copy, *line, *word;
	int err = 0;

	p.list = calloc(1, sizeof(*p.list));
	copy = p.list ? weir_arena_strndup(&p.list->arena, text, size) : NULL;
	if (!copy) {
		weir_driver_list_destroy(p.list);
		return no_memory(&p);
	}
	if (strlen(copy) != size)
		err = weir_errtext_set(et, WEIR_EINVAL, "%s: a zero byte at offset 0x%zx", name, strlen(copy));
	while (!err && (line = weir_text_line(&copy))) {
		p.line++;
		word = weir_text_word(&line);
		if (!word || word[0] == '#')
			continue;
		err = word[0] == '!' ? parse_special(&p, word, line) : parse_driver(&p, word, line);
	}
	if (err)
		weir_driver_list_destroy(p.list);
	else
		*out_list = p.list;
	return err;
}

static void write_words(FILE *f, const char *first, const char *const *words, size_t count)
{
	size_t i;

	fputs(first, f);
	for (i = 0; i < count; i++)
		fprintf(f, " %s", words[i]);
	fputc('\n', f);
}

static void write_driver(FILE *f, const struct weir_driver_spec *d)
{
	size_t i;

	fprintf(f, "%s", d->name);
	if (d->when == WEIR_WHEN_MODULE)
		fputs("@m", f);
	else if (d->when == WEIR_WHEN_EXTERNAL)
		fputs("@x", f);
	else if (d->level != 12 || d->basis != WEIR_BASIS_ASSUMED)
		fprintf(f, "@%u%s", d->level / 2u, d->level & 1 ? "s" : "");
	for (i = 0; i < d->dep_count; i++)
		fprintf(f, "%c%s", i ? ',' : ':', d->deps[i]);
	for (i = 0; i < d->compat_count; i++)
		fprintf(f, " %s%s%s", d->compats[i].first_only ? "^" : "",
			d->compats[i].unlisted ? "~" : "", d->compats[i].name);
	fputc('\n', f);
}

int weir_driver_list_write(FILE *f, const struct weir_driver_list *list)
{
	static const char *const words[] = {
		[WEIR_EARLY_IRQ] = "!irq", [WEIR_EARLY_CLOCK] = "!early", [WEIR_EARLY_INIT] = "!init",
	};
	char defer[32];
	size_t i;

	for (i = 0; i < list->fault_count; i++) {
		const struct weir_fault_spec *fault = &list->faults[i];

		snprintf(defer, sizeof(defer), "!defer%d", fault->defer_times);
		write_words(f, fault->defer_times ? defer : "!fail", fault->paths, fault->path_count);
	}
	for (i = 0; i < list->early_count; i++)
		if (list->early[i].kind != WEIR_EARLY_TIMER)
			write_words(f, words[list->early[i].kind], list->early[i].compats,
				    list->early[i].compat_count);
	for (i = 0; i < list->driver_count; i++)
		write_driver(f, &list->drivers[i]);
	return ferror(f) ? WEIR_EIO : 0;
}
