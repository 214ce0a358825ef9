/* image_qcow2_header.c - qcow2: what the header says, and whether to believe it. */
#include "host/image_qcow2.h"

#include <stdlib.h>
#include <string.h>

static bool refuse(struct qcow2 *q, struct error *e, const char *why)
{
    error_set(e, "cannot use qcow2 disk '%.300s': %s", q->im->path, why);
    return false;
}

/* Bits of incompatible_features that stand for what Menura cannot read. */
static bool check_features(struct qcow2 *q, struct error *e)
{
    uint64_t known = Q_DIRTY | Q_CORRUPT | Q_COMPRESSION_TYPE;

    if (q->incompatible & Q_EXTERNAL)
        return refuse(q, e, "its data is in an external data file");
    if (q->incompatible & Q_EXTENDED_L2)
        return refuse(q, e, "it has extended L2 entries (subclusters)");
    if (q->incompatible & ~known)
        return error_set(
            e,
            "cannot use qcow2 disk '%.300s': unknown incompatible features "
            "%llxh",
            q->im->path, (unsigned long long)(q->incompatible & ~known));
    if (q->compression > 1)
        return error_set(e, "cannot use qcow2 disk '%.300s': unknown compression %u",
                         q->im->path, q->compression);
    return true;
}

/* Names in the image are not terminated, and may hold anything. */
static bool take_text(const uint8_t *from, size_t n, char *to, size_t room)
{
    if (n >= room || memchr(from, 0, n))
        return false;
    memcpy(to, from, n);
    to[n] = 0;
    return true;
}

static bool read_extensions(struct qcow2 *q, struct error *e)
{
    uint64_t at = q->header_bytes, end = q->cluster, length;
    uint64_t backing = be64(q->bounce + Q_BACKING_OFFSET);

    if (backing && backing < end)
        end = backing;
    for (; end >= 8 && at <= end - 8; at += (length + 7) / 8 * 8) {
        const uint8_t *p = q->bounce + at;
        uint32_t type = be32(p);

        length = be32(p + 4);
        at += 8;
        if (type == Q_EXT_END)
            break;
        if (length > end - at)
            return refuse(q, e, "a header extension is longer than the header");
        if (type == Q_EXT_BACKING_FORMAT &&
            !take_text(p + 8, (size_t)length, q->backing_format,
                       sizeof q->backing_format))
            return refuse(q, e, "its backing file's format has no sensible name");
        if (type == Q_EXT_BITMAPS && length >= Q_BITMAPS_BYTES) {
            q->bitmaps = be32(p + 8);
            q->bitmaps_bytes = be64(p + 16);
            q->bitmaps_offset = be64(p + 24);
        }
    }
    return true;
}

static bool read_backing(struct qcow2 *q, struct error *e)
{
    uint64_t offset = be64(q->bounce + Q_BACKING_OFFSET);
    uint32_t size = be32(q->bounce + Q_BACKING_SIZE);
    uint8_t name[Q_BACKING_MOST];

    if (!offset)
        return true;
    if (size > Q_BACKING_MOST || size == 0)
        return refuse(q, e, "its backing file's name has no sensible length");
    if (!image_holds(q->im, offset, size, 1))
        return refuse(q, e, "its backing file's name lies outside the file");
    if (!hostfile_read(q->im->file, offset, name, size))
        return refuse(q, e, hostfile_why(q->im->file));
    if (!take_text(name, size, q->backing, sizeof q->backing))
        return refuse(q, e, "its backing file's name is no text");
    return true;
}

/* Numbers of 64 bits at a table's offset, in host order. */
static uint64_t *read_table(struct qcow2 *q, uint64_t offset, uint64_t n)
{
    uint64_t *table = calloc(n ? (size_t)n : 1, sizeof *table);
    uint8_t bytes[512];

    for (uint64_t k = 0; table && k < n; k++) {
        if (k % 64 == 0 && !hostfile_read(q->im->file, offset + k * 8, bytes,
                                          n - k < 64 ? (size_t)(n - k) * 8 : 512)) {
            free(table);
            return NULL;
        }
        table[k] = be64(bytes + k % 64 * 8);
    }
    return table;
}

static bool read_tables(struct qcow2 *q, const uint8_t *h, struct error *e)
{
    uint64_t per_entry = q->cluster * (q->cluster / 8), need;

    q->l1_size = be32(h + Q_L1_SIZE);
    q->l1_offset = be64(h + Q_L1_OFFSET);
    need = q->im->disk.size / per_entry + (q->im->disk.size % per_entry != 0);
    if (q->l1_size > Q_L1_MOST / 8)
        return refuse(q, e, "its L1 table is larger than 32 MiB");
    if (q->l1_size < need)
        return refuse(q, e, "its L1 table is too small for its size");
    if (q->l1_offset % q->cluster || !image_holds(q->im, q->l1_offset, q->l1_size, 8))
        return refuse(q, e, "its L1 table lies outside the file or between clusters");
    q->rt_size = be32(h + Q_RT_CLUSTERS);
    q->rt_offset = be64(h + Q_RT_OFFSET);
    if (q->rt_size > Q_RT_MOST / q->cluster)
        return refuse(q, e, "its refcount table is larger than 8 MiB");
    q->rt_size *= q->cluster / 8;
    if (!q->rt_size || q->rt_offset % q->cluster || !q->rt_offset ||
        !image_holds(q->im, q->rt_offset, 1, 8))
        return refuse(q, e, "its refcount table lies outside the file or is missing");
    q->l1 = read_table(q, q->l1_offset, q->l1_size);
    q->rt = read_table(q, q->rt_offset, q->rt_size);
    if (!q->l1 || !q->rt)
        return refuse(q, e, "its tables cannot be read, or the host has no memory");
    return true;
}

