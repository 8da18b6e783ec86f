/* The map of the cache for nginx: which server holds which feed. */
#include "cache_inner.h"
#include "contract.h"

/* Of a feed that asks for a token there is no key but by the verdict that
 * auth.conf gets: one server's include defines its variable in all of them. */
static void print_key_map(const struct config *config, struct buf *out)
{
    if (*config->auth_key_file)
        buf_printf(out,
            "# auth.key_file is set: there is a key only where auth.conf asked "
            "a worker,\n# and the worker answered 204.\n"
            "map \"$newsfeed_authorized:$newsfeed_feed\" $newsfeed_cache_key "
            "{\n"
            "    default \"\";\n"
            "    \"~^204:(?<newsfeed_allowed>[0-9]+)$\"\n"
            "        %s%s" CONTRACT_KEY_FEED "$newsfeed_allowed;\n}\n",
            config->cache_prefix, cache_prefix_end(config));
    else
        buf_printf(out,
            "map $newsfeed_feed $newsfeed_cache_key {\n"
            "    default %s" CONTRACT_KEY_FEED "$newsfeed_feed;\n"
            "    \"\" \"\";\n}\n",
            config->cache_prefix);
}

bool cache_print_map(
    const struct config *config, struct buf *out, struct buf *faults)
{
    if (*config->cache_servers == '\0') {
        buf_puts(faults, "cache.servers: is empty, so there is no map; name "
                         "the servers, or leave the fast path out\n");
        return false;
    }
    struct memc *memc =
        memc_new(config->cache_servers, config->cache_timeout, faults);
    if (!memc)
        return false;

    buf_puts(out, "# Which memcached holds which feed: printed by newsfeed "
                  "--cache-map.\n");
    for (int i = 0; i < memc_server_count(memc); i++) {
        buf_printf(out, "upstream " CONTRACT_UPSTREAM "%s { server ",
            memc_server_name(memc, i));
        memc_print_server(memc, i, out);
        buf_puts(out, "; keepalive 32; }\n");
    }
    buf_printf(
        out, "newsfeed_runtime_dir \"%s\";\n", config->service_runtime_dir);
    buf_printf(out,
        "map %s $newsfeed_cache {\n"
        "    default " CONTRACT_UPSTREAM "%s;\n",
        memc_server_count(memc) > 1 ? "$newsfeed_bucket" : "\"\"",
        memc_server_name(memc, 0));
    for (int i = 0; i < CONTRACT_GROUPS && memc_server_count(memc) > 1; i++)
        buf_printf(out, "    %d " CONTRACT_UPSTREAM "%s;\n", i,
            memc_server_name(memc, memc_server_of(memc, i)));
    buf_puts(out, "}\n");
    print_key_map(config, out);
    memc_free(memc);
    return true;
}
