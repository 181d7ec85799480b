// SPDX-License-Identifier: MIT
/*
 * The bottom of the freestanding test on x86-64 Linux: program entry and the two
 * system calls, by the System V ABI, AMD64 supplement, section A.2.
 */
	.text
	.globl _start
_start:
	xor	%ebp, %ebp
	and	$-16, %rsp
	call	bringup
	mov	%eax, %edi
	.globl sys_exit
sys_exit:
	mov	$60, %eax
	syscall
	hlt

	.globl sys_write
sys_write:
	mov	$1, %eax
	syscall
	ret

	.section .rodata
	.balign 8
	.globl board, board_end
board:
	.incbin BOARD
board_end:
	.section .note.GNU-stack, "", @progbits
