// SPDX-License-Identifier: MIT
/*
 * Modules: an entry table, in the program or in an image that the host maps, whose
 * drivers are registered while it is loaded.
 *
 * A module is in the machine's list from before its init is called, so that its
 * name is taken, until after its exit has returned; it is found by others, held and
 * unloaded only while it is live. The list and the counts are guarded by the machine
 * lock; init, exit and the host's calls run without it. The entry table is part of
 * the image: nothing of it is read once that is closed.
 */
#include "core/core.h"
#include "core/text.h"

static struct weir_module *find(struct weir_machine *m, const char *name)
{
	struct weir_module *module;

	weir_list_each(module, &m->modules, struct weir_module, node)
		if (weir_streq_(module->entry->name, name))
			return module;
	return NULL;
}

/* ---- loading ---- */

/* The name of a table whose ABI is not known to be ours: only if it reaches that far. */
static const char *name_of(const struct weir_module_entry *entry, const char *asked)
{
	size_t end = offsetof(struct weir_module_entry, name) + sizeof(entry->name);

	if (asked)
		return asked;
	return entry->abi.size >= end && entry->name ? entry->name : "(nameless)";
}

static int check_entry(struct weir_machine *m, const struct weir_module_entry *entry,
		       const char *asked)
{
	if (entry->abi.version == WEIR_ABI_VERSION && entry->abi.size >= sizeof(*entry) &&
	    entry->name) {
		if (!asked || weir_streq_(asked, entry->name))
			return 0;
		weir_logf_(m, WEIR_LOG_ERR, "module %s: calls itself %s", asked, entry->name);
		return WEIR_ENOEXEC;
	}
	weir_logf_(m, WEIR_LOG_ERR, "module %s: made for ABI version %u, table of %u bytes; "
		   "this library has version %u, %u bytes", name_of(entry, asked),
		   entry->abi.version, entry->abi.size, WEIR_ABI_VERSION,
		   (unsigned int)sizeof(*entry));
	return WEIR_ENOEXEC;
}

static void unregister_drivers(struct weir_module *module)
{
	while (module->nr_registered)
		weir_driver_unregister_(module->m,
					module->entry->drivers[--module->nr_registered]);
}

static int register_drivers(struct weir_module *module)
{
	const struct weir_driver *const *drv = module->entry->drivers;
	int err;

	for (; drv && *drv; drv++) {
		err = weir_driver_register_(module->m, *drv);
		if (err) {
			unregister_drivers(module);
			return err;
		}
		module->nr_registered++;
	}
	return 0;
}

static int call_init(struct weir_module *module)
{
	struct weir_machine *m = module->m;
	int err;

	if (!module->entry->init)
		return 0;
	weir_unlock_(m);
	err = module->entry->init(m, module);
	weir_lock_(m);
	return err > 0 ? WEIR_EINVAL : err;
}

static void call_exit(struct weir_module *module)
{
	struct weir_machine *m = module->m;

	if (!module->entry->exit)
		return;
	weir_unlock_(m);
	module->entry->exit(m, module);
	weir_lock_(m);
}

/* Init and registrations, all due to one event, or nothing. */
static int start(struct weir_module *module)
{
	struct weir_machine *m = module->m;
	struct weir_event e = { .type = WEIR_EVENT_MODULE_LOAD, .text = module->entry->name };
	uint32_t outer = m->cause, event;
	int err;

	m->cause = event = weir_event_(m, &e);
	err = call_init(module);
	if (!err) {
		m->cause = event;
		err = register_drivers(module);
		if (err)
			call_exit(module);
	}
	if (err) {
		e.type = WEIR_EVENT_MODULE_UNLOAD;
		m->cause = event;
		weir_event_(m, &e);
	}
	m->cause = outer;
	return err;
}

static void free_all(struct weir_machine *m);

static int load(struct weir_machine *m, const struct weir_module_entry *entry, const char *asked,
		void *image, struct weir_module **out_module)
{
	struct weir_module *module;
	int err = check_entry(m, entry, asked);

	if (err)
		return err;
	if (find(m, entry->name))
		return WEIR_EEXIST;
	module = weir_alloc_(m, sizeof(*module));
	if (!module)
		return WEIR_ENOMEM;
	module->m = m;
	module->entry = entry;
	module->image = image;
	weir_list_add_tail(&m->modules, &module->node);
	m->modules_free = free_all;
	err = start(module);
	if (err) {
		weir_list_del(&module->node);
		weir_free_(m, module, sizeof(*module));
		return err;
	}
	module->live = true;
	*out_module = module;
	return 0;
}

