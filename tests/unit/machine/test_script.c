/* Tests of machine/script.c and machine/script_run.c: what is refused, and each command's
 * success and failure with a guest that answers keys and serial input.
 */
#define _POSIX_C_SOURCE 200809L
#include "menura.h"

#include "machine/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* ---- reading ---- */

static const struct {
    const char *text, *why;
} wrong[] = {
    {"frobnicate", "no command 'frobnicate'"},
    {"wait", "no command 'wait'"},
    {"wait serial", "something is missing"},
    {"wait serial ready", "should be a text in quotes"},
    {"\"wait\" serial \"a\"", "no command"},
    {"wait serial \"\"", "the text is empty"},
    {"wait serial \"a\\rb\"", "never matches"},
    {"wait serial \"a", "has no end"},
    {"wait serial \"a\"within 3s", "right behind a text"},
    {"wait serial \"a\\q\"", "no '\\q'"},
    {"wait serial \"a\\x4\"", "two hexadecimal digits"},
    {"wait serial \"a\\", "no '\\?'"},
    {"wait serial \"a\" after 3s", "not understood"},
    {"wait serial \"a\" within", "something is missing"},
    {"wait serial \"a\" within 3s please", "too much"},
    {"wait serial \"a\" within 3", "'3' is no time"},
    {"wait serial \"a\" within 3h", "'3h' is no time"},
    {"wait serial \"a\" within -3s", "'-3s' is no time"},
    {"wait serial \"a\" within 99999999999999999999s", "is no time"},
    {"wait serial \"a\" within \"3s\"", "'3s' is no time"},
    {"wait screen \"a\\nb\"", "no row of a screen"},
    {"wait end never", "does not end by 'never'"},
    {"sleep", "something is missing"},
    {"sleep s", "'s' is no time"},
    {"sleep 1000001s", "is no time"},
    {"type \"\xc3\xa4\"", "cannot type character c3h"},
    {"type \"\\x00\"", "cannot type character 00h"},
    {"key nokey", "no key 'nokey'"},
    {"key", "something is missing"},
    {"send monitor \"a\\nb\"", "one line at a time"},
    {"send serial \"a\"", "no command 'send serial'"},
    {"expect hash 123", "'123' is no hash"},
    {"expect hash 000000000000000g", "is no hash"},
    {"expect no hash 0000000000000000", "no command"},
    {"screen \"a\"", "too much"},
    {"screenshot \"\"", "no file's name"},
    {"screenshot \"a\\x00b\"", "no file's name"},
    {"exit 256", "'256' is no exit code"},
    {"exit -1", "is no exit code"},
    {"print a b c d e f g h i", "too many words"},
    {"insert cdrom a.iso", "no command 'insert cdrom'"},
};

static void each_error_names_file_line_and_reason(void **state)
{
    (void)state;
    for (unsigned n = 0; n < COUNT(wrong); n++) {
        struct error e = {""};
        char text[200];
        snprintf(text, sizeof text, "# a comment\n\nprint \"fine\"\n%s\nexit 0\n",
                 wrong[n].text);
        if (script_parse("a.script", text, strlen(text), &e))
            fail_msg("'%s' was taken", wrong[n].text);
        if (!strstr(e.text, "script 'a.script', line 4: ") ||
            !strstr(e.text, wrong[n].why))
            fail_msg("'%s': %s", wrong[n].text, e.text);
    }
}

static void words_and_operands_are_read(void **state)
{
    static const char text[] = "  wait serial \"a\\n\\t\\\\\\\"\\x41#\" within 5m # b\r\n"
                               "\tsleep 20ms\n#\nkey ctrl-alt-delete\n"
                               "expect hash 0123456789abcDEF\n"
                               "wait idle 3s\nexit 7";
    struct error e;
    struct script *s = script_parse("a", text, sizeof text - 1, &e);
    (void)state;
    assert_non_null(s);
    assert_int_equal(s->steps, 6);
    assert_int_equal(s->step[0].size, 7);
    assert_memory_equal(s->step[0].text, "a\n\t\\\"A#", 8);
    assert_true(s->step[0].within == 300000000000u);
    assert_string_equal(s->step[1].source, "sleep 20ms");
    assert_true(s->step[1].ns == 20000000);
    assert_int_equal(s->step[2].line, 4);
    assert_string_equal(s->step[2].text, "ctrl-alt-delete");
    assert_true(s->step[3].number == 0x0123456789abcdefu);
    assert_true(s->step[4].ns == 3000000000u && s->step[4].within == 60000000000u);
    assert_true(s->step[5].number == 7 && s->step[5].what == SCRIPT_EXIT);
    script_free(s);
}

