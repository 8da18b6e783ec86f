/* The exit codes of the master's processes, by which they tell it what to do
 * when they have ended. With any other, and when killed, a process has failed
 * and is replaced within a limit. */
#ifndef NEWSFEED_EXIT_H
#define NEWSFEED_EXIT_H

enum {
    EXIT_RETIRED = 0,        /* done, or asked to stop: replace it */
    EXIT_DO_NOT_RESTART = 2, /* would fail the same way again */
};

#endif
