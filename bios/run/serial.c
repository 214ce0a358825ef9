/* serial.c - INT 14h (serial ports) and INT 17h (printer). RBIL INT 14h, 17h. */
#include "run.h"

void serial_services(struct regs *r);
void printer_services(struct regs *r);

enum {
    LSR = 5,
    MSR = 6,
    LCR = 3,
    DLAB = 0x80,
    DATA_READY = 1,
    THR_EMPTY = 0x20,
    TIMED_OUT = 0x80
};

/* 110 to 9600 baud: 1.8432 MHz / 16 / rate. */
static const u16 divisors[] = {1047, 768, 384, 192, 96, 48, 24, 12};

void serial_init(void)
{
    static const u16 com[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const u16 lpt[] = {0x378, 0x278, 0x3bc};
    u8 coms = 0, lpts = 0;

    for (u32 n = 0; n < ARRAY_SIZE(com); n++) {
        /* A UART holds IER's low bits, and IIR's bits 5:4 are zero. */
        out8(com[n] + 1, 2);
        if (in8(com[n] + 1) != 2 || in8(com[n] + 2) & 0x30)
            continue;
        out8(com[n] + 1, 0);
        BDA->com[coms] = com[n];
        BDA->com_timeout[coms++] = 0x0a;
    }
    for (u32 n = 0; n < ARRAY_SIZE(lpt); n++) {
        out8(lpt[n] + 2, 0xcf);
        out8(lpt[n], 0xaa);
        if (in8(lpt[n]) != 0xaa)
            continue;
        out8(lpt[n] + 2, 0x0c);
        BDA->lpt[lpts] = lpt[n];
        BDA->lpt_timeout[lpts++] = 0x14;
    }
    BDA->equipment |= (u16)(coms << 9 | lpts << 14);
    if (shared.sercon) {
        u16 c = (u16)shared.sercon;
        out8(c + LCR, DLAB | 3);
        out8(c, 1); /* 115200 baud */
        out8(c + 1, 0);
        out8(c + LCR, 3);
        out8(c + 4, 3);
    }
}

static bool wait_for(u16 port, u8 mask, u8 want, u8 ticks)
{
    struct deadline d;

    if ((in8(port) & mask) == want)
        return true;
    deadline_set(&d, ticks * 100u);
    while ((in8(port) & mask) != want)
        if (deadline_over(&d))
            return false;
    return true;
}

static void set_line(u16 port, u8 lcr, u16 divisor)
{
    out8(port + LCR, (u8)(lcr | DLAB));
    out8(port, (u8)divisor);
    out8(port + 1, (u8)(divisor >> 8));
    out8(port + LCR, lcr);
    out8(port + 1, 0);
}

static void status(struct regs *r, u16 port)
{
    r->ah = in8(port + LSR);
    r->al = in8(port + MSR);
}

static void extended_set(struct regs *r, u16 port) /* 04h */
{
    static const u8 parities[] = {0, 0x08, 0x18, 0x28, 0x38};
    u8 lcr = (u8)((r->ch & 3) | (r->bl ? 4 : 0) | parities[r->bh < 5 ? r->bh : 0] |
                  (r->al ? 0x40 : 0));
    u16 divisor = r->cl < 8 ? divisors[r->cl] : r->cl == 8 ? 6 : 12; /* 8: 19200 */

    set_line(port, lcr, divisor);
    status(r, port);
}

void serial_services(struct regs *r)
{
    u16 port;

    if (r->dx > 3)
        return;
    port = BDA->com[r->dx];
    if (!port) {
        r->ah |= TIMED_OUT;
        return;
    }
    switch (r->ah) {
    case 0x00:
        set_line(port, r->al & 0x1f, divisors[r->al >> 5]);
        status(r, port);
        break;
    case 0x01: /* DTR and RTS up; DSR and CTS have to answer */
        out8(port + 4, 3);
        if (wait_for(port + MSR, 0x30, 0x30, BDA->com_timeout[r->dx]) &&
            wait_for(port + LSR, THR_EMPTY, THR_EMPTY, BDA->com_timeout[r->dx])) {
            out8(port, r->al);
            r->ah = in8(port + LSR) & 0x7f;
        } else {
            r->ah = (u8)(in8(port + LSR) | TIMED_OUT);
        }
        break;
    case 0x02:
        out8(port + 4, 1);
        if (wait_for(port + LSR, DATA_READY, DATA_READY, BDA->com_timeout[r->dx])) {
            r->ah = in8(port + LSR) & 0x1e;
            r->al = in8(port);
        } else {
            r->ah = (u8)(in8(port + LSR) | TIMED_OUT);
        }
        break;
    case 0x03: status(r, port); break;
    case 0x04: extended_set(r, port); break;
    case 0x05:
        if (r->al)
            out8(port + 4, r->bl);
        r->bl = in8(port + 4);
        status(r, port);
        break;
    default: break;
    }
}

/* INT 17h. AH's bits: 7 not busy, 6 acknowledge, 5 no paper, 4 selected, 3 error, 0
 * timeout; acknowledge and error are inverted on the wire. */
void printer_services(struct regs *r)
{
    u16 port = r->dx < 3 ? BDA->lpt[r->dx] : 0;
    u8 timeout = 0;

    if (!port) {
        r->ah = 0x29;
        return;
    }
    switch (r->ah) {
    case 0x00:
        if (!wait_for(port + 1, 0x80, 0x80, BDA->lpt_timeout[r->dx])) {
            timeout = 1;
            break;
        }
        out8(port, r->al);
        out8(port + 2, 0x0d); /* strobe */
        delay_us(5);
        out8(port + 2, 0x0c);
        break;
    case 0x01:
        out8(port + 2, 0x08);
        delay_us(50);
        out8(port + 2, 0x0c);
        break;
    case 0x02: break;
    default: return;
    }
    r->ah = (u8)(((in8(port + 1) ^ 0x48) & 0xf8) | timeout);
}
