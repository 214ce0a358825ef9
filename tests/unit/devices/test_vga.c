/* The VGA's registers and its video memory as the CPU sees it. */
#include "tests/unit/devices/vga_rig.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static int set_up(void **state)
{
    *state = card_new(4 * MIB);
    return 0;
}

static int tear_down(void **state)
{
    card_free(*state);
    return 0;
}

/* ---- ports ---- */

static void misc_bit_0_moves_the_crtc_between_3bx_and_3dx(void **state)
{
    struct card *c = *state;

    rig_out(&c->rig, 0x3c2, 0);
    out_pair(c, 0x3b4, 0x0c, 0x12);
    assert_int_equal(in_pair(c, 0x3b4, 0x0c), 0x12);
    assert_int_equal(rig_in(&c->rig, 0x3d4), 0xff);
    rig_out(&c->rig, 0x3c2, 1);
    assert_int_equal(in_pair(c, 0x3d4, 0x0c), 0x12);
    assert_int_equal(rig_in(&c->rig, 0x3b5), 0xff);
    assert_int_equal(rig_in(&c->rig, 0x3ba), 0xff);
}

static void crtc_bit_7_of_11h_locks_the_first_eight_but_not_line_compare(void **state)
{
    struct card *c = *state;

    rig_out(&c->rig, 0x3c2, 1);
    cr(c, 0x11, 0x80);
    cr(c, 0, 0x55);
    cr(c, 7, 0xff);
    cr(c, 8, 0x55);
    assert_int_equal(in_pair(c, 0x3d4, 0), 0);
    assert_int_equal(in_pair(c, 0x3d4, 7), 0x10);
    assert_int_equal(in_pair(c, 0x3d4, 8), 0x55);
    cr(c, 0x11, 0);
    cr(c, 7, 0xff);
    assert_int_equal(in_pair(c, 0x3d4, 7), 0xff);
}

static void the_attribute_port_takes_index_and_data_in_turn(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_3);
    status_1(c);
    rig_out(&c->rig, 0x3c0, 0x31); /* overscan, screen on */
    rig_out(&c->rig, 0x3c0, 0x17);
    assert_int_equal(rig_in(&c->rig, 0x3c0), 0x31);
    assert_int_equal(rig_in(&c->rig, 0x3c1), 0x17);
    rig_out(&c->rig, 0x3c0, 0x25); /* an index again */
    status_1(c);
    rig_out(&c->rig, 0x3c0, 0x20 | 1); /* so this is an index, not data */
    rig_out(&c->rig, 0x3c0, 0x3f);     /* the palette shows: not written */
    assert_int_equal(rig_in(&c->rig, 0x3c1), 1);
    ar(c, 1, 0x3f);
    status_1(c);
    rig_out(&c->rig, 0x3c0, 1);
    assert_int_equal(rig_in(&c->rig, 0x3c1), 0x3f);
}

static void a_dac_entry_changes_with_its_third_byte(void **state)
{
    struct card *c = *state;

    dac(c, 5, 1, 2, 3);
    rig_out(&c->rig, 0x3c8, 5);
    rig_out(&c->rig, 0x3c9, 0x3f);
    rig_out(&c->rig, 0x3c9, 0x3f);
    rig_out(&c->rig, 0x3c7, 5);
    assert_int_equal(rig_in(&c->rig, 0x3c7), 3);
    assert_int_equal(rig_in(&c->rig, 0x3c9), 1);
    assert_int_equal(rig_in(&c->rig, 0x3c9), 2);
    assert_int_equal(rig_in(&c->rig, 0x3c9), 3);
    dac(c, 6, 7, 8, 0x49); /* 6 bits */
    rig_out(&c->rig, 0x3c7, 5);
    for (unsigned i = 0; i < 5; i++)
        rig_in(&c->rig, 0x3c9);
    assert_int_equal(rig_in(&c->rig, 0x3c9), 9);
    assert_int_equal(rig_in(&c->rig, 0x3c8), 7);
    rig_out(&c->rig, 0x3c8, 0);
    assert_int_equal(rig_in(&c->rig, 0x3c7), 0);
}

