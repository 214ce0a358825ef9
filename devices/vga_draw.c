/* vga_draw.c - what the monitor shows: a picture, or the cells of a text mode.
 *
 * The raster is computed line by line as the CRT controller would scan it, with the
 * dots that the monitor gets: a 320x200 mode is 640x400 of them. Nothing of the card's
 * state changes. IBM VGA/XGA Technical Reference, CRT and attribute controller;
 * FreeVGA.
 */
#include "devices/vga_card.h"

#include <stdio.h>

enum {
    COLUMNS = 256,
    LINE_DOTS = (COLUMNS + 2) * 9 + 8,
    /* Of 70 frames a second: the cursor changes every 8, characters every 16. */
    CURSOR_NS = 114285714,
    BLINK_NS = 2 * CURSOR_NS,
    LEGACY_MEMORY = 256 << 10,
};

/* The registers as one frame needs them. */
struct view {
    const struct vga *v;
    unsigned columns, dots; /* characters, and dots of each */
    unsigned lines, line_times;
    unsigned max_scan, line_compare;
    uint32_t offset, start, cursor;
    unsigned count_by; /* characters per step of the address counter */
    unsigned cursor_top, cursor_end;
    bool text, half_clock, double_scan, eight_bit;
    bool blinked, cursor_shown; /* now */
    uint32_t color[256];
    uint32_t pair[256][2]; /* two dots of graphics, the left one in bits 7:4 */
};

/* The CRT controller's counters at the start of a line. */
struct beam {
    uint32_t row;  /* address counter */
    unsigned scan; /* row scan counter */
    bool again;    /* the second of two equal lines */
    bool split;    /* below the line compare */
};

/* ---- colours ---- */

static uint32_t dac_color(const struct vga *v, unsigned index)
{
    const uint8_t *c = v->dac + 3u * (index & v->dac_mask);
    unsigned down = v->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? 8 : 6; /* full scale is FFh */

    return (uint32_t)(c[0] | c[0] >> down) << 16 |
           (uint32_t)(c[1] | c[1] >> down) << 8 | (uint32_t)(c[2] | c[2] >> down);
}

/* Through the attribute controller's palette. */
static uint32_t palette_color(const struct vga *v, unsigned index)
{
    unsigned p = v->ar[index & 15] & 0x3f;

    if (v->ar[AR_MODE] & AR10_COLOR_SELECT)
        p = (p & 15) | (v->ar[AR_COLOR_SELECT] & 3u) << 4;
    return dac_color(v, p | (v->ar[AR_COLOR_SELECT] & 12u) << 4);
}

/* Blinking in graphics modes turns bit 3 over (IBM, attribute mode control, EB). Of
 * 256 colours, two dots of four bits make one pixel of eight, two dots wide. */
static void find_colors(struct view *w)
{
    const struct vga *v = w->v;
    unsigned turn = !w->text && (v->ar[AR_MODE] & AR10_BLINK) && w->blinked ? 8 : 0;

    for (unsigned i = 0; i < (w->eight_bit ? 256 : 16); i++)
        w->color[i] = w->eight_bit ? dac_color(v, i)
                                   : palette_color(v, (i & v->ar[AR_PLANES]) ^ turn);
    if (w->text)
        return;
    for (unsigned i = 0; i < 256; i++) {
        w->pair[i][0] = w->color[w->eight_bit ? i : i >> 4];
        w->pair[i][1] = w->color[w->eight_bit ? i : i & 15];
    }
}

/* ---- the CRT controller ---- */

static bool running(const struct vga *v)
{
    return vga_vbe_on(v) ||
           ((v->cr[CR_MODE] & CR17_SYNC) && (v->sr[SR_RESET] & 3) == 3);
}

static bool blank(const struct vga *v)
{
    return !(v->ar_index & AR_SOURCE) || (v->sr[SR_CLOCKING] & SR1_SCREEN_OFF);
}

