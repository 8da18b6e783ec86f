/* Tests of config. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "runner.h"

static char file[] = "/tmp/newsfeed-config-XXXXXX";
static struct config *config;
static struct buf faults;

static void set_up(void)
{
    int fd = mkstemp(file);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(file);
    config_free(config);
    buf_free(&faults);
}

static bool load_text(const char *text)
{
    FILE *stream = fopen(file, "w");

    ck_assert_ptr_nonnull(stream);
    fputs(text, stream);
    ck_assert_int_eq(fclose(stream), 0);
    return config_load(file, NULL, 0, &config, &faults);
}

static bool load_override(const char *override)
{
    char copy[256];
    char *overrides[] = {copy};

    ck_assert_uint_lt(strlen(override), sizeof(copy));
    strcpy(copy, override);
    return config_load(NULL, overrides, 1, &config, &faults);
}

/* Whether a line of the faults starts with the file, this line, and has the
 * words. */
static bool is_faulted(int line, const char *words)
{
    char place[64];

    snprintf(place, sizeof(place), "%s:%d: ", file, line);
    const char *start = strstr(buf_text(&faults), place);
    const char *found = start ? strstr(start, words) : NULL;
    return found && !memchr(start, '\n', (size_t)(found - start));
}

static int count_faults(void)
{
    int lines = 0;

    for (const char *c = buf_text(&faults); *c; c++)
        lines += *c == '\n';
    return lines;
}

START_TEST(without_a_file_defaults_hold)
{
    ck_assert(config_load(NULL, NULL, 0, &config, &faults));
    ck_assert_int_eq(config->worker_count, 8);
    ck_assert_int_eq(config->service_log_level, LOG_LEVEL_INFO);
    ck_assert_str_eq(config->cache_servers, "");
    ck_assert(config->db_prepare);
    ck_assert_str_eq(buf_text(&faults), "");
}
END_TEST

START_TEST(a_file_sets_every_kind_of_value)
{
    ck_assert(load_text("# comment\n[worker]\ncount = 3 ; few\n"
                        "[service]\nlog_level=debug\n"
                        "[db]\nprepare = off\nconninfo = host=/x dbname='a b'\n"
                        "[cache]\nprefix = a.B-1_\n"));
    ck_assert_int_eq(config->worker_count, 3);
    ck_assert_int_eq(config->service_log_level, LOG_LEVEL_DEBUG);
    ck_assert(!config->db_prepare);
    ck_assert_str_eq(config->db_conninfo, "host=/x dbname='a b'");
    ck_assert_str_eq(config->cache_prefix, "a.B-1_");
}
END_TEST

START_TEST(an_override_goes_before_the_file)
{
    char override[] = "worker.count=5";
    char *overrides[] = {override};
    FILE *stream = fopen(file, "w");

    fputs("[worker]\ncount = 3\n", stream);
    fclose(stream);
    ck_assert(config_load(file, overrides, 1, &config, &faults));
    ck_assert_int_eq(config->worker_count, 5);
}
END_TEST

START_TEST(an_override_may_hold_dots_and_equals_signs)
{
    ck_assert(load_override("db.conninfo=host=a.b port=1"));
    ck_assert_str_eq(config->db_conninfo, "host=a.b port=1");
}
END_TEST

START_TEST(all_faults_are_told_each_with_its_line)
{
    ck_assert(!load_text("[worker]\ncount = 0\ncuont = 3\n\n"
                         "[wroker]\ncount = 3\n"
                         "[cache]\nttl = 60\nttl = 61\n"
                         "[dispatcher]\nenabled = maybe\n"));
    ck_assert_ptr_null(config);
    ck_assert(is_faulted(2, "from 1 to 256"));
    ck_assert(is_faulted(3, "cuont"));
    ck_assert(is_faulted(3, "shutdown_timeout")); /* what there is */
    ck_assert(is_faulted(6, "[wroker]"));
    ck_assert(is_faulted(6, "[dispatcher]"));
    ck_assert(is_faulted(9, "line 8"));
    ck_assert(is_faulted(11, "on or off"));
    ck_assert_int_eq(count_faults(), 5);
}
END_TEST

