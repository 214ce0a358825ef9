/* What the VGA shows, against small models of each mode: pixels written the way
 * software for that mode writes them, then looked for on the screen. */
#include "tests/unit/devices/vga_rig.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static int set_up(void **state)
{
    struct card *c = card_new(16 * MIB);

    *state = c;
    test_colors(c);
    return 0;
}

static int tear_down(void **state)
{
    card_free(*state);
    return 0;
}

/* A colour for each pixel, always the same. */
static unsigned paint(unsigned x, unsigned y)
{
    return (x * 2654435761u ^ y * 40503u ^ (x * y) << 7) >> 13;
}

static void expect(struct card *c, const char *name, unsigned x, unsigned y,
                   uint32_t color)
{
    if (pixel(c, x, y) != color)
        fail_msg("mode %s: %06x at %u,%u, not %06x", name, pixel(c, x, y), x, y, color);
}

/* Every pixel of a width x height mode, as wide and high as the monitor makes it. */
static void expect_all(struct card *c, const char *name, unsigned width,
                       unsigned height, unsigned shown_width, unsigned shown_height,
                       uint32_t (*color)(const void *of, unsigned x, unsigned y),
                       const void *of)
{
    draw_at(c, 0);
    assert_int_equal(c->p.width, shown_width);
    assert_int_equal(c->p.height, shown_height);
    for (unsigned y = 0; y < shown_height; y++)
        for (unsigned x = 0; x < shown_width; x++)
            expect(c, name, x, y,
                   color(of, x * width / shown_width, y * height / shown_height));
}

/* ---- CGA modes ---- */

static uint32_t four_colors(const void *mode, unsigned x, unsigned y)
{
    return mode_color(mode, paint(x, y) & 3);
}

static void mode_4_has_two_banks_of_four_colours(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_4);
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < 320; x += 4) {
            unsigned byte = (paint(x, y) & 3) << 6 | (paint(x + 1, y) & 3) << 4 |
                            (paint(x + 2, y) & 3) << 2 | (paint(x + 3, y) & 3);
            poke(c, B8000 + (y & 1) * 0x2000 + y / 2 * 80 + x / 4, 1, byte);
        }
    expect_all(c, "4", 320, 200, 640, 400, four_colors, &mode_4);
}

static uint32_t two_colors(const void *mode, unsigned x, unsigned y)
{
    return mode_color(mode, paint(x, y) & 1);
}

static void mode_6_has_two_banks_of_two_colours(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_6);
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < 640; x += 8) {
            unsigned byte = 0;
            for (unsigned i = 0; i < 8; i++)
                byte |= (paint(x + i, y) & 1) << (7 - i);
            poke(c, B8000 + (y & 1) * 0x2000 + y / 2 * 80 + x / 8, 1, byte);
        }
    expect_all(c, "6", 640, 200, 640, 400, two_colors, &mode_6);
}

/* ---- planar modes ---- */

static uint32_t sixteen_colors(const void *mode, unsigned x, unsigned y)
{
    return mode_color(mode, paint(x, y) & 15);
}

/* With write mode 2 and the bit mask, as BIOSes and drivers put pixels. */
static void put_planar(struct card *c, unsigned x, unsigned at, unsigned color)
{
    gr(c, 5, 2);
    gr(c, 8, (uint8_t)(0x80 >> x % 8));
    peek(c, A0000 + at, 1);
    poke(c, A0000 + at, 1, color);
}

static void fill_planar(struct card *c, unsigned width, unsigned height,
                        unsigned colors)
{
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            put_planar(c, x, y * (width / 8) + x / 8, paint(x, y) & (colors - 1));
}