static void find_view(struct view *w, const struct vga *v, uint64_t now_ns)
{
    const uint8_t *cr = v->cr;
    unsigned over = cr[CR_OVERFLOW], skew = cr[CR_CURSOR_END] >> 5 & 3;

    *w = (struct view){.v = v};
    w->text = !(v->gr[GR_MISCELLANEOUS] & GR6_GRAPHICS);
    w->eight_bit = !w->text && (v->ar[AR_MODE] & AR10_8_BIT);
    w->columns = cr[CR_HDISPLAY] + 1u;
    w->dots = v->sr[SR_CLOCKING] & SR1_8_DOTS ? 8 : 9;
    w->half_clock = v->sr[SR_CLOCKING] & SR1_HALF_CLOCK;
    w->line_times = cr[CR_MODE] & CR17_HALF_LINES ? 2 : 1;
    w->lines = cr[CR_VDISPLAY] | (over >> 1 & 1) << 8 | (over >> 6 & 1) << 9;
    w->lines = (w->lines + 1) * w->line_times;
    w->max_scan = cr[CR_MAX_SCAN] & 31;
    w->double_scan = cr[CR_MAX_SCAN] & CR9_DOUBLE_SCAN;
    w->line_compare =
        cr[CR_LINE_COMPARE] | (over >> 4 & 1) << 8 | (cr[CR_MAX_SCAN] >> 6 & 1u) << 9;
    w->offset = cr[CR_OFFSET] * 2u;
    w->start = (uint32_t)cr[CR_START_HIGH] << 8 | cr[CR_START_LOW];
    w->count_by = cr[CR_UNDERLINE] & CR14_COUNT_4 ? 4
                  : cr[CR_MODE] & CR17_COUNT_2    ? 2
                                                  : 1;
    w->cursor = ((uint32_t)cr[CR_CURSOR_HIGH] << 8 | cr[CR_CURSOR_LOW]) + skew;
    w->cursor_top = cr[CR_CURSOR_START] & 31;
    w->cursor_end = cr[CR_CURSOR_END] & 31;
    w->blinked = now_ns / BLINK_NS & 1;
    w->cursor_shown =
        !(now_ns / CURSOR_NS & 1) && !(cr[CR_CURSOR_START] & CRA_CURSOR_OFF);
    find_colors(w);
}

/* The map address that the CRT controller puts out (FreeVGA, CRTC, "Memory address").
 */
static uint32_t crtc_address(const struct vga *v, uint32_t counter, unsigned scan)
{
    unsigned mode = v->cr[CR_MODE];
    uint32_t a = counter & 0xffff;

    if (v->cr[CR_UNDERLINE] & CR14_DOUBLEWORD)
        a = a << 2 | a >> 14;
    else if (!(mode & CR17_BYTE))
        a = a << 1 | (a >> (mode & CR17_WRAP_15 ? 15 : 13) & 1);
    if (!(mode & CR17_ROW_0))
        a = (a & ~0x2000u) | (scan & 1) << 13;
    if (!(mode & CR17_ROW_1))
        a = (a & ~0x4000u) | (scan >> 1 & 1) << 14;
    return a & 0xffff;
}

static struct beam first_line(const struct view *w)
{
    return (struct beam){.row = w->start, .scan = w->v->cr[CR_PRESET_ROW] & 31};
}

static void next_line(const struct view *w, struct beam *b, unsigned line)
{
    if (line / w->line_times == w->line_compare &&
        line % w->line_times == w->line_times - 1) {
        *b = (struct beam){.split = true};
        return;
    }
    if (w->double_scan) {
        b->again = !b->again;
        if (b->again)
            return;
    }
    if (b->scan == w->max_scan) {
        b->scan = 0;
        b->row += w->offset;
    } else {
        b->scan = (b->scan + 1) & 31;
    }
}

/* Byte panning and pixel panning of a line. Below a split they may be off. */
static uint32_t counter_of(const struct view *w, const struct beam *b)
{
    const struct vga *v = w->v;
    bool pans = !b->split || !(v->ar[AR_MODE] & AR10_SPLIT_PANNING);

    return b->row + (pans ? v->cr[CR_PRESET_ROW] >> 5 & 3u : 0);
}

