/* Which addresses are of the internet at large. */
#ifndef NEWSFEED_ADDRESS_H
#define NEWSFEED_ADDRESS_H

#include <stdbool.h>

#include <sys/socket.h>

/* Whether it may be anybody's out there: no loopback, no private or link-local
 * network, no multicast, nothing that is reserved, also where an IPv6 address
 * holds such a one of IPv4. */
bool address_is_public(const struct sockaddr *address);

#endif
