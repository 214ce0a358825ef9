/* floppy.c - an 82077AA floppy disk controller, PC/AT mode, and its drives.
 *
 * Ports 3F2h-3F5h and 3F7h; Intel 82077AA data sheet (290166), chapters 2 (registers),
 * 5 (commands) and 6 (status). SCAN commands and those of the 82078 are invalid, as in
 * that chip. Deleted data marks and other than 512-byte sectors cannot be kept in an
 * image: writing them says so.
 *
 * Times are far shorter than a real drive's, whose minute for a full disk nobody wants
 * to see: see enum times. What is there is the order of things: busy, interrupt,
 * status. A command for a drive without a turning disk would wait for an index pulse
 * for ever; here it ends after NO_INDEX_NS with a missing address mark.
 */
#include "devices/floppy.h"

#include "base/error.h"
#include "base/fifo.h"
#include "chipset/dma.h"
#include "devices/floppy_format.h"

#include <string.h>

enum { DOR = 2, TDR = 3, MSR = 4, FIFO = 5, DIR = 7, PORTS = 8 };
enum { DSR = MSR, CCR = DIR };
enum {
    DOR_DRIVE = 3,
    DOR_NRESET = 1 << 2,
    DOR_DMAGATE = 1 << 3,
    DOR_MOTOR0 = 1 << 4,
    MSR_BUSY = 1 << 4, /* bits 3:0: drives that seek */
    MSR_NON_DMA = 1 << 5,
    MSR_DIO = 1 << 6,
    MSR_RQM = 1 << 7,
    DSR_RESET = 1 << 7,
    DIR_CHANGE = 1 << 7,
};
enum {
    ST0_ABNORMAL = 1 << 6,
    ST0_INVALID = 1 << 7,
    ST0_RESET = 3 << 6,
    ST0_SE = 1 << 5,
    ST0_EC = 1 << 4,
    ST1_MA = 1 << 0,
    ST1_NW = 1 << 1,
    ST1_ND = 1 << 2,
    ST1_OR = 1 << 4,
    ST1_DE = 1 << 5,
    ST1_EN = 1 << 7,
    ST2_WC = 1 << 4,
    ST2_DD = 1 << 5,
    ST2_CM = 1 << 6,
    ST3_TWO_SIDE = 1 << 3,
    ST3_TRK0 = 1 << 4,
    ST3_READY = 1 << 5,
    ST3_WP = 1 << 6,
};
enum command {
    READ_TRACK = 0x02,
    SPECIFY = 0x03,
    SENSE_DRIVE = 0x04,
    WRITE_DATA = 0x05,
    READ_DATA = 0x06,
    RECALIBRATE = 0x07,
    SENSE_INTERRUPT = 0x08,
    WRITE_DELETED = 0x09,
    READ_ID = 0x0a,
    READ_DELETED = 0x0c,
    FORMAT_TRACK = 0x0d,
    DUMPREG = 0x0e,
    SEEK = 0x0f,
    VERSION = 0x10,
    PERPENDICULAR = 0x12,
    CONFIGURE = 0x13,
    LOCK = 0x14,
    VERIFY = 0x16,
};
enum { MT = 1 << 7, MFM = 1 << 6, SK = 1 << 5, CODE = 0x1f, EC = 1 << 7 };
enum { CONFIG_POLL = 1 << 4, CONFIG_EFIFO = 1 << 5, CONFIG_EIS = 1 << 6 };
enum phase { COMMAND, EXECUTION, RESULT, PHASES };
enum { SELECTS = 4, SECTOR = 512, SECTOR_N = 2, DMA_CHANNEL = 2, FRAME = 9 };

enum times { /* virtual ns */
             RESET_NS = 50000,
             START_NS =
                 200000, /* head settling and turning until the first sector comes */
             SECTOR_NS = 30000,
             SEEK_NS = 100000,
             STEP_NS = 10000, /* each cylinder */
             NO_INDEX_NS = 20000000,
};

#define DRIVE_STATE(_, x)                                                              \
    _(x, uint8_t, head, 0, 0xff, "cylinder the head is at")                            \
    _(x, uint8_t, pcn, 0, 0xff, "cylinder the controller thinks it is at")             \
    _(x, uint8_t, goal, 0, 0xff, "where a seek goes")                                  \
    _(x, bool, seeking, false, 1, "its bit in the MSR")                                \
    _(x, bool, pending, false, 1, "SENSE INTERRUPT has something to tell")             \
    _(x, uint8_t, st0, 0, 0xff, "namely this")                                         \
    _(x, bool, changed, true, 1, "DSKCHG")                                             \
    _(x, bool, dirty, false, 1, "written to since the motor last stopped")             \
    _(x, uint8_t, passing, 0, 0xff, "sector that READ ID saw last")

