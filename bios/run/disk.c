/* disk.c - INT 13h for hard disks and CD-ROM drives.
 *
 * RBIL INT 13h; BIOS Enhanced Disk Drive Specification 3.0 (T13 1386DT): 41h to 48h,
 * 4Eh.
 */
#include "run.h"

enum { FIRST_DISK = 0x80, FIRST_CD = 0xe0 };
enum { CMOS_TRANSLATION = 0x39 }; /* QEMU's: two bits for each of four drives */

void disk_services(struct regs *r);
void floppy_services(struct regs *r);
void irq_14(struct regs *r);
void irq_15(struct regs *r);

/* EDD 3, 2.2.2: disk address packet. */
struct address_packet {
    u8 size, zero;
    u16 count, offset, segment;
    u64 lba;
    u64 flat;
} PACKED;

/* EDD 3, 2.2.3.5: result buffer. */
struct drive_parameters {
    u16 size, flags;
    u32 cylinders, heads, spt;
    u64 sectors;
    u16 sector_bytes;
    u16 dpte_offset, dpte_segment;
    u16 path_key; /* BEDDh: a device path follows */
    u8 path_size, reserved[3];
    char bus[4], interface[8];
    u8 interface_path[8], device_path[8];
    u8 zero, checksum;
} PACKED;
enum { PARAMETERS_1 = 0x1a, PARAMETERS_2 = 0x1e, PARAMETERS_3 = 0x42 };

void irq_14(struct regs *r)
{
    (void)r;
    BDA->ide_done = 0xff;
    eoi(14);
}

void irq_15(struct regs *r)
{
    (void)r;
    eoi(15);
}

void disk_return(struct regs *r, u8 status)
{
    r->ah = status;
    set_carry(r, status != DISK_OK);
    if (r->dl < FIRST_DISK)
        BDA->floppy_status = status;
    else
        BDA->disk_status = status;
}

const char *disk_status_text(u8 status)
{
    switch (status) {
    case DISK_NO_MARK: return "no address mark: not formatted";
    case DISK_NOT_FOUND: return "sector not found";
    case DISK_BAD_COMMAND: return "the command was refused";
    case DISK_PROTECTED: return "write protected";
    case DISK_CHANGED: return "medium changed";
    case DISK_DMA_OVERRUN: return "DMA overrun";
    case DISK_DMA_BOUNDARY: return "DMA across 64 KiB";
    case DISK_NO_MEDIUM: return "no medium";
    case DISK_CRC: return "uncorrectable data";
    case DISK_CONTROLLER: return "controller failure";
    case DISK_SEEK: return "seek failed";
    case DISK_TIMEOUT: return "no answer";
    case DISK_NOT_READY: return "not ready";
    default: return "error";
    }
}

/* ---- geometry ---- */

/* Which of none, LBA assist, large (shifted) and revised large turns the drive's
 * geometry into one that fits 1024 cylinders. A user's choice stands in CMOS. */
static void make_geometry(struct drive *d)
{
    u8 how = cmos_read(CMOS_TRANSLATION) >> (d->channel * 4 + d->slave * 2) & 3;
    u32 sectors = d->sectors > 0xffffffff ? 0xffffffff : (u32)d->sectors;
    u32 cylinders = d->cylinders, heads = d->heads, spt = d->spt;

    if (d->channel > 1)
        how = 0;
    if (!cylinders || !heads || !spt) {
        heads = 16;
        spt = 63;
        cylinders = sectors / (16 * 63);
    }
    if (!how && cylinders > 1024)
        how = cylinders * heads <= 131072 ? 2 : 1;
    if (how == 1) {
        u32 tracks = sectors / 63;
        spt = 63;
        heads = 16;
        while (heads < 128 && tracks / heads > 1024)
            heads *= 2;
        if (tracks / heads > 1024)
            heads = 255;
        cylinders = tracks / heads;
    } else if (how) {
        if (how == 3 && heads == 16) {
            cylinders = cylinders * 16 / 15;
            heads = 15;
        }
        while (cylinders > 1024 && heads < 128) {
            cylinders /= 2;
            heads *= 2;
        }
    }
    d->log_cylinders = (u16)(cylinders > 1024 ? 1024 : cylinders);
    d->log_heads = (u16)heads;
    d->log_spt = (u16)spt;
}

