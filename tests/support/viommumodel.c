// SPDX-License-Identifier: MIT
#include "viommumodel.h"

#include <string.h>

#define PROBE_SIZE 256u

enum { OK, IOERR, UNSUPP, DEVERR, INVAL, RANGE, NOENT, FAULT, NOMEM };

static uint64_t get(const uint8_t *p, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

static void put(uint8_t *p, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

static bool all_zero(const uint8_t *p, unsigned int bytes)
{
	return get(p, bytes) == 0;
}

/* ---- the tables ---- */

static int find_endpoint(const struct viommu *m, uint32_t id)
{
	for (int i = 0; i < (int)VIOMMU_ENDPOINTS; i++)
		if (m->endpoints[i].there && m->endpoints[i].id == id)
			return i;
	return -1;
}

static unsigned int users(const struct viommu *m, uint32_t domain)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < VIOMMU_ENDPOINTS; i++)
		n += m->endpoints[i].attached && m->endpoints[i].domain == domain;
	return n;
}

unsigned int viommu_nr_mappings(const struct viommu *m)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < VIOMMU_MAPPINGS; i++)
		n += m->mappings[i].used;
	return n;
}

/* With its last endpoint a domain goes. */
static void let_go(struct viommu *m, int e)
{
	uint32_t domain = m->endpoints[e].domain;

	m->endpoints[e].attached = false;
	if (users(m, domain))
		return;
	for (unsigned int i = 0; i < VIOMMU_MAPPINGS; i++)
		if (m->mappings[i].domain == domain)
			m->mappings[i].used = false;
}

static bool is_bypass(const struct viommu *m, uint32_t domain)
{
	for (unsigned int i = 0; i < VIOMMU_ENDPOINTS; i++)
		if (m->endpoints[i].attached && m->endpoints[i].domain == domain)
			return m->endpoints[i].bypass;
	return false;
}

/* ---- requests ---- */

static uint8_t attach(struct viommu *m, const uint8_t *p)
{
	uint32_t domain = (uint32_t)get(p + 4, 4), flags = (uint32_t)get(p + 12, 4);
	int e = find_endpoint(m, (uint32_t)get(p + 8, 4));

	if (!all_zero(p + 16, 4) || flags > 1 ||
	    (flags && !(m->v.accepted & VIOMMU_BYPASS_CONFIG)))
		return INVAL;
	if (domain < get(m->v.config + 24, 4) || domain > get(m->v.config + 28, 4))
		return RANGE;
	if (e < 0)
		return NOENT;
	if (users(m, domain) && is_bypass(m, domain) != flags)
		return INVAL;
	if (m->endpoints[e].attached && m->endpoints[e].domain != domain) {
		if (m->no_replace)
			return UNSUPP;
		let_go(m, e);
	}
	m->endpoints[e].attached = true;
	m->endpoints[e].domain = domain;
	m->endpoints[e].bypass = flags;
	return OK;
}

static uint8_t detach(struct viommu *m, const uint8_t *p)
{
	int e = find_endpoint(m, (uint32_t)get(p + 8, 4));

	if (e < 0)
		return NOENT;
	if (!m->endpoints[e].attached || m->endpoints[e].domain != get(p + 4, 4))
		return INVAL;
	let_go(m, e);
	return OK;
}

static uint8_t map(struct viommu *m, const uint8_t *p)
{
	uint32_t domain = (uint32_t)get(p + 4, 4), flags = (uint32_t)get(p + 32, 4);
	uint64_t first = get(p + 8, 8), last = get(p + 16, 8), pa = get(p + 24, 8);
	int free_one = -1;

	if (!users(m, domain))
		return NOENT;
	if (is_bypass(m, domain) || flags > 7 || first >= last)
		return INVAL;
	if ((first | pa | (last + 1)) & 0xfff || first < get(m->v.config + 8, 8) ||
	    last > get(m->v.config + 16, 8))
		return RANGE;
	for (int i = 0; i < (int)VIOMMU_MAPPINGS; i++) {
		if (!m->mappings[i].used)
			free_one = i;
		else if (m->mappings[i].domain == domain && first <= m->mappings[i].last &&
			 last >= m->mappings[i].first)
			return INVAL;
	}
	if (free_one < 0)
		return NOMEM;
	m->mappings[free_one].domain = domain;
	m->mappings[free_one].first = first;
	m->mappings[free_one].last = last;
	m->mappings[free_one].pa = pa;
	m->mappings[free_one].flags = flags;
	m->mappings[free_one].used = true;
	return OK;
}

