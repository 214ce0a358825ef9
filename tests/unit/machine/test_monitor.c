/* test_monitor.c - the monitor's commands on a machine without a kernel: it starts at
 * the reset vector, where there is no firmware. Through menura.h, as front ends use it.
 */
#include "menura.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct answer {
    char text[1 << 20];
    size_t size;
    unsigned lines;
};

static struct answer answer;

static void take(void *to, const char *line)
{
    struct answer *a = to;
    size_t n = strlen(line);

    assert_null(strchr(line, '\n'));
    if (a->size + n + 2 < sizeof a->text) {
        memcpy(a->text + a->size, line, n);
        a->size += n;
        a->text[a->size++] = '\n';
    }
    a->text[a->size] = 0;
    a->lines++;
}

static struct menura_config *config;

static struct menura *new_machine(void)
{
    struct menura *m;

    config = menura_config_new();
    assert_true(menura_config_set(config, "m", "16M"));
    assert_true(menura_config_set(config, "smp", "2"));
    assert_true(menura_config_set(config, "rtc", "base=2026-01-31"));
    m = menura_new(config);
    if (!m)
        fail_msg("%s", menura_config_error(config));
    return m;
}

static void drop(struct menura *m)
{
    menura_free(m);
    menura_config_free(config);
}

static const char *ask(struct menura *m, const char *command)
{
    memset(&answer, 0, sizeof answer);
    menura_command(m, command, take, &answer);
    return answer.text;
}

static void help_lists_commands_and_unknown_ones_are_told(void **state)
{
    struct menura *m = new_machine();
    (void)state;

    assert_non_null(strstr(ask(m, "help"), "system_reset"));
    assert_non_null(strstr(ask(m, "info"), "registers"));
    assert_false(menura_command(m, "dance", take, &answer));
    assert_true(menura_command(m, "", take, &answer));
    drop(m);
}

static void registers_after_reset_are_the_manuals(void **state)
{
    struct menura *m = new_machine();
    (void)state;

    ask(m,
        "info registers"); /* SDM vol 3A 9.1.4: the first instruction is at FFFFFFF0h */
    assert_non_null(strstr(answer.text, "real mode"));
    assert_non_null(strstr(answer.text, "rip 000000000000fff0"));
    assert_non_null(strstr(answer.text, "cs   f000 base 00000000ffff0000"));
    assert_non_null(strstr(ask(m, "info registers 1"), "waiting for a start-up IPI"));
    assert_non_null(strstr(ask(m, "info registers 2"), "CPUs 0 to 1"));
    drop(m);
}

static void looking_changes_nothing(void **state)
{
    static const char *const looks[] = {"info",
                                        "info registers -a",
                                        "info registers all",
                                        "info devices",
                                        "info timers",
                                        "info io",
                                        "info mem",
                                        "info memory",
                                        "info faults",
                                        "info status",
                                        "info version",
                                        "info devices com1",
                                        "info devices lapic0",
                                        "info devices rtc",
                                        "x/64xb 0",
                                        "x/4i $pc",
                                        "xp/8xg 0xfee00000",
                                        "xp/1xw 0x3f8",
                                        "hash",
                                        "cpu 1",
                                        "help"};
    struct menura *m = new_machine();
    uint64_t before = menura_hash(m);
    (void)state;

    for (unsigned n = 0; n < sizeof looks / sizeof *looks; n++) {
        ask(m, looks[n]);
        assert_true(answer.lines > 0 || !strncmp(looks[n], "cpu", 3));
        assert_true(menura_hash(m) == before);
    }
    drop(m);
}

static void examine_is_bounded_and_refuses_nonsense(void **state)
{
    static const char *const nonsense[] = {"x",
                                           "x/",
                                           "x/99999999999999999999x 0",
                                           "x/0x 0",
                                           "x/4q 0",
                                           "x/4x",
                                           "x/4x $nothing",
                                           "x/4x 0+",
                                           "x/4x 1 2",
                                           "xp/4096xg 0xffffffffffffffff",
                                           "x/4x $",
                                           "x//// 0",
                                           "info nothing",
                                           "info devices nothing",
                                           "step -1",
                                           "save",
                                           "load /nonexistent/x",
                                           "save /nonexistent/x",
                                           "cpu 77",
                                           "log loud",
                                           "step nothing"};
    struct menura *m = new_machine();
    (void)state;

    for (unsigned n = 0; n < sizeof nonsense / sizeof *nonsense; n++) {
        ask(m, nonsense[n]);
        assert_true(answer.lines > 0 && answer.lines < 5000);
        if (!strncmp(nonsense[n], "load", 4)) { /* what cannot be loaded cannot run */
            drop(m);
            m = new_machine();
        }
    }
    ask(m, "x/4096xb 0");
    assert_int_equal(answer.lines, 512);
    assert_int_equal((ask(m, "x/4097xb 0"), answer.lines), 1);
    drop(m);
}

static void expressions_add_and_subtract(void **state)
{
    struct menura *m = new_machine();
    (void)state;

    assert_non_null(
        strstr(ask(m, "xp/1xb $rip-0xfff0+0x10-16"), "0000000000000000: 0x00"));
    drop(m);
}

static void random_bytes_are_no_danger(void **state)
{
    struct menura *m = new_machine();
    uint64_t x = 88172645463325252ull;
    (void)state;

    for (unsigned round = 0; round < 2000; round++) {
        static const char *const begin[] = {
            "x/",   "xp/", "info ", "info devices ", "cpu ", "info registers ",
            "log ", "x $", ""};
        char text[64];
        size_t n;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        n = (size_t)snprintf(text, sizeof text, "%s", begin[x % 9]);
        for (unsigned k = 0; k < 6; k++)
            text[n++] = "0123456789xbhwgiduoc $+-/rips"[(x >> (8 + 8 * k)) % 29];
        text[n] = 0;
        memset(&answer, 0, sizeof answer);
        menura_command(m, text, take, &answer);
    }
    drop(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_commands_and_unknown_ones_are_told),
        cmocka_unit_test(registers_after_reset_are_the_manuals),
        cmocka_unit_test(looking_changes_nothing),
        cmocka_unit_test(examine_is_bounded_and_refuses_nonsense),
        cmocka_unit_test(expressions_add_and_subtract),
        cmocka_unit_test(random_bytes_are_no_danger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
