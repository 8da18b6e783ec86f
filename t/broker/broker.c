/* A Kafka of three brokers for tests: librdkafka's mock cluster, which speaks
 * the protocol to any client, in a process of its own. Prints where it is, then
 * does what each line of standard input says, and answers "ok", or why not.
 * Ends with its input.
 *
 *   topic NAME PARTITIONS      makes it; it would be made with 4 at first use
 *   refuse NAME ERROR          of the topic, to whoever asks for it; 0: no more
 *   fail REQUEST COUNT ERROR   the next requests of that kind
 *   delay BROKER MS            all its answers; BROKER: 1 to 3, or -1 for all
 *   leader NAME PARTITION BROKER
 *   down BROKER
 *   up BROKER
 *
 * REQUEST and ERROR are the protocol's numbers: 0 produces, 3 asks for
 * metadata.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

enum {
    BROKERS = 3,
    ERRORS_MAX = 1000,
};

static rd_kafka_resp_err_t fail(
    rd_kafka_mock_cluster_t *cluster, int request, int count, int error)
{
    rd_kafka_resp_err_t errors[ERRORS_MAX];

    if (count < 0 || count > ERRORS_MAX)
        return RD_KAFKA_RESP_ERR__INVALID_ARG;
    for (int i = 0; i < count; i++)
        errors[i] = (rd_kafka_resp_err_t)error;
    rd_kafka_mock_push_request_errors_array(
        cluster, (int16_t)request, (size_t)count, errors);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t obey(rd_kafka_mock_cluster_t *cluster, char *line)
{
    char word[16] = "", name[256];
    int a, b, c;

    if (sscanf(line, "topic %255s %d", name, &a) == 2)
        return rd_kafka_mock_topic_create(cluster, name, a, BROKERS);
    if (sscanf(line, "refuse %255s %d", name, &a) == 2) {
        rd_kafka_mock_topic_set_error(cluster, name, (rd_kafka_resp_err_t)a);
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    if (sscanf(line, "fail %d %d %d", &a, &b, &c) == 3)
        return fail(cluster, a, b, c);
    if (sscanf(line, "delay %d %d", &a, &b) == 2)
        return rd_kafka_mock_broker_set_rtt(cluster, a, b);
    if (sscanf(line, "leader %255s %d %d", name, &a, &b) == 3)
        return rd_kafka_mock_partition_set_leader(cluster, name, a, b);
    if (sscanf(line, "%15s %d", word, &a) == 2 && strcmp(word, "down") == 0)
        return rd_kafka_mock_broker_set_down(cluster, a);
    if (strcmp(word, "up") == 0)
        return rd_kafka_mock_broker_set_up(cluster, a);
    return RD_KAFKA_RESP_ERR__INVALID_ARG;
}

static void quiet(
    const rd_kafka_t *owner, int level, const char *facility, const char *text)
{
    (void)owner;
    (void)level;
    (void)facility;
    (void)text;
}

int main(void)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[512], line[512];

    rd_kafka_conf_set_log_cb(conf, quiet);
    rd_kafka_t *owner =
        rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    rd_kafka_mock_cluster_t *cluster =
        owner ? rd_kafka_mock_cluster_new(owner, BROKERS) : NULL;
    if (!cluster) {
        fprintf(stderr, "broker: %s\n", owner ? "no cluster" : reason);
        return EXIT_FAILURE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts(rd_kafka_mock_cluster_bootstraps(cluster));
    while (fgets(line, sizeof(line), stdin)) {
        rd_kafka_resp_err_t error = obey(cluster, line);
        puts(error ? rd_kafka_err2str(error) : "ok");
    }
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return EXIT_SUCCESS;
}
