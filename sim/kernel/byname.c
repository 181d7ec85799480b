// SPDX-License-Identifier: MIT
/* Drivers that match by name alone; see byname.h. No state. */
#include "kernel/byname.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/err.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All compatibles that the list has drivers for, sorted. */
static int collect_taken(const struct weir_driver_list *list, const char ***out_taken,
			 size_t *out_count)
{
	size_t n = 0;
	const char **taken;

	for (size_t i = 0; i < list->driver_count; i++)
		n += list->drivers[i].compat_count;
	taken = calloc(n + 1, sizeof(*taken));
	if (!taken)
		return WEIR_ENOMEM;
	n = 0;
	for (size_t i = 0; i < list->driver_count; i++)
		for (size_t j = 0; j < list->drivers[i].compat_count; j++)
			taken[n++] = list->drivers[i].compats[j].name;
	qsort(taken, n, sizeof(*taken), by_text);
	*out_taken = taken;
	*out_count = n;
	return 0;
}

static uint32_t module_for(const struct weir_modindex *index, const char *name)
{
	static const char *const buses[] = { "platform", "i2c", "spi" };
	uint32_t module = weir_modindex_module(index, name);
	char modalias[128];

	if (module != WEIR_MODULE_NONE && index->modules[module].builtin)
		return module;
	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		snprintf(modalias, sizeof(modalias), "%s:%s", buses[i], name);
		if (weir_modindex_lookup(index, modalias, &module, 1))
			return module;
	}
	return WEIR_MODULE_NONE;
}

static int add(struct weir_driver_list *list, const char *driver, bool builtin, const char *compat)
{
	struct weir_compat *one = weir_arena_alloc(&list->arena, sizeof(*one));
	char *name = weir_arena_strndup(&list->arena, driver, strlen(driver));
	char *text = weir_arena_strndup(&list->arena, compat, strlen(compat));
	struct weir_driver_spec *spec = one && name && text ? weir_driver_list_new_driver_(list)
							    : NULL;

	if (!spec)
		return WEIR_ENOMEM;
	one->name = text;
	spec->name = name;
	spec->when = builtin ? WEIR_WHEN_INITCALL : WEIR_WHEN_MODULE;
	spec->level = 12; /* device_initcall */
	spec->basis = WEIR_BASIS_NAME;
	spec->compats = one;
	spec->compat_count = 1;
	return 0;
}

int weir_driver_list_add_by_name(struct weir_driver_list *list, const struct weir_modindex *index,
				 const char *const *compats, size_t count)
{
	const char **taken;
	size_t n;
	int err = index ? collect_taken(list, &taken, &n) : 0;

	if (err || !index)
		return err;
	for (size_t i = 0; i < count && !err; i++) {
		const char *comma = strchr(compats[i], ',');
		uint32_t module;

		if (!comma || bsearch(&compats[i], taken, n, sizeof(*taken), by_text))
			continue;
		module = module_for(index, comma + 1);
		if (module != WEIR_MODULE_NONE)
			err = add(list, index->modules[module].name,
				  index->modules[module].builtin, compats[i]);
	}
	free(taken);
	return err;
}

/* Whether the configuration has the line CONFIG_MFD_NAME=y. */
static bool is_set(const char *config, const char *name)
{
	char wanted[96];
	size_t n = (size_t)snprintf(wanted, sizeof(wanted), "\nCONFIG_MFD_%s=y\n", name);

	for (char *c = wanted + strlen("\nCONFIG_MFD_"); *c && *c != '='; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return n < sizeof(wanted) && strstr(config, wanted);
}

int weir_driver_list_add_by_setting(struct weir_driver_list *list, const char *config,
				    const char *const *compats, size_t count)
{
	const char **taken;
	size_t n;
	int err = collect_taken(list, &taken, &n);

	if (err)
		return err;
	for (size_t i = 0; i < count && !err; i++) {
		const char *comma = strchr(compats[i], ',');

		if (!comma || bsearch(&compats[i], taken, n, sizeof(*taken), by_text) ||
		    !is_set(config, comma + 1))
			continue;
		err = add(list, comma + 1, true, compats[i]);
	}
	free(taken);
	return err;
}
