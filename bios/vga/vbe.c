/* vbe.c - VESA BIOS Extensions 3.0 (AH=4Fh) on the Bochs VBE registers.
 *
 * Sources: VESA BIOS Extension (VBE) Core Functions Standard 3.0, chapter 4; VESA
 * VBE/PM 1.0 (display power); the Bochs VBE's description (vbe_display_api.txt:
 * registers at 1CEh and 1CFh) and QEMU's docs/specs/standard-vga.
 */
#include "vga.h"

enum {
    DONE = 0x004f,
    FAILED = 0x014f,
    NOT_HERE = 0x024f, /* not supported by this hardware */
    NOT_NOW = 0x034f,  /* not in this mode */
    UNKNOWN = 0x0100,  /* AL is not 4Fh: no such function */
};

static const char oem[] = "Menura VGA BIOS";
static const char vendor[] = "Menura";
static const char product[] = "Bochs VBE compatible VGA";
static const char revision[] = "1.0";

bool vbe_present(void)
{
    uint16_t id;

    dispi_write(DISPI_ID, DISPI_ID_SET);
    id = dispi_read(DISPI_ID);
    return id >= DISPI_ID_MIN && id <= DISPI_ID_MAX;
}

bool vbe_active(void)
{
    return BDA->mode == VBE_MODE;
}

void vbe_leave(void)
{
    if (vbe_present())
        dispi_write(DISPI_ENABLE, 0);
}

uint16_t vbe_pixel_bytes(uint16_t bits)
{
    return (uint16_t)((bits + 7) >> 3);
}

/* ---- modes ---- */

static uint32_t line_bytes(uint16_t width, uint16_t bits)
{
    return bits == 4 ? width / 8u : (uint32_t)width * vbe_pixel_bytes(bits);
}

/* What one line costs of the memory: with 4 bits a pixel a byte in each of four planes.
 */
static uint32_t line_cost(uint16_t width, uint16_t bits)
{
    return line_bytes(width, bits) * (bits == 4 ? 4 : 1);
}

static uint32_t memory_size(void)
{
    return (uint32_t)dispi_read(DISPI_MEMORY_64K) << 16;
}

static bool fits(const struct vbe_mode *m)
{
    return !m->bits || line_cost(m->width, m->bits) * m->height <= memory_size();
}

static const struct vbe_mode *find(uint16_t number)
{
    const struct vbe_mode *m;

    for (m = vbe_modes; m->number; m++) {
        if (m->number == number)
            return fits(m) ? m : 0;
    }
    return 0;
}

/* Function 00h: 256 bytes at ES:DI, or 512 for who asks by "VBE2". */
static uint16_t controller_info(regs r)
{
    const struct vbe_mode *m;
    uint16_t seg = r->es, at = r->di, list = at + 34, i;
    bool more = peek32(seg, at) == 0x32454256; /* "VBE2" */

    for (i = 0; i < (more ? 512 : 256); i++)
        poke8(seg, at + i, 0);
    poke32(seg, at, 0x41534556); /* "VESA" */
    poke16(seg, at + 4, 0x0300);
    poke32(seg, at + 6, rom_far(oem));
    poke32(seg, at + 10, 1); /* the DAC can be 8 bits wide */
    poke32(seg, at + 14, (uint32_t)seg << 16 | list);
    poke16(seg, at + 18, dispi_read(DISPI_MEMORY_64K));
    if (more) {
        poke16(seg, at + 20, 0x0100);
        poke32(seg, at + 22, rom_far(vendor));
        poke32(seg, at + 26, rom_far(product));
        poke32(seg, at + 30, rom_far(revision));
    }
    /* The list stands in the block's reserved 222 bytes. */
    for (m = vbe_modes; m->number && list < at + 254; m++) {
        if (fits(m)) {
            poke16(seg, list, m->number);
            list += 2;
        }
    }
    poke16(seg, list, 0xffff);
    return DONE;
}

/* Sizes and positions of a pixel's red, green, blue and unused bits. */
static void put_masks(uint16_t seg, uint16_t at, uint16_t bits)
{
    static const uint8_t masks[3][8] = {
        {5, 10, 5, 5, 5, 0, 1, 15},
        {5, 11, 6, 5, 5, 0, 0, 0},
        {8, 16, 8, 8, 8, 0, 0, 0},
    };
    const uint8_t *m = masks[bits == 15 ? 0 : bits == 16 ? 1 : 2];
    uint8_t i;

    if (bits < 15)
        return;
    for (i = 0; i < 8; i++)
        poke8(seg, at + i, m[i]);
    if (bits == 32)
        poke16(seg, at + 6, 24 << 8 | 8);
}

