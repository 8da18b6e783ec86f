/* Tests of check: requests held against a small specification. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "json.h"
#include "memory.h"
#include "runner.h"

static const char yaml[] =
    "openapi: 3.1.0\n"
    "info: {title: t, version: 1.0.0}\n"
    "paths:\n"
    "  /thing/{id}:\n"
    "    parameters:\n"
    "      - {name: id, in: path, required: true,\n"
    "          schema: {type: integer, minimum: 1}}\n"
    "    get:\n"
    "      operationId: getThing\n"
    "      parameters:\n"
    "        - {name: limit, in: query,\n"
    "            schema: {type: integer, minimum: 1, maximum: 200}}\n"
    "        - {name: words, in: query, schema: {type: string, maxLength: 9}}\n"
    "        - {name: size, in: query, schema: {type: integer, default: 30}}\n"
    "      responses: {'200': {description: d}}\n"
    "    post:\n"
    "      operationId: addThing\n"
    "      parameters:\n"
    "        - {name: loud, in: query, schema: {type: string}}\n"
    "      requestBody:\n"
    "        required: true\n"
    "        content:\n"
    "          application/json:\n"
    "            schema:\n"
    "              type: object\n"
    "              required: [name]\n"
    "              properties:\n"
    "                name: {type: string, minLength: 1, maxLength: 5}\n"
    "                count: {type: integer}\n"
    "      responses: {'200': {description: d}}\n"
    "    patch:\n"
    "      operationId: changeThing\n"
    "      requestBody:\n"
    "        content:\n"
    "          application/json:\n"
    "            schema: {type: object, required: [name]}\n"
    "      responses: {'200': {description: d}}\n"
    "    delete:\n"
    "      operationId: removeThing\n"
    "      parameters:\n"
    "        - {name: idempotency-key, in: header, required: true,\n"
    "            schema: {type: string, maxLength: 4}}\n"
    "      responses: {'200': {description: d}}\n"
    "  /thing/{id}/{part}:\n"
    "    parameters:\n"
    "      - {name: id, in: path, required: true,\n"
    "          schema: {type: integer, minimum: 1}}\n"
    "      - {name: part, in: path, required: true,\n"
    "          schema: {type: string, maxLength: 9}}\n"
    "    get:\n"
    "      operationId: getPart\n"
    "      responses: {'200': {description: d}}\n"
    "  /search:\n"
    "    get:\n"
    "      operationId: search\n"
    "      parameters:\n"
    "        - {name: words, in: query, required: true,\n"
    "            schema: {type: string, minLength: 1}}\n"
    "      responses: {'200': {description: d}}\n"
    "  /rich/{id}:\n"
    "    post:\n"
    "      operationId: addRich\n"
    "      parameters:\n"
    "        - {name: id, in: path, required: true, schema: {type: integer}}\n"
    "        - {name: limit, in: query, required: true,\n"
    "            schema: {type: integer}}\n"
    "        - {name: words, in: query, schema: {type: string}}\n"
    "        - {name: size, in: query, schema: {type: integer, default: 3}}\n"
    "        - {name: Idempotency-Key, in: header,\n"
    "            schema: {type: string, pattern: '^\\w+$'}}\n"
    "      requestBody:\n"
    "        required: true\n"
    "        content:\n"
    "          application/json:\n"
    "            schema:\n"
    "              type: object\n"
    "              required: [name, to]\n"
    "              properties:\n"
    "                name: {type: string, pattern: '\\S', minLength: 1}\n"
    "                to:\n"
    "                  anyOf:\n"
    "                    - {type: integer, minimum: 1}\n"
    "                    - {type: string, pattern: '^(a|b)+c$'}\n"
    "      responses: {'200': {description: d}}\n";

static struct spec *spec;
static struct http_request request;
static struct arguments arguments;
static struct faults faults;

static void set_up(void)
{
    char file[] = "/tmp/test_check_XXXXXX";
    int fd = mkstemp(file);
    struct buf reasons = {0};

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, yaml, sizeof(yaml) - 1), sizeof(yaml) - 1);
    close(fd);
    bool loaded = spec_load(file, &spec, &reasons);
    unlink(file);
    ck_assert_msg(loaded, "%s", buf_text(&reasons));
    request = (struct http_request){.body = ""};
}

static void tear_down(void)
{
    arguments_free(&arguments);
    faults_free(&faults);
    spec_free(spec);
}

static void send_body(const char *body, const char *content_type)
{
    request.body = body;
    request.body_len = strlen(body);
    request.content_type = content_type;
}

/* target: path and, behind a '?', query. */
static enum error check(const char *method, const char *target)
{
    char *path = strdup(target);
    char *query = strchr(path, '?');
    struct route route;

