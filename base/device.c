/* device.c - a device's life on the board. */
#include "base/device.h"

#include "base/error.h"
#include "base/snapshot.h"

#include <stdlib.h>
#include <string.h>

static unsigned region_count(const struct device_class *class)
{
    unsigned n = 0;

    while (class->regions && class->regions[n].name)
        n++;
    return n;
}

static struct clock *clock_of(const struct device *d)
{
    return d->bus ? d->bus->clock : NULL;
}

/* Options are integers, or pointers as integers of their size. */
static void option_store(const struct option *o, void *dev, uint64_t value)
{
    const struct field f = {.offset = o->offset, .size = o->size, .count = 1};

    field_set(&f, dev, 0, value);
}

struct device *device_new(const struct device_class *class, const char *name,
                          struct bus *bus, struct error *e)
{
    unsigned regions = region_count(class);
    struct device *d = calloc(1, sizeof *d);
    int *mapped = malloc((regions + 1) * sizeof *mapped);
    void *state = calloc(1, class->size);

    if (!d || !mapped || !state) {
        free(d);
        free(mapped);
        free(state);
        error_set(e, "the host has no memory for %s", name);
        return NULL;
    }
    for (unsigned i = 0; i < regions; i++)
        mapped[i] = -1;
    *d = (struct device){
        .class = class, .name = name, .state = state, .bus = bus, .mapped = mapped};
    for (const struct option *o = class->options; o && o->name; o++)
        option_store(o, state, o->standard);
    return d;
}

static struct space *space_of(const struct device *d, unsigned index)
{
    return d->class->regions[index].mmio ? d->bus->mmio : d->bus->ports;
}

static void unmap(struct device *d, unsigned index)
{
    if (d->mapped[index] >= 0)
        space_unmap(space_of(d, index), d->mapped[index]);
    d->mapped[index] = -1;
}

void device_free(struct device *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < region_count(d->class); i++)
        unmap(d, i);
    state_stop(d->class->fields, d->state, clock_of(d));
    if (d->class->free)
        d->class->free(d->state);
    free(d->state);
    free(d->mapped);
    free(d);
}

bool device_option(struct device *d, const char *name, uint64_t value, struct error *e)
{
    for (const struct option *o = d->class->options; o && o->name; o++) {
        if (strcmp(o->name, name))
            continue;
        if (value > o->max)
            return error_set(e, "option '%s' of %s is %llu, more than %llu", name,
                             d->name, (unsigned long long)value,
                             (unsigned long long)o->max);
        option_store(o, d->state, value);
        return true;
    }
    return error_set(e, "%s has no option '%s'", d->name, name);
}

static bool place(struct device *d, unsigned index, uint64_t base)
{
    const struct region *r = &d->class->regions[index];
    int handle = d->mapped[index];

    if (handle >= 0 && space_of(d, index)->maps[handle].base == base)
        return true;
    unmap(d, index);
    if (base != UINT64_MAX)
        d->mapped[index] = space_map(space_of(d, index), r, d->state, base, 0);
    return base == UINT64_MAX || d->mapped[index] >= 0;
}

void device_map(struct device *d, unsigned index, uint64_t base)
{
    if (!place(d, index, base))
        log_guest(d->bus->log, d->name, "no room in the address map for '%s'",
                  d->class->regions[index].name);
}

bool device_start(struct device *d, struct error *e)
{
    if (d->class->init && !d->class->init(d->state, d, e))
        return false;
    for (unsigned i = 0; i < region_count(d->class); i++) {
        const struct region *r = &d->class->regions[i];

        if (!r->unmapped && d->mapped[i] < 0 && !place(d, i, r->base))
            return error_set(e, "no room in the address map for '%s' of %s", r->name,
                             d->name);
    }
    device_reset(d);
    return true;
}

void device_reset(struct device *d)
{
    const struct device_class *class = d->class;

    state_reset(class->fields, d->state, clock_of(d));
    if (class->reset)
        class->reset(d->state);
    if (class->drive)
        class->drive(d->state);
}

