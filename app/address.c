/* Which addresses are of the internet at large. */
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "address.h"

struct range {
    unsigned char prefix[16];
    int bits;
};

/* https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast.
 */
static const struct range ipv4_special[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* a provider's own */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local, where clouds keep credentials */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocols */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

/* Whatever is not in here is local, multicast or of no meaning yet. */
static const struct range ipv6_global = {{0x20}, 3};

/* https://www.iana.org/assignments/iana-ipv6-special-registry, within that. */
static const struct range ipv6_special[] = {
    {{0x20, 0x01}, 23},             /* protocols, tunnels (Teredo) */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* tunnels (6to4) */
    {{0x3f, 0xff}, 20},             /* documentation */
};

/* IPv6 addresses that end in one of IPv4. */
static const struct range ipv6_holders[] = {
    {{[10] = 0xff, [11] = 0xff}, 96}, /* mapped */
    {{0x00, 0x64, 0xff, 0x9b}, 96},   /* translated (NAT64) */
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool is_in(const unsigned char *bytes, const struct range *range)
{
    int whole = range->bits / 8;
    unsigned mask = 0xff00U >> range->bits % 8 & 0xff;

    return memcmp(bytes, range->prefix, (size_t)whole) == 0 &&
           (range->bits % 8 == 0 ||
               (bytes[whole] & mask) == range->prefix[whole]);
}

static bool is_in_any(
    const unsigned char *bytes, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_in(bytes, &ranges[i]))
            return true;
    return false;
}

static bool is_public_ipv4(const unsigned char bytes[4])
{
    return !is_in_any(bytes, ipv4_special, COUNT(ipv4_special));
}

static bool is_public_ipv6(const unsigned char bytes[16])
{
    if (is_in_any(bytes, ipv6_holders, COUNT(ipv6_holders)))
        return is_public_ipv4(bytes + 12);
    return is_in(bytes, &ipv6_global) &&
           !is_in_any(bytes, ipv6_special, COUNT(ipv6_special));
}

bool address_is_public(const struct sockaddr *address)
{
    const void *any = address;

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = any;
        return is_public_ipv4((const unsigned char *)&ipv4->sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = any;
        return is_public_ipv6((const unsigned char *)&ipv6->sin6_addr);
    }
    return false;
}
