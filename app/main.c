/* Reads the arguments and does what they ask for; to serve, it finds the
 * socket and hands over to the master. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "auth.h"
#include "cache.h"
#include "command.h"
#include "database.h"
#include "listen.h"
#include "log.h"
#include "master.h"
#include "release.h"
#include "title.h"

enum {
    TOKEN_TTL = 3600,
    TOKEN_TTL_MAX = 366 * 86400
}; /* seconds */

struct options;

/* Appends what was asked for; false: see faults. */
typedef bool printer(const struct options *options, const struct config *config,
    struct buf *out, struct buf *faults);

/* What a command does; the exit code. */
typedef int runner(const struct options *options, const struct config *config);

struct options {
    struct setup_source source;
    const char *listen;
    bool check;
    const struct command *command; /* NULL: none */
    bool follows;
    const char *from;     /* of the events; NULL: all */
    bool cancels;         /* the index that is being built */
    bool empties;         /* the index that another one has replaced */
    const char *language; /* of the index; NULL: the same */
    printer *print;       /* NULL: nothing to print */
    int64_t participant;  /* of the token; 0: none */
    int ttl;              /* of the token, seconds */
    bool admin;
};

static const char help[] =
    "usage: newsfeed [-c FILE] [--set SECTION.KEY=VALUE]... [--listen PATH]\n"
    "       newsfeed [-c FILE] [--set SECTION.KEY=VALUE]... COMMAND\n"
    "\n"
    "Without a command, it serves what nginx sends to its socket.\n"
    "\n"
    "Options:\n"
    "  -c, --config FILE       read settings from FILE; without, the defaults "
    "hold\n"
    "  --set S.KEY=VALUE       set one, whatever the file says\n"
    "  --listen PATH           make the Unix socket PATH and serve on it, not "
    "on\n"
    "                          descriptor 0 or a socket of systemd's\n"
    "\n"
    "Commands:\n"
    "  --check                 check settings, specification and database\n"
    "  --print-config          print all settings as they are in force\n"
    "  --cache-map             print nginx's map from feeds to cache servers\n"
    "  --token ID              print a bearer token for participant ID\n"
    "      --ttl SECONDS       its life, 3600 if not given\n"
    "      --admin             may act for every participant; ID may be 0\n"
    "  status                  print how the service is that runs\n"
    "  ready                   print whether it can do its work; exit code 0 "
    "if so\n"
    "  events                  print what has happened, as JSON lines\n"
    "      --from EVENT        behind this event's id; without, all that is "
    "kept\n"
    "      --follow            and go on as more happens\n"
    "  reindex                 build the search index anew, while it serves\n"
    "      --language NAME     in this language; without, in the same\n"
    "      --cancel            give up what was begun\n"
    "      --empty             empty that which search.conninfo replaces\n"
    "  --help\n"
    "  --version\n"
    "\n"
    "For example:\n"
    "  newsfeed -c /etc/newsfeed/newsfeed.conf --check\n"
    "  newsfeed -c /etc/newsfeed/newsfeed.conf events --follow\n"
    "\n"
    "See newsfeed(8), and newsfeed.conf(5) for the settings.\n";

/* Prints why, frees it, and gives the exit code back. */
static int fail(struct buf *faults, int code)
{
    const char *text = buf_text(faults);

    fputs(text, stderr);
    if (faults->len > 0 && text[faults->len - 1] != '\n')
        fputs("\n", stderr);
    buf_free(faults);
    return code;
}

static int serve_requests(const struct options *options)
{
    struct setup setup;
    struct buf reason = {0};

    master_ignore_signals();
    if (!setup_prepare(&options->source, &setup, &reason))
        return fail(&reason, EX_CONFIG);
    log_set_level(setup.config->service_log_level);
    log_set_format(setup.config->service_log_format);
    log_set_output(setup.config->service_log_output);
    log_info("launch", "newsfeed %s", release_version);

    enum error error = database_check(setup.config, &reason);
    if (error && error_status(error) != 503) {
        setup_clear(&setup);
        return fail(&reason, EX_CONFIG);
    }
    if (error)
        log_warn("launch", "%s; workers will try again", buf_text(&reason));
    buf_free(&reason);

    int fd = listen_open(options->listen, &reason);
    if (fd < 0) {
        setup_clear(&setup);
        return fail(&reason, EX_UNAVAILABLE);
    }
    return master_run(fd, &setup, &options->source);
}