/* Whether `name` is pin p or one of its series; *index says which. */
static bool pin_named(const struct pin *p, const char *name, unsigned *index)
{
    const char *hole = strstr(p->name, "%u");
    unsigned count = p->count ? p->count : 1, v = 0;
    size_t stem;

    *index = 0;
    if (!hole)
        return !strcmp(p->name, name);
    stem = (size_t)(hole - p->name);
    if (strncmp(p->name, name, stem))
        return false;
    name += stem;
    if (*name < '0' || *name > '9' ||
        (*name == '0' && name[1] >= '0' && name[1] <= '9'))
        return false;
    for (; *name >= '0' && *name <= '9' && v < count; name++)
        v = v * 10 + (unsigned)(*name - '0');
    *index = v;
    return v < count && !strcmp(name, hole + 2);
}

static const struct pin *pin_find(const struct device *d, const char *name, bool input,
                                  unsigned *index)
{
    for (const struct pin *p = d->class->pins; p && p->name; p++)
        if (!p->moved == !input && pin_named(p, name, index))
            return p;
    return NULL;
}

static struct line *line_at(const struct device *d, const struct pin *p, unsigned index)
{
    return (struct line *)((uint8_t *)d->state + p->offset) + index;
}

struct line *device_pin(struct device *d, const char *name)
{
    unsigned index;
    const struct pin *p = pin_find(d, name, false, &index);

    return p ? line_at(d, p, index) : NULL;
}

bool device_join(struct device *from, const char *out, struct device *to,
                 const char *in, struct error *e)
{
    struct line *l = device_pin(from, out);
    unsigned index;
    const struct pin *p = pin_find(to, in, true, &index);

    if (!l)
        return error_set(e, "%s has no output pin '%s'", from->name, out);
    if (!p)
        return error_set(e, "%s has no input pin '%s'", to->name, in);
    if (l->moved)
        return error_set(e, "output pin '%s' of %s is joined already", out, from->name);
    l->moved = p->moved;
    l->to = to->state;
    l->n = p->n + index;
    if (l->level)
        l->moved(l->to, l->n, true);
    return true;
}

bool device_drive_pin(struct device *d, const char *in, bool level)
{
    unsigned index;
    const struct pin *p = pin_find(d, in, true, &index);

    if (p)
        p->moved(d->state, p->n + index, level);
    return p != NULL;
}

void device_save(const struct device *d, struct writer *w)
{
    section_begin(w, d->name);
    write_text(w, d->class->name);
    state_save(d->class->fields, d->state, w);
    section_end(w);
}

static unsigned line_count(const struct device *d)
{
    unsigned n = 0;

    for (const struct pin *p = d->class->pins; p && p->name; p++)
        if (!p->moved)
            n += p->count ? p->count : 1;
    return n;
}

/* Each output line in turn, for drive_in_silence(). */
static struct line *line_number(const struct device *d, unsigned n)
{
    for (const struct pin *p = d->class->pins; p && p->name; p++) {
        unsigned count = p->count ? p->count : 1;

        if (p->moved)
            continue;
        if (n < count)
            return line_at(d, p, n);
        n -= count;
    }
    return NULL;
}

/* After restore every receiver has restored what it saw of its pins; a level that
 * arrived now would be an edge that never was. */
static bool drive_in_silence(struct device *d)
{
    typedef void moved_fn(void *to, unsigned n, bool level);
    unsigned lines = line_count(d);
    moved_fn **joined = malloc((lines + 1) * sizeof *joined);

    if (!joined)
        return false;
    for (unsigned i = 0; i < lines; i++) {
        joined[i] = line_number(d, i)->moved;
        line_number(d, i)->moved = NULL;
    }
    d->class->drive(d->state);
    for (unsigned i = 0; i < lines; i++)
        line_number(d, i)->moved = joined[i];
    free(joined);
    return true;
}

bool device_restore(struct device *d, struct reader *r, struct error *e)
{
    const struct device_class *class = d->class;
    struct error why = {{0}};
    char name[256];
    bool good;

    read_text(r, name);
    if (r->failed || strcmp(name, class->name)) {
        device_reset(d);
        return error_set(e, "%s is a '%.64s' in the snapshot, a '%s' here", d->name,
                         name, class->name);
    }
    good = state_restore(class->fields, d->state, clock_of(d), r, &why);
    if (good && (r->failed || r->at != r->size))
        good = error_set(&why, "the saved state has the wrong length");
    if (good && class->valid && !class->valid(d->state, &why)) {
        good = false;
        if (!why.text[0])
            error_set(&why, "the values do not go together");
    }
    if (good && class->drive && !drive_in_silence(d))
        good = error_set(&why, "the host has no memory");
    if (good)
        return true;
    device_reset(d);
    return error_set(e, "cannot restore %s: %.900s", d->name, why.text);
}