static void planar_modes_show_their_sixteen_colours(void **state)
{
    static const struct {
        const struct mode *mode;
        unsigned width, height, shown_height, colors;
    } at[] = {{&mode_d, 320, 200, 400, 16},
              {&mode_e, 640, 200, 400, 16},
              {&mode_10, 640, 350, 350, 16},
              {&mode_12, 640, 480, 480, 16}};
    struct card *c = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
        set_mode(c, at[i].mode);
        fill_planar(c, at[i].width, at[i].height, at[i].colors);
        expect_all(c, at[i].mode->name, at[i].width, at[i].height, 640,
                   at[i].shown_height, sixteen_colors, at[i].mode);
    }
}

static void mode_11_shows_map_0_in_two_colours(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_11);
    for (unsigned y = 0; y < 480; y++)
        for (unsigned x = 0; x < 640; x += 8) {
            unsigned byte = 0;
            for (unsigned i = 0; i < 8; i++)
                byte |= (paint(x + i, y) & 1) << (7 - i);
            poke(c, A0000 + y * 80 + x / 8, 1, byte);
        }
    expect_all(c, "11h", 640, 480, 640, 480, two_colors, &mode_11);
}

static void mode_f_blinks_and_has_two_intensities(void **state)
{
    static const uint32_t early[4] = {0, 8, 0x18, 0x18}, late[4] = {0, 8, 0, 0x18};
    struct card *c = *state;

    set_mode(c, &mode_f);
    poke(c, A0000, 1, 0x33);
    sr(c, 2, 4);
    poke(c, A0000, 1, 0x0f);
    sr(c, 2, 1);
    poke(c, A0000, 1, 0x33);
    draw_at(c, 0);
    for (unsigned x = 0; x < 8; x++) /* 0 0 1 1 4 4 5 5 */
        expect(c, "Fh", x, 0, test_color(early[x / 2]));
    draw_at(c, 300000000);
    for (unsigned x = 0; x < 8; x++)
        expect(c, "Fh", x, 0, test_color(late[x / 2]));
}

/* An EGA with 64 KiB wraps at 8K words: CR17 bit 5 chooses which counter bit comes low.
 */
static void word_mode_wraps_at_bit_13_or_15(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_12);
    cr(c, 0x17, 0xa3);
    cr(c, 0x0c, 0x20);
    put_planar(c, 0, 0x4000, 5);
    put_planar(c, 0, 0x4001, 6);
    draw_at(c, 0);
    expect(c, "12h", 0, 0, mode_color(&mode_12, 5));
    cr(c, 0x17, 0x83);
    draw_at(c, 0);
    expect(c, "12h", 0, 0, mode_color(&mode_12, 6));
}

static void planes_switched_off_are_not_seen(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_12);
    put_planar(c, 0, 0, 13);
    ar(c, 0x12, 6);
    draw_at(c, 0);
    expect(c, "12h", 0, 0, test_color(mode_12.ar[13 & 6]));
}

static void the_colour_select_register_gives_the_upper_bits(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_12);
    put_planar(c, 0, 0, 9); /* palette 39h */
    ar(c, 0x14, 8);
    draw_at(c, 0);
    expect(c, "12h", 0, 0, test_color(0xb9));
    ar(c, 0x10, 0x81);
    ar(c, 0x14, 5);
    draw_at(c, 0);
    expect(c, "12h", 0, 0, test_color(0x59));
    rig_out(&c->rig, 0x3c6, 0x0f); /* PEL mask */
    draw_at(c, 0);
    expect(c, "12h", 0, 0, test_color(0x09));
}

/* ---- 256 colours ---- */

static uint32_t many_colors(const void *unused, unsigned x, unsigned y)
{
    (void)unused;
    return test_color(paint(x, y) & 255);
}

static void mode_13_is_a_byte_a_pixel(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_13);
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < 320; x++)
            poke(c, A0000 + y * 320 + x, 1, paint(x, y) & 255);
    expect_all(c, "13h", 320, 200, 640, 400, many_colors, NULL);
}