struct drive {
    DRIVE_STATE(STATE_MEMBER, )
    struct timer seek;
    /* Wiring. */
    struct floppy *owner;
    struct disk *disk;
    uint8_t type; /* CMOS; 0: no drive */
};

#define STATE(_, x)                                                                    \
    _(x, uint8_t, dor, 0, 0xff, "digital output")                                      \
    _(x, uint8_t, tdr, 0, 3, "tape drive")                                             \
    _(x, uint8_t, dsr, 2, 0x7f, "data rate select; rate also by CCR")                  \
    _(x, uint8_t, phase, COMMAND, PHASES - 1, "of the command")                        \
    _(x, uint8_t, frame, 0, 0xff, "the command's bytes, latched", FRAME)               \
    _(x, uint8_t, cylinder, 0, 0xff, "C, H, R of the next sector")                     \
    _(x, uint8_t, side, 0, 0xff, "")                                                   \
    _(x, uint8_t, record, 0, 0xff, "")                                                 \
    _(x, uint8_t, sectors, 0, 0xff, "VERIFY with EC, FORMAT: sectors still to go")     \
    _(x, bool, ends, false, 1, "the sector that moves is the last one")                \
    _(x, uint8_t, st1, 0, 0xff, "status 1 so far")                                     \
    _(x, uint8_t, st2, 0, 0xff, "status 2 so far")                                     \
    _(x, bool, irq, false, 1, "interrupt wanted")                                      \
    _(x, bool, waking, false, 1, "the timer ends a reset")                             \
    _(x, uint8_t, config, 0x20, 0x7f, "CONFIGURE: EIS, EFIFO, POLL, FIFOTHR")          \
    _(x, uint8_t, pretrk, 0, 0xff, "CONFIGURE: precompensation track")                 \
    _(x, bool, lock, false, 1, "LOCK: a software reset keeps these")                   \
    _(x, uint8_t, perpendicular, 0, 0x3f, "D3 to D0, GAP, WGATE")                      \
    _(x, uint8_t, specify, 0, 0xff, "SPECIFY: SRT and HUT, HLT and ND", 2)             \
    _(x, uint8_t, last_eot, 0, 0xff, "DUMPREG: SC or EOT of the last command")         \
    _(x, uint8_t, buffer, 0, 0xff, "a sector on its way", SECTOR)                      \
    _(x, uint16_t, at, 0, SECTOR, "next byte of it that the FIFO moves")               \
    _(x, uint16_t, end, 0, SECTOR, "bytes of it that the FIFO moves")

struct floppy {
    STATE(STATE_MEMBER, )
    struct fifo fifo; /* command and result bytes */
    struct drive drive[SELECTS];
    struct timer timer;
    struct line irq_pin;
    struct device *self, *dma;
    uint64_t type0, type1; /* options */
    bool said_deleted, said_format;
};

static const struct field drive_fields[] = {
    DRIVE_STATE(STATE_FIELD, drive) FIELD_TIMER_ROW(drive, seek, "the seek ends"){0}};

/* ---- media ---- */

/* The cylinder of the medium under the head: an 80-track 1.2M drive steps twice for
 * each of a 360K disk. */
static unsigned under_head(const struct drive *d, const struct floppy_format *f)
{
    return d->type == 2 && f->cylinders == 40 ? d->head / 2u : d->head;
}

/* ---- pins and time ---- */

static struct clock *clock_of(const struct floppy *f)
{
    return f->self->bus->clock;
}

static void update(struct floppy *f)
{
    line_set(&f->irq_pin, f->irq && (f->dor & DOR_DMAGATE) && (f->dor & DOR_NRESET));
}

static void interrupt(struct floppy *f)
{
    f->irq = true;
    update(f);
}

static void after(struct floppy *f, uint64_t ns)
{
    timer_arm(clock_of(f), &f->timer, clock_after_ns(clock_of(f), ns));
}

static struct drive *drive_of(struct floppy *f)
{
    return &f->drive[f->frame[1] & 3];
}

static unsigned code(const struct floppy *f)
{
    return f->frame[0] & CODE;
}

/* The head that the command selects; with MT the second one follows the first. */
static unsigned head_of(const struct floppy *f)
{
    return f->frame[1] >> 2 & 1;
}

