/* Settings: one table says what exists; a file and the command line fill it. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "contract.h"
#include "release.h"

enum type {
    INTEGER,
    SWITCH, /* off, on */
    LEVEL,  /* enum log_level */
    FORMAT, /* enum log_format */
    OUTPUT, /* TEXT: where the log goes */
    TEXT,
    NAME, /* TEXT that is safe in a cache key and in nginx's settings */
};

enum {
    NAME_MAX_CHARS = 40,
    LINE_MAX_CHARS = 4096, /* of the file */
};

#define UTF8_MARK "\xef\xbb\xbf" /* some editors put it in front */
#define SPACE " \t\r\v\f"
#define NAME_CHARS \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* In the order of their values. */
static const char *const switch_words[] = {"off", "on", NULL};
static const char *const level_words[] = {
    "error", "warn", "info", "debug", NULL};
static const char *const format_words[] = {"plain", "json", NULL};

static const char *const *const words_of[] = {
    [SWITCH] = switch_words,
    [LEVEL] = level_words,
    [FORMAT] = format_words,
};

struct setting {
    const char *section;
    const char *key;
    size_t offset; /* in struct config */
    enum type type;
    const char *initial;
    int min;
    int max;
};

#define AT(section, key) \
#section, #key, offsetof(struct config, section##_##key)

/* What a setting means stands in etc/newsfeed.conf and newsfeed.conf.5. */
static const struct setting settings[] = {
    {AT(service, spec), TEXT, release_spec, 0, 0},
    {AT(service, log_level), LEVEL, "info", 0, 0},
    {AT(service, log_format), FORMAT, "plain", 0, 0},
    {AT(service, log_output), OUTPUT, "stderr", 0, 0},
    {AT(service, log_requests), SWITCH, "off", 0, 0},
    {AT(service, log_slow), INTEGER, "1000", 0, 3600000},
    {AT(service, server_timing), SWITCH, "off", 0, 0},
    {AT(service, dumpable), SWITCH, "off", 0, 0},
    {AT(service, runtime_dir), TEXT, "/run/newsfeed/state", 0, 0},

    {AT(worker, count), INTEGER, "8", 1, 256},
    {AT(worker, max_requests), INTEGER, "100000", 0, 1000000000},
    {AT(worker, request_timeout), INTEGER, "30000", 100, CONTRACT_TIMEOUT - 1},
    {AT(worker, queue_timeout), INTEGER, "5000", 1, CONTRACT_TIMEOUT - 1},
    {AT(worker, shutdown_timeout), INTEGER, "30000", 0, 3600000},

    {AT(db, conninfo), TEXT, "", 0, 0},
    {AT(db, read_conninfo), TEXT, "", 0, 0},
    {AT(db, connect_timeout), INTEGER, "400", 1, 60000},
    {AT(db, statement_timeout), INTEGER, "800", 1, 600000},
    {AT(db, prepare), SWITCH, "on", 0, 0},

    {AT(search, conninfo), TEXT, "", 0, 0},

    {AT(cache, servers), TEXT, "", 0, 0},
    {AT(cache, prefix), NAME, "nf1", 0, 0},
    {AT(cache, timeout), INTEGER, "50", 1, 10000},
    {AT(cache, retry), INTEGER, "1000", 1, 600000},
    {AT(cache, ttl), INTEGER, "3600", 1, 3600},

    {AT(feed, backfill), INTEGER, "50", 0, 1000},
    {AT(feed, inline_friends), INTEGER, "1000", 0, 100000},
    {AT(feed, idempotency_hours), INTEGER, "24", 1, 8760},
    {AT(feed, event_hours), INTEGER, "24", 1, 8760},

    {AT(dispatcher, enabled), SWITCH, "on", 0, 0},
    {AT(dispatcher, interval), INTEGER, "100", 1, 60000},
    {AT(dispatcher, piece), INTEGER, "2000", 1, 100000},

    {AT(stream, enabled), SWITCH, "on", 0, 0},
    {AT(stream, listeners), INTEGER, "10000", 1, 1000000},
    {AT(stream, listeners_each), INTEGER, "8", 1, 1000000},
    {AT(stream, heartbeat), INTEGER, "15000", 20, CONTRACT_STREAM_TIMEOUT / 2},

    {AT(kafka, servers), TEXT, "", 0, 0},
    {AT(kafka, topic), TEXT, "newsfeed", 0, 0},
    {AT(kafka, options_file), TEXT, "", 0, 0},

    {AT(webhook, urls), TEXT, "", 0, 0},
    {AT(webhook, secret_file), TEXT, "", 0, 0},
    {AT(webhook, ca_file), TEXT, "", 0, 0},
    {AT(webhook, private_addresses), SWITCH, "off", 0, 0},
    {AT(webhook, timeout), INTEGER, "10000", 1, 30000},
    {AT(webhook, retry), INTEGER, "1000", 1, 600000},
    {AT(webhook, give_up), INTEGER, "86400", 1, 2592000},

    {AT(monitor, listen), TEXT, "monitor.sock", 0, 0},
    {AT(monitor, lag_limit), INTEGER, "60000", 1, 86400000},

    {AT(auth, key_file), TEXT, "", 0, 0},
    {AT(auth, audience), TEXT, "", 0, 0},
};

