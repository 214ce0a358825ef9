/* Tests of base/state.c and base/snapshot.c: rows out and in again, and hostile streams. */
#include "base/clock.h"
#include "base/error.h"
#include "base/fifo.h"
#include "base/snapshot.h"
#include "base/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PART(_, x)                                                                       \
    _(x, uint8_t, small, 3, 0x7f, "one byte")                                            \
    _(x, bool, flag, true, 1, "a bool")                                                  \
    _(x, uint16_t, word, 0x1234, 0xffff, "two bytes")                                    \
    _(x, uint32_t, list, 9, 99, "an array", 5)                                           \
    _(x, uint64_t, large, 1ull << 40, UINT64_MAX, "eight bytes")

struct part {
    PART(STATE_MEMBER, )
    struct fifo fifo[2];
    struct timer timer;
    struct bulk memory;
};

static const struct field fields[] = {
    PART(STATE_FIELD, part)
    FIELD_SUBLIST(part, struct fifo, fifo, 2, fifo_fields)
    FIELD_TIMER_ROW(part, timer, "a timer")
    FIELD_BULK_ROW(part, memory, "memory")
    {0}};

enum { MEMORY = 5 * 4096 };

struct world {
    struct clock clock;
    struct part part;
    struct writer w;
    uint8_t memory[MEMORY];
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    clock_init(&w->clock, 1000000);
    w->part.memory = (struct bulk){w->memory, MEMORY};
    state_reset(fields, &w->part, &w->clock);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    clock_free(&w->clock);
    writer_free(&w->w);
    free(w);
    return 0;
}

static bool restore(struct world *w, size_t size, struct error *e)
{
    struct reader r = {.bytes = w->w.bytes, .size = size};
    return state_restore(fields, &w->part, &w->clock, &r, e);
}

static void reset_gives_every_row_its_value(void **state)
{
    struct world *w = *state;

    memset(&w->part, 0xff, offsetof(struct part, timer));
    w->part.flag = false;
    w->memory[7] = 7;
    timer_arm(&w->clock, &w->part.timer, 50);
    state_reset(fields, &w->part, &w->clock);
    assert_int_equal(w->part.small, 3);
    assert_true(w->part.flag);
    assert_int_equal(w->part.word, 0x1234);
    assert_int_equal(w->part.list[4], 9);
    assert_int_equal(w->part.large, 1ull << 40);
    assert_int_equal(fifo_count(&w->part.fifo[1]), 0);
    assert_false(w->part.timer.armed);
    assert_int_equal(w->memory[7], 7); /* memory is not reset */
}

static void what_was_saved_comes_back(void **state)
{
    struct world *w = *state;

    w->part.small = 0x7f;
    w->part.flag = false;
    w->part.list[2] = 42;
    w->part.large = UINT64_MAX;
    fifo_push(&w->part.fifo[1], 'f');
    w->memory[4096] = 1;
    w->memory[MEMORY - 1] = 2;
    timer_arm(&w->clock, &w->part.timer, 77);
    state_save(fields, &w->part, &w->w);
    assert_true(w->w.size < 3 * 4096); /* zero pages are left out */

    state_reset(fields, &w->part, &w->clock);
    memset(w->memory, 0xee, MEMORY);
    assert_true(restore(w, w->w.size, NULL));
    assert_int_equal(w->part.small, 0x7f);
    assert_false(w->part.flag);
    assert_int_equal(w->part.list[1], 9);
    assert_int_equal(w->part.list[2], 42);
    assert_int_equal(w->part.large, UINT64_MAX);
    assert_int_equal(fifo_pop(&w->part.fifo[1]), 'f');
    assert_true(w->part.timer.armed);
    assert_int_equal(clock_next(&w->clock), 77);
    assert_int_equal(w->memory[0], 0);
    assert_int_equal(w->memory[4096], 1);
    assert_int_equal(w->memory[MEMORY - 1], 2);
}