/* Function 01h: 256 bytes at ES:DI. */
static uint16_t mode_info(regs r)
{
    const struct vbe_mode *m = find(r->cx & 0x3fff);
    uint16_t seg = r->es, at = r->di, i;
    uint32_t step, images;
    bool text;

    if (!m)
        return FAILED;
    text = !m->bits;
    step = text ? m->width * 2u : line_bytes(m->width, m->bits);
    images = text ? 1 : memory_size() / (line_cost(m->width, m->bits) * m->height);
    if (images > 256)
        images = 256;
    for (i = 0; i < 256; i++)
        poke8(seg, at + i, 0);
    /* Supported, described, with text output, colour; graphics, a linear frame buffer.
     */
    poke16(seg, at, text ? 0x000f : m->bits == 4 ? 0x001f : 0x009b | 0x0004);
    poke8(seg, at + 2, 7); /* window A: there, read, written; no window B */
    poke16(seg, at + 4, text ? 32 : 64);
    poke16(seg, at + 6, text ? 32 : 64);
    poke16(seg, at + 8, text ? 0xb800 : 0xa000);
    poke32(seg, at + 12, text ? 0 : rom_far(window_function));
    poke16(seg, at + 16, (uint16_t)step);
    poke16(seg, at + 18, m->width);
    poke16(seg, at + 20, m->height);
    poke8(seg, at + 22, 8);
    poke8(seg, at + 23, text ? parameter_table[m->row].char_height : 16);
    poke8(seg, at + 24, text || m->bits == 4 ? 4 : 1); /* planes */
    poke8(seg, at + 25, text ? 4 : m->bits);
    poke8(seg, at + 26, 1); /* banks, in the sense of the CGA's */
    poke8(seg, at + 27, text ? 0 : m->bits == 4 ? 3 : m->bits == 8 ? 4 : 6);
    poke8(seg, at + 29, (uint8_t)(images - 1));
    poke8(seg, at + 30, 1);
    put_masks(seg, at + 31, m->bits);
    if (m->bits == 15 || m->bits == 32)
        poke8(seg, at + 39, 2); /* the unused bits are the program's */
    if (text || m->bits == 4)
        return DONE;
    poke32(seg, at + 40, pci_bar(0) & 0xfffffff0);
    poke16(seg, at + 50, (uint16_t)step);
    poke8(seg, at + 52, (uint8_t)(images - 1));
    poke8(seg, at + 53, (uint8_t)(images - 1));
    put_masks(seg, at + 54, m->bits);
    poke32(seg, at + 62, 400000000);
    return DONE;
}

/* Function 02h: BX bit 15 keeps memory, bit 14 asks for the linear frame buffer; bit
 * 11, timings of the caller's, means nothing to a card without a monitor. */
static uint16_t set(uint16_t bx)
{
    const struct vbe_mode *m;
    uint16_t enable = ENABLED;

    if (!(bx & 0x3f00)) {
        set_mode((uint8_t)((bx & 0x7f) | (bx >> 8 & 0x80)));
        return BDA->mode == (bx & 0x7f) ? DONE : FAILED;
    }
    m = find(bx & 0x01ff);
    if (!m || bx & 0x3600)
        return FAILED;
    if (!m->bits) {
        set_text_mode(m->row, (uint8_t)m->number, !(bx & 0x8000));
        return DONE;
    }
    if (bx & 0x4000) {
        if (m->bits == 4)
            return FAILED; /* planes have no linear view */
        enable |= LFB;
    }
    if (bx & 0x8000)
        enable |= NO_CLEAR;
    /* The VGA in the nearest mode of its own: planes as in 12h, bytes as in 13h. */
    vbe_leave();
    load_registers(m->bits == 4 ? 0x1b : 0x1c);
    BDA->mode = VBE_MODE;
    load_dac(m->bits == 4 ? 0x12 : VBE_MODE);
    dispi_write(DISPI_XRES, m->width);
    dispi_write(DISPI_YRES, m->height);
    dispi_write(DISPI_BPP, m->bits);
    dispi_write(DISPI_ENABLE, enable);
    dispi_write(DISPI_BANK, 0);
    VECTOR(0x43) = rom_far(font8x16);
    BDA->columns = m->width / 8 > 255 ? 255 : m->width / 8;
    BDA->last_row = (uint8_t)(m->height / 16 - 1);
    BDA->char_height = 16;
    BDA->page_size = 0;
    BDA->page = 0;
    BDA->page_start = 0;
    BDA->cursor[0] = 0;
    BDA->control =
        CONTROL_256K | (BDA->control & 0x1f) | (bx & 0x8000 ? CONTROL_NO_CLEAR : 0);
    screen_on();
    reg_write(SEQ, 1, reg_read(SEQ, 1) & 0xdf);
    return DONE;
}

