/* What ps shows of a process: its name in the service. */
#ifndef NEWSFEED_TITLE_H
#define NEWSFEED_TITLE_H

/* Makes room where the arguments and the environment lie, which move
 * elsewhere: returns the arguments, to be used from now on. They and the
 * environment are never freed. Without memory there will be no titles. Called
 * first of all, once. */
char **title_open(int argc, char **argv);

/* Cut where the room ends. */
void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
