/* The floating-point environment of the program around a library is neither the guest's
 * business nor changed by it. */
#include "menura.h"

#include "../../frontend/guest.h"

#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { DATA = 0x80 };

/* A thousand inexact sums and products of doubles, in a loop that gets hot. */
static const unsigned char loop[] = {
    0x0f, 0x20, 0xe0, 0x0d, 0x00, 0x06, 0x00, 0x00, 0x0f, 0x22, 0xe0, /* CR4: OSFXSR */
    0x0f, 0xae, 0x15, 0x80, 0x00, 0x10, 0x00,       /* ldmxcsr [100080h] */
    0xf2, 0x0f, 0x10, 0x05, 0x90, 0x00, 0x10, 0x00, /* movsd xmm0, [100090h] */
    0xf2, 0x0f, 0x10, 0x0d, 0x98, 0x00, 0x10, 0x00, /* movsd xmm1, [100098h] */
    0xf2, 0x0f, 0x10, 0x15, 0xa0, 0x00, 0x10, 0x00, /* movsd xmm2, [1000a0h] */
    0xb9, 0xe8, 0x03, 0x00, 0x00,                   /* mov ecx, 1000 */
    0xf2, 0x0f, 0x58, 0xc1,                         /* addsd xmm0, xmm1 */
    0xf2, 0x0f, 0x59, 0xd1,                         /* mulsd xmm2, xmm1 */
    0x49, 0x75, 0xf5,                               /* dec ecx; jnz */
    0xfa, 0xf4,                                     /* cli; hlt */
};
static const unsigned char data[] = {
    0xa0, 0x1f, 0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0,    0, /* PE */
    0,    0,    0,    0,    0,    0,    0,    0,                               /* 0.0 */
    0xcd, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xec, 0x3f,                            /* 0.9 */
    0,    0,    0,    0,    0,    0,    0xf0, 0x3f,                            /* 1.0 */
};

static uint64_t hash_after(void)
{
    static const char file[] = "test_float.elf";
    unsigned char code[DATA + sizeof data] = {0};
    struct menura_config *config = menura_config_new();
    struct menura *m;
    uint64_t hash;

    memcpy(code, loop, sizeof loop);
    memcpy(code + DATA, data, sizeof data);
    assert_true(guest_write(file, code, sizeof code));
    assert_true(menura_config_set(config, "m", "16M"));
    assert_true(menura_config_set(config, "kernel", file));
    assert_true(menura_config_set(config, "rtc", "base=2026-01-31"));
    m = menura_new(config);
    if (!m)
        fail_msg("%s", menura_config_error(config));
    assert_int_equal(menura_run(m, 100000), MENURA_END_HALTED);
    hash = menura_hash(m);
    menura_free(m);
    menura_config_free(config);
    remove(file);
    return hash;
}

static void guests_round_as_they_say_whatever_the_program_has_set(void **state)
{
    static const int modes[] = {
#ifdef FE_UPWARD
        FE_UPWARD,
#endif
#ifdef FE_DOWNWARD
        FE_DOWNWARD,
#endif
#ifdef FE_TOWARDZERO
        FE_TOWARDZERO,
#endif
        FE_TONEAREST,
    };
    uint64_t nearest = hash_after();
    (void)state;

    for (size_t n = 0; n < sizeof modes / sizeof *modes; n++) {
        assert_int_equal(fesetround(modes[n]), 0);
        assert_true(hash_after() == nearest);
        assert_int_equal(fegetround(), modes[n]);
    }
}

static void the_programs_flags_stay_as_they_are(void **state)
{
    (void)state;
    feclearexcept(FE_ALL_EXCEPT);
    hash_after();
    assert_int_equal(fetestexcept(FE_ALL_EXCEPT), 0);
#ifdef FE_UNDERFLOW
    feraiseexcept(FE_UNDERFLOW);
    hash_after();
    assert_true(fetestexcept(FE_UNDERFLOW));
#endif
    feclearexcept(FE_ALL_EXCEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guests_round_as_they_say_whatever_the_program_has_set),
        cmocka_unit_test(the_programs_flags_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
