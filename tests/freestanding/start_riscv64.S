// SPDX-License-Identifier: MIT
/*
 * The bottom of the freestanding test on RISC-V Linux: program entry and the two
 * system calls (number in a7).
 */
	.text
	.globl _start
_start:
	.option push
	.option norelax
	lla	gp, __global_pointer$
	.option pop
	andi	sp, sp, -16
	call	bringup
	.globl sys_exit
sys_exit:
	li	a7, 93
	ecall
	ebreak

	.globl sys_write
sys_write:
	li	a7, 64
	ecall
	ret

	.section .rodata
	.balign 8
	.globl board, board_end
board:
	.incbin BOARD
board_end:
	.section .note.GNU-stack, "", @progbits
