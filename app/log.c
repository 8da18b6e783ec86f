/* Log lines with a subject, to standard error or syslog, one write each, none
 * waited for. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "utf8.h"

enum {
    LINE_MAX_BYTES = 2000, /* with its line feed; a pipe takes 4096 at once */
    LINE_END = 3,          /* bytes behind a message */
    FIELD_MAX_BYTES = 400, /* of a text, which quoting may double */
    DAEMON = 3 << 3,       /* syslog's facility (RFC 3164, 4.1.1) */
};

static const struct {
    const char *name;
    int severity; /* syslog's, and the journal's: see sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARN] = {"warn", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

static enum log_level highest = LOG_LEVEL_INFO;
static enum log_format format_of_lines = LOG_PLAIN;
static const char *process = "newsfeed";
static const char *request;

static enum {
    AS_IT_IS,
    BY_SEND,
    BY_SPLICE,
} way;
static int output = STDERR_FILENO;
static bool in_journal;
static bool is_cut; /* the last line was taken in part */

/* Connected to nothing: who listens there may come and go. */
static int syslog_fd = -1;
static struct sockaddr_un syslog_address; /* "": standard error */

/* Lines that nobody took, of all processes. */
static _Atomic uint64_t own_lost;
static _Atomic uint64_t *lost = &own_lost;

/* Where standard error goes */

/* Whether it is what systemd named "device:inode". */
static bool is_journal(const struct stat *st)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char name[48];

    snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st->st_dev,
        (unsigned long long)st->st_ino);
    return stream && strcmp(stream, name) == 0;
}

/* O_NONBLOCK on descriptor 2 would hold for everybody who has it, the shell
 * that started us among them: we open what it leads to once more. Whoever may
 * not, as with a pipe that root made, moves lines into the pipe. */
void log_open(void)
{
    struct stat st;

    void *memory = mmap(NULL, sizeof(*lost), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED)
        lost = memory;
    if (fstat(STDERR_FILENO, &st) < 0)
        return;
    in_journal = is_journal(&st);
    if (S_ISSOCK(st.st_mode))
        way = BY_SEND;
    else if (S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO)) {
        int own = open(
            "/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0)
            output = own;
        else if (S_ISFIFO(st.st_mode))
            way = BY_SPLICE;
    }
}

/* What lies in a pipe of this process moves into another one at once, whole,
 * or not at all. */
static ssize_t splice_text(const char *text, size_t len)
{
    static int ends[2];
    static pid_t owner;

    if (owner != getpid()) {
        if (owner) { /* the parent's */
            close(ends[0]);
            close(ends[1]);
        }
        owner = pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 ? getpid() : 0;
    }
    if (!owner || write(ends[1], text, len) != (ssize_t)len)
        return -1;
    ssize_t moved =
        splice(ends[0], NULL, STDERR_FILENO, NULL, len, SPLICE_F_NONBLOCK);
    if (moved < 0) {
        char scrap[LINE_MAX_BYTES];
        if (read(ends[0], scrap, sizeof(scrap)) < 0)
            return -1;
    }
    return moved;
}

