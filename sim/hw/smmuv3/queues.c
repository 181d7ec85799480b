// SPDX-License-Identifier: MIT
/*
 * The queues (IHI 0070, 3.5): commands are taken one after the other at points, events
 * are held and written at points; errors of both are in GERROR (7.2). CMD_SYNC is taken
 * when all that came before it is complete, and not a point earlier (4.7.3).
 */
#include "hw/smmuv3/priv.h"

#define CS_NONE 0u
#define CS_IRQ  1u
#define CS_SEV  2u

static uint32_t index_mask(uint64_t base)
{
	return (2u << bits(base, 4, 0)) - 1;
}

static uint64_t entry_pa(uint64_t base, uint32_t index, unsigned int bytes)
{
	return field(base, 51, 5) + (uint64_t)(index & (index_mask(base) >> 1)) * bytes;
}

static void raise(struct smmu3 *s, enum smmu3_line line)
{
	if (s->irq && !s->mischief[SMMU3_IRQ_LOST])
		s->irq(s->wire_arg, line);
}

/* A message, or the wire when no message is configured. @error: of GERROR, when it does not arrive. */
static void interrupt(struct smmu3 *s, enum smmu3_line line, uint64_t address, uint32_t data,
		      uint32_t error)
{
	if (!(s->config.idr[0] & SMMU3_IDR0_MSI) || !address) {
		raise(s, line);
		return;
	}
	if (s->mischief[SMMU3_IRQ_LOST] ||
	    hwram_write(s->ram, smmu3_coherent_(s), address, &data, sizeof(data)))
		return;
	if (s->msi)
		s->msi(s->wire_arg, address, data);
	else
		smmu3_gerror_(s, error);
}

void smmu3_gerror_(struct smmu3 *s, uint32_t bits_)
{
	uint32_t fresh = bits_ & ~(s->gerror ^ s->gerrorn);

	if (!fresh)
		return;
	s->gerror ^= fresh;
	if (s->irq_ctrlack & IRQ_GERROR)
		interrupt(s, SMMU3_LINE_GERROR, field(s->msi_cfg0[0], 51, 2), s->msi_cfg1[0],
			  1u << 7);
}

/* ---- commands ---- */

static void sync_done(struct smmu3 *s, const uint64_t words[2])
{
	s->stats.syncs++;
	smmu3_complete_(s, true);
	if (bits(words[0], 13, 12) == CS_IRQ)
		interrupt(s, SMMU3_LINE_CMD_SYNC, field(words[1], 51, 2),
			  (uint32_t)bits(words[0], 63, 32), GERR_MSI_CMDQ_ABT);
}

/* Whether a CMD_SYNC that is next can be taken at this point. */
static bool sync_ready(struct smmu3 *s)
{
	if (s->mischief[SMMU3_SYNC_STUCK])
		return false;
	if (!s->sync_wait)
		s->sync_wait = 1 + hwrng_below(&s->rng, 4) + s->mischief[SMMU3_SYNC_LATE];
	return --s->sync_wait == 0;
}

static void command_error(struct smmu3 *s, unsigned int error)
{
	s->cmdq_cons = (s->cmdq_cons & ~0x7f000000u) | error << 24;
	smmu3_gerror_(s, GERR_CMDQ);
}

/* On request, as illegal or as not readable; as long as it stands there. */
static bool fails(struct smmu3 *s, const uint64_t words[2])
{
	unsigned int *n = &s->mischief[SMMU3_COMMAND_FAILS];
	bool again = s->refused[0] && s->refused[0] == words[0] && s->refused[1] == words[1] &&
		     s->refused_at == (s->cmdq_cons & index_mask(s->cmdq_base));

	if (!again && (!*n || bits(words[0], 7, 0) == CMD_SYNC || (*n == 1 && !smmu3_chance_(s, 128))))
		return false;
	*n -= !again;
	s->refused[0] = words[0];
	s->refused[1] = words[1];
	s->refused_at = s->cmdq_cons & index_mask(s->cmdq_base);
	command_error(s, smmu3_chance_(s, 128) ? CERROR_ILL : CERROR_ABT);
	return true;
}

/* Return: whether it was taken. */
static bool take_command(struct smmu3 *s)
{
	uint32_t mask = index_mask(s->cmdq_base);
	uint64_t pa = entry_pa(s->cmdq_base, s->cmdq_cons, 16), words[2];
	unsigned int error;

	if (!smmu3_fetch_(s, pa, "a command", &words[0]) ||
	    !smmu3_fetch_(s, pa + 8, "a command", &words[1])) {
		command_error(s, CERROR_ABT);
		return false;
	}
	if (fails(s, words))
		return false;
	s->refused[0] = 0;
	if (bits(words[0], 7, 0) == CMD_SYNC && bits(words[0], 13, 12) <= CS_SEV) {
		if (!sync_ready(s))
			return false;
		s->stats.by_opcode[CMD_SYNC]++;
		sync_done(s, words);
	} else {
		error = smmu3_command_(s, words);
		if (error) {
			command_error(s, error);
			return false;
		}
	}
	s->stats.commands++;
	s->cmdq_cons = (s->cmdq_cons & ~mask) | ((s->cmdq_cons + 1) & mask);
	return true;
}

