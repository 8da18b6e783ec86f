/* Log lines with a subject, to standard error or syslog, one write each, none
 * waited for. */
#ifndef NEWSFEED_LOG_H
#define NEWSFEED_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

enum log_format {
    LOG_PLAIN, /* time level process[pid] request-id subject: text */
    LOG_JSON,  /* an object a line, the same in its members */
};

enum {
    LOG_OUTPUT_MAX = 100 /* bytes of a socket's path */
};

/* Finds out where standard error goes, before the first fork. From then on no
 * line is waited for: one that a pipe, a socket or a terminal does not take at
 * once is lost, and counted for all processes together. In systemd's journal
 * lines have their priority. Before, they are written plainly. */
void log_open(void);

/* Says how many lines were lost, if any, as each line does that is logged: for
 * a process that may be silent for long. False if that was not taken either. */
bool log_tell_lost(void);

/* Lines above this level are dropped; LOG_LEVEL_INFO until set. */
void log_set_level(enum log_level level);

/* LOG_PLAIN until set. */
void log_set_format(enum log_format format);

/* "stderr", or the path of a socket that takes syslog's messages (RFC 3164, as
 * of the facility daemon), such as /dev/log. What nobody takes there at once
 * goes to standard error. */
void log_set_output(const char *name);

/* What this process is in every line: "master", "worker 3", "dispatcher".
 * The string is kept, not copied. */
void log_set_process(const char *process);

/* The request that is being served, in every line until it is set to NULL;
 * kept, not copied. */
void log_set_request(const char *request_id);

/* One line: time (RFC 3339 UTC, ms), level, process[pid], request id if any,
 * subject, text. Control characters and what is no UTF-8 are printed as '?'; a
 * line is cut at 2,000 bytes, so that one write(2) puts it out whole. */
void log_error(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_warn(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_info(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_debug(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What is said of something in words that a program can take apart: name=value,
 * or members of the object. */
struct log_field {
    const char *name;
    const char *text; /* NULL: the number; at most 400 bytes are printed */
    int64_t number;
    bool is_us; /* printed in ms, with three decimals */
};

void log_fields(enum log_level level, const char *subject,
    const struct log_field *fields, int count);

/* An error line for each line of the text. */
void log_lines(const char *subject, const char *lines);

#endif
