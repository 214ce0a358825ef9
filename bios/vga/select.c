/* select.c - what the BIOS is told to do differently (AH=12h), and what it says it is
 * (AH=1Ah, 1Bh).
 *
 * Sources: IBM PS/2 and PC BIOS Interface TR, INT 10h AH=12h, 1Ah, 1Bh; Ralf Brown's
 * INT 10/AH=12h/BL=10h-36h, AX=1A00h, AH=1Bh.
 */
#include "vga.h"

static void flag(uint8_t mask, bool on)
{
    BDA->flags = on ? BDA->flags | mask : BDA->flags & (uint8_t)~mask;
}

/* Memory enable is bit 1 of the miscellaneous output register. */
static void memory_enable(bool on)
{
    uint8_t misc = inb(MISC_READ);

    outb(MISC_WRITE, on ? misc | 2 : misc & 0xfd);
}

/* Scan lines of the text modes to be set from now on: AL 0: 200, 1: 350, 2: 400. The
 * switches' low bits say what display an EGA would have: 8 for 200 lines, 9 for more.
 */
static void choose_lines(uint8_t n)
{
    static const uint8_t flags[3] = {FLAG_200_LINES, 0, FLAG_400_LINES};

    BDA->flags = (BDA->flags & (uint8_t) ~(FLAG_200_LINES | FLAG_400_LINES)) | flags[n];
    BDA->switches = (BDA->switches & 0xf0) | (n ? 9 : 8);
}

/* AH=12h; AL=12h says that it was done. */
void select_call(regs r)
{
    uint8_t v = r->al;

    if (r->bl >= 0x30 && v > (r->bl == 0x30 ? 2 : 1))
        return;
    switch (r->bl) {
    case 0x10: /* what an EGA is: 256 KiB, its feature bits and its switches */
        r->bh = BDA->crtc == CRTC_MONO;
        r->bl = 3;
        r->ch = BDA->switches >> 4;
        r->cl = BDA->switches & 0x0f;
        return;
    case 0x20: /* print-screen that knows of more than 25 rows */
        VECTOR(5) = rom_far(int05_entry);
        return;
    case 0x30: choose_lines(v); break;
    case 0x31: flag(FLAG_KEEP_PALETTE, v); break;
    case 0x32: memory_enable(!v); break;
    case 0x33: flag(FLAG_GRAY, !v); break;
    case 0x34: BDA->control = (BDA->control & 0xfe) | v; break;
    case 0x36: reg_write(SEQ, 1, (reg_read(SEQ, 1) & 0xdf) | (uint8_t)(v << 5)); break;
    default: /* 35h, a second display adapter: there is none */ return;
    }
    r->al = 0x12;
}

/* AH=1Ah: which displays there are, as 40:8A remembers it. */
void display_call(regs r)
{
    uint8_t i = BDA->dcc & 0x0f, a, b;

    if (r->al == 0) {
        /* The adapter that shows: a monochrome mode makes the other one active. */
        a = display_codes[i][0];
        b = display_codes[i][1];
        if (!b) {
            b = a;
            a = 0;
        }
        r->bl = b;
        r->bh = a;
    } else if (r->al == 1) {
        for (i = 0; i < 16; i++) {
            a = display_codes[i][0];
            b = display_codes[i][1];
            if ((a == r->bl && b == r->bh) || (a == r->bh && b == r->bl))
                break;
        }
        if (i == 16)
            return;
        BDA->dcc = i;
    } else {
        return;
    }
    r->al = 0x1a;
}

/* Colours and pages of the present mode, for 1Bh. */
static uint16_t colours(void)
{
    uint8_t mode = BDA->mode;

    if (mode == VBE_MODE)
        return dispi_read(DISPI_BPP) == 4 ? 16 : 256;
    switch (mode) {
    case 7: return 0;
    case 4:
    case 5: return 4;
    case 6:
    case 0x0f:
    case 0x11: return 2;
    case 0x13: return 256;
    default: return 16;
    }
}

static uint8_t pages(void)
{
    uint16_t size = BDA->page_size, n;

    if (!size || BDA->mode == VBE_MODE || BDA->mode == 0x13)
        return 1;
    n = (kind_now() == PLANAR ? 0x10000 : 0x8000) / size;
    if (BDA->mode >= 4 && BDA->mode <= 6)
        return 1;
    return (uint8_t)(n > 8 ? 8 : n);
}

static uint8_t lines_code(void)
{
    uint8_t mode = BDA->mode;

    if (mode == 0x11 || mode == 0x12)
        return 3;
    if (mode == 0x0f || mode == 0x10)
        return 1;
    if (mode <= 3 || mode == 7)
        return BDA->flags & FLAG_200_LINES ? 0 : BDA->flags & FLAG_400_LINES ? 2 : 1;
    return 0;
}

/* AH=1Bh: 64 bytes at ES:DI. */
void functionality_call(regs r)
{
    volatile uint8_t IN_FS *bda = (volatile uint8_t IN_FS *)0x400;
    uint16_t seg = r->es, to = r->di;
    uint8_t i, font = reg_read(SEQ, 3);

    if (r->bx)
        return;
    poke32(seg, to, rom_far(static_functions));
    for (i = 0; i < 0x1e; i++)
        poke8(seg, to + 4 + i, bda[0x49 + i]);
    poke8(seg, to + 0x22, BDA->last_row + 1);
    poke16(seg, to + 0x23, BDA->char_height);
    poke8(seg, to + 0x25, display_codes[BDA->dcc & 0x0f][1]);
    poke8(seg, to + 0x26, display_codes[BDA->dcc & 0x0f][0]);
    poke16(seg, to + 0x27, colours());
    poke8(seg, to + 0x29, pages());
    poke8(seg, to + 0x2a, lines_code());
    poke8(seg, to + 0x2b, (font & 3) | (font >> 2 & 4)); /* where bit 3 is 0 */
    poke8(seg, to + 0x2c, (font >> 2 & 3) | (font >> 3 & 4));
    poke8(seg, to + 0x2d,
          0x01 | (BDA->flags & FLAG_GRAY) | (BDA->flags & FLAG_MONO) |
              (BDA->flags & FLAG_KEEP_PALETTE) |
              (BDA->control & CONTROL_NO_CURSOR_EMULATION ? 0 : 0x10) |
              (BDA->mode_select & 0x20));
    for (i = 0x2e; i < 0x31; i++)
        poke8(seg, to + i, 0);
    poke8(seg, to + 0x31, 3); /* 256 KiB */
    poke8(seg, to + 0x32, attr_read(0x10) & 8 ? 0x01 : 0);
    for (i = 0x33; i < 0x40; i++)
        poke8(seg, to + i, 0);
    r->al = 0x1b;
}
