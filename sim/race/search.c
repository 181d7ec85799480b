// SPDX-License-Identifier: MIT
/*
 * See search.h. Depth first: the choices of the last run are kept as a stack; the next run
 * repeats all but the last that has something left to try. A state that was met before is not
 * gone on from again: that run goes on without leaving choices.
 */
#include "race/search.h"

#include <stdlib.h>
#include <string.h>

struct node {
	uint8_t n, taken; /* of taken's order: see nth() */
	uint64_t state;
	double orders;    /* that begin with what was taken so far, or before */
};

/* A state that was met. */
struct seen {
	uint64_t state; /* 0: free */
	double orders;  /* in which one can go on from it; below 0: not known yet */
};

struct race_search {
	uint64_t seed, random;
	bool bounded;
	unsigned int bound, departed;
	char *replay;
	struct node *stack;
	size_t depth, at;     /* of the stack; choices made in this run */
	bool cut;             /* this run came to a state that was met before */
	char *schedule;
	unsigned int switches;
	struct seen *seen;    /* open addressing */
	size_t nr_seen, room;
	uint64_t runs;
	double met, orders;   /* of the state that cut this run; in all */
	bool rounds;          /* a state came again in one run: orders have no number */
	bool all;
	const char *failed;
};

static struct race_search *create(void)
{
	struct race_search *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->stack = calloc(RACE_MAX_CHOICES, sizeof(*s->stack));
	s->schedule = calloc(1, RACE_MAX_CHOICES + 1);
	s->room = 1024;
	s->seen = calloc(s->room, sizeof(*s->seen));
	if (!s->stack || !s->schedule || !s->seen) {
		race_search_destroy(s);
		return NULL;
	}
	return s;
}

struct race_search *race_search_create(uint64_t seed)
{
	struct race_search *s = create();

	if (s)
		s->seed = s->random = seed;
	return s;
}

struct race_search *race_search_create_bounded(unsigned int departures)
{
	struct race_search *s = create();

	if (s) {
		s->bounded = true;
		s->bound = departures;
	}
	return s;
}

struct race_search *race_search_create_replay(const char *schedule)
{
	struct race_search *s = create();

	if (!s)
		return NULL;
	s->replay = strdup(schedule);
	if (!s->replay) {
		race_search_destroy(s);
		return NULL;
	}
	return s;
}

void race_search_destroy(struct race_search *s)
{
	if (!s)
		return;
	free(s->replay);
	free(s->stack);
	free(s->schedule);
	free(s->seen);
	free(s);
}

/* Where a state is, or could be. */
static struct seen *find(const struct race_search *s, uint64_t state)
{
	size_t at;

	at = state & (s->room - 1);
	while (s->seen[at].state && s->seen[at].state != state)
		at = (at + 1) & (s->room - 1);
	return &s->seen[at];
}

/* What the last run adds goes to its choices, from the last to the first that has more to try. */
static bool next(struct race_search *s)
{
	double orders = s->cut ? s->met : 1;

	while (s->depth) {
		struct node *last = &s->stack[s->depth - 1];

		last->orders += orders;
		if (++last->taken < last->n)
			return true;
		orders = last->orders;
		if (!s->bounded)
			find(s, last->state)->orders = orders;
		s->depth--;
	}
	s->orders = orders;
	return false;
}

bool race_search_begin(struct race_search *s)
{
	if (s->failed || s->all || (s->replay && s->runs))
		return false;
	if (s->runs && !s->seed && !next(s)) {
		s->all = true;
		return false;
	}
	s->at = 0;
	s->cut = false;
	s->switches = s->departed = 0;
	s->runs++;
	return true;
}

static bool grow(struct race_search *s)
{
	struct seen *old = s->seen;
	size_t room = s->room;

	s->seen = calloc(room * 2, sizeof(*s->seen));
	if (!s->seen) {
		s->seen = old;
		s->failed = "out of memory";
		return false;
	}
	s->room = room * 2;
	for (size_t i = 0; i < room; i++)
		if (old[i].state)
			*find(s, old[i].state) = old[i];
	free(old);
	return true;
}

