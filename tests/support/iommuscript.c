// SPDX-License-Identifier: MIT
/* See iommuscript.h. */
#include "iommuscript.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECRET UINT64_C(0x7000000) /* nothing maps it */
#define OWN_IOVA UINT64_C(0x100000)
#define OWN_PA UINT64_C(0x6000000)
#define MAP_IOVA UINT64_C(0x200000)
#define MAP_PA UINT64_C(0x6100000)
#define DMA_PA UINT64_C(0x6200800)
#define DOORBELL UINT64_C(0x8020040)
#define PAGE UINT64_C(0x1000)

#define TEXT_MAX 1024u

struct run {
	const struct im_script *script;
	struct testhost *host;
	unsigned long fail_call;   /* of the instances; 0: none */
	char *want, *got;          /* the end without a fault, and with */
	bool hit;                  /* the instance's call that was to fail did */
	unsigned int parts[2];     /* without a fault */
	bool claimed;              /* some group is: its owner may map what it likes */
	struct iommu_world *iw;
};

/* ---- words ---- */

static struct weir_device *find(struct run *r, const char *name)
{
	struct weir_device *dev;

	return weir_device_find(r->iw->w.bus, name, &dev) ? NULL : dev;
}

static struct weir_group *group_of(struct run *r, const char *name)
{
	struct weir_device *dev = find(r, name);
	struct weir_group *group;

	return dev && !weir_group_of(dev, &group) ? group : NULL;
}

/* Names of all that may be there; NULL at the end. */
static const char *name_at(struct run *r, unsigned int i)
{
	static const char *const names[] = { "a", "b", "m0", "m1", "m2", "m3" };

	return i < 2 + r->iw->nr_masters ? names[i] : NULL;
}

static bool is_bound(struct run *r, const char *name)
{
	struct weir_device *dev = find(r, name);

	return dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND;
}

static int bind_all(struct run *r, char kind)
{
	const char *name;

	for (unsigned int i = 0; (name = name_at(r, i)); i++)
		if ((name[0] == 'm') == (kind == 'm') && find(r, name) && !is_bound(r, name))
			(void)weir_driver_bind(find(r, name));
	return weir_settle(r->iw->w.m);
}

static int all_up(struct run *r, bool again)
{
	const char *name;
	int err = weir_settle(r->iw->w.m);

	if (!err && again)
		err = bind_all(r, 'i');
	if (!err && again)
		err = bind_all(r, 'm');
	for (unsigned int i = 0; !err && (name = name_at(r, i)); i++)
		if (find(r, name) && !is_bound(r, name))
			err = WEIR_EDEFER;
	return err;
}

static int attach_own(struct run *r, struct weir_group *group)
{
	struct weir_domain *own;
	int err = weir_domain_create(r->iw->w.m, WEIR_DOMAIN_UNMANAGED, &own);

	if (err)
		return err;
	err = weir_domain_map(own, OWN_IOVA, OWN_PA, PAGE, WEIR_MAP_READ);
	if (!err)
		err = weir_group_attach(group, own);
	weir_domain_unref(own);
	return err;
}

static int claim(struct run *r, struct weir_group *group, bool on)
{
	int err = on ? weir_group_claim(group, r) : weir_group_release(group, r);

	r->claimed = err ? r->claimed : on;
	return err;
}

static int do_group(struct run *r, const char *verb, const char *name)
{
	struct weir_group *group = group_of(r, name);
	struct weir_msi msi = { .pa = DOORBELL }, out;

	if (!group)
		return WEIR_ENOENT;
	if (!strcmp(verb, "claim"))
		return claim(r, group, true);
	if (!strcmp(verb, "release"))
		return claim(r, group, false);
	if (!strcmp(verb, "attach"))
		return attach_own(r, group);
	if (!strcmp(verb, "map"))
		return weir_domain_map(weir_group_domain(group), MAP_IOVA, MAP_PA, PAGE,
				       WEIR_MAP_READ);
	if (!strcmp(verb, "unmap"))
		return weir_domain_unmap(weir_group_domain(group), MAP_IOVA, PAGE);
	if (!strcmp(verb, "msi"))
		return weir_msi_map(find(r, name), &msi, &out);
	fail_msg("no word '%s %s'", verb, name);
	return 0;
}

static int power_on(struct run *r, unsigned int model, bool again)
{
	if (again) /* hardware that failed is reset first */
		im_power_off(r->iw, model);
	return im_power_on(r->iw, model);
}

static int do_device(struct run *r, const char *verb, const char *name, bool again)
{
	struct weir_device *dev = find(r, name);

	if (!strcmp(verb, "unbind"))
		return is_bound(r, name) ? weir_driver_unbind(dev) : 0;
	if (!strcmp(verb, "bind"))
		return weir_driver_bind(dev);
	if (!strcmp(verb, "off"))
		im_power_off(r->iw, name[0] - 'a');
	else if (!strcmp(verb, "on"))
		return power_on(r, name[0] - 'a', again);
	else if (!strcmp(verb, "consumers"))
		weir_iommu_consumers_up(dev);
	else
		return do_group(r, verb, name);
	return 0;
}

