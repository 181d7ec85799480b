// SPDX-License-Identifier: MIT
/*
 * Event records (7.3). Nothing of one is believed: of a kind that is not known only the
 * kind is told.
 */
#include "drivers/arm-smmu-v3/priv.h"

/* Which fields a kind of record has, and what it means. */
static const struct kind {
	uint8_t type, reason;
	bool address; /* with the direction of the access */
} kinds[] = {
	{ F_UUT, WEIR_FAULT_UNKNOWN, true },
	{ C_BAD_STREAMID, WEIR_FAULT_BLOCKED, false },
	{ F_STE_FETCH, WEIR_FAULT_EXTERNAL, false },
	{ C_BAD_STE, WEIR_FAULT_BLOCKED, false },
	{ F_BAD_ATS_TREQ, WEIR_FAULT_UNKNOWN, true },
	{ F_STREAM_DISABLED, WEIR_FAULT_BLOCKED, false },
	{ F_TRANSL_FORBIDDEN, WEIR_FAULT_PERMISSION, true },
	{ C_BAD_SUBSTREAMID, WEIR_FAULT_UNKNOWN, false },
	{ F_CD_FETCH, WEIR_FAULT_EXTERNAL, false },
	{ C_BAD_CD, WEIR_FAULT_UNKNOWN, false },
	{ F_WALK_EABT, WEIR_FAULT_EXTERNAL, true },
	{ F_TRANSLATION, WEIR_FAULT_UNMAPPED, true },
	{ F_ADDR_SIZE, WEIR_FAULT_UNMAPPED, true },
	{ F_ACCESS, WEIR_FAULT_PERMISSION, true },
	{ F_PERMISSION, WEIR_FAULT_PERMISSION, true },
	{ F_TLB_CONFLICT, WEIR_FAULT_UNKNOWN, true },
	{ F_CFG_CONFLICT, WEIR_FAULT_UNKNOWN, false },
	{ F_VMS_FETCH, WEIR_FAULT_EXTERNAL, false },
};

bool weir_smmu_event_(const uint64_t record[EVENT_WORDS], struct weir_fault *out_fault)
{
	uint32_t type = (uint32_t)EVENT_TYPE(record[0]);
	const struct kind *kind = NULL;
	uint32_t flags = WEIR_FAULT_NO_IOVA;

	if (type == E_PAGE_REQUEST) /* asks for a page ahead, 7.3.19: nothing was refused */
		return false;
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			kind = &kinds[i];
	if (kind && kind->address) {
		flags = record[1] & EVENT1_RNW ? WEIR_FAULT_READ : WEIR_FAULT_WRITE;
		if (record[1] & EVENT1_IND)
			flags = WEIR_FAULT_EXECUTE;
	}
	*out_fault = (struct weir_fault){
		.reason = kind ? (enum weir_fault_reason)kind->reason : WEIR_FAULT_UNKNOWN,
		.flags = kind ? flags : flags | WEIR_FAULT_NO_STREAM,
		.stream = kind ? (uint32_t)EVENT0_STREAM(record[0]) : 0,
		.iova = kind && kind->address ? record[2] : 0,
		.record = type,
	};
	/* F_WALK_EABT has the address of the access in place of the IPA, 7.3.12 */
	if (kind && kind->address && record[1] & EVENT1_S2) {
		out_fault->flags |= WEIR_FAULT_STAGE2;
		out_fault->ipa = type == F_WALK_EABT ? 0 : EVENT3_IPA(record[3]);
		if (EVENT1_CLASS(record[1]) != CLASS_IN)
			out_fault->flags |= WEIR_FAULT_WALK;
	}
	return true;
}
