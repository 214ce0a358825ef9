/* image_vmdk.c - VMware's format: sparse extents (plain and compressed), and
 * descriptors of one flat extent.
 *
 * Numbers are little-endian, places are in sectors. Source: VMware, Virtual Disk
 * Format 5.0 (technical note, 2011): "Hosted Sparse Extents", "Stream-Optimized
 * Compressed Sparse Extents", "The Descriptor File".
 */
#include "host/image_tables.h"

#include "base/byteorder.h"
#include "host/image_unpack.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    /* SparseExtentHeader */
    MAGIC = 0,
    VERSION = 4,
    FLAGS = 8,
    CAPACITY = 12,
    GRAIN = 20,
    DESCRIPTOR = 28,
    DESCRIPTOR_SIZE = 36,
    GTES = 44, /* entries of a grain table */
    REDUNDANT = 48,
    DIRECTORY = 56,
    COMPRESSION = 77,
    HEADER = 512,

    ZEROED_GTE = 1 << 2, /* flags */
    COMPRESSED = 1 << 16,

    MARKER = 12, /* of a compressed grain: its sector (8 bytes), its length (4) */
    DESCRIPTOR_MOST = 64 << 10,
    DIRECTORY_MOST = 8 << 20, /* entries */
};

#define AT_END UINT64_MAX /* the directory's place is in the footer */

struct vmdk {
    struct hostfile *descriptor; /* of a flat extent: im->file is the extent */
    uint64_t grain, table_bytes; /* bytes */
    uint64_t gtes, directory_size;
    uint32_t *directory, *redundant; /* redundant: NULL when there is none */
    bool zeroed, compressed;
    uint64_t next; /* where the next grain goes */
    struct tables tables;
    uint8_t *plain, *packed;
    uint64_t plain_of;
    const char *kind;
};

static bool damaged(struct image *im, struct error *e, const char *what)
{
    return error_set(e, "VMDK disk '%.300s' is damaged: %s", im->path, what);
}

static bool settle(struct image *im)
{
    struct vmdk *v = im->own;

    return !tables_dirty(&v->tables) || (image_sync(im) && tables_write(&v->tables));
}

/* ---- grains ---- */

/* The entry of grain n in the table that `directory` names; NULL with *absent: no
 * table. */
static uint8_t *entry_of(struct image *im, const uint32_t *directory, uint64_t n,
                         bool write, bool *absent)
{
    struct vmdk *v = im->own;
    uint64_t table = (uint64_t)directory[n / v->gtes] * IMAGE_SECTOR;
    struct table *t;

    *absent = table == 0;
    if (!table)
        return NULL;
    if (!image_holds(im, table, v->table_bytes, 1)) {
        image_damage(im, "a grain table is said to be at %llu",
                     (unsigned long long)table);
        return NULL;
    }
    t = tables_get(&v->tables, table);
    if (t && write)
        t->dirty = true;
    return t ? t->bytes + n % v->gtes * 4 : NULL;
}

/* Where grain n is, 0: nowhere, reads as zeroes. */
static bool locate(struct image *im, uint64_t n, uint64_t *at)
{
    struct vmdk *v = im->own;
    bool absent;
    uint8_t *entry = entry_of(im, v->directory, n, false, &absent);
    uint32_t place = entry ? load32(entry) : 0;

    *at = place <= 1 ? 0 : (uint64_t)place * IMAGE_SECTOR;
    if (place == 1 && !v->zeroed)
        return image_damage(im, "grain %llu is said to be in the header",
                            (unsigned long long)n);
    if (*at >= hostfile_size(im->file) && *at)
        return image_damage(im, "grain %llu is said to be at %llu",
                            (unsigned long long)n, (unsigned long long)*at);
    return entry || absent;
}

