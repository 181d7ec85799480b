// SPDX-License-Identifier: MIT
/*
 * Virtio devices as such: opening, features, configuration, starting, stopping.
 *
 * Life: opened and reset; features agreed on; queues set up; running; stopped (reset),
 * from where it can be set up again; closed. All by one thread of the driver's.
 */
#include "virtio/priv.h"

#include "core/text.h"
#include "virtio/regs.h"

#define RESET_NS    1000000000u
#define RESET_POLLS 100000u
#define DELAY_NS    10000u
#define GENERATIONS 64u

int weir_virtio_fail_(const struct weir_virtio *v, int err, const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	weir_vformat_(text, sizeof(text), fmt, args);
	va_end(args);
	if (v->dev && v->dev->status == WEIR_DEVICE_PROBING)
		return weir_dev_fail(v->dev, err, "%s", text);
	weir_logf_(v->m, WEIR_LOG_ERR, "%s: %s", weir_virtio_name(v), text);
	return err;
}

/* ---- life ---- */

/* Status 0 resets; it reads as 0 when the reset is done (Virtio 1.2, 4.1.4.3.2 and 4.2.2.1). */
static int reset(const struct weir_virtio *v)
{
	const struct weir_host_ops *ops = v->m->ops;
	uint64_t begin = ops->time_ns ? ops->time_ns(v->m->host) : 0, last = begin;

	v->transport->set_status(v, 0);
	/* looks at a clock that stands still, or is not there, are counted */
	for (unsigned int n = 0; v->transport->status(v); n++) {
		uint64_t now = ops->time_ns ? ops->time_ns(v->m->host) : begin;

		if (now != last)
			n = 0;
		last = now;
		if (now - begin > RESET_NS || n > RESET_POLLS)
			return WEIR_ETIMEDOUT;
		if (ops->delay_ns)
			ops->delay_ns(v->m->host, DELAY_NS);
	}
	return 0;
}

static struct weir_virtio *create(struct weir_machine *m, struct weir_device *dev)
{
	struct weir_virtio *v;

	weir_lock_(m);
	v = weir_alloc_(m, sizeof(*v));
	weir_unlock_(m);
	if (!v)
		return NULL;
	v->m = m;
	v->dev = dev;
	v->line = WEIR_VIRTIO_NO_LINE;
	return v;
}

static int init_platform(struct weir_virtio *v)
{
	const struct weir_fwnode *node = v->dev->fwnode;
	uint64_t pa, bytes;

	if (!node || weir_firmware_registers(node, 0, &pa, &bytes))
		return weir_virtio_fail_(v, WEIR_ENODEV, "firmware does not say where its registers are");
	if (weir_firmware_line(node, 0, &v->line))
		v->line = WEIR_VIRTIO_NO_LINE;
	return weir_virtio_mmio_init_(v, pa, bytes);
}

int weir_virtio_open(struct weir_device *dev, struct weir_virtio **out_virtio)
{
	struct weir_virtio *v = create(dev->m, dev);
	struct weir_pci_info info;
	int err;

	if (!v)
		return WEIR_ENOMEM;
	if (!weir_pci_info_get(dev, &info))
		err = weir_virtio_pci_init_(v);
	else
		err = init_platform(v);
	if (err) {
		weir_virtio_close(v);
		return err;
	}
	*out_virtio = v;
	return 0;
}

int weir_virtio_open_mmio(struct weir_machine *m, const char *name, uint64_t pa, uint64_t bytes,
			  uint32_t line, struct weir_virtio **out_virtio)
{
	struct weir_virtio *v = create(m, NULL);
	int err = WEIR_ENOMEM;

	if (!v)
		return err;
	v->line = line;
	weir_lock_(m);
	v->own_name = weir_strdup_(m, name);
	weir_unlock_(m);
	if (v->own_name)
		err = weir_virtio_mmio_init_(v, pa, bytes);
	if (err) {
		weir_virtio_close(v);
		return err;
	}
	*out_virtio = v;
	return 0;
}

struct weir_virtio *weir_virtio_close(struct weir_virtio *v)
{
	struct weir_machine *m;

	if (!v)
		return NULL;
	m = v->m;
	if (v->touched)
		weir_virtio_stop(v);
	weir_virtio_irq_free(v);
	if (v->transport)
		v->transport->close(v);
	for (unsigned int i = 0; i < 6; i++)
		weir_mmio_unmap(&v->windows[i]);
	weir_lock_(m);
	weir_strfree_(m, v->own_name);
	weir_free_(m, v, sizeof(*v));
	weir_unlock_(m);
	return NULL;
}

uint32_t weir_virtio_type(const struct weir_virtio *v)
{
	return v->type;
}

struct weir_machine *weir_virtio_machine(const struct weir_virtio *v)
{
	return v->m;
}

void weir_virtio_log(const struct weir_virtio *v, enum weir_log_level level, const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	weir_vformat_(text, sizeof(text), fmt, args);
	va_end(args);
	weir_logf_(v->m, level, "%s: %s", weir_virtio_name(v), text);
}

const char *weir_virtio_name(const struct weir_virtio *v)
{
	return v->dev ? v->dev->name : v->own_name;
}

