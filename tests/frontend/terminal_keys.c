/* What a terminal sends becomes the keys that were pressed. */
#include "frontend/terminal_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* All keys of the text, each followed by a blank. */
static const char *keys(const char *text, size_t n, bool over)
{
    static char all[512];
    size_t used;

    all[0] = 0;
    while (n) {
        char name[TERMINAL_KEYS];
        used = terminal_key((const uint8_t *)text, n, over, name);
        if (!used)
            break;
        assert_true(used <= n);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s ", name);
        text += used;
        n -= used;
    }
    return all;
}

#define KEYS(text) keys(text, sizeof(text) - 1, true)

static void letters_digits_and_signs_are_keys_of_a_us_keyboard(void **state)
{
    (void)state;
    assert_string_equal(KEYS("aZ0"), "a shift-z 0 ");
    assert_string_equal(KEYS("!_~|<? -"),
                        "shift-1 shift-minus shift-` shift-\\ shift-, shift-/ spc minus ");
    assert_string_equal(KEYS("\r\t\177"), "ret tab backspace ");
}

static void control_characters_are_ctrl_and_a_key(void **state)
{
    (void)state;
    assert_string_equal(KEYS("\003\032"), "ctrl-c ctrl-z ");
    assert_string_equal(keys("\0\034\035\036\037", 5, true),
                        "ctrl-spc ctrl-\\ ctrl-] ctrl-6 ctrl-minus ");
}

static void sequences_are_named_keys_with_their_modifiers(void **state)
{
    (void)state;
    assert_string_equal(KEYS("\033[A\033OB\033[1~\033[7~"), "up down home home ");
    assert_string_equal(KEYS("\033OP\033[[E\033[15~\033[24~"), "f1 f5 f5 f12 ");
    assert_string_equal(KEYS("\033[1;5C\033[3;3~\033[1;8P\033[Z"),
                        "ctrl-right alt-delete ctrl-alt-shift-f1 shift-tab ");
}

static void escape_before_a_key_is_alt(void **state)
{
    (void)state;
    assert_string_equal(KEYS("\033x\033X\033\r"), "alt-x alt-shift-x alt-ret ");
    assert_string_equal(KEYS("\033\033[A"), "esc up ");
}

static void a_sequence_that_goes_on_waits_until_it_is_over(void **state)
{
    (void)state;
    assert_string_equal(keys("a\033", 2, false), "a ");
    assert_string_equal(keys("\033[1;", 4, false), "");
    assert_string_equal(keys("\033", 1, true), "esc ");
    assert_string_equal(keys("\033[", 2, true), "alt-[ ");
}

static void nonsense_presses_nothing_and_ends(void **state)
{
    char text[3];
    (void)state;
    assert_string_equal(KEYS("\033[99999999999;9;9;9q\303\274"), "   ");
    for (unsigned n = 0; n < 1u << 16; n++) {
        text[0] = 27;
        text[1] = (char)(n >> 8);
        text[2] = (char)n;
        keys(text, 3, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_digits_and_signs_are_keys_of_a_us_keyboard),
        cmocka_unit_test(control_characters_are_ctrl_and_a_key),
        cmocka_unit_test(sequences_are_named_keys_with_their_modifiers),
        cmocka_unit_test(escape_before_a_key_is_alt),
        cmocka_unit_test(a_sequence_that_goes_on_waits_until_it_is_over),
        cmocka_unit_test(nonsense_presses_nothing_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
