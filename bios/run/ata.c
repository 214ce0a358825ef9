/* ata.c - disks and CD-ROM drives on IDE channels, by programmed I/O.
 *
 * ATA/ATAPI-6 (T13 1410D): chapter 7 registers, 8 commands, 9 protocols. Interrupts of
 * the drives are off (nIEN) while the BIOS works, and on again when it has done:
 * systems that take a drive over expect them.
 */
#include "run.h"

enum { /* from the command block's base */
       REG_DATA,
       REG_ERROR,
       REG_COUNT,
       REG_LBA0,
       REG_LBA1,
       REG_LBA2,
       REG_DEVICE,
       REG_STATUS,
};
enum { BSY = 0x80, DRDY = 0x40, DF = 0x20, DRQ = 8, ERR = 1 };
enum { NIEN = 2, SRST = 4 };
enum {
    CMD_PACKET = 0xa0,
    CMD_IDENTIFY_PACKET = 0xa1,
    CMD_IDENTIFY = 0xec,
    CMD_READ = 0x20,
    CMD_READ_EXT = 0x24,
    CMD_WRITE = 0x30,
    CMD_WRITE_EXT = 0x34,
    CMD_VERIFY = 0x40,
    CMD_VERIFY_EXT = 0x42,
    CMD_FLUSH = 0xe7,
};
enum { READY_MS = 10000, SECTOR = 512, CD_SECTOR = 2048 };

struct drives drives;
static u16 identity[256];

/* ---- registers ---- */

static bool wait_clear(const struct drive *d, u8 bits, u32 ms)
{
    struct deadline limit;

    if (!(in8(d->control) & bits))
        return true;
    deadline_set(&limit, ms);
    while (in8(d->control) & bits)
        if (deadline_over(&limit))
            return false;
    return true;
}

static void pause_400ns(const struct drive *d)
{
    for (u32 n = 0; n < 4; n++)
        in8(d->control);
}

static void data_in(const struct drive *d, u16 segment, u16 offset, u16 words)
{
    u32 di = offset, cx = words;
    __asm__ volatile("pushw %%es\n\tmovw %w3, %%es\n\tcld\n\trep insw %%dx, "
                     "%%es:(%%edi)\n\tpopw %%es"
                     : "+D"(di), "+c"(cx)
                     : "d"(d->command), "r"((u32)segment)
                     : "memory");
}

static void data_out(const struct drive *d, u16 segment, u16 offset, u16 words)
{
    u32 si = offset, cx = words;
    __asm__ volatile(
        "pushw %%ds\n\tmovw %w3, %%ds\n\tcld\n\trep outsw (%%esi), %%dx\n\tpopw %%ds"
        : "+S"(si), "+c"(cx)
        : "d"(d->command), "r"((u32)segment)
        : "memory");
}

/* Waits for data: DISK_OK when DRQ is there. */
static u8 wait_data(const struct drive *d)
{
    u8 status;

    if (!wait_clear(d, BSY, READY_MS))
        return DISK_TIMEOUT;
    status = in8(d->control);
    if (status & (ERR | DF)) {
        u8 error = in8(d->command + REG_ERROR);
        BDA->ide_error = error;
        if (error & 0x40) /* UNC */
            return DISK_CRC;
        if (error & 0x10) /* IDNF */
            return DISK_NOT_FOUND;
        return DISK_CONTROLLER;
    }
    return status & DRQ ? DISK_OK : DISK_CONTROLLER;
}

static bool select_drive(const struct drive *d, u8 device)
{
    if (!wait_clear(d, BSY, READY_MS))
        return false;
    out8(d->command + REG_DEVICE, (u8)(device | 0xa0 | d->slave << 4));
    pause_400ns(d);
    return wait_clear(d, BSY | DRQ, READY_MS);
}

static void work_begins(const struct drive *d)
{
    out8(d->control, 0x08 | NIEN);
}

/* Reading the status drops a pending interrupt before they are let through again. */
static void work_ends(const struct drive *d)
{
    in8(d->command + REG_STATUS);
    out8(d->control, 0x08);
    BDA->ide_status = in8(d->control);
}

