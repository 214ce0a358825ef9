/* ata_disk.c - the commands of an ATA hard disk.
 *
 * ATA/ATAPI-6 (T13 1410D), chapter 8; 28-bit, 48-bit and CHS addresses (6.2). Sectors
 * are read and written when a command's virtual latency is over; the guest's time
 * stands still while the host does it. A range is checked once, before anything moves,
 * and again by disk_holds() at each piece.
 */
#include "devices/ata.h"

enum work { WORK_NONE, WORK_READ, WORK_WRITE, WORK_VERIFY, WORK_ANSWER };

enum { LBA28_SECTORS = 1 << 28 };

const struct field ata_disk_fields[] = {ATA_DISK_STATE(STATE_FIELD, ata_disk){0}};

/* ---- the medium ---- */

uint64_t ata_disk_size(const struct ata_drive *d)
{
    return d->disk ? d->disk->size / SECTOR : 0;
}

static void standard_geometry(struct ata_drive *d)
{
    uint64_t cylinders = ata_disk_size(d) / (16 * 63);

    d->hd.heads = 16;
    d->hd.sectors = 63;
    d->hd.cylinders = (uint16_t)(cylinders > 16383 ? 16383 : cylinders ? cylinders : 1);
}

/* Reads n sectors to the buffer. False: *bad is the first that the host cannot read. */
static bool read_sectors(struct ata_drive *d, uint64_t lba, uint32_t n, uint64_t *bad)
{
    struct disk *k = d->disk;

    if (disk_holds(k, lba * SECTOR, (uint64_t)n * SECTOR) &&
        k->read(k->owner, lba * SECTOR, d->buffer.bytes, (size_t)n * SECTOR))
        return true;
    for (uint32_t i = 0; i < n; i++) {
        *bad = lba + i;
        if (!disk_holds(k, *bad * SECTOR, SECTOR) ||
            !k->read(k->owner, *bad * SECTOR, d->buffer.bytes + (size_t)i * SECTOR,
                     SECTOR))
            return false;
    }
    return true;
}

static bool write_sectors(struct ata_drive *d, uint64_t lba, uint32_t n)
{
    struct disk *k = d->disk;

    return !k->read_only && !d->sync_failed &&
           disk_holds(k, lba * SECTOR, (uint64_t)n * SECTOR) &&
           k->write(k->owner, lba * SECTOR, d->buffer.bytes, (size_t)n * SECTOR);
}

/* A flush that failed once stays failed: what the host dropped does not come back. */
static bool flush(struct ata_drive *d)
{
    if (!d->sync_failed && !d->disk->flush(d->disk->owner))
        d->sync_failed = true;
    return !d->sync_failed;
}

static void device_fault(struct ata_drive *d)
{
    ata_fail(d, ER_ABRT);
    d->status |= ST_DF;
}

/* ---- addresses ---- */

static bool address(const struct ata_drive *d, bool wide, uint64_t *lba)
{
    uint32_t low = d->low[0] | (uint32_t)d->mid[0] << 8 | (uint32_t)d->high[0] << 16;
    uint32_t head = d->device & 15, cylinder = low >> 8;

    if (wide) {
        uint64_t high =
            d->low[1] | (uint64_t)d->mid[1] << 8 | (uint64_t)d->high[1] << 16;
        *lba = high << 24 | low;
        return true;
    }
    if (d->device & DEV_LBA) {
        *lba = low | head << 24;
        return true;
    }
    if (!d->low[0] || d->low[0] > d->hd.sectors || head >= d->hd.heads ||
        cylinder >= d->hd.cylinders)
        return false;
    *lba = (uint64_t)(cylinder * d->hd.heads + head) * d->hd.sectors + d->low[0] - 1;
    return true;
}

