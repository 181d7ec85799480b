// SPDX-License-Identifier: MIT
/* The shell's modprobe, rmmod and lsmod: real modules, or the drivers of a kernel model. */
#include <string.h>

#include "shell_qemu.h"

/* ---- names ---- */

static void add_name(void *context, const char *name, const struct weir_module_entry *entry)
{
	if (entry)
		json_array_append_new(context, json_string(name));
}

static json_t *model_names(struct shell *sh, bool loaded)
{
	const struct weir_driver_list *list = sh->run.list;
	json_t *names = json_array();

	for (size_t i = 0; i < list->driver_count; i++)
		if (list->drivers[i].when != WEIR_WHEN_INITCALL &&
		    weir_kmodel_loaded(sh->run.model, &list->drivers[i]) == loaded)
			json_array_append_new(names, json_string(list->drivers[i].name));
	return names;
}

json_t *shell_module_names(struct shell *sh, bool loaded)
{
	struct weir_module *module;
	json_t *names;

	if (!sh->qemu)
		return model_names(sh, loaded);
	names = json_array();
	if (!loaded)
		weir_posix_modules(weir_qtest_posix(sh->qemu->qtest), add_name, names);
	for (module = loaded ? weir_module_first(sh->run.m) : NULL; module;
	     module = weir_module_next(module))
		json_array_append_new(names, json_string(weir_module_name(module)));
	return names;
}

/* ---- modprobe ---- */

/* The library logs what is wrong with a module: that is the reason then, and no news. */
static const char *logged_reason(struct shell *sh, size_t from)
{
	for (size_t i = sh->run.record.n; i-- > from;) {
		struct record_event *e = &sh->run.record.events[i];

		if (e->type == WEIR_EVENT_NOTE && e->text && strstr(e->text, "module")) {
			sh->events_told = i + 1;
			return e->text;
		}
	}
	return NULL;
}

static int load_real(struct shell *sh, const char *name)
{
	size_t from = sh->run.record.n;
	struct weir_module *module;
	const char *reason;
	int err;

	if (!weir_module_find(sh->run.m, name, &module))
		return EXIT_OK;
	err = weir_module_open(sh->run.m, name, &module);
	if (!err)
		err = shell_settle(sh);
	if (!err)
		return EXIT_OK;
	reason = logged_reason(sh, from);
	return reason ? shell_fail(sh, EXIT_FINDING, "%s", reason)
		      : shell_fail(sh, EXIT_FINDING, "%s: %s", name, weir_strerror(err));
}

static int load_model(struct shell *sh, const char *name)
{
	if (run_denied(&sh->run, name))
		return shell_fail(sh, EXIT_FINDING, "%s is denied", name);
	if (weir_kmodel_load(sh->run.model, name))
		return shell_fail(sh, EXIT_FINDING, "no driver '%s'", name);
	return EXIT_OK;
}

int shell_modprobe(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	int status = EXIT_OK;

	(void)out_result;
	if (!argc || argv[0][0] == '-')
		return shell_usage(sh, "modprobe");
	for (int i = 0; i < argc && !status; i++)
		status = sh->qemu ? load_real(sh, argv[i]) : load_model(sh, argv[i]);
	return status;
}

/* ---- rmmod ---- */

/* "A needs B" for each user. */
static json_t *users_of(struct weir_module *module, bool with_used)
{
	struct weir_device *user, *used;
	json_t *list = json_array();

	for (unsigned int i = 0; !weir_module_user(module, i, &user, &used); i++)
		json_array_append_new(list, with_used ?
			json_sprintf("%s needs %s", weir_device_name(user), weir_device_name(used)) :
			json_string(weir_device_name(user)));
	return list;
}

static int refused(struct shell *sh, struct weir_module *module)
{
	json_t *users = users_of(module, true), *user;
	char text[600] = "";
	size_t i;

	json_array_foreach(users, i, user)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? ", " : "",
			 json_string_value(user));
	json_decref(users);
	return shell_fail(sh, EXIT_FINDING, "%s is in use%s%s%s", weir_module_name(module),
			  *text ? ": " : "", text, *text ? " (-f stops these first)" : "");
}

