// SPDX-License-Identifier: MIT
/* The timeline as one SVG: a row a device, from when it is added to the end of the run. */
#include "report.h"

#define ROW 16
#define NAMES 240
#define WIDTH 1200
#define TOP 30

static const char *const colours[] = { "#3fae78", "#e9a23b", "#e0555b", "#b6bdc9", "#d5dae2" };

static void put_text(const char *text, FILE *f)
{
	for (; *text; text++) {
		switch (*text) {
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '&': fputs("&amp;", f); break;
		case '"': fputs("&quot;", f); break;
		default: fputc(*text, f); break;
		}
	}
}

static double x_of(uint64_t ns, uint64_t end)
{
	return NAMES + (double)ns / (double)end * (WIDTH - NAMES - 20);
}

static void bar(FILE *f, uint64_t from, uint64_t to, uint64_t end, size_t row, enum report_state s)
{
	double x = x_of(from, end), width = x_of(to, end) - x;

	fprintf(f, "<rect x=\"%.1f\" y=\"%zu\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", x,
		TOP + row * ROW + 3, width < 1 ? 1 : width, ROW - 6, colours[s]);
}

static void row(const struct report *p, size_t i, uint64_t end, FILE *f)
{
	const struct record_event *all = p->r->record.events;
	enum report_state last = report_state_of(p, p->devices[i]);
	enum report_state now = last >= REPORT_NO_DRIVER ? last : REPORT_WAITING;
	uint64_t from = 0;
	char words[500];

	report_words_slack(p, i, words, sizeof(words));
	fprintf(f, "<g><title>");
	put_text(words, f);
	fprintf(f, "</title><text x=\"8\" y=\"%zu\">", TOP + i * ROW + 12);
	put_text(weir_device_name(p->devices[i]), f);
	fprintf(f, "</text>\n");
	for (size_t k = p->first_event[i]; k < p->first_event[i + 1]; k++) {
		const struct record_event *e = &all[p->events[k]];
		bool bound = e->type == WEIR_EVENT_BOUND, failed = e->type == WEIR_EVENT_PROBE_FAILED;

		if (e->type == WEIR_EVENT_DEVICE_ADD)
			from = e->time_ns;
		if (!bound && !failed && e->type != WEIR_EVENT_REMOVE)
			continue;
		bar(f, from, e->time_ns, end, i, now);
		from = e->time_ns;
		now = bound ? REPORT_UP : failed ? REPORT_FAILED : REPORT_WAITING;
	}
	bar(f, from, end, end, i, now);
	fprintf(f, "</g>\n");
}

int timeline_svg(const struct report *p, FILE *f)
{
	uint64_t end = report_end_ns(p);
	size_t height = TOP + p->n * ROW + 10;

	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
		"viewBox=\"0 0 %d %zu\">\n<style>text { font: 11px sans-serif; fill: #1c2330 }</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, height, WIDTH, height);
	for (int k = 0; k <= 6; k++) {
		double x = x_of(end / 6 * (uint64_t)k, end);

		fprintf(f, "<text x=\"%.1f\" y=\"14\">%.3f s</text><line x1=\"%.1f\" x2=\"%.1f\" y1=\"20\" "
			"y2=\"%zu\" stroke=\"#dde1e8\"/>\n", x - (k == 6 ? 40 : 0),
			(double)end / 6e9 * k, x, x, height);
	}
	for (size_t i = 0; i < p->n; i++)
		row(p, i, end, f);
	fprintf(f, "</svg>\n");
	return ferror(f) ? WEIR_EIO : 0;
}
