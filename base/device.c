/* device.c - making devices, wiring them, saving them. */
#include "base/device.h"

#include "base/error.h"
#include "base/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned region_count(const struct device_class *k)
{
    unsigned n = 0;
    while (k->regions && k->regions[n].name)
        n++;
    return n;
}

static void option_store(const struct option *o, void *state, uint64_t v)
{
    struct field f = {.offset = o->offset, .size = o->size};
    field_set(&f, state, 0, v);
}

struct device *device_new(const struct device_class *class, const char *name,
                          struct bus *bus, struct error *e)
{
    struct device *d = calloc(1, sizeof *d);
    unsigned regions = region_count(class);

    if (d) {
        d->class = class;
        d->name = name;
        d->bus = bus;
        d->state = calloc(1, class->size);
        d->mapped = malloc((regions + 1) * sizeof *d->mapped);
    }
    if (!d || !d->state || !d->mapped) {
        device_free(d);
        error_set(e, "cannot make device '%s': the host has no memory", name);
        return NULL;
    }
    for (unsigned n = 0; n <= regions; n++)
        d->mapped[n] = -1;
    for (const struct option *o = class->options; o && o->name; o++)
        option_store(o, d->state, o->standard);
    return d;
}

void device_free(struct device *d)
{
    if (!d)
        return;
    if (d->state) {
        if (d->started && d->class->free)
            d->class->free(d->state);
        for (const struct field *f = d->class->fields; f && f->name; f++)
            if (f->kind == FIELD_TIMER && d->bus)
                for (unsigned n = 0; n < f->count; n++)
                    timer_stop(d->bus->clock,
                               (void *)((uint8_t *)d->state + f->offset + n * f->size));
    }
    if (d->mapped && d->bus)
        for (unsigned n = 0; n < region_count(d->class); n++)
            device_map(d, n, UINT64_MAX);
    free(d->mapped);
    free(d->state);
    free(d);
}

bool device_option(struct device *d, const char *name, uint64_t value, struct error *e)
{
    for (const struct option *o = d->class->options; o && o->name; o++)
        if (!strcmp(o->name, name)) {
            if (value > o->max)
                return error_set(e, "%s: option '%s' is at most %llu", d->name, name,
                                 (unsigned long long)o->max);
            option_store(o, d->state, value);
            return true;
        }
    return error_set(e, "%s: device '%s' has no option '%s'", d->name, d->class->name, name);
}

void device_map(struct device *d, unsigned index, uint64_t base)
{
    const struct region *r = &d->class->regions[index];
    struct space *s = r->mmio ? d->bus->mmio : d->bus->ports;

    if (!s)
        return;
    if (d->mapped[index] >= 0) {
        if (s->maps[d->mapped[index]].base == base)
            return;
        space_unmap(s, d->mapped[index]);
    }
    d->mapped[index] = base == UINT64_MAX ? -1 : space_map(s, r, d->state, base, 0);
}

bool device_start(struct device *d, struct error *e)
{
    if (d->class->init && !d->class->init(d->state, d, e))
        return false;
    d->started = true;
    for (unsigned n = 0; n < region_count(d->class); n++)
        if (!d->class->regions[n].unmapped)
            device_map(d, n, d->class->regions[n].base);
    device_reset(d);
    return true;
}

void device_reset(struct device *d)
{
    state_reset(d->class->fields, d->state, d->bus->clock);
    if (d->class->reset)
        d->class->reset(d->state);
    if (d->class->drive)
        d->class->drive(d->state);
}

/* Does `name` name pin p, perhaps as one of a counted row "irq%u"? */
static bool pin_matches(const struct pin *p, const char *name, unsigned *nth)
{
    const char *percent = strchr(p->name, '%');
    size_t stem;
    char *end;
    unsigned long n;

    *nth = 0;
    if (!percent)
        return !strcmp(p->name, name);
    stem = (size_t)(percent - p->name);
    if (strncmp(p->name, name, stem) || name[stem] < '0' || name[stem] > '9')
        return false;
    n = strtoul(name + stem, &end, 10);
    if (strcmp(end, percent + 2) || n >= p->count)
        return false;
    *nth = (unsigned)n;
    return true;
}

static const struct pin *find_pin(const struct device *d, const char *name, bool input,
                                  unsigned *nth)
{
    for (const struct pin *p = d->class->pins; p && p->name; p++)
        if (!!p->moved == input && pin_matches(p, name, nth))
            return p;
    return NULL;
}

struct line *device_pin(struct device *d, const char *name)
{
    unsigned nth;
    const struct pin *p = find_pin(d, name, false, &nth);
    return p ? (struct line *)(void *)((uint8_t *)d->state + p->offset) + nth : NULL;
}

bool device_join(struct device *from, const char *out, struct device *to, const char *in,
                 struct error *e)
{
    unsigned nth;
    struct line *l = device_pin(from, out);
    const struct pin *p = find_pin(to, in, true, &nth);

    if (!l)
        return error_set(e, "%s has no output pin '%s'", from->name, out);
    if (!p)
        return error_set(e, "%s has no input pin '%s'", to->name, in);
    l->moved = p->moved;
    l->to = to->state;
    l->n = p->n + nth;
    return true;
}

bool device_drive_pin(struct device *d, const char *in, bool level)
{
    unsigned nth;
    const struct pin *p = find_pin(d, in, true, &nth);
    if (p)
        p->moved(d->state, p->n + nth, level);
    return p != NULL;
}

void device_save(const struct device *d, struct writer *w)
{
    state_save(d->class->fields, d->state, w);
}

bool device_restore(struct device *d, struct reader *r, struct error *e)
{
    if (!state_restore(d->class->fields, d->state, d->bus->clock, r, e))
        return false;
    if (d->class->valid && !d->class->valid(d->state, e))
        return false;
    if (d->class->drive)
        d->class->drive(d->state);
    return true;
}
