/* Tests of devices/i8042.c, keyboard.c and mouse.c together, through ports 60h and 64h.
 */
#include "tests/unit/chipset/rig.h"

#include "devices/i8042.h"
#include "devices/keyboard.h"
#include "devices/mouse.h"

enum { IPS = 1000000, MS = IPS / 1000 };
enum { OBF = 1, SYS = 4, COMMAND = 8, AUX = 0x20 };

enum {
    KEY_ESC = 1,
    KEY_A = 30,
    KEY_LEFTSHIFT = 42,
    KEY_F7 = 65,
    KEY_SYSRQ = 99,
    KEY_UP = 103,
    KEY_PAUSE_ = 119
};

struct world {
    struct rig rig;
    struct device *kbc, *keyboard, *mouse;
    struct probe irq1, irq12, reset, a20;
};

static void start(struct world *w, bool typematic)
{
    rig_init(&w->rig, IPS);
    w->kbc = rig_add(&w->rig, &i8042_class);
    w->keyboard = rig_new(&w->rig, &keyboard_class);
    assert_true(device_option(w->keyboard, "typematic", typematic, NULL));
    rig_start(w->keyboard);
    w->mouse = rig_add(&w->rig, &mouse_class);
    i8042_plug(w->kbc, I8042_KEYBOARD, keyboard_wire(w->keyboard));
    i8042_plug(w->kbc, I8042_AUX, mouse_wire(w->mouse));
    rig_watch(&w->rig, w->kbc, "irq1", &w->irq1);
    rig_watch(&w->rig, w->kbc, "irq12", &w->irq12);
    rig_watch(&w->rig, w->kbc, "reset", &w->reset);
    rig_watch(&w->rig, w->kbc, "a20", &w->a20);
}

static int set_up(void **state)
{
    static struct world w;
    start(&w, true);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    device_free(w->kbc);
    device_free(w->keyboard);
    device_free(w->mouse);
    rig_free(&w->rig);
    return 0;
}

static uint8_t status(struct world *w)
{
    return rig_in(&w->rig, 0x64);
}

/* The next byte, waiting up to 40 ms of virtual time; -1 when none comes. */
static int next(struct world *w)
{
    for (unsigned n = 0; n < 400; n++) {
        if (status(w) & OBF)
            return rig_in(&w->rig, 0x60);
        rig_run(&w->rig, MS / 10);
    }
    return -1;
}

static void expect(struct world *w, unsigned count, const uint8_t *bytes)
{
    for (unsigned n = 0; n < count; n++)
        assert_int_equal(next(w), bytes[n]);
    assert_int_equal(next(w), -1);
}

#define EXPECT(w, ...)                                                                 \
    expect(w, sizeof(uint8_t[]){__VA_ARGS__}, (const uint8_t[]){__VA_ARGS__})

static void command(struct world *w, uint8_t c)
{
    rig_out(&w->rig, 0x64, c);
}

static void data(struct world *w, uint8_t c)
{
    rig_out(&w->rig, 0x60, c);
}

static void to_mouse(struct world *w, uint8_t c)
{
    command(w, 0xd4);
    data(w, c);
}

/* The command byte: both ports on, interrupts as given. */
static void command_byte(struct world *w, uint8_t c)
{
    command(w, 0x60);
    data(w, c);
}

/* ---- the controller ---- */

static void the_self_test_passes_and_sets_the_system_flag(void **state)
{
    struct world *w = *state;

    assert_int_equal(status(w) & (SYS | OBF), 0);
    command(w, 0xaa);
    assert_true(status(w) & COMMAND);
    EXPECT(w, 0x55);
    assert_true(status(w) & SYS);
    command(w, 0xab);
    EXPECT(w, 0x00);
    command(w, 0xa9);
    EXPECT(w, 0x00);
}

static void the_command_byte_reads_back_and_shows_the_port_commands(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x47);
    assert_false(status(w) & COMMAND);
    command(w, 0x20);
    EXPECT(w, 0x47);
    command(w, 0xad);
    command(w, 0xa7);
    command(w, 0x20);
    EXPECT(w, 0x77);
    command(w, 0xae);
    command(w, 0xa8);
    command(w, 0x20);
    EXPECT(w, 0x47);
    command(w, 0x7f); /* the RAM's last byte */
    data(w, 0xa5);
    command(w, 0x3f);
    EXPECT(w, 0xa5);
}