bool qcow2_read_header(struct qcow2 *q, struct error *e)
{
    uint8_t h[Q_HEADER];
    uint64_t size = hostfile_size(q->im->file);

    if (!hostfile_read(q->im->file, 0, h, sizeof h))
        return refuse(q, e, hostfile_why(q->im->file));
    if (size < Q_V2_LENGTH || memcmp(h, "QFI\xfb", 4))
        return refuse(q, e, "it has no qcow2 header");
    q->version = be32(h + Q_VERSION);
    if (q->version < 2 || q->version > 3)
        return error_set(e,
                         "cannot use disk '%.300s': it is qcow version %u, not 2 or 3",
                         q->im->path, q->version);
    q->cluster_bits = be32(h + Q_CLUSTER_BITS);
    if (q->cluster_bits < Q_CLUSTER_LEAST || q->cluster_bits > Q_CLUSTER_MOST)
        return refuse(q, e, "its clusters are not 512 bytes to 2 MiB large");
    q->cluster = UINT64_C(1) << q->cluster_bits;
    q->end = size / q->cluster + (size % q->cluster != 0);
    q->refcount_order = 4;
    q->header_bytes = Q_V2_LENGTH;
    if (q->version == 3) {
        q->header_bytes = be32(h + Q_LENGTH);
        if (q->header_bytes < Q_V3_LENGTH || q->header_bytes > q->cluster ||
            q->header_bytes % 8)
            return refuse(q, e, "its header has no sensible length");
        q->incompatible = be64(h + Q_INCOMPATIBLE);
        q->compatible = be64(h + Q_COMPATIBLE);
        q->autoclear = be64(h + Q_AUTOCLEAR);
        q->refcount_order = be32(h + Q_REFCOUNT_ORDER);
        if (q->header_bytes > Q_COMPRESSION)
            q->compression = h[Q_COMPRESSION];
    }
    if (!check_features(q, e))
        return false;
    if (q->refcount_order > 6)
        return refuse(q, e, "its refcounts have more than 64 bits");
    if (be32(h + Q_CRYPT))
        return refuse(q, e, "it is encrypted");
    q->im->disk.size = be64(h + Q_SIZE);
    if (q->im->disk.size > INT64_MAX - IMAGE_SECTOR)
        return refuse(q, e, "it says to be larger than any disk");
    q->im->disk.size =
        (q->im->disk.size + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;
    if (!q->im->disk.size)
        return refuse(q, e, "it has no sectors");
    q->snapshots = be32(h + Q_SNAPSHOTS);
    q->snapshots_offset = be64(h + Q_SNAPSHOTS_OFFSET);
    if (q->snapshots > Q_SNAPSHOTS_MOST ||
        (q->snapshots &&
         (q->snapshots_offset % q->cluster ||
          !image_holds(q->im, q->snapshots_offset, q->snapshots, Q_SNAPSHOT_BYTES))))
        return refuse(q, e, "its table of snapshots lies outside the file");
    q->bounce = malloc((size_t)q->cluster);
    if (!q->bounce)
        return refuse(q, e, "the host has no memory");
    if (!hostfile_read(q->im->file, 0, q->bounce, (size_t)q->cluster))
        return refuse(q, e, hostfile_why(q->im->file));
    return read_extensions(q, e) && read_backing(q, e) && read_tables(q, h, e);
}

/* ---- snapshots ---- */

static uint64_t walk_snapshots(struct qcow2 *q,
                               bool (*each)(void *to, uint64_t l1_offset,
                                            uint64_t l1_size, const char *name),
                               void *to)
{
    uint64_t at = q->snapshots_offset, all = hostfile_size(q->im->file);

    for (unsigned n = 0; n < q->snapshots; n++) {
        uint8_t h[Q_SNAPSHOT_BYTES];
        uint64_t l1_offset, l1_size, id, extra, length;
        char name[128];

        if (!image_holds(q->im, at, 1, sizeof h) ||
            !hostfile_read(q->im->file, at, h, sizeof h))
            return 0;
        l1_offset = be64(h);
        l1_size = be32(h + 8);
        id = be16(h + 12);
        length = be16(h + 14);
        extra = be32(h + 36);
        if (l1_size > Q_L1_MOST / 8 || l1_offset % q->cluster ||
            !image_holds(q->im, l1_offset, l1_size, 8) || extra > q->cluster)
            return 0;
        at += sizeof h + extra + id;
        if (at > all || length > all - at)
            return 0;
        memset(name, 0, sizeof name);
        if (!hostfile_read(q->im->file, at, name,
                           length < sizeof name ? (size_t)length : sizeof name - 1))
            return 0;
        at = (at + length + 7) / 8 * 8;
        if (each && !each(to, l1_offset, l1_size, name))
            return 0;
    }
    return at - q->snapshots_offset;
}

bool qcow2_each_snapshot(struct qcow2 *q,
                         bool (*each)(void *to, uint64_t l1_offset, uint64_t l1_size,
                                      const char *name),
                         void *to)
{
    return !q->snapshots || walk_snapshots(q, each, to);
}

uint64_t qcow2_snapshot_bytes(struct qcow2 *q)
{
    return walk_snapshots(q, NULL, NULL);
}
