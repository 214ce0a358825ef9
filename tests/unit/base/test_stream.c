/* Tests of base/state.c with hostile streams, and of base/fifo.h. */
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

#define PART(_, x)                                                                     \
    _(x, uint8_t, small, 3, 0x7f, "one byte")                                          \
    _(x, bool, flag, true, 1, "a bool")                                                \
    _(x, uint16_t, word, 0x1234, 0xffff, "two bytes")                                  \
    _(x, uint32_t, list, 9, 99, "an array", 5)                                         \
    _(x, uint64_t, large, 1ull << 40, UINT64_MAX, "eight bytes")

struct part {
    PART(STATE_MEMBER, )
    struct fifo fifo[2];
    struct timer timer;
    struct bulk memory;
};

static const struct field fields[] = {PART(STATE_FIELD, part) FIELD_SUBLIST(
    part, struct fifo, fifo, 2, fifo_fields) FIELD_TIMER_ROW(part, timer, "a timer")
                                          FIELD_BULK_ROW(part, memory, "memory"){0}};

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

    for (unsigned n = 0; n < 1000; n++) {
        write_text(&w->w, "deep");
        write_u32(&w->w, FIELD_SUB);
        write_u32(&w->w, 8);
        write_u32(&w->w, 1);
    }
    assert_false(restore(w, w->w.size, NULL));
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
        T(restoring_timers_does_not_count_as_arming),
        T(a_stream_cut_anywhere_is_refused),
        T(a_huge_count_of_an_unknown_row_ends_with_the_stream),
        T(tables_nested_without_end_are_refused),
        T(memory_of_another_size_or_with_pages_outside_is_refused),
        T(long_names_are_cut_at_255_bytes),
        cmocka_unit_test(a_fifo_is_first_in_first_out_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
