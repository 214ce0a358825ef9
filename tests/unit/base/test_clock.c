/* Tests of base/clock.c: timers in order, exact conversions. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TIMERS = 200 };

struct world {
    struct clock clock;
    struct timer timer[TIMERS];
    unsigned fired[TIMERS], count, sooner;
    uint64_t at[TIMERS];
    struct one {
        struct world *world;
        unsigned n;
    } one[TIMERS];
    uint64_t again; /* a timer re-arms itself after so long; 0 not at all */
};

static void due(void *owner)
{
    struct one *o = owner;
    struct world *w = o->world;

    if (w->count < TIMERS) {
        w->at[w->count] = w->clock.now;
        w->fired[w->count++] = o->n;
    }
    if (w->again)
        timer_arm(&w->clock, &w->timer[o->n], w->clock.now + w->again);
}

static void sooner(void *owner)
{
    ((struct world *)owner)->sooner++;
}

static int set_up(void **state)
{
    static struct world w;
    w = (struct world){.count = 0};
    clock_init(&w.clock, 100000000);
    for (unsigned n = 0; n < TIMERS; n++) {
        w.one[n] = (struct one){&w, n};
        w.timer[n] = (struct timer){.due = due, .owner = &w.one[n]};
    }
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    clock_free(&((struct world *)*state)->clock);
    return 0;
}

static void timers_run_in_order_each_at_its_own_time(void **state)
{
    struct world *w = *state;
    uint64_t random = 12345;

    for (unsigned n = 0; n < TIMERS; n++) {
        random = random * 6364136223846793005u + 1;
        timer_arm(&w->clock, &w->timer[n], random >> 54);
    }
    for (unsigned n = 0; n < TIMERS; n += 3)
        timer_stop(&w->clock, &w->timer[n]);
    for (unsigned n = 1; n < TIMERS; n += 3) /* moved */
        timer_arm(&w->clock, &w->timer[n], (uint64_t)n * 5);
    clock_advance(&w->clock, 2000);
    assert_int_equal(w->count, TIMERS - (TIMERS + 2) / 3);
    for (unsigned n = 0; n < w->count; n++) {
        assert_int_equal(w->at[n], w->timer[w->fired[n]].when);
        assert_int_not_equal(w->fired[n] % 3, 0);
        assert_true(n == 0 || w->at[n] >= w->at[n - 1]);
    }
    assert_int_equal(w->clock.now, 2000);
    assert_int_equal(clock_next(&w->clock), UINT64_MAX);
}

static void equal_deadlines_run_in_the_order_of_arming(void **state)
{
    struct world *w = *state;

    for (unsigned n = 0; n < 50; n++)
        timer_arm(&w->clock, &w->timer[49 - n], 10);
    timer_arm(&w->clock, &w->timer[49], 10); /* again: now the last */
    clock_advance(&w->clock, 10);
    assert_int_equal(w->fired[0], 48);
    assert_int_equal(w->fired[48], 0);
    assert_int_equal(w->fired[49], 49);
}

static void a_restored_order_is_kept(void **state)
{
    struct world *w = *state;

    timer_arm(&w->clock, &w->timer[0], 10);
    timer_arm(&w->clock, &w->timer[1], 10);
    timer_set_order(&w->clock, &w->timer[0], 7);
    timer_set_order(&w->clock, &w->timer[1], 3);
    timer_arm(&w->clock, &w->timer[2], 10); /* after both */
    clock_advance(&w->clock, 10);
    assert_int_equal(w->fired[0], 1);
    assert_int_equal(w->fired[1], 0);
    assert_int_equal(w->fired[2], 2);
}

static void a_past_deadline_is_due_at_once_and_now_does_not_go_back(void **state)
{
    struct world *w = *state;

    clock_advance(&w->clock, 100);
    timer_arm(&w->clock, &w->timer[0], 5);
    clock_advance(&w->clock, 100);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->at[0], 100);
    clock_advance(&w->clock, 50);
    assert_int_equal(w->clock.now, 100);
}

static void a_timer_may_arm_itself_again(void **state)
{
    struct world *w = *state;

    w->again = 10;
    timer_arm(&w->clock, &w->timer[0], 10);
    clock_advance(&w->clock, 55);
    assert_int_equal(w->count, 5);
    assert_int_equal(w->at[4], 50);
    assert_int_equal(clock_next(&w->clock), 60);
}

static void sooner_is_told_of_earlier_deadlines_alone(void **state)
{
    struct world *w = *state;

    w->clock.sooner = sooner;
    w->clock.owner = w;
    timer_arm(&w->clock, &w->timer[0], 100);
    assert_int_equal(w->sooner, 1);
    timer_arm(&w->clock, &w->timer[1], 200);
    assert_int_equal(w->sooner, 1);
    timer_arm(&w->clock, &w->timer[2], 50);
    assert_int_equal(w->sooner, 2);
}

static void stopping_a_stopped_timer_is_harmless(void **state)
{
    struct world *w = *state;
    timer_stop(&w->clock, &w->timer[0]);
    timer_arm(&w->clock, &w->timer[0], 1);
    timer_stop(&w->clock, &w->timer[0]);
    timer_stop(&w->clock, &w->timer[0]);
    clock_advance(&w->clock, 10);
    assert_int_equal(w->count, 0);
}

/* A counter at hz gets to `periods` at clock_from_hz() and not one tick earlier. */
static void conversions_are_exact_both_ways(void **state)
{
    static const uint32_t rates[] = {1,         18,        32768,     1193182,
                                     14318180,  999999937, 1000000000, 4294967295u};
    static const uint32_t ips[] = {1000000, 100000000, 123456789, 4000000000u};
    static const uint64_t periods[] = {1, 2, 3, 1000, 65535, 1000003, 987654321, 1ull << 40};
    (void)state;

    for (unsigned i = 0; i < ARRAY_SIZE(ips); i++) {
        struct clock c = {.ips = ips[i]};
        for (unsigned r = 0; r < ARRAY_SIZE(rates); r++)
            for (unsigned p = 0; p < ARRAY_SIZE(periods); p++) {
                uint64_t tick;
                if (periods[p] / rates[r] > UINT32_MAX)
                    continue; /* the tick would not fit in 64 bits */
                tick = clock_from_hz(&c, periods[p], rates[r]);
                assert_true(clock_to_hz(&c, tick, rates[r]) >= periods[p]);
                assert_true(clock_to_hz(&c, tick - 1, rates[r]) < periods[p]);
            }
    }
}

static void large_ticks_convert_without_overflow(void **state)
{
    struct clock c = {.ips = 1000000};
    (void)state;
    assert_true(clock_to_hz(&c, UINT64_MAX / 4000, 4000000000u) ==
                UINT64_MAX / 4000 / 1000000 * 4000000000u +
                    UINT64_MAX / 4000 % 1000000 * 4000);
    c.now = 5000000;
    assert_int_equal(clock_now_ns(&c), 5000000000u);
    assert_int_equal(clock_after_ns(&c, 1), 5000001);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(timers_run_in_order_each_at_its_own_time),
        T(equal_deadlines_run_in_the_order_of_arming),
        T(a_restored_order_is_kept),
        T(a_past_deadline_is_due_at_once_and_now_does_not_go_back),
        T(a_timer_may_arm_itself_again),
        T(sooner_is_told_of_earlier_deadlines_alone),
        T(stopping_a_stopped_timer_is_harmless),
        cmocka_unit_test(conversions_are_exact_both_ways),
        cmocka_unit_test(large_ticks_convert_without_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
