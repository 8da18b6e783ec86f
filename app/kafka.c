/* The only file that knows librdkafka: messages into one topic, each once and
 * in order for each key, to all replicas. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "kafka.h"
#include "log.h"
#include "secret.h"

enum {
    FAULT_SIZE = 512,
    OPTIONS_MAX = 64 << 10, /* bytes of the file */
    TOPIC_MAX = 249,        /* characters, which Kafka allows */
    PORT_MAX = 65535,
};

#define TOPIC_CHARS \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define SPACE " \t\r\n"
#define CONTENT_TYPE "application/cloudevents+json"

struct kafka_settings {
    rd_kafka_conf_t *conf;
    const char *topic;
};

struct kafka {
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    kafka_report *report;
    void *context;
    bool is_dead;
    char fault[FAULT_SIZE];
};

struct option {
    const char *name;
    const char *value;
};

/* An options file may say otherwise. A broker that is back is to be found soon,
 * and a topic that is not there to be missed soon. */
static const struct option defaults[] = {
    {"client.id", "newsfeed"},
    {"reconnect.backoff.max.ms", "2000"},
    {"topic.metadata.propagation.max.ms", "5000"},
};

/* It may not. A message that is given up is one that is lost, or out of its
 * order: so none is, and where one cannot be delivered, none behind it is. */
static const struct option musts[] = {
    {"enable.idempotence", "true"},
    {"enable.gapless.guarantee", "true"},
    {"acks", "all"},
    {"message.timeout.ms", "0"},
    {"delivery.report.only.error", "false"},
    {"log.queue", "true"},
};

/* Nor these, by any of their names. */
static const struct option others[] = {
    {"bootstrap.servers", "kafka.servers says it"},
    {"metadata.broker.list", "kafka.servers says it"},
    {"request.required.acks", "the service sets it to all"},
    {"delivery.timeout.ms", "the service sets it to 0"},
    {"transactional.id", "there are no transactions"},
    {"test.mock.num.brokers", "it would keep the events to itself"},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- options ------------------------------------------------------------ */

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value,
    const char *place, struct buf *faults)
{
    char reason[FAULT_SIZE];

    if (rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) ==
        RD_KAFKA_CONF_OK)
        return true;
    buf_printf(faults, "%s: %s\n", place, reason);
    return false;
}

static bool may_set(
    const char *name, const char *value, const char *place, struct buf *faults)
{
    size_t before = faults->len;

    for (size_t i = 0; i < COUNT(musts); i++)
        if (strcmp(musts[i].name, name) == 0)
            buf_printf(faults, "%s: %s: the service sets it to %s\n", place,
                name, musts[i].value);
    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(others[i].name, name) == 0)
            buf_printf(faults, "%s: %s: %s\n", place, name, others[i].value);
    if (strcmp(name, "partitioner") == 0 && strcmp(value, "random") == 0)
        buf_printf(faults,
            "%s: partitioner: must not be random, which knows no order; "
            "murmur2_random does as Java's clients do\n",
            place);
    return faults->len == before;
}

/* Without the white space around it; cuts that off. */
static char *trim(char *text)
{
    text += strspn(text, SPACE);
    for (size_t len = strlen(text); len > 0 && strchr(SPACE, text[len - 1]);
         len--)
        text[len - 1] = '\0';
    return text;
}

static bool take_line(
    rd_kafka_conf_t *conf, char *line, const char *place, struct buf *faults)
{
    char *name = trim(line);
    char *equals = strchr(name, '=');

    if (*name == '\0' || *name == '#')
        return true;
    if (!equals) {
        buf_printf(faults,
            "%s: must be name=value, with a name of librdkafka's "
            "CONFIGURATION.md, or a comment (# in front)\n",
            place);
        return false;
    }
    *equals = '\0';
    name = trim(name);
    const char *value = trim(equals + 1);
    return may_set(name, value, place, faults) &&
           set(conf, name, value, place, faults);
}

static bool take_lines(
    rd_kafka_conf_t *conf, char *text, const char *path, struct buf *faults)
{
    bool holds = true;

    for (int number = 1; text; number++) {
        struct buf place = {0};
        buf_printf(&place, "kafka.options_file: %s:%d", path, number);
        holds &= take_line(conf, strsep(&text, "\n"), buf_text(&place), faults);
        buf_free(&place);
    }
    return holds;
}

