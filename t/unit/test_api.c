/* Tests of api: the table of operations, and what handlers share. Run from the
 * top folder, for etc/openapi.yaml. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>
#include <json-c/json.h>

#include "api.h"
#include "runner.h"

/* The handlers themselves are tested with a database, end to end. */
#define HANDLER(name)                                        \
    enum error name(struct call *c, struct http_response *r) \
    {                                                        \
        (void)c;                                             \
        (void)r;                                             \
        return OK;                                           \
    }

HANDLER(api_participant_add)
HANDLER(api_participant_add_all)
HANDLER(api_participant_get)
HANDLER(api_participant_rename)
HANDLER(api_participant_remove)
HANDLER(api_friend_add)
HANDLER(api_friend_add_all)
HANDLER(api_friend_list)
HANDLER(api_friend_remove)
HANDLER(api_outbound_add)
HANDLER(api_outbound_list)
HANDLER(api_outbound_get)
HANDLER(api_outbound_edit)
HANDLER(api_outbound_remove)
HANDLER(api_inbound_list)
HANDLER(api_inbound_stream)
HANDLER(api_marker_get)
HANDLER(api_marker_set)
HANDLER(api_search)
HANDLER(api_search_items)

static struct spec *spec;
static struct buf reasons;
static struct buf detail;
static struct buf touched;
static struct faults faults;
static struct arguments arguments;
static struct http_request request;
static struct route route;
static struct http_response response;
static struct call call;

static void set_up(void)
{
    request = (struct http_request){.path = "/participant/%37/outbound"};
    route = (struct route){0};
    call = (struct call){.request = &request,
        .route = &route,
        .arguments = &arguments,
        .faults = &faults,
        .detail = &detail,
        .touched = &touched};
}

static void tear_down(void)
{
    spec_free(spec);
    spec = NULL;
    buf_free(&reasons);
    buf_free(&detail);
    buf_free(&touched);
    faults_free(&faults);
    arguments_free(&arguments);
    http_response_free(&response);
}

static void give(const char *name, int64_t value)
{
    arguments.list[arguments.count].name = name;
    arguments.list[arguments.count++].value = json_object_new_int64(value);
}

/* --- the table ---------------------------------------------------------- */

/* Who may do what is asked in test_serve.c. */
START_TEST(every_operation_is_found_by_its_id)
{
    ck_assert(spec_load("etc/openapi.yaml", &spec, &reasons));
    for (int i = 0; i < spec->path_count; i++)
        for (int j = 0; j < spec->paths[i].operation_count; j++) {
            const char *id = spec->paths[i].operations[j].id;
            ck_assert_msg(api_find(id) != NULL, "%s", id);
            ck_assert_str_eq(api_find(id)->id, id);
            ck_assert(api_find(id)->handle != NULL);
        }
}
END_TEST

/* Or the participant would be compared with what nobody has checked. */
START_TEST(whom_an_operation_is_for_is_one_of_its_ids)
{
    ck_assert(spec_load("etc/openapi.yaml", &spec, &reasons));
    for (int i = 0; i < spec->path_count; i++)
        for (int j = 0; j < spec->paths[i].operation_count; j++) {
            const char *id = spec->paths[i].operations[j].id;
            const struct api_operation *operation = api_find(id);
            bool is_one = false;
            for (int k = 0; operation->self && k < API_IDS_MAX; k++)
                is_one |= operation->ids[k] &&
                          strcmp(operation->ids[k], operation->self) == 0;
            ck_assert_msg((operation->access == ACCESS_SELF) == is_one &&
                              !operation->self == !is_one,
                "%s", id);
        }
}
END_TEST

