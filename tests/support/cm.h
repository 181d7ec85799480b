// SPDX-License-Identifier: MIT
/* cmocka with the headers that it wants before itself. */
#ifndef WEIR_TESTS_CM_H
#define WEIR_TESTS_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
