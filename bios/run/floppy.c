/* floppy.c - INT 13h for floppies, IRQ 6.
 *
 * Intel 82077AA data sheet (290166); DMA: Intel 8237A; BDA fields and INT 1Eh: RBIL
 * MEMORY.LST 40:3E, 40:8B-95, INT 1Eh. Motors of the emulated drives need no time to
 * come up to speed, so nobody waits for them.
 */
#include "run.h"

enum { DOR = 0x3f2, MSR = 0x3f4, FIFO = 0x3f5, DIR = 0x3f7, CCR = 0x3f7 };
enum { RQM = 0x80, DIO = 0x40, DOR_RUN = 0x0c, CHANGED = 0x80 };
enum {
    FDC_SPECIFY = 0x03,
    FDC_SENSE = 0x08,
    FDC_RECALIBRATE = 0x07,
    FDC_SEEK = 0x0f,
    FDC_READ_ID = 0x4a,
    FDC_READ = 0xe6,
    FDC_WRITE = 0xc5,
    FDC_FORMAT = 0x4d
};
enum { ESTABLISHED = 0x10 }; /* 40:90 bit 4; bits 7:6 rate, 2:0 what was found */
enum { TIMEOUT_TICKS = 37 };

void irq_6(struct regs *r);

/* By CMOS type: the geometry, and the rates to try, best first (CCR values). */
static const struct format {
    u8 cylinders, spt, rates[3], count;
} formats[] = {
    {0, 0, {0}, 0},  {40, 9, {2}, 1},     {80, 15, {0, 1, 2}, 3},
    {80, 9, {2}, 1}, {80, 18, {0, 2}, 2}, {80, 36, {3, 0, 2}, 3},
};

u8 floppy_type(u8 drive)
{
    u8 v = cmos_read(CMOS_FLOPPIES);
    u8 type = drive > 1 ? 0 : drive ? v & 15 : v >> 4;
    return type < ARRAY_SIZE(formats) ? type : 0;
}

u8 floppy_count(void)
{
    return (u8)(!!floppy_type(0) + !!floppy_type(1));
}

void irq_6(struct regs *r)
{
    (void)r;
    BDA->floppy_recal |= 0x80;
    eoi(6);
}

/* From the timer: motors stop when nobody has used them for a while. */
void floppy_tick(void)
{
    if (!BDA->floppy_timeout || --BDA->floppy_timeout)
        return;
    if (BDA->floppy_motor & 15) {
        BDA->floppy_motor &= 0xf0;
        out8(DOR, DOR_RUN);
    }
}

/* ---- commands ---- */

static bool fifo_ready(u8 direction)
{
    struct deadline d;

    if ((in8(MSR) & (RQM | DIO)) == (RQM | direction))
        return true;
    deadline_set(&d, 100);
    while ((in8(MSR) & (RQM | DIO)) != (RQM | direction))
        if (deadline_over(&d))
            return false;
    return true;
}

static bool send(const u8 *bytes, u32 n)
{
    for (; n; n--) {
        if (!fifo_ready(0))
            return false;
        out8(FIFO, *bytes++);
    }
    return true;
}

/* The result phase, to 40:42. */
static u32 results(void)
{
    u32 n = 0;
    while (n < 7 && fifo_ready(DIO)) {
        BDA->floppy_result[n++] = in8(FIFO);
        if (!(in8(MSR) & 0x10)) /* CMD BSY: the last byte is out */
            break;
    }
    return n;
}

static bool wait_interrupt(void)
{
    u32 from = BDA->ticks;

    while (!(BDA->floppy_recal & 0x80)) {
        if (BDA->ticks - from > TIMEOUT_TICKS)
            return false;
        irq_wait();
    }
    BDA->floppy_recal &= 0x7f;
    return true;
}

static bool sense(u8 *st0)
{
    static const u8 command[] = {FDC_SENSE};
    if (!send(command, 1) || results() < 1)
        return false;
    *st0 = BDA->floppy_result[0];
    return true;
}

