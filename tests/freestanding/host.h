// SPDX-License-Identifier: MIT
/* What the parts of the freestanding test share. */
#ifndef WEIR_TESTS_FREESTANDING_HOST_H
#define WEIR_TESTS_FREESTANDING_HOST_H

#include <stddef.h>

#include "weir/host.h"

/* start_ARCH.S */
long sys_write(int fd, const void *buf, size_t bytes);
_Noreturn void sys_exit(int status);
extern const unsigned char board[], board_end[];

/* bringup.c; what it returns is the exit status. */
int bringup(void);

/* host.c: the required calls and a log, nothing else. No context. */
extern const struct weir_host_ops arena_ops;
/* Bytes that are allocated now. */
size_t arena_bytes_used(void);
/* Locks alive plus locks held. */
unsigned int arena_locks(void);
void say(const char *line);

#endif