static int check(const struct options *options)
{
    struct setup setup;
    struct buf faults = {0};

    if (!setup_load(&options->source, &setup, &faults))
        return fail(&faults, EXIT_FAILURE);
    enum error error = database_check(setup.config, &faults);
    setup_clear(&setup);
    if (error == ERR_NO_DATABASE)
        buf_puts(&faults, "; db.conninfo says where it is");
    if (error == ERR_NO_SEARCH)
        buf_puts(&faults, "; search.conninfo says where it is");
    if (error)
        return fail(&faults, EXIT_FAILURE);
    buf_free(&faults);
    puts("OK");
    return EX_OK;
}

static bool print_settings(const struct options *options,
    const struct config *config, struct buf *out, struct buf *faults)
{
    (void)options;
    (void)faults;
    config_print(config, out);
    return true;
}

static bool print_cache_map(const struct options *options,
    const struct config *config, struct buf *out, struct buf *faults)
{
    (void)options;
    return cache_print_map(config, out, faults);
}

static bool print_token(const struct options *options,
    const struct config *config, struct buf *out, struct buf *faults)
{
    bool made = auth_make_token(config, options->participant, options->admin,
                    options->ttl, out) == OK;
    if (made)
        buf_puts(out, "\n");
    else
        buf_printf(faults, "newsfeed: no token: %s", buf_text(out));
    return made;
}

static int print(const struct options *options)
{
    struct config *config;
    struct buf out = {0};
    struct buf faults = {0};

    if (!config_load(options->source.file, options->source.overrides,
            options->source.override_count, &config, &faults))
        return fail(&faults, EX_CONFIG);
    bool made = options->print(options, config, &out, &faults);
    config_free(config);
    if (made)
        fputs(buf_text(&out), stdout);
    made = made && !out.failed;
    buf_free(&out);
    return fail(&faults, made ? EX_OK : EXIT_FAILURE);
}

static int print_events(
    const struct options *options, const struct config *config)
{
    return command_events(config, options->from, options->follows);
}

static int rebuild_index(
    const struct options *options, const struct config *config)
{
    return command_reindex(
        config, options->language, options->cancels, options->empties);
}

static int ask_status(
    const struct options *options, const struct config *config)
{
    (void)options;
    return command_ask(config, "/status");
}

static int ask_ready(const struct options *options, const struct config *config)
{
    (void)options;
    return command_ask(config, "/readyz");
}

/* By the word behind the options. */
static const struct command {
    const char *name;
    runner *run;
} commands[] = {
    {"status", ask_status},
    {"ready", ask_ready},
    {"events", print_events},
    {"reindex", rebuild_index},
};

static int run_command(const struct options *options)
{
    struct config *config;
    struct buf faults = {0};

    if (!config_load(options->source.file, options->source.overrides,
            options->source.override_count, &config, &faults))
        return fail(&faults, EX_CONFIG);
    int code = options->command->run(options, config);
    config_free(config);
    return code;
}

