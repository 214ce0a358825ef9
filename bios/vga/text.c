/* text.c - the cursor, pages, scrolling, and characters in all modes.
 *
 * Sources: IBM PS/2 and PC BIOS Interface TR, INT 10h AH=01h-0Ah, 0Eh, 13h; Ralf
 * Brown's INT 10 of the same functions.
 */
#include "vga.h"

/* Text modes count the start and the cursor in characters, of two bytes. */
static void crtc_word(uint8_t high, uint16_t v)
{
    reg_write(BDA->crtc, high, (uint8_t)(v >> 8));
    reg_write(BDA->crtc, high + 1, (uint8_t)v);
}

/* Programs give shapes for the CGA's 8 lines. With cursor emulation (40:87 bit 0 clear)
 * a thin cursor keeps its thickness and stands as far from the cell's end as the mode
 * tables have it; a thick one grows with the cell. Start bit 5 hides it. */
void set_cursor_shape(uint8_t start, uint8_t end)
{
    uint8_t height = (uint8_t)BDA->char_height;

    BDA->cursor_shape = (uint16_t)(start << 8 | end);
    if (kind_now() != TEXT)
        return;
    if (!(BDA->control & CONTROL_NO_CURSOR_EMULATION) && height > 8 && start < 8 &&
        end < 8 && start <= end) {
        uint8_t thick = end - start;

        if (thick <= 2 && start >= 4) {
            end = (uint8_t)(height - 2 - (7 - end));
            start = end - thick;
        } else {
            start = (uint8_t)(start * height / 8);
            end = (uint8_t)((end + 1) * height / 8 - 1);
        }
    }
    reg_write(BDA->crtc, 0x0a, start & 0x3f);
    reg_write(BDA->crtc, 0x0b, end & 0x1f);
}

static void show_cursor(void)
{
    uint16_t at = BDA->cursor[BDA->page & 7];

    if (kind_now() == TEXT)
        crtc_word(0x0e, (uint16_t)(BDA->page_start / 2 + (at >> 8) * BDA->columns +
                                   (at & 0xff)));
}

void set_cursor(uint8_t page, uint8_t row, uint8_t column)
{
    page &= 7;
    BDA->cursor[page] = (uint16_t)(row << 8 | column);
    if (page == BDA->page)
        show_cursor();
}

/* AH=05h. */
void set_page(uint8_t page)
{
    enum kind k = kind_now();
    uint16_t start;

    page &= 7;
    if (vbe_active() || (k == CGA && page))
        return;
    start = (uint16_t)(page * BDA->page_size);
    BDA->page = page;
    BDA->page_start = start;
    crtc_word(0x0c, k == PLANAR ? start : start / 2);
    show_cursor();
}

/* AH=06h and 07h. Corners are row << 8 | column, inclusive; lines 0: the whole window.
 */
void scroll(bool up, uint8_t page, uint8_t lines, uint8_t fill, uint16_t upper_left,
            uint16_t lower_right)
{
    enum kind k = kind_now();
    uint16_t start = vbe_active() || k == CGA ? 0 : (uint16_t)(page * BDA->page_size);
    uint8_t height = k == TEXT ? 1 : (uint8_t)BDA->char_height;
    uint16_t top = upper_left >> 8, left = upper_left & 0xff;
    uint16_t bottom = lower_right >> 8, right = lower_right & 0xff;
    uint16_t total, by, n, i, y;

    if (bottom > BDA->last_row)
        bottom = BDA->last_row;
    if (right >= BDA->columns)
        right = BDA->columns - 1;
    if (top > bottom || left > right)
        return;
    n = right - left + 1;
    total = (uint16_t)((bottom - top + 1) * height);
    by = (uint16_t)(lines * height);
    if (!by || by > total)
        by = total;
    top = (uint16_t)(top * height);
    bottom = (uint16_t)(top + total - 1);
    for (i = 0; i < total; i++) {
        y = up ? top + i : bottom - i;
        if (i + by < total)
            copy_line(k, start, y, up ? y + by : y - by, left, n);
        else
            fill_line(k, start, y, left, n, fill);
    }
}

/* ---- characters ---- */

static uint16_t cell(uint8_t page)
{
    uint16_t at = BDA->cursor[page & 7];

    return (uint16_t)((page & 7) * BDA->page_size +
                      2 * ((at >> 8) * BDA->columns + (at & 0xff)));
}

static uint16_t text_segment(void)
{
    return BDA->mode == 7 ? 0xb000 : 0xb800;
}