    if (query)
        *query++ = '\0';
    request.method = method;
    request.path = path;
    request.query = query ? query : "";
    arguments_free(&arguments);
    faults_free(&faults);
    ck_assert_int_eq(route_match(spec, method, path, &route), OK);
    check_path(&route, &arguments, &faults);
    enum error error = check_request(&request, &route, &arguments, &faults);
    free(path);
    if (error != ERR_MEDIA_TYPE && error != ERR_TOO_LARGE)
        ck_assert_int_eq(error, faults.count ? ERR_INVALID : OK);
    return error;
}

static void assert_fault(int i, const char *pointer, const char *words)
{
    ck_assert_int_gt(faults.count, i);
    ck_assert_str_eq(faults.list[i].pointer, pointer);
    ck_assert_msg(strstr(faults.list[i].detail, words) != NULL, "%s: %s",
        pointer, faults.list[i].detail);
}

static void assert_only_fault(const char *pointer, const char *words)
{
    assert_fault(0, pointer, words);
    ck_assert_int_eq(faults.count, 1);
}

static int64_t number(const char *name)
{
    return arguments_int(&arguments, name);
}

static const char *text(const char *name)
{
    return arguments_text(&arguments, name);
}

/* --- parameters --------------------------------------------------------- */

START_TEST(parameters_become_arguments)
{
    ck_assert_int_eq(check("GET", "/thing/7?limit=20&words=abc"), OK);
    ck_assert_int_eq(number("id"), 7);
    ck_assert_int_eq(number("limit"), 20);
    ck_assert_str_eq(text("words"), "abc");
    ck_assert_ptr_null(arguments.body);
}
END_TEST

START_TEST(what_is_not_given_is_zero_or_empty)
{
    ck_assert_int_eq(check("GET", "/thing/7"), OK);
    ck_assert_int_eq(number("limit"), 0);
    ck_assert_str_eq(text("words"), "");
    ck_assert_int_eq(number("no-such"), 0);
    ck_assert_str_eq(text("no-such"), "");
}
END_TEST

START_TEST(what_is_not_given_has_its_default)
{
    ck_assert_int_eq(check("GET", "/thing/7"), OK);
    ck_assert_int_eq(number("size"), 30);
    ck_assert(arguments_is_default(&arguments, "size"));
    ck_assert_int_eq(check("GET", "/thing/7?size=30"), OK);
    ck_assert(arguments_is_default(&arguments, "size"));
    ck_assert_int_eq(check("GET", "/thing/7?size=31"), OK);
    ck_assert_int_eq(number("size"), 31);
    ck_assert(!arguments_is_default(&arguments, "size"));
    ck_assert_int_eq(check("GET", "/thing/7?size="), ERR_INVALID);
    assert_only_fault("query:size", "an integer");
}
END_TEST

START_TEST(what_has_no_default_is_it_where_it_is_not_given)
{
    ck_assert_int_eq(check("GET", "/thing/7?words=abc"), OK);
    ck_assert(arguments_is_default(&arguments, "limit"));
    ck_assert(!arguments_is_default(&arguments, "words"));
}
END_TEST

START_TEST(a_required_header_must_be_there)
{
    ck_assert_int_eq(check("DELETE", "/thing/7"), ERR_INVALID);
    assert_only_fault("header:idempotency-key", "is required");
    request.idempotency_key = "a key";
    ck_assert_int_eq(check("DELETE", "/thing/7"), ERR_INVALID);
    assert_only_fault("header:idempotency-key", "at most 4");
    request.idempotency_key = "key";
    ck_assert_int_eq(check("DELETE", "/thing/7"), OK);
}
END_TEST

START_TEST(a_header_that_the_operation_does_not_name_is_ignored)
{
    request.idempotency_key = "this is a key that fits no other operation";
    ck_assert_int_eq(check("GET", "/thing/7"), OK);
}
END_TEST