static u8 parameter(u8 n)
{
    u32 at = far32(0, 0x1e * 4);
    return far8((u16)(at >> 16), (at & 0xffff) + n);
}

static u8 reset(void)
{
    u8 st0, specify[3] = {FDC_SPECIFY, parameter(0), parameter(1)};

    BDA->floppy_recal &= 0x70;
    BDA->floppy_track[0] = BDA->floppy_track[1] = 0;
    out8(DOR, (u8)(0x08 | (BDA->floppy_motor & 3) << 4));
    out8(DOR, (u8)(DOR_RUN | (BDA->floppy_motor & 3) << 4));
    if (!wait_interrupt())
        return DISK_CONTROLLER;
    for (u32 n = 0; n < 4; n++) /* one for each drive (82077AA, 5.2.3) */
        if (!sense(&st0))
            return DISK_CONTROLLER;
    return send(specify, sizeof specify) ? DISK_OK : DISK_CONTROLLER;
}

static void motor_on(u8 drive)
{
    BDA->floppy_timeout = 0xff; /* not while we work */
    BDA->floppy_motor = (u8)((BDA->floppy_motor & 0x70) | 1 << drive);
    out8(DOR, (u8)(DOR_RUN | 0x10 << drive | drive));
}

static bool seek(u8 drive, u8 head, u8 cylinder)
{
    u8 st0, command[3] = {FDC_SEEK, (u8)(head << 2 | drive), cylinder};
    u8 back[2] = {FDC_RECALIBRATE, drive};

    if (!(BDA->floppy_recal & 1 << drive)) {
        BDA->floppy_recal &= 0x7f;
        if (!send(back, 2) || !wait_interrupt() || !sense(&st0) || st0 & 0xc0)
            return false;
        BDA->floppy_recal |= (u8)(1 << drive);
        BDA->floppy_track[drive] = 0;
    }
    if (BDA->floppy_track[drive] == cylinder)
        return true;
    BDA->floppy_recal &= 0x7f;
    if (!send(command, 3) || !wait_interrupt() || !sense(&st0) || st0 & 0xc0)
        return false;
    BDA->floppy_track[drive] = cylinder;
    return true;
}

static void set_rate(u8 rate)
{
    out8(CCR, rate);
    BDA->floppy_rate = (u8)((BDA->floppy_rate & 0x3f) | rate << 6);
}

/* A drive whose door was opened says so until a step (82077AA, DIR). */
static u8 notice_change(u8 drive)
{
    if (!(in8(DIR) & CHANGED))
        return DISK_OK;
    if (!seek(drive, 0, 1) || !seek(drive, 0, 0))
        return DISK_TIMEOUT;
    if (in8(DIR) & CHANGED)
        return DISK_TIMEOUT; /* there is no medium */
    if (BDA->floppy_media[drive] & ESTABLISHED) {
        BDA->floppy_media[drive] = 0;
        return DISK_CHANGED;
    }
    return DISK_OK;
}

/* Which rate the medium was written with: the one at which a sector's mark is found. */
static u8 establish(u8 drive)
{
    const struct format *f = &formats[floppy_type(drive)];
    u8 command[2] = {FDC_READ_ID, drive};

    if (BDA->floppy_media[drive] & ESTABLISHED) {
        set_rate(BDA->floppy_media[drive] >> 6);
        return DISK_OK;
    }
    for (u32 n = 0; n < f->count; n++) {
        set_rate(f->rates[n]);
        if (!seek(drive, 0, 0))
            return DISK_SEEK;
        BDA->floppy_recal &= 0x7f;
        if (!send(command, 2) || !wait_interrupt() || results() < 7)
            return DISK_TIMEOUT;
        if (!(BDA->floppy_result[0] & 0xc0)) {
            BDA->floppy_media[drive] = (u8)(f->rates[n] << 6 | ESTABLISHED | 7);
            return DISK_OK;
        }
    }
    return DISK_NO_MARK;
}

/* ---- transfers ---- */

