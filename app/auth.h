/* Who is asking: bearer tokens, JWT (RFC 7519) signed with HS256 and nothing
 * else, so that no token can choose how it is checked. */
#ifndef NEWSFEED_AUTH_H
#define NEWSFEED_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "config.h"
#include "error.h"

struct auth;

struct identity {
    int64_t participant; /* "sub"; 0: none in particular */
    bool is_admin;       /* "scope" holds newsfeed:admin: may act for all */
    int64_t until;       /* it holds no more, in seconds since 1970; 0: never */
};

/* Reads the key file, if the settings name one: at least 32 bytes, a newline
 * at its end not counted, and closed to others. The config must outlive it.
 * NULL: `faults` says why.
 */
struct auth *auth_new(const struct config *config, struct buf *faults);
void auth_free(struct auth *auth); /* leaves no key in memory */

/* False if there is no key: then nobody is asked who they are. */
bool auth_is_on(const struct auth *auth);

/* Whether both judge every token alike: the same key, or none, and the same
 * audience. */
bool auth_is_same(const struct auth *a, const struct auth *b);

/* Checks an Authorization header's value (may be NULL). ERR_UNAUTHENTICATED:
 * `reason` says what is wrong with it, in words for the client. ERR_INTERNAL:
 * it could not be checked (logged). Unless OK, *identity is nobody. */
MUST_CHECK enum error auth_check(const struct auth *auth,
    const char *authorization, struct identity *identity, const char **reason);

/* Appends a token for a participant (0: for none in particular). On error
 * `out` holds the reason. */
MUST_CHECK enum error auth_make_token(const struct config *config,
    int64_t participant, bool admin, int ttl_seconds, struct buf *out);

#endif