static void a_byte_raises_irq1_until_it_is_read(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x41);
    keyboard_key(w->keyboard, KEY_ESC, true);
    assert_false(status(w) & OBF); /* it takes its time */
    rig_run(&w->rig, MS / 2);
    assert_false(status(w) & OBF);
    rig_run(&w->rig, MS / 2);
    assert_true(status(w) & OBF);
    assert_false(status(w) & AUX);
    assert_int_equal(w->irq1.rises, 1);
    assert_true(w->irq1.level);
    assert_int_equal(rig_in(&w->rig, 0x60), 0x01);
    assert_false(w->irq1.level);
    assert_int_equal(rig_in(&w->rig, 0x60), 0x01); /* an empty buffer keeps its byte */
    assert_int_equal(w->irq12.rises, 0);
}

static void without_its_enable_bit_no_interrupt_comes(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x40);
    keyboard_key(w->keyboard, KEY_ESC, true);
    assert_int_equal(next(w), 0x01);
    assert_int_equal(w->irq1.rises, 0);
}

static void a_port_that_is_off_keeps_its_bytes_until_it_is_on(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x50);
    keyboard_key(w->keyboard, KEY_ESC, true);
    assert_int_equal(next(w), -1);
    command(w, 0xae);
    assert_int_equal(next(w), 0x01);
}

static void a20_follows_the_output_port_and_its_own_commands(void **state)
{
    struct world *w = *state;

    assert_true(w->a20.level);
    command(w, 0xd1);
    data(w, 0xdd);
    assert_false(w->a20.level);
    command(w, 0xd0);
    assert_int_equal(next(w) & 3, 1);
    command(w, 0xdf);
    assert_true(w->a20.level);
    command(w, 0xdd);
    assert_false(w->a20.level);
    assert_int_equal(w->reset.rises, 0);
}

static void reset_is_pulsed_by_command_feh_and_by_the_output_port(void **state)
{
    struct world *w = *state;

    command(w, 0xff); /* pulses nothing */
    assert_int_equal(w->reset.rises, 0);
    command(w, 0xfe);
    assert_int_equal(w->reset.rises, 1);
    assert_false(w->reset.level);
    command(w, 0xd1);
    data(w, 0x02);
    assert_int_equal(w->reset.rises, 2);
}

static void bytes_can_be_put_in_the_buffer_as_if_from_either_port(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x03);
    command(w, 0xd2);
    data(w, 0x12);
    assert_int_equal(status(w) & (OBF | AUX), OBF);
    assert_int_equal(w->irq1.rises, 1);
    assert_int_equal(next(w), 0x12);
    command(w, 0xd3);
    data(w, 0x34);
    assert_int_equal(status(w) & (OBF | AUX), OBF | AUX);
    assert_int_equal(w->irq12.rises, 1);
    assert_int_equal(next(w), 0x34);
}

static void an_answer_waits_for_the_byte_before_it(void **state)
{
    struct world *w = *state;

    command(w, 0xd2);
    data(w, 0x11);
    command(w, 0xaa);
    EXPECT(w, 0x11, 0x55);
}

/* ---- the keyboard ---- */

static void keys_come_translated_to_set_1_unless_told_otherwise(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x40);
    keyboard_key(w->keyboard, KEY_A, true);
    keyboard_key(w->keyboard, KEY_A, false);
    EXPECT(w, 0x1e, 0x9e);
    keyboard_key(w->keyboard, KEY_UP, true);
    keyboard_key(w->keyboard, KEY_UP, false);
    EXPECT(w, 0xe0, 0x48, 0xe0, 0xc8);
    keyboard_key(w->keyboard, KEY_F7, true);
    keyboard_key(w->keyboard, KEY_F7, false);
    EXPECT(w, 0x41, 0xc1);
    command_byte(w, 0x00);
    keyboard_key(w->keyboard, KEY_A, true);
    keyboard_key(w->keyboard, KEY_A, false);
    EXPECT(w, 0x1c, 0xf0, 0x1c);
}

/* Linux numbers keys 1 to 83 by their codes in set 1. */
static void set_1_of_the_old_keys_is_their_number(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x40);
    for (unsigned key = 1; key <= 83; key++) {
        keyboard_key(w->keyboard, key, true);
        assert_int_equal(next(w), key);
        keyboard_key(w->keyboard, key, false);
        assert_int_equal(next(w), key | 0x80);
    }
}

