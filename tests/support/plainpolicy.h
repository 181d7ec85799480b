// SPDX-License-Identifier: MIT
/*
 * The plainest policy, for tests of the mechanism alone: everything that could be
 * tried is queued, and every bind queues all that was deferred. It takes firmware
 * links as they are and relaxes nothing.
 */
#ifndef WEIR_TESTS_PLAINPOLICY_H
#define WEIR_TESTS_PLAINPOLICY_H

#include "weir/policy.h"

extern const struct weir_policy_ops plain_policy;

#endif
