// SPDX-License-Identifier: MIT
/*
 * The words that go with an error code. Functions that read files take a
 * struct weir_errtext, may be NULL, and fill it before they return an error, so
 * that the tool can print one clear line naming the file and the place in it.
 * The caller owns the struct; nothing is allocated.
 */
#ifndef WEIR_SIM_KERNEL_ERRTEXT_H
#define WEIR_SIM_KERNEL_ERRTEXT_H

struct weir_errtext {
	char text[512];
};

/**
 * weir_errtext_set - store a message and hand the code through.
 * @et: where to, or NULL.
 * @err: the error code to return.
 * Context: any thread; touches @et alone.
 * Return: @err.
 */
int weir_errtext_set(struct weir_errtext *et, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * weir_errtext_prefix - put "PREFIX: " before the message that is there.
 * Context: any thread; touches @et alone.
 */
void weir_errtext_prefix(struct weir_errtext *et, const char *prefix);

#endif