int weir_module_load(struct weir_machine *m, const struct weir_module_entry *entry,
		     struct weir_module **out_module)
{
	struct weir_module *module;
	int err;

	weir_lock_(m);
	err = load(m, entry, NULL, NULL, &module);
	weir_unlock_(m);
	if (!err && out_module)
		*out_module = module;
	return err;
}

int weir_module_open(struct weir_machine *m, const char *name, struct weir_module **out_module)
{
	const struct weir_module_entry *entry = NULL;
	struct weir_module *module;
	void *image = NULL;
	int err;

	if (!m->ops->module_open)
		return WEIR_EOPNOTSUPP;
	err = m->ops->module_open(m->host, name, &image, &entry);
	if (err)
		return err > 0 ? WEIR_EINVAL : err;
	weir_lock_(m);
	err = load(m, entry, name, image, &module);
	weir_unlock_(m);
	if (err)
		m->ops->module_close(m->host, image);
	else if (out_module)
		*out_module = module;
	return err;
}

/* ---- unloading ---- */

/*
 * Whether a driver of the module is being called now by a thread that cannot be
 * waited for: a probe inside another thread's weir_step(), or the caller itself.
 */
static bool has_probes(struct weir_module *module)
{
	for (unsigned int i = 0; i < module->nr_registered; i++) {
		struct weir_reg *reg = weir_reg_find_(module->m, module->entry->drivers[i]);

		if (reg && reg->users > 1)
			return true;
	}
	return false;
}

/*
 * Probes on host threads are waited for. One that is left then is of who asks, or of another
 * thread's weir_step(). The lock may be dropped.
 */
static bool in_use(struct weir_module *module)
{
	module->holds++; /* it stays meanwhile */
	while (has_probes(module) && weir_async_wait_(module->m))
		;
	module->holds--;
	return module->holds || has_probes(module);
}

/* From now on no new attempts: what was found unused stays so. */
static void close_drivers(struct weir_module *module)
{
	for (unsigned int i = 0; i < module->nr_registered; i++) {
		struct weir_reg *reg = weir_reg_find_(module->m, module->entry->drivers[i]);

		if (reg)
			reg->closed = true;
	}
}

static bool has_driver(const struct weir_module *module, const struct weir_driver *drv)
{
	for (unsigned int i = 0; i < module->nr_registered; i++)
		if (module->entry->drivers[i] == drv)
			return true;
	return false;
}

/* Counts users down to the one that is wanted. */
struct user_search {
	struct weir_module *module;
	unsigned int left; /* to pass over */
	struct weir_device *user, *used;
};

/* Return: true when that was it. */
static bool take(struct user_search *s, struct weir_device *user, struct weir_device *used)
{
	if (s->left) {
		s->left--;
		return false;
	}
	s->user = user;
	s->used = used;
	return true;
}

static bool meet(struct user_search *s, struct weir_device *user, struct weir_device *used)
{
	return user->reg && !has_driver(s->module, user->reg->drv) && take(s, user, used);
}

/* Links that are only made true by a bound consumer, or one that is on its way. */
static bool is_used(const struct weir_link *link)
{
	return (link->flags & WEIR_LINK_MANAGED) && (link->state == WEIR_LINK_CONSUMER_PROBE ||
						     link->state == WEIR_LINK_ACTIVE);
}

static bool search_device(struct user_search *s, struct weir_device *dev)
{
	const struct weir_part_iommu *iommu = dev->m->parts.iommu;
	struct weir_device *child;
	struct weir_link *link;

	weir_list_each(link, &dev->consumers, struct weir_link, s_node)
		if (is_used(link) && meet(s, link->consumer, dev))
			return true;
	weir_list_each(child, &dev->children, struct weir_device, child_node)
		if (meet(s, child, dev))
			return true;
	for (unsigned int i = 0; iommu && (child = iommu->claimed(dev, i)); i++)
		if (take(s, child, dev))
			return true;
	return false;
}

