/* Tests of kafka, against brokers that librdkafka plays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

#include "kafka.h"
#include "runner.h"

static char file[] = "/tmp/newsfeed-options.XXXXXX";
static struct buf text;

/* --- brokers ------------------------------------------------------------ */

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static const char *servers;

static void start_brokers(void)
{
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, NULL, 0);
    ck_assert_ptr_nonnull(owner);
    cluster = rd_kafka_mock_cluster_new(owner, 3);
    ck_assert_ptr_nonnull(cluster);
    servers = rd_kafka_mock_cluster_bootstraps(cluster);
    ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, "topic", 2, 3), 0);
}

static void stop_brokers(void)
{
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
}

/* What arrived, "key=value" each, of one partition after the other. */
static const char *consume(void)
{
    static char found[1000];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set(conf, "bootstrap.servers", servers, NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    rd_kafka_conf_set(conf, "fetch.wait.max.ms", "10", NULL, 0);
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(consumer, "topic", NULL);
    *found = '\0';
    for (int partition = 0; partition < 2; partition++) {
        bool is_end = false;
        rd_kafka_consume_start(topic, partition, RD_KAFKA_OFFSET_BEGINNING);
        while (!is_end) {
            rd_kafka_message_t *message =
                rd_kafka_consume(topic, partition, 10000);
            ck_assert_ptr_nonnull(message);
            is_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            if (!message->err)
                snprintf(found + strlen(found), sizeof(found) - strlen(found),
                    "%.*s=%.*s ", (int)message->key_len,
                    (const char *)message->key, (int)message->len,
                    (const char *)message->payload);
            rd_kafka_message_destroy(message);
        }
        rd_kafka_consume_stop(topic, partition);
    }
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(consumer);
    return found;
}

/* --- a producer --------------------------------------------------------- */

static int delivered[20], failed;
static int delivered_count;
static char fault[200];

static void take_report(void *context, int64_t number, const char *why)
{
    ck_assert_ptr_eq(context, &text);
    if (why) {
        failed++;
        snprintf(fault, sizeof(fault), "%s", why);
    } else
        delivered[delivered_count++] = (int)number;
}

static void write_options(const char *options)
{
    FILE *stream = fopen(file, "w");

    ck_assert_ptr_nonnull(stream);
    fputs(options, stream);
    fclose(stream);
}

static struct kafka_settings *load(const char *options)
{
    write_options(options);
    return kafka_load(servers ? servers : "host:9092", "topic", file, &text);
}

static struct kafka *make(struct kafka_settings *settings)
{
    ck_assert_msg(settings != NULL, "%s", buf_text(&text));
    struct kafka *kafka = kafka_new(settings, take_report, &text, &text);
    ck_assert_msg(kafka != NULL, "%s", buf_text(&text));
    return kafka;
}

static enum error produce(
    struct kafka *kafka, int number, const char *key, const char *value)
{
    return kafka_produce(kafka, number, (struct text){key, strlen(key)},
        (struct text){value, strlen(value)});
}

/* Until so many have been reported, or it is dead. */
static enum error poll_for(struct kafka *kafka, int count)
{
    enum error error = OK;

    for (int i = 0; i < 200 && !error && delivered_count + failed < count; i++)
        error = kafka_poll(kafka, 100);
    return error;
}

static void set_up(void)
{
    int fd = mkstemp(file);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(file);
    buf_free(&text);
}

/* --- what is delivered -------------------------------------------------- */

START_TEST(messages_arrive_in_order)
{
    start_brokers();
    struct kafka_settings *settings = load("linger.ms=1\n");
    struct kafka *kafka = make(settings);

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(produce(kafka, 2 * i, "7", i == 0 ? "a" : "b"), OK);
        ck_assert_int_eq(produce(kafka, 2 * i + 1, "8", "c"), OK);
    }
    ck_assert_int_eq(poll_for(kafka, 6), OK);
    ck_assert_int_eq(delivered_count, 6);
    ck_assert_str_eq(kafka_fault(kafka), "");
    kafka_free(kafka);
    kafka_unload(settings);
    const char *found = consume();
    ck_assert_ptr_nonnull(strstr(found, "7=a 7=b 7=b "));
    ck_assert_ptr_nonnull(strstr(found, "8=c 8=c 8=c "));
    stop_brokers();
}
END_TEST