static void every_beginning_of_a_script_is_read_or_refused(void **state)
{
    static const char text[] = "wait serial \"a\\x41\\\"\" within 5s\nkey ret\nexit 7";
    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = malloc(n ? n : 1); /* so that a sanitizer sees its end */
        struct error e;
        memcpy(copy, text, n);
        script_free(script_parse("a", copy, n, &e));
        free(copy);
    }
}

/* ---- running ---- */

/* A boot sector. It shows "ready ä> ", sends "hello\r\nline two\r\nprompt: ", and then
 * shows each key and sends back each byte from COM1. H halts for ever, R resets by the
 * keyboard controller, D writes its code to port F4h.
 */
static const uint8_t sector[] = {
    0x31, 0xc0, 0x8e, 0xd8, 0xfc,             /* xor ax, ax; mov ds, ax; cld */
    0xba, 0xfc, 0x03, 0xb0, 0x03, 0xee,       /* mov dx, 3fch; mov al, 3; out dx, al */
    0xbe, 0x78, 0x7c,                         /* mov si, ready */
    0xac, 0x84, 0xc0, 0x74, 0x05,             /* 7c0e: lodsb; test al, al; jz 7c18 */
    0xe8, 0x4a, 0x00, 0xeb, 0xf6,             /* call show; jmp 7c0e */
    0xbe, 0x82, 0x7c,                         /* 7c18: mov si, hello */
    0xac, 0x84, 0xc0, 0x74, 0x05,             /* 7c1b: lodsb; test al, al; jz main */
    0xe8, 0x44, 0x00, 0xeb, 0xf6,             /* call send; jmp 7c1b */
    0xb4, 0x01, 0xcd, 0x16, 0x74, 0x15,       /* main: mov ah, 1; int 16h; jz line */
    0xb4, 0x00, 0xcd, 0x16,                   /* mov ah, 0; int 16h */
    0x3c, 0x48, 0x74, 0x21,                   /* cmp al, 'H'; je halt */
    0x3c, 0x52, 0x74, 0x1f,                   /* cmp al, 'R'; je reset */
    0x3c, 0x44, 0x74, 0x21,                   /* cmp al, 'D'; je exit */
    0xe8, 0x22, 0x00, 0xeb, 0xe5,             /* call show; jmp main */
    0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01,       /* line: mov dx, 3fdh; in al, dx; test al, 1 */
    0x74, 0x09, 0xba, 0xf8, 0x03, 0xec,       /* jz rest; mov dx, 3f8h; in al, dx */
    0xe8, 0x18, 0x00, 0xeb, 0xd4,             /* call send; jmp main */
    0xf4, 0xeb, 0xd1,                         /* rest: hlt; jmp main */
    0xfa, 0xf4,                               /* halt: cli; hlt */
    0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe,       /* reset: mov al, 0feh; out 64h, al; jmp $ */
    0xe6, 0xf4, 0xeb, 0xfe,                   /* exit: out 0f4h, al; jmp $ */
    0xb4, 0x0e, 0x31, 0xdb, 0xcd, 0x10, 0xc3, /* show: mov ah, 0eh; ...; int 10h; ret */
    0x88, 0xc4, 0xba, 0xfd, 0x03,             /* send: mov ah, al; mov dx, 3fdh */
    0xec, 0xa8, 0x20, 0x74, 0xfb,             /* in al, dx; test al, 20h; jz */
    0x88, 0xe0, 0xba, 0xf8, 0x03, 0xee, 0xc3, /* mov al, ah; mov dx, 3f8h; out; ret */
    'r', 'e', 'a', 'd', 'y', ' ', 0x84, '>', ' ', 0,
    'h', 'e', 'l', 'l', 'o', 13, 10, 'l', 'i', 'n', 'e', ' ', 't', 'w', 'o', 13, 10,
    'p', 'r', 'o', 'm', 'p', 't', ':', ' ', 0};

