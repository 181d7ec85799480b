// SPDX-License-Identifier: MIT
/*
 * The machine: its life, its memory, its lock, and the loop that drives it.
 *
 * Created empty, it grows by what the host adds; destroying it takes everything
 * down in order. The lock guards all that hangs off the machine; it is dropped
 * around every callback into a driver.
 */
#include "core/core.h"
#include "core/text.h"

/* ---- memory ---- */

void weir_count_alloc_(struct weir_machine *m, size_t bytes)
{
	m->stats.alloc_bytes += bytes;
	m->stats.alloc_count++;
	if (m->stats.alloc_bytes > m->stats.alloc_peak_bytes)
		m->stats.alloc_peak_bytes = m->stats.alloc_bytes;
}

void *weir_alloc_(struct weir_machine *m, size_t bytes)
{
	void *mem = m->ops->alloc(m->host, bytes);

	if (mem)
		weir_count_alloc_(m, bytes);
	return mem;
}

void weir_free_(struct weir_machine *m, void *mem, size_t bytes)
{
	if (!mem)
		return;
	m->stats.alloc_bytes -= bytes;
	m->stats.alloc_count--;
	m->ops->free(m->host, mem, bytes);
}

char *weir_strdup_(struct weir_machine *m, const char *s)
{
	size_t bytes = weir_strlen_(s) + 1;
	char *copy = weir_alloc_(m, bytes);

	if (copy)
		weir_memcpy_(copy, s, bytes);
	return copy;
}

void weir_strfree_(struct weir_machine *m, char *s)
{
	if (s)
		weir_free_(m, s, weir_strlen_(s) + 1);
}

int weir_grow_(struct weir_machine *m, void **array, uint32_t *max, uint32_t n, size_t elem_bytes)
{
	uint32_t bigger_max = *max ? *max * 2 : 4;
	void *bigger;

	if (n < *max)
		return 0;
	bigger = weir_alloc_(m, bigger_max * elem_bytes);
	if (!bigger)
		return WEIR_ENOMEM;
	if (*array)
		weir_memcpy_(bigger, *array, n * elem_bytes);
	weir_free_(m, *array, *max * elem_bytes);
	*array = bigger;
	*max = bigger_max;
	return 0;
}

/* ---- lock and log ---- */

void weir_lock_(struct weir_machine *m)
{
	m->ops->lock(m->host, m->lock);
}

void weir_unlock_(struct weir_machine *m)
{
	m->ops->unlock(m->host, m->lock);
}

/* Names in trees can hold anything; a log line is one line and steers no terminal. */
static void make_printable(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 127)
			*line = '?';
}

void weir_logf_(struct weir_machine *m, enum weir_log_level level, const char *fmt, ...)
{
	char line[256];
	va_list args;

	if (!m->ops->log)
		return;
	va_start(args, fmt);
	weir_vformat_(line, sizeof(line), fmt, args);
	va_end(args);
	make_printable(line);
	m->ops->log(m->host, level, line);
}

/* ---- life ---- */

/* Of the groups for hardware: each is there whole or not at all. */
static const char *missing_hardware_call(const struct weir_host_ops *ops)
{
	bool mmio = ops->mmio_map || ops->mmio_unmap || ops->mmio_read || ops->mmio_write;

	if (mmio && (!ops->mmio_map || !ops->mmio_unmap))
		return ops->mmio_map ? "mmio_unmap" : "mmio_map";
	if (mmio && (!ops->mmio_read || !ops->mmio_write))
		return ops->mmio_read ? "mmio_write" : "mmio_read";
	if ((ops->irq_request || ops->msi_request) && !ops->irq_free)
		return "irq_free";
	if (ops->irq_free && !ops->irq_request && !ops->msi_request)
		return "irq_request";
	return NULL;
}