static bool take_file(
    rd_kafka_conf_t *conf, const char *path, struct buf *faults)
{
    char text[OPTIONS_MAX + 1];
    size_t len = 0;
    bool holds = secret_read(
        "kafka.options_file", path, text, sizeof(text), &len, faults);

    if (holds && (len > OPTIONS_MAX || memchr(text, '\0', len))) {
        buf_printf(faults,
            "kafka.options_file: %s must be a text of %d bytes at most\n", path,
            OPTIONS_MAX);
        holds = false;
    }
    if (holds) {
        text[len] = '\0';
        holds = take_lines(conf, text, path, faults);
    }
    explicit_bzero(text, sizeof(text));
    return holds;
}

static bool take_options(
    rd_kafka_conf_t *conf, const char *path, struct buf *faults)
{
    bool holds = true;

    for (size_t i = 0; i < COUNT(defaults); i++)
        holds &=
            set(conf, defaults[i].name, defaults[i].value, "kafka", faults);
    if (*path)
        holds &= take_file(conf, path, faults);
    for (size_t i = 0; i < COUNT(musts); i++)
        holds &= set(conf, musts[i].name, musts[i].value, "kafka", faults);
    return holds;
}

/* --- what librdkafka tells ---------------------------------------------- */

static void keep_fault(struct kafka *kafka, const char *fault)
{
    snprintf(kafka->fault, sizeof(kafka->fault), "%s", fault);
}

static void on_report(
    rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    struct kafka *kafka = context;
    const char *fault = message->err ? rd_kafka_err2str(message->err) : NULL;

    (void)producer;
    if (!fault && !kafka->is_dead)
        kafka->fault[0] = '\0';
    kafka->report(kafka->context, (int64_t)(intptr_t)message->_private, fault);
}

/* That none of them can be reached says less than why each of them cannot. */
static void on_error(
    rd_kafka_t *producer, int error, const char *reason, void *context)
{
    struct kafka *kafka = context;

    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        kafka->is_dead = true;
        rd_kafka_fatal_error(producer, kafka->fault, sizeof(kafka->fault));
    } else if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !*kafka->fault)
        keep_fault(kafka, reason);
}

/* What it comes to is logged by who waits for it. */
static void on_log(const rd_kafka_t *producer, int level, const char *facility,
    const char *text)
{
    (void)producer;
    (void)level;
    log_debug("kafka", "%s: %s", facility, text);
}

/* --- a producer --------------------------------------------------------- */

/* Of a copy of conf. */
static rd_kafka_t *make_producer(
    const rd_kafka_conf_t *conf, struct kafka *kafka, struct buf *reason)
{
    rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
    char text[FAULT_SIZE];

    rd_kafka_conf_set_opaque(copy, kafka);
    rd_kafka_conf_set_dr_msg_cb(copy, on_report);
    rd_kafka_conf_set_error_cb(copy, on_error);
    rd_kafka_conf_set_log_cb(copy, on_log);
    rd_kafka_t *producer =
        rd_kafka_new(RD_KAFKA_PRODUCER, copy, text, sizeof(text));
    if (!producer) {
        rd_kafka_conf_destroy(copy);
        buf_puts(reason, text);
    }
    return producer;
}

struct kafka *kafka_new(const struct kafka_settings *settings,
    kafka_report *report, void *context, struct buf *reason)
{
    struct kafka *kafka = calloc(1, sizeof(*kafka));

    if (!kafka) {
        buf_puts(reason, "out of memory");
        return NULL;
    }
    kafka->report = report;
    kafka->context = context;
    kafka->producer = make_producer(settings->conf, kafka, reason);
    if (!kafka->producer)
        goto fail;
    rd_kafka_set_log_queue(kafka->producer, NULL);
    kafka->topic = rd_kafka_topic_new(kafka->producer, settings->topic, NULL);
    if (!kafka->topic) {
        buf_puts(reason, rd_kafka_err2str(rd_kafka_last_error()));
        goto fail;
    }
    return kafka;
fail:
    kafka_free(kafka);
    return NULL;
}

void kafka_free(struct kafka *kafka)
{
    if (!kafka)
        return;
    if (kafka->topic)
        rd_kafka_topic_destroy(kafka->topic);
    if (kafka->producer) {
        rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE |
                                            RD_KAFKA_PURGE_F_INFLIGHT |
                                            RD_KAFKA_PURGE_F_NON_BLOCKING);
        rd_kafka_destroy(kafka->producer);
    }
    free(kafka);
}

