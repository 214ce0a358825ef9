/* test_clock.c - timers run in order, and conversions lose nothing. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { EVENTS = 4096 };

struct alarm {
    struct timer t;
    struct clock *clock;
    unsigned name;
    uint64_t again; /* re-arms so many ticks later while not 0 */
};

static unsigned rung[EVENTS];
static uint64_t rung_at[EVENTS];
static unsigned rings;

static void ring(void *owner)
{
    struct alarm *a = owner;

    if (rings < EVENTS) {
        rung[rings] = a->name;
        rung_at[rings++] = a->clock->now;
    }
    if (a->again)
        timer_arm(a->clock, &a->t, a->clock->now + (a->again - 1));
}

static struct alarm alarm_new(struct clock *c, unsigned name)
{
    rings = 0;
    return (struct alarm){.t = {.due = ring}, .clock = c, .name = name};
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void equal_deadlines_run_in_arming_order(void **state)
{
    struct clock c;
    struct alarm a[8];
    (void)state;

    clock_init(&c, 1000000);
    for (unsigned i = 0; i < 8; i++) {
        a[i] = alarm_new(&c, i);
        a[i].t.owner = &a[i];
    }
    for (unsigned i = 0; i < 8; i++)
        timer_arm(&c, &a[(i * 5) % 8].t, 100);
    clock_advance(&c, 99);
    assert_int_equal(rings, 0);
    clock_advance(&c, 100);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rung[i], (i * 5) % 8);
    clock_free(&c);
}

static void a_random_crowd_of_timers_runs_sorted(void **state)
{
    enum { N = 200 };
    struct clock c;
    static struct alarm a[N];
    uint64_t seed = 42;
    (void)state;

    clock_init(&c, 1000000);
    for (unsigned i = 0; i < N; i++) {
        a[i] = alarm_new(&c, i);
        a[i].t.owner = &a[i];
    }
    for (unsigned i = 0; i < 20 * N; i++) {
        struct alarm *one = &a[next_random(&seed) % N];

        if (next_random(&seed) % 4)
            timer_arm(&c, &one->t, next_random(&seed) % 500);
        else
            timer_stop(&c, &one->t);
    }
    for (unsigned i = 0; i < N; i++)
        timer_arm(&c, &a[i].t, a[i].t.armed ? a[i].t.when : 77);
    clock_advance(&c, 1000);
    assert_int_equal(rings, N);
    for (unsigned i = 1; i < N; i++)
        assert_true(rung_at[i] >= rung_at[i - 1]);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(rung_at[i], a[rung[i]].t.when);
    assert_int_equal(c.now, 1000);
    clock_free(&c);
}

static void a_stopped_timer_never_runs(void **state)
{
    struct clock c;
    struct alarm a;
    (void)state;

    clock_init(&c, 1000000);
    a = alarm_new(&c, 1);
    a.t.owner = &a;
    timer_arm(&c, &a.t, 5);
    timer_stop(&c, &a.t);
    clock_advance(&c, 10);
    assert_int_equal(rings, 0);
    assert_true(clock_next(&c) == UINT64_MAX);
    clock_free(&c);
}

static void a_timer_that_rearms_for_now_cannot_hold_time(void **state)
{
    struct clock c;
    struct alarm a;
    (void)state;

    clock_init(&c, 1000000);
    a = alarm_new(&c, 1);
    a.t.owner = &a;
    a.again = 1;
    timer_arm(&c, &a.t, 10);
    clock_advance(&c, 20);
    assert_int_equal(rings, 11);
    assert_int_equal(c.now, 20);
    a.again = 0;
    clock_advance(&c, UINT64_MAX);
    clock_free(&c);
}

static void told(void *owner)
{
    ++*(unsigned *)owner;
}

static void the_runner_hears_only_of_earlier_deadlines(void **state)
{
    struct clock c;
    struct alarm a, b;
    unsigned times = 0;
    (void)state;

    clock_init(&c, 1000000);
    c.sooner = told;
    c.owner = &times;
    a = alarm_new(&c, 1);
    b = alarm_new(&c, 2);
    a.t.owner = &a;
    b.t.owner = &b;
    timer_arm(&c, &a.t, 100);
    assert_int_equal(times, 1);
    timer_arm(&c, &b.t, 200);
    assert_int_equal(times, 1);
    timer_arm(&c, &b.t, 50);
    assert_int_equal(times, 2);
    clock_free(&c);
}