/* The command's N: 512 bytes is 2. */
static uint8_t size_code(const struct floppy *f)
{
    return code(f) == READ_ID        ? SECTOR_N
           : code(f) == FORMAT_TRACK ? f->frame[2]
                                     : f->frame[5];
}

static bool writes(const struct floppy *f)
{
    return code(f) == WRITE_DATA || code(f) == WRITE_DELETED;
}

static bool non_dma(const struct floppy *f)
{
    return f->specify[1] & 1;
}

/* ---- results ---- */

static void result_begins(struct floppy *f)
{
    fifo_clear(&f->fifo);
    f->phase = RESULT;
    f->at = f->end = 0;
}

static void command_over(struct floppy *f)
{
    fifo_clear(&f->fifo);
    f->phase = COMMAND;
    f->at = f->end = 0;
}

/* ST0 to ST2 and C, H, R, N; st0 without drive and head. */
static void finish(struct floppy *f, uint8_t st0)
{
    dma_request(f->dma, DMA_CHANNEL, false);
    timer_stop(clock_of(f), &f->timer);
    result_begins(f);
    fifo_push(&f->fifo, (uint8_t)(st0 | (f->frame[1] & 7)));
    fifo_push(&f->fifo, f->st1);
    fifo_push(&f->fifo, f->st2);
    fifo_push(&f->fifo, f->cylinder);
    fifo_push(&f->fifo, f->side);
    fifo_push(&f->fifo, f->record);
    fifo_push(&f->fifo, size_code(f));
    interrupt(f);
}

static void fail(struct floppy *f, uint8_t st1, uint8_t st2)
{
    f->st1 |= st1;
    f->st2 |= st2;
    finish(f, ST0_ABNORMAL);
}

/* ---- sectors ---- */

/* What keeps the head from reading anything at all; NULL: nothing. */
static const struct floppy_format *readable(struct floppy *f)
{
    const struct drive *d = drive_of(f);
    const struct floppy_format *form = d->type ? floppy_format_of(d->disk) : NULL;

    if (!form || !(form->rates >> (f->dsr & 3) & 1) || !(f->frame[0] & MFM) ||
        under_head(d, form) >= form->cylinders)
        return NULL;
    return form;
}

/* Whether the disk turns under the head. */
static bool spins(struct floppy *f)
{
    const struct drive *d = drive_of(f);
    return d->type && d->disk && (f->dor & DOR_MOTOR0 << (f->frame[1] & 3));
}

/* Where the sector that the command asks for is on the image. False: the command has
 * ended, because it is not under the head. */
static bool find(struct floppy *f, uint64_t *offset)
{
    const struct floppy_format *form = readable(f);
    unsigned cylinder;

    if (!form || head_of(f) >= form->heads) {
        fail(f, ST1_MA, 0);
        return false;
    }
    cylinder = under_head(drive_of(f), form);
    if (f->cylinder != cylinder) {
        fail(f, ST1_ND, ST2_WC);
        return false;
    }
    if (f->side != head_of(f) || !f->record || f->record > form->sectors ||
        size_code(f) != SECTOR_N) {
        fail(f, ST1_ND, 0);
        return false;
    }
    *offset = SECTOR * ((uint64_t)(cylinder * form->heads + f->side) * form->sectors +
                        f->record - 1u);
    return true;
}

static bool read_sector(struct floppy *f)
{
    struct disk *k = drive_of(f)->disk;
    uint64_t offset, there;

    if (!find(f, &offset))
        return false;
    /* An image shorter than its format: the rest reads as zeroes. */
    there = offset >= k->size ? 0 : k->size - offset < SECTOR ? k->size - offset : SECTOR;
    memset(f->buffer + there, 0, (size_t)(SECTOR - there));
    if (!there || k->read(k->owner, offset, f->buffer, (size_t)there))
        return true;
    fail(f, ST1_DE, ST2_DD);
    return false;
}

static bool writable(struct floppy *f)
{
    if (!drive_of(f)->disk->read_only)
        return true;
    fail(f, ST1_NW, 0);
    return false;
}

static bool write_sector(struct floppy *f)
{
    struct disk *k = drive_of(f)->disk;
    uint64_t offset;

    if (!find(f, &offset) || !writable(f))
        return false;
    if (disk_holds(k, offset, SECTOR) &&
        k->write(k->owner, offset, f->buffer, SECTOR)) {
        drive_of(f)->dirty = true;
        return true;
    }
    fail(f, ST1_DE, ST2_DD);
    return false;
}

/* Goes on to the next sector's C, H, R, as the result phase shows it too (Table 5-4).
 * True: that was the last one of the track, or with MT of both. */