START_TEST(a_line_that_is_no_setting_is_a_fault)
{
    ck_assert(!load_text("[worker]\n\nthis is none\n"));
    ck_assert(is_faulted(3, "key = value"));
}
END_TEST

START_TEST(a_key_before_any_section_is_a_fault)
{
    ck_assert(!load_text("count = 3\n"));
    ck_assert(is_faulted(1, "section"));
}
END_TEST

/* A line of so many characters that sets db.conninfo, and one with a fault. */
static bool load_long_line(int len)
{
    static const char start[] = "[db]\nconninfo=";
    static char text[5000];

    memset(text, 'x', sizeof(text));
    memcpy(text, start, strlen(start));
    strcpy(text + strlen("[db]\n") + len, "\n");
    return load_text(text);
}

START_TEST(a_long_line_is_read)
{
    ck_assert_msg(load_long_line(4096), "%s", buf_text(&faults));
    ck_assert_uint_eq(strlen(config->db_conninfo), 4096 - strlen("conninfo="));
}
END_TEST

START_TEST(a_line_that_is_too_long_is_a_fault)
{
    ck_assert(!load_long_line(4097));
    ck_assert(is_faulted(2, "has 4097 characters, it may have 4096"));
    ck_assert_int_eq(count_faults(), 1);
}
END_TEST

START_TEST(a_byte_of_value_0_is_a_fault)
{
    FILE *stream = fopen(file, "w");

    ck_assert_ptr_nonnull(stream);
    fwrite("[db]\nconninfo = a\0b\n", 1, 20, stream);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert(!config_load(file, NULL, 0, &config, &faults));
    ck_assert(is_faulted(2, "value 0"));
}
END_TEST

static const char *const layouts[] = {
    "[worker]\ncount=3",
    "\xef\xbb\xbf[worker]\ncount = 3\n",
    "  [worker] ; comment\n\n\t# comment\n ; comment\n  count\t=  3  \n",
    "[worker]\r\ncount: 3\r\n",
    "[worker]\ncount = 3\t;; comment\n[db]\n[worker]\n",
};

START_TEST(a_file_may_be_laid_out_so)
{
    ck_assert_msg(load_text(layouts[_i]), "%s", buf_text(&faults));
    ck_assert_int_eq(config->worker_count, 3);
}
END_TEST

static const char *const no_settings[] = {"[worker\n", "[worker] count = 3\n",
    "[worker] # four\n", "count\n", "count ; = 3\n", "]\n", "[\n"};

START_TEST(a_line_of_another_form_is_a_fault)
{
    ck_assert(!load_text(no_settings[_i]));
    ck_assert(is_faulted(1, "key = value"));
    ck_assert_int_eq(count_faults(), 1);
}
END_TEST

START_TEST(how_to_write_a_comment_behind_a_value_is_told)
{
    ck_assert(!load_text("[worker]\ncount = 4 # four\n"));
    ck_assert(is_faulted(2, "a comment behind a value starts with \" ;\""));
}
END_TEST

START_TEST(what_contradicts_another_is_a_fault_with_its_line)
{
    ck_assert(!load_text("[db]\nstatement_timeout = 2000\n"
                         "[worker]\nrequest_timeout = 2000\n"));
    ck_assert(is_faulted(4, "db.statement_timeout is 2000"));
    ck_assert(is_faulted(4, "worker.request_timeout, which is 2000"));
    ck_assert_int_eq(count_faults(), 1);
}
END_TEST

static const char *const contradictions[] = {
    "worker.request_timeout=800",
    "db.statement_timeout=30000",
    "db.connect_timeout=30000",
};