/* ---- disks ---- */

static void write_address(const struct drive *d, u64 lba, u16 count, bool wide)
{
    u16 c = d->command;

    if (wide) {
        out8(c + REG_COUNT, (u8)(count >> 8));
        out8(c + REG_LBA0, (u8)(lba >> 24));
        out8(c + REG_LBA1, (u8)(lba >> 32));
        out8(c + REG_LBA2, (u8)(lba >> 40));
    }
    out8(c + REG_COUNT, (u8)count);
    out8(c + REG_LBA0, (u8)lba);
    out8(c + REG_LBA1, (u8)(lba >> 8));
    out8(c + REG_LBA2, (u8)(lba >> 16));
}

static void advance(u16 *segment, u16 *offset, u16 bytes)
{
    /* Offsets stay small, so that a transfer may cross 64 KiB. */
    *segment = (u16)(*segment + ((*offset + bytes) >> 4));
    *offset = (u16)((*offset + bytes) & 15);
}

static u8 transfer(const struct drive *d, enum disk_op op, u64 lba, u16 count,
                   u16 segment, u16 offset, u16 *done)
{
    static const u8 command[3][2] = {{CMD_READ, CMD_READ_EXT},
                                     {CMD_WRITE, CMD_WRITE_EXT},
                                     {CMD_VERIFY, CMD_VERIFY_EXT}};
    bool wide = d->lba48 && lba + count > 0xfffffff;
    u8 status = DISK_OK;

    if (!select_drive(d, (u8)(0x40 | (wide ? 0 : lba >> 24 & 15))))
        return DISK_TIMEOUT;
    write_address(d, lba, count, wide);
    out8(d->command + REG_STATUS, command[op][wide]);
    pause_400ns(d);
    if (op == OP_VERIFY) {
        status = wait_data(d);
        if (status == DISK_CONTROLLER && !(in8(d->control) & (ERR | DF | DRQ)))
            status = DISK_OK; /* no data, and no error either */
        *done = status ? 0 : count;
        return status;
    }
    while (*done < count && (status = wait_data(d)) == DISK_OK) {
        if (op == OP_READ)
            data_in(d, segment, offset, SECTOR / 2);
        else
            data_out(d, segment, offset, SECTOR / 2);
        advance(&segment, &offset, SECTOR);
        ++*done;
        pause_400ns(d);
    }
    if (status == DISK_OK && op == OP_WRITE) {
        if (!wait_clear(d, BSY, READY_MS))
            return DISK_TIMEOUT;
        if (in8(d->control) & (ERR | DF))
            return DISK_CONTROLLER;
    }
    return status;
}

u8 ata_transfer(const struct drive *d, enum disk_op op, u64 lba, u16 count, u16 segment,
                u16 offset, u16 *done)
{
    u8 status = DISK_OK;

    *done = 0;
    segment = (u16)(segment + (offset >> 4));
    offset &= 15;
    work_begins(d);
    while (count && status == DISK_OK) {
        u16 part = count > 128 ? 128 : count, moved = 0;
        status = transfer(d, op, lba, part, segment, offset, &moved);
        *done = (u16)(*done + moved);
        lba += part;
        count = (u16)(count - part);
        segment = (u16)(segment + part * (SECTOR / 16));
    }
    work_ends(d);
    return status;
}

void ata_flush(const struct drive *d)
{
    work_begins(d);
    if (select_drive(d, 0x40)) {
        out8(d->command + REG_STATUS, CMD_FLUSH);
        pause_400ns(d);
        wait_clear(d, BSY, READY_MS);
    }
    work_ends(d);
}

/* A reset of the channel (9.2). */
static bool reset_channel(const struct drive *d)
{
    out8(d->control, 0x08 | NIEN | SRST);
    delay_us(5);
    out8(d->control, 0x08 | NIEN);
    pause_400ns(d);
    return wait_clear(d, BSY, 2000);
}