static bool set_entry(struct image *im, const uint32_t *directory, uint64_t n,
                      uint64_t at)
{
    bool absent;
    uint8_t *entry = entry_of(im, directory, n, true, &absent);

    if (entry)
        store32(entry, (uint32_t)(at / IMAGE_SECTOR));
    else if (absent && !im->told_write) {
        log_say(im->log, "disk", LOG_WARN,
                "unimplemented: new grain tables; '%s' cannot be written at %llu",
                im->path, (unsigned long long)(n * ((struct vmdk *)im->own)->grain));
        im->told_write = true;
    }
    return entry != NULL;
}

static bool allocate(struct image *im, uint64_t n, uint64_t *at)
{
    struct vmdk *v = im->own;

    *at = v->next;
    if (v->next / IMAGE_SECTOR > UINT32_MAX)
        return image_damage(im, "it is as large as a VMDK file can be");
    if (!image_fresh(im, v->next, v->grain) || !set_entry(im, v->directory, n, *at) ||
        (v->redundant && !set_entry(im, v->redundant, n, *at)))
        return false;
    v->next += v->grain;
    return true;
}

static bool broken(struct image *im, uint64_t at)
{
    if (!im->told_read)
        log_say(im->log, "disk", LOG_ERROR,
                "'%s': compressed data at %llu is broken; the guest gets an error",
                im->path, (unsigned long long)at);
    im->told_read = true;
    return false;
}

static bool unpack(struct image *im, uint64_t n, uint64_t at)
{
    struct vmdk *v = im->own;
    uint8_t marker[MARKER];
    uint64_t left = im->disk.size - n * v->grain;
    uint32_t size;

    if (v->plain_of == at)
        return true;
    if (!image_get(im, at, marker, sizeof marker))
        return false;
    size = load32(marker + 8);
    v->plain_of = 0;
    if (load64(marker) != n * (v->grain / IMAGE_SECTOR) || size > v->grain * 2 ||
        !image_holds(im, at + MARKER, size, 1))
        return broken(im, at);
    if (!image_get(im, at + MARKER, v->packed, size))
        return false;
    /* The disk's last grain may be packed without what lies behind the disk's end. */
    memset(v->plain, 0, (size_t)v->grain);
    if (!image_unpack(UNPACK_ZLIB, v->packed, size, v->plain,
                      (size_t)(left < v->grain ? left : v->grain)))
        return broken(im, at);
    v->plain_of = at;
    return true;
}

static bool each_part(struct image *im, uint64_t offset, const uint8_t *from,
                      uint8_t *to, size_t size)
{
    struct vmdk *v = im->own;

    while (size) {
        uint64_t n = offset / v->grain, in = offset % v->grain, at;
        size_t part = size < v->grain - in ? size : (size_t)(v->grain - in);

        if (!locate(im, n, &at) || (from && !at && !allocate(im, n, &at)))
            return false;
        if (from) {
            if (!image_put(im, at + in, from, part))
                return false;
            from += part;
        } else {
            if (!at)
                memset(to, 0, part);
            else if (v->compressed ? !unpack(im, n, at)
                                   : !image_get(im, at + in, to, part))
                return false;
            if (at && v->compressed)
                memcpy(to, v->plain + in, part);
            to += part;
        }
        offset += part;
        size -= part;
    }
    return true;
}

static bool read_vmdk(struct image *im, uint64_t offset, uint8_t *to, size_t n)
{
    struct vmdk *v = im->own;

    return v->descriptor ? image_get(im, offset, to, n)
                         : each_part(im, offset, NULL, to, n);
}

static bool write_vmdk(struct image *im, uint64_t offset, const uint8_t *from, size_t n)
{
    struct vmdk *v = im->own;

    return v->descriptor ? image_put(im, offset, from, n)
                         : each_part(im, offset, from, NULL, n);
}

static bool flush_vmdk(struct image *im)
{
    struct vmdk *v = im->own;

    return (v->descriptor || settle(im)) && image_sync(im);
}

static enum image_run map_vmdk(struct image *im, uint64_t offset, uint64_t *run)
{
    struct vmdk *v = im->own;
    uint64_t at;