static char folder[] = "/tmp/menura-script-XXXXXX", floppy[64], file[64], picture[64];

static int make_files(void **state)
{
    static uint8_t image[1440 * 1024];
    FILE *f;
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(floppy, sizeof floppy, "%s/a.img", folder);
    snprintf(file, sizeof file, "%s/a.script", folder);
    snprintf(picture, sizeof picture, "%s/a.png", folder);
    memcpy(image, sector, sizeof sector);
    image[510] = 0x55;
    image[511] = 0xaa;
    f = fopen(floppy, "wb");
    return !f || fwrite(image, sizeof image, 1, f) != 1 || fclose(f) ? -1 : 0;
}

static int remove_files(void **state)
{
    (void)state;
    remove(floppy);
    remove(file);
    remove(picture);
    return rmdir(folder);
}

struct heard {
    char text[65536];
    size_t size;
};

static struct heard told, printed, sent;

static void keep(struct heard *h, const char *text, size_t n)
{
    if (n >= sizeof h->text - h->size)
        n = sizeof h->text - h->size - 1;
    memcpy(h->text + h->size, text, n);
    h->size += n;
    h->text[h->size] = 0;
}

static void hear(void *to, enum menura_level level, const char *part, const char *line)
{
    (void)level;
    if (!strcmp(part, "script")) {
        keep(to, line, strlen(line));
        keep(to, "\n", 1);
    }
}

static void print(void *to, const char *line)
{
    keep(to, line, strlen(line));
    keep(to, "\n", 1);
}

static void put(void *to, const uint8_t *bytes, size_t n)
{
    keep(to, (const char *)bytes, n);
}

struct run {
    enum menura_end end;
    int code;
    uint64_t count, hash;
};

/* slice: how much is asked of menura_run() at once; it must not matter. */
static struct run run_once(const char *text, uint64_t slice)
{
    struct menura_config *c = menura_config_new();
    struct menura *m;
    struct run r = {.end = MENURA_END_COUNT};
    FILE *f = fopen(file, "wb");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    told.size = printed.size = sent.size = 0;
    told.text[0] = printed.text[0] = sent.text[0] = 0;
    menura_config_log(c, hear, &told);
    menura_config_script(c, print, &printed);
    assert_true(menura_config_serial(c, 0, put, &sent));
    assert_true(menura_config_set(c, "m", "16M"));
    assert_true(menura_config_set(c, "ips", "10000000"));
    assert_true(menura_config_set(c, "rtc", "base=2026-01-31"));
    assert_true(menura_config_set(c, "no-reboot", NULL));
    assert_true(menura_config_set(c, "snapshot", NULL));
    assert_true(menura_config_set(c, "device", "isa-debug-exit,iobase=0xf4,iosize=4"));
    assert_true(menura_config_set(c, "fda", floppy));
    assert_true(menura_config_set(c, "boot", "a"));
    if (!menura_config_set(c, "script", file))
        fail_msg("%s", menura_config_error(c));
    m = menura_new(c);
    if (!m)
        fail_msg("%s", menura_config_error(c));
    while (r.end == MENURA_END_COUNT)
        r.end = menura_run(m, slice);
    r.code = menura_exit_code(m, r.end);
    r.count = menura_instructions(m);
    r.hash = menura_hash(m);
    menura_free(m);
    menura_config_free(c);
    return r;
}

static struct run run(const char *text)
{
    struct run a = run_once(text, MENURA_NO_LIMIT), b = run_once(text, 77777);

    assert_int_equal(a.end, b.end);
    assert_int_equal(a.code, b.code);
    assert_true(a.count == b.count);
    assert_true(a.hash == b.hash);
    return a;
}

static void succeeds(const char *text, int code)
{
    struct run r = run(text);

    if (r.end != MENURA_END_SCRIPT || r.code != code)
        fail_msg("'%s' ended by %d, code %d: %s", text, r.end, r.code, told.text);
    assert_string_equal(told.text, "");
}