/* Function 03h: nothing is remembered, the registers say it. */
static uint16_t current(void)
{
    const struct vbe_mode *m;
    uint16_t width, height, bits, flags;

    if (!vbe_active()) {
        flags = (BDA->control & CONTROL_NO_CLEAR) << 8;
        if (BDA->mode >= 8 && BDA->mode <= 0x0c)
            return (uint16_t)(0x100 | BDA->mode | flags);
        return BDA->mode | flags;
    }
    width = dispi_read(DISPI_XRES);
    height = dispi_read(DISPI_YRES);
    bits = dispi_read(DISPI_BPP);
    flags = dispi_read(DISPI_ENABLE);
    flags =
        (uint16_t)((flags & LFB ? 0x4000 : 0) | (BDA->control & CONTROL_NO_CLEAR) << 8);
    for (m = vbe_modes; m->number; m++) {
        if (m->width == width && m->height == height && m->bits == bits)
            return m->number | flags;
    }
    return 0x01ff | flags; /* set by somebody else through the registers */
}

/* ---- what a mode shows of the memory ---- */

static uint16_t window(regs r)
{
    if (!vbe_active() || r->bl || r->bh > 1)
        return vbe_active() ? FAILED : NOT_NOW;
    if (dispi_read(DISPI_ENABLE) & LFB && !r->bh &&
        r->dx > dispi_read(DISPI_MEMORY_64K))
        return NOT_NOW;
    if (r->bh) {
        r->dx = dispi_read(DISPI_BANK);
        return DONE;
    }
    if (r->dx >= dispi_read(DISPI_MEMORY_64K))
        return FAILED;
    dispi_write(DISPI_BANK, r->dx);
    return DONE;
}

/* Function 06h: the length of a line, in pixels or bytes. */
static uint16_t line_length(regs r)
{
    uint16_t bits, visible, width, per_line;
    uint32_t cost, lines;

    if (!vbe_active())
        return NOT_NOW;
    bits = dispi_read(DISPI_BPP);
    visible = dispi_read(DISPI_XRES);
    width = dispi_read(DISPI_VIRT_WIDTH);
    if (r->bl == 0)
        width = bits == 4 ? (uint16_t)((r->cx + 7) & ~7) : r->cx;
    else if (r->bl == 2 && bits == 4)
        width = (uint16_t)(r->cx << 3);
    else if (r->bl == 2)
        width = (uint16_t)((r->cx + vbe_pixel_bytes(bits) - 1) / vbe_pixel_bytes(bits));
    else if (r->bl == 3) /* the most that leaves room for the visible lines */
        width = 8192;
    else if (r->bl != 1)
        return FAILED;
    if (r->bl == 3) {
        while (line_cost(width, bits) * dispi_read(DISPI_YRES) > memory_size())
            width -= 8;
    } else if (r->bl != 1) {
        if (width < visible || width > 8192 ||
            line_cost(width, bits) * dispi_read(DISPI_YRES) > memory_size())
            return NOT_HERE;
        dispi_write(DISPI_VIRT_WIDTH, width);
        width = dispi_read(DISPI_VIRT_WIDTH);
    }
    cost = line_cost(width, bits);
    per_line = (uint16_t)line_bytes(width, bits);
    lines = cost ? memory_size() / cost : 0;
    r->bx = per_line;
    r->cx = width;
    r->dx = lines > 0xffff ? 0xffff : (uint16_t)lines;
    return DONE;
}

static bool start_fits(uint32_t x, uint32_t y)
{
    uint16_t bits = dispi_read(DISPI_BPP), width = dispi_read(DISPI_VIRT_WIDTH);

    if (x + dispi_read(DISPI_XRES) > width)
        return false;
    return (y + dispi_read(DISPI_YRES)) * line_cost(width, bits) <= memory_size();
}

/* Input status 1 bit 3; bounded, for a display that is off has no retrace. */
static void wait_retrace(void)
{
    uint32_t patience = 0x100000;
    uint16_t status = (uint16_t)(BDA->crtc + STATUS1_OFFSET);

    while (!(inb(status) & 8) && --patience)
        continue;
}

/* Function 07h: CX and DX a pixel, or ECX a byte (BL 02h); bit 7 waits for the retrace.
 * Changes are shown at once, so that "was it done yet" (04h) is always yes. */
static uint16_t display_start(regs r)
{
    uint16_t bits, width;
    uint32_t x = r->cx, y = r->dx, step;

    if (!vbe_active())
        return NOT_NOW;
    bits = dispi_read(DISPI_BPP);
    width = dispi_read(DISPI_VIRT_WIDTH);
    step = line_bytes(width, bits);
    switch (r->bl & 0x7f) {
    case 0x00: break;
    case 0x01:
        r->bh = 0;
        r->cx = dispi_read(DISPI_X_OFFSET);
        r->dx = dispi_read(DISPI_Y_OFFSET);
        return DONE;
    case 0x02:
        if (!step)
            return FAILED;
        y = r->ecx / step;
        x = r->ecx % step;
        x = bits == 4 ? x * 8 : x / vbe_pixel_bytes(bits);
        break;
    case 0x04: r->cx = 1; return DONE;
    default: /* stereo */ return NOT_HERE;
    }
    if (y > 0xffff || !start_fits(x, y))
        return FAILED;
    if (r->bl & 0x80)
        wait_retrace();
    dispi_write(DISPI_X_OFFSET, (uint16_t)x);
    dispi_write(DISPI_Y_OFFSET, (uint16_t)y);
    return DONE;
}