static int do_machine(struct run *r, const char *verb, bool again)
{
	struct iommu_world *iw = r->iw;
	const struct weir_driver *iommus = &iw->w.drivers[0].drv, *clients = &iw->w.drivers[1].drv;

	if (!strcmp(verb, "tree"))
		return weir_firmware_load_dt(iw->w.m, iw->blob, sizeof(iw->blob));
	if (!strcmp(verb, "iommus") || !strcmp(verb, "clients"))
		return weir_driver_register(iw->w.m, verb[0] == 'i' ? iommus : clients);
	if (!strcmp(verb, "-iommus") || !strcmp(verb, "-clients"))
		return weir_driver_unregister(iw->w.m, verb[1] == 'i' ? iommus : clients);
	if (verb[0] == '+')
		return im_try_add(iw, verb + 1);
	if (verb[0] == '-')
		weir_device_del(find(r, verb + 1));
	else if (!strcmp(verb, "settle"))
		return weir_settle(iw->w.m);
	else if (!strcmp(verb, "up"))
		return all_up(r, again);
	else if (!strcmp(verb, "doorbell"))
		return weir_msi_doorbell_add(iw->w.m, DOORBELL);
	else if (!strcmp(verb, "again"))
		return bind_all(r, 'm');
	else if (!strcmp(verb, "seal"))
		weir_catalogue_seal(iw->w.m);
	else if (!strcmp(verb, "reject") || !strcmp(verb, "accept"))
		iw->reject = verb[0] == 'r';
	else
		fail_msg("no word '%s'", verb);
	return 0;
}

static int do_step(struct run *r, const char *text, bool again)
{
	char verb[16], name[16];
	int words = sscanf(text, "%15s %15s", verb, name);

	return words == 2 ? do_device(r, verb, name, again) : do_machine(r, verb, again);
}

/* ---- what must hold ---- */

static void check_stream(struct run *r, unsigned int master, unsigned int model, uint32_t stream)
{
	const char *name = name_at(r, 2 + master);
	const struct im_stream *s = &r->iw->models[model].streams[stream];

	static const uint64_t memory[] = { OWN_IOVA, MAP_IOVA, DMA_PA & ~(PAGE - 1) };
	struct iommu_world *iw = r->iw;

	if (!r->script->may_be_direct &&
	    im_reach(iw, model, stream, SECRET) != IM_NOTHING)
		fail_msg("%s: %s reaches memory that nobody mapped", r->script->name, name);
	if (is_bound(r, name) || r->claimed)
		return;
	for (unsigned int i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		if (im_reach(iw, model, stream, memory[i]) != IM_NOTHING)
			fail_msg("%s: %s has no driver, and reaches 0x%llx", r->script->name, name,
				 (unsigned long long)memory[i]);
	/* but for what firmware left running */
	if (!r->iw->masters[master].direct_pa && s->known && s->type != WEIR_DOMAIN_BLOCKED)
		fail_msg("%s: %s has no driver, and is not blocked", r->script->name, name);
}

/* Streams that are not shared: others of the group may have a driver. */
static void check_all(struct run *r)
{
	for (unsigned int i = 0; i < r->iw->nr_masters; i++) {
		const struct im_master *master = &r->iw->masters[i];
		const char *name = name_at(r, 2 + i);
		struct weir_device *dev = find(r, name);
		bool alone = true;

		for (unsigned int k = 0; k < r->iw->nr_masters; k++)
			alone = alone && (k == i || r->iw->masters[k].at_a != master->at_a);
		if (!alone || (dev && weir_device_untranslated(dev)))
			continue;
		if (master->at_a < IM_STREAMS)
			check_stream(r, i, 0, master->at_a);
		if (master->also_a)
			check_stream(r, i, 0, master->also_a);
		if (master->at_b < IM_STREAMS)
			check_stream(r, i, 1, master->at_b);
	}
}

__attribute__((format(printf, 2, 3)))
static void say(char *text, const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, TEXT_MAX - n, fmt, ap);
	va_end(ap);
	assert_true(strlen(text) + 1 < TEXT_MAX);
}

static void describe_stream(struct run *r, char *text, unsigned int model, uint32_t stream)
{
	static const char *const types[] = { "blocked", "identity", "dma", "unmanaged" };
	static const uint64_t at[] = { OWN_IOVA, MAP_IOVA, DOORBELL };
	const struct im_stream *s = &r->iw->models[model].streams[stream];

	if (!s->known)
		return;
	say(text, " %c%u:%s", 'a' + (int)model, stream, types[s->type]);
	if (s->part)
		say(text, "(%u)", s->part->n);
	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (im_reach(r->iw, model, stream, at[i]) != IM_NOTHING)
			say(text, "+%u", i);
}

