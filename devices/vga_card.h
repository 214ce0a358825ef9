/* vga_card.h - the inside of the standard VGA, shared by its files (vga*.c).
 *
 * Video memory is kept as the four maps of a real VGA, interleaved: the byte of map n
 * at map address a stands at memory[4 * a + n]. One 32-bit word is what the CRT
 * controller and the latches fetch at once. The linear modes of the VBE registers use
 * the same bytes from the first to the last.
 */
#ifndef DEVICES_VGA_CARD_H
#define DEVICES_VGA_CARD_H

#include "base/byteorder.h"
#include "devices/vga.h"

/* Sequencer, 3C4h/3C5h. */
enum { SR_RESET, SR_CLOCKING, SR_MAP_MASK, SR_CHARACTER_MAP, SR_MEMORY_MODE, SRS };
enum {
    SR1_8_DOTS = 1 << 0,
    SR1_SHIFT_LOAD = 1 << 2,
    SR1_HALF_CLOCK = 1 << 3,
    SR1_SHIFT_4 = 1 << 4,
    SR1_SCREEN_OFF = 1 << 5,
    SR4_EXTENDED = 1 << 1,
    SR4_SEQUENTIAL = 1 << 2, /* clear: odd/even */
    SR4_CHAIN_4 = 1 << 3,
};

/* Graphics controller, 3CEh/3CFh. */
enum {
    GR_SET_RESET,
    GR_ENABLE_SET_RESET,
    GR_COLOR_COMPARE,
    GR_ROTATE,
    GR_READ_MAP,
    GR_MODE,
    GR_MISCELLANEOUS,
    GR_COLOR_DONT_CARE,
    GR_BIT_MASK,
    GRS
};
enum {
    GR5_WRITE_MODE = 3,
    GR5_READ_MODE_1 = 1 << 3,
    GR5_ODD_EVEN = 1 << 4,
    GR5_INTERLEAVE = 1 << 5, /* the shift registers of the CGA's 4-colour modes */
    GR5_256 = 1 << 6,
    GR6_GRAPHICS = 1 << 0,
    GR6_CHAIN_ODD_EVEN = 1 << 1,
};

/* CRT controller, 3x4h/3x5h. */
enum {
    CR_HTOTAL,
    CR_HDISPLAY,
    CR_VTOTAL = 6,
    CR_OVERFLOW,
    CR_PRESET_ROW,
    CR_MAX_SCAN,
    CR_CURSOR_START,
    CR_CURSOR_END,
    CR_START_HIGH,
    CR_START_LOW,
    CR_CURSOR_HIGH,
    CR_CURSOR_LOW,
    CR_VRETRACE_START,
    CR_VRETRACE_END,
    CR_VDISPLAY,
    CR_OFFSET,
    CR_UNDERLINE,
    CR_MODE = 0x17,
    CR_LINE_COMPARE,
    CRS
};
enum {
    CR9_DOUBLE_SCAN = 1 << 7,
    CRA_CURSOR_OFF = 1 << 5,
    CR11_ARM = 1 << 4, /* clear: the vertical interrupt is cleared and held so */
    CR11_LOCK = 1 << 7,
    CR14_COUNT_4 = 1 << 5,
    CR14_DOUBLEWORD = 1 << 6,
    CR17_ROW_1 = 1 << 1, /* clear: address bit 14 comes from the row scan counter */
    CR17_ROW_0 = 1 << 0, /* clear: address bit 13 does */
    CR17_HALF_LINES = 1 << 2,
    CR17_COUNT_2 = 1 << 3,
    CR17_WRAP_15 = 1 << 5,
    CR17_BYTE = 1 << 6,
    CR17_SYNC = 1 << 7,
};

/* Attribute controller, 3C0h/3C1h. */
enum {
    AR_MODE = 0x10,
    AR_OVERSCAN,
    AR_PLANES,
    AR_PANNING,
    AR_COLOR_SELECT,
    ARS,
    AR_SOURCE = 1 << 5, /* palette address source, in the index register */
};
enum {
    AR10_LINE_GRAPHICS = 1 << 2,
    AR10_BLINK = 1 << 3,
    AR10_SPLIT_PANNING = 1 << 5, /* no panning below the line compare */
    AR10_8_BIT = 1 << 6,
    AR10_COLOR_SELECT = 1 << 7,
};

enum { MISC_COLOR = 1 << 0, MISC_RAM = 1 << 1, MISC_PAGE = 1 << 5 };

/* VBE_DISPI registers, 1CEh and 1CFh. */
enum {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
    VBES
};
enum {
    VBE_ENABLED = 1 << 0,
    VBE_GETCAPS = 1 << 1,
    VBE_8BIT_DAC = 1 << 5,
    VBE_LFB = 1 << 6,
    VBE_NOCLEAR = 1 << 7,
    VBE_ID0 = 0xb0c0,
    VBE_ID5 = 0xb0c5,
};

enum { DAC_WRITE = 0, DAC_READ = 3, DAC_COLORS = 256, EDID_SIZE = 128 };