/* Abrash's mode X: 320x240, unchained, byte addresses. */
static void set_mode_x(struct card *c)
{
    set_mode(c, &mode_13);
    sr(c, 4, 6);
    sr(c, 0, 1);
    rig_out(&c->rig, 0x3c2, 0xe3);
    sr(c, 0, 3);
    cr(c, 0x11, 0);
    cr(c, 0x06, 0x0d);
    cr(c, 0x07, 0x3e);
    cr(c, 0x09, 0x41);
    cr(c, 0x10, 0xea);
    cr(c, 0x11, 0xac);
    cr(c, 0x12, 0xdf);
    cr(c, 0x14, 0x00);
    cr(c, 0x15, 0xe7);
    cr(c, 0x16, 0x06);
    cr(c, 0x17, 0xe3);
}

static void mode_x_is_planar_and_has_pages(void **state)
{
    enum { PAGE_2 = 19200 };
    struct card *c = *state;

    set_mode_x(c);
    for (unsigned y = 0; y < 240; y++)
        for (unsigned x = 0; x < 320; x++) {
            sr(c, 2, (uint8_t)(1 << x % 4));
            poke(c, A0000 + PAGE_2 + y * 80 + x / 4, 1, paint(x, y) & 255);
        }
    cr(c, 0x0c, PAGE_2 >> 8);
    cr(c, 0x0d, PAGE_2 & 0xff);
    expect_all(c, "X", 320, 240, 640, 480, many_colors, NULL);
}

static void panning_moves_by_the_pixel(void **state)
{
    struct card *c = *state;

    set_mode_x(c);
    for (unsigned x = 0; x < 400; x++) {
        sr(c, 2, (uint8_t)(1 << x % 4));
        poke(c, A0000 + x / 4, 1, paint(x, 0) & 255);
    }
    cr(c, 0x0d, 1);
    ar(c, 0x13, 6); /* three pixels of 256 colours */
    draw_at(c, 0);
    for (unsigned x = 0; x < 640; x++)
        expect(c, "X", x, 0, test_color(paint(x / 2 + 7, 0) & 255));
    cr(c, 0x08, 0x40); /* two bytes more */
    draw_at(c, 0);
    expect(c, "X", 0, 0, test_color(paint(15, 0) & 255));

    set_mode(c, &mode_12);
    for (unsigned x = 0; x < 650; x++)
        put_planar(c, x, x / 8, paint(x, 0) & 15);
    ar(c, 0x13, 5);
    draw_at(c, 0);
    for (unsigned x = 0; x < 640; x++)
        expect(c, "12h", x, 0, mode_color(&mode_12, paint(x + 5, 0) & 15));
}

static void below_the_line_compare_address_0_is_shown(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_12);
    for (unsigned y = 0; y < 600; y++)
        for (unsigned x = 0; x < 16; x++)
            put_planar(c, x, y * 80 + x / 8, paint(x, y) & 15);
    cr(c, 0x0c, 80 * 100 >> 8);
    cr(c, 0x0d, 80 * 100 & 0xff);
    cr(c, 0x18, 300 & 0xff);
    cr(c, 0x07, 0x3e | 0x10);
    cr(c, 0x09, 0x00);
    ar(c, 0x13, 3);
    draw_at(c, 0);
    for (unsigned y = 0; y < 480; y++)
        expect(c, "12h", 2, y,
               mode_color(&mode_12, paint(5, y <= 300 ? y + 100 : y - 301) & 15));
    ar(c, 0x10, 0x21); /* no panning below */
    draw_at(c, 0);
    expect(c, "12h", 2, 300, mode_color(&mode_12, paint(5, 400) & 15));
    expect(c, "12h", 2, 310, mode_color(&mode_12, paint(2, 9) & 15));
}

/* ---- text ---- */

static uint8_t glyph(unsigned font, unsigned code, unsigned row)
{
    return (uint8_t)paint(code * 8 + font, row);
}

