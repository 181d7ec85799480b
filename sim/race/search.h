// SPDX-License-Identifier: MIT
/*
 * A search through schedules: run after run, each with other choices, until every state that
 * can be reached was reached, or a number of runs is spent. Or runs with choices by
 * chance, from a seed; or one run with choices that are given.
 *
 * A run is made anew from its beginning; the search says what is chosen. What was chosen is
 * a string with a digit (0-9, a-f) for each choice: the number of the task that went on.
 */
#ifndef WEIR_SIM_RACE_SEARCH_H
#define WEIR_SIM_RACE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RACE_MAX_CHOICES 4096 /* in a run */

struct race_search;

struct race_search_stats {
	uint64_t runs, states;
	bool all; /* every state was gone on from in every way, or each within bounds */
	double orders; /* then: how many there are, all of which these runs stand for; 0: no number */
};

/* @seed: 0 to go everywhere; otherwise by chance. NULL without memory. */
struct race_search *race_search_create(uint64_t seed);
/*
 * Goes everywhere that departs at most so often from the plain schedule, in which a task goes on as long
 * as it can, and then the first one that can. Nothing is asked of states: each schedule is one run.
 * NULL without memory.
 */
struct race_search *race_search_create_bounded(unsigned int departures);
/* Of one run. @schedule is copied. */
struct race_search *race_search_create_replay(const char *schedule);
void race_search_destroy(struct race_search *s);

/*
 * A run begins. false: there is none left to do, or memory is out (race_search_failed()).
 */
bool race_search_begin(struct race_search *s);
/* Whether the next choice looks at the state: not while choices of an earlier run are repeated. */
bool race_search_looks(const struct race_search *s);
/*
 * One of @n tasks is to go on; @running: index of the one that runs, or -1. @state: where all
 * is that matters. Return: an index.
 */
int race_search_choose(struct race_search *s, uint64_t state, const int *tasks, int n, int running);

/* This run came to a state that was met before: what is left of it says nothing new. */
bool race_search_is_known(const struct race_search *s);
/* Of the run so far; valid until the next one begins. */
const char *race_search_schedule(const struct race_search *s);
/* How often another task went on than the one that ran: least is easiest to read. */
unsigned int race_search_switches(const struct race_search *s);
/* Out of memory, a run with too many choices, or a schedule that does not fit: which; or NULL. */
const char *race_search_failed(const struct race_search *s);
void race_search_stats(const struct race_search *s, struct race_search_stats *out_stats);

#endif
