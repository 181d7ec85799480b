// SPDX-License-Identifier: MIT
/*
 * The table of amba_ids.h: JEP106 designer (0x41 or, in CoreSight form, 0x3b),
 * part number and configuration, revision left out. Constant data, no lock.
 */
#include "amba_ids.h"

const struct weir_amba_id weir_amba_ids[] = {
	/* PL011 UART, DDI 0183 */
	{ "arm,pl011", 0x00041011 },
	{ "arm,sbsa-uart", 0x00041011 },
	/* PL022 SSP, DDI 0194 */
	{ "arm,pl022", 0x00041022 },
	/* PL031 RTC, DDI 0224 */
	{ "arm,pl031", 0x00041031 },
	/* PL050 KMI, DDI 0143 */
	{ "arm,pl050", 0x00041050 },
	/* PL061 GPIO, DDI 0190 */
	{ "arm,pl061", 0x00041061 },
	/* PL080 DMAC, DDI 0196 */
	{ "arm,pl080", 0x00041080 },
	/* PL111 CLCD, DDI 0293 */
	{ "arm,pl111", 0x00041111 },
	/* PL180 MMCI, DDI 0172 */
	{ "arm,pl180", 0x00041180 },
	{ "arm,pl18x", 0x00041180 },
	/* PL330 DMAC, DDI 0424 */
	{ "arm,pl330", 0x00041330 },
	/* SP804 timer, DDI 0271 */
	{ "arm,sp804", 0x00141804 },
	/* SP805 watchdog, DDI 0270 */
	{ "arm,sp805", 0x00141805 },
	/* MHU of the Juno platform, DDI 0515 */
	{ "arm,mhu", 0x000bb098 },
	{ "arm,mhu-doorbell", 0x000bb098 },
	/* CoreSight parts: Cortex and CoreSight TRMs, PIDR0 to PIDR2 */
	{ "arm,coresight-etm4x", 0x000bb95d },
	{ "arm,coresight-dynamic-funnel", 0x000bb908 },
	{ "arm,coresight-dynamic-replicator", 0x000bb909 },
	{ "arm,coresight-tmc", 0x000bb961 },
	{ "arm,coresight-stm", 0x000bb962 },
	{ "arm,coresight-cti", 0x000bb906 },
	{ "arm,coresight-catu", 0x000bb9ee },
	{ "arm,coresight-tpiu", 0x000bb912 },
	{ "arm,coresight-etb10", 0x000bb907 },
	{ "arm,coresight-cpu-debug", 0x000bbd03 },
};

const size_t weir_amba_id_count = sizeof(weir_amba_ids) / sizeof(weir_amba_ids[0]);
