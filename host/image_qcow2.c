/* image_qcow2.c - QEMU's image format, versions 2 and 3: mapping, reading, writing. */
#include "host/image_qcow2.h"

#include "host/image_unpack.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking up ---- */

static bool is_aligned_inside(const struct qcow2 *q, uint64_t offset)
{
    return offset && offset % q->cluster == 0 && offset / q->cluster < q->end;
}

struct table *qcow2_l2(struct qcow2 *q, uint64_t entry)
{
    uint64_t offset = entry & Q_OFFSET;

    if (is_aligned_inside(q, offset))
        return tables_get(&q->l2, offset);
    image_damage(q->im, "an L2 table is said to be at %llu",
                 (unsigned long long)offset);
    return NULL;
}

static uint64_t l1_index(const struct qcow2 *q, uint64_t offset)
{
    return offset >> (2 * q->cluster_bits - 3);
}

static uint64_t l2_index(const struct qcow2 *q, uint64_t offset)
{
    return offset >> q->cluster_bits & (q->cluster / 8 - 1);
}

/* The L2 entry of the disk's offset; 0 without a table. */
static bool look_up(struct qcow2 *q, uint64_t offset, uint64_t *entry)
{
    uint64_t root = q->l1[l1_index(q, offset)];
    struct table *t;

    *entry = 0;
    if (!(root & Q_OFFSET))
        return true;
    t = qcow2_l2(q, root);
    if (t)
        *entry = be64(t->bytes + l2_index(q, offset) * 8);
    return t != NULL;
}

enum kind { ABSENT, ZERO, DATA, PACKED };

/* Bit 0 means zeroes in version 3 only. */
static enum kind kind_of(const struct qcow2 *q, uint64_t entry)
{
    if (entry & Q_COMPRESSED)
        return PACKED;
    if (q->version >= 3 && entry & Q_ZERO)
        return ZERO;
    return entry & Q_OFFSET ? DATA : ABSENT;
}

/* ---- reading ---- */

void qcow2_packed(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *n)
{
    unsigned x = 62 - (q->cluster_bits - 8);
    uint64_t sectors = (entry & ~(Q_COPIED | Q_COMPRESSED)) >> x;

    *offset = entry & ((UINT64_C(1) << x) - 1) & (Q_OFFSET | 511);
    *n = (sectors + 1) * 512 - (*offset & 511);
}

static bool unpack(struct qcow2 *q, uint64_t entry)
{
    enum unpack how = q->compression ? UNPACK_ZSTD : UNPACK_DEFLATE;
    uint64_t offset, n;

    if (q->plain_of == entry)
        return true;
    qcow2_packed(q, entry, &offset, &n);
    if (offset / q->cluster >= q->end)
        return image_damage(q->im, "compressed data is said to be at %llu",
                            (unsigned long long)offset);
    if (!q->plain)
        q->plain = malloc((size_t)q->cluster);
    if (!q->packed)
        q->packed = malloc((size_t)q->cluster * 2);
    if (!q->plain || !q->packed || n > q->cluster * 2)
        return image_damage(q->im,
                            "a compressed cluster is larger than two plain ones");
    q->plain_of = 0;
    if (!image_get(q->im, offset, q->packed, (size_t)n))
        return false;
    if (!image_unpack(how, q->packed, (size_t)n, q->plain, (size_t)q->cluster)) {
        if (!q->im->told_read && !image_can_unpack(how))
            log_say(q->im->log, "disk", LOG_ERROR,
                    "'%s' holds data compressed with %s, which this build cannot read",
                    q->im->path, how == UNPACK_ZSTD ? "zstd" : "zlib");
        else if (!q->im->told_read)
            log_say(q->im->log, "disk", LOG_ERROR,
                    "'%s': compressed data at %llu is broken; the guest gets an error",
                    q->im->path, (unsigned long long)offset);
        q->im->told_read = true;
        return false;
    }
    q->plain_of = entry;
    return true;
}