static void with_8_bits_the_dac_keeps_what_it_was_given(void **state)
{
    struct card *c = *state;

    dac(c, 1, 0x3f, 0x20, 0x01);
    vbe(c, ENABLE, DAC_8);
    rig_out(&c->rig, 0x3c7, 1);
    assert_int_equal(rig_in(&c->rig, 0x3c9), 0xfc);
    dac(c, 1, 0x81, 0x42, 0xff);
    rig_out(&c->rig, 0x3c7, 1);
    assert_int_equal(rig_in(&c->rig, 0x3c9), 0x81);
    assert_int_equal(rig_in(&c->rig, 0x3c9), 0x42);
    vbe(c, ENABLE, 0);
    rig_out(&c->rig, 0x3c7, 1);
    assert_int_equal(rig_in(&c->rig, 0x3c9), 0x20);
}

static void a_card_put_to_sleep_by_3c3h_answers_there_alone(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_13);
    poke(c, A0000, 1, 0x5a);
    assert_int_equal(rig_in(&c->rig, 0x3c3), 1);
    rig_out(&c->rig, 0x3c3, 0);
    assert_int_equal(rig_in(&c->rig, 0x3cc), 0xff);
    assert_int_equal(peek(c, A0000, 1), 0xff);
    rig_out(&c->rig, 0x3c3, 1);
    assert_int_equal(rig_in(&c->rig, 0x3cc), 0x63);
    assert_int_equal(peek(c, A0000, 1), 0x5a);
}

/* ---- time ---- */

/* Mode 3: 449 lines of 900 dots at 28.322 MHz; display 400, retrace lines 412 and 413.
 */
static uint64_t dot_tick(const struct card *c, unsigned line, unsigned dot)
{
    return clock_from_hz(&c->rig.clock, line * 900u + dot + 1, 28322000);
}

static void the_retrace_bits_follow_the_clock(void **state)
{
    static const struct {
        unsigned line, dot, status;
    } at[] = {{0, 0, 0},     {0, 700, 0},   {0, 730, 1},  {200, 10, 0},  {399, 700, 0},
              {400, 10, 1},  {411, 890, 1}, {412, 0, 9},  {413, 890, 9}, {414, 10, 1},
              {448, 890, 1}, {449, 10, 0},  {861, 10, 9}, {863, 10, 1}};
    struct card *c = *state;

    set_mode(c, &mode_3);
    for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
        clock_advance(&c->rig.clock, dot_tick(c, at[i].line, at[i].dot));
        if ((status_1(c) & 9) != at[i].status)
            fail_msg("line %u dot %u: %x", at[i].line, at[i].dot, status_1(c));
    }
}

static unsigned frames_in_a_second(struct card *c)
{
    unsigned frames = 0;
    bool was = status_1(c) & 8;

    for (unsigned i = 0; i < 100000; i++) {
        bool is;
        rig_run(&c->rig, IPS / 100000);
        is = status_1(c) & 8;
        frames += is && !was;
        was = is;
    }
    return frames;
}

static void modes_have_their_frame_rates(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_3);
    assert_in_range(frames_in_a_second(c), 70, 71);
    set_mode(c, &mode_13);
    assert_in_range(frames_in_a_second(c), 70, 71);
    set_mode(c, &mode_12);
    assert_in_range(frames_in_a_second(c), 59, 60);
    vbe_mode(c, 1024, 768, 32);
    assert_in_range(frames_in_a_second(c), 59, 61);
}

static void the_vertical_interrupt_is_pending_until_cleared(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_3);
    cr(c, 0x11, 0x9e); /* armed */
    assert_int_equal(rig_in(&c->rig, 0x3c2) & 0x80, 0);
    rig_run(&c->rig, IPS / 60);
    assert_int_equal(rig_in(&c->rig, 0x3c2) & 0x80, 0x80);
    cr(c, 0x0c, 0); /* changes nothing about it */
    assert_int_equal(rig_in(&c->rig, 0x3c2) & 0x80, 0x80);
    cr(c, 0x11, 0x8e);
    assert_int_equal(rig_in(&c->rig, 0x3c2) & 0x80, 0);
    rig_run(&c->rig, IPS / 60);
    assert_int_equal(rig_in(&c->rig, 0x3c2) & 0x80, 0);
    cr(c, 0x11, 0x9e);
    assert_int_equal(rig_in(&c->rig, 0x3c2) & 0x80, 0);
}

