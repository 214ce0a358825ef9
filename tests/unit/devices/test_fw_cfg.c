/* Tests of devices/fw_cfg.c: selector, data, directory, DMA. */
#include "tests/unit/chipset/rig.h"

#include "base/byteorder.h"
#include "devices/fw_cfg.h"

enum { IPS = 1000000, REQUEST = 0x100, TARGET = 0x1000 };

struct world {
    struct rig rig;
    struct device *d;
    const char *fresh; /* what renew() gives */
    uint8_t taken[8];  /* what take() got */
    uint32_t taken_size;
};

static int set_up(void **state)
{
    static struct world w;
    rig_init(&w.rig, IPS);
    w.d = rig_add(&w.rig, &fw_cfg_class);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    device_free(w->d);
    rig_free(&w->rig);
    return 0;
}

static void select_key(struct world *w, uint16_t key)
{
    rig_io(&w->rig.ports, 0x510, 2, true, key);
}

static uint8_t next(struct world *w)
{
    return rig_in(&w->rig, 0x511);
}

static void expect(struct world *w, const char *bytes, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        assert_int_equal(next(w), (uint8_t)bytes[k]);
}

static uint32_t big(const uint8_t *p)
{
    return bswap32(load32(p));
}

/* Starts a DMA and gives its control field as it stands then. */
static uint32_t dma(struct world *w, uint32_t control, uint32_t length, uint64_t to)
{
    uint8_t *q = w->rig.ram + REQUEST;

    store32(q, bswap32(control));
    store32(q + 4, bswap32(length));
    store32(q + 8, bswap32((uint32_t)(to >> 32)));
    store32(q + 12, bswap32((uint32_t)to));
    rig_out32(&w->rig, 0x514, 0);
    rig_out32(&w->rig, 0x518, bswap32(REQUEST));
    return big(q);
}

static void the_signature_and_the_identification_are_there(void **state)
{
    struct world *w = *state;

    select_key(w, FW_CFG_SIGNATURE);
    expect(w, "QEMU\0\0", 6); /* zeroes behind the end */
    select_key(w, FW_CFG_ID);
    expect(w, "\3\0\0\0", 4);
    assert_int_equal(rig_in32(&w->rig, 0x514), load32("QEMU"));
    assert_int_equal(rig_in32(&w->rig, 0x518), load32(" CFG"));
}

static void selecting_starts_at_the_first_byte_again(void **state)
{
    struct world *w = *state;

    assert_true(fw_cfg_add_u16(w->d, FW_CFG_CPUS, 0x1234));
    assert_true(fw_cfg_add_u64(w->d, FW_CFG_RAM_SIZE, 0x1122334455667788));
    select_key(w, FW_CFG_RAM_SIZE);
    expect(w, "\x88\x77", 2);
    select_key(w, FW_CFG_RAM_SIZE);
    expect(w, "\x88\x77\x66\x55\x44\x33\x22\x11\0", 9);
    select_key(w, FW_CFG_CPUS);
    expect(w, "\x34\x12\0", 3);
}

static void renew(void *owner)
{
    struct world *w = owner;

    assert_true(fw_cfg_add_file(w->d, "etc/pm", w->fresh, 3));
}

static void items_that_follow_the_machine_are_renewed_before_each_read(void **state)
{
    struct world *w = *state;

    w->fresh = "one";
    assert_true(fw_cfg_add_file(w->d, "etc/pm", w->fresh, 3));
    fw_cfg_before_reads(w->d, renew, w);
    select_key(w, FW_CFG_FILES);
    expect(w, "o", 1);
    w->fresh = "two";
    expect(w, "wo\0", 3);
    w->fresh = "six";
    assert_int_equal(dma(w, FW_CFG_FILES << 16 | 8 | 2, 3, TARGET), 0);
    assert_memory_equal(w->rig.ram + TARGET, "six", 3);
}

static void what_was_never_added_reads_as_zeroes(void **state)
{
    struct world *w = *state;

    select_key(w, 0x3333);
    expect(w, "\0\0\0\0", 4);
    select_key(w, 0xffff);
    expect(w, "\0", 1);
}

static void writes_to_the_data_port_change_nothing(void **state)
{
    struct world *w = *state;

    select_key(w, FW_CFG_SIGNATURE | 0x4000);
    rig_out(&w->rig, 0x511, 'X');
    select_key(w, FW_CFG_SIGNATURE);
    expect(w, "QEMU", 4);
}

static void the_directory_is_sorted_by_name(void **state)
{
    struct world *w = *state;
    uint8_t bytes[4 + 3 * 64];

    assert_true(fw_cfg_add_file(w->d, "etc/e820", "abc", 3));
    assert_true(fw_cfg_add_file(w->d, "bootorder", "hello", 5));
    assert_true(fw_cfg_add_file(w->d, "opt/x", "", 0));
    assert_true(
        fw_cfg_add_file(w->d, "etc/e820", "abcd", 4)); /* in place of the first */
    select_key(w, FW_CFG_DIRECTORY);
    for (unsigned n = 0; n < sizeof bytes; n++)
        bytes[n] = next(w);
    assert_int_equal(big(bytes), 3);
    assert_string_equal((char *)bytes + 4 + 8, "bootorder");
    assert_string_equal((char *)bytes + 4 + 64 + 8, "etc/e820");
    assert_string_equal((char *)bytes + 4 + 128 + 8, "opt/x");
    assert_int_equal(big(bytes + 4 + 64), 4);
    assert_int_equal(bytes[4 + 64 + 4] << 8 | bytes[4 + 64 + 5], 0x21);
    select_key(w, 0x21);
    expect(w, "abcd\0", 5);
    select_key(w, 0x20);
    expect(w, "hello\0", 6);
}