START_TEST(the_largest_id_is_an_argument)
{
    ck_assert_int_eq(check("GET", "/thing/9223372036854775807"), OK);
    ck_assert_int_eq(number("id"), INT64_MAX);
}
END_TEST

static const char *const bad_ids[] = {"0", "-1", "+1", "01", "1.0", "1e3", "x",
    "7x", "%207", "7%20", "+7", "0x7", "9223372036854775808",
    "18446744073709551616", "18446744073709551623"};

START_TEST(other_ids_are_refused)
{
    char target[64];

    snprintf(target, sizeof(target), "/thing/%s", bad_ids[_i]);
    ck_assert_int_eq(check("GET", target), ERR_INVALID);
    assert_only_fault("path:id", "must be");
}
END_TEST

START_TEST(a_query_parameter_is_checked)
{
    ck_assert_int_eq(check("GET", "/thing/7?limit=201"), ERR_INVALID);
    assert_only_fault("query:limit", "at most 200");
    ck_assert_int_eq(check("GET", "/thing/7?limit=ten"), ERR_INVALID);
    assert_only_fault("query:limit", "an integer");
    ck_assert_int_eq(check("GET", "/thing/7?words=0123456789"), ERR_INVALID);
    assert_only_fault("query:words", "at most 9 characters");
}
END_TEST

START_TEST(a_parameter_without_a_value_is_empty)
{
    ck_assert_int_eq(check("GET", "/thing/7?words="), OK);
    ck_assert_int_eq(check("GET", "/thing/7?words"), OK);
    ck_assert_int_eq(check("GET", "/thing/7?limit="), ERR_INVALID);
    assert_only_fault("query:limit", "an integer");
    ck_assert_int_eq(check("GET", "/thing/7?limit"), ERR_INVALID);
    assert_only_fault("query:limit", "an integer");
}
END_TEST

START_TEST(ampersands_may_stand_anywhere)
{
    ck_assert_int_eq(check("GET", "/thing/7?&&limit=5&&words=a&"), OK);
    ck_assert_int_eq(number("limit"), 5);
    ck_assert_str_eq(text("words"), "a");
    ck_assert_int_eq(check("GET", "/thing/7?"), OK);
}
END_TEST

static const struct {
    const char *query;
    const char *pointer;
} unknown[] = {
    {"limitt=5", "query:limitt"},
    {"Limit=5", "query:Limit"},
    {"limit%20=5", "query:limit "},
    {"limi", "query:limi"},
    {"id=7", "query:id"}, /* that one is the path's */
    {"=5", "query:"},
    {"%C3%A4=5", "query:\xC3\xA4"},
    {"%FF=5", "query:?"},
    {"\xFF=5", "query:?"},
    {"01234567890123456789012345678901234567890123456789012345678901234567",
        "query:?"},
};

START_TEST(an_unknown_parameter_is_refused)
{
    char target[128];

    snprintf(target, sizeof(target), "/thing/7?%s", unknown[_i].query);
    ck_assert_int_eq(check("GET", target), ERR_INVALID);
    assert_only_fault(unknown[_i].pointer, "no parameter");
}
END_TEST

START_TEST(a_parameter_of_another_operation_is_unknown)
{
    send_body("{\"name\":\"a\"}", "application/json");
    ck_assert_int_eq(check("POST", "/thing/7?limit=5"), ERR_INVALID);
    assert_only_fault("query:limit", "no parameter");
}
END_TEST

START_TEST(a_parameter_twice_is_refused)
{
    ck_assert_int_eq(check("GET", "/thing/7?limit=5&limit=5"), ERR_INVALID);
    assert_only_fault("query:limit", "twice");
    ck_assert_int_eq(check("GET", "/thing/7?limit=5&%6Cimit=6"), ERR_INVALID);
    assert_only_fault("query:limit", "twice");
}
END_TEST

/* As many as one likes: nothing grows, and all is counted. */
START_TEST(a_parameter_many_times_is_refused)
{
    struct buf target = {0};

    buf_puts(&target, "/thing/7?limit=5");
    for (int i = 0; i < 1000; i++)
        buf_puts(&target, "&limit=5");
    ck_assert_int_eq(check("GET", buf_text(&target)), ERR_INVALID);
    ck_assert_int_eq(faults.count, 1000);
    buf_free(&target);
}
END_TEST