static bool search(struct user_search *s)
{
	struct weir_module *module = s->module;
	struct weir_device *dev;

	for (unsigned int i = 0; i < module->nr_registered; i++) {
		struct weir_reg *reg = weir_reg_find_(module->m, module->entry->drivers[i]);

		if (!reg)
			continue;
		weir_list_each(dev, &reg->devices, struct weir_device, reg_node)
			if (search_device(s, dev))
				return true;
	}
	return false;
}

static void unload(struct weir_module *module)
{
	struct weir_machine *m = module->m;
	struct weir_event e = { .type = WEIR_EVENT_MODULE_UNLOAD, .text = module->entry->name };
	uint32_t outer = m->cause;
	void *image = module->image;

	module->live = false;
	close_drivers(module);
	m->cause = weir_event_(m, &e);
	unregister_drivers(module);
	call_exit(module);
	m->cause = outer;
	weir_list_del(&module->node);
	weir_free_(m, module, sizeof(*module));
	if (!image)
		return;
	weir_unlock_(m);
	m->ops->module_close(m->host, image);
	weir_lock_(m);
}

static void free_all(struct weir_machine *m)
{
	while (!weir_list_empty(&m->modules))
		unload(weir_container_of(m->modules.prev, struct weir_module, node));
}

int weir_module_unload(struct weir_module *module, uint32_t flags)
{
	struct user_search any = { .module = module };
	struct weir_machine *m = module->m;
	int err = 0;

	weir_lock_(m);
	/* from a probe none are removed: one may have to be waited for that waits for this one */
	if (!module->live || module->holds || in_use(module) ||
	    ((!(flags & WEIR_MODULE_FORCE) || weir_async_inside_(m)) && search(&any)))
		err = WEIR_EBUSY;
	else
		unload(module);
	weir_unlock_(m);
	return err;
}

int weir_module_user(struct weir_module *module, unsigned int index,
		     struct weir_device **out_user, struct weir_device **out_used)
{
	struct user_search s = { .module = module, .left = index };
	bool found;

	weir_lock_(module->m);
	found = search(&s);
	weir_unlock_(module->m);
	if (!found)
		return WEIR_ENOENT;
	*out_user = s.user;
	*out_used = s.used;
	return 0;
}

/* ---- holding and finding ---- */

void weir_module_get(struct weir_module *module)
{
	weir_lock_(module->m);
	module->holds++;
	weir_unlock_(module->m);
}

void weir_module_put(struct weir_module *module)
{
	weir_lock_(module->m);
	weir_assert_(module->m, module->holds > 0);
	if (module->holds)
		module->holds--;
	weir_unlock_(module->m);
}

int weir_module_find(struct weir_machine *m, const char *name, struct weir_module **out_module)
{
	struct weir_module *module;

	weir_lock_(m);
	module = find(m, name);
	if (module && !module->live)
		module = NULL;
	weir_unlock_(m);
	if (!module)
		return WEIR_ENOENT;
	*out_module = module;
	return 0;
}

/* The first live module from a place in the list on. */
static struct weir_module *live_from(struct weir_machine *m, struct weir_list *at)
{
	for (; at != &m->modules; at = at->next) {
		struct weir_module *module = weir_container_of(at, struct weir_module, node);

		if (module->live)
			return module;
	}
	return NULL;
}

struct weir_module *weir_module_first(struct weir_machine *m)
{
	struct weir_module *module;

	weir_lock_(m);
	module = live_from(m, m->modules.next);
	weir_unlock_(m);
	return module;
}

struct weir_module *weir_module_next(struct weir_module *module)
{
	struct weir_machine *m = module->m;
	struct weir_module *next;

	weir_lock_(m);
	next = live_from(m, module->node.next);
	weir_unlock_(m);
	return next;
}

bool weir_module_has(const struct weir_module *module, const struct weir_driver *drv)
{
	bool has;

	weir_lock_(module->m);
	has = has_driver(module, drv);
	weir_unlock_(module->m);
	return has;
}

const char *weir_module_name(const struct weir_module *module)
{
	return module->entry->name;
}
