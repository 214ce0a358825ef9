/* cd.c - booting from CD-ROM: the El Torito catalog and emulated disks.
 *
 * "El Torito" Bootable CD-ROM Format Specification 1.0 (Phoenix, IBM 1995).
 */
#include "run.h"

enum { CD_SECTOR = 2048, RATIO = 4, FIRST_CD = 0xe0, DESCRIPTOR = 17 };
enum { MEDIA_NONE = 0, MEDIA_1200 = 1, MEDIA_1440 = 2, MEDIA_2880 = 3, MEDIA_DISK = 4 };

struct emulation emulation;
static u8 buffer[CD_SECTOR];

static u16 get16(const u8 *p)
{
    return (u16)(p[0] | p[1] << 8);
}

static u32 get32(const u8 *p)
{
    return get16(p) | (u32)get16(p + 2) << 16;
}

static u8 read_sector(const struct drive *d, u32 lba)
{
    u16 done;
    return atapi_read(d, lba, 1, DATA_SEG, (u16)(u32)buffer, &done);
}

/* 512-byte sectors of the image: whole CD sectors go straight, parts through the
 * buffer. */
static u8 read_image(u32 sector, u16 count, u16 segment, u16 offset, u16 *done)
{
    const struct drive *d = &drives.cd[emulation.cd];
    u8 status;

    *done = 0;
    segment = (u16)(segment + (offset >> 4));
    offset &= 15;
    while (count) {
        u32 lba = emulation.image + sector / RATIO;
        u16 part = sector % RATIO, n, got;
        if (!part && count >= RATIO) {
            n = count & ~(RATIO - 1);
            status = atapi_read(d, lba, (u16)(n / RATIO), segment, offset, &got);
            *done = (u16)(*done + got * RATIO);
        } else {
            n = (u16)(RATIO - part) < count ? (u16)(RATIO - part) : count;
            status = read_sector(d, lba);
            if (!status) {
                far_copy(segment, offset, DATA_SEG, (u16)((u32)buffer + part * 512u),
                         (u16)(n * 512));
                *done = (u16)(*done + n);
            }
        }
        if (status)
            return status;
        sector += n;
        count = (u16)(count - n);
        segment = (u16)(segment + n * 32);
    }
    return DISK_OK;
}

/* ---- the catalog ---- */

/* Validation entry (2.1): header 1, 55AAh at the end, words add up to zero. */
static bool valid_catalog(const u8 *c)
{
    u16 sum = 0;
    for (u32 n = 0; n < 32; n += 2)
        sum = (u16)(sum + get16(c + n));
    return c[0] == 1 && c[30] == 0x55 && c[31] == 0xaa && !sum;
}

/* The emulated disk's shape: floppies have theirs, a disk's stands in its partition
 * table's first entry (2.2). */
static const char *emulated_shape(u8 media)
{
    static const u8 spt[] = {0, 15, 18, 36};
    u16 done;
    u8 status;

    if (media < MEDIA_DISK) {
        emulation.cylinders = 80;
        emulation.heads = 2;
        emulation.spt = spt[media];
        emulation.drive = 0;
        return NULL;
    }
    status = read_image(0, 1, DATA_SEG, (u16)(u32)buffer, &done);
    if (status)
        return disk_status_text(status);
    emulation.heads = (u16)(buffer[0x1be + 5] + 1);
    emulation.spt = buffer[0x1be + 6] & 63;
    emulation.cylinders =
        (u16)((buffer[0x1be + 7] | (buffer[0x1be + 6] & 0xc0) << 2) + 1);
    emulation.drive = 0x80;
    return emulation.spt ? NULL : "the emulated disk has no partition";
}

const char *cd_load(u8 cd, u16 *segment, u8 *drive)
{
    const struct drive *d = &drives.cd[cd];
    const char *why;
    u8 status = atapi_ready(d), media;
    u16 done, count;

    if (!status)
        status = read_sector(d, DESCRIPTOR);
    if (status)
        return disk_status_text(status);
    if (buffer[0] != 0 || memcmp(buffer + 1, "CD001", 5) ||
        memcmp(buffer + 7, "EL TORITO SPECIFICATION", 23))
        return "no El Torito boot record";
    status = read_sector(d, get32(buffer + 0x47));
    if (status)
        return disk_status_text(status);
    if (!valid_catalog(buffer))
        return "its boot catalog is damaged";
    if (buffer[32] != 0x88)
        return "its default entry is marked as not bootable";
    media = buffer[33] & 15;
    if (media > MEDIA_DISK)
        return "its default entry has an unknown medium";
    emulation.media = media;
    emulation.cd = cd;
    emulation.load_segment = get16(buffer + 34);
    emulation.sectors = get16(buffer + 38);
    emulation.image = get32(buffer + 40);
    emulation.controller = d->channel;
    emulation.spec = d->slave;
    emulation.drive = (u8)(FIRST_CD + cd);
    *segment = emulation.load_segment ? emulation.load_segment : 0x7c0;
    count = emulation.sectors;
    if (media != MEDIA_NONE) {
        why = emulated_shape(media);
        if (why)
            return why;
    }
    /* Sectors of the entry are 512 bytes; the drive's are 2048. */
    status = read_image(0, count ? count : 1, *segment, 0, &done);
    if (status)
        return disk_status_text(status);
    emulation.active = 1;
    *drive = emulation.drive;
    if (media >= MEDIA_1200 && media < MEDIA_DISK)
        BDA->equipment |= 1;
    if (media == MEDIA_DISK)
        BDA->disk_count++;
    return NULL;
}

