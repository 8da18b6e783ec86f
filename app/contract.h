/* What nginx and the program have to agree on: plain macros, for nginx's
 * module too. What nginx's files repeat, which cannot include this one, is held
 * equal by t/scripts/test_contract.py; the map is printed from here. */
#ifndef NEWSFEED_CONTRACT_H
#define NEWSFEED_CONTRACT_H

/* A number as a string. */
#define CONTRACT_TEXT(number) CONTRACT_TEXT_OF(number)
#define CONTRACT_TEXT_OF(number) #number

/* A request: bytes of its body, and ms that nginx waits for the answer. Then it
 * has answered in the worker's place. */
#define CONTRACT_BODY_MAX 131072
#define CONTRACT_TIMEOUT 35000

/* Which memcached has a feed: its group is its id modulo this. And how nginx
 * names that server, with its name (memc.h) behind. */
#define CONTRACT_GROUPS 1000
#define CONTRACT_UPSTREAM "newsfeed_cache_"

/* A stored page's key: the prefix and, where it asks for a token, so that an
 * nginx that does not know of tokens yet finds none of them, what comes behind
 * it; then the feed's id and its database's word. The map prints it up to the
 * id, the module adds the word. */
#define CONTRACT_KEY_TOKENS "-auth"
#define CONTRACT_KEY_FEED ":inbound:"
#define CONTRACT_KEY_DATABASE "@"

/* A stored page (stored.h): its bytes at most, which is what memcached takes by
 * default, and room; and what they are to a client. */
#define CONTRACT_STORED_MAX ((1 << 20) - 1024)
#define CONTRACT_STORED_TYPE "application/json"

/* Seconds that a reader may take to store a page. */
#define CONTRACT_LEASE_TTL 3

/* The files of service.runtime_dir (runtime.h): words, each with its NUL of so
 * many bytes, and the sign of a server that nobody may read from. A server's
 * horizon is an id, what comes behind it, and its database's word: all posts up
 * to it have been put in front of the pages there, or these were dropped. It
 * lies in a folder named by that word; the word "open" of a server leads to the
 * folder of the database that is read, by that one's word, and is there only
 * while the server is open. So one look, at OPEN/HORIZON, tells all three. */
#define CONTRACT_WORD_DATABASE "database"
#define CONTRACT_WORD_KEYS "keys"
#define CONTRACT_WORD_HORIZON "horizon-"
#define CONTRACT_HORIZON_DATABASE "@"
#define CONTRACT_WORD_SIZE 64
#define CONTRACT_CLOSED "closed-"
#define CONTRACT_OPEN "open-"

/* Live feeds: the streamer's socket, in that folder, the path that a worker
 * sends nginx to, and ms that nginx waits there for a sign of life. */
#define CONTRACT_STREAM_SOCKET "stream.sock"
#define CONTRACT_STREAM_PATH "/_stream/"
#define CONTRACT_STREAM_TIMEOUT 150000

#endif