/* Channel 2, one block; the 8237 cannot cross 64 KiB. */
static bool set_up_dma(u32 at, u32 bytes, u8 mode)
{
    if ((at & 0xffff) + bytes > 0x10000 || (at + bytes) >> 24)
        return false;
    out8(0x0a, 6);
    out8(0x0c, 0);
    out8(0x0b, mode);
    out8(0x04, (u8)at);
    out8(0x04, (u8)(at >> 8));
    out8(0x81, (u8)(at >> 16));
    out8(0x05, (u8)(bytes - 1));
    out8(0x05, (u8)((bytes - 1) >> 8));
    out8(0x0a, 2);
    return true;
}

static u8 status_of_result(void)
{
    u8 st0 = BDA->floppy_result[0], st1 = BDA->floppy_result[1];

    if (!(st0 & 0xc0))
        return DISK_OK;
    if (st0 & 0x08)
        return DISK_TIMEOUT;
    if (st1 & 0x80 || st1 & 0x04)
        return DISK_NOT_FOUND;
    if (st1 & 0x20)
        return DISK_CRC;
    if (st1 & 0x10)
        return DISK_DMA_OVERRUN;
    if (st1 & 0x02)
        return DISK_PROTECTED;
    if (st1 & 0x01)
        return DISK_NO_MARK;
    return DISK_CONTROLLER;
}

/* Motor, change line, rate, cylinder: all that comes before a transfer. */
static u8 prepare(u8 drive, u8 head, u8 cylinder)
{
    u8 status;

    motor_on(drive);
    status = notice_change(drive);
    if (!status)
        status = establish(drive);
    if (!status && !seek(drive, head, cylinder))
        status = DISK_SEEK;
    return status;
}

static u8 run(const u8 *command, u32 n)
{
    BDA->floppy_recal &= 0x7f;
    if (!send(command, n) || !wait_interrupt() || results() < 7) {
        reset();
        return DISK_TIMEOUT;
    }
    return status_of_result();
}

static void transfer(struct regs *r, u8 fdc, u8 dma)
{
    u8 drive = r->dl, head = r->dh, cylinder = r->ch, sector = r->cl, count = r->al;
    u8 command[9] = {fdc,          (u8)(head << 2 | drive),
                     cylinder,     head,
                     sector,       parameter(3),
                     parameter(4), parameter(5),
                     parameter(6)};
    u32 at = (u32)r->es * 16 + r->bx;
    u8 status;

    r->al = 0;
    if (!count || head > 1 || !sector || count > 128) {
        disk_return(r, DISK_BAD_COMMAND);
        return;
    }
    if (!set_up_dma(dma == 0x42 ? 0 : at, count * 128u << (parameter(3) & 3), dma)) {
        disk_return(r, DISK_DMA_BOUNDARY);
        return;
    }
    status = prepare(drive, head, cylinder);
    if (!status)
        status = run(command, sizeof command);
    if (!status)
        r->al = count;
    else if (status != DISK_CHANGED)
        BDA->floppy_media[drive] &= (u8)~ESTABLISHED;
    BDA->floppy_timeout = parameter(2);
    disk_return(r, status);
}

static void format(struct regs *r) /* 05h: four bytes for each sector at ES:BX */
{
    u8 drive = r->dl, head = r->dh;
    u8 command[6] = {FDC_FORMAT,   (u8)(head << 2 | drive),
                     parameter(3), parameter(4),
                     parameter(7), parameter(8)};
    u8 status;

    if (head > 1) {
        disk_return(r, DISK_BAD_COMMAND);
        return;
    }
    if (!set_up_dma((u32)r->es * 16 + r->bx, parameter(4) * 4u, 0x4a)) {
        disk_return(r, DISK_DMA_BOUNDARY);
        return;
    }
    if (!(BDA->floppy_media[drive] & ESTABLISHED)) /* nothing to find on it yet */
        BDA->floppy_media[drive] =
            (u8)(formats[floppy_type(drive)].rates[0] << 6 | ESTABLISHED | 7);
    motor_on(drive);
    status = notice_change(drive);
    if (!status) {
        set_rate(BDA->floppy_media[drive] >> 6);
        status = seek(drive, head, r->ch) ? run(command, sizeof command) : DISK_SEEK;
    }
    BDA->floppy_timeout = parameter(2);
    disk_return(r, status);
}