/* INT 41h and 46h: fixed disk parameter table (RBIL INT 41h), 16 bytes in the EBDA. */
static void make_table(u8 n, const struct drive *d)
{
    u16 at = (u16)(0x3d + n * 16);

    far_fill(EBDA_SEG, at, 0, 16);
    far16_set(EBDA_SEG, at, d->log_cylinders);
    far8_set(EBDA_SEG, at + 2u, (u8)d->log_heads);
    far16_set(EBDA_SEG, at + 5u, 0xffff);
    far8_set(EBDA_SEG, at + 8u, 0xc0 | (d->log_heads > 8 ? 8 : 0));
    far16_set(EBDA_SEG, at + 12u, d->log_cylinders);
    far8_set(EBDA_SEG, at + 14u, (u8)d->log_spt);
    far32_set(0, (n ? 0x46 : 0x41) * 4, (u32)EBDA_SEG << 16 | at);
}

static void make_dpte(struct drive *d)
{
    u8 sum = 0;
    const u8 *p = (const u8 *)&d->dpte;

    d->dpte =
        (struct edd_interface){.port = d->command,
                               .control = d->control,
                               .head = (u8)(0xe0 | d->slave << 4),
                               .irq = (u8)(d->channel ? 15 : 14),
                               .block = 1,
                               .flags = (u16)(0x10 | (d->kind == DRIVE_CD ? 0x60 : 0)),
                               .revision = 0x11};
    for (u32 n = 0; n < 15; n++)
        sum = (u8)(sum + p[n]);
    d->dpte.checksum = (u8)-sum;
}

void disk_init(void)
{
    for (u8 n = 0; n < drives.disks; n++) {
        struct drive *d = &drives.disk[n];
        make_geometry(d);
        make_dpte(d);
        if (n < 2)
            make_table(n, d);
        debug_say("disk %x: %s, %u MiB, %u/%u/%u\n", FIRST_DISK + n, d->model,
                  (u32)(d->sectors >> 11), d->log_cylinders, d->log_heads, d->log_spt);
    }
    for (u8 n = 0; n < drives.cds; n++) {
        make_dpte(&drives.cd[n]);
        debug_say("cd %x: %s\n", FIRST_CD + n, drives.cd[n].model);
    }
    BDA->disk_count = drives.disks;
    BDA->disk_control = 0xc0;
}

/* ---- CHS ---- */

static void chs_transfer(struct regs *r, const struct drive *d, enum disk_op op)
{
    u32 cylinder = r->ch | (u32)(r->cl & 0xc0) << 2, head = r->dh, sector = r->cl & 63;
    u16 count = r->al, done;
    u64 lba = ((u64)cylinder * d->log_heads + head) * d->log_spt + sector - 1;

    r->al = 0;
    if (!count || count > 128 || !sector || sector > d->log_spt ||
        head >= d->log_heads || cylinder >= d->log_cylinders ||
        lba + count > d->sectors) {
        disk_return(r, count && count <= 128 ? DISK_NOT_FOUND : DISK_BAD_COMMAND);
        return;
    }
    irqs_on();
    disk_return(r, ata_transfer(d, op, lba, count, r->es, r->bx, &done));
    irqs_off();
    r->al = (u8)done;
}

static void get_geometry(struct regs *r, const struct drive *d) /* 08h */
{
    u16 last = (u16)(d->log_cylinders - 1);

    r->ch = (u8)last;
    r->cl = (u8)((last >> 2 & 0xc0) | d->log_spt);
    r->dh = (u8)(d->log_heads - 1);
    r->dl = BDA->disk_count; /* option ROMs' and emulated ones too */
    r->ax = 0;
    BDA->disk_status = DISK_OK;
    set_carry(r, false);
}

static void get_type(struct regs *r, const struct drive *d) /* 15h */
{
    u32 sectors = (u32)d->log_cylinders * d->log_heads * d->log_spt;

    r->ax = 0x0300; /* a fixed disk */
    r->cx = (u16)(sectors >> 16);
    r->dx = (u16)sectors;
    BDA->disk_status = DISK_OK;
    set_carry(r, false);
}

/* ---- EDD ---- */

static void get_packet(const struct regs *r, struct address_packet *p)
{
    far_copy(DATA_SEG, (u16)(u32)p, r->ds, r->si, 16);
    p->flat = 0;
    if (p->size >= 0x18 && p->segment == 0xffff && p->offset == 0xffff)
        far_copy(DATA_SEG, (u16)(u32)&p->flat, r->ds, (u16)(r->si + 16), 8);
}

