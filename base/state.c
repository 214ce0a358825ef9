/* state.c - what is driven by a part's table of fields.
 *
 * A saved row is its name, its kind, how many elements of how many bytes, and the
 * length of what follows, so that a reader can skip a row it does not know. An empty
 * name ends a list of rows.
 */
#include "base/state.h"

#include "base/byteorder.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/snapshot.h"

enum { PAGE = 4096 };

static const uint8_t zeros[PAGE];

static void *at(const struct field *f, void *object, unsigned index)
{
    return (uint8_t *)object + f->offset + (size_t)index * f->size;
}

static const void *at_const(const struct field *f, const void *object, unsigned index)
{
    return (const uint8_t *)object + f->offset + (size_t)index * f->size;
}

uint64_t field_get(const struct field *f, const void *object, unsigned index)
{
    const void *p = at_const(f, object, index);
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (f->size) {
    case 1: return *(const uint8_t *)p;
    case 2: return memcpy(&v16, p, 2), v16;
    case 4: return memcpy(&v32, p, 4), v32;
    default: return memcpy(&v64, p, 8), v64;
    }
}

void field_set(const struct field *f, void *object, unsigned index, uint64_t value)
{
    void *p = at(f, object, index);
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;

    switch (f->size) {
    case 1: *(uint8_t *)p = (uint8_t)value; break;
    case 2: memcpy(p, &v16, 2); break;
    case 4: memcpy(p, &v32, 4); break;
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

void state_stop(const struct field *fields, void *object, struct clock *clock)
{
    for (const struct field *f = fields; f && f->name; f++)
        for (unsigned i = 0; i < f->count; i++) {
            if (f->kind == FIELD_TIMER && clock)
                timer_stop(clock, at(f, object, i));
            if (f->kind == FIELD_SUB)
                state_stop(f->sub, at(f, object, i), clock);
        }
}

void state_reset(const struct field *fields, void *object, struct clock *clock)
{
    for (const struct field *f = fields; f && f->name; f++)
        for (unsigned i = 0; i < f->count; i++)
            switch (f->kind) {
            case FIELD_VALUE: field_set(f, object, i, f->reset); break;
            case FIELD_SUB: state_reset(f->sub, at(f, object, i), clock); break;
            case FIELD_TIMER:
                if (clock)
                    timer_stop(clock, at(f, object, i));
                break;
            case FIELD_BULK: break;
            }
}

static bool is_zero(const uint8_t *p, size_t n)
{
    return !memcmp(p, zeros, n);
}

static size_t page_size(const struct bulk *b, uint64_t page)
{
    uint64_t left = b->size - page * PAGE;

    return left < PAGE ? (size_t)left : PAGE;
}

static uint64_t pages_of(const struct bulk *b)
{
    return b->size / PAGE + (b->size % PAGE != 0);
}

static void save_bulk(const struct bulk *b, struct writer *w)
{
    uint64_t pages = pages_of(b);

    write_u64(w, b->size);
    for (uint64_t page = 0; page < pages; page++) {
        const uint8_t *p = b->bytes + page * PAGE;

        if (is_zero(p, page_size(b, page)))
            continue;
        write_u64(w, page);
        write_bytes(w, p, page_size(b, page));
    }
    write_u64(w, UINT64_MAX);
}

static void save_row(const struct field *f, const void *object, struct writer *w)
{
    uint8_t b[8];

    for (unsigned i = 0; i < f->count; i++) {
        const struct timer *t = at_const(f, object, i);

        switch (f->kind) {
        case FIELD_VALUE:
            store_le(b, f->size, field_get(f, object, i));
            write_bytes(w, b, f->size);
            break;
        case FIELD_SUB: state_save(f->sub, at_const(f, object, i), w); break;
        case FIELD_TIMER:
            write_u32(w, t->armed);
            write_u64(w, t->armed ? t->when : 0);
            write_u64(w, t->armed ? t->order : 0);
            break;
        case FIELD_BULK: save_bulk(at_const(f, object, i), w); break;
        }
    }
}

void state_save(const struct field *fields, const void *object, struct writer *w)
{
    for (const struct field *f = fields; f && f->name; f++) {
        size_t body;

        write_text(w, f->name);
        write_u32(w, f->kind);
        write_u32(w, f->count);
        write_u32(w, f->kind == FIELD_VALUE ? f->size : 0);
        write_u64(w, 0);
        body = w->size;
        save_row(f, object, w);
        if (!w->failed)
            store64(w->bytes + body - 8, w->size - body);
    }
    write_text(w, "");
}

/* Zero pages are compared first, so that memory never touched stays unbacked. */
static void clear_bulk(struct bulk *b)
{
    uint64_t pages = pages_of(b);

    for (uint64_t page = 0; page < pages; page++) {
        uint8_t *p = b->bytes + page * PAGE;

        if (!is_zero(p, page_size(b, page)))
            memset(p, 0, page_size(b, page));
    }
}

static void clear_bulks(const struct field *fields, void *object)
{
    for (const struct field *f = fields; f && f->name; f++)
        for (unsigned i = 0; i < f->count; i++) {
            if (f->kind == FIELD_BULK)
                clear_bulk(at(f, object, i));
            if (f->kind == FIELD_SUB)
                clear_bulks(f->sub, at(f, object, i));
        }
}

static bool restore_bulk(const struct field *f, struct bulk *b, struct reader *r,
                         struct error *e)
{
    uint64_t size = read_u64(r), pages = pages_of(b), next = 0;

    if (size != b->size)
        return error_set(e, "'%s' has %llu bytes in the snapshot and %llu here",
                         f->name, (unsigned long long)size,
                         (unsigned long long)b->size);
    for (;;) {
        uint64_t page = read_u64(r);

        if (r->failed || page == UINT64_MAX)
            return true;
        if (page < next || page >= pages)
            return error_set(e, "'%s' has no page %llu", f->name,
                             (unsigned long long)page);
        read_bytes(r, b->bytes + page * PAGE, page_size(b, page));
        next = page + 1;
    }
}

static bool restore_rows(const struct field *fields, void *object, struct clock *clock,
                         struct reader *r, struct error *e);

static bool restore_row(const struct field *f, void *object, struct clock *clock,
                        uint32_t count, uint32_t size, struct reader *r,
                        struct error *e)
{
    uint8_t b[8];

    for (unsigned i = 0; i < count && !r->failed; i++) {
        uint64_t v, order;
        bool armed;

        switch (f->kind) {
        case FIELD_VALUE:
            read_bytes(r, b, size);
            v = load_le(b, size);
            if (v > f->max)
                return error_set(e, "'%s' is %llu, more than %llu", f->name,
                                 (unsigned long long)v, (unsigned long long)f->max);
            if (!r->failed)
                field_set(f, object, i, v);
            break;
        case FIELD_SUB:
            if (!restore_rows(f->sub, at(f, object, i), clock, r, e))
                return false;
            break;
        case FIELD_TIMER:
            armed = read_u32(r) != 0;
            v = read_u64(r);
            order = read_u64(r);
            if (armed && clock && !r->failed)
                timer_restore(clock, at(f, object, i), v, order);
            break;
        case FIELD_BULK:
            if (!restore_bulk(f, at(f, object, i), r, e))
                return false;
            break;
        }
    }
    return true;
}

static bool restore_rows(const struct field *fields, void *object, struct clock *clock,
                         struct reader *r, struct error *e)
{
    for (;;) {
        char name[256];
        uint32_t kind, count, size;
        struct reader inside;
        const struct field *f;

        read_text(r, name);
        if (!r->failed && !name[0])
            return true;
        kind = read_u32(r);
        count = read_u32(r);
        size = read_u32(r);
        if (!read_part(r, read_u64(r), &inside))
            return error_set(e, "the saved state is cut short");
        f = field_find(fields, name);
        if (!f)
            continue; /* a row that this version no longer has */
        if (kind != (uint32_t)f->kind || count > f->count ||
            (f->kind == FIELD_VALUE && size != 1 && size != 2 && size != 4 &&
             size != 8))
            return error_set(e, "'%s' does not have the shape it should", name);
        if (!restore_row(f, object, clock, count, size, &inside, e))
            return false;
        if (inside.failed || inside.at != inside.size)
            return error_set(e, "'%s' has the wrong length", name);
    }
}

bool state_restore(const struct field *fields, void *object, struct clock *clock,
                   struct reader *r, struct error *e)
{
    state_reset(fields, object, clock);
    clear_bulks(fields, object);
    return restore_rows(fields, object, clock, r, e);
}