START_TEST(a_required_parameter_must_be_there)
{
    ck_assert_int_eq(check("GET", "/search"), ERR_INVALID);
    assert_only_fault("query:words", "is required");
    ck_assert_int_eq(check("GET", "/search?words="), ERR_INVALID);
    assert_only_fault("query:words", "at least 1 character");
    ck_assert_int_eq(check("GET", "/search?words=a"), OK);
}
END_TEST

/* --- percent-encoding --------------------------------------------------- */

START_TEST(a_query_is_decoded)
{
    ck_assert_int_eq(check("GET", "/thing/7?w%6frds=%C3%A4+b%2B%26%3d"), OK);
    ck_assert_str_eq(text("words"), "\xC3\xA4 b+&=");
    ck_assert_int_eq(check("GET", "/thing/7?limit=%31%30&words=a=b"), OK);
    ck_assert_int_eq(number("limit"), 10);
    ck_assert_str_eq(text("words"), "a=b");
}
END_TEST

START_TEST(a_path_is_decoded_and_keeps_its_pluses)
{
    ck_assert_int_eq(check("GET", "/thing/7/a+b%2Fc%20d"), OK);
    ck_assert_int_eq(number("id"), 7);
    ck_assert_str_eq(text("part"), "a+b/c d");
}
END_TEST

static const char *const bad_texts[] = {"%", "a%2", "%zz", "%0", "%00", "a%00b",
    "%FF", "%C3", "%ED%A0%80", "%C0%80", "\xFF"};

START_TEST(what_is_no_text_is_refused_once)
{
    char target[64];

    snprintf(target, sizeof(target), "/thing/7?words=%s", bad_texts[_i]);
    ck_assert_int_eq(check("GET", target), ERR_INVALID);
    assert_only_fault("query:words", "UTF-8");
    ck_assert_str_eq(text("words"), "");

    snprintf(target, sizeof(target), "/search?words=%s", bad_texts[_i]);
    ck_assert_int_eq(check("GET", target), ERR_INVALID);
    assert_only_fault("query:words", "UTF-8");

    snprintf(target, sizeof(target), "/thing/7/%s", bad_texts[_i]);
    ck_assert_int_eq(check("GET", target), ERR_INVALID);
    assert_only_fault("path:part", "UTF-8");
}
END_TEST

/* --- bodies ------------------------------------------------------------- */

START_TEST(a_body_becomes_an_argument)
{
    send_body("{\"name\":\"abc\",\"more\":[]}", "application/json");
    ck_assert_int_eq(check("POST", "/thing/7"), OK);
    ck_assert_str_eq(json_text(arguments.body, "name").data, "abc");
}
END_TEST

START_TEST(a_body_is_checked)
{
    send_body("{\"name\":\"abcdef\",\"count\":\"1\"}", "application/json");
    ck_assert_int_eq(check("POST", "/thing/7"), ERR_INVALID);
    assert_fault(0, "#/name", "at most 5 characters");
    assert_fault(1, "#/count", "an integer");
    ck_assert_int_eq(faults.count, 2);
}
END_TEST

static const struct {
    const char *body;
    const char *words;
} bad_bodies[] = {
    {"", "empty"},
    {"null", "must be an object, is null"},
    {"7", "must be an object"},
    {"[]", "must be an object"},
    {"{", "must be JSON"},
    {"{\"name\":\"a\"}x", "must be JSON"},
    {"{\"name\":\"a\",\"name\":\"b\"}", "twice"},
    {"{\"name\":\"\xFF\"}", "UTF-8"},
};

START_TEST(a_body_that_is_no_object_has_one_fault)
{
    send_body(bad_bodies[_i].body, "application/json");
    ck_assert_int_eq(check("POST", "/thing/7"), ERR_INVALID);
    assert_only_fault("#", bad_bodies[_i].words);
}
END_TEST

START_TEST(a_required_body_must_be_there)
{
    ck_assert_int_eq(check("POST", "/thing/7"), ERR_INVALID);
    assert_only_fault("#", "empty");
}
END_TEST

START_TEST(another_body_may_be_absent)
{
    ck_assert_int_eq(check("PATCH", "/thing/7"), OK);
    ck_assert_ptr_null(arguments.body);
    send_body("{}", "application/json");
    ck_assert_int_eq(check("PATCH", "/thing/7"), ERR_INVALID);
    assert_only_fault("#/name", "is required");
    send_body("", "application/json");
    ck_assert_int_eq(check("PATCH", "/thing/7"), ERR_INVALID);
    assert_only_fault("#", "empty");
}
END_TEST

