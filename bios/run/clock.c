/* clock.c - interrupt and DMA controllers, system timer, real-time clock: IRQ 0, IRQ 8,
 * INT 1Ah, and delays.
 *
 * IBM PC AT Technical Reference; RBIL INT 1Ah; Motorola MC146818.
 */
#include "run.h"

enum { PIC1 = 0x20, PIC2 = 0xa0, EOI = 0x20 };
enum { TICKS_A_DAY = 0x1800b0 }; /* 24 h of 1193182 / 65536 Hz */
enum { RTC_UIP = 0x80, RTC_SET = 0x80, RTC_PIE = 0x40, RTC_AIE = 0x20, RTC_24H = 2 };

/* ---- controllers ---- */

void pics_init(void)
{
    out8(PIC1, 0x11); /* ICW1: edge, cascade, ICW4 */
    out8(PIC2, 0x11);
    out8(PIC1 + 1, 0x08);
    out8(PIC2 + 1, 0x70);
    out8(PIC1 + 1, 0x04); /* slave on IR2 */
    out8(PIC2 + 1, 0x02);
    out8(PIC1 + 1, 0x01); /* 8086 mode */
    out8(PIC2 + 1, 0x01);
    out8(PIC1 + 1, 0xb8); /* open: timer, keyboard, cascade, floppy */
    out8(PIC2 + 1, 0x8f); /* open: mouse, FPU, disk; the RTC when asked for */
}

/* Channel 4 carries the requests of the first controller (Intel 8237A, cascade mode).
 */
void dma_init(void)
{
    out8(0x0d, 0); /* master clear */
    out8(0xda, 0);
    out8(0xd6, 0xc0);
    out8(0xd4, 0x00);
}

void eoi(u8 irq)
{
    if (irq >= 8)
        out8(PIC2, EOI);
    out8(PIC1, EOI);
}

void exception(struct regs *r);
void irq_ignored_low(struct regs *r);
void irq_ignored_high(struct regs *r);
void irq_9(struct regs *r);
void irq_13(struct regs *r);
void irq_0(struct regs *r);
void irq_8(struct regs *r);
void time_services(struct regs *r);

/* IRQs that nobody has claimed: masked, so that they do not come again (AT BIOS, D11).
 */
void irq_ignored_low(struct regs *r)
{
    u8 in_service;
    (void)r;

    out8(PIC1, 0x0b); /* OCW3: read ISR */
    in_service = in8(PIC1);
    if (in_service) {
        out8(PIC1 + 1, in8(PIC1 + 1) | (in_service & 0xfb));
        out8(PIC1, EOI);
    }
    BDA->last_irq = in_service;
}

/* Vectors 0Ch and 0Dh belong to IRQ 4 and 5, and to faults of the CPU: without an IRQ
 * in service it was most likely a fault, and its instruction will be tried again for
 * ever. */
void exception(struct regs *r)
{
    static u8 told;

    out8(PIC1, 0x0b);
    if (in8(PIC1)) {
        irq_ignored_low(r);
    } else if (told < 4) {
        told++;
        debug_say("CPU exception (or a stray interrupt) at %4x:%4x\n", r->cs, r->ip);
    }
}

void irq_ignored_high(struct regs *r)
{
    u8 in_service;
    (void)r;

    out8(PIC2, 0x0b);
    in_service = in8(PIC2);
    if (in_service) {
        out8(PIC2 + 1, in8(PIC2 + 1) | in_service);
        out8(PIC2, EOI);
    }
    out8(PIC1, EOI);
    BDA->last_irq = in_service;
}

/* IRQ 9 is what IRQ 2 was on the PC: programs find it at INT 0Ah. */
void irq_9(struct regs *r)
{
    struct regs to = {0};
    (void)r;
    out8(PIC2, EOI);
    call_int(0x0a, &to);
}

/* An x87 error the PC's way: clear the latch, tell through NMI's vector. */
void irq_13(struct regs *r)
{
    struct regs to = {0};
    (void)r;
    out8(0xf0, 0);
    eoi(13);
    call_int(0x02, &to);
}