static const char *missing_call(const struct weir_host_ops *ops)
{
	if (!ops->alloc)
		return "alloc";
	if (!ops->free)
		return "free";
	if (!ops->lock_create || !ops->lock_destroy)
		return ops->lock_create ? "lock_destroy" : "lock_create";
	if (!ops->lock || !ops->unlock)
		return ops->lock ? "unlock" : "lock";
	if (!ops->assert_failed)
		return "assert_failed";
	if (!ops->thread_run != !ops->thread_wait)
		return ops->thread_run ? "thread_wait" : "thread_run";
	if (!ops->lock_wait != !ops->lock_wake)
		return ops->lock_wait ? "lock_wake" : "lock_wait";
	if ((ops->thread_run || ops->lock_wait) && !ops->thread_self)
		return "thread_self";
	if (!ops->module_open != !ops->module_close)
		return ops->module_open ? "module_close" : "module_open";
	if (ops->spin_create && (!ops->spin_destroy || !ops->spin_lock || !ops->spin_unlock))
		return !ops->spin_destroy ? "spin_destroy" : !ops->spin_lock ? "spin_lock" : "spin_unlock";
	if (!ops->spin_create && (ops->spin_destroy || ops->spin_lock || ops->spin_unlock))
		return "spin_create";
	if (ops->timer_create && (!ops->timer_set || !ops->timer_destroy))
		return ops->timer_set ? "timer_destroy" : "timer_set";
	if (!ops->cpu_count != !ops->cpu_id)
		return ops->cpu_count ? "cpu_id" : "cpu_count";
	if (ops->cpu_leave && !ops->cpu_enter)
		return "cpu_enter";
	if (ops->cpu_enter && !ops->cpu_count)
		return "cpu_count";
	if (!ops->pages_alloc != !ops->pages_free)
		return ops->pages_alloc ? "pages_free" : "pages_alloc";
	if (ops->pages_alloc_atomic && !ops->pages_alloc)
		return "pages_alloc";
	return missing_hardware_call(ops);
}

static int check_host(const struct weir_host_ops *ops, void *host)
{
	const char *missing;
	char line[80];

	if (ops->abi.version != WEIR_ABI_VERSION || ops->abi.size < sizeof(*ops))
		return WEIR_EINVAL;
	missing = missing_call(ops);
	if (!missing)
		return 0;
	if (ops->log) {
		weir_format_(line, sizeof(line), "weir: the host lacks the call '%s'", missing);
		ops->log(host, WEIR_LOG_ERR, line);
	}
	return WEIR_EINVAL;
}

static void init_lists(struct weir_machine *m)
{
	weir_list_init(&m->buses);
	weir_list_init(&m->devices);
	weir_list_init(&m->joining);
	weir_list_init(&m->modules);
	weir_list_init(&m->sync_parked);
	weir_list_init(&m->iommus);
	weir_list_init(&m->rpm_todo);
	weir_list_init(&m->bound);
	weir_list_init(&m->kept_fwlinks);
	weir_list_init(&m->works);
	weir_list_init(&m->moving);
	weir_slab_init_(&m->device_slab, sizeof(struct weir_device));
	weir_slab_init_(&m->link_slab, sizeof(struct weir_link));
	weir_fwnodes_init_(m);
	m->next_event = 1;
}

static void destroy_locks(struct weir_machine *m)
{
	if (m->lock)
		m->ops->lock_destroy(m->host, m->lock);
	if (m->power_lock)
		m->ops->lock_destroy(m->host, m->power_lock);
}

static int create(const struct weir_host_ops *ops, void *host,
		  const struct weir_policy_ops *policy, const void *policy_args,
		  const struct weir_parts *parts, struct weir_machine **out_machine)
{
	struct weir_machine *m;
	int err = check_host(ops, host);

	if (err)
		return err;
	if (policy->abi.version != WEIR_ABI_VERSION || policy->abi.size < sizeof(*policy))
		return WEIR_EINVAL;
	m = ops->alloc(host, sizeof(*m));
	if (!m)
		return WEIR_ENOMEM;
	m->ops = ops;
	m->host = host;
	m->policy = policy;
	m->parts = *parts;
	init_lists(m);
	m->lock = ops->lock_create(host, WEIR_LOCK_MACHINE);
	m->power_lock = ops->lock_create(host, WEIR_LOCK_POWER);
	if (!m->lock || !m->power_lock) {
		err = WEIR_ENOMEM;
		goto err_locks;
	}
	if (policy->init) {
		err = policy->init(m, policy_args);
		if (err)
			goto err_locks;
	}
	*out_machine = m;
	return 0;

err_locks:
	destroy_locks(m);
	ops->free(host, m, sizeof(*m));
	return err;
}

static const struct weir_parts all_parts = {
	.abi = WEIR_ABI(struct weir_parts),
	.cycles = &weir_part_cycles,
	.iommu = &weir_part_iommu,
	.dma = &weir_part_dma,
};

int weir_machine_create_policy(const struct weir_host_ops *ops, void *host,
			       const struct weir_policy_ops *policy, const void *policy_args,
			       struct weir_machine **out_machine)
{
	return create(ops, host, policy ? policy : &weir_policy_weir_, policy_args, &all_parts,
		      out_machine);
}

int weir_machine_create(const struct weir_host_ops *ops, void *host,
			struct weir_machine **out_machine)
{
	return create(ops, host, &weir_policy_weir_, NULL, &all_parts, out_machine);
}

