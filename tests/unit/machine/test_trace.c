/* test_trace.c - -d exec tells what runs, each time; -d in_asm what is decoded, once. */
#include "menura.h"

#include "../../frontend/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* mov ecx, 200; dec ecx; jnz; cli; hlt. The loop gets hot when nothing traces it. */
static const unsigned char code[] = {0xb9, 0xc8, 0, 0, 0, 0x49, 0x75, 0xfd, 0xfa, 0xf4};

static char *text;
static size_t size;
static uint64_t hash;

static void trace(const char *items)
{
    static const char file[] = "test_trace.elf", log[] = "test_trace.txt";
    struct menura_config *config = menura_config_new();
    struct menura *m;
    FILE *f;

    assert_true(guest_write(file, code, sizeof code));
    assert_true(menura_config_set(config, "m", "16M"));
    assert_true(menura_config_set(config, "kernel", file));
    assert_true(menura_config_set(config, "rtc", "base=2026-01-31"));
    assert_true(menura_config_set(config, "D", log));
    assert_true(menura_config_set(config, "d", items));
    m = menura_new(config);
    if (!m)
        fail_msg("%s", menura_config_error(config));
    assert_int_equal(menura_run(m, 100000), MENURA_END_HALTED);
    hash = menura_hash(m);
    menura_free(m);
    menura_config_free(config);
    f = fopen(log, "rb");
    assert_non_null(f);
    free(text);
    text = calloc(1, 1 << 20);
    assert_non_null(text);
    size = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    remove(log);
    remove(file);
}

/* Lines that tell of the instruction at that address. */
static unsigned lines_of(uint64_t rip)
{
    char mark[32];
    unsigned n = 0;

    snprintf(mark, sizeof mark, ":%016llx ", (unsigned long long)rip);
    for (const char *at = text; (at = strstr(at, mark)); at++)
        n++;
    return n;
}

static void exec_tells_each_instruction_as_often_as_it_runs(void **state)
{
    (void)state;
    trace("exec");
    assert_int_equal(lines_of(0x100000), 1);
    assert_int_equal(lines_of(0x100005), 200);
    assert_int_equal(lines_of(0x100006), 200);
    assert_int_equal(lines_of(0x100009), 1);
}

static void in_asm_tells_each_block_once(void **state)
{
    (void)state;
    trace("in_asm");
    assert_int_equal(lines_of(0x100000), 1);
    /* Once as it is run into, and once as the jump's target. */
    assert_int_equal(lines_of(0x100005), 2);
    assert_int_equal(lines_of(0x100006), 2);
    assert_non_null(strstr(text, "new code"));
}

static void both_tell_both(void **state)
{
    (void)state;
    trace("in_asm,exec");
    assert_int_equal(lines_of(0x100005), 201);
    assert_int_equal(lines_of(0x100009), 2);
}

static void the_guest_sees_no_trace(void **state)
{
    uint64_t first;
    (void)state;
    trace("info");
    first = hash;
    trace("in_asm");
    assert_true(hash == first);
    trace("exec,cpu,int,in_asm");
    assert_true(hash == first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exec_tells_each_instruction_as_often_as_it_runs),
        cmocka_unit_test(in_asm_tells_each_block_once),
        cmocka_unit_test(both_tell_both),
        cmocka_unit_test(the_guest_sees_no_trace),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