    if (v->descriptor)
        return hostfile_hole(im->file, offset, run) && *run ? RUN_ZERO : RUN_DATA;
    *run = v->grain - offset % v->grain;
    return locate(im, offset / v->grain, &at) && !at ? RUN_ZERO : RUN_DATA;
}

/* ---- the descriptor ---- */

/* The value of `key` in "key=value" or "key = "value"" lines; false when there is none.
 */
static bool value_of(const char *text, const char *key, char *value, size_t room)
{
    size_t n = strlen(key);

    for (const char *at = text; at && *at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, key, n))
            continue;
        const char *p = at + n + strspn(at + n, " \t");
        if (*p++ != '=')
            continue;
        p += strspn(p, " \t\"");
        snprintf(value, room, "%.*s", (int)strcspn(p, "\"\r\n"), p);
        return true;
    }
    return false;
}

static bool check_parent(struct image *im, const char *text, struct error *e)
{
    char parent[64];

    if (!value_of(text, "parentCID", parent, sizeof parent) ||
        !strncmp(parent, "ffffffff", 8) || !strncmp(parent, "FFFFFFFF", 8))
        return true;
    error_set(e, "VMDK disk '%.300s' builds on another (a snapshot or clone)",
              im->path);
    return error_hint(e, "merge it with that one first");
}

/* A line like: RW 4192256 FLAT "disk-flat.vmdk" 0 */
static bool parse_extent(const char *line, uint64_t *sectors, char *kind, char *name,
                         uint64_t *offset)
{
    unsigned long long n, at = 0;
    int got = sscanf(line, "RW %llu %15s \"%255[^\"\r\n]\" %llu", &n, kind, name, &at);

    if (got < 3)
        got = sscanf(line, "RDONLY %llu %15s \"%255[^\"\r\n]\" %llu", &n, kind, name,
                     &at);
    *sectors = n;
    *offset = at;
    return got >= 3;
}

static bool open_extent(struct image *im, const char *name, uint64_t sectors,
                        uint64_t offset, struct error *e)
{
    struct vmdk *v = im->own;
    char path[IMAGE_PATH];
    struct hostfile *f;

    if (strchr(name, '/'))
        return error_set(e,
                         "VMDK disk '%.300s' has its data in another folder, at '%s'",
                         im->path, name);
    if (offset)
        return error_set(e, "VMDK disk '%.300s' begins inside its extent", im->path);
    if (!hostfile_related(im->path, name, false, path, sizeof path, e))
        return false;
    f = hostfile_open(path, "the data of disk", im->writable, e);
    if (!f)
        return false;
    if (hostfile_same(f, im->file) || sectors > hostfile_size(f) / IMAGE_SECTOR) {
        hostfile_close(f);
        return damaged(im, e, "its extent is shorter than it should be");
    }
    if (!hostfile_lock(f, path, im->writable, e)) {
        hostfile_close(f);
        return false;
    }
    v->descriptor = im->file;
    im->file = f;
    im->disk.size = sectors * IMAGE_SECTOR;
    v->kind = "flat extent";
    return sectors != 0 || damaged(im, e, "it has no sectors");
}

static bool open_descriptor(struct image *im, const char *text, struct error *e)
{
    char kind[16], name[256], found_kind[16] = "", found[256] = "";
    uint64_t sectors, offset, found_sectors = 0, found_offset = 0;
    unsigned extents = 0;

    if (!check_parent(im, text, e))
        return false;
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (!parse_extent(at, &sectors, kind, name, &offset))
            continue;
        extents++;
        found_sectors = sectors;
        found_offset = offset;
        memcpy(found_kind, kind, sizeof kind);
        memcpy(found, name, sizeof name);
    }
    if (extents != 1 || (strcmp(found_kind, "FLAT") && strcmp(found_kind, "VMFS"))) {
        error_set(e,
                  "VMDK disk '%.300s' has %u extents, the last of type '%s': Menura "
                  "reads one, FLAT",
                  im->path, extents, found_kind);
        return error_hint(e, "qemu-img convert -O qcow2 makes one file of them");
    }
    return open_extent(im, found, found_sectors, found_offset, e);
}

