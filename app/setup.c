/* What a launch or a reload works with: settings, keys, specification and what
 * outlets need, checked. */
#include <unistd.h>

#include "agenda.h"
#include "cache.h"
#include "monitor.h"
#include "replica.h"
#include "serve.h"
#include "setup.h"

static bool load_spec(struct setup *setup, struct buf *faults)
{
    const char *path = setup->config->service_spec;

    if (spec_load(path, &setup->spec, faults))
        return service_check_spec(setup->spec, setup->config, faults);
    if (access(path, R_OK) < 0)
        buf_puts(faults,
            "service.spec: must name the specification; that of this program "
            "is etc/openapi.yaml in its sources\n");
    return false;
}

/* Everything is looked at, so that all faults are told at once. */
static bool check_all(struct setup *setup, struct buf *faults)
{
    bool holds = cache_check(setup->config, faults);

    holds &= replica_check(setup->config, faults);
    holds &= agenda_check(faults);
    holds &= outlet_load(setup->config, &setup->outlets, faults);
    holds &= monitor_check(setup->config, faults);
    setup->auth = auth_new(setup->config, faults);
    holds &= setup->auth != NULL;
    return load_spec(setup, faults) && holds;
}

bool setup_load(
    const struct setup_source *source, struct setup *setup, struct buf *faults)
{
    struct setup made = {0};

    if (!config_load(source->file, source->overrides, source->override_count,
            &made.config, faults))
        return false;
    if (!check_all(&made, faults)) {
        setup_clear(&made);
        return false;
    }
    *setup = made;
    return true;
}

bool setup_prepare(
    const struct setup_source *source, struct setup *setup, struct buf *faults)
{
    struct setup made;

    if (!setup_load(source, &made, faults))
        return false;
    if (!cache_prepare(made.config, faults)) {
        setup_clear(&made);
        return false;
    }
    *setup = made;
    return true;
}

void setup_clear(struct setup *setup)
{
    outlet_unload(&setup->outlets);
    spec_free(setup->spec);
    auth_free(setup->auth);
    config_free(setup->config);
    *setup = (struct setup){0};
}