void smmu3_commands_(struct smmu3 *s)
{
	uint32_t mask = index_mask(s->cmdq_base);
	unsigned int n;

	if (!(s->cr0ack & CR0_CMDQEN) || s->mischief[SMMU3_CMDQ_STUCK] ||
	    ((s->gerror ^ s->gerrorn) & GERR_CMDQ))
		return;
	for (n = hwrng_below(&s->rng, 4); n; n--) {
		if (!((s->cmdq_prod ^ s->cmdq_cons) & mask))
			return;
		if (!take_command(s))
			return;
	}
}

/* ---- events ---- */

void smmu3_event_raw_(struct smmu3 *s, const uint64_t words[EVENT_WORDS])
{
	if (s->nr_events == EVENTS_HELD)
		return;
	for (unsigned int i = 0; i < EVENT_WORDS; i++)
		s->events[s->nr_events][i] = words[i];
	s->nr_events++;
}

/* 7.3: records. */
void smmu3_event_(struct smmu3 *s, const struct access *a, const struct fault *f)
{
	uint64_t words[EVENT_WORDS] = { f->event | (uint64_t)a->sid << 32, 0, 0, 0 };

	s->stats.by_event[f->event & 0xff]++;
	switch (f->event) {
	case EVT_F_STE_FETCH:
	case EVT_F_CD_FETCH:
		words[3] = field(f->fetch_pa, 51, 3);
		break;
	case EVT_F_WALK_EABT:
	case EVT_F_TRANSLATION:
	case EVT_F_ADDR_SIZE:
	case EVT_F_ACCESS:
	case EVT_F_PERMISSION:
		words[1] = (a->flags & SMMU3_PRIV ? 1ull << 33 : 0) |
			(a->flags & SMMU3_WRITE ? 0 : 1ull << 35) |
			(f->stage2 ? 1ull << 39 : 0) | (uint64_t)f->class << 40;
		words[2] = a->iova;
		if (f->event == EVT_F_WALK_EABT)
			words[3] = field(f->fetch_pa, 51, 3);
		else if (f->stage2)
			words[3] = field(f->ipa, 51, 12);
		break;
	default:
		break;
	}
	smmu3_event_raw_(s, words);
}

static bool write_event(struct smmu3 *s, const uint64_t words[EVENT_WORDS])
{
	uint32_t mask = index_mask(s->eventq_base);
	uint64_t pa = entry_pa(s->eventq_base, s->eventq_prod, 32);

	if (((s->eventq_prod ^ s->eventq_cons) & mask) == (mask >> 1) + 1) {
		/* Full: OVFLG differs from OVACKFLG until the overflow is acknowledged (7.4). */
		if (!((s->eventq_prod ^ s->eventq_cons) >> 31))
			s->eventq_prod ^= 1u << 31;
		return false;
	}
	if (!hwram_used(s->ram, pa, 32))
		smmu3_find_(s, SMMU3_FREED, "an event is written to memory that was given back");
	if (!hwram_write(s->ram, smmu3_coherent_(s), pa, words, 32)) {
		smmu3_gerror_(s, GERR_EVENTQ_ABT);
		return false;
	}
	s->eventq_prod = (s->eventq_prod & ~mask) | ((s->eventq_prod + 1) & mask);
	s->stats.events++;
	return true;
}

void smmu3_events_write_(struct smmu3 *s)
{
	static const uint64_t unknown[EVENT_WORDS] = { 0xee | 5ull << 32, ~0ull, ~0ull, ~0ull };
	bool was_empty;

	if (!(s->cr0ack & CR0_EVENTQEN)) {
		s->nr_events = 0;
		return;
	}
	while (s->mischief[SMMU3_EVENT_UNKNOWN] && s->nr_events < EVENTS_HELD) {
		s->mischief[SMMU3_EVENT_UNKNOWN]--;
		smmu3_event_raw_(s, unknown);
	}
	if (!s->nr_events || !smmu3_chance_(s, 128))
		return;
	was_empty = !((s->eventq_prod ^ s->eventq_cons) & index_mask(s->eventq_base));
	for (unsigned int i = 0; i < s->nr_events; i++)
		write_event(s, s->events[i]);
	s->nr_events = 0;
	if (was_empty && (s->irq_ctrlack & IRQ_EVENTQ))
		interrupt(s, SMMU3_LINE_EVENTQ, field(s->msi_cfg0[1], 51, 2), s->msi_cfg1[1], 1u << 5);
}