enum {
    SETTING_COUNT = sizeof(settings) / sizeof(*settings)
};

/* Of two integers the first must be less, or the second forestalls it. */
static const struct order {
    size_t less; /* in struct config */
    size_t more;
    const char *otherwise;
} orders[] = {
    {offsetof(struct config, db_connect_timeout),
        offsetof(struct config, worker_request_timeout),
        "a worker is killed before it has given up to connect"},
    {offsetof(struct config, db_statement_timeout),
        offsetof(struct config, worker_request_timeout),
        "a worker is killed before its statement is given up"},
};

enum {
    ORDER_COUNT = sizeof(orders) / sizeof(*orders)
};

/* What config_load makes: the values, and the words they were given in. */
struct loaded {
    struct config config; /* first: a pointer to it is one to the whole */
    char *texts[SETTING_COUNT];
};

struct loader {
    struct loaded *loaded;
    struct buf *faults;
    const char *file; /* NULL: on the command line */
    FILE *stream;
    int line;
    int set_at[SETTING_COUNT]; /* line of the file, 0: not there */
};

static void fault(const struct loader *loader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fault(const struct loader *loader, const char *format, ...)
{
    va_list args;

    if (loader->file && loader->line > 0)
        buf_printf(loader->faults, "%s:%d: ", loader->file, loader->line);
    else
        buf_printf(
            loader->faults, "%s: ", loader->file ? loader->file : "--set");
    va_start(args, format);
    buf_vprintf(loader->faults, format, args);
    va_end(args);
    buf_puts(loader->faults, "\n");
}

static bool parse_int(const char *text, int min, int max, int *value)
{
    char *end;

    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno || end == text || *end || number < min || number > max)
        return false;
    *value = (int)number;
    return true;
}

static int find_word(const char *const *words, const char *text)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -1;
}

/* The file's comments start at " ;", so no value may hold that: it would not
 * be read back as config_print printed it. */
static bool is_text(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return !strstr(text, " ;") && *text != ';';
}

static bool is_name(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= NAME_MAX_CHARS && strspn(text, NAME_CHARS) == len;
}

static bool is_output(const char *text)
{
    return strcmp(text, "stderr") == 0 ||
           (*text == '/' && strlen(text) < LOG_OUTPUT_MAX && is_text(text));
}

/* Writes the value into its field; false if the text does not fit. */
static bool assign(
    const struct setting *setting, char *text, struct config *config)
{
    void *field = (char *)config + setting->offset;
    int word;

    switch (setting->type) {
    case INTEGER:
        return parse_int(text, setting->min, setting->max, field);
    case SWITCH:
        word = find_word(words_of[SWITCH], text);
        *(bool *)field = word > 0;
        return word >= 0;
    case LEVEL:
    case FORMAT:
        word = find_word(words_of[setting->type], text);
        memcpy(field, &word, sizeof(word));
        return word >= 0;
    case TEXT:
    case NAME:
    case OUTPUT:
        *(const char **)field = text;
        return setting->type == TEXT   ? is_text(text)
               : setting->type == NAME ? is_name(text)
                                       : is_output(text);
    }
    return false;
}

static void refuse(const struct loader *loader, const struct setting *setting,
    const char *text)
{
    struct buf right = {0};

    switch (setting->type) {
    case INTEGER:
        buf_printf(
            &right, "a whole number from %d to %d", setting->min, setting->max);
        if (setting->max == CONTRACT_TIMEOUT - 1)
            buf_puts(&right, ", less than nginx's fastcgi_read_timeout");
        break;
    case SWITCH:
        buf_puts(&right, "on or off");
        break;
    case LEVEL:
        buf_puts(&right, "error, warn, info or debug");
        break;
    case FORMAT:
        buf_puts(&right, "plain or json");
        break;
    case OUTPUT:
        buf_printf(&right,
            "stderr, or the path of syslog's socket, such as /dev/log, of less "
            "than %d characters",
            LOG_OUTPUT_MAX);
        break;
    case TEXT:
        buf_puts(&right, "text without control characters and \" ;\"");
        break;
    case NAME:
        buf_printf(&right, "1 to %d of A-Z a-z 0-9 . _ -", NAME_MAX_CHARS);
        break;
    }
    if (loader->file && strstr(text, " #"))
        buf_puts(&right, "; a comment behind a value starts with \" ;\"");
    fault(loader, "%s.%s is \"%s\", must be %s", setting->section, setting->key,
        text, buf_text(&right));
    buf_free(&right);
}