/* Within one cluster. */
static bool read_part(struct qcow2 *q, uint64_t entry, uint64_t offset, uint8_t *to,
                      size_t n)
{
    uint64_t in = offset & (q->cluster - 1), at = entry & Q_OFFSET;

    switch (kind_of(q, entry)) {
    case ABSENT: return image_read_below(q->im, offset, to, n);
    case ZERO: memset(to, 0, n); return true;
    case PACKED:
        if (!unpack(q, entry))
            return false;
        memcpy(to, q->plain + in, n);
        return true;
    default: break;
    }
    if (!is_aligned_inside(q, at))
        return image_damage(q->im, "data is said to be at %llu",
                            (unsigned long long)at);
    return image_get(q->im, at + in, to, n);
}

static bool read_qcow2(struct image *im, uint64_t offset, uint8_t *to, size_t n)
{
    struct qcow2 *q = im->own;

    while (n) {
        uint64_t rest = q->cluster - (offset & (q->cluster - 1)), entry;
        size_t part = n < rest ? n : (size_t)rest;

        if (!look_up(q, offset, &entry) || !read_part(q, entry, offset, to, part))
            return false;
        offset += part;
        to += part;
        n -= part;
    }
    return true;
}

static enum image_run map_qcow2(struct image *im, uint64_t offset, uint64_t *run)
{
    struct qcow2 *q = im->own;
    uint64_t entry;

    *run = q->cluster - (offset & (q->cluster - 1));
    if (!(q->l1[l1_index(q, offset)] & Q_OFFSET)) {
        uint64_t covered = q->cluster * (q->cluster / 8);
        *run = covered - offset % covered;
        return RUN_BELOW;
    }
    if (!look_up(q, offset, &entry))
        return RUN_DATA; /* reading it will tell */
    switch (kind_of(q, entry)) {
    case ABSENT: return RUN_BELOW;
    case ZERO: return RUN_ZERO;
    default: return RUN_DATA;
    }
}

/* ---- writing ---- */

static void set_root(struct qcow2 *q, uint64_t n, uint64_t entry)
{
    q->l1[n] = entry;
    if (q->l1_dirty == q->l1_dirty_end) {
        q->l1_dirty = n;
        q->l1_dirty_end = n + 1;
    }
    if (n < q->l1_dirty)
        q->l1_dirty = n;
    if (n >= q->l1_dirty_end)
        q->l1_dirty_end = n + 1;
}

/* The L2 table of L1 entry n, ours alone: made, or copied from one that a snapshot uses
 * as well. A new one takes its room in the file at once: a full disk fails the guest's
 * write, not a later flush. */
static struct table *own_l2(struct qcow2 *q, uint64_t n)
{
    uint64_t old = q->l1[n], c;
    struct table *t = NULL;
    uint8_t *copy;

    if (old & Q_COPIED && old & Q_OFFSET)
        return qcow2_l2(q, old);
    copy = calloc(1, (size_t)q->cluster);
    if (!copy)
        return NULL;
    if (old & Q_OFFSET) {
        t = qcow2_l2(q, old);
        if (!t) {
            free(copy);
            return NULL;
        }
        memcpy(copy, t->bytes, (size_t)q->cluster);
    }
    c = qcow2_allocate(q);
    t = NULL;
    if (c && image_put(q->im, c * q->cluster, copy, (size_t)q->cluster) &&
        clusters_add(&q->metadata, c))
        t = tables_new(&q->l2, c * q->cluster);
    if (t) {
        memcpy(t->bytes, copy, (size_t)q->cluster);
        set_root(q, n, c * q->cluster | Q_COPIED);
    } else if (c) {
        clusters_remove(&q->metadata, c);
        qcow2_unallocate(q, c);
    }
    free(copy);
    if (t && old & Q_OFFSET && !qcow2_free_later(q, (old & Q_OFFSET) / q->cluster, 1))
        return NULL;
    return t ? qcow2_l2(q, q->l1[n]) : NULL;
}

