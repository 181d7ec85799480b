// SPDX-License-Identifier: MIT
/* Names and texts of the error codes. No state. */
#include "weir/err.h"

static const struct {
	int err;
	const char *name;
	const char *text;
} errors[] = {
	{ WEIR_OK, "OK", "success" },
	{ WEIR_EPERM, "EPERM", "operation not permitted" },
	{ WEIR_ENOENT, "ENOENT", "no such object" },
	{ WEIR_EIO, "EIO", "input/output error" },
	{ WEIR_ENXIO, "ENXIO", "no such device or address" },
	{ WEIR_E2BIG, "E2BIG", "too big" },
	{ WEIR_ENOEXEC, "ENOEXEC", "module of another format or version" },
	{ WEIR_EAGAIN, "EAGAIN", "try again" },
	{ WEIR_ENOMEM, "ENOMEM", "out of memory" },
	{ WEIR_EFAULT, "EFAULT", "bad address" },
	{ WEIR_EBUSY, "EBUSY", "busy" },
	{ WEIR_EEXIST, "EEXIST", "exists already" },
	{ WEIR_ENODEV, "ENODEV", "no such device" },
	{ WEIR_ENOTDIR, "ENOTDIR", "not a directory" },
	{ WEIR_EINVAL, "EINVAL", "invalid argument" },
	{ WEIR_ENOSPC, "ENOSPC", "no space left" },
	{ WEIR_ERANGE, "ERANGE", "out of range" },
	{ WEIR_ENOSYS, "ENOSYS", "no such function" },
	{ WEIR_ELOOP, "ELOOP", "dependency loop" },
	{ WEIR_EPROTO, "EPROTO", "protocol error" },
	{ WEIR_EBADMSG, "EBADMSG", "damaged data" },
	{ WEIR_EOVERFLOW, "EOVERFLOW", "value too large" },
	{ WEIR_EOPNOTSUPP, "EOPNOTSUPP", "not supported" },
	{ WEIR_ETIMEDOUT, "ETIMEDOUT", "timed out" },
	{ WEIR_EDEFER, "EDEFER", "not yet: probe deferred" },
};

#define N_ERRORS (sizeof(errors) / sizeof(errors[0]))

const char *weir_strerror(int err)
{
	for (unsigned int i = 0; i < N_ERRORS; i++)
		if (errors[i].err == err)
			return errors[i].text;
	return "unknown error";
}

const char *weir_errname(int err)
{
	for (unsigned int i = 0; i < N_ERRORS; i++)
		if (errors[i].err == err)
			return errors[i].name;
	return "E?";
}