static bool advance(struct floppy *f)
{
    uint8_t eot = f->frame[6];

    if (f->record != eot) {
        f->record++;
        return false;
    }
    f->record = 1;
    if ((f->frame[0] & MT) && !(f->side & 1)) {
        f->side |= 1;
        f->frame[1] |= 4;
        return false;
    }
    if (f->frame[0] & MT)
        f->side &= (uint8_t)~1;
    f->cylinder++;
    return true;
}

/* A sector is done; tc: the host wants no more. */
static void sector_done(struct floppy *f, bool tc)
{
    bool end = advance(f);

    if (tc || f->ends)
        finish(f, 0);
    else if (end)
        fail(f, ST1_EN, 0);
    else
        after(f, SECTOR_NS);
}

/* ---- execution ---- */

static void fifo_moves(struct floppy *f, unsigned bytes)
{
    f->at = 0;
    f->end = (uint16_t)bytes;
    interrupt(f);
}

/* Bytes between the buffer and memory. False: nobody took part in time (overrun). */
static bool dma_moves(struct floppy *f, enum dma_kind kind, unsigned n, bool *tc)
{
    size_t moved = 0;

    if (f->dor & DOR_DMAGATE) {
        dma_request(f->dma, DMA_CHANNEL, true);
        if (kind == DMA_TO_MEMORY && dma_ready(f->dma, DMA_CHANNEL, DMA_VERIFY))
            kind = DMA_VERIFY; /* as BIOSes verify */
        moved = dma_transfer(f->dma, DMA_CHANNEL, kind, f->buffer, n, tc);
        dma_request(f->dma, DMA_CHANNEL, false);
    }
    if (moved)
        return true;
    fail(f, ST1_OR, 0);
    return false;
}

static void execute_read(struct floppy *f)
{
    bool tc = false;

    if (!read_sector(f))
        return;
    if (code(f) == READ_DELETED) { /* no sector here has that mark */
        if (f->frame[0] & SK) {
            sector_done(f, false);
            return;
        }
        f->st2 |= ST2_CM;
        f->ends = true;
    }
    if (non_dma(f))
        fifo_moves(f, SECTOR);
    else if (dma_moves(f, DMA_TO_MEMORY, SECTOR, &tc))
        sector_done(f, tc);
}

/* The sector is looked for before its bytes are taken, and written when they are there;
 * what TC cuts off is filled with zeroes (5.1.3). */
static void execute_write(struct floppy *f)
{
    uint64_t offset;
    bool tc = false;

    if (!writable(f) || !find(f, &offset))
        return;
    memset(f->buffer, 0, SECTOR);
    if (non_dma(f))
        fifo_moves(f, SECTOR);
    else if (dma_moves(f, DMA_FROM_MEMORY, SECTOR, &tc) && write_sector(f))
        sector_done(f, tc);
}

static void execute_verify(struct floppy *f)
{
    if (!read_sector(f))
        return;
    if ((f->frame[1] & EC) && f->sectors && --f->sectors == 0)
        f->ends = true;
    if (!(f->frame[1] & EC) && f->record == f->frame[6] &&
        (!(f->frame[0] & MT) || (f->side & 1)))
        f->ends = true; /* without EC the end of the track is the end (5.1.6) */
    sector_done(f, false);
}

/* C, H, R, N of the next sector have come: it gets the filler byte. */
static void format_sector(struct floppy *f)
{
    const struct floppy_format *form = readable(f);
    bool fits = form && f->buffer[0] == under_head(drive_of(f), form) &&
                f->buffer[1] == head_of(f) && f->buffer[2] &&
                f->buffer[2] <= form->sectors && f->buffer[3] == SECTOR_N &&
                size_code(f) == SECTOR_N;

    if (!fits) {
        log_unimplemented(f->self->bus->log, f->self->name, &f->said_format,
                          "formats that the image's size does not have");
        fail(f, ST1_ND, 0);
        return;
    }
    f->cylinder = f->buffer[0];
    f->side = f->buffer[1];
    f->record = f->buffer[2];
    memset(f->buffer, f->frame[5], SECTOR);
    if (!write_sector(f))
        return;
    if (f->sectors && --f->sectors)
        after(f, SECTOR_NS);
    else
        finish(f, 0);
}

static void execute_format(struct floppy *f)
{
    bool tc = false;

    if (!readable(f)) {
        fail(f, ST1_MA, 0);
        return;
    }
    if (!writable(f))
        return;
    if (non_dma(f))
        fifo_moves(f, 4);
    else if (dma_moves(f, DMA_FROM_MEMORY, 4, &tc))
        format_sector(f);
}