START_TEST(a_contradicting_override_is_refused)
{
    ck_assert(!load_override(contradictions[_i]));
    ck_assert_int_eq(strncmp(buf_text(&faults), "--set: ", 7), 0);
}
END_TEST

START_TEST(an_override_may_settle_a_contradiction)
{
    char override[] = "worker.request_timeout=3000";
    char *overrides[] = {override};
    FILE *stream = fopen(file, "w");

    fputs("[db]\nstatement_timeout = 2000\n"
          "[worker]\nrequest_timeout = 1000\n",
        stream);
    fclose(stream);
    ck_assert(config_load(file, overrides, 1, &config, &faults));
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    ck_assert(!config_load("/no/such.conf", NULL, 0, &config, &faults));
    ck_assert_str_eq(buf_text(&faults),
        "/no/such.conf: cannot be opened: No such file or directory\n");
}
END_TEST

static const char *const bad_overrides[] = {
    "worker.count=257",
    "worker.count=-1",
    "worker.count=3x",
    "worker.count=",
    "worker.count=99999999999999999999",
    "worker.request_timeout=35000", /* as long as nginx waits */
    "worker.queue_timeout=35000",
    "worker.count",
    "worker=3",
    "nothing.here=1",
    "db.prepare=yes",
    "service.log_level=loud",
    "cache.prefix=",
    "cache.prefix=a b",
    "cache.prefix=a:b",
    "cache.prefix=12345678901234567890123456789012345678901",
    "db.conninfo=a\nb",
    "db.conninfo=a ;b",
};

START_TEST(a_bad_override_is_refused)
{
    ck_assert(!load_override(bad_overrides[_i]));
    ck_assert_int_eq(strncmp(buf_text(&faults), "--set: ", 7), 0);
    ck_assert_ptr_null(config);
}
END_TEST

START_TEST(printed_settings_are_settings)
{
    struct buf first = {0};
    struct buf second = {0};
    struct config *again = NULL;

    ck_assert(load_override("db.conninfo=host=/x password='a;b'"));
    config_print(config, &first);
    FILE *stream = fopen(file, "w");
    fputs(buf_text(&first), stream);
    fclose(stream);
    ck_assert(config_load(file, NULL, 0, &again, &faults));
    config_print(again, &second);
    ck_assert_str_eq(buf_text(&first), buf_text(&second));
    ck_assert_str_eq(again->db_conninfo, "host=/x password='a;b'");
    config_free(again);
    buf_free(&first);
    buf_free(&second);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, without_a_file_defaults_hold);
    tcase_add_test(tests, a_file_sets_every_kind_of_value);
    tcase_add_test(tests, an_override_goes_before_the_file);
    tcase_add_test(tests, an_override_may_hold_dots_and_equals_signs);
    tcase_add_test(tests, all_faults_are_told_each_with_its_line);
    tcase_add_test(tests, a_line_that_is_no_setting_is_a_fault);
    tcase_add_test(tests, a_key_before_any_section_is_a_fault);
    tcase_add_test(tests, a_long_line_is_read);
    tcase_add_test(tests, a_line_that_is_too_long_is_a_fault);
    tcase_add_test(tests, a_byte_of_value_0_is_a_fault);
    tcase_add_loop_test(tests, a_file_may_be_laid_out_so, 0, COUNT(layouts));
    tcase_add_loop_test(
        tests, a_line_of_another_form_is_a_fault, 0, COUNT(no_settings));
    tcase_add_test(tests, how_to_write_a_comment_behind_a_value_is_told);
    tcase_add_test(tests, what_contradicts_another_is_a_fault_with_its_line);
    tcase_add_loop_test(
        tests, a_contradicting_override_is_refused, 0, COUNT(contradictions));
    tcase_add_test(tests, an_override_may_settle_a_contradiction);
    tcase_add_test(tests, a_missing_file_is_named);
    tcase_add_loop_test(
        tests, a_bad_override_is_refused, 0, COUNT(bad_overrides));
    tcase_add_test(tests, printed_settings_are_settings);
}
