/* image_qcow2.h - what the files of the qcow2 driver share.
 *
 * Source throughout: QEMU, docs/interop/qcow2.txt ("the specification").
 *
 * Crash safety. Data goes to the file at once. Refcount blocks and L2 tables are kept
 * in two caches, the L1 table in memory; qcow2_settle() writes them as "refcounts,
 * sync, L2 tables, sync, L1 table". So whatever a table refers to has been counted and
 * written before: a crash can only leave counts without a reference (leaks). A
 * reference that goes away is the other way round: its count sinks only after the
 * tables without it are on the disk (qcow2_flush).
 */
#ifndef HOST_IMAGE_QCOW2_H
#define HOST_IMAGE_QCOW2_H

#include "host/image_tables.h"

/* Header, by offset. */
enum {
    Q_MAGIC = 0,
    Q_VERSION = 4,
    Q_BACKING_OFFSET = 8,
    Q_BACKING_SIZE = 16,
    Q_CLUSTER_BITS = 20,
    Q_SIZE = 24,
    Q_CRYPT = 32,
    Q_L1_SIZE = 36,
    Q_L1_OFFSET = 40,
    Q_RT_OFFSET = 48,
    Q_RT_CLUSTERS = 56,
    Q_SNAPSHOTS = 60,
    Q_SNAPSHOTS_OFFSET = 64,
    Q_V2_LENGTH = 72,
    Q_INCOMPATIBLE = 72,
    Q_COMPATIBLE = 80,
    Q_AUTOCLEAR = 88,
    Q_REFCOUNT_ORDER = 96,
    Q_LENGTH = 100,
    Q_V3_LENGTH = 104,
    Q_COMPRESSION = 104,
    Q_HEADER = 112, /* what we read of it */

    /* incompatible_features */
    Q_DIRTY = 1 << 0,
    Q_CORRUPT = 1 << 1,
    Q_EXTERNAL = 1 << 2,
    Q_COMPRESSION_TYPE = 1 << 3,
    Q_EXTENDED_L2 = 1 << 4,

    Q_BITMAPS = 1 << 0, /* autoclear_features */

    Q_EXT_END = 0,
    Q_BITMAPS_BYTES = 24,  /* of that header extension */
    Q_SNAPSHOT_BYTES = 40, /* of an entry's fixed part */

    Q_CLUSTER_LEAST = 9,
    Q_CLUSTER_MOST = 21,
    Q_L1_MOST = 32 << 20, /* bytes; QEMU's limits as well */
    Q_RT_MOST = 8 << 20,
    Q_SNAPSHOTS_MOST = 65536,
    Q_BACKING_MOST = 1023,

    Q_FREED = 1024, /* ranges that wait for a flush */
};

#define Q_EXT_BACKING_FORMAT UINT32_C(0xe2792aca)
#define Q_EXT_BITMAPS UINT32_C(0x23852875)
#define Q_EXT_FEATURES UINT32_C(0x6803f857)

#define Q_OFFSET UINT64_C(0x00fffffffffffe00) /* of L1 and L2 entries */
#define Q_COPIED (UINT64_C(1) << 63)
#define Q_COMPRESSED (UINT64_C(1) << 62)
#define Q_ZERO UINT64_C(1)

/* Numbers of clusters, as an open hash table. 0 (the header) is always in. */
struct clusters {
    uint64_t *slot;
    uint64_t room, used; /* room is a power of two */
};

bool clusters_add(struct clusters *c, uint64_t cluster);
void clusters_remove(struct clusters *c, uint64_t cluster);
bool clusters_has(const struct clusters *c, uint64_t cluster);

struct qcow2_freed {
    uint64_t first, n;
};

struct qcow2 {
    struct image *im;
    unsigned version, cluster_bits, refcount_order, compression;
    uint64_t cluster; /* bytes */
    uint64_t incompatible, compatible, autoclear;
    uint64_t header_bytes;

    uint64_t *l1; /* in host order */
    uint64_t l1_offset, l1_size;
    uint64_t l1_dirty, l1_dirty_end; /* entries [from, to) must be written */
    struct tables l2;

    uint64_t *rt; /* in host order */
    uint64_t rt_offset, rt_size;
    struct tables blocks;

    uint64_t end;  /* in clusters: what lies behind is free and not in the file */
    uint64_t hint; /* below it nothing is free */
    struct clusters metadata; /* what data must never overwrite */
    struct qcow2_freed freed[Q_FREED];
    unsigned freed_count;

    unsigned snapshots;
    uint64_t snapshots_offset;
    uint64_t bitmaps, bitmaps_offset, bitmaps_bytes; /* of the header extension */
    char backing[Q_BACKING_MOST + 1], backing_format[32];

    uint8_t *bounce;   /* a cluster that is being written */
    uint8_t *plain;    /* a decompressed cluster, of entry plain_of */
    uint64_t plain_of; /* 0: none */
    uint8_t *packed;
};

/* ---- image_qcow2.c ---- */

/* L2 table of L1 entry `entry`, checked. NULL: told. */
struct table *qcow2_l2(struct qcow2 *q, uint64_t entry);
/* Compressed clusters: where the bytes begin, and how many at most. */
void qcow2_packed(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *n);
/* The header's words. */
bool qcow2_put_features(struct qcow2 *q);

/* ---- image_qcow2_header.c: reading the header, with e filled when it is refused ----
 */

bool qcow2_read_header(struct qcow2 *q, struct error *e);
/* Each snapshot's L1 table, in turn. False: the table of snapshots is broken, or `each`
 * said so. */
bool qcow2_each_snapshot(struct qcow2 *q,
                         bool (*each)(void *to, uint64_t l1_offset, uint64_t l1_size,
                                      const char *name),
                         void *to);
/* Bytes of the table of snapshots, after a walk through it; 0: it is broken. */
uint64_t qcow2_snapshot_bytes(struct qcow2 *q);

/* ---- image_qcow2_refcount.c ---- */

uint64_t qcow2_per_block(const struct qcow2 *q);
bool qcow2_refcount(struct qcow2 *q, uint64_t cluster, uint64_t *count);
/* Makes the block that holds it, if need be. */
bool qcow2_set_refcount(struct qcow2 *q, uint64_t cluster, uint64_t count);
uint64_t qcow2_refcount_most(const struct qcow2 *q);
/* A cluster with count 1; its content is anything. 0: none, told. */
uint64_t qcow2_allocate(struct qcow2 *q);
/* Gives back what was just allocated and nothing refers to. */
void qcow2_unallocate(struct qcow2 *q, uint64_t cluster);
/* The counts of these sink by one once the tables without them are on the disk. */
bool qcow2_free_later(struct qcow2 *q, uint64_t first, uint64_t n);
/* Now they are. */
bool qcow2_free_now(struct qcow2 *q);
bool qcow2_settle(struct image *im);

/* ---- image_qcow2_check.c ---- */

bool qcow2_check(struct image *im, bool repair, struct image_check *found,
                 const struct image_lines *lines, struct error *e);

#endif