/* The registers name a sector, in the way the command's address was given. */
static void show(struct ata_drive *d, uint64_t lba)
{
    uint32_t track = (uint32_t)d->hd.heads * d->hd.sectors, cylinder;

    if (d->hd.wide || (d->device & DEV_LBA)) {
        d->low[0] = (uint8_t)lba;
        d->mid[0] = (uint8_t)(lba >> 8);
        d->high[0] = (uint8_t)(lba >> 16);
        if (!d->hd.wide) {
            d->device = (uint8_t)((d->device & 0xf0) | (lba >> 24 & 15));
            return;
        }
        d->low[1] = (uint8_t)(lba >> 24);
        d->mid[1] = (uint8_t)(lba >> 32);
        d->high[1] = (uint8_t)(lba >> 40);
        return;
    }
    if (!track)
        return;
    cylinder = (uint32_t)(lba / track);
    d->low[0] = (uint8_t)(lba % d->hd.sectors + 1);
    d->mid[0] = (uint8_t)cylinder;
    d->high[0] = (uint8_t)(cylinder >> 8);
    d->device =
        (uint8_t)((d->device & 0xf0) | (lba / d->hd.sectors % d->hd.heads & 15));
}

static void not_found(struct ata_drive *d)
{
    ata_fail(d, ER_IDNF);
}

/* The 28-bit command's sector count, or the 48-bit one's. */
static uint32_t count_of(const struct ata_drive *d, bool wide)
{
    uint32_t n = d->count[0] | (wide ? (uint32_t)d->count[1] << 8 : 0);

    return n ? n : wide ? 0x10000 : 0x100;
}

/* ---- transfers ---- */

static uint32_t piece(const struct ata_drive *d)
{
    uint32_t n = d->hd.left < d->hd.block ? d->hd.left : d->hd.block;

    return n < BUFFER / SECTOR ? n : BUFFER / SECTOR;
}

/* n sectors of the transfer are done: the registers follow. */
static void advance(struct ata_drive *d, uint32_t n)
{
    d->hd.lba += n;
    d->hd.left -= n;
    d->count[0] = (uint8_t)d->hd.left;
    if (d->hd.wide)
        d->count[1] = (uint8_t)(d->hd.left >> 8);
    if (n)
        show(d, d->hd.lba - 1);
}

static bool fetch(struct ata_drive *d)
{
    uint64_t bad = 0;

    if (read_sectors(d, d->hd.lba, piece(d), &bad))
        return true;
    if (d->hd.faults < UINT32_MAX)
        d->hd.faults++;
    d->hd.left -= (uint32_t)(bad - d->hd.lba);
    d->count[0] = (uint8_t)d->hd.left;
    show(d, bad);
    ata_fail(d, ER_UNC);
    return false;
}

static void read_on(struct ata_drive *d)
{
    if (d->hd.left && fetch(d))
        ata_offer(d, piece(d) * SECTOR, d->dma, true);
}

static void verify_on(struct ata_drive *d)
{
    if (!fetch(d))
        return;
    advance(d, piece(d));
    if (d->hd.left)
        ata_busy(d, (uint64_t)piece(d) * ATA_SECTOR_NS);
    else
        ata_done(d, true);
}

/* A block has come from the host. */
static void write_on(struct ata_drive *d)
{
    uint32_t n = piece(d);

    if (!write_sectors(d, d->hd.lba, n)) {
        if (d->hd.faults < UINT32_MAX)
            d->hd.faults++;
        show(d, d->hd.lba);
        device_fault(d);
        return;
    }
    advance(d, n);
    if (d->hd.left)
        ata_want(d, piece(d) * SECTOR, d->dma, true);
    else if (d->hd.cached || flush(d))
        ata_done(d, true);
    else
        device_fault(d);
}

static void resume(struct ata_drive *d)
{
    switch (d->hd.left ? d->hd.work : WORK_NONE) {
    case WORK_READ: read_on(d); break;
    case WORK_WRITE: write_on(d); break;
    case WORK_VERIFY: verify_on(d); break;
    default: ata_done(d, true); break;
    }
}

static void block_done(struct ata_drive *d)
{
    uint32_t n = piece(d);

    switch (d->hd.work) {
    case WORK_READ:
        advance(d, n);
        if (d->hd.left)
            ata_busy(d, (uint64_t)piece(d) * ATA_SECTOR_NS);
        else
            ata_done(d, d->dma); /* the last PIO block has no interrupt of its own */
        break;
    case WORK_WRITE: ata_busy(d, (uint64_t)n * ATA_SECTOR_NS); break;
    default: ata_done(d, false); break;
    }
}

