// SPDX-License-Identifier: MIT
/*
 * Faults: what an instance refused, whose access it was, and who is told.
 *
 * weir_iommu_fault() comes in any context. It finds the stream under the instance's spin
 * lock, asks the handler of the stream's domain, and leaves a report for a thread:
 * weir_step() puts reports into the log and the event stream. Of a stream that goes on
 * and on only the first faults are reported one by one; the others are counted, and
 * their number is told when it has doubled and when the stream is calm again. So a flood
 * costs little each and fills no log, with a clock or without.
 *
 * Reports name streams: one that goes has its reports told before.
 */
#include "core/text.h"
#include "iommu/priv.h"

#define BURST 8u               /* faults of a stream that are reported one by one */
#define CALM_NS 1000000000u    /* with a clock: quiet for that long */
#define CALM_ROUNDS 64u        /* without: for so many calls of weir_step() */

static const char *const reasons[] = {
	[WEIR_FAULT_UNKNOWN] = "refused",
	[WEIR_FAULT_BLOCKED] = "refused: the device is blocked",
	[WEIR_FAULT_UNMAPPED] = "refused: not mapped",
	[WEIR_FAULT_PERMISSION] = "refused: not permitted",
	[WEIR_FAULT_EXTERNAL] = "failed behind the IOMMU",
	[WEIR_FAULT_STREAM] = "refused: unknown stream",
};

static const char *reason_text(const struct weir_fault *fault)
{
	unsigned int reason = (unsigned int)fault->reason;

	return reasons[reason < sizeof(reasons) / sizeof(*reasons) ? reason : WEIR_FAULT_UNKNOWN];
}

static const char *access_text(const struct weir_fault *fault)
{
	if (fault->flags & WEIR_FAULT_EXECUTE)
		return "instruction fetch";
	if (fault->flags & WEIR_FAULT_WRITE)
		return fault->flags & WEIR_FAULT_READ ? "read or write" : "write";
	return fault->flags & WEIR_FAULT_READ ? "read" : "access";
}

/* Waiting for another CPU that is in the middle of a fault. */
static void pause(const struct weir_machine *m)
{
	if (m->ops->delay_ns)
		m->ops->delay_ns(m->host, 1000);
}

/* ---- streams by their ids; the instance's spin lock is held ---- */

static struct weir_stream *of(struct weir_tree_node *node)
{
	return weir_container_of(node, struct weir_stream, by_id);
}

static struct weir_stream *find(struct weir_iommu *iommu, uint32_t id)
{
	struct weir_tree_node *node = iommu->faults.streams.root;

	while (node && of(node)->id != id)
		node = id < of(node)->id ? node->left : node->right;
	return node ? of(node) : NULL;
}

/* ---- in any context ---- */

static bool has_handler(const struct weir_domain *domain)
{
	return domain && atomic_load(&domain->has_handler);
}

/* Whose it is: what stage 2 refuses is the parent's. NULL: it has no handler. */
static struct weir_domain *whose(struct weir_domain *domain, const struct weir_fault *fault)
{
	if (domain && fault->flags & WEIR_FAULT_STAGE2 && has_handler(domain->parent))
		return domain->parent;
	return has_handler(domain) ? domain : NULL;
}

/* Who is to be asked: a reference to the domain, if it has a handler. */
static struct weir_domain *domain_of(struct weir_iommu *iommu, const struct weir_fault *fault)
{
	struct weir_domain *domain = NULL;
	struct weir_stream *stream;
	unsigned long before;

	if (fault->flags & WEIR_FAULT_NO_STREAM)
		return NULL;
	before = weir_spin_lock(&iommu->faults.spin);
	stream = find(iommu, fault->stream);
	domain = stream ? whose(stream->domain, fault) : NULL;
	if (domain)
		weir_domain_ref(domain);
	weir_spin_unlock(&iommu->faults.spin, before);
	return domain;
}

/* Return: the domain's handler took care of it. */
static bool ask_handler(struct weir_iommu *iommu, const struct weir_fault *fault)
{
	struct weir_domain *domain = domain_of(iommu, fault);
	weir_domain_fault_fn *handler;
	unsigned long before;
	bool handled = false;
	void *context;

	if (!domain)
		return false;
	before = weir_spin_lock(&domain->spin);
	handler = domain->handler;
	context = domain->handler_context;
	if (handler)
		domain->handling++;
	weir_spin_unlock(&domain->spin, before);
	if (handler) {
		handled = handler(context, domain, fault);
		before = weir_spin_lock(&domain->spin);
		domain->handling--;
		weir_spin_unlock(&domain->spin, before);
	}
	weir_domain_unref_late_(domain);
	return handled;
}