/* As a BIOS does it: map 2, sequential, at A0000h. */
static void load_font(struct card *c, unsigned font, uint32_t at, unsigned height)
{
    uint8_t misc = in_pair(c, 0x3ce, 6), sr4 = in_pair(c, 0x3c4, 4);

    sr(c, 2, 4);
    sr(c, 4, 6);
    gr(c, 5, 0);
    gr(c, 6, 5);
    for (unsigned code = 0; code < 256; code++)
        for (unsigned row = 0; row < height; row++)
            poke(c, A0000 + at + code * 32 + row, 1, glyph(font, code, row));
    sr(c, 2, 3);
    sr(c, 4, sr4);
    gr(c, 5, 0x10);
    gr(c, 6, misc);
}

struct text_model {
    const struct mode *mode;
    unsigned columns, height, dots;
    bool blinks, blinked;
};

static unsigned model_code(unsigned column, unsigned row)
{
    return paint(column, row) & 255;
}

static unsigned model_attribute(unsigned column, unsigned row)
{
    return paint(row + 100, column) & 255;
}

static uint32_t model_dot(const struct text_model *m, unsigned x, unsigned y)
{
    unsigned column = x / m->dots, row = y / m->height, dot = x % m->dots;
    unsigned code = model_code(column, row), attribute = model_attribute(column, row);
    unsigned front = attribute & 15, back = attribute >> 4;
    bool on;

    if (m->blinks)
        back &= 7;
    if (dot < 8)
        on = glyph(0, code, y % m->height) >> (7 - dot) & 1;
    else
        on = code >= 0xc0 && code < 0xe0 && (glyph(0, code, y % m->height) & 1);
    if ((attribute & 0x77) == 1 && y % m->height == (m->mode->cr[0x14] & 31))
        on = true;
    if (m->blinks && m->blinked && (attribute & 0x80))
        on = false;
    return mode_color(m->mode, on ? front : back);
}

static void fill_text(struct card *c, const struct mode *m, uint32_t base,
                      unsigned columns)
{
    set_mode(c, m);
    load_font(c, 0, 0, 16);
    cr(c, 0x0a, 0x20);
    for (unsigned row = 0; row < 25; row++)
        for (unsigned column = 0; column < columns; column++)
            poke(c, base + (row * columns + column) * 2, 2,
                 model_code(column, row) | model_attribute(column, row) << 8);
}

static void check_text(struct card *c, struct text_model m, uint64_t now)
{
    unsigned times = m.columns == 40 ? 2 : 1;

    m.blinked = now / 228571428 & 1;
    draw_at(c, now);
    assert_int_equal(c->p.width, m.columns * m.dots * times);
    assert_int_equal(c->p.height, 400);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < c->p.width; x++)
            expect(c, m.mode->name, x, y, model_dot(&m, x / times, y));
}

static void text_modes_show_characters_in_their_colours(void **state)
{
    struct card *c = *state;
    struct text_model m = {.mode = &mode_3, .columns = 80, .height = 16, .dots = 9};

    m.blinks = true;
    fill_text(c, &mode_3, B8000, 80);
    check_text(c, m, 0);
    check_text(c, m, 250000000);
    ar(c, 0x10, 0x04); /* sixteen backgrounds */
    m.blinks = false;
    check_text(c, m, 250000000);
    sr(c, 1, 1); /* 8 dots */
    ar(c, 0x13, 0);
    m.dots = 8;
    check_text(c, m, 0);

    m = (struct text_model){
        .mode = &mode_1, .columns = 40, .height = 16, .dots = 9, .blinks = true};
    fill_text(c, &mode_1, B8000, 40);
    check_text(c, m, 0);
    m.mode = &mode_7;
    m.columns = 80;
    fill_text(c, &mode_7, B0000, 80);
    check_text(c, m, 0);
}

