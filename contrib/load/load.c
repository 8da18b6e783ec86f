/* Puts load on a running service: reads the arguments, lets so many users run
 * for so long, shows how it goes and reports. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "report.h"
#include "user.h"

enum {
    EXIT_USAGE = 2,
    USERS_MAX = 1000,
    SECONDS_MAX = 3600,
    READS_MAX = 100,
    LINES_EVERY = 10 /* seconds, where stderr is no terminal */
};

static const char help[] =
    "usage: load [OPTION]...\n"
    "\n"
    "  --users N            so many at once, each with one request at a time "
    "(3)\n"
    "  --seconds N          for so long (60); Ctrl-C ends it early\n"
    "  --url URL            of the service (http://127.0.0.1:8080)\n"
    "  --searchers PERCENT  of the rounds search, the others post (10)\n"
    "  --reads N            GETs of a friend's inbound after each post (0)\n"
    "  --seed N             of the random numbers (another each time)\n"
    "  --json               report as JSON\n"
    "  --help\n"
    "\n"
    "The exit code is 0 if every answer was right, 1 if not, 2 for bad "
    "options.\n"
    "It leaves what it adds: use a stack that can be reset.\n";

/* --- options ------------------------------------------------------------ */

enum {
    GO_ON = -1
};

static int refuse(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static int refuse(const char *format, ...)
{
    va_list args;

    fputs("load: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("; see load --help\n", stderr);
    return EXIT_USAGE;
}

static int take_number(
    const char *name, const char *text, int64_t min, int64_t max, int64_t *into)
{
    char *end;

    errno = 0;
    *into = strtoll(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && *into >= min &&
        *into <= max)
        return GO_ON;
    return refuse("--%s %s: must be a number from %" PRId64 " to %" PRId64,
        name, text, min, max);
}

/* Cuts slashes off its end, since paths begin with one. */
static int take_url(char *text, const char **into)
{
    CURLU *url = curl_url();
    bool ok = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
              strncmp(text, "http", 4) == 0 && !strpbrk(text, "?#");

    curl_url_cleanup(url);
    if (!ok)
        return refuse("--url %s: must be like http://127.0.0.1:8080", text);
    for (size_t len = strlen(text); text[len - 1] == '/'; len--)
        text[len - 1] = '\0';
    *into = text;
    return GO_ON;
}

/* One option; GO_ON or the exit code. */
static int take_option(struct options *options, int option, char *value)
{
    switch (option) {
    case 'u':
        return take_number("users", value, 1, USERS_MAX, &options->users);
    case 's':
        return take_number("seconds", value, 1, SECONDS_MAX, &options->seconds);
    case 'U':
        return take_url(value, &options->url);
    case 'p':
        return take_number("searchers", value, 0, 100, &options->searchers);
    case 'r':
        return take_number("reads", value, 0, READS_MAX, &options->reads);
    case 'S':
        return take_number("seed", value, 0, INT64_MAX, &options->seed);
    case 'j':
        options->json = true;
        return GO_ON;
    case 'h':
        fputs(help, stdout);
        return EXIT_SUCCESS;
    default: /* getopt_long has said what is wrong */
        fputs("load: see load --help\n", stderr);
        return EXIT_USAGE;
    }
}

static int take_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"users", required_argument, NULL, 'u'},
        {"seconds", required_argument, NULL, 's'},
        {"url", required_argument, NULL, 'U'},
        {"searchers", required_argument, NULL, 'p'},
        {"reads", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 'S'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int code = GO_ON;
    int option;

    while (code == GO_ON &&
           (option = getopt_long(argc, argv, "", known, NULL)) != -1)
        code = take_option(options, option, optarg);
    if (code == GO_ON && optind < argc)
        return refuse("\"%s\" is no option", argv[optind]);
    return code;
}

/* --- the run ------------------------------------------------------------ */

struct run {
    struct options options;
    struct tally tally;
    struct user *users[USERS_MAX];
    pthread_t threads[USERS_MAX];
    int started;
    atomic_bool stop;
};

/* Rates are those since the line before. */
static void show_progress(struct run *run, int64_t begin, bool is_terminal)
{
    static struct totals before;
    static int64_t then;
    struct totals totals = tally_totals(&run->tally);
    int64_t now = now_us();
    double seconds = (double)(now - (then ? then : begin)) / 1e6;

    fprintf(stderr,
        "%s%5.0f s %7.0f requests/s %8.0f posts/min %6" PRIu64 " errors%s",
        is_terminal ? "\r" : "", (double)(now - begin) / 1e6,
        (double)(totals.requests - before.requests) / seconds,
        (double)(totals.posts - before.posts) * 60 / seconds, totals.errors,
        is_terminal ? "" : "\n");
    before = totals;
    then = now;
}

/* Until the time is up, or one of the signals came. */
static void watch(struct run *run, const sigset_t *signals, int64_t begin)
{
    bool is_terminal = isatty(STDERR_FILENO);

    for (int64_t second = 1; second <= run->options.seconds; second++) {
        int64_t left = begin + second * 1000000 - now_us();
        left = left > 0 ? left : 0;
        struct timespec wait = {left / 1000000, left % 1000000 * 1000};
        if (sigtimedwait(signals, NULL, &wait) > 0)
            break;
        if (is_terminal || second % LINES_EVERY == 0)
            show_progress(run, begin, is_terminal);
    }
    if (is_terminal)
        fputc('\n', stderr);
}

static bool make_users(struct run *run)
{
    uint64_t seed = (uint64_t)run->options.seed;

    for (int i = 0; i < run->options.users; i++) {
        run->users[i] = user_new(
            &run->options, random_next(&seed), &run->tally, &run->stop);
        if (!run->users[i]) {
            fputs("load: out of memory: take fewer --users\n", stderr);
            return false;
        }
    }

    const char *reason = user_try(run->users[0]);
    if (reason)
        fprintf(stderr,
            "load: %s does not answer: %s; start the service ('make start'), "
            "or name its address with --url\n",
            run->options.url, reason);
    return !reason;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The main thread alone takes the signals, one by one; a second Ctrl-C, while
 * the last answers are waited for, ends the program. */
static int run_users(struct run *run)
{
    sigset_t signals;
    int error = 0;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    double cpu = cpu_seconds();
    int64_t begin = now_us();
    while (run->started < run->options.users && !error) {
        error = pthread_create(&run->threads[run->started], NULL, user_run,
            run->users[run->started]);
        run->started += !error;
    }
    if (!error)
        watch(run, &signals, begin);
    atomic_store(&run->stop, true);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    for (int i = 0; i < run->started; i++)
        pthread_join(run->threads[i], NULL);
    if (error) {
        fprintf(stderr, "load: only %d users could be started: %s\n",
            run->started, strerror(error));
        return EXIT_FAILURE;
    }

    bool printed = report_print(&run->options, &run->tally,
        (double)(now_us() - begin) / 1e6, cpu_seconds() - cpu);
    return printed && tally_totals(&run->tally).errors == 0 ? EXIT_SUCCESS
                                                            : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct run run = {
        .options = {.url = "http://127.0.0.1:8080",
            .users = 3,
            .seconds = 60,
            .searchers = 10},
        .tally = {.lock = PTHREAD_MUTEX_INITIALIZER},
    };
    uint32_t seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
        run.options.seed = seed;
    int code = take_options(&run.options, argc, argv);
    if (code != GO_ON)
        return code;

    signal(SIGPIPE, SIG_IGN); /* TLS, and a reader of the report, may be gone */
    curl_global_init(CURL_GLOBAL_DEFAULT);
    code = make_users(&run) ? run_users(&run) : EXIT_FAILURE;
    for (int i = 0; i < run.options.users; i++)
        user_free(run.users[i]);
    tally_free(&run.tally);
    curl_global_cleanup();
    return code;
}