/* ---- write and read modes ---- */

/* One map's byte, as the manual's data flow has it, bit by bit. */
static uint8_t expected(unsigned mode, unsigned map, uint8_t cpu, uint8_t latch,
                        const uint8_t g[9])
{
    unsigned rotated = (cpu >> (g[3] & 7) | cpu << (8 - (g[3] & 7))) & 0xff;
    uint8_t result = 0;

    if (mode == 1)
        return latch;
    for (unsigned bit = 0; bit < 8; bit++) {
        unsigned was = latch >> bit & 1, data, mask = g[8] >> bit & 1;

        if (mode == 0)
            data = g[1] >> map & 1 ? g[0] >> map & 1 : rotated >> bit & 1;
        else if (mode == 2)
            data = cpu >> map & 1;
        else
            data = g[0] >> map & 1;
        if (mode == 3)
            mask &= rotated >> bit & 1;
        switch (g[3] >> 3) {
        case 1: data &= was; break;
        case 2: data |= was; break;
        case 3: data ^= was; break;
        default: break;
        }
        result = (uint8_t)(result | (mask ? data : was) << bit);
    }
    return result;
}

static void each_write_mode_does_what_the_data_flow_says(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_12);
    for (unsigned n = 0; n < 4000; n++) {
        unsigned mode = n & 3, from = (unsigned)any(c) & 0xffff, to;
        uint8_t g[9] = {any(c) & 15,   any(c) & 15, 0, any(c) & 31,    0,
                        (uint8_t)mode, 5,           0, (uint8_t)any(c)};
        bool no_latch = n & 4; /* no function, all bits */
        uint8_t mask = any(c) & 15, cpu = (uint8_t)any(c);
        uint32_t latch, before, after;

        to = (unsigned)any(c) & 0xffff;
        if (no_latch)
            g[3] &= 7, g[8] = 0xff;
        store32(c->memory + 4 * from, (uint32_t)any(c));
        store32(c->memory + 4 * to, (uint32_t)any(c));
        latch = maps(c, from);
        before = maps(c, to);
        for (uint8_t i = 0; i < 9; i++)
            gr(c, i, g[i]);
        sr(c, 2, mask);
        peek(c, A0000 + from, 1);
        poke(c, A0000 + to, 1, cpu);
        after = maps(c, to);
        for (unsigned map = 0; map < 4; map++) {
            uint8_t want = mask >> map & 1 ? expected(mode, map, cpu,
                                                      (uint8_t)(latch >> 8 * map), g)
                                           : (uint8_t)(before >> 8 * map);
            if ((uint8_t)(after >> 8 * map) != want)
                fail_msg("mode %u map %u: %x, not %x", mode, map,
                         after >> 8 * map & 0xff, want);
        }
    }
}

static void read_mode_0_gives_a_map_and_1_compares_colours(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_12);
    for (unsigned n = 0; n < 1000; n++) {
        uint32_t at = (uint32_t)any(c) & 0xffff, m = (uint32_t)any(c);
        uint8_t compare = any(c) & 15, care = any(c) & 15, want = 0, map = any(c) & 3;

        store32(c->memory + 4 * at, m);
        gr(c, 4, map);
        gr(c, 5, 0);
        assert_int_equal(peek(c, A0000 + at, 1), m >> 8 * map & 0xff);
        gr(c, 5, 8);
        gr(c, 2, compare);
        gr(c, 7, care);
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned color = (m >> bit & 1) | (m >> (8 + bit) & 1) << 1 |
                             (m >> (16 + bit) & 1) << 2 | (m >> (24 + bit) & 1) << 3;
            want = (uint8_t)(want | ((color & care) == (compare & care)) << bit);
        }
        assert_int_equal(peek(c, A0000 + at, 1), want);
    }
}

/* ---- chaining ---- */

