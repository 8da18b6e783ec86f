/* Log lines with a subject, to standard error, one write each. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

enum {
    LINE_MAX_BYTES = 2000
}; /* with its line feed */

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static enum log_level highest = LOG_LEVEL_INFO;
static const char *process = "newsfeed";
static const char *request;

void log_set_level(enum log_level level)
{
    highest = level;
}

void log_set_process(const char *name)
{
    process = name;
}

void log_set_request(const char *request_id)
{
    request = request_id;
}

/* The line so far; what does not fit is dropped. */
struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void vadd(struct line *line, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void add(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void vadd(struct line *line, const char *format, va_list args)
{
    size_t room = sizeof(line->text) - line->len;
    int len = vsnprintf(line->text + line->len, room, format, args);

    if (len > 0)
        line->len += (size_t)len < room ? (size_t)len : room - 1;
}

static void add(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vadd(line, format, args);
    va_end(args);
}

static void add_time(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    add(line, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

/* What came from outside must not be able to forge a line or to steer a
 * terminal. */
static void mask_controls(struct line *line)
{
    for (size_t i = 0; i < line->len; i++) {
        unsigned char c = (unsigned char)line->text[i];
        if (c < 0x20 || c == 0x7f)
            line->text[i] = '?';
    }
}

static void print(enum log_level level, const char *subject, const char *format,
    va_list args) __attribute__((format(printf, 3, 0)));

static void print(
    enum log_level level, const char *subject, const char *format, va_list args)
{
    struct line line = {.len = 0};

    if (level > highest)
        return;
    add_time(&line);
    add(&line, " %s %s[%d]", level_names[level], process, (int)getpid());
    if (request)
        add(&line, " %s", request);
    add(&line, " %s: ", subject);
    vadd(&line, format, args);
    mask_controls(&line);
    line.text[line.len++] = '\n';
    if (write(STDERR_FILENO, line.text, line.len) < 0) {
        /* There is nowhere left to say so. */
    }
}

/* One function a level, so that callers' formats are checked. */
#define LEVEL(name, level)                                  \
    void name(const char *subject, const char *format, ...) \
    {                                                       \
        va_list args;                                       \
        va_start(args, format);                             \
        print(level, subject, format, args);                \
        va_end(args);                                       \
    }

LEVEL(log_error, LOG_LEVEL_ERROR)
LEVEL(log_warn, LOG_LEVEL_WARN)
LEVEL(log_info, LOG_LEVEL_INFO)
LEVEL(log_debug, LOG_LEVEL_DEBUG)

void log_lines(const char *subject, const char *lines)
{
    while (*lines) {
        int len = (int)strcspn(lines, "\n");
        log_error(subject, "%.*s", len, lines);
        lines += len + (lines[len] == '\n');
    }
}
