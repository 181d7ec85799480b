// SPDX-License-Identifier: MIT
/*
 * Which addresses a function's code makes, and which functions it calls: just
 * enough of each instruction set to follow how compilers load the address of a
 * static object. Registers are tracked through straight-line code without
 * regard to branches; a wrong guess is harmless, as every address is checked to
 * hold a driver. Encodings: Arm ARM DDI 0487 C6.2 (ADRP, ADD immediate, BL, B),
 * DDI 0406 A8.8 (MOVW, MOVT, LDR literal, ADD, SUB, BL, B, and their Thumb
 * forms), the RISC-V unprivileged ISA chapters 2 and "C", Intel SDM volume 2
 * (LEA, MOV, CALL, JMP).
 */
#include "image_priv.h"

#include "le.h"
#include "weir/err.h"

#define MAX_CODE_BYTES 4096

static int push(uint64_t **list, size_t *count, size_t *room, uint64_t v)
{
	uint64_t *p = weir_array_grow(*list, *count, room, sizeof(*p));

	if (!p)
		return WEIR_ENOMEM;
	*list = p;
	p[(*count)++] = v;
	return 0;
}

static int found(struct weir_scan *scan, uint64_t va)
{
	if (va < scan->map.va_lo || va >= scan->map.va_hi)
		return 0;
	return push(&scan->found, &scan->found_count, &scan->found_room, va);
}

static int called(struct weir_scan *scan, uint64_t va)
{
	return push(&scan->calls, &scan->call_count, &scan->call_room, va);
}

/* Sign-extend the low @bits of @v. */
static uint64_t sext(uint64_t v, unsigned int bits)
{
	uint64_t sign = 1ull << (bits - 1);

	return ((v & (2 * sign - 1)) ^ sign) - sign;
}

static int scan_arm64(struct weir_scan *scan, uint64_t pc, const uint8_t *code, uint64_t len)
{
	uint64_t page[32] = { 0 }, i;
	uint32_t known = 0;
	int err = 0;

	for (i = 0; i + 4 <= len && !err; i += 4, pc += 4) {
		uint32_t insn = weir_get_le32(code + i);
		unsigned int rd = insn & 31, rn = insn >> 5 & 31;

		if ((insn & 0x9f000000) == 0x90000000) {
			uint64_t imm = (uint64_t)(insn >> 5 & 0x7ffff) << 2 | (insn >> 29 & 3);

			page[rd] = (pc & ~0xfffull) + (sext(imm, 21) << 12);
			known |= 1u << rd;
		} else if ((insn & 0xff800000) == 0x91000000 && (known >> rn & 1)) {
			page[rd] = page[rn] + ((uint64_t)(insn >> 10 & 0xfff) << (insn >> 22 & 1) * 12);
			known |= 1u << rd;
			err = found(scan, page[rd]);
		} else if ((insn & 0x7c000000) == 0x14000000) {
			err = called(scan, pc + 4 * sext(insn, 26));
		}
	}
	return err;
}

static uint32_t arm_imm(uint32_t insn)
{
	uint32_t v = insn & 0xff, rot = (insn >> 8 & 15) * 2;

	return rot ? v >> rot | v << (32 - rot) : v;
}

static int scan_arm(struct weir_scan *scan, uint64_t pc, const uint8_t *code, uint64_t len)
{
	uint32_t reg[16] = { 0 }, known = 0;
	uint64_t i;
	int err = 0;

	for (i = 0; i + 4 <= len && !err; i += 4, pc += 4) {
		uint32_t insn = weir_get_le32(code + i);
		unsigned int rd = insn >> 12 & 15, rn = insn >> 16 & 15;
		uint32_t imm16 = (insn >> 4 & 0xf000) | (insn & 0xfff);

		if (insn >> 28 == 15)
			continue;
		if ((insn & 0x0ff00000) == 0x03000000) {
			reg[rd] = imm16;
			known |= 1u << rd;
		} else if ((insn & 0x0ff00000) == 0x03400000 && (known >> rd & 1)) {
			reg[rd] = (reg[rd] & 0xffff) | imm16 << 16;
			err = found(scan, reg[rd]);
		} else if ((insn & 0x0f7f0000) == 0x051f0000) {
			uint64_t at = pc + 8 + (insn & 0x00800000 ? insn & 0xfff : 0ull - (insn & 0xfff));
			const uint8_t *p = weir_map_at_(&scan->map, at, 4);

			reg[rd] = p ? weir_get_le32(p) : 0;
			known |= 1u << rd;
			err = found(scan, reg[rd]);
		} else if ((insn & 0x0fe00000) == 0x02800000 && (known >> rn & 1)) {
			reg[rd] = reg[rn] + arm_imm(insn);
			known |= 1u << rd;
			err = found(scan, reg[rd]);
		} else if ((insn & 0x0fe00000) == 0x02400000 && (known >> rn & 1)) {
			reg[rd] = reg[rn] - arm_imm(insn);
			known |= 1u << rd;
			err = found(scan, reg[rd]);
		} else if ((insn & 0x0e000000) == 0x0a000000) {
			err = called(scan, (pc + 8 + 4 * sext(insn, 24)) & 0xffffffff);
		}
	}
	return err;
}