static void execute_read_id(struct floppy *f)
{
    const struct floppy_format *form = readable(f);
    struct drive *d = drive_of(f);

    if (!form || head_of(f) >= form->heads) {
        fail(f, ST1_MA, 0);
        return;
    }
    d->passing = (uint8_t)(d->passing % form->sectors + 1);
    f->cylinder = (uint8_t)under_head(d, form);
    f->record = d->passing;
    finish(f, 0);
}

static void execute(struct floppy *f)
{
    if (!spins(f)) {
        fail(f, ST1_MA, 0);
        return;
    }
    switch (code(f)) {
    case READ_ID: execute_read_id(f); break;
    case FORMAT_TRACK: execute_format(f); break;
    case VERIFY: execute_verify(f); break;
    case WRITE_DATA:
    case WRITE_DELETED: execute_write(f); break;
    default: execute_read(f); break;
    }
}

/* The FIFO has moved what it should (non-DMA mode). */
static void fifo_moved(struct floppy *f)
{
    f->at = f->end = 0;
    f->irq = false;
    if (code(f) == FORMAT_TRACK)
        format_sector(f);
    else if (!writes(f) || write_sector(f))
        sector_done(f, false);
    update(f);
}

/* ---- seeks ---- */

static void seek_due(void *owner)
{
    struct drive *d = owner;

    if (d->goal != d->head && d->type && d->disk)
        d->changed = false; /* a step with a disk inside */
    d->head = d->goal;
    d->seeking = false;
    d->pending = true;
    interrupt(d->owner);
}

static void start_seek(struct floppy *f, struct drive *d, unsigned goal, uint8_t st0)
{
    unsigned steps = goal > d->head ? goal - d->head : d->head - goal;

    d->goal = (uint8_t)goal;
    d->st0 = (uint8_t)(ST0_SE | st0 | (f->frame[1] & 7));
    d->seeking = true;
    timer_arm(clock_of(f), &d->seek,
              clock_after_ns(clock_of(f), SEEK_NS + STEP_NS * (uint64_t)steps));
}

/* Steps out until TRK0 says so, 79 at most; a drive that is not there never does. */
static void recalibrate(struct floppy *f, struct drive *d)
{
    bool there = d->type && d->head <= 79;

    f->frame[1] &= 3;
    start_seek(f, d, d->head > 79 ? d->head - 79u : 0,
               there ? 0 : ST0_ABNORMAL | ST0_EC);
    d->pcn = 0;
}

static void seek(struct floppy *f, struct drive *d)
{
    unsigned to = f->frame[2];
    int goal = d->head + ((int)to - d->pcn);

    start_seek(f, d, goal < 0 ? 0 : goal > 83 ? 83 : (unsigned)goal, 0);
    d->pcn = (uint8_t)to;
}

static void relative_seek(struct floppy *f, struct drive *d)
{
    int by = f->frame[0] & MFM ? f->frame[2] : -(int)f->frame[2]; /* DIR */
    int goal = d->head + by;

    start_seek(f, d, goal < 0 ? 0 : goal > 83 ? 83 : (unsigned)goal, 0);
    d->pcn = (uint8_t)(d->pcn + by);
}

/* Seeks that ended while a result was read want their interrupt now. */
static void remind(struct floppy *f)
{
    for (unsigned n = 0; n < SELECTS; n++)
        if (f->drive[n].pending && (f->drive[n].st0 & ST0_SE))
            f->irq = true;
}

/* ---- commands ---- */

static void one_result(struct floppy *f, uint8_t v)
{
    result_begins(f);
    fifo_push(&f->fifo, v);
}

static void sense_interrupt(struct floppy *f)
{
    f->irq = false;
    update(f);
    for (unsigned n = 0; n < SELECTS; n++) {
        struct drive *d = &f->drive[n];

        if (!d->pending)
            continue;
        d->pending = false;
        one_result(f, d->st0);
        fifo_push(&f->fifo, d->pcn);
        return;
    }
    one_result(f, ST0_INVALID);
}

static void sense_drive(struct floppy *f, const struct drive *d)
{
    uint8_t st3 = ST3_READY | ST3_TWO_SIDE | (f->frame[1] & 7);

    if (d->type && !d->head)
        st3 |= ST3_TRK0;
    if (d->disk && d->disk->read_only)
        st3 |= ST3_WP;
    one_result(f, st3);
}