/* Spin lock held. */
static void report(struct weir_faults *faults, struct weir_stream *stream,
		   const struct weir_fault *fault)
{
	struct weir_fault_rate *rate = stream ? &stream->rate : &faults->unknown;

	if (weir_list_empty(&rate->node))
		weir_list_add_tail(&faults->noisy, &rate->node);
	rate->fresh = true;
	rate->last = *fault;
	if (rate->burst == BURST || faults->nr_reports == WEIR_FAULT_REPORTS) {
		rate->held++;
		return;
	}
	rate->burst++;
	faults->reports[(faults->first_report + faults->nr_reports++) % WEIR_FAULT_REPORTS] =
		(struct weir_fault_report){ .stream = stream, .fault = *fault };
}

static void take_in(struct weir_iommu *iommu, const struct weir_fault *fault)
{
	struct weir_stream *stream = NULL;
	unsigned long before;

	if (ask_handler(iommu, fault))
		return;
	before = weir_spin_lock(&iommu->faults.spin);
	if (!(fault->flags & WEIR_FAULT_NO_STREAM))
		stream = find(iommu, fault->stream);
	report(&iommu->faults, stream, fault);
	weir_spin_unlock(&iommu->faults.spin, before);
	atomic_store_explicit(&iommu->dev->m->faults_pending, true, memory_order_release);
}

void weir_iommu_fault(struct weir_device *dev, const struct weir_fault *fault)
{
	struct weir_iommu *iommu;

	/* weir_faults_fini_ waits for who came before it took the instance away */
	atomic_fetch_add(&dev->faulting, 1);
	iommu = atomic_load(&dev->fault_iommu);
	if (iommu)
		take_in(iommu, fault);
	atomic_fetch_sub(&dev->faulting, 1);
}

void weir_domain_fault_handler_set(struct weir_domain *domain, weir_domain_fault_fn *handler,
				   void *context)
{
	unsigned long before = weir_spin_lock(&domain->spin);

	domain->handler = handler;
	domain->handler_context = context;
	atomic_store(&domain->has_handler, handler != NULL);
	while (domain->handling) {
		weir_spin_unlock(&domain->spin, before);
		pause(domain->m);
		before = weir_spin_lock(&domain->spin);
	}
	weir_spin_unlock(&domain->spin, before);
}

/* ---- telling; the machine lock is held ---- */

/* Whose it was; the instance itself, when nobody knows. */
static struct weir_device *culprit(struct weir_iommu *iommu, struct weir_stream *stream,
				   const struct weir_fault *fault)
{
	struct weir_device *dev = NULL;

	if (stream)
		return stream->dev;
	if (!(fault->flags & WEIR_FAULT_NO_STREAM))
		dev = weir_iommu_device_with_(iommu, fault->stream);
	return dev ? dev : iommu->dev;
}

/* What an instance has to say of itself. */
static void tell_itself(struct weir_device *dev, const struct weir_fault *fault)
{
	weir_event_dev_(WEIR_EVENT_FAULT, dev, fault->what, (int64_t)fault->record);
	weir_logf_(dev->m, WEIR_LOG_ERR, "%s: %s (0x%llx)", dev->name, fault->what,
		   (unsigned long long)fault->record);
}

static void tell(struct weir_iommu *iommu, const struct weir_fault_report *r)
{
	struct weir_device *dev = culprit(iommu, r->stream, &r->fault);
	const struct weir_fault *f = &r->fault;
	char iova[64] = "an unknown address", who[64], text[64];

	if (f->what) {
		tell_itself(iommu->dev, f);
		return;
	}
	if (!(f->flags & WEIR_FAULT_NO_IOVA))
		weir_format_(iova, sizeof(iova), "0x%llx", (unsigned long long)f->iova);
	if (f->flags & WEIR_FAULT_STAGE2 && f->ipa && f->ipa != (f->iova & ~UINT64_C(0xfff)))
		weir_format_(iova, sizeof(iova), "0x%llx (0x%llx in stage 2)",
			     (unsigned long long)f->iova, (unsigned long long)f->ipa);
	if (f->flags & WEIR_FAULT_NO_STREAM)
		weir_format_(who, sizeof(who), "unknown stream");
	else
		weir_format_(who, sizeof(who), "stream 0x%x%s", f->stream,
			     !r->stream && dev == iommu->dev ? ", which nobody has" :
			     !r->stream ? ", which is not attached" :
			     r->stream->users > 1 ? ", which it shares" :
						      "");
	weir_format_(text, sizeof(text), "%s %s", access_text(f), reason_text(f));
	weir_event_dev_(WEIR_EVENT_FAULT, dev, text, (int64_t)f->iova);
	weir_logf_(dev->m, WEIR_LOG_ERR, "%s: DMA %s: IOVA %s, %s at %s, driver %s, record 0x%llx",
		   dev->name, text, iova, who, iommu->dev->name,
		   dev != iommu->dev && dev->reg ? dev->reg->drv->name : "none",
		   (unsigned long long)f->record);
}

