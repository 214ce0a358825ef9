/* The 8254 through ports, GATE and OUT, with exact virtual times. */
#include "rig.h"

#include "chipset/pit.h"
#include "chipset/port61.h"

enum { IPS = PIT_HZ * 10 }; /* ten ticks to a pulse */

static struct rig rig;
static struct device *pit;
static struct probe out0, out2;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, IPS);
    pit = rig_add(&rig, &pit_class);
    rig_watch(&rig, pit, "out0", &out0);
    rig_watch(&rig, pit, "out2", &out2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_free(pit);
    rig_free(&rig);
    return 0;
}

static void program(unsigned n, unsigned mode, uint16_t count)
{
    rig_out(&rig, 0x43, (uint8_t)(n << 6 | 0x30 | mode << 1));
    rig_out(&rig, (uint16_t)(0x40 + n), (uint8_t)count);
    rig_out(&rig, (uint16_t)(0x40 + n), (uint8_t)(count >> 8));
}

static unsigned latched(unsigned n)
{
    unsigned low;
    rig_out(&rig, 0x43, (uint8_t)(n << 6));
    low = rig_in(&rig, (uint16_t)(0x40 + n));
    return low | (unsigned)rig_in(&rig, (uint16_t)(0x40 + n)) << 8;
}

static void mode_0_raises_out_n_plus_1_pulses_after_the_write(void **state)
{
    (void)state;
    program(0, 0, 100);
    assert_false(out0.level);
    rig_run_to(&rig, 100, PIT_HZ);
    assert_false(out0.level);
    rig_run_to(&rig, 101, PIT_HZ);
    assert_true(out0.level);
    assert_int_equal(out0.last, 1010);
    assert_int_equal(latched(0), 0);
    rig_run_to(&rig, 111, PIT_HZ);
    assert_int_equal(latched(0), 0xfff6); /* it goes on counting */
}

static void mode_2_gives_one_low_pulse_in_each_period(void **state)
{
    (void)state;
    program(0, 2, 1000);
    out0.rises = out0.falls = 0;
    rig_run_to(&rig, 1 + 999, PIT_HZ);
    assert_int_equal(out0.falls, 1);
    assert_int_equal(out0.rises, 0);
    rig_run_to(&rig, 1 + 1000, PIT_HZ);
    assert_int_equal(out0.rises, 1);
    assert_int_equal(latched(0), 1000);
    rig_run_to(&rig, 1 + 1000 * 50, PIT_HZ);
    assert_int_equal(out0.rises, 50);
}

static void a_new_count_in_mode_2_waits_for_the_end_of_the_period(void **state)
{
    (void)state;
    program(0, 2, 1000);
    rig_run_to(&rig, 501, PIT_HZ);
    rig_out(&rig, 0x40, 100);
    rig_out(&rig, 0x40, 0);
    out0.rises = 0;
    rig_run_to(&rig, 1000, PIT_HZ);
    assert_int_equal(out0.rises, 0);
    rig_run_to(&rig, 1001, PIT_HZ);
    assert_int_equal(out0.rises, 1);
    rig_run_to(&rig, 1101, PIT_HZ);
    assert_int_equal(out0.rises, 2);
    rig_run_to(&rig, 2001, PIT_HZ);
    assert_int_equal(out0.rises, 11);
}

static void mode_3_halves_an_odd_count_with_the_longer_half_high(void **state)
{
    (void)state;
    program(0, 3, 5);
    rig_run_to(&rig, 1 + 3, PIT_HZ);
    assert_false(out0.level);
    assert_int_equal(out0.last, 40);
    rig_run_to(&rig, 1 + 5, PIT_HZ);
    assert_true(out0.level);
    assert_int_equal(out0.last, 60);
}

static void mode_3_counts_by_two(void **state)
{
    (void)state;
    program(0, 3, 1000);
    rig_run_to(&rig, 1 + 10, PIT_HZ);
    assert_int_equal(latched(0), 980);
    rig_run_to(&rig, 1 + 510, PIT_HZ);
    assert_int_equal(latched(0), 980);
}

