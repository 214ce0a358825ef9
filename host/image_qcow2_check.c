/* image_qcow2_check.c - qcow2: counts all references anew and compares.
 *
 * A count that is too high is a leak: room without use. One that is too low is an
 * error: the cluster could be given away while it is in use.
 */
#include "host/image_qcow2.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 4096, /* counts that are kept together */
    LINES = 20,   /* of one kind that are told */
};

#define CLUSTERS_MOST (UINT64_C(1) << 33)
#define CHUNKS_MOST ((UINT64_C(1) << 30) / (CHUNK * sizeof(uint32_t))) /* 1 GiB */
#define WORK_MOST (UINT64_C(1) << 31) /* L2 entries that are looked at */

struct check {
    struct qcow2 *q;
    struct image_check *found;
    const struct image_lines *lines;
    struct error *e;
    uint32_t **chunk;
    uint64_t end, chunks, work;
    uint8_t *l2;
    unsigned told;
    bool repair;
};

static void wrong(struct check *c, const char *what, uint64_t where)
{
    c->found->errors++;
    if (c->told < LINES)
        image_line(c->lines, "%s %llu", what, (unsigned long long)where);
    else if (c->told == LINES)
        image_line(c->lines, "more errors are counted, but not told");
    c->told++;
}

static uint32_t counted(const struct check *c, uint64_t cluster)
{
    const uint32_t *chunk = cluster < c->end ? c->chunk[cluster / CHUNK] : NULL;
    return chunk ? chunk[cluster % CHUNK] : 0;
}

static bool count(struct check *c, uint64_t cluster)
{
    uint32_t **chunk = &c->chunk[cluster / CHUNK];

    if (!*chunk) {
        if (c->chunks++ == CHUNKS_MOST || !(*chunk = calloc(CHUNK, sizeof **chunk)))
            return error_set(c->e, "checking '%.300s' needs too much memory",
                             c->q->im->path);
    }
    if ((*chunk)[cluster % CHUNK] < UINT32_MAX)
        (*chunk)[cluster % CHUNK]++;
    return true;
}

/* All clusters that bytes [offset, offset + n) touch. */
static bool count_range(struct check *c, uint64_t offset, uint64_t n, const char *what)
{
    uint64_t first = offset / c->q->cluster, last;

    if (n == 0)
        return true;
    if (offset > UINT64_MAX - n || (offset + n - 1) / c->q->cluster >= c->end) {
        wrong(c, what, offset);
        return true;
    }
    last = (offset + n - 1) / c->q->cluster;
    for (; first <= last; first++)
        if (!count(c, first))
            return false;
    return true;
}

static bool count_l2(struct check *c, uint64_t offset)
{
    struct qcow2 *q = c->q;

    if (offset % q->cluster || offset / q->cluster >= c->end) {
        wrong(c, "an L2 table is said to be at", offset);
        return true;
    }
    c->work += q->cluster / 8;
    if (c->work > WORK_MOST)
        return error_set(c->e, "checking '%.300s' would take too long", q->im->path);
    if (!count(c, offset / q->cluster))
        return false;
    if (!hostfile_read(q->im->file, offset, c->l2, (size_t)q->cluster))
        return error_set(c->e, "cannot read disk '%.300s': %s", q->im->path,
                         hostfile_why(q->im->file));
    for (uint64_t n = 0; n < q->cluster / 8; n++) {
        uint64_t entry = be64(c->l2 + n * 8), at = entry & Q_OFFSET, bytes = q->cluster;

        if (entry & Q_COMPRESSED)
            qcow2_packed(q, entry, &at, &bytes);
        else if (at % q->cluster) {
            wrong(c, "data is said to be between clusters, at", at);
            continue;
        }
        if ((at || entry & Q_COMPRESSED) &&
            !count_range(c, at, bytes, "data is said to be behind the file's end, at"))
            return false;
    }
    return true;
}

static bool count_l1(struct check *c, const uint64_t *l1, uint64_t n)
{
    for (uint64_t k = 0; k < n; k++)
        if (l1[k] & Q_OFFSET && !count_l2(c, l1[k] & Q_OFFSET))
            return false;
    return true;
}

struct walk {
    struct check *c;
    bool failed;
};