static void tell_held(struct weir_iommu *iommu, struct weir_stream *stream, uint64_t held,
		      const struct weir_fault *last)
{
	struct weir_device *dev = last->what ? iommu->dev : culprit(iommu, stream, last);
	char text[64], iova[32];

	weir_format_(text, sizeof(text), "%llu more", (unsigned long long)held);
	if (last->flags & WEIR_FAULT_NO_IOVA)
		weir_format_(iova, sizeof(iova), "an unknown address");
	else
		weir_format_(iova, sizeof(iova), "0x%llx", (unsigned long long)last->iova);
	weir_event_dev_(WEIR_EVENT_FAULT, dev, text, (int64_t)last->iova);
	if (last->what) /* of its own, or of streams that nobody has: they are counted together */
		weir_logf_(dev->m, WEIR_LOG_ERR, "%s: %s faults at %s, the last: %s (0x%llx)",
			   dev->name, text, iommu->dev->name, last->what,
			   (unsigned long long)last->record);
	else
		weir_logf_(dev->m, WEIR_LOG_ERR, "%s: %s DMA faults at %s, the last: %s of %s %s",
			   dev->name, text, iommu->dev->name, access_text(last), iova,
			   reason_text(last));
}

static bool next_report(struct weir_faults *faults, struct weir_fault_report *out_report)
{
	unsigned long before = weir_spin_lock(&faults->spin);
	bool any = faults->nr_reports != 0;

	if (any) {
		*out_report = faults->reports[faults->first_report];
		faults->first_report = (faults->first_report + 1) % WEIR_FAULT_REPORTS;
		faults->nr_reports--;
	}
	weir_spin_unlock(&faults->spin, before);
	return any;
}

static void tell_reports(struct weir_iommu *iommu)
{
	struct weir_fault_report r;

	/* no more than fit at a time: a flood goes on meanwhile */
	for (unsigned int i = 0; i < WEIR_FAULT_REPORTS && next_report(&iommu->faults, &r); i++)
		tell(iommu, &r);
}

/* Spin lock held. Return: it has been quiet for long enough. */
static bool is_calm(struct weir_fault_rate *rate, const struct weir_machine *m, uint64_t now_ns)
{
	if (rate->fresh) {
		rate->fresh = false;
		rate->seen_ns = now_ns;
		rate->quiet_rounds = 0;
		return false;
	}
	return m->ops->time_ns ? now_ns - rate->seen_ns >= CALM_NS
			       : ++rate->quiet_rounds >= CALM_ROUNDS;
}

/* What is to be told of one that held faults back. Spin lock held. Return: how many. */
static uint64_t take_held(struct weir_fault_rate *rate, bool calm)
{
	uint64_t held = rate->held;

	if (!held || (!calm && held < rate->told + BURST))
		held = 0;
	rate->told += held;
	rate->held -= held;
	if (calm) {
		weir_list_del(&rate->node);
		rate->burst = 0;
		rate->told = 0;
	}
	return held;
}

static struct weir_stream *stream_of(struct weir_faults *faults, struct weir_fault_rate *rate)
{
	return rate == &faults->unknown ? NULL
					: weir_container_of(rate, struct weir_stream, rate);
}

/* One round through those that are not calm. Return: whether some are left. */
static bool tell_rates(struct weir_iommu *iommu, bool end)
{
	struct weir_machine *m = iommu->dev->m;
	struct weir_faults *faults = &iommu->faults;
	uint64_t now_ns = m->ops->time_ns ? m->ops->time_ns(m->host) : 0;
	unsigned long before = weir_spin_lock(&faults->spin);
	struct weir_list todo;
	bool left;

	/* streams come and go with the machine lock: only new noise can come meanwhile */
	weir_list_init(&todo);
	weir_list_splice_tail(&todo, &faults->noisy);
	while (!weir_list_empty(&todo)) {
		struct weir_fault_rate *rate =
			weir_container_of(todo.next, struct weir_fault_rate, node);
		struct weir_fault last = rate->last;
		bool calm = is_calm(rate, m, now_ns) || end;
		uint64_t held;

		weir_list_del(&rate->node);
		weir_list_add_tail(&faults->noisy, &rate->node);
		held = take_held(rate, calm);
		weir_spin_unlock(&faults->spin, before);
		if (held)
			tell_held(iommu, stream_of(faults, rate), held, &last);
		before = weir_spin_lock(&faults->spin);
	}
	left = !weir_list_empty(&faults->noisy);
	weir_spin_unlock(&faults->spin, before);
	return left;
}