static ssize_t put_some(const char *text, size_t len)
{
    switch (way) {
    case BY_SEND:
        return send(STDERR_FILENO, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    case BY_SPLICE:
        return splice_text(text, len);
    default:
        return write(output, text, len);
    }
}

/* True if all of it was taken. Pipes and sockets take a line whole or not at
 * all; a terminal that is held up may take a part, and then gets its end. */
static bool put(const char *text, size_t len)
{
    if (is_cut && put_some("\n", 1) != 1)
        return false;
    ssize_t done = put_some(text, len);
    is_cut = done > 0 && (size_t)done < len;
    return done == (ssize_t)len;
}

static bool send_to_syslog(const char *text, size_t len)
{
    return sendto(syslog_fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL,
               (const struct sockaddr *)&syslog_address,
               sizeof(syslog_address)) == (ssize_t)len;
}

/* Lines */

void log_set_level(enum log_level level)
{
    highest = level;
}

void log_set_format(enum log_format format)
{
    format_of_lines = format;
}

void log_set_output(const char *name)
{
    syslog_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (*name != '/')
        return;
    if (syslog_fd < 0)
        syslog_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strncpy(syslog_address.sun_path, name, LOG_OUTPUT_MAX);
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
    size_t start; /* behind what is for syslog or the journal */
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

/* As JSON has it, up to so many bytes of it, and as the line has room for with
 * its end. */
static void add_quoted(struct line *line, const char *text, size_t most)
{
    add(line, "\"");
    for (size_t i = 0; i < most && text[i]; i++) {
        if (line->len + 2 + LINE_END >= sizeof(line->text))
            break;
        if (text[i] == '"' || text[i] == '\\')
            line->text[line->len++] = '\\';
        line->text[line->len++] = text[i];
    }
    add(line, "\"");
}

/* What came from outside must not be able to forge a line or to steer a
 * terminal: no control characters, also those of two bytes (U+0080 to U+009F),
 * and no bytes that are no UTF-8, which a terminal may take for such. */
static void mask(struct line *line)
{
    size_t step;

    for (size_t i = 0; i < line->len; i += step) {
        unsigned char *c = (unsigned char *)line->text + i;
        step = utf8_measure(line->text + i, line->len - i);
        bool is_control =
            *c < 0x20 || *c == 0x7f || (*c == 0xc2 && step == 2 && c[1] < 0xa0);
        if (step > 0 && !is_control)
            continue;
        if (step == 0)
            step = 1;
        memset(c, '?', step);
    }
}

/* What is said of each line. */
static void begin(struct line *line, enum log_level level, const char *subject)
{
    int severity = levels[level].severity;

    line->len = 0;
    if (*syslog_address.sun_path)
        add(line, "<%d>newsfeed[%d]: ", DAEMON | severity, (int)getpid());
    else if (in_journal)
        add(line, "<%d>", severity);
    line->start = line->len;
    if (format_of_lines == LOG_JSON) {
        add(line, "{\"time\":\"");
        add_time(line);
        add(line, "\",\"level\":\"%s\",\"process\":\"%s\",\"pid\":%d",
            levels[level].name, process, (int)getpid());
        if (request)
            add(line, ",\"request_id\":\"%s\"", request);
        add(line, ",\"subject\":\"%s\"", subject);
        return;
    }
    add_time(line);
    add(line, " %s %s[%d]", levels[level].name, process, (int)getpid());
    if (request)
        add(line, " %s", request);
    add(line, " %s:", subject);
}

static bool end(struct line *line)
{
    if (format_of_lines == LOG_JSON)
        add(line, "}");
    mask(line);
    if (*syslog_address.sun_path && send_to_syslog(line->text, line->len))
        return true;
    line->text[line->len++] = '\n';
    size_t skipped = *syslog_address.sun_path ? line->start : 0;
    return put(line->text + skipped, line->len - skipped);
}

static bool print_line(enum log_level level, const char *subject,
    const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static bool print_line(
    enum log_level level, const char *subject, const char *format, va_list args)
{
    struct line line;
    char message[LINE_MAX_BYTES];

    begin(&line, level, subject);
    if (format_of_lines == LOG_JSON) {
        vsnprintf(message, sizeof(message), format, args);
        add(&line, ",\"message\":");
        add_quoted(&line, message, sizeof(message));
    } else {
        add(&line, " ");
        vadd(&line, format, args);
    }
    return end(&line);
}

/* Plainly, what would be taken for the next one is quoted. */
static void add_field(struct line *line, const struct log_field *field)
{
    bool is_json = format_of_lines == LOG_JSON;

    add(line, is_json ? ",\"%s\":" : " %s=", field->name);
    if (!field->text && field->is_us)
        add(line, "%" PRId64 ".%03" PRId64, field->number / 1000,
            field->number % 1000);
    else if (!field->text)
        add(line, "%" PRId64, field->number);
    else if (is_json || *field->text == '\0' || strpbrk(field->text, " \"="))
        add_quoted(line, field->text, FIELD_MAX_BYTES);
    else
        add(line, "%.*s", FIELD_MAX_BYTES, field->text);
}

static bool print_fields(enum log_level level, const char *subject,
    const struct log_field *fields, int count)
{
    struct line line;

    begin(&line, level, subject);
    for (int i = 0; i < count; i++)
        add_field(&line, &fields[i]);
    return end(&line);
}

static bool print_count(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static bool print_count(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bool printed = print_line(LOG_LEVEL_WARN, "log", format, args);
    va_end(args);
    return printed;
}

bool log_tell_lost(void)
{
    uint64_t count = *lost ? atomic_exchange(lost, 0) : 0;

    if (count == 0 ||
        print_count("%llu lines were lost: nobody took them in time",
            (unsigned long long)count))
        return true;
    *lost += count;
    return false;
}

static void print(enum log_level level, const char *subject, const char *format,
    va_list args) __attribute__((format(printf, 3, 0)));

static void print(
    enum log_level level, const char *subject, const char *format, va_list args)
{
    if (level > highest)
        return;
    if (!log_tell_lost() || !print_line(level, subject, format, args))
        *lost += 1;
}

void log_fields(enum log_level level, const char *subject,
    const struct log_field *fields, int count)
{
    if (level > highest)
        return;
    if (!log_tell_lost() || !print_fields(level, subject, fields, count))
        *lost += 1;
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
