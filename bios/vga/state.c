/* state.c - saving and restoring all that makes the picture but video memory (AH=1Ch,
 * AX=4F04h).
 *
 * The layout is Ralf Brown's tables 00049-00051 (INT 10/AH=1Ch): hardware 70 bytes, the
 * BIOS's data, the DAC 772 bytes; each part starts at a multiple of 64. Ours behind
 * them: the DISPI registers.
 */
#include "vga.h"

enum {
    HARDWARE = 1,
    BIOS_DATA = 2,
    DAC = 4,
    VBE_REGISTERS = 8,

    HARDWARE_BLOCKS = 2,
    BIOS_BLOCKS = 2, /* 96 bytes of the BDA, and four vectors */
    DAC_BLOCKS = 13,
    VBE_BLOCKS = 1,
};

uint16_t state_blocks(uint8_t what)
{
    return (what & HARDWARE ? HARDWARE_BLOCKS : 0) +
           (what & BIOS_DATA ? BIOS_BLOCKS : 0) + (what & DAC ? DAC_BLOCKS : 0) +
           (what & VBE_REGISTERS ? VBE_BLOCKS : 0);
}

/* ---- the VGA's registers ---- */

static void save_hardware(uint16_t seg, uint16_t at)
{
    uint16_t port = inb(MISC_READ) & 1 ? CRTC_COLOUR : CRTC_MONO;
    uint8_t seq = inb(SEQ), crtc = inb(port), gfx = inb(GFX), i;

    poke8(seg, at, seq);
    poke8(seg, at + 1, crtc);
    poke8(seg, at + 2, gfx);
    poke8(seg, at + 3, inb(ATTR));
    poke8(seg, at + 4, inb(FEATURE_READ));
    for (i = 0; i < 4; i++)
        poke8(seg, at + 5 + i, reg_read(SEQ, i + 1));
    /* RB has the sequencer's reset register here; it is 3 whenever a picture shows, and
     * there is no other place for the miscellaneous output. */
    poke8(seg, at + 9, inb(MISC_READ));
    for (i = 0; i < 25; i++)
        poke8(seg, at + 0x0a + i, reg_read(port, i));
    for (i = 0; i < 20; i++)
        poke8(seg, at + 0x23 + i, attr_read(i));
    for (i = 0; i < 9; i++)
        poke8(seg, at + 0x37 + i, reg_read(GFX, i));
    poke16(seg, at + 0x40, port);
    poke32(seg, at + 0x42, 0); /* the latches cannot be read without writing memory */
    outb(SEQ, seq);
    outb(port, crtc);
    outb(GFX, gfx);
}

static void restore_hardware(uint16_t seg, uint16_t at)
{
    uint16_t port = peek16(seg, at + 0x40);
    uint8_t i;

    if (port != CRTC_MONO)
        port = CRTC_COLOUR; /* whatever the caller's buffer says: no other ports */
    reg_write(SEQ, 0, 1);
    outb(MISC_WRITE, peek8(seg, at + 9));
    for (i = 0; i < 4; i++)
        reg_write(SEQ, i + 1, peek8(seg, at + 5 + i));
    reg_write(SEQ, 0, 3);
    reg_write(port, 0x11, peek8(seg, at + 0x0a + 0x11) & 0x7f);
    for (i = 0; i < 25; i++)
        reg_write(port, i, peek8(seg, at + 0x0a + i));
    for (i = 0; i < 9; i++)
        reg_write(GFX, i, peek8(seg, at + 0x37 + i));
    inb(port + STATUS1_OFFSET);
    for (i = 0; i < 20; i++) {
        outb(ATTR, i);
        outb(ATTR, peek8(seg, at + 0x23 + i));
    }
    outb(ATTR, (peek8(seg, at + 3) & 0x1f) | 0x20);
    outb(port + STATUS1_OFFSET, peek8(seg, at + 4)); /* feature control */
    outb(SEQ, peek8(seg, at));
    outb(port, peek8(seg, at + 1));
    outb(GFX, peek8(seg, at + 2));
    inb(port + STATUS1_OFFSET);
}

/* ---- what the BIOS remembers ---- */

static const uint8_t vectors[4] = {0x05, 0x1d, 0x1f, 0x43};

static void save_data(uint16_t seg, uint16_t at)
{
    volatile uint8_t IN_FS *bda = (volatile uint8_t IN_FS *)0x400;
    uint8_t i;

    poke8(seg, at++, (uint8_t)BDA->equipment & 0x30);
    for (i = 0x49; i < 0xac; i++) {
        if (i < 0x67 || i >= 0xa8 || (i >= 0x84 && i < 0x8b))
            poke8(seg, at++, bda[i]);
    }
    for (i = 0; i < 4; i++, at += 4)
        poke32(seg, at, VECTOR(vectors[i]));
}

