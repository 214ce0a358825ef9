/* ata.c - what all ATA drives do alike: phases, the data port, bus master transfers.
 *
 * ATA/ATAPI-6 (T13 1410D), chapters 5, 7 and 9. The one transfer of a drive is the
 * window [at, end) of its buffer; nothing else here or in the kinds has an index into
 * it.
 */
#include "devices/ata.h"

#include "base/byteorder.h"
#include "base/error.h"

const struct field ata_drive_fields[] = {
    ATA_STATE(STATE_FIELD, ata_drive)
        FIELD_SUBLIST(ata_drive, struct ata_disk, hd, 1, ata_disk_fields)
            FIELD_SUBLIST(ata_drive, struct atapi, cd, 1, atapi_fields)
                FIELD_BULK_ROW(ata_drive, buffer, "bytes on their way") FIELD_TIMER_ROW(
                    ata_drive, timer, "the next step of the command or reset"){0}};

bool ata_valid(const struct ata_drive *d, struct error *e)
{
    bool moving = d->phase == ATA_IN || d->phase == ATA_OUT;

    if (d->at > d->end || (moving && d->at == d->end))
        return error_set(e, "byte %u of %u of a transfer is none", d->at, d->end);
    if (moving && d->dma && !d->master)
        return error_set(e, "a DMA transfer goes on, but there is no bus master");
    if (!d->hd.heads || !d->hd.sectors || !d->hd.block)
        return error_set(e, "the geometry has no sectors");
    if (d->hd.lba > UINT64_MAX / SECTOR / 2)
        return error_set(e, "no disk has a sector %llu", (unsigned long long)d->hd.lba);
    return true;
}

static void arm(struct ata_drive *d, uint64_t ns)
{
    timer_arm(d->clock, &d->timer, clock_after_ns(d->clock, ns));
}

/* ---- phases ---- */

void ata_stop(struct ata_drive *d)
{
    timer_stop(d->clock, &d->timer);
    d->phase = ATA_IDLE;
    d->at = d->end = 0;
    d->status &= (uint8_t)~ST_DRQ;
}

void ata_busy(struct ata_drive *d, uint64_t ns)
{
    d->phase = ATA_BUSY;
    d->at = d->end = 0;
    d->status = ST_BSY | ST_DRDY | ST_DSC;
    arm(d, ns);
}

void ata_done(struct ata_drive *d, bool interrupt)
{
    ata_stop(d);
    d->status = ST_DRDY | ST_DSC;
    d->error = 0;
    d->intrq |= interrupt;
}

void ata_fail(struct ata_drive *d, uint8_t error)
{
    ata_stop(d);
    d->status = ST_DRDY | ST_DSC | ST_ERR;
    d->error = error;
    d->intrq = true;
}

void ata_hold(struct ata_drive *d)
{
    if (!d->kind)
        return;
    ata_stop(d);
    d->status = ST_BSY;
    d->intrq = false;
    d->resetting = true;
}

void ata_release(struct ata_drive *d)
{
    if (d->resetting)
        arm(d, ATA_RESET_NS);
}

void ata_command(struct ata_drive *d, uint8_t command)
{
    ata_stop(d);
    d->intrq = false;
    if (d->power == ATA_SLEEP)
        return; /* only a reset wakes it (ATA/ATAPI-6, 6.11.3) */
    d->command = command;
    d->status = ST_BSY | ST_DRDY | ST_DSC;
    d->error = 0;
    d->phase = ATA_GIVEN;
    arm(d, d->kind->latency(d));
}

/* ---- data ---- */

static void block_done(struct ata_drive *d)
{
    d->at = d->end = 0;
    d->kind->block_done(d);
}

/* The bus master moves what it will. What it leaves waits, with DRQ, until it is
 * started anew. */
static void move(struct ata_drive *d)
{
    uint32_t room = d->end - d->at;
    size_t moved;

    d->status = ST_DRDY | ST_DSC | ST_DRQ;
    if (!d->run || !d->master)
        return;
    moved = d->master->move(d->master->owner, d->master->channel, d->phase == ATA_IN,
                            d->buffer.bytes + d->at, room);
    d->at += moved < room ? (uint32_t)moved : room;
    if (d->at == d->end) {
        block_done(d);
    } else if (d->run) {
        d->status |= ST_BSY;
        arm(d, ATA_STEP_NS);
    }
}

static void begin(struct ata_drive *d, enum ata_phase phase, uint32_t n, bool dma,
                  bool interrupt)
{
    d->phase = (uint8_t)phase;
    d->at = 0;
    d->end = n < BUFFER ? n : BUFFER;
    d->dma = dma;
    if (dma) {
        move(d);
        return;
    }
    d->status = ST_DRDY | ST_DSC | ST_DRQ;
    d->intrq |= interrupt;
}

void ata_offer(struct ata_drive *d, uint32_t n, bool dma, bool interrupt)
{
    begin(d, ATA_IN, n, dma, interrupt);
}

void ata_want(struct ata_drive *d, uint32_t n, bool dma, bool interrupt)
{
    begin(d, ATA_OUT, n, dma, interrupt);
}

void ata_run(struct ata_drive *d)
{
    if ((d->phase == ATA_IN || d->phase == ATA_OUT) && d->dma) {
        d->status |= ST_BSY;
        arm(d, ATA_STEP_NS);
    }
}