static void fails(const char *text, const char *why)
{
    struct run r = run(text);

    if (r.end != MENURA_END_SCRIPT_FAILED || r.code != 16 || !strstr(told.text, why))
        fail_msg("'%s' ended by %d, code %d: %s", text, r.end, r.code, told.text);
}

static void waits_end_when_the_text_is_there(void **state)
{
    (void)state;
    succeeds("wait screen \"ready \xc3\xa4> \"\n"
             "wait serial \"hello\\nline\"\nwait serial \"prompt: \"\n"
             "type \"wOrd!\"\nwait screen \"> wOrd!\"\n"
             "key shift-x\nwait screen \"!X\" within 1s\n"
             "serial \"echo\\x01\"\nwait serial \"echo\\x01\"\n"
             "expect serial \"hello\"\nexpect no serial \"bye\"\n"
             "expect screen \"ready\"\nexpect no screen \"bye\"\n"
             "sleep 200ms\nwait idle 100ms\n",
             0);
    assert_non_null(strstr(sent.text, "hello\r\nline two\r\nprompt: echo\x01"));
}

static void waits_that_run_out_show_what_was_there(void **state)
{
    (void)state;
    fails("wait serial \"prompt\"\n\nwait serial \"nothing\" within 300ms",
          "a.script:3: wait serial \"nothing\" within 300ms: it did not come in time\n"
          "the last lines of the serial port:\n| hello\n| line two\n| prompt: \n");
    fails("wait screen \"ready\"\nwait screen \"nothing\" within 300ms",
          "a.script:2: wait screen \"nothing\" within 300ms: it did not come in time\n"
          "the screen:\n");
    assert_non_null(strstr(told.text, "| ready \xc3\xa4>\n"));
    fails("wait serial \"nothing\" within 1ms", "the serial port has sent nothing");
    fails("wait idle 2s within 1s", "it did not come in time");
    fails("wait serial \"prompt\"\nwait end halt within 100ms", "in time");
}

static void text_is_waited_for_once(void **state)
{
    (void)state;
    fails("wait serial \"hello\"\nwait serial \"hello\" within 500ms", "a.script:2:");
    fails("wait serial \"two\"\nwait serial \"hello\" within 500ms", "a.script:2:");
}

static void expectations_are_about_now(void **state)
{
    (void)state;
    fails("expect screen \"ready\"", "a.script:1: expect screen \"ready\": it is not so");
    fails("wait screen \"ready\"\nexpect no screen \"ready\"", "a.script:2:");
    fails("expect serial \"hello\"", "it is not so");
    fails("wait serial \"prompt\"\nexpect no serial \"line two\"", "it was sent");
    fails("expect hash 0000000000000000", "the hash is ");
}

static void the_hash_that_it_prints_is_the_hash_that_it_has(void **state)
{
    char again[200];
    const char *at;
    (void)state;
    succeeds("wait serial \"prompt\"\nsend monitor \"hash\"\n", 0);
    for (at = printed.text; strspn(at, "0123456789abcdef") < 16; at++)
        if (!*at)
            fail_msg("no hash in '%s'", printed.text);
    snprintf(again, sizeof again, "wait serial \"prompt\"\nexpect hash %.16s", at);
    succeeds(again, 0);
}

static void it_prints(void **state)
{
    (void)state;
    succeeds("print \"one\\ntwo\"\nprint \"\"\nprint \"three\\n\"\nwait screen \"ready\"\n"
             "screen\nsend monitor \"info version\"\nexit 42\nprint \"never\"\n",
             42);
    assert_int_equal(strncmp(printed.text, "one\ntwo\n\nthree\n", 15), 0);
    assert_non_null(strstr(printed.text, "\nready \xc3\xa4>\n"));
    assert_null(strstr(printed.text, "never"));
}

static void the_monitor_s_refusal_fails(void **state)
{
    (void)state;
    fails("send monitor \"frobnicate\"", "the monitor did not understand");
    fails("send monitor \"stop\"\nsleep 1s", "the machine is stopped");
    succeeds("send monitor \"stop\"\nsend monitor \"cont\"\nsleep 1ms", 0);
}

