// SPDX-License-Identifier: MIT
/* What pieces of hardware say of themselves, and their quarantine: see unit.h. */
#include "drivers/unit.h"

#include "weir/err.h"

static size_t append(char *line, size_t n, size_t bytes, const char *text)
{
	while (*text && n < bytes - 1)
		line[n++] = *text++;
	return n;
}

int weir_unit_log_(const struct weir_unit *unit, enum weir_log_level level, int err,
		   const char *text, uint64_t value)
{
	char line[160], hex[20];
	size_t n = sizeof(hex) - 1, at;

	if (!unit->ops->log)
		return err;
	hex[n] = 0;
	hex[--n] = ')';
	do
		hex[--n] = "0123456789abcdef"[value & 15];
	while (value >>= 4);
	at = append(line, 0, sizeof(line), unit->name ? unit->name : "iommu");
	at = append(line, at, sizeof(line), ": ");
	at = append(line, at, sizeof(line), text);
	at = append(line, at, sizeof(line), " (0x");
	at = append(line, at, sizeof(line), hex + n);
	line[at] = 0;
	unit->ops->log(unit->host, level, line);
	return err;
}

void weir_unit_note_(const struct weir_unit *unit, const char *text, uint64_t value)
{
	const struct weir_fault fault = {
		.flags = WEIR_FAULT_NO_IOVA | WEIR_FAULT_NO_STREAM, .record = value, .what = text,
	};

	if (unit->fault)
		unit->fault(unit->arg, &fault);
	else
		weir_unit_log_(unit, WEIR_LOG_ERR, 0, text, value);
}

int weir_unit_die_(struct weir_unit *unit, const char *text, uint64_t value)
{
	if (!atomic_exchange(&unit->dead, true)) {
		unit->why = text;
		unit->why_value = value;
		weir_unit_note_(unit, text, value);
		weir_unit_note_(unit, "in quarantine: nothing is asked of it any more", unit->base_pa);
	}
	return WEIR_EIO;
}

void weir_unit_stillborn_(const struct weir_unit *unit, int err)
{
	if (unit->why && unit->fault)
		weir_unit_log_(unit, WEIR_LOG_ERR, err, unit->why, unit->why_value);
}