static void dumpreg(struct floppy *f)
{
    result_begins(f);
    for (unsigned n = 0; n < SELECTS; n++)
        fifo_push(&f->fifo, f->drive[n].pcn);
    fifo_push(&f->fifo, f->specify[0]);
    fifo_push(&f->fifo, f->specify[1]);
    fifo_push(&f->fifo, f->last_eot);
    fifo_push(&f->fifo, (uint8_t)(f->lock << 7 | f->perpendicular));
    fifo_push(&f->fifo, f->config);
    fifo_push(&f->fifo, f->pretrk);
}

static void set_perpendicular(struct floppy *f)
{
    enum { OW = 0x80, DRIVES = 0x3c, MODE = 3 };
    uint8_t v = f->frame[1];

    f->perpendicular = (uint8_t)((f->perpendicular & DRIVES) | (v & MODE));
    if (v & OW)
        f->perpendicular = (uint8_t)(v & (DRIVES | MODE));
}

/* Latches what the transfer needs, and waits for the disk to come round. */
static void start_transfer(struct floppy *f)
{
    struct drive *d = drive_of(f);
    bool id = code(f) == READ_ID, format = code(f) == FORMAT_TRACK;

    f->phase = EXECUTION;
    f->st1 = f->st2 = 0;
    f->ends = false;
    f->at = f->end = 0;
    f->cylinder = id || format ? d->pcn : f->frame[2];
    f->side = id || format ? (uint8_t)head_of(f) : f->frame[3];
    f->record = code(f) == READ_TRACK || id || format ? 1 : f->frame[4];
    f->sectors = format ? f->frame[3] : f->frame[8];
    if (!id)
        f->last_eot = format ? f->frame[3] : f->frame[6];
    if ((f->config & CONFIG_EIS) && !id && !format && f->frame[2] != d->pcn) {
        d->head = d->pcn = f->frame[2] > 83 ? 83 : f->frame[2];
        d->changed = d->changed && !d->disk;
    }
    if (code(f) == WRITE_DELETED)
        log_unimplemented(f->self->bus->log, f->self->name, &f->said_deleted,
                          "deleted data marks");
    after(f, spins(f) ? START_NS : NO_INDEX_NS);
}

/* Bytes of a command; 1 for those that are invalid. */
static unsigned length(uint8_t first)
{
    switch (first & CODE) {
    case READ_TRACK:
    case WRITE_DATA:
    case READ_DATA:
    case WRITE_DELETED:
    case READ_DELETED:
    case VERIFY: return 9;
    case FORMAT_TRACK: return 6;
    case CONFIGURE: return 4;
    case SPECIFY:
    case SEEK: return 3;
    case SENSE_DRIVE:
    case RECALIBRATE:
    case READ_ID:
    case PERPENDICULAR: return 2;
    default: return 1;
    }
}

static void run(struct floppy *f)
{
    struct drive *d = drive_of(f);

    command_over(f);
    switch (code(f)) {
    case READ_TRACK:
    case WRITE_DATA:
    case READ_DATA:
    case WRITE_DELETED:
    case READ_ID:
    case READ_DELETED:
    case FORMAT_TRACK:
    case VERIFY: start_transfer(f); break;
    case SPECIFY:
        f->specify[0] = f->frame[1];
        f->specify[1] = f->frame[2];
        break;
    case SENSE_DRIVE: sense_drive(f, d); break;
    case RECALIBRATE: recalibrate(f, d); break;
    case SENSE_INTERRUPT: sense_interrupt(f); break;
    case DUMPREG: dumpreg(f); break;
    case SEEK:
        if (f->frame[0] & MT)
            relative_seek(f, d);
        else
            seek(f, d);
        break;
    case VERSION: one_result(f, 0x90); break;
    case PERPENDICULAR: set_perpendicular(f); break;
    case CONFIGURE:
        f->config = f->frame[2] & 0x7f;
        f->pretrk = f->frame[3];
        break;
    case LOCK:
        f->lock = f->frame[0] & MT;
        one_result(f, (uint8_t)(f->lock << 4));
        break;
    default: one_result(f, ST0_INVALID); break;
    }
}

/* ---- reset ---- */

/* What a software reset does (2.1.2, 4.2); hardware reset is the rows' values. */
static void soft_reset(struct floppy *f)
{
    struct clock *c = clock_of(f);

    dma_request(f->dma, DMA_CHANNEL, false);
    timer_stop(c, &f->timer);
    for (unsigned n = 0; n < SELECTS; n++) {
        struct drive *d = &f->drive[n];
        timer_stop(c, &d->seek);
        d->seeking = d->pending = false;
        d->pcn = 0;
    }
    if (!f->lock) {
        f->config = CONFIG_EFIFO;
        f->pretrk = 0;
    }
    f->perpendicular &= 0x3c;
    f->irq = false;
    f->waking = false;
    command_over(f);
    update(f);
}

