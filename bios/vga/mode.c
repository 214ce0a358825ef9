/* mode.c - setting modes (AH=00h), and what is known of the present one.
 *
 * Sources: IBM PS/2 and PC BIOS Interface TR, INT 10h AH=00h; IBM PS/2 Hardware
 * Interface TR, Video Subsystem, "Programming Considerations"; Ralf Brown's INT
 * 10/AH=00h.
 */
#include "vga.h"

enum kind kind_now(void)
{
    uint8_t mode = BDA->mode;

    if (mode == VBE_MODE)
        return dispi_read(DISPI_BPP) == 4 ? PLANAR : LINEAR;
    if (mode == 0x13)
        return LINEAR;
    if (mode >= 0x0d)
        return PLANAR;
    return mode >= 4 && mode <= 6 ? CGA : TEXT;
}

uint16_t fresh_attr(void)
{
    uint16_t status = (uint16_t)(BDA->crtc + STATUS1_OFFSET);

    inb(status);
    return status;
}

/* Index bit 5 gives the palette back to the display. */
void screen_on(void)
{
    fresh_attr();
    outb(ATTR, 0x20);
}

/* A far pointer to a row: the table is the one that 40:A8 points to, so that programs
 * may bring their own. Rows of ours above the interface's 29 are always in the ROM. */
static uint32_t row_pointer(uint8_t row)
{
    uint32_t table = rom_far(parameter_table);
    uint32_t save = BDA->save_pointer;

    if (save && row < TEXT_132X25)
        table = peek32((uint16_t)(save >> 16), (uint16_t)save);
    return table + row * (uint32_t)sizeof(struct parameters);
}

/* IBM's order: reset the sequencer, clock, sequencer, CRTC unlocked first (CR11 bit 7
 * protects CR00-CR07), attributes, graphics. */
void load_registers(uint8_t row)
{
    uint32_t from = row_pointer(row);
    uint16_t seg = (uint16_t)(from >> 16);
    uint16_t at = (uint16_t)from;
    uint16_t seq = (uint16_t)(at + 5), misc = (uint16_t)(at + 9);
    uint16_t crtc = (uint16_t)(at + 10), attr = (uint16_t)(at + 35);
    uint16_t gfx = (uint16_t)(at + 55);
    uint16_t port;
    uint8_t i;

    port = peek8(seg, misc) & 1 ? CRTC_COLOUR : CRTC_MONO;
    reg_write(SEQ, 0, 1); /* synchronous reset, while the clock changes */
    outb(MISC_WRITE, peek8(seg, misc));
    reg_write(SEQ, 1, peek8(seg, seq) | 0x20); /* screen off until all is set */
    for (i = 2; i <= 4; i++)
        reg_write(SEQ, i, peek8(seg, (uint16_t)(seq + i - 1)));
    reg_write(SEQ, 0, 3);

    BDA->crtc = port;
    reg_write(port, 0x11, peek8(seg, (uint16_t)(crtc + 0x11)) & 0x7f);
    for (i = 0; i <= 0x18; i++)
        reg_write(port, i, peek8(seg, (uint16_t)(crtc + i)));

    for (i = 0; i <= 8; i++)
        reg_write(GFX, i, peek8(seg, (uint16_t)(gfx + i)));

    fresh_attr();
    for (i = 0; i <= 0x13; i++) {
        if (i < 0x11 && BDA->flags & FLAG_KEEP_PALETTE)
            continue;
        outb(ATTR, i);
        outb(ATTR, peek8(seg, (uint16_t)(attr + i)));
    }
    outb(ATTR, 0x14);
    outb(ATTR, 0);
    outb(PEL_MASK, 0xff);

    BDA->columns = peek8(seg, at);
    BDA->last_row = peek8(seg, (uint16_t)(at + 1));
    BDA->char_height = peek8(seg, (uint16_t)(at + 2));
    BDA->page_size = peek16(seg, (uint16_t)(at + 3));
}

static void forget_pages(void)
{
    uint8_t i;

    for (i = 0; i < 8; i++)
        BDA->cursor[i] = 0;
    BDA->page = 0;
    BDA->page_start = 0;
}

static uint32_t font_of_height(uint8_t height)
{
    if (height >= 16)
        return rom_far(font8x16);
    return rom_far(height >= 14 ? font8x14 : font8x8);
}

/* The second half of the load: what follows the registers in every mode. */
static void finish(uint8_t mode, bool clear)
{
    uint8_t height = (uint8_t)BDA->char_height;
    enum kind k;

    BDA->mode = mode;
    BDA->control =
        CONTROL_256K | (BDA->control & 0x1f) | (clear ? 0 : CONTROL_NO_CLEAR);
    if (!(BDA->flags & FLAG_KEEP_PALETTE))
        load_dac(mode);
    forget_pages();
    k = kind_now();
    if (clear) {
        if (k == TEXT)
            fill16(mode == 7 ? 0xb000 : 0xb800, 0, 0x0720, 0x4000);
        else if (k == CGA)
            fill16(0xb800, 0, 0, 0x4000);
        else
            fill16(0xa000, 0, 0, 0x8000);
    }
    VECTOR(0x43) = font_of_height(height);
    VECTOR(0x1f) = rom_far(font8x8 + 128 * 8);
    if (k == TEXT) {
        load_font(font_of_height(height), height, 256, 0, 0);
        set_cursor_shape(6, 7);
    } else {
        BDA->cursor_shape = 0;
    }
    screen_on();
    reg_write(SEQ, 1, reg_read(SEQ, 1) & 0xdf);
}

void set_text_mode(uint8_t row, uint8_t mode, bool clear)
{
    vbe_leave();
    load_registers(row);
    finish(mode, clear);
}

/* The row of the parameter table, by mode and by the scan lines that AH=12h BL=30h set.
 */
static uint8_t row_of(uint8_t mode)
{
    uint8_t flags = BDA->flags;

    if (mode <= 3) {
        if (flags & FLAG_200_LINES)
            return mode;
        return flags & FLAG_400_LINES ? (uint8_t)(0x17 + (mode >> 1)) : 0x13 + mode;
    }
    if (mode == 7)
        return flags & FLAG_400_LINES ? 0x19 : 7;
    if (mode <= 0x0e)
        return mode;
    return (uint8_t)(mode + (mode < 0x11 ? 2 : 9)); /* 0Fh: 11h, 11h: 1Ah */
}

/* Bit 7 of mode: video memory stays. Modes that no VGA has change nothing. */
void set_mode(uint8_t mode)
{
    static const uint8_t selects[] = {0x2c, 0x28, 0x2d, 0x29, 0x2a, 0x2e, 0x1e, 0x29};
    bool clear = !(mode & 0x80);
    uint8_t equipment;

    mode &= 0x7f;
    if ((mode > 7 && mode < 0x0d) || mode > 0x13)
        return;
    vbe_leave();
    equipment = BDA->equipment & 0x30;
    if (mode == 7 || mode == 0x0f)
        BDA->equipment = BDA->equipment | 0x30;
    else if (equipment == 0x30 || !equipment)
        BDA->equipment = (BDA->equipment & 0xffcf) | 0x20;
    if (mode <= 7) {
        BDA->mode_select = selects[mode];
        BDA->palette = mode == 6 ? 0x3f : 0x30;
    }
    load_registers(row_of(mode));
    finish(mode, clear);
}
