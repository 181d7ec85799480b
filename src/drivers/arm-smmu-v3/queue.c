// SPDX-License-Identifier: MIT
/*
 * The command queue (3.5, 4.7, 4.8). Producers put commands into it under its lock and need
 * not tell the hardware: the next sync does, for all. A sync after which nothing was queued
 * serves all who wait.
 *
 * A command that fails stops the queue (7.1, CMDQ_ERR). It becomes a CMD_SYNC, which is
 * harmless, and behind everything else its place is taken by dropping all that is cached, which is
 * more than any command asks for. So whoever waits gets what was asked for. When that fails
 * too, or the queue does not advance, the SMMU is in quarantine.
 */
#include "drivers/arm-smmu-v3/priv.h"

#define HEAL_CMDS 3u /* room that is kept free */
#define MAX_LOGGED 16u

static uint32_t size_of(const struct weir_smmu_v3 *smmu)
{
	return 1u << smmu->has.cmdq_lg2;
}

/* An index has a wrap bit above it, 3.5.1. */
static uint32_t index_of(const struct weir_smmu_v3 *smmu, uint64_t position)
{
	return (uint32_t)position & (2 * size_of(smmu) - 1);
}

static uint64_t place_of(const struct weir_smmu_v3 *smmu, uint64_t position)
{
	return (position & (size_of(smmu) - 1)) * CMD_BYTES;
}

void weir_smmu_queue_reset_(struct weir_smmu_v3 *smmu)
{
	smmu->prod = smmu->cons = smmu->told = smmu->synced = 0;
	smmu->heal_first = smmu->heal_end = 0;
}

/* ---- lock held from here on ---- */

static void store(struct weir_smmu_v3 *smmu, uint64_t position, const struct smmu_cmd *cmd)
{
	uint64_t at = place_of(smmu, position);
	volatile uint64_t *to = (volatile uint64_t *)(void *)((uint8_t *)smmu->cmdq.va + at);

	to[0] = smmu_le64(cmd->word[0]);
	to[1] = smmu_le64(cmd->word[1]);
	if (!smmu->has.coherent)
		weir_smmu_publish_(smmu, smmu->cmdq.pa + at, CMD_BYTES);
}

static void put(struct weir_smmu_v3 *smmu, const struct smmu_cmd *cmd)
{
	store(smmu, smmu->prod++, cmd);
}

/* The host's mmio_write comes after the stores before it. */
static void tell(struct weir_smmu_v3 *smmu)
{
	if (smmu->told == smmu->prod)
		return;
	weir_smmu_write_(smmu, REG_CMDQ_PROD, index_of(smmu, smmu->prod));
	smmu->told = smmu->prod;
}

static void put_sync(struct weir_smmu_v3 *smmu)
{
	const struct smmu_cmd sync = { { CMD_SYNC, 0 } };

	put(smmu, &sync);
	smmu->synced = smmu->prod;
}

/* The command at cons failed. Return: 0: the queue runs again; WEIR_EIO. */
static int heal(struct weir_smmu_v3 *smmu, uint32_t reason)
{
	const struct smmu_cmd all[] = {
		{ { CMD_CFGI_ALL, CMD1_RANGE(RANGE_ALL) } },
		{ { CMD_TLBI_NSNH_ALL, 0 } },
	};
	const struct smmu_cmd sync = { { CMD_SYNC, 0 } };
	uint64_t word = smmu_le64(*(volatile uint64_t *)(void *)((uint8_t *)smmu->cmdq.va +
								 place_of(smmu, smmu->cons)));

	if (smmu->cons == smmu->told || reason == CERROR_NONE)
		return weir_smmu_die_(smmu, "it says that a command failed, but not which", reason);
	if (smmu->cons >= smmu->heal_first && smmu->cons < smmu->heal_end)
		return weir_smmu_die_(smmu, "commands fail that every SMMU has", word);
	if (smmu->nr_logged++ < MAX_LOGGED)
		weir_smmu_note_(smmu, reason == CERROR_ABT ? "a command could not be read, and was left out"
							   : "a command was refused, and left out",
				word);
	store(smmu, smmu->cons, &sync);
	if (smmu->cons < smmu->heal_first)
		return 0; /* what stands for another one comes behind this one, too */
	smmu->heal_first = smmu->prod;
	put(smmu, &all[0]);
	put(smmu, &all[1]);
	put_sync(smmu);
	smmu->heal_end = smmu->prod;
	tell(smmu);
	return 0;
}