static void odd_even_puts_characters_in_map_0_and_attributes_in_map_1(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_3);
    poke(c, B8000 + 6, 2, 0x1e41);
    assert_int_equal(maps(c, 6), 0x1e41);
    assert_int_equal(maps(c, 7), 0);
    assert_int_equal(peek(c, B8000 + 6, 2), 0x1e41);
    sr(c, 2, 1);
    poke(c, B8000 + 6, 2, 0xffff);
    assert_int_equal(peek(c, B8000 + 6, 2), 0x1eff);
}

static void chain_4_uses_every_fourth_address_of_each_map(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_13);
    poke(c, A0000 + 0x1234, 4, 0x44332211);
    assert_int_equal(maps(c, 0x1234), 0x44332211);
    assert_int_equal(maps(c, 0x1235), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(peek(c, A0000 + 0x1234 + i, 1), 0x11 * (i + 1));
    poke(c, A0000 + 0xfff7, 8, 0x8877665544332211);
    assert_int_equal(peek(c, A0000 + 0xfff7, 8), 0x8877665544332211);
    assert_int_equal(maps(c, 0xfff4) >> 24, 0x11);
    assert_int_equal(maps(c, 0xfff8), 0x55443322);
}

static void accesses_of_any_size_write_the_bytes_one_by_one(void **state)
{
    static const struct mode *const modes[] = {&mode_3, &mode_4, &mode_6, &mode_12,
                                               &mode_13};
    struct card *c = *state, *bytes = card_new(4 * MIB);

    for (unsigned n = 0; n < 5000; n++) {
        unsigned size = 1u << any(c) % 4;
        uint64_t at = A0000 + any(c) % (0x20000 - 8), value = any(c);

        if (n % 50 == 0) {
            const struct mode *m = modes[any(c) % ARRAY_SIZE(modes)];
            uint8_t map = any(c) & 3, write = any(c) & 3, mask = (uint8_t)any(c);
            uint8_t turn = any(c) & 31, set = any(c) & 15, enable = any(c) & 15;
            uint8_t planes = any(c) & 15;
            for (unsigned k = 0; k < 2; k++) {
                struct card *one = k ? bytes : c;
                set_mode(one, m);
                gr(one, 6, (uint8_t)((m->gr[6] & 3) | map << 2));
                if (n % 100)
                    gr(one, 5, (uint8_t)((m->gr[5] & ~3) | write));
                if (n % 150)
                    gr(one, 8, mask);
                if (n % 3 == 1) {
                    gr(one, 0, set);
                    gr(one, 1, enable);
                    gr(one, 3, turn);
                    sr(one, 2, planes);
                }
            }
        }
        poke(c, at, size, value);
        for (unsigned i = 0; i < size; i++)
            poke(bytes, at + i, 1, value >> 8 * i & 0xff);
        assert_memory_equal(c->memory + 0, bytes->memory, 16);
        value = 0;
        for (unsigned i = 0; i < size; i++)
            value |= peek(bytes, at + i, 1) << 8 * i;
        assert_int_equal(peek(c, at, size), value);
    }
    assert_memory_equal(c->memory, bytes->memory, 256 * KIB);
    card_free(bytes);
}

static void the_memory_map_select_places_the_window(void **state)
{
    static const struct {
        uint8_t select;
        uint32_t base, size;
    } map[] = {{0, A0000, 0x20000},
               {4, A0000, 0x10000},
               {8, B0000, 0x8000},
               {12, B8000, 0x8000}};
    struct card *c = *state;

    set_mode(c, &mode_12);
    for (unsigned n = 0; n < ARRAY_SIZE(map); n++) {
        uint32_t base = map[n].base, end = base + map[n].size;

        gr(c, 6, (uint8_t)(map[n].select | 1));
        store32(c->memory, 0x11);
        poke(c, base, 1, 0x55);
        assert_int_equal(maps(c, 0), 0x55555555);
        assert_int_equal(peek(c, base, 1), 0x55);
        poke(c, end - 1, 1, 0x66);
        assert_int_equal(maps(c, (map[n].size - 1) & 0xffff), 0x66666666);
        if (base > A0000)
            assert_int_equal(peek(c, base - 1, 1), 0xff);
        if (end < 0xc0000)
            assert_int_equal(peek(c, end, 1), 0xff);
    }
    rig_out(&c->rig, 0x3c2, 0xe1); /* RAM disabled */
    assert_int_equal(peek(c, B8000, 1), 0xff);
}

