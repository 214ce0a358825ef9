/* test_state.c - rows are reset, saved, restored and checked; damage is noticed. */
#include "base/clock.h"
#include "base/error.h"
#include "base/snapshot.h"
#include "base/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL(_, x)                                                                    \
    _(x, uint16_t, count, 0xffff, 0xffff, "counter")                                     \
    _(x, bool, gate, true, 1, "gate pin")

struct channel {
    CHANNEL(STATE_MEMBER, )
};

static const struct field channel_fields[] = {CHANNEL(STATE_FIELD, channel){0}};

#define STATE(_, x)                                                                      \
    _(x, uint8_t, latch, 2, 3, "a latch")                                                \
    _(x, uint64_t, big, 0, UINT64_MAX, "a wide one")                                     \
    _(x, uint32_t, words, 5, 1000, "an array", 4)

struct part {
    STATE(STATE_MEMBER, )
    struct channel channel[2];
    struct timer timer;
    struct bulk memory;
    int wiring;
};

static const struct field fields[] = {
    STATE(STATE_FIELD, part) FIELD_SUBLIST(part, struct channel, channel, 2,
                                           channel_fields)
        FIELD_TIMER_ROW(part, timer, "next") FIELD_BULK_ROW(part, memory, "ram"){0}};

enum { MEMORY = 3 * 4096 + 100 };

static uint8_t memory[2][MEMORY];

static struct part part_new(unsigned which)
{
    memset(memory[which], 0, MEMORY);
    return (struct part){.memory = {memory[which], MEMORY}, .wiring = 77};
}

static void never(void *owner)
{
    (void)owner;
}

static struct part example(struct clock *c)
{
    struct part p = part_new(0);

    state_reset(fields, &p, c);
    p.latch = 3;
    p.big = UINT64_C(0x123456789abcdef0);
    p.words[2] = 999;
    p.channel[1] = (struct channel){.count = 0x1234, .gate = false};
    p.timer.due = never;
    memory[0][5000] = 9;
    memory[0][MEMORY - 1] = 8;
    return p;
}

static void reset_gives_every_row_its_value(void **state)
{
    struct part p = part_new(0);
    (void)state;

    state_reset(fields, &p, NULL);
    assert_int_equal(p.latch, 2);
    assert_int_equal(p.words[3], 5);
    assert_int_equal(p.channel[1].count, 0xffff);
    assert_true(p.channel[0].gate);
    assert_int_equal(p.wiring, 77);
}

static void a_round_trip_keeps_all_rows(void **state)
{
    struct clock c;
    struct part a, b = part_new(1);
    struct writer w = {0};
    struct reader r;
    struct error e;
    (void)state;

    clock_init(&c, 1000000);
    a = example(&c);
    timer_arm(&c, &a.timer, 555);
    memory[1][0] = 1; /* must be cleared by a page that was left out */
    b.timer.due = never;
    state_save(fields, &a, &w);
    assert_true(w.size < 2 * 4096 + 1000);
    r = (struct reader){.bytes = w.bytes, .size = w.size};
    assert_true(state_restore(fields, &b, &c, &r, &e));
    assert_int_equal(r.at, r.size);
    assert_int_equal(b.latch, 3);
    assert_true(b.big == a.big);
    assert_memory_equal(b.words, a.words, sizeof a.words);
    assert_int_equal(b.channel[1].count, 0x1234);
    assert_false(b.channel[1].gate);
    assert_true(b.channel[0].gate);
    assert_true(b.timer.armed);
    assert_int_equal(b.timer.when, 555);
    assert_int_equal(b.timer.order, a.timer.order);
    assert_memory_equal(memory[0], memory[1], MEMORY);
    assert_int_equal(b.wiring, 77);
    writer_free(&w);
    clock_free(&c);
}

static void a_value_above_its_largest_is_refused_by_name(void **state)
{
    struct part a = example(NULL), b = part_new(1);
    struct writer w = {0};
    struct reader r;
    struct error e;
    (void)state;

    a.words[1] = 1001;
    state_save(fields, &a, &w);
    r = (struct reader){.bytes = w.bytes, .size = w.size};
    assert_false(state_restore(fields, &b, NULL, &r, &e));
    assert_non_null(strstr(e.text, "'words' is 1001"));
    writer_free(&w);
}

static const struct field older[] = {
    {"latch", FIELD_VALUE, offsetof(struct part, latch), 1, 1, 0, 3, "", 0},
    {"gone", FIELD_VALUE, offsetof(struct part, big), 8, 1, 0, UINT64_MAX, "", 0},
    {0}};

