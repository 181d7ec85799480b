// SPDX-License-Identifier: MIT
/*
 * Managed resources: what a driver took in its probe and gives back when its
 * device is unbound, last taken first. Guarded by the machine lock; the release
 * functions run without it.
 */
#include "core/core.h"

static struct weir_resource *make(struct weir_device *dev, size_t extra)
{
	struct weir_resource *res = weir_alloc_(dev->m, sizeof(*res) + extra);

	if (!res)
		return NULL;
	res->bytes = sizeof(*res) + extra;
	weir_list_add_head(&dev->resources, &res->node);
	return res;
}

int weir_devm_add(struct weir_device *dev, void (*release)(void *data), void *data)
{
	struct weir_resource *res;

	weir_lock_(dev->m);
	res = make(dev, 0);
	if (res) {
		res->release = release;
		res->data = data;
	}
	weir_unlock_(dev->m);
	if (res)
		return 0;
	release(data);
	return WEIR_ENOMEM;
}

int weir_devm_alloc(struct weir_device *dev, size_t bytes, void **out_mem)
{
	/* keeps what follows aligned for any type */
	size_t head = (sizeof(struct weir_resource) + 15) & ~(size_t)15;
	struct weir_resource *res;

	weir_lock_(dev->m);
	res = make(dev, head - sizeof(*res) + bytes);
	weir_unlock_(dev->m);
	if (!res)
		return WEIR_ENOMEM;
	*out_mem = (char *)res + head;
	return 0;
}

void weir_resources_release_(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;

	while (!weir_list_empty(&dev->resources)) {
		struct weir_resource *res =
			weir_container_of(dev->resources.next, struct weir_resource, node);

		weir_list_del(&res->node);
		if (res->release) {
			weir_unlock_(m);
			res->release(res->data);
			weir_lock_(m);
		}
		weir_free_(m, res, res->bytes);
	}
}
