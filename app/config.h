/* Settings: one table says what exists; a file and the command line fill it. */
#ifndef NEWSFEED_CONFIG_H
#define NEWSFEED_CONFIG_H

#include <stdbool.h>

#include "buf.h"
#include "log.h"

/* Filled by config_load from defaults, file and overrides, in this order.
 * Section and key of each field are its name's parts: db_conninfo is
 * `conninfo` in `[db]`. All times in milliseconds unless the name says else. */
struct config {
    /* [service] */
    const char *service_spec; /* the OpenAPI file */
    enum log_level service_log_level;
    enum log_format service_log_format;
    const char *service_log_output;  /* see log_set_output */
    bool service_log_requests;       /* a line for each */
    int service_log_slow;            /* those that take so long; 0: none */
    bool service_server_timing;      /* tells clients what took how long */
    bool service_dumpable;           /* may be traced, and dump core */
    const char *service_runtime_dir; /* what nginx and workers share */

    /* [worker] */
    int worker_count;            /* 1..256, default 8 */
    int worker_max_requests;     /* 0: never retire; +-20 % jitter */
    int worker_request_timeout;  /* a stuck worker is killed after this */
    int worker_queue_timeout;    /* older requests are answered 503 */
    int worker_shutdown_timeout; /* QUIT and HUP: then killed */

    /* [db] */
    const char *db_conninfo;      /* libpq's; "" for PG* variables alone */
    const char *db_read_conninfo; /* of replicas; "" none */
    int db_connect_timeout;
    int db_statement_timeout; /* of one request's statement */
    bool db_prepare;          /* off behind a transaction pooler */

    /* [search] */
    const char *search_conninfo; /* of its database; "": the same */

    /* [cache] */
    const char *cache_servers; /* "unix:/path, host:port@weight"; "" off */
    const char *cache_prefix;  /* of every key */
    int cache_timeout;         /* of one operation */
    int cache_retry;           /* left alone so long after a failure */
    int cache_ttl;             /* seconds a page lives */

    /* [feed] */
    int feed_backfill;          /* posts that a new friend sees, 0..1000 */
    int feed_inline_friends;    /* delivered within the request, to this */
    int feed_idempotency_hours; /* answers are kept so long */
    int feed_event_hours;       /* and events */

    /* [dispatcher] */
    bool dispatcher_enabled;
    int dispatcher_interval; /* between looks at an empty outbox */
    int dispatcher_piece;    /* deliveries in one transaction */

    /* [stream] */
    bool stream_enabled;
    int stream_listeners;      /* of this host, in all */
    int stream_listeners_each; /* of one participant */
    int stream_heartbeat;      /* silence that is broken by a sign of life */

    /* [kafka] */
    const char *kafka_servers;      /* "host:port, host:port"; "" off */
    const char *kafka_topic;        /* of the events */
    const char *kafka_options_file; /* of librdkafka's; "" none */

    /* [webhook] */
    const char *webhook_urls;        /* spaces part them; "" none */
    const char *webhook_secret_file; /* that events are signed with */
    const char *webhook_ca_file;     /* "" the system's */
    bool webhook_private_addresses;  /* may be posted to */
    int webhook_timeout;             /* of one request */
    int webhook_retry;               /* pause before the second try */
    int webhook_give_up;             /* seconds of tries for an event */

    /* [monitor] */
    const char *monitor_listen; /* a path, or a loopback port; "" off */
    int monitor_lag_limit;      /* of followers, to be ready */

    /* [auth] */
    const char *auth_key_file; /* HS256 secret; "" trusts every request */
    const char *auth_audience; /* "aud" that a token must name; "" any */
};

/* Reads the file (NULL: none) and then `count` overrides "section.key=value".
 * On success *config is a new struct, freed with config_free. On failure it is
 * left NULL and every fault stands in `faults`, a line each: place (file:line
 * or --set), what is wrong, what would be right. Unknown sections and keys,
 * double keys and values outside their range are faults. */
bool config_load(const char *file, char *const *overrides, int count,
    struct config **config, struct buf *faults);
void config_free(struct config *config);

/* All settings with their values, as a file that config_load reads. */
void config_print(const struct config *config, struct buf *out);

#endif
