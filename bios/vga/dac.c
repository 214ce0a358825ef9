/* dac.c - colours: palette registers, overscan and DAC (AH=10h), CGA palettes (AH=0Bh).
 *
 * Sources: IBM PS/2 and PC BIOS Interface TR, INT 10h AH=0Bh and AH=10h; Ralf Brown's
 * INT 10/AX=1000h-101Bh; IBM PS/2 Hardware Interface TR, "Video DAC", "Attribute
 * Controller".
 */
#include "vga.h"

uint8_t attr_read(uint8_t i)
{
    uint8_t v;

    fresh_attr();
    outb(ATTR, i | (i < 0x10 ? 0 : 0x20)); /* bit 5 would lock the palette's reading */
    v = inb(ATTR_READ);
    screen_on();
    return v;
}

void attr_write(uint8_t i, uint8_t v)
{
    uint32_t save = BDA->save_pointer, area = 0;

    fresh_attr();
    outb(ATTR, i);
    outb(ATTR, v);
    screen_on();
    /* The dynamic save area (the save table's second pointer) follows the palette. */
    if (save)
        area = peek32((uint16_t)(save >> 16), (uint16_t)(save + 4));
    if (area && i <= 0x11)
        poke8((uint16_t)(area >> 16), (uint16_t)(area + (i == 0x11 ? 0x10 : i)), v);
}

/* ---- the DAC ---- */

/* The weights of an eye: 30 % red, 59 % green, 11 % blue (IBM's "gray-scale summing").
 */
static uint8_t gray(uint8_t red, uint8_t green, uint8_t blue)
{
    return (uint8_t)((77u * red + 151u * green + 28u * blue + 128) >> 8);
}

static void dac_data(uint8_t red, uint8_t green, uint8_t blue)
{
    if (BDA->flags & FLAG_GRAY)
        red = green = blue = gray(red, green, blue);
    outb(PEL_DATA, red);
    outb(PEL_DATA, green);
    outb(PEL_DATA, blue);
}

void dac_write(uint8_t i, uint8_t red, uint8_t green, uint8_t blue)
{
    outb(PEL_WRITE_INDEX, i);
    dac_data(red, green, blue);
}

/* One wire of an RGB monitor: two thirds, with intensity one third more. */
static uint8_t wire(bool on, bool intense)
{
    return (uint8_t)((on ? 0x2a : 0) + (intense ? 0x15 : 0));
}

static void ega_entry(uint8_t i)
{
    dac_data(wire(i & 4, i & 0x20), wire(i & 2, i & 0x10), wire(i & 1, i & 8));
}

/* i: bits 2-0 red, green, blue. A CGA monitor showed dark yellow as brown. */
static void cga_entry(uint8_t i, bool intense)
{
    bool brown = (i & 7) == 6 && !intense;
    uint8_t green = brown ? 0x15 : wire(i & 2, intense);

    dac_data(wire(i & 4, intense), green, wire(i & 1, intense));
}

/* Position 0 to 23 on the colour circle: how much of one primary, in quarters. */
static uint8_t wave(uint8_t at)
{
    at %= 24;
    if (at < 4)
        return at;
    if (at < 12)
        return 4;
    return at < 16 ? (uint8_t)(16 - at) : 0;
}

/* Mode 13h: 16 colours, 16 grays, and the colour circle in three brightnesses of three
 * saturations each; the rest is black. */
static void load_256(void)
{
    static const uint8_t grays[16] = {0x00, 0x05, 0x08, 0x0b, 0x0e, 0x11, 0x14, 0x18,
                                      0x1c, 0x20, 0x24, 0x28, 0x2d, 0x32, 0x38, 0x3f};
    static const uint8_t quarters[9][5] = {
        {0x00, 0x10, 0x1f, 0x2f, 0x3f}, {0x1f, 0x27, 0x2f, 0x37, 0x3f},
        {0x2d, 0x31, 0x36, 0x3a, 0x3f}, {0x00, 0x07, 0x0e, 0x15, 0x1c},
        {0x0e, 0x11, 0x15, 0x18, 0x1c}, {0x14, 0x16, 0x18, 0x1a, 0x1c},
        {0x00, 0x04, 0x08, 0x0c, 0x10}, {0x08, 0x0a, 0x0c, 0x0e, 0x10},
        {0x0b, 0x0c, 0x0d, 0x0f, 0x10},
    };
    uint8_t i, hue;

    for (i = 0; i < 16; i++)
        cga_entry(i, i & 8);
    for (i = 0; i < 16; i++)
        dac_data(grays[i], grays[i], grays[i]);
    for (i = 0; i < 9; i++) {
        for (hue = 0; hue < 24; hue++) /* from blue over red and green back */
            dac_data(quarters[i][wave(hue)], quarters[i][wave((uint8_t)(hue + 16))],
                     quarters[i][wave((uint8_t)(hue + 8))]);
    }
    for (i = 0; i < 8; i++)
        dac_data(0, 0, 0);
}