static void geometry(struct regs *r) /* 08h */
{
    u8 type = floppy_type(r->dl);
    const struct format *f = &formats[type];

    r->ax = 0;
    r->bx = type;
    r->ch = (u8)(type ? f->cylinders - 1 : 0);
    r->cl = f->spt;
    r->dh = type ? 1 : 0;
    r->dl = floppy_count();
    r->es = CODE_SEG;
    r->di = 0xefc7;
    set_carry(r, false);
}

static void set_media(struct regs *r) /* 17h, 18h */
{
    u8 drive = r->dl, type = floppy_type(drive), rate;

    if (r->ah == 0x17) {
        /* AL: 1 360K, 2 360K in a 1.2M drive, 3 1.2M, 4 720K */
        static const u8 rates[] = {0, 2, 1, 0, 2};
        if (r->al < 1 || r->al > 4) {
            disk_return(r, DISK_BAD_COMMAND);
            return;
        }
        rate = rates[r->al];
    } else {
        u8 last = r->ch, spt = r->cl & 63;
        if (spt > formats[type].spt || last >= formats[type].cylinders) {
            disk_return(r, DISK_NO_MEDIA_TYPE);
            return;
        }
        rate = spt > 18 ? 3 : spt > 9 ? 0 : type == 2 && last < 40 ? 1 : 2;
        r->es = CODE_SEG;
        r->di = 0xefc7;
    }
    BDA->floppy_media[drive] = (u8)(rate << 6 | ESTABLISHED | 7);
    disk_return(r, DISK_OK);
}

void floppy_command(struct regs *r)
{
    u8 drive = r->dl;

    if (r->ah == 0x08 && drive < 0x80) {
        geometry(r);
        if (!floppy_count())
            disk_return(r, DISK_BAD_COMMAND);
        return;
    }
    if (drive > 1 || !floppy_type(drive)) {
        if (r->ah == 0x15) {
            r->ah = 0;
            set_carry(r, false);
        } else if (r->ah == 0x00 && floppy_count()) {
            disk_return(r, reset());
        } else {
            disk_return(r, r->ah == 0x01 ? BDA->floppy_status : DISK_TIMEOUT);
        }
        return;
    }
    irqs_on();
    switch (r->ah) {
    case 0x00: disk_return(r, reset()); break;
    case 0x01:
        r->ah = BDA->floppy_status;
        set_carry(r, r->ah != 0);
        break;
    case 0x02: transfer(r, FDC_READ, 0x46); break;
    case 0x03: transfer(r, FDC_WRITE, 0x4a); break;
    case 0x04: transfer(r, FDC_READ, 0x42); break;
    case 0x05: format(r); break;
    case 0x15:
        r->ah = floppy_type(drive) == 1 ? 1 : 2; /* 2: with a change line */
        set_carry(r, false);
        break;
    case 0x16:
        motor_on(drive);
        disk_return(r, in8(DIR) & CHANGED ? DISK_CHANGED : DISK_OK);
        BDA->floppy_timeout = parameter(2);
        break;
    case 0x17:
    case 0x18: set_media(r); break;
    default: disk_return(r, DISK_BAD_COMMAND);
    }
    irqs_off();
}

void floppy_init(void)
{
    u8 n = floppy_count();

    if (!n)
        return;
    BDA->equipment |= (u16)(1 | (n - 1) << 6);
    BDA->floppy_info = (u8)(0x07 | (floppy_type(1) ? 0x70 : 0));
    BDA->floppy_timeout = 0;
    if (reset() != DISK_OK)
        say("Floppy controller: no answer\n");
    debug_say("floppies: types %u, %u\n", floppy_type(0), floppy_type(1));
}
