/* The monitor's commands that look at the screen, on a VGA without a machine. */
#include "tests/unit/devices/vga_rig.h"

#include "debug/monitor.h"

#include <stdio.h>
#include <unistd.h>

struct heard {
    char line[64][256];
    unsigned lines;
};

static void hear(void *to, const char *text)
{
    struct heard *h = to;
    if (h->lines < 64)
        snprintf(h->line[h->lines++], sizeof h->line[0], "%s", text);
}

static const struct screen *screen_of_card(void *owner)
{
    struct card *c = owner;
    return c ? vga_screen(c->d) : NULL;
}

static struct heard ask(struct card *c, const char *command)
{
    struct heard h = {.lines = 0};
    struct monitor m = {.screen = screen_of_card, .owner = c, .line = hear, .to = &h};

    assert_true(monitor_command(&m, command));
    return h;
}

static void text_is_told_line_by_line_in_utf_8(void **state)
{
    static const char words[] = "C:\\>\x81\xdb";
    struct card *c = card_new(256 << 10);
    struct heard h;
    (void)state;

    set_mode(c, &mode_3);
    for (unsigned i = 0; i < 2000; i++)
        poke(c, B8000 + 2 * i, 2, 0x0720);
    for (unsigned i = 0; words[i]; i++)
        poke(c, B8000 + 160 + 2 * i, 1, (uint8_t)words[i]);
    cr(c, 0x0f, 87);
    h = ask(c, "screen");
    assert_int_equal(h.lines, 26);
    assert_string_equal(h.line[0], "");
    assert_string_equal(h.line[1], "C:\\>\xc3\xbc\xe2\x96\x88");
    assert_string_equal(h.line[25], "cursor at column 7, row 1 of 80x25");
    set_mode(c, &mode_13);
    h = ask(c, "screen");
    assert_non_null(strstr(h.line[0], "not in a text mode"));
    card_free(c);
}

static void screendump_writes_a_png(void **state)
{
    char file[] = "/tmp/menura-test-XXXXXX", command[64];
    struct card *c = card_new(256 << 10);
    uint8_t head[24];
    struct heard h;
    FILE *f;
    (void)state;

    close(mkstemp(file));
    snprintf(command, sizeof command, "screendump %s", file);
    h = ask(c, command);
    assert_non_null(strstr(h.line[0], "no mode is set"));
    set_mode(c, &mode_3);
    h = ask(c, command);
    assert_string_equal(h.line[0], "screendump: 720x400 pixels");
    f = fopen(file, "rb");
    assert_non_null(f);
    assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
    fclose(f);
    unlink(file);
    assert_memory_equal(head, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\xd0\0\0\x01\x90",
                        24);
    h = ask(c, "screendump /nowhere/x.png");
    assert_non_null(strstr(h.line[0], "/nowhere/x.png"));
    card_free(c);
}

static void a_machine_without_a_card_says_so(void **state)
{
    struct heard h = ask(NULL, "screendump x.png");
    (void)state;

    assert_string_equal(h.line[0], "this machine has no graphics card");
    h = ask(NULL, "screen");
    assert_string_equal(h.line[0], "this machine has no graphics card");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_told_line_by_line_in_utf_8),
        cmocka_unit_test(screendump_writes_a_png),
        cmocka_unit_test(a_machine_without_a_card_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
