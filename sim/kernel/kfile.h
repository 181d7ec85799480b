// SPDX-License-Identifier: MIT
/*
 * The text files of a kernel directory: read whole, unpacked when they lie
 * there compressed. Bytes are the caller's; no state.
 */
#ifndef WEIR_SIM_KERNEL_KFILE_H
#define WEIR_SIM_KERNEL_KFILE_H

#include "errtext.h"
#include "unpack.h"

/**
 * weir_kfile_read - read DIR/NAME, or DIR/NAME.xz, .gz or .zst in its place.
 * @et: names the file on an error; may be NULL.
 * Owner: *@out_bytes is the caller's; a zero byte follows the data.
 * Return: 0; WEIR_ENOENT: none of them is there; WEIR_EIO; WEIR_EBADMSG:
 * corrupt; WEIR_E2BIG; WEIR_ENOMEM.
 */
int weir_kfile_read(const char *dir, const char *name, struct weir_errtext *et,
		    struct weir_bytes *out_bytes);

/** The suffixes that weir_kfile_read() knows, "" first; NULL ends the list. */
extern const char *const weir_kfile_suffixes[];

/** Return: whether DIR/NAME, with one of the suffixes, is a file; its path goes to @out_path. */
bool weir_kfile_find(const char *dir, const char *name, char *out_path, size_t path_bytes);

/**
 * weir_text_line - cut the next line off a text, at its end replaced by NUL.
 * @pos: where to go on, NULL at the end of the text; updated.
 * Return: the line, or NULL at the end.
 */
char *weir_text_line(char **pos);

/** weir_text_word - likewise the next word of a line. Return: the word, or NULL. */
char *weir_text_word(char **pos);

#endif
