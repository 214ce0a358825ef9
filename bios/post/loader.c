/* loader.c - ACPI and SMBIOS tables as the emulator hands them over.
 *
 * fw_cfg "etc/table-loader" is a list of 128-byte commands: allocate a file, add its
 * address to a pointer in another, add a checksum (QEMU docs/specs/acpi_hw,
 * hw/acpi/bios-linker-loader describes the format).
 */
#include "post.h"

enum { NAME = 56, FILES = 16 };
enum command { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3, WRITE_POINTER = 4 };
enum { ZONE_LEGACY = 2 };

struct entry {
    u32 command;
    union {
        struct {
            char file[NAME];
            u32 align;
            u8 zone;
        } PACKED allocate;
        struct {
            char in[NAME], to[NAME];
            u32 offset;
            u8 size;
        } PACKED pointer;
        struct {
            char file[NAME];
            u32 offset, start, length;
        } PACKED sum;
        u8 bytes[124];
    } u;
} PACKED;
_Static_assert(sizeof(struct entry) == 128, "a command is 128 bytes");

static struct placed {
    char name[NAME];
    u8 *at;
    u32 size;
} placed[FILES];
static u32 count;

static struct placed *find(const char *name)
{
    for (u32 n = 0; n < count; n++)
        if (!memcmp(placed[n].name, name, text_length(placed[n].name) + 1))
            return &placed[n];
    return NULL;
}

static bool allocate(const struct entry *e)
{
    struct fw_file f;
    u32 align = e->u.allocate.align ? e->u.allocate.align : 16;
    u8 *at;

    if (count == FILES || !fw_find(e->u.allocate.file, &f) || align & (align - 1))
        return false;
    at = e->u.allocate.zone == ZONE_LEGACY
             ? take_legacy(f.size, align < 16 ? 16 : align)
             : take_high(f.size, align);
    if (!at)
        return false;
    fw_select(f.key);
    fw_read(at, f.size);
    memcpy(placed[count].name, f.name, NAME);
    placed[count].at = at;
    placed[count++].size = f.size;
    return true;
}

static bool add_pointer(const struct entry *e)
{
    struct placed *in = find(e->u.pointer.in), *to = find(e->u.pointer.to);
    u32 offset = e->u.pointer.offset, size = e->u.pointer.size;

    if (!in || !to || size < 4 || size > 8 || offset > in->size ||
        size > in->size - offset)
        return false;
    put32(in->at + offset, get32(in->at + offset) + (u32)to->at); /* below 4 GiB */
    return true;
}

static bool add_checksum(const struct entry *e)
{
    struct placed *f = find(e->u.sum.file);
    u32 start = e->u.sum.start, length = e->u.sum.length;
    u8 sum = 0;

    if (!f || start > f->size || length > f->size - start || e->u.sum.offset >= f->size)
        return false;
    for (u32 n = 0; n < length; n++)
        sum = (u8)(sum + f->at[start + n]);
    f->at[e->u.sum.offset] = (u8)(f->at[e->u.sum.offset] - sum);
    return true;
}

/* The entry point (SMBIOS 2.1 form) and the structures it speaks of. */
static void load_smbios(void)
{
    struct fw_file f;
    u8 *entry, *at, sum = 0;

    if (!fw_find("etc/smbios/smbios-anchor", &f) || f.size != 31)
        return;
    entry = take_legacy(31, 16);
    if (!entry)
        return;
    fw_load("etc/smbios/smbios-anchor", entry, 31);
    if (!fw_find("etc/smbios/smbios-tables", &f) || !(at = take_high(f.size, 16)))
        return;
    fw_select(f.key);
    fw_read(at, f.size);
    put32(entry + 24, (u32)at);
    entry[21] = entry[4] = 0;
    for (u32 n = 16; n < 31; n++)
        sum = (u8)(sum + entry[n]);
    entry[21] = (u8)-sum;
    sum = 0;
    for (u32 n = 0; n < 31; n++)
        sum = (u8)(sum + entry[n]);
    entry[4] = (u8)-sum;
}

bool load_tables(void)
{
    struct fw_file list;

    count = 0;
    if (!fw_find("etc/table-loader", &list))
        return false;
    for (u32 at = 0; list.size - at >= sizeof(struct entry);
         at += sizeof(struct entry)) {
        struct entry e;
        bool good = true;
        /* Each command may read other items, so the list is found again. */
        fw_select(list.key);
        for (u32 skip = 0; skip < at; skip += sizeof e)
            fw_read(&e, sizeof e);
        fw_read(&e, sizeof e);
        switch (e.command) {
        case ALLOCATE: good = allocate(&e); break;
        case ADD_POINTER: good = add_pointer(&e); break;
        case ADD_CHECKSUM: good = add_checksum(&e); break;
        case WRITE_POINTER:
            debug_text("unimplemented: etc/table-loader writes\n");
            break;
        default: break;
        }
        if (!good) {
            debug_text("etc/table-loader: a command failed\n");
            return false;
        }
    }
    load_smbios();
    return true;
}