START_TEST(a_body_that_nobody_asked_for_is_ignored)
{
    send_body("{", "text/plain");
    ck_assert_int_eq(check("GET", "/thing/7"), OK);
    ck_assert_ptr_null(arguments.body);
}
END_TEST

static const struct {
    const char *content_type;
    bool is_json;
} types[] = {
    {"application/json", true},
    {"APPLICATION/Json", true},
    {"application/json;charset=utf-8", true},
    {"application/json; charset=\"UTF-8\"", true},
    {"application/json ; charset=utf-8", true},
    {"application/json\t;x=y", true},
    {"application/jsonx", false},
    {"application/json-patch+json", false},
    {"application/problem+json", false},
    {"application/jso", false},
    {"text/json", false},
    {"text/plain", false},
    {"application/x-www-form-urlencoded", false},
    {" application/json", false},
    {"text/plain, application/json", false},
    {"", false},
    {NULL, false},
};

START_TEST(a_body_must_say_that_it_is_json)
{
    send_body("{\"name\":\"a\"}", types[_i].content_type);
    ck_assert_int_eq(
        check("POST", "/thing/7"), types[_i].is_json ? OK : ERR_MEDIA_TYPE);
    ck_assert_int_eq(
        check("PATCH", "/thing/7"), types[_i].is_json ? OK : ERR_MEDIA_TYPE);
}
END_TEST

START_TEST(another_type_is_refused_though_the_body_is_empty)
{
    send_body("", "text/plain");
    ck_assert_int_eq(check("POST", "/thing/7"), ERR_MEDIA_TYPE);
}
END_TEST

START_TEST(a_body_can_be_too_large)
{
    request.content_type = "application/json";
    request.body_too_large = true;
    ck_assert_int_eq(check("POST", "/thing/7"), ERR_TOO_LARGE);
    ck_assert_int_eq(check("PATCH", "/thing/7"), ERR_TOO_LARGE);
}
END_TEST

START_TEST(a_body_that_was_cut_is_not_read)
{
    send_body("{\"name\":\"a\"}", "application/json");
    request.body_cut = true;
    ck_assert_int_eq(check("POST", "/thing/7"), ERR_INVALID);
    assert_only_fault("#", "Content-Length");
    ck_assert_ptr_null(arguments.body);
}
END_TEST

/* --- all at once -------------------------------------------------------- */

START_TEST(all_faults_are_told_at_once)
{
    send_body("{\"count\":0.5}", "application/json");
    ck_assert_int_eq(
        check("POST", "/thing/x?loudd=1&loud=%zz&loud=2"), ERR_INVALID);
    assert_fault(0, "path:id", "an integer");
    assert_fault(1, "query:loudd", "no parameter");
    assert_fault(2, "query:loud", "UTF-8");
    assert_fault(3, "query:loud", "twice");
    assert_fault(4, "#/name", "is required");
    assert_fault(5, "#/count", "an integer");
    ck_assert_int_eq(faults.count, 6);
}
END_TEST