static unsigned panning(const struct view *w, const struct beam *b)
{
    unsigned n = w->v->ar[AR_PANNING] & 15;

    if (b->split && (w->v->ar[AR_MODE] & AR10_SPLIT_PANNING))
        return 0;
    if (w->eight_bit)
        return n & 6; /* a pixel is two dots */
    if (w->dots == 9)
        return n >= 8 ? 0 : n + 1;
    return n & 7;
}

/* ---- dots: eight of four bits each, the leftmost in bits 31:28 ---- */

/* One bit from each map. */
static inline uint32_t planar_dots(uint32_t maps)
{
    /* Bit n of a byte to bit 4 * n. */
#define BITS_1(n)                                                                        \
    ((n & 1) | (n & 2) << 3 | (n & 4) << 6 | (n & 8) << 9 | (n & 16) << 12 |             \
     (n & 32) << 15 | (n & 64) << 18 | (n & 128u) << 21)
#define BITS_4(n) BITS_1(n), BITS_1((n + 1)), BITS_1((n + 2)), BITS_1((n + 3))
#define BITS_16(n) BITS_4(n), BITS_4((n + 4)), BITS_4((n + 8)), BITS_4((n + 12))
#define BITS_64(n) BITS_16(n), BITS_16((n + 16)), BITS_16((n + 32)), BITS_16((n + 48))
    static const uint32_t bits[256] = {BITS_64(0), BITS_64(64), BITS_64(128), BITS_64(192)};
#undef BITS_1
#undef BITS_4
#undef BITS_16
#undef BITS_64
    return bits[maps & 0xff] | bits[maps >> 8 & 0xff] << 1 |
           bits[maps >> 16 & 0xff] << 2 | bits[maps >> 24] << 3;
}

/* CGA's four colours: maps 0 and 2 give the first four dots, 1 and 3 the others. */
static uint32_t interleaved_dots(uint32_t maps)
{
    uint32_t dots = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned from = i < 4 ? 0 : 8, down = 6 - 2 * (i & 3);
        uint32_t low = maps >> (from + down) & 3, high = maps >> (from + 16 + down) & 3;
        dots = dots << 4 | high << 2 | low;
    }
    return dots;
}

static inline uint32_t graphics_dots(const struct view *w, uint32_t maps)
{
    unsigned mode = w->v->gr[GR_MODE];

    return mode & GR5_256          ? bswap32(maps)
           : mode & GR5_INTERLEAVE ? interleaved_dots(maps)
                                   : planar_dots(maps);
}

static inline void put_dots(const struct view *w, uint32_t dots, uint32_t *to)
{
    memcpy(to, w->pair[dots >> 24], 8);
    memcpy(to + 2, w->pair[dots >> 16 & 0xff], 8);
    memcpy(to + 4, w->pair[dots >> 8 & 0xff], 8);
    memcpy(to + 6, w->pair[dots & 0xff], 8);
}

/* So many characters of a line, w->dots pixels each. */
static void graphics_line(const struct view *w, const struct beam *b, uint32_t *to,
                          unsigned characters)
{
    uint32_t counter = counter_of(w, b);

    for (unsigned n = 0; n < characters; n++, to += w->dots) {
        uint32_t a = crtc_address(w->v, counter + n / w->count_by, b->scan);
        put_dots(w, graphics_dots(w, load32(vga_unit(w->v, a))), to);
        if (w->dots == 9)
            to[8] = w->color[0];
    }
}

/* ---- characters ---- */

/* SR3: which of eight fonts of 8 KiB in map 2, for attribute bit 3 clear and set. */
static uint32_t font_of(const struct vga *v, bool bit_3)
{
    unsigned sr3 = v->sr[SR_CHARACTER_MAP];
    unsigned n =
        bit_3 ? (sr3 >> 2 & 3) | (sr3 >> 5 & 1) << 2 : (sr3 & 3) | (sr3 >> 4 & 1) << 2;

    return (n & 3) << 14 | (n >> 2) << 13;
}