START_TEST(an_operation_is_for_whom_its_parameter_names)
{
    struct api_operation operation = {
        .access = ACCESS_SELF, .self = "friend", .ids = {"id", "friend"}};

    give("id", 7);
    give("friend", 9);
    call.identity.participant = 9;
    ck_assert(api_allows(&call, &operation));
    call.identity.participant = 7;
    ck_assert(!api_allows(&call, &operation));
    operation.self = "id";
    ck_assert(api_allows(&call, &operation));
    call.identity.participant = 0;
    arguments_free(&arguments);
    ck_assert(!api_allows(&call, &operation)); /* nobody is not nobody */
}
END_TEST

START_TEST(other_ids_are_not_found)
{
    ck_assert_ptr_null(api_find(""));
    ck_assert_ptr_null(api_find("getinbound"));
    ck_assert_ptr_null(api_find("getOutboundItems"));
}
END_TEST

START_TEST(table_and_specification_fit_each_other)
{
    ck_assert_msg(spec_load("etc/openapi.yaml", &spec, &reasons), "%s",
        buf_text(&reasons));
    ck_assert_msg(
        api_check_spec(spec, true, &reasons), "%s", buf_text(&reasons));
}
END_TEST

static void load(const char *yaml)
{
    char file[] = "/tmp/test_api_XXXXXX";
    int fd = mkstemp(file);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, yaml, strlen(yaml)), (int)strlen(yaml));
    close(fd);
    bool loaded = spec_load(file, &spec, &reasons);
    unlink(file);
    ck_assert_msg(loaded, "%s", buf_text(&reasons));
    spec->file = "FILE";
}

START_TEST(what_does_not_fit_is_named)
{
    load("openapi: 3.1.0\n"
         "info: {title: t, version: 1.0.0}\n"
         "paths:\n"
         "  /outbound:\n"
         "    get:\n"
         "      operationId: searchOutbound\n"
         "      responses: {'200': {description: d}}\n"
         "    delete:\n"
         "      operationId: removeAll\n"
         "      responses: {'200': {description: d}}\n");
    ck_assert(!api_check_spec(spec, false, &reasons));
    const char *text = buf_text(&reasons);
    ck_assert_ptr_nonnull(strstr(text, "FILE: has no operation 'getInbound'"));
    ck_assert_ptr_nonnull(strstr(text, "FILE:8: operationId 'removeAll'"));
    ck_assert_ptr_null(strstr(text, "searchOutbound"));
}
END_TEST

#define OPERATION(id)             \
    "      operationId: " id "\n" \
    "      responses: {'200': {description: d}}\n"

static const char open_spec[] =
    "openapi: 3.1.0\n"
    "info: {title: t, version: 1.0.0}\n"
    "security: [{token: []}]\n"
    "components:\n"
    "  securitySchemes: {token: {type: http, scheme: bearer}}\n"
    "paths:\n"
    "  /participant:\n"
    "    post:\n" OPERATION(
        "addParticipant") "      security: []\n"
                          "  /participant/{id}/inbound:\n"
                          "    parameters:\n"
                          "      - {name: id, in: path, "
                          "required: true, schema: {type: "
                          "integer}}\n"
                          "    get:\n" OPERATION(
                              "getInbound") "      security: []\n"
                                            "    "
                                            "patch:\n" OPERATION(
                                                "renameParticipan"
                                                "t") "  "
                                                     "/participan"
                                                     "t/{who}:\n"
                                                     "    "
                                                     "parameters:"
                                                     "\n"
                                                     "      - "
                                                     "{name: "
                                                     "who, in: "
                                                     "path, "
                                                     "required: "
                                                     "true, "
                                                     "schema: "
                                                     "{type: "
                                                     "integer}}\n"
                                                     "    "
                                                     "get:"
                                                     "\n" OPERATION("getPart"
                                                                    "icipan"
                                                                    "t") "  "
                                                                         "  "
                                                                         "  "
                                                                         "se"
                                                                         "cu"
                                                                         "ri"
                                                                         "ty"
                                                                         ": "
                                                                         "[]"
                                                                         "\n";