u8 ata_reset_drive(const struct drive *d)
{
    bool good = reset_channel(d) && select_drive(d, 0);
    work_ends(d);
    return good ? DISK_OK : DISK_RESET_FAILED;
}

/* ---- CD-ROM drives: PACKET (8.23, 9.8) ---- */

/* Reads at most `bytes` into memory; the rest of what the drive has is thrown away. */
static u8 packet(const struct drive *d, const u8 bytes[12], u16 segment, u16 offset,
                 u32 room)
{
    u16 c = d->command;
    u8 status;

    if (!select_drive(d, 0))
        return DISK_TIMEOUT;
    out8(c + REG_ERROR, 0); /* features: PIO */
    out8(c + REG_LBA1, (u8)(room > 0xf800 ? 0x00 : room));
    out8(c + REG_LBA2, (u8)(room > 0xf800 ? 0xf8 : room >> 8));
    out8(c + REG_STATUS, CMD_PACKET);
    pause_400ns(d);
    status = wait_data(d);
    if (status)
        return status;
    data_out(d, DATA_SEG, (u16)(u32)bytes, 6);
    pause_400ns(d);
    for (;;) {
        u32 n;
        u8 s;
        if (!wait_clear(d, BSY, READY_MS))
            return DISK_TIMEOUT;
        s = in8(d->control);
        if (s & (ERR | DF)) {
            BDA->ide_error = in8(c + REG_ERROR);
            return DISK_NOT_READY;
        }
        if (!(s & DRQ))
            return DISK_OK;
        n = in8(c + REG_LBA1) | (u32)in8(c + REG_LBA2) << 8;
        if (n > room) {
            u32 rest = n - room;
            data_in(d, segment, offset, (u16)(room / 2));
            for (rest = (rest + 1) / 2; rest; rest--)
                in16(c);
            room = 0;
        } else {
            data_in(d, segment, offset, (u16)((n + 1) / 2));
            segment = (u16)(segment + ((offset + n) >> 4));
            offset = (u16)((offset + n) & 15);
            room -= n;
        }
        pause_400ns(d);
    }
}

u8 atapi_packet(const struct drive *d, const u8 bytes[12], u16 segment, u16 offset,
                u32 room)
{
    u8 status;

    work_begins(d);
    status = packet(d, bytes, (u16)(segment + (offset >> 4)), offset & 15, room);
    work_ends(d);
    return status;
}

/* TEST UNIT READY until it says so; REQUEST SENSE tells why not (MMC-3, SPC-2 7.20). */
u8 atapi_ready(const struct drive *d)
{
    static const u8 test[12] = {0};
    static const u8 sense[12] = {0x03, 0, 0, 0, 18};
    static u8 answer[18];
    struct deadline limit;

    deadline_set(&limit, 15000);
    for (u32 attentions = 0; attentions < 8;) {
        u8 key;
        if (atapi_packet(d, test, DATA_SEG, 0, 0) == DISK_OK)
            return DISK_OK;
        if (atapi_packet(d, sense, DATA_SEG, (u16)(u32)answer, sizeof answer) !=
            DISK_OK)
            return DISK_TIMEOUT;
        key = answer[2] & 15;
        if (key == 2 && answer[12] == 0x3a)
            return DISK_NO_MEDIUM;
        if (key == 2 && answer[12] == 0x04 && answer[13] == 0x01) { /* becoming ready */
            if (deadline_over(&limit))
                return DISK_TIMEOUT;
            delay_us(10000);
        } else {
            attentions++; /* a unit attention (6), most often: a new medium */
        }
    }
    return DISK_NOT_READY;
}

