/* A line of the log about a request: all of them where that is asked for, and
 * those that are slow. */
#ifndef NEWSFEED_REQUEST_LOG_H
#define NEWSFEED_REQUEST_LOG_H

#include "config.h"
#include "http.h"
#include "spent.h"

struct request_record {
    const struct http_request *request;
    const struct http_response *response;
    const char *operation; /* its id; NULL: none */
    int64_t participant;   /* of the path; 0: none */
    int64_t ns;            /* in the worker */
    const struct spent *database;
    const struct spent *cache;
};

/* Adds the header Server-Timing (W3C) where the settings say so. */
void request_log_time(const struct config *config,
    const struct request_record *record, struct http_response *response);

void request_log(
    const struct config *config, const struct request_record *record);

#endif