static void restored_timers_keep_their_turn(void **state)
{
    struct clock c;
    struct alarm a, b;
    (void)state;

    clock_init(&c, 1000000);
    a = alarm_new(&c, 1);
    b = alarm_new(&c, 2);
    a.t.owner = &a;
    b.t.owner = &b;
    timer_restore(&c, &a.t, 10, 9);
    timer_restore(&c, &b.t, 10, UINT64_MAX);
    timer_restore(&c, &a.t, 10, 8);
    clock_advance(&c, 10);
    assert_int_equal(rung[0], 1);
    assert_int_equal(rung[1], 2);
    clock_free(&c);
}

/* Orders from the saved count on are none the clock gave: they follow it, as they were. */
static void restored_orders_end_at_the_saved_count(void **state)
{
    struct clock c;
    struct alarm a, b, d;
    (void)state;

    clock_init(&c, 1000000);
    a = alarm_new(&c, 1);
    b = alarm_new(&c, 2);
    d = alarm_new(&c, 3);
    a.t.owner = &a;
    b.t.owner = &b;
    d.t.owner = &d;
    timer_restore(&c, &a.t, 10, UINT64_MAX);
    timer_restore(&c, &b.t, 10, 700);
    timer_restore(&c, &d.t, 10, 4);
    clock_restored(&c, 5);
    assert_int_equal(d.t.order, 4);
    assert_int_equal(b.t.order, 5);
    assert_int_equal(a.t.order, 6);
    assert_int_equal(c.armed, 7);
    clock_advance(&c, 10);
    assert_int_equal(rung[0], 3);
    assert_int_equal(rung[1], 2);
    assert_int_equal(rung[2], 1);
    clock_free(&c);
}

/* The least tick at which a counter gets there: one tick earlier it has not. */
static void the_two_conversions_are_exact_inverses(void **state)
{
    static const uint32_t rates[] = {1, 32768, 1193182, 14318180, 1000000000, UINT32_MAX};
    uint64_t seed = 7;
    struct clock c;
    (void)state;

    for (unsigned i = 0; i < 20000; i++) {
        uint32_t hz = rates[i % ARRAY_SIZE(rates)];
        uint64_t p = next_random(&seed) >> (32 + next_random(&seed) % 32), t;

        clock_init(&c, 1000000 + (uint32_t)(next_random(&seed) % 3999000001u));
        t = clock_from_hz(&c, p, hz);
        if (t == UINT64_MAX)
            continue;
        assert_true(clock_to_hz(&c, t, hz) >= p);
        assert_true(t == 0 || clock_to_hz(&c, t - 1, hz) < p);
    }
}

static void conversions_saturate_instead_of_wrapping(void **state)
{
    struct clock c;
    (void)state;

    clock_init(&c, 1000000);
    assert_true(clock_to_hz(&c, UINT64_MAX, UINT32_MAX) == UINT64_MAX);
    assert_true(clock_from_hz(&c, UINT64_MAX, 1) == UINT64_MAX);
    assert_true(clock_from_hz(&c, 1, 0) == UINT64_MAX);
    assert_int_equal(clock_from_hz(&c, 0, 0), 0);
    c.now = UINT64_MAX - 5;
    assert_true(clock_after_ns(&c, 1000000) == UINT64_MAX);
    c.now = 3;
    assert_int_equal(clock_after_ns(&c, 1001), 3 + 2);
    assert_int_equal(clock_now_ns(&c), 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_deadlines_run_in_arming_order),
        cmocka_unit_test(a_random_crowd_of_timers_runs_sorted),
        cmocka_unit_test(a_stopped_timer_never_runs),
        cmocka_unit_test(a_timer_that_rearms_for_now_cannot_hold_time),
        cmocka_unit_test(the_runner_hears_only_of_earlier_deadlines),
        cmocka_unit_test(restored_timers_keep_their_turn),
        cmocka_unit_test(restored_orders_end_at_the_saved_count),
        cmocka_unit_test(the_two_conversions_are_exact_inverses),
        cmocka_unit_test(conversions_saturate_instead_of_wrapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
