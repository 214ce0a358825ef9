/* state.c - what the field tables drive: reset, save, restore. */
#include "base/state.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/snapshot.h"

#include <string.h>

uint64_t field_get(const struct field *f, const void *object, unsigned index)
{
    const uint8_t *p = (const uint8_t *)object + f->offset + (size_t)index * f->size;
    switch (f->size) {
    case 1: return *p;
    case 2: {
        uint16_t v;
        memcpy(&v, p, 2);
        return v;
    }
    case 4: {
        uint32_t v;
        memcpy(&v, p, 4);
        return v;
    }
    default: {
        uint64_t v;
        memcpy(&v, p, 8);
        return v;
    }
    }
}

void field_set(const struct field *f, void *object, unsigned index, uint64_t value)
{
    uint8_t *p = (uint8_t *)object + f->offset + (size_t)index * f->size;
    switch (f->size) {
    case 1: *p = (uint8_t)value; break;
    case 2: {
        uint16_t v = (uint16_t)value;
        memcpy(p, &v, 2);
        break;
    }
    case 4: {
        uint32_t v = (uint32_t)value;
        memcpy(p, &v, 4);
        break;
    }
    default: memcpy(p, &value, 8); break;
    }
}

const struct field *field_find(const struct field *fields, const char *name)
{
    for (; fields && fields->name; fields++)
        if (!strcmp(fields->name, name))
            return fields;
    return NULL;
}

static void *member(const struct field *f, void *object, unsigned index)
{
    return (uint8_t *)object + f->offset + (size_t)index * f->size;
}

static void reset_one(const struct field *f, void *object, struct clock *clock)
{
    for (unsigned n = 0; n < f->count; n++)
        switch (f->kind) {
        case FIELD_VALUE: field_set(f, object, n, f->reset); break;
        case FIELD_SUB: state_reset(f->sub, member(f, object, n), clock); break;
        case FIELD_TIMER:
            if (clock)
                timer_stop(clock, member(f, object, n));
            break;
        case FIELD_BULK: break;
        }
}

void state_reset(const struct field *fields, void *object, struct clock *clock)
{
    for (; fields && fields->name; fields++)
        reset_one(fields, object, clock);
}

/* A row in the stream: name, kind, element size, count, then the elements. A table ends
 * with an empty name. */
enum { BULK_PAGE = 4096 };

static bool blank(const uint8_t *p, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (p[k])
            return false;
    return true;
}

static void save_bulk(const struct bulk *b, struct writer *w)
{
    write_u64(w, b->size);
    for (uint64_t at = 0; at < b->size; at += BULK_PAGE)
        if (!blank(b->bytes + at, BULK_PAGE)) {
            write_u64(w, at);
            write_bytes(w, b->bytes + at, BULK_PAGE);
        }
    write_u64(w, UINT64_MAX);
}

void state_save(const struct field *fields, const void *object, struct writer *w)
{
    for (const struct field *f = fields; f && f->name; f++) {
        write_text(w, f->name);
        write_u32(w, f->kind);
        write_u32(w, f->size);
        write_u32(w, f->count);
        for (unsigned n = 0; n < f->count; n++) {
            const uint8_t *p = (const uint8_t *)object + f->offset + (size_t)n * f->size;
            switch (f->kind) {
            case FIELD_VALUE: write_u64(w, field_get(f, object, n)); break;
            case FIELD_SUB: state_save(f->sub, p, w); break;
            case FIELD_TIMER: {
                const struct timer *t = (const void *)p;
                write_u32(w, t->armed);
                write_u64(w, t->when);
                write_u64(w, t->order);
                break;
            }
            case FIELD_BULK: save_bulk((const void *)p, w); break;
            }
        }
    }
    write_text(w, "");
}

static bool restore_bulk(struct bulk *b, struct reader *r, const char *name, struct error *e)
{
    uint64_t size = read_u64(r);

    if (b && size != b->size)
        return error_set(e, "the snapshot's '%s' has %llu bytes, here it has %llu", name,
                         (unsigned long long)size, (unsigned long long)b->size);
    if (b)
        memset(b->bytes, 0, b->size);
    for (;;) {
        uint8_t page[BULK_PAGE];
        uint64_t at = read_u64(r);
        if (r->failed)
            return error_set(e, "the snapshot ends inside '%s'", name);
        if (at == UINT64_MAX)
            return true;
        read_bytes(r, page, sizeof page);
        if (!b)
            continue;
        if (at % BULK_PAGE || at >= b->size)
            return error_set(e, "the snapshot's '%s' has a page at %llx, past its end", name,
                             (unsigned long long)at);
        memcpy(b->bytes + at, page, sizeof page);
    }
}

