/* vga_vbe.c - the VBE_DISPI registers: linear modes, banks, panning.
 *
 * Bochs VBE interface, ID B0C5h, at ports 1CEh-1D1h and at 500h of BAR 2 (QEMU,
 * "Standard VGA" specification). Values are brought within what the card can do when
 * written, and again when used: a snapshot may hold any.
 */
#include "devices/vga_card.h"

static unsigned within(unsigned value, unsigned least, unsigned most)
{
    return value < least ? least : value > most ? most : value;
}

static bool depth_exists(unsigned bits)
{
    return bits == 4 || bits == 8 || bits == 15 || bits == 16 || bits == 24 ||
           bits == 32;
}

/* Bytes that n pixels take, n a multiple of 8. */
static uint32_t bytes_of(uint32_t n, unsigned bits)
{
    return n * (bits == 15 ? 16 : bits) / 8;
}

struct vbe_mode vga_vbe_mode(const struct vga *v)
{
    struct vbe_mode m = {.bits = v->vbe[VBE_BPP]};
    unsigned wide = v->vbe[VBE_VIRT_WIDTH] & ~7u, x = v->vbe[VBE_X_OFFSET];

    if (!depth_exists(m.bits))
        m.bits = 8;
    m.width = within(v->vbe[VBE_XRES] & ~7u, 8, SCREEN_WIDTH);
    if (wide < m.width || bytes_of(wide, m.bits) > v->wiring.size)
        wide = m.width;
    m.pitch = bytes_of(wide, m.bits);
    m.height = within(v->vbe[VBE_YRES], 1, SCREEN_HEIGHT);
    m.height =
        (unsigned)(m.height < v->wiring.size / m.pitch ? m.height
                                                       : v->wiring.size / m.pitch);
    m.start = (uint64_t)v->vbe[VBE_Y_OFFSET] * m.pitch;
    if (m.bits == 4) {
        m.start += x / 8 * 4;
        m.skip = x % 8;
    } else {
        m.start += (uint64_t)x * bytes_of(8, m.bits) / 8;
    }
    return m;
}

/* What software reads back is what is in effect. */
static void settle(struct vga *v)
{
    struct vbe_mode m;
    uint64_t rows;

    if (!vga_vbe_on(v))
        return;
    m = vga_vbe_mode(v);
    rows = v->wiring.size / m.pitch;
    v->vbe[VBE_XRES] = (uint16_t)m.width;
    v->vbe[VBE_YRES] = (uint16_t)m.height;
    v->vbe[VBE_BPP] = (uint16_t)m.bits;
    v->vbe[VBE_VIRT_WIDTH] = (uint16_t)((uint64_t)m.pitch * 8 / bytes_of(8, m.bits));
    v->vbe[VBE_VIRT_HEIGHT] = (uint16_t)(rows < 0xffff ? rows : 0xffff);
}

/* The VGA's own registers follow a mode set, so that software which reads them, and the
 * graphics controller in planar modes, find a graphics mode of that size. */
static void program_vga(struct vga *v, const struct vbe_mode *m)
{
    unsigned last = m->height - 1;

    v->gr[GR_MISCELLANEOUS] = (uint8_t)((v->gr[GR_MISCELLANEOUS] & ~0xf) | 5);
    v->gr[GR_MODE] &= (uint8_t) ~(GR5_INTERLEAVE | GR5_256 | GR5_ODD_EVEN);
    v->sr[SR_MEMORY_MODE] |= SR4_EXTENDED | SR4_SEQUENTIAL;
    if (m->bits == 4) {
        v->sr[SR_MEMORY_MODE] &= (uint8_t)~SR4_CHAIN_4;
    } else {
        v->gr[GR_MODE] |= GR5_256;
        v->sr[SR_MEMORY_MODE] |= SR4_CHAIN_4;
        v->sr[SR_MAP_MASK] |= 15;
    }
    v->misc |= MISC_RAM;
    v->cr[CR_MODE] |= CR17_ROW_0 | CR17_ROW_1;
    v->cr[CR_OFFSET] = (uint8_t)(m->pitch / 8);
    v->cr[CR_HDISPLAY] = (uint8_t)(m->width / 8 - 1);
    v->cr[CR_VDISPLAY] = (uint8_t)last;
    v->cr[CR_OVERFLOW] = (uint8_t)((v->cr[CR_OVERFLOW] & ~0x42) | (last >> 7 & 0x02) |
                                   (last >> 3 & 0x40) | 0x10);
    v->cr[CR_LINE_COMPARE] = 0xff;
    v->cr[CR_MAX_SCAN] = (uint8_t)((v->cr[CR_MAX_SCAN] & 0x60) | 0x40);
    v->cr[CR_START_HIGH] = v->cr[CR_START_LOW] = 0;
}

static void enable(struct vga *v, uint16_t value)
{
    bool starts = (value & VBE_ENABLED) && !vga_vbe_on(v);
    struct vbe_mode m;
    uint64_t n;

    v->vbe[VBE_ENABLE] = value;
    if (!(value & VBE_ENABLED))
        v->vbe[VBE_BANK] = 0;
    if (!starts)
        return;
    v->vbe[VBE_VIRT_WIDTH] = v->vbe[VBE_X_OFFSET] = v->vbe[VBE_Y_OFFSET] = 0;
    v->vbe[VBE_BANK] = 0;
    settle(v);
    m = vga_vbe_mode(v);
    program_vga(v, &m);
    if (value & VBE_NOCLEAR)
        return;
    n = (uint64_t)m.pitch * m.height;
    memset(v->wiring.memory, 0, n);
    if (v->wiring.stored)
        v->wiring.stored(v->wiring.owner, 0, (unsigned)n);
}

static uint16_t banks(const struct vga *v)
{
    return (uint16_t)(v->wiring.size >> 16);
}

uint16_t vga_vbe_read(const struct vga *v, unsigned index)
{
    bool caps = v->vbe[VBE_ENABLE] & VBE_GETCAPS;

    switch (index) {
    case VBE_XRES: return caps ? SCREEN_WIDTH : v->vbe[index];
    case VBE_YRES: return caps ? SCREEN_HEIGHT : v->vbe[index];
    case VBE_BPP: return caps ? 32 : v->vbe[index];
    case VBE_MEMORY_64K: return banks(v);
    default: return index < VBES ? v->vbe[index] : 0;
    }
}

void vga_vbe_write(struct vga *v, unsigned index, uint16_t value)
{
    v->changes++;
    switch (index) {
    case VBE_ID:
        if (value >= VBE_ID0 && value <= VBE_ID5)
            v->vbe[VBE_ID] = value;
        return;
    case VBE_XRES:
        v->vbe[index] = (uint16_t)within(value & ~7u, 8, SCREEN_WIDTH);
        break;
    case VBE_YRES: v->vbe[index] = (uint16_t)within(value, 1, SCREEN_HEIGHT); break;
    case VBE_BPP:
        if (value == 0 || depth_exists(value))
            v->vbe[index] = value ? value : 8;
        break;
    case VBE_ENABLE: enable(v, value); break;
    case VBE_BANK: v->vbe[index] = value & (uint16_t)(banks(v) - 1); break;
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET: v->vbe[index] = value; break;
    default: return; /* read-only, or not there */
    }
    settle(v);
}

void vga_vbe_reset(struct vga *v)
{
    v->vbe[VBE_ID] = VBE_ID5;
    v->vbe[VBE_XRES] = 640;
    v->vbe[VBE_YRES] = 480;
    v->vbe[VBE_BPP] = 8;
}