/* 42h, 43h, 44h, 47h. A flat address has to be one that real mode reaches. */
static void edd_transfer(struct regs *r, const struct drive *d, enum disk_op op,
                         bool seek)
{
    struct address_packet p;
    u16 done = 0;
    u8 status;

    get_packet(r, &p);
    if (p.segment == 0xffff && p.offset == 0xffff && p.size >= 0x18) {
        p.segment = (u16)(p.flat >> 4);
        p.offset = p.flat & 15;
    }
    if (p.size < 16 || p.flat >> 20) {
        disk_return(r, DISK_BAD_COMMAND);
        return;
    }
    if (d->kind == DRIVE_DISK &&
        (p.lba >= d->sectors || p.count > d->sectors - p.lba)) {
        far16_set(r->ds, r->si + 2u, 0);
        disk_return(r, DISK_NOT_FOUND);
        return;
    }
    if (seek) {
        disk_return(r, DISK_OK);
        return;
    }
    irqs_on();
    if (d->kind == DRIVE_DISK)
        status = ata_transfer(d, op, p.lba, p.count, p.segment, p.offset, &done);
    else if (op == OP_READ && !(p.lba >> 32))
        status = atapi_read(d, (u32)p.lba, p.count, p.segment, p.offset, &done);
    else
        status = op == OP_VERIFY ? DISK_OK : DISK_PROTECTED;
    irqs_off();
    if (op == OP_VERIFY && status == DISK_OK)
        done = p.count;
    if (done != p.count)
        far16_set(r->ds, r->si + 2u, done);
    disk_return(r, status);
}

static void edd_parameters(struct regs *r, const struct drive *d) /* 48h */
{
    struct drive_parameters p = {0};
    u16 room = far16(r->ds, r->si);
    bool cd = d->kind == DRIVE_CD;
    u8 sum = 0;

    if (room < PARAMETERS_1) {
        disk_return(r, DISK_BAD_COMMAND);
        return;
    }
    p.size = room >= PARAMETERS_3   ? PARAMETERS_3
             : room >= PARAMETERS_2 ? PARAMETERS_2
                                    : PARAMETERS_1;
    if (cd) {
        p.flags = 0x74; /* removable, change line, lockable, no medium's size told */
        p.cylinders = p.heads = p.spt = 0xffffffff;
        p.sectors = ~0ull;
        p.sector_bytes = 2048;
    } else {
        p.flags = 2; /* the geometry is valid */
        p.cylinders = d->cylinders;
        p.heads = d->heads;
        p.spt = d->spt;
        p.sectors = d->sectors;
        p.sector_bytes = 512;
    }
    p.dpte_segment = DATA_SEG;
    p.dpte_offset = (u16)(u32)&d->dpte;
    p.path_key = 0xbedd;
    p.path_size = 36;
    memcpy(p.bus,
           d->channel < 2 && d->command == (d->channel ? 0x170 : 0x1f0) ? "ISA "
                                                                        : "PCI ",
           4);
    memcpy(p.interface, cd ? "ATAPI   " : "ATA     ", 8);
    p.interface_path[0] = (u8)d->command;
    p.interface_path[1] = (u8)(d->command >> 8);
    p.device_path[0] = d->slave;
    for (u32 n = PARAMETERS_2; n < PARAMETERS_3 - 1; n++)
        sum = (u8)(sum + ((const u8 *)&p)[n]);
    p.checksum = (u8)-sum;
    far_copy(r->ds, r->si, DATA_SEG, (u16)(u32)&p, p.size);
    disk_return(r, DISK_OK);
}

static void edd_check(struct regs *r, bool cd) /* 41h */
{
    if (r->bx != 0x55aa) {
        disk_return(r, DISK_BAD_COMMAND);
        return;
    }
    r->bx = 0xaa55;
    r->cx = cd ? 7 : 5; /* access, (locking), EDD support */
    disk_return(r, DISK_OK);
    r->ah = 0x30; /* EDD 3.0 */
}