/* AH=08h. */
uint16_t read_char(uint8_t page)
{
    uint16_t at = BDA->cursor[page & 7];

    if (kind_now() == TEXT)
        return peek16(text_segment(), cell(page) & 0x7ffe);
    return read_glyph(page, at & 0xff, at >> 8);
}

/* AH=09h and 0Ah: n times, the cursor stays. In 256-colour modes "page" is the
 * background (Ralf Brown's INT 10/AH=09h). */
void write_chars(uint8_t page, uint8_t c, uint8_t attribute, bool with_attribute,
                 uint16_t n)
{
    enum kind k = kind_now();
    uint16_t at, row, column;
    uint8_t back = 0;

    if (k == TEXT) {
        at = cell(page);
        for (; n; n--, at += 2) {
            if (at >= 0x8000)
                return; /* the end of the memory */
            poke8(text_segment(), at, c);
            if (with_attribute)
                poke8(text_segment(), at + 1, attribute);
        }
        return;
    }
    if (k == LINEAR && !vbe_active()) {
        back = page;
        page = 0;
    }
    at = BDA->cursor[page & 7];
    row = at >> 8;
    column = at & 0xff;
    for (; n && row <= BDA->last_row; n--) {
        draw_glyph(page & 7, column, row, c, attribute, back);
        if (++column == BDA->columns) {
            column = 0;
            row++;
        }
    }
}

/* The speaker: about 900 Hz for a tenth of a second, measured in refresh cycles (port
 * 61h bit 4 turns every 15 us; IBM PC AT TR, "BEEP" and "WAITF"). A board whose bit
 * stands still ends it by the count of readings. */
static void bell(void)
{
    uint16_t turns = 6600, patience = 0;
    uint8_t was = inb(0x61), now;

    outb(0x43, 0xb6); /* counter 2, both bytes, square wave */
    outb(0x42, 0x2e);
    outb(0x42, 0x05); /* 1.193182 MHz / 1326 */
    outb(0x61, was | 3);
    while (turns && ++patience) {
        now = inb(0x61);
        if ((now ^ was) & 0x10) {
            turns--;
            patience = 0;
            was = (uint8_t)((was & 0xef) | (now & 0x10));
        }
    }
    outb(0x61, was & 0xfc);
}

static void new_line(uint8_t page)
{
    uint16_t at = BDA->cursor[page];
    uint8_t fill = 0;

    if (at >> 8 < BDA->last_row) {
        set_cursor(page, (uint8_t)((at >> 8) + 1), (uint8_t)at);
        return;
    }
    if (kind_now() == TEXT)
        fill = (uint8_t)(read_char(page) >> 8);
    scroll(true, page, 1, fill, 0, (uint16_t)(BDA->last_row << 8 | (BDA->columns - 1)));
}

/* AH=0Eh, and each character of AH=13h. */
void teletype(uint8_t page, uint8_t c, uint8_t attribute, bool with_attribute)
{
    uint8_t row, column;

    page &= 7;
    row = (uint8_t)(BDA->cursor[page] >> 8);
    column = (uint8_t)BDA->cursor[page];
    switch (c) {
    case 7: bell(); return;
    case 8:
        if (column)
            set_cursor(page, row, column - 1);
        return;
    case 10: new_line(page); return;
    case 13: set_cursor(page, row, 0); return;
    default: break;
    }
    if (kind_now() == TEXT) {
        write_chars(page, c, attribute, with_attribute, 1);
    } else {
        draw_glyph(page, column, row, c, attribute, 0);
    }
    if (column + 1 < BDA->columns) {
        set_cursor(page, row, column + 1);
        return;
    }
    /* Past the end: the next line, scrolled in with the last line's attribute. */
    if (row < BDA->last_row) {
        set_cursor(page, row + 1, 0);
    } else {
        new_line(page);
        set_cursor(page, row, 0);
    }
}

/* AH=13h: AL bit 0 moves the cursor, bit 1 says that attributes follow characters. */
void write_string(regs r)
{
    uint16_t seg = r->es, off = r->bp, n = r->cx, before;
    uint8_t page = r->bh & 7, attribute = r->bl;

    before = BDA->cursor[page];
    if (r->dh != 0xff) /* row FFh: where the cursor is */
        set_cursor(page, r->dh, r->dl);
    for (; n; n--) {
        uint8_t c = peek8(seg, off++);

        if (r->al & 2)
            attribute = peek8(seg, off++);
        teletype(page, c, attribute, true);
    }
    if (!(r->al & 1))
        set_cursor(page, (uint8_t)(before >> 8), (uint8_t)before);
}