static int scan_thumb(struct weir_scan *scan, uint64_t pc, const uint8_t *code, uint64_t len)
{
	uint32_t reg[16] = { 0 }, known = 0;
	uint64_t i, size;
	int err = 0;

	for (i = 0; i + 2 <= len && !err; i += size, pc += size) {
		uint32_t a = weir_get_le16(code + i), b, imm16, rd;

		size = a >> 11 >= 0x1d ? 4 : 2;
		if (size == 2) {
			if ((a & 0xf800) == 0x4800) {
				const uint8_t *p = weir_map_at_(&scan->map,
								((pc + 4) & ~3ull) + 4 * (a & 0xff), 4);

				err = found(scan, p ? weir_get_le32(p) : 0);
			}
			continue;
		}
		if (i + 4 > len)
			break;
		b = weir_get_le16(code + i + 2);
		rd = b >> 8 & 15;
		imm16 = (a & 15) << 12 | (a & 0x400) << 1 | (b >> 4 & 0x700) | (b & 0xff);
		if ((a & 0xfbf0) == 0xf240 && !(b & 0x8000)) {
			reg[rd] = imm16;
			known |= 1u << rd;
		} else if ((a & 0xfbf0) == 0xf2c0 && !(b & 0x8000) && (known >> rd & 1)) {
			reg[rd] = (reg[rd] & 0xffff) | imm16 << 16;
			err = found(scan, reg[rd]);
		} else if ((a & 0xfbf0) == 0xf200 && !(b & 0x8000) && (known >> (a & 15) & 1)) {
			reg[rd] = reg[a & 15] + (imm16 & 0xfff);
			known |= 1u << rd;
			err = found(scan, reg[rd]);
		} else if ((a & 0xf800) == 0xf000 && (b & 0xd000) == 0xd000) {
			uint64_t s = a >> 10 & 1, i1 = !((b >> 13 & 1) ^ s), i2 = !((b >> 11 & 1) ^ s);
			uint64_t off = s << 24 | i1 << 23 | i2 << 22 | (uint64_t)(a & 0x3ff) << 12 |
				       (uint64_t)(b & 0x7ff) << 1;

			err = called(scan, (pc + 4 + sext(off, 25)) & 0xffffffff);
		}
	}
	return err;
}

static int scan_riscv(struct weir_scan *scan, uint64_t pc, const uint8_t *code, uint64_t len)
{
	uint64_t reg[32] = { 0 }, i, size;
	uint32_t known = 0;
	int err = 0;

	for (i = 0; i + 2 <= len && !err; i += size, pc += size) {
		uint32_t insn = weir_get_le16(code + i);
		unsigned int rd, rs;

		size = (insn & 3) == 3 ? 4 : 2;
		rd = insn >> 7 & 31;
		if (size == 2) {
			/* c.addi: the only short form that moves an address on. */
			if ((insn & 0xe003) == 0x0001 && (known >> rd & 1)) {
				reg[rd] += sext((insn >> 7 & 0x20) | (insn >> 2 & 0x1f), 6);
				err = found(scan, reg[rd]);
			}
			continue;
		}
		if (i + 4 > len)
			break;
		insn = weir_get_le32(code + i);
		rs = insn >> 15 & 31;
		if ((insn & 0x7f) == 0x17 || (insn & 0x7f) == 0x37) {
			reg[rd] = ((insn & 0x7f) == 0x17 ? pc : 0) + sext(insn & 0xfffff000, 32);
			known |= 1u << rd;
		} else if ((insn & 0x707f) == 0x13 && (known >> rs & 1)) {
			reg[rd] = reg[rs] + sext(insn >> 20, 12);
			known |= 1u << rd;
			err = found(scan, reg[rd]);
		} else if ((insn & 0x707f) == 0x67 && (known >> rs & 1)) {
			err = called(scan, reg[rs] + sext(insn >> 20, 12));
		} else if ((insn & 0x7f) == 0x6f) {
			uint64_t off = (uint64_t)(insn >> 31) << 20 | (insn & 0xff000) |
				       (uint64_t)(insn >> 20 & 1) << 11 | (uint64_t)(insn >> 21 & 0x3ff) << 1;

			err = called(scan, pc + sext(off, 21));
		}
	}
	return err;
}

/* Instructions have no fixed size: every byte may start one. */
static int scan_x86(struct weir_scan *scan, uint64_t pc, const uint8_t *code, uint64_t len)
{
	uint64_t i;
	int err = 0;

	for (i = 0; i + 5 <= len && !err; i++) {
		const uint8_t *p = code + i;

		if (i + 7 <= len && (p[0] & 0xfb) == 0x48 && p[1] == 0x8d && (p[2] & 0xc7) == 0x05)
			err = found(scan, pc + i + 7 + sext(weir_get_le32(p + 3), 32));
		else if (i + 7 <= len && (p[0] & 0xfe) == 0x48 && p[1] == 0xc7 && (p[2] & 0xf8) == 0xc0)
			err = found(scan, sext(weir_get_le32(p + 3), 32));
		else if (p[0] == 0xe8 || p[0] == 0xe9)
			err = called(scan, pc + i + 5 + sext(weir_get_le32(p + 1), 32));
	}
	return err;
}

int weir_code_scan_(struct weir_scan *scan, uint64_t func)
{
	bool thumb = scan->map.arch == WEIR_ARCH_ARM && (func & 1);
	uint64_t pc = thumb ? func - 1 : func;
	uint64_t end = weir_syms_next_(&scan->syms, pc), len = end - pc;
	const uint8_t *code;

	if (len > MAX_CODE_BYTES)
		len = MAX_CODE_BYTES;
	code = weir_map_at_(&scan->map, pc, len);
	if (!code)
		return 0;
	switch (scan->map.arch) {
	case WEIR_ARCH_ARM64:
		return scan_arm64(scan, pc, code, len);
	case WEIR_ARCH_ARM:
		return thumb ? scan_thumb(scan, pc, code, len) : scan_arm(scan, pc, code, len);
	case WEIR_ARCH_RISCV64:
		return scan_riscv(scan, pc, code, len);
	case WEIR_ARCH_X86_64:
		return scan_x86(scan, pc, code, len);
	default:
		return 0;
	}
}
