/* The main of every test program: its tests, each in a process of its own. */
#ifndef NEWSFEED_TEST_RUNNER_H
#define NEWSFEED_TEST_RUNNER_H

#include <check.h>

/* What the program tests: it names its tests, and what goes around them. */
void add_tests(TCase *tests);

#endif