static uint8_t unmap(struct viommu *m, const uint8_t *p)
{
	uint32_t domain = (uint32_t)get(p + 4, 4);
	uint64_t first = get(p + 8, 8), last = get(p + 16, 8);

	if (!users(m, domain))
		return NOENT;
	if (is_bypass(m, domain) || !all_zero(p + 24, 4))
		return INVAL;
	for (unsigned int i = 0; i < VIOMMU_MAPPINGS; i++)
		if (m->mappings[i].used && m->mappings[i].domain == domain &&
		    first <= m->mappings[i].last && last >= m->mappings[i].first &&
		    (first > m->mappings[i].first || last < m->mappings[i].last))
			return RANGE;
	for (unsigned int i = 0; i < VIOMMU_MAPPINGS; i++)
		if (m->mappings[i].domain == domain && first <= m->mappings[i].first &&
		    last >= m->mappings[i].last)
			m->mappings[i].used = false;
	return OK;
}

static uint8_t probe(struct viommu *m, struct vmodel_request *r)
{
	if (!(m->v.accepted & VIOMMU_PROBE) || r->out_bytes != PROBE_SIZE + 4)
		return INVAL;
	if (find_endpoint(m, (uint32_t)get(r->in + 4, 4)) < 0)
		return NOENT;
	memcpy(r->out, m->properties, m->nr_properties);
	return OK;
}

static bool serve(struct vmodel *model, struct vmodel_request *r)
{
	static const uint32_t sizes[] = { 0, 20, 20, 36, 28, 72 };
	struct viommu *m = (struct viommu *)model;
	unsigned int type = r->in[0];
	uint8_t status = UNSUPP;

	assert_true(type >= 1 && type <= 5 && r->in_bytes == sizes[type]);
	assert_true(all_zero(r->in + 1, 3) && r->out_bytes >= 4);
	m->requests[type]++;
	if (m->fail_nth && type == m->fail_type && --m->fail_nth == 0) {
		if (m->fail_status == 0xff)
			return true; /* with nothing written */
		if (m->fail_status == 0xfe)
			return false;
		status = m->fail_status;
	} else {
		switch (type) {
		case VIOMMU_ATTACH: status = attach(m, r->in); break;
		case VIOMMU_DETACH: status = detach(m, r->in); break;
		case VIOMMU_MAP: status = map(m, r->in); break;
		case VIOMMU_UNMAP: status = unmap(m, r->in); break;
		default: status = probe(m, r); break;
		}
	}
	r->written = r->out_bytes;
	r->out[r->written - 4] = status;
	return true;
}

/* ---- accesses ---- */

static bool refuse(struct viommu *m, uint8_t reason, uint32_t endpoint, uint64_t address, bool write)
{
	uint8_t report[24] = { reason };

	put(report + 4, 4, (write ? 2 : 1) | 0x100);
	put(report + 8, 4, endpoint);
	put(report + 16, 8, address);
	vmodel_push(&m->v, 1, report, sizeof(report));
	return false;
}