/* The default colours. Other than mode 13h's, tables have 64 entries. */
void load_dac(uint8_t mode)
{
    static const uint8_t mono[4] = {0x00, 0x2a, 0x00, 0x3f};
    uint8_t i;

    outb(PEL_WRITE_INDEX, 0);
    if (mode == 0x13 || mode == VBE_MODE) {
        load_256();
        return;
    }
    for (i = 0; i < 64; i++) {
        if (mode == 7 || mode == 0x0f)
            dac_data(mono[i >> 3 & 3], mono[i >> 3 & 3], mono[i >> 3 & 3]);
        else if ((mode >= 4 && mode <= 0x0e && mode != 7) ||
                 (mode <= 3 && BDA->flags & FLAG_200_LINES))
            cga_entry(i, i & 0x10);
        else
            ega_entry(i);
    }
}

static void sum_to_gray(uint16_t first, uint16_t n)
{
    uint8_t red, green, blue;

    for (; n; n--, first++) {
        outb(PEL_READ_INDEX, (uint8_t)first);
        red = inb(PEL_DATA);
        green = inb(PEL_DATA);
        blue = inb(PEL_DATA);
        red = gray(red, green, blue);
        outb(PEL_WRITE_INDEX, (uint8_t)first);
        outb(PEL_DATA, red);
        outb(PEL_DATA, red);
        outb(PEL_DATA, red);
    }
}

/* ---- the calls ---- */

/* AX=1013h: of the DAC's 256 entries, 64 or 16 at a time (AR10 bit 7, AR14). */
static void select_page(uint8_t what, uint8_t v)
{
    uint8_t mode_control = attr_read(0x10);

    if (what == 0)
        attr_write(0x10, (mode_control & 0x7f) | (uint8_t)(v << 7));
    else if (what == 1)
        attr_write(0x14, mode_control & 0x80 ? v & 0x0f : (uint8_t)(v << 2 & 0x0c));
}

void palette_call(regs r)
{
    uint16_t seg = r->es, off = r->dx, n = r->cx;
    uint8_t i;

    switch (r->al) {
    case 0x00: attr_write(r->bl & 0x1f, r->bh); break;
    case 0x01: attr_write(0x11, r->bh); break;
    case 0x02: /* ES:DX: sixteen colours and the overscan */
        for (i = 0; i <= 0x10; i++)
            attr_write(i < 0x10 ? i : 0x11, peek8(seg, (uint16_t)(off + i)));
        break;
    case 0x03: /* attribute bit 7: 0 sixteen backgrounds, 1 blinking */
        attr_write(0x10, (attr_read(0x10) & 0xf7) | (r->bl & 1) << 3);
        BDA->mode_select = (BDA->mode_select & 0xdf) | (r->bl & 1) << 5;
        break;
    case 0x07: r->bh = attr_read(r->bl & 0x1f); break;
    case 0x08: r->bh = attr_read(0x11); break;
    case 0x09:
        for (i = 0; i <= 0x10; i++)
            poke8(seg, (uint16_t)(off + i), attr_read(i < 0x10 ? i : 0x11));
        break;
    case 0x10: dac_write(r->bl, r->dh, r->ch, r->cl); break;
    case 0x12:
        outb(PEL_WRITE_INDEX, r->bl);
        for (; n; n--, off = (uint16_t)(off + 3))
            dac_data(peek8(seg, off), peek8(seg, (uint16_t)(off + 1)),
                     peek8(seg, (uint16_t)(off + 2)));
        break;
    case 0x13: select_page(r->bl, r->bh); break;
    case 0x15:
        outb(PEL_READ_INDEX, r->bl);
        r->dh = inb(PEL_DATA);
        r->ch = inb(PEL_DATA);
        r->cl = inb(PEL_DATA);
        break;
    case 0x17:
        outb(PEL_READ_INDEX, r->bl);
        for (; n; n--, off = (uint16_t)(off + 3)) {
            poke8(seg, off, inb(PEL_DATA));
            poke8(seg, (uint16_t)(off + 1), inb(PEL_DATA));
            poke8(seg, (uint16_t)(off + 2), inb(PEL_DATA));
        }
        break;
    case 0x18: outb(PEL_MASK, r->bl); break;
    case 0x19: r->bl = inb(PEL_MASK); break;
    case 0x1a:
        r->bl = attr_read(0x10) >> 7;
        r->bh = attr_read(0x14) & 0x0f;
        if (!r->bl)
            r->bh = r->bh >> 2;
        break;
    case 0x1b: sum_to_gray(r->bx, n); break;
    default: break;
    }
}

/* AH=0Bh, made for the CGA: what 0 sets border and background, 1 chooses between the
 * palettes green, red, yellow and cyan, magenta, white. */
void set_colour(uint8_t what, uint8_t v)
{
    uint8_t intense = v & 0x10, i;

    if (what == 0) {
        BDA->palette = (BDA->palette & 0xe0) | (v & 0x1f);
        v = (uint8_t)((v & 7) | (v & 8) << 1); /* the palette's intensity is bit 4 */
        attr_write(0x11, v);
        if (BDA->mode >= 4 && BDA->mode <= 6) {
            attr_write(0, v);
            for (i = 1; i < 4; i++)
                attr_write(i, (attr_read(i) & 0xef) | intense);
        }
    } else if (what == 1) {
        BDA->palette = (BDA->palette & 0xdf) | (v & 1) << 5;
        for (i = 1; i < 4; i++)
            attr_write(i, (uint8_t)(i << 1 | (v & 1) | (BDA->palette & 0x10)));
    }
}
