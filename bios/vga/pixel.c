/* pixel.c - drawing and reading in the graphics modes: pixels, characters, whole lines.
 *
 * Sources: IBM PS/2 and PC BIOS Interface TR, INT 10h AH=06h-0Dh; IBM PS/2 Hardware
 * Interface TR, Video Subsystem, "Graphics Controller" (write and read modes,
 * set/reset) and "Memory Maps"; VBE 3.0, 4.7 (windows).
 *
 * A plane's or a linear mode's memory is seen through A0000h; with the VBE through a
 * window of 64 KiB, which vram() moves. The entry code puts it back at the end of a
 * call.
 */
#include "vga.h"

/* After each drawing the graphics controller is left as modes set it, for programs that
 * write to the screen themselves: write mode 0, all bits, nothing from set/reset. */
static void plain_writes(void)
{
    reg_write(GFX, 0, 0);
    reg_write(GFX, 1, 0);
    reg_write(GFX, 3, 0);
    reg_write(GFX, 8, 0xff);
}

/* Write mode 0 with the colour from set/reset, changing the pixels of mask only. */
static void set_reset(uint8_t colour, bool xor, uint8_t mask)
{
    reg_write(GFX, 0, colour & 0x0f);
    reg_write(GFX, 1, 0x0f);
    reg_write(GFX, 3, xor? 0x18 : 0);
    reg_write(GFX, 8, mask);
}

/* Moving the window may cost much (a virtual machine changes its memory map for it), so
 * it is asked first where it stands. */
static volatile uint8_t IN_GS *vram(uint32_t at)
{
    if (vbe_active() && dispi_read(DISPI_BANK) != at >> 16)
        outw(DISPI_DATA, (uint16_t)(at >> 16));
    return far8(0xa000, (uint16_t)at);
}

/* Bytes from one line to the next. */
static uint32_t pitch(enum kind k)
{
    if (vbe_active()) {
        uint16_t width = dispi_read(DISPI_VIRT_WIDTH);
        if (k == PLANAR)
            return width >> 3;
        return (uint32_t)width * vbe_pixel_bytes(dispi_read(DISPI_BPP));
    }
    return k == PLANAR ? BDA->columns : 320;
}

/* The CGA has even lines in its first 8 KiB, odd ones in the second. */
static uint16_t cga_line(uint16_t y)
{
    return (uint16_t)((y >> 1) * 80 + (y & 1 ? 0x2000 : 0));
}

static uint16_t page_of(uint8_t page)
{
    return vbe_active() ? 0 : (uint16_t)(page * BDA->page_size);
}

/* ---- one pixel ---- */

/* Colour 0 to 15 as a pixel with red, green and blue in it. */
static uint32_t direct(uint8_t colour, uint16_t bits)
{
    uint8_t intense = colour & 8 ? 0x55 : 0;
    uint32_t red = (colour & 4 ? 0xaau : 0) + intense;
    uint32_t green = (colour & 2 ? 0xaau : 0) + intense;
    uint32_t blue = (colour & 1 ? 0xaau : 0) + intense;

    if ((colour & 0x0f) == 6)
        green = 0x55; /* brown */
    if (bits == 15)
        return red >> 3 << 10 | green >> 3 << 5 | blue >> 3;
    if (bits == 16)
        return red >> 3 << 11 | green >> 2 << 5 | blue >> 3;
    return red << 16 | green << 8 | blue;
}

static uint32_t read_bytes(uint32_t at, uint16_t n)
{
    uint32_t v = 0;
    uint16_t i;

    for (i = 0; i < n; i++)
        v |= (uint32_t)*vram(at + i) << (8 * i);
    return v;
}