static void print_screen_and_pause_have_sequences_of_their_own(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x40);
    keyboard_key(w->keyboard, KEY_SYSRQ, true);
    keyboard_key(w->keyboard, KEY_SYSRQ, false);
    EXPECT(w, 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
    keyboard_key(w->keyboard, KEY_PAUSE_, true);
    keyboard_key(w->keyboard, KEY_PAUSE_, false);
    EXPECT(w, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    keyboard_key(w->keyboard, 56, true); /* Alt */
    keyboard_key(w->keyboard, KEY_SYSRQ, true);
    EXPECT(w, 0x38, 0x54);
}

static void a_reset_is_acknowledged_then_passes_its_test(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x30);
    data(w, 0xff);
    EXPECT(w, 0xfa, 0xaa);
    command(w, 0x20);
    EXPECT(w, 0x20); /* sending turned the keyboard's clock on */
}

static void commands_are_answered_as_the_manual_says(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x00);
    data(w, 0xf2);
    EXPECT(w, 0xfa, 0xab, 0x83);
    data(w, 0xee);
    EXPECT(w, 0xee);
    data(w, 0xed);
    EXPECT(w, 0xfa);
    data(w, 0x06);
    EXPECT(w, 0xfa);
    assert_int_equal(keyboard_leds(w->keyboard), 6);
    data(w, 0xf0);
    EXPECT(w, 0xfa);
    data(w, 0x00);
    EXPECT(w, 0xfa, 0x02);
    data(w, 0xfe); /* the last byte again */
    EXPECT(w, 0x02);
    data(w, 0xef); /* no command */
    EXPECT(w, 0xfe);
    data(w, 0xed); /* a command in the option's place takes over */
    EXPECT(w, 0xfa);
    data(w, 0xf4);
    EXPECT(w, 0xfa);
    assert_int_equal(keyboard_leds(w->keyboard), 6);
}

static void sets_1_and_3_can_be_selected(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x00);
    data(w, 0xf0);
    data(w, 0x01);
    EXPECT(w, 0xfa, 0xfa);
    keyboard_key(w->keyboard, KEY_UP, true);
    keyboard_key(w->keyboard, KEY_UP, false);
    EXPECT(w, 0xe0, 0x48, 0xe0, 0xc8);
    data(w, 0xf0);
    data(w, 0x03);
    EXPECT(w, 0xfa, 0xfa);
    keyboard_key(w->keyboard, KEY_UP, true);
    keyboard_key(w->keyboard, KEY_UP, false);
    EXPECT(w, 0x63, 0xf0, 0x63);
    data(w, 0xf9); /* all keys: make only */
    EXPECT(w, 0xfa);
    keyboard_key(w->keyboard, KEY_UP, true);
    keyboard_key(w->keyboard, KEY_UP, false);
    EXPECT(w, 0x63);
    data(w, 0xfc); /* these: make and break */
    data(w, 0x63);
    EXPECT(w, 0xfa, 0xfa);
    data(w, 0xf4);
    EXPECT(w, 0xfa);
    keyboard_key(w->keyboard, KEY_UP, true);
    keyboard_key(w->keyboard, KEY_UP, false);
    EXPECT(w, 0x63, 0xf0, 0x63);
}

static void a_disabled_keyboard_sends_nothing_and_forgets(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x40);
    data(w, 0xf5);
    EXPECT(w, 0xfa);
    keyboard_key(w->keyboard, KEY_A, true);
    keyboard_key(w->keyboard, KEY_A, false);
    assert_int_equal(next(w), -1);
    data(w, 0xf4);
    EXPECT(w, 0xfa);
}

static void a_held_key_repeats_after_its_delay_at_its_rate(void **state)
{
    struct world *w = *state;
    unsigned repeats = 0;

    command_byte(w, 0x40);
    data(w, 0xf3);
    data(w, 0x00); /* 250 ms, 30 a second */
    EXPECT(w, 0xfa, 0xfa);
    keyboard_key(w->keyboard, KEY_A, true);
    assert_int_equal(next(w), 0x1e);
    rig_run(&w->rig, 240 * MS);
    assert_false(status(w) & OBF);
    for (unsigned n = 0; n < 1000; n++) {
        rig_run(&w->rig, MS);
        if (status(w) & OBF) {
            assert_int_equal(rig_in(&w->rig, 0x60), 0x1e);
            repeats++;
        }
    }
    assert_in_range(repeats, 29, 31);
    keyboard_key(w->keyboard, KEY_A, false);
    EXPECT(w, 0x9e);
    rig_run(&w->rig, 500 * MS);
    assert_false(status(w) & OBF);
}