/* A snapshot and the machine that took it count timers alike from then on. */
static void restoring_timers_does_not_count_as_arming(void **state)
{
    struct world *w = *state;

    for (unsigned n = 0; n < 10; n++)
        timer_arm(&w->clock, &w->part.timer, 77);
    state_save(fields, &w->part, &w->w);
    assert_true(restore(w, w->w.size, NULL));
    assert_int_equal(w->clock.armed, 10);
    assert_int_equal(w->part.timer.order, 9);
}

static void a_value_too_large_is_refused_by_name(void **state)
{
    struct world *w = *state;
    struct error e;

    w->part.list[3] = 100;
    state_save(fields, &w->part, &w->w);
    assert_false(restore(w, w->w.size, &e));
    assert_non_null(strstr(e.text, "list"));
}

static void a_row_that_is_missing_is_reset_and_an_unknown_one_skipped(void **state)
{
    static const struct field other[] = {
        {"small", FIELD_VALUE, offsetof(struct part, small), 1, 1, 0, 255, "", 0},
        {"new", FIELD_VALUE, offsetof(struct part, list), 4, 5, 0, 255, "", 0},
        FIELD_SUBLIST(part, struct fifo, fifo, 2, fifo_fields)
        {"clock", FIELD_TIMER, offsetof(struct part, timer), sizeof(struct timer), 1, 0, 0,
         "", 0},
        {"video", FIELD_BULK, offsetof(struct part, memory), sizeof(struct bulk), 1, 0, 0,
         "", 0},
        {0}};
    struct world *w = *state;

    w->part.small = 5;
    w->memory[1] = 1;
    state_save(other, &w->part, &w->w);
    w->part.word = 1;
    w->part.list[0] = 1;
    assert_true(restore(w, w->w.size, NULL));
    assert_int_equal(w->part.small, 5);
    assert_int_equal(w->part.word, 0x1234);
    assert_int_equal(w->part.list[0], 9);
}

static void a_row_of_another_shape_is_refused(void **state)
{
    static const struct field other[] = {
        {"list", FIELD_VALUE, offsetof(struct part, list), 4, 4, 0, 255, "", 0}, {0}};
    struct world *w = *state;
    struct error e;

    state_save(other, &w->part, &w->w);
    assert_false(restore(w, w->w.size, &e));
    assert_non_null(strstr(e.text, "list"));
}

static void a_stream_cut_anywhere_is_refused(void **state)
{
    struct world *w = *state;

    w->memory[0] = 1;
    state_save(fields, &w->part, &w->w);
    for (size_t size = 0; size < w->w.size; size += size < 2000 ? 1 : 97)
        assert_false(restore(w, size, NULL));
    assert_true(restore(w, w->w.size, NULL));
}

/* A row can claim any count; the stream's end stops it. */
static void a_huge_count_of_an_unknown_row_ends_with_the_stream(void **state)
{
    struct world *w = *state;

    for (uint32_t kind = 0; kind < 6; kind++) {
        writer_free(&w->w);
        write_text(&w->w, "unknown");
        write_u32(&w->w, kind);
        write_u32(&w->w, 8);
        write_u32(&w->w, UINT32_MAX);
        assert_false(restore(w, w->w.size, NULL));
    }
}

static void tables_nested_without_end_are_refused(void **state)
{
    struct world *w = *state;
    struct error e;

    for (unsigned n = 0; n < 1000; n++) {
        write_text(&w->w, "deep");
        write_u32(&w->w, FIELD_SUB);
        write_u32(&w->w, 8);
        write_u32(&w->w, 1);
    }
    assert_false(restore(w, w->w.size, &e));
    assert_non_null(strstr(e.text, "nested"));
}