static void put_linear(uint16_t x, uint16_t y, uint8_t colour, bool xor)
{
    uint16_t bits = vbe_active() ? dispi_read(DISPI_BPP) : 8;
    uint16_t n = vbe_pixel_bytes(bits), i;
    uint32_t at = y * pitch(LINEAR) + (uint32_t)x * n;
    uint32_t v = bits == 8 ? colour : direct(colour, bits);

    if (xor)
        v ^= read_bytes(at, n);
    for (i = 0; i < n; i++, v >>= 8)
        *vram(at + i) = (uint8_t)v;
}

static uint8_t get_linear(uint16_t x, uint16_t y)
{
    uint16_t bits = vbe_active() ? dispi_read(DISPI_BPP) : 8;
    uint16_t n = vbe_pixel_bytes(bits);
    uint32_t v = read_bytes(y * pitch(LINEAR) + (uint32_t)x * n, n);
    uint8_t colour;

    if (bits == 8)
        return (uint8_t)v;
    if (n == 4)
        v &= 0xffffff;
    for (colour = 0; colour < 15; colour++) {
        if (direct(colour, bits) == v)
            break;
    }
    return colour;
}

/* A CGA pixel: its byte's offset, and in it its shift. */
static uint16_t cga_at(uint16_t x, uint16_t y)
{
    return (uint16_t)(cga_line(y) + (BDA->mode == 6 ? x >> 3 : x >> 2));
}

static uint8_t cga_shift(uint16_t x)
{
    return BDA->mode == 6 ? 7 - (x & 7) : 2 * (3 - (x & 3));
}

/* AH=0Ch. Bit 7 of colour: exclusive or with what is there, but in 256-colour modes. */
void put_pixel(uint8_t page, uint16_t x, uint16_t y, uint8_t colour)
{
    enum kind k = kind_now();

    if (k == CGA) {
        uint16_t at = cga_at(x, y);
        uint8_t one = BDA->mode == 6 ? 1 : 3, shift = cga_shift(x);
        uint8_t v = peek8(0xb800, at), bits = (uint8_t)((colour & one) << shift);

        poke8(0xb800, at, colour & 0x80 ? v ^ bits : (v & ~(one << shift)) | bits);
    } else if (k == PLANAR) {
        volatile uint8_t IN_GS *p;

        set_reset(colour, colour & 0x80, 0x80 >> (x & 7));
        p = vram(page_of(page) + y * pitch(PLANAR) + (x >> 3));
        *p = *p; /* reading fills the latches, from which the other pixels come back */
        plain_writes();
    } else if (k == LINEAR) {
        put_linear(x, y, colour, false);
    }
}

/* AH=0Dh. */
uint8_t get_pixel(uint8_t page, uint16_t x, uint16_t y)
{
    enum kind k = kind_now();
    uint8_t plane, v = 0;

    if (k == CGA)
        return peek8(0xb800, cga_at(x, y)) >> cga_shift(x) & (BDA->mode == 6 ? 1 : 3);
    if (k == LINEAR)
        return get_linear(x, y);
    if (k == TEXT)
        return 0;
    for (plane = 0; plane < 4; plane++) {
        reg_write(GFX, 4, plane);
        if (*vram(page_of(page) + y * pitch(PLANAR) + (x >> 3)) & (0x80 >> (x & 7)))
            v |= (uint8_t)(1 << plane);
    }
    reg_write(GFX, 4, 0);
    return v;
}

/* ---- characters ---- */

/* 8 bits to 8 pixels of two bits, each of them colour. */
static uint16_t cga_spread(uint8_t bits, uint8_t colour)
{
    uint16_t v = 0;
    uint8_t i;

    for (i = 0; i < 8; i++)
        v = (uint16_t)(v << 2 | (bits & (0x80 >> i) ? colour & 3 : 0));
    return v;
}