static void without_typematic_the_host_repeats(void **state)
{
    static struct world w;
    (void)state;

    start(&w, false);
    command_byte(&w, 0x40);
    keyboard_key(w.keyboard, KEY_A, true);
    keyboard_key(w.keyboard, KEY_A, true);
    EXPECT(&w, 0x1e, 0x1e);
    rig_run(&w.rig, 2000 * MS);
    assert_false(status(&w) & OBF);
    tear_down((void *[]){&w});
}

static void a_slow_guest_loses_keys_but_no_key_sticks(void **state)
{
    struct world *w = *state;
    unsigned down[256] = {0}, overruns = 0;
    int c;

    command_byte(w, 0x50); /* off */
    for (unsigned key = 2; key < 50; key++) {
        keyboard_key(w->keyboard, key, true);
        keyboard_key(w->keyboard, key, false);
    }
    command(w, 0xae);
    while ((c = next(w)) >= 0) {
        if (c == 0xff)
            overruns++;
        else if (c < 0x80)
            down[c]++;
        else
            down[c & 0x7f] = 0;
    }
    for (unsigned n = 0; n < 256; n++)
        assert_int_equal(down[n], 0);
    assert_true(overruns >= 1);
}

/* ---- the mouse ---- */

static void enable_mouse(struct world *w)
{
    command_byte(w, 0x02);
    to_mouse(w, 0xf4);
    EXPECT(w, 0xfa);
}

static void the_mouse_reports_in_packets_with_irq12(void **state)
{
    struct world *w = *state;

    enable_mouse(w);
    w->irq12.rises = 0;
    mouse_move(w->mouse, 5, 3, 0, MOUSE_LEFT);
    rig_run(&w->rig, MS);
    assert_true(status(w) & AUX);
    EXPECT(w, 0x29, 0x05, 0xfd); /* down on the screen is towards the user: negative */
    assert_int_equal(w->irq12.rises, 3);
    mouse_move(w->mouse, -1, -1, 0, 0);
    EXPECT(w, 0x18, 0xff, 0x01);
    mouse_move(w->mouse, 0, 0, 0, 0);
    assert_int_equal(next(w), -1); /* nothing changed */
}

static void a_far_movement_comes_in_several_packets(void **state)
{
    struct world *w = *state;
    int x = 0, c;

    enable_mouse(w);
    mouse_move(w->mouse, 1000, 0, 0, 0);
    while ((c = next(w)) >= 0) {
        x += next(w) - (c & 0x10 ? 256 : 0);
        assert_int_equal(next(w), 0);
        assert_int_equal(c & 0xc0, 0); /* no overflow */
    }
    assert_int_equal(x, 1000);
}

static void identify(struct world *w, uint8_t a, uint8_t b, uint8_t c, uint8_t id)
{
    const uint8_t rates[3] = {a, b, c};

    for (unsigned n = 0; n < 3; n++) {
        to_mouse(w, 0xf3);
        to_mouse(w, rates[n]);
        EXPECT(w, 0xfa, 0xfa);
    }
    to_mouse(w, 0xf2);
    EXPECT(w, 0xfa, id);
}

static void rates_unlock_the_wheel_and_the_side_buttons(void **state)
{
    struct world *w = *state;

    command_byte(w, 0x02);
    to_mouse(w, 0xff);
    EXPECT(w, 0xfa, 0xaa, 0x00);
    identify(w, 200, 80, 100, 0);
    identify(w, 200, 100, 80, 3);
    enable_mouse(w);
    mouse_move(w->mouse, 0, 0, 2, 0);
    EXPECT(w, 0x08, 0, 0, 0xfe);
    identify(w, 200, 200, 80, 4);
    mouse_move(w->mouse, 0, 0, -1, MOUSE_SIDE | MOUSE_MIDDLE);
    EXPECT(w, 0x0c, 0, 0, 0x11);
    to_mouse(w, 0xff);
    EXPECT(w, 0xfa, 0xaa, 0x00);
}