static void a_second_font_is_chosen_by_attribute_bit_3(void **state)
{
    static const struct {
        uint8_t sr3;
        uint32_t a, b;
    } at[] = {{0x04, 0x4000, 0x0000}, {0x21, 0x2000, 0x4000}, {0x1b, 0x8000, 0xe000}};
    struct card *c = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
        set_mode(c, &mode_3);
        cr(c, 0x0a, 0x20);
        load_font(c, 1, at[i].a, 16);
        load_font(c, 2, at[i].b, 16);
        sr(c, 3, at[i].sr3);
        poke(c, B8000, 4, 0x07410f41);
        draw_at(c, 0);
        for (unsigned y = 0; y < 16; y++)
            for (unsigned x = 0; x < 8; x++) {
                bool a = glyph(1, 0x41, y) >> (7 - x) & 1,
                     b = glyph(2, 0x41, y) >> (7 - x) & 1;
                expect(c, "3, font A", x, y, mode_color(&mode_3, a ? 15 : 0));
                expect(c, "3, font B", x + 9, y, mode_color(&mode_3, b ? 7 : 0));
            }
    }
}

static void the_cursor_blinks_where_it_is_put(void **state)
{
    struct card *c = *state;
    unsigned on = 0;

    set_mode(c, &mode_3);
    for (unsigned i = 0; i < 2000; i++)
        poke(c, B8000 + 2 * i, 2, 0x0720); /* no font loaded: blank */
    cr(c, 0x0e, (80 * 3 + 5) >> 8);
    cr(c, 0x0f, (80 * 3 + 5) & 0xff);
    draw_at(c, 0);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 720; x++)
            on += pixel(c, x, y) == mode_color(&mode_3, 7);
    assert_int_equal(on, 9 * 2);
    expect(c, "3", 45, 3 * 16 + 13, mode_color(&mode_3, 7));
    expect(c, "3", 53, 3 * 16 + 14, mode_color(&mode_3, 7));
    draw_at(c, 120000000);
    expect(c, "3", 45, 3 * 16 + 13, mode_color(&mode_3, 0));
    cr(c, 0x0a, 0x2d); /* off */
    draw_at(c, 0);
    expect(c, "3", 45, 3 * 16 + 13, mode_color(&mode_3, 0));
    cr(c, 0x0a, 0x0f); /* begins below its end: not shown */
    draw_at(c, 0);
    expect(c, "3", 45, 3 * 16 + 14, mode_color(&mode_3, 0));
}

static void text_tells_cells_colours_and_cursor(void **state)
{
    static struct screen_text t;
    struct card *c = *state;
    const struct screen *s = vga_screen(c->d);

    set_mode(c, &mode_3);
    poke(c, B8000 + 2 * (80 * 24 + 79), 2, 0x9e41);
    cr(c, 0x0e, (80 * 2 + 7) >> 8);
    cr(c, 0x0f, (80 * 2 + 7) & 0xff);
    assert_true(s->text(s->owner, &t));
    assert_int_equal(t.columns, 80);
    assert_int_equal(t.rows, 25);
    assert_true(t.cursor);
    assert_int_equal(t.column, 7);
    assert_int_equal(t.row, 2);
    assert_int_equal(t.cell[1999].code, 0x41);
    assert_int_equal(t.cell[1999].attribute, 0x9e);
    assert_int_equal(t.cell[1999].front, mode_color(&mode_3, 14));
    assert_int_equal(t.cell[1999].back, mode_color(&mode_3, 1)); /* it blinks */
    cr(c, 0x0d, 80); /* scrolled by a line */
    assert_true(s->text(s->owner, &t));
    assert_int_equal(t.cell[1999 - 80].code, 0x41);
    assert_int_equal(t.row, 1);
    cr(c, 9, 0x47); /* 50 lines of 8 */
    assert_true(s->text(s->owner, &t));
    assert_int_equal(t.rows, 50);
    set_mode(c, &mode_12);
    assert_false(s->text(s->owner, &t));
    vbe_mode(c, 640, 480, 32);
    assert_false(s->text(s->owner, &t));
}

/* ---- VBE ---- */

static uint32_t scale(unsigned v, unsigned bits)
{
    return bits == 8 ? v : bits == 6 ? v << 2 | v >> 4 : v << 3 | v >> 2;
}