/* Return: 0 it passes; or why not, as a report says it. */
static uint8_t look(const struct viommu *m, int e, uint64_t address, bool write, uint64_t *out_pa)
{
	*out_pa = address;
	if (!m->endpoints[e].attached) {
		/* Unattached: as the configuration says, whether the driver took the feature or not. */
		bool bypass = m->v.offered & VIOMMU_BYPASS_CONFIG ? m->v.config[36] & 1
								   : m->v.accepted & 0x8;

		return !bypass;
	}
	if (m->endpoints[e].bypass)
		return 0;
	for (unsigned int i = 0; i < VIOMMU_MAPPINGS; i++) {
		if (!m->mappings[i].used || m->mappings[i].domain != m->endpoints[e].domain ||
		    address < m->mappings[i].first || address > m->mappings[i].last)
			continue;
		if (!(m->mappings[i].flags & (write ? 2 : 1)))
			break;
		*out_pa = m->mappings[i].pa + (address - m->mappings[i].first);
		return 0;
	}
	return 2;
}

bool viommu_access(struct viommu *m, uint32_t endpoint, uint64_t address, bool write,
		   uint64_t *out_pa)
{
	int e = find_endpoint(m, endpoint);
	uint8_t reason;

	assert_true(e >= 0);
	reason = look(m, e, address, write, out_pa);
	return !reason || refuse(m, reason, endpoint, address, write);
}

bool viommu_would_pass(const struct viommu *m, uint32_t endpoint, uint64_t address)
{
	int e = find_endpoint(m, endpoint);
	uint64_t pa;

	assert_true(e >= 0);
	return !look(m, e, address, true, &pa);
}

bool viommu_attached(const struct viommu *m, uint32_t endpoint)
{
	int e = find_endpoint(m, endpoint);

	return e >= 0 && m->endpoints[e].attached;
}

void viommu_leave(struct viommu *m, uint32_t endpoint, uint32_t domain, uint64_t address, uint64_t pa)
{
	int e = find_endpoint(m, endpoint);
	unsigned int i = 0;

	assert_true(e >= 0);
	while (m->mappings[i].used)
		i++;
	m->endpoints[e].attached = true;
	m->endpoints[e].domain = domain;
	m->mappings[i].domain = domain;
	m->mappings[i].first = address;
	m->mappings[i].last = address + 4095;
	m->mappings[i].pa = pa;
	m->mappings[i].flags = 3;
	m->mappings[i].used = true;
}

/* ---- life ---- */

static void on_reset(struct vmodel *model)
{
	struct viommu *m = (struct viommu *)model;

	for (int i = 0; i < (int)VIOMMU_ENDPOINTS; i++)
		if (m->endpoints[i].attached && !m->forgets_nothing)
			let_go(m, i);
	if (model->accepted && model->status & 4 && model->config[36])
		m->bypass_on_reset++;
}

void viommu_endpoint(struct viommu *m, uint32_t id)
{
	for (unsigned int i = 0; i < VIOMMU_ENDPOINTS; i++) {
		if (m->endpoints[i].there)
			continue;
		m->endpoints[i].there = true;
		m->endpoints[i].id = id;
		return;
	}
	fail_msg("too many endpoints");
}

void viommu_property(struct viommu *m, uint8_t subtype, uint64_t first, uint64_t last)
{
	uint8_t *p = m->properties + m->nr_properties;

	put(p, 2, 1);
	put(p + 2, 2, 20);
	put(p + 4, 4, subtype);
	put(p + 8, 8, first);
	put(p + 16, 8, last);
	m->nr_properties += 24;
}

void viommu_init(struct viommu *m, bool pci)
{
	vmodel_init(&m->v, pci);
	memset((uint8_t *)m + sizeof(m->v), 0, sizeof(*m) - sizeof(m->v));
	m->v.type = 23;
	m->v.offered |= VIOMMU_ALL;
	m->v.serve = serve;
	m->v.on_reset = on_reset;
	put(m->v.config, 8, ~0xfffull);
	put(m->v.config + 8, 8, 0x10000);
	put(m->v.config + 16, 8, 0xffffffffffff);
	put(m->v.config + 24, 4, 5);
	put(m->v.config + 28, 4, 8);
	put(m->v.config + 32, 4, PROBE_SIZE);
	m->v.config[36] = 1;
}
