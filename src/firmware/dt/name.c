// SPDX-License-Identifier: MIT
/*
 * Names of devices made from device tree nodes, as Linux users know them from
 * /sys: "1c28000.serial", or the path with colons when there is no address.
 */
#include "core/text.h"
#include "firmware/dt/dt.h"

#define MAX_NAME 512

static size_t name_bytes(const struct weir_dt_node *node)
{
	size_t n = 0;

	while (node->fw.name[n] && node->fw.name[n] != '@')
		n++;
	return n;
}

static int lowest_bit(uint32_t v)
{
	for (int i = 0; i < 32; i++)
		if (v >> i & 1)
			return i;
	return -1;
}

/* Puts @part in front of the name that is there, with a colon between. */
static void prepend(char *name, const char *part)
{
	char joined[MAX_NAME];

	weir_format_(joined, sizeof(joined), "%s%s%s", part, name[0] ? ":" : "", name);
	weir_memcpy_(name, joined, weir_strlen_(joined) + 1);
}

static void address_part(const struct weir_dt *dt, const struct weir_dt_node *node, uint64_t addr,
			 char *part, size_t bytes)
{
	char plain[MAX_NAME];
	uint32_t mask;
	size_t n = name_bytes(node);

	if (n >= sizeof(plain))
		n = sizeof(plain) - 1;
	weir_memcpy_(plain, node->fw.name, n);
	plain[n] = '\0';
	if (weir_dt_u32_(dt, node, "mask", &mask))
		weir_format_(part, bytes, "%llx.%x.%s", (unsigned long long)addr,
			     (unsigned int)lowest_bit(mask), plain);
	else
		weir_format_(part, bytes, "%llx.%s", (unsigned long long)addr, plain);
}

int weir_dt_device_name_(const struct weir_dt *dt, const struct weir_dt_node *node,
			 char **out_name)
{
	char name[MAX_NAME] = "", part[MAX_NAME];
	uint64_t addr;

	for (; node->fw.parent; node = weir_dt_parent_(node)) {
		if (weir_dt_translate_(dt, node, &addr)) {
			address_part(dt, node, addr, part, sizeof(part));
			prepend(name, part);
			break;
		}
		prepend(name, node->fw.name);
	}
	*out_name = weir_strdup_(dt->m, name);
	return *out_name ? 0 : WEIR_ENOMEM;
}