/* What the entry referred to loses that reference. */
static bool drop(struct qcow2 *q, uint64_t entry)
{
    uint64_t offset = entry & Q_OFFSET, n = 1;

    if (entry & Q_COMPRESSED) {
        qcow2_packed(q, entry, &offset, &n);
        n = (offset + n - 1) / q->cluster - offset / q->cluster + 1;
        if (q->plain_of == entry)
            q->plain_of = 0;
    } else if (offset % q->cluster) {
        return image_damage(q->im, "data is said to be at %llu",
                            (unsigned long long)offset);
    }
    if (!(entry & Q_COMPRESSED) && !offset)
        return true;
    for (uint64_t c = 0; c < n; c++)
        if (clusters_has(&q->metadata, offset / q->cluster + c))
            return image_damage(q->im, "data is said to be at %llu, where tables are",
                                (unsigned long long)offset);
    return qcow2_free_later(q, offset / q->cluster, n);
}

static bool set_entry(struct qcow2 *q, uint64_t offset, uint64_t entry)
{
    struct table *t = own_l2(q, l1_index(q, offset));

    if (t) {
        put_be64(t->bytes + l2_index(q, offset) * 8, entry);
        t->dirty = true;
    }
    return t != NULL;
}

/* Whether the entry's cluster is the active disk's alone, and may be written in place.
 */
static bool is_own(struct qcow2 *q, uint64_t entry, bool *own)
{
    uint64_t at = entry & Q_OFFSET;

    *own = entry & Q_COPIED && at && !(entry & Q_COMPRESSED);
    if (*own &&
        (!is_aligned_inside(q, at) || clusters_has(&q->metadata, at / q->cluster)))
        return image_damage(q->im, "data is said to be at %llu, where tables are",
                            (unsigned long long)at);
    return true;
}

/* A part of one cluster that cannot be written in place. */
static bool write_elsewhere(struct qcow2 *q, uint64_t entry, uint64_t offset,
                            const uint8_t *from, size_t n, bool own)
{
    uint64_t in = offset & (q->cluster - 1), start = offset - in, c;
    uint64_t shown =
        q->im->disk.size - start < q->cluster ? q->im->disk.size - start : q->cluster;
    const uint8_t *bytes = from;

    if (n < q->cluster) {
        memset(q->bounce + shown, 0, (size_t)(q->cluster - shown));
        if (!read_part(q, entry, start, q->bounce, (size_t)shown))
            return false;
        memcpy(q->bounce + in, from, n);
        bytes = q->bounce;
    }
    if (!own_l2(q, l1_index(q, offset))) /* before the data: it may fail */
        return false;
    c = own ? (entry & Q_OFFSET) / q->cluster : qcow2_allocate(q);
    if (!c)
        return false;
    if (image_put(q->im, c * q->cluster, bytes, (size_t)q->cluster) &&
        set_entry(q, offset, c * q->cluster | Q_COPIED))
        return own || drop(q, entry);
    if (!own)
        qcow2_unallocate(q, c);
    return false;
}

static bool write_part(struct qcow2 *q, uint64_t offset, const uint8_t *from, size_t n)
{
    uint64_t entry;
    bool own;

    if (!look_up(q, offset, &entry) || !is_own(q, entry, &own))
        return false;
    /* The L2 table's own flag counts too: a shared table's entries are shared. */
    if (!(q->l1[l1_index(q, offset)] & Q_COPIED))
        own = false;
    if (own && kind_of(q, entry) == DATA)
        return image_put(q->im, (entry & Q_OFFSET) + (offset & (q->cluster - 1)), from,
                         n);
    return write_elsewhere(q, entry, offset, from, n, own);
}

static bool write_qcow2(struct image *im, uint64_t offset, const uint8_t *from,
                        size_t n)
{
    struct qcow2 *q = im->own;

    while (n) {
        uint64_t rest = q->cluster - (offset & (q->cluster - 1));
        size_t part = n < rest ? n : (size_t)rest;

        if (!write_part(q, offset, from, part))
            return false;
        offset += part;
        from += part;
        n -= part;
    }
    return true;
}

static bool flush_qcow2(struct image *im)
{
    struct qcow2 *q = im->own;

    if (!qcow2_settle(im) || !image_sync(im))
        return false;
    return !q->freed_count || (qcow2_free_now(q) && tables_write(&q->blocks));
}