static void wake(struct floppy *f)
{
    f->waking = true;
    after(f, RESET_NS);
}

/* After a reset the drives are polled: each reports that its ready line changed. */
static void awake(struct floppy *f)
{
    f->waking = false;
    if (f->config & CONFIG_POLL)
        return;
    for (unsigned n = 0; n < SELECTS; n++) {
        f->drive[n].pending = true;
        f->drive[n].st0 = (uint8_t)(ST0_RESET | n);
    }
    interrupt(f);
}

static void due(void *owner)
{
    struct floppy *f = owner;

    if (f->waking)
        awake(f);
    else if (f->phase == EXECUTION && !f->end)
        execute(f);
}

/* ---- registers ---- */

static void motor_stops(struct drive *d)
{
    if (d->dirty && d->disk)
        d->disk->flush(d->disk->owner); /* floppies know no flush; this is the time */
    d->dirty = false;
}

static void write_dor(struct floppy *f, uint8_t v)
{
    uint8_t was = f->dor;

    f->dor = v;
    for (unsigned n = 0; n < SELECTS; n++)
        if (was & ~v & (DOR_MOTOR0 << n))
            motor_stops(&f->drive[n]);
    if ((was & ~v) & DOR_NRESET)
        soft_reset(f);
    if ((~was & v) & DOR_NRESET)
        wake(f);
    update(f);
}

static void write_dsr(struct floppy *f, uint8_t v)
{
    f->dsr = v & 0x7f;
    if ((v & DSR_RESET) && (f->dor & DOR_NRESET)) {
        soft_reset(f);
        wake(f);
    }
}

static uint8_t msr(const struct floppy *f)
{
    uint8_t v = 0;

    if (!(f->dor & DOR_NRESET) || f->waking)
        return 0;
    for (unsigned n = 0; n < SELECTS; n++)
        v |= (uint8_t)(f->drive[n].seeking << n);
    switch (f->phase) {
    case COMMAND: return v | MSR_RQM | (fifo_count(&f->fifo) ? MSR_BUSY : 0);
    case RESULT: return v | MSR_RQM | MSR_DIO | MSR_BUSY;
    default: break;
    }
    v |= MSR_BUSY;
    if (f->end)
        v |= MSR_RQM | MSR_NON_DMA |
             (writes(f) || code(f) == FORMAT_TRACK ? 0 : MSR_DIO);
    return v;
}

/* In the execution phase (non-DMA mode): false when the FIFO moves nothing now. */
static bool fifo_open(const struct floppy *f, bool write)
{
    bool from_host = writes(f) || code(f) == FORMAT_TRACK;

    return f->phase == EXECUTION && f->at < f->end && f->end <= SECTOR &&
           from_host == write;
}

static void write_fifo(struct floppy *f, uint8_t v)
{
    if (!(f->dor & DOR_NRESET) || f->waking)
        return;
    if (fifo_open(f, true)) {
        f->buffer[f->at++] = v;
        if (f->at == f->end)
            fifo_moved(f);
        return;
    }
    if (f->phase != COMMAND)
        return;
    fifo_push(&f->fifo, v);
    if (fifo_count(&f->fifo) < length(f->fifo.bytes[f->fifo.first % FIFO_BYTES]))
        return;
    memset(f->frame, 0, sizeof f->frame);
    for (unsigned n = 0; n < FRAME && fifo_count(&f->fifo); n++)
        f->frame[n] = fifo_pop(&f->fifo);
    run(f);
}

static uint8_t read_fifo(struct floppy *f)
{
    uint8_t v = 0;

    if (fifo_open(f, false)) {
        v = f->buffer[f->at++];
        if (f->at == f->end)
            fifo_moved(f);
    } else if (f->phase == RESULT) {
        f->irq = false;
        v = fifo_pop(&f->fifo);
        update(f);
        if (!fifo_count(&f->fifo)) {
            command_over(f);
            remind(f);
            update(f);
        }
    }
    return v;
}