static void restore_data(uint16_t seg, uint16_t at)
{
    volatile uint8_t IN_FS *bda = (volatile uint8_t IN_FS *)0x400;
    uint8_t i;

    BDA->equipment = (BDA->equipment & 0xffcf) | (peek8(seg, at++) & 0x30);
    for (i = 0x49; i < 0xac; i++) {
        if (i < 0x67 || i >= 0xa8 || (i >= 0x84 && i < 0x8b))
            bda[i] = peek8(seg, at++);
    }
    for (i = 0; i < 4; i++, at += 4)
        VECTOR(vectors[i]) = peek32(seg, at);
}

/* ---- the DAC ---- */

static void save_dac(uint16_t seg, uint16_t at)
{
    uint16_t i;

    poke8(seg, at, inb(PEL_READ_INDEX) & 3);
    poke8(seg, at + 1, inb(PEL_WRITE_INDEX));
    poke8(seg, at + 2, inb(PEL_MASK));
    outb(PEL_READ_INDEX, 0);
    for (i = 0; i < 768; i++)
        poke8(seg, at + 3 + i, inb(PEL_DATA));
    poke8(seg, at + 0x303, attr_read(0x14));
    outb(PEL_WRITE_INDEX, peek8(seg, at + 1));
}

static void restore_dac(uint16_t seg, uint16_t at)
{
    uint16_t i;

    outb(PEL_MASK, peek8(seg, at + 2));
    outb(PEL_WRITE_INDEX, 0);
    for (i = 0; i < 768; i++)
        outb(PEL_DATA, peek8(seg, at + 3 + i));
    fresh_attr();
    outb(ATTR, 0x14);
    outb(ATTR, peek8(seg, at + 0x303));
    screen_on();
    outb(peek8(seg, at) == 3 ? PEL_READ_INDEX : PEL_WRITE_INDEX, peek8(seg, at + 1));
}

/* ---- the VBE ---- */

static void save_vbe(uint16_t seg, uint16_t at)
{
    uint8_t i;

    for (i = DISPI_XRES; i <= DISPI_Y_OFFSET; i++)
        poke16(seg, at + 2 * i, vbe_present() ? dispi_read(i) : 0);
}

/* Enabling a mode resets its virtual size and offsets: those come after it. */
static void restore_vbe(uint16_t seg, uint16_t at)
{
    uint16_t enable = peek16(seg, at + 2 * DISPI_ENABLE);
    uint8_t i;

    if (!vbe_present())
        return;
    dispi_write(DISPI_ENABLE, 0);
    if (!(enable & ENABLED))
        return;
    for (i = DISPI_XRES; i <= DISPI_BPP; i++)
        dispi_write(i, peek16(seg, at + 2 * i));
    dispi_write(DISPI_ENABLE, enable | NO_CLEAR);
    dispi_write(DISPI_VIRT_WIDTH, peek16(seg, at + 2 * DISPI_VIRT_WIDTH));
    dispi_write(DISPI_X_OFFSET, peek16(seg, at + 2 * DISPI_X_OFFSET));
    dispi_write(DISPI_Y_OFFSET, peek16(seg, at + 2 * DISPI_Y_OFFSET));
    dispi_write(DISPI_BANK, peek16(seg, at + 2 * DISPI_BANK));
}

/* ---- all of it ---- */

/* The BDA tells attr_read() where input status 1 is, so saving goes in any order; but
 * the VBE goes first in restoring, for enabling it changes the VGA's registers, and the
 * BDA before the DAC. */
void state_save(uint8_t what, uint16_t seg, uint16_t off)
{
    if (what & HARDWARE) {
        save_hardware(seg, off);
        off += HARDWARE_BLOCKS * 64;
    }
    if (what & BIOS_DATA) {
        save_data(seg, off);
        off += BIOS_BLOCKS * 64;
    }
    if (what & DAC) {
        save_dac(seg, off);
        off += DAC_BLOCKS * 64;
    }
    if (what & VBE_REGISTERS)
        save_vbe(seg, off);
}

void state_restore(uint8_t what, uint16_t seg, uint16_t off)
{
    if (what & VBE_REGISTERS)
        restore_vbe(seg, off + 64 * state_blocks(what & (VBE_REGISTERS - 1)));
    if (what & HARDWARE) {
        restore_hardware(seg, off);
        off += HARDWARE_BLOCKS * 64;
    }
    if (what & BIOS_DATA) {
        restore_data(seg, off);
        off += BIOS_BLOCKS * 64;
    }
    if (what & DAC)
        restore_dac(seg, off);
}