/* A state that is met for the first time; NULL without memory. */
static struct seen *meet(struct race_search *s, uint64_t state)
{
	struct seen *at;

	if (s->nr_seen * 2 >= s->room && !grow(s))
		return NULL;
	at = find(s, state);
	*at = (struct seen){ .state = state, .orders = -1 };
	s->nr_seen++;
	return at;
}

/* Who runs goes on at first, so that the first schedules have few switches. */
static int nth(int n, int running, int taken)
{
	if (running < 0)
		return taken;
	if (!taken)
		return running;
	return taken <= running && taken < n ? taken - 1 : taken;
}

static int go_everywhere(struct race_search *s, uint64_t state, int n, int running)
{
	const struct seen *met;

	if (s->at < s->depth)
		return nth(n, running, s->stack[s->at].taken);
	if (s->cut)
		return nth(n, running, 0);
	state += !state;
	met = find(s, state);
	if (met->state) {
		s->cut = true;
		s->met = met->orders;
		s->rounds = s->rounds || met->orders < 0;
	} else if (meet(s, state)) {
		s->stack[s->depth++] = (struct node){ .n = (uint8_t)n, .state = state };
	}
	return nth(n, running, 0);
}

static int go_within(struct race_search *s, int n, int running)
{
	int ways = s->departed == s->bound ? 1 : n;

	if (s->at == s->depth)
		s->stack[s->depth++] = (struct node){ .n = (uint8_t)ways };
	else if (s->stack[s->at].n != ways)
		s->failed = "the same choices did not lead to the same choice";
	s->departed += s->stack[s->at].taken != 0;
	return nth(n, running, s->stack[s->at].taken);
}

static uint64_t chance(struct race_search *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int as_given(struct race_search *s, const int *tasks, int n, int running)
{
	size_t given = strlen(s->replay);

	if (s->at >= given)
		return running < 0 ? 0 : running;
	for (int i = 0; i < n; i++)
		if (tasks[i] == digit(s->replay[s->at]))
			return i;
	s->failed = "the schedule is not one of this board, kernel and policy";
	return 0;
}

bool race_search_looks(const struct race_search *s)
{
	return !s->replay && !s->bounded && (s->seed || (s->at >= s->depth && !s->cut));
}

int race_search_choose(struct race_search *s, uint64_t state, const int *tasks, int n, int running)
{
	int which;

	if (s->at == RACE_MAX_CHOICES) {
		s->failed = "a run with too many choices";
		return running < 0 ? 0 : running;
	}
	if (s->replay) {
		which = as_given(s, tasks, n, running);
	} else if (s->seed) {
		state += !state;
		if (!find(s, state)->state)
			(void)meet(s, state);
		which = (int)(chance(s) % (uint64_t)n);
	} else if (s->bounded) {
		which = go_within(s, n, running);
	} else {
		which = go_everywhere(s, state, n, running);
	}
	s->switches += running >= 0 && which != running;
	s->schedule[s->at++] = "0123456789abcdef"[tasks[which]];
	s->schedule[s->at] = '\0';
	return which;
}

bool race_search_is_known(const struct race_search *s)
{
	return s->cut;
}

const char *race_search_schedule(const struct race_search *s)
{
	return s->at ? s->schedule : "";
}

unsigned int race_search_switches(const struct race_search *s)
{
	return s->switches;
}

const char *race_search_failed(const struct race_search *s)
{
	return s->failed;
}

void race_search_stats(const struct race_search *s, struct race_search_stats *out_stats)
{
	*out_stats = (struct race_search_stats){ .runs = s->runs, .states = s->nr_seen,
						 .all = s->all,
						 .orders = s->rounds || s->seed ? 0 : s->orders };
}