int weir_machine_create_parts(const struct weir_host_ops *ops, void *host,
			      const struct weir_parts *parts, struct weir_machine **out_machine)
{
	const struct weir_gate *gate = parts->gate;

	if (parts->abi.version != WEIR_ABI_VERSION || parts->abi.size < sizeof(*parts))
		return WEIR_EINVAL;
	if (gate && (gate->abi.version != WEIR_ABI_VERSION || gate->abi.size < sizeof(*gate) ||
		     !gate->open || !gate->close))
		return WEIR_EINVAL;
	if (parts->dma && !parts->iommu)
		return WEIR_EINVAL;
	return create(ops, host, &weir_policy_weir_, NULL, parts, out_machine);
}

/* Last device first: children and consumers usually came after what they need. */
static void delete_devices(struct weir_machine *m)
{
	while (!weir_list_empty(&m->devices))
		weir_device_del_(weir_container_of(m->devices.prev, struct weir_device, all_node));
}

static void unregister_drivers(struct weir_machine *m)
{
	struct weir_bus *bus;
	struct weir_reg *reg, *tmp;

	weir_list_each(bus, &m->buses, struct weir_bus, node) {
		weir_list_each_safe(reg, tmp, &bus->drivers, struct weir_reg, node)
			weir_driver_unregister_(m, reg->drv);
	}
}

void weir_machine_destroy(struct weir_machine *m)
{
	struct weir_bus *bus, *tmp;

	if (!m)
		return;
	weir_lock_(m);
	weir_rpm_pause_(m);
	delete_devices(m);
	m->rpm_paused = 0; /* also of a machine that is suspended */
	weir_rpm_run_(m);
	if (m->modules_free)
		m->modules_free(m);
	unregister_drivers(m);
	weir_list_each_safe(bus, tmp, &m->buses, struct weir_bus, node)
		weir_bus_free_(bus);
	weir_map_fini_(m, &m->buses_by_name);
	if (m->parts.dma)
		m->parts.dma->free(m);
	if (m->parts.iommu)
		m->parts.iommu->free(m);
	weir_fwnodes_free_(m);
	if (m->root)
		m->root->ops->unload(m);
	if (m->catalogue_free)
		m->catalogue_free(m);
	weir_kept_free_(m);
	weir_free_(m, m->links, m->max_links * sizeof(struct weir_link *));
	if (m->policy->fini)
		m->policy->fini(m);
	weir_unlock_(m);
	weir_assert_(m, m->stats.alloc_bytes == 0 && m->stats.alloc_count == 0);
	weir_assert_(m, atomic_load(&m->atomic_bytes) == 0 && atomic_load(&m->atomic_count) == 0);
	weir_slab_fini_(m, &m->device_slab);
	weir_slab_fini_(m, &m->link_slab);
	weir_slab_fini_(m, &m->node_slab);
	destroy_locks(m);
	m->ops->free(m->host, m, sizeof(*m));
}

/* ---- the loop ---- */

int weir_step(struct weir_machine *m, unsigned int budget)
{
	int r;

	weir_lock_(m);
	if (atomic_load_explicit(&m->faults_pending, memory_order_acquire))
		m->parts.iommu->faults_tell(m);
	r = m->suspended ? 0 : m->policy->step(m, budget ? budget : 1);
	if (!r && m->nr_async)
		r = WEIR_EAGAIN;
	weir_unlock_(m);
	return r;
}

int weir_settle(struct weir_machine *m)
{
	for (;;) {
		int r = weir_step(m, 64);

		if (r == 0)
			return 0;
		if (r != WEIR_EAGAIN) {
			if (r < 0)
				return r;
			continue;
		}
		weir_lock_(m);
		r = !m->nr_async || weir_async_wait_(m) ? 0 : WEIR_EAGAIN;
		weir_unlock_(m);
		if (r)
			return r;
	}
}

void weir_machine_stats_get(struct weir_machine *m, struct weir_machine_stats *out_stats)
{
	weir_lock_(m);
	*out_stats = m->stats;
	out_stats->events = m->next_event - 1;
	out_stats->alloc_bytes += atomic_load(&m->atomic_bytes);
	out_stats->alloc_count += atomic_load(&m->atomic_count);
	weir_unlock_(m);
}

const struct weir_host_ops *weir_machine_host(const struct weir_machine *m, void **out_host)
{
	*out_host = m->host;
	return m->ops;
}

const char *weir_machine_policy_name(const struct weir_machine *m)
{
	return m->policy->name;
}

void *weir_policy_state(const struct weir_machine *m)
{
	return m->policy_state;
}

void weir_policy_set_state(struct weir_machine *m, void *state)
{
	m->policy_state = state;
}
