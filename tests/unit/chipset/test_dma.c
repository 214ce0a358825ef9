/* The DMA controllers, programmed by ports and used as the floppy drive would. */
#include "rig.h"

#include "chipset/dma.h"
#include "chipset/port92.h"

static struct rig rig;
static struct device *dma;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, 1000000);
    dma = rig_add(&rig, &dma_class);
    rig_out(&rig, 0xd6, 0xc0); /* cascade on channel 4, unmasked */
    rig_out(&rig, 0xd4, 0x00);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_free(dma);
    rig_free(&rig);
    return 0;
}

static void program(uint8_t mode, uint8_t page, uint16_t address, uint16_t count)
{
    rig_out(&rig, 0x0a, 0x06);
    rig_out(&rig, 0x0c, 0);
    rig_out(&rig, 0x04, (uint8_t)address);
    rig_out(&rig, 0x04, (uint8_t)(address >> 8));
    rig_out(&rig, 0x05, (uint8_t)count);
    rig_out(&rig, 0x05, (uint8_t)(count >> 8));
    rig_out(&rig, 0x81, page);
    rig_out(&rig, 0x0b, mode);
    rig_out(&rig, 0x0a, 0x02);
}

static void a_transfer_ends_at_terminal_count_and_masks_the_channel(void **state)
{
    uint8_t bytes[16] = "0123456789abcdef";
    bool tc;
    (void)state;
    program(0x46, 1, 0x2000, 9);
    assert_int_equal(dma_transfer(dma, 2, DMA_TO_MEMORY, bytes, 4, &tc), 4);
    assert_false(tc);
    assert_int_equal(dma_transfer(dma, 2, DMA_TO_MEMORY, bytes + 4, 12, &tc), 6);
    assert_true(tc);
    assert_memory_equal(rig.ram + 0x12000, "0123456789\0\0", 12);
    assert_int_equal(rig_in(&rig, 0x08) & 0x0f, 0x04);
    assert_int_equal(rig_in(&rig, 0x08) & 0x0f, 0x00);
    assert_int_equal(dma_transfer(dma, 2, DMA_TO_MEMORY, bytes, 1, &tc), 0);
    rig_out(&rig, 0x0c, 0);
    assert_int_equal(rig_in(&rig, 0x05), 0xff);
    assert_int_equal(rig_in(&rig, 0x05), 0xff);
}

static void the_address_wraps_inside_its_page(void **state)
{
    uint8_t bytes[4] = {1, 2, 3, 4};
    bool tc;
    (void)state;
    program(0x46, 1, 0xfffe, 3);
    assert_int_equal(dma_transfer(dma, 2, DMA_TO_MEMORY, bytes, 4, &tc), 4);
    assert_int_equal(rig.ram[0x1ffff], 2);
    assert_int_equal(rig.ram[0x10000], 3);
    assert_int_equal(rig.ram[0x20000], 0);
}

static void autoinitialization_starts_over(void **state)
{
    uint8_t bytes[6] = {0};
    bool tc;
    (void)state;
    memcpy(rig.ram + 0x100, "abc", 3);
    program(0x5a, 0, 0x100, 2);
    assert_int_equal(dma_transfer(dma, 2, DMA_FROM_MEMORY, bytes, 6, &tc), 3);
    assert_true(tc);
    assert_int_equal(dma_transfer(dma, 2, DMA_FROM_MEMORY, bytes + 3, 3, &tc), 3);
    assert_memory_equal(bytes, "abcabc", 6);
}

static void counting_down_reverses_the_order(void **state)
{
    uint8_t bytes[3] = "xyz";
    bool tc;
    (void)state;
    program(0x66, 0, 0x202, 2);
    assert_int_equal(dma_transfer(dma, 2, DMA_TO_MEMORY, bytes, 3, &tc), 3);
    assert_memory_equal(rig.ram + 0x200, "zyx", 3);
}

static void sixteen_bit_channels_address_words(void **state)
{
    uint8_t bytes[5] = {1, 2, 3, 4, 5};
    bool tc;
    (void)state;
    rig_out(&rig, 0xd8, 0);
    rig_out(&rig, 0xc4, 0x00);
    rig_out(&rig, 0xc4, 0x08);
    rig_out(&rig, 0xc6, 0x01);
    rig_out(&rig, 0xc6, 0x00);
    rig_out(&rig, 0x8b, 0x03); /* bit 0 is not used */
    rig_out(&rig, 0xd6, 0x45);
    rig_out(&rig, 0xd4, 0x01);
    assert_int_equal(dma_transfer(dma, 5, DMA_TO_MEMORY, bytes, 5, &tc), 4);
    assert_true(tc);
    assert_memory_equal(rig.ram + 0x21000, bytes, 4);
}

static void what_is_not_memory_reads_as_ff_and_the_count_runs_on(void **state)
{
    uint8_t bytes[2] = {0};
    bool tc;
    (void)state;
    program(0x4a, 0x80, 0, 1);
    assert_int_equal(dma_transfer(dma, 2, DMA_FROM_MEMORY, bytes, 2, &tc), 2);
    assert_int_equal(bytes[0], 0xff);
    assert_true(tc);
}

static void what_firmware_sets_up_lets_the_lower_channels_through(void **state)
{
    (void)state;
    device_reset(dma);
    program(0x46, 1, 0x2000, 9);
    assert_false(dma_ready(dma, 2, DMA_TO_MEMORY));
    dma_set_up(dma);
    assert_true(dma_ready(dma, 2, DMA_TO_MEMORY));
    assert_int_equal(rig_in(&rig, 0xde) & 0xf, 0xe);
}

static void a_masked_cascade_stops_the_lower_channels(void **state)
{
    (void)state;
    program(0x46, 0, 0, 1);
    assert_true(dma_ready(dma, 2, DMA_TO_MEMORY));
    assert_false(dma_ready(dma, 2, DMA_FROM_MEMORY));
    rig_out(&rig, 0xd4, 0x04);
    assert_false(dma_ready(dma, 2, DMA_TO_MEMORY));
}

static void port_80_keeps_the_post_code(void **state)
{
    (void)state;
    rig_out(&rig, 0x80, 0x42);
    assert_int_equal(dma_post_code(dma), 0x42);
    assert_int_equal(rig_in(&rig, 0x80), 0x42);
}

/* Guests write 92h with all bits set; only a change of A20 may remap memory. */
static void the_a20_pin_moves_only_when_bit_1_changes(void **state)
{
    struct device *p = rig_add(&rig, &port92_class);
    struct probe a20, init;
    (void)state;
    rig_watch(&rig, p, "a20", &a20);
    rig_watch(&rig, p, "init", &init);
    rig_out(&rig, 0x92, 0x02);
    rig_out(&rig, 0x92, 0xfe);
    assert_int_equal(a20.rises + a20.falls, 1);
    assert_int_equal(init.rises, 0);
    rig_out(&rig, 0x92, 0x03);
    rig_out(&rig, 0x92, 0x03);
    assert_int_equal(init.rises, 1);
    device_free(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_transfer_ends_at_terminal_count_and_masks_the_channel),
        T(the_address_wraps_inside_its_page),
        T(autoinitialization_starts_over),
        T(counting_down_reverses_the_order),
        T(sixteen_bit_channels_address_words),
        T(what_is_not_memory_reads_as_ff_and_the_count_runs_on),
        T(what_firmware_sets_up_lets_the_lower_channels_through),
        T(a_masked_cascade_stops_the_lower_channels),
        T(port_80_keeps_the_post_code),
        T(the_a20_pin_moves_only_when_bit_1_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
