/* What ps shows of a process: its name in the service. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "title.h"

/* The kernel shows as a process's arguments what lies where they lay at its
 * start and, if their last byte is no longer NUL, goes on into the environment
 * behind them (get_mm_cmdline in fs/proc/base.c). */
static char *room;
static size_t room_size;

static int count(char *const *strings)
{
    int found = 0;

    while (strings[found])
        found++;
    return found;
}

/* Adds strings to the room that lie right behind it. */
static void take_room(char *const *strings)
{
    for (int i = 0; strings[i]; i++)
        if (strings[i] == room + room_size)
            room_size += strlen(strings[i]) + 1;
}

static char **copy(char *const *strings)
{
    int total = count(strings);
    char **copies = calloc((size_t)total + 1, sizeof(*copies));
    bool is_whole = copies;

    for (int i = 0; is_whole && i < total; i++)
        is_whole = (copies[i] = strdup(strings[i])) != NULL;
    return is_whole ? copies : NULL;
}

char **title_open(int argc, char **argv)
{
    static char **arguments, **environment; /* kept: setenv() moves on */

    arguments = copy(argv);
    environment = copy(environ);

    if (argc < 1 || !arguments || !environment)
        return argv;
    room = argv[0];
    take_room(argv);
    take_room(environ);
    environ = environment;
    return arguments;
}

void title_set(const char *format, ...)
{
    va_list args;

    if (!room)
        return;
    memset(room, 0, room_size);
    va_start(args, format);
    vsnprintf(room, room_size, format, args);
    va_end(args);
}
