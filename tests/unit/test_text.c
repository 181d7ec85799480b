// SPDX-License-Identifier: MIT
/* Strings without a C library, against the C library. */
#include <stdio.h>
#include <string.h>

#include "cm.h"
#include "core/text.h"

static void test_text_compare(void **state)
{
	(void)state;
	assert_int_equal(weir_strlen_(""), 0);
	assert_int_equal(weir_strlen_("four"), 4);
	assert_true(weir_streq_("a", "a"));
	assert_true(weir_streq_("", ""));
	assert_false(weir_streq_("a", "ab"));
	assert_false(weir_streq_("ab", "a"));
	assert_false(weir_streq_("a", "b"));
	assert_true(weir_streq_n_("ab", "abc", 2));
	assert_false(weir_streq_n_("abc", "ab", 2));
	assert_false(weir_streq_n_("a", "ab", 2));
	assert_true(weir_streq_n_("", "x", 0));
	assert_true(weir_memeq_("a\0b", "a\0b", 3));
	assert_false(weir_memeq_("a\0b", "a\0c", 3));
	assert_true(weir_memeq_("x", "y", 0));
}

static void test_text_hash_tells_keys_apart(void **state)
{
	char key[8];
	uint32_t seen[1000];
	unsigned int same = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		int n = snprintf(key, sizeof(key), "k%u", i);

		seen[i] = weir_hash_bytes_(key, (size_t)n);
		for (unsigned int j = 0; j < i; j++)
			same += seen[i] == seen[j];
	}
	assert_int_equal(same, 0);
}

/* Formats with both and compares text and length. */
#define SAME(fmt, ...) \
	do { \
		char ours[80], theirs[80]; \
		size_t len = weir_format_(ours, sizeof(ours), fmt, __VA_ARGS__); \
		int n = snprintf(theirs, sizeof(theirs), fmt, __VA_ARGS__); \
		assert_string_equal(ours, theirs); \
		assert_int_equal(len, n); \
	} while (0)

static void test_text_format(void **state)
{
	(void)state;
	SAME("%s and %s", "one", "two");
	SAME("%d %d %d", 0, -1, 2147483647);
	SAME("%d", -2147483647 - 1);
	SAME("%u %x", 4294967295u, 0xdeadbeefu);
	SAME("%lu %lx", ~0ul, ~0ul);
	SAME("%ld", -5l);
	SAME("%llu %llx", ~0ull, 0x123456789abcdefull);
	SAME("%lld", -9223372036854775807ll - 1);
	SAME("%zu", (size_t)77);
	SAME("%c%c", 'o', 'k');
	SAME("%08x|%4u|%2u", 0x1234u, 7u, 12345u);
	SAME("100%% %s", "sure");
}

static void test_text_format_null_string(void **state)
{
	char buf[16];
	const char *volatile null = NULL; /* unknown to the compiler */

	(void)state;
	weir_format_(buf, sizeof(buf), "<%s>", null);
	assert_string_equal(buf, "<(null)>");
}

/* Whatever the room, the text is the longest that fits, ended, and nothing else is touched. */
static void test_text_format_cuts(void **state)
{
	static const char whole[] = "key=12345 end";
	char buf[32];

	(void)state;
	for (size_t room = 0; room < sizeof(buf); room++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(weir_format_(buf, room, "%s=%u %s", "key", 12345u, "end"),
				 sizeof(whole) - 1);
		if (room) {
			size_t kept = room <= sizeof(whole) - 1 ? room - 1 : sizeof(whole) - 1;

			assert_int_equal(strlen(buf), kept);
			assert_memory_equal(buf, whole, kept);
		}
		for (size_t i = room; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_compare),
		cmocka_unit_test(test_text_hash_tells_keys_apart),
		cmocka_unit_test(test_text_format),
		cmocka_unit_test(test_text_format_null_string),
		cmocka_unit_test(test_text_format_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