static void draw_cga(uint16_t column, uint16_t y, uint8_t bits, uint8_t colour)
{
    uint16_t at = (uint16_t)(cga_line(y) + column * (BDA->mode == 6 ? 1 : 2)), v;
    bool xor = colour & 0x80;

    if (BDA->mode == 6) {
        bits = colour & 1 ? bits : 0;
        poke8(0xb800, at, xor? peek8(0xb800, at) ^ bits : bits);
        return;
    }
    v = cga_spread(bits, colour);
    v = (uint16_t)(v >> 8 | v << 8); /* the left pixels are in the lower address */
    poke16(0xb800, at, xor? peek16(0xb800, at) ^ v : v);
}

/* back: the background, which in all but 256-colour modes is 0. */
void draw_glyph(uint8_t page, uint16_t column, uint16_t row, uint8_t c, uint8_t colour,
                uint8_t back)
{
    enum kind k = kind_now();
    uint8_t height = (uint8_t)BDA->char_height, i, x, bits;
    uint32_t step = pitch(k), at;
    uint16_t y = (uint16_t)(row * height);
    bool xor = colour & 0x80;

    at = page_of(page) + y * step + column;
    for (i = 0; i < height; i++, y++, at += step) {
        bits = glyph_row(c, i);
        if (k == CGA) {
            draw_cga(column, y, bits, colour);
        } else if (k == PLANAR) {
            volatile uint8_t IN_GS *p;

            if (!xor) {
                set_reset(0, false, 0xff);
                *vram(at) = 0;
            }
            set_reset(colour, xor, bits);
            p = vram(at);
            *p = *p;
        } else {
            for (x = 0; x < 8; x++)
                put_linear((uint16_t)(column * 8 + x), y,
                           bits & (0x80 >> x) ? colour : back, false);
        }
    }
    if (k == PLANAR)
        plain_writes();
}

/* Which of the 8 pixels are not background. */
static uint8_t row_bits(enum kind k, uint8_t page, uint16_t column, uint16_t y)
{
    uint8_t bits = 0, x;
    uint16_t at, v;

    if (k == CGA) {
        at = (uint16_t)(cga_line(y) + column * (BDA->mode == 6 ? 1 : 2));
        if (BDA->mode == 6)
            return peek8(0xb800, at);
        v = peek16(0xb800, at);
        v = (uint16_t)(v >> 8 | v << 8);
        for (x = 0; x < 8; x++)
            bits = (uint8_t)(bits << 1 | ((v >> (14 - 2 * x) & 3) != 0));
        return bits;
    }
    if (k == PLANAR) {
        /* Read mode 1 compares all planes with colour 0. */
        reg_write(GFX, 2, 0);
        reg_write(GFX, 5, (reg_read(GFX, 5) & 0xf7) | 8);
        bits = (uint8_t) ~*vram(page_of(page) + y * pitch(k) + column);
        reg_write(GFX, 5, reg_read(GFX, 5) & 0xf7);
        return bits;
    }
    for (x = 0; x < 8; x++)
        bits = (uint8_t)(bits << 1 | (get_linear((uint16_t)(column * 8 + x), y) != 0));
    return bits;
}

/* AH=08h in graphics modes: the character whose font lines are on the screen; 0 when it
 * is none's. */
uint8_t read_glyph(uint8_t page, uint16_t column, uint16_t row)
{
    enum kind k = kind_now();
    uint8_t height = (uint8_t)BDA->char_height, i;
    uint16_t y = (uint16_t)(row * height), c;
    uint8_t first = row_bits(k, page, column, y);
    uint8_t middle = row_bits(k, page, column, (uint16_t)(y + height / 2));

    for (c = 0; c < 256; c++) {
        if (glyph_row((uint8_t)c, 0) != first ||
            glyph_row((uint8_t)c, height / 2) != middle)
            continue; /* most differ here, and the screen is slow to read */
        for (i = 1; i < height; i++) {
            if (row_bits(k, page, column, (uint16_t)(y + i)) !=
                glyph_row((uint8_t)c, i))
                break;
        }
        if (i == height)
            return (uint8_t)c;
    }
    return 0;
}

/* ---- lines, for scrolling ---- */

static uint16_t text_segment(void)
{
    return BDA->mode == 7 ? 0xb000 : 0xb800;
}