static void set(struct loader *loader, int index, const char *value)
{
    struct loaded *loaded = loader->loaded;
    char *text = strdup(value);

    if (!text) {
        fault(loader, "out of memory");
        return;
    }
    free(loaded->texts[index]);
    loaded->texts[index] = text;
    if (!assign(&settings[index], text, &loaded->config))
        refuse(loader, &settings[index], text);
}

static bool is_section(const char *name)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        if (strcmp(settings[i].section, name) == 0)
            return true;
    return false;
}

/* -1: there is no such setting. */
static int find(const char *section, const char *key)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        if (strcmp(settings[i].section, section) == 0 &&
            strcmp(settings[i].key, key) == 0)
            return i;
    return -1;
}

static void refuse_key(
    const struct loader *loader, const char *section, const char *key)
{
    struct buf known = {0};

    for (int i = 0; i < SETTING_COUNT; i++)
        if (strcmp(settings[i].section, section) == 0)
            buf_printf(&known, " %s", settings[i].key);
    fault(loader, "[%s] has no \"%s\", it has:%s", section, key,
        buf_text(&known));
    buf_free(&known);
}

static void refuse_section(const struct loader *loader, const char *section)
{
    struct buf known = {0};

    for (int i = 0; i < SETTING_COUNT; i++)
        if (i == 0 || strcmp(settings[i].section, settings[i - 1].section) != 0)
            buf_printf(&known, " [%s]", settings[i].section);
    if (*section)
        fault(loader, "there is no section [%s], there are:%s", section,
            buf_text(&known));
    else
        fault(loader, "a key must stand in a section, of which there are:%s",
            buf_text(&known));
    buf_free(&known);
}

/* The setting's index, or -1 after a fault that lists what there is. */
static int look_up(
    const struct loader *loader, const char *section, const char *key)
{
    int index = find(section, key);

    if (index < 0 && is_section(section))
        refuse_key(loader, section, key);
    else if (index < 0)
        refuse_section(loader, section);
    return index;
}

static void take_key(struct loader *loader, const char *section,
    const char *key, const char *value)
{
    int index = look_up(loader, section, key);

    if (index < 0)
        return;
    if (loader->set_at[index])
        fault(loader, "%s.%s was already set in line %d, set it once", section,
            key, loader->set_at[index]);
    loader->set_at[index] = loader->line;
    set(loader, index, value);
}

/* Without the white space around it; cuts that off. */
static char *trim(char *text)
{
    size_t len;

    text += strspn(text, SPACE);
    for (len = strlen(text); len > 0 && strchr(SPACE, text[len - 1]); len--)
        text[len - 1] = '\0';
    return text;
}

static bool is_comment(const char *text)
{
    return *text == ';' || *text == '#';
}

/* A comment behind something starts at a ";" after white space. */
static void cut_comment(char *text)
{
    for (char *c = text + strcspn(text, ";"); *c; c += 1 + strcspn(c + 1, ";"))
        if (c > text && strchr(SPACE, c[-1])) {
            *c = '\0';
            return;
        }
}

/* "[section]", which is kept, or "key = value". */
static void take_line(struct loader *loader, char *text, char *section)
{
    char *start = trim(text);

    if (!*start || is_comment(start))
        return;
    cut_comment(start);
    start = trim(start);
    char *end = start + strlen(start) - 1;
    char *separator = strpbrk(start, "=:");

    if (*start == '[' && *end == ']') {
        *end = '\0';
        strcpy(section, start + 1);
    } else if (*start != '[' && separator) {
        *separator = '\0';
        take_key(loader, section, trim(start), trim(separator + 1));
    } else
        fault(loader, "is neither \"[section]\" nor \"key = value\" nor a "
                      "comment (# or ; in front)");
}