/* ---- features (Virtio 1.2, 3.1.1) ---- */

int weir_virtio_negotiate(struct weir_virtio *v, uint64_t wanted, uint64_t needed,
			  uint64_t refused, uint64_t *out_features)
{
	const struct vtransport *t = v->transport;
	uint32_t status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	uint64_t offered, missing, taken;
	int err;

	if (v->running)
		return WEIR_EBUSY;
	if (t->status(v) == STATUS_GONE)
		return weir_virtio_fail_(v, WEIR_EIO, "it does not answer");
	v->touched = true;
	err = reset(v);
	if (err)
		return weir_virtio_fail_(v, err, "its reset does not end (status 0x%x)",
					 t->status(v));
	t->set_status(v, STATUS_ACKNOWLEDGE);
	t->set_status(v, status);
	offered = t->features(v);
	needed |= WEIR_VIRTIO_VERSION_1;
	missing = needed & ~offered;
	if (missing)
		return weir_virtio_fail_(v, WEIR_EOPNOTSUPP,
					 "it lacks features that are needed (0x%llx)",
					 (unsigned long long)missing);
	taken = (needed | ((wanted | WEIR_VIRTIO_EVENT_IDX) & offered)) & ~refused;
	t->set_features(v, taken);
	t->set_status(v, status | STATUS_FEATURES_OK);
	if (!(t->status(v) & STATUS_FEATURES_OK))
		return weir_virtio_fail_(v, WEIR_EOPNOTSUPP, "it refuses the features 0x%llx",
					 (unsigned long long)taken);
	v->features = taken;
	*out_features = taken;
	return 0;
}

uint64_t weir_virtio_features(const struct weir_virtio *v)
{
	return v->features;
}

/* ---- configuration (Virtio 1.2, 2.5) ---- */

static bool has_field(const struct weir_virtio *v, uint32_t offset, unsigned int width)
{
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return false;
	return v->config.mmio && offset % (width > 4 ? 4 : width) == 0 &&
	       offset <= v->config.bytes && width <= v->config.bytes - offset;
}

int weir_virtio_config_read(const struct weir_virtio *v, uint32_t offset, unsigned int width,
			    uint64_t *out_value)
{
	if (!has_field(v, offset, width))
		return WEIR_EINVAL;
	for (unsigned int n = 0; n < GENERATIONS; n++) {
		uint32_t before = v->transport->generation(v);
		uint64_t value = vread(&v->config, offset, width > 4 ? 4 : width);

		if (width == 8)
			value |= (uint64_t)vread(&v->config, offset + 4, 4) << 32;
		if (v->transport->generation(v) == before) {
			*out_value = value;
			return 0;
		}
	}
	return weir_virtio_fail_(v, WEIR_EIO, "its configuration does not come to rest");
}

int weir_virtio_config_write(const struct weir_virtio *v, uint32_t offset, unsigned int width,
			     uint32_t value)
{
	if (width == 8 || !has_field(v, offset, width))
		return WEIR_EINVAL;
	vwrite(&v->config, offset, width, value);
	return 0;
}

/* ---- running ---- */

int weir_virtio_start(struct weir_virtio *v)
{
	const uint32_t status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK |
				STATUS_DRIVER_OK;
	int err = v->transport->master(v, true);

	if (err)
		return err;
	v->running = true;
	v->transport->set_status(v, status);
	if (v->transport->status(v) == status)
		return 0;
	return weir_virtio_fail_(v, WEIR_EIO, "it does not start (status 0x%x)",
				 v->transport->status(v));
}

int weir_virtio_stop(struct weir_virtio *v)
{
	int err = reset(v);
	int off = v->transport->master(v, false);

	v->running = false;
	v->features = 0;
	v->lost = false;
	if (!err)
		return 0;
	/* A PCI function whose bus mastering is off does no harm; one that is gone neither. */
	if (off && v->transport->status(v) != STATUS_GONE)
		v->lost = true;
	return weir_virtio_fail_(v, err, "its reset does not end (status 0x%x)%s",
				 v->transport->status(v),
				 v->lost ? ": memory that it may still write is kept" : "");
}

bool weir_virtio_lost(const struct weir_virtio *v)
{
	return v->lost;
}

bool weir_virtio_failed(const struct weir_virtio *v)
{
	uint32_t status = v->transport->status(v);

	return status == STATUS_GONE || (status & STATUS_NEEDS_RESET);
}

/* ---- interrupts ---- */

int weir_virtio_irq_request(struct weir_virtio *v, void (*fn)(void *arg), void *arg)
{
	v->irq_fn = fn;
	v->irq_arg = arg;
	return v->transport->irq_request(v);
}

void weir_virtio_irq_(struct weir_virtio *v)
{
	v->irq_fn(v->irq_arg);
}

void weir_virtio_irq_free(struct weir_virtio *v)
{
	struct weir_machine *m = v->m;

	if (v->irq)
		m->ops->irq_free(m->host, v->irq);
	v->irq = NULL;
	if (v->msix_on)
		weir_pci_msi_disable(v->dev);
	v->msix_on = false;
}