/* Four bytes at a time, or one where lines do not start at multiples of four: a window
 * must not end within them. */
static void copy_windowed(enum kind k, uint32_t to, uint32_t from, uint32_t n,
                          uint32_t step)
{
    uint32_t i, v;

    if (k == PLANAR || step & 3) {
        for (i = 0; i < n; i++) {
            v = *vram(from + i);
            *vram(to + i) = (uint8_t)v;
        }
        return;
    }
    for (i = 0; i < n; i += 4) {
        v = *(volatile uint32_t IN_GS *)vram(from + i);
        *(volatile uint32_t IN_GS *)vram(to + i) = v;
    }
}

void copy_line(enum kind k, uint16_t start, uint16_t to, uint16_t from, uint16_t column,
               uint16_t n)
{
    uint32_t step;

    if (k == TEXT) {
        step = 2u * BDA->columns;
        copy8(text_segment(), (uint16_t)(start + to * step + 2 * column),
              (uint16_t)(start + from * step + 2 * column), (uint16_t)(2 * n));
        return;
    }
    if (k == CGA) {
        uint8_t wide = BDA->mode == 6 ? 1 : 2;

        copy8(0xb800, (uint16_t)(cga_line(to) + wide * column),
              (uint16_t)(cga_line(from) + wide * column), (uint16_t)(wide * n));
        return;
    }
    step = pitch(k);
    if (k == PLANAR)
        reg_write(GFX, 5,
                  (reg_read(GFX, 5) & 0xfc) | 1); /* write mode 1: the latches */
    if (vbe_active()) {
        uint32_t wide = k == PLANAR ? 1 : 8u * vbe_pixel_bytes(dispi_read(DISPI_BPP));

        copy_windowed(k, to * step + column * wide, from * step + column * wide,
                      n * wide, step);
    } else {
        uint16_t wide = k == PLANAR ? 1 : 8;

        copy8(0xa000, (uint16_t)(start + to * step + column * wide),
              (uint16_t)(start + from * step + column * wide), (uint16_t)(n * wide));
    }
    if (k == PLANAR)
        reg_write(GFX, 5, reg_read(GFX, 5) & 0xfc);
}

/* fill: an attribute in text modes, else a colour (in CGA modes a whole byte). */
void fill_line(enum kind k, uint16_t start, uint16_t y, uint16_t column, uint16_t n,
               uint8_t fill)
{
    uint16_t at, i;

    if (k == TEXT) {
        at = (uint16_t)(start + 2 * (y * BDA->columns + column));
        fill16(text_segment(), at, (uint16_t)(fill << 8 | ' '), n);
    } else if (k == CGA) {
        uint8_t wide = BDA->mode == 6 ? 1 : 2;

        at = (uint16_t)(cga_line(y) + wide * column);
        for (i = 0; i < n * wide; i++)
            poke8(0xb800, (uint16_t)(at + i), fill);
    } else if (k == PLANAR) {
        uint32_t first = start + y * pitch(k) + column;

        set_reset(fill, false, 0xff);
        for (i = 0; i < n; i++)
            *vram(first + i) = 0;
        plain_writes();
    } else if (!vbe_active()) {
        fill16(0xa000, (uint16_t)(y * 320 + column * 8), (uint16_t)(fill << 8 | fill),
               (uint16_t)(4 * n));
    } else if (!fill && !(pitch(k) & 3)) {
        uint16_t bytes = vbe_pixel_bytes(dispi_read(DISPI_BPP));
        uint32_t first = y * pitch(k) + (uint32_t)column * 8 * bytes, j;

        for (j = 0; j < (uint32_t)n * 8 * bytes; j += 4)
            *(volatile uint32_t IN_GS *)vram(first + j) = 0;
    } else {
        for (i = 0; i < 8 * n; i++)
            put_linear((uint16_t)(8 * column + i), y, fill, false);
    }
}