/* Those behind it would be out of order. (A broker that knows what it misses
 * refuses those that are under way already; these ones do not.) */
START_TEST(behind_one_that_fails_none_is_sent)
{
    start_brokers();
    struct kafka_settings *settings = load("");
    struct kafka *kafka = make(settings);

    ck_assert_int_eq(produce(kafka, 0, "7", "a"), OK);
    ck_assert_int_eq(poll_for(kafka, 1), OK);
    rd_kafka_mock_push_request_errors(
        cluster, 0, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    ck_assert_int_eq(produce(kafka, 1, "7", "b"), OK);
    ck_assert_int_eq(poll_for(kafka, 3), ERR_INTERNAL);
    ck_assert_int_eq(produce(kafka, 2, "7", "c"), ERR_INVALID);
    ck_assert_int_eq(kafka_poll(kafka, 10), ERR_INTERNAL);
    ck_assert_int_eq(delivered_count, 1);
    kafka_free(kafka);
    kafka_unload(settings);
    ck_assert_str_eq(consume(), "7=a ");
    stop_brokers();
}
END_TEST

START_TEST(what_may_pass_is_waited_for)
{
    start_brokers();
    struct kafka_settings *settings = load("retry.backoff.ms=1\n");
    struct kafka *kafka = make(settings);

    rd_kafka_mock_push_request_errors(cluster, 0, 4,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    ck_assert_int_eq(produce(kafka, 0, "7", "a"), OK);
    ck_assert_int_eq(produce(kafka, 1, "7", "b"), OK);
    ck_assert_int_eq(poll_for(kafka, 2), OK);
    ck_assert_int_eq(delivered_count, 2);
    kafka_free(kafka);
    kafka_unload(settings);
    ck_assert_str_eq(consume(), "7=a 7=b ");
    stop_brokers();
}
END_TEST

START_TEST(a_topic_that_is_not_there_is_a_fault)
{
    start_brokers();
    rd_kafka_mock_topic_set_error(
        cluster, "topic", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    struct kafka_settings *settings =
        load("topic.metadata.propagation.max.ms=10\n");
    struct kafka *kafka = make(settings);

    ck_assert_int_eq(produce(kafka, 0, "7", "a"), OK);
    (void)!poll_for(kafka, 1);
    ck_assert_int_eq(failed, 1);
    ck_assert_ptr_nonnull(strstr(fault, "nknown topic"));
    kafka_free(kafka);
    kafka_unload(settings);
    stop_brokers();
}
END_TEST

START_TEST(brokers_that_refuse_are_a_fault)
{
    start_brokers();
    struct kafka_settings *settings =
        load("security.protocol=sasl_plaintext\nsasl.mechanisms=PLAIN\n"
             "sasl.username=a\nsasl.password=b\n");
    struct kafka *kafka = make(settings);

    ck_assert_int_eq(produce(kafka, 0, "7", "a"), OK);
    for (int i = 0; i < 100 && !*kafka_fault(kafka); i++)
        ck_assert_int_eq(kafka_poll(kafka, 100), OK);
    ck_assert_msg(strstr(kafka_fault(kafka), "SASL"), "%s", kafka_fault(kafka));
    kafka_free(kafka);
    kafka_unload(settings);
    stop_brokers();
}
END_TEST

START_TEST(brokers_that_are_away_are_a_fault)
{
    servers = "127.0.0.1:1, 127.0.0.1:2";
    struct kafka_settings *settings = load("");
    struct kafka *kafka = make(settings);

    ck_assert_int_eq(produce(kafka, 0, "7", "a"), OK);
    for (int i = 0; i < 100 && !*kafka_fault(kafka); i++)
        ck_assert_int_eq(kafka_poll(kafka, 100), OK);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(kafka_poll(kafka, 50), OK);
    ck_assert_msg(strstr(kafka_fault(kafka), "Connection refused"), "%s",
        kafka_fault(kafka));
    kafka_free(kafka);
    kafka_unload(settings);
}
END_TEST

START_TEST(a_queue_has_an_end)
{
    struct kafka_settings *settings = load("queue.buffering.max.messages=2\n");
    struct kafka *kafka = make(settings);

    ck_assert_int_eq(produce(kafka, 0, "7", "a"), OK);
    ck_assert_int_eq(produce(kafka, 1, "7", "a"), OK);
    ck_assert_int_eq(produce(kafka, 2, "7", "a"), ERR_UNAVAILABLE);
    ck_assert_str_eq(kafka_fault(kafka), "Local: Queue full");
    kafka_free(kafka);
    kafka_unload(settings);
}
END_TEST

START_TEST(a_message_that_is_too_large_is_refused)
{
    static char large[2000];
    struct kafka_settings *settings = load("message.max.bytes=1000\n");
    struct kafka *kafka = make(settings);

    memset(large, 'x', sizeof(large) - 1);
    ck_assert_int_eq(produce(kafka, 0, "7", large), ERR_INVALID);
    ck_assert_msg(
        strstr(kafka_fault(kafka), "size too large"), "%s", kafka_fault(kafka));
    kafka_free(kafka);
    kafka_unload(settings);
}
END_TEST

/* --- what is refused ---------------------------------------------------- */

static const struct {
    const char *options;
    int line; /* 0: none is told */
    const char *fault;
} wrong[] = {
    {"# none\n\n linger.ms = 5\nlinger.msec=5\n", 4,
        "No such configuration property: \"linger.msec\""},
    {"linger.ms=soon\n", 1, "Invalid value"},
    {"compression.type=rar\n", 1, "Invalid value"},
    {"linger.ms\n", 1, "must be name=value"},
    {"a\nb\n", 2, "must be name=value"},
    {"acks=1\n", 1, "acks: the service sets it to all"},
    {"request.required.acks=1\n", 1, "request.required.acks: the service"},
    {"enable.idempotence=false\n", 1, "enable.idempotence: the service sets"},
    {"enable.gapless.guarantee=false\n", 1, "enable.gapless.guarantee: the"},
    {"message.timeout.ms=1\n", 1, "message.timeout.ms: the service sets it"},
    {"delivery.timeout.ms=1\n", 1, "delivery.timeout.ms: the service sets"},
    {"delivery.report.only.error=true\n", 1, "delivery.report.only.error: the"},
    {"transactional.id=a\n", 1, "transactional.id: there are no transactions"},
    {"log.queue=false\n", 1, "log.queue: the service sets it to true"},
    {"bootstrap.servers=a\n", 1, "bootstrap.servers: kafka.servers says it"},
    {"metadata.broker.list=a\n", 1, "metadata.broker.list: kafka.servers"},
    {"test.mock.num.brokers=3\n", 1, "test.mock.num.brokers: it would keep"},
    {"partitioner=random\n", 1, "partitioner: must not be random"},
    {"max.in.flight=6\n", 0, "max.in.flight"},
    {"security.protocol=ssl\nssl.ca.location=/nowhere\n", 0,
        "ssl.ca.location failed"},
};

START_TEST(options_are_refused)
{
    struct buf place = {0};

    ck_assert_ptr_null(load(wrong[_i].options));
    buf_printf(&place, "kafka.options_file: %s:", file);
    if (wrong[_i].line > 0)
        buf_printf(&place, "%d: ", wrong[_i].line);
    ck_assert_msg(
        strstr(buf_text(&text), buf_text(&place)), "%s", buf_text(&text));
    ck_assert_msg(
        strstr(buf_text(&text), wrong[_i].fault), "%s", buf_text(&text));
    buf_free(&place);
}
END_TEST

START_TEST(all_that_is_wrong_is_told)
{
    write_options("one=1\ntwo=2\n");
    ck_assert_ptr_null(kafka_load("host:", "a topic", file, &text));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), ":1: "));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), ":2: "));
    ck_assert_ptr_nonnull(strstr(
        buf_text(&text), "kafka.servers: is \"host:\", must be host:port"));
    ck_assert_ptr_nonnull(strstr(
        buf_text(&text), "kafka.topic: is \"a topic\", must be 1 to 249"));
}
END_TEST