/* GERROR.CMDQ_ERR is active while it differs from GERRORN, 7.5. Return: 0; WEIR_EIO. */
static int check_error(struct weir_smmu_v3 *smmu)
{
	uint32_t error = weir_smmu_read_(smmu, REG_GERROR), ack = weir_smmu_read_(smmu, REG_GERRORN);
	int err;

	if (error == UINT32_MAX)
		return weir_smmu_die_(smmu, "its registers do not answer", error);
	if (!((error ^ ack) & GERROR_CMDQ))
		return 0;
	err = heal(smmu, (uint32_t)CMDQ_ERR(weir_smmu_read_(smmu, REG_CMDQ_CONS)));
	if (!err)
		weir_smmu_write_(smmu, REG_GERRORN, ack ^ GERROR_CMDQ);
	return err;
}

/* Learns what is done. Return: 0; WEIR_EIO. */
static int advance(struct weir_smmu_v3 *smmu)
{
	uint32_t value = weir_smmu_read_(smmu, REG_CMDQ_CONS);
	uint32_t at = value & (BIT64(QUEUE_LG2_MAX + 1) - 1);
	uint64_t left = index_of(smmu, smmu->told - at);

	if (at > index_of(smmu, UINT64_MAX) || left > smmu->told - smmu->cons)
		return weir_smmu_die_(smmu, "the index of its command queue makes no sense", value);
	smmu->cons = smmu->told - left;
	return 0;
}

/* Waits until @free places are free. Return: 0; WEIR_EIO. */
static int make_room(struct weir_smmu_v3 *smmu, uint32_t free)
{
	struct smmu_wait wait;
	int err = 0;

	if (size_of(smmu) - (smmu->prod - smmu->cons) >= free)
		return 0;
	tell(smmu);
	weir_smmu_wait_begin_(smmu, &wait);
	while (!err && size_of(smmu) - (smmu->prod - smmu->cons) < free) {
		uint64_t before = smmu->cons;

		err = advance(smmu);
		if (!err && smmu->cons == before)
			err = check_error(smmu);
		if (!err && smmu->cons != before)
			weir_smmu_wait_begin_(smmu, &wait);
		else if (!err && weir_smmu_wait_over_(smmu, &wait))
			err = weir_smmu_die_(smmu, "its command queue does not advance", before);
	}
	return err;
}

/* ---- any context ---- */

int weir_smmu_queue_(struct weir_smmu_v3 *smmu, const struct smmu_cmd *cmds, unsigned int n)
{
	unsigned long before = weir_smmu_lock_(&smmu->lock);
	int err = smmu->unit.dead || !smmu->commands ? WEIR_EIO : 0;

	for (unsigned int i = 0; i < n && !err; i++) {
		err = make_room(smmu, 1 + 1 + HEAL_CMDS); /* the sync has room then, too */
		if (!err)
			put(smmu, &cmds[i]);
	}
	weir_smmu_unlock_(&smmu->lock, before);
	return err;
}

/* Return: the position to wait for. Lock held. */
static int begin_sync(struct weir_smmu_v3 *smmu, uint64_t *out_end)
{
	int err = smmu->unit.dead || !smmu->commands ? WEIR_EIO : 0;

	if (!err && smmu->synced != smmu->prod) {
		err = make_room(smmu, 1 + HEAL_CMDS);
		if (!err)
			put_sync(smmu);
	}
	tell(smmu);
	*out_end = smmu->synced;
	return err;
}