static void the_board_is_told_of_each_store(void **state)
{
    struct card *c = *state;

    set_mode(c, &mode_12);
    poke(c, A0000 + 0x10, 1, 1);
    assert_int_equal(c->stored_from, 0x40);
    assert_int_equal(c->stored_to, 0x44);
    vbe_mode(c, 640, 480, 8);
    assert_int_equal(c->stored_from, 0); /* cleared */
    assert_int_equal(c->stored_to, 640 * 480);
    vbe(c, BANK, 2);
    poke(c, A0000 + 0x10, 4, 1);
    assert_int_equal(c->stored_from, 0x20010);
    assert_int_equal(c->stored_to, 0x20014);
}

/* ---- VBE ---- */

static void the_vbe_registers_say_what_the_card_can_do(void **state)
{
    struct card *c = *state;

    assert_int_equal(vbe_get(c, ID), 0xb0c5);
    vbe(c, ID, 0xb0c0);
    assert_int_equal(vbe_get(c, ID), 0xb0c0);
    vbe(c, ID, 0xb0c6);
    assert_int_equal(vbe_get(c, ID), 0xb0c0);
    vbe(c, ENABLE, GETCAPS);
    assert_int_equal(vbe_get(c, XRES), 2560);
    assert_int_equal(vbe_get(c, YRES), 1600);
    assert_int_equal(vbe_get(c, BPP), 32);
    assert_int_equal(vbe_get(c, MEMORY), 64);
    assert_int_equal(vbe_get(c, 0x1234), 0);
}

static void a_vbe_mode_begins_cleared_and_unpanned(void **state)
{
    struct card *c = *state;

    memset(c->memory, 0x5a, c->size);
    vbe(c, X_OFFSET, 3);
    vbe_mode(c, 800, 600, 16);
    assert_int_equal(vbe_get(c, X_OFFSET), 0);
    assert_int_equal(vbe_get(c, VIRT_WIDTH), 800);
    assert_int_equal(vbe_get(c, VIRT_HEIGHT), 4 * MIB / 1600);
    assert_int_equal(vbe_get(c, ENABLE), ENABLED | LFB);
    assert_int_equal(c->memory[800 * 600 * 2 - 1], 0);
    assert_int_equal(c->memory[800 * 600 * 2], 0x5a);
    vbe(c, ENABLE, 0);
    memset(c->memory, 0x5a, c->size);
    vbe(c, ENABLE, ENABLED | NOCLEAR);
    assert_int_equal(c->memory[0], 0x5a);
    vbe(c, VIRT_WIDTH, 1024);
    assert_int_equal(vbe_get(c, VIRT_HEIGHT), 2048);
    vbe(c, VIRT_WIDTH, 1); /* less than the mode is wide */
    assert_int_equal(vbe_get(c, VIRT_WIDTH), 800);
}

static void a_mode_that_does_not_fit_in_memory_is_cut(void **state)
{
    struct card *c = card_new(256 * KIB);
    (void)state;

    vbe_mode(c, 2560, 1600, 32);
    assert_int_equal(vbe_get(c, XRES), 2560);
    assert_int_equal(vbe_get(c, YRES), 256 * KIB / 10240);
    card_free(c);
}

static void banks_reach_all_of_linear_memory(void **state)
{
    struct card *c = *state;

    vbe_mode(c, 1024, 768, 32);
    for (uint16_t bank = 0; bank < 64; bank++) {
        vbe(c, BANK, bank);
        poke(c, A0000 + 0xfff8, 8, 0x1122334455667788u + bank);
    }
    for (unsigned bank = 0; bank < 64; bank++)
        assert_int_equal(load64(c->memory + bank * 0x10000 + 0xfff8),
                         0x1122334455667788u + bank);
    vbe(c, BANK, 64 + 3); /* wraps */
    assert_int_equal(vbe_get(c, BANK), 3);
    assert_int_equal(peek(c, A0000 + 0xfff8, 2), 0x778b);
}

