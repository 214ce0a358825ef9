/* The 8259As through ports, pins and acknowledge cycles. */
#include "rig.h"

#include "chipset/pic.h"

static struct rig rig;
static struct device *pic;
static struct probe intr;

static void program(uint8_t icw1, uint8_t icw4)
{
    rig_out(&rig, 0x20, icw1);
    rig_out(&rig, 0x21, 0x30);
    rig_out(&rig, 0x21, 0x04);
    rig_out(&rig, 0x21, icw4);
    rig_out(&rig, 0xa0, icw1);
    rig_out(&rig, 0xa1, 0x38);
    rig_out(&rig, 0xa1, 0x02);
    rig_out(&rig, 0xa1, icw4);
    rig_out(&rig, 0x21, 0);
    rig_out(&rig, 0xa1, 0);
}

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, 1000000);
    pic = rig_add(&rig, &pic_class);
    rig_watch(&rig, pic, "int", &intr);
    program(0x11, 0x01);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_free(pic);
    rig_free(&rig);
    return 0;
}

static uint8_t ack(void)
{
    return pic_acknowledge(pic->state);
}

static void a_higher_priority_interrupts_a_lower_one_but_not_the_reverse(void **state)
{
    (void)state;
    rig_pin(pic, "ir3", true);
    assert_true(intr.level);
    assert_int_equal(ack(), 0x33);
    assert_false(intr.level);
    rig_pin(pic, "ir5", true);
    assert_false(intr.level);
    rig_pin(pic, "ir1", true);
    assert_true(intr.level);
    assert_int_equal(ack(), 0x31);
    rig_out(&rig, 0x20, 0x20); /* ends 1 */
    assert_false(intr.level);
    rig_out(&rig, 0x20, 0x63); /* ends 3: now 5 may come */
    assert_int_equal(ack(), 0x35);
}

static void the_slave_is_acknowledged_through_level_2_and_ends_in_both(void **state)
{
    (void)state;
    rig_pin(pic, "ir12", true);
    assert_int_equal(ack(), 0x3c);
    rig_out(&rig, 0x20, 0x0b);
    assert_int_equal(rig_in(&rig, 0x20), 0x04);
    rig_out(&rig, 0xa0, 0x0b);
    assert_int_equal(rig_in(&rig, 0xa0), 0x10);
    rig_pin(pic, "ir15", true);
    assert_false(intr.level);
    rig_out(&rig, 0xa0, 0x20);
    rig_out(&rig, 0x20, 0x20);
    assert_int_equal(ack(), 0x3f);
}

static void a_request_that_goes_away_leaves_a_spurious_7(void **state)
{
    (void)state;
    rig_pin(pic, "ir4", true);
    rig_pin(pic, "ir4", false);
    assert_false(intr.level);
    assert_int_equal(ack(), 0x37);
    rig_out(&rig, 0x20, 0x0b);
    assert_int_equal(rig_in(&rig, 0x20), 0);
}

static void edge_inputs_interrupt_once_and_level_inputs_until_they_fall(void **state)
{
    (void)state;
    rig_pin(pic, "ir6", true);
    assert_int_equal(ack(), 0x36);
    rig_out(&rig, 0x20, 0x20);
    assert_false(intr.level);

    rig_out(&rig, 0x4d1, 0xff); /* 8 and 13 stay edge */
    assert_int_equal(rig_in(&rig, 0x4d1), 0xde);
    rig_pin(pic, "ir11", true);
    assert_int_equal(ack(), 0x3b);
    rig_out(&rig, 0xa0, 0x20);
    rig_out(&rig, 0x20, 0x20);
    assert_true(intr.level);
    rig_pin(pic, "ir11", false);
    assert_false(intr.level);
}

static void rotation_makes_the_ended_level_the_lowest(void **state)
{
    (void)state;
    rig_pin(pic, "ir0", true);
    assert_int_equal(ack(), 0x30);
    rig_out(&rig, 0x20, 0xa0);
    rig_pin(pic, "ir0", false);
    rig_pin(pic, "ir0", true);
    rig_pin(pic, "ir7", true);
    assert_int_equal(ack(), 0x37);
}

static void special_mask_mode_lets_lower_levels_through_a_masked_one(void **state)
{
    (void)state;
    rig_pin(pic, "ir3", true);
    (void)ack();
    rig_pin(pic, "ir6", true);
    rig_out(&rig, 0x21, 0x08);
    assert_false(intr.level);
    rig_out(&rig, 0x20, 0x68);
    assert_true(intr.level);
    assert_int_equal(ack(), 0x36);
}

static void automatic_end_of_interrupt_leaves_nothing_in_service(void **state)
{
    (void)state;
    program(0x11, 0x03);
    rig_pin(pic, "ir5", true);
    rig_pin(pic, "ir9", true);
    rig_pin(pic, "ir10", true);
    assert_int_equal(ack(), 0x39);
    assert_int_equal(ack(), 0x3a);
    assert_int_equal(ack(), 0x35);
    rig_out(&rig, 0x20, 0x0b);
    assert_int_equal(rig_in(&rig, 0x20), 0);
}

static void a_poll_acknowledges_and_says_the_level(void **state)
{
    (void)state;
    rig_out(&rig, 0x20, 0x0c);
    assert_int_equal(rig_in(&rig, 0x20), 0);
    rig_pin(pic, "ir1", true);
    rig_out(&rig, 0x20, 0x0c);
    assert_int_equal(rig_in(&rig, 0x20), 0x81);
    assert_false(intr.level);
}

static void restoring_makes_int_follow_and_the_same_level_is_no_edge(void **state)
{
    struct device *copy;
    (void)state;
    rig_pin(pic, "ir4", true);
    assert_int_equal(ack(), 0x34);
    rig_out(&rig, 0x20, 0x20);
    copy = rig_copy(&rig, pic);
    rig_pin(copy, "ir4", true);
    assert_false(device_pin(copy, "int")->level);
    device_free(copy);
}

static void without_icw4_the_data_port_takes_the_mask_after_icw3(void **state)
{
    (void)state;
    rig_out(&rig, 0x20, 0x10);
    rig_out(&rig, 0x21, 0x40);
    rig_out(&rig, 0x21, 0x04);
    rig_out(&rig, 0x21, 0x5a);
    assert_int_equal(rig_in(&rig, 0x21), 0x5a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_higher_priority_interrupts_a_lower_one_but_not_the_reverse),
        T(the_slave_is_acknowledged_through_level_2_and_ends_in_both),
        T(a_request_that_goes_away_leaves_a_spurious_7),
        T(edge_inputs_interrupt_once_and_level_inputs_until_they_fall),
        T(rotation_makes_the_ended_level_the_lowest),
        T(special_mask_mode_lets_lower_levels_through_a_masked_one),
        T(automatic_end_of_interrupt_leaves_nothing_in_service),
        T(a_poll_acknowledges_and_says_the_level),
        T(restoring_makes_int_follow_and_the_same_level_is_no_edge),
        T(without_icw4_the_data_port_takes_the_mask_after_icw3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