static bool count_snapshot(void *to, uint64_t offset, uint64_t size, const char *name)
{
    struct walk *w = to;
    struct check *c = w->c;
    bool good =
        count_range(c, offset, size * 8, "a snapshot's L1 table is said to be at");
    (void)name;

    for (uint64_t n = 0; good && n < size; n++) {
        uint8_t entry[8];
        uint64_t l2;

        good = hostfile_read(c->q->im->file, offset + n * 8, entry, sizeof entry);
        l2 = good ? be64(entry) & Q_OFFSET : 0;
        if (good && l2)
            good = count_l2(c, l2);
    }
    w->failed = !good;
    return good;
}

static bool count_snapshots(struct check *c)
{
    struct walk w = {c, false};
    uint64_t bytes = qcow2_snapshot_bytes(c->q);

    if (!c->q->snapshots)
        return true;
    if (bytes == 0)
        wrong(c, "the table of snapshots is broken, at", c->q->snapshots_offset);
    else if (!count_range(c, c->q->snapshots_offset, bytes,
                          "snapshots are said to be at"))
        return false;
    qcow2_each_snapshot(c->q, count_snapshot, &w);
    return !w.failed;
}

/* Specification, "Bitmaps": a directory of entries, each naming a table of clusters. */
static bool count_bitmaps(struct check *c)
{
    struct qcow2 *q = c->q;
    uint64_t at = q->bitmaps_offset, end = at + q->bitmaps_bytes;

    if (!q->bitmaps || !(q->autoclear & Q_BITMAPS))
        return true;
    if (!image_holds(q->im, at, q->bitmaps_bytes, 1)) {
        wrong(c, "the directory of bitmaps is said to be at", at);
        return true;
    }
    if (!count_range(c, at, q->bitmaps_bytes, "bitmaps are said to be at"))
        return false;
    for (uint64_t n = 0; n < q->bitmaps && at + 24 <= end; n++) {
        uint8_t h[24], entry[8];
        uint64_t table, size;

        if (!hostfile_read(q->im->file, at, h, sizeof h))
            return false;
        table = be64(h);
        size = be32(h + 8);
        if (!image_holds(q->im, table, size, 8)) {
            wrong(c, "a bitmap's table is said to be at", table);
            return true;
        }
        if (!count_range(c, table, size * 8, "a bitmap's table is said to be at"))
            return false;
        for (uint64_t k = 0; k < size; k++) {
            if (!hostfile_read(q->im->file, table + k * 8, entry, sizeof entry))
                return false;
            if (be64(entry) & Q_OFFSET &&
                !count_range(c, be64(entry) & Q_OFFSET, q->cluster,
                             "a bitmap is said to be at"))
                return false;
        }
        at = (at + 24 + be16(h + 18) + be32(h + 20) + 7) / 8 * 8;
    }
    return true;
}

/* Last: a block where something else is, or that is named twice, is none. What is no
 * block is taken out of the table in memory, so that a repair makes another. */
static bool count_blocks(struct check *c)
{
    struct qcow2 *q = c->q;

    for (uint64_t n = 0; n < q->rt_size; n++) {
        uint64_t at = q->rt[n] & ~UINT64_C(511), cluster = at / q->cluster;

        if (!q->rt[n])
            continue;
        if (at % q->cluster || cluster >= c->end || counted(c, cluster)) {
            wrong(c, "a refcount block is said to be at", at);
            q->rt[n] = 0;
        } else if (!count(c, cluster)) {
            return false;
        }
    }
    return true;
}

static bool count_all(struct check *c)
{
    struct qcow2 *q = c->q;

    return count(c, 0) &&
           count_range(c, q->l1_offset, q->l1_size * 8,
                       "the L1 table is said to be at") &&
           count_range(c, q->rt_offset, q->rt_size * 8,
                       "the refcount table is said to be at") &&
           count_l1(c, q->l1, q->l1_size) && count_snapshots(c) && count_bitmaps(c) &&
           count_blocks(c);
}

static bool compare(struct check *c)
{
    uint64_t most = qcow2_refcount_most(c->q), per = qcow2_per_block(c->q);

    for (uint64_t n = 0; n < c->end; n++) {
        uint64_t is, should = counted(c, n);

        /* Long stretches that are neither counted nor used. */
        if (n % per == 0 && n % CHUNK == 0 && per >= CHUNK && !c->chunk[n / CHUNK] &&
            (n / per >= c->q->rt_size || !c->q->rt[n / per])) {
            n += CHUNK - 1;
            continue;
        }
        if (!qcow2_refcount(c->q, n, &is))
            return error_set(c->e, "cannot read the refcounts of disk '%.300s'",
                             c->q->im->path);
        if (is == should)
            continue;
        if (is < should)
            wrong(c, "is in use more often than counted: cluster", n);
        else
            c->found->leaks++;
        if (c->repair && should <= most && !qcow2_set_refcount(c->q, n, should))
            return error_set(c->e, "cannot write to disk '%.300s'", c->q->im->path);
    }
    return true;
}

