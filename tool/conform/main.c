// SPDX-License-Identifier: MIT
/*
 * weir-conform: the command line, the threads, the table.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conform.h"

struct work {
	struct conform_jobs jobs;
	size_t next, done;
	bool progress;
	pthread_mutex_t lock;
};

static const char usage_text[] =
	"usage: weir-conform [-j N] DTB-or-DIR RESULT-or-DIR...\n"
	"\n"
	"Runs the profile linux-6.12 with the inputs of each recorded answer and compares\n"
	"it with the answer, field by field. Trees and answers may be compressed (.xz).\n"
	"In a directory of trees the tree NAME.dtb belongs to the answers NAME.json and\n"
	"NAME.LABEL.json; VENDOR__BOARD.json also to VENDOR/BOARD.dtb.\n"
	"\n"
	"  -j N, --jobs=N   boards at the same time (number of processors)\n"
	"  -h, --help       this text\n"
	"\n"
	"Prints the first difference of each board that is not equal, then a table of\n"
	"sets. Exit status: 0 all equal, 1 some are not, 2 bad usage or input.\n";

static void *worker(void *arg)
{
	struct work *w = arg;

	for (;;) {
		struct conform_job *job;

		pthread_mutex_lock(&w->lock);
		job = w->next < w->jobs.n ? &w->jobs.jobs[w->next++] : NULL;
		if (w->progress && w->next % 16 == 0)
			fprintf(stderr, "\r%zu of %zu ", w->next, w->jobs.n);
		pthread_mutex_unlock(&w->lock);
		if (!job)
			return NULL;
		conform_run(job);
	}
}

static void run_all(struct work *w, long threads)
{
	pthread_t *t = calloc((size_t)threads, sizeof(*t));
	long started = 0;

	pthread_mutex_init(&w->lock, NULL);
	while (t && started + 1 < threads && !pthread_create(&t[started], NULL, worker, w))
		started++;
	worker(w);
	while (started)
		pthread_join(t[--started], NULL);
	free(t);
	if (w->progress)
		fprintf(stderr, "\r%40s\r", "");
}

/* One line a set, in order of first appearance. Return: how many jobs are unequal. */
static size_t print_table(const struct conform_jobs *jobs)
{
	size_t all_equal = 0;

	printf("%-28s %8s %10s\n", "set", "equal", "compared");
	for (size_t i = 0; i < jobs->n; i++) {
		size_t equal = 0, n = 0;
		bool first = true;

		for (size_t j = 0; j < jobs->n; j++) {
			if (strcmp(jobs->jobs[j].set, jobs->jobs[i].set))
				continue;
			first = first && j >= i;
			equal += jobs->jobs[j].equal;
			n++;
		}
		if (!first)
			continue;
		printf("%-28s %8zu %10zu\n", jobs->jobs[i].set, equal, n);
		all_equal += equal;
	}
	printf("%-28s %8zu %10zu\n", "all", all_equal, jobs->n);
	return jobs->n - all_equal;
}

static long parse_jobs(const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || *end || end == text || n < 1 || n > 1024) {
		fprintf(stderr, "weir-conform: -j %s: a number from 1 to 1024 is needed\n", text);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "jobs", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct work w = { .progress = isatty(STDERR_FILENO) };
	long threads = sysconf(_SC_NPROCESSORS_ONLN);
	size_t unequal;
	int opt, bad = 0;

	while ((opt = getopt_long(argc, argv, "j:h", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			threads = parse_jobs(optarg);
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (argc - optind < 2) {
		fputs(usage_text, stderr);
		return 2;
	}
	for (int i = optind + 1; i < argc; i++)
		bad |= conform_jobs_add(&w.jobs, argv[optind], argv[i]);
	if (bad) {
		conform_jobs_free(&w.jobs);
		return 2;
	}
	run_all(&w, threads < 1 ? 1 : threads);
	for (size_t i = 0; i < w.jobs.n; i++)
		if (!w.jobs.jobs[i].equal)
			printf("%s/%s: %s\n", w.jobs.jobs[i].set, w.jobs.jobs[i].board,
			       w.jobs.jobs[i].difference);
	unequal = print_table(&w.jobs);
	conform_jobs_free(&w.jobs);
	return unequal ? 1 : 0;
}
