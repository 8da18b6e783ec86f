/* What a caller can do about a failure: one enum, its status and title. */
#include <stddef.h>

#include "error.h"

static const int statuses[] = {
    [OK] = 200,
    [ERR_INVALID] = 400,
    [ERR_UNAUTHENTICATED] = 401,
    [ERR_FORBIDDEN] = 403,
    [ERR_NOT_FOUND] = 404,
    [ERR_METHOD] = 405,
    [ERR_CONFLICT] = 409,
    [ERR_CHANGED] = 412,
    [ERR_TOO_LARGE] = 413,
    [ERR_MEDIA_TYPE] = 415,
    [ERR_KEY_REUSED] = 422,
    [ERR_UNAVAILABLE] = 503,
    [ERR_QUEUED] = 503,
    [ERR_TIMEOUT] = 503,
    [ERR_LOCKED] = 503,
    [ERR_NO_DATABASE] = 503,
    [ERR_NO_SEARCH] = 503,
    [ERR_UNKNOWN] = 503,
    [ERR_INTERNAL] = 500,
};

static const struct {
    int status;
    const char *title;
} titles[] = {
    {200, "OK"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

int error_status(enum error error)
{
    return statuses[error];
}

const char *error_title(int status)
{
    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Unknown";
}
