// SPDX-License-Identifier: MIT
/* Error codes: each has a name and a text of its own, and Linux's number. */
#include <errno.h>
#include <string.h>

#include "cm.h"
#include "weir/err.h"

#define ALL(X) \
	X(EPERM) X(ENOENT) X(EIO) X(ENXIO) X(E2BIG) X(ENOEXEC) X(EAGAIN) X(ENOMEM) X(EFAULT) \
	X(EBUSY) X(EEXIST) X(ENODEV) X(ENOTDIR) X(EINVAL) X(ENOSPC) X(ERANGE) X(ENOSYS) \
	X(ELOOP) X(EPROTO) X(EBADMSG) X(EOVERFLOW) X(EOPNOTSUPP) X(ETIMEDOUT)

static void test_err_numbers_and_names(void **state)
{
	(void)state;
#define CHECK(name) \
	assert_int_equal(WEIR_##name, -name); \
	assert_string_equal(weir_errname(WEIR_##name), #name);
	ALL(CHECK)
#undef CHECK
	assert_string_equal(weir_errname(WEIR_EDEFER), "EDEFER");
	assert_string_equal(weir_errname(0), "OK");
}

static void test_err_texts_differ(void **state)
{
	static const int errs[] = {
#define VALUE(name) WEIR_##name,
		ALL(VALUE)
#undef VALUE
		WEIR_OK, WEIR_EDEFER,
	};
	const unsigned int n = sizeof(errs) / sizeof(errs[0]);

	(void)state;
	for (unsigned int i = 0; i < n; i++) {
		assert_string_not_equal(weir_strerror(errs[i]), "unknown error");
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(weir_strerror(errs[i]), weir_strerror(errs[j]));
	}
}

static void test_err_unknown(void **state)
{
	(void)state;
	assert_string_equal(weir_strerror(-4000), "unknown error");
	assert_string_equal(weir_errname(-4000), "E?");
	assert_string_equal(weir_strerror(1), "unknown error");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_numbers_and_names),
		cmocka_unit_test(test_err_texts_differ),
		cmocka_unit_test(test_err_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
