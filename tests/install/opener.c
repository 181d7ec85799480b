// SPDX-License-Identifier: MIT
/* Opens a module of a directory twice; ends with the name of the policy. */
#include <stdio.h>

#include <weir/posix.h>
#include <weir/weir.h>

int main(int argc, char **argv)
{
	struct weir_posix_options options = { .log = stdout, .module_dir = argc > 2 ? argv[1] : "." };
	struct weir_posix *posix;
	struct weir_machine *m = NULL;
	struct weir_bus *bus;
	int err = weir_posix_create(&options, &posix);

	if (!err)
		err = weir_machine_create(weir_posix_ops(posix), posix, &m);
	if (!err)
		err = weir_bus_create(m, "acme", NULL, &bus);
	for (int i = 0; i < 2 && !err; i++) {
		struct weir_module *module;

		err = weir_module_open(m, argc > 2 ? argv[2] : "", &module);
		if (!err)
			err = weir_module_unload(module, 0);
	}
	printf("%s\n", err ? weir_strerror(err) : weir_machine_policy_name(m));
	weir_machine_destroy(m);
	weir_posix_destroy(posix);
	return err ? 1 : 0;
}