static void mode_1_is_retriggered_by_gate_and_by_nothing_else(void **state)
{
    (void)state;
    program(2, 1, 50);
    rig_run_to(&rig, 200, PIT_HZ);
    assert_true(out2.level);
    rig_pin(pit, "gate2", true);
    rig_run_to(&rig, 201, PIT_HZ);
    assert_false(out2.level);
    rig_run_to(&rig, 230, PIT_HZ);
    rig_pin(pit, "gate2", false);
    rig_pin(pit, "gate2", true);
    rig_run_to(&rig, 280, PIT_HZ);
    assert_false(out2.level);
    rig_run_to(&rig, 281, PIT_HZ);
    assert_true(out2.level);
}

static void mode_4_and_5_strobe_for_one_pulse(void **state)
{
    (void)state;
    program(0, 4, 20);
    rig_run_to(&rig, 21, PIT_HZ);
    assert_false(out0.level);
    rig_run_to(&rig, 22, PIT_HZ);
    assert_true(out0.level);
    rig_run_to(&rig, 200000, PIT_HZ);
    assert_int_equal(out0.falls, 1);

    program(2, 5, 20);
    rig_pin(pit, "gate2", true);
    rig_run_to(&rig, 200021, PIT_HZ);
    assert_false(out2.level);
    rig_run_to(&rig, 200022, PIT_HZ);
    assert_true(out2.level);
}

static void gate_low_holds_mode_0_and_gate_high_goes_on(void **state)
{
    (void)state;
    rig_pin(pit, "gate2", true);
    program(2, 0, 100);
    rig_run_to(&rig, 41, PIT_HZ);
    rig_pin(pit, "gate2", false);
    rig_run_to(&rig, 1041, PIT_HZ);
    assert_int_equal(latched(2), 60);
    rig_pin(pit, "gate2", true);
    rig_run_to(&rig, 1100, PIT_HZ);
    assert_false(out2.level);
    rig_run_to(&rig, 1101, PIT_HZ);
    assert_true(out2.level);
}

static void bcd_counts_in_decades_and_zero_is_ten_thousand(void **state)
{
    (void)state;
    rig_out(&rig, 0x43, 0x35);
    rig_out(&rig, 0x40, 0);
    rig_out(&rig, 0x40, 0);
    rig_run_to(&rig, 2, PIT_HZ);
    assert_int_equal(latched(0), 0x9999);
    out0.rises = 0;
    rig_run_to(&rig, 10001, PIT_HZ);
    assert_int_equal(out0.rises, 1);
}

static void read_back_holds_status_then_count(void **state)
{
    (void)state;
    program(0, 2, 0x1234);
    rig_out(&rig, 0x43, 0xe2);
    assert_int_equal(rig_in(&rig, 0x40), 0xf4); /* OUT, null count, word, mode 2 */
    rig_run_to(&rig, 5, PIT_HZ);
    rig_out(&rig, 0x43, 0xc2);
    rig_run_to(&rig, 50, PIT_HZ);
    assert_int_equal(rig_in(&rig, 0x40), 0xb4);
    assert_int_equal(rig_in(&rig, 0x40), 0x30);
    assert_int_equal(rig_in(&rig, 0x40), 0x12);
}

static void the_smallest_count_costs_one_event_a_pulse_at_most(void **state)
{
    uint64_t armed = rig.clock.armed;
    (void)state;
    program(0, 2, 1);
    rig_run_to(&rig, PIT_HZ / 100, PIT_HZ);
    assert_true(rig.clock.armed - armed <= PIT_HZ / 100 + 10);
    assert_true(out0.rises >= PIT_HZ / 250);
}

static void edges_are_not_lost_where_a_tick_is_longer_than_a_pulse(void **state)
{
    (void)state;
    device_free(pit);
    rig_free(&rig);
    rig_init(&rig, 100000);
    pit = rig_add(&rig, &pit_class);
    rig_watch(&rig, pit, "out0", &out0);
    program(0, 2, 12); /* about one period a tick */
    rig_run(&rig, 1000);
    assert_in_range(out0.rises, 980, 1000);
}