/* Reads over a row (or table) that nobody here knows. */
static bool skip_table(struct reader *r, struct error *e, unsigned depth);

static bool skip_row(struct reader *r, const char *name, uint32_t kind, uint32_t count,
                     struct error *e, unsigned depth)
{
    for (uint32_t n = 0; n < count; n++) {
        if (r->failed)
            return error_set(e, "the snapshot ends inside '%s'", name);
        switch (kind) {
        case FIELD_VALUE: read_u64(r); break;
        case FIELD_SUB:
            if (!skip_table(r, e, depth + 1))
                return false;
            break;
        case FIELD_TIMER:
            read_u32(r);
            read_u64(r);
            read_u64(r);
            break;
        case FIELD_BULK:
            if (!restore_bulk(NULL, r, name, e))
                return false;
            break;
        default: return error_set(e, "the snapshot's '%s' is of no known kind", name);
        }
    }
    return true;
}

static bool skip_table(struct reader *r, struct error *e, unsigned depth)
{
    char name[256];

    if (depth > 8)
        return error_set(e, "the snapshot's tables are nested too deeply");
    for (;;) {
        uint32_t kind, count;
        read_text(r, name);
        if (r->failed)
            return error_set(e, "the snapshot ends inside a table");
        if (!name[0])
            return true;
        kind = read_u32(r);
        read_u32(r);
        count = read_u32(r);
        if (!skip_row(r, name, kind, count, e, depth))
            return false;
    }
}

static bool restore_value(const struct field *f, void *object, unsigned n, uint64_t v,
                          struct error *e)
{
    if (v > f->max)
        return error_set(e, "the snapshot's '%s' is %llx, more than %llx", f->name,
                         (unsigned long long)v, (unsigned long long)f->max);
    field_set(f, object, n, v);
    return true;
}

static bool restore_row(const struct field *f, void *object, struct clock *clock,
                        struct reader *r, struct error *e)
{
    for (unsigned n = 0; n < f->count; n++) {
        if (r->failed)
            return error_set(e, "the snapshot ends inside '%s'", f->name);
        switch (f->kind) {
        case FIELD_VALUE:
            if (!restore_value(f, object, n, read_u64(r), e))
                return false;
            break;
        case FIELD_SUB:
            if (!state_restore(f->sub, member(f, object, n), clock, r, e))
                return false;
            break;
        case FIELD_TIMER: {
            struct timer *t = member(f, object, n);
            bool armed = read_u32(r) != 0;
            uint64_t when = read_u64(r), order = read_u64(r);
            uint64_t count;
            if (!clock)
                break;
            timer_stop(clock, t);
            t->when = when;
            t->order = order;
            if (!armed)
                break;
            count = clock->armed; /* what comes next takes the same places as there */
            timer_arm(clock, t, when);
            clock->armed = count;
            timer_set_order(clock, t, order);
            break;
        }
        case FIELD_BULK:
            if (!restore_bulk(member(f, object, n), r, f->name, e))
                return false;
            break;
        }
    }
    return true;
}

bool state_restore(const struct field *fields, void *object, struct clock *clock,
                   struct reader *r, struct error *e)
{
    state_reset(fields, object, clock);
    for (;;) {
        char name[256];
        const struct field *f;
        uint32_t kind, size, count;

        read_text(r, name);
        if (r->failed)
            return error_set(e, "the snapshot ends inside a table");
        if (!name[0])
            return true;
        kind = read_u32(r);
        size = read_u32(r);
        count = read_u32(r);
        (void)size;
        f = field_find(fields, name);
        if (f && (f->kind != (enum field_kind)kind || f->count != count))
            return error_set(e, "the snapshot's '%s' has another shape than here", name);
        if (!(f ? restore_row(f, object, clock, r, e) : skip_row(r, name, kind, count, e, 0)))
            return false;
    }
}