/* 45h, 46h: PREVENT ALLOW MEDIUM REMOVAL, START STOP UNIT (MMC-3). */
static void cd_lock(struct regs *r, const struct drive *d)
{
    static u8 locks[DISKS];
    u8 *count = &locks[d - drives.cd];
    u8 prevent[12] = {0x1e};

    switch (r->al) {
    case 0:
        if (*count == 0xff) {
            disk_return(r, DISK_NOT_LOCKED);
            r->ah = 0xb4;
            return;
        }
        ++*count;
        break;
    case 1:
        if (!*count) {
            disk_return(r, DISK_NOT_LOCKED);
            return;
        }
        --*count;
        break;
    case 2: break;
    default: disk_return(r, DISK_BAD_COMMAND); return;
    }
    prevent[4] = *count != 0;
    if (r->al != 2)
        atapi_packet(d, prevent, DATA_SEG, 0, 0);
    r->al = *count != 0;
    disk_return(r, DISK_OK);
}

static void cd_eject(struct regs *r, const struct drive *d)
{
    static const u8 eject[12] = {0x1b, 0, 0, 0, 2};
    disk_return(r, atapi_packet(d, eject, DATA_SEG, 0, 0) ? DISK_LOCKED : DISK_OK);
}

/* ---- INT 13h ---- */

static void disk_command(struct regs *r, const struct drive *d)
{
    bool cd = d->kind == DRIVE_CD;

    switch (r->ah) {
    case 0x00:
    case 0x0d: disk_return(r, ata_reset_drive(d)); return;
    case 0x01:
        r->ah = BDA->disk_status;
        set_carry(r, r->ah != 0);
        BDA->disk_status = 0;
        return;
    case 0x09: /* initialize, seek, ready, recalibrate, diagnose: nothing to do */
    case 0x0c:
    case 0x10:
    case 0x11:
    case 0x14: disk_return(r, DISK_OK); return;
    case 0x41: edd_check(r, cd); return;
    case 0x42: edd_transfer(r, d, OP_READ, false); return;
    case 0x43:
        if (r->al > 2)
            disk_return(r, DISK_BAD_COMMAND);
        else
            edd_transfer(r, d, OP_WRITE, false);
        return;
    case 0x44: edd_transfer(r, d, OP_VERIFY, false); return;
    case 0x47: edd_transfer(r, d, OP_READ, true); return;
    case 0x48: edd_parameters(r, d); return;
    case 0x4e: /* set hardware configuration: only what is so already */
        if (r->al == 1 || r->al == 3 || r->al == 4 || r->al == 6) {
            r->al = 0; /* this drive alone */
            disk_return(r, DISK_OK);
        } else {
            disk_return(r, DISK_BAD_COMMAND);
        }
        return;
    default: break;
    }
    if (cd) {
        switch (r->ah) {
        case 0x45: cd_lock(r, d); return;
        case 0x46: cd_eject(r, d); return;
        case 0x49: /* media change is not watched: never */
            disk_return(r, DISK_OK);
            return;
        default: break;
        }
    } else {
        switch (r->ah) {
        case 0x02: chs_transfer(r, d, OP_READ); return;
        case 0x03: chs_transfer(r, d, OP_WRITE); return;
        case 0x04: chs_transfer(r, d, OP_VERIFY); return;
        case 0x05: disk_return(r, DISK_OK); return; /* tracks are always formatted */
        case 0x08: get_geometry(r, d); return;
        case 0x15: get_type(r, d); return;
        case 0x45:
        case 0x46:
        case 0x49: disk_return(r, DISK_OK); return; /* not removable */
        default: break;
        }
    }
    disk_return(r, DISK_BAD_COMMAND);
}

void disk_services(struct regs *r)
{
    u8 dl = r->dl;

    if (r->ah == 0x4b || emulation_is(dl)) {
        emulation_command(r);
        return;
    }
    if (emulation.active && emulation.drive == 0 && dl == 1) {
        r->dl = 0; /* the emulated floppy has taken A:'s place */
        floppy_command(r);
        if (r->ah != 0x08 || r->flags & CARRY)
            r->dl = 1;
        return;
    }
    if (dl < FIRST_DISK) {
        floppy_command(r);
        return;
    }
    if (emulation.active && emulation.drive == FIRST_DISK && dl < FIRST_CD)
        dl--;
    if (dl >= FIRST_CD && dl - FIRST_CD < drives.cds)
        disk_command(r, &drives.cd[dl - FIRST_CD]);
    else if (dl - FIRST_DISK < drives.disks)
        disk_command(r, &drives.disk[dl - FIRST_DISK]);
    else
        disk_return(r, r->ah == 0x08 ? 0x07 : DISK_BAD_COMMAND);
    if (r->ah == 0x15 && r->flags & CARRY)
        r->ah = 0;
}

void floppy_services(struct regs *r)
{
    floppy_command(r);
}
