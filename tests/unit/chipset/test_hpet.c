/* The HPET through its registers, pins and messages. */
#include "rig.h"

#include "chipset/hpet.h"

enum { HZ = 100000000, IPS = 200000000 }; /* two ticks to a count */
#define HPET 0xfed00000ull

static struct rig rig;
static struct device *hpet;
static struct probe irq0, irq8, gsi20;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, IPS);
    hpet = rig_add(&rig, &hpet_class);
    rig_watch(&rig, hpet, "irq0", &irq0);
    rig_watch(&rig, hpet, "irq8", &irq8);
    rig_watch(&rig, hpet, "gsi20", &gsi20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_free(hpet);
    rig_free(&rig);
    return 0;
}

static uint64_t get(unsigned at)
{
    return rig_io(&rig.mmio, HPET + at, 8, false, 0);
}

static void put(unsigned at, uint64_t v)
{
    (void)rig_io(&rig.mmio, HPET + at, 8, true, v);
}

static void the_counter_counts_ten_nanoseconds_while_enabled(void **state)
{
    (void)state;
    assert_int_equal(get(0) >> 32, 10000000);
    assert_int_equal(get(0) & 0xffff, 0xa201);
    rig_run(&rig, 1000);
    assert_int_equal(get(0xf0), 0);
    put(0x10, 1);
    rig_run(&rig, 1001);
    assert_int_equal(get(0xf0), 500);
    put(0x10, 0);
    rig_run(&rig, 1000);
    assert_int_equal(get(0xf0), 500);
    put(0xf0, 0x123456789a);
    put(0x10, 1);
    rig_run(&rig, 2);
    assert_int_equal(rig_load(&rig, HPET + 0xf0), 0x3456789b);
    assert_int_equal(rig_load(&rig, HPET + 0xf4), 0x12);
}

static void one_shot_fires_when_the_count_is_met_and_once(void **state)
{
    (void)state;
    put(0x100, 0x4 | 20 << 9);
    put(0x108, 1000);
    put(0x10, 1);
    rig_run(&rig, 1999);
    assert_int_equal(gsi20.rises, 0);
    rig_run(&rig, 1);
    assert_int_equal(gsi20.rises, 1);
    rig_run(&rig, IPS);
    assert_int_equal(gsi20.rises, 1);
}

static void a_comparator_in_the_past_does_not_fire(void **state)
{
    (void)state;
    put(0x10, 1);
    rig_run(&rig, 10000);
    put(0x100, 0x4 | 20 << 9);
    put(0x108, 1000);
    rig_run(&rig, IPS);
    assert_int_equal(gsi20.rises, 0);
    assert_int_equal(clock_next(&rig.clock), UINT64_MAX);
}

static void thirty_two_bits_wrap_and_match_again(void **state)
{
    (void)state;
    put(0x100, 0x104 | 20 << 9);
    put(0x108, 1000);
    put(0x10, 1);
    rig_run(&rig, 2000);
    assert_int_equal(gsi20.rises, 1);
    rig_run(&rig, (uint64_t)2 << 32);
    assert_int_equal(gsi20.rises, 2);
}

static void periodic_mode_takes_a_first_match_and_a_period(void **state)
{
    (void)state;
    put(0x100, 0x4c | 20 << 9);
    put(0x108, 500);
    put(0x108, 1000);
    put(0x10, 1);
    rig_run(&rig, 1000);
    assert_int_equal(gsi20.rises, 1);
    assert_int_equal(get(0x108), 1500);
    rig_run(&rig, 1999);
    assert_int_equal(gsi20.rises, 1);
    rig_run(&rig, 1);
    assert_int_equal(gsi20.rises, 2);
    rig_run(&rig, 2000 * 100);
    assert_int_equal(gsi20.rises, 102);
}

static void
a_tiny_period_costs_one_event_a_microsecond_and_keeps_its_phase(void **state)
{
    uint64_t armed;
    (void)state;
    put(0x100, 0x4c | 20 << 9);
    put(0x108, 7);
    put(0x108, 7);
    put(0x10, 1);
    armed = rig.clock.armed;
    rig_run(&rig, IPS / 100);
    assert_true(rig.clock.armed - armed <= 10001);
    assert_true(rig.clock.armed - armed >= 9000);
    assert_int_equal(get(0x108) % 7, 0);
    assert_in_range(get(0x108), 1000001, 1000007);
}

static void legacy_replacement_takes_irq_0_and_8_from_the_old_chips(void **state)
{
    (void)state;
    rig_pin(hpet, "pit", true);
    assert_true(irq0.level);
    rig_pin(hpet, "rtc", true);
    assert_true(irq8.level);
    put(0x100, 0x4);
    put(0x108, 100);
    put(0x10, 3);
    assert_false(irq0.level);
    assert_false(irq8.level);
    rig_run(&rig, 200);
    assert_true(irq0.level);
    rig_pin(hpet, "pit", false);
    assert_true(irq0.level);
    put(0x10, 1);
    assert_false(irq0.level);
    assert_true(irq8.level);
}

static void level_interrupts_stay_until_their_status_is_written(void **state)
{
    (void)state;
    put(0x120, 0x6 | 20 << 9);
    put(0x128, 100);
    put(0x10, 1);
    rig_run(&rig, 200);
    assert_true(gsi20.level);
    assert_int_equal(get(0x20), 2);
    put(0x20, 1);
    assert_true(gsi20.level);
    put(0x20, 2);
    assert_false(gsi20.level);
    assert_int_equal(get(0x20), 0);
}

static void messages_go_where_the_fsb_register_says(void **state)
{
    (void)state;
    put(0x140, 0x4004);
    put(0x150, 0xfee0100000000041);
    put(0x148, 100);
    put(0x10, 1);
    rig_run(&rig, 200);
    assert_int_equal(rig.msis, 1);
    assert_int_equal(rig.msi_address, 0xfee01000);
    assert_int_equal(rig.msi_data, 0x41);
}

static void a_route_that_is_not_there_does_not_stick(void **state)
{
    (void)state;
    put(0x100, 5 << 9);
    assert_int_equal(get(0x100) >> 9 & 0x1f, 0);
    put(0x100, 23 << 9);
    assert_int_equal(get(0x100) >> 9 & 0x1f, 23);
    assert_int_equal(get(0x100) >> 32, 0xf00000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_counter_counts_ten_nanoseconds_while_enabled),
        T(one_shot_fires_when_the_count_is_met_and_once),
        T(a_comparator_in_the_past_does_not_fire),
        T(thirty_two_bits_wrap_and_match_again),
        T(periodic_mode_takes_a_first_match_and_a_period),
        T(a_tiny_period_costs_one_event_a_microsecond_and_keeps_its_phase),
        T(legacy_replacement_takes_irq_0_and_8_from_the_old_chips),
        T(level_interrupts_stay_until_their_status_is_written),
        T(messages_go_where_the_fsb_register_says),
        T(a_route_that_is_not_there_does_not_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
