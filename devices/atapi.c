/* atapi.c - an ATAPI CD-ROM drive: the packet protocol and the medium.
 *
 * ATA/ATAPI-6 (T13 1410D), 8.22 PACKET and 9.9; MMC-3 (T10 1363D); SFF-8020i for what
 * older drivers send. The medium has one session with one data track of 2048-byte
 * sectors; larger ones than a CD can be pass for a DVD-ROM. What commands answer of
 * themselves is in atapi_reply.c.
 */
#include "devices/ata.h"

#include <string.h>

enum step { STEP_NONE, STEP_PACKET, STEP_DATA, STEP_STATUS, STEP_ANSWER };

enum sense_key {
    KEY_NONE = 0,
    KEY_NOT_READY = 2,
    KEY_MEDIUM_ERROR = 3,
    KEY_ILLEGAL_REQUEST = 5,
    KEY_UNIT_ATTENTION = 6,
};

/* Interrupt reason, in the Sector Count register (8.22.6). */
enum { REASON_CD = 1, REASON_IO = 2 };

const struct field atapi_fields[] = {ATAPI_STATE(STATE_FIELD, atapi){0}};

/* ---- the medium ---- */

bool atapi_ready(const struct ata_drive *d)
{
    return d->disk && !d->cd.open;
}