void ata_disk_answer(struct ata_drive *d)
{
    d->hd.work = WORK_ANSWER;
    d->hd.left = 0;
    ata_offer(d, SECTOR, false, true);
}

/* Checks the range and latches the transfer. */
static bool latch(struct ata_drive *d, enum work work, bool wide)
{
    uint64_t size = ata_disk_size(d), lba = 0;
    uint32_t n = count_of(d, wide);

    d->hd.wide = wide;
    d->hd.work = WORK_NONE;
    d->hd.left = 0;
    d->power = ATA_ACTIVE;
    if (!address(d, wide, &lba)) {
        not_found(d);
        return false;
    }
    if (lba >= size || n > size - lba) {
        show(d, lba < size ? size : lba);
        not_found(d);
        return false;
    }
    d->hd.work = (uint8_t)work;
    d->hd.lba = lba;
    d->hd.left = n;
    return true;
}

enum how { PIO, MULTIPLE, DMA };

static void transfer(struct ata_drive *d, enum work work, bool wide, enum how how)
{
    if ((how == MULTIPLE && !d->hd.multiple) || (how == DMA && !d->master)) {
        ata_fail(d, ER_ABRT);
        return;
    }
    if (work == WORK_WRITE && (d->disk->read_only || d->sync_failed)) {
        ata_fail(d, ER_ABRT);
        return;
    }
    if (!latch(d, work, wide))
        return;
    d->dma = how == DMA;
    d->hd.block = how == PIO ? 1 : how == MULTIPLE ? d->hd.multiple : BUFFER / SECTOR;
    if (work == WORK_READ)
        read_on(d);
    else
        ata_want(d, piece(d) * SECTOR, d->dma, false);
}

static void verify(struct ata_drive *d, bool wide)
{
    if (!latch(d, WORK_VERIFY, wide))
        return;
    d->dma = false;
    d->hd.block = BUFFER / SECTOR;
    verify_on(d);
}

/* ---- commands without data ---- */

static void seek(struct ata_drive *d)
{
    uint64_t lba;

    d->hd.wide = false;
    d->power = ATA_ACTIVE;
    if (address(d, false, &lba) && lba < ata_disk_size(d))
        ata_done(d, true);
    else
        not_found(d);
}

static void native_max(struct ata_drive *d, bool wide)
{
    uint64_t size = ata_disk_size(d);

    if (!wide && size > LBA28_SECTORS)
        size = LBA28_SECTORS;
    d->hd.wide = wide;
    d->device |= DEV_LBA;
    show(d, size - 1);
    ata_done(d, true);
}

/* INITIALIZE DEVICE PARAMETERS: as many cylinders as the disk then has. */
static void set_geometry(struct ata_drive *d)
{
    uint32_t heads = (d->device & 15) + 1u, sectors = d->count[0];
    uint64_t cylinders = sectors ? ata_disk_size(d) / (heads * sectors) : 0;

    if (!cylinders) {
        ata_fail(d, ER_ABRT);
        return;
    }
    d->hd.heads = (uint8_t)heads;
    d->hd.sectors = (uint8_t)sectors;
    d->hd.cylinders = (uint16_t)(cylinders > 0xffff ? 0xffff : cylinders);
    ata_done(d, true);
}

static void set_multiple(struct ata_drive *d)
{
    uint8_t n = d->count[0];

    if (n > MULTIPLE_MAX || (n & (n - 1))) {
        d->hd.multiple = 0; /* 8.46.6 */
        ata_fail(d, ER_ABRT);
        return;
    }
    d->hd.multiple = n;
    ata_done(d, true);
}

static void set_features(struct ata_drive *d)
{
    bool good = true;

    switch (d->feature[0]) {
    case 0x02: d->hd.cached = true; break;
    case 0x82:
        good = flush(d);
        d->hd.cached = false;
        break;
    case 0x03: good = ata_set_mode(d, d->count[0]); break;
    case 0x55: d->hd.look_ahead = false; break;
    case 0xaa: d->hd.look_ahead = true; break;
    case 0x66: d->hd.keep = true; break;
    case 0xcc: d->hd.keep = false; break;
    default: good = false; break;
    }
    if (good)
        ata_done(d, true);
    else
        ata_fail(d, ER_ABRT);
}

