/* Tests of machine/typing.c: a keyboard at its controller, read through port 60h. */
#include "tests/unit/chipset/rig.h"

#include "devices/i8042.h"
#include "devices/keyboard.h"
#include "devices/mouse.h"
#include "machine/typing.h"

enum { IPS = 1000000, STATUS = 0x64, DATA = 0x60, CODES = 4096 };

struct world {
    struct rig rig;
    struct device *i8042, *keyboard, *mouse;
    struct typing typing;
    uint8_t code[CODES]; /* scan code set 1 */
    unsigned count;
};

static void start(struct world *w)
{
    rig_init(&w->rig, IPS);
    w->count = 0;
    w->i8042 = rig_new(&w->rig, &i8042_class);
    w->keyboard = rig_add(&w->rig, &keyboard_class);
    w->mouse = rig_add(&w->rig, &mouse_class);
    i8042_plug(w->i8042, I8042_KEYBOARD, keyboard_wire(w->keyboard));
    i8042_plug(w->i8042, I8042_AUX, mouse_wire(w->mouse));
    rig_start(w->i8042);
    i8042_set_up(w->i8042);
    typing_init(&w->typing, &w->rig.clock, w->keyboard);
}

static void stop(struct world *w)
{
    typing_free(&w->typing);
    device_free(w->i8042);
    device_free(w->keyboard);
    device_free(w->mouse);
    rig_free(&w->rig);
}

/* A guest that reads what comes, for so many milliseconds. */
static void guest(struct world *w, unsigned ms)
{
    while (ms--) {
        rig_run(&w->rig, IPS / 1000);
        while ((rig_in(&w->rig, STATUS) & 1) && w->count < CODES)
            w->code[w->count++] = rig_in(&w->rig, DATA);
    }
}

static void text_is_typed_key_by_key(void **state)
{
    static const uint8_t expected[] = {0x1e, 0x9e, 0x2a, 0x30, 0xb0, 0xaa, 0x1c, 0x9c};
    struct world w;
    (void)state;
    start(&w);
    assert_int_equal(typing_text(&w.typing, "aB\n", 3), 3);
    guest(&w, 500);
    assert_int_equal(w.count, sizeof expected);
    assert_memory_equal(w.code, expected, sizeof expected);
    assert_true(typing_over(&w.typing));
    stop(&w);
}

static void a_slow_guest_loses_nothing(void **state)
{
    struct world w;
    char text[400];
    (void)state;
    start(&w);
    memset(text, 'a', sizeof text);
    assert_int_equal(typing_text(&w.typing, text, sizeof text), sizeof text);
    rig_run(&w.rig, 5 * IPS); /* it does not look for five seconds */
    guest(&w, 30 * 1000);
    assert_int_equal(w.count, 2 * sizeof text);
    for (unsigned n = 0; n < w.count; n++)
        assert_int_equal(w.code[n], n % 2 ? 0x9e : 0x1e);
    stop(&w);
}

static void chords_go_down_in_order_and_up_in_reverse(void **state)
{
    static const uint8_t expected[] = {0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d};
    struct world w;
    (void)state;
    start(&w);
    assert_true(typing_keys(&w.typing, "ctrl-alt-delete"));
    guest(&w, 500);
    assert_int_equal(w.count, sizeof expected);
    assert_memory_equal(w.code, expected, sizeof expected);
    stop(&w);
}

static void what_is_no_key_is_refused(void **state)
{
    static const char *const names[] = {"",     "f0",   "f13", "f1x", "ctrl-", "-a", "nokey",
                                        "a-b-c-d-e", "F1", "ctrl-nokey"};
    struct world w;
    (void)state;
    start(&w);
    for (unsigned n = 0; n < ARRAY_SIZE(names); n++)
        if (typing_keys(&w.typing, names[n]))
            fail_msg("'%s' was taken", names[n]);
    assert_true(typing_keys(&w.typing, "f12"));
    assert_true(typing_keys(&w.typing, "1"));
    stop(&w);
}

static void characters_without_a_key_are_left_out(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    assert_int_equal(typing_text(&w.typing, "\xc3\xa4\x00z", 4), 4);
    guest(&w, 500);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.code[0], 0x2c);
    stop(&w);
}

static void no_more_waits_than_fits(void **state)
{
    struct world w;
    static char text[TYPING_MOST + 10];
    (void)state;
    start(&w);
    memset(text, 'x', sizeof text);
    assert_int_equal(typing_text(&w.typing, text, sizeof text), TYPING_MOST);
    assert_int_equal(typing_text(&w.typing, text, 1), 0);
    assert_false(typing_keys(&w.typing, "a"));
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_typed_key_by_key),
        cmocka_unit_test(a_slow_guest_loses_nothing),
        cmocka_unit_test(chords_go_down_in_order_and_up_in_reverse),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(characters_without_a_key_are_left_out),
        cmocka_unit_test(no_more_waits_than_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