uint32_t atapi_sectors(const struct ata_drive *d)
{
    uint64_t n = d->disk ? d->disk->size / CD_SECTOR : 0;

    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* ---- how a command ends ---- */

static void finish(struct ata_drive *d)
{
    d->cd.step = STEP_NONE;
    d->count[0] = REASON_IO | REASON_CD;
    ata_done(d, true);
}

static void check(struct ata_drive *d, uint8_t key, uint8_t asc, uint8_t ascq)
{
    d->cd.step = STEP_NONE;
    d->cd.key = key;
    d->cd.asc = asc;
    d->cd.ascq = ascq;
    d->count[0] = REASON_IO | REASON_CD;
    ata_fail(d, (uint8_t)(key << 4));
}

static void illegal(struct ata_drive *d, uint8_t asc)
{
    check(d, KEY_ILLEGAL_REQUEST, asc, 0);
}

/* The host did not say how it will take the data (8.22.4, byte count limit). */
static void abort_command(struct ata_drive *d)
{
    d->cd.step = STEP_NONE;
    ata_fail(d, ER_ABRT);
}

static void not_ready(struct ata_drive *d)
{
    check(d, KEY_NOT_READY, ASC_NO_MEDIUM, d->cd.open ? 2 : 1);
}

void atapi_changed(struct ata_drive *d, struct disk *disk)
{
    bool reading = d->cd.step == STEP_DATA && d->cd.medium;

    if (d->disk || disk)
        d->cd.event = disk ? EVENT_NEW : EVENT_REMOVED;
    d->disk = disk;
    d->sync_failed = false;
    d->cd.open = false;
    if (disk)
        d->cd.attention = ASC_CHANGED;
    if (reading)
        not_ready(d);
}

/* ---- data to the host ---- */

/* Of the next DRQ block: even unless it is the last (9.9, "byte count"). */
static uint32_t block_size(const struct ata_drive *d)
{
    uint64_t n = d->cd.left;

    if (!d->cd.wants_dma && n > d->cd.limit)
        n = d->cd.limit & ~1u; /* 0 only after a strange snapshot */
    return n < BUFFER ? (uint32_t)n : BUFFER;
}

static bool fetch(struct ata_drive *d, uint32_t n)
{
    struct disk *k = d->disk;

    return atapi_ready(d) && disk_holds(k, d->cd.from, n) &&
           k->read(k->owner, d->cd.from, d->buffer.bytes, n);
}

static void next_block(struct ata_drive *d)
{
    uint32_t n = block_size(d);

    if (!n) {
        finish(d);
        return;
    }
    if (d->cd.medium && !fetch(d, n)) {
        check(d, KEY_MEDIUM_ERROR, ASC_UNREADABLE, 0);
        return;
    }
    d->count[0] = REASON_IO;
    if (!d->cd.wants_dma) {
        d->mid[0] = (uint8_t)n;
        d->high[0] = (uint8_t)(n >> 8);
    }
    ata_offer(d, n, d->cd.wants_dma, true);
}

static uint64_t block_ns(const struct ata_drive *d)
{
    return ATA_SECTOR_NS * (uint64_t)(block_size(d) / SECTOR + 1);
}

static void block_sent(struct ata_drive *d)
{
    uint32_t n = block_size(d);
    uint64_t rest = d->cd.left - n;

    if (d->cd.medium)
        d->cd.from += n;
    else if (rest && rest <= BUFFER - n)
        memmove(d->buffer.bytes, d->buffer.bytes + n, (size_t)rest);
    d->cd.left = rest;
    if (!rest)
        d->cd.step = STEP_STATUS;
    ata_busy(d, rest ? block_ns(d) : ATA_CONTROL_NS);
}

/* `left` bytes go to the host. */
static void send(struct ata_drive *d, uint64_t left, bool medium)
{
    if (!left) {
        finish(d);
        return;
    }
    d->cd.left = left;
    d->cd.medium = medium;
    d->cd.step = STEP_DATA;
    next_block(d);
}

/* ---- commands ---- */

static void test_unit_ready(struct ata_drive *d)
{
    finish(d); /* what could be wrong has been looked at */
}

static void read_sectors(struct ata_drive *d, uint64_t lba, uint64_t n)
{
    uint32_t size = atapi_sectors(d);

    if (lba > size || n > size - lba) {
        illegal(d, ASC_RANGE);
        return;
    }
    d->cd.from = lba * CD_SECTOR;
    send(d, n * CD_SECTOR, true);
}

static void read_6(struct ata_drive *d)
{
    const uint8_t *p = d->cd.packet;
    uint32_t lba = (uint32_t)(p[1] & 0x1f) << 16 | (uint32_t)p[2] << 8 | p[3];

    read_sectors(d, lba, p[4] ? p[4] : 256);
}

static void read_10(struct ata_drive *d)
{
    const uint8_t *p = d->cd.packet;
    read_sectors(d, load_be32(p + 2), (uint32_t)p[7] << 8 | p[8]);
}

static void read_12(struct ata_drive *d)
{
    const uint8_t *p = d->cd.packet;
    read_sectors(d, load_be32(p + 2), load_be32(p + 6));
}

/* READ CD: user data of data sectors, or nothing. Headers, C2 pointers and subchannels
 * are not on an image of 2048-byte sectors. */
static void read_cd(struct ata_drive *d, uint32_t lba, uint32_t n)
{
    enum { USER_DATA = 0x10, HEADERS = 0xec };
    const uint8_t *p = d->cd.packet;
    uint8_t type = p[1] >> 2 & 7;

    if (type != 0 && type != 2) { /* any, mode 1 */
        illegal(d, ASC_TRACK_MODE);
        return;
    }
    if ((p[9] & (HEADERS | 2)) || (p[10] & 7)) {
        illegal(d, ASC_FIELD);
        return;
    }
    if (!(p[9] & USER_DATA))
        n = 0;
    read_sectors(d, lba, n);
}

static void read_cd_lba(struct ata_drive *d)
{
    const uint8_t *p = d->cd.packet;
    read_cd(d, load_be32(p + 2), (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8]);
}

static uint32_t frames(const uint8_t *msf)
{
    return ((uint32_t)msf[0] * 60 + msf[1]) * 75 + msf[2];
}

static void read_cd_msf(struct ata_drive *d)
{
    const uint8_t *p = d->cd.packet;
    uint32_t from = frames(p + 3), to = frames(p + 6);

    if (from < 150 || to < from)
        illegal(d, ASC_FIELD);
    else
        read_cd(d, from - 150, to - from);
}

static void seek(struct ata_drive *d)
{
    if (load_be32(d->cd.packet + 2) < atapi_sectors(d))
        finish(d);
    else
        illegal(d, ASC_RANGE);
}

static void verify(struct ata_drive *d)
{
    const uint8_t *p = d->cd.packet;
    uint64_t lba = load_be32(p + 2), n = (uint32_t)p[7] << 8 | p[8];

    if (p[1] & 2) /* BytChk: would take data */
        illegal(d, ASC_FIELD);
    else if (lba + n > atapi_sectors(d))
        illegal(d, ASC_RANGE);
    else
        finish(d);
}

static void start_stop(struct ata_drive *d)
{
    enum { START = 1, LOEJ = 2 };
    uint8_t how = d->cd.packet[4] & (START | LOEJ);

    if (how == LOEJ && !d->cd.open) {
        if (d->cd.locked) {
            check(d, KEY_ILLEGAL_REQUEST, ASC_LOCKED, 2);
            return;
        }
        d->cd.open = true;
        d->cd.event = EVENT_REMOVED;
    } else if (how == (LOEJ | START) && d->cd.open) {
        d->cd.open = false;
        if (d->disk) {
            d->cd.attention = ASC_CHANGED;
            d->cd.event = EVENT_NEW;
        }
    }
    finish(d);
}

static void prevent_allow(struct ata_drive *d)
{
    d->cd.locked = d->cd.packet[4] & 1;
    finish(d);
}

/* There is no sound on the medium. */
static void play(struct ata_drive *d)
{
    illegal(d, ASC_TRACK_MODE);
}

static void reply(struct ata_drive *d)
{
    uint8_t asc = ASC_FIELD;
    uint32_t n = 0;

    if (atapi_reply(d, &n, &asc))
        send(d, n, false);
    else
        check(d, KEY_ILLEGAL_REQUEST, asc, asc == ASC_WRONG_MEDIUM ? 2 : 0);
}

enum needs {
    MEDIUM = 1, /* not ready without one */
    ALWAYS = 2, /* a unit attention does not stop it (MMC-3, 4.1.6.1; SPC-2, 5.8.1) */
    SENDS = 4,  /* bytes to the host: the byte count limit must allow it */
};

static const struct row {
    uint8_t opcode, needs;
    void (*run)(struct ata_drive *d);
} commands[] = {
    {0x00, MEDIUM, test_unit_ready},
    {0x03, ALWAYS | SENDS, reply}, /* REQUEST SENSE */
    {0x08, MEDIUM | SENDS, read_6},
    {0x12, ALWAYS | SENDS, reply}, /* INQUIRY */
    {0x1a, SENDS, reply},          /* MODE SENSE (6) */
    {0x1b, 0, start_stop},
    {0x1e, 0, prevent_allow},
    {0x25, MEDIUM | SENDS, reply}, /* READ CAPACITY */
    {0x28, MEDIUM | SENDS, read_10},
    {0x2b, MEDIUM, seek},
    {0x2f, MEDIUM, verify},
    {0x42, MEDIUM | SENDS, reply},   /* READ SUB-CHANNEL */
    {0x43, MEDIUM | SENDS, reply},   /* READ TOC/PMA/ATIP */
    {0x45, MEDIUM, play},            /* PLAY AUDIO (10) */
    {0x46, ALWAYS | SENDS, reply},   /* GET CONFIGURATION */
    {0x47, MEDIUM, play},            /* PLAY AUDIO MSF */
    {0x4a, ALWAYS | SENDS, reply},   /* GET EVENT/STATUS NOTIFICATION */
    {0x4e, MEDIUM, test_unit_ready}, /* STOP PLAY/SCAN: nothing plays */
    {0x51, MEDIUM | SENDS, reply},   /* READ DISC INFORMATION */
    {0x5a, SENDS, reply},            /* MODE SENSE (10) */
    {0xa8, MEDIUM | SENDS, read_12},
    {0xad, MEDIUM | SENDS, reply}, /* READ DVD STRUCTURE */
    {0xb9, MEDIUM | SENDS, read_cd_msf},
    {0xbb, 0, test_unit_ready}, /* SET CD SPEED: as fast as it is */
    {0xbd, SENDS, reply},       /* MECHANISM STATUS */
    {0xbe, MEDIUM | SENDS, read_cd_lba},
};

static const struct row *find(uint8_t opcode)
{
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        if (commands[i].opcode == opcode)
            return &commands[i];
    return NULL;
}

static void run(struct ata_drive *d)
{
    const struct row *r = find(d->cd.packet[0]);

    if (d->cd.attention && !(r && (r->needs & ALWAYS))) {
        uint8_t asc = d->cd.attention;
        d->cd.attention = 0;
        check(d, KEY_UNIT_ATTENTION, asc, 0);
        return;
    }
    if (d->cd.packet[0] != 0x03)
        d->cd.key = d->cd.asc = d->cd.ascq = 0;
    if (!r)
        illegal(d, ASC_OPCODE);
    else if ((r->needs & MEDIUM) && !atapi_ready(d))
        not_ready(d);
    else if ((r->needs & SENDS) && !d->cd.wants_dma && d->cd.limit < 2)
        abort_command(d);
    else
        r->run(d);
}

/* ---- the command register ---- */

static void packet(struct ata_drive *d)
{
    enum { OVERLAP = 2, DMA = 1 };
    uint16_t limit = (uint16_t)(d->mid[0] | d->high[0] << 8);

    if ((d->feature[0] & OVERLAP) || ((d->feature[0] & DMA) && !d->master)) {
        ata_fail(d, ER_ABRT);
        return;
    }
    d->cd.wants_dma = d->feature[0] & DMA;
    d->cd.limit = limit == 0xffff ? 0xfffe : limit;
    d->cd.step = STEP_PACKET;
    d->count[0] = REASON_CD;
    ata_want(d, PACKET, false, false);
}

static void packet_came(struct ata_drive *d)
{
    uint8_t opcode = d->buffer.bytes[0];
    bool reads = opcode == 0x08 || opcode == 0x28 || opcode == 0xa8 || opcode == 0xbe;

    memcpy(d->cd.packet, d->buffer.bytes, PACKET);
    ata_busy(d, reads ? ATA_COMMAND_NS : ATA_CONTROL_NS);
}

static void set_features(struct ata_drive *d)
{
    uint8_t what = d->feature[0];
    bool good =
        what == 0x03 ? ata_set_mode(d, d->count[0]) : what == 0x66 || what == 0xcc;

    if (good)
        ata_done(d, true);
    else
        ata_fail(d, ER_ABRT);
}

static void identify(struct ata_drive *d)
{
    d->cd.step = STEP_ANSWER;
    atapi_identify(d, d->buffer.bytes);
    ata_offer(d, SECTOR, false, true);
}

/* Commands of disks, by which drivers find out what this is (9.12, 8.15.5). */
static void refuse_with_signature(struct ata_drive *d)
{
    ata_signature(d, true);
    ata_fail(d, ER_ABRT);
}

static void execute(struct ata_drive *d)
{
    d->cd.step = STEP_NONE;
    d->dma = false;
    switch (d->command) {
    case 0x90: ata_diagnose(d); break;
    case 0xa0: packet(d); break;
    case 0xa1: identify(d); break;
    case 0x20:
    case 0xec: refuse_with_signature(d); break;
    case 0xef: set_features(d); break;
    default:
        if (!ata_power_command(d))
            ata_fail(d, ER_ABRT); /* NOP too */
        break;
    }
}

static void resume(struct ata_drive *d)
{
    switch (d->cd.step) {
    case STEP_PACKET: run(d); break;
    case STEP_DATA: next_block(d); break;
    default: finish(d); break;
    }
}

static void block_done(struct ata_drive *d)
{
    switch (d->cd.step) {
    case STEP_PACKET: packet_came(d); break;
    case STEP_DATA: block_sent(d); break;
    default: ata_done(d, false); break;
    }
}

static uint32_t latency(const struct ata_drive *d)
{
    (void)d;
    return ATA_CONTROL_NS;
}

static void reset(struct ata_drive *d, bool hard)
{
    (void)hard;
    d->cd.step = STEP_NONE;
    d->power = ATA_ACTIVE;
    ata_stop(d);
    ata_signature(d, true);
    d->error = 1;
    d->status = 0; /* no DRDY before the first command (9.12) */
}

const struct ata_kind atapi_kind = {
    .reset = reset,
    .execute = execute,
    .resume = resume,
    .block_done = block_done,
    .latency = latency,
};