static int refuse(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static int refuse(const char *format, ...)
{
    va_list args;

    fputs("newsfeed: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("; see newsfeed --help\n", stderr);
    return EX_USAGE;
}

static bool parse_number(const char *text, int64_t max, int64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    return !errno && end != text && !*end && *number >= 0 && *number <= max;
}

enum {
    GO_ON = -1
};

/* One option; GO_ON or the exit code. */
static int take_option(struct options *options, int option, char *value)
{
    int64_t seconds;

    switch (option) {
    case 'c':
        options->source.file = value;
        return GO_ON;
    case 's':
        options->source.overrides[options->source.override_count++] = value;
        return GO_ON;
    case 'l':
        options->listen = value;
        return GO_ON;
    case 'C':
        options->check = true;
        return GO_ON;
    case 'p':
        options->print = print_settings;
        return GO_ON;
    case 'm':
        options->print = print_cache_map;
        return GO_ON;
    case 't':
        options->print = print_token;
        if (parse_number(value, INT64_MAX, &options->participant))
            return GO_ON;
        return refuse("--token %s: a participant's id is a number", value);
    case 'T':
        if (parse_number(value, TOKEN_TTL_MAX, &seconds) && seconds > 0) {
            options->ttl = (int)seconds;
            return GO_ON;
        }
        return refuse(
            "--ttl %s: must be 1 to %d seconds", value, TOKEN_TTL_MAX);
    case 'a':
        options->admin = true;
        return GO_ON;
    case 'F':
        options->from = value;
        return GO_ON;
    case 'f':
        options->follows = true;
        return GO_ON;
    case 'L':
        options->language = value;
        return GO_ON;
    case 'k':
        options->cancels = true;
        return GO_ON;
    case 'e':
        options->empties = true;
        return GO_ON;
    case 'h':
        fputs(help, stdout);
        return EX_OK;
    case 'v':
        printf("newsfeed %s\n", release_version);
        return EX_OK;
    default: /* getopt_long has said what is wrong */
        fputs("newsfeed: see newsfeed --help\n", stderr);
        return EX_USAGE;
    }
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool is_command(const struct options *options, runner *run)
{
    return options->command && options->command->run == run;
}

static int take_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'},
        {"listen", required_argument, NULL, 'l'},
        {"check", no_argument, NULL, 'C'},
        {"print-config", no_argument, NULL, 'p'},
        {"cache-map", no_argument, NULL, 'm'},
        {"token", required_argument, NULL, 't'},
        {"ttl", required_argument, NULL, 'T'},
        {"admin", no_argument, NULL, 'a'},
        {"from", required_argument, NULL, 'F'},
        {"follow", no_argument, NULL, 'f'},
        {"language", required_argument, NULL, 'L'},
        {"cancel", no_argument, NULL, 'k'},
        {"empty", no_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    int code = GO_ON;
    int option;

    while (code == GO_ON &&
           (option = getopt_long(argc, argv, "c:", known, NULL)) != -1)
        code = take_option(options, option, optarg);
    if (code == GO_ON && optind < argc)
        options->command = find_command(argv[optind]);
    if (options->command)
        optind++;
    if (code == GO_ON && optind < argc)
        return refuse("\"%s\" is no command", argv[optind]);
    if (code == GO_ON && (options->from || options->follows) &&
        !is_command(options, print_events))
        return refuse("--from and --follow are for events alone");
    int ways =
        (options->language != NULL) + options->cancels + options->empties;
    if (code == GO_ON && ways > 0 && !is_command(options, rebuild_index))
        return refuse("--language, --cancel and --empty are for reindex alone");
    if (code == GO_ON && ways > 1)
        return refuse("--language, --cancel and --empty do not go together");
    if (code == GO_ON && options->print == print_token &&
        options->participant == 0 && !options->admin)
        return refuse("--token 0 is for --admin alone");
    return code;
}

/* The exit code: what was asked for must have got out, too. */
static int flush(int code)
{
    if (code != EX_OK || (fflush(stdout) == 0 && !ferror(stdout)))
        return code;
    fprintf(stderr, "newsfeed: standard output: %s\n", strerror(errno));
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options = {.ttl = TOKEN_TTL};
    int code = EX_OSERR;

    argv = title_open(argc, argv);
    listen_open_standard();
    log_open();
    signal(SIGPIPE, SIG_IGN); /* a log that nobody reads ends nothing */
    options.source.overrides = calloc((size_t)argc + 1, sizeof(char *));
    if (!options.source.overrides)
        return code;
    code = take_options(&options, argc, argv);
    if (code == GO_ON)
        code = options.check     ? check(&options)
               : options.command ? run_command(&options)
               : options.print   ? print(&options)
                                 : serve_requests(&options);
    free(options.source.overrides);
    return flush(code);
}