static void flush_cache(struct ata_drive *d)
{
    if (flush(d))
        ata_done(d, true);
    else
        device_fault(d);
}

static void identify(struct ata_drive *d)
{
    ata_disk_identify(d, d->buffer.bytes);
    ata_disk_answer(d);
}

/* ---- the command register ---- */

static void execute(struct ata_drive *d)
{
    d->hd.work = WORK_NONE;
    d->dma = false;
    switch (d->command) {
    case 0x20: /* READ SECTOR(S); 21h without retries */
    case 0x21: transfer(d, WORK_READ, false, PIO); break;
    case 0x24: transfer(d, WORK_READ, true, PIO); break;
    case 0x25: transfer(d, WORK_READ, true, DMA); break;
    case 0x27: native_max(d, true); break;
    case 0x29: transfer(d, WORK_READ, true, MULTIPLE); break;
    case 0x30: /* WRITE SECTOR(S) */
    case 0x31: transfer(d, WORK_WRITE, false, PIO); break;
    case 0x34: transfer(d, WORK_WRITE, true, PIO); break;
    case 0x35: transfer(d, WORK_WRITE, true, DMA); break;
    case 0x39: transfer(d, WORK_WRITE, true, MULTIPLE); break;
    case 0x40: /* READ VERIFY SECTOR(S) */
    case 0x41: verify(d, false); break;
    case 0x42: verify(d, true); break;
    case 0x90: ata_diagnose(d); break;
    case 0x91: set_geometry(d); break;
    case 0xb0: ata_smart(d); break;
    case 0xc4: transfer(d, WORK_READ, false, MULTIPLE); break;
    case 0xc5: transfer(d, WORK_WRITE, false, MULTIPLE); break;
    case 0xc6: set_multiple(d); break;
    case 0xc8: /* READ DMA */
    case 0xc9: transfer(d, WORK_READ, false, DMA); break;
    case 0xca: /* WRITE DMA */
    case 0xcb: transfer(d, WORK_WRITE, false, DMA); break;
    case 0xe7: /* FLUSH CACHE, FLUSH CACHE EXT */
    case 0xea: flush_cache(d); break;
    case 0xec: identify(d); break;
    case 0xef: set_features(d); break;
    case 0xf8: native_max(d, false); break;
    default:
        if ((d->command & 0xf0) == 0x70)
            seek(d);
        else if ((d->command & 0xf0) == 0x10)
            ata_done(d, true); /* RECALIBRATE */
        else if (!ata_power_command(d))
            ata_fail(d, ER_ABRT); /* NOP too (8.24) */
        break;
    }
}

/* How long a command's first data, or its end, takes. */
static uint32_t latency(const struct ata_drive *d)
{
    bool wide = d->command == 0x25 || d->command == 0x35;
    uint32_t n;

    switch (d->command) {
    case 0x25:
    case 0x35:
    case 0xc8:
    case 0xc9:
    case 0xca:
    case 0xcb: n = count_of(d, wide); break;
    case 0x20:
    case 0x21:
    case 0x24:
    case 0x29:
    case 0x40:
    case 0x41:
    case 0x42:
    case 0xc4:
    case 0xe7:
    case 0xea: n = 1; break;
    default: return ATA_CONTROL_NS;
    }
    if (n > BUFFER / SECTOR)
        n = BUFFER / SECTOR;
    return ATA_COMMAND_NS + n * ATA_SECTOR_NS;
}

static void reset(struct ata_drive *d, bool hard)
{
    (void)hard;
    if (hard || !d->hd.keep) {
        standard_geometry(d);
        d->hd.multiple = 0;
        d->hd.cached = d->hd.look_ahead = true;
    }
    d->hd.work = WORK_NONE;
    d->hd.left = 0;
    d->power = ATA_ACTIVE;
    ata_stop(d);
    ata_signature(d, false);
    d->error = 1;
    d->status = ST_DRDY | ST_DSC;
}

const struct ata_kind ata_disk_kind = {
    .reset = reset,
    .execute = execute,
    .resume = resume,
    .block_done = block_done,
    .latency = latency,
};
