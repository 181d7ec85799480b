// SPDX-License-Identifier: MIT
/*
 * The bottom of the freestanding test on AArch64 Linux: program entry and the
 * two system calls (number in x8).
 */
	.text
	.globl _start
_start:
	mov	x29, #0
	mov	x30, #0
	bl	bringup
	.globl sys_exit
sys_exit:
	mov	x8, #93
	svc	#0
	brk	#0

	.globl sys_write
sys_write:
	mov	x8, #64
	svc	#0
	ret

	.section .rodata
	.balign 8
	.globl board, board_end
board:
	.incbin BOARD
board_end:
	.section .note.GNU-stack, "", @progbits