/* ---- INT 13h on the emulated drive ---- */

void emulation_end(void)
{
    if (!emulation.active)
        return;
    emulation.active = 0;
    if (emulation.media == MEDIA_DISK)
        BDA->disk_count--;
    if (!floppy_count())
        BDA->equipment &= 0xfffe;
}

bool emulation_is(u8 drive)
{
    return emulation.active && emulation.media != MEDIA_NONE &&
           emulation.drive == drive;
}

/* 4Bh: AL 0 ends the emulation, 1 only tells; the specification packet at DS:SI (4.2).
 */
static void emulation_state(struct regs *r)
{
    u8 p[0x13] = {0};

    if (r->al > 1 || !emulation.active || (r->dl != 0x7f && r->dl != emulation.drive)) {
        disk_return(r, DISK_BAD_COMMAND);
        return;
    }
    p[0] = sizeof p;
    p[1] = emulation.media;
    p[2] = emulation.drive;
    p[3] = emulation.controller;
    p[4] = (u8)emulation.image;
    p[5] = (u8)(emulation.image >> 8);
    p[6] = (u8)(emulation.image >> 16);
    p[7] = (u8)(emulation.image >> 24);
    p[8] = (u8)emulation.spec;
    p[12] = (u8)emulation.load_segment;
    p[13] = (u8)(emulation.load_segment >> 8);
    p[14] = (u8)emulation.sectors;
    p[15] = (u8)(emulation.sectors >> 8);
    if (emulation.media != MEDIA_NONE) {
        p[16] = (u8)(emulation.cylinders - 1);
        p[17] = (u8)((emulation.cylinders - 1) >> 2 & 0xc0) | (u8)emulation.spt;
        p[18] = (u8)(emulation.heads - 1);
    }
    far_copy(r->ds, r->si, DATA_SEG, (u16)(u32)p, sizeof p);
    if (!r->al && emulation.media != MEDIA_NONE) {
        emulation_end();
    }
    disk_return(r, DISK_OK);
}

static void emulated_chs(struct regs *r, bool read)
{
    u32 cylinder = r->ch | (u32)(r->cl & 0xc0) << 2, head = r->dh, sector = r->cl & 63;
    u16 count = r->al, done = 0;
    u8 status = DISK_OK;

    r->al = 0;
    if (!count || !sector || sector > emulation.spt || head >= emulation.heads ||
        cylinder >= emulation.cylinders) {
        disk_return(r, count ? DISK_NOT_FOUND : DISK_BAD_COMMAND);
        return;
    }
    irqs_on();
    if (read)
        status =
            read_image((cylinder * emulation.heads + head) * emulation.spt + sector - 1,
                       count, r->es, r->bx, &done);
    irqs_off();
    r->al = (u8)(read ? done : count);
    disk_return(r, status);
}

static void emulated_edd(struct regs *r, bool read)
{
    u16 count = far16(r->ds, r->si + 2u), done = 0;
    u8 status = DISK_OK;

    irqs_on();
    if (read)
        status = read_image(far32(r->ds, r->si + 8u), count, far16(r->ds, r->si + 6u),
                            far16(r->ds, r->si + 4u), &done);
    irqs_off();
    if (status)
        far16_set(r->ds, r->si + 2u, done);
    disk_return(r, status);
}

static void emulated_geometry(struct regs *r)
{
    static const u8 types[] = {0, 2, 4, 6}; /* 1.2M, 1.44M, 2.88M */
    u16 last = (u16)(emulation.cylinders - 1);

    r->ch = (u8)last;
    r->cl = (u8)((last >> 2 & 0xc0) | emulation.spt);
    r->dh = (u8)(emulation.heads - 1);
    if (emulation.media == MEDIA_DISK) {
        r->dl = BDA->disk_count;
    } else {
        r->dl = (u8)(floppy_count() + 1);
        r->bx = types[emulation.media];
        r->es = CODE_SEG;
        r->di = 0xefc7;
    }
    r->ax = 0;
    set_carry(r, false);
}

void emulation_command(struct regs *r)
{
    bool disk = emulation.media == MEDIA_DISK;

    switch (r->ah) {
    case 0x00:
    case 0x09:
    case 0x0c:
    case 0x0d:
    case 0x10:
    case 0x11:
    case 0x14:
    case 0x16: disk_return(r, DISK_OK); return;
    case 0x01:
        r->ah = disk ? BDA->disk_status : BDA->floppy_status;
        set_carry(r, r->ah != 0);
        return;
    case 0x02: emulated_chs(r, true); return;
    case 0x03:
    case 0x05: disk_return(r, DISK_PROTECTED); return;
    case 0x04: emulated_chs(r, false); return;
    case 0x08: emulated_geometry(r); return;
    case 0x15:
        r->ah = disk ? 3 : 1;
        if (disk) {
            u32 n = (u32)emulation.cylinders * emulation.heads * emulation.spt;
            r->cx = (u16)(n >> 16);
            r->dx = (u16)n;
        }
        set_carry(r, false);
        return;
    case 0x41:
        if (!disk || r->bx != 0x55aa)
            break;
        r->bx = 0xaa55;
        r->cx = 1;
        disk_return(r, DISK_OK);
        r->ah = 0x01;
        return;
    case 0x42:
        if (!disk)
            break;
        emulated_edd(r, true);
        return;
    case 0x44:
    case 0x47:
        if (!disk)
            break;
        emulated_edd(r, false);
        return;
    case 0x4b: emulation_state(r); return;
    default: break;
    }
    disk_return(r, DISK_BAD_COMMAND);
}