START_TEST(what_is_not_for_everybody_must_ask_for_a_token)
{
    load(open_spec);
    ck_assert(!api_check_spec(spec, true, &reasons));
    const char *text = buf_text(&reasons);
    ck_assert_ptr_nonnull(
        strstr(text, "FILE:8: 'addParticipant' is for an administrator alone, "
                     "so with auth.key_file set it must have security, its own "
                     "or the file's\n"));
    ck_assert_ptr_nonnull(strstr(text,
        "FILE:15: 'getInbound' is for the participant of the path alone"));
    ck_assert_ptr_null(strstr(text, "'renameParticipant'"));
    ck_assert_ptr_null(strstr(text, "'getParticipant' is for"));

    buf_reset(&reasons, 0);
    ck_assert(!api_check_spec(spec, false, &reasons));
    ck_assert_ptr_null(strstr(buf_text(&reasons), "alone"));
}
END_TEST

START_TEST(a_path_has_the_ids_that_its_handler_takes)
{
    load(open_spec);
    ck_assert(!api_check_spec(spec, false, &reasons));
    ck_assert_ptr_nonnull(strstr(buf_text(&reasons),
        "FILE:25: the path of 'getParticipant' must have {id}\n"));
    ck_assert_ptr_null(strstr(buf_text(&reasons), "of 'getInbound'"));
}
END_TEST

static const int64_t no_ids[] = {0, -1, -5000000000, -INT64_MAX};

/* Which a specification may allow. */
START_TEST(what_is_no_id_is_refused)
{
    const struct api_operation *operation = api_find("removeFriend");

    give("id", 7);
    give("friend", no_ids[_i]);
    ck_assert_int_eq(api_check_ids(&call, operation), ERR_INVALID);
    ck_assert_int_eq(faults.count, 1);
    ck_assert_str_eq(faults.list[0].pointer, "path:friend");
    ck_assert_int_eq(api_check_ids(&call, api_find("addFriend")), OK);
}
END_TEST

START_TEST(an_id_that_is_absent_is_refused)
{
    ck_assert_int_eq(api_check_ids(&call, api_find("getInbound")), ERR_INVALID);
    ck_assert_str_eq(faults.list[0].pointer, "path:id");
}
END_TEST

START_TEST(a_cursor_is_no_negative_number)
{
    struct page page;

    give("before", no_ids[1]);
    ck_assert_int_eq(api_page(&call, &page), ERR_INVALID);
    ck_assert_str_eq(faults.list[0].pointer, "query:before");
    arguments_free(&arguments);
    give("after", no_ids[2]);
    ck_assert_int_eq(api_page(&call, &page), ERR_INVALID);
    ck_assert_str_eq(faults.list[1].pointer, "query:after");
}
END_TEST

/* --- what handlers share ------------------------------------------------ */

START_TEST(an_error_gets_its_detail)
{
    ck_assert_int_eq(
        api_fail(&call, ERR_NOT_FOUND, "there is no %s %d", "post", 7),
        ERR_NOT_FOUND);
    ck_assert_str_eq(buf_text(&detail), "there is no post 7");
}
END_TEST

START_TEST(a_refusal_is_a_fault)
{
    ck_assert_int_eq(api_refuse(&call, "#/to", "100 % wrong"), ERR_INVALID);
    ck_assert_int_eq(faults.count, 1);
    ck_assert_str_eq(faults.list[0].pointer, "#/to");
    ck_assert_str_eq(faults.list[0].detail, "100 % wrong");
}
END_TEST

START_TEST(the_participant_is_the_paths)
{
    give("friend", 9);
    give("id", 7);
    ck_assert_int_eq(api_participant(&call), 7);
}
END_TEST

START_TEST(touched_feeds_are_kept)
{
    const int64_t feeds[] = {7, INT64_MAX};

    api_touch(&call, feeds[0]);
    api_touch(&call, feeds[1]);
    ck_assert_uint_eq(touched.len, sizeof(feeds));
    ck_assert_mem_eq(touched.data, feeds, sizeof(feeds));
}
END_TEST