static void a_restored_timer_goes_on_at_the_same_pulses(void **state)
{
    struct device *copy = rig_add(&rig, &pit_class);
    struct probe p;
    (void)state;
    rig_watch(&rig, copy, "out0", &p);
    program(0, 3, 1000);
    rig_run_to(&rig, 700, PIT_HZ);
    p.rises = p.falls = 0;
    rig_transfer(pit, copy);
    assert_int_equal(p.rises + p.falls, 0); /* following the state is no edge */
    assert_int_equal(device_pin(copy, "out0")->level, out0.level);
    rig_run_to(&rig, 1000, PIT_HZ);
    assert_int_equal(p.rises, 0);
    rig_run_to(&rig, 1001, PIT_HZ);
    assert_int_equal(p.rises, 1);
    device_free(copy);
}

/* How kernels measure their CPU: gate on, mode 0, poll bit 5 of port 61h. */
static void port_61_gates_timer_2_and_shows_its_output(void **state)
{
    struct device *port = rig_new(&rig, &port61_class);
    (void)state;
    device_pin(pit, "out2")->moved = NULL;
    rig_join(port, "gate2", pit, "gate2");
    rig_join(pit, "out2", port, "out2");
    rig_start(port);
    rig_out(&rig, 0x61, 1);
    program(2, 0, 11932);
    assert_int_equal(rig_in(&rig, 0x61) & 0x21, 0x01);
    rig_run_to(&rig, 11932, PIT_HZ);
    assert_int_equal(rig_in(&rig, 0x61) & 0x21, 0x01);
    rig_run_to(&rig, 11933, PIT_HZ);
    assert_int_equal(rig_in(&rig, 0x61) & 0x21, 0x21);
    device_free(port);
}

static void the_refresh_bit_toggles_every_15_microseconds(void **state)
{
    struct device *port = rig_add(&rig, &port61_class);
    unsigned toggles = 0;
    uint8_t was = rig_in(&rig, 0x61) & 0x10;
    (void)state;
    for (unsigned i = 1; i <= 1800; i++) {
        uint8_t is;
        rig_run_to(&rig, i, PIT_HZ);
        is = rig_in(&rig, 0x61) & 0x10;
        toggles += is != was;
        was = is;
    }
    assert_int_equal(toggles, 100);
    device_free(port);
}

static void serr_raises_nmi_until_it_is_cleared_or_masked(void **state)
{
    struct device *port = rig_add(&rig, &port61_class);
    struct probe nmi;
    (void)state;
    rig_watch(&rig, port, "nmi", &nmi);
    rig_pin(port, "serr", true);
    assert_true(nmi.level);
    assert_int_equal(rig_in(&rig, 0x61) & 0x80, 0x80);
    rig_pin(port, "nmi_mask", true);
    assert_false(nmi.level);
    rig_pin(port, "nmi_mask", false);
    assert_true(nmi.level);
    rig_out(&rig, 0x61, 0x04);
    assert_false(nmi.level);
    device_free(port);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(mode_0_raises_out_n_plus_1_pulses_after_the_write),
        T(mode_2_gives_one_low_pulse_in_each_period),
        T(a_new_count_in_mode_2_waits_for_the_end_of_the_period),
        T(mode_3_halves_an_odd_count_with_the_longer_half_high),
        T(mode_3_counts_by_two),
        T(mode_1_is_retriggered_by_gate_and_by_nothing_else),
        T(mode_4_and_5_strobe_for_one_pulse),
        T(gate_low_holds_mode_0_and_gate_high_goes_on),
        T(bcd_counts_in_decades_and_zero_is_ten_thousand),
        T(read_back_holds_status_then_count),
        T(the_smallest_count_costs_one_event_a_pulse_at_most),
        T(edges_are_not_lost_where_a_tick_is_longer_than_a_pulse),
        T(a_restored_timer_goes_on_at_the_same_pulses),
        T(port_61_gates_timer_2_and_shows_its_output),
        T(the_refresh_bit_toggles_every_15_microseconds),
        T(serr_raises_nmi_until_it_is_cleared_or_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