static void banks_of_planar_modes_select_64_kib_of_each_map(void **state)
{
    struct card *c = *state;

    vbe_mode(c, 1024, 768, 4);
    vbe(c, BANK, 1);
    sr(c, 2, 15);
    gr(c, 1, 0);
    gr(c, 8, 0xff);
    sr(c, 2, 4);
    poke(c, A0000 + 0x20, 1, 0x77);
    assert_int_equal(maps(c, 0x10020), 0x770000);
    vbe(c, ENABLE, 0);
    sr(c, 2, 4);
    poke(c, A0000 + 0x20, 1, 0x66); /* no banks without VBE */
    assert_int_equal(maps(c, 0x20), 0x660000);
}

/* ---- PCI ---- */

static void the_card_is_1234_1111_with_memory_registers_and_rom(void **state)
{
    struct card *c = *state;

    assert_int_equal(config_get(c, 0), 0x11111234);
    assert_int_equal(config_get(c, 8), 0x03000002);
    config(c, 0x10, 0xffffffff);
    assert_int_equal(config_get(c, 0x10), (uint32_t) ~(4 * MIB - 1) | 8);
    config(c, 0x18, 0xffffffff);
    assert_int_equal(config_get(c, 0x18), 0xfffff000);
    config(c, 0x30, 0xffffffff);
    assert_int_equal(config_get(c, 0x30), 0xffff8001);
    config(c, 0x10, 0xe0000000);
    config(c, 0x30, 0xf0000001);
    config(c, 4, 2);
    assert_int_equal(c->memory_at, 0xe0000000);
    assert_int_equal(c->rom_at, 0xf0000000);
    config(c, 4, 0);
    assert_int_equal(c->memory_at, UINT64_MAX);
    assert_int_equal(c->rom_at, UINT64_MAX);
}

static void map_registers(struct card *c)
{
    config(c, 0x18, 0xfebf0000);
    config(c, 4, 2);
}

static void bar_2_holds_ports_vbe_registers_and_byte_order(void **state)
{
    struct card *c = *state;

    map_registers(c);
    poke(c, 0xfebf0402, 1, 0x63);
    assert_int_equal(rig_in(&c->rig, 0x3cc), 0x63);
    poke(c, 0xfebf0404, 2, 0x0f02); /* index and data at once */
    assert_int_equal(in_pair(c, 0x3c4, 2), 0x0f);
    assert_int_equal(peek(c, 0xfebf0404, 2), 0x0f02);
    poke(c, 0xfebf0502, 2, 800);
    assert_int_equal(vbe_get(c, XRES), 800);
    assert_int_equal(peek(c, 0xfebf0500, 4), 800u << 16 | 0xb0c5);
    assert_int_equal(peek(c, 0xfebf0600, 4), 8);
    assert_int_equal(peek(c, 0xfebf0604, 4), 0x1e1e1e1e);
    poke(c, 0xfebf0604, 4, 0xbebebebe);
    assert_int_equal(peek(c, 0xfebf0604, 4), 0xbebebebe);
    poke(c, 0xfebf0604, 4, 0x12345678);
    assert_int_equal(peek(c, 0xfebf0604, 4), 0xbebebebe);
    assert_int_equal(peek(c, 0xfebf0800, 4), 0);
    /* Reading status 1 there makes the next attribute write an index. */
    rig_out(&c->rig, 0x3c0, 0x31);
    (void)peek(c, 0xfebf041a, 1);
    rig_out(&c->rig, 0x3c0, 0x20);
    assert_int_equal(rig_in(&c->rig, 0x3c0), 0x20);
}

static void edid_of(struct card *c, uint8_t e[128])
{
    map_registers(c);
    for (unsigned i = 0; i < 128; i += 4)
        store32(e + i, (uint32_t)peek(c, 0xfebf0000 + i, 4));
}

/* VESA E-EDID, 3.10: the first detailed timing is the preferred one. */
static void the_edid_is_valid_and_prefers_what_was_asked_for(void **state)
{
    static const unsigned sizes[][2] = {
        {1024, 768}, {320, 200}, {1920, 1200}, {2560, 1600}};
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(sizes); n++) {
        struct card *c = card_with(4 * MIB, sizes[n][0], sizes[n][1]);
        uint8_t e[128], sum = 0;

        edid_of(c, e);
        for (unsigned i = 0; i < 128; i++)
            sum = (uint8_t)(sum + e[i]);
        assert_int_equal(load64(e), 0x00ffffffffffff00u);
        assert_int_equal(sum, 0);
        assert_int_equal(e[0x12], 1);
        assert_int_equal(e[54 + 2] | (e[54 + 4] & 0xf0) << 4, sizes[n][0]);
        assert_int_equal(e[54 + 5] | (e[54 + 7] & 0xf0) << 4, sizes[n][1]);
        assert_int_equal(peek(c, 0xfebf0080, 4), 0); /* no extension block */
        card_free(c);
    }
}