static uint32_t rgb(unsigned r, unsigned g, unsigned b)
{
    return r << 16 | g << 8 | b;
}

/* A pixel of a linear mode: its bytes in memory, and the colour it should have. */
static uint32_t linear_pixel(unsigned bits, unsigned value)
{
    switch (bits) {
    case 8: return test_color(value & 255);
    case 15:
        return rgb(scale(value >> 10 & 31, 5), scale(value >> 5 & 31, 5),
                   scale(value & 31, 5));
    case 16:
        return rgb(scale(value >> 11 & 31, 5), scale(value >> 5 & 63, 6),
                   scale(value & 31, 5));
    default: return value & 0xffffff;
    }
}

static void linear_modes_show_memory_with_their_virtual_width_and_offset(void **state)
{
    static const uint8_t depths[] = {8, 15, 16, 24, 32};
    enum { WIDE = 1000, X = 13, Y = 7 };
    struct card *c = *state;

    for (unsigned i = 0; i < 2 * ARRAY_SIZE(depths); i++) {
        unsigned bits = depths[i / 2], bytes = (bits + 7u) / 8;
        bool big = i % 2;

        vbe_mode(c, 640, 480, bits);
        vbe(c, VIRT_WIDTH, WIDE);
        vbe(c, X_OFFSET, X);
        vbe(c, Y_OFFSET, Y);
        config(c, 0x18, 0xfebf0000);
        config(c, 4, 2);
        poke(c, 0xfebf0604, 4, big ? 0xbebebebe : 0x1e1e1e1e);
        for (unsigned y = 0; y < 480 + Y; y++)
            for (unsigned x = 0; x < WIDE; x++)
                for (unsigned k = 0; k < bytes; k++)
                    c->memory[((size_t)y * WIDE + x) * bytes +
                              (big ? bytes - 1 - k : k)] =
                        (uint8_t)(paint(x, y) * 257 >> 8 * k);
        draw_at(c, 0);
        assert_int_equal(c->p.width, 640);
        assert_int_equal(c->p.height, 480);
        for (unsigned y = 0; y < 480; y += 3)
            for (unsigned x = 0; x < 640; x++)
                expect(c, "linear", x, y,
                       linear_pixel(bits, paint(x + X, y + Y) * 257));
    }
}

static void the_largest_mode_fits_in_16_mib(void **state)
{
    struct card *c = *state;

    vbe_mode(c, 2560, 1600, 32);
    store32(c->memory + (size_t)2560 * 1600 * 4 - 4, 0x123456);
    draw_at(c, 0);
    assert_int_equal(c->p.width, 2560);
    assert_int_equal(c->p.height, 1600);
    expect(c, "largest", 2559, 1599, 0x123456);
}

static void planar_vbe_modes_pan_by_the_pixel(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_12);
    vbe_mode(c, 800, 600, 4);
    vbe(c, VIRT_WIDTH, 1024);
    for (unsigned y = 0; y < 610; y++)
        for (unsigned x = 0; x < 1024; x++) {
            unsigned at = y * 128 + x / 8;
            if (at % 0x10000 == 0 && x % 8 == 0)
                vbe(c, BANK, (uint16_t)(at >> 16));
            if (x < 820)
                put_planar(c, x, at & 0xffff, paint(x, y) & 15);
        }
    vbe(c, X_OFFSET, 11);
    vbe(c, Y_OFFSET, 5);
    draw_at(c, 0);
    assert_int_equal(c->p.width, 800);
    assert_int_equal(c->p.height, 600);
    for (unsigned y = 0; y < 600; y++)
        for (unsigned x = 0; x < 800; x++)
            expect(c, "800x600x4", x, y,
                   mode_color(&mode_12, paint(x + 11, y + 5) & 15));
}