/* ---- colours ---- */

static uint16_t dac_width(regs r)
{
    uint16_t enable;

    if (!vbe_active() || dispi_read(DISPI_BPP) > 8)
        return NOT_NOW;
    enable = dispi_read(DISPI_ENABLE);
    if (r->bl == 0) {
        if (r->bh < 6)
            return FAILED;
        enable =
            (uint16_t)((enable & ~(DAC_8BIT | NO_CLEAR)) | (r->bh >= 8 ? DAC_8BIT : 0));
        dispi_write(DISPI_ENABLE, enable | NO_CLEAR);
    } else if (r->bl != 1) {
        return FAILED;
    }
    r->bh = dispi_read(DISPI_ENABLE) & DAC_8BIT ? 8 : 6;
    return DONE;
}

/* Function 09h: CX entries from DX on at ES:DI: blue, green, red, unused. */
static uint16_t palette_data(regs r)
{
    uint16_t seg = r->es, at = r->di, n = r->cx;

    if (r->dx > 255 || n > 256 || r->dx + n > 256)
        return FAILED;
    if (vbe_active() && dispi_read(DISPI_BPP) > 8)
        return NOT_NOW;
    switch (r->bl) {
    case 0x80:
        wait_retrace();
        /* fall through */
    case 0x00:
        outb(PEL_WRITE_INDEX, r->dl);
        for (; n; n--, at += 4) {
            outb(PEL_DATA, peek8(seg, at + 2));
            outb(PEL_DATA, peek8(seg, at + 1));
            outb(PEL_DATA, peek8(seg, at));
        }
        return DONE;
    case 0x01:
        outb(PEL_READ_INDEX, r->dl);
        for (; n; n--, at += 4) {
            poke8(seg, at + 2, inb(PEL_DATA));
            poke8(seg, at + 1, inb(PEL_DATA));
            poke8(seg, at, inb(PEL_DATA));
            poke8(seg, at + 3, 0);
        }
        return DONE;
    default: /* a second palette */ return NOT_HERE;
    }
}

/* ---- the rest ---- */

static uint16_t state(regs r)
{
    uint8_t what = r->cl & 0x0f;

    switch (r->dl) {
    case 0: r->bx = state_blocks(what); return DONE;
    case 1: state_save(what, r->es, r->bx); return DONE;
    case 2: state_restore(what, r->es, r->bx); return DONE;
    default: return FAILED;
    }
}

static uint16_t protected_mode(regs r)
{
    if (r->bl)
        return FAILED;
    r->es = rom_segment();
    r->di = (uint16_t)(uint32_t)pm_table;
    r->cx = (uint16_t)(pm_end - pm_table);
    return DONE;
}

/* AX=4F10h: a picture, or none: sequencer bit 5 blanks. There is no monitor to tell. */
static uint16_t power(regs r)
{
    uint8_t clocking = reg_read(SEQ, 1);

    switch (r->bl) {
    case 0:
        r->bl = 0x10; /* VBE/PM 1.0 */
        r->bh = 0x04; /* "off" is all there is besides "on" */
        return DONE;
    case 1:
        if (r->bh != 0 && r->bh != 4)
            return FAILED;
        reg_write(SEQ, 1, r->bh ? clocking | 0x20 : clocking & 0xdf);
        return DONE;
    case 2: r->bh = clocking & 0x20 ? 4 : 0; return DONE;
    default: return FAILED;
    }
}

static uint16_t call(regs r)
{
    switch (r->al) {
    case 0x00: return controller_info(r);
    case 0x01: return mode_info(r);
    case 0x02: return set(r->bx);
    case 0x03: r->bx = current(); return DONE;
    case 0x04: return state(r);
    case 0x05: return window(r);
    case 0x06: return line_length(r);
    case 0x07: return display_start(r);
    case 0x08: return dac_width(r);
    case 0x09: return palette_data(r);
    case 0x0a: return protected_mode(r);
    case 0x10: return power(r);
    default: return UNKNOWN;
    }
}

void vbe_call(regs r)
{
    if (!vbe_present()) {
        r->ax = UNKNOWN;
    } else if (r->al == 0x15) {
        ddc_call(r);
    } else {
        r->ax = call(r);
    }
}