/* Return: 1 not yet; 0 done; WEIR_EIO. Lock held. */
static int is_synced(struct weir_smmu_v3 *smmu, uint64_t end, struct smmu_wait *wait)
{
	uint64_t before = smmu->cons;
	int err = smmu->unit.dead ? WEIR_EIO : 0;

	/* what stands for a failed command counts for who waited for that */
	if (!err && smmu->cons >= end && smmu->cons >= smmu->heal_end)
		return 0;
	if (!err)
		err = advance(smmu);
	if (!err && smmu->cons >= end && smmu->cons >= smmu->heal_end)
		return 0;
	if (!err && smmu->cons == before)
		err = check_error(smmu);
	if (!err && smmu->cons != before)
		weir_smmu_wait_begin_(smmu, wait);
	else if (!err && weir_smmu_wait_over_(smmu, wait))
		err = weir_smmu_die_(smmu, "its command queue does not advance", before);
	return err ? err : 1;
}

int weir_smmu_sync_(struct weir_smmu_v3 *smmu)
{
	unsigned long before = weir_smmu_lock_(&smmu->lock);
	struct smmu_wait wait;
	uint64_t end;
	int r = begin_sync(smmu, &end);

	weir_smmu_wait_begin_(smmu, &wait);
	if (!r)
		r = is_synced(smmu, end, &wait);
	weir_smmu_unlock_(&smmu->lock, before);
	while (r > 0) {
		before = weir_smmu_lock_(&smmu->lock);
		r = is_synced(smmu, end, &wait);
		weir_smmu_unlock_(&smmu->lock, before);
	}
	return r;
}

int weir_smmu_flush_all_(struct weir_smmu_v3 *smmu)
{
	const struct smmu_cmd all[] = {
		{ { CMD_CFGI_ALL, CMD1_RANGE(RANGE_ALL) } },
		{ { CMD_TLBI_NSNH_ALL, 0 } },
	};
	int err = weir_smmu_queue_(smmu, all, 2);

	return err ? err : weir_smmu_sync_(smmu);
}

/* ---- global errors (7.5) ---- */

static const struct {
	uint32_t bit;
	const char *text;
} errors[] = {
	{ GERROR_EVENTQ_ABT, "it cannot write its event queue: faults are lost" },
	{ GERROR_MSI_EVENTQ, "a message for its events did not arrive" },
	{ GERROR_MSI_GERROR, "a message for its errors did not arrive" },
	{ GERROR_MSI_CMDQ, "a message for its commands did not arrive" },
};

void weir_smmu_errors_(struct weir_smmu_v3 *smmu)
{
	unsigned long before = weir_smmu_lock_(&smmu->lock);
	uint32_t error, ack, active;

	if (smmu->unit.dead || !smmu->commands)
		goto out;
	error = weir_smmu_read_(smmu, REG_GERROR);
	ack = weir_smmu_read_(smmu, REG_GERRORN);
	active = error ^ ack;
	if (error == UINT32_MAX) {
		weir_smmu_die_(smmu, "its registers do not answer", error);
		goto out;
	}
	if (active & GERROR_SFM) { /* 12.3: it aborts everything from now on */
		weir_smmu_die_(smmu, "it is in service failure mode", error);
		goto out;
	}
	for (unsigned int i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (active & errors[i].bit && smmu->nr_logged++ < MAX_LOGGED)
			weir_smmu_note_(smmu, errors[i].text, error);
	if (active & ~(uint32_t)GERROR_CMDQ)
		weir_smmu_write_(smmu, REG_GERRORN, ack ^ (active & ~(uint32_t)GERROR_CMDQ));
	if (active & GERROR_CMDQ && !advance(smmu))
		(void)check_error(smmu);
out:
	weir_smmu_unlock_(&smmu->lock, before);
}