static void unknown_rows_are_skipped_and_missing_ones_reset(void **state)
{
    struct part a = example(NULL), b = part_new(1);
    struct writer w = {0};
    struct reader r;
    struct error e;
    (void)state;

    state_save(older, &a, &w);
    r = (struct reader){.bytes = w.bytes, .size = w.size};
    b.big = 1;
    assert_true(state_restore(fields, &b, NULL, &r, &e));
    assert_int_equal(b.latch, 3);
    assert_int_equal(b.big, 0);
    assert_int_equal(b.words[0], 5);
    writer_free(&w);
}

/* Every single damaged byte of saved state leaves values in their ranges. */
static void damaged_state_never_gets_out_of_range(void **state)
{
    struct clock c;
    struct part a, b;
    struct writer w = {0};
    struct error e;
    (void)state;

    clock_init(&c, 1000000);
    a = example(&c);
    memset(memory[0], 0, MEMORY);
    memory[0][MEMORY - 1] = 1;
    state_save(fields, &a, &w);
    for (size_t i = 0; i < w.size; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct reader r = {.bytes = w.bytes, .size = w.size};

            b = part_new(1);
            b.timer.due = never;
            w.bytes[i] ^= (uint8_t)(1u << bit);
            state_restore(fields, &b, &c, &r, &e);
            w.bytes[i] ^= (uint8_t)(1u << bit);
            assert_true(b.latch <= 3);
            for (unsigned k = 0; k < 4; k++)
                assert_true(b.words[k] <= 1000);
            state_stop(fields, &b, &c);
        }
    for (size_t size = 0; size < w.size; size++) {
        struct reader r = {.bytes = w.bytes, .size = size};

        b = part_new(1);
        assert_false(state_restore(fields, &b, NULL, &r, &e));
    }
    writer_free(&w);
    clock_free(&c);
}

static void crc_is_the_well_known_one(void **state)
{
    (void)state;
    assert_int_equal(crc32_of(0, "123456789", 9), 0xcbf43926u);
    assert_int_equal(crc32_of(crc32_of(0, "12345", 5), "6789", 4), 0xcbf43926u);
    assert_int_equal(crc32_of(0, "", 0), 0);
}

static void sections_come_back_in_order(void **state)
{
    struct writer w = {0};
    struct reader r, inside;
    struct error e = {{0}};
    char name[256];
    (void)state;

    section_begin(&w, "first");
    write_u32(&w, 0x11223344);
    write_text(&w, "text");
    section_end(&w);
    section_begin(&w, "empty");
    section_end(&w);
    r = (struct reader){.bytes = w.bytes, .size = w.size};
    assert_true(section_next(&r, name, &inside, &e));
    assert_string_equal(name, "first");
    assert_int_equal(read_u32(&inside), 0x11223344);
    read_text(&inside, name);
    assert_string_equal(name, "text");
    assert_int_equal(read_u64(&inside), 0);
    assert_true(inside.failed);
    assert_true(section_next(&r, name, &inside, &e));
    assert_string_equal(name, "empty");
    assert_int_equal(inside.size, 0);
    assert_false(section_next(&r, name, &inside, &e));
    assert_false(r.failed);
    writer_free(&w);
}

static void every_changed_bit_and_every_cut_is_noticed(void **state)
{
    struct writer w = {0};
    struct reader inside;
    struct error e;
    char name[256];
    (void)state;

    section_begin(&w, "name");
    write_text(&w, "some contents");
    section_end(&w);
    for (size_t bit = 0; bit < 8 * w.size; bit++) {
        struct reader r = {.bytes = w.bytes, .size = w.size};

        w.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        e.text[0] = 0;
        assert_false(section_next(&r, name, &inside, &e));
        assert_true(r.failed && e.text[0]);
        w.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 1; size < w.size; size++) {
        struct reader r = {.bytes = w.bytes, .size = size};

        assert_false(section_next(&r, name, &inside, &e));
        assert_non_null(strstr(e.text, "cut short"));
    }
    writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_gives_every_row_its_value),
        cmocka_unit_test(a_round_trip_keeps_all_rows),
        cmocka_unit_test(a_value_above_its_largest_is_refused_by_name),
        cmocka_unit_test(unknown_rows_are_skipped_and_missing_ones_reset),
        cmocka_unit_test(damaged_state_never_gets_out_of_range),
        cmocka_unit_test(crc_is_the_well_known_one),
        cmocka_unit_test(sections_come_back_in_order),
        cmocka_unit_test(every_changed_bit_and_every_cut_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
