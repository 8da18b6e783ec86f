/* What a caller can do about a failure: one enum, its status and title. */
#ifndef NEWSFEED_ERROR_H
#define NEWSFEED_ERROR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum error {
    OK = 0,
    ERR_INVALID,         /* mend the request */
    ERR_UNAUTHENTICATED, /* present credentials that hold */
    ERR_FORBIDDEN,       /* these credentials may not do this */
    ERR_NOT_FOUND,       /* no such path or thing */
    ERR_METHOD,          /* the path knows other methods */
    ERR_CONFLICT,        /* the same request is still running */
    ERR_CHANGED,         /* it is not what the request was made for */
    ERR_TOO_LARGE,       /* the body is over the limit */
    ERR_MEDIA_TYPE,      /* the body is not application/json */
    ERR_KEY_REUSED,      /* the key belongs to another request */
    ERR_UNAVAILABLE,     /* try again in a moment, as with the next six: */
    ERR_QUEUED,          /* the request waited too long for a worker */
    ERR_TIMEOUT,         /* the database took too long */
    ERR_LOCKED,          /* another one held what this needed; undone */
    ERR_NO_DATABASE,     /* out of reach */
    ERR_NO_SEARCH,       /* the same of that of the search alone */
    ERR_UNKNOWN,         /* done or not: the answer to a write was lost */
    ERR_INTERNAL,        /* a fault of ours, logged where it was found */
};

/* HTTP status code of an error, 200 for OK. */
int error_status(enum error error);

/* Reason phrase of a status code, as RFC 9110 names it; never NULL. */
const char *error_title(int status);

#endif