static void without_a_monitor_there_is_no_edid(void **state)
{
    static const uint8_t nothing[128];
    struct card *c = card_with(4 * MIB, 0, 0);
    uint8_t e[128];
    (void)state;

    edid_of(c, e);
    assert_memory_equal(e, nothing, sizeof e);
    card_free(c);
}

/* ---- snapshot ---- */

static void a_copy_made_from_a_snapshot_shows_the_same(void **state)
{
    struct card *c = *state, *copy = card_new(4 * MIB);
    size_t bytes;

    set_mode(c, &mode_12);
    test_colors(c);
    for (unsigned i = 0; i < 256 * KIB; i++)
        c->memory[i] = (uint8_t)any(c);
    cr(c, 0x0d, 0x31);
    config(c, 0x10, 0xe0000000);
    config(c, 4, 2);
    draw_at(c, 0);
    memcpy(copy->memory, c->memory, c->size);
    rig_transfer(c->d, copy->d);
    draw_at(copy, 0);
    assert_int_equal(copy->p.width, c->p.width);
    assert_int_equal(copy->p.height, c->p.height);
    bytes = (size_t)c->p.width * c->p.height * sizeof *c->p.pixel;
    assert_memory_equal(copy->p.pixel, c->p.pixel, bytes);
    assert_int_equal(copy->memory_at, 0xe0000000);
    card_free(copy);
}

static void a_card_without_fitting_memory_does_not_start(void **state)
{
    struct card *c = *state;
    struct device *d = rig_new(&c->rig, &vga_class);
    struct error e = {""};

    vga_connect(d, &(struct vga_wiring){.memory = c->memory, .size = 3 * MIB});
    assert_false(device_start(d, &e));
    assert_non_null(strstr(e.text, "power of two"));
    device_free(d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(misc_bit_0_moves_the_crtc_between_3bx_and_3dx),
        TEST(crtc_bit_7_of_11h_locks_the_first_eight_but_not_line_compare),
        TEST(the_attribute_port_takes_index_and_data_in_turn),
        TEST(a_dac_entry_changes_with_its_third_byte),
        TEST(with_8_bits_the_dac_keeps_what_it_was_given),
        TEST(a_card_put_to_sleep_by_3c3h_answers_there_alone),
        TEST(the_retrace_bits_follow_the_clock),
        TEST(modes_have_their_frame_rates),
        TEST(the_vertical_interrupt_is_pending_until_cleared),
        TEST(each_write_mode_does_what_the_data_flow_says),
        TEST(read_mode_0_gives_a_map_and_1_compares_colours),
        TEST(odd_even_puts_characters_in_map_0_and_attributes_in_map_1),
        TEST(chain_4_uses_every_fourth_address_of_each_map),
        TEST(accesses_of_any_size_write_the_bytes_one_by_one),
        TEST(the_memory_map_select_places_the_window),
        TEST(the_board_is_told_of_each_store),
        TEST(the_vbe_registers_say_what_the_card_can_do),
        TEST(a_vbe_mode_begins_cleared_and_unpanned),
        TEST(a_mode_that_does_not_fit_in_memory_is_cut),
        TEST(banks_reach_all_of_linear_memory),
        TEST(banks_of_planar_modes_select_64_kib_of_each_map),
        TEST(the_card_is_1234_1111_with_memory_registers_and_rom),
        TEST(bar_2_holds_ports_vbe_registers_and_byte_order),
        TEST(the_edid_is_valid_and_prefers_what_was_asked_for),
        TEST(without_a_monitor_there_is_no_edid),
        TEST(a_copy_made_from_a_snapshot_shows_the_same),
        TEST(a_card_without_fitting_memory_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