/* ---- timer ---- */

void irq_0(struct regs *r)
{
    struct regs to = {0};
    u32 ticks = BDA->ticks + 1;
    (void)r;

    if (ticks >= TICKS_A_DAY) {
        ticks = 0;
        BDA->midnight++;
    }
    BDA->ticks = ticks;
    floppy_tick();
    call_int(0x1c, &to);
    irqs_off();
    eoi(0);
}

/* Channel 0 counts down from 65536 in mode 2: one step per PIT clock. */
static u16 pit_count(void)
{
    u8 low;
    out8(0x43, 0);
    low = in8(0x40);
    return (u16)(in8(0x40) << 8 | low);
}

void deadline_set(struct deadline *d, u32 milliseconds)
{
    d->left = milliseconds * 1193;
    d->last = pit_count();
}

/* To be asked more often than every 55 ms. */
bool deadline_over(struct deadline *d)
{
    u16 now = pit_count(), gone = (u16)(d->last - now);

    d->last = now;
    if (gone >= d->left) {
        d->left = 0;
        return true;
    }
    d->left -= gone;
    return false;
}

void delay_us(u32 us)
{
    struct deadline d;
    deadline_set(&d, 0);
    d.left = us / 1000 * 1193 + us % 1000 * 1193 / 1000 + 1;
    while (!deadline_over(&d))
        ;
}

/* ---- real-time clock ---- */

static u8 from_bcd(u8 v)
{
    return (u8)((v >> 4) * 10 + (v & 15));
}

/* An update takes 244 us before it and 1948 us at most (MC146818, UIP). */
static bool rtc_quiet(void)
{
    struct deadline d;

    deadline_set(&d, 20);
    while (cmos_read(CMOS_STATUS_A) & RTC_UIP)
        if (deadline_over(&d))
            return false;
    return true;
}

static void set_ticks_from_rtc(void)
{
    u32 seconds, ticks;
    u8 s, m, h;

    if (!rtc_quiet())
        return;
    s = cmos_read(0);
    m = cmos_read(2);
    h = cmos_read(4);
    if (!(cmos_read(CMOS_STATUS_B) & 4)) { /* DM: binary */
        s = from_bcd(s);
        m = from_bcd(m);
        h = from_bcd(h);
    }
    seconds = h * 3600u + m * 60u + s;
    /* 1193182 / 65536 = 18 + 13534 / 65536 ticks a second. */
    ticks = seconds * 18 + (seconds * 13534 >> 16);
    BDA->ticks = ticks < TICKS_A_DAY ? ticks : 0;
}

void clock_init(void)
{
    out8(0x43, 0x34); /* channel 0: both bytes, mode 2 */
    out8(0x40, 0);
    out8(0x40, 0);
    out8(0x43, 0x54); /* channel 1: memory refresh, 15 us */
    out8(0x41, 18);
    out8(0x43, 0xb6); /* channel 2: the speaker, mode 3 */
    out8(0x42, 0x33);
    out8(0x42, 0x05);
    cmos_write(CMOS_STATUS_A, 0x26); /* 32768 Hz, 1024 interrupts a second */
    cmos_write(CMOS_STATUS_B, (cmos_read(CMOS_STATUS_B) & 1) | RTC_24H);
    cmos_read(CMOS_STATUS_C);
    set_ticks_from_rtc();
}

/* IRQ 8: the alarm is INT 4Ah; the periodic interrupt is INT 15h/83h's and 86h's clock.
 */
void irq_8(struct regs *r)
{
    u8 why = cmos_read(CMOS_STATUS_C) & cmos_read(CMOS_STATUS_B);
    (void)r;

    if (why & RTC_PIE && BDA->wait_active & 1) {
        if (BDA->wait_us > 976) {
            BDA->wait_us -= 976;
        } else {
            u32 flag = BDA->wait_flag;
            BDA->wait_active = 0;
            cmos_write(CMOS_STATUS_B, cmos_read(CMOS_STATUS_B) & ~RTC_PIE);
            far8_set((u16)(flag >> 16), flag & 0xffff,
                     far8((u16)(flag >> 16), flag & 0xffff) | 0x80);
        }
    }
    if (why & RTC_AIE) {
        struct regs to = {0};
        call_int(0x4a, &to);
        irqs_off();
    }
    eoi(8);
}