/* Of the limit, the specification has it. */
START_TEST(a_page_has_defaults)
{
    struct page page;

    ck_assert_int_eq(api_page(&call, &page), OK);
    ck_assert_int_eq(page.limit, PAGE_LIMIT_MAX);
    ck_assert(page.is_default);
    ck_assert_int_eq(page.before, 0);
    ck_assert_int_eq(page.after, 0);
}
END_TEST

START_TEST(a_page_is_the_querys)
{
    struct page page;

    give("limit", 200);
    give("before", INT64_MAX);
    give("after", 3);
    ck_assert_int_eq(api_page(&call, &page), OK);
    ck_assert_int_eq(page.limit, 200);
    ck_assert_int_eq(page.before, INT64_MAX);
    ck_assert_int_eq(page.after, 3);
}
END_TEST

/* A specification that allows more must not overrun what a page holds. */
static const int64_t large_limits[] = {
    201, INT32_MAX, INT64_C(1) << 31, (INT64_C(1) << 32) + 1, INT64_MAX};

START_TEST(a_page_never_has_more_than_there_is_room_for)
{
    struct page page;

    give("limit", large_limits[_i]);
    ck_assert_int_eq(api_page(&call, &page), ERR_INVALID);
    ck_assert_str_eq(faults.list[0].pointer, "query:limit");
}
END_TEST

/* The path as others would write it, not as it was sent. */
START_TEST(a_list_gets_its_links)
{
    ck_assert(spec_load("etc/openapi.yaml", &spec, &reasons));
    ck_assert_int_eq(route_match(spec, "GET", request.path, &route), OK);
    give("id", 7);
    api_link(&call, &response, "", &(struct page){.is_default = true},
        &(struct page_ends){.count = 1, .newest = 9, .oldest = 9, .older = 1});
    ck_assert_str_eq(buf_text(&response.headers),
        "Link: </participant/7/outbound?before=9>; rel=\"next\", "
        "</participant/7/outbound?after=9>; rel=\"prev\"\r\n");
}
END_TEST

START_TEST(a_list_without_neighbours_gets_no_links)
{
    ck_assert(spec_load("etc/openapi.yaml", &spec, &reasons));
    ck_assert_int_eq(route_match(spec, "GET", request.path, &route), OK);
    api_link(&call, &response, "", &(struct page){.is_default = true},
        &(struct page_ends){0});
    ck_assert_str_eq(buf_text(&response.headers), "");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_operation_is_found_by_its_id);
    tcase_add_test(tests, whom_an_operation_is_for_is_one_of_its_ids);
    tcase_add_test(tests, an_operation_is_for_whom_its_parameter_names);
    tcase_add_test(tests, other_ids_are_not_found);
    tcase_add_test(tests, table_and_specification_fit_each_other);
    tcase_add_test(tests, what_does_not_fit_is_named);
    tcase_add_test(tests, what_is_not_for_everybody_must_ask_for_a_token);
    tcase_add_test(tests, a_path_has_the_ids_that_its_handler_takes);
    tcase_add_loop_test(tests, what_is_no_id_is_refused, 0, COUNT(no_ids));
    tcase_add_test(tests, an_id_that_is_absent_is_refused);
    tcase_add_test(tests, a_cursor_is_no_negative_number);
    tcase_add_test(tests, an_error_gets_its_detail);
    tcase_add_test(tests, a_refusal_is_a_fault);
    tcase_add_test(tests, the_participant_is_the_paths);
    tcase_add_test(tests, touched_feeds_are_kept);
    tcase_add_test(tests, a_page_has_defaults);
    tcase_add_test(tests, a_page_is_the_querys);
    tcase_add_loop_test(tests, a_page_never_has_more_than_there_is_room_for, 0,
        COUNT(large_limits));
    tcase_add_test(tests, a_list_gets_its_links);
    tcase_add_test(tests, a_list_without_neighbours_gets_no_links);
}
