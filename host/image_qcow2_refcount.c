/* image_qcow2_refcount.c - qcow2: which clusters of the file are in use. */
#include "host/image_qcow2.h"

#include <stdlib.h>
#include <string.h>

/* ---- sets of clusters ---- */

static uint64_t slot_of(const struct clusters *c, uint64_t cluster)
{
    uint64_t n = (cluster * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & (c->room - 1);

    while (c->slot[n] && c->slot[n] != cluster)
        n = (n + 1) & (c->room - 1);
    return n;
}

bool clusters_add(struct clusters *c, uint64_t cluster)
{
    if (cluster == 0)
        return true;
    if ((c->used + 1) * 2 > c->room) {
        struct clusters more = {.room = c->room ? c->room * 2 : 64};
        more.slot = more.room <= SIZE_MAX / sizeof *more.slot
                        ? calloc((size_t)more.room, sizeof *more.slot)
                        : NULL;
        if (!more.slot)
            return false;
        for (uint64_t n = 0; n < c->room; n++)
            if (c->slot[n])
                clusters_add(&more, c->slot[n]);
        free(c->slot);
        *c = more;
    }
    uint64_t n = slot_of(c, cluster);
    c->used += !c->slot[n];
    c->slot[n] = cluster;
    return true;
}

bool clusters_has(const struct clusters *c, uint64_t cluster)
{
    return cluster == 0 || (c->room && c->slot[slot_of(c, cluster)]);
}

void clusters_remove(struct clusters *c, uint64_t cluster)
{
    uint64_t n;

    if (!c->room || !cluster || !c->slot[n = slot_of(c, cluster)])
        return;
    c->slot[n] = 0;
    c->used--;
    /* Those behind it may have stood there only because of it. */
    for (n = (n + 1) & (c->room - 1); c->slot[n]; n = (n + 1) & (c->room - 1)) {
        uint64_t moved = c->slot[n];
        c->slot[n] = 0;
        c->slot[slot_of(c, moved)] = moved;
    }
}

/* ---- entries of a block ---- */

uint64_t qcow2_per_block(const struct qcow2 *q)
{
    return q->cluster * 8 >> q->refcount_order;
}

uint64_t qcow2_refcount_most(const struct qcow2 *q)
{
    return q->refcount_order == 6 ? UINT64_MAX
                                  : (UINT64_C(1) << (1u << q->refcount_order)) - 1;
}

static uint64_t get_entry(const struct qcow2 *q, const uint8_t *block, uint64_t n)
{
    unsigned bits = 1u << q->refcount_order;

    switch (q->refcount_order) {
    case 3: return block[n];
    case 4: return be16(block + n * 2);
    case 5: return be32(block + n * 4);
    case 6: return be64(block + n * 8);
    default: return block[n * bits / 8] >> (n * bits % 8) & ((1u << bits) - 1);
    }
}

static void put_entry(const struct qcow2 *q, uint8_t *block, uint64_t n, uint64_t v)
{
    unsigned bits = 1u << q->refcount_order, shift = n * bits % 8;
    unsigned mask = bits < 8 ? ((1u << bits) - 1) << shift : 0;

    switch (q->refcount_order) {
    case 3: block[n] = (uint8_t)v; break;
    case 4: put_be16(block + n * 2, (uint16_t)v); break;
    case 5: put_be32(block + n * 4, (uint32_t)v); break;
    case 6: put_be64(block + n * 8, v); break;
    default:
        block[n * bits / 8] =
            (uint8_t)((block[n * bits / 8] & ~mask) | ((v << shift) & mask));
        break;
    }
}

/* ---- blocks ---- */

static bool block_offset(struct qcow2 *q, uint64_t index, uint64_t *offset)
{
    *offset = index < q->rt_size ? q->rt[index] & ~UINT64_C(511) : 0;
    if (*offset % q->cluster || *offset / q->cluster >= q->end)
        return image_damage(q->im, "refcount block %llu is said to be at %llu",
                            (unsigned long long)index, (unsigned long long)*offset);
    return true;
}

bool qcow2_refcount(struct qcow2 *q, uint64_t cluster, uint64_t *count)
{
    uint64_t per = qcow2_per_block(q), offset;
    struct table *t;

    *count = 0;
    if (!block_offset(q, cluster / per, &offset))
        return false;
    if (!offset)
        return true;
    t = tables_get(&q->blocks, offset);
    if (t)
        *count = get_entry(q, t->bytes, cluster % per);
    return t != NULL;
}

/* The block at `offset` must be there. */
static bool set_in_block(struct qcow2 *q, uint64_t offset, uint64_t cluster,
                         uint64_t count)
{
    struct table *t = tables_get(&q->blocks, offset);

    if (t) {
        put_entry(q, t->bytes, cluster % qcow2_per_block(q), count);
        t->dirty = true;
    }
    return t != NULL;
}

static bool full(struct qcow2 *q)
{
    if (!q->im->told_write)
        log_say(
            q->im->log, "disk", LOG_ERROR,
            "'%s' cannot grow: this is as large as a qcow2 file with clusters of %llu "
            "bytes can be",
            q->im->path, (unsigned long long)q->cluster);
    q->im->told_write = true;
    return false;
}

/* A larger refcount table, behind the file's end, with all the blocks that describe it
 * and themselves. The header is changed last. */
static bool grow_table(struct qcow2 *q, uint64_t index)
{
    uint64_t per = qcow2_per_block(q), start = q->end,
             size = q->rt_size + q->rt_size / 2;
    uint64_t table = 0, blocks = 0, first = start / per, last = first, old_size, n;
    uint64_t *rt;
    uint8_t *bytes, where[12];
    bool good;

    if (size < index + 1)
        size = index + 1;
    for (;;) { /* until what it describes has room for what it takes */
        uint64_t need;
        table = (size * 8 + q->cluster - 1) / q->cluster;
        last = (start + table + blocks - 1) / per;
        need = last - first + 1;
        if (need <= blocks && last < size)
            break;
        blocks = need > blocks ? need : blocks;
        if (last >= size)
            size = last + 1;
        if (size * 8 > Q_RT_MOST)
            return full(q);
    }
    size = table * q->cluster / 8;
    rt = calloc((size_t)size, sizeof *rt);
    bytes = calloc((size_t)size, 8);
    good = rt && bytes;
    if (good)
        memcpy(rt, q->rt, (size_t)q->rt_size * sizeof *rt);
    q->end += table + blocks; /* also on failure: nothing else goes there */
    n = start + table;
    for (uint64_t k = first; good && k <= last; k++) {
        uint64_t offset;

        good = block_offset(q, k, &offset);
        if (good && !offset) {
            rt[k] = n++ * q->cluster;
            good = tables_new(&q->blocks, rt[k]) != NULL;
        }
    }
    for (uint64_t c = start; good && c < n; c++)
        good = set_in_block(q, rt[c / per] & ~UINT64_C(511), c, 1) &&
               clusters_add(&q->metadata, c);
    for (uint64_t k = 0; good && k < size; k++)
        put_be64(bytes + k * 8, rt[k]);
    good = good && tables_write(&q->blocks) &&
           image_put(q->im, start * q->cluster, bytes, (size_t)size * 8) &&
           image_sync(q->im);
    free(bytes);
    put_be64(where, start * q->cluster);
    put_be32(where + 8, (uint32_t)table);
    if (!good || !image_put(q->im, Q_RT_OFFSET, where, sizeof where) ||
        !image_sync(q->im)) {
        for (uint64_t c = start; c < q->end; c++) {
            tables_forget(&q->blocks, c * q->cluster);
            clusters_remove(&q->metadata, c);
        }
        free(rt);
        return false;
    }
    n = q->rt_offset / q->cluster;
    old_size = q->rt_size;
    free(q->rt);
    q->rt = rt;
    q->rt_size = size;
    q->rt_offset = start * q->cluster;
    return qcow2_free_later(q, n, (old_size * 8 + q->cluster - 1) / q->cluster);
}

/* An empty block for entry `index` of the table, at cluster c behind the end. */
static bool add_block(struct qcow2 *q, uint64_t index, uint64_t c)
{
    uint64_t of = c / qcow2_per_block(q), offset = c * q->cluster, unused;
    uint8_t entry[8];
    bool good;

    if (of != index && !block_offset(q, of, &unused))
        return false;
    q->end = c + 1;
    put_be64(entry, offset);
    good = tables_new(&q->blocks, offset) != NULL &&
           set_in_block(q, of == index ? offset : q->rt[of] & ~UINT64_C(511), c, 1) &&
           clusters_add(&q->metadata, c) && tables_write(&q->blocks) &&
           image_sync(q->im) &&
           image_put(q->im, q->rt_offset + index * 8, entry, sizeof entry);
    if (good) {
        q->rt[index] = offset;
        return true;
    }
    tables_forget(&q->blocks, offset);
    clusters_remove(&q->metadata, c);
    return false;
}

static bool ensure_block(struct qcow2 *q, uint64_t index)
{
    uint64_t offset;

    while (index >= q->rt_size || !q->rt[index]) {
        uint64_t c = q->end, of = c / qcow2_per_block(q);
        bool good;

        if (index >= q->rt_size || of >= q->rt_size)
            good = grow_table(q, index > of ? index : of);
        else
            good = add_block(q, q->rt[of] ? index : of, c);
        if (!good)
            return false;
    }
    return block_offset(q, index, &offset);
}

bool qcow2_set_refcount(struct qcow2 *q, uint64_t cluster, uint64_t count)
{
    uint64_t index = cluster / qcow2_per_block(q);

    return ensure_block(q, index) &&
           set_in_block(q, q->rt[index] & ~UINT64_C(511), cluster, count);
}

/* ---- allocating ---- */

/* The first free cluster from the hint on; the end when a bounded look finds none (the
 * next call goes on from there). */
static bool pick(struct qcow2 *q, uint64_t *cluster)
{
    for (unsigned n = 0; n < 4096 && q->hint < q->end; n++, q->hint++) {
        uint64_t count;

        if (!qcow2_refcount(q, q->hint, &count))
            return false;
        if (count)
            continue;
        *cluster = q->hint;
        return true;
    }
    *cluster = q->end;
    return true;
}

uint64_t qcow2_allocate(struct qcow2 *q)
{
    for (unsigned tries = 0; tries < 4096; tries++) {
        uint64_t c, count;

        if (!pick(q, &c))
            return 0;
        if (c >= (Q_OFFSET + 512) / q->cluster) {
            full(q);
            return 0;
        }
        if (!ensure_block(q, c / qcow2_per_block(q)) || !qcow2_refcount(q, c, &count))
            return 0;
        if (count) { /* a new block went there, or somebody counted without writing */
            if (c >= q->end)
                q->end = c + 1;
            continue;
        }
        if (clusters_has(&q->metadata, c)) {
            image_damage(q->im, "cluster %llu holds tables, but counts as free",
                         (unsigned long long)c);
            return 0;
        }
        if (!qcow2_set_refcount(q, c, 1))
            return 0;
        if (c >= q->end)
            q->end = c + 1;
        return c;
    }
    image_damage(q->im, "the clusters behind the file's end count as used");
    return 0;
}

void qcow2_unallocate(struct qcow2 *q, uint64_t cluster)
{
    qcow2_set_refcount(q, cluster, 0);
    if (cluster < q->hint)
        q->hint = cluster;
}

bool qcow2_free_later(struct qcow2 *q, uint64_t first, uint64_t n)
{
    struct qcow2_freed *last = q->freed_count ? &q->freed[q->freed_count - 1] : NULL;

    if (last && last->first + last->n == first) {
        last->n += n;
        return true;
    }
    if (q->freed_count == Q_FREED &&
        !(qcow2_settle(q->im) && image_sync(q->im) && qcow2_free_now(q)))
        return false;
    q->freed[q->freed_count++] = (struct qcow2_freed){first, n};
    return true;
}

static bool count_down(struct qcow2 *q, uint64_t c)
{
    uint64_t count;

    if (!qcow2_refcount(q, c, &count))
        return false;
    if (count == 0)
        return image_damage(q->im, "cluster %llu is in use, but counts as free",
                            (unsigned long long)c);
    if (!qcow2_set_refcount(q, c, count - 1))
        return false;
    if (count > 1)
        return true;
    clusters_remove(&q->metadata, c);
    tables_forget(&q->l2, c * q->cluster);
    tables_forget(&q->blocks, c * q->cluster);
    if (c < q->hint)
        q->hint = c;
    hostfile_punch(q->im->file, c * q->cluster, (size_t)q->cluster);
    return true;
}

bool qcow2_free_now(struct qcow2 *q)
{
    unsigned count = q->freed_count;

    q->freed_count = 0;
    for (unsigned n = 0; n < count; n++)
        for (uint64_t c = 0; c < q->freed[n].n; c++)
            if (!count_down(q, q->freed[n].first + c))
                return false; /* the rest leaks */
    return true;
}

/* ---- writing back ---- */

static bool write_l1(struct qcow2 *q)
{
    uint8_t bytes[512];

    while (q->l1_dirty < q->l1_dirty_end) {
        uint64_t n = q->l1_dirty_end - q->l1_dirty, most = sizeof bytes / 8;

        if (n > most)
            n = most;
        for (uint64_t k = 0; k < n; k++)
            put_be64(bytes + k * 8, q->l1[q->l1_dirty + k]);
        if (!image_put(q->im, q->l1_offset + q->l1_dirty * 8, bytes, (size_t)n * 8))
            return false;
        q->l1_dirty += n;
    }
    q->l1_dirty = q->l1_dirty_end = 0;
    return true;
}

bool qcow2_settle(struct image *im)
{
    struct qcow2 *q = im->own;
    bool maps = tables_dirty(&q->l2), roots = q->l1_dirty < q->l1_dirty_end;

    if (!tables_write(&q->blocks))
        return false;
    if ((maps || roots) && !image_sync(im))
        return false;
    if (maps && !(tables_write(&q->l2) && (!roots || image_sync(im))))
        return false;
    return write_l1(q);
}