static void status_remote_mode_and_wrap_mode_answer(void **state)
{
    struct world *w = *state;

    enable_mouse(w);
    to_mouse(w, 0xe8);
    to_mouse(w, 0x03);
    EXPECT(w, 0xfa, 0xfa);
    to_mouse(w, 0xe7);
    EXPECT(w, 0xfa);
    mouse_move(w->mouse, 0, 0, 0, MOUSE_RIGHT);
    EXPECT(w, 0x0a, 0, 0);
    to_mouse(w, 0xe9);
    EXPECT(w, 0xfa, 0x31, 3, 100);
    to_mouse(w, 0xf0);
    EXPECT(w, 0xfa);
    mouse_move(w->mouse, 4, 0, 0, 0);
    assert_int_equal(next(w), -1); /* only when asked */
    to_mouse(w, 0xeb);
    EXPECT(w, 0xfa, 0x08, 4, 0); /* scaling is for stream mode */
    to_mouse(w, 0xee);
    EXPECT(w, 0xfa);
    to_mouse(w, 0xf2);
    EXPECT(w, 0xf2);
    to_mouse(w, 0xec);
    EXPECT(w, 0xfa);
}

static void two_to_one_scaling_favours_fast_movement(void **state)
{
    struct world *w = *state;

    enable_mouse(w);
    to_mouse(w, 0xe7);
    EXPECT(w, 0xfa);
    mouse_move(w->mouse, 2, 0, 0, 0);
    EXPECT(w, 0x08, 1, 0);
    mouse_move(w->mouse, 10, 0, 0, 0);
    EXPECT(w, 0x08, 20, 0);
}

static void a_guest_that_never_reads_costs_nothing(void **state)
{
    struct world *w = *state;

    enable_mouse(w);
    for (unsigned n = 0; n < 5000; n++) {
        mouse_move(w->mouse, 30000, -30000, 100, n);
        data(w, 0xf2);
        to_mouse(w, 0xe9);
        rig_run(&w->rig, MS);
    }
    assert_in_range(w->rig.clock.count, 0, 3);
}

static void ports_without_peripherals_answer_resend(void **state)
{
    struct rig *r = &(struct rig){.ram = {0}};
    struct device *kbc;
    (void)state;

    rig_init(r, IPS);
    kbc = rig_add(r, &i8042_class);
    rig_out(r, 0x60, 0xff);
    assert_int_equal(rig_in(r, 0x60), 0xfe);
    device_free(kbc);
    rig_free(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_self_test_passes_and_sets_the_system_flag),
        T(the_command_byte_reads_back_and_shows_the_port_commands),
        T(a_byte_raises_irq1_until_it_is_read),
        T(without_its_enable_bit_no_interrupt_comes),
        T(a_port_that_is_off_keeps_its_bytes_until_it_is_on),
        T(a20_follows_the_output_port_and_its_own_commands),
        T(reset_is_pulsed_by_command_feh_and_by_the_output_port),
        T(bytes_can_be_put_in_the_buffer_as_if_from_either_port),
        T(an_answer_waits_for_the_byte_before_it),
        T(keys_come_translated_to_set_1_unless_told_otherwise),
        T(set_1_of_the_old_keys_is_their_number),
        T(print_screen_and_pause_have_sequences_of_their_own),
        T(a_reset_is_acknowledged_then_passes_its_test),
        T(commands_are_answered_as_the_manual_says),
        T(sets_1_and_3_can_be_selected),
        T(a_disabled_keyboard_sends_nothing_and_forgets),
        T(a_held_key_repeats_after_its_delay_at_its_rate),
        cmocka_unit_test(without_typematic_the_host_repeats),
        T(a_slow_guest_loses_keys_but_no_key_sticks),
        T(the_mouse_reports_in_packets_with_irq12),
        T(a_far_movement_comes_in_several_packets),
        T(rates_unlock_the_wheel_and_the_side_buttons),
        T(status_remote_mode_and_wrap_mode_answer),
        T(two_to_one_scaling_favours_fast_movement),
        T(a_guest_that_never_reads_costs_nothing),
        cmocka_unit_test(ports_without_peripherals_answer_resend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
