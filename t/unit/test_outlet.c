/* Tests of outlet, with kinds that the test plays. */
#include <string.h>

#include "outlet.h"
#include "runner.h"

static int loads, unloads;

static int count(const struct config *config)
{
    return *config->kafka_servers ? 1 : 0;
}

static void *load(const struct config *config, struct buf *faults)
{
    static char loaded;

    loads++;
    if (strcmp(config->kafka_servers, "wrong") != 0)
        return &loaded;
    buf_puts(faults, "wrong\n");
    return NULL;
}

static void unload(void *loaded)
{
    ck_assert_ptr_nonnull(loaded);
    unloads++;
}

const struct outlet_kind outlet_kafka = {
    .kind = "kafka",
    .is_one = true,
    .count = count,
    .load = load,
    .unload = unload,
};

/* As many as the text is long. */
static int count_many(const struct config *config)
{
    return (int)strlen(config->webhook_urls);
}

const struct outlet_kind outlet_webhook = {
    .kind = "webhook",
    .count = count_many,
    .load = load,
    .unload = unload,
};

static struct config config = {.kafka_servers = "host", .webhook_urls = ""};
static struct outlet_loaded loaded;
static struct buf faults;

START_TEST(what_is_not_configured_is_not_there)
{
    config.kafka_servers = "";
    ck_assert_int_eq(outlet_count(&config), 0);
    ck_assert(outlet_load(&config, &loaded, &faults));
    ck_assert_int_eq(loads, 0);
    outlet_unload(&loaded);
    ck_assert_int_eq(unloads, 0);
}
END_TEST

START_TEST(what_is_configured_is_found_and_loaded)
{
    char label[OUTLET_LABEL_SIZE];
    int number;

    ck_assert_int_eq(outlet_count(&config), 1);
    ck_assert_ptr_eq(outlets[outlet_find(&config, 0, &number)], &outlet_kafka);
    ck_assert_int_eq(number, 0);
    outlet_label(&config, 0, label);
    ck_assert_str_eq(label, "kafka");
    ck_assert(outlet_load(&config, &loaded, &faults));
    outlet_unload(&loaded);
    ck_assert_int_eq(unloads, 1);
    outlet_unload(&loaded);
    ck_assert_int_eq(unloads, 1);
}
END_TEST

START_TEST(of_some_kinds_there_may_be_several)
{
    char label[OUTLET_LABEL_SIZE];
    int number;

    config.webhook_urls = "ab";
    ck_assert_int_eq(outlet_count(&config), 3);
    ck_assert_ptr_eq(
        outlets[outlet_find(&config, 2, &number)], &outlet_webhook);
    ck_assert_int_eq(number, 1);
    outlet_label(&config, 2, label);
    ck_assert_str_eq(label, "webhook 2");
    config.kafka_servers = "";
    ck_assert_ptr_eq(
        outlets[outlet_find(&config, 0, &number)], &outlet_webhook);
    ck_assert_int_eq(number, 0);
}
END_TEST

START_TEST(a_fault_is_told)
{
    config.kafka_servers = "wrong";
    ck_assert(!outlet_load(&config, &loaded, &faults));
    ck_assert_str_eq(buf_text(&faults), "wrong\n");
    outlet_unload(&loaded);
    ck_assert_int_eq(unloads, 0);
    buf_free(&faults);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_not_configured_is_not_there);
    tcase_add_test(tests, what_is_configured_is_found_and_loaded);
    tcase_add_test(tests, of_some_kinds_there_may_be_several);
    tcase_add_test(tests, a_fault_is_told);
}
