// SPDX-License-Identifier: MIT
/* The smallest program: a machine on a POSIX process, settled and taken down. C and C++. */
#include <stdio.h>

#include <weir/posix.h>
#include <weir/weir.h>

int main(void)
{
	struct weir_posix *posix;
	struct weir_machine *m;
	int err = weir_posix_create(NULL, &posix);

	if (!err)
		err = weir_machine_create(weir_posix_ops(posix), posix, &m);
	if (!err)
		err = weir_settle(m);
	printf("%s\n", err ? weir_strerror(err) : weir_machine_policy_name(m));
	weir_machine_destroy(m);
	weir_posix_destroy(posix);
	return err ? 1 : 0;
}