static void too_many_items_and_long_names_are_refused(void **state)
{
    struct world *w = *state;
    char name[57];
    unsigned n;

    memset(name, 'n', 56);
    name[56] = 0;
    assert_false(fw_cfg_add_file(w->d, name, "", 0));
    assert_false(fw_cfg_add_file(w->d, "", "", 0));
    name[55] = 0;
    assert_true(fw_cfg_add_file(w->d, name, "", 0));
    for (n = 0; n < 200 && fw_cfg_add_u16(w->d, (uint16_t)(0x1000 + n), 0); n++)
        ;
    assert_int_equal(n, 128 - 4);
}

static void dma_selects_skips_and_reads(void **state)
{
    struct world *w = *state;

    assert_true(fw_cfg_add_bytes(w->d, FW_CFG_KERNEL_DATA, "0123456789", 10));
    memset(w->rig.ram + TARGET, 0xcc, 16);
    assert_int_equal(dma(w, FW_CFG_KERNEL_DATA << 16 | 8 | 4, 3, 0), 0);
    assert_int_equal(dma(w, 2, 12, TARGET), 0);
    assert_memory_equal(w->rig.ram + TARGET, "3456789\0\0\0\0\0\xcc", 13);
}

static bool take(void *owner, const uint8_t *bytes, uint32_t n)
{
    struct world *w = owner;

    memcpy(w->taken, bytes, n);
    w->taken_size = n;
    return n != 3;
}

static void a_file_that_wants_them_gets_what_the_guest_writes(void **state)
{
    enum { FILE_KEY = FW_CFG_FILES << 16, SELECT = 8, WRITE = 16 };
    struct world *w = *state;

    assert_true(fw_cfg_add_file(w->d, "etc/ask", "\0\0\0\0", 4));
    memcpy(w->rig.ram + TARGET, "hello", 5);
    assert_int_equal(dma(w, FILE_KEY | SELECT | WRITE, 4, TARGET), 1); /* nobody listens */
    fw_cfg_on_write(w->d, "etc/ask", take, w);
    assert_int_equal(dma(w, FILE_KEY | SELECT | WRITE, 4, TARGET), 0);
    assert_int_equal(w->taken_size, 4);
    assert_memory_equal(w->taken, "hell", 4);
    w->taken_size = 0;
    assert_int_equal(dma(w, WRITE, 1, TARGET), 1);                     /* not from its start */
    assert_int_equal(dma(w, FILE_KEY | SELECT | WRITE, 5, TARGET), 1); /* too much */
    assert_int_equal(dma(w, FILE_KEY | SELECT | WRITE, 4, 1ull << 40), 1);
    assert_int_equal(w->taken_size, 0);
    assert_int_equal(dma(w, FILE_KEY | SELECT | WRITE, 3, TARGET), 1); /* refused by take() */
    assert_int_equal(w->taken_size, 3);
}

static void a_long_dma_takes_virtual_time_and_its_control_field_tells(void **state)
{
    static uint8_t kernel[0x30000];
    struct world *w = *state;

    for (unsigned n = 0; n < sizeof kernel; n++)
        kernel[n] = (uint8_t)(n * 7 + (n >> 8));
    assert_true(fw_cfg_add_bytes(w->d, FW_CFG_KERNEL_DATA, kernel, sizeof kernel));
    assert_int_not_equal(
        dma(w, FW_CFG_KERNEL_DATA << 16 | 8 | 2, sizeof kernel, TARGET), 0);
    assert_memory_equal(w->rig.ram + TARGET, kernel, 0x10000);
    rig_run(&w->rig, 200);
    assert_int_equal(big(w->rig.ram + REQUEST), 0);
    assert_memory_equal(w->rig.ram + TARGET, kernel, sizeof kernel);
}

static void dma_outside_ram_ends_in_an_error(void **state)
{
    struct world *w = *state;

    assert_int_equal(dma(w, 2, 16, RIG_RAM - 8), 1);
    assert_int_equal(dma(w, 2, 16, UINT64_MAX - 3), 1);
    assert_int_equal(dma(w, 0x10, 16, TARGET), 1); /* writing items is not offered */
    rig_out32(&w->rig, 0x514, bswap32(0xffffffff));
    rig_out32(&w->rig, 0x518, bswap32(0xfffffff0)); /* no request there at all */
    assert_int_equal(dma(w, 2, 0, TARGET), 0);      /* and it goes on working */
}

static void a_dma_of_4_gib_ends_where_ram_does(void **state)
{
    struct world *w = *state;

    assert_int_not_equal(dma(w, 2, 0xffffffff, TARGET), 0);
    rig_run(&w->rig, 1000);
    assert_int_equal(big(w->rig.ram + REQUEST), 1);
    assert_int_equal(w->rig.clock.count, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_signature_and_the_identification_are_there),
        T(selecting_starts_at_the_first_byte_again),
        T(items_that_follow_the_machine_are_renewed_before_each_read),
        T(what_was_never_added_reads_as_zeroes),
        T(writes_to_the_data_port_change_nothing),
        T(the_directory_is_sorted_by_name),
        T(too_many_items_and_long_names_are_refused),
        T(dma_selects_skips_and_reads),
        T(a_file_that_wants_them_gets_what_the_guest_writes),
        T(a_long_dma_takes_virtual_time_and_its_control_field_tells),
        T(dma_outside_ram_ends_in_an_error),
        T(a_dma_of_4_gib_ends_where_ram_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