static void eight_bit_colours_are_shown_in_full(void **state)
{
    struct card *c = *state;

    vbe_mode(c, 640, 480, 8);
    c->memory[0] = 9;
    dac(c, 9, 0x21, 0x3f, 0x00);
    draw_at(c, 0);
    expect(c, "8 bits", 0, 0, 0x86ff00);
    vbe(c, ENABLE, ENABLED | LFB | DAC_8);
    dac(c, 9, 0x21, 0x3f, 0x00);
    draw_at(c, 0);
    expect(c, "8 bits", 0, 0, 0x213f00);
}

/* ---- off, changed, hostile ---- */

static void a_card_that_is_off_or_blanked_shows_nothing_or_black(void **state)
{
    struct card *c = card_new(MIB);
    (void)state;

    draw_at(c, 0);
    assert_int_equal(c->p.width, 0);
    set_mode(c, &mode_13);
    dac(c, 0, 63, 63, 63);
    draw_at(c, 0);
    expect(c, "13h", 0, 0, 0xffffff);
    sr(c, 1, 0x21);
    draw_at(c, 0);
    expect(c, "13h", 0, 0, 0);
    sr(c, 1, 1);
    status_1(c);
    rig_out(&c->rig, 0x3c0, 0);
    draw_at(c, 0);
    expect(c, "13h", 639, 399, 0);
    cr(c, 0x17, 0x23);
    draw_at(c, 0);
    assert_int_equal(c->p.width, 0);
    card_free(c);
}

static void the_version_changes_with_what_is_shown(void **state)
{
    struct card *c = *state;
    uint64_t was;

    set_mode(c, &mode_13);
    was = version(c);
    assert_int_equal(version(c), was);
    poke(c, A0000, 1, 1);
    assert_int_not_equal(version(c), was);
    was = version(c);
    dac(c, 1, 2, 3, 4);
    assert_int_not_equal(version(c), was);
    was = version(c);
    peek(c, A0000, 1);
    status_1(c);
    assert_int_equal(version(c), was);

    vbe_mode(c, 640, 480, 32);
    config(c, 0x10, 0xe0000000);
    config(c, 4, 2);
    version(c);
    was = version(c);
    c->memory[640 * 480 * 4 - 1] = 1; /* as the guest would, through BAR 0 */
    assert_int_not_equal(version(c), was);
    was = version(c);
    c->memory[640 * 480 * 4 + 640] = 1; /* not on the screen */
    assert_int_equal(version(c), was);
    vbe(c, Y_OFFSET, 1);
    assert_int_not_equal(version(c), was);
}

static void random_register(struct card *c)
{
    uint8_t value = (uint8_t)any(c), index = (uint8_t)any(c);

    switch (any(c) % 12) {
    case 0: sr(c, index % 5, index % 5 ? value : 3); break;
    case 1: gr(c, index % 9, value); break;
    case 2:
    case 3:
        cr(c, 0x11, 0);
        cr(c, index % 25, value);
        break;
    case 4: ar(c, index % 21, value); break;
    case 5: rig_out(&c->rig, 0x3c2, value); break;
    case 6: vbe(c, ENABLE, (uint16_t)((any(c) & 0xfe) | (value > 200))); break;
    case 7: vbe(c, (uint16_t)(1 + index % 3), (uint16_t)any(c)); break;
    case 8: vbe(c, BPP, (uint16_t[]){4, 8, 15, 16, 24, 32}[index % 6]); break;
    case 9:
    case 10: vbe(c, (uint16_t)(5 + index % 5), (uint16_t)any(c)); break;
    default: poke(c, A0000 + any(c) % 0x1fff8, 1u << any(c) % 4, any(c)); break;
    }
    cr(c, 0x17, in_pair(c, crtc_port(c), 0x17) | 0x80);
}

/* Under the address sanitizer: no registers read past memory or write past the picture.
 */
