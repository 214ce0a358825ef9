/* What is told of a triple fault: its first fault first, then the instructions. */
#include "menura.h"

#include "../../frontend/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char told[16384];

static void hear(void *to, enum menura_level level, const char *part, const char *line)
{
    size_t n = strlen(told);
    (void)to, (void)level, (void)part;
    snprintf(told + n, sizeof told - n, "%s\n", line);
}

/* mov eax, 1; lidt [100010h], an IDT with limit 0; ud2 */
static const unsigned char code[] = {0xb8, 1, 0,    0, 0,    0x0f, 0x01, 0x1d,
                                     0x10, 0, 0x10, 0, 0x0f, 0x0b, 0,    0,
                                     0,    0, 0,    0, 0,    0};

static const char *run(const char *option)
{
    static const char file[] = "test_postmortem.elf";
    struct menura_config *config = menura_config_new();
    struct menura *m;

    told[0] = 0;
    assert_true(guest_write(file, code, sizeof code));
    menura_config_log(config, hear, NULL);
    assert_true(menura_config_set(config, "m", "16M"));
    assert_true(menura_config_set(config, "kernel", file));
    assert_true(menura_config_set(config, "no-reboot", "on"));
    if (option)
        assert_true(menura_config_set(config, option, "on"));
    m = menura_new(config);
    if (!m)
        fail_msg("%s", menura_config_error(config));
    assert_int_equal(menura_run(m, 1000), MENURA_END_TRIPLE_FAULT);
    menura_free(m);
    menura_config_free(config);
    remove(file);
    return told;
}

static void in_order(const char *text, const char *const *words)
{
    for (; *words; words++) {
        const char *at = strstr(text, *words);
        if (!at)
            fail_msg("no '%s' where it should be in:\n%s", *words, told);
        text = at + strlen(*words);
    }
}

static void the_chain_is_told_from_its_first_fault_on(void **state)
{
    (void)state;
    in_order(run(NULL), (const char *const[]){
                            "#UD at", "on its way: #GP", "on its way: #GP",
                            "together: #DF", "on its way: #GP", "up to the first",
                            ":00100000", ":00100005", ":0010000c", NULL});
}

static void with_one_instruction_blocks_the_path_is_the_same(void **state)
{
    (void)state;
    in_order(run("one-instruction-blocks"),
             (const char *const[]){"together: #DF",
                                   "the last instructions, oldest first", ":00100000",
                                   ":00100005", ":0010000c", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_is_told_from_its_first_fault_on),
        cmocka_unit_test(with_one_instruction_blocks_the_path_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