START_TEST(options_that_others_can_read_are_refused)
{
    write_options("");
    ck_assert_int_eq(chmod(file, 0604), 0);
    ck_assert_ptr_null(kafka_load("host", "topic", file, &text));
    ck_assert_msg(
        strstr(buf_text(&text), "`chmod o= /tmp/"), "%s", buf_text(&text));
}
END_TEST

START_TEST(options_that_are_not_there_are_refused)
{
    ck_assert_ptr_null(kafka_load("host", "topic", "/nowhere", &text));
    ck_assert_str_eq(buf_text(&text), "kafka.options_file: cannot read "
                                      "/nowhere: No such file or directory\n");
    buf_reset(&text, 0);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    ck_assert_ptr_null(kafka_load("host", "topic", file, &text));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), ": Is a directory"));
    ck_assert_int_eq(rmdir(file), 0);
}
END_TEST

START_TEST(options_that_are_no_text_are_refused)
{
    static char large[(64 << 10) + 2];
    FILE *stream = fopen(file, "w");

    ck_assert_ptr_nonnull(stream);
    fwrite("a=b\0", 1, 4, stream);
    fclose(stream);
    ck_assert_ptr_null(kafka_load("host", "topic", file, &text));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "must be a text of 65536"));
    buf_reset(&text, 0);
    memset(large, '\n', sizeof(large) - 1);
    ck_assert_ptr_null(load(large));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "must be a text of 65536"));
}
END_TEST