#define VGA_STATE(_, x)                                                                \
    _(x, bool, subsystem, true, 1, "3C3h: the card answers")                           \
    _(x, uint8_t, misc, 0, 0xff, "miscellaneous output")                               \
    _(x, uint8_t, feature, 0, 0xff, "feature control")                                 \
    _(x, uint8_t, sr_index, 0, 7, "sequencer address")                                 \
    _(x, uint8_t, sr, 0, 0xff, "sequencer", SRS)                                       \
    _(x, uint8_t, gr_index, 0, 15, "graphics controller address")                      \
    _(x, uint8_t, gr, 0, 0xff, "graphics controller", GRS)                             \
    _(x, uint8_t, cr_index, 0, 0x3f, "CRT controller address")                         \
    _(x, uint8_t, cr, 0, 0xff, "CRT controller", CRS)                                  \
    _(x, uint8_t, ar_index, 0, 0x3f, "attribute controller address")                   \
    _(x, bool, ar_data, false, 1, "the next write to 3C0h is data")                    \
    _(x, uint8_t, ar, 0, 0xff, "attribute controller", ARS)                            \
    _(x, uint32_t, latch, 0, UINT32_MAX, "one byte of each map")                       \
    _(x, uint8_t, dac_mask, 0xff, 0xff, "PEL mask")                                    \
    _(x, uint8_t, dac_mode, 0, 3, "DAC state: 0 writing, 3 reading")                   \
    _(x, uint8_t, dac_write, 0, 0xff, "PEL address for writing")                       \
    _(x, uint8_t, dac_read, 0, 0xff, "PEL address for reading")                        \
    _(x, uint8_t, dac_part, 0, 2, "0 red, 1 green, 2 blue is next")                    \
    _(x, uint8_t, dac_kept, 0, 0xff, "red and green until blue comes", 2)              \
    _(x, uint8_t, dac, 0, 0xff, "colours, in the upper bits", 3 * DAC_COLORS)          \
    _(x, bool, retraced, false, 1, "a vertical interrupt is pending")                  \
    _(x, uint64_t, retraces, 0, UINT64_MAX, "vertical retraces counted so far")        \
    _(x, uint16_t, vbe_index, 0, 0xffff, "VBE register index")                         \
    _(x, uint16_t, vbe, 0, 0xffff, "VBE registers", VBES)                              \
    _(x, bool, big_endian, false, 1, "pixels of linear modes are big-endian")

struct vga {
    VGA_STATE(STATE_MEMBER, )
    struct pci_function pci;
    /* Wiring. */
    struct device *self;
    struct vga_wiring wiring;
    struct screen screen;
    uint32_t width, height; /* what the monitor prefers */
    bool monitor;           /* it tells (EDID) */
    uint8_t edid[EDID_SIZE];
    bool said_shift;
    /* For viewers alone: nothing that the guest sees depends on these. */
    uint64_t changes;          /* of what is shown, made through the card */
    struct vga_shadow *shadow; /* finds the changes made past the card */
};

struct vga_shadow {
    uint64_t changes;
    uint8_t *bytes; /* video memory as it was */
};

/* ---- vga_memory.c: video memory as the CPU and the CRT controller see it ---- */

/* The only way to video memory: any address, masked. */
static inline uint8_t *vga_unit(const struct vga *v, uint64_t map_address)
{
    return v->wiring.memory + (map_address << 2 & (v->wiring.size - 1));
}

static inline bool vga_vbe_on(const struct vga *v)
{
    return v->vbe[VBE_ENABLE] & VBE_ENABLED;
}

/* Memory is a plain array of pixels: a VBE mode other than the planar one. */
static inline bool vga_linear(const struct vga *v)
{
    return vga_vbe_on(v) && v->vbe[VBE_BPP] != 4;
}

enum io_status vga_window_peek(const void *dev, struct io *io);
enum io_status vga_window(void *dev, struct io *io);

/* ---- vga_vbe.c ---- */

/* As the registers say, within what the card can do. */
struct vbe_mode {
    unsigned width, height, bits;
    uint32_t pitch; /* bytes of video memory from row to row */
    uint64_t start; /* byte of the first pixel; 4 bits: of its group of 8 */
    unsigned skip;  /* 4 bits: pixels of that group not shown */
};

struct vbe_mode vga_vbe_mode(const struct vga *v);
uint16_t vga_vbe_read(const struct vga *v, unsigned index);
void vga_vbe_write(struct vga *v, unsigned index, uint16_t value);
void vga_vbe_reset(struct vga *v);

/* ---- vga_timing.c: where the beam is ---- */

uint8_t vga_status_1(const struct vga *v);
uint64_t vga_retraces(const struct vga *v); /* begun since power-on */

/* ---- vga_draw.c ---- */

extern const struct screen vga_screen_functions; /* without owner */

/* What is shown, for people: "text 80x25" */
void vga_describe(const struct vga *v, char *text, size_t room);

/* ---- vga_edid.c ---- */

/* A VESA E-EDID 1.3 block of a monitor that prefers width x height at 60 Hz. */
void vga_edid(uint8_t block[EDID_SIZE], unsigned width, unsigned height);

#endif