struct cell {
    uint8_t code, attribute;
    uint8_t front, back; /* palette indices, blinking aside */
};

static struct cell cell_at(const struct view *w, uint32_t counter, unsigned scan)
{
    uint32_t maps = load32(vga_unit(w->v, crtc_address(w->v, counter, scan)));
    struct cell c = {.code = (uint8_t)maps, .attribute = (uint8_t)(maps >> 8)};

    c.front = c.attribute & 15;
    c.back = c.attribute >> 4;
    if (w->v->ar[AR_MODE] & AR10_BLINK)
        c.back &= 7;
    return c;
}

static bool cursor_row(const struct view *w, unsigned scan)
{
    return scan >= w->cursor_top && scan <= w->cursor_end;
}

/* Eight dots in two colours, the leftmost from bit 7. */
static void put_bits(uint32_t *to, unsigned bits, uint32_t back, uint32_t front)
{
#define DOT(n) (n & 8 ? ~0u : 0), (n & 4 ? ~0u : 0), (n & 2 ? ~0u : 0), (n & 1 ? ~0u : 0)
    static const uint32_t mask[16][4] = {
        {DOT(0)}, {DOT(1)}, {DOT(2)},  {DOT(3)},  {DOT(4)},  {DOT(5)},  {DOT(6)},  {DOT(7)},
        {DOT(8)}, {DOT(9)}, {DOT(10)}, {DOT(11)}, {DOT(12)}, {DOT(13)}, {DOT(14)}, {DOT(15)}};
#undef DOT
    const uint32_t *left = mask[bits >> 4 & 15], *right = mask[bits & 15];
    uint32_t turn = back ^ front;

    for (unsigned x = 0; x < 4; x++)
        to[x] = back ^ (turn & left[x]);
    for (unsigned x = 0; x < 4; x++)
        to[x + 4] = back ^ (turn & right[x]);
}

/* A character as all its lines need it. */
struct glyph {
    const uint8_t *font; /* its first line, in map 2; the next is 4 bytes on */
    uint32_t back, front;
    bool underlined, hidden, cursor, repeats; /* repeats: the ninth dot is the eighth */
};

static void find_glyphs(const struct view *w, const struct beam *b, struct glyph *g,
                        unsigned characters)
{
    const struct vga *v = w->v;
    uint32_t font[2] = {font_of(v, false), font_of(v, true)}, counter = counter_of(w, b);
    bool blinks = v->ar[AR_MODE] & AR10_BLINK;
    bool repeats = v->ar[AR_MODE] & AR10_LINE_GRAPHICS;

    for (unsigned n = 0; n < characters; n++) {
        uint32_t at = counter + n / w->count_by;
        struct cell c = cell_at(w, at, b->scan);

        g[n] = (struct glyph){
            .font = vga_unit(v, font[c.attribute >> 3 & 1] + c.code * 32u) + 2,
            .back = w->color[c.back],
            .front = w->color[c.front],
            .underlined = (c.attribute & 0x77) == 1,
            .hidden = blinks && (c.attribute & 0x80) && w->blinked,
            .cursor = w->cursor_shown && ((at ^ w->cursor) & 0xffff) == 0,
            .repeats = repeats && (c.code & 0xe0) == 0xc0};
    }
}

/* So many characters of a line, w->dots pixels each. */
static void text_line(const struct view *w, const struct beam *b, const struct glyph *g,
                      uint32_t *to, unsigned characters)
{
    bool underline = b->scan == (w->v->cr[CR_UNDERLINE] & 31u);
    bool cursor = cursor_row(w, b->scan);

    for (unsigned n = 0; n < characters; n++, g++, to += w->dots) {
        unsigned bits = g->font[4 * b->scan];
        bool ninth = g->repeats && (bits & 1);

        if (underline && g->underlined)
            bits = 0xff, ninth = true;
        if (g->hidden)
            bits = 0, ninth = false;
        if (cursor && g->cursor)
            bits = 0xff, ninth = true;
        put_bits(to, bits, g->back, g->front);
        if (w->dots == 9)
            to[8] = ninth ? g->front : g->back;
    }
}