static const struct {
    const char *servers;
    bool are_right;
} names[] = {
    {"host", true},
    {"host:9092", true},
    {"a.example:1 , b.example:65535", true},
    {"[::1]:9092", true},
    {"[::1]", true},
    {"SSL://host:9093", true},
    {"host:", false},
    {"host:0", false},
    {"host:65536", false},
    {"host:port", false},
    {":9092", false},
    {"a,,b", false},
    {"a,", false},
    {"a b", false},
};

START_TEST(servers_are_checked)
{
    struct kafka_settings *settings =
        kafka_load(names[_i].servers, "topic", "", &text);

    ck_assert_int_eq(settings != NULL, names[_i].are_right);
    kafka_unload(settings);
}
END_TEST

START_TEST(topics_are_checked)
{
    static const struct {
        const char *name;
        bool is_right;
    } topics[] = {
        {"a.B_c-9", true},
        {"", false},
        {".", false},
        {"..", false},
        {"a/b", false},
    };
    char name[251];

    for (int i = 0; i < 5; i++) {
        struct kafka_settings *settings =
            kafka_load("host", topics[i].name, "", &text);
        ck_assert_int_eq(settings != NULL, topics[i].is_right);
        kafka_unload(settings);
    }
    memset(name, 'a', 250);
    name[250] = '\0';
    ck_assert_ptr_null(kafka_load("host", name, "", &text));
    struct kafka_settings *settings = kafka_load("host", name + 1, "", &text);
    ck_assert_ptr_nonnull(settings);
    kafka_unload(settings);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, messages_arrive_in_order);
    tcase_add_test(tests, behind_one_that_fails_none_is_sent);
    tcase_add_test(tests, what_may_pass_is_waited_for);
    tcase_add_test(tests, a_topic_that_is_not_there_is_a_fault);
    tcase_add_test(tests, brokers_that_refuse_are_a_fault);
    tcase_add_test(tests, brokers_that_are_away_are_a_fault);
    tcase_add_test(tests, a_queue_has_an_end);
    tcase_add_test(tests, a_message_that_is_too_large_is_refused);
    tcase_add_loop_test(tests, options_are_refused, 0, COUNT(wrong));
    tcase_add_test(tests, all_that_is_wrong_is_told);
    tcase_add_test(tests, options_that_others_can_read_are_refused);
    tcase_add_test(tests, options_that_are_not_there_are_refused);
    tcase_add_test(tests, options_that_are_no_text_are_refused);
    tcase_add_loop_test(tests, servers_are_checked, 0, COUNT(names));
    tcase_add_test(tests, topics_are_checked);
}
