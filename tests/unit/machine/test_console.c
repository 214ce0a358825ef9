/* test_console.c - what is typed at the terminal: for the guest, or for the monitor. */
#include "machine/console.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    unsigned attention, breaks;
    char text[8192];
};

static void attention(void *to)
{
    ((struct seen *)to)->attention++;
}

static void send_break(void *to)
{
    ((struct seen *)to)->breaks++;
}

static void print(void *to, const char *text)
{
    struct seen *s = to;
    strncat(s->text, text, sizeof s->text - strlen(s->text) - 1);
}

static struct seen seen;

static struct console *new_console(void)
{
    static struct console c;

    memset(&c, 0, sizeof c);
    memset(&seen, 0, sizeof seen);
    c.attention = attention;
    c.send_break = send_break;
    c.print = print;
    c.to = &seen;
    c.guest = true;
    return &c;
}

/* How many of the bytes are the guest's. */
static unsigned type(struct console *c, const char *text)
{
    unsigned guest = 0;
    for (; *text; text++)
        guest += console_typed(c, (uint8_t)*text);
    return guest;
}

static void all_but_the_escape_key_is_the_guests(void **state)
{
    struct console *c = new_console();
    unsigned guest = 0;
    (void)state;

    for (unsigned byte = 0; byte < 256; byte++)
        if (byte != 1)
            guest += console_typed(c, (uint8_t)byte);
    assert_int_equal(guest, 255);
}

static void the_escape_key_twice_sends_it(void **state)
{
    struct console *c = new_console();
    (void)state;

    assert_int_equal(type(c, "\001\001"), 1);
}

static void ctrl_a_x_quits_and_b_breaks_and_h_helps(void **state)
{
    struct console *c = new_console();
    (void)state;

    assert_int_equal(type(c, "\001b\001h"), 0);
    assert_int_equal(seen.breaks, 1);
    assert_non_null(strstr(seen.text, "quit"));
    assert_false(atomic_load(&c->quit));
    type(c, "\001x");
    assert_true(atomic_load(&c->quit));
    assert_int_equal(seen.attention, 1);
}

static void the_monitor_gets_whole_lines_edited(void **state)
{
    struct console *c = new_console();
    (void)state;

    assert_int_equal(type(c, "\001cinfx\177o sta\033[D\033OAtus\r"), 0);
    assert_string_equal(console_line(c), "info status");
    console_done(c);
    assert_null(console_line(c));
    type(c, "gone\025one two\027three\r");
    assert_string_equal(console_line(c), "one three");
    console_done(c);
    assert_int_equal(type(c, "\001cls"), 2);
}

static void a_line_too_long_and_lines_too_many_are_cut_off(void **state)
{
    struct console *c = new_console();
    (void)state;

    type(c, "\001c");
    for (unsigned n = 0; n < 5000; n++)
        console_typed(c, 'x');
    console_typed(c, '\r');
    assert_int_equal(strlen(console_line(c)), CONSOLE_LINE - 1);
    for (unsigned n = 0; n < 50; n++)
        type(c, "help\r");
    for (unsigned n = 0; n < CONSOLE_LINES; n++) {
        assert_non_null(console_line(c));
        console_done(c);
    }
    assert_null(console_line(c));
}

static void without_a_serial_port_the_monitor_keeps_the_terminal(void **state)
{
    struct console *c = new_console();
    (void)state;

    c->guest = false;
    atomic_store(&c->monitor, true);
    assert_int_equal(type(c, "\001chelp\r"), 0);
    assert_string_equal(console_line(c), "help");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_but_the_escape_key_is_the_guests),
        cmocka_unit_test(the_escape_key_twice_sends_it),
        cmocka_unit_test(ctrl_a_x_quits_and_b_breaks_and_h_helps),
        cmocka_unit_test(the_monitor_gets_whole_lines_edited),
        cmocka_unit_test(a_line_too_long_and_lines_too_many_are_cut_off),
        cmocka_unit_test(without_a_serial_port_the_monitor_keeps_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
