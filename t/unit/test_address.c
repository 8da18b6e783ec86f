/* Tests of address. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "address.h"
#include "runner.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

static bool is_public(const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    const void *any = &ipv4;

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) != 1) {
        ck_assert_int_eq(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
        any = &ipv6;
    }
    return address_is_public(any);
}

/* The first and the last of each range, and what lies beside it. */
static const struct {
    const char *text;
    bool is_public;
} addresses[] = {
    {"0.0.0.0", false},
    {"0.255.255.255", false},
    {"1.0.0.0", true},
    {"9.255.255.255", true},
    {"10.0.0.0", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"100.63.255.255", true},
    {"100.64.0.0", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"126.255.255.255", true},
    {"127.0.0.0", false},
    {"127.255.255.255", false},
    {"128.0.0.0", true},
    {"169.253.255.255", true},
    {"169.254.0.0", false},
    {"169.254.169.254", false},
    {"169.254.255.255", false},
    {"169.255.0.0", true},
    {"172.15.255.255", true},
    {"172.16.0.0", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"191.255.255.255", true},
    {"192.0.0.0", false},
    {"192.0.0.255", false},
    {"192.0.1.0", true},
    {"192.0.2.1", false},
    {"192.0.3.0", true},
    {"192.88.99.1", false},
    {"192.88.100.1", true},
    {"192.167.255.255", true},
    {"192.168.0.0", false},
    {"192.168.255.255", false},
    {"192.169.0.0", true},
    {"198.17.255.255", true},
    {"198.18.0.0", false},
    {"198.19.255.255", false},
    {"198.20.0.0", true},
    {"198.51.99.255", true},
    {"198.51.100.0", false},
    {"198.51.101.0", true},
    {"203.0.112.255", true},
    {"203.0.113.0", false},
    {"203.0.114.0", true},
    {"223.255.255.255", true},
    {"224.0.0.1", false},
    {"239.255.255.255", false},
    {"240.0.0.0", false},
    {"255.255.255.255", false},

    {"::", false},
    {"::1", false},
    {"::8.8.8.8", false},
    {"::ffff:127.0.0.1", false},
    {"::ffff:10.1.2.3", false},
    {"::ffff:8.8.8.8", true},
    {"64:ff9b::10.0.0.1", false},
    {"64:ff9b::8.8.8.8", true},
    {"64:ff9b:1::8.8.8.8", false},
    {"100::1", false},
    {"1fff:ffff::", false},
    {"2000::", true},
    {"2001::1", false},
    {"2001:1ff::", false},
    {"2001:200::", true},
    {"2001:db7:ffff::", true},
    {"2001:db8::1", false},
    {"2001:db9::", true},
    {"2002:7f00:1::", false},
    {"2003::", true},
    {"2606:4700::1111", true},
    {"3ffe::", true},
    {"3fff::", false},
    {"3fff:fff::", false},
    {"3fff:1000::", true},
    {"4000::", false},
    {"5f00::", false},
    {"fc00::1", false},
    {"fdff::1", false},
    {"fe80::1", false},
    {"fec0::1", false},
    {"ff02::1", false},
};

START_TEST(knows_what_is_public)
{
    ck_assert_msg(is_public(addresses[_i].text) == addresses[_i].is_public,
        "%s is %sso", addresses[_i].text,
        addresses[_i].is_public ? "not " : "");
}
END_TEST

START_TEST(what_is_of_another_family_is_not)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    const void *any = &path;

    ck_assert(!address_is_public(any));
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, knows_what_is_public, 0, COUNT(addresses));
    tcase_add_test(tests, what_is_of_another_family_is_not);
}