/* ---- INT 1Ah ---- */

static void get_ticks(struct regs *r) /* 00h */
{
    u32 ticks = BDA->ticks;
    r->cx = (u16)(ticks >> 16);
    r->dx = (u16)ticks;
    r->al = BDA->midnight;
    BDA->midnight = 0;
    set_carry(r, false);
}

static void get_time(struct regs *r) /* 02h */
{
    set_carry(r, true);
    if (!rtc_quiet())
        return;
    r->dh = cmos_read(0);
    r->cl = cmos_read(2);
    r->ch = cmos_read(4);
    r->dl = cmos_read(CMOS_STATUS_B) & 1;
    r->ax = 0;
    set_carry(r, false);
}

static void set_time(struct regs *r) /* 03h */
{
    u8 b = cmos_read(CMOS_STATUS_B);
    cmos_write(CMOS_STATUS_B, (u8)(b | RTC_SET));
    cmos_write(0, r->dh);
    cmos_write(2, r->cl);
    cmos_write(4, r->ch);
    b = (u8)((b & 0x60) | RTC_24H | (r->dl & 1));
    cmos_write(CMOS_STATUS_B, b);
    r->ah = 0;
    r->al = b;
    set_carry(r, false);
}

static void get_date(struct regs *r) /* 04h */
{
    set_carry(r, true);
    if (!rtc_quiet())
        return;
    r->cl = cmos_read(9);
    r->dh = cmos_read(8);
    r->dl = cmos_read(7);
    r->ch = cmos_read(CMOS_CENTURY);
    r->ah = 0;
    set_carry(r, false);
}

static void set_date(struct regs *r) /* 05h */
{
    u8 b = cmos_read(CMOS_STATUS_B);
    cmos_write(CMOS_STATUS_B, (u8)(b | RTC_SET));
    cmos_write(9, r->cl);
    cmos_write(8, r->dh);
    cmos_write(7, r->dl);
    cmos_write(CMOS_CENTURY, r->ch);
    cmos_write(CMOS_STATUS_B, b & 0x7f);
    r->ah = 0;
    r->al = b & 0x7f;
    set_carry(r, false);
}

static void set_alarm(struct regs *r) /* 06h */
{
    u8 b = cmos_read(CMOS_STATUS_B);

    if (b & RTC_AIE || !rtc_quiet()) {
        r->ax = 0;
        set_carry(r, true);
        return;
    }
    cmos_write(1, r->dh);
    cmos_write(3, r->cl);
    cmos_write(5, r->ch);
    out8(PIC2 + 1, in8(PIC2 + 1) & 0xfe);
    cmos_write(CMOS_STATUS_B, (u8)((b & 0x7f) | RTC_AIE));
    r->ah = 0;
    set_carry(r, false);
}

static void cancel_alarm(struct regs *r) /* 07h */
{
    u8 b = cmos_read(CMOS_STATUS_B) & (u8) ~(RTC_SET | RTC_AIE);
    cmos_write(CMOS_STATUS_B, b);
    r->ah = 0;
    r->al = b;
    set_carry(r, false);
}

void time_services(struct regs *r)
{
    switch (r->ah) {
    case 0x00: get_ticks(r); break;
    case 0x01:
        BDA->ticks = (u32)r->cx << 16 | r->dx;
        BDA->midnight = 0;
        r->ah = 0;
        set_carry(r, false);
        break;
    case 0x02: get_time(r); break;
    case 0x03: set_time(r); break;
    case 0x04: get_date(r); break;
    case 0x05: set_date(r); break;
    case 0x06: set_alarm(r); break;
    case 0x07: cancel_alarm(r); break;
    case 0xb1: pci_services(r); break;
    default: set_carry(r, true);
    }
}
