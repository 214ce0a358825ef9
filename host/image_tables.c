/* image_tables.c - a bounded cache of an image's tables. */
#include "host/image_tables.h"

#include <stdlib.h>
#include <string.h>

bool tables_init(struct tables *t, struct image *im, size_t unit, unsigned count,
                 bool (*settle)(struct image *im))
{
    *t = (struct tables){.im = im, .unit = unit, .count = count, .settle = settle};
    t->table = calloc(count, sizeof *t->table);
    return t->table != NULL;
}

void tables_free(struct tables *t)
{
    for (unsigned n = 0; t->table && n < t->count; n++)
        free(t->table[n].bytes);
    free(t->table);
    t->table = NULL;
    t->count = 0;
}

static struct table *find(struct tables *t, uint64_t offset)
{
    for (unsigned n = 0; n < t->count; n++)
        if (t->table[n].valid && t->table[n].offset == offset)
            return &t->table[n];
    return NULL;
}

/* The one to give up: an unused one, or else the one unused for longest. */
static struct table *oldest(struct tables *t)
{
    struct table *best = &t->table[0];

    for (unsigned n = 0; n < t->count; n++) {
        if (!t->table[n].valid)
            return &t->table[n];
        if (t->table[n].used < best->used)
            best = &t->table[n];
    }
    return best;
}

static struct table *take(struct tables *t, uint64_t offset)
{
    struct table *v = oldest(t);

    if (v->valid && v->dirty && (!t->settle(t->im) || v->dirty))
        return NULL;
    if (!v->bytes && !(v->bytes = malloc(t->unit))) {
        if (!t->im->told_read)
            log_say(t->im->log, "disk", LOG_ERROR, "'%s': the host has no memory",
                    t->im->path);
        t->im->told_read = true;
        return NULL;
    }
    v->valid = false;
    v->dirty = false;
    v->offset = offset;
    return v;
}

struct table *tables_get(struct tables *t, uint64_t offset)
{
    struct table *v = find(t, offset);

    if (!v) {
        v = take(t, offset);
        if (!v || !image_get(t->im, offset, v->bytes, t->unit))
            return NULL;
        v->valid = true;
    }
    v->used = ++t->now;
    return v;
}

uint8_t *tables_entry(struct tables *t, uint64_t map, uint32_t n, bool write)
{
    uint64_t at = map + (uint64_t)n * 4;
    struct table *v = tables_get(t, at - at % t->unit);

    if (v && write)
        v->dirty = true;
    return v ? v->bytes + at % t->unit : NULL;
}

struct table *tables_new(struct tables *t, uint64_t offset)
{
    struct table *v = find(t, offset);

    if (!v)
        v = take(t, offset);
    if (!v)
        return NULL;
    memset(v->bytes, 0, t->unit);
    v->valid = v->dirty = true;
    v->used = ++t->now;
    return v;
}

bool tables_write(struct tables *t)
{
    for (;;) {
        struct table *next = NULL;

        for (unsigned n = 0; n < t->count; n++) {
            struct table *v = &t->table[n];
            if (v->valid && v->dirty && (!next || v->offset < next->offset))
                next = v;
        }
        if (!next)
            return true;
        if (!image_put(t->im, next->offset, next->bytes, t->unit))
            return false;
        next->dirty = false;
    }
}

bool tables_dirty(const struct tables *t)
{
    for (unsigned n = 0; n < t->count; n++)
        if (t->table[n].valid && t->table[n].dirty)
            return true;
    return false;
}

void tables_forget(struct tables *t, uint64_t offset)
{
    struct table *v = find(t, offset);

    if (v)
        v->valid = v->dirty = false;
}

bool blocks_move(struct image *im, const struct block_map *map, uint64_t offset,
                 const uint8_t *from, uint8_t *to, size_t n)
{
    while (n) {
        uint64_t in = offset % map->block, at;
        size_t part = n < map->block - in ? n : (size_t)(map->block - in);
        uint32_t block = (uint32_t)(offset / map->block);

        if (!map->locate(im, block, &at) ||
            (from && !at && !map->allocate(im, block, &at)))
            return false;
        if (at && !map->move(im, at, in, from, to, part))
            return false;
        if (!at)
            memset(to, 0, part);
        offset += part;
        n -= part;
        if (from)
            from += part;
        else
            to += part;
    }
    return true;
}