/* Whole clusters only. With something below, version 2 cannot say "zeroes". */
static void discard_qcow2(struct image *im, uint64_t offset, uint64_t n)
{
    struct qcow2 *q = im->own;
    uint64_t end = offset + n, covered = q->cluster * (q->cluster / 8);

    if (end < im->disk.size)
        end &= ~(q->cluster - 1);
    offset = (offset + q->cluster - 1) & ~(q->cluster - 1);
    if (im->backing && q->version < 3)
        return;
    while (offset < end) {
        uint64_t entry;

        if (!(q->l1[l1_index(q, offset)] & Q_OFFSET)) {
            offset = (offset / covered + 1) * covered;
            continue;
        }
        if (!look_up(q, offset, &entry))
            return;
        if (kind_of(q, entry) != ABSENT &&
            !(kind_of(q, entry) == ZERO && !(entry & Q_OFFSET)) &&
            (!set_entry(q, offset, im->backing ? Q_ZERO : 0) || !drop(q, entry)))
            return;
        offset += q->cluster;
    }
}

/* ---- opening ---- */

bool qcow2_put_features(struct qcow2 *q)
{
    uint8_t bytes[24];

    if (q->version < 3)
        return true;
    put_be64(bytes, q->incompatible);
    put_be64(bytes + 8, q->compatible);
    put_be64(bytes + 16, q->autoclear);
    return image_put(q->im, Q_INCOMPATIBLE, bytes, sizeof bytes) && image_sync(q->im);
}

static bool add_range(struct qcow2 *q, uint64_t offset, uint64_t bytes)
{
    for (uint64_t c = offset / q->cluster; c * q->cluster < offset + bytes; c++)
        if (!clusters_add(&q->metadata, c))
            return false;
    return true;
}

static bool add_snapshot(void *to, uint64_t l1_offset, uint64_t l1_size,
                         const char *name)
{
    (void)name;
    return add_range(to, l1_offset, l1_size * 8);
}

/* All that the guest's data must not overwrite. */
static bool note_metadata(struct qcow2 *q, struct error *e)
{
    bool good = add_range(q, q->l1_offset, q->l1_size * 8) &&
                add_range(q, q->rt_offset, q->rt_size * 8);

    for (uint64_t n = 0; good && n < q->l1_size; n++)
        if (q->l1[n] & Q_OFFSET)
            good = clusters_add(&q->metadata, (q->l1[n] & Q_OFFSET) / q->cluster);
    for (uint64_t n = 0; good && n < q->rt_size; n++)
        if (q->rt[n])
            good = clusters_add(&q->metadata, q->rt[n] / q->cluster);
    if (!good)
        return error_set(e, "cannot open '%.300s': the host has no memory",
                         q->im->path);
    if (!q->snapshots)
        return true;
    if (!add_range(q, q->snapshots_offset, qcow2_snapshot_bytes(q)) ||
        !qcow2_each_snapshot(q, add_snapshot, q)) {
        error_set(e, "cannot write to '%.300s': its table of snapshots is broken",
                  q->im->path);
        return error_hint(e, "it can be opened read-only");
    }
    return true;
}

/* The dirty bit: somebody who counts late was cut off. */
static bool recount(struct qcow2 *q, struct error *e)
{
    struct image_check found = {0, 0};

    log_say(q->im->log, "disk", LOG_INFO,
            "'%s' was not closed properly: its reference counts are made anew",
            q->im->path);
    if (!qcow2_check(q->im, true, &found, NULL, e))
        return false;
    if (found.errors) {
        error_set(e, "disk '%.300s' was not closed properly, and is damaged",
                  q->im->path);
        return error_hint(e, "look at it with: menura disk check %.300s", q->im->path);
    }
    return true;
}

static bool prepare_writing(struct qcow2 *q, struct error *e)
{
    if (q->incompatible & Q_CORRUPT) {
        error_set(e, "disk '%.300s' is marked as damaged: it can only be read",
                  q->im->path);
        return error_hint(e, "try: menura disk check --repair %.300s", q->im->path);
    }
    if (!note_metadata(q, e))
        return false;
    if (q->autoclear) { /* dirty bitmaps and the like would not be kept up to date */
        q->autoclear = 0;
        if (!qcow2_put_features(q))
            return error_set(e, "cannot write to '%.300s'", q->im->path);
    }
    return !(q->incompatible & Q_DIRTY) || recount(q, e);
}