/* Nothing is left over at the instances: what fails once only is blocked at the second try. */
static void check_parts(struct run *r)
{
	for (unsigned int i = 0; i < 2; i++) {
		unsigned int parts = r->iw->models[i].parts;

		if (parts != r->parts[i])
			fail_msg("%s, call %lu: %u parts at %c, not %u", r->script->name,
				 r->fail_call, parts, 'a' + (int)i, r->parts[i]);
	}
}

static void describe(struct run *r, char *text)
{
	struct weir_device *dev;
	const char *name;

	text[0] = '\0';
	for (unsigned int i = 0; (name = name_at(r, i)); i++) {
		dev = find(r, name);
		if (dev)
			say(text, " %s:%s%s", name, is_bound(r, name) ? "bound" :
			    weir_verdict_name(weir_device_verdict(dev, NULL)),
			    weir_device_untranslated(dev) ? "(direct)" : "");
	}
	for (unsigned int model = 0; model < 2; model++) {
		for (uint32_t stream = 0; stream < IM_STREAMS; stream++)
			describe_stream(r, text, model, stream);
	}
}

/* ---- runs ---- */

static bool was_hit(struct run *r)
{
	r->hit = r->hit || (r->fail_call && !r->iw->fail_in);
	return r->hit || testhost_fault_hit(r->host);
}

/* Return: false: the machine is not even there. */
static bool play(struct run *r)
{
	const struct im_script *s = r->script;
	char steps[512], *rest = steps, *text;
	int err = im_try_machine(r->iw, r->host, s->masters, s->nr_masters);

	r->iw->fail_in = (unsigned int)r->fail_call;
	if (err) {
		assert_true(was_hit(r));
		return false;
	}
	r->iw->dma_pa = s->dma ? DMA_PA : 0;
	weir_iommu_rules_set(r->iw->w.m, &s->rules);
	assert_true(strlen(s->steps) < sizeof(steps));
	strcpy(steps, s->steps);
	while ((text = strtok_r(rest, ";", &rest))) {
		err = do_step(r, text, false);
		check_all(r);
		if (err && !was_hit(r))
			fail_msg("%s: %s: %s without a fault", s->name, text, weir_errname(err));
		if (err)
			err = do_step(r, text, true);
		if (err)
			fail_msg("%s: %s: %s again after call %lu/%lu failed", s->name, text,
				 weir_errname(err), r->fail_call, (unsigned long)r->hit);
		check_all(r);
	}
	return true;
}

/* Whatever a fault has made of the order of things: all IOMMUs first, then all masters. */
static void bind_anew(struct run *r)
{
	bool hit = was_hit(r);
	const char *name;

	assert_int_equal(weir_settle(r->iw->w.m), 0);
	for (unsigned int i = 2; (name = name_at(r, i)); i++)
		if (is_bound(r, name))
			assert_int_equal(weir_driver_unbind(find(r, name)), 0);
	assert_int_equal(bind_all(r, 'i'), 0);
	assert_int_equal(bind_all(r, 'm'), 0);
	check_all(r);
	if (!hit && was_hit(r)) /* it was here */
		bind_anew(r);
}

static void run(struct testhost *host, void *arg)
{
	struct run *r = arg;
	char *text = r->want[0] ? r->got : r->want;

	r->host = host;
	r->hit = r->claimed = false;
	if (play(r)) {
		bind_anew(r);
		describe(r, text);
		if (r->want[0] && strcmp(text, r->want) && text != r->want)
			fail_msg("%s, call %lu:\n%s, not\n%s", r->script->name, r->fail_call, text,
				 r->want);
		for (unsigned int i = 0; i < 2 && text == r->want; i++)
			r->parts[i] = r->iw->models[i].parts;
		check_parts(r);
	}
	im_end(r->iw);
	(void)was_hit(r);
}

void im_script_sweep(const struct im_script *script, struct im_sweep *sweep)
{
	static struct iommu_world iw;
	char want[TEXT_MAX] = "", got[TEXT_MAX];
	struct run r = { .script = script, .want = want, .got = got, .iw = &iw };
	struct testhost *host = testhost_create(NULL, NULL);

	run(host, &r); /* untouched: what is wanted */
	testhost_destroy(host);
	print_message("%s:%s\n", script->name, want);
	/* bound anew, everybody is translated, whatever was adopted */
	assert_null(strstr(want, "identity"));
	assert_null(strstr(want, "unmanaged"));
	sweep->host_calls += testhost_sweep(NULL, NULL, run, &r);
	for (r.fail_call = 1;; r.fail_call++) {
		host = testhost_create(NULL, NULL);
		run(host, &r);
		testhost_destroy(host);
		if (!r.hit)
			break;
		sweep->instance_calls++;
	}
}