static void random_registers_draw_within_bounds(void **state)
{
#ifdef MENURA_EMULATED_HOST
    enum { DRAWS = 30 };
#else
    enum { DRAWS = 300 };
#endif
    static struct screen_text t;
    (void)state;

    for (unsigned size = 256 * KIB; size <= 4 * MIB; size *= 16) {
        struct card *c = card_new(size);
        const struct screen *s = vga_screen(c->d);

        config(c, 0x10, 0xe0000000);
        config(c, 4, 2);
        set_mode(c, &mode_3);
        for (unsigned i = 0; i < DRAWS; i++) {
            for (unsigned k = 0; k < 20; k++)
                random_register(c);
            draw_at(c, any(c) >> 20);
            assert_true(c->p.width <= SCREEN_WIDTH && c->p.height <= SCREEN_HEIGHT);
            version(c);
            if (s->text(s->owner, &t))
                assert_true(t.columns <= SCREEN_COLUMNS && t.rows <= SCREEN_ROWS);
        }
        card_free(c);
    }
}

/* What a snapshot may hold: each row anything up to its largest legal value. */
static void random_row(struct card *c, const struct field *f)
{
    for (unsigned n = 0; f->kind == FIELD_VALUE && n < f->count; n++) {
        uint64_t v = any(c) % 4 ? any(c) : any(c) % 2 ? f->max : 0;
        field_set(f, c->d->state, n, f->max == UINT64_MAX ? v : v % (f->max + 1));
    }
}

static void any_state_a_snapshot_may_hold_draws_within_bounds(void **state)
{
#ifdef MENURA_EMULATED_HOST
    enum { STATES = 30 };
#else
    enum { STATES = 300 };
#endif
    static struct screen_text t;
    struct card *c = card_new(256 * KIB);
    const struct screen *s = vga_screen(c->d);
    (void)state;

    config(c, 0x10, 0xe0000000);
    config(c, 4, 2);
    for (unsigned i = 0; i < STATES; i++) {
        for (const struct field *f = vga_class.fields; f->name; f++)
            random_row(c, f);
        draw_at(c, any(c) >> 20);
        assert_true(c->p.width <= SCREEN_WIDTH && c->p.height <= SCREEN_HEIGHT);
        version(c);
        s->text(s->owner, &t);
        for (unsigned k = 0; k < 50; k++) {
            uint64_t at = A0000 + any(c) % 0x1fff8;
            unsigned size = 1u << any(c) % 4;
            poke(c, at, size, any(c));
            peek(c, at, size);
            status_1(c);
            rig_in(&c->rig, (uint16_t)(0x3c0 + any(c) % 16));
        }
    }
    card_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mode_4_has_two_banks_of_four_colours),
        TEST(mode_6_has_two_banks_of_two_colours),
        TEST(planar_modes_show_their_sixteen_colours),
        TEST(mode_11_shows_map_0_in_two_colours),
        TEST(mode_f_blinks_and_has_two_intensities),
        TEST(word_mode_wraps_at_bit_13_or_15),
        TEST(planes_switched_off_are_not_seen),
        TEST(the_colour_select_register_gives_the_upper_bits),
        TEST(mode_13_is_a_byte_a_pixel),
        TEST(mode_x_is_planar_and_has_pages),
        TEST(panning_moves_by_the_pixel),
        TEST(below_the_line_compare_address_0_is_shown),
        TEST(text_modes_show_characters_in_their_colours),
        TEST(a_second_font_is_chosen_by_attribute_bit_3),
        TEST(the_cursor_blinks_where_it_is_put),
        TEST(text_tells_cells_colours_and_cursor),
        TEST(linear_modes_show_memory_with_their_virtual_width_and_offset),
        TEST(the_largest_mode_fits_in_16_mib),
        TEST(planar_vbe_modes_pan_by_the_pixel),
        TEST(eight_bit_colours_are_shown_in_full),
        TEST(a_card_that_is_off_or_blanked_shows_nothing_or_black),
        TEST(the_version_changes_with_what_is_shown),
        TEST(random_registers_draw_within_bounds),
        TEST(any_state_a_snapshot_may_hold_draws_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