static int unload_real(struct shell *sh, const char *name, bool force)
{
	struct weir_module *module;
	int err;

	if (weir_module_find(sh->run.m, name, &module))
		return shell_fail(sh, EXIT_FINDING, "%s is not loaded", name);
	err = weir_module_unload(module, force ? WEIR_MODULE_FORCE : 0);
	if (err == WEIR_EBUSY)
		return refused(sh, module);
	if (!err)
		err = shell_settle(sh);
	return err ? shell_fail(sh, EXIT_FINDING, "%s: %s", name, weir_strerror(err)) : EXIT_OK;
}

/* A device with another driver that needs one with a driver of this name. */
static const struct weir_device *model_user(struct shell *sh, const char *name)
{
	struct weir_device *dev;
	struct weir_link *link;

	for (dev = weir_device_first(sh->run.m); dev; dev = weir_device_next(dev)) {
		const struct weir_driver *drv = weir_device_driver(dev);

		if (!drv || strcmp(drv->name, name))
			continue;
		for (link = weir_link_first_consumer(dev); link; link = weir_link_next_consumer(link))
			if (weir_link_state_get(link) == WEIR_LINK_ACTIVE &&
			    weir_device_driver(weir_link_consumer(link)) != drv)
				return weir_link_consumer(link);
	}
	return NULL;
}

static int unload_model(struct shell *sh, const char *name, bool force)
{
	const struct weir_device *user = force ? NULL : model_user(sh, name);

	if (user)
		return shell_fail(sh, EXIT_FINDING, "%s is in use: %s needs a device of it "
				  "(-f stops all of these first)", name, weir_device_name(user));
	if (weir_kmodel_unload(sh->run.model, name))
		return shell_fail(sh, EXIT_FINDING, "no driver '%s'", name);
	return EXIT_OK;
}

int shell_rmmod(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	bool force = argc && !strcmp(argv[0], "-f");
	int status = EXIT_OK;

	(void)out_result;
	if (argc - force < 1 || argv[force][0] == '-')
		return shell_usage(sh, "rmmod");
	for (int i = force; i < argc && !status; i++)
		status = sh->qemu ? unload_real(sh, argv[i], force)
				  : unload_model(sh, argv[i], force);
	return status;
}

/* ---- lsmod ---- */

static json_t *real_row(struct shell *sh, struct weir_module *module)
{
	json_t *devices = json_array();
	struct weir_device *dev;

	for (dev = weir_device_first(sh->run.m); dev; dev = weir_device_next(dev))
		if (weir_device_status_get(dev) == WEIR_DEVICE_BOUND &&
		    weir_module_has(module, weir_device_driver(dev)))
			json_array_append_new(devices, json_string(weir_device_name(dev)));
	return json_pack("{s:s, s:o, s:o}", "module", weir_module_name(module), "devices",
			 devices, "users", users_of(module, false));
}

static json_t *model_row(struct shell *sh, const char *name)
{
	json_t *devices = json_array();
	struct weir_device *dev;

	for (dev = weir_device_first(sh->run.m); dev; dev = weir_device_next(dev))
		if (weir_device_driver(dev) && !strcmp(weir_device_driver(dev)->name, name))
			json_array_append_new(devices, json_string(weir_device_name(dev)));
	return json_pack("{s:s, s:o, s:[]}", "module", name, "devices", devices, "users");
}

int shell_lsmod(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_module *module;
	json_t *names, *name;
	size_t i;

	(void)argv;
	if (argc)
		return shell_usage(sh, "lsmod");
	*out_result = json_array();
	for (module = sh->qemu ? weir_module_first(sh->run.m) : NULL; module;
	     module = weir_module_next(module))
		json_array_append_new(*out_result, real_row(sh, module));
	if (sh->qemu)
		return EXIT_OK;
	names = model_names(sh, true);
	json_array_foreach(names, i, name)
		json_array_append_new(*out_result, model_row(sh, json_string_value(name)));
	json_decref(names);
	return EXIT_OK;
}