/* The next line without its end, or "" after a fault; false: there is none. */
static bool read_line(struct loader *loader, char *text)
{
    size_t len = 0;
    int c = getc(loader->stream);

    if (c == EOF)
        return false;
    loader->line++;
    for (; c != EOF && c != '\n'; c = getc(loader->stream)) {
        if (c == '\0') {
            fault(loader, "has a byte of value 0, so this is no text");
            return false;
        }
        if (len < LINE_MAX_CHARS)
            text[len] = (char)c;
        len++;
    }
    if (len > LINE_MAX_CHARS) {
        fault(loader, "the line has %zu characters, it may have %d", len,
            LINE_MAX_CHARS);
        len = 0;
    }
    text[len] = '\0';
    return true;
}

static void load_file(struct loader *loader, const char *file)
{
    char text[LINE_MAX_CHARS + 1];
    char section[LINE_MAX_CHARS + 1] = "";

    loader->file = file;
    loader->stream = fopen(file, "re");
    if (!loader->stream) {
        fault(loader, "cannot be opened: %s", strerror(errno));
        return;
    }
    while (read_line(loader, text)) {
        bool is_marked = loader->line == 1 &&
                         strncmp(text, UTF8_MARK, strlen(UTF8_MARK)) == 0;
        take_line(loader, text + (is_marked ? strlen(UTF8_MARK) : 0), section);
    }
    if (ferror(loader->stream))
        fault(loader, "cannot be read: %s", strerror(errno));
    fclose(loader->stream);
}

/* "section.key=value" */
static void take_override(struct loader *loader, const char *override)
{
    char *copy = strdup(override);
    char *dot = copy ? strchr(copy, '.') : NULL;
    char *equals = dot ? strchr(dot, '=') : NULL;

    if (!equals) {
        fault(loader, "\"%s\" must be section.key=value", override);
        goto out;
    }
    *dot = *equals = '\0';
    int index = look_up(loader, copy, dot + 1);
    if (index >= 0) {
        loader->set_at[index] = 0;
        set(loader, index, equals + 1);
    }
out:
    free(copy);
}

static int at_offset(size_t offset)
{
    int index = 0;

    while (settings[index].offset != offset)
        index++;
    return index;
}

static int integer(const struct loader *loader, const struct setting *setting)
{
    const char *config = (const char *)&loader->loaded->config;

    return *(const int *)(const void *)(config + setting->offset);
}

/* The place is the line of whichever stands further down in the file. */
static void check_order(
    struct loader *loader, const char *file, const struct order *order)
{
    int less = at_offset(order->less);
    int more = at_offset(order->more);
    const struct setting *low = &settings[less];
    const struct setting *high = &settings[more];

    if (integer(loader, low) < integer(loader, high))
        return;
    loader->line = loader->set_at[less] > loader->set_at[more]
                       ? loader->set_at[less]
                       : loader->set_at[more];
    loader->file = loader->line ? file : NULL;
    fault(loader, "%s.%s is %d, must be less than %s.%s, which is %d, or %s",
        low->section, low->key, integer(loader, low), high->section, high->key,
        integer(loader, high), order->otherwise);
}

bool config_load(const char *file, char *const *overrides, int count,
    struct config **config, struct buf *faults)
{
    struct loader loader = {
        .loaded = calloc(1, sizeof(struct loaded)), .faults = faults};
    size_t faults_before = faults->len;

    *config = NULL;
    if (!loader.loaded) {
        fault(&loader, "out of memory");
        return false;
    }
    for (int i = 0; i < SETTING_COUNT; i++)
        set(&loader, i, settings[i].initial);
    if (file)
        load_file(&loader, file);
    loader.file = NULL;
    for (int i = 0; i < count; i++)
        take_override(&loader, overrides[i]);
    for (int i = 0; i < ORDER_COUNT && faults->len == faults_before; i++)
        check_order(&loader, file, &orders[i]);

    if (faults->len > faults_before || faults->failed) {
        config_free(&loader.loaded->config);
        return false;
    }
    *config = &loader.loaded->config;
    return true;
}

void config_free(struct config *config)
{
    struct loaded *loaded = (struct loaded *)config;

    if (!loaded)
        return;
    for (int i = 0; i < SETTING_COUNT; i++)
        free(loaded->texts[i]);
    free(loaded);
}

void config_print(const struct config *config, struct buf *out)
{
    const struct loaded *loaded = (const struct loaded *)config;
    const char *section = "";

    for (int i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(settings[i].section, section) != 0) {
            section = settings[i].section;
            buf_printf(out, "%s[%s]\n", i > 0 ? "\n" : "", section);
        }
        buf_printf(out, "%s = %s\n", settings[i].key, loaded->texts[i]);
    }
}