/* ---- pictures ---- */

static void black(struct picture *p)
{
    memset(p->pixel, 0, (size_t)p->width * p->height * sizeof *p->pixel);
}

/* Lines of n pixels, one after the other. */
struct lines {
    const struct view *w;
    unsigned n;
    struct beam drawn; /* the last one */
    bool any;          /* there was one */
    struct glyph glyph[COLUMNS + 1];
};

/* The row scan counter is no part of the address. */
static bool rows_are_lines(const struct view *w)
{
    return (w->v->cr[CR_MODE] & (CR17_ROW_0 | CR17_ROW_1)) == 3;
}

/* So many characters, of text or graphics. */
static void any_line(struct lines *l, const struct beam *b, uint32_t *to,
                     unsigned characters)
{
    if (l->w->text)
        text_line(l->w, b, l->glyph, to, characters);
    else
        graphics_line(l->w, b, to, characters);
}

/* A line goes straight to its place but where it begins or ends within a character, or
 * dots are twice as wide. */
static void draw_line(struct lines *l, const struct beam *b, uint32_t *to)
{
    const struct view *w = l->w;
    bool same_row = l->any && b->row == l->drawn.row && b->split == l->drawn.split;
    unsigned pans = panning(w, b);
    uint32_t line[LINE_DOTS];

    if (same_row && (b->scan == l->drawn.scan || (!w->text && rows_are_lines(w)))) {
        memcpy(to, to - l->n, l->n * sizeof *to);
        return;
    }
    if (w->text && !(same_row && rows_are_lines(w)))
        find_glyphs(w, b, l->glyph, w->columns + 1);
    if (!pans && l->n == w->columns * w->dots) {
        any_line(l, b, to, w->columns);
    } else {
        any_line(l, b, line, w->columns + 1);
        for (unsigned x = 0; x < l->n; x++)
            to[x] = line[pans + (w->half_clock ? x / 2 : x)];
    }
    l->drawn = *b;
    l->any = true;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static void draw_legacy(const struct vga *v, struct picture *p, uint64_t now_ns)
{
    struct view w;
    struct lines l = {.w = &w};
    struct beam b;

    find_view(&w, v, now_ns);
    l.n = p->width = least(w.columns * w.dots * (w.half_clock ? 2 : 1), SCREEN_WIDTH);
    p->height = least(w.lines, SCREEN_HEIGHT);
    if (blank(v)) {
        black(p);
        return;
    }
    b = first_line(&w);
    for (unsigned y = 0; y < p->height; y++) {
        draw_line(&l, &b, p->pixel + (size_t)y * p->width);
        next_line(&w, &b, y);
    }
}

/* VBE's 4-bit modes: the maps in a row, colours through the palette. */
static void draw_planar(const struct vga *v, const struct vbe_mode *m,
                        struct picture *p)
{
    struct view w = {.v = v};
    bool straight = !m->skip && m->width % 8 == 0;
    unsigned units = m->width / 8 + !straight;
    uint32_t line[SCREEN_WIDTH + 8];

    find_colors(&w);
    for (unsigned y = 0; y < m->height; y++) {
        uint64_t row = (m->start + (uint64_t)y * m->pitch) / 4;
        uint32_t *to = p->pixel + (size_t)y * m->width, *at = straight ? to : line;

        for (unsigned n = 0; n < units; n++)
            put_dots(&w, planar_dots(load32(vga_unit(v, row + n))), at + (size_t)8 * n);
        if (!straight)
            memcpy(to, line + m->skip, m->width * sizeof *to);
    }
}

/* Full scale is FFh: the upper bits come again below. */
static uint32_t rgb_555(uint32_t c)
{
    uint32_t rgb = (c & 0x7c00) << 9 | (c & 0x03e0) << 6 | (c & 0x1f) << 3;
    return rgb | (rgb >> 5 & 0x070707);
}

static uint32_t rgb_565(uint32_t c)
{
    uint32_t rgb = (c & 0xf800) << 8 | (c & 0x07e0) << 5 | (c & 0x1f) << 3;
    return rgb | (rgb >> 5 & 0x070007) | (rgb >> 6 & 0x000300);
}

static void words_row(bool big, bool green_6, const uint8_t *from, uint32_t *to,
                      unsigned n)
{
    if (big)
        for (unsigned x = 0; x < n; x++) {
            uint16_t c = bswap16(load16(from + (size_t)2 * x));
            to[x] = green_6 ? rgb_565(c) : rgb_555(c);
        }
    else if (green_6)
        for (unsigned x = 0; x < n; x++)
            to[x] = rgb_565(load16(from + (size_t)2 * x));
    else
        for (unsigned x = 0; x < n; x++)
            to[x] = rgb_555(load16(from + (size_t)2 * x));
}

/* Eight at a time, read before any is written: compilers make vectors of that. */
static void doublewords_row(const uint8_t *from, uint32_t *to, unsigned n)
{
    enum { AT_ONCE = 8 };

    for (; n >= AT_ONCE; n -= AT_ONCE, from += 4 * AT_ONCE, to += AT_ONCE) {
        uint32_t c[AT_ONCE];

        for (unsigned x = 0; x < AT_ONCE; x++)
            c[x] = load32(from + (size_t)4 * x) & 0xffffff;
        memcpy(to, c, sizeof c);
    }
    for (unsigned x = 0; x < n; x++)
        to[x] = load32(from + (size_t)4 * x) & 0xffffff;
}

static void linear_row(const struct vga *v, const uint32_t color[256], unsigned bits,
                       const uint8_t *from, uint32_t *to, unsigned n)
{
    bool big = v->big_endian;

    switch (bits) {
    case 8:
        for (unsigned x = 0; x < n; x++)
            to[x] = color[from[x]];
        break;
    case 15:
    case 16: words_row(big, bits == 16, from, to, n); break;
    case 24:
        for (unsigned x = 0; x < n; x++, from += 3)
            to[x] = (uint32_t)from[big ? 0 : 2] << 16 | (uint32_t)from[1] << 8 |
                    from[big ? 2 : 0];
        break;
    default:
        if (big)
            for (unsigned x = 0; x < n; x++)
                to[x] = bswap32(load32(from + (size_t)4 * x)) & 0xffffff;
        else
            doublewords_row(from, to, n);
        break;
    }
}

static void draw_linear(const struct vga *v, const struct vbe_mode *m,
                        struct picture *p)
{
    uint8_t around[SCREEN_WIDTH * 4]; /* a row that goes around the end of memory */
    size_t bytes = (size_t)m->width * ((m->bits + 7) / 8);
    uint64_t size = v->wiring.size;
    uint32_t color[256];

    for (unsigned i = 0; i < 256; i++)
        color[i] = dac_color(v, i);
    for (unsigned y = 0; y < m->height; y++) {
        uint64_t at = (m->start + (uint64_t)y * m->pitch) & (size - 1);
        const uint8_t *from = v->wiring.memory + at;

        if (bytes > size - at) {
            for (size_t i = 0; i < bytes; i++)
                around[i] = v->wiring.memory[(at + i) & (size - 1)];
            from = around;
        }
        linear_row(v, color, m->bits, from, p->pixel + (size_t)y * m->width, m->width);
    }
}

static void draw(const void *owner, struct picture *p, uint64_t now_ns)
{
    const struct vga *v = owner;
    struct vbe_mode m;

    p->width = p->height = 0;
    if (!running(v))
        return;
    if (!vga_vbe_on(v)) {
        draw_legacy(v, p, now_ns);
        return;
    }
    m = vga_vbe_mode(v);
    p->width = m.width;
    p->height = m.height;
    if (blank(v))
        black(p);
    else if (m.bits == 4)
        draw_planar(v, &m, p);
    else
        draw_linear(v, &m, p);
}

/* ---- text ---- */

static void text_row(const struct view *w, const struct beam *b, struct screen_text *t)
{
    struct screen_cell *to = t->cell + (size_t)t->rows * t->columns;
    uint32_t counter = counter_of(w, b);

    for (unsigned n = 0; n < t->columns; n++) {
        uint32_t at = counter + n / w->count_by;
        struct cell c = cell_at(w, at, b->scan);

        to[n] = (struct screen_cell){.code = c.code,
                                     .attribute = c.attribute,
                                     .front = w->color[c.front],
                                     .back = w->color[c.back]};
        if (((at ^ w->cursor) & 0xffff) == 0 && w->cursor_shown && !t->cursor &&
            w->cursor_top <= w->cursor_end && w->cursor_top <= w->max_scan) {
            t->cursor = true;
            t->column = n;
            t->row = t->rows;
        }
    }
    t->rows++;
}

static bool text(const void *owner, struct screen_text *t)
{
    const struct vga *v = owner;
    struct beam b;
    struct view w;

    t->columns = t->rows = t->column = t->row = 0;
    t->cursor = false;
    if (vga_vbe_on(v) || !running(v) || blank(v))
        return false;
    find_view(&w, v, 0);
    if (!w.text)
        return false;
    t->columns = least(w.columns, SCREEN_COLUMNS);
    b = first_line(&w);
    for (unsigned y = 0; y < w.lines && t->rows < SCREEN_ROWS; y++) {
        if (y == 0 || (b.scan == 0 && !b.again))
            text_row(&w, &b, t);
        next_line(&w, &b, y);
    }
    return true;
}

void vga_describe(const struct vga *v, char *to, size_t room)
{
    struct vbe_mode m = vga_vbe_mode(v);
    struct view w;

    find_view(&w, v, 0);
    if (vga_vbe_on(v))
        snprintf(to, room, "VBE mode %ux%u, %u bits", m.width, m.height, m.bits);
    else if (!running(v))
        snprintf(to, room, "no mode set");
    else
        snprintf(to, room, "%s mode, %u characters by %u lines",
                 w.text ? "text" : "graphics", w.columns, w.lines);
    if (running(v) && blank(v))
        snprintf(to + strlen(to), room - strlen(to), ", blanked");
}

/* ---- changes ---- */

/* Brings the copy of [from, from + n) up to date; true when something was different. */
static bool copy_differs(const struct vga *v, uint64_t from, uint64_t n)
{
    enum { CHUNK = 16384 };
    bool any = false;

    for (uint64_t end = from + n; from < end; from += CHUNK) {
        size_t part = end - from < CHUNK ? (size_t)(end - from) : CHUNK;
        const uint8_t *now = v->wiring.memory + from;
        uint8_t *was = v->shadow->bytes + from;

        if (memcmp(was, now, part)) {
            memcpy(was, now, part);
            any = true;
        }
    }
    return any;
}

/* Writes through the linear frame buffer pass the card by. */
static uint64_t version(const void *owner)
{
    const struct vga *v = owner;
    uint64_t from = 0, n = LEGACY_MEMORY, size = v->wiring.size;

    if (v->pci.bar[0].base == UINT64_MAX)
        return v->changes + v->shadow->changes;
    if (vga_vbe_on(v)) {
        struct vbe_mode m = vga_vbe_mode(v);
        from = m.start & (size - 1);
        n = (uint64_t)m.pitch * m.height + 4; /* 4 bits: a group more when panned */
    }
    if (n > size - from)
        from = 0, n = size;
    if (copy_differs(v, from, n))
        v->shadow->changes++;
    return v->changes + v->shadow->changes;
}

const struct screen vga_screen_functions = {
    .draw = draw, .text = text, .version = version};