/* Bit 63: whether the reference is the only one. */
static bool flag_is_right(struct check *c, uint64_t *entry)
{
    uint64_t cluster = (*entry & Q_OFFSET) / c->q->cluster;
    bool copied = *entry & Q_COPIED;

    if (!(*entry & Q_OFFSET) || *entry & Q_COMPRESSED || cluster >= c->end ||
        copied == (counted(c, cluster) == 1))
        return true;
    wrong(c, "is said to be referred to once, or not to: cluster", cluster);
    *entry ^= Q_COPIED;
    return false;
}

static bool compare_flags(struct check *c)
{
    struct qcow2 *q = c->q;

    for (uint64_t n = 0; n < q->l1_size; n++) {
        uint64_t entry = q->l1[n], at = entry & Q_OFFSET;
        uint8_t bytes[8];
        struct table *t;

        if (!at || at % q->cluster || at / q->cluster >= c->end)
            continue;
        if (!flag_is_right(c, &entry) && c->repair) {
            q->l1[n] = entry;
            put_be64(bytes, entry);
            if (!image_put(q->im, q->l1_offset + n * 8, bytes, sizeof bytes))
                return error_set(c->e, "cannot write to disk '%.300s'", q->im->path);
        }
        t = tables_get(&q->l2, at);
        if (!t)
            return error_set(c->e, "cannot read the tables of disk '%.300s'",
                             q->im->path);
        for (uint64_t k = 0; k < q->cluster / 8; k++) {
            entry = be64(t->bytes + k * 8);
            if (!flag_is_right(c, &entry) && c->repair) {
                put_be64(t->bytes + k * 8, entry);
                t->dirty = true;
            }
        }
    }
    return true;
}

static bool run(struct qcow2 *q, bool repair, struct image_check *found,
                const struct image_lines *lines, struct error *e)
{
    struct check c = {.q = q,
                      .found = found,
                      .lines = lines,
                      .e = e,
                      .end = q->end,
                      .repair = repair};
    uint64_t chunks = c.end / CHUNK + 1;
    bool good = false;

    *found = (struct image_check){0, 0};
    if (c.end > CLUSTERS_MOST)
        return error_set(e, "disk '%.300s' is too large to be checked", q->im->path);
    c.chunk = calloc((size_t)chunks, sizeof *c.chunk);
    c.l2 = malloc((size_t)q->cluster);
    if (!c.chunk || !c.l2)
        error_set(e, "checking '%.300s' needs too much memory", q->im->path);
    else {
        error_set(e, "cannot read disk '%.300s'",
                  q->im->path); /* unless a better one */
        q->hint = q->end;       /* repairs put new blocks behind everything */
        good = count_all(&c) && compare(&c) && compare_flags(&c);
    }
    for (uint64_t n = 0; c.chunk && n < chunks; n++)
        free(c.chunk[n]);
    free(c.chunk);
    free(c.l2);
    q->hint = 0;
    return good;
}

bool qcow2_check(struct image *im, bool repair, struct image_check *found,
                 const struct image_lines *lines, struct error *e)
{
    struct qcow2 *q = im->own;
    struct image_check before;
    uint64_t marks = q->incompatible & (Q_DIRTY | Q_CORRUPT);

    if (!repair)
        return run(q, false, found, lines, e);
    if (!run(q, true, &before, lines, e))
        return false;
    if (!qcow2_settle(im) || !image_sync(im) || !qcow2_free_now(q) ||
        !qcow2_settle(im) || !image_sync(im))
        return error_set(e, "cannot write to disk '%.300s'", im->path);
    if (!run(q, false, found, before.errors ? lines : NULL, e))
        return false;
    if (before.errors != found->errors || before.leaks != found->leaks)
        image_line(lines, "repaired: %llu errors, %llu leaks",
                   (unsigned long long)(before.errors - found->errors),
                   (unsigned long long)(before.leaks - found->leaks));
    if (found->errors || !marks)
        return true;
    q->incompatible &= ~(uint64_t)(Q_DIRTY | Q_CORRUPT);
    return qcow2_put_features(q) ||
           error_set(e, "cannot write to disk '%.300s'", im->path);
}