static uint8_t read_dir(const struct floppy *f)
{
    const struct drive *d = &f->drive[f->dor & DOR_DRIVE];
    return d->type && d->changed ? DIR_CHANGE : 0;
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct floppy *f = dev;

    if (io->write)
        return IO_DEFER;
    switch (io->address & (PORTS - 1)) {
    case DOR: io->value = f->dor; return IO_DONE;
    case TDR: io->value = f->tdr; return IO_DONE;
    case MSR: io->value = msr(f); return IO_DONE;
    case DIR: io->value = read_dir(f); return IO_DONE;
    default: return IO_DEFER;
    }
}

static enum io_status access(void *dev, struct io *io)
{
    struct floppy *f = dev;
    uint8_t v = (uint8_t)io->value;

    if (!io->write) {
        if (peek(dev, io) == IO_DEFER)
            io->value = read_fifo(f);
        return IO_DONE;
    }
    switch (io->address & (PORTS - 1)) {
    case DOR: write_dor(f, v); break;
    case TDR: f->tdr = v & 3; break;
    case DSR: write_dsr(f, v); break;
    case FIFO: write_fifo(f, v); break;
    default: f->dsr = (uint8_t)((f->dsr & 0x7c) | (v & 3)); break; /* CCR */
    }
    return IO_DONE;
}

/* ---- the device ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct floppy *f = dev;

    if (!f->dma)
        return error_set(e, "%s has no DMA controller", self->name);
    f->self = self;
    f->timer = (struct timer){.due = due, .owner = f};
    for (unsigned n = 0; n < SELECTS; n++) {
        f->drive[n].owner = f;
        f->drive[n].seek = (struct timer){.due = seek_due, .owner = &f->drive[n]};
    }
    if (!f->drive[0].type)
        f->drive[0].type = (uint8_t)f->type0;
    if (!f->drive[1].type)
        f->drive[1].type = (uint8_t)f->type1;
    return true;
}

static void drive(void *dev)
{
    update(dev);
}

static bool valid(const void *dev, struct error *e)
{
    const struct floppy *f = dev;

    if (f->at > f->end || (f->end && f->phase != EXECUTION))
        return error_set(e, "byte %u of %u of a sector is none", f->at, f->end);
    if (f->phase == COMMAND && fifo_count(&f->fifo) >= FRAME)
        return error_set(e, "no command has that many bytes");
    if (f->phase == RESULT && !fifo_count(&f->fifo))
        return error_set(e, "a result phase without a result");
    return true;
}

void floppy_connect(struct device *d, struct device *dma)
{
    struct floppy *f = d->state;
    f->dma = dma;
}

bool floppy_insert(struct device *dev, unsigned n, struct disk *disk, struct error *e)
{
    struct floppy *f = dev->state;
    struct drive *d = n < FLOPPY_DRIVES ? &f->drive[n] : NULL;
    const struct floppy_format *form = floppy_format_of(disk);

    if (!d || (f->self && !d->type))
        return error_set(e, "%s has no drive %u", dev->name, n);
    if (disk && !form)
        return error_set(e, "'%s' has %llu bytes: more than a floppy disk, or none",
                         disk->name ? disk->name : "the image",
                         (unsigned long long)disk->size);
    if (!f->self) {
        d->type = form ? form->type : 0;
        d->disk = disk;
        return true;
    }
    if (d->dirty && d->disk)
        motor_stops(d);
    d->disk = disk;
    d->changed = true;
    return true;
}

unsigned floppy_cmos_type(const struct device *dev, unsigned n)
{
    const struct floppy *f = dev->state;
    return n < FLOPPY_DRIVES ? f->drive[n].type : 0;
}

const struct device_class floppy_class = {
    .name = "floppy",
    .title = "82077AA floppy controller",
    .size = sizeof(struct floppy),
    .fields = (const struct field[]){STATE(STATE_FIELD, floppy) FIELD_SUBLIST(
        floppy, struct fifo, fifo, 1,
        fifo_fields) FIELD_SUBLIST(floppy, struct drive, drive, SELECTS, drive_fields)
                                         FIELD_TIMER_ROW(floppy, timer,
                                                         "the next sector, or the "
                                                         "end of a reset"){0}},
    .regions =
        (const struct region[]){
            {"floppy", 0x3f2, 4, peek, access},
            {"floppy-dir", 0x3f7, 1, peek, access},
            {0},
        },
    .pins =
        (const struct pin[]){{"irq", .offset = offsetof(struct floppy, irq_pin)}, {0}},
    .options =
        (const struct option[]){
            OPTION(floppy, type0, 4, 5, "drive 0's type as in the CMOS; 0: none"),
            OPTION(floppy, type1, 0, 5, "drive 1's type"),
            {0},
        },
    .init = init,
    .drive = drive,
    .valid = valid,
};
