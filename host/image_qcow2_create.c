/* image_qcow2_create.c - an empty qcow2 image, version 3. */
#include "host/image_qcow2.h"

#include <stdlib.h>
#include <string.h>

struct layout {
    uint64_t cluster, rt, rt_size, blocks, blocks_count, l1, l1_entries,
        end; /* clusters */
};

static uint64_t clusters_of(uint64_t bytes, uint64_t cluster)
{
    return bytes / cluster + (bytes % cluster != 0);
}

/* Header, refcount table, refcount blocks, L1 table, in this order. */
static void lay_out(struct layout *l, uint64_t size)
{
    uint64_t per_block = l->cluster / 2, per_l2 = l->cluster * (l->cluster / 8);
    uint64_t l1_clusters;

    l->l1_entries = clusters_of(size, per_l2);
    l1_clusters = clusters_of(l->l1_entries * 8, l->cluster);
    l->rt = 1;
    l->rt_size = l->blocks_count = 1;
    for (;;) {
        l->end = 1 + l->rt_size + l->blocks_count + l1_clusters;
        uint64_t blocks = clusters_of(l->end, per_block);
        uint64_t rt = clusters_of(blocks * 8, l->cluster);
        if (blocks <= l->blocks_count && rt <= l->rt_size)
            break;
        l->blocks_count = blocks;
        l->rt_size = rt;
    }
    l->blocks = l->rt + l->rt_size;
    l->l1 = l->blocks + l->blocks_count;
}

static uint8_t *extension(uint8_t *at, uint32_t type, const void *bytes, size_t n)
{
    put_be32(at, type);
    put_be32(at + 4, (uint32_t)n);
    memcpy(at + 8, bytes, n);
    return at + 8 + (n + 7) / 8 * 8;
}

/* So that whoever does not know a bit can say what it means. */
static uint8_t *feature_names(uint8_t *at)
{
    static const struct {
        uint8_t type, bit;
        const char *name;
    } feature[] = {
        {0, 0, "dirty bit"},
        {0, 1, "corrupt bit"},
        {0, 2, "external data file"},
        {0, 3, "compression type"},
        {0, 4, "extended L2 entries"},
        {1, 0, "lazy refcounts"},
        {2, 0, "bitmaps"},
        {2, 1, "raw external data"},
    };
    uint8_t table[ARRAY_SIZE(feature) * 48] = {0};

    for (size_t n = 0; n < ARRAY_SIZE(feature); n++) {
        table[n * 48] = feature[n].type;
        table[n * 48 + 1] = feature[n].bit;
        memcpy(table + n * 48 + 2, feature[n].name, strlen(feature[n].name));
    }
    return extension(at, Q_EXT_FEATURES, table, sizeof table);
}

static bool fill_header(const struct layout *l, uint8_t *h, uint64_t size,
                        const char *backing, const char *backing_format)
{
    uint8_t *at = h + Q_HEADER;

    memcpy(h, "QFI\xfb", 4);
    put_be32(h + Q_VERSION, 3);
    for (unsigned bits = Q_CLUSTER_LEAST; bits <= Q_CLUSTER_MOST; bits++)
        if (l->cluster == UINT64_C(1) << bits)
            put_be32(h + Q_CLUSTER_BITS, bits);
    put_be64(h + Q_SIZE, size);
    put_be32(h + Q_L1_SIZE, (uint32_t)l->l1_entries);
    put_be64(h + Q_L1_OFFSET, l->l1 * l->cluster);
    put_be64(h + Q_RT_OFFSET, l->rt * l->cluster);
    put_be32(h + Q_RT_CLUSTERS, (uint32_t)l->rt_size);
    put_be32(h + Q_REFCOUNT_ORDER, 4);
    put_be32(h + Q_LENGTH, Q_HEADER);
    if (backing && backing_format)
        at =
            extension(at, Q_EXT_BACKING_FORMAT, backing_format, strlen(backing_format));
    if (l->cluster >= 4096)
        at = feature_names(at);
    at += 8; /* the end of the extensions: zeroes */
    if (!backing)
        return true;
    if (strlen(backing) > Q_BACKING_MOST ||
        (uint64_t)(at - h) + strlen(backing) > l->cluster)
        return false;
    put_be64(h + Q_BACKING_OFFSET, (uint64_t)(at - h));
    put_be32(h + Q_BACKING_SIZE, (uint32_t)strlen(backing));
    memcpy(at, backing, strlen(backing));
    return true;
}

static bool write_tables(struct hostfile *f, const struct layout *l, uint8_t *cluster)
{
    bool good = true;

    for (uint64_t n = 0; good && n < l->rt_size; n++) {
        memset(cluster, 0, (size_t)l->cluster);
        for (uint64_t k = 0, block = n * (l->cluster / 8);
             k < l->cluster / 8 && block < l->blocks_count; k++, block++)
            put_be64(cluster + k * 8, (l->blocks + block) * l->cluster);
        good = hostfile_write(f, (l->rt + n) * l->cluster, cluster, (size_t)l->cluster);
    }
    for (uint64_t n = 0; good && n < l->blocks_count; n++) {
        memset(cluster, 0, (size_t)l->cluster);
        for (uint64_t k = 0, c = n * (l->cluster / 2); k < l->cluster / 2 && c < l->end;
             k++, c++)
            put_be16(cluster + k * 2, 1);
        good = hostfile_write(f, (l->blocks + n) * l->cluster, cluster,
                              (size_t)l->cluster);
    }
    return good && hostfile_resize(f, l->end * l->cluster);
}

bool qcow2_format(struct hostfile *f, uint64_t size, unsigned cluster,
                  const char *backing, const char *backing_format, struct error *e)
{
    struct layout l = {.cluster = cluster ? cluster : 65536};
    uint8_t *bytes;
    bool good;

    if (l.cluster < 1u << Q_CLUSTER_LEAST || l.cluster > 1u << Q_CLUSTER_MOST ||
        l.cluster & (l.cluster - 1))
        return error_set(e, "a cluster has 512 bytes to 2M, a power of two");
    if (clusters_of(size, l.cluster * (l.cluster / 8)) > Q_L1_MOST / 8) {
        error_set(e, "a qcow2 disk with clusters of %llu bytes has at most %llu bytes",
                  (unsigned long long)l.cluster,
                  (unsigned long long)(Q_L1_MOST / 8 * l.cluster * (l.cluster / 8)));
        return error_hint(e, "larger clusters allow more");
    }
    lay_out(&l, size);
    bytes = calloc(1, l.cluster > 4096 ? (size_t)l.cluster : 4096);
    if (!bytes)
        return error_set(e, "cannot create a disk: the host has no memory");
    if (!fill_header(&l, bytes, size, backing, backing_format)) {
        free(bytes);
        return error_set(e,
                         "the backing file's name does not fit into the first cluster");
    }
    good = hostfile_write(f, 0, bytes, (size_t)l.cluster) && write_tables(f, &l, bytes);
    free(bytes);
    return good || error_set(e, "cannot create a disk: %s", hostfile_why(f));
}
