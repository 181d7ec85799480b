// SPDX-License-Identifier: MIT
/* A shared object that is no module. */
extern const int weir_nothing;
const int weir_nothing = 1;