static char *read_text(struct image *im, uint64_t offset, uint64_t size)
{
    char *text = size <= DESCRIPTOR_MOST ? malloc((size_t)size + 1) : NULL;

    if (text && hostfile_read(im->file, offset, text, (size_t)size)) {
        text[size] = 0;
        return text;
    }
    free(text);
    return NULL;
}

/* ---- opening ---- */

static uint32_t *read_directory(struct image *im, uint64_t sector, uint64_t n)
{
    uint32_t *d;

    if (sector > UINT64_MAX / IMAGE_SECTOR ||
        !image_holds(im, sector * IMAGE_SECTOR, n, 4))
        return NULL;
    d = calloc((size_t)n, sizeof *d);
    if (d &&
        !hostfile_read(im->file, sector * IMAGE_SECTOR, d, (size_t)n * sizeof *d)) {
        free(d);
        return NULL;
    }
    for (uint64_t k = 0; d && k < n; k++)
        d[k] = load32(&d[k]);
    return d;
}

static bool check_embedded(struct image *im, const uint8_t *h, struct error *e)
{
    uint64_t at = load64(h + DESCRIPTOR), size = load64(h + DESCRIPTOR_SIZE);
    char *text;
    bool good;

    if (!at || !size)
        return true;
    if (at > UINT64_MAX / IMAGE_SECTOR || size > DESCRIPTOR_MOST / IMAGE_SECTOR ||
        !(text = read_text(im, at * IMAGE_SECTOR, size * IMAGE_SECTOR)))
        return damaged(im, e,
                       "its descriptor is larger than 64 KiB or outside the file");
    good = check_parent(im, text, e);
    free(text);
    return good;
}