static void memory_of_another_size_or_with_pages_outside_is_refused(void **state)
{
    struct world *w = *state;
    struct error e;

    w->part.memory.size = MEMORY - 4096;
    state_save(fields, &w->part, &w->w);
    w->part.memory.size = MEMORY;
    assert_false(restore(w, w->w.size, &e));
    assert_non_null(strstr(e.text, "memory"));

    for (unsigned n = 0; n < 2; n++) {
        static const uint64_t outside[2] = {MEMORY, 2048};
        static const uint8_t page[4096];
        writer_free(&w->w);
        write_text(&w->w, "memory");
        write_u32(&w->w, FIELD_BULK);
        write_u32(&w->w, sizeof(struct bulk));
        write_u32(&w->w, 1);
        write_u64(&w->w, MEMORY);
        write_u64(&w->w, outside[n]);
        write_bytes(&w->w, page, sizeof page);
        write_u64(&w->w, UINT64_MAX);
        write_text(&w->w, "");
        assert_false(restore(w, w->w.size, NULL));
    }
}

static void sections_come_back_with_their_names(void **state)
{
    struct world *w = *state;
    struct reader r, inside;
    char name[256];

    section_begin(&w->w, "one");
    write_u32(&w->w, 0x11223344);
    section_end(&w->w);
    section_begin(&w->w, "empty");
    section_end(&w->w);
    r = (struct reader){.bytes = w->w.bytes, .size = w->w.size};
    assert_true(section_next(&r, name, &inside, NULL));
    assert_string_equal(name, "one");
    assert_int_equal(read_u32(&inside), 0x11223344);
    assert_false(inside.failed);
    assert_int_equal(read_u64(&inside), 0);
    assert_true(inside.failed);
    assert_true(section_next(&r, name, &inside, NULL));
    assert_string_equal(name, "empty");
    assert_false(section_next(&r, name, &inside, NULL));
    assert_false(r.failed);
}

static void a_section_with_one_changed_bit_is_refused(void **state)
{
    struct world *w = *state;

    section_begin(&w->w, "s");
    for (uint64_t n = 0; n < 20; n++)
        write_u64(&w->w, n);
    section_end(&w->w);
    for (size_t at = 2; at < w->w.size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct reader inside, r = {.bytes = w->w.bytes, .size = w->w.size};
            char name[256];
            w->w.bytes[at] ^= (uint8_t)(1 << bit);
            assert_false(section_next(&r, name, &inside, NULL));
            assert_true(r.failed);
            w->w.bytes[at] ^= (uint8_t)(1 << bit);
        }
}

static void long_names_are_cut_at_255_bytes(void **state)
{
    struct world *w = *state;
    struct reader r;
    char name[400], text[256];

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    write_text(&w->w, name);
    r = (struct reader){.bytes = w->w.bytes, .size = w->w.size};
    read_text(&r, text);
    assert_int_equal(strlen(text), 255);
}

static void a_fifo_is_first_in_first_out_and_bounded(void **state)
{
    struct fifo f = {.used = 0};
    unsigned in = 0, expected = 0;
    (void)state;

    for (unsigned round = 0; round < 20; round++) {
        while (fifo_push(&f, (uint8_t)in))
            in++;
        assert_int_equal(fifo_count(&f), FIFO_BYTES);
        for (unsigned n = 0; n < 37; n++)
            assert_int_equal(fifo_pop(&f), (uint8_t)expected++);
    }
    fifo_clear(&f);
    assert_int_equal(fifo_pop(&f), 0);
    assert_int_equal(fifo_count(&f), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(reset_gives_every_row_its_value),
        T(what_was_saved_comes_back),
        T(restoring_timers_does_not_count_as_arming),
        T(a_value_too_large_is_refused_by_name),
        T(a_row_that_is_missing_is_reset_and_an_unknown_one_skipped),
        T(a_row_of_another_shape_is_refused),
        T(a_stream_cut_anywhere_is_refused),
        T(a_huge_count_of_an_unknown_row_ends_with_the_stream),
        T(tables_nested_without_end_are_refused),
        T(memory_of_another_size_or_with_pages_outside_is_refused),
        T(sections_come_back_with_their_names),
        T(a_section_with_one_changed_bit_is_refused),
        T(long_names_are_cut_at_255_bytes),
        cmocka_unit_test(a_fifo_is_first_in_first_out_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
