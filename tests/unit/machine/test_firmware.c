/* Tests of machine/firmware.c: what the library holds is what a CPU can start in. */
#include "machine/firmware.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The reset vector, 16 bytes below the end: a far jump to F000:E05B (AT BIOS). */
static void the_bios_begins_with_a_jump_to_the_post(void **state)
{
    static const uint8_t jump[] = {0xea, 0x5b, 0xe0, 0x00, 0xf0};
    size_t n;
    const uint8_t *image = firmware_bios(&n);
    (void)state;

    assert_int_equal(n, 128 << 10);
    assert_memory_equal(image + n - 16, jump, sizeof jump);
}

/* F000:FFFE tells the model: FCh, an AT. */
static void the_bios_is_an_at(void **state)
{
    size_t n;
    const uint8_t *image = firmware_bios(&n);
    (void)state;

    assert_int_equal(image[n - 2], 0xfc);
}

/* PCI Local Bus Specification 2.2, 6.3: 55AAh, size in 512 bytes, bytes add up to zero. */
static void a_vga_bios_is_an_option_rom(void **state)
{
    size_t n;
    const uint8_t *image = firmware_vga_bios(&n);
    uint8_t sum = 0;
    (void)state;

    if (!n)
        skip(); /* built without one */
    assert_int_equal(image[0], 0x55);
    assert_int_equal(image[1], 0xaa);
    assert_true(image[2] * (size_t)512 <= n);
    for (size_t i = 0; i < image[2] * (size_t)512; i++)
        sum = (uint8_t)(sum + image[i]);
    assert_int_equal(sum, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bios_begins_with_a_jump_to_the_post),
        cmocka_unit_test(the_bios_is_an_at),
        cmocka_unit_test(a_vga_bios_is_an_option_rom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
