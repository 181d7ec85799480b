// SPDX-License-Identifier: MIT
/* The device: memory, queues, registers. */
#include <string.h>

#include "virtiomodel_priv.h"

#define OWN_PA 0x100000000ull

/* ---- memory ---- */

uint8_t *vmodel_memory(struct vmodel *model, uint64_t pa, uint64_t bytes)
{
	if (pa >= OWN_PA && pa - OWN_PA <= sizeof(model->own) &&
	    bytes <= sizeof(model->own) - (pa - OWN_PA))
		return model->own + (pa - OWN_PA);
	for (unsigned int i = 0; i < VMODEL_BLOCKS; i++)
		if (model->blocks[i].va && pa >= model->blocks[i].pa &&
		    pa - model->blocks[i].pa <= model->blocks[i].bytes &&
		    bytes <= model->blocks[i].bytes - (pa - model->blocks[i].pa))
			return model->blocks[i].va + (pa - model->blocks[i].pa);
	return NULL;
}

uint8_t *vmodel_own(struct vmodel *model, uint64_t *out_pa)
{
	*out_pa = OWN_PA;
	return model->own;
}

static uint64_t get(struct vmodel *model, uint64_t pa, unsigned int width)
{
	const uint8_t *p = vmodel_memory(model, pa, width);
	uint64_t value = 0;

	if (!p)
		model->refused_dma++;
	for (unsigned int i = 0; p && i < width; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

static void put(struct vmodel *model, uint64_t pa, unsigned int width, uint64_t value)
{
	uint8_t *p = vmodel_memory(model, pa, width);

	if (!p)
		model->refused_dma++;
	for (unsigned int i = 0; p && i < width; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

/* ---- queues, 2.7 ---- */

static bool event_idx(const struct vmodel *model)
{
	return model->accepted & F_EVENT_IDX;
}

static void interrupt(struct vmodel *model, uint16_t vector)
{
	model->interrupts++;
	model->isr |= 1;
	if (model->pci && vector == 0 && model->msi)
		model->msi(model->irq_arg, 0);
	else if (!model->pci && model->irq)
		model->irq(model->irq_arg);
}

static void return_used(struct vmodel *model, struct vmodel_queue *q, uint32_t id, uint32_t bytes)
{
	uint64_t elem = q->device + 4 + 8 * (q->used % q->size);
	uint16_t before = q->used++, event;

	put(model, elem, 4, id);
	put(model, elem + 4, 4, bytes);
	put(model, q->device + 2, 2, q->used);
	if (!event_idx(model)) {
		if (!(get(model, q->driver, 2) & 1))
			interrupt(model, q->vector);
		return;
	}
	event = (uint16_t)get(model, q->driver + 4 + 2 * q->size, 2);
	if (event == before)
		interrupt(model, q->vector);
}

/* The request that begins at a descriptor. Return: the bytes that could be written to it. */
static void read_request(struct vmodel *model, struct vmodel_queue *q, uint16_t head,
			 struct vmodel_request *r)
{
	uint16_t d = head;

	for (unsigned int n = 0; n <= q->size; n++) {
		uint64_t at = q->desc + 16 * (uint64_t)d, address = get(model, at, 8);
		uint32_t bytes = (uint32_t)get(model, at + 8, 4);
		uint16_t flags = (uint16_t)get(model, at + 12, 2);
		uint8_t *p = vmodel_memory(model, address, bytes);

		if (!p)
			model->refused_dma++;
		if (flags & 2) {
			r->out_bytes += bytes;
		} else if (p && bytes <= sizeof(r->in) - r->in_bytes) {
			memcpy(r->in + r->in_bytes, p, bytes);
			r->in_bytes += bytes;
		}
		if (!(flags & 1))
			return;
		d = (uint16_t)get(model, at + 14, 2);
	}
	fail_msg("a request without end at descriptor %u", head);
}

static void write_answer(struct vmodel *model, struct vmodel_queue *q, uint16_t head,
			 const struct vmodel_request *r)
{
	uint32_t done = 0;
	uint16_t d = head;

	for (unsigned int n = 0; n <= q->size && done < r->written; n++) {
		uint64_t at = q->desc + 16 * (uint64_t)d, address = get(model, at, 8);
		uint32_t bytes = (uint32_t)get(model, at + 8, 4);
		uint16_t flags = (uint16_t)get(model, at + 12, 2);

		for (uint32_t i = 0; flags & 2 && i < bytes && done < r->written; i++)
			put(model, address + i, 1, r->out[done++]);
		d = (uint16_t)get(model, at + 14, 2);
	}
}

static void scribble(struct vmodel *model, const struct vmodel_queue *q)
{
	for (uint64_t i = 0; i < 16u * q->size; i++)
		put(model, q->desc + i, 1, 0xff);
}

static void serve_one(struct vmodel *model, unsigned int index, uint16_t head)
{
	struct vmodel_queue *q = &model->queues[index];
	struct vmodel_request r = { .queue = index };
	uint32_t id = head, bytes;

	read_request(model, q, head, &r);
	if (!model->serve(model, &r))
		return;
	write_answer(model, q, head, &r);
	bytes = r.written;
	switch (model->mode) {
	case VMODEL_ID_TOO_LARGE:
		id = q->size;
		break;
	case VMODEL_ID_TWICE:
		id = (uint32_t)get(model, q->driver + 4, 2);
		break;
	case VMODEL_ID_INSIDE:
		id = (uint32_t)get(model, q->desc + 16 * (uint64_t)head + 14, 2);
		break;
	case VMODEL_TOO_LONG:
		bytes = r.out_bytes + 1;
		break;
	default:
		break;
	}
	return_used(model, q, id, bytes);
	if (model->mode == VMODEL_USED_JUMPS)
		put(model, q->device + 2, 2, q->used + 100);
	if (model->mode == VMODEL_USED_BACK)
		put(model, q->device + 2, 2, q->used - 5);
}

static void serve_queue(struct vmodel *model, unsigned int index)
{
	struct vmodel_queue *q = &model->queues[index];
	uint16_t avail = (uint16_t)get(model, q->driver + 2, 2), n = (uint16_t)(avail - q->taken);
	uint16_t heads[256];

	assert_true(n <= q->size);
	for (uint16_t i = 0; i < n; i++)
		heads[i] = (uint16_t)get(model, q->driver + 4 + 2 * ((q->taken + i) % q->size), 2);
	q->taken = avail;
	if (event_idx(model))
		put(model, q->device + 4 + 8 * q->size, 2, avail);
	for (uint16_t i = 0; i < n; i++)
		serve_one(model, index, heads[model->mode == VMODEL_REVERSED ? n - 1 - i : i]);
	if (model->mode == VMODEL_SCRIBBLES)
		scribble(model, q);
	if (model->after)
		model->after(model);
}

/* Queues from which the device takes only when it has something to say. */
static bool is_pull(const struct vmodel *model, unsigned int index)
{
	return model->type == 23 && index == 1;
}

static void notify(struct vmodel *model, unsigned int index)
{
	if (index >= VMODEL_QUEUES || !model->queues[index].on || !(model->status & 4))
		return;
	model->notified++;
	if (is_pull(model, index) || model->mode == VMODEL_SILENT || model->mode == VMODEL_GONE)
		return;
	if (model->mode == VMODEL_LATE)
		model->late = 5;
	else if (model->mode == VMODEL_NEEDS_RESET)
		model->status |= 0x40;
	else
		serve_queue(model, index);
}

bool vmodel_push(struct vmodel *model, unsigned int index, const void *data, uint32_t bytes)
{
	struct vmodel_queue *q = &model->queues[index];
	uint16_t head, avail;
	struct vmodel_request r = { .written = bytes };

	if (!q->on || !(model->status & 4))
		return false;
	avail = (uint16_t)get(model, q->driver + 2, 2);
	if (avail == q->taken)
		return false;
	head = (uint16_t)get(model, q->driver + 4 + 2 * (q->taken % q->size), 2);
	q->taken++;
	memcpy(r.out, data, bytes);
	write_answer(model, q, head, &r);
	return_used(model, q, head, bytes);
	return true;
}

/* ---- registers ---- */

static bool is_gone(const struct vmodel *model)
{
	return model->mode == VMODEL_GONE && model->notified;
}

void vmodel_reset_(struct vmodel *model)
{
	if (model->on_reset)
		model->on_reset(model);
	model->resets++;
	model->status = 0;
	model->accepted = 0;
	model->config_vector = 0xffff;
	model->isr = 0;
	for (unsigned int i = 0; i < VMODEL_QUEUES; i++) {
		uint16_t max = model->queues[i].max;

		model->queues[i] = (struct vmodel_queue){ .max = max, .size = max, .vector = 0xffff };
	}
}

static uint8_t read_status(struct vmodel *model)
{
	if (model->late && --model->late == 0)
		for (unsigned int i = 0; i < VMODEL_QUEUES; i++)
			if (model->queues[i].on && !is_pull(model, i))
				serve_queue(model, i);
	return model->mode == VMODEL_RESET_STUCK && !model->status ? 0x0f : model->status;
}

static void write_status(struct vmodel *model, uint8_t status)
{
	if (!status) {
		vmodel_reset_(model);
		return;
	}
	if (model->mode == VMODEL_FEATURES_REFUSED || !(model->accepted & F_VERSION_1) ||
	    (model->accepted & ~model->offered))
		status &= (uint8_t)~8u;
	if (model->mode == VMODEL_NO_START)
		status &= (uint8_t)~4u;
	model->status = status;
}

static struct vmodel_queue *selected(struct vmodel *model)
{
	static struct vmodel_queue none;

	none = (struct vmodel_queue){ 0 };
	return model->select_queue < VMODEL_QUEUES ? &model->queues[model->select_queue] : &none;
}

static uint32_t generation(struct vmodel *model)
{
	return model->mode == VMODEL_RESTLESS ? model->generation++ : model->generation;
}

static void set_half(uint64_t *value, bool high, uint64_t half)
{
	*value = high ? (*value & 0xffffffff) | half << 32 : (*value & ~0xffffffffull) | half;
}

static uint32_t offered(const struct vmodel *model)
{
	return model->select_device < 2 ? (uint32_t)(model->offered >> (32 * model->select_device))
					: 0;
}

/* 4.1.4.3 */
static uint64_t read_common(struct vmodel *model, uint64_t at)
{
	struct vmodel_queue *q = selected(model);

	switch (at) {
	case 4: return offered(model);
	case 16: return model->config_vector;
	case 18: return VMODEL_QUEUES;
	case 20: return read_status(model);
	case 21: return generation(model) & 0xff;
	case 24: return q->size;
	case 26: return q->vector;
	case 28: return q->on;
	case 30: return model->select_queue;
	default: return 0;
	}
}

static void write_common(struct vmodel *model, uint64_t at, uint64_t value)
{
	struct vmodel_queue *q = selected(model);

	switch (at) {
	case 0: model->select_device = (uint32_t)value; break;
	case 8: model->select_driver = (uint32_t)value; break;
	case 12:
		if (model->select_driver < 2)
			set_half(&model->accepted, model->select_driver, value);
		break;
	case 16: model->config_vector = (uint16_t)value; break;
	case 20: write_status(model, (uint8_t)value); break;
	case 22: model->select_queue = (uint32_t)value; break;
	case 24: q->size = (uint16_t)value; break;
	case 26: q->vector = (uint16_t)value; break;
	case 28: q->on = value == 1 && model->mode != VMODEL_QUEUE_STUCK; break;
	case 32: case 36: set_half(&q->desc, at == 36, value); break;
	case 40: case 44: set_half(&q->driver, at == 44, value); break;
	case 48: case 52: set_half(&q->device, at == 52, value); break;
	default: fail_msg("a write to the common configuration at %u", (unsigned int)at);
	}
}

/* 4.2.2 */
static uint64_t read_mmio(struct vmodel *model, uint64_t at)
{
	struct vmodel_queue *q = selected(model);

	switch (at) {
	case 0x000: return 0x74726976;
	case 0x004: return 2;
	case 0x008: return model->type;
	case 0x010: return offered(model);
	case 0x034: return q->max;
	case 0x044: return q->on;
	case 0x060: return model->isr;
	case 0x070: return read_status(model);
	case 0x0fc: return generation(model);
	default: return 0;
	}
}

static void write_mmio(struct vmodel *model, uint64_t at, uint64_t value)
{
	struct vmodel_queue *q = selected(model);

	switch (at) {
	case 0x014: model->select_device = (uint32_t)value; break;
	case 0x020:
		if (model->select_driver < 2)
			set_half(&model->accepted, model->select_driver, value);
		break;
	case 0x024: model->select_driver = (uint32_t)value; break;
	case 0x030: model->select_queue = (uint32_t)value; break;
	case 0x038: q->size = (uint16_t)value; break;
	case 0x044: q->on = value == 1 && model->mode != VMODEL_QUEUE_STUCK; break;
	case 0x050: notify(model, (unsigned int)value); break;
	case 0x064: model->isr &= ~(uint32_t)value; break;
	case 0x070: write_status(model, (uint8_t)value); break;
	case 0x080: case 0x084: set_half(&q->desc, at == 0x084, value); break;
	case 0x090: case 0x094: set_half(&q->driver, at == 0x094, value); break;
	case 0x0a0: case 0x0a4: set_half(&q->device, at == 0x0a4, value); break;
	default: fail_msg("a write to the registers at 0x%x", (unsigned int)at);
	}
}

static uint64_t config_read(const struct vmodel *model, uint64_t at, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < width && at + i < VMODEL_CONFIG; i++)
		value |= (uint64_t)model->config[at + i] << (8 * i);
	return value;
}

static void config_write(struct vmodel *model, uint64_t at, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width && at + i < VMODEL_CONFIG; i++)
		model->config[at + i] = (uint8_t)(value >> (8 * i));
}

uint64_t vmodel_read_(struct vmodel *model, uint64_t at, unsigned int width)
{
	if (is_gone(model))
		return UINT64_MAX;
	if (!model->pci)
		return at >= 0x100 ? config_read(model, at - 0x100, width) : read_mmio(model, at);
	if (at >= BAR_CONFIG && at < BAR_NOTIFY)
		return config_read(model, at - BAR_CONFIG, width);
	return at < BAR_ISR ? read_common(model, at) : 0;
}

void vmodel_write_(struct vmodel *model, uint64_t at, unsigned int width, uint64_t value)
{
	if (is_gone(model))
		return;
	if (!model->pci && at >= 0x100)
		config_write(model, at - 0x100, width, value);
	else if (!model->pci)
		write_mmio(model, at, value);
	else if (at >= BAR_MSIX)
		return;
	else if (at >= BAR_NOTIFY)
		notify(model, (unsigned int)((at - BAR_NOTIFY) / NOTIFY_MULTIPLIER));
	else if (at >= BAR_CONFIG)
		config_write(model, at - BAR_CONFIG, width, value);
	else
		write_common(model, at, value);
}
