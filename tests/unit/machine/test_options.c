/* test_options.c - the option table: names, values, files, suggestions. */
#include "machine/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool set(struct options *o, const char *name, const char *value)
{
    struct error e;
    return options_set(o, name, value, &e);
}

static bool line(struct options *o, int count, const char *const *word, struct error *e)
{
    return options_arguments(o, count, (char *const *)(uintptr_t)word, e);
}

static void memory_is_given_in_mebibytes_or_with_a_suffix(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"512", 512u << 20},  {"512M", 512u << 20},    {"2G", 2ull << 30},
                {"1024k", 1u << 20},  {"size=1G", 1ull << 30}, {"0x10", 16u << 20},
                {"16MiB", 16u << 20}, {"512G", 512ull << 30}};
    static const char *const bad[] = {"0",
                                      "1T",
                                      "513G",
                                      "1K",
                                      "-1",
                                      "12X",
                                      "",
                                      "1025k1",
                                      "18446744073709551616",
                                      "17592186044416",
                                      "1G2",
                                      "wheels=4",
                                      "1026K"};
    struct options *o = options_new();
    (void)state;

    assert_int_equal(o->machine.ram, 512u << 20);
    for (unsigned n = 0; n < ARRAY_SIZE(good); n++) {
        assert_true(set(o, "m", good[n].text));
        assert_int_equal(o->machine.ram, good[n].bytes);
    }
    for (unsigned n = 0; n < ARRAY_SIZE(bad); n++)
        assert_false(set(o, "m", bad[n]));
    options_drop(o);
}

static void a_count_of_cpus_is_a_number_or_a_topology(void **state)
{
    struct options *o = options_new();
    (void)state;

    assert_true(set(o, "smp", "4"));
    assert_int_equal(o->machine.cpus, 4);
    assert_true(set(o, "smp", "cpus=3,sockets=1,cores=3"));
    assert_int_equal(o->machine.cpus, 3);
    assert_true(set(o, "smp", "sockets=2,cores=4,threads=2"));
    assert_int_equal(o->machine.cpus, 16);
    assert_false(set(o, "smp", "0"));
    assert_false(set(o, "smp", "65"));
    assert_false(set(o, "smp", "sockets=64,cores=64"));
    options_drop(o);
}

static void a_date_counts_from_1970_and_knows_leap_years(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {{"base=1970-01-01", 0},
                {"base=2000-02-29T00:00:00", 951782400},
                {"base=2026-01-31T12:34:56,clock=vm", 1769862896},
                {"base=2038-01-19T03:14:08", 2147483648}};
    static const char *const bad[] = {"base=2023-02-29", "base=1900-01-01",
                                      "base=2026-13-01", "base=2026-01-31 12:00",
                                      "base=20260131",   "base=2026-01-31T25:00:00",
                                      "base=",           "when=now"};
    struct options *o = options_new();
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(good); n++) {
        assert_true(set(o, "rtc", good[n].text));
        assert_true(o->machine.rtc_base == good[n].seconds);
    }
    for (unsigned n = 0; n < ARRAY_SIZE(bad); n++)
        assert_false(set(o, "rtc", bad[n]));
    options_drop(o);
}

static void one_dash_or_two_and_a_space_or_an_equals_sign_mean_the_same(void **state)
{
    static const char *const forms[][2] = {
        {"-m", "64M"}, {"--m", "64M"}, {"-m=64M", NULL}, {"--memory=64M", NULL}};
    struct error e;
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(forms); n++) {
        struct options *o = options_new();
        assert_true(line(o, forms[n][1] ? 2 : 1, forms[n], &e));
        assert_int_equal(o->machine.ram, 64u << 20);
        options_drop(o);
    }
}

static void a_word_without_dash_is_the_kernel_and_there_is_one(void **state)
{
    static const char *const words[] = {"-hash",  "vmlinuz", "-append",
                                        "-a = b", "--",      "-x"};
    struct options *o = options_new();
    struct error e;
    (void)state;

    assert_true(line(o, 4, words, &e));
    assert_string_equal(o->machine.kernel, "vmlinuz");
    assert_string_equal(o->machine.append, "-a = b");
    assert_string_equal(options_get(o, "hash"), "on");
    assert_false(line(o, 6, words, &e));
    options_drop(o);
}

static void an_unknown_option_names_the_nearest_one(void **state)
{
    static const char *const pairs[][2] = {{"kernal", "-kernel"},
                                           {"apend", "-append"},
                                           {"no-rebot", "-no-reboot"},
                                           {"seriall", "-serial"},
                                           {"inirtd", "-initrd"}};
    struct options *o = options_new();
    struct error e;
    char name[200];
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(pairs); n++) {
        assert_false(options_set(o, pairs[n][0], "x", &e));
        assert_non_null(strstr(e.text, pairs[n][1]));
    }
    assert_false(options_set(o, "qqqqqqqqqq", "x", &e));
    assert_null(strstr(e.text, "did you mean"));
    memset(name, 'm', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_false(options_set(o, name, "x", &e));
    assert_false(options_set(o, "", "x", &e));
    options_drop(o);
}

static void every_name_in_the_table_is_there_once(void **state)
{
    char seen[256][64];
    unsigned count = 0;
    (void)state;

    for (unsigned id = 0; id < OPTIONS; id++)
        for (const char *at = option_rows[id].names; at && *at;) {
            size_t n = strcspn(at, "|");
            assert_true(n > 0 && n < 64 && count < 256);
            memcpy(seen[count], at, n);
            seen[count][n] = 0;
            for (unsigned k = 0; k < count; k++)
                assert_string_not_equal(seen[k], seen[count]);
            count++;
            at += n + (at[n] == '|');
        }
}