static void a_picture_is_written_and_the_same_each_time(void **state)
{
    static char first[1 << 20], second[1 << 20]; /* 720x400 pixels of 3 bytes fit */
    char text[200];
    size_t size;
    FILE *f;
    (void)state;
    snprintf(text, sizeof text, "wait screen \"ready\"\nscreenshot \"%s\"", picture);
    run_once(text, MENURA_NO_LIMIT);
    f = fopen(picture, "rb");
    assert_non_null(f);
    size = fread(first, 1, sizeof first, f);
    fclose(f);
    assert_true(size > 100 && size < sizeof first);
    assert_memory_equal(first, "\x89PNG", 4);
    remove(picture);
    succeeds(text, 0);
    f = fopen(picture, "rb");
    assert_non_null(f);
    assert_true(fread(second, 1, sizeof second, f) == size);
    fclose(f);
    assert_memory_equal(first, second, size);
    fails("screenshot \"/nonexistent/a.png\"", "a.script:1: ");
    fails("save \"/nonexistent/a.snapshot\"", "a.script:1: ");
}

static void the_guest_s_end_is_waited_for_or_a_failure(void **state)
{
    (void)state;
    succeeds("wait screen \"ready\"\ntype \"H\"\nwait end halt\nexpect screen \"ready\"\n"
             "wait end any\nexit 3",
             3);
    succeeds("wait screen \"ready\"\ntype \"R\"\nwait end reset", 0);
    succeeds("wait screen \"ready\"\ntype \"D\"\nwait end debug-exit", 0);
    fails("wait screen \"ready\"\ntype \"H\"\nwait end reset",
          "the run ended before: every CPU is halted for ever");
    fails("wait screen \"ready\"\ntype \"H\"\nsleep 5s", "the run ended before");
    fails("wait screen \"ready\"\ntype \"H\"\nwait end any\nsleep 1s",
          "a.script:4: sleep 1s: every CPU is halted");
}

static void too_much_input_at_once_fails(void **state)
{
    static char text[6 * 16100];
    (void)state;
    for (unsigned n = 0; n < 5; n++) {
        char *end = strcpy(text + strlen(text), "serial \"") + 8;
        memset(end, 'x', 16000);
        strcpy(end + 16000, "\"\n");
    }
    fails(text, "a.script:5: ");
}

static void com1_must_be_there(void **state)
{
    struct menura_config *c = menura_config_new();
    FILE *f = fopen(file, "wb");
    (void)state;
    fputs("wait serial \"a\"\n", f);
    fclose(f);
    assert_true(menura_config_set(c, "fda", floppy));
    assert_true(menura_config_set(c, "serial", "none"));
    assert_true(menura_config_set(c, "script", file));
    assert_null(menura_new(c));
    assert_non_null(strstr(menura_config_error(c), "nothing is plugged in"));
    assert_false(menura_config_set(c, "script", file));
    assert_non_null(strstr(menura_config_error(c), "given twice"));
    menura_config_free(c);
    c = menura_config_new();
    assert_false(menura_config_set(c, "script", "/nonexistent"));
    assert_non_null(strstr(menura_config_error(c), "'/nonexistent'"));
    assert_false(menura_config_set(c, "script", folder));
    menura_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_names_file_line_and_reason),
        cmocka_unit_test(words_and_operands_are_read),
        cmocka_unit_test(every_beginning_of_a_script_is_read_or_refused),
        cmocka_unit_test(waits_end_when_the_text_is_there),
        cmocka_unit_test(waits_that_run_out_show_what_was_there),
        cmocka_unit_test(text_is_waited_for_once),
        cmocka_unit_test(expectations_are_about_now),
        cmocka_unit_test(the_hash_that_it_prints_is_the_hash_that_it_has),
        cmocka_unit_test(it_prints),
        cmocka_unit_test(the_monitor_s_refusal_fails),
        cmocka_unit_test(a_picture_is_written_and_the_same_each_time),
        cmocka_unit_test(the_guest_s_end_is_waited_for_or_a_failure),
        cmocka_unit_test(too_much_input_at_once_fails),
        cmocka_unit_test(com1_must_be_there),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