START_TEST(a_fault_of_the_query_does_not_spoil_the_body)
{
    send_body("{\"name\":\"a\"}", "application/json");
    ck_assert_int_eq(check("POST", "/thing/7?nonsense=1"), ERR_INVALID);
    assert_only_fault("query:nonsense", "no parameter");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static void add_parameters(TCase *tests)
{
    tcase_add_test(tests, parameters_become_arguments);
    tcase_add_test(tests, what_is_not_given_is_zero_or_empty);
    tcase_add_test(tests, what_is_not_given_has_its_default);
    tcase_add_test(tests, what_has_no_default_is_it_where_it_is_not_given);
    tcase_add_test(tests, a_required_header_must_be_there);
    tcase_add_test(tests, a_header_that_the_operation_does_not_name_is_ignored);
    tcase_add_test(tests, the_largest_id_is_an_argument);
    tcase_add_loop_test(tests, other_ids_are_refused, 0, COUNT(bad_ids));
    tcase_add_test(tests, a_query_parameter_is_checked);
    tcase_add_test(tests, a_parameter_without_a_value_is_empty);
    tcase_add_test(tests, ampersands_may_stand_anywhere);
    tcase_add_loop_test(
        tests, an_unknown_parameter_is_refused, 0, COUNT(unknown));
    tcase_add_test(tests, a_parameter_of_another_operation_is_unknown);
    tcase_add_test(tests, a_parameter_twice_is_refused);
    tcase_add_test(tests, a_parameter_many_times_is_refused);
    tcase_add_test(tests, a_required_parameter_must_be_there);
    tcase_add_test(tests, a_query_is_decoded);
    tcase_add_test(tests, a_path_is_decoded_and_keeps_its_pluses);
    tcase_add_loop_test(
        tests, what_is_no_text_is_refused_once, 0, COUNT(bad_texts));
}

/* --- without memory ----------------------------------------------------- */

/* Asserts nothing: that takes memory. */
static enum error check_rich(const char *path, const char *query)
{
    struct route route;

    request.method = "POST";
    request.path = path;
    request.query = query;
    arguments_free(&arguments);
    faults_free(&faults);
    enum error error = route_match(spec, "POST", path, &route);
    if (!error) {
        check_path(&route, &arguments, &faults);
        error = check_request(&request, &route, &arguments, &faults);
    }
    memory_restore();
    return error;
}

static void assert_good_or_failed(void)
{
    enum error error = check_rich("/rich/7", "limit=5&words=a%20b");

    ck_assert(error == OK || error == ERR_INTERNAL);
    if (error)
        return;
    ck_assert_int_eq(faults.count, 0);
    ck_assert_int_eq(number("id"), 7);
    ck_assert_int_eq(number("limit"), 5);
    ck_assert_int_eq(number("size"), 3);
    ck_assert_str_eq(text("words"), "a b");
    ck_assert_str_eq(json_text(arguments.body, "name").data, "Ada");
    ck_assert_str_eq(json_text(arguments.body, "to").data, "ababababc");
}

static void assert_bad_or_failed(void)
{
    enum error error = check_rich("/rich/x", "limitt=5");

    ck_assert(error == ERR_INVALID || error == ERR_INTERNAL);
    if (error == ERR_INTERNAL)
        return;
    ck_assert_int_eq(faults.count, 6);
    assert_fault(0, "path:id", "an integer");
    assert_fault(1, "query:limitt", "no parameter");
    assert_fault(2, "query:limit", "required");
    assert_fault(3, "header:Idempotency-Key", "pattern");
    assert_fault(4, "#/name", "at least 1");
    assert_fault(5, "#/to", "forms");
}

/* No id becomes 0, no parameter gets lost, nothing good is a fault. */
START_TEST(without_memory_nothing_is_taken_for_something_else)
{
    request.idempotency_key = "key";
    send_body("{\"name\":\"Ada\",\"to\":\"ababababc\",\"more\":[1,{}]}",
        "application/json");
    ck_assert_int_gt(memory_try_each(assert_good_or_failed), 20);

    request.idempotency_key = "no key";
    send_body("{\"name\":\"\",\"to\":0}", "application/json");
    ck_assert_int_gt(memory_try_each(assert_bad_or_failed), 20);
}
END_TEST

static void add_bodies(TCase *tests)
{
    tcase_add_test(tests, a_body_becomes_an_argument);
    tcase_add_test(tests, a_body_is_checked);
    tcase_add_loop_test(
        tests, a_body_that_is_no_object_has_one_fault, 0, COUNT(bad_bodies));
    tcase_add_test(tests, a_required_body_must_be_there);
    tcase_add_test(tests, another_body_may_be_absent);
    tcase_add_test(tests, a_body_that_nobody_asked_for_is_ignored);
    tcase_add_loop_test(
        tests, a_body_must_say_that_it_is_json, 0, COUNT(types));
    tcase_add_test(tests, another_type_is_refused_though_the_body_is_empty);
    tcase_add_test(tests, a_body_can_be_too_large);
    tcase_add_test(tests, a_body_that_was_cut_is_not_read);
    tcase_add_test(tests, all_faults_are_told_at_once);
    tcase_add_test(tests, a_fault_of_the_query_does_not_spoil_the_body);
    tcase_add_test(tests, without_memory_nothing_is_taken_for_something_else);
}

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    add_parameters(tests);
    add_bodies(tests);
}
