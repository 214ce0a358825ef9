/* vga_timing.c - where the beam is, computed from the CRT controller's registers and
 * the virtual clock.
 *
 * The frame runs on from power-on; changing the registers does not start a new one.
 */
#include "devices/vga_card.h"

struct frame {
    uint32_t hz; /* of the dot clock */
    uint32_t dots, shown_dots;
    uint32_t lines, shown_lines;
    uint32_t retrace, retrace_end; /* lines */
};

/* The VBE registers say nothing of time: a monitor at 60 Hz. */
static struct frame vbe_frame(const struct vga *v)
{
    struct vbe_mode m = vga_vbe_mode(v);
    struct frame f = {.dots = m.width + m.width / 4,
                      .shown_dots = m.width,
                      .lines = m.height + m.height / 20 + 4,
                      .shown_lines = m.height,
                      .retrace = m.height + 1,
                      .retrace_end = m.height + 3};

    f.hz = f.dots * f.lines * 60;
    return f;
}

/* Overflow bits: three ninth and tenth bits at once. */
static unsigned ten_bits(const struct vga *v, uint8_t low, unsigned bit_8,
                         unsigned bit_9)
{
    uint8_t over = v->cr[CR_OVERFLOW];
    return low | (over >> bit_8 & 1u) << 8 | (over >> bit_9 & 1u) << 9;
}

static struct frame frame_of(const struct vga *v)
{
    /* Clocks 2 and 3 come from outside; nothing is connected to that. */
    uint32_t hz = (v->misc >> 2 & 3) == 1 ? 28322000 : 25175000;
    unsigned dots = v->sr[SR_CLOCKING] & SR1_8_DOTS ? 8 : 9;
    unsigned times = v->cr[CR_MODE] & CR17_HALF_LINES ? 2 : 1, length;
    struct frame f;

    if (vga_vbe_on(v))
        return vbe_frame(v);
    if (v->sr[SR_CLOCKING] & SR1_HALF_CLOCK)
        dots *= 2;
    f.hz = hz;
    f.dots = (v->cr[CR_HTOTAL] + 5u) * dots;
    f.shown_dots = (v->cr[CR_HDISPLAY] + 1u) * dots;
    f.lines = (ten_bits(v, v->cr[CR_VTOTAL], 0, 5) + 2) * times;
    f.shown_lines = (ten_bits(v, v->cr[CR_VDISPLAY], 1, 6) + 1) * times;
    f.retrace = ten_bits(v, v->cr[CR_VRETRACE_START], 2, 7) * times;
    /* The end is compared in its low four bits. */
    length = (v->cr[CR_VRETRACE_END] - v->cr[CR_VRETRACE_START]) & 15u;
    f.retrace_end = f.retrace + (length ? length : 16) * times;
    return f;
}

static uint64_t dots_so_far(const struct vga *v, const struct frame *f)
{
    const struct clock *clock = v->self->bus->clock;
    return clock_to_hz(clock, clock->now, f->hz);
}

/* Input status register 1. Bits 5:4 show two bits of the colour at the beam; here it is
 * always the border's. */
uint8_t vga_status_1(const struct vga *v)
{
    static const uint8_t shift[4][2] = {{0, 2}, {4, 5}, {1, 3}, {6, 7}};
    struct frame f = frame_of(v);
    uint64_t at = dots_so_far(v, &f) % ((uint64_t)f.dots * f.lines);
    uint32_t line = (uint32_t)(at / f.dots), dot = (uint32_t)(at % f.dots);
    unsigned mux = v->ar[AR_PLANES] >> 4 & 3, border = v->ar[AR_OVERSCAN];
    uint8_t status = 0;

    if (line >= f.shown_lines || dot >= f.shown_dots)
        status |= 1;
    if (line >= f.retrace && line < f.retrace_end)
        status |= 8;
    status |= (uint8_t)((border >> shift[mux][0] & 1) << 4);
    status |= (uint8_t)((border >> shift[mux][1] & 1) << 5);
    return status;
}

uint64_t vga_retraces(const struct vga *v)
{
    struct frame f = frame_of(v);
    uint64_t all = (uint64_t)f.dots * f.lines;

    if (f.retrace >= f.lines)
        return 0;
    return (dots_so_far(v, &f) + all - (uint64_t)f.retrace * f.dots) / all;
}