void weir_faults_tell_(struct weir_machine *m)
{
	struct weir_iommu *iommu;
	bool left = false;

	atomic_store_explicit(&m->faults_pending, false, memory_order_relaxed);
	weir_domains_reap_(m);
	weir_list_each(iommu, &m->iommus, struct weir_iommu, node) {
		tell_reports(iommu);
		left |= tell_rates(iommu, false);
	}
	if (left)
		atomic_store_explicit(&m->faults_pending, true, memory_order_relaxed);
}

void weir_iommu_faults_report(struct weir_machine *m)
{
	weir_lock_(m);
	weir_faults_tell_(m);
	weir_unlock_(m);
}

/* ---- streams that come and go; the machine lock is held ---- */

const struct weir_stream *weir_faults_find_(struct weir_iommu *iommu, uint32_t id)
{
	unsigned long before = weir_spin_lock(&iommu->faults.spin);
	const struct weir_stream *stream = find(iommu, id);

	weir_spin_unlock(&iommu->faults.spin, before);
	return stream;
}

void weir_faults_add_(struct weir_stream *stream, struct weir_device *dev)
{
	struct weir_faults *faults = &stream->iommu->faults;
	struct weir_tree_node **link = &faults->streams.root, *parent = NULL;
	unsigned long before = weir_spin_lock(&faults->spin);

	weir_list_init(&stream->rate.node);
	stream->dev = dev;
	while (*link) {
		parent = *link;
		link = stream->id < of(parent)->id ? &parent->left : &parent->right;
	}
	weir_tree_insert_(&faults->streams, parent, link, &stream->by_id);
	weir_spin_unlock(&faults->spin, before);
}

void weir_faults_del_(struct weir_stream *stream)
{
	struct weir_faults *faults = &stream->iommu->faults;
	unsigned long before;
	uint64_t held;

	tell_reports(stream->iommu);
	before = weir_spin_lock(&faults->spin);
	weir_tree_erase_(&faults->streams, &stream->by_id);
	weir_list_del(&stream->rate.node);
	held = stream->rate.held;
	for (uint32_t i = 0; i < faults->nr_reports; i++) {
		struct weir_fault_report *r =
			&faults->reports[(faults->first_report + i) % WEIR_FAULT_REPORTS];

		if (r->stream == stream) /* that quickly: it is told as nobody's */
			r->stream = NULL;
	}
	weir_spin_unlock(&faults->spin, before);
	if (held)
		tell_held(stream->iommu, stream, held, &stream->rate.last);
}

void weir_faults_owner_(struct weir_stream *stream, struct weir_device *dev)
{
	unsigned long before = weir_spin_lock(&stream->iommu->faults.spin);

	stream->dev = dev;
	weir_spin_unlock(&stream->iommu->faults.spin, before);
}

void weir_faults_domain_(struct weir_stream *stream, struct weir_domain *domain)
{
	unsigned long before = weir_spin_lock(&stream->iommu->faults.spin);

	stream->domain = domain;
	weir_spin_unlock(&stream->iommu->faults.spin, before);
}

/* ---- the instance ---- */

int weir_faults_init_(struct weir_iommu *iommu)
{
	int err = weir_spin_init(&iommu->faults.spin, iommu->dev->m, WEIR_LOCK_FAULTS);

	if (err)
		return err;
	weir_list_init(&iommu->faults.noisy);
	weir_list_init(&iommu->faults.unknown.node);
	atomic_store(&iommu->dev->fault_iommu, iommu);
	return 0;
}

void weir_faults_fini_(struct weir_iommu *iommu)
{
	struct weir_device *dev = iommu->dev;
	struct weir_machine *m = dev->m;

	atomic_store(&dev->fault_iommu, NULL);
	while (atomic_load(&dev->faulting))
		pause(m);
	weir_lock_(m);
	tell_reports(iommu);
	tell_rates(iommu, true);
	weir_unlock_(m);
	weir_spin_fini(&iommu->faults.spin);
}
