/* font.c - fonts (AH=11h): into plane 2 for text modes, by vectors for graphics modes.
 *
 * Sources: IBM PS/2 and PC BIOS Interface TR, INT 10h AH=11h; Ralf Brown's
 * INT 10/AX=1100h-1130h; IBM PS/2 Hardware Interface TR, "RAM Loadable Character
 * Generators".
 */
#include "vga.h"

/* Modes 4-6 have the second half of their characters behind INT 1Fh. */
uint8_t glyph_row(uint8_t c, uint8_t i)
{
    uint32_t font = VECTOR(0x43);

    if (BDA->mode >= 4 && BDA->mode <= 6 && c >= 0x80) {
        font = VECTOR(0x1f);
        c &= 0x7f;
    }
    return peek8((uint16_t)(font >> 16), (uint16_t)(font + c * BDA->char_height + i));
}

/* n characters of height bytes into table block (0-7): 32 bytes each in plane 2, which
 * shows at A0000h while it is not addressed as odd and even bytes. */
void load_font(uint32_t font, uint8_t height, uint16_t n, uint16_t first, uint8_t block)
{
    uint8_t map = reg_read(SEQ, 2), memory = reg_read(SEQ, 4), plane = reg_read(GFX, 4);
    uint8_t mode = reg_read(GFX, 5), misc = reg_read(GFX, 6), i;
    uint16_t from = (uint16_t)font, to;

    to = (uint16_t)((block & 3) * 0x4000 + (block & 4 ? 0x2000 : 0) + first * 32);
    reg_write(SEQ, 2, 4);
    reg_write(SEQ, 4, 7);
    reg_write(GFX, 4, 2);
    reg_write(GFX, 5, 0);
    reg_write(GFX, 6, 4);
    if (height > 32)
        height = 32;
    for (; n; n--, to += 32) {
        for (i = 0; i < height; i++)
            poke8(0xa000, to + i, peek8((uint16_t)(font >> 16), from++));
    }
    reg_write(SEQ, 2, map);
    reg_write(SEQ, 4, memory);
    reg_write(GFX, 4, plane);
    reg_write(GFX, 5, mode);
    reg_write(GFX, 6, misc);
}

/* Scan lines of the display, from the CRTC's vertical display end (10 bits). It may be
 * less than the mode's by a part of a row, from another font before. */
static uint16_t scan_lines(void)
{
    uint8_t overflow = reg_read(BDA->crtc, 7);
    uint16_t lines = (uint16_t)((reg_read(BDA->crtc, 0x12) | (overflow & 2) << 7 |
                                 (overflow & 0x40) << 3) +
                                1);

    if (lines <= 350)
        return 350;
    return lines <= 400 ? 400 : 480;
}

/* The characters' height decides how many rows there are. */
static void fit_height(uint8_t height)
{
    uint16_t port = BDA->crtc, lines = scan_lines(), rows, end;
    uint8_t most = reg_read(port, 9), overflow;

    if (!height || height > 32)
        return;
    if (most & 0x80) /* each line is shown twice */
        lines /= 2;
    rows = lines / height;
    if (!rows)
        return;
    reg_write(port, 9, (most & 0xe0) | (height - 1));
    if (port == CRTC_MONO)
        reg_write(port, 0x14, height - 1); /* the underline */
    end = (uint16_t)(rows * height * (most & 0x80 ? 2 : 1) - 1);
    overflow = reg_read(port, 7) & 0xbd;
    reg_write(port, 0x11, reg_read(port, 0x11) & 0x7f); /* CR07 is locked by it */
    reg_write(port, 7, overflow | (end >> 7 & 2) | (end >> 3 & 0x40));
    reg_write(port, 0x12, (uint8_t)end);
    BDA->last_row = (uint8_t)(rows - 1);
    BDA->char_height = height;
    /* Pages start at multiples of 2 KiB. */
    BDA->page_size = (uint16_t)((rows * BDA->columns * 2 + 0x7ff) & 0xf800);
    set_cursor_shape(6, 7);
}

/* AX=1120h-1124h: a font for graphics modes, and how many rows it makes. */
static void graphics_font(uint32_t font, uint8_t height, uint8_t rows_code,
                          uint8_t rows)
{
    static const uint8_t codes[4] = {0, 14, 25, 43};

    VECTOR(0x43) = font;
    BDA->char_height = height;
    if (rows_code && rows_code < 4)
        rows = codes[rows_code];
    if (rows)
        BDA->last_row = rows - 1;
}

static uint32_t information(uint8_t which)
{
    switch (which) {
    case 0: return VECTOR(0x1f);
    case 1: return VECTOR(0x43);
    case 2: return rom_far(font8x14);
    case 3: return rom_far(font8x8);
    case 4: return rom_far(font8x8 + 128 * 8);
    case 5: return rom_far(no_alternates);
    case 6: return rom_far(font8x16);
    case 7: return rom_far(no_alternates);
    default: return 0;
    }
}

void font_call(regs r)
{
    uint32_t caller = (uint32_t)r->es << 16 | r->bp;
    uint8_t row_code = r->bl, i;

    switch (r->al) {
    case 0x00:
    case 0x10:
        load_font(caller, r->bh, r->cx, r->dx, r->bl);
        if (r->al & 0x10)
            fit_height(r->bh);
        break;
    case 0x01:
    case 0x11:
        load_font(rom_far(font8x14), 14, 256, 0, r->bl);
        if (r->al & 0x10)
            fit_height(14);
        break;
    case 0x02:
    case 0x12:
        load_font(rom_far(font8x8), 8, 256, 0, r->bl);
        if (r->al & 0x10)
            fit_height(8);
        break;
    case 0x04:
    case 0x14:
        load_font(rom_far(font8x16), 16, 256, 0, r->bl);
        if (r->al & 0x10)
            fit_height(16);
        break;
    case 0x03: /* which tables the attribute's bit 3 chooses between */
        reg_write(SEQ, 0, 1);
        reg_write(SEQ, 3, r->bl);
        reg_write(SEQ, 0, 3);
        break;
    case 0x20: VECTOR(0x1f) = caller; break;
    case 0x21: graphics_font(caller, (uint8_t)r->cx, row_code, r->dl); break;
    case 0x22: graphics_font(rom_far(font8x14), 14, row_code, r->dl); break;
    case 0x23: graphics_font(rom_far(font8x8), 8, row_code, r->dl); break;
    case 0x24: graphics_font(rom_far(font8x16), 16, row_code, r->dl); break;
    case 0x30:
        i = r->bh;
        if (i > 7)
            break;
        caller = information(i);
        r->es = (uint16_t)(caller >> 16);
        r->bp = (uint16_t)caller;
        r->cx = BDA->char_height;
        r->dl = BDA->last_row;
        break;
    default: break;
    }
}