static unsigned bounded(uint64_t budget, uint64_t each, unsigned least, unsigned most)
{
    uint64_t n = budget / each;
    return n < least ? least : n > most ? most : (unsigned)n;
}

static bool open_qcow2(struct image *im, struct error *e)
{
    struct qcow2 *q = im->own = calloc(1, sizeof *q);

    if (!q)
        return error_set(e, "cannot open '%.300s': the host has no memory", im->path);
    q->im = im;
    if (!qcow2_read_header(q, e))
        return false;
    if (!tables_init(&q->l2, im, (size_t)q->cluster,
                     bounded(2 << 20, q->cluster, 4, 64), qcow2_settle) ||
        !tables_init(&q->blocks, im, (size_t)q->cluster,
                     bounded(1 << 20, q->cluster, 4, 16), qcow2_settle))
        return error_set(e, "cannot open '%.300s': the host has no memory", im->path);
    if (q->compression && !image_can_unpack(UNPACK_ZSTD))
        log_say(im->log, "disk", LOG_WARN,
                "'%s' may hold zstd-compressed data, which this build cannot read",
                im->path);
    if (q->backing[0] &&
        !image_open_backing(im, q->backing,
                            q->backing_format[0] ? q->backing_format : NULL, e))
        return false;
    return !im->writable || im->checking || prepare_writing(q, e);
}

static void close_qcow2(struct image *im)
{
    struct qcow2 *q = im->own;

    if (!q)
        return;
    /* Found while it ran: the next to open it should know (the corrupt bit). */
    if (im->damaged && im->writable && !im->checking && q->version >= 3 && q->cluster &&
        !(q->incompatible & Q_CORRUPT)) {
        q->incompatible |= Q_CORRUPT;
        qcow2_put_features(q);
    }
    tables_free(&q->l2);
    tables_free(&q->blocks);
    free(q->metadata.slot);
    free(q->l1);
    free(q->rt);
    free(q->bounce);
    free(q->plain);
    free(q->packed);
    free(q);
    im->own = NULL;
}

static bool tell_snapshot(void *to, uint64_t l1_offset, uint64_t l1_size,
                          const char *name)
{
    (void)l1_offset;
    (void)l1_size;
    image_line(to, "snapshot: %s", name);
    return true;
}

static void info_qcow2(struct image *im, const struct image_lines *lines)
{
    struct qcow2 *q = im->own;

    image_line(lines, "version: %u, clusters of %llu bytes, refcounts of %u bits",
               q->version, (unsigned long long)q->cluster, 1u << q->refcount_order);
    if (q->compression)
        image_line(lines, "compression: zstd");
    if (q->backing[0])
        image_line(lines, "backing file: %s%s%s%s", q->backing,
                   q->backing_format[0] ? " (" : "", q->backing_format,
                   q->backing_format[0] ? ")" : "");
    if (q->incompatible & Q_DIRTY)
        image_line(lines, "dirty: it was not closed properly");
    if (q->incompatible & Q_CORRUPT)
        image_line(lines, "corrupt: marked as damaged, can only be read");
    if (q->compatible & 1)
        image_line(lines, "lazy refcounts");
    if (q->bitmaps)
        image_line(lines, "bitmaps: %llu%s", (unsigned long long)q->bitmaps,
                   q->autoclear & Q_BITMAPS ? "" : " (out of date)");
    if (!qcow2_each_snapshot(q, tell_snapshot, (void *)(uintptr_t)lines))
        image_line(lines, "the table of snapshots is broken");
}

const struct image_driver image_qcow2 = {
    .name = "qcow2",
    .open = open_qcow2,
    .close = close_qcow2,
    .read = read_qcow2,
    .write = write_qcow2,
    .flush = flush_qcow2,
    .discard = discard_qcow2,
    .map = map_qcow2,
    .info = info_qcow2,
    .check = qcow2_check,
};