static bool open_sparse(struct image *im, uint8_t *h, struct error *e)
{
    struct vmdk *v = im->own;
    uint64_t sectors, size = hostfile_size(im->file), directory, covered;

    if (!check_embedded(im, h, e))
        return false;
    if (load64(h + DIRECTORY) == AT_END) {
        /* The footer, a copy of the header: the last but one sector of the file. */
        if (size < 3 * HEADER ||
            !hostfile_read(im->file, size / IMAGE_SECTOR * IMAGE_SECTOR - 2 * HEADER, h,
                           HEADER) ||
            memcmp(h, "KDMV", 4) || load64(h + DIRECTORY) == AT_END)
            return damaged(im, e, "its footer is missing");
    }
    sectors = load64(h + CAPACITY);
    v->grain = load64(h + GRAIN);
    v->gtes = load32(h + GTES);
    directory = load64(h + DIRECTORY);
    v->zeroed = load32(h + FLAGS) & ZEROED_GTE;
    v->compressed = load32(h + FLAGS) & COMPRESSED;
    if (load32(h + VERSION) < 1 || load32(h + VERSION) > 3)
        return error_set(e, "VMDK disk '%.300s' is of version %u; 1 to 3 are known",
                         im->path, load32(h + VERSION));
    if (!sectors || sectors > INT64_MAX / IMAGE_SECTOR || v->grain < 1 ||
        v->grain > 4096 || v->grain & (v->grain - 1) || v->gtes < 1 || v->gtes > 4096)
        return damaged(im, e, "its header's sizes are none");
    if (v->compressed && load16(h + COMPRESSION) != 1)
        return damaged(im, e, "its compression is unknown");
    v->grain *= IMAGE_SECTOR;
    v->table_bytes = v->gtes * 4;
    im->disk.size = sectors * IMAGE_SECTOR;
    covered = v->grain * v->gtes;
    v->directory_size = im->disk.size / covered + (im->disk.size % covered != 0);
    if (v->directory_size > DIRECTORY_MOST)
        return damaged(im, e, "its grain directory is larger than 32 MiB");
    v->directory = read_directory(im, directory, v->directory_size);
    if (!v->directory)
        return damaged(im, e, "its grain directory lies outside the file");
    if (load32(h + FLAGS) & 2 && !v->compressed)
        v->redundant = read_directory(im, load64(h + REDUNDANT), v->directory_size);
    v->next = (size + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;
    v->plain = malloc((size_t)v->grain);
    v->packed = malloc((size_t)v->grain * 2);
    v->kind = v->compressed ? "stream-optimized" : "sparse";
    if (!v->plain || !v->packed ||
        !tables_init(&v->tables, im, (size_t)v->table_bytes, 128, settle))
        return error_set(e, "cannot open '%.300s': the host has no memory", im->path);
    if (v->compressed && !image_can_unpack(UNPACK_ZLIB))
        return error_set(e, "cannot read compressed disk '%.300s': built without zlib",
                         im->path);
    if (v->compressed && im->writable) {
        error_set(e, "VMDK disk '%.300s' is compressed: it can only be read", im->path);
        return error_hint(e, "convert it, or keep writes apart (snapshot)");
    }
    return true;
}

static bool open_vmdk(struct image *im, struct error *e)
{
    struct vmdk *v = im->own = calloc(1, sizeof *v);
    uint64_t size = hostfile_size(im->file);
    uint8_t h[HEADER];
    char *text;
    bool good;

    if (!v || !hostfile_read(im->file, 0, h, sizeof h))
        return error_set(e, "cannot read disk '%.300s'", im->path);
    if (!memcmp(h, "KDMV", 4))
        return open_sparse(im, h, e);
    text = read_text(im, 0, size < DESCRIPTOR_MOST ? size : DESCRIPTOR_MOST);
    if (!text || strncmp(text, "# Disk DescriptorFile", 21)) {
        free(text);
        return error_set(e, "disk '%.300s' has neither a VMDK header nor a descriptor",
                         im->path);
    }
    good = open_descriptor(im, text, e);
    free(text);
    return good;
}

static void close_vmdk(struct image *im)
{
    struct vmdk *v = im->own;

    if (!v)
        return;
    tables_free(&v->tables);
    hostfile_close(v->descriptor);
    free(v->directory);
    free(v->redundant);
    free(v->plain);
    free(v->packed);
    free(v);
    im->own = NULL;
}

static void info_vmdk(struct image *im, const struct image_lines *lines)
{
    struct vmdk *v = im->own;

    if (v->descriptor)
        image_line(lines, "%s", v->kind);
    else
        image_line(lines, "%s, grains of %llu bytes", v->kind,
                   (unsigned long long)v->grain);
}

/* Every grain lies in the file, and both sets of tables say the same. */
static bool check_vmdk(struct image *im, bool repair, struct image_check *found,
                       const struct image_lines *lines, struct error *e)
{
    struct vmdk *v = im->own;
    (void)repair;
    (void)e;

    if (v->descriptor)
        return true;
    for (uint64_t n = 0; n * v->grain < im->disk.size; n++) {
        uint8_t *entry, *copy;
        bool absent, none;
        uint32_t place;

        if (!v->directory[n / v->gtes]) {
            n += v->gtes - n % v->gtes - 1;
            continue;
        }
        entry = entry_of(im, v->directory, n, false, &absent);
        place = entry ? load32(entry) : 0;
        if (!entry ||
            (place > 1 && (uint64_t)place * IMAGE_SECTOR >= hostfile_size(im->file)))
            found->errors++;
        if (!entry) { /* no use in saying the same of each of its grains */
            image_line(lines, "the grain table of sector %llu is outside the file",
                       (unsigned long long)(n * v->grain / IMAGE_SECTOR));
            n += v->gtes - n % v->gtes - 1;
            continue;
        }
        copy = v->redundant ? entry_of(im, v->redundant, n, false, &none) : NULL;
        if (copy && load32(copy) != place)
            found->leaks++;
    }
    return true;
}

const struct image_driver image_vmdk = {
    .name = "vmdk",
    .open = open_vmdk,
    .close = close_vmdk,
    .read = read_vmdk,
    .write = write_vmdk,
    .flush = flush_vmdk,
    .map = map_vmdk,
    .info = info_vmdk,
    .check = check_vmdk,
};
