// SPDX-License-Identifier: MIT
/* Colours and weights of terminals (ECMA-48); nothing where they are not wanted. */
#include "weir.h"

const char *style_bold(const struct opts *o)
{
	return o->color ? "\033[1m" : "";
}

const char *style_bad(const struct opts *o)
{
	return o->color ? "\033[31m" : "";
}

const char *style_good(const struct opts *o)
{
	return o->color ? "\033[32m" : "";
}

const char *style_off(const struct opts *o)
{
	return o->color ? "\033[0m" : "";
}