u8 atapi_read(const struct drive *d, u32 lba, u16 count, u16 segment, u16 offset,
              u16 *done)
{
    u8 status = DISK_OK;

    *done = 0;
    segment = (u16)(segment + (offset >> 4));
    offset &= 15;
    while (count && status == DISK_OK) {
        u16 part = count > 16 ? 16 : count;
        u8 read10[12] = {
            0x28, 0, (u8)(lba >> 24), (u8)(lba >> 16), (u8)(lba >> 8), (u8)lba,
            0,    0, (u8)part};
        status = atapi_packet(d, read10, segment, offset, part * (u32)CD_SECTOR);
        if (status != DISK_OK && atapi_ready(d) == DISK_OK) /* once more */
            status = atapi_packet(d, read10, segment, offset, part * (u32)CD_SECTOR);
        if (status == DISK_OK) {
            *done = (u16)(*done + part);
            lba += part;
            count = (u16)(count - part);
            segment = (u16)(segment + part * (CD_SECTOR / 16));
        }
    }
    return status;
}

/* ---- finding them ---- */

static bool identify(const struct drive *d, u8 command)
{
    u8 status;

    if (!select_drive(d, 0))
        return false;
    out8(d->command + REG_STATUS, command);
    pause_400ns(d);
    if (!in8(d->control))
        return false;
    status = wait_data(d);
    if (status)
        return false;
    data_in(d, DATA_SEG, (u16)(u32)identity, 256);
    return true;
}

static void read_model(struct drive *d)
{
    u32 n;

    for (n = 0; n < 20; n++) { /* words 27 to 46, the first letter in the upper half */
        d->model[n * 2] = (char)(identity[27 + n] >> 8);
        d->model[n * 2 + 1] = (char)identity[27 + n];
    }
    for (n = 40; n && (d->model[n - 1] == ' ' || !d->model[n - 1]); n--)
        ;
    d->model[n] = 0;
}

static void read_capacity(struct drive *d)
{
    d->cylinders = identity[1];
    d->heads = identity[3];
    d->spt = identity[6];
    d->lba48 = identity[83] >> 10 & 1;
    d->sectors = (u32)identity[61] << 16 | identity[60];
    if (d->lba48) {
        u64 wide = (u64)((u32)identity[103] << 16 | identity[102]) << 32 |
                   ((u32)identity[101] << 16 | identity[100]);
        if (wide > d->sectors)
            d->sectors = wide;
    }
}

/* What a drive leaves in LBA1 and LBA2 after a reset says what it is (9.12). */
static void find_drive(struct drive *d)
{
    u8 lba1, lba2;

    d->kind = DRIVE_NONE;
    out8(d->command + REG_DEVICE, (u8)(0xa0 | d->slave << 4));
    pause_400ns(d);
    out8(d->command + REG_COUNT, 0x55);
    out8(d->command + REG_LBA0, 0xaa);
    if (in8(d->command + REG_COUNT) != 0x55 || in8(d->command + REG_LBA0) != 0xaa)
        return;
    lba1 = in8(d->command + REG_LBA1);
    lba2 = in8(d->command + REG_LBA2);
    if (lba1 == 0x14 && lba2 == 0xeb) {
        if (identify(d, CMD_IDENTIFY_PACKET) && (identity[0] >> 8 & 31) == 5)
            d->kind = DRIVE_CD;
    } else if (identify(d, CMD_IDENTIFY)) {
        d->kind = DRIVE_DISK;
        read_capacity(d);
    }
    if (d->kind)
        read_model(d);
}

static void add_drive(const struct drive *d)
{
    if (d->kind == DRIVE_DISK && drives.disks < DISKS)
        drives.disk[drives.disks++] = *d;
    if (d->kind == DRIVE_CD && drives.cds < DISKS)
        drives.cd[drives.cds++] = *d;
}

void ata_init(void)
{
    for (u8 n = 0; n < shared.ide_count; n++) {
        struct drive d = {0};

        d.channel = n;
        d.command = shared.ide_command[n];
        d.control = shared.ide_control[n];
        if (in8(d.control) == 0xff)
            continue; /* nobody there: the bus floats high */
        reset_channel(&d);
        for (d.slave = 0; d.slave < 2; d.slave++) {
            find_drive(&d);
            add_drive(&d);
        }
        d.slave = 0;
        out8(d.command + REG_DEVICE, 0xa0);
        work_ends(&d);
    }
}