/* As librdkafka wants what it only copies. */
static void *plain(struct text text)
{
    return (void *)(uintptr_t)text.data;
}

enum error kafka_produce(
    struct kafka *kafka, int64_t number, struct text key, struct text value)
{
    rd_kafka_resp_err_t error = rd_kafka_producev(kafka->producer,
        RD_KAFKA_V_RKT(kafka->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(plain(key), key.len),
        RD_KAFKA_V_VALUE(plain(value), value.len),
        RD_KAFKA_V_HEADER("content-type", CONTENT_TYPE, -1),
        RD_KAFKA_V_OPAQUE((void *)(intptr_t)number), RD_KAFKA_V_END);

    if (!error)
        return OK;
    keep_fault(kafka, rd_kafka_err2str(error));
    return error == RD_KAFKA_RESP_ERR__QUEUE_FULL ? ERR_UNAVAILABLE
                                                  : ERR_INVALID;
}

enum error kafka_poll(struct kafka *kafka, int ms)
{
    rd_kafka_poll(kafka->producer, ms);
    return kafka->is_dead ? ERR_INTERNAL : OK;
}

const char *kafka_fault(const struct kafka *kafka)
{
    return kafka->fault;
}

/* --- checks ------------------------------------------------------------- */

/* "host", "host:port", "[::1]:port", perhaps with "ssl://" in front. */
static bool is_server(const char *text)
{
    const char *port = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    char *end;

    if (*text == '\0' || *text == ':' || strpbrk(text, SPACE))
        return false;
    if (!port || (bracket && bracket > port))
        return true;
    long number = strtol(port + 1, &end, 10);
    return end > port + 1 && *end == '\0' && number > 0 && number <= PORT_MAX;
}

static bool check_servers(const char *servers, struct buf *faults)
{
    char *copy = strdup(servers);
    char *rest = copy;
    bool holds = copy != NULL;

    for (char *server; holds && (server = strsep(&rest, ","));)
        holds = is_server(trim(server));
    if (!holds)
        buf_printf(faults,
            "kafka.servers: is \"%s\", must be host:port, and others with "
            "commas between\n",
            servers);
    free(copy);
    return holds;
}

static bool check_topic(const char *topic, struct buf *faults)
{
    size_t len = strlen(topic);
    bool holds = len > 0 && len <= TOPIC_MAX &&
                 strspn(topic, TOPIC_CHARS) == len && strcmp(topic, ".") != 0 &&
                 strcmp(topic, "..") != 0;

    if (!holds)
        buf_printf(faults,
            "kafka.topic: is \"%s\", must be 1 to %d of A-Z a-z 0-9 . _ -\n",
            topic, TOPIC_MAX);
    return holds;
}

/* Some faults librdkafka finds only where a producer is made. */
static bool try_producer(
    const rd_kafka_conf_t *conf, const char *file, struct buf *faults)
{
    struct buf reason = {0};
    rd_kafka_t *producer = make_producer(conf, NULL, &reason);

    if (producer)
        rd_kafka_destroy(producer);
    else
        buf_printf(
            faults, "kafka.options_file: %s: %s\n", file, buf_text(&reason));
    buf_free(&reason);
    return producer != NULL;
}

struct kafka_settings *kafka_load(const char *servers, const char *topic,
    const char *file, struct buf *faults)
{
    struct kafka_settings *settings = calloc(1, sizeof(*settings));

    if (!settings) {
        buf_puts(faults, "kafka: out of memory\n");
        return NULL;
    }
    settings->conf = rd_kafka_conf_new();
    settings->topic = topic;
    bool holds = take_options(settings->conf, file, faults) &&
                 try_producer(settings->conf, file, faults);
    holds &= check_topic(topic, faults);
    if (check_servers(servers, faults) && holds &&
        set(settings->conf, "bootstrap.servers", servers, "kafka.servers",
            faults))
        return settings;
    kafka_unload(settings);
    return NULL;
}

void kafka_unload(struct kafka_settings *settings)
{
    if (!settings)
        return;
    rd_kafka_conf_destroy(settings->conf);
    free(settings);
}
