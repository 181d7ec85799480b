// SPDX-License-Identifier: MIT
/*
 * Error codes. Every function that can fail returns int: 0 or a positive value
 * is success, a negative value is one of these. Names and numbers follow the
 * errno values of Linux (asm-generic), so that a hosted program can print them
 * with its own tools; a freestanding build needs no <errno.h>.
 */
#ifndef WEIR_ERR_H
#define WEIR_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

enum weir_err {
	WEIR_OK = 0,
	WEIR_EPERM = -1,
	WEIR_ENOENT = -2,
	WEIR_EIO = -5,
	WEIR_ENXIO = -6,
	WEIR_E2BIG = -7,
	WEIR_ENOEXEC = -8,
	WEIR_EAGAIN = -11,
	WEIR_ENOMEM = -12,
	WEIR_EFAULT = -14,
	WEIR_EBUSY = -16,
	WEIR_EEXIST = -17,
	WEIR_ENODEV = -19,
	WEIR_ENOTDIR = -20,
	WEIR_EINVAL = -22,
	WEIR_ENOSPC = -28,
	WEIR_ERANGE = -34,
	WEIR_ENOSYS = -38,
	WEIR_ELOOP = -40,
	WEIR_EPROTO = -71,
	WEIR_EBADMSG = -74,
	WEIR_EOVERFLOW = -75,
	WEIR_EOPNOTSUPP = -95,
	WEIR_ETIMEDOUT = -110,
	/* Private: the probe cannot be done yet; try again when something changed. */
	WEIR_EDEFER = -517,
};

/**
 * weir_strerror - a short English text for an error code.
 * @err: a value of enum weir_err; other values give "unknown error".
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *weir_strerror(int err);

/**
 * weir_errname - the name of an error code without its prefix, such as "EDEFER".
 * @err: a value of enum weir_err; other values give "E?".
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *weir_errname(int err);

#ifdef __cplusplus
}
#endif
#endif
