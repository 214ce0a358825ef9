/* The real-time clock through its ports, in virtual time. */
#include "rig.h"

#include "chipset/rtc.h"

enum { HZ = 32768, C_UF = 0x10, C_AF = 0x20, C_PF = 0x40, C_IRQF = 0x80 };

/* 2024-02-28 23:59:50 UTC, a Wednesday. */
#define BASE 1709164790

static struct rig rig;
static struct device *rtc;
static struct probe irq;

static void start(uint64_t base)
{
    rig_init(&rig, HZ * 100);
    rtc = rig_new(&rig, &rtc_class);
    assert_true(device_option(rtc, "base_time", base, NULL));
    rig_start(rtc);
    rig_watch(&rig, rtc, "irq", &irq);
}

static int setup(void **state)
{
    (void)state;
    start(BASE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_free(rtc);
    rig_free(&rig);
    return 0;
}

static uint8_t get(uint8_t n)
{
    rig_out(&rig, 0x70, n);
    return rig_in(&rig, 0x71);
}

static void put(uint8_t n, uint8_t v)
{
    rig_out(&rig, 0x70, n);
    rig_out(&rig, 0x71, v);
}

static void seconds(uint64_t n)
{
    rig_run_to(&rig, n * HZ, HZ);
}

static void the_date_follows_virtual_time_over_a_leap_day(void **state)
{
    (void)state;
    assert_int_equal(get(0), 0x50);
    assert_int_equal(get(4), 0x23);
    assert_int_equal(get(6), 4);
    assert_int_equal(get(7), 0x28);
    seconds(10);
    assert_int_equal(get(0), 0);
    assert_int_equal(get(4), 0);
    assert_int_equal(get(6), 5);
    assert_int_equal(get(7), 0x29);
    assert_int_equal(get(8), 2);
    assert_int_equal(get(9), 0x24);
    assert_int_equal(get(0x32), 0x20);
    seconds(10 + 86400);
    assert_int_equal(get(7), 1);
    assert_int_equal(get(8), 3);
}

static void time_before_1970_is_a_date_too(void **state)
{
    (void)state;
    (void)teardown(NULL);
    start((uint64_t)-1);
    assert_int_equal(get(0), 0x59);
    assert_int_equal(get(9), 0x69);
    assert_int_equal(get(0x32), 0x19);
    assert_int_equal(get(6), 4); /* Wednesday, 31 December 1969 */
    seconds(1);
    assert_int_equal(get(9), 0x70);
    assert_int_equal(get(6), 5);
}

static void twelve_hours_and_binary_are_as_register_b_says(void **state)
{
    (void)state;
    put(0x0b, 0x84); /* SET, DM, 12 hours */
    put(4, 0x80 | 12);
    put(2, 59);
    put(0, 59);
    put(0x0b, 0x04);
    seconds(1);
    assert_int_equal(get(4), 0x81);
    assert_int_equal(get(2), 0);
    put(0x0b, 0x84);
    put(4, 0x80 | 11);
    put(2, 59);
    put(0, 59);
    put(0x0b, 0x04);
    seconds(2);
    assert_int_equal(get(4), 12);
}

static void set_holds_the_registers_still(void **state)
{
    (void)state;
    put(0x0b, 0x82);
    seconds(5);
    assert_int_equal(get(0), 0x50);
    put(0x0b, 0x02);
    assert_int_equal(get(0), 0x50);
    seconds(6);
    assert_int_equal(get(0), 0x51);
}

static void update_in_progress_warns_before_each_second(void **state)
{
    (void)state;
    rig_run_to(&rig, HZ - 74, HZ);
    assert_int_equal(get(0x0a) & 0x80, 0);
    rig_run_to(&rig, HZ - 73, HZ);
    assert_int_equal(get(0x0a) & 0x80, 0x80);
    assert_int_equal(get(0), 0x50);
    seconds(1);
    assert_int_equal(get(0x0a) & 0x80, 0);
    assert_int_equal(get(0), 0x51);
}

static void the_update_interrupt_comes_each_second_and_reading_c_ends_it(void **state)
{
    (void)state;
    (void)get(0x0c);
    put(0x0b, 0x12);
    rig_run_to(&rig, HZ - 1, HZ);
    assert_false(irq.level);
    seconds(1);
    assert_true(irq.level);
    assert_int_equal(irq.last, HZ * 100);
    assert_int_equal(get(0x0c), C_IRQF | C_UF | C_PF);
    assert_false(irq.level);
    assert_int_equal(get(0x0c), 0);
    seconds(3);
    assert_int_equal(irq.rises, 2);
}

static void the_periodic_interrupt_has_the_chosen_rate(void **state)
{
    unsigned n = 0;
    (void)state;
    put(0x0a, 0x26);
    put(0x0b, 0x42);
    (void)get(0x0c);
    for (unsigned i = 1; i <= 1024; i++) {
        rig_run_to(&rig, i * 32, HZ);
        n += irq.level;
        (void)get(0x0c);
    }
    assert_int_equal(n, 1024);
}

static void the_alarm_fires_when_it_matches_and_not_before(void **state)
{
    (void)state;
    put(5, 0xff);
    put(3, 0x03);
    put(1, 0x07);
    (void)get(0x0c);
    put(0x0b, 0x22);
    seconds(10 + 3 * 60 + 6);
    assert_false(irq.level);
    seconds(10 + 3 * 60 + 7);
    assert_true(irq.level);
    assert_int_equal(get(0x0c) & C_AF, C_AF);
    seconds(10 + 63 * 60 + 7);
    assert_int_equal(irq.rises, 2);
}

static void an_impossible_alarm_never_fires_and_costs_nothing(void **state)
{
    (void)state;
    put(1, 0x75);
    put(0x0b, 0x22);
    assert_int_equal(clock_next(&rig.clock), UINT64_MAX);
}

static void flags_are_set_without_interrupts_too(void **state)
{
    (void)state;
    (void)get(0x0c);
    seconds(1);
    assert_int_equal(get(0x0c) & (C_IRQF | C_UF), C_UF);
    assert_int_equal(irq.rises, 0);
}

static void memory_and_time_outlast_a_reset_and_interrupt_enables_do_not(void **state)
{
    (void)state;
    rtc_set_cmos(rtc, 0x15, 0x80);
    put(0x0f, 0x05);
    rig_out(&rig, 0x72, 0x40);
    rig_out(&rig, 0x73, 0xab);
    put(0x0b, 0x72);
    seconds(5);
    device_reset(rtc);
    assert_int_equal(get(0x15), 0x80);
    assert_int_equal(get(0x0f), 0x05);
    assert_int_equal(get(0x0b), 0x02);
    assert_int_equal(get(0), 0x55);
    rig_out(&rig, 0x72, 0x40);
    assert_int_equal(rig_in(&rig, 0x73), 0xab);
}

static void bit_7_of_port_70_masks_nmi(void **state)
{
    (void)state;
    rig_out(&rig, 0x70, 0x8f);
    assert_true(device_pin(rtc, "nmi_mask")->level);
    rig_out(&rig, 0x70, 0x0f);
    assert_false(device_pin(rtc, "nmi_mask")->level);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_date_follows_virtual_time_over_a_leap_day),
        T(time_before_1970_is_a_date_too),
        T(twelve_hours_and_binary_are_as_register_b_says),
        T(set_holds_the_registers_still),
        T(update_in_progress_warns_before_each_second),
        T(the_update_interrupt_comes_each_second_and_reading_c_ends_it),
        T(the_periodic_interrupt_has_the_chosen_rate),
        T(the_alarm_fires_when_it_matches_and_not_before),
        T(an_impossible_alarm_never_fires_and_costs_nothing),
        T(flags_are_set_without_interrupts_too),
        T(memory_and_time_outlast_a_reset_and_interrupt_enables_do_not),
        T(bit_7_of_port_70_masks_nmi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