static void a_switch_takes_on_and_off_and_nothing_else(void **state)
{
    struct options *o = options_new();
    (void)state;

    assert_true(set(o, "hash", NULL));
    assert_string_equal(options_get(o, "hash"), "on");
    assert_true(set(o, "hash", "off"));
    assert_null(options_get(o, "hash"));
    assert_false(set(o, "hash", "perhaps"));
    assert_false(set(o, "m", NULL));
    options_drop(o);
}

static void a_debug_exit_device_has_qemus_ports(void **state)
{
    struct options *o = options_new();
    (void)state;

    assert_true(set(o, "device", "isa-debug-exit"));
    assert_int_equal(o->machine.debug_exit_port, 0x501);
    assert_int_equal(o->machine.debug_exit_size, 2);
    assert_true(set(o, "device", "isa-debug-exit,iobase=0xf4,iosize=0x04"));
    assert_true(o->machine.debug_exit);
    assert_int_equal(o->machine.debug_exit_port, 0xf4);
    assert_int_equal(o->machine.debug_exit_size, 4);
    assert_false(set(o, "device", "isa-debug-exit,iobase=0x10000"));
    assert_false(set(o, "device", "isa-debug-exit,iosize=5"));
    assert_false(set(o, "device", "isa-debug-exit,=,"));
    options_drop(o);
}

static void the_graphics_card_has_qemus_properties(void **state)
{
    static const char *const wrong[] = {
        "VGA,xres=300",      "VGA,xres=2561",  "VGA,yres=0", "VGA,vgamem_mb=3",
        "VGA,vgamem_mb=128", "VGA,edid=maybe", "VGA,x=1",    "VGA=1",
        "vga,xres=640"};
    struct options *o = options_new();
    (void)state;

    assert_true(set(o, "device", "VGA,id=screen,xres=1280,yres=800,edid=off"));
    assert_true(o->machine.vga && o->machine.vga_no_edid);
    assert_int_equal(o->machine.vga_width, 1280);
    assert_int_equal(o->machine.vga_height, 800);
    assert_string_equal(options_get(o, "vga"), "std"); /* front ends ask for that */
    assert_true(set(o, "global", "VGA.vgamem_mb=32"));
    assert_int_equal(o->machine.vga_mb, 32);
    assert_true(set(o, "global", "VGA.edid=on"));
    assert_false(o->machine.vga_no_edid);
    assert_true(set(o, "global", "isa-debugcon.iobase=0x402"));
    assert_int_equal(o->machine.debugcon_port, 0x402);
    assert_false(set(o, "global", "VGA.xres"));
    assert_false(set(o, "global", "VGA"));
    assert_false(set(o, "global", "VGA.xres=640,yres=480"));
    assert_false(set(o, "global", "isa-debugcon=0x402"));
    assert_false(set(o, "device", "isa-debugcon,iobase=0x402"));
    for (unsigned n = 0; n < sizeof wrong / sizeof *wrong; n++)
        assert_false(set(o, "device", wrong[n]));
    options_drop(o);
}

/* Whatever bytes a configuration holds, the answer is yes, or no with a sentence. */
static void a_random_configuration_file_is_refused_or_read_never_more(void **state)
{
    static const char file[] = "test_options.conf";
    uint64_t x = 88172645463325252ull;
    (void)state;

    for (unsigned round = 0; round < 300; round++) {
        struct options *o = options_new();
        struct error e = {""};
        FILE *f = fopen(file, "wb");
        for (unsigned n = 0; n < 200; n++) {
            static const char set_of[] = "m=snpk \n\r\t#,=0123cuegd-_\\\"'%";
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            fputc(x & 0xf00 ? set_of[x % (sizeof set_of - 1)] : (int)(x >> 16 & 0xff),
                  f);
        }
        fclose(f);
        if (!options_read(o, file, &e))
            assert_true(e.text[0]);
        options_drop(o);
    }
    remove(file);
}

static void count_lines(void *to, const char *text)
{
    assert_null(strchr(text, '\n'));
    ++*(unsigned *)to;
}

static void every_page_names_every_option(void **state)
{
    static const char *const pages[] = {"help", "man", "markdown",
                                        "bash", "zsh", "fish"};
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(pages); n++) {
        unsigned lines = 0;
        assert_true(options_page(pages[n], count_lines, &lines));
        assert_true(lines > 40);
    }
    assert_false(options_page("pdf", count_lines, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_given_in_mebibytes_or_with_a_suffix),
        cmocka_unit_test(a_count_of_cpus_is_a_number_or_a_topology),
        cmocka_unit_test(a_date_counts_from_1970_and_knows_leap_years),
        cmocka_unit_test(one_dash_or_two_and_a_space_or_an_equals_sign_mean_the_same),
        cmocka_unit_test(a_word_without_dash_is_the_kernel_and_there_is_one),
        cmocka_unit_test(an_unknown_option_names_the_nearest_one),
        cmocka_unit_test(every_name_in_the_table_is_there_once),
        cmocka_unit_test(a_switch_takes_on_and_off_and_nothing_else),
        cmocka_unit_test(a_debug_exit_device_has_qemus_ports),
        cmocka_unit_test(the_graphics_card_has_qemus_properties),
        cmocka_unit_test(a_random_configuration_file_is_refused_or_read_never_more),
        cmocka_unit_test(every_page_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