/* How many bytes an access of `size` moves now. */
static unsigned portion(const struct ata_drive *d, enum ata_phase phase, unsigned size)
{
    uint32_t room = d->end - d->at;

    if (d->phase != phase || d->dma || d->at >= d->end || d->end > d->buffer.size)
        return 0;
    return room < size ? room : size;
}

uint32_t ata_data_read(struct ata_drive *d, unsigned size)
{
    unsigned n = portion(d, ATA_IN, size);
    const uint8_t *from = d->buffer.bytes + d->at;
    uint32_t v = 0;

    if (!n)
        return 0;
    if (n == 2)
        v = load16(from);
    else if (n == 4)
        v = load32(from);
    else
        for (unsigned i = 0; i < n; i++)
            v |= (uint32_t)from[i] << 8 * i;
    d->at += n;
    if (d->at == d->end)
        block_done(d);
    return v;
}

void ata_data_write(struct ata_drive *d, unsigned size, uint32_t v)
{
    unsigned n = portion(d, ATA_OUT, size);
    uint8_t *to = d->buffer.bytes + d->at;

    if (!n)
        return;
    for (unsigned i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> 8 * i);
    d->at += n;
    if (d->at == d->end)
        block_done(d);
}

void ata_due(struct ata_drive *d)
{
    if (!d->kind)
        return;
    if (d->resetting) {
        d->resetting = false;
        d->kind->reset(d, false);
        return;
    }
    switch (d->phase) {
    case ATA_GIVEN: d->kind->execute(d); break;
    case ATA_BUSY: d->kind->resume(d); break;
    case ATA_IN:
    case ATA_OUT:
        if (d->dma)
            move(d);
        break;
    default: break;
    }
}

/* ---- registers ---- */

void ata_signature(struct ata_drive *d, bool packet)
{
    d->count[0] = d->low[0] = 1;
    d->mid[0] = packet ? 0x14 : 0;
    d->high[0] = packet ? 0xeb : 0;
    d->device = 0;
}

void ata_diagnose(struct ata_drive *d)
{
    d->kind->reset(d, false);
    d->intrq = d->number == 0;
}

/* ---- IDENTIFY ---- */

void ata_text(uint8_t *block, unsigned word, unsigned words, const char *text)
{
    for (unsigned i = 0; i < 2 * words; i++)
        block[2 * word + (i ^ 1)] = (uint8_t)(*text ? *text++ : ' ');
}

void ata_identify_modes(const struct ata_drive *d, uint8_t *block)
{
    bool dma = d->master;
    uint8_t kind = d->transfer_mode >> 3;
    uint16_t chosen = (uint16_t)(0x100u << (d->transfer_mode & 7));

    ata_word(block, 49, (uint16_t)(0x0e00 | dma << 8)); /* IORDY, LBA, DMA */
    ata_word(block, 51, 0x0200);
    ata_word(block, 53, 0x0006); /* words 64 to 70 and 88 hold */
    ata_word(block, 63, (uint16_t)(dma ? 7 | (kind == 4 ? chosen : 0) : 0));
    ata_word(block, 64, 0x0003); /* PIO modes 3 and 4 */
    for (unsigned word = 65; word <= 68; word++)
        ata_word(block, word, 120); /* cycle times in ns */
    ata_word(block, 88, (uint16_t)(dma ? 0x3f | (kind == 8 ? chosen : 0) : 0));
}

/* 7.16.6, word 255: the bytes of the block add up to 0. */
void ata_checksum(uint8_t *block, uint8_t signature)
{
    uint8_t sum = 0;

    block[SECTOR - 2] = signature;
    for (unsigned i = 0; i < SECTOR - 1; i++)
        sum = (uint8_t)(sum + block[i]);
    block[SECTOR - 1] = (uint8_t)(0 - sum);
}

/* Table 45 of 7.49.2: PIO with and without IORDY, multiword DMA, Ultra DMA. */
bool ata_set_mode(struct ata_drive *d, uint8_t mode)
{
    uint8_t n = mode & 7;

    switch (mode >> 3) {
    case 0:
        if (n > 1)
            return false;
        break;
    case 1:
        if (n > 4)
            return false;
        break;
    case 4:
        if (n > 2 || !d->master)
            return false;
        break;
    case 8:
        if (n > 5 || !d->master)
            return false;
        break;
    default: return false;
    }
    d->transfer_mode = mode;
    return true;
}

/* ---- power ---- */

bool ata_power_command(struct ata_drive *d)
{
    switch (d->command) {
    case 0x94: /* the codes of ATA-1 to ATA-3 */
    case 0x96:
    case 0xe0: /* STANDBY IMMEDIATE */
    case 0xe2: /* STANDBY */ d->power = ATA_STANDBY; break;
    case 0x95:
    case 0x97:
    case 0xe1: /* IDLE IMMEDIATE */
    case 0xe3: /* IDLE */ d->power = ATA_ACTIVE; break;
    case 0x98:
    case 0xe5: /* CHECK POWER MODE */
        d->count[0] = d->power == ATA_STANDBY ? 0x00 : 0xff;
        break;
    case 0x99:
    case 0xe6: d->power = ATA_SLEEP; break;
    default: return false;
    }
    ata_done(d, true);
    return true;
}
